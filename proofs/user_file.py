"""A user's own file: it runs in a process of its own (the room `own`), and what it defines is asked for as data.

Python objects that a caller's own program passes in stay in that program: what their functions do there is the
caller's responsibility.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..numeric.files.text import read_text
from ..symbolic.algorithm import Algorithm
from ..symbolic.algorithms import find
from ..symbolic.approximation.rule import Rule
from ..symbolic.errors import ArgumentError, ContentError
from ..symbolic.own import OwnConstruction
from ..symbolic.pattern_algorithms import pattern_catalogue
from ..symbolic.patterns.record import PatternAlgorithm
from ..symbolic.patterns.shadow import judged_pattern
from ..symbolic.plain_text import shown
from ..symbolic.tracing.judged import judged
from ..symbolic.tracing.own import judged_own
from .own.client import TIME_LIMIT, Child, within
from .own.subject import subject as subject_of

LOAD_LIMIT = 30.0
"""Seconds that loading a file may take."""
MAX_PYTHON_BYTES = 2**20
"""The largest Python file that is run."""
Subject = Algorithm | OwnConstruction
Defined = Subject | PatternAlgorithm | Rule
_loaded: dict[tuple[Path, int], tuple[Defined, Child]] = {}
_origin: dict[int, tuple[Defined, Child]] = {}


def is_file(name: str) -> bool:
    """Whether an argument names a file rather than an algorithm of the catalogue."""
    return name.endswith(".py") or os.sep in name or "/" in name


def resolve(subject: str | Subject | PatternAlgorithm, seconds: float = LOAD_LIMIT) -> Subject:
    """An algorithm by its name, a user's file by its path, an object as what is judged of it (`tracing.judged`)."""
    if isinstance(subject, PatternAlgorithm):
        raise _refused(subject)
    if not isinstance(subject, str):
        if not isinstance(subject, (Algorithm, OwnConstruction)):
            raise ArgumentError(f"algorithms holds {shown(subject)}, wanted names, files or algorithms")
        if id(subject) in _origin:  # what a file answered is judged already, and its functions ask for numbers
            return subject
        return judged(subject) if isinstance(subject, Algorithm) else judged_own(subject)
    if is_file(subject):
        loaded = load(Path(subject), seconds)
        if isinstance(loaded, PatternAlgorithm):
            raise _refused(loaded)
        return loaded
    if subject in pattern_catalogue():
        raise _refused(pattern_catalogue()[subject])
    return find(subject, pattern_catalogue())


def resolve_algorithm(subject: str | Subject, doing: str) -> Algorithm:
    """As `resolve`, for what needs an update: `ContentError` for a construction without one."""
    resolved = resolve(subject)
    if isinstance(resolved, OwnConstruction):
        raise ContentError(
            f"{resolved.name} is an OwnConstruction, which has no update to {doing}: write it as an Algorithm, "
            "or use layerproof verify"
        )
    return resolved


def resolve_update(subject: str | Subject | PatternAlgorithm, doing: str) -> Algorithm | PatternAlgorithm:
    """As `resolve_algorithm`, for what takes algorithms that attend by patterns too."""
    resolved = resolve_any(subject)
    return resolved if isinstance(resolved, PatternAlgorithm) else resolve_algorithm(resolved, doing)


def resolve_any(subject: str | Subject | PatternAlgorithm, seconds: float = LOAD_LIMIT) -> Subject | PatternAlgorithm:
    """As `resolve`, for what takes algorithms that attend by patterns too."""
    if isinstance(subject, PatternAlgorithm):
        known = any(subject is a for a in pattern_catalogue().values())
        return subject if known else judged_pattern(subject)
    if isinstance(subject, str) and is_file(subject):
        return load(Path(subject), seconds)
    pattern = pattern_catalogue().get(subject) if isinstance(subject, str) else None
    return resolve(subject, seconds) if pattern is None else pattern


def _refused(algorithm: PatternAlgorithm) -> ArgumentError:
    path = origin(algorithm)
    name = algorithm.name if path is None else str(path)
    return ArgumentError(
        f"{algorithm.name} attends by a pattern or keeps its state in tokens, and this is for linear attention over "
        f"accumulator rows: layerproof verify {name} checks it, layerproof derive {name} shows its heads"
    )


def origin(subject: Any) -> Path | None:
    """The file that a subject was loaded from."""
    kept = _origin.get(id(subject))
    return None if kept is None else kept[1].path


def digest(subject: Any) -> str:
    """The SHA-256 of the text of the file that a subject was loaded from, as it was read and is judged."""
    return hashlib.sha256(_origin[id(subject)][1].text.encode()).hexdigest()


def load(path: Path, seconds: float = LOAD_LIMIT) -> Subject | PatternAlgorithm:
    """The `ALGORITHM` or `CONSTRUCTION` that a Python file defines: plain fields, and functions that ask for values.

    A file that defines a RULE is refused: see `load_rule`.

    Raises `ContentError` with the file, and the line where there is one, when the file is missing, raises, ends its
    process, takes longer than `seconds`, defines neither or both, or has a field that is no data of its kind.
    """
    defined = _subject(path, seconds)
    if isinstance(defined, Rule):
        raise ContentError(f"{path}: defines a RULE, which layerproof sa judges, wanted ALGORITHM or CONSTRUCTION")
    return defined


def load_rule(path: Path, seconds: float = LOAD_LIMIT) -> Rule:
    """The `RULE` that a Python file defines; its functions are run in a process of the file's own.

    Raises `ContentError` as `load` does, and when it defines no rule.
    """
    defined = _subject(path, seconds)
    if not isinstance(defined, Rule):
        raise ContentError(
            f"{path}: defines no RULE, wanted one: layerproof new --rule NAME writes a template; "
            f"layerproof verify {path} checks what it does define"
        )
    return defined


def _subject(path: Path, seconds: float) -> Defined:
    if path.suffix != ".py" and not os.path.isdir(path):  # noqa: PTH112 - False for any name
        raise ContentError(f"{path}: is no Python file, wanted one that ends in .py")
    try:
        text = read_text(path, MAX_PYTHON_BYTES)
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None
    key = (path.resolve(), hash(text))
    known = _loaded.get(key)
    if known is not None and not known[1].dead:
        return known[0]
    child = Child(path, text, f"layerproof_user_file_{len(_origin)}")
    with within([child], seconds):
        defined = subject_of(child)
    _loaded[key] = _origin[id(defined)] = defined, child
    return defined


@contextlib.contextmanager
def guarded(files: Sequence[Any], seconds: float = TIME_LIMIT) -> Iterator[None]:
    """Judge what users' files define: they have `seconds` from here on to answer, and errors are told with the file.

    Without any subject from a file this does nothing.
    """
    children = [_origin[id(subject)][1] for subject in files if id(subject) in _origin]
    if not children:
        yield
        return
    try:
        with within(children, seconds):
            yield
    except ContentError as error:
        named = tuple(str(child.path) for child in children)
        if len(children) > 1 or str(error).startswith(named):
            raise
        raise ContentError(f"{named[0]}: {error}") from None
    finally:
        for child in children:
            if child.deadline is None:  # no one around this asks further
                child.end()
