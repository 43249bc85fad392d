"""A rule's exact samples as float arrays, one row a transition, so that many runs step at once.

Entries of h are multiples of a few sums S_k(v, e, y), each bilinear in (1, e) and z(v) = (1, v, maxima of v).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...symbolic.approximation.quantity import Monomial, Quantity
from ...symbolic.approximation.samples import Samples
from ...symbolic.approximation.table import AtomTable
from ...symbolic.approximation.traces import traces
from ...symbolic.errors import ArgumentError

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
TABLED = 1_000_000
"""The largest table in which the next transition is looked up."""
MOST_ENTRIES = 20_000_000


@dataclass(frozen=True, eq=False)
class Atoms:
    """z(v) = (1, v, maxima): each maximum's arguments are affine in what comes before it.

    maxima : for each, (arguments, 1 + n + maxima before it)
    """

    size: int
    maxima: tuple[Floats, ...]

    def at(self, v: Floats) -> Floats:
        """z, (1 + n + maxima, runs), at v, (n, runs)."""
        z = np.empty((1 + self.size + len(self.maxima), v.shape[1]))
        z[0], z[1 : 1 + self.size] = 1, v
        for k, rows in enumerate(self.maxima):
            place = 1 + self.size + k
            np.max(rows @ z[:place], axis=0, out=z[place])
        return z


@dataclass(frozen=True, eq=False)
class Compiled:
    """A rule on a chain.

    sums    : (transitions, K, 1 + trace, atoms), S_k(y) as a bilinear form in the new trace
    spread  : (transitions, K, n), what of each sum goes to each weight
    trace   : (transitions, trace, 1 + trace), the new trace, affine in the one before
    after   : (transitions,) the states they lead to
    following : (states, width) of transitions, each as often as its probability asks for, so that an even draw of one
              is exact;  cumulative : where that would be too large, each once, and their probabilities added up
    """

    atoms: Atoms
    sums: Floats
    spread: Floats
    trace: Floats
    following: Indices
    after: Indices
    cumulative: Floats | None


def compiled(samples: Samples) -> Compiled:
    """The arrays of a rule's samples; `ArgumentError` for an h that multiplies weights, or one that is too large."""
    atoms = _atoms(samples.table, samples.size, samples.trace_entries)
    distinct = [_distinct(move.values()) for move in samples.moves]
    K, p = max(map(len, distinct), default=0), 1 + samples.size + len(atoms.maxima)
    count, m = len(samples.moves), samples.trace_size
    if count * max(K, 1) * (1 + m) * p > MOST_ENTRIES:
        raise ArgumentError("the simulation's arrays would be too large: give fewer states, actions or features")
    sums, spread = np.zeros((count, max(K, 1), 1 + m, p)), np.zeros((count, max(K, 1), samples.size))
    for y, (move, own) in enumerate(zip(samples.moves, distinct, strict=True)):
        places = {id(parts): k for k, parts in enumerate(own)}
        for k, parts in enumerate(own):
            for monomial, c in parts.items():
                e, z = _places(samples, monomial)
                sums[y, k, e, z] += c
        for i, q in move.items():
            spread[y, places[id(q.parts)], i] = q.num / q.den
    carried = np.zeros((count, m, 1 + m))
    how = traces(samples) if m else None
    for j in range(m):
        assert how is not None
        carried[:, j, 0] = [float(c) for c in how.constants[j]]
        carried[:, j, 1 + j] = [float(f) for f in how.factors[j]]
        for y, others in enumerate(how.others[j]):
            for i, factor in others:
                carried[y, j, 1 + i] += float(factor)
    following, cumulative = _following(samples)
    after = np.array([t.next_state for t in samples.transitions], dtype=np.intp)
    return Compiled(atoms, sums, spread, carried, following, after, cumulative)


def _distinct(quantities: Iterable[Quantity]) -> list[dict[Monomial, int]]:
    return list({id(q.parts): q.parts for q in quantities}.values())


def _places(samples: Samples, monomial: Monomial) -> tuple[int, int]:
    """The place of a monomial: of its trace entry, and of its atom."""
    e = z = 0
    for a in monomial:
        if a in samples.trace_entries:
            if e:
                raise ArgumentError("h multiplies entries of the trace: the simulation runs what is affine in it")
            e = 1 + a - samples.trace_entries.start
        else:
            if z:
                raise ArgumentError("h multiplies weights: the simulation runs rules that are affine between maxima")
            z = _atom(samples.table, samples.size, a)
    return e, z


def _atom(table: AtomTable, size: int, a: int) -> int:
    return 1 + (a if a < size else size + a - len(table.names))


def _atoms(table: AtomTable, size: int, trace: range) -> Atoms:
    rows = []
    for k, args in enumerate(table.maxima):
        made = np.zeros((len(args), 1 + size + k))
        for row, q in zip(made, args, strict=True):
            for monomial, c in q.terms.items():
                if len(monomial) > 1 or any(a in trace for a in monomial):
                    raise ArgumentError("h takes a maximum of a product: the simulation runs affine rules")
                row[_atom(table, size, monomial[0]) if monomial else 0] += float(c)
        rows.append(made)
    return Atoms(size, tuple(rows))


def _following(samples: Samples) -> tuple[Indices, Floats | None]:
    by_state: list[list[tuple[int, Fraction]]] = [[] for _ in range(samples.process.states)]
    for y, t in enumerate(samples.transitions):
        by_state[t.state].append((y, t.probability))
    shared = lcm(*(p.denominator for row in by_state for _, p in row))
    if shared * len(by_state) <= TABLED:
        rows = [[y for y, p in row for _ in range(int(p * shared))] for row in by_state]
        return np.array(rows, dtype=np.intp), None
    chances = [np.cumsum([float(p) for _, p in row]).tolist() for row in by_state]
    for row in chances:
        row[-1] = 2.0  # whatever rounding left: a uniform number is below it
    return _padded([[y for y, _ in row] for row in by_state], 0), _padded(chances, 2.0)


def _padded(rows: Sequence[Sequence[Any]], value: Any) -> Any:
    longest = max(map(len, rows))
    return np.array([[*row, *([value] * (longest - len(row)))] for row in rows])
