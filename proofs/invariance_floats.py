"""Claims about invariance from torch: autograd against the exact update, other attentions, Adam, sampled laws."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..symbolic.arithmetic import RATIONALS
from ..symbolic.invariance.decide import enumerable, small_sample
from ..symbolic.invariance.sets import commutant
from ..symbolic.rational import Rational
from .verdict import Claim, Verdict

if TYPE_CHECKING:
    from .invariance import Subject

FLOAT, MONTE_CARLO = "invariance-float", "invariance-monte-carlo"
WITHIN, OBSERVED = "within a proven bound on this run", "observed"
ROUNDING = 2.0**-30
"""The share of an average that may stick out as rounding where no bound is derived; a single sample's is far above."""


def float_claims(subject: Subject) -> Iterator[Claim]:
    """Autograd's average against the exact one; relu, softmax and Adam, as far as floats can say."""
    if not enumerable(subject.group):
        return
    from ..numeric.outer_update import compare_with_exact

    space, group, outer = subject.space, subject.group, subject.outer
    sample = small_sample(space, subject.seed)
    found = compare_with_exact(space, subject.start, sample, outer, group)
    yield subject.claim(
        f"autograd of the torch module, averaged over the group, is the exact update, {subject.depth_words}",
        FLOAT, Verdict.HOLDS if found.within else Verdict.REFUTED, WITHIN,
        f"error {found.error:.1e} of {found.bound:.1e} in float64 ({found.roundings} roundings), "
        f"the update's largest entry is {found.largest:.2g}",
        error=found.error, bound=found.bound, details={"fact": "autograd", "ratio": found.ratio},
    )  # fmt: skip
    if group.acts_as("signed-permutations"):
        yield from _attention_claims(subject, sample)
        yield _adam_claim(subject, sample)


def _attention_claims(subject: Subject, sample: Any) -> Iterator[Claim]:
    """The average with relu and softmax attention stays in the commutant, as observed; one sample does not."""
    from ..numeric.outer_update import Attention, flat, moved_samples, outer_update

    space, group = subject.space, subject.group
    span = commutant(space, group).span
    for kind in ("relu", "softmax"):
        moved = moved_samples(sample, group.elements or ())
        updates = outer_update(space, flat(subject.start), moved, subject.outer, Attention(kind)).updates
        shares = []
        for update in (updates.mean(dim=0), updates[0]):
            values = [Fraction(x) for x in update.tolist()]
            outside = span.residual([Rational.of(x) for x in values], RATIONALS)
            largest = float(updates.abs().max())
            shares.append(max(abs(float(x.fraction())) for x in outside) / largest if largest else 0.0)
        average, single = shares
        decided = average <= ROUNDING < single
        yield subject.claim(
            f"with {kind} attention too the averaged update stays in the commutant, {subject.depth_words}",
            FLOAT, Verdict.HOLDS if decided else Verdict.REFUTED if average > ROUNDING else Verdict.UNDECIDED, OBSERVED,
            f"off the commutant: {average:.0e} of the largest entry on average, {single:.2g} for one sample (float64)",
            details={"fact": f"{kind} attention", "average": average, "single": single},
        )  # fmt: skip


def _adam_claim(subject: Subject, sample: Any) -> Claim:
    """Adam's steps commute with signed permutations, byte for byte, and not with a rotation."""
    from ..numeric.outer_update import adam_difference, flat, moved_samples, outer_update
    from ..symbolic.invariance.symmetry import group_named

    space, d = subject.space, subject.space.layout.d
    elements = subject.group.elements or ()
    updates = outer_update(space, flat(subject.start), moved_samples(sample, elements[:5]), subject.outer).updates
    worst = max(adam_difference(space, updates, g) for g in elements)
    rotated = adam_difference(space, updates, group_named("rotations", d).generators[0]) if d > 1 else None
    aside = "" if rotated is None else f"; a rotation of two features makes a difference of {rotated:.1g}"
    return subject.claim(
        f"Adam's steps commute with signed permutations, so they keep the commutant too, {subject.depth_words}",
        FLOAT, Verdict.HOLDS if worst == 0 else Verdict.REFUTED, "exact on this instance",
        f"{len(updates)} steps of torch's Adam, difference {worst:.1g} over {len(elements)} elements{aside}",
        details={"fact": "Adam", "rotation": rotated},
    )  # fmt: skip


def _p_value(p: float) -> str:
    return f"= {p:.2g}" if p > 1e-300 else "below 1e-300"


def monte_carlo_claim(subject: Subject, law: str, units: int) -> Claim:
    """One joint test on random processes and features that the expected update has no part outside the commutant."""
    from ..numeric.monte_carlo import joint_test

    whole = commutant(subject.space, subject.group)
    found = joint_test(subject.start, subject.outer, whole, law, units, seed=subject.seed)
    reason = (
        f"{found.units} random processes, {found.coordinates} off-set coordinates jointly: "
        f"p {_p_value(found.p_value)}, level {found.level:g}; "
        f"an off-set part {found.effect:g} standard deviations long is seen with probability {found.power:.4f}"
    )
    fields = {name: getattr(found, name) for name in ("units", "coordinates", "silent", "p_value", "level", "power")}
    return subject.claim(
        f"sampled under the law {law}, the expected update stays in the commutant, {subject.depth_words}",
        MONTE_CARLO, Verdict.REFUTED if found.rejected else Verdict.HOLDS, OBSERVED, reason,
        details={"fact": "sampling", "law": law, **fields},
    )  # fmt: skip
