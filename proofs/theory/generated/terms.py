"""Expressions that remember how they were made: what an update does to numbers, vectors and matrices, as Rocq terms.

A vector of dimension d is a row here, as in the theory, so that C @ v prints as v *m C^T.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from ....symbolic.errors import NotRepresentableError
from ....symbolic.tracing.expression import Expression, nodes

NUMBER, VECTOR, MATRIX = "number", "vector", "matrix"
_serial = itertools.count()


class Term:
    """One expression. kind : number, vector (a row of d) or matrix (d x d); op and args : what it is made of."""

    __slots__ = ("args", "kind", "op", "serial")

    def __init__(self, kind: str, op: str, *args: Any):
        self.kind, self.op, self.args, self.serial = kind, op, args, next(_serial)

    @staticmethod
    def of(value: Any) -> Term | None:
        """A term from a term or an exact number; None from anything else."""
        if isinstance(value, Term):
            return value
        if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
            return number(value)
        return None

    def __add__(self, other: Any) -> Any:
        right = Term.of(other)
        if right is None:
            return NotImplemented
        if right.is_zero or self.is_zero:
            return self if right.is_zero and (self.kind == right.kind or not self.is_zero) else right
        return Term(self.kind, "+", self, right) if right.kind == self.kind else NotImplemented

    def __radd__(self, other: Any) -> Any:
        left = Term.of(other)
        return NotImplemented if left is None else left + self

    def __neg__(self) -> Term:
        return self if self.is_zero else Term(self.kind, "neg", self)

    def __sub__(self, other: Any) -> Any:
        right = Term.of(other)
        if right is None:
            return NotImplemented
        if right.is_zero:
            return self
        if self.is_zero:
            return -right
        return Term(self.kind, "-", self, right) if right.kind == self.kind else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        left = Term.of(other)
        return NotImplemented if left is None else left - self

    def __mul__(self, other: Any) -> Any:
        right = Term.of(other)
        if right is None:
            return NotImplemented
        if right.kind == NUMBER and self.kind != NUMBER:
            return right._scaling(self)
        return self._scaling(right) if self.kind == NUMBER else NotImplemented

    def __rmul__(self, other: Any) -> Any:
        left = Term.of(other)
        return NotImplemented if left is None else left * self

    def _scaling(self, x: Term) -> Term:
        if self.is_zero or x.is_zero:
            return zero(x.kind)
        if self.is_one:
            return x
        if x.is_one:
            return self
        return Term(x.kind, "*" if x.kind == NUMBER else "*:", self, x)

    def __truediv__(self, other: Any) -> Any:
        right = Term.of(other)
        if right is None or right.kind != NUMBER:
            return NotImplemented
        if self.is_zero or right.is_one:
            return self
        if self.op == right.op == "literal":
            return number(self.args[0] / right.args[0])
        return Term(NUMBER, "/", self, right) if self.kind == NUMBER else Term(self.kind, "*:", _inverse(right), self)

    def __rtruediv__(self, other: Any) -> Any:
        left = Term.of(other)
        return NotImplemented if left is None else left / self

    def __pow__(self, exponent: int) -> Term:
        return number(1) if exponent == 0 else self if exponent == 1 else Term(NUMBER, "^", self, exponent)

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, Term):
            return NotImplemented
        if (self.kind, other.kind) == (VECTOR, VECTOR):
            if self.is_zero or other.is_zero:
                return number(0)
            # w.phi before phi.w, whichever way it was written: the proofs speak of dot w phi
            flip = other.reads_weights and not self.reads_weights
            return Term(NUMBER, "dot", *((other, self) if flip else (self, other)))
        if self.kind == MATRIX and other.kind == VECTOR:
            return other if other.is_zero else Term(VECTOR, "apply", self, other)
        return Term(MATRIX, "times", self, other) if self.kind == other.kind == MATRIX else NotImplemented

    @property
    def T(self) -> Term:
        """The transpose of a matrix."""
        if self.op == "T":
            return self.args[0]  # type: ignore[no-any-return]
        if self.op == "times":
            return Term(MATRIX, "times", self.args[1].T, self.args[0].T)
        return Term(MATRIX, "T", self)

    mT = T

    @property
    def is_zero(self) -> bool:
        """Whether it is the literal zero."""
        return self.op == "zero" or (self.op == "literal" and self.args[0] == 0)

    @property
    def is_one(self) -> bool:
        """Whether it is the literal one."""
        return self.op == "literal" and bool(self.args[0] == 1)

    @property
    def reads_weights(self) -> bool:
        """Whether a weight of the algorithm occurs in it."""
        return any(x.op == "weight" for x in self.parts())

    def parts(self) -> Iterator[Term]:
        """The expression and all that it is made of."""
        yield self
        for x in self.args:
            if isinstance(x, Term):
                yield from x.parts()


def number(value: int | Fraction) -> Term:
    """A rational number."""
    return Term(NUMBER, "literal", Fraction(value))


def zero(kind: str) -> Term:
    """Zero: the number, the vector or the matrix."""
    return number(0) if kind == NUMBER else Term(kind, "zero")


def atom(kind: str, text: str, op: str = "atom") -> Term:
    """A named thing, printed as `text`; op "weight" for a weight, "position" for the position in the context."""
    return Term(kind, op, text)


class Reader:
    """Traced expressions as terms, with what each symbol stands for; what is shared there is shared here.

    symbols : (source, name) -> term
    """

    def __init__(self, symbols: Mapping[tuple[str, str], Term]):
        self._symbols = symbols
        self._known: dict[int, Term] = {}

    def __call__(self, node: Expression) -> Term:
        """The term of an expression; `NotRepresentableError` for a power that has no spelling."""
        for part in nodes([node], self._known):
            if id(part) not in self._known:
                self._known[id(part)] = self._made(part)
        return self._known[id(node)]

    def _made(self, node: Expression) -> Term:
        if node.op == "number":
            return number(node.number)
        if node.op == "name":
            return self._symbols[node.source, node.name]
        if node.op == "pow":
            return _power(self._known[id(node.args[0])], node.args[1])
        args = [self._known[id(x)] for x in node.args]
        made: Term = _MADE[node.op](*args)
        return made


_MADE: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "neg": operator.neg, "mul": operator.mul, "div": operator.truediv,
    "dot": operator.matmul, "apply": operator.matmul, "product": operator.matmul, "transpose": lambda x: x.T,
}  # fmt: skip


def _power(base: Term, exponent: Expression) -> Term:
    """A power with an exponent that is affine in position and length, as a product of powers over another."""
    above, below = number(1), number(1)
    for name, k in _affine(exponent).items():
        whole = base if name is None else Term(NUMBER, name, base)
        above, below = (above * whole**k, below) if k > 0 else (above, below * whole**-k)
    quotient: Term = above / below
    return quotient


def _affine(node: Expression) -> dict[str | None, int]:
    """An exponent as a sum: what is raised to it, `^length`, `^position` or None for the base itself -> how often.

    Raises `NotRepresentableError` for one that is no such sum.
    """
    known = {("sweep", "n"): "^length", ("transition", "index"): "^position"}
    if node.op == "number" and node.number.denominator == 1:
        return {None: int(node.number)}
    if node.op == "name" and (node.source, node.name) in known:
        return {known[node.source, node.name]: 1}
    if node.op in ("add", "sub", "neg", "mul"):
        left, *rest = (_affine(x) for x in node.args)
        if node.op == "mul":
            factors = sorted((left, *rest), key=lambda x: x.keys() - {None} != set())
            if not factors[0].keys() - {None}:
                return {name: k * factors[0].get(None, 0) for name, k in factors[1].items()}
        else:
            sign = 1 if node.op == "add" else -1
            last = rest[0] if rest else left
            first = left if rest else {}
            exponents = {name: first.get(name, 0) + sign * last.get(name, 0) for name in (*known.values(), None)}
            return {name: k for name, k in exponents.items() if k}
    raise NotRepresentableError("a power with this exponent has no spelling in Rocq here")


def _inverse(x: Term) -> Term:
    return number(1 / x.args[0]) if x.op == "literal" else Term(NUMBER, "inverse", x)


# How tightly a printed text holds together: ATOM needs no brackets anywhere, SUM needs them everywhere.
ATOM, CALL, PRODUCT, NEGATIVE, SUM = range(5)


def show(term: Term, names: Mapping[int, str] | None = None, at: int = SUM) -> str:
    """A term in Rocq, in brackets when it holds less tightly than `at`; names : what to print for a part, by its id."""
    text, level = _show(term, names or {})
    return text if level <= at else f"({text})"


def bracketed(text: str) -> str:
    """A text as an argument: in brackets unless it is one word, or stands in brackets.

    >>> bracketed("a"), bracketed("a l"), bracketed("(a l)"), bracketed("(a l) + (b l)")
    ('a', '(a l)', '(a l)', '((a l) + (b l))')
    """
    inner = text[1:-1]
    enclosed = text.startswith("(") and all(inner[:k].count("(") >= inner[:k].count(")") for k in range(len(text)))
    return text if enclosed or " " not in text else f"({text})"


def rational(value: Fraction) -> tuple[str, int]:
    """A rational literal and how tightly it holds."""
    size = abs(value.numerator)
    text, level = (str(size), ATOM) if size < 2 else (f"{size}%:R", ATOM)
    if value.denominator != 1:
        text, level = f"{text} / {value.denominator}%:R", PRODUCT
    if value < 0:
        return (f"- {text}" if level == ATOM else f"- ({text})"), NEGATIVE
    return text, level


def denominators(terms: Iterator[Term]) -> set[int]:
    """The whole numbers that the literals among these divide by."""
    return {x.args[0].denominator for t in terms for x in t.parts() if x.op == "literal"} - {1}


def _show(term: Term, names: Mapping[int, str]) -> tuple[str, int]:
    if id(term) in names:
        return names[id(term)], ATOM

    def s(x: Term, at: int) -> str:
        return show(x, names, at)

    args = term.args
    written: dict[str, Callable[[], tuple[str, int]]] = {
        "zero": lambda: ("0", ATOM),
        "literal": lambda: rational(args[0]),
        "+": lambda: (f"{s(args[0], SUM)} + {s(args[1], PRODUCT)}", SUM),
        "-": lambda: (f"{s(args[0], SUM)} - {s(args[1], PRODUCT)}", SUM),
        "neg": lambda: (f"- {s(args[0], CALL)}", NEGATIVE),
        "*": lambda: (f"{s(args[0], PRODUCT)} * {s(args[1], CALL)}", PRODUCT),
        "*:": lambda: (f"{s(args[0], CALL)} *: {s(args[1], CALL)}", PRODUCT),
        "/": lambda: (f"{s(args[0], PRODUCT)} / {s(args[1], CALL)}", PRODUCT),
        "inverse": lambda: (f"{s(args[0], ATOM)}^-1", ATOM),
        "^": lambda: (f"{s(args[0], ATOM)} ^+ {args[1]}", PRODUCT),
        "^position": lambda: (f"{s(args[0], ATOM)} ^+ j.+1", PRODUCT),
        "^length": lambda: (f"{s(args[0], ATOM)} ^+ n", PRODUCT),
        "dot": lambda: (f"dot {s(args[0], ATOM)} {s(args[1], ATOM)}", CALL),
        "apply": lambda: (f"{s(args[1], CALL)} *m {s(args[0].T, ATOM)}", PRODUCT),
        "times": lambda: (f"{s(args[0], PRODUCT)} *m {s(args[1], ATOM)}", PRODUCT),
        "T": lambda: (f"{s(args[0], ATOM)}^T", ATOM),
    }
    if term.op in written:
        return written[term.op]()
    return str(args[0]), CALL if " " in args[0] else ATOM
