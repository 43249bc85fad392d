"""What the commands say of algorithms that attend by patterns, and the judge of their float runs."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import own_patterns
import pytest
import torch
from cli import assert_refused, run_cli

import layerproof as lp
from layerproof.numeric.device import PRECISIONS, environment
from layerproof.numeric.lower import lower_matrix
from layerproof.numeric.patterns import attention
from layerproof.numeric.patterns.attention import kernel_pattern, lowered, run
from layerproof.numeric.patterns.judge import PatternModel, judge
from layerproof.proofs.case import Settings
from layerproof.proofs.commands import prove
from layerproof.proofs.commands import verify as verify_command
from layerproof.proofs.evidence import proved
from layerproof.proofs.patterns import claims as pattern_claims
from layerproof.proofs.patterns import draws
from layerproof.proofs.theory import prover
from layerproof.proofs.theory.audits import audits
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.derive import derive_pattern
from layerproof.symbolic.patterns.kernels import KERNELS
from layerproof.symbolic.patterns.layer import layer_of
from layerproof.symbolic.patterns.run import column_name, prompt, row_names, setup

SIZES = ("-d", "2", "-n", "4", "-L", "3", "--trials", "2")
SMALL = Settings(features=2, context=4, layers=3, trials=2)
EVIDENCE = ("derived", "identity-symbolic", "identity-entrywise", "identity-exact", "identity-random", "float")


@pytest.fixture(scope="module")
def own_file(tmp_path_factory):
    """A user's file that attends by a kernel."""
    return str(own_patterns.write(tmp_path_factory.mktemp("own"), own_patterns.KERNEL))


def test_every_kind_of_evidence_holds_but_the_kernels(capsys):
    ran = run_cli(capsys, "verify", *pattern_catalogue(), *SIZES, "--json")
    claims = ran.document["claims"]
    asked = [c for c in claims if c["asked"]]
    assert ran.code == 0 and all(c["verdict"] == "HOLDS" for c in asked)
    for name in pattern_catalogue():
        assert {c["evidence"] for c in asked if c["algorithm"] == name} == set(EVIDENCE)
        (kernel,) = (c for c in claims if c["algorithm"] == name and c["evidence"] == "proved-all-sizes")
        assert (kernel["verdict"], kernel["asked"]) == ("NOT_RUN", False)


def test_asking_for_the_kernel_where_it_is_not_there_is_not_run_and_no_success(capsys, monkeypatch):
    monkeypatch.setattr(proved, "find_prover", lambda: None)
    ran = run_cli(capsys, "verify", "sarsa", *SIZES, "--evidence", "derived", "--prove", "--json")
    assert ran.code == 3
    (claim,) = (c for c in ran.document["claims"] if c["evidence"] == "proved-all-sizes")
    assert (claim["verdict"], claim["asked"]) == ("NOT_RUN", True) and "no Rocq prover" in claim["reason"]


def test_what_has_no_theorem_is_not_run_with_the_reason():
    wrong = replace(pattern_catalogue()["softmax-td"], name="wrong", update=largest)
    (claim,) = (c for c in lp.verify(wrong, evidence=["proved-all-sizes"]).claims if c.evidence == proved.NAME)
    assert claim.verdict is Verdict.NOT_RUN and claim.asked
    assert claim.reason.startswith("not machine-checked: ")


def test_the_gate_says_each_theorem(capsys, monkeypatch):
    monkeypatch.setattr(prove, "prove_all", lambda named, *rest: tuple(
        Claim(name, t.sentence, proved.NAME, Verdict.HOLDS, "", "", details={"theorem": t.name})
        for name, audits in named.items() for a in audits for t in a.theorems
    ))  # fmt: skip
    monkeypatch.setattr(prove, "find_prover", lambda: prover.Prover(("coqc",), ("coqchk",), "8.16"))
    ran = run_cli(capsys, "prove", "causal-td", "sarsa")
    assert ran.code == 0 and "causal_td_state" in ran.out and "sarsa_frozen" in ran.out


def test_patterns_stand_beside_linear_attention(capsys):
    ran = run_cli(capsys, "verify", "td0", "causal-td", *SIZES, "--evidence", "derived")
    assert ran.code == 0 and "td0" in ran.out and "causal-td" in ran.out


