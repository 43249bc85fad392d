"""The three tiers of a float result and its two claims: what each can see, and when neither says yes."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from cli import assert_refused, run_cli
from helpers import Case, each_kind, trial
from torch import nn

import layerproof as lp
from layerproof.numeric.data.draws import preconditioners
from layerproof.numeric.data.prompts import generic_context
from layerproof.numeric.device import PRECISIONS, TF32
from layerproof.numeric.judge.crosscheck import crosscheck
from layerproof.numeric.transformer import ORDERS, LinearTransformer
from layerproof.proofs import case as cases
from layerproof.proofs.case import Settings
from layerproof.proofs.evidence import floats
from layerproof.symbolic.errors import ArgumentError

HOLDS, REFUTED, UNDECIDED, NOT_RUN = lp.Verdict.HOLDS, lp.Verdict.REFUTED, lp.Verdict.UNDECIDED, lp.Verdict.NOT_RUN
SINGLE = torch.float32


def made(name="td0", d=3, n=20, depth=6, seed=0):
    case = Case(name)
    drawn = trial(case, d, n, depth, seed, context=generic_context(d, n, seed))
    drawn.steps[:] = preconditioners(case.algorithm, d, depth, seed)
    return drawn.construction, case.algorithm, [drawn.setup]


def judge(edit=None, dtype=torch.float64, name="td0", tf32=False, wrap=None, **sizes):
    construction, algorithm, setups = made(name, **sizes)
    module = LinearTransformer.from_construction(construction, dtype)
    if edit is not None:
        edit(module)
    return crosscheck(construction, algorithm, setups, dtype=dtype, module=wrap(module) if wrap else module, tf32=tf32)


# which tier sees what


def small(module):
    module.layers[3].heads[0].Q[0, 0] += 2.0**-44


def visible(module):
    module.layers[3].heads[0].Q[0, 0] += 2.0**-40


def large(module):
    module.layers[3].heads[0].Q[0, 0] += 1e-3


def late(module):
    module.layers[5].heads[0].M[4, 4] += 1e-6


@pytest.mark.parametrize(
    ("edit", "one_step", "a_priori", "layer"),
    [(None, "within", "within", None), (small, "exceeded", "within", 4),
     (visible, "exceeded", "exceeded", 4), (large, "exceeded", "exceeded", 4), (late, "exceeded", "exceeded", 6)],
)  # fmt: skip
def test_each_tier_refutes_what_it_can_see(edit, one_step, a_priori, layer) -> None:
    result = judge(edit)
    assert (result.status, result.a_priori.status) == (one_step, a_priori)
    if layer:
        assert result.where.layer == layer
    if a_priori == "exceeded":
        assert result.a_priori.where.layer >= layer and result.a_priori.ratio > 1
        assert result.a_priori.error > result.a_priori.bound
    tiers = result.to_json()["tiers"]
    assert set(tiers) == {"this-run", "one-step", "a-priori"}
    assert tiers["this-run"]["error"] == result.distance.worst_absolute and tiers["this-run"]["bound"] is None
    assert (tiers["one-step"]["bound"], tiers["one-step"]["error"]) == (result.bound, result.error)
    assert (tiers["a-priori"]["bound"], tiers["a-priori"]["ratio"]) == (result.a_priori.bound, result.a_priori.ratio)


@each_kind
@pytest.mark.parametrize("dtype", [torch.float64, SINGLE])
def test_curves_have_an_entry_for_each_state_and_fit_together(case: Case, dtype: torch.dtype) -> None:
    drawn = trial(case, 2, 5, 4, context=generic_context(2, 5, 1))
    drawn.steps[:] = preconditioners(case.algorithm, 2, 4, 0)
    result = crosscheck(drawn.construction, case.algorithm, [drawn.setup], dtype=dtype)
    c = result.curves
    assert (len(c.error), len(c.relative_error), len(c.a_priori_bound)) == (5, 5, 5)
    assert (len(c.one_step_error), len(c.one_step_bound), len(c.one_step_ratio)) == (4, 4, 4)
    assert all(e <= b for e, b in zip(c.error[1:], c.a_priori_bound[1:], strict=True))
    assert all(e <= b for e, b in zip(c.one_step_error, c.one_step_bound, strict=True))
    assert max(c.one_step_ratio) == pytest.approx(result.ratio, rel=1e-6)
    assert max(c.error) == result.distance.worst_absolute and c.a_priori_bound[-1] == result.a_priori.last_bound
    assert c.a_priori_bound[0] == 0 and c.error[1] == pytest.approx(c.one_step_error[0], rel=1e-6)
    assert result.split.prompts == 1 and len(result.split.lowering) == 5


# vacuous


def test_bfloat16_is_useful_for_one_layer_and_undecided_at_forty() -> None:
    useful = judge(dtype=torch.bfloat16, n=4, depth=1, d=2)
    assert (useful.status, useful.a_priori.status, useful.a_priori.vacuous_from) == ("vacuous", "within", None)
    half = judge(dtype=torch.float16, n=4, depth=1, d=2)
    assert (half.status, half.a_priori.status) == ("within", "within")
    deep = judge(dtype=torch.bfloat16, n=4, depth=40, d=2)
    assert (deep.status, deep.a_priori.status) == ("vacuous", "vacuous")
    assert 1 < deep.a_priori.vacuous_from <= 40
    bound, size = deep.curves.a_priori_bound, deep.a_priori.vacuous_from
    assert bound[size] > 1e-3


def verify(*arguments, capsys):
    return run_cli(capsys, "verify", *arguments, "--evidence", "float", "--json")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_forty_layers_in_half_precision_are_undecided_with_exit_code_three(capsys, dtype: str) -> None:
    ran = verify("td0", "-n", "100", "-L", "40", "--trials", "1", "--dtype", dtype, capsys=capsys)
    claims = [c for c in ran.document["claims"] if c["asked"]]
    assert ran.code == 3 and len(claims) == 2 and claims[1]["verdict"] == "UNDECIDED"
    assert "the bound is as large as the values it is about" in claims[1]["reason"]


# claims


def claims_of(**settings):
    result = lp.verify("td0", evidence=["float"], **{"d": 2, "n": 5, "layers": 3, "trials": 2, **settings})
    return [c for c in result.claims if c.evidence == "float"], result.exit_code


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_two_claims_hold_with_bounds_errors_and_strengths_of_their_own(dtype: str) -> None:
    (one, every), code = claims_of(dtype=dtype)
    assert code == 0 and (one.verdict, every.verdict) == (HOLDS, HOLDS)
    assert (one.strength, every.strength) == (floats.STRENGTH, floats.EVERY_RUN)
    assert one.error < one.bound and every.error < every.bound
    assert every.details["a_priori"]["last_bound"] >= every.bound or every.details["a_priori"]["where"]["layer"] < 3
    assert "any order of summation" in every.claim and dtype in every.claim and "2 prompts" in every.claim
    assert "closest" in one.reason and "after the last layer" in every.reason


def case_of(construction, **settings):
    case = Case("td0")
    chosen = Settings(features=3, context=20, layers=6, trials=2, **settings)
    return cases.Case(case.algorithm, chosen, construction=construction)


def test_weights_that_are_wrong_everywhere_are_refuted_by_the_first_claim_alone() -> None:
    construction, *_ = made()
    head = construction.layers[0][0]
    wrong = replace(construction, layers=((replace(head, P=head.Q @ head.P),), *construction.layers[1:]))
    (claim,) = floats.establish(case_of(wrong))
    assert claim.verdict is REFUTED and claim.witness["layer"] == 1


def test_a_run_that_exceeds_the_bound_of_every_run_is_refuted_in_words() -> None:
    construction, *_ = made()
    result = judge(large)
    claim = floats._a_priori(case_of(construction), result)
    assert claim.verdict is REFUTED and "no conforming run" in claim.reason
    assert claim.witness["layer"] == result.a_priori.where.layer
    claim = floats._a_priori(case_of(construction), replace(result, a_priori=None))
    assert claim.verdict is UNDECIDED and "too large" in claim.reason


# not finite


class Tampered(nn.Module):
    """The states of a module, one of them changed in one entry; later states are left as they were."""

    def __init__(self, module, layer, value):
        super().__init__()
        self.module, self.layer, self.value = module, layer, value

    def states(self, Z):
        states = [s.clone() for s in self.module.states(Z)]
        states[self.layer][0, -1, 3] = self.value
        return states


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("layer", [1, 5])
def test_what_is_not_finite_is_named_with_the_layer_where_it_began(value: float, layer: int) -> None:
    result = judge(wrap=lambda m: Tampered(m, layer, value))
    assert result.status == "not-finite"
    assert (result.where.layer, result.where.column) == (layer, "context token 4")
    assert (result.a_priori, result.curves, result.split, result.bound) == (None, None, None, None)
    claim = floats.judged("td0", "a claim", result)
    assert claim.verdict is UNDECIDED and f"layer {layer}" in claim.reason and "overflowed" in claim.reason


def test_an_overflow_of_the_format_is_named_where_it_began() -> None:
    construction, algorithm, setups = made()
    steps = [[[[x * 10**5 for x in row] for row in C]] for (C,) in construction.steps]
    grown = trial(Case("td0"), 3, 20, 6, context=generic_context(3, 20, 0))
    grown.steps[:] = [tuple(s) for s in steps]
    result = crosscheck(grown.construction, algorithm, setups, dtype=torch.float16)
    assert (result.status, result.where.layer) == ("not-finite", 1)
    result = crosscheck(grown.construction, algorithm, setups, dtype=SINGLE)
    assert result.status == "within" or result.where.layer > 3


# tf32


class TenBits(nn.Module):
    """The layers with the inputs of every product rounded to ten bits of mantissa, as TF32 does."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    @staticmethod
    def cut(x):
        whole = x.contiguous().view(torch.int32)
        return ((whole + (1 << 12)) & ~((1 << 13) - 1)).view(torch.float32)

    def states(self, Z):
        cut, states = self.cut, [Z]
        for layer in self.module.layers:
            Z = states[-1]
            total = torch.zeros_like(Z)
            for h in layer.heads:
                product = h.W
                for factor in (h.P, Z, h.M, Z.mT, h.Q, Z):
                    product = cut(product) @ cut(factor)
                total = total + product
            states.append(Z + total * layer.scale)
        return states


