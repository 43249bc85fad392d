"""What was last proved on this machine: a record bound to all that a proof rests on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...numeric.files.placing import place_file
from ...numeric.files.text import read_text
from ...symbolic.errors import ContentError
from ...symbolic.strict_json import dumps, loads
from .audit import Audit
from .gate import STATEMENTS, Outcome, source_digests
from .installed import cache_folder, installed, of_files
from .prover import Prover


def record_path() -> Path:
    """The file of the record, in the user's cache folder."""
    return cache_folder() / "proofs.json"


def digest(audits: Sequence[Audit], prover: Prover, sources: Mapping[str, str]) -> str:
    """Binds a record: theory, audit texts, the gate's own code, the prover's programs, MathComp's compiled files.

    sources : the sha256 of the theory's files, by name
    """
    shared = sorted({w for a in audits for w in a.words})
    content = {
        "sources": {name: value for name, value in sources.items() if name.endswith(".v")},
        "audits": [a.texts() for a in audits],
        "words": {w: (STATEMENTS / f"{w}.v").read_text(encoding="utf-8") for w in shared},
        "gate": of_files(sorted(Path(__file__).parent.rglob("*.py"))),
        "prover": [prover.version, *prover.command, *prover.checker],
        "installed": installed(prover, os.environ.get("PATH", "")),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write(name: str, audits: Sequence[Audit], prover: Prover, outcome: Outcome) -> None:
    """Record that every theorem of `audits` passed; a cache that cannot be written is no error."""
    if any(t.name not in outcome.passed for a in audits for t in a.theorems):
        return
    try:
        if not installed(prover, os.environ.get("PATH", "")):
            return
        known = _read()
        known[name] = digest(audits, prover, outcome.sources)
        path = record_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        place_file(path, dumps(known))
    except OSError:
        return


def knows(name: str) -> bool:
    """Whether there is a record of this name at all: cheap, and not yet an answer."""
    return name in _read()


def holds(name: str, audits: Sequence[Audit], prover: Prover) -> bool:
    """Whether the record says that just these audits passed over just these files with just this prover."""
    try:
        return bool(audits) and _read().get(name) == digest(audits, prover, source_digests())
    except OSError:
        return False


def _read() -> dict[str, str]:
    try:
        data = loads(read_text(record_path()))
    except ContentError:
        return {}
    return {k: v for k, v in data.items() if isinstance(v, str)} if isinstance(data, dict) else {}
