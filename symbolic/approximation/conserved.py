"""What no update changes: functionals l with l^T h(v, y) = 0 for every v and every y, trace included.

Dependent features give them (l in null(Phi): Baird), and so does a second weight that repeats what the first adds up
(differential TD). The iterates stay in v_0 plus the space that updates span, and stability is a question about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import gcd, lcm

from ..markov import matrices
from ..markov.matrices import Vector
from .move import Changes
from .quantity import Monomial, Quantity
from .samples import Samples
from .traces import traces

PRIME = 2**61 - 1
LOOKED_AT = 200
"""The fewest transitions that the guess looks at."""


def conserved(samples: Samples) -> tuple[Vector, ...]:
    """A basis of the functionals that every update leaves alone, each (n,).

    The span of the updates is guessed from some transitions and modulo a prime, which can only lose dimensions, and
    every functional that the guess leaves is then checked on every update over the rationals.
    """
    size = samples.size
    order = _spread(samples)
    nothing = (Fraction(1), *([Fraction(0)] * samples.trace_size))
    first = ReachedTraces(samples, [nothing])
    reached = ReachedTraces(samples, _reached(samples, order)) if samples.trace_size else first
    basis: dict[int, list[int]] = {}
    chosen: list[dict[int, Fraction]] = []
    looked_at = order[: max(LOOKED_AT, 4 * size)]
    for traced, k in [(first, k) for k in looked_at] + [(reached, k) for k in looked_at] * bool(samples.trace_size):
        for vector in _updates(samples, k, traced):
            row = [0] * size
            for i, c in vector.items():
                row[i] = c.numerator * pow(c.denominator, -1, PRIME) % PRIME
            if _extends(basis, row):
                chosen.append(vector)
        if len(basis) == size:
            return ()
    rows = [[vector.get(i, Fraction(0)) for i in range(size)] for vector in chosen]
    while True:
        kept = [_whole(x) for x in matrices.kernel(matrices.matrix(rows or [[Fraction(0)] * size]))]
        missed = next((v for k in order for v in _against(samples, k, reached, kept)), None) if kept else None
        if missed is None:
            return tuple(kept)
        rows.append([missed.get(i, Fraction(0)) for i in range(size)])


def _spread(samples: Samples) -> list[int]:
    """The transitions in an order in which every state and action comes up early."""
    met: dict[tuple[int, int], int] = {}
    ranks = []
    for t in samples.transitions:
        ranks.append(met.get((t.state, t.action), 0))
        met[t.state, t.action] = ranks[-1] + 1
    return sorted(range(len(ranks)), key=ranks.__getitem__)


class ReachedTraces:
    """A basis of a space that holds (1, e) for every trace e that is reached, and what a transition makes of it."""

    def __init__(self, samples: Samples, basis: Sequence[Vector]):
        self._samples, self._basis = samples, basis
        self._after: dict[int, list[Vector]] = {}

    def after(self, k: int) -> Sequence[Vector]:
        """(1, e) after a transition, for each of the basis; what it takes to zero is left out."""
        if not self._samples.trace_size:
            return self._basis
        step = id(self._samples.traces[k])
        if step not in self._after:
            images = dict.fromkeys(_onward(self._samples, k, zeta) for zeta in self._basis)
            self._after[step] = [zeta for zeta in images if any(zeta)]
        return self._after[step]


def _onward(samples: Samples, k: int, zeta: Vector) -> Vector:
    """(1, e) after a transition, linear in the one before."""
    how = traces(samples)
    after = [zeta[0]]
    for j in range(samples.trace_size):
        mixed = sum((c * zeta[i + 1] for i, c in how.others[j][k]), Fraction(0))
        after.append(how.factors[j][k] * zeta[j + 1] + how.constants[j][k] * zeta[0] + mixed)
    return tuple(after)


def _against(samples: Samples, k: int, reached: ReachedTraces, kept: Sequence[Vector]) -> Iterator[dict[int, Fraction]]:
    """The updates of a transition that some functional does not leave alone."""
    move = samples.moves[k]
    if not any(_changed(move, x) for x in kept):
        return  # l^T h is zero as a polynomial in weights and trace, so at every trace
    for v in _updates(samples, k, reached):
        if any(sum(x[i] * c for i, c in v.items()) for x in kept):
            yield v


def _changed(move: Changes, x: Vector) -> bool:
    """Whether x^T h is anything but zero."""
    taken = [i for i in move if x[i]]
    return bool(taken and Quantity.combination([move[i] for i in taken], [x[i] for i in taken]).parts)


def _whole(vector: Vector) -> Vector:
    """A multiple in whole numbers without a common divisor, the first of them positive."""
    factor = lcm(*(x.denominator for x in vector))
    common = gcd(*(int(x * factor) for x in vector)) * (1 if next(x for x in vector if x) > 0 else -1)
    return tuple(x * factor / common for x in vector)


def _extends(basis: dict[int, list[int]], row: list[int]) -> bool:
    """Reduce a row modulo the prime by those before it; whether something is left, which then joins them."""
    for i in range(len(row)):
        if not row[i]:
            continue
        if i not in basis:
            inverse = pow(row[i], -1, PRIME)
            basis[i] = [x * inverse % PRIME for x in row]
            return True
        factor, pivot = row[i], basis[i]
        row = [(x - factor * y) % PRIME for x, y in zip(row, pivot, strict=True)]
    return False


def _updates(samples: Samples, k: int, reached: ReachedTraces) -> Iterator[dict[int, Fraction]]:
    """The vectors that span a transition's updates: coefficients in the weights, at traces that span those reached."""
    symbols, after = samples.trace_entries, reached.after(k)
    by_monomial: dict[Monomial, dict[int, dict[int, Fraction]]] = {}
    for i, q in samples.moves[k].items():
        for monomial, c in q.terms.items():
            at = next((a - symbols.start + 1 for a in monomial if a in symbols), 0)
            kept = tuple(a for a in monomial if a not in symbols)
            by_monomial.setdefault(kept, {}).setdefault(i, {})[at] = c
    for entry in by_monomial.values():
        for zeta in after:
            vector = {i: sum((c * zeta[j] for j, c in own.items()), Fraction(0)) for i, own in entry.items()}
            vector = {i: x for i, x in vector.items() if x}
            if vector:
                yield vector


def _reached(samples: Samples, order: Sequence[int]) -> list[Vector]:
    """A basis of a space that holds (1, e) for every trace e that is reached from zero: closed under every step."""
    width = samples.trace_size + 1
    steps = list({id(samples.traces[k]): k for k in order}.values())
    basis: dict[int, list[Fraction]] = {}
    kept: list[Vector] = [(Fraction(1), *([Fraction(0)] * samples.trace_size))]
    _joins(basis, list(kept[0]))
    for vector in kept:  # which grows on the way
        for k in steps:
            after = _onward(samples, k, vector)
            if _joins(basis, list(after)):
                kept.append(after)
            if len(kept) == width:
                return [tuple(Fraction(int(i == j)) for i in range(width)) for j in range(width)]
    return kept


def _joins(basis: dict[int, list[Fraction]], row: list[Fraction]) -> bool:
    """As `_extends`, over the rationals."""
    for i in range(len(row)):
        if not row[i]:
            continue
        if i not in basis:
            basis[i] = [x / row[i] for x in row]
            return True
        factor, pivot = row[i], basis[i]
        row = [x - factor * y for x, y in zip(row, pivot, strict=True)]
    return False
