"""A directory written as a whole, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path


def replace_directory(place: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into a new neighbour of `place`, which then takes its place, whatever directory was there.

    Raises `OSError` when something cannot be written; what was there stays then.
    """
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as folder:
        fresh, old = Path(folder, "new"), Path(folder, "old")
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        earlier = place.exists()
        if earlier:
            place.rename(old)
        try:
            fresh.rename(place)
        except OSError:
            if earlier:
                old.rename(place)
            raise
        shutil.rmtree(old, ignore_errors=True)
