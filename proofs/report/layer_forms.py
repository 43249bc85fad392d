"""What a layer of linear attention is, and which blocks its matrices have, in formulas."""

from __future__ import annotations

from ..formula.build import NO_GAP, Part, bracketed, call, equation, fraction, indexed, matrix, row, summed, transposed
from ..formula.formula import Formula
from ..formula.nodes import Sign

PATTERN = row("M", bracketed(row(transposed("Z"), "Q", "Z")))
"""The attention pattern of a head."""


def attention(Z: Part, key_query: Part) -> Formula:
    """What all heads add to a prompt, up to its factor.

    key_query : what the matrix Q of head h is called
    """
    pattern = bracketed(row(transposed(Z), key_query, Z), "big")
    return summed("h", row(indexed("W", "h"), indexed("P", "h"), Z, indexed("M", "h"), pattern))


def layer(factor: Formula) -> tuple[Formula, Formula]:
    """What layer l makes of a prompt, by its factor: both sides."""
    Z = indexed("Z", "ell")
    made = row(Z, "+", factor, attention(Z, indexed("Q", "ell", ",", "h")))
    return indexed("Z", "ell", "+", "1"), made


LAYER = row("Z", "+", fraction("1", "n"), attention("Z", indexed("Q", "h")))
"""A layer, its number left out."""


def _diagonal(*blocks: Part) -> Formula:
    return call(Formula(Sign("function", "diag")), *blocks, gap=NO_GAP)


def _forms(value: Formula, key_query: Formula) -> tuple[Formula, str, Formula]:
    return equation(row("W", "P"), value), ", ", equation("Q", key_query)


FORM = _forms(_diagonal("0", "U"), _diagonal("E", "0"))
"""A head in which features meet, as spans of a sentence."""
OVER_CONSTANT = _forms(matrix([["0", "0"], ["U", "0"]]), matrix([["0", "E"], ["0", "0"]]))
"""A head over the constant row, likewise."""
