"""Solve for heads whose layer does an update: values and scores in blocks, the mask, and the shift of rows.

A head under an opaque pattern K adds sum_k K_kt V z_k to token t; one with linear scores adds
sum_k V z_k (z_k^T Q z_t).  The update adds what it adds for one generic token k, so one linear system for the products
of entries of V and Q says which heads do it; factored by rank, it says how few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from sympy import QQ, Expr, Integer, Mul, Rational
from sympy.polys.matrices import DomainMatrix

from ..arithmetics.linear import Equation, Inconsistent, Solution, solve
from ..derivation.coefficients import symbol_of
from ..derivation.scalar import Scalar
from ..derivation.vectors import Vector
from ..derivation.words import Word
from ..errors import NotRepresentableError
from .generic import IDENTITY, WEIGHT, Generic, applied, demanded, generic, is_zero, score, shifted, touched
from .heads import PatternForm, PatternHead
from .identity import added
from .record import PatternAlgorithm, Row

Left = tuple[str, str, Word]
"""(row written, row read, word): an entry of V."""
Right = tuple[str, str, Word]
"""(row of the key, row of the query, word): an entry of Q."""
OPAQUE: Right = ("", "", ())
Part = dict[Any, Fraction]


def derive_pattern(algorithm: PatternAlgorithm) -> PatternForm:
    """The heads, mask and shift of a layer that does the update, for every d, n and pattern.

    Raises `NotPolynomialError` when the update is no sum over tokens, `NotRepresentableError` when no such heads do it.
    """
    g = generic(algorithm)
    held = touched(g)
    if algorithm.kernels and algorithm.scored in held:
        raise written_pattern(algorithm)
    products, unique = _solve_heads(g, held)
    heads = _factor(products, bool(algorithm.kernels))
    free = tuple(
        (key, own)
        for key in algorithm.families[1:]
        for own in algorithm.families
        if all(is_zero(added(g, heads, row, own, key)) for row in algorithm.rows)
    )
    return PatternForm(
        algorithm, heads, algorithm.sees, g.by_length, _solve_shift(g), held, len(heads) if unique else None, free
    )


def written_pattern(algorithm: PatternAlgorithm) -> NotRepresentableError:
    """What is raised of a kernel whose scores read a row that layers write."""
    return NotRepresentableError(
        f"the pattern of {algorithm.name} is made from the row {algorithm.scored}, which holds a state: layers write "
        "it, so the pattern changes with the state and the layer is not affine in it; wanted scores of rows that stay"
    )


def _words(g: Generic, row: Row) -> list[Word]:
    words: list[Word] = [IDENTITY, (("C", False),), (("C", True),)]
    return words if g.algorithm.preconditioned and not row.scalar else [IDENTITY]


def _lefts(g: Generic, row: Row) -> Iterator[tuple[Left, Any]]:
    """The entries of V that can write to a row, each with what it makes of the token that is summed over."""
    for read in g.algorithm.rows:
        value = read.entry("context", g.key, g.p)
        if value is not None and read.scalar == row.scalar:
            for word in _words(g, row):
                yield (row.name, read.name, word), applied(g, word, value)


def _rights(g: Generic, family: str, held: frozenset[str]) -> Iterator[tuple[Right, Any]]:
    """The entries of Q, each with the score that it makes of the token summed over and the token of a family."""
    if g.algorithm.kernels:
        yield OPAQUE, g.algebra.scalar(WEIGHT)
        return
    for of_key in g.algorithm.rows:
        key = of_key.entry("context", g.key, g.p)
        for of_query in g.algorithm.rows if of_key.name not in held and key is not None else ():
            query = of_query.entry(family, g.own[family], g.p)
            for word in _words(g, of_key) if of_key.scalar == of_query.scalar else ():
                yield (of_key.name, of_query.name, word), score(g, key, query, word, of_key.scalar)


class _System:
    """Equations, one a monomial of the algebra; a row's parameters are put into the unknown that multiplies it."""

    def __init__(self) -> None:
        self.equations: dict[Any, tuple[Part, Part]] = {}
        self.factors: dict[Any, Expr] = {}

    def wanted(self, label: Any, value: Any) -> None:
        for monomial, part in _terms(value):
            self.equations.setdefault((label, monomial), ({}, {}))[1].update(part)

    def has(self, label: Any, unknown: Any, value: Any) -> None:
        terms = list(_terms(value))
        inside = {exponents for _, part in terms for exponents in part}
        if len(inside) > 1:
            raise NotRepresentableError(f"the rows that {unknown} meets hold several monomials in the parameters")
        for monomial, part in terms:
            ((exponents, c),) = part.items()
            self.factors[unknown] = as_expression({exponents: Fraction(1)})
            self.equations.setdefault((label, monomial), ({}, {}))[0][unknown] = c

    def solved(self) -> Solution | Inconsistent:
        return solve([Equation(a, b, label) for label, (a, b) in self.equations.items()])

    def values(self, solution: Solution) -> dict[Any, Expr]:
        return {u: as_expression(x) / self.factors[u] for u, x in solution.values.items() if x}


