"""The outer update by automatic differentiation: prompts, layers and gradients in torch, none of them the exact ones.

The update is minus the gradient of half the squared outer error, with the bootstrapped prediction held fixed where
the outer update says so.  Every sample has its own copy of the weights, so that one backward pass of the sum gives
every sample's own gradient.

The bound on rounding.  Prediction and update are built from additions and multiplications only, forwards and
backwards.  A computed number is the sum of its monomials, each times a product of factors 1 + delta, |delta| <= u:
k of them at most, counted line by line in `roundings`, whatever the order of a sum.
Hence |computed - exact| <= g S / (1 - g), g = k u / (1 - k u), where S is the same computation on absolute values with
every minus a plus: a sum of non-negative terms, which its own roundings make smaller by a factor 1 - g at most.
Assumed: no overflow and no underflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import as_fraction
from ...symbolic.invariance.samples import Outer, Trajectory, prompts
from ...symbolic.invariance.symmetry import Square, SymmetryGroup
from ...symbolic.invariance.update import averaged_update, prompt_matrix, row_action
from ...symbolic.invariance.weights import WeightSpace
from ...symbolic.plain_text import shown
from ...symbolic.transitions import Transition
from ..device import PRECISIONS
from ..reference import Stacked, components_first
from ..transformer import ORDERS, AttentionHead, AttentionLayer, LinearTransformer
from . import roundings

ATTENTIONS = ("linear", "relu", "softmax")
"""What becomes of the scores Z^T Q Z: nothing, their positive part, or a softmax over the keys, the rows."""


@dataclass(frozen=True)
class Attention:
    """How the heads attend.

    masks  fixed masks (N, N), one a head, in place of the space's own
    rows   a fixed matrix (m, m) put between P and Z: the values are P rows Z M
    """

    kind: str = "linear"
    masks: tuple[Tensor, ...] | None = None
    rows: Tensor | None = None

    def __post_init__(self) -> None:
        if self.kind not in ATTENTIONS:
            raise ArgumentError(f"attention is {shown(self.kind)}, wanted one of {', '.join(ATTENTIONS)}")


LINEAR = Attention()


@dataclass(frozen=True)
class FloatTrajectories:
    """Trajectories in floats: features (B, n+3, d) and rewards (B, n+2), as in `Trajectory`."""

    features: Tensor
    rewards: Tensor


@dataclass(frozen=True)
class Updates:
    """What autograd says about B samples: predictions (B,), following (B,), errors (B,) and updates (B, size)."""

    predictions: Tensor
    following: Tensor
    errors: Tensor
    updates: Tensor


@dataclass(frozen=True)
class Comparison:
    """An averaged update in floats against the exact one.

    error, bound  at the entry where error / bound is largest, and ratio there (infinite: an error where none may be)
    largest       the exact average's largest entry
    prompts       the largest error / bound over the entries of the prompts
    roundings     k of the module's docstring
    """

    error: float
    bound: float
    ratio: float
    largest: float
    prompts: float
    roundings: int

    @property
    def within(self) -> bool:
        """Whether every entry of the average and of the prompts is inside its bound."""
        return self.ratio <= 1 and self.prompts <= 1


class ScoredHead(AttentionHead):
    """A head that may change its scores and its rows on the way: W P (rows Z) M attend(Z^T Q Z)."""

    def __init__(self, tensors: Mapping[str, Tensor], attention: Attention):
        super().__init__(tensors, trainable=True)
        self.attention = attention

    def forward(self, Z: Tensor, order: str = ORDERS[1]) -> Tensor:
        """W P (rows Z) M attend(Z^T Q Z), the scores first whatever `order` says.  Z : (..., m, N)."""
        scores = Z.mT @ self.Q @ Z
        if self.attention.kind == "relu":
            scores = scores.relu()
        elif self.attention.kind == "softmax":
            scores = scores.softmax(dim=-2)
        read = Z if self.attention.rows is None else self.attention.rows @ Z
        return self.W @ self.P @ read @ self.M @ scores


def samples_of(trajectories: Sequence[Trajectory]) -> FloatTrajectories:
    """Exact trajectories in float64, each entry correctly rounded."""
    return FloatTrajectories(
        torch.tensor([[[float(x) for x in f] for f in t.features] for t in trajectories], dtype=torch.float64),
        torch.tensor([[float(r) for r in t.rewards] for t in trajectories], dtype=torch.float64),
    )


def flat(point: Sequence[Any]) -> Tensor:
    """A point or an exact update in float64, each entry correctly rounded : (size,)."""
    return torch.tensor([float(as_fraction(x)) for x in point], dtype=torch.float64)


def prompt_tensor(space: WeightSpace, features: Tensor, following: Tensor, rewards: Tensor, query: Tensor) -> Tensor:
    """Prompts with the iteration's weights at zero : (B, m, n+1).

    features, following : (B, n, d); rewards : (B, n); query : (B, d)
    """
    algorithm, n = space.algorithm, features.shape[1]
    p = algorithm.bind({name: float(x) for name, x in space.parameters.items()}, space.options)
    places = torch.arange(1, n + 1, dtype=features.dtype).reshape(1, 1, n)
    phi, after = Stacked(components_first(features)), Stacked(components_first(following))
    context = algorithm.context_token(Transition(phi, after, Stacked(rewards.unsqueeze(0)), Stacked(places)), p)
    asked = algorithm.query_token(Stacked(components_first(query).unsqueeze(-1)), 0.0)
    token = {}
    for name in (*(block.name for block in algorithm.features), *algorithm.token_numbers):
        parts = [_columns(getattr(context, name), rewards), _columns(getattr(asked, name), rewards[:, :1])]
        token[name] = torch.cat(parts, dim=1)
    start = [
        Stacked(torch.zeros(1 if w in algorithm.scalar_weights else query.shape[-1], 1, 1, dtype=features.dtype))
        for w in algorithm.weights
    ]
    columns = {name: Stacked(components_first(x)) for name, x in token.items()}
    rows = algorithm.column_values(start, algorithm.token(columns, {}), p)
    below = [_columns(row, token["reward"].squeeze(-1)) for row in rows]
    return torch.cat([*(token[block.name] for block in algorithm.features), *below], dim=-1).mT


def _columns(value: Any, like: Tensor) -> Tensor:
    """A block's entries (B, columns, width), for the prompts and columns of `like` : (B, columns)."""
    if isinstance(value, Stacked):
        entries: Tensor = value.values
        return entries.movedim(0, -1).expand(*like.shape, len(entries))
    return torch.full_like(like, value).unsqueeze(-1)


