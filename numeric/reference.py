"""The textbook loop in floats, as the papers write it: it reads transitions and steps, never weights or masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..symbolic.algorithm import Algorithm
from ..symbolic.arithmetics.columns import Columns
from ..symbolic.construction import Steps
from ..symbolic.exact import as_fraction, nearest
from ..symbolic.identity.exact import Problem
from ..symbolic.transitions import Transition
from .device import precision
from .lower import round_all, round_matrices, round_to

IN_NUMPY = (torch.float64, torch.float32)
"""The formats in which NumPy rounds every operation as torch does."""


class Lowering:
    """Rationals of several prompts to tensors of one dtype, correctly rounded."""

    def __init__(self, dtype: torch.dtype, device: torch.device | str):
        self.target, self.dtype, self.device = precision(dtype), dtype, device

    def stack(self, values: Sequence[Any]) -> Tensor:
        """Vectors to (B, d), scalars to (B, 1); n of them at once, as columns, to (B, n, d) or (B, n, 1)."""
        if hasattr(values[0], "num") and hasattr(values[0].num, "entries"):
            rounded = round_matrices(values, self.target).swapaxes(1, 2)
            if not isinstance(values[0], Columns):
                rounded = rounded.reshape(len(values), -1)
        else:
            exact = [as_fraction(value) for value in values]
            rounded = round_all([x.numerator for x in exact], [x.denominator for x in exact], self.target)[:, None]
        return torch.tensor(rounded, dtype=self.dtype, device=self.device)

    def step(self, value: Any) -> Any:
        """A preconditioner: rows of numbers to a matrix, a number to a Python float of the dtype."""
        if not isinstance(value, Sequence):
            return round_to(Fraction(value), self.target)
        entries = [Fraction(x) for row in value for x in row]
        rounded = round_all([x.numerator for x in entries], [x.denominator for x in entries], self.target)
        shape = len(value), -1
        return StepMatrix(torch.tensor(rounded, dtype=self.dtype, device=self.device).reshape(shape))


class Stacked:
    """Vectors (d, ...) or scalars (1, ...) of many prompts at once, with the operations that an update may use.

    The components come first, so that the innermost loops run over prompts: with three components last, a product
    takes up to fifty times as long.  The values are a tensor or an array: the loop over transitions is thousands of
    operations on few numbers, and each takes NumPy a fifth of torch's time.
    """

    __slots__ = ("values",)

    def __init__(self, values: Any):
        self.values = values

    def __add__(self, other: Any) -> Stacked:
        return Stacked(self.values + (other.values if type(other) is Stacked else _values(other)))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Stacked:
        return Stacked(self.values - (other.values if type(other) is Stacked else _values(other)))

    def __rsub__(self, other: Any) -> Stacked:
        return Stacked(_values(other) - self.values)

    def __neg__(self) -> Stacked:
        return Stacked(-self.values)

    def __mul__(self, other: Any) -> Stacked:
        return Stacked(self.values * (other.values if type(other) is Stacked else _values(other)))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Stacked:
        return Stacked(self.values / (other.values if type(other) is Stacked else _values(other)))

    def __rtruediv__(self, other: Any) -> Stacked:
        return Stacked(_values(other) / self.values)

    def __matmul__(self, other: Stacked) -> Stacked:
        if type(self.values) is np.ndarray:
            return Stacked(inner(self.values, other.values))
        if self.values.ndim > 2:  # every layer and column at once: a matrix product
            return Stacked(torch.einsum("d...,d...->...", self.values, other.values).unsqueeze(0))
        return Stacked((self.values * other.values).sum(0, keepdims=True))


def inner(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The products of vectors (d, ...), of two arrays: (1, ...); a matrix product of (d, B, L, 1) and (d, B, 1, N)."""
    if a.ndim == 4 and a.shape[3] == 1 == b.shape[2]:
        return np.asarray(np.matmul(np.moveaxis(a[..., 0], 0, -1), np.moveaxis(b[:, :, 0], 0, 1))[None])
    return np.asarray(np.add.reduce(a * b, keepdims=True))  # what its method does, in half the time


