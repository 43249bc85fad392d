"""Small projects to check: constructions that take no time, and the files that go with them."""

from __future__ import annotations

from pathlib import Path

from layerproof.proofs.case import Settings
from layerproof.proofs.certificate import certificate as certificates
from layerproof.proofs.commands.new import TEMPLATE

RIGHT = """\
from itertools import repeat

from layerproof import OwnConstruction

CONSTRUCTION = OwnConstruction(
    name="still", title="Nothing moves", source="here",
    rows=lambda d: ["reward"], columns=lambda d, n: [str(j) for j in range(n)],
    prompt=lambda context, p: [list(context.rewards)],
    heads=lambda d, n, p, layer: [],
    reference=lambda context, p: repeat({("reward", "0"): context.rewards[0]}),
)
"""
"""A construction whose layers do nothing, as its reference says: checked in exact arithmetic in no time."""
WRONG = RIGHT.replace("context.rewards[0]}", "context.rewards[0] + 1}")
DERIVED = TEMPLATE.replace("NAME", "mine").replace("TITLE", "Mine")
"""An update whose weights are derived, so that every kind of evidence applies."""
SQUARED = DERIVED.replace("+ delta * t.phi", "+ delta * delta * t.phi")
TINY = Settings(features=1, context=2, layers=1, trials=1, exact_trials=2, entrywise_features=1, entrywise_context=2)
VACUOUS = Settings(features=1, context=300, layers=1, trials=1, exact_trials=1, dtype="bfloat16")
"""In bfloat16 at this context the bound of floats says nothing: UNDECIDED."""


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files, by their path in the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def certificate(path: Path, settings: Settings = TINY, evidence: tuple[str, ...] = ("derived",)) -> None:
    """Write the certificate of TD(0)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    certificates.write(certificates.certify("td0", settings, evidence)[1], path)
