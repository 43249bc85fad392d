#!/usr/bin/env python3
"""Compare what this checkout says with what an earlier commit said, byte by byte.

    python scripts/oracles.py COMMIT                  everything, minutes
    python scripts/oracles.py COMMIT --quick          a part of it, under a minute
    python scripts/oracles.py COMMIT --cache DIR      keep the oracles of commits in DIR and use them again
    python scripts/oracles.py COMMIT --keep DIR       keep both sides in the new folder DIR, as before/ and after/

An oracle is what a command of the product prints and writes: audit texts, certificates, exports, JSON, derivations,
reports, help. Each side is built from its own tree by `python -m layerproof` alone, so that no module has to keep its
place. The Rocq prover does not run: a stand-in named coqc keeps each file that it is given and never says that anything
is proved, so that every theorem is undecided here on both sides, and its text is what is compared.

The checkout is compared as it lies here, uncommitted changes included. Needs what the product needs, and the extras
onnx and pdf for their formats.

One line a group: how many files, and "equal" or which differ, with the first line that does. Exit code: 0 all are
equal, 1 something differs, 2 wrong arguments, 3 an oracle could not be built and nothing built differs.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 900.0
"""Seconds that one command may take."""
SIZES = ("-d", "2", "-n", "5", "-L", "2")
FLOATS = ("--trials", "2")
CPU = ("--device", "cpu")
REPORT = ("report", "-o", "report", *SIZES, *FLOATS, *CPU, "--json")
CERTIFY = ("certify", "-o", "certificate.json", *SIZES, *FLOATS, *CPU)
SWEEP = """algorithm = ["td0", "td-lambda"]
d = 2
n = 4
L = [1, 2]
trace = ["lam", "gamma-lam"]
dtype = "float32"
device = "cpu"
evidence = ["derived", "identity-exact", "float"]
trials = 2
"""
MEASURED = re.compile(rb'"(seconds|sha256)": ?[^,}\n]*')
"""What a sweep measures, and the digest of a line that holds it."""
FACADE = """import inspect, layerproof
for name in sorted(layerproof.__all__):
    value = getattr(layerproof, name)
    print(name, *(inspect.signature(value).parameters if inspect.isroutine(value) else ()))
"""
COQC = """#!{python} -IS
import pathlib, re, sys
if "--version" in sys.argv:
    print("The Rocq Prover, version 0 (a stand-in that keeps what it is given)")
    sys.exit()
for file in (pathlib.Path(a) for a in sys.argv[1:] if a.endswith(".v")):
    place = pathlib.Path({kept!r}) / (file.name if file.is_absolute() else file)
    place.parent.mkdir(parents=True, exist_ok=True)
    text = re.sub(rb"\\bq[0-9a-f]{{32}}\\b", b"NONCE", file.read_bytes())  # drawn anew by each run of the gate
    place.write_bytes(text)
    file.with_suffix(".vo").touch()
