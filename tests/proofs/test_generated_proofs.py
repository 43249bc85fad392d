"""Statement and proof generated for any derived algorithm: right ones pass the gate, planted faults do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rocq_tiny import rocq

from layerproof.proofs.theory.audit import Audit, TheoryFile
from layerproof.proofs.theory.gate import THEORY, Outcome, files_of, gate
from layerproof.proofs.theory.generated.names import KEYWORDS, OWN, Names, comment, identifier
from layerproof.proofs.theory.generated.reading import differs
from layerproof.proofs.theory.generated.statements import statements
from layerproof.proofs.theory.generated.theory_file import generated
from layerproof.proofs.theory.generated.write import audit_of, audits_of
from layerproof.proofs.theory.lexer import forbidden_words
from layerproof.proofs.user_file import resolve_algorithm
from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import NotRepresentableError

EXAMPLES = ("examples/off_policy_td.py", "examples/expected_sarsa.py", "examples/k_step_td.py")
RESERVED = tuple(files_of(THEORY))


def choices(algorithm: Algorithm) -> list[dict[str, str]]:
    return [{name: v} for name, values in algorithm.options.items() for v in values] or [{}]


def audit(name: str = "td-lambda", **options: str) -> Audit:
    return audit_of(derive(find(name), options), RESERVED)


def edited(found: Audit, old: str, new: str, *, statements: bool = False) -> Audit:
    """The audit with its generated file, or its statements too, changed at every occurrence."""
    (file,) = found.theory
    assert old in file.text
    theory = (TheoryFile(file.name, file.text.replace(old, new)),)
    return replace(
        found, theory=theory, statements=found.statements.replace(old, new) if statements else found.statements
    )


def judged(*found: Audit) -> Outcome:
    return gate(found, rocq(), limit=240.0)


# without the prover


@pytest.mark.slow
@pytest.mark.parametrize("name", [*catalogue(), *EXAMPLES])
def test_the_printed_loop_is_the_running_one(name: str) -> None:
    algorithm = resolve_algorithm(name, "prove")
    for options in choices(algorithm):
        found, _ = generated(derive(algorithm, options), RESERVED)
        assert differs(statements(found)) is None


LOOP_FAULTS: dict[str, tuple[str, str, str]] = {
    "the old trace read for the new one": ("body", "*: (lam *: e + phi j))", "*: e)"),
    "gamma dropped": ("body", "gamma * dot w (phi' j)", "dot w (phi' j)"),
    "a sign": ("body", "- dot w (phi j)", "+ dot w (phi j)"),
    "a step transposed": ("step", "(C l)^T", "(C l)"),
    "the mean forgotten": ("step", "n%:R^-1 *: ", "1 *: "),
    "another row": ("row_td_error", "gamma *: phi' j", "phi' j"),
    "another block": ("block_gamma_phi_next", "phi' j", "phi j"),
}


@pytest.mark.parametrize("fault", LOOP_FAULTS)
def test_a_printed_loop_that_is_not_the_running_one_is_seen(fault: str) -> None:
    name, old, new = LOOP_FAULTS[fault]
    found, _ = generated(derive(find("td-lambda"), {"trace": "lam"}), RESERVED)
    said = statements(found)
    text = said.definitions[name]
    assert old in text
    assert differs(replace(said, definitions={**said.definitions, name: text.replace(old, new)})) is not None


def test_what_is_printed_wrongly_is_not_sent_to_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerproof.proofs.theory.generated.write.differs", lambda _: "the loop variable e")
    with pytest.raises(NotRepresentableError, match="not the algorithm that runs: the loop variable e"):
        audit("td0")


def test_the_loop_is_printed_with_the_names_of_the_python() -> None:
    text = audit("td-lambda", trace="lam").theory[0].text
    assert "let delta := R j + gamma * dot w (phi' j) - dot w (phi j) in" in text
    assert "let new_e := lam *: e + phi j in\n  (new_e, total + delta *: new_e)." in text
    statement = audit("td-lambda", trace="lam").statements
    assert "if (j <= i)%N then lam ^+ (i - j) else 0" in statement and "LayerProof" not in statement


def own(**changes: Any) -> Algorithm:
    """TD(0) with names of the user's."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
        return (w + preconditioners[0] @ sweep.total / sweep.n,)

    record = Algorithm(
        name="mine", title="mine", source="here", update=update, parameters=("gamma",),
        features=(FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q),
                  FeatureBlock("next", lambda t, p: p.gamma * t.phi_next)),
        accumulators=(Accumulator("td_error", lambda w, x, p: x.reward + w[0] @ x.next - w[0] @ x.phi),),
    )  # fmt: skip
    return replace(record, **changes)


HOSTILE = 'x *) Axiom cheat : False. (* " *) Notation "a = b" := True. (*'


def test_titles_and_sources_stay_in_their_comment() -> None:
    found = audit_of(derive(own(title=HOSTILE, source=HOSTILE + "\n*) Admitted.")), RESERVED)
    for text in found.texts().values():
        assert forbidden_words(text) == []
        bare = re.sub(r"\(\*.*?\*\)", "", text, flags=re.S)
        assert "cheat" not in bare and "Notation" not in bare.replace("Local Notation", "")
    assert comment('a *) "b" (* c') == "a ) b ( c"


def test_names_of_users_are_identifiers_that_shadow_nothing() -> None:
    for name in ("fun", "forall", "body", "gather", "W", "phi", "n", "loop_masks", "λ", "1st", "a b", "x *) y", ""):
        given = Names().new(name)
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", given) and given not in OWN | KEYWORDS
    names = Names()
    assert len({names.new("same") for _ in range(5)}) == 5
    assert identifier("x" * 300) == "x" * 40


