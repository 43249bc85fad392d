"""Copies: what `copy`, `pickle`, `torch.save` and weight averaging make of what the package hands out."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from exports import small, written
from helpers import Case, each_kind

import layerproof as lp
from layerproof.symbolic.arithmetics.rational import Rational, RationalMatrix, RationalVector
from layerproof.symbolic.construction import Construction
from layerproof.symbolic.pattern_algorithms import pattern_catalogue


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def saved(value: Any) -> Any:
    """Through torch.save; a whole module holds more than tensors, which torch.load must be told."""
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


WAYS = (copy.copy, copy.deepcopy, pickled)
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda f: f.__name__)


def same(one: Construction, other: Construction) -> bool:
    """Whether two constructions agree in every entry of every head and in all that belongs to them."""
    heads = zip((h for layer in one.layers for h in layer), (h for layer in other.layers for h in layer), strict=True)
    fields = ("algorithm", "options", "parameters", "layout", "depth", "looped", "steps", "readout")
    return all(getattr(x, k) == getattr(y, k) for x, y in heads for k in "WPQM") and all(
        getattr(one, name) == getattr(other, name) for name in fields
    )


@each_way
def test_exact_numbers_keep_every_digit(way: Callable[[Any], Any]) -> None:
    large = Fraction(-(3**400), 7**300)
    for value in (Rational.of(large), RationalVector.of([large, 0]), RationalMatrix.of([[large, 1, 0], [0, 2, large]])):
        made = way(value)
        assert type(made) is type(value) and made == value and (made.num, made.den) == (value.num, value.den)


@each_kind
@each_way
def test_a_construction_and_a_derivation_survive(case: Case, way: Callable[[Any], Any]) -> None:
    weights = lp.construct(case.name, d=2, n=3, layers=2, trace=dict(case.options).get("trace"))
    for _ in range(2):  # before and after its split has been looked at
        made = way(weights)
        assert same(made, weights) and lp.assert_implements(made, case.name).holds
        assert weights.row_heads() is not None
    first, second = (h for layer in made.layers for h in (layer[0],))
    assert (first.M is second.M) == (weights.layers[0][0].M is weights.layers[1][0].M)  # what is shared stays shared
    derivation = way(case.derivation)
    assert derivation is case.derivation or derivation.heads == case.derivation.heads
    assert way(case.algorithm) is case.algorithm


@pytest.mark.slow
def test_an_algorithm_of_ones_own_is_copied_as_itself_and_pickled_only_when_its_functions_can_be() -> None:
    own = replace(lp.derive("td0").algorithm, name="mine")
    assert copy.deepcopy(own) is own and copy.deepcopy(lp.derive(own)) is lp.derive(own)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(own)


@each_way
def test_an_answer_about_convergence_and_a_process_with_its_law_survive(way: Callable[[Any], Any]) -> None:
    answer = lp.converge("td0", d=1, n=3, layers=2)
    assert way(answer).to_json() == answer.to_json()
    process = lp.DecisionProcess.of("two", [[Fraction(1, 2)] * 2] * 2, [0, 1], [[1], [2]])
    assert process.chain.poisson([Fraction(0), Fraction(2)]) == way(process).chain.poisson([Fraction(0), Fraction(2)])


@each_way
def test_an_answer_about_weights_and_the_algorithms_beyond_linear_attention_survive(way: Callable[[Any], Any]) -> None:
    answer = lp.identify(lp.construct("td0", d=1, n=1, layers=1), function=False)
    assert way(answer).to_json() == answer.to_json()
    for algorithm in pattern_catalogue().values():
        assert way(algorithm) is algorithm


def test_a_derivation_that_was_changed_is_not_pickled_as_the_right_one() -> None:
    with pytest.raises(TypeError, match="is not what derive gives"):
        pickle.dumps(replace(lp.derive("td0"), heads=()))


@pytest.mark.parametrize("trainable", [False, True])
@pytest.mark.parametrize("way", [*WAYS, saved], ids=lambda f: f.__name__)
def test_a_module_survives_and_implements_its_algorithm(way: Callable[[Any], Any], trainable: bool) -> None:
    module = lp.LinearTransformer.from_construction(small(), torch.float32, trainable=trainable)
    made = way(module)
    assert lp.assert_implements(made, "td-lambda").holds and same(made.construction, module.construction)
    Z = torch.ones(3, 5, 5)
    assert torch.equal(made(Z), module(Z))


def test_an_average_of_a_module_runs_and_is_judged_like_any_other() -> None:
    module = lp.LinearTransformer.from_construction(small(), torch.float64, trainable=True)
    average = torch.optim.swa_utils.AveragedModel(module)
    average.update_parameters(module)
    average.update_parameters(module)
    assert lp.assert_implements(average.module, "td-lambda").holds
    with torch.no_grad():
        module.layers[1].heads[0].Q[0, 0] += 1
    average.update_parameters(module)
    with pytest.raises(AssertionError, match="layer 2 is the first"):
        lp.assert_implements(average.module, "td-lambda")


@each_way
def test_a_loaded_export_survives(way: Callable[[Any], Any], tmp_path: Path) -> None:
    opened = lp.load(written(tmp_path / "export", small()))
    for _ in range(2):  # before and after its module was made
        made = way(opened)
        assert same(made.construction, opened.construction) and made.config == opened.config
        assert all(torch.equal(made.tensors[k], v) for k, v in opened.tensors.items())
        assert torch.equal(made.module.layers[0].heads[0].Q, opened.module.layers[0].heads[0].Q)
