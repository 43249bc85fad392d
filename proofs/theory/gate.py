"""The gate: compile the theory in a temporary copy, and audit every theorem with the Rocq prover."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..case import Progress, silent
from .audits import Audit

THEORY = Path(__file__).parents[1] / "rocq"
LIMIT = 300.0
"""Seconds that one file may take to compile."""
# A section hypothesis is not here: the audit restates each theorem in full, so that one would show as a misfit.
FORBIDDEN = (
    "Admitted", "admit", "give_up", "Axiom", "Axioms", "Parameter", "Parameters", "Conjecture", "bypass_check",
    "Guard Checking", "Positivity Checking", "Universe Checking", "Load", "Declare ML",
    "Primitive", "Redirect", "Extract", "type_in_type", "Unset Kernel",
)  # fmt: skip
INSTALL = (
    "install it on Debian or Ubuntu with: apt-get install coq libcoq-mathcomp-algebra libcoq-mathcomp-algebra-tactics"
    " (elsewhere: opam install coq-mathcomp-algebra coq-mathcomp-algebra-tactics)"
)


@dataclass(frozen=True)
class Prover:
    """An installed prover: the command that compiles a file, and what it says of its version."""

    command: tuple[str, ...]
    version: str


@dataclass(frozen=True)
class Outcome:
    """What the gate found: the theorems that passed, with seconds; for the others why not, and of what kind.

    refused   theorem or file -> reason: the gate saw a fault
    undecided theorem or file -> reason: the prover stopped, timed out or said nothing
    """

    passed: dict[str, float]
    refused: dict[str, str]
    undecided: dict[str, str]
    version: str
    seconds: float


def find_prover() -> Prover | None:
    """`coqc` or `rocq compile` on the path, or None."""
    return _prover_on(os.environ.get("PATH", ""))


@cache
def _prover_on(path: str) -> Prover | None:
    for command in (("coqc",), ("rocq", "compile")):
        if shutil.which(command[0], path=path):
            said = _run((command[0], "--version"), Path.cwd(), 30.0)
            return Prover(command, " ".join(said.output.split())[:120]) if said.code == 0 else None
    return None


def source_digests(theory: Path = THEORY) -> dict[str, str]:
    """The sha256 of every file of the theory, by name."""
    files = [*sorted(theory.glob("*.v")), theory / "_CoqProject"]
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def forbidden_words(text: str) -> list[str]:
    """Words that could make a theorem say less than it seems to, outside comments and strings.

    >>> forbidden_words('Lemma x : True. Proof. (* no Axiom here *) Admitted.')
    ['Admitted']
    """
    bare = _without_comments(text)
    return [word for word in FORBIDDEN if re.search(rf"(?<![\w']){re.escape(word)}(?![\w'])", bare)]


def _without_comments(text: str) -> str:
    result, depth, i = [], 0, 0
    while i < len(text):
        pair = text[i : i + 2]
        if pair == "(*":
            depth, i = depth + 1, i + 2
        elif pair == "*)" and depth:
            depth, i = depth - 1, i + 2
        else:
            result.append(text[i] if not depth else " ")
            i += 1
    return "".join(result)


@dataclass(frozen=True)
class _Ran:
    code: int | None
    output: str
    seconds: float


def _run(command: Sequence[str], folder: Path, limit: float) -> _Ran:
    """Run a command in its own process group; code None when it ran out of time and was ended."""
    start = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=limit)
        return _Ran(process.returncode, output, time.monotonic() - start)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return _Ran(None, "", time.monotonic() - start)


@contextmanager
def workplace(theory: Path, keep: Path | None) -> Iterator[Path]:
    """A copy of the theory's sources, and of what is compiled already beside them, to work in."""
    folder = Path(tempfile.mkdtemp(prefix="layerproof-")) if keep is None else keep
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for file in theory.iterdir():
            if file.suffix in (".v", ".vo") or file.name == "_CoqProject":
                shutil.copy2(file, folder / file.name)
        yield folder
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def files_of(theory: Path) -> list[str]:
    """The theory's files in the order of its _CoqProject, without their ending."""
    lines = (theory / "_CoqProject").read_text(encoding="utf-8").split("\n")
    return [line.strip().removesuffix(".v") for line in lines if line.strip().endswith(".v")]


def needs(text: str, known: Sequence[str]) -> set[str]:
    """The files of the theory that a text requires."""
    required: set[str] = set()
    for match in re.finditer(
        r"From\s+LayerProof\s+Require\s+(?:Import\s+|Export\s+)?([^.]*)\.", _without_comments(text)
    ):
        required |= set(match[1].split())
    return required & set(known)


