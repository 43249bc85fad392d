"""What a sweep found, counted: by algorithm and words that vary, by each number that varies; and what does not hold."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..case import Settings
from ..terminal.table import STYLES, console
from ..verdict import SCHEMA, Verdict
from .run import SweepResult

WORDS = ("trace", "dtype", "looped")
NUMBERS = ("d", "n", "L", "gamma", "lam", "seed")
VALUES, FAILED = 10, 5
"""How many values of one axis, and how many points that do not hold, are printed."""
_OPTIONS = {
    "d": "-d", "n": "-n", "L": "-L", "gamma": "--gamma", "lam": "--lam", "trace": "--trace", "dtype": "--dtype",
    "seed": "--seed", "trials": "--trials", "exact_trials": "--exact-trials", "process": "--process",
    "device": "--device", "order": "--order", "entrywise_features": "--entrywise-features",
    "entrywise_context": "--entrywise-context",
}  # fmt: skip

_DEFAULTS = {key: getattr(Settings, key) for key in ("trials", "exact_trials", "process", "device")}
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """Points that share some values: how many have each verdict, and the largest error / bound among them."""

    values: Mapping[str, str]
    counts: Mapping[Verdict, int]
    ratio: float | None

    def to_json(self) -> dict[str, Any]:
        """The row as plain data."""
        counts = {v.value: self.counts[v] for v in Verdict}
        return {"values": dict(self.values), "counts": counts, "worst_ratio": self.ratio}


def varying(records: Iterable[Record], axes: Sequence[str]) -> list[str]:
    """The axes of which the points have more than one value; not having the axis at all is none."""
    seen: dict[str, set[str]] = {axis: set() for axis in axes}
    for record in records:
        for axis in axes:
            if axis in record["specification"]:
                seen[axis].add(_word(record["specification"][axis]))
    return [axis for axis in axes if len(seen[axis]) > 1]


def rows(records: Iterable[Record], axes: Sequence[str]) -> list[Row]:
    """One row for each combination of values of `axes` that some point has, in the order of the points."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        key = tuple(_word(record["specification"].get(axis, "")) for axis in axes)
        groups.setdefault(key, []).append(record)
    return [_row(dict(zip(axes, key, strict=True)), group) for key, group in groups.items()]


def groups_of(records: Sequence[Record]) -> list[str]:
    """What the main table has a row for: the algorithm, and each axis of words that varies."""
    return ["algorithm", *varying(records, WORDS)]


def document(result: SweepResult, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The whole sweep as plain data; each claim names its point by digest."""
    records = result.records
    points = [{k: v for k, v in r.items() if k not in ("claims", "schema")} for r in records]
    claims = [
        {**claim, "asked": True, "details": {"point": record["digest"]}}
        for record in records
        for claim in record["claims"]
    ]
    return {
        "command": "sweep",
        "schema": SCHEMA,
        "settings": dict(settings),
        "verdict": result.verdict.value,
        "ran": result.ran,
        "found": result.found,
        "rows": [row.to_json() for row in rows(records, groups_of(records))],
        "axes": {axis: [row.to_json() for row in _by(records, axis)] for axis in varying(records, NUMBERS)},
        "points": points,
        "claims": claims,
    }


def show(result: SweepResult) -> None:
    """Print the tables, the first points that do not hold with the command that runs each alone, and the count."""
    out, records = console(), result.records
    axes = groups_of(records)
    _table(out, axes, rows(records, axes))
    for axis in varying(records, NUMBERS):
        by_value = _by(records, axis)
        _table(out, [axis], by_value[:VALUES])
        if len(by_value) > VALUES:
            out.print(Text(f" and {len(by_value) - VALUES} more values of {axis}: --json lists them"))
    failed = [r for r in records if r["verdict"] != Verdict.HOLDS]
    for record in sorted(failed, key=lambda r: list(Verdict).index(Verdict(r["verdict"])))[:FAILED]:
        verdict = Verdict(record["verdict"])
        out.print(Text.assemble((verdict.value, STYLES[verdict]), f"  {described(record['specification'])}"))
        out.print(Text(f"  {reason(record)}"))
        out.print(Text(f"  {command_of(record['specification'])}"), soft_wrap=True)
    if len(failed) > FAILED:
        out.print(Text(f"and {len(failed) - FAILED} more that do not hold: --json, or the results file"))
    out.print(Text(count(result), style="bold"))


def count(result: SweepResult) -> str:
    """One line: how many points came out how, and how many of them this run had to do."""
    counts = Counter(Verdict(record["verdict"]) for record in result.records)
    counted = ", ".join(f"{counts[v]} {v.value}" for v in Verdict if counts[v])
    points = len(result.records)
    ran = f"{result.ran} ran now, {result.found} found in {result.path}"
    return f"{points} point{'' if points == 1 else 's'}: {counted} ({ran})"


def described(specification: Record) -> str:
    """A point in words: its algorithm and its values on the axes."""
    axes = [axis for axis in (*NUMBERS, *WORDS) if axis in specification]
    return f"{specification['algorithm']}: " + ", ".join(f"{axis} = {_word(specification[axis])}" for axis in axes)


def reason(record: Record) -> str:
    """Why a point does not hold: its own reason, or that of its first worst claim."""
    if not record["claims"]:
        return str(record["reason"])
    claim = next(c for c in record["claims"] if c["verdict"] == record["verdict"])
    return f"{claim['evidence']}: {claim['reason']}"


def command_of(specification: Record) -> str:
    """The command that verifies this point alone; a file's path is as in the sweep's specification."""
    words = ["layerproof", "verify", str(specification["algorithm"])]
    for key, option in _OPTIONS.items():
        if specification.get(key) is not None and specification[key] != _DEFAULTS.get(key):
            words += [option, str(specification[key])]
    words += ["--looped"] if specification["looped"] else []
    words += ["--compile"] if specification.get("compiled") else []
    for name, value in specification.get("parameters", {}).items():
        words += ["--parameter", f"{name}={value}"]
    if specification["evidence"] != "default":
        for kind in specification["evidence"]:
            words += ["--evidence", kind]
    return shlex.join(words)


def _by(records: Sequence[Record], axis: str) -> list[Row]:
    having = [r for r in records if axis in r["specification"]]
    return sorted(rows(having, [axis]), key=lambda row: Fraction(row.values[axis]))


def _row(values: Mapping[str, str], group: Sequence[Record]) -> Row:
    counts = Counter(Verdict(record["verdict"]) for record in group)
    ratios = [record["ratio"] for record in group if record["ratio"] is not None]
    return Row(values, counts, max(ratios, default=None))


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(out: Console, axes: Sequence[str], rows: Sequence[Row]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for axis in axes:
        table.add_column(axis, no_wrap=True)
    for verdict in Verdict:
        table.add_column(verdict.value, justify="right")
    table.add_column("worst error/bound", justify="right")
    for row in rows:
        counts = [Text(str(row.counts[v]), STYLES[v]) if row.counts[v] else Text("-", "dim") for v in Verdict]
        ratio = "" if row.ratio is None else f"{row.ratio:.2g}"
        table.add_row(*(Text(row.values[axis]) for axis in axes), *counts, ratio)
    out.print(table)
