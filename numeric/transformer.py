"""Linear attention in torch, with the weights of a construction: batched and differentiable.

A layer is Z + (1/n) sum_h W_h P_h Z M_h Z^T Q_h Z, multiplied from left to right, so that the largest products are
m x N by N x N for the mask and nothing is ever N x N by N x N.  Where the weights leave feature rows as they are, which
is read off their zeros, only the others are computed (`rows.py`), and M X^T once for each distinct mask.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..symbolic.construction import Construction
from ..symbolic.errors import ArgumentError
from ..symbolic.kinds import FLAG, PATH, Kind
from .device import resolve_dtype, torch_device
from .lower import Lowered, lower
from .rows import RowLayers, row_layers, summed

ORDERS = ("keys-first", "scores-first")
"""How a layer's products are bracketed: (Z M Z^T) Q Z, linear in n, or Z M (Z^T Q Z) as softmax attention must."""


WANTED = Kind("a Construction, as lp.construct makes", lambda x: isinstance(x, Construction))


class AttentionHead(nn.Module):
    """The weights of one head: W, P, Q : (m, m) and M : (N, N), as buffers or, when trainable, parameters."""

    W: Tensor
    P: Tensor
    Q: Tensor
    M: Tensor

    def __init__(self, tensors: Mapping[str, Tensor], trainable: bool = False):
        super().__init__()
        for name in ("W", "P", "Q", "M"):
            if trainable:
                self.register_parameter(name, nn.Parameter(tensors[name]))
            else:
                self.register_buffer(name, tensors[name])

    def forward(self, Z: Tensor, order: str = ORDERS[0]) -> Tensor:
        """W P Z M Z^T Q Z, from left to right, or with the scores Z^T Q Z first.  Z : (..., m, N)."""
        if order == ORDERS[1]:
            return self.W @ self.P @ Z @ (self.M @ (Z.mT @ self.Q @ Z))
        return self.W @ self.P @ Z @ self.M @ Z.mT @ self.Q @ Z


class AttentionLayer(nn.Module):
    """One layer of linear attention; `scale` is 1/n."""

    def __init__(self, heads: list[AttentionHead], scale: float):
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.scale = scale

    def forward(self, Z: Tensor, order: str = ORDERS[0]) -> Tensor:
        """Z + scale * (the sum of the heads).  Z : (..., m, N)."""
        if not len(self.heads):
            return Z
        return Z + summed([head(Z, order) for head in self.heads]) * self.scale


