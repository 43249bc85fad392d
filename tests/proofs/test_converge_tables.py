"""Layers that differ by a table: a period is a product of layers, and of a formula in l the layers that it tends to."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from convergence_prompts import TWO

import layerproof as lp
from layerproof.proofs.convergence.ask import converge
from layerproof.proofs.convergence.question import Question
from layerproof.proofs.user_file import load
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.errors import ArgumentError, ContentError, WorkLimitError
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.prompt import Context
from layerproof.symbolic.tables import tail

HALF = Fraction(1, 2)
NESTEROV, AVERAGING = find("nesterov-td"), load(Path(__file__).parents[2] / "examples" / "averaging.py")


def with_table(algorithm, **tables):
    return replace(algorithm, tables=tables)


def textbook_values(algorithm, layers, alpha=Fraction(1), shift=0):
    """v_l(q) by the update itself, each layer's numbers from the table `shift` layers on."""
    C = [[alpha * (i == j) for j in range(2)] for i in range(2)]
    step = tuple(Fraction(0) if x in algorithm.scalar_preconditioners else C for x in algorithm.preconditioners)
    steps = algorithm.prescribed([step] * (layers + shift))[shift:]
    start = [[Fraction(0)] * 2 for _ in algorithm.weights]
    posed = problem(algorithm, RATIONALS, TWO, start, {"gamma": HALF}, {})
    iterates = [w[0].fractions() for w in textbook(posed, steps)]
    return [0.0, *(float(sum(a * Fraction(b) for a, b in zip(w, TWO.query, strict=True))) for w in iterates)]


@pytest.mark.parametrize(
    "algorithm",
    [
        find("target-network-td"), with_table(find("target-network-td"), sync=("0", "0", "1")), NESTEROV, AVERAGING,
        with_table(NESTEROV, beta=("1/2", "1/3")), with_table(NESTEROV, beta="1/2"),
    ],
)  # fmt: skip
def test_every_layer_has_its_own_number(algorithm) -> None:
    convergence = lp.converge(algorithm, prompt=TWO, gamma=HALF, layers=6)
    assert (
        convergence.answer == "converges" and convergence.limit["prediction"] == "4/3"
    )  # LSTD's, whatever the numbers are
    values = convergence.document()["values"]
    assert values == pytest.approx(textbook_values(algorithm, 6), rel=1e-12)
    (rule,) = algorithm.tables.values()
    assert rule == "1/2" or values != pytest.approx(textbook_values(algorithm, 6, shift=1), rel=1e-6)


def test_a_period_has_a_rate_and_a_certificate_and_a_formula_has_none() -> None:
    answer = lp.converge("target-network-td", prompt=TWO, gamma=HALF)
    assert answer.rate["period"] == 2 and answer.certificate is not None and answer.steps is None
    values = [Fraction(x) for x in answer.document()["values"]]
    assert all(abs(v - Fraction(4, 3)) <= answer.decided.bound(k) + Fraction(1, 10**9) for k, v in enumerate(values))
    assert answer.decided.bound(40) < Fraction(1, 10)
    constant = lp.converge(with_table(NESTEROV, beta="2 / 4"), prompt=TWO, gamma=HALF)
    assert constant.rate["period"] == 1 and constant.steps is not None
    fixed = lp.converge("nesterov-td", prompt=TWO, gamma=HALF, fixed={"beta": HALF})
    assert fixed.rate["r"] == constant.rate["r"]
    answer = lp.converge("nesterov-td", prompt=TWO, gamma=HALF)
    assert (answer.rate, answer.certificate, answer.layers, answer.exit_code) == (None, None, None, 0)


