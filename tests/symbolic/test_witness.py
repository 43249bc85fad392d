"""Shrinking a counterexample: it goes on failing, it is small, and the work is bounded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from helpers import (
    Case,
    contexts,
    each_case,
    entry_changed,
    random_context,
    random_start,
    sizes_for,
    vectors,
    with_matrix,
)
from hypothesis import assume, given
from hypothesis import strategies as st

from layerproof.proofs.case import Case as Check
from layerproof.proofs.case import Settings
from layerproof.proofs.evidence.exact import first_mismatch
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.construction import Construction
from layerproof.symbolic.identity.exact import Mismatch
from layerproof.symbolic.identity.witness import shrink
from layerproof.symbolic.prompt import Context

D, N = 2, 3
PLACE = Mismatch(1, "td_error", 0, "context token 1", Fraction(1), Fraction(0))


def entries(context: Context, start: tuple[Any, ...]) -> list[Fraction]:
    """Every number that shrinking may change."""
    flat = [x for w in start for x in (w if isinstance(w, (list, tuple)) else [w])]
    for phi, after, reward in zip(context.features, context.next_features, context.rewards, strict=True):
        flat += [*phi, *after, reward]
    return [*flat, *context.query]


def transitions_used(context: Context) -> int:
    return sum(
        any([*phi, *after, reward])
        for phi, after, reward in zip(context.features, context.next_features, context.rewards, strict=True)
    )


class Counting:
    """A check that remembers every prompt it was given and what it answered."""

    def __init__(self, check: Callable[[Context, Any], Mismatch | None]):
        self.check = check
        self.asked: list[tuple[Context, Any, Mismatch | None]] = []

    def __call__(self, context: Context, start: Any) -> Mismatch | None:
        answer = self.check(context, start)
        self.asked.append((context, start, answer))
        return answer


def needs(*positions: int) -> Callable[[Context, Any], Mismatch | None]:
    """A check that fails as long as all these entries are non-zero."""

    def check(context: Context, start: Any) -> Mismatch | None:
        flat = entries(context, start)
        return PLACE if all(flat[i] for i in positions) else None

    return check


def faulty(case: Case, plant: Callable[[Construction], Construction], **settings: Any) -> Check:
    """The derived construction with a fault planted, ready to be checked."""
    options = dict(case.options)
    sizes = sizes_for(case.algorithm, D, N, 2)
    chosen = Settings(
        features=sizes["d"], context=sizes["n"], layers=sizes["L"], trace=options.get("trace"), **settings
    )
    return Check(case.algorithm, chosen, plant(Check(case.algorithm, chosen).subject))


def wrong_step(good: Construction) -> Construction:
    """The first non-zero entry of head 1's P in layer 2 is off by 1."""
    P = good.layers[1][0].P
    i, j = next((i, j) for i, row in enumerate(P.fractions()) for j, x in enumerate(row) if x)
    return with_matrix(good, 1, 0, P=entry_changed(P, i, j, lambda x: x + 1))


def wrong_first_mask_entry(good: Construction) -> Construction:
    M = good.layers[0][0].M
    return with_matrix(good, 0, 0, M=entry_changed(M, 0, 0, lambda x: x + 1))


# on real faults


@each_case
@pytest.mark.parametrize("plant", [wrong_step, wrong_first_mask_entry])
def test_a_single_wrong_entry_is_shown_on_at_most_one_transition_of_zeros_and_ones(
    case: Case, plant: Callable[[Construction], Construction]
) -> None:
    check = faulty(case, plant)
    n = check.settings.context
    context, start = random_context(D, n, 1, case.algorithm), tuple(random_start(case.algorithm, D, 1))
    smallest = shrink(lambda c, w: first_mismatch(check, c, w), context, start)
    assert transitions_used(smallest.context) <= 1 < transitions_used(context)
    numbers = {0, 1} if case.algorithm.preconditioners else {0, 1, Fraction(3, 4)}  # n I replaces ones by zeros
    assert set(entries(smallest.context, smallest.start)) <= numbers
    assert smallest.mismatch is not None and smallest.mismatch == first_mismatch(
        check, smallest.context, smallest.start
    )


