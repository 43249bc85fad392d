"""`identify`: the right answer about weights that are an algorithm's, nearly one's, or none's, and refusals."""

from __future__ import annotations

import json
import os
import runpy
import struct
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli import assert_refused, run_cli
from expected import expected
from helpers import PARAMETERS, sizes_for
from safetensors.numpy import load_file, save_file

import layerproof as lp
from layerproof.numeric.files.weights_file import description
from layerproof.numeric.recognition.function import quantile_bound
from layerproof.proofs.cli import run
from layerproof.proofs.identify.decompile import _exact, _same
from layerproof.proofs.identify.words import number
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.construction import construct
from layerproof.symbolic.errors import ArgumentError, ContentError, WorkLimitError
from layerproof.symbolic.exact import decimal_text

D, N = 2, 5
Arrays = dict[str, np.ndarray]


def asked(weights: Any, **more: Any) -> lp.Identification:
    return lp.identify(weights, **{"function": False, "layout": "td", **more})


def arrays(name: str, layers: int = 3, **more: Any) -> Arrays:
    """Weights of an algorithm as plain arrays; every entry is a dyadic number, so that nothing is rounded."""
    construction = lp.construct(name, d=D, n=N, layers=layers, seed=1, **more)
    return {
        f"layers.{k}.heads.{h}.{letter}": np.array(
            [[float(x) for x in row] for row in getattr(head, letter).fractions()]
        )
        for k, heads in enumerate(construction.layers)
        for h, head in enumerate(heads)
        for letter in ("W", "P", "Q", "M")
    }


def of(given: Arrays, letter: str) -> list[str]:
    return [name for name in given if name.endswith(letter)]


@pytest.mark.parametrize("name", lp.algorithms())
def test_every_algorithm_is_recognised_exactly_with_its_parameters_and_in_every_gauge(name: str) -> None:
    known = {k: PARAMETERS[k] for k in find(name).parameters}
    n, layers = (sizes_for(find(name), D, N, 3)[letter] for letter in "nL")
    steps = lp.construct(name, d=D, n=n, layers=layers, seed=1).steps
    construction = construct(lp.derive(name), D, n, layers, steps, known)
    rescaled = replace(construction, layers=tuple(map(in_another_gauge, construction.layers)))
    for given in (construction, rescaled):
        answer = asked(given, layout=name)
        document = answer.networks[0].document()
        if same := expected(name).same_weights:
            assert (document["same"], answer.match) == ([*same, name], "indistinguishable")
        else:
            assert (answer.algorithm, answer.match) == (name, "exact")
        assert answer.networks[0].distance == 0
        assert document["by_layer"] is None and not document["layer_dependent"]
        rule, kind = document["rule"], expected(name).rule
        assert (rule["kind"], rule["of"]) == (kind, "every row" if kind == "update" else None)
        best = document["catalogue"][0]
        told = {"lam": best["trace_decay"], **best["parameters"]}
        wanted = {**known, "lam": expected(name).trace_decay(known)} if "lam" in known else known
        assert {k: Fraction(told[k]) for k in known if told.get(k)} == {
            k: x for k, x in wanted.items() if k != "gamma" or "gamma" in told
        }


def in_another_gauge(heads: Sequence[lp.Head]) -> tuple[lp.Head, ...]:
    """A layer with scales between W, P and Q, its heads in another order and the first one split in two."""
    a, b = Fraction(3, 7), Fraction(-5, 2)
    scaled = [lp.Head(h.W * b, h.P * a, h.Q * (1 / (a * b)), h.M) for h in heads]
    first = scaled[0]
    halves = [lp.Head(first.W, first.P, first.Q * x, first.M) for x in (Fraction(1, 3), Fraction(2, 3))]
    return tuple(reversed([*halves, *scaled[1:]]))


def layered(name: str, layers: Sequence[lp.Construction]) -> lp.Construction:
    """The first construction's sizes with layer k of the k-th."""
    return replace(layers[0], algorithm=name, layers=tuple(c.layers[k] for k, c in enumerate(layers)))


