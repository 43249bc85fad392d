"""What leaves a set, in words and as plain data: entries, samples, witnesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.exact import decimal_text
from ...symbolic.invariance.decide import InvarianceWitness
from ...symbolic.invariance.samples import prompts
from ...symbolic.invariance.symmetry import GROUPS
from ...symbolic.invariance.update import prompt_matrix
from ...symbolic.invariance.weights import Trained, WeightSpace
from ...symbolic.strict_json import rational_text

if TYPE_CHECKING:
    from .at_depth import LinearAtDepth


def short(x: Fraction) -> str:
    text = rational_text(x)
    return text if len(text) <= 24 else decimal_text(x, 3)


def entry_name(space: Trained, position: int) -> str:
    """An entry in words: Q[phi[1], phi[2]], with its layer where layers differ."""
    c, rows = space.coordinate(position), space.row_names()
    where = f"{c.matrix}[{rows[c.row]}, {rows[c.column]}]"
    return where if space.stored == 1 else f"{where} of layer {c.layer + 1}"


def outside(space: Trained, residual: Mapping[int, Fraction]) -> list[dict[str, Any]]:
    """The entries that leave a set, a multiple of a block's identity as one: where, in which layer, by how much."""
    left = dict(residual)
    entries: list[dict[str, Any]] = []
    for k, x in residual.items():
        if k not in left:
            continue
        c = space.coordinate(k)
        rows = next(r for name, r, _ in space.blocks if name == c.row_block)
        columns = next(r for name, r, _ in space.blocks if name == c.column_block)
        here = k - (c.row * space.m + c.column)
        inside = {here + i * space.m + j for i in rows for j in columns}
        diagonal = {here + i * space.m + j for i, j in zip(rows, columns, strict=False)}
        whole = len(rows) == len(columns) > 1 and inside & left.keys() == diagonal
        if whole and {left[j] for j in diagonal} == {x}:
            entry, value = f"{c.matrix}[{c.row_block}, {c.column_block}]", f"{rational_text(x)} I"
            gone = diagonal
        else:
            names = space.row_names()
            entry, value, gone = f"{c.matrix}[{names[c.row]}, {names[c.column]}]", rational_text(x), {k}
        for j in gone:
            del left[j]
        entries.append({"entry": entry, "layer": c.layer + 1, "value": value})
    return entries


def refutation(space: WeightSpace, witness: InvarianceWitness) -> str:
    entries = outside(space, witness.residual)
    several = space.stored > 1
    shown = [f"{x['entry']}{' of layer ' + str(x['layer']) if several else ''} by {x['value']}" for x in entries[:6]]
    more = len(entries) - len(shown)
    return (
        f"one sample's orbit moves {', '.join(shown)}" + (f" and {more} more" if more > 0 else "") + " out of the set"
    )


def sample_document(witness: InvarianceWitness) -> dict[str, Any]:
    """A sample as plain data: the states' features f_0, f_1, ... and the rewards r_1, r_2, ..., the last one R'."""
    extras = {
        name: [[rational_text(x) for x in v] if is_vector else rational_text(v) for v in values]
        for name, is_vector, values in witness.sample.extras
    }
    return {
        "features": [[rational_text(x) for x in f] for f in witness.sample.features],
        "rewards": [rational_text(x) for x in witness.sample.rewards],
        **({"extras": extras} if extras else {}),
    }


def witness_document(subject: LinearAtDepth, witness: InvarianceWitness) -> dict[str, Any]:
    """A witness as plain data: the sample, the weights, the expected update and the entries that leave the set."""
    space = subject.space

    def matrices(point: Sequence[Fraction]) -> list[dict[str, list[list[str]]]]:
        return [
            {name: rows(space.matrix_rows(point, layer, k)) for k, name in enumerate(space.matrices)}
            for layer in range(space.stored)
        ]

    outer = subject.outer
    now, later = (prompt_matrix(p).fractions() for p in prompts(space, RATIONALS, witness.sample, outer.window))

    def rows(matrix: Sequence[Sequence[Fraction]]) -> list[list[str]]:
        return [[rational_text(x) for x in row] for row in matrix]

    return {
        **sample_document(witness),
        "outer": {
            "kind": outer.kind,
            "discount": rational_text(outer.discount),
            "average_reward": rational_text(outer.average_reward),
        },
        "read_out": {"row": space.readout.row, "sign": space.readout.sign},
        "rows": list(space.layout.row_names()),
        "moved": [name for name, _, moved in space.blocks if moved],
        "depth": space.depth,
        "scale": rational_text(Fraction(1, space.layout.n)),
        "parameters": {name: rational_text(x) for name, x in space.parameters.items()},
        "Z": rows(now),
        "Z'": rows(later),
        "masks": [rows(mask) for mask in space.masks],
        **({"later_masks": [[rows(mask) for mask in masks] for masks in space.later]} if space.later else {}),
        "law": f"the sample moved by every element of {subject.group.name}, with equal probability",
        **({} if subject.group.name in GROUPS else {"generators": [rows(g) for g in subject.group.generators]}),
        "window": subject.outer.window,
        "weights": matrices(witness.point),
        "expected_update": matrices(witness.update),
        "outside": outside(space, witness.residual),
    }
