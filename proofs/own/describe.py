"""The plain fields of what a file defines, as data; runs in the file's process."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from ...symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from ...symbolic.errors import ContentError
from ...symbolic.exact import exact_number
from ...symbolic.own import OwnConstruction
from ...symbolic.patterns.record import FAMILIES, PatternAlgorithm
from ...symbolic.strict_json import rational_text

SOURCE = 8_000
"""The most characters of an update's code and of its docstring that are handed on."""


def described(subject: Algorithm | OwnConstruction | PatternAlgorithm) -> dict[str, Any]:
    """Everything but functions; `ContentError` that names the field when one is no plain data of its kind."""
    if isinstance(subject, PatternAlgorithm):
        return _pattern(subject)
    if isinstance(subject, OwnConstruction):
        for name in ("rows", "columns", "prompt", "heads", "reference", "scale"):
            _function(getattr(subject, name), name)
        return {
            "kind": "construction",
            **_titles(subject),
            "parameters": _numbers(subject.parameters, "parameters", "parameter"),
            "layers": _layers(subject.layers),
        }
    fields = {name: _names(getattr(subject, name), name) for name in NAMES}
    options = _mapping(subject.options, "options")
    if subject.heads is not None:
        _function(subject.heads, "heads")
    return {
        "kind": "algorithm",
        **_titles(subject),
        **fields,
        "features": [_feature(x) for x in subject.features],
        "accumulators": [_accumulator(x) for x in subject.accumulators],
        "options": {_text(k, "name of an option"): _names(v, f"option {k}") for k, v in options.items()},
        "defaults": _numbers(subject.defaults, "defaults", "the default of"),
        "tables": {
            _text(k, "name in tables"): _rule(v, f"table {k}") for k, v in _mapping(subject.tables, "tables").items()
        },
        "selections": {
            _text(k, "name in selections"): _text(v, f"selection {k}")
            for k, v in _mapping(subject.selections, "selections").items()
        },
        "unit_columns": {
            _text(k, "name in unit_columns"): _text(v, f"unit_columns of {k}")
            for k, v in _mapping(subject.unit_columns, "unit_columns").items()
        },
        "symbols": {
            _text(k, "name in symbols"): _text(v, f"symbol of {k}")
            for k, v in _mapping(subject.symbols, "symbols").items()
        },
        "notes": _text(subject.notes, "notes"),
        "differs": _text(subject.differs, "differs"),
        "heads": subject.heads is not None,
        "update": _code(subject.update),
    }


def _pattern(subject: PatternAlgorithm) -> dict[str, Any]:
    layer = subject.layer
    return {
        "kind": "pattern",
        **_titles(subject),
        **{name: _text(getattr(subject, name), name) for name in ("state", "sees", "scored", "differs")},
        **{name: _names(getattr(subject, name), name) for name in ("kernels", "parameters")},
        **{name: _flag(getattr(subject, name), name) for name in ("preconditioned", "chained")},
        "rows": [_row(x) for x in subject.rows],
        "defaults": _numbers(subject.defaults, "defaults", "the default of"),
        "symbols": {
            _text(k, "name in symbols"): _text(v, f"symbol of {k}")
            for k, v in _mapping(subject.symbols, "symbols").items()
        },
        "update": _code(subject.update),
        "layer": None
        if layer is None
        else {
            **{name: _text(getattr(layer, name), f"{name} of the layer") for name in LAYER_TEXTS},
            "mask_first": _flag(layer.mask_first, "mask_first"),
            "shift": layer.shift is not None,
            "heads": [_head(head) for head in layer.heads],
        },
    }


LAYER_TEXTS = ("keys", "scale", "shift_from", "kernel")


def _row(row: Any) -> dict[str, Any]:
    name = _text(row.name, "name of a row")
    for family in FAMILIES:
        if getattr(row, family) is not None:
            _function(getattr(row, family), f"{family} of {name}")
    return {
        "name": name,
        **{part: _text(getattr(row, part), f"{part} of {name}") for part in ("meaning", "symbol")},
        "scalar": _flag(row.scalar, f"scalar of {name}"),
        "families": [family for family in FAMILIES if getattr(row, family) is not None],
    }