def prompt_pair(space: WeightSpace, samples: FloatTrajectories, window: str) -> tuple[Tensor, Tensor]:
    """The two prompts Z and Z' of every sample, each (B, m, n+1)."""
    f, r, n = samples.features, samples.rewards, space.layout.n
    first = 1 if window == "sliding" else 0
    later = slice(first, first + n), slice(first + 1, first + n + 1)
    return (
        prompt_tensor(space, f[:, :n], f[:, 1 : n + 1], r[:, :n], f[:, n + 1]),
        prompt_tensor(space, f[:, later[0]], f[:, later[1]], r[:, later[0]], f[:, n + 2]),
    )


def transformer(
    space: WeightSpace, weights: Tensor, samples: int, attention: Attention = LINEAR
) -> tuple[LinearTransformer, list[Tensor]]:
    """The transformer at a point, with a copy of the weights for every sample, and its trained matrices in order.

    weights : (size,); each trained matrix is a leaf (samples, m, m), so that gradients stay apart
    """
    m, several = space.layout.m, len(space.masks) > 1
    matrices = iter(weights.reshape(-1, m, m))
    layers, trained = [], []
    for layer in range(space.stored):
        heads: list[AttentionHead] = []
        for mask in attention.masks or _masks(space, layer):
            tensors = {"M": mask}
            for name in ("W", "P", "Q"):
                whole = torch.eye(m, dtype=weights.dtype) if name == "W" and not several else next(matrices)
                tensors[name] = whole.expand(samples, m, m).clone()
            plain = attention.kind == "linear" and attention.rows is None
            head = AttentionHead(tensors, trainable=True) if plain else ScoredHead(tensors, attention)
            head.M.requires_grad_(False)
            head.W.requires_grad_(several)
            trained += [head.W, head.P, head.Q] if several else [head.P, head.Q]
            heads.append(head)
        layers.append(AttentionLayer(heads, 1 / space.layout.n))
    layout, readout = space.layout, space.readout
    row = layout.accumulator(readout.row)
    return LinearTransformer(layers, space.depth, layout.p, row, readout.sign), trained