"""


@dataclass(frozen=True)
class Oracle:
    """Commands that run one after another in one folder; what they print and write is kept.

    codes    : exit codes with which the oracle counts as built
    errors   : keep stderr too; where arguments are right it holds progress only
    measured : seconds are among what is written, and are not compared
    given    : a file to write first, its name and text
    fault    : a file to write first from an example, with one piece of its text replaced by another
    """

    group: str
    name: str
    commands: tuple[tuple[str, ...], ...]
    codes: tuple[int, ...] = (0,)
    errors: bool = False
    measured: bool = False
    given: tuple[str, str] | None = None
    fault: tuple[str, str, str, str] | None = None

    @property
    def where(self) -> str:
        """Its folder among the oracles."""
        return f"{self.group}/{self.name}"


def one(group: str, name: str, *command: str, codes: tuple[int, ...] = (0,)) -> Oracle:
    """An oracle of one command."""
    return Oracle(group, name, (command,), codes)


def oracles(algorithms: Sequence[str], examples: Sequence[str], quick: bool) -> Iterator[Oracle]:
    """What to build, of the algorithms that `list` names and the files in examples/; what takes long comes first."""
    if not quick:
        yield from of_everything(algorithms, examples)
    yield one("audits", "prove", "prove", "--json", codes=(3,))
    yield one("json", "verify", "verify", *SIZES, *FLOATS, *CPU, "--json")
    yield one("json", "invariance-td0", "invariance", "td0", "--json")
    yield one("reports", "example", *REPORT, "examples/heavy_ball_td.py")
    yield Oracle("exports", "td0", (
        ("export", "td0", "-o", "export", *SIZES, "--onnx", "--npz", "--pt2", "--json"), ("check", "export", "--json"),
    ))  # fmt: skip
    for name in ("td-lambda",) if quick else algorithms:
        yield one("certificates", name, *CERTIFY, name, "--json")
    for name in ("td0", "average-reward-td") if quick else algorithms:
        yield Oracle("derive", name, tuple(
            ("derive", name, "--format", form, *sizes)
            for form, sizes in (("text", ()), ("latex", ()), ("json", ()), ("text", ("-d", "2", "-n", "3", "-L", "2")))
        ))  # fmt: skip
    yield Oracle("list", "list", (("list",), ("list", "--evidence"), ("list", "--json")))
    yield one("surface", "facade", "-c", FACADE)
    yield one("surface", "help", "--help")


def of_everything(algorithms: Sequence[str], examples: Sequence[str]) -> Iterator[Oracle]:
    """What --quick leaves out."""
    yield one("json", "invariance", "invariance", *(a for a in algorithms if a != "td0"), "-L", "2", "--looped",
              "--json")  # fmt: skip
    yield one("reports", "catalogue", *REPORT)
    yield one("reports", "proved", *REPORT, "td-lambda", "--prove", "--invariance", "--looped", codes=(1, 3))
    yield Oracle("refuted", "head", (
        ("verify", "refuted.py", *SIZES, *FLOATS, *CPU, "--save", "case.json", "--json"),
        ("verify", "refuted.py", *SIZES, *FLOATS, *CPU, "--details"),
        ("verify", "--case", "case.json", "--json"),
        ("check", "case.json", "refuted.py", "--json"),
        (*REPORT, "refuted.py"),
    ), (1,), fault=("examples/target_network_td.py", "refuted.py", "-step.C.mT", "step.C.mT"))  # fmt: skip
    yield one("json", "verify-examples", "verify", *examples, *SIZES, *FLOATS, *CPU, "--json")
    yield one("json", "check-examples", "check", "examples", "--json")
    yield one("json", "verify-float32", "verify", *SIZES, *FLOATS, *CPU, "--json", "--dtype", "float32", "--looped",
              "--order", "scores-first", "--process", "random-ergodic", "--trace", "gamma-lam",
              "--seed", "3")  # fmt: skip
    yield one("json", "verify-details", "verify", "td-lambda", "gtd2", *SIZES, *FLOATS, *CPU, "--details")
    yield one("json", "invariance-refuted", "invariance", "td0", "--set", "smallest", "--group", "permutations",
              "--window", "shared", "--no-float", "--json", codes=(0, 1, 3))  # fmt: skip
    yield one("json", "invariance-proved", "invariance", "td0", "-L", "1", "--prove", "--law", "symmetric", "--units",
              "50", "--details", codes=(0, 1, 3))  # fmt: skip
    yield one("certificates", "gamma-lam", *CERTIFY, "td-lambda", "--trace", "gamma-lam", "--looped")
    for name, more in (
        ("td-lambda", ("--dtype", "float32", "--trace", "gamma-lam", "--onnx", "--npz", "--pt2")),
        ("average-reward-td", ("--looped", "--onnx", "--npz", "--pt2")),
        ("tdc", ("--dtype", "bfloat16", "--pt2")),
    ):
        codes = (3,) if "bfloat16" in more else (0,)  # the float bound of these layers is open there
        yield one("exports", name, "export", name, "-o", "export", *SIZES, *more, "--json", codes=codes)
    yield one("exports", "example", "export", "examples/heavy_ball_td.py", "-o", "export", *SIZES, "--all-formats")
    yield Oracle("sweep", "sweep", (("sweep", "s.toml", "--workers", "1", "--picture", "s.svg", "--json"),),
                 measured=True, given=("s.toml", SWEEP))  # fmt: skip
    yield Oracle("new", "new", (("new", "mine"), ("verify", "mine.py", *SIZES, *FLOATS, *CPU, "--json")), (0, 1, 3))
    for name in ("certify", "check", "derive", "doctor", "export", "invariance", "list", "new", "prove", "report",
                 "sweep", "verify"):  # fmt: skip
        yield one("surface", f"help-{name}", name, "--help")
    for name, command in {
        "algorithm": ("verify", "td9"), "number": ("verify", "td0", "-d", "x"), "range": ("derive", "td0", "-d", "0"),
        "gamma": ("verify", "td0", "--gamma", "2"), "evidence": ("verify", "td0", "--evidence", "hope"),
        "format": ("report", "-o", "report", "--format", "word"), "file": ("check", "nothing.json"),
        "set": ("invariance", "td0", "--set", "half"), "trace": ("certify", "tdc", "-o", "c.json", "--trace", "x"),
        "npz": ("export", "td0", "-o", "export", "--dtype", "bfloat16", "--npz"),
    }.items():  # fmt: skip
        yield Oracle("refusals", name, (command,), (2, 4), errors=True)


def git(*arguments: str) -> bytes:
    """What git says in this repository."""
    return subprocess.run(("git", "-C", str(ROOT), *arguments), check=True, capture_output=True).stdout


def check_out(commit: str, folder: Path) -> None:
    """The tree of a commit."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", commit))) as archive:
        archive.extractall(folder, filter="data")


