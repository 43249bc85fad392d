"""Groups that act on features: their generators and elements, their action on the rows of a prompt, their commutant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import permutations, product

from flint import fmpq, fmpq_mat

from ..errors import ArgumentError
from ..plain_text import shown

Square = tuple[tuple[Fraction, ...], ...]
ENUMERATION_LIMIT = 50_000
"""The most elements that are listed: signed permutations up to d = 6 have 46,080."""


def identity(d: int) -> Square:
    """The identity matrix of size d."""
    return tuple(tuple(Fraction(i == j) for j in range(d)) for i in range(d))


def multiply(A: Square, B: Square) -> Square:
    """The product of two square matrices."""
    columns = list(zip(*B, strict=True))
    return tuple(tuple(sum((x * y for x, y in zip(r, c, strict=True)), Fraction(0)) for c in columns) for r in A)


def transpose(A: Square) -> Square:
    """The transpose."""
    return tuple(zip(*A, strict=True))


@dataclass(frozen=True)
class SymmetryGroup:
    """A group of orthogonal d x d matrices, given by generators; Lam acts on every feature vector of a prompt at once.

    Raises `ArgumentError` when a generator is not d x d or not orthogonal: only orthogonal ones act on prompts and on
    gradients alike.
    """

    name: str
    d: int
    generators: tuple[Square, ...]

    def __post_init__(self) -> None:
        for position, generator in enumerate(self.generators):
            if len(generator) != self.d or any(len(row) != self.d for row in generator):
                raise ArgumentError(
                    f"generators[{position}] is no {self.d} x {self.d} matrix: give one that acts on the d features"
                )
            if multiply(generator, transpose(generator)) != identity(self.d):
                raise ArgumentError(
                    f"generators[{position}] is not orthogonal, so it is no symmetry of the update: "
                    "wanted a matrix whose inverse is its transpose"
                )

    @cached_property
    def is_monomial(self) -> bool:
        """Whether it is one of the named groups whose elements permute features or flip their signs."""
        return self.is_named(*_ENUMERATED)

    def is_named(self, *names: str) -> bool:
        """Whether it is one of these named groups: by its name, and by its generators too."""
        return self.name in names and self.name in GROUPS and self.generators == GROUPS[self.name](self.d)

    @cached_property
    def order(self) -> int | None:
        """The number of elements, or None when there are infinitely many or more than can be listed."""
        if self.is_monomial:
            return _order(self.name, self.d)
        return None if self.elements is None else len(self.elements)

    @cached_property
    def elements(self) -> tuple[Square, ...] | None:
        """All elements, or None when there are infinitely many or more than `ENUMERATION_LIMIT`."""
        if self.is_monomial:
            return tuple(_ENUMERATED[self.name](self.d)) if _order(self.name, self.d) <= ENUMERATION_LIMIT else None
        seen = {identity(self.d)}
        frontier = list(seen)
        while frontier:
            fresh = []
            for element in frontier:
                for generator in self.generators:
                    image = multiply(generator, element)
                    if image not in seen:
                        if sum(image[i][i] for i in range(self.d)).denominator != 1:
                            return None  # a rational matrix of finite order has an integer trace
                        seen.add(image)
                        fresh.append(image)
                        if len(seen) > ENUMERATION_LIMIT:
                            return None
            frontier = fresh
        return tuple(sorted(seen, reverse=True))

    @cached_property
    def scalars(self) -> tuple[Square, ...]:
        """A basis of the d x d matrices that commute with every element."""
        d = self.d
        rows = []
        for g in self.generators:
            for i in range(d):
                for j in range(d):  # (g A - A g)[i, j]
                    row = [Fraction(0)] * (d * d)
                    for k in range(d):
                        row[k * d + j] += g[i][k]
                        row[i * d + k] -= g[k][j]
                    rows.append(row)
        return tuple(tuple(tuple(v[i * d : (i + 1) * d]) for i in range(d)) for v in nullspace(rows, d * d))

    @cached_property
    def fixed_vectors(self) -> tuple[tuple[Fraction, ...], ...]:
        """A basis of the vectors that every element fixes."""
        d = self.d
        rows = [[g[i][j] - (i == j) for j in range(d)] for g in self.generators for i in range(d)]
        return tuple(tuple(v) for v in nullspace(rows, d))


def rational_rows(matrix: fmpq_mat) -> list[list[Fraction]]:
    """A FLINT matrix as rows of Fractions."""
    return [[Fraction(int(x.p), int(x.q)) for x in row] for row in matrix.tolist()]


def reduced(rows: Sequence[Sequence[Fraction]], width: int) -> list[list[Fraction]]:
    """The non-zero rows of the reduced row echelon form."""
    if not rows:
        return []
    flat = [fmpq(x.numerator, x.denominator) for row in rows for x in row]
    echelon, rank = fmpq_mat(len(rows), width, flat).rref()
    return rational_rows(echelon)[:rank]


def nullspace(rows: Sequence[Sequence[Fraction]], width: int) -> list[list[Fraction]]:
    """A basis of the vectors v with row . v = 0 for every row."""
    echelon = reduced(rows, width)
    pivots = [next(j for j, x in enumerate(row) if x) for row in echelon]
    basis = []
    for free in (j for j in range(width) if j not in pivots):
        vector = [Fraction(0)] * width
        vector[free] = Fraction(1)
        for row, pivot in zip(echelon, pivots, strict=True):
            vector[pivot] = -row[free]
        basis.append(vector)
    return basis


def _permutation(images: Sequence[int], signs: Sequence[int] | None = None) -> Square:
    d = len(images)
    return tuple(
        tuple(Fraction((signs[i] if signs else 1) if images[i] == j else 0) for j in range(d)) for i in range(d)
    )


def _transpositions(d: int) -> tuple[Square, ...]:
    swaps = []
    for k in range(d - 1):
        images = list(range(d))
        images[k], images[k + 1] = k + 1, k
        swaps.append(_permutation(images))
    return tuple(swaps)


def _flip(d: int, k: int) -> Square:
    return _permutation(range(d), [-1 if i == k else 1 for i in range(d)])


def _rotation(d: int, k: int) -> Square:
    """The rotation by arccos(3/5) in the plane of axes k and k + 1; its powers are dense in that plane's rotations."""
    rows = [list(row) for row in identity(d)]
    rows[k][k] = rows[k + 1][k + 1] = Fraction(3, 5)
    rows[k][k + 1], rows[k + 1][k] = Fraction(-4, 5), Fraction(4, 5)
    return tuple(tuple(row) for row in rows)


