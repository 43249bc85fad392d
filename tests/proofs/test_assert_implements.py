"""`assert_implements`: it passes for the derived weights, and refutes all others with a counterexample to replay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy
import pytest
import torch
from cli import run_cli
from helpers import Case, each_kind, entry_changed, random_context, run_layers, with_matrix
from own_files import P as HEAD
from own_files import write

import layerproof as lp
from layerproof.proofs import case as cases
from layerproof.proofs.assertions import judge
from layerproof.proofs.pytest_plugin.checks import fails, failure
from layerproof.proofs.user_file import resolve_algorithm
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.construction import Construction
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.prompt import Context

D, N, DEPTH = 2, 3, 2


def good(case: Case, **more: Any) -> Construction:
    return lp.construct(case.name, **{"d": D, "n": N, "layers": DEPTH, **more}, trace=dict(case.options).get("trace"))


# planted faults


def negated_step(case: Case) -> Construction:
    """W P of the first head of layer 2 has the wrong sign."""
    c = good(case)
    return with_matrix(c, 1, 0, P=c.layers[1][0].P * Fraction(-1))


def transposed_preconditioner(case: Case) -> Construction:
    """The weights of layer 2 are those for C^T."""
    c = good(case)
    last = tuple([list(column) for column in zip(*x, strict=True)] if isinstance(x, list) else x for x in c.steps[1])
    return replace(good(case, preconditioners=[c.steps[0], last]), steps=c.steps)


def changed_mask(case: Case) -> Construction:
    """The first diagonal entry of one head's mask in layer 1 is off by 1."""
    c = good(case)
    return with_matrix(c, 0, 0, M=entry_changed(c.layers[0][0].M, 0, 0, lambda x: x + 1))


def negated_read_out(case: Case) -> Construction:
    c = good(case)
    return replace(c, readout=replace(c.readout, sign=-c.readout.sign))


def swapped_layers(case: Case) -> Construction:
    c = good(case)
    return replace(c, layers=c.layers[::-1])


def touched_feature_row(case: Case) -> Construction:
    """Layer 2 also writes into the first feature row."""
    c = good(case)
    P = entry_changed(c.layers[1][0].P, 0, c.layout.m - 1, lambda x: Fraction(1))
    return with_matrix(c, 1, 0, P=P, W=entry_changed(c.layers[1][0].W, 0, 0, lambda x: Fraction(1)))


FAULTS = (
    negated_step,
    transposed_preconditioner,
    changed_mask,
    negated_read_out,
    swapped_layers,
    touched_feature_row,
)
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)


def refusal(subject: Any, algorithm: Any, **arguments: Any) -> str:
    """The message of the AssertionError."""
    with pytest.raises(AssertionError) as raised:
        lp.assert_implements(subject, algorithm, **arguments)
    return str(raised.value)


def vector(text: str) -> list[Fraction]:
    return [Fraction(x) for x in text.split(", ")]


def read(message: str, case: Case) -> tuple[Context, list[Any]]:
    """The prompt and starting weights that a message shows."""
    zero = [Fraction(0)] * D
    features, after, rewards = [zero] * N, [zero] * N, [Fraction(0)] * N
    for j, phi, phi_next, reward in re.findall(r"transition (\d+): phi = \((.*)\), phi' = \((.*)\), R = (.*)", message):
        features[int(j) - 1], after[int(j) - 1], rewards[int(j) - 1] = vector(phi), vector(phi_next), Fraction(reward)
    query = vector(re.search(r"query: \((.*)\)", message)[1])  # type: ignore[index]
    shown = re.search(r"starting weights: (.*)", message)[1]  # type: ignore[index]
    start = [vector(v) if v else Fraction(x) for v, x in re.findall(r"\(([^)]*)\)|([^(), ]+)", shown)]
    assert len(start) == len(case.algorithm.weights)
    return Context.of(features, after, rewards, query), start


