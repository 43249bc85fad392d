"""The installed prover, and how its programs are run: in an environment of their own, and never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

INSTALL = (
    "install it on Debian or Ubuntu with: apt-get install coq libcoq-mathcomp-algebra libcoq-mathcomp-algebra-tactics"
    " (elsewhere: opam install coq-mathcomp-algebra coq-mathcomp-algebra-tactics)"
)
PROVERS = ((("coqc",), ("coqchk",)), (("rocq", "compile"), ("rocq", "check")))


@dataclass(frozen=True)
class Prover:
    """An installed prover: what compiles a file, what it says of its version, what checks compiled files again."""

    command: tuple[str, ...]
    version: str
    checker: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ran:
    """What a program did.

    code : its exit status, negative for a signal that ended it; None when it ran out of time or was stopped
    """

    code: int | None
    stdout: str
    stderr: str
    seconds: float


def find_prover() -> Prover | None:
    """`coqc` or `rocq compile` on the path, or None."""
    return _prover_on(os.environ.get("PATH", ""))


@cache
def _prover_on(path: str) -> Prover | None:
    for command, checker in PROVERS:
        if shutil.which(command[0], path=path):
            answer = Runner().run((*command, "--version"), Path.cwd(), 30.0)
            if answer.code != 0:
                return None
            return Prover(command, " ".join(answer.stdout.split())[:120], checker)
    return None


COLLECTED = "s=32M,o=200"
"""How often memory is collected: about as the compiler asks for by itself, which takes a quarter off the checker."""


def environment(home: Path) -> dict[str, str]:
    """What a prover sees: the path and nothing else of the caller's, no COQPATH, COQLIB or OCAMLPATH."""
    known = {"HOME": str(home), "TMPDIR": str(home), "LC_ALL": "C.UTF-8", "OCAMLRUNPARAM": COLLECTED}
    return {"PATH": os.environ.get("PATH", ""), **known}


class Runner:
    """Runs programs, each in a process group of its own, and ends all of them when it is stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[int] = set()
        self._stopped = False

    def run(self, command: Sequence[str], folder: Path, limit: float) -> Ran:
        """Run one program in a folder, its home, for at most `limit` seconds."""
        start = time.monotonic()
        with self._lock:
            if self._stopped:
                return Ran(None, "", "", 0.0)
            process = subprocess.Popen(
                command, cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
            )  # fmt: skip
            self._running.add(process.pid)
        try:
            out, err = process.communicate(timeout=limit)
            return Ran(None if self._stopped else process.returncode, out, err, time.monotonic() - start)
        except subprocess.TimeoutExpired:
            _end(process.pid)
            process.communicate()
            return Ran(None, "", "", time.monotonic() - start)
        except BaseException:  # a signal, in the thread that waits
            _end(process.pid)
            process.communicate()
            raise
        finally:
            with self._lock:
                self._running.discard(process.pid)

    def stop(self) -> None:
        """End all programs that run, and start no more."""
        with self._lock:
            self._stopped = True
            for pid in self._running:
                _end(pid)


def _end(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@contextmanager
def runner() -> Iterator[Runner]:
    """A runner whose programs end with the block, on SIGTERM, SIGHUP and SIGQUIT too: it is left, as by Ctrl-C."""
    running, heard = Runner(), list[int]()

    def leave(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        # In a weak reference's callback or a `__del__` Python drops what is raised: the programs end all the same.
        threading.Thread(target=running.stop, daemon=True).start()
        raise SystemExit(128 + number)

    main = threading.current_thread() is threading.main_thread()
    before = {s: signal.signal(s, leave) for s in ENDS if signal.getsignal(s) is signal.SIG_DFL} if main else {}
    try:
        yield running
    finally:
        running.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        raise SystemExit(128 + heard[0])
