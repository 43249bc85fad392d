"""A user's own file on the command line: what is wrong with it is said in one line, and nothing of it leaks."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from cli import Ran, assert_refused, console_script, python, run_cli
from own_files import MASK, RECORD, RETURN, START, TOTAL, P, line_of, source, write

from layerproof.proofs.commands import prove
from layerproof.proofs.theory.audits import audits
from layerproof.proofs.user_file import resolve_algorithm
from layerproof.symbolic.algorithms import find

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAVY_BALL, RIDGE, OFF_POLICY = (str(EXAMPLES / f"{n}.py") for n in ("heavy_ball_td", "ridge_td", "off_policy_td"))
SMALL = ("-d", "2", "-n", "3", "-L", "2")
DERIVED = (*SMALL, "--evidence", "derived", "--evidence", "identity-exact")
EXACT = (*SMALL, "--evidence", "identity-exact")
COMPARE = "        if w @ t.phi > 0:\n            sweep.total = sweep.total + delta * t.phi\n"


def total(expression: str) -> tuple[str, str]:
    """The change that lets the loop add something else."""
    return TOTAL, f"        sweep.total = sweep.total + {expression}\n"


def before(anchor: str, line: str) -> tuple[str, str]:
    """The change that puts a line before another, as deep as that one."""
    indent = anchor[: len(anchor) - len(anchor.lstrip())]
    return anchor, f"{indent}{line}\n{anchor}"


def last_line(ran: Ran) -> Ran:
    """The refusal alone: the lines of progress before it say which algorithm was at work."""
    lines = [line for line in ran.err.splitlines(keepends=True) if not line.rstrip().endswith(" ...")]
    return Ran(ran.code, ran.out, "".join(lines))


def refused(ran: Ran, code: int, *fragments: str) -> None:
    assert_refused(last_line(ran), code, *fragments)


def verdict(ran: Ran) -> tuple[str, str]:
    """The verdict and the reason of the one claim that does not hold (JSON)."""
    (claim,) = [c for c in ran.document["claims"] if c["asked"] and c["verdict"] in ("REFUTED", "UNDECIDED")]
    return claim["verdict"], claim["reason"]


# files that cannot be loaded


def test_a_file_that_raises_at_import(capsys, tmp_path):
    path = write(tmp_path, (RECORD, f"1 / 0\n{RECORD}"))
    for command in (("verify", path, *EXACT), ("derive", path), ("invariance", path), ("prove", path)):
        refused(run_cli(capsys, *command), 4, f"{path}, line {line_of(path, '1 / 0')}: ZeroDivisionError")


def test_a_syntax_error(capsys, tmp_path):
    path = write(tmp_path, (RECORD, "ALGORITHM == = Algorithm("))
    refused(run_cli(capsys, "verify", path), 4, f"{path}, line {line_of(path, '== =')}: invalid syntax")


def test_a_file_with_a_null_byte_is_a_refusal_without_a_line(capsys, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("x = '\0'\n", encoding="utf-8")
    ran = run_cli(capsys, "verify", str(path))
    refused(ran, 4, str(path), "null byte")
    assert "line None" not in ran.err


def test_a_file_that_exits_at_import(capsys, tmp_path):
    path = write(tmp_path, (RECORD, f"import sys\n\nsys.exit(0)\n{RECORD}"))
    refused(run_cli(capsys, "verify", path), 4, f"{path}, line {line_of(path, 'sys.exit')}: SystemExit")


def test_a_file_that_loops_for_ever_at_import(capsys, tmp_path):
    path = write(tmp_path, (RECORD, f"while True:\n    pass\n\n{RECORD}"))
    started = time.monotonic()
    refused(run_cli(capsys, "verify", path, "--time-limit", "1"), 4, path, "did not finish within 1 seconds")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "where, given",
    ((TOTAL, False), (TOTAL, True), ("    return [Head", True)),
    ids=("derived update", "update", "heads"),
)
def test_code_that_loops_for_ever(capsys, tmp_path, where, given):
    path = write(tmp_path, before(where, "while True: pass"), given=given)
    started = time.monotonic()
    evidence = EXACT if given else DERIVED
    refused(run_cli(capsys, "verify", path, *evidence, "--time-limit", "1"), 4, path, "did not finish within 1 seconds")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("swallowed", ("Exception", "BaseException"))
def test_a_loop_that_swallows_exceptions_is_stopped_too(tmp_path, swallowed):
    sleep = "__import__('time').sleep(30)"
    retry = f"    while True:\n        try:\n            {sleep}\n        except {swallowed}:\n            pass\n"
    path = write(tmp_path, (START, retry + START), given=True)
    command = ("timeout", "-s", "KILL", "20", console_script(), "verify", path, *EXACT, "--time-limit", "1")
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (4, ""), f"not stopped: {ran}"
    assert "did not finish within 1 seconds" in ran.stderr


@pytest.mark.parametrize(
    "text, message",
    (
        ("x = 1\n", "neither ALGORITHM nor CONSTRUCTION"),
        (source() + "\nCONSTRUCTION = ALGORITHM\n", "both ALGORITHM and CONSTRUCTION"),
        ("ALGORITHM = 3\n", "ALGORITHM is 3, wanted a layerproof.Algorithm"),
        ("CONSTRUCTION = [1]\n", "CONSTRUCTION is [1], wanted a layerproof.OwnConstruction"),
        ("from layerproof import Algorithm\n\nALGORITHM = Algorithm\n", "wanted a layerproof.Algorithm"),
        (source(("ALGORITHM =", "CONSTRUCTION =")), "wanted a layerproof.OwnConstruction"),
        (source(('name="mine"', 'name="mi\\x1b[31mne"')), "the name is 'mi\\x1b[31mne', wanted a printable text"),
        (source(('name="mine"', 'name="two\\nlines"')), "wanted a printable text"),
        (source(('name="mine"', "name=7")), "name is 7, wanted a text"),
        (source(('name="mine"', 'name=""')), "wanted a printable text"),
        ("\n \n", "is empty"),
    ),
)
def test_a_file_that_defines_no_subject(capsys, tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")
    refused(run_cli(capsys, "verify", str(path), *EXACT), 4, str(path), message)


def test_no_control_character_of_a_title_or_source_reaches_the_terminal(capsys, tmp_path):
    path = write(tmp_path, ('title="Mine"', 'title="\\x1b[31mred"'), ('source="me"', 'source="\\x1b]0;x\\x07"'))
    ran = run_cli(capsys, "derive", path)
    assert "\x1b" not in ran.out + ran.err and "\x07" not in ran.out + ran.err


def test_not_utf8_a_directory_and_no_file(capsys, tmp_path):
    path = tmp_path / "latin.py"
    path.write_bytes(source().replace("Mine", "Min\xe9").encode("latin-1"))
    refused(run_cli(capsys, "verify", str(path)), 4, str(path), "is not UTF-8")
    refused(run_cli(capsys, "verify", f"{tmp_path}/"), 4, str(tmp_path), "is a directory")
    refused(run_cli(capsys, "verify", f"{tmp_path}/none.py"), 4, "none.py", "there is no such file")
    refused(run_cli(capsys, "verify", "./none.py"), 4, "none.py", "there is no such file")
    refused(run_cli(capsys, "verify", "none"), 2, "none")


def test_a_path_without_py_is_read_or_refused(capsys, tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(source(), encoding="utf-8")
    ran = run_cli(capsys, "verify", str(path), *EXACT)
    assert ran.code in (0, 4) and "internal error" not in ran.err, ran.err


# printing


def test_prints_do_not_reach_stdout(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(prove, "find_prover", lambda: None)  # what it would say is not asked here
    line = "print('HELLO')"
    path = write(tmp_path, (RECORD, f"{line}\n{RECORD}"), before(TOTAL, line))
    for command in (("verify", path, *DERIVED), ("prove", path)):
        ran = run_cli(capsys, *command, "--json")
        assert ran.document["command"] == command[0] and "HELLO" not in ran.out
        if command[0] == "verify":
            assert ran.code == 0 and "HELLO" in ran.err


def test_prints_of_heads_and_rows_do_not_reach_stdout(capsys, tmp_path):
    path = write(
        tmp_path, before("    return [Head", "print('HELLO')"),
        ("lambda w, x, p: x.reward", "lambda w, x, p: print('HELLO') or x.reward"),
        ("lambda q: q", "lambda q: print('HELLO') or q"), given=True,
    )  # fmt: skip
    ran = run_cli(capsys, "verify", path, *EXACT, "--json")
    assert ran.code == 0 and ran.document["command"] == "verify" and "HELLO" in ran.err


@pytest.mark.parametrize("sizes", ((), ("-d", "2")), ids=("symbols", "matrices"))
def test_derive_prints_one_document_whatever_the_file_prints(capsys, tmp_path, sizes):
    path = write(tmp_path, before(TOTAL, "print('HELLO')"), ("lambda q: q", "lambda q: print('HELLO') or q"))
    ran = run_cli(capsys, "derive", path, "--json", *sizes)
    assert ran.code == 0 and "HELLO" not in ran.out
    assert ran.document["command"] == "derive"


# updates that no layer can do, or that are wrong


@pytest.mark.parametrize(
    "change, code, message",
    (
        (total("delta / t.reward * t.phi"), 1, "divides by R_1, an entry of the prompt"),
        (total("delta / (1 + t.reward) * t.phi"), 1, "divides by the sum"),
        ((TOTAL, COMPARE), 1, "compares (or takes a max or min of) w @ t.phi"),
        (total("max(delta, 0) * t.phi"), 1, "compares (or takes a max or min of)"),
        (total("t.reward * delta * t.phi"), 1, "no layer does one iterate"),
        (total("0.5 * delta * t.phi"), 3, "the float 0.5"),
        (total("__import__('numpy').float64(2) * delta * t.phi"), 3, "the float 2.0"),
        (("C @ sweep.total", "C @ (C @ sweep.total)"), 3, "no heads of the form"),
        (("C @ sweep.total", "2 * C @ sweep.total"), 3, "multiplies a preconditioner by a number"),
        (total("(t.index % 2) * delta * t.phi"), 3, "no entry of the prompt"),
    ),
)
def test_what_is_not_derived_is_refuted_only_where_nothing_can_do_it(capsys, tmp_path, change, code, message):
    path = write(tmp_path, change)
    ran = run_cli(capsys, "verify", path, *DERIVED, "--json")
    assert (ran.code, verdict(ran)[0]) == (code, "REFUTED" if code == 1 else "UNDECIDED")
    assert message in verdict(ran)[1]
    told = run_cli(capsys, "derive", path)
    asked_of_a_symbol = any(w in message for w in ("compares", "float", "preconditioner", "no entry of the prompt"))
    # derive says what it did not find; that no layer does it takes the evidence of verify
    refused(
        told, code if asked_of_a_symbol else 4, "no heads of the form" if message.startswith("no layer") else message
    )


def test_a_loop_variable_that_is_no_attribute_of_the_sweep(capsys, tmp_path):
    path = write(tmp_path, ("sweep.total", "total"))
    ran = run_cli(capsys, "verify", path, *DERIVED, "--json")
    assert ran.code == 3 and "keep every loop variable on the sweep" in verdict(ran)[1]


@pytest.mark.parametrize(
    "change, piece, message",
    (
        (total("t.rho * delta * t.phi"), "t.rho", "a transition has no rho"),
        (total("p.beta * delta * t.phi"), "p.beta", "beta"),
        (before(TOTAL, "raise RuntimeError('boom')"), "boom", "RuntimeError: boom"),
        (before(TOTAL, "raise SystemExit(0)"), "SystemExit", "SystemExit"),
        (before(TOTAL, "delta = delta + sweep.older"), "sweep.older", "sweep.older"),
        ((RETURN, "    return w @ w @ w, w\n"), "w @ w @ w", "Error"),
    ),
)
@pytest.mark.parametrize("given", (False, True), ids=("derived", "given"))
def test_an_update_that_raises_is_told_with_its_line(capsys, tmp_path, change, piece, message, given):
    path = write(tmp_path, change, given=given)
    ran = run_cli(capsys, "verify", path, *(EXACT if given else DERIVED))
    refused(ran, 4, f"{path}, line {line_of(path, piece)}: ", message)


def test_an_error_of_several_lines_is_told_in_one(capsys, tmp_path):
    path = write(tmp_path, before(TOTAL, "raise RuntimeError('one\\ntwo')"))
    refused(run_cli(capsys, "verify", path, *DERIVED), 4, "one", "two")


@pytest.mark.parametrize("given", (False, True), ids=("derived", "given"))
@pytest.mark.parametrize(
    "returned",
    ("(w + C @ sweep.total / sweep.n, w)", "()", "w + C @ sweep.total / sweep.n", "None", "(1, 2)", "([1, 2],)"),
)
def test_an_update_that_returns_something_else(capsys, tmp_path, returned, given):
    path = write(tmp_path, (RETURN, f"    return {returned}\n"), given=given)
    refused(run_cli(capsys, "verify", path, *(EXACT if given else DERIVED)), 4, "mine")


@pytest.mark.parametrize(
    "changes",
    (
        (("update=update", "update=None"),),
        (("accumulators=(Accumulator(", "accumulators=(5, Accumulator("),),
        (('FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next)', "5"),),
        (("features=(\n", "features=5,\n    notes=(\n"),),
        (("lambda w, x, p: x.reward + w[0] @ x.gamma_phi_next - w[0] @ x.phi", "lambda w, x, p: w[0]"),),
        (("lambda w, x, p: x.reward + w[0] @ x.gamma_phi_next - w[0] @ x.phi", "lambda w, x, p: None"),),
        (("lambda w, x, p: x.reward", "lambda w, x: x.reward"),),
        (("lambda t, p: t.phi,", "lambda t: t.phi,"),),
        (("lambda q: q", "lambda: 0"),),
        (("def update(weights, preconditioners, sweep, p)", "def update(weights)"),),
        (('parameters=("gamma",)', "parameters=5"),),
        (('FeatureBlock("gamma_phi_next"', 'FeatureBlock("phi"'),),
    ),
    ids=lambda changes: changes[0][1][:30],
)
def test_a_record_of_the_wrong_form_is_no_internal_error(capsys, tmp_path, changes):
    path = write(tmp_path, *changes)
    refused(run_cli(capsys, "verify", path, *DERIVED), 4)


# accumulators


@pytest.mark.parametrize(
    "value, code, message",
    (
        ("(w[0] @ x.phi) * (w[0] @ x.gamma_phi_next) - w[0] @ x.phi", 1, "do this update"),
        ("x.reward + w[0] @ x.gamma_phi_next", 1, "do this update"),
        ("x.reward", 3, "no sum of (accumulator row) * (feature block)"),
    ),
)
def test_accumulators_that_do_not_fit(capsys, tmp_path, value, code, message):
    path = write(tmp_path, ("x.reward + w[0] @ x.gamma_phi_next - w[0] @ x.phi", value))
    ran = run_cli(capsys, "verify", path, *DERIVED, "--json")
    assert ran.code == code and message in verdict(ran)[1]


def test_no_readable_prediction_among_given_weights(capsys, tmp_path):
    value = "x.reward + w[0] @ x.gamma_phi_next - w[0] @ x.phi"
    path = write(tmp_path, (value, "x.reward + w[0] @ x.gamma_phi_next"), given=True)
    ran = run_cli(capsys, "verify", path, *EXACT)
    assert ran.code in (1, 3) and "holds + or - w.q in the query column" in ran.out and "Traceback" not in ran.err


# given weights


@pytest.mark.parametrize(
    "change, message",
    (
        ((MASK, "M=[[1]]"), "M of layer 1, head 1 has the wrong shape, wanted 4 rows of 4 numbers"),
        ((MASK, "M=None"), "M of layer 1, head 1 has the wrong shape"),
        ((P, "P = [[1]]"), "P of layer 1, head 1 has the wrong shape, wanted 5 rows of 5 numbers"),
        (("W=None", "W=[1, 2]"), "W of layer 1, head 1 has the wrong shape"),
        ((MASK, "M=[[float(x) for x in row] for row in layout.mask()]"), "holds 1.0, wanted an exact number"),
        ((MASK, "M=__import__('numpy').eye(layout.n + 1)"), "holds 1.0, wanted an exact number"),
        ((MASK, "M=[[float('nan')] * (layout.n + 1)] * (layout.n + 1)"), "holds nan, wanted an exact number"),
        ((MASK, "M=[[True] * (layout.n + 1)] * (layout.n + 1)"), "holds True, wanted an exact number"),
        ((MASK, "M=[['x'] * (layout.n + 1)] * (layout.n + 1)"), "'x', wanted a rational number"),
        ((MASK, "M=[['1/0'] * (layout.n + 1)] * (layout.n + 1)"), "'1/0', wanted a rational number"),
        (before("    return [Head", "return 5"), "returned 5, wanted a list of Head"),
        (before("    return [Head", "return None"), "returned None, wanted a list of Head"),
        (before("    return [Head", "return [P]"), "wanted a list of Head"),
    ),
)
def test_heads_of_the_wrong_form(capsys, tmp_path, change, message):
    refused(run_cli(capsys, "verify", write(tmp_path, change, given=True), *EXACT), 4, message)


def test_heads_that_raise(capsys, tmp_path):
    path = write(tmp_path, before("    return [Head", "raise KeyError('boom')"), given=True)
    ran = run_cli(capsys, "verify", path, *EXACT)
    refused(ran, 4, f"{path}, line {line_of(path, 'KeyError')}: KeyError: 'boom'")


def test_heads_with_another_signature(capsys, tmp_path):
    path = write(tmp_path, ("def heads(layout, step, p, layer)", "def heads(layout)"), given=True)
    refused(run_cli(capsys, "verify", path, *EXACT), 4, path, "heads")


@pytest.mark.parametrize(
    "entry", ("0.1", "0.5", "float('nan')", "float('inf')", "'one'", "None", "__import__('numpy').float64(1)")
)
def test_a_layout_takes_exact_numbers_only(capsys, tmp_path, entry):
    """`Head`s refuse floats, since 0.1 is not 1/10; what makes their matrices must not turn them into fractions."""
    path = write(tmp_path, (P, f'P = layout.matrix({{("td_error", "td_error"): {entry}}})'), given=True)
    refused(run_cli(capsys, "verify", path, *EXACT), 4)
    path = write(tmp_path, (MASK, f"M=layout.mask(lambda i, j: {entry})"), given=True, name="mask.py")
    refused(run_cli(capsys, "verify", path, *EXACT), 4)


def test_a_layout_block_that_is_not_there_is_wrong_content(capsys, tmp_path):
    path = write(tmp_path, ('("td_error", "td_error")', '("td_error", "error")'), given=True)
    refused(run_cli(capsys, "verify", path, *EXACT), 4, "there is no row 'error'")


WRONG_HEADS = {
    "one mask entry": (MASK, "M=layout.mask(lambda i, j: int(i == j or (i, j) == (1, 2)))"),
    "a token too few": (MASK, "M=layout.mask(lambda i, j: int(i == j > 1))"),
    "C transposed": ("-step.C.mT", "-step.C"),
    "one sign of Q": ("-step.C.mT", "step.C.mT"),
    "one sign of P": (P, P.replace("1}", "-1}")),
    "no heads": ("    return [Head", "    return []\n    return [Head"),
    "the head twice": (
        "return [Head(W=None, P=P, Q=Q, M=layout.mask())]",
        "return 2 * [Head(None, P, Q, layout.mask())]",
    ),
    "the last layer": ("return [Head", "return [] if layer == 1 else [Head"),
    "a feature row": (P, 'P = layout.matrix({("td_error", "td_error"): 1, ("phi", "phi"): 1})'),
}


@pytest.mark.parametrize("name", WRONG_HEADS)
def test_wrong_weights_are_refuted_with_a_small_counterexample(capsys, tmp_path, name):
    path = write(tmp_path, WRONG_HEADS[name], given=True)
    ran = run_cli(capsys, "verify", path, *EXACT, "--json")
    assert ran.code == 1
    (claim,) = [c for c in ran.document["claims"] if c["asked"]]
    witness = claim["witness"]
    assert witness["layer"] == (2 if name == "the last layer" else 1)
    assert witness["row"] in ("td_error", "prediction", "phi[1]", "phi[2]") and witness["column"]
    assert witness["layer_value"] != witness["iterate_value"]
    shown = run_cli(capsys, "verify", path, *EXACT)
    assert shown.code == 1 and f"layer {witness['layer']}, row {witness['row']}, {witness['column']}" in shown.out


def test_right_weights_hold(capsys, tmp_path):
    ran = run_cli(capsys, "verify", write(tmp_path, given=True), *EXACT, "--json")
    assert ran.code == 0, ran.out


def test_evidence_of_a_derivation_does_not_apply_to_given_weights(capsys, tmp_path):
    path = write(tmp_path, given=True)
    assert run_cli(capsys, "verify", path, *DERIVED).code == 3  # asked for by name, it was not run
    refused(run_cli(capsys, "verify", path, *SMALL, "--evidence", "derved"), 2, "did you mean derived?")


# other commands


def test_the_other_commands_on_a_derived_file(capsys, tmp_path):
    path = write(tmp_path)
    assert "weights derived from the update" in run_cli(capsys, "derive", path).out
    assert run_cli(capsys, "derive", path, "-d", "2", "-n", "3", "--json").document["algorithm"] == "mine"
    ran = run_cli(capsys, "invariance", path, "--no-float", "-L", "1", "--json")
    assert ran.code == 0 and {c["algorithm"] for c in ran.document["claims"]} == {"mine"}
    assert run_cli(capsys, "list", path).code == 2


def test_the_other_commands_on_weights_and_constructions_of_ones_own(capsys, tmp_path):
    for command in (("derive", RIDGE), ("invariance", RIDGE, "--no-float")):
        refused(run_cli(capsys, *command), 4, "my-ridge-td is an OwnConstruction", "layerproof verify")
    (claim,) = run_cli(capsys, "prove", RIDGE, "--json").document["claims"]
    assert claim["verdict"] == "NOT_RUN" and "a program that runs at one size" in claim["reason"]
    ran = run_cli(capsys, "verify", RIDGE, "-d", "1", "-n", "1", "--evidence", "proved-all-sizes", "--json")
    assert ran.code == 3 and next(c for c in ran.document["claims"] if c["evidence"] == "proved-all-sizes") == {
        **claim,
        "claim": "evidence of the kind proved-all-sizes",
    }
    refused(run_cli(capsys, "derive", HEAVY_BALL), 4, "gives its own heads", "layerproof verify")
    refused(run_cli(capsys, "invariance", OFF_POLICY, "--no-float", "--law", "symmetric"), 2, "rho")


def test_derive_shows_matrices_where_a_parameter_has_a_default(capsys, tmp_path):
    path = write(
        tmp_path,
        ('parameters=("gamma",)', 'parameters=("gamma", "beta"), defaults={"beta": "1/3"}'),
        total("p.beta * delta * t.phi"),
    )
    assert run_cli(capsys, "verify", path, *DERIVED).code == 0
    assert run_cli(capsys, "derive", path).code == 0
    ran = run_cli(capsys, "derive", path, "-d", "2", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["weights"]


def test_a_file_with_a_catalogue_name_does_not_borrow_its_theorems(capsys, tmp_path):
    path = write(tmp_path, ('name="mine"', 'name="td0"'), total("2 * delta * t.phi"))
    (own, *_), (book, *_) = audits(resolve_algorithm(path, "prove")), audits(find("td0"))
    assert own.statements != book.statements and "2%:R" in own.statements and "2%:R" not in book.statements


def test_two_files_that_define_the_same_name_are_both_checked(capsys, tmp_path):
    right = write(tmp_path, given=True, name="right.py")
    wrong = write(tmp_path, WRONG_HEADS["C transposed"], given=True, name="wrong.py")
    for files in ((right, wrong), (wrong, right)):
        ran = run_cli(capsys, "verify", *files, *EXACT, "--json")
        assert ran.code == 1
        assert sorted(c["verdict"] for c in ran.document["claims"] if c["asked"]) == ["HOLDS", "REFUTED"]


# parameters


def test_a_parameter_is_used(capsys):
    ran = run_cli(capsys, "verify", HEAVY_BALL, *EXACT, "--parameter", "beta=-1/7", "--json")
    assert ran.code == 0 and ran.document["settings"]["values"] == {"beta": "-1/7"}


@pytest.mark.parametrize("path", (HEAVY_BALL, RIDGE, "td0"))
def test_an_unknown_parameter_is_refused(capsys, path):
    """A typing error must not leave the default in force and say HOLDS."""
    refused(run_cli(capsys, "verify", path, *EXACT, "--parameter", "bta=1/7"), 2, "bta")


@pytest.mark.parametrize(
    "text", ("beta", "beta=", "beta=x", "=1", "be ta=1", "beta=1/0", "beta=nan", "gamma=1/2", "lam=1/2", "beta=1=2")
)
def test_a_bad_parameter_is_refused(capsys, text):
    refused(run_cli(capsys, "verify", HEAVY_BALL, *EXACT, "--parameter", text), 2)


def test_a_parameter_given_twice_or_never(capsys, tmp_path):
    twice = ("--parameter", "beta=1/2", "--parameter", "beta=1/3")
    refused(run_cli(capsys, "verify", HEAVY_BALL, *EXACT, *twice), 2, "once for each name")
    path = write(tmp_path, ('parameters=("gamma",)', 'parameters=("gamma", "beta")'), given=True)
    refused(run_cli(capsys, "verify", path, *EXACT), 2, "needs a value for beta")
    assert run_cli(capsys, "verify", path, *EXACT, "--parameter", "beta=1/2").code == 0


@pytest.mark.parametrize("default", ("0.5", "'x'", "'1/0'", "None", "True"))
def test_a_default_that_is_no_exact_number(capsys, tmp_path, default):
    record = f'parameters=("gamma", "beta"), defaults={{"beta": {default}}}'
    path = write(tmp_path, ('parameters=("gamma",)', record), given=True)
    refused(run_cli(capsys, "verify", path, *EXACT), 4, "the default of beta")


# prompt files with extras


PROMPT = {
    "features": [["1/2", 1], [0, 3]],
    "next_features": [[1, 1], [2, "-1/3"]],
    "rewards": [1, -2],
    "query": [1, 4],
}


def with_extras(tmp_path: Path, **document: object) -> str:
    path = tmp_path / "prompt.json"
    path.write_text(json.dumps({**PROMPT, **document}), encoding="utf-8")
    return str(path)


def test_a_prompt_file_gives_what_transitions_carry(capsys, tmp_path):
    prompt = with_extras(tmp_path, extras={"rho": [2, "1/3"]})
    evidence = ("--evidence", "derived", "--evidence", "identity-exact")
    ran = run_cli(capsys, "verify", OFF_POLICY, "-L", "2", "--prompt", prompt, *evidence, "--json")
    assert ran.code == 0, ran.err
    exact = next(c for c in ran.document["claims"] if c["evidence"] == "identity-exact")
    assert exact["details"]["prompts"][0] == "given"
    assert "on the given prompt w_2.q" in exact["reason"]


@pytest.mark.parametrize("extras", (None, {}, {"sigma": [1, 2]}), ids=("none", "empty", "another"))
def test_a_prompt_without_rho_is_told(capsys, tmp_path, extras):
    prompt = with_extras(tmp_path, **({} if extras is None else {"extras": extras}))
    ran = run_cli(capsys, "verify", OFF_POLICY, "-L", "2", "--prompt", prompt, "--evidence", "identity-exact")
    assert ran.code in (2, 4)
    refused(ran, ran.code, "the prompt has no rho")


@pytest.mark.parametrize(
    "extras, message",
    (
        ({"rho": [1]}, "rho has 1 entries, wanted one for each of 2 transitions"),
        ({"rho": [1, 2, 3]}, "rho has 3 entries"),
        ({"rho": [[1], [2]]}, "rho has a vector that is not of length 2"),
        ({"rho": 1}, "wanted a list"),
        ({"rho": [1, "x"]}, "wanted a number"),
        ({"rho": [1, None]}, "wanted a number"),
        ({"rho": [1, {"a": 1}]}, "wanted a number"),
        ({"rho": [1, [[1]]]}, "wanted a number"),
        ([1, 2], "wanted an object"),
    ),
)
def test_extras_of_the_wrong_form(capsys, tmp_path, extras, message):
    prompt = with_extras(tmp_path, extras=extras)
    refused(run_cli(capsys, "verify", OFF_POLICY, "--prompt", prompt), 4, prompt, message)


def test_extras_that_are_vectors_where_numbers_are_wanted(capsys, tmp_path):
    prompt = with_extras(tmp_path, extras={"rho": [[1, 2], [3, 4]]})
    ran = run_cli(capsys, "verify", OFF_POLICY, "-L", "1", "--prompt", prompt, "--evidence", "identity-exact")
    assert ran.code in (2, 4)
    refused(ran, ran.code, "rho")


def test_a_file_is_no_plug_in_of_the_tests_process(tmp_path):
    """The console script itself: exit code, one line, no traceback."""
    path = write(tmp_path, (RECORD, f"1 / 0\n{RECORD}"))
    ran = python("-m", "layerproof", "verify", path)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (4, "", 1)
