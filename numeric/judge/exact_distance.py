"""How far a float run has come from the exact run of the layers on its own prompt.

The layers are linear in the accumulator rows, so that the distance e_l of state l obeys
    e_0 = 0,   e_{l+1} = (the linear layer on e_l) + (the exact one-step error of layer l),
where one-step errors are known far better than to float64.  It is run in float64, and what that rounds is an error of
a layer like any other: at most the one-step bound at e_l (`bounds.py`), carried on as `a_priori.py` does; that sum is
the slack.  Where it comes out too wide, the exact run is held in balls (`balls.py`), and made over Q where these grow
too wide as well.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch
from flint import arb, ctx, fmpz, fmpz_mat

from ...symbolic.arithmetics.rational import Rational, RationalMatrix
from ...symbolic.attention import iterate
from ..device import precision
from .a_priori import reached
from .balls import Balls
from .carried import Carried
from .exact_floats import dyadic_matrix, integers, near_floats
from .exact_run import ExactRun
from .residuals import UP

BITS = 320
"""Of the balls: over twice the widest format, and some for each of many layers."""
NARROW = 2.0**-110
"""The share of the largest number that the slack of balls may be: the square of what float64 rounds off, and less."""
SUBNORMAL = 2.0**-1074
"""What a number over Q loses at most, besides a relative 2^-52, where it is that small in float64."""
SMALL = 2.0**-24
"""The share of the largest distance that the slack may be where the distance is run in floats."""


def distances(run: ExactRun) -> tuple[np.ndarray, np.ndarray] | None:
    """|float state - exact state| and its slack at every entry, (T, L+1, K, N) each, from the prompt.

    None where a distance is beyond float64.
    """
    result, slack = in_floats(run)
    if not slack.max() <= SMALL * result.max():
        result, slack = in_balls(run)
        if not slack.max() <= NARROW * np.abs(run.Y).max():
            result, slack = over_Q(run), np.full(run.Y.shape, SUBNORMAL)
    return (result, slack) if np.isfinite(result).all() else None


def in_floats(run: ExactRun) -> tuple[np.ndarray, np.ndarray]:
    """The distance run in float64, and what it may be off by; the latter is infinite where it is not known."""
    maps, X, target = run.maps, run.X, precision(torch.float64)
    (T, states, K, N), p = run.Y.shape, maps.features
    residual, open_by = run.residuals
    # Products here are over whole contractions, where the counts of a layer's roundings are of non-zero terms.
    width = maps.absolute.shape[1]
    counted = replace(maps, roundings=maps.roundings + 2 * N + width + K + 16)
    result = np.zeros(run.Y.shape)
    with np.errstate(all="ignore"):
        carried = Carried(maps, X)
        for layer in range(states - 1):
            stored, e = run.stored(layer), result[:, layer]
            G = ((e @ carried.keys).reshape(T, width) @ maps.gains[stored]).reshape(T, K, p)
            kept = e if carried.mix is None else carried.mix[:, stored] @ e
            np.add(kept, G @ X, out=result[:, layer + 1])
            result[:, layer + 1] += residual[:, layer]
        own = run.bounds(counted, result[:, :-1], target)
        own += open_by
        np.abs(result, out=result)
        rounding = np.abs(residual)
        rounding += result[:, 1:]
        rounding *= 2.0**-49
        own += rounding
        own *= UP
        slack = reached(carried, own)
    if not (np.isfinite(result.max()) and np.isfinite(slack.max())):
        usable = np.isfinite(result) & np.isfinite(slack)
        result, slack = np.where(usable, result, 0.0), np.where(usable, slack, np.inf)
    return result, slack


def _rows(run: ExactRun, trial: int) -> list[RationalMatrix]:
    """The L+1 states of a trial, (K, N) each, over one power of two."""
    whole, low = integers(run.Y[trial])
    den = fmpz(1) << -low
    return [RationalMatrix(fmpz_mat(*rows.shape, rows.reshape(-1).tolist()), den) for rows in whole]


def in_balls(run: ExactRun) -> tuple[np.ndarray, np.ndarray]:
    """The distance from a run held in balls of `BITS` bits, and what these leave open."""
    result, slack = np.zeros(run.Y.shape), np.zeros(run.Y.shape)
    with ctx.workprec(BITS):
        known: dict[int, Balls] = {}

        def held(matrix: RationalMatrix) -> Balls:
            if id(matrix) not in known:
                known[id(matrix)] = Balls.of(matrix)
            return known[id(matrix)]

        layers = [[replace(h, U=held(h.U), E=held(h.E), M=held(h.M)) for h in heads] for heads in run.layers]
        scale = arb(1) / run.maps.n
        for trial in range(run.T):
            rows = [Balls.of(Y) for Y in _rows(run, trial)]
            exact_run = iterate(Balls.of(dyadic_matrix(run.X[trial])), rows[0], layers, scale)
            for layer, exact in enumerate(exact_run, 1):
                difference = rows[layer] - exact
                result[trial, layer] = np.abs(difference.middles())
                slack[trial, layer] = difference.radius()
    return result, slack


def over_Q(run: ExactRun) -> np.ndarray:
    """The distance from the run over Q, off by a relative 2^-52."""
    result, scale = np.zeros(run.Y.shape), Rational.of(Fraction(1, run.maps.n))
    for trial in range(run.T):
        rows = _rows(run, trial)
        for layer, exact in enumerate(iterate(dyadic_matrix(run.X[trial]), rows[0], run.layers, scale), 1):
            result[trial, layer] = np.abs(near_floats(rows[layer] - exact))
    return result
