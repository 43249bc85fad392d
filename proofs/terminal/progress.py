"""Progress on stderr: one line that is rewritten in a terminal, a line an algorithm where stderr is no terminal."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from ...symbolic.plain_text import message

WIDTH = 78
_COUNTED = re.compile(r"(\d+) of (\d+)\0(.*)", re.DOTALL)


class ProgressLine:
    """A callable that shows what is being done; `clear`, and the end of a `with` block, take the line away again.

    Of several subjects (`case.counted`) it says which one it is, and in a terminal how long the others may take, by the
    time that those before took.
    """

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()
        self.last = ""
        self.began = time.monotonic()
        self.width = min(WIDTH, shutil.get_terminal_size().columns - 1) if self.shown else WIDTH
        if self.shown:
            self._rewrite("starting")

    def __call__(self, text: str) -> None:
        match = _COUNTED.fullmatch(text)
        number, total, text = (int(match[1]), int(match[2]), message(match[3])) if match else (0, 0, message(text))
        if self.shown:
            count = f"{number} of {total}  " if total else ""
            self._rewrite(f"{count}{text}{self._left(number, total)}")
        elif (subject := text.partition(":")[0]) != self.last:
            self.last = subject
            count = f", {number} of {total}" if total else ""
            print(f"layerproof: {subject}{count} ...", file=sys.stderr, flush=True)

    def _left(self, number: int, total: int) -> str:
        """How long what is left may take; nothing before a first subject is done."""
        if number < 2:
            return ""
        seconds = (time.monotonic() - self.began) / (number - 1) * (total - number + 1)
        return f", about {seconds / 60:.0f} min left" if seconds > 90 else f", about {max(seconds, 1):.0f} s left"

    def _rewrite(self, text: str) -> None:
        print(f"\r{text[: self.width]:<{self.width}}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    @contextmanager
    def resumable(self, place: Path) -> Iterator[None]:
        """Where the block is interrupted, say that what is finished is in `place`, from where the command goes on."""
        try:
            yield
        except KeyboardInterrupt:
            self.clear()
            text = f"layerproof: what is finished is in {place}; the same command goes on from there"
            print(message(text), file=sys.stderr)
            raise

    def clear(self) -> None:
        """Blank the line."""
        if self.shown:
            print("\r" + " " * self.width + "\r", end="", file=sys.stderr, flush=True)
