"""A suggestion is made where it is plausible: for a slip, or a part of a name; a word near nothing gets the list."""

from __future__ import annotations

import pytest

from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.near import near
from layerproof.symbolic.pattern_algorithms import pattern_catalogue

NAMES = [*catalogue(), *pattern_catalogue()]


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("td-0", "td0"), ("TD_LAMBDA", "td-lambda"), ("td lamda", "td-lambda"), ("gdt2", "gtd2"), ("td9", "td0"),
        ("resdiual-gradient", "residual-gradient"), ("softmax", "softmax-td"), ("sofmax-td", "softmax-td"),
        ("average-reward", "average-reward-td"), ("gtd-lambda", "td-lambda"),
        ("sarsa-0", "sarsa"), ("nestrov-td", "nesterov-td"),
    ],
)  # fmt: skip
def test_a_slip_or_a_part_is_named(word: str, first: str) -> None:
    assert near(word, NAMES)[0] == first


@pytest.mark.parametrize(
    "word",
    ["foo", "sgd", "ppo", "dqn", "adam", "banana", "q-learning", "monte-carlo", "lstd", "x", "", "-", "t" * 10**6],
)
def test_a_word_near_nothing_gets_no_guess(word: str) -> None:
    assert near(word, NAMES) == []


def test_so_many_and_no_more() -> None:
    assert near("identity", ["identity-a", "identity-b", "identity-c", "identity-d"], most=2) == [
        "identity-a",
        "identity-b",
    ]
    assert near("td0", []) == []
