"""`layerproof converge`: answers and their JSON, assertions, errors, families of prompts, and what is not hidden."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from cli import Ran, assert_refused, run_cli
from convergence_prompts import CYCLE, EXPANDING, TWO, WINDOW

import layerproof as lp
from layerproof.proofs.verdict import prompt_json
from layerproof.symbolic.algorithms import catalogue

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A folder with the prompts as files."""
    for name, context in (("two", TWO), ("cycle", CYCLE), ("expanding", EXPANDING), ("window", WINDOW)):
        (tmp_path / f"{name}.json").write_text(json.dumps(prompt_json(context)))
    return tmp_path


def ask(capsys: Capture, prompts: Path, prompt: str, *arguments: str, algorithm: str = "td0") -> Ran:
    return run_cli(capsys, "converge", algorithm, "--prompt", str(prompts / f"{prompt}.json"), *arguments)


def preconditioners(path: Path, *steps: list) -> Path:
    entries = [[step] for step in steps]
    path.write_text(json.dumps({"format": "layerproof-preconditioners", "schema": 1, "preconditioners": entries}))
    return path


# answers


def test_the_keys_of_an_answer(capsys: Capture, prompts: Path) -> None:
    document = ask(capsys, prompts, "two", "--json").document
    assert document["answer"] == "converges" and document["command"] == "converge"
    assert document["limit"]["weights"] == {"w": ["100/19", "90/19"]} and document["limit"]["prediction"] == "100/19"
    assert document["limit"]["names"][0].startswith("LSTD") and document["limit"]["reached_from"] == "every start"
    assert document["rate"]["spectral_radius"] == ["19/20", "19/20"]
    assert Fraction(19, 20) < Fraction(document["rate"]["r"]) < 1
    assert document["layers"] == document["certificate"]["layers"] > 200
    assert document["steps"]["every_start"] == [{"from": ["0", "0"], "to": ["40/19", "40/19"]}]
    assert {k: v["answer"] for k, v in document["decisions"].items()} == dict.fromkeys(
        ("start", "every_start", "prediction", "prediction_every_start", "value_differences"), "converges"
    )
    for value, bound in zip(document["values"], document["envelope"], strict=True):
        assert abs(value - 100 / 19) <= bound * (1 + 1e-12)


def test_a_question_that_is_answered_is_no_failure_and_an_assertion_may_be(capsys: Capture, prompts: Path) -> None:
    asked = ask(capsys, prompts, "expanding", "--json")
    assert asked.code == 0 and asked.document["answer"] == "diverges"
    assert {asked.document[key] for key in ("rate", "layers", "limit")} == {None}
    assert asked.document["steps"]["start"] == asked.document["steps"]["every_start"] == []
    assert ask(capsys, prompts, "expanding", "--assert", "converges").code == 1
    assert ask(capsys, prompts, "two", "--assert", "converges").code == 0


def test_the_first_lines_say_what_was_decided(capsys: Capture, prompts: Path) -> None:
    printed = ask(capsys, prompts, "window", "--alpha", "1/10", "--step", "D=1/2", algorithm="gtd2").out
    assert "from w_0             converges  all 4 eigenvalues" in printed
    assert "converges for 0.091710431 < alpha < 0.11042432" in printed
    assert "no gradient in any constant metric" in printed
    beyond = ask(capsys, prompts, "window", "--alpha", "2/25", "--step", "D=1/2", "--assert", "converges",
                 algorithm="gtd2")  # fmt: skip
    assert beyond.code == 1 and "REFUTED  asserted: it converges" in beyond.out


def test_the_drift_is_shown_and_value_differences_converge(capsys: Capture, prompts: Path) -> None:
    asked = ask(capsys, prompts, "cycle", "--json", algorithm="average-reward-td").document
    assert asked["answer"] == "diverges" and asked["drift"] == {"w": ["2/27"] * 3}
    assert asked["decisions"]["value_differences"]["answer"] == "converges"
    differential = ask(capsys, prompts, "cycle", "--alpha", "1/2", "--json", algorithm="differential-td").document
    assert differential["answer"] == "converges"
    assert differential["limit"]["reached_from"] == "every start, each to a limit of its own"


def test_a_limit_of_the_cyclic_subspace_is_not_passed_for_more() -> None:
    context = lp.Context.of([[1, 0], [0, 1]], [[0, 0], [0, 4]], [1, 0], [1, 1])
    decided = lp.converge("td0", prompt=context, gamma="1/2", alpha=1)
    assert decided.answer == "converges" and decided.limit["weights"] == {"w": ["1", "0"]}
    assert decided.limit["reached_from"] == "w_0, and not every start"
    assert decided.document()["decisions"]["every_start"]["answer"] == "diverges"
    elsewhere = lp.converge("td0", prompt=context, gamma="1/2", start={"w": [0, 1]})
    assert elsewhere.answer == "diverges" and elsewhere.limit is None and elsewhere.layers is None


