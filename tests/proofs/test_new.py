"""`layerproof new`: the template is a file that verifies, with a test that passes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import warm
from cli import assert_refused, run_cli

pytestmark = pytest.mark.slow

SMALL = ("-d", "2", "-n", "4", "-L", "2")


def test_the_template_verifies_as_written(capsys, tmp_path):
    ran = run_cli(capsys, "new", "my-td", "--folder", str(tmp_path))
    assert (ran.code, ran.err) == (0, "")
    assert [Path(line) for line in ran.out.splitlines()] == [tmp_path / "my_td.py", tmp_path / "test_my_td.py"]
    ran = run_cli(capsys, "verify", str(tmp_path / "my_td.py"), *SMALL, "--json")
    assert ran.code == 0, ran.err
    assert {c["algorithm"] for c in ran.document["claims"]} == {"my-td"}
    assert len({c["evidence"] for c in ran.document["claims"] if c["asked"]}) >= 5
    assert "TITLE" not in (tmp_path / "my_td.py").read_text() and "NAME" not in (tmp_path / "my_td.py").read_text()
    assert run_cli(capsys, "derive", str(tmp_path / "my_td.py")).code == 0


def test_the_template_with_a_constant_row_is_derived_with_a_head_over_it(capsys, tmp_path):
    ran = run_cli(capsys, "new", "my-td", "--with-constant-row", "--folder", str(tmp_path))
    assert ran.code == 0, ran.err
    ran = run_cli(capsys, "derive", str(tmp_path / "my_td.py"))
    assert ran.code == 0 and "$K$" not in ran.out and "K has rank 1" in ran.out, ran.out + ran.err
    assert_refused(run_cli(capsys, "new", "other", "--rule", "--with-constant-row", "-o", str(tmp_path)), 2, "a prompt")


def run_pytest(folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_my_td.py"]
    code = f"import pytest; raise SystemExit(pytest.main({arguments}))"
    return subprocess.run(
        [str(warm.folder() / "warm-python"), code], cwd=folder, capture_output=True, text=True, check=False
    )


def test_its_test_passes_and_fails_when_the_update_is_made_wrong(capsys, tmp_path):
    run_cli(capsys, "new", "my-td", "-o", str(tmp_path))
    ran = run_pytest(tmp_path)
    assert ran.returncode == 0 and "1 passed" in ran.stdout, ran.stdout + ran.stderr
    path = tmp_path / "my_td.py"
    text = path.read_text(encoding="utf-8")
    assert text.count("delta * t.phi") == 1
    path.write_text(text.replace("delta * t.phi", "delta * t.reward * t.reward * t.phi"), encoding="utf-8")
    ran = run_pytest(tmp_path)
    assert ran.returncode == 1 and "1 failed" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "name",
    ("My-td", "1td", "-td", "my td", "my/td", "../td", "my.td", "my_td", "", "a" * 61, "tdé", "td\n", "my-td\n", "a;b"),
)
def test_a_bad_name_is_refused(capsys, tmp_path, name):
    ran = run_cli(capsys, "new", "--folder", str(tmp_path), "--", name)
    assert ran.code == 2 and ran.out == "" and ran.err.count("\n") == 1 and "internal" not in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ("class", "import", "async", "none", "test", "re", "a"))
def test_an_odd_name_makes_files_that_work_or_is_refused(capsys, tmp_path, name):
    ran = run_cli(capsys, "new", name, "--folder", str(tmp_path))
    assert ran.code in (0, 2)
    if ran.code == 0:
        path = str(tmp_path / f"{name}.py")
        assert run_cli(capsys, "verify", path, *SMALL, "--evidence", "identity-exact").code == 0
        compile((tmp_path / f"test_{name}.py").read_text(encoding="utf-8"), "test", "exec")


def test_a_catalogue_name_is_refused(capsys, tmp_path):
    for name in ("td0", "gtd2"):
        assert_refused(run_cli(capsys, "new", name, "-o", str(tmp_path)), 2, "which is in the catalogue")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", ("my_td.py", "test_my_td.py"))
def test_an_existing_file_is_kept(capsys, tmp_path, existing):
    (tmp_path / existing).write_text("mine", encoding="utf-8")
    assert_refused(run_cli(capsys, "new", "my-td", "-o", str(tmp_path)), 2, f"{existing} exists")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(existing, "mine")]


def test_a_folder_that_is_not_there_is_refused(capsys, tmp_path):
    assert_refused(run_cli(capsys, "new", "my-td", "-o", str(tmp_path / "no")), 2, "which is no folder")
    (tmp_path / "file").write_text("x")
    assert_refused(run_cli(capsys, "new", "my-td", "-o", str(tmp_path / "file")), 2, "which is no folder")


def test_the_folder_is_the_working_directory_by_default(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_cli(capsys, "new", "my-td").code == 0
    assert {p.name for p in tmp_path.iterdir()} == {"my_td.py", "test_my_td.py"}