class StepMatrix:
    """A preconditioner (d, d), to be applied to stacked vectors."""

    def __init__(self, matrix: Any):
        self.matrix = matrix

    def __matmul__(self, other: Stacked) -> Stacked:
        return Stacked(self.matrix @ other.values)

    @property
    def mT(self) -> StepMatrix:
        return StepMatrix(self.matrix.T)

    T = mT


def _values(value: Any) -> Any:
    if type(value) is float:
        return value
    if type(value) is Fraction:
        return nearest(value)
    # A position is an integer; NumPy would take one of a class of its own for an array of another dtype.
    return int(value) if isinstance(value, int) else value


def components_first(x: Tensor) -> Tensor:
    """(..., d) as (d, ...)."""
    return x.movedim(-1, 0)


@dataclass(frozen=True, eq=False)
class FloatTransitions:
    """The transitions and the query of B prompts, as tensors.

    phi, phi_next : (B, n, d); rewards : (B, n, 1); query : (B, d); extras : name -> (B, n, d) or (B, n, 1)
    """

    phi: Tensor
    phi_next: Tensor
    rewards: Tensor
    query: Tensor
    extras: Mapping[str, Tensor]

    def each(self, value: Callable[[Tensor], Any]) -> tuple[Transition, ...]:
        """The transitions in order, their tensors, (width, B) now, made into values of the loop."""

        def columns(x: Tensor) -> list[Any]:
            turned = x.permute(1, 2, 0)
            if x.device.type == "cpu" and x.dtype in IN_NUMPY:  # one thread: a batch has one for every few prompts
                return [value(column) for column in torch.from_numpy(np.ascontiguousarray(turned.numpy()))]
            return [value(column) for column in turned.contiguous()]

        extras = {name: columns(x) for name, x in self.extras.items()}
        known = zip(columns(self.phi), columns(self.phi_next), columns(self.rewards), strict=True)
        return tuple(
            Transition(a, b, r, j + 1, {name: x[j] for name, x in extras.items()}) for j, (a, b, r) in enumerate(known)
        )

    def some(self, which: slice) -> FloatTransitions:
        """The transitions of some of the prompts."""
        extras = {name: x[which] for name, x in self.extras.items()}
        return FloatTransitions(self.phi[which], self.phi_next[which], self.rewards[which], self.query[which], extras)

    def together(self, value: Callable[[Tensor], Any]) -> Transition:
        """All transitions as one, its tensors (width, B, n)."""
        phi, following, rewards = (value(components_first(x)) for x in (self.phi, self.phi_next, self.rewards))
        carried = {name: value(components_first(x)) for name, x in self.extras.items()}
        return Transition(phi, following, rewards, 0, carried)


def lower_transitions(setups: Sequence[Problem], low: Lowering) -> FloatTransitions:
    """The transitions of rational problems, every number correctly rounded."""
    wholes = [s.whole for s in setups if s.whole is not None]
    phi, following, rewards = (low.stack([getattr(t, name) for t in wholes]) for name in ("phi", "phi_next", "reward"))
    extras = {name: low.stack([t.extras[name] for t in wholes]) for name, _ in setups[0].algorithm.extras}
    return FloatTransitions(phi, following, rewards, low.stack([s.query for s in setups]), extras)


def parameters(p: Any) -> SimpleNamespace:
    """Parameters as Python floats; options are text and stay."""
    return SimpleNamespace(**{k: v if isinstance(v, str) else float(as_fraction(v)) for k, v in vars(p).items()})


def iterates(
    algorithm: Algorithm, data: FloatTransitions, start: tuple[Stacked, ...], steps: Sequence[Any], p: Any
) -> tuple[Tensor, ...]:
    """w_0, ..., w_L of every weight vector, (B, L+1, d) each: the algorithm's own update, once for each of `steps`."""
    light = data.phi.device.type == "cpu" and data.phi.dtype in IN_NUMPY
    context = data.each(lambda x: Stacked(x.numpy()) if light else Stacked(x))
    weights = [tuple(Stacked(w.values.numpy()) for w in start) if light else start]
    with np.errstate(all="ignore"):
        for layer, step in enumerate(steps, 1):
            ready = tuple(StepMatrix(c.matrix.numpy()) if light and type(c) is StepMatrix else c for c in step)
            sweep = algorithm.sweep(algorithm.at_layer(context, layer), data.phi.shape[2])
            weights.append(algorithm.update(weights[-1], ready, sweep, p))
    return tuple(
        torch.stack([torch.as_tensor(w.values) for w in ws]).permute(2, 0, 1) for ws in zip(*weights, strict=True)
    )