def copy_checkout(folder: Path) -> None:
    """The files that lie here, tracked or new, and not those that git ignores."""
    for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def install(tree: Path, target: Path) -> None:
    """Lay out the packages that the tree's pyproject.toml lists, as setuptools would, without running anything of it.

    A package that is not listed is not there: this is what an installation would lack too.
    """
    project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    tool = project["tool"]["setuptools"]
    places, data = tool.get("package-dir", {}), tool.get("package-data", {})
    for package in tool["packages"]:
        parts = package.split(".")
        known = next((i for i in range(len(parts), 0, -1) if ".".join(parts[:i]) in places), 0)
        folder = tree.joinpath(places[".".join(parts[:known])] if known else places.get("", "."), *parts[known:])
        for pattern in ("*.py", *data.get(package, ())):
            for file in folder.glob(pattern):
                place = target.joinpath(*parts, file.relative_to(folder))
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)
    name, version = project["project"]["name"], project["project"]["version"]
    record = target / f"{name}-{version}.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")


def environment(packages: Path, scratch: Path, kept: Path) -> dict[str, str]:
    """Where a command runs: with these packages, the stand-in for the prover, no earlier proofs, no GPU, one thread."""
    (scratch / "bin").mkdir(parents=True)
    for name in ("coqc", "rocq"):
        (scratch / "bin" / name).write_text(COQC.format(python=sys.executable, kept=str(kept)), encoding="utf-8")
        (scratch / "bin" / name).chmod(0o755)
    known = {k: v for k, v in os.environ.items() if not k.startswith(("LAYERPROOF_", "PYTHON"))}
    return known | {
        "PYTHONPATH": str(packages), "PATH": f"{scratch / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "LAYERPROOF_CACHE": str(scratch / "cache"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1",
        "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb",
    }  # fmt: skip


