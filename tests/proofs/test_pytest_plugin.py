"""The pytest plugin: what is refuted is red, what is open is said, and a run in which nothing was checked is seen."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from own_files import MASK, write

import layerproof as lp
from layerproof.proofs.evidence import proved
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.gate import Outcome
from layerproof.proofs.theory.prover import Prover
from layerproof.symbolic.strict_json import dumps, loads

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
SMALL = 'd=2, n=4, layers=2, evidence=["identity-exact"]'
SETTINGS: dict[str, Any] = {"d": 2, "n": 4, "layers": 2, "evidence": ["identity-exact"]}
OPEN = 'd=2, n=100, layers=1, trials=1, dtype="bfloat16", device="cpu", evidence=["float"]'

EXAMPLE = '''\
import pytest

import layerproof as lp


@pytest.mark.layerproof("td0", d=3, n=20, layers=5, evidence=["derived", "identity-symbolic", "identity-exact"])
def test_the_layers_run_td0():
    """The mark is the check; the body may be empty."""


def test_our_weights_run_td_lambda(layerproof):
    weights = lp.construct("td-lambda", d=2, n=5, layers=3, lam="1/3")  # yours: lp.read_weights("weights.json")
    layerproof.assert_implements(weights, "td-lambda")


def test_training_keeps_the_one_layer_set(layerproof):
    layerproof.invariance("td0", layers=1, set="one-layer", floats=False)


def test_weights_for_another_algorithm_are_refuted(layerproof):
    weights = lp.construct("residual-gradient", d=2, n=4, layers=2)
    with pytest.raises(AssertionError, match="counterexample"):
        layerproof.assert_implements(weights, "td0")
'''

HEADER = """
from dataclasses import replace

import pytest

import layerproof as lp

good = lp.construct("td0", d=2, n=4, layers=2)
wrong = replace(good, readout=replace(good.readout, sign=-good.readout.sign))
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported() -> None:
    """pytester forgets what a run imported, and torch cannot be imported twice."""
    lp.verify("td0", d=2, n=4, layers=2, trials=1)
    lp.invariance("td0", layers=1, set="one-layer", floats=False)
    lp.invariance("td0", layers=2, looped=True, set="one-layer", floats=False)


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run pytest in this process on one file with this source."""

    def run(source: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=HEADER + dedent(source))
        return pytester.runpytest_inprocess("--strict-markers", "-p", "no:cacheprovider", *arguments)

    return run


def printed(ran: pytest.RunResult) -> str:
    return ran.stdout.str()


# the mark


def test_a_mark_whose_claims_hold_passes_with_an_empty_body(run: Run) -> None:
    ran = run(f'@pytest.mark.layerproof("td0", {SMALL})\ndef test_a(): pass')
    ran.assert_outcomes(passed=1)
    assert ran.ret == 0 and "1 claims in 1 tests: 1 HOLDS" in printed(ran)


def test_a_refuted_mark_fails_before_the_body_with_the_counterexample(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    derived = lp.derive("td0")
    first, *rest = derived.heads[0].E.items()
    head = replace(derived.heads[0], E=dict([(first[0], -first[1]), *rest]))
    monkeypatch.setattr("layerproof.proofs.case.derive", lambda *_: replace(derived, heads=(head,)))
    ran = run(f'@pytest.mark.layerproof("td0", {SMALL})\ndef test_a(): print("the body ran")')
    ran.assert_outcomes(failed=1)
    for words in ('test_it.py::test_a: @pytest.mark.layerproof(\'td0\', d=2, n=4, ', "td0: REFUTED by identity-exact",
                  "  claim: ", "counterexample: the smallest prompt found", "starting weights: (",
                  "after layer 1, row td_error, ", "textbook loop ", "1 claims in 1 tests: 1 REFUTED",
                  "REFUTED test_it.py::test_a [failed] td0 identity-exact: "):  # fmt: skip
        assert words in printed(ran)
    for words in ("the body ran", "pytest_plugin.py", "traceback"):
        assert words not in printed(ran)


IMPOSSIBLE = f"""
from layerproof.symbolic.algorithms import find

