"""How h grows in v: Lipschitz, the scaled limit h_infinity, and the step sizes."""

from __future__ import annotations

from fractions import Fraction

from ...symbolic.approximation.quantity import text
from ...symbolic.approximation.scaling import Growth, all_affine, constants_inside, growth, lipschitz
from ..verdict import Claim
from .form import transition_text
from .study import Study, number, texts, vector


def lipschitz_claim(study: Study) -> Claim:
    """A Lipschitz constant, or a ray along which h outgrows every constant."""
    if not study.piecewise_affine:
        return _grows(study, "lipschitz")
    if study.traces is None:
        symbolic = study.symbolic
        plain = symbolic is None or symbolic.table.maxima or not all_affine(symbolic)
        constant = lipschitz(study.samples if plain or symbolic is None else symbolic)
        assert constant is not None
        return study.holds("lipschitz", True, f"|h(v, y) - h(w, y)| <= {number(constant)} |v - w| in the sup-norm",
                           constant=texts([constant])[0])  # fmt: skip
    if study.beyond_means:
        return study.open("lipschitz", study.beyond_means)
    if not study.traces.shrinks():
        return study.holds("lipschitz", False, "the constant grows with |e|, which has no stationary mean")
    return study.holds("lipschitz", True, "affine in v with a constant that grows with |e|, and E |e| is finite")


def scaling(study: Study) -> Claim:
    """h_infinity, or a ray along which h(c v)/c has no limit."""
    if not study.piecewise_affine:
        return _grows(study, "scaling")
    maxima = bool(study.samples.table.maxima)
    inside = maxima and any(constants_inside(q) for move in study.samples.moves for q in move.values())
    if inside:
        reason = "|h_c - h_infinity| <= K/c, h_infinity without constants; a maximum has constants inside"
    else:
        reason = "h_c - h_infinity = h(0, y)/c: h_infinity drops the constants" + (", maxima stay" if maxima else "")
    return study.holds("scaling", True, reason, constants_inside_maxima=inside)


def _grows(study: Study, key: str) -> Claim:
    witness = growth(study.samples)
    if witness is None:
        return study.open(key, "h multiplies weights, and no ray was found along which it grows faster than linearly")
    return study.holds(key, False, growth_text(study, witness), ray=texts(witness.ray), degree=witness.degree,
                       leading=texts([witness.leading])[0])  # fmt: skip


def growth_text(study: Study, witness: Growth) -> str:
    """A growth in words."""
    entry = study.samples.moves[witness.transition][witness.place]
    where = transition_text(study.samples.transitions[witness.transition])
    return (
        f"at {where} the change of {study.samples.names[witness.place]} is {text(entry, 60)}: along v = c "
        f"{vector(witness.ray)} it grows like {number(witness.leading)} c^{witness.degree}"
    )


def steps(study: Study) -> Claim:
    """alpha_k = 1/k^power: positive, decreasing, with a sum that diverges, and against the averages."""
    power = study.power
    shown = "1/k" if power == 1 else f"1/k^{number(power)}"
    if power > 1:
        return study.holds("steps", False, f"alpha_k = {shown} has a finite sum: the iterates stop short")
    if power == 1:
        return study.holds(
            "steps",
            True,
            "alpha_k = 1/k: its sum is infinite, (alpha_k - alpha_{k+1})/alpha_k <= alpha_k, sums become averages",
        )
    if power > Fraction(1, 2):
        return study.assumed(
            "steps",
            f"alpha_k = {shown} decreases, its sum is infinite; that alpha_k sum (g(Y_i) - E g) -> 0 takes a law of "
            "the iterated logarithm, which is assumed",
        )
    return study.assumed("steps", f"alpha_k = {shown} shrinks too slowly for averages to control it: assumed")