def _signed(d: int) -> Iterator[Square]:
    for images in permutations(range(d)):
        for signs in product((1, -1), repeat=d):
            yield _permutation(images, signs)


def _order(name: str, d: int) -> int:
    order = 1
    for k in range(1, d + 1):
        order *= {"signed-permutations": 2 * k, "permutations": k, "sign-flips": 2}.get(name, 1)
    return order


_ENUMERATED: dict[str, Callable[[int], Iterator[Square]]] = {
    "signed-permutations": _signed,
    "permutations": lambda d: (_permutation(images) for images in permutations(range(d))),
    "sign-flips": lambda d: (_permutation(range(d), signs) for signs in product((1, -1), repeat=d)),
}
GROUPS: dict[str, Callable[[int], tuple[Square, ...]]] = {
    "signed-permutations": lambda d: (*_transpositions(d), _flip(d, 0)),
    "orthogonal": lambda d: (*_transpositions(d), _flip(d, 0), *(_rotation(d, k) for k in range(d - 1))),
    "rotations": lambda d: tuple(_rotation(d, k) for k in range(d - 1)),
    "permutations": _transpositions,
    "sign-flips": lambda d: tuple(_flip(d, k) for k in range(d)),
    "minus-identity": lambda d: (_permutation(range(d), [-1] * d),),
    "none": lambda d: (),
}
"""Generators of the named groups. `orthogonal` and `rotations` are generated up to closure, by rational rotations."""


def group_named(name: str, d: int) -> SymmetryGroup:
    """A named group acting on d features.

    >>> len(group_named("signed-permutations", 3).elements), len(group_named("permutations", 3).scalars)
    (48, 2)
    """
    if name not in GROUPS:
        raise ArgumentError(f"group is {shown(name)}, wanted one of {', '.join(GROUPS)}, or a file of generators")
    return SymmetryGroup(name, d, GROUPS[name](d))
