"""What a mask's entry is before, at and after the layer's position, as one expression in what the layer reads."""

from __future__ import annotations

from typing import Any

from .expression import SCALAR, Expression
from .strict import Tape

BEFORE, AT, AFTER = -1, 0, 1
READS = "selected"
"""The source of the names of `reading`."""


def reading(position: str, rule: str) -> str:
    """The name of what is 1 where the layer reads the later, or the earlier, of the two positions, and 0 elsewhere.

    rule : a key of `tables.SELECTIONS`
    """
    return f"{position} {rule}"


def read_by(name: str) -> tuple[str, str]:
    """The position and the rule of such a name."""
    position, _, rule = name.partition(" ")
    return position, rule


def chosen(tape: Tape, position: str, before: Expression, at: Expression, after: Expression) -> Expression:
    """The entry, of the fewest things that the layer may read."""
    if before is after:
        return before if at is before else _either(tape, position, "j = l", at, before)
    if before is at:
        return _either(tape, position, "j <= l", at, after)
    inside = at if at is after else _either(tape, position, "j <= l", at, after)
    return _either(tape, position, "j >= l", inside, before)


def _either(tape: Tape, position: str, rule: str, inside: Expression, outside: Expression) -> Expression:
    """One of two at the positions that the layer reads, the other at the others."""
    reads, one, other = tape.name(READS, reading(position, rule), SCALAR), tape.value(inside), tape.value(outside)
    if outside.op == "number" and outside.number == 0:
        value: Any = reads if inside.op == "number" and inside.number == 1 else one * reads
    else:
        value = other + (one - other) * reads
    return tape.node(value, SCALAR, "an entry of a mask")
