"""Certificates: what was verified, as data that anyone can check again without trusting it.

A certificate is one JSON object: `settings` and `algorithm` say what was asked, `weights`, `layout`, `readout`,
`claims`, `theorems` and `sources` what was found, `tool` with which versions; `digest` is the SHA-256 of the canonical
form of everything else.  `check` believes none of it: it derives everything again from `settings` and compares.
A certificate of a file of one's own also has `file`: where it lies as seen from the certificate, and its digest.
Of an algorithm that attends by patterns it is of schema 2: in place of `readout` it has `pattern`, what the layers
attend by, and what of it is exact.
Floats differ from machine to machine, so of a float claim only the verdict is kept.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...numeric.files.fields import MAX_ENTRIES
from ...numeric.files.placing import place_file
from ...numeric.files.text import read_text
from ...numeric.files.weights_file import description, document
from ...symbolic.algorithms import catalogue, find
from ...symbolic.construction import Construction
from ...symbolic.errors import (
    NO_WEIGHTS,
    ArgumentError,
    ContentError,
    WorkLimitError,
)
from ...symbolic.pattern_algorithms import pattern_catalogue
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.plain_text import amount
from ...symbolic.strict_json import dumps, loads
from .. import limit
from ..case import MAX_WORK, Case, Progress, Settings, parameter_values, silent
from ..checker import verify
from ..evidence import floats, kinds, proved
from ..patterns.floats import SUMS
from ..patterns.weights import applicable, check_pattern_size, pattern_parameters, pattern_weights, what_is_exact
from ..sizes import fitted
from ..theory import audits as theorems
from ..theory import gate as prover
from ..user_file import digest, guarded, origin, resolve_update
from ..verdict import PROVED, Claim, Result, Verdict
from .asked import Certified, asked_in, file_of, listed, loaded, recorded_kinds, settings_of
from .form import differences, match, plain, shown
from .judged import content_claim, contradicted, digest_claim

FORMAT, SCHEMA, PATTERN_SCHEMA = "layerproof-certificate", 1, 2
MAX_STORED = 20_000
"""Weights of at most this many entries are written out in a certificate; of larger ones only the digest."""

FLOAT = "float"
FLOAT_REASON = "judged anew wherever the certificate is checked: errors differ from machine to machine"

_TOOL = dict.fromkeys(("name", "version", "python", "sympy", "python-flint", "numpy", "torch"), str)
_CLAIM = {**dict.fromkeys(("algorithm", "claim", "evidence", "verdict", "strength", "reason"), str), "asked": bool}
_SHAPE: dict[str, Any] = {
    "format": str, "schema": int, "tool": _TOOL, "statement": str, "settings": dict, "weights": dict, "layout": dict,
    "algorithm": dict.fromkeys(("name", "title", "source"), str),
    "readout": {"row": int, "row_name": str, "column": int, "sign": int},
    "claims": [_CLAIM], "theorems": [dict.fromkeys(("name", "file", "statement", "sentence"), str)],
    "sources": dict, "digest": str,
}  # fmt: skip
_FILE = {"path": str, "digest": str}
_PATTERN = {"keys": str, "mask_first": bool, "scale": str, "exact": str}
_NAMED = ("kernel", "scored", "shift_from")
"""And in `pattern` what is a name or null."""


def certify(
    name: str | Certified,
    settings: Settings | None = None,
    evidence: Iterable[str] | None = None,
    progress: Progress = silent,
    file: str | None = None,
) -> tuple[Result, dict[str, Any] | None]:
    """Verify one algorithm and build its certificate, whatever the verdicts are; None where there are no weights.

    name : an algorithm of the catalogue, or a Python file of one's own
    file : the path of that file as seen from the certificate's folder; its name when left out
    Raises `ArgumentError` for wrong arguments, `WorkLimitError` for too much work, both before anything runs;
    `ContentError` for a file that cannot be used.
    """
    algorithm, settings = resolve_update(name, "certify"), settings or Settings()
    listed_here = catalogue().get(algorithm.name) or pattern_catalogue().get(algorithm.name)
    if origin(algorithm) is None and listed_here is not algorithm:
        raise ArgumentError(
            f"{algorithm.name} is an object, which nobody else can check: write it in a file, and name that"
        )
    named = None if evidence is None else tuple(evidence)
    if PROVED in (named or ()):
        raise ArgumentError(f"a certificate names theorems but records no {PROVED}: `layerproof check --prove` does it")
    note = ""
    if isinstance(algorithm, PatternAlgorithm):
        pattern_parameters(algorithm, settings)
    else:
        parameter_values(algorithm, settings)
        settings, note = fitted(algorithm, settings)
    with guarded([algorithm], settings.time_limit):
        check_size(algorithm, settings)
        asked = _applicable(algorithm, settings) if named is None else named
        result = verify(algorithm, settings=settings, evidence=asked, progress=progress)
        result = replace(result, command="certify", notes=(note,) if note else ())
        try:
            return result, build(algorithm, settings, result, file)
        except NO_WEIGHTS:
            if result.exit_code == 0:
                raise
            return result, None


def _applicable(algorithm: Certified, settings: Settings) -> tuple[str, ...]:
    """The kinds that a certificate records, but for those that say nothing about given weights."""
    if isinstance(algorithm, PatternAlgorithm):
        return applicable(algorithm, recorded_kinds())
    if algorithm.heads is None:
        return recorded_kinds()
    known = ("heads",) if Case(algorithm, settings).no_blocks else ("heads", "blocks")
    return tuple(n for n in recorded_kinds() if kinds()[n].NEEDS in known)


def build(algorithm: str | Certified, settings: Settings, result: Result, file: str | None = None) -> dict[str, Any]:
    """The certificate of what `verify` found about one algorithm: the same bytes for the same input and versions.

    file : as for `certify`
    Raises `ArgumentError` for an unknown algorithm, or for settings with a prompt of the user's own.
    """
    algorithm = find(algorithm) if isinstance(algorithm, str) else algorithm
    source = origin(algorithm)
    if settings.prompt is not None:
        raise ArgumentError("prompt is given, but a certificate records drawn prompts only: leave it out")
    claims = [c for c in result.claims if c.algorithm == algorithm.name and c.evidence in recorded_kinds()]
    construction = weights_of(algorithm, settings)
    described, weights = description(construction), document(construction)
    patterned = isinstance(construction, PatternConstruction)
    entries = _entries([weights["tensors"], weights["preconditioners"]])
    asked = settings_of(algorithm, settings, [c.evidence for c in claims if c.asked])
    words = ", ".join(f"{k} = {', '.join(v) if isinstance(v, list) else v}" for k, v in asked.items())
    statements, sources = _theory(algorithm)
    content: dict[str, Any] = {
        "format": FORMAT,
        "schema": PATTERN_SCHEMA if patterned else SCHEMA,
        "tool": _tool(),
        "statement": f"each {'layer' if patterned else 'linear-attention layer'} with these weights"
        f"{' and this pattern' if patterned else ''} is one iterate of {algorithm.title}; {words}",
        "settings": asked,
        "algorithm": {"name": algorithm.name, "title": algorithm.title, "source": algorithm.source},
        "weights": {
            "digest": _digest(weights),
            "entries": entries,
            "stored": "whole" if entries <= MAX_STORED else "digest only",
            **(weights if entries <= MAX_STORED else {}),
        },
        "layout": described["layout"],
        **(
            {"pattern": _pattern(construction)}
            if isinstance(construction, PatternConstruction)
            else {"readout": described["readout"]}
        ),
        "claims": [_recorded(c, settings, patterned) for c in claims],
        "theorems": statements,
        "sources": sources,
        **({} if source is None else {"file": {"path": file or source.name, "digest": digest(algorithm)}}),
    }
    return {**content, "digest": _digest(content)}


def weights_of(algorithm: Certified, settings: Settings) -> Construction | PatternConstruction:
    """The exact weights of an algorithm at these settings."""
    if isinstance(algorithm, PatternAlgorithm):
        return pattern_weights(algorithm, settings)
    return Case(algorithm, settings).subject


def _pattern(construction: PatternConstruction) -> dict[str, Any]:
    """What the layers attend by: as in the weights, and what of it is exact."""
    described = description(construction)
    return {
        **described["pattern"],
        **{k: described[k] for k in ("scale", "shift_from")},
        "exact": what_is_exact(construction),
    }


def check_size(algorithm: Certified, settings: Settings) -> None:
    """Raise `WorkLimitError` when the weights, or one random point of all layers, are above the stated limits."""
    if isinstance(algorithm, PatternAlgorithm):
        check_pattern_size(algorithm, settings)  # what its evidence takes is looked at before any of it runs
        return
    s = settings
    m = sum(1 if b.scalar else s.features for b in algorithm.features) + len(algorithm.accumulators)
    entries = (1 if s.looped else s.layers) * 3 * m * m + (s.context + 1) ** 2
    if entries > MAX_ENTRIES:
        raise WorkLimitError(
            f"the weights have about {amount(entries)} entries, above the limit of {MAX_ENTRIES} of a file"
        )
    sizes = {"context": limit.Size(s.context), "layers": limit.Size(s.layers)}
    limit.check(s.max_work, sizes, lambda z: {"one random point": max(z["context"], 200) ** 2 * z["layers"]})


def check_target(path: Path) -> None:
    """Raise `ArgumentError` when a certificate must not be written there: another file, or no folder."""
    if not path.parent.is_dir():
        raise ArgumentError(f"{path}: there is no folder {path.parent} to write it in")
    if path.exists():
        try:
            content = loads(read_text(path))
        except ContentError:
            content = None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ArgumentError(f"{path}: is there already and is no certificate, so it is not overwritten")


def write(certificate: Mapping[str, Any], path: Path) -> None:
    """Write a certificate; the file appears whole or not at all.

    Raises `ArgumentError` where `check_target` does, `ContentError` when it cannot be written.
    """
    path = Path(path)
    try:
        check_target(path)
        place_file(path, dumps(certificate))
    except OSError as error:
        raise ContentError(f"{path}: cannot be written: {error.strerror}") from None


def read(path: Path) -> dict[str, Any]:
    """The certificate in a file, in the right form but not believed; `ContentError` names the file and the field."""
    try:
        return formed(loads(read_text(path)))
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None


def formed(data: Any) -> dict[str, Any]:
    """The same data when it has a certificate's form; `ContentError` names the first field that has not."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ContentError(f'is no certificate, wanted an object with "format": "{FORMAT}"')
    if type(data.get("schema")) is not int or data["schema"] not in (SCHEMA, PATTERN_SCHEMA):
        raise ContentError(f"schema is {shown(data.get('schema'))}, this version reads {SCHEMA} and {PATTERN_SCHEMA}")
    if (data["schema"] == PATTERN_SCHEMA) != ("pattern" in data):
        there = "there" if "pattern" in data else "missing"
        raise ContentError(f"schema is {data['schema']}, and key pattern is {there}: schema {PATTERN_SCHEMA} has it")
    plain(data, "", 0)
    match(data, _shape(data), "")
    for k, claim in enumerate(data["claims"]):
        if claim["verdict"] not in list(Verdict):
            raise ContentError(f"claims[{k}].verdict is {shown(claim['verdict'])}, wanted {', '.join(Verdict)}")
    if "file" not in data:
        asked_in(data, listed(data))
    return data


