"""The transformer as a `torch.export` archive, without what tells of the machine that made it.

torch writes the archive's members with a fixed time; what varies is in the graph: each node keeps the stack trace of
the code that made it, with paths and lines.  Those are taken out, so the same torch gives the same bytes anywhere.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ...symbolic.construction import Construction
from ...symbolic.patterns.construction import PatternConstruction
from ..device import resolve_dtype
from ..patterns.module import PatternTransformer
from ..transformer import LinearTransformer

_TRACES = ("stack_trace", "nn_module_stack", "torch_fn", "source_fn_stack", "from_node")


class _Whole(nn.Module):
    """What is exported: Z to (prediction, Z_1, ..., Z_L), with the tensors' names of the safetensors file."""

    def __init__(self, model: LinearTransformer):
        super().__init__()
        self.layers, self.depth = model.layers, model.depth
        self.row, self.sign = model.readout_row, model.sign

    def forward(self, Z: Tensor) -> tuple[Tensor, ...]:
        """Z : (batch, m, n + 1); the prediction : (batch,)."""
        states = [Z]
        for number in range(self.depth):
            layer = self.layers[0 if len(self.layers) == 1 else number]
            states.append(layer(states[-1]))
        return self.sign * states[-1][:, self.row, -1], *states[1:]


def archive(construction: Construction | PatternConstruction, dtype: str) -> bytes:
    """The archive's bytes: batch dynamic, n fixed.  Of layers that attend by patterns it gives Z_1, ..., Z_L alone."""
    whole: nn.Module
    if isinstance(construction, PatternConstruction):
        whole, m, n = PatternTransformer(construction, dtype), construction.m, construction.n
    else:
        whole = _Whole(LinearTransformer.from_construction(construction, resolve_dtype(dtype)))
        m, n = construction.layout.m, construction.layout.n
    Z = torch.zeros(2, m, n + 1, dtype=resolve_dtype(dtype))
    program = torch.export.export(whole, (Z,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    for module in program.graph_module.modules():
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            for name in _TRACES:
                node.meta.pop(name, None)
    program._example_inputs = None  # a sample prompt would be stored as a pickle
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()


def differences(content: bytes, wanted: bytes) -> Iterator[str]:
    """The members in which an archive differs from the one made from the weights, told without unpacking either."""
    if content == wanted:
        return
    have, want = _members(content), _members(wanted)
    for name in [*want, *(k for k in have if k not in want)]:
        if have.get(name) != want.get(name):
            yield f"member {ascii(name)[1:-1]:.80} differs"
    yield "its bytes differ from those made from the weights"


def _members(content: bytes) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return {x.filename: (x.file_size, x.CRC) for x in file.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return {}
