"""Statement and proof generated for any derived algorithm; the gate judges them in test_planted_faults.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from expected import expected
from own_algorithms import own, undiscounted

from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.audits import audits, choices, unproved
from layerproof.proofs.theory.gate import THEORY, files_of
from layerproof.proofs.theory.generated.names import KEYWORDS, OWN, Names, comment, identifier
from layerproof.proofs.theory.generated.nonzero import factor, values_for
from layerproof.proofs.theory.generated.positions import never_zero
from layerproof.proofs.theory.generated.reading import differs
from layerproof.proofs.theory.generated.scalars import Spelling
from layerproof.proofs.theory.generated.statements import Statements, statements
from layerproof.proofs.theory.generated.theory_file import generated
from layerproof.proofs.theory.generated.write import audit_of
from layerproof.proofs.theory.lexer import forbidden_words
from layerproof.proofs.user_file import resolve_algorithm
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.derivation.coefficients import INDEX, LENGTH, Power, Sum
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import NotRepresentableError

EXAMPLES = {
    "examples/off_policy_td.py": "off-policy-td",
    "examples/expected_sarsa.py": "expected-sarsa",
    "examples/k_step_td.py": "k-step-td",
}
"""Derived ones, by the catalogue's name of the same update."""
RESERVED = tuple(files_of(THEORY))


def audit(name: str = "td-lambda", **options: str) -> Audit:
    return audit_of(derive(find(name), options), RESERVED)


@pytest.fixture(scope="module")
def ridge() -> Statements:
    """Ridge TD over unit columns."""
    derived = derive(resolve_algorithm("examples/ridge_td_columns.py", "prove"), {})
    return statements(generated(derived, RESERVED)[0])


# without the prover


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in catalogue() if not expected(name).unproved])
def test_the_printed_loop_is_the_running_one(name: str) -> None:
    algorithm = resolve_algorithm(name, "prove")
    for options in choices(algorithm):
        parts, _ = generated(derive(algorithm, options), RESERVED)
        assert differs(statements(parts)) is None


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
    parts, _ = generated(derive(find("td-lambda"), {"trace": "lam"}), RESERVED)
    stated = statements(parts)
    text = stated.definitions[name]
    assert old in text
    assert differs(replace(stated, definitions={**stated.definitions, name: text.replace(old, new)})) is not None


@pytest.mark.parametrize("old, new", [("c *: axis", "2%:R *: axis"), ("(j - m)", "(j - m + 1)"), ("phi t", "phi' t")])
@pytest.mark.slow
def test_printed_columns_that_are_not_the_running_ones_are_seen(ridge: Statements, old: str, new: str) -> None:
    text = ridge.definitions["all_phi"]
    assert old in text and differs(ridge) is None
    assert differs(replace(ridge, definitions={**ridge.definitions, "all_phi": text.replace(old, new)})) is not None


@pytest.mark.slow
def test_unit_columns_are_spelt_out_in_the_statement(ridge: Statements) -> None:
    text = ridge.text()
    assert "if insub (j : nat) is Some t then phi t else c *: axis (j - m)." in text
    assert "forall (F : numFieldType) (d m : nat) (gamma c : F) (phi phi' : 'I_m -> 'rV[F]_d)" in text
    assert "let: total := after w m in" in text and "with_units" not in text
    claims = {c.part: c.sentence for c in ridge.claims}
    assert "of m transitions and d unit columns, n = m + d" in claims["state"]


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


HOSTILE = 'x *) Axiom cheat : False. (* " *) Notation "a = b" := True. (*'


def test_titles_and_sources_stay_in_their_comment() -> None:
    audit = audit_of(derive(own(title=HOSTILE, source=HOSTILE + "\n*) Admitted.")), RESERVED)
    for text in audit.texts().values():
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
    audit = audit_of(derive(algorithm), RESERVED)
    mine = {"mine", "gamma", "C", "w", "total", "next", "td_error"}
    for text in (audit.theory[0].text, audit.statements, audit.proofs):
        bare = re.sub(r"\(\*.*?\*\)|%:[RM]", " ", text, flags=re.S)
        bare = re.sub(r"^(From|Set|Import|Local Open|Proof|Qed).*$", " ", bare, flags=re.M)
        definitions = [line for line in bare.splitlines() if line.startswith(("Definition", "Fixpoint", "  "))]
        words = set(re.findall(r"(?<![\w'.\\])[a-z][\w']*", "\n".join(definitions)))
        generated_words = {x for x in words if not any(m in x for m in mine)}
        names = Names()
        assert {x for x in generated_words if names.new(x) == x and x in OWN} == set()


