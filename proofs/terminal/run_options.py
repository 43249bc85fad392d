"""The options that commands share: what weights are made, what is checked of them, and on what."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ...numeric.files.prompt_file import read_context
from ...symbolic.errors import ArgumentError
from ...symbolic.sizes import LETTERS
from ...symbolic.strict_json import rational_text
from ..case import MAX_WORK, SMALL, Settings
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
    flag,
    parameter_values,
    rational,
    size,
)

GAMMA, LAM = rational_text(Settings.gamma), rational_text(Settings.lam)
TIME_LIMIT = int(Settings.time_limit)


@Parameter(name="*")
@dataclass(frozen=True)
class WeightOptions:
    """What makes an algorithm's weights, as it stands on a command line."""

    features: Annotated[int | None, size("features", SMALL.features)] = None
    context: Annotated[int | None, size("context", SMALL.context)] = None
    layers: Annotated[int | None, size("layers", SMALL.layers)] = None
    gamma: Gamma = GAMMA
    lam: Lam = LAM
    trace: Trace = None
    parameter: Parameters = None
    looped: Looped = Settings.looped
    seed: Seed = Settings.seed
    dtype: Dtype = Settings.dtype
    max_work: MaxWork = MAX_WORK
    time_limit: TimeLimit = TIME_LIMIT

    def settings(self) -> Settings:
        """The settings that they ask for; `ArgumentError` when they do not fit each other."""
        return Settings(**self._values())

    def _default(self) -> Settings:
        """Whose sizes are taken where none are given."""
        return SMALL

    def _values(self) -> dict[str, Any]:
        if self.time_limit < 1:
            raise ArgumentError(f"time-limit is {self.time_limit}, wanted at least one second")
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        sizes = {name: getattr(self._default(), name) for name in LETTERS.values()}
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

    trials: Trials = Settings.trials
    exact_trials: ExactTrials = Settings.exact_trials
    process: Process = Settings.process
    device: Annotated[str, Parameter(name="--device", help="auto, cpu or cuda")] = Settings.device
    entrywise_features: EntrywiseFeatures = None
    entrywise_context: EntrywiseContext = None


@Parameter(name="*")
@dataclass(frozen=True)
class RunOptions(CheckOptions):
    """And on what prompts, and in what order floats are multiplied: a whole run."""

    context: Annotated[int | None, size("context", Settings.context)] = None
    layers: Annotated[int | None, size("layers", Settings.layers)] = None
    order: Annotated[str, Parameter(name="--order", help="how float layers multiply: keys-first or scores-first")] = (
        Settings.order
    )
    compile: Annotated[bool, flag("--compile", "run the float layers through torch.compile")] = False
    prompt: Annotated[
        Path | None, Parameter(name="--prompt", help="your own transitions, JSON or CSV; they set d and n")
    ] = None

    def _default(self) -> Settings:
        return Settings()

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
