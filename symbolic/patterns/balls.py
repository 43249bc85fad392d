"""Balls as an arithmetic: real numbers known to lie in an interval, which two sides can differ in and never agree in.

`==` of two balls says whether they overlap: where they do not, the numbers are different for certain.  Where they do
nothing is known, so an overlap is no evidence that two sides are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpq

from ..arithmetics.arithmetic import Arithmetic
from ..arithmetics.entries import EntryMatrix, EntryVector
from ..exact import as_fraction

BITS = 256


class Ball:
    """A real number in an interval, by FLINT's `arb`."""

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any):
        self.value = value

    @staticmethod
    def of(value: Any) -> Ball:
        """The ball of a rational; a ball as it is."""
        if isinstance(value, Ball):
            return value
        exact = as_fraction(value)
        return Ball(arb(fmpq(exact.numerator, exact.denominator)))

    def _with(self, other: Any, combine: Callable[[Any, Any], Any]) -> Any:
        """What a number of any kind gives with this; whatever else it is has its own way."""
        if not isinstance(other, (Ball, int, Fraction)) and not hasattr(other, "fraction"):
            return NotImplemented
        return Ball(combine(self.value, Ball.of(other).value))

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x + y)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x - y)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y - x)

    def __neg__(self) -> Ball:
        return Ball(-self.value)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x * y)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x / y)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y / x)

    def __pow__(self, exponent: Any) -> Ball:
        return Ball(self.value ** int(exponent))

    def __eq__(self, other: Any) -> bool:
        return bool(self.value.overlaps(Ball.of(other).value))

    def __str__(self) -> str:
        return str(self.value.str(20))


def exponential(value: Fraction) -> Ball:
    """The exponential of a rational."""
    return Ball(Ball.of(value).value.exp())


@contextmanager
def precise() -> Iterator[None]:
    """Balls of `BITS` bits inside."""
    before, ctx.prec = ctx.prec, BITS
    try:
        yield
    finally:
        ctx.prec = before


def _matrix(rows: Sequence[Sequence[Any]]) -> EntryMatrix:
    return EntryMatrix([[None if isinstance(x, int) and x == 0 else Ball.of(x) for x in row] for row in rows])


BALLS = Arithmetic(
    "balls", Ball.of, lambda v: EntryVector([Ball.of(x) for x in v]), _matrix, lambda v: v.entries,
    lambda m, i, j: Ball.of(0) if m.rows[i][j] is None else m.rows[i][j], index=Ball.of,
)  # fmt: skip
