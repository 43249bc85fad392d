"""`assert_implements` and audits of exact layers that attend by patterns."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from cli import run_cli

import layerproof as lp
from layerproof.numeric.files.weights_file import write_weights
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.construction import PatternConstruction, pattern_construction
from layerproof.symbolic.patterns.given import pattern_form

C = [[Fraction(1, 2), Fraction(-1)], [Fraction(2), Fraction(1, 4)]]


def built(name: str) -> PatternConstruction:
    algorithm = pattern_catalogue()[name]
    steps = [C if algorithm.preconditioned else None] * 2
    return pattern_construction(pattern_form(algorithm), 2, 3, 2, steps, algorithm.values({"gamma": Fraction(9, 10)}))


def transposed(c: PatternConstruction) -> PatternConstruction:
    """The same layers, said to be those of C transposed."""
    return replace(c, steps=tuple([list(row) for row in zip(*step, strict=True)] for step in c.steps))


@pytest.mark.parametrize("name", list(pattern_catalogue()))
def test_exact_layers_are_judged_by_the_update(name: str) -> None:
    c = built(name)
    result = lp.assert_implements(c, name, layers=2)
    assert result.holds and ("given the" in result.claims[0].claim) == bool(c.kernel)
    wrong = transposed(c) if c.steps[0] is not None else replace(
        c, parameters={x: Fraction(1, 7) for x in c.parameters})  # fmt: skip
    with pytest.raises(AssertionError, match="PatternConstruction does not implement") as caught:
        lp.assert_implements(wrong, pattern_catalogue()[name])
    (claim,) = caught.value.result.claims  # type: ignore[attr-defined]
    assert claim.witness["layer_value"] != claim.witness["iterate_value"] and claim.witness["prompt"]


def test_a_pattern_that_is_not_the_updates_is_open() -> None:
    c = built("softmax-td")
    for other, says in (
        (replace(c, mask_first=True), "the mask comes before"),
        (replace(c, scored="reward"), "scores"),
        (
            replace(c, kernel="softmax-over-queries"),
            "by softmax-over-queries, and the update is said of",
        ),
        (replace(c, kernel="exp"), "attend by exp"),
        (replace(c, kernel=""), "one side attends by a kernel"),
    ):
        with pytest.raises(AssertionError, match=says) as caught:
            lp.assert_implements(other, "softmax-td")
        assert caught.value.result.exit_code == 3  # type: ignore[attr-defined]


def test_what_does_not_fit_is_said() -> None:
    c = built("softmax-td")
    for subject, name, more, says in (
        (c, "sarsa", {}, "the subject's rows are phi, reward, target, current, wanted"),
        (c, "softmax-td", {"layers": 3}, "layers is 3"),
        (c, "softmax-td", {"dtype": "float32"}, "dtype is for linear attention"),
        (replace(c, parameters={}), "softmax-td", {}, "no value for gamma"),
        (lp.construct("td0", d=2, n=3, layers=1), "softmax-td", {}, "wanted a PatternConstruction"),
        (c, "td0", {}, "wanted a Construction or a torch module"),
    ):
        with pytest.raises(ArgumentError, match=says):
            lp.assert_implements(subject, name, **more)


def test_layers_are_made_from_plain_arguments() -> None:
    c = lp.construct_pattern("sarsa", d=2, n=3, layers=1, gamma="1/2", preconditioners=[[["1/2", 0], [1, "2/3"]]])
    assert lp.assert_implements(c, "sarsa").holds and c.steps[0][1] == [1, Fraction(2, 3)]
    alpha = lp.construct_pattern("kernel-gradient-descent", d=1, n=2, layers=2, values={"alpha": "1/3"}, looped=True)
    assert alpha.parameters == {"alpha": Fraction(1, 3)} and len(alpha.layers) == 1
    with pytest.raises(ArgumentError, match=r"lp\.construct_pattern makes its layers"):
        lp.construct("sarsa", d=2, n=3, layers=1)
    more: dict[str, Any]
    for name, more, says in (
        ("td0", {}, "lp.construct makes its weights"),
        ("softmax-td", {"preconditioners": [C]}, "has no C"),
        ("sarsa", {"preconditioners": [C, C]}, "has 2 entries, wanted 1"),
        ("sarsa", {"preconditioners": [[[1]]]}, "wanted 2 rows of 2"),
        ("sarsa", {"values": {"x": 1}}, "no parameter 'x'"),
        ("sarsa", {"gamma": 0.9}, "gamma is 0.9, wanted an exact number"),
        ("sarsa", {"n": 0}, "context is 0"),
    ):
        with pytest.raises(ArgumentError, match=says):
            lp.construct_pattern(name, **{"d": 2, "n": 3, "layers": 1, **more})


def test_an_audit_judges_a_file_of_weights(capsys: Any, tmp_path: Path) -> None:
    write_weights(built("sarsa"), tmp_path / "right.json")
    write_weights(transposed(built("sarsa")), tmp_path / "wrong.json")
    for name, code in (("right", 0), ("wrong", 1)):
        entry = f'[[claim]]\nstatement = "it runs"\nalgorithm = "sarsa"\nconstruction = "{name}.json"\n'
        (tmp_path / "a.toml").write_text(f'title = "A"\n{entry}')
        assert run_cli(capsys, "audit", str(tmp_path / "a.toml"), "-o", str(tmp_path / name)).code == code
