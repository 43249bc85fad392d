"""`layerproof invariance` and `lp.invariance`: exit codes, the document, the table, and what is refused at once."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction

import pytest
import warm
from cli import assert_refused, run_cli

import layerproof as lp
from layerproof.proofs.invariance.question import SETS, Question
from layerproof.symbolic.errors import ArgumentError, WorkLimitError
from layerproof.symbolic.invariance.symmetry import SymmetryGroup

pytestmark = pytest.mark.slow

TD = ("invariance", "td0", "--no-float")
FULL = {
    k: [[f"{k}a", f"{k}b", "0"], [f"{k}c", f"{k}d", "0"], ["0", "0", f"{k}e"]] for k in ("P", "Q")
}  # the commutant of signed permutations, in blocks
HELD = {"P": [["frozen"] * 3, ["frozen"] * 3, ["0", "0", "a"]],
        "Q": [["b", "frozen", "frozen"], ["c", "frozen", "frozen"], ["0", "frozen", "frozen"]]}  # fmt: skip
SWAP = ((Fraction(0), Fraction(1)), (Fraction(1), Fraction(0)))


def write(tmp_path, content, name="set.json"):
    path = tmp_path / name
    path.write_text(json.dumps(content))
    return str(path)


def verdicts(document, name):
    return [c["verdict"] for c in document["claims"] if c["details"].get("set") == name and c["asked"]]


# a question is answered whatever the answer


def test_a_question_exits_zero_although_sets_are_refuted(capsys):
    ran = run_cli(capsys, *TD, "--json")
    assert ran.code == 0
    document = ran.document
    assert (document["command"], document["schema"]) == ("invariance", 1)
    assert set(verdicts(document, "weights")) == {"REFUTED"}
    assert set(verdicts(document, "commutant")) == set(verdicts(document, "last-layer")) == {"HOLDS"}
    assert set(verdicts(document, "one-layer")) == {"HOLDS", "REFUTED"}  # L = 1, and 2
    depths = {(c["details"]["layers"], c["details"]["looped"]) for c in document["claims"]}
    assert depths == {(1, True), (2, True), (2, False)}
    for claim in document["claims"]:
        assert ("witness" in claim) == (claim["verdict"] == "REFUTED")
        if "set" in claim["details"]:
            assert isinstance(claim["dimension"], int)
        if "witness" in claim:
            assert {
                "features", "rewards", "weights", "expected_update", "outside", "law", "window", "outer",
                "read_out", "rows", "moved", "depth", "scale", "parameters", "Z", "Z'", "masks",
            } == set(claim["witness"])  # fmt: skip
            assert claim["witness"]["outside"] and claim["evidence"] == "invariance-exact"
    settings = document["settings"]
    assert (settings["features"], settings["context"], settings["layers"], settings["set"]) == (2, 2, None, None)
    assert (settings["gamma"], settings["group"], settings["window"]) == ("9/10", "signed-permutations", "sliding")
    assert run_cli(capsys, *TD, "--json").out == ran.out  # the same question, the same bytes


def test_the_facts_beside_the_sets(capsys):
    document = run_cli(capsys, *TD, "-L", "2", "--looped", "--json").document
    facts = {c["details"]["fact"]: c for c in document["claims"] if "fact" in c["details"]}
    assert {"equivariance", "smallest", "single sample", "flow"} <= set(facts)
    assert all(c["verdict"] == "HOLDS" for c in facts.values())
    assert (facts["smallest"]["details"]["flow"], facts["smallest"]["dimension"]) == (9, 10)
    assert facts["smallest"]["details"]["commutant"] == 10
    assert Fraction(facts["flow"]["details"]["step"]) != 0
    assert "stick out" in facts["single sample"]["reason"]


def test_torch_is_asked_unless_told_not_to(capsys):
    document = run_cli(capsys, "invariance", "td0", "-L", "1", "--json").document
    facts = {c["details"].get("fact") for c in document["claims"]}
    assert {"autograd", "relu attention", "softmax attention", "Adam"} <= facts
    assert run_cli(capsys, "invariance", "td0", "-L", "1", "--json").code == 0


# a set is an assertion


@pytest.mark.parametrize(
    "arguments, code",
    [
        (("-L", "1", "--set", "one-layer"), 0),
        (("-L", "1", "--set", "commutant"), 0),
        (("-L", "2", "--set", "commutant"), 0),
        (("-L", "2", "--sequential", "--set", "last-layer"), 0),
        (("-L", "2", "--set", "smallest"), 0),
        (("-L", "1", "--set", "weights"), 1),
        (("-L", "1", "--set", "zero-pattern"), 1),
        (("-L", "2", "--looped", "--set", "one-layer"), 1),
        (("-L", "2", "--set", "one-layer", "--window", "shared", "--outer", "residual-gradient"), 1),
        (("-L", "2", "--set", "commutant", "--window", "shared", "--outer", "monte-carlo"), 0),
        (("-L", "1", "--set", "commutant", "--group", "orthogonal", "-d", "3"), 0),
        (("-L", "1", "--set", "one-layer", "-d", "6"), 0),
    ],
)
def test_the_exit_code_of_an_assertion(capsys, arguments, code):
    ran = run_cli(capsys, *TD, *arguments, "--json")
    assert ran.code == code
    answers = verdicts(ran.document, arguments[arguments.index("--set") + 1])
    assert ("REFUTED" in answers) == (code == 1)


@pytest.mark.parametrize(
    "content, arguments, code",
    [
        ({"matrices": FULL, "dimension": 10}, ("-L", "2", "--looped"), 0),
        ({"matrices": FULL, "dimension": 4}, ("-L", "2", "--looped"), 1),
        ({"matrices": HELD}, ("-L", "1"), 0),
        ({"matrices": HELD}, ("-L", "2", "--looped"), 1),
        ({"constraints": [{"name": "x", "equation": "Q[td_error, td_error] = 0"}]}, ("-L", "2", "--looped"), 1),
        ({"constraints": [{"name": "x", "equation": "Q[td_error, td_error] = 0"}]}, ("-L", "1"), 0),
        # not inside the commutant of an infinite group: nothing can be averaged
        ({"matrices": {**FULL, "P": [["free", "0", "0"], ["0"] * 3, ["0"] * 3]}},
         ("-L", "2", "--looped", "--group", "orthogonal"), 3),
    ],
)  # fmt: skip
def test_the_exit_code_of_the_users_set(capsys, tmp_path, content, arguments, code):
    ran = run_cli(capsys, *TD, *arguments, "--set", write(tmp_path, {"schema": 1, **content}), "--json")
    assert ran.code == code
    verdicts = {c["verdict"] for c in ran.document["claims"] if c["asked"]}
    assert {0: verdicts == {"HOLDS"}, 1: "REFUTED" in verdicts, 3: verdicts == {"UNDECIDED"}}[code]


def test_frozen_entries_are_claimed_for_every_value_or_not_at_all():
    """P held anywhere and Q = 0: Q moves as soon as P is not zero, so no group makes this invariant."""
    held = {"schema": 1, "matrices": {"P": [["frozen"] * 3] * 3, "Q": [["0"] * 3] * 3}}
    for layers in (1, 2):
        assert lp.invariance("td0", layers=layers, looped=True, set=held, floats=False).exit_code == 1
        infinite = lp.invariance("td0", layers=layers, looped=True, set=held, group="orthogonal", floats=False)
        assert infinite.exit_code in (1, 3)


def test_random_evidence_whose_bound_says_nothing_is_no_evidence():
    """At L = 60 the degree is beyond the prime: a random point modulo 2^61 - 1 shows nothing."""
    try:
        result = lp.invariance("td0", layers=60, looped=True, set="commutant", floats=False)
    except WorkLimitError:
        return
    random = [c for c in result.claims if c.evidence == "invariance-random" and "set" in c.details]
    assert random and all(c.verdict.value != "HOLDS" for c in random)


@pytest.mark.parametrize("name", ["commutant", "one-layer"])
def test_a_users_set_borrows_no_theorem_by_its_name(name):
    own = {"schema": 1, "name": name, "matrices": {k: [["0"] * 3] * 3 for k in ("P", "Q")}}
    result = lp.invariance("td0", layers=2, looped=True, set=own, floats=False)
    assert not any("theorem" in c.details for c in result.claims)


def test_a_users_group_borrows_no_theorem_by_its_name():
    group = SymmetryGroup("signed-permutations", 2, (SWAP,))
    result = lp.invariance("td0", layers=2, looped=True, set="commutant", group=group, floats=False)
    assert result.claims[-1].dimension == 26
    assert not any("theorem" in c.details for c in result.claims)


# what is shown


def test_the_table_names_the_sets(capsys):
    ran = run_cli(capsys, *TD)
    assert ran.code == 0
    assert all(name in ran.out for name in SETS)
    assert "td0, L = 2, sequential" in ran.out and "HOLDS 20" in ran.out and "REFUTED" in ran.out
    assert "internal error" not in ran.err and "Traceback" not in ran.err


def test_details_are_shown_for_one_algorithm_or_when_asked(capsys):
    short = run_cli(capsys, "invariance", "td0", "least-squares", "-L", "1", "--no-float")
    long = run_cli(capsys, "invariance", "td0", "least-squares", "-L", "1", "--no-float", "--details")
    alone = run_cli(capsys, *TD, "-L", "1")
    assert "--details" in short.out and "sample: " not in short.out
    for ran in (long, alone):
        words = " ".join(ran.out.split())
        assert "sample: " in words and "P = [frozen" in words
        assert "law: the sample moved by every element of signed-permutations" in words
    assert len(long.out) > len(short.out)


def test_stdout_of_a_process_is_the_document_alone(tmp_path):
    ran = subprocess.run(
        [str(warm.folder() / "layerproof"), *TD, "-L", "1", "--set", "weights", "--json"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["command"] == "invariance"


# the same from Python


@pytest.mark.parametrize("asked", [None, "one-layer", {"schema": 1, "matrices": FULL}])
def test_python_says_what_the_command_says(capsys, tmp_path, asked):
    arguments = [*TD, "-L", "1", "-n", "3", "--gamma", "1/2", "--window", "shared", "--group", "sign-flips", "--json"]
    if asked is not None:
        arguments += ["--set", asked if isinstance(asked, str) else write(tmp_path, asked)]
    ran = run_cli(capsys, *arguments)
    result = lp.invariance(
        "td0", n=3, layers=1, gamma="1/2", window="shared", group="sign-flips", set=asked, floats=False
    )
    assert (ran.code, ran.document["claims"]) == (result.exit_code, result.document()["claims"])


def test_a_group_of_generators_from_file_and_from_python(capsys, tmp_path):
    path = write(tmp_path, {"schema": 1, "name": "swap", "generators": [[[0, 1], [1, 0]]]}, "group.json")
    ran = run_cli(capsys, *TD, "-L", "1", "--group", path, "--set", "commutant", "--json")
    result = lp.invariance("td0", layers=1, set="commutant", group=SymmetryGroup("swap", 2, (SWAP,)), floats=False)
    assert ran.code == result.exit_code == 0
    assert ran.document["claims"] == result.document()["claims"] and result.claims[-1].dimension == 26


def test_python_refuses_what_it_does_not_know():
    with pytest.raises(ArgumentError, match="there is no setting 'widow'"):
        lp.invariance("td0", widow="shared")
    with pytest.raises(ArgumentError, match=r"gamma is 0\.9, wanted an exact number"):
        lp.invariance("td0", gamma=0.9)
    with pytest.raises(ArgumentError, match="group acts on 2 features, wanted 3"):
        lp.invariance("td0", d=3, group=SymmetryGroup("swap", 2, (SWAP,)))
    with pytest.raises(ArgumentError, match="there is no algorithm 'td9'"):
        lp.invariance("td9")
    with pytest.raises(ArgumentError, match="gamma is"):
        Question(gamma=Fraction(11, 10))


# wrong arguments


@pytest.mark.parametrize(
    "arguments, fragment",
    [
        (("--window", "x"), "window is 'x', wanted sliding or shared"),
        (("--outer", "x"), "outer is 'x', wanted one of"),
        (("--group", "x"), "--group is 'x', wanted one of signed-permutations"),
        (("--set", "x"), "--set is 'x', wanted one of weights"),
        (("-d", "0"), "features is 0"),
        (("-n", "0"), "context is 0"),
        (("-L", "0"), "layers is 0"),
        (("-L", "-3"), "layers is -3"),
        (("-L", "two"), "two"),
        (("--gamma", "2"), "gamma is"),
        (("--gamma", "x"), "gamma is"),
        (("--lam", "-1"), "lam is"),
        (("--units", "1"), "units is 1"),
        (("--seed", "-1"), "seed is -1"),
        (("--trace", "lam"), "keeps no trace"),
        (("--typo",), "--typo"),
    ],
)
def test_wrong_arguments_exit_two(capsys, arguments, fragment):
    assert_refused(run_cli(capsys, *TD, *arguments), 2, fragment)


@pytest.mark.parametrize(
    "arguments, fragment",
    [(("-L", "1", "--set", "last-layer"), "the set last-layer is for sequential weights"),
     (("--law", "x"), "law is 'x', wanted one of symmetric")],
)  # fmt: skip
def test_arguments_that_do_not_fit_the_depth_exit_two(capsys, arguments, fragment):
    ran = run_cli(capsys, *TD, *arguments)
    assert ran.code == 2 and ran.out == "" and fragment in ran.err.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [("-d", "1000"), ("-d", "1000000"), ("-L", "10000"), ("-L", "10000", "--sequential"), ("-L", "10000", "--looped"),
     ("-L", "1000000000000"), ("-n", "1000"), ("-n", "1000000"), ("-n", "1000000000000")],
    ids=" ".join,
)  # fmt: skip
def test_absurd_sizes_are_refused_before_anything_runs(capsys, arguments):
    message = "wanted at most 100" if "-L" in arguments else "limit"
    assert_refused(run_cli(capsys, *TD, *arguments), 2, message)