def _shape(data: Mapping[str, Any]) -> dict[str, Any]:
    """The shape that a certificate of its schema should have."""
    shape = {**_SHAPE, "file": _FILE} if "file" in data else dict(_SHAPE)
    if data["schema"] == PATTERN_SCHEMA:
        del shape["readout"]
        held = data.get("pattern")
        named = {k: str if isinstance(held, dict) and isinstance(held.get(k), str) else type(None) for k in _NAMED}
        shape["pattern"] = {**_PATTERN, **named}
    return shape


def check(
    certificate: Mapping[str, Any],
    prove: bool = False,
    progress: Progress = silent,
    device: str = "auto",
    max_work: int = MAX_WORK,
    folder: Path = Path(),
    time_limit: float = Settings.time_limit,
) -> Result:
    """Check a certificate without trusting it: its digest, its content derived again, its evidence run again.

    prove            also run the prover's gate on the theorems
    device, max_work where floats run, and the limit on the work that a certificate may ask for
    folder           where the certificate lies, for one of a file of one's own, which is run for at most `time_limit`
    The result's claims are `certificate-digest`, `certificate-content`, those run again, and the prover's.  Content
    that differs is REFUTED, each differing field in the witness by its path; where another version of the tool wrote
    the certificate and only words differ it is UNDECIDED.  Raises `ContentError` for a wrong form, an algorithm that
    is not in the catalogue and for settings that are wrong or ask for too much work; `ArgumentError` or `DeviceError`
    for a wrong `device`.
    """
    if device != "auto":
        from ...numeric.device import resolve_device  # loads torch

        resolve_device(device)
    file = file_of(formed(certificate), folder)
    algorithm = listed(certificate) if file is None else loaded(certificate, file, time_limit)
    with guarded([algorithm], time_limit):
        return _checked(certificate, algorithm, prove, progress, device, max_work)


