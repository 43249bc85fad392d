"""Polynomials in the entries of feature vectors, averaged over a finite group that moves all vectors at once (FLINT).

A polynomial is moved by f_t -> g f_t.  Sign flips keep the monomials of even degree in each coordinate; for all
permutations of more than `LISTED` coordinates each monomial stands for its orbit; else elements are applied one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from operator import itemgetter
from typing import Any

from flint import fmpq

from ..errors import WorkLimitError
from .symmetry import Square, SymmetryGroup, identity

PRODUCT_LIMIT = 20_000_000
"""The most products of terms that are formed."""
MOVE_LIMIT = 1_000_000
"""The most terms that are moved one by one; one that an element makes a sum of counts as `MIXING` times its terms."""
MIXING = 4
LISTED = 3
"""Coordinates up to which all permutations are applied one by one."""
Parity = tuple[int, ...]


class Mover:
    """A group acting on the variables of a context: `count` vectors of d entries, from variable `first` on.

    what : names the sizes in a refusal, as "d = 2, n = 2"
    """

    def __init__(self, context: Any, group: SymmetryGroup, first: int, count: int, what: str):
        self.context, self.group, self.first, self.count, self.what = context, group, first, count, what
        d = group.d
        self.columns = [tuple(first + t * d + i for t in range(count)) for i in range(d)]
        self.flips, self.cosets = _split(group)

    @property
    def images(self) -> int:
        """How many elements are applied one by one."""
        return 1 if self.cosets is None else len(self.cosets)

    def leaves(self, polynomial: Any) -> bool:
        """Whether every element leaves a polynomial as it is: asked of the generators."""
        self._within([polynomial], self.group.generators)
        return all(self.moved(polynomial, g) == polynomial for g in self.group.generators)

    def averages(self, polynomials: Sequence[Any]) -> list[Any]:
        """Each polynomial's mean over the group; or, for many permutations, what is zero exactly when the mean is.

        Raises `WorkLimitError` when more than `MOVE_LIMIT` terms would be moved.
        """
        even = [self._even(x) for x in polynomials] if self.flips and self.cosets is None else list(polynomials)
        self._within(even, self.cosets)
        if self.cosets is None:
            return [self._orbits(x) for x in even]
        share = self._number(Fraction(1, self.images))
        result = []
        for x in even:
            total = self.context.constant(0)
            for g in self.cosets:
                moved = self.moved(x, g)
                total = total + (self._even(moved) if self.flips else moved)
            result.append(total * share)
        return result

    def products(self, factor: Any, polynomials: Sequence[Any]) -> list[Any]:
        """The mean of factor * x for each polynomial x, as in `averages`; the factors are moved, and then multiplied.

        Raises `WorkLimitError` when more than `PRODUCT_LIMIT` products would be formed, or too much is moved.
        """
        sizes = sum(map(len, polynomials))
        work = self.images * len(factor) * sizes // (2**self.group.d if self.flips else 1)
        limit = MOVE_LIMIT if self.cosets is None else PRODUCT_LIMIT
        if work > limit:
            raise WorkLimitError(
                f"the averaged update would take {work} products of terms at {self.what}, {self.images} images each, "
                f"above the limit of {limit}: ask for fewer features, a shorter context, a smaller group, or a set "
                "inside the group's commutant"
            )
        self._within([factor, *polynomials], self.cosets or ())
        elements = [identity(self.group.d)] if self.cosets is None else self.cosets
        totals = [self.context.constant(0) for _ in polynomials]
        for g in elements:
            left = self.moved(factor, g)
            by_parity = self._by_parity(left) if self.flips else {}
            for k, x in enumerate(polynomials):
                right = self.moved(x, g)
                totals[k] = totals[k] + (self._even_product(by_parity, right) if self.flips else left * right)
        if self.cosets is None:
            return [self._orbits(x) for x in totals]
        share = self._number(Fraction(1, self.images))
        return [x * share for x in totals]

    def moved(self, polynomial: Any, g: Square) -> Any:
        """The polynomial at f_t -> g f_t."""
        d = self.group.d
        if g == identity(d):
            return polynomial
        if _is_monomial(g):
            return self._permuted(polynomial, g)
        images = list(self.context.gens())
        for t in range(self.count):
            old = images[self.first + t * d : self.first + (t + 1) * d]
            for i, row in enumerate(g):
                image = self.context.constant(0)
                for x, f in zip(row, old, strict=True):
                    if x:
                        image = image + f * self._number(x)
                images[self.first + t * d + i] = image
        return polynomial.compose(*images, ctx=self.context)

    def _permuted(self, polynomial: Any, g: Square) -> Any:
        """The same for an element whose rows have one entry each, on the exponents."""
        source = list(range(len(self.context.gens())))
        shrunk: list[tuple[tuple[int, ...], fmpq]] = []
        for i, row in enumerate(g):
            j = next(k for k, x in enumerate(row) if x)
            for old, new in zip(self.columns[i], self.columns[j], strict=True):
                source[new] = old
            if row[j] != 1:
                shrunk.append((self.columns[i], _flint(row[j])))
        pick = itemgetter(*source) if len(source) > 1 else tuple
        terms = {}
        for exponents, c in polynomial.to_dict().items():
            for column, x in shrunk:
                degree = sum(exponents[v] for v in column)
                if degree:
                    c = c * x**degree
            terms[pick(exponents)] = c
        return self.context.from_dict(terms)

    def _within(self, polynomials: Sequence[Any], elements: Sequence[Square] | None) -> None:
        """Refuse to move too many terms: by these elements, or once for all permutations."""
        terms = sum(map(len, polynomials))
        moved = [g for g in elements or () if g != identity(self.group.d)]
        spread = max((sum(1 for x in row if x) for g in moved for row in g), default=1)
        degree = self._degree(polynomials) if spread > 1 else 0
        work = (
            terms if elements is None else terms * sum(1 if _is_monomial(g) else MIXING * spread**degree for g in moved)
        )
        if work > MOVE_LIMIT:
            raise WorkLimitError(
                f"the group {self.group.name} would move {work} terms at {self.what}, above the limit of {MOVE_LIMIT}: "
                "ask for fewer features, a shorter context or a smaller group"
            )

    def _degree(self, polynomials: Sequence[Any]) -> int:
        """The largest degree in the entries of vectors."""
        inside = slice(self.first, self.first + self.count * self.group.d)
        return max((sum(e[inside]) for x in polynomials for e in x.monoms()), default=0)

    def _parity(self, exponents: tuple[int, ...]) -> Parity:
        return tuple(sum(exponents[v] for v in column) % 2 for column in self.columns)

    def _even(self, polynomial: Any) -> Any:
        """The terms that every sign flip keeps."""
        return self.context.from_dict({e: c for e, c in polynomial.to_dict().items() if not any(self._parity(e))})

    def _by_parity(self, polynomial: Any) -> dict[Parity, Any]:
        classes: dict[Parity, dict[tuple[int, ...], Any]] = {}
        for exponents, c in polynomial.to_dict().items():
            classes.setdefault(self._parity(exponents), {})[exponents] = c
        return {parity: self.context.from_dict(terms) for parity, terms in classes.items()}

    def _even_product(self, left: dict[Parity, Any], y: Any) -> Any:
        """The terms of x y that every sign flip keeps; left holds x by parity."""
        right = self._by_parity(y)
        total = self.context.constant(0)
        for parity, part in left.items():
            if parity in right:
                total = total + part * right[parity]
        return total

    def _orbits(self, polynomial: Any) -> Any:
        """Every monomial replaced by its orbit's representative: the exponents of each coordinate, in sorted order."""
        d, first = self.group.d, self.first
        last = first + self.count * d
        sums: dict[tuple[int, ...], Any] = {}
        for exponents, coefficient in polynomial.to_dict().items():
            columns = sorted(exponents[first + i : last : d] for i in range(d))
            middle = [columns[i][t] for t in range(self.count) for i in range(d)]
            key = (*exponents[:first], *middle, *exponents[last:])
            sums[key] = sums.get(key, 0) + coefficient
        return self.context.from_dict({key: c for key, c in sums.items() if c})

    def _number(self, x: Fraction) -> Any:
        return self.context.constant(_flint(x))


def _split(group: SymmetryGroup) -> tuple[bool, list[Square] | None]:
    """Whether all sign flips are in the group, and then one element of each coset of theirs (else all elements).

    None stands for all permutations.
    """
    d = group.d
    if group.is_monomial:
        flips = group.name != "permutations"
        if group.name == "sign-flips":
            return flips, [identity(d)]
        if d > LISTED:
            return flips, None
        return flips, [
            tuple(tuple(Fraction(i == j) for j in range(d)) for i in order) for order in permutations(range(d))
        ]
    known = set(group.elements or ())
    if not all(
        tuple(tuple(Fraction((-1 if i == k else 1) * (i == j)) for j in range(d)) for i in range(d)) in known
        for k in range(d)
    ):
        return False, list(known)
    # Sign flips are applied after g, to its rows: g and g' share a coset when their rows agree up to signs.
    cosets: dict[Any, Square] = {}
    for g in known:
        signs = (next(x for x in row if x) > 0 for row in g)
        cosets.setdefault(tuple(row if up else tuple(-x for x in row) for up, row in zip(signs, g, strict=True)), g)
    return True, list(cosets.values())


def _is_monomial(g: Square) -> bool:
    return all(sum(1 for x in row if x) == 1 for row in g)


def _flint(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)
