"""Reads a user's own transitions from a JSON or CSV file, every number exactly.

JSON (`.json`): one object, one inner list a transition:

    {"features": [["1/2", 0.25]], "next_features": [[0, 1]], "rewards": [-1e-3], "query": [1, 1]}

CSV (`.csv`): comma separated with a header, one line a transition, columns in any order; in the last line the
phi_next and reward cells may be left empty: that line is the query.

    phi_1,phi_2,phi_next_1,phi_next_2,reward
    1/2,0.25,0,1,-1e-3
    1,1,,,

In JSON, `"extras": {"rho": [1, "1/2"]}` gives what else an algorithm's transitions carry, a number or a vector each.
The query may be left out: it is then the last vector of next features, the state the transitions end in.
A number is an integer, a decimal with or without an exponent, or a rational p/q; in JSON it may also be a string.
The text of a number goes straight to a Fraction and never through a float. The file is UTF-8 of at most 16 MiB.
Everything that cannot be used raises `ContentError`, which names the file and the place in it.
"""

from __future__ import annotations

import csv
import io
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.exact import kind, parse_rational, shortened
from ...symbolic.kinds import PATH
from ...symbolic.near import near as near_to
from ...symbolic.prompt import Context
from ...symbolic.strict_json import loads
from .text import read_text

_REQUIRED = ("features", "next_features", "rewards")
_KEYS = (*_REQUIRED, "query", "extras")


def read_context(path: str | os.PathLike[str]) -> Context:
    """The prompt in the file, by its suffix .json or .csv (formats above); raises `ContentError` when it has none."""
    PATH.check(path=path)
    path = Path(path)
    readers = {".json": _from_json, ".csv": _from_csv}
    if path.suffix.lower() not in readers:
        raise ContentError(f"{path}: the suffix is {path.suffix!r}, wanted .json or .csv")
    try:
        return readers[path.suffix.lower()](read_text(path))
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None


def _from_json(text: str) -> Context:
    """The prompt in a JSON text."""
    data = loads(text, numbers_as_text=True)  # 0.1 is read as 1/10, and 1e40000000 costs nothing until it is refused
    if not isinstance(data, dict):
        raise ContentError(f"the file is {kind(data)}, wanted an object with the keys {', '.join(_KEYS)}")
    for key in data:
        if key not in _KEYS:
            near = near_to(key, _KEYS, most=1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(_KEYS)}"
            raise ContentError(f"key {shortened(key)} is not known: {hint}")
    for key in _REQUIRED:
        if key not in data:
            raise ContentError(f"key {key} is missing, wanted {', '.join(_REQUIRED)} and optionally query")
    features, next_features = (
        [_vector(row, f"{key}[{j}]") for j, row in enumerate(_list(data[key], key, "lists of numbers"))]
        for key in ("features", "next_features")
    )
    rewards = _vector(data["rewards"], "rewards")
    query = _vector(data["query"], "query") if "query" in data else None
    return _context(features, next_features, rewards, query, _extras(data.get("extras", {})))


def _extras(data: object) -> dict[str, list[Any]]:
    """Whatever else the transitions carry: {name: a list of numbers or of vectors}."""
    if not isinstance(data, dict):
        raise ContentError(f"extras is {kind(data)}, wanted an object with a list for each name")
    return {
        name: [
            _vector(x, f"extras.{shortened(name)}[{j}]")
            if isinstance(x, list)
            else parse_rational(x, f"extras.{shortened(name)}[{j}]")
            for j, x in enumerate(_list(values, f"extras.{shortened(name)}", "numbers or of lists of numbers"))
        ]
        for name, values in data.items()
    }


def _list(value: object, name: str, entries: str) -> list[Any]:
    if not isinstance(value, list):
        raise ContentError(f"{name} is {kind(value)}, wanted a list of {entries}")
    return value


def _vector(value: object, name: str) -> list[Fraction]:
    return [parse_rational(entry, f"{name}[{i}]") for i, entry in enumerate(_list(value, name, "numbers"))]


def _from_csv(text: str) -> Context:
    """The prompt in a CSV text."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    features, next_features, rewards = [], [], []
    query: list[Fraction] | None = None
    try:
        header = [name.strip(" \t") for name in next(reader)]
        d, column = _columns(header)
        phi, phi_next = ([f"{prefix}{k}" for k in range(1, d + 1)] for prefix in ("phi_", "phi_next_"))
        for row in reader:
            if not row:
                continue
            where = f"line {reader.line_num}"
            if query is not None:
                raise ContentError(f"{where} follows the query (empty phi_next and reward), wanted the query last")
            if len(row) != len(header):
                raise ContentError(f"{where} has {len(row)} cells, wanted {len(header)} as in the header")
            cells = {name: row[i].strip(" \t") for name, i in column.items()}
            values = [parse_rational(cells[name], f"{where}, column {name}") for name in phi]
            if not any(cells[name] for name in (*phi_next, "reward")):
                query = values
                continue
            features.append(values)
            next_features.append([parse_rational(cells[name], f"{where}, column {name}") for name in phi_next])
            rewards.append(parse_rational(cells["reward"], f"{where}, column reward"))
    except csv.Error as error:
        raise ContentError(f"is not CSV: line {reader.line_num}: {error}") from None
    return _context(features, next_features, rewards, query)


def _columns(header: list[str]) -> tuple[int, dict[str, int]]:
    """The feature dimension, and where each column stands; the first missing, repeated or unknown one is named."""
    next_count = sum(name.startswith("phi_next_") for name in header)
    d = max(1, next_count, sum(name.startswith("phi_") for name in header) - next_count)
    wanted = [f"{prefix}{k}" for prefix in ("phi_", "phi_next_") for k in range(1, d + 1)] + ["reward"]
    column: dict[str, int] = {}
    for i, name in enumerate(header):
        if name in column:
            raise ContentError(f"column {shortened(name)} is given twice, wanted each column once")
        column[name] = i
    for name in wanted:
        if name not in column:
            raise ContentError(
                f"column {name} is missing, wanted phi_1..phi_d, phi_next_1..phi_next_d and reward, "
                f"comma separated: the header is {shortened(','.join(header))}"
            )
    if len(column) > len(wanted):
        known = set(wanted)
        extra = next(name for name in column if name not in known)
        raise ContentError(
            f"column {shortened(extra)} is not known: remove it (the columns are {shortened(','.join(wanted))})"
        )
    return d, column


def _context(
    features: list[list[Fraction]],
    next_features: list[list[Fraction]],
    rewards: list[Fraction],
    query: list[Fraction] | None,
    extras: dict[str, list[Any]] | None = None,
) -> Context:
    """The prompt with these parts; without a query it is the last vector of next features."""
    note = ""
    if query is None:
        query = next_features[-1] if next_features else []
        note = " (no query is given: the last vector of next features stands for it)"
    try:
        return Context.of(features, next_features, rewards, query, extras)
    except ArgumentError as error:  # the lengths do not fit: it is the file that is wrong, not an argument
        raise ContentError(f"{error}{note}") from None
