"""The worked example of layers with patterns: its numbers on the page, redone by hand in fractions; planted faults."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from helpers import dot
from reports import everything, matrices, notes, section, words

from layerproof.proofs.case import Settings
from layerproof.proofs.report import pattern_page as pages
from layerproof.proofs.report.model import Cell, Page
from layerproof.proofs.report.pattern_example import PatternExample, pattern_example
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.given import pattern_form
from layerproof.symbolic.patterns.layer import Layer
from layerproof.symbolic.patterns.record import GivenHead, GivenLayer

F = Fraction
SMALL = Settings(features=2, context=3, layers=2)
PHI, NEXT, R, QUERY = [[1, 0], [0, 1], [1, 1]], [[0, 1], [1, 1], [1, -1]], [3, -3, 6], [2, 1]
C = [[[F(1), F(0)], [F(1, 2), F(1)]], [[F(1, 2), F(1, 2)], [F(0), F(1)]]]
NUMBERS, VECTORS = [F(1), F(-1), F(0), F(2)], [[F(1), F(0)], [F(0), F(1)], [F(1), F(1)], [F(-1), F(0)]]
G = A = F(1, 2)
NAMES = ["softmax-td", "kernel-gradient-descent", "sarsa", "causal-td"]


@cache
def form(name: str) -> Any:
    return pattern_form(pattern_catalogue()[name])


@cache
def page_of(name: str) -> Page:
    algorithm = pattern_catalogue()[name]
    claims = (Claim(name, "c", "identity-symbolic", Verdict.HOLDS, "", ""),)
    return pages.pattern_page(algorithm, name, claims, SMALL, "command")[0]


def parsed(page: Page) -> dict[str, list[list[Fraction]]]:
    """The matrices of the example, read off the page."""
    return {m.name.text: [[F(e.text) if e is not None else F(0) for e in row] for row in m.entries]
            for m in matrices(section(page, "worked-example"))}  # fmt: skip


def error(w: list[Fraction], j: int) -> Fraction:
    return R[j] + G * dot(w, NEXT[j]) - dot(w, PHI[j])


def moved(w: list[Fraction], step: list[list[Fraction]], keys: list[tuple[Fraction, int]]) -> list[Fraction]:
    total = [sum((e * PHI[j][i] for e, j in keys), F(0)) for i in range(2)]
    return [w[i] + F(1, 3) * dot(step[i], total) for i in range(2)]


def iterates(name: str, K: Any) -> list[Any]:
    """The states after each update: numbers, or vectors."""
    states: list[Any] = list(NUMBERS if K is not None else VECTORS[:1] if name == "sarsa" else VECTORS)
    result = [states]
    for step in C:
        v = states
        if name == "softmax-td":
            states = [v[t] + sum(K[j][t] * (R[j] + G * v[j + 1] - v[j]) for j in range(3)) for t in range(4)]
        elif name == "kernel-gradient-descent":
            states = [v[t] + A / 3 * sum(K[j][t] * (R[j] - v[j]) for j in range(3)) for t in range(4)]
        elif name == "sarsa":
            states = [moved(v[0], step, [(error(v[0], j), j) for j in range(3)])]
        else:
            states = [moved(v[t], step, [(error(v[j], j), j) for j in range(min(t + 1, 3))]) for t in range(4)]
        result.append(states)
    return result


def held_rows(name: str, v: list[Any]) -> list[list[Fraction]]:
    """The rows that layers change, at the given states."""
    if name == "softmax-td":
        return [[*(G * v[j + 1] for j in range(3)), F(0)], v]
    if name == "kernel-gradient-descent":
        return [[*(R[j] - v[j] for j in range(3)), -v[3]]]
    if name == "sarsa":
        return [[F(0)] * 3 + [x] for x in v[0]]
    return [[*(error(v[j], j) for j in range(3)), -dot(v[3], QUERY)]]


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_on_the_page_are_the_textbooks_redone_by_hand(name: str):
    shown, data = parsed(page_of(name)), page_of(name).data["worked_example"]
    by_hand = iterates(name, shown.get("K"))
    count = len(held_rows(name, by_hand[0]))
    for k, states in enumerate(by_hand):
        assert shown[f"Z_{k}"][-count:] == held_rows(name, states)
        assert shown[f"Z_{k}"][:-count] == shown["Z_0"][:-count]
        assert shown[f"Z_{k}"] == [[F(x) for x in row] for row in data["Z"][k]]
        if k:
            assert shown[f"Y({k})"] == held_rows(name, states)
    assert shown["Z_1"] != shown["Z_0"] and shown["Z_2"] != shown["Z_1"] and data["agree"] is True
    verdicts = [c.verdict for c in everything(section(page_of(name), "worked-example"))
                if isinstance(c, Cell) and c.verdict is not None]  # fmt: skip
    assert verdicts == [Verdict.HOLDS] * 2 and page_of(name).verdict is Verdict.HOLDS


@pytest.mark.parametrize("name", NAMES)
def test_the_parts_of_a_layer_are_what_their_names_say(name: str):
    example = pattern_example(form(name), SMALL)
    assert example is not None
    Z = example.start
    for step in example.layers:
        total = [[F(0)] * 4 for _ in Z]
        for head in step.heads:
            values = [[dot(row, column) for column in zip(*Z, strict=True)] for row in head.V]
            output = [[dot(row, column) for column in zip(*head.pattern, strict=True)] for row in values]
            assert head.output == output
            total = [[x + y for x, y in zip(*rows, strict=True)] for rows in zip(total, output, strict=True)]
        assert step.change == [[example.scale * x for x in row] for row in total]
        Z = step.after


def test_a_pattern_of_random_rationals_is_said_to_be_one():
    sentences = words(section(page_of("softmax-td"), "worked-example"))
    assert "random rationals stands for the pattern" in sentences and "softmax" in sentences
    assert "random rationals" not in words(section(page_of("sarsa"), "worked-example"))
    linear = replace(pattern_catalogue()["kernel-gradient-descent"], kernels=("linear",))
    example = pattern_example(pattern_form(linear), SMALL)
    assert example is not None and not example.opaque
    tokens = [*PHI, QUERY]
    assert [[dot(x, y) for y in tokens] for x in tokens] == example.K


def faults(layer: Layer) -> dict[str, Layer]:
    first, scores = layer.heads[0]
    mask = [list(row) for row in layer.mask]
    mask[0][-1] = 0
    return {
        "sign": replace(layer, heads=((-first, scores),)),
        "scale": replace(layer, scale=layer.scale * (1 + F(1, 2**40))),
        "mask": replace(layer, mask=mask),
    }


@pytest.mark.parametrize("fault", ["sign", "scale", "mask"])
@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_layer_is_refuted_on_its_page(name: str, fault: str, monkeypatch: pytest.MonkeyPatch):
    def wrong(form: Any, settings: Settings) -> PatternExample | None:
        return pattern_example(form, settings, lambda layer: faults(layer)[fault])

    monkeypatch.setattr(pages, "pattern_example", wrong)
    page = page_of.__wrapped__(name)
    assert page.verdict is Verdict.REFUTED and notes(page.lead)[0].verdict is Verdict.REFUTED
    shown = section(page, "worked-example")
    assert notes(shown)[0].verdict is Verdict.REFUTED and page.data["worked_example"]["agree"] is False
    verdicts = {c.verdict for c in everything(shown) if isinstance(c, Cell)}
    assert Verdict.REFUTED in verdicts and "above does not" in words(shown)


def test_a_layer_that_attends_by_another_kernel_has_no_example():
    head = GivenHead(lambda k, C, p: {"residual": -p.alpha * k.residual})
    right = pattern_catalogue()["kernel-gradient-descent"]
    other = replace(right, layer=GivenLayer((head,), kernel="linear", scale="1/n"))
    assert pattern_example(pattern_form(other), SMALL) is None
