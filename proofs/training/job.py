"""One group of seeds on its way through training: from its state to the files of its seeds, wherever it runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...numeric.device import resolve_device
from ...numeric.training.architecture import Architecture
from ...numeric.training.checkpoint import decode, encode, weights_file
from ...numeric.training.loop import State, group_seeds, train_group
from ...numeric.training.settings import Training, from_document
from ...numeric.training.verdicts import rules, verdicts
from ...symbolic.strict_json import dumps

MEASURES = "measures.json"
WEIGHTS = "weights.safetensors"
SCHEMA = 1


@dataclass(frozen=True)
class Job:
    """A group to train: plain data, so that it crosses to another machine.

    state : the bytes of an earlier state, if there is one
    """

    settings: Mapping[str, Any]
    group: int
    device: str = "cpu"
    state: bytes | None = None
    own: Training = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "own", from_document(dict(self.settings)))


def run_job(job: Job, seen: Callable[[State], None] = lambda _: None) -> dict[str, bytes]:
    """Train the group; {file's path inside the run's folder: bytes} for each of its seeds that are wanted."""
    settings = job.own
    state = decode(job.state, settings, job.group) if job.state is not None else None
    last, final = train_group(settings, job.group, state, resolve_device(job.device), seen)
    arch = Architecture.of(settings)
    K = settings.width
    size = arch.stored * len(arch.names) * arch.m**2
    weights = last.tensors["theta"][:, :size].reshape(K, arch.stored, len(arch.names), arch.m, arch.m)
    files: dict[str, bytes] = {}
    for k, seed in enumerate(group_seeds(settings, job.group)):
        if seed <= settings.seeds:
            files[f"seed-{seed}/{WEIGHTS}"] = weights_file(arch, weights[k], seed)
            files[f"seed-{seed}/{MEASURES}"] = dumps(_measures(settings, seed, k, last.history, final)).encode()
    return files


def saved(state: State, job: Job) -> bytes:
    """A state as the bytes that go on from it."""
    return encode(state, job.own, job.group)


def _measures(
    settings: Training, seed: int, place: int, history: Mapping[str, list[Tensor]], final: Mapping[str, Tensor]
) -> dict[str, Any]:
    """One seed's document: its curves, its final measures, its verdicts."""
    curves = {name: [number(v[place]) for v in values] for name, values in history.items()}
    return {
        "schema": SCHEMA,
        "seed": seed,
        "settings": settings.digest,
        "curves": {name: values for name, values in curves.items() if name != "processes"},
        "processes": [int(v[place]) for v in history["processes"]],
        "final": {name: number(values[place]) for name, values in final.items()},
        "verdicts": {rule.removeprefix(", ") or settings.algorithm: verdicts(final, rule)[place]
                     for rule in rules(final)},
    }  # fmt: skip


def number(x: Tensor) -> float | None:
    """A number for JSON: None for what is not finite."""
    value = float(x.to(torch.float64))
    return value if math.isfinite(value) else None