def test_the_limit_is_that_of_the_layers_that_are_tended_to() -> None:
    """w <- w - kappa_l w + 1/2 (1 - w) with kappa_l -> 1/2, and no fixed point that all layers share: w* = 1/2."""

    def decaying(weights, preconditioners, sweep, p):
        (w,), (C, kappa) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (t.reward - w @ t.phi) * t.phi
        return (w - kappa * w + C @ sweep.total / sweep.n,)

    decay = replace(
        find("least-squares"), update=decaying, preconditioners=("C", "kappa"), scalar_preconditioners=("kappa",),
        tables={"kappa": "l / (2 * l + 1)"},
    )  # fmt: skip
    prompt = Context.of([[1]], [[0]], [1], [1])
    answer = lp.converge(decay, prompt=prompt, alpha=HALF, layers=400)
    assert answer.limit["weights"] == {"w": ["1/2"]} and answer.document()["decisions"]["every_start"]
    assert abs(answer.document()["values"][-1] - 0.5) < 1e-3 < abs(answer.document()["values"][4] - 0.5)


def test_only_what_w_0_excites_has_to_converge() -> None:
    """The second feature is never seen: from w_0 = 0 its weight stays, from other starts y runs away from w."""
    prompt = Context.of([[1, 0]], [[0, 0]], [1], [1, 0])
    convergence = lp.converge("nesterov-td", prompt=prompt, gamma=HALF, alpha=HALF)
    assert convergence.limit["weights"] == {"w": ["1", "0"], "y": ["1", "0"]}
    assert convergence.limit["reached_from"] == "w_0; of other starts nothing is decided"
    assert "every_start" not in convergence.document()["decisions"]
    elsewhere = lp.converge("nesterov-td", prompt=prompt, gamma=HALF, alpha=HALF, start={"w": [0, 0], "y": [0, 1]})
    assert (elsewhere.answer, elsewhere.exit_code) == ("undecided", 3)


@pytest.mark.parametrize(
    ("algorithm", "alpha", "reason"),
    [
        (NESTEROV, 100, "of layers that only tend to another nothing follows"),
        (with_table(NESTEROV, beta="l"), 1, "its layers tend to none"),
        (AVERAGING, 100, "what is averaged does not converge"),
        (with_table(AVERAGING, rho="1 / (l * l)"), 1, "whose sum is finite"),
        (with_table(AVERAGING, rho="-1 / l"), 1, "which are negative"),
    ],
)
def test_where_no_theorem_says_it_the_answer_is_open(algorithm, alpha, reason) -> None:
    convergence = lp.converge(algorithm, prompt=TWO, gamma=HALF, alpha=alpha)
    assert (convergence.answer, convergence.exit_code) == ("undecided", 3)
    assert reason in convergence.document()["reason"]


def test_what_cannot_be_asked_is_refused(tmp_path) -> None:
    with pytest.raises(ArgumentError, match="certificates are about layers that repeat"):
        converge("nesterov-td", Question(prompt=TWO), tmp_path / "x.json")
    three = replace(
        find("nesterov-td"), preconditioners=("C", "beta", "a", "b"), scalar_preconditioners=("beta", "a", "b"),
        tables={"beta": ("0",) * 11, "a": ("1",) * 13, "b": ("1",) * 17},
    )  # fmt: skip
    with pytest.raises(WorkLimitError, match="repeat together after 2431 layers"):
        lp.converge(three, prompt=TWO)


def test_the_tail_of_a_formula() -> None:
    assert tail("(l + 1) / (2 * l)", "b") == tail("1/2 + 1/(2*l)", "b")
    assert (tail("(l + 1) / (2 * l)", "b").limit, tail("(l - 1) / l", "b").positive) == (HALF, False)
    assert [tail(rule, "b").decay for rule in ("3", "1 / l", "l / (l * l * l)")] == [None, 1, 2]
    assert tail("l - l * l / (l + 1)", "b").limit == 1 and tail("l * l / (l + 1)", "b").limit is None
    for rule in ("1 / (l - 3)", "1 / (l - l)", "1 / ((l - 3) / (l + 1))"):
        with pytest.raises(ContentError, match="divides by zero at layer"):
            tail(rule, "b")
