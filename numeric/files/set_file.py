"""Reads a user's set of weights, or the generators of a user's symmetry group, from a JSON file.

A set, as block patterns (rows and columns are the prompt's row blocks, top to bottom; `layerproof list` names them):

    {"schema": 1, "name": "value row only", "matrices": {"P": [["0", "0", "0"], ["0", "0", "0"], ["0", "0", "eta"]],
     "Q": [["c", "frozen", "frozen"], ["e", "frozen", "frozen"], ["0", "frozen", "frozen"]]}}

with `last_layer` beside `matrices` where the last of several layers has a pattern of its own; or as named equations
between blocks, inside the commutant:

    {"schema": 1, "name": "TD weights", "constraints": [
     {"name": "one C", "equation": "Q[phi, phi] + Q[phi, gamma_phi_next] = 0"}]}

A key `dimension` is checked against the dimension that the set has.  Generators: {"schema": 1, "name": "swap",
"generators": [[[0, 1], [1, 0]]]}, each a d x d orthogonal matrix of rationals.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.exact import parse_rational
from ...symbolic.invariance.constraints import Constraint, constrained, parse_equation
from ...symbolic.invariance.sets import AffineSet, Rows, S, pattern_set
from ...symbolic.invariance.symmetry import SymmetryGroup
from ...symbolic.plain_text import shown
from ...symbolic.strict_json import loads
from .text import read_text

SCHEMA = "1"
MAX_NAME = 200
MAX_CONSTRAINTS = 1000
T = TypeVar("T")


def read_set(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """The document of a set file, its form checked; `ContentError` names the file and what is wrong."""
    return _in_file(path, lambda: check_set(loads(read_text(path), numbers_as_text=True)))


def read_group(path: str | os.PathLike[str], d: int) -> SymmetryGroup:
    """The group of a file of generators, acting on d features; `ContentError` when it is none."""

    def parse() -> SymmetryGroup:
        content = _object(loads(read_text(path), numbers_as_text=True), {"schema", "generators"}, {"name"})
        generators = content["generators"]
        if not isinstance(generators, list) or len(generators) > 64:
            raise ContentError("generators is no list of at most 64 matrices")
        return SymmetryGroup(
            content.get("name") or Path(path).stem,
            d,
            tuple(_matrix(g, f"generators[{k}]") for k, g in enumerate(generators)),
        )

    return _in_file(path, parse)


def _in_file(path: str | os.PathLike[str], parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (ContentError, ArgumentError) as error:
        raise ContentError(f"{os.fspath(path)}: {error}") from None


def check_set(content: Any) -> Mapping[str, Any]:
    """A set's document as it came from JSON or from Python, with every value of the right type; else `ContentError`."""
    content = _object(content, {"schema"}, {"name", "meaning", "matrices", "last_layer", "constraints", "dimension"})
    if ("matrices" in content) == ("constraints" in content):
        raise ContentError("the set has both or neither of matrices and constraints, wanted one of them")
    if "last_layer" in content and "matrices" not in content:
        raise ContentError("last_layer goes with matrices: give matrices for the other layers")
    for key in ("matrices", "last_layer"):
        if key in content:
            _patterns(content[key], key)
    if not _is_count(content.get("dimension", 0)):
        raise ContentError(f"dimension is {str(content['dimension'])[:40]!a}, wanted a whole number")
    if "constraints" in content:
        _constraints(content["constraints"])
    return dict(content)


def _object(content: Any, needed: set[str], allowed: set[str]) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ContentError("is no JSON object, wanted one with the keys " + ", ".join(sorted(needed | allowed)))
    missing = sorted(needed - content.keys())
    unknown = sorted(content.keys() - needed - allowed)
    if missing or unknown:
        what = f"lacks {missing[0]}" if missing else f"has the key {unknown[0][:40]!a}"
        raise ContentError(f"{what}: wanted {', '.join(sorted(needed))} and any of {', '.join(sorted(allowed))}")
    if str(content["schema"]) != SCHEMA:
        raise ContentError(f"schema is {shown(content['schema'])}, wanted {SCHEMA}")
    for key in ("name", "meaning"):
        text = content.get(key, "-")
        if not isinstance(text, str) or not 0 < len(text) <= MAX_NAME or not text.isprintable():
            raise ContentError(f"{key} is no printable text of at most {MAX_NAME} characters")
    return content


def _patterns(content: Any, key: str) -> None:
    if not isinstance(content, dict):
        raise ContentError(f"{key} is no object, wanted a grid of blocks for each trained matrix")
    for name, rows in content.items():
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise ContentError(f"{key}.{name[:20]!a} is no list of rows")
        if any(not isinstance(entry, str) or len(entry) > MAX_NAME for row in rows for entry in row):
            raise ContentError(
                f"{key}.{name[:20]!a} has an entry that is no short text: write numbers and names in quotes"
            )


def _constraints(content: Any) -> list[Constraint]:
    if not isinstance(content, list) or not 0 < len(content) <= MAX_CONSTRAINTS:
        raise ContentError(f"constraints is no list of 1 to {MAX_CONSTRAINTS} objects with name and equation")
    result = []
    for k, item in enumerate(content):
        if not isinstance(item, dict) or not {"name", "equation"} <= item.keys() <= {"name", "equation", "layers"}:
            raise ContentError(f"constraints[{k}] wants the keys name, equation and perhaps layers")
        if not all(isinstance(item[key], str) and len(item[key]) <= 1000 for key in ("name", "equation")):
            raise ContentError(f"constraints[{k}] has a name or equation that is no text of at most 1000 characters")
        layers = item.get("layers")
        if layers is not None and not (isinstance(layers, list) and layers and all(_is_count(x) for x in layers)):
            raise ContentError(f"constraints[{k}].layers is no list of layer numbers from 1")
        terms, constant = parse_equation(item["equation"])
        result.append(Constraint(item["name"], terms, constant, None if layers is None else tuple(map(int, layers))))
    return result


def _is_count(x: Any) -> bool:
    text = str(x)
    return not isinstance(x, bool) and text.isascii() and text.isdigit() and len(text) <= 9


def _matrix(content: Any, name: str) -> tuple[tuple[Fraction, ...], ...]:
    if not isinstance(content, list) or not all(isinstance(row, list) for row in content):
        raise ContentError(f"{name} is no list of rows of numbers")
    return tuple(tuple(parse_rational(x, f"an entry of {name}") for x in row) for row in content)


def weight_set(content: Mapping[str, Any], space: S, group: SymmetryGroup) -> AffineSet[S]:
    """The set that a document describes, among the trained weights of `space`.

    Raises `ArgumentError` when it does not fit them.
    """
    content = check_set(dict(content))
    name = content.get("name", "the given set")
    meaning = content.get("meaning", "given by the user")
    if "constraints" in content:
        return constrained(space, group, name, meaning, _constraints(content["constraints"]))
    patterns = [_rows(content["matrices"])] * space.stored
    if "last_layer" in content and space.stored == 1:
        raise ArgumentError("last_layer is for sequential weights of two or more layers: ask with -L 2 --sequential")
    if "last_layer" in content:
        patterns[-1] = _rows(content["last_layer"])
    return pattern_set(space, name, meaning, patterns)


def _rows(matrices: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, Rows]:
    return {name: tuple(tuple(row) for row in rows) for name, rows in matrices.items()}