def _checked(
    certificate: Mapping[str, Any], algorithm: Certified, prove: bool, progress: Progress, device: str, max_work: int
) -> Result:
    settings, evidence = asked_in(certificate, algorithm)
    settings = replace(settings, device=device, max_work=max_work)
    missing = FLOAT in evidence and find_spec("torch") is None
    try:
        check_size(algorithm, settings)
        run = replace(settings, dtype=Settings().dtype) if missing else settings
        some = [name for name in evidence if not (missing and name == FLOAT)] or ["derived"]
        result = verify(algorithm, settings=run, evidence=some, progress=progress)
    except ArgumentError as error:  # the certificate's settings, not the caller's
        raise ContentError(f"settings: {error}") from None
    if missing:
        gone = "torch is not installed here, so this evidence cannot be run again"
        recorded = sum(c["evidence"] == FLOAT for c in certificate["claims"])
        strengths = (floats.STRENGTH, floats.EVERY_RUN)[: max(recorded, 1)]
        details: list[dict[str, Any]] = [{}] * len(strengths)
        if isinstance(algorithm, PatternAlgorithm):  # the softmax's sums come first, where there are any
            strengths, details = (floats.STRENGTH,) * len(strengths), [{"fact": SUMS}, {}][-len(strengths) :]
        again: list[Claim] = []
        for c in result.claims:
            lost = [
                replace(c, asked=True, reason=gone, strength=x, details=d)
                for x, d in zip(strengths, details, strict=True)
            ]
            again += lost if c.evidence == FLOAT else [c]
        result = replace(result, claims=tuple(again))
    expected = build(algorithm, settings, result, certificate.get("file", {}).get("path"))
    ran = [c for c in result.claims if c.evidence in recorded_kinds()]
    open_fields = {f"claims[{k}].verdict" for k, c in enumerate(ran) if missing and c.evidence == FLOAT}
    wrong = [d for d in differences(certificate, expected) if d["field"] not in open_fields]
    claims = [
        digest_claim(certificate, _digest({k: v for k, v in certificate.items() if k != "digest"})),
        content_claim(certificate, expected, wrong),
    ]
    stated = certificate["claims"]
    claims += [contradicted(c, stated[k] if k < len(stated) else None) for k, c in enumerate(ran)]
    if prove:
        progress(f"{algorithm.name}: the prover")
        claims.append(proved.judged(algorithm, progress))
    else:
        claims += [c for c in result.claims if c.evidence == PROVED]  # not asked for: shown, and not counted
    return Result("check", {**expected["settings"], "device": device, "prove": prove}, tuple(claims))


