"""The work that a question about rules asks for: refused in words when it is too much, before anything runs."""

from __future__ import annotations

import re

import pytest
from flint import fmpq, fmpq_mat

import layerproof as lp
from layerproof.proofs.approximation.question import Question
from layerproof.proofs.approximation.work import check_work, sizes_of, units
from layerproof.symbolic.approximation.linear import LARGEST, TooLarge, spectrum
from layerproof.symbolic.rules import rules


def test_what_is_too_much_names_what_is_at_fault_and_the_limit_that_lets_it_in() -> None:
    chosen = [rules()[name] for name in ("tabular-td", "gtd-lambda")]
    large = Question("random-ergodic", states=90, d=60, actions=2)
    with pytest.raises(
        lp.ArgumentError, match=r"above the limit of \d+: \w+ are \d+, and most of the work is gtd-lambda"
    ) as e:
        check_work(chosen, large)
    wanted = int(re.findall(r"--max-work (\d+)", str(e.value))[0])
    check_work(chosen, Question("random-ergodic", states=90, d=60, actions=2, max_work=wanted))
    with pytest.raises(lp.ArgumentError, match="trials is 10000, and most of the work is"):
        check_work(chosen, Question(trials=10_000))
    with pytest.raises(lp.ArgumentError, match="max-work is 0"):
        Question(max_work=0)


def test_the_sizes_of_the_issue_and_a_hundred_trials_are_let_in() -> None:
    question = Question("random-ergodic", states=50, d=10)
    for rule in rules().values():
        check_work([rule], question)
        check_work([rule], Question("random-ergodic", trials=100))


def test_a_process_that_is_given_is_counted_as_it_is() -> None:
    process = Question("random-ergodic", states=6, d=2).process_for(rules()["linear-td"])
    rule, asked = rules()["linear-td"], (Question(process), Question("random-ergodic", states=6, d=2))
    given, drawn = (units(rule, sizes_of(rule, question)) for question in asked)
    assert 0.8 < given / drawn < 1.25


def test_runs_are_counted_too() -> None:
    with pytest.raises(
        lp.ArgumentError, match=r"(runs|steps) are 1000000, and most of the work is simulating linear-td"
    ):
        lp.simulate("linear-td", process="two-state", runs=10**6, steps=10**6)
    with pytest.raises(lp.ArgumentError, match="time_limit is 0"):
        lp.simulate("linear-td", process="two-state", time_limit=0)
    with pytest.raises(lp.ArgumentError, match="no setting 'trials'"):
        lp.simulate("linear-td", trials=2)


def test_a_large_matrix_without_a_certificate_is_not_decided() -> None:
    """Two eigenvalues +-i among those left of 0: the trace and the determinant allow either."""
    size = LARGEST + 2
    A = fmpq_mat(size, size)
    for i in range(size):
        A[i, i] = -1
    A[0, 0] = A[1, 1] = 0
    A[0, 1], A[1, 0] = 1, -1
    with pytest.raises(TooLarge, match=f"{size} rows"):
        spectrum(A)
    A[0, 1] = A[1, 0] = 0
    assert spectrum(A).how in ("determinant", "M-matrix") and not spectrum(A).hurwitz
    A[0, 1], A[1, 0], A[0, 0] = 1, -1, fmpq(size)
    assert spectrum(A).how == "trace" and not spectrum(A).hurwitz


def test_a_question_that_is_not_decided_says_so() -> None:
    """h = M v on one state with such an M: three claims stay open, none holds."""
    size = LARGEST + 2

    def h(v, y):  # type: ignore[no-untyped-def]
        return [v[1], -v[0], *(-v[i] for i in range(2, size))]

    rule = lp.Rule(name="mine", title="t", source="s", parts={"w": size}, h=h)
    process = lp.DecisionProcess.of("one", [[1]], [0], [[1]])
    verdicts = {c.details["assumption"]: c.verdict for c in lp.sa(rule, process=process).claims}
    assert {k for k, v in verdicts.items() if v == "UNDECIDED"} == {
        "hurwitz", "ode-at-infinity", "stability", "mean-ode", "convergence",
    }  # fmt: skip
