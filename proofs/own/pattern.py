"""What the judge makes of a file's pattern algorithm: its plain fields read as hostile, its functions asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.patterns.record import FAMILIES, GivenHead, GivenLayer, PatternAlgorithm, Row
from . import functions, reading
from .client import Child
from .describe import LAYER_TEXTS
from .reading import LINE, NAME, TEXT
from .texts import texts, titles

KEYS = (
    "kind", "name", "title", "source", "state", "sees", "scored", "differs", "kernels", "parameters", "preconditioned",
    "chained", "rows", "defaults", "symbols", "update", "layer",
)  # fmt: skip


def pattern(child: Child, content: Mapping[str, Any]) -> PatternAlgorithm:
    """The record that a file defines; `ContentError` that names the field when one is not what it should be."""
    read = reading.mapping(content, "its record", KEYS)
    code = reading.mapping(read["update"], "its update", ("doc", "code"))
    rows = reading.sequence(read["rows"], "rows")
    fields: dict[str, Any] = {name: reading.text(read[name], name, LINE) for name in ("state", "sees", "scored")}
    fields |= {name: reading.names(read[name], name) for name in ("kernels", "parameters")}
    fields |= {name: reading.flag(read[name], name) for name in ("preconditioned", "chained")}
    try:
        record = PatternAlgorithm(
            **titles(read), **fields, rows=tuple(map(_row, rows)), update=_unasked, layer=_layer(read["layer"]),
            defaults=texts(read["defaults"], "defaults"), symbols=texts(read["symbols"], "symbols"),
            differs=reading.text(read["differs"], "differs", TEXT, empty=True, lines=True),
        )  # fmt: skip
    except ArgumentError as error:
        raise ContentError(str(error)) from None
    return functions.pattern(child, record, code)


def _unasked(*_: Any) -> Any:
    """What stands for a file's function until its expressions are asked for."""
    raise AssertionError("a function of a file is never called here")


def _row(content: Any) -> Row:
    read = reading.mapping(content, "a row", ("name", "meaning", "symbol", "scalar", "families"))
    name = reading.text(read["name"], "name of a row", NAME)
    families = reading.names(read["families"], f"the columns of {name}")
    if not set(families) <= set(FAMILIES):
        raise ContentError(f"the columns of {name} are {reading.shown(list(families))}, wanted {', '.join(FAMILIES)}")
    return Row(
        name, **dict.fromkeys(families, _unasked), scalar=reading.flag(read["scalar"], f"scalar of {name}"),
        meaning=reading.text(read["meaning"], f"meaning of {name}", LINE, empty=True),
        symbol=reading.text(read["symbol"], f"symbol of {name}", NAME, empty=True),
    )  # fmt: skip


def _layer(content: Any) -> GivenLayer | None:
    if content is None:
        return None
    read = reading.mapping(content, "the layer", (*LAYER_TEXTS, "mask_first", "shift", "heads"))
    heads = tuple(
        GivenHead(_unasked, _unasked if reading.flag(x, "whether a head has scores") else None)
        for x in reading.sequence(read["heads"], "the heads of the layer")
    )
    named = {name: reading.text(read[name], f"{name} of the layer", NAME, empty=True) for name in LAYER_TEXTS}
    shift = _unasked if reading.flag(read["shift"], "whether there is a shift") else None
    return GivenLayer(heads, **named, shift=shift, mask_first=reading.flag(read["mask_first"], "mask_first"))
