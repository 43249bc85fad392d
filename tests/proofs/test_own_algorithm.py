"""An algorithm in a user's file: its expressions, values and heads come from its process, and are judged here."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from cli import run_cli
from own_files import MASK, RECORD, TOTAL, line_of, write

import layerproof as lp
from layerproof.proofs.own import client, functions, reading
from layerproof.proofs.own.client import Child
from layerproof.proofs.user_file import load, origin
from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import ContentError, LayerproofError

pytestmark = pytest.mark.slow

EXACT = ("-d", "2", "-n", "3", "-L", "2", "--evidence", "identity-exact")
WRONG = ("-step.C.mT", "-step.C")
"""A change of the heads that is refuted."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the files' processes are asked, in order."""
    questions: list[str] = []
    ask = Child.ask
    monkeypatch.setattr(Child, "ask", lambda self, what, **more: questions.append(what) or ask(self, what, **more))
    return questions


def algorithm(path: str) -> Algorithm:
    own = load(Path(path))
    assert isinstance(own, Algorithm)
    return own


def verdicts(out: str) -> set[str]:
    return {claim["verdict"] for claim in json.loads(out)["claims"] if claim["asked"]}


def test_a_file_is_asked_for_data_and_its_functions_never_run_here(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, asked: list[str]
) -> None:
    here = "import os\n\nassert os.environ.get('LAYERPROOF_OWN_FILE'), 'it runs in the judge'\n"
    path = write(tmp_path, (RECORD, f"{here}{RECORD}"), given=True)
    ran = run_cli(capsys, "verify", path, *EXACT, "--json")
    assert ran.code == 0, ran.err
    assert set(asked) == {"trace", "values", "heads"} and asked.count("trace") == 1 and asked.count("heads") == 2


def test_equal_matrices_are_sent_once(tmp_path: Path) -> None:
    path = write(tmp_path, given=True)
    construction = lp.construct(path, d=2, n=3, layers=4)
    masks, values = ({id(getattr(h, m)) for layer in construction.layers for h in layer} for m in "MP")
    assert len(masks) == len(values) == 1
    assert len({id(layer[0].Q) for layer in construction.layers}) == 4  # each layer has its own C


def test_construct_returns_the_heads_of_the_file(tmp_path: Path) -> None:
    derived = lp.construct("td0", d=2, n=3, layers=2, seed=5)
    for change, same in (((MASK, MASK), True), (WRONG, False), ((MASK, "M=layout.mask(lambda i, j: 1)"), False)):
        construction = lp.construct(write(tmp_path, change, given=True), d=2, n=3, layers=2, seed=5)
        assert construction.algorithm == "mine" and construction.steps == derived.steps
        pairs = zip(construction.layers, derived.layers, strict=True)
        assert all(getattr(a[0], m) == getattr(b[0], m) for a, b in pairs for m in "PQM") is same
    step: list[Any] = [([["1/2", 0], [3, 0]],)]
    construction = lp.construct(write(tmp_path, given=True), d=2, n=3, layers=2, looped=True, preconditioners=step)
    assert len(construction.layers) == 1 and construction.layers[0][0].Q.fractions()[0][:2] == [Fraction(-1, 2), -3]


def test_the_expressions_are_the_algorithm_in_every_arithmetic(tmp_path: Path) -> None:
    own = algorithm(write(tmp_path))
    ours, theirs = derive(own), derive(find("td0"))
    assert [h.mask for h in ours.heads] == [h.mask for h in theirs.heads]
    assert [str(h.E) for h in ours.heads] == [str(h.E) for h in theirs.heads]
    assert origin(own) == tmp_path / "mine.py"


TRACE = (
    ('parameters=("gamma",)', 'parameters=("gamma", "lam"), options={"trace": ("lam", "gamma-lam")}'),
    ("    sweep.total = 0 * w\n", "    sweep.total, sweep.e = 0 * w, 0 * w\n"),
    (TOTAL, "        sweep.e = (p.lam if p.trace == 'lam' else p.gamma * p.lam) * sweep.e + t.phi\n"
            "        sweep.total = sweep.total + delta * sweep.e\n"),
)  # fmt: skip


