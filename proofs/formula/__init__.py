"""Formulas from trees: one table of symbols, printers over the traced tree and over SymPy's expressions.

Read `symbols` (what everything is called), `shape` (an update's loop as sums and recursions), `tree_latex` and
`sympy_latex` (the printers), `macros` (notation that an author changes in one place), in this order.
"""
