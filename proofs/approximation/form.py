"""Is it v + alpha h(v, Y), Y a Markov chain; does h on symbols agree with h on numbers; is its field the paper's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ...symbolic.approximation.field import Matrices
from ...symbolic.approximation.move import Changes
from ...symbolic.approximation.quantity import evaluate
from ...symbolic.approximation.samples import Plain
from ...symbolic.markov.decision import Transition
from ..verdict import Claim
from .study import Study, number, texts, vector

CHECKED = 60
"""The most transitions on which h is run on plain numbers."""


def form(study: Study) -> Claim:
    """What Y is, and how many states it has."""
    samples = study.samples
    count, states = len(samples.transitions), study.process.states
    y = "(S_k, A_k, S_{k+1})" if study.process.actions > 1 else "(S_k, S_{k+1})"
    if samples.trace_size:
        reason = f"Y = {y} and the trace e_k: infinitely many states, {count} transitions carry the trace on"
    else:
        reason = f"Y = {y}: a finite chain of {count} states over {states} states"
    parts = ", ".join(f"{name} in R^{'x'.join(map(str, shape)) or '1'}" for name, shape in samples.layout.items())
    return study.holds("form", True, f"{reason}; {parts}", transitions=count, infinite=bool(samples.trace_size))


def traced(study: Study, at: Plain) -> Claim:
    """h and the trace on plain numbers, degenerate ones too, against the symbols' values there."""
    samples = study.samples
    step = max(1, len(samples.transitions) // CHECKED)
    asked = [
        (k, v, before)
        for k in range(0, len(samples.transitions), step)
        for v, before in points(samples.size, samples.trace_size, k)
    ]
    for (k, v, before), given in zip(asked, at(asked), strict=True):
        after = values(samples.traces[k], v, before)
        wanted = values(samples.moves[k], v, [after.get(j, Fraction(0)) for j in range(samples.trace_size)]), after
        if tuple({i: x for i, x in side.items() if x} for side in given) != wanted:
            where = f"{transition_text(samples.transitions[k])}, v = {vector(v)}"
            return study.holds("traced", False, f"at {where} h gives other numbers than its symbols do", v=texts(v))
    count = len(range(0, len(samples.transitions), step))
    return study.holds(
        "traced", True, f"the same on {count} transitions at three points each, zeros and ties among them"
    )


def points(size: int, trace: int, k: int) -> Iterator[tuple[list[Fraction], list[Fraction]]]:
    """Weights and a trace: all zero, all equal, and without pattern."""
    yield [Fraction(0)] * size, [Fraction(0)] * trace
    yield [Fraction(1)] * size, [Fraction(1)] * trace
    yield (
        [Fraction((5 * i * i + 3 * i + k) % 17 - 8, 1 + i % 3) for i in range(size)],
        [Fraction((3 * i + k) % 7 - 3, 2) for i in range(trace)],
    )


def values(changes: Changes, v: Sequence[Fraction], before: Sequence[Fraction]) -> dict[int, Fraction]:
    """The values of quantities at a point, without zeros."""
    numbers = evaluate(changes.values(), [*v, *before])
    return {i: x for i, x in zip(changes, numbers, strict=True) if x}


def mean_field_claim(study: Study) -> Claim | None:
    """The mean field, summed over the chain, against the literature's matrices; None where the rule gives none."""
    rule, field = study.rule, study.field
    if rule.matrices is None and rule.operator is None:
        return None
    if field is None:
        return study.skipped("mean-field", study.no_field)
    given = {name: study.parameters[name] for name in rule.parameters}
    if rule.matrices is not None:
        A, b = rule.matrices(Matrices(study.process, given))
        same = field.affine is not None and field.affine == (A, b)
        reason = (
            "sum_y d(y) h(v, y) = A v + b, entry by entry" if same else "the sum over the chain gives another matrix"
        )
        return study.holds("mean-field", same, reason)
    assert rule.operator is not None
    m, tried = Matrices(study.process, given), 0
    for k in range(3):
        for v, _ in points(field.size, 0, 7 * k):
            wanted, summed = list(rule.operator(m, v)), list(field.at(v))
            if wanted != summed:
                i = next(i for i in range(len(summed)) if wanted[i] != summed[i])
                return study.holds(
                    "mean-field",
                    False,
                    f"at v = {vector(v)} entry {i} is {number(summed[i])}, wanted {number(wanted[i])}",
                )
            tried += 1
    return study.holds("mean-field", True, f"the same at {tried} points, ties among them; both are piecewise affine")


def transition_text(t: Transition) -> str:
    """A transition in words."""
    return f"(s, a, s') = ({t.state}, {t.action}, {t.next_state})"
