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


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ({"index_md": "# Title\n\n[x](nowhere.md)\n"}, "nowhere.md"),
        ({"index_md": "# Title\n\n[x](other.md#nowhere)\n", "other_md": OTHER}, "nowhere"),
        ({"index_md": "# Title\n\n![x](nowhere.png)\n"}, "nowhere.png"),
        ({"index_md": "# Title\n", "other_md": "# In no list\n"}, "isn't included in any toctree"),
        ({"index_md": "# Title\n", "api_rst": API.replace("algorithms", "nothing")}, "nothing"),
        ({"index_md": "# Title\n", "api_rst": API.replace("algorithms", "derive")}, "Algorithm"),  # described nowhere
    ],
)
def test_what_is_dead_ends_the_build(pages: dict[str, str], said: str, tmp_path: Path) -> None:
    built = build(tmp_path, **pages)
    assert built.returncode != 0 and said in built.stderr, built.stderr
