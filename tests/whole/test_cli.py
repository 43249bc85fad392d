"""The command line: exit codes, one clear line for everything refused, and a stdout that holds results only."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from cli import EXACT, QUICK, SMALL, assert_refused, console_script, python, run_cli
from cyclopts import Parameter
from expected import expected
from helpers import NAMES

import layerproof as lp
from layerproof.numeric.files.weights_file import document, from_document
from layerproof.proofs.commands import derive as derive_command
from layerproof.proofs.commands import list as list_command
from layerproof.proofs.commands import verify as verify_command
from layerproof.proofs.evidence import exact, kinds
from layerproof.proofs.terminal.run_options import RunOptions
from layerproof.symbolic.algorithm import GROUPS
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.errors import NotRepresentableError
from layerproof.symbolic.strict_json import loads

Capture = pytest.CaptureFixture[str]
SIZE_OPTIONS = ("-d", "-n", "-L", "--trials", "--exact-trials", "--max-work", "--entrywise-features",
                "--entrywise-context")  # fmt: skip
PROMPT = {
    "features": [["1/2", 0.25, 1], [0, 1, 2]],
    "next_features": [[0, 1, 2], [1, 1, 1]],
    "rewards": [-1e-3, "2/3"],
    "query": [1, 1, 0],
}


def write(folder: Path, content: Any, name: str = "prompt.json") -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


# wrong arguments: exit code 2


@pytest.mark.parametrize("command", ["verify", "derive"])
@pytest.mark.parametrize(
    ("name", "near"),
    [("td-0", "td0"), ("TD_LAMBDA", "td-lambda"), ("gdt2", "gtd2"), ("average-reward", "average-reward-td")],
)
def test_an_unknown_algorithm_is_refused_with_the_nearest_names(
    capsys: Capture, command: str, name: str, near: str
) -> None:
    assert_refused(run_cli(capsys, command, name), 2, f"no algorithm '{name}'", "did you mean", near)


def test_an_algorithm_near_to_nothing_is_refused_with_all_names(capsys: Capture) -> None:
    assert_refused(run_cli(capsys, "verify", "zzzz", *QUICK), 2, "there is no algorithm 'zzzz'", *lp.algorithms())


@pytest.mark.parametrize("option", SIZE_OPTIONS)
@pytest.mark.parametrize("value", ["0", "-1", "-100"])
def test_sizes_below_one_are_refused(capsys: Capture, option: str, value: str) -> None:
    assert_refused(run_cli(capsys, "verify", "td0", "--evidence", "derived", option, value), 2, f"is {value}, wanted")


@pytest.mark.parametrize("option", [*SIZE_OPTIONS, "--seed"])
@pytest.mark.parametrize("value", ["2.5", "two", "1e1", "1/2", "nan", ""])
def test_sizes_that_are_no_integers_are_refused(capsys: Capture, option: str, value: str) -> None:
    assert_refused(run_cli(capsys, "verify", "td0", "--evidence", "derived", option, value), 2)


@pytest.mark.parametrize("option", ["-d", "-n", "-L"])
@pytest.mark.parametrize("value", ["0", "-1", "2.5", "two"])
def test_derive_refuses_the_same_sizes(capsys: Capture, option: str, value: str) -> None:
    assert_refused(run_cli(capsys, "derive", "td0", option, value), 2)


def test_a_negative_seed_is_refused(capsys: Capture) -> None:
    assert_refused(run_cli(capsys, "verify", "td0", *QUICK, "--seed", "-1"), 2, "seed is -1, wanted")


@pytest.mark.parametrize("command", [("verify", "td0", *QUICK), ("derive", "td0")])
@pytest.mark.parametrize("name", ["gamma", "lam"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("11/10", "11/10"),
        ("1.5", "3/2"),
        ("-1/2", "-1/2"),
        ("-0.1", "-1/10"),
        ("nan", "'nan'"),
        ("inf", "'inf'"),
        ("x", "'x'"),
        ("", "''"),
        ("1/0", "denominator"),
        ("1e40000000", "exponent"),
        ("0." + "9" * 1000, "1000 characters"),
    ],
)
def test_gamma_and_lambda_outside_their_domain_are_refused(
    capsys: Capture, command: tuple[str, ...], name: str, value: str, message: str
) -> None:
    assert_refused(run_cli(capsys, *command, f"--{name}={value}"), 2, f"{name} is ", message)


@pytest.mark.parametrize("value", ["0", "1", "0.9", "9/10", "1e-3"])
def test_gamma_is_read_exactly(capsys: Capture, value: str) -> None:
    ran = run_cli(capsys, "verify", "td0", *QUICK, "--gamma", value, "--json")
    assert ran.code == 0 and Fraction(ran.document["settings"]["gamma"]) == Fraction(value)


def test_work_above_the_limit_is_refused_with_the_limit_and_how_to_raise_it(capsys: Capture) -> None:
    large = ("verify", "td0", "-d", "1", "-n", "2", "-L", "20", "--trials", "1", "--evidence", "identity-exact")
    ran = run_cli(capsys, *large, "--max-work", "1599")
    assert_refused(ran, 2, "limit of 1599", "layers is 20", "--max-work ")
    assert run_cli(capsys, *large, "--max-work", ran.err.split()[-1]).code == 0


def test_the_default_limit_refuses_hours_of_work_at_once(capsys: Capture) -> None:
    assert_refused(run_cli(capsys, "verify", "-n", "100000", "-L", "10000"), 2, "limit of 1000000000", "--max-work")


def test_matrices_too_large_to_print_are_refused_with_the_limit(capsys: Capture) -> None:
    assert_refused(run_cli(capsys, "derive", "td0", "-d", "1000"), 2, "above the limit of 1000000", "--looped")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "td0", *QUICK, "--nope"), "--nope"),
        (("verify", "td0", *QUICK, "--feature", "2"), "--feature"),
        (("derive", "td0", "--nope"), "--nope"),
        (("derive", "td0", "--format", "pdf"), "pdf"),
        (("derive", "td0", "tdc"), "tdc"),
        (("derive",), "algorithm"),
        (("list", "td0"), "td0"),
        (("nope",), "nope"),
        (("verify", "td0", *SMALL, "--evidence", "identity-exat"), "did you mean identity-exact"),
        (("verify", "td0", *SMALL, "--evidence", "float", "--dtype", "float8"), "wanted one of float64"),
        (("verify", "td0", *SMALL, "--evidence", "float", "--device", "tpu"), "wanted auto, cpu"),
        (("verify", "td0", *QUICK, "--process", "boyan"), "did you mean boyan-chain"),
        (("verify", "td0", *QUICK, "--trace", "lam"), "trace is 'lam'"),
        (("derive", "td0", "--trace", "lam"), "trace is 'lam'"),
        (("verify", "td-lambda", *QUICK, "--trace", "gamma"), "wanted lam or gamma-lam"),
        (("derive", "td-lambda", "--trace", "gamma"), "wanted lam or gamma-lam"),
    ],
)
def test_other_wrong_arguments_are_refused(capsys: Capture, arguments: tuple[str, ...], message: str) -> None:
    assert_refused(run_cli(capsys, *arguments), 2, message)


def test_a_hostile_name_cannot_garble_the_message(capsys: Capture) -> None:
    ran = run_cli(capsys, "verify", "td0\n\x1b[31m" * 1000, *QUICK)
    assert_refused(ran, 2)
    assert "\x1b" not in ran.err and len(ran.err) < 600


# wrong content, and devices that are not there: exit code 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({k: v for k, v in PROMPT.items() if k != "rewards"}, "rewards is missing"),
        ({**PROMPT, "rewards": [1]}, "rewards has 1 entries"),
        ({**PROMPT, "features": [[1, 2], [3, 4]]}, "features[0] has 2 entries, wanted 3"),
        ({**PROMPT, "reward": []}, "did you mean rewards"),
        (json.dumps(PROMPT).replace("0.25", "NaN"), "NaN"),
        ({**PROMPT, "query": ["nan", 0, 1]}, "query[0] is 'nan'"),
        (json.dumps(PROMPT).replace("0.25", "1e40000000"), "exponent"),
        ({**PROMPT, "query": ["9" * 1001, 0, 1]}, "1000 characters"),
        ('{"features": [], "features": []}', "given twice"),
        ("{", "is not JSON"),
        ("", "is empty"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_wrong_json_prompt_is_refused_with_its_name_and_the_place(
    capsys: Capture, tmp_path: Path, content: Any, message: str
) -> None:
    path = write(tmp_path, content)
    assert_refused(run_cli(capsys, "verify", "td0", *QUICK, "--prompt", path), 4, path, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("phi_1,phi_2,phi_next_1,reward\n1,2,3,4\n", "column phi_next_2 is missing"),
        ("phi_1,phi_next_1\n1,2\n", "column reward is missing"),
        ("phi_1,phi_next_1,reward\n1,2\n", "has 2 cells"),
        ("phi_1,phi_next_1,reward\n1,nan,3\n", "column phi_next_1 is 'nan'"),
    ],
)
def test_a_wrong_csv_prompt_is_refused_with_its_name_and_the_place(
    capsys: Capture, tmp_path: Path, content: str, message: str
) -> None:
    path = write(tmp_path, content, "prompt.csv")
    assert_refused(run_cli(capsys, "verify", "td0", *QUICK, "--prompt", path), 4, path, message)


@pytest.mark.parametrize("name", ["missing.json", "missing.csv", "notes.txt", ""])
def test_a_prompt_file_that_is_not_there_or_of_another_kind_is_refused(
    capsys: Capture, tmp_path: Path, name: str
) -> None:
    assert_refused(run_cli(capsys, "verify", "td0", *QUICK, "--prompt", str(tmp_path / name)), 4, str(tmp_path))


def test_an_accelerator_that_is_not_there_is_refused_before_anything_runs(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    ran = run_cli(capsys, "verify", "td0", *SMALL, "--device", "cuda")
    assert_refused(ran, 4, "device is cuda", "--device cpu")


# what counts


def test_everything_asked_for_holds_is_0(capsys: Capture) -> None:
    asked = [word for kind in EXACT for word in ("--evidence", kind)]
    ran = run_cli(capsys, "verify", "td0", "average-reward-td", *SMALL, *asked)
    assert ran.code == 0
    assert "td0" in ran.out and "average-reward-td" in ran.out and "12 claims: 12 HOLDS" in ran.out


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every derivation of td0 has the sign of its first key-query entry wrong."""
    good = lp.derive("td0")
    first, *rest = good.heads[0].E.items()
    head = replace(good.heads[0], E=dict([(first[0], -first[1]), *rest]))
    monkeypatch.setattr("layerproof.proofs.case.derive", lambda *_: replace(good, heads=(head,)))


