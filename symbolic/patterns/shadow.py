"""A pattern algorithm's functions as records of the kind that `tracing` knows: traced, sent and checked as theirs are.

A `PatternAlgorithm` has a few functions: rows, the update, and where a layer is given its values, scores and shift.
Each becomes a part of an `Algorithm` that nobody runs as one: rows are its feature blocks, the update is its update,
and a function of a token's rows is an update whose weights are those rows.  What is evaluated of these records
(`tracing.evaluated`) is put back into a pattern algorithm by `from_shadows`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..algorithm import Algorithm, FeatureBlock
from ..errors import ContentError
from ..read import Read
from ..tracing import Traced, evaluated
from ..tracing.expression import names
from ..tracing.judged import HERE, Once, Side, judged
from ..transitions import Sweep
from .record import GivenHead, PatternAlgorithm, Row

OWN = "own"
"""What the state of the token that is updated is called among the shadow's weights."""
SCORE = "score"
MATRIX = "C"
FIELDS = {
    "context": ("phi", "phi_next", "reward", "state", "next_state"), "query": ("phi", "state"), "parameter": ("state",)
}  # fmt: skip
"""What a token of each family has."""


def fields(algorithm: PatternAlgorithm, family: str) -> tuple[str, ...]:
    """What a token of a family has: no state of its own in the context, where the state has a column."""
    names_of_fields = FIELDS[family]
    return names_of_fields[:3] if algorithm.column and family == "context" else names_of_fields


def key_fields(algorithm: PatternAlgorithm) -> tuple[str, ...]:
    """What a token that an update sums over has."""
    kept = ("state",) if algorithm.column else ("state", "next_state")
    return ("phi", "phi_next", "reward", *kept, *(("weight",) if algorithm.kernels else ()))


def shadows(algorithm: PatternAlgorithm) -> tuple[Algorithm, ...]:
    """The records of an algorithm's functions: rows and update, then one for each head given, then the shift's.

    Raises `ContentError` where a name stands for two things.
    """
    numbers, column = algorithm.numbers, algorithm.column
    scalars = (*(("state", "next_state") if numbers else ()), *(("weight",) if algorithm.kernels else ()))
    vectors = () if numbers else (("state",) if column else ("state", "next_state"))
    blocks = tuple(
        FeatureBlock(block_name(row, family), _row(algorithm, row, family), scalar=row.scalar)
        for row in algorithm.rows
        for family in algorithm.families
        if getattr(row, family) is not None
    )
    first = Algorithm(
        algorithm.name, algorithm.title, algorithm.source, blocks, (), partial(_update, algorithm),
        weights=(OWN,), scalar_weights=(OWN,) if numbers else (),
        preconditioners=(MATRIX,) if algorithm.preconditioned else (), parameters=tuple(algorithm.parameters),
        transition_scalars=scalars, transition_vectors=vectors,
    )  # fmt: skip
    return (first, *_of_layer(algorithm))


def block_name(row: Row, family: str) -> str:
    """What the shadow calls a row in the columns of a family."""
    return f"{row.name} in {family} columns"


def _row(algorithm: PatternAlgorithm, row: Row, family: str) -> Callable[[Any, Any], Any]:
    function, known = getattr(row, family), fields(algorithm, family)
    advice = (
        f"a token of the {family} has no NAME here: it has {', '.join(known)}"
        if family != "parameter"
        else "the parameter column has no NAME: it has state, what layers iterate"
    )

    def entries(t: Any, p: Any) -> Any:
        return function(Read(advice, **{name: getattr(t, name) for name in known}), p)

    return entries


def _update(algorithm: PatternAlgorithm, weights: Any, steps: Any, sweep: Any, p: Any) -> tuple[Any, ...]:
    (state,) = weights
    own = Read("the token that is updated has no NAME: it has state; others are tokens of the loop", state=state)
    try:
        return (algorithm.update(own, steps[0] if steps else None, sweep, p),)
    except AttributeError as error:
        lacking = re.match("a transition has no ([A-Za-z_0-9]+): ", str(error))
        if lacking is not None:
            more = "" if algorithm.kernels else '; a weight is there with kernels=("softmax",)'
            error.args = (f"a token of the loop has no {lacking[1]}: it has {', '.join(key_fields(algorithm))}{more}",)
        raise