def test_options_are_traced_each_when_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, asked: list[str]
) -> None:
    path = write(tmp_path, *TRACE)
    for trace in ("lam", "gamma-lam"):
        ran = run_cli(capsys, "verify", path, *EXACT[:6], "--trace", trace, "--evidence", "derived", "--json")
        assert ran.code == 0, ran.err
    assert asked.count("trace") == 2
    assert run_cli(capsys, "verify", path, *EXACT, "--trace", "none").code == 2


@pytest.mark.parametrize("where", ("update", "context", "query", "value"))
@pytest.mark.parametrize("how", ("os._exit(0)", "sys.exit(0)"))
def test_ending_the_process_anywhere_is_exit_4(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, where: str, how: str
) -> None:
    call = f"__import__('{how.partition('.')[0]}').{how.partition('.')[2]}"
    change = {
        "update": (TOTAL, f"        {call}\n{TOTAL}"),
        "context": ("lambda t, p: t.phi,", f"lambda t, p: {call} or t.phi,"),
        "query": ("lambda q: q", f"lambda q: {call} or q"),
        "value": ("lambda w, x, p: x.reward", f"lambda w, x, p: {call} or x.reward"),
    }[where]
    path = write(tmp_path, change, given=True)
    ran = run_cli(capsys, "verify", path, *EXACT)
    assert (ran.code, ran.out) == (4, "") and path in ran.err
    reason = (
        "ended its process with exit status 0" if how.startswith("os") else f"line {line_of(path, 'sys')}: SystemExit"
    )
    assert reason in ran.err


