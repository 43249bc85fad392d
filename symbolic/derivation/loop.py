"""The closed form that the recurrences of an algorithm's loop give, read off one generic step of it.

The update is run once on a sweep whose loop variables are opaque symbols and whose single transition stands at the
symbolic position `index`.  What it does to each loop variable is then a recurrence, read off exactly:
a trace u' = decay * u + (terms of this transition), or a total g' = g + (terms of this transition and of traces).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..errors import MissingRowError, NotRepresentableError
from .coefficients import INDEX, LENGTH
from .columns import Mixing, by_numbers
from .contraction import Algebra
from .express import express
from .generic_step import GenericSweep, LoopSymbol, differ, opaque_variable
from .scalar import Scalar
from .state import SymbolicState
from .vectors import Vector
from .words import Word, word_text


@dataclass(frozen=True)
class Trace:
    """A loop variable u_j = decay * u_{j-1} + sum_s parts[s] * s_j, u_0 = 0, or one such `delay` steps before.

    s runs over accumulator rows (a scalar trace) or over feature blocks (a vector trace); decay and parts are in the
    parameters, the length n and the position j.
    """

    name: str
    decay: Scalar
    parts: dict[str, Scalar]
    delay: int = 0


@dataclass(frozen=True)
class Term:
    """One term of a total: at each step it gains coefficient * (row) * (block).

    coefficient  in the parameters, the length and the position `index` of the step
    row          accumulator row, read at this token, or, with `row_trace`, summed by that trace up to the token before
    block        feature block, read at this token, or, with `block_trace`, summed by that trace up to the token before
    enters       what the traced entry is multiplied by as it enters the trace, in the position of its own step, where
                 that depends on it; None for one, and constant factors are in the coefficient
    """

    coefficient: Scalar
    row: str
    block: str
    row_trace: Trace | None = None
    block_trace: Trace | None = None
    enters: Scalar | None = None

    @property
    def trace(self) -> Trace | None:
        """The trace that carries one of the factors, if one does."""
        return self.row_trace or self.block_trace


@dataclass(frozen=True)
class WeightChange:
    """w_s <- w_s + (1/n) * coefficient * word * total, where the total gains `terms` at each step.

    total        its loop variable
    coefficient  in the parameters and the length
    """

    weight: int
    coefficient: Scalar
    word: Word
    terms: tuple[Term, ...]
    total: str = ""


@dataclass(frozen=True)
class LoopForm:
    """The whole update in closed form: what each weight gains, and the traces that carry the past.

    traces       those that some total reads, the delayed ones among them
    mixing       (s, t) -> kappa: beside its totals, w_s gains kappa w_t of the old weights, in parameters and length.
                 With unit columns, totals are over all columns of the context, and mixing is what these leave over
    recurrences  each loop variable's new value from the old ones
    finish       the new weights from the last ones
    """

    changes: tuple[WeightChange, ...]
    traces: tuple[Trace, ...]
    mixing: dict[tuple[int, int], Scalar]
    recurrences: tuple[tuple[str, Any], ...]
    finish: tuple[Any, ...]


@dataclass(frozen=True)
class Here:
    """A row and a block, both read at the token of the step."""

    row: str
    block: str

    def value(self, read: StepReading) -> Any:
        """What the loop holds there."""
        return read.rows[self.row] * read.blocks[self.block]

    def terms(self, coefficient: Scalar, traces: dict[str, Trace]) -> list[Term]:
        """The terms of so many times it."""
        return [Term(coefficient, self.row, self.block)]


@dataclass(frozen=True)
class PastBlock:
    """A row read at the token of the step, and a vector trace up to the token before."""

    row: str
    trace: str

    def value(self, read: StepReading) -> Any:
        """What the loop holds there."""
        return read.rows[self.row] * read.old[self.trace]

    def terms(self, coefficient: Scalar, traces: dict[str, Trace]) -> list[Term]:
        """The terms of so many times it, one for each block that the trace sums."""
        trace = traces[self.trace]
        return [
            Term(constant, self.row, block, block_trace=trace, enters=enters)
            for block, part in trace.parts.items()
            for constant, enters in [_entering(coefficient, part)]
        ]


@dataclass(frozen=True)
class PastRow:
    """A scalar trace up to the token before, and a block read at the token of the step."""

    trace: str
    block: str

    def value(self, read: StepReading) -> Any:
        """What the loop holds there."""
        return read.old[self.trace] * read.blocks[self.block]

    def terms(self, coefficient: Scalar, traces: dict[str, Trace]) -> list[Term]:
        """The terms of so many times it, one for each row that the trace sums."""
        trace = traces[self.trace]
        return [
            Term(constant, row, self.block, row_trace=trace, enters=enters)
            for row, part in trace.parts.items()
            for constant, enters in [_entering(coefficient, part)]
        ]


def _entering(coefficient: Scalar, part: Scalar) -> tuple[Scalar, Scalar | None]:
    return (coefficient, part) if INDEX in part.names() else (coefficient * part, None)


@dataclass(frozen=True)
class StepReading:
    """What one generic step reads: rows and blocks at its token, loop variables as they were before it."""

    rows: dict[str, Any]
    blocks: dict[str, Any]
    old: dict[str, Any]

    def products(self, total: str, vector: bool, traces: dict[str, Trace]) -> list[Here | PastBlock | PastRow]:
        """Every product of a row and a block that the loop can add to a total, a vector or a scalar."""
        fitting = [b for b, block in self.blocks.items() if isinstance(block, Vector) == vector]
        others = [t for t in traces if t != total]
        candidates: list[Here | PastBlock | PastRow] = []
        for row in self.rows:
            candidates += [Here(row, block) for block in fitting]
            candidates += [PastBlock(row, t) for t in others if vector and isinstance(self.old[t], Vector)]
        return candidates + [PastRow(t, b) for t in others if isinstance(self.old[t], Scalar) for b in fitting]


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
    rows = state.rows(token)
    blocks = {b.name: getattr(token, b.name) for b in algorithm.features}
    blocks = {name: a.number(v) if isinstance(v, (int, Fraction)) else v for name, v in blocks.items()}
    old = {n: opaque_variable(a, n, v) for n, v in sweep._after.items()}
    read = StepReading(rows, blocks, old)

    traces = {t.name: t for n, v in sweep._after.items() if (t := _trace(a, n, v, read)) is not None}
    while delayed := _delayed(sweep._after, old, traces):
        traces |= delayed
    # a trace that does not decay is a running sum, and may also be the total that the new weights read
    totals = {n: v for n, v in sweep._after.items() if n not in traces or traces[n].decay == 1}
    changes: list[WeightChange] = []
    mixing: Mixing = {}
    for s, (new, weight) in enumerate(zip(finish, state.weights, strict=True)):
        change = (new - weight) * a.parameter(LENGTH)
        gained, kept = _totals_in(state, change, sweep._after)
        mixing |= {(s, t, word): kappa * a.parameter(LENGTH).inverse() for (t, word), kappa in kept.items()}
        for name, coefficient, word in gained:
            if name not in totals:
                raise NotRepresentableError(f"the new weights read the trace {name} after the last transition")
            if INDEX in coefficient.names():
                raise NotRepresentableError("the new weights depend on the position of the last transition")
            terms = _terms(a, name, totals[name], read, traces)
            changes.append(WeightChange(s, coefficient, word, terms, name))
    used = {term.trace.name for c in changes for term in c.terms if term.trace}
    return LoopForm(
        tuple(changes),
        tuple(t for t in traces.values() if t.name in used),
        by_numbers(state, mixing, changes),
        tuple(sweep._after.items()),
        tuple(finish),
    )


def _trace(a: Algebra, name: str, after: Any, read: StepReading) -> Trace | None:
    sources = read.blocks if isinstance(after, Vector) else read.rows
    kinds = {k: v for k, v in sources.items() if isinstance(v, type(after))}
    itself = LoopSymbol.of(name)  # no row and no block is called that
    coefficients = express(a, after, {itself: read.old[name], **kinds})
    return None if coefficients is None else Trace(name, coefficients.pop(itself, a.number(0)), coefficients)


def _delayed(after: dict[str, Any], old: dict[str, Any], traces: dict[str, Trace]) -> dict[str, Trace]:
    """Loop variables that take over a trace as it was before the step: the same trace, one step later."""
    delayed = {}
    for name, value in after.items():
        source = next((t for t in traces.values() if not differ(value, old[t.name])), None)
        if name not in traces and source is not None:
            delayed[name] = Trace(name, source.decay, source.parts, source.delay + 1)
    return delayed


def _totals_in(
    state: SymbolicState, change: Any, after: dict[str, Any]
) -> tuple[list[tuple[str, Scalar, Word]], dict[tuple[int, Word], Scalar]]:
    """What new weights gain: (total, coefficient, word) of the loop's totals, and multiples of words of old weights."""
    a, weights = state.algebra, state.algorithm.weights
    if not isinstance(change, Vector):
        scalars = {t: w for t, w in enumerate(state.weights) if isinstance(w, Scalar)}
        totals = {n: opaque_variable(a, n, v, after=True) for n, v in after.items() if isinstance(v, Scalar)}
        coefficients = express(a, change, {**totals, **scalars})
        if coefficients is None:
            raise NotRepresentableError(
                f"the new weights gain {change.text()}, no combination of the loop's totals and the old weights"
            )
        same: dict[tuple[int, Word], Scalar] = {(t, ()): c for t, c in coefficients.items() if isinstance(t, int)}
        if any(INDEX in c.names() for c in same.values()):
            raise NotRepresentableError("the new weights depend on the position of the last transition")
        return [(n, c, ()) for n, c in coefficients.items() if isinstance(n, str)], same
    gained: list[tuple[str, Scalar, Word]] = []
    kept: dict[tuple[int, Word], Scalar] = {}
    for (word, atom), coefficient in change.terms.items():
        plain = all(kind in ("parameter", "inverse") for kind, *_ in coefficient.generators())
        if plain and isinstance(atom, LoopSymbol):
            gained.append((atom.variable, coefficient, word))
        elif plain and len(word) <= 1 and atom in weights and INDEX not in coefficient.names():
            kept[weights.index(atom), word] = coefficient
        else:
            what = f"{word_text(word)} {atom}" if word else atom
            raise NotRepresentableError(
                f"the new weights gain {coefficient.text()} * {what}, no total of the loop and no multiple "
                "of an old weight vector"
            )
    return gained, kept


