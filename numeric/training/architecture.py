"""The network that is trained: the prompt, masks, heads and read-out of an algorithm, its matrices free.

Whatever the heads, a linear layer acts on every token by one matrix, Z <- G Z with G = I + (1/n) sum_h W_h P_h S_h Q_h
and S_h = Z M_h Z^T, so S_h <- G S_h G^T: prompts are carried as their S_h and their query column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import find
from ...symbolic.construction import Construction
from ...symbolic.invariance.own_weights import own_construction, own_point
from ...symbolic.invariance.weights import Point, WeightSpace
from ...symbolic.readout import Readout
from .laws import START, generator
from .outer_update import prompt_tensor
from .settings import Training


@dataclass(frozen=True, eq=False)
class Architecture:
    """What does not change in training.

    masks    the distinct masks (N, N) in float64; `mask_of` each head's
    several  whether there is more than one head: then each head's W is trained too
    """

    settings: Training
    space: WeightSpace
    masks: tuple[Tensor, ...]
    mask_of: tuple[int, ...]

    @staticmethod
    def of(settings: Training) -> Architecture:
        """The architecture of the settings' algorithm."""
        return _architecture(settings.algorithm, settings)

    @property
    def algorithm(self) -> str:
        """The name of the algorithm."""
        return self.space.algorithm.name

    @property
    def m(self) -> int:
        """Rows of the prompt."""
        return self.space.layout.m

    @property
    def stored(self) -> int:
        """Layers whose weights are stored."""
        return self.space.stored

    @property
    def several(self) -> bool:
        """Whether W is trained beside P and Q."""
        return len(self.mask_of) > 1

    @cached_property
    def symmetric(self) -> tuple[bool, ...]:
        """Of each distinct mask whether it is its own transpose."""
        return tuple(torch.equal(mask, mask.mT) for mask in self.masks)

    @property
    def names(self) -> tuple[str, ...]:
        """The trained matrices of a layer, head by head."""
        return self.space.matrices

    @property
    def readout(self) -> Readout:
        """Where the prediction stands."""
        return self.space.readout

    @property
    def row(self) -> int:
        """The read-out's row."""
        return self.space.layout.accumulator(self.readout.row)

    def own(self, scale: Fraction = Fraction(1)) -> Point:
        """The algorithm's own weights as they are exported, with C = scale I in every layer."""
        return own_point(_own(self.settings, self.space.algorithm, self.space.options, scale))

    def initial(self, seeds: Sequence[int]) -> Tensor:
        """The first weights (K, stored, matrices, m, m): normal, of variance gain^2 / m as Xavier's; W starts at I.

        The gain is divided by L where each layer has weights of its own, as published.
        """
        gain = self.settings.gain / (1 if self.settings.looped else self.settings.layers)
        shape = (self.stored, len(self.names), self.m, self.m)
        drawn = [torch.from_numpy(generator(START, seed, 0).standard_normal(shape)) for seed in seeds]
        weights: Tensor = torch.stack(drawn) * (gain * self.m**-0.5)
        for k, name in enumerate(self.names):
            if name.startswith("W"):
                weights[:, :, k] = torch.eye(self.m, dtype=weights.dtype)
        return weights

    def tokens(self, features: Tensor, rewards: Tensor) -> Tensor:
        """The context's columns, one a transition : (G, b, m, T-1).  features (G, b, T, d), rewards (G, b, T-1)."""
        G, b, T, d = features.shape
        f = features.reshape(G * b, T, d)
        whole = prompt_tensor(self.space, f[:, :-1], f[:, 1:], rewards.reshape(G * b, T - 1), f[:, -1])
        return whole[..., :-1].reshape(G, b, self.m, T - 1)

    def queries(self, features: Tensor) -> Tensor:
        """Query columns, which are affine in the features: features (..., T, d), result (..., m, T)."""
        base, slope = self._query
        columns: Tensor = slope.to(features) @ features.mT + base.to(features)
        return columns

    @cached_property
    def _query(self) -> tuple[Tensor, Tensor]:
        d = self.settings.d
        asked = torch.cat((torch.zeros(1, d), torch.eye(d))).double()
        none = torch.zeros(d + 1, 1, d, dtype=torch.float64)
        columns = prompt_tensor(self.space, none, none, none[..., 0], asked)[..., -1]
        return columns[0].unsqueeze(-1), (columns[1:] - columns[0]).mT


def _own(settings: Training, known: Algorithm, options: Mapping[str, str], scale: Fraction) -> Construction:
    """The algorithm's own weights at the settings' sizes."""
    values = {"gamma": settings.gamma, "lam": settings.lam}
    return own_construction(
        known, options, settings.d, settings.n, settings.layers, {k: values[k] for k in known.parameters},
        settings.looped, [scale] * (1 if settings.looped else settings.layers),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _architecture(algorithm: str, settings: Training) -> Architecture:
    known = find(algorithm)
    options = known.choose({"trace": settings.trace} if "trace" in known.options else None)
    space = WeightSpace.of(known, _own(settings, known, options, Fraction(1)))
    assert not space.later, "what is trained here has the same masks in every layer"
    distinct = tuple(dict.fromkeys(space.masks))
    masks = tuple(torch.tensor([[float(x) for x in row] for row in mask], dtype=torch.float64) for mask in distinct)
    # The query is no key and no value: what it sends to nobody need not be carried.
    assert not any(bool(M[-1].any()) or bool(M[:, -1].any()) for M in masks)
    return Architecture(settings, space, masks, tuple(distinct.index(mask) for mask in space.masks))


def judged(settings: Training) -> tuple[Architecture, ...]:
    """The rules that a network is compared with: its own algorithm's; TD(0) and residual gradient both where the
    prompts are theirs and the loss is the full gradient's."""
    names = [settings.algorithm]
    if settings.target == "residual-gradient" and settings.algorithm in ("td0", "residual-gradient"):
        names = ["td0", "residual-gradient"]
    return tuple(_architecture(name, settings) for name in names)


def window_moments(tokens: Tensor, mask: Tensor, n: int, count: int) -> Tensor:
    """S = Z M Z^T of `count` windows of n columns, one column apart: tokens (..., m, T), result (..., m, m, count)."""
    inner = mask[:n, :n].to(tokens)
    if torch.equal(inner, torch.eye(n).to(tokens)):
        m, length = tokens.shape[-2:]
        rows, columns = torch.triu_indices(m, m, device=tokens.device)  # each pair of rows once
        place = torch.empty(m, m, dtype=torch.long, device=tokens.device)
        place[rows, columns] = place[columns, rows] = torch.arange(len(rows), device=tokens.device)
        flat = tokens.reshape(-1, m, length)
        products = flat.index_select(1, rows) * flat.index_select(1, columns)
        at, windows = torch.arange(length).unsqueeze(-1), torch.arange(count)
        inside = ((at >= windows) & (at < windows + n)).to(tokens)
        sums = products @ inside  # one product for all windows is faster than sums of each
        return sums.index_select(1, place.flatten()).reshape(*tokens.shape[:-2], m, m, count)
    windows = tokens.unfold(-1, n, 1)[..., :count, :].movedim(-2, -3)  # (..., count, m, n)
    return ((windows @ inner) @ windows.mT).movedim(-3, -1)
