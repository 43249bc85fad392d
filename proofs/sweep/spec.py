"""Reads a sweep's specification: a TOML file whose axes are single values or lists, their product being the grid.

    algorithm = ["td0", "td-lambda", "./mine.py"]   # a path is relative to the file; default: the whole catalogue
    d = [2, 3]
    n = 20
    L = [1, 5]
    gamma = ["9/10", 0.5]                           # numbers are exact: 0.5 is 1/2, and never a float
    dtype = ["float64", "float32"]
    evidence = ["identity-exact", "float"]          # for every point; default: as `layerproof verify`

Axes: algorithm, d, n, L, gamma, lam, trace, dtype, seed, looped.  For every point alike: evidence, trials,
exact_trials, process, device, order, compiled, entrywise_features, entrywise_context, and a table `parameters` of
other parameters' values by name.  What an algorithm does not depend on (a trace, lam, a dtype where no floats run) is
left out of its points, and points that are then the same are one.  Content that cannot be used raises `ContentError`
with the key.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from ...numeric.files.text import read_text
from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.errors import ArgumentError, ContentError, SizesError, WorkLimitError
from ...symbolic.exact import parse_rational
from ...symbolic.kinds import PATH
from ...symbolic.near import near as near_to
from ...symbolic.own import OwnConstruction
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.sizes import LETTERS
from ...symbolic.strict_json import rational_text
from ..case import MAX_WORK, Case, Settings
from ..certificate.form import shown
from ..checker import ask
from ..patterns.weights import pattern_parameters
from ..patterns.work import check_pattern_work
from ..sizes import fitted
from ..user_file import Subject, is_file, resolve_any
from ..work import check_work
from .point import Point, file_digest

LIMIT = 10_000
"""The default limit on the points of a grid."""


class Decimal(str):
    """A TOML float as it is written, so that it can be read exactly."""


@dataclass(frozen=True)
class Grid:
    """The points of a sweep, each once, in the order of the grid; `size` counts the grid with its repetitions.

    left_out : of a sweep over everything, how many of the grid's points an algorithm is not stated for, by its name
    """

    points: tuple[Point, ...]
    size: int
    left_out: Mapping[str, int] = field(default_factory=dict)


class _Named(NamedTuple):
    label: str
    subject: Subject | PatternAlgorithm
    place: str
    source: str | None


def read_sweep(
    path: str | Path, limit: int = LIMIT, max_work: int = MAX_WORK, time_limit: float = Settings.time_limit
) -> Grid:
    """The sweep that a TOML file specifies.

    Raises `ContentError` naming file and key for content that cannot be used, `WorkLimitError` for a grid of more than
    `limit` points or a point of more work than `max_work`.
    """
    PATH.check(path=path)
    path = Path(path)
    try:
        return sweep_of(parse(read_text(path)), path.parent, limit, max_work, time_limit)
    except WorkLimitError as error:
        raise WorkLimitError(f"{path}: {error}") from None
    except (ArgumentError, ContentError) as error:
        raise ContentError(f"{path}: {error}") from None


def parse(text: str) -> dict[str, Any]:
    """TOML as data, its floats as they are written; `ContentError` with the line where it is none."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ContentError(f"is not TOML: {error}") from None
    except RecursionError:
        raise ContentError("is nested too deeply, wanted keys with values or lists of values") from None
    except ValueError as error:  # an integer beyond Python's digit limit
        raise ContentError(f"has a number that cannot be read: {error}") from None