@pytest.mark.parametrize("name", ["td0", "td-lambda", "gtd2"])
def test_ten_bit_inputs_are_refuted_as_float32_and_accepted_as_tf32(name: str) -> None:
    sizes = {"d": 2, "n": 10, "depth": 3}
    false = judge(dtype=SINGLE, name=name, wrap=TenBits, **sizes)
    assert false.status == "exceeded" and false.dtype == "float32"
    true = judge(dtype=SINGLE, name=name, wrap=TenBits, tf32=True, **sizes)
    assert true.status == "within" and true.dtype == "tf32" and true.growth > 1000 * false.growth
    assert true.a_priori.status in ("within", "vacuous") and 0 < true.ratio < 1
    assert judge(dtype=SINGLE, name=name, **sizes).status == "within"


def test_a_fault_beyond_ten_bits_is_refuted_as_tf32_too() -> None:
    result = judge(lambda m: m.layers[1].heads[0].P.neg_(), dtype=SINGLE, wrap=TenBits, tf32=True, d=2, n=5, depth=2)
    assert (result.status, result.where.layer) == ("exceeded", 2)
    assert TF32.unit_roundoff == Fraction(1, 1024) and PRECISIONS[SINGLE].unit_roundoff == Fraction(1, 2**24)


def test_heads_that_touch_feature_rows_are_judged_as_tf32_where_that_is_asked() -> None:
    construction, algorithm, setups = made(d=2, n=4, depth=2)
    head = construction.layers[0][0]
    touching = replace(construction, layers=((replace(head, P=head.Q),), *construction.layers[1:]))
    touching = replace(touching, layers=((replace(head, W=head.Q, P=head.Q),), *construction.layers[1:]))
    assert touching.row_heads() is None
    as_tf32 = crosscheck(touching, algorithm, setups, dtype=SINGLE, tf32=True)
    as_float = crosscheck(touching, algorithm, setups, dtype=SINGLE)
    assert (as_tf32.dtype, as_float.dtype, as_float.status) == ("tf32", "float32", "within")
    assert as_tf32.growth > 1000 * as_float.growth


