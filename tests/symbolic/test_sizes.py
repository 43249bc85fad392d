"""Constraints on sizes: how they are read, when they hold, and the nearest sizes that meet them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from layerproof.symbolic.algorithms import find
from layerproof.symbolic.errors import ContentError, SizesError
from layerproof.symbolic.sizes import SizeConstraint, broken, nearest

SIZES = {"d": 3, "n": 100, "L": 40}
NEAREST = {
    ("n = d",): {"n": 3},
    ("d = n",): {"d": 100},
    ("L <= n",): {},
    ("n <= 7", "L <= n"): {"n": 7, "L": 7},
    ("L <= n", "n <= 7"): {"n": 7, "L": 7},
    ("L is a multiple of 3",): {"L": 39},
    ("L is a multiple of 41",): {"L": 41},
    ("d >= 5",): {"d": 5},
}


@pytest.mark.parametrize("texts", NEAREST)
def test_the_nearest_sizes_meet_every_constraint_and_move_nothing_else(texts):
    constraints = [SizeConstraint.parse(text) for text in texts]
    assert [c.text for c in constraints] == list(texts)
    sizes = nearest("mine", constraints, SIZES)
    assert sizes == SIZES | NEAREST[texts]
    assert broken(constraints, sizes) is None


def test_a_size_that_is_asked_for_stays_and_the_other_moves():
    constraints = [SizeConstraint.parse("n = d")]
    assert nearest("mine", constraints, SIZES, {"n"}) == {"d": 100, "n": 100, "L": 40}
    with pytest.raises(SizesError, match="context is 100 and features is 3, but mine is stated for n = d"):
        nearest("mine", constraints, SIZES, {"n", "d"})
    with pytest.raises(SizesError, match="layers is 40, but mine is stated for L is a multiple of 3"):
        nearest("mine", [SizeConstraint.parse("L is a multiple of 3")], SIZES, {"L"})


def test_constraints_that_contradict_each_other_are_an_error_and_no_loop():
    both = [SizeConstraint.parse("n <= 2"), SizeConstraint.parse("n >= 3")]
    with pytest.raises(SizesError, match="stated for n"):
        nearest("mine", both, SIZES)


@pytest.mark.parametrize("text", ["n == d", "n=d", "n = n", "n = 0", "m = d", "d is even", "", "L < n", 3])
def test_any_other_text_is_refused_with_the_form(text):
    with pytest.raises(ContentError, match="wanted a constraint such as 'n = d'"):
        replace(find("td0"), sizes=(text,))
