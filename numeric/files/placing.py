"""Files and directories put in place as a whole, or not at all: the one writer of everything that somebody will read.

What is being written stands beside its place under a name of its own, `.NAME.layerproof-new-PID`, made new and never
followed.  A directory that is replaced waits as `.NAME.layerproof-old` until the new one is there; the next run into
the same place brings it back when that never happened, and removes what processes that are gone have left.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MARK = "layerproof"


def place_file(path: Path, content: str | bytes) -> None:
    """Write a file that appears whole, in place of whatever file or link of that name was there.

    Raises `OSError` when it cannot be written; what was there stays then, also when the run is interrupted.
    A device or a pipe of that name is written to as it is.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return
    try:
        with _beside(path) as fresh:
            _write_new(fresh, content)
            fresh.replace(path)
    except OSError as error:
        error.filename = str(path)  # and not the name on the way, or none where the disk is full
        raise


def place_new_files(files: Mapping[Path, str]) -> None:
    """Write files that are not there yet, all of them or none. Raises `OSError`, `FileExistsError` for one that is."""
    made: list[Path] = []
    try:
        for path, text in files.items():
            made.append(path)
            try:
                _write_new(path, text)
            except FileExistsError:
                made.pop()
                raise
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise


def place_directory(place: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a new neighbour of `place`, which then takes its place, whatever directory was there.

    Raises `OSError` when something cannot be written; what was there stays then, also when the run is interrupted.
    """
    restore(place)
    old = _old(place)
    with _beside(place) as fresh:
        fresh.mkdir()
        for name, content in files.items():
            _write_new(fresh / name, content)
        earlier = place.exists()
        try:
            if earlier:
                place.rename(old)
            fresh.rename(place)
        except BaseException:
            if earlier and not place.exists() and old.exists():
                old.rename(place)
            raise
    shutil.rmtree(old, ignore_errors=True)


def restore(place: Path) -> None:
    """Bring back a directory whose replacement was cut off between the two renames; else remove what that left."""
    old = _old(place)
    if not old.is_dir() or old.is_symlink():
        return
    if place.exists() or place.is_symlink():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.rename(place)


def _old(place: Path) -> Path:
    return place.with_name(f".{place.name}.{MARK}-old")


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """A name beside `place` that nobody else uses; whatever stands there at the end is removed."""
    prefix = f".{place.name}.{MARK}-new-"
    for left in place.parent.glob(f".*.{MARK}-new-*"):
        if left.name.startswith(prefix) and _gone(left.name.removeprefix(prefix)):
            _remove(left)
    fresh = place.with_name(f"{prefix}{os.getpid()}")
    _remove(fresh)
    try:
        yield fresh
    finally:
        _remove(fresh)


def _gone(process: str) -> bool:
    """Whether no process of this number runs; what is no number is nobody's."""
    if not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _write_new(path: Path, content: str | bytes) -> None:
    """Write a file that must not be there, and bring it to the disk."""
    data = content.encode() if isinstance(content, str) else content
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
