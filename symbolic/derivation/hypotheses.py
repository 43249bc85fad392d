"""What must not be zero where an update divides: recorded, put in words, and shown to be possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from .coefficients import INDEX, LENGTH, Power, Sum, is_number, value_of
from .scalar import Scalar

LONGEST = 12
"""Up to which context length a hypothesis about positions is tried, where no length is given."""
TRIED = tuple(Fraction(*x) for x in ((1, 2), (1, 3), (2, 5), (3, 1), (-1, 2), (7, 5)))


@dataclass(frozen=True)
class Hypotheses:
    """The factors, irreducible over Q, that an update or its weights divide by: none may be zero, for every j <= n.

    names : parameters, and sums of what depends on parameters, the position j and the length n
    """

    names: tuple[str, ...]

    @staticmethod
    def of(divisors: Iterable[Scalar], weights: Iterable[Scalar]) -> Hypotheses:
        """From what was divided by, and from the denominators of the weights and masks."""
        names: dict[str, None] = {}
        for divisor in divisors:
            names |= {base: None for name, _ in divisor.factors() if isinstance(name, str) for base in [_base(name)]}
        for scalar in weights:
            names |= {_base(name): None for kind, name in scalar.generators() if kind == "inverse"}
        return Hypotheses(tuple(name for name in names if not _never_zero(name)))

    @property
    def parameters(self) -> set[str]:
        """The parameters that they are about."""
        inside = {part for name in self.names for part in Sum.names(name)}
        return {n for n in inside if not isinstance(n, (Power, Sum)) and n not in (INDEX, LENGTH) and not is_number(n)}

    def text(self) -> str:
        """In words: 1 - beta != 0 and j + beta != 0."""
        return " and ".join(self.texts())

    def texts(self) -> list[str]:
        """Each in words."""
        return [f"{_plain(name)} != 0" for name in self.names]

    @property
    def positions(self) -> bool:
        """Whether some depend on the position or on the length."""
        return any({INDEX, LENGTH} & set(Sum.names(name)) for name in self.names)

    def broken(self, values: Mapping[str, Fraction], n: int) -> tuple[str, int] | None:
        """The first of them that is zero at these values for some j <= n, in words, with the j; or None.

        One about what has no value here, such as a step of each layer's own, is passed over.
        """
        for name in self.names:
            inside = set(Sum.names(name))
            if inside & (self.parameters - values.keys()):
                continue
            for j in range(1, n + 1) if INDEX in inside else (1,):
                known = {**values, INDEX: Fraction(j), LENGTH: Fraction(n)}
                if not value_of(name, known, Fraction):
                    return _plain(name), j
        return None

    def example(self, preferred: Mapping[str, Fraction], n: int = LONGEST) -> dict[str, Fraction] | None:
        """Values of the parameters at which all of them hold, for every j <= m <= n; None when none were found."""
        names = sorted(self.parameters)
        own = [(preferred[name],) if name in preferred else TRIED for name in names]
        for choice in (*product(*own), *product(TRIED, repeat=len(names))):
            values = dict(zip(names, choice, strict=True))
            if all(self.broken(values, m) is None for m in (range(1, n + 1) if self.positions else (1,))):
                return values
        return None


def _base(name: str) -> str:
    return name.base if isinstance(name, Power) else name


def _never_zero(name: str) -> bool:
    """A number, a position, a length, or a sum of such with positive coefficients."""
    if isinstance(name, Sum):
        return all(c > 0 and all(_never_zero(n) for n, _ in exponents) for c, exponents in name.terms)
    if isinstance(name, Power):
        return _never_zero(name.base)
    return name in (INDEX, LENGTH) or is_number(name)


def _plain(name: str) -> str:
    text = str(name).replace(INDEX, "j")
    return text[1:-1] if isinstance(name, Sum) else text
