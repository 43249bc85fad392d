"""Masks in closed form: M_ij for every context length n, and the lemma that makes them right for every n.

M_ij weighs value token i against key token j.  A mask here is a diagonal, plus lower triangles
coefficient(i) * decay^(i-1-j) for j < i (a trace over features), plus upper triangles
coefficient(j) * decay^(j-1-i) for i < j (a trace over an accumulator row).  A trace that is read some steps late has a
triangle that starts so far from the diagonal.  No entry depends on n; the query's row and column are zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Heaviside, Integer, KroneckerDelta, Symbol, expand, powsimp, simplify

from .contraction import Scalar
from .loop import Term
from .state import INDEX

I, J = Symbol("i", integer=True, positive=True), Symbol("j", integer=True, positive=True)  # noqa: E741


POSITIVE = Symbol("s", integer=True, positive=True)


@dataclass(frozen=True, eq=False)
class Triangle:
    """One triangle of a mask: coefficient(index) * decay^(distance - 1 - delay) beyond `delay`, in the parameters."""

    coefficient: Scalar
    decay: Scalar
    delay: int = 0

    def entry(self, later: Symbol, earlier: Symbol) -> Expr:
        """The entry as a SymPy expression in the positions of the later and the earlier token."""
        coefficient, distance = self.coefficient, later - earlier - 1 - self.delay
        beyond = Heaviside(distance, 1) if self.delay else Integer(1)
        if not self.decay:  # a trace without memory: one token, so many steps back
            return coefficient.expr().subs(Symbol(INDEX), later) * KroneckerDelta(distance, 0)
        if self.decay and not self.delay and self.decay != 1:
            quotient = coefficient * self.decay.inverse()
            if not any(kind == "inverse" and name != INDEX for kind, name in quotient.generators()):
                coefficient, distance = quotient, later - earlier  # lam * lam^(i-j-1) reads better as lam^(i-j)
        return coefficient.expr().subs(Symbol(INDEX), later) * self.decay.expr() ** distance * beyond


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask in closed form; `name` is M0 for the plain context mask, M1, M2, ... for others."""

    diagonal: Scalar
    lower: tuple[Triangle, ...] = ()
    upper: tuple[Triangle, ...] = ()

    def key(self) -> tuple[Any, ...]:
        """Two masks are the same mask exactly when their keys are equal."""

        def text(s: Scalar) -> str:
            return str(s.expr())

        return (
            text(self.diagonal),
            tuple(sorted((text(t.coefficient), text(t.decay), t.delay) for t in self.lower)),
            tuple(sorted((text(t.coefficient), text(t.decay), t.delay) for t in self.upper)),
        )

    @property
    def is_context_mask(self) -> bool:
        """Whether this is M0: one on the context's diagonal, zero elsewhere."""
        return not self.lower and not self.upper and self.diagonal == 1

    def diagonal_entry(self) -> Expr:
        """M_ii as an expression in i."""
        return self.diagonal.expr().subs(Symbol(INDEX), I)

    def lower_entry(self) -> Expr:
        """M_ij for j < i as an expression in i and j."""
        return powsimp(sum((t.entry(I, J) for t in self.lower), Integer(0)))

    def upper_entry(self) -> Expr:
        """M_ij for i < j as an expression in i and j."""
        return powsimp(sum((t.entry(J, I) for t in self.upper), Integer(0)))

    def rows(self, n: int, values: Mapping[str, Any], number: Callable[[Fraction], Any]) -> list[list[Any]]:
        """The (n+1) x (n+1) mask with the parameters set to `values`, entries made by `number` from rationals.

        The last row and column, the query's, are zero; zeros and the ones of M0 are plain integers.
        """
        result: list[list[Any]] = [[0] * (n + 1) for _ in range(n + 1)]
        for i in range(1, n + 1):
            result[i - 1][i - 1] = (
                1 if self.is_context_mask else evaluate(self.diagonal, {**values, INDEX: Fraction(i)}, number)
            )
        for triangles, transposed in ((self.lower, False), (self.upper, True)):
            for triangle in triangles:
                decay = evaluate(triangle.decay, values, number)
                powers = [number(Fraction(1))]
                for _ in range(n - 1):
                    powers.append(powers[-1] * decay)
                for later in range(2, n + 1):
                    coefficient = evaluate(triangle.coefficient, {**values, INDEX: Fraction(later)}, number)
                    for earlier in range(1, later - triangle.delay):
                        entry = coefficient * powers[later - earlier - 1 - triangle.delay]
                        i, j = (earlier, later) if transposed else (later, earlier)
                        result[i - 1][j - 1] = result[i - 1][j - 1] + entry
        return result


def evaluate(scalar: Scalar, values: Mapping[str, Any], number: Callable[[Fraction], Any]) -> Any:
    """A scalar in the parameters at given values: `number` turns rationals into the arithmetic of the values."""
    total = number(Fraction(0))
    for _, part in scalar.parts().items():
        for exponents, coefficient in part.items():
            term: Any = number(coefficient)
            for name, exponent in exponents:
                value = values[name]
                if isinstance(value, (int, Fraction)):
                    term = term * number(Fraction(value) ** exponent)
                elif exponent >= 0:
                    term = term * value**exponent
                else:
                    raise ZeroDivisionError(f"a weight divides by the parameter {name}")
            total = total + term
    return total


