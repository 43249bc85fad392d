"""A construction all of one's own: any prompt, any heads, and a reference for the entries that matter.

For what has no weight vectors and accumulator rows in the sense of `Algorithm`: extra tokens, rows that hold a matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .attention import Head
from .kinds import FUNCTION, TEXT
from .prompt import Context


@dataclass(frozen=True)
class OwnConstruction:
    """A prompt, its layers' heads, and what they must give: all in exact numbers, written by the user.

    rows       d -> a name for every row of Z
    columns    (d, n) -> a name for every column of Z
    prompt     (context, parameters) -> the rows of Z_0
    heads      (d, n, parameters, layer) -> the heads of that layer, counted from 0, as `Head`s of rows of rationals
    reference  (context, parameters) -> endless iterator: after each layer {(row name, column name): the entry wanted}
    scale      n -> the factor of a layer's change, 1/n
    parameters values by name, as text: {"kappa": "2/3"}; gamma and lam come from the command line
    layers     how many layers it has, where that is fixed
    """

    name: str
    title: str
    source: str
    rows: Callable[[int], Sequence[str]]
    columns: Callable[[int, int], Sequence[str]]
    prompt: Callable[[Context, Any], Sequence[Sequence[Any]]]
    heads: Callable[[int, int, Any, int], Sequence[Head]]
    reference: Callable[[Context, Any], Iterable[Mapping[tuple[str, str], Any]]]
    scale: Callable[[int], Fraction] = field(default=lambda n: Fraction(1, n))
    parameters: Mapping[str, str] = field(default_factory=dict)
    layers: int | None = None

    def __post_init__(self) -> None:
        TEXT.check(name=self.name, title=self.title, source=self.source)
        FUNCTION.check_fields(self, "", "rows", "columns", "prompt", "heads", "reference", "scale")
