"""Files whose functions look at values: verdicts, exit codes, witnesses that are redone by hand, and faults of ours."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from cli import run_cli
from own_files import MASK, RECORD, START, TOTAL, write

import layerproof as lp
from layerproof.proofs import checker
from layerproof.proofs.evidence import exact
from layerproof.proofs.verdict import Verdict

SMALL = ("-d", "2", "-n", "3", "-L", "2", "--trials", "2")
EXACT = ("--evidence", "identity-exact")
ROW = 'FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next)'
DONE = ROW.replace("p.gamma * t.phi_next", "0 * t.phi_next if t.done == 1 else p.gamma * t.phi_next")
WITH_DONE = (RECORD, RECORD + '\n    transition_scalars=("done",),')
MAX = (TOTAL, TOTAL.replace("delta * t.phi", "max(delta, 0) * t.phi"))


def numbers(value: Any) -> Any:
    return [numbers(x) for x in value] if isinstance(value, list) else Fraction(value)


def dot(x: Any, y: Any) -> Fraction:
    return sum((a * b for a, b in zip(x, y, strict=True)), Fraction(0))


def by_hand(point: Any, clipped: bool) -> tuple[list[Fraction], list[Fraction], list[Any]]:
    """The accumulator row before and after one update, and the feature rows, from the printed numbers alone."""
    query, gamma = numbers(point["query"]), Fraction(point["parameters"]["gamma"])
    w, C = numbers(point["weights"]["w"]), numbers(point["preconditioners"]["C"])
    steps = [{k: numbers(v) for k, v in t.items()} for t in point["transitions"]]
    rows, gains = [], [Fraction(0)] * len(w)
    for t in steps:
        hidden = t.get("done") == 1
        rows.append((t["phi"], [0 * x if hidden else gamma * x for x in t["phi_next"]], t["reward"]))
        delta = t["reward"] + gamma * dot(w, t["phi_next"]) - dot(w, t["phi"])
        delta = max(delta, Fraction(0)) if clipped else delta
        gains = [g + delta * x for g, x in zip(gains, t["phi"], strict=True)]
    moved = [x + dot(row, gains) / len(steps) for x, row in zip(w, C, strict=True)]

    def entries(v: Any) -> list[Fraction]:
        return [r + dot(v, after) - dot(v, phi) for phi, after, r in rows] + [-dot(v, query)]

    return entries(w), entries(moved), [*(x for phi, after, _ in rows for x in (phi, after)), query]


@pytest.mark.parametrize(("changes", "clipped"), [(((ROW, DONE), WITH_DONE), False), ((MAX,), True)],
                         ids=["two prompts", "five prompts"])  # fmt: skip
def test_the_prompts_that_no_layer_answers_are_redone_by_hand(capsys, tmp_path, changes, clipped):
    ran = run_cli(capsys, "verify", write(tmp_path, *changes), *SMALL, "--evidence", "derived", "--json")
    (claim,) = [c for c in json.loads(ran.out)["claims"] if c["asked"]]
    assert (ran.code, claim["verdict"]) == (1, "REFUTED")
    witness = claim["witness"]
    done = [by_hand(point, clipped) for point in witness["prompts"]]
    place = witness["entry"]
    at = -1 if "the query" in place else int(place.split("token ")[1].split(" ")[0]) - 1
    values = [after[at] for _, after, _ in done]
    assert [str(v) for v in values] == witness["values"]
    total = sum(m * v for m, v in zip(witness["multipliers"], values, strict=True))
    assert str(total) == witness["sum"] and total
    assert witness["multipliers"] in ([1, -1], [1, -4, 6, -4, 1])
    # Z_0 is the same, or runs along a line; all else that a layer could depend on is the same
    flat = [[*before, *(x for row in rows for x in row)] for before, _, rows in done]
    if len(flat) == 2:
        assert flat[0] == flat[1]
    for a, b, c in zip(flat, flat[1:], flat[2:], strict=False):
        assert all(x - 2 * y + z == 0 for x, y, z in zip(a, b, c, strict=True))
    for part in ("preconditioners", "parameters"):
        assert all(p[part] == witness["prompts"][0][part] for p in witness["prompts"])
    shown = run_cli(capsys, "verify", write(tmp_path, *changes), *SMALL, "--evidence", "derived")
    assert "prompts that no layer answers so" in shown.out and witness["values"][0] in shown.out


def test_a_comparison_without_such_prompts_is_undecided_with_its_line(capsys, tmp_path):
    path = write(tmp_path, (TOTAL, "        if t.index == 300:\n            continue\n" + TOTAL))
    ran = run_cli(capsys, "verify", path, *SMALL)
    assert ran.code == 3 and "the update compares t.index (line 10 of mine.py)" in ran.out.replace("\n", " ")
    assert "HOLDS" not in ran.out


def test_a_file_that_is_another_on_numbers_is_refuted_with_the_point(capsys, tmp_path):
    factor = "(1 if type(t.reward).__name__ != 'Fraction' or t.reward != 1 else 2)"
    path = write(tmp_path, (TOTAL, TOTAL.replace("delta * t.phi", f"{factor} * delta * t.phi")))
    ran = run_cli(capsys, "verify", path, *SMALL, "--json")
    (claim,) = [c for c in ran.document["claims"] if c["verdict"] == "REFUTED"]
    assert ran.code == 1 and claim["witness"]["point"]["transitions"]


LOCAL = (
    (START, "    total = 0 * w\n"),
    (TOTAL, "        total = total + delta * t.phi\n"),
    ("C @ sweep.total", "C @ total"),
)


def test_an_update_that_is_no_loop_keeps_its_exact_evidence_and_no_other(capsys, tmp_path):
    ran = run_cli(capsys, "verify", write(tmp_path, *LOCAL, given=True), *SMALL, "--json")
    verdicts = {c["evidence"]: c["verdict"] for c in ran.document["claims"] if c["asked"]}
    assert (ran.code, verdicts) == (3, {"identity-exact": "HOLDS", "float": "UNDECIDED"})


def test_its_exact_evidence_sees_wrong_heads(capsys, tmp_path):
    wrong = (*LOCAL, (MASK, "M=layout.mask(lambda i, j: 2 * (i == j))"))
    assert run_cli(capsys, "verify", write(tmp_path, *wrong, given=True), *SMALL, *EXACT).code == 1


@pytest.mark.parametrize("name", ["R", "w", "gamma", "phi_1"])
def test_names_that_collide_are_wrong_content(capsys, tmp_path, name):
    record = (RECORD, RECORD + f'\n    transition_scalars=("{name}",),')
    ran = run_cli(capsys, "verify", write(tmp_path, record), *SMALL)
    assert ran.code == 4 and name in ran.err and "HOLDS" not in ran.out


def test_evidence_that_contradicts_itself_is_a_fault_of_ours_and_said_first(capsys, monkeypatch):
    right = exact.establish

    def planted(case: Any) -> Any:
        for claim in right(case):
            yield lp.Claim(claim.algorithm, claim.claim, claim.evidence, Verdict.REFUTED, claim.strength, "planted")

    evidence = ["derived", "identity-symbolic", "identity-exact"]
    settings = checker.Settings(features=2, context=3, layers=2)
    assert checker.verify("td0", settings=settings, evidence=evidence).exit_code == 0
    monkeypatch.setattr(exact, "establish", planted)
    result = checker.verify("td0", settings=settings, evidence=evidence)
    assert result.exit_code == 5 and not result.holds and result.fault in result.to_json()
    ran = run_cli(capsys, "verify", "td0", *SMALL, *(x for kind in evidence for x in ("--evidence", kind)))
    assert ran.code == 5 and ran.out.lstrip().startswith("FAULT OF LAYERPROOF")
    assert checker.verify("td0", settings=settings, evidence=evidence[2:]).exit_code == 1


OWN = """from fractions import Fraction
from layerproof import Head, OwnConstruction


