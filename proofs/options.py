"""The command line's shared arguments: the same letters and names on every command."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from cyclopts import Parameter

from ..numeric.prompt_file import parse_rational
from ..symbolic.errors import ArgumentError, ContentError

Features = Annotated[int, Parameter(name=["--features", "-d"], help="feature dimension d")]
ContextLength = Annotated[int, Parameter(name=["--context", "-n"], help="context length n")]
Layers = Annotated[int, Parameter(name=["--layers", "-L"], help="number of layers L")]
Gamma = Annotated[str, Parameter(name="--gamma", help="discount, exact, from 0 to 1: 9/10 or 0.9")]
Lam = Annotated[str, Parameter(name="--lam", help="lambda, exact, from 0 to 1")]
Trace = Annotated[
    str | None,
    Parameter(name="--trace", help="trace decay of td-lambda: lam (the paper's) or gamma-lam (the textbook's)"),
]
Seed = Annotated[int, Parameter(name="--seed", help="seed of every random draw")]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="one JSON document on stdout")]
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
