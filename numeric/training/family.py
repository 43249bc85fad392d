"""How much of a layer is the algorithm's: shares of the interaction tensor, which no gauge changes.

A layer of linear attention is decided by T[mask][i, j, k, l] = sum_h V_h[i, j] Q_h[k, l], symmetrised in (j, k) where
the mask is symmetric: scales between P and Q, heads in another order or mixed, and the sign leave it as it is.  The
algorithm's own tensors, for all preconditioners, span a linear space; the share is the part of ||T||^2 that lies in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from itertools import product

import torch
from torch import Tensor

from ...symbolic.derivation.coefficients import LENGTH
from ...symbolic.derivation.derive import derive
from ...symbolic.derivation.factor import SymbolicHead
from ...symbolic.derivation.masks import evaluate
from .architecture import Architecture
from .network import split

Heads = Sequence[tuple[Tensor, Tensor]]
Entries = list[tuple[int, int, float]]


def single(arch: Architecture, layer: int) -> bool:
    """Whether a stored layer acts as the last one only."""
    return layer == arch.stored - 1 and (not arch.settings.looped or arch.settings.layers == 1)


@dataclass(frozen=True, eq=False)
class Part:
    """What the algorithm's heads of one value matrix V (m, m) give T, for each unit u of its preconditioners.

    mask : the number of the heads' mask;  Q : (unit, place, entry) of the score matrices (m, m), row by row
    """

    mask: int
    V: Tensor
    Q: Entries
    units: int

    @cached_property
    def columns(self) -> tuple[Tensor, Tensor]:
        """Q as tensors: (2, count) and (count,)."""
        return _columns(self.Q)


@dataclass(frozen=True, eq=False)
class Family:
    """The algorithm's layers for all preconditioners, and what makes their tensors orthonormal: (units, r) each.

    T has m^4 entries and is never written out: with A = V, B = Q of one head and A', B' of another of its mask,
        <A x B, A' x B'> = <A, A'> <B, B'>, symmetrised in (j, k) (<A, A'> <B, B'> + <A^T A' B, B'>) / 2.
    """

    arch: Architecture
    parts: tuple[Part, ...]
    whole: Tensor
    last: Tensor

    def share(self, weights: Tensor) -> Tensor:
        """The part of ||T||^2 that is the algorithm's, averaged over stored layers : (K,), from 0 to 1.

        weights : (K, stored, matrices, m, m), on any device: it is worked out in float64 on the CPU
        """
        shares = []
        for layer, heads in enumerate(split(self.arch, weights.cpu().double())[: self.arch.stored]):
            ends = single(self.arch, layer)
            along = self._products(heads, ends) @ (self.last if ends else self.whole)
            size = inner(self.arch, heads, heads, ends)
            shares.append(along.square().sum(-1) / size.clamp_min(torch.finfo(size.dtype).tiny))
        return torch.stack(shares).mean(0).to(weights)

    def _products(self, heads: Heads, last: bool) -> Tensor:
        """<T, T_u> with the layer's T, for each unit u : (K, units)."""
        total = torch.zeros(len(heads[0][0]), self.parts[0].units, dtype=torch.float64)
        for part in self.parts:
            (units, places), x = part.columns
            for (V, Q), mask in zip(heads, self.arch.mask_of, strict=True):
                if mask == part.mask:
                    against = _against(self.arch, mask, V, Q, part.V, last).flatten(start_dim=1)
                    total.index_add_(1, units, against[:, places] * x)
        return total


def _against(arch: Architecture, mask: int, V: Tensor, Q: Tensor, other: Tensor, last: bool) -> Tensor:
    """The matrix (..., m, m) whose product with Q' is <T, T'>, T of the head (V, Q) and T' of (`other`, Q')."""
    rows = _rows(arch, last)
    A, B = V[..., rows, :], other[..., rows, :]
    plain = (A * B).sum((-2, -1), keepdim=True) * Q
    return (plain + A.mT @ B @ Q) / 2 if arch.symmetric[mask] else plain


def inner(arch: Architecture, heads: Heads, others: Heads, last: bool) -> Tensor:
    """<T, T'> of two layers' heads (V, Q), (..., m, m) each.

    last : of the last layer only the read-out's row reaches the output, so only that row is kept
    """
    total = torch.zeros(())
    for (V, Q), mask in zip(heads, arch.mask_of, strict=True):
        for (A, B), other in zip(others, arch.mask_of, strict=True):
            if mask == other:
                total = total + (_against(arch, mask, V, Q, A, last) * B).sum((-2, -1))
    return total


def _rows(arch: Architecture, last: bool) -> slice:
    return slice(arch.row, arch.row + 1) if last else slice(None)


