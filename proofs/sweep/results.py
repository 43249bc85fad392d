"""The results file of a sweep: one line of JSON a finished point, appended, safe against kills and full disks.

Each line is a record with the SHA-256 of everything else in it, so that damage is noticed; a record's `digest` names
its point.  A line is written, flushed to the disk and only then counted.  A last line without its end is what a kill
leaves: it is cut off and its point runs again.  Anything else that is no record is refused, and nothing is changed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from ...numeric.files.locking import take_lock
from ...symbolic.errors import ArgumentError, ContentError, LayerproofError
from ...symbolic.strict_json import loads
from ..certificate.form import match
from ..verdict import Verdict
from .point import EXIT_CODES, SCHEMA, digest_of

MAX_LINE = 2**20
_BEGINNING = b'{"bound":'
"""How every line begins, the first key in order: what a torn line must have, or the file is not ours to cut."""
_STATED = dict.fromkeys(("algorithm", "claim", "evidence", "reason", "verdict", "strength"), str)
_SHAPE: dict[str, Any] = {
    "schema": int, "digest": str, "specification": dict, "verdict": str, "exit_code": int, "reason": str,
    "claims": list, "seconds": float, "deaths": int, "versions": dict, "sha256": str,
}  # fmt: skip
_NUMBERS = ("bound", "error", "ratio")


class Results:
    """A results file, held by one sweep at a time; `records` maps the digest of each point in it to its record.

    cut : how many bytes of a torn last line were cut off when it was opened
    Raises `ContentError` (named by its line) for a file that is damaged or no results file, `ArgumentError` when
    another sweep holds it or there is no folder for it, `LayerproofError` when it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.records: dict[str, dict[str, Any]] = {}
        self.cut = 0
        self._file = _open(self.path)
        try:
            take_lock(self._file.fileno(), self.path, "sweep")
            self._end = 0
            for line in self._lines():
                self._end += len(line)
            if self.cut:
                with _told(self.path):
                    self._file.truncate(self._end)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go, and the hold on it."""
        self._file.close()

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one record and wait until the disk has it; where that fails the file is as it was before."""
        if _finished(self.records.get(record["digest"])):
            raise LayerproofError(f"point {record['digest']} is in {self.path} already: it must not run twice")
        line = line_of(record)
        with _told(self.path):
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[self._file.write(rest) :]
                os.fsync(self._file.fileno())
            except OSError:
                with contextlib.suppress(OSError):  # a line torn here is cut off when the sweep is resumed
                    self._file.truncate(self._end)
                raise
        self._end += len(line)
        self.records[record["digest"]] = dict(record)

    def _lines(self) -> Iterator[bytes]:
        """The whole lines, each read into `records`; a torn last one is counted in `cut`."""
        with self.path.open("rb") as reader:
            number = 0
            while line := reader.readline(MAX_LINE + 1):
                number += 1
                torn = not line.endswith(b"\n") and len(line) <= MAX_LINE
                if (torn or number == 1) and line[: len(_BEGINNING)] != _BEGINNING[: len(line)]:
                    raise ContentError(
                        f"{self.path}, line {number}: is no line of a sweep's results, so it is not touched"
                    )
                if torn:
                    self.cut = len(line)
                    return
                try:
                    record = record_of(line)
                    if _finished(self.records.get(record["digest"])):
                        raise ContentError("the same point is there already, in a line before")
                except ContentError as error:
                    raise ContentError(
                        f"{self.path}, line {number}: {error}: the file was damaged or edited; delete that line to run "
                        "its point again"
                    ) from None
                self.records[record["digest"]] = record
                yield line


def line_of(record: Mapping[str, Any]) -> bytes:
    """A record as its line: canonical JSON on one line, in ASCII, with the digest of everything else."""
    sealed = {**record, "sha256": digest_of(record)}
    return json.dumps(sealed, sort_keys=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def record_of(line: bytes) -> dict[str, Any]:
    """The record in a line; `ContentError` for one that is damaged, edited or of another form."""
    if len(line) > MAX_LINE:
        raise ContentError(f"is longer than {MAX_LINE} bytes, the limit")
    try:
        record = loads(line.decode("ascii"))
    except UnicodeDecodeError as error:
        raise ContentError(f"byte {error.start} is not ASCII") from None
    if not isinstance(record, dict) or not all(key in record for key in ("schema", "sha256", *_NUMBERS)):
        raise ContentError("is no record of a sweep")
    if record["schema"] != SCHEMA:
        raise ContentError("has another schema than this version reads")
    match({k: v for k, v in record.items() if k not in _NUMBERS}, _SHAPE, "")
    for claim in record["claims"]:
        match(
            {k: v for k, v in claim.items() if k not in _NUMBERS} if isinstance(claim, dict) else claim,
            _STATED,
            "claims",
        )
    for holder in (record, *record["claims"]):
        if any(type(holder.get(key)) not in (float, type(None)) for key in _NUMBERS):
            raise ContentError("has a bound, error or ratio that is no number")
        numbers = [holder.get(key) for key in (*_NUMBERS, "seconds")]
        if any(isinstance(x, float) and not isfinite(x) for x in numbers):
            raise ContentError("has a number that is not finite")
        if holder["verdict"] not in list(Verdict):
            raise ContentError("has a verdict that is none")
    if record.pop("sha256") != digest_of(record):
        raise ContentError("its content is not what its sha256 says")
    if record["digest"] != digest_of(record["specification"]):
        raise ContentError("its digest is not that of its specification")
    if record["exit_code"] != EXIT_CODES[Verdict(record["verdict"])]:
        raise ContentError("its exit code is not that of its verdict")
    return record


def _finished(record: Mapping[str, Any] | None) -> bool:
    """Whether a point has its answer: one that no worker finished may be tried again, and its newer line counts."""
    return record is not None and bool(record["claims"])


def _open(path: Path) -> BinaryIO:
    if not path.parent.is_dir():
        raise ArgumentError(f"{path}: there is no folder {path.parent} to write it in")
    if path.exists() and not path.is_file():
        raise ArgumentError(f"{path}: is no regular file, wanted one for the results")
    new = not path.exists()
    with _told(path):
        file: BinaryIO = path.open("ab", buffering=0)
        if new:
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # or a crash may lose the file's name
            finally:
                os.close(folder)
    return file


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LayerproofError(
            f"{path}: cannot be written: {error.strerror}; its whole lines stay, and the same command goes on "
            "from there"
        ) from None
