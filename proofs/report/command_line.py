"""The command that makes a page again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from ...symbolic.algorithm import Algorithm
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.strict_json import rational_text
from ..case import Settings
from ..user_file import Subject as Linear
from ..user_file import origin
from .sections.reproduce import OF_PYTHON

CHANGED = (
    "trials", "exact_trials", "entrywise_features", "entrywise_context", "dtype", "device", "process", "order",
    "max_work",
)  # fmt: skip
"""The settings that the command to make a page again names where they are not the default."""


def command_line(
    item: Linear | PatternAlgorithm, settings: Settings, evidence: Iterable[str] | None, prove: bool, invariance: bool,
    prompt_file: str | None = None,
) -> str:  # fmt: skip
    """The command that makes this page again, from where the user stood."""
    path = origin(item)
    s, default = settings, Settings()
    words = ["layerproof", "report", item.name if path is None else _from_here(path)]
    if s.prompt is None:
        words += ["-d", str(s.features), "-n", str(s.context)]
    else:
        words += ["--prompt", prompt_file or OF_PYTHON]
    words += ["-L", str(s.layers), "--gamma", rational_text(s.gamma), "--lam", rational_text(s.lam)]
    if s.trace is not None and isinstance(item, Algorithm) and "trace" in item.options:
        words += ["--trace", s.trace]
    for name in ("seed", *CHANGED):
        if getattr(s, name) != getattr(default, name) or name == "seed":
            words += [f"--{name.replace('_', '-')}", str(getattr(s, name))]
    words += ["--looped"] * s.looped + ["--compile"] * s.compiled
    for name, value in sorted(s.values.items()):
        words += ["--parameter", f"{name}={rational_text(value)}"]
    for kind in evidence or ():
        words += ["--evidence", kind]
    words += ["--prove"] * prove + ["--invariance"] * invariance + ["-o", "report"]
    return " ".join(shlex.quote(word) for word in words)


def _from_here(path: Path) -> str:
    """A file's path as it was given, or from where the user stands when that is above it."""
    here = Path.cwd()
    near = path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
    return str(near) if near.is_absolute() or near.parts[0] == ".." else f"./{near}"