@pytest.mark.parametrize(
    "command",
    [("converge", "sarsa")],
    ids=lambda c: c[0],
)  # fmt: skip
def test_other_commands_say_that_they_are_for_linear_attention(capsys, monkeypatch, tmp_path: Path, own_file, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verify_command, "verify", lambda *_, **__: pytest.fail("something ran"))
    for name in (command[1], own_file):
        ran = run_cli(capsys, command[0], name, *command[2:])
        assert_refused(ran, 2, "this is for linear attention", f"layerproof verify {name} checks it")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "codes", "message"),
    [(("identify",), (2, 4), "wanted a file or folder of weights"), (("sa",), (2, 4), "layerproof verify "),
     (("train", "-o", "run"), (2, 2), "train takes none: --architecture")],
    ids=lambda c: c[0] if isinstance(c, tuple) else "",
)  # fmt: skip
def test_what_takes_no_such_algorithm_says_what_to_write(capsys, monkeypatch, tmp_path: Path, own_file, command, codes,
                                                         message):  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name, code in zip(("softmax-td", own_file), codes, strict=True):
        assert_refused(run_cli(capsys, command[0], name, *command[1:], "--json"), code, message)
    assert not list(tmp_path.iterdir())


def test_invariance_says_what_is_kept_and_what_it_does_not_know(capsys, own_file, tmp_path: Path):
    for command in (("causal-td",), ("sarsa",), ("softmax-td", "--outer", "teacher")):
        ran = run_cli(capsys, "invariance", *command, "--json")
        (claim,) = ran.document["claims"]
        assert (ran.code, claim["verdict"], claim["asked"]) == (3, "UNDECIDED", True)
        assert "nothing is known here either way" in claim["reason"]
    shown = run_cli(capsys, "invariance", "causal-td", "td0", "-L", "1", "--set", "commutant")
    assert shown.code == 3 and "UNDECIDED  causal-td: the set commutant is invariant" in shown.out
    assert "1 UNDECIDED" in shown.out and "HOLDS 10" in shown.out  # td0 is answered beside it
    assert run_cli(capsys, "invariance", own_file, "--set", "commutant").code == 0
    teacher = ("invariance", "sarsa", "--outer", "teacher", "--set")
    assert run_cli(capsys, *teacher, "one-layer", "-L", "1").code == 0
    refuted = run_cli(capsys, *teacher, "one-layer", "-L", "2", "--looped")
    assert refuted.code == 1 and "V[one, reward]" in refuted.out
    column = tmp_path / "column.json"  # as one-layer, but features of the successor are not read as values
    used = {"V": [["0"] * 5] * 4 + [["a", "0", "0", "0", "0"]],
            "Q": [["0"] * 4 + ["b"], ["0"] * 4 + ["c"], ["0", "0", "0", "d", "0"], ["0"] * 5, ["0"] * 5]}  # fmt: skip
    column.write_text(json.dumps({"schema": 1, "name": "sparse", "matrices": used, "dimension": 4}))
    refuted = run_cli(capsys, *teacher, str(column), "-L", "1", "--json")
    assert refuted.code == 1 and "V[w, gamma_phi_next]" in refuted.document["claims"][1]["reason"]
    assert_refused(run_cli(capsys, "invariance", "td0", "--outer", "teacher"), 2, "is for a state in a column")
    assert_refused(run_cli(capsys, "invariance", "softmax-td", "--window", "shared"), 2, "wanted sliding")
    assert_refused(run_cli(capsys, "invariance", "sarsa", "--trace", "lam"), 2, "keeps no trace")
    assert_refused(run_cli(capsys, "invariance", "sarsa", "--parameter", "x=1"), 2, "no parameter 'x'")
    with pytest.raises(ArgumentError, match="group"):
        lp.invariance("sarsa", group="bogus")


def test_all_that_is_verified_when_none_is_named_has_them_too():
    result = lp.verify(d=2, n=3, layers=1, trials=1, evidence=["identity-symbolic"])
    assert set(pattern_catalogue()) < {c.algorithm for c in result.claims} and result.exit_code == 0


def test_a_report_has_their_pages(capsys, tmp_path: Path):
    ran = run_cli(
        capsys, "report", *pattern_catalogue(), *SIZES, "--format", "html,md,json", "-o", str(tmp_path / "out")
    )
    assert ran.code == 0, ran.err
    for name in pattern_catalogue():
        text = (tmp_path / "out" / f"{name}.md").read_text(encoding="utf-8")
        assert "\n| V" in text and "begin{cases} 1 & j" in text and f"({name}-1.svg)" in text
        assert f"layerproof report {name} -d 2 -n 4" in text and "✓ HOLDS" in text


def test_a_refuted_layer_of_ones_own_has_a_page_that_says_so_first(capsys, tmp_path: Path):
    change = ('{"w": C @', '{"w": C.T @')
    path = own_patterns.write(tmp_path, own_patterns.COLUMN, change)
    ran = run_cli(capsys, "report", path, *SIZES, "--format", "md", "-o", str(tmp_path / "out"))
    text = (tmp_path / "out" / "mine.md").read_text(encoding="utf-8")
    assert ran.code == 1 and text.index("REFUTED") < text.index("Each layer is exactly") and "counterexample" in text


