"""The interaction tensor: what one layer of linear attention can do, matched against what the update demands.

One layer changes accumulator row k at token t by
    (1/n) sum T[k; k', i, j, r, W, s] * Y[k', i] * (X[r, j]^T W X[s, t]),
whatever its heads are: linear in T, the same T for every token t.  Here k' is the accumulator row that is read at the
value token i, r and s are the feature blocks that meet at the key token j and at t, and W is I, C or C^T.
Over a constant row it may also add sum K[k; k'] * Y[k', t], a fixed map of the rows token by token (tokenwise.py).
The textbook loop, run on symbols, says what the change must be.  Matching coefficients is a linear system for T and K.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from ..arithmetics.linear import Equation, Inconsistent, Solution, solve
from ..errors import NotRepresentableError
from ..transitions import Sweep
from .coefficients import Sum
from .columns import met
from .matching import common_denominator, over_shared
from .scalar import Scalar
from .state import SymbolicState
from .vectors import Vector
from .words import Exponents, Monomial, Word, times, word_text

Slice = tuple[str, str, str, Word, str]  # (row k, row k' read, block r at the key, word, block s at the query side)
Part = tuple[tuple[Exponents, Fraction], ...]
Polynomial = dict[Exponents, Fraction]  # a polynomial in the parameters


class Unknown(NamedTuple):
    """One entry of T, the row k left out: it is the same unknown pattern for every row.  A tuple, which hashes fast."""

    read: str
    value_token: int
    key_token: int
    key_block: str
    word: Word
    query_block: str


@dataclass(frozen=True)
class OwnToken:
    """One entry of K, the row k left out: what row `read` adds at its own token."""

    read: str


@dataclass(frozen=True)
class TensorSolution:
    """T and K solved at one context length n.

    slices     (k, k', r, W, s) -> {(i, j): entry}, non-zero entries only; i, j = 1..n, n+1 is the query, and n+2 any
               unit column, joined to itself
    own        (k, k') -> entry of K, non-zero ones only
    unknowns   entries of T and K a row; `determined` of them are forced, `undetermined` occur but are not forced,
               `invisible` multiply nothing that any prompt holds
    equations  distinct equations, all rows together
    seen       the unknowns of a row that occur in equations
    """

    n: int
    slices: dict[Slice, dict[tuple[int, int], Polynomial]]
    own: dict[tuple[str, str], Polynomial]
    unknowns: int
    determined: int
    undetermined: tuple[Unknown | OwnToken, ...]
    invisible: int
    equations: int
    seen: tuple[Unknown | OwnToken, ...]


class Ansatz:
    """Tokens, rows and words of one algorithm at one context length n, ready to be matched."""

    def __init__(self, state: SymbolicState, n: int):
        self.state, self.n = state, n
        algorithm, a = state.algorithm, state.algebra
        self.transitions = [state.transition(str(j)) for j in range(1, n + 1)]
        self.tokens = [algorithm.context_token(t, state.p) for t in self.transitions]
        self.tokens.append(algorithm.query_token(state.query(), a.number(0)))
        if algorithm.unit_columns:
            self.tokens.append(algorithm.context_token(state.unit_transition(), state.p))
        self.rows = [algorithm.column_values(state.weights, token, state.p) for token in self.tokens]
        self.words: list[Word] = [()]
        for name in algorithm.preconditioners:
            if name not in algorithm.scalar_preconditioners:
                self.words += [((name, False),), ((name, True),)]

    def block(self, token: int, name: str) -> Any:
        """The entries of a feature block at a token (0-based)."""
        value = getattr(self.tokens[token], name)
        return self.state.algebra.number(value) if isinstance(value, (int, Fraction)) else value

    def contraction(self, key_token: int, key_block: str, word: Word, token: int, query_block: str) -> Scalar | None:
        """X[r, j]^T W X[s, t]; None where a scalar block would meet a vector block: nothing natural in d joins them."""
        return self._between(self.block(key_token, key_block), word, self.block(token, query_block))

    @staticmethod
    def _between(left: Any, word: Word, right: Any) -> Scalar | None:
        if isinstance(left, Vector) != isinstance(right, Vector):
            return None
        if not isinstance(left, Vector):
            return None if word else left * right
        product: Scalar = left @ Vector(right.algebra, {(word + w, atom): s for (w, atom), s in right.terms.items()})
        return product

    def change(self) -> list[list[Scalar]]:
        """n times the change that the textbook update demands of each row at each token: [token][row]."""
        state = self.state
        new = state.update(Sweep(self.transitions))
        after = [state.algorithm.column_values(new, token, state.p) for token in self.tokens]
        return [
            [(y - x) * self.n for x, y in zip(old, now, strict=True)] for old, now in zip(self.rows, after, strict=True)
        ]

    def meetings(self, token: int) -> Iterator[tuple[int, str, Word, str, Scalar]]:
        """Every (key token, key block, word, block at `token`) that meets there, with X[r, j]^T W X[s, t], not zero."""
        names = [b.name for b in self.state.algorithm.features]
        for key in range(self.n + 1):
            for r in names:
                for s in names:
                    for word in self.words:
                        met = self.contraction(key, r, word, token, s)
                        if met is not None and met:
                            yield key + 1, r, word, s, met

    def products(self, token: int) -> dict[Unknown | OwnToken, dict[tuple[Monomial, Exponents], Fraction]]:
        """n times what each unknown multiplies at a token; unknowns that multiply zero there are left out.

        Keys are monomials in what prompts hold, each with its monomial in the parameters.
        """
        names = [row.name for row in self.state.algorithm.accumulators]
        values = [
            (row.name, i + 1, _flat(y))
            for i, rows in enumerate(self.rows)
            for row, y in zip(self.state.algorithm.accumulators, rows, strict=True)
            if y
        ]
        result: dict[Unknown | OwnToken, dict[tuple[Monomial, Exponents], Fraction]] = {}
        if self.state.constant is not None:
            for read, i, y in values:
                if i == token + 1:
                    result[OwnToken(read)] = {monomial: self.n * c for monomial, c in y.items()}
        for at, r, word, s, meeting in self.meetings(token):
            if token == self.n + 1:  # there the blocks hold what the unit columns' coefficients are
                for row, name in enumerate(names):
                    for i, rows in enumerate(self.rows[: self.n + 1], 1):
                        if rows[row]:
                            result[Unknown(name, i, at, r, word, s)] = _flat(rows[row] * meeting)
                continue
            plain = _plain(meeting)
            for read, i, y in values:
                if i > self.n + 1:
                    continue
                if len(plain) == 1:  # as nearly always: then nothing is collected
                    ((k, e),) = plain.items()
                    result[Unknown(read, i, at, r, word, s)] = {
                        (times(m, k), exponents): c if e == 1 else c * e for (m, exponents), c in y.items()
                    }
                    continue
                product: dict[tuple[Monomial, Exponents], Fraction] = {}
                for (m, exponents), c in y.items():
                    for k, e in plain.items():
                        key = times(m, k), exponents
                        product[key] = product.get(key, Fraction(0)) + c * e
                result[Unknown(read, i, at, r, word, s)] = product
        return result | self._over_units(token)

    def _over_units(self, token: int) -> dict[Unknown | OwnToken, dict[tuple[Monomial, Exponents], Fraction]]:
        """The same of entries that join each unit column to itself, one for all: sums over orthonormal vectors."""
        algorithm = self.state.algorithm
        result: dict[Unknown | OwnToken, dict[tuple[Monomial, Exponents], Fraction]] = {}
        if not algorithm.unit_columns:
            return result
        at, vectors = self.n + 2, [b.name for b in algorithm.features if not b.scalar]
        for read in (row.name for row in algorithm.accumulators):
            for r in vectors:
                summed: Any = Vector(self.state.algebra, {})
                for t, multiple in met(self.state, self.tokens[-1], read, r).items():
                    summed = summed + multiple * self.state.weights[t]
                for s in vectors:
                    for word in self.words:
                        product = self._between(summed, word, self.block(token, s))
                        if product is not None and product:
                            result[Unknown(read, at, at, r, word, s)] = _flat(product)
        return result

    def count(self) -> int:
        """Entries of T and K a row, the query token's included."""
        blocks = self.state.algorithm.features
        pairs = sum(1 if r.scalar else len(self.words) for r in blocks for s in blocks if r.scalar == s.scalar)
        rows = len(self.state.algorithm.accumulators)
        units = sum(not b.scalar for b in blocks) ** 2 * len(self.words) if self.state.algorithm.unit_columns else 0
        return rows * ((self.n + 1) ** 2 * pairs + units + (self.state.constant is not None))

    @cached_property
    def equations(self) -> list[Equation]:
        """The linear system, all rows at once: a right-hand symbol is (row, parameter monomial)."""
        change = self.change()
        names = [r.name for r in self.state.algorithm.accumulators]
        result: list[Equation] = []
        for t in range(len(self.tokens)):
            left: dict[Monomial, dict[Exponents, dict[Unknown | OwnToken, Fraction]]] = {}
            for unknown, product in self.products(t).items():
                for (monomial, exponents), c in product.items():
                    left.setdefault(monomial, {}).setdefault(exponents, {})[unknown] = c
            right: dict[Monomial, dict[str, Polynomial]] = {}
            for name, scalar in zip(names, change[t], strict=True):
                for monomial, part in scalar.parts().items():
                    right.setdefault(monomial, {})[name] = part
            for monomial in {**left, **right}:
                shared = over_shared(self.state.algebra, left.get(monomial, {}), right.get(monomial, {}))
                if shared is None:
                    raise NotRepresentableError(_PARAMETERS.format(self.describe((t + 1, monomial))))
                demanded = {(row, m): c for row, part in shared.right.items() for m, c in part.items()}
                result.append(Equation(shared.left, demanded, (t + 1, monomial)))
        return result

    def solve(self) -> TensorSolution:
        """Solve for T; `NotRepresentableError` with the offending terms when no tensor does it."""
        equations, denominator = self._cleared(self.equations)
        solution = solve(equations)
        if isinstance(solution, Inconsistent):
            terms = tuple(dict.fromkeys(self.describe(label) for label in solution.labels))
            words = ", ".join(word_text(w) for w in self.words)
            more = f" (and {len(terms) - 1} more terms)" if len(terms) > 1 else ""
            asked = (
                f"no head with key-query blocks {words} produces {terms[0]}{more}; a term may hold one accumulator "
                "entry of a value token, one feature entry of a key token, and one feature entry of its own token"
                + ("" if self.state.constant is None else ", or one accumulator entry of its own token")
                if solution.unreachable
                else f"each term could be produced, but the weights that {terms[0]}{more} and the other terms ask for "
                "contradict each other"
            )
            who = "no heads of the form W P = diag(0, U), Q = diag(E, 0) do this update"
            raise NotRepresentableError(f"{who}: {asked}", terms)
        return self._gather(solution, denominator)

    def _cleared(self, equations: list[Equation]) -> tuple[list[Equation], Scalar | None]:
        """The system times a common denominator of its right-hand sides, whose monomials are then independent."""
        sums = any(isinstance(name, Sum) for e in equations for _, exponents in e.right for name, _ in exponents)
        if not sums:
            return equations, None
        a = self.state.algebra
        sides: list[dict[Any, Part]] = []
        for e in equations:
            parts: dict[Any, dict[Exponents, Fraction]] = {}
            for (row, exponents), c in e.right.items():
                parts.setdefault(row, {})[exponents] = c
            sides.append({row: tuple(sorted(part.items())) for row, part in parts.items()})
        scalars = {part: a.monomials(dict(part)) for side in sides for part in side.values()}  # few are different
        denominator = common_denominator(a, list(scalars.values()))
        if denominator is None:
            return equations, None
        cleared = {part: (scalar * denominator).parts().get((), {}) for part, scalar in scalars.items()}
        return [
            Equation(e.left, {(row, m): c for row, part in side.items() for m, c in cleared[part].items()}, e.label)
            for e, side in zip(equations, sides, strict=True)
        ], denominator

    def _gather(self, solution: Solution, denominator: Scalar | None) -> TensorSolution:
        a = self.state.algebra
        slices: dict[Slice, dict[tuple[int, int], Polynomial]] = {}
        own: dict[tuple[str, str], Polynomial] = {}
        for u, row in solution.values.items():
            if denominator is not None:
                rows: dict[str, dict[Any, Fraction]] = {}
                for (k, exponents), c in row.items():
                    rows.setdefault(k, {})[exponents] = c
                over = {k: (a.monomials(part) * denominator.inverse()).parts() for k, part in rows.items()}
                row = {(k, exponents): c for k, parts in over.items() for exponents, c in parts.get((), {}).items()}
            for (k, exponents), c in row.items():
                if isinstance(u, OwnToken):
                    own.setdefault((k, u.read), {})[exponents] = c
                    continue
                at = slices.setdefault((k, u.read, u.key_block, u.word, u.query_block), {})
                at.setdefault((u.value_token, u.key_token), {})[exponents] = c
        seen = (*solution.values, *solution.free)
        return TensorSolution(
            self.n,
            slices,
            own,
            self.count(),
            solution.rank,
            solution.free,
            self.count() - len(seen),
            solution.equations,
            seen,
        )

    def describe(self, label: tuple[int, Monomial]) -> str:
        """A matched monomial in words."""
        token, monomial = label
        a = self.state.algebra
        factors = []
        for position, exponent in monomial:
            kind, *rest = a.key(position)
            if kind == "contraction":
                left, word, right = rest
                name = f"{left}^T {word_text(word)} {right}" if word else f"{left}.{right}"
            else:
                name = str(rest[0])
            factors.append(name if exponent == 1 else f"{name}^{exponent}")
        where = {self.n + 1: "the query", self.n + 2: "a unit column"}.get(token, f"token {token}")
        return f"{' * '.join(factors) or '1'} at {where}"


_PARAMETERS = (
    "the rows of the prompt hold a parameter in a way that is not derived, in {}: hold a successor's features as they "
    "are, t.phi_next, and let each accumulator discount them by one parameter, or discount them in one feature block, "
    "p.gamma * t.phi_next (further successors' features are declared in successor_vectors, other vectors in "
    "transition_vectors); or give heads=..."
)


def _flat(scalar: Scalar) -> dict[tuple[Monomial, Exponents], Fraction]:
    """A scalar as {(monomial in what prompts hold, monomial in the parameters): coefficient}."""
    return {(monomial, m): c for monomial, part in scalar.parts().items() for m, c in part.items()}


def _plain(scalar: Scalar) -> dict[Monomial, Fraction]:
    """A scalar without parameters, as {monomial: coefficient}."""
    parts = scalar.parts()
    if any(set(part) != {()} for part in parts.values()):
        raise NotRepresentableError(_PARAMETERS.format(scalar.text()))
    return {monomial: part[()] for monomial, part in parts.items()}
