"""The mean field h(v) = sum_y d(y) h(v, y), d the exact stationary law of Y; traces by their conditional means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm
from typing import Any

from flint import fmpq_mat

from ..markov import matrices
from ..markov.decision import DecisionProcess
from ..markov.matrices import Vector
from .move import plain_and_products
from .quantity import Monomial, Quantity, evaluate, product
from .samples import Samples, Substitution
from .traces import means
from .vector import Vector as Weights


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


def field_at_ratio(symbolic: Field, at_number: Samples, eta: Fraction) -> Field:
    """The mean field of samples at a number for eta, from that of the samples with a symbol."""
    table = symbolic.samples.table
    substitution = Substitution(table, len(table.names) - 1, eta)
    return Field(at_number, tuple(substitution.at(q) if q.parts else q for q in symbolic.entries))


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


def mean_field(samples: Samples) -> Field:
    """The mean field of what a rule computes.

    Raises `ArgumentError` when the stationary law is not unique, `ContentError` when h is not affine in the trace or
    its mean does not exist.
    """
    expected = means(samples)
    alike: dict[tuple[int, int], list[int]] = {}  # transitions from a state that change the trace alike
    for k, t in enumerate(samples.transitions):
        alike.setdefault((t.state, id(samples.traces[k]) if samples.trace_size else 0), []).append(k)
    groups = [
        (state, expected.after(state, samples.traces[indices[0]]), _given(samples, indices))
        for (state, _), indices in alike.items()
        if expected.law[state]
    ]
    # in whole numbers: those of the law are long, and sums of fractions would look for common divisors at each step
    common = lcm(*[after[1] * den for _, after, (_, den) in groups])
    totals: list[dict[Monomial, int]] = [{} for _ in range(samples.size)]
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
    return Field(samples, tuple(_quantity(samples, total, common * expected.common) for total in totals))


Row = tuple[int, int]
"""An entry of h and 0; or the first place of a vector and its identity."""
Sums = dict[Monomial, int]


def _given(samples: Samples, indices: Sequence[int]) -> tuple[dict[int, Sums], int]:
    """The sum of probability times h over some transitions: for each entry of h, {monomial: coefficient}.

    The coefficients are whole, over the denominator that comes with them. Quantities that are times one vector are
    added up before they are multiplied by it.
    """
    rows: dict[Row, list[tuple[Sums, int, int]]] = {}
    vectors: dict[Row, Weights] = {}
    for k in indices:
        chance = samples.transitions[k].probability
        plain, products = plain_and_products(samples.moves[k])
        for i, q in plain.items():
            rows.setdefault((i, 0), []).append((q.parts, chance.numerator * q.num, chance.denominator * q.den))
        for start, q, x in products:
            row = start, id(x)
            vectors[row] = x
            rows.setdefault(row, []).append((q.parts, chance.numerator * q.num, chance.denominator * q.den))
    common = lcm(*{den for terms in rows.values() for *_, den in terms})
    whole = {row: _whole(vectors[row]) if row in vectors else ([ONE], 1) for row in rows}
    scale = lcm(*(den for _, den in whole.values()))
    totals: dict[int, Sums] = {}
    for row, terms in rows.items():
        added: Sums = {}
        for parts, num, den in terms:
            factor = num * (common // den)
            for monomial, c in parts.items():
                added[monomial] = added.get(monomial, 0) + c * factor
        entries, own = whole[row]
        for i, entry in enumerate(entries, row[0]):
            total = totals.setdefault(i, {})
            for its, b in entry.items():
                factor = b * (scale // own)
                for monomial, c in added.items():
                    joined = product(monomial, its)
                    total[joined] = total.get(joined, 0) + c * factor
    return totals, common * scale


ONE: Sums = {(): 1}


def _whole(x: Weights) -> tuple[list[Sums], int]:
    """The entries of a vector as {monomial: whole number}, and the denominator of all."""
    common = lcm(*(q.den if isinstance(q, Quantity) else q.denominator for q in x))
    entries: list[Sums] = []
    for q in x:
        if isinstance(q, Quantity):
            entries.append({m: c * q.num * (common // q.den) for m, c in q.parts.items()})
        else:
            entries.append({(): q.numerator * (common // q.denominator)} if q else {})
    return entries, common


def _quantity(samples: Samples, total: dict[Monomial, int], den: int) -> Quantity:
    kept = {m: c for m, c in total.items() if c}
    content = gcd(den, *kept.values())
    return Quantity(samples.table, {m: c // content for m, c in kept.items()}, den // content)


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
