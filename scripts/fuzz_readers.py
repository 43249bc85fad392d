#!/usr/bin/env python3
"""Damaged files for every reader of a file, called as functions in this process: hundreds a second.

    python scripts/fuzz_readers.py                    2000 files of seed 0
    python scripts/fuzz_readers.py --count 100000
    python scripts/fuzz_readers.py --seed 3 --only 17

`fuzz.py` runs the commands around them, at a tenth of the speed.  A finding: anything but a `LayerproofError` leaves a
reader, or it takes 5 s of this process.  Exit code: 0 no finding, 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fuzz import HOSTILE, damage, good_files, list_again

import layerproof as lp
from layerproof.numeric.exported.read import agree
from layerproof.numeric.exported.read import read as read_export
from layerproof.numeric.files.preconditioner_file import read_preconditioners
from layerproof.numeric.files.process_file import read_process
from layerproof.numeric.files.prompt_file import read_context
from layerproof.numeric.files.set_file import read_group, read_set, weight_set
from layerproof.numeric.files.tensor_files import read_npz, read_safetensors
from layerproof.numeric.files.weights_file import read_weights
from layerproof.proofs.certificate.certificate import read as read_certificate
from layerproof.proofs.invariance.at_depth import LinearAtDepth, at_depths
from layerproof.proofs.invariance.question import Question
from layerproof.proofs.sweep.point import SCHEMA, digest_of
from layerproof.proofs.sweep.results import Results, line_of
from layerproof.proofs.sweep.spec import read_sweep
from layerproof.symbolic.errors import LayerproofError

SECONDS = 5.0
CHAIN = {
    "schema": 1, "name": "two", "transition": [[["1/2", "1/2"], [0, 1]], [["1", "0"], ["1/3", "2/3"]]],
    "reward": [[1, 0], ["-1/2", "0x3/0x5"]], "features": [[1, "1/2"], [2, -1]], "behaviour": [["1/2", "1/2"], [1, 0]],
    "target": [[0, 1], [1, 0]], "interest": [1, 2], "gamma": "9/10", "tables": {"bonus": [1, 2]},
}  # fmt: skip
EQUATION = {"name": "one C", "equation": "Q[phi, phi] + 2/3 Q[phi, gamma_phi_next] = 0", "layers": [1]}
EQUATIONS = {"schema": "1", "name": "TD", "dimension": 3, "constraints": [EQUATION]}
SPECIFICATION = {"algorithm": "td0"}
NOTHING = {"bound": None, "error": None, "ratio": 0.5}
CLAIM = {"algorithm": "td0", "claim": "it", "evidence": "derived", "reason": "", "verdict": "HOLDS", "strength": "",
         **NOTHING}  # fmt: skip
RECORD = {"schema": SCHEMA, "digest": digest_of(SPECIFICATION), "specification": SPECIFICATION, "verdict": "HOLDS",
          "exit_code": 0, "reason": "", "claims": [CLAIM], "seconds": 1.0, "deaths": 0, "versions": {},
          **NOTHING}  # fmt: skip
GROUP = {"schema": 1, "name": "swap", "generators": [[[0, 1], [1, 0]], [["3/5", "4/5"], ["-4/5", "3/5"]]]}


@cache
def subject() -> LinearAtDepth:
    """What sets of weights are fitted to."""
    return next(at_depths(["td0"], Question(features=1, context=1, layers=1)))


def set_of(path: Path) -> None:
    """A set's file, and the set that it describes."""
    weight_set(read_set(path), subject().space, subject().group)


def results(path: Path) -> None:
    """A file of results, opened as a sweep opens it."""
    Results(path).close()


def export(path: Path) -> None:
    """The folder of an export, one file of which was damaged."""
    agree(read_export(path.parent))


