"""Exact objects as text and as LaTeX: scalars, vectors and words of the contraction algebra, blocks and masks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sympy import Symbol
from sympy import latex as sympy_latex
from sympy.printing.str import StrPrinter

from ....symbolic.algorithm import Accumulator
from ....symbolic.derivation.coefficients import INDEX, Entry, Power, Sum, is_number
from ....symbolic.derivation.contraction import Scalar, Vector, Word, transpose
from ....symbolic.derivation.form import Form
from ....symbolic.derivation.loop import Carried
from ....symbolic.derivation.state import SymbolicState
from ...formula.formula import Formula as Formula
from ...formula.formula import quoted as quoted
from ...formula.letters import symbol as symbol
from ...formula.letters import text_latex as text_latex


def row_formula(row: Accumulator) -> Formula:
    """What a paper calls an accumulator row: its declared symbol, else its name."""
    return quoted(plain_words(row.symbol), row.symbol) if row.symbol else quoted(row.name, text_latex(row.name))


def plain_words(latex: str) -> str:
    r"""A symbol in LaTeX as plain text.

    >>> plain_words(r"\bar r"), plain_words(r"\delta")
    ('rbar', 'delta')
    """
    words = re.sub(r"\\bar\s*\{?(\w+)\}?", r"\1bar", latex)
    return re.sub(r"[\\{}\s]+", "", words)


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
    """

    carried: frozenset[str]
    successors: frozenset[str]
    discount: str | None
    weights: frozenset[str]
    indexed: bool = True
    rows: Mapping[str, Formula] = field(default_factory=dict)
    last: str = "n"

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
        weights, last = frozenset(algorithm.weights), algorithm.transitions
        return Names(carried, successors, state.discount, weights, indexed, rows, last)

    def atom(self, name: str) -> Formula:
        """A named vector or scalar."""
        if isinstance(name, (Entry, Power, Sum)):
            return coefficient_name(name)
        if isinstance(name, Carried):
            rest, index = name.variable, self.last if name.after else "j-1"
            return quoted(f"{rest}_{index}" if index == "n" else f"{rest}_{{{index}}}", f"{symbol(rest)}_{{{index}}}")
        stem, _, index = name.rpartition("_")
        if stem not in self.carried:
            return quoted("j" if name == "index" else name, symbol(name))
        text, tex = stem, symbol(stem)
        if self.indexed:
            text, tex = f"{stem}_{index}", f"{tex}_{{{index}}}"
        if stem in self.successors and self.discount is not None:
            return quoted(f"{self.discount} {text}", f"{symbol(self.discount)} {tex}")
        return quoted(text, tex)

    def factor(self, key: Any) -> Formula:
        """One generator of the algebra."""
        kind, *rest = key
        if kind == "contraction":
            left, word, right = rest
            if right in self.weights and left not in self.weights:  # the weights read better in front
                left, word, right = right, transpose(word), left
            x, y = self.atom(left), self.atom(right)
            middle = word_formula(word)
            between, between_tex = (f"^T {middle.text} ", rf" {middle.latex} ") if word else (".", " ")
            return quoted(
                f"{_wrap(x.text)}{between}{_wrap(y.text)}", rf"{_transposable(x.latex)}^\top{between_tex}{y.latex}"
            )
        name = self.atom(rest[0])
        return quoted(f"1/{name.text}", rf"\frac{{1}}{{{name.latex}}}") if kind == "inverse" else name

    def scalar(self, value: Scalar) -> Formula:
        """A scalar, term by term in a fixed order."""
        terms = []
        for monomial, coefficient in sorted(value.algebra.current(value.poly).items(), reverse=True):
            keys = [(value.algebra.key(i), e) for i, e in enumerate(monomial) if e]
            below = [(self.atom(key[1]), e) for key, e in keys if key[0] == "inverse" and isinstance(key[1], Sum)]
            factors = [(self.factor(k), e) for k, e in keys if not (k[0] == "inverse" and isinstance(k[1], Sum))]
            top, bottom = _product(factors), _product(below)
            if below:
                wide = f"({bottom.text})" if len(below) > 1 else bottom.text
                top = quoted(f"{top.text or '1'}/{wide}", rf"\frac{{{top.latex or '1'}}}{{{bottom.latex}}}")
            terms.append((Fraction(int(coefficient.numerator), int(coefficient.denominator)), top))
        return linear(terms)

    def vector(self, value: Vector) -> Formula:
        """A vector: terms with the same scalar are not gathered, so that the loop reads as it was written."""
        terms: list[tuple[Fraction, Formula]] = []
        for (word, atom), coefficient in value.terms.items():
            base, middle, scalar = self.atom(atom), word_formula(word), self.scalar(coefficient)
            one = len(coefficient.poly) == 1
            sign = Fraction(1)
            if one and scalar.text.startswith("-"):
                sign, scalar = Fraction(-1), quoted(scalar.text[1:], scalar.latex[1:])
            left, left_tex = f"{scalar.text} ", f"{scalar.latex} "
            if scalar.text == "1":
                left = left_tex = ""
            elif not one or "." in scalar.text:
                left, left_tex = f"({scalar.text}) ", f"({scalar.latex}) "
            letters = f"{middle.text} " if word else ""
            letters_tex = f"{middle.latex} " if word else ""
            terms.append((sign, quoted(f"{left}{letters}{base.text}", f"{left_tex}{letters_tex}{base.latex}")))
        return linear(terms)

    def value(self, value: Any) -> Formula:
        """A scalar, a vector or a number."""
        if isinstance(value, (int, Fraction)):
            return linear([(Fraction(value), quoted("", ""))]) if value else quoted("0", "0")
        return self.vector(value) if isinstance(value, Vector) else self.scalar(value)


