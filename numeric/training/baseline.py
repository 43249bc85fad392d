"""The algorithm itself with C = alpha I, its step alpha trained alongside by the same loss, as published.

Feature rows never change, so only Omega with Y_l = Y_0 + Omega_l X is carried, and its derivative in alpha beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .architecture import Architecture
from .outer_update import flat


@dataclass(frozen=True, eq=False)
class Baseline:
    """U (K_acc, K_acc), E (p, p) and the mask's number of each head at C = I."""

    arch: Architecture
    heads: tuple[tuple[Tensor, Tensor, int], ...]

    @staticmethod
    def of(arch: Architecture, like: Tensor) -> Baseline:
        """The heads of the algorithm's own weights, in the dtype and on the device of `like`."""
        space, p, m = arch.space, arch.space.layout.p, arch.m
        point = flat(arch.own()).reshape(space.stored, -1, m, m)[0]
        heads = []
        for h, mask in enumerate(arch.mask_of):
            V, Q = (point[3 * h] @ point[3 * h + 1], point[3 * h + 2]) if arch.several else (point[0], point[1])
            heads.append((V[p:, p:].to(like), Q[:p, :p].to(like), mask))
        return Baseline(arch, tuple(heads))

    def predict(self, alpha: Tensor, moments: Sequence[Tensor], queries: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions (K, w) at steps alpha (K,), and their derivatives in alpha."""
        p, n = self.arch.space.layout.p, self.arch.settings.n
        X, Y = [S[:, :p, :p] for S in moments], [S[:, p:, :p] for S in moments]
        w = moments[0].shape[-1]
        omega = torch.zeros(len(alpha), self.arch.m - p, p, w, dtype=alpha.dtype, device=alpha.device)
        slope = omega
        step = (alpha / n).reshape(-1, 1, 1, 1)
        for _ in range(self.arch.settings.layers):
            change, turn = torch.zeros_like(omega), torch.zeros_like(omega)
            for U, E, mask in self.heads:
                change = change + _both(U, Y[mask] + _product(omega, X[mask]), E)
                turn = turn + _both(U, _product(slope, X[mask]), E)
            omega, slope = omega + step * change, slope + step * turn + change / n
        row, sign = self.arch.row - p, self.arch.readout.sign
        out = queries[:, self.arch.row] + (omega[:, row] * queries[:, :p]).sum(1)
        return sign * out, sign * (slope[:, row] * queries[:, :p]).sum(1)


def _product(omega: Tensor, X: Tensor) -> Tensor:
    """Omega X for each prompt: (K, a, p, w) and (K, p, p, w)."""
    return torch.stack([(row.unsqueeze(2) * X).sum(1) for row in omega.unbind(1)], dim=1)


def _both(U: Tensor, inner: Tensor, E: Tensor) -> Tensor:
    """U inner E for each prompt."""
    K, a, p, w = inner.shape
    right = E.mT @ inner.reshape(K * a, p, w)
    return (U @ right.reshape(K, a, p * w)).reshape(K, a, p, w)
