"""The one file format of exact weights: JSON with rationals, and safetensors with the same tensor names.

JSON: {"format": "layerproof-weights", "schema": 1, "algorithm", "options", "parameters", "d", "n", "layers", "looped",
"layout": {"features": [[name, rows], ...], "accumulators": [...]},
"readout": {"row", "row_name", "column", "sign"},
"preconditioners": [[matrix or scalar, ...] a stored layer], "tensors": {name: rows}}.  Tensor names are
`layers.{l}.heads.{h}.{W,P,Q,M}`; a looped transformer stores layer 0 only.  Schema 2, for layers that attend by
patterns, is that of `pattern_file`.  Rationals are strings in lowest terms,
"-3/7".
A tensor equal to an earlier one is {"same_as": that name}: masks are as large as the context squared.
The safetensors file holds the same tensors rounded to a dtype, and the JSON without its tensors as a metadata key.
"""

from __future__ import annotations

import json
import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...symbolic.algorithms import catalogue
from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import Head
from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.kinds import PATH, TEXT
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.plain_text import shown
from ...symbolic.prompt import Layout
from ...symbolic.readout import Readout
from ...symbolic.strict_json import dumps, loads, rational_text
from . import fields
from .fields import FORMAT, MAX_ENTRIES
from .pattern_file import SCHEMA as PATTERN_SCHEMA
from .pattern_file import from_pattern_document, of_patterns, pattern_description, pattern_document, pattern_tensors
from .placing import place_file
from .text import read_text

SCHEMA = 1


def _step(value: Any) -> Any:
    return (
        [[rational_text(Fraction(x)) for x in row] for row in value]
        if isinstance(value, list)
        else rational_text(value)
    )


def tensors(construction: Construction | PatternConstruction) -> dict[str, RationalMatrix]:
    """Every stored tensor by name, in order."""
    if isinstance(construction, PatternConstruction):
        return pattern_tensors(construction)
    return {
        f"layers.{number}.heads.{h}.{name}": getattr(head, name)
        for number, heads in enumerate(construction.layers)
        for h, head in enumerate(heads)
        for name in ("W", "P", "Q", "M")
    }


def description(construction: Construction | PatternConstruction) -> dict[str, Any]:
    """Everything but the tensors, as plain data."""
    if isinstance(construction, PatternConstruction):
        return pattern_description(construction)
    layout = construction.layout
    return {
        "format": FORMAT,
        "schema": SCHEMA,
        "algorithm": construction.algorithm,
        "options": dict(construction.options),
        "parameters": {name: rational_text(x) for name, x in construction.parameters.items()},
        "d": layout.d,
        "n": layout.n,
        "layers": construction.depth,
        "looped": construction.looped,
        "layout": {"features": [list(f) for f in layout.features], "accumulators": list(layout.accumulators)},
        "readout": {
            "row": layout.accumulator(construction.readout.row),
            "row_name": construction.readout.row,
            "column": layout.n,
            "sign": construction.readout.sign,
        },
        "preconditioners": [[_step(c) for c in step] for step in construction.steps],
    }


def document(construction: Construction | PatternConstruction) -> dict[str, Any]:
    """The construction as plain data: the JSON file's content."""
    if isinstance(construction, PatternConstruction):
        return pattern_document(construction)
    stored: dict[str, Any] = {}
    seen: dict[int, str] = {}
    for name, matrix in tensors(construction).items():
        if id(matrix) in seen:
            stored[name] = {"same_as": seen[id(matrix)]}
        else:
            seen[id(matrix)] = name
            stored[name] = fields.texts(matrix)
    return {**description(construction), "tensors": stored}