def _head(head: Any) -> bool:
    _function(head.values, "values of a head")
    if head.scores is not None:
        _function(head.scores, "scores of a head")
    return head.scores is not None


def _flag(value: Any, field: str) -> bool:
    if type(value) is not bool:
        raise ContentError(f"{field} is {ascii(value)[:40]}, wanted True or False")
    return value


NAMES = (
    "weights", "scalar_weights", "preconditioners", "scalar_preconditioners", "parameters", "transition_scalars",
    "transition_vectors", "successor_vectors", "sizes",
)  # fmt: skip
"""The fields of an algorithm that are lists of names."""


def _titles(subject: Any) -> dict[str, str]:
    return {name: _text(getattr(subject, name), name) for name in ("name", "title", "source")}


def _text(value: Any, field: str) -> str:
    if type(value) is not str:
        kind = f"a {type(value).__name__}, " if isinstance(value, str) else ""
        raise ContentError(f"the {field} is {ascii(value)[:60]}, {kind}wanted a printable text")
    return value


def _names(value: Any, field: str) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ContentError(f"{field} is {ascii(value)[:40]}, wanted a tuple of names")
    return [_text(x, f"name in {field}") for x in value]


def _mapping(value: Any, field: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ContentError(f"{field} is {ascii(value)[:40]}, wanted a dict")
    return value


def _numbers(value: Any, field: str, entry: str) -> dict[str, str]:
    """Exact numbers by name, as text; what is text stays as it is written."""
    result = {}
    for name, x in _mapping(value, field).items():
        number = exact_number(x, f"{entry} {_text(name, f'name in {field}')}")
        result[name] = x if type(x) is str and len(x) <= 60 else rational_text(number)
    return result


def _rule(value: Any, field: str) -> str | list[str]:
    """A formula as it is written, or the exact numbers of one period, as text."""
    if type(value) is str:
        return value
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ContentError(f"the {field} is {ascii(value)[:40]}, wanted a formula in l or a tuple of numbers")
    return [rational_text(exact_number(x, f"an entry of the {field}")) for x in value]


def _layers(value: Any) -> int | None:
    if value is not None and (type(value) is not int or value < 1):
        raise ContentError(f"layers is {ascii(value)[:40]}, wanted a whole number from 1, or None")
    return value


def _function(value: Any, field: str) -> None:
    if not callable(value):
        raise ContentError(f"{field} is {ascii(value)[:40]}, wanted a function")


def _feature(block: Any) -> dict[str, Any]:
    if not isinstance(block, FeatureBlock):
        raise ContentError(f"features holds {ascii(block)[:40]}, wanted FeatureBlocks")
    name = _text(block.name, "name of a feature block")
    _function(block.context, f"context of {name}")
    if block.query is not None:
        _function(block.query, f"query of {name}")
    if type(block.scalar) is not bool:
        raise ContentError(f"scalar of {name} is {ascii(block.scalar)[:40]}, wanted True or False")
    return {
        "name": name,
        "meaning": _text(block.meaning, f"meaning of {name}"),
        "scalar": block.scalar,
        "query": block.query is not None,
    }


def _accumulator(row: Any) -> dict[str, Any]:
    if not isinstance(row, Accumulator):
        raise ContentError(f"accumulators holds {ascii(row)[:40]}, wanted Accumulators")
    name = _text(row.name, "name of an accumulator")
    _function(row.value, f"value of {name}")
    return {
        "name": name,
        "meaning": _text(row.meaning, f"meaning of {name}"),
        "symbol": _text(row.symbol, f"symbol of {name}"),
    }


def _code(update: Any) -> dict[str, str]:
    """The docstring of the update and its code, where they can be had."""
    _function(update, "update")
    stated = getattr(update, "__doc__", None)
    try:
        code = inspect.getsource(update)
    except (OSError, TypeError):
        code = ""
    return {"doc": stated[:SOURCE] if type(stated) is str else "", "code": code[:SOURCE].rstrip()}
