"""The paper form: two or three pages an algorithm, as a theorist writes them, for LaTeX and as a PDF.

Read `model` (what a paper is made of), `facts` (what of an algorithm the text reads), the parts `update`, `prompt`,
`weights`, `lemma`, `theorem`, `evidence`, then the writers `latex` and `typst`, and `write`.
"""
