"""What one layer, or one update, adds to an accumulator row, as a formula in whole rows."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ...symbolic.derivation.derive import Derivation
from ...symbolic.identity.expansion import Sum
from ..formula.build import bracketed, entry, linear, multiple, row, transposed
from ..formula.formula import Formula
from .names import LAYER, Names, mask_symbol, over_n, signed, word_formula
from .notation import row_symbol


def sum_formula(terms: Sum, derivation: Derivation, names: Names, blocks: Mapping[str, Formula]) -> Formula:
    """The sum as a formula in whole rows: beta Y[momentum] + (1/n) (-Y[td_error] M0 X[phi]^T C_l^T X[phi] + ...)."""
    shown: list[tuple[Fraction, Formula | None]] = []
    own: list[tuple[Fraction, Formula | None]] = []
    for key, coefficient in sorted(terms.items(), key=lambda item: item[0]):
        if len(key) == 1:
            own.append(_times(names.scalar(coefficient), row_symbol(names.rows[key[0]])))
            continue
        read, mask, r, word, s = key
        between = [word_formula(word, LAYER)] if word else []
        meeting = [transposed(entry("X", blocks[r])), *between, entry("X", blocks[s])]
        whole = row(row_symbol(names.rows[read]), mask_symbol(derivation.mask_names[mask]), *meeting)
        shown.append(_times(names.scalar(coefficient), whole))
    if not shown:
        return linear(own)
    crossed = row(over_n("tfrac"), bracketed(linear(shown), "big"))
    return linear([*own, (Fraction(1), crossed)]) if own else crossed


def _times(factor: Formula, what: Formula) -> tuple[Fraction, Formula]:
    """A sign, and the rest of the product: a factor of several terms stands in brackets."""
    sign, size = signed(factor)
    return sign, multiple(size, what)
