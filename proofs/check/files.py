"""What in a project can be checked: certificates, cases, constructions and exports, told by their text alone."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ...numeric.export.files import is_export
from ...numeric.exported.config import FILES
from ...numeric.files.text import MAX_FILE_BYTES
from ...symbolic.errors import ContentError
from ...symbolic.strict_json import loads
from ..certificate import certificate
from ..plain_text import encodable
from . import regression

SKIPPED_FOLDERS = frozenset({"venv", "__pycache__", "node_modules", "build"})
"""Folders that are not entered, besides hidden ones and links to folders."""
CASE_KIND = "layerproof regression case"
DEFINITIONS = frozenset({"ALGORITHM", "CONSTRUCTION"})
_IMPORTS = re.compile(r"^\s*(?:from|import)\s+([A-Za-z_]\w*)", re.MULTILINE)
_LOOKS_LIKE_DEFINITION = re.compile(r"^(ALGORITHM|CONSTRUCTION)\s*[:=]", re.MULTILINE)
_CERTIFICATE_KEYS = frozenset({"algorithm", "claims", "digest", "settings", "theorems", "tool", "weights"})
_CASE_KEYS = regression.KEYS - {"kind"}


class Kind(StrEnum):
    """What a path given to `layerproof check` turned out to be."""

    CERTIFICATE = "certificate"
    CASE = "regression case"
    CONSTRUCTION = "construction"
    EXPORT = "export"
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
    found: dict[str, Target] = {}
    for path in paths:
        for target in _inside(path) if path.is_dir() else [_target(path)]:
            ignored = target.kind in (Kind.UNKNOWN, Kind.DIRECTORY) or _is_test(target.path.name)
            if not (only_known and ignored and not target.trouble):
                found.setdefault(os.path.abspath(target.path), target)  # noqa: PTH100 - a link stays what it is
    return sorted(found.values(), key=lambda target: target.name)


def kind_of(path: Path) -> Kind:
    """What a file is, by its text: nothing is run, and a damaged file that says what it was is still that.

    Raises `ContentError` when the file is there and cannot be read.
    """
    try:
        if not path.is_file():
            return Kind.UNKNOWN
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ContentError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        return Kind.UNKNOWN
    text = content.decode("utf-8-sig", errors="replace")
    if path.suffix == ".py":
        return Kind.CONSTRUCTION if _is_construction(text, path.parent) else Kind.UNKNOWN
    return _json_kind(text)


def _inside(folder: Path) -> list[Target]:
    """All in a directory that can be checked, or cannot be read to tell; the directory itself when there is none."""
    unreadable: list[OSError] = []
    found = []
    for place, folders, files in os.walk(folder, onerror=unreadable.append):  # links to folders are not followed
        if is_export(Path(place)):  # one thing to check, whatever it holds
            found.append(Target(Path(place), Kind.EXPORT))
            folders.clear()
            continue
        folders[:] = [f for f in folders if not f.startswith(".") and f not in SKIPPED_FOLDERS]
        for name in files:
            if name.endswith((".py", ".json")) and not name.startswith(".") and not _is_test(name):
                found.append(_target(Path(place, name)))
    known = [target for target in found if target.kind is not Kind.UNKNOWN or target.trouble]
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
    marks = {Kind.CERTIFICATE: f'"{certificate.FORMAT}"', Kind.CASE: f'"{CASE_KIND}"'}
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
    return Kind.CASE if content.get("kind") == CASE_KIND or set(content) >= _CASE_KEYS else Kind.UNKNOWN


def _is_construction(text: str, folder: Path) -> bool:
    """Whether Python text assigns ALGORITHM or CONSTRUCTION, no plain constant, outside of functions and classes, and
    mentions layerproof or imports a file beside it that does."""
    if not any(name in text for name in DEFINITIONS):
        return False
    if "layerproof" not in text and not any(_mentions(folder / f"{name}.py") for name in _IMPORTS.findall(text)):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of others' escape sequences
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _LOOKS_LIKE_DEFINITION.search(text) is not None  # loading it says what is wrong
    return any(DEFINITIONS & _assigned(statement) for statement in _outermost(body))


def _mentions(path: Path) -> bool:
    try:
        return path.is_file() and "layerproof" in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _outermost(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a file is loaded: those in `if`, `try`, `with` too, not those of functions."""
    waiting: list[ast.AST] = list(body)
    for node in waiting:
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = ast.iter_child_nodes(node)
            waiting += [n for n in inner if isinstance(n, (ast.stmt, ast.excepthandler, ast.match_case))]


def _assigned(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Assign):
        places = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        places = [statement.target]
    else:
        return set()
    if isinstance(statement.value, ast.Constant):
        return set()
    return {node.id for place in places for node in ast.walk(place) if isinstance(node, ast.Name)}
