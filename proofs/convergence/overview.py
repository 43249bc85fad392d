"""The table over algorithms and processes: answer, limit, rate and layers, each decided on one trajectory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...numeric.data.processes import PROCESSES
from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.convergence.rationals import fraction
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import bound_text, decimal_text
from ...symbolic.sizes import nearest
from ...symbolic.strict_json import rational_text
from ..case import Progress, silent
from ..verdict import Claim, Result
from .answer import Answer, decided, limit_names, setup_of
from .certificate import limit_json
from .question import Question
from .result import claims
from .work import check_work

LEFT_OUT = (
    "left out, as no process gives what their prompts hold, or their layers read tokens each of its own (name one):"
)
HEADINGS = ("algorithm", "process", "answer", "limit", "v*(q)", "rate", "layers")


@dataclass(frozen=True)
class Row:
    """One cell of the table: an algorithm on one trajectory of a process."""

    algorithm: str
    process: str
    decided: Answer
    names: tuple[str, ...]

    @property
    def limit(self) -> str:
        """What the weights tend to, by its first name; or what they do instead."""
        fate = self.decided.fate
        if fate is None:
            return "not decided"
        if fate.limit is None:
            return "none" if fate.drift is None else "none: it drifts"
        return self.names[0].split(":")[0] if self.names else "a fixed point"

    def cells(self) -> tuple[str, ...]:
        """The row in words."""
        fate, rate = self.decided.fate, self.decided.rate
        return (
            self.algorithm, self.process, self.decided.answer, self.limit,
            "-" if fate is None or fate.value is None else decimal_text(fraction(fate.value), 6),
            "-" if rate is None else bound_text(rate.envelope.r, 6, up=True),
            "-" if self.decided.layers is None else str(self.decided.layers),
        )  # fmt: skip

    def document(self) -> dict[str, Any]:
        """The row as plain data."""
        rate = self.decided.rate
        return {
            "algorithm": self.algorithm, "process": self.process, "answer": self.decided.answer,
            "limit": limit_json(self.decided), "names": list(self.names),
            "rate": None if rate is None else rational_text(rate.envelope.r), "layers": self.decided.layers,
        }  # fmt: skip


@dataclass(frozen=True, repr=False)
class Overview(Result):
    """The rows, with a claim for each, and the algorithms whose transitions carry what no process gives."""

    rows: tuple[Row, ...] = ()
    left_out: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The result as plain data."""
        return {**super().document(), "table": [row.document() for row in self.rows], "left_out": list(self.left_out)}


def overview(question: Question, progress: Progress = silent) -> Overview:
    """Decide about every algorithm of the catalogue on one trajectory of every process, or of the one asked for.

    Left out are algorithms whose transitions carry more than a process gives: with ratios drawn at random the answer
    would be about no policy.

    Raises `ArgumentError` for what only one algorithm can be asked, `WorkLimitError` for too much.
    """
    given = {
        "prompt": question.prompt, "trace": question.trace, "parameter": question.values, "step": question.fixed,
        "start": question.start, "C": question.steps, "read": question.read, "trials": question.trials > 1,
        "assert": question.expect, "prove": question.prove, "outer": question.outer,
    }  # fmt: skip
    wrong = next((name for name, value in given.items() if value), None)
    if wrong is not None:
        raise ArgumentError(f"{wrong} is given, but no algorithm: name one of {', '.join(catalogue())}")
    rows: list[Row] = []
    stated: list[Claim] = []
    left_out = tuple(n for n, a in catalogue().items() if a.extras or a.selections or a.enumerates)
    processes = [question.process] if question.process else list(PROCESSES)
    asked = [
        (algorithm, replace(question, process=process, layers=_stated(algorithm, question)).check(algorithm))
        for name, algorithm in catalogue().items() if name not in left_out for process in processes
    ]  # fmt: skip
    setups = [setup_of(algorithm, one) for algorithm, one in asked]
    check_work(setups, question.layers, 1, question.max_work)
    for (algorithm, one), setup in zip(asked, setups, strict=True):
        progress(f"{algorithm.name} on {one.process}")
        answer = decided(setup, one.epsilon, compare=False)
        rows.append(Row(algorithm.name, str(one.process), answer, limit_names(answer)))
        (first, *_) = claims(answer, one)
        stated.append(replace(first, claim=f"{first.claim}, of {one.process}"))
    return Overview("converge", question.document(), tuple(stated), True, rows=tuple(rows), left_out=left_out)


def _stated(algorithm: Algorithm, question: Question) -> int:
    """The number of layers nearest to what was asked that the algorithm is stated for."""
    sizes = {"d": question.d, "n": question.context, "L": question.layers}
    return nearest(algorithm.name, algorithm.size_constraints, sizes, ("d", "n"))["L"]


def table(overview: Overview) -> list[str]:
    """The table as lines of text, and below it what is left out."""
    cells = [HEADINGS, *(row.cells() for row in overview.rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(HEADINGS))]
    lines = ["  ".join(x.ljust(w) for x, w in zip(line, widths, strict=True)).rstrip() for line in cells]
    if overview.left_out:
        lines += ["", LEFT_OUT]
        lines += [f"  {name}" for name in overview.left_out]
    return lines