def test_layers_of_several_algorithms_are_told_one_by_one() -> None:
    made = {name: lp.construct(name, d=D, n=N, layers=4, seed=1) for name in ("td0", "residual-gradient", "online-td")}
    order = ("td0", "residual-gradient", "online-td", "td0")
    (x,) = asked(layered("mixed", [made[name] for name in order])).networks
    document = x.document()
    assert (x.match, document["layer_dependent"]) == ("none", True)
    told = [[one["algorithm"] for one in layer["algorithms"]] for layer in document["by_layer"]]
    assert told == [
        ["td0"],
        ["residual-gradient"],
        ["online-td"],
        ["td0", "least-squares"],
    ]  # the last one shows w alone
    assert "layer by layer it is 1: td0, 2: residual-gradient, 3: online-td, 4: td0 or least-squares" in x.verdict()
    wrong = arrays("td0", 4)
    wrong["layers.1.heads.0.Q"][0, 0] *= 2  # one layer is no algorithm's: nothing is said of the whole
    document = asked(wrong).networks[0].document()
    assert document["by_layer"][1]["algorithms"] == [] and not document["layer_dependent"]
    assert "layer by layer it is 1: td0, 2: none of these, 3: td0" in document["verdict"]


def test_a_discount_of_its_own_in_every_layer_is_told() -> None:
    given = arrays("td0", 3)
    for k, kappa in enumerate((0.75, 0.5, 0.25)):
        given[f"layers.{k}.heads.0.Q"][:D, D : 2 * D] *= kappa
    document = asked(given).networks[0].document()
    assert document["match"] == "none"
    told = [layer["algorithms"][0]["discount_factor"] for layer in document["by_layer"]]
    assert told == ["3/4", "1/2", None]  # the last layer does not show it


@pytest.mark.parametrize(
    ("name", "entries", "table"),
    [("nesterov-td", ("0", "1/4", "1/2", "1/2"), "(l - 1) / (l + 2)"),
     ("target-network-td", ("0", "0", "1", "0"), "0, 1, and so on")],
)  # fmt: skip
def test_another_table_is_told_and_is_not_the_algorithm(name: str, entries: Sequence[str], table: str) -> None:
    steps = [(C, Fraction(x)) for (C, _), x in zip(lp.construct(name, d=D, n=N, layers=4).steps, entries, strict=True)]
    (x,) = asked(construct(lp.derive(name), D, N, 4, steps, {"gamma": Fraction(1, 2)}), layout=name).networks
    assert x.match != "exact" and x.recognition.layer_dependent
    assert f"every layer is {name}'s exactly, with another table: " in x.verdict()
    assert f"{', '.join(entries)} where the table has {table}" in x.verdict()
    looped = construct(lp.derive(name), D, N, 4, steps[1:2], {"gamma": Fraction(1, 2)}, looped=True)
    (x,) = asked(looped, layout=name).networks
    assert x.match != "exact" and f"is {entries[1]} where the table has" in x.verdict()


def test_tokens_that_are_read_in_another_order_are_not_online_td() -> None:
    given = lp.construct("online-td", d=D, n=N, layers=4)
    document = asked(replace(given, layers=given.layers[::-1])).networks[0].document()
    assert document["match"] == "none" and not any(layer["algorithms"] for layer in document["by_layer"])
    once = construct(lp.derive("online-td"), D, N, 2, given.steps[:1], {"gamma": Fraction(1, 2)}, looped=True)
    assert asked(once).match == "none"  # the first token again and again


def test_dynamic_programming_has_as_many_transitions_as_states() -> None:
    steps = lp.construct("td0", d=D, n=N, layers=2).steps
    assert len(steps[0][0]) == D
    times_n = [([[N * int(i == j) for j in range(D)] for i in range(D)],)] * 2
    answer = asked(construct(lp.derive("td0"), D, N, 2, times_n, {"gamma": Fraction(1, 2)}))
    assert (answer.algorithm, answer.match) == ("td0", "exact")