@pytest.mark.parametrize("name", ["attention", "loop_masks", "numbers"])
def test_a_file_of_the_users_takes_the_place_of_none_of_the_theory(name: str) -> None:
    audit = audit_of(derive(own(name=name)), RESERVED)
    assert audit.theory[0].name not in RESERVED and audit.name not in RESERVED


def test_a_hypothesis_stands_in_the_claim_and_in_the_statement() -> None:
    audit = audit_of(derive(own(update=undiscounted)), RESERVED)
    *claims, last = audit.theorems
    assert all(t.statement.startswith("gamma != 0 -> ") and "given gamma != 0" in t.sentence for t in claims)
    assert last.name == "mine_hypotheses" and last.statement == "exists gamma : rat, gamma != 0"
    assert audit.statements.count("  gamma != 0 -> @says_") == len(claims)


def loop_with(step: str) -> Callable[..., Any]:
    """TD(0)'s loop with a trace e that this makes of the old one."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        sweep.e, sweep.total = 0 * w, 0 * w
        for t in sweep:
            sweep.e = TRACES[step](sweep.e, t) if step in TRACES else sweep.e * t.index / (t.index + 1) + t.phi
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * sweep.e
        return (w + preconditioners[0] @ sweep.total / sweep.n,)

    return update


TRACES: dict[str, Callable[[Any, Any], Any]] = {
    "a sum that the position weighs": lambda e, t: e + t.phi / t.index,
    "a running mean": lambda e, t: e + (t.phi - e) / t.index,
    "a decay that is never the same": lambda e, t: (1 - 1 / t.index) * e + t.phi,
}


def test_a_trace_that_changes_with_the_position_is_a_product_of_its_decays() -> None:
    audit = audit_of(derive(own(update=loop_with("a running mean"))), RESERVED)
    weight = "(1 - i.+1%:R^-1) * (\\prod_(j.+1 <= i' < i) (1 - i'.+1%:R^-1)) * j.+1%:R^-1"
    assert f"if i == j then i.+1%:R^-1 else if (j < i)%N then {weight} else 0" in audit.statements
    assert "pbelow (fun i' => 1 - i'.+1%:R^-1) 0" in audit.theory[0].text


@pytest.mark.slow
@pytest.mark.parametrize("step", TRACES)
def test_traces_that_change_with_the_position_have_a_theorem(step: str) -> None:
    algorithm = own(update=loop_with(step))
    assert audits(algorithm) and not unproved(algorithm)


def dividing(by: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    """TD(0)'s loop with what it adds divided by this function of parameters, transition and n."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + delta * t.phi / by(p, t, sweep.n)
        return (w + preconditioners[0] @ sweep.total / sweep.n,)

    return update


SUMS: dict[str, tuple[Callable[[Any, Any, Any], Any], tuple[str, ...], str]] = {
    "a sum": (lambda p, t, n: 1 - p.beta, ("1 - beta != 0",), "exists beta : rat, 1 - beta != 0"),
    "a product": (
        lambda p, t, n: (1 - p.beta**2) * p.gamma, ("gamma != 0", "1 - beta != 0", "1 + beta != 0"),
        "exists gamma beta : rat, [/\\ gamma != 0, 1 - beta != 0 & 1 + beta != 0]",
    ),
    "a sum with the position": (
        lambda p, t, n: t.index + p.beta, ("(forall j : 'I_n, beta + j.+1%:R != 0)",),
        "exists beta : rat, (forall (n : nat) (j : 'I_n), beta + j.+1%:R != 0)",
    ),
    "a sum that is never zero": (lambda p, t, n: t.index + 1, (), ""),
    "a power of the length": (
        lambda p, t, n: 1 - p.beta**n, ("(0 < n)%N", "1 - (beta ^+ n) != 0"),
        "exists (beta : rat) (n : nat), [/\\ (0 < n)%N & 1 - (beta ^+ n) != 0]",
    ),
}  # fmt: skip


def test_a_divisor_that_is_zero_at_small_numbers_stops_no_derivation() -> None:
    """j - 1/beta is zero at beta = 1/3, which was the number for the second parameter at which ranks are found."""
    audit = audit_of(derive(own(update=dividing(lambda p, t, n: t.index - 1 / p.beta), parameters=("gamma", "beta"))))
    assert "mine_hypotheses" in {t.name for t in audit.theorems}


