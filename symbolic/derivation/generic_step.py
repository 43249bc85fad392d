"""One generic step of a loop: its variables are symbols, and what the step makes of them is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import NotRepresentableError
from ..transitions import Sweep, Transition
from .coefficients import LENGTH
from .contraction import Algebra
from .scalar import Scalar
from .state import SymbolicState
from .vectors import Vector

REPEATS = 64


class LoopSymbol(str):
    """The name that a loop variable goes by on symbols: `old x` before a step, `last x` after the last one."""

    variable: str
    after: bool

    @staticmethod
    def of(variable: str, after: bool = False) -> LoopSymbol:
        """The name of a loop variable, before a step or after the last one."""
        result = LoopSymbol(f"{'last' if after else 'old'} {variable}")
        result.variable, result.after = variable, after
        return result


def opaque_variable(a: Algebra, variable: str, like: Any, after: bool = False) -> Any:
    """A loop variable as a symbol, a vector or a scalar as its value is."""
    name = LoopSymbol.of(variable, after)
    return a.vector(name) if isinstance(like, Vector) else a.scalar(name)


class GenericSweep(Sweep):
    """A sweep that runs the loop's body on opaque loop variables, and remembers what the body did to them.

    The body runs `REPEATS` times on the same symbols and must do the same each time: a body that keeps some state
    elsewhere (a counter, a list, a local variable) tells itself by that, up to so many steps.
    """

    def __init__(self, state: SymbolicState):
        super().__init__([state.transition("j")])
        self._state = state
        self.n = state.algebra.parameter(LENGTH)
        self._start: dict[str, Any] = {}
        self._after: dict[str, Any] = {}

    def _variables(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if not k.startswith("_") and k != "n"}

    def __iter__(self) -> Iterator[Transition]:
        a = self._state.algebra
        self._start = self._variables()
        for name, value in self._start.items():
            if value.terms if isinstance(value, Vector) else value.poly if isinstance(value, Scalar) else value != 0:
                raise NotRepresentableError(f"the loop variable {name} does not start at zero")
            setattr(self, name, opaque_variable(a, name, value))
        opaque = {name: getattr(self, name) for name in self._start}
        for number in range(REPEATS):
            for name, value in opaque.items():
                setattr(self, name, value)
            yield self._transitions[0]
            after = {name: getattr(self, name) for name in self._start}
            if number and any(differ(after[name], self._after[name]) for name in after):
                raise NotRepresentableError(
                    f"step {number + 1} of the loop is not the first one over again: keep every loop variable on the "
                    "sweep, so that the general step can be read off"
                )
            self._after = after
        for name, value in self._after.items():
            setattr(self, name, opaque_variable(a, name, value, after=True))


def differ(left: Any, right: Any) -> bool:
    """Whether two values of a loop variable differ, also while an update runs."""
    if type(left) is not type(right):
        return True
    difference = left - right
    return bool(
        difference.terms if isinstance(left, Vector) else difference.poly if isinstance(left, Scalar) else difference
    )