def row_weight(row: Row, place: str) -> str:
    """What the shadow of a head calls a row of the key or of the token that asks."""
    return f"{place}_{row.name}"


def _of_layer(algorithm: PatternAlgorithm) -> list[Algorithm]:
    given = algorithm.layer
    if given is None:
        return []
    unread = next((row.name for row in algorithm.rows if not row.name.isidentifier()), None)
    if unread is not None:
        raise ContentError(
            f"the row {unread} has a name that k.NAME cannot read, wanted one as Python's variables have"
        )
    records = [
        _part(algorithm, f"head {k + 1}", ("key", "asking"), partial(_head, algorithm, head), score=True)
        for k, head in enumerate(given.heads)
    ]
    if given.shift is not None:
        records.append(_part(algorithm, "shift", ("key",), partial(_shift, algorithm, given.shift)))
    return records


def _part(
    algorithm: PatternAlgorithm, what: str, places: tuple[str, ...], update: Callable[..., Any], score: bool = False
) -> Algorithm:
    named = [(row_weight(row, place), row.scalar) for place in places for row in algorithm.rows]
    named += [(SCORE, True)] * score
    return Algorithm(
        f"{algorithm.name}, {what}", algorithm.title, algorithm.source, (), (), update,
        weights=tuple(name for name, _ in named), scalar_weights=tuple(name for name, scalar in named if scalar),
        preconditioners=(MATRIX,) if algorithm.preconditioned else (), parameters=tuple(algorithm.parameters),
    )  # fmt: skip


def _columns(algorithm: PatternAlgorithm, weights: Sequence[Any]) -> list[Read]:
    count, known = len(algorithm.rows), [row.name for row in algorithm.rows]
    advice = f"a token has no row NAME: its rows are {', '.join(known)}"
    return [
        Read(advice, **dict(zip(known, weights[i : i + count], strict=True)))
        for i in range(0, len(weights) - len(weights) % count, count)
    ]


def _written(algorithm: PatternAlgorithm, given: Any, weights: Sequence[Any], what: str) -> list[Any]:
    """What is written to each row, zero where nothing is; of the kind of the row."""
    known = {row.name for row in algorithm.rows}
    if not isinstance(given, Mapping) or not set(given) <= known:
        shown = f"writes {sorted(map(str, set(given) - known))[0]}" if isinstance(given, Mapping) else "returns no dict"
        raise ContentError(f"the {what} {shown}, wanted {{row: entries}} of {', '.join(sorted(known))}")
    return [given.get(row.name, 0 * weights[i]) for i, row in enumerate(algorithm.rows)]


def _head(
    algorithm: PatternAlgorithm, head: GivenHead, weights: Sequence[Any], steps: Any, sweep: Any, p: Any
) -> tuple[Any, ...]:
    key, asking = _columns(algorithm, weights[:-1])
    C = steps[0] if steps else None
    written = _written(algorithm, head.values(key, C, p), weights, "values of a head")
    score = 0 * weights[-1] if head.scores is None else head.scores(key, asking, C, p)
    return (*written, *(0 * x for x in weights[len(algorithm.rows) : -1]), score)


def _shift(
    algorithm: PatternAlgorithm,
    shift: Callable[[Any, Any], Any],
    weights: Sequence[Any],
    steps: Any,
    sweep: Any,
    p: Any,
) -> tuple[Any, ...]:
    (token,) = _columns(algorithm, weights)
    return tuple(_written(algorithm, shift(token, p), weights, "shift"))


