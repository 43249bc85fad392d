"""Many prompts of one process: how many converge, how fast, and the worst one that was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from ...symbolic.algorithm import Algorithm
from ...symbolic.own import OwnConstruction
from ..case import Progress, silent
from .answer import Answer, decided, setup_of
from .question import Question

T = TypeVar("T", Fraction, int)
QUANTILES = {"least": 0, "lower quartile": 1, "median": 2, "upper quartile": 3, "most": 4}


@dataclass(frozen=True)
class Trial:
    """One prompt: its number, the answer from w_0, the spectral radius' upper bound, and the layers for epsilon."""

    number: int
    answer: str
    prediction: str
    radius: Fraction | None
    layers: int | None

    @property
    def badness(self) -> tuple[int, int, Fraction]:
        """How bad it is: diverging before converging, then by layers needed, then by spectral radius."""
        order = {"diverges": 2, "undecided": 1, "converges": 0}[self.answer]
        return order, self.layers if order == 0 and self.layers is not None else 0, self.radius or Fraction(0)


@dataclass(frozen=True)
class Family:
    """All trials, in order."""

    trials: tuple[Trial, ...]

    def count(self, answer: str) -> int:
        """How many prompts had this answer."""
        return sum(t.answer == answer for t in self.trials)

    @property
    def worst(self) -> Trial:
        """The worst prompt found, the first of several."""
        return max(self.trials, key=lambda t: (*t.badness, -t.number))

    @property
    def answer(self) -> str:
        """converges when all do, diverges when one does."""
        for word in ("diverges", "undecided"):
            if self.count(word):
                return word
        return "converges"

    @property
    def radii(self) -> dict[str, Fraction] | None:
        """The spread of the spectral radii, of all prompts."""
        return spread([t.radius for t in self.trials if t.radius is not None])

    @property
    def layers(self) -> dict[str, int] | None:
        """The spread of the layers for epsilon, of the prompts whose prediction converges with a certificate."""
        return spread([t.layers for t in self.trials if t.layers is not None])


def spread(members: Sequence[T]) -> dict[str, T] | None:
    """Least, quartiles and most: members of the list, the lower of two where it has no middle."""
    if not members:
        return None
    ordered = sorted(members)
    return {name: ordered[(len(ordered) - 1) * k // 4] for name, k in QUANTILES.items()}


def run_trials(subject: Algorithm | OwnConstruction, question: Question, progress: Progress = silent) -> Family:
    """Ask about each prompt in turn."""
    result = []
    for number in range(question.trials):
        progress(f"{subject.name}: prompt {number + 1} of {question.trials}")
        result.append(trial(number, decided(setup_of(subject, question, number), question.epsilon, compare=False)))
    return Family(tuple(result))


def trial(number: int, answer: Answer) -> Trial:
    """What is kept of one answer."""
    prediction = "undecided"
    if answer.fate is not None:
        prediction = "converges" if answer.fate.prediction.converges else "diverges"
    return Trial(number, answer.answer, prediction, answer.radius[1] if answer.radius else None, answer.layers)