def masks_of(terms: tuple[Term, ...]) -> dict[tuple[str, str], tuple[Scalar, Mask]]:
    """The terms of a total, gathered to {(row, block): (scale, mask)} with the mask's diagonal normalised.

    The scale is the part of the diagonal that does not depend on the position, if that is one product of parameters.
    """
    gathered: dict[tuple[str, str], tuple[list[Scalar], list[Triangle], list[Triangle]]] = {}
    for term in terms:
        diagonal, lower, upper = gathered.setdefault((term.row, term.block), ([], [], []))
        if term.block_trace is not None:
            lower.append(Triangle(term.coefficient, term.block_trace.decay, term.block_trace.delay))
        elif term.row_trace is not None:
            upper.append(Triangle(term.coefficient, term.row_trace.decay, term.row_trace.delay))
        else:
            diagonal.append(term.coefficient)
    result = {}
    for key, (diagonal, lower, upper) in gathered.items():
        a = (diagonal or [t.coefficient for t in (*lower, *upper)])[0].algebra
        total = sum(diagonal, a.number(0))
        scale = _scale(total if total else (*lower, *upper)[0].coefficient)
        inverse = scale.inverse()

        def normalised(triangles: list[Triangle], inverse: Scalar = inverse) -> tuple[Triangle, ...]:
            return tuple(Triangle(t.coefficient * inverse, t.decay, t.delay) for t in triangles)

        result[key] = (scale, Mask(total * inverse, normalised(lower), normalised(upper)))
    return result


def _scale(scalar: Scalar) -> Scalar:
    a = scalar.algebra
    positions = [i for i in range(len(a._keys)) if a.key(i)[1:] == (INDEX,)]
    constant = {m: c for m, c in a.current(scalar.poly).items() if not any(m[i] for i in positions)}
    if len(constant) == 1:
        ring = a.current(scalar.poly).ring
        return Scalar(a, ring.from_dict(constant))
    return a.number(1)


def _step(distance: Expr, at_zero: Expr) -> Expr:
    """The step function of a distance whose sign SymPy knows, with the value one from zero on."""
    if distance.is_nonnegative:
        return Integer(1)
    return Integer(0) if distance.is_negative else Heaviside(distance, at_zero)


@dataclass(frozen=True)
class LemmaStep:
    """One identity of the mask lemma: `claim` in words, `residual` the expression that must be zero."""

    claim: str
    residual: Expr

    @property
    def holds(self) -> bool:
        """Whether the residual is zero for every position (decided by SymPy)."""
        known = self.residual.replace(Heaviside, _step)
        return bool(simplify(powsimp(expand(known), force=True)) == 0)


def lemma(mask: Mask, scale: Scalar, terms: tuple[Term, ...], row: str, block: str) -> tuple[LemmaStep, ...]:
    """The induction over the context for the entries of `mask` that serve (row, block).

    The loop's own recurrences are on one side: what step i adds to the total, and u_i = c u_{i-1} + s_i for its
    traces, so that (I - c S) T = M0 for the matrix T of the trace, S the shift.  The closed form is on the other.
    Both are compared at symbolic positions, so an entry that is right only for small n is refuted here.
    """
    own = [t for t in terms if (t.row, t.block) == (row, block)]
    factor = scale.expr()
    steps: list[LemmaStep] = []
    diagonal = sum((t.coefficient.expr() for t in own if not t.row_trace and not t.block_trace), Integer(0))
    steps.append(
        LemmaStep(
            "step i adds this multiple of (row at i) * (block at i)",
            factor * mask.diagonal_entry() - diagonal.subs(Symbol(INDEX), I),
        )
    )
    for triangles, transposed, traced in ((mask.lower, False, "block_trace"), (mask.upper, True, "row_trace")):
        wanted = [t for t in own if getattr(t, traced) is not None]
        later, earlier = (J, I) if transposed else (I, J)
        if len(triangles) != len(wanted):
            steps.append(LemmaStep("the mask has one triangle for each trace that the loop keeps", Integer(1)))
            continue
        for triangle, term in zip(triangles, wanted, strict=True):
            trace = getattr(term, traced)
            coefficient = term.coefficient.expr()
            entry = factor * triangle.entry(later, earlier)
            name, first = trace.name, 1 + trace.delay
            back = "the token before step i" if first == 1 else f"the token {first} before step i"
            steps.append(
                LemmaStep(
                    f"{back} enters through {name} with weight one",
                    entry.subs(later, earlier + first) - coefficient.subs(Symbol(INDEX), earlier + first),
                )
            )
            if trace.delay or not trace.decay:
                nearer = [entry.subs(later, earlier + k) for k in range(1, first)]
                further = [] if trace.decay else [entry.subs(later, earlier + first + POSITIVE)]
                steps.append(
                    LemmaStep(
                        f"nothing nearer{'' if trace.decay else ' or further'} enters through {name}",
                        sum((x**2 for x in (*nearer, *further)), Integer(0)),
                    )
                )
            if not trace.decay:
                continue
            one_more = entry.subs(later, later + 1) * coefficient.subs(Symbol(INDEX), later)
            one_more -= trace.decay.expr() * entry * coefficient.subs(Symbol(INDEX), later + 1)
            steps.append(
                LemmaStep(
                    f"one more step multiplies its weight in {name} by the decay {trace.decay.expr()}",
                    one_more.subs(later, earlier + trace.delay + POSITIVE) if trace.delay else one_more,
                )
            )
    return tuple(steps)
