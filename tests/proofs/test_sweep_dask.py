"""Sweeps over Dask: a real cluster made here, a scheduler and two workers as processes of their own, some killed.

Skipped where the extra is not installed; failing where CI is set and it is missing, so that CI cannot pass without.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sweep_files
from cli import assert_refused, run_cli
from sweep_files import runs, wait_until, workers

from layerproof.proofs.sweep import workers as sweep_workers
from layerproof.proofs.sweep.run import run_sweep
from layerproof.proofs.sweep.spec import read_sweep
from layerproof.proofs.sweep.workers import dask_executor
from layerproof.symbolic.errors import DeviceError

pytestmark = pytest.mark.slow

MISSING = find_spec("distributed") is None
needs_dask = pytest.mark.skipif(MISSING and not os.environ.get("CI"), reason="the extra dask is not installed")
GAMMAS = [f"1/{k}" for k in range(2, 8)]
SLOW = "time.sleep(0.3)"


def finished(path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-W", "error", "-m", "layerproof", "sweep", str(path), "--executor", "dask", *more]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=240, check=False)


def lines(path: Path) -> list[dict[str, Any]]:
    file = path.with_suffix(".jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@contextmanager
def dask(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`dask ARGUMENTS` as a process group of its own, gone afterwards."""
    log = folder / f"dask-{arguments[0]}-{time.monotonic_ns()}"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments], stdout=output, stderr=output, start_new_session=True
        ) as process,
    ):
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers, all three processes of their own."""
    folder, port = tmp_path_factory.mktemp("dask"), free_port()
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as stack:
        place = ("--host", "127.0.0.1", "--no-dashboard")
        stack.enter_context(dask("scheduler", "--port", str(port), *place, folder=folder))
        for _ in range(2):
            one = ("--nworkers", "1", "--nthreads", "1", "--local-directory", str(folder), "--no-dashboard")
            stack.enter_context(dask("worker", address, *one, folder=folder))
        yield address


@needs_dask
def test_a_cluster_made_here_finds_what_processes_find(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sweep_files.write(tmp_path, [*GAMMAS, "1"], SLOW)
    ran = finished(path, "--workers", "2", "--json")
    assert ran.returncode == 1, ran.stderr
    document = json.loads(ran.stdout)
    assert [p["verdict"] for p in document["points"]] == ["HOLDS"] * 6 + ["REFUTED"] and document["ran"] == 7
    assert len(workers(tmp_path)) == 2 and runs(tmp_path)["1/2"] == 1
    again = run_cli(capsys, "sweep", str(path), "--workers", "1")
    assert again.code == 1 and "(0 ran now, 7 found in" in again.out and runs(tmp_path)["1/2"] == 1


@needs_dask
def test_a_scheduler_and_two_workers_share_a_sweep(tmp_path: Path, scheduler: str) -> None:
    path = sweep_files.write(tmp_path, GAMMAS, SLOW)
    ran = finished(path, "--scheduler", scheduler)
    assert ran.returncode == 0 and "6 points: 6 HOLDS" in ran.stdout, ran.stderr
    assert len(workers(tmp_path)) == 2 and runs(tmp_path) == dict.fromkeys(GAMMAS, 1)


@needs_dask
def test_a_driver_that_dies_is_resumed_with_the_same_scheduler(tmp_path: Path, scheduler: str) -> None:
    path = sweep_files.write(tmp_path, GAMMAS, SLOW)
    arguments = [sys.executable, "-m", "layerproof", "sweep", str(path), "--executor", "dask", "--scheduler", scheduler]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        wait_until(lambda: len(lines(path)) >= 2)
        driver.kill()
    kept = lines(path)
    ran = finished(path, "--scheduler", scheduler)
    assert ran.returncode == 0 and f"{6 - len(kept)} ran now, {len(kept)} found in" in ran.stdout, ran.stderr
    assert lines(path)[: len(kept)] == kept and len({record["digest"] for record in lines(path)}) == 6


@needs_dask
def test_a_worker_of_the_scheduler_that_dies_loses_nothing(tmp_path: Path, scheduler: str) -> None:
    path = sweep_files.write(tmp_path, GAMMAS, SLOW)
    arguments = [sys.executable, "-m", "layerproof", "sweep", str(path), "--executor", "dask", "--scheduler", scheduler]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
        wait_until(lambda: len(lines(path)) >= 2)
        os.kill(min(workers(tmp_path)), signal.SIGKILL)
        out, err = driver.communicate(timeout=240)
    assert driver.returncode == 0 and "6 points: 6 HOLDS" in out, err
    digests = [record["digest"] for record in lines(path)]
    assert len(digests) == len(set(digests)) == 6 and sum(runs(tmp_path).values()) <= 6 + 6


@needs_dask
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # sockets of the workers that were killed
def test_a_point_that_kills_every_worker_is_recorded_as_not_run(tmp_path: Path) -> None:
    wanted = "p.gamma == Fraction(1, 3) and os.kill(worker, signal.SIGKILL)"
    path = sweep_files.write(tmp_path, GAMMAS[:4], wanted)
    with dask_executor(None, 2) as executor:
        result = run_sweep(read_sweep(path), executor, tmp_path / "r.jsonl")
    verdicts = {r["specification"]["gamma"]: r["verdict"] for r in result.records}
    assert verdicts == {**dict.fromkeys(GAMMAS[:4], "HOLDS"), "1/3": "NOT_RUN"} and result.exit_code == 3
    assert runs(tmp_path)["1/3"] == 6  # three times among others, three times alone


@needs_dask
def test_a_scheduler_that_is_not_there_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sweep_files.write(tmp_path, ["1/2"])
    dead = f"tcp://127.0.0.1:{free_port()}"
    monkeypatch.setattr(sweep_workers, "PATIENCE", 0.5)
    ran = run_cli(capsys, "sweep", str(path), "--executor", "dask", "--scheduler", dead)
    assert_refused(ran, DeviceError.exit_code, f"scheduler {dead} does not answer")
    wrong = run_cli(capsys, "sweep", str(path), "--executor", "dask", "--scheduler", "nonsense://x")
    assert_refused(wrong, 2, "scheduler is 'nonsense://x', wanted an address such as")
    monkeypatch.setitem(sys.modules, "distributed", None)
    refused = run_cli(capsys, "sweep", str(path), "--executor", "dask")
    assert_refused(refused, 2, "not installed: pip install 'layerproof[dask]'")


def test_ci_cannot_pass_without_dask() -> None:
    assert not (MISSING and os.environ.get("CI")), "CI is set, and the extra dask is not installed: nothing was tested"
