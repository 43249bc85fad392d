"""Traces: e_k is affine in e_{k-1}, so its mean given the state solves a linear system, though (S, e) is infinite.

An entry is carried on by a factor f(s, a, s'), takes up earlier entries and a constant. With d the stationary law,
M(s) = d(s) E[e_{k-1} | S_k = s] solves M(s') = sum over (s, a) -> s' of mu p (f M(s) + ...): one system for all entries
with the same factors. The mean exists when K(s, s') = sum_a mu p |f| has spectral radius below 1, the trace is bounded
when every cycle of states multiplies it by less than 1, and its variance exists when sum_a mu p f^2 has radius below 1.
Source: Yu 2012, Least squares temporal difference methods: an analysis under general conditions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm

from flint import arb_mat, fmpq, fmpq_mat

from ..errors import ContentError
from ..markov import matrices
from .move import Changes
from .quantity import Monomial
from .samples import Samples

Factors = tuple[Fraction, ...]


class NoMean(ContentError):
    """The trace has no stationary mean: what carries it on does not shrink."""


@dataclass(frozen=True, eq=False)
class Traces:
    """How each transition changes each entry of the trace.

    factors   : for each entry, its factor at every transition
    others    : for each entry, at every transition, ((place of another entry, c), ...)
    constants : for each entry, what is added at every transition
    """

    samples: Samples
    factors: tuple[Factors, ...]
    others: tuple[tuple[tuple[tuple[int, Fraction], ...], ...], ...]
    constants: tuple[Factors, ...]
    _shrinking: dict[int, bool] = field(default_factory=dict)

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The entries in an order in which each takes up only earlier ones, those with the same factors together.

        Raises `ContentError` where entries take up each other in a circle.
        """
        needs = [{i for step in entry for i, _ in step} for entry in self.others]
        level: dict[int, int] = {}
        while len(level) < len(needs):
            ready = [j for j in range(len(needs)) if j not in level and needs[j] <= level.keys()]
            if not ready:
                raise ContentError(
                    "the trace's entries take up each other in a circle, which no triangular system solves"
                )
            depth = 1 + max(level.values(), default=-1)
            level |= dict.fromkeys(ready, depth)
        examples = list({id(step): k for k, step in enumerate(self.samples.traces)}.values())
        members: dict[tuple[int, Factors], list[int]] = {}
        for j in sorted(level, key=lambda j: level[j]):
            members.setdefault((level[j], tuple(self.factors[j][k] for k in examples)), []).append(j)
        return tuple(map(tuple, members.values()))

    def carried(self, entry: int, power: int) -> fmpq_mat:
        """K(s, s') = sum over (s, a) -> s' of mu p |f|^power, (s, s), for one entry."""
        s = self.samples.process.states
        K = [[fmpq(0)] * s for _ in range(s)]
        sizes = {f: matrices.rational(abs(f) ** power) for f in set(self.factors[entry])}
        for t, f in zip(self.samples.transitions, self.factors[entry], strict=True):
            if f:
                K[t.state][t.next_state] += matrices.rational(t.probability) * sizes[f]
        return fmpq_mat(K)

    def shrinks(self, power: int = 1) -> bool:
        """Whether sum_a mu p |f|^power has spectral radius below 1 for every entry, by an exact certificate."""
        if power not in self._shrinking:
            self._shrinking[power] = all(_below_one(self.carried(group[0], power)) for group in self.groups)
        return self._shrinking[power]

    @cached_property
    def growing_cycle(self) -> tuple[int, Fraction] | None:
        """A state on a cycle that multiplies some entry by at least 1, and by how much; None when there is none."""
        for group in self.groups:
            factors = self.factors[group[0]]
            if all(abs(f) < 1 for f in factors):
                continue
            cycle = self._cycle(factors)
            if cycle is not None:
                return cycle
        return None

    def _cycle(self, factors: Factors) -> tuple[int, Fraction] | None:
        s = self.samples.process.states
        most = [[Fraction(0)] * s for _ in range(s)]
        for t, f in zip(self.samples.transitions, factors, strict=True):
            most[t.state][t.next_state] = max(most[t.state][t.next_state], abs(f))
        for k in range(s):
            at = next((i for i in range(s) if most[i][i] >= 1), None)
            if at is not None:
                return at, most[at][at]
            for i in range(s):
                into = most[i][k]
                if into:
                    row, through = most[i], most[k]
                    for j in range(s):
                        row[j] = max(row[j], into * through[j])
        at = next((i for i in range(s) if most[i][i] >= 1), None)
        return None if at is None else (at, most[at][at])