def write_weights(
    construction: Construction | PatternConstruction, path: str | os.PathLike[str], dtype: str = "float64"
) -> None:
    """Write the exact weights as JSON (`.json`), or rounded to `dtype` as safetensors (`.safetensors`).

    The file appears whole or not at all.  `ArgumentError` for another suffix, `ContentError` when it cannot be written.
    """
    PATH.check(path=path)
    TEXT.check(dtype=dtype)
    if not isinstance(construction, (Construction, PatternConstruction)):
        raise ArgumentError(f"construction is {shown(construction)}, wanted what construct makes")
    path = Path(path)
    if path.suffix == ".json":
        content = dumps(document(construction)).encode()
    elif path.suffix == ".safetensors":
        content = safetensors_bytes(construction, dtype)
    else:
        raise ArgumentError(f"path is {str(path)!r}, wanted a name that ends in .json or .safetensors")
    try:
        place_file(path, content)
    except OSError as error:
        raise ContentError(f"{path}: cannot be written: {error.strerror}") from None


def safetensors_bytes(construction: Construction | PatternConstruction, dtype: str) -> bytes:
    """The content of a .safetensors file: the tensors rounded to `dtype`, everything else as metadata.

    Its metadata says `"format": "pt"` too, as Hugging Face's `transformers` wants it; its header is sorted, because the
    library writes several keys of metadata in any order.
    """
    from safetensors.torch import save  # loads torch

    from .tensor_files import wanted_tensors

    metadata = {"format": "pt", "layerproof": dumps({**description(construction), "dtype": dtype})}
    named = {name: tensor.contiguous().clone() for name, tensor in wanted_tensors(construction, dtype).items()}
    content = bytes(save(named, metadata=metadata))
    (length,) = struct.unpack("<Q", content[:8])
    header = json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # tensors begin where their numbers can be read in place
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


def read_weights(path: str | os.PathLike[str]) -> Construction | PatternConstruction:
    """The exact construction in a JSON weights file; `ContentError` that names the file for anything else.

    Of schema 1, linear attention, it is a `Construction`, of schema 2 a `PatternConstruction`.
    """
    PATH.check(path=path)
    if Path(path).suffix == ".safetensors":
        raise ContentError(
            f"{path}: a .safetensors file holds rounded weights: read the exact ones from their .json file"
        )
    try:
        return any_document(loads(read_text(path), numbers_as_text=False))
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None


def any_document(data: Any) -> Construction | PatternConstruction:
    """As `from_document`, of either schema."""
    return from_pattern_document(data) if of_patterns(data) else from_document(data)


