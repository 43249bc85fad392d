"""The layer with attention patterns in torch: kernels of frozen rows, linear scores under a mask, the shift of rows.

A layer touches what it has to: the rows that V reads and those that it writes, the tokens that are keys of any, the
rows that the shift moves.  Patterns are kept with the keys of each query together in memory, and masked once for layers
in a row that are one lowered layer, or whose keys all queries share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

Rows = slice | list[int]


def kernel_pattern(kernel: str, X: Tensor, n: int, sees: str = "context") -> Tensor:
    """K (..., N, N) from the features X (..., d, N): a kernel of the scores, zero where the key is not of the context.

    A softmax is over the keys that `sees` lets through, of each query, or over the queries of each key; what is left
    out of it has the weight zero.  Raises `ArgumentError` for a kernel that is not there.
    """
    if kernel not in KERNELS:
        raise ArgumentError(f"kernel is {shown(kernel)}, wanted one of {', '.join(KERNELS)}")
    if kernel.startswith("softmax"):
        return _softmax(X, n, sees, over_keys=kernel == "softmax").mT
    scores = X.mT @ X  # of each query, its keys in a row: K transposed
    if kernel == "polynomial":
        scores = (1 + scores).square()
    elif kernel == "relu":
        scores = scores.relu()
    elif kernel == "exponential":
        scores = scores.exp()
    scores[..., n] = 0
    return scores.mT


def _softmax(X: Tensor, n: int, sees: str, over_keys: bool) -> Tensor:
    """Softmax weights (..., N, N), the keys of a query in a row; what is no key has the weight zero."""
    unseen = np.array([[-np.inf if j >= SEES[sees](t + 1, n) else 0.0 for j in range(n + 1)] for t in range(n + 1)])
    if not over_keys:
        unseen[:, n] = 0.0  # all of a column that is no key: no softmax is over nothing
    bias = torch.tensor(unseen, dtype=X.dtype, device=X.device)
    flat = X.reshape(-1, *X.shape[-2:])
    weights = torch.baddbmm(bias, flat.mT, flat).softmax(dim=-1 if over_keys else -2)
    if not over_keys:
        weights[..., n] = 0
    return weights.reshape(*X.shape[:-2], n + 1, n + 1)


@dataclass(frozen=True, eq=False)
class _Head:
    """V in the rows that it writes and reads; Q in those that it reads of keys and of queries, or None."""

    V: Tensor
    written: Rows
    read: Rows
    Q: Tensor | None
    of_key: Rows
    of_query: Rows


@dataclass(frozen=True, eq=False)
class PatternLayer:
    """A layer's matrices in floats, as `Layer` has them, cut to the rows that are not zero.

    keys  the number of tokens that are keys of any other, the first ones
    mask  None where they are keys of all, else their mask : (keys, N)
    shift None, or (rows that it writes, what it keeps of all rows there, the rows that it reads, what it moves of them)
    """

    heads: tuple[_Head, ...]
    keys: int
    mask: Tensor | None
    scale: float
    shift: tuple[Rows, Tensor | None, Rows, Tensor] | None
    previous: bool = False

    def masked(self, K: Tensor | None) -> Tensor | None:
        """The pattern of heads without scores under the mask, (..., keys, N): the same for all layers of one mask."""
        if K is None or all(head.Q is not None for head in self.heads):
            return None
        K = K[..., : self.keys, :]
        return K if self.mask is None else (K.mT * self.mask.mT).mT

    def __call__(self, Z: Tensor, K: Tensor | None) -> Tensor:
        """Z (..., m, N) after the layer; K : (..., N, N), the pattern of heads without scores."""
        return self.after(Z, self.masked(K))

    def after(self, Z: Tensor, masked: Tensor | None) -> Tensor:
        """Z (..., m, N) after the layer; masked : (..., keys, N), what `masked` made of the pattern."""
        out = Z.clone()
        for head in self.heads:
            values = head.V @ Z[..., head.read, : self.keys]
            if head.Q is None:
                if masked is None:
                    raise ArgumentError(
                        "K is None, wanted a pattern : (..., N, N), since a head has no scores of its own"
                    )
                change = (masked.mT @ values.mT).mT
            else:
                keys, queries = Z[..., head.of_key, : self.keys], head.Q @ Z[..., head.of_query, :]
                under = None if self.mask is None else keys.mT @ queries * self.mask
                change = values @ keys.mT @ queries if under is None else values @ under
            out[..., head.written, :] += change if self.scale == 1 else change * self.scale
        if self.shift is not None:
            written, kept, read, moved = self.shift
            beside = moved @ out[..., read, :]
            stays = torch.zeros_like(beside) if kept is None else kept @ out
            if self.previous:
                stays[..., 1:] += beside[..., :-1]
            else:
                stays[..., :-1] += beside[..., 1:]
            out[..., written, :] = stays
        return out


def lowered(layer: Layer, dtype: torch.dtype, device: torch.device) -> PatternLayer:
    """An exact layer in floats, each entry rounded to nearest once."""

    def cut(matrix: Tensor) -> tuple[Tensor, list[int], list[int]]:
        rows, columns = (torch.nonzero(matrix.abs().sum(dim=k)).flatten().tolist() for k in (1, 0))
        return matrix[rows][:, columns], rows, columns

    heads = []
    for V, scores in layer.heads:
        values, written, read = cut(lower_matrix(V, dtype, device))
        Q, of_key, of_query = (None, [], []) if scores is None else cut(lower_matrix(scores.Q, dtype, device))
        heads.append(_Head(values, _rows(written), _rows(read), Q, _rows(of_key), _rows(of_query)))
    shift = None
    if layer.shift is not None:
        kept, moved = (lower_matrix(x, dtype, device) for x in layer.shift)
        size = kept.shape[0]
        plain = torch.eye(size, dtype=dtype, device=device)
        rows = [i for i in range(size) if not torch.equal(kept[i], plain[i]) or bool(moved[i].any())]
        some, columns = kept[rows], torch.nonzero(moved.abs().sum(dim=0)).flatten().tolist()
        shift = _rows(rows), some if bool(some.any()) else None, _rows(columns), moved[rows][:, columns]
    mask = np.array(layer.mask)
    keys = int(np.flatnonzero(mask.any(axis=1)).max(initial=-1)) + 1
    shared = bool(mask[:keys].all())
    scale = round_to(layer.scale.fraction(), precision(dtype))
    under = None if shared else torch.tensor(mask[:keys], dtype=dtype, device=device)
    return PatternLayer(tuple(heads), keys, under, scale, shift, layer.previous)


def _rows(rows: list[int]) -> Rows:
    """Neighbouring rows as a slice, which is a view."""
    return slice(rows[0], rows[-1] + 1) if rows and rows == list(range(rows[0], rows[-1] + 1)) else rows


def states_of(layers: Sequence[PatternLayer], prompts: Tensor, K: Tensor | None) -> Iterator[Tensor]:
    """Z (T, m, N) after each layer, the prompts first.  K : (T, N, N)."""
    Z, under, masked = prompts, None, None
    yield Z
    for layer in layers:
        if under is None or layer.mask is not under.mask or layer.keys != under.keys:
            under, masked = layer, layer.masked(K)
        Z = layer.after(Z, masked)
        yield Z


def run(layers: Sequence[PatternLayer], prompts: Tensor, K: Tensor | None) -> np.ndarray:
    """Every state in turn : (L+1, T, m, N) as float64.  prompts : (T, m, N); K : (T, N, N)."""
    with torch.no_grad():
        states = list(states_of(layers, prompts, K))
    return np.asarray(torch.stack(states).to("cpu", torch.float64).numpy())