@pytest.mark.parametrize("name", ["heavy-ball-td", "weight-decay-td", "gtd"])
def test_a_wrong_head_over_the_constant_row_is_not_exact(name: str) -> None:
    construction = lp.construct(name, d=D, n=N, layers=3, seed=1)
    last = construction.layers[1][-1]  # derived heads over a constant row stand last
    wrong = lp.Head(last.W, last.P, last.Q * Fraction(-1), last.M)
    layers = (construction.layers[0], (*construction.layers[1][:-1], wrong), construction.layers[2])
    assert asked(replace(construction, layers=layers), layout=name).match != "exact"


def test_a_mask_that_holds_the_discount_tells_it_and_a_discount_that_is_told_must_agree() -> None:
    given = lp.construct("k-step-td", d=D, n=N, layers=3, gamma="4/5")
    (x,) = asked(given, function=True, trials=2).networks
    assert (x.algorithm, x.match, x.gamma) == ("k-step-td", "exact", Fraction(4, 5))
    assert x.function is not None and x.function["distances_exact"]
    assert any("gamma = 4/5, and for no others" in note for note in x.notes)
    assert asked(given, gamma=Fraction(4, 5)).match == "exact"
    other = asked(given, gamma=Fraction(9, 10))
    assert other.match != "exact" and other.networks[0].distance > 0
    wrong = lp.construct("td0", d=D, n=N, layers=3)
    masks = [[Fraction(int(i == j)) + Fraction(1, 2) * (i == j + 1) for j in range(N + 1)] for i in range(N + 1)]
    masks[N][N - 1] = masks[N][N] = Fraction(0)
    heads = tuple(tuple(lp.Head(h.W, h.P, h.Q, RationalMatrix.of(masks)) for h in layer) for layer in wrong.layers)
    assert asked(replace(wrong, layers=heads), layout="td").match != "exact"  # two steps, and not three


