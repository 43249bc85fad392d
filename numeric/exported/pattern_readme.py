"""The README of an export whose layers attend by patterns: what runs them in any array library, and each loader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import config as names

RUN = """import json

with open("config.json", encoding="utf-8") as file:
    config = json.load(file)


def pattern(weights, Z, xp):
    mask, kernel, start, scored = weights["mask"], config["pattern"]["kernel"], 0, None
    for name, size in config["layout"]["rows"]:
        scored = slice(start, start + size) if name == config["pattern"]["scored"] else scored
        start += size
    X = Z[..., scored, :]
    S = X.swapaxes(-1, -2) @ X
    if config["pattern"]["mask_first"]:
        S, mask = S * mask, mask * 0 + 1
    if kernel in ("linear", "polynomial", "relu", "exponential"):
        return {"linear": lambda: S, "polynomial": lambda: (1 + S) ** 2, "relu": lambda: S * (S > 0),
                "exponential": lambda: xp.exp(S)}[kernel]() * mask
    keys = int((mask.sum(-1) > 0).sum())  # tokens that are no key of any token are left out, and weigh 0
    S_keys, axis = xp.where(mask[:keys] > 0, S[..., :keys, :], -xp.inf), -2 if kernel == "softmax" else -1
    E = xp.exp(S_keys - xp.amax(S_keys, axis, keepdims=True))
    return xp.concatenate([E / E.sum(axis, keepdims=True), S[..., keys:, :] * 0], -2)


def states(weights, Z, xp):
    result = [Z]
    K = pattern(weights, Z, xp) if config["pattern"]["kernel"] else None
    for layer in range(config["layers"]):
        at = f"layers.{0 if config['looped'] else layer}"
        change = 0
        for h in range(config["heads"][0 if config["looped"] else layer]):
            Q = weights.get(f"{at}.heads.{h}.Q")
            A = K if Q is None else (Z.swapaxes(-1, -2) @ Q @ Z) * weights["mask"]
            change = change + weights[f"{at}.heads.{h}.V"] @ Z @ A
        Z = Z + (change / config["n"] if config["scale"] == "1/n" else change)
        if config["shift_from"]:
            nothing = Z[..., :1] * 0
            beside = [Z[..., 1:], nothing] if config["shift_from"] == "next" else [nothing, Z[..., :-1]]
            Z = weights[f"{at}.shift.kept"] @ Z + weights[f"{at}.shift.moved"] @ xp.concatenate(beside, -1)
        result.append(Z)
    return result
"""
"""What runs the layers; the same lines serve NumPy, JAX and torch, `xp`."""

_JAX = """import jax; jax.config.update("jax_enable_x64", True)  # without this JAX rounds float64 to float32
from safetensors.numpy import load_file
weights = {{name: jax.numpy.asarray(x) for name, x in load_file("{file}").items()}}
Z_0_to_L = states(weights, jax.numpy.asarray(Z), jax.numpy)
"""


def loaders(config: Mapping[str, Any]) -> dict[str, str]:
    """As `readme.loaders`, after the lines of `RUN` here."""
    have = config["files"]
    result = {
        "layerproof: the exact rationals, and the floats after every check against them": (
            "import torch\n"
            "import layerproof as lp\n"
            'opened = lp.load(".")  # opened.construction: exact; opened.module: torch; opened.config; opened.tensors\n'
            "Z_0_to_L = [torch.as_tensor(Z), *opened.module(torch.as_tensor(Z))]\n"
        ),
        "safetensors in torch": (
            "import torch\n"
            "from safetensors.torch import load_file\n"
            f'Z_0_to_L = states(load_file("{names.TENSORS}"), torch.as_tensor(Z), torch)\n'
        ),
    }  # fmt: skip
    if config["dtype"] != "bfloat16":
        result["safetensors in NumPy"] = (
            "import numpy\n"
            "from safetensors.numpy import load_file\n"
            f'Z_0_to_L = states(load_file("{names.TENSORS}"), Z, numpy)\n'
        )
        result["JAX"] = _JAX.format(file=names.TENSORS)
    if names.NPZ in have:
        result["NumPy"] = (
            "import numpy\n"
            f'with numpy.load("{names.NPZ}", allow_pickle=False) as file:\n'
            "    weights = dict(file)\n"
            "Z_0_to_L = states(weights, Z, numpy)\n"
        )
    if names.ONNX_FIXED in have:
        result[f"ONNX runtime, `{names.ONNX_FIXED}`"] = (
            "import onnxruntime\n"
            f'session = onnxruntime.InferenceSession("{names.ONNX_FIXED}", providers=["CPUExecutionProvider"])\n'
            'Z_0_to_L = [Z, *session.run(None, {"Z": Z})]\n'
        )
    if names.PT2 in have:
        result["torch.export"] = (
            f'import torch\nZ = torch.as_tensor(Z)\nZ_0_to_L = [Z, *torch.export.load("{names.PT2}").module()(Z)]\n'
        )
    return result


def model_lines(config: Mapping[str, Any]) -> list[str]:
    """What the layers are, what they attend by, and where the state is read."""
    pattern, written = config["pattern"], ", ".join(f"`{name}`" for name in config["layout"]["written"])
    last = "the query's" if config["layout"]["last_column"] == "query" else "the state's own"
    kernel = (
        f"K is the {pattern['kernel']} of the scores x_j . x_t of the rows `{pattern['scored']}`, which no layer writes"
        if pattern["kernel"]
        else "every head has scores of its own"
    )
    mask = " (applied to the scores, before the kernel)" if pattern["mask_first"] else ""
    return [
        f"**The model.** One layer maps Z to {config['formula']};",
        f"{kernel}; keys under the mask: {pattern['keys']}{mask}.",
        f"Z : (prompts, {len(config['rows'])}, {config['n'] + 1}) holds one column a token, the last is {last}.",
        "Its rows, from 0:",
        f"{', '.join(f'`{name}`' for name in config['rows'])}.",
        "",
        f"**The state** is in the rows that layers write: {written}, in every column of Z_L that holds one.",
    ]