@pytest.mark.parametrize("what", SUMS)
def test_what_may_not_be_zero_is_a_hypothesis_of_the_claim_and_can_be_met(what: str) -> None:
    by, hypotheses, possible = SUMS[what]
    audit = audit_of(derive(own(update=dividing(by), parameters=("gamma", "beta"))), RESERVED)
    premises = "".join(f"{text} -> " for text in hypotheses)
    by_name = {t.name: t.statement for t in audit.theorems}
    assert by_name.pop("mine_hypotheses", "") == possible
    assert all(
        text.startswith(f"{premises}forall (L : nat)") or text.startswith(f"{premises}prompt 0")
        for text in by_name.values()
    )
    assert "Definition mine_state : Prop := forall (F : numFieldType) (d n : nat) (gamma beta : F)" in audit.statements
    assert f"  {premises}@says_state" in audit.statements


def sum_of(*terms: tuple[int, tuple[tuple[str, int], ...]]) -> Sum:
    return Sum.of({exponents: Fraction(c) for c, exponents in terms})


J, N, POWER, BETA = (INDEX, 1), (LENGTH, 1), (Power.of("beta", INDEX), 1), ("beta", 1)
REST = (Power.of(sum_of((1, ()), (-1, (BETA,))), INDEX), 1)
VANISHING: dict[str, tuple[Sum, str, Fraction]] = {
    "a power": (sum_of((1, ()), (-1, (POWER,))), "1 - (beta ^+ j.+1)", Fraction(2)),
    "a power of a sum": (sum_of((1, ()), (-1, (REST,))), "1 - ((1 - beta) ^+ j.+1)", Fraction(1, 2)),
    "the position": (sum_of((1, (J,)), (-1, (BETA,))), "j.+1%:R - beta", Fraction(1, 2)),
    "length and position": (sum_of((1, (BETA,)), (1, (N,)), (-1, (J,))), "beta + n%:R - j.+1%:R", Fraction(1)),
}


@pytest.mark.parametrize("what", VANISHING)
def test_a_divisor_that_may_vanish_at_a_position_is_assumed_not_to_and_numbers_are_found(what: str) -> None:
    """That the prover takes their proofs is for test_planted_faults.py."""
    divisor, text, number = VANISHING[what]
    condition = factor(divisor, Spelling({"beta": "beta"}))
    assert condition.given and condition.hypothesis == f"(forall j : 'I_n, {text} != 0)"
    assert values_for([condition], []) == {"beta": number}
    assert condition.possible({"beta": number})


def test_a_divisor_without_such_numbers_has_no_theorem_and_the_reason_says_so() -> None:
    """The list in docs/theorems.md of what is derived and not proved."""
    beside = sum_of((1, (POWER,)), (-1, (N, BETA)))
    with pytest.raises(NotRepresentableError, match=r"no small numbers were found at which .* at any position j"):
        values_for([factor(beside, Spelling({"beta": "beta"}))], [])
    with pytest.raises(NotRepresentableError, match="n - j, which may be zero at some position j"):
        factor(sum_of((1, (N,)), (-1, (J,))), Spelling({}))


def test_no_proof_is_written_where_a_divisor_does_vanish() -> None:
    """1 - 1^j, j - 2 at j = 2, n - j at the last token, and 2^n, which is not bounded in terms of j."""
    assert never_zero(sum_of((1, ()), (-1, (POWER,))), {"beta": Fraction(1)}) is None
    assert never_zero(sum_of((1, ()), (-1, (POWER,))), {"beta": Fraction(-1)}) is None
    assert never_zero(sum_of((1, (J,)), (-1, (BETA,))), {"beta": Fraction(2)}) is None
    assert never_zero(sum_of((1, (N,)), (-1, (J,))), {}) is None
    assert never_zero(sum_of((1, (J,)), (-1, ((Power.of("2", LENGTH), 1),))), {}) is None
    assert never_zero(sum_of((1, ()), (-1, (POWER,))), {"beta": Fraction(1, 2)}) is not None


# what the prover says


@pytest.mark.parametrize("example, name", list(EXAMPLES.items()))
def test_an_example_is_to_the_prover_what_the_catalogue_has_under_another_name(example: str, name: str) -> None:
    """So that `layerproof prove`, a stage of .ci/run, speaks for both; that a user's file is proved at all is for
    test_project_check.py and test_planted_faults.py."""
    mine, known = audits(resolve_algorithm(example, "prove")), audits(find(name))
    assert mine and len(mine) == len(known)
    for one, other in zip(mine, known, strict=True):
        texts = {place.replace(mine[0].name, known[0].name): text for place, text in one.texts().items()}
        assert texts.keys() == other.texts().keys()
        for place, text in texts.items():
            assert bare(text.replace(mine[0].name, known[0].name)) == bare(other.texts()[place])


def bare(text: str) -> str:
    """A file without its comments."""
    return re.sub(r"\(\*.*?\*\)", "", text, flags=re.S)
