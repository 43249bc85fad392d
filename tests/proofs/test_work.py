"""The estimate of work: what is refused before anything runs, and what the message says is at fault."""

import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from cli import assert_refused, run_cli
from hypothesis import given
from hypothesis import strategies as st

import layerproof as lp
from layerproof.proofs.case import Case, Settings
from layerproof.proofs.checker import ask
from layerproof.proofs.sizes import fitted
from layerproof.proofs.work import Sizes, check_work, estimate, sizes_of
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.errors import WorkLimitError
from layerproof.symbolic.prompt import Context

SMALL = Settings(features=2, context=3, layers=2)
ALL = ask(None)
LONG = Context.of(*[[[Fraction(k + i, 10**480 + 3 * k + 1) for i in (1, 2)] for k in range(60)]] * 2, [1] * 60, [1, 1])


def refused(name: str, settings: Settings, asked: tuple[str, ...] = ALL) -> str:
    start = time.process_time()
    with pytest.raises(WorkLimitError, match=r"above the limit of 1000000000: .* --max-work \S+$") as error:
        check_work(Case(find(name), settings), asked)
    assert time.process_time() - start < 1  # nothing ran
    return str(error.value)


def test_no_limit_is_named_that_the_option_refuses() -> None:
    with pytest.raises(WorkLimitError, match=r"ask for less$"):
        check_work(Case(find("td0"), replace(SMALL, layers=10**12)), ALL)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"features": 20000, "context": 1}, "features is 20000"),
        ({"features": 2000, "context": 1, "layers": 1}, "features is 2000"),
        ({"context": 10**5}, "context is 100000"),
        ({"layers": 10**5}, "layers is 100000"),
        ({"trials": 10**8}, "trials is 100000000"),
        ({"exact_trials": 10**8}, "exact_trials is 100000000"),
        ({"entrywise_features": 200, "entrywise_context": 3}, "entrywise_features is 200"),
        ({"entrywise_features": 2, "entrywise_context": 900}, "entrywise_context is 900"),
        ({"prompt": LONG, "context": 60, "layers": 40}, "the numbers given have "),
    ],
)
def test_every_dimension_is_counted_and_named(changes: dict[str, Any], fault: str) -> None:
    for name in ("td-lambda", "tdc"):
        assert fault in refused(name, replace(SMALL, **changes))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("identity-exact", replace(SMALL, layers=10**5, context=10, exact_trials=1)),
        ("identity-random", replace(SMALL, layers=10**6)),
        ("identity-entrywise", replace(SMALL, entrywise_context=100, entrywise_features=100)),
        ("float", replace(SMALL, trials=10**8)),
    ],
)
def test_the_limit_that_the_message_names_is_enough_and_no_less_is(kind: str, settings: Settings) -> None:
    needed = int(refused("td0", settings, (kind,)).rpartition(" ")[2])
    check_work(Case(find("td0"), replace(settings, max_work=needed)), (kind,))
    with pytest.raises(WorkLimitError):
        check_work(Case(find("td0"), replace(settings, max_work=needed - 1)), (kind,))


def test_work_that_was_not_asked_for_is_not_counted() -> None:
    huge = replace(SMALL, features=10**6, context=10**6, layers=10**6, entrywise_features=1, entrywise_context=1)
    check_work(Case(find("td0"), huge), ("derived", "identity-symbolic", "identity-entrywise"))


def test_what_is_asked_by_default_and_for_published_sizes_passes() -> None:
    for algorithm in catalogue().values():
        for sizes in (Settings(), Settings(features=5, context=200, layers=60), Settings(features=30, layers=10)):
            settings, _ = fitted(algorithm, replace(sizes, asked=frozenset()))  # the nearest that it is stated for
            check_work(Case(algorithm, settings), ALL)


@given(st.sampled_from(sorted(vars(sizes_of(Case(find("td0"), SMALL))))), st.integers(1, 10**7))
def test_more_of_anything_is_never_less_work(name: str, more: int) -> None:
    sizes = Sizes(2, 3, 2, 1, 1, 2, 2, 12)
    work = [
        sum(w for _, w in estimate(find("td-lambda"), SMALL, z, ALL))
        for z in (sizes, replace(sizes, **{name: getattr(sizes, name) + more}))
    ]
    assert work[0] <= work[1]


@pytest.mark.parametrize("command", ["verify td0", "report td0", "certify td0", "converge td0"])
def test_every_command_with_trials_refuses_too_many(capsys: pytest.CaptureFixture[str], command: str) -> None:
    target = () if command.startswith(("verify", "converge")) else ("-o", "there")
    assert_refused(run_cli(capsys, *command.split(), *target, "--trials", "100000000"), 2, "trials is 100000000")


def test_a_construction_all_of_ones_own_is_counted_too() -> None:
    many = [str(i) for i in range(2000)]
    own = lp.OwnConstruction("wide", "wide", "none", lambda d: many, lambda d, n: many, list, list, list)  # type: ignore[arg-type]
    with pytest.raises(WorkLimitError, match="the prompt has 2000 rows"):
        lp.verify(own, d=2, n=3, layers=1)


# invariance


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"features": 20000, "context": 1}, "features is 20000"),
        ({"features": 4, "context": 20}, "features is 4, and most of the work is moving samples by the group"),
        ({"features": 1, "context": 20000}, "context is 20000"),
        ({"features": 12, "layers": 100, "looped": False}, "layers is 100, and most of the work is the spans"),
        ({"layers": 10**9}, "layers is 1000000000, wanted at most 100"),
    ],
)
def test_a_question_about_invariance_is_refused_before_anything_runs(changes: dict[str, Any], fault: str) -> None:
    start = time.process_time()
    for name in ("td0", "gtd2"):
        with pytest.raises(WorkLimitError, match=fault):
            lp.invariance(name, **{("d" if k == "features" else "n" if k == "context" else k): v
                                   for k, v in changes.items()})  # fmt: skip
    assert time.process_time() - start < 2


def test_the_limit_of_a_question_can_be_raised_and_lowered() -> None:
    ask: dict[str, Any] = {"d": 1, "n": 1, "layers": 1, "set": "commutant", "floats": False}
    with pytest.raises(WorkLimitError, match=r"above the limit of 1000: .* --max-work \d+$") as error:
        lp.invariance("td0", max_work=1000, **ask)
    enough = int(str(error.value).split()[-1])
    assert lp.invariance("td0", max_work=enough, **ask).holds
    with pytest.raises(WorkLimitError):
        lp.invariance("td0", max_work=enough - 1, **ask)
