"""The command line's shared arguments: the same letters and names on every command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any

from cyclopts import Parameter

from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.exact import parse_rational
from ...symbolic.plain_text import shown


def whole(_: Any, tokens: Sequence[Any]) -> int:
    """An argument that is a whole number in digits; 2.5 is refused and not rounded."""
    text = tokens[0].value
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ArgumentError(
            f"{tokens[0].keyword or 'a size'} is {shown(text)}, wanted a whole number of at most 18 digits"
        )
    return int(text)


def integer(name: str | list[str], help: str) -> Parameter:
    """A whole-number argument."""
    return Parameter(name=name, help=help, converter=whole)


_SIZES = {
    "features": ("-d", "feature dimension d"),
    "context": ("-n", "context length n"),
    "layers": ("-L", "number of layers L"),
}


def size(name: str, default: int | str = "") -> Parameter:
    """One of the sizes d, n and L by its usual name and letter; the default is said where it is no plain value."""
    letter, words = _SIZES[name]
    return integer([f"--{name}", letter], f"{words}; default: {default}" if default else words)


def number(name: str, help: str) -> Parameter:
    """An exact number, which may be negative."""
    return Parameter(name=name, help=help, allow_leading_hyphen=True)


def flag(name: str | list[str], help: str) -> Parameter:
    """What is asked for or not: there is no --no-NAME."""
    return Parameter(name=name, negative=(), help=help)


def several(name: str, help: str) -> Parameter:
    """An argument that may be repeated: there is no --empty-NAME."""
    return Parameter(name=name, negative=(), help=help)


Features = Annotated[int, size("features")]
ContextLength = Annotated[int, size("context")]
Layers = Annotated[int, size("layers")]
Gamma = Annotated[str, number("--gamma", "discount, exact, from 0 to 1: 9/10 or 0.9")]
Lam = Annotated[str, number("--lam", "lambda, exact, from 0 to 1")]
Trace = Annotated[
    str | None,
    Parameter(name="--trace", help="trace decay of td-lambda: lam (the paper's) or gamma-lam (the textbook's)"),
]
Seed = Annotated[int, integer("--seed", "seed of every random draw")]
Trials = Annotated[int, integer("--trials", "prompts that run in floats")]
ExactTrials = Annotated[int, integer("--exact-trials", "prompts that run in exact arithmetic")]
Dtype = Annotated[str, Parameter(name="--dtype", help="float64, float32, tf32 (CUDA), bfloat16 or float16")]
Process = Annotated[
    str, Parameter(name="--process", help="where trajectories come from: boyan-chain, loop or random-ergodic")
]
Evidence = Annotated[
    list[str] | None,
    several("--evidence", "a kind of evidence to ask for (repeat for more); default: all"),
]
EntrywiseFeatures = Annotated[int | None, integer("--entrywise-features", "d of identity-entrywise; default: up to 3")]
EntrywiseContext = Annotated[int | None, integer("--entrywise-context", "n of identity-entrywise; default: up to 5")]
Parameters = Annotated[
    list[str] | None,
    several("--parameter", "NAME=VALUE of a parameter other than gamma and lam (repeat for more)"),
]
TimeLimit = Annotated[int, integer("--time-limit", "seconds that files of your own may take")]
MaxWork = Annotated[int, integer("--max-work", "limit on the work of one algorithm")]
Json = Annotated[bool, flag("--json", "one JSON document on stdout")]
Looped = Annotated[
    bool,
    Parameter(name="--looped", negative="--sequential", help="one layer's weights for all layers, or each its own"),
]


def rational(text: str, name: str) -> Fraction:
    """An exact number given as an argument; `ArgumentError` that calls it `name` when it is none."""
    try:
        return parse_rational(text, name)
    except ContentError as error:
        raise ArgumentError(str(error)) from None


def parameter_values(given: list[str]) -> dict[str, Fraction]:
    """The values given as NAME=VALUE; `ArgumentError` for what is none, or names one twice."""
    values: dict[str, Fraction] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier() or name in ("gamma", "lam") or name in values:
            raise ArgumentError(
                f"parameter is {shown(text)}, wanted NAME=VALUE once for each name, such as beta=1/3 (gamma and lam "
                "have options of their own)"
            )
        values[name] = rational(value, name)
    return values
