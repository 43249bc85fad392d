"""Several audits in one session of the prover's toplevel, which goes on after an error: the library is loaded once.

What a session says is no verdict of the gate's; it says at which lemma the prover stops.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from rocq_tiny import rocq

from layerproof.proofs.theory.audit import AUDITS_PREFIX, STATEMENTS_PREFIX, THEORY_PREFIX, Audit, TheoryFile
from layerproof.proofs.theory.compiled import Store
from layerproof.proofs.theory.gate import THEORY
from layerproof.proofs.theory.jobs import Job, Trouble, run_jobs
from layerproof.proofs.theory.joined import REQUIRES
from layerproof.proofs.theory.lexer import needs
from layerproof.proofs.theory.prover import runner

BEGINS = re.compile(r"^(?=(?:Lemma|Theorem|Definition|Fixpoint) ([\w']+))", re.M)
MARK = re.compile(r"Error:\s+The\s+reference\s+at_(\w+)\s+was\s+not\s+found\s+in\s+the\s+current\s+environment\.")
PROVED = "Proved"
"""Where the audit's own proofs stand: what fails there is that the theory's theorem is not the stated one."""
FILES = ("attention", "loop_masks", "loop_prompt", "token_patterns", "numbers")
FIRST = f"""\
Set Silent. Set Default Timeout 100.
From Coq Require Import QArith_base.
From mathcomp Require Import all_ssreflect all_algebra ring.
From {THEORY_PREFIX} Require {" ".join(FILES)}.
"""


def theory(old: str, new: str) -> Callable[[Audit], Audit]:
    """The generated file of the theory changed at every occurrence."""

    def changed(audit: Audit) -> Audit:
        (file,) = audit.theory
        assert old in file.text, old
        return replace(audit, theory=(TheoryFile(file.name, file.text.replace(old, new)),))

    return changed


def statement(old: str, new: str) -> Callable[[Audit], Audit]:
    """The statements changed at every occurrence."""

    def changed(audit: Audit) -> Audit:
        assert old in audit.statements, old
        return replace(audit, statements=audit.statements.replace(old, new))

    return changed


def stops(audits: Mapping[str, Audit], folder: Path, until: Mapping[str, str]) -> dict[str, str]:
    """Where the prover stops in each audit: the lemma of its theory's file, or `PROVED`; "" where it goes through.

    What follows another audit with the same file of the theory stands beside it, on what was made there.

    folder : an empty one
    until  : the lemma of its theory's file that an audit is about: the others before it are believed, and nothing is
             read after it; all of the other audits is
    """
    _compile(folder)
    parts, before = [FIRST], None
    for k, (what, audit) in enumerate(audits.items()):
        text = "".join(f.text for f in audit.theory)
        made = _until(text, until[what]) if what in until else text
        if made != before:
            parts += ["Abort All.\nReset Shared.\n"] * (before is not None)
            parts.append(f"Check at_begin_{k}.\nModule Shared.\nModule Made.\n{_body(made, 'Made', audit)}")
            parts.append("End Made.\nAbort All.\n" if what not in until else "Abort All.\n")
            before = made
        else:
            parts.append(f"Check at_begin_{k}.\n")
        if what not in until:
            parts.append("Module Fault.\n")
            for name, source in (("Said", audit.statements), (PROVED, audit.proofs)):
                parts.append(f"Module {name}.\n{_body(source, name, audit)}End {name}.\n")
            parts.append(f"Check at_{PROVED}_all.\n")
            parts += [f"Check ({PROVED}.{t.name} : Said.{t.name}).\n" for t in audit.theorems]
            parts.append("End Fault.\nAbort All.\nReset Fault.\n")
    parts.append("Abort All.\nReset Shared.\n")
    parts.append("Check at_begin_none.\n")
    file = folder / "session.v"
    file.write_text("".join(parts), encoding="utf-8")
    with file.open() as stream:
        ran = subprocess.run(
            ["coqtop", "-q", "-quiet", "-w", "none", "-Q", "theory", THEORY_PREFIX], cwd=folder, stdin=stream,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=550,
        )  # fmt: skip
    return _read(ran.stderr, list(audits))


def _until(text: str, lemma: str) -> str:
    """A file of the theory up to a lemma and its proof, with the proofs of those before it left out."""
    begins = next(m.start() for m in BEGINS.finditer(text) if m[1].startswith(lemma))
    end = re.compile(r"Qed\.\n").search(text, begins)
    assert end is not None
    return re.sub(r"^Proof\b.*?Qed\.$", "Admitted.", text[:begins], flags=re.M | re.S) + text[begins : end.end()]


def _compile(folder: Path) -> None:
    """The theory's files, as the gate compiles them: where a test of this run had it do so, they are kept."""
    prover, jobs = rocq(), []
    (folder / "theory").mkdir(parents=True)
    for name in FILES:
        text = (THEORY / f"{name}.v").read_text(encoding="utf-8")
        (folder / "theory" / f"{name}.v").write_text(text, encoding="utf-8")
        command = (*prover.command, "-q", "-w", "none", "-Q", "theory", THEORY_PREFIX, f"theory/{name}.v")
        jobs.append(Job(f"theory/{name}", command, frozenset(f"theory/{n}" for n in needs(text, THEORY_PREFIX)), text))
    with runner() as running:
        done = run_jobs(jobs, {}, folder, running, 300.0, lambda text: None, Store.of(prover))
    assert not any(isinstance(state, Trouble) for state in done.values()), done


def _body(text: str, module: str, audit: Audit) -> str:
    """A text as a module of the session, with a mark before each lemma: the answer to a name that is not there."""
    kept = REQUIRES.sub(lambda m: m[0] if m[1] == THEORY_PREFIX and m[2] else "", text)
    kept = BEGINS.sub(lambda m: f"Check at_{module}_{m[1].replace(chr(39), '')}.\n", kept)
    kept = kept.replace(f"{STATEMENTS_PREFIX}.{audit.name}.", "Said.")
    for file in audit.theory:
        kept = kept.replace(f"{THEORY_PREFIX}.{file.name}.", "Made.")
    assert STATEMENTS_PREFIX not in kept and AUDITS_PREFIX not in kept
    return kept


def _read(output: str, names: list[str]) -> dict[str, str]:
    first, *pieces = MARK.split(output)
    marks = [m for m in pieces[::2] if m.startswith("begin_")]
    assert "Error" not in first and marks == [*(f"begin_{k}" for k in range(len(names))), "begin_none"], output[-3000:]
    answers = dict.fromkeys(names, "")
    at = names[0]
    for mark, text in zip(pieces[::2], pieces[1::2], strict=True):
        if mark.startswith("begin_"):
            at = names[int(mark[6:])] if mark != "begin_none" else ""
        if at and "Error:" in text and not answers[at]:
            answers[at] = PROVED if mark.startswith(PROVED) else mark.partition("_")[2]
    return answers