def test_only_the_prediction_converges() -> None:
    context = lp.Context.of([[1, 0], [0, 1]], [[0, 0], [0, 4]], [1, 1], [1, 0])
    decided = lp.converge("td0", prompt=context, gamma="1/2")
    assert decided.answer == "diverges" and decided.limit["weights"] is None and decided.limit["prediction"] == "1"
    assert decided.limit["reached_from"] == "the prediction only: the weights diverge" and decided.layers > 0


def test_a_field_that_is_no_gradient_and_two_that_show_their_loss(capsys: Capture, prompts: Path) -> None:
    cyclic = ask(capsys, prompts, "cycle", "--json").document["gradient"]
    assert cyclic["answer"] == "not a gradient" and cyclic["metric"] is None
    assert cyclic["roots"][0] == pytest.approx([29 / 60, 3 * 3**0.5 / 20]) or cyclic["roots"][0][1] < 0
    for name, loss in (("least-squares", "residual"), ("residual-gradient", "TD error")):
        shown = ask(capsys, prompts, "cycle", "--json", algorithm=name).document["gradient"]
        assert shown["loss"] == f"half the mean squared {loss}" and shown["metric"] is not None
    assert "it descends half the mean squared residual" in ask(capsys, prompts, "cycle", algorithm="least-squares").out


def test_the_table_of_all_algorithms_has_the_single_answers(capsys: Capture) -> None:
    options = ("--process", "loop", "-d", "2", "-n", "5")
    document = run_cli(capsys, "converge", *options, "--json").document
    rows, left_out = document["table"], document["left_out"]
    assert left_out == [n for n, a in catalogue().items() if a.extras or a.selections or a.enumerates]
    assert {"off-policy-td", "online-td"} <= set(left_out)
    assert [row["algorithm"] for row in rows] == [name for name in catalogue() if name not in left_out]
    assert {row["process"] for row in rows} == {"loop"}
    for name in ("gtd2", "average-reward-td"):
        alone = run_cli(capsys, "converge", name, *options, "--json").document
        (row,) = (row for row in rows if row["algorithm"] == name)
        assert row["answer"] == alone["answer"] and row["layers"] == alone["layers"]
        assert row["rate"] == (alone["rate"] and alone["rate"]["r"])
        assert row["names"] == ((alone["limit"] or {}).get("names") or [])
    ran = run_cli(capsys, "converge", *options)
    assert ran.code == 0 and len(ran.out.splitlines()) == 1 + len(rows) + 2 + len(left_out)
    for given in (("--start", "w=1,0"), ("--assert", "converges"), ("--picture", "x.svg"), ("--trials", "2")):
        assert_refused(run_cli(capsys, "converge", *options, *given), 2, "given, but no algorithm")


def test_trainings_field_is_asked_about_on_request(capsys: Capture, prompts: Path) -> None:
    asked = ("-d", "1", "-n", "3", "--outer")
    field = run_cli(capsys, "converge", "least-squares", *asked, "--json").document["outer_gradient"]
    assert field["answer"] == "not refuted" and field["symmetric"] and "cannot show it" in field["why"]
    assert "training  the outer semi-gradient" in run_cli(capsys, "converge", "least-squares", *asked).out
    assert_refused(ask(capsys, prompts, "two", "--outer"), 2, "trajectories of a process")


def test_steps_from_a_file(capsys: Capture, prompts: Path) -> None:
    one = preconditioners(prompts / "one.json", [["1/2", 0], [0, "1/2"]])
    assert ask(capsys, prompts, "two", "--C", str(one), "--json").document["steps"]["start"] == [
        {"from": ["0", "0"], "to": ["80/19", "80/19"]}
    ]
    two = preconditioners(prompts / "two_steps.json", [["1/2", 0], [0, "1/2"]], [[1, 0], [0, "3/2"]])
    finite = ask(capsys, prompts, "two", "--C", str(two), "--json")
    assert finite.code == 3 and finite.document["answer"] == "undecided" and finite.document["certificate"] is None
    assert "no limit is defined" in finite.document["reason"]
    periodic = ask(capsys, prompts, "two", "--C", str(two), "--periodic", "--json").document
    assert periodic["answer"] == "converges" and periodic["rate"]["period"] == 2
    assert "prediction_every_start" not in periodic["decisions"]
    assert len(periodic["rate"]["constants"]) == 2 and periodic["limit"]["weights"] == {"w": ["100/19", "90/19"]}
    same = preconditioners(prompts / "same.json", *[[["1/2", 0], [0, "1/2"]]] * 3)
    assert ask(capsys, prompts, "two", "--C", str(same), "--json").document["rate"]["period"] == 1


