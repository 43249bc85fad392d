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

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import torch

from ..device import Precision
from .bounds import LayerMaps, StepBound
from .carried import UNDERFLOW, Carried, outward
from .lines import by_lines
from .powers import Powers
from .spread import spread

CHUNK = 64
"""Prompts at a time: few enough for their matrices to stay in cache."""
GUESS = 2.0**-30
"""The share of the largest row that E is taken to be at first: more than it is in float64."""
MORE = 1 + 2.0**-10
"""What a later guess is larger than the bound that came out."""


def reached(c: Carried, betas: np.ndarray) -> np.ndarray:
    """E at every state, (T, L+1, K, N), rounded up; betas : (T, L, K, N), each layer's own error bound."""
    T, L, K, N = betas.shape
    E, up = np.zeros((T, L + 1, K, N)), outward(N * K * max(L, 1))
    np.cumsum(betas, axis=1, out=E[:, 1:])
    if c.maps.masks and L:
        powers = None if c.mix is None else Powers(c, L)
        if powers is not None:
            E[:, 1:] = powers.applied(betas)
        V = by_lines(c, betas, powers) if c.by_tokens else spread(c, betas)
        E[:, 1:] += (V.reshape(T, L * K, -1) @ c.plain_X).reshape(T, L, K, N)
        E[:, 1:] += UNDERFLOW
    E *= up
    return E


def a_priori(
    maps: LayerMaps, X: np.ndarray, known: np.ndarray, target: Precision, own: np.ndarray | None = None
) -> np.ndarray:
    """The bound E on |any conforming run - exact run| at every entry: (T, L+1, K, N), infinite where there is none.

    X     : (T, p, N) feature rows, floats
    known : (T, L+1, K, N), at least the absolute accumulator rows of the exact run from the same floats
    own   : (T, L, K, N); when `known` are rows of a run whose layers are off by at most this much each, the sum of
            both runs' bounds is what is returned
    """
    result = np.zeros(known.shape)

    def part(first: int) -> None:
        which = slice(first, first + CHUNK)
        result[which] = few_prompts(maps, X[which], known[which], target, None if own is None else own[which])

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(part, range(0, len(known), CHUNK)))
    return result


def few_prompts(
    maps: LayerMaps, X: np.ndarray, known: np.ndarray, target: Precision, own: np.ndarray | None = None
) -> np.ndarray:
    """What `a_priori` returns, of prompts whose matrices fit the cache: `CHUNK` of them or so."""
    quick, size = target.underflow < Fraction(1, 2**100), np.abs(known)
    with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
        carried, bound = Carried(maps, X), StepBound(maps, X, target)
        guess = np.full(known.shape, GUESS) * size.max(axis=(1, 2, 3), keepdims=True, initial=0)
        while True:
            betas = bound.at((size + guess)[:, :-1], 0, quick)
            E = reached(carried, betas if own is None else betas + own)
            E = np.where(np.isnan(E), np.inf, E)
            if (guess >= E).all():
                return E
            guess = E * MORE
