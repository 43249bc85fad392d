"""Exact objects as formulas: scalars, vectors and words of the contraction algebra, blocks and masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ...symbolic.algorithm import Accumulator, Algorithm
from ...symbolic.derivation.coefficients import INDEX, Entry, Power, Sum, is_number
from ...symbolic.derivation.form import Form
from ...symbolic.derivation.generic_step import LoopSymbol
from ...symbolic.derivation.scalar import Scalar
from ...symbolic.derivation.state import SymbolicState
from ...symbolic.derivation.vectors import Vector
from ...symbolic.derivation.words import Word, transpose
from ..formula.build import (
    bracketed,
    dot,
    fraction,
    indexed,
    is_sum,
    linear,
    multiple,
    named,
    negative,
    number,
    power,
    product,
    row,
    spoken,
    transposed,
    without_sign,
    words,
)
from ..formula.formula import Formula, quoted, written
from ..formula.reader import UnknownLatex

ONE = row("1")
LAYER = "ell"
"""The index of a layer."""


def written_or(latex: str, otherwise: Formula) -> Formula:
    """What someone declared in LaTeX; the other formula where there is nothing, or the gate refuses it."""
    try:
        return written(latex) if latex else otherwise
    except UnknownLatex:
        return otherwise


def row_formula(row: Accumulator) -> Formula:
    """What a paper calls an accumulator row: its declared symbol, else its name."""
    return written_or(row.symbol, words(row.name))


def declared_formula(algorithm: Algorithm, name: str) -> Formula:
    """What a paper calls a weight vector, or what a transition carries: its declared symbol, else its name."""
    return written_or(algorithm.symbols.get(name, ""), named(name))


def meaning(latex: str) -> Formula:
    r"""What a row of an algorithm holds, as its author wrote it; text, where the gate refuses that.

    >>> meaning(r"R_j + \gamma w^\top \phi'_j").text
    "R_j + gamma w.phi'_j"
    """
    return written_or(latex, quoted(latex, latex))


def last_transition(algorithm: Algorithm) -> Formula:
    """The last transition that the update's loop goes over."""
    return row("n", "-", "d") if algorithm.unit_columns else row("n")


