"""Masks as vectors: a basis that grows with what it is shown, so that equal tensors have equal coordinates.

A mask falls into four parts, by whether its value token and its key token are context tokens or the query: a prompt may
reach one and not another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import fmpq

Part = dict[tuple[int, int], Fraction]
PARTS = ((0, 0), (0, 1), (1, 0), (1, 1))
"""(value token is the query, key token is the query)."""


@dataclass
class MaskSpace:
    """Independent masks, each within one part; `kinds` says which.

    turns : what has been found about whole masks, by identity, beside the mask itself, which so stays alive
    equal : the same by what a mask holds
    """

    basis: list[Part] = field(default_factory=list)
    kinds: list[tuple[int, int]] = field(default_factory=list)
    turns: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    equal: dict[tuple[int, tuple[int, ...]], Any] = field(default_factory=dict)
    _rows: list[tuple[tuple[int, int], dict[tuple[int, int], Any], dict[int, Any]]] = field(default_factory=list)
    _inner: dict[tuple[int, int], Fraction] = field(default_factory=dict)

    def coordinates(self, part: Part, kind: tuple[int, int]) -> dict[int, Fraction]:
        """The part of a mask in the basis, which grows when it is not in its span."""
        zero, coefficients = fmpq(0), dict[int, Any]()
        left = {at: fmpq(x.numerator, x.denominator) for at, x in part.items()}
        for pivot, row, combination in self._rows:
            factor = left.get(pivot, zero) / row[pivot]
            if factor:
                for at, x in row.items():
                    left[at] = left.get(at, zero) - factor * x
                for k, x in combination.items():
                    coefficients[k] = coefficients.get(k, zero) + factor * x
        left = {at: x for at, x in left.items() if x}
        if not left:
            return {k: Fraction(int(x.p), int(x.q)) for k, x in coefficients.items() if x}
        number = len(self.basis)
        self.basis.append(dict(part))
        self.kinds.append(kind)
        self._rows.append((min(left), left, {number: fmpq(1), **{k: -x for k, x in coefficients.items()}}))
        return {number: Fraction(1)}

    def inner(self, one: int, other: int) -> Fraction:
        """The sum of products of the entries of two masks of the basis."""
        if (one, other) not in self._inner:
            a, b = self.basis[one], self.basis[other]
            self._inner[one, other] = sum((x * b[at] for at, x in a.items() if at in b), Fraction(0))
        return self._inner[one, other]


def parts(mask: Any) -> dict[tuple[int, int], Part]:
    """A mask (N, N) of rationals in its parts, without those that are zero; the last token is the query."""
    den, N = int(mask.den), mask.num.nrows()
    split: dict[tuple[int, int], Part] = {}
    for i, row in enumerate(mask.num.tolist()):
        for j, x in enumerate(row):
            if x != 0:
                split.setdefault((int(i == N - 1), int(j == N - 1)), {})[i, j] = Fraction(int(x), den)
    return split


def flipped(part: Part) -> Part:
    """The transpose."""
    return {(j, i): x for (i, j), x in part.items()}
