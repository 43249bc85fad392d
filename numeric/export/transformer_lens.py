"""The interpretability view inside TransformerLens's own TransformerBridge: its hooks, its caches, its tools.

TransformerLens finds `adapter` by the entry point `transformer_lens.architectures` of this package; `bridge` makes a
bridge of a view.  Tried with TransformerLens 4.3.0, which is never loaded before one of them is called.
"""

from __future__ import annotations

import importlib
from typing import Any

from ..exported.config import MissingExtraError
from .interpretability import InterpretabilityView

ARCHITECTURE = "LayerproofView"
ACTIVATIONS = ("q", "k", "v", "attn_scores", "pattern", "z", "result")
TRIED = "4.3.0"


def _part(name: str) -> Any:
    """A module of TransformerLens; `MissingExtraError` where there is none, or it has no bridges."""
    try:
        return importlib.import_module(f"transformer_lens.{name}")
    except ImportError:
        raise MissingExtraError(
            f"TransformerLens with its TransformerBridge is wanted and not installed: pip install transformer-lens; "
            f"{TRIED} was tried"
        ) from None


def adapter(cfg: Any) -> Any:
    """TransformerLens's adapter of a view's module: which submodule each of its names stands for."""
    base = _part("model_bridge.generalized_components.base").GeneralizedComponent
    blocks = type("Blocks", (base,), {"is_list_item": True})
    made = _part("model_bridge.architecture_adapter").ArchitectureAdapter(cfg)
    made.cfg.attn_only, made.cfg.gated_mlp, made.cfg.final_rms = True, False, False
    made.cfg.normalization_type = None
    made.weight_processing_conversions = {}  # nothing is folded or centred: it would round
    parts = {name: base(name=f"hook_{name}") for name in ACTIVATIONS}
    attention = base(name="attn", config=made.cfg, submodules=parts)
    unembedding = _part("model_bridge.generalized_components").UnembeddingBridge(name="unembed", config=made.cfg)
    made.component_mapping = {
        "blocks": blocks(name="blocks", config=made.cfg, submodules={"attn": attention}),
        "unembed": unembedding,
    }
    return made


def bridge(view: InterpretabilityView) -> Any:
    """A TransformerBridge of the view: `bridge.run_with_cache(Z.mT)` has `blocks.0.attn.pattern.hook_out` and so on.

    It is given Z transposed, (batch, positions, m), and gives the read-out at every position; the last is the
    prediction.  It takes `view.module` over, which from then on calls TransformerLens's hooks.
    Raises `MissingExtraError` where TransformerLens is not installed.
    """
    sizes = {name: value for name, value in view.cfg.items() if name != "d_vocab_out"}
    config = _part("config").TransformerBridgeConfig(**sizes, d_vocab=1, architecture=ARCHITECTURE)
    _part("factories.architecture_adapter_factory").ArchitectureAdapterFactory.register_adapter(ARCHITECTURE, adapter)
    build = _part("model_bridge.sources._bridge_builder").build_bridge_from_module
    return build(view.module, ARCHITECTURE, tl_config=config)
