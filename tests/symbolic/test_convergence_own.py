"""Layers of a construction all of one's own: affine ones by what they write, Newton and Schulz's by squaring."""

from __future__ import annotations

import runpy
from fractions import Fraction
from pathlib import Path

import pytest
from convergence_prompts import TWO, VALUES

from layerproof.numeric.data.prompts import generic_context
from layerproof.symbolic.convergence.decide import decide
from layerproof.symbolic.convergence.disc import inside
from layerproof.symbolic.convergence.iteration import NotAffineError
from layerproof.symbolic.convergence.newton_schulz import squaring
from layerproof.symbolic.convergence.own import first_layers, own_iteration
from layerproof.symbolic.convergence.rationals import fraction, identity
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.prompt import Context

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CONTEXT = generic_context(2, 4, seed=1)


def example(name: str, context: Context = CONTEXT, **more: Fraction):
    own = runpy.run_path(str(EXAMPLES / f"{name}.py"))["CONSTRUCTION"]
    values = {**VALUES, **{k: Fraction(x) for k, x in own.parameters.items()}, **more}
    return own, values, first_layers(own, context, values)


def test_ridge_td_converges_to_the_ridge_solution() -> None:
    _, values, layers = example("ridge_td")
    it = own_iteration(layers, None)
    fate = decide(it)
    assert layers.rows == ("td_error",) and it.size == 2 and fate.start.converges
    gamma, kappa = values["gamma"], values["kappa"]
    A = [[Fraction(0)] * 2 for _ in range(2)]
    b = [Fraction(0)] * 2
    for phi, after, reward in zip(CONTEXT.features, CONTEXT.next_features, CONTEXT.rewards, strict=True):
        for i in range(2):
            b[i] += phi[i] * reward
            for j in range(2):
                A[i][j] += phi[i] * (phi[j] - gamma * after[j])
    A[0][0] += kappa**2
    A[1][1] += kappa**2
    det = A[0][0] * A[1][1] - A[0][1] * A[1][0]
    w = [(b[0] * A[1][1] - b[1] * A[0][1]) / det, (A[0][0] * b[1] - A[1][0] * b[0]) / det]
    assert fraction(fate.value) == -sum(x * q for x, q in zip(w, CONTEXT.query, strict=True))


def test_the_iteration_runs_as_the_reference_says() -> None:
    own, values, layers = example("ridge_td")
    from types import SimpleNamespace

    it = own_iteration(layers, "td_error")
    wanted, w = iter(own.reference(CONTEXT, SimpleNamespace(**values))), it.start
    for _ in range(3):
        w = it.T * w + it.c
        assert fraction((it.read * w)[0, 0] + it.offset) == next(wanted)["td_error", "query"]


def test_newton_and_schulz_square_the_error() -> None:
    _, values, layers = example("newton_schulz_lstd")
    assert (layers.repeats, layers.depth) == (3, 4)
    with pytest.raises(NotAffineError, match="multiplies entries"):
        own_iteration(layers, layers.rows[0])
    K, E = squaring(layers)
    gamma, n = values["gamma"], CONTEXT.n
    for i in range(2):
        for j in range(2):
            G = sum(
                (phi[i] * (phi[j] - gamma * after[j])
                 for phi, after in zip(CONTEXT.features, CONTEXT.next_features, strict=True)), Fraction(0),
            ) / n  # fmt: skip
            assert fraction(E[i, j]) == int(i == j) - values["start"] * G
    after = 2 * layers.Y - layers.Y * K * layers.Y
    assert identity(2) - after * K == E * E


def test_newton_and_schulz_from_too_far_away_do_not_converge() -> None:
    near, far = (example("newton_schulz_lstd", TWO, start=Fraction(x))[2] for x in ("1/2", "100"))
    assert inside(squaring(near)[1].charpoly()) and not inside(squaring(far)[1].charpoly())


def test_affine_layers_are_no_squaring_and_unknown_rows_are_named() -> None:
    _, _, layers = example("ridge_td")
    assert squaring(layers) is None
    with pytest.raises(ArgumentError, match="wanted a row that the layers write: td_error"):
        own_iteration(layers, "rewards")
