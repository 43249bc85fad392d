"""The mean field h(v) = sum_y d(y) h(v, y), d the exact stationary law of Y; traces by their conditional means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any

from flint import fmpq, fmpq_mat

from ..markov import matrices
from ..markov.decision import DecisionProcess
from ..markov.matrices import Vector
from .quantity import Monomial, Quantity, evaluate, of_terms
from .samples import Samples
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
    law = found.process.chain.law
    expected = means(found)
    totals: list[dict[Monomial, fmpq]] = [{} for _ in range(found.size)]
    by_state: dict[int, list[int]] = {}
    for k, t in enumerate(found.transitions):
        by_state.setdefault(t.state, []).append(k)
    for state, indices in by_state.items():
        weight = matrices.rational(law[state])
        if not weight:
            continue
        for total, (own, den) in zip(totals, _given_state(found, indices), strict=True):
            for monomial, c in own.items():
                kept, factor = expected.averaged(state, monomial)
                total[kept] = total.get(kept, fmpq(0)) + weight * factor * fmpq(c, den)
    return Field(found, tuple(_quantity(found, total) for total in totals))


def _given_state(found: Samples, indices: Sequence[int]) -> list[tuple[dict[Monomial, int], int]]:
    """E[h | S_k = s], an entry each: integers over one denominator."""
    chances = [found.transitions[k].probability for k in indices]
    result: list[tuple[dict[Monomial, int], int]] = []
    for i in range(found.size):
        moving = [
            (chance, found.moves[k][i]) for chance, k in zip(chances, indices, strict=True) if i in found.moves[k]
        ]
        den = lcm(*(chance.denominator * q.den for chance, q in moving))
        own: dict[Monomial, int] = {}
        for chance, q in moving:
            factor = chance.numerator * (den // (chance.denominator * q.den))
            for monomial, c in q.parts.items():
                own[monomial] = own.get(monomial, 0) + factor * c
        result.append((own, den))
    return result


def _quantity(found: Samples, total: dict[Monomial, fmpq]) -> Quantity:
    return of_terms(found.table, {m: matrices.fraction(c) for m, c in total.items()})


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
