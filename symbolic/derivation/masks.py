"""Masks in closed form: M_ij for every context length n, and the lemma that makes them right for every n.

M_ij weighs value token i against key token j.  A mask here is a diagonal, plus lower triangles
coefficient(i) * decay^(i-1-j) for j < i (a trace over features), plus upper triangles
coefficient(j) * decay^(j-1-i) for i < j (a trace over an accumulator row).  A trace that is read some steps late has a
triangle that starts so far from the diagonal.  Where the decay depends on the position, decay^(i-1-j) is the product
of the decays of the steps between, kept as the recursion M_ij = decay(i-1) M_(i-1)j.  The query's row and column are
zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sympy import (
    Expr,
    Heaviside,
    Integer,
    KroneckerDelta,
    Product,
    Symbol,
    expand,
    factor_list,
    fraction,
    powsimp,
    together,
)

from .coefficients import INDEX, LENGTH, Sum, prime_powers, product_of
from .loop import Term
from .scalar import Scalar

I, J = Symbol("i", integer=True, positive=True), Symbol("j", integer=True, positive=True)  # noqa: E741


POSITIVE = Symbol("s", integer=True, positive=True)
STEP = Symbol("k", integer=True, positive=True)


@dataclass(frozen=True, eq=False)
class Triangle:
    """One triangle of a mask: coefficient(later) * decay^(distance - 1 - delay) * enters(earlier) beyond `delay`.

    coefficient  in the parameters, the length and the position of the later token
    decay        the same in the position of a step; where it depends on it, the power is the product of the steps'
    enters       the same in the position of the earlier token; None for one
    """

    coefficient: Scalar
    decay: Scalar
    delay: int = 0
    enters: Scalar | None = None

    @property
    def geometric(self) -> bool:
        """Whether the decay is the same at every step."""
        return INDEX not in self.decay.names()

    def entry(self, later: Symbol, earlier: Symbol) -> Expr:
        """The entry as a SymPy expression in the positions of the later and the earlier token."""
        coefficient, distance = self.coefficient, later - earlier - 1 - self.delay
        beyond = Heaviside(distance, 1) if self.delay else Integer(1)
        if self.enters is not None:
            beyond = beyond * _at(self.enters, earlier)
        if not self.decay:  # a trace without memory: one token, so many steps back
            return (
                _at(coefficient, later)
                * KroneckerDelta(distance, 0)
                * (Integer(1) if self.enters is None else _at(self.enters, earlier))
            )
        if not self.geometric:
            between = Product(_at(self.decay, STEP), (STEP, earlier + 1, later - 1 - self.delay))
            return _at(coefficient, later) * between * beyond
        if self.decay and not self.delay and self.decay != 1:
            quotient = coefficient * self.decay.inverse()
            if not any(kind == "inverse" and INDEX not in Sum.names(name) for kind, name in quotient.generators()):
                coefficient, distance = quotient, later - earlier  # lam * lam^(i-j-1) reads better as lam^(i-j)
        return _at(coefficient, later) * self.decay.expr() ** distance * beyond


def _at(scalar: Scalar, position: Expr) -> Expr:
    """A scalar in the position, as a SymPy expression in another position."""
    return scalar.expr().subs(Symbol(INDEX), position)


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

        def triangles(side: tuple[Triangle, ...]) -> tuple[Any, ...]:
            entered = ((t, "" if t.enters is None else text(t.enters)) for t in side)
            return tuple(sorted((text(t.coefficient), text(t.decay), t.delay, enters) for t, enters in entered))

        return text(self.diagonal), triangles(self.lower), triangles(self.upper)

    @property
    def is_context_mask(self) -> bool:
        """Whether this is M0: one on the context's diagonal, zero elsewhere."""
        return not self.lower and not self.upper and self.diagonal == 1

    def diagonal_entry(self) -> Expr:
        """M_ii as an expression in i."""
        return _at(self.diagonal, I)

    def lower_entry(self) -> Expr:
        """M_ij for j < i as an expression in i and j."""
        return powsimp(sum((t.entry(I, J) for t in self.lower), Integer(0)))

    def upper_entry(self) -> Expr:
        """M_ij for i < j as an expression in i and j."""
        return powsimp(sum((t.entry(J, I) for t in self.upper), Integer(0)))

    def scalars(self) -> list[Scalar]:
        """All coefficients, decays and what enters."""
        sides = [(t.coefficient, t.decay, t.enters) for t in (*self.lower, *self.upper)]
        return [self.diagonal, *(x for side in sides for x in side if x is not None)]

    def names(self) -> set[str]:
        """The names of all that its entries depend on."""
        return {name for part in self.scalars() for name in part.names()}

    def rows(self, n: int, values: Mapping[str, Any], number: Callable[[Fraction], Any]) -> list[list[Any]]:
        """The (n+1) x (n+1) mask with the parameters set to `values`, entries made by `number` from rationals.

        The last row and column, the query's, are zero; zeros and the ones of M0 are plain integers.
        """
        result: list[list[Any]] = [[0] * (n + 1) for _ in range(n + 1)]
        at = [{**values, LENGTH: Fraction(n), INDEX: Fraction(i)} for i in range(n + 1)]
        plain = self.is_context_mask
        for i, entry in enumerate([1] * n if plain else evaluate_each(self.diagonal, at[1:], number)):
            result[i][i] = entry
        for triangles, transposed in ((self.lower, False), (self.upper, True)):
            for triangle in triangles:
                between = _decays(triangle, at, number)
                for later, coefficient in enumerate(evaluate_each(triangle.coefficient, at[2:], number), 2):
                    if coefficient == 0:  # a token that the layer does not read
                        continue
                    for earlier in range(1, later - triangle.delay):
                        entry = coefficient * between(earlier, later - 1 - triangle.delay)
                        i, j = (earlier, later) if transposed else (later, earlier)
                        result[i - 1][j - 1] = result[i - 1][j - 1] + entry
        return result


