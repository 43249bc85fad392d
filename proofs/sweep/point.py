"""One point of a sweep: what it asks, the digest that names it, and running it to a record of plain data."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from ...symbolic.errors import ContentError, LayerproofError
from ...symbolic.plain_text import encodable, one_line
from ...symbolic.strict_json import dumps
from ..case import Settings
from ..checker import verify
from ..verdict import Claim, Verdict, worst

SCHEMA = 1
EXIT_CODES = {Verdict.HOLDS: 0, Verdict.REFUTED: 1, Verdict.UNDECIDED: 3, Verdict.NOT_RUN: 3}
NOTHING_APPLIES = "none of the evidence asked for applies to this construction"
MAX_REASON = 2000
PACKAGES = ("layerproof", "numpy", "python-flint", "sympy", "torch")


@dataclass(frozen=True, eq=False)
class Point:
    """One call of `verify`.

    specification : what decides the result, as plain data: no parameter that the algorithm does not have
    settings      : the same, as `verify` wants it, with the limits on work and time (which decide no result)
    subject       : the algorithm's name, or where its file lies
    evidence      : the kinds asked for; None for all but those that run on request only
    """

    specification: Mapping[str, Any]
    settings: Settings
    subject: str
    evidence: tuple[str, ...] | None

    @cached_property
    def digest(self) -> str:
        """What names the point: the digest of its specification."""
        return digest_of(self.specification)


def digest_of(document: Any) -> str:
    """The SHA-256 of a document's canonical JSON."""
    return sha256(dumps(document).encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: str) -> str:
    """The SHA-256 of a file's bytes; `ContentError` when it cannot be read."""
    try:
        return sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise ContentError(f"{path}: cannot be read here: {error.strerror}") from None


def run_point(point: Point) -> dict[str, Any]:
    """Verify one point and return its record; whatever goes wrong with this point alone becomes its NOT_RUN."""
    start = time.perf_counter()
    try:
        source = point.specification.get("source")
        if source is not None and file_digest(point.subject) != source:
            raise ContentError(f"{point.subject}: differs here from the file that the sweep was asked about")
        result = verify(point.subject, settings=point.settings, evidence=point.evidence)
    except LayerproofError as error:
        return _record(point, (), str(error), time.perf_counter() - start)
    except Exception as error:  # one point's fault must not end the sweep; it is told, and never counts as success
        return _record(point, (), f"internal error: {type(error).__name__}: {error}", time.perf_counter() - start)
    asked = [claim for claim in result.claims if claim.asked]
    return _record(point, asked, "" if asked else NOTHING_APPLIES, time.perf_counter() - start)


def not_run(point: Point, reason: str) -> dict[str, Any]:
    """The record of a point that no worker finished."""
    return _record(point, (), reason, 0.0)


def _record(point: Point, claims: Iterable[Claim], reason: str, seconds: float) -> dict[str, Any]:
    stated = [_stated(claim) for claim in claims]
    verdict = worst(Verdict(claim["verdict"]) for claim in stated)
    near = max((c for c in stated if c["ratio"] is not None), key=lambda c: float(c["ratio"]), default=None)
    return {
        "schema": SCHEMA,
        "digest": point.digest,
        "specification": dict(point.specification),
        "verdict": verdict.value,
        "exit_code": EXIT_CODES[verdict],
        "reason": _text(reason),
        "claims": stated,
        **{key: None if near is None else near[key] for key in ("bound", "error", "ratio")},
        "seconds": round(seconds, 3),
        "deaths": 0,
        "versions": dict(_versions()),
    }


def _stated(claim: Claim) -> dict[str, Any]:
    """What a record keeps of a claim; `ratio` is error / bound where both are numbers."""
    floats = isinstance(claim.bound, float) and isinstance(claim.error, float) and claim.bound > 0
    ratio = claim.error / claim.bound if floats else None  # type: ignore[operator]
    floats = ratio is not None and all(map(math.isfinite, (claim.bound, claim.error, ratio)))  # type: ignore[arg-type]
    texts = {key: _text(getattr(claim, key)) for key in ("algorithm", "claim", "evidence", "reason")}
    strength = claim.strength if claim.verdict is Verdict.HOLDS else ""
    numbers = {"bound": claim.bound, "error": claim.error} if floats else {"bound": None, "error": None}
    return {
        **texts,
        "verdict": claim.verdict.value,
        "strength": strength,
        **numbers,
        "ratio": ratio if floats else None,
    }


def _text(text: str) -> str:
    shown = one_line(encodable(text))
    return shown if len(shown) <= MAX_REASON else f"{shown[:MAX_REASON]}..."


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    return (("python", platform.python_version()), *((package, _version(package)) for package in PACKAGES))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
