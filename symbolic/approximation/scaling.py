"""How h grows: is it Lipschitz in v, and does h_c(v) = h(c v)/c settle down to some h_infinity as c grows.

A piecewise affine h is Lipschitz, and h_infinity drops its constants: |h_c - h_infinity| <= K/c. Along a ray v = c u
any piecewise polynomial is, for large c, one polynomial in c: a degree of 2 or more refutes both, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul

from .move import Placed, plain_and_products
from .quantity import Monomial, Quantity, of_parts, of_terms
from .samples import Samples
from .table import AtomTable

InC = list[Fraction]
"""A polynomial in c, lowest coefficient first, no zero at the end."""


@dataclass(frozen=True, eq=False)
class Growth:
    """h at a transition and along a ray: entry `place` of h(c u, y) is `leading` c^degree and lower terms."""

    transition: int
    place: int
    ray: tuple[Fraction, ...]
    degree: int
    leading: Fraction


def is_affine(q: Quantity, bilinear: range = range(0)) -> bool:
    """Whether a quantity is affine in weights and in maxima of such quantities; it may be times an entry of the trace.

    bilinear : the variables that are entries of the trace
    """
    return _affine(q.table, q.parts, bilinear)


def _affine(table: AtomTable, monomials: Iterable[Monomial], bilinear: range) -> bool:
    variables = len(table.names)
    for monomial in monomials:
        atoms = [a for a in monomial if a not in bilinear] if len(monomial) > 1 else monomial
        if len(atoms) > 1:
            return False
        if (
            atoms
            and atoms[0] >= variables
            and not all(is_affine(arg, bilinear) for arg in table.arguments(atoms[0]) or ())
        ):
            return False
    return True


def all_affine(samples: Samples) -> bool:
    """Whether h is affine in the weights, maxima of affine functions included, for every y (and every eta)."""
    if "affine" not in samples.known:
        scalars = range(samples.size, len(samples.table.names))  # entries of the trace, and eta where it is a symbol
        samples.known["affine"] = _affine(samples.table, samples.monomials_before_adding, scalars) or _affine(
            samples.table, samples.monomials, scalars
        )
    return bool(samples.known["affine"])


def lipschitz(samples: Samples) -> Fraction | None:
    """A constant L with |h(v, y) - h(w, y)| <= L |v - w| in the sup-norm for every y, without traces; else None.

    It is the largest row sum of slopes, for a maximum the largest among its arguments; where an entry of h is left as a
    sum of quantities times numbers, the slopes of each are added.  Where eta is a symbol, that of the samples' own eta
    is taken, term by term.
    """
    if samples.trace_size or not all_affine(samples):
        return None
    slopes: dict[int, tuple[int, int]] = {}  # of the sums that entries of h are multiples of
    sizes = _AtEta(samples) if samples.symbolic_ratio else None

    def of(q: Quantity) -> tuple[int, int]:
        if id(q.parts) not in slopes:
            if sizes is None:
                total = slope(of_parts(q))
            else:
                total = Fraction(sum(map(mul, map(abs, q.parts.values()), map(sizes.__getitem__, q.parts))))
            slopes[id(q.parts)] = total.numerator, total.denominator
        above, below = slopes[id(q.parts)]
        return above * abs(q.num), below * q.den

    top, bottom = 0, 1
    for move in samples.moves:
        plain, products = plain_and_products(move)
        if any(isinstance(x, Quantity) for *_, vector in products for x in vector):
            plain, products = move, ()
        for above, below in (*map(of, plain.values()), *_row_sums(products, of)):
            if above * bottom > top * below:
                top, bottom = above, below
    return Fraction(top, bottom)


def _row_sums(products: Sequence[Placed], of: Callable[[Quantity], tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """The slopes of entries that are sums of quantities times numbers, as numerators and denominators."""
    sums: dict[int, tuple[int, int]] = {}
    for start, q, vector in products:
        num, den = of(q)
        for place, x in enumerate(vector, start):
            above, below = sums.get(place, (0, 1))
            top, bottom = num * abs(x.numerator), den * x.denominator
            sums[place] = (above + top, below) if below == bottom else (above * bottom + top * below, below * bottom)
    return sums.values()


class _AtEta(dict[Monomial, Fraction | int]):
    """What a weight's factor in a monomial of an affine h is worth; eta, a symbol, is positive."""

    def __init__(self, samples: Samples):
        self._place = len(samples.table.names) - 1
        eta = samples.parameters["eta"]
        self._eta = eta.numerator if eta.denominator == 1 else eta

    def __missing__(self, monomial: Monomial) -> Fraction | int:
        power = monomial.count(self._place)
        self[monomial] = value = self._eta**power if power < len(monomial) else 0
        return value


