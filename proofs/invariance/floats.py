"""Claims about invariance from torch: autograd against the exact update, other attentions, Adam, sampled laws."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.arithmetics.rational import Rational
from ...symbolic.invariance.decide import enumerable, generic_point, small_sample
from ...symbolic.invariance.samples import Trajectory
from ...symbolic.invariance.sets import commutant
from ..verdict import Claim, Verdict

if TYPE_CHECKING:
    from .at_depth import LinearAtDepth

FLOAT, MONTE_CARLO = "invariance-float", "invariance-monte-carlo"
WITHIN, OBSERVED = "within a proven bound on this run", "observed"
ROUNDING = 2.0**-30
"""The share of an average that may stick out as rounding where no bound is derived; a single sample's is far above."""


TRIES = 8
"""How many samples are looked at for one that moves the weights."""


def float_claims(subject: LinearAtDepth) -> Iterator[Claim]:
    """Autograd's average against the exact one; relu, softmax and Adam, as far as floats can say."""
    if not enumerable(subject.group) or subject.algorithm.extras:  # torch's samples carry features and rewards only
        return
    from ...numeric.training.outer_update import compare_with_exact

    space, group, outer = subject.space, subject.group, subject.outer
    sample = small_sample(space, subject.seed)
    comparison = compare_with_exact(space, subject.start, sample, outer, group)
    yield subject.claim(
        f"autograd of the torch module, averaged over the group, is the exact update, {subject.depth_words}",
        FLOAT, Verdict.HOLDS if comparison.within else Verdict.REFUTED, WITHIN,
        f"error {comparison.error:.1e} of {comparison.bound:.1e} in float64 ({comparison.roundings} roundings), "
        f"the update's largest entry is {comparison.largest:.2g}",
        error=comparison.error, bound=comparison.bound, details={"fact": "autograd", "ratio": comparison.ratio},
    )  # fmt: skip
    if group.is_named("signed-permutations"):
        yield from _attention_claims(subject)
        yield _adam_claim(subject, sample)


def _attention_claims(subject: LinearAtDepth) -> Iterator[Claim]:
    """The average with relu and softmax attention stays in the commutant, as observed; one sample does not."""
    space, group = subject.space, subject.group
    for kind in ("relu", "softmax"):
        average = single = 0.0
        for seed in range(subject.seed, subject.seed + TRIES):  # a sample that moves nothing says nothing
            average, single = _shares(subject, kind, small_sample(space, seed), seed)
            if single > ROUNDING or average > ROUNDING:
                break
        verdict = Verdict.REFUTED if average > ROUNDING else Verdict.HOLDS if single > ROUNDING else Verdict.NOT_RUN
        yield subject.claim(
            f"with {kind} attention too the averaged update stays in the commutant of {group.name}, "
            f"{subject.depth_words}",
            FLOAT, verdict, OBSERVED,
            f"off the commutant: {average:.0e} of the largest entry on average, {single:.2g} for one sample (float64)"
            if verdict is not Verdict.NOT_RUN
            else f"none of {TRIES} samples moved the weights out of the commutant even alone",
            asked=verdict is not Verdict.NOT_RUN,
            details={"fact": f"{kind} attention", "average": average, "single": single},
        )  # fmt: skip


def _shares(subject: LinearAtDepth, kind: str, sample: Trajectory, seed: int) -> tuple[float, float]:
    """How far the average, and one sample, stick out of the commutant, as shares of the largest entry."""
    from ...numeric.training.outer_update import Attention, flat, moved_samples, outer_update

    space, group = subject.space, subject.group
    whole = commutant(space, group)
    moved = moved_samples(sample, group.elements or ())
    updates = outer_update(space, flat(generic_point(whole, seed)), moved, subject.outer, Attention(kind)).updates
    largest = float(updates.abs().max())
    shares = []
    for update in (updates.mean(dim=0), updates[0]):
        outside = whole.span.residual([Rational.of(Fraction(x)) for x in update.tolist()], RATIONALS)
        shares.append(max(abs(float(x.fraction())) for x in outside) / largest if largest else 0.0)
    return shares[0], shares[1]


def _adam_claim(subject: LinearAtDepth, sample: Any) -> Claim:
    """Adam's steps commute with signed permutations, byte for byte, and not with a rotation."""
    from ...numeric.training.outer_update import adam_difference, flat, moved_samples, outer_update
    from ...symbolic.invariance.symmetry import group_named

    space, d = subject.space, subject.space.layout.d
    elements = subject.group.elements or ()
    point = generic_point(commutant(space, subject.group), subject.seed)
    updates = outer_update(space, flat(point), moved_samples(sample, elements[:5]), subject.outer).updates
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


def monte_carlo_claim(subject: LinearAtDepth, law: str, units: int) -> Claim:
    """One joint test on random processes and features that the expected update has no part outside the commutant."""
    from ...numeric.training.monte_carlo import joint_test

    whole = commutant(subject.space, subject.group)
    test = joint_test(subject.start, subject.outer, whole, law, units, seed=subject.seed)
    reason = (
        f"{test.units} random processes, {test.coordinates} off-set coordinates jointly: "
        f"p {_p_value(test.p_value)}, level {test.level:g}; "
        f"an off-set part {test.effect:g} standard deviations long is seen with probability {test.power:.4f}"
    )
    fields = {name: getattr(test, name) for name in ("units", "coordinates", "silent", "p_value", "level", "power")}
    return subject.claim(
        f"sampled under the law {law}, the expected update stays in the commutant, {subject.depth_words}",
        MONTE_CARLO, Verdict.REFUTED if test.rejected else Verdict.HOLDS, OBSERVED, reason,
        details={"fact": "sampling", "law": law, **fields},
    )  # fmt: skip
