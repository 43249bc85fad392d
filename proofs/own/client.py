"""The process of one file, as the judge holds it: asked over pipes, within bounds, and ended with all it started."""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...symbolic.errors import ContentError, DiffersError, LayerproofError, RefusedError
from ...symbolic.strict_json import loads
from ..posix import missing
from . import reading
from .protocol import MAX_LINE, line

try:
    import fcntl
except ImportError:
    raise ImportError(missing()) from None

TIME_LIMIT = 300.0
"""Seconds that everything done with a user's file may take, unless said otherwise."""
LIVING = 4
"""The most processes of files that are kept; the one that was asked longest ago is ended for another, and run again."""
PRINTED = 2**20
"""The most bytes that are passed on of what a file prints."""
TICK = 0.05
"""Seconds after which it is looked whether a silent process is still there."""
DYING = 5.0
"""Seconds that what is killed may take to be gone, on a busy machine."""
MARK = "LAYERPROOF_OWN_FILE"
"""The environment variable that marks a file's process and what it starts."""
REFUSED_KINDS = ("comparison", "truth", "lookup", "hash", "text", "number", "iteration", "exponent", "other")
"""What a function may be refused for, see `RefusedError`."""
_START = "import sys; sys.path[:] = {path!r}; from {package}.server import serve; serve(*map(int, sys.argv[1:]))"
_living: list[Child] = []
_guard = threading.RLock()


