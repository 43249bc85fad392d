"""One writer at a time: a lock on an open file or folder, gone with the process that took it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ...symbolic.errors import ArgumentError, LayerproofError


def take_lock(descriptor: int, path: Path, writer: str) -> None:
    """Lock an open file or folder for this process, until the descriptor is closed.

    Raises `ArgumentError` when another process (another `writer`) holds it, `LayerproofError` on a disk without locks.
    """
    import fcntl  # POSIX only, as is the lock

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ArgumentError(
            f"{path}: another {writer} is writing it: wait until that has ended, or name another place with --output"
        ) from None
    except OSError as error:
        raise LayerproofError(f"{path}: cannot be locked: {error.strerror}; name a place on another disk") from None


@contextlib.contextmanager
def locked_folder(path: Path, writer: str) -> Iterator[None]:
    """Hold a folder's lock for a `with` block; what is raised is `take_lock`'s."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        take_lock(descriptor, path, writer)
        yield
    finally:
        os.close(descriptor)
