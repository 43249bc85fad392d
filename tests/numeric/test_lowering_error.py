"""Lowering and arithmetic told apart: each equals what plain Fractions say, and neither hides in the other."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from helpers import Case, each_kind, run_layers, trial
from torch import nn

from layerproof.numeric.data.prompts import generic_context
from layerproof.numeric.device import PRECISIONS
from layerproof.numeric.judge import lowering_error
from layerproof.numeric.judge.crosscheck import crosscheck
from layerproof.numeric.judge.exact_floats import up
from layerproof.numeric.judge.lowering_error import PROMPTS, lowered_construction, split_error
from layerproof.numeric.lower import lower, lower_prompt
from layerproof.numeric.transformer import LinearTransformer
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.attention import AccumulatorHead, Head

DYADIC = {"gamma": Fraction(1, 2), "lam": Fraction(1, 4)}
SINGLE = torch.float32


def made(case, n=4, depth=3, values=DYADIC, looped=False):
    """A trial of numbers that are binary fractions, but for the parameters."""
    drawn = trial(case, 2, n, depth, looped=looped, context=generic_context(2, n, 3, bits=4), parameters=values)
    drawn.steps[:] = [
        tuple(Fraction(1, 4) if isinstance(c, Fraction) else [[Fraction(1, 2), Fraction(-1, 4)], [0, Fraction(1, 8)]]
              for c in s)
        for s in drawn.steps
    ]  # fmt: skip
    start = [Fraction(1, 2) if w in case.algorithm.scalar_weights else [Fraction(1, 4)] * 2
             for w in case.algorithm.weights]  # fmt: skip
    return replace(drawn, start=start)


def ran(drawn, dtype=SINGLE, prompts=1, module=None):
    """The construction, its lowered tensors, the prompts and the rows X (T, p, N) and Y (T, L+1, K, N) of a run."""
    construction = drawn.construction
    lowered = lower(construction, dtype, "cpu")
    module = module or LinearTransformer.from_lowered(construction, lowered)
    Z = torch.stack([lower_prompt(drawn.setup, dtype, "cpu")] * prompts)
    states, p = torch.stack(module.states(Z), dim=1).double().numpy(), construction.layout.p
    return construction, lowered, [drawn.setup] * prompts, states[:, 0, :p], states[:, :, p:]


BINARY = ("td0", "td-lambda", "residual-gradient", "gtd2", "tdc", "least-squares")


@pytest.mark.parametrize("name", BINARY)
def test_nothing_is_lost_by_lowering_binary_fractions(name: str) -> None:
    split = split_error(*ran(made(Case(name))))
    assert split.lowering == (0.0,) * 4
    assert max(split.arithmetic) < 1e-5


@pytest.mark.parametrize(
    ("values", "n", "states"),
    [
        ({"gamma": Fraction(1, 3), "lam": Fraction(1, 4)}, 4, 4),  # gamma phi' is rounded in the prompt
        ({"gamma": Fraction(1, 2), "lam": Fraction(1, 3)}, 4, 3),  # lambda^k in the mask: only layers feel it
        (DYADIC, 3, 3),  # 1/n
    ],
)
def test_a_third_anywhere_is_seen_as_lowering(values, n: int, states: int) -> None:
    split = split_error(*ran(made(Case("td-lambda"), n=n, values=values)))
    assert [x > 0 for x in split.lowering] == [False] * (4 - states) + [True] * states
    assert max(split.lowering) < 1e-5


def fractions(values):
    return [[Fraction(float(x)) for x in row] for row in values]


def largest(left, right, p):
    return max(abs(a - b) for x, y in zip(left[p:], right[p:], strict=True) for a, b in zip(x, y, strict=True))


@each_kind
@pytest.mark.parametrize("looped", [False, True])
def test_both_errors_are_what_the_attention_formula_over_q_says(case: Case, looped: bool) -> None:
    """The whole formula, all rows of Z, once on the rational objects and once on the tensors as fractions."""
    drawn = made(case, n=3, values={"gamma": Fraction(1, 3), "lam": Fraction(2, 3)}, looped=looped)
    construction, lowered, setups, X, Y = ran(drawn)
    split, p = split_error(construction, lowered, setups, X, Y), construction.layout.p
    setup = setups[0]
    Z = [*setup.X.fractions(), *setup.row_matrix(setup.start).fractions()]
    meant = [Z, *run_layers(construction, Z)]
    layers = tuple(
        tuple(Head(*(RationalMatrix.of(fractions(t[x].double())) for x in "WPQM")) for t in heads)
        for heads in lowered.layers
    )
    # `run_layers` scales by 1/n; the float is another number, which W can carry.
    factor = Fraction(lowered.scale) * 3
    layers = tuple(
        tuple(replace(h, W=RationalMatrix.of([[x * factor for x in r] for r in h.W.fractions()])) for h in heads)
        for heads in layers
    )
    Z = fractions([*X[0], *Y[0, 0]])
    stored = [Z, *run_layers(replace(construction, layers=layers), Z)]
    for layer in range(4):
        lowering, arithmetic = largest(meant[layer], stored[layer], p), largest(
            stored[layer], fractions([*X[0], *Y[0, layer]]), p
        )  # fmt: skip
        assert split.lowering[layer] == up(lowering) and split.arithmetic[layer] == up(arithmetic)
        total = largest(meant[layer], fractions([*X[0], *Y[0, layer]]), p)
        assert total <= Fraction(split.lowering[layer]) + Fraction(split.arithmetic[layer])
    assert split.prompts == 1 and split.arithmetic[0] == 0


@each_kind
def test_the_certified_distance_is_at_most_arithmetic_and_the_weights_part_of_lowering(case: Case) -> None:
    """From the same float prompt: |run - exact| <= |run - stored| + |stored - exact weights|."""
    drawn = made(case, n=3, values={"gamma": Fraction(1, 3), "lam": Fraction(2, 3)})
    construction, lowered, setups, X, Y = ran(drawn)
    result = crosscheck(construction, case.algorithm, setups, dtype=SINGLE)
    split, Z = split_error(construction, lowered, setups, X, Y), fractions([*X[0], *Y[0, 0]])
    assert result.split == split
    exact = [Z, *run_layers(construction, Z)]
    stored = lowered_construction(construction, lowered)
    scale = Fraction(lowered.scale) * 3
    layers = tuple(
        tuple(replace(h, W=RationalMatrix.of([[x * scale for x in r] for r in h.W.fractions()])) for h in heads)
        for heads in stored.layers
    )
    kept = [Z, *run_layers(replace(stored, layers=layers), Z)]
    for layer in range(1, 4):
        weights = largest(exact[layer], kept[layer], construction.layout.p)
        assert result.curves.error[layer] <= (split.arithmetic[layer] + up(weights)) * (1 + 1e-9)
        assert result.curves.error[layer] >= abs(split.arithmetic[layer] - up(weights)) * (1 - 1e-9)


@pytest.mark.parametrize("name", ["td-lambda", "gtd"])
@pytest.mark.parametrize("dtype", [torch.float64, SINGLE])
def test_in_balls_both_errors_are_those_over_q_to_the_last_bit(name: str, dtype: torch.dtype, monkeypatch) -> None:
    run = ran(made(Case(name), depth=20, values={"gamma": Fraction(1, 3), "lam": Fraction(2, 3)}), dtype)
    balls, taken = lowering_error._in_balls, []
    monkeypatch.setattr(lowering_error, "_in_balls", lambda *given: taken.append(balls(*given)) or taken[-1])
    split = split_error(*run)
    assert taken[0] is not None
    monkeypatch.setattr(lowering_error, "_in_balls", lambda *given: None)
    assert split_error(*run) == split
    assert len(set(split.lowering)) == len(set(split.arithmetic)) == 21
    monkeypatch.setattr(lowering_error, "_in_balls", balls)
    monkeypatch.setattr(lowering_error, "BITS", 60)  # which leaves the last bit open
    assert split_error(*run) == split


def test_where_nothing_is_lost_balls_cannot_say_so() -> None:
    run = ran(made(Case("td0"), depth=20))
    assert split_error(*run).lowering == (0.0,) * 21


class Off(nn.Module):
    def __init__(self, module, by):
        super().__init__()
        self.module, self.by = module, by

    def states(self, Z):
        *first, last = self.module.states(Z)
        last = last.clone()
        last[..., -1, -1] += self.by
        return [*first, last]


def test_a_wrong_run_is_arithmetic_and_a_wrong_weight_in_the_module_too() -> None:
    drawn = made(Case("td0"))
    construction = drawn.construction
    module = Off(LinearTransformer.from_construction(construction, SINGLE), 0.5)
    split = split_error(*ran(drawn, module=module))
    assert split.lowering == (0.0,) * 4
    assert [x > 0.4 for x in split.arithmetic] == [False, False, False, True]


def test_the_first_prompts_are_used_and_as_many_as_are_said() -> None:
    split = split_error(*ran(made(Case("td0")), prompts=PROMPTS + 3))
    assert split.prompts == PROMPTS == 2
    assert len(split.lowering) == len(split.arithmetic) == 4


def test_masks_that_were_one_object_stay_one() -> None:
    construction, lowered, *_ = ran(made(Case("tdc")))
    again = lowered_construction(construction, lowered)
    for before, after in zip(construction.layers, again.layers, strict=True):
        assert len({id(h.M) for h in before}) == len({id(h.M) for h in after})
    heads_of_layers = again.row_heads()
    assert heads_of_layers is not None and {type(h) for heads in heads_of_layers for h in heads} == {AccumulatorHead}


def test_weights_beyond_the_format_are_not_told_apart_but_named() -> None:
    drawn = made(Case("td0"))
    drawn.steps[1] = ([[Fraction(10**6), 0], [0, 1]],)
    result = crosscheck(drawn.construction, drawn.case.algorithm, [drawn.setup], dtype=torch.float16)
    assert (result.status, result.split) == ("not-finite", None)
    assert result.where.layer == 2


def test_up_is_at_least_the_value() -> None:
    for value in (Fraction(1, 3), Fraction(2, 3), Fraction(1, 2), Fraction(0), Fraction(10) ** 400):
        assert up(value) == float("inf") or Fraction(up(value)) >= value
    assert up(Fraction(1, 2)) == 0.5 and up(Fraction(10) ** 400) == float("inf")
    assert PRECISIONS[SINGLE].digits == 24
