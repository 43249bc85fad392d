"""What a batch showed: of a few prompts, and of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...symbolic.construction import Construction
from .bounds import as_wide
from .carried import OUTWARD
from .places import Place, place


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


def states_wrong(construction: Construction, outputs: Sequence[Tensor], X: np.ndarray) -> BatchResult | None:
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


def judge_batch(
    construction: Construction, states: np.ndarray, X: np.ndarray, loop: np.ndarray, allowed: np.ndarray
) -> BatchResult:
    gap = states - loop
    np.abs(gap, out=gap)
    largest = float(gap.max())
    ratio = np.divide(gap, allowed, out=gap)
    index = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    exceeded = False
    if not ratio[index] < 1 / OUTWARD:  # the subtraction and the quotient round
        if not np.isfinite(states).all():
            nowhere = place(construction, (0, 0, 0, 0), construction.layout.p)
            return BatchResult("not-finite", len(X), nowhere, np.inf, np.inf, np.inf, np.inf, np.inf, 0)
        gap = np.abs(states - loop)
        beyond = gap > allowed * OUTWARD
        ratio[gap == 0] = 0.0
        exceeded = bool(beyond.any())
        if exceeded:
            first = int(np.flatnonzero(beyond.any(axis=(0, 2, 3)))[0])
            ratio = np.where(beyond & (np.arange(gap.shape[1]) == first)[None, :, None, None], ratio, -1.0)
        index = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
    wide = _wide(allowed, loop, X)
    status = "exceeded" if exceeded else "vacuous" if wide.any() else "within"
    where = place(construction, index, construction.layout.p)
    away, limit = float(abs(states[index] - loop[index])), float(allowed[index])
    share = away / limit if limit else float(exceeded)
    return BatchResult(status, len(X), where, away, limit, share, largest, float(allowed.max()), int(wide.sum()))


def _wide(bound: np.ndarray, loop: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Whether a prompt's bound is as large as what it is about at some state, (T,)."""
    # A few columns of each state hold enough of its largest number nearly always.
    some = np.abs(loop[:, 1:, :, :: max(loop.shape[3] // 8, 1)]).max(axis=(2, 3))
    if (bound.max(axis=1).max(axis=(1, 2)) < some.min(axis=1, initial=np.inf)).all():
        return np.zeros(len(bound), dtype=bool)
    sizes = np.abs(loop).max(axis=(2, 3))
    return np.asarray(as_wide(bound, sizes, sizes == 0, X)[:, 1:].any(axis=1))


def joined(parts: Sequence[BatchResult]) -> BatchResult:
    """What a batch showed, from what a few prompts after a few prompts of it showed."""
    if (wrong := next((part for part in parts if part.status == "not-finite"), None)) is not None:
        return replace(wrong, prompts=sum(part.prompts for part in parts))
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