def test_no_name_of_a_user_can_be_a_word_that_a_generated_file_uses() -> None:
    algorithm = own()
    found = audit_of(derive(algorithm), RESERVED)
    mine = {"mine", "gamma", "C", "w", "total", "next", "td_error"}
    for text in (found.theory[0].text, found.statements, found.proofs):
        bare = re.sub(r"\(\*.*?\*\)|%:[RM]", " ", text, flags=re.S)
        bare = re.sub(r"^(From|Set|Import|Local Open|Proof|Qed).*$", " ", bare, flags=re.M)
        definitions = [line for line in bare.splitlines() if line.startswith(("Definition", "Fixpoint", "  "))]
        words = set(re.findall(r"(?<![\w'.\\])[a-z][\w']*", "\n".join(definitions)))
        generated_words = {x for x in words if not any(m in x for m in mine)}
        names = Names()
        assert {x for x in generated_words if names.new(x) == x and x in OWN} == set()


@pytest.mark.parametrize("name", ["attention", "loop_masks", "numbers", "td0"])
def test_a_file_of_the_users_takes_the_place_of_none_of_the_theory(name: str) -> None:
    found = audit_of(derive(own(name=name)), RESERVED)
    assert found.theory[0].name not in RESERVED and found.name not in RESERVED


def undiscounted(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
    """The residual gradient with phi' where the rows hold gamma phi': the weights divide by gamma."""
    (w,) = weights
    sweep.total = 0 * w
    for t in sweep:
        sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * (t.phi - t.phi_next)
    return (w + preconditioners[0] @ sweep.total / sweep.n,)


def test_a_hypothesis_stands_in_the_claim_and_in_the_statement() -> None:
    found = audit_of(derive(own(update=undiscounted)), RESERVED)
    *claims, last = found.theorems
    assert all(t.statement.startswith("gamma != 0 -> forall") and "given gamma != 0" in t.sentence for t in claims)
    assert last.name == "mine_hypotheses" and last.statement == "exists gamma : rat, gamma != 0"
    assert found.statements.count("  gamma != 0 -> @says_") == len(claims)


# with the prover


@pytest.mark.slow
def test_a_construction_with_a_hypothesis_passes_with_an_inhabitant() -> None:
    found = audit_of(derive(own(update=undiscounted)), RESERVED)
    assert set(judged(found).passed) == {t.name for t in found.theorems}


@pytest.mark.slow
def test_the_catalogue_and_the_derived_examples_pass_the_gate() -> None:
    found = [a for name in (*catalogue(), *EXAMPLES) for a in audits_of(resolve_algorithm(name, "prove"), RESERVED)]
    outcome = judged(*found)
    assert not outcome.refused and not outcome.undecided
    assert set(outcome.passed) == {t.name for a in found for t in a.theorems}


def reweighted(change: Callable[[Any], Any], factor: int) -> Audit:
    """TD(0) with other weights: every table of them is printed from the derivation."""
    derivation = derive(find("td0"))
    (head,) = derivation.heads
    E = {(r, change(word), s): c * factor for (r, word, s), c in head.E.items()}
    return audit_of(replace(derivation, heads=(replace(head, E=E),)), RESERVED)


FAULTS: dict[str, tuple[Callable[[], Audit], str]] = {
    "sign": (lambda: reweighted(lambda word: word, -1), "one layer"),
    "transpose": (lambda: reweighted(lambda word: tuple((m, not flipped) for m, flipped in word), 1), "one layer"),
    "mask": (lambda: edited(audit("td-lambda", trace="lam"), "+ below lam 0", "+ above lam 0"), "the masks"),
    "mask-decay": (lambda: edited(audit("td-lambda", trace="lam"), "+ below lam 0", "+ below lam 1"), "the masks"),
    "readout": (lambda: edited(audit("td0"), "- prompt w (rshift", "prompt w (rshift"), "the read-out"),
    "old trace": (lambda: edited(audit("td-lambda", trace="lam"), "*: new_e)", "*: e)"), "the loop"),
    "gamma dropped": (lambda: edited(audit("td0"), "gamma * dot w (phi' j) -", "dot w (phi' j) -"), "the loop"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_does_not_pass(fault: str) -> None:
    made, said = FAULTS[fault]
    outcome = judged(made())
    assert not outcome.passed
    assert all(said in reason for reason in {**outcome.undecided, **outcome.refused}.values())


@pytest.mark.slow
def test_a_statement_that_is_not_the_generated_theorem_does_not_pass() -> None:
    found = audit("td-lambda", trace="lam")
    for old, new in (
        ("lam ^+ (i - j)", "lam ^+ (i - j + (5 < i))"),
        ("- (C l)^T", "- (C l)"),
        ("- dot w q", "dot w q"),
    ):
        assert old in found.statements
        assert not judged(replace(found, statements=found.statements.replace(old, new))).passed, old


@pytest.mark.slow
def test_weights_that_are_wrong_in_the_derivation_are_not_proved() -> None:
    derivation = derive(find("tdc"))
    for wrong in (
        replace(derivation, heads=derivation.heads[:-1]),
        replace(derivation, heads=(replace(derivation.heads[0], E={}), *derivation.heads[1:])),
        replace(derivation, readout=replace(derivation.readout, sign=-derivation.readout.sign)),
    ):
        assert not judged(audit_of(wrong, RESERVED)).passed
