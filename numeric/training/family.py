"""How much of a layer is the algorithm's: shares of the interaction tensor, which no gauge changes.

A layer of linear attention is decided by T[mask][i, j, k, l] = sum_h V_h[i, j] Q_h[k, l], symmetrised in (j, k) where
the mask is symmetric: scales between P and Q, heads in another order or mixed, and the sign leave it as it is.  The
algorithm's own tensors, for all preconditioners, span a linear space; the share is the part of ||T||^2 that lies in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import torch
from torch import Tensor

from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.construction import instantiate
from ...symbolic.derivation.derive import derive
from .architecture import Architecture
from .network import split


def interaction(arch: Architecture, heads: Sequence[tuple[Tensor, Tensor]], last: bool) -> Tensor:
    """T of a layer's heads (V, Q), each (K, m, m) : (K, masks, rows, m, m, m).

    last : of the last layer only the read-out's row reaches the output, so only that row is kept
    """
    rows = slice(arch.row, arch.row + 1) if last else slice(None)
    found = []
    for number, mask in enumerate(arch.masks):
        own = [pair for pair, k in zip(heads, arch.mask_of, strict=True) if k == number]
        T = sum(torch.einsum("aij,akl->aijkl", V[:, rows], Q) for V, Q in own)
        assert isinstance(T, Tensor)
        found.append((T + T.transpose(2, 3)) / 2 if torch.equal(mask, mask.T) else T)
    return torch.stack(found, dim=1)


def single(arch: Architecture, layer: int) -> bool:
    """Whether a stored layer acts as the last one only."""
    return layer == arch.stored - 1 and (not arch.settings.looped or arch.settings.layers == 1)


@dataclass(frozen=True, eq=False)
class Family:
    """The algorithm's layers for all preconditioners: an orthonormal basis (r, size) of their tensors."""

    arch: Architecture
    whole: Tensor
    last: Tensor

    def share(self, weights: Tensor) -> Tensor:
        """The part of ||T||^2 that is the algorithm's, averaged over stored layers : (K,), from 0 to 1.

        weights : (K, stored, matrices, m, m)
        """
        shares = []
        for layer, heads in enumerate(split(self.arch, weights)[: self.arch.stored]):
            ends = single(self.arch, layer)
            T = interaction(self.arch, heads, ends).flatten(start_dim=1)
            along = T @ (self.last if ends else self.whole).to(T).mT
            shares.append(along.square().sum(-1) / T.square().sum(-1).clamp_min(torch.finfo(T.dtype).tiny))
        return torch.stack(shares).mean(0)


@lru_cache(maxsize=16)
def family(arch: Architecture) -> Family:
    """The family of an architecture's algorithm."""
    algorithm, space = arch.space.algorithm, arch.space
    derivation = derive(algorithm, space.options)
    d, p, m = space.layout.d, space.layout.p, arch.m
    units: list[tuple[Any, ...]] = []
    for which, name in enumerate(algorithm.preconditioners):
        scalar = name in algorithm.scalar_preconditioners
        for i, j in [(0, 0)] if scalar else product(range(d), repeat=2):
            step: list[Any] = [
                0 if c in algorithm.scalar_preconditioners else [[0] * d for _ in range(d)]
                for c in algorithm.preconditioners
            ]
            if scalar:
                step[which] = 1
            else:
                step[which][i][j] = 1
            units.append(tuple(step))
    tensors: dict[bool, list[Tensor]] = {False: [], True: []}
    for heads in instantiate(derivation, RATIONALS, space.layout, units, space.parameters):
        dense = []
        for head in heads:
            V, Q = torch.zeros(1, m, m, dtype=torch.float64), torch.zeros(1, m, m, dtype=torch.float64)
            V[0, p:, p:] = torch.tensor([[float(x) for x in row] for row in head.U.fractions()])
            Q[0, :p, :p] = torch.tensor([[float(x) for x in row] for row in head.E.fractions()])
            dense.append((V, Q))
        for ends, found in tensors.items():
            found.append(interaction(arch, dense, ends).flatten())
    return Family(arch, _orthonormal(torch.stack(tensors[False])), _orthonormal(torch.stack(tensors[True])))


def _orthonormal(rows: Tensor) -> Tensor:
    """An orthonormal basis of the rows' span: entries are small whole numbers or products of parameters."""
    _, sizes, right = torch.linalg.svd(rows, full_matrices=False)
    basis: Tensor = right[sizes > 1e-9 * float(sizes.max())]
    return basis