def _terms(value: Any) -> Iterator[tuple[Any, Mapping[Any, Fraction]]]:
    """A value of the algebra by its monomials: (monomial, {monomial in parameters: coefficient})."""
    if isinstance(value, Vector):
        for where, scalar in value.terms.items():
            for monomial, part in scalar.parts().items():
                yield (where, monomial), part
    elif isinstance(value, Scalar):
        yield from value.parts().items()


def _solve_heads(g: Generic, held: frozenset[str]) -> tuple[dict[tuple[Left, Right], Expr], bool]:
    """The products of entries of V and Q, none that two written rows would meet in; and whether they are the only ones.

    held : the rows that hold a state
    """
    unique = True
    products: dict[tuple[Left, Right], Expr] = {}
    for row in g.algorithm.rows:
        wanted = {family: demanded(g, row, family) for family in g.algorithm.families}
        if all(is_zero(x) for x in wanted.values()):
            continue
        system = _System()
        for family, value in wanted.items():
            system.wanted(family, value)
            for right, meets in _rights(g, family, held):
                for left, read in _lefts(g, row):
                    if not (left[1] in held and right[1] in held):
                        system.has(family, (left, right), read * meets)
        solution = system.solved()
        if isinstance(solution, Inconsistent):
            heads = "a pattern made from frozen rows" if g.algorithm.kernels else "linear scores with frozen keys"
            raise NotRepresentableError(
                f"no heads with {heads} add to the row {row.name} what the update adds: {len(solution.labels)} of its "
                "terms have none",
                tuple(str(label) for label in solution.labels[:5]),
            )
        products.update(system.values(solution))
        unique = unique and not solution.free
    return products, unique


def as_expression(part: Mapping[Any, Fraction]) -> Expr:
    """A coefficient by its monomials in the parameters as SymPy's."""
    total: Expr = Integer(0)
    for exponents, c in part.items():
        total += Mul(Rational(c.numerator, c.denominator), *(symbol_of(name) ** e for name, e in exponents))
    return total


def _factor(products: dict[tuple[Left, Right], Expr], opaque: bool) -> tuple[PatternHead, ...]:
    """The fewest heads under one mask: a rank factorisation of the products, by SymPy's `DomainMatrix`."""
    lefts = sorted({left for left, _ in products}, key=str)
    rights = sorted({right for _, right in products}, key=str)
    symbols = sorted({s for x in products.values() for s in x.free_symbols}, key=str)
    field = QQ.frac_field(*symbols) if symbols else QQ
    rows = [[field.from_sympy(products.get((a, b), Integer(0))) for b in rights] for a in lefts]
    matrix = DomainMatrix(rows, (len(lefts), len(rights)), field)
    reduced, pivots = matrix.rref()
    heads = []
    for k, pivot in enumerate(pivots):
        V: dict[tuple[str, str], dict[Word, Expr]] = {}
        for (row, read, word), entries in zip(lefts, rows, strict=True):
            if entries[pivot]:
                V.setdefault((row, read), {})[word] = field.to_sympy(entries[pivot])
        Q: dict[tuple[str, str], dict[Word, Expr]] = {}
        for j, (key, query, word) in enumerate(rights):
            entry = reduced[k, j].element
            if entry and not opaque:
                Q.setdefault((key, query), {})[word] = field.to_sympy(entry)
        heads.append(PatternHead(V, None if opaque else Q))
    return tuple(heads)


def _solve_shift(g: Generic) -> dict[tuple[str, str], Expr]:
    """What each shifted row reads in the token after its own, whether that is one of the context or the query."""
    shift: dict[tuple[str, str], Expr] = {}
    for row in shifted(g):
        system = _System()
        for family, token in g.after.items():
            system.wanted(family, row.entry("context", g.own["context"], g.p))
            for read in g.algorithm.rows:
                if read.scalar == row.scalar and read is not row:
                    system.has(family, read.name, read.entry(family, token, g.p))
        solution = system.solved()
        if isinstance(solution, Inconsistent):
            raise NotRepresentableError(f"no shift of rows gives {row.name} what the token after its own holds")
        shift.update({(row.name, read): x for read, x in system.values(solution).items()})
    return shift
