"""The options that commands share: what weights are made, what is checked of them, and on what."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ...numeric.files.prompt_file import read_context
from ...symbolic.errors import ArgumentError
from ..case import MAX_WORK, Settings
from .options import (
    Dtype,
    EntrywiseContext,
    EntrywiseFeatures,
    ExactTrials,
    Gamma,
    Lam,
    Looped,
    MaxWork,
    Parameters,
    Process,
    Seed,
    TimeLimit,
    Trace,
    Trials,
    integer,
    parameter_values,
    rational,
)


@Parameter(name="*")
@dataclass(frozen=True)
class WeightOptions:
    """What makes an algorithm's weights, as it stands on a command line."""

    features: Annotated[int | None, integer(["--features", "-d"], "feature dimension d; default: 3")] = None
    context: Annotated[int | None, integer(["--context", "-n"], "context length n; default: 20")] = None
    layers: Annotated[int | None, integer(["--layers", "-L"], "number of layers L; default: 5")] = None
    gamma: Gamma = "9/10"
    lam: Lam = "1/2"
    trace: Trace = None
    parameter: Parameters = None
    looped: Looped = False
    seed: Seed = 0
    dtype: Dtype = "float64"
    max_work: MaxWork = MAX_WORK
    time_limit: TimeLimit = 300

    def settings(self) -> Settings:
        """The settings that they ask for; `ArgumentError` when they do not fit each other."""
        return Settings(**self._values())

    def _sizes(self) -> dict[str, int]:
        """The sizes where none are given."""
        return {"features": 3, "context": 20, "layers": 5}

    def _values(self) -> dict[str, Any]:
        if self.time_limit < 1:
            raise ArgumentError(f"time-limit is {self.time_limit}, wanted at least one second")
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        sizes = self._sizes()
        asked = frozenset(name for name in sizes if values[name] is not None)
        values |= {name: size for name, size in sizes.items() if name not in asked}
        return values | {
            "asked": asked | ({"looped"} if self.looped else set()),
            "gamma": rational(self.gamma, "gamma"),
            "lam": rational(self.lam, "lam"),
            "values": parameter_values(values.pop("parameter") or []),
        }


@Parameter(name="*")
@dataclass(frozen=True)
class CheckOptions(WeightOptions):
    """And what is checked of them."""

    trials: Trials = 30
    exact_trials: ExactTrials = 2
    process: Process = "boyan-chain"
    device: Annotated[str, Parameter(name="--device", help="auto, cpu or cuda")] = "auto"
    entrywise_features: EntrywiseFeatures = None
    entrywise_context: EntrywiseContext = None


@Parameter(name="*")
@dataclass(frozen=True)
class RunOptions(CheckOptions):
    """And on what prompts, and in what order floats are multiplied: a whole run."""

    features: Annotated[int | None, integer(["--features", "-d"], "feature dimension d; default: 3")] = None
    context: Annotated[int | None, integer(["--context", "-n"], "context length n; default: 100")] = None
    layers: Annotated[int | None, integer(["--layers", "-L"], "number of layers L; default: 40")] = None
    order: Annotated[str, Parameter(name="--order", help="how float layers multiply: keys-first or scores-first")] = (
        "keys-first"
    )
    compile: Annotated[
        bool, Parameter(name="--compile", negative=(), help="run the float layers through torch.compile")
    ] = False
    prompt: Annotated[
        Path | None, Parameter(name="--prompt", help="your own transitions, JSON or CSV; they set d and n")
    ] = None

    def _sizes(self) -> dict[str, int]:
        return {"features": 3, "context": 100, "layers": 40}

    def _values(self) -> dict[str, Any]:
        values = super()._values()
        given = read_context(self.prompt) if self.prompt is not None else None
        sizes = (("features", self.features, given and given.d), ("context", self.context, given and given.n))
        for name, asked, own in sizes:
            if given is not None and asked is not None and asked != own:
                raise ArgumentError(f"{name} is {asked}, but the prompt file has {own}: leave it out")
        return values | {
            "prompt": given,
            "compiled": values.pop("compile"),
        }
