"""An interrupt that arrives where Python cannot raise: in a weak reference's callback, a `__del__`, torch's own import.

Imports run many of the first two.  There Python prints that the exception is ignored, and the program would go on as if
nobody had pressed Ctrl-C.  Torch, while it is imported, loses it too, or ends the process by SIGABRT.
"""

from __future__ import annotations

import _thread
import signal
import sys
import time
from typing import Any

LATER = 0.01
"""Seconds after which it is raised again: by then the place where it would be ignored is left, or will be."""


def hear_interrupts() -> None:
    """From now on an interrupt that this thread would ignore in such a place is raised after it."""
    before, here = sys.unraisablehook, _thread.get_ident()

    def heard(raised: Any) -> None:
        if issubclass(raised.exc_type, KeyboardInterrupt):
            _thread.start_new_thread(_again, (here,))
        else:
            before(raised)

    def interrupted(*_: object) -> None:
        if _imports_torch():
            _thread.start_new_thread(_again, (here,))
        else:
            raise KeyboardInterrupt

    sys.unraisablehook = heard
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where whoever started us ignores it
        signal.signal(signal.SIGINT, interrupted)


def _imports_torch() -> bool:
    return bool(getattr(getattr(sys.modules.get("torch"), "__spec__", None), "_initializing", False))


def _again(thread: int) -> None:
    time.sleep(LATER)
    signal.pthread_kill(thread, signal.SIGINT)
