"""How much work a question about convergence asks for, estimated before anything is decided.

The units are those of `..limit`; the factors are measured (docs/robustness.md).  With N weights and entries of T of b
bits, the characteristic polynomial has N b bits and an exact decision about its roots ends with N^2 b; the limit has
N b bits, and the iterate after l layers l b.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import isqrt
from typing import Any

from ...symbolic.algorithm import Algorithm
from .. import limit
from ..work import number_bits, prompt_bits
from .setup import Setup

STEP = 6 * 10**4
"""The units that the smallest decision takes."""
SHORT = 12
"""Bits that the entries of a layer's map have whatever is given."""
OWN = 1000
"""Units for each entry of the first layers' matrices, of a construction with weights of its own."""


def check_work(setups: Sequence[Setup], layers: int, trials: int, most: int, pairs: int = 0) -> None:
    """Raise `WorkLimitError` where what is asked of these prompts together would take more than `most`.

    trials : how many prompts of the size of each;  pairs : of states, over which an expected update is a sum
    """
    first, digits = setups[0].context, max(map(bits_given, setups)) * 3 // 10
    sizes = {
        "features": limit.Size(first.d), "context": limit.Size(first.n), "layers": limit.Size(layers),
        "trials": limit.Size(trials, words="{0} are {1}"),
        "digits": limit.Size(digits, min(digits, 12), "the numbers given have {1} digits in all"),
        "period": limit.Size(max(max(len(s.period) for s in setups), 1), words="the layers repeat after {1}"),
    }  # fmt: skip

    def parts(z: Mapping[str, int]) -> Mapping[str, int]:
        total: Counter[str] = Counter()
        for setup in setups:
            total.update(dict(_parts(setup, z, pairs)))
        return total

    limit.check(most, sizes, parts)


def _parts(setup: Setup, z: Mapping[str, int], pairs: int) -> Iterator[tuple[str, int]]:
    n, L, period = z["context"], z["layers"], z["period"]
    N = weights(setup, z["features"])
    given, trace = z["digits"] * 10 // 3 + SHORT, _trace_bits(setup, n)
    b = period * (given + trace)
    affine = (500 + 250 * N) * (1 + b // 4000)
    yield "reading the layers' map", (z["trials"] + 3) * period * n * affine
    yield "deciding where the eigenvalues are", z["trials"] * (STEP + isqrt((N * N * b) ** 3 * N) // 3)
    yield "naming the limit", n * N**3 * b * (given + trace // 24) // 16000
    yield "the iterates", L * (L * b) ** 2 * N // (4 * 10**5)
    yield "the expected update", pairs * affine
    if not isinstance(setup.subject, Algorithm):
        yield "the construction's own layers", OWN * (N + n) ** 2


def weights(setup: Setup, d: int) -> int:
    """The numbers that a layer changes; of a construction all of one's own, the rows of its prompt."""
    subject = setup.subject
    if not isinstance(subject, Algorithm):
        return len(subject.rows(d))
    return sum(1 if w in subject.scalar_weights else d for w in subject.weights)


def bits_given(setup: Setup) -> int:
    """Bits of what the entries of one layer's map are made of: products of two of the prompt's numbers, and steps."""
    given: list[Any] = [*setup.values.values(), *setup.start]
    bits = max((_bits(x) for step in setup.period for x in step), default=0)
    return 2 * prompt_bits(setup.context) + bits + sum(map(_bits, given))


def _bits(x: Any) -> int:
    """Bits of the largest number in a number, a vector or a matrix."""
    if isinstance(x, list | tuple):
        return max(map(_bits, x), default=0)
    return number_bits(x)


def _trace_bits(setup: Setup, n: int) -> int:
    """Bits of the powers of its decay that a trace is a sum of."""
    if "trace" not in setup.options:
        return 0
    return n * (setup.values.get("gamma", Fraction(1)) * setup.values.get("lam", Fraction(1))).denominator.bit_length()
