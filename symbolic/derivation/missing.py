"""Rows that an update asks for and a prompt has not: added one after another, until weights are derived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ..algorithm import Accumulator, Algorithm, FeatureBlock
from ..errors import MissingRowError, NotPolynomialError, NotRepresentableError
from .derive import derive, embed
from .express import express
from .loop import loop_form
from .scalar import Scalar
from .state import SymbolicState
from .tokenwise import row_map
from .vectors import Vector

MOST = 6
"""How many rows are added at most."""
_Terms = dict[tuple[str, ...], Fraction]


@dataclass(frozen=True)
class Added:
    """An algorithm with further rows, and what was added to it, as its file would say it.

    constant : the constant row, or None
    rows     : the accumulator rows
    """

    algorithm: Algorithm
    constant: str | None
    rows: tuple[str, ...]


def with_missing_rows(algorithm: Algorithm, options: Mapping[str, str]) -> Added | None:
    """The algorithm with the rows that its update asks for; None where adding rows so does not lead to weights."""
    constant, rows = None, []
    for _ in range(MOST):
        state = SymbolicState(algorithm, dict(options))
        try:
            row_map(state, loop_form(state), embed(state))
        except MissingRowError as error:
            if error.constant:
                name = free(algorithm, "one")
                constant = f'FeatureBlock("{name}", lambda t, p: 1, scalar=True)'
                block = FeatureBlock(name, lambda t, p: 1, scalar=True)
                algorithm = replace(algorithm, features=(*algorithm.features, block))
                continue
            new = next((parts for scalar in error.held for parts in _lacking(state, scalar)), None)
            if new is None:
                return None
            row, code = _accumulator(algorithm, new)
            rows.append(code)
            algorithm = replace(algorithm, accumulators=(*algorithm.accumulators, row))
        except (NotRepresentableError, NotPolynomialError):
            return None
        else:
            break
    try:
        derive(algorithm, options)
    except (NotRepresentableError, NotPolynomialError):
        return None
    return Added(algorithm, constant, tuple(rows)) if constant or rows else None


def free(algorithm: Algorithm, name: str) -> str:
    """The name, with as many underscores as make it one that no row has."""
    taken = {b.name for b in algorithm.features} | {r.name for r in algorithm.accumulators}
    while name in taken:
        name += "_"
    return name


def _lacking(state: SymbolicState, wanted: Scalar) -> list[_Terms]:
    """The parts of a scalar, one for each monomial in the parameters, that are no combination of the rows.

    Each as {(weight, block) or (number,): coefficient}; only parts that an accumulator can hold.
    """
    a, algorithm = state.algebra, state.algorithm
    token = algorithm.context_token(state.transition("j"), state.p)
    rows = state.rows(token)
    entries: dict[tuple[str, ...], Any] = {(name,): getattr(token, name) for name in algorithm.token_numbers}
    for name, weight in zip(algorithm.weights, state.weights, strict=True):
        for block in algorithm.features:
            value = getattr(token, block.name)
            if isinstance(value, Vector) == isinstance(weight, Vector):
                entries[name, block.name] = weight @ value if isinstance(weight, Vector) else weight * value
    coefficients = express(a, wanted, entries, dividing=False)
    parts: dict[Any, _Terms] = {}
    for key, coefficient in (coefficients or {}).items():
        for exponents, c in coefficient.parts().get((), {}).items():
            parts.setdefault(exponents, {})[key] = c
    result = []
    for terms in parts.values():
        total: Any = a.number(0)
        for key, c in terms.items():
            total = total + entries[key] * c
        if express(a, total, rows, dividing=False) is None:
            first = next(iter(terms.values()))
            result.append({key: c / first for key, c in terms.items()})
    return result


def _accumulator(algorithm: Algorithm, terms: _Terms) -> tuple[Accumulator, str]:
    """A row that holds this, and its code."""
    position = {name: s for s, name in enumerate(algorithm.weights)}
    vectors = {b.name for b in algorithm.features if not b.scalar}

    def value(w: Any, x: Any, p: Any) -> Any:
        total = None
        for key, c in terms.items():
            held = getattr(x, key[-1])
            if len(key) == 2:
                weight = w[position[key[0]]]
                held = weight @ held if key[1] in vectors else weight * held
            total = c * held if total is None else total + c * held
        return total

    code = ""
    for key, c in terms.items():
        held = f"x.{key[-1]}"
        if len(key) == 2:
            held = f"w[{position[key[0]]}] {'@' if key[1] in vectors else '*'} {held}"
        size = "" if abs(c) == 1 else f"Fraction({abs(c.numerator)}, {c.denominator}) * "
        sign = ("-" if c < 0 else "") if not code else " - " if c < 0 else " + "
        code += f"{sign}{size}{f'({held})' if size and len(key) == 2 else held}"
    name = free(algorithm, "held")
    return Accumulator(name, value), f'Accumulator("{name}", lambda w, x, p: {code})'
