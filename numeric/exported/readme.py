"""The README of an export: how to load it in each framework in one line, made from config.json alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import pattern_readme
from .config import (
    ANY,
    ATTRIBUTES,
    CERTIFICATE,
    CONFIG,
    MODELING,
    NPZ,
    ONNX,
    ONNX_FIXED,
    PT2,
    SOURCE,
    SYMBOLS,
    TENSORS,
    WEIGHTS,
)

RUN = """import json

with open("config.json", encoding="utf-8") as file:
    config = json.load(file)


def states(weights, Z):
    result = [Z]
    for layer in range(config["layers"]):
        stored = 0 if config["looped"] else layer
        change = 0
        for h in range(config["heads"][stored]):
            W, P, Q, M = (weights[f"layers.{stored}.heads.{h}.{x}"] for x in "WPQM")
            change = change + W @ P @ Z @ M @ Z.swapaxes(-1, -2) @ Q @ Z
        Z = Z + change / config["n"]
        result.append(Z)
    return result


def prediction(Z):
    return config["readout"]["sign"] * Z[..., config["readout"]["row"], config["readout"]["column"]]
"""
"""What reads the weights in any array library; the same lines serve NumPy, JAX and torch."""

_JAX = """import jax; jax.config.update("jax_enable_x64", True)  # without this JAX rounds float64 to float32
from safetensors.numpy import load_file
weights = {{name: jax.numpy.asarray(x) for name, x in load_file("{file}").items()}}
Z_0_to_L = states(weights, jax.numpy.asarray(Z))
"""


def loaders(config: Mapping[str, Any]) -> dict[str, str]:
    """A few lines of Python for each framework that can read this export: title -> code.

    Each is run in the export's folder, after the lines of `RUN`, with Z : (prompts, m, n + 1), a NumPy array of the
    export's dtype (for bfloat16, which NumPy lacks, a torch tensor).
    """
    numpy = config["dtype"] != "bfloat16"
    have = config["files"]
    result = {
        "layerproof: the exact rationals, and the floats after every check against them": (
            "import torch\n"
            "import layerproof as lp\n"
            'opened = lp.load(".")  # opened.construction: exact; opened.module: torch; opened.config; opened.tensors\n'
            "Z_0_to_L = states(opened.tensors, torch.as_tensor(Z))\n"
        ),
        "torch, as a module": (
            "import torch\n"
            "import layerproof as lp\n"
            'Z_0_to_L = lp.LinearTransformer.from_pretrained(".").states(torch.as_tensor(Z))\n'
        ),
        "safetensors in torch": (
            "import torch\n"
            "from safetensors.torch import load_file\n"
            f'weights = load_file("{TENSORS}")\n'
            "Z_0_to_L = states(weights, torch.as_tensor(Z))\n"
        ),
    }  # fmt: skip
    if numpy:
        result["safetensors in NumPy"] = (
            "from safetensors.numpy import load_file\n"
            f'weights = load_file("{TENSORS}")\n'
            "Z_0_to_L = states(weights, Z)\n"
        )  # fmt: skip
        result["JAX"] = _JAX.format(file=TENSORS)
    if NPZ in have:
        result["NumPy"] = (
            "import numpy\n"
            f'with numpy.load("{NPZ}", allow_pickle=False) as file:\n'
            "    weights = dict(file)\n"
            "Z_0_to_L = states(weights, Z)\n"
        )  # fmt: skip
    for name in (ONNX, ONNX_FIXED):
        if name in have:
            result[f"ONNX runtime, `{name}`"] = (
                "import onnxruntime\n"
                f'session = onnxruntime.InferenceSession("{name}", providers=["CPUExecutionProvider"])\n'
                'predicted, *Z_1_to_L = session.run(None, {"Z": Z})  # predicted : (prompts, 1, 1)\n'
                "Z_0_to_L = [Z, *Z_1_to_L]\n"
            )
    if PT2 in have:
        result["torch.export"] = (
            "import torch\n"
            f'predicted, *Z_1_to_L = torch.export.load("{PT2}").module()(torch.as_tensor(Z))\n'
            "Z_0_to_L = [torch.as_tensor(Z), *Z_1_to_L]\n"
        )
    if MODELING in have:
        result["Hugging Face's transformers, 4 or 5"] = (
            "import torch\n"
            "from transformers import AutoModel  # runs modeling_layerproof.py\n"
            'model = AutoModel.from_pretrained(".", trust_remote_code=True, dtype="auto")\n'
            "Z_0_to_L = list(model(torch.as_tensor(Z)).hidden_states)\n"
        )
    return result


def text(config: Mapping[str, Any]) -> str:
    """The README, the same for the same config.json."""
    sizes, patterned = f"d = {config['d']}, n = {config['n']}, L = {config['layers']}", "pattern" in config
    form = (
        "one layer's weights, applied L times (looped)" if config["looped"] else "a layer's own weights for each layer"
    )
    named = [*sorted(config["parameters"].items()), *sorted(config.get("options", {}).items())]
    values = ", ".join(f"{name} = {value}" for name, value in named)
    run, made = (pattern_readme.RUN, pattern_readme.loaders(config)) if patterned else (RUN, loaders(config))
    reads = "" if patterned else ", and `prediction(Z_0_to_L[-1])` reads it"
    what = "weights of layers that attend by a pattern" if patterned else "linear-attention weights"
    lines = [
        f"# {config['algorithm']}: exact {what}",
        "",
        f"{sizes}{', ' if values else ''}{values}; {form}; floats are {config['dtype']}.",
        "",
        f"**What is exact.** {config['statement']}",
        "",
        f"`{CONFIG}` says for each tensor whether it is exact, and else by how much it was rounded. Nothing here",
        "has to be believed: `layerproof check .` derives the weights again and compares every file with them.",
        "",
        *(pattern_readme.model_lines(config) if patterned else _model_lines(config)),
        "",
        "## Loading it",
        "",
        "In this folder, after these lines, with prompts Z. Each leaves the state after every layer, Z_0, ..., Z_L, in",
        f"`Z_0_to_L`{reads}.",
        "",
        "```python",
        run.rstrip(),
        "```",
    ]
    for title, code in made.items():
        lines += ["", f"{title}:", "", "```python", code.rstrip(), "```"]
    return "\n".join([*lines, "", *_notes(config), "## Files", "", *_files(config), ""])


def _model_lines(config: Mapping[str, Any]) -> list[str]:
    readout, rows = config["readout"], ", ".join(f"`{name}`" for name in config["rows"])
    sign = "-1 times" if readout["sign"] < 0 else "+1 times"
    return [
        f"**The model.** One layer maps Z to {config['formula']};",
        f"Z : (prompts, {len(config['rows'])}, {config['n'] + 1}) holds one column a transition, the query last.",
        "No softmax, no positional part. Its rows, from 0:",
        f"{rows}.",
        "",
        f"**The read-out.** The prediction is {sign} the entry of row {readout['row']} (`{readout['row_name']}`) in "
        f"column {readout['column']} (the query) of Z_L.",
    ]


def _notes(config: Mapping[str, Any]) -> list[str]:
    lines = []
    if config["dtype"] == "bfloat16":
        lines += [
            f"NumPy has no bfloat16: `safetensors.numpy` refuses `{TENSORS}` unless `ml_dtypes` was imported before.",
            "`safetensors.torch` reads it, and so does `safetensors.flax`, for JAX.",
            "",
        ]
    context = config["onnx_context"]
    if ONNX in config["files"]:
        length = (
            "any context length (its only mask is the plain context mask, which it makes itself)"
            if context == ANY
            else f"context lengths 1 to {context}: its masks are stored for {context} and cut to the input's; a longer "
            "prompt is an error. Export with a larger n for longer ones"
        )
        lines += [f"`{ONNX}` takes {length}. `{ONNX_FIXED}` uses Add, Div, MatMul and Transpose only.", ""]
    elif ONNX_FIXED in config["files"]:
        why = "the mask is stored for" if "pattern" in config else "these weights were given for"
        lines += [f"There is no `{ONNX}`: {why} n = {config['n']} and change{'s' * ('pattern' in config)} with n.", ""]
    if PT2 in config["files"]:
        lines += [
            f"`{PT2}` has a dynamic batch and n = {config['n']}; its bytes are those of the torch named in `{CONFIG}`.",
            "",
        ]
    return lines


def _files(config: Mapping[str, Any]) -> list[str]:
    meanings = {
        CONFIG: "sizes, row names, read-out, what rounding changed, and a SHA-256 of each other file",
        WEIGHTS: "the exact rationals",
        SYMBOLS: "the same weights in symbols, for every d and n: W, P and Q in blocks, masks by entry",
        TENSORS: "the same tensors, rounded, by the same names",
        CERTIFICATE: "what was verified about the rationals; `layerproof check` believes none of it and checks again",
        SOURCE: "the construction as its author wrote it: code, which `layerproof check` runs",
        NPZ: "the tensors for NumPy",
        ONNX: "the model for ONNX runtimes, batch and n dynamic",
        ONNX_FIXED: "the same with n fixed",
        PT2: "the model for torch.export",
        MODELING: "code of the model for Hugging Face's transformers, the same in every export",
        ATTRIBUTES: "keeps git from changing line ends, which digests are of",
    }
    present = [name for name in meanings if name == CONFIG or name in config["files"]]
    lines = [f"- `{name}`: {meanings[name]}" for name in present]
    if CERTIFICATE not in config["files"]:
        why = (
            "a construction whose file needs files beside it"
            if config["source"]["algorithm"] == "own file"
            else "preconditioners of one's own"
        )
        lines.append(
            f"- no `{CERTIFICATE}`: a certificate can be checked by anyone, with drawn preconditioners, and this is "
            f"{why}; `layerproof check .` runs the evidence anew instead"
        )
    return lines
