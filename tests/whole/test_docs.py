"""The README's own files and commands: each block marked `file:` is written, each marked `run:` ends as it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"<!-- (file|run): (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)

NEEDS = {"Export": ("onnxruntime", "jax")}
"""The extras that a section's blocks use, which may be missing anywhere but in CI."""


def blocks() -> dict[str, list[tuple[str, str, str]]]:
    """The marked blocks of each section of the README."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for section in re.split(r"^## ", README.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        if marked := BLOCK.findall(text):
            found[title] = marked
    return found


def test_sections_that_promise_to_run_are_there():
    assert {"Check your own construction", "Assert it in CI", "Export", "Sweep a grid"} <= blocks().keys()


@pytest.mark.parametrize("title", blocks())
def test_blocks_run_as_written(title, tmp_path):
    for module in NEEDS.get(title, ()):
        if "CI" not in os.environ:
            pytest.importorskip(module)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for kind, what, text in blocks()[title]:
        if kind == "file":
            (tmp_path / what).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / what).write_text(text, encoding="utf-8")
            continue
        ran = subprocess.run(
            ["bash", "-e", "-c", text], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert ran.returncode == int(what), f"{text}\n{ran.stdout}\n{ran.stderr}"
