"""Masks that a user writes as functions of two positions, in the closed form of derived ones."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import NotRepresentableError
from ..tracing.expression import Expression, text
from ..tracing.heads import GivenHeads
from ..tracing.mask_cases import BELOW, EARLIER, LATER, ON, MaskCase
from ..tracing.mask_layer import READS, read_by
from .coefficients import INDEX, LENGTH, Entry
from .masks import Mask, Triangle
from .scalar import Scalar
from .state import SymbolicState

Part = tuple[Scalar, Scalar, Scalar]
"""c(later) * decay^(later - earlier) * enters(earlier)."""


def given_mask(state: SymbolicState, cases: Sequence[MaskCase]) -> Mask:
    """The mask of these cases: pulses at single distances, and triangles from some distance on.

    Raises `NotRepresentableError` for an entry that is no sum of c(later) * decay^(later - earlier) * enters(earlier).
    """
    a = state.algebra
    if not cases:
        return Mask(a.number(1))
    diagonal = a.number(0)
    sides: dict[bool, list[Triangle]] = {True: [], False: []}
    for case in cases:
        parts = _merged(_Reader(state).parts(case.entry))
        for c, decay, enters in parts:
            if case.side == ON:
                diagonal = diagonal + c
            elif case.last is not None:
                sides[case.side == BELOW].append(Triangle(c, a.number(0), case.first - 1))
            else:
                weighed = None if enters == 1 else enters
                t = Triangle(c * decay**case.first, decay, case.first - 1, weighed)
                sides[case.side == BELOW].append(t)
    return Mask(diagonal, tuple(sides[True]), tuple(sides[False]))


def masks_given(state: SymbolicState, tables: GivenHeads) -> tuple[tuple[Mask, ...], list[int]]:
    """The distinct masks of given heads after the context mask, and which of these each head has; raises as above."""
    masks = {m.key(): m for m in (Mask(state.algebra.number(1)),)}
    which = []
    for head in tables.heads:
        mask = given_mask(state, head.M)
        masks.setdefault(mask.key(), mask)
        which.append(list(masks).index(mask.key()))
    return tuple(masks.values()), which


def _merged(parts: list[Part]) -> list[Part]:
    """Parts with the same decay and the same enters added up; what adds up to nothing left out."""
    merged: dict[tuple[str, str], Part] = {}
    for c, decay, enters in parts:
        key = (str(decay.expr()), str(enters.expr()))
        merged[key] = (merged[key][0] + c, decay, enters) if key in merged else (c, decay, enters)
    return [part for part in merged.values() if part[0].poly and part[1].poly]


class _Reader:
    def __init__(self, state: SymbolicState):
        self.algebra, self.state = state.algebra, state
        self.one = state.algebra.number(1)

    def parts(self, node: Expression) -> list[Part]:
        """An entry as a sum."""
        a, one = self.algebra, self.one
        match node.op, node.args:
            case "number", _:
                return [(a.number(node.number), one, one)]
            case "name", _ if node.source == "position":
                position = a.parameter(INDEX)
                return [(position, one, one) if node.name == LATER else (one, one, position)]
            case "name", _ if node.source == READS:
                place, rule = read_by(node.name)
                reads = self._reads(rule)
                return [(reads, one, one) if place == LATER else (one, one, reads)]
            case "name", _:
                return [(self.state.number(node.source, node.name), one, one)]
            case "add", (x, y):
                return _merged(self.parts(x) + self.parts(y))
            case "sub", (x, y):
                return _merged(self.parts(x) + [(-c, d, e) for c, d, e in self.parts(y)])
            case "neg", (x,):
                return [(-c, d, e) for c, d, e in self.parts(x)]
            case "mul", (x, y):
                return self._product(self.parts(x), self.parts(y))
            case "div", (x, y):
                return self._product(self.parts(x), [self._inverse(self.parts(y), y)])
            case "pow", (x, y):
                return self._power(x, y)
        raise NotRepresentableError(f"a mask's entry has {text(node)}, which has no closed form here")

    def _reads(self, rule: str) -> Scalar:
        """What is 1 where the layer reads a position: a selection of the record, for no update knows another."""
        selections = self.state.algorithm.selections
        named = next((x for x, said in selections.items() if said == rule), None)
        if named is None:
            raise NotRepresentableError(
                f"a mask asks whether {rule} of a position j and layer l = 1, 2, ..., which the update does not know: "
                f"declare selections={{'now': '{rule}'}}, which it reads as t.now"
            )
        return self.algebra.named(Entry.of(named, INDEX))

    def _product(self, left: list[Part], right: list[Part]) -> list[Part]:
        return _merged([(c * x, d * y, e * z) for c, d, e in left for x, y, z in right])

    def _inverse(self, parts: list[Part], node: Expression) -> Part:
        if len(parts) != 1:
            raise NotRepresentableError(
                f"a mask's entry divides by {text(node)}: a sum there may be of the later position alone, or of none"
            )
        ((c, d, e),) = parts
        return self.one / c, self.one / d, self.one / e

    def _power(self, base: Expression, exponent: Expression) -> list[Part]:
        a, one = self.algebra, self.one
        at = self._exponent(exponent)
        parts = self.parts(base)
        whole = at.pop("", 0)
        if set(at) <= {LENGTH} and not at.get(LENGTH, 0) and whole >= 0 and len(parts) != 1:
            power = [(one, one, one)]
            for _ in range(whole):
                power = self._product(power, parts)
            return power
        if not parts and whole > 0 and not any(at.values()):
            return []
        if len(parts) != 1:
            raise self._odd(base, exponent)
        ((c, d, e),) = parts
        later, earlier, length = (at.get(x, 0) for x in (LATER, EARLIER, LENGTH))
        if not (later or earlier or length):
            return [(c**whole, d**whole, e**whole)]
        if d != 1 or e != 1 or INDEX in c.names():
            raise self._odd(base, exponent)
        index = a.parameter(INDEX)
        fixed = c**whole
        if length:
            fixed = fixed * c ** (a.parameter(LENGTH) * length)
        if earlier > 0 and later + earlier:
            return [(fixed * c ** (index * later), one, c ** (index * earlier))]
        return [(fixed * c ** (index * (later + earlier)), c**-earlier, one)]

    def _odd(self, base: Expression, exponent: Expression) -> NotRepresentableError:
        power = f"({text(base)}) ** ({text(exponent)})"
        return NotRepresentableError(f"a mask's entry has {power}, wanted a power of one product without positions")

    def _exponent(self, node: Expression) -> dict[str, int]:
        """An exponent as {position or n: how often}, "" for the number."""
        match node.op, node.args:
            case "number", _:
                return {"": int(node.number)}
            case "name", _ if (node.source, node.name) != ("sweep", "layer"):
                return {LENGTH if node.source == "sweep" else node.name: 1}
            case "neg", (x,):
                return {k: -v for k, v in self._exponent(x).items()}
            case (("add" | "sub"), (x, y)):
                left, right, sign = self._exponent(x), self._exponent(y), 1 if node.op == "add" else -1
                return {k: left.get(k, 0) + sign * right.get(k, 0) for k in {**left, **right}}
            case "mul", (x, y):
                left, right = self._exponent(x), self._exponent(y)
                for one, other in ((left, right), (right, left)):
                    if set(one) <= {""}:
                        return {k: v * one.get("", 0) for k, v in other.items()}
        raise NotRepresentableError(f"a mask's entry has the exponent {text(node)}, wanted a sum of positions and n")
