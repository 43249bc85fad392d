"""The layer with attention patterns in torch: kernels of frozen rows, linear scores under a mask, the shift of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...symbolic.errors import ArgumentError
from ...symbolic.patterns.kernels import KERNELS
from ...symbolic.patterns.layer import Layer
from ...symbolic.patterns.record import SEES
from ...symbolic.plain_text import shown
from ..device import precision
from ..lower import lower_matrix, round_to


def kernel_pattern(kernel: str, X: Tensor, n: int, sees: str = "context") -> Tensor:
    """K (..., N, N) from the features X (..., d, N): a kernel of the scores, zero where the key is not of the context.

    A softmax is over the keys that `sees` lets through, of each query, or over the queries of each key; what is left
    out of it has the weight zero.  Raises `ArgumentError` for a kernel that is not there.
    """
    if kernel not in KERNELS:
        raise ArgumentError(f"kernel is {shown(kernel)}, wanted one of {', '.join(KERNELS)}")
    scores = X.mT[..., :n, :] @ X
    if kernel == "polynomial":
        scores = (1 + scores).square()
    elif kernel == "relu":
        scores = scores.relu()
    elif kernel == "exponential":
        scores = scores.exp()
    elif kernel != "linear":
        if sees != "context":
            seen = torch.tensor([[j < SEES[sees](t + 1, n) for t in range(n + 1)] for j in range(n)], device=X.device)
            scores = scores.masked_fill(~seen, -torch.inf)
        scores = scores.softmax(dim=-2 if kernel == "softmax" else -1)
    return torch.cat([scores, torch.zeros_like(X[..., :1, :])], dim=-2)


@dataclass(frozen=True, eq=False)
class PatternLayer:
    """A layer's matrices in floats, as `Layer` has them; its Q whole, (m, m)."""

    heads: tuple[tuple[Tensor, Tensor | None], ...]
    mask: Tensor
    scale: float
    shift: tuple[Tensor, Tensor] | None
    previous: bool = False

    def __call__(self, Z: Tensor, K: Tensor | None) -> Tensor:
        """Z (..., m, N) after the layer; K : (..., N, N), the pattern of heads without scores."""
        change = torch.zeros_like(Z)
        for V, Q in self.heads:
            A = K if Q is None else Z.mT @ (Q @ Z)
            if A is None:
                raise ArgumentError("K is None, wanted a pattern : (..., N, N), since a head has no scores of its own")
            change = change + V @ (Z @ (A * self.mask))
        Z = Z + change * self.scale
        if self.shift is not None:
            kept, moved = self.shift
            nothing = torch.zeros_like(Z[..., :1])
            beside = torch.cat([nothing, Z[..., :-1]] if self.previous else [Z[..., 1:], nothing], dim=-1)
            Z = kept @ Z + moved @ beside
        return Z


def lowered(layer: Layer, dtype: torch.dtype, device: torch.device) -> PatternLayer:
    """An exact layer in floats, each entry rounded to nearest once."""
    heads = tuple(
        (lower_matrix(V, dtype, device), None if scores is None else lower_matrix(scores.Q, dtype, device))
        for V, scores in layer.heads
    )
    shift = None if layer.shift is None else tuple(lower_matrix(x, dtype, device) for x in layer.shift)
    mask = torch.tensor(np.array(layer.mask), dtype=dtype, device=device)
    scale = round_to(layer.scale.fraction(), precision(dtype))
    return PatternLayer(heads, mask, scale, shift, layer.previous)  # type: ignore[arg-type]


def run(layers: Sequence[PatternLayer], prompts: Tensor, K: Tensor | None) -> np.ndarray:
    """Every state in turn : (L+1, T, m, N) as float64.  prompts : (T, m, N); K : (T, N, N)."""
    states = [prompts]
    with torch.no_grad():
        for layer in layers:
            states.append(layer(states[-1], K))
    return np.asarray(torch.stack(states).to("cpu", torch.float64).numpy())
