"""A process that ends with the one that started it, even while it imports."""

from __future__ import annotations

import os
import signal

PARENT = "LAYERPROOF_PARENT"
"""The environment variable that says which process started this one: it may be gone by now."""
OFTEN = 0.2
"""Seconds between two looks."""


def leave_with_parent() -> None:
    """End this process soon after the one that started it and said so, whatever is being imported.

    It would hear of that end only when it has imported everything, and hold the streams of a dead command till then.
    A timer and no thread, since processes are forked from this one: they have neither the timer nor this parent.
    """
    if PARENT not in os.environ:
        return
    parent = int(os.environ.pop(PARENT))

    def look(*_: object) -> None:
        if os.getppid() != parent:
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, OFTEN, OFTEN)
