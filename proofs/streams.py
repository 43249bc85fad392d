"""The standard streams of a command: a reader that has gone or a full disk costs what is printed, and no verdict."""

from __future__ import annotations

import io
import os
import sys


class Outliving(io.RawIOBase):
    """A file descriptor to write to; once a write fails, what is written goes nowhere and no error is raised."""

    def __init__(self, descriptor: int):
        self._descriptor: int | None = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        if self._descriptor is None:
            raise io.UnsupportedOperation("the stream is gone")
        return self._descriptor

    def isatty(self) -> bool:
        return self._descriptor is not None and os.isatty(self._descriptor)

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        written = 0
        while self._descriptor is not None and written < len(view):
            try:
                written += os.write(self._descriptor, view[written:])
            except OSError:
                self._descriptor = None
        return len(view)


def outlive_readers() -> None:
    """Make stdout and stderr survive whoever reads them, and keep a closed one from being taken by another file."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            taken = os.open(os.devnull, os.O_RDWR)
            if taken != number:  # a lower one was closed in between
                os.dup2(taken, number)
                os.close(taken)
    for name, number in (("stdout", 1), ("stderr", 2)):
        old = getattr(sys, name)
        setattr(
            sys,
            name,
            io.TextIOWrapper(
                io.BufferedWriter(Outliving(number)),
                encoding=getattr(old, "encoding", None) or "utf-8",
                errors="backslashreplace",
                line_buffering=number == 2 or os.isatty(number),
            ),
        )