def _terms(a: Algebra, name: str, after: Any, read: StepReading, traces: dict[str, Trace]) -> tuple[Term, ...]:
    gain = after - read.old[name]
    products = read.products(name, isinstance(after, Vector), traces)
    coefficients = express(a, gain, {product: product.value(read) for product in products})
    if coefficients is None:
        text = (
            gain.text()
            if isinstance(gain, Scalar)
            else " + ".join(f"({s.text()}) {atom}" for (_, atom), s in gain.terms.items())
        )
        what = (
            f"the loop variable {name} gains {text}: no sum of (accumulator row) * (feature block), each read at this "
            f"token or carried by a trace{_why(gain, name, traces)}"
        )
        held = _held(gain, read)
        raise MissingRowError(what, (text,), held=held) if held else NotRepresentableError(what, (text,))
    return tuple(term for product, coefficient in coefficients.items() for term in product.terms(coefficient, traces))


def _held(gain: Any, read: StepReading) -> tuple[Scalar, ...]:
    """What stands before the feature blocks in a total's gain: what accumulator rows would have to hold."""
    if isinstance(gain, Scalar):
        return ()
    factors = []
    for block in read.blocks.values():
        if isinstance(block, Vector) and len(block.terms) == 1:
            ((at, size),) = block.terms.items()
            if at in gain.terms:
                factors.append(gain.terms[at] * size.inverse())
    return tuple(factors)


def _why(gain: Any, name: str, traces: dict[str, Trace]) -> str:
    """Which loop variable among a total's terms is no trace that a mask can hold."""
    scalars = list(gain.terms.values()) if isinstance(gain, Vector) else [gain]
    atoms = [atom for _, atom in gain.terms] if isinstance(gain, Vector) else []
    atoms += [x for s in scalars for _, *names in s.generators() for x in names]
    strange = next((x.variable for x in atoms if isinstance(x, LoopSymbol) and x.variable not in {name, *traces}), None)
    if strange is not None:
        return (
            f"; {strange} is no trace: it must be a multiple of its old value, by what depends on parameters, position "
            "and n alone, plus multiples of rows or of blocks"
        )
    if any(isinstance(x, LoopSymbol) and x.variable == name for x in atoms):
        return f"; {name} is multiplied at each step, and a total may only be added to"
    return ""
