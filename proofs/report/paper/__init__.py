"""The paper form: two or three pages an algorithm, as a theorist writes them, for LaTeX and as a PDF.

Read `model` (what a paper is made of), `notation` (what is written with its symbols alone), `facts` (what of an
algorithm the text reads), the parts `update`, `prompt`, `weights`, `lemma`, `theorem`, `evidence`, the same of patterns
(`patterned`, `patterns`, `pattern_layer`, `pattern_theorem`), then the writers `latex` and `typst`, and `write`.
"""
