"""What is asked of a network: how its weights are to be read, and on which prompts its function is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ...numeric.data.processes import process_named
from ...numeric.recognition.read_network import Reading
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.prompt import Context
from ...symbolic.strict_json import rational_text

GAUSSIAN = "gaussian"
PROCESS = "boyan-chain"
TRIALS = 59
"""Independent prompts: the largest of so many is at least the 95 % quantile with a confidence of 95 %."""
GAMMA = Fraction(9, 10)


@dataclass(frozen=True)
class Question:
    """What is asked.

    gamma    the law's discount; None takes what the weights' file says, else 9/10
    prompts  the user's own, in place of a process
    function whether the function is asked about, beside the weights
    """

    reading: Reading = field(default_factory=Reading)
    gamma: Fraction | None = None
    process: str | None = None
    prompts: tuple[Context, ...] | None = None
    trials: int = TRIALS
    seed: int = 0
    function: bool = True

    def __post_init__(self) -> None:
        whole_number("trials", self.trials, 1, 10**4)
        whole_number("seed", self.seed, 0)
        for name, value in (("features", self.reading.features), ("context", self.reading.context),
                            ("layers", self.reading.layers)):  # fmt: skip
            if value is not None:
                whole_number(name, value, 1)
        if self.gamma is not None and not 0 <= self.gamma <= 1:
            raise ArgumentError(f"gamma is {self.gamma}, wanted a number from 0 to 1")
        if self.process is not None and self.process != GAUSSIAN:
            process_named(self.process)
        if self.process is not None and self.prompts is not None:
            raise ArgumentError("process and prompts are both given: prompts come from one of them")
        if self.prompts is not None and not self.prompts:
            raise ArgumentError("prompts is empty, wanted at least one")

    def document(self) -> dict[str, Any]:
        """The question as plain data."""
        how = self.reading
        law = "given prompts" if self.prompts is not None else self.process or PROCESS
        return {
            "layout": how.layout, "features": how.features, "context": how.context, "layers": how.layers,
            "transposed": list(how.transposed), "gamma": None if self.gamma is None else rational_text(self.gamma),
            "law": law if self.function else None, "trials": self.trials if self.prompts is None else len(self.prompts),
            "seed": self.seed,
        }  # fmt: skip
