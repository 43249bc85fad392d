"""For which steps alpha > 0 does w <- T(alpha) w + c(alpha) converge, T and c affine in alpha?

Where T = I - alpha A, for alpha below an exact alpha*, or for none.  Else eigenvalues may cross the unit circle in and
out: the crossings are roots of a polynomial in alpha, isolated exactly, and between two of them one sample decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from .balls import too_close
from .decide import every_start, from_start
from .disc import closed, inside
from .halving import threshold
from .iteration import Iteration
from .krylov import minimal_polynomial
from .rationals import dyadic, identity, integer_polynomial, rational, simplest
from .sturm import isolate

MODES = 8
"""The most eigenvalues that move with alpha in the general case: the polynomial's degree is their number squared."""
Family = Sequence[tuple[fmpq_mat, fmpq_mat]]


@dataclass(frozen=True)
class Boundary:
    """An end of an interval of steps: lower <= alpha <= upper, equal where it is rational; None for no end."""

    lower: Fraction
    upper: Fraction


@dataclass(frozen=True)
class StepSizes:
    """Open intervals of alpha > 0 for which the iteration converges.

    start : from w_0;  every : from every start;  None where it was not worked out: `why` says so
    form  : in what form the steps enter
    """

    form: str
    start: tuple[tuple[Boundary, Boundary | None], ...] | None
    every: tuple[tuple[Boundary, Boundary | None], ...] | None
    why: str = ""


ZERO = Boundary(Fraction(0), Fraction(0))


def steps(family: Family, start: fmpq_mat, read: fmpq_mat, parts: tuple[tuple[str, int], ...]) -> StepSizes:
    """The steps for which one layer, repeated, converges.

    family : (T_k, c_k), the powers of alpha in T and c
    """
    size = start.nrows()
    if len(family) == 1:
        return StepSizes("the layer does not depend on alpha", None, None, "the layer does not depend on alpha")
    if len(family) > 2:
        form = f"degree {len(family) - 1} in alpha"
        return StepSizes(
            form, None, None, f"T is of degree {len(family) - 1} in alpha, and no more than 1 is looked at"
        )
    (T0, c0), (T1, c1) = family
    if identity(size) == T0 and not any(c0.entries()):
        A, b = -1 * T1, c1
        return StepSizes("T = I - alpha A", _interval(_seen(A, b, start)), _every_interval(A, b))
    return _general(family, start, read, parts)


def _seen(A: fmpq_mat, b: fmpq_mat, start: fmpq_mat) -> fmpq_poly:
    return minimal_polynomial(A, b - A * start)


def _interval(p: fmpq_poly) -> tuple[tuple[Boundary, Boundary | None], ...]:
    """The alpha with |1 - alpha mu| < 1 for all roots mu of p: (0, alpha*), all, or none."""
    if not p.degree():
        return ((ZERO, None),)
    if not right_half_plane(p):
        return ()
    return ((ZERO, largest_step(p)),)


def _every_interval(A: fmpq_mat, b: fmpq_mat) -> tuple[tuple[Boundary, Boundary | None], ...]:
    """As `_interval`, from every start: the eigenvalue 0 of A may be there, semisimple, with b in A's range."""
    p = A.charpoly()
    zeros = next(k for k, x in enumerate(p.coeffs()) if x)
    rank = A.rank()
    both = fmpq_mat(A.nrows(), A.nrows() + 1, [x for u, v in zip(A.tolist(), b.tolist(), strict=True) for x in u + v])
    if rank != A.nrows() - zeros or both.rank() != rank:
        return ()
    return _interval(fmpq_poly(p.coeffs()[zeros:]))


def right_half_plane(p: fmpq_poly) -> bool:
    """Whether every root of p has a positive real part: x = (1 - mu) / (1 + mu) is inside the disc."""
    k = p.degree()
    moved = sum((a * fmpq_poly([1, -1]) ** i * fmpq_poly([1, 1]) ** (k - i) for i, a in enumerate(p.coeffs())),
                fmpq_poly([0]))  # fmt: skip
    return bool(moved.degree() == k) and inside(moved)


def shifted(p: fmpq_poly, alpha: Fraction) -> fmpq_poly:
    """The polynomial whose roots are 1 - alpha mu."""
    a = rational(alpha)
    return p(fmpq_poly([1 / a, -1 / a]))


def largest_step(p: fmpq_poly) -> Boundary:
    """alpha* = min 2 Re mu / |mu|^2 over the roots mu of p, all in the right half plane: exact, or a narrow bracket.

    Stable below and not from there on: that is decided at both ends of the bracket, not computed with floats.
    """
    width = Fraction(1, 2**36)
    if too_close(integer_polynomial(p)):
        middle = threshold(lambda alpha: inside(shifted(p, alpha)))
    else:
        roots = [root for root, _ in integer_polynomial(p).complex_roots()]
        middle = min(dyadic(2 * root.real / abs(root) ** 2) for root in roots)
    exact = simplest(middle * (1 - width), middle * (1 + width))
    if exact.denominator < 2**24:
        at = shifted(p, exact)
        if not inside(at) and closed(at):
            return Boundary(exact, exact)
    while True:
        lower, upper = _short(middle, -width), _short(middle, width)
        if inside(shifted(p, lower)) and not inside(shifted(p, upper)):
            return Boundary(lower, upper)
        width *= 4


