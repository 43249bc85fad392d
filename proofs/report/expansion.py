"""What one layer, or one update, adds to an accumulator row, as a formula in whole rows."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ...symbolic.derivation.derive import Derivation
from ...symbolic.identity.expansion import Sum
from .document.formula import Formula, Names, linear, quoted, word_formula
from .notation import row_symbol


def sum_formula(terms: Sum, derivation: Derivation, names: Names, blocks: Mapping[str, Formula]) -> Formula:
    """The sum as a formula in whole rows: beta Y[momentum] + (1/n) (-Y[td_error] M0 X[phi]^T C_l^T X[phi] + ...)."""
    shown, own = [], []
    for key, coefficient in sorted(terms.items(), key=lambda item: item[0]):
        if len(key) == 1:
            own.append(_times(names.scalar(coefficient), row_symbol(names.rows[key[0]])))
            continue
        read, mask, r, word, s = key
        y, between = row_symbol(names.rows[read]), word_formula(word, "l")
        M = derivation.mask_names[mask]
        left, right = blocks[r], blocks[s]
        middle = (f"{between.text} ", between.latex.replace("{l}", r"{\ell}") + " ") if word else ("", "")
        text = f"{y.text} {M} X[{left.text}]^T {middle[0]}X[{right.text}]"
        tex = rf"{y.latex} {M[0]}_{{{M[1:]}}} X_{{{left.latex}}}^\top {middle[1]}X_{{{right.latex}}}"
        shown.append(_times(names.scalar(coefficient), quoted(text, tex)))
    if not shown:
        return linear(own) if own else quoted("0", "0")
    total = linear(shown)
    crossed = quoted(f"(1/n) ({total.text})", rf"\tfrac1n \bigl({total.latex}\bigr)")
    return linear([*own, (Fraction(1), crossed)]) if own else crossed


def _times(factor: Formula, what: Formula) -> tuple[Fraction, Formula]:
    """A sign, and the rest of the product: a factor of several terms stands in brackets."""
    wide = " " in factor.text and any(c in factor.text[1:] for c in "+-")
    sign, factor = (-1, _negated(factor)) if factor.text.startswith("-") and not wide else (1, factor)
    if factor.text == "1":
        return Fraction(sign), what
    text, tex = (f"({factor.text})", f"({factor.latex})") if wide else (factor.text, factor.latex)
    return Fraction(sign), quoted(f"{text} {what.text}", f"{tex} {what.latex}")


def _negated(formula: Formula) -> Formula:
    return quoted(formula.text[1:], formula.latex[1:])
