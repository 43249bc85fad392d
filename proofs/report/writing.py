"""A report written into a directory: whole or not at all, and never over anything that is not an earlier report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from ...numeric.files.placing import place_directory, restore
from ...symbolic.errors import ArgumentError, LayerproofError
from .model import Report
from .writers.checked import check

FORMATS = {"html": "html", "tex": "tex", "md": "markdown", "json": "json_data", "pdf": "pdf"}
"""The formats and the files in `writers` that write them."""
DEFAULT_FORMATS = ("html", "tex", "md", "json", "pdf")
MARKER = ".layerproof-report"
_SAYS = "`layerproof report` wrote the files named here and replaces this directory:\n"
_BY_TEX = (".aux", ".log", ".out", ".toc", ".pdf", ".fls", ".fdb_latexmk", ".synctex.gz", ".bbl", ".blg")
"""What compiling a .tex file leaves beside it."""


def write(
    report: Report,
    directory: str | os.PathLike[str],
    formats: Sequence[str] = DEFAULT_FORMATS,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write the report into the directory, replacing an earlier one there, and return the paths of its files.

    An earlier report's files in formats that are not written now stay.  Raises `ArgumentError` for an unknown format
    and for a directory that holds anything else than an earlier report; nothing has been changed then.
    """
    place = Path(directory)
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise ArgumentError(f"format: {', '.join(unknown)[:80]!a} given, wanted some of {', '.join(FORMATS)}")
    check_target(place)
    check(report)
    content: dict[str, bytes] = {}
    for name in dict.fromkeys(formats):
        progress(f"{name}: writing")
        made = import_module(f".writers.{FORMATS[name]}", __package__).write(report)
        if taken := content.keys() & made.keys():
            raise LayerproofError(f"two formats write {sorted(taken)[0]}")
        content |= made
    return placed(place, content, formats)


def kept(place: Path, formats: Sequence[str]) -> list[str]:
    """The files of an earlier report that stay when these formats are written: those of the other formats."""
    others = {f".{name}" for name in FORMATS if name not in formats}
    names = (_listed(place / MARKER) or []) if formats else []
    return sorted(n for n in names if Path(n).suffix in others and (place / n).is_file())


def placed(place: Path, content: dict[str, bytes], formats: Sequence[str] = ()) -> list[Path]:
    """Put the files of a report where they belong, in place of an earlier report; their paths.

    formats : what is written now: files of other formats stay (see `kept`); without any the whole is replaced
    """
    try:
        whole = Path(os.path.abspath(place))  # noqa: PTH100 - links above it stay as they are
        earlier = {name: (whole / name).read_bytes() for name in kept(whole, formats) if name not in content}
        marker = _SAYS + "".join(f"{name}\n" for name in sorted(earlier | content))
        whole.parent.mkdir(parents=True, exist_ok=True)
        place_directory(whole, earlier | content | {MARKER: marker.encode()})
    except OSError as error:
        raise ArgumentError(f"output: {place} cannot be written: {error.strerror or error}") from None
    return [place / name for name in content]


def check_target(place: Path) -> None:
    """Raise `ArgumentError` for whatever is there, unless it is an earlier report."""
    restore(Path(os.path.abspath(place)))  # noqa: PTH100 - as where it is written
    if not (place.exists() or place.is_symlink()):
        return
    if place.is_symlink() or not place.is_dir():
        raise ArgumentError(f"output: {place} is no directory of its own, wanted a new one or an earlier report")
    if Path.cwd().resolve().is_relative_to(place.resolve()):
        raise ArgumentError(f"output: {place} is where you are, wanted another directory: the whole of it is replaced")
    entries = {path.name for path in place.iterdir()}
    if not entries:
        return
    ours = _written(place / MARKER)
    if ours is None:
        raise ArgumentError(f"output: {place} exists and is no report, wanted a new directory or an earlier report")
    if others := entries - ours:
        raise ArgumentError(f"output: {place} has {sorted(others)[0]!a}, which is not of the report: move it elsewhere")


def _listed(marker: Path) -> list[str] | None:
    """The names that an earlier report gives of its files, None where there is none."""
    try:
        if marker.is_symlink() or not marker.is_file():
            return None
        text = marker.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if not text.startswith(_SAYS):
        return None
    return text.removeprefix(_SAYS).splitlines()


def _written(marker: Path) -> set[str] | None:
    """The names of the files of an earlier report, and of what TeX leaves beside them; None where there is none."""
    names = _listed(marker)
    if names is None:
        return None
    by_tex = [name.removesuffix(".tex") + end for name in names if name.endswith(".tex") for end in _BY_TEX]
    return {MARKER, *names, *by_tex}
