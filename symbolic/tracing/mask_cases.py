"""A mask written as a function of two positions, for every n: run once below the diagonal, once on it, once above.

The positions are symbols, of which only the distance is known to lie in a range, so that `i < j`, `i == j + 1` or
`abs(i - j) <= 2` have an answer: where a range is too long for one, its nearest distance becomes a case of its own.
Whether a position is before, at or after the layer's, layer + 1, is asked too: the function runs once for each answer.
What asks for more (whether i is 5, whether n is even) is right up to some size and no further, and is refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from ..errors import RefusedError
from .expression import SCALAR, Expression, text
from .mask_layer import AFTER, AT, BEFORE, chosen
from .strict import StrictScalar, Tape, plain

BELOW, ON, ABOVE = "below", "on", "above"
LATER, EARLIER = "later", "earlier"
MOST_CASES = 16
POSITIONS = (
    "a mask is asked for at every size: positions are compared with each other, as in i < j or i == j + 1, and with "
    "the layer's, layer + 1, and entries are sums, products and quotients of numbers, parameters, n, positions and "
    "powers such as p.lam ** (i - j), with Fraction(1) / i for Fraction(1, i)"
)


@dataclass(frozen=True, eq=False)
class MaskCase:
    """The entries of a mask on one side at some distances of the two positions.

    side        : "below", where i is the later position; "on" the diagonal; "above", where j is
    first, last : the distances, from first on where last is None; at one distance, that is first = last, the entry is
                  in the later position alone
    entry       : in the positions, both counted from 1, in what the layer reads, in the parameters and in n
    """

    side: str
    first: int
    last: int | None
    entry: Expression


class _Undecided(BaseException):
    """A comparison with another answer at the nearest distance than further out; no `except Exception` stops it."""


class _Unplaced(BaseException):
    """A comparison of a position with the layer, which has another answer before, at and after it."""


class MaskPosition(StrictScalar):
    """A sum of positions and integers, which can be compared with another."""

    __slots__ = ("_case",)
    _case: _Case


@dataclass
class _Case:
    """placed : position -> whether it is before, at or after the layer's; unplaced : of which that is asked next."""

    first: int
    last: int | None
    undecided: bool = False
    placed: dict[str, int] = field(default_factory=dict)
    unplaced: str = ""

    def compare(self, value: MaskPosition, other: Any, op: Callable[[Any, Any], bool]) -> Any:
        tape = value._tape
        node = plain(tape, other)
        if node is None:
            return NotImplemented
        form = _affine(tape.table.make("sub", value._node, node)) if node.kind == SCALAR else None
        answer = None
        if form is not None and form[0] + form[1] == form[2] == 0:
            slope, _, _, constant = form
            near, far = slope * self.first + constant, slope if self.last is None else 0
            answer = _answer(op, near, far)
            if answer is None:
                self.undecided = True
                raise _Undecided
        elif form is not None and form[2] in (1, -1) and sorted(form[:2]) == sorted((-form[2], 0)):
            slope, _, layer, constant = form  # slope * (position - (layer + 1)) + constant, counted from the layer's
            place = self._place(LATER if slope else EARLIER)
            answer = _answer(op, constant - layer - layer * place, -layer * place)
        if answer is None:
            tape.refuse("comparison", f"compares {text(value._node)} with {text(node)}", POSITIONS)
        return answer

    def _place(self, position: str) -> int:
        """Whether the position is before, at or after the layer's; the earlier is before the later."""
        other = self.placed.get(EARLIER if position == LATER else LATER)
        if position not in self.placed and position == EARLIER and other in (BEFORE, AT):
            return BEFORE
        if position not in self.placed and position == LATER and other in (AT, AFTER):
            return AFTER
        if position not in self.placed:
            self.unplaced = position
            raise _Unplaced
        return self.placed[position]


def _answer(op: Callable[[Any, Any], bool], near: Fraction, far: Fraction | int) -> bool | None:
    """How a number compares with zero that is `near`, or further on the way to where `far` points; None for both."""
    answer = op(near, 0)
    if far and (answer != op(far, 0) or (op in (operator.eq, operator.ne) and near * far <= 0)):
        return None
    return answer


