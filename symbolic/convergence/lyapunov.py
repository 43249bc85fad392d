"""A certified geometric rate: a positive definite X with F^T X F < r^2 X, so that the X-norm shrinks by r a step.

Then |h F^l z| <= |h|_{X^-1} |F^l z|_X <= c r^l with c^2 = (h X^-1 h^T) (z^T X z).  X is searched for in floats of many
digits and rounded; that it is right is decided by exact pivots, and nothing about the search is believed.
Source: Stein 1952 (the discrete Lyapunov equation); `geometric_bound` in the Rocq theory.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, log, log1p

from flint import arb, arb_mat, ctx, fmpq_mat, fmpz

from .krylov import KrylovSequence
from .rationals import dyadic, fraction, matrix, rational

DIGITS = 400
"""Binary digits of the floats of the search."""
SHARES = tuple(Fraction(1, 4**k) for k in (1, 2, 3, 4, 6))
"""Where between the spectral radius and 1 the rate is tried."""
ROUNDINGS = (16, 32, 64, 128, 256)
"""Binary digits that the found matrix is rounded to, the fewest that will do."""


@dataclass(frozen=True, eq=False)
class Envelope:
    """|v_l - v*| <= constants[i] r^k at layer l = k period + i, by the certificate X.

    r : below 1;  X : (k, k) symmetric over Q
    """

    r: Fraction
    X: fmpq_mat
    constants: tuple[Fraction, ...]

    def bound(self, layer: int) -> Fraction:
        """The bound at a layer."""
        step, phase = divmod(layer, len(self.constants))
        return self.constants[phase] * self.r**step


def positive_definite(m: fmpq_mat) -> bool:
    """Whether a symmetric rational matrix is positive definite: all leading minors are positive.

    A matrix that is not symmetric is none.
    """
    if m != m.transpose():
        return False
    return _minors(m)


def _minors(m: fmpq_mat) -> bool:
    """Bareiss elimination without exchanges: its pivots are the leading minors."""
    a = [list(line) for line in m.numer_denom()[0].tolist()]
    before = fmpz(1)
    for k in range(len(a)):
        pivot = a[k][k]
        if pivot <= 0:
            return False
        for i in range(k + 1, len(a)):
            for j in range(k + 1, len(a)):
                a[i][j] = (a[i][j] * pivot - a[i][k] * a[k][j]) // before
        before = pivot
    return True


def certifies(F: fmpq_mat, X: fmpq_mat, r: Fraction) -> bool:
    """Whether X is a certificate that F contracts by r: X > 0 and r^2 X - F^T X F > 0, exactly."""
    return 0 < r < 1 and positive_definite(X) and positive_definite(X * rational(r * r) - F.transpose() * X * F)


def constants(reduced: KrylovSequence, X: fmpq_mat) -> tuple[Fraction, ...]:
    """A rational c >= sqrt((h X^-1 h^T) (z^T X z)) for each functional h, to about seven digits."""
    size = fraction((reduced.z.transpose() * X * reduced.z)[0, 0])
    return tuple(root_above(fraction((h * X.solve(h.transpose()))[0, 0]) * size) for h in reduced.read)


def root_above(x: Fraction) -> Fraction:
    """A short rational just above the square root of x >= 0; 0 for 0.

    >>> root_above(Fraction(2)) ** 2 > 2
    True
    """
    if not x:
        return Fraction(0)
    shift = 48 + x.denominator.bit_length() - x.numerator.bit_length()
    shift += shift % 2
    whole = x.numerator << max(shift, 0)
    below = x.denominator << max(-shift, 0)
    return Fraction(isqrt(whole // below) + 1) / Fraction(2) ** (shift // 2)


def search(reduced: KrylovSequence, upper: Fraction, epsilon: Fraction) -> Envelope | None:
    """The envelope that needs the fewest layers for epsilon among a few rates above `upper`; None when none verifies.

    upper : a rational in [rho(F), 1), rho the spectral radius
    """
    best: tuple[float, Fraction, arb_mat] | None = None
    before = ctx.prec
    ctx.prec = DIGITS
    try:
        F = arb_mat(reduced.F)
        for share in SHARES:
            r = _short(upper + (1 - upper) * share, upper)
            X = _stein(F, r, _weight(reduced))
            need = _layers_about(reduced, X, r, epsilon)
            if need is not None and (best is None or need < best[0]):
                best = need, r, X
        if best is None:
            return None
        _, r, X = best
        for bits in ROUNDINGS:
            rounded = _rounded(X, bits)
            if certifies(reduced.F, rounded, r):
                return Envelope(r, rounded, constants(reduced, rounded))
    finally:
        ctx.prec = before
    return None


def _short(x: Fraction, above: Fraction) -> Fraction:
    """A rational of few digits near x, in (above, 1)."""
    bits = 6
    while True:
        near = Fraction(round(x * 2**bits), 2**bits)
        if above < near < 1 and abs(near - x) * 4 <= min(x - above, 1 - x):
            return near
        bits += 2


def _weight(reduced: KrylovSequence) -> arb_mat:
    """The right side of Stein's equation: the functionals' own, and a little of every direction."""
    k = reduced.F.nrows()
    total = arb_mat(k, k, [arb(int(i == j)) / 256 for i in range(k) for j in range(k)])
    for h in reduced.read:
        a = arb_mat(h)
        square = (a * a.transpose())[0, 0]
        if square.mid() > 0:
            total = total + a.transpose() * a * (1 / square)
    return total


def _stein(F: arb_mat, r: Fraction, Q: arb_mat) -> arb_mat:
    """X = sum_j (F/r)^jT Q (F/r)^j by doubling."""
    A, X = (F * (arb(r.denominator) / r.numerator)).mid(), Q
    for _ in range(DIGITS):
        X = (X + A.transpose() * X * A).mid()
        A = (A * A).mid()
        if max(float(abs(x)) for x in A.entries()) < 1e-30:
            break
    return X


def _layers_about(reduced: KrylovSequence, X: arb_mat, r: Fraction, epsilon: Fraction) -> float | None:
    """About how many layers this certificate needs for epsilon."""
    z = arb_mat(reduced.z)
    try:
        size = (z.transpose() * X * z)[0, 0]
        largest = max(float((arb_mat(h) * X.solve(arb_mat(h).transpose()) * size)[0, 0].mid()) for h in reduced.read)
    except (ZeroDivisionError, ValueError):
        return None
    if not 0 < largest < float("inf"):
        return 0.0 if not largest else None
    shrinks = -log1p(float(r - 1))
    return max(0.0, (log(largest) / 2 - log(epsilon)) / shrinks) if shrinks else None


def _rounded(X: arb_mat, bits: int) -> fmpq_mat:
    """X over its largest entry, symmetric, rounded to so many binary digits."""
    rows = [[dyadic(x) for x in line] for line in X.tolist()]
    largest = max(abs(x) for line in rows for x in line)
    k = len(rows)
    return matrix([[Fraction(round((rows[i][j] + rows[j][i]) / (2 * largest) * 2**bits), 2**bits) for j in range(k)]
                   for i in range(k)])  # fmt: skip
