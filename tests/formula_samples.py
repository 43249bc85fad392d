"""Formulas in LaTeX, put together at random from pieces: as many as the gate lets through."""

from __future__ import annotations

from random import Random

from layerproof.proofs.formula.commands import DELIMITERS, FUNCTIONS, GREEK_AND_LETTERS, OPERATORS
from layerproof.proofs.formula.reader import readable

COMMANDS = [*(f"\\{name}" for name in (*GREEK_AND_LETTERS, *OPERATORS, *sorted(FUNCTIONS))), *DELIMITERS]
PIECES = [
    *"ab1+-=()[],'^_{}|&$%#~* ", "23", "^{2}", "_{j}", r"\\", r"\{", r"\}", r"\text{a\_b < c}", r"\mathrm{ab}",
    r"\frac", r"\tfrac12", r"\sqrt", r"\hat", r"\bar x", r"\left(", r"\right)", r"\left[", r"\right.", r"\bigl(",
    r"\big|", r"\begin{cases}", r"\end{cases}", r"\begin{pmatrix}",
    r"\end{pmatrix}", r"\underbrace", r"\mathbb{R}", r"\operatorname{tr}", r"\mathbf", r"\max", r"\,", r"\input",
    r"\write18",
]  # fmt: skip


def gathered(count: int, seed: int) -> list[str]:
    """Formulas put together at random from pieces, as many as the gate lets through."""
    random, formulas = Random(seed), set[str]()
    while len(formulas) < count:
        pieces = random.choices(PIECES + random.choices(sorted(COMMANDS), k=12), k=random.randint(2, 9))
        if readable(formula := "".join(p + " " * p[-1:].isalpha() for p in pieces)):
            formulas.add(formula)
    return sorted(formulas)
