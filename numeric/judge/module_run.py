"""A module that somebody else wrote, called more than once and in more than one mode, and judged on all it returns.

One call shows little: a module may keep its first answer, be right in train mode only, or write into its argument.
The prompts go through it in two batches of different size, in the mode in which it was handed over; then, cut
elsewhere, in eval mode.  What it returns the second time is judged again unless it is the first answer bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError
from ...symbolic.identity.exact import Problem
from ..device import OFF, autocast_state, strict_precision
from ..lower import lower_prompts
from .crosscheck import crosscheck
from .dense import PROMPTS, judged_prompts
from .exact_floats import up
from .float_result import FloatResult
from .float_run import run_prediction, run_states
from .places import Place, place

USERS = "the user's own"
"""How such a module's layers run, as far as is known."""


@dataclass(frozen=True)
class ForwardResult:
    """What `forward(Z)` gives, against the states.

    status   "same" bit for bit, "within" (another order of summation may differ so much), "wrong", "open" or "none"
    reason   in words
    """

    status: str
    reason: str
    where: Place | None = None
    computed: str = ""
    exact: str = ""


@dataclass(frozen=True, eq=False)
class ModuleResult:
    """The layers' judgement, in the first mode in which something is wrong, and that of `forward`."""

    layers: FloatResult
    forward: ForwardResult


@dataclass(frozen=True, eq=False)
class _Returned:
    """Everything returned for T prompts: states (L+1, T, m, N), predictions (T,), forward (T, m, N) or (T,).

    unread : why there is nothing in `forward` to compare
    """

    states: Tensor
    predictions: Tensor | None
    forward: Tensor | None
    unread: str


class _KeptError(Exception):
    """A batch came back in the size of an earlier one."""


class _ChangedError(Exception):
    """A batch was written into: by which function, and at which entry."""

    def __init__(self, function: str, index: tuple[int, ...], got: float, wanted: float):
        super().__init__(function)
        self.function, self.index, self.got, self.wanted = function, index, got, wanted


class Recorded(nn.Module):
    """States and predictions as they were returned, for the judge."""

    evaluation = USERS

    def __init__(self, states: Sequence[Tensor], predictions: Tensor | None):
        super().__init__()
        self._returned = list(states)
        if predictions is not None:
            self.prediction = lambda Z: predictions

    def states(self, Z: Tensor) -> list[Tensor]:
        """Z_0, ..., Z_L : L + 1 tensors (T, m, N)."""
        return self._returned


def judge_module(
    construction: Construction,
    algorithm: Algorithm,
    setups: Sequence[Problem],
    device: torch.device,
    dtype: torch.dtype,
    module: Any,
    tf32: bool = False,
) -> ModuleResult:
    """Call a module on `setups`, at least `PROMPTS` of them, and judge layers, read-out and `forward` of every call.

    Raises `ArgumentError` when it returns nothing that can be judged.
    """
    if len(setups) < PROMPTS:
        raise ArgumentError(f"setups has {len(setups)} prompts, wanted {PROMPTS} or more, for batches of two sizes")
    if construction.row_heads() is None:
        setups = setups[: judged_prompts(len(setups), construction.depth)]
    count, small = len(setups), (len(setups) - 1) // 3 or 1
    training = bool(getattr(module, "training", False))
    calls = (
        ("in train mode, as handed over" if training else "", count - small, False),
        ("in eval mode" if training else "called again, in other batches", small, training),
    )
    judged: list[tuple[FloatResult, ForwardResult]] = []
    first: _Returned | None = None
    for mode, cut, to_eval in calls:
        with torch.no_grad(), strict_precision(tf32, autocast=True):
            Z = lower_prompts(setups, dtype, device)
            around = autocast_state()
            try:
                with _eval(module) if to_eval else _unchanged():
                    returned = _call(module, (Z[:cut], Z[cut:]), construction.depth)
            except (_KeptError, _ChangedError) as error:
                result = crosscheck(construction, algorithm, setups, device, dtype, tf32=tf32)
                kept = isinstance(error, _KeptError)
                result = _faulty(result, mode, str(error)) if kept else _written(construction, result, mode, error)
                return ModuleResult(result, ForwardResult("none", "the layers are refuted already"))
        if first is not None and _same(first, returned):
            break
        first = first or returned
        recorded = Recorded(list(returned.states), returned.predictions)
        result = crosscheck(construction, algorithm, setups, device, dtype, module=recorded, tf32=tf32)
        result = replace(result, call=mode, environment={**result.environment, "autocast": around})
        if result.fault == "layer":
            inside = around if around != OFF else _autocast_inside(module, Z[:cut], construction.depth)
            result = replace(
                result, coarser=f"autocast to {inside.split(': ')[-1]}" if inside != OFF else result.coarser
            )
        forward = _forward(construction, returned, result, mode)
        if result.status not in ("within", "vacuous") or forward.status == "wrong":
            return ModuleResult(result, forward)
        judged.append((result, forward))
    worst = {"vacuous": 1, "open": 1, "none": 1}
    return ModuleResult(
        max((r for r, _ in judged), key=lambda r: worst.get(r.status, 0)),
        max((f for _, f in judged), key=lambda f: worst.get(f.status, 0)),
    )