def _product(factors: list[tuple[Formula, int]]) -> Formula:
    return quoted(
        " ".join(f.text if e == 1 else f"{f.text}^{e}" for f, e in factors),
        " ".join(f.latex if e == 1 else f"{f.latex}^{{{e}}}" for f, e in factors),
    )


def coefficient_name(name: str) -> Formula:
    r"""A name in a coefficient: a parameter, a power of one with the position or n, or a sum, in brackets.

    >>> coefficient_name(Power.of("gamma", "index"))
    Formula('gamma^j', '\\gamma^{j}')
    """
    if isinstance(name, Entry):
        at = "j" if name.position == INDEX else name.position
        return quoted(f"{name.table}_j" if at == "j" else f"{name.table}_{at}", f"{symbol(name.table)}_{{{at}}}")
    if isinstance(name, Power):
        base = coefficient_name(name.base) if not is_number(name.base) else quoted(name.base, name.base)
        wide = f"({base.text})" if name.base == "-1" else base.text
        wide_tex = f"({base.latex})" if name.base == "-1" else base.latex
        exponent = "j" if name.variable == INDEX else "n"
        return quoted(f"{wide}^{exponent}", f"{wide_tex}^{{{exponent}}}")
    if isinstance(name, Sum):
        inside = linear([(c, _product([(coefficient_name(n), e) for n, e in part])) for c, part in name.terms])
        return quoted(f"({inside.text})", f"({inside.latex})")
    return quoted("j" if name == INDEX else name, symbol(name))


def _transposable(tex: str) -> str:
    """LaTeX that may be followed by a superscript: a prime is one already."""
    return f"({tex})" if " " in tex else f"{{{tex}}}" if "'" in tex else tex


def _wrap(text: str) -> str:
    return f"({text})" if " " in text else text


def word_formula(word: Word, layer: str = "") -> Formula:
    """A word in preconditioners, C or C^T, with a layer index when given; I for the empty word."""
    if not word:
        return quoted("I", "I")
    index, index_tex = (f"_{layer}", f"_{{{layer}}}") if layer else ("", "")
    return quoted(
        " ".join(f"{name}{index}{'^T' if flipped else ''}" for name, flipped in word),
        " ".join(f"{name}{index_tex}" + (r"^\top" if flipped else "") for name, flipped in word),
    )


def linear(terms: list[tuple[Fraction, Formula]]) -> Formula:
    """A sum of rational multiples of formulas; 0 when there is none."""
    text, tex = "", ""
    for coefficient, base in terms:
        sign = "-" if coefficient < 0 else "+"
        size = abs(coefficient)
        number = "" if size == 1 and base.text else str(size)
        number_tex = number if size.denominator == 1 else rf"\tfrac{{{size.numerator}}}{{{size.denominator}}}"
        body = f"{number} {base.text}".strip()
        body_tex = f"{number_tex} {base.latex}".strip()
        text += f" {sign} {body}" if text else f"{'-' if sign == '-' else ''}{body}"
        tex += f" {sign} {body_tex}" if tex else f"{'-' if sign == '-' else ''}{body_tex}"
    return quoted(text or "0", tex or "0")


class _Plain(StrPrinter):  # type: ignore[misc]
    """SymPy's own text, with products over steps in words."""

    def _print_Product(self, x: Any) -> str:
        step, first, last = x.limits[0]
        return f"prod(k = {self._print(first)}..{self._print(last)})({self._print(x.function.subs(step, Symbol('k')))})"


_PLAIN = _Plain()


def expression(value: Any) -> Formula:
    """A SymPy expression."""
    text = _PLAIN.doprint(value).replace("**", "^").replace("*", " ")
    tex = sympy_latex(value).replace("gamma", r"\gamma").replace(r"\\gamma", r"\gamma").replace("lam", r"\lambda")
    return quoted(text, tex.replace(r"\\lambda", r"\lambda"))


def block_name(name: str) -> Formula:
    """A row block's name; the LaTeX of underscores escaped."""
    return quoted(name, rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}")
