"""The published experiment as its paper writes it: one network, one prompt at a time, in plain NumPy and torch.

It shares nothing with the product's training: its own chain, its own random numbers, its own attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Plain:
    """Sizes and settings of Algorithm 1 on Boyan's chain, looped linear attention, Adam."""

    d: int = 4
    s: int = 10
    n: int = 30
    layers: int = 3
    gamma: float = 0.9
    processes: int = 4000
    batches: int = 5
    windows: int = 64
    rate: float = 1e-3
    decay: float = 1e-6
    gain: float = 0.1


@dataclass(frozen=True)
class Learned:
    """What one network came to: its weights, batch TD's step, the mean loss of the network and of batch TD."""

    P: Tensor
    Q: Tensor
    alpha: float
    loss: float
    loss_of_td: float


def boyan(rng: np.random.Generator, s: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Transition matrix, first distribution, rewards."""
    P = np.zeros((s, s))
    for i in range(s - 2):
        P[i, i + 1] = rng.uniform(0.01, 0.99)
        P[i, i + 2] = 1 - P[i, i + 1]
    P[s - 2, s - 1] = 1
    P[s - 1] = rng.uniform(0.01, 0.99, s)
    P[s - 1] /= P[s - 1].sum()
    mu = rng.uniform(0.01, 0.99, s)
    return P, mu / mu.sum(), rng.uniform(-1, 1, s)


def prompt(plain: Plain, phi: np.ndarray, reward: np.ndarray, path: list[int]) -> Tensor:
    """Z of a window: n transitions and the query after them."""
    d, n = plain.d, plain.n
    Z = np.zeros((2 * d + 1, n + 1), dtype=np.float32)
    for j in range(n):
        Z[:d, j], Z[d : 2 * d, j] = phi[path[j]], plain.gamma * phi[path[j + 1]]
        Z[2 * d, j] = reward[path[j]]
    Z[:d, n] = phi[path[n + 1]]
    return torch.from_numpy(Z)


def learn(plain: Plain, seed: int) -> Learned:
    """Train one network."""
    rng = np.random.default_rng(seed)
    d, n, m = plain.d, plain.n, 2 * plain.d + 1
    P, Q = (torch.tensor(plain.gain * m**-0.5 * rng.standard_normal((m, m)), dtype=torch.float32).requires_grad_()
            for _ in range(2))  # fmt: skip
    alpha = torch.ones(1, requires_grad=True)
    adam = torch.optim.Adam([P, Q, alpha], lr=plain.rate, weight_decay=plain.decay)
    M = torch.eye(n + 1)
    M[n, n] = 0
    P_td, Q_td = torch.zeros(m, m), torch.zeros(m, m)
    P_td[-1, -1] = 1
    Q_td[:d, :d], Q_td[:d, d : 2 * d] = -torch.eye(d), torch.eye(d)

    def value(Z: Tensor, p: Tensor, q: Tensor) -> Tensor:
        for _ in range(plain.layers):
            Z = Z + p @ Z @ M @ Z.T @ q @ Z / n
        return -Z[-1, -1]

    losses, losses_of_td = [], []
    for _ in range(plain.processes):
        phi = rng.uniform(-1, 1, (plain.s, d)).astype(np.float32)
        chain, mu, reward = boyan(rng, plain.s)
        for _ in range(plain.batches):
            states = [rng.choice(plain.s, p=mu)]
            for _ in range(n + 1):
                states.append(rng.choice(plain.s, p=chain[states[-1]]))

            Z = prompt(plain, phi, reward, states)
            now, now_td = value(Z, P, Q), value(Z, alpha * P_td, Q_td)
            loss = loss_of_td = torch.zeros(())
            for _ in range(plain.windows):
                left = states[-1]
                states = [*states[1:], rng.choice(plain.s, p=chain[left])]
                Z = prompt(plain, phi, reward, states)
                later, later_td = value(Z, P, Q), value(Z, alpha * P_td, Q_td)
                loss = loss + (reward[left] + plain.gamma * later.detach() - now) ** 2
                loss_of_td = loss_of_td + (reward[left] + plain.gamma * later_td.detach() - now_td) ** 2
                now, now_td = later, later_td
            adam.zero_grad()
            ((loss + loss_of_td) / plain.windows).backward()
            adam.step()
            losses.append(float(loss.detach()) / plain.windows)
            losses_of_td.append(float(loss_of_td.detach()) / plain.windows)
    return Learned(P.detach(), Q.detach(), float(alpha.detach()), float(np.mean(losses)), float(np.mean(losses_of_td)))
