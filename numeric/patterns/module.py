"""Layers that attend by patterns as a module in torch, with the tensors' names of their files."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...symbolic.kinds import Kind
from ...symbolic.patterns.construction import PatternConstruction
from ..device import precision
from ..files.tensor_files import wanted_tensors
from ..lower import round_to

WANTED = Kind("a PatternConstruction, as lp.construct_pattern makes", lambda x: isinstance(x, PatternConstruction))


class PatternTransformer(nn.Module):
    """Z : (..., m, n + 1) to Z_1, ..., Z_L; its buffers are the rounded weights, and nothing in it is trained."""

    mask: Tensor

    def __init__(self, construction: PatternConstruction, dtype: str = "float64"):
        super().__init__()
        WANTED.check(construction=construction)
        c = self.construction = construction
        stored = wanted_tensors(c, dtype)
        self.register_buffer("mask", stored.pop("mask"))
        for name, tensor in stored.items():
            at: nn.Module = self
            *path, last = name.split(".")
            for part in path:
                if part not in at._modules:
                    at.add_module(part, nn.Module())
                at = at.get_submodule(part)
            at.register_buffer(last, tensor)
        self.depth, self.looped, self.kernel = c.depth, c.looped, c.kernel
        self.mask_first, self.previous = c.mask_first, c.shift_from == "previous"
        names = [name for name, size in c.rows for _ in range(size)]
        self.scored = [i for i, name in enumerate(names) if c.kernel and name == c.scored]
        self.keys = int(self.mask.any(dim=1).sum()) if not c.mask_first else c.n + 1
        self.scored_by = [[scores is not None for _, scores in layer.heads] for layer in c.layers]
        self.shifted = bool(c.shift_from)
        self.scale = round_to(c.layers[0].scale.fraction(), precision(self.mask.dtype))

    def pattern(self, Z: Tensor) -> Tensor:
        """K (..., N, N): what heads without scores attend by, zero where the key is under the mask."""
        X = Z[..., self.scored, :]
        scores, mask = X.mT @ X, self.mask
        if self.mask_first:
            scores, mask = scores * mask, torch.ones_like(mask)
        if self.kernel == "linear":
            return scores * mask
        if self.kernel == "polynomial":
            return (1 + scores).square() * mask
        if self.kernel == "relu":
            return scores.relu() * mask
        if self.kernel == "exponential":
            return scores.exp() * mask
        seen = mask[: self.keys] > 0
        weights = scores[..., : self.keys, :].masked_fill(~seen, -torch.inf)
        weights = weights.softmax(dim=-2 if self.kernel == "softmax" else -1)
        return torch.cat([weights, torch.zeros_like(scores[..., self.keys :, :])], dim=-2)

    def forward(self, Z: Tensor) -> tuple[Tensor, ...]:
        """The state after each layer; the prompt's rows, and which of them layers write, are in config.json."""
        K = self.pattern(Z) if self.kernel else None
        states = []
        for number in range(self.depth):
            Z = self._layer(Z, K, 0 if self.looped else number)
            states.append(Z)
        return tuple(states)

    def _layer(self, Z: Tensor, K: Tensor | None, stored: int) -> Tensor:
        change = torch.zeros_like(Z)
        for h in range(len(self.scored_by[stored])):
            at = f"layers.{stored}.heads.{h}"
            A = K if K is not None and not self.scored_by[stored][h] else self._scores(Z, at)
            change = change + self.get_buffer(f"{at}.V") @ (Z @ A)
        Z = Z + change * self.scale
        if self.shifted:
            nothing, at = torch.zeros_like(Z[..., :1]), f"layers.{stored}.shift"
            beside = torch.cat([nothing, Z[..., :-1]] if self.previous else [Z[..., 1:], nothing], dim=-1)
            Z = self.get_buffer(f"{at}.kept") @ Z + self.get_buffer(f"{at}.moved") @ beside
        return Z

    def _scores(self, Z: Tensor, head: str) -> Tensor:
        return (Z.mT @ (self.get_buffer(f"{head}.Q") @ Z)) * self.mask