def from_document(data: Any) -> Construction:
    """A construction from a weights file's content, every field checked; `ContentError` names the first wrong one.

    Of layers that attend by patterns `any_document` makes one.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ContentError(f'is no weights file, wanted an object with "format": "{FORMAT}"')
    if type(data.get("schema")) is not int or data["schema"] != SCHEMA:
        raise ContentError(f"schema is {shown(data.get('schema'))}, this version reads {SCHEMA} and {PATTERN_SCHEMA}")
    d, n, depth = (fields.whole(data, name) for name in ("d", "n", "layers"))
    looped = fields.typed(data, "looped", bool)
    layout_data = fields.typed(data, "layout", dict)
    features = tuple(_feature(f) for f in fields.typed(layout_data, "features", list))
    accumulators = tuple(fields.text(a, "layout.accumulators") for a in fields.typed(layout_data, "accumulators", list))
    layout = Layout(d, n, features, accumulators)
    readout_data = fields.typed(data, "readout", dict)
    row, sign = fields.typed(readout_data, "row_name", str), readout_data.get("sign")
    if row not in accumulators or type(sign) is not int or sign not in (1, -1):
        raise ContentError("readout is wrong, wanted row_name among the accumulators and sign 1 or -1")
    if type(readout_data.get("row")) is not int or type(readout_data.get("column")) is not int:
        raise ContentError("readout is wrong, wanted row and column as integers")
    if readout_data.get("row") != layout.accumulator(row) or readout_data.get("column") != n:
        raise ContentError("readout is wrong, wanted row and column to be those of row_name and of the query")
    stored = fields.typed(data, "tensors", dict)
    preconditioners = fields.typed(data, "preconditioners", list)
    count = 1 if looped else depth
    if len(preconditioners) != count:
        raise ContentError(f"preconditioners has {len(preconditioners)} entries, wanted {count}, one a stored layer")
    return Construction(
        algorithm=fields.typed(data, "algorithm", str),
        options={k: fields.text(v, "options") for k, v in fields.typed(data, "options", dict).items()},
        parameters=fields.rationals(data, "parameters"),
        layout=layout,
        layers=_layers(stored, layout, count),
        depth=depth,
        looped=looped,
        steps=tuple(
            _read_step(step, number, fields.typed(data, "algorithm", str), d)
            for number, step in enumerate(preconditioners)
        ),
        readout=Readout(row, sign),
    )  # fmt: skip


def _layers(stored: dict[str, Any], layout: Layout, count: int) -> tuple[tuple[Head, ...], ...]:
    built: dict[str, RationalMatrix] = {}
    entries = 0
    result = []
    used: set[str] = set()
    for number in range(count):
        heads = []
        h = 0
        while f"layers.{number}.heads.{h}.W" in stored:
            named = {}
            for kind in ("W", "P", "Q", "M"):
                name = f"layers.{number}.heads.{h}.{kind}"
                used.add(name)
                size = layout.n + 1 if kind == "M" else layout.m
                value = stored.get(name)
                if isinstance(value, dict):
                    target = value.get("same_as")
                    if not isinstance(target, str) or target not in built:
                        raise ContentError(
                            f"tensors.{name} is the same as {shown(target)}, which does not come before it"
                        )
                    named[kind] = built[target]
                    if named[kind].shape != (size, size):
                        raise ContentError(f"tensors.{name} has the wrong shape, wanted {size} x {size}")
                else:
                    entries += size * size
                    if entries > MAX_ENTRIES:
                        raise ContentError(f"tensors hold more than {MAX_ENTRIES} entries, the limit")
                    named[kind] = fields.matrix(value, size, f"tensors.{name}")
                built[name] = named[kind]
            heads.append(Head(**named))
            h += 1
        if not heads:
            raise ContentError(f"tensors.layers.{number}.heads.0.W is missing")
        result.append(tuple(heads))
    extra = next((name for name in stored if name not in used), None)
    if extra is not None:
        raise ContentError(f"tensors.{extra[:60]} belongs to no head: wanted layers.l.heads.h and W, P, Q, M for each")
    return tuple(result)


def _read_step(step: Any, number: int, algorithm: str, d: int) -> tuple[Any, ...]:
    """One layer's preconditioners: scalars and (d, d) matrices, as many and of the kinds that the algorithm has."""
    name = f"preconditioners[{number}]"
    values = tuple(_read_preconditioner(c, name, d) for c in fields.checked(step, list, name))
    known = catalogue().get(algorithm)
    if known is not None:
        wanted = [c in known.scalar_preconditioners for c in known.preconditioners]
        if [isinstance(v, Fraction) for v in values] != wanted:
            raise ContentError(f"{name} is wrong, wanted {', '.join(known.preconditioners)} of {algorithm}")
    return values


def _read_preconditioner(value: Any, name: str, d: int) -> Any:
    if not isinstance(value, list):
        return fields.rational(value, name)
    if len(value) != d or any(not isinstance(row, list) or len(row) != d for row in value):
        raise ContentError(f"{name} has the wrong shape, wanted {d} rows of {d} numbers")
    return [[fields.rational(x, name) for x in row] for row in value]


def _feature(value: Any) -> tuple[str, int]:
    pair = fields.checked(value, list, "layout.features")
    if len(pair) != 2 or not isinstance(pair[0], str) or type(pair[1]) is not int or pair[1] < 1:
        raise ContentError("layout.features is wrong, wanted pairs [name, rows]")
    return pair[0], pair[1]
