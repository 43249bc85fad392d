"""How far L layers in floats may be from the exact iterates, before they are run: a bound for every conforming run.

Every layer's own error is at most beta_j (`bounds.py`), whatever the order of summation; what it has become at a later
state, added up over layers, is at most E (`carried.py`), and beta_j itself is taken at |y_j| + E_j, which bounds every
run's rows.  Rocq: `float_error` for beta_j, and for the sum what `carried.py` names.

E_l depends on E_j with j < l alone.  All layers are done at once, from rows that are larger by a guess of E: where what
comes out is no more than the guess, it is the bound, by induction over layers.  Elsewhere what comes out is the next
guess, and after i rounds the first i states are done.
Assumed: unit roundoff u of inputs and accumulators, no overflow (as for `bounds.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import torch

from ..device import Precision
from .bounds import LayerMaps, StepBound
from .carried import UNDERFLOW, Carried, outward, pieces
from .lines import by_lines
from .powers import Powers
from .spread import spread

CHUNK = 256
"""Prompts at a time: few enough for their matrices to stay in cache."""
GUESS = 2.0**-30
"""The share of the largest row that E is taken to be at first: more than it is in float64."""
MORE = 1 + 2.0**-10
"""What a later guess is larger than the bound that came out."""


def reached(c: Carried, betas: np.ndarray) -> np.ndarray:
    """E at every state, (T, L+1, K, N), rounded up; betas : (T, L, K, N), each layer's own error bound."""
    T, L, K, N = betas.shape
    E = np.zeros((T, L + 1, K, N))
    E[:, 1:] = betas
    _add_up(c, E)
    return E


def _add_up(c: Carried, E: np.ndarray) -> None:
    """E at every state where there was the bound of the layer before it, and zeros at the first: (T, L+1, K, N)."""
    betas, (_, states, K, N) = E[:, 1:], E.shape
    L = states - 1
    up, powers, V = outward(N * K * max(L, 1)), Powers(c, L) if c.mix is not None and L else None, None
    if c.maps.masks and L:
        V = by_lines(c, betas, powers) if c.by_tokens else spread(c, betas)
    for some in pieces(len(E)):
        part = E[some]
        if powers is not None:
            part[:, 1:] = powers.applied(betas, some)
        else:
            for layer in range(2, states):
                part[:, layer] += part[:, layer - 1]
        if V is not None:
            part[:, 1:] += (V[some].reshape(len(part), L * K, -1) @ c.plain_X[some]).reshape(-1, L, K, N)
            part[:, 1:] += UNDERFLOW
        part *= up
        if np.isnan(part.max(initial=0)):
            part[np.isnan(part)] = np.inf


def a_priori(maps: LayerMaps, X: np.ndarray, known: np.ndarray, target: Precision) -> np.ndarray:
    """The bound E on |any conforming run - exact run| at every entry: (T, L+1, K, N), infinite where there is none.

    X     : (T, p, N) feature rows, floats
    known : (T, L+1, K, N), at least the absolute accumulator rows of the exact run from the same floats
    """
    result = np.empty(known.shape)

    def part(first: int) -> None:
        which = slice(first, first + CHUNK)
        few_prompts(maps, X[which], lambda some: (known[which][some], None), target, result[which])

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(part, range(0, len(known), CHUNK)))
    return result


def few_prompts(
    maps: LayerMaps,
    X: np.ndarray,
    given: Callable[[slice], tuple[np.ndarray, np.ndarray | None]],
    target: Precision,
    E: np.ndarray,
) -> None:
    """Put into E, (T, L+1, K, N), what `a_priori` returns of prompts whose matrices fit the cache: `CHUNK` or so.

    given : of some of the prompts what `a_priori` knows, and None; or rows of a run and what each of its layers is off
            by at most, (some, L, K, N): then the sum of both runs' bounds is put there
    """
    quick, which, L = target.underflow < Fraction(1, 2**100), pieces(len(X)), E.shape[1] - 1
    with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
        carried, bounds = Carried(maps, X), [StepBound(maps, X[some], target) for some in which]
        guess, guesses = np.empty(0), np.empty((len(X), 1, 1, 1))
        while True:
            E[:, 0] = 0
            for some, bound in zip(which, bounds, strict=True):
                known, own = given(some)
                size = np.abs(known)
                if not len(guess):
                    guesses[some] = GUESS * size.max(axis=(1, 2, 3), keepdims=True, initial=0)
                size += guess[some] if len(guess) else guesses[some]
                E[some, 1:] = bound.at(size[:, :L], 0, quick)
                if own is not None:
                    E[some, 1:] += own
            _add_up(carried, E)
            guessed = guess if len(guess) else guesses
            if all((guessed[some] >= E[some]).all() for some in which):
                return
            guess = E * MORE