def _digest(content: Any) -> str:
    return sha256(dumps(content).encode("utf-8", "surrogatepass")).hexdigest()


def _entries(stored: Any) -> int:
    inner = stored.values() if isinstance(stored, dict) else stored
    return sum(_entries(x) if isinstance(x, (dict, list)) else 1 for x in inner)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _tool() -> dict[str, str]:
    packages = ("sympy", "python-flint", "numpy", "torch")
    known = {"name": "layerproof", "version": _version("layerproof"), "python": platform.python_version()}
    return {**known, **{p: _version(p) for p in packages}}


def _theory(algorithm: Certified) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The theorems about an algorithm; the digests of the theory's files, and of the audit files that restate them."""
    keys = ("name", "file", "statement", "sentence")
    audits = theorems.audits(algorithm)
    stated = [{key: str(getattr(t, key)) for key in keys} for a in audits for t in a.theorems]
    texts = {place: sha256(text.encode()).hexdigest() for a in audits for place, text in a.texts().items()}
    return stated, {**prover.source_digests(), **texts} if stated else {}


def _recorded(claim: Claim, settings: Settings, patterned: bool) -> dict[str, Any]:
    if claim.evidence == FLOAT and claim.asked:
        given = ", given the pattern as it was computed" if patterned else ""
        text = (
            f"each torch layer is within its one-step bound of the exact layer{given} ({settings.dtype}, every prompt)"
        )
        if claim.details.get("fact") == SUMS:
            text = f"the softmax's weights sum to one within the rounding of their sum ({settings.dtype}, every prompt)"
        if claim.strength == floats.EVERY_RUN:
            text = f"every run is within its a-priori bound of the exact run ({settings.dtype}, every prompt)"
        claim = replace(claim, claim=text, reason=FLOAT_REASON)
    return {key: getattr(claim, key) for key in _CLAIM} | {"verdict": claim.verdict.value}
