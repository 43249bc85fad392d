"""Sweeps that are stopped: a worker or the driver killed, a full disk, Ctrl-C; nothing is lost or runs twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sweep_files
import warm
from sweep_files import runs, wait_until, workers

pytestmark = pytest.mark.slow

SLOW = "time.sleep(0.4)"
GAMMAS = [f"1/{k}" for k in range(2, 8)]


def command(path: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "layerproof", "sweep", str(path), *more]


@contextmanager
def started(arguments: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A driver in a process group of its own, nothing of which is left afterwards."""
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **options
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of the results."""
    file = path.with_suffix(".jsonl")
    content = file.read_bytes() if file.exists() else b""
    return [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def finished(path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = ["layerproof", *command(path, *more)[3:]]
    environment = {**os.environ, "PATH": f"{warm.folder()}:{os.environ['PATH']}"}
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False, env=environment)


def unlike_seconds(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The records by digest, without what differs from run to run."""
    left_out = ("seconds", "deaths", "sha256")
    by_digest = {r["digest"]: {k: v for k, v in r.items() if k not in left_out} for r in records}
    assert len(by_digest) == len(records)
    return by_digest


def expected(folder: Path) -> dict[str, Any]:
    """What a sweep that nobody disturbs records."""
    calm = folder / "calm"
    calm.mkdir()
    path = sweep_files.write(calm, GAMMAS, SLOW)
    assert finished(path, "--workers", "2").returncode == 0
    return unlike_seconds(lines(path))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return expected(tmp_path_factory.mktemp("calm"))


def test_a_driver_killed_in_the_middle_is_resumed_without_loss_or_repetition(
    tmp_path: Path, calm: dict[str, Any]
) -> None:
    path = sweep_files.write(tmp_path, GAMMAS, SLOW)
    with started(command(path, "--workers", "2")) as driver:
        wait_until(lambda: len(lines(path)) >= 3)
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        kept = lines(path)
        left = workers(tmp_path)
        wait_until(lambda: not any(alive(pid) for pid in left))  # the workers leave by themselves
    before = runs(tmp_path)
    ran = finished(path, "--workers", "2")
    assert ran.returncode == 0 and f"{6 - len(kept)} ran now, {len(kept)} found in" in ran.stdout
    assert unlike_seconds(lines(path)) == calm and lines(path)[: len(kept)] == kept
    recorded = {record["specification"]["gamma"] for record in kept}
    for gamma in GAMMAS:  # what was recorded never ran again; what was on its way ran once more
        assert runs(tmp_path)[gamma] - before[gamma] == (0 if gamma in recorded else 1)


def test_a_worker_killed_once_costs_nothing(tmp_path: Path, calm: dict[str, Any]) -> None:
    path = sweep_files.write(tmp_path, GAMMAS, SLOW)
    with started(command(path, "--workers", "2")) as driver:
        wait_until(lambda: len(lines(path)) >= 2)
        victim = next(pid for pid in workers(tmp_path) if alive(pid))
        os.kill(victim, signal.SIGKILL)
        out, err = driver.communicate(timeout=120)
    assert driver.returncode == 0, err
    assert unlike_seconds(lines(path)) == calm and 1 <= sum(r["deaths"] for r in lines(path)) <= 2
    assert sum(runs(tmp_path).values()) <= len(GAMMAS) + 2  # those that were on their way, and no other
    assert "6 points: 6 HOLDS" in out


def test_a_point_that_kills_every_worker_is_given_up_and_the_others_hold(tmp_path: Path) -> None:
    path = sweep_files.write(tmp_path, GAMMAS[:4], "p.gamma == Fraction(1, 3) and os.kill(worker, signal.SIGKILL)")
    ran = finished(path, "--workers", "2")
    assert ran.returncode == 3 and "4 points: 3 HOLDS, 1 NOT_RUN" in ran.stdout
    (given_up,) = [r for r in lines(path) if r["verdict"] == "NOT_RUN"]
    assert given_up["specification"]["gamma"] == "1/3" and "its worker died 3 times" in given_up["reason"]
    assert runs(tmp_path)["1/3"] == 3
    again = finished(path)
    assert again.returncode == 3 and "(0 ran now, 4 found in" in again.stdout and runs(tmp_path)["1/3"] == 3


def test_a_disk_that_fills_is_told_and_the_sweep_goes_on_when_there_is_room(
    tmp_path: Path, calm: dict[str, Any]
) -> None:
    path = sweep_files.write(tmp_path, GAMMAS, SLOW)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY)); "
        "from layerproof.proofs.cli import main; sys.argv[0] = 'layerproof'; main()"
    )
    full = subprocess.run(
        [sys.executable, "-c", code, "sweep", str(path), "--workers", "1"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    kept = lines(path)
    assert full.returncode == 5 and "sweep.jsonl: cannot be written: File too large" in full.stderr
    assert full.stdout == "" and "Traceback" not in full.stderr and 0 < len(kept) < 6
    assert path.with_suffix(".jsonl").read_bytes().endswith(b"\n")  # nothing torn is left
    ran = finished(path, "--workers", "2")
    assert ran.returncode == 0 and unlike_seconds(lines(path)) == calm and lines(path)[: len(kept)] == kept


def test_ctrl_c_leaves_a_file_that_is_resumed_and_no_workers(tmp_path: Path, calm: dict[str, Any]) -> None:
    path = sweep_files.write(tmp_path, GAMMAS, SLOW)
    # a shell's background job ignores Ctrl-C, and so would what it starts
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from layerproof.proofs.cli import main\nif __name__ == '__main__': main()"
    )
    program = tmp_path / "program.py"
    program.write_text(code)
    with started([sys.executable, str(program), "sweep", str(path), "--workers", "2"]) as driver:
        wait_until(lambda: len(lines(path)) >= 2)
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does: to the whole group
        out, err = driver.communicate(timeout=60)
        assert driver.returncode == 130 and out == "" and "Traceback" not in err
        assert err.endswith("the same command goes on from there\nlayerproof: interrupted\n")
        wait_until(lambda: not any(alive(pid) for pid in workers(tmp_path)))
    kept = lines(path)
    assert 2 <= len(kept) < 6
    assert finished(path, "--workers", "2").returncode == 0
    assert unlike_seconds(lines(path)) == calm and lines(path)[: len(kept)] == kept


def test_a_second_driver_on_the_same_file_is_refused(tmp_path: Path) -> None:
    path = sweep_files.write(tmp_path, GAMMAS, SLOW)
    with started(command(path, "--workers", "1")) as driver:
        wait_until(lambda: len(lines(path)) >= 1)
        second = finished(path)
        assert second.returncode == 2 and second.stdout == ""
        assert "sweep.jsonl: another sweep is writing it" in second.stderr
        driver.communicate(timeout=60)
    assert driver.returncode == 0 and runs(tmp_path) == dict.fromkeys(GAMMAS, 1)
