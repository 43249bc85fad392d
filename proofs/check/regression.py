"""A counterexample kept as a file, and replayed: the prompt, the starting weights and everything else it depends on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...numeric.files.placing import place_file
from ...numeric.files.text import read_text
from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import (
    ArgumentError,
    ContentError,
    DiffersError,
    NotPolynomialError,
    NotRepresentableError,
    RefusedError,
)
from ...symbolic.exact import parse_rational
from ...symbolic.identity.exact import Mismatch
from ...symbolic.identity.witness import Witness
from ...symbolic.own import OwnConstruction
from ...symbolic.own_layers import own_mismatches
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.plain_text import shown
from ...symbolic.prompt import Context
from ...symbolic.strict_json import dumps, loads
from ..case import Case, Settings, parameter_values
from ..counterexample import TRANSFORMER, counterexample, own_counterexample
from ..evidence.exact import NAME, STRENGTH, first_mismatch
from ..own_claims import own_values
from ..patterns.work import check_pattern_work
from ..user_file import LOAD_LIMIT, Subject, guarded, is_file, origin, resolve_any
from ..verdict import Claim, Result, Verdict, refused
from ..work import check_work
from .pattern_case import LAYER, kept_pattern, read_pattern, replayed

SCHEMA, PATTERN_SCHEMA = "1", "2"
SETTINGS = ("features", "context", "layers", "gamma", "lam", "trace", "seed", "looped", "values")
KEYS = {"schema", "kind", "subject", "settings", "prompt", "starting_weights", "found"}
"""Of schema 1; schema 2, of layers that attend by patterns, has `pattern` too, the weights K that they met."""


def save(result: Result, path: Path) -> Claim:
    """Write the first counterexample of `result` in exact arithmetic as a regression case; the claim that it refutes.

    The path of a subject's file is kept relative to the case's file.
    Raises `ArgumentError` when nothing was refuted in that way, or the file exists.
    """
    refuted = (
        (subject, c)
        for subject, claims in result.by_subject()
        for c in claims
        if c.evidence == NAME and c.verdict is Verdict.REFUTED and c.witness
    )
    refutation = next(refuted, None)
    if refutation is None:
        raise ArgumentError(f"save is {str(path)!r}, but {NAME} has no counterexample to keep")
    subject, claim = refutation
    check_target(path)
    name, file = claim.algorithm, origin(subject)
    if file is not None:
        name = Path(os.path.relpath(file.resolve(), path.resolve().parent)).as_posix()
        name = name if "/" in name else f"./{name}"
    witness = dict(claim.witness or {})
    patterned = "pattern_layer" in witness
    document = {
        "schema": int(PATTERN_SCHEMA if patterned else SCHEMA),
        "kind": "layerproof regression case",
        "subject": name,
        "settings": {key: result.settings[key] for key in SETTINGS if key in result.settings},
        "prompt": witness.pop("prompt"),
        "starting_weights": witness.pop("starting_weights"),
        # Z_0 and the heads are the subject's own, and the replay prints them as they are by then
        "found": {key: x for key, x in witness.items() if key not in (*TRANSFORMER, *LAYER)},
        **({"pattern": kept_pattern(witness)} if patterned else {}),
    }
    place_file(path, dumps(document))
    return claim


def check_target(path: Path) -> None:
    """Raise before any work when a case cannot be written there."""
    if path.exists():
        raise ArgumentError(f"save is {str(path)!r}, which exists: name a file that does not")
    if not path.parent.is_dir():
        raise ArgumentError(f"save is {str(path)!r}, but there is no folder {str(path.parent)!r}: make it first")


def replay(path: Path, time_limit: float) -> Result:
    """Run a regression case again: HOLDS when layers and reference now agree on its prompt, REFUTED when they do not.

    Raises `ContentError` when the file is no regression case, or what it speaks of cannot be found.
    """
    try:
        content = loads(read_text(path), numbers_as_text=True)
        _check_keys(content)
        name = content["subject"]
        if not isinstance(name, str):
            raise ContentError("subject is no text")
        subject = resolve_any(str(path.parent / name) if is_file(name) else name, min(LOAD_LIMIT, time_limit))
        if isinstance(subject, PatternAlgorithm) != ("pattern" in content):
            raise ContentError(f"subject is {shown(name)}, which a case of schema {content['schema']} is not of")
        settings = replace(_settings(content["settings"]), time_limit=time_limit)
        context = _context(content["prompt"])
        start = tuple(_weights(w) for w in _list(content["starting_weights"], "starting_weights"))
        if isinstance(subject, Algorithm):
            case = Case(subject, replace(settings, features=context.d, context=context.n))
            check_work(case, (NAME,))
            parameter_values(subject, settings)
            absent = [name for name, _ in subject.extras if name not in dict(context.extras)]
            if absent:
                raise ContentError(f"prompt.extras has no {absent[0]}")
    except (ContentError, ArgumentError, TypeError, ValueError, AttributeError) as error:
        raise ContentError(f"{path}: {error}") from None
    settings = replace(settings, features=context.d, context=context.n)
    if isinstance(subject, PatternAlgorithm):
        claim = _patterned(path, subject, settings, context, start, content["pattern"])
        return Result("verify", {**settings.document(), "case": path.name}, (claim,))
    with guarded([subject], time_limit):
        difference = _first(subject, settings, context, start)
        witness = None if difference is None else _witness(subject, settings, Witness(context, start, difference))
    text = _text(path)
    if difference is None:
        claim = Claim(subject.name, text, NAME, Verdict.HOLDS, STRENGTH, "layers and reference agree on its prompt")
    else:
        claim = Claim(
            subject.name, text, NAME, Verdict.REFUTED, STRENGTH,
            f"layer {difference.layer}, row {difference.row}, {difference.column_name}: still different",
            witness=witness,
        )  # fmt: skip
    return Result("verify", {**settings.document(), "case": path.name}, (claim,))


def _check_keys(content: Any) -> None:
    """Raise `ContentError` unless a document has the keys of a case of its schema."""
    schema = str(content.get("schema")) if isinstance(content, dict) else ""
    if schema not in (SCHEMA, PATTERN_SCHEMA) or set(content) != KEYS | (
        {"pattern"} if schema == PATTERN_SCHEMA else set()
    ):
        raise ContentError(
            f"is no regression case: wanted the keys {', '.join(sorted(KEYS))} and schema {SCHEMA}, or pattern too and "
            f"schema {PATTERN_SCHEMA}"
        )


def _patterned(
    path: Path, subject: PatternAlgorithm, s: Settings, context: Context, start: tuple[Any, ...], pattern: Any
) -> Claim:
    claim = Claim(subject.name, _text(path), NAME, Verdict.HOLDS, STRENGTH, "")
    try:
        check_pattern_work(subject, s, (NAME,))
        with guarded([subject], s.time_limit):
            return replayed(subject, s, context, start, read_pattern(pattern, context.n), claim)
    except (RefusedError, DiffersError) as error:  # the first is one of the next
        return refused(subject.name, claim.claim, NAME, STRENGTH, error)
    except (NotPolynomialError, NotRepresentableError) as error:
        return replace(claim, verdict=Verdict.UNDECIDED, reason=str(error))
    except (ContentError, ArgumentError) as error:
        raise ContentError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None


def _text(path: Path) -> str:
    return f"the regression case {path.name} no longer shows a difference"


def _witness(subject: Subject, settings: Settings, witness: Witness) -> dict[str, Any]:
    if isinstance(subject, OwnConstruction):
        return own_counterexample(subject, witness, own_values(subject, settings), witness.mismatch.layer)
    return counterexample(Case(subject, settings), witness)


def _first(subject: Subject, settings: Settings, context: Context, start: tuple[Any, ...]) -> Mismatch | None:
    if isinstance(subject, OwnConstruction):
        depth = settings.layers if subject.layers is None else subject.layers
        differences = own_mismatches(subject, context, own_values(subject, settings), depth)
        return next((m for m in differences if m is not None), None)
    _check_weights(subject, start, context.d)
    return first_mismatch(Case(subject, settings), context, start)


def _check_weights(algorithm: Algorithm, start: tuple[Any, ...], d: int) -> None:
    shapes = [0 if w in algorithm.scalar_weights else d for w in algorithm.weights]
    if [len(w) if isinstance(w, list) else 0 for w in start] != shapes:
        raise ContentError(f"starting_weights do not fit {', '.join(algorithm.weights)} at d = {d}")


def _settings(content: Any) -> Settings:
    if not isinstance(content, dict) or not set(content) <= set(SETTINGS):
        raise ContentError(f"settings has other keys than {', '.join(SETTINGS)}")
    missing = [k for k in SETTINGS if k not in ("trace", "values") and k not in content]
    if missing:
        raise ContentError(f"settings has no {missing[0]}")
    whole = {k: _whole(content[k], k) for k in ("features", "context", "layers", "seed")}
    exact = {k: parse_rational(content[k], k) for k in ("gamma", "lam")}
    values = {k: parse_rational(x, f"values.{k}") for k, x in _object(content.get("values", {}), "values").items()}
    looped, trace = content.get("looped", False), content.get("trace")
    if not isinstance(looped, bool) or not (trace is None or isinstance(trace, str)):
        raise ContentError("settings.looped is no truth value or settings.trace no text")
    return Settings(**whole, **exact, looped=looped, trace=trace, values=values)  # type: ignore[arg-type]


def _whole(content: Any, name: str) -> int:
    value = parse_rational(content, name)
    if value.denominator != 1:
        raise ContentError(f"{name} is {value}, wanted a whole number")
    return int(value)


def _context(content: Any) -> Context:
    if not isinstance(content, Mapping):
        raise ContentError("prompt is no object")
    extras = {
        name: [_weights(x) for x in _list(values, f"extras.{name}")]
        for name, values in _object(content.get("extras", {}), "prompt.extras").items()
    }
    return Context.of(
        [_vector(v) for v in _list(content.get("features"), "features")],
        [_vector(v) for v in _list(content.get("next_features"), "next_features")],
        _vector(content.get("rewards")),
        _vector(content.get("query")),
        extras,
    )


def _object(content: Any, name: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ContentError(f"{name} is no object")
    return content


def _list(content: Any, name: str) -> list[Any]:
    if not isinstance(content, list):
        raise ContentError(f"{name} is no list")
    return content


def _vector(content: Any) -> list[Fraction]:
    return [parse_rational(x, "an entry") for x in _list(content, "a vector")]


def _weights(content: Any) -> Any:
    return _vector(content) if isinstance(content, list) else parse_rational(content, "a number")
