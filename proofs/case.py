"""One algorithm at one set of sizes and settings: what the evidence is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from ..numeric.data.draws import preconditioners
from ..numeric.data.processes import process_named
from ..symbolic.algorithm import Algorithm
from ..symbolic.construction import Construction, Steps, construct
from ..symbolic.derivation.derive import Derivation, derive
from ..symbolic.derivation.form import Form
from ..symbolic.derivation.given_form import given_form
from ..symbolic.errors import ArgumentError, DiffersError, NotRepresentableError, RefusedError
from ..symbolic.exact import shortened, whole_number
from ..symbolic.given import given_construction, traced
from ..symbolic.kinds import FLAG
from ..symbolic.patterns.record import PatternAlgorithm
from ..symbolic.plain_text import shown
from ..symbolic.prompt import Context, check_unit_columns
from ..symbolic.sizes import LETTERS
from ..symbolic.strict_json import rational_text

MAX_WORK = 10**9
"""The default limit on the work of one algorithm, in the units of `work.py`: meant as two minutes of one core."""

Progress = Callable[[str], None]


def silent(_: str) -> None:
    """Report no progress."""


def counted(progress: Progress, number: int, total: int) -> Progress:
    """Progress on one of several subjects: `terminal.progress` says which. Of a single one as it is."""
    if total < 2 or progress is silent:
        return progress
    return lambda text: progress(f"{number} of {total}\0{text}")


@dataclass(frozen=True)
class Settings:
    """The sizes and settings of a check, the same for every algorithm in it.

    features, context, layers : d, n, L
    gamma, lam   exact, in [0, 1]
    trials       prompts that run in floats; `exact_trials` prompts run in exact arithmetic
    looped       one layer's weights for all layers, rather than a C_l of its own for each
    process      where trajectory prompts come from
    prompt       the user's own transitions; they then set features and context
    values       of parameters other than gamma and lam, by name
    time_limit   seconds that a user's own file may take
    order        how the float layers bracket their products: keys-first or scores-first
    compiled     run the float layers through torch.compile
    asked        which of features, context, layers and looped were asked for, so that no constraint of an algorithm
                 moves them; by default those that are not the default
    """

    features: int = 3
    context: int = 100
    layers: int = 40
    gamma: Fraction = Fraction(9, 10)
    lam: Fraction = Fraction(1, 2)
    trace: str | None = None
    seed: int = 0
    trials: int = 30
    exact_trials: int = 2
    device: str = "auto"
    dtype: str = "float64"
    looped: bool = False
    process: str = "boyan-chain"
    entrywise_features: int | None = None
    entrywise_context: int | None = None
    max_work: int = MAX_WORK
    prompt: Context | None = None
    values: Mapping[str, Fraction] = field(default_factory=dict, hash=False)  # settings stay hashable
    time_limit: float = 300.0
    order: str = "keys-first"
    compiled: bool = False
    asked: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for name in ("features", "context", "layers", "trials", "exact_trials", "max_work"):
            whole_number(name, getattr(self, name), 1)
        for name in ("entrywise_features", "entrywise_context"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), 1)
        whole_number("seed", self.seed, 0)
        FLAG.check(looped=self.looped, compiled=self.compiled)
        for name in ("gamma", "lam"):
            value = getattr(self, name)
            if not isinstance(value, (int, Fraction)) or isinstance(value, bool) or not 0 <= value <= 1:
                known = isinstance(value, (int, Fraction)) and not isinstance(value, bool)
                given = rational_text(Fraction(value)) if known else shown(value)
                given = given if len(given) <= 40 else shortened(given)
                raise ArgumentError(f"{name} is {given}, wanted an exact number from 0 to 1, such as 9/10")
        if self.order not in ("keys-first", "scores-first"):
            raise ArgumentError(f"order is {shown(self.order)}, wanted keys-first or scores-first")
        if self.asked is None:
            moved = (name for name in (*LETTERS.values(), "looped") if getattr(self, name) != getattr(Settings, name))
            object.__setattr__(self, "asked", frozenset(moved))
        process_named(self.process)
        if self.prompt is not None and not isinstance(self.prompt, Context):
            raise ArgumentError(f"prompt is {shown(self.prompt)}, wanted a Context: read_context(path) reads one")

    def document(self) -> dict[str, Any]:
        """The settings as plain data."""
        plain = {
            name: getattr(self, name)
            for name in ("features", "context", "layers", "seed", "trials", "exact_trials", "device", "dtype", "looped",
                         "process", "trace")
        }  # fmt: skip
        prompt = "drawn" if self.prompt is None else "given"
        values = {"values": {k: rational_text(v) for k, v in self.values.items()}} if self.values else {}
        if self.order != Settings.order or self.compiled:
            plain |= {"order": self.order, "compiled": self.compiled}
        return {**plain, "gamma": rational_text(self.gamma), "lam": rational_text(self.lam), "prompt": prompt, **values}


SMALL = Settings(context=20, layers=5)
"""The default where weights are made, and what runs on them is little: smaller sizes than those of a whole check."""


def check_parameters(given: Iterable[str], known: Iterable[str]) -> None:
    """Raise `ArgumentError` with the first parameter given that is none of those known."""
    names = set(known)
    unknown = next((name for name in sorted(given) if name not in names), None)
    if unknown is not None:
        raise ArgumentError(
            f"there is no parameter {shown(unknown)}, wanted "
            f"{', '.join(sorted(names - {'gamma', 'lam'})) or 'none'} beside gamma and lam"
        )


def parameter_values(algorithm: Algorithm | PatternAlgorithm, settings: Settings) -> dict[str, Fraction]:
    """The values of the algorithm's parameters: the settings', else the algorithm's defaults.

    Raises `ArgumentError` when one has neither.
    """
    return algorithm.values({"gamma": Fraction(settings.gamma), "lam": Fraction(settings.lam), **settings.values})


@dataclass(frozen=True, eq=False)
class Case:
    """One algorithm under `settings`; `construction` or `module` is the subject when it is not the derived weights."""

    algorithm: Algorithm
    settings: Settings
    construction: Construction | None = None
    module: Any = None
    progress: Progress = field(default=silent)

    def __post_init__(self) -> None:
        """Raise `SizesError` with the constraint where the sizes are none that the algorithm is stated for."""
        self.algorithm.check_sizes(self.settings.features, self.settings.context, self.settings.layers)
        self.algorithm.check_looped(self.settings.looped)
        if self.settings.prompt is not None:
            check_unit_columns(self.algorithm, self.settings.prompt, self.parameters)

    @property
    def options(self) -> Mapping[str, str]:
        """The algorithm's options: the trace where it has one."""
        return {"trace": self.settings.trace} if self.settings.trace and "trace" in self.algorithm.options else {}

    @property
    def parameters(self) -> dict[str, Fraction]:
        """The values of the algorithm's parameters."""
        return parameter_values(self.algorithm, self.settings)

    @property
    def entrywise_sizes(self) -> tuple[int, int]:
        """d and n of identity-entrywise: the ones asked for, or d from 2 to 3 and n up to 5."""
        s = self.settings
        return s.entrywise_features or max(2, min(3, s.features)), s.entrywise_context or min(5, s.context)

    @cached_property
    def derivation(self) -> Derivation:
        """The derivation, made once."""
        return derive(self.algorithm, self.options)

    @cached_property
    def form(self) -> Form:
        """The heads in symbols beside the update's closed form: derived, or given in blocks.

        Raises `RefusedError` and `NotRepresentableError` where given heads are of no such form, `DiffersError` where
        they are others than they are on symbols; else as `derive`.
        """
        if self.algorithm.heads is None:
            return self.derivation
        options = self.algorithm.choose(self.options)
        return given_form(self.algorithm, options, traced(self.algorithm, options))

    @cached_property
    def no_blocks(self) -> str:
        """Why given heads are known at one size only; empty where they are known as blocks, for every size."""
        try:
            _ = self.form
        except (RefusedError, NotRepresentableError) as error:
            return str(error)
        except DiffersError:
            pass  # that is found again, and told, by whatever asks for the form
        return ""

    @cached_property
    def steps(self) -> list[Steps]:
        """The preconditioners of each layer, or the one of a looped transformer."""
        if self.construction is not None:
            return self.algorithm.prescribed(self.construction.steps)
        s = self.settings
        return preconditioners(self.algorithm, s.features, 1 if s.looped else s.layers, s.seed)

    @cached_property
    def subject(self) -> Construction:
        """The construction that is judged: the one given, or the derived weights at these sizes."""
        if self.construction is not None:
            return self.construction
        s = self.settings
        if self.algorithm.heads is not None:
            options = self.algorithm.choose(self.options)
            return given_construction(
                self.algorithm, options, s.features, s.context, s.layers, self.steps, self.parameters, s.looped
            )
        return construct(self.derivation, s.features, s.context, s.layers, self.steps, self.parameters, looped=s.looped)

    @cached_property
    def reference(self) -> Construction:
        """The weights at the subject's sizes and preconditioners that floats are judged against: derived, or given."""
        if self.construction is None or self.algorithm.heads is not None:
            return self.subject
        layout, given = self.construction.layout, self.construction
        return construct(
            self.derivation, layout.d, layout.n, given.depth, list(given.steps), self.parameters, looped=given.looped
        )

    def per_layer(self) -> list[Steps]:
        """One entry of `steps` for every layer."""
        return self.steps * self.settings.layers if self.subject.looped else self.steps
