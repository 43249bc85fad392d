"""Sets given by named linear equations between the blocks of the weights, inside the commutant.

An equation such as  Q[phi, phi] + Q[phi, gamma_phi_next] = 0  speaks of the numbers that stand before the identity in
those blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..errors import ArgumentError
from .sets import AffineSet, S, commutant
from .signed_sum import signed_terms, term_pattern
from .symmetry import SymmetryGroup, nullspace, reduced
from .weights import Trained

_TERM = term_pattern(r"([A-Z]\d*)\s*\[\s*(\w+)\s*,\s*(\w+)\s*\]")
Block = tuple[str, str, str]  # matrix, row block, column block


@dataclass(frozen=True)
class Constraint:
    """A named equation, sum of coefficients times blocks = constant, in every stored layer or those named (from 1)."""

    name: str
    terms: Mapping[Block, Fraction]
    constant: Fraction
    layers: tuple[int, ...] | None = None


def parse_equation(text: str) -> tuple[dict[Block, Fraction], Fraction]:
    """The terms and the constant of an equation.

    >>> parse_equation("2 Q[phi, phi] - P[reward, reward] = 1/2")
    ({('Q', 'phi', 'phi'): Fraction(2, 1), ('P', 'reward', 'reward'): Fraction(-1, 1)}, Fraction(1, 2))

    Raises `ArgumentError` when it is none.
    """
    sides = text.split("=")
    if len(sides) != 2:
        raise ArgumentError(
            f"equation {text[:60]!r} has no single =: wanted such as Q[phi, phi] + Q[phi, phi_next] = 0"
        )
    terms: dict[Block, Fraction] = {}
    constant = Fraction(0)

    def refusal(rest: str) -> str:
        wanted = "wanted such as 2 Q[phi, phi] - Q[phi, phi_next] = 1/2"
        return f"equation {text[:60]!r} cannot be read at {rest[:20]!r}: {wanted}"

    for side, sign in zip(sides, (1, -1), strict=True):
        for coefficient, match in signed_terms(side, _TERM, refusal):
            if match[3]:
                block = (match[4], match[5], match[6])
                terms[block] = terms.get(block, Fraction(0)) + coefficient * sign
            else:
                constant -= coefficient * sign
    return {block: c for block, c in terms.items() if c}, constant


def constrained(
    space: S, group: SymmetryGroup, name: str, meaning: str, constraints: Sequence[Constraint]
) -> AffineSet[S]:
    """The weights of the group's commutant that satisfy every equation.

    Raises `ArgumentError` for a block that is not there or is always zero, for a group whose commutant has more than
    one number a block, and for equations that contradict each other.
    """
    whole = commutant(space, group)
    if whole.patterns is None:
        raise ArgumentError(
            f"constraints name one number a block, but the commutant of {group.name} has more: give block patterns"
        )
    unknown: dict[tuple[int, Block], int] = {}
    for k, direction in enumerate(whole.directions):
        entry = space.coordinate(min(direction))
        unknown[entry.layer, (entry.matrix, entry.row_block, entry.column_block)] = k
    rows: list[list[Fraction]] = []
    count = whole.dimension
    for constraint in constraints:
        layers = range(space.stored) if constraint.layers is None else [layer - 1 for layer in constraint.layers]
        for layer in layers:
            row = [Fraction(0)] * (count + 1)
            for block, c in constraint.terms.items():
                if (layer, block) not in unknown:
                    raise ArgumentError(_no_such(space, constraint, layer, block))
                row[unknown[layer, block]] += c
            row[count] = constraint.constant
            rows.append(row)
    echelon = reduced(rows, count + 1)
    if any(not any(row[:count]) for row in echelon):
        raise ArgumentError(f"the constraints of {name[:40]!a} contradict each other: no weights satisfy them all")
    base = [Fraction(0)] * space.size
    for row in echelon:
        pivot = next(k for k in range(count) if row[k])
        for k, x in whole.directions[pivot].items():
            base[k] += row[count] * x
    directions = []
    for free in nullspace([row[:count] for row in rows], count):
        v: dict[int, Fraction] = {}
        for c, direction in zip(free, whole.directions, strict=True):
            if c:
                for k, x in direction.items():
                    v[k] = v.get(k, Fraction(0)) + c * x
        directions.append(v)
    return AffineSet(name, meaning, space, tuple(base), tuple(directions))


def _no_such(space: Trained, constraint: Constraint, layer: int, block: Block) -> str:
    matrix, row, column = block
    names = [name for name, _, _ in space.blocks]
    if not 0 <= layer < space.stored:
        return f"{constraint.name[:40]!a} names layer {layer + 1}, wanted 1 to {space.stored}"
    if matrix not in space.matrices:
        return f"{constraint.name[:40]!a} names {matrix}, wanted {', '.join(space.matrices)}"
    missing = next((x for x in (row, column) if x not in names), None)
    if missing is not None:
        return f"{constraint.name[:40]!a} names the row {missing[:40]}, wanted {', '.join(names)}"
    where = f"{matrix}[{row}, {column}]"
    return f"{constraint.name[:40]!a} names {where}, which is zero throughout the commutant: leave it out"
