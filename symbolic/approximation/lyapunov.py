"""That a matrix is Hurwitz, by a Lyapunov matrix: X > 0 with A^T X + X A < 0, looked for in floats, decided exactly.

x^T X x falls along every solution of x' = A x.  Nothing about the search is believed: both matrices are shown to be
definite over the rationals.  It spares the characteristic polynomial, whose coefficients get long.
Source: Gantmacher, The Theory of Matrices, vol. 2, chapter XV, section 5; Smith 1968, Matrix equation XA + BX = C
(the doubling).
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat, fmpz

from ..markov import matrices

DIGITS = 512
"""Binary digits of the floats of the search."""
ROUNDINGS = ((40, 96), (160, 320))
"""Binary digits of X, and those that its pivots are taken in: few first."""
DOUBLINGS = 60


def lyapunov(A: fmpq_mat) -> fmpq_mat | None:
    """A symmetric X, (n, n), with X > 0 and A^T X + X A < 0, both exactly; None where none was found."""
    approximate = _searched(A)
    for bits, digits in ROUNDINGS if approximate is not None else ():
        X = _rounded(approximate, bits)
        if definite(X, digits) and definite(-(A.transpose() * X + X * A), digits):
            return X
    return None


def definite(S: fmpq_mat, digits: int = 96) -> bool:
    """Whether a symmetric S is positive definite; False where it is too close to call in so many binary digits.

    S = B + E with B short and every |E_ij| <= 1 in its last digit, so that |E| <= n: B - n I > 0 suffices.

    >>> definite(matrices.matrix([[2, 1], [1, 2]])), definite(matrices.matrix([[1, 2], [2, 1]]))
    (True, False)
    """
    size = S.nrows()
    if any(S[i, i] <= 0 for i in range(size)):
        return False
    scales = [_power_of_two(S[i, i]) for i in range(size)]  # D S D has a diagonal of about 1
    unit = fmpq(1 << digits)
    a = [[(S[i, j] * scales[i] * scales[j] * unit).floor() for j in range(size)] for i in range(size)]
    for i in range(size):
        for j in range(i):
            a[i][j] = a[j][i]
        a[i][i] -= size
    before = fmpz(1)
    for k in range(size):
        pivot = a[k][k]
        if pivot <= 0:
            return False
        for i in range(k + 1, size):
            for j in range(i, size):
                a[i][j] = a[j][i] = (a[i][j] * pivot - a[i][k] * a[k][j]) // before
        before = pivot
    return True


def _power_of_two(x: fmpq) -> fmpq:
    """A power of two near 1/sqrt(x), x > 0."""
    bits = int(x.p).bit_length() - int(x.q).bit_length()
    return fmpq(2) ** (-(bits // 2))


def _searched(A: fmpq_mat) -> arb_mat | None:
    """X with A^T X + X A = -I, about.

    For F = (s I + A)(s I - A)^-1 that is X - F^T X F = 2 s (s I - A)^-T (s I - A)^-1, a sum that doubling adds up.
    """
    size, before = A.nrows(), ctx.prec
    norm = sum((matrices.fraction(x) ** 2 for x in A.entries()), Fraction(0))
    s = Fraction(isqrt(int(norm * 2**80)) + 1, 2**40)
    ctx.prec = DIGITS
    try:
        shift = matrices.identity(size) * matrices.rational(s)
        inverse = arb_mat(shift - A).inv().mid()
        F = (arb_mat(shift + A) * inverse).mid()
        X = (inverse.transpose() * inverse * (2 * arb(s.numerator) / s.denominator)).mid()
        for _ in range(DOUBLINGS):
            X = (X + F.transpose() * X * F).mid()
            F = (F * F).mid()
            largest = max(float(abs(x)) for x in F.entries())
            if largest < 1e-20:
                return X
            if not largest < 1e20:
                return None
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    finally:
        ctx.prec = before
    return None


def _rounded(X: arb_mat, bits: int) -> fmpq_mat:
    """X over its largest entry, symmetric, rounded."""
    rows = [[_dyadic(x) for x in line] for line in X.tolist()]
    largest = max(abs(x) for line in rows for x in line)
    k = len(rows)
    return matrices.matrix(
        [Fraction(round((rows[i][j] + rows[j][i]) / (2 * largest) * 2**bits), 2**bits) for j in range(k)]
        for i in range(k)
    )


def _dyadic(ball: arb) -> Fraction:
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
