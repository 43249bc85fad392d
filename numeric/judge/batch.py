"""Thousands of prompts at once: the transformer against the textbook loop in floats, at every layer and column.

Both sides run in floats, so both may be off, by different amounts for different reasons: the transformer by at most
E (`a_priori.py`), the loop by at most E' from the same exact iterates, of the prompt as it was lowered.  They must
therefore agree within E + E'.  For the loop, one update is off by at most eta (`magnitudes.py`), which the accumulator
rows show as beta = |rows(eta)|, carried through the exact later layers like the transformer's own errors.  No exact
arithmetic is needed for a prompt, and neither bound has seen what it bounds.  The weights start from zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError
from ...symbolic.prompt import Layout
from ..device import PRECISIONS, Precision, precision, strict_precision
from ..reference import (
    FloatTransitions,
    Lowering,
    Stacked,
    accumulator_rows,
    components_first,
    iterates,
    lower_steps,
    parameters,
    token_columns,
)
from ..transformer import LinearTransformer
from .a_priori import CHUNK, few_prompts
from .bounds import as_wide, layer_maps
from .carried import OUTWARD, outward, pieces
from .exact_floats import up
from .forms import iterates_by_map
from .magnitudes import Magnitude, StepMagnitude
from .places import Place, place, run_states

TALLEST = 2.0**16
"""No number of a prompt, weight or step may be larger: then underflow in the loop is below `LOST`."""
LOST = 2.0**-700
TOGETHER = 5
"""Layers whose updates are bounded together."""


@dataclass(frozen=True)
class BatchResult:
    """What a batch showed.

    status        "within", "exceeded", "vacuous" (the bound is larger than everything it is about) or "not-finite"
    where         where the gap came closest to its bound, or went beyond it at the earliest layer
    gap, bound    |transformer - loop| there and E + E'; ratio is their quotient
    largest_gap, largest_bound   over all entries
    vacuous       how many of the prompts have a bound larger than everything it is about at some layer
    """

    status: str
    prompts: int
    where: Place
    gap: float
    bound: float
    ratio: float
    largest_gap: float
    largest_bound: float
    vacuous: int


def random_transitions(algorithm: Algorithm, d: int, n: int, count: int, seed: int) -> FloatTransitions:
    """`count` prompts of independent uniform numbers k/2^20 in [-1, 1], exact in float64 and float32."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        whole = torch.randint(-(2**20), 2**20 + 1, shape, generator=generator)
        return whole.to(torch.float64) / 2**20

    extras = {name: draw(count, n, d if vector else 1) for name, vector in algorithm.extras}
    return FloatTransitions(draw(count, n, d), draw(count, n, d), draw(count, n, 1), draw(count, d), extras)


