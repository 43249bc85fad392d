"""A counterexample as plain data, with everything that it takes to redo it by hand.

Columns of Z_0 that are zero stay zero and meet nothing, so they are left out, with their rows and columns of the masks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ..symbolic.arithmetics.arithmetic import RATIONALS
from ..symbolic.attention import Head
from ..symbolic.exact import as_fraction
from ..symbolic.identity.exact import problem
from ..symbolic.identity.witness import Witness
from ..symbolic.own import OwnConstruction
from ..symbolic.own_layers import own_layers, own_prompt
from ..symbolic.prompt import with_unit_columns
from ..symbolic.strict_json import rational_text
from .case import Case
from .verdict import witness_json

TRANSFORMER = ("rows", "columns", "Z_0", "scale", "layers")
"""The keys of a counterexample that say what the transformer is."""


def counterexample(case: Case, witness: Witness) -> dict[str, Any]:
    """A prompt on which a construction leaves the update: both sides' data, up to the layer that differs."""
    algorithm, subject = case.algorithm, case.subject
    options = algorithm.choose(case.options)
    witness = replace(witness, context=with_unit_columns(algorithm, witness.context, case.parameters))
    setup = problem(algorithm, RATIONALS, witness.context, witness.start, case.parameters, options)
    prompt = [*setup.X.fractions(), *([as_fraction(x) for x in row] for row in setup.rows(setup.start))]
    columns = [setup.layout.column_name(t) for t in range(setup.layout.n + 1)]
    several = 1 if subject.looped else witness.mismatch.layer
    steps = [
        {
            name: _text(c) if name in algorithm.scalar_preconditioners else _rows(c)
            for name, c in zip(algorithm.preconditioners, step, strict=True)
        }
        for step in case.steps[:several]
    ]
    return {
        **witness_json(witness),
        "parameters": {name: _text(x) for name, x in case.parameters.items()},
        **({"options": options} if options else {}),
        "preconditioners": steps,
        "looped": subject.looped,
        **_transformer(
            setup.layout.row_names(), columns, prompt, [subject.heads(k) for k in range(several)],
            Fraction(1, setup.layout.n), witness.mismatch.column,
        ),
    }  # fmt: skip


def own_counterexample(
    own: OwnConstruction, witness: Witness, values: Mapping[str, Fraction], depth: int
) -> dict[str, Any]:
    """A prompt on which a construction all of one's own leaves its reference, up to the layer that differs."""
    context = witness.context
    rows, columns, layers, scale = own_layers(own, context.d, context.n, values, depth)
    prompt = own_prompt(own, context, values).fractions()
    return {
        **witness_json(witness),
        "parameters": {name: _text(x) for name, x in values.items()},
        **_transformer(rows, columns, prompt, layers[: witness.mismatch.layer], scale, witness.mismatch.column),
    }


def _transformer(
    rows: Sequence[str],
    columns: Sequence[str],
    prompt: Sequence[Sequence[Fraction]],
    layers: Sequence[Sequence[Head]],
    scale: Fraction,
    at: int,
) -> dict[str, Any]:
    """Z_0 and the heads, without the columns that are zero, but for column `at`, where the difference is."""
    live = [t for t in range(len(columns)) if t == at or any(row[t] for row in prompt)]

    def whole(matrix: Any) -> Any:
        return _rows(matrix.fractions())

    def mask(M: Any) -> Any:
        entries = M.fractions()
        return _rows([[entries[s][t] for t in live] for s in live])

    return {
        "rows": list(rows),
        "columns": [columns[t] for t in live],
        "Z_0": _rows([[row[t] for t in live] for row in prompt]),
        "scale": _text(scale),
        "layers": [
            [{"W": whole(h.W), "P": whole(h.P), "Q": whole(h.Q), "M": mask(h.M)}
             for h in heads]
            for heads in layers
        ],
    }  # fmt: skip


def _text(value: Any) -> str:
    return rational_text(as_fraction(value))


def _rows(rows: Sequence[Sequence[Any]]) -> list[list[str]]:
    return [[_text(x) for x in row] for row in rows]
