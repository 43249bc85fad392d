"""Seeded asynchronous runs of a rule on its exact chain, many at once, and averages of rewards along them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ...symbolic.approximation.samples import Samples
from .compiled import Compiled, Floats, Indices, compiled

BLOCK = 16
"""Steps that are prepared together: what they take stays in a cache of a megabyte for a thousand runs."""
BAND = (0.05, 0.95)


@dataclass(frozen=True)
class Schedule:
    """alpha_k = scale/(k + offset)^power, k = 1, 2, ...; power 0 is a constant step."""

    scale: float = 1.0
    offset: float = 0.0
    power: float = 1.0

    def steps(self, count: int) -> Floats:
        """alpha_1, ..., alpha_count."""
        return np.asarray(self.scale / (np.arange(1, count + 1) + self.offset) ** self.power, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Runs:
    """What many runs did.

    at      : (T,) the steps at which they are looked at, the last one among them
    mean, low, high : (T, n), of the weights over the runs, and the band that holds nine runs in ten
    final   : (n, runs);  time : (T,) the sum of the steps so far
    rewards : (T, runs), the average of the rewards so far;  visits : (states, runs), how often each was left
    """

    at: Indices
    mean: Floats
    low: Floats
    high: Floats
    final: Floats
    time: Floats
    rewards: Floats
    visits: Indices


def simulate(
    samples: Samples, runs: int, steps: int, seed: int, schedule: Schedule, looks: int = 40,
    progress: Callable[[str], None] | None = None, start: int = 0,
) -> Runs:  # fmt: skip
    """Run a rule from v = 0, e = 0 and the state `start`; floats, so that a run that diverges may overflow to infinity.

    Raises `ArgumentError` as `compiled` does.
    """
    arrays = compiled(samples)
    chain, rewards = Walk(arrays, runs, seed, start), _rewards(samples)
    alpha = schedule.steps(steps)
    at = np.unique(np.geomspace(1, steps, min(looks, steps)).round().astype(np.intp))
    looked = set(at.tolist())
    n = samples.size
    v, e = np.zeros((n, runs)), np.zeros((samples.trace_size, runs))
    total, counted = np.zeros(runs), np.zeros(samples.process.states * runs, dtype=np.intp)
    everyone = np.arange(runs)
    seen: list[tuple[Floats, Floats, Floats, Floats]] = []
    blocks = _traced if samples.trace_size else _plain
    with np.errstate(over="ignore", invalid="ignore"):
        for begin in range(0, steps, BLOCK):
            if progress is not None and begin % (50 * BLOCK) == 0:
                progress(f"step {begin} of {steps}")
            states, ys = chain.walk(min(BLOCK, steps - begin))
            counted += np.bincount((states * runs + everyone).ravel(), minlength=len(counted))
            for k, after in enumerate(blocks(arrays, v, e, ys, alpha[begin : begin + len(ys)]), 1):
                v, e = after
                if begin + k in looked:
                    low, high = np.quantile(v, BAND, axis=1)
                    earned = total + rewards[ys[:k]].sum(axis=0)
                    seen.append((v.mean(axis=1), low, high, earned / (begin + k)))
            total = total + rewards.take(ys).sum(axis=0)
    mean, low, high, averages = (np.array(side) for side in zip(*seen, strict=True))
    visits = counted.reshape(samples.process.states, runs)
    return Runs(at, mean, low, high, v, np.cumsum(alpha)[at - 1], averages, visits)


def _rewards(samples: Samples) -> Floats:
    process = samples.process
    return np.array([float(process.reward[t.state][t.action][t.next_state]) for t in samples.transitions])


class Walk:
    """Many copies of the chain that drives a rule."""

    def __init__(self, arrays: Compiled, runs: int, seed: int, start: int):
        self.arrays, self.rng = arrays, np.random.default_rng(seed)
        self.state = np.full(runs, start, dtype=np.intp)

    def walk(self, count: int) -> tuple[Indices, Indices]:
        """The next states that are left, and the transitions that are taken, (count, runs) each."""
        following, cumulative, after = self.arrays.following, self.arrays.cumulative, self.arrays.after
        width, flat, state = following.shape[1], following.ravel(), self.state
        shape = (count, len(state))
        states, ys = np.empty(shape, dtype=np.intp), np.empty(shape, dtype=np.intp)
        if cumulative is None:
            draws = self.rng.integers(0, width, shape, dtype=np.uint32)
            for k in range(count):
                states[k] = state
                ys[k] = y = flat.take(state * width + draws[k])
                state = after.take(y)
        else:
            uniform = self.rng.random(shape)
            for k in range(count):
                states[k] = state
                place = (cumulative[state] <= uniform[k][:, None]).sum(axis=1)
                ys[k] = y = following[state, place]
                state = after.take(y)
        self.state = state
        return states, ys


States = Iterator[tuple[Floats, Floats]]


def _plain(arrays: Compiled, v: Floats, e: Floats, ys: Indices, alpha: Floats) -> States:
    """A block of steps of all runs without a trace; what depends on the transition is gathered for the block."""
    atoms, K = arrays.atoms, arrays.sums.shape[1]
    constant = np.moveaxis(arrays.sums[:, :, 0, 0], 0, -1).take(ys, axis=-1)  # (K, count, runs)
    slopes = np.moveaxis(arrays.sums[:, :, 0, 1:], 0, -1).take(ys, axis=-1)  # (K, atoms, count, runs)
    spread = np.moveaxis(arrays.spread, 0, -1).take(ys, axis=-1)  # (K, n, count, runs)
    for k, step in enumerate(alpha):
        z, after = (atoms.at(v)[1:] if atoms.maxima else v), v
        for j in range(K):
            S = np.einsum("ir,ir->r", slopes[j, :, k], z)
            S += constant[j, k]
            S *= step
            after = after + S * spread[j, :, k]
        v = after
        yield v, e


def _traced(arrays: Compiled, v: Floats, e: Floats, ys: Indices, alpha: Floats) -> States:
    """As `_plain`, with a trace."""
    sums, spread, onward, ones = arrays.sums, arrays.spread, arrays.trace, np.ones((1, e.shape[1]))
    for y, step in zip(ys, alpha, strict=True):
        e = np.einsum("rje,er->jr", onward[y], np.concatenate([ones, e]))
        zeta = np.concatenate([ones, e])
        S = np.einsum("er,rkez,zr->rk", zeta, sums[y], arrays.atoms.at(v), optimize=_ORDER)
        v = v + step * np.einsum("rk,rkn->nr", S, spread[y])
        yield v, e


_ORDER = ["einsum_path", (0, 1), (0, 1)]


def plain_loop(samples: Samples, steps: int, seed: int, schedule: Schedule) -> list[float]:
    """One run as a plain Python loop does it, for the benchmark: lists and floats, a transition at a time."""
    rng = np.random.default_rng(seed)
    process = samples.process
    arrays = compiled(samples)
    v, state = [0.0] * samples.size, 0
    features = [[float(x) for x in row] for row in process.features]
    gamma = float(samples.parameters["gamma"])
    rewards = _rewards(samples).tolist()
    following, after = arrays.following.tolist(), arrays.after.tolist()
    width = len(following[0])
    for k in range(1, steps + 1):
        y = following[state][int(rng.random() * width)]
        x, ahead = features[state], features[after[y]]
        delta = rewards[y] + sum((gamma * b - a) * w for a, b, w in zip(x, ahead, v, strict=True))
        alpha = schedule.scale / (k + schedule.offset) ** schedule.power
        v = [w + alpha * delta * a for w, a in zip(v, x, strict=True)]
        state = after[y]
    return v