def replayed(message: str, case: Case, subject: Construction) -> tuple[Fraction, Fraction]:
    """What the transformer and the loop hold at the place that a message names, on the prompt that it shows."""
    context, start = read(message, case)
    layer, row, column = re.search(r"after layer (\d+), row ([^,]*), (.*):", message).groups()  # type: ignore[union-attr]
    setup = problem(case.algorithm, RATIONALS, context, start, subject.parameters, subject.options)

    def plain(rows: list[list[Any]]) -> list[list[Fraction]]:
        return [[Fraction(int(x.num), int(x.den)) for x in row] for row in rows]

    Z = run_layers(subject, [*setup.X.fractions(), *plain(setup.rows(setup.start))])[int(layer) - 1]
    weights = list(textbook(setup, list(subject.steps)))[int(layer) - 1]
    layout = subject.layout
    if row == "prediction":
        assert column == f"the query (read as {'-' if subject.readout.sign < 0 else '+'}{subject.readout.row})"
        w = weights[0].fractions()
        held = Z[layout.accumulator(subject.readout.row)][-1] * subject.readout.sign
        return held, sum((a * b for a, b in zip(w, context.query, strict=True)), Fraction(0))
    place = layout.row_names().index(row)
    at = next(t for t in range(N + 1) if layout.column_name(t) == column)
    wanted = [*setup.X.fractions(), *plain(setup.rows(weights))]
    return Z[place][at], wanted[place][at]


# what holds


@pytest.mark.slow
@each_kind
@pytest.mark.parametrize("looped", [False, True])
def test_the_derived_weights_implement_their_algorithm(case: Case, looped: bool) -> None:
    result = lp.assert_implements(good(case, looped=looped), case.name, layers=DEPTH)
    assert result.holds and result.command == "assert_implements"
    assert [(c.algorithm, c.evidence) for c in result.claims] == [(case.name, "identity-exact")]


def test_prompts_of_ones_own_are_run_each_in_a_claim_of_its_own() -> None:
    subject = good(Case("td0"))
    result = lp.assert_implements(subject, find("td0"), prompts=[random_context(D, N, seed) for seed in range(3)])
    assert [c.details["prompts"][0] for c in result.claims] == ["given"] * 3


def test_td_lambda_without_a_trace_implements_td0() -> None:
    """At lambda = 0 the trace is the feature vector alone."""
    assert lp.assert_implements(lp.construct("td-lambda", d=D, n=N, layers=DEPTH, lam=0), "td0").holds
    refusal(lp.construct("td-lambda", d=D, n=N, layers=DEPTH, lam="1/1000"), "td0")


def test_the_two_traces_agree_without_discounting_and_only_there() -> None:
    def lam(gamma: str) -> Construction:
        c = lp.construct("td-lambda", d=D, n=N, layers=DEPTH, gamma=gamma, trace="lam")
        return replace(c, options={"trace": "gamma-lam"})

    assert lp.assert_implements(lam("1"), "td-lambda").holds
    refusal(lam("9/10"), "td-lambda")


# what is refuted


@each_kind
@each_fault
def test_a_planted_fault_is_refuted_and_the_message_can_be_replayed(
    case: Case, fault: Callable[[Case], Construction]
) -> None:
    subject = fault(case)
    message = refusal(subject, case.name)
    assert message.startswith(f"Construction does not implement {case.name}: REFUTED by identity-exact\n")
    for text in ("counterexample: the smallest prompt found", "query: (", "starting weights: ", "after layer "):
        assert text in message
    shown = [Fraction(re.search(rf"{side} +(\S+)$", message, re.M)[1])  # type: ignore[index]
             for side in ("transformer", "textbook loop")]  # fmt: skip
    assert shown[0] != shown[1]
    assert list(replayed(message, case, subject)) == shown


