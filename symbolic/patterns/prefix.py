"""A layer's updates with one pass over the context for all tokens, where what they sum does not depend on the token.

A token that sums over the tokens up to its own repeats what the token before it summed, and goes on.  So the loop is
entered with what stood on the sweep when the token before was through, and runs over the tokens that are new.  That
is the loop itself where its body reads no state of the updated token, which is enforced, and keeps what it has from
step to step on the sweep, which `run.textbook` compares with whole loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

from ..arithmetics.affine import NUMBERS, VECTORS
from .record import Keys

OWN_NAMES = ("_keys", "n", "_own", "_before", "_through")
"""What stands on a sweep whatever the loop keeps there."""


class Own:
    """The state of the token that is updated, hidden until the loop is through; all but `0 * it` raises `TypeError`."""

    __slots__ = ("ready", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any):
        self.value, self.ready = value, False

    def _read(self) -> Any:
        if not self.ready:
            raise TypeError("the state of the updated token is read before the loop is through")
        return self.value

    def __add__(self, other: Any) -> Any:
        return self._read() + other

    def __radd__(self, other: Any) -> Any:
        return other + self._read()

    def __sub__(self, other: Any) -> Any:
        return self._read() - other

    def __rsub__(self, other: Any) -> Any:
        return other - self._read()

    def __neg__(self) -> Any:
        return -self._read()

    def __mul__(self, other: Any) -> Any:
        return self.value * 0 if type(other) is int and other == 0 else self._read() * other

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._read() / other

    def __matmul__(self, other: Any) -> Any:
        return self._read() @ other

    def __rmatmul__(self, other: Any) -> Any:
        return other @ self._read()

    def __eq__(self, other: Any) -> bool:
        raise TypeError("the state of the updated token is not compared")

    def __bool__(self) -> bool:
        raise TypeError("the state of the updated token has no truth value")


class Resumed(Keys):
    """A sweep that goes on where another was through: only `keys` are new.

    before : what stood on the other when its loop began, and when it was through; None for the first
    """

    def __init__(self, keys: Sequence[Any], n: Any, own: Own, before: tuple[dict[str, Any], dict[str, Any]] | None):
        super().__init__(keys, n)
        self._own, self._before = own, before
        self._through: tuple[dict[str, Any], dict[str, Any]] | None = None

    @property
    def through(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What stood here when the loop began and when it was through; `TypeError` where it did not run to its end."""
        if self._through is None:
            raise TypeError("the loop left early, or there was none")
        return self._through

    def __iter__(self) -> Iterator[Any]:
        if self._own.ready:
            raise TypeError("a second loop")
        begun = self._standing()
        if self._before is not None:
            first, last = self._before
            if begun.keys() != first.keys() or any(begun[name] != first[name] for name in begun):
                raise TypeError("the loops of two tokens begin with different numbers")
            vars(self).update(last)
        yield from self._keys
        self._through = begun, self._standing()
        self._own.ready = True

    def _standing(self) -> dict[str, Any]:
        standing = {name: value for name, value in vars(self).items() if name not in OWN_NAMES}
        if not all(isinstance(value, (*NUMBERS, *VECTORS)) for value in standing.values()):
            raise TypeError("what a loop keeps may change in place")
        return standing


def one_pass(
    update: Callable[[Any, Any, Any, Any], Any],
    states: Sequence[Any],
    C: Any,
    keys: Sequence[Any],
    seen: Sequence[int],
    n: Any,
    p: Any,
) -> list[Any] | None:
    """The new state of every token, or None where its loop cannot be shared.

    seen : over how many of the keys each token sums, never fewer than the one before
    """
    before, done, new = None, 0, []
    for state, count in zip(states, seen, strict=True):
        own = Own(state)
        sweep = Resumed(keys[done:count], n, own, before)
        try:
            new.append(update(SimpleNamespace(state=own), C, sweep, p))
            before, done = sweep.through, count
        except (TypeError, ValueError, AttributeError, NameError, ArithmeticError):
            return None  # a fault of its own is met when it runs on the states
    return None if any(isinstance(x, Own) for x in new) else new
