"""What is asked about convergence: the prompt, the layers' steps, where they start, and how near is near enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm
from typing import Any

from ...numeric.data.draws import STATES
from ...numeric.data.processes import MarkovRewardProcess, process_named
from ...numeric.data.prompts import trajectory_context, with_extras
from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Steps
from ...symbolic.errors import ArgumentError, WorkLimitError
from ...symbolic.exact import whole_number
from ...symbolic.plain_text import amount
from ...symbolic.prompt import Context, check_unit_columns
from ...symbolic.strict_json import rational_text
from ...symbolic.tables import Rule, entry, tail
from ..case import MAX_WORK, Settings

CONVERGES = "converges"
"""What can be asserted."""
DEFAULT_PROCESS = "boyan-chain"
MOST_WEIGHTS, MOST_FEATURES, MOST_TRANSITIONS, MOST_LAYERS, MOST_TRIALS = 60, 1000, 10_000, 2000, 10_000
"""The largest sizes that are looked at."""
MOST_PERIOD = 1000
"""The most layers of one period of the tables."""
EPSILON = Fraction(1, 10**6)


@dataclass(frozen=True)
class Question:
    """What is asked.

    features, context, layers : d, n, and the L of the picture and of the distance from the true values
    gamma, lam, trace, values : the algorithm's parameters
    seed, process, tabular    : where the prompt comes from; tabular: one-hot features, one for each of d states
    prompt  : the user's own transitions; then no process is known
    alpha   : C = alpha I for every step that is not in `fixed`; 1 where neither it nor `steps` is given
    fixed   : {preconditioner: a number}, which stay while alpha is varied
    steps   : preconditioners from a file, one entry a layer, repeated when there is one, or when `periodic`
    start   : {weight: its entries}; zero for what is left out
    epsilon : how near the prediction has to be
    trials  : how many prompts of the process; 1 answers about one prompt
    expect  : "converges" to assert it
    read    : the row of a construction of one's own that holds the prediction
    prove   : have the prover check the certificate, and the theorems that it uses
    outer   : also ask whether training's semi-gradient can be a gradient
    max_work : limit on the work, as `..work` estimates it
    time_limit : seconds that a user's own file may take
    """

    features: int = Settings.features
    context: int = Settings.context
    layers: int = Settings.layers
    gamma: Fraction = Settings.gamma
    lam: Fraction = Settings.lam
    trace: str | None = None
    values: Mapping[str, Fraction] = field(default_factory=dict)
    seed: int = 0
    process: str | None = None
    tabular: bool = False
    prompt: Context | None = None
    alpha: Fraction | None = None
    fixed: Mapping[str, Fraction] = field(default_factory=dict)
    steps: tuple[Steps, ...] | None = None
    periodic: bool = False
    start: Mapping[str, Sequence[Fraction]] = field(default_factory=dict)
    epsilon: Fraction = EPSILON
    trials: int = 1
    expect: str | None = None
    read: str | None = None
    prove: bool = False
    outer: bool = False
    max_work: int = MAX_WORK
    time_limit: float = 300

    def __post_init__(self) -> None:
        whole_number("features", self.features, 1)
        whole_number("context", self.context, 1)
        whole_number("layers", self.layers, 1)
        whole_number("seed", self.seed, 0)
        whole_number("trials", self.trials, 1, MOST_TRIALS)
        whole_number("max-work", self.max_work, 1)
        for name in ("gamma", "lam"):
            value = getattr(self, name)
            if not isinstance(value, Fraction) or not 0 <= value <= 1:
                raise ArgumentError(f"{name} is {value}, wanted an exact number from 0 to 1, such as 9/10")
        for name in ("alpha", "epsilon"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, Fraction) and value > 0):
                raise ArgumentError(f"{name} is {value}, wanted a positive exact number, such as 1/10")
        if self.expect not in (None, CONVERGES):
            raise ArgumentError(f"assert is {str(self.expect)[:40]!r}, wanted {CONVERGES}")
        if self.prompt is not None and not isinstance(self.prompt, Context):
            raise ArgumentError(f"prompt is {str(self.prompt)[:40]!r}, wanted a Context: read_context(path) reads one")
        if self.prompt is not None and (self.process is not None or self.tabular):
            given = "tabular" if self.process is None else f"process is {self.process!r}"
            raise ArgumentError(f"{given}, but a prompt is given: a prompt has its own transitions, so leave one out")
        if self.prompt is not None and self.trials > 1:
            raise ArgumentError(f"trials is {self.trials}, but a prompt is given: several are drawn from a process")
        if self.outer and self.prompt is not None:
            raise ArgumentError("outer is asked for, but a prompt is given: training sees trajectories of a process")
        if self.process is not None:
            process_named(self.process)
        if self.alpha is not None and self.steps is not None:
            raise ArgumentError("alpha and C are both given: C = alpha I, or a file of preconditioners")
        if self.steps is not None and self.fixed:
            raise ArgumentError("step and C are both given: the file of preconditioners has every step")
        if self.periodic and (self.steps is None or len(self.steps) < 2):
            raise ArgumentError("periodic is for a file of preconditioners (--C) with two or more entries")
        n = self.context if self.prompt is None else self.prompt.n
        for name, size, most in (
            ("features", self.d, MOST_FEATURES), ("context", n, MOST_TRANSITIONS), ("layers", self.layers, MOST_LAYERS)
        ):  # fmt: skip
            if size > most:
                raise WorkLimitError(f"{name} is {amount(size)}, above the limit of {most}: ask for less")

    @property
    def d(self) -> int:
        """The feature dimension of the prompt."""
        return self.features if self.prompt is None else self.prompt.d

    def drawn(self, number: int = 0) -> MarkovRewardProcess | None:
        """The process of the prompt with this number; None where a prompt is given."""
        if self.prompt is not None:
            return None
        make = process_named(self.process or DEFAULT_PROCESS)
        states, features = (self.features, "one-hot") if self.tabular else (STATES, "uniform")
        process: MarkovRewardProcess = make(states, self.features, self.seed + number, features=features)
        return process

    def pairs(self) -> int:
        """The pairs of states of the process; 0 where a prompt is given."""
        return 0 if self.prompt is not None else (self.features if self.tabular else STATES) ** 2

    def context_of(self, extras: Sequence[tuple[str, bool]], number: int = 0) -> Context:
        """The prompt with this number: the given one, or one trajectory of the process."""
        if self.prompt is not None:
            return self.prompt
        process = self.drawn(number)
        assert process is not None
        return with_extras(trajectory_context(process, self.context, self.seed + number), extras, self.seed + number)

    def tables(self, algorithm: Algorithm) -> dict[str, Rule]:
        """The tables that prescribe steps: none where a file or a fixed step takes their place."""
        return {k: v for k, v in algorithm.tables.items() if self.steps is None and k not in self.fixed}

    def changing(self, algorithm: Algorithm) -> dict[str, str]:
        """Those whose numbers do not repeat: formulas in l that are no constants."""
        formulas = {k: v for k, v in self.tables(algorithm).items() if isinstance(v, str)}
        return {k: v for k, v in formulas.items() if (t := tail(v, k)).limit is None or t.decay is not None}

    def prescribed(self, algorithm: Algorithm, layer: int) -> dict[str, Fraction]:
        """What the tables say of a layer; of numbers that do not repeat, what these tend to (0 where to nothing)."""
        changing = self.changing(algorithm)
        return {
            k: tail(changing[k], k).limit or Fraction(0) if k in changing else entry(v, layer, k)
            for k, v in self.tables(algorithm).items()
        }

    def step_of(self, algorithm: Algorithm, alpha: Any, layer: int = 1) -> Steps:
        """A layer's preconditioners at a step alpha, a number or a symbol: alpha I, or alpha times the file's.

        layer : of the period, from 1 on, for what tables prescribe
        """
        d = self.d
        if self.steps is not None:
            (given,) = self.steps
            return tuple(
                x * alpha if not isinstance(x, list) else [[y * alpha for y in row] for row in x] for x in given
            )
        result: list[Any] = []
        prescribed = self.prescribed(algorithm, layer)
        for name in algorithm.preconditioners:
            x = prescribed.get(name, self.fixed.get(name, alpha))
            scalar = name in algorithm.scalar_preconditioners
            result.append(x if scalar else [[x if i == j else Fraction(0) for j in range(d)] for i in range(d)])
        return tuple(result)

    def period(self, algorithm: Algorithm) -> tuple[Steps, ...]:
        """The preconditioners that are repeated without end."""
        if self.steps is None:
            alpha = Fraction(1) if self.alpha is None else self.alpha
            return tuple(self.step_of(algorithm, alpha, layer + 1) for layer in range(self.repeats_after(algorithm)))
        return self.steps

    def repeats_after(self, algorithm: Algorithm) -> int:
        """The layers of one period of the tables."""
        return lcm(*(len(rule) for rule in self.tables(algorithm).values() if not isinstance(rule, str)))

    def endless(self) -> bool:
        """Whether the layers' steps go on: a finite sequence of several different ones has no limit."""
        return self.steps is None or self.periodic or all(s == self.steps[0] for s in self.steps)

    def check(self, algorithm: Algorithm) -> Question:
        """The question with what only the algorithm can tell checked; equal steps of a file are one.

        Raises `ArgumentError` for names that the algorithm does not have, `WorkLimitError` for too many weights.
        """
        for what, names, known in (
            ("step", self.fixed, algorithm.preconditioners),
            ("start", self.start, algorithm.weights),
            ("parameter", self.values, tuple(p for p in algorithm.parameters if p not in ("gamma", "lam"))),
        ):
            unknown = next((name for name in names if name not in known), None)
            if unknown is not None:
                wanted = ", ".join(known) or "none"
                raise ArgumentError(f"{what} is given for {unknown[:40]!r}, but {algorithm.name} has {wanted}")
        if algorithm.enumerates and self.prompt is None:
            raise ArgumentError(
                f"no prompt is given, but that of {algorithm.name} holds each state once, with its expected successor: "
                "give it, --prompt FILE"
            )
        n = self.context if self.prompt is None else self.prompt.n
        algorithm.check_sizes(self.d, n, self.layers)
        if self.prompt is not None and algorithm.unit_columns:
            values = algorithm.values({"gamma": self.gamma, "lam": self.lam, **self.values})
            check_unit_columns(algorithm, self.prompt, values)
        if algorithm.selections:
            raise ArgumentError(
                f"layers of {algorithm.name} read other tokens each, of which there are n, so that they have no limit: "
                "ask of td0 or td-lambda, whose layers read all of them"
            )
        if (period := self.repeats_after(algorithm)) > MOST_PERIOD:
            raise WorkLimitError(
                f"the tables of {algorithm.name} repeat together after {period} layers; the limit is {MOST_PERIOD}: "
                "--step fixes one of them"
            )
        if self.read is not None:
            raise ArgumentError(
                f"read is {self.read[:40]!r}, but the prediction of {algorithm.name} is known: leave it out"
            )
        if self.trace is not None and "trace" not in algorithm.options:
            raise ArgumentError(f"trace is {self.trace!r}, but {algorithm.name} keeps no trace: leave it out")
        for name, entries in self.start.items():
            width = 1 if name in algorithm.scalar_weights else self.d
            if len(entries) != width:
                raise ArgumentError(f"start of {name} has {len(entries)} entries, wanted {width}")
        size = sum(1 if w in algorithm.scalar_weights else self.d for w in algorithm.weights)
        if size > MOST_WEIGHTS:
            raise WorkLimitError(f"{algorithm.name} at d = {self.d} has {size} weights; the limit is {MOST_WEIGHTS}")
        if self.prompt is not None:
            carried = dict(self.prompt.extras)
            missing = next((name for name, _ in algorithm.extras if name not in carried), None)
            if missing is not None:
                raise ArgumentError(f"the prompt has no {missing}, wanted one for every transition of {algorithm.name}")
        if self.steps is not None and all(s == self.steps[0] for s in self.steps):
            return replace(self, steps=self.steps[:1], periodic=False)
        return self

    def starting(self, algorithm: Algorithm) -> list[Any]:
        """The starting weights as lists of numbers, a number for a scalar weight."""
        result: list[Any] = []
        for name in algorithm.weights:
            if name in algorithm.scalar_weights:
                result.append(self.start.get(name, (Fraction(0),))[0])
            else:
                result.append(list(self.start.get(name, (Fraction(0),) * self.d)))
        return result

    def document(self) -> dict[str, Any]:
        """The question as plain data."""
        given = self.prompt is not None
        return {
            "features": self.d, "context": self.context if self.prompt is None else self.prompt.n,
            "layers": self.layers, "gamma": rational_text(self.gamma), "lam": rational_text(self.lam),
            "trace": self.trace, "values": {k: rational_text(v) for k, v in self.values.items()}, "seed": self.seed,
            "process": None if given else self.process or DEFAULT_PROCESS, "prompt": "given" if given else "drawn",
            "tabular": self.tabular,
            "alpha": rational_text(self.alpha or Fraction(1)) if self.steps is None else None,
            "fixed": {k: rational_text(v) for k, v in self.fixed.items()},
            "preconditioners": "alpha I" if self.steps is None else "given", "periodic": self.periodic,
            "start": {k: [rational_text(x) for x in v] for k, v in self.start.items()},
            "epsilon": rational_text(self.epsilon), "trials": self.trials, "assert": self.expect,
            "outer": self.outer,
        }  # fmt: skip
