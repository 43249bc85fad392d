"""The process of one file: it runs the file, and answers what it is asked about what the file defines.

Nothing here is trusted: whoever asks reads the answers as hostile.  `python -m layerproof.proofs.own.server`, with the
numbers of three inherited descriptors: questions in, answers out, and one that closes when whoever asks has gone.
"""

from __future__ import annotations

import _thread
import contextlib
import fcntl
import linecache
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import ArgumentError, ContentError, DiffersError, LayerproofError, RefusedError
from ...symbolic.own import OwnConstruction
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.patterns.shadow import shadows
from ...symbolic.plain_text import shown
from ...symbolic.strict_json import loads
from ...symbolic.tracing.own import judged_own
from . import answers
from .describe import described
from .hints import hint
from .protocol import line

ABOVE = 200
"""Descriptors are moved above this one, out of the way of what counts them from zero."""


class Server:
    """What the file defines, and the answers to questions about it."""

    def __init__(self) -> None:
        self.path = ""
        self.subject: Any = None
        self.about: dict[str, Callable[..., Any]] = dict(answers.ABOUT)
        self.memory = answers.Memory()

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to one question, or the error that it met."""
        number = question["number"]
        try:
            if question["ask"] == "load":
                return {"number": number, "answer": self.load(question)}
            return {"number": number, "answer": self.about[question["ask"]](self.subject, question, self.memory)}
        except BaseException as error:
            if os.environ.get("LAYERPROOF_TRACEBACK"):
                traceback.print_exc()
            return {"number": number, "error": self.told(error)}

    def load(self, question: dict[str, Any]) -> dict[str, Any]:
        """Run the file's text, as a module of its own that may import its neighbours."""
        self.path = path = question["path"]
        text = question["text"]
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        spec = spec_from_file_location(question["module"], path)
        assert spec is not None  # its path ends in .py
        module = module_from_spec(spec)
        sys.modules[question["module"]] = module  # what pickling and dataclasses of the file look up
        sys.path.insert(0, str(Path(path).parent))
        exec(compile(text, path, "exec", dont_inherit=True), module.__dict__)
        defined = [getattr(module, kind, None) for kind in ("ALGORITHM", "CONSTRUCTION")]
        given = [x for x in defined if x is not None]
        if not given and getattr(module, "RULE", None) is not None:
            return self._rule(module.RULE)
        if len(given) != 1:
            what = "both ALGORITHM and CONSTRUCTION" if given else "neither ALGORITHM nor CONSTRUCTION"
            raise ContentError(
                f"defines {what}, wanted one of them, or RULE for layerproof sa: layerproof new NAME writes a template"
            )
        kinds = ((Algorithm, PatternAlgorithm), (OwnConstruction,))
        for kind, value, wanted in zip(("ALGORITHM", "CONSTRUCTION"), defined, kinds, strict=True):
            if value is not None and type(value) not in wanted:
                names = " or ".join(f"layerproof.{x.__name__}" for x in wanted)
                raise ContentError(f"{kind} is {shown(value)}, wanted a {names}")
        record = described(given[0])
        if isinstance(given[0], PatternAlgorithm):
            self.subject = given[0]
            parts = shadows(given[0])
            self.about = {
                name: partial(_of_part, parts, answer)
                for name, answer in (("trace", answers.trace), ("values", answers.values))
            }
            return record
        self.subject = judged_own(given[0]) if isinstance(given[0], OwnConstruction) else given[0]
        return record

    def _rule(self, rule: Any) -> dict[str, Any]:
        from ...symbolic.approximation.rule import Rule  # loads FLINT, as only rules need
        from . import rule_answers

        if type(rule) is not Rule:
            raise ContentError(f"RULE is {shown(rule)}, wanted a layerproof.Rule")
        self.subject = rule
        self.about = {"rule samples": rule_answers.rule_samples, "rule values": rule_answers.rule_values}
        return rule_answers.described(rule)

    def told(self, error: BaseException) -> dict[str, Any]:
        """An error as data: what it is, what it says, and the last line of the file that it passed through."""
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == self.path]
        kind, text = "raised", f"{type(error).__name__}: {' '.join(str(error).split())}"
        if isinstance(error, SyntaxError) and error.filename in (self.path, None):
            kind, text, lines = "content", error.msg, [error.lineno] * (error.lineno is not None)
        elif isinstance(error, ContentError):
            kind, text = "content", str(error)
        elif isinstance(error, ArgumentError):
            kind, text = "argument", str(error)
        elif isinstance(error, RefusedError):
            told = {"kind": "refused", "message": str(error)[:2000], "line": error.line}
            return {**told, "what": error.kind, "function": error.function}
        elif isinstance(error, DiffersError):
            return {"kind": "differs", "message": str(error)[:2000], "line": None, "witness": error.witness}
        elif isinstance(error, LayerproofError):
            kind = "layerproof"
        elif lines and (more := hint(error, linecache.getline(self.path, lines[-1] or 0), self.subject)):
            text = f"{text}: {more}"
        return {"kind": kind, "message": text[:2000], "line": lines[-1] if lines else None}


def _of_part(
    parts: Sequence[Algorithm], answer: Callable[..., Any], subject: Any, question: dict[str, Any], memory: Any
) -> Any:
    """An answer about one part of a pattern algorithm, which is a record of its own (`patterns.shadow`)."""
    return answer(parts[question["part"]], question, memory)


def _watch(leash: int) -> None:
    """End this process and all that it started when whoever asks has gone, however it went."""
    with contextlib.suppress(OSError):
        os.read(leash, 1)
    os.killpg(0, signal.SIGKILL)


def _lines(descriptor: int) -> Iterator[bytes]:
    """The lines that come in, until the other side closes."""
    waiting = bytearray()
    while chunk := os.read(descriptor, 2**20):
        waiting += chunk
        while (end := waiting.find(b"\n")) >= 0:
            yield bytes(waiting[:end])
            del waiting[: end + 1]


def _moved(descriptor: int) -> int:
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, ABOVE)
    os.close(descriptor)
    return moved


def serve(questions: int, replies: int, leash: int) -> None:
    """Answer until nobody asks any more."""
    questions, replies, leash = _moved(questions), _moved(replies), _moved(leash)
    _thread.start_new_thread(_watch, (leash,))
    server, write, flush = Server(), os.write, _flushed(sys.stdout, sys.stderr)
    for question in _lines(questions):
        reply = memoryview(line(server.answer(loads(question.decode("ascii")))))
        flush()
        while reply:
            reply = reply[write(replies, reply) :]
    os.killpg(0, signal.SIGKILL)


def _flushed(*streams: Any) -> Callable[[], None]:
    def flush() -> None:
        for stream in streams:
            with contextlib.suppress(Exception):  # the file may have closed it
                stream.flush()

    return flush


if __name__ == "__main__":
    serve(*map(int, sys.argv[-3:]))
