"""The site of docs: whatever is dead or unknown in its pages ends the build, by the flags and settings in use."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = (ROOT / "scripts" / "build_docs.sh").read_text(encoding="utf-8")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("CI" not in os.environ and find_spec("furo") is None, reason="needs the extra docs"),
]


def build(folder: Path, **pages: str) -> subprocess.CompletedProcess[str]:
    """Build these pages, by the project's settings and the flags of its script."""
    (line,) = re.findall(r'^"\$python" (-m sphinx .*) docs build/site$', SCRIPT, flags=re.M)
    docs = folder / "docs"
    docs.mkdir()
    shutil.copy(ROOT / "docs" / "conf.py", docs)
    shutil.copytree(ROOT / "docs" / "static", docs / "static")
    for name, text in pages.items():
        (docs / name.replace("_", ".")).write_text(text, encoding="utf-8")
    command = [sys.executable, *shlex.split(line.replace("build/doctrees", "trees")), "docs", "site"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


GOOD = "# Title\n\n[here](#title) and [there](other.md#part), at the network's [own risk](https://example.org)\n"
OTHER = "---\norphan: true\n---\n# Other\n\n## Part\n"
API = ":orphan:\n\nAll\n===\n\n.. autofunction:: layerproof.algorithms\n.. autoexception:: layerproof.LayerproofError\n"


def test_good_pages_are_built_and_can_be_searched(tmp_path: Path) -> None:
    built = build(tmp_path, index_md=GOOD, other_md=OTHER, api_rst=API)
    assert built.returncode == 0, built.stderr
    site = tmp_path / "site"
    assert "exit_code" in (site / "api.html").read_text() and "titleterms" in (site / "searchindex.js").read_text()


DEAD = {
    "page_md": ("[x](nowhere.md)", "docs/page.md:6: WARNING: 'myst' cross-reference target not found: 'nowhere.md'"),
    "part_md": ("[x](other.md#nowhere)", "docs/part.md:6: WARNING: local id not found in doc 'other': 'nowhere'"),
    "picture_md": ("![x](nowhere.png)", "docs/picture.md:6: WARNING: image file not readable: nowhere.png"),
    "lost_md": ("", "docs/lost.md: WARNING: document isn't included in any toctree"),
    "unknown_rst": (".. autofunction:: layerproof.nothing", "WARNING: autodoc: failed to import 'nothing'"),
    "undescribed_rst": (
        ".. autofunction:: layerproof.derive",
        "WARNING: py:class reference target not found: layerproof.symbolic.algorithm.Algorithm",
    ),
}
"""A page, what is wrong with it, and what is said of that."""


def test_whatever_is_dead_is_named_with_its_page_and_ends_the_build(tmp_path: Path) -> None:
    pages = {"index_md": "# Title\n", "other_md": OTHER}
    for name, (text, _) in DEAD.items():
        head = "---\norphan: true\n---\n# Title\n" if name.endswith("md") else ":orphan:\n\nTitle\n=====\n"
        pages[name] = f"{'# Title' if name == 'lost_md' else head}\n{text}\n"
    built = build(tmp_path, **pages)
    assert built.returncode != 0
    assert [message for _, message in DEAD.values() if message not in built.stderr] == [], built.stderr
