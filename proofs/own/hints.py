"""What to write in place of what Python itself refused in a user's file, where its own words do not say."""

from __future__ import annotations

import re
from typing import Any

DECLARED = ("weights", "preconditioners")
SECOND = {"weights": "u", "preconditioners": "D"}


def hint(error: BaseException, written: str, subject: Any) -> str:
    """What is added to an error's words; `written` is the line that raised it, as the file has it. Empty for none."""
    text = str(error)
    if isinstance(error, ValueError) and "values to unpack" in text:
        return _unpacked(written, subject)
    if isinstance(error, NameError) and error.name in getattr(subject, "parameters", ()):
        return f"it is a parameter: write p.{error.name}"
    if isinstance(error, TypeError) and re.search(r"Sweep' has no len\(\)", text):
        return "the number of transitions is sweep.n"
    if isinstance(error, TypeError) and re.search(r"Sweep' object is not subscriptable", text):
        return "write `for t in sweep`, and t.index for the position"
    return ""


def _unpacked(written: str, subject: Any) -> str:
    name = written.rpartition("=")[2].strip()
    if name not in DECLARED:
        return ""
    declared = getattr(subject, name, ())
    shown = "".join(f'"{x}", ' for x in declared)
    return (
        f"the algorithm declares {name}=({shown.rstrip() if len(declared) == 1 else shown.rstrip(', ')}): another one "
        f'is declared there too, {name}=({shown}"{SECOND[name]}")'
    )
