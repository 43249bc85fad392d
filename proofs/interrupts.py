"""An interrupt that arrives where Python cannot raise: in a weak reference's callback or a `__del__`.

Imports run many of these.  There Python prints that the exception is ignored, and the program would go on as if nobody
had pressed Ctrl-C.
"""

from __future__ import annotations

import _thread
import signal
import sys
import time
from typing import Any

LATER = 0.01
"""Seconds after which it is raised again: by then the place where it would be ignored is left."""


def hear_interrupts() -> None:
    """From now on an interrupt that this thread ignored in such a place is raised again after it."""
    before, here = sys.unraisablehook, _thread.get_ident()

    def heard(raised: Any) -> None:
        if issubclass(raised.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(_again, (here,))
        else:
            before(raised)

    sys.unraisablehook = heard


def _again(thread: int) -> None:
    time.sleep(LATER)
    signal.pthread_kill(thread, signal.SIGINT)