def _call(module: Any, batches: Sequence[Tensor], depth: int) -> _Returned:
    """Everything that the module returns on batches one after another."""
    sizes: list[int] = []
    states, predictions, forwards = [], [], []
    unread = ""
    for Z in batches:
        given = Z.clone()
        try:
            copies = [state.clone() for state in run_states(module, given, depth)]
        except ArgumentError:
            if (size := _size(module, given)) in sizes:
                raise _KeptError(f"kept, {len(Z)} after {size}") from None
            raise
        _unwritten("states(Z)", given, Z)
        states.append(torch.stack(copies))
        predicted = run_prediction(module, given)
        _unwritten("prediction(Z)", given, Z)
        predictions.append(None if predicted is None else predicted.clone())
        forward, unread = run_forward(module, given)
        _unwritten("forward(Z)", given, Z)
        forwards.append(None if forward is None else forward.clone())
        sizes.append(len(Z))
    return _Returned(torch.cat(states, dim=1), _joined(predictions), _joined(forwards), unread)


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    there = [x for x in parts if x is not None]
    return torch.cat(there) if len(there) == len(parts) and len({x.dim() for x in there}) == 1 else None


def _size(module: Any, Z: Tensor) -> int | None:
    """The number of prompts in the last state that `states(Z)` returns, whatever was given."""
    returned = module.states(Z) if callable(getattr(module, "states", None)) else [None]
    last = returned[-1] if isinstance(returned, (list, tuple)) and returned else returned
    return len(last) if isinstance(last, Tensor) and last.dim() == 3 else None


def _unwritten(function: str, given: Tensor, Z: Tensor) -> None:
    """Raise when the batch that was given is no longer what it was."""
    if not torch.equal(given, Z):
        index = tuple(int(i) for i in (given != Z).nonzero()[0])
        raise _ChangedError(function, index, float(given[index]), float(Z[index]))


def run_forward(module: Any, Z: Tensor) -> tuple[Tensor | None, str]:
    """What `module(Z)` returns: a last state (B, m, N) or one number a prompt (B,); or None and why it is neither."""
    forward = getattr(module, "forward", None)
    if not callable(forward) or getattr(forward, "__func__", None) is nn.Module.forward:
        return None, "there is no forward(Z)"
    try:
        returned = module(Z)
    except Exception as error:  # it may be meant for quite other arguments
        return None, f"forward(Z) raises {type(error).__name__}: {' '.join(str(error).split())[:100]}"
    if not isinstance(returned, Tensor):
        return None, f"forward(Z) returns {type(returned).__name__}, neither a last state nor one number a prompt"
    if returned.shape == (len(Z), 1):
        returned = returned[:, 0]
    if returned.shape not in (Z.shape, Z.shape[:1]):
        return None, f"forward(Z) returns {tuple(returned.shape)}, neither a last state nor one number a prompt"
    return returned, ""


def _same(one: _Returned, other: _Returned) -> bool:
    """Whether two runs returned the same, bit for bit."""
    pairs = (
        (one.states, other.states),
        (one.predictions, other.predictions),
        (one.forward, other.forward),
    )
    return all((x is y) or (x is not None and y is not None and torch.equal(x, y)) for x, y in pairs)


