"""What the errors of layers have become at later states, added up: at least the sum over layers of |A_j^*| beta_j.

Feature rows never change, so layers are affine in the accumulator rows Y and errors travel linearly.  An error delta
(K, N) made by layer j has become, at state l,
    A_j delta + Gamma(delta) W_j X,   Gamma(delta) = delta M X^T for each mask,   A_j = 1, W_j = 0 at state j + 1,
    A_j <- (1 + K_l) A_j,   W_j <- W_j (1 + K_l + S G_l) + A_j G_l,   S = X M X^T,   G_l = the layer's heads / n,
where K_l Y is what heads over a constant row add (`tokenwise.py`; most have none, and A_j = 1), and 1 + K_l and A_j act
on the rows s of the pairs (s, r) that W_j's columns and G_l's lines are.  With |delta| <= beta_j, state l is off by
    |error| <= E_l = sum_j |A_j| beta_j + V_l |X|,   V_l[s] = sum_j sum_t beta_j[t] |(M X^T W_j)[t, s]|.
`spread.py` bounds V_l with one matrix for all j, so that L layers take L steps; `lines.py` sums it as it stands, where
several masks together have as many keys as there are tokens, as when each layer has a mask of its own.
Rocq: `attention_error` and `attention_entry_bound`, over a constant row `affine_error` and `affine_entry_bound`.

Everything is computed in float64 and rounded outwards.
"""

from __future__ import annotations

import numpy as np

from .bounds import LayerMaps, float_keys
from .tokenwise import mixed

U64 = 2.0**-53
OUTWARD = 1 + 2.0**-30
"""Outweighs the roundings of sums of up to 2^20 non-negative float64 numbers."""
UNDERFLOW = 2.0**-900
"""Outweighs what sums of products of such numbers lose to underflow."""
LOST = 2.0**-960
"""Outweighs what underflow takes from one entry of a product of matrices, of numbers up to 1."""
PIECE = 16
"""Prompts at a time, at least, where there is a number for each layer, row and token."""
NUMBERS = 2**17
"""Such numbers at a time, where that is more."""


def outward(terms: int) -> float:
    """A factor that outweighs the roundings of a few nested sums of `terms` non-negative float64 numbers in all.

    >>> outward(2**20) == OUTWARD, outward(2**24) == 1 + 2.0**-26
    (True, True)
    """
    return 1 + max(terms, 2**20) * 2.0**-50


class Carried:
    """What decides how errors travel through the layers of a few prompts.

    X            (T, p, N); `plain_X` of absolute values, and so with the others
    keys, gram   M X^T : (T, N, masks p) and X M X^T : (T, p, masks p)
    mix, most    1 + K_l of every stored layer, (T, layers, K, K), and at least its plain size; None where nothing mixes
    `BY_TOKENS` : from so many masks on, lines for tokens are carried where they are no more than the keys
    Numbers may overflow, so call with NumPy's warnings off: bounds are then infinite or NaN.
    """

    BY_TOKENS = 2

    def __init__(self, maps: LayerMaps, X: np.ndarray):
        self.maps, self.X, self.plain_X = maps, X, np.abs(X)
        _, p, N = X.shape
        K, masks = maps.accumulators, len(maps.masks)
        self.by_tokens = masks >= self.BY_TOKENS and masks * p >= N
        self.keys = float_keys(X, maps.mask_floats)
        self.plain_keys = float_keys(self.plain_X, [np.abs(M) for M in maps.mask_floats])
        self.gram, self.plain_gram = X @ self.keys, self.plain_X @ self.plain_keys
        tallest = self.plain_keys.max(axis=(1, 2), initial=0)
        self.lost = LOST * (1 + self.plain_X.max(axis=(1, 2), initial=0)) * (1 + tallest) ** 2
        self.mixing = max((len(heads) for heads in maps.tokenwise), default=0)
        self.mix: np.ndarray | None = None
        if maps.tokenwise:
            self.mix = np.eye(K) + mixed(maps.tokenwise, "exact", self.gram, K, 1 / maps.n)
            plain_gram = self.plain_gram + self.lost[:, None, None]
            most = mixed(maps.tokenwise, "absolute", plain_gram, K, 1 / maps.n)
            self.most = (np.eye(K) + most) * OUTWARD

    def up(self, layers: int) -> float:
        """A factor that outweighs the roundings of what so many layers' errors are summed by."""
        return outward(self.X.shape[2] * self.maps.accumulators * max(layers, 1))

    def stored(self, layer: int) -> int:
        """The index of the stored weights that layer number `layer`, from 0, uses."""
        return 0 if len(self.maps.exact) == 1 else layer


def transposed(matrices: np.ndarray) -> np.ndarray:
    """Each matrix transposed: (..., a, b) to (..., b, a); NumPy 1.26 has no `mT`."""
    return np.swapaxes(matrices, -1, -2)


def on_pairs(A: np.ndarray, width: int) -> np.ndarray:
    """A (..., K, K), which acts from the left on rows s, as a matrix that acts from the right on pairs (s, r).

    The result is (..., K width, K width), width being how many r there are.
    """
    K = A.shape[-1]
    return np.asarray(np.einsum("...sk,rq->...krsq", A, np.eye(width)).reshape(*A.shape[:-2], K * width, K * width))


def pieces(prompts: int, numbers: int = NUMBERS) -> list[slice]:
    """Prompts of so many numbers each, together so few that memory is not asked for anew each time."""
    size = max(PIECE, NUMBERS // max(numbers, 1))
    return [slice(first, first + size) for first in range(0, prompts, size)]
