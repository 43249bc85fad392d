"""Piecewise affine mean fields: a certificate that they contract in a weighted sup-norm, and their fixed point.

For w > 0 let f_i(J) = J_ii + sum_{j != i} |J_ij| w_j / w_i on a row J of slopes. It is sublinear, so its largest value
over all choices of branches of the maxima is at most the sum of each maximum's worst branch. If that is -c_i < 0 in
every row, two solutions of v' = h(v) approach each other at the rate min c_i in the norm max |v_i|/w_i: there is one
equilibrium and it attracts everything. The weights are found by policy iteration over the worst branches.
Source: Coppel, Stability and Asymptotic Behavior of Differential Equations, 1965, chapter III (logarithmic norms);
Bertsekas and Tsitsiklis, Neuro-Dynamic Programming, section 2.2 (weights of a proper policy).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from flint import fmpq_mat

from ..markov import matrices
from ..markov.matrices import Vector
from .linear import positive_solution
from .quantity import Quantity, evaluate, of_terms

Row = dict[int, Fraction]
ROUNDS = 200


@dataclass(frozen=True)
class Contraction:
    """weights : w > 0, (n,);  rate : the largest c with f_i <= -c in every row."""

    weights: Vector
    rate: Fraction


def contraction(entries: Sequence[Quantity]) -> Contraction | None:
    """A certificate for piecewise affine entries; None where no weights exist for these worst branches."""
    size = len(entries)
    factors, entries = _primitive(entries)
    w: Vector = tuple([Fraction(1)] * size)
    for _ in range(ROUNDS):
        known: dict[int, tuple[Row, Collection[int]]] = {}
        rows = [_worst(i, q, Fraction(1), w, known) for i, q in enumerate(entries)]
        values = [sum((c * w[j] for j, c in row.items()), Fraction(0)) / w[i] for i, row in enumerate(rows)]
        if all(value < 0 for value in values):
            return Contraction(w, -max(x * value for x, value in zip(factors, values, strict=True)))
        if all(value >= 0 for value in values):  # J w >= 0 with w > 0: the largest eigenvalue of J is not negative
            return None
        comparison = fmpq_mat(size, size)
        for i, row in enumerate(rows):
            for j, c in row.items():
                comparison[i, j] = matrices.rational(c)
        better = positive_solution(comparison)
        if not better or better == w:
            return None
        w = better
    return None


def _primitive(entries: Sequence[Quantity]) -> tuple[list[Fraction], list[Quantity]]:
    """Positive factors of entries, and the entries without them: their coefficients are short, without the law's."""
    factors, primitive = [], []
    for q in entries:
        content = gcd(*q.parts.values()) or 1
        factors.append(Fraction(abs(q.num) * content, q.den))
        parts = {m: c // content for m, c in q.parts.items()}
        primitive.append(Quantity(q.table, parts, 1, 1 if q.num > 0 else -1))
    return factors, primitive


def _worst(i: int, q: Quantity, scale: Fraction, w: Vector, known: dict[int, tuple[Row, Collection[int]]]) -> Row:
    """The slopes of a row under the worst branches: signed on the diagonal, absolute elsewhere.

    known : for maxima that came up, their absolute slopes under the worst branch, and the weights that they read
    """
    row: Row = {}
    for monomial, c in q.terms.items():
        if not monomial:
            continue
        (a,) = monomial
        args = q.table.arguments(a)
        if args is None:
            row[a] = row.get(a, Fraction(0)) + (scale * c if a == i else abs(scale * c))
            continue
        if a not in known:
            known[a] = _steepest([_worst(-1, arg, Fraction(1), w, known) for arg in args], w), _read(args)
        worst, read = known[a]
        if i in read:  # the diagonal's sign tells between branches
            worst = _steepest([_worst(i, arg, scale * c, w, known) for arg in args], w)
            for j, x in worst.items():
                row[j] = row.get(j, Fraction(0)) + x
            continue
        for j, x in worst.items():
            row[j] = row.get(j, Fraction(0)) + x * abs(scale * c)
    return row


def _steepest(options: Sequence[Row], w: Vector) -> Row:
    return max(options, key=lambda option: sum((x * w[j] for j, x in option.items()), Fraction(0)))


def _read(quantities: Sequence[Quantity]) -> set[int]:
    """The weights that quantities have in them, inside maxima too."""
    weights: set[int] = set()
    for q in quantities:
        for a in {a for monomial in q.parts for a in monomial}:
            args = q.table.arguments(a)
            weights |= {a} if args is None else _read(args)
    return weights


def fixed_point(entries: Sequence[Quantity]) -> Vector | None:
    """A v, (n,), with every entry zero, by policy iteration with exact solves; None when it does not come to an end."""
    size = len(entries)
    _, entries = _primitive(entries)
    v: Vector = tuple([Fraction(0)] * size)
    for _ in range(ROUNDS):
        if not any(evaluate(entries, v)):
            return v
        A, b = branches(entries, v)
        try:
            solution = matrices.entries(matrices.solved(A, -b))
        except ZeroDivisionError:
            return None
        if solution == v:
            return None
        v = solution
    return None


def branches(entries: Sequence[Quantity], v: Sequence[Fraction]) -> tuple[fmpq_mat, fmpq_mat]:
    """A, (n, n), and b, (n, 1), of the affine piece that holds at v: each maximum's first largest argument."""
    size = len(entries)
    A, b = fmpq_mat(size, size), fmpq_mat(size, 1)
    known: dict[int, Row] = {}
    for i, entry in enumerate(entries):
        for j, c in _chosen(entry, v, known).items():
            if j < 0:
                b[i, 0] = matrices.rational(c)
            else:
                A[i, j] = matrices.rational(c)
    return A, b


def _chosen(q: Quantity, v: Sequence[Fraction], known: dict[int, Row]) -> Row:
    """The slopes of the branch that holds at v; the constant under -1.

    known : those of maxima that came up
    """
    row: Row = {}
    for monomial, c in q.terms.items():
        part: Row = {-1: Fraction(1)}
        if monomial:
            args = q.table.arguments(monomial[0])
            if args is None:
                part = {monomial[0]: Fraction(1)}
            else:
                if monomial[0] not in known:
                    values = evaluate(args, v)
                    known[monomial[0]] = _chosen(args[values.index(max(values))], v, known)
                part = known[monomial[0]]
        for j, x in part.items():
            row[j] = row.get(j, Fraction(0)) + c * x
    return row


def equilibrium(entries: Sequence[Quantity], conserved: Sequence[Vector] = ()) -> Vector | None:
    """A v other than zero, (n,), at which a positively homogeneous field is zero: what shows that it is not attractive.

    conserved : functionals that no update changes, which v must leave at zero
    Tried: all ones, all minus ones, and what the pieces that hold there take to zero.
    """
    return next((v for v in _candidates(entries, conserved) if not any(evaluate(entries, v))), None)


def unmoved(entries: Sequence[Quantity], conserved: Sequence[Vector] = ()) -> Vector | None:
    """A u other than zero, (n,), with h(v + t u) = h(v) for every v and t: no equilibrium attracts everything.

    Tried are the directions of `equilibrium`.
    """
    tried = _candidates(entries, conserved)
    return next((u for u in tried if all(_along(q, u) == 0 for q in entries)), None)


def _candidates(entries: Sequence[Quantity], conserved: Sequence[Vector]) -> list[Vector]:
    ones = [tuple([Fraction(sign)] * len(entries)) for sign in (1, -1)]
    points = [*ones]
    for point in ones:
        null = matrices.kernel(branches(entries, point)[0])
        points += [v for u in null for v in (u, tuple(-x for x in u))]
    return [v for v in points if not any(sum(a * b for a, b in zip(c, v, strict=True)) for c in conserved)]


def without(entries: Sequence[Quantity], still: Collection[int]) -> tuple[Quantity, ...]:
    """The field where some weights stay at zero; their own entries are made -v, which concerns no other."""
    if not still:
        return tuple(entries)
    table = entries[0].table
    return tuple(-table.variable(i) if i in still else _dropped(q, still) for i, q in enumerate(entries))


def _dropped(q: Quantity, still: Collection[int]) -> Quantity:
    total = q.table.number(0)
    for monomial, c in q.terms.items():
        if any(a in still for a in monomial):
            continue
        args = q.table.arguments(monomial[0]) if len(monomial) == 1 else None
        if args is None:
            total = total + of_terms(q.table, {monomial: c})
        else:
            total = total + q.table.maximum([_dropped(arg, still) for arg in args]).scaled(c)
    return total


def _along(q: Quantity, u: Sequence[Fraction]) -> Fraction | None:
    """The slope of a quantity along a direction where it is one number everywhere; None where a maximum bends."""
    total = Fraction(0)
    for monomial, c in q.terms.items():
        for a in monomial:
            args = q.table.arguments(a)
            slopes = {u[a]} if args is None else {_along(arg, u) for arg in args}
            if len(slopes) > 1 or None in slopes:
                return None
            total += c * (slopes.pop() or 0)
    return total