def _forward(construction: Construction, returned: _Returned, result: FloatResult, mode: str) -> ForwardResult:
    """`forward` against the last state, or its read-out: two conforming runs differ by no more than twice the bound."""
    layout, readout, count = construction.layout, construction.readout, construction.depth
    if returned.forward is None:
        read = returned.predictions is not None and returned.unread == "there is no forward(Z)"
        return ForwardResult("same" if read else "none", returned.unread + "; prediction(Z) is the read-out" * read)
    last = returned.states[-1].to("cpu", torch.float64).numpy()
    output = returned.forward.to("cpu", torch.float64).numpy()
    prediction = output.ndim == 1
    wanted = readout.sign * last[:, layout.accumulator(readout.row), layout.n] if prediction else last
    what = "the read-out of its last state" if prediction else "the last state"
    if np.array_equal(output, wanted):
        return ForwardResult("same", f"forward(Z) is {what}, bit for bit")
    with np.errstate(all="ignore"):
        gap = np.abs(output - wanted)
    index = np.unravel_index(int(np.argmax(np.where(np.isnan(gap), np.inf, gap))), gap.shape)
    largest, bound = float(gap[index]), None
    if result.status == "within" and result.a_priori is not None and result.a_priori.status == "within":
        bound = 2 * result.a_priori.last_bound
    features = not prediction and bool((output[:, : layout.p] != last[:, : layout.p]).any())
    message = f"forward(Z) differs from {what} by {largest:.1e}{', ' * bool(mode)}{mode}"
    if bound is None and isfinite(largest) and not features:
        return ForwardResult("open", f"{message}, and there is no bound on what another order of summation may change")
    if bound is not None and largest <= bound and not features:
        if float(np.abs(wanted).max()) <= bound:
            return ForwardResult(
                "open", f"{message}, and all of it is within what another order of summation may change"
            )
        return ForwardResult("within", f"{message}; runs in two orders of summation differ by at most {bound:.1e}")
    if prediction:
        column = f"read as {'-' if readout.sign < 0 else '+'}{readout.row}"
        where = Place(int(index[0]), count, "prediction", column)
    else:
        where = place(construction, (index[0], count, *index[1:]), 0)
    computed, right = float(output[index]), Fraction(float(wanted[index]))
    message += "" if bound is None else f", where two orders of summation differ by at most {bound:.1e}"
    text = str(Fraction(computed)) if isfinite(computed) else str(computed)
    return ForwardResult("wrong", message, where, text, str(right))


def _faulty(result: FloatResult, mode: str, fault: str) -> FloatResult:
    """A refutation that no layer's arithmetic is to blame for; `result` lends the sizes."""
    return replace(
        result, status="exceeded", where=None, bound=None, error=None, ratio=None, computed="", exact="", fault=fault,
        call=mode, distance=None, a_priori=None, split=None, curves=None, loop_distance=None, read_out_judged=False,
    )  # fmt: skip


def _written(construction: Construction, result: FloatResult, mode: str, error: Any) -> FloatResult:
    trial, row, column = error.index
    where = place(construction, (trial, 0, row, column), 0)
    exact, held = Fraction(error.wanted), error.got
    computed, off = (str(Fraction(held)), up(abs(Fraction(held) - exact))) if isfinite(held) else (str(held), None)
    faulty = _faulty(result, mode, f"argument of {error.function}")
    return replace(faulty, where=where, bound=0.0, error=off, computed=computed, exact=str(exact))


@contextmanager
def _eval(module: Any) -> Iterator[None]:
    """Every part in eval mode, and afterwards in the mode that it had."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


@contextmanager
def _unchanged() -> Iterator[None]:
    yield


class _Watching(TorchFunctionMode):
    """Notes where autocast is on while torch's functions are called."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = OFF

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.seen == OFF:
            self.seen = autocast_state()
        return function(*args, **(kwargs or {}))


def _autocast_inside(module: Any, Z: Tensor, depth: int) -> str:
    """The autocast that the module turns on by itself, seen in one more call."""
    try:
        with _Watching() as watching:
            run_states(module, Z.clone(), depth)
    except Exception:  # a compiled module may refuse to be watched: then nothing is known
        return OFF
    return str(watching.seen)
