"""The interpretability view: TransformerLens's names and shapes, the very numbers of the weights, the same model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from exports import Runner, small, written
from helpers import Case, each_kind

import layerproof as lp
from layerproof.numeric.export.interpretability import NOT_MAPPED, interpretability_view
from layerproof.proofs.assertions import judge
from layerproof.symbolic.errors import ArgumentError, ContentError

NAMES = ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O", "M")


def test_the_names_and_shapes_are_those_of_transformerlens() -> None:
    c = small("average-reward-td")
    view = interpretability_view(c)
    m, N = c.layout.m, c.layout.n + 1
    assert set(view.tensors) == {f"blocks.{k}.attn.{x}" for k in range(2) for x in NAMES} | {
        "unembed.W_U",
        "unembed.b_U",
    }
    shapes = {name: tuple(view.tensors[f"blocks.1.attn.{name}"].shape) for name in NAMES}
    assert shapes == {
        **dict.fromkeys(NAMES[:4], (2, m, m)),
        **dict.fromkeys(NAMES[4:7], (2, m)),
        "b_O": (m,),
        "M": (2, N, N),
    }
    assert view.tensors["unembed.W_U"].shape == (m, 1)
    assert (view.cfg["d_model"], view.cfg["n_heads"], view.cfg["n_layers"], view.cfg["n_ctx"]) == (m, 2, 2, N)
    assert view.rows == c.layout.row_names() and view.columns[-1] == "the query" and len(view.columns) == N


@each_kind
def test_the_circuits_are_the_weights_bit_by_bit(case: Case) -> None:
    """W_Q W_K^T is Q^T and W_V W_O is (W P)^T: in exact numbers, and the float factors are those of the export."""
    c = small(case.name, trace=dict(case.options).get("trace"))
    view = interpretability_view(c)
    for layer, heads in enumerate(c.layers):
        for h, head in enumerate(heads):
            W = {name: view.tensors[f"blocks.{layer}.attn.{name}"][h] for name in ("W_Q", "W_K", "W_V", "W_O")}
            for name, exact in (("W_Q", head.Q), ("W_V", head.P), ("W_O", head.W)):
                assert W[name].mT.tolist() == [[x.numerator / x.denominator for x in row] for row in exact.fractions()]
            assert torch.equal(W["W_K"], torch.eye(c.layout.m, dtype=torch.float64))


def test_the_read_out_is_the_sign_in_its_row() -> None:
    c = small()
    W_U = interpretability_view(c).tensors["unembed.W_U"][:, 0]
    assert W_U.tolist() == [0, 0, 0, 0, c.readout.sign]


@each_kind
@pytest.mark.parametrize("looped", [False, True], ids=["sequential", "looped"])
def test_running_it_with_a_cache_is_the_algorithm_within_the_derived_bound(case: Case, looped: bool) -> None:
    c = small(case.name, trace=dict(case.options).get("trace"), looped=looped)
    view = interpretability_view(c)
    lp.assert_implements(runner(view), case.name, reference=c, dtype="float64")


def runner(view: object) -> Runner:
    def run(Z: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        predicted, cache = view.run_with_cache(Z)  # type: ignore[attr-defined]
        return [Z, *(cache[f"blocks.{k}.hook_resid_post"].mT for k in range(view.layers))], predicted  # type: ignore[attr-defined]

    return Runner(run)


@pytest.mark.parametrize("name", ["W_Q", "W_K", "W_V", "W_O", "M"])
def test_a_view_with_one_factor_turned_round_is_refuted(name: str) -> None:
    view = interpretability_view(small())
    at = f"blocks.1.attn.{name}"
    turned = -view.tensors[at] if name in ("W_K", "W_V", "W_O") else view.tensors[at].mT
    view.tensors[at] = turned  # type: ignore[index]
    assert judge(runner(view), "td-lambda", reference=small(), dtype="float64").exit_code == 1


def test_the_cache_has_transformerlens_s_activations_and_they_fit_together() -> None:
    view = interpretability_view(small("average-reward-td"))
    Z = torch.randn(3, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    predicted, cache = view.run_with_cache(Z)
    at = "blocks.1"
    shapes = {
        name: tuple(cache[f"{at}.attn.hook_{name}"].shape)
        for name in ("q", "k", "v", "z", "attn_scores", "pattern", "result")
    }
    assert shapes == {
        **dict.fromkeys(("q", "k", "v", "z", "result"), (3, 5, 2, 6)),
        **dict.fromkeys(("attn_scores", "pattern"), (3, 2, 5, 5)),
    }
    assert predicted.shape == (3,) and torch.equal(cache["blocks.0.hook_resid_pre"], Z.mT)
    assert torch.equal(cache[f"{at}.hook_resid_pre"], cache["blocks.0.hook_resid_post"])
    assert torch.equal(cache[f"{at}.hook_resid_post"], cache[f"{at}.hook_resid_pre"] + cache[f"{at}.hook_attn_out"])


def test_a_view_is_made_of_a_directory_too_in_its_dtype(tmp_path: Path) -> None:
    folder = written(tmp_path / "out", small(), "float32")
    view = interpretability_view(folder)
    assert {x.dtype for x in view.tensors.values()} == {torch.float32}
    same = interpretability_view(lp.load(folder), "float64").tensors
    assert all(torch.equal(x, interpretability_view(small()).tensors[k]) for k, x in same.items())


def test_what_cannot_be_mapped_is_said() -> None:
    assert {"softmax", "pos_embed.W_pos", "attn_scale", "causal mask", "mlp"} <= set(NOT_MAPPED)
    assert all(len(why) > 10 for why in NOT_MAPPED.values())


def test_wrong_prompts_directories_and_dtypes_are_refused(tmp_path: Path) -> None:
    view = interpretability_view(small())
    with pytest.raises(ArgumentError, match=r"shape \(1, 5, 6\), wanted \(batch, 5, 5\)"):
        view.run_with_cache(torch.zeros(1, 5, 6))
    with pytest.raises(ContentError, match="no such directory"):
        interpretability_view(tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match="float8"):
        interpretability_view(small(), "float8")
