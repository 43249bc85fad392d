"""The variables and the maxima of one tracing of a rule, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ..errors import ContentError, RefusedError
from .quantity import MAX_DEGREE, Monomial, Number, Quantity

ADVICE = "h is computed with +, -, *, division by numbers, abs and lp.maximum"
MAX_MAXIMA = 20_000


class AtomTable:
    """The variables of one tracing, and the maxima that have come up: variable k is an int, and so is a maximum.

    names  : a name for each variable
    maxima : for the atom len(names) + k the arguments of the k-th maximum; equal ones are one
    """

    def __init__(self, names: Sequence[str]):
        self.names = tuple(names)
        self.maxima: list[tuple[Quantity, ...]] = []
        self._known: dict[Any, int] = {}
        self._times: dict[int, Times] = {}
        self.file = ""
        self.refusal: RefusedError | None = None

    def variable(self, index: int) -> Quantity:
        """A variable as a quantity."""
        return Quantity(self, {(index,): 1})

    def number(self, value: Number) -> Quantity:
        """A number as a quantity."""
        return Quantity(self, {(): value.numerator} if value else {}, value.denominator)

    def maximum(self, args: Sequence[Quantity]) -> Quantity:
        """The largest of some quantities: those that another exceeds by a constant fall away."""
        kept: list[Quantity] = []
        for candidate in args:
            if any(_at_least(other, candidate) for other in kept):
                continue
            kept = [other for other in kept if not _at_least(candidate, other)] + [candidate]
        if len(kept) == 1:
            return kept[0]
        keyed = sorted((tuple(sorted(q.terms.items())), k) for k, q in enumerate(kept))
        key = tuple(terms for terms, _ in keyed)
        if key not in self._known:
            if len(self.maxima) >= MAX_MAXIMA:
                raise ContentError(f"h takes more than {MAX_MAXIMA} different maxima, the limit")
            self._known[key] = len(self.names) + len(self.maxima)
            self.maxima.append(tuple(kept[k] for _, k in keyed))
        return self.variable(self._known[key])

    def times(self, atom: int) -> Times:
        """Each monomial times an atom."""
        if atom not in self._times:
            self._times[atom] = Times(atom)
        return self._times[atom]

    def arguments(self, atom: int) -> tuple[Quantity, ...] | None:
        """The arguments of a maximum; None for a variable."""
        return self.maxima[atom - len(self.names)] if atom >= len(self.names) else None

    def refuse(self, kind: str, what: str, advice: str = ADVICE) -> NoReturn:
        """Record and raise a refusal, with the line of the file that asked; caught there, it is raised again later."""
        line, function = _line(self.file)
        place = f" (line {line} of {function})" if line else ""
        error = RefusedError(f"h {what}{place}: {advice}", kind, function or "h", line)
        self.refusal = self.refusal or error
        raise error


class Times(dict[Monomial, Monomial]):
    """Monomials times an atom, made where they are looked up first: the same few come up on every transition."""

    def __init__(self, atom: int):
        self._atom = atom

    def __missing__(self, monomial: Monomial) -> Monomial:
        if len(monomial) >= MAX_DEGREE:
            raise ContentError(f"h has degree above {MAX_DEGREE}, the limit")
        self[monomial] = made = tuple(sorted((*monomial, self._atom)))
        return made


def _at_least(a: Quantity, b: Quantity) -> bool:
    """Whether a - b is a constant and not negative."""
    if a.parts.keys() - {()} != b.parts.keys() - {()}:
        return False
    difference = Quantity.combination((a, b), (1, -1)).constant()
    return difference is not None and difference >= 0


def _line(file: str) -> tuple[int, str]:
    """The line of a file that is running and its function; 0 where it is not."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if file and frame.f_code.co_filename == file:
            return int(frame.f_lineno), str(frame.f_code.co_name)
        frame = frame.f_back
    return 0, ""
