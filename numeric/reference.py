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
from ..symbolic.identity import Problem
from .device import precision
from .lower import round_all, round_to


class _Lowering:
    """Rationals of several prompts to tensors of one dtype, correctly rounded."""

    def __init__(self, dtype: torch.dtype, device: torch.device | str):
        self.target, self.dtype, self.device = precision(dtype), dtype, device

    def stack(self, values: Sequence[Any]) -> Tensor:
        """Vectors to (B, d), scalars to (B,)."""
        tops: list[int] = []
        bottoms: list[int] = []
        for value in values:
            if hasattr(value, "fractions"):
                part = [int(x) for x in value.num.entries()]
                tops += part
                bottoms += [int(value.den)] * len(part)
            else:
                exact = value.fraction() if hasattr(value, "fraction") else Fraction(value)
                tops.append(exact.numerator)
                bottoms.append(exact.denominator)
        flat = torch.tensor(round_all(tops, bottoms, self.target), dtype=self.dtype, device=self.device)
        return flat.reshape(len(values), -1) if hasattr(values[0], "fractions") else flat

    def step(self, value: Any) -> Any:
        """A preconditioner: rows of numbers to a matrix, a number to a Python float of the dtype."""
        if not isinstance(value, Sequence):
            return round_to(Fraction(value), self.target)
        rows = [[round_to(Fraction(x), self.target) for x in row] for row in value]
        return torch.tensor(rows, dtype=self.dtype, device=self.device)


def float_iterates(
    setups: Sequence[Problem], steps: Sequence[Steps], depth: int, dtype: torch.dtype, device: torch.device | str
) -> Tensor:
    """The accumulator rows of the textbook loop: (B, L+1, K, N) for B prompts, L = `depth` updates.

    setups : rational problems of one algorithm, one size and one choice of parameters; their prompts and starting
             weights are rounded to `dtype`, and each update is the algorithm's own, under `torch.vmap` over prompts
    steps  : each update's preconditioners, or a single entry for all of them
    """
    algorithm, n = setups[0].algorithm, setups[0].layout.n
    low = _Lowering(dtype, device)
    # Parameters become Python floats; options are text and stay.
    p = SimpleNamespace(**{k: v if isinstance(v, str) else float(Fraction(v)) for k, v in vars(setups[0].p).items()})
    transitions = [s.transitions for s in setups]
    B = len(setups)
    phi = low.stack([t.phi for ts in transitions for t in ts]).reshape(B, n, -1)
    following = low.stack([t.phi_next for ts in transitions for t in ts]).reshape(B, n, -1)
    rewards = low.stack([t.reward for ts in transitions for t in ts]).reshape(B, n)
    start = tuple(low.stack([s.start[i] for s in setups]) for i in range(len(setups[0].start)))
    names = (*(b.name for b in algorithm.features), "reward")
    query = {name: low.stack([getattr(s.tokens[-1], name) for s in setups]) for name in names}
    known = {id(step): tuple(low.step(c) for c in step) for step in steps}
    sequence = [known[id(steps[0 if len(steps) == 1 else l])] for l in range(depth)]

    def run(phi: Tensor, following: Tensor, rewards: Tensor, start: Any, query: dict[str, Tensor]) -> Tensor:
        # One prompt: unbinding once is cheaper than indexing at every step of every layer.
        columns = zip(phi.unbind(), following.unbind(), rewards.unbind(), range(1, n + 1), strict=True)
        context = tuple(Transition(*column) for column in columns)
        iterates = [start]
        for C in sequence:
            iterates.append(algorithm.update(iterates[-1], C, Sweep(context), p))
        weights = tuple(torch.stack(w) for w in zip(*iterates, strict=True))
        blocks = torch.vmap(lambda a, b, r: _tensors(vars(algorithm.context_token(Transition(a, b, r, 0), p)), r))
        tokens = blocks(phi, following, rewards)
        every = {name: torch.cat((tokens[name], query[name].unsqueeze(0))) for name in names}

        def rows(weights: Any) -> Tensor:
            values = torch.vmap(lambda token: torch.stack(algorithm.column_values(weights, SimpleNamespace(**token), p)))
            return values(every).T

        return torch.vmap(rows)(weights)

    with torch.no_grad():
        return torch.vmap(run)(phi, following, rewards, start, query)


def _tensors(blocks: dict[str, Any], like: Tensor) -> dict[str, Tensor]:
    return {k: v if isinstance(v, Tensor) else torch.full_like(like, v) for k, v in blocks.items()}