@np.errstate(all="ignore")  # as in `crosscheck`
def batch_check(
    construction: Construction,
    algorithm: Algorithm,
    data: FloatTransitions,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
    module: nn.Module | None = None,
) -> BatchResult:
    """Judge the transformer against the loop on a batch of float64 prompts, all layers and columns.

    data   : B prompts of the construction's size
    module : what is run instead of the construction in `dtype`: see `run_states`
    Raises `ArgumentError` when sizes do not fit, the weights touch feature rows or some columns are no transitions.
    """
    layout = construction.layout
    if layout != Layout.of(algorithm, data.query.shape[1], data.phi.shape[1]):
        raise ArgumentError(
            f"data has d = {data.query.shape[1]} and n = {data.phi.shape[1]}, wanted d = {layout.d} and n = {layout.n} "
            f"of the construction of {construction.algorithm}, for {algorithm.name}"
        )
    if algorithm.unit_columns:
        raise ArgumentError(
            f"data holds transitions, and the last {layout.d} columns of the prompts of {algorithm.name} are none: "
            "verify runs them"
        )
    maps, target = layer_maps(construction), precision(dtype)
    p = parameters(algorithm.bind(construction.parameters, construction.options))
    steps = lower_steps(construction.steps, construction.depth, Lowering(torch.float64, "cpu"))
    with torch.no_grad(), strict_precision():
        columns = token_columns(algorithm, data, _query(algorithm, data), p)
        start = _zeros(algorithm, layout.d, len(data.query))
        blocks = [columns[b.name] for b in algorithm.features]
        X = torch.cat([b.expand(-1, layout.n + 1, -1) for b in blocks], dim=2).mT
        zero = [w.values.mT.unsqueeze(1) for w in start]
        first_rows = accumulator_rows(algorithm, zero, columns, p)[:, 0]
        Z = torch.cat([X, first_rows], dim=1).to(dtype).to(device)
        lowered = Z.to("cpu", torch.float64).numpy()[:, : layout.p]
        own = LinearTransformer.from_construction(construction, dtype, device) if module is None else None
        states: list[Tensor] = []
        if own is not None:
            states = [Y.to("cpu", torch.float64) for Y in own.rows(Z)]
        if not states or not all(Y.isfinite().all() for Y in states):  # feature rows too, and the place of what is not
            returned = run_states(own if module is None else module, Z.clone(), construction.depth)  # type: ignore[arg-type]
            outputs = [Z_l.to("cpu", torch.float64) for Z_l in returned]
            if (wrong := _states_wrong(construction, outputs, lowered)) is not None:
                return wrong
            states = [Z_l[:, layout.p :] for Z_l in outputs]
    ran = [Y.numpy() for Y in states]  # after each layer

    @np.errstate(all="ignore")
    @torch.no_grad()
    def part(first: int) -> list[BatchResult]:
        here = slice(first, min(first + CHUNK, len(lowered)))
        loop = _Loop(algorithm, _some(data, here), {name: x[here] for name, x in columns.items()}, steps, p, target)
        allowed = np.empty((here.stop - first, len(steps) + 1, layout.m - layout.p, layout.n + 1))
        few_prompts(maps, lowered[here], loop.given, target, allowed)
        results = []
        for some in pieces(len(allowed)):
            place_in_batch = slice(first + some.start, min(first + some.stop, here.stop))
            computed = np.stack([Y[place_in_batch] for Y in ran], axis=1)
            rows, rounding = loop.rows(some)
            bound = (allowed[some] + rounding) * OUTWARD
            results.append(_judge(construction, computed, lowered[place_in_batch], rows, bound))
        return results

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return _joined(list(chain.from_iterable(pool.map(part, range(0, len(lowered), CHUNK)))))


def _zeros(algorithm: Algorithm, d: int, prompts: int) -> tuple[Stacked, ...]:
    """The weights that the loop starts from."""
    zero = torch.zeros(d, prompts, dtype=torch.float64)
    return tuple(Stacked(zero[:1] if name in algorithm.scalar_weights else zero) for name in algorithm.weights)


def _some(data: FloatTransitions, which: slice) -> FloatTransitions:
    extras = {name: x[which] for name, x in data.extras.items()}
    return FloatTransitions(data.phi[which], data.phi_next[which], data.rewards[which], data.query[which], extras)


