"""action.yml, scripts/ci_check.sh and the pre-commit hook, run as GitHub and pre-commit run them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import warm
import yaml
from project import RIGHT, VACUOUS, WRONG, certificate, write

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
SCRIPT = ROOT / "scripts" / "ci_check.sh"
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
Completed = subprocess.CompletedProcess[str]


def path() -> str:
    return os.pathsep.join([str(warm.folder()), str(Path(sys.executable).parent), os.environ["PATH"]])


def act(folder: Path, step: dict[str, Any] = STEPS[-1], **inputs: str) -> Completed:
    """Run a step as GitHub does: inputs put into its `env`, its text as a file of bash -eo pipefail."""
    given = {name: str(spec["default"]) for name, spec in ACTION["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    asked = {
        name: EXPRESSION.sub(lambda match: given[match.group(1).removeprefix("inputs.")], value)
        for name, value in step.get("env", {}).items()
    }
    text = folder.parent / "step.sh"
    text.write_text(step["run"])
    files = {"GITHUB_ACTION_PATH": str(ROOT), "GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(text)],
        cwd=folder, env={"PATH": path(), "HOME": str(folder.parent), **files, **asked},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty checkout."""
    path = tmp_path / "checkout"
    path.mkdir()
    return path


@pytest.fixture(scope="module")
def undecided(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of a certificate whose float claim stays undecided."""
    path = tmp_path_factory.mktemp("undecided") / "cert.json"
    certificate(path, VACUOUS, ("derived", "float"))
    return path.read_text()


# --- the Action -----------------------------------------------------------------------------------------------------


def test_the_action_has_the_form_that_github_wants() -> None:
    assert ACTION["name"] and ACTION["description"] and ACTION["runs"]["using"] == "composite"
    assert list(ACTION["inputs"]) == ["path", "strict", "prove", "python-version", "extra-arguments"]
    for spec in ACTION["inputs"].values():
        assert spec["description"] and isinstance(spec["default"], str)
    for step in STEPS:
        assert ("uses" in step) != ("run" in step) and ("run" in step) == (step.get("shell") == "bash")
    python = ACTION["inputs"]["python-version"]["default"]
    minimum = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert [int(x) for x in python.split(".")] >= [int(x) for x in minimum.split(".")]


def test_no_input_is_ever_shell_code() -> None:
    used: set[str] = set()
    for step in STEPS:
        assert not EXPRESSION.search(step.get("run", ""))
        for value in [*step.get("env", {}).values(), *step.get("with", {}).values()]:
            (expression,) = EXPRESSION.findall(value)
            used.add(expression)
    assert used == {f"inputs.{name}" for name in ACTION["inputs"]}
    comment, code = SCRIPT.read_text().split("set -euo pipefail")
    read = set(re.findall(r"LAYERPROOF_CHECK_[A-Z_]+", code))
    assert set(re.findall(r"LAYERPROOF_CHECK_[A-Z_]+", comment)) == read
    assert read == set(STEPS[-1]["env"])


def test_layerproof_is_installed_from_the_actions_own_files_without_cuda(folder: Path) -> None:
    write(folder.parent, {"bin/python": '#!/bin/sh\nprintf "%s\\n" "$@" | tee arguments\n'})
    (folder.parent / "bin" / "python").chmod(0o755)
    (step,) = (s for s in STEPS if s["name"] == "Install layerproof")
    ran = act(folder, {**step, "env": {"PATH": f"{folder.parent / 'bin'}:{path()}"}})
    assert ran.returncode == 0, ran.stderr
    *pip, source = (folder / "arguments").read_text().splitlines()
    assert pip[:3] == ["-m", "pip", "install"] and source == str(ROOT)
    assert pip[pip.index("--extra-index-url") + 1] == "https://download.pytorch.org/whl/cpu"


def test_the_script_can_be_read_by_bash() -> None:
    assert os.access(SCRIPT, os.X_OK) and SCRIPT.read_text().startswith("#!/usr/bin/env bash\n")
    assert subprocess.run(["bash", "-n", str(SCRIPT)], check=False).returncode == 0


def test_a_right_project_is_green_with_its_summary(folder: Path) -> None:
    write(folder, {"a b/own.py": RIGHT})
    (folder.parent / "summary.md").write_text("# earlier\n")
    ran = act(folder)
    assert (ran.returncode, ran.stdout) == (0, "HOLDS  a b/own.py: still, 2 claims: 2 HOLDS\n"), ran.stderr
    summary = (folder.parent / "summary.md").read_text()
    assert summary.startswith("# earlier\n") and "| a b/own.py | construction | HOLDS |" in summary


@pytest.mark.parametrize("strict", ["true", "false"])
def test_a_wrong_project_is_red(strict: str, folder: Path) -> None:
    write(folder, {"own.py": RIGHT, "wrong.py": WRONG})
    ran = act(folder, strict=strict)
    assert ran.returncode == 1 and "REFUTED  wrong.py" in ran.stdout and "textbook loop" in ran.stdout
    assert ran.stdout.splitlines()[-1].startswith("::error title=layerproof::a claim of this project is refuted")
    assert "| wrong.py | construction | REFUTED |" in (folder.parent / "summary.md").read_text()


@pytest.mark.parametrize(("strict", "code", "kind"), [("true", 3, "error"), ("false", 0, "warning")])
def test_what_is_undecided_is_red_or_a_warning(strict: str, code: int, kind: str, folder: Path, undecided: str) -> None:
    write(folder, {"cert.json": undecided})
    ran = act(folder, strict=strict)
    assert ran.returncode == code and "UNDECIDED  cert.json" in ran.stdout
    assert ran.stdout.splitlines()[-1].startswith(f"::{kind} title=layerproof::something is undecided")
    assert "| cert.json | certificate | UNDECIDED |" in (folder.parent / "summary.md").read_text()


@pytest.mark.parametrize("strict", ["true", "false"])
def test_a_run_that_checks_nothing_is_red(strict: str, folder: Path) -> None:
    write(folder, {"setup.py": "import os\n"})
    ran = act(folder, strict=strict)
    assert ran.returncode == 3 and "::error title=layerproof::nothing was checked" in ran.stdout


@pytest.mark.parametrize(
    "extra", ["--help", "-h", "--version", "--only-known=true", "--summary elsewhere.md", "-d 1 --help"]
)
def test_extra_arguments_that_ask_for_something_else_are_never_green(extra: str, folder: Path) -> None:
    write(folder, {"wrong.py": WRONG} if "elsewhere" not in extra else {"own.py": RIGHT})
    if "only-known" in extra:
        write(folder, {"wrong.py": "import os\n"})
    for strict in ("true", "false"):
        assert act(folder, strict=strict, extra_arguments=extra).returncode != 0


def test_a_damaged_project_is_red(folder: Path) -> None:
    write(folder, {"own.py": f"{RIGHT}raise ValueError('no way')\n"})
    ran = act(folder, strict="false")
    assert ran.returncode == 4 and "own.py, line 12: ValueError: no way" in ran.stderr


def test_several_paths_and_further_arguments(folder: Path) -> None:
    write(folder, {"a b/own.py": RIGHT, "-c.py": RIGHT, "x.py": WRONG})
    ran = act(folder, path="a b\n-c.py\n", extra_arguments="-d 1  -n 4\n-L 1 --time-limit\t20")
    assert (ran.returncode, ran.stdout.count("HOLDS")) == (0, 4), ran.stderr


@pytest.mark.parametrize("hostile", ["$(touch was-run)`touch was-run`", "'; touch was-run #"])
def test_inputs_are_not_shell_code(hostile: str, folder: Path) -> None:
    assert act(folder, path=hostile).returncode == 4
    assert act(folder, extra_arguments=hostile).returncode in (2, 4)
    for name in ("strict", "prove"):
        ran = act(folder, **{name: hostile})
        assert (ran.returncode, ran.stdout) == (2, f"::error title=layerproof::{name} must be true or false\n")
    assert not list(folder.parent.rglob("was-run"))


def test_a_star_stands_for_itself(folder: Path) -> None:
    write(folder, {"own.py": RIGHT})
    ran = act(folder, extra_arguments="*")
    assert ran.returncode == 4 and "*: there is no such file" in ran.stderr


def test_prove_asks_the_prover(folder: Path) -> None:
    fake = '#!/bin/sh\nprintf "%s\\n" "$@" | tee arguments\nwhile [ "$1" != --summary ]; do shift; done\n'
    write(folder.parent, {"bin/layerproof": f"{fake}echo '1 files: 1 HOLDS' >>\"$2\"\n"})
    (folder.parent / "bin" / "layerproof").chmod(0o755)
    step = {**STEPS[-1], "env": {**STEPS[-1]["env"], "PATH": f"{folder.parent / 'bin'}:{path()}"}}
    for prove in ("true", "false"):
        assert act(folder, step, prove=prove).returncode == 0
        assert ("--prove" in (folder / "arguments").read_text().splitlines()) == (prove == "true")


@pytest.mark.parametrize("code", [2, 5, 137])
def test_any_other_end_is_red(code: int, folder: Path) -> None:
    write(folder.parent, {"bin/layerproof": f"#!/bin/sh\nexit {code}\n"})
    (folder.parent / "bin" / "layerproof").chmod(0o755)
    step = {**STEPS[-1], "env": {**STEPS[-1]["env"], "PATH": f"{folder.parent / 'bin'}:{path()}"}}
    ran = act(folder, step, strict="false")
    assert ran.returncode == code and f"ended with exit code {code}" in ran.stdout


def test_without_a_summary_file_the_script_still_runs(folder: Path) -> None:
    write(folder, {"wrong.py": WRONG})
    ran = subprocess.run(["bash", str(SCRIPT)], cwd=folder, env={"PATH": path()}, check=False, capture_output=True)
    assert ran.returncode == 1 and [p.name for p in folder.iterdir()] == ["wrong.py"]


# --- the pre-commit hook --------------------------------------------------------------------------------------------


def commit(folder: Path, *names: str) -> Completed:
    """Run the hook on changed files, as pre-commit does: those that its pattern matches, after the entry's words."""
    changed = [name for name in names if re.search(HOOK["files"], name)]
    assert changed, "pre-commit would not run the hook"
    return subprocess.run(
        [*shlex.split(HOOK["entry"]), *changed], cwd=folder, env={"PATH": path()}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_the_hook_has_the_form_that_pre_commit_wants() -> None:
    assert HOOK["id"] == "layerproof-check" and HOOK["language"] == "python" and HOOK["name"]
    assert HOOK["pass_filenames"] is True and HOOK["require_serial"] is True
    command = shlex.split(HOOK["entry"])[0]
    assert command in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    matched = [n for n in ("a.py", "x/cert.json", "a.pyc", "json", "a.md", "py") if re.search(HOOK["files"], n)]
    assert matched == ["a.py", "x/cert.json"]


def test_the_hook_checks_the_changed_files_only(folder: Path) -> None:
    write(folder, {"own.py": RIGHT, "wrong.py": WRONG, "setup.py": "raise SystemExit('was run')\n", "x/data.json": "{}",
                   "test_own.py": f"{RIGHT}raise SystemExit('was run')\n", "README.md": ""})  # fmt: skip
    ran = commit(folder, "own.py", "setup.py", "x/data.json", "test_own.py", "README.md")
    assert (ran.returncode, ran.stdout) == (0, "HOLDS  own.py: still, 2 claims: 2 HOLDS\n"), ran.stderr
    ran = commit(folder, "setup.py", "wrong.py")
    assert ran.returncode == 1 and ran.stdout.startswith("REFUTED  wrong.py")
    ran = commit(folder, "setup.py", "x/data.json")
    assert (ran.returncode, ran.stdout) == (0, "") and "nothing to check" in ran.stderr


def test_the_hook_is_red_for_what_is_damaged_or_open(folder: Path, undecided: str) -> None:
    write(folder, {"raises.py": f"{RIGHT}1 / 0\n", "cert.json": undecided})
    assert commit(folder, "raises.py").returncode == 4
    assert commit(folder, "cert.json").returncode == 3
