"""For which ratio eta of two steps is a linear rule's matrix A(eta) Hurwitz: every eta > 0, or between exact bounds.

A(eta) changes from Hurwitz to not only where a_0(eta) Delta_{n-1}(eta) = 0, a_0 the determinant's coefficient and
Delta_{n-1} the Hurwitz determinant (Orlando's formula): its positive roots are isolated, and one ratio between each two
decides. Where A(eta) = [[0, G^T], [-eta G, -eta C]], x^T x + u^T u / eta falls along v' = A v by 2 u^T C u, so C > 0
and G injective suffice for every eta.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from flint import fmpq, fmpq_mat, fmpq_poly

from ..markov import matrices
from ..markov.matrices import Vector
from .conserved import conserved
from .field import Field
from .linear import direction, reduced, spectrum
from .quantity import Quantity
from .samples import Samples
from .vector import size_of

LARGEST = 16
"""The most dimensions for which the boundary is interpolated."""


@dataclass(frozen=True)
class Bound:
    """An end of an interval of ratios: a rational, or about `near` where it is none; None at infinity."""

    exact: Fraction | None
    near: float | None


@dataclass(frozen=True)
class Ratios:
    """The open intervals of eta > 0 where A(eta) is Hurwitz, by `proof`: energy, or Hurwitz determinants."""

    intervals: tuple[tuple[Bound, Bound], ...]
    proof: str


def ratios(field: Field, kept: Sequence[Vector]) -> Ratios | None:
    """The stable ratios of a rule on a process; None where it is not affine, is too large or conserves other things.

    field : the rule's mean field with eta as a symbol;  kept : what is conserved at some ratio
    """
    symbolic = field.samples
    powers = _powers(field.entries, symbolic.size)
    if powers is None or (kept and tuple(kept) != conserved(symbolic)):  # a symbol conserves no more than a number
        return None
    A0, A1 = (reduced(A, fmpq_mat(symbolic.size, 1), kept).A for A in powers)
    if not A0.nrows():  # nothing moves
        return None
    if _skew(A0, A1, symbolic, kept):
        return Ratios(((Bound(Fraction(0), 0.0), Bound(None, None)),), "energy")
    return _between(A0, A1) if A0.nrows() <= LARGEST else None


def _powers(entries: Sequence[Quantity], size: int) -> tuple[fmpq_mat, fmpq_mat] | None:
    """A0 and A1 of A(eta) = A0 + eta A1, both (n, n); None for anything else."""
    A = fmpq_mat(size, size), fmpq_mat(size, size)
    for i, q in enumerate(entries):
        for monomial, c in q.terms.items():
            weights = [a for a in monomial if a < size]
            others = [a for a in monomial if a >= size]
            if len(weights) > 1 or len(others) > 1 or any(q.table.arguments(a) is not None for a in others):
                return None
            if weights:
                A[len(others)][i, weights[0]] = matrices.rational(c)
    return A


def _skew(A0: fmpq_mat, A1: fmpq_mat, samples: Samples, kept: Sequence[Vector]) -> bool:
    """Whether A0 = [[0, G^T], [0, 0]] and A1 = [[0, 0], [-G, -C]], C + C^T > 0, G injective; nothing reduced."""
    parts = [size_of(shape) for shape in samples.layout.values()]
    if len(parts) != 2 or kept:
        return False
    first, size = parts[0], sum(parts)
    upper, lower = range(first), range(first, size)
    if any(A0[i, j] for i in range(size) for j in upper) or any(A0[i, j] for i in lower for j in lower):
        return False
    if any(A1[i, j] for i in upper for j in range(size)):
        return False
    if any(A1[i, j] != -A0[j, i] for i in lower for j in upper):
        return False
    G = fmpq_mat([[A1[i, j] for j in upper] for i in lower])
    C = fmpq_mat([[-A1[i, j] for j in lower] for i in lower])
    return bool(G.rank() == first) and direction(C) is None


def _at(A0: fmpq_mat, A1: fmpq_mat, eta: Fraction) -> fmpq_mat:
    return A0 + A1 * matrices.rational(eta)


def _between(A0: fmpq_mat, A1: fmpq_mat) -> Ratios:
    """The intervals between the roots of the boundary."""
    roots = _positive_roots(_boundary(A0, A1))
    ends = [Bound(Fraction(0), 0.0), *roots, Bound(None, None)]
    intervals: list[tuple[Bound, Bound]] = []
    for low, high in pairwise(ends):
        assert low.near is not None
        middle = Fraction(low.near) + 1 if high.near is None else (Fraction(low.near) + Fraction(high.near)) / 2
        if spectrum(_at(A0, A1, middle), witness=0).hurwitz:
            intervals.append((low, high))  # at a root of the boundary A is not Hurwitz, so that no two are joined
    return Ratios(tuple(intervals), "Hurwitz determinants")


def _boundary(A0: fmpq_mat, A1: fmpq_mat) -> fmpq_poly:
    """a_0(eta) Delta_{n-1}(eta), interpolated exactly at as many ratios as its degree can need."""
    size = A0.nrows()
    degree = size * (size + 1) // 2
    points = [Fraction(k) for k in range(degree + 1)]
    values = []
    for eta in points:
        coefficients = [fmpq(c) for c in reversed(_at(A0, A1, eta).charpoly().coeffs())]
        coefficients += [fmpq(0)] * (size + 1 - len(coefficients))
        values.append(coefficients[size] * _hurwitz(coefficients, size - 1))
    return _interpolated(points, values)


def _hurwitz(a: list[fmpq], order: int) -> fmpq:
    """The Hurwitz determinant of an order, of a_0 x^n + a_1 x^(n-1) + ...: entry (i, j) is a_{2(j+1) - (i+1)}."""
    if not order:
        return fmpq(1)
    entry = [[2 * (j + 1) - (i + 1) for j in range(order)] for i in range(order)]
    return fmpq_mat([[a[k] if 0 <= k < len(a) else fmpq(0) for k in row] for row in entry]).det()


def _interpolated(points: list[Fraction], values: list[fmpq]) -> fmpq_poly:
    """Newton's form."""
    xs = [matrices.rational(x) for x in points]
    table = list(values)
    for k in range(1, len(xs)):
        for i in range(len(xs) - 1, k - 1, -1):
            table[i] = (table[i] - table[i - 1]) / (xs[i] - xs[i - k])
    result = fmpq_poly([0])
    for x, c in zip(reversed(xs), reversed(table), strict=True):
        result = result * fmpq_poly([-x, 1]) + c
    return result


def _positive_roots(p: fmpq_poly) -> list[Bound]:
    """The positive real roots in order: exactly where a factor is linear, else about, from certified enclosures."""
    if p == 0:
        return []
    roots: list[Bound] = []
    for factor, _ in p.numer().factor()[1]:
        coefficients = [int(c) for c in factor.coeffs()]
        if len(coefficients) == 2:
            exact = Fraction(-coefficients[0], coefficients[1])
            roots += [Bound(exact, float(exact))] * (exact > 0)
            continue
        for root, _ in factor.complex_roots():
            if root.imag == 0 and root.real > 0:
                roots.append(Bound(None, float(root.real.mid())))
    return sorted(roots, key=lambda bound: bound.near or 0.0)
