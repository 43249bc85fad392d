"""Regression cases: `--save` keeps a counterexample, `--case` replays it, and no damaged file makes it crash."""

from __future__ import annotations

import json
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from cli import Ran, assert_refused, console_script, run_cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from own_files import source, write

from layerproof.proofs.cli import run

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
EXACT = ("-d", "2", "-n", "3", "-L", "2", "--evidence", "identity-exact")
TRANSPOSED = ("-step.C.mT", "-step.C")

OFF_POLICY_HEADS = """
def heads(layout, step, p, layer):
    P = layout.matrix({("td_error", "td_error"): 1})
    Q = layout.matrix({("rho_phi", "phi"): -step.C, ("rho_phi", "gamma_phi_next"): step.C.mT})
    return [Head(W=None, P=P, Q=Q, M=layout.mask())]


ALGORITHM ="""


def off_policy(folder: Path) -> str:
    """The off-policy example with weights of its own, C transposed in one place."""
    text = (EXAMPLES / "off_policy_td.py").read_text(encoding="utf-8")
    text = text.replace("FeatureBlock\n", "FeatureBlock, Head\n", 1).replace("\nALGORITHM =", OFF_POLICY_HEADS)
    text = text.replace("    update=update,\n", "    update=update,\n    heads=heads,\n")
    path = folder / "off_policy.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def ridge(folder: Path) -> str:
    """The ridge example whose update forgets to square kappa."""
    text = (EXAMPLES / "ridge_td.py").read_text(encoding="utf-8")
    path = folder / "ridge.py"
    path.write_text(text.replace("-p.kappa * p.kappa * x", "-p.kappa * x"), encoding="utf-8")
    return str(path)


def heavy_ball(folder: Path) -> str:
    text = (EXAMPLES / "heavy_ball_td.py").read_text(encoding="utf-8")
    path = folder / "heavy.py"
    path.write_text(text.replace("[[p.beta - 1]]", "[[p.beta]]"), encoding="utf-8")
    return str(path)


def mended(path: str) -> None:
    file = Path(path)
    text = file.read_text(encoding="utf-8")
    for wrong, right in (
        ("-step.C,", "-step.C.mT,"), ("-p.kappa * x", "-p.kappa * p.kappa * x"),
        ('("momentum", "one"): [[p.beta]]', '("momentum", "one"): [[p.beta - 1]]'),
    ):  # fmt: skip
        text = text.replace(wrong, right)
    file.write_text(text, encoding="utf-8")


def wrong_file(folder: Path) -> str:
    return write(folder, TRANSPOSED, given=True)


SUBJECTS = {"given": wrong_file, "extras": off_policy, "own": ridge, "parameter": heavy_ball}


def saved(capsys: Any, path: str, case: Path, *more: str) -> Any:
    ran = run_cli(capsys, "verify", path, *EXACT, "--save", str(case), *more)
    assert ran.code == 1 and f"wrote {case}: layerproof verify --case {case} replays it" in ran.err
    return json.loads(case.read_text(encoding="utf-8"))


def replayed(capsys: Any, case: Path) -> Ran:
    return run_cli(capsys, "verify", "--case", str(case), "--json")


@pytest.mark.parametrize("kind", SUBJECTS)
def test_a_case_is_refuted_until_the_file_is_mended(capsys, tmp_path, kind):
    path, case = SUBJECTS[kind](tmp_path), tmp_path / "case.json"
    more = ("--parameter", "beta=2/5", "--gamma", "3/7") if kind == "parameter" else ("--looped",)
    document = saved(capsys, path, case, *more)
    ran = replayed(capsys, case)
    (claim,) = ran.document["claims"]
    assert (ran.code, claim["verdict"]) == (1, "REFUTED")
    place = document["found"]
    assert {k: claim["witness"][k] for k in place} == place
    assert claim["witness"]["prompt"] == document["prompt"]
    assert f"layer {place['layer']}, row {place['row']}, {place['column']}" in claim["reason"]
    shown = run_cli(capsys, "verify", "--case", str(case))
    assert shown.code == 1 and "still different" in shown.out
    mended(path)
    ran = replayed(capsys, case)
    assert (ran.code, [c["verdict"] for c in ran.document["claims"]]) == (0, ["HOLDS"]), ran.out


def test_what_a_case_holds(capsys, tmp_path):
    document = saved(capsys, off_policy(tmp_path), tmp_path / "case.json")
    assert document["subject"] == "./off_policy.py" and len(document["prompt"]["extras"]["rho"]) == 3
    own = saved(capsys, ridge(tmp_path), tmp_path / "own.json", "--parameter", "kappa=3/2")
    assert own["starting_weights"] == [] and own["settings"]["values"] == {"kappa": "3/2"}
    assert own["subject"] == "./ridge.py"


