"""Affine mean fields A v + b: is A Hurwitz, is it negative definite, and on which space must it be.

All decided over the rationals: Hurwitz by a vector u > 0 with A u < 0 where A has non-negative entries off its
diagonal, else by a Lyapunov matrix or the Routh array of the characteristic polynomial; negative definite by pivots of
A + A^T.
Sources: Berman and Plemmons, Nonnegative Matrices, chapter 6; Gantmacher, The Theory of Matrices, vol. 2, chapter XV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from flint import fmpq, fmpq_mat, fmpq_poly, fmpz

from ..errors import LayerproofError
from ..markov import matrices
from ..markov.matrices import Vector
from .lyapunov import definite, lyapunov


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Whether all eigenvalues of a matrix have negative real part, and what shows it.

    how     : "M-matrix", "negative definite", "Lyapunov matrix", "Routh array", "trace" or "determinant"
    vector  : u > 0 with A u = -1 (M-matrix), or a vector that A takes to zero; empty where there is neither
    root    : the eigenvalue of largest real part, about; None where it was not looked for
    polynomial : the characteristic polynomial, lowest coefficient first, where it was needed
    lyapunov : X > 0 with A^T X + X A < 0, where that is what shows it
    """

    hurwitz: bool
    how: str
    vector: Vector = ()
    root: complex | None = None
    polynomial: Vector = ()
    lyapunov: fmpq_mat | None = None


class TooLarge(LayerproofError):
    """No certificate was found for a large matrix, either way."""


LARGEST = 32
"""The largest matrix whose characteristic polynomial is worked out."""
SMALL = 8
"""Matrices up to this size are decided by their characteristic polynomial, larger ones by a Lyapunov matrix if one is
found."""


def spectrum(A: fmpq_mat, witness: int = 24) -> Spectrum:
    """Whether A is Hurwitz; raises `TooLarge` where that is not decided.

    witness : up to this size, a matrix that is not gets the eigenvalue of largest real part too

    >>> spectrum(matrices.matrix([[-2, 1], [0, -1]])).hurwitz, spectrum(matrices.matrix([[0, 1], [-1, 0]])).hurwitz
    (True, False)
    """
    size = A.nrows()
    metzler = all(A[i, j] >= 0 for i in range(size) for j in range(size) if i != j)
    if metzler:
        u = positive_solution(A)
        return Spectrum(True, "M-matrix", u) if u else _unstable(A, "M-matrix", witness)
    if direction(-A) is None:
        return Spectrum(True, "negative definite")
    if size > SMALL:
        X = lyapunov(A)
        if X is not None:
            return Spectrum(True, "Lyapunov matrix", lyapunov=X)
    if size > LARGEST:
        return _by_signs(A)
    p = A.charpoly()
    if routh(p):
        return Spectrum(True, "Routh array", polynomial=_coefficients(p))
    return _unstable(A, "Routh array", witness, p)


def _by_signs(A: fmpq_mat) -> Spectrum:
    """What a trace or determinant of the wrong sign refutes: all eigenvalues left of 0 give -, and (-1)^n."""
    size = A.nrows()
    if trace(A) >= 0:
        return Spectrum(False, "trace")
    if A.det() * (-1) ** size <= 0:
        null = matrices.kernel(A)
        return Spectrum(False, "determinant", null[0] if null else ())
    raise TooLarge(
        f"A has {size} rows: no Lyapunov matrix was found, its trace and determinant allow either, and its "
        f"characteristic polynomial is not worked out above {LARGEST}"
    )


def trace(A: fmpq_mat) -> fmpq:
    """The sum of the diagonal."""
    return sum((A[i, i] for i in range(A.nrows())), fmpq(0))


def positive_solution(A: fmpq_mat) -> Vector:
    """u > 0 with A u = -1, (n,); else empty. For A non-negative off its diagonal it exists iff A is Hurwitz."""
    try:
        u = matrices.solved(A, matrices.column([-1] * A.nrows()))
    except ZeroDivisionError:
        return ()
    return matrices.entries(u) if all(x > 0 for x in u.entries()) else ()


def _unstable(A: fmpq_mat, how: str, witness: int, p: fmpq_poly | None = None) -> Spectrum:
    null = matrices.kernel(A)
    root: complex | None = None
    polynomial: Vector = ()
    if A.nrows() <= witness:
        p = A.charpoly() if p is None else p
        root, polynomial = largest_root(p), _coefficients(p)
    return Spectrum(False, how, null[0] if null else (), root, polynomial)


def _coefficients(p: fmpq_poly) -> Vector:
    return tuple(matrices.fraction(c) for c in p.coeffs())


