"""One generic step of an algorithm's loop, and the closed form that its recurrences give.

The update is run once on a sweep whose loop variables are opaque symbols and whose single transition stands at the
symbolic position `index`.  What it does to each loop variable is then a recurrence, read off exactly:
a trace u' = decay * u + (terms of this transition), or a total g' = g + (terms of this transition and of traces).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..algorithm import Sweep, Transition
from ..arithmetics.linear import Equation, Inconsistent, solve
from ..errors import NotRepresentableError
from .contraction import Algebra, Scalar, Vector, Word
from .state import INDEX, LENGTH, SymbolicState

REPEATS = 64


@dataclass(frozen=True)
class Trace:
    """A loop variable u_j = decay * u_{j-1} + sum_s parts[s] * s_j, u_0 = 0, or one such `delay` steps before.

    s runs over accumulator rows (a scalar trace) or over feature blocks (a vector trace).
    """

    name: str
    decay: Scalar
    parts: dict[str, Scalar]
    delay: int = 0


@dataclass(frozen=True)
class Term:
    """One term of a total: at each step it gains coefficient * (row) * (block).

    coefficient  in the parameters and in the position `index` of the step
    row          accumulator row, read at this token, or, with `row_trace`, summed by that trace up to the token before
    block        feature block, read at this token, or, with `block_trace`, summed by that trace up to the token before
    """

    coefficient: Scalar
    row: str
    block: str
    row_trace: Trace | None = None
    block_trace: Trace | None = None


@dataclass(frozen=True)
class WeightChange:
    """w_s <- w_s + (1/n) * coefficient * word * total, where the total gains `terms` at each step."""

    weight: int
    coefficient: Scalar
    word: Word
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class LoopForm:
    """The whole update in closed form: what each weight gains, and the traces that carry the past."""

    changes: tuple[WeightChange, ...]
    traces: tuple[Trace, ...]
    recurrences: tuple[tuple[str, Any], ...]
    finish: tuple[Any, ...]


class GenericSweep(Sweep):
    """A sweep that runs the loop's body on opaque loop variables, and remembers what the body did to them.

    The body runs `REPEATS` times on the same symbols and must do the same each time: a body that keeps some state
    elsewhere (a counter, a list, a local variable) tells itself by that, up to so many steps.
    """

    def __init__(self, state: SymbolicState):
        super().__init__([state.transition("j")])
        self._state = state
        self.n = state.algebra.parameter(LENGTH)
        self._start: dict[str, Any] = {}
        self._after: dict[str, Any] = {}

    def _variables(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if not k.startswith("_") and k != "n"}

    def __iter__(self) -> Iterator[Transition]:
        a = self._state.algebra
        self._start = self._variables()
        for name, value in self._start.items():
            if value.terms if isinstance(value, Vector) else value.poly if isinstance(value, Scalar) else value != 0:
                raise NotRepresentableError(f"the loop variable {name} does not start at zero")
            setattr(self, name, a.vector(f"old {name}") if isinstance(value, Vector) else a.scalar(f"old {name}"))
        opaque = {name: getattr(self, name) for name in self._start}
        for number in range(REPEATS):
            for name, value in opaque.items():
                setattr(self, name, value)
            yield self._transitions[0]
            after = {name: getattr(self, name) for name in self._start}
            if number and any(_differ(after[name], self._after[name]) for name in after):
                raise NotRepresentableError(
                    f"step {number + 1} of the loop is not the first one over again: keep every loop variable on the "
                    "sweep, so that the general step can be read off"
                )
            self._after = after
        for name, value in self._after.items():
            setattr(self, name, a.vector(f"last {name}") if isinstance(value, Vector) else a.scalar(f"last {name}"))


def _differ(left: Any, right: Any) -> bool:
    """Whether two values of a loop variable differ, also while an update runs."""
    if type(left) is not type(right):
        return True
    difference = left - right
    return bool(
        difference.terms if isinstance(left, Vector) else difference.poly if isinstance(left, Scalar) else difference
    )


def _coefficients(value: Any) -> dict[Any, dict[Any, Fraction]]:
    """A scalar or vector as {(place, monomial): {parameter monomial: coefficient}}."""
    if isinstance(value, Vector):
        return {(key, m): part for key, s in value.terms.items() for m, part in s.parts().items()}
    return {(None, m): part for m, part in value.parts().items()}


def express(a: Algebra, value: Any, candidates: dict[Any, Any]) -> dict[Any, Scalar] | None:
    """`value` as a combination of `candidates` with coefficients in the parameters, or None when it is none.

    The candidates must hold no parameters in places that the value can see; free coefficients are set to zero.
    """
    rows: dict[Any, tuple[dict[Any, Fraction], dict[Any, Fraction]]] = {}
    for name, candidate in candidates.items():
        for place, part in _coefficients(candidate).items():
            if set(part) != {()}:
                return None
            rows.setdefault(place, ({}, {}))[0][name] = part[()]
    for place, part in _coefficients(value).items():
        rows.setdefault(place, ({}, {}))[1].update(part)
    found = solve([Equation(left, right, place) for place, (left, right) in rows.items()])
    if isinstance(found, Inconsistent):
        return None
    result = {}
    for name, row in found.values.items():
        total = a.number(0)
        for exponents, c in row.items():
            term = a.number(c)
            for parameter, exponent in exponents:
                factor = a.parameter(parameter)
                term = term * (factor**exponent if exponent >= 0 else factor.inverse() ** -exponent)
            total = total + term
        if total:
            result[name] = total
    return result


def loop_form(state: SymbolicState) -> LoopForm:
    """Run one generic step of the algorithm's loop and bring its recurrences to closed form.

    Raises `NotRepresentableError` with the reason when a loop variable follows no trace or total that a mask can
    hold, and `NotPolynomialError` when the update compares, or divides by a sum or by an entry of the prompt.
    """
    algorithm, a = state.algorithm, state.algebra
    sweep = GenericSweep(state)
    finish = state.update(sweep)
    if not sweep._start:
        raise NotRepresentableError(
            "the update keeps no loop variable on its sweep, so no general step can be read off"
        )
    token = algorithm.context_token(sweep._transitions[0], state.p)
    rows = dict(
        zip(
            (r.name for r in algorithm.accumulators),
            algorithm.column_values(state.weights, token, state.p),
            strict=True,
        )
    )
    blocks = {b.name: getattr(token, b.name) for b in algorithm.features}
    blocks = {name: a.number(v) if isinstance(v, (int, Fraction)) else v for name, v in blocks.items()}
    old = {n: a.vector(f"old {n}") if isinstance(v, Vector) else a.scalar(f"old {n}") for n, v in sweep._after.items()}

    traces = {t.name: t for n, v in sweep._after.items() if (t := _trace(a, n, v, old, rows, blocks)) is not None}
    while delayed := _delayed(sweep._after, old, traces):
        traces |= delayed
    # a trace that does not decay is a running sum, and may also be the total that the new weights read
    totals = {n: v for n, v in sweep._after.items() if n not in traces or traces[n].decay == 1}
    changes: list[WeightChange] = []
    for s, (new, weight) in enumerate(zip(finish, state.weights, strict=True)):
        change = (new - weight) * a.parameter(LENGTH)
        for name, coefficient, word in _totals_in(a, change, sweep._after):
            if name not in totals:
                raise NotRepresentableError(f"the new weights read the trace {name} after the last transition")
            if any(key[-1] in (LENGTH, INDEX) for key in coefficient.generators()):
                raise NotRepresentableError("the new weights must gain a total divided by sweep.n, exactly once")
            terms = _terms(a, name, totals[name], old, rows, blocks, traces)
            changes.append(WeightChange(s, coefficient, word, terms))
    used = {t.name for c in changes for term in c.terms for t in (term.row_trace, term.block_trace) if t}
    return LoopForm(
        tuple(changes),
        tuple(t for t in traces.values() if t.name in used),
        tuple(sweep._after.items()),
        tuple(finish),
    )


def _trace(a: Algebra, name: str, after: Any, old: dict[str, Any], rows: Any, blocks: Any) -> Trace | None:
    sources = blocks if isinstance(after, Vector) else rows
    kinds = {k: v for k, v in sources.items() if isinstance(v, type(after))}
    found = express(a, after, {("self", name): old[name], **kinds})
    if found is None:
        return None
    decay = found.pop(("self", name), a.number(0))
    mentioned = {key for s in (decay, *found.values()) for key in s.generators()}
    if ("parameter", INDEX) in mentioned or ("inverse", INDEX) in mentioned:
        return None  # a decay or weight that changes with the position has no geometric closed form
    return Trace(name, decay, found)


def _delayed(after: dict[str, Any], old: dict[str, Any], traces: dict[str, Trace]) -> dict[str, Trace]:
    """Loop variables that take over a trace as it was before the step: the same trace, one step later."""
    found = {}
    for name, value in after.items():
        source = next((t for t in traces.values() if not _differ(value, old[t.name])), None)
        if name not in traces and source is not None:
            found[name] = Trace(name, source.decay, source.parts, source.delay + 1)
    return found


def _totals_in(a: Algebra, change: Any, after: dict[str, Any]) -> list[tuple[str, Scalar, Word]]:
    result = []
    if isinstance(change, Vector):
        names = {f"last {n}": n for n in after}
        for (word, atom), coefficient in change.terms.items():
            if atom not in names or any(kind in ("contraction", "scalar") for kind, *_ in coefficient.generators()):
                raise NotRepresentableError(f"the new weights gain {coefficient.text()} * {atom}, no total of the loop")
            result.append((names[atom], coefficient, word))
        return result
    found = express(a, change, {n: a.scalar(f"last {n}") for n, v in after.items() if isinstance(v, Scalar)})
    if found is None:
        raise NotRepresentableError(f"the new weights gain {change.text()}, no combination of the loop's totals")
    return [(n, coefficient, ()) for n, coefficient in found.items()]


def _terms(
    a: Algebra, name: str, after: Any, old: dict[str, Any], rows: Any, blocks: Any, traces: dict[str, Trace]
) -> tuple[Term, ...]:
    gain = after - old[name]
    vector = isinstance(after, Vector)
    candidates: dict[Any, Any] = {}
    for r, row in rows.items():
        for b, block in blocks.items():
            if isinstance(block, Vector) == vector:
                candidates[r, b, None, None] = row * block
        for t in traces:
            if t != name and isinstance(old[t], Vector) and vector:
                candidates[r, None, None, t] = row * old[t]
    for t in traces:
        if t != name and isinstance(old[t], Scalar):
            for b, block in blocks.items():
                if isinstance(block, Vector) == vector:
                    candidates[None, b, t, None] = old[t] * block
    found = express(a, gain, candidates)
    if found is None:
        text = (
            gain.text()
            if isinstance(gain, Scalar)
            else " + ".join(f"({s.text()}) {atom}" for (_, atom), s in gain.terms.items())
        )
        raise NotRepresentableError(
            f"the loop variable {name} gains {text}: no sum of (accumulator row) * (feature block), each read at this "
            "token or carried by a trace",
            (text,),
        )
    terms: list[Term] = []
    for (r, b, row_trace, block_trace), coefficient in found.items():
        if row_trace is not None:
            trace = traces[row_trace]
            terms += [Term(coefficient * part, source, b, row_trace=trace) for source, part in trace.parts.items()]
        elif block_trace is not None:
            trace = traces[block_trace]
            terms += [Term(coefficient * part, r, source, block_trace=trace) for source, part in trace.parts.items()]
        else:
            terms.append(Term(coefficient, r, b))
    return tuple(terms)