def token_columns(
    algorithm: Algorithm, data: FloatTransitions, query: Mapping[str, Tensor], p: Any
) -> dict[str, Tensor]:
    """What the columns of the prompt hold, block by block: (B, N, width), the query last.

    query : (B, width) of each block, of the reward and of the transition's other numbers in the query column
    """
    token = algorithm.context_token(data.together(Stacked), p)
    full = {}
    for name, last in query.items():
        block = getattr(token, name)
        block = block.values.movedim(0, -1) if isinstance(block, Stacked) else torch.full_like(data.rewards, block)
        full[name] = torch.cat((block, last.unsqueeze(1)), dim=1)
    return full


def accumulator_rows(algorithm: Algorithm, weights: Sequence[Tensor], columns: Mapping[str, Tensor], p: Any) -> Tensor:
    """The accumulator rows at every iterate: (B, L+1, K, N) from weights (B, L+1, d)."""
    light = weights[0].device.type == "cpu" and weights[0].dtype in IN_NUMPY
    value: Callable[[Tensor], Any] = (lambda x: Stacked(x.numpy())) if light else Stacked
    full = SimpleNamespace(**{name: value(components_first(x).unsqueeze(2)) for name, x in columns.items()})
    # (d, B, L+1, 1) weights against (d, B, 1, N) columns: every layer and column at once
    rows = algorithm.column_values(tuple(value(components_first(w).unsqueeze(3)) for w in weights), full, p)
    shape = (*weights[0].shape[:2], columns["reward"].shape[1])
    if light:
        result = np.empty((*shape[:2], len(rows), shape[2]), dtype=rows[0].values.dtype)
        for k, row in enumerate(rows):
            result[:, :, k] = row.values[0]
        return torch.from_numpy(result)
    return torch.stack([row.values.squeeze(0).expand(shape) for row in rows], dim=2)


def float_iterates(
    setups: Sequence[Problem],
    steps: Sequence[Steps],
    depth: int,
    dtype: torch.dtype,
    device: torch.device | str,
    run: Callable[..., tuple[Tensor, ...]] = iterates,
) -> Tensor:
    """The accumulator rows of the textbook loop: (B, L+1, K, N) for B prompts, L = `depth` updates.

    setups : rational problems of one algorithm, one size and one choice of parameters; their prompts and starting
             weights are rounded to `dtype`, and every update and every row is the algorithm's own
    steps  : each update's preconditioners, or a single entry for all of them
    run    : what runs the updates: `iterates`, or another way to what it returns
    """
    algorithm, low, p = setups[0].algorithm, Lowering(dtype, device), parameters(setups[0].p)
    data = lower_transitions(setups, low)
    start = tuple(Stacked(low.stack([s.start[i] for s in setups]).mT) for i in range(len(setups[0].start)))
    names = (*(b.name for b in algorithm.features), *algorithm.token_numbers)
    with torch.no_grad():
        weights = run(algorithm, data, start, lower_steps(steps, depth, low), p)
        asked = [algorithm.query_token(s.query, s.arithmetic.number(0)) for s in setups]
        query = {name: low.stack([getattr(token, name) for token in asked]) for name in names}
        return accumulator_rows(algorithm, weights, token_columns(algorithm, data, query, p), p)


def lower_steps(steps: Sequence[Steps], depth: int, low: Lowering) -> list[tuple[Any, ...]]:
    """One entry of lowered preconditioners for each of `depth` updates; equal ones share their tensors."""
    known = {id(step): tuple(low.step(c) for c in step) for step in steps}
    return [known[id(step)] for step in (steps if len(steps) == depth else list(steps) * depth)]
