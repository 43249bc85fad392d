"""scripts/kills.py: commands killed at random moments lose nothing, and the harness sees a writer that does."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli import python

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "kills.py"
CARELESS = """\
import random, sys, time
sys.path.insert(0, sys.argv[1])
import kills
def run(words):
    with open("there.json", "w") as file:
        file.write("half")
        file.flush()
        time.sleep(0.2)
        file.write(words[-1])
    return 0
kills.run = run
print(*kills.replaces("certify", 4, random.Random(0)), sep="\\n")
"""


@pytest.mark.slow
def test_ten_kills_lose_nothing() -> None:
    ran = python(str(SCRIPT), "--count", "5", "--only", "certify", "--only", "export")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "10 kills of certify, export" in ran.stdout and "0 went wrong" in ran.stdout


@pytest.mark.slow
def test_a_writer_that_leaves_halves_is_seen() -> None:
    ran = python("-c", CARELESS, str(SCRIPT.parent))
    assert ran.returncode == 0, ran.stderr
    assert "neither the old nor the new one is there" in ran.stdout
