"""Training's outer update: its exact Jacobian at points refutes that it is a gradient, and refutes no gradient."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import Ordering, fmpq, fmpq_mat, fmpq_mpoly_ctx

from layerproof.proofs.convergence.outer import outer_field
from layerproof.proofs.convergence.question import Question
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.convergence.field import no_common_metric
from layerproof.symbolic.convergence.rationals import matrix
from layerproof.symbolic.identity.entrywise import polynomial_arithmetic
from layerproof.symbolic.invariance.jacobian import jacobian
from layerproof.symbolic.invariance.own_weights import own_construction, own_point
from layerproof.symbolic.invariance.samples import Outer, Trajectory
from layerproof.symbolic.invariance.update import sample_update
from layerproof.symbolic.invariance.weights import WeightSpace

GAMMA = Fraction(9, 10)


def test_differences_are_the_derivatives_of_the_update() -> None:
    own = own_construction(find("td0"), {}, 1, 1, 1, {"gamma": GAMMA}, True)
    space, outer = WeightSpace.of(find("td0"), own), Outer(discount=GAMMA)
    point = tuple(x + Fraction(k, 7) for k, x in enumerate(own_point(own)))
    numbers = [Fraction(k * k - 3, 5) for k in range(7)]
    ring = fmpq_mpoly_ctx.get(["t"], Ordering.lex)
    polynomials = polynomial_arithmetic(ring)

    def sample(arithmetic):  # type: ignore[no-untyped-def]
        f = [arithmetic.number(x) for x in numbers]
        return Trajectory(tuple((x,) for x in f[:4]), tuple(f[4:]))

    derivatives = jacobian(space, point, [sample(RATIONALS)], outer)
    for k in (2, 7, 8, 11, 17):
        there = [*point[:k], polynomials.number(point[k]) + ring.gens()[0], *point[k + 1 :]]
        update = sample_update(space, there, sample(polynomials), outer, polynomials).update
        assert [u.to_dict().get((1,), fmpq(0)) for u in update] == [derivatives[i, k] for i in range(space.size)]
    deep = own_construction(find("td0"), {}, 1, 1, 2, {"gamma": GAMMA}, True)
    with pytest.raises(ValueError, match="one layer"):
        jacobian(WeightSpace.of(find("td0"), deep), point, [sample(RATIONALS)], outer)


@pytest.mark.slow
def test_the_semi_gradient_is_refuted_and_a_true_gradient_is_not() -> None:
    semi = outer_field(find("td0"), Question())
    assert semi.refuted and not semi.symmetric and semi.document()["answer"] == "not a gradient"
    true = outer_field(find("td0"), Question(), "monte-carlo")
    assert true.symmetric and not true.refuted and true.document()["answer"] == "not refuted"


def test_what_one_metric_for_several_matrices_needs() -> None:
    J, K = matrix([[2, 1], [1, 3]]), matrix([[0, 5], [5, 1]])
    S = matrix([[1, 2], [0, 3]])
    assert not no_common_metric([J, K]) and not no_common_metric([S * J * S.inv(), S * K * S.inv()])
    assert "not real" in no_common_metric([J, matrix([[0, 1], [-1, 0]])])
    assert "defective" in no_common_metric([matrix([[1, 1], [0, 1]])])
    # each has a metric of its own, and both have none: the square of their commutator is twice the identity
    J, K = matrix([[1, 1], [0, 2]]), matrix([[1, 0], [1, 2]])
    assert not no_common_metric([J]) and not no_common_metric([K])
    assert fmpq_mat(2, 2, [2, 0, 0, 2]) == (J * K - K * J) * (J * K - K * J)
    assert "positive eigenvalue" in no_common_metric([J, K])
