"""Algorithm 1 of arXiv 2405.13861, for a group of networks at once: multi-task deep TD.

For every process, features, rewards and transitions are drawn anew; for every mini-batch a fresh trajectory, a window
of n transitions sliding along it, one step of the optimiser on the mean of the squared outer errors.  Batch TD's step
alpha is trained by the same loss beside each network.

A group holds `width` networks; number k always has place (k - 1) mod width of its group, whoever else is wanted, so a
seed's numbers do not depend on that.  State is saved at log points only: what came after the last one is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..device import resolve_dtype
from .architecture import Architecture, judged, window_moments
from .baseline import Baseline
from .errors import Outcomes, outer_errors, step_slopes
from .family import commuting
from .laws import TRAINED, episodes
from .measure import Measure
from .network import attend, predict
from .settings import Training

BLOCK = 20
"""Processes that are drawn together: which ones decides nothing, since each has random numbers of its own."""
LANES = 64
"""Parameters are padded to whole multiples of this: the remainder of a vector loop may round in its own way."""


@dataclass(frozen=True)
class MiniBatch:
    """The windows of one trajectory for every network: S_0 of each mask, query columns, and what the errors need.

    prompts : whole prompts (K, w + 1, m, N), where the network is not linear
    """

    moments: tuple[Tensor, ...]
    queries: Tensor
    outcomes: Outcomes
    prompts: Tensor | None


@dataclass
class State:
    """Everything that one more process depends on, and what was measured so far.

    done       how many processes are behind
    tensors    weights, steps of the baselines, the optimiser's moments
    history    each measure's values, (K,) at every log point
    """

    done: int
    tensors: dict[str, Tensor]
    history: dict[str, list[Tensor]] = field(default_factory=dict)


def group_seeds(settings: Training, group: int) -> tuple[int, ...]:
    """The numbers of a group's networks; the last group is filled up beyond the seeds that are wanted."""
    first = group * settings.width
    return tuple(range(first + 1, first + settings.width + 1))


