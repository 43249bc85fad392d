"""Formulas as trees: what they are made of, what makes them and what prints them.

Read `nodes` (what a formula is made of), `build` (how one is put together), `text` and `latex` (its printers; those of
MathML and Typst stand with the report's writers), `reader` (the gate that LaTeX of users passes), `lines` (where long
ones are broken). Then what makes formulas of other objects: `symbols` and `macros` (what everything is called, and the
notation that an author changes in one place), `shape` and `loop_tree` (an update's loop as sums and recursions),
`rows` (a prompt's), `sympy_tree` (SymPy's expressions).
"""