@dataclass(frozen=True, eq=False)
class Means:
    """The law and the means of the trace, in whole numbers over one denominator: they are as long as the chain's law.

    law     : common times d(s), for each state
    by_state : common times d(s) E[e_{k-1} | S_k = s] for each state, an entry each; zero where the state is transient
    """

    samples: Samples
    common: int
    law: tuple[int, ...]
    by_state: tuple[tuple[int, ...], ...]

    def mean(self, state: int, entry: int) -> fmpq:
        """E[e_{k-1} | S_k = s], one entry."""
        return fmpq(self.by_state[state][entry], self.law[state]) if self.law[state] else fmpq(0)

    def after(self, state: int, step: Changes) -> tuple[dict[int, int], int]:
        """Common d(s) times the mean of the new trace after a step from a state, by the place of its symbol.

        In whole numbers and what they are to be divided by; zeros are left out.
        """
        start, own = self.samples.trace_entries.start, self.by_state[state]
        den = lcm(*(q.den for q in step.values()))
        mean: dict[int, int] = {}
        for j, q in step.items():
            total = 0
            for monomial, c in q.parts.items():
                total += c * (own[monomial[0] - start] if monomial else self.law[state])
            mean[start + j] = total * q.num * (den // q.den)
        return mean, den

    def averaged(self, monomial: Monomial, state: int, after: tuple[Mapping[int, int], int]) -> tuple[Monomial, int]:
        """A monomial of h after a step from a state, the new trace's symbols at their mean: what is left, and a factor.

        The factor is of the numbers that `after` gives.
        """
        symbols, (means, den) = self.samples.trace_entries, after
        taken = [a for a in monomial if a in symbols]
        if not taken:
            return monomial, self.law[state] * den
        if len(taken) > 1:
            raise ContentError("h is not affine in the trace, so its mean is none of the trace's mean")
        return tuple(a for a in monomial if a not in symbols), means.get(taken[0], 0)


def traces(samples: Samples) -> Traces:
    """The factors, other entries and constants of a rule's trace.

    Raises `ContentError` when the trace is not affine in the one before, or reads the weights.
    """
    if "traces" not in samples.known:
        samples.known["traces"] = _traces(samples)
    known: Traces = samples.known["traces"]
    return known


def _traces(samples: Samples) -> Traces:
    start = samples.trace_entries.start
    for args in samples.table.maxima:
        if any(a in samples.trace_entries for q in args for m in q.parts for a in m):
            raise ContentError("h takes a maximum of the trace, so its mean is none of the trace's mean")
    steps = {id(step): _step(samples, step, start) for step in {id(x): x for x in samples.traces}.values()}
    told = [steps[id(step)] for step in samples.traces]
    places = range(samples.trace_size)
    return Traces(
        samples,
        tuple(tuple(step[j][0] for step in told) for j in places),
        tuple(tuple(step[j][1] for step in told) for j in places),
        tuple(tuple(step[j][2] for step in told) for j in places),
    )


Others = tuple[tuple[int, Fraction], ...]


def _step(samples: Samples, step: Changes, start: int) -> list[tuple[Fraction, Others, Fraction]]:
    """For each entry its factor, the other entries that it takes up, and its constant."""
    told = []
    for j in range(samples.trace_size):
        own = step[j].terms if j in step else {}
        if any(len(m) > 1 or (m and m[0] not in samples.trace_entries) for m in own):
            raise ContentError("the trace is not affine in the trace before, or reads the weights")
        others = tuple((m[0] - start, c) for m, c in own.items() if m and m[0] != start + j)
        told.append((own.get((start + j,), Fraction(0)), others, own.get((), Fraction(0))))
    return told


def means(samples: Samples) -> Means:
    """The stationary means of the trace, by linear solves.

    Raises `NoMean` when there are none, `ArgumentError` when the stationary law is not unique.
    """
    law = samples.process.chain.law
    solved: dict[int, list[fmpq]] = {}
    if not samples.trace_size:
        return _means(samples, law, solved)
    how = traces(samples)
    if not how.shrinks():
        raise NoMean(
            "the trace has no stationary mean: what carries it on has spectral radius at least 1 "
            "(gamma lambda = 1, or ratios that grow)"
        )
    for group in how.groups:
        for j, column in zip(group, _solved(how, group, solved, law), strict=True):
            solved[j] = column
    return _means(samples, law, solved)


def _means(samples: Samples, law: Sequence[Fraction], solved: Mapping[int, Sequence[fmpq]]) -> Means:
    columns = [solved[j] for j in range(samples.trace_size)]
    common = lcm(*(x.denominator for x in law), *(int(x.q) for column in columns for x in column))
    by_state = tuple(
        tuple(int(column[s].p) * (common // int(column[s].q)) if law[s] else 0 for column in columns)
        for s in range(samples.process.states)
    )
    return Means(samples, common, tuple(x.numerator * (common // x.denominator) for x in law), by_state)


def _solved(
    how: Traces, group: Sequence[int], solved: Mapping[int, Sequence[fmpq]], law: Sequence[Fraction]
) -> list[list[fmpq]]:
    """M of a group of entries, a column each."""
    states, transitions = how.samples.process.states, how.samples.transitions
    chances = [matrices.rational(t.probability) for t in transitions]
    system = matrices.identity(states)
    # the transitions from a state that change the trace alike, and how likely they lead to each state
    alike: dict[tuple[int, int], int] = {}
    examples: list[int] = []
    for k, (t, step) in enumerate(zip(transitions, how.samples.traces, strict=True)):
        if alike.setdefault((t.state, id(step)), len(alike)) == len(examples):
            examples.append(k)
    onward = fmpq_mat(states, len(examples))
    factors = how.factors[group[0]]
    for k, (t, chance) in enumerate(zip(transitions, chances, strict=True)):
        onward[t.next_state, alike[t.state, id(how.samples.traces[k])]] += chance
        if factors[k]:
            system[t.next_state, t.state] -= chance * matrices.rational(factors[k])
    added = fmpq_mat(len(examples), len(group))  # what is added on the way, from earlier entries and the constant
    for row, k in enumerate(examples):
        state = transitions[k].state
        weight = matrices.rational(law[state])
        for column, j in enumerate(group):
            total = weight * matrices.rational(how.constants[j][k])
            for i, c in how.others[j][k]:
                total += solved[i][state] * matrices.rational(c)
            added[row, column] = total
    solution = matrices.solved(system, onward * added)
    return [[solution[s, column] for s in range(states)] for column in range(len(group))]


def _below_one(K: fmpq_mat) -> bool:
    """Whether a non-negative matrix K has spectral radius below 1: exactly when (I - K) u > 0 for some u > 0.

    A u with (I - K) u = 1, rounded, is tried first: whether it does is decided exactly.
    """
    size, ones = K.nrows(), [1] * K.nrows()
    system = matrices.identity(size) - K
    try:
        near = arb_mat(system).solve(arb_mat([ones]).transpose())
        rounded = fmpq_mat([[fmpq(int(float(x.mid()) * 2**20), 2**20)] for x in near.entries()])
        if all(x > 0 for x in (*rounded.entries(), *(system * rounded).entries())):
            return True
    except (ZeroDivisionError, OverflowError, ValueError):
        pass  # nearly singular
    try:
        u = system.solve(matrices.column(ones))
    except ZeroDivisionError:
        return False
    return all(x > 0 for x in u.entries())