READERS: dict[str, Callable[[Path], Any]] = {
    "prompt.json": read_context,
    "prompt.csv": read_context,
    "chain.json": read_process,
    "process.json": read_process,
    "steps.json": lambda path: read_preconditioners(path, lp.derive("td0").algorithm, 2, None),
    "set.json": set_of,
    "equations.json": set_of,
    "group.json": lambda path: read_group(path, 2),
    "good.json": read_certificate,
    "sweep.toml": read_sweep,
    "done.jsonl": results,
    "export/weights.json": read_weights,
    "export/model.safetensors": lambda path: read_safetensors(path.read_bytes()),
    "export/weights.npz": lambda path: read_npz(path.read_bytes(), 10**6),
    "export/config.json": export,
    "export/README.md": export,
    "export/certificate.json": export,
}


def damaged(rng: random.Random, content: bytes, suffix: str) -> bytes:
    """A file with one to three things wrong; `content` where what came out cannot be damaged further."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        try:
            content = damage(rng, content, suffix)
        except (ValueError, RecursionError):  # no JSON any more
            return content
    if rng.random() < 0.1:
        content = content.replace(b'"', rng.choice(HOSTILE).encode("utf-8", "surrogatepass"), 1)
    return content


def sealed_again(path: Path) -> None:
    """Each line's digest as it should be for what the line now says, so that what is read behind it is reached."""
    lines = []
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            record = json.loads(line)
            del record["sha256"]
            lines.append(line_of(record))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            lines.append(line)
    path.write_bytes(b"".join(lines))


def finding(reader: Callable[[Path], Any], path: Path) -> tuple[str, str]:
    """How a reader ended, and what is wrong with that (nothing: empty)."""
    start, end = time.process_time(), "read"
    try:
        reader(path)
    except LayerproofError as error:  # its message is one line, and short, however it is made
        end = f"exit {error.exit_code}"
    except BaseException as error:  # whatever else leaves a reader is a finding
        return "another error", f"{type(error).__name__}: {error!s:.200}"
    return end, f"over {SECONDS:.0f} s" if time.process_time() - start > SECONDS else ""


def fuzz(seed: int, numbers: Sequence[int], told: Callable[[int, str, str], None]) -> Counter[str]:
    """How the readers ended, by reader; `told` is called with the number, the file and the wrong of each finding."""
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        good_files_here(folder)
        good = {name: (folder / name).read_bytes() for name in READERS}
        others = {path: path.read_bytes() for path in (folder / "export").iterdir()}
        for number in numbers:
            rng = random.Random(f"{seed} {number}")
            name = rng.choice(sorted(READERS))
            path = folder / name
            path.write_bytes(damaged(rng, good[name], path.suffix))
            if name == "done.jsonl" and rng.random() < 0.7:
                sealed_again(path)
            if path.parent != folder and path.name != "config.json" and rng.random() < 0.7:
                list_again(path.parent, path)
            end, wrong = finding(READERS[name], path)
            ends[f"{name}: {end}"] += 1
            if wrong:
                told(number, name, wrong)
            path.write_bytes(good[name])
            if path.parent != folder:
                (path.parent / "config.json").write_bytes(others[path.parent / "config.json"])
    return ends


def good_files_here(folder: Path) -> None:
    """One good file for each reader."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        good_files(folder, processes=False)
        (folder / "sweep.toml").write_text('algorithm = ["td0"]\nd = 2\nn = [2, 3]\nL = 1\ngamma = ["1/2", "1"]\n')
        (folder / "done.jsonl").write_bytes(line_of(RECORD) * 2)
    finally:
        os.chdir(here)
    for name, content in (("process.json", CHAIN), ("equations.json", EQUATIONS), ("group.json", GROUP)):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    asked = parser.parse_args()
    start = time.process_time()
    findings = []

    def told(number: int, name: str, wrong: str) -> None:
        findings.append(number)
        print(f"{number}: {name}: {wrong!r}", flush=True)

    numbers = range(asked.count) if asked.only is None else [asked.only]
    ends = fuzz(asked.seed, numbers, told)
    for name in READERS:
        own = [f"{end.split(': ')[1]} {k}" for end, k in sorted(ends.items()) if end.startswith(f"{name}:")]
        print(f"  {name}: {', '.join(own)}")
    print(f"{ends.total()} files of seed {asked.seed} in {time.process_time() - start:.0f} s of one core; "
          f"{len(findings)} findings")  # fmt: skip
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
