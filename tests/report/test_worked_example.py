"""The worked example's numbers, recomputed in arithmetic that shares no code with the product; and planted faults."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers import Case, dot, each_kind, entry_changed, plus, times, with_matrix
from reports import EXAMPLES, SMALL, everything, fresh, matrices, notes, page_of, section, settings_of, words

from layerproof.proofs.case import Case as Judged
from layerproof.proofs.report import example as examples
from layerproof.proofs.report.build import page
from layerproof.proofs.report.example import Example, own_example, run_example, small_example
from layerproof.proofs.report.model import Cell
from layerproof.proofs.user_file import resolve
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.own import OwnConstruction
from layerproof.symbolic.transitions import Position, Sweep, Transition

Rows = list[list[Fraction]]


def example_of(case: Case) -> Example:
    return small_example(Judged(case.algorithm, settings_of(case)))


def product(*factors: Rows) -> Rows:
    first, *rest = factors
    for right in rest:
        first = [[dot(row, column) for column in zip(*right, strict=True)] for row in first]
    return first


def flipped(matrix: Rows) -> Rows:
    return [list(row) for row in zip(*matrix, strict=True)]


def added(left: Rows, right: Rows, scale: Fraction = Fraction(1)) -> Rows:
    return [plus(x, times(scale, y)) for x, y in zip(left, right, strict=True)]


def array(values: Any) -> Any:
    return np.array([Fraction(x) for x in values], dtype=object)


def iterates(case: Case, example: Example) -> list[dict[str, Any]]:
    """The algorithm's own update on NumPy arrays of Fractions."""
    algorithm, c = case.algorithm, example.context
    p = SimpleNamespace(**example.parameters, **algorithm.choose(dict(case.options)))
    sweep = [
        Transition(array(c.features[j]), array(c.next_features[j]), c.rewards[j], Position(j + 1)) for j in range(c.n)
    ]
    weights: tuple[Any, ...] = tuple(
        Fraction(0) if w in algorithm.scalar_weights else array([0] * c.d) for w in algorithm.weights
    )
    result = []
    for step in example.loop:
        ready = [np.array(C, dtype=object) if isinstance(C, list) else C for C in step.preconditioners.values()]
        weights = algorithm.update(weights, ready, Sweep(sweep), p)
        plain = [list(w) if isinstance(w, np.ndarray) else w for w in weights]
        result.append(dict(zip(algorithm.weights, plain, strict=True)))
    return result


# the numbers


def test_td0_by_hand():
    example = example_of(Case("td0"))
    phi, following, R, gamma = [[1, 0], [0, 1], [1, 1]], [[0, 1], [1, 1], [1, -1]], [3, -3, 6], Fraction(1, 2)
    C = [[[1, 0], [Fraction(1, 2), 1]], [[Fraction(1, 2), Fraction(1, 2)], [0, 1]]]
    w = [Fraction(0), Fraction(0)]
    for k, step in enumerate(example.loop):
        delta = [R[j] + gamma * dot(w, following[j]) - dot(w, phi[j]) for j in range(3)]
        total = [sum(delta[j] * phi[j][i] for j in range(3)) for i in range(2)]
        assert step.variables[-1]["total"] == total
        w = [w[i] + Fraction(1, 3) * dot(C[k][i], total) for i in range(2)]
        assert step.weights["w"] == w
        bottom = example.layers[k].after[-1]
        again = [R[j] + gamma * dot(w, following[j]) - dot(w, phi[j]) for j in range(3)]
        assert bottom == [*again, -dot(w, [2, 1])]
    assert w == [3, Fraction(11, 6)]


@each_kind
def test_the_iterates_are_those_of_the_update_in_another_arithmetic(case: Case):
    example = example_of(case)
    assert [step.weights for step in example.loop] == iterates(case, example)


@each_kind
def test_every_intermediate_matrix_is_what_its_name_says(case: Case):
    example = example_of(case)
    Z = example.start
    for layer in example.layers:
        total = [[Fraction(0)] * len(Z[0]) for _ in Z]
        for h in layer.heads:
            assert h.values == product(h.P, Z)
            assert h.scores == product(flipped(Z), h.Q, Z)
            assert h.output == product(h.W, h.P, Z, h.mask, flipped(Z), h.Q, Z)
            total = added(total, h.output)
        assert layer.change == added([[Fraction(0)] * len(Z[0]) for _ in Z], total, Fraction(1, 3))
        Z = added(Z, layer.change)
        assert layer.after == Z


@each_kind
def test_the_layers_hold_the_rows_of_the_iterates_and_the_numbers_stay_small(case: Case):
    example = example_of(case)
    assert example.mismatch is None
    for layer, wanted in zip(example.layers, example.wanted, strict=True):
        assert layer.after[example.features :] == wanted
        assert layer.after[: example.features] == example.start[: example.features]
    largest = max(abs(y) for layer in example.layers for row in layer.after for x in row for y in x.as_integer_ratio())
    assert largest < 20_000
    assert any(example.loop[-1].weights[w] != example.start_weights[w] for w in case.algorithm.weights)


