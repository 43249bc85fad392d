"""Derived heads, in blocks: coefficients times words in C, the pattern that each attends by, and the shift of rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add, mul
from typing import Any

from sympy import Expr, Integer, Rational, Symbol
from sympy.core.add import Add
from sympy.core.mul import Mul
from sympy.core.power import Pow

from ..arithmetics.arithmetic import Arithmetic
from ..derivation.words import Word, word_text
from .record import KEYS, PatternAlgorithm

Blocks = Mapping[tuple[str, str], Mapping[Word, Expr]]
"""(row block, row block) -> {word in C: coefficient}; what is missing is zero."""


@dataclass(frozen=True, eq=False)
class PatternHead:
    """A head: it adds V Z A, with A = K under the mask for opaque patterns, Z^T Q Z under it where Q is given.

    V : from the rows that it reads to the rows that it writes; Q : rows of the key, rows of the query
    """

    V: Blocks
    Q: Blocks | None


@dataclass(frozen=True, eq=False)
class PatternForm:
    """What an algorithm's layer is: its heads, their mask, the layer's scale, and the shift.

    sees       the mask: 1 at (key j, token t) where j <= KEYS[sees](t, n), else 0
    by_length  whether a layer's change is divided by n
    shift      (written row, row read in the token after it) -> coefficient
    held       the rows that hold a state: those that layers write
    least      no fewer heads under one mask do it; None where other products of V and Q do it too
    free       entries of the mask that no prompt can see, as (family of the key, family of the token)
    previous   whether the shift reads the token before, which no derived one does
    """

    algorithm: PatternAlgorithm
    heads: tuple[PatternHead, ...]
    sees: str
    by_length: bool
    shift: Mapping[tuple[str, str], Expr]
    held: frozenset[str]
    least: int | None
    free: tuple[tuple[str, str], ...]
    previous: bool = False


def value_of(expression: Expr, values: Mapping[str, Any], number: Callable[[Any], Any]) -> Any:
    """A coefficient as a number of an arithmetic, at the parameters' values there."""
    if isinstance(expression, Rational):
        return number(Fraction(int(expression.p), int(expression.q)))
    if isinstance(expression, Symbol):
        return values[expression.name]
    if isinstance(expression, (Add, Mul)):
        parts = (value_of(x, values, number) for x in expression.args)
        return reduce(add if isinstance(expression, Add) else mul, parts)
    if isinstance(expression, Pow) and isinstance(expression.exp, Integer):
        base, exponent = value_of(expression.args[0], values, number), int(expression.exp)
        result = number(1)
        for _ in range(abs(exponent)):
            result = result * base if exponent > 0 else result / base
        return result
    raise TypeError(f"{expression} is no coefficient")


def mask(sees: str, n: int) -> list[list[int]]:
    """The mask (N, N) of zeros and ones: [j][t] for key j and token t, the last column the query's or the state's."""
    seen = [KEYS[sees](t, n) for t in range(1, n + 2)]
    return [[int(j < seen[t]) for t in range(n + 1)] for j in range(n + 1)]


def dense(blocks: Blocks, form: PatternForm, arithmetic: Arithmetic, d: int, C: Any, values: Mapping[str, Any]) -> Any:
    """Blocks as a matrix (m, m) over an arithmetic.  C : rows of numbers, or None."""
    rows = [(row.name, 1 if row.scalar else d) for row in form.algorithm.rows]
    start, at = {}, 0
    for name, size in rows:
        start[name], at = (at, size), at + size
    zero = arithmetic.number(0)
    entries = [[zero] * at for _ in range(at)]
    for (left, right), words in blocks.items():
        (i, height), (j, width) = start[left], start[right]
        for word, coefficient in words.items():
            block = _word(word, C, height, arithmetic)
            factor = value_of(coefficient, values, arithmetic.number)
            for a in range(height):
                for b in range(width):
                    if block[a][b] is not None:
                        entries[i + a][j + b] = entries[i + a][j + b] + factor * block[a][b]
    return arithmetic.matrix(entries)


def _word(word: Word, C: Any, size: int, arithmetic: Arithmetic) -> list[list[Any]]:
    """A word in C as rows of numbers; None where it is zero for every C."""
    one = arithmetic.number(1)
    result: list[list[Any]] = [[one if a == b else None for b in range(size)] for a in range(size)]
    for _, transposed in reversed(word):
        factor = [[arithmetic.number(C[b][a] if transposed else C[a][b]) for b in range(size)] for a in range(size)]
        product: list[list[Any]] = []
        for a in range(size):
            product.append([])
            for b in range(size):
                terms = [factor[a][c] * result[c][b] for c in range(size) if result[c][b] is not None]
                total = terms[0] if terms else None
                for x in terms[1:]:
                    total = total + x
                product[-1].append(total)
        result = product
    return result


def blocks_text(blocks: Blocks, scalar: Collection[str]) -> list[str]:
    """Each block as text, (w, phi) = C; `scalar` names the rows of one number, whose identity is 1."""
    lines = []
    for (left, right), words in blocks.items():
        terms = []
        for word, coefficient in words.items():
            named = "" if not word and right in scalar else word_text(word)
            shown = "" if coefficient == 1 and named else ("-" if coefficient == -1 and named else f"{coefficient} ")
            terms.append(f"{shown}{named}".strip())
        lines.append(f"({left}, {right}) = {' + '.join(terms)}")
    return lines


def heads_text(form: PatternForm) -> list[dict[str, list[str] | None]]:
    """The blocks of every head as text: V, and Q where it has scores of its own."""
    scalar = {r.name for r in form.algorithm.rows if r.scalar}
    return [{"V": blocks_text(h.V, scalar), "Q": None if h.Q is None else blocks_text(h.Q, scalar)} for h in form.heads]


def shift_text(form: PatternForm) -> list[str]:
    """The shift of rows as text, a line for each row read."""
    beside = "before" if form.previous else "after"
    return [
        f"{to} <- {'' if c == 1 else f'{c} '}{read} of the token {beside} it" for (to, read), c in form.shift.items()
    ]
