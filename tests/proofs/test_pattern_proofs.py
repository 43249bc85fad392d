"""Statement and proof generated for algorithms that attend by patterns; the prover stops at every planted fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from rocq_session import PROVED, statement, stops, theory

from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.audits import audits, unproved
from layerproof.proofs.theory.joined import contained
from layerproof.proofs.theory.lexer import forbidden_words
from layerproof.proofs.theory.patterns.parts import parts_of
from layerproof.proofs.theory.patterns.reading import differs
from layerproof.proofs.theory.patterns.statements import statements
from layerproof.proofs.theory.patterns.write import pattern_audit
from layerproof.symbolic.errors import NotRepresentableError
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.derive import derive_pattern
from layerproof.symbolic.patterns.given import pattern_form
from layerproof.symbolic.patterns.heads import PatternForm
from layerproof.symbolic.patterns.record import GivenHead, GivenLayer


def form(name: str, **fields: Any) -> PatternForm:
    return derive_pattern(replace(pattern_catalogue()[name], **fields))


# without the prover


@pytest.mark.parametrize("name", pattern_catalogue())
def test_each_has_statements_over_mathcomp_alone(name: str) -> None:
    (audit,) = audits(pattern_catalogue()[name])
    assert unproved(pattern_catalogue()[name]) == "" and audit.theorems[0].name.endswith("_state")
    assert "LayerProof" not in audit.statements and contained(audit.statements)
    assert all(forbidden_words(text) == [] for text in audit.texts().values())


PRINTED: dict[str, tuple[str, str, str, str]] = {
    "the target one step late": ("softmax-td", "row_target_context", "(next j)", "(lshift 1 j)"),
    "the weight of another token": ("softmax-td", "body", "(lshift 1 j) t", "t t"),
    "the successor's value for the own": ("softmax-td", "body", "- v 0 (lshift 1 j)", "- v 0 (next j)"),
    "a step transposed": ("sarsa", "new", "(C l)^T", "C l"),
    "the mean forgotten": ("sarsa", "new", "n%:R^-1", "1"),
    "the query as its own key": ("causal-td", "keys", "minn t.+1 n", "t.+1"),
    "another token's weights": ("causal-td", "body", "row (lshift 1 j) w", "row t w"),
    "a sign": ("kernel-gradient-descent", "row_residual_last", "- v", "v"),
}


@pytest.mark.parametrize("fault", PRINTED)
def test_a_printed_loop_or_row_that_is_not_the_running_one_is_seen(fault: str) -> None:
    name, definition, old, new = PRINTED[fault]
    stated = statements(parts_of(form(name)))
    text = stated.definitions[definition]
    assert old in text and differs(stated) is None
    assert differs(replace(stated, definitions={**stated.definitions, definition: text.replace(old, new)})) is not None


def test_a_name_of_a_users_takes_the_place_of_none_of_the_files_own() -> None:
    names = ("T", "Z", "V_0", "row_phi_context", "kernel", "keys", "total")

    def update(own: Any, C: Any, sweep: Any, p: Any) -> Any:
        sweep.total = 0 * own.state
        for k in sweep:
            sweep.total = sweep.total + k.weight * (k.reward - k.state)
        return own.state + sum(getattr(p, x) for x in names) * sweep.total / sweep.n

    parts = parts_of(form("kernel-gradient-descent", update=update, parameters=names))
    assert set(parts.parameters.values()) & {*names[:-1]} == set() and parts.loop == "total_"
    assert differs(statements(parts)) is None


def two_variables(own: Any, C: Any, sweep: Any, p: Any) -> Any:
    sweep.total, sweep.other = 0 * own.state, 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * k.reward
        sweep.other = sweep.other + k.weight * k.state
    return own.state + sweep.total - sweep.other


def test_what_the_theory_has_no_words_for_is_said() -> None:
    several = replace(pattern_catalogue()["kernel-gradient-descent"], name="several", update=two_variables)
    assert audits(several) == [] and "keeps 2 loop variables" in unproved(several)
    with pytest.raises(NotRepresentableError, match="no theorem is about weights that divide"):
        pattern_audit(divided(form("softmax-td")))


def divided(form: PatternForm) -> PatternForm:
    return replace(form, shift={pair: 1 / c for pair, c in form.shift.items()})


# what the prover stops at


def late(own: Any, C: Any, sweep: Any, p: Any) -> Any:
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * (k.reward + p.gamma * k.state - k.next_state)
    return own.state + sweep.total


def transposed(form: PatternForm) -> PatternForm:
    (head,) = form.heads
    V = {pair: {tuple((m, not t) for m, t in word): c for word, c in words.items()} for pair, words in head.V.items()}
    return replace(form, heads=(replace(head, V=V),))


SCORES = (
    lambda k, q, C, p: (k.gamma_phi_next @ q.w - k.phi @ q.w) / 2,
    lambda k, q, C, p: k.reward * q.one,
)
VALUES = (lambda k, C, p: {"w": 2 * (C @ k.phi)}, lambda k, C, p: {"w": C @ k.phi})


def two_heads(form: PatternForm) -> PatternForm:
    """A layer of one's own: what SARSA's one head does, by a head for the weights and another for the reward."""
    layer = GivenLayer(tuple(GivenHead(v, s) for v, s in zip(VALUES, SCORES, strict=True)), scale="1/n")
    return pattern_form(replace(form.algorithm, name="two", layer=layer))


def second(change: Callable[[PatternForm], PatternForm]) -> Callable[[PatternForm], PatternForm]:
    """The form with its second head changed."""

    def changed(plain: PatternForm) -> PatternForm:
        form = two_heads(plain)
        return replace(form, heads=(form.heads[0], *change(replace(form, heads=form.heads[1:])).heads))

    return changed


def negated(form: PatternForm) -> PatternForm:
    (head,) = form.heads
    return replace(form, heads=(replace(head, V={k: {w: -c for w, c in x.items()} for k, x in head.V.items()}),))


def same(x: Any) -> Any:
    return x


@dataclass(frozen=True)
class Fault:
    """An algorithm, what is changed in its form and in its files, and the lemma at which the prover stops."""

    algorithm: str
    form: Callable[[PatternForm], PatternForm] = same
    files: Callable[[Audit], Audit] = same
    stops: str = PROVED


FAULTS = {
    "the softmax over the wrong axis": Fault(
        "softmax-td", files=theory("keyed keys (kernel l (usubmx Z))", "keyed keys (kernel l (usubmx Z))^T"),
        stops="pattern_0",
    ),
    "a pattern of a row that layers write": Fault(
        "kernel-gradient-descent", stops="pattern_0",
        files=theory("l (usubmx Z)", "l (usubmx Z + const_mx (Z (rshift d 0) (rshift n 0)))"),
    ),
    "the target one step late": Fault(
        "softmax-td", lambda f: replace(f, algorithm=replace(f.algorithm, update=late)), stops="added_row_current"
    ),
    "the shift the wrong way": Fault(
        "softmax-td", files=theory("(@back F n)", "(@back F n)^T"), stops="moved_row_target"
    ),
    "the query as a key": Fault("softmax-td", files=theory("nat := n.", "nat := n.+1."), stops="keys_le"),
    "the causal mask without the minimum": Fault(
        "causal-td", files=theory("nat := minn t.+1 n", "nat := t.+1"), stops="keys_le"
    ),
    "C transposed in the values": Fault("sarsa", transposed, stops="added_row_w"),
    "the query as a key of the stated pattern": Fault(
        "kernel-gradient-descent", files=statement("if (k < n)%N", "if (k <= n)%N")
    ),
    "the stated pattern transposed": Fault(
        "kernel-gradient-descent", files=statement("(kernel l (usubmx Z)) k t", "(kernel l (usubmx Z)) t k")
    ),
    "a stated mask right up to n = 5": Fault(
        "kernel-gradient-descent", files=statement("if (k < n)%N", "if (k < n - (5 < n))%N")
    ),
    "another stated loop": Fault(
        "kernel-gradient-descent", files=statement("\n  else 0.", "\n  else 1.")
    ),
    "right": Fault("kernel-gradient-descent", stops=""),
    "a sign of the second head": Fault("sarsa", second(negated), stops="added_row_w"),
    "C transposed in the second head": Fault("sarsa", second(transposed), stops="added_row_w"),
    "values of the heads exchanged": Fault(
        "sarsa", two_heads, theory("[:: V_0 l; V_1 l]", "[:: V_1 l; V_0 l]"), stops="heads_step"
    ),
    "two heads, right": Fault("sarsa", two_heads, stops=""),
}  # fmt: skip


def made(fault: Fault) -> Audit:
    """The audit with the fault in it; what is printed is compared with the update of the faulty form."""
    return fault.files(pattern_audit(fault.form(form(fault.algorithm))))


@pytest.mark.slow
def test_the_prover_stops_at_every_planted_fault_and_goes_through_what_is_right(tmp_path: Path) -> None:
    asked = {what: made(fault) for what, fault in FAULTS.items()}
    in_order = sorted(asked, key=lambda what: [f.text for f in asked[what].theory])  # on one theory side by side
    until = {what: f.stops for what, f in FAULTS.items() if f.stops not in (PROVED, "")}
    stopped_at = stops({what: asked[what] for what in in_order}, tmp_path / "session", until)
    assert {what: at for what, at in stopped_at.items() if at != FAULTS[what].stops} == {}
