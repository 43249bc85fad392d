"""What is started before a command's own imports is used, changes no claim, and is ended with the command."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layerproof.proofs.case import Settings
from layerproof.proofs.checker import verify
from layerproof.proofs.evidence.floats import NAME as FLOAT
from layerproof.proofs.sweep import early
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.algorithms import find

SMALL = Settings(features=2, context=2, layers=2, trials=2)

SCRIPT = """
import os, sys
from layerproof.proofs import cli
from layerproof.proofs.sweep import early, workers

def end_second():
    held.extend(early._second._processes if early._second else ())
    before()

if __name__ == "__main__":
    held, before, early._end_second = [], early._end_second, end_second
    workers.default_workers = lambda: 2
    sys.argv = ["layerproof", "verify", "td0", "--json"]
    try:
        cli.main()
    except SystemExit as done:
        print("torch" in sys.modules, done.code, *held, file=sys.stderr)
"""


KILLED = """
import os, signal
from layerproof.proofs.sweep import workers

os.environ["PYTHONPATH"] = os.path.dirname(__file__)
workers.make_ready((workers.READY[0], "endless"))
os.kill(os.getpid(), signal.SIGKILL)
"""


class Second(Executor):
    """What a second process does to arguments and results, in this one; `change` to each claim of float evidence."""

    def __init__(self, change: Any = lambda claim: claim) -> None:
        self.ran: list[str] = []
        self.change = change

    def submit(self, function: Any, /, *given: Any, **more: Any) -> Future[Any]:
        self.ran.append(given[0].name)
        future: Future[Any] = Future()
        run, given = pickle.loads(pickle.dumps((function, given)))
        result = pickle.loads(pickle.dumps(run(*given)))
        claims, *made = result if isinstance(result, tuple) else (result,)
        changed = [self.change(c) if c.evidence == FLOAT else c for c in claims]
        future.set_result((changed, *made) if made else changed)
        return future


def test_float_evidence_of_a_second_process_is_that_of_this_one() -> None:
    second, names = Second(), ("td0", "softmax-td", "gtd")
    assert verify(*names, settings=SMALL, second=second) == verify(*names, settings=SMALL)
    assert second.ran == ["td0", "gtd", "softmax-td"]
    assert verify("td0", settings=SMALL, evidence=["derived"], second=second).holds and len(second.ran) == 3


def test_what_it_refutes_is_refuted_and_an_algorithm_of_one_s_own_stays_here() -> None:
    def refuted(claim: Claim) -> Claim:
        return replace(claim, verdict=Verdict.REFUTED, witness={"layer": 1})

    asked = ["derived", FLOAT]
    assert verify("td0", settings=SMALL, evidence=asked, second=Second(refuted)).exit_code == 1
    own, second = replace(find("td0"), title="mine"), Second(refuted)
    assert verify(own, settings=SMALL, evidence=asked, second=second).exit_code == 0 and second.ran == []


@pytest.mark.parametrize(
    "line, started",
    [("verify td0", "second"), ("verify td0 tdc gtd --json", "second"), ("report td0", ""), ("verify", "forked"),
     ("report", "forked"), ("verify td0 tdc gtd gtd2 --details", "forked"), ("verify td0 -n 4", ""),
     ("verify mine.py", ""), ("verify --case kept.json", ""), ("report -o folder", "")],
)  # fmt: skip
def test_only_a_line_whose_work_is_known_starts_anything(monkeypatch, line: str, started: str) -> None:
    begun: list[str] = []

    class Pool:
        def __init__(self, count: int) -> None:
            begun.append("second")

        def submit(self, job: Any, modules: Any) -> None:
            pass

        def stop(self) -> None:
            begun.append("ended")

    monkeypatch.setattr(early, "WorkerProcesses", Pool)
    monkeypatch.setattr(early, "make_ready", lambda: begun.append("forked"))
    monkeypatch.setattr(early, "leave_unready", lambda: begun.append("ended"))
    monkeypatch.setattr(early, "workers_for", lambda jobs: min(2, jobs // 2))
    early.begin(line.split())
    early.end()
    early.end()
    assert begun == ([started, "ended"] if started else [])
    monkeypatch.setattr(early, "workers_for", lambda jobs: 1)  # on one core
    begun.clear()
    early.begin(line.split())
    assert begun == []


@pytest.mark.slow
def test_the_command_imports_no_torch_beside_its_second_process_and_leaves_none(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300)
    loaded, code, process = done.stderr.splitlines()[-1].split()
    assert (loaded, code) == ("False", "0"), done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)


def test_what_workers_are_forked_from_leaves_a_killed_command_while_it_imports(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("import time\ntime.sleep(600)\n")
    (tmp_path / "killed.py").write_text(KILLED)
    # its streams close when the last process that holds them is gone
    assert subprocess.run([sys.executable, tmp_path / "killed.py"], capture_output=True, timeout=60).returncode == -9
