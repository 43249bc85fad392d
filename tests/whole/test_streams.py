"""The exit code is the verdict's whatever becomes of the streams; errors are documents where `--json` is asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli import console_script, hears_signals, run_cli
from own_files import write

from layerproof.proofs import cli, streams
from layerproof.proofs.interrupts import hear_interrupts
from layerproof.symbolic.strict_json import loads

REFUTED = ("verify", "./wrong.py", "-d", "2", "-n", "4", "-L", "2", "--evidence", "identity-exact")
HOLDS = ("verify", "td0", "-d", "2", "-n", "2", "-L", "1", "--evidence", "identity-exact")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("own")
    write(place, ("-step.C.mT", "-step.C"), given=True, name="wrong.py")
    return place


def shell(folder: Path, line: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `$0` is the command."""
    return subprocess.run(
        ["bash", "-c", line, console_script(), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(("question", "code"), [(REFUTED, 1), (HOLDS, 0)])
@pytest.mark.parametrize(
    "line",
    [
        '"$0" "$@" | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}',
        '"$0" "$@" | true; exit ${PIPESTATUS[0]}',
        '"$0" "$@" >&-',
        '"$0" "$@" 2>&-',
        '"$0" "$@" >&- 2>&- <&-',
        '"$0" "$@" >/dev/full',
        '"$0" "$@" 2>/dev/full',
        '"$0" "$@" --json | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}',
        '"$0" "$@" 2> >(true)',
    ],
)
def test_the_exit_code_is_the_verdicts(folder: Path, question: tuple[str, ...], code: int, line: str) -> None:
    assert shell(folder, line, *question).returncode == code


@pytest.mark.slow
def test_with_stderr_closed_nothing_of_it_lands_on_stdout(folder: Path) -> None:
    ran = shell(folder, '"$0" "$@" --json 2>&-', *HOLDS)
    assert loads(ran.stdout)["command"] == "verify" and ran.stderr == ""
    assert shell(folder, '"$0" verify nothing 2>&-').stdout == ""


def test_a_stream_that_raises_would_be_seen(folder: Path) -> None:
    ran = shell(folder, f'{sys.executable} -c "print(1, flush=True)" >/dev/full')
    assert ran.returncode == 1 and "No space left" in ran.stderr


def test_writes_after_a_failure_go_nowhere() -> None:
    read, write = os.pipe()
    os.close(read)
    raw = streams.Outliving(write)
    assert raw.write(b"abc") == 3 and raw.write(b"") == 0 and not raw.isatty()
    os.close(write)


@pytest.mark.parametrize(
    ("arguments", "code", "argument", "message"),
    [
        (["verify", "td0", "--bogus"], 2, "--bogus", "Unknown option"),
        (["verify", "td0", "-d", "x"], 2, "-d", "wanted a whole number"),
        (["verify", "none"], 2, None, "none"),
        (["verify", "./none.py"], 4, "none.py", "no such file"),
        (["verify", "td0", "--prompt", "none.json"], 4, "none.json", "no such file"),
    ],
)
def test_an_error_is_a_document_where_json_is_asked_for(
    capsys: Any, arguments: list[str], code: int, argument: str | None, message: str
) -> None:
    ran = run_cli(capsys, *arguments, "--json")
    error = ran.document["error"]
    assert (ran.code, error["code"], error["argument"]) == (code, code, argument) and message in error["message"]
    assert run_cli(capsys, *arguments).out == ""


def test_an_internal_error_is_a_document_too(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "build", lambda asked: 1 / 0)
    ran = run_cli(capsys, *HOLDS, "--json")
    assert ran.code == 5 and ran.document["error"]["code"] == 5 and "ZeroDivisionError" in ran.err


def test_a_wrong_option_names_the_help_of_its_command(capsys: Any) -> None:
    assert "See: layerproof verify --help" in run_cli(capsys, "verify", "--bogus").err
    assert "See: layerproof --help" in run_cli(capsys, "--bogus").err


@contextmanager
def hearing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As after `hear_interrupts` in a program that nobody switched interrupts off for."""
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        hear_interrupts()
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_inside_a_callback_is_not_lost(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    class Held:
        def __del__(self) -> None:
            raise KeyboardInterrupt

    with hearing(monkeypatch), pytest.raises(KeyboardInterrupt):
        held = Held()
        del held
        time.sleep(20)
    assert "Traceback" not in capsys.readouterr().err


def test_an_interrupt_while_torch_is_imported_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SimpleNamespace(_initializing=True)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__spec__=spec))
    with hearing(monkeypatch):
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.1)  # torch's own import would have been hit here
        with pytest.raises(KeyboardInterrupt):
            spec._initializing = False
            time.sleep(20)


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.05, 0.15, 0.3, 0.6, 1.2])
def test_an_interrupt_is_130_without_a_traceback_at_any_time(folder: Path, after: float) -> None:
    """From the first line of ours on: nothing heavy has been imported yet when the process says that it is there."""
    code = (
        "import sys\nfrom layerproof.proofs.cli import main\nprint('there', flush=True)\n"
        "sys.argv = ['layerproof', 'verify', '-L', '400', '--trials', '300', '--max-work', '10000000000']\nmain()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        preexec_fn=hears_signals,
    ) as started:
        try:
            assert started.stdout is not None and started.stdout.readline() == "there\n"
            time.sleep(after)
            started.send_signal(signal.SIGINT)
            _, err = started.communicate(timeout=60)
        finally:
            started.kill()
    assert started.returncode == 130 and "Traceback" not in err
