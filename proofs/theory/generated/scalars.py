"""Numbers of the derivation as Rocq terms: polynomials in parameters, in scalar steps and in the position."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ....symbolic.derivation.coefficients import INDEX, LAYER, LENGTH, Entry, Power, Sum, is_number
from ....symbolic.derivation.scalar import Scalar
from ....symbolic.errors import NotRepresentableError
from .terms import ATOM, PRODUCT, bracketed, rational


@dataclass(frozen=True)
class Spelling:
    """How the generators of a coefficient are spelt: parameters by name, scalar steps `c l`, the position `j.+1%:R`."""

    words: dict[str, str]

    def text(self, scalar: Scalar, position: str = "j") -> str:
        """A coefficient as a sum; the position is that of the token `position`, counted from one.

        Raises `NotRepresentableError` for a coefficient that is no polynomial in these and their inverses.
        """
        terms: list[tuple[str, str]] = []
        for monomial, part in scalar.parts().items():
            if monomial:
                raise NotRepresentableError(f"the coefficient {scalar.text()} has no spelling in Rocq here")
            terms += [self._product(exponents, c, position) for exponents, c in part.items()]
        return self._sum(terms)

    def apart(self, scalar: Scalar) -> list[tuple[str, str]]:
        """A coefficient as a sum of products: (what does not depend on the position, what does), equal ones joined."""
        by_inner: dict[str, list[tuple[str, str]]] = {}
        for part in scalar.parts().values():
            for exponents, c in part.items():
                inner = tuple((name, k) for name, k in exponents if INDEX in Sum.names(name))
                outer = tuple((name, k) for name, k in exponents if INDEX not in Sum.names(name))
                by_inner.setdefault(self._product(inner, Fraction(1), "j")[1], []).append(self._product(outer, c, "j"))
        return [(self._sum(terms), inner) for inner, terms in by_inner.items()]

    def _sum(self, terms: list[tuple[str, str]]) -> str:
        if not terms:
            return "0"
        (sign, first), *rest = terms
        return ("- " if sign == "-" else "") + first + "".join(f" {s} {x}" for s, x in rest)

    def argument(self, scalar: Scalar, position: str = "j") -> str:
        """The same as an argument: in brackets unless it is one word."""
        return bracketed(self.text(scalar, position))

    def _product(self, exponents: tuple[tuple[str, int], ...], c: Fraction, position: str) -> tuple[str, str]:
        factors = [rational(abs(c))] if abs(c) != 1 or not exponents else []
        for name, exponent in exponents:
            base = self.word(name, position)
            if exponent < 0:
                base = f"{base}^-1"
            factors.append((base, ATOM) if abs(exponent) == 1 else (f"{base} ^+ {abs(exponent)}", PRODUCT))
        if len(factors) == 1:
            body = factors[0][0]
        else:
            body = " * ".join(text if level < PRODUCT else f"({text})" for text, level in factors)
        if c < 0 and (len(factors) > 1 or (" " in body and not body.startswith("("))):
            body = f"({body})"
        return "-" if c < 0 else "+", body

    def word(self, name: str, position: str = "j") -> str:
        """A name of a coefficient, in brackets unless it is one word.

        Raises `NotRepresentableError` for one that is none of these.
        """
        if name == INDEX:
            return f"{position}.+1%:R"
        if name == LENGTH:
            return "n%:R"
        if name == LAYER:
            return "l.+1%:R"
        if isinstance(name, Entry) and name.table in self.words:
            return f"({self.words[name.table]} {position})"
        if isinstance(name, Power):
            base = rational(Fraction(int(name.base)))[0] if is_number(name.base) else self.word(name.base, position)
            base = f"({base})" if " " in base and not base.startswith("(") else base
            return f"({base} ^+ {f'{position}.+1' if name.variable == INDEX else 'n'})"
        if isinstance(name, Sum):
            return f"({self._sum([self._product(exponents, c, position) for c, exponents in name.terms])})"
        if name not in self.words:
            raise NotRepresentableError(f"{name} has no spelling in Rocq here")
        word = self.words[name]
        return f"({word})" if " " in word else word


def divided_by(scalar: Scalar) -> set[str]:
    """The parameters that a coefficient divides by, in powers too; position and layer are no zeros, sums are apart."""
    names = {name for part in scalar.parts().values() for e in part for name, k in e if k < 0}
    return {x.base if isinstance(x, Power) else x for x in names if not isinstance(x, Sum)} - {INDEX, LAYER}


def literals(scalar: Scalar) -> set[int]:
    """The whole numbers that a coefficient divides by."""
    return {c.denominator for part in scalar.parts().values() for c in part.values()} - {1}
