"""The textbook's loop run once on affine forms gives what the loop gives at every layer, or is not used."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from helpers import each_case_alike, random_context, trial

from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.affine import Rows, weights
from layerproof.symbolic.arithmetics.arithmetic import PRIME_FIELD, RATIONALS
from layerproof.symbolic.arithmetics.prime_field import PRIME, FieldMatrix, SumOfProducts
from layerproof.symbolic.arithmetics.rational import RationalVector
from layerproof.symbolic.identity import exact
from layerproof.symbolic.identity.exact import generic_data, problem, textbook


def runs(setup, steps):
    """The iterates by the map, and by one loop a layer, which an iterator of steps asks for."""
    return list(textbook(setup, steps)), list(textbook(setup, iter(steps)))


@each_case_alike
def test_the_map_is_the_loop(case, monkeypatch):
    monkeypatch.setattr(exact, "LAYERS_FOR_A_MAP", 0)
    t = trial(case, depth=3)
    steps = t.steps * (t.depth // len(t.steps))
    assert exact._once(t.setup, 3) is not None
    by_map, by_loop = runs(t.setup, steps)
    assert len(by_map) == 3
    assert all(x == y for left, right in zip(by_map, by_loop, strict=True) for x, y in zip(left, right, strict=True))
    rows = t.setup.many_rows()
    assert isinstance(rows, Rows)
    assert all(rows(weights) == t.setup.row_matrix(weights) for weights in by_loop)


@pytest.mark.parametrize("name", ["td0", "tdc", "differential-td", "gtd"])
def test_the_map_is_the_loop_in_the_prime_field(name, monkeypatch):
    monkeypatch.setattr(exact, "LAYERS_FOR_A_MAP", 0)
    algorithm, count = find(name), iter(range(3, 10**6, 7))

    def draw():
        return next(count) ** 9 % PRIME

    start = [draw() if w in algorithm.scalar_weights else [draw(), draw()] for w in algorithm.weights]
    data = generic_data(algorithm, 3, lambda _: [draw(), draw()], lambda _: draw())
    setup = problem(algorithm, PRIME_FIELD, data, start, dict.fromkeys(algorithm.parameters, draw()), {})
    steps = [
        tuple(
            PRIME_FIELD.number(draw()) if c in algorithm.scalar_preconditioners else [[draw(), draw()] for _ in "ab"]
            for c in algorithm.preconditioners
        )
        for _ in range(3)
    ]
    assert exact._once(setup, 3) is not None
    by_map, by_loop = runs(setup, steps)
    assert all(x == y for left, right in zip(by_map, by_loop, strict=True) for x, y in zip(left, right, strict=True))
    rows = setup.many_rows()
    assert isinstance(rows, Rows)
    assert all(rows(weights) == setup.row_matrix(weights) for weights in by_loop)


def test_rows_that_are_no_maps_are_evaluated_at_every_layer():
    td0 = find("td0")
    for value in (
        lambda weights, x, p: (weights[0] @ x.phi) * (weights[0] @ x.phi),
        lambda weights, x, p: x.reward + (0 if isinstance(weights[0], RationalVector) else weights[0] @ x.phi),
    ):
        changed = replace(td0, accumulators=(replace(td0.accumulators[0], value=value),))
        setup = problem(changed, RATIONALS, random_context(2, 3, 5), [[1, 2]], {"gamma": Fraction(1, 2)}, {})
        assert setup.many_rows() == setup.row_matrix


def test_a_product_with_the_context_mask_is_the_product():
    mask, X = PRIME_FIELD.context_mask(3), FieldMatrix.of([[3, 5, 7, 11], [13, 17, 19, 23]])
    dense = FieldMatrix.of([[int(i == j < 3) for j in range(4)] for i in range(4)])
    assert (mask @ X.mT).mat == (dense @ X.mT).mat
    assert (X @ mask).mat == (X @ dense).mat
    assert (mask @ mask).mat == dense.mat


def test_a_sum_of_products_is_what_it_is_multiplied_out_and_other_shapes_are_not_equal():
    A, B, C = (FieldMatrix.of([[k, 3], [5, 7 * k]]) for k in (2, 11, 13))
    kept, made, rows = SumOfProducts([(A, B, C), (C,)]), A @ B @ C + C, FieldMatrix.of([[17, 19], [0, 1], [1, 0]])
    assert rows @ kept == rows @ made and kept == made and kept.mT == made.mT and kept @ A == made @ A
    assert rows @ SumOfProducts([(A, C, B), (C,)]) != rows @ made
    assert made != rows and FieldMatrix.of([[0]]) != FieldMatrix.of([[0, 0]])


def td0_where(change):
    """TD(0) on a prompt, its update's weights changed by `change` (old, new)."""
    td0 = find("td0")

    def update(weights, preconditioners, sweep, p):
        return (change(weights[0], *td0.update(weights, preconditioners, sweep, p)),)

    context = random_context(2, 3, 5)
    start, values = [[1, 2]], {"gamma": RATIONALS.number(1) / 2}
    return problem(replace(td0, update=update), RATIONALS, context, start, values, {})


def test_updates_that_are_no_maps_run_layer_by_layer(monkeypatch):
    monkeypatch.setattr(exact, "LAYERS_FOR_A_MAP", 0)
    steps = [([[1, 2], [0, 3]],)] * 3
    calls = []

    def counted(old, new):
        calls.append(1)
        return new * len(calls)

    for change in (
        lambda old, new: new * (old @ old),  # of a higher degree
        lambda old, new: new if old == new else old,  # a comparison
        lambda old, new: new + (old if isinstance(old, RationalVector) else new),  # asks what it is given
    ):
        setup = td0_where(change)
        by_map, by_loop = runs(setup, steps)
        assert all(x == y for (x,), (y,) in zip(by_map, by_loop, strict=True))
    with_memory, calls[:] = list(textbook(td0_where(counted), steps)), []
    calls.append(1)  # what setting up the map cost
    assert all(x == y for (x,), (y,) in zip(with_memory, textbook(td0_where(counted), iter(steps)), strict=True))


def test_forms_are_not_compared_or_asked_for_truth():
    _, (w,) = weights([RationalVector.of([1, 2])], RATIONALS.matrix, RATIONALS.number)
    for wrong in (lambda: w == w, lambda: bool(w), lambda: w @ w, lambda: w + 1, lambda: w * w, lambda: w / w):
        with pytest.raises(TypeError):
            wrong()
