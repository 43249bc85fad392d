"""The loop in closed form, as the derivation read it: traces, totals, and what the masks gather of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ....symbolic.derivation.coefficients import INDEX
from ....symbolic.derivation.generic_step import GenericSweep, opaque_variable
from ....symbolic.derivation.loop import StepReading, Term, Trace, _delayed, _terms, _trace
from ....symbolic.derivation.masks import masks_of
from ....symbolic.derivation.scalar import Scalar
from ....symbolic.errors import NotRepresentableError
from .columns import unit_gain
from .given import GivenWeights, Weights
from .heads import cells
from .loop import Data, Loop
from .masks import differs_by_step, entering, step_decay
from .prompt import Prompt
from .scalars import Spelling
from .terms import VECTOR, bracketed
from .terms import Term as Expression


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """Every loop variable as a trace of blocks or rows, or as a total of terms."""

    traces: dict[str, Trace]
    totals: dict[str, tuple[Term, ...]]


def closed_form(derivation: Weights, loop: Loop) -> ClosedForm:
    """Run the derivation's generic step again and keep what it says of each loop variable.

    Raises `NotRepresentableError` for a loop variable that is neither a trace nor a total.
    """
    state, a = derivation.state, derivation.state.algebra
    sweep = GenericSweep(state)
    state.update(sweep)
    algorithm = derivation.algorithm
    token = algorithm.context_token(sweep._transitions[0], state.p)
    values = algorithm.column_values(state.weights, token, state.p)
    rows: dict[str, Any] = dict(zip((r.name for r in algorithm.accumulators), values, strict=True))
    blocks = {b.name: getattr(token, b.name) for b in algorithm.features}
    blocks = {k: a.number(v) if isinstance(v, (int, Fraction)) else v for k, v in blocks.items()}
    after = sweep._after
    reading = StepReading(rows, blocks, {k: opaque_variable(a, k, v) for k, v in after.items()})
    traces = {t.name: t for k, v in after.items() if (t := _trace(a, k, v, reading)) is not None}
    while delayed := _delayed(after, reading.old, traces):
        traces |= delayed
    read = {name for name, value in loop.last.items() if any(_occurs(value, new) for new in loop.finish)}
    totals = {}
    for name in after:
        if name not in traces or (traces[name].decay == 1 and name in read):
            totals[name] = _terms(a, name, after[name], reading, traces)
    return ClosedForm(traces, totals)


def _occurs(part: Expression, whole: Expression) -> bool:
    return any(x is part for x in whole.parts())


def scalars_of(derivation: Weights, form: ClosedForm) -> list[Scalar]:
    """Every coefficient that the file speaks of."""
    scalars = [x for m in derivation.masks for x in m.scalars()]
    scalars += [c for h in derivation.heads for part in cells(h) for c in part.values()]
    if isinstance(derivation, GivenWeights):
        scalars += [c for factors in derivation.factors for matrix in factors for c in matrix.values()]
    scalars += [x for t in form.traces.values() for x in (t.decay, *t.parts.values())]
    return scalars + [t.coefficient for terms in form.totals.values() for t in terms]


@dataclass(frozen=True, eq=False)
class Closing:
    """The texts of a closed form: `gains` a definition for each total, `values` each variable after k steps,
    `gathered` each total as what the masks gather.

    columns, units : what masks gather over all columns, and what of it unit columns give; no units where there are none
    """

    gains: dict[str, tuple[str, str]]
    values: dict[str, str]
    gathered: dict[str, str]
    columns: dict[str, str]
    units: dict[str, str]


def closing(
    derivation: Weights, form: ClosedForm, data: Data, loop: Loop, prompt: Prompt,
    mask_names: list[str], spelling: Spelling,
) -> Closing:  # fmt: skip
    """Print the closed form of each loop variable."""
    state = data.state
    keys = [m.key() for m in derivation.masks]
    gains: dict[str, tuple[str, str]] = {}
    values: dict[str, str] = {}
    gathered: dict[str, str] = {}
    columns: dict[str, str] = {}
    units: dict[str, str] = {}
    every = {**prompt.blocks, **prompt.accumulators}

    def source(name: str) -> str:
        row = every[name].name
        return f"({row} {state})" if name in prompt.accumulators else row

    def carried(name: str) -> str:
        return f"(fun j => {source(name).strip('()')} (lshift d j))" if data.held else source(name)

    def traced(vector: bool, own: Trace, name: str, enters: Scalar | None, at: str) -> str:
        """A trace of one block or row, before step `at`; where steps differ, one with what enters at each."""
        word, times = ("tracev", "*:") if vector else ("traces", "*")
        if not differs_by_step(own.decay, enters):
            return f"{word} {spelling.argument(own.decay)} {own.delay} {carried(name)} {at}"
        column = "(lshift d j)" if data.held else "j"
        entry = f"{bracketed(entering(enters, spelling))} {times} {source(name).strip('()')} {column}"
        return f"p{word} {step_decay(own.decay, spelling)} {own.delay} (fun j => {entry}) {at}"

    for name, display in loop.names.items():
        vector = loop.kinds[name] == VECTOR
        times, trace, gather = ("*:", "tracev", "gather") if vector else ("*", "traces", "gathers")
        if name in form.totals:
            parts = []
            for t in form.totals[name]:
                y, x = f"{every[t.row].name} {state} j", f"{every[t.block].name} j"
                if t.row_trace is not None:
                    y = traced(False, t.row_trace, t.row, t.enters, "j")
                if t.block_trace is not None:
                    x = traced(vector, t.block_trace, t.block, t.enters, "j")
                parts.append(f"({spelling.argument(t.coefficient)} * {y}) {times} {x}")
            gains[name] = (f"gain_{display}", "\n  + ".join(parts) or "0")
            gained = f"gain_{display}{data.layer} {state}"
            values[name] = f"{trace} 1 0 ({f'fun j => {gained} (lshift d j)' if data.held else gained}) k"
            pieces = []
            for (row, block), (scale, mask) in masks_of(form.totals[name]).items():
                m = mask_names[keys.index(mask.key())]
                pieces.append(f"{spelling.argument(scale)} {times} {gather} {source(row)} {m} {source(block)}")
            columns[name] = gathered[name] = " + ".join(pieces) or "0"
            if data.held:
                units[name] = unit_gain(derivation.state, form.totals[name], data, spelling)
                gathered[name] = f"{columns[name]} - ({units[name]})"
        elif name in form.traces:
            own = form.traces[name]
            parts = []
            for s, c in own.parts.items():
                if INDEX in c.names():
                    parts.append(traced(vector, own, s, c, "k"))
                else:
                    parts.append(f"{spelling.argument(c)} {times} {traced(vector, own, s, None, 'k')}")
            values[name] = " + ".join(parts) or "0"
        else:
            raise NotRepresentableError(f"the loop variable {name} has no closed form")
    return Closing(gains, values, gathered, columns, units)