@each_fault
def test_the_layer_that_is_named_is_the_first_wrong_one(fault: Callable[[Case], Construction]) -> None:
    wanted = {"negated_step": 2, "transposed_preconditioner": 2, "touched_feature_row": 2}.get(fault.__name__, 1)
    assert f"\nafter layer {wanted}, " in refusal(fault(Case("td-lambda")), "td-lambda")


@pytest.mark.parametrize("j", range(N))
def test_a_prompt_of_ones_own_that_shows_the_fault_is_the_one_that_is_shrunk(j: int) -> None:
    """Only transition j of it is not zero, so no other can be in the counterexample."""
    features, rewards = [[0, 0]] * N, [0] * N
    features[j], rewards[j] = [1, 2], 3
    own = Context.of(features, [[0, 0]] * N, rewards, [1, 1])
    message = refusal(negated_step(Case("td0")), "td0", prompts=[own])
    assert re.findall(r"transition (\d+):", message) == [str(j + 1)]


def test_weights_for_another_algorithm_are_refuted() -> None:
    refusal(good(Case("residual-gradient")), "td0")
    refusal(good(Case("gtd2")), "tdc")


def test_the_users_own_algorithm_is_meant_and_not_the_one_of_the_same_name() -> None:
    def backwards(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = find("td0").update(weights, preconditioners, sweep, p)
        return (weights[0] + weights[0] - w,)

    subject = good(Case("td0"))
    assert lp.assert_implements(subject, find("td0")).holds
    refusal(subject, replace(find("td0"), update=backwards))


# in floats


def module(case: Case, dtype: str = "float64", **more: Any) -> Any:
    """The torch module of the derived weights."""
    return lp.LinearTransformer.from_construction(good(case, **more), getattr(torch, dtype))


def test_a_construction_is_judged_in_floats_when_asked() -> None:
    result = lp.assert_implements(good(Case("gtd2")), "gtd2", evidence=["identity-exact", "float"])
    # In floats a construction has two claims: about each layer of the run, and about every conforming run.
    assert [c.evidence for c in result.claims] == ["identity-exact", "float", "float"]


@each_fault
def test_a_planted_fault_in_a_construction_is_refuted_in_floats_too(fault: Callable[[Case], Construction]) -> None:
    message = refusal(fault(Case("td0")), "td0", evidence=["float"])
    assert message.startswith("Construction does not implement td0: REFUTED by float\n")


@each_kind
def test_the_module_of_the_derived_weights_implements_its_algorithm(case: Case) -> None:
    result = lp.assert_implements(module(case), case.name, reference=good(case), layers=DEPTH)
    layers, forward = result.claims
    assert layers.verdict is forward.verdict is lp.Verdict.HOLDS and layers.evidence == forward.evidence == "float"
    assert forward.reason == "forward(Z) is the last state, bit for bit"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_module_is_judged_in_its_own_dtype(dtype: str) -> None:
    result = lp.assert_implements(module(Case("td0"), dtype), "td0", reference=good(Case("td0")))
    assert dtype in result.claims[0].claim


class Foreign(torch.nn.Module):
    """Somebody else's module: layers to apply in turn, and nothing else of ours."""

    def __init__(self, layers: Any):
        super().__init__()
        self.layers = torch.nn.ModuleList(layers)


class Changed(Foreign):
    """Layers in turn, with something done to one state (`after`, or to the prompt before all) and to the read-out."""

    def __init__(self, change: Callable[[Any, int], Any], predict: Any = None, dtype: str = "float64"):
        super().__init__(module(Case("td0"), dtype).layers)
        self.change = change
        if predict is not None:
            self.prediction = lambda Z: predict(self.states(Z)[-1])

    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        states = [self.change(Z, 0)]
        for number, layer in enumerate(self.layers, 1):
            states.append(self.change(layer(states[-1]), number))
        return states


def at(layer: int, change: Callable[[Any], Any]) -> Callable[[Any, int], Any]:
    return lambda Z, number: change(Z) if number == layer else Z


def same(Z: Any) -> Any:
    return Z


def feature(Z: Any) -> Any:
    Z = Z.clone()
    Z[:, 0] *= 2
    return Z


def accumulator(Z: Any) -> Any:
    Z = Z.clone()
    Z[:, -1] += 1e-9
    return Z


NORM = torch.nn.LayerNorm(2 * D + 1, dtype=torch.float64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (at(0, lambda Z: 2 * Z), "Z_0 that the module returns is not the prompt"),
        (at(1, feature), "layer 1 is the first to leave the algorithm: it changes a feature row"),
        (at(2, lambda Z: NORM(Z.mT).mT), "layer 2 is the first to leave the algorithm: it changes a feature row"),
        (at(2, accumulator), "outside its bound: layer 2 is the first to leave the algorithm, with error "),
        # An earlier layer that is wrong comes first, whatever a later one does to the state.
        (lambda Z, k: [same, accumulator, feature][k](Z), "outside its bound: layer 1 is the first"),
        (lambda Z, k: [same, accumulator, lambda Z: Z * torch.nan][k](Z), "outside its bound: layer 1 is the first"),
    ],
)
def test_the_message_says_which_layer_left_the_algorithm_first_and_how(change: Any, message: str) -> None:
    assert message in refusal(Changed(change), "td0", reference=good(Case("td0")))