def _decays(triangle: Triangle, at: list[dict[str, Any]], number: Callable[[Fraction], Any]) -> Callable[..., Any]:
    """(earlier, last) -> enters(earlier) times the decays of the steps earlier + 1, ..., last."""
    count = len(at)
    if triangle.geometric and triangle.enters is None:
        decay = evaluate(triangle.decay, at[1], number)
        powers = [number(Fraction(1))]
        for _ in range(count - 2):
            powers.append(powers[-1] * decay)
        return lambda earlier, last: powers[last - earlier]
    one = number(Fraction(1))
    each = [one, *(evaluate(triangle.decay, values, number) for values in at[1:])]
    products: dict[int, list[Any]] = {}
    for earlier in range(1, count):
        enters = one if triangle.enters is None else evaluate(triangle.enters, at[earlier], number)
        products[earlier] = [enters]
        for step in range(earlier + 1, count):  # the recursion itself
            products[earlier].append(products[earlier][-1] * each[step])
    return lambda earlier, last: products[earlier][last - earlier]


def evaluate(scalar: Scalar, values: Mapping[str, Any], number: Callable[[Fraction], Any]) -> Any:
    """A scalar in the parameters at given values: `number` turns rationals into the arithmetic of the values.

    Raises `ZeroDivisionError` when it divides by zero there.
    """
    return evaluate_each(scalar, [values], number)[0]


def evaluate_each(scalar: Scalar, many: Sequence[Mapping[str, Any]], number: Callable[[Fraction], Any]) -> list[Any]:
    """`evaluate` at each of many values."""
    terms = [term for part in scalar.parts().values() for term in part.items()]
    zero, result = number(Fraction(0)), []
    for values in many:
        products = (product_of(coefficient, exponents, values, number) for exponents, coefficient in terms)
        result.append(sum(products, zero))
    return result


def masks_of(terms: tuple[Term, ...]) -> dict[tuple[str, str], tuple[Scalar, Mask]]:
    """The terms of a total, gathered to {(row, block): (scale, mask)} with the mask's diagonal normalised.

    The scale is the part of the diagonal that does not depend on the position, if that is one product of parameters.
    """
    gathered: dict[tuple[str, str], tuple[list[Scalar], list[Triangle], list[Triangle]]] = {}
    for term in terms:
        diagonal, lower, upper = gathered.setdefault((term.row, term.block), ([], [], []))
        if term.block_trace is not None:
            lower.append(Triangle(term.coefficient, term.block_trace.decay, term.block_trace.delay, term.enters))
        elif term.row_trace is not None:
            upper.append(Triangle(term.coefficient, term.row_trace.decay, term.row_trace.delay, term.enters))
        else:
            diagonal.append(term.coefficient)
    result = {}
    for key, (diagonal, lower, upper) in gathered.items():
        a = (diagonal or [t.coefficient for t in (*lower, *upper)])[0].algebra
        total = sum(diagonal, a.number(0))
        scale = _scale(total if total else (*lower, *upper)[0].coefficient)
        inverse = scale.inverse()
        parts = [total, *(t.coefficient for t in (*lower, *upper))]
        if _denominators([part * inverse for part in parts]) - _denominators(parts):
            # a mask is not normalised by what some of its entries would then be divided by
            scale, inverse = a.number(1), a.number(1)

        def normalised(triangles: list[Triangle], inverse: Scalar = inverse) -> tuple[Triangle, ...]:
            return tuple(replace(t, coefficient=t.coefficient * inverse) for t in triangles)

        result[key] = (scale, Mask(total * inverse, normalised(lower), normalised(upper)))
    return result


