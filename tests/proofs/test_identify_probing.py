"""`identify` on a module whose weights have no names: read off what its layers do, and never called exact."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import layerproof as lp
from layerproof.symbolic.errors import ArgumentError

N = 3


class Attention(nn.Module):
    """A layer with matrices under names of its own, and a fault where one is asked for."""

    def __init__(self, heads: Any, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.heads = [[torch.tensor([[float(x) for x in row] for row in getattr(h, k).fractions()], dtype=torch.float64)
                       for k in "WPQM"] for h in heads]  # fmt: skip

    def forward(self, Z: Tensor) -> Tensor:
        total = Z
        for W, P, Q, M in self.heads:
            scores = Z.mT @ Q @ Z
            if self.fault == "softmax":
                scores = scores.softmax(-2)
            if self.fault == "query":
                M = M.clone()
                M[-1, -1] = 1
            total = total + (-1 if self.fault == "sign" else 1) * (W @ P @ Z @ M @ scores) / N
        return total


class Layers(nn.Module):
    def __init__(self, construction: Any, fault: str = "") -> None:
        super().__init__()
        self.layers = nn.ModuleList([Attention(heads, fault) for heads in construction.layers])


class States(nn.Module):
    def __init__(self, construction: Any) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Attention(heads) for heads in construction.layers])

    def states(self, Z: Tensor) -> list[Tensor]:
        prompts = [Z]
        for block in self.blocks:
            prompts.append(block(prompts[-1]))
        return prompts


def asked(module: nn.Module, **more: Any) -> Any:
    return lp.identify(module, **{"layout": "td", "d": 2, "n": N, "function": False, **more}).networks[0]


@pytest.mark.slow
def test_layers_without_names_are_probed_and_what_they_run_is_never_called_exact() -> None:
    answer = asked(Layers(lp.construct("td-lambda", d=2, n=N, layers=2, lam="1/4")))
    assert (answer.algorithm, answer.match) == ("td-lambda", "approximate")
    beginning = "approximately td-lambda or k-step-td (trace decay 1/4): equal as far as calling the module"  # n = 3
    assert answer.verdict().startswith(beginning)
    document = answer.document()
    assert document["catalogue"][0]["exact"] is False
    assert (document["theorem"], document["rule"]["exact"], document["resolution"]) == (None, False, 2.0**-40)
    assert "w += (1/n) sum_j (R_j + gamma w.phi'_j - w.phi_j) C e_j" in answer.update()
    wrong = asked(Layers(lp.construct("td-lambda", d=2, n=N, layers=2, lam="1/4"), "sign"))
    assert wrong.update()[0] == "w += (1/n) sum_j (R_j + gamma w.phi'_j - w.phi_j) C e_j"  # with -C: another step
    assert str(wrong.rule.moves[0].matrices[0][0][0]).startswith("-")


@pytest.mark.slow
def test_a_second_layer_is_reached_through_the_states_before_it() -> None:
    answer = asked(States(lp.construct("residual-gradient", d=1, n=N, layers=2)), d=1)
    assert (answer.algorithm, answer.match) == ("residual-gradient", "approximate")
    assert answer.recognition.network.depth == 2


def test_what_is_no_linear_attention_with_fixed_masks_is_refused() -> None:
    construction = lp.construct("td0", d=1, n=N, layers=1)
    for fault in ("softmax", "query"):
        with pytest.raises(ArgumentError, match="is no linear attention with fixed masks that leave the query out"):
            asked(Layers(construction, fault), d=1)
    with pytest.raises(ArgumentError, match="wanted layout, d and n"):
        asked(Layers(construction), layout=None)
    with pytest.raises(ArgumentError, match="no states"):
        asked(nn.Linear(2, 2))


class OnePrompt(States):
    """Takes a prompt (m, N) and no batch, as most modules that are written for a paper."""

    def __init__(self, construction: Any, fault: str = "") -> None:
        super().__init__(construction)
        self.fault = fault

    def states(self, Z: Tensor) -> list[Tensor]:
        if Z.ndim != 2 or self.fault == "raises":
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        prompts = super().states(Z)
        return [x[:-1] for x in prompts] if self.fault == "shape" else prompts


def test_a_module_that_takes_single_prompts_is_read_one_by_one() -> None:
    construction = lp.construct("td0", d=1, n=2, layers=2)
    answer = asked(OnePrompt(construction), d=1, n=2)
    assert (answer.algorithm, answer.match) == ("td0", "approximate")
    for fault in ("raises", "shape"):
        with pytest.raises(
            ArgumentError, match=r"no states of a prompt of shape \(3, 3\), neither alone nor in a batch"
        ):
            asked(OnePrompt(construction, fault), d=1, n=2)