class LinearTransformer(nn.Module):
    """An L-layer linear-attention transformer.

    layers        the stored layers: L of them, or one that is applied L times (`looped`)
    features      p, the number of feature rows
    readout_row   the row of Z whose last entry, times `sign`, is the prediction
    order         one of `ORDERS`
    """

    def __init__(self, layers: list[AttentionLayer], depth: int, features: int, readout_row: int, sign: int):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.depth = depth
        self.features = features
        self.readout_row = readout_row
        self.sign = sign
        self.order = ORDERS[0]
        self.construction: Construction | None = None  # what the weights were made from, when they were

    @staticmethod
    def from_construction(
        construction: Construction,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
        trainable: bool = False,
    ) -> LinearTransformer:
        """The transformer whose weights are a construction's, correctly rounded to `dtype`.

        Raises `ArgumentError` where an argument is of another kind, `DeviceError` where there is no such device.
        """
        WANTED.check(construction=construction)
        FLAG.check(trainable=trainable)
        lowered = lower(construction, dtype, torch_device(device))
        return LinearTransformer.from_lowered(construction, lowered, trainable)

    @staticmethod
    def from_pretrained(
        folder: str | os.PathLike[str], device: torch.device | str = "cpu", trainable: bool = False
    ) -> LinearTransformer:
        """The transformer of an export's directory, in the export's dtype; its exact weights are `construction`.

        Raises `ContentError` that names the file and the first difference when its files do not agree.
        """
        from .exported.read import agree, linear, read

        PATH.check(folder=folder)
        device = torch_device(device)
        FLAG.check(trainable=trainable)
        opened = read(folder)
        agree(opened)
        construction = linear(opened.construction, "LinearTransformer is")
        return LinearTransformer.from_construction(
            construction, resolve_dtype(opened.config["dtype"]), device, trainable
        )

    @staticmethod
    def from_lowered(construction: Construction, lowered: Lowered, trainable: bool = False) -> LinearTransformer:
        """The transformer that takes over the tensors of a construction already lowered."""
        stored = [[AttentionHead(t, trainable) for t in heads] for heads in lowered.layers]
        layers = [AttentionLayer(heads, lowered.scale) for heads in stored]
        layout, readout = construction.layout, construction.readout
        row = layout.accumulator(readout.row)
        module = LinearTransformer(layers, construction.depth, layout.p, row, readout.sign)
        module.construction = construction
        return module

    @property
    def evaluation(self) -> str:
        """How the layers run, in words."""
        return f"eager, {self.order}"

    def compiled(self) -> CompiledTransformer:
        """The same layers through torch.compile, which takes seconds the first time."""
        return CompiledTransformer(self)

    def _sequence(self) -> list[AttentionLayer]:
        """The layers in the order in which they are applied, L of them."""
        stored = list(self.layers)
        return stored * self.depth if len(stored) == 1 else stored  # type: ignore[return-value]

    def forward(self, Z: Tensor) -> Tensor:
        """Z_L, the prompt after L layers.  Z : (..., m, N)."""
        # The zeros are read at each call and not once: an edited or loaded weight must never go unseen.
        if (rows := self._row_layers()) is None:
            return self._dense(Z)[-1]
        Y = self._accumulate(rows, Z, every=False)[-1]
        return torch.cat((Z[..., : self.features, :], Y), dim=-2)

    def states(self, Z: Tensor) -> list[Tensor]:
        """Z_0, ..., Z_L : L + 1 tensors (..., m, N)."""
        if (rows := self._row_layers()) is None:
            return self._dense(Z)
        X = Z[..., : self.features, :]
        return [Z, *(torch.cat((X, Y), dim=-2) for Y in self._accumulate(rows, Z)[1:])]

    def rows(self, Z: Tensor) -> Tensor:
        """Y_0, ..., Y_L, the accumulator rows alone: (L + 1, ..., K, N), those of `states` to the last bit.

        Copying the feature rows, which no layer changes, takes several times as long as computing the rest.
        Raises `ArgumentError` where the weights touch feature rows, so that these may change.
        """
        if not any(len(layer.heads) for layer in self.layers):  # type: ignore[arg-type]
            return Z[..., self.features :, :].expand(self.depth + 1, *([-1] * Z.ndim))
        if (rows := self._row_layers()) is None:
            raise ArgumentError("the weights may change feature rows: use states, which has them")
        return self._accumulate(rows, Z)

    def prediction(self, Z: Tensor) -> Tensor:
        """sign * (entry of the read-out row in the query column after L layers).  Z : (..., m, N); result : (...)."""
        if (rows := self._row_layers()) is None:
            return self.sign * self._dense(Z)[-1][..., self.readout_row, -1]
        Y = self._accumulate(rows, Z, every=False)[-1]
        return self.sign * Y[..., self.readout_row - self.features, -1]

    def _dense(self, Z: Tensor) -> list[Tensor]:
        states = [Z]
        for layer in self._sequence():
            states.append(layer(states[-1], self.order))
        return states

    def _row_layers(self) -> RowLayers | None:
        """What frozen weights do to accumulator rows, where they change nothing else."""
        # While training the zeros may go; while tracing for a compiler or an export they cannot be read.
        if torch.compiler.is_compiling() or any(True for _ in self.parameters()):
            return None
        stored = list(self.layers)
        return row_layers(stored, self._sequence(), self.features) if any(len(x.heads) for x in stored) else None  # type: ignore[arg-type]

    def _accumulate(self, rows: RowLayers, Z: Tensor, every: bool = True) -> Tensor:
        """The accumulator rows of a batch of any shape at every state, or only at the last: (L + 1, ..., K, N)."""
        flat = Z.reshape(-1, *Z.shape[-2:])
        result = rows.run(flat[:, : self.features], flat[:, self.features :], self.order == ORDERS[1], every)
        return result.reshape(len(result), *Z.shape[:-2], *result.shape[-2:])


class CompiledTransformer(nn.Module):
    """A `LinearTransformer` whose layers run as one graph of torch.compile."""

    def __init__(self, transformer: LinearTransformer):
        super().__init__()
        self.transformer = transformer
        self.construction = transformer.construction
        self._states = torch.compile(transformer.states, dynamic=False, fullgraph=True)

    def __reduce__(self) -> Any:
        return CompiledTransformer, (self.transformer,)  # a copy is compiled anew

    @property
    def evaluation(self) -> str:
        """How the layers run, in words."""
        return f"torch.compile, {self.transformer.order}"

    def states(self, Z: Tensor) -> list[Tensor]:
        """Z_0, ..., Z_L : L + 1 tensors (..., m, N)."""
        result: list[Tensor] = self._states(Z)
        return result

    def prediction(self, Z: Tensor) -> Tensor:
        """sign * (entry of the read-out row in the query column after L layers).  Z : (..., m, N); result : (...)."""
        return self.transformer.sign * self.states(Z)[-1][..., self.transformer.readout_row, -1]
