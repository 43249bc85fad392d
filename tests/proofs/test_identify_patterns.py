"""`identify` of layers that attend by patterns: read off exact numbers, and run beside the update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from cli import assert_refused, run_cli

import layerproof as lp
from layerproof.numeric.files.pattern_file import scores_of
from layerproof.numeric.files.weights_file import write_weights
from layerproof.numeric.patterns.module import PatternTransformer
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.errors import ContentError, WorkLimitError
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns import fit
from layerproof.symbolic.patterns.construction import PatternConstruction, pattern_construction
from layerproof.symbolic.patterns.given import pattern_form

C = [
    [[Fraction(1, 2), Fraction(-1)], [Fraction(2), Fraction(1, 4)]],
    [[Fraction(1), Fraction(3)], [Fraction(0), Fraction(-1, 8)]],
]
SAID = {"softmax-td": {"gamma": Fraction(3, 4)}, "kernel-gradient-descent": {"alpha": Fraction(5, 8)}}


def built(name: str) -> PatternConstruction:
    """Two layers, each with a C of its own, and a file that says another algorithm and other parameters."""
    algorithm = pattern_catalogue()[name]
    values = algorithm.values({"gamma": Fraction(3, 4), "alpha": Fraction(5, 8)})
    steps = C if algorithm.preconditioned else [None, None]
    c = pattern_construction(pattern_form(algorithm), 2, 4, 2, steps, values)
    return replace(c, algorithm="mine", parameters={})


def with_heads(c: PatternConstruction, heads: Callable[[Any], Any]) -> PatternConstruction:
    return replace(c, layers=tuple(replace(x, heads=tuple(heads(x.heads))) for x in c.layers))


def plus(matrix: Any, i: int, j: int, value: Fraction) -> Any:
    rows = [list(row) for row in matrix.fractions()]
    rows[i][j] += value
    return RationalMatrix.of(rows)


@pytest.mark.parametrize("name", list(pattern_catalogue()))
def test_an_algorithm_is_read_off_whatever_the_file_says(tmp_path: Path, name: str) -> None:
    c = built(name)
    write_weights(c, tmp_path / "w.json")
    write_weights(c, tmp_path / "w.safetensors")
    for weights in (c, tmp_path / "w.json", tmp_path / "w.safetensors", PatternTransformer(c)):
        answer: Any = lp.identify(weights)
        assert (answer.algorithm, answer.match) == (name, "exact"), answer.lines()
        best = answer.fits[0]
        assert best.parameters == SAID.get(name, {})
        assert best.construction.steps == (tuple(C) if name in ("sarsa", "causal-td") else (None, None))


def test_one_function_is_one_algorithm_in_any_gauge() -> None:
    sarsa = built("sarsa")
    half = RationalMatrix.of([[Fraction(int(i == j), 2) for j in range(sarsa.m)] for i in range(sarsa.m)])
    others = {
        "scaled": with_heads(sarsa, lambda hs: [(half @ V, scores_of(s.Q + s.Q)) for V, s in hs]),
        "two heads": with_heads(sarsa, lambda hs: [(half @ V, s) for V, s in hs for _ in range(2)]),
        "invisible": with_heads(sarsa, lambda hs: [(plus(V, 6, 5, Fraction(7)), s) for V, s in hs]),  # reads `one`
    }
    for gauge, c in others.items():
        answer: Any = lp.identify(c)
        assert (answer.algorithm, answer.match) == ("sarsa", "exact"), gauge
        assert answer.fits[0].construction.steps == tuple(C)


def test_what_is_near_or_none_is_said_with_its_share() -> None:
    softmax = built("softmax-td")
    for value, match in ((Fraction(1, 100), "approximate"), (Fraction(20), "none")):
        answer: Any = lp.identify(with_heads(softmax, lambda hs, x=value: [(plus(V, 4, 0, x), s) for V, s in hs]))
        assert answer.match == match and 0 < answer.fits[0].shares[0] < 1
    for other in (
        replace(softmax, keys="causal"), replace(softmax, mask_first=True), replace(softmax, shift_from="previous"),
        replace(softmax, rows=(("x", 2), *softmax.rows[1:])), replace(softmax, scored="reward"),
    ):  # fmt: skip
        answer = lp.identify(other)
        assert (answer.algorithm, answer.match, answer.fits) == (
            None,
            "none",
            (),
        ) and "nothing else is known" in answer.lines()[0]


def test_layers_that_are_too_many_to_be_run_are_refused_before() -> None:
    c = built("softmax-td")
    with pytest.raises(WorkLimitError, match="limit"):
        lp.identify(replace(c, layers=c.layers[:1], steps=c.steps[:1], looped=True, depth=90000))


def test_trained_numbers_are_read_from_the_module() -> None:
    module = PatternTransformer(built("causal-td"))
    with torch.no_grad():
        module.get_buffer("layers.1.heads.0.Q")[0, 0] += 2.0**-12
    answer: Any = lp.identify(module)
    assert (answer.algorithm, answer.match) == ("causal-td", "approximate") and answer.fits[0].shares[0] == 1
    module.get_buffer("layers.0.heads.0.V")[0, 0] = torch.nan
    with pytest.raises(ContentError, match=r"tensor layers\.0\.heads\.0\.V is no matrix of finite numbers"):
        lp.identify(module)


def test_numbers_that_agree_by_mistake_are_found_by_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = with_heads(built("softmax-td"), lambda hs: [(plus(V, 4, 2, Fraction(1)), s) for V, s in hs])
    whole = fit.entries_of
    monkeypatch.setattr(fit, "entries_of", lambda *args: {k: x for k, x in whole(*args).items() if k != ("V", 4, 2)})
    answer: Any = lp.identify(wrong)
    assert (answer.match, answer.algorithm) == ("none", None) and "is not what the update gives" in answer.lines()[0]


def test_the_command_answers_and_refuses_what_is_of_linear_attention(capsys: Any, tmp_path: Path) -> None:
    write_weights(built("softmax-td"), tmp_path / "w.json")
    path = str(tmp_path / "w.json")
    ran = run_cli(capsys, "identify", path)
    assert ran.code == 0 and "exactly softmax-td, for every pattern K" in ran.out and "gamma = 3/4" in ran.out
    answer = run_cli(capsys, "identify", path, "--json").document
    assert (answer["algorithm"], answer["match"], answer["pattern"]["kernel"]) == ("softmax-td", "exact", "softmax")
    for more in (
        ("--layout", "td"),
        ("-o", str(tmp_path / "r.py")),
        ("--page", str(tmp_path / "p.html")),
        ("--transposed", "Q"),
    ):
        assert_refused(run_cli(capsys, "identify", path, *more), 2, "is for linear attention")
    assert_refused(run_cli(capsys, "identify", path, "-d", "3"), 2, "the weights have 2")