def sweep_of(
    document: Mapping[str, Any],
    folder: Path,
    limit: int = LIMIT,
    max_work: int = MAX_WORK,
    time_limit: float = Settings.time_limit,
) -> Grid:
    """The sweep that plain data specifies; `folder` is what the paths of algorithms are relative to."""
    for key in document:
        if key not in AXES and key not in FIXED:
            raise ContentError(f"there is no key {shown(key)}: {_hint(key)}")
    axes = {key: _values(key, document[key], read) for key, read in AXES.items() if key in document}
    fixed = {key: read(key, document[key]) for key, read in FIXED.items() if key in document}
    everything = "algorithm" not in axes
    axes.setdefault("algorithm", list(catalogue()))
    size = math.prod(len(values) for values in axes.values())
    if size > limit:
        factors = " * ".join(f"{len(values)} {key}" for key, values in axes.items() if len(values) > 1)
        raise WorkLimitError(
            f"the grid has {size} points ({factors}), above the limit of {limit}: ask for fewer, or raise it with "
            f"--limit {size}"
        )
    evidence = fixed.pop("evidence", None)
    asked = ask(evidence)
    named = {name: _named(name, folder) for name in dict.fromkeys(axes["algorithm"])}
    _check_used(axes, fixed, named)
    if "dtype" in axes:
        from ...numeric.device import resolve_dtype  # loads torch

        for dtype in axes["dtype"]:
            resolve_dtype(dtype)
    points: dict[str, Point] = {}
    left_out: Counter[str] = Counter()
    for values in product(*axes.values()):
        chosen = dict(zip(axes, values, strict=True))
        subject = named[chosen.pop("algorithm")]
        try:
            point = _point(subject, {**chosen, **fixed}, evidence, asked, max_work, time_limit)
        except SizesError:
            if not everything:
                raise
            left_out[subject.label] += 1
            continue
        points.setdefault(point.digest, point)
    return Grid(tuple(points.values()), size, dict(left_out))


def _point(
    named: _Named,
    given: Mapping[str, Any],
    evidence: tuple[str, ...] | None,
    asked: tuple[str, ...],
    max_work: int,
    time_limit: float,
) -> Point:
    algorithm = named.subject if isinstance(named.subject, Algorithm) else None
    used = {_FIELDS.get(key, key): value for key, value in given.items()}
    if algorithm is None or "trace" not in algorithm.options:
        used.pop("trace", None)
    if "float" not in asked:
        for key in ("dtype", *_HOW):
            used.pop(key, None)
    if isinstance(named.subject, OwnConstruction):
        used.pop("looped", None)  # its file decides that
    own = set(named.subject.parameters)
    used["values"] = {name: x for name, x in given.get("parameters", {}).items() if name in own}
    used.pop("parameters", None)
    known = own | {"gamma", "lam"} if isinstance(named.subject, OwnConstruction) else own
    used = {key: value for key, value in used.items() if key not in ("gamma", "lam") or key in known}
    sizes = frozenset(used) & {*LETTERS.values(), "looped"}  # a point is at the grid's sizes, or it is none
    settings = Settings(**used, max_work=max_work, time_limit=time_limit, asked=sizes)
    options: dict[str, str] = {}
    if algorithm is not None:
        settings, _ = fitted(algorithm, settings)
        case = Case(algorithm, settings)
        options = algorithm.choose(case.options)
        check_work(case, asked)
    elif isinstance(named.subject, PatternAlgorithm):
        pattern_parameters(named.subject, settings)
        check_pattern_work(named.subject, settings, asked)
    s = settings
    specification: dict[str, Any] = {
        "algorithm": named.label, "d": s.features, "n": s.context, "L": s.layers, "seed": s.seed, "looped": s.looped,
        "trials": s.trials, "exact_trials": s.exact_trials, "process": s.process, "device": s.device,
        "entrywise_features": s.entrywise_features, "entrywise_context": s.entrywise_context,
        "evidence": "default" if evidence is None else list(asked), **options,
    }  # fmt: skip
    if named.source is not None:
        specification["source"] = named.source
    if "float" in asked:
        specification["dtype"] = s.dtype
        specification |= {key: getattr(s, key) for key in _HOW if getattr(s, key) != getattr(Settings, key)}
    for name in ("gamma", "lam"):
        if name in known:
            specification[name] = rational_text(Fraction(getattr(s, name)))
    if s.values:
        specification["parameters"] = {name: rational_text(x) for name, x in s.values.items()}
    return Point(specification, settings, named.place, evidence)


def _named(name: str, folder: Path) -> _Named:
    if not is_file(name):
        return _Named(name, resolve_any(name), name, None)
    place = str((folder / name).resolve())
    subject = resolve_any(place)
    return _Named(name, subject, place, file_digest(place))


def _check_used(axes: Mapping[str, Any], fixed: Mapping[str, Any], named: Mapping[str, _Named]) -> None:
    """Raise where something is asked for that no algorithm of the sweep has: it would change nothing, silently."""
    subjects = [one.subject for one in named.values()]
    if "trace" in axes and not any(isinstance(s, Algorithm) and "trace" in s.options for s in subjects):
        keep = "keeps" if len(named) == 1 else "keep"
        raise ContentError(f"trace is given, but {', '.join(named)} {keep} no trace: leave it out")
    known = {name for s in subjects for name in s.parameters} - {"gamma", "lam"}
    for name in fixed.get("parameters", {}):
        if name not in known:
            wanted = ", ".join(sorted(known)) or "none"
            raise ContentError(
                f"parameters.{name[:40]} is given, but no algorithm of the sweep has it, wanted {wanted}"
            )


