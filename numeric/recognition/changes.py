"""The smallest changes that would make a wrong network right: each is a hypothesis of what the network does.

A hypothesis is a network that differs from the reference in one way.  It explains a subject when the subject's layers
are its layers: exactly for exact weights, within the rounding of one layer for a module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import Head
from ...symbolic.construction import Construction
from ...symbolic.exact import nearest

Layers = tuple[tuple[Head, ...], ...]


@dataclass(frozen=True, eq=False)
class Change:
    """What was done to the reference, and what undoes it.

    layers : the heads of each stored layer
    factor : times the change of every layer
    """

    name: str
    remedy: str
    layers: Layers
    factor: Fraction = Fraction(1)


def changes(reference: Construction) -> Iterator[Change]:
    """Single mistakes, the simplest first."""
    layers, n = reference.layers, reference.layout.n
    lam = reference.parameters.get("lam")
    decay = (
        None
        if lam is None
        else lam
        * (reference.parameters.get("gamma", Fraction(1)) if reference.options.get("trace") == "gamma-lam" else 1)
    )
    yield Change(
        "missing-1/n", "divide each layer's change by n: it is n times too large (1/n is missing)", layers, Fraction(n)
    )
    yield Change(
        "sign",
        "flip the sign of P or of Q: each layer's change is -1 times what it should be",
        layers,
        Fraction(-1),
    )
    yield Change(
        "n+1", f"divide by n and not by n + 1: each layer's change is {n}/{n + 1} of what it should be", layers,
        Fraction(n, n + 1),
    )  # fmt: skip
    if decay not in (None, 0, 1):
        assert decay is not None
        for times, size, factor in (("lambda", "large", decay), ("1/lambda", "small", 1 / decay)):
            yield Change(
                "mask-off-by-one",
                f"shift the mask by one, M_ij = lambda^(i-j): each change is {times} times what it should be (the "
                f"exponent is one too {size})",
                layers, factor,
            )  # fmt: skip
    yield Change(
        "query-not-masked", "mask the query: its row and column of M must be zero", _masks(layers, _with_query)
    )
    yield Change(
        "first-masked", "let the first transition in: its row and column of M are zero", _masks(layers, _without_first)
    )
    yield Change("mask-transposed", "transpose the mask M", _masks(layers, lambda M: M.mT))
    yield Change("mask-strict", "let each transition meet itself: the diagonal of M is zero", _masks(layers, _strict))
    yield Change(
        "C-transposed",
        "transpose C: Q's blocks hold C where C^T belongs",
        _each(layers, Q=lambda Q: _blockwise(reference, Q)),
    )
    yield Change("Q-transposed", "transpose Q", _each(layers, Q=lambda Q: Q.mT))
    yield Change("P-transposed", "transpose P", _each(layers, P=lambda P: P.mT))
    gamma = reference.parameters.get("gamma")
    for block, _ in reference.layout.features:
        if block.startswith("gamma_"):
            rows = set(reference.layout.block(block))
            if gamma not in (None, 0, 1):
                assert gamma is not None
                yield Change("gamma-twice", "take gamma out of Q: the prompt's rows hold gamma phi' already",
                             _each(layers, Q=partial(_scaled, rows=rows, factor=gamma)))  # fmt: skip
            yield Change("sign-of-next", f"flip the sign of Q's columns for {block}",
                         _each(layers, Q=partial(_scaled, rows=rows, factor=Fraction(-1))))  # fmt: skip
            yield Change("next-missing", f"give Q its columns for {block}: they act as if they were zero",
                         _each(layers, Q=partial(_scaled, rows=rows, factor=Fraction(0))))  # fmt: skip


def own_changes(reference: Construction, own: Layers) -> Iterator[Change]:
    """What a subject's own matrices do with one of them the reference's: the remedy is that one."""
    if [len(x) for x in own] != [len(x) for x in reference.layers]:
        return
    for letter in ("Q", "M", "P", "W"):
        put = tuple(
            tuple(replace(mine, **{letter: getattr(theirs, letter)}) for mine, theirs in zip(a, b, strict=True))
            for a, b in zip(own, reference.layers, strict=True)
        )
        yield Change(
            f"right-with-{letter}",
            f"take the reference's {letter}: with it, and nothing else changed, it is right",
            put,
        )


def _each(layers: Layers, **turn: Callable[[Any], Any]) -> Layers:
    return tuple(
        tuple(replace(h, **{letter: f(getattr(h, letter)) for letter, f in turn.items()}) for h in heads)
        for heads in layers
    )


def _masks(layers: Layers, turn: Callable[[Any], Any]) -> Layers:
    return _each(layers, M=turn)


def _edited(matrix: Any, change: Callable[[int, int, Fraction], Fraction]) -> RationalMatrix:
    return RationalMatrix.of([[change(i, j, x) for j, x in enumerate(row)] for i, row in enumerate(matrix.fractions())])


def _with_query(M: Any) -> RationalMatrix:
    """The mask as if the query were a token of its own context: the last row and column go on as the others do."""
    last, rows = M.shape[0] - 1, M.fractions()
    ratio = rows[1][0] / rows[0][0] if last > 1 and rows[0][0] else Fraction(0)
    return _edited(M, lambda i, j, x: rows[0][0] * ratio ** (last - j) if i == last else x)


def _without_first(M: Any) -> RationalMatrix:
    return _edited(M, lambda i, j, x: Fraction(0) if 0 in (i, j) else x)


def _strict(M: Any) -> RationalMatrix:
    return _edited(M, lambda i, j, x: Fraction(0) if i == j else x)


def _scaled(Q: Any, rows: set[int], factor: Fraction) -> RationalMatrix:
    return _edited(Q, lambda i, j, x: x * factor if j in rows else x)


def _blockwise(reference: Construction, Q: Any) -> RationalMatrix:
    """Q with each of its square blocks transposed."""
    layout, rows = reference.layout, Q.fractions()
    result = [list(row) for row in rows]
    for a, height in layout.features:
        for b, width in layout.features:
            if height == width:
                for i, x in enumerate(layout.block(a)):
                    for j, y in enumerate(layout.block(b)):
                        result[x][y] = rows[layout.block(a)[j]][layout.block(b)[i]]
    return RationalMatrix.of(result)


def floats(matrix: Any) -> np.ndarray:
    """An exact matrix in float64."""
    return np.array([[nearest(x) for x in row] for row in matrix.fractions()])


@dataclass(frozen=True, eq=False)
class Runner:
    """A changed network's layers in float64, one at a time, with what rounding may do to each.

    unit : the unit roundoff of what is judged.  Any order of summation errs by at most ((1 + u)^k - 1) sum |x|, k the
    roundings that a term meets: 3 m + 2 N + heads + 16, with those of the weights themselves.
    """

    stored: tuple[tuple[tuple[np.ndarray, ...], ...], ...]
    factor: float
    looped: bool
    unit: float

    @staticmethod
    def of(change: Change, reference: Construction, unit: float) -> Runner:
        """The layers of a change to a reference."""
        stored = tuple(tuple(tuple(map(floats, (h.W, h.P, h.Q, h.M))) for h in heads) for heads in change.layers)
        return Runner(stored, float(change.factor) / reference.layout.n, reference.looped, unit)

    def layer(self, number: int, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What a layer makes of Z (T, m, N), and the bound of each entry."""
        heads = self.stored[0 if self.looped else number]
        m, N = Z.shape[-2:]
        k = 3 * m + 2 * N + len(heads) + 16
        big = np.abs(Z)
        wanted, size = Z, big
        for W, P, Q, M in heads:
            wanted = wanted + self.factor * (W @ (P @ Z @ M @ (Z.transpose(0, 2, 1) @ Q @ Z)))
            met = np.abs(P) @ big @ np.abs(M) @ (big.transpose(0, 2, 1) @ np.abs(Q) @ big)
            size = size + abs(self.factor) * (np.abs(W) @ met)
        return wanted, (np.expm1(k * np.log1p(self.unit)) + np.expm1(k * np.log1p(2.0**-53))) * size

    def explains(self, states: Sequence[np.ndarray]) -> bool:
        """Whether states Z_0, ..., Z_L are this network's, layer by layer."""
        return self.first_wrong(states) is None

    def first_wrong(self, states: Sequence[np.ndarray]) -> tuple[int, tuple[int, ...], float] | None:
        """The first layer that is not this network's, the entry that is furthest out, and what it should be."""
        for number, (Z, after) in enumerate(pairwise(states)):
            wanted, bound = self.layer(number, Z)
            excess = np.abs(after - wanted) - bound
            if not (excess <= 0).all():
                at = tuple(
                    int(x) for x in np.unravel_index(int(np.nan_to_num(excess, nan=np.inf).argmax()), excess.shape)
                )
                return number, at, float(wanted[at])
        return None