def prompt(context, p):
    return [[context.features[j][0] for j in range(context.n)] + [context.query[0]],
            [PROMPT for r in context.rewards] + [0]]


def heads(d, n, p, layer):
    M = [[int(i == j and i < n) for j in range(n + 1)] for i in range(n + 1)]
    return [Head(None, [[0, 0], [0, 1]], [[1, 0], [0, 0]], M)]


def reference(context, p):
    x = [v[0] for v in context.features]
    gain = sum((r * a for r, a in zip(context.rewards, x)), Fraction(0)) / context.n
    value = 0 * context.query[0]
    while True:
        value = REFERENCE
        yield {("y", "query"): value}
        gain = gain + sum((a * a for a in x), Fraction(0)) / context.n * gain


CONSTRUCTION = OwnConstruction(
    name="own", title="own", source="test", rows=lambda d: ["x", "y"], prompt=prompt, heads=heads, reference=reference,
    columns=lambda d, n: [f"token {j + 1}" for j in range(n)] + ["query"],
)
"""
PLAIN = {"PROMPT": "r", "REFERENCE": "value + gain * context.query[0]"}


def own(tmp_path: Any, **changes: str) -> str:
    text = OWN
    for key, value in {**PLAIN, **changes}.items():
        text = text.replace(key, value)
    path = tmp_path / "own.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({}, 0, ""),
        ({"PROMPT": "r if r != 7 else 0"}, 3, "the prompt compares"),
        ({"PROMPT": "r if r else 0"}, 3, "the prompt branches on"),
        ({"PROMPT": "r * (1 if type(r) is not Fraction else 2)"}, 1, "the prompt of own"),
        ({"REFERENCE": "max(value, value) + gain * context.query[0]"}, 3, "the reference compares"),
        (
            {"REFERENCE": "value + gain * context.query[0] * (1 if type(gain) is Fraction else 1 + gain)"},
            1,
            "reference",
        ),
        ({"REFERENCE": "value + gain"}, 1, "differ"),
    ],
)
def test_a_construction_all_of_ones_own_is_strict_too(capsys, tmp_path, changes, code, message):
    ran = run_cli(capsys, "verify", own(tmp_path, **changes), "-d", "1", "-n", "3", "-L", "2", *EXACT)
    assert ran.code == code, ran.out + ran.err
    assert message in ran.out
