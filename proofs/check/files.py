"""What in a project can be checked: certificates, cases, constructions and exports, told by their text alone."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ...numeric.export.files import is_export
from ...numeric.exported.config import FILES
from ...numeric.files.text import MAX_FILE_BYTES
from ...symbolic.errors import ContentError
from ...symbolic.plain_text import encodable
from ...symbolic.strict_json import loads
from ..certificate import certificate
from ..convergence import certificate as convergence
from ..user_file import MAX_PYTHON_BYTES
from . import regression

SKIPPED_FOLDERS = frozenset({"venv", "__pycache__", "node_modules", "build"})
"""Folders that are not entered, besides hidden ones and links to folders."""
CASE_KIND = "layerproof regression case"
MOST_IMPORTS = 100
"""How many modules are looked for beside a file."""
DEFINITIONS = frozenset({"ALGORITHM", "CONSTRUCTION"})
_LOOKS_LIKE_DEFINITION = re.compile(r"^(?:ALGORITHM|CONSTRUCTION)[ \t]{0,80}[:=]", re.MULTILINE)
_CERTIFICATE_KEYS = frozenset({"algorithm", "claims", "digest", "settings", "theorems", "tool", "weights"})
_CASE_KEYS = regression.KEYS - {"kind"}


class Kind(StrEnum):
    """What a path given to `layerproof check` turned out to be."""

    CERTIFICATE = "certificate"
    CASE = "regression case"
    CONSTRUCTION = "construction"
    EXPORT = "export"
    CONVERGENCE = "certificate of convergence"
    DIRECTORY = "directory"
    UNKNOWN = "file"


@dataclass(frozen=True)
class Target:
    """A path and what it is: a directory stands for itself when nothing in it can be checked.

    trouble : why it cannot be read, if so
    """

    path: Path
    kind: Kind
    trouble: str = ""

    @property
    def name(self) -> str:
        """The path as text, whatever its bytes."""
        return encodable(str(self.path))


def targets(paths: Sequence[Path], only_known: bool = False) -> list[Target]:
    """What there is to check at the paths, sorted by name, each file once; directories are walked.

    A file that is named and is nothing of ours is an UNKNOWN, a directory without anything to check a DIRECTORY.
    only_known : leave both out, and files of tests too
    """
    by_path: dict[str, Target] = {}
    for path in paths:
        for target in _inside(path) if os.path.isdir(path) else [_target(path)]:  # noqa: PTH112 - False for any name
            ignored = target.kind in (Kind.UNKNOWN, Kind.DIRECTORY) or _is_test(target.path.name)
            if not (only_known and ignored and not target.trouble):
                by_path.setdefault(os.path.abspath(target.path), target)  # noqa: PTH100 - a link stays what it is
    return sorted(by_path.values(), key=lambda target: target.name)


def kind_of(path: Path) -> Kind:
    """What a file is, by its text: nothing is run, and a damaged file that says what it was is still that.

    Raises `ContentError` when the file is there and cannot be read.
    """
    text = _read(path, MAX_PYTHON_BYTES if path.suffix == ".py" else MAX_FILE_BYTES)
    if text is None:
        return Kind.UNKNOWN
    if path.suffix == ".py":
        return Kind.CONSTRUCTION if _is_construction(text, path.parent) else Kind.UNKNOWN
    return _json_kind(text)


def _read(path: Path, most: int) -> str | None:
    """The text of a file, whatever its bytes; None when it is no file or larger than `most` bytes."""
    try:
        if not path.is_file() or path.stat().st_size > most:
            return None
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ContentError(f"{path}: cannot be read: {error.strerror}") from None
    return None if len(content) > most else content.decode("utf-8-sig", errors="replace")


def _inside(folder: Path) -> list[Target]:
    """All in a directory that can be checked, or cannot be read to tell; the directory itself when there is none."""
    unreadable: list[OSError] = []
    inside = []
    for place, folders, files in os.walk(folder, onerror=unreadable.append):  # links to folders are not followed
        if is_export(Path(place)):  # one thing to check, whatever it holds
            inside.append(Target(Path(place), Kind.EXPORT))
            folders.clear()
            continue
        folders[:] = [f for f in folders if not f.startswith(".") and f not in SKIPPED_FOLDERS]
        for name in files:
            if name.endswith((".py", ".json")) and not name.startswith(".") and not _is_test(name):
                inside.append(_target(Path(place, name)))
    known = [target for target in inside if target.kind is not Kind.UNKNOWN or target.trouble]
    for error in unreadable:
        path = Path(error.filename)
        known.append(Target(path, Kind.DIRECTORY, f"{path}: cannot be read: {error.strerror}"))
    return known or [Target(folder, Kind.DIRECTORY)]


def _target(path: Path) -> Target:
    try:
        if path.name in FILES and is_export(path.parent):
            return Target(path.parent, Kind.EXPORT)
        return Target(path, kind_of(path))
    except ContentError as error:
        return Target(path, Kind.UNKNOWN, str(error))


def _is_test(name: str) -> bool:
    return name == "conftest.py" or (name.startswith("test_") and name.endswith(".py"))


def _json_kind(text: str) -> Kind:
    marks = {
        Kind.CERTIFICATE: f'"{certificate.FORMAT}"', Kind.CONVERGENCE: f'"{convergence.FORMAT}"',
        Kind.CASE: f'"{CASE_KIND}"',
    }  # fmt: skip
    marked = next((kind for kind, mark in marks.items() if mark in text), Kind.UNKNOWN)
    if marked is Kind.UNKNOWN and '"settings"' not in text:
        return Kind.UNKNOWN
    try:
        content = loads(text)
    except ContentError:
        return marked
    if not isinstance(content, dict):
        return Kind.UNKNOWN
    if content.get("format") == certificate.FORMAT or set(content) >= _CERTIFICATE_KEYS:
        return Kind.CERTIFICATE
    if content.get("format") == convergence.FORMAT:
        return Kind.CONVERGENCE
    return Kind.CASE if content.get("kind") == CASE_KIND or set(content) >= _CASE_KEYS else Kind.UNKNOWN


def _is_construction(text: str, folder: Path) -> bool:
    """Whether Python text assigns ALGORITHM or CONSTRUCTION, by that name and no plain constant, in a statement of its
    own at the top level, and mentions layerproof or imports a file beside it that does."""
    if not any(name in text for name in DEFINITIONS):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of others' escape sequences
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # loading it says what is wrong
        return "layerproof" in text and _LOOKS_LIKE_DEFINITION.search(text) is not None
    if not any(DEFINITIONS & _assigned(statement) for statement in body):
        return False
    return "layerproof" in text or any(_mentions(folder / f"{name}.py") for name in _imported(body))


def _mentions(path: Path) -> bool:
    try:
        text = _read(path, MAX_PYTHON_BYTES)
    except ContentError:
        return False
    return text is not None and "layerproof" in text


def _imported(body: list[ast.stmt]) -> list[str]:
    """The first parts of the modules that the top level imports, each once, and no more than `MOST_IMPORTS`."""
    modules: dict[str, None] = {}
    for statement in body:
        if isinstance(statement, ast.Import):
            modules |= dict.fromkeys(alias.name.split(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            modules[statement.module.split(".")[0]] = None
    return list(modules)[:MOST_IMPORTS]


def _assigned(statement: ast.stmt) -> set[str]:
    """The names that a statement binds by a plain assignment of what is no constant."""
    if isinstance(statement, ast.Assign):
        places = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        places = [statement.target]
    else:
        return set()
    if isinstance(statement.value, ast.Constant):
        return set()
    names: set[str] = set()
    waiting = list(places)
    for place in waiting:  # which grows by what is taken apart
        if isinstance(place, ast.Name):
            names.add(place.id)
        elif isinstance(place, (ast.Tuple, ast.List)):
            waiting += place.elts
        elif isinstance(place, ast.Starred):
            waiting.append(place.value)
    return names