class _Loop:
    """The textbook loop on a few prompts, and what it may be off by."""

    def __init__(
        self,
        algorithm: Algorithm,
        data: FloatTransitions,
        columns: dict[str, Tensor],
        steps: Sequence[Any],
        p: SimpleNamespace,
        target: Precision,
    ):
        self.algorithm, self.columns, self.p, self.layers = algorithm, columns, p, len(steps)
        start = _zeros(algorithm, data.query.shape[1], len(data.query))
        mapped = iterates_by_map(algorithm, data, start, steps, p)
        self.weights, more = mapped or (iterates(algorithm, data, start, steps, p), 0)
        double = PRECISIONS[torch.float64]
        self.errors = _loop_errors(algorithm, data, self.weights, columns, steps, p, double, target, more)
        self.held: dict[int, np.ndarray] = {}

    def rows(self, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """The accumulator rows of some of the prompts at every iterate, (some, L+1, K, N), and their own roundings."""
        if some.start not in self.held:
            read = {name: x[some] for name, x in self.columns.items()}
            rows = accumulator_rows(self.algorithm, [w[some] for w in self.weights], read, self.p)
            self.held[some.start] = rows.numpy()
        return self.held[some.start], _each(self.errors[1][some], self.layers + 1)

    def given(self, some: slice) -> tuple[np.ndarray, np.ndarray]:
        """What `few_prompts` asks for."""
        rows, rounding = self.rows(some)
        return np.abs(rows) + rounding, _each(self.errors[0][some], self.layers)


def _query(algorithm: Algorithm, data: FloatTransitions) -> dict[str, Tensor]:
    zero = torch.zeros(1, len(data.query), dtype=data.query.dtype)
    token = algorithm.query_token(Stacked(data.query.mT), Stacked(zero))
    return {
        name: getattr(token, name).values.mT
        for name in (*(b.name for b in algorithm.features), *algorithm.token_numbers)
    }


def _loop_errors(
    algorithm: Algorithm,
    data: FloatTransitions,
    weights: Sequence[Tensor],
    columns: dict[str, Tensor],
    steps: Sequence[Any],
    p: SimpleNamespace,
    double: Precision,
    target: Precision,
    more: int = 0,
) -> list[np.ndarray]:
    """Bounds on what an update is off by as the rows show it and on the rows' own roundings, (B, groups, K, N) each.

    Weights and steps enter with their largest entries over `TOGETHER` updates in a row, a group: a fifth of the work.
    more : roundings of an update beside those of the loop
    """
    L = len(steps)
    # (width, B, 1) prompts against (width, B, groups) weights: all updates at once
    least = float(max(f.underflow / f.unit_roundoff for f in (double, target)))
    context = data.each(lambda x: Magnitude.of_prompt(x.unsqueeze(2).numpy(), least))
    plain = [np.abs(components_first(w).numpy()) for w in weights]
    sizes = tuple(Magnitude(_largest(w[..., :L])) for w in plain)
    stacked = [_step([step[i] for step in steps]) for i in range(len(steps[0]))]
    # Parameters too: a product of two of them is rounded like any other.
    named = {name: x if isinstance(x, str) else Magnitude.of_parameter(x) for name, x in vars(p).items()}
    # no layer reads more than all tokens
    whole = algorithm.reading(context, dict.fromkeys(algorithm.selections, lambda _: 1))
    after = algorithm.update(sizes, stacked, algorithm.sweep(whole, data.phi.shape[2]), SimpleNamespace(**named))
    numbers = [x.numpy() for x in (*columns.values(), data.phi_next, *data.extras.values())]
    tallest = max(float(np.abs(x).max()) for x in (*plain, *numbers, *(s.values for s in stacked)))
    lost = LOST if tallest <= TALLEST else np.inf
    after = tuple(Magnitude(m.values, m.rounded + more, m.lowered) for m in after)
    off = [Magnitude(m.values * _growth(m, double, target) + lost) for m in after]
    silent = columns | {name: torch.zeros_like(columns[name]) for name in algorithm.token_numbers}
    p = SimpleNamespace(**named)
    # The later layers act on the columns as they were lowered.
    beta = [m.values * (1 + _growth(m, double, target)) for m in _rows(algorithm, off, silent, p, least)]
    sizes = tuple(Magnitude(_largest(w)) for w in plain)
    rounding = [m.values * _growth(m, double, target) for m in _rows(algorithm, sizes, columns, p, least)]
    (B, N), result = columns["reward"].shape[:2], []
    for count, each in ((L, beta), (L + 1, rounding)):
        rows = np.empty((B, -(-count // TOGETHER), len(each), N))
        for k, row in enumerate(each):
            np.multiply(row, outward(N * count), out=rows[:, :, k])
        result.append(rows)
    return result


def _each(groups: np.ndarray, count: int) -> np.ndarray:
    """What holds for each of `count` layers or states: (B, count, K, N) from (B, groups, K, N)."""
    return np.repeat(groups, TOGETHER, axis=1)[:, :count]


def _largest(values: np.ndarray) -> np.ndarray:
    """The largest of each `TOGETHER` entries in a row along the last axis."""
    return np.maximum.reduceat(values, range(0, values.shape[-1], TOGETHER), axis=-1)


def _rows(
    algorithm: Algorithm, weights: Sequence[Magnitude], columns: dict[str, Tensor], p: Any, least: float
) -> list[Magnitude]:
    """The magnitude of every accumulator row, (B, layers, N) each."""
    full = SimpleNamespace(
        **{name: Magnitude.of_prompt(components_first(x).unsqueeze(2).numpy(), least) for name, x in columns.items()}
    )
    across = tuple(Magnitude(w.values[..., None], w.rounded, w.lowered) for w in weights)
    rows = algorithm.column_values(across, full, p)
    return [Magnitude(m.values[0], m.rounded, m.lowered) for m in rows]


def _step(values: Sequence[Any]) -> Any:
    """One preconditioner of every group of layers: scalars (groups), matrices (d, d, groups)."""
    if isinstance(values[0], float):
        return Magnitude(_largest(np.abs(np.array(values))), 1)
    return StepMagnitude(_largest(np.abs(np.stack([v.matrix.numpy() for v in values], axis=2))))


def _growth(m: Magnitude, double: Precision, target: Precision) -> float:
    """(1+u)^k (1+v)^m - 1, rounded up."""
    exact = (1 + double.unit_roundoff) ** m.rounded * (1 + target.unit_roundoff) ** m.lowered - 1
    return up(exact) * OUTWARD


def _states_wrong(construction: Construction, outputs: Sequence[Tensor], X: np.ndarray) -> BatchResult | None:
    """What is wrong with the states before any bound is asked: a number that is not finite, a changed feature row."""
    p, features = construction.layout.p, torch.from_numpy(X)
    if all(torch.equal(Z[:, :p], features) and Z[:, p:].isfinite().all() for Z in outputs):
        return None
    states = torch.stack(list(outputs), dim=1).numpy()
    bad = ~np.isfinite(states)
    if bad.any():
        layer = int(np.flatnonzero(bad.any(axis=(0, 2, 3)))[0])
        trial, row, column = np.argwhere(bad[:, layer])[0]
        where = place(construction, (trial, layer, row, column), 0)
        return BatchResult("not-finite", len(X), where, np.inf, np.inf, np.inf, np.inf, np.inf, 0)
    changed = (states[:, :, :p] != X[:, None]).any(axis=(2, 3))
    layer = int(np.flatnonzero(changed.any(axis=0))[0])
    trial = int(np.flatnonzero(changed[:, layer])[0])
    row, column = np.argwhere(states[trial, layer, :p] != X[trial])[0]
    gap = float(abs(states[trial, layer, row, column] - X[trial, row, column]))
    where = place(construction, (trial, layer, row, column), 0)
    return BatchResult("exceeded", len(X), where, gap, 0.0, np.inf, gap, 0.0, 0)


def _judge(
    construction: Construction, states: np.ndarray, X: np.ndarray, loop: np.ndarray, allowed: np.ndarray
) -> BatchResult:
    p = construction.layout.p
    gap = np.abs(states - loop) / OUTWARD  # the subtraction itself rounds
    exceeded = gap > allowed
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(gap == 0, 0.0, gap / allowed)
    if exceeded.any():
        first = int(np.flatnonzero(exceeded.any(axis=(0, 2, 3)))[0])
        ratio = np.where(exceeded & (np.arange(gap.shape[1]) == first)[None, :, None, None], ratio, -1.0)
    index = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    sizes = np.abs(loop).max(axis=(2, 3))
    wide = as_wide(allowed, sizes, sizes == 0, X)[:, 1:].any(axis=1)
    status = "exceeded" if exceeded.any() else "vacuous" if wide.any() else "within"
    return BatchResult(
        status, len(X), place(construction, index, p), float(gap[index]), float(allowed[index]),
        float(gap[index] / allowed[index]) if allowed[index] else float(exceeded.any()),
        float(gap.max()), float(allowed.max()), int(wide.sum()),
    )  # fmt: skip


def _joined(parts: Sequence[BatchResult]) -> BatchResult:
    """What a batch showed, from what a few prompts after a few prompts of it showed."""
    exceeded = [i for i, part in enumerate(parts) if part.status == "exceeded"]
    layer = min((parts[i].where.layer for i in exceeded), default=0)
    asked = [i for i in exceeded if parts[i].where.layer == layer] or range(len(parts))
    which = max(asked, key=lambda i: parts[i].ratio)
    worst, before = parts[which], sum(part.prompts for part in parts[:which])
    vacuous = sum(part.vacuous for part in parts)
    return replace(
        worst,
        status="exceeded" if exceeded else "vacuous" if vacuous else "within",
        prompts=sum(part.prompts for part in parts),
        where=replace(worst.where, trial=before + worst.where.trial),
        largest_gap=max(part.largest_gap for part in parts),
        largest_bound=max(part.largest_bound for part in parts),
        vacuous=vacuous,
    )
