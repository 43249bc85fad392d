"""Progress on stderr: one line that is rewritten in a terminal, a line an algorithm where stderr is no terminal."""

from __future__ import annotations

import sys
from typing import Self

WIDTH = 78


class ProgressLine:
    """A callable that shows what is being done; `clear`, and the end of a `with` block, take the line away again."""

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()
        self.last = ""

    def __call__(self, text: str) -> None:
        if self.shown:
            print(f"\r{text[:WIDTH]:<{WIDTH}}", end="", file=sys.stderr, flush=True)
        elif (subject := text.partition(":")[0]) != self.last:
            self.last = subject
            print(f"layerproof: {subject} ...", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Blank the line."""
        if self.shown:
            print("\r" + " " * WIDTH + "\r", end="", file=sys.stderr, flush=True)