def test_tf32_is_not_run_without_cuda_and_that_is_exit_code_three(capsys) -> None:
    ran = verify("td0", "gtd2", "-d", "2", "-n", "3", "-L", "2", "--dtype", "tf32", "--device", "cpu", capsys=capsys)
    asked = [c for c in ran.document["claims"] if c["asked"]]
    assert ran.code == 3 and [c["verdict"] for c in asked] == ["NOT_RUN"] * 2
    assert all("CUDA" in c["reason"] for c in asked)


# order of evaluation and torch.compile


@pytest.mark.parametrize("order", ORDERS)
def test_both_orders_are_within_and_the_result_says_which(capsys, order: str) -> None:
    ran = verify("td0", "tdc", "-d", "2", "-n", "5", "-L", "3", "--trials", "2", "--order", order, capsys=capsys)
    asked = [c for c in ran.document["claims"] if c["asked"]]
    assert ran.code == 0 and len(asked) == 4
    assert {c["details"]["environment"]["evaluation"] for c in asked[::2]} == {f"eager, {order}"}
    assert ran.document["settings"].get("order", ORDERS[0]) == order


def test_the_orders_are_different_executions() -> None:
    construction, _, _ = made(d=2, n=12)
    Z = torch.rand(4, construction.layout.m, 13, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    runs = []
    for order in ORDERS:
        module = LinearTransformer.from_construction(construction)
        module.order = order
        runs.append(module(Z))
    assert not torch.equal(*runs) and torch.allclose(*runs, atol=1e-12)


def test_an_order_that_does_not_exist_is_refused(capsys) -> None:
    ran = run_cli(capsys, "verify", "td0", "--order", "values-first")
    assert_refused(ran, 2, "order is 'values-first', wanted keys-first or scores-first")
    with pytest.raises(ArgumentError, match="wanted keys-first or scores-first"):
        Settings(order="")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "order"), [("td0", "keys-first"), ("gtd2", "scores-first")])
def test_a_compiled_graph_is_within_its_bound_and_says_so(name: str, order: str) -> None:
    result = lp.verify(name, d=2, n=4, layers=2, trials=2, evidence=["float"], compiled=True, order=order)
    one, every = (c for c in result.claims if c.evidence == "float")
    assert (one.verdict, every.verdict, result.exit_code) == (HOLDS, HOLDS, 0)
    assert one.details["environment"]["evaluation"] == f"torch.compile, {order}"
    assert (result.settings["compiled"], result.settings["order"]) == (True, order)


def test_every_result_records_device_versions_and_switches() -> None:
    facts = judge().environment
    for key in ("torch", "python", "platform", "device", "dtype", "threads", "float32_matmul_precision", "evaluation"):
        assert facts[key]
    assert any("fp32_precision" in key or "allow_tf32" in key for key in facts)
