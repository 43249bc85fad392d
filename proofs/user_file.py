"""A user's own file: loaded with a time limit, its prints kept off stdout, its errors told with file and line."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from ..numeric.files.text import read_text
from ..symbolic.algorithm import Algorithm
from ..symbolic.algorithms import find
from ..symbolic.errors import ArgumentError, ContentError, LayerproofError
from ..symbolic.own import OwnConstruction
from ..symbolic.tracing.judged import judged
from ..symbolic.tracing.own import judged_own

LOAD_LIMIT = 30.0
"""Seconds that loading a file may take."""
PATIENCE = 3
"""How often a file's code may swallow the end of its time before the process is left."""
TIME_LIMIT = 300.0
"""Seconds that everything done with a user's file may take, unless said otherwise."""
Subject = Algorithm | OwnConstruction
_loaded: dict[tuple[Path, int], Subject] = {}
_origin: dict[int, Path] = {}


def is_file(name: str) -> bool:
    """Whether an argument names a file rather than an algorithm of the catalogue."""
    return name.endswith(".py") or os.sep in name or "/" in name


def resolve(subject: str | Subject, seconds: float = LOAD_LIMIT) -> Subject:
    """An algorithm by its name, a user's file by its path, an object as what is judged of it (`tracing.judged`)."""
    if not isinstance(subject, str):
        if not isinstance(subject, (Algorithm, OwnConstruction)):
            raise ArgumentError(f"algorithms holds {str(subject)[:40]!r}, wanted names, files or algorithms")
        return judged(subject) if isinstance(subject, Algorithm) else judged_own(subject)
    return load(Path(subject), seconds) if is_file(subject) else find(subject)


def resolve_algorithm(subject: str | Subject, doing: str) -> Algorithm:
    """As `resolve`, for what needs an update: `ContentError` for a construction without one."""
    found = resolve(subject)
    if isinstance(found, OwnConstruction):
        raise ContentError(
            f"{found.name} is an OwnConstruction, which has no update to {doing}: write it as an Algorithm, "
            "or use layerproof verify"
        )
    return found


def origin(subject: Any) -> Path | None:
    """The file that a subject was loaded from."""
    return _origin.get(id(subject))


def load(path: Path, seconds: float = LOAD_LIMIT) -> Subject:
    """The `ALGORITHM` or `CONSTRUCTION` that a Python file defines, an algorithm as what is judged of it.

    Raises `ContentError` with the file, and the line where there is one, when the file is missing, raises, takes
    longer than `seconds` or defines neither or both.
    """
    if path.suffix != ".py" and not path.is_dir():
        raise ContentError(f"{path}: is no Python file, wanted one that ends in .py")
    try:
        text = read_text(path)
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None
    key = (path.resolve(), hash(text))
    if key in _loaded:
        return _loaded[key]
    name = f"layerproof_user_file_{len(_loaded)}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None  # a path that ends in .py or was read has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # what pickling and dataclasses of the file look up
    with guarded([path], seconds), _siblings(path.resolve().parent):
        exec(compile(text, str(path.resolve()), "exec", dont_inherit=True), module.__dict__)
    found = [getattr(module, kind, None) for kind in ("ALGORITHM", "CONSTRUCTION")]
    kinds = (Algorithm, OwnConstruction)
    given = [x for x in found if x is not None]
    if len(given) != 1:
        what = "both ALGORITHM and CONSTRUCTION" if given else "neither ALGORITHM nor CONSTRUCTION"
        raise ContentError(f"{path}: defines {what}, wanted one of them: layerproof new NAME writes a template")
    for kind, value, wanted in zip(("ALGORITHM", "CONSTRUCTION"), found, kinds, strict=True):
        if value is not None and not isinstance(value, wanted):
            raise ContentError(f"{path}: {kind} is {str(value)[:40]!r}, wanted a layerproof.{wanted.__name__}")
    subject: Subject = given[0]
    for what in ("name", "title", "source"):
        value = getattr(subject, what)
        if not isinstance(value, str) or not value.isprintable() or not value:
            raise ContentError(f"{path}: the {what} is {ascii(value)[:60]}, wanted a printable text")
    try:
        subject = judged(subject) if isinstance(subject, Algorithm) else judged_own(subject)
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None
    _loaded[key] = subject
    _origin[id(subject)] = path
    return subject


@contextlib.contextmanager
def _siblings(folder: Path) -> Iterator[None]:
    """Let a file import its neighbours, as a script does; they are forgotten again, since other folders have theirs."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            place = getattr(sys.modules[name], "__file__", None)
            # direct neighbours only: a virtual environment may lie further down in the same folder
            if place is not None and folder in list(Path(place).resolve().parents)[:2] and "layerproof" not in name:
                del sys.modules[name]


@contextlib.contextmanager
def guarded(files: Sequence[Path | None], seconds: float = TIME_LIMIT) -> Iterator[None]:
    """Run a user's code: what it prints goes to stderr, what it raises becomes a `ContentError` with file and line.

    files : the user's files at work; without any this does nothing
    """
    known = {str(f.resolve()): f for f in files if f is not None}
    if not known:
        yield
        return
    shown = next(iter(known.values()))
    try:
        with contextlib.redirect_stdout(sys.stderr), _descriptor_to_stderr(), _limit(seconds, shown):
            yield
    except _TimeUpError:
        raise ContentError(_late(shown, seconds)) from None
    except (ArgumentError, ContentError) as error:
        where = _place(error, known)
        if where is None or str(error).startswith(str(shown)):
            raise
        raise ContentError(f"{where}: {error}") from None
    except LayerproofError:
        raise
    except SyntaxError as error:
        line = "" if error.lineno is None else f", line {error.lineno}"
        raise ContentError(f"{shown}{line}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        if os.environ.get("LAYERPROOF_TRACEBACK"):
            traceback.print_exc()
        where = _place(error, known)
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        if where is None:
            said += " (raised on what the file defines: set LAYERPROOF_TRACEBACK=1 to see where)"
        raise ContentError(f"{where or shown}: {said}") from None


@contextlib.contextmanager
def _descriptor_to_stderr() -> Iterator[None]:
    """Let what other programs write to standard output go to standard error, as prints do."""
    try:
        saved = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of them is closed
        yield
        return
    try:
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def _place(error: BaseException, known: Mapping[str, Path]) -> str | None:
    """The last line of the user's files that an error passed through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in known]
    return f"{known[frames[-1].filename]}, line {frames[-1].lineno}" if frames else None


def _late(shown: Path, seconds: float) -> str:
    return (
        f"{shown}: did not finish within {seconds:g} seconds: does a loop run for ever? (--time-limit raises the limit)"
    )


class _TimeUpError(BaseException):
    """Raised in a user's code when its time is up; no `except Exception` of theirs takes it."""


@contextlib.contextmanager
def _limit(seconds: float, shown: Path) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield  # signals reach the main thread only
        return
    alarms = 0

    def late(number: int, frame: FrameType | None) -> None:
        nonlocal alarms
        alarms += 1
        if alarms > PATIENCE:  # the code swallows whatever is raised in it: nothing but leaving will do
            print(f"layerproof: {_late(shown, seconds)}", file=sys.stderr, flush=True)
            os._exit(ContentError.exit_code)
        raise _TimeUpError

    before = signal.signal(signal.SIGALRM, late)
    outer, _ = signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, outer)
        signal.signal(signal.SIGALRM, before)
