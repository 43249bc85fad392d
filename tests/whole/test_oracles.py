"""scripts/oracles.py sees what differs between a commit and today, and says so; a mock product stands in for ours."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "oracles.py"
PYPROJECT = """
[project]
name = "layerproof"
version = "7.0"
[tool.setuptools]
packages = ["layerproof", "layerproof.part"]
[tool.setuptools.package-dir]
layerproof = "house/api"
"layerproof.part" = "elsewhere"
[tool.setuptools.package-data]
"layerproof.part" = ["texts/*.v"]
"""
PRODUCT = """
import pathlib, secrets, subprocess, sys, tempfile
from importlib.metadata import version
from layerproof.part import word
command, *rest = sys.argv[1:]
if command == "list" and "--json" in rest:
    print('{"algorithms": [{"name": "td0"}, {"name": "td-lambda"}]}')
elif command == "prove":
    with tempfile.TemporaryDirectory() as folder:
        audit = pathlib.Path(folder, "audits", "x.v")
        audit.parent.mkdir()
        audit.write_text(f'Goal True. idtac "audited x q{secrets.token_hex(16)}". Abort. (* {word} *)')
        said = subprocess.run(("coqc", "-q", "audits/x.v"), cwd=folder, capture_output=True, text=True, check=True)
        print("said", repr(said.stdout), audit.with_suffix(".vo").exists())
    sys.exit(3)
elif command == "export" and "-o" in rest:
    pathlib.Path("export").mkdir()
    pathlib.Path("export", "weights").write_bytes(b"\\xff" + word.encode())
else:
    print(command, version("layerproof"), word, (pathlib.Path(__file__).parent / "part/texts/a.v").read_text())
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("oracles_script", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def two(folder: Path, before: dict[str, bytes], after: dict[str, bytes]) -> tuple[Path, Path]:
    for side, files in (("before", before), ("after", after)):
        for name, content in files.items():
            (folder / side / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / side / name).write_bytes(content)
    return folder / "before", folder / "after"


SAME = {"audits/x.v": b"Theorem a.\nQed.\n", "exports/td0/w.npz": b"\x00\xff\x01"}


def test_equal_directories_are_equal(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.compare(*two(tmp_path, SAME, SAME))
    assert capsys.readouterr().out.split("\n")[:2] == [
        "audits            1 files  equal", "exports           1 files  equal",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        (SAME | {"audits/x.v": b"Theorem b.\nQed.\n"}, ["  x.v: line 1", "- Theorem a.", "+ Theorem b."]),
        (SAME | {"audits/x.v": b"Theorem a.\nQed."}, ["  x.v: line 3", "+ (the file has ended)"]),
        (SAME | {"audits/x.v": b"Theorem a.\r\nQed.\n"}, ["  x.v: line 1"]),
        (SAME | {"exports/td0/w.npz": b"\x00\xff\x02"}, ["  td0/w.npz: byte 2 of 3 and 3"]),
        (SAME | {"exports/td0/w.npz": b"\x00\xff"}, ["  td0/w.npz: byte 2 of 3 and 2"]),
        ({"audits/x.v": SAME["audits/x.v"]}, ["  td0/w.npz: missing now"]),
        (SAME | {"audits/y.v": b""}, ["  y.v: new"]),
        (SAME | {"reports/r": b""}, ["  r: new"]),
    ],
)
def test_what_differs_is_named(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], after: dict[str, bytes], lines: list[str]
) -> None:
    assert not script.compare(*two(tmp_path, SAME, after))
    printed = capsys.readouterr().out
    assert all(text in printed for text in lines), printed
    assert "1 differ" in printed


def test_the_member_of_an_archive_is_named(script: ModuleType) -> None:
    def archive(b: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr("a.npy", b"same")
            file.writestr("b.npy", b)
        return buffer.getvalue()

    assert script.first_difference(archive(b"1"), archive(b"2")) == "its member b.npy"


@pytest.fixture
def mock(tmp_path: Path) -> Path:
    """A repository with the script, a mock product of two packages, and one commit."""
    root = tmp_path / "repository"
    for name, text in {
        "pyproject.toml": PYPROJECT, "house/api/__init__.py": "__all__ = []", "house/api/__main__.py": PRODUCT,
        "elsewhere/__init__.py": 'word = "old"', "elsewhere/texts/a.v": "text", "examples/mine.py": "",
        "scripts/oracles.py": SCRIPT.read_text(encoding="utf-8"),
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


def git(root: Path, *arguments: str) -> None:
    author = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(("git", "-C", root, *author, *arguments), check=True)


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, root / "scripts/oracles.py", "HEAD", "--quick", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_commit_is_compared_with_the_checkout(mock: Path, tmp_path: Path) -> None:
    cache, keep = ("--cache", str(tmp_path / "cache")), ("--keep", str(tmp_path / "kept"))
    clean = run(mock, *cache)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert "audits" in clean.stdout and "differ" not in clean.stdout

    git(mock, "mv", "elsewhere", "moved")  # a move with the line that it forces changes nothing
    (mock / "pyproject.toml").write_text(PYPROJECT.replace('"elsewhere"', '"moved"'), encoding="utf-8")
    assert run(mock, *cache).returncode == 0

    (mock / "moved/__init__.py").write_text('word = "new"', encoding="utf-8")
    changed = run(mock, *cache, *keep)
    assert changed.returncode == 1
    assert "  td0/export/weights: byte 1 of 4 and 4" in changed.stdout
    assert "- derive 7.0 old text" in changed.stdout and "+ derive 7.0 new text" in changed.stdout
    assert "  prove/given-to-prover/audits/x.v: line 1" in changed.stdout
    kept = tmp_path / "kept/after/audits/prove/given-to-prover/audits/x.v"
    assert kept.read_text(encoding="utf-8") == 'Goal True. idtac "audited x NONCE". Abort. (* new *)'
    printed = (kept.parents[2] / "0.stdout").read_text(encoding="utf-8")
    assert printed == "said '' True\n"  # compiled, and no word that anything is proved


@pytest.mark.slow
def test_what_cannot_be_built_is_no_success(mock: Path, tmp_path: Path) -> None:
    main = mock / "house/api/__main__.py"
    main.write_text(PRODUCT.replace('elif command == "prove":', 'elif command == "prove":\n    sys.exit("lost")'))
    git(mock, "commit", "-qam", "second")
    lost = run(mock, "--cache", str(tmp_path / "cache"))
    assert lost.returncode == 3
    assert "audits/prove: prove --json: exit code 1: lost" in lost.stdout
    assert not [f for f in (tmp_path / "cache").iterdir() if f.name.endswith("-quick")]


@pytest.mark.slow
def test_a_package_that_is_not_listed_is_missed(mock: Path) -> None:
    (mock / "pyproject.toml").write_text(PYPROJECT.replace(', "layerproof.part"]', "]"), encoding="utf-8")
    missed = run(mock)
    assert missed.returncode == 3 and "No module named 'layerproof.part'" in missed.stdout


def test_wrong_arguments(mock: Path, tmp_path: Path) -> None:
    command = (sys.executable, mock / "scripts/oracles.py")
    unknown = subprocess.run((*command, "nothing"), capture_output=True, text=True, check=False)
    assert unknown.returncode == 2 and "commit is 'nothing'" in unknown.stderr
    there = run(mock, "--keep", str(tmp_path))
    assert there.returncode == 2 and "which exists" in there.stderr
