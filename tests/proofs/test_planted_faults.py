"""Faults in what is generated for an algorithm: the prover stops at the lemma that each is about.

They stand in one session of the prover, beside right ones that it goes through; one of them is before the gate too.
That all that is right passes is for `layerproof prove` to say, a stage of .ci/run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from rocq_session import PROVED, statement, stops, theory
from rocq_tiny import rocq, trusting_kept_files

from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.audits import numbers_audit
from layerproof.proofs.theory.gate import gate
from layerproof.proofs.theory.generated.positions import never_zero
from layerproof.proofs.theory.generated.scalars import Spelling
from layerproof.proofs.theory.generated.terms import rational
from layerproof.proofs.theory.generated.write import audit_of
from layerproof.proofs.user_file import resolve_algorithm
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.derivation.coefficients import INDEX, LENGTH, Power, Sum
from layerproof.symbolic.derivation.derive import Derivation, derive

Change = Callable[[Derivation], Derivation]


def at_numbers(stated: Any, proved: Any) -> Callable[[Audit], Audit]:
    """Lemmas beside an audit's proofs: 1 - b^j is zero at no position at b = 2, 1/2, nor is 1 - (1 - b)^j at 1/3.

    Nor are n - j + a at a = 1/2, and j - a at a = `stated`.

    proved : the a that the proof is written for
    """
    j, power = (INDEX, 1), (Power.of("b", INDEX), 1)
    rest = (Power.of(Sum.of({(): Fraction(1), (("b", 1),): Fraction(-1)}), INDEX), 1)
    lemmas = ""
    for k, (terms, value, other) in enumerate((
        ({(): 1, (power,): -1}, {"b": Fraction(2)}, {}),
        ({(): 1, (power,): -1}, {"b": Fraction(1, 2)}, {}),
        ({(): 1, (rest,): -1}, {"b": Fraction(1, 3)}, {}),
        ({((LENGTH, 1),): 1, (j,): -1, (("a", 1),): 1}, {"a": Fraction(1, 2)}, {}),
        ({(j,): 1, (("a", 1),): -1}, {"a": Fraction(stated)}, {"a": Fraction(proved)}),
    )):  # fmt: skip
        base = Sum.of({exponents: Fraction(c) for exponents, c in terms.items()})
        text = Spelling({x: f"({rational(v)[0]})" for x, v in value.items()}).word(base)
        lemmas += f"Lemma at_{k} : forall (n : nat) (j : 'I_n), {text} != 0 :> rat.\n"
        lemmas += f"Proof. move=> m j; {never_zero(base, value | other)}. Qed.\n"

    return lambda audit: replace(audit, proofs=f"{audit.proofs}{lemmas}")


def weights(change: Callable[[Any], Any], factor: int = 1) -> Change:
    """Every entry E of the first head changed: all tables of them are printed from the derivation."""

    def changed(derivation: Derivation) -> Derivation:
        head, *others = derivation.heads
        E = {(r, change(word), s): c * factor for (r, word, s), c in head.E.items()}
        return replace(derivation, heads=(replace(head, E=E), *others))

    return changed


def same(x: Any) -> Any:
    return x


def transposed(word: Any) -> Any:
    return tuple((m, not flipped) for m, flipped in word)


@dataclass(frozen=True)
class Fault:
    """An algorithm, what is changed in its derivation and in its files, and the lemma at which the prover stops."""

    algorithm: str
    derivation: Change = same
    files: Callable[[Audit], Audit] = same
    stops: str = ""


RIDGE = "examples/ridge_td_columns.py"
HYPOTHESIS = "Local Notation state := "
FAULTS = {
    # the loop
    "the old trace read for the new one": Fault("td-lambda", files=theory("*: new_e)", "*: e)"), stops="loop_closed"),
    "gamma dropped": Fault(
        "td0", files=theory("gamma * dot w (phi' j) -", "dot w (phi' j) -"), stops="loop_closed"
    ),
    "the order of the updates": Fault(
        "average-reward-td", files=theory("R j - mean_reward +", "R j - reward_sum / j.+1%:R +"), stops="loop_closed"
    ),
    "another recursion, layer and loop alike": Fault(
        "td0", files=theory("n%:R^-1", "(n%:R^-1 * n%:R^-1)"), stops=PROVED
    ),
    # the mask
    "a mask right up to n = 5": Fault(
        "td-lambda", files=theory("+ below lam 0", "+ below (if (n <= 5)%N then lam else 1) 0"), stops="total_"
    ),
    "a stated mask right up to n = 5": Fault(
        "td-lambda", files=statement("lam ^+ (i - j)", "lam ^+ (i - j + (5 < i))"), stops=PROVED
    ),
    # the weights
    "the sign of a word": Fault("td0", weights(same, -1), stops="layer_step"),
    "right for symmetric C alone": Fault("td0", weights(transposed), stops="layer_step"),
    "a head left out": Fault("gtd2", lambda d: replace(d, heads=d.heads[1:]), stops="layer_step"),
    "other weights in the statement": Fault("td0", files=statement("- (C l)^T", "- (C l)"), stops=PROVED),
    "the query in the mask": Fault(
        "td0", files=statement("[:: mask_M0]`_h 0 0 0", "[:: mask_M0]`_h 0 0 1%:M"), stops=PROVED
    ),
    # the read-out
    "the read-out's sign": Fault(
        "td0", lambda d: replace(d, readout=replace(d.readout, sign=-d.readout.sign)), stops="read_prediction"
    ),
    "the read-out of another row": Fault(
        "gtd2", lambda d: replace(d, readout=replace(d.readout, row="correction")), stops="read_prediction"
    ),
    "another Z_0": Fault("td0", files=statement("[:: R j]`_t", "[:: R j + 1]`_t"), stops=PROVED),
    # columns that are no transitions
    "unit columns of another size": Fault(RIDGE, files=theory("=> c *: delta", "=> (c + c) *: delta"), stops="units_"),
    "unit columns masked out": Fault(
        RIDGE, files=theory("diagonal (fun j => 1)", "diagonal (fun j => (j < m)%N%:R)"), stops="columns_"
    ),
    "unit columns shifted by one": Fault(RIDGE, files=statement("axis (j - m)", "axis (j - m).+1"), stops=PROVED),
    "the last unit column missing": Fault(
        RIDGE, files=statement("c *: axis", "(if j.+1 == n :> nat then 0 else c) *: axis"), stops=PROVED
    ),
    "a stated mask without unit columns": Fault(
        RIDGE, files=statement("if i == j then", "if (i == j) && (i < m)%N then"), stops=PROVED
    ),
    # numbers at which nothing is divided by zero
    "numbers that do not keep a divisor from zero": Fault("td0", files=at_numbers(2, Fraction(1, 2)), stops=PROVED),
    # less than it seems
    "a hypothesis of a section": Fault(
        "td0", stops=PROVED,
        files=lambda a: theory("Proof using All. exact: run_like", "Proof using All. have _ := none; exact: run_like")(
            theory(HYPOTHESIS, f"Hypothesis none : gamma = 0.\n{HYPOTHESIS}")(a)),
    ),
}  # fmt: skip


def made(fault: Fault, name: str) -> Audit:
    known = find(fault.algorithm) if fault.algorithm != RIDGE else resolve_algorithm(RIDGE, "prove")
    algorithm = replace(known, name=name)
    return fault.files(audit_of(fault.derivation(derive(algorithm, {"trace": "lam"} if algorithm.options else {}))))


def wrong_number(what: str, name: str) -> Audit:
    """The instance in numbers with one number of a definition changed."""
    audit = numbers_audit(derive(find("td0")), name)
    definition = f"Definition {what} : rows :="
    start = audit.statements.index(definition) + len(definition)
    digits = re.compile(r"\(?-?[1-9][0-9]* # [0-9]+\)?|(?<![0-9#])1(?![0-9])")
    number = digits.search(audit.statements, start)
    assert number is not None
    return replace(audit, statements=audit.statements[: number.start()] + "(7 # 3)" + audit.statements[number.end() :])


GATE = {"the query in the mask": "not the restated one"}
"""Those that are before the gate, and what it says."""


ADMITTED = theory("Qed.\nEnd Algorithm.", "Admitted.\nEnd Algorithm.")


def test_what_fails_is_said_in_words() -> None:
    audit = made(Fault("td0"), "td0")
    lines = audit.theory[0].text.splitlines()

    def at(lemma: str) -> str:
        return audit.explained("theory/td0", 3 + next(i for i, x in enumerate(lines) if x.startswith(f"Lemma {lemma}")))

    assert at("layer_step") == "one layer with the weights is one step of the loop: no; "
    assert at("loop_closed") == "the loop does what the derivation says: no; "
    assert at("total_") == "the masks gather what the loop adds up: no; "
    assert at("read_prediction") == "the read-out is the prediction, with its sign: no; "
    assert audit.explained("audits/td0", 3) == "" == audit.explained("theory/td0", 0)


@pytest.mark.slow
def test_the_gate_refuses_a_planted_fault_and_an_admitted_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    trusting_kept_files(monkeypatch)
    refused = {what: made(FAULTS[what], f"gate_{k}") for k, what in enumerate(GATE)}
    admitted = ADMITTED(made(Fault("td0"), "admitted"))
    outcome = gate([*refused.values(), admitted], rocq(), limit=240.0, apart=True)
    reasons = {**outcome.undecided, **outcome.refused}
    assert not outcome.passed
    for what, audit in refused.items():
        assert all(GATE[what] in reasons[t.name] for t in audit.theorems), (what, reasons)
    assert all("contains Admitted" in outcome.refused[t.name] for t in admitted.theorems)


@pytest.mark.slow
def test_the_prover_stops_at_every_planted_fault_and_goes_through_what_is_right(tmp_path: Path) -> None:
    asked = {
        what: made(fault, f"fault_{Path(fault.algorithm).stem.replace('-', '_')}")
        for what, fault in FAULTS.items()
        if what not in GATE
    }
    asked |= {
        "right": made(Fault("td0"), "fault_td0"),
        "right at numbers": made(Fault("td0", files=at_numbers(Fraction(1, 2), Fraction(1, 2))), "fault_td0"),
        "right columns": made(Fault(RIDGE), "fault_ridge_td_columns"),
        "right numbers": numbers_audit(derive(find("td0")), "numbers_right"),
    }
    asked |= {"Q_1": wrong_number("Q_1", "numbers_q"), "state_1": wrong_number("state_1", "numbers_s")}
    in_order = sorted(asked, key=lambda what: [f.text for f in asked[what].theory])  # on one theory side by side
    until = {what: f.stops for what, f in FAULTS.items() if f.stops != PROVED}
    stopped_at = stops({what: asked[what] for what in in_order}, tmp_path / "session", until)
    assert (
        stopped_at.pop("right")
        == stopped_at.pop("right columns")
        == stopped_at.pop("right at numbers")
        == stopped_at.pop("right numbers")
        == ""
    )
    assert stopped_at.pop("Q_1") == stopped_at.pop("state_1") == PROVED
    assert {
        what: at for what, at in stopped_at.items() if not FAULTS[what].stops or not at.startswith(FAULTS[what].stops)
    } == {}
