"""Every compiled file read again by the checker, a program apart from the compiler: several runs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .axioms import axioms
from .jobs import workers
from .prover import Prover, Runner

PART = 15
"""How many files one run has at the least: it loads the library first, which takes as long as a few of them."""


SEALING = 8
"""Making the seal takes as long as checking one of so many parts of all files."""


def check_again(
    parts: Sequence[Mapping[str, str]], paths: Sequence[str], prover: Prover, folder: Path, running: Runner,
    limit: float,
) -> tuple[list[str] | None, str]:  # fmt: skip
    """The axioms that the checker lists; None, and what it said, where it did not agree about every file.

    Each file is read in full by one run, and is given to the others, which may need it; all runs must agree.
    parts : for each run, place of a compiled file in the folder, without the ending -> the name of its library
    """
    if not prover.checker:
        return None, "there is none"
    commands = [
        (*prover.checker, "-silent", "-o", *paths, *(x for library in part.values() for x in ("-norec", library)))
        for part in parts
    ]
    with ThreadPoolExecutor(max_workers=len(commands)) as pool:
        try:
            runs = list(pool.map(lambda command: running.run(command, folder, limit), commands))
        except BaseException:
            running.stop()
            raise
    together: list[str] = []
    for ran in runs:
        listed = axioms(ran.stdout + ran.stderr) if ran.code == 0 else None
        if listed is None:
            return None, " ".join((ran.stdout + ran.stderr).split())[-200:]
        together += listed
    return together, ""


def parts_of(libraries: Mapping[str, str], folder: Path) -> list[dict[str, str]]:
    """The libraries in as many parts as programs run at once; in fewer where a part would be small.

    The last of several is checked once all is sealed, and the others meanwhile: by so much it is smaller.
    """
    parts: list[dict[str, str]] = [{} for _ in range(max(1, min(workers(), len(libraries) // PART)))]
    known = sorted(((folder / f"{p}.vo").stat().st_size, p) for p in libraries)[::-1]
    sizes = [0] * len(parts)
    sizes[-1] = sum(size for size, _ in known) // SEALING
    for size, place in known:
        least = sizes.index(min(sizes))
        parts[least][place] = libraries[place]
        sizes[least] += size
    return parts
