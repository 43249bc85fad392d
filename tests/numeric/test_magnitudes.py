"""The counts of roundings and the magnitudes of one update: every rounding that can happen is in them."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import Case, each_kind

from layerproof.numeric.judge.magnitudes import Magnitude, StepMagnitude
from layerproof.numeric.reference import FloatTransitions
from layerproof.symbolic.transitions import Sweep, Transition

VALUES = {"gamma": Fraction(9, 10), "lam": Fraction(1, 2)}
DOUBLE = torch.float64


class Rough:
    """Exact numbers or vectors, each operation off by a factor 1 + u or, where `down`, 1 - u."""

    u = Fraction(1, 64)

    def __init__(self, values, signs):
        self.values, self.signs = list(values), signs

    def _off(self, values):
        return Rough([x * (1 + next(self.signs) * self.u) for x in values], self.signs)

    def _other(self, other):
        if not isinstance(other, Rough):
            other = Rough([Fraction(other)], self.signs)
        wide = max(len(self.values), len(other.values))
        return (x * (wide // len(x)) for x in (self.values, other.values))

    def __add__(self, other):
        return self._off(a + b for a, b in zip(*self._other(other), strict=True))

    __radd__ = __add__

    def __neg__(self):
        return Rough([-x for x in self.values], self.signs)

    def __sub__(self, other):
        return self._off(a - b for a, b in zip(*self._other(other), strict=True))

    def __rsub__(self, other):
        return (-self) + other

    def __mul__(self, other):
        return self._off(a * b for a, b in zip(*self._other(other), strict=True))

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._off(a / b for a, b in zip(*self._other(other), strict=True))

    def __matmul__(self, other):
        total, *rest = [Rough([x], self.signs) for x in (self * other).values]
        for term in rest:
            total = total + term
        return total


class RoughMatrix:
    def __init__(self, rows, signs):
        self.rows = [Rough(row, signs)._off(row) for row in rows]

    def __matmul__(self, other):
        parts = [row @ other for row in self.rows]
        return Rough([p.values[0] for p in parts], other.signs)


def signs_of(kind, seed):
    rng = np.random.default_rng(seed)
    while True:
        yield 1 if kind == "up" else -1 if kind == "down" else int(rng.choice((-1, 1)))


def one_sided(rng, d, n):
    """Nothing cancels, and what the first feature and the last reward meet, the longest way, outweighs all else."""
    sizes = [Fraction(10**12), *[Fraction(1)] * (n - 1)]
    phi = [[-Fraction(int(rng.integers(1, 9))) * s for _ in range(d)] for s in sizes]
    following = [[Fraction(int(rng.integers(1, 9))) for _ in range(d)] for _ in range(n)]
    return phi, following, [*(Fraction(int(rng.integers(1, 9))) for _ in range(n - 1)), Fraction(10**40)]


def any_sided(rng, d, n):
    def number():
        return Fraction(int(rng.integers(-9, 10)), 4)

    phi, following = ([[number() for _ in range(d)] for _ in range(n)] for _ in range(2))
    return phi, following, [number() for _ in range(n)]


@each_kind
@pytest.mark.parametrize("draw", [one_sided, any_sided])
@pytest.mark.parametrize("kind", ["up", "down", "mixed"])
def test_no_rounding_is_left_uncounted(case: Case, draw, kind: str) -> None:
    """Every operation is off by u = 1/64 the same way: a count that is one too small shows.

    The prompt is off the other way, by u for its float64 and by u for its format, as it may be.
    """
    d, n, algorithm = 2, 12, case.algorithm
    rng = np.random.default_rng(5)
    phi, following, rewards = draw(rng, d, n)
    C = [[Fraction(int(rng.integers(1, 9)), 4) for _ in range(d)] for _ in range(d)]
    weights = [[Fraction(3)] * (1 if w in algorithm.scalar_weights else d) for w in algorithm.weights]
    signs, u = signs_of(kind, 1), Rough.u
    p = algorithm.bind(VALUES, dict(case.options))
    off = {k: v if isinstance(v, str) else Rough([v], signs)._off([v]) for k, v in vars(p).items()}

    def run(context, steps, start, values):
        return algorithm.update(start, steps, Sweep(context), SimpleNamespace(**values))

    def rough(row):
        return Rough(row, signs)

    steps = [
        Rough([C[0][0]], signs)._off([C[0][0]]) if name in algorithm.scalar_preconditioners else RoughMatrix(C, signs)
        for name in algorithm.preconditioners
    ]
    context = [
        Transition(rough(a), rough(b), rough([r]), j)
        for j, (a, b, r) in enumerate(zip(phi, following, rewards, strict=True), 1)
    ]
    computed = run(context, steps, [rough(w) for w in weights], off)

    # The exact update of the lowered prompt.  gamma phi' in it was made with the same rounded gamma.
    class Exact(Rough):
        u = Fraction(0)

    none = signs_of("up", 0)
    low = (1 - u) ** 2 if kind == "up" else (1 + u) ** 2
    gamma = off["gamma"].values[0] / VALUES["gamma"] if "gamma" in off else 1

    def lowered(row, factor=Fraction(1)):
        return Exact([x * low * factor for x in row], none)

    exact_context = [
        Transition(lowered(a), lowered(b, gamma), lowered([r]), j)
        for j, (a, b, r) in enumerate(zip(phi, following, rewards, strict=True), 1)
    ]
    Exact._off = lambda self, values: Exact(values, none)
    plain = {k: v if isinstance(v, str) else Exact([v], none) for k, v in vars(p).items()}
    exact_steps = [
        Exact([C[0][0]], none) if name in algorithm.scalar_preconditioners else ExactMatrix(C)
        for name in algorithm.preconditioners
    ]
    exact = run(exact_context, exact_steps, [Exact(w, none) for w in weights], plain)

    def tensor(values):
        return torch.tensor([[float(x) for x in values]], dtype=DOUBLE)

    data = FloatTransitions(
        torch.tensor([[[float(x) for x in row] for row in phi]], dtype=DOUBLE),
        torch.tensor([[[float(x) for x in row] for row in following]], dtype=DOUBLE),
        torch.tensor([[[float(x)] for x in rewards]], dtype=DOUBLE), tensor([0] * d), {},
    )  # fmt: skip
    sizes = run(
        data.each(lambda x: Magnitude.of_prompt(x.unsqueeze(2).numpy(), 0.0)),
        [
            Magnitude(tensor([C[0][0]])[0].numpy(), 1) if name in algorithm.scalar_preconditioners
            else StepMagnitude(np.array([[[float(x)] for x in row] for row in C]))
            for name in algorithm.preconditioners
        ],
        [Magnitude(tensor(w).mT.unsqueeze(2).numpy()) for w in weights],
        {k: v if isinstance(v, str) else Magnitude.of_parameter(float(v)) for k, v in vars(p).items()},
    )  # fmt: skip
    for got, true, size in zip(computed, exact, sizes, strict=True):
        growth = (1 + u) ** (size.rounded + size.lowered) - 1
        for a, b, S in zip(got.values, true.values, size.values.flatten().tolist(), strict=True):
            assert abs(a - b) <= growth * Fraction(S) * (1 + Fraction(1, 2**40))


class ExactMatrix:
    def __init__(self, rows):
        self.rows = rows

    def __matmul__(self, other):
        product = [sum(c * x for c, x in zip(row, other.values, strict=True)) for row in self.rows]
        return type(other)(product, other.signs)


def test_a_product_of_parameters_counts_every_rounding() -> None:
    gamma, lam = Magnitude.of_parameter(0.9), Magnitude.of_parameter(-0.5)
    assert (gamma * lam).rounded == 3 and float((gamma * lam).values) == 0.45
    assert (1 - gamma).rounded == 2 and float((1 - gamma).values) == 1.9
    assert (gamma / 3).rounded == 2 and (1 / gamma).rounded == 3
    with pytest.raises(TypeError, match="divides by a sum"):
        1 / (1 - gamma)