def test_derive_and_list_show_them(capsys):
    shown = run_cli(capsys, "derive", "softmax-td").out
    assert "S: vbar_t <- gamma v_{t+1}" in shown and "\\" not in shown
    assert run_cli(capsys, "derive", "sarsa", "--json").document["algorithm"] == "sarsa"
    assert r"\subsection{The layer}" in run_cli(capsys, "derive", "sarsa", "--format", "latex").out
    listed = run_cli(capsys, "list", "--json").document["patterns"]
    assert all(("proved-all-sizes" in p["evidence"]) is bool(audits(pattern_catalogue()[p["name"]])) for p in listed)
    assert [(x["name"], x["heads"]) for x in listed] == [(name, 1) for name in pattern_catalogue()]
    assert "softmax-td" in run_cli(capsys, "list").out


def test_a_given_prompt_must_be_a_trajectory_where_the_algorithm_is_of_one():
    loose = lp.Context.of([[1, 0], [0, 1]], [[1, 1], [1, 0]], [1, 2], [1, 0])
    with pytest.raises(ArgumentError, match="one trajectory"):
        lp.verify("softmax-td", prompt=loose, evidence=["identity-exact"], layers=1)
    whole = lp.Context.of([[1, 0], [0, 1]], [[0, 1], [1, 0]], [1, 2], [1, 0])
    assert lp.verify("softmax-td", prompt=whole, evidence=["identity-exact"], layers=1).holds


