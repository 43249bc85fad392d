"""The record of an algorithm that layers with attention patterns run: its tokens, its state, its textbook update."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from ..errors import ArgumentError, ContentError
from ..exact import exact_number
from ..kinds import FLAG, FUNCTION, TEXT, check_all
from ..names import check_names
from ..plain_text import shown
from .kernels import KERNELS

STATES = ("a number for each token", "a vector for each token", "a vector in a column of its own")
"""Where the state lives.  Each token's number or vector is that of the value at the token's features."""
FAMILIES = ("context", "query", "parameter")
"""The kinds of columns: n of the context, the query's, and the one of a state in a column of its own."""
SEES: dict[str, Callable[[int, int], int]] = {"context": lambda t, n: n, "causal": lambda t, n: min(t, n)}
"""How many tokens of the context token t = 1, ..., n+1 sums over: all of them, or those up to its own."""
KEYS: dict[str, Callable[[int, int], int]] = {
    **SEES, "context and query": lambda t, n: n + 1, "causal with query": lambda t, n: t
}  # fmt: skip
"""The masks of layers: how many of the n+1 tokens are keys of token t. The last two let the last token be one."""
SHIFTS = ("next", "previous")
"""Which token a shift of rows reads: the one after, or the one before."""
SCALES = ("1", "1/n")


@dataclass(frozen=True)
class Row:
    """A named block of rows of Z: d rows, or one row when `scalar`.

    context, query, parameter : (token, parameters) -> its entries in a column of that family; None means zero
    A token has `phi`, `state` and, in the context, `phi_next`, `reward` and `next_state`, the state of the token after
    it; the parameter column has `state` alone.  Rows whose entries hold a state are those that layers write.
    """

    name: str
    context: Callable[[Any, Any], Any] | None = None
    query: Callable[[Any, Any], Any] | None = None
    parameter: Callable[[Any, Any], Any] | None = None
    scalar: bool = False
    meaning: str = ""
    symbol: str = ""

    def __post_init__(self) -> None:
        TEXT.check(name=self.name)
        TEXT.check_fields(self, self.name, "meaning", "symbol")
        FUNCTION.check_fields(self, self.name, *(f for f in FAMILIES if getattr(self, f) is not None))
        FLAG.check_fields(self, self.name, "scalar")

    def entry(self, family: str, token: Any, p: Any) -> Any | None:
        """What the block holds in a column of a family; None where that is zero."""
        function = getattr(self, family)
        return None if function is None else function(token, p)


@dataclass(frozen=True)
class GivenHead:
    """A head of a layer of one's own: what it adds to a token is the sum over keys k of the pattern times `values`.

    values : (k, C, parameters) -> {row written: its entries}, linear in the rows of the key: k.phi, k.reward, ...
    scores : (k, q, C, parameters) -> the linear score of key k for token q, a sum of products of a row of each; None
             where the head attends by the kernel
    """

    values: Callable[[Any, Any, Any], Mapping[str, Any]]
    scores: Callable[[Any, Any, Any, Any], Any] | None = None

    def __post_init__(self) -> None:
        FUNCTION.check(values=self.values)
        FUNCTION.check_given(scores=self.scores)


@dataclass(frozen=True)
class GivenLayer:
    """A layer of one's own, checked against the update, where none is derived from it.

    heads       `GivenHead`s
    keys        the mask: which tokens are keys, one of `KEYS`
    scale       "1/n" or "1", the factor of the heads' change
    shift       None, or (token, parameters) -> {row: what it becomes after the heads}, linear in the rows of `token`
    shift_from  which token that is: "next", the one after, or "previous"
    kernel      what the pattern is, where it is another than the update's weights: a name of `kernels.KERNELS`
    mask_first  whether the mask is applied to the scores, before the kernel, and not to what the kernel gives
    """

    heads: tuple[GivenHead, ...]
    keys: str = "context"
    scale: str = "1"
    shift: Callable[[Any, Any], Mapping[str, Any]] | None = None
    shift_from: str = "next"
    kernel: str = ""
    mask_first: bool = False

    def __post_init__(self) -> None:
        for name, known in (("keys", tuple(KEYS)), ("scale", SCALES), ("shift_from", SHIFTS)):
            if getattr(self, name) not in known:
                raise ArgumentError(f"{name} is {shown(getattr(self, name))}, wanted one of {', '.join(known)}")
        if self.kernel and self.kernel not in KERNELS:
            raise ArgumentError(f"kernel is {shown(self.kernel)}, wanted one of {', '.join(KERNELS)}")
        check_all("heads", self.heads, GivenHead)
        FUNCTION.check_given(shift=self.shift)
        FLAG.check(mask_first=self.mask_first)
        if not self.heads:
            raise ArgumentError("heads is empty, wanted at least one GivenHead")
        if self.mask_first and any(head.scores is not None for head in self.heads):
            raise ArgumentError("mask_first is of a kernel, and a head has linear scores: leave out one of them")