def test_coarser_arithmetic_that_explains_an_error_is_named() -> None:
    def ten_bits(Z: Any) -> Any:
        rounded = (Z.view(torch.int32) + 0x1000 & ~0x1FFF).view(torch.float32)
        return torch.cat([Z[:, :-1], rounded[:, -1:]], dim=1)

    message = refusal(Changed(at(1, ten_bits), dtype="float32"), "td0", reference=good(Case("td0")))
    assert "tf32 would explain it" in message
    assert "float32 would explain it" in refusal(Changed(at(1, accumulator)), "td0", reference=good(Case("td0")))
    far = Changed(at(1, lambda Z: torch.cat([Z[:, :-1], -Z[:, -1:]], dim=1)))
    assert "explain" not in refusal(far, "td0", reference=good(Case("td0")))


@pytest.mark.parametrize("sign", [1, float("nan")])
def test_right_layers_with_a_wrong_read_out_are_refuted(sign: float) -> None:
    message = refusal(Changed(at(0, same), lambda Z: sign * Z[:, -1, -1]), "td0", reference=good(Case("td0")))
    assert "every layer is within its bound, but the prediction is not the read-out's entry" in message


def test_whether_the_read_out_was_judged_is_said() -> None:
    for predict, judged in ((None, False), (lambda Z: -Z[:, -1, -1], True)):
        result = lp.assert_implements(Changed(at(0, same), predict), "td0", reference=good(Case("td0")))
        layers, forward = result.claims
        assert layers.details["read_out_judged"] is judged
        assert forward.verdict is (lp.Verdict.HOLDS if judged else lp.Verdict.NOT_RUN)
        assert forward.reason.startswith("there is no forward(Z)") and ("prediction(Z)" in forward.reason) is judged
        # What could not be judged fails a strict run, and no other.
        assert result.holds and fails(result, strict=True) is not judged and not fails(result, strict=False)
        assert ("NOT_RUN by float" in str(failure(result, strict=True))) is not judged


# a module that answers rightly once


class Honest(torch.nn.Module):
    """The derived weights in a module of somebody else's, with everything that is judged; each fault changes one."""

    def __init__(self, dtype: str = "float64", **sizes: Any):
        super().__init__()
        self.inner = module(Case("td0"), dtype, **sizes)
        self.kept: Any = None

    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        return self.inner.states(Z)

    def forward(self, Z: torch.Tensor) -> torch.Tensor:
        return -self.states(Z)[-1][:, -1, -1]


class KeepsItsFirstAnswer(Honest):
    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        self.kept = self.kept or self.inner.states(Z)
        return self.kept


