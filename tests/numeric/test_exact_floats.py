"""Floats as rationals and back: exact one way, never below the other way."""

from __future__ import annotations

from fractions import Fraction
from math import inf

import numpy as np
import torch
from helpers import each_kind_by_name
from hypothesis import given
from hypothesis import strategies as st

from layerproof.numeric.device import PRECISIONS
from layerproof.numeric.judge.bounds import StepBound, layer_maps
from layerproof.numeric.judge.exact_floats import dyadic_matrix, integers, quotient, up
from layerproof.numeric.judge.factored import Factored
from layerproof.proofs.case import Case, Settings
from layerproof.symbolic.algorithms import find

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FINITE, min_size=1, max_size=6))
def test_floats_become_the_rationals_that_they_are(values: list[float]) -> None:
    assert dyadic_matrix(np.array([values])).fractions() == [[Fraction(x) for x in values]]
    whole, exponent = integers(np.array(values))
    assert exponent <= 0 and [Fraction(int(v), 2**-exponent) for v in whole] == [Fraction(x) for x in values]


@given(st.fractions())
def test_up_is_the_least_float_that_is_not_below(value: Fraction) -> None:
    rounded = up(value)
    assert Fraction(rounded) >= value and Fraction(float(np.nextafter(rounded, -inf))) < value


def test_what_is_beyond_the_range_is_infinite() -> None:
    assert (quotient(2**1100, 1), quotient(-(2**1100), 3), up(Fraction(2**1100))) == (inf, -inf, inf)


@each_kind_by_name
def test_the_quick_bound_is_not_below_the_other_and_close_to_it(name: str) -> None:
    construction = Case(find(name), Settings(features=2, context=5, layers=4)).subject
    maps, rng = layer_maps(construction), np.random.default_rng(0)
    X, Y = rng.normal(size=(3, maps.features, 6)) * 4, np.abs(rng.normal(size=(3, 4, maps.accumulators, 6))) * 4
    for target in PRECISIONS.values():
        bound = StepBound(maps, X, target)
        # layer by layer on both sides, so that both take the same products
        full, quick = (np.stack([bound.at(Y[:, k : k + 1], k, x) for k in range(4)]) for x in (False, True))
        assert (quick >= full * (1 - 2.0**-50)).all()  # another product, whose sums round otherwise
        if target.underflow < Fraction(1, 2**100):  # where it is used
            assert (quick <= full * (1 + 2.0**-40)).all()
    bound = StepBound(maps, X, PRECISIONS[torch.float16])
    full = bound.at(Y[:, :1])
    bound._T_of_ones[:] = 0  # without its underflow term it would be below
    assert (bound.at(Y[:, :1], quick=True) < full).any()


@each_kind_by_name
def test_a_bound_at_larger_rows_and_with_more_besides_is_not_below_the_one_that_is_asked_for_it(name: str) -> None:
    construction = Case(find(name), Settings(features=2, context=5, layers=4)).subject
    maps, rng, K = layer_maps(construction), np.random.default_rng(0), construction.layout.m - construction.layout.p
    X, Y = rng.normal(size=(3, maps.features, 6)), np.abs(rng.normal(size=(3, 4, K, 6)))
    more, besides = rng.random((3, 4)), Factored(rng.random((3, 4, 2)) * 1e-12, rng.random((3, K, 2, 6)))
    added = (besides.left[:, None] @ besides.right).swapaxes(1, 2)
    for target in (PRECISIONS[torch.float64], PRECISIONS[torch.float16]):
        bound = StepBound(maps, X, target)
        plain = bound.at(Y + more[..., None, None])
        for quick in (False, True):
            both = bound.at(Y, quick=quick, more=more, besides=besides, up=1 + 2.0**-40)
            assert (both >= plain + added * (1 - 2.0**-45)).all()
        assert (bound[1:].at(Y[1:], quick=True, more=more[1:]) >= plain[1:] * (1 - 2.0**-50)).all()
    bound = StepBound(maps, X, PRECISIONS[torch.float64])
    bound._S_of_ones[:] = 0  # without what larger rows add it would be below
    assert (bound.at(Y, quick=True, more=more) < bound.at(Y + more[..., None, None])).any()
