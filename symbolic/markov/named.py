"""Processes that the literature knows by name, as they stand there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from .decision import DecisionProcess

HALF = Fraction(1, 2)


def two_state() -> DecisionProcess:
    """0 -> 1 with probability 1/3, 1 -> 0 with 1/2, so pi = (3/5, 2/5); rewards 1 and 0, one-hot features."""
    third = Fraction(1, 3)
    rows = [[1 - third, third], [HALF, HALF]]
    return DecisionProcess.of("two-state", rows, [1, 0], [[1, 0], [0, 1]], gamma=HALF)


def boyan_1999() -> DecisionProcess:
    """Boyan's chain itself: states 12, ..., 0, reward -3 a step, -2 from 1 to 0; 0 has no features and starts again.

    With gamma = 1 linear TD's weights are (-24, -16, -8, 0), the values -2 s.  State k stands for s = 12 - k.
    A trace is not cut where 0 starts again: with lambda = 1/2 it adds -24 for each later episode, halved each time.
    Source: Boyan 1999, Least-squares temporal difference learning; the form of Boyan 2002.
    """
    rows, rewards = [], []
    for s in range(12, -1, -1):
        ahead = {s - 1: HALF, s - 2: HALF} if s > 1 else {0: 1} if s == 1 else {12: 1}
        rows.append([ahead.get(t, 0) for t in range(12, -1, -1)])
        rewards.append(-3 if s > 1 else -2 if s == 1 else 0)
    features = []
    for s in range(12, 0, -1):
        corner, off = divmod(12 - s, 4)
        vector = [Fraction(0)] * 4
        vector[corner] = 1 - Fraction(off, 4)
        if off:
            vector[corner + 1] = Fraction(off, 4)
        features.append(vector)
    features.append([Fraction(0)] * 4)
    return DecisionProcess.of("boyan-1999", rows, rewards, features, gamma=Fraction(1))


def w_to_2w() -> DecisionProcess:
    """Features 1 and 2, two actions that lead to either state from anywhere; the target always takes the second.

    Both states are seen half of the time: A = (gamma 2 - 1)/2 + 2 (gamma 2 - 2)/2 = 1/5 at gamma = 9/10.
    Source: Tsitsiklis and Van Roy 1997; Sutton and Barto 2018, section 11.2.
    """
    blocks = [[[1, 0], [0, 1]]] * 2
    return DecisionProcess.of(
        "w-to-2w", blocks, [0, 0], [[1], [2]], [[HALF, HALF]] * 2, [[0, 1]] * 2, gamma=Fraction(9, 10)
    )


def baird() -> DecisionProcess:
    """Baird's star: seven states, eight features of rank seven, rewards 0; the target always goes to the last state.

    The behaviour takes the action that goes to it one time in seven, and one that goes to the others evenly otherwise.
    Source: Baird 1995; in the form of Sutton and Barto 2018, section 11.2, gamma = 99/100.
    """
    dashed = [Fraction(1, 6)] * 6 + [Fraction(0)]
    solid = [0] * 6 + [1]
    features = [[2 * int(i == j) for j in range(7)] + [1] for i in range(6)] + [[0] * 6 + [1, 2]]
    return DecisionProcess.of(
        "baird", [[dashed, solid]] * 7, [0] * 7, features, [[Fraction(6, 7), Fraction(1, 7)]] * 7, [[0, 1]] * 7,
        gamma=Fraction(99, 100),
    )  # fmt: skip


NAMED: Mapping[str, Callable[[], DecisionProcess]] = {
    "two-state": two_state,
    "boyan-1999": boyan_1999,
    "w-to-2w": w_to_2w,
    "baird": baird,
}
