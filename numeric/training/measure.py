"""What is measured of networks in training: values and weights, each beside batch TD on fresh processes of its own.

Value difference: the mean squared difference of the two value functions under the stationary distribution.
Implicit weight similarity: the cosine of batch TD's weight vector and that of the linear value function nearest to the
network's.  Sensitivity similarity: the mean cosine of the two gradients in the query's features.  Linear attention with
fixed masks is linear in the query, so there the last two are one number, and it is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .architecture import Architecture, window_moments
from .baseline import Baseline
from .family import balance, blocks, family, outside_commutant
from .laws import FINAL, Chains, Episodes, episodes
from .network import attend, predict
from .settings import Training

LOGGED = 4
"""What random numbers are for: the processes of the log points."""
LOOKS = 5
"""Fresh processes of a log point, of every seed."""
TOGETHER = 10
"""Fresh processes that the final measures take at a time."""


@dataclass(frozen=True, eq=False)
class Measure:
    """The measures of one run."""

    settings: Training
    arch: Architecture
    baselines: Sequence[Baseline]

    def at(self, weights: Tensor, steps: Tensor, seeds: Sequence[int], done: int) -> dict[str, Tensor]:
        """All measures at a log point, (K,) each.  weights (K, stored, matrices, m, m), steps (rules, K)."""
        numbers = range(done * LOOKS, (done + 1) * LOOKS)
        return {**self.values(weights, steps, seeds, numbers, LOGGED), **self.shapes(weights, steps)}

    def final(self, weights: Tensor, steps: Tensor, seeds: Sequence[int]) -> dict[str, Tensor]:
        """All measures on `settings.final` fresh processes, (K,) each."""
        parts = []
        for first in range(0, self.settings.final, TOGETHER):
            numbers = range(first, min(first + TOGETHER, self.settings.final))
            measures = self.values(weights, steps, seeds, numbers, FINAL)
            parts.append({name: x * len(numbers) for name, x in measures.items()})
        mean = {name: torch.stack([p[name] for p in parts]).sum(0) / self.settings.final for name in parts[0]}
        return {**mean, **self.shapes(weights, steps)}

    def shapes(self, weights: Tensor, steps: Tensor) -> dict[str, Tensor]:
        """What is read off the weights."""
        measures = dict(blocks(self.arch, weights, "double-trace" in self.settings.traps))
        if self.settings.exact:
            for baseline in self.baselines:
                measures[self.named("share", baseline)] = family(baseline.arch).share(weights)
        measures["outside commutant"] = outside_commutant(self.arch, weights)
        measures["balance"], measures["size"] = balance(self.arch, weights)
        for baseline, alpha in zip(self.baselines, steps, strict=True):
            measures[self.named("step", baseline)] = alpha
        return measures

    def named(self, what: str, baseline: Baseline) -> str:
        """A measure's name; where there are two rules, with the rule."""
        if len(self.baselines) == 1:
            return what
        return f"{what}, {baseline.arch.algorithm}"

    def values(
        self, weights: Tensor, steps: Tensor, seeds: Sequence[int], numbers: Sequence[int], purpose: int
    ) -> dict[str, Tensor]:
        """The means over fresh processes of what compares value functions."""
        settings, K, B = self.settings, len(seeds), len(numbers)
        drawn = episodes(settings, purpose, seeds, numbers, 1, settings.n + 2)
        weight = distribution(drawn, settings.states).to(weights)
        tokens = self.arch.tokens(drawn.features.to(weights), drawn.rewards.to(weights))
        context = tokens[:, 0, :, : settings.n]
        moments = [window_moments(context, M, settings.n, 1) for M in self.arch.masks]
        many = weights.repeat_interleave(B, dim=0)
        d, s = settings.d, settings.states
        table = drawn.table.to(weights)
        units = torch.eye(d).to(weights).expand(len(table), d, d)
        asked = self.arch.queries(torch.cat((table, units), dim=1))
        if settings.exact:
            out = predict(self.arch, many, moments, asked)
            v, w, slopes = out[:, :s], out[:, s:], None
        else:
            v, slopes = _attended(self.arch, many, context, asked[..., :s])
            w = _nearest(v, table, weight)
        result = {}
        for baseline, alpha in zip(self.baselines, steps, strict=True):
            out, _ = baseline.predict(alpha.repeat_interleave(B), moments, asked)
            other, linear = out[:, :s], out[:, s:]
            gap = v - other
            if settings.average_reward:  # values are defined up to a constant
                gap = gap - (weight * gap).sum(-1, keepdim=True)
                other = other - (weight * other).sum(-1, keepdim=True)
            similar = torch.cosine_similarity(w, linear, dim=-1)
            sensitive = similar
            if slopes is not None:
                each = torch.cosine_similarity(slopes, linear.unsqueeze(1).expand_as(slopes), dim=-1)
                sensitive = (weight * each).sum(-1)
            for name, x in (
                ("value difference", (weight * gap.square()).sum(-1)),
                ("value size", (weight * other.square()).sum(-1)),
                ("implicit weight similarity", similar),
                ("sensitivity similarity", sensitive),
            ):
                result[self.named(name, baseline)] = x.reshape(K, B).mean(-1)
        return result


def distribution(drawn: Episodes, states: int) -> Tensor:
    """The stationary distribution of each process (G, s); for carts, how often the trajectory was in each bin."""
    if isinstance(drawn.process, Chains):
        return drawn.process.stationary()
    index = drawn.index.flatten(start_dim=1)
    counts = torch.zeros(len(index), states, dtype=torch.float64)
    return counts.scatter_add_(1, index, torch.ones_like(index, dtype=torch.float64)) / index.shape[1]


def _attended(arch: Architecture, weights: Tensor, context: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
    """Values (G, s) of a network with an activation, and their gradients in the query's features (G, s, d)."""
    G, m, s = asked.shape
    prompts = torch.cat((context.unsqueeze(1).expand(G, s, m, -1), asked.mT.unsqueeze(-1)), dim=-1)
    with torch.enable_grad():
        prompts = prompts.detach().requires_grad_()
        out = attend(arch, weights, prompts)
        (slopes,) = torch.autograd.grad(out.sum(), prompts)
    return out.detach(), slopes[:, :, : arch.settings.d, -1]


def _nearest(values: Tensor, table: Tensor, weight: Tensor) -> Tensor:
    """The weight vectors (G, d) whose values are nearest, in the mean square under `weight`."""
    root = weight.sqrt().unsqueeze(-1).double()
    right = root * values.unsqueeze(-1).double()
    weights: Tensor = torch.linalg.lstsq(root * table.double(), right, driver="gelsd").solution
    return weights.squeeze(-1).to(values)
