"""What is asked about a rule: on which process, with which parameters and steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...numeric.data.decisions import draw_decisions
from ...numeric.data.processes import PROCESSES
from ...symbolic.approximation.rule import OuterRule, Rule
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.markov.decision import DecisionProcess
from ...symbolic.markov.document import document
from ...symbolic.markov.named import NAMED
from ...symbolic.near import near as near_to
from ...symbolic.plain_text import shown
from ...symbolic.strict_json import rational_text
from ..case import MAX_WORK, Settings

DEFAULT = "boyan-chain"
GAMMA, LAM, ETA = Settings.gamma, Settings.lam, Fraction(1)


@dataclass(frozen=True)
class Question:
    """A process by name and seed, or one that is given; parameters; the power of the steps.

    process  : one of the drawn or named processes, or a `DecisionProcess`; None for the default
    states, d, actions, seed : sizes of a drawn process; None for what suits the rule
    gamma    : None for the process's own, else 9/10
    eta      : beta/alpha, of rules with two steps
    power    : the steps are alpha_k = 1/k^power; trials : so many seeds of a drawn process
    max_work : limit on the work of all of it, see `work`
    """

    process: str | DecisionProcess | None = None
    states: int | None = None
    d: int | None = None
    actions: int | None = None
    seed: int = 0
    gamma: Fraction | None = None
    lam: Fraction = LAM
    eta: Fraction = ETA
    power: Fraction = Fraction(1)
    trials: int = 1
    max_work: int = MAX_WORK

    def __post_init__(self) -> None:
        for name, most in (("states", 200), ("d", 200), ("actions", 50)):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), 1, most)
        whole_number("seed", self.seed, 0)
        whole_number("trials", self.trials, 1, 10_000)
        whole_number("max-work", self.max_work, 1)
        for name in ("gamma", "lam"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ArgumentError(f"{name} is {value}, wanted a number from 0 to 1")
        if not self.eta > 0:
            raise ArgumentError(f"eta is {self.eta}, wanted a positive ratio of two steps such as 1/2")
        if not self.power > 0:
            raise ArgumentError(f"power is {self.power}, wanted a positive exponent of 1/k such as 1 or 2/3")
        if not self.drawn:
            given = next((n for n in ("states", "d", "actions") if getattr(self, n) is not None), None)
            if given is not None:
                raise ArgumentError(f"{given} is {getattr(self, given)}, but the process has its own: leave it out")
            if self.trials > 1:
                raise ArgumentError(f"trials is {self.trials}, but only {', '.join(PROCESSES)} are drawn from seeds")
        if not (self.process is None or isinstance(self.process, (str, DecisionProcess))):
            raise ArgumentError(f"process is {shown(self.process)}, wanted a name or a DecisionProcess")
        if isinstance(self.process, str) and self.process not in PROCESSES and self.process not in NAMED:
            known = (*PROCESSES, *NAMED)
            near = near_to(self.process, known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"the processes are {', '.join(known)}"
            if self.process.endswith(".json"):
                hint = "a file is given with --mdp, or read with lp.read_process"
            raise ArgumentError(f"process is {self.process[:60]!r}, which is not known: {hint}")

    @property
    def drawn(self) -> bool:
        """Whether the process is drawn from the seed."""
        return self.process is None or (isinstance(self.process, str) and self.process in PROCESSES)

    def sizes_for(self, rule: Rule | OuterRule) -> tuple[int, int, int]:
        """States, features and actions of a drawn process."""
        two = isinstance(rule, Rule) and rule.policy in ("off", "behaviour")
        states = self.states or 5
        return states, self.d or min(3, states), self.actions or (2 if two else 1)

    def process_for(self, rule: Rule | OuterRule, trial: int = 0) -> DecisionProcess:
        """The process that a rule is asked about: with two policies where it is off-policy, if it is drawn."""
        if isinstance(self.process, DecisionProcess):
            return self.process
        name = self.process or DEFAULT
        if name in NAMED:
            return NAMED[name]()
        off = isinstance(rule, Rule) and rule.policy == "off"
        states, features, actions = self.sizes_for(rule)
        return draw_decisions(name, states, features, self.seed + trial, actions=actions, off_policy=off)

    def parameters_for(self, process: DecisionProcess) -> dict[str, Fraction]:
        """gamma, lam and eta."""
        own = GAMMA if process.gamma is None else process.gamma
        return {"gamma": own if self.gamma is None else self.gamma, "lam": self.lam, "eta": self.eta}

    def document(self) -> dict[str, Any]:
        """The settings as plain data."""
        given = self.process
        settings: Mapping[str, Any] = {
            "process": document(given) if isinstance(given, DecisionProcess) else given or DEFAULT,
            "states": self.states, "d": self.d, "actions": self.actions, "seed": self.seed, "trials": self.trials,
            "gamma": None if self.gamma is None else rational_text(self.gamma),
            "lam": rational_text(self.lam), "eta": rational_text(self.eta), "power": rational_text(self.power),
        }  # fmt: skip
        return dict(settings)