def test_the_files_name_is_relative_to_the_case(capsys, tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    (tmp_path / "cases" / "deep").mkdir(parents=True)
    case = tmp_path / "cases" / "deep" / "case.json"
    monkeypatch.chdir(tmp_path / "code")
    wrong_file(tmp_path / "code")
    assert saved(capsys, "mine.py", case)["subject"] == "../../code/mine.py"
    other = tmp_path / "elsewhere"
    (tmp_path / "code").rename(tmp_path / "kept")
    other.mkdir()
    (tmp_path / "kept").rename(tmp_path / "code")
    monkeypatch.chdir(other)
    assert replayed(capsys, case).code == 1
    ran = subprocess.run(
        [console_script(), "verify", "--case", "../cases/deep/case.json"],
        cwd=other, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (1, "")


def test_nothing_is_written_when_all_holds_or_nothing_ran(capsys, tmp_path):
    case = tmp_path / "case.json"
    assert run_cli(capsys, "verify", write(tmp_path, given=True), *EXACT, "--save", str(case)).code == 0
    impossible = write(tmp_path, ("delta * t.phi", "max(delta, 0) * t.phi"), name="impossible.py")
    small = ("-d", "2", "-n", "3", "-L", "2", "--evidence", "derived")
    assert run_cli(capsys, "verify", impossible, *small, "--save", str(case)).code == 1
    assert run_cli(capsys, "verify", "td0", *EXACT, "--save", str(case)).code == 0
    assert {p.name for p in tmp_path.iterdir()} == {"mine.py", "impossible.py"}


def test_nothing_is_overwritten(capsys, tmp_path):
    path, case = wrong_file(tmp_path), tmp_path / "case.json"
    case.write_text("mine", encoding="utf-8")
    assert_refused(run_cli(capsys, "verify", path, *EXACT, "--save", str(case)), 2, "which exists")
    assert case.read_text(encoding="utf-8") == "mine"
    assert run_cli(capsys, "verify", path, *EXACT, "--save", str(tmp_path / "no" / "case.json")).code in (2, 4)
    assert not (tmp_path / "no").exists()


def test_a_case_stands_alone(capsys, tmp_path):
    path, case = wrong_file(tmp_path), tmp_path / "case.json"
    saved(capsys, path, case)
    assert_refused(run_cli(capsys, "verify", "td0", "--case", str(case)), 2, "name no algorithm")
    assert_refused(run_cli(capsys, "verify", "--case", str(case), "--save", "x.json"), 2, "--save")
    Path(path).unlink()
    assert_refused(run_cli(capsys, "verify", "--case", str(case)), 4, str(case), "there is no such file")


def test_two_files_of_one_name_keep_the_right_one(capsys, tmp_path):
    """The case must name the file that was refuted, not another that defines the same name."""
    right = write(tmp_path, given=True, name="right.py")
    wrong = write(tmp_path, TRANSPOSED, given=True, name="wrong.py")
    case = tmp_path / "case.json"
    assert run_cli(capsys, "verify", right, wrong, *EXACT, "--save", str(case)).code == 1
    assert json.loads(case.read_text(encoding="utf-8"))["subject"] == "./wrong.py"
    assert replayed(capsys, case).code == 1


def test_a_file_with_a_catalogue_name_is_kept_by_its_file(capsys, tmp_path):
    path = write(tmp_path, TRANSPOSED, ('name="mine"', 'name="td0"'), given=True)
    case = tmp_path / "case.json"
    assert run_cli(capsys, "verify", "td0", path, *EXACT, "--save", str(case)).code == 1
    assert json.loads(case.read_text(encoding="utf-8"))["subject"] == "./mine.py"


def test_a_case_that_raises_or_loops_when_replayed(capsys, tmp_path):
    path, case = wrong_file(tmp_path), tmp_path / "case.json"
    saved(capsys, path, case)
    Path(path).write_text(source(("    (w,) = weights", "    1 / 0"), given=True), encoding="utf-8")
    assert_refused(run_cli(capsys, "verify", "--case", str(case)), 4, f"{path}, line ", "ZeroDivisionError")
    Path(path).write_text(source(("    (w,) = weights", "    while True: pass"), given=True), encoding="utf-8")
    ran = run_cli(capsys, "verify", "--case", str(case), "--time-limit", "1")
    assert_refused(ran, 4, "did not finish within 1 seconds")
    Path(path).write_text(source(("    (w,) = weights", "    print('HELLO')\n    (w,) = weights"), given=True))
    ran = replayed(capsys, case)
    assert ran.code == 0 and len(ran.document["claims"]) == 1


# damaged cases


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place below the document's root; of a list the last entry stands for all."""
    items: Any = document.items() if isinstance(document, dict) else ()
    if isinstance(document, list) and document:
        items = [(len(document) - 1, document[-1])]
    below = [place for key, value in items for place in places(value, (*path, key))]
    return [path, *below] if path else below


def edited(document: Any, place: tuple[Any, ...], value: Any, remove: bool = False) -> Any:
    result = deepcopy(document)
    inner = result
    for key in place[:-1]:
        inner = inner[key]
    if remove:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return result


HOSTILE = (
    None, True, -1, 0, 7, "x", "", "abc", "1/0", "nan", "5/2", [], {}, ["1"], {"a": "1"}, {"rho": ["1"]}, [[]],
    [["1", "2"], ["1"]], "\0", "td0", "./off_policy.py", "./none.py", "../", "1e400", "1e999999999", "9" * 2000,
)  # fmt: skip


def full_case(folder: Path) -> tuple[Path, Any]:
    """A case with extras and values, and its file: everything a case can hold."""
    path = off_policy(folder)
    text = Path(path).read_text(encoding="utf-8")
    Path(path).write_text(text.replace('parameters=("gamma",)', 'parameters=("gamma", "beta")'), encoding="utf-8")
    case = folder / "case.json"
    assert run(["verify", path, *EXACT, "--parameter", "beta=1/3", "--save", str(case)]) == 1
    return case, json.loads(case.read_text(encoding="utf-8"))


def assert_no_crash(capsys: Any, case: Path, text: str) -> str | None:
    """What is wrong with the answer to a damaged case, or None."""
    case.write_text(text, encoding="utf-8")
    ran = run_cli(capsys, "verify", "--case", str(case), "--time-limit", "2", "--json")
    if ran.code not in (0, 1, 4) or "Traceback" in ran.err or "internal error" in ran.err:
        return f"exit {ran.code}: {ran.err[:160]}"
    if ran.code == 4 and (set(json.loads(ran.out)) != {"error"} or ran.err.count("\n") != 1):
        return f"not one line: {ran.err[:160]!r}"
    if ran.code != 4:
        assert ran.document["claims"]
    return None


SECTIONS = ("schema", "kind", "subject", "settings", "prompt", "starting_weights", "found")
UNREAD = ("kind", "found")
"""Sections that only people read: a replay runs to its end whatever stands there, so each place takes a few values."""


@pytest.mark.parametrize("section", SECTIONS)
def test_no_edit_of_a_case_crashes_its_replay(capsys, tmp_path, section):
    case, document = full_case(tmp_path)
    wrong = []
    for k, place in enumerate(p for p in places(document) if p[0] == section):
        for value in HOSTILE[k % 9 :: 9] if section in UNREAD else HOSTILE:
            if place == ("settings", "layers") and value in ("1e400", "9" * 2000):
                continue  # below: a case of many layers
            crash = assert_no_crash(capsys, case, json.dumps(edited(document, place, value)))
            wrong += [(place, value, crash)] if crash else []
        crash = assert_no_crash(capsys, case, json.dumps(edited(document, place, None, remove=True)))
        wrong += [(place, "removed", crash)] if crash else []
    assert not wrong, f"{len(wrong)} edits, the first: {wrong[:3]}"


@pytest.mark.parametrize("subject", ("./off_policy.py", "td0"))
def test_a_case_of_very_many_layers_ends_within_its_time(capsys, tmp_path, subject):
    case, document = full_case(tmp_path)
    document["settings"]["layers"], document["subject"] = 10**6, subject
    if subject == "td0":
        del document["settings"]["values"], document["prompt"]["extras"]
    case.write_text(json.dumps(document), encoding="utf-8")
    command = ("timeout", "-s", "KILL", "8", console_script(), "verify", "--case", str(case), "--time-limit", "1")
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode in (2, 4) and "Traceback" not in ran.stderr, f"not stopped: {ran}"


@pytest.mark.parametrize("key", ("layers", "features", "context", "seed"))
def test_a_setting_that_is_no_whole_number_is_refused(capsys, tmp_path, key):
    case, document = full_case(tmp_path)
    document["settings"][key] = "5/2"
    case.write_text(json.dumps(document), encoding="utf-8")
    assert_refused(run_cli(capsys, "verify", "--case", str(case)), 4, key)


@pytest.mark.parametrize("text", ("", "{", "[]", "3", "null", '{"a": 1, "a": 2}', "NaN", "[" * 100000, "\ufeff"))
def test_no_json_or_another_document(capsys, tmp_path, text):
    case = tmp_path / "case.json"
    case.write_text(text, encoding="utf-8")
    assert_refused(run_cli(capsys, "verify", "--case", str(case)), 4, str(case))
    assert_refused(run_cli(capsys, "verify", "--case", str(tmp_path)), 4, "is a directory")
    assert_refused(run_cli(capsys, "verify", "--case", str(tmp_path / "none.json")), 4, "there is no such file")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_no_cut_or_changed_byte_crashes_the_replay(capsys, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("case")
    case, document = full_case(folder)
    text = json.dumps(document)
    at = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.text(alphabet='0123456789"[]{}:,-./eE x\\', max_size=3))
    width = data.draw(st.integers(0, 6))
    assert assert_no_crash(capsys, case, text[:at] + put + text[at + width :]) is None
