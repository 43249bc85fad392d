"""Theorems about given heads, heads over a constant row and invariance for own files: no wrong one passes the gate."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from layered_heads import online, tabled, weighed
from own_algorithms import derived, own, td_lambda, undiscounted
from rocq_session import PROVED, statement, stops, theory
from rocq_tiny import rocq, trusting_kept_files

from layerproof.proofs.invariance.claims import invariance as answer
from layerproof.proofs.invariance.question import Question
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.audits import audits, unproved
from layerproof.proofs.theory.gate import gate
from layerproof.proofs.theory.general import general_audit
from layerproof.proofs.theory.generated.invariance import invariance_audit
from layerproof.proofs.theory.generated.parts import parts
from layerproof.proofs.theory.generated.write import audit_of
from layerproof.proofs.user_file import resolve_algorithm
from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.attention import Head
from layerproof.symbolic.derivation.derive import Derivation

GRADIENT, MOMENTUM = 0, 1
Change = Callable[[Any, Any, Any, list[Head]], None]


def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
    """Heavy-ball TD(0)."""
    w, u = weights
    sweep.total = 0 * w
    for t in sweep:
        sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
    return w + preconditioners[0] @ sweep.total / sweep.n + p.beta * (w - u), w


def heavy_ball(name: str = "heavy", change: Change = lambda *_: None, **fields: Any) -> Algorithm:
    """Heavy ball with heads of its own, and these changed."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        pair = [
            Head(None, layout.matrix({("td_error", "td_error"): 1, ("momentum", "td_error"): 1}),
                 layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "next"): step.C.mT}), layout.mask()),
            Head(None, layout.matrix({("td_error", "one"): p.beta, ("momentum", "one"): p.beta - 1}),
                 layout.matrix({("one", "momentum"): 1}), layout.mask()),
        ]  # fmt: skip
        change(layout, step, p, pair)
        return pair

    def row(w: Any, x: Any) -> Any:
        return w @ x.next - w @ x.phi

    record = own(
        name=name, heads=heads, update=update, weights=("w", "u"), parameters=("gamma", "beta"),
        features=(*own().features, FeatureBlock("one", lambda t, p: 1, scalar=True)),
        accumulators=(Accumulator("td_error", lambda w, x, p: x.reward + row(w[0], x)),
                      Accumulator("momentum", lambda w, x, p: row(w[0], x) - row(w[1], x))),
    )  # fmt: skip
    return replace(record, **fields)


def other(head: int, **parts: Callable[[Any, Any, Any], Any]) -> Change:
    def change(layout: Any, step: Any, p: Any, heads: list[Head]) -> None:
        heads[head] = replace(heads[head], **{name: make(layout, step, p) for name, make in parts.items()})

    return change


ROWS = ("phi", "next", "one", "td_error", "momentum")


def factored(*written: tuple[str, str]) -> Change:
    """The first head with a P that keeps every row, one of them scaled, and a W that writes the two rows of numbers."""
    places = written or (("td_error", "td_error"), ("momentum", "td_error"))

    def change(layout: Any, step: Any, p: Any, heads: list[Head]) -> None:
        W = {("phi", "next"): step.C} | {place: 1 / p.beta for place in places}
        P = {(row, row): 1 for row in ROWS[2:]} | {("phi", "phi"): step.C, ("td_error", "td_error"): p.beta}
        heads[GRADIENT] = replace(heads[GRADIENT], W=layout.matrix(W), P=layout.matrix(P))

    return change


WRONG: dict[str, Algorithm] = {
    "W transposed": heavy_ball("fault_w", factored(("td_error", "td_error"), ("td_error", "momentum"))),
    "the constant row is read at the query": heavy_ball("fault_q", other(MOMENTUM, Q=lambda layout, step, p: (
        layout.matrix({("one", "momentum"): 1, ("one", "one"): 1})))),
}  # fmt: skip


