"""The file format of exact weights, schema 2: layers that attend by patterns.

JSON: {"format": "layerproof-weights", "schema": 2, "algorithm", "parameters", "d", "n", "layers", "looped",
"layout": {"rows": [[name, rows], ...], "written": [names], "last_column": "query" or "parameter"},
"pattern": {"kernel": name or null, "scored": row or null, "keys", "mask_first"}, "scale": "1" or "1/n",
"shift_from": "next", "previous" or null, "preconditioners": [[matrix] or [] a stored layer], "tensors": {name: rows}}.
Tensor names are `mask`, `layers.{l}.heads.{h}.V`, its `.Q` where it has scores of its own, and
`layers.{l}.shift.kept` and `.moved`.  A layer is Z + scale * sum_h V Z A, where A is Z^T Q Z under the mask, or the
kernel's pattern; and then kept Z + moved Z', with Z' the columns of the tokens beside.
"""

from __future__ import annotations

from typing import Any

from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.errors import ContentError
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.patterns.heads import mask
from ...symbolic.patterns.kernels import KERNELS
from ...symbolic.patterns.layer import Layer, Scores, beside
from ...symbolic.patterns.record import KEYS, SCALES, SHIFTS
from ...symbolic.plain_text import shown
from ...symbolic.strict_json import rational_text
from . import fields
from .fields import FORMAT, MAX_ENTRIES

SCHEMA = 2
LAST = ("query", "parameter")


def pattern_tensors(construction: PatternConstruction) -> dict[str, RationalMatrix]:
    """Every stored tensor by name, in order."""
    stored: dict[str, RationalMatrix] = {"mask": RATIONALS.matrix([list(row) for row in construction.layers[0].mask])}
    for number, layer in enumerate(construction.layers):
        for h, (V, scores) in enumerate(layer.heads):
            stored[f"layers.{number}.heads.{h}.V"] = V
            if scores is not None:
                stored[f"layers.{number}.heads.{h}.Q"] = scores.Q
        if layer.shift is not None:
            stored |= {f"layers.{number}.shift.{k}": x for k, x in zip(("kept", "moved"), layer.shift, strict=True)}
    return stored


def pattern_description(construction: PatternConstruction) -> dict[str, Any]:
    """Everything but the tensors, as plain data."""
    c = construction
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "algorithm": c.algorithm,
        "parameters": {name: rational_text(x) for name, x in c.parameters.items()},
        "d": c.d,
        "n": c.n,
        "layers": c.depth,
        "looped": c.looped,
        "layout": {"rows": [list(row) for row in c.rows], "written": list(c.written), "last_column": c.last},
        "pattern": {
            "kernel": c.kernel or None, "scored": c.scored or None, "keys": c.keys, "mask_first": c.mask_first,
        },
        "scale": SCALES[c.by_length],
        "shift_from": c.shift_from or None,
        "preconditioners": [
            [] if C is None else [[[rational_text(x) for x in row] for row in C]] for C in c.steps
        ],
    }  # fmt: skip


def pattern_document(construction: PatternConstruction) -> dict[str, Any]:
    """The construction as plain data: the JSON file's content."""
    stored = {name: fields.texts(matrix) for name, matrix in pattern_tensors(construction).items()}
    return {**pattern_description(construction), "tensors": stored}


def of_patterns(data: Any) -> bool:
    """Whether the content of a file says that it is of this schema."""
    known = isinstance(data, dict) and data.get("format") == FORMAT and type(data.get("schema")) is int
    return known and bool(data["schema"] == SCHEMA)


