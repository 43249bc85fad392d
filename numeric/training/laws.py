"""Random processes by the thousand: the published laws in floats, many processes side by side.

Every process of every seed has random numbers of its own, drawn from nothing but (seed, process): what is trained
beside it, where a run was cut off, and on how many machines it runs decide none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import pi
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .settings import ROLLOUT, Training

TRAINED, FINAL, START = 1, 2, 3
"""What random numbers are for: the processes that are trained on, those that judge in the end, the first weights."""
LEAST, MOST = 0.01, 0.99
"""Published transition weights and initial weights are uniform between these."""


def generator(purpose: int, seed: int, number: int) -> np.random.Generator:
    """The random numbers of one process of one seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((purpose, seed, number))))


class Uniforms:
    """Uniform numbers in [0, 1) of many processes, (G, count), handed out in order."""

    def __init__(self, values: Tensor):
        self.values, self.used = values, 0

    def take(self, *shape: int) -> Tensor:
        """The next ones : (G, *shape)."""
        count = int(np.prod(shape))
        taken = self.values[:, self.used : self.used + count]
        self.used += count
        return taken.reshape(-1, *shape)


@dataclass(frozen=True)
class Chains:
    """G finite processes: transition (G, s, s), first (G, s), rewards (G, s) on leaving, features (G, s, d)."""

    transition: Tensor
    first: Tensor
    rewards: Tensor
    features: Tensor

    def start(self, u: Tensor) -> Tensor:
        """States drawn from the first distribution.  u, result : (G, ...)."""
        edges = self.first.cumsum(-1)[:, :-1]
        return (u.reshape(len(u), -1, 1) >= edges.unsqueeze(1)).sum(-1).reshape(u.shape)

    def step(self, state: Tensor, u: Tensor) -> Tensor:
        """The states after these."""
        # The last entry of a cumulative row may fall short of 1 by rounding: the others decide.
        edges = self.transition.cumsum(-1)[..., :-1]
        flat = state.reshape(len(state), -1)
        rows = edges.gather(1, flat.unsqueeze(-1).expand(-1, -1, edges.shape[-1]))
        return (u.reshape(flat.shape).unsqueeze(-1) >= rows).sum(-1).reshape(state.shape)

    def index(self, state: Tensor) -> Tensor:
        """Which features and which reward a state has."""
        return state

    def reward(self, state: Tensor, following: Tensor) -> Tensor:
        """The reward of a step."""
        return self.rewards.gather(1, state.reshape(len(state), -1)).reshape(state.shape)

    def values(self, gamma: float) -> Tensor:
        """The true values v = r + gamma P v : (G, s)."""
        one = torch.eye(self.transition.shape[-1], dtype=self.transition.dtype)
        solved: Tensor = torch.linalg.solve(one - gamma * self.transition, self.rewards.unsqueeze(-1))
        return solved.squeeze(-1)

    def stationary(self) -> Tensor:
        """The stationary distributions : (G, s)."""
        s = self.transition.shape[-1]
        balance = (self.transition - torch.eye(s, dtype=self.transition.dtype)).mT.clone()
        balance[:, -1] = 1
        right = torch.zeros(len(balance), s, 1, dtype=balance.dtype)
        right[:, -1] = 1
        solved: Tensor = torch.linalg.solve(balance, right)
        return solved.squeeze(-1)


class CartPoles:
    """G carts with poles, as published: random physics, a random policy, states in bins, a fresh start after a fall.

    A state is (..., 4): place, speed, angle, its speed.  Source: the published code of arXiv 2405.13861 after Gym's.
    """

    EDGES = (2.4 * 1.25, 2.5, 12 * 2 * pi / 360 * 1.25, 2.5)

    def __init__(self, settings: Training, u: Uniforms):
        def between(low: float, high: float) -> Tensor:
            return low + (high - low) * u.take(1)

        self.gravity, self.cart, self.pole = between(7, 12), between(0.5, 1.5), between(0.05, 0.15)
        self.length, self.force, self.tau = between(0.5, 1.5), between(5, 15), between(0.01, 0.05)
        self.right = u.take(1)
        self.bins = round(settings.states**0.25)
        self.rewards = 2 * u.take(settings.states) - 1
        self.features = 2 * u.take(settings.states, settings.d) - 1

    def start(self, u: Tensor) -> Tensor:
        """Near the middle.  u : (G, ..., 5)."""
        return 0.1 * u[..., :4] - 0.05

    def step(self, state: Tensor, u: Tensor) -> Tensor:
        """One Euler step under a random push; a cart that left its bounds starts again."""
        shape = (-1, *[1] * (state.dim() - 2))
        gravity, cart, pole, length, force, tau, right = (
            x.reshape(shape)
            for x in (self.gravity, self.cart, self.pole, self.length, self.force, self.tau, self.right)
        )
        x, speed, angle, turning = state.unbind(-1)
        push = torch.where(u[..., 4] < right, force, -force)
        cosine, sine = angle.cos(), angle.sin()
        inner = (push + pole * length * turning**2 * sine) / (pole + cart)
        turn = (gravity * sine - cosine * inner) / (length * (4 / 3 - pole * cosine**2 / (pole + cart)))
        run = inner - pole * length * turn * cosine / (pole + cart)
        moved = torch.stack([x + tau * speed, speed + tau * run, angle + tau * turning, turning + tau * turn], dim=-1)
        fallen = (moved[..., 0].abs() > 2.4) | (moved[..., 2].abs() > 12 * 2 * pi / 360)
        return torch.where(fallen.unsqueeze(-1), self.start(u), moved)

    def index(self, state: Tensor) -> Tensor:
        """The bin of a state."""
        place = torch.zeros(state.shape[:-1], dtype=torch.long)
        for k, edge in enumerate(self.EDGES):
            inner = torch.linspace(-edge, edge, self.bins + 1, dtype=state.dtype)[1:-1]
            place = place * self.bins + torch.bucketize(state[..., k].contiguous(), inner, right=True)
        return place

    def reward(self, state: Tensor, following: Tensor) -> Tensor:
        """The reward of the bin that is reached, as published."""
        where = self.index(following)
        return self.rewards.gather(1, where.reshape(len(where), -1)).reshape(where.shape)


