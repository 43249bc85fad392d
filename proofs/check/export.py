"""Check an export without believing it: its files against its rationals, and these against the algorithm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from importlib import metadata
from pathlib import Path

from ...numeric.exported import config as names
from ...numeric.exported import read as loading
from ...numeric.exported.read import Opened
from ...numeric.files.weights_file import description
from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
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
from ..case import Case, Progress, Settings, silent
from ..certificate import certificate as certificates
from ..checker import ask, establish
from ..export import onnx_context, with_steps
from ..patterns.claims import pattern_claims
from ..patterns.weights import applicable, check_pattern_size, pattern_weights
from ..patterns.work import check_pattern_work
from ..theory.audits import audits
from ..user_file import LOAD_LIMIT, guarded, load
from ..verdict import PROVED, Claim, Result, Verdict
from ..work import check_work
from .export_differences import certificate_differences, others, symbols_differences, weights_differences
from .files import Kind, kind_of

EXPORT = "export"
SHOWN = 5
STRENGTH = "compared entry by entry, bit by bit"


def check(folder: Path, settings: Settings, prove: bool = False, progress: Progress = silent) -> Result:
    """The claims about an export: one a file, that the weights are the algorithm's, and the evidence run again.

    settings : where floats run, and the limits on work and time
    What differs is REFUTED and named.  Raises `ContentError` that names the file when one cannot be read.
    """
    opened = loading.read(folder)
    progress(f"{folder}: the files")
    claims = _files(opened)
    algorithm = _algorithm(opened, settings)
    if algorithm is None:
        reason = "the construction's own file is not in the export: layerproof check it where it lies"
        claims.append(_claim(opened, "the weights are the algorithm's", "weights", Verdict.NOT_RUN, reason))
        return Result("check", {"export": str(folder)}, tuple(claims))
    with guarded([algorithm], settings.time_limit):
        if isinstance(algorithm, PatternAlgorithm):
            claims += _pattern_content(opened, algorithm, settings, prove, progress)
        else:
            claims += _content(opened, algorithm, settings, prove, progress)
    return Result("check", {"export": str(folder), "prove": prove}, tuple(claims))


def _claim(opened: Opened, text: str, evidence: str, verdict: Verdict, reason: str) -> Claim:
    return Claim(opened.construction.algorithm, text, f"{EXPORT}-{evidence}", verdict, STRENGTH, reason)


def _compared(opened: Opened, text: str, evidence: str, differences: Iterable[str]) -> Claim:
    """HOLDS when nothing differs, else REFUTED with the first differences."""
    wrong = list(differences)
    more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    reason = "; ".join(wrong[:SHOWN]) + more if wrong else "nothing differs"
    return _claim(opened, text, evidence, Verdict.REFUTED if wrong else Verdict.HOLDS, reason)


def _files(opened: Opened) -> list[Claim]:
    """A claim for each file that was made from the rationals."""
    listed = opened.config["files"]

    def one(name: str, differences: Iterable[str]) -> Claim:
        return _compared(opened, f"{name} is what the rationals make it", name, (f"{name}: {x}" for x in differences))

    claims = [
        one(names.CONFIG, loading.config_differences(opened)),
        one(names.TENSORS, loading.tensor_differences(opened)),
    ]
    if names.NPZ in listed:
        claims.append(one(names.NPZ, loading.npz_differences(opened)))
    for name in (names.ONNX, names.ONNX_FIXED):
        if name in listed:
            claims.append(_onnx(opened, name, one))
    if names.PT2 in listed:
        claims.append(_pt2(opened, one))
    digests = (f"{name}: {x}" for name, x in [*loading.digest_differences(opened), *others(opened.folder)])
    claims.append(_compared(opened, f"the files are those that {names.CONFIG} lists", "digests", digests))
    return claims


def _onnx(opened: Opened, name: str, one: Callable[[str, Iterable[str]], Claim]) -> Claim:
    from ...numeric.export import onnx as export_onnx

    context = opened.config["onnx_context"] if name == names.ONNX else None
    stored, dtype = loading.content(opened, name), opened.config["dtype"]
    if dtype not in export_onnx.DTYPES:
        return one(name, [f"{names.CONFIG} says dtype {dtype}, wanted {' or '.join(export_onnx.DTYPES)} for ONNX"])
    try:
        wanted = export_onnx.model(opened.construction, dtype, context)
        claim = one(name, export_onnx.differences(stored, wanted))
    except names.MissingExtraError as error:
        return _claim(opened, f"{name} is what the rationals make it", name, Verdict.NOT_RUN, f"{name}: {error}")
    except (ContentError, ArgumentError) as error:
        raise ContentError(f"{opened.folder / name}: {error}") from None
    return _softened(claim, opened, "onnx") if _only_bytes(claim) else claim


def _pt2(opened: Opened, one: Callable[[str, Iterable[str]], Claim]) -> Claim:
    from ...numeric.export import pt2 as export_pt2

    stored = loading.content(opened, names.PT2)
    wanted = export_pt2.archive(opened.construction, opened.config["dtype"])
    return _softened(one(names.PT2, export_pt2.differences(stored, wanted)), opened, "torch")


def _only_bytes(claim: Claim) -> bool:
    """Whether an ONNX file has all the parts that it should, written by another library in another way."""
    return claim.reason.count(";") == 0 and "its bytes differ" in claim.reason


def _softened(claim: Claim, opened: Opened, library: str) -> Claim:
    """UNDECIDED where another version of a library, whose bytes may well differ, is said to have made the file."""
    made, here = opened.config["made_with"].get(library), metadata.version(library)
    if claim.verdict is Verdict.HOLDS or made == here:
        return claim
    reason = f"made with {library} {ascii(made)[1:-1]:.40}, here is {here}, which writes it otherwise: {claim.reason}"
    return replace(claim, verdict=Verdict.UNDECIDED, reason=reason)


def _algorithm(opened: Opened, settings: Settings) -> Algorithm | PatternAlgorithm | None:
    name, kind = opened.construction.algorithm, opened.config["source"]["algorithm"]
    patterned = isinstance(opened.construction, PatternConstruction)
    known: Mapping[str, Algorithm | PatternAlgorithm] = pattern_catalogue() if patterned else catalogue()
    if kind == "own file":
        return None
    if kind == "catalogue":
        if name not in known:
            raise ContentError(f"{opened.folder / names.CONFIG}: algorithm is {name!a:.60}, not in the catalogue")
        return known[name]
    file = opened.folder / names.SOURCE
    if kind_of(file) is not Kind.CONSTRUCTION:
        raise ContentError(f"{file}: is no construction, so it is not run")
    algorithm = load(file, min(LOAD_LIMIT, settings.time_limit))
    if not isinstance(algorithm, PatternAlgorithm if patterned else Algorithm) or algorithm.name != name:
        raise ContentError(f"{file}: defines {algorithm.name}, wanted {name} as in {names.WEIGHTS}")
    return algorithm


def _content(opened: Opened, algorithm: Algorithm, settings: Settings, prove: bool, progress: Progress) -> list[Claim]:
    """The weights derived again and compared, the certificate, and the evidence."""
    construction, source = opened.construction, opened.config["source"]
    assert isinstance(construction, Construction)  # of an `Algorithm`
    try:
        asked_for = _settings(opened, settings)
        certificates.check_size(algorithm, asked_for)
        case = Case(algorithm, asked_for, progress=progress)
        check_work(case, ask(None))
        expected = case.subject if source["seed"] is not None else with_steps(case, construction.steps)
    except (WorkLimitError, ArgumentError) as error:
        raise ContentError(f"{opened.folder / names.WEIGHTS}: {error}") from None
    given = replace(case, construction=construction)
    derived = _compared(
        opened, "the weights are the algorithm's", "weights", weights_differences(construction, expected)
    )
    claims = [derived]
    if names.ONNX in opened.config["files"]:
        stated, right = opened.config["onnx_context"], onnx_context(replace(case, construction=expected))
        wrong = [] if stated == right else [f"onnx_context is {stated}, wanted {right}"]
        claims.append(_compared(opened, f"{names.ONNX} is right for the context lengths it takes", "context", wrong))
    if names.SYMBOLS in opened.config["files"]:
        claims.append(
            _compared(opened, f"{names.SYMBOLS} is the algorithm's", "symbols", symbols_differences(opened, case))
        )
    if derived.verdict is Verdict.REFUTED:
        if description(construction)["layout"] == description(expected)["layout"]:
            claims += establish(given, ("identity-exact",))  # which finds a counterexample
        return [c for c in claims if c.asked]
    if names.CERTIFICATE not in opened.config["files"]:
        evidence = [*ask(None), PROVED] if prove and (algorithm.heads is None or audits(algorithm)) else ask(None)
        return [*claims, *establish(given, evidence, explicit=False)]
    return [*claims, *_certified(opened, settings, prove, progress)]


def _pattern_content(
    opened: Opened, algorithm: PatternAlgorithm, settings: Settings, prove: bool, progress: Progress
) -> list[Claim]:
    """As `_content`, of layers that attend by patterns."""
    try:
        asked_for = _settings(opened, settings)
        check_pattern_size(algorithm, asked_for)
        check_pattern_work(algorithm, asked_for, ask(None))
        expected = pattern_weights(algorithm, asked_for)
    except (ArgumentError, *NO_WEIGHTS) as error:
        raise ContentError(f"{opened.folder / names.WEIGHTS}: {error}") from None
    claims = [
        _compared(
            opened, "the weights are the algorithm's", "weights", weights_differences(opened.construction, expected)
        )
    ]
    if claims[0].verdict is Verdict.REFUTED:
        return claims
    if names.CERTIFICATE in opened.config["files"]:
        return [*claims, *_certified(opened, settings, prove, progress)]
    evidence = applicable(algorithm, ask(None))
    evidence = (*evidence, PROVED) if prove and audits(algorithm) else evidence
    return [*claims, *pattern_claims(algorithm, asked_for, evidence, progress, explicit=False)]


def _certified(opened: Opened, settings: Settings, prove: bool, progress: Progress) -> list[Claim]:
    """That the certificate is of these weights, and what checking it gives."""
    claims = []
    certificate = certificates.read(opened.folder / names.CERTIFICATE)
    claims.append(
        _compared(
            opened, "the certificate is of these weights", "certificate", certificate_differences(opened, certificate)
        )
    )
    if claims[-1].verdict is Verdict.REFUTED:
        return claims
    result = certificates.check(
        certificate, prove, progress, settings.device, settings.max_work, opened.folder, settings.time_limit
    )
    return [*claims, *result.claims]


def _settings(opened: Opened, limits: Settings) -> Settings:
    c = opened.construction
    d, n = (c.d, c.n) if isinstance(c, PatternConstruction) else (c.layout.d, c.layout.n)
    named = {name: c.parameters[name] for name in ("gamma", "lam") if name in c.parameters}
    others = {name: value for name, value in c.parameters.items() if name not in named}
    half = Fraction(1, 2)
    return Settings(
        features=d,
        context=n,
        layers=c.depth,
        gamma=named.get("gamma", half),
        lam=named.get("lam", half),
        trace=None if isinstance(c, PatternConstruction) else c.options.get("trace"),
        seed=opened.config["source"]["seed"] or 0,
        trials=limits.trials,
        device=limits.device,
        dtype=opened.config["dtype"],
        looped=c.looped,
        max_work=limits.max_work,
        values=others,
        time_limit=limits.time_limit,
    )
