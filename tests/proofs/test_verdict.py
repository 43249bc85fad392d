"""Claims and results: what counts as success, and the form of the JSON that every command writes."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from fractions import Fraction
from itertools import product

import pytest
from cli import run_cli

from layerproof.proofs.verdict import SCHEMA, Claim, Result, Verdict, number_text, witness_json
from layerproof.symbolic.arithmetics.prime_field import element
from layerproof.symbolic.arithmetics.rational import Rational
from layerproof.symbolic.identity.exact import Mismatch
from layerproof.symbolic.identity.witness import Witness
from layerproof.symbolic.prompt import Context
from layerproof.symbolic.strict_json import loads

CLAIM_KEYS = {"algorithm", "claim", "evidence", "verdict", "asked"}


def claim(verdict: Verdict = Verdict.HOLDS, asked: bool = True, **more: object) -> Claim:
    return Claim("td0", "a statement", "derived", verdict, "a strength", "a reason", asked=asked, **more)  # type: ignore[arg-type]


def result(*claims: Claim) -> Result:
    return Result("verify", {"seed": 0}, claims)


# exit codes


@pytest.mark.parametrize(
    ("verdict", "code"),
    [(Verdict.HOLDS, 0), (Verdict.REFUTED, 1), (Verdict.UNDECIDED, 3), (Verdict.NOT_RUN, 3)],
)
def test_one_claim_that_was_asked_for_decides_the_exit_code(verdict: Verdict, code: int) -> None:
    assert result(claim(verdict)).exit_code == code
    assert result(claim(verdict)).holds is (code == 0)


def test_the_exit_code_of_several_claims_is_the_worst_and_a_refutation_is_never_hidden_by_an_open_question() -> None:
    for verdicts in product(Verdict, repeat=3):
        code = result(*(claim(v) for v in verdicts)).exit_code
        if Verdict.REFUTED in verdicts:
            assert code == 1
        else:
            assert code == (0 if set(verdicts) == {Verdict.HOLDS} else 3)


@pytest.mark.parametrize("verdict", Verdict)
def test_what_was_not_asked_for_never_counts(verdict: Verdict) -> None:
    aside = claim(verdict, asked=False)
    for own in Verdict:
        assert result(claim(own), aside).exit_code == result(claim(own)).exit_code


@pytest.mark.parametrize("verdict", Verdict)
def test_nothing_asked_for_is_not_success(verdict: Verdict) -> None:
    assert result().exit_code == 3 and not result().holds
    assert result(claim(verdict, asked=False)).exit_code == 3


def test_claims_and_results_cannot_be_edited() -> None:
    with pytest.raises(FrozenInstanceError):
        claim(Verdict.REFUTED).verdict = Verdict.HOLDS  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        result(claim(Verdict.REFUTED)).claims = ()  # type: ignore[misc]


# JSON


def test_a_result_has_command_schema_and_claims_at_its_top_level() -> None:
    document = result(claim()).document()
    assert {"command", "schema", "claims"} <= set(document)
    assert document["command"] == "verify" and document["schema"] == SCHEMA
    assert document["claims"] == [claim().to_json()]


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("asked", [True, False])
def test_every_claim_has_the_five_keys_and_their_values(verdict: Verdict, asked: bool) -> None:
    document = claim(verdict, asked).to_json()
    assert set(document) >= CLAIM_KEYS
    assert {k: document[k] for k in CLAIM_KEYS} == {
        "algorithm": "td0",
        "claim": "a statement",
        "evidence": "derived",
        "verdict": verdict.name,
        "asked": asked,
    }


def test_witness_bound_and_error_are_there_only_where_they_exist() -> None:
    optional = {"witness": {"layer": 1}, "bound": 0.5, "error": 0.25}
    assert not set(optional) & set(claim().to_json())
    for key, value in optional.items():
        document = claim(**{key: value}).to_json()
        assert set(optional) & set(document) == {key}
        assert document[key] == value


@pytest.mark.parametrize("key", ["bound", "error"])
def test_a_bound_or_error_of_zero_exists(key: str) -> None:
    assert claim(**{key: 0.0}).to_json()[key] == 0.0


def test_the_same_result_gives_the_same_bytes_whatever_the_order_of_its_keys() -> None:
    forward = claim(details={"a": 1, "b": 2}, witness={"row": "w", "layer": 1})
    backward = claim(details={"b": 2, "a": 1}, witness={"layer": 1, "row": "w"})
    text = result(forward).to_json()
    assert text == result(forward).to_json() == result(backward).to_json()
    assert text == json.dumps(loads(text), sort_keys=True, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("key", ["bound", "error"])
def test_a_number_that_is_not_finite_is_null_in_json(key: str, value: float) -> None:
    text = result(claim(**{key: value})).to_json()
    assert loads(text)["claims"][0][key] is None and json.loads(text, parse_constant=lambda _: pytest.fail("no JSON"))


def test_the_command_line_writes_that_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ("verify", "td0", "-d", "2", "-n", "2", "-L", "1", "--evidence", "derived", "--json"),
        ("derive", "td0", "--format", "json"),
        ("list", "--json"),
    ):
        document = run_cli(capsys, *arguments).document
        assert document["command"] == arguments[0] and document["schema"] == SCHEMA
        assert isinstance(document["claims"], list)
        for one in document["claims"]:
            assert set(one) >= CLAIM_KEYS
            assert one["verdict"] in {v.value for v in Verdict} and isinstance(one["asked"], bool)


# numbers and counterexamples as plain data


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(-6, 14), "-3/7"),
        (4, "4"),
        (Rational.of(Fraction(10, -4)), "-5/2"),
        (element(5), "5"),
    ],
)
def test_exact_values_are_written_in_lowest_terms(value: object, text: str) -> None:
    assert number_text(value) == text


def test_a_counterexample_is_written_as_a_prompt_file_and_the_place_with_both_values() -> None:
    context = Context.of([["1/2", 0]], [[0, "-2/3"]], [1], [0, 1])
    place = Mismatch(2, "td_error", 1, "the query", Rational.of(Fraction(1, 3)), Rational.of(Fraction(0)))
    assert witness_json(Witness(context, ([Fraction(1), Fraction(0)], Fraction(1, 4)), place)) == {
        "prompt": {
            "features": [["1/2", "0"]],
            "next_features": [["0", "-2/3"]],
            "rewards": ["1"],
            "query": ["0", "1"],
        },
        "starting_weights": [["1", "0"], "1/4"],
        "layer": 2,
        "row": "td_error",
        "column": "the query",
        "layer_value": "1/3",
        "iterate_value": "0",
    }