def run_one(oracle: Oracle, tree: Path, packages: Path, out: Path) -> str | None:
    """Build one oracle in its folder under `out`; what went wrong, if something did."""
    folder = out / oracle.where
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="oracle-") as scratch:
        settings = environment(packages, Path(scratch), folder / "given-to-prover")
        shutil.copytree(tree / "examples", folder / "examples")
        if oracle.given is not None:
            (folder / oracle.given[0]).write_text(oracle.given[1], encoding="utf-8")
        if oracle.fault is not None:
            source, name, right, wrong = oracle.fault
            text = (folder / source).read_text(encoding="utf-8")
            if right not in text:
                return f"{source} no longer holds {right!r}: choose another fault to plant"
            (folder / name).write_text(text.replace(right, wrong, 1), encoding="utf-8")
        for i, command in enumerate(oracle.commands):
            product = command if command[0] == "-c" else ("-m", "layerproof", *command)
            try:
                done = subprocess.run((sys.executable, *product), cwd=folder, env=settings, capture_output=True,
                                      stdin=subprocess.DEVNULL, timeout=LIMIT)  # fmt: skip
            except subprocess.TimeoutExpired:
                return f"{' '.join(command)}: no end within {LIMIT:.0f} s"
            if done.returncode not in oracle.codes:
                last = (done.stderr or done.stdout).decode(errors="replace").strip().split("\n")[-1]
                return f"{' '.join(command)}: exit code {done.returncode}: {last}"
            (folder / f"{i}.stdout").write_bytes(done.stdout)
            (folder / f"{i}.exit").write_text(f"{done.returncode}\n", encoding="utf-8")
            if oracle.errors:
                (folder / f"{i}.stderr").write_bytes(done.stderr)
        shutil.rmtree(folder / "examples")
    if oracle.measured:
        for file in (f for f in folder.rglob("*") if f.is_file()):
            file.write_bytes(MEASURED.sub(rb'"\1": (measured)', file.read_bytes()))
    return None


def build(tree: Path, out: Path, quick: bool, title: str) -> dict[str, str]:
    """Every oracle of a tree, under `out`; where one could not be built, why not. Without `list` there is none."""
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="oracles-") as folder:
        packages, listed = Path(folder) / "packages", Path(folder) / "listed"
        install(tree, packages)
        first = Oracle("list", "json", (("list", "--json"),))
        problem = run_one(first, tree, packages, listed)
        if problem is not None:
            return {first.where: f"{problem}; and so nothing could be built"}
        catalogue = json.loads((listed / first.where / "0.stdout").read_bytes())["algorithms"]
        examples = sorted(f"examples/{f.name}" for f in (tree / "examples").glob("*.py"))
        wanted = list(oracles([a["name"] for a in catalogue], examples, quick))
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            try:
                jobs = {pool.submit(run_one, oracle, tree, packages, out): oracle for oracle in wanted}
                for i, job in enumerate(as_completed(jobs), 1):
                    end = "\r" if sys.stderr.isatty() and i < len(wanted) else "\n"
                    print(f"{title}: {i} of {len(wanted)}", end=end, file=sys.stderr, flush=True)
                    if (problem := job.result()) is not None:
                        failed[jobs[job].where] = problem
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # stopped: what has not begun does not begin
                raise
    return failed


def of_commit(commit: str, cache: Path, quick: bool) -> tuple[Path, dict[str, str]]:
    """The oracles of a commit, from the cache where they are; what could not be built is not kept there."""
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    place = cache / f"{commit}-{recipe}{'-quick' if quick else ''}"
    if place.is_dir():
        return place, {}
    cache.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="unfinished-", dir=cache))
    with tempfile.TemporaryDirectory(prefix="oracles-") as tree:
        check_out(commit, Path(tree))
        failed = build(Path(tree), made, quick, commit[:10])
    if failed:
        return made, failed
    made.rename(place)
    return place, {}