class KeepsAnAnswerForEachSize(Honest):
    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        self.kept = self.kept or {}
        return self.kept.setdefault(len(Z), self.inner.states(Z))


class RightInTrainModeOnly(Honest):
    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        first, *rest = self.inner.states(Z)
        return [first, *(rest if self.training else [2 * Z[:, :1] * 0 + z * (1 + 1e-9) for z in rest])]


class RightInEvalModeOnly(Honest):
    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        *before, last = self.inner.states(Z)
        return [*before, torch.nn.functional.dropout(last, 0.5, self.training)]


class WritesIntoItsBatch(Honest):
    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        kept = [z.clone() for z in self.inner.states(Z)]
        Z.mul_(2)
        return kept


class ForwardWritesIntoItsBatch(Honest):
    def forward(self, Z: torch.Tensor) -> torch.Tensor:
        output = super().forward(Z)
        Z[0, 0, 0] = 7
        return output


class ForwardGivesZeros(Honest):
    def forward(self, Z: torch.Tensor) -> torch.Tensor:
        return 0 * Z


class ForwardHasTheWrongSign(Honest):
    def forward(self, Z: torch.Tensor) -> torch.Tensor:
        return -super().forward(Z)


class ForwardIsRightInTrainModeOnly(Honest):
    def forward(self, Z: torch.Tensor) -> torch.Tensor:
        return super().forward(Z) if self.training else 0 * super().forward(Z)


class ForwardSumsInAnotherOrder(Honest):
    def forward(self, Z: torch.Tensor) -> torch.Tensor:
        self.inner.order = "scores-first"
        try:
            return super().forward(Z)
        finally:
            self.inner.order = "keys-first"


class ForwardGivesSomethingElse(Honest):
    def forward(self, Z: torch.Tensor) -> Any:
        return {"prediction": super().forward(Z)}


def test_a_module_is_called_in_two_batches_of_different_size_and_again_in_eval_mode() -> None:
    class Watched(Honest):
        calls: ClassVar[list[tuple[bool, int]]] = []

        def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
            self.calls.append((self.training, len(Z)))
            return super().states(Z)

        forward = torch.nn.Module.forward

    subject = Watched()
    subject.inner.eval()
    lp.assert_implements(subject, "td0", reference=good(Case("td0")))
    assert Watched.calls == [(True, 21), (True, 9), (False, 9), (False, 21)]
    assert subject.training and not subject.inner.training  # put back as it was, part by part
    Watched.calls.clear()
    lp.assert_implements(subject.eval(), "td0", reference=good(Case("td0")))
    assert Watched.calls == [(False, 21), (False, 9), (False, 9), (False, 21)]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (KeepsItsFirstAnswer, "given a batch of 9 prompts after one of 21, states(Z) returns 21"),
        (KeepsAnAnswerForEachSize, "in eval mode: the Z_0 that the module returns is not the prompt"),
        (lambda: KeepsAnAnswerForEachSize().eval(), "called again, in other batches: the Z_0 that the module returns"),
        (RightInTrainModeOnly, "in eval mode: layer 1 is the first to leave the algorithm: it changes a feature row"),
        (RightInEvalModeOnly, "in train mode, as handed over: layer 2 is the first to leave the algorithm"),
        (WritesIntoItsBatch, "states(Z) writes into the batch that it is given, at trial 0, layer 0, row phi[1]"),
        (ForwardWritesIntoItsBatch, "forward(Z) writes into the batch that it is given, at trial 0"),
        (ForwardGivesZeros, "forward(Z) differs from the last state by "),
        (ForwardHasTheWrongSign, "forward(Z) differs from the read-out of its last state by "),
        (ForwardIsRightInTrainModeOnly, "in eval mode, where two orders of summation differ by at most"),
    ],
)
def test_a_module_that_answers_rightly_in_one_call_only_is_refuted(subject: Any, reason: str) -> None:
    assert lp.assert_implements(Honest(), "td0", reference=good(Case("td0"))).holds
    message = refusal(subject(), "td0", reference=good(Case("td0")))
    assert "REFUTED by float" in message and reason in message


