"""Coefficients of weights and masks: rational functions of parameters, position and length, and powers with those.

A coefficient is a sum of monomials in names.  A name is a parameter's, or that of the position `index` of a step or of
the context length `n`; or a `Power`, base^index; or a `Sum`, which stands in monomials with negative exponents only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from sympy import Expr, Function, Integer, Mul, Rational, Symbol, factorint

from ..errors import ZeroDivisorError

INDEX, LENGTH = "index", "n"
LAYER = "layer l"
"""The layer, counted from 1, in given heads that read it; no name of a user's has a space."""
Part = Mapping[tuple[tuple[str, int], ...], Fraction]


class Power(str):
    """The name of base^variable: the base a prime number, -1, a parameter or a `Sum`; the variable `index` or `n`."""

    base: str
    variable: str

    @staticmethod
    def of(base: str, variable: str) -> Power:
        """The power with this base and this exponent."""
        result = Power(f"{base}^{variable}")
        result.base, result.variable = base, variable
        return result


class Entry(str):
    """The name of a number of each token at each layer: `now` at the position `index` of a step, or at a token."""

    table: str
    position: str

    @staticmethod
    def of(table: str, position: str) -> Entry:
        """The entry of this table at the position `index`, or at the token with this number."""
        result = Entry(f"{table}({position})")
        result.table, result.position = table, position
        return result

    def at(self, values: Mapping[str, Any]) -> int:
        """The token that it is of."""
        return int(values[INDEX]) if self.position == INDEX else int(self.position)


class Sum(str):
    """The name of a sum of monomials, irreducible over Q."""

    terms: tuple[tuple[Fraction, tuple[tuple[str, int], ...]], ...]

    @staticmethod
    def of(part: Part) -> Sum:
        """The sum of these monomials: {exponents: coefficient}."""
        terms = tuple(
            (c, exponents) for exponents, c in sorted(part.items(), key=lambda x: (x[1] < 0, len(x[0]), x[0]))
        )
        result = Sum(f"({_text(terms)})")
        result.terms = terms
        return result

    @staticmethod
    def names(name: str) -> Iterator[str]:
        """A name and all those that it is made of."""
        yield name
        if isinstance(name, Power):
            yield name.variable
            yield from Sum.names(name.base)
        if isinstance(name, Entry):
            yield name.table
            if name.position == INDEX:
                yield INDEX
        if isinstance(name, Sum):
            for _, exponents in name.terms:
                for inner, _ in exponents:
                    yield from Sum.names(inner)


def _text(terms: Any) -> str:
    text = ""
    for c, exponents in terms:
        factors = [name if e == 1 else f"{name}^{e}" for name, e in exponents]
        size = [] if abs(c) == 1 and factors else [str(abs(c))]
        body = " ".join((*size, *factors))
        text += f" {'-' if c < 0 else '+'} {body}" if text else f"{'-' if c < 0 else ''}{body}"
    return text


def prime_powers(number: Fraction) -> list[tuple[str, int]]:
    """A rational as a product of primes and -1, as names with exponents; a factor too large to split stays whole."""
    powers: list[tuple[str, int]] = [("-1", 1)] if number < 0 else []
    for value, sign in ((abs(number.numerator), 1), (number.denominator, -1)):
        powers += [(str(p), sign * int(e)) for p, e in factorint(value, limit=10**6).items() if p != 1]
    return powers


def symbol_of(name: str) -> Expr:
    """What a name stands for, in SymPy."""
    if isinstance(name, Entry):
        return Function(name.table)(Symbol(INDEX) if name.position == INDEX else Integer(int(name.position)))
    if isinstance(name, Power):
        base = symbol_of(name.base) if not is_number(name.base) else Integer(int(name.base))
        return base ** Symbol(name.variable)
    if isinstance(name, Sum):
        terms = [
            Mul(Rational(c.numerator, c.denominator), *(symbol_of(n) ** e for n, e in exponents))
            for c, exponents in name.terms
        ]
        return sum(terms, Integer(0))
    return Symbol(name)


def is_number(name: str) -> bool:
    """Whether the base of a power is a number: a prime, or -1."""
    return name.lstrip("-").isdigit()


def value_of(name: str, values: Mapping[str, Any], number: Callable[[Fraction], Any]) -> Any:
    """What a name stands for, at given values: numbers of one arithmetic, made by `number` from rationals.

    A value may be a rational itself; the position and the length are.  That of a table of entries is a function of the
    token's number.
    """
    if isinstance(name, Power):
        base = Fraction(int(name.base)) if is_number(name.base) else value_of(name.base, values, number)
        return raised(base, int(values[name.variable]), number)
    if isinstance(name, Sum):
        total = number(Fraction(0))
        for c, exponents in name.terms:
            total = total + product_of(c, exponents, values, number)
        return total
    if isinstance(name, Entry):
        return values[name.table](name.at(values))
    return values[name]


def product_of(
    coefficient: Fraction,
    exponents: tuple[tuple[str, int], ...],
    values: Mapping[str, Any],
    number: Callable[[Fraction], Any],
) -> Any:
    """A monomial at given values."""
    term: Any = number(coefficient)
    for name, exponent in exponents:
        value = value_of(name, values, number)
        if isinstance(value, (int, Fraction)):
            if exponent < 0 and not value:
                raise ZeroDivisorError(f"the weights divide by {name}, which is zero")
            term = term * number(Fraction(value) ** exponent)
        else:
            term = term * raised(value, exponent, number)
    return term


def raised(base: Any, exponent: int, number: Callable[[Fraction], Any]) -> Any:
    """base^exponent in an arithmetic whose numbers divide each other."""
    if isinstance(base, (int, Fraction)):
        return number(Fraction(base) ** exponent)
    return base**exponent if exponent >= 0 else number(Fraction(1)) / base**-exponent
