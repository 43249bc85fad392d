"""What a certificate says was asked: its settings, of which algorithm, and both read back with nothing believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.exact import parse_rational
from ...symbolic.pattern_algorithms import pattern_catalogue
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.strict_json import rational_text
from ..case import Case, Settings
from ..evidence import kinds
from ..patterns.weights import check_pattern_size, pattern_parameters
from ..patterns.work import entrywise_sizes
from ..user_file import LOAD_LIMIT, load, origin
from ..verdict import PROVED
from .form import match, shown

Certified = Algorithm | PatternAlgorithm
_SIZES = ("features", "context", "layers", "seed", "trials", "exact_trials", "entrywise_features", "entrywise_context")
_CHOSEN = ("gamma", "lam")
"""The parameters that are settings of their own; those of a file's own algorithm stand under `values`."""


def recorded_kinds() -> tuple[str, ...]:
    """The kinds of evidence that a certificate records; the prover's is established apart, by `check --prove`."""
    return tuple(name for name in kinds() if name != PROVED)


def settings_of(algorithm: Certified, settings: Settings, evidence: Sequence[str]) -> dict[str, Any]:
    """What the result depends on, and nothing else: no parameter that the algorithm does not have."""
    if isinstance(algorithm, PatternAlgorithm):
        (d, n), values = entrywise_sizes(settings), pattern_parameters(algorithm, settings)
        chosen: dict[str, str] = {}
    else:
        case = Case(algorithm, settings)
        (d, n), values, chosen = case.entrywise_sizes, case.parameters, algorithm.choose(case.options)
    plain = {name: getattr(settings, name) for name in (*_SIZES, "looped", "process", "dtype")}
    parameters = {name: rational_text(value) for name, value in values.items()}
    if origin(algorithm) is None:
        named: dict[str, Any] = {**parameters, **chosen}
    else:  # a name of the file's own could be that of a setting
        named = {name: value for name, value in parameters.items() if name in _CHOSEN}
        named |= {"values": {k: x for k, x in parameters.items() if k not in _CHOSEN}, "options": chosen}
    return {
        **plain,
        "entrywise_features": d,
        "entrywise_context": n,
        **named,
        "evidence": [name for name in recorded_kinds() if name in evidence],
    }


def listed(data: Mapping[str, Any]) -> Certified:
    """The algorithm of the catalogue that a certificate names, of the kind that its schema is for."""
    name = data["algorithm"]["name"]
    known: Mapping[str, Certified] = pattern_catalogue() if "pattern" in data else catalogue()
    algorithm = known.get(name)
    if algorithm is None:
        raise ContentError(
            f"algorithm.name is {shown(name)}, which is not in the catalogue, and no file is named that defines it"
        )
    return algorithm


def loaded(data: Mapping[str, Any], file: Path, time_limit: float) -> Certified:
    """The algorithm that a certificate's file defines."""
    algorithm = load(file, min(LOAD_LIMIT, time_limit))
    name = data["algorithm"]["name"]
    kind = PatternAlgorithm if "pattern" in data else Algorithm
    if not isinstance(algorithm, kind) or algorithm.name != name:
        raise ContentError(f"{file}: defines {shown(algorithm.name)}, the certificate is about {shown(name)}")
    return algorithm


def asked_in(data: Mapping[str, Any], algorithm: Certified) -> tuple[Settings, tuple[str, ...]]:
    """What a certificate says was asked, every setting checked; `ContentError` names the first wrong one."""
    given = data["settings"]
    own = "file" in data
    known = {} if isinstance(algorithm, PatternAlgorithm) else algorithm.options
    parameters = [x for x in algorithm.parameters if not own or x in _CHOSEN]
    shape = {**dict.fromkeys(_SIZES, int), **dict.fromkeys((*parameters, "process", "dtype"), str), "looped": bool,
             "evidence": [str]}  # fmt: skip
    if own:
        others = [x for x in algorithm.parameters if x not in _CHOSEN]
        shape |= {"values": dict.fromkeys(others, str), "options": dict.fromkeys(known, str)}
    else:
        shape |= dict.fromkeys(known, str)
    match(given, shape, "settings")
    numbers = {key: parse_rational(given[key], f"settings.{key}") for key in parameters}
    values = {key: parse_rational(x, f"settings.values.{key}") for key, x in given.get("values", {}).items()}
    values |= {key: numbers.pop(key) for key in parameters if key not in _CHOSEN}
    options = given["options"] if own else {key: given[key] for key in known}
    unknown = next((e for e in given["evidence"] if e not in recorded_kinds()), None)
    if unknown is not None or not given["evidence"]:
        raise ContentError(f"settings.evidence has {shown(unknown)}, wanted some of {', '.join(recorded_kinds())}")
    plain = {key: given[key] for key in (*_SIZES, "looped", "process", "dtype")}
    try:
        settings = Settings(**{**plain, **numbers, "values": values, "trace": options.get("trace")})
        if isinstance(algorithm, PatternAlgorithm):
            check_pattern_size(algorithm, settings)
        else:
            algorithm.choose(options)
            Case(algorithm, settings)  # refuses sizes that the algorithm is not stated for
    except ArgumentError as error:
        raise ContentError(f"settings.{error}") from None
    return settings, tuple(given["evidence"])


def file_of(data: Mapping[str, Any], folder: Path) -> Path | None:
    """The file of one's own that a certificate in `folder` is about; None for an algorithm of the catalogue."""
    return folder / data["file"]["path"] if "file" in data else None