@each_kind
def test_the_page_shows_these_very_numbers(case: Case):
    example, shown = example_of(case), section(page_of(case), "worked-example")
    wanted = {f"Z_{k}": rows for k, rows in enumerate([example.start, *(layer.after for layer in example.layers)])}
    seen = {m.name.text: [[Fraction(e.text) for e in row if e is not None] for row in m.entries]
            for m in matrices(shown)}  # fmt: skip
    assert {name: seen[name] for name in wanted} == wanted
    data = page_of(case).data["worked_example"]
    assert [[[Fraction(x) for x in row] for row in Z] for Z in data["Z"]] == list(wanted.values())
    assert data["agree"] is True
    verdicts = [cell.verdict for cell in everything(shown) if isinstance(cell, Cell) and cell.verdict is not None]
    assert verdicts and set(verdicts) == {Verdict.HOLDS}


# faults


def transposed_C(example: Example, head: int) -> Any:
    """The weights with the blocks of the first layer's Q made with C for C^T."""
    weights = example.construction
    Q = weights.layers[0][head].Q.fractions()
    d = 2
    rows = [list(row) for row in Q]
    for top in range(0, example.features - example.features % d, d):
        for left in range(0, example.features - example.features % d, d):
            rows[top][left + 1], rows[top + 1][left] = Q[top + 1][left], Q[top][left + 1]
    return with_matrix(weights, 0, head, Q=RationalMatrix.of(rows))


@pytest.mark.slow
@each_kind
@pytest.mark.parametrize("fault", ["sign", "transpose", "scale", "mask"])
def test_a_wrong_head_is_seen_in_the_example(case: Case, fault: str):
    right = example_of(case)
    weights = right.construction
    head = next(k for k, h in enumerate(right.layers[0].heads) if any(map(any, h.output)))  # it does something here
    first = weights.layers[0][head]
    wrong = {
        "sign": lambda: with_matrix(weights, 0, head, P=-first.P),
        "transpose": lambda: transposed_C(right, head),
        "scale": lambda: with_matrix(weights, 0, head, P=first.P * (1 + Fraction(1, 2**40))),
        "mask": lambda: with_matrix(weights, 0, head, M=entry_changed(first.M, 1, 0, lambda x: x + 1)),
    }[fault]()
    if (wrong.layers[0][head].P, wrong.layers[0][head].Q, wrong.layers[0][head].M) == (first.P, first.Q, first.M):
        return  # a multiple of the identity is its own transpose
    again = run_example(case.algorithm, wrong, case.algorithm.choose(dict(case.options)))
    assert again.mismatch is not None
    shown = page(fresh(case, example=again))
    assert shown.verdict is Verdict.REFUTED
    assert notes(shown.lead)[0].verdict is Verdict.REFUTED
    assert notes(section(shown, "worked-example"))[0].verdict is Verdict.REFUTED
    verdicts = {cell.verdict for cell in everything(section(shown, "worked-example")) if isinstance(cell, Cell)}
    assert Verdict.REFUTED in verdicts


def test_heads_that_do_not_add_up_are_noticed(monkeypatch):
    monkeypatch.setattr(examples, "layer", lambda Z, heads, scale: Z)
    with pytest.raises(Exception, match="do not add up"):
        example_of(Case("td0"))


# constructions of one's own


@pytest.mark.parametrize("path", EXAMPLES)
def test_own_constructions_have_an_example_that_agrees(path: str):
    item = resolve(path)
    if isinstance(item, OwnConstruction):
        example = own_example(item, SMALL)
        compared = [(step.after, wanted) for step, wanted in zip(example.layers, example.wanted, strict=True)]
        for after, wanted in compared:
            assert wanted
            for (row, column), value in wanted.items():
                assert after[example.rows.index(row)][example.columns.index(column)] == value
    else:
        assert isinstance(item, Algorithm)
        example = small_example(Judged(item, SMALL))
    assert example.mismatch is None


def test_an_own_reference_that_is_wrong_is_refuted():
    item = resolve(next(p for p in EXAMPLES if "ridge" in p))
    assert isinstance(item, OwnConstruction)

    def wrong(context, p):
        for entries in item.reference(context, p):
            yield {at: value + 1 for at, value in entries.items()}

    example = own_example(replace(item, reference=wrong), SMALL)
    assert example.mismatch is not None
    from layerproof.proofs.report.sections.worked_example import _own

    shown = _own(example, example.rows)
    assert notes(shown)[0].verdict is Verdict.REFUTED
    assert "disagree" in words(notes(shown)[0].title)


def test_an_own_construction_shows_the_change_that_its_factor_makes():
    item = resolve(next(p for p in EXAMPLES if "ridge" in p))
    assert isinstance(item, OwnConstruction)
    from layerproof.proofs.report.sections.worked_example import _own

    example = own_example(item, SMALL)
    assert example.scale == Fraction(1, example.context.n)
    shown = next(m for m in matrices(_own(example, example.rows)) if m.name.text == "Z_1 - Z_0")
    outputs = [sum(column) for column in zip(*(h.output[-1] for h in example.layers[0].heads), strict=True)]
    assert [Fraction(e.text) for e in shown.entries[-1] if e] == [example.scale * x for x in outputs]