def from_pattern_document(data: dict[str, Any]) -> PatternConstruction:
    """A construction from the content of a file of schema 2; `ContentError` names the first wrong field."""
    d, n, depth = (fields.whole(data, name) for name in ("d", "n", "layers"))
    looped, layout, pattern = (
        fields.typed(data, k, t) for k, t in (("looped", bool), ("layout", dict), ("pattern", dict))
    )
    rows = tuple(_row(row, d) for row in fields.typed(layout, "rows", list))
    names = [name for name, _ in rows]
    if not rows or len(set(names)) != len(names):
        raise ContentError("layout.rows is wrong, wanted blocks of rows, each with a name of its own")
    written = tuple(fields.text(x, "layout.written") for x in fields.typed(layout, "written", list))
    if not set(written) <= set(names):
        raise ContentError(f"layout.written holds {shown(min(set(written) - set(names)))}, wanted names of its rows")
    kernel, scored = (
        _optional(pattern, key, "pattern", known) for key, known in (("kernel", KERNELS), ("scored", names))
    )
    if bool(kernel) != bool(scored):
        raise ContentError("pattern is wrong, wanted a kernel and the rows it scores, or neither")
    mask_first = fields.typed(pattern, "mask_first", bool)
    if mask_first and not kernel:
        raise ContentError("pattern.mask_first is true, and no kernel is there that the mask could come before")
    if scored in written:
        raise ContentError(
            f"pattern.scored is {shown(scored)}, which layers write: a pattern is of rows that none does"
        )
    keys = _one_of(fields.typed(pattern, "keys", str), "pattern.keys", KEYS)
    scale = _one_of(fields.typed(data, "scale", str), "scale", SCALES)
    shift_from = _optional(data, "shift_from", "", SHIFTS)
    stored, given = fields.typed(data, "tensors", dict), fields.typed(data, "preconditioners", list)
    count, m = 1 if looped else depth, sum(size for _, size in rows)
    if len(given) != count:
        raise ContentError(f"preconditioners has {len(given)} entries, wanted {count}, one a stored layer")
    if len(stored) * m * m + (n + 1) ** 2 > MAX_ENTRIES:
        raise ContentError(f"tensors hold more than {MAX_ENTRIES} entries, the limit")
    known = mask(keys, n)
    if fields.matrix(stored.get("mask"), n + 1, "tensors.mask") != RATIONALS.matrix(known):
        raise ContentError(f"tensors.mask is not the mask of pattern.keys, {shown(keys)}")
    used = {"mask"}

    def taken(name: str) -> RationalMatrix:
        used.add(name)
        return fields.matrix(stored.get(name), m, f"tensors.{name}")

    layers = []
    for number in range(count):
        heads: list[tuple[Any, Scores | None]] = []
        while (at := f"layers.{number}.heads.{len(heads)}") and f"{at}.V" in stored:
            heads.append((taken(f"{at}.V"), scores_of(taken(f"{at}.Q")) if f"{at}.Q" in stored else None))
        if not heads:
            raise ContentError(f"tensors.layers.{number}.heads.0.V is missing")
        if not kernel and any(scores is None for _, scores in heads):
            raise ContentError(f"tensors.layers.{number} has a head without Q, and pattern.kernel is null")
        shift = back = None
        if shift_from:
            shift = taken(f"layers.{number}.shift.kept"), taken(f"layers.{number}.shift.moved")
            back = RATIONALS.matrix(beside(n, shift_from == "previous"))
        factor = RATIONALS.number(1) / n if scale == "1/n" else RATIONALS.number(1)
        layers.append(Layer(tuple(heads), known, factor, shift, back, shift_from == "previous"))
    extra = next((name for name in stored if name not in used), None)
    if extra is not None:
        raise ContentError(f"tensors.{extra[:60]} belongs to no layer")
    return PatternConstruction(
        algorithm=fields.typed(data, "algorithm", str),
        parameters=fields.rationals(data, "parameters"),
        d=d, n=n, rows=rows, written=written,
        last=_one_of(fields.typed(layout, "last_column", str), "layout.last_column", LAST),
        kernel=kernel, scored=scored, keys=keys, mask_first=mask_first,
        by_length=scale == "1/n", shift_from=shift_from, layers=tuple(layers), depth=depth, looped=looped,
        steps=tuple(_step(step, f"preconditioners[{k}]", d) for k, step in enumerate(given)),
    )  # fmt: skip


def scores_of(Q: RationalMatrix) -> Scores:
    """Scores of any Q : (m, m), in the rows that it reads."""
    entries = Q.fractions()
    keys = [i for i, row in enumerate(entries) if any(row)] or [0]
    queries = [j for j in range(len(entries)) if any(row[j] for row in entries)] or [0]
    return Scores(Q, keys, queries, Q.take_rows(keys).mT.take_rows(queries).mT)


def _row(value: Any, d: int) -> tuple[str, int]:
    pair = fields.checked(value, list, "layout.rows")
    if len(pair) != 2 or not isinstance(pair[0], str) or type(pair[1]) is not int or pair[1] not in (1, d):
        raise ContentError(f"layout.rows is wrong, wanted pairs [name, rows], of 1 row or d = {d}")
    return pair[0], pair[1]


def _one_of(value: str, name: str, known: Any) -> str:
    if value not in known:
        raise ContentError(f"{name} is {shown(value)}, wanted one of {', '.join(known)}")
    return value


def _optional(data: dict[str, Any], key: str, path: str, known: Any) -> str:
    name = f"{path}.{key}".removeprefix(".")
    if key not in data:
        raise ContentError(f"key {name} is missing")
    return "" if data[key] is None else _one_of(fields.text(data[key], name), name, known)


def _step(value: Any, name: str, d: int) -> Any:
    held = fields.checked(value, list, name)
    if len(held) > 1:
        raise ContentError(f"{name} has {len(held)} entries, wanted one matrix or none")
    return fields.matrix(held[0], d, name).fractions() if held else None
