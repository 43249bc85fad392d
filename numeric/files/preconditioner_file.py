"""The file of a user's own preconditioners, one entry a layer (a single one for a looped transformer).

{"format": "layerproof-preconditioners", "schema": 1, "preconditioners": [[C, ...], ...]}: each entry is a list with
one item for each of the algorithm's preconditioners, in its order: d rows of d numbers, or a number for a scalar step.
A number is a text such as "-1/3", or a JSON number, whose digits are read exactly: 0.1 is 1/10.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Steps
from ...symbolic.errors import ContentError
from ...symbolic.exact import parse_rational
from ...symbolic.strict_json import loads
from .text import read_text

FORMAT, SCHEMA = "layerproof-preconditioners", "1"
_KEYS = {"format", "schema", "preconditioners"}


def read_preconditioners(path: str | os.PathLike[str], algorithm: Algorithm, d: int, count: int | None) -> list[Steps]:
    """`count` layers' preconditioners of an algorithm, or as many as there are; `ContentError` names what is wrong."""
    try:
        return _steps(loads(read_text(path), numbers_as_text=True), algorithm, d, count)
    except ContentError as error:
        raise ContentError(f"{Path(path)}: {error}") from None


def _steps(data: Any, algorithm: Algorithm, d: int, count: int | None) -> list[Steps]:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ContentError(f'is no file of preconditioners, wanted an object with "format": "{FORMAT}"')
    if data.get("schema") != SCHEMA:
        raise ContentError(f"schema is {data.get('schema')!a:.40}, this version reads {SCHEMA}")
    if set(data) != _KEYS:
        wrong = sorted(_KEYS ^ set(data))[0]
        raise ContentError(f"key {wrong!a:.60} is {'missing' if wrong in _KEYS else 'not known'}")
    entries = data["preconditioners"]
    if not isinstance(entries, list) or not entries or len(entries) != (count or len(entries)):
        given = len(entries) if isinstance(entries, list) else "no"
        raise ContentError(
            f"preconditioners has {given} entries, wanted {count or 'some'}: one a layer, a single one when looped"
        )
    return [_step(entry, algorithm, d, f"preconditioners[{k}]") for k, entry in enumerate(entries)]


def _step(entry: Any, algorithm: Algorithm, d: int, where: str) -> Steps:
    names = algorithm.preconditioners
    if not isinstance(entry, list) or len(entry) != len(names):
        raise ContentError(f"{where} is wrong, wanted a list with an item for each of {', '.join(names)}")
    result: list[Any] = []
    for k, (name, value) in enumerate(zip(names, entry, strict=True)):
        at = f"{where}[{k}] ({name})"
        if name in algorithm.scalar_preconditioners:
            result.append(parse_rational(value, at))
            continue
        if not isinstance(value, list) or [len(r) if isinstance(r, list) else None for r in value] != [d] * d:
            raise ContentError(f"{at} has the wrong shape, wanted {d} rows of {d} numbers")
        result.append([[parse_rational(x, f"{at}[{i}][{j}]") for j, x in enumerate(r)] for i, r in enumerate(value)])
    return tuple(result)
