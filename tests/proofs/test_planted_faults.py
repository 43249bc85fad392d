"""Faults in what is generated for an algorithm, each judged by the gate: none of them passes, and what is right does.

All of them are compiled in one run of the gate, each as an algorithm with a name of its own, beside a right one of a
user's; that all that is right passes is for `layerproof prove` to say, a stage of .ci/run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from own_algorithms import derived, undiscounted
from rocq_tiny import rocq, trusting_kept_files

from layerproof.proofs.theory.audit import Audit, TheoryFile
from layerproof.proofs.theory.audits import numbers_audit
from layerproof.proofs.theory.gate import gate
from layerproof.proofs.theory.generated.write import audit_of
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.derivation.derive import Derivation, derive

Change = Callable[[Derivation], Derivation]


def theory(old: str, new: str) -> Callable[[Audit], Audit]:
    """The generated file of the theory changed at every occurrence."""

    def changed(audit: Audit) -> Audit:
        (file,) = audit.theory
        assert old in file.text, old
        return replace(audit, theory=(TheoryFile(file.name, file.text.replace(old, new)),))

    return changed


def statement(old: str, new: str) -> Callable[[Audit], Audit]:
    """The statements changed at every occurrence."""

    def changed(audit: Audit) -> Audit:
        assert old in audit.statements, old
        return replace(audit, statements=audit.statements.replace(old, new))

    return changed


def weights(change: Callable[[Any], Any]) -> Change:
    """Every entry E of the first head changed: all tables of them are printed from the derivation."""

    def changed(derivation: Derivation) -> Derivation:
        head, *others = derivation.heads
        E = {(r, change(word), s): c for (r, word, s), c in head.E.items()}
        return replace(derivation, heads=(replace(head, E=E), *others))

    return changed


def same(x: Any) -> Any:
    return x


def transposed(word: Any) -> Any:
    return tuple((m, not flipped) for m, flipped in word)


@dataclass(frozen=True)
class Fault:
    """An algorithm, what is changed in its derivation and in its files, and what the gate says of it."""

    algorithm: str
    derivation: Change = same
    files: Callable[[Audit], Audit] = same
    said: str = ""
    options: tuple[str, ...] = ()


HYPOTHESIS = "Local Notation state := "
FAULTS = {
    # the loop
    "the order of the updates": Fault(
        "average-reward-td", files=theory("R j - mean_reward +", "R j - reward_sum / j.+1%:R +"), said="the loop does"
    ),
    "another recursion, layer and loop alike": Fault(
        "td0", files=theory("n%:R^-1", "(n%:R^-1 * n%:R^-1)"), said="not the restated one"
    ),
    # the mask
    "a mask right up to n = 5": Fault(
        "td-lambda", files=theory("+ below lam 0", "+ below (if (n <= 5)%N then lam else 1) 0"), said="the masks"
    ),
    "a stated mask right up to n = 5": Fault(
        "td-lambda", files=statement("lam ^+ (i - j)", "lam ^+ (i - j + (5 < i))"), said="does not compile"
    ),
    # the weights
    "right for symmetric C alone": Fault("td0", weights(transposed), said="one layer with the weights"),
    "a head left out": Fault("gtd2", lambda d: replace(d, heads=d.heads[1:]), said="one layer with the weights"),
    "other weights in the statement": Fault("td0", files=statement("- (C l)^T", "- (C l)"), said="audits/"),
    "the query in the mask": Fault(
        "td0", files=statement("[:: mask_M0]`_h 0 0 0", "[:: mask_M0]`_h 0 0 1%:M"), said="not the restated one"
    ),
    # the read-out
    "the read-out's sign": Fault(
        "td0", lambda d: replace(d, readout=replace(d.readout, sign=-d.readout.sign)), said="the read-out"
    ),
    "the read-out of another row": Fault(
        "tdc", lambda d: replace(d, readout=replace(d.readout, row="correction")), said="the read-out"
    ),
    "another Z_0": Fault("td0", files=statement("[:: R j]`_t", "[:: R j + 1]`_t"), said="does not compile"),
    # less than it seems
    "a hypothesis of a section": Fault(
        "td0", said="audits/",
        files=lambda a: theory("Proof using All. exact: run_like", "Proof using All. have _ := none; exact: run_like")(
            theory(HYPOTHESIS, f"Hypothesis none : gamma = 0.\n{HYPOTHESIS}")(a)),
    ),
    "an admitted proof": Fault("td0", files=theory("Qed.\nEnd Algorithm.", "Admitted.\nEnd Algorithm."),
                               said="contains Admitted"),
}  # fmt: skip


def made(fault: Fault, name: str) -> Audit:
    algorithm = replace(find(fault.algorithm), name=name)
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


NUMBERS = {"numbers_q": "Q_1", "numbers_s": "state_1"}


@pytest.mark.slow
def test_no_planted_fault_passes_and_what_is_right_does(monkeypatch: pytest.MonkeyPatch) -> None:
    trusting_kept_files(monkeypatch)
    names = {what: f"fault_{k}" for k, what in enumerate(FAULTS)}
    wrong = {what: made(FAULTS[what], name) for what, name in names.items()}
    right = audit_of(derived(update=undiscounted))
    numbers = [wrong_number(what, name) for name, what in NUMBERS.items()]
    outcome = gate([right, *wrong.values(), *numbers], rocq(), limit=240.0, apart=True)
    said = {**outcome.undecided, **outcome.refused}
    assert set(outcome.passed) == {t.name for t in right.theorems}
    for what, audit in wrong.items():
        for theorem in audit.theorems:
            assert FAULTS[what].said in said[theorem.name], (what, said[theorem.name])
    assert all("not the restated one" in outcome.refused[name] for name in NUMBERS)