def _hint(key: str) -> str:
    near = near_to(key, [*AXES, *FIXED], most=1)
    letter = {"features": "d", "context": "n", "layers": "L", "l": "L", "lambda": "lam", "algorithms": "algorithm"}
    meant = letter.get(key.lower(), near[0] if near else "")
    return f"did you mean {meant}?" if meant else f"wanted some of {', '.join([*AXES, *FIXED])}"


def _values(key: str, value: Any, read: Callable[[str, Any], Any]) -> list[Any]:
    if not isinstance(value, list):
        return [read(key, value)]
    if not value:
        raise ContentError(f"{key} is an empty list, wanted at least one value")
    return [read(f"{key}[{k}]", inner) for k, inner in enumerate(value)]


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or isinstance(value, Decimal):
        raise ContentError(f"{key} is {_as_written(value)}, wanted a text in quotes")
    return value


def _whole(key: str, value: Any, least: int = 0) -> int:
    if type(value) is not int or not least <= value < 10**18:
        raise ContentError(
            f"{key} is {_as_written(value)}, wanted a whole number from {least} on, of at most 18 digits"
        )
    return value


def _size(key: str, value: Any) -> int:
    return _whole(key, value, 1)


def _exact(key: str, value: Any) -> Fraction:
    if type(value) is int:
        return Fraction(value)
    if not isinstance(value, str):
        raise ContentError(f'{key} is {_as_written(value)}, wanted an exact number such as "9/10", 0.9 or 1')
    return parse_rational(value.replace("_", "") if isinstance(value, Decimal) else value, key)


def _truth(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ContentError(f"{key} is {_as_written(value)}, wanted true or false")
    return value


def _device(key: str, value: Any) -> str:
    from ...numeric.device import DEVICES  # loads torch, which a grid that names no device does without

    if _text(key, value) not in DEVICES:  # whether it is there is each worker's own question
        raise ContentError(f"{key} is {shown(value)}, wanted {', '.join(DEVICES[:-1])} or {DEVICES[-1]}")
    return str(value)


def _order(key: str, value: Any) -> str:
    return Settings(order=_text(key, value)).order


def _kinds(key: str, value: Any) -> tuple[str, ...]:
    return ask(_values(key, value, _text))


def _parameters(key: str, value: Any) -> dict[str, Fraction]:
    if not isinstance(value, dict):
        raise ContentError(f'{key} is {_as_written(value)}, wanted a table such as [parameters] beta = "1/3"')
    for name in ("gamma", "lam"):
        if name in value:
            raise ContentError(
                f"{key}.{name} is given, but {name} is an axis of its own: write it outside of the table"
            )
    return {name: _exact(f"{key}.{name[:40]}", inner) for name, inner in value.items()}


def _as_written(value: Any) -> str:
    """A value in TOML's words; only what is short is written out, since hexadecimal integers may be of any length."""
    match value:
        case bool() | Decimal():
            return str(value).lower()[:40]
        case dict():
            return "a table"
        case list():
            return "a list"
    return shown(value)


AXES: dict[str, Callable[[str, Any], Any]] = {
    "algorithm": _text, "d": _size, "n": _size, "L": _size, "gamma": _exact, "lam": _exact, "trace": _text,
    "dtype": _text, "seed": _whole, "looped": _truth,
}  # fmt: skip
"""What may be a list, and how a value of it is read."""
FIXED: dict[str, Callable[[str, Any], Any]] = {
    "evidence": _kinds, "trials": _size, "exact_trials": _size, "process": _text, "device": _device, "order": _order,
    "compiled": _truth, "entrywise_features": _size, "entrywise_context": _size, "parameters": _parameters,
}  # fmt: skip
"""What is the same for every point."""
_HOW = ("order", "compiled")
"""How floats are run: named in a point only where it is not the default, so that the digests of others stay."""
_FIELDS = {"d": "features", "n": "context", "L": "layers"}
