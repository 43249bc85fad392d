"""Expressions in every arithmetic: what uses fractions, the position and n means the same in each."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch
from flint import Ordering, fmpq, fmpq_mpoly_ctx

from layerproof.numeric.reference import Stacked
from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.arithmetics.arithmetic import PRIME_FIELD, RATIONALS
from layerproof.symbolic.arithmetics.prime_field import PRIME, element
from layerproof.symbolic.identity.degree import DEGREES, Degree
from layerproof.symbolic.identity.entrywise import polynomial_arithmetic
from layerproof.symbolic.tracing import evaluated, points, trace, traced_values
from layerproof.symbolic.transitions import Sweep, Transition

HALF = Fraction(1, 2)
GAINS: dict[str, Any] = {
    "a fraction of a number": lambda t, p, n: Fraction(2, 3) * t.reward * t.phi,
    "a fraction more": lambda t, p, n: (t.reward + HALF) * t.phi,
    "a fraction less": lambda t, p, n: (HALF - t.reward - HALF / 3) * t.phi,
    "a fraction under a vector": lambda t, p, n: t.reward * t.phi / Fraction(3, 2),
    "one over the position": lambda t, p, n: (1 / t.index) * t.reward * t.phi,
    "over the position and one": lambda t, p, n: t.reward * t.phi / (t.index + 1),
    "one over that": lambda t, p, n: 1 / (2 * t.index + 1) * t.reward * t.phi,
    "over n and one": lambda t, p, n: t.reward * t.phi / (n + 1),
    "a power with the position": lambda t, p, n: p.gamma**t.index * t.reward * t.phi,
    "a power before the end": lambda t, p, n: p.gamma ** (n - t.index) * t.reward * t.phi,
    "an inverse power": lambda t, p, n: p.gamma**-1 * t.reward * t.phi,
    "a negative power with the position": lambda t, p, n: p.gamma ** (-t.index) * t.reward * t.phi,
    "two to the position": lambda t, p, n: 2**t.index * t.reward * t.phi,
    "half to the position": lambda t, p, n: t.reward * t.phi / 2**t.index,
    "a square": lambda t, p, n: t.index**2 * t.reward * t.phi,
    "one over one more than gamma": lambda t, p, n: t.reward * t.phi / (1 + p.gamma),
    "the position alone": lambda t, p, n: t.index * t.phi,
    "a constant": lambda t, p, n: HALF * t.phi + t.phi,
}


def record(gain: Any) -> Algorithm:
    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + gain(t, p, sweep.n)
        return (w + C.T @ sweep.total / sweep.n,)

    return replace(catalogue()["td0"], update=update)


def run(algorithm: Algorithm, point: Any, vector: Any, number: Any, matrix: Any, index: Any, parameter: Any) -> Any:
    transitions = [
        Transition(vector(t["phi"]), vector(t["phi_next"]), number(t["reward"]), index(j))
        for j, t in enumerate(point.transitions, 1)
    ]
    p = algorithm.bind({"gamma": parameter(point.parameters["gamma"])})
    steps = (matrix(point.preconditioners["C"]),)
    return algorithm.update((vector(point.weights["w"]),), steps, Sweep(transitions), p)[0]


def wanted(algorithm: Algorithm, point: Any) -> list[Fraction]:
    values = traced_values(trace(algorithm), point)
    return [values[f"the new w, entry {i + 1}"] for i in range(point.d)]


@pytest.mark.parametrize("name", GAINS)
def test_rationals_field_polynomials_and_floats_agree(name: str) -> None:
    source = record(GAINS[name])
    algorithm = evaluated(source, trace(source))
    context = fmpq_mpoly_ctx.get(["x"], Ordering.lex)
    polynomials = polynomial_arithmetic(context)
    for point in [p for p in points(source) if p.n <= 5][:4]:
        right = wanted(source, point)
        of_rationals = run(
            algorithm, point, RATIONALS.vector, RATIONALS.number, RATIONALS.matrix, RATIONALS.position, Fraction
        )
        assert RATIONALS.entries(of_rationals) == right
        of_field = run(
            algorithm, point, PRIME_FIELD.vector, PRIME_FIELD.number,
            lambda C: PRIME_FIELD.matrix([[element(x) for x in row] for row in C]), PRIME_FIELD.position, element,
        )  # fmt: skip
        assert of_field.entries() == [x.numerator * pow(x.denominator, -1, PRIME) % PRIME for x in right]
        of_floats = run(
            algorithm, point, lambda v: Stacked(torch.tensor([[float(x)] for x in v], dtype=torch.float64)),
            lambda x: Stacked(torch.tensor([[float(x)]], dtype=torch.float64)), Floats, int, float,
        )  # fmt: skip
        assert of_floats.values[:, 0].tolist() == pytest.approx([float(x) for x in right], rel=1e-12)
        of_polynomials = run(
            algorithm, point, lambda v: polynomials.vector([polynomials.number(x) for x in v]), polynomials.number,
            polynomials.matrix, polynomials.position, lambda x: fmpq(x.numerator, x.denominator),
        )  # fmt: skip
        assert [str(e) for e in of_polynomials.entries] == [str(polynomials.number(x)) for x in right]


class Floats:
    """A step matrix of floats."""

    def __init__(self, rows: Any):
        self.matrix = torch.tensor([[float(x) for x in row] for row in rows], dtype=torch.float64)

    @property
    def mT(self) -> Any:
        transposed = Floats([])
        transposed.matrix = self.matrix.mT
        return transposed

    def __matmul__(self, other: Stacked) -> Stacked:
        return Stacked(self.matrix @ other.values)


@pytest.mark.parametrize("name", GAINS)
def test_degrees_count_what_is_random_and_not_the_position(name: str) -> None:
    source = record(GAINS[name])
    algorithm = evaluated(source, trace(source))
    point = next(p for p in points(source) if p.n == 3)
    degrees = run(
        algorithm, point, lambda v: DEGREES.vector([Degree(1) for _ in v]), lambda x: Degree(1),
        lambda C: DEGREES.matrix([[Degree(1) for _ in row] for row in C]), DEGREES.position, lambda x: Degree(0),
    )  # fmt: skip
    most = 2 if name in ("the position alone", "a constant") else 3
    assert max(d.value for d in degrees.entries) == most