@dataclass(frozen=True)
class Names:
    """How the symbols of one algorithm are written.

    carried   : what has a position in the context
    successors: which of these stand for discounted features
    discount  : the discount's name, or None
    weights   : what is written in front of a contraction
    indexed   : whether positions are shown
    rows      : what an accumulator row is called, by its name
    last      : the last transition of the loop
    declared  : what is called by a symbol of its own, by its name
    """

    carried: frozenset[str]
    successors: frozenset[str]
    discount: str | None
    weights: frozenset[str]
    indexed: bool = True
    rows: Mapping[str, Formula] = field(default_factory=dict)
    last: Formula = field(default_factory=lambda: row("n"))
    declared: Mapping[str, Formula] = field(default_factory=dict)

    @staticmethod
    def of(derivation: Form) -> Names:
        return Names.for_state(derivation.state)

    @staticmethod
    def for_state(state: SymbolicState, indexed: bool = True) -> Names:
        """The names of one algorithm's symbols."""
        algorithm = state.algorithm
        successors = frozenset({"phi'", *algorithm.successor_vectors})
        carried = frozenset({"phi", "R", *successors, *(name for name, _ in algorithm.extras)})
        rows = {row.name: row_formula(row) for row in algorithm.accumulators}
        weights, last = frozenset(algorithm.weights), last_transition(algorithm)
        declared = {name: declared_formula(algorithm, name) for name in algorithm.symbols if name in carried | weights}
        return Names(carried, successors, state.discount, weights, indexed, rows, last, declared)

    def atom(self, name: str) -> Formula:
        """A named vector or scalar."""
        if isinstance(name, (Entry, Power, Sum)):
            return coefficient_name(name)
        if isinstance(name, LoopSymbol):
            return indexed(named(name.variable), self.last if name.after else row("j", "-", "1"))
        stem, _, index = name.rpartition("_")
        if stem not in self.carried:
            return self.declared.get(name) or named(name)
        shown = self.declared.get(stem) or named(stem)
        shown = indexed(shown, index) if self.indexed else shown
        return row(named(self.discount), shown) if stem in self.successors and self.discount is not None else shown

    def factor(self, key: Any) -> Formula:
        """One generator of the algebra."""
        kind, *rest = key
        if kind == "contraction":
            left, word, right = rest
            if right in self.weights and left not in self.weights:  # the weights read better in front
                left, word, right = right, transpose(word), left
            x, y = self.atom(left), self.atom(right)
            return row(transposed(x), word_formula(word), y) if word else dot(x, y)
        name = self.atom(rest[0])
        return fraction("1", name) if kind == "inverse" else name

    def scalar(self, value: Scalar) -> Formula:
        """A scalar, term by term in a fixed order."""
        terms: list[tuple[Fraction, Formula | None]] = []
        for monomial, coefficient in sorted(value.algebra.current(value.poly).items(), reverse=True):
            keys = [(value.algebra.key(i), e) for i, e in enumerate(monomial) if e]
            below = [(self.atom(key[1]), e) for key, e in keys if key[0] == "inverse" and isinstance(key[1], Sum)]
            factors = [(self.factor(k), e) for k, e in keys if not (k[0] == "inverse" and isinstance(k[1], Sum))]
            term = powers(factors) if factors else None
            if below:
                term = fraction(term or "1", powers(below))
            terms.append((Fraction(int(coefficient.numerator), int(coefficient.denominator)), term))
        return linear(terms)

    def vector(self, value: Vector) -> Formula:
        """A vector: terms with the same scalar are not gathered, so that the loop reads as it was written."""
        terms: list[tuple[Fraction, Formula | None]] = []
        for (word, atom), coefficient in value.terms.items():
            sign, scalar = signed(self.scalar(coefficient))
            spoken_dot = "." in scalar.text
            front = [bracketed(scalar) if is_sum(scalar) or spoken_dot else scalar] if scalar != ONE else []
            terms.append((sign, row(*front, *([word_formula(word)] if word else []), self.atom(atom))))
        return linear(terms)

    def value(self, value: Any) -> Formula:
        """A scalar, a vector or a number."""
        if isinstance(value, (int, Fraction)):
            return number(value)
        return self.vector(value) if isinstance(value, Vector) else self.scalar(value)


def signed(factor: Formula) -> tuple[Fraction, Formula]:
    """The sign of a factor and the rest of it; a sum keeps the minus of its first term."""
    return (Fraction(-1), without_sign(factor)) if negative(factor) and not is_sum(factor) else (Fraction(1), factor)


def powers(factors: Iterable[tuple[Formula, int]]) -> Formula:
    """A product of factors with their exponents."""
    return product(*(f if e == 1 else power(f, number(e)) for f, e in factors))


def coefficient_name(name: str) -> Formula:
    r"""A name in a coefficient: a parameter, a power of one with the position or n, or a sum, in brackets.

    >>> coefficient_name(Power.of("gamma", "index"))
    Formula('gamma^j', '\\gamma^{j}')
    """
    if isinstance(name, Entry):
        return indexed(named(name.table), "j" if name.position == INDEX else name.position)
    if isinstance(name, Power):
        base = number(Fraction(name.base)) if is_number(name.base) else coefficient_name(name.base)
        return power(base, "j" if name.variable == INDEX else "n")
    if isinstance(name, Sum):
        terms = [(c, powers([(coefficient_name(n), e) for n, e in part]) if part else None) for c, part in name.terms]
        return bracketed(linear(terms))
    return named("index" if name == INDEX else name)


def word_formula(word: Word, layer: str = "") -> Formula:
    """A word in preconditioners, C or C^T, with a layer index when given; I for the empty word."""
    letters = [(indexed(named(name), layer) if layer else named(name), up) for name, up in word]
    return row(*(transposed(letter) if up else letter for letter, up in letters)) if letters else named("I")


def mask_symbol(name: str) -> Formula:
    """A mask's name: M0 as text."""
    return spoken(words(name), indexed(name[0], name[1:]))


def over_n(style: str = "frac") -> Formula:
    """The factor of every layer."""
    return fraction("1", "n", style)


def times(factor: Formula, word: Word) -> Formula:
    """A scalar times a word of a layer, which is left out where it is the identity."""
    return multiple(factor, word_formula(word, LAYER)) if word else factor
