"""How far L layers in floats may be from the exact iterates, before they are run: a bound for every conforming run.

Every layer's own error is at most beta_j (`bounds.py`), whatever the order of summation; what it has become at a later
state, added up over layers, is at most E (`carried.py`), and beta_j itself is taken at |y_j| + E_j, which bounds every
run's rows.  Rocq: `float_error` for beta_j, and for the sum what `carried.py` names.

E_l depends on E_j with j < l alone.  All layers are done at once, from rows that are larger by a guess of E: where what
comes out is no more than the guess, it is the bound, by induction over layers.  Elsewhere what comes out is the next
guess, and after i rounds the first i states are done.  Where it says nothing any more it is infinite.
Assumed: unit roundoff u of inputs and accumulators, no overflow (as for `bounds.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from ..device import Precision
from .bounds import LayerMaps, StepBound
from .carried import OUTWARD, UNDERFLOW, Carried, pieces
from .factored import Factored
from .lines import by_lines
from .powers import Powers
from .spread import spread

CHUNK = 256
"""Prompts at a time: few enough for their matrices to stay in cache."""
GUESS = 2.0**-30
"""The share of the largest row that E is taken to be at first: more than it is in float64."""
MORE = 1 + 2.0**-10
"""What a later guess is larger than the bound that came out."""
HOPELESS = 2.0**4
"""A bound of so many times the largest row says nothing at any later state: none is looked for there."""


def reached(c: Carried, betas: np.ndarray) -> np.ndarray:
    """E at every state, (T, L+1, K, N), rounded up; betas : (T, L, K, N), each layer's own error bound."""
    T, L, K, N = betas.shape
    E = np.zeros((T, L + 1, K, N))
    np.multiply(betas, c.up(L), out=E[:, 1:])
    _add_up(c, E)
    return E


def _add_up(c: Carried, E: np.ndarray, besides: Factored | None = None) -> None:
    """E at every state where there was the bound of the layer before it times `c.up`: (T, L+1, K, N).

    besides : what is added to E in the end, (T, L+1, K, N); elsewhere it is zero at the first state
    """
    betas, (T, states, K, N) = E[:, 1:], E.shape
    L = states - 1
    powers, V = Powers(c, L) if c.mix is not None and L else None, None
    if c.maps.masks and L:
        V = by_lines(c, betas, powers) if c.by_tokens else spread(c, betas)
    if powers is not None:
        for some in pieces(T, E[0].size):
            E[some, 1:] = powers.applied(betas, some)
    else:
        for layer in range(2, states):
            E[:, layer] += E[:, layer - 1]
    E[:, 0] = 0
    lefts, rights = [], []
    if V is not None:
        left = np.zeros((T, K, states, V.shape[2] // K + 1))
        left[:, :, 1:, :-1] = V.reshape(T, L, K, -1).swapaxes(1, 2)
        left[:, :, 1:, -1] = UNDERFLOW
        lefts.append(left)
        right = np.empty((T, K, left.shape[3], N))
        right[:, :, :-1], right[:, :, -1] = c.plain_X[:, None], 1
        rights.append(right)
    if besides is not None:
        lefts.append(np.broadcast_to(besides.left[:, None], (T, K, *besides.left.shape[1:])))
        rights.append(besides.right * c.up(L))
    if lefts:
        left, right = np.concatenate(lefts, axis=3), np.concatenate(rights, axis=2)
        for some in pieces(T, E[0].size):
            E[some] += (left[some] @ right[some]).swapaxes(1, 2)


def a_priori(maps: LayerMaps, X: np.ndarray, known: np.ndarray, target: Precision) -> np.ndarray:
    """The bound E on |any conforming run - exact run| at every entry: (T, L+1, K, N), infinite where there is none.

    X     : (T, p, N) feature rows, floats
    known : (T, L+1, K, N), at least the absolute accumulator rows of the exact run from the same floats
    """
    result = np.empty(known.shape)

    def part(first: int) -> None:
        which = slice(first, first + CHUNK)
        few_prompts(maps, X[which], Given(lambda some: known[which][some]), target, result[which])

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(part, range(0, len(known), CHUNK)))
    return result


@dataclass(frozen=True)
class Given:
    """What is known of a few prompts before any run of the transformer.

    rows   : of some of them, the absolute accumulator rows of the exact run, or of another run: (some, L+1, K, N)
    off    : what the other run's rows are rounded by, (T, L+1, K, N)
    errors : what each of its updates is off by in the rows, (T, L, K, N)
    """

    rows: Callable[[slice], np.ndarray]
    off: Factored | None = None
    errors: Factored | None = None


def few_prompts(maps: LayerMaps, X: np.ndarray, given: Given, target: Precision, E: np.ndarray) -> None:
    """Put into E, (T, L+1, K, N), what `a_priori` returns of prompts whose matrices fit the cache: `CHUNK` or so.

    Where the rows given are those of another run, the sum of both runs' bounds is put there.
    """
    quick, which, L = target.underflow < Fraction(1, 2**100), pieces(len(X), E[0].size), E.shape[1] - 1
    with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
        carried, bound = Carried(maps, X), StepBound(maps, X, target)
        up, off = carried.up(L), np.zeros((len(X), L)) if given.off is None else given.off.most()[:, :L] * OUTWARD
        errors = None if given.errors is None else Factored(given.errors.left * up, given.errors.right)
        guess: np.ndarray | None = None
        guesses, features = np.empty(len(X)), carried.plain_X.max(axis=(1, 2), initial=0)
        while True:
            for some in which:
                rows, more = given.rows(some)[:, :L], off[some]
                if guess is None:
                    guesses[some] = GUESS * rows.max(axis=1, initial=0).max(axis=(1, 2), initial=0)
                    more = more + guesses[some, None]
                else:
                    rows = rows + guess[some, :L]
                besides = None if errors is None else errors[some]
                bound[some].at(rows, quick=quick, more=more, besides=besides, up=up, out=E[some, 1:])
            # where all rows are zero, it is about the features, or about 1
            hopeless = HOPELESS * np.where(guesses > 0, guesses / GUESS, np.where(features > 0, features, 1.0))
            _add_up(carried, E, given.off)
            reached_at = E.max(axis=1, initial=0).max(axis=(1, 2), initial=0)
            if not (reached_at <= hopeless).all():
                E[~(hopeless[:, None, None, None] >= E)] = np.inf
            if (guesses >= reached_at).all() if guess is None else (guess >= E).all():
                return
            guess = E * MORE
