"""The batched training against a plain loop with random numbers of its own: one law, by a permutation test."""

from __future__ import annotations

from dataclasses import asdict, replace
from fractions import Fraction

import numpy as np
import pytest
from plain_training import Plain, learn

from layerproof.numeric.training.loop import train_group
from layerproof.numeric.training.settings import Training

pytestmark = pytest.mark.slow

SEEDS = 20
PLAIN = Plain(d=2, s=4, n=5, layers=2, processes=10, batches=1, windows=6, rate=0.03, decay=1e-3, gain=0.5)
OURS = Training(
    d=2, states=4, n=5, layers=2, gamma=Fraction(9, 10), processes=10, batches=1, windows=6, rate=0.03, decay=1e-3,
    gain=0.5, seeds=SEEDS, width=SEEDS, log=10, final=1,
)  # fmt: skip
LEVEL = 1e-3


def plain(settings: Plain) -> np.ndarray:
    """(seeds, 4): log of the weights' squared norm, batch TD's step, log of both mean losses."""
    rows = []
    for seed in range(SEEDS):
        learnt = learn(settings, seed)
        size = float(learnt.P.square().sum() + learnt.Q.square().sum())
        rows.append([np.log(size), learnt.alpha, np.log(learnt.loss), np.log(learnt.loss_of_td)])
    return np.array(rows)


def ours(settings: Training) -> np.ndarray:
    """The same of the batched training."""
    history = train_group(settings, 0)[0].history
    size, step, loss, of_td = (history[k][-1].double().numpy() for k in ("size", "step", "loss", "loss of batch TD"))
    return np.stack([np.log(size), step, np.log(loss), np.log(of_td)], axis=1)


def p_value(a: np.ndarray, b: np.ndarray) -> float:
    """Of the largest standardised difference of means, over 2000 exchanges of the seeds' labels."""
    both, rng = np.concatenate((a, b)), np.random.default_rng(0)
    both = (both - both.mean(0)) / both.std(0)

    def gap(x: np.ndarray) -> float:
        return float(np.abs(x[: len(a)].mean(0) - x[len(a) :].mean(0)).max())

    observed = gap(both)
    return (1 + sum(gap(rng.permutation(both)) >= observed for _ in range(2000))) / 2001


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return plain(PLAIN)


def test_the_settings_are_the_same() -> None:
    document = OURS.document()
    for name, value in asdict(PLAIN).items():
        here = document["states" if name == "s" else name]
        assert here == ("9/10" if name == "gamma" else value)


def test_the_statistics_are_the_plain_loops(reference: np.ndarray) -> None:
    assert p_value(reference, ours(OURS)) > LEVEL


@pytest.mark.parametrize("fault", [{"rate": 0.06}, {"decay": 0.3}, {"gain": 0.35}, {"shuffled": True}, {"layers": 1}])
def test_another_training_is_told_apart(reference: np.ndarray, fault: dict) -> None:
    assert p_value(reference, ours(replace(OURS, **fault))) <= LEVEL