def first_difference(before: bytes, after: bytes) -> str:
    """Where two files part, in words."""
    if before[:2] == after[:2] == b"PK":
        old, new = ({i.filename: i.CRC for i in zipfile.ZipFile(io.BytesIO(b)).infolist()} for b in (before, after))
        differing = [n for n in sorted({*old, *new}) if old.get(n) != new.get(n)]
        return f"its member {differing[0]}" if differing else "its archive, not its members"
    try:
        lines = before.decode().split("\n"), after.decode().split("\n")
    except UnicodeDecodeError:
        where = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
                     min(len(before), len(after)))  # fmt: skip
        return f"byte {where} of {len(before)} and {len(after)}"
    for i in range(max(map(len, lines))):
        old_line, new_line = (side[i] if i < len(side) else None for side in lines)
        if old_line != new_line:
            return f"line {i + 1}\n      - {_shown(old_line, new_line)}\n      + {_shown(new_line, old_line)}"
    return "nothing"


def _shown(line: str | None, other: str | None) -> str:
    if line is None:
        return "(the file has ended)"
    where = next((i for i, (a, b) in enumerate(zip(line, other or "", strict=False)) if a != b), 0)
    start = max(0, where - 60)
    return ("... " if start else "") + line[start : start + 160] + (" ..." if len(line) > start + 160 else "")


def compare(before: Path, after: Path, without: Collection[str] = ()) -> bool:
    """Print a line for each group, and what differs; whether all is equal, `without` the oracles at these places."""
    equal = True
    for group in sorted({f.name for side in (before, after) for f in side.iterdir() if f.is_dir()}):
        sides = [
            {
                f.relative_to(side / group).as_posix(): f
                for f in (side / group).rglob("*")
                if f.is_file() and "/".join(f.relative_to(side).parts[:2]) not in without
            }
            for side in (before, after)
        ]
        old, new = sides
        differences = []
        for name in sorted({*old, *new}):
            if name not in new:
                differences.append(f"  {name}: missing now")
            elif name not in old:
                differences.append(f"  {name}: new")
            elif (a := old[name].read_bytes()) != (b := new[name].read_bytes()):
                differences.append(f"  {name}: {first_difference(a, b)}")
        verdict = f"{len(differences)} differ" if differences else "equal" if old else "nothing to compare"
        print(f"{group:<14}{len({*old, *new}):>5} files  {verdict}")
        for line in differences:
            print(line)
        equal = equal and not differences
    return equal


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; see the top of this file."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").strip(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit", help="the earlier commit")
    parser.add_argument("--quick", action="store_true", help="a part of it, under a minute")
    parser.add_argument("--keep", type=Path, help="keep both sides in this new folder")
    parser.add_argument("--cache", type=Path, help="keep the oracles of commits here; default: a temporary folder")
    given = parser.parse_args(arguments)
    if given.keep is not None and given.keep.exists():
        parser.error(f"--keep is {str(given.keep)!r}, which exists: name a folder that does not")
    try:
        commit = git("rev-parse", "--verify", "--quiet", f"{given.commit}^{{commit}}").decode().strip()
    except subprocess.CalledProcessError:
        parser.error(f"commit is {given.commit!r}, which git does not know here: write a branch, a tag or a hash")
    with ExitStack() as stack:
        cache = given.cache or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oracles-")))
        before, failed = of_commit(commit, cache, given.quick)
        if git("status", "--porcelain", "--untracked-files=all").strip():
            tree, after = (Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oracles-"))) for _ in range(2))
            copy_checkout(tree)
            failed_now = build(tree, after, given.quick, "this checkout")
        else:
            after, failed_now = of_commit(git("rev-parse", "HEAD").decode().strip(), cache, given.quick)
        if given.keep is not None:
            shutil.copytree(before, given.keep / "before")
            shutil.copytree(after, given.keep / "after")
        some = all(any(side.iterdir()) for side in (before, after))
        equal = compare(before, after, {*failed, *failed_now}) if some else True
        for side, problems in ((commit[:10], failed), ("this checkout", failed_now)):
            for place, problem in problems.items():
                print(f"not built at {side}: {place}: {problem}")
        return 1 if not equal else 3 if failed or failed_now else 0


if __name__ == "__main__":
    sys.exit(main())