def test_the_distance_from_the_true_values_is_split(capsys: Capture) -> None:
    document = run_cli(capsys, "converge", "td0", "-d", "2", "-n", "12", "--json").document
    parts = document["distance_from_true_values"]
    assert parts["true_values"] == "discounted values" and set(parts["mean_square"]) == {
        "layers",
        "context",
        "features",
        "bias",
    }
    assert parts["mean_square"]["bias"] == "0"
    tabular = run_cli(capsys, "converge", "td0", "--tabular", "-d", "3", "-n", "12", "--json").document
    assert tabular["distance_from_true_values"]["mean_square"]["features"] == "0"
    biased = run_cli(capsys, "converge", "residual-gradient", "--tabular", "-d", "3", "-n", "12", "--json").document
    square = biased["distance_from_true_values"]["mean_square"]
    assert square["features"] == "0" and Fraction(square["bias"]) > 0


# families


def test_a_family_of_prompts_and_its_worst(capsys: Capture, tmp_path: Path) -> None:
    kept = tmp_path / "worst.json"
    options = ("--process", "loop", "-d", "2", "-n", "6", "--seed", "1")
    document = run_cli(
        capsys, "converge", "td0", *options, "--alpha", "3", "--trials", "6", "-o", str(kept), "--json"
    ).document
    family = document["trials"]
    assert family["count"] == 6 == sum(family["answers"].values())
    assert Fraction(family["fraction_that_converges"]) == Fraction(family["answers"]["converges"], 6)
    singles = [
        run_cli(capsys, "converge", "td0", *options[:-1], str(1 + k), "--alpha", "3", "--json").document
        for k in range(6)
    ]
    assert family["answers"]["converges"] == sum(s["answer"] == "converges" for s in singles)
    worst = family["worst"]["number"]
    assert document["certificate"] == singles[worst]["certificate"] == json.loads(kept.read_text())
    if family["answers"]["diverges"]:
        assert document["answer"] == "diverges"
    else:
        assert document["layers"] == max(s["layers"] for s in singles)
    printed = run_cli(capsys, "converge", "td0", *options, "--trials", "2").out
    assert "of 2 prompts converge" in printed and "layers for epsilon: least" in printed


def test_an_assertion_about_a_family_is_refuted_by_one_prompt(capsys: Capture) -> None:
    options = ("--process", "loop", "-d", "2", "-n", "6", "--alpha", "100", "--trials", "3")
    assert run_cli(capsys, "converge", "td0", *options, "--assert", "converges").code == 1


# constructions of one's own


@pytest.mark.slow
def test_examples_of_own_constructions(capsys: Capture) -> None:
    ridge = run_cli(capsys, "converge", str(EXAMPLES / "ridge_td.py"), "-d", "2", "-n", "6", "--json").document
    assert ridge["answer"] == "converges" and ridge["limit"]["weights"] is None and ridge["layers"] > 0
    options = ("-d", "2", "-n", "6", "--json", "--read", "T[1]")
    squared = run_cli(capsys, "converge", str(EXAMPLES / "newton_schulz_lstd.py"), *options).document
    assert squared["answer"] == "converges" and squared["rate"]["doubling"] and squared["layers"] < 20
    assert "layers 1 to 3 are the same" in squared["note"]
    far = run_cli(
        capsys, "converge", str(EXAMPLES / "newton_schulz_lstd.py"), *options, "--parameter", "start=100"
    ).document
    assert far["answer"] == "diverges" and far["limit"] is None
    heavy = run_cli(capsys, "converge", str(EXAMPLES / "heavy_ball_td.py"), "-d", "2", "-n", "6", "--json").document
    assert heavy["answer"] == "converges" and set(heavy["limit"]["weights"]) == {"w", "u"}


@pytest.mark.slow
def test_a_file_from_the_template(capsys: Capture, tmp_path: Path) -> None:
    assert run_cli(capsys, "new", "my-td", "-o", str(tmp_path)).code == 0
    kept = tmp_path / "certificate.json"
    ran = run_cli(capsys, "converge", str(tmp_path / "my_td.py"), "-d", "2", "-n", "6", "--json", "-o", str(kept))
    assert ran.document["answer"] == "converges" and ran.document["certificate"]["subject"] == "./my_td.py"
    assert run_cli(capsys, "check", str(kept)).code == 0


