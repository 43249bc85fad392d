"""Invariance for algorithms whose transitions carry more: numbers stay, vectors move with the features."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import layerproof as lp
from layerproof.proofs.invariance.at_depth import at_depths
from layerproof.proofs.invariance.claims import named_set, set_names
from layerproof.proofs.invariance.question import Question
from layerproof.proofs.user_file import load
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.invariance.decide import equivariant, small_sample
from layerproof.symbolic.invariance.polynomials import residual_polynomials
from layerproof.symbolic.invariance.samples import Trajectory
from layerproof.symbolic.invariance.update import averaged_update, sample_update

EXAMPLES = Path(__file__).parents[2] / "examples"


def subject(name, **asked):
    (answer,) = at_depths([load(EXAMPLES / f"{name}.py")], Question(layers=1, **asked))
    return answer


@pytest.mark.slow
@pytest.mark.parametrize("name", ("off_policy_td", "expected_sarsa"))
def test_the_sets_of_one_layer_and_the_commutant_hold(name):
    path = str(EXAMPLES / f"{name}.py")
    for asked in ("one-layer", "commutant"):
        result = lp.invariance(path, layers=1, set=asked, floats=False)
        assert result.holds and {"invariance-blocks", "invariance-entrywise"} <= {c.evidence for c in result.claims}
    refuted = lp.invariance(path, layers=2, looped=True, set="one-layer", floats=False)
    witness = next(c.witness for c in refuted.claims if c.witness)
    assert refuted.exit_code == 1 and set(witness["extras"]) == {n for n, _ in load(EXAMPLES / f"{name}.py").extras}


def test_vectors_move_and_numbers_stay():
    s = subject("expected_sarsa")
    sample = small_sample(s.space)
    moved = sample.moved(s.group.generators[0], Fraction)
    for (_, is_vector, before), (_, _, after) in zip(sample.extras, moved.extras, strict=True):
        assert [tuple(reversed(v)) for v in before] == list(after) if is_vector else before == after


def test_a_vector_that_does_not_move_is_noticed(monkeypatch):
    s = subject("expected_sarsa")
    assert equivariant.__wrapped__(s.space, s.group, s.outer) is None
    right = Trajectory.moved
    monkeypatch.setattr(Trajectory, "moved", lambda self, g, number: Trajectory(
        right(self, g, number).features, self.rewards, self.extras))  # fmt: skip
    assert equivariant.__wrapped__(s.space, s.group, s.outer) is not None


@pytest.mark.parametrize("name", ("off_policy_td", "expected_sarsa"))
def test_polynomials_agree_with_the_average_on_samples(name):
    """Where polynomials see something outside a set, some sample does, and where they see nothing no sample does."""
    s = subject(name)
    for weights in (named_set(s, name) for name in set_names(s)):
        expanded = residual_polynomials(weights, s.group, s.outer)
        seen = set()
        for seed in range(6):
            point = weights.point(
                [Fraction(k + seed % 3 + 1, 2) for k in range(weights.dimension)], [Fraction(1)] * len(weights.frozen)
            )
            average = averaged_update(s.space, point, small_sample(s.space, seed), s.outer, s.group.elements, RATIONALS)
            seen |= {k for k, x in enumerate(weights.span.residual(average, RATIONALS)) if x != 0}
        assert seen <= set(expanded.nonzero)
        assert bool(seen) == bool(expanded.nonzero)


def test_a_single_sample_leaves_the_commutant():
    s = subject("off_policy_td")
    whole = named_set(s, "commutant")
    update = sample_update(s.space, s.start, small_sample(s.space, 3), s.outer, RATIONALS).update
    assert any(x != 0 for x in whole.span.residual(update, RATIONALS))