def update(weights, preconditioners, sweep, p):
    (w,), (C,) = weights, preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * delta * t.phi
    return (w + C @ sweep.total / sweep.n,)

impossible = replace(find("td0"), name="squared", update=update)

@pytest.mark.layerproof(impossible, d=2, n=4, layers=2, evidence=["derived"])
@pytest.mark.layerproof("td0", {SMALL})
@pytest.mark.layerproof("tdc", {SMALL})
def test_a(): pass
"""


def test_all_marks_of_a_test_are_run_and_an_object_of_ones_own_is_named(run: Run) -> None:
    ran = run(IMPOSSIBLE)
    ran.assert_outcomes(failed=1)
    assert "@pytest.mark.layerproof(squared, d=2, n=4, layers=2, evidence=['derived'])\n" in printed(ran)
    assert "squared: REFUTED by derived" in printed(ran)
    assert "3 claims in 1 tests: 2 HOLDS, 1 REFUTED" in printed(ran)


def test_marks_are_run_from_the_module_down_and_from_top_to_bottom(run: Run) -> None:
    run(
        f"""
        pytestmark = pytest.mark.layerproof("td0", {SMALL})
        @pytest.mark.layerproof("gtd2", {SMALL})
        class TestA:
            @pytest.mark.layerproof("tdc", "least-squares", {SMALL})
            @pytest.mark.layerproof("td-lambda", {SMALL})
            def test_a(self, layerproof):
                names = [c.algorithm for r in layerproof.results for c in r.claims if c.asked]
                assert names == ["td0", "gtd2", "tdc", "least-squares", "td-lambda"]
        """
    ).assert_outcomes(passed=1)


def test_a_refuted_mark_can_be_expected(run: Run) -> None:
    ran = run(IMPOSSIBLE.replace("def test_a", "@pytest.mark.xfail(strict=True)\ndef test_a"))
    ran.assert_outcomes(xfailed=1)
    assert "REFUTED test_it.py::test_a [xfailed] squared derived: " in printed(ran)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ('"td9"', "('td9'): there is no algorithm 'td9'; did you mean "),
        ('"td0", bogus=1', "('td0', bogus=1): there is no setting 'bogus', wanted some of d, n, layers"),
        ('"td0", d="three"', "('td0', d='three'): features is 'three', wanted an integer of at least 1"),
        ('"td0", gamma=0.9', "('td0', gamma=0.9): gamma is 0.9, wanted an exact number"),
        ('"td0", evidence=["exact"]', "there is no evidence 'exact': did you mean identity-exact?"),
        ("d=3", "(d=3): no algorithm is named, wanted one or more, such as @pytest.mark.layerproof(\"td0\", "),
        ("td0=1, d=3", "(td0=1, d=3): no algorithm is named"),
        ('"td0", evidence=5', "('td0', evidence=5): evidence is 5, wanted some of derived"),
    ],
)  # fmt: skip
def test_wrong_arguments_fail_with_the_name_of_the_mark_and_of_the_test(run: Run, arguments: str, words: str) -> None:
    ran = run(f"@pytest.mark.layerproof({arguments})\ndef test_a(): pass")
    ran.assert_outcomes(failed=1)
    assert "test_it.py::test_a: @pytest.mark.layerproof(" in printed(ran) and words in printed(ran)
    assert "nothing was checked in test_it.py::test_a [failed]" in printed(ran)


def test_a_path_is_seen_from_the_folder_of_the_test(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    verify = lp.verify
    monkeypatch.setattr(
        "layerproof.proofs.functions.checks.verify",
        lambda *names, **settings: seen.append(names) or verify("td0", **settings),
    )
    run(f'@pytest.mark.layerproof("td0", "./mine.py", {SMALL})\ndef test_a(): pass').assert_outcomes(passed=1)
    ((name, path),) = seen
    assert name == "td0" and Path(path) == Path.cwd() / "mine.py"


# the fixture


def test_the_fixture_returns_results_and_keeps_them(run: Run) -> None:
    ran = run(
        f"""
        @pytest.mark.layerproof("gtd2", {SMALL})
        def test_a(layerproof):
            verified = layerproof.verify("td0", {SMALL})
            implemented = layerproof.assert_implements(good, "td0")
            kept = layerproof.invariance("td0", layers=1, set="one-layer", floats=False)
            assert verified.holds and implemented.holds and kept.holds
            assert layerproof.results[1:] == [verified, implemented, kept]
            assert layerproof.results[0].claims[0].algorithm == "gtd2"
        """,
        "--layerproof-strict",
    )
    ran.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ('assert_implements(wrong, "td0")', "Construction does not implement td0: REFUTED by identity-exact"),
        ('assert_implements(wrong, "td0")', "  textbook loop "),
        ('invariance("td0", layers=2, looped=True, set="one-layer", floats=False)', "  law: the sample moved by every"),
    ],
)
def test_a_refuted_check_fails_at_once_at_the_line_of_the_test(run: Run, check: str, words: str) -> None:
    ran = run(f'def test_a(layerproof):\n    layerproof.{check}\n    print("went on")')
    ran.assert_outcomes(failed=1)
    assert "AssertionError" in printed(ran) and words in printed(ran)
    assert "went on\n" not in printed(ran) and "pytest_checks.py:" not in printed(ran)
    assert "REFUTED test_it.py::test_a [failed] td0 " in printed(ran)


def test_a_refutation_that_a_test_expects_is_listed_all_the_same(run: Run) -> None:
    ran = run('def test_a(layerproof):\n    with pytest.raises(AssertionError):\n'
              '        layerproof.assert_implements(wrong, "td0")')  # fmt: skip
    ran.assert_outcomes(passed=1)
    assert "REFUTED test_it.py::test_a [passed] td0 identity-exact: " in printed(ran)


def test_a_question_is_answered_and_fails_nothing(run: Run) -> None:
    ran = run(
        'def test_a(layerproof):\n    layerproof.invariance("td0", layers=1, floats=False)', "--layerproof-strict"
    )
    ran.assert_outcomes(passed=1)
    assert "REFUTED" in printed(ran) and "REFUTED test_it.py" not in printed(ran)


# open claims


@pytest.mark.parametrize(
    "check",
    [
        f'@pytest.mark.layerproof("td0", {OPEN})\ndef test_a(): pass',
        f'def test_a(layerproof):\n    assert not layerproof.verify("td0", {OPEN}).holds',
        'def test_a(layerproof):\n    subject = lp.construct("td0", d=2, n=100, layers=1)\n'
        '    layerproof.assert_implements(subject, "td0", evidence=["float"], dtype="bfloat16")',
    ],
    ids=["mark", "verify", "assert_implements"],
)
def test_an_undecided_claim_is_listed_and_fails_when_strict(run: Run, check: str) -> None:
    ran = run(check)
    ran.assert_outcomes(passed=1)
    assert ran.ret == 0 and "UNDECIDED test_it.py::test_a [passed] td0 float: within, but the bound is" in printed(ran)
    ran = run(check, "--layerproof-strict")
    ran.assert_outcomes(failed=1)
    assert "UNDECIDED by float" in printed(ran) and "UNDECIDED test_it.py::test_a [failed]" in printed(ran)


@pytest.fixture
def no_prover(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Rocq prover on the path, here and in workers."""
    monkeypatch.setenv("PATH", str(tmp_path))


