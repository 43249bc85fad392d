"""Updates assembled by hand, right ones and wrong ones, for what `tests/algorithms` says about each algorithm."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from expected import Update

TINY = Fraction(1, 2**30)


def one_weight(error: Any, direction: Any) -> Update:
    """w + C (1/n) sum of error * direction."""

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        total = 0 * w
        for t in sweep:
            total = total + error(w, t, p) * direction(t, p)
        return (w + C @ total / sweep.n,)

    return update


def two_weights(first: Any, second: Any, sequential: bool = False, keeps: Any = lambda v, D: v) -> Update:
    """w + C (1/n) sum of first, keeps(v) + D (1/n) sum of second; `sequential` lets the second read the new w."""

    def update(weights, preconditioners, sweep, p):
        (w, v), (C, D) = weights, preconditioners
        total, other = 0 * w, 0 * v
        for t in sweep:
            total = total + first(w, v, t, p)
        new = w + C @ total / sweep.n
        for t in sweep:
            other = other + second(new if sequential else w, v, t, p)
        return new, keeps(v, D) + (D @ other if hasattr(D, "mT") else D * other) / sweep.n

    return update


def phi(t, p):
    return t.phi


def td_error(w, t, p):
    return t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi


def undiscounted(w, t, p):
    return t.reward + w @ t.phi_next - w @ t.phi


def along_gradient(t, p):
    return t.phi - p.gamma * t.phi_next


def follows_td_error(w, v, t, p):
    """How v of gradient TD moves."""
    return (td_error(w, t, p) - v @ t.phi) * t.phi


def gtd2_gain(w, v, t, p):
    return (v @ t.phi) * along_gradient(t, p)


def tdc_gain(w, v, t, p):
    return td_error(w, t, p) * t.phi - (v @ t.phi) * (p.gamma * t.phi_next)
