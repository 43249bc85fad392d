"""A module whose weights have no names, read by what its layers do to chosen prompts.

A layer of linear attention adds to the query's column (1/n) sum_ij sum X_ij[b, r, a, s] Z[b, i] Z[r, j] q[s] / 2, with
X_ij[b, r] = M_ij T[b, r] + M_ji T[r, b] summed over heads.  The part of its change that is odd in token j and in the
query, at unit vectors, is X_ij[b, r]: two tokens and the query are enough for all of it.  Masks are the independent
patterns of X over (i, j).  Numbers are known to `RESOLUTION` of the largest and rounded to it; what was read is then
held against the module on random prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import torch

from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import Head
from ...symbolic.errors import ArgumentError
from ...symbolic.recognition.network import identity

RESOLUTION = {"layers": 2.0**-40, "states": 2.0**-32, "float32": 2.0**-12}
"""Floats of 53 bits without what sums and differences of a few lose; states differ little from those before them."""
SMALL = 1.0 / 16
"""States that are asked for are scaled by this where the prompt that leads to them is found step by step."""
MOST_ROWS, MOST_TOKENS = 24, 64
CHUNK = 512
LOOKS = 4
"""Random (value, key, query) triples that tell masks apart: independent masks of up to so many times m entries."""

Change = Callable[[np.ndarray], np.ndarray]
"""What a layer adds to states (B, m, N)."""


def probed(module: Any, m: int, n: int, depth: int | None) -> tuple[list[list[Head]], float]:
    """The heads of each layer of a module with `layers` or `states(Z)`, and how well they are known, of the largest.

    Raises `ArgumentError` where the module's layers are no linear attention with fixed masks that leave the query out.
    """
    if m > MOST_ROWS or n > MOST_TOKENS:
        raise ArgumentError(f"m = {m} rows and n = {n} are too many to probe a module, at most {MOST_ROWS} and "
                            f"{MOST_TOKENS}: give its weights by name")  # fmt: skip
    dtype = next((x.dtype for x in (*module.parameters(), *module.buffers()) if x.is_floating_point()), torch.float64)
    way = "states" if callable(getattr(module, "states", None)) else "layers"
    resolution = RESOLUTION[way if dtype == torch.float64 else "float32"]
    by_layer = []
    for number, change in enumerate(_changes(module, m, n + 1, depth, dtype), 1):
        heads = _heads(change, m, n, resolution)
        _confirm(change, heads, m, n, number, resolution)
        by_layer.append(heads)
    return by_layer, resolution


def _changes(module: Any, m: int, N: int, depth: int | None, dtype: Any) -> list[Change]:
    layers, states = getattr(module, "layers", None), getattr(module, "states", None)
    batched: list[bool] = []

    def run(apply: Callable[[Any], Any], Z: np.ndarray) -> Any:
        with torch.no_grad():
            return _of_prompts(apply, torch.from_numpy(Z).to(dtype), batched)

    def floats(x: Any) -> np.ndarray:
        result: np.ndarray = x.detach().to("cpu", torch.float64).numpy()
        return result

    if isinstance(layers, (list, tuple, torch.nn.ModuleList)) and not callable(states):

        def added(own: Any, Z: np.ndarray) -> np.ndarray:
            result: np.ndarray = floats(run(own, Z)) - Z
            return result

        return [partial(added, layer) for layer in layers]
    if not callable(states):
        raise ArgumentError(f"the module {type(module).__name__} has no parameters called P and Q, no states(Z) and no "
                            "layers, wanted one of these")  # fmt: skip
    count = len(run(states, np.zeros((1, m, N)))) - 1
    if depth is not None and depth != count:
        raise ArgumentError(f"layers is {depth}, but the module's states(Z) has {count} layers: leave it out")

    def change(number: int, X: np.ndarray) -> np.ndarray:
        """What layer `number` adds to states X: prompts that become X before it are found by steps Z + X - Z_number."""
        Z, last = SMALL * X, np.inf
        while True:  # until rounding is all that is left
            left = SMALL * X - floats(run(states, Z)[number])
            size = float(np.abs(left).max())
            if not size < last:
                break
            Z, last = Z + left, size
        reached = [floats(x) for x in run(states, Z)]
        result: np.ndarray = (reached[number + 1] - reached[number]) / SMALL**3
        return result

    return [partial(change, k) for k in range(count)]


def _of_prompts(apply: Callable[[Any], Any], Z: Any, batched: list[bool]) -> Any:
    """What a layer or `states` makes of prompts (B, m, N): at once, or one by one where a module takes single prompts.

    batched : whether it takes them at once; empty until that is known
    """
    if not batched or batched[0]:
        try:
            states_made = apply(Z)
            fits = {tuple(x.shape) for x in ([states_made] if hasattr(states_made, "shape") else states_made)} == {
                tuple(Z.shape)
            }
        except Exception:  # the module is the user's: whatever it raises, single prompts may do
            fits = False
        batched[:] = batched or [fits]
        if fits:
            return states_made
    try:
        each = [apply(one) for one in Z]
        if hasattr(each[0], "shape"):
            return torch.stack(each).reshape(Z.shape)
        return [torch.stack(list(states)).reshape(Z.shape) for states in zip(*each, strict=True)]
    except Exception as error:
        message = " ".join(str(error).split())[:120]
        raise ArgumentError(
            f"the module makes no states of a prompt of shape {tuple(Z.shape[1:])}, neither alone nor in a batch: "
            f"{type(error).__name__}: {message}"
        ) from None


def _pairs(change: Change, at: np.ndarray, vectors: Sequence[np.ndarray], N: int) -> np.ndarray:
    """X_ij applied to u, v and s, a row each: (B, m).  at (B, 2): i and j; vectors: u, v and s, (B, m) each."""
    parts = []
    for first in range(0, len(at), CHUNK):
        place, u, v, s = (x[first : first + CHUNK] for x in (at, *vectors))
        total = np.zeros_like(u)
        every = np.arange(len(place))
        for sign_v in (1, -1):
            for sign_s in (1, -1):
                Z = np.zeros((len(place), u.shape[1], N))
                Z[every, :, place[:, 0]] += u
                Z[every, :, place[:, 1]] += sign_v * v
                Z[:, :, -1] = sign_s * s
                total += sign_v * sign_s * change(Z)[:, :, -1]
        parts.append(total / 4)
    return np.concatenate(parts)


def _heads(change: Change, m: int, n: int, resolution: float) -> list[Head]:
    """A layer's heads: one for each mask and each pair of a row written and a value row."""
    N = n + 1
    rng = np.random.default_rng(0)
    every = np.array([(i, j) for i in range(n) for j in range(n)])
    looks = rng.integers(1, 4, (LOOKS, 3, m)) * rng.choice((-1, 1), (LOOKS, 3, m))
    patterns = np.concatenate([
        _pairs(change, every, [np.tile(x.astype(float), (len(every), 1)) for x in look], N) for look in looks
    ], axis=1)  # fmt: skip
    if not np.isfinite(patterns).all():
        raise ArgumentError("the module's layers return numbers that are not finite on small whole numbers")
    masks, pivots = _independent(patterns, resolution)
    units = np.eye(m)
    triples = np.array([(b, r, s) for b in range(m) for r in range(m) for s in range(m)])
    heads = []
    for mask, pivot in zip(masks.T, pivots, strict=True):
        at = np.tile(every[pivot], (len(triples), 1))
        X = _pairs(change, at, [units[triples[:, k]] for k in range(3)], N).reshape(m, m, m, m)  # b, r, s, a
        T = _rounded(np.moveaxis(X, 3, 0) * n / 2, resolution)
        M = np.zeros((N, N))
        M[:n, :n] = _rounded(mask, resolution).reshape(n, n)
        exact = RationalMatrix.of([[Fraction(x) for x in row] for row in M])
        for a, b in np.argwhere(np.abs(T).max(axis=(2, 3)) > 0):
            P = np.zeros((m, m))
            P[a, b] = 1
            heads.append(Head(identity(m), _exact(P), _exact(T[a, b]), exact))
    return heads