def late(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * (k.reward + p.gamma * k.state - k.next_state)
    return own.state + sweep.total


def largest(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * max(k.reward, k.state)
    return own.state + sweep.total


def test_what_cannot_be_derived_is_undecided_and_the_rest_not_run():
    wrong = replace(pattern_catalogue()["softmax-td"], name="wrong", update=largest)
    result = lp.verify(wrong, d=2, n=3, layers=1)
    verdicts = {c.evidence: c.verdict.value for c in result.claims}
    assert result.exit_code == 3 and verdicts["derived"] == "UNDECIDED" and verdicts["identity-exact"] == "NOT_RUN"


def test_a_heads_fault_is_refuted_with_a_prompt_that_can_be_redone(monkeypatch):
    form = derive_pattern(pattern_catalogue()["softmax-td"])
    wrong = replace(form, algorithm=replace(form.algorithm, update=late))
    monkeypatch.setattr(pattern_claims, "pattern_form", lambda _: wrong)
    claims = pattern_claims.pattern_claims(wrong.algorithm, SMALL, EVIDENCE, lambda _: None)
    identities = {c.evidence: c for c in claims if c.asked and c.evidence.startswith("identity")}
    assert {c.verdict.value for c in identities.values()} == {"REFUTED"}
    witness: Any = identities["identity-exact"].witness
    prompt_there = witness["prompt"]
    assert prompt_there["next_features"] == [*prompt_there["features"][1:], prompt_there["query"]]
    assert witness["layer_value"] != witness["iterate_value"] and len(witness["pattern"]) == 5


def test_work_above_the_limit_is_refused_with_the_size_at_fault():
    with pytest.raises(ArgumentError, match="context is 100000"):
        lp.verify("causal-td", n=100000, evidence=["identity-exact"])
    with pytest.raises(ArgumentError, match="entrywise_features is 300"):
        lp.verify("sarsa", evidence=["identity-entrywise"], entrywise_features=300, entrywise_context=4)


# --- floats ----------------------------------------------------------------------------------------------------------
def model(name: str) -> Any:
    algorithm = pattern_catalogue()[name]
    form, values = derive_pattern(algorithm), {k: RATIONALS.number(x) for k, x in
                                               algorithm.values({"gamma": Fraction(9, 10)}).items()}  # fmt: skip
    steps = draws.drawn_steps(form, SMALL)
    layers = tuple(layer_of(form, RATIONALS, 2, 4, C, values) for C in steps)
    setups = [setup(algorithm, RATIONALS, c, w, values) for _, c, w in draws.drawn_prompts(algorithm, SMALL, 2)]
    Z = torch.stack([lower_matrix(prompt(s, s.start), torch.float64, "cpu") for s in setups])
    K = kernel_pattern(algorithm.kernels[0], Z[:, :2], 4) if algorithm.kernels else None
    named = PatternModel(layers, tuple(row_names(algorithm, 2)), tuple(column_name(algorithm, t, 4) for t in range(5)))
    floating = [lowered(x, torch.float64, torch.device("cpu")) for x in layers]
    return named, run(floating, Z, K), None if K is None else K.numpy()


def judged(named: Any, states: Any, K: Any) -> Any:
    cpu = torch.device("cpu")
    return judge(named, states, K, PRECISIONS[torch.float64], cpu, environment(cpu, torch.float64))


@pytest.mark.parametrize("name", list(pattern_catalogue()))
def test_a_float_layer_is_inside_its_bound_and_a_small_fault_is_not(name: str):
    named, states, K = model(name)
    assert judged(named, states, K).status == "within"
    row = len(named.rows) - 1
    wrong = states.copy()
    wrong[2, 1, row, -1] += 1e-12 * max(1.0, abs(wrong[2, 1, row, -1]))
    result = judged(named, wrong, K)
    assert result.status == "exceeded" and result.where.layer == 2
    lost = states.copy()
    lost[1, 0, 0, 0] = float("nan")
    assert judged(named, lost, K).status == "not-finite"


def test_a_pattern_that_was_not_the_one_computed_is_refuted():
    named, states, K = model("softmax-td")
    assert judged(named, states, K[:, :, ::-1].copy()).status == "exceeded"


def test_the_softmax_is_over_the_keys_of_the_context(monkeypatch):
    X = torch.tensor([[[0.5, -1.0, 2.0]]], dtype=torch.float64)
    K = kernel_pattern("softmax", X, 2)[0]
    for t, x in enumerate((0.5, -1.0, 2.0)):
        weights = torch.exp(torch.tensor([0.5 * x, -1.0 * x], dtype=torch.float64))
        assert torch.allclose(K[:2, t], weights / weights.sum()) and K[2, t] == 0
    with pytest.raises(ArgumentError, match="kernel is 'cosine', wanted one of"):
        kernel_pattern("cosine", X, 2)
    assert sorted(attention.KERNELS) == sorted(KERNELS)

    def queries(kernel: str, X: torch.Tensor, n: int, sees: str) -> torch.Tensor:  # the published code's axis
        scores = (X.mT[..., :n, :] @ X).softmax(dim=-1)
        return torch.cat([scores, torch.zeros_like(X[..., :1, :])], dim=-2)

    algorithm = pattern_catalogue()["softmax-td"]
    sums = [c for c in pattern_claims.pattern_claims(algorithm, SMALL, ("derived", "float"), lambda _: None)
            if c.details.get("fact")]  # fmt: skip
    assert [c.verdict.value for c in sums] == ["HOLDS"]
    monkeypatch.setattr(attention, "kernel_pattern", queries)
    sums = [c for c in pattern_claims.pattern_claims(algorithm, SMALL, ("derived", "float"), lambda _: None)
            if c.details.get("fact")]  # fmt: skip
    assert [c.verdict.value for c in sums] == ["REFUTED"]


@pytest.mark.parametrize(("how", "why"), [({"order": "scores-first"}, "the order scores-first"), ({"compiled": True},
                                           "torch.compile"), ({"dtype": "tf32"}, "tf32")])  # fmt: skip
def test_floats_of_a_pattern_in_a_way_that_they_cannot_run_are_not_run(how: dict[str, Any], why: str) -> None:
    result = lp.verify("softmax-td", d=2, n=3, layers=1, trials=1, evidence=["float"], **how)
    (claim,) = (c for c in result.claims if c.asked)
    assert (claim.verdict.value, result.exit_code) == ("NOT_RUN", 3)
    assert claim.reason.startswith(why) and claim.reason.endswith("for layers of linear attention only")


@pytest.mark.parametrize(
    ("kernels", "factor", "verdict", "reason"),
    [
        (("linear",), 1, "HOLDS", "identities"),
        (("linear",), 2, "REFUTED", "what one token adds"),
        (
            ("linear", "relu"),
            1,
            "REFUTED",
            'no other: kernels=("linear",) says so',
        ),
    ],
)
def test_linear_scores_are_the_linear_kernel(kernels: tuple[str, ...], factor: int, verdict: str, reason: str) -> None:
    head = lp.GivenHead(
        values=lambda k, C, p: {"residual": -p.alpha * k.residual},
        scores=lambda k, q, C, p: factor * (k.phi @ q.phi),
    )
    layer = lp.GivenLayer(heads=(head,), scale="1/n")
    mine = replace(pattern_catalogue()["kernel-gradient-descent"], name="mine", kernels=kernels, layer=layer)
    evidence = ["identity-symbolic", "identity-entrywise", "identity-exact", "identity-random", "float"]
    claims = lp.verify(mine, d=2, n=3, layers=2, trials=1, evidence=evidence).claims
    judged = [c for c in claims if c.evidence in evidence]
    assert {c.verdict.value for c in judged if c.evidence != "float"} == {verdict} and reason in judged[0].reason
    if verdict == "HOLDS":
        construction = lp.construct_pattern(mine, d=2, n=3, layers=2, values={"alpha": "1/2"})
        assert construction.kernel == "linear" and lp.assert_implements(construction, "kernel-gradient-descent").holds
