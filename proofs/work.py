"""How much work a check asks for, estimated in one place before anything runs, and what of it is at fault.

The units are those of `limit`; the factors are measured (docs/robustness.md); the powers are those of the algorithms:
d^2 of the weights, n^2 of the masks, L^2 of rationals that grow with every layer, the digits of what is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

from ..symbolic.algorithm import Algorithm
from ..symbolic.algorithms import catalogue
from ..symbolic.errors import ArgumentError
from ..symbolic.own import OwnConstruction
from ..symbolic.prompt import Context, Layout
from . import limit
from .case import Case, Settings, parameter_values
from .evidence.random import LEAST_CONTEXT, LEAST_FEATURES

SHORT = 40
"""Rationals of so many bits cost no more than the layers themselves."""


@dataclass(frozen=True)
class Sizes:
    """What work grows with: each name as a message says it."""

    features: int
    context: int
    layers: int
    trials: int
    exact_trials: int
    entrywise_features: int
    entrywise_context: int
    digits: int


LEAST = Sizes(1, 1, 1, 1, 1, 2, 1, 12)


def check_work(case: Case, asked: Sequence[str]) -> None:
    """Raise `WorkLimitError` when the evidence asked for would take more than the stated limit, all kinds together."""
    algorithm, s, sizes = case.algorithm, case.settings, vars(sizes_of(case))
    words = {"digits": "the numbers given have {1} digits in all"}
    known = {k: limit.Size(x, getattr(LEAST, k), words.get(k, limit.Size.words)) for k, x in sizes.items()}
    limit.check(s.max_work, known, lambda z: dict(estimate(algorithm, s, Sizes(**z), asked)))


def work_of(case: Case, asked: Sequence[str]) -> int:
    """The units of all parts together: which of several cases takes longest."""
    return sum(units for _, units in estimate(case.algorithm, case.settings, sizes_of(case), asked))


def estimate(algorithm: Algorithm, s: Settings, z: Sizes, asked: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each part of the work and its units: the weights, and every kind of evidence among `asked`."""
    layout = Layout.of(algorithm, z.features, z.context)
    m, K, n, L = layout.m, len(layout.accumulators), z.context, z.layers
    heads, stored = K * len(algorithm.preconditioners), 1 if s.looped else L
    bits = z.digits * 10 // 3
    # Powers of gamma and lambda fill a mask where there is a trace; a file's masks may hold any.
    powers = "trace" in algorithm.options or catalogue().get(algorithm.name) is not algorithm
    mask = n**2 * (100 + (n * _parameter_bits(case_values(algorithm, s)) // 100 if powers else 0))
    long = L**2 * n * m * max(bits - SHORT, 0) // 2
    if {"identity-exact", "float"} & set(asked):
        yield "the weights", stored * heads * m**2 * 150 + L * 10**4
        yield "the masks", mask
    if "identity-exact" in asked:
        yield "identity-exact", z.exact_trials * (L**2 * n * m + 500 * L * n + 12000 + long)
    if "float" in asked:
        layers = L * n * K * (150 + 15 * m) + 36 * L * (K * m) ** 2
        # The exact run is carried with a few bits more for every layer.
        layers += L**2 * K * layout.p * (K * layout.p + n + 1) * 3 // 5
        yield "float", 100 * n**2 + z.trials * (layers + 10 * n**2 + 2 * 10**4 + long)
    if "identity-random" in asked:
        d, n = max(z.features, LEAST_FEATURES), max(n, LEAST_CONTEXT)
        m = Layout.of(algorithm, d, n).m
        yield "identity-random", L * (20 * heads * m**2 + 10 * n * m + 10**4) + 15 * n**2
    if "identity-entrywise" in asked:
        yield "identity-entrywise", 8 * z.entrywise_context**3 * z.entrywise_features**4


def sizes_of(case: Case) -> Sizes:
    """The sizes of a case: its settings, and the digits of the numbers that it is given."""
    s = case.settings
    d, n = case.entrywise_sizes
    bits = _parameter_bits(case_values(case.algorithm, s)) + (0 if s.prompt is None else prompt_bits(s.prompt))
    return Sizes(s.features, s.context, s.layers, s.trials, s.exact_trials, d, n, bits * 3 // 10)


def check_own_work(own: OwnConstruction, s: Settings) -> None:
    """The same for a construction all of one's own, whose layers are run as they stand, dense and in full."""

    def parts(z: Mapping[str, int]) -> dict[str, int]:
        layer = 10 * z["layers"] * z["rows"] * z["columns"] * (z["rows"] + z["columns"])
        return {"identity-exact": z["exact_trials"] * layer, "float": layer}

    sizes = {
        "exact_trials": limit.Size(s.exact_trials),
        "layers": limit.Size(own.layers or s.layers),
        "rows": limit.Size(len(own.rows(s.features)), words="the prompt has {1} rows"),
        "columns": limit.Size(len(own.columns(s.features, s.context)), words="the prompt has {1} columns"),
    }
    limit.check(s.max_work, sizes, parts)


def case_values(algorithm: Algorithm, s: Settings) -> Mapping[str, Fraction]:
    """The parameters' values, or those that are given where one is missing: another check says so."""
    try:
        return parameter_values(algorithm, s)
    except ArgumentError:
        return {"gamma": Fraction(s.gamma), "lam": Fraction(s.lam), **s.values}


def _parameter_bits(values: Mapping[str, Fraction]) -> int:
    return sum(map(number_bits, values.values()))


def number_bits(x: Any) -> int:
    """The bits of a number: of its numerator or its denominator, whichever is longer."""
    exact = Fraction(x)
    return max(exact.numerator.bit_length(), exact.denominator.bit_length())


def prompt_bits(prompt: Context) -> int:
    """The bits of the prompt's common denominator, or a bound on them, and those of the largest numerator."""
    rows: list[Sequence[Any]] = [*prompt.features, *prompt.next_features, prompt.rewards, prompt.query]
    for _, values in prompt.extras:
        rows += [x if isinstance(x, tuple) else (x,) for x in values]
    numbers = [Fraction(x) for row in rows for x in row]
    below = {x.denominator for x in numbers}
    bits = sum(x.bit_length() for x in below)
    if bits < 10**5:
        bits = lcm(*below).bit_length()
    return bits + max(x.numerator.bit_length() for x in numbers)
