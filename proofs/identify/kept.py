"""A failed assertion kept as a file: the counterexample, the rows that a module gets, and what to change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...numeric.files.placing import place_file
from ...numeric.files.text import read_text
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.strict_json import dumps, loads
from ..verdict import Claim, Result, Verdict

KIND = "layerproof counterexample"
SCHEMA = 1


def check_place(path: Path) -> None:
    """Raise `ArgumentError` before any work where no counterexample can be kept; an earlier one is written over."""
    if path.suffix != ".json":
        raise ArgumentError(f"save is {str(path)!r}, wanted a name that ends in .json")
    if not path.parent.is_dir():
        raise ArgumentError(f"save is {str(path)!r}, but there is no folder {str(path.parent)!r}: make it first")
    if path.exists():
        try:
            there = loads(read_text(path))
        except ContentError:
            there = None
        if not isinstance(there, dict) or there.get("kind") != KIND:
            raise ArgumentError(f"save is {str(path)!r}, which exists and is no counterexample: name another file")


def on_numbers(claims: Iterable[Claim]) -> Claim | None:
    """The first refuted claim with a whole prompt as its counterexample."""
    return next((c for c in claims if c.verdict is Verdict.REFUTED and "prompt" in (c.witness or {})), None)


def keep(path: Path, result: Result, diagnosis: Mapping[str, Any] | None) -> bool:
    """Write the counterexample of a refuted result; whether there was one.

    The diagnosis's is taken before that of a claim: a module's is shrunk.  Of claims, one on numbers comes first.
    """
    refuted = (c for c in result.claims if c.verdict is Verdict.REFUTED)
    failed = on_numbers(result.claims) or next(refuted, None)
    if failed is None:
        return False
    why = dict(diagnosis or {})
    witness = why.get("counterexample") or failed.witness
    if not witness:
        return False
    document = {
        "kind": KIND, "schema": SCHEMA, "algorithm": failed.algorithm, "evidence": failed.evidence,
        "reason": failed.reason, "change": why.get("change"), "remedy": why.get("remedy"), "found": dict(witness),
    }  # fmt: skip
    place_file(path, dumps(document))
    return True