def _masks(space: WeightSpace, layer: int) -> tuple[Tensor, ...]:
    masks = space.masks_of(layer)
    return tuple(torch.tensor([[float(x) for x in row] for row in mask], dtype=torch.float64) for mask in masks)


def outer_update(
    space: WeightSpace, weights: Tensor, samples: FloatTrajectories, outer: Outer, attention: Attention = LINEAR
) -> Updates:
    """Every sample's outer update at a point, flat in the order of the space's entries.  weights : (size,)."""
    module, trained = transformer(space, weights, len(samples.rewards), attention)
    now, later = prompt_pair(space, samples, outer.window)
    discount = float(as_fraction(outer.discount))
    prediction = module.prediction(now)
    with torch.set_grad_enabled(outer.kind == "residual-gradient"):
        following = module.prediction(later)
    error = samples.rewards[:, -1] - prediction - float(as_fraction(outer.average_reward))
    if outer.kind != "monte-carlo":
        error = error + discount * following
    gradients = torch.autograd.grad((error.square() / 2).sum(), trained)
    updates = torch.cat([-g.flatten(start_dim=1) for g in gradients], dim=1)
    return Updates(prediction.detach(), following.detach(), error.detach(), updates)


def moved_samples(trajectory: Trajectory, elements: Sequence[Square]) -> FloatTrajectories:
    """A trajectory moved by every element exactly, then rounded."""
    exact = Trajectory(
        tuple(tuple(as_fraction(x) for x in f) for f in trajectory.features),
        tuple(as_fraction(r) for r in trajectory.rewards),
    )
    return samples_of([exact.moved(g, Fraction) for g in elements])


def average_over_group(
    space: WeightSpace,
    weights: Tensor,
    trajectory: Trajectory,
    outer: Outer,
    elements: Sequence[Square],
    attention: Attention = LINEAR,
) -> Tensor:
    """The expected update (size,) under the law that moves one sample by every element with equal probability."""
    return outer_update(space, weights, moved_samples(trajectory, elements), outer, attention).updates.mean(dim=0)


def magnitudes(space: WeightSpace, weights: Tensor, samples: FloatTrajectories, outer: Outer) -> Tensor:
    """S of the module's docstring for every sample's update : (B, size), in floats."""
    # The bound grows with each entry, so that the largest of all layers will do.
    every = [_masks(space, layer) for layer in range(space.stored)]
    masks = tuple(torch.stack([mask.abs() for mask in of_head]).amax(dim=0) for of_head in zip(*every, strict=True))
    module, trained = transformer(space, weights.abs(), len(samples.rewards), Attention(masks=masks))
    module.sign = 1
    now, later = (Z.abs() for Z in prompt_pair(space, samples, outer.window))
    discount = abs(float(as_fraction(outer.discount)))
    prediction, following = module.prediction(now), module.prediction(later)
    error = samples.rewards[:, -1].abs() + prediction.detach() + abs(float(as_fraction(outer.average_reward)))
    if outer.kind != "monte-carlo":
        error = error + discount * following.detach()
    here = torch.autograd.grad(prediction, trained, error)
    total = torch.cat([g.flatten(start_dim=1) for g in here], dim=1)
    if outer.kind == "residual-gradient":
        there = torch.autograd.grad(following, trained, discount * error)
        total = total + torch.cat([g.flatten(start_dim=1) for g in there], dim=1)
    return total


