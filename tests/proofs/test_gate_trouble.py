"""A prover that is stopped, killed or without room refutes nothing, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli import hears_signals
from rocq_tiny import PROOFS, THEORY, audit, fake, judged, rocq, theory

from layerproof.proofs.cli import run
from layerproof.proofs.theory.gate import Outcome, gate
from layerproof.proofs.theory.jobs import trouble
from layerproof.proofs.theory.prover import Ran, Runner, runner

pytestmark = pytest.mark.slow


def with_fake(folder: Path, body: str, limit: float = 60.0) -> Outcome:
    return gate([audit()], fake(folder, body), theory(folder / "theory"), limit=limit)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("exit 0", "compiled nothing"),
        ("kill -9 $$", "ended by signal 9"),
        ("kill -TERM $$", "ended by signal 15"),
        ("exit 137", "ended by signal 9"),
        ("echo 'Fatal error: out of memory.' >&2; exit 2", "out of memory"),
        ("echo 'Fatal error: exception Stack overflow' >&2; exit 2", "Stack overflow"),
        ("echo 'Error: System error: No space left on device' >&2; exit 1", "No space left on device"),
        ("echo 'Error: The term x has type T while it is expected to have type U.' >&2; exit 1", "has type"),
        ('[ "$1" = -where ] || sleep 600', "did not compile within"),
    ],
)
def test_trouble_leaves_the_question_open(body: str, reason: str, tmp_path: Path) -> None:
    outcome = with_fake(tmp_path, body, limit=1.0 if "sleep" in body else 60.0)
    assert (outcome.passed, outcome.refused) == ({}, {}) and reason in outcome.undecided["twice"]


def test_a_prover_that_compiles_and_says_nothing_proves_nothing(tmp_path: Path) -> None:
    outcome = with_fake(tmp_path, 'for f; do :; done; touch "${f%.v}.vo"')
    assert outcome.undecided == {"twice": "the prover did not say what it assumes"}


@pytest.mark.slow
def test_a_checker_that_fails_or_is_not_there_lets_nothing_pass(tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "fake").mkdir()
    folder = theory(tmp_path / "theory")
    for body in ("exit 0", "exit 1", "kill -9 $$", "echo 'CONTEXT SUMMARY'"):
        checker = fake(tmp_path / "fake", body).command
        outcome = gate([audit()], replace(rocq(), checker=checker), folder)
        assert not outcome.passed and "did not agree" in outcome.undecided["twice"]
    assert "there is none" in gate([audit()], replace(rocq(), checker=()), folder).undecided["twice"]


@pytest.mark.parametrize("where", ["a word of the proof", "a tactic"])
def test_a_proof_that_does_not_go_through_is_no_refutation(where: str, tmp_path: Path) -> None:
    proof = {"a word of the proof": "exact LayerProof.tiny.thrice", "a tactic": "idtac; fail"}[where]
    outcome = judged(tmp_path, proofs=PROOFS.replace("exact LayerProof.tiny.twice", proof))
    assert not outcome.refused and "audits/tiny.v does not compile: line 4" in outcome.undecided["twice"]


def test_a_theory_that_does_not_compile_leaves_the_question_open(tmp_path: Path) -> None:
    outcome = judged(tmp_path, THEORY.replace("reflexivity. Qed.", "exact 0. Qed."))
    assert not outcome.refused and "theory/tiny.v does not compile: line 3" in outcome.undecided["twice"]


def test_a_listed_file_that_is_missing_leaves_open_what_needs_it(tmp_path: Path) -> None:
    folder = theory(tmp_path / "theory", "From LayerProof Require gone.\n" + THEORY, gone="")
    (folder / "gone.v").unlink()
    outcome = gate([audit()], rocq(), folder)
    assert not outcome.refused and "gone.v cannot be read: No such file" in outcome.undecided["twice"]
    assert gate([audit()], rocq(), theory(tmp_path / "theory", THEORY, gone="")).passed


def test_a_theory_that_is_not_there_at_all_leaves_the_question_open(tmp_path: Path) -> None:
    outcome = gate([audit()], rocq(), tmp_path / "nowhere")
    assert not outcome.refused and "No such file" in outcome.undecided["twice"]


def test_no_room_to_work_in_leaves_the_question_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = theory(tmp_path / "theory")

    def full(*arguments: object, **named: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    outcome = gate([audit()], fake_nothing(), folder)
    assert outcome.undecided == {"twice": "the gate could not go on: No space left on device"}


def fake_nothing():  # type: ignore[no-untyped-def]
    from layerproof.proofs.theory.prover import Prover

    return Prover(("true",), "fake", ("true",))


@pytest.mark.parametrize(
    ("output", "misfit"),
    [
        ('File "./audits/x.v", line 7, characters 1-2:\nError: The term "a" has type "b"', True),
        ('File "./audits/x.v", line 7, characters 1-2:\nError: Unable to unify "a" with "b"', True),
        ('File "./theory/x.v", line 7, characters 1-2:\nError: The term "a" has type "b"', False),
        ('File "./audits/x.v", line 7, characters 1-2:\nError: Stack overflow.', False),
        ('File "./audits/x.v", line 7, characters 1-2:\nWarning: has type', False),
        ("Error: The term has type", False),
    ],
)
def test_only_a_located_error_of_typing_is_a_misfit(output: str, misfit: bool) -> None:
    assert trouble("audits/x", Ran(1, "", output, 1.0), 1.0).misfit is misfit
    assert not trouble("audits/x", Ran(-9, "", output, 1.0), 1.0).misfit
    assert not trouble("audits/x", Ran(None, "", output, 1.0), 1.0).misfit


SLEEPS = 'case "$1" in --version) echo fake 1;; *) echo $$ >> "{pids}"; env > "{env}"; sleep 600;; esac'


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_leaves_no_prover_and_no_folder(number: int, tmp_path: Path) -> None:
    programs, work = tmp_path / "bin", tmp_path / "work"
    programs.mkdir()
    work.mkdir()
    pids, seen = tmp_path / "pids", tmp_path / "env"
    fake(programs, SLEEPS.format(pids=pids, env=seen))
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(work),
                   "COQPATH": "/secret", "COQLIB": "/secret", "OCAMLPATH": "/secret"}  # fmt: skip
    start = "import sys; from layerproof.proofs.cli import run; sys.exit(run(['prove', 'td0']))"
    process = subprocess.Popen(
        [sys.executable, "-c", start], env=environment, stderr=subprocess.DEVNULL, preexec_fn=hears_signals
    )
    try:
        deadline = time.monotonic() + 60
        while not (pids.exists() and pids.read_text().strip() and seen.exists() and list(work.iterdir())):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(30) == 128 + number
    finally:
        process.kill()
    assert list(work.iterdir()) == []
    for pid in pids.read_text().split():
        assert not _runs(int(pid)), "a prover is left"
    assert "secret" not in seen.read_text()


def test_a_signal_in_the_thread_that_waits_ends_the_program(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    def leave(number: int, frame: object) -> None:
        raise SystemExit(3)

    before = signal.signal(signal.SIGALRM, leave)
    try:
        with pytest.raises(SystemExit):
            signal.setitimer(signal.ITIMER_REAL, 1.0)
            Runner().run(("sh", "-c", f"echo $$ > {pids}; sleep 600"), tmp_path, 60.0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not _runs(int(pids.read_text()))


def test_a_signal_that_python_drops_ends_the_programs_and_is_raised_after_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dropping:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGQUIT)

    dropped: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: dropped.append(raised.exc_type))
    before = signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # which whoever started the tests may ignore
    try:
        with pytest.raises(SystemExit) as left, runner() as running:
            Dropping()
            assert dropped == [SystemExit]
            assert running.run(("sleep", "600"), tmp_path, 60.0).code is None
    finally:
        signal.signal(signal.SIGQUIT, before)
    assert left.value.code == 128 + signal.SIGQUIT


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_killed_prover_gives_exit_code_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(tmp_path, 'case "$1" in --version) echo fake 2;; *) kill -9 $$;; esac')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert run(["prove", "td0"]) == 3
    out = capsys.readouterr().out
    assert "UNDECIDED" in out and "signal 9" in out and "REFUTED" not in out
