"""A certificate of an answer: the prompt, what decided it, and the matrix that certifies the rate.

`check` believes none of it.  It makes the iteration again from the prompt, decides again, and verifies the matrix by
exact pivots; it never searches for a rate, a bracket or a matrix.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...numeric.files.placing import place_file
from ...numeric.files.text import read_text
from ...symbolic.convergence.rate import Rate
from ...symbolic.convergence.rationals import fraction, fractions
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.strict_json import dumps, loads, rational_text
from ..user_file import is_file
from ..verdict import prompt_json
from .answer import Answer

FORMAT, SCHEMA = "layerproof-convergence", 1
KEYS = frozenset({
    "format", "schema", "subject", "prompt", "parameters", "options", "preconditioners", "start", "read", "answer",
    "every_start", "prediction", "polynomial", "spectral_radius", "limit", "rate", "epsilon", "layers", "digest",
})  # fmt: skip
STRENGTH = "exact on this prompt (over Q)"


def certificate(answer: Answer, name: str = "") -> dict[str, Any]:
    """The certificate of an answer that was decided, as plain data.

    name : what the subject is called there: a path for a file
    """
    assert answer.fate is not None and answer.radius is not None
    setup, fate = answer.setup, answer.fate
    content = {
        "format": FORMAT, "schema": SCHEMA, "subject": name or setup.subject.name,
        "prompt": prompt_json(setup.context),
        "parameters": {k: rational_text(v) for k, v in setup.values.items()},
        "options": dict(setup.options),
        "preconditioners": [[_plain(C) for C in step] for step in setup.period],
        "start": [_plain(w) for w in setup.start],
        "read": setup.read,
        "answer": answer.answer,
        "every_start": word(fate.every.converges) if fate.every is not None and setup.period else None,
        "prediction": word(fate.prediction.converges),
        "polynomial": [rational_text(fraction(x)) for x in fate.start.polynomial.coeffs()],
        "spectral_radius": [rational_text(x) for x in answer.radius],
        "limit": limit_json(answer),
        "rate": rate_json(answer.rate),
        "epsilon": rational_text(answer.epsilon), "layers": answer.layers,
    }  # fmt: skip
    return {**content, "digest": digest_of(content)}


def word(converges: bool) -> str:
    """The answer as it is written."""
    return "converges" if converges else "diverges"


def _plain(x: Any) -> Any:
    return [_plain(y) for y in x] if isinstance(x, (list, tuple)) else rational_text(Fraction(x))


def limit_json(answer: Answer) -> dict[str, Any] | None:
    """The limit of the weights and of the prediction, each where it exists."""
    fate = answer.fate
    if fate is None or (fate.limit is None and fate.value is None):
        return None
    named = fate.limit is not None and bool(answer.setup.period)
    weights = {k: _plain(v) for k, v in fate.iteration.named(fate.limit).items()} if named else None
    return {"weights": weights, "prediction": None if fate.value is None else rational_text(fraction(fate.value))}


def rate_json(rate: Rate | None) -> dict[str, Any] | None:
    """r, the constants and the matrix X of an envelope."""
    if rate is None:
        return None
    return {
        "r": rational_text(rate.envelope.r),
        "constants": [rational_text(x) for x in rate.envelope.constants],
        "spectral_radius": [rational_text(x) for x in rate.radius],
        "matrix": [[rational_text(x) for x in line] for line in fractions(rate.envelope.X)],
    }


def digest_of(content: Mapping[str, Any]) -> str:
    """The SHA-256 of the canonical form of everything but the digest."""
    return sha256(dumps(content).encode("utf-8", "surrogatepass")).hexdigest()


def check_target(path: Path) -> None:
    """Raise `ArgumentError` when a certificate must not be written there: another file, or no folder."""
    if not path.parent.is_dir():
        raise ArgumentError(f"{path}: there is no folder {path.parent} to write it in")
    if path.exists():
        try:
            there = loads(read_text(path))
        except ContentError:
            there = None
        if not isinstance(there, dict) or there.get("format") != FORMAT:
            raise ArgumentError(f"{path}: is there already and is no certificate of convergence: name another file")


def subject_name(subject: str, path: Path) -> str:
    """What a subject is called in a file at `path`: a name, or a path relative to it."""
    if not is_file(subject):
        return subject
    name = Path(os.path.relpath(Path(subject).resolve(), path.resolve().parent)).as_posix()
    return name if "/" in name else f"./{name}"


def write(document: Mapping[str, Any], path: Path) -> None:
    """Write a certificate, whole or not at all; `ArgumentError` as `check_target`, `ContentError` when it cannot be."""
    check_target(path)
    try:
        place_file(path, dumps(document))
    except OSError as error:
        raise ContentError(f"{path}: cannot be written: {error.strerror}") from None
