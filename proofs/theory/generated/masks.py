"""The masks in Rocq, in two forms: as the mask lemma reads them, and entry by entry as a paper has them."""

from __future__ import annotations

from ....symbolic.derivation.coefficients import INDEX
from ....symbolic.derivation.masks import Mask, Triangle
from ....symbolic.derivation.scalar import Scalar
from .scalars import Spelling
from .terms import bracketed

STEP = "i'"


def summed(mask: Mask, spelling: Spelling) -> str:
    """A sum of `diagonal`, `below` and `above`, the theory's words, or of `pbelow` and `pabove` where steps differ."""
    parts = []
    if mask.diagonal:
        parts.append(f"diagonal (fun j => {spelling.text(mask.diagonal)})")
    for word, triangles in (("below", mask.lower), ("above", mask.upper)):
        for t in triangles:
            coefficient = f"(fun j => {spelling.text(t.coefficient)})"
            if differs_by_step(t.decay, t.enters):
                enters = f"(fun j => {entering(t.enters, spelling)})"
                parts.append(f"p{word} {step_decay(t.decay, spelling)} {t.delay} {coefficient} {enters}")
            else:
                parts.append(f"{word} {spelling.argument(t.decay)} {t.delay} {coefficient}")
    return " + ".join(parts) or "0"


def split(mask: Mask, spelling: Spelling) -> str:
    """The same as multiples of masks without a factor in front, so that masks which add up to another are seen to."""
    parts = [f"{outer}diagonal (fun j => {inner})" for outer, inner in _multiples(mask.diagonal, spelling)]
    for word, triangles in (("below", mask.lower), ("above", mask.upper)):
        for t in triangles:
            for outer, inner in _multiples(t.coefficient, spelling):
                if differs_by_step(t.decay, t.enters):
                    enters = f"(fun j => {entering(t.enters, spelling)})"
                    own = f"p{word} {step_decay(t.decay, spelling)} {t.delay} (fun j => {inner}) {enters}"
                else:
                    own = f"{word} {spelling.argument(t.decay)} {t.delay} (fun j => {inner})"
                parts.append(outer + own)
    return " + ".join(parts) or "0"


def _multiples(scalar: Scalar, spelling: Spelling) -> list[tuple[str, str]]:
    return [("" if outer == "1" else f"{bracketed(outer)} *: ", inner) for outer, inner in spelling.apart(scalar)]


def differs_by_step(decay: Scalar, enters: Scalar | None) -> bool:
    """Whether a trace decays otherwise at some step than at others, or takes in what the position weighs."""
    return enters is not None or INDEX in decay.names()


def step_decay(decay: Scalar, spelling: Spelling) -> str:
    """The decay as a function of the step, counted from zero; i' is no name of a user's."""
    return f"(fun i' => {spelling.text(decay, STEP)})"


def entering(enters: Scalar | None, spelling: Spelling, position: str = "j") -> str:
    """What an entry is multiplied by as it enters a trace."""
    return "1" if enters is None else spelling.text(enters, position)


def entries(mask: Mask, spelling: Spelling) -> str:
    """The entry at (i, j), value token i against key token j: `if j <= i then lam^(i-j)`."""
    diagonal = spelling.text(mask.diagonal, "i")
    if not mask.lower and not mask.upper:
        return f"if i == j then {diagonal} else 0"
    if len(mask.lower) == 1 and not mask.upper:
        (t,) = mask.lower
        alike = not differs_by_step(t.decay, t.enters)
        if alike and mask.diagonal == 1 and not t.delay and t.decay and t.coefficient == t.decay and t.decay != 1:
            return f"if (j <= i)%N then {spelling.argument(t.decay)} ^+ (i - j) else 0"
    below = " + ".join(_triangle(t, spelling, "i", "j") for t in mask.lower) or "0"
    above = " + ".join(_triangle(t, spelling, "j", "i") for t in mask.upper) or "0"
    return f"if i == j then {diagonal} else if (j < i)%N then {below} else {above}"


def _triangle(t: Triangle, spelling: Spelling, later: str, earlier: str) -> str:
    coefficient = spelling.text(t.coefficient, later)
    if differs_by_step(t.decay, t.enters):
        return _product(t, spelling, later, earlier)
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


def _product(t: Triangle, spelling: Spelling, later: str, earlier: str) -> str:
    """An entry with the product of the decays of the steps between."""
    last = f"({later} - {t.delay})" if t.delay else later
    product = f"\\prod_({earlier}.+1 <= {STEP} < {last}) ({spelling.text(t.decay, STEP)})"
    text = f"{bracketed(spelling.text(t.coefficient, later))} * ({product})"
    if t.enters is not None:
        text = f"{text} * {bracketed(entering(t.enters, spelling, earlier))}"
    return f"(if ({earlier} + {t.delay} < {later})%N then {text} else 0)" if t.delay else text
