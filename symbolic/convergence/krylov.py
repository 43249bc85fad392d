"""The part of the space that an iteration sees: Krylov spaces, and the polynomials that annihilate a sequence.

From w_0 the changes are w_{l+1} - w_l = T^l r with r = c - (I - T) w_0.  They go to zero iff all roots of the minimal
polynomial of r are inside the unit disc, since r excites each of them; and then w_l converges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import fmpq, fmpq_mat, fmpq_poly, fmpz_mat, nmod_mat

from .rationals import identity

PRIME = (1 << 61) - 1


@dataclass(frozen=True, eq=False)
class KrylovSequence:
    """A sequence F^l z on k coordinates, of which each functional h is read: the sequences h F^l z.

    F : (k, k);  z : (k, 1);  read : rows (1, k);  basis : (N, k) with T basis = basis F, where there is one
    """

    F: fmpq_mat
    z: fmpq_mat
    read: tuple[fmpq_mat, ...]
    basis: fmpq_mat | None


def minimal_polynomial(T: fmpq_mat, r: fmpq_mat) -> fmpq_poly:
    """The monic m of least degree with m(T) r = 0; 1 for r = 0."""
    size = T.nrows()
    A, scale = T.numer_denom()
    columns = [r.numer_denom()[0]]
    for _ in range(size):
        columns.append(A * columns[-1])
    krylov = _beside(columns)
    if nmod_mat(krylov, PRIME).rank() == size:  # the rank modulo a prime is never above the rank
        return T.charpoly()
    reduced, den, rank = krylov.rref()
    # A^rank r = sum_i a_i A^i r with A = scale T
    a = [fmpq(int(reduced[i, rank]), int(den)) for i in range(rank)]
    return fmpq_poly([-x * fmpq(scale) ** i / fmpq(scale) ** rank for i, x in enumerate(a)] + [1])


def _beside(columns: Sequence[fmpz_mat]) -> fmpz_mat:
    height = columns[0].nrows()
    return fmpz_mat(height, len(columns), [v[i, 0] for i in range(height) for v in columns])


def changes(T: fmpq_mat, r: fmpq_mat, h: fmpq_mat, count: int) -> list[fmpq]:
    """h T^l r for l = 0, ..., count - 1."""
    result, v = [], r
    for _ in range(count):
        result.append((h * v)[0, 0])
        v = T * v
    return result


def recurrence(m: fmpq_poly, s: Sequence[fmpq]) -> fmpq_poly:
    """The monic polynomial of the shortest linear recurrence of the sequence s, which m annihilates.

    s : its first deg m terms.  sum_l s_l / x^(l+1) is a quotient of polynomials with denominator m; the wanted one is
    its denominator in lowest terms.
    """
    k = m.degree()
    numerator = fmpq_poly([sum((m[i + 1 + j] * s[j] for j in range(k - i)), fmpq(0)) for i in range(k)])
    common = numerator.gcd(m)
    denominator = m // common
    return denominator / denominator.coeffs()[-1]


def krylov_basis(T: fmpq_mat, r: fmpq_mat, size: int) -> tuple[fmpq_mat, list[int]]:
    """A basis (N, size) of the span of r, T r, ..., and the rows in which it is the identity.

    size : the degree of the minimal polynomial of r
    """
    if size == T.nrows():
        return identity(size), list(range(size))
    columns, v = [], r
    for _ in range(size):
        columns.append(v)
        v = T * v
    rows = fmpq_mat(size, T.nrows(), [x for v in columns for x in v.entries()])
    reduced, _ = rows.rref()
    lines = reduced.tolist()
    return reduced.transpose(), [next(j for j, x in enumerate(line) if x) for line in lines]


def restrict(T: fmpq_mat, r: fmpq_mat, error: fmpq_mat, read: Sequence[fmpq_mat], size: int) -> KrylovSequence:
    """T on the Krylov space of r, with `error` (in that space) in its coordinates, and functionals on it."""
    basis, pivots = krylov_basis(T, r, size)
    if size == T.nrows():
        return KrylovSequence(T, error, tuple(read), basis)
    after = T * basis
    F = fmpq_mat(size, size, [after[i, j] for i in pivots for j in range(size)])
    return KrylovSequence(F, _rows(error, pivots), tuple(h * basis for h in read), basis)


def observe(reduced_map: KrylovSequence) -> KrylovSequence:
    """The same sequences on fewer coordinates: what no functional ever sees is divided out."""
    k = reduced_map.F.nrows()
    A, _ = reduced_map.F.numer_denom()
    rows: list[fmpz_mat] = []
    for h in reduced_map.read:
        rows.append(h.numer_denom()[0])
        for _ in range(k - 1):
            rows.append(rows[-1] * A)
    entries = [x for v in rows for x in v.entries()]
    if nmod_mat(fmpz_mat(len(rows), k, entries), PRIME).rank() == k:
        return reduced_map
    reduced, rank = fmpq_mat(len(rows), k, entries).rref()
    lines = reduced.tolist()[:rank]
    seen = fmpq_mat(rank, k, [x for line in lines for x in line])
    pivots = [next(j for j, x in enumerate(line) if x) for line in lines]
    after = seen * reduced_map.F
    F = fmpq_mat(rank, rank, [after[i, j] for i in range(rank) for j in pivots])
    read = tuple(fmpq_mat(1, rank, [h[0, j] for j in pivots]) for h in reduced_map.read)
    return KrylovSequence(F, seen * reduced_map.z, read, None)


def _rows(m: fmpq_mat, rows: Sequence[int]) -> fmpq_mat:
    return fmpq_mat(len(rows), m.ncols(), [m[i, j] for i in rows for j in range(m.ncols())])


def summed(m: fmpq_poly) -> fmpq_poly:
    """u with (1 - x) u = 1 modulo m, where m(1) is not 0: then sum_l T^l r = u(T) r."""
    return (1 - m / m(1)) // fmpq_poly([1, -1])


def applied(p: fmpq_poly, T: fmpq_mat, r: fmpq_mat) -> fmpq_mat:
    """p(T) r, by Horner's rule."""
    total = 0 * r
    for coefficient in reversed(p.coeffs()):
        total = T * total + coefficient * r
    return total
