"""The layer of an algorithm that attends by patterns, whatever its symbols are called: on pages and in papers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sympy import Expr

from ...symbolic.patterns.heads import Blocks, PatternForm
from ..formula.build import Part, bracketed, call, equation, indexed, row, summed, transposed
from ..formula.formula import Formula
from ..formula.nodes import Sign


@dataclass(frozen=True)
class LayerSymbols:
    """What the parts of a layer are called, each without an index.

    Z, layer  : the prompt, and the letter for layers
    V, Q, A   : of a head: its values, its key-query form and its pattern
    M, K, S   : the mask, the kernel's weights and the shift
    over_n    : the factor of what the heads add, where there is one
    """

    Z: Part
    layer: Part
    V: Part
    Q: Part
    A: Part
    M: Part
    K: Part
    S: Part
    over_n: Formula

    def pattern(self, form: PatternForm) -> Formula:
        """The pattern of a head."""
        return indexed(self.A, *_any(form)) if _any(form) else row(self.A)


def _any(form: PatternForm) -> list[Part]:
    """The letter for heads, where there are several."""
    return ["h"] if len(form.heads) > 1 else []


def of_head(letter: Part, layer: Part, blocks: Iterable[Blocks | None], head: Sequence[Part]) -> Formula:
    """V or Q with what it depends on: the layer, where a block has C, and the head."""
    own = any(word for each in blocks if each for by_word in each.values() for word in by_word)
    index = [layer] * own + list(head)
    return indexed(letter, *[x for part in index for x in (",", part)][1:]) if index else row(letter)


def layer_equations(form: PatternForm, symbols: LayerSymbols) -> tuple[Formula, Formula]:
    """What a layer makes of a prompt, and what a head's pattern is."""
    head, now = _any(form), indexed(symbols.Z, symbols.layer)
    V = of_head(symbols.V, symbols.layer, (x.V for x in form.heads), head)
    Q = of_head(symbols.Q, symbols.layer, (x.Q for x in form.heads), head)
    A = symbols.pattern(form)
    heads = row(V, now, A)
    inside = row(now, "+", *[symbols.over_n] * form.by_length, summed("h", heads) if head else heads)
    made = call(symbols.S, inside, size="big") if form.shift else inside
    scores = symbols.K if form.algorithm.kernels else bracketed(meets(now, Q, now), "big")
    after = indexed(symbols.Z, symbols.layer, "+", "1")
    return equation(after, made), equation(A, row(symbols.M, "circ", scores))


def meets(key: Part, key_query: Part, query: Part) -> Formula:
    """How a key meets a query: z_j^T Q z_t."""
    return row(transposed(key), key_query, query)


def last_key(sees: str, n: Part) -> Formula:
    """The last key of token t under a mask, one of `KEYS`."""
    both = call(Formula(Sign("function", "min")), "t", n)
    return {"causal": both, "context and query": row(n, "+", "1"), "causal with query": row("t")}.get(sees, row(n))


Move = tuple[Formula, list[tuple[Expr, Formula]]]
"""A row at token t, and the multiples of rows beside it that the shift sets it to."""


def moves(form: PatternForm, named: Callable[[str, Part], Formula]) -> list[Move]:
    """What the shift does.

    named : a row's symbol at a token
    """
    beside = row("t", "-" if form.previous else "+", "1")
    result: dict[str, list[tuple[Expr, Formula]]] = {}
    for (to, read), c in form.shift.items():
        result.setdefault(to, []).append((c, named(read, beside)))
    return [(named(to, "t"), terms) for to, terms in result.items()]
