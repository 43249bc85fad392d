"""The textbook loop in floats, as the papers write it: it reads transitions and steps, never weights or masks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from ..symbolic.algorithm import Sweep, Transition
from ..symbolic.construction import Steps
from ..symbolic.exact import as_fraction
from ..symbolic.identity import Problem
from .device import precision
from .lower import round_all, round_to


class _Lowering:
    """Rationals of several prompts to tensors of one dtype, correctly rounded."""

    def __init__(self, dtype: torch.dtype, device: torch.device | str):
        self.target, self.dtype, self.device = precision(dtype), dtype, device

    def stack(self, values: Sequence[Any]) -> Tensor:
        """Vectors to (B, d), scalars to (B, 1)."""
        tops: list[int] = []
        bottoms: list[int] = []
        for value in values:
            if hasattr(value, "fractions"):
                part = [int(x) for x in value.num.entries()]
                tops += part
                bottoms += [int(value.den)] * len(part)
            else:
                exact = as_fraction(value)
                tops.append(exact.numerator)
                bottoms.append(exact.denominator)
        flat = torch.tensor(round_all(tops, bottoms, self.target), dtype=self.dtype, device=self.device)
        return flat.reshape(len(values), -1)

    def step(self, value: Any) -> Any:
        """A preconditioner: rows of numbers to a matrix, a number to a Python float of the dtype."""
        if not isinstance(value, Sequence):
            return round_to(Fraction(value), self.target)
        rows = [[round_to(Fraction(x), self.target) for x in row] for row in value]
        return StepMatrix(torch.tensor(rows, dtype=self.dtype, device=self.device))


class Stacked:
    """Vectors (..., d) or scalars (..., 1) of many prompts at once, with the operations that an update may use.

    `torch.vmap` would do, at more than twice the cost: an update is thousands of operations on a handful of numbers.
    """

    __slots__ = ("values",)

    def __init__(self, values: Tensor):
        self.values = values

    def __add__(self, other: Any) -> Stacked:
        return Stacked(self.values + _values(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Stacked:
        return Stacked(self.values - _values(other))

    def __rsub__(self, other: Any) -> Stacked:
        return Stacked(_values(other) - self.values)

    def __neg__(self) -> Stacked:
        return Stacked(-self.values)

    def __mul__(self, other: Any) -> Stacked:
        return Stacked(self.values * _values(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Stacked:
        return Stacked(self.values / _values(other))

    def __matmul__(self, other: Stacked) -> Stacked:
        return Stacked((self.values * other.values).sum(-1, keepdim=True))


class StepMatrix:
    """A preconditioner (d, d), to be applied to stacked vectors."""

    def __init__(self, matrix: Tensor):
        self.transposed = matrix.mT.contiguous()

    def __matmul__(self, other: Stacked) -> Stacked:
        return Stacked(other.values @ self.transposed)


def _values(value: Any) -> Any:
    return value.values if type(value) is Stacked else value


def float_iterates(
    setups: Sequence[Problem], steps: Sequence[Steps], depth: int, dtype: torch.dtype, device: torch.device | str
) -> Tensor:
    """The accumulator rows of the textbook loop: (B, L+1, K, N) for B prompts, L = `depth` updates.

    setups : rational problems of one algorithm, one size and one choice of parameters; their prompts and starting
             weights are rounded to `dtype`, and every update and every row is the algorithm's own
    steps  : each update's preconditioners, or a single entry for all of them
    """
    steps = tuple(steps)
    algorithm, n = setups[0].algorithm, setups[0].layout.n
    low = _Lowering(dtype, device)
    # Parameters become Python floats; options are text and stay.
    p = SimpleNamespace(**{k: v if isinstance(v, str) else float(as_fraction(v)) for k, v in vars(setups[0].p).items()})
    transitions = [t for s in setups for t in s.transitions]
    phi, following, rewards = (
        low.stack([getattr(t, name) for t in transitions]).reshape(len(setups), n, -1)
        for name in ("phi", "phi_next", "reward")
    )
    extras = {
        name: low.stack([t.extras[name] for t in transitions]).reshape(len(setups), n, -1)
        for name, _ in algorithm.extras
    }
    columns = zip(phi.unbind(1), following.unbind(1), rewards.unbind(1), range(1, n + 1), strict=True)
    context = tuple(
        Transition(Stacked(a), Stacked(b), Stacked(r), j, {name: Stacked(x[:, j - 1]) for name, x in extras.items()})
        for a, b, r, j in columns
    )
    weights = tuple(Stacked(low.stack([s.start[i] for s in setups])) for i in range(len(setups[0].start)))
    known = {id(step): tuple(low.step(c) for c in step) for step in steps}
    with torch.no_grad():
        iterates = [weights]
        for step in steps if len(steps) == depth else steps * depth:
            C = known[id(step)]
            iterates.append(algorithm.update(iterates[-1], C, Sweep(context), p))
        # (B, L+1, 1, d) weights against (B, 1, N, d) columns: every layer and column at once
        histories = (torch.stack([w.values for w in ws], dim=1) for ws in zip(*iterates, strict=True))
        every = tuple(Stacked(history.unsqueeze(2)) for history in histories)
        carried = {name: Stacked(x) for name, x in extras.items()}
        token = algorithm.context_token(Transition(Stacked(phi), Stacked(following), Stacked(rewards), 0, carried), p)
        full = {}
        for name in (*(b.name for b in algorithm.features), "reward"):
            query = low.stack([getattr(s.tokens[-1], name) for s in setups]).unsqueeze(1)
            block = getattr(token, name)
            block = block.values if isinstance(block, Stacked) else torch.full_like(rewards, block)
            full[name] = Stacked(torch.cat((block, query), dim=1).unsqueeze(1))
        shape = (len(setups), depth + 1, n + 1)
        rows = algorithm.column_values(every, SimpleNamespace(**full), p)
        return torch.stack([row.values.squeeze(-1).expand(shape) for row in rows], dim=2)
