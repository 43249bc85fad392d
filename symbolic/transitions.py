"""The transitions of a context, in whatever arithmetic an update runs on, and the pass over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


class Position(int):
    """A position in the context, or its length: an integer that divides exactly, so that 1 / j is a rational.

    >>> 1 / Position(3), 1 / (Position(3) + 1), 2 ** -Position(3)
    (Fraction(1, 3), Fraction(1, 4), Fraction(1, 8))
    """

    number: Callable[[Any], Any] = Fraction
    """What a quotient is made of: the numbers of the arithmetic that the update runs in."""

    @staticmethod
    def within(number: Callable[[Any], Any]) -> type[Position]:
        """Positions whose quotients are numbers of an arithmetic, made by `number` from rationals."""
        return type("Position", (Position,), {"number": staticmethod(number)})

    def _like(self, value: Any) -> Any:
        return type(self)(value) if isinstance(value, int) else value

    def __add__(self, other: Any) -> Any:
        return self._like(int(self) + other)

    def __sub__(self, other: Any) -> Any:
        return self._like(int(self) - other)

    def __rsub__(self, other: Any) -> Any:
        return self._like(other - int(self))

    def __mul__(self, other: Any) -> Any:
        return self._like(int(self) * other)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Any:
        return self._like(-int(self))

    def __pow__(self, exponent: Any) -> Any:  # type: ignore[override]
        if isinstance(exponent, int) and exponent >= 0:
            return self._like(int(self) ** int(exponent))
        return self.number(int(self)) ** exponent

    def __rpow__(self, base: Any) -> Any:  # type: ignore[override]
        if isinstance(base, int) and not isinstance(base, Position):
            return base ** int(self) if self >= 0 else self.number(Fraction(base) ** int(self))
        return base ** int(self)

    def __truediv__(self, other: Any) -> Any:
        return self.number(int(self)) / other

    def __rtruediv__(self, other: Any) -> Any:
        return (self.number(other) if isinstance(other, (int, Fraction)) else other) / self.number(int(self))


@dataclass
class Transition:
    """One transition of the context, in whatever arithmetic the update runs on.

    phi, phi_next : (d,)   features of the state and of its successor (not discounted)
    reward        : scalar
    index         : j = 1, ..., n, the position in the context
    extras        : what else the algorithm's transitions carry, by name; read as `t.rho`
    """

    phi: Any
    phi_next: Any
    reward: Any
    index: Any
    extras: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        extras = self.__dict__.get("extras", {})
        if name in extras:
            return extras[name]
        carried = "".join(f", {other}" for other in extras)
        raise AttributeError(
            f"a transition has no {name}: it has phi, phi_next, reward, index{carried}; what else it carries is "
            f'declared in the algorithm, transition_scalars=("{name}",), or transition_vectors or successor_vectors'
        )


class Sweep:
    """One pass over the n transitions of a context: `for t in sweep`.

    Loop variables are kept on the sweep as attributes (`sweep.total = 0 * w` before the loop), which is what lets
    the mask lemma run one generic step of the very same loop and prove it for every n.
    """

    def __init__(self, transitions: Sequence[Transition], n: int | None = None):
        self._transitions = transitions
        self.n: Any = Position(len(transitions) if n is None else n)

    def __iter__(self) -> Iterator[Transition]:
        return iter(self._transitions)

    # Loop variables are whatever the update puts here.
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"the update reads sweep.{name} before setting it: give it its start value before the loop, "
            f"sweep.{name} = 0 * w for a vector"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
