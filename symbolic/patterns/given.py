"""A layer of one's own as blocks: its functions are run on rows that are symbols, and their coefficients read off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from sympy import Expr

from ..derivation.coefficients import LENGTH
from ..derivation.contraction import Algebra
from ..derivation.scalar import Scalar
from ..derivation.vectors import Vector
from ..derivation.words import Word
from ..errors import NotRepresentableError
from .derive import as_expression, derive_pattern, written_pattern
from .generic import IDENTITY, Generic, generic, is_zero, touched
from .heads import PatternForm, PatternHead
from .record import GivenHead, PatternAlgorithm

Blocks = dict[tuple[str, str], dict[Word, Expr]]


def pattern_form(algorithm: PatternAlgorithm) -> PatternForm:
    """The form of an algorithm's layer: the one that it gives, or the one that is derived.

    Raises what `given_pattern` and `derive_pattern` raise.
    """
    return derive_pattern(algorithm) if algorithm.layer is None else given_pattern(algorithm)


def given_pattern(algorithm: PatternAlgorithm) -> PatternForm:
    """The form of the layer that an algorithm gives.

    Raises `NotRepresentableError` where values or a shift are not linear in the rows of one token, scores are no sum
    of products of a row of the key and a row of the token that asks, or a pattern reads a row that layers write.
    """
    given = algorithm.layer
    assert given is not None  # whoever asks has looked
    g = generic(algorithm)
    held = touched(g)
    if algorithm.kernels and algorithm.scored in held:
        raise written_pattern(algorithm)
    algebra = Algebra((*algorithm.parameters, LENGTH))
    p = algorithm.bind({name: algebra.parameter(name) for name in algorithm.parameters})
    heads = tuple(_head(algorithm, algebra, p, head, held, f"head {k + 1}") for k, head in enumerate(given.heads))
    if tuple(algorithm.kernels) == ("linear",):  # then the scores are K, and what holds for every K holds for them
        heads = tuple(_by_kernel(algorithm, head) if scores_are_kernel(g, head) else head for head in heads)
    shift: dict[tuple[str, str], Expr] = {}
    if given.shift is not None:
        if algorithm.column:
            raise NotRepresentableError(
                "the layer has a shift, which moves what tokens hold, and the state is in a column: leave out shift="
            )
        token = _column(algorithm, algebra, "key")
        moved = given.shift(token, p)
        blocks = _linear(algorithm, algebra, moved, "the shift")
        if any(word for words in blocks.values() for word in words):
            raise NotRepresentableError("the shift multiplies by C, wanted multiples of rows")
        shift = {place: words[()] for place, words in blocks.items()}
    return PatternForm(
        algorithm, heads, given.keys, given.scale == "1/n", shift, held, None, (), given.shift_from == "previous"
    )


def scores_are_kernel(g: Generic, head: PatternHead) -> bool:
    """Whether a head's linear scores are a multiple of the linear kernel's, x_j . x_t of the rows that it scores."""
    a = g.algorithm
    place = (a.scored, a.scored)
    if head.Q is None or a.column or (a.layer is not None and a.layer.kernel not in ("", "linear")):
        return False
    rows = (row for row in a.rows if row.name == a.scored)
    exact = all(is_zero(row.entry(f, g.own[f], g.p) - g.own[f].phi) for row in rows for f in a.families)
    return exact and head.Q.keys() == {place} and head.Q[place].keys() == {IDENTITY}


def _by_kernel(algorithm: PatternAlgorithm, head: PatternHead) -> PatternHead:
    """The same head with K in the place of its scores, their factor in its values."""
    assert head.Q is not None  # whoever asks has looked
    factor = head.Q[algorithm.scored, algorithm.scored][IDENTITY]
    return PatternHead({at: {w: x * factor for w, x in words.items()} for at, words in head.V.items()}, None)


def _column(algorithm: PatternAlgorithm, algebra: Algebra, place: str) -> SimpleNamespace:
    rows = {
        r.name: (algebra.scalar if r.scalar else algebra.vector)(_atom(place, r.name)) for r in algorithm.rows
    }  # fmt: skip
    return SimpleNamespace(**rows, nothing=algebra.number(0))


def _atom(place: str, row: str) -> str:
    return f"{place}: {row}"


def _head(
    algorithm: PatternAlgorithm, algebra: Algebra, p: Any, head: GivenHead, held: frozenset[str], what: str
) -> PatternHead:
    key, asking = _column(algorithm, algebra, "key"), _column(algorithm, algebra, "asking")
    C = algebra.matrix("C") if algorithm.preconditioned else None
    V = _linear(algorithm, algebra, head.values(key, C, p), f"the values of {what}")
    if head.scores is None:
        if not algorithm.kernels:
            raise NotRepresentableError(f"{what} has no scores, and {algorithm.name} has no kernel: give one of them")
        return PatternHead(V, None)
    Q = _bilinear(algorithm, algebra, head.scores(key, asking, C, p), f"the scores of {what}")
    read = {row for _, row in V}
    for of_key, of_query in Q:
        if of_key in held:
            raise NotRepresentableError(
                f"the scores of {what} read the row {of_key} of keys, which holds a state: layers write it; wanted "
                "keys of rows that stay"
            )
        if of_query in held and read & held:
            raise NotRepresentableError(
                f"{what} reads the written rows {of_query}, in its scores, and {min(read & held)}, in its values: the "
                "layer is not affine in the state; wanted one of the two"
            )
    return PatternHead(V, Q)


def _linear(algorithm: PatternAlgorithm, algebra: Algebra, written: Mapping[str, Any], what: str) -> Blocks:
    """{(row written, row read): {word: coefficient}} of values that are linear in the rows of the key."""
    scalars = {r.name: r.scalar for r in algorithm.rows}
    blocks: Blocks = {}
    for to, value in written.items():
        for read, word, coefficient in _terms(algebra, value, what):
            if scalars[read] != scalars[to]:
                raise NotRepresentableError(
                    f"{what} write a number into {to}, or a vector: its rows are of another kind"
                )
            blocks.setdefault((to, read), {})[word] = coefficient
    return blocks


def _terms(algebra: Algebra, value: Any, what: str) -> Iterator[tuple[str, Word, Expr]]:
    linear = f"{what} are not linear in the rows of one token: wanted sums of rows times numbers, parameters and C"
    if isinstance(value, Vector):
        for (word, atom), scalar in value.terms.items():
            parts = scalar.parts()
            if set(parts) != {()}:
                raise NotRepresentableError(linear)
            yield atom.partition(": ")[2], word, as_expression(parts[()])
    elif isinstance(value, Scalar):
        for monomial, part in value.parts().items():
            keys = [algebra.key(position) for position, exponent in monomial for _ in range(exponent)]
            if len(keys) != 1 or keys[0][0] != "scalar":
                raise NotRepresentableError(linear)
            yield keys[0][1].partition(": ")[2], (), as_expression(part)


def _bilinear(algorithm: PatternAlgorithm, algebra: Algebra, score: Any, what: str) -> Blocks:
    """{(row of the key, row of the query): {word: coefficient}} of a score."""
    products: dict[Any, tuple[str, str, Word]] = {}
    for left in algorithm.rows:
        for right in algorithm.rows:
            ends = _column(algorithm, algebra, "key"), _column(algorithm, algebra, "asking")
            x, y = getattr(ends[0], left.name), getattr(ends[1], right.name)
            if left.scalar and right.scalar:
                products[_monomial(x * y)] = left.name, right.name, ()
            elif not left.scalar and not right.scalar:
                C = algebra.matrix("C")
                words: list[tuple[Word, Any]] = [((), y), ((("C", False),), C @ y), ((("C", True),), C.T @ y)]
                products.update({_monomial(x @ value): (left.name, right.name, word) for word, value in words})
    blocks: Blocks = {}
    for monomial, part in score.parts().items() if isinstance(score, Scalar) else ():
        if monomial not in products:
            raise NotRepresentableError(
                f"{what} are no sum of products of a row of the key and a row of the token that asks: wanted such as "
                "k.phi @ q.w, or k.phi @ (C @ q.phi)"
            )
        of_key, of_query, word = products[monomial]
        blocks.setdefault((of_key, of_query), {})[word] = as_expression(part)
    return blocks


def _monomial(value: Any) -> Any:
    ((monomial, _),) = value.parts().items()
    return monomial