Process = Chains | CartPoles


@dataclass(frozen=True)
class Episodes:
    """Trajectories of G processes, b each: features (G, b, T, d), rewards (G, b, T-1), index of each state (G, b, T).

    targets : (G, b, windows) where a prediction is drawn to a given number, else None
    process : what they were drawn from; `table` the features of all states (G, s, d)
    """

    features: Tensor
    rewards: Tensor
    index: Tensor
    targets: Tensor | None
    process: Process
    table: Tensor


def processes(settings: Training, u: Uniforms) -> Process:
    """The processes of the settings' law."""
    s, d = settings.states, settings.d
    if settings.process == "cart-pole":
        return CartPoles(settings, u)
    features = 2 * u.take(s, d) - 1
    transition = _boyan(s, u) if settings.process == "boyan-chain" else _loop(s, u)
    first = LEAST + (MOST - LEAST) * u.take(s)
    first = first / first.sum(-1, keepdim=True)
    rewards = 2 * u.take(s) - 1
    if settings.representable:
        weights = torch.special.ndtri(u.take(d).clamp(1e-12, 1 - 1e-12))
        values = (features @ weights.unsqueeze(-1)).squeeze(-1)
        rewards = values - float(settings.gamma) * (transition @ values.unsqueeze(-1)).squeeze(-1)
    return Chains(transition, first, rewards, features)


def _boyan(s: int, u: Uniforms) -> Tensor:
    """State i < s-2 goes to i+1 or i+2, s-2 to s-1, and s-1 anywhere."""
    step = LEAST + (MOST - LEAST) * u.take(s - 2)
    last = LEAST + (MOST - LEAST) * u.take(s)
    P = torch.zeros(len(step), s, s, dtype=step.dtype)
    here = torch.arange(s - 2)
    P[:, here, here + 1] = step
    P[:, here, here + 2] = 1 - step
    P[:, s - 2, s - 1] = 1
    P[:, s - 1] = last / last.sum(-1, keepdim=True)
    return P


def _loop(s: int, u: Uniforms) -> Tensor:
    """State i always reaches i+1 (mod s), never itself, and each other one with probability one half."""
    joined = u.take(s, s) > 0.5
    here = torch.arange(s)
    joined[:, here, here] = False
    joined[:, here, (here + 1) % s] = True
    P = (LEAST + (MOST - LEAST) * u.take(s, s)) * joined
    return P / P.sum(-1, keepdim=True)


def _count(settings: Training, trajectories: int, length: int, targets: bool) -> int:
    """How many uniform numbers a process takes."""
    s, d = settings.states, settings.d
    each = 5 if settings.process == "cart-pole" else 1
    own = 3 * s + s * d + 2 * s * s + d + 7
    rollouts = trajectories * settings.windows * ROLLOUT * each if targets else 0
    return own + trajectories * length * (each + 1) + rollouts


def episodes(
    settings: Training, purpose: int, seeds: Sequence[int], numbers: Sequence[int], trajectories: int, length: int
) -> Episodes:
    """Trajectories of `length` states of the processes with these numbers, for every seed: G = seeds x numbers.

    purpose : TRAINED or FINAL; targets are made for the former
    """
    targets = purpose == TRAINED and settings.target in ("monte-carlo", "true-value")
    rollouts = targets and settings.target == "monte-carlo"
    count = _count(settings, trajectories, length, rollouts)
    drawn = np.stack([generator(purpose, seed, k).random(count) for seed in seeds for k in numbers])
    u = Uniforms(torch.from_numpy(drawn))
    process = processes(settings, u)
    extra = (5,) if isinstance(process, CartPoles) else ()
    state = process.start(u.take(trajectories, *extra))
    path = [state]
    for _ in range(length - 1):
        state = process.step(state, u.take(trajectories, *extra))
        path.append(state)
    rewards = torch.stack([process.reward(a, b) for a, b in pairwise(path)], dim=2)
    if settings.shuffled:
        order = u.take(trajectories, length - 1).argsort(-1)
        rewards = rewards.gather(-1, order)
    states: Any = torch.stack(path, dim=2)
    index = process.index(states)
    table = process.features
    features = table.gather(1, index.reshape(len(index), -1, 1).expand(-1, -1, settings.d))
    wanted = _targets(settings, process, states, u) if targets else None
    return Episodes(features.reshape(*index.shape, settings.d), rewards, index, wanted, process, table)


def _targets(settings: Training, process: Process, states: Tensor, u: Uniforms) -> Tensor:
    """What each window's prediction is drawn to: the true value or a rollout's return from the query's state."""
    gamma, w = float(settings.gamma), settings.windows
    first = settings.n + 1 + ("late-target" in settings.traps)  # the published code asks one step late
    state = states[:, :, first : first + w]
    if settings.target == "true-value":
        assert isinstance(process, Chains)
        return process.values(gamma).gather(1, state.reshape(len(state), -1)).reshape(state.shape)
    extra = (5,) if isinstance(process, CartPoles) else ()
    total = torch.zeros(state.shape[:3], dtype=torch.float64)
    for k in range(ROLLOUT):
        following = process.step(state, u.take(state.shape[1], w, *extra))
        total = total + gamma**k * process.reward(state, following)
        state = following
    return total