def slope(q: Quantity) -> Fraction:
    """The sum of absolute slopes of a piecewise affine quantity."""
    if not q.table.maxima:
        return Fraction((sum(map(abs, q.parts.values())) - abs(q.parts.get((), 0))) * abs(q.num), q.den)
    variables = len(q.table.names)
    whole = sum(abs(c) for monomial, c in q.parts.items() if monomial and monomial[0] < variables)
    total = Fraction(0)
    for monomial, c in q.parts.items():
        if monomial and monomial[0] >= variables:
            total += abs(c) * max(slope(arg) for arg in q.table.arguments(monomial[0]) or ())
    return (total + whole) * Fraction(abs(q.num), q.den)


def at_infinity(q: Quantity) -> Quantity:
    """The limit of q(c v)/c of a piecewise affine quantity: constants fall away, inside maxima too."""
    total = of_terms(q.table, {m: c for m, c in q.terms.items() if m and q.table.arguments(m[0]) is None})
    for monomial, c in q.terms.items():
        args = q.table.arguments(monomial[0]) if monomial else None
        if args is not None:
            total = total + q.table.maximum([at_infinity(arg) for arg in args]).scaled(c)
    return total


def constants_inside(q: Quantity) -> bool:
    """Whether a maximum has an argument with a constant: then c (h_c - h_infinity) depends on c."""
    for monomial in q.parts:
        for a in monomial:
            for arg in q.table.arguments(a) or ():
                if () in arg.parts or constants_inside(arg):
                    return True
    return False


def growth(samples: Samples, rays: int = 24) -> Growth | None:
    """An entry of h and a ray along which it grows faster than linearly; None where no ray that was tried shows it."""
    for k, move in enumerate(samples.moves):
        for place, q in move.items():
            if is_affine(q, samples.trace_entries):
                continue
            for ray in _rays(len(samples.table.names), rays):
                leading = along(q, ray)
                if len(leading) > 2:
                    return Growth(k, place, tuple(ray[: samples.size]), len(leading) - 1, leading[-1])
    return None


def _rays(size: int, count: int) -> Iterator[list[Fraction]]:
    """Directions: ones, minus ones, and others without pattern."""
    yield [Fraction(1)] * size
    yield [Fraction(-1)] * size
    for k in range(count):
        yield [Fraction((7 * i * i + 3 * k * i + 5 * k + 1) % (11 + 2 * k) - 5 - k) for i in range(size)]


def along(q: Quantity, ray: Sequence[Fraction]) -> InC:
    """q(c u) for large c as a polynomial in c; a maximum is the argument that is largest in the end."""
    known: dict[int, InC] = {}

    def atom(a: int) -> InC:
        args = q.table.arguments(a)
        if args is None:
            return [Fraction(0), ray[a]] if ray[a] else []
        if a not in known:
            known[a] = max((value(arg) for arg in args), key=_Large)
        return known[a]

    def value(p: Quantity) -> InC:
        total: InC = []
        for monomial, c in p.terms.items():
            term = [c]
            for a in monomial:
                term = _times(term, atom(a))
            total = _plus(total, term)
        return total

    return value(q)


class _Large:
    """Orders polynomials by their size for large c."""

    def __init__(self, p: InC):
        self.p = p

    def __lt__(self, other: _Large) -> bool:
        difference = _plus(self.p, [-x for x in other.p])
        return bool(difference) and difference[-1] < 0


def _plus(p: InC, q: InC) -> InC:
    size = max(len(p), len(q))
    total = [(p[k] if k < len(p) else 0) + (q[k] if k < len(q) else Fraction(0)) for k in range(size)]
    while total and not total[-1]:
        total.pop()
    return total


def _times(p: InC, q: InC) -> InC:
    if not p or not q:
        return []
    total = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, x in enumerate(p):
        for j, y in enumerate(q):
            total[i + j] += x * y
    return total
