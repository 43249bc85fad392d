"""What an algorithm asks of the sizes d, n and L, as text: n = d, L <= n, L is a multiple of 3."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .errors import ContentError, SizesError
from .plain_text import shown

LETTERS = {"d": "features", "n": "context", "L": "layers"}
"""The letters of the sizes, and what the settings call them."""
_FORM = re.compile(r"([dnL]) (=|<=|>=|is a multiple of) ([dnL]|[1-9][0-9]{0,5})")
PASSES = 8


@dataclass(frozen=True)
class SizeConstraint:
    """One constraint: a size beside another size, or beside a whole number.

    relation : =, <=, >=, or `is a multiple of`
    right    : a letter, or a whole number from 1
    """

    left: str
    relation: str
    right: str | int

    @staticmethod
    def parse(text: str) -> SizeConstraint:
        """A constraint from text; `ContentError` that says the form for any other text."""
        match = _FORM.fullmatch(text) if isinstance(text, str) else None
        if match is None or match[1] == match[3]:
            raise ContentError(
                f"sizes holds {shown(text)}, wanted a constraint such as 'n = d', 'L <= n' or 'L is a multiple of 3'"
            )
        return SizeConstraint(match[1], match[2], match[3] if match[3] in LETTERS else int(match[3]))

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.left} {self.relation} {self.right}"

    def holds(self, sizes: Mapping[str, int]) -> bool:
        """Whether sizes, by letter, meet it."""
        left, right = sizes[self.left], self._right(sizes)
        if self.relation == "is a multiple of":
            return left % right == 0
        return left == right if self.relation == "=" else left <= right if self.relation == "<=" else left >= right

    def _right(self, sizes: Mapping[str, int]) -> int:
        return self.right if isinstance(self.right, int) else sizes[self.right]

    def moved(self, sizes: Mapping[str, int], fixed: Collection[str]) -> dict[str, int] | None:
        """Sizes that meet it: the left one is moved, or else the right one; None where neither may be."""
        right = self._right(sizes)
        if self.left not in fixed:
            left = sizes[self.left]
            return {**sizes, self.left: max(right, left - left % right) if "multiple" in self.relation else right}
        if isinstance(self.right, str) and self.right not in fixed and "multiple" not in self.relation:
            return {**sizes, self.right: sizes[self.left]}
        return None


def broken(constraints: Sequence[SizeConstraint], sizes: Mapping[str, int]) -> SizeConstraint | None:
    """The first constraint that sizes do not meet."""
    return next((c for c in constraints if not c.holds(sizes)), None)


def nearest(
    name: str, constraints: Sequence[SizeConstraint], sizes: Mapping[str, int], fixed: Collection[str] = ()
) -> dict[str, int]:
    """The nearest sizes that meet all constraints of the algorithm `name`: each moves its left size, in their order.

    fixed : the letters of sizes that must stay
    Raises `SizesError` with the constraint where these do not let it be met.
    """
    moved_sizes = dict(sizes)
    for _ in range(PASSES):
        unmet = broken(constraints, moved_sizes)
        if unmet is None:
            return moved_sizes
        moved = unmet.moved(moved_sizes, fixed)
        if moved is None:
            raise unfit(name, unmet, moved_sizes)
        moved_sizes = moved
    raise unfit(name, broken(constraints, moved_sizes) or constraints[0], moved_sizes)


def unfit(name: str, constraint: SizeConstraint, sizes: Mapping[str, int]) -> SizesError:
    """The error for sizes that do not meet a constraint."""
    letters = [constraint.left, *([constraint.right] if isinstance(constraint.right, str) else [])]
    given = " and ".join(f"{LETTERS[x]} is {sizes[x]}" for x in letters)
    return SizesError(
        f"{given}, but {name} is stated for {constraint.text} ({', '.join(f'{x}: {LETTERS[x]}' for x in letters)})"
    )
