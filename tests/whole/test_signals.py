"""A command that is told to end, by a signal that is no Ctrl-C, ends its workers and leaves one line and its code."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from layerproof.proofs.cli import run

from ..cli import console_script, hears_signals

SWEEP = 'algorithm = ["td0", "td-lambda"]\nd = 3\nn = 40\nL = [20, 30, 40]\nevidence = ["identity-exact"]\n'
COMMANDS = {
    "check": ("check", "."),
    "sweep": ("sweep", "s.toml", "-o", "s.jsonl", "--workers", "2"),
    "report": ("report", "td0", "gtd2", "-o", "r"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "s.toml").write_text(SWEEP)
    words = ["certify", "td0", "-d", "2", "-n", "3", "-L", "2", "--trials", "2", "-o", str(folder / "0.json")]
    assert run(words) == 0
    for k in range(1, 5):
        (folder / f"{k}.json").write_bytes((folder / "0.json").read_bytes())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("command", "number"), [
    ("check", signal.SIGTERM), ("sweep", signal.SIGTERM), ("report", signal.SIGTERM), ("check", signal.SIGHUP),
])  # fmt: skip
def test_a_command_that_is_told_to_end_leaves_one_line_and_no_process(
    command: str, number: signal.Signals, project: Path
) -> None:
    with subprocess.Popen(
        [console_script(), *COMMANDS[command]], cwd=project, start_new_session=True, preexec_fn=hears_signals,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        started = process.stderr.readline()  # workers are there, or on their way
        process.send_signal(number)
        out, err = process.communicate(timeout=60)  # a worker that is left would hold the streams
    assert started.startswith("layerproof: ")
    assert (process.returncode, out) == (128 + number, "")
    last = f"layerproof: ended by {number.name}\n"
    assert err.endswith(last) and "resource_tracker" not in err and "Traceback" not in err, err
