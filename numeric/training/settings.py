"""What a training run is made of: sizes, process, target, optimiser, and the traps of the published code by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from hashlib import sha256
from typing import Any

from ...symbolic.algorithms import find
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import parse_rational, whole_number
from ...symbolic.plain_text import shown
from ...symbolic.strict_json import dumps, rational_text

PROCESSES = ("boyan-chain", "loop", "cart-pole")
TARGETS = ("semi-gradient", "residual-gradient", "monte-carlo", "true-value")
"""What a prediction f(Z) is drawn towards: R' + gamma f(Z') held fixed (deep TD), the same with the gradient of both,
the discounted return of a rollout from the query's state, or that state's true value."""
WINDOWS = ("sliding", "shared")
"""sliding: every prompt is the window one step later (the paper's). shared: one context, and the query moves (the
talk's)."""
ACTIVATIONS = ("linear", "softmax", "relu", "tanh", "elu", "selu", "leaky-relu")
OPTIMISERS = ("adam", "sgd")
STARTS = ("xavier", "commutant")
"""The first weights: as published, or what of them commutes with all signed permutations of the features: there the
expected update of a symmetric law stays, and what leaves it is the sampling's."""
TRAPS = {
    "softmax-over-queries": "softmax normalises over the queries of each key, and 1/n follows",
    "late-target": "a true-value or Monte-Carlo target belongs to the state after the query's",
    "double-trace": "beside the mean of Q's other entries the one that counts the upper left trace twice",
}
"""What the published code does and no default of ours does."""
ARCHITECTURES = ("td0", "td-lambda", "residual-gradient", "average-reward-td", "gtd2")
ROLLOUT = 40
"""Steps of a Monte-Carlo rollout, as published."""


@dataclass(frozen=True)
class Training:
    """One training run. Everything here decides the result; where and how fast it runs stands elsewhere.

    algorithm   whose prompt, masks, heads and read-out the network has; its weights are what is looked for
    d, states, n, layers, looped, gamma, lam   as in the paper; `lam` and `trace` are td-lambda's
    processes   how many random processes are seen, each with `batches` mini-batches of `windows` prompts
    representable  rewards are made so that some weight vector gives every state its true value
    seeds       networks, numbered from 1; `width` of them are trained side by side
    log         a log point every so many processes; `final` fresh processes judge the trained networks
    start       the first weights, of gain `gain`
    shuffled    rewards in disorder along each trajectory: nothing is there to be learned (the null)
    """

    algorithm: str = "td0"
    d: int = 4
    states: int = 10
    n: int = 30
    layers: int = 3
    looped: bool = True
    gamma: Fraction = Fraction(9, 10)
    lam: Fraction = Fraction(1, 2)
    trace: str = "lam"
    activation: str = "linear"
    process: str = "boyan-chain"
    representable: bool = False
    target: str = "semi-gradient"
    window: str = "sliding"
    processes: int = 4000
    batches: int = 5
    windows: int = 64
    optimiser: str = "adam"
    rate: float = 1e-3
    decay: float = 1e-6
    gain: float = 0.1
    start: str = "xavier"
    seeds: int = 30
    width: int = 30
    log: int = 10
    final: int = 100
    shuffled: bool = False
    traps: tuple[str, ...] = ()
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name, least, most in (
            ("d", 1, 64), ("states", 3, 1000), ("n", 1, 10000), ("layers", 1, 100), ("processes", 0, 10**7),
            ("batches", 1, 10000), ("windows", 1, 10000), ("seeds", 1, 10000), ("width", 1, 1000), ("log", 1, 10**7),
            ("final", 1, 10**5),
        ):  # fmt: skip
            whole_number(name, getattr(self, name), least, most)
        for name, known in (
            ("algorithm", ARCHITECTURES), ("process", PROCESSES), ("target", TARGETS), ("window", WINDOWS),
            ("activation", ACTIVATIONS), ("optimiser", OPTIMISERS), ("dtype", ("float32", "float64")),
            ("start", STARTS),
            ("trace", ("lam", "gamma-lam")),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                raise ArgumentError(f"{name} is {shown(getattr(self, name))}, wanted {', '.join(known)}")
        for name in ("gamma", "lam"):
            value = getattr(self, name)
            if not isinstance(value, Fraction) or not 0 <= value <= 1:
                raise ArgumentError(f"{name} is {value}, wanted an exact number from 0 to 1")
        for name, limit in (("rate", 10.0), ("gain", 10.0), ("decay", 10.0)):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not (0 if name == "decay" else 1e-12) <= value <= limit:
                raise ArgumentError(f"{name} is {value}, wanted a positive number up to {limit}")
        for name in self.traps:
            if name not in TRAPS:
                raise ArgumentError(f"trap is {shown(name)}, wanted some of {', '.join(TRAPS)}")
        self._fit()

    def _fit(self) -> None:
        """Raises `ArgumentError` for settings that do not fit each other."""
        linear = self.activation == "linear"
        if "softmax-over-queries" in self.traps and self.activation != "softmax":
            raise ArgumentError(f"trap softmax-over-queries wants the activation softmax, which is {self.activation}")
        if "late-target" in self.traps and self.target not in ("monte-carlo", "true-value"):
            raise ArgumentError(f"trap late-target wants the target monte-carlo or true-value, which is {self.target}")
        if self.algorithm == "gtd2" and self.layers < 2:
            raise ArgumentError("layers is 1, wanted 2 or more for gtd2: its first iterate of w is still zero")
        if not linear and self.algorithm not in ("td0", "td-lambda", "residual-gradient"):
            raise ArgumentError(f"activation is {self.activation}, wanted linear for {self.algorithm}")
        if self.average_reward and self.target in ("monte-carlo", "true-value"):
            raise ArgumentError(f"target is {self.target}, wanted a bootstrapped one for {self.algorithm}")
        if not self.average_reward and self.gamma == 1 and (self.process != "cart-pole" or self.target != TARGETS[0]):
            raise ArgumentError("gamma is 1, wanted less: true values are of discounted rewards")
        if self.process == "cart-pole":
            bins = round(self.states**0.25)
            if bins**4 != self.states or bins < 2:
                raise ArgumentError(f"states is {self.states}, wanted 16, 81 or another fourth power for cart-pole")
            if self.representable or self.target == "true-value":
                raise ArgumentError("process cart-pole has no true values at hand: leave representable and "
                                    "target true-value out")  # fmt: skip

    @property
    def average_reward(self) -> bool:
        """Whether rewards are not discounted and the outer error has the mean reward in it."""
        return self.algorithm == "average-reward-td"

    @property
    def exact(self) -> bool:
        """Whether the network is inside the exact theory: linear attention."""
        return self.activation == "linear"

    @property
    def outer_discount(self) -> float:
        """The discount of the outer error."""
        return 1.0 if self.average_reward else float(self.gamma)

    def parameters(self) -> dict[str, Fraction]:
        """The algorithm's own parameters with their values."""
        known = {"gamma": self.gamma, "lam": self.lam}
        return {name: known[name] for name in find(self.algorithm).parameters}

    def document(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            name: rational_text(value) if isinstance(value, Fraction) else list(value) if name == "traps" else value
            for name, value in asdict(self).items()
        }

    @property
    def digest(self) -> str:
        """The SHA-256 of the settings, without how many seeds there are: a checkpoint belongs to one of these."""
        document = {k: v for k, v in self.document().items() if k != "seeds"}
        return sha256(dumps(document).encode()).hexdigest()


def from_document(document: dict[str, Any]) -> Training:
    """The settings in plain data; `ArgumentError` for a name that is none."""
    names = {f.name for f in fields(Training)}
    unknown = next((name for name in document if name not in names), None)
    if unknown is not None:
        raise ArgumentError(f"there is no setting {shown(unknown)}, wanted some of {', '.join(sorted(names))}")
    values = dict(document)
    for name in ("gamma", "lam"):
        if isinstance(values.get(name), str):
            values[name] = parse_rational(values[name], name)
    if "traps" in values:
        values["traps"] = tuple(values["traps"])
    return Training(**values)