def compare_with_exact(
    space: WeightSpace,
    point: Sequence[Any],
    trajectory: Trajectory,
    outer: Outer,
    group: SymmetryGroup,
    weights: Tensor | None = None,
) -> Comparison:
    """Autograd's average over a finite group against the exact average, every entry compared over the rationals.

    weights : the float weights (size,) that are judged; the point's own, rounded, when left out
    The prompts are compared too, entry by entry.  Raises `ArgumentError` when the group's elements cannot be listed.
    """
    elements = group.elements
    if elements is None:
        raise ArgumentError(f"the group {group.name} has no list of elements: wanted a finite group to average over")
    used = flat(point) if weights is None else weights
    samples = moved_samples(trajectory, elements)
    k = roundings.rounding_count(space.layout.m, space.layout.n + 1, len(space.masks), space.depth, len(elements))
    entries = max(_ratio(*pair) for pair in _prompt_errors(space, trajectory, samples, outer.window, elements))
    exact = averaged_update(space, point, trajectory, outer, elements, RATIONALS)
    computed = average_over_group(space, used, trajectory, outer, elements).tolist()
    sizes = magnitudes(space, flat(point), samples, outer).mean(dim=0).tolist()
    share = _growth(k) / (1 - _growth(k))
    wanted = [as_fraction(y) for y in exact]
    error, bound = max(
        ((abs(Fraction(x) - y), share * Fraction(size)) for x, y, size in zip(computed, wanted, sizes, strict=True)),
        key=lambda pair: _ratio(*pair),
    )
    largest = float(max(map(abs, wanted)))
    return Comparison(float(error), float(bound), _ratio(error, bound), largest, entries, k)


def _prompt_errors(
    space: WeightSpace, trajectory: Trajectory, samples: FloatTrajectories, window: str, elements: Sequence[Square]
) -> Iterator[tuple[Fraction, Fraction]]:
    """(error, bound) of every entry of every prompt."""
    floats = zip(*(Z.tolist() for Z in prompt_pair(space, samples, window)), strict=True)
    share = _growth(roundings.ENTRY)
    for g, pair in zip(elements, floats, strict=True):
        setups = prompts(space, RATIONALS, trajectory.moved(g, RATIONALS.number), window)
        for setup, computed in zip(setups, pair, strict=True):
            for row, exact_row in zip(computed, prompt_matrix(setup).fractions(), strict=True):
                for x, y in zip(row, exact_row, strict=True):
                    yield abs(Fraction(x) - y), share * abs(y)


def _growth(k: int) -> Fraction:
    """k u / (1 - k u) in float64: a product of k factors 1 + delta, |delta| <= u, is off from 1 by no more."""
    u = PRECISIONS[torch.float64].unit_roundoff
    return k * u / (1 - k * u)


def _ratio(error: Fraction, bound: Fraction) -> float:
    if not error:
        return 0.0
    return float(error / bound) if bound else float("inf")


def conjugated_updates(space: WeightSpace, updates: Tensor, g: Square) -> Tensor:
    """S u S^T for every trained matrix of every update, S the action of g on the rows of Z.  updates : (..., size)."""
    m = space.layout.m
    S = torch.tensor([[float(x) for x in row] for row in row_action(space, g)], dtype=updates.dtype)
    return (S @ updates.reshape(*updates.shape[:-1], -1, m, m) @ S.mT).reshape(updates.shape)


def adam_steps(updates: Tensor, rate: float = 0.01) -> Tensor:
    """Where torch's Adam goes from zero when it is fed these updates one after another : (steps, size)."""
    width = updates.shape[-1]
    # Vector and scalar instructions may round apart, and a remainder runs on scalar ones: it is made to be none.
    padded = torch.nn.functional.pad(updates, (0, -width % 64))
    weight = torch.nn.Parameter(torch.zeros_like(padded[0]))
    optimiser = torch.optim.Adam([weight], lr=rate, foreach=False)
    visited = []
    for update in padded:
        weight.grad = -update
        optimiser.step()
        visited.append(weight.detach()[:width].clone())
    return torch.stack(visited)


def adam_difference(space: WeightSpace, updates: Tensor, g: Square, rate: float = 0.01) -> float:
    """The largest |Adam(S u S^T) - S Adam(u) S^T| over the steps and entries, for successive updates (steps, size)."""
    moved = adam_steps(conjugated_updates(space, updates, g), rate)
    return float((moved - conjugated_updates(space, adam_steps(updates, rate), g)).abs().max())