@pytest.mark.usefixtures("planted")
def test_a_refuted_claim_is_1_and_prints_the_counterexample(capsys: Capture) -> None:
    ran = run_cli(capsys, "verify", "td0", *SMALL, "--evidence", "identity-exact")
    assert ran.code == 1
    wanted = ("REFUTED", "counterexample: the smallest prompt found", "transition ", "query: (", "starting weights: (",
              "after layer 1, row td_error, ", "transformer   ", "textbook loop ", "1 claim: 1 REFUTED")  # fmt: skip
    for text in wanted:
        assert text in ran.out
    assert "Traceback" not in ran.err


@pytest.mark.usefixtures("planted")
def test_the_json_of_a_refuted_claim_has_the_witness(capsys: Capture) -> None:
    ran = run_cli(capsys, "verify", "td0", *SMALL, "--evidence", "identity-exact", "--json")
    assert ran.code == 1
    (claim,) = [c for c in ran.document["claims"] if c["asked"]]
    assert claim["verdict"] == "REFUTED"
    wanted = {"prompt", "starting_weights", "layer", "row", "column", "layer_value", "iterate_value"}
    assert wanted <= set(claim["witness"])


@pytest.mark.usefixtures("planted")
def test_what_is_wrong_but_was_not_asked_for_does_not_count(capsys: Capture) -> None:
    ran = run_cli(capsys, "verify", "td0", *QUICK, "--json")
    assert ran.code == 0
    verdicts = {c["evidence"]: (c["verdict"], c["asked"]) for c in ran.document["claims"]}
    assert verdicts == {kind: ("HOLDS", True) if kind == "derived" else ("NOT_RUN", False) for kind in kinds()}