def traces(name: str, *masks: tuple[Any, Callable[[Any, Any, Any], Any] | None]) -> Algorithm:
    """TD(lambda) with a head for each (factor, mask as a function of positions and parameters)."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        Q = layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "next"): step.C.mT})
        return [
            Head(None, layout.matrix({("td_error", "td_error"): c}), Q,
                 layout.mask(entry and (lambda i, j, entry=entry: entry(i, j, p))))
            for c, entry in masks
        ]  # fmt: skip

    return own(name=name, update=td_lambda, heads=heads, parameters=("gamma", "lam"))


HALF = Fraction(1, 2)
APART = traces(
    "apart", (HALF, lambda i, j, p: 2 * (i == j)), (HALF, None), (-HALF, None),
    (1, lambda i, j, p: p.lam ** (i - j) if i > j else 0),
)  # fmt: skip
LATE = traces("fault_mask", (1, lambda i, j, p: p.lam ** (i - j - 1) if i > j else 0))


def decay(name: str = "decay") -> Derivation:
    """Weight decay, derived: a second head over the constant row."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
        return (w - p.beta * w + preconditioners[0] @ sweep.total / sweep.n,)

    return derived(
        name=name, update=update, parameters=("gamma", "beta"),
        features=(*own().features, FeatureBlock("one", lambda t, p: 1, scalar=True)),
        accumulators=(*own().accumulators, Accumulator("rewards", lambda w, x, p: x.reward)),
    )  # fmt: skip


def of_other_sign(derivation: Derivation) -> Derivation:
    first, last = derivation.heads
    return replace(derivation, heads=(first, replace(last, U={row: -u for row, u in last.U.items()})))


def test_a_constant_row_counts_the_context_and_the_claim_says_that_there_is_one() -> None:
    book, numbers = audits(heavy_ball())
    assert {t.name for t in book.theorems} >= {"heavy_state", "heavy_hypotheses"} and numbers.name == "numbers_heavy"
    *claims, last = book.theorems
    assert all(t.statement.startswith("(0 < n)%N -> ") and t.sentence.endswith(", given 0 < n") for t in claims)
    assert last.statement == "exists n : nat, (0 < n)%N"
    assert "Definition W (l : nat) (h : 'I_2) : 'M[F]_(\\sum_(b < 2) d + 3) := 1%:M." in book.statements


def test_a_w_of_its_own_is_stated_as_it_is_and_proved_through_the_product() -> None:
    (book, _) = audits(heavy_ball(change=factored()))
    W, P = (re.search(rf"Definition {x} (?s:.*?)\.\n", book.statements)[0] for x in "WP")  # type: ignore[index]
    assert "[:: 0; beta^-1; 0]; [:: 0; beta^-1; 0]]" in W and "[:: [:: 0; C l]; [:: 0; 0]]" in W
    assert "[:: 1; 0; 0]; [:: 0; beta; 0]; [:: 0; 0; 1]" in P and "[:: [:: C l; 0]; [:: 0; 0]]" in P
    assert "[:: [:: 0; 0; 0]; [:: 0; 1; 0]; [:: 0; 1; 0]]" in book.theory[0].text
    assert "beta != 0" in book.theorems[0].statement


