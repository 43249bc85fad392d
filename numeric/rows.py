"""Layers on the accumulator rows alone, where the weights of every head leave feature rows as they are.

Read off its zeros, a head is an accumulator head, W P = diag(0, U) and Q = diag(E, 0), which adds U (Y M X^T) E X, or a
tokenwise one, over a constant row, W P = [[0, 0], [U, 0]] and Q = [[0, E], [0, 0]], which adds (U X M X^T E) Y.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CHUNK = 256
"""Prompts that run together on a CPU: few enough for their matrices to stay in its cache."""


@dataclass(frozen=True, eq=False)
class Head:
    """One head on accumulator rows: U : (K, K) and E : (p, p), tokenwise (K, p) and (p, K), and its mask's number."""

    U: Tensor
    E: Tensor
    mask: int


@dataclass(frozen=True, eq=False)
class Layer:
    """The heads of a layer by their kind, and its scale 1/n."""

    heads: tuple[Head, ...]
    tokenwise: tuple[Head, ...]
    scale: float


@dataclass(frozen=True, eq=False)
class RowLayers:
    """Layers in the order in which they are applied, and their distinct masks : (N, N)."""

    layers: tuple[Layer, ...]
    masks: tuple[Tensor, ...]

    def run(self, X: Tensor, Y: Tensor, scores_first: bool, every: bool = True) -> Tensor:
        """The accumulator rows before the first layer and after each, (L + 1, B, K, N), `CHUNK` prompts at a time.

        X : (B, p, N) and Y : (B, K, N); every : whether all are asked for, or only the last of them, (1, B, K, N)
        """
        masks, depth = list(self.masks), len(self.layers)
        if not scores_first:
            masks = [M.diagonal() if torch.equal(M, M.diagonal().diag_embed()) else M for M in masks]
        layer_by_layer: Callable[..., list[Tensor]] = run_scores_first if scores_first else run_keys_first
        size = CHUNK if X.device.type == "cpu" else max(len(X), 1)
        parts = zip(torch.split(X, size), torch.split(Y, size), strict=True)
        held = (X, Y, *masks, *(w for x in self.layers for h in (*x.heads, *x.tokenwise) for w in (h.U, h.E)))
        if any(w.requires_grad for w in held):  # no result may be written into a tensor made before
            chunks = [torch.stack([y, *layer_by_layer(x, y, self.layers, masks)]) for x, y in parts]
            result = torch.cat(chunks, dim=1)
            return result if every else result[-1:]
        kept = Y.new_empty(depth + 1 if every else 2, *Y.shape)  # of a layer and the one before it, or of all
        for (x, y), into in zip(parts, torch.split(kept, size, dim=1), strict=True):
            into[0] = y
            layer_by_layer(x, y, self.layers, masks, [into[number % len(kept)] for number in range(1, depth + 1)])
        return kept if every else kept[depth % 2 :][:1]


def row_layers(stored: Sequence[Any], sequence: Sequence[Any], p: int) -> RowLayers | None:
    """What layers do to accumulator rows; None where a head may change a feature row, or reads them in two places.

    stored, sequence : layers with `heads`, with W, P, Q and M each, and `scale`: those there are, and as applied
    p                : the number of feature rows
    """
    every = [h for layer in stored for h in layer.heads]
    products = torch.stack([h.W for h in every]) @ torch.stack([h.P for h in every])
    Q = torch.stack([h.Q for h in every])
    blocks = (products[:, :p], Q[:, p:], products[:, p:, p:], products[:, p:, :p], Q[:, :p, :p], Q[:, :p, p:])
    used = torch.stack([block.flatten(1).count_nonzero(1) for block in blocks], dim=1).ne(0).tolist()
    read = iter(zip(products, used, strict=True))
    masks: list[Tensor] = []
    ready: dict[int, Layer] = {}
    for layer in stored:
        heads: list[Head] = []
        tokenwise: list[Head] = []
        for h in layer.heads:
            product, (writes, other, moving, fixed, linear, mixing) = next(read)
            if writes or other or ((moving or linear) and (fixed or mixing)):
                return None
            which = next((i for i, M in enumerate(masks) if torch.equal(M, h.M)), len(masks))
            if which == len(masks):
                masks.append(h.M)
            if fixed or mixing:
                tokenwise.append(Head(product[p:, :p], h.Q[:p, p:], which))
            else:
                heads.append(Head(product[p:, p:], h.Q[:p, :p], which))
        ready[id(layer)] = Layer(tuple(heads), tuple(tokenwise), layer.scale)
    return RowLayers(tuple(ready[id(layer)] for layer in sequence), tuple(masks))


def run_keys_first(
    X: Tensor, Y: Tensor, layers: Sequence[Layer], masks: Sequence[Tensor], into: Sequence[Tensor] = ()
) -> list[Tensor]:
    """Y + (scale * sum_h U_h (Y (M_h X^T)) E_h) X + (scale * sum_h U_h (X (M_h X^T)) E_h) Y, layer by layer.

    Y (M X^T) for all masks is one product, and K x p is what the heads' own matrices meet.
    masks : (N, N) each, or (N,) for a diagonal one, whose other products are zeros
    into  : a tensor a layer that takes its rows, if any
    """
    (B, p, N), result = X.shape, []
    X, Y = X.contiguous(), Y.contiguous()
    products = [X * M if M.ndim == 1 else (X.reshape(-1, N) @ M.mT).reshape(B, p, N) for M in masks]
    keys = torch.cat(products, dim=1).mT if products else X.mT
    gram = X @ keys if any(layer.tokenwise for layer in layers) else X
    for number, layer in enumerate(layers):
        changes = []
        if layer.heads:
            met = Y @ keys
            parts = [_times(h.U, met[..., p * h.mask : p * (h.mask + 1)]) @ h.E for h in layer.heads]
            changes.append((summed(parts) * layer.scale) @ X)
        if layer.tokenwise:
            mixed = [h.U @ gram[..., p * h.mask : p * (h.mask + 1)] @ h.E for h in layer.tokenwise]
            changes.append((summed(mixed) * layer.scale) @ Y)
        Y = _added(Y, changes, into[number] if into else None)
        result.append(Y)
    return result


def run_scores_first(
    X: Tensor, Y: Tensor, layers: Sequence[Layer], masks: Sequence[Tensor], into: Sequence[Tensor] = ()
) -> list[Tensor]:
    """The same with the scores X^T E X, or X^T E Y, first, as softmax attention must have them: masks : (N, N) each."""
    result = []
    for number, layer in enumerate(layers):
        parts = [h.U @ Y @ (masks[h.mask] @ (X.mT @ h.E @ X)) for h in layer.heads]
        parts += [h.U @ X @ (masks[h.mask] @ (X.mT @ h.E @ Y)) for h in layer.tokenwise]
        Y = _added(Y, [summed(parts) * layer.scale] if parts else [], into[number] if into else None)
        result.append(Y)
    return result


def _added(Y: Tensor, changes: Sequence[Tensor], out: Tensor | None) -> Tensor:
    """Y and what is added to it, in `out` if there is one."""
    if changes:
        return torch.add(Y, summed(changes), out=out)
    return Y if out is None else out.copy_(Y)


def summed(terms: Sequence[Tensor]) -> Tensor:
    """The sum, from the first to the last."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _times(U: Tensor, rows: Tensor) -> Tensor:
    """U @ rows; a single accumulator row is multiplied by a number."""
    return rows * U[0, 0] if len(U) == 1 else U @ rows
