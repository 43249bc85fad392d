"""An interrupt that arrives where Python cannot raise: in a weak reference's callback, a `__del__`, torch's own import.

Imports run many of the first two.  There Python prints that the exception is ignored, and the program would go on as if
nobody had pressed Ctrl-C.  Torch, while it is imported, loses it too, or ends the process by SIGABRT.  SIGTERM and
SIGHUP are heard in the same way: a process that they end at once leaves its workers and their semaphores behind.
"""

from __future__ import annotations

import _thread
import signal
import sys
import time
from typing import Any

LATER = 0.01
"""Seconds after which it is raised again: by then the place where it would be ignored is left, or will be."""


class Ended(KeyboardInterrupt):
    """A signal other than Ctrl-C asked this process to end; `number` is the signal's."""

    def __init__(self, number: int):
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.number = number


def code_of(interrupt: KeyboardInterrupt) -> int:
    """The exit code of a command that was interrupted, as a shell tells it."""
    return 128 + (interrupt.number if isinstance(interrupt, Ended) else signal.SIGINT)


def hear_interrupts() -> None:
    """From now on an interrupt that this thread would ignore in such a place is raised after it."""
    before, here = sys.unraisablehook, _thread.get_ident()

    def heard(raised: Any) -> None:
        if issubclass(raised.exc_type, KeyboardInterrupt):
            number = raised.exc_value.number if isinstance(raised.exc_value, Ended) else signal.SIGINT
            _thread.start_new_thread(_again, (here, number))
        else:
            before(raised)

    def interrupted(number: int, *_: object) -> None:
        if _imports_torch():
            _thread.start_new_thread(_again, (here, number))
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise Ended(number)

    sys.unraisablehook = heard
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where whoever started us ignores it
        signal.signal(signal.SIGINT, interrupted)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupted)


def hear_no_more() -> None:
    """From now on none of them changes anything: the exit code is known."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _imports_torch() -> bool:
    return bool(getattr(getattr(sys.modules.get("torch"), "__spec__", None), "_initializing", False))


def _again(thread: int, number: int) -> None:
    time.sleep(LATER)
    signal.pthread_kill(thread, number)
