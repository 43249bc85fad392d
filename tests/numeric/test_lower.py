"""Lowering: correctly rounded in every format, the changes accounted for; and exact digits that lose nothing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from layerproof.numeric.device import PRECISIONS, precision, resolve_device, resolve_dtype, strict_precision
from layerproof.numeric.judge.digit_sums import product, total, whole
from layerproof.numeric.judge.digits import Digits, digit_width
from layerproof.numeric.lower import lower, round_all, round_to
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import ArgumentError, DeviceError

HALF, SINGLE, DOUBLE, BRAIN = (PRECISIONS[d] for d in (torch.float16, torch.float32, torch.float64, torch.bfloat16))
RATIONALS = st.builds(
    lambda a, b, e: Fraction(a, b) * Fraction(2) ** e,
    st.integers(-(2**70), 2**70), st.integers(1, 2**60), st.integers(-180, 160),
)  # fmt: skip


@given(RATIONALS)
@settings(max_examples=200, deadline=None)
def test_no_number_of_the_format_is_nearer(value):
    for target in PRECISIONS.values():
        got = round_to(value, target)
        if abs(got) == np.inf:
            assert abs(value) >= (2 - target.unit_roundoff) * Fraction(2) ** (target.highest - 1)
            continue
        top = max(abs(Fraction(got)), Fraction(2) ** (target.lowest + target.digits - 1))
        exponent = top.numerator.bit_length() - top.denominator.bit_length()
        exponent -= Fraction(2) ** exponent > top
        unit = Fraction(2) ** (exponent - target.digits + 1)
        assert (Fraction(got) / Fraction(2) ** target.lowest).denominator == 1
        assert abs(Fraction(got) - value) <= unit / 2


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=200, deadline=None)
def test_one_rounding_of_a_float64_is_the_cast(value):
    with np.errstate(over="ignore"):
        assert round_to(Fraction(value), HALF) == float(np.float16(value))
        assert round_to(Fraction(value), SINGLE) == float(np.float32(value))
    assert round_to(Fraction(value), DOUBLE) == value
    narrow = float(np.float32(value)) if abs(value) < 1e38 else 1.0
    assert round_to(Fraction(narrow), BRAIN) == torch.tensor(narrow, dtype=torch.float32).to(torch.bfloat16).item()


@pytest.mark.parametrize(("target", "bits"), [(HALF, 11), (SINGLE, 24), (BRAIN, 8)])
def test_a_value_just_above_a_tie_is_not_rounded_twice(target, bits):
    above = 1 + Fraction(1, 2**bits) + Fraction(1, 2**90)  # float64 sees the tie itself, and would go to even
    assert float(above) == 1 + 2.0**-bits
    up = 1 + 2.0 ** (1 - bits)
    assert round_to(above, target) == up
    assert round_all([above.numerator], [above.denominator], target)[0] == up
    assert round_to(1 + Fraction(1, 2**bits), target) == 1


@given(st.lists(RATIONALS, min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_many_at_once_are_rounded_as_each_alone(values):
    for target in PRECISIONS.values():
        many = round_all([v.numerator for v in values], [v.denominator for v in values], target)
        assert many.tolist() == [round_to(v, target) for v in values]


def test_range_and_subnormals():
    assert round_to(Fraction(10) ** 400, DOUBLE) == np.inf
    assert round_to(Fraction(-65520), HALF) == -np.inf
    assert round_to(Fraction(65519), HALF) == 65504
    assert round_to(Fraction(1, 2**25), HALF) == 0
    assert round_to(Fraction(3, 2**26), HALF) == 2.0**-24
    assert round_all([10**400, 1], [1, 3], DOUBLE).tolist() == [np.inf, 1 / 3]


def test_what_rounding_touched_is_told():
    third = Fraction(1, 3)
    c = construct(derive(find("td0")), 2, 3, 1, [([[third, 0], [0, Fraction(1, 2)]],)], {"gamma": Fraction(9, 10)})
    lowered = lower(c, torch.float64, "cpu")
    assert list(lowered.touched) == ["layers.0.heads.0.Q"]
    touched = lowered.touched["layers.0.heads.0.Q"]
    assert (touched.entries, touched.total) == (2, 25)
    assert touched.largest == abs(Fraction(1 / 3) / third - 1)
    assert lowered.scale == 1 / 3
    assert lower(c, torch.float16, "cpu").touched["layers.0.heads.0.Q"].largest > touched.largest


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def exact(digits):
    value = np.zeros(digits.digits.shape[1:], dtype=object)
    for i, d in enumerate(digits.digits):
        value = value + d.astype(int).astype(object) * Fraction(2) ** (digits.width * (digits.low + i))
    return value


@given(st.lists(st.one_of(FLOATS, st.floats(-2, 2)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_digits_hold_floats_exactly(values):
    digits = Digits.of_floats(np.array(values), 20)
    assert exact(digits).tolist() == [Fraction(v) for v in values]
    assert np.abs(digits.digits).max() <= 2**19
    assert np.allclose(total([(1, digits)]), values, rtol=2.0**-51, atol=2.0**-1073)


@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(-60, 60) | st.integers(-1000, -900))
@settings(max_examples=30, deadline=None)
def test_digits_multiply_and_subtract_exactly(n, seed, exponent):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, n)) * [[1], [2.0**exponent]], rng.standard_normal((n, 3)) * [1, 2.0**exponent, 1]
    width = digit_width(n)
    x, y = Digits.of_floats(a, width), Digits.of_floats(b, width)
    fractions = [[Fraction(v) for v in row] for row in a], [[Fraction(v) for v in row] for row in b]
    wanted = [[sum(r[i] * fractions[1][i][j] for i in range(n)) for j in range(3)] for r in fractions[0]]
    both = whole(product(x, y))
    assert exact(both).tolist() == exact(both.carried()).tolist() == wanted
    assert exact(both.plus(both, -3)).tolist() == [[-2 * v for v in row] for row in wanted]
    kept, cut = both.leading(3)
    assert np.all(np.abs(exact(kept) - exact(both)) <= cut)


@given(st.lists(st.integers(-(2**200), 2**200), min_size=1, max_size=6), st.integers(-90, 90))
def test_digits_hold_integers_exactly(values, exponent):
    digits = Digits.of_integers(values, (len(values),), exponent, 21)
    assert exact(digits).tolist() == [v * Fraction(2) ** exponent for v in values]


def test_unknown_devices_and_formats_are_refused():
    with pytest.raises(ArgumentError, match="float64, float32, bfloat16, float16"):
        resolve_dtype("float8")
    with pytest.raises(ArgumentError, match="wanted"):
        precision(torch.int64)
    with pytest.raises(ArgumentError, match="auto, cpu or cuda"):
        resolve_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="no CUDA device"):
            resolve_device("cuda")
        assert resolve_device("auto").type == "cpu"


def test_precision_switches_are_put_back():
    before = torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
    with strict_precision():
        assert not torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
    assert torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction == before