@pytest.mark.slow
def test_given_heads_that_do_not_run_the_update_are_not_passed_for_it(capsys: Capture, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    text = (EXAMPLES / "heavy_ball_td.py").read_text()
    assert "-step.C.mT" in text
    wrong.write_text(text.replace("-step.C.mT", "-2 * step.C.mT"))
    ran = run_cli(capsys, "converge", str(wrong), "-d", "2", "-n", "4", "--json")
    assert ran.code == 3 and ran.document["answer"] == "undecided"
    assert "do not run the update" in ran.document["reason"] and ran.document["certificate"] is None


# errors


@pytest.mark.parametrize(
    ("arguments", "code", "fragment"),
    [
        (("td-0",), 2, "did you mean td0"),
        (("td0", "--alpha", "0"), 2, "alpha is 0, wanted a positive"),
        (("td0", "--alpha", "nan"), 2, "alpha is 'nan'"),
        (("td0", "--gamma", "2"), 2, "gamma is 2"),
        (("td0", "--epsilon", "-1"), 2, "epsilon is -1"),
        (("td0", "--assert", "diverges"), 2, "wanted converges"),
        (("td0", "--step", "D=1/2"), 2, "step is given for 'D'"),
        (("td0", "--step", "D"), 2, "wanted NAME=VALUE"),
        (("td0", "--start", "w=1"), 2, "start of w has 1 entries, wanted 3"),
        (("td0", "--start", "w"), 2, "wanted NAME=VALUE"),
        (("td0", "--start", "v=1,2,3"), 2, "start is given for 'v'"),
        (("td0", "--parameter", "beta=1/2"), 2, "parameter is given for 'beta'"),
        (("td0", "--trace", "lam"), 2, "keeps no trace"),
        (("td0", "--process", "lop"), 2, "did you mean loop"),
        (("td0", "--periodic"), 2, "periodic"),
        (("td0", "--trials", "0"), 2, "trials is 0"),
        (("td0", "-d", "100"), 2, "the limit is 60"),
        (("td0", "-n", "100000"), 2, "context is 100000, above the limit of 10000"),
        (("td0", "--prompt", "no.json"), 4, "there is no such file"),
        (("td0", "--C", "no.json"), 4, "there is no such file"),
        (("td0", "-o", "no/where.json"), 2, "there is no folder"),
        (("td0", "--picture", "x.png"), 2, "ends in .svg"),
        (("td0", "--read", "x"), 2, "read is 'x'"),
    ],
)
def test_what_is_wrong_is_said(capsys: Capture, arguments: tuple[str, ...], code: int, fragment: str) -> None:
    assert_refused(run_cli(capsys, "converge", *arguments), code, fragment)


def test_arguments_that_exclude_each_other(capsys: Capture, prompts: Path) -> None:
    C = preconditioners(prompts / "one.json", [[1, 0], [0, 1]])
    for arguments, fragment in (
        (("--process", "loop"), "a prompt is given"),
        (("--tabular",), "a prompt is given"),
        (("-d", "2"), "a prompt is given"),
        (("--trials", "2"), "a prompt is given"),
        (("--C", str(C), "--alpha", "1"), "alpha and C are both given"),
        (("--C", str(C), "--step", "C=1"), "step and C are both given"),
        (("--C", str(C), "--periodic"), "two or more entries"),
    ):
        assert_refused(ask(capsys, prompts, "two", *arguments), 2, fragment)
    ridge = run_cli(capsys, "converge", str(EXAMPLES / "ridge_td.py"), "--alpha", "1/2")
    assert_refused(ridge, 2, "weights of its own")


def test_a_picture_of_iterates_inside_their_envelope(capsys: Capture, prompts: Path) -> None:
    drawn = prompts / "envelope.svg"
    assert ask(capsys, prompts, "two", "--picture", str(drawn)).code == 0
    assert "certified envelope" in drawn.read_text() and drawn.read_text().startswith("<svg")
    refused = ask(capsys, prompts, "expanding", "--picture", str(drawn))
    assert refused.code == 2 and "nothing to draw" in refused.err


def test_an_algorithm_that_enumerates_states_asks_for_its_prompt(capsys, tmp_path):
    ran = run_cli(capsys, "converge", "dynamic-programming")
    assert ran.code == 2 and "holds each state once" in ran.err
    loose = {"features": [[1, 0]], "next_features": [[0, 1]], "rewards": [1], "query": [1, 0]}
    whole = {
        "features": [[1, 0], [0, 1]],
        "next_features": [["1/2", "1/2"], [0, 1]],
        "rewards": [1, 0],
        "query": [1, 0],
    }
    for prompt, code in ((loose, 2), (whole, 0)):
        (tmp_path / "prompt.json").write_text(json.dumps(prompt))
        ran = run_cli(capsys, "converge", "dynamic-programming", "--prompt", str(tmp_path / "prompt.json"))
        assert ran.code == code, ran.err
    assert "converges" in ran.out
