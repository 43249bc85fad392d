"""The one-layer identity for every d, n and pattern: what the heads add for one token is what the update adds.

Both sides are sums over the same tokens of the context, so they are equal once their summands are, for a generic
token summed over and a generic token of each family; then the shift, which reads a generic token that follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer

from ..derivation.coefficients import LENGTH
from .generic import WEIGHT, Generic, applied, as_key, demanded, generic, is_zero, score, shifted
from .heads import PatternForm, PatternHead, value_of
from .record import Row

SUMMED = "the tokens that are summed over"
"""The fact that the layer and the update read the same keys."""


@dataclass(frozen=True)
class Residual:
    """Layer minus update in one row block and family of columns, for one token of the context; None when it is zero."""

    row: str
    family: str
    fact: str
    difference: str | None

    @property
    def holds(self) -> bool:
        """Whether the difference is zero."""
        return self.difference is None


def added(g: Generic, heads: Sequence[PatternHead], row: Row, own: str, key: str = "context") -> Any:
    """What heads add to a row of a token of the family `own` for one token of the family `key`; None for nothing."""
    rows = {r.name: r for r in g.algorithm.rows}
    source = as_key(g, key)
    total = None
    for head in heads:
        meets = g.algebra.number(0) if head.Q is not None else g.algebra.scalar(WEIGHT)
        for (left, right), words in (head.Q or {}).items():
            ends = rows[left].entry(key, source, g.p), rows[right].entry(own, g.own[own], g.p)
            for word, coefficient in words.items():
                meets = meets + _number(g, coefficient) * score(g, *ends, word, rows[left].scalar)
        for (to, read), words in head.V.items():
            value = rows[read].entry(key, source, g.p) if to == row.name else None
            for word, coefficient in words.items() if value is not None else ():
                term = applied(g, word, value) * (_number(g, coefficient) * meets)
                total = term if total is None else total + term
    return total


def _number(g: Generic, coefficient: Expr | Integer) -> Any:
    return value_of(coefficient, {**vars(g.p), LENGTH: g.algebra.parameter(LENGTH)}, g.algebra.number)


def pattern_identity(form: PatternForm) -> Iterator[Residual]:
    """Layer minus update for every row block and family of columns; the heads are those of `form`."""
    g = generic(form.algorithm)
    for row in form.algorithm.rows:
        for own in form.algorithm.families:
            difference = _minus(added(g, form.heads, row, own), demanded(g, row, own))
            yield Residual(row.name, own, "what one token adds", _text(difference))
    yield Residual("", "", "the layer's scale", None if form.by_length == g.by_length else "1/n on one side only")
    sees = form.sees.removesuffix(" and query").removesuffix(" with query")
    same = sees == form.algorithm.sees
    yield Residual("", "", SUMMED, None if same else f"{form.sees}, {form.algorithm.sees}")
    final = form.algorithm.families[-1]
    for own in form.algorithm.families if sees != form.sees else ():
        if sees == "causal" and own != final:
            continue
        for row in form.algorithm.rows:
            difference = added(g, form.heads, row, own, final)
            yield Residual(row.name, own, f"what the {final} as a key adds", _text(difference))
    rows = {r.name: r for r in form.algorithm.rows}
    moved = {row.name for row in shifted(g)} | {to for to, _ in form.shift}
    for row in (rows[name] for name in sorted(moved)):
        wanted = row.entry("context", g.own["context"], g.p)
        for family, token in g.after.items():
            read = None
            for (to, source), coefficient in form.shift.items():
                value = rows[source].entry(family, token, g.p) if to == row.name else None
                if value is not None:
                    term = applied(g, (), value) * _number(g, coefficient)
                    read = term if read is None else read + term
            late = "the token before is read" if form.previous else None
            yield Residual(row.name, family, "the shift of rows", late or _text(_minus(read, wanted)))
        last = row.entry("query", g.own["query"], g.p)
        yield Residual(
            row.name, "query", "nothing follows the query", None if last is None else "the row is not zero there"
        )


def _minus(left: Any, right: Any) -> Any:
    if is_zero(left) or is_zero(right):
        return left if is_zero(right) else -right
    return left - right


def _text(value: Any) -> str | None:
    if is_zero(value):
        return None
    terms = getattr(value, "terms", None)
    return str({k: x.text() for k, x in terms.items()} if terms is not None else value.text())[:300]