@pytest.mark.slow
@pytest.mark.parametrize(("letter", "exponent"), [("M", 200), ("Q", -390)])
@pytest.mark.filterwarnings("error")
def test_weights_and_discounts_beyond_the_range_of_floats_are_answered(
    letter: str, exponent: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The nearest rule is searched for in floats, for kappa up to 1/gamma, and is measured exactly."""
    given = lp.construct("td0", d=1, n=2, layers=1)
    (head,) = given.layers[0]
    moved = replace(head, **{letter: getattr(head, letter) * Fraction(10) ** exponent})
    path = tmp_path / "weights.json"
    lp.write_weights(replace(given, layers=((moved,),)), path)
    before = np.seterr(all="raise")
    try:
        assert run(["identify", str(path), "--gamma", "1e-350"]) == 0
    finally:
        np.seterr(**before)
    assert "inf" not in capsys.readouterr().out.replace("infinit", "")


def test_numbers_too_long_for_python_to_write_are_shown_and_decompiled() -> None:
    long = Fraction(7**6000, 3)
    assert number(long, 3) == decimal_text(long, 3)
    assert eval(_exact(long), {"Fraction": Fraction}) == long and eval(_exact(Fraction(7**6000))) == 7**6000


def test_metadata_decides_nothing(tmp_path: Path) -> None:
    other = description(lp.construct("residual-gradient", d=D, n=N, layers=2))
    save_file(arrays("td0", 2), tmp_path / "a.safetensors", {"layerproof": json.dumps(other)})
    assert asked(tmp_path / "a.safetensors").algorithm == "td0"


def test_at_one_layer_td_and_least_squares_are_one_function_and_residual_gradient_is_another() -> None:
    td = asked(lp.construct("td0", d=D, n=N, layers=1))
    assert td.match == "indistinguishable"
    assert td.networks[0].recognition.same == ("td0", "least-squares")
    assert asked(arrays("residual-gradient", 1)).algorithm == "residual-gradient"
    assert asked(arrays("residual-gradient", 1)).match == "exact"


def test_a_negated_block_is_no_td() -> None:
    given = arrays("td0")
    for name in of(given, "Q"):
        given[name][:D, D : 2 * D] *= -1
    answer = asked(given)
    assert (answer.algorithm, answer.match) == (None, "none")
    assert "none of these" in answer.networks[0].verdict()


def test_a_factor_in_the_discount_is_td_with_that_discount() -> None:
    given = arrays("td0")
    for name in of(given, "Q"):
        given[name][:D, D : 2 * D] *= 0.75
    answer = asked(given)
    assert (answer.algorithm, answer.match) == ("td0", "exact")
    assert answer.networks[0].document()["catalogue"][0]["discount_factor"] == "3/4"
    assert "3/4 gamma" in answer.networks[0].verdict()
    assert any("3/4 of td0 and 1/4 of least-squares with the same C" in note for note in answer.networks[0].notes)
    assert any("3/4 gamma w.phi'_j" in line for line in answer.networks[0].update())


def test_gamma_folded_wrong_into_residual_gradient_is_none() -> None:
    given = arrays("residual-gradient")
    for name in of(given, "Q"):
        given[name][D : 2 * D] *= 0.5  # the last factor is phi - (gamma/2) phi', the error is as it was
    answer = asked(given)
    assert (answer.algorithm, answer.match) == (None, "none")
    assert any("(phi_j - 1/2 gamma phi'_j)" in line for line in answer.networks[0].update())


def test_a_random_network_is_none_and_no_rule_is_claimed() -> None:
    rng = np.random.default_rng(0)
    given = {"P": rng.normal(size=(3, 5, 5)), "Q": rng.normal(size=(3, 5, 5))}
    answer = asked(given)
    assert (answer.algorithm, answer.match) == (None, "none")
    assert "polynomial map" in answer.networks[0].update()[0]
    assert answer.networks[0].document()["rule"]["kind"] == "polynomial map"


def test_half_td_half_least_squares_is_never_called_td() -> None:
    td, other = arrays("td0", 4), arrays("td0", 4)
    for name in of(other, "Q"):
        other[name][:D, D : 2 * D] = 0
    by_layer = {name: (td if int(name.split(".")[1]) % 2 else other)[name] for name in td}
    two_steps = dict(td)  # half a step of each, with preconditioners of their own
    names = of(td, "Q")
    for a, b in zip(names, names[1:] + names[:1], strict=True):
        two_steps[a] = td[a] / 2 + other[b] / 2
    for given in (by_layer, two_steps):
        answer = asked(given)
        assert (answer.algorithm, answer.match) == (None, "none")


def test_a_transposed_convention_is_named_with_the_flag_that_reads_it() -> None:
    given = arrays("td-lambda")
    for name in (*of(given, "Q"), *of(given, "P"), *of(given, "M")):
        given[name] = given[name].T
    answer = asked(given)
    assert answer.algorithm is None
    assert "--transposed P,Q,M" in answer.networks[0].verdict()
    again = asked(given, transposed="P,Q,M")
    assert (again.algorithm, again.match) == ("td-lambda", "exact")


def test_rescaled_copies_are_recognised_exactly() -> None:
    given = arrays("tdc")
    for k, name in enumerate(of(given, "P")):
        given[name] = given[name] * 2.0 ** (k + 1)
        given[name.replace(".P", ".Q")] = given[name.replace(".P", ".Q")] * 2.0 ** -(k + 1)
    answer = asked(given, layout="gradient-td")
    assert (answer.algorithm, answer.match) == ("tdc", "exact")


def test_heads_permuted_or_split_in_two_are_the_same_network() -> None:
    given = arrays("gtd2")
    swapped = {
        name.replace("heads.0", "heads.x").replace("heads.1", "heads.0").replace("heads.x", "heads.1"): x
        for name, x in given.items()
    }
    split = dict(given)
    for layer in range(3):
        for letter in "WPQM":
            split[f"layers.{layer}.heads.2.{letter}"] = given[f"layers.{layer}.heads.0.{letter}"]
        for h, share in ((0, 0.25), (2, 0.75)):
            split[f"layers.{layer}.heads.{h}.Q"] = given[f"layers.{layer}.heads.0.Q"] * share
    for answer in (asked(swapped, layout="gradient-td"), asked(split, layout="gradient-td")):
        assert (answer.algorithm, answer.match) == ("gtd2", "exact")


def test_a_last_layer_with_random_free_entries_is_the_same_function() -> None:
    given, rng = arrays("td0"), np.random.default_rng(0)
    given["layers.2.heads.0.W"] = np.eye(2 * D + 1)
    given["layers.2.heads.0.P"][:-1] = rng.normal(size=(2 * D, 2 * D + 1))
    given["layers.2.heads.0.Q"][:, D : 2 * D] = rng.normal(size=(2 * D + 1, D))
    answer = asked(given)
    assert (answer.algorithm, answer.match) == ("td0", "exact")
    assert answer.networks[0].document()["rule"]["of"] == "the prediction"


def test_a_shear_of_two_layers_is_taken_back_where_it_is_one() -> None:
    given, rng = arrays("td0", 2), np.random.default_rng(0)
    s = rng.integers(1, 5, D) / 4
    given["layers.0.heads.0.W"] = np.eye(2 * D + 1)
    P, Q = given["layers.0.heads.0.P"], given["layers.1.heads.0.Q"]
    P[D : 2 * D, 2 * D] = s * P[2 * D, 2 * D]
    Q[:, D : 2 * D] = rng.integers(-4, 5, (2 * D + 1, D)) / 4
    assert asked(given).match == "none"  # the second layer does not take it back
    Q[:, 2 * D] = -Q[:, D : 2 * D] @ s
    Q[D : 2 * D] = 0  # no key reads what the first layer wrote
    (x,) = asked(given, function=True, trials=2).networks
    assert (x.algorithm, x.match) == ("td0", "exact")
    assert x.document()["rule"]["of"] == "the prediction" and any("a shear" in note for note in x.notes)
    assert x.function is not None and x.function["distances_exact"] and x.function["layers"][0]["feature_change"] > 0
    Q[D, 0] = 1  # and now one does
    assert asked(given).match == "none"


def test_an_update_that_no_list_has_is_read_off() -> None:
    given = arrays("td0")
    for k, name in enumerate(of(given, "Q")):
        given[name][: 2 * D, : 2 * D] = np.random.default_rng(k).integers(-4, 5, (2 * D, 2 * D)) / 4
    answer = asked(given)
    assert answer.algorithm is None
    assert answer.networks[0].document()["rule"]["exact"] is True
    assert answer.networks[0].update()[0].startswith("w += (1/n) sum_j [(R_j")


def test_what_is_nearly_td_is_called_so_with_its_distance() -> None:
    given, rng = arrays("td0"), np.random.default_rng(0)
    near = {k: x + 0.01 * rng.normal(size=x.shape) if k[-1] in "PQ" else x for k, x in given.items()}
    answer = asked(near)
    assert (answer.algorithm, answer.match) == ("td0", "approximate")
    assert 0 < answer.networks[0].distance < 0.2
    assert "an upper bound" in answer.networks[0].verdict()


# decompiling


@pytest.mark.slow
def test_a_rule_that_no_list_has_is_decompiled_and_then_proved(tmp_path: Path) -> None:
    P, Q = np.zeros((5, 5)), np.zeros((5, 5))
    P[4, 4], Q[:4, :4] = 1, np.random.default_rng(0).integers(1, 5, (4, 4)) / 8
    answer = asked({"P": P, "Q": Q}, layers=2, rule=tmp_path / "rule.py")
    assert "with its MATRICES, are this network's" in answer.written
    assert lp.verify(str(tmp_path / "rule.py"), d=2, n=3, layers=2, evidence=["derived", "identity-symbolic"]).holds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("gtd", "v += (1/n) sum_j (R_j + gamma w.phi'_j - w.phi_j) D phi_j + a v"),
        ("k-step-td", "w += (1/n) sum_j (R_j + gamma w.phi'_j - w.phi_j) C (phi_j + 1/2 phi_{j-1} + 1/4 phi_{j-2})"),
        ("emphatic-td", "w += (1/n) sum_j (R_j + gamma w.phi'_j - w.phi_j) C rho_j F_j phi_j"),
        ("online-td-lambda", "w += (1/n) sum_{j = l} (R_j + gamma w.phi'_j - w.phi_j) C e_j"),
        ("nesterov-td", "v += (1/n) sum_j (R_j + gamma w.phi'_j - w.phi_j + gamma v.phi'_j - v.phi_j) D phi_j + a v"),
    ],
    ids=["gtd", "k-step-td", "emphatic-td", "online-td-lambda", "nesterov-td"],
)
def test_the_rules_of_other_heads_masks_and_rows_are_decompiled_and_proved(
    name: str, line: str, tmp_path: Path
) -> None:
    path = tmp_path / "rule.py"
    answer = asked(lp.construct(name, d=D, n=N, layers=2, gamma="1/2", seed=1), layout=name, rule=path)
    assert line in answer.networks[0].update()
    assert lp.verify(str(path), d=2, n=3, layers=2, evidence=["derived", "identity-symbolic"]).holds
    text = path.read_text()
    lines = [x for x in text.splitlines() if "sweep.n" in x]  # of the new weights; a sign there is another rule
    wrong = text.replace(lines[0], lines[0].replace(" + C @", " - C @"))
    assert wrong != text
    (tmp_path / "other.py").write_text(wrong)
    assert not _same(tmp_path / "other.py", answer.networks[0].recognition.network, answer.rule)


@pytest.mark.slow
def test_other_weights_become_a_polynomial_map(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    given = {"P": rng.integers(1, 5, (3, 3)) / 4, "Q": rng.integers(1, 5, (3, 3)) / 4}
    answer = asked(given, n=2, rule=tmp_path / "map.py")
    assert "the polynomial map" in answer.written
    assert lp.verify(str(tmp_path / "map.py"), d=1, n=2, layers=1, exact_trials=1).holds
    text = (tmp_path / "map.py").read_text()
    (tmp_path / "wrong.py").write_text(text.replace("(0, 0, '", "(0, 0, '1"))  # the heads are others than the terms
    assert text != (tmp_path / "wrong.py").read_text()
    assert lp.verify(str(tmp_path / "wrong.py"), d=1, n=2, layers=1, exact_trials=1).exit_code == 1


# the function


def test_the_function_of_exact_weights_is_the_algorithm_s_on_every_prompt() -> None:
    on_prompts = asked(arrays("td0", 2), trials=2, function=True).networks[0].function
    assert on_prompts is not None
    assert on_prompts["distances_exact"] is True
    assert [x["explained"] for x in on_prompts["layers"]] == [1.0, 1.0]
    assert on_prompts["worst_case"]["bound"] == 0
    assert on_prompts["quantile"]["verdict"] == "undecided"  # two prompts bound no quantile


def test_the_function_of_near_weights_has_a_distance_and_vacuous_bounds_are_undecided() -> None:
    given, rng = arrays("td0", 3), np.random.default_rng(0)
    near = {k: x + 0.02 * rng.normal(size=x.shape) if k[-1] in "PQ" else x for k, x in given.items() if k[-1] in "PQM"}
    on_prompts = asked(near, process="gaussian", trials=3, function=True).networks[0].function
    assert on_prompts is not None
    assert max(on_prompts["distances"]) > 0
    assert on_prompts["worst_case"]["verdict"] == "undecided"
    assert on_prompts["layers"][-1]["feature_change"] > 0


def test_the_function_on_prompts_of_one_s_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.savez(tmp_path / "half.npz", **{k: x * (0.5 if k[-1] == "Q" else 1) for k, x in arrays("td0", 1).items()})
    prompt = {
        "features": [[1, 0]] + [[0, 0]] * 4,
        "next_features": [[0, 1]] + [[0, 0]] * 4,
        "rewards": [10, 0, 0, 0, 0],
    }
    (tmp_path / "a.json").write_text(json.dumps({**prompt, "query": [1, 0]}))
    (tmp_path / "b.json").write_text(json.dumps({**prompt, "query": [0, 1]}))
    given = ("--prompts", str(tmp_path / "a.json"), "--prompts", str(tmp_path / "b.json"))
    ran = run_cli(capsys, "identify", str(tmp_path / "half.npz"), "--layout", "td", *given, "--json")
    on_prompts = ran.document["function"]
    C = ran.document["rule"]["matrices"]["C"][0]  # w = C phi_1 R_1 / 5, and the prediction w . q
    assert (on_prompts["law"], on_prompts["prompts"], on_prompts["quantile"]) == ("given prompts", 2, None)
    assert on_prompts["size"] == pytest.approx(2 * max(abs(float(Fraction(row[0]))) for row in C))
    (tmp_path / "c.json").write_text(json.dumps({"features": [[1]], "next_features": [[1]], "rewards": [1]}))
    ran = run_cli(
        capsys, "identify", str(tmp_path / "half.npz"), "--layout", "td", "--prompts", str(tmp_path / "c.json")
    )
    assert_refused(ran, 2, "prompts[0] has d = 1 and n = 1, wanted those of the weights: d = 2, n = 5")


def test_a_quantile_s_bound_holds_whatever_the_law_is() -> None:
    assert quantile_bound([float(k) for k in range(59)])["bound"] == 58
    assert quantile_bound([0.0] * 58)["verdict"] == "undecided"


# reading


def test_shapes_decide_the_prompt_and_what_they_leave_open_is_asked() -> None:
    given = arrays("gtd2")
    with pytest.raises(ArgumentError, match=r"layout is missing: 6 rows .* --layout gradient-td \(d = 2\)"):
        asked(given, layout=None)
    with pytest.raises(ArgumentError, match="another d"):
        asked(arrays("td0"), d=3, layout=None)
    assert asked(arrays("least-squares"), layout="least-squares").algorithm == "least-squares"
    with pytest.raises(ArgumentError, match=r"5 rows .* --layout td \(d = 2\) or --layout least-squares \(d = 4\)"):
        asked(arrays("td0"), layout=None)  # read as least squares' prompt, TD's weights are exactly that
    assert asked(arrays("td0"), layout="least-squares").algorithm == "least-squares"
    assert asked(arrays("td0"), d=2, layout=None).algorithm == "td0"


def test_rows_of_ones_own_are_named(tmp_path: Path) -> None:
    algorithm = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "averaging.py"))["ALGORITHM"]
    lp.write_weights(lp.construct(algorithm, d=2, n=3, layers=2), tmp_path / "weights.json")
    with pytest.raises(ArgumentError, match="of these weights are phi, gamma_phi_next, one, averaged_error, gap"):
        lp.identify(tmp_path / "weights.json", function=False)
    assert lp.identify(tmp_path / "weights.json", layout="td", function=False).match == "none"
    lp.write_weights(lp.construct(algorithm, d=2, n=3, layers=2), tmp_path / "w.safetensors")
    with pytest.raises(ArgumentError, match="of these weights are phi, gamma_phi_next, one, averaged_error, gap"):
        lp.identify(tmp_path / "w.safetensors", function=False)


def test_a_file_without_metadata_is_told_by_the_config_of_its_export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "export"
    words = ("gtd2", "-d", "2", "-n", "3", "-L", "2", "--npz", "--evidence", "derived", "-o", str(folder))
    assert run_cli(capsys, "export", *words).code == 0
    save_file(load_file(folder / "model.safetensors"), folder / "plain.safetensors")  # as other programs write it
    for name in ("plain.safetensors", "weights.npz"):
        answer = lp.identify(folder / name, function=False)
        assert (answer.match, answer.algorithm) == ("exact", "gtd2")
        assert any("config.json" in note for note in answer.networks[0].notes)
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((folder / "plain.safetensors").read_bytes())
    with pytest.raises(ArgumentError, match=r"wanted --layout .*; the config\.json of an export beside its file"):
        lp.identify(alone, function=False)
    (folder / "config.json").write_text("[1]")
    with pytest.raises(ArgumentError, match="layout is missing"):
        lp.identify(folder / "plain.safetensors", function=False)


def test_weights_of_a_file_of_ours_need_no_layout_and_the_answer_says_so(tmp_path: Path) -> None:
    construction = lp.construct("td0", d=D, n=N, layers=2)
    save_file(arrays("td0", 2), tmp_path / "a.safetensors", {"layerproof": json.dumps(description(construction))})
    answer = asked(tmp_path / "a.safetensors", layout=None)
    assert answer.match == "exact" and any("--layout" in note for note in answer.networks[0].notes)


def test_files_of_other_kinds_and_with_wrong_content_are_refused(tmp_path: Path) -> None:
    bad = arrays("td0")
    bad["layers.0.heads.0.Q"][1, 2] = np.nan
    save_file(bad, tmp_path / "nan.safetensors")
    with pytest.raises(ContentError, match=r"holds nan at \(1, 2\)"):
        asked(tmp_path / "nan.safetensors")
    (tmp_path / "a.pt").write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(ContentError, match="may be a pickle"):
        asked(tmp_path / "a.pt")
    (tmp_path / "long.safetensors").write_bytes(struct.pack("<Q", 2**32) + b"{}")
    with pytest.raises(ContentError, match="header has 4294967296 bytes"):
        asked(tmp_path / "long.safetensors")
    os.mkfifo(tmp_path / "pipe.safetensors")
    with pytest.raises(ContentError, match="is no regular file"):  # and it does not wait for a writer
        asked(tmp_path / "pipe.safetensors")
    with pytest.raises(ContentError, match="wanted matrices called P and Q"):
        asked({"a": np.zeros((5, 5))})


def test_what_is_too_large_is_refused_before_any_work_with_the_size_at_fault(tmp_path: Path) -> None:
    large, one = np.broadcast_to(np.float32(0), (10000, 10000)), np.eye(5)
    for given, more, message in (
        ({"P": large, "Q": large}, {}, r"P has the shape \(10000, 10000\): m = 10000 rows, above the limit of 512"),
        ({"P": one, "Q": large}, {}, "Q has the shape"),
        ({"P": one, "Q": one, "M": np.zeros((3000, 3000))}, {}, "n = 2999 transitions, above the limit of 1000"),
        ({"P": one, "Q": one}, {"n": 10**5}, "context is n = 100000, above the limit of 1000"),
        ({"P": one, "Q": one}, {"layers": 40, "function": True}, "layers is 40, .* leave the function out"),
        ({"P": np.ones((41, 41)), "Q": np.ones((41, 41))}, {}, r"m = 41 rows \(d = 20\) have 2825761 products"),
    ):
        with pytest.raises(WorkLimitError, match=message):
            asked(given, **more)
    with (tmp_path / "a.npz").open("wb") as file:
        file.truncate(2**29 + 1)  # no disk is used
    with pytest.raises(WorkLimitError, match=r"has 536870913 bytes, .* m = 512 rows at most"):
        asked(tmp_path / "a.npz")
    assert asked({"P": one, "Q": one}, layers=40).match == "none"  # the weights alone can be asked about


def test_a_module_and_npz_are_read_like_arrays(tmp_path: Path) -> None:
    construction = lp.construct("td0", d=D, n=N, layers=3)
    assert asked(lp.LinearTransformer.from_construction(construction), layout=None).match == "exact"
    np.savez(tmp_path / "a.npz", **arrays("td0"))
    assert asked(tmp_path / "a.npz").algorithm == "td0"
    listed = [{x: arrays("td0")[f"layers.{k}.heads.0.{x}"] for x in "PQ"} for k in range(3)]
    assert asked(listed).match == "exact"
    looped = asked({k: x for k, x in arrays("td0", 1).items()}, layers=3)
    assert (looped.algorithm, looped.match) == ("td0", "exact")


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "td.safetensors"
    save_file(arrays("td0"), path)
    ran = run_cli(capsys, "identify", str(path), "--layout", "td", "--weights-only", "--json")
    assert ran.code == 0
    assert (ran.document["algorithm"], ran.document["match"]) == ("td0", "exact")
    shown = run_cli(capsys, "identify", str(path), "--layout", "td", "--weights-only").out
    assert "w += (1/n) sum_j (R_j + gamma w.phi'_j - w.phi_j) C phi_j" in shown
    save_file({k: x for k, x in arrays("gtd2").items()}, tmp_path / "open.safetensors")
    refused = run_cli(capsys, "identify", str(tmp_path / "open.safetensors"), "--json")
    assert refused.code == 2
    assert "--layout" in json.loads(refused.out)["error"]["message"]


def test_a_discount_beyond_one_is_none() -> None:
    given = arrays("td0")
    for name in of(given, "Q"):
        given[name][:D, D : 2 * D] *= 1.5
    assert asked(given).algorithm is None
    assert asked(given, gamma=Fraction(1, 2)).algorithm == "td0"
