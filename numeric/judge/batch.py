"""Thousands of prompts at once: the transformer against the textbook loop in floats, at every layer and column.

Both sides run in floats, so both may be off, by different amounts for different reasons: the transformer by at most
E (`a_priori.py`), the loop by at most E' from the same exact iterates, of the prompt as it was lowered.  They must
therefore agree within E + E'.  For the loop, one update is off by at most eta (`loop.py`), which the accumulator
rows show as beta = |rows(eta)|, carried through the exact later layers like the transformer's own errors.  No exact
arithmetic is needed for a prompt, and neither bound has seen what it bounds.  The weights start from zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

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
from ..device import Precision, one_thread_each, precision, strict_precision, torch_device
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
from .a_priori import CHUNK, Given, few_prompts
from .batch_result import BatchResult, joined, judge_batch, states_wrong
from .bounds import layer_maps
from .carried import pieces
from .float_run import run_states
from .loop import Loop, query_columns, zeros
from .memory import keep_freed_memory

TRANSITIONS = Kind("transitions, as random_transitions draws", lambda x: isinstance(x, FloatTransitions))
MODULE = Kind(
    "a torch module with states(Z), or with layers",
    lambda x: callable(getattr(x, "states", None)) or isinstance(getattr(x, "layers", None), Iterable),
)
BLOCK = 1024
"""Prompts whose loop runs together: each of its operations is on few numbers of all of them."""


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


def _require_batch(
    construction: Construction, algorithm: Algorithm, data: FloatTransitions, module: nn.Module | None
) -> None:
    CONSTRUCTION.check(construction=construction)
    _require_algorithm(algorithm)
    TRANSITIONS.check(data=data)
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
    _require_batch(construction, algorithm, data, module)
    device, target, layout = torch_device(device), precision(dtype), construction.layout
    p = parameters(algorithm.bind(construction.parameters, construction.options))
    with torch.no_grad(), strict_precision():
        with one_thread_each():
            columns, Z = _prompts(algorithm, data, p)
            Z = Z.to(dtype).to(device)
            batch = _Batch(construction, algorithm, data, columns, p, Z, target)
        if module is not None:
            outputs = [x.to("cpu", torch.float64) for x in run_states(module, Z.clone(), construction.depth)]
            if (wrong := states_wrong(construction, outputs, batch.X)) is not None:
                return wrong
            with one_thread_each() as threads:
                return batch.judged(threads, lambda here: torch.stack([x[here, layout.p :] for x in outputs]))
        with one_thread_each() as threads:
            own = LinearTransformer.from_construction(construction, dtype, device)
            # elsewhere it is launches that take time, and all prompts need no more of them than a few
            whole = None if device.type == "cpu" else own.rows(Z).to("cpu", torch.float64)
            result = batch.judged(threads, lambda here: own.rows(Z[here]).double() if whole is None else whole[:, here])
            if result.status == "not-finite":  # in a feature row, perhaps
                states = [x.to("cpu", torch.float64) for x in own.states(Z)]
                return states_wrong(construction, states, batch.X) or result
            return result


def _prompts(algorithm: Algorithm, data: FloatTransitions, p: Any) -> tuple[dict[str, Tensor], Tensor]:
    """What the columns hold, and the prompts at zero weights: (B, m, N)."""
    columns = token_columns(algorithm, data, query_columns(algorithm, data), p)
    start = [w.values.mT.unsqueeze(1) for w in zeros(algorithm, data.phi.shape[2], len(data.query))]
    rows = accumulator_rows(algorithm, start, columns, p)[:, 0]
    features = [columns[block.name].expand(-1, rows.shape[2], -1).mT for block in algorithm.features]
    return columns, torch.cat([*features, rows], dim=1)


class _Batch:
    """Prompts to be judged, `BLOCK` at a time by the loop and `CHUNK` at a time by everything else."""

    def __init__(
        self,
        construction: Construction,
        algorithm: Algorithm,
        data: FloatTransitions,
        columns: dict[str, Tensor],
        p: Any,
        Z: Tensor,
        target: Precision,
    ):
        self.construction, self.algorithm, self.data, self.columns, self.p = construction, algorithm, data, columns, p
        self.X, self.target = Z.to("cpu", torch.float64).numpy()[:, : construction.layout.p], target
        self.maps = layer_maps(construction)
        self.steps = lower_steps(construction.steps, construction.depth, Lowering(torch.float64, "cpu"))

    def judged(self, threads: int, states: Callable[[slice], Tensor]) -> BatchResult:
        """What the batch showed; states : the accumulator rows of some of the prompts, (L+1, some, K, N)."""
        keep_freed_memory()
        results: list[BatchResult] = []
        with ThreadPoolExecutor(threads) as pool:
            for first in range(0, len(self.X), BLOCK):
                block = slice(first, min(first + BLOCK, len(self.X)))
                read = {name: x[block] for name, x in self.columns.items()}
                loop = Loop(self.algorithm, self.data.some(block), read, self.steps, self.p, self.target)
                parts = [slice(i, min(i + CHUNK, block.stop)) for i in range(block.start, block.stop, CHUNK)]
                results.extend(chain.from_iterable(pool.map(partial(self._part, loop, states, first), parts)))
        return joined(results)

    @torch.no_grad()
    @np.errstate(all="ignore")
    def _part(self, loop: Loop, states: Callable[[slice], Tensor], first: int, here: slice) -> list[BatchResult]:
        """The verdicts on prompts `here`; first : the first prompt of the loop."""
        ran, X = states(here).numpy().swapaxes(0, 1), self.X[here]
        rows = loop.on(slice(here.start - first, here.stop - first))
        # layers first in memory, as the states are
        bound = np.empty((ran.shape[1], len(ran), *ran.shape[2:])).swapaxes(0, 1)
        given = Given(lambda some: np.abs(rows.rows(some)), rows.rounding, rows.errors)
        few_prompts(self.maps, X, given, self.target, bound)
        return [
            judge_batch(self.construction, ran[some], X[some], rows.rows(some), bound[some])
            for some in pieces(len(bound), bound[0].size)
        ]
