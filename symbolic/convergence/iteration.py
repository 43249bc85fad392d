"""The affine iteration w <- T w + c that an update is on one prompt, all its weights stacked into one column.

T and c are read off the update run on polynomials in the weights, so that being affine is proved and not sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mat, fmpq_mpoly_ctx
from flint.utils.flint_exceptions import DomainError

from ..algorithm import Algorithm
from ..construction import Steps
from ..copies import copied_by_parts
from ..errors import LayerproofError
from ..identity.entrywise import polynomial_arithmetic, quotient_arithmetic
from ..identity.exact import problem, textbook
from ..prompt import Context
from .rationals import column, identity, row

ZERO = fmpq(0)
copied_by_parts()


class NotAffineError(LayerproofError):
    """The map of one layer is not affine in what it changes, so that nothing here decides it."""

    exit_code = 3


@dataclass(frozen=True, eq=False)
class Iteration:
    """w_{l+1} = T w_l + c from w_0 = start; one step of it is `period` layers.

    T      : (N, N) over Q;  c, start : (N, 1)
    read   : (1, N), the prediction is read w + offset
    parts  : (name, size) of each weight vector, in the order in which they are stacked
    period : the layers that T stands for
    phases : (T_i, c_i) of the period's layers, one each
    offset : what is added to the prediction
    """

    T: fmpq_mat
    c: fmpq_mat
    start: fmpq_mat
    read: fmpq_mat
    parts: tuple[tuple[str, int], ...]
    phases: tuple[tuple[fmpq_mat, fmpq_mat], ...]
    offset: fmpq = ZERO

    @property
    def period(self) -> int:
        """The number of layers in one step."""
        return len(self.phases)

    @property
    def size(self) -> int:
        """N, the number of weights."""
        return int(self.T.nrows())

    @property
    def residual(self) -> fmpq_mat:
        """c - (I - T) start : (N, 1), what the first step changes."""
        return self.T * self.start + self.c - self.start

    def named(self, w: fmpq_mat) -> dict[str, list[Fraction]]:
        """A column of weights by their names."""
        entries, result, k = [Fraction(int(x.p), int(x.q)) for x in w.entries()], {}, 0
        for name, size in self.parts:
            result[name] = entries[k : k + size]
            k += size
        return result


def iteration(
    algorithm: Algorithm,
    context: Context,
    steps: Sequence[Steps],
    values: Mapping[str, Fraction],
    options: Mapping[str, str],
    start: Sequence[Any] | None = None,
) -> Iteration:
    """The iteration that an algorithm's layers run on a prompt with these preconditioners, repeated without end.

    steps : one layer's preconditioners, or those of each layer of a period
    start : weights to start from, lists of numbers (a number for a scalar weight); zero when left out
    Raises `NotAffineError` when the update is not affine in its weights.
    """
    if algorithm.selections:
        raise NotAffineError(f"every layer of {algorithm.name} reads other tokens, so its layers are no one iteration")
    parts = tuple((w, 1 if w in algorithm.scalar_weights else context.d) for w in algorithm.weights)
    size = sum(k for _, k in parts)
    phases = tuple(affine_map(algorithm, context, step, values, options) for step in steps)
    T, c = phases[0]
    for U, e in phases[1:]:
        T, c = U * T, U * c + e
    flat = [Fraction(0)] * size if start is None else [x for w in start for x in (w if isinstance(w, list) else [w])]
    read = [*context.query, *[0] * (size - context.d)]
    return Iteration(T, c, column(flat), row(read), parts, phases)


def affine_map(
    algorithm: Algorithm,
    context: Context,
    step: Steps,
    values: Mapping[str, Fraction],
    options: Mapping[str, str],
) -> tuple[fmpq_mat, fmpq_mat]:
    """T and c of one layer; raises `NotAffineError`."""
    powers = affine_family(algorithm, context, lambda _: step, values, options)
    return powers[0]


def affine_family(
    algorithm: Algorithm,
    context: Context,
    steps: Callable[[Any], Steps],
    values: Mapping[str, Fraction],
    options: Mapping[str, str],
) -> list[tuple[fmpq_mat, fmpq_mat]]:
    """(T_k, c_k) for k = 0, 1, ...: one layer is w -> sum_k alpha^k (T_k w + c_k).

    steps : the layer's preconditioners, from the symbol alpha
    Raises `NotAffineError` when the layer is not affine in its weights, or no polynomial in alpha.
    """
    names = [
        name
        for w in algorithm.weights
        for name in ([w] if w in algorithm.scalar_weights else [f"{w}[{i}]" for i in range(context.d)])
    ]
    ring = fmpq_mpoly_ctx.get([*names, "[alpha]"], Ordering.lex)
    failed: Exception | None = None
    for arithmetic in (polynomial_arithmetic(ring), quotient_arithmetic(ring)):
        gens = list(map(arithmetic.number, ring.gens()))
        try:
            after = _run(algorithm, context, steps(gens[-1]), values, options, arithmetic, gens[:-1])
        except (ArithmeticError, TypeError, DomainError) as error:
            failed = error  # an update that divides needs quotients
        else:
            return _read_off(after, len(names))
    raise NotAffineError(f"the update is not affine in its weights: {failed}")


def _run(
    algorithm: Algorithm, context: Context, step: Steps, values: Mapping[str, Fraction], options: Mapping[str, str],
    arithmetic: Any, gens: list[Any],
) -> list[Any]:  # fmt: skip
    """Every weight after one layer, a polynomial in the weights before it."""
    number = arithmetic.number

    def vectors(rows: Sequence[Sequence[Fraction]]) -> list[list[Any]]:
        return [list(map(number, v)) for v in rows]

    start: list[Any] = []
    for name in algorithm.weights:
        width = 1 if name in algorithm.scalar_weights else context.d
        taken, gens = gens[:width], gens[width:]
        start.append(taken[0] if name in algorithm.scalar_weights else taken)
    extras = {
        name: [list(map(number, x)) if isinstance(x, tuple) else number(x) for x in v] for name, v in context.extras
    }
    data = (
        vectors(context.features), vectors(context.next_features), list(map(number, context.rewards)),
        list(map(number, context.query)), extras,
    )  # fmt: skip
    known = {name: number(x) for name, x in values.items()}
    setup = problem(algorithm, arithmetic, data, start, known, options)
    after = next(iter(textbook(setup, [step])))
    return [x for w in after for x in (w.entries if hasattr(w, "entries") else [w])]


def _read_off(after: Sequence[Any], size: int) -> list[tuple[fmpq_mat, fmpq_mat]]:
    """T_k and c_k from polynomials (or quotients) of degree at most one in the weights; else `NotAffineError`."""
    maps: list[tuple[fmpq_mat, fmpq_mat]] = [(fmpq_mat(size, size), fmpq_mat(size, 1))]
    for i, value in enumerate(after):
        scale = fmpq(1)
        if hasattr(value, "den"):
            if not value.den.is_constant():
                raise NotAffineError("the update divides by its weights or its step")
            scale, value = value.den.coeffs()[0], value.num
        for powers, coefficient in value.to_dict().items():
            *degrees, k = map(int, powers)
            if sum(degrees) > 1:
                raise NotAffineError(
                    f"the update is not affine in its weights: one of its terms has degree {sum(degrees)}"
                )
            while len(maps) <= k:
                maps.append((fmpq_mat(size, size), fmpq_mat(size, 1)))
            T, c = maps[k]
            if sum(degrees):
                T[i, degrees.index(1)] = coefficient / scale
            else:
                c[i, 0] = coefficient / scale
    return maps


def still(size: int) -> tuple[fmpq_mat, fmpq_mat]:
    """The map that changes nothing."""
    return identity(size), fmpq_mat(size, 1)
