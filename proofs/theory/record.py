"""What was last proved on this machine: a record bound to the theory's files, the audits and the prover's version."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from ...numeric.files.placing import place_file
from ...numeric.files.text import read_text
from ...symbolic.errors import ContentError
from ...symbolic.strict_json import dumps, loads
from .audits import Audit
from .gate import Outcome, Prover, source_digests


def record_path() -> Path:
    """Where the record is kept: LAYERPROOF_CACHE, else the user's cache folder."""
    given = os.environ.get("LAYERPROOF_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    folder = Path(given) if given else (Path(base) if base else Path.home() / ".cache") / "layerproof"
    return folder / "proofs.json"


def digest(audits: Sequence[Audit], prover: Prover) -> str:
    """Binds a record: the sources, the audit texts (statements and derived heads among them) and the prover."""
    content = {"sources": source_digests(), "audits": [a.text() for a in audits], "prover": prover.version}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write(name: str, audits: Sequence[Audit], prover: Prover, outcome: Outcome) -> None:
    """Record that every theorem of `audits` passed; a cache that cannot be written is no error."""
    if any(t.name not in outcome.passed for a in audits for t in a.theorems):
        return
    known = _read()
    known[name] = digest(audits, prover)
    path = record_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        place_file(path, dumps(known))
    except OSError:
        return


def knows(name: str) -> bool:
    """Whether there is a record of this name at all: cheap, and not yet an answer."""
    return name in _read()


def holds(name: str, audits: Sequence[Audit], prover: Prover) -> bool:
    """Whether the record says that just these audits passed over just these sources with this prover."""
    return _read().get(name) == digest(audits, prover)


def _read() -> dict[str, str]:
    try:
        data = loads(read_text(record_path()))
    except ContentError:
        return {}
    return {k: v for k, v in data.items() if isinstance(v, str)} if isinstance(data, dict) else {}
