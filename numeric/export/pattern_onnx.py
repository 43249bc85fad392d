"""Layers that attend by patterns as an ONNX graph of a fixed n: Z to Z_1, ..., Z_L.

Rows and columns are chosen by products with 0 and 1, which round nothing.  A softmax is over the tokens that are keys
of some token at all; of those, the ones that a query does not see are at minus infinity, which the softmax weighs 0.
The scale is a column for the reason that n is one in `onnx.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.patterns.layer import beside
from ..device import precision, resolve_dtype
from ..files.tensor_files import wanted_tensors
from ..lower import round_to
from .onnx import Graph


def pattern_graph(graph: Graph, construction: PatternConstruction, dtype: str) -> Any:
    """The graph, its initializers called after the tensors that they hold."""
    c, N, typed = construction, construction.n + 1, graph.onnx.helper.make_tensor_value_info
    for name, tensor in wanted_tensors(c, dtype).items():
        graph.constant(name, tensor.numpy())
    graph.constant("zeros_row", np.zeros(c.m))
    graph.constant("scale", np.full((c.m, 1), round_to(c.layers[0].scale.fraction(), precision(resolve_dtype(dtype)))))
    if c.shift_from:
        graph.constant("beside", beside(c.n, c.shift_from == "previous"))
    Z, states, K = "Z", [], _pattern(graph, c) if c.kernel else ""
    for number in range(c.depth):
        Z = _layer(graph, c, 0 if c.looped else number, Z, K, f"Z_{number + 1}")
        states.append(Z)
    shape = ["batch", c.m, N]
    return graph.onnx.helper.make_graph(
        graph.nodes, "layerproof", [typed("Z", graph.element, shape)],
        [typed(name, graph.element, shape) for name in states], list(graph.stored.values()),
    )  # fmt: skip


def _pattern(graph: Graph, c: PatternConstruction) -> str:
    """K, zero where the key is under the mask."""
    mask, N = np.array(c.layers[0].mask), c.n + 1
    names = [name for name, size in c.rows for _ in range(size)]
    scored = [i for i, name in enumerate(names) if name == c.scored]
    graph.constant("scored_rows", np.eye(c.m)[scored])
    graph.constant("zeros_of_scored", np.zeros(len(scored)))
    X = graph.node("MatMul", ["scored_rows", "Z"], "X")
    turned = graph.node("Transpose", [X], "X_transposed", perm=[0, 2, 1])
    S = graph.node("MatMul", [graph.node("Add", [turned, "zeros_of_scored"], "X_turned"), X], "scores")
    if c.mask_first:
        S, mask = graph.node("Mul", [S, "mask"], "scores_under_mask"), np.ones_like(mask)
    if c.kernel.startswith("softmax"):
        keys = np.eye(N)[mask.any(axis=1)]
        graph.constant("keys", keys)
        S = graph.node("MatMul", ["keys", S], "scores_of_keys")
        if not (seen := mask[mask.any(axis=1)]).all():
            graph.constant("seen", seen, np.bool_)
            graph.constant("nothing", -np.inf)
            S = graph.node("Where", ["seen", S, "nothing"], "scores_seen")
        S = graph.node("Softmax", [S], "softmax", axis=1 if c.kernel == "softmax" else 2)
        graph.constant("keys_back", keys.T)
        return graph.node("MatMul", ["keys_back", S], "K")
    if c.kernel == "polynomial":
        graph.constant("one", [[1]])
        S = graph.node("Add", [S, "one"], "one_and_scores")
        S = graph.node("Mul", [S, S], "squares")
    elif c.kernel != "linear":
        S = graph.node({"relu": "Relu", "exponential": "Exp"}[c.kernel], [S], c.kernel)
    return S if mask.all() else graph.node("Mul", [S, "mask"], "K")


def _layer(graph: Graph, c: PatternConstruction, stored: int, Z: str, K: str, output: str) -> str:
    total = ""
    for h, (_, scores) in enumerate(c.layers[stored].heads):
        at, A, name = f"{output}_head_{h}", K, f"layers.{stored}.heads.{h}"
        if scores is not None:
            turned = graph.node("Transpose", [Z], f"{at}_transposed", perm=[0, 2, 1])
            turned = graph.node("Add", [turned, "zeros_row"], f"{at}_turned")
            A = graph.node("MatMul", [turned, graph.node("MatMul", [f"{name}.Q", Z], f"{at}_Q")], f"{at}_scores")
            A = graph.node("Mul", [A, "mask"], f"{at}_pattern")
        value = graph.node("MatMul", [f"{name}.V", graph.node("MatMul", [Z, A], f"{at}_keys")], at)
        total = graph.node("Add", [total, value], f"{at}_sum") if total else value
    change = graph.node("Mul", [total, "scale"], f"{output}_change")
    if not c.shift_from:
        return graph.node("Add", [Z, change], output)
    after = graph.node("Add", [Z, change], f"{output}_heads")
    shifted = graph.node("MatMul", [after, "beside"], f"{output}_beside")
    kept = graph.node("MatMul", [f"layers.{stored}.shift.kept", after], f"{output}_kept")
    moved = graph.node("MatMul", [f"layers.{stored}.shift.moved", shifted], f"{output}_moved")
    return graph.node("Add", [kept, moved], output)
