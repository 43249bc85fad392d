"""The mean field h(v) = sum_y d(y) h(v, y), d the exact stationary law of Y; traces by their conditional means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm
from typing import Any

from flint import fmpq, fmpq_mat, fmpz

from ..markov import matrices
from ..markov.decision import DecisionProcess
from ..markov.matrices import Vector
from .quantity import Monomial, Quantity, evaluate
from .samples import Samples, Substitution
from .traces import means


@dataclass(frozen=True, eq=False)
class Field:
    """A mean field, an exact piecewise polynomial in the weights (and in eta where it is kept a symbol).

    entries : one quantity a weight
    """

    samples: Samples
    entries: tuple[Quantity, ...]

    @property
    def size(self) -> int:
        """The number of weights."""
        return len(self.entries)

    @cached_property
    def affine(self) -> tuple[fmpq_mat, fmpq_mat] | None:
        """A, (n, n), and b, (n, 1), with h(v) = A v + b; None where some entry is not affine."""
        return affine(self.entries, self.size)

    def at(self, v: Sequence[Fraction]) -> Vector:
        """The mean field at a point."""
        return tuple(evaluate(self.entries, v))


def field_at_ratio(symbolic: Field, found: Samples, eta: Fraction) -> Field:
    """The mean field of samples at a number for eta, from that of the samples with a symbol."""
    table = symbolic.samples.table
    substitution = Substitution(table, len(table.names) - 1, eta)
    return Field(found, tuple(substitution.at(q) if q.parts else q for q in symbolic.entries))


def affine(entries: Sequence[Quantity], size: int) -> tuple[fmpq_mat, fmpq_mat] | None:
    """A and b of entries that are affine in the first `size` variables; None where one is not."""
    A, b = fmpq_mat(len(entries), size), fmpq_mat(len(entries), 1)
    for i, entry in enumerate(entries):
        for monomial, c in entry.terms.items():
            if len(monomial) > 1 or (monomial and monomial[0] >= size):
                return None
            if monomial:
                A[i, monomial[0]] = matrices.rational(c)
            else:
                b[i, 0] = matrices.rational(c)
    return A, b


def mean_field(found: Samples) -> Field:
    """The mean field of what a rule computes.

    Raises `ArgumentError` when the stationary law is not unique, `ContentError` when h is not affine in the trace or
    its mean does not exist.
    """
    expected = means(found)
    alike: dict[tuple[int, int], list[int]] = {}  # transitions from a state that change the trace alike
    for k, t in enumerate(found.transitions):
        alike.setdefault((t.state, id(found.traces[k]) if found.trace_size else 0), []).append(k)
    groups = [
        (state, expected.after(state, found.traces[indices[0]]), _given(found, indices))
        for (state, _), indices in alike.items()
        if expected.law[state]
    ]
    # in whole numbers: those of the law are long, and sums of fractions would look for common divisors at each step
    common = lcm(*[after[1] * den for _, after, (_, den) in groups])
    totals: list[dict[Monomial, int]] = [{} for _ in range(found.size)]
    for state, after, (sums, den) in groups:
        scale = common // (after[1] * den)
        known: dict[Monomial, tuple[Monomial, int]] = {}
        for i, given in sums.items():
            total = totals[i]
            for monomial, c in given.items():
                if monomial not in known:
                    kept, factor = expected.averaged(monomial, state, after)
                    known[monomial] = kept, factor * scale
                kept, factor = known[monomial]
                total[kept] = total.get(kept, 0) + factor * c
    return Field(found, tuple(_quantity(found, total, common * expected.common) for total in totals))


SHARED = 3
"""A sum that so many entries of h are multiples of is added up as one row of a matrix."""


def _given(found: Samples, indices: Sequence[int]) -> tuple[dict[int, dict[Monomial, int]], int]:
    """The sum of probability times h over some transitions: for each entry of h, {monomial: coefficient}.

    The coefficients are whole, over the denominator that comes with them.

    Entries of h at a transition are often multiples of one sum: those are a product of two small matrices.
    """
    uses: dict[int, int] = {}
    for k in indices:
        for q in found.moves[k].values():
            uses[id(q.parts)] = uses.get(id(q.parts), 0) + 1
    monomials: dict[Monomial, int] = {}
    sums: dict[int, int] = {}
    shared: list[dict[Monomial, int]] = []
    factors: list[tuple[int, int, fmpq]] = []
    alone: list[tuple[int, dict[Monomial, int], int, int]] = []
    for k in indices:
        chance = found.transitions[k].probability
        for i, q in found.moves[k].items():
            if uses[id(q.parts)] < SHARED:
                alone.append((i, q.parts, chance.numerator * q.num, chance.denominator * q.den))
                continue
            if id(q.parts) not in sums:
                sums[id(q.parts)] = len(shared)
                shared.append(q.parts)
                for monomial in q.parts:
                    monomials.setdefault(monomial, len(monomials))
            factors.append((i, sums[id(q.parts)], matrices.rational(chance) * fmpq(q.num, q.den)))
    common = lcm(*[den for *_, den in alone])
    product: list[list[fmpz]] = []
    if shared:
        left, right = fmpq_mat(found.size, len(shared)), fmpq_mat(len(shared), len(monomials))
        for i, place, factor in factors:
            left[i, place] += factor
        for place, parts in enumerate(shared):
            for monomial, c in parts.items():
                right[place, monomials[monomial]] = c
        whole, den = (left * right).numer_denom()
        product, common = whole.tolist(), lcm(common, int(den))
        scale = common // int(den)
    totals: dict[int, dict[Monomial, int]] = {}
    for i, parts, num, den in alone:
        total, factor = totals.setdefault(i, {}), num * (common // den)
        for monomial, c in parts.items():
            total[monomial] = total.get(monomial, 0) + c * factor
    for i in {i for i, _, _ in factors}:
        total = totals.setdefault(i, {})
        for monomial, j in monomials.items():
            if product[i][j]:
                total[monomial] = total.get(monomial, 0) + int(product[i][j]) * scale
    return totals, common


def _quantity(found: Samples, total: dict[Monomial, int], den: int) -> Quantity:
    kept = {m: c for m, c in total.items() if c}
    content = gcd(den, *kept.values())
    return Quantity(found.table, {m: c // content for m, c in kept.items()}, den // content)


class Matrices:
    """The matrices of the literature, over the rationals: what a rule's own formula for its mean field is written in.

    Phi : (s, d) features, PhiT its transpose;  D : (s, s) diagonal, the stationary law of the policy that acts
    discount, ratio : gamma and eta as Fractions, for operators
    P   : (s, s) of the policy that is evaluated, r : (s, 1) its expected rewards;  I : (s, s);  one : (s, 1) of ones
    """

    def __init__(self, process: DecisionProcess, parameters: Any):
        self.process, self.law = process, process.chain.law
        self.Phi = matrices.matrix(process.features)
        self.PhiT = self.Phi.transpose()
        self.D = matrices.diagonal(self.law)
        self.P = matrices.matrix(process.under(process.target))
        self.r = matrices.column(process.expected_reward(process.target))
        self.I = matrices.identity(process.states)
        self.one = matrices.column([1] * process.states)
        self.interest = matrices.column(process.interest)
        self.discount: Fraction = parameters.get("gamma", Fraction(1))
        self.ratio: Fraction = parameters.get("eta", Fraction(1))
        for name, value in parameters.items():
            setattr(self, name, matrices.rational(value))

    @staticmethod
    def diagonal(column: fmpq_mat) -> fmpq_mat:
        """The matrix with a column's entries on its diagonal."""
        return matrices.diagonal(matrices.entries(column))

    @staticmethod
    def blocks(rows: Sequence[Sequence[fmpq_mat]]) -> fmpq_mat:
        """A matrix from its blocks."""
        return matrices.matrix(
            [x for m in row for x in matrices.rows(m)[i]] for row in rows for i in range(row[0].nrows())
        )
