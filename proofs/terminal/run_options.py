"""The options that `verify` and `report` share: what is checked, at which sizes and settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

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
    Layers,
    Looped,
    MaxWork,
    Process,
    Seed,
    Trace,
    Trials,
    integer,
    parameter_values,
    rational,
)


@Parameter(name="*")
@dataclass(frozen=True)
class RunOptions:
    """Sizes and settings as they stand on a command line."""

    features: Annotated[int | None, integer(["--features", "-d"], "feature dimension d; default: 3")] = None
    context: Annotated[int | None, integer(["--context", "-n"], "context length n; default: 100")] = None
    layers: Layers = 40
    gamma: Gamma = "9/10"
    lam: Lam = "1/2"
    trace: Trace = None
    seed: Seed = 0
    trials: Trials = 30
    exact_trials: ExactTrials = 2
    device: Annotated[str, Parameter(name="--device", help="auto, cpu or cuda")] = "auto"
    dtype: Dtype = "float64"
    order: Annotated[str, Parameter(name="--order", help="how float layers multiply: keys-first or scores-first")] = (
        "keys-first"
    )
    compile: Annotated[
        bool, Parameter(name="--compile", negative=(), help="run the float layers through torch.compile")
    ] = False
    looped: Looped = False
    process: Process = "boyan-chain"
    prompt: Annotated[
        Path | None, Parameter(name="--prompt", help="your own transitions, JSON or CSV; they set d and n")
    ] = None
    entrywise_features: EntrywiseFeatures = None
    entrywise_context: EntrywiseContext = None
    max_work: MaxWork = MAX_WORK
    parameter: Annotated[
        list[str] | None,
        Parameter(
            name="--parameter", help="NAME=VALUE of a parameter other than gamma and lam (repeat for more)", negative=()
        ),
    ] = None
    time_limit: Annotated[int, integer("--time-limit", "seconds that files of your own may take")] = 300

    def settings(self) -> Settings:
        """The settings that they ask for; `ArgumentError` when they do not fit each other."""
        if self.time_limit < 1:
            raise ArgumentError(f"time-limit is {self.time_limit}, wanted at least one second")
        given = read_context(self.prompt) if self.prompt is not None else None
        sizes = (("features", self.features, given and given.d), ("context", self.context, given and given.n))
        for name, asked, own in sizes:
            if given is not None and asked is not None and asked != own:
                raise ArgumentError(f"{name} is {asked}, but the prompt file has {own}: leave it out")
        return Settings(
            features=3 if self.features is None else self.features,
            context=100 if self.context is None else self.context,
            layers=self.layers,
            gamma=rational(self.gamma, "gamma"),
            lam=rational(self.lam, "lam"),
            trace=self.trace,
            seed=self.seed,
            trials=self.trials,
            exact_trials=self.exact_trials,
            device=self.device,
            dtype=self.dtype,
            looped=self.looped,
            process=self.process,
            entrywise_features=self.entrywise_features,
            entrywise_context=self.entrywise_context,
            max_work=self.max_work,
            prompt=given,
            values=parameter_values(self.parameter or []),
            time_limit=self.time_limit,
            order=self.order,
            compiled=self.compile,
        )