without_prover = pytest.mark.usefixtures("no_prover")


@without_prover
def test_a_claim_that_cannot_be_run_is_listed_and_fails_when_strict(run: Run) -> None:
    source = '@pytest.mark.layerproof("td0", d=2, n=4, layers=2, evidence=["proved-all-sizes"])\ndef test_a(): pass'
    ran = run(source)
    ran.assert_outcomes(passed=1)
    assert "NOT_RUN test_it.py::test_a [passed] td0 proved-all-sizes: no Rocq prover on this machine" in printed(ran)
    ran = run(source, "--layerproof-strict")
    ran.assert_outcomes(failed=1)
    assert "an open claim fails because of --layerproof-strict" in printed(ran)
    assert "--layerproof-strict: no claim was established in this run" in printed(ran)


# the prover, on files of one's own


SENTENCE = "one layer with the weights is one step of the loop: no"


def test_the_prover_is_asked_of_a_file_of_ones_own_as_of_a_built_in_one(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate that passes all, one that refuses a theorem of mine.py, and weights that no theorem is about."""

    def gate(audits: Sequence[Audit], *_: Any, **__: Any) -> Outcome:
        names = [t.name for a in audits for t in a.theorems]
        refused = {n: SENTENCE for n in names if n == "mine_state" and "wrong" in next(iter(audits)).statements}
        return Outcome({n: 0.0 for n in names if n not in refused}, refused, version="stand-in")

    monkeypatch.setattr(proved, "gate", gate)
    monkeypatch.setattr(proved, "find_prover", lambda: Prover(("true",), "stand-in"))
    write(pytester.path)
    write(pytester.path, ('title="Mine"', 'title="wrong"'), name="wrong.py")
    mask = "M=layout.mask(lambda i, j: int(i == j and i > -1))"  # compares with a number: no theorem is about it
    write(pytester.path, (MASK, mask), given=True, name="given.py")
    mark = (
        '@pytest.mark.layerproof("./{}.py", d=2, n=4, layers=2, evidence=["proved-all-sizes"])\ndef test_{}(): pass\n'
    )
    source = "".join(mark.format(name, name) for name in ("mine", "wrong", "given"))
    ran = run(source, "--layerproof-json", "claims.json")
    ran.assert_outcomes(passed=2, failed=1)
    (given,), (mine,), (wrong,) = (
        [c for c in test["claims"] if c["asked"]] for test in loads(Path("claims.json").read_text())["tests"]
    )
    assert mine["verdict"] == "HOLDS" and {"mine_state", "mine_prompt0"} <= set(mine["details"]["theorems"])
    assert wrong["verdict"] == "REFUTED" and wrong["reason"] == f"mine_state: {SENTENCE}" and SENTENCE in printed(ran)
    assert given["verdict"] == "NOT_RUN" and "NOT_RUN test_it.py::test_given [passed] mine proved-all" in printed(ran)
    run(source, "--layerproof-strict").assert_outcomes(passed=1, failed=2)


# nothing checked

USELESS = f'def test_a(layerproof): pass\n\n@pytest.mark.layerproof("td0", {SMALL})\ndef test_b(): pass'


def test_a_test_that_checks_nothing_is_listed_and_fails_when_strict(run: Run) -> None:
    ran = run(USELESS)
    ran.assert_outcomes(passed=2)
    assert "nothing was checked in test_it.py::test_a [passed]" in printed(ran)
    ran = run(USELESS, "--layerproof-strict")
    ran.assert_outcomes(passed=1, failed=1)
    assert "test_it.py::test_a asks for the fixture layerproof and checks nothing with it" in printed(ran)
    assert "no claim was established" not in printed(ran)


@pytest.mark.parametrize(
    "source",
    [
        "def test_a(): pass",
        "",
        f'@pytest.mark.skip\n@pytest.mark.layerproof("td0", {SMALL})\ndef test_a(): pass',
        'def test_a(layerproof):\n    with pytest.raises(AssertionError): layerproof.assert_implements(wrong, "td0")',
    ],
    ids=["no check", "no test", "skipped", "only refuted"],
)
def test_a_strict_run_that_establishes_nothing_is_red(run: Run, source: str) -> None:
    ran = run(source, "--layerproof-strict", "--layerproof-json", "claims.json")
    assert ran.ret == 1 and printed(ran).count("--layerproof-strict: no claim was established in this run") == 1
    document = loads(Path("claims.json").read_text())
    assert (document["established"], document["exit_code"]) == (0, 1)
    assert run(source).ret in (0, 5)
    assert run(source, "--layerproof-strict", "--collect-only").ret in (0, 5)


def test_a_run_without_the_plugin_says_nothing(run: Run) -> None:
    assert "layerproof ===" not in printed(run("def test_a(): pass"))


# JSON, JUnit and xdist

MANY = f"""
@pytest.mark.parametrize("name", ["td0", "gtd2", "tdc"])
def test_c(layerproof, name):
    layerproof.verify(name, {SMALL})

@pytest.mark.layerproof("td0", {SMALL})
def test_b(): pass

def test_a(layerproof):
    layerproof.verify("td-lambda", {SMALL})
    layerproof.assert_implements(wrong, "td0")

@pytest.mark.layerproof("td0", d=2, n=4, layers=2, evidence=["proved-all-sizes"])
def test_d(): pass

def test_e(layerproof): pass
def test_f(): pass
"""


@without_prover
def test_the_json_holds_the_results(run: Run) -> None:
    run(MANY, "--layerproof-json", "out/claims.json").assert_outcomes(passed=7, failed=1)
    text = Path("out/claims.json").read_text()
    document = loads(text)
    assert dumps(document) == text
    assert {k: v for k, v in document.items() if k != "tests"} == {
        "command": "pytest", "schema": 1, "settings": {"strict": False}, "exit_code": 1, "established": 5,
    }  # fmt: skip
    tests = {entry["test"].removeprefix("test_it.py::"): entry for entry in document["tests"]}
    assert list(tests) == ["test_a", "test_b", "test_c[gtd2]", "test_c[td0]", "test_c[tdc]", "test_d", "test_e"]
    assert [entry["outcome"] for entry in tests.values()] == ["failed", *["passed"] * 6]
    for name, algorithm in (("test_b", "td0"), ("test_c[gtd2]", "gtd2"), ("test_c[tdc]", "tdc")):
        wanted = loads(lp.verify(algorithm, **SETTINGS).to_json())
        assert [{k: v for k, v in c.items() if k != "check"} for c in tests[name]["claims"]] == wanted["claims"]
        assert tests[name]["checks"] == [{"command": "verify", "question": False, "settings": wanted["settings"]}]
    assert [c["command"] for c in tests["test_a"]["checks"]] == ["verify", "assert_implements"]
    last = tests["test_a"]["claims"][-1]
    assert (last["check"], last["verdict"]) == (1, "REFUTED") and "starting_weights" in last["witness"]
    assert tests["test_e"]["claims"] == tests["test_e"]["checks"] == []


@without_prover
def test_junit_has_the_claims_as_properties(run: Run) -> None:
    run(MANY, "--junitxml", "junit.xml")
    cases = {case.get("name"): case for case in ET.parse("junit.xml").iter("testcase")}
    properties = {
        name: [(p.get("name"), p.get("value")) for p in case.iter("property")] for name, case in cases.items()
    }
    assert properties["test_b"] == [("layerproof", "td0 identity-exact HOLDS")]
    assert properties["test_a"] == [
        ("layerproof", "td-lambda identity-exact HOLDS"),
        ("layerproof", "td0 identity-exact REFUTED"),
    ]
    assert properties["test_d"] == [("layerproof", "td0 proved-all-sizes NOT_RUN")] and properties["test_f"] == []


@without_prover
def test_a_run_on_two_workers_says_what_a_run_in_one_process_says(run: Run) -> None:
    def section(ran: pytest.RunResult) -> list[str]:
        lines = printed(ran).splitlines()
        titles = [line.strip("= ") for line in lines]
        return lines[titles.index("layerproof") : titles.index("short test summary info")]

    serial = run(MANY, "--layerproof-json", "serial.json")
    split = run(MANY, "--layerproof-json", "split.json", "--junitxml", "junit.xml", "-n", "2")
    split.assert_outcomes(passed=7, failed=1)
    assert section(split) == section(serial) and len(section(serial)) == 5
    assert Path("split.json").read_bytes() == Path("serial.json").read_bytes()
    assert "td0 proved-all-sizes NOT_RUN" in Path("junit.xml").read_text()


def test_a_strict_run_on_workers_that_establishes_nothing_is_red(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass\ndef test_b(): pass")
    ran = pytester.runpytest_inprocess("--layerproof-strict", "-n", "2")
    assert ran.ret == 1 and printed(ran).count("no claim was established in this run") == 1


def test_a_test_whose_worker_died_is_in_the_json(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import os\ndef test_a(): os._exit(3)\ndef test_b(layerproof): pass")
    ran = pytester.runpytest_inprocess("--layerproof-json", "claims.json", "-n", "1")
    assert ran.ret == 1
    tests = {entry["test"]: entry for entry in loads(Path("claims.json").read_text())["tests"]}
    crashed = {"test": "test_a_test_whose_worker_died_is_in_the_json.py::test_a", "outcome": "crashed"}
    assert tests[crashed["test"]] == {**crashed, "checks": [], "claims": []} and len(tests) == 2
    assert "nothing was checked in test_a_test_whose_worker_died_is_in_the_json.py::test_a [crashed]" in printed(ran)


@pytest.mark.parametrize("option", ["--setup-plan", "--setup-only", "--collect-only", "--fixtures"])
def test_a_strict_run_that_is_asked_to_run_no_test_is_not_judged(option: str, run: Run) -> None:
    ran = run(MANY, "--layerproof-strict", option)
    assert (
        ran.ret == 0 and "layerproof-strict: no claim" not in printed(ran) and "nothing was checked" not in printed(ran)
    )


def test_a_directory_for_the_json_is_refused_before_anything_runs(run: Run) -> None:
    ran = run("def test_a(): pass", "--layerproof-json", ".")
    assert ran.ret == 4 and "--layerproof-json is ., a directory" in ran.stderr.str()


def test_a_json_that_cannot_be_written_is_red(run: Run) -> None:
    Path("file").touch()
    ran = run("def test_a(): pass", "--layerproof-json", "file/claims.json")
    assert ran.ret == 1 and "claims.json cannot be written: " in printed(ran)


# the plugin itself


def test_the_options_and_the_mark_are_listed(run: Run) -> None:
    assert "@pytest.mark.layerproof(*algorithms, **settings): " in printed(run("", "--markers"))
    assert "--layerproof-strict" in printed(run("", "--help")) and "--layerproof-json=PATH" in printed(
        run("", "--help")
    )


def test_without_the_plugin_the_mark_is_unknown(pytester: pytest.Pytester) -> None:
    """In a process of its own: pytest remembers the marks that it has seen."""
    pytester.makepyfile('import pytest\n@pytest.mark.layerproof("td0")\ndef test_a(): pass')
    pytester.runpytest_subprocess("--strict-markers", "-p", "no:layerproof").assert_outcomes(errors=1)


def test_a_run_that_checks_nothing_imports_nothing_of_ours_but_the_plugin(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            heavy = {"sympy", "torch", "flint", "numpy", "mpmath", "rich", "cyclopts"} & set(sys.modules)
            print("heavy:", *sorted(heavy), "ours:", *sorted(m for m in sys.modules if m.startswith("layerproof")))
        """
    )
    pytester.makepyfile(f'import pytest\n@pytest.mark.layerproof("td0", {SMALL})\ndef test_a(layerproof): pass')
    ours = [
        "layerproof",
        *(f"layerproof.proofs{m}" for m in ("", *(f".pytest_plugin{m}" for m in ("", ".checks", ".session")))),
    ]
    assert (
        f"heavy: ours: {' '.join(ours)}"
        in printed(pytester.runpytest_subprocess("--co", "--strict-markers")).splitlines()
    )
    seen = printed(pytester.runpytest_subprocess())
    assert "sympy" in seen and "layerproof.proofs.checker" in seen, "what a check imports is seen"


# the example of the docs


def test_the_example_passes_and_is_not_vacuous(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_claims=EXAMPLE)
    ran = pytester.runpytest_inprocess("--strict-markers", "--layerproof-strict")
    ran.assert_outcomes(passed=4)
    assert "REFUTED test_claims.py::test_weights_for_another_algorithm_are_refuted [passed] td0" in printed(ran)


def test_the_docs_show_the_example_that_is_run_here() -> None:
    text = (ROOT / "docs" / "ci.md").read_text()
    assert f"```python\n{EXAMPLE}```\n" in text