def test_a_forward_that_sums_in_another_order_is_within_what_that_may_change() -> None:
    subject = ForwardSumsInAnotherOrder(dtype="float32")
    _, forward = lp.assert_implements(subject, "td0", reference=good(Case("td0"))).claims
    assert forward.verdict is lp.Verdict.HOLDS and "differs from the read-out of its last state by" in forward.reason
    # Where no bound is known, it is open and never green.
    deep = {"layers": 30, "gamma": "1"}
    result = judge(
        ForwardSumsInAnotherOrder("bfloat16", **deep), "td0", reference=lp.construct("td0", d=D, n=N, **deep)
    )
    assert result.claims[-1].verdict is lp.Verdict.UNDECIDED and "there is no bound on" in result.claims[-1].reason


def test_a_forward_that_gives_something_else_is_listed_and_fails_a_strict_run() -> None:
    result = lp.assert_implements(ForwardGivesSomethingElse(), "td0", reference=good(Case("td0")))
    assert result.claims[-1].verdict is lp.Verdict.NOT_RUN and "forward(Z) returns dict" in result.claims[-1].reason
    assert fails(result, strict=True) and not fails(result, strict=False)


def test_layers_that_work_in_place_are_judged_like_any_others() -> None:
    class InPlace(torch.nn.Module):
        def __init__(self, layer: Any):
            super().__init__()
            self.layer = layer

        def forward(self, Z: Any) -> Any:
            return Z.copy_(self.layer(Z))

    layers = [InPlace(layer) for layer in module(Case("td0")).layers]
    assert lp.assert_implements(Foreign(layers), "td0", reference=good(Case("td0"))).holds
    refusal(Foreign(layers[::-1]), "td0", reference=good(Case("td0")))