def _independent(patterns: np.ndarray, resolution: float) -> tuple[np.ndarray, list[int]]:
    """Rows that the others are combinations of, and with which factors: (pairs, masks), the pivots' numbers."""
    left = patterns.copy()
    pivots: list[int] = []
    size = np.abs(patterns).max()
    while size > 0 and np.abs(left).max() > resolution * size:
        if len(pivots) == LOOKS:
            raise ArgumentError("the module's layers join tokens in too many ways to be fixed masks of a few heads")
        row, column = np.unravel_index(int(np.abs(left).argmax()), left.shape)
        pivots.append(int(row))
        left = left - np.outer(left[:, column] / left[row, column], left[row])
        left[row] = 0
    if not pivots:
        return np.zeros((len(patterns), 0)), []
    factors = np.linalg.lstsq(patterns[pivots].T, patterns.T, rcond=None)[0].T
    factors[pivots] = np.eye(len(pivots))
    return factors, pivots


def _rounded(values: np.ndarray, resolution: float) -> np.ndarray:
    """Numbers to a share of the largest: multiples of a power of two."""
    size = float(np.abs(values).max()) if values.size else 0.0
    if size == 0:
        return values
    step = 2.0 ** np.ceil(np.log2(size * resolution))
    result: np.ndarray = np.round(values / step) * step
    return result


def _exact(matrix: np.ndarray) -> RationalMatrix:
    return RationalMatrix.of([[Fraction(x) for x in row] for row in matrix.tolist()])


def _confirm(change: Change, heads: Sequence[Head], m: int, n: int, number: int, resolution: float) -> None:
    """Hold what was read against the module on random prompts, every row and token: half of the digits must agree."""
    Z = np.random.default_rng(1).normal(size=(3, m, n + 1)) / 4
    wanted = np.zeros_like(Z)
    for h in heads:
        P, Q, M = (np.array(x.fractions(), dtype=float) for x in (h.P, h.Q, h.M))
        wanted += P @ Z @ M @ (Z.transpose(0, 2, 1) @ Q @ Z) / n
    changed = change(Z)
    size = max(float(np.abs(wanted).max()), float(np.abs(changed).max()))
    if not np.abs(changed - wanted).max() <= resolution**0.5 * size:
        raise ArgumentError(
            f"layer {number} of the module is no linear attention with fixed masks that leave the query out: what it "
            "does to two tokens and the query does not tell what it does to a prompt"
        )
