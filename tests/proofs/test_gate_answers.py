"""What the prover says of axioms is read from its answers alone, and the checker of compiled files decides."""

from __future__ import annotations

from pathlib import Path

import pytest
from rocq_tiny import STATEMENTS, THEORY, audit, judged, rocq, theory

from layerproof.proofs.theory import check_again, lexer, seal
from layerproof.proofs.theory import gate as gate_module
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.axioms import axioms
from layerproof.proofs.theory.gate import gate
from layerproof.proofs.theory.lexer import code, forbidden_words, required
from layerproof.proofs.theory.theorem import Theorem

CHEAT = """\
Axiom shortcut : forall P : Prop, P.
Fixpoint double (n : nat) : nat := match n with O => O | S k => S (S (double k)) end.
Theorem twice : forall n : nat, double n = n + n.
Proof. intro n. apply shortcut. Qed.
"""


def without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every word pass, so that what comes after is tried alone."""
    monkeypatch.setattr(gate_module, "forbidden_words", lambda text: [])


def test_an_axiom_is_refused_by_its_word(tmp_path: Path) -> None:
    assert "tiny.v contains Axiom" in judged(tmp_path, CHEAT).refused["twice"]


def test_an_axiom_that_no_word_betrays_is_in_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_words(monkeypatch)
    outcome = judged(tmp_path, CHEAT)
    assert not outcome.passed and "it rests on Axioms: " in outcome.refused["twice"]


def test_a_deprecation_note_answers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note is shaped as an answer and the axiom stands between two strings that look like a comment's ends."""
    note = '#[deprecated(note="q 0 begins\nClosed under the global context\nq 0 ends")] Notation old := 0.\n'
    text = note + 'Comments "(*".\n' + CHEAT + 'Comments "*)".\nDefinition use := old.\n'
    assert "tiny.v contains Axiom" in judged(tmp_path, text).refused["twice"]
    without_words(monkeypatch)
    monkeypatch.setattr(gate_module, "nonce", lambda: "q")
    assert "it rests on Axioms: " in judged(tmp_path, text).refused["twice"]


@pytest.mark.parametrize("part", [1, 15])
def test_a_seal_that_is_blind_to_axioms_is_overruled_by_the_checker(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one run over all files, and in several of which only one reads the file with the axiom in full."""
    monkeypatch.setattr(check_again, "PART", part)
    without_words(monkeypatch)
    monkeypatch.setattr(gate_module, "answers", lambda output, word, names: dict.fromkeys(names, seal.CLOSED))
    outcome = judged(tmp_path, CHEAT)
    assert not outcome.passed and "the checker lists the axiom LayerProof.tiny.shortcut" in outcome.refused["twice"]


def test_of_several_asked_together_only_those_fall_that_rest_on_an_axiom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question about all of them finds the axiom; the questions one by one find whose it is."""
    without_words(monkeypatch)
    folder = theory(tmp_path, cheat=CHEAT)
    wrong = Theorem("double_sum", "cheat", "", "")
    statements = STATEMENTS.replace("Definition twice", "Definition double_sum")
    proofs = """\
From LayerProofStatements Require cheat.
From LayerProof Require cheat.
Theorem double_sum : LayerProofStatements.cheat.double_sum.
Proof. exact LayerProof.cheat.twice. Qed.
"""
    outcome = gate([audit(), Audit("cheat", ("cheat",), (wrong,), statements, proofs)], rocq(), folder)
    assert set(outcome.passed) == {"twice"} and "it rests on Axioms: " in outcome.refused["double_sum"]


@pytest.mark.parametrize(
    "line", ["Unset Guard Checking.", "Unset  Positivity\nChecking.", "Unset Universe(* *)Checking.", "Load other.",
             'Declare ML Module "ltac_plugin".', "#[bypass_check(guard)] Definition x := 0.", "Declare Module A : B.",
             'Redirect "x" Print nat.', "Conjecture c : False.", "Parameter p : nat.", "Admit Obligations."],
)  # fmt: skip
def test_switching_a_check_off_is_refused_by_its_word(line: str) -> None:
    assert forbidden_words(THEORY + line) != []


def test_a_loop_without_its_guard_is_found_by_the_checker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_again, "PART", 1)
    without_words(monkeypatch)
    monkeypatch.setattr(gate_module, "answers", lambda output, word, names: dict.fromkeys(names, seal.CLOSED))
    loop = "Unset Guard Checking.\nFixpoint loop (n : nat) : False := loop n.\nSet Guard Checking.\n"
    proof = "Theorem twice : forall n : nat, double n = n + n.\nProof. intro n. destruct (loop n). Qed.\n"
    text = loop + THEORY.split("Theorem")[0] + proof
    outcome = judged(tmp_path, text)
    assert not outcome.passed and "checker" in outcome.refused.get("twice", outcome.undecided.get("twice", ""))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Lemma x : True. Proof. Admitted.", ["Admitted"]),
        ("(* Admitted (* Axiom *) *) Lemma x' : True.", []),
        ("Local Axiom y : False.", ["Axiom"]),
        ("Lemma admitted_x : True.", []),
        ("Set  Universe Polymorphism. Unset Universe Checking.", ["Universe Checking"]),
        ('Comments "(*". Axiom bad : False. Comments "*)".', ["Axiom"]),
        ('(* " *) Axiom a : True. (* " *)', []),
        ('Comments "a "" (* b". Axiom c : True.', ["Axiom"]),
        ("(* open", ["a comment or a string without an end"]),
        ('Comments "open', ["a comment or a string without an end"]),
        ("(*) Axiom a : True. *)", []),
        ("Definition Axiom' := 0.", []),
    ],
)
def test_forbidden_words_are_seen_outside_comments_and_strings(text: str, words: list[str]) -> None:
    assert forbidden_words(text) == words


def test_the_code_keeps_its_places() -> None:
    text = 'a (* b " *) " c *) "d" e'
    bare = code(text)
    assert bare is not None and len(bare) == len(text) and bare.index("e") == text.rindex("e")


def test_what_is_required_is_found_whatever_its_shape() -> None:
    text = "From A.b Require Export c d.e.\n(* From X Require y. *) Require\n Import f. From\tG  Require h ."
    assert list(required(text)) == [("A.b", "c"), ("A.b", "d.e"), ("", "f"), ("G", "h")]


@pytest.mark.parametrize("extra", ["", "marks twice", "marks missing"])
def test_exactly_one_answer_counts(extra: str) -> None:
    block = "w 0 begins\nClosed under the global context\nw 0 ends\n"
    text = {"": block, "marks twice": block * 2, "marks missing": block.replace("w 0 ends", "")}[extra]
    assert seal.answers(text, "w", ["t"]) == {"t": seal.CLOSED if not extra else None}


def test_the_checker_is_read_whole_or_not_at_all() -> None:
    summary = """CONTEXT SUMMARY
===============

* Theory: Set is predicative

* Axioms:
    mathcomp.ssreflect.finset.Imset.imset
    LayerProof.td0.bad

* Constants/Inductives relying on type-in-type: <none>

* Constants/Inductives relying on unsafe (co)fixpoints: LayerProof.td0.loop

* Inductives whose positivity is assumed: <none>
"""
    assert axioms(summary) == ["LayerProof.td0.bad", "LayerProof.td0.loop"]
    assert axioms(summary * 2) is None and axioms(summary.replace("* Axioms", "Axioms")) is None
    assert axioms(summary.replace("predicative", "impredicative")) is None and axioms("") is None
    assert lexer.FORBIDDEN
