"""What is tried here by running it: torch.compile, the Rocq prover, and each kind of evidence on a tiny case."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ...symbolic.algorithms import catalogue
from ..case import Case, Settings
from ..evidence import OnRequest, kinds
from ..theory import record as proof_record
from ..theory.gate import THEORY
from ..theory.prover import INSTALL, find_prover
from ..verdict import Verdict
from .finding import Finding, State, ask, why

SHORT = 30.0
"""Seconds that a program may take to say its version."""
LONG = 180.0
"""Seconds that torch.compile may take."""
_COMPILE = """
import sys, torch
device = sys.argv[1]
Z, A = (torch.arange(float(k), k + 9).reshape(3, 3).to(device, torch.float64) for k in (1, 2))
layer = lambda Z: Z + (A @ Z @ Z.mT @ A @ Z) * 0.5
assert torch.equal(torch.compile(layer, fullgraph=True)(Z), layer(Z)), "compiled and eager results differ"
print("compiled")
"""
"""A layer on integers, which every order of summation computes exactly."""


def compiler(attempt: bool) -> Iterator[Finding]:
    """Whether torch.compile works: tried in a process and a temporary folder of its own, or only its ingredients."""
    yield ask("ingredients", _ingredients)
    from .floats import present

    for kind in dict.fromkeys(d.type for d in present()):
        name = f"torch.compile on {kind}"
        yield ask(name, lambda name=name, kind=kind: _compiles(name, kind) if attempt else _untried(name))  # type: ignore[misc]


def _ingredients() -> Finding:
    """The C++ compiler that torch calls (CXX, else the platform's), and Python's headers."""
    wanted = os.environ.get("CXX") or {"darwin": "clang++", "win32": "cl"}.get(sys.platform, "g++")
    header = Path(sysconfig.get_path("include")) / "Python.h"
    compiler = shutil.which(wanted)
    missing = [] if compiler else [f"no C++ compiler {wanted} on the path"]
    missing += [] if header.is_file() else [f"no {header}"]
    if missing:
        install = "apt-get install g++ python3-dev" if sys.platform == "linux" else "install a C++ compiler"
        return Finding("ingredients", State.NO, "; ".join(missing), install)
    details = {"compiler": compiler, "header": str(header)}
    return Finding("ingredients", State.YES, f"{compiler} and {header.name} are there", details=details)


def _untried(name: str) -> Finding:
    return Finding(name, State.UNKNOWN, "not tried, since it takes seconds: layerproof doctor --try-compile")


def _compiles(name: str, device: str) -> Finding:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="layerproof-") as folder:
        places = ("TMPDIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
        ran = subprocess.run(
            [sys.executable, "-c", _COMPILE, device], env={**os.environ, **dict.fromkeys(places, folder)}, cwd=folder,
            capture_output=True, text=True, errors="replace", timeout=LONG, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    seconds = time.monotonic() - begin
    if ran.returncode == 0 and ran.stdout.strip() == "compiled":
        text = f"compiled a layer in {seconds:.1f} s, and it computes what the layer does"
        return Finding(name, State.YES, text, details={"seconds": round(seconds, 1)})
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    error = next((line for line in lines if re.match(r"[\w.]*(Error|Exception|Invalid\w*)\b", line)), "")
    return Finding(name, State.NO, f"it fails: {(error or (lines or ['it said nothing'])[-1])[:200]}")


# the prover


def prover() -> Iterator[Finding]:
    """The prover, the libraries that the theory requires, their version, and what was proved here before."""
    installed = find_prover()
    if installed is None:
        yield Finding("prover", State.NO, "neither coqc nor rocq is on the path, or it does not run", INSTALL)
    else:
        yield Finding("prover", State.YES, installed.version, details={"command": list(installed.command)})
        yield ask("mathcomp", lambda: _mathcomp(installed.command))
    yield ask("record", _record)


def required_libraries(theory: Path = THEORY) -> set[str]:
    """The MathComp files that the theory requires, without their ending."""
    texts = "\n".join(f.read_text(encoding="utf-8") for f in theory.glob("*.v"))
    return {name for line in re.findall(r"From mathcomp Require Import ([\w\s]+)\.", texts) for name in line.split()}


def _output(*command: str) -> str:
    ran = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=SHORT, stdin=subprocess.DEVNULL, check=True
    )
    return ran.stdout.strip()


def _mathcomp(command: tuple[str, ...]) -> Finding:
    root = Path(_output(*(("coqc", "-where") if command[0] == "coqc" else (command[0], "c", "-where"))))
    library = root / "user-contrib" / "mathcomp"
    there = {file.stem for file in library.rglob("*.vo")}
    missing = sorted(required_libraries() - there)
    if missing:
        return Finding("mathcomp", State.NO, f"{library} lacks {', '.join(missing)}", INSTALL)
    version = _mathcomp_version(root)
    text = f"{version or 'of unknown version'}, with all that the theory requires"
    return Finding("mathcomp", State.YES, text, details={"version": version, "folder": str(library)})


def _mathcomp_version(root: Path) -> str | None:
    """As opam or Debian's packages have recorded it: the library itself does not say."""
    for folder in root.parent.parent.glob(".opam-switch/packages/*mathcomp-algebra.*"):
        return folder.name.partition(".")[2]
    if shutil.which("dpkg-query") is None:
        return None
    try:
        return _output("dpkg-query", "-W", "-f", "${Version}", "libcoq-mathcomp-algebra") or None
    except subprocess.SubprocessError:  # installed by other means
        return None


def _record() -> Finding:
    """Names of what `layerproof prove` has recorded; comparing them with the theory as it is takes seconds."""
    names = [*catalogue(), "general", "invariance"]
    known = [name for name in names if proof_record.knows(name)]
    if not known:
        return Finding("record", State.NO, "nothing was proved here yet: layerproof prove")
    text = f"of earlier runs: {', '.join(known)} (layerproof verify says whether it is of these very files)"
    return Finding("record", State.YES, text, details={"names": known})


# evidence


def evidence() -> Iterator[Finding]:
    """Each kind of evidence, run on TD(0) at d = 2, n = 3, L = 2; one that runs on request only needs the prover."""
    for name, kind in kinds().items():
        if isinstance(kind, OnRequest):
            yield ask(name, lambda name=name: _on_request(name))  # type: ignore[misc]
            continue
        yield _tried(name, name, "cpu")
        if name == "float":
            yield from _floats_elsewhere(name)


def _on_request(name: str) -> Finding:
    lacking = next((f for f in prover() if f.name in ("prover", "mathcomp") and f.state is not State.YES), None)
    if lacking is not None:
        return Finding(name, State.NO, f"{lacking.name}: {lacking.said}", lacking.install)
    return Finding(
        name, State.UNKNOWN, "the prover and its libraries are installed; layerproof prove tries it (minutes)"
    )


def _floats_elsewhere(name: str) -> Iterator[Finding]:
    from .floats import present

    try:
        others = sorted({d.type for d in present()[1:]})
    except Exception:  # torch does not load: the finding before this one says so
        return
    for device in others:
        yield _tried(f"{name} on {device}", name, device)


def _tried(shown: str, name: str, device: str) -> Finding:
    settings = Settings(features=2, context=3, layers=2, trials=1, exact_trials=1, device=device)
    begin = time.monotonic()
    try:
        claims = list(kinds()[name].establish(Case(catalogue()["td0"], settings)))
    except Exception as error:
        return Finding(shown, State.NO, why(error))
    bad = next((c for c in claims if c.asked and c.verdict is not Verdict.HOLDS), None)
    if bad is not None or not claims:
        return Finding(shown, State.NO, f"{bad.verdict.value}: {bad.reason}" if bad else "it made no claim")
    details = {"seconds": round(time.monotonic() - begin, 2)}
    return Finding(shown, State.YES, f"ran on td0: {kinds()[name].STRENGTH}", details=details)