def _affine(node: Expression) -> tuple[Fraction, Fraction, Fraction, Fraction] | None:
    """a, b, e, c of a * later + b * earlier + e * layer + c; None for anything else."""
    none = Fraction(0)
    if node.op == "number":
        return none, none, none, node.number
    if node.op == "name" and node.source == "position":
        return Fraction(node.name == LATER), Fraction(node.name == EARLIER), none, none
    if node.op == "name" and (node.source, node.name) == ("sweep", "layer"):
        return none, none, Fraction(1), none
    parts = [_affine(a) for a in node.args]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    match node.op, known:
        case "neg", [(a, b, e, c)]:
            return -a, -b, -e, -c
        case (("add" | "sub"), [(a, b, e, c), (x, y, u, z)]):
            sign = 1 if node.op == "add" else -1
            return a + sign * x, b + sign * y, e + sign * u, c + sign * z
        case "mul", [(a, b, e, c), (x, y, u, z)] if not (a or b or e) or not (x or y or u):
            return a * z + c * x, b * z + c * y, e * z + c * u, c * z
    return None


def _kept(name: str) -> Callable[..., Any]:
    def method(self: MaskPosition, *others: Any) -> Any:
        answer = getattr(StrictScalar, name)(self, *others)
        return answer if answer is NotImplemented else _position(answer, self._case)

    return method


def _compared(op: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    return lambda self, other: self._case.compare(self, other, op)


for _name in ("__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__neg__"):
    setattr(MaskPosition, _name, _kept(_name))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(MaskPosition, f"__{_name}__", _compared(getattr(operator, _name)))
MaskPosition.__bool__ = lambda self: self != 0  # type: ignore[attr-defined]
MaskPosition.__abs__ = lambda self: self if self >= 0 else -self  # type: ignore[attr-defined]
MaskPosition.__hash__ = StrictScalar.__hash__  # type: ignore[method-assign]


def _position(value: StrictScalar, case: _Case) -> MaskPosition:
    position = MaskPosition(value._tape, value._node)
    object.__setattr__(position, "_case", case)
    return position


def mask_cases(tape: Tape, entry: Callable[[Any, Any], Any]) -> tuple[MaskCase, ...]:
    """The entries of a mask at every n, case by case.

    Raises `RefusedError` for what is no such entry.
    """
    cases = [_run(tape, entry, ON, _Case(0, 0))]
    for side in (BELOW, ABOVE):
        first = 1
        while True:
            beyond = _run(tape, entry, side, _Case(first, None))
            if beyond is not None:
                cases.append(beyond)
                break
            if first == MOST_CASES:
                tape.refuse("other", f"tells more than {MOST_CASES} distances of two positions apart", POSITIONS)
            cases.append(_run(tape, entry, side, _Case(first, first)))
            first += 1
    return tuple(case for case in cases if case is not None)


def _run(tape: Tape, entry: Callable[[Any, Any], Any], side: str, case: _Case) -> MaskCase | None:
    """One case; None where some comparison has no answer in all of it."""
    node = _entry(tape, entry, side, case)
    return None if node is None else MaskCase(side, case.first, case.last, node)


def _entry(tape: Tape, entry: Callable[[Any, Any], Any], side: str, case: _Case) -> Expression | None:
    later = _position(tape.name("position", LATER, SCALAR), case)
    earlier = later if side == ON else later - case.first
    if case.last is None:
        earlier = _position(tape.name("position", EARLIER, SCALAR), case)
    try:
        value = entry(earlier, later) if side == ABOVE else entry(later, earlier)
    except (_Undecided, _Unplaced):
        value = 0
    except RefusedError:
        raise
    except Exception as error:
        tape.refuse("other", f"writes a mask that raises {type(error).__name__} on symbols", f"{POSITIONS} ({error})")
    if case.undecided:  # even where the function stopped it
        return None
    if case.unplaced:
        places = ({**case.placed, case.unplaced: place} for place in (BEFORE, AT, AFTER))
        parts = [_entry(tape, entry, side, replace(case, placed=placed, unplaced="")) for placed in places]
        before, at, after = parts
        return before and at and after and chosen(tape, case.unplaced, before, at, after)
    if isinstance(value, str):
        value = Fraction(value)
    return tape.node(value, SCALAR, "an entry of a mask")