def commuting(arch: Architecture, weights: Tensor) -> Tensor:
    """The weights' part in the commutant of the signed permutations, matrix by matrix.

    A block of features by features is a multiple of the identity there, one of features by another row is zero.
    """
    inside = torch.zeros_like(weights)
    for (_, height, moved), (_, width, too) in product(arch.space.blocks, repeat=2):
        rows, columns = slice(height.start, height.stop), slice(width.start, width.stop)
        block = weights[..., rows, columns]
        if not moved and not too:
            inside[..., rows, columns] = block
        elif moved and too:
            mean = block.diagonal(dim1=-2, dim2=-1).mean(-1)
            inside[..., rows, columns] = mean[..., None, None] * torch.eye(len(height)).to(weights)
    return inside


def outside_commutant(arch: Architecture, weights: Tensor) -> Tensor:
    """The part of all matrices' squared norm outside the commutant : (K,)."""
    total = weights.square().flatten(start_dim=1).sum(-1)
    return (weights - commuting(arch, weights)).square().flatten(start_dim=1).sum(-1) / total


def aligned(arch: Architecture, weights: Tensor) -> Tensor:
    """The weights in one gauge: P and Q of equal norm in every head and layer, the sign such that P's read-out corner
    is positive.  (K, stored, matrices, m, m)
    """
    names = list(arch.names)
    result = weights.clone()
    for h in range(len(arch.mask_of)):
        suffix = str(h + 1) if arch.several else ""
        p, q = names.index(f"P{suffix}"), names.index(f"Q{suffix}")
        P, Q = weights[:, :, p], weights[:, :, q]
        sizes = [X.flatten(start_dim=2).norm(dim=-1).clamp_min(1e-30) for X in (P, Q)]
        corner = P[:, :, arch.row, arch.row].sign()
        scale = (sizes[1] / sizes[0]).sqrt() * torch.where(corner == 0, torch.ones_like(corner), corner)
        result[:, :, p], result[:, :, q] = P * scale[..., None, None], Q / scale[..., None, None]
    return result


def blocks(arch: Architecture, weights: Tensor, double_trace: bool = False) -> Mapping[str, Tensor]:
    """The published means of blocks of P and Q of one head, averaged over stored layers, as they are: (K,) each.

    P's read-out corner and the mean of its other entries in absolute value; the mean diagonals of Q's blocks
    phi by phi and phi by phi', and the mean of Q's other entries in absolute value.  `double_trace` adds the published
    number, which subtracts the (negative) trace of phi by phi and so counts it twice.  Signs as in `aligned`.
    """
    if arch.several:
        return {}
    d, m, row = arch.settings.d, arch.m, arch.row
    sign = weights[:, :, 0, row, row].sign()
    P, Q = weights[:, :, 0] * sign[..., None, None], weights[:, :, 1] * sign[..., None, None]
    corner = P[..., row, row]
    here = Q[..., :d, :d].diagonal(dim1=-2, dim2=-1)
    later = Q[..., :d, d : 2 * d].diagonal(dim1=-2, dim2=-1)
    total = Q.abs().sum((-2, -1))
    others = (total - here.abs().sum(-1) - later.abs().sum(-1)) / (m * m - 2 * d)
    found = {
        "P corner": corner,
        "P others": (P.abs().sum((-2, -1)) - corner.abs()) / (m * m - 1),
        "Q phi phi": here.mean(-1),
        "Q phi phi'": later.mean(-1),
        "Q others": others,
    }
    if double_trace:
        found["Q others, as published"] = (total - here.sum(-1) - later.sum(-1)) / (m * m - 2 * d)
    return {name: x.mean(1) for name, x in found.items()}


def balance(arch: Architecture, weights: Tensor) -> tuple[Tensor, Tensor]:
    """||P||^2 - ||Q||^2 over all heads and layers, which gradient flow conserves, and ||P||^2 + ||Q||^2 : (K,) each."""
    sizes = {"P": torch.zeros(len(weights)).to(weights), "Q": torch.zeros(len(weights)).to(weights)}
    for k, name in enumerate(arch.names):
        if name[0] in sizes:
            sizes[name[0]] = sizes[name[0]] + weights[:, :, k].square().flatten(start_dim=1).sum(-1)
    return sizes["P"] - sizes["Q"], sizes["P"] + sizes["Q"]