def test_ending_it_at_points_only_is_no_success(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    guard = "        __import__('os')._exit(0) if type(t.reward).__name__ == 'Fraction' else None\n"
    ran = run_cli(capsys, "verify", write(tmp_path, (TOTAL, guard + TOTAL)), *EXACT)
    assert (ran.code, ran.out) == (4, "") and "ended its process" in ran.err


def test_what_it_does_at_points_is_compared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = write(tmp_path, (TOTAL, TOTAL.replace("delta", "(delta if type(delta).__name__ != 'Fraction' else 0)")))
    ran = run_cli(capsys, "verify", path, *EXACT)
    assert ran.code == 1 and "something else than on symbols" in ran.out


@pytest.mark.parametrize("patch", (
    "import layerproof.symbolic.identity.exact as m; m.check_construction = lambda *a: iter(())",
    "import layerproof.proofs.evidence.exact as m; m.first_mismatch = lambda *a, **k: None",
    "import layerproof.symbolic.given as m; m.exact_matrix = lambda *a: None",
    "import layerproof.proofs.checker as m; m.verify = None",
))  # fmt: skip
def test_patching_the_judge_changes_no_verdict(capsys: pytest.CaptureFixture[str], tmp_path: Path, patch: str) -> None:
    path = write(tmp_path, WRONG, (RECORD, f"{patch}\n{RECORD}"), given=True)
    assert run_cli(capsys, "verify", path, *EXACT).code == 1
    assert run_cli(capsys, "verify", "td0", *EXACT).code == 0
    ran = run_cli(capsys, "verify", path, write(tmp_path, given=True, name="right.py"), *EXACT, "--json")
    assert ran.code == 1 and verdicts(ran.out) == {"HOLDS", "REFUTED"}


FORGERIES = {
    "heads": (
        5, [5], [{}], [{"P": 1, "Q": 1, "M": 1}], [{"P": {"same": 0}, "Q": {"same": 0}, "M": {"same": 0}}],
        [{"P": {"rows": []}, "Q": {"rows": []}, "M": {"rows": []}}], [{}] * 20_000, {"0": 1}, None, "heads",
        [{"P": {"rows": [["1/0"] * 5] * 5}, "Q": {"rows": [[1] * 5] * 5}, "M": {"rows": [[1] * 4] * 4}}],
        [{"P": {"rows": [[True] * 5] * 5}, "Q": {"rows": [[1] * 5] * 5}, "M": {"rows": [[1] * 4] * 4}}],
        [{"P": {"rows": [[0.5] * 5] * 5}, "Q": {"rows": [[1] * 5] * 5}, "M": {"rows": [[1] * 4] * 4}}],
        [{"P": {"rows": [["1e9"] * 5] * 5}, "Q": {"rows": [[1] * 5] * 5}, "M": {"rows": [[1] * 4] * 4}}],
    ),
    "trace": (5, {}, [], None, {"format": 1}, "x"),
    "values": (5, {}, [], None, [5], [{"a": 0.5}], [{}] * 10**5),
}  # fmt: skip


@pytest.mark.parametrize("what, reply", [(k, x) for k, xs in FORGERIES.items() for x in xs], ids=lambda x: str(x)[:40])
def test_answers_are_read_as_hostile(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, reply: Any
) -> None:
    path, ask = write(tmp_path, given=True), Child.ask

    def forged(self: Child, asked: str, **more: Any) -> Any:
        return reply if asked == what else ask(self, asked, **more)

    monkeypatch.setattr(Child, "ask", forged)
    ran = run_cli(capsys, "verify", path, *EXACT)
    assert (ran.code, ran.out) == (4, "") and path in ran.err, ran


def test_values_that_are_the_trees_but_for_one_are_refuted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = functions.Asked.values

    def other(self: functions.Asked, *arguments: Any) -> Any:
        answer = asked(self, *arguments)
        place = list(answer[3])[-1]  # type: ignore[arg-type]
        answer[3][place] += Fraction(1, 10**9)  # type: ignore[index]
        return answer

    monkeypatch.setattr(functions.Asked, "values", other)
    ran = run_cli(capsys, "verify", write(tmp_path), *EXACT)
    assert ran.code == 1 and "something else than on symbols" in ran.out


ERRORS = (
    5, {}, {"kind": 3, "message": 4, "line": "x"}, {"kind": "raised", "message": "a\x1b[31m\n\u202eb", "line": -1},
    {"kind": "differs", "message": "m", "witness": {"point": {"transitions": 5, "query": 1}, "difference": 1}},
    {"kind": "differs", "message": "m", "witness": {"point": {"transitions": [{"phi": ["x"]}], "query": "1"}}},
    {"kind": "refused", "message": "m" * 10**5, "what": [], "function": {}, "line": 10**30},
)  # fmt: skip


@pytest.mark.parametrize("content", ERRORS, ids=lambda x: str(x)[:40])
def test_errors_are_read_as_hostile_too(content: Any) -> None:
    try:
        error = client.told(Path("mine.py"), content)
    except ContentError:
        return
    assert isinstance(error, LayerproofError) and str(error).isprintable() and len(str(error)) < 1500
    assert "point" not in (getattr(error, "witness", None) or {})


@pytest.mark.parametrize(
    "text", ("", "1/0", "1e9", " 1", "1 ", "--1", "0x", "0xg", "1_0", "١", "1/-2", "+1", "9" * 5000, "1.5")
)
def test_only_exact_numbers_are_numbers(text: str) -> None:
    with pytest.raises(ContentError):
        reading.rational(text, "it")


@pytest.mark.parametrize("value", (0, -1, 2**60, Fraction(-3, 7), Fraction(10**5000, 3), -(10**4000)))
def test_numbers_come_back_as_they_were_sent(value: Any) -> None:
    from layerproof.proofs.own.protocol import number

    assert reading.rational(json.loads(json.dumps(number(value))), "it") == value


FIELDS = (
    ('name="mine"', "name=type('S', (str,), {})('mine')", "the name is 'mine', a S"),
    ('name="mine"', "name='x' * 101", "the name has 101 characters"),
    ('parameters=("gamma",)', "parameters=(7,)", "the parameter has the name 7"),
    ('parameters=("gamma",)', "parameters={'gamma'}", "parameters is"),
    ('parameters=("gamma",)', "parameters=('gamma',), options=[1]", "options is [1], wanted a dict"),
    ('parameters=("gamma",)', "parameters=('gamma',), options={1: (1,)}", "option 1 is (1,), wanted a tuple of names"),
    ('parameters=("gamma",)', "parameters=('gamma',), options={'o': ()}", "option o is empty"),
    (
        'parameters=("gamma",)',
        "parameters=('gamma',), options={'o': (1,)}",
        "option o is (1,), wanted a tuple",
    ),
    ('parameters=("gamma",)', "parameters=('gamma',), notes=7", "notes is 7, wanted a text"),
    ('parameters=("gamma",)', "parameters=('gamma',), notes='\\x1b'", "the notes is '\\x1b'"),
    ('parameters=("gamma",)', "parameters=('gamma',), defaults={'gamma': 0.5}", "the default of gamma holds 0.5"),
    ('parameters=("gamma",)', "parameters=('gamma',), weights='w'", "weights is 'w'"),
    ('parameters=("gamma",)', "parameters=('gamma',), heads=5", "heads is 5, wanted a function"),
    ("query=lambda q: q", "query=5", "query of phi is 5"),
    ("query=lambda q: q", "query=lambda q: q, scalar=1", "scalar of phi is 1"),
    ("query=lambda q: q", "query=lambda q: q, meaning=None", "meaning of phi is None"),
    ('FeatureBlock("phi"', "FeatureBlock('p' * 200", "name of a feature block has 200 characters"),
    ('FeatureBlock("phi"', "FeatureBlock('p\\n'", "name of a feature block is 'p\\n'"),
    ("update=update", "update=5", "update is 5, wanted a function"),
)


@pytest.mark.parametrize("old, new, message", FIELDS, ids=[x[1][:40] for x in FIELDS])
def test_a_field_that_is_no_data_of_its_kind_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = write(tmp_path, (old, new))
    ran = run_cli(capsys, "verify", path, *EXACT)
    assert (ran.code, ran.out) == (4, "") and path in ran.err and message in ran.err, ran.err


def test_a_neighbour_may_be_imported_and_changed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write(tmp_path, given=True)
    (tmp_path / "other.py").write_text(
        "from dataclasses import replace\n\nfrom mine import ALGORITHM as RIGHT\n\n\n"
        "def none(layout, step, p, layer):\n    return []\n\n\n"
        "ALGORITHM = replace(RIGHT, name='other', heads=none)\n",
        encoding="utf-8",
    )
    ran = run_cli(capsys, "verify", str(tmp_path / "mine.py"), str(tmp_path / "other.py"), *EXACT, "--json")
    assert ran.code == 1 and verdicts(ran.out) == {"HOLDS", "REFUTED"}


def test_the_report_shows_the_code_and_docstring_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, ("    (w,) = weights\n", '    """w <- w + C sum.\x07"""\n    (w,) = weights\n'))
    update = algorithm(path).update
    assert update.__doc__ == "w <- w + C sum.\ufffd"
    assert update.code.startswith("def update(weights") and "sweep.total" in update.code  # type: ignore[attr-defined]
    assert "\x07" not in update.code  # type: ignore[attr-defined]


def test_a_file_with_heads_has_a_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("report", write(tmp_path, given=True), *EXACT, "-o", str(tmp_path / "report"))
    ran = run_cli(capsys, *words)
    assert ran.code == 0, ran.err
    shown = (tmp_path / "report" / "mine.html").read_text(encoding="utf-8")
    assert "The weights are given by the author of this construction, not derived" in shown