class Child:
    """The process that runs one file, started when it is first asked.

    path : the file, as the user wrote it; text : its content, as it was read and is judged
    """

    def __init__(self, path: Path, text: str, module: str):
        self.path, self.text, self.module = path, text, module
        self.deadline: float | None = None
        self.seconds = TIME_LIMIT
        self.dead = ""
        self.record: Any = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0  # of the process that started it
        self._number = 0
        self._printed = 0
        self._lock = threading.RLock()
        self.kept: dict[int, Any] = {}

    def ask(self, what: str, **question: Any) -> Any:
        """The answer to a question, as JSON that is not looked into yet.

        Raises `ContentError` with the file, and the line where there is one, when the file raises, ends its process,
        takes longer than it may or says what is no answer.
        """
        with self._lock:
            if self._process is None or self._pid != os.getpid():
                self._begin()
            return self._asked({"ask": what, **question})

    def started(self) -> Any:
        """What the file defines, as JSON that is not looked into yet; the file is run for it."""
        with self._lock:
            if self.record is None:
                self._begin()
            return self.record

    @contextlib.contextmanager
    def naming(self) -> Iterator[None]:
        """Put the file's name before what is said of an answer that is wrong."""
        try:
            yield
        except ContentError as error:
            raise ContentError(f"{self.path}: {error}") from None

    def _asked(self, question: dict[str, Any]) -> Any:
        if self.dead:
            raise ContentError(self.dead)
        with _guard:
            if self in _living:
                _living.remove(self)
            _living.append(self)
        self._number += 1
        limit = time.monotonic() + self.seconds if self.deadline is None else self.deadline
        try:
            reply = self._exchange(line({"number": self._number, **question}), limit)
            answer = reading.mapping(loads(reply.decode("ascii", "replace")), "what its process said")
            if answer.get("number") != self._number or set(answer) not in ({"number", "answer"}, {"number", "error"}):
                raise ContentError("what its process said is no answer to what it was asked")
        except ContentError as error:
            self._lost(str(error))
        except BaseException:
            self.end()
            raise
        if "error" in answer:
            raise told(self.path, answer["error"])
        return answer["answer"]

    def _lost(self, why: str) -> None:
        self.dead = f"{self.path}: {why}"
        self.end()
        raise ContentError(self.dead) from None

    # starting and ending

    def _begin(self) -> None:
        """Start the process and load the file; when it was there before, the file must say the same again."""
        if self.dead:
            raise ContentError(self.dead)
        if self._process is not None:  # another process's, of which this one is a fork
            self._process, self._number = None, 0
        with _guard:
            while len(_living) >= LIVING:
                _living[0].end()
        self._start()
        asked = {"ask": "load", "path": str(self.path.resolve()), "module": self.module, "text": self.text}
        record = self._asked(asked)
        if self.record is not None and record != self.record:
            self._lost("defines something else each time it is run")
        self.record = record

    def _start(self) -> None:
        questions, ask = _pipe()
        hear, replies = _pipe()
        leash, held = _pipe()
        self._shown, shown = _pipe()
        mine, theirs = (ask, hear, held, self._shown), (questions, replies, leash, shown)
        path = [entry or str(Path.cwd()) for entry in sys.path] if "" in sys.path else sys.path
        code = _START.format(path=[str(entry) for entry in path], package=__package__)
        self._mark = secrets.token_hex(16)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", code, *map(str, theirs[:3])],
                stdin=subprocess.DEVNULL, stdout=shown, stderr=shown, pass_fds=theirs[:3], start_new_session=True,
                env={**os.environ, MARK: self._mark},
            )  # fmt: skip
        except OSError as error:
            for descriptor in mine:
                os.close(descriptor)
            raise ContentError(f"{self.path}: no process for it can be started: {error.strerror}") from None
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        for descriptor in (ask, hear, self._shown):
            os.set_blocking(descriptor, False)
        self._ask, self._hear, self._held = ask, hear, held
        self._pid, self._number, self.kept = os.getpid(), 0, {}
        with _guard:
            _living.append(self)

    def end(self) -> None:
        """End the process and all that it started; asking again starts it anew."""
        with _guard:
            if self in _living:
                _living.remove(self)
        process, self._process = self._process, None
        if process is None or self._pid != os.getpid():
            return
        _kill(process, self._mark)
        self._pass_on()
        for descriptor in (self._ask, self._hear, self._held, self._shown):
            os.close(descriptor)

    def _gone(self) -> str | None:
        """How the process ended, or None while it is there; it stays unreaped, so that its group is its own."""
        assert self._process is not None
        try:
            status = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # whoever called us ignores what becomes of processes
            return "ended its process before it answered"
        if status is None:
            return None
        if status.si_code == os.CLD_EXITED:
            return f"ended its process with exit status {status.si_status} before it answered"
        return f"its process was ended by signal {_signal(status.si_status)} before it answered"

    def _ended(self, limit: float) -> str | None:
        """As `_gone`, a moment later."""
        limit = min(limit, time.monotonic() + 2)
        while (how := self._gone()) is None and time.monotonic() < limit:
            time.sleep(TICK / 5)
        return how

    # talking

    def _exchange(self, data: bytes, limit: float) -> bytes:
        waiting, heard = memoryview(data), bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._ask, selectors.EVENT_WRITE)
            selector.register(self._hear, selectors.EVENT_READ)
            selector.register(self._shown, selectors.EVENT_READ)
            while True:
                left = limit - time.monotonic()
                if left <= 0:
                    raise ContentError(late(self.seconds))
                how = self._gone()  # asked first: what it said before it went is in the pipe by now
                ready = [key.fd for key, _ in selector.select(0 if how else min(left, TICK))]
                if self._shown in ready and not self._pass_on():
                    selector.unregister(self._shown)
                if self._ask in ready:
                    waiting = waiting[self._write(waiting) :]
                    if not waiting:
                        selector.unregister(self._ask)
                chunk = self._read(self._hear) if self._hear in ready else b""
                heard += chunk
                if b"\n" in chunk:
                    if heard.index(b"\n") != len(heard) - 1:
                        raise ContentError("what its process said is more than the answer to what it was asked")
                    return bytes(heard)
                if len(heard) > MAX_LINE:
                    raise ContentError(f"its process answered with more than {MAX_LINE} bytes, the limit")
                if not chunk and self._hear in ready:  # it closed its end, as a process does that ends
                    raise ContentError(self._ended(limit) or "closed its pipe and does not answer")
                if not chunk and how is not None:
                    raise ContentError(how)

    def _write(self, data: memoryview) -> int:
        try:
            return os.write(self._ask, data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:  # nobody reads it: the answer tells
            return len(data)

    @staticmethod
    def _read(descriptor: int) -> bytes:
        try:
            return os.read(descriptor, 2**20)
        except BlockingIOError:
            return b""

    def _pass_on(self) -> bool:
        """Pass on to stderr what the file prints, within bounds; False when there is nobody left to print."""
        while True:
            try:
                chunk = os.read(self._shown, 2**16)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            room = PRINTED - self._printed
            self._printed += len(chunk)
            if room > 0:
                more = "" if self._printed <= PRINTED else f"\nlayerproof: {self.path} prints more, which is left out\n"
                with contextlib.suppress(Exception):  # stderr is closed, full or nobody's
                    sys.stderr.write(chunk[:room].decode("utf-8", "replace") + more)
                    sys.stderr.flush()


@contextlib.contextmanager
def within(children: Sequence[Child], seconds: float) -> Iterator[None]:
    """Give processes `seconds` from here on for all that they are asked; an earlier limit stays in force."""
    end = time.monotonic() + seconds
    before = [(child, child.deadline, child.seconds) for child in children]
    for child in children:
        if child.deadline is None or end < child.deadline:
            child.deadline, child.seconds = end, seconds
    try:
        yield
    finally:
        for child, deadline, allowed in before:
            child.deadline, child.seconds = deadline, allowed


def told(path: Path, content: Any) -> LayerproofError:
    """The error that an answer tells, with the file and the line."""
    error = reading.mapping(content, f"{path}: the error that its process told")
    number, text, kind = error.get("line"), error.get("message"), error.get("kind")
    number = number if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**7 else 0
    text = " ".join(text.split()) if isinstance(text, str) else "raised what cannot be told"
    text = "".join(c if c.isprintable() else "\ufffd" for c in text)
    if kind == "refused":
        what, function = (reading.printable(error.get(x), reading.NAME) for x in ("what", "function"))
        return RefusedError(text[:1000], what if what in REFUSED_KINDS else "other", function or "a function", number)
    if kind == "differs":
        return DiffersError(text[:1000], _witness(error.get("witness"), text[:1000]))
    where, text = (f"{path}, line {number}" if number else str(path)), text[:500]
    if not number and kind == "raised":
        text += " (raised on what the file defines: set LAYERPROOF_TRACEBACK=1 to see where)"
    return ContentError(f"{where}: {text}")


def _witness(content: Any, text: str) -> dict[str, object]:
    """A context on which two sides differ, as `witness_text` shows it; the words alone where it is none."""
    try:
        point = reading.mapping(reading.mapping(content, "it", ("point", "difference"))["point"], "it")
        reading.mapping(point, "it", ("transitions", "query"))
        transitions = [reading.mapping(t, "it") for t in reading.sequence(point["transitions"], "it")]
        for name, value in [("query", point["query"]), *(x for t in transitions for x in t.items())]:
            reading.text(name, "it", reading.NAME)
            for x in value if isinstance(value, list) else [value]:
                reading.rational(x, "it")
    except ContentError:
        return {"difference": text}
    return {"point": point, "difference": text}


def late(seconds: float) -> str:
    """What is said of a file that took longer than it may."""
    return f"did not finish within {seconds:g} seconds: does a loop run for ever? (--time-limit raises the limit)"


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are not 0, 1 or 2, whatever of those is closed here."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _kill(process: subprocess.Popen[bytes], mark: str) -> None:
    """End a process, its group, and what bears its mark in groups of their own (where /proc tells)."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    limit = time.monotonic() + DYING
    while _marked(mark) and time.monotonic() < limit:  # a killed process is there for a moment yet
        time.sleep(TICK / 5)
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)


def _marked(mark: str) -> int:
    """Kill the processes that bear a mark; how many they are, with those just being started, of which none can tell."""
    sought, count = f"{MARK}={mark}".encode(), 0
    try:
        numbers = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names, thousands of them
    except OSError:
        return 0
    for name in numbers:
        with contextlib.suppress(OSError):
            environment = Path("/proc", name, "environ").read_bytes()
            if sought in environment and int(name) != os.getpid():
                os.kill(int(name), signal.SIGKILL)
                count += 1
            elif not environment:  # a moment of execve; kernel threads and zombies have no program
                Path("/proc", name, "exe").readlink()
                count += not Path("/proc", name, "cmdline").read_bytes()
    return count


@atexit.register
def end_all() -> None:
    """End every file's process."""
    with _guard:
        for child in list(_living):
            child.end()
