"""The model code that an export brings for Hugging Face's `transformers`: the same text for every export.

`AutoModel.from_pretrained(folder, trust_remote_code=True)` runs it; `layerproof check` compares it with what is here.
"""

from __future__ import annotations

from typing import Any

AUTO: dict[str, Any] = {
    "architectures": ["LayerproofModel"],
    "auto_map": {
        "AutoConfig": "modeling_layerproof.LayerproofConfig",
        "AutoModel": "modeling_layerproof.LayerproofModel",
    },
    "model_type": "layerproof",
}
"""What config.json says besides, so that `transformers` finds the code."""

CODE = '''"""The weights of this folder in Hugging Face's transformers, versions 4 and 5.

    model = AutoModel.from_pretrained(folder, trust_remote_code=True, dtype="auto")

A layer maps Z to Z + (1/n) sum_h W_h P_h Z M_h Z^T Q_h Z, as config.json says; there is no softmax.
"""

from dataclasses import dataclass

import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput


class LayerproofConfig(PretrainedConfig):
    model_type = "layerproof"


@dataclass
class LayerproofOutput(ModelOutput):
    """prediction : (prompts,); hidden_states : Z_0, ..., Z_L, (prompts, m, n + 1) each."""

    prediction: torch.Tensor | None = None
    hidden_states: tuple[torch.Tensor, ...] | None = None


class Head(torch.nn.Module):
    def __init__(self, m, columns):
        super().__init__()
        for name, size in (("W", m), ("P", m), ("Q", m), ("M", columns)):
            setattr(self, name, torch.nn.Parameter(torch.zeros(size, size), requires_grad=False))

    def forward(self, Z):
        return self.W @ self.P @ Z @ self.M @ Z.mT @ self.Q @ Z


class Layer(torch.nn.Module):
    def __init__(self, heads, m, n):
        super().__init__()
        self.n = n
        self.heads = torch.nn.ModuleList(Head(m, n + 1) for _ in range(heads))

    def forward(self, Z):
        return Z + sum(head(Z) for head in self.heads) / self.n


class LayerproofModel(PreTrainedModel):
    config_class = LayerproofConfig
    main_input_name = "Z"

    def __init__(self, config):
        super().__init__(config)
        self.layers = torch.nn.ModuleList(Layer(heads, len(config.rows), config.n) for heads in config.heads)
        self.post_init()

    def _init_weights(self, module):
        pass

    def forward(self, Z, return_dict=True, **_):
        states = [Z]
        for number in range(self.config.layers):
            states.append(self.layers[0 if self.config.looped else number](states[-1]))
        said = self.config.readout
        prediction = said["sign"] * states[-1][..., said["row"], said["column"]]
        found = LayerproofOutput(prediction=prediction, hidden_states=tuple(states))
        return found if return_dict else found.to_tuple()
'''