def groups(settings: Training) -> range:
    """The groups that hold the seeds wanted."""
    return range(-(-settings.seeds // settings.width))


class Trainer:
    """One group in training."""

    def __init__(self, settings: Training, group: int, device: torch.device | str = "cpu"):
        self.settings, self.arch = settings, Architecture.of(settings)
        self.seeds = group_seeds(settings, group)
        self.like = torch.zeros((), dtype=resolve_dtype(settings.dtype), device=device)
        self.baselines = [Baseline.of(arch, self.like) for arch in judged(settings)]
        K = len(self.seeds)
        first = self.arch.initial(self.seeds)
        if settings.start == "commutant":
            first = commuting(self.arch, first)
        self.shape = first.shape
        flat = first.reshape(K, -1)
        self.size = flat.shape[1]
        padded = torch.nn.functional.pad(flat, (0, -self.size % LANES)).to(self.like)
        self.theta = torch.nn.Parameter(padded.clone())
        # One lane of its own for every network: what stands beside it is not trained.
        self.alpha = torch.nn.Parameter(torch.ones(len(self.baselines), K, LANES).to(self.like))
        kind: Any = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.SGD
        self.optimiser = kind([self.theta, self.alpha], lr=settings.rate, weight_decay=settings.decay, foreach=False)
        self.measure = Measure(settings, self.arch, self.baselines)
        self.done = 0
        self.history: dict[str, list[Tensor]] = {}
        self.losses: list[Tensor] = []

    @property
    def weights(self) -> Tensor:
        """(K, stored, matrices, m, m), a view that gradients flow through."""
        return self.theta[:, : self.size].reshape(self.shape)

    @property
    def steps(self) -> Tensor:
        """The baselines' steps alpha (rules, K)."""
        return self.alpha[:, :, 0]

    def save(self) -> State:
        """A copy of all that the next process depends on."""
        tensors = {"theta": self.theta.detach(), "alpha": self.alpha.detach()}
        for name, parameter in (("theta", self.theta), ("alpha", self.alpha)):
            for key, value in self.optimiser.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    tensors[f"{name}.{key}"] = value
        copied = {name: t.detach().cpu().clone() for name, t in tensors.items()}
        return State(self.done, copied, {name: list(values) for name, values in self.history.items()})

    def load(self, state: State) -> None:
        """Go on from a copy."""
        with torch.no_grad():
            self.theta.copy_(state.tensors["theta"])
            self.alpha.copy_(state.tensors["alpha"])
        for name, parameter in (("theta", self.theta), ("alpha", self.alpha)):
            moments = {
                key.removeprefix(f"{name}."): value
                for key, value in state.tensors.items()
                if key.startswith(f"{name}.")
            }
            if moments:
                self.optimiser.state[parameter] = {
                    key: value.clone() if key == "step" else value.to(self.like).clone()
                    for key, value in moments.items()
                }
        self.done, self.losses = state.done, []
        self.history = {name: list(values) for name, values in state.history.items()}

    def run(self, until: int | None = None) -> Iterator[State]:
        """Train up to `until` processes, all when left out; a state at every log point and at the end."""
        settings = self.settings
        last = settings.processes if until is None else min(until, settings.processes)
        if self.done == 0 and not self.history:
            self._log()
            yield self.save()
        while self.done < last:
            numbers = range(self.done + 1, min(self.done + BLOCK, last) + 1)
            for batches in self.blocks(numbers):
                for batch in batches:
                    self.step(batch)
                self.done += 1
                if self.done % settings.log == 0 or self.done == settings.processes:
                    self._log()
                    yield self.save()

    def _log(self) -> None:
        rows = 1 + len(self.baselines)
        nothing = torch.full((rows, len(self.seeds)), torch.nan).to(self.like)
        loss = torch.stack(self.losses).mean(0) if self.losses else nothing
        self.losses = []
        measures = self.measure.at(self.weights.detach(), self.steps.detach(), self.seeds, self.done)
        measures["loss"] = loss[0]
        for baseline, values in zip(self.baselines, loss[1:], strict=True):
            measures[self.measure.named("loss of batch TD", baseline)] = values
        measures["processes"] = torch.full_like(self.steps[0].detach(), self.done)
        for name, values in measures.items():
            self.history.setdefault(name, []).append(values.detach().cpu().clone())

    def blocks(self, numbers: Sequence[int]) -> Iterator[list[MiniBatch]]:
        """The mini-batches of each of the processes with these numbers, in order."""
        settings = self.settings
        length = settings.n + 2 + settings.windows
        drawn = episodes(settings, TRAINED, self.seeds, numbers, settings.batches, length)
        K, B = len(self.seeds), len(numbers)
        features, rewards = drawn.features.to(self.like), drawn.rewards.to(self.like)
        tokens, queries = self.arch.tokens(features, rewards), self.arch.queries(features)
        for k in range(B):
            rows = torch.arange(K) * B + k
            targets = None if drawn.targets is None else drawn.targets[rows].to(self.like)
            yield self.mini_batches(tokens[rows], queries[rows], rewards[rows], targets)

    def mini_batches(self, tokens: Tensor, queries: Tensor, rewards: Tensor, targets: Tensor | None) -> list[MiniBatch]:
        """One process's mini-batches.  tokens (K, b, m, T-1), queries (K, b, m, T), rewards (K, b, T-1)."""
        n, w = self.settings.n, self.settings.windows
        shared = self.settings.window == "shared"
        asked = queries[..., n + 1 :]
        moments = [
            window_moments(tokens.transpose(0, 1), M, n, 1 if shared else w + 1).contiguous() for M in self.arch.masks
        ]
        result = []
        for b in range(self.settings.batches):
            outcomes = Outcomes(
                rewards[:, b, n + 1 : n + 1 + w],
                rewards[:, b].mean(-1, keepdim=True),
                None if targets is None else targets[:, b],
            )
            whole = None
            if not self.settings.exact:
                windows = tokens[:, b].unfold(-1, n, 1)[:, :, : 1 if shared else w + 1].transpose(1, 2)
                whole = torch.cat((windows.expand(-1, w + 1, -1, -1), asked[:, b].mT.unsqueeze(-1)), dim=-1)
            result.append(MiniBatch(tuple(S[b] for S in moments), asked[:, b].contiguous(), outcomes, whole))
        return result

    def predictions(self, batch: MiniBatch) -> Tensor:
        """f of every window and of the one after the last : (K, w + 1)."""
        if batch.prompts is not None:
            return attend(self.arch, self.weights, batch.prompts)
        return predict(self.arch, self.weights, batch.moments, batch.queries)

    def gradients(self, batch: MiniBatch) -> tuple[Tensor, Tensor, Tensor]:
        """The loss's gradients in theta and alpha, and the losses (1 + rules, K): means of squared outer errors."""
        settings = self.settings
        delta = outer_errors(settings, self.predictions(batch), batch.outcomes)
        loss = delta.square().mean(-1)
        (theta,) = torch.autograd.grad(loss.sum(), self.theta)
        alpha = torch.zeros_like(self.alpha)
        losses = [loss.detach()]
        with torch.no_grad():
            for rule, baseline in enumerate(self.baselines):
                values, slopes = baseline.predict(self.steps[rule], batch.moments, batch.queries)
                error = outer_errors(settings, values, batch.outcomes)
                alpha[rule, :, 0] = 2 * (error * step_slopes(settings, slopes, batch.outcomes)).mean(-1)
                losses.append(error.square().mean(-1))
        return theta, alpha, torch.stack(losses)

    def step(self, batch: MiniBatch) -> None:
        """One step of the optimiser."""
        self.theta.grad, self.alpha.grad, losses = self.gradients(batch)
        self.optimiser.step()
        self.losses.append(losses)


def train_group(
    settings: Training,
    group: int,
    state: State | None = None,
    device: torch.device | str = "cpu",
    seen: Callable[[State], None] = lambda _: None,
) -> tuple[State, dict[str, Tensor]]:
    """Train a group to its end, from a state or from the start; `seen` gets every state that may be kept.

    Returns the last state and the final measures, (K,) each.
    """
    trainer = Trainer(settings, group, device)
    if state is not None:
        trainer.load(state)
    last = state
    for last in trainer.run():
        seen(last)
    assert last is not None
    return last, {k: v.cpu() for k, v in trainer.measure.final(trainer.weights.detach(), trainer.steps.detach(),
                                                                trainer.seeds).items()}  # fmt: skip