def test_every_entry_that_is_left_is_needed() -> None:
    check = faulty(Case("td0"), wrong_step)
    smallest = shrink(
        lambda c, w: first_mismatch(check, c, w), random_context(D, N, 2), tuple(random_start(find("td0"), D, 2))
    )
    flat = entries(smallest.context, smallest.start)
    probe = Counting(lambda c, w: first_mismatch(check, c, w))
    shrink(probe, smallest.context, smallest.start)
    assert any(flat)
    # a second run tries to remove every entry that is left, and each attempt ends the failure
    assert [answer for _, _, answer in probe.asked].count(None) == len(probe.asked) - 1
    assert {sum(map(bool, entries(c, w))) for c, w, _ in probe.asked[1:]} >= {sum(map(bool, flat)) - 1}


# laws


def test_a_prompt_that_does_not_fail_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fail"):
        shrink(lambda c, w: None, random_context(D, N, 0), ([Fraction(1)] * D,))


def test_the_right_construction_gives_nothing_to_shrink() -> None:
    good = faulty(Case("td0"), lambda c: c)
    with pytest.raises(ValueError, match="does not fail"):
        shrink(lambda c, w: first_mismatch(good, c, w), random_context(D, N, 0), ([Fraction(1)] * D,))


SIZE = D + N * (2 * D + 1) + D


@pytest.mark.slow
@given(
    contexts(D, N),
    vectors(D),
    st.sets(st.integers(0, SIZE - 1), max_size=5),
    st.sampled_from([0, 1, 7, 600]),
)
def test_what_is_left_fails_and_the_mismatch_is_its_own(
    context: Context, start: list[Fraction], positions: set[int], budget: int
) -> None:
    assume(all(entries(context, (start,))[i] for i in positions))
    check = Counting(needs(*positions))
    smallest = shrink(check, context, (start,), budget)
    assert needs(*positions)(smallest.context, smallest.start) is smallest.mismatch is PLACE
    assert (smallest.context, smallest.start) in [(c, w) for c, w, answer in check.asked if answer is not None]
    assert len(check.asked) <= 1 + budget
    assert (smallest.context.d, smallest.context.n) == (D, N)


@pytest.mark.slow
@given(contexts(D, N), vectors(D), st.sets(st.integers(0, SIZE - 1), max_size=5))
def test_only_the_entries_that_the_failure_needs_are_left_and_they_are_one(
    context: Context, start: list[Fraction], positions: set[int]
) -> None:
    assume(all(entries(context, (start,))[i] for i in positions))
    smallest = shrink(needs(*positions), context, (start,))
    assert entries(smallest.context, smallest.start) == [Fraction(i in positions) for i in range(SIZE)]


def test_a_budget_of_zero_leaves_the_prompt_as_it_was() -> None:
    context, start = random_context(D, N, 3), ([Fraction(1, 2), Fraction(2)],)
    smallest = shrink(needs(), context, start, budget=0)
    assert (smallest.context, entries(smallest.context, smallest.start)) == (context, entries(context, start))


def test_a_failure_that_needs_a_size_keeps_a_whole_number() -> None:
    def large(context: Context, start: Any) -> Mismatch | None:
        return PLACE if entries(context, start)[0] <= Fraction(-3, 2) else None

    smallest = shrink(large, random_context(D, N, 4), ([Fraction(-22, 7), Fraction(1, 3)],))
    assert entries(smallest.context, smallest.start) == [Fraction(-3), *[Fraction(0)] * (SIZE - 1)]


def test_scalar_starting_weights_are_shrunk_too_and_stay_scalars() -> None:
    start = ([Fraction(1, 2), Fraction(1, 3)], Fraction(5, 7))
    smallest = shrink(needs(2), random_context(D, N, 5), start)
    assert smallest.start == ([0, 0], 1)
