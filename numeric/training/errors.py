"""The outer errors: what each prediction is drawn to, and what the loss's gradient treats as fixed."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .settings import Training


@dataclass(frozen=True)
class Outcomes:
    """What belongs to the windows of a mini-batch beside the prompts.

    rewards : R' of each window (K, w), on leaving the query's state; average : the mean reward (K, 1) of the trajectory
    targets : given numbers (K, w), or None where predictions bootstrap
    """

    rewards: Tensor
    average: Tensor
    targets: Tensor | None


def outer_errors(settings: Training, predictions: Tensor, outcomes: Outcomes) -> Tensor:
    """delta of each window (K, w) from the predictions of the windows and of the one after them (K, w + 1).

    Semi-gradient: f(Z') is held fixed. Average reward: R' - rbar + f(Z') - f(Z).
    """
    now, later = predictions[:, :-1], predictions[:, 1:]
    if outcomes.targets is not None:
        return outcomes.targets - now
    if settings.target == "semi-gradient":
        later = later.detach()
    rewards = outcomes.rewards - outcomes.average if settings.average_reward else outcomes.rewards
    return rewards + settings.outer_discount * later - now


def step_slopes(settings: Training, slopes: Tensor, outcomes: Outcomes) -> Tensor:
    """d delta / d alpha (K, w) from d f / d alpha (K, w + 1), what is held fixed left out."""
    if outcomes.targets is None and settings.target == "residual-gradient":
        return settings.outer_discount * slopes[:, 1:] - slopes[:, :-1]
    return -slopes[:, :-1]