UNSAID: dict[str, tuple[Change, str]] = {
    "features written by W and P": (
        other(GRADIENT, **dict.fromkeys("WP", lambda layout, step, p: layout.matrix({("phi", "phi"): 1}))),
        "W P of head 1 writes the feature rows phi",
    ),
    "a written feature row": (
        other(MOMENTUM, P=lambda layout, step, p: layout.matrix({("one", "one"): 1})), "writes the feature row one",
    ),
    "written features": (
        other(GRADIENT, P=lambda layout, step, p: layout.matrix({("phi", "phi"): 1})), "writes the feature rows phi",
    ),
    "a mask that is right up to n = 5": (
        other(GRADIENT, M=lambda layout, step, p: layout.mask(lambda i, j: int(i == j or i > 5))), "later with 5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", UNSAID)
def test_what_is_of_another_shape_has_no_theorem_and_the_reason_says_so(what: str) -> None:
    change, reason = UNSAID[what]
    algorithm = heavy_ball(change=change)
    assert audits(algorithm) == [] and reason in unproved(algorithm)


def test_a_mask_that_the_loop_asks_for_and_no_head_has_is_left_to_the_kernel() -> None:
    def traced(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        w, u = weights
        sweep.e, sweep.total = 0 * w, 0 * w
        for t in sweep:
            sweep.e = p.beta * sweep.e + t.phi
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * sweep.e
        return w + preconditioners[0] @ sweep.total / sweep.n + p.beta * (w - u), w

    (file,) = audits(heavy_ball(update=traced))[0].theory
    assert "Definition masks (l : nat) : seq 'M[F]_n := [:: mask_M0; mask_M0]." in file.text
    assert "gather (row_td_error s) mask_M1 block_phi" in file.text


def test_masks_are_stated_entry_by_entry_and_what_adds_up_to_the_loops_is_left_to_the_kernel() -> None:
    audit = audits(APART)[0]
    wanted = [
        "if i == j then 1 else 0", "if i == j then 2%:R else 0",
        "if i == j then 0 else if (j < i)%N then lam ^+ (i - j) else 0", "if (j <= i)%N then lam ^+ (i - j) else 0",
    ]  # fmt: skip
    masks = re.findall(r"Definition mask_M\d : 'M\[F\]_n :=\n  \\matrix_\(i, j\) \((.*)\)\.", audit.statements)
    assert masks == wanted and "[:: mask_M1; mask_M0; mask_M0; mask_M2]`_h" in audit.statements
    assert "mask_M1 : 'M[F]_n := 2%:R *: diagonal (fun j => 1)." in audit.theory[0].text


def fading(name: str = "fading") -> Audit:
    """TD(lambda) whose trace decays by a step of each layer's own."""
    return audit_of(stepped(name, lambda a, t, p, n: (a, 1, 1)))


def stepped(name: str, factors: Callable[[Any, Any, Any, Any], tuple[Any, Any, Any]]) -> Derivation:
    """TD(lambda) with a step: what the trace decays by, what a TD error is multiplied and divided by."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        C, a = preconditioners
        sweep.e, sweep.total = 0 * w, 0 * w
        for t in sweep:
            decay, above, below = factors(a, t, p, sweep.n)
            sweep.e = decay * sweep.e + t.phi
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + above * delta * sweep.e / below
        return (w + C @ sweep.total / sweep.n,)

    steps = {"preconditioners": ("C", "a"), "scalar_preconditioners": ("a",)}
    return derived(name=name, update=update, parameters=("gamma", "beta"), **steps)


def faded_by(decay: Callable[[Any, Any], Any], name: str = "faded") -> Algorithm:
    """`fading` with a head of its own, whose mask decays by this of the step and the parameters."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        Q = layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "next"): step.C.mT})
        mask = layout.mask(lambda i, j: decay(step, p) ** (i - j) if i >= j else 0)
        return [Head(None, layout.matrix({("td_error", "td_error"): 1}), Q, mask)]

    derivation = stepped(name, lambda a, t, p, n: (a * p.gamma, 1, 1))
    return replace(derivation.algorithm, heads=heads)


def columns(sign: int = 1, name: str = "columns") -> Algorithm:
    """The ridge's unit columns with a head of its own."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        Q = layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "gamma_phi_next"): sign * step.C.mT})
        return [Head(None, layout.matrix({("td_error", "td_error"): 1}), Q, layout.mask())]

    return replace(resolve_algorithm("examples/ridge_td_columns.py", "prove"), name=name, heads=heads)


def powers(name: str = "powers") -> Audit:
    """TD(lambda) with powers whose exponents have positions and lengths."""
    return audit_of(stepped(name, lambda a, t, p, n: (p.beta ** (1 - 2 * t.index), a ** (n - t.index + 2), 1)))


def test_powers_are_spelt_and_what_divides_is_assumed_of_every_layer() -> None:
    audit = powers()
    assert "(a l) ^+ n * ((a l) ^+ 2) / ((a l) ^+ j.+1)" in audit.statements
    assert "beta / ((beta ^+ j.+1) ^+ 2)" in audit.statements
    *claims, last = audit.theorems
    assert all(t.statement.startswith("beta != 0 -> (forall l : nat, a l != 0) -> ") for t in claims)
    assert last.statement == "exists (beta : rat) (a : nat -> rat), [/\\ beta != 0 & (forall l : nat, a l != 0)]"
    sums = audit_of(stepped("sums", lambda a, t, p, n: (1, 1, t.index + a)))
    premise = "exists a : nat -> rat, (forall (n l : nat) (j : 'I_n), (a l) + j.+1%:R != 0)"
    assert sums.theorems[-1].statement == premise


def test_a_step_that_the_loop_reads_gives_the_loop_its_layer() -> None:
    audit = fading()
    assert "Definition body (l : nat) (w : state) " in audit.statements and "(a l *: e + phi j, " in audit.statements
    assert "Definition mask_M1 (l : nat) : 'M[F]_n :=" in audit.statements
    assert "if (j <= i)%N then (a l) ^+ (i - j) else 0" in audit.statements
    assert "[:: (mask_M1 l)]`_h" in audit.statements


def test_derived_heads_over_a_constant_row_are_tables_too() -> None:
    file = audit_of(decay()).theory[0]
    assert "[:: [:: 0; 0; 0]; [:: - beta; 0; 0]; [:: 0; 0; 0]]]." in file.text  # U: the row td_error from the row one
    assert "[:: [:: 0; 1; - 1]; [:: 0; 0; 0]; [:: 0; 0; 0]]]." in file.text  # Q: the constant row against both rows
    assert "Hypothesis n_gt0 : (0 < n)%N." in file.text


def invariance(name: str, old: str = "", new: str = "") -> Audit:
    """The theorems about invariance for weight decay, with the statements changed at every occurrence."""
    audit = invariance_audit(parts(decay(name)))
    assert old in audit.statements, old
    return replace(audit, statements=audit.statements.replace(old, new))


LAWS = {
    "a law whose successors' features stay where they are": (
        "phi' b' (g' w') j = phi' b' w' j *m S'^T", "phi' b' (g' w') j = phi' b' w' j",
    ),
    "a feature in a row of numbers": ("[:: block_one j; R j; R j]`_t", "[:: block_one j; R j; (\\sum_k phi j 0 k)]`_t"),
}  # fmt: skip


def test_invariance_of_an_own_file_speaks_of_the_data_and_of_its_prompt() -> None:
    audit = invariance("decay")
    assert [t.name for t in audit.theorems] == ["decay_pattern", "decay_invariant", "decay_invariant_looped"]
    kept = audit.theorems[1].statement
    assert "phi b' (g' w') j = phi b' w' j *m S'^T /\\ phi' b' (g' w') j = phi' b' w' j *m S'^T" in kept
    assert "R b' (g' w') j = R b' w' j" in kept and "(@Ordinal 3 1 isT)" in kept and "(@M F n)" in kept


def test_an_own_file_is_asked_for_its_own_theorem(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def gated(named: Any, prover: Any, progress: Any) -> list[Any]:
        asked.extend(t.name for group in named.values() for a in group for t in a.theorems)
        return []

    monkeypatch.setattr("layerproof.proofs.invariance.proved.prove_all", gated)
    monkeypatch.setattr("layerproof.proofs.invariance.proved.find_prover", lambda: object())
    question = Question(features=1, context=1, layers=2, looped=True, set="commutant", floats=False, prove=True)
    result = answer(own(), question=question)
    assert {"blocks_invariant", "mine_invariant", "mine_invariant_looped"} <= set(asked)
    (claim,) = [c for c in result.claims if c.evidence == "invariance-proved"]
    assert claim.details["theorem"] == "mine_invariant_looped" and "the gate said nothing" in claim.reason


def mean(name: str = "mean") -> Audit:
    """TD(0) on a running mean of the features: a trace whose decay is another at every step."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        sweep.e, sweep.total = 0 * w, 0 * w
        for t in sweep:
            sweep.e = sweep.e + (t.phi - sweep.e) / t.index
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * sweep.e
        return (w + preconditioners[0] @ sweep.total / sweep.n,)

    return audit_of(derived(name=name, update=update))


def dividing(name: str = "dividing") -> Derivation:
    """TD(0) with a step that is divided by a product of sums, and by a sum with the position."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + delta * t.phi / (t.index + p.beta)
        return (w + preconditioners[0] @ sweep.total / (sweep.n * (1 - p.beta * p.beta)),)

    return derived(name=name, update=update, parameters=("gamma", "beta"))


def without(audit: Audit, hypothesis: str) -> Audit:
    """With a hypothesis left out of the statements."""
    assert f"{hypothesis} -> " in audit.statements
    return replace(audit, statements=audit.statements.replace(f"{hypothesis} -> ", ""))


def shifted(audit: Audit) -> Audit:
    """With the decay of the step after."""
    (file,) = audit.theory
    old, new = "pbelow (fun i' => 1 - i'.+1%:R^-1)", "pbelow (fun i' => 1 - i'.+2%:R^-1)"
    assert old in file.text
    return replace(audit, theory=(replace(file, text=file.text.replace(old, new)),))


@pytest.mark.slow
def test_what_is_right_passes_the_gate_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    trusting_kept_files(monkeypatch)
    right = [*audits(heavy_ball(change=factored())), general_audit("vector_blocks"), invariance("decay")]
    laws = [replace(invariance(f"fault_law_{k}", *c), joins=False) for k, c in enumerate(LAWS.values())]
    outcome = gate([*right, *laws], rocq(), limit=240.0)
    assert set(outcome.passed) == {t.name for a in right for t in a.theorems}, outcome


@pytest.mark.slow
def test_the_prover_goes_through_what_is_right_and_stops_at_what_is_wrong(tmp_path: Path) -> None:
    wrong = {what: audits(algorithm)[0] for what, algorithm in WRONG.items()}
    wrong["a mask one off"] = audits(LATE)[0]
    wrong["the sign"] = audit_of(of_other_sign(decay("fault_sign")))
    until = {**dict.fromkeys(wrong, "layer_step"), "late": "total_"}
    own = audits(heavy_ball("own_w", factored()))[0]
    asked = wrong | {"late": shifted(mean("fault_late")), "mean": mean()}
    asked |= {"masks": audits(APART)[0], "gamma": audit_of(derived(update=undiscounted))}
    asked["W"] = replace(
        own, statements=own.statements.replace("beta^-1; 0]; [:: 0; beta^-1", "beta^-1; 0]; [:: beta^-1; 0")
    )
    # statements changed stand behind the right ones, so that what is proved of these is there
    asked["sums"] = audit_of(dividing())
    asked["no hypothesis"] = without(asked["sums"], "1 - beta != 0")
    asked["layer"] = fading()
    asked["another layer's mask"] = statement("(a l) ^+", "(a 0) ^+")(asked["layer"])
    asked["another layer"] = theory("a l *: e", "a l.+1 *: e")(fading("fault_layer"))
    asked["powers"] = powers()
    asked["a step that may be zero"] = without(asked["powers"], "(forall l : nat, a l != 0)")
    asked["another power"] = theory("beta ^+ j.+1) ^+ 2", "beta ^+ j.+1) ^+ 3")(powers("fault_power"))
    asked["a mask of a step"] = audits(faded_by(lambda step, p: step.a * p.gamma))[0]
    asked["a mask of another step"] = audits(faded_by(lambda step, p: step.a, "fault_faded"))[0]
    asked["columns"], asked["another sign there"] = audits(columns())[0], audits(columns(-1, "fault_columns"))[0]
    asked["a table"] = audits(tabled())[0]
    asked["a table that is not the file's"] = statement("l.+1%:R - 1)) ->", "l.+1%:R + 1)) ->")(asked["a table"])
    asked["another table"] = audits(tabled("off", "2 * l / (2 * l + 1)"))[0]
    asked["online"], asked["online keys"] = audits(online())[0], audits(online("online_keys", key=True))[0]
    asked["what is read"] = audit_of(weighed(lambda now, beta: now / (1 + beta * now)))
    read = "(forall (l : nat) (j : 'I_n), 1 + beta * (now l j) != 0)"
    asked["what is read may be zero"] = without(asked["what is read"], read)
    until |= {"another layer": "loop_closed", "another power": "loop_closed", "another table": "layer_step"}
    step = ("a mask of another step", "another sign there", "online keys")
    until |= dict.fromkeys(step, "layer_step")
    right = ["mean", "gamma", "sums", "masks", "layer", "powers", "a mask of a step", "columns", "a table", "online"]
    right.append("what is read")
    stated = ("no hypothesis", "W", "another layer's mask", "a step that may be zero", "a table that is not the file's")
    proved = dict.fromkeys((*stated, "what is read may be zero"), PROVED)
    assert stops(asked, tmp_path / "session", until) == {
        **until, **dict.fromkeys(right, ""), **proved, "late": "total_total",
    }  # fmt: skip