@lru_cache(maxsize=16)
def family(arch: Architecture) -> Family:
    """The family of an algorithm: a unit for each entry of a matrix C and for each step that is a number."""
    algorithm, layout, d = arch.space.algorithm, arch.space.layout, arch.space.layout.d
    scalars = algorithm.scalar_preconditioners
    matrices = [name for name in algorithm.preconditioners if name not in scalars]
    entries = {unit: k for k, unit in enumerate(product(matrices, range(d), range(d)))}
    placed: dict[tuple[int, tuple[float, ...]], Entries] = {}
    for one in ("", *scalars):
        known = {**arch.space.parameters, **{name: Fraction(name == one) for name in scalars},
                 LENGTH: Fraction(layout.n)}  # fmt: skip
        value = partial(evaluate, values=known, number=Fraction)
        units = [len(entries) + scalars.index(one)] if one else list(entries.values())
        for head, mask in zip(derive(algorithm, arch.space.options).heads, arch.mask_of, strict=True):
            assert isinstance(head, SymbolicHead)
            V = torch.zeros(arch.m, arch.m, dtype=torch.float64)
            for (written, read), c in head.U.items():
                V[layout.accumulator(written), layout.accumulator(read)] = float(value(c))
            part = placed.setdefault((mask, tuple(V.flatten().tolist())), [])
            for (r, word, s), c in head.E.items():
                rows, columns, x = layout.block(r), layout.block(s), float(value(c))
                if not word:
                    part += [(u, i * arch.m + j, x) for u in units for i, j in zip(rows, columns, strict=True)]
                elif not one:
                    ((name, flipped),) = word
                    for i, j in product(range(d), repeat=2):
                        unit = entries[(name, j, i) if flipped else (name, i, j)]
                        part.append((unit, rows[i] * arch.m + columns[j], x))
    count = len(entries) + len(scalars)
    parts = tuple(
        Part(mask, torch.tensor(V, dtype=torch.float64).reshape(arch.m, arch.m), part, count)
        for (mask, V), part in placed.items()
    )
    return Family(arch, parts, *(_orthonormal(_gram(arch, parts, last)) for last in (False, True)))


def _gram(arch: Architecture, parts: Sequence[Part], last: bool) -> Tensor:
    """<T_u, T_v> of all units: A^T A' B is zero for them, as V reads accumulators and Q features."""
    rows = _rows(arch, last)
    total = torch.zeros(parts[0].units, parts[0].units, dtype=torch.float64)
    for one, other in product(parts, repeat=2):
        if one.mask != other.mask:
            continue
        size = float((one.V[rows] * other.V[rows]).sum()) / (2 if arch.symmetric[one.mask] else 1)
        there: dict[int, list[tuple[int, float]]] = {}
        for unit, place, x in other.Q:
            there.setdefault(place, []).append((unit, x))
        meet = [(u, v, size * x * y) for u, place, x in one.Q for v, y in there.get(place, [])]
        if meet:
            at, values = _columns(meet)
            total.index_put_((at[0], at[1]), values, accumulate=True)
    return total


def _columns(entries: Sequence[tuple[int, int, float]]) -> tuple[Tensor, Tensor]:
    """Places (2, count) and values (count,)."""
    at = torch.tensor([entry[:2] for entry in entries], dtype=torch.long).reshape(-1, 2).mT
    return at, torch.tensor([x for *_, x in entries], dtype=torch.float64)


def _orthonormal(gram: Tensor) -> Tensor:
    """Coefficients (units, r) of an orthonormal basis of the units' span.

    Entries of T are small whole numbers or products of parameters; units that meet in no entry are orthogonal already.
    """
    sizes = gram.diagonal()
    if torch.equal(gram, torch.diag(sizes)):
        return torch.diag(sizes.rsqrt())[:, sizes > 0]
    sizes, vectors = torch.linalg.eigh(gram)
    inside = sizes > 1e-10 * float(sizes.max())
    basis: Tensor = vectors[:, inside] * sizes[inside].rsqrt()
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
    means = {
        "P corner": corner,
        "P others": (P.abs().sum((-2, -1)) - corner.abs()) / (m * m - 1),
        "Q phi phi": here.mean(-1),
        "Q phi phi'": later.mean(-1),
        "Q others": others,
    }
    if double_trace:
        means["Q others, as published"] = (total - here.sum(-1) - later.sum(-1)) / (m * m - 2 * d)
    return {name: x.mean(1) for name, x in means.items()}


def balance(arch: Architecture, weights: Tensor) -> tuple[Tensor, Tensor]:
    """||P||^2 - ||Q||^2 over all heads and layers, which gradient flow conserves, and ||P||^2 + ||Q||^2 : (K,) each."""
    sizes = {"P": torch.zeros(len(weights)).to(weights), "Q": torch.zeros(len(weights)).to(weights)}
    for k, name in enumerate(arch.names):
        if name[0] in sizes:
            sizes[name[0]] = sizes[name[0]] + weights[:, :, k].square().flatten(start_dim=1).sum(-1)
    return sizes["P"] - sizes["Q"], sizes["P"] + sizes["Q"]
