"""Running the command line in this process, and what a refusal must look like."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from layerproof.proofs.cli import run
from layerproof.symbolic.strict_json import dumps, loads

EXACT = ("derived", "identity-symbolic", "identity-entrywise", "identity-exact", "identity-random")
"""Every kind of evidence but the one that loads torch."""

SMALL = ("-d", "2", "-n", "3", "-L", "2")
QUICK = (*SMALL, "--evidence", "derived")


@dataclass(frozen=True)
class Ran:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout, which must be canonical."""
        data = loads(self.out)
        assert dumps(data) == self.out
        return data


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
    """Run `layerproof ARGUMENTS` in this process."""
    capsys.readouterr()
    code = run(list(arguments))
    out, err = capsys.readouterr()
    return Ran(code, out, err)


def assert_refused(ran: Ran, code: int, *fragments: str) -> None:
    """Exit code `code`, one line on stderr that says `fragments`, and on stdout nothing, or with `--json` the same."""
    assert ran.code == code
    if ran.out:
        assert ran.document["error"].keys() == {"argument", "code", "message"}
        assert (ran.document["error"]["code"], f"layerproof: {ran.document['error']['message']}\n") == (code, ran.err)
    assert ran.err.startswith("layerproof: ") and ran.err.endswith("\n")
    assert ran.err.count("\n") == 1 and "Traceback" not in ran.err and "internal error" not in ran.err
    for fragment in fragments:
        assert fragment in ran.err, f"{fragment!r} is not in {ran.err!r}"


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run this Python in a process of its own."""
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **options)


def hears_signals() -> None:
    """As `preexec_fn`: a process hears what this one may ignore, as under nohup or in a shell's background."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def console_script() -> str:
    """The installed command."""
    return str(Path(sys.executable).with_name("layerproof"))
