"""What the tests of reports share: texts of all kinds, programs that must be there in CI, a run of pdflatex."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import report_samples as samples
from hypothesis import strategies as st

from layerproof.proofs.report.writers import pdf

CI = bool(os.environ.get("CI"))
needs_typst = pytest.mark.skipif(pdf.available() is not None and not CI, reason="the extra pdf is not installed")
texts = st.text(st.characters(codec=None), max_size=60) | st.sampled_from(samples.NASTY)


def tool(name: str) -> str:
    """The path of a program; the test is skipped without it, and fails in CI."""
    path = shutil.which(name)
    if path is None:
        (pytest.fail if CI else pytest.skip)(f"{name} is not installed")
    return path


def compiled(source: str, folder: Path, *others: tuple[str, str]) -> str:
    """What pdflatex complains about, "" for nothing; it may run no commands."""
    program = tool("pdflatex")
    for name, content in (("main.tex", source), *others):
        Path(folder, name).write_text(content, encoding="utf-8")
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-no-shell-escape", "-halt-on-error", "main.tex"],
        cwd=folder, capture_output=True, timeout=300, env=os.environ | {"openin_any": "p", "openout_any": "p"},
    )  # fmt: skip
    log = done.stdout.decode(errors="replace")
    complaints = re.findall(r"^!.*\n?.*$", log, re.MULTILINE)
    return "\n".join(complaints) or ("" if done.returncode == 0 else log[-2000:])