@pytest.mark.parametrize(
    ("subject", "more", "message"),
    [
        (lambda: Changed(at(0, same), lambda Z: Z[:, -1, -1:]), {}, r"prediction\(Z\) returns \(21, 1\), wanted one"),
        (lambda: Changed(at(0, same), lambda Z: 1.5), {}, r"prediction\(Z\) returns float, wanted one number a prompt"),
        (lambda: Changed(at(2, lambda Z: None)), {}, "returns NoneType after layer 2, wanted a tensor"),
        (lambda: Foreign(list(module(Case("td0")).layers)[:1]), {}, "Foreign has 1 layers, wanted 2"),
        (lambda: module(Case("td0"), "float32"), {"dtype": "float64"}, "dtype is float64, but .* are float32"),
        (lambda: module(Case("td0")).to("meta"), {}, r"tensors on meta, but device is cpu: move it with .to\('cpu'\)"),
        (lambda: lambda Z: Z, {}, "wanted a Construction or a torch module"),
        (lambda: Foreign, {}, "wanted a Construction or a torch module"),
        (lambda: module(Case("td0")), {"reference": "td0"}, "reference is 'td0', wanted a Construction"),
    ],
)
def test_modules_that_cannot_be_judged_are_refused(subject: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        lp.assert_implements(subject(), "td0", **{"reference": good(Case("td0")), **more})


def test_a_buffer_of_integers_does_not_set_the_dtype() -> None:
    subject = Foreign(module(Case("td0")).layers)
    subject.register_buffer("step", torch.tensor(3))
    assert lp.assert_implements(subject, "td0", reference=good(Case("td0"))).holds


def test_a_module_with_layers_to_apply_in_turn_is_judged() -> None:
    own = module(Case("td0"))
    assert lp.assert_implements(Foreign(own.layers), "td0", reference=good(Case("td0"))).holds
    refusal(Foreign(list(own.layers)[::-1]), "td0", reference=good(Case("td0")))


@pytest.mark.parametrize("letter", "WPQM")
def test_a_module_with_one_weight_wrong_is_refuted(letter: str) -> None:
    wrong = module(Case("td0"))
    weight = getattr(wrong.layers[1].heads[0], letter)
    weight[-1 if letter in "WP" else 0, -1 if letter in "WP" else 0] += 2**-20
    message = refusal(wrong, "td0", reference=good(Case("td0")))
    assert message.startswith("LinearTransformer does not implement td0: REFUTED by float\n")


def test_a_module_for_another_lambda_is_refuted() -> None:
    refusal(module(Case("td-lambda"), lam="3/4"), "td-lambda", reference=good(Case("td-lambda")))


def test_the_discount_stands_in_the_prompt_and_not_in_the_weights_of_td0() -> None:
    assert lp.assert_implements(module(Case("td0"), gamma="1/2"), "td0", reference=good(Case("td0"))).holds


def test_a_module_needs_the_construction_that_it_should_run() -> None:
    with pytest.raises(ArgumentError, match="reference is missing: for a module"):
        lp.assert_implements(Foreign(module(Case("td0")).layers), "td0")


@pytest.mark.parametrize("evidence", [["identity-exact"], ["derived"], []])
def test_a_module_has_no_exact_evidence(evidence: list[str]) -> None:
    with pytest.raises(ArgumentError, match="wanted some of float for this subject"):
        lp.assert_implements(module(Case("td0")), "td0", reference=good(Case("td0")), evidence=evidence)


# arguments that do not fit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"algorithm": "td-0"}, "did you mean td0"),
        ({"algorithm": "least-squares"}, "the subject's rows are .*wanted those of least-squares: phi"),
        ({"algorithm": "average-reward-td"}, "the subject's rows are "),
        ({"subject": object()}, "subject is .*wanted a Construction or a torch module"),
        ({"subject": None}, "subject is None, wanted a Construction"),
        ({"layers": 3}, "layers is 3, but the construction has 2"),
        ({"prompts": []}, "prompts is empty"),
        ({"prompts": [random_context(3, N, 0)]}, r"prompts\[0\] has d = 3 and n = 3, wanted d = 2 and n = 3"),
        ({"prompts": [random_context(D, N, 0), random_context(D, 4, 0)]}, r"prompts\[1\] has d = 2 and n = 4"),
        ({"evidence": ["derived"]}, "evidence is 'derived', wanted some of identity-exact, float"),
        ({"evidence": []}, "evidence is .*wanted some of"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    arguments = {"subject": good(Case("td0")), "algorithm": "td0", **change}
    with pytest.raises(ArgumentError, match=message):
        lp.assert_implements(arguments.pop("subject"), arguments.pop("algorithm"), **arguments)


# weights that a file gives: they are no reference until they are known to run the update


def given_reference(folder: Path, *changes: tuple[str, str]) -> tuple[Any, Construction]:
    """The algorithm of a file with heads, and its construction."""
    algorithm = resolve_algorithm(write(folder, *changes, given=True), "compare with")
    return algorithm, cases.Case(algorithm, cases.Settings(features=D, context=N, layers=DEPTH)).subject


def test_given_heads_are_judged_against_the_update_before_a_module_is_judged_against_them(tmp_path: Path) -> None:
    right, reference = given_reference(tmp_path)
    result = lp.assert_implements(lp.LinearTransformer.from_construction(reference), right)
    symbols = ["identity-symbolic", "identity-symbolic", "identity-entrywise", "identity-exact", "identity-random"]
    assert [c.evidence for c in result.claims] == [*symbols, "float", "float", "float", "float"]
    assert [c.claim.startswith("the reference: ") for c in result.claims] == [True] * 7 + [False] * 2
    folder = tmp_path / "doubled"
    folder.mkdir()
    wrong, doubled = given_reference(folder, (HEAD, HEAD.replace("1})", "2})")))
    # Both run the doubled step, and agree to the last bit: neither runs the update.
    subject = lp.LinearTransformer.from_construction(doubled)
    for algorithm, kind in ((wrong, "symbolic"), (right, "exact")):
        message = refusal(subject, algorithm)
        assert message.startswith(
            f"LinearTransformer does not implement mine: REFUTED by identity-{kind}\nthe reference: "
        )
    assert judge(subject, wrong).claims[-1].verdict is lp.Verdict.NOT_RUN
    # Nor does a construction that is asked about in floats alone.
    message = refusal(doubled, wrong, evidence=["float"], save=tmp_path / "kept.json")
    assert "REFUTED by identity-symbolic" in message and "\nand by identity-exact: " in message
    assert "\n  transition " in message and "\n  textbook loop " in message and "kept.json" in message
    assert "prompt" in json.loads((tmp_path / "kept.json").read_text())["found"]
    message = refusal(lp.LinearTransformer.from_construction(doubled), right, reference=reference)
    assert message.startswith("LinearTransformer does not implement mine: REFUTED by float")


@pytest.mark.slow
def test_the_floats_of_refuted_weights_say_what_they_are_about(tmp_path: Path, capsys: Any) -> None:
    wrong = write(tmp_path, (HEAD, HEAD.replace("1})", "2})")), given=True)
    ran = run_cli(capsys, "verify", wrong, "-d", "2", "-n", "3", "-L", "2", "--trials", "2")
    assert ran.code == 1
    cells = re.findall(r"HOLDS \S+ of \S+ of refuted weights|HOLDS any run \S+ of refuted weights", ran.out)
    assert len(cells) == 2 and ran.out.count("HOLDS") == 4  # and once of the masks, once in the count at the end
    result = lp.verify(write(tmp_path, given=True), d=2, n=3, layers=2, trials=2)
    assert result.holds and not any("about" in c.details for c in result.claims)


def test_autocast_around_a_module_or_inside_it_is_named_and_tf32_is_not() -> None:
    class Inside(Honest):
        def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.inner.states(Z)

    def cast() -> Any:
        return torch.autocast("cpu", dtype=torch.bfloat16)

    reference = good(Case("td0"))
    with cast():
        # Its own layers switch it off; this construction's are judged as if it were not there.
        result = lp.assert_implements(reference, "td0", evidence=["float"])
        environment = result.claims[0].details["environment"]
        assert environment["autocast"] == "off for these layers, cpu: bfloat16 around them"
        message = refusal(Honest("float32"), "td0", reference=reference)
        assert torch.is_autocast_enabled("cpu")
    assert "autocast to bfloat16 would explain it: it was on while the module ran" in message and "tf32" not in message
    message = refusal(Inside("float32"), "td0", reference=reference)
    assert "autocast to bfloat16 would explain it" in message and "tf32" not in message
    assert lp.assert_implements(Honest("float32"), "td0", reference=reference).claims[0].details["environment"][
        "autocast"
    ] == "off"  # fmt: skip


@pytest.mark.parametrize("name", ["td0", "td-lambda", "average-reward-td", "tdc"])
def test_numpy_errors_set_to_raise_break_no_float_check(name: str, tmp_path: Path) -> None:
    with numpy.errstate(all="raise"):
        for dtype in ("float64", "float32", "float16"):
            assert lp.verify(name, d=2, n=3, layers=2, trials=2, dtype=dtype, evidence=["float"]).exit_code in (0, 3)
        lp.assert_implements(module(Case(name)), name, reference=good(Case(name)))
        # Heads that touch a feature row are judged another way.
        subject = touched_feature_row(Case(name))
        refusal(subject, name, evidence=["float"])
        tiny = Context.of([[Fraction(1, 10**300), 0]] * N, [[0, 1]] * N, [Fraction(10**305)] * N, [1, 1])
        lp.verify(name, prompt=tiny, layers=2, trials=1, evidence=["float"])
        with pytest.raises(FloatingPointError):
            numpy.array(1.0) / numpy.array(0.0)  # and it is still the caller's afterwards