def _short(x: Fraction, share: Fraction) -> Fraction:
    moved = x * (1 + share)
    unit = Fraction(2) ** (x.numerator.bit_length() - x.denominator.bit_length() - 40)
    return (moved // unit + (share > 0)) * unit


def _general(family: Family, start: fmpq_mat, read: fmpq_mat, parts: tuple[tuple[str, int], ...]) -> StepSizes:
    form = "T = T_0 + alpha T_1"
    g = _moving(family)
    k = len(g) - 1
    if k > MODES:
        why = f"{k} eigenvalues move with alpha, and crossings of at most {MODES} are isolated"
        return StepSizes(form, None, None, why)
    crossings = _crossings(g)
    if not crossings:
        return StepSizes(
            form, None, None, "two eigenvalues have the product 1 whatever alpha is: no crossing is isolated"
        )
    if too_close(integer_polynomial(crossings)):
        return StepSizes(form, None, None, "two crossings lie so close together that they are not isolated")
    intervals = isolate(crossings)
    ends = [ZERO, *(Boundary(low, high) for low, high in intervals)]
    from_w0, every = [], []
    for low, high in zip(ends, [*ends[1:], None], strict=True):
        it = at_step(family, _between(low, high), start, read, parts)
        if from_start(it, minimal_polynomial(it.T, it.residual))[0].converges:
            from_w0.append((low, high))
        if every_start(it).converges:
            every.append((low, high))
    return StepSizes(form, tuple(from_w0), tuple(every), "but for finitely many single steps")


def at_step(
    family: Family, alpha: Fraction, start: fmpq_mat, read: fmpq_mat, parts: tuple[tuple[str, int], ...]
) -> Iteration:
    """The iteration with one step."""
    a = rational(alpha)
    T, c = 0 * family[0][0], 0 * family[0][1]
    for k, (U, e) in enumerate(family):
        T, c = T + U * a**k, c + e * a**k
    return Iteration(T, c, start, read, parts, ((T, c),))


def _between(low: Boundary, high: Boundary | None) -> Fraction:
    """A short rational inside an interval."""
    if high is None:
        return low.upper + 1
    return simplest(low.upper + (high.lower - low.upper) / 4, high.lower - (high.lower - low.upper) / 4)


def _moving(family: Family) -> list[fmpq_poly]:
    """The characteristic polynomial of T(alpha), in powers of alpha, without an eigenvalue 1 that is always there."""
    (T0, _), (T1, _) = family
    size = T0.nrows()
    points = [fmpq(k) for k in range(size + 1)]
    values = [(T0 + T1 * x).charpoly() for x in points]
    g = [interpolated(points, [p[j] for p in values]) for j in range(size + 1)]
    while len(g) > 1 and not sum(g, fmpq_poly([0])):
        g = _divided_by_one(g)
    return g


def _divided_by_one(g: list[fmpq_poly]) -> list[fmpq_poly]:
    """g / (x - 1), by Horner's rule."""
    result, carry = [], fmpq_poly([0])
    for a in reversed(g[1:]):
        carry = carry + a
        result.append(carry)
    return list(reversed(result))


def _crossings(g: list[fmpq_poly]) -> fmpq_poly:
    """A polynomial in alpha that is zero wherever an eigenvalue is on the unit circle.

    It is g(1) g(-1) times the product of 1 - x_i x_j over pairs of roots, which is the determinant of Jury's inners.
    """
    k = len(g) - 1
    ends = sum(g, fmpq_poly([0])) * sum((a * (-1) ** j for j, a in enumerate(g)), fmpq_poly([0]))
    points = [fmpq(j) for j in range(k * (k - 1) + 1)]
    return ends * interpolated(points, [_inners([a(x) for a in g]) for x in points])


def _inners(a: Sequence[Any]) -> fmpq:
    """The product of 1 - x_i x_j, i < j, over the roots of the monic sum_k a_k x^k (Jury 1964)."""
    n = len(a) - 1
    if n < 2:
        return fmpq(1)
    size = n - 1
    rows = [
        [
            (a[n - (j - i)] if j >= i else fmpq(0)) - (a[n - 2 - i - j] if i + j <= n - 2 else fmpq(0))
            for j in range(size)
        ]
        for i in range(size)
    ]
    return fmpq_mat(size, size, [x for line in rows for x in line]).det()


def interpolated(points: Sequence[fmpq], values: Sequence[fmpq]) -> fmpq_poly:
    """The polynomial of least degree through the points (Newton's divided differences)."""
    table = list(values)
    n = len(points)
    for k in range(1, n):
        for i in range(n - 1, k - 1, -1):
            table[i] = (table[i] - table[i - 1]) / (points[i] - points[i - k])
    result = fmpq_poly([0])
    for i in range(n - 1, -1, -1):
        result = result * fmpq_poly([-points[i], 1]) + table[i]
    return result
