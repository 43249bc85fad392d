"""The derived masks in Rocq, in two forms: as the mask lemma reads them, and entry by entry as a paper has them."""

from __future__ import annotations

from ....symbolic.derivation.masks import Mask, Triangle
from ....symbolic.errors import NotRepresentableError
from .scalars import Spelling
from .terms import bracketed


def summed(mask: Mask, spelling: Spelling) -> str:
    """A sum of `diagonal`, `below` and `above`, the theory's words; `NotRepresentableError` for other triangles."""
    if any(t.enters is not None or not t.geometric for t in (*mask.lower, *mask.upper)):
        raise NotRepresentableError("a mask is no sum of geometric triangles, and the theory has no lemma about others")
    parts = []
    if mask.diagonal:
        parts.append(f"diagonal (fun j => {spelling.text(mask.diagonal)})")
    for word, triangles in (("below", mask.lower), ("above", mask.upper)):
        for t in triangles:
            parts.append(f"{word} {spelling.argument(t.decay)} {t.delay} (fun j => {spelling.text(t.coefficient)})")
    return " + ".join(parts) or "0"


def entries(mask: Mask, spelling: Spelling) -> str:
    """The entry at (i, j), value token i against key token j: `if j <= i then lam^(i-j)`."""
    diagonal = spelling.text(mask.diagonal, "i")
    if not mask.lower and not mask.upper:
        return f"if i == j then {diagonal} else 0"
    if len(mask.lower) == 1 and not mask.upper:
        (t,) = mask.lower
        if mask.diagonal == 1 and not t.delay and t.decay and t.coefficient == t.decay and t.decay != 1:
            return f"if (j <= i)%N then {spelling.argument(t.decay)} ^+ (i - j) else 0"
    below = " + ".join(_triangle(t, spelling, "i", "j") for t in mask.lower) or "0"
    above = " + ".join(_triangle(t, spelling, "j", "i") for t in mask.upper) or "0"
    return f"if i == j then {diagonal} else if (j < i)%N then {below} else {above}"


def _triangle(t: Triangle, spelling: Spelling, later: str, earlier: str) -> str:
    coefficient = spelling.text(t.coefficient, later)
    if not t.decay:
        return f"(if {later} == ({earlier} + {t.delay}).+1 :> nat then {coefficient} else 0)"
    if t.delay:
        power = f"{spelling.argument(t.decay)} ^+ ({later} - {earlier} - {t.delay}).-1"
        text = coefficient if t.decay == 1 else power if coefficient == "1" else f"{bracketed(coefficient)} * {power}"
        return f"(if ({earlier} + {t.delay} < {later})%N then {text} else 0)"
    if t.decay == 1:
        return bracketed(coefficient)
    if t.coefficient == t.decay:
        return f"{spelling.argument(t.decay)} ^+ ({later} - {earlier})"
    return f"{bracketed(coefficient)} * {spelling.argument(t.decay)} ^+ ({later} - {earlier}).-1"
