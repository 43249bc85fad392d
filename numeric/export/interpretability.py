"""The weights under the names and shapes that users of TransformerLens know, and what has no place there.

TransformerLens keeps the residual stream as x : (batch, position, d_model).  Here d_model = m, x is Z transposed, the
coordinates are the prompt's named rows, and a head has d_head = m:

    blocks.l.attn.W_Q : (heads, m, m)  Q^T         q = x W_Q
    blocks.l.attn.W_K : (heads, m, m)  identity    k = x W_K, scores[t, j] = q_t . k_j = z_j^T Q z_t
    blocks.l.attn.W_V : (heads, m, m)  P^T         v = x W_V
    blocks.l.attn.W_O : (heads, m, m)  W^T         out = sum_h z W_O, z = pattern v
    unembed.W_U       : (m, 1)         sign in the read-out row, zero elsewhere; read it at the last position

so the query/key circuit W_Q W_K^T is Q^T and the value/output circuit W_V W_O is (W P)^T, entry by entry, nothing
rounded on the way.  Biases are there and zero.  `NOT_MAPPED` says what cannot be: a HookedTransformer, which applies a
softmax, does not run these weights; `run_with_cache` here does, under its names for activations.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError
from ...symbolic.kinds import PATH, TEXT
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.plain_text import shown
from ..device import resolve_dtype
from ..exported.read import linear
from ..files.tensor_files import wanted_tensors
from .load import Loaded, load

NOT_MAPPED: Mapping[str, str] = {
    "softmax": "there is none: pattern = scores M^T / n; rows do not sum to one and entries may be negative",
    "attn_scale": "there is none: scores are not divided by sqrt(d_head); the layer divides by n instead",
    "causal mask": "M is a matrix that multiplies the scores from the right and not one that hides entries; it is "
    "blocks.l.attn.M, a name of our own: (heads, n + 1, n + 1)",
    "embed.W_E": "there is no vocabulary: the prompt Z itself is the first residual stream",
    "pos_embed.W_pos": "there is no positional part: positions are told apart by M alone",
    "ln1, ln2, ln_final": "there is no layer norm",
    "mlp": "there is no MLP",
    "d_head": "heads are not cut to a smaller d_head: that would need a factorisation, which rounds; most of their "
    "columns are zero",
}


@dataclass(frozen=True, eq=False)
class InterpretabilityView:
    """The weights by TransformerLens's names; see the module's docstring.

    tensors  name -> tensor, in one dtype
    rows     what each coordinate of the residual stream holds
    columns  what each position is
    readout  row, name and sign of the prediction
    looped   whether all L layers are the same one: the tensors then repeat
    """

    tensors: Mapping[str, Tensor]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    readout: tuple[int, str, int]
    layers: int
    n: int
    looped: bool

    @property
    def cfg(self) -> dict[str, int | str | bool | None]:
        """The sizes as a HookedTransformerConfig calls them."""
        heads = self.tensors["blocks.0.attn.W_Q"].shape[0]
        m = len(self.rows)
        return {
            "n_layers": self.layers, "d_model": m, "d_head": m, "n_heads": heads, "n_ctx": len(self.columns),
            "d_vocab_out": 1, "attn_only": True, "use_attn_scale": False, "normalization_type": None,
        }  # fmt: skip

    @cached_property
    def module(self) -> ViewModule:
        """The model with a submodule for every activation, for tools that hook modules; made once.

        Its weights are `tensors` as they are when it is made.
        """
        return ViewModule(self)

    def run_with_cache(self, Z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The predictions : (batch,) and every activation by TransformerLens's name.  Z : (batch, m, n + 1).

        Raises `ArgumentError` for a prompt of another shape.
        """
        if Z.dim() != 3 or Z.shape[1:] != (len(self.rows), len(self.columns)):
            raise ArgumentError(
                f"Z has the shape {tuple(Z.shape)}, wanted (batch, {len(self.rows)}, {len(self.columns)})"
            )
        cache: dict[str, Tensor] = {}

        def kept(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
            return lambda _module, _given, state: cache.update({name: state})

        module = ViewModule(self)  # of the tensors as they are now
        for name, inner in module.named_modules():
            if name.rpartition(".")[2].startswith("hook_"):
                inner.register_forward_hook(kept(name))
        return module(Z.mT)[:, -1, 0], cache


class Head(nn.Module):
    """One head's part of a layer: z to what it adds, z W_O; `scores` and `pattern` are passed on as they are."""

    def __init__(self, W_O: Tensor, M: Tensor, n: int):
        super().__init__()
        self.scores, self.pattern = nn.Identity(), nn.Identity()
        self.register_buffer("W_O", W_O)
        self.register_buffer("M", M)
        self.n = n

    W_O: Tensor
    M: Tensor

    def scored(self, q: Tensor, k: Tensor) -> Tensor:
        """q_t . k_j for all t and j.  q, k : (batch, positions, m); result : (batch, positions, positions)."""
        return self.scores(q @ k.mT)  # type: ignore[no-any-return]

    def masked(self, scores: Tensor) -> Tensor:
        """The pattern: scores M^T / n, in the shape of the scores."""
        return self.pattern(scores @ self.M.mT / self.n)  # type: ignore[no-any-return]

    def forward(self, z: Tensor) -> Tensor:
        return z @ self.W_O


class Attention(nn.Module):
    """The heads of a layer, and TransformerLens's activations of all of them: (batch, positions, heads, m)."""

    hook_attn_scores: nn.Identity
    hook_pattern: nn.Identity
    hook_z: nn.Identity
    hook_result: nn.Identity

    def __init__(self, view: InterpretabilityView, at: str):
        super().__init__()
        W = {name: view.tensors[f"{at}.{name}"] for name in ("W_Q", "W_K", "W_V", "W_O", "M")}
        self.heads = nn.ModuleList(Head(W_O, M, view.n) for W_O, M in zip(W["W_O"], W["M"], strict=True))
        for name in ("W_Q", "W_K", "W_V"):
            self.register_buffer(name, W[name])
        for name in ("q", "k", "v", "attn_scores", "pattern", "z", "result"):
            setattr(self, f"hook_{name}", nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            getattr(self, f"hook_{name}")(torch.einsum("bpm,hmd->bphd", x, getattr(self, f"W_{name.upper()}")))
            for name in ("q", "k", "v")
        )
        heads: list[Any] = list(self.heads)
        scores = torch.stack([head.scored(q[:, :, h], k[:, :, h]) for h, head in enumerate(heads)], dim=1)
        scores = self.hook_attn_scores(scores)
        pattern = self.hook_pattern(torch.stack([head.masked(scores[:, h]) for h, head in enumerate(heads)], dim=1))
        z = self.hook_z(torch.einsum("bhti,bihd->bthd", pattern, v))
        result = self.hook_result(torch.stack([head(z[:, :, h]) for h, head in enumerate(heads)], dim=2))
        return result.sum(dim=2)  # type: ignore[no-any-return]


class Block(nn.Module):
    """A layer: x to x + what its attention adds."""

    def __init__(self, view: InterpretabilityView, number: int):
        super().__init__()
        self.attn = Attention(view, f"blocks.{number}.attn")
        self.hook_resid_pre, self.hook_attn_out, self.hook_resid_post = (nn.Identity() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.hook_resid_pre(x)
        return self.hook_resid_post(x + self.hook_attn_out(self.attn(x)))  # type: ignore[no-any-return]


class ViewModule(nn.Module):
    """The model under TransformerLens's names, every activation the output of a submodule, which hooks can replace.

    `blocks.l.attn.heads.h` puts out what head h adds, its `scores` and `pattern` what their names say;
    `blocks.l.attn.hook_q` and so on are TransformerLens's.
    """

    def __init__(self, view: InterpretabilityView):
        super().__init__()
        self.blocks = nn.ModuleList(Block(view, number) for number in range(view.layers))
        row, width = view.tensors["unembed.W_U"].shape
        dtype = view.tensors["unembed.W_U"].dtype
        self.unembed = nn.utils.skip_init(nn.Linear, row, width, bias=False, dtype=dtype)  # type: ignore[no-untyped-call]
        self.unembed.weight = nn.Parameter(view.tensors["unembed.W_U"].mT.contiguous(), requires_grad=False)

    def forward(self, inputs_embeds: Tensor) -> Tensor:
        """The read-out at every position, (batch, positions, 1); the last one's is the prediction.

        inputs_embeds : (batch, positions, m), the prompt Z transposed
        """
        x = inputs_embeds
        for block in self.blocks:
            x = block(x)
        return self.unembed(x)  # type: ignore[no-any-return]


def interpretability_view(
    source: Construction | Loaded | str | os.PathLike[str], dtype: str | None = None
) -> InterpretabilityView:
    """The view of exact weights, of an export that was loaded, or of an export's directory.

    dtype : the export's own when left out, float64 for exact weights
    Raises `ContentError` when the directory's files do not agree, `ArgumentError` for a layer without
    heads, or a dtype that is not known.

    >>> import layerproof as lp
    >>> view = interpretability_view(lp.construct("td0", d=2, n=3, layers=2))
    >>> view.tensors["blocks.1.attn.W_V"].shape, view.readout
    (torch.Size([1, 5, 5]), (4, 'td_error', -1))
    """
    if isinstance(source, (str, os.PathLike)):
        PATH.check(source=source)
        source = load(source)
    if isinstance(source, Loaded):
        dtype, source = dtype or str(source.config["dtype"]), linear(source.construction, "this view is")
    if not isinstance(source, (Construction, PatternConstruction)):
        raise ArgumentError(f"source is {shown(source)}, wanted a Construction, an export or its directory")
    source = linear(source, "this view is")
    TEXT.check_given(dtype=dtype)
    kind = dtype or "float64"
    layout, readout = source.layout, source.readout
    stored = wanted_tensors(source, kind)
    m, number_type = layout.m, resolve_dtype(kind)
    tensors: dict[str, Tensor] = {}
    for layer in range(source.depth):
        number = 0 if source.looped else layer
        heads = range(len(source.layers[number]))
        if not heads:
            raise ArgumentError(f"layer {layer + 1} has no head, so there is nothing to view")

        def stack(name: str, turned: bool = True, number: int = number, heads: range = heads) -> Tensor:
            matrices = [stored[f"layers.{number}.heads.{h}.{name}"] for h in heads]
            return torch.stack([x.mT if turned else x for x in matrices]).contiguous()

        at, count = f"blocks.{layer}.attn", len(heads)
        tensors[f"{at}.W_Q"], tensors[f"{at}.W_V"], tensors[f"{at}.W_O"] = stack("Q"), stack("P"), stack("W")
        tensors[f"{at}.W_K"] = torch.eye(m, dtype=number_type).expand(count, m, m).contiguous()
        tensors[f"{at}.M"] = stack("M", turned=False)
        for name in ("b_Q", "b_K", "b_V"):
            tensors[f"{at}.{name}"] = torch.zeros(count, m, dtype=number_type)
        tensors[f"{at}.b_O"] = torch.zeros(m, dtype=number_type)
    row = layout.accumulator(readout.row)
    tensors["unembed.W_U"] = torch.zeros(m, 1, dtype=number_type)
    tensors["unembed.W_U"][row, 0] = readout.sign
    tensors["unembed.b_U"] = torch.zeros(1, dtype=number_type)
    columns = tuple(layout.column_name(column) for column in range(layout.n + 1))
    names = (row, readout.row, readout.sign)
    return InterpretabilityView(tensors, layout.row_names(), columns, names, source.depth, layout.n, source.looped)
