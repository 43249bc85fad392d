"""Where a command is asked to write: refused before any work where it cannot."""

from __future__ import annotations

from pathlib import Path

from ...symbolic.errors import ArgumentError


def check_file(name: str, path: Path, ending: str) -> None:
    """Raise `ArgumentError` that calls the file `name` when it has another ending, or its folder is not there."""
    if path.suffix != ending or not path.parent.is_dir():
        raise ArgumentError(f"{name} is {str(path)!r}, wanted a file that ends in {ending} in a folder that is there")
