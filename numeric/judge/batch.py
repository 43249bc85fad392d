"""Thousands of prompts at once: the transformer against the textbook loop in floats, at every layer and column.

Both sides run in floats, so both may be off, by different amounts for different reasons: the transformer by at most
E (`a_priori.py`), the loop by at most E' from the same exact iterates, of the prompt as it was lowered.  They must
therefore agree within E + E'.  For the loop, one update is off by at most eta (`loop.py`), which the accumulator
rows show as beta = |rows(eta)|, carried through the exact later layers like the transformer's own errors.  No exact
arithmetic is needed for a prompt, and neither bound has seen what it bounds.  The weights start from zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.kinds import Kind
from ...symbolic.plain_text import shown
from ...symbolic.prompt import Layout
from ..device import precision, strict_precision, torch_device
from ..reference import (
    FloatTransitions,
    Lowering,
    accumulator_rows,
    lower_steps,
    parameters,
    token_columns,
)
from ..transformer import WANTED as CONSTRUCTION
from ..transformer import LinearTransformer
from .a_priori import CHUNK, few_prompts
from .bounds import as_wide, layer_maps
from .carried import OUTWARD, pieces
from .float_run import run_states
from .loop import Loop, query_columns, zeros
from .places import Place, place

TRANSITIONS = Kind("transitions, as random_transitions draws", lambda x: isinstance(x, FloatTransitions))
MODULE = Kind(
    "a torch module with states(Z), or with layers",
    lambda x: callable(getattr(x, "states", None)) or isinstance(getattr(x, "layers", None), Iterable),
)


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
    """`count` prompts of independent uniform numbers k/2^20 in [-1, 1], exact in float64 and float32.

    Raises `ArgumentError` where d, n or count is no positive integer, or the algorithm is only named.
    """
    _require_algorithm(algorithm)
    for name, size in (("d", d), ("n", n), ("count", count)):
        whole_number(name, size, 1)
    whole_number("seed", seed, 0)
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        whole = torch.randint(-(2**20), 2**20 + 1, shape, generator=generator)
        return whole.to(torch.float64) / 2**20

    extras = {name: draw(count, n, d if vector else 1) for name, vector in algorithm.extras}
    return FloatTransitions(draw(count, n, d), draw(count, n, d), draw(count, n, 1), draw(count, d), extras)


def _require_algorithm(algorithm: Algorithm) -> None:
    if not isinstance(algorithm, Algorithm):
        raise ArgumentError(
            f"algorithm is {shown(algorithm)}, wanted an Algorithm: layerproof.symbolic.algorithms.find"
        )


def _require_tensors(algorithm: Algorithm, data: FloatTransitions) -> None:
    B, n, d = data.phi.shape
    wanted = {"phi_next": (B, n, d), "rewards": (B, n, 1), "query": (B, d)}
    given = {"phi": data.phi, "phi_next": data.phi_next, "rewards": data.rewards, "query": data.query}
    for name, vector in algorithm.extras:
        if name not in data.extras:
            raise ArgumentError(f"data.extras has no {name}, which transitions of {algorithm.name} carry")
        given[name], wanted[name] = data.extras[name], (B, n, d if vector else 1)
    for name, tensor in given.items():
        if tuple(tensor.shape) != wanted.get(name, (B, n, d)) or tensor.dtype != torch.float64:
            raise ArgumentError(
                f"{name} of data is {tuple(tensor.shape)} of {tensor.dtype}, wanted {wanted.get(name, (B, n, d))} of "
                "torch.float64"
            )


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
    Raises `ArgumentError` when there is no prompt, sizes or dtypes do not fit, the weights touch feature rows or some
    columns are no transitions.
    """
    CONSTRUCTION.check(construction=construction)
    _require_algorithm(algorithm)
    TRANSITIONS.check(data=data)
    device = torch_device(device)
    MODULE.check_given(module=module)
    layout = construction.layout
    if not len(data.query):
        raise ArgumentError("data holds no prompt, wanted one or more")
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
    _require_tensors(algorithm, data)
    maps, target = layer_maps(construction), precision(dtype)
    p = parameters(algorithm.bind(construction.parameters, construction.options))
    steps = lower_steps(construction.steps, construction.depth, Lowering(torch.float64, "cpu"))
    with torch.no_grad(), strict_precision():
        columns = token_columns(algorithm, data, query_columns(algorithm, data), p)
        start = zeros(algorithm, layout.d, len(data.query))
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
        read = {name: x[here] for name, x in columns.items()}
        loop = Loop(algorithm, _some(data, here), read, steps, p, target)
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


def _some(data: FloatTransitions, which: slice) -> FloatTransitions:
    extras = {name: x[which] for name, x in data.extras.items()}
    return FloatTransitions(data.phi[which], data.phi_next[which], data.rewards[which], data.query[which], extras)


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
    gap = states - loop
    np.abs(gap, out=gap)
    gap /= OUTWARD  # the subtraction itself rounds
    exceeded = gap > allowed
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = gap / allowed
    if not allowed.min() > 0:
        ratio[gap == 0] = 0.0
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