def gate(
    audits: Sequence[Audit],
    prover: Prover,
    theory: Path = THEORY,
    keep: Path | None = None,
    limit: float = LIMIT,
    progress: Progress = silent,
) -> Outcome:
    """Compile the theory as far as the audits need it, then each audit, and read what the prover says of axioms.

    A file with a forbidden word is refused before anything runs. A theorem passes only if its restatement compiles
    and `Print Assumptions` answers "Closed under the global context" right after its name.
    """
    begin = time.monotonic()
    passed: dict[str, float] = {}
    refused: dict[str, str] = {}
    undecided: dict[str, str] = {}
    with workplace(theory, keep) as folder:
        names = files_of(folder)
        texts = {name: (folder / f"{name}.v").read_text(encoding="utf-8") for name in names}
        for name, text in texts.items():
            for word in forbidden_words(text):
                refused[f"{name}.v"] = f"{name}.v contains {word}"
        wanted = _closure({n for a in audits for n in (*a.requires, "attention")}, texts)
        built: dict[str, str | None] = {}
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            _compile_all([n for n in names if n in wanted], texts, prover, folder, limit, pool, built, progress)
            results = list(pool.map(lambda a: _audit(a, texts, built, refused, prover, folder, limit), audits))
    for audit, (good, bad, open_) in zip(audits, results, strict=True):
        progress(f"audited {audit.name}")
        passed.update(good)
        refused.update(bad)
        undecided.update(open_)
    return Outcome(passed, refused, undecided, prover.version, time.monotonic() - begin)


def _closure(start: set[str], texts: dict[str, str]) -> set[str]:
    found, new = set(start), set(start)
    while new:
        new = {m for n in new if n in texts for m in needs(texts[n], list(texts))} - found
        found |= new
    return found


def _compile_all(
    names: list[str],
    texts: dict[str, str],
    prover: Prover,
    folder: Path,
    limit: float,
    pool: ThreadPoolExecutor,
    built: dict[str, str | None],
    progress: Progress,
) -> None:
    """Compile files as soon as what they need is there; `built` gets None for a success, else the reason."""
    waiting = list(names)
    while waiting:
        ready = [n for n in waiting if needs(texts[n], names) <= set(built)]
        if not ready:
            built.update({n: "it needs itself" for n in waiting})
            return
        progress(f"compiling {', '.join(ready)}")
        for n, reason in zip(
            ready, pool.map(lambda n: _compile(n, texts, built, prover, folder, limit), ready), strict=True
        ):
            built[n] = reason
        waiting = [n for n in waiting if n not in built]


def _compile(
    name: str, texts: dict[str, str], built: dict[str, str | None], prover: Prover, folder: Path, limit: float
) -> str | None:
    failed = next((n for n in needs(texts[name], list(built)) if built[n] is not None), None)
    if failed is not None:
        return f"it needs {failed}.v, which did not compile"
    vo = folder / f"{name}.vo"
    vo.unlink(missing_ok=True)
    ran = _run((*prover.command, "-q", "-Q", ".", "LayerProof", f"{name}.v"), folder, limit)
    if ran.code is None:
        return f"{name}.v did not compile within {limit:.0f} s"
    if ran.code != 0:
        return f"{name}.v does not compile: {_last(ran.output)}"
    return None if vo.exists() else f"the prover said nothing was wrong with {name}.v but compiled nothing"


def _audit(
    audit: Audit,
    texts: dict[str, str],
    built: dict[str, str | None],
    refused: dict[str, str],
    prover: Prover,
    folder: Path,
    limit: float,
) -> tuple[dict[str, float], dict[str, str], dict[str, str]]:
    files = _closure({*audit.requires, "attention"}, texts)
    tainted = next((refused[f"{n}.v"] for n in sorted(files) if f"{n}.v" in refused), None)
    if tainted is not None:
        return {}, {t.name: tainted for t in audit.theorems}, {}
    broken = next((built[n] for n in sorted(files) if built.get(n, f"{n}.v is missing") is not None), None)
    if broken is not None:
        return {}, {}, {t.name: broken for t in audit.theorems}
    (folder / f"{audit.name}.v").write_text(audit.text(), encoding="utf-8")
    ran = _run((*prover.command, "-q", "-Q", ".", "LayerProof", f"{audit.name}.v"), folder, limit)
    if ran.code is None:
        return {}, {}, {t.name: f"the audit did not end within {limit:.0f} s" for t in audit.theorems}
    if ran.code != 0:
        reason = f"the theory's theorem is not the restated one: {_last(ran.output)}"
        return {}, {t.name: reason for t in audit.theorems}, {}
    good: dict[str, float] = {}
    bad: dict[str, str] = {}
    open_: dict[str, str] = {}
    for t in audit.theorems:
        match = re.search(rf"^audited {re.escape(t.name)}$(.*?)(?=^audited |\Z)", ran.output, re.M | re.S)
        said = " ".join(match[1].split()) if match else ""
        if said == "Closed under the global context":
            good[t.name] = ran.seconds
        elif said.startswith("Axioms:"):
            bad[t.name] = f"it rests on {said[:200]}"
        else:
            open_[t.name] = "the prover did not say what it assumes"
    return good, bad, open_


def _last(output: str) -> str:
    lines = [line for line in output.strip().split("\n") if line.strip()]
    errors = [i for i, line in enumerate(lines) if line.startswith("Error")]
    return " ".join(" ".join(lines[errors[-1] :] if errors else lines[-3:]).split())[:300]
