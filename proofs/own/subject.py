"""What the judge makes of a file's answers: a record whose functions ask the file's process, and nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from ...symbolic.approximation.rule import Rule
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.own import OwnConstruction
from ...symbolic.patterns.record import PatternAlgorithm
from . import functions, pattern, reading, rule
from .client import Child
from .construction import Asked
from .describe import NAMES
from .heads import Heads
from .reading import LINE, NAME, TEXT
from .texts import TITLES, texts, titles

ALGORITHM_KEYS = (
    "kind", *TITLES, *NAMES, "features", "accumulators", "options", "defaults", "tables", "selections",
    "unit_columns", "symbols",
    "notes", "differs",
    "heads", "update",
)  # fmt: skip
CONSTRUCTION_KEYS = ("kind", *TITLES, "parameters", "layers")
MOST_LAYERS = 10_000


def subject(child: Child) -> Algorithm | OwnConstruction | PatternAlgorithm | Rule:
    """The record of what a file defines, its plain fields checked and its functions asked for.

    Raises `ContentError` that names the file and the field when one is not what it should be.
    """
    content = child.started()
    try:
        if isinstance(content, dict) and content.get("kind") == "construction":
            return _construction(
                child, reading.mapping(content, "its record", ("kind", *TITLES, "parameters", "layers"))
            )
        if isinstance(content, dict) and content.get("kind") == "rule":
            return rule.rule(child, content)
        if isinstance(content, dict) and content.get("kind") == "pattern":
            return pattern.pattern(child, content)
        return _algorithm(child, reading.mapping(content, "its record", ALGORITHM_KEYS))
    except ContentError as error:
        raise ContentError(f"{child.path}: {error}") from None


def _algorithm(child: Child, content: Mapping[str, Any]) -> Algorithm:
    named: dict[str, Any] = {name: reading.names(content[name], name) for name in NAMES}
    options = {
        reading.text(k, "name of an option", NAME): reading.names(v, "an option")
        for k, v in reading.mapping(content["options"], "options").items()
    }
    empty = next((name for name, values in options.items() if not values), None)
    if empty is not None:
        raise ContentError(f"option {empty} is empty, wanted its values, default first")
    features = tuple(
        _feature(reading.mapping(x, "a feature block", ("name", "meaning", "scalar", "query")))
        for x in reading.sequence(content["features"], "features")
    )
    accumulators = tuple(
        _accumulator(reading.mapping(x, "an accumulator", ("name", "meaning", "symbol")))
        for x in reading.sequence(content["accumulators"], "accumulators")
    )
    given = reading.flag(content["heads"], "whether heads are given")
    code = reading.mapping(content["update"], "its update", ("doc", "code"))
    tables = {
        reading.text(k, "name in tables", NAME): reading.text(v, f"table {k!a:.60}", LINE)
        if isinstance(v, str)
        else reading.names(v, f"table {k!a:.60}")
        for k, v in reading.mapping(content["tables"], "tables").items()
    }
    try:
        record = Algorithm(
            **titles(content), **named, options=options, features=features, accumulators=accumulators,
            defaults=texts(content["defaults"], "defaults"), symbols=texts(content["symbols"], "symbols"),
            tables=tables, selections=texts(content["selections"], "selections"),
            unit_columns=texts(content["unit_columns"], "unit_columns"), update=_unasked,
            notes=reading.text(content["notes"], "notes", TEXT, empty=True, lines=True),
            differs=reading.text(content["differs"], "differs", TEXT, empty=True, lines=True),
            heads=Heads(child, named, tuple(options)) if given else None,
        )  # fmt: skip
    except ArgumentError as error:  # names that are taken twice, and the like
        raise ContentError(str(error)) from None
    return functions.algorithm(child, record, code)


def _unasked(*_: Any) -> Any:
    """What stands for a file's function until its expressions are asked for."""
    raise AssertionError("a function of a file is never called here")


def _feature(content: Mapping[str, Any]) -> FeatureBlock:
    name = reading.text(content["name"], "name of a feature block", NAME)
    meaning = reading.text(content["meaning"], f"meaning of {name}", LINE, empty=True)
    query = _unasked if reading.flag(content["query"], f"whether {name} has a query") else None
    return FeatureBlock(name, _unasked, query, reading.flag(content["scalar"], f"scalar of {name}"), meaning)


def _accumulator(content: Mapping[str, Any]) -> Accumulator:
    name = reading.text(content["name"], "name of an accumulator", NAME)
    meaning = reading.text(content["meaning"], f"meaning of {name}", LINE, empty=True)
    return Accumulator(name, _unasked, meaning, reading.text(content["symbol"], f"symbol of {name}", NAME, empty=True))


def _construction(child: Child, content: Mapping[str, Any]) -> OwnConstruction:
    layers, asked = content["layers"], Asked(child)
    return OwnConstruction(
        **titles(content), rows=asked.rows, columns=asked.columns, prompt=asked.prompt, heads=asked.heads,
        reference=asked.reference, scale=asked.scale, parameters=texts(content["parameters"], "parameters"),
        layers=None if layers is None else reading.whole(layers, "layers", 1, MOST_LAYERS),
    )  # fmt: skip