@dataclass(frozen=True)
class PatternAlgorithm:
    """An algorithm that attends by patterns, as data.

    state    one of `STATES`
    update   (own, C, sweep, parameters) -> the new state of one token, as the paper writes it: `own.state` is its
             state, `sweep` runs over the tokens of the context that it sums over, `sweep.n` is their number n, and each
             of them has `phi`, `phi_next`, `reward`, `state`, `next_state` and, where `kernels` are given, `weight`,
             its weight for the token that is updated
    sees     "context" or "causal": which tokens of the context a token sums over (`SEES`)
    kernels  what the weights may be, by the names of `kernels.KERNELS`: none where scores are linear
    scored   the row block whose entries the kernel takes for scores: no layer may write it
    preconditioned  whether the update reads the matrix C : (d, d), one a layer
    chained  whether the tokens are the states of one trajectory, each the successor of the one before, the query last
    layer    a layer of one's own, which is checked against the update: a `GivenLayer`; None where it is derived
    differs, symbols, defaults, parameters   as in `Algorithm`
    """

    name: str
    title: str
    source: str
    rows: tuple[Row, ...]
    state: str
    update: Callable[[Any, Any, Any, Any], Any]
    sees: str = "context"
    kernels: tuple[str, ...] = ()
    scored: str = "phi"
    preconditioned: bool = False
    chained: bool = False
    layer: GivenLayer | None = None
    parameters: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)
    differs: str = ""

    def __post_init__(self) -> None:
        TEXT.check_fields(self, "", "name", "title", "source", "scored", "differs")
        FLAG.check(preconditioned=self.preconditioned, chained=self.chained)
        for name, value, known in (("state", self.state, STATES), ("sees", self.sees, tuple(SEES))):
            if value not in known:
                raise ArgumentError(f"{name} is {shown(value)}, wanted one of {', '.join(known)}")
        check_all("rows", self.rows, Row)
        for name in ("kernels", "parameters"):
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, (tuple, list)):
                raise ArgumentError(f"{name} is {shown(value)}, wanted a tuple such as ({shown(value)},)")
        for name in ("defaults", "symbols"):
            if not isinstance(getattr(self, name), Mapping):
                raise ArgumentError(f"{name} is {shown(getattr(self, name))}, wanted a dict")
        if not callable(self.update):
            raise ArgumentError(f"update is {shown(self.update)}, wanted a function")
        if self.layer is not None and not isinstance(self.layer, GivenLayer):
            raise ArgumentError(f"layer is {shown(self.layer)}, wanted a GivenLayer")
        if not self.rows:
            raise ArgumentError("rows is empty, wanted the rows of the prompt, top to bottom")
        names = [row.name for row in self.rows]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ArgumentError(f"{twice} names two rows of the prompt: give each row block a name of its own")
        check_names((("the parameter", self.parameters),), ())
        unknown = next((k for k in self.kernels if k not in KERNELS), None)
        if unknown is not None:
            raise ArgumentError(f"kernels holds {shown(unknown)}, wanted some of {', '.join(KERNELS)}")
        if self.kernels and self.scored not in names:
            raise ArgumentError(f"scored is {shown(self.scored)}, wanted one of the rows {', '.join(names)}")
        if self.column and any(row.query is not None for row in self.rows):
            raise ContentError(f"{self.name} has its state in a column of its own and a query column: leave one out")
        if not self.column and any(row.parameter is not None for row in self.rows):
            raise ContentError(f"{self.name} fills a parameter column, but its state is {self.state}: write query=")
        if self.column and (self.sees != "context" or self.chained):
            what = "chained" if self.chained else f"sees={self.sees!r}"
            raise ContentError(f"{self.name} has its state in a column of its own, which sums over all: drop {what}")
        if self.layer is not None and self.layer.kernel and not self.kernels:
            raise ContentError(f"the layer of {self.name} names a kernel, but the algorithm has none: give kernels=")

    def __copy__(self) -> PatternAlgorithm:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> PatternAlgorithm:
        return self  # a record is never changed, and is known by its identity

    @property
    def column(self) -> bool:
        """Whether the state lives in a column of its own."""
        return self.state == STATES[2]

    @property
    def numbers(self) -> bool:
        """Whether the state of a token is a number."""
        return self.state == STATES[0]

    @property
    def families(self) -> tuple[str, ...]:
        """The families of columns that its prompt has, in order."""
        return ("context", "parameter") if self.column else ("context", "query")

    def values(self, known: Mapping[str, Fraction]) -> dict[str, Fraction]:
        """The value of each parameter: the known ones, else the defaults; `ArgumentError` when one has neither."""
        both = {**{name: exact_number(x, f"the default of {name}") for name, x in self.defaults.items()}, **known}
        missing = next((name for name in self.parameters if name not in both), None)
        if missing is not None:
            raise ArgumentError(f"{self.name} needs a value for {missing}: --parameter {missing}=1/2, or a default")
        return {name: both[name] for name in self.parameters}

    def bind(self, values: Mapping[str, Any]) -> SimpleNamespace:
        """The parameter object that `update` and the rows read."""
        return SimpleNamespace(**{name: values[name] for name in self.parameters})


class Keys:
    """One pass over the tokens of the context that a token sums over: `for k in sweep`.

    What the loop keeps from step to step stands on it as attributes, as on `Sweep`.
    """

    def __init__(self, keys: Sequence[Any], n: Any):
        self._keys = keys
        self.n = n

    def __iter__(self) -> Any:
        return iter(self._keys)