def test_a_claim_that_was_asked_for_and_could_not_be_run_is_3(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(case: Any) -> Any:
        raise NotRepresentableError("no layer does this")

    monkeypatch.setattr(exact, "establish", cannot)
    ran = run_cli(capsys, "verify", "td0", *SMALL, "--evidence", "identity-exact")
    assert ran.code == 3 and "no layer does this" in ran.out and "1 claim: 1 NOT_RUN" in ran.out


def test_an_internal_error_is_5_and_one_line_and_the_traceback_is_there_for_the_asking(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(case: Any) -> Any:
        raise RuntimeError("planted")

    monkeypatch.setattr(exact, "establish", broken)
    monkeypatch.delenv("LAYERPROOF_TRACEBACK", raising=False)
    arguments = ("verify", "td0", *SMALL, "--evidence", "identity-exact")
    ran = run_cli(capsys, *arguments)
    assert (ran.code, ran.out) == (5, "")
    assert "internal error: RuntimeError: planted" in ran.err and "Traceback" not in ran.err
    monkeypatch.setenv("LAYERPROOF_TRACEBACK", "1")
    assert "Traceback" in run_cli(capsys, *arguments).err


# stdout holds results, stderr progress


def test_json_is_one_canonical_document_on_stdout_and_progress_goes_to_stderr(capsys: Capture) -> None:
    ran = run_cli(capsys, "verify", "td0", "td-lambda", *QUICK, "--json")
    assert ran.document["command"] == "verify"
    assert ran.err.splitlines() == ["layerproof: td0, 1 of 2 ...", "layerproof: td-lambda, 2 of 2 ..."]


def test_the_table_is_printed_once_and_without_progress(capsys: Capture) -> None:
    ran = run_cli(capsys, "verify", "td0", "tdc", *QUICK)
    assert re.findall(r"\b(?:algorithm|td0|tdc)\b", ran.out) == ["algorithm", "td0", "tdc"]
    assert "..." not in ran.out and "\x1b" not in ran.out and "\r" not in ran.out


def test_the_same_question_gives_the_same_bytes(capsys: Capture) -> None:
    arguments = ("verify", "td-lambda", *SMALL, "--seed", "7", "--json")
    asked = [word for kind in EXACT for word in ("--evidence", kind)]
    first, second = (run_cli(capsys, *arguments, *asked).out for _ in range(2))
    assert first == second
    assert first != run_cli(capsys, *arguments[:-2], "8", "--json", *asked).out


def test_the_settings_are_in_the_json(capsys: Capture) -> None:
    ran = run_cli(capsys, "verify", "td-lambda", *QUICK, "--lam", "0.25", "--trace", "gamma-lam", "--looped", "--json")
    settings = ran.document["settings"]
    wanted = {"features": 2, "context": 3, "layers": 2, "gamma": "9/10", "lam": "1/4", "trace": "gamma-lam",
              "looped": True, "seed": 0, "prompt": "drawn"}  # fmt: skip
    assert {k: settings[k] for k in wanted} == wanted


def test_details_say_every_claim_in_words_with_what_a_holds_means(capsys: Capture) -> None:
    asked = ("verify", "td0", *SMALL, "--evidence", "identity-exact")
    statement = "all 2 layers are the iterates"
    ran = run_cli(capsys, *asked, "--details")
    assert statement in ran.out and "exact on these instances" in ran.out
    assert statement not in run_cli(capsys, *asked).out


# the same names on every command


def names_of(command: Callable[..., Any]) -> dict[str, tuple[str, ...]]:
    """The names of each argument of a command, as declared, those of a group of options among them."""
    hints = get_type_hints(command, include_extras=True)
    if hints.get("options") is RunOptions:
        hints |= get_type_hints(RunOptions, include_extras=True)
    return {
        argument: tuple(p.name)
        for argument, hint in hints.items()
        for p in get_args(hint)[1:]
        if isinstance(p, Parameter) and p.name
    }


def test_an_argument_has_the_same_long_and_short_name_on_every_command() -> None:
    wanted = {
        "features": ("--features", "-d"), "context": ("--context", "-n"), "layers": ("--layers", "-L"),
        "gamma": ("--gamma",), "lam": ("--lam",), "trace": ("--trace",), "seed": ("--seed",), "json": ("--json",),
    }  # fmt: skip
    commands = [names_of(m.command) for m in (verify_command, derive_command, list_command)]
    assert wanted.items() <= commands[0].items()
    for names in commands:
        for argument, given in names.items():
            assert given == wanted.get(argument, given) == commands[0].get(argument, given)
            assert f"--{argument.replace('_', '-')}" in given
    assert set(wanted) - {"json"} <= set(commands[1])


@pytest.mark.parametrize("command", [("verify", "td0", "--evidence", "identity-exact", "--json"),
                                     ("derive", "td0", "--format", "json")])  # fmt: skip
def test_short_and_long_names_ask_the_same(capsys: Capture, command: tuple[str, ...]) -> None:
    short = run_cli(capsys, *command, "-d", "2", "-n", "3", "-L", "2")
    long = run_cli(capsys, *command, "--features", "2", "--context", "3", "--layers", "2")
    assert short.code == 0 and short == long
    assert short.out != run_cli(capsys, *command, "-d", "3", "-n", "2", "-L", "2").out


# list


def test_list_shows_every_algorithm_with_its_heads_rows_and_source(capsys: Capture) -> None:
    ran = run_cli(capsys, "list")
    assert (ran.code, ran.err) == (0, "")
    for name in lp.algorithms():
        assert re.findall(rf"^\W*{name}\s\W*(\d+)\s", ran.out, re.M) == [str(expected(name).heads)]
    for shown in ("gamma_phi_next + td_error", "2405.13861", "--trace lam or gamma-lam", *kinds()):
        assert shown in ran.out


def test_list_groups_the_algorithms_and_says_how_each_differs_from_its_source(capsys: Capture) -> None:
    text, data = run_cli(capsys, "list").out, run_cli(capsys, "list", "--json").document
    titles = [re.search(rf"^{group}\s*$", text, re.M) for group in GROUPS]
    place = [match and match.start() for match in titles]
    for a in data["algorithms"]:
        assert a["group"] in GROUPS and len(a["differs"]) > 30
        k = GROUPS.index(a["group"])
        after = next((p for p in place[k + 1 :] if p is not None), len(text))
        assert place[k] < re.search(rf"^\W*{a['name']}\s", text, re.M).start() < after
    assert "How it differs from its source: The book credits returns" in " ".join(
        run_cli(capsys, "derive", "k-step-td").out.split()
    )


def test_list_as_json_has_the_same_and_no_claims(capsys: Capture) -> None:
    data = run_cli(capsys, "list", "--json").document
    assert data["claims"] == []
    assert [a["name"] for a in data["algorithms"]] == list(lp.algorithms())
    for a in data["algorithms"]:
        algorithm = find(a["name"])
        assert a["heads"] == expected(a["name"]).heads and a["source"] == algorithm.source
        assert a["feature_rows"] == [b.name for b in algorithm.features]
        assert algorithm.heads is not None or a["evidence"] == list(kinds())
    assert [e["name"] for e in data["evidence"]] == list(kinds())
    assert all(e["strength"] and e["meaning"] for e in data["evidence"])


def test_list_evidence_says_what_each_kind_means(capsys: Capture) -> None:
    ran = run_cli(capsys, "list", "--evidence")
    assert ran.code == 0
    for name, kind in kinds().items():
        assert name in ran.out and kind.STRENGTH[:30] in ran.out


# derive


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_derive_shows_every_step_in_every_format(capsys: Capture, name: str) -> None:
    steps = ["Textbook update", "Prompt", "Ansatz", "Linear system and its solution", "Masks, for every n", "Heads",
             "What is unique and what is free", "Read-out"]  # fmt: skip
    text, latex, data = (run_cli(capsys, "derive", name, "--format", f) for f in ("text", "latex", "json"))
    assert [(r.code, r.err) for r in (text, latex, data)] == [(0, "")] * 3
    assert [line.partition(". ")[2] for line in text.out.splitlines() if line[:1].isdigit()] == steps
    titles = re.findall(r"^\\subsection\{(.*)\}\\label", latex.out, re.M)
    assert [title.replace("{-}", "-") for title in titles] == steps
    assert [s["title"] for s in data.document["derivation"]] == steps
    assert data.document["algorithm"] == name and "weights" not in data.document
    assert run_cli(capsys, "derive", name) == text


def test_two_formats_are_one_too_many(capsys):
    assert_refused(run_cli(capsys, "derive", "td0", "--format", "latex", "--json"), 2, "leave one of them out")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("looped", [False, True])
def test_derive_with_sizes_adds_the_matrices_of_construct(capsys: Capture, name: str, looped: bool) -> None:
    given = ("--gamma", "2/3", "--lam", "0.75", "--seed", "5", "--looped" if looped else "--sequential")
    ran = run_cli(capsys, "derive", name, *SMALL, *given, "--format", "json")
    wanted = lp.construct(name, d=2, n=3, layers=2, gamma="2/3", lam="3/4", seed=5, looped=looped)
    assert ran.document["weights"] == document(wanted)
    read = from_document(ran.document["weights"])
    for heads, own in zip(wanted.layers, read.layers, strict=True):
        for good, h in zip(heads, own, strict=True):
            assert all(getattr(good, x).fractions() == getattr(h, x).fractions() for x in "WPQM")


def test_the_matrices_in_the_text_are_those_of_construct(capsys: Capture) -> None:
    lines = run_cli(capsys, "derive", "td-lambda", *SMALL).out.splitlines()
    good = lp.construct("td-lambda", d=2, n=3, layers=2)
    tables = {"mask 1": good.layers[0][0].M, "Q": good.layers[1][0].Q}
    for name, matrix in tables.items():
        size = matrix.shape[0]
        start = max(i for i, line in enumerate(lines) if line == f"    {name} =") + 2
        shown = [[Fraction(x) for x in line.split()[-size:]] for line in lines[start : start + size]]
        assert shown == matrix.fractions()


@pytest.mark.parametrize("option", ["-d", "-n", "-L"])
def test_one_size_is_enough_to_get_the_matrices(capsys: Capture, option: str) -> None:
    data = run_cli(capsys, "derive", "td0", option, "4", "--format", "json").document
    sizes = {"-d": 2, "-n": 3, "-L": 1, option: 4}
    assert [data["weights"][k] for k in ("d", "n", "layers")] == list(sizes.values())


def test_the_trace_is_named_in_the_derivation(capsys: Capture) -> None:
    shown = [run_cli(capsys, "derive", "td-lambda", "--trace", trace).out for trace in ("lam", "gamma-lam")]
    assert "Option trace = lam." in shown[0] and "Option trace = gamma-lam." in shown[1]
    masks = [next(line for line in out.splitlines() if "M1[i, j]" in line) for out in shown]
    assert "gamma" not in masks[0] and "gamma" in masks[1] and "lam" in masks[1]


# --prompt


@pytest.mark.parametrize("name", ["prompt.json", "prompt.csv"])
def test_the_users_own_transitions_set_d_and_n(capsys: Capture, tmp_path: Path, name: str) -> None:
    header = "phi_1,phi_2,phi_3,phi_next_1,phi_next_2,phi_next_3,reward\n"
    csv = f"{header}1/2,0.25,1,0,1,2,-1e-3\n0,1,2,1,1,1,2/3\n1,1,0,,,,\n"
    path = write(tmp_path, csv if name.endswith("csv") else PROMPT, name)
    asked = ("verify", "td0", "-L", "2", "--evidence", "identity-exact", "--json")
    ran = run_cli(capsys, *asked, "--prompt", path)
    assert ran.code == 0
    settings = ran.document["settings"]
    assert (settings["features"], settings["context"], settings["prompt"]) == (3, 2, "given")
    (claim,) = [c for c in ran.document["claims"] if c["asked"]]
    assert claim["details"]["prompts"][0] == "given" and "d = 3, n = 2" in claim["claim"]
    assert "on the given prompt w_2.q = " in claim["reason"]
    assert_refused(run_cli(capsys, *asked, "--prompt", path, "-d", "9"), 2, "features is 9, but the prompt file has 3")


@pytest.mark.usefixtures("planted")
def test_a_counterexample_is_itself_a_prompt_file(capsys: Capture, tmp_path: Path) -> None:
    asked = ("verify", "td0", "-L", "2", "--evidence", "identity-exact", "--exact-trials", "1", "--json")
    (claim,) = [c for c in run_cli(capsys, *asked, "-d", "2", "-n", "3").document["claims"] if c["asked"]]
    path = write(tmp_path, claim["witness"]["prompt"])
    ran = run_cli(capsys, *asked, "--prompt", path)
    assert ran.document["settings"]["context"] == 3
    assert [c["details"]["prompts"] for c in ran.document["claims"] if c["asked"]] == [["given"]]


# as a program


def test_version_and_help_go_to_stdout(capsys: Capture) -> None:
    assert run_cli(capsys, "--version").out == "0.1.0\n"
    for arguments in (("--help",), ("verify", "--help"), ("derive", "--help"), ("list", "--help")):
        ran = run_cli(capsys, *arguments)
        assert (ran.code, ran.err) == (0, "") and "Usage: layerproof" in ran.out


def test_help_fills_the_lines_of_a_narrow_terminal(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = run_cli(capsys, "verify", "--help").out
    # broken where the terminal ends and not where the source has a line's end
    assert (
        "2 wrong \narguments, 3 something is undecided or was not run" in page
        and max(map(len, page.splitlines())) <= 80
    )


def test_a_question_in_a_refusal_ends_with_its_mark(capsys: Capture) -> None:
    assert_refused(run_cli(capsys, "verify", "--gama", "1/2"), 2, "Did you mean --gamma? See: layerproof verify --help")


@pytest.mark.slow
def test_the_console_script_and_python_m_do_the_same() -> None:
    script = subprocess.run([console_script(), "verify", "td0", *QUICK, "--json"], capture_output=True, check=False)
    module = subprocess.run(
        [sys.executable, "-m", "layerproof", "verify", "td0", *QUICK, "--json"], capture_output=True, check=False
    )
    assert script.returncode == module.returncode == 0
    assert script.stdout == module.stdout and loads(script.stdout.decode())["command"] == "verify"


@pytest.mark.slow
def test_the_exit_code_reaches_the_shell_and_a_refusal_leaves_stdout_empty() -> None:
    ran = python("-m", "layerproof", "verify", "td-0")
    assert (ran.returncode, ran.stdout) == (2, "") and ran.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("derive", "td0"), ("verify", "td0", *QUICK)])
def test_a_reader_that_has_gone_is_no_error(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "layerproof", *arguments]
        ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert ran.returncode == 0
    assert "Traceback" not in ran.stderr and "Exception ignored" not in ran.stderr and "error" not in ran.stderr


@pytest.mark.slow
def test_an_interrupt_ends_the_command_with_130_and_one_line() -> None:
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); " \
           "from layerproof.proofs.cli import run; sys.exit(run(sys.argv[1:]))"  # fmt: skip
    long = ("verify", "td0", "-d", "3", "-n", "400", "-L", "60", "--exact-trials", "30")
    with subprocess.Popen(
        [sys.executable, "-c", code, *long, "--evidence", "identity-exact"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        started = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert started == "layerproof: td0 ...\n"
    assert (process.returncode, out, err) == (130, "", "layerproof: interrupted\n")