def from_shadows(algorithm: PatternAlgorithm, evaluated: Sequence[Algorithm]) -> PatternAlgorithm:
    """The algorithm with its functions those of its evaluated shadows."""
    first, *parts = evaluated
    blocks = {block.name: block.context for block in first.features}

    def known(row: Row, family: str) -> Callable[[Any, Any], Any] | None:
        return blocks.get(block_name(row, family))

    rows = tuple(
        replace(row, context=known(row, "context"), query=known(row, "query"), parameter=known(row, "parameter"))
        for row in algorithm.rows
    )
    layer = algorithm.layer
    if layer is not None:
        heads = tuple(
            replace(head, values=partial(_values, algorithm, part), scores=head.scores and partial(_score, part))
            for head, part in zip(layer.heads, parts, strict=False)
        )
        layer = replace(layer, heads=heads, shift=layer.shift and partial(_shifted, algorithm, parts[-1]))
    return replace(algorithm, rows=rows, update=_Update(first, algorithm.preconditioned), layer=layer)


class _Update:
    """The update as its shadow evaluates it; where it is no one loop this raises `RefusedError`."""

    def __init__(self, shadow: Algorithm, preconditioned: bool):
        self.shadow, self.preconditioned = shadow, preconditioned
        self.__doc__ = shadow.update.__doc__

    def __call__(self, own: Any, C: Any, sweep: Any, p: Any) -> Any:
        return self.shadow.update((own.state,), (C,) if self.preconditioned else (), sweep, p)[0]


def is_judged(algorithm: PatternAlgorithm) -> bool:
    """Whether an algorithm's functions are those of evaluated shadows."""
    return isinstance(algorithm.update, _Update)


def _values(algorithm: PatternAlgorithm, part: Algorithm, key: Any, C: Any, p: Any) -> dict[str, Any]:
    weights = [getattr(key, row.name) for row in algorithm.rows]
    new = part.update((*weights, *weights, key.nothing), (C,) if part.preconditioners else (), Sweep(()), p)
    return {row.name: x for row, x in zip(algorithm.rows, new, strict=False)}


def _score(part: Algorithm, key: Any, asking: Any, C: Any, p: Any) -> Any:
    names = [name.partition("_")[2] for name in part.weights[: len(part.weights) // 2]]
    weights = [getattr(column, name) for column in (key, asking) for name in names]
    return part.update((*weights, key.nothing), (C,) if part.preconditioners else (), Sweep(()), p)[-1]


def _shifted(algorithm: PatternAlgorithm, part: Algorithm, token: Any, p: Any) -> dict[str, Any]:
    weights = tuple(getattr(token, row.name) for row in algorithm.rows)
    steps = (None,) * len(part.preconditioners)
    return {row.name: x for row, x in zip(algorithm.rows, part.update(weights, steps, Sweep(()), p), strict=True)}


class Checked(Once):
    """As `Once`, and the rows of a pattern algorithm read what a token of their columns has, and nothing else."""

    def __init__(self, algorithm: PatternAlgorithm, record: Algorithm, side: Side = HERE):
        super().__init__(record, side)
        self.algorithm = algorithm

    def __call__(self, options: Mapping[str, str]) -> Traced:
        """The expressions; `ContentError` where a row reads what its columns have not."""
        traced = super().__call__(options)
        for row in traced.features:
            family = row.name.rpartition(" in ")[2].removesuffix(" columns")
            known = fields(self.algorithm, family) if family in FIELDS else ()
            read = {node.name for node in names([row.context]) if node.source == "transition"}
            if not read <= set(known):
                raise ContentError(f"the row {row.name} reads {min(read - set(known))}, wanted {', '.join(known)}")
        if traced.update is not None:
            known, body = key_fields(self.algorithm), [node for _, node in traced.update.body]
            read = {node.name for node in names(body) if node.source == "transition"}
            if not read <= set(known):
                told = f"the update reads {min(read - set(known))} of a token: it has {', '.join(known)}"
                raise ContentError(told)
        return traced


_judged: dict[int, tuple[PatternAlgorithm, PatternAlgorithm]] = {}


def judged_pattern(algorithm: PatternAlgorithm) -> PatternAlgorithm:
    """What stands for an algorithm from here on, as `tracing.judged` has it; what is judged already stays itself."""
    if is_judged(algorithm):
        return algorithm
    if id(algorithm) not in _judged:
        first, *parts = shadows(algorithm)
        judged_parts = [evaluated(first, Checked(algorithm, first)), *map(judged, parts)]
        _judged[id(algorithm)] = algorithm, from_shadows(algorithm, judged_parts)
    return _judged[id(algorithm)][1]
