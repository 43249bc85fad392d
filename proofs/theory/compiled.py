"""Compiled files of the theory, kept from run to run by what they were made of; none of them is believed.

A file's name is the digest of its source, of the compiled files that it requires, of the command and of all that is
installed, then the digest of its own bytes.  What does not fit its name is thrown away.  The checker of compiled files
reads each of them again in every run, and whenever anything does not pass, the gate compiles them from their sources
once more and starts over if they were others.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...numeric.files.placing import place_file
from .installed import cache_folder, installed
from .prover import Prover

MOST = 200
"""How many files are kept; those that were not used for longest go first."""


@dataclass(frozen=True)
class Store:
    """A folder of compiled files.

    base  : the digest of the prover, its library and its programs
    taken : place -> the digest of the bytes that were taken from here
    """

    folder: Path
    base: str
    taken: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of(prover: Prover) -> Store | None:
        """The user's store; None where the prover's installation has no digest, or others could write there."""
        folder = cache_folder() / "compiled"
        try:
            base = installed(prover, os.environ.get("PATH", ""))
            if base:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return None
        return Store(folder, base) if base and _ours(folder) else None

    def key(self, place: str, command: Sequence[str], text: str, needs: Mapping[str, str]) -> str:
        """The name of a file before its own digest; needs : place -> sha256 of each compiled file that it requires."""
        content = [self.base, place, list(command), text, dict(needs)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def take(self, key: str, place: str, to: Path) -> bool:
        """Put the compiled file of this name in its place; False when there is none, or one that is not whole."""
        try:
            for file in sorted(self.folder.glob(f"{key}-*.vo")):
                content = file.read_bytes()
                digest = hashlib.sha256(content).hexdigest()
                if file.name == f"{key}-{digest}.vo":
                    to.write_bytes(content)
                    os.utime(file)
                    self.taken[place] = digest
                    return True
                file.unlink(missing_ok=True)
        except OSError:
            pass
        return False

    def put(self, key: str, compiled: Path) -> None:
        """Keep a compiled file; a store that cannot be written keeps nothing."""
        try:
            content = compiled.read_bytes()
            place_file(self.folder / f"{key}-{hashlib.sha256(content).hexdigest()}.vo", content)
            files = sorted(self.folder.glob("*.vo"), key=lambda f: f.stat().st_mtime)
            for old in files[:-MOST]:
                old.unlink(missing_ok=True)
        except OSError:
            return

    def forget(self) -> None:
        """Throw away everything."""
        for file in self.folder.glob("*.vo"):
            file.unlink(missing_ok=True)


def digest_of(file: Path) -> str:
    """The sha256 of a file's bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _ours(path: Path) -> bool:
    """Whether nobody else could have written it: it is this user's, and neither its group nor others may write."""
    if os.name != "posix":
        return True
    status = path.stat()
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