def largest_root(p: fmpq_poly) -> complex:
    """A root of largest real part, from enclosures of all."""
    roots = [root for root, _ in p.numer().complex_roots()]
    root = max(roots, key=lambda x: (float(x.real.mid()), float(x.imag.mid())))
    return complex(float(root.real.mid()), float(root.imag.mid()))


def routh(p: fmpq_poly) -> bool:
    """Whether every root of p has negative real part: the first column of the Routh array is positive.

    >>> routh(fmpq_poly([6, 11, 6, 1])), routh(fmpq_poly([1, 0, 1]))
    (True, False)
    """
    whole = p.numer()
    coefficients = [int(c) for c in reversed(whole.coeffs())]
    if coefficients[0] < 0:
        coefficients = [-c for c in coefficients]
    if any(c <= 0 for c in coefficients):  # a product of factors x + a and x^2 + b x + c has positive coefficients only
        return False
    above, here = coefficients[0::2], coefficients[1::2]
    while here:
        if here[0] <= 0:
            return False
        below = [
            here[0] * above[j + 1] - above[0] * (here[j + 1] if j + 1 < len(here) else 0) for j in range(len(above) - 1)
        ]
        common = gcd(*below) or 1
        above, here = here, [x // common for x in below]
        while here and here[-1] == 0 and len(here) > len(above):
            here.pop()
        if here and not any(here):
            return False
    return True


def direction(A: fmpq_mat) -> Vector | None:
    """None when v^T A v > 0 for every v other than zero; otherwise a v, (n,), with v^T A v <= 0.

    >>> direction(matrices.matrix([[1, 5], [-5, 1]])) is None, direction(matrices.matrix([[1, 4], [0, 1]]))
    (True, (Fraction(-2, 1), Fraction(1, 1)))
    """
    S = A + A.transpose()
    size = S.nrows()
    if _dominant(S) or definite(S):
        return None
    a = [list(row) for row in S.numer_denom()[0].tolist()]
    before = fmpz(1)
    for k in range(size):
        pivot = a[k][k]
        if pivot <= 0:  # the leading k x k block is positive definite: v = (-block^-1 column, 1, 0, ..., 0)
            block = [[S[i, j] for j in range(k)] for i in range(k)]
            top = fmpq_mat(block).solve(fmpq_mat([[-S[i, k]] for i in range(k)])) if k else None
            head = matrices.entries(top) if top is not None else ()
            return (*head, Fraction(1), *([Fraction(0)] * (size - k - 1)))
        for i in range(k + 1, size):
            for j in range(k + 1, size):
                a[i][j] = (a[i][j] * pivot - a[i][k] * a[k][j]) // before
        before = pivot
    return None


def _dominant(S: fmpq_mat) -> bool:
    """Whether a symmetric matrix is strictly diagonally dominant with a positive diagonal: then it is definite."""
    size = S.nrows()
    return all(S[i, i] > sum((abs(S[i, j]) for j in range(size) if j != i), fmpq(0)) for i in range(size))


@dataclass(frozen=True, eq=False)
class Reduced:
    """An affine field on the space that the updates span: v = v_0 + U z.

    U : (n, k), its columns a basis;  A : (k, k), b : (k, 1), z' = A z + b
    conserved : functionals l with l^T h(v, y) = 0 for every v and y, one a dimension that is lost
    """

    U: fmpq_mat
    A: fmpq_mat
    b: fmpq_mat
    conserved: tuple[Vector, ...]

    def lifted(self, z: Sequence[Fraction]) -> Vector:
        """U z."""
        return matrices.entries(self.U * matrices.column(z))


def reduced(A: fmpq_mat, b: fmpq_mat, conserved: Sequence[Vector]) -> Reduced:
    """A v + b on the orthogonal complement of what is conserved, from v_0 = 0."""
    size = A.nrows()
    if not conserved:
        return Reduced(matrices.identity(size), A, b, ())
    U = (
        matrices.matrix(matrices.kernel(matrices.matrix(conserved))).transpose()
        if len(conserved) < size
        else fmpq_mat(size, 0)
    )
    if not U.ncols():
        return Reduced(U, fmpq_mat(0, 0), fmpq_mat(0, 1), tuple(conserved))
    left = (U.transpose() * U).inv() * U.transpose()
    return Reduced(U, left * A * U, left * b, tuple(conserved))


def fixed_point(A: fmpq_mat, b: fmpq_mat) -> Vector:
    """The v with A v + b = 0, for an invertible A."""
    return matrices.entries(matrices.solved(A, -b))
