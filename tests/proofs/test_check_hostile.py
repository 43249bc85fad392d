"""`layerproof check DIR`: whatever one file holds is told with its name, and the others are checked all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli import run_cli
from project import DERIVED, certificate, write

from layerproof.proofs.check import project
from layerproof.proofs.check.files import Target

CASE: dict[str, Any] = {
    "schema": 1, "kind": "layerproof regression case", "subject": "td0",
    "settings": {"features": 2, "context": 1, "layers": 1, "gamma": "9/10", "lam": "1/2", "trace": None, "seed": 0,
                 "looped": False},
    "prompt": {"features": [["1/2", "1/4"]], "next_features": [["0", "1"]], "rewards": ["1"], "query": ["1", "0"]},
    "starting_weights": [["1", "0"]], "found": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("good") / "good.json"
    certificate(path)
    return path.read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good: str) -> Path:
    (tmp_path / "good.json").write_text(good)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


CASES: dict[str, tuple[Callable[[Any], None], str]] = {
    "a name of 400 letters": (put("subject", value=f"./{'x' * 400}.py"), "File name too long"),
    "a path of 6000 letters": (put("subject", value=f"{'d/' * 3000}x.py"), "File name too long"),
    "a name without suffix": (put("subject", value=f"x/{'y' * 400}"), "is no Python file"),
    "a byte of zero": (put("subject", value="./a\0b.py"), "there is no such file"),
    "hex of 50000 digits": (put("settings", "gamma", value=f"0x{'f' * 50000}"), "gamma is '0x"),
    "900 digits of layers": (put("settings", "layers", value="9" * 900), "above the limit"),
    "values that are a list": (put("settings", "values", value=[["beta", "1"]]), "values is no object"),
    "extras that are a list": (put("prompt", "extras", value=[[1]]), "prompt.extras is no object"),
    "a text for an object": (put("settings", "values", value="beta"), "values is no object"),
    "an escape": (put("subject", value="\x1b[2Jtd0"), "there is no algorithm '\\x1b[2Jtd0'"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_that_cannot_be_replayed_is_named_and_the_others_are_checked(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, fragment = CASES[name]
    case = json.loads(json.dumps(CASE))
    change(case)
    (folder / "a.json").write_text(json.dumps(case))
    ran = run_cli(capsys, "check", ".")
    assert ran.code == 4 and ran.out == "HOLDS  good.json: td0, 3 claims: 3 HOLDS\n"
    told = [line for line in ran.err.splitlines() if not line.endswith(" ...")]
    assert len(told) == 1 and told[0].startswith("layerproof: a.json: ") and fragment in told[0]
    assert told[0].isprintable() and len(told[0]) < 600


@pytest.mark.parametrize(
    ("field", "value"),
    [("context", 10**4000), ("layers", -(10**4000)), ("gamma", "0x" + "f" * 10**5)],
    ids=["context", "layers", "gamma"],
)
def test_a_certificate_of_absurd_numbers_is_named_and_the_others_are_checked(
    field: str, value: Any, folder: Path, good: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = json.loads(good)
    edited["settings"][field] = value
    (folder / "bad.json").write_text(json.dumps(edited))
    ran = run_cli(capsys, "check", ".")
    assert ran.code == 4 and ran.out.startswith("HOLDS  good.json: ")
    assert "layerproof: bad.json: settings" in ran.err and "internal" not in ran.err and len(ran.err) < 1500


def test_a_fault_of_ours_at_one_file_is_5_and_the_others_are_checked(
    folder: Path, good: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "odd.json").write_text(good)
    real = project._result

    def planted(target: Target, *rest: Any) -> Any:
        if target.path.name == "odd.json":
            raise ZeroDivisionError("planted\nhere")
        return real(target, *rest)

    monkeypatch.setattr(project, "_result", planted)
    ran = run_cli(capsys, "check", ".", "--json")
    assert ran.code == 5 and {c["details"]["file"] for c in ran.document["claims"]} == {"good.json"}
    sentence = "odd.json: internal error: ZeroDivisionError: planted\\nhere"
    assert ran.document["refused"] == {"odd.json": sentence}
    assert ran.document["error"] == {"code": 5, "argument": "odd.json", "message": sentence}


def test_where_no_file_can_be_checked_json_says_so_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.json").write_text(json.dumps({**CASE, "schema": 7}))
    ran = run_cli(capsys, "check", "a.json", "--json")
    assert ran.code == 4 and ran.document["error"]["code"] == 4 and ran.document["error"]["argument"] == "a.json"
    assert ran.document["claims"] == [] and ran.err.endswith(f"layerproof: {ran.document['refused']['a.json']}\n")


def test_sizes_above_the_limit_are_2_for_constructions_and_the_rest_is_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"mine.py": DERIVED})
    ran = run_cli(capsys, "check", ".", "-n", "1000000")
    assert ran.code == 2 and "HOLDS  good.json" in ran.out and "layerproof: mine.py: " in ran.err


def test_a_name_that_is_too_long_to_exist_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in (("check", "x" * 5000), ("verify", "./" + "x" * 5000 + ".py"), ("verify", "--case", "y" * 5000)):
        ran = run_cli(capsys, *line, "--json")
        assert ran.code == 4 and ran.document["error"]["code"] == 4 and "File name too long" in ran.err
        assert len(ran.err) < 600