def _denominators(scalars: list[Scalar]) -> set[str]:
    return {name for s in scalars for kind, name in s.generators() if kind == "inverse"}


def _scale(scalar: Scalar) -> Scalar:
    a = scalar.algebra
    positions = [i for i in range(len(a._keys)) if {INDEX, LENGTH} & set(Sum.names(a.key(i)[1]))]
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


def _between(residual: Expr) -> Expr:
    """Products of decays that start at one step, by the shortest of them: P(m + 1) = decay(m + 1) P(m)."""
    products = list(residual.atoms(Product))
    known: dict[Expr, Expr] = {}
    for product in products:
        factor, (step, first, last) = product.function, product.limits[0]
        length = expand(last - first) + 1
        shortest = min(
            (p for p in products if p.function == factor and (p.limits[0][1] - first).expand() == 0),
            key=lambda p: _number(expand(p.limits[0][2] - last)),
        )
        base = shortest.limits[0][2]
        more = expand(last - base)
        if length.is_Integer:
            base, more, start = first - 1, length, Integer(1)
        else:
            start = Symbol(f"P{products.index(shortest)}")
        if not more.is_Integer or more < 0 or more > _LONGEST:
            continue
        for k in range(1, int(more) + 1):
            start = start * factor.subs(step, base + k)
        known[product] = start
    return residual.xreplace(known)


def _split_power(power: Expr) -> Expr:
    """base^(2 i - j + 3) as base^3 (base^i)^2 / base^j, each base^position a symbol of its own, the base irreducible.

    Powers of irreducible bases with the positions are independent of each other and of the positions.
    """
    factors: list[tuple[Expr, int]] = []
    for side, sign in zip(fraction(together(power.base)), (1, -1), strict=True):
        constant, bases = factor_list(side)
        factors += [(base, sign * multiple) for base, multiple in bases]
        number = Fraction(int(constant.p), int(constant.q))
        factors += [(Integer(int(prime)), sign * multiple) for prime, multiple in prime_powers(number)]
    result = Integer(1)
    for position, count in expand(power.exp).as_coefficients_dict().items():
        for base, multiple in factors:
            if position == 1:
                result *= base ** (multiple * count)
            else:
                result *= Symbol(f"{base}^{position}") ** (multiple * count)
    return result


def _number(x: Expr) -> int:
    return int(x) if x.is_Integer else 0


_LONGEST = 64


@dataclass(frozen=True)
class LemmaStep:
    """One identity of the mask lemma: `claim` in words, `residual` the expression that must be zero."""

    claim: str
    residual: Expr

    @property
    def holds(self) -> bool:
        """Whether the residual is zero for every position: then it is zero as a rational function."""
        known = _between(self.residual).replace(Heaviside, _step)
        rational = known.replace(lambda x: x.is_Pow and bool(x.exp.free_symbols), _split_power)
        numerator, _ = fraction(together(rational))
        return bool(expand(numerator) == 0)


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
            "step i adds M_ii times the row and the block at i",
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
            steps += _triangle_steps(triangle, term, factor, later, earlier)
    return tuple(steps)


def _triangle_steps(triangle: Triangle, term: Term, factor: Expr, later: Symbol, earlier: Symbol) -> list[LemmaStep]:
    """The induction for one triangle: where it starts, and what one more step does."""
    trace = term.trace
    assert trace is not None  # a triangle's term is carried by one
    steps: list[LemmaStep] = []
    coefficient = term.coefficient.expr()
    enters = Integer(1) if term.enters is None else _at(term.enters, earlier)
    entry = factor * triangle.entry(later, earlier)
    name, first = trace.name, 1 + trace.delay
    back = "the token before step i" if first == 1 else f"the token {first} before step i"
    weight = "weight one" if term.enters is None else f"weight {_at(term.enters, earlier)}, its own position {earlier}"
    steps.append(
        LemmaStep(
            f"{back} enters through {name} with {weight}",
            entry.subs(later, earlier + first) - coefficient.subs(Symbol(INDEX), earlier + first) * enters,
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
    if trace.decay:
        decay = _at(trace.decay, later - trace.delay)  # of the step that the trace takes next
        one_more = entry.subs(later, later + 1) * coefficient.subs(Symbol(INDEX), later)
        one_more -= decay * entry * coefficient.subs(Symbol(INDEX), later + 1)
        steps.append(
            LemmaStep(
                f"one more step multiplies its weight in {name} by the decay "
                f"{trace.decay.expr() if INDEX not in trace.decay.names() else decay}",
                one_more.subs(later, earlier + trace.delay + POSITIVE) if trace.delay else one_more,
            )
        )
    return steps
