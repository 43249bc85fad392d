"""Predictions of many networks at once, each with prompts of its own, differentiable in the weights.

Linear attention never needs the prompts' columns: on the query column a layer is z <- z + (1/n) sum_h V_h S_h Q_h z,
V_h = W_h P_h, and a product with S_k of layer k is products with S_0 alone,
    S_k v = G S_{k-1} (G^T v),   G v = v + (1/n) sum_h V_h S_h Q_h v.
That costs (1 + 2H)^k products with S_0, cheap for the last layers; before them S is carried whole.  Windows come last
in every tensor, so that the innermost loops run over prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .architecture import Architecture

DEEP = {False: 2, True: 1}
"""Through how many layers S is carried by products with vectors alone, with one head and with several."""
FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "elu": torch.nn.functional.elu,
    "selu": torch.selu,
    "leaky-relu": torch.nn.functional.leaky_relu,
}


class _Product(torch.autograd.Function):
    """S v for each prompt: S (K, m, m, w or 1), v (K, m, w).  S is data and has no gradient."""

    @staticmethod
    def forward(ctx: Any, S: Tensor, v: Tensor) -> Tensor:
        ctx.S = S
        return (S * v.unsqueeze(1)).sum(2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, (ctx.S * gradients[0].unsqueeze(2)).sum(1)


class _Softmax(torch.autograd.Function):
    """V A, A = softmax over the keys of Z^T K, for each prompt: Z, K, V (..., m, N).

    A^T is kept, its keys last.  With G the gradient of V A, that of a score s_ij is A_ij (v_i . g_j - (V A)_j . g_j):
    the sum over keys in softmax's own rule is the second product, which spares one more pass over (N, N).
    """

    @staticmethod
    def forward(ctx: Any, Z: Tensor, K: Tensor, V: Tensor) -> Tensor:
        A = (K.mT @ Z).softmax(dim=-1)
        out = V @ A.mT
        ctx.save_for_backward(Z, K, V, A, out)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        (G,) = gradients
        Z, K, V, A, out = ctx.saved_tensors
        slopes = (G.mT @ V).sub_((G * out).sum(-2).unsqueeze(-1)).mul_(A)
        return K @ slopes if ctx.needs_input_grad[0] else None, Z @ slopes.mT, G @ A


def _times(S: Tensor, v: Tensor) -> Tensor:
    """S v; by the rule that spares S's gradient where S is data."""
    if S.requires_grad:
        return (S * v.unsqueeze(1)).sum(2)
    result: Tensor = _Product.apply(S, v)  # type: ignore[no-untyped-call]
    return result


def split(arch: Architecture, weights: Tensor) -> list[list[tuple[Tensor, Tensor]]]:
    """(W P, Q) of each head of each of the L layers.  weights : (K, stored, matrices, m, m)."""
    layers = []
    for layer in range(arch.stored):
        own = weights[:, layer].unbind(1)
        if arch.several:
            heads = [(own[3 * h] @ own[3 * h + 1], own[3 * h + 2]) for h in range(len(arch.mask_of))]
        else:
            heads = [(own[0], own[1])]
        layers.append(heads)
    return layers * arch.settings.layers if arch.settings.looped else layers


