"""What is installed and where things are kept: the digest of a prover with its library, and the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .prover import Prover, Runner


def cache_folder() -> Path:
    """Where records and compiled files are kept: LAYERPROOF_CACHE, else a folder in the user's cache."""
    given = os.environ.get("LAYERPROOF_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else (Path(base) if base else Path.home() / ".cache") / "layerproof"


@cache
def installed(prover: Prover, path: str) -> str:
    """The sha256 of the prover's programs, its library, its plugins and MathComp, as they lie on this machine.

    path : where programs are looked for, as PATH has it
    "" where the prover does not say where its library is: then nothing is recorded or kept.
    """
    answer = Runner().run((*prover.command, "-where"), Path.cwd(), 30.0)
    library = Path(answer.stdout.strip())
    programs = [shutil.which(c[0], path=path) for c in (prover.command, prover.checker) if c]
    if answer.code != 0 or not library.is_absolute() or not library.is_dir() or None in programs:
        return ""
    files = [Path(p).resolve() for p in programs if p]
    files += sorted(f for folder in (library, library.parent / "coq-core") for end in ("*.vo", "*.cmxs")
                    for f in folder.rglob(end))  # fmt: skip
    return of_files(files)


def of_files(files: Iterable[Path]) -> str:
    """The sha256 of files, names and contents, in this order."""
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            whole.update(f"{file.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()
