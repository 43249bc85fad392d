"""A group's state as one safetensors file, and trained weights as another: written whole, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from ...symbolic.errors import ContentError
from ...symbolic.strict_json import dumps, loads
from ..files.tensor_files import Stored, read_safetensors
from .architecture import Architecture, judged
from .loop import LANES, State
from .settings import Training

KEY = "layerproof"
_CODES = {"F64": torch.float64, "F32": torch.float32}
_MEASURED = "history."


def encode(state: State, settings: Training, group: int) -> bytes:
    """A group's state."""
    tensors = {name: t.contiguous() for name, t in state.tensors.items()}
    tensors |= {f"{_MEASURED}{name}": torch.stack(values) for name, values in state.history.items()}
    # With one key the metadata's bytes are the same every time.
    about = {"kind": "training state", "settings": settings.digest, "group": group, "done": state.done}
    return bytes(save(tensors, metadata={KEY: dumps(about)}))


def decode(content: bytes, settings: Training, group: int) -> State:
    """The state in a file of `encode`; `ContentError` for anything else, another run's state too."""
    entries, metadata = read_safetensors(content)
    about = _about(metadata)
    if about.get("kind") != "training state" or type(about.get("done")) is not int:
        raise ContentError("is no state of a training run")
    if (about.get("settings"), about.get("group")) != (settings.digest, group):
        raise ContentError("is the state of a run with other settings")
    tensors = {name: _tensor(name, stored) for name, stored in entries.items()}
    history = {
        name.removeprefix(_MEASURED): list(t.unbind(0)) for name, t in tensors.items() if name.startswith(_MEASURED)
    }
    own = {name: t for name, t in tensors.items() if not name.startswith(_MEASURED)}
    if not {"theta", "alpha"} <= own.keys() or len({len(values) for values in history.values()}) > 1:
        raise ContentError("is an incomplete state of a training run")
    if not _fits(settings, own, history) or not 0 <= about["done"] <= settings.processes:
        raise ContentError("is a state whose tensors have other shapes than the run's")
    return State(about["done"], own, history)


def _fits(settings: Training, own: Mapping[str, Tensor], history: Mapping[str, list[Tensor]]) -> bool:
    """Whether weights, steps, the optimiser's moments of both, and measures have the shapes that training gives."""
    arch, K = Architecture.of(settings), settings.width
    size = arch.stored * len(arch.names) * arch.m**2
    shapes = {"theta": (K, size + -size % LANES), "alpha": (len(judged(settings)), K, LANES)}
    for name, tensor in own.items():
        parameter, _, moment = name.partition(".")
        if tuple(tensor.shape) != (() if moment == "step" else shapes.get(parameter)):
            return False
    return all(tuple(t.shape) == (K,) for values in history.values() for t in values)


def weights_file(arch: Architecture, weights: Tensor, seed: int) -> bytes:
    """One network's weights (stored, matrices, m, m), every head's W, P, Q and M by the names that exports use."""
    tensors: dict[str, Tensor] = {}
    one = torch.eye(arch.m, dtype=weights.dtype)
    for layer, matrices in enumerate(weights.cpu()):
        named = dict(zip(arch.names, matrices, strict=True))
        for h, mask in enumerate(arch.mask_of):
            suffix = str(h + 1) if arch.several else ""
            head = {"W": named.get(f"W{suffix}", one), "P": named[f"P{suffix}"], "Q": named[f"Q{suffix}"]}
            head["M"] = arch.masks[mask].to(weights.dtype)
            tensors |= {f"layers.{layer}.heads.{h}.{name}": t.contiguous().clone() for name, t in head.items()}
    about = {"kind": "trained weights", "seed": seed, "settings": arch.settings.document()}
    return bytes(save(tensors, metadata={KEY: dumps(about)}))


def read_trained(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a trained network's file by name, and what it says of its run; `ContentError` for others."""
    entries, metadata = read_safetensors(content)
    about = _about(metadata)
    if about.get("kind") != "trained weights":
        raise ContentError("holds no trained weights")
    return {name: _tensor(name, stored) for name, stored in entries.items()}, about


def _about(metadata: Mapping[str, str]) -> dict[str, Any]:
    if metadata.keys() != {KEY}:
        raise ContentError(f"has other metadata than {KEY}, so it is no file of a training run")
    about = loads(metadata[KEY])
    if not isinstance(about, dict):
        raise ContentError(f"has no object in its {KEY} metadata")
    return about


def _tensor(name: str, stored: Stored) -> Tensor:
    if stored.code not in _CODES:
        raise ContentError(f"tensor {name[:60]!a} is {stored.code}, wanted {' or '.join(_CODES)}")
    flat = torch.frombuffer(bytearray(stored.content), dtype=_CODES[stored.code]) if stored.content else torch.zeros(0)
    return flat.reshape(stored.shape)