def predict(arch: Architecture, weights: Tensor, moments: Sequence[Tensor], queries: Tensor) -> Tensor:
    """Predictions (K, w) of linear attention.

    weights : (K, stored, matrices, m, m); moments : S_0 for each mask (K, m, m, w), or (K, m, m, 1) for one context
    queries : the query columns (K, m, w)
    """
    scale = 1 / arch.settings.n
    layers = [[(V, Q * scale) for V, Q in heads] for heads in split(arch, weights)]
    S, z = list(moments), queries
    depth = len(layers)
    carried = max(0, depth - 1 - DEEP[arch.several])
    for heads in layers[:carried]:
        z, S = _carry(arch, heads, S, z)
    layers = layers[carried:]

    def product(k: int, mask: int, v: Tensor) -> Tensor:
        if k == 0:
            return _times(S[mask], v)
        return step(k - 1, product(k - 1, mask, back(k - 1, v)))

    def step(k: int, v: Tensor) -> Tensor:
        total = v
        for (V, Q), mask in zip(layers[k], arch.mask_of, strict=True):
            total = total + V @ product(k, mask, Q @ v)
        return total

    def back(k: int, v: Tensor) -> Tensor:
        """G^T v, with the transposes of S."""
        total = v
        for (V, Q), mask in zip(layers[k], arch.mask_of, strict=True):
            total = total + Q.mT @ turned(k, mask, V.mT @ v)
        return total

    def turned(k: int, mask: int, v: Tensor) -> Tensor:
        if k == 0:
            return _times(S[mask].transpose(1, 2), v)
        return step(k - 1, turned(k - 1, mask, back(k - 1, v)))

    for k in range(len(layers) - 1):
        z = step(k, z)
    k = len(layers) - 1
    out = z[:, arch.row]
    for (V, Q), mask in zip(layers[k], arch.mask_of, strict=True):
        out = out + (V[:, arch.row].unsqueeze(-1) * product(k, mask, Q @ z)).sum(1)
    result: Tensor = arch.readout.sign * out
    return result


def _carry(
    arch: Architecture, heads: Sequence[tuple[Tensor, Tensor]], S: Sequence[Tensor], z: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """One layer on the query columns and on every S, by matrix products."""
    whole = [s.movedim(-1, 1) for s in S]  # (K, w, m, m)
    G = torch.eye(arch.m, dtype=z.dtype, device=z.device)
    for (V, Q), mask in zip(heads, arch.mask_of, strict=True):
        G = G + V.unsqueeze(1) @ whole[mask] @ Q.unsqueeze(1)
    moved = (G @ z.mT.unsqueeze(-1)).squeeze(-1).mT
    return moved, [(G @ s @ G.mT).movedim(1, -1).contiguous() for s in whole]


def attend(arch: Architecture, weights: Tensor, prompts: Tensor) -> Tensor:
    """Predictions (K, w) with the activation, from whole prompts (K, w, m, N), by the attention formula.

    Of the last layer only the query's column and the read-out's row are computed: nothing else is seen.
    """
    Z, K, n, row = prompts, len(prompts), arch.settings.n, arch.row
    _, w, m, N = Z.shape
    M = arch.masks[0].to(Z)
    plain, seen = torch.equal(M, torch.diag(M.diagonal())), M.diagonal()
    layers = [heads[0] for heads in split(arch, weights)]
    over_queries = "softmax-over-queries" in arch.settings.traps
    over_keys = arch.settings.activation == "softmax" and not over_queries

    def masked(values: Tensor) -> Tensor:
        return values * seen if plain else values @ M

    for P, Q in layers[:-1]:
        rows = Z.transpose(1, 2).reshape(K, m, w * N)
        keys, values = ((A @ rows).reshape(K, m, w, N).transpose(1, 2) for A in (Q, P / n))
        if over_keys:
            change: Tensor = _Softmax.apply(Z, keys, masked(values))  # type: ignore[no-untyped-call]
        else:
            change = masked(values) @ activate(arch, Z.mT @ keys)
        Z = Z + change
    P, Q = layers[-1]
    values = masked((P[:, row].reshape(K, 1, m, 1) * Z).sum(-2))
    if over_queries:  # every query's scores count
        column = activate(arch, Z.mT @ (Q.unsqueeze(1) @ Z))[..., -1]
    else:
        asked = Z[..., -1] @ Q.mT
        column = activate(arch, (Z * asked.unsqueeze(-1)).sum(-2).unsqueeze(-1))[..., 0]
    result: Tensor = arch.readout.sign * (Z[..., row, -1] + (values * column).sum(-1) / n)
    return result


def activate(arch: Architecture, scores: Tensor) -> Tensor:
    """What becomes of scores (..., keys, queries)."""
    kind = arch.settings.activation
    if kind == "linear":
        return scores
    if kind == "softmax":
        over_queries = "softmax-over-queries" in arch.settings.traps
        return scores.softmax(dim=-1 if over_queries else -2)
    return FUNCTIONS[kind](scores)
