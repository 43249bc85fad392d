"""The result of asking about convergence: claims, and the keys answer, limit, rate, layers and certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...numeric.convergence.truth import Split
from ...symbolic.convergence.decide import Decision
from ...symbolic.convergence.rationals import fraction, fractions
from ...symbolic.convergence.steps import Boundary, StepSizes
from ...symbolic.exact import nearest
from ...symbolic.strict_json import rational_text
from ..verdict import Claim, Result, Verdict
from .answer import Answer
from .certificate import STRENGTH, limit_json, rate_json, word
from .outer import OuterField
from .question import Question
from .trials import Family

EXACT = "convergence-exact"


@dataclass(frozen=True, repr=False)
class Convergence(Result):
    """A `Result` with what was found about one prompt, or about the worst of a family.

    decided  : the answer about one prompt;  family : the trials, where there were several
    document_of_certificate : the certificate, as data
    training : what was found about training's outer update, where that was asked
    """

    decided: Answer | None = None
    family: Family | None = None
    document_of_certificate: Mapping[str, Any] | None = None
    training: OuterField | None = None

    @property
    def answer(self) -> str:
        """converges, diverges or undecided; of a family converges when all do."""
        if self.family is not None:
            return self.family.answer
        return "undecided" if self.decided is None else self.decided.answer

    @property
    def limit(self) -> dict[str, Any] | None:
        """The limit of the weights and of the prediction, what it is, and from which starts it is reached."""
        if self.decided is None or self.decided.fate is None:
            return None
        limit = limit_json(self.decided)
        if limit is None:
            return None
        return {**limit, "names": list(self.decided.names), "reached_from": reached_from(self.decided)}

    @property
    def rate(self) -> dict[str, Any] | None:
        """r and c, so that the prediction at layer l is within c r^l of its limit, with brackets of spectral radii."""
        answer = self.decided
        if answer is None or answer.rate is None or answer.run is None or answer.radius is None:
            return None
        known = {k: v for k, v in (rate_json(answer.rate) or {}).items() if k != "matrix"}
        own = known.pop("spectral_radius")
        return {
            **known, "spectral_radius": [rational_text(x) for x in answer.radius], "prediction_radius": own,
            "period": answer.run.iteration.period, "doubling": answer.run.doubling,
        }  # fmt: skip

    @property
    def layers(self) -> int | None:
        """The layers from which on the prediction is certified to be within epsilon of its limit."""
        return None if self.decided is None else self.decided.layers

    @property
    def certificate(self) -> Mapping[str, Any] | None:
        """What `layerproof check` checks without trusting it; None where nothing was decided."""
        return self.document_of_certificate

    @property
    def steps(self) -> dict[str, Any] | None:
        """The steps alpha for which it converges; None where the steps were not varied."""
        return None if self.decided is None or self.decided.steps is None else steps_json(self.decided.steps)

    def document(self) -> dict[str, Any]:
        """The result as plain data."""
        base = super().document()
        result = {
            **base, "answer": self.answer, "limit": self.limit, "rate": self.rate, "layers": self.layers,
            "certificate": None if self.certificate is None else dict(self.certificate),
        }  # fmt: skip
        if self.decided is not None:
            result |= details(self.decided)
        if self.family is not None:
            result["trials"] = family_json(self.family)
        if self.training is not None:
            result["outer_gradient"] = self.training.document()
        return result


def reached_from(answer: Answer) -> str:
    """From where the limit is reached, so that nobody takes the limit of a subspace for that of all starts."""
    fate = answer.fate
    if fate is None or fate.limit is None:
        return "the prediction only: the weights diverge"
    if not answer.setup.period:
        return "this prompt"
    if fate.every is None:
        return "w_0; of other starts nothing is decided"
    if not fate.every.converges:
        return "w_0, and not every start"
    return "every start" if fate.every.polynomial(1) else "every start, each to a limit of its own"


def claims(answer: Answer, question: Question) -> list[Claim]:
    """The answers as claims; only the first is counted."""
    name = answer.setup.subject.name

    def claim(text: str, decision: Decision, asked: bool = False) -> Claim:
        verdict = Verdict.HOLDS if decision.converges else Verdict.REFUTED
        balls = {True: "agree", None: "cannot tell", False: "agree"}[decision.balls]
        return Claim(name, text, EXACT, verdict, STRENGTH, decision.why, asked=asked, details={"balls": balls})

    text = "the layers' iterates converge from w_0 on this prompt"
    if answer.fate is None:
        return [Claim(name, text, EXACT, Verdict.UNDECIDED, STRENGTH, answer.reason)]
    result = [claim(text, answer.fate.start, asked=True)]
    if answer.fate.every is not None and answer.setup.period:
        result.append(claim("they converge from every start", answer.fate.every))
    result.append(claim("the prediction converges from w_0", answer.fate.prediction))
    if answer.fate.differences is not None:
        result.append(claim("value differences between the prompt's states converge", answer.fate.differences))
    if answer.field is not None:
        verdict = Verdict.HOLDS if answer.field.gradient else Verdict.REFUTED
        text = "the field is a gradient in some constant positive definite metric"
        result.append(Claim(name, text, EXACT, verdict, STRENGTH, answer.field.why, asked=False))
    return result


def details(answer: Answer) -> dict[str, Any]:
    """The decisions, the steps, the field, the parts of the error and the iterates, as plain data."""
    fate = answer.fate
    if fate is None:
        return {"decisions": {}, "reason": answer.reason}
    decisions = {"start": fate.start, "prediction": fate.prediction}
    if fate.every is not None and answer.setup.period:
        decisions["every_start"] = fate.every
        if fate.prediction_every is not None:
            decisions["prediction_every_start"] = fate.prediction_every
    if fate.differences is not None:
        decisions["value_differences"] = fate.differences
    result: dict[str, Any] = {
        "decisions": {k: {"answer": word(d.converges), "why": d.why} for k, d in decisions.items()},
        "values": [nearest(x) for x in answer.values],
        "envelope": [nearest(b) for b in map(answer.bound, range(len(answer.values))) if b is not None],
        "drift": None
        if fate.drift is None
        else {k: [rational_text(x) for x in v] for k, v in fate.iteration.named(fate.drift).items()},
    }
    if answer.run is not None and answer.run.note:
        result["note"] = answer.run.note
    if answer.steps is not None:
        result["steps"] = steps_json(answer.steps)
    if answer.field is not None:
        result["gradient"] = field_json(answer)
    if answer.split is not None:
        result["distance_from_true_values"] = split_json(answer.split)
    return result


def steps_json(steps: StepSizes) -> dict[str, Any]:
    """Intervals of alpha: each end a bracket of two rationals, equal where it is known exactly; null for no end."""

    def end(x: Boundary | None) -> list[str] | None:
        return None if x is None else [rational_text(x.lower), rational_text(x.upper)]

    def intervals(x: tuple[tuple[Boundary, Boundary | None], ...] | None) -> Any:
        return None if x is None else [{"from": end(low), "to": end(high)} for low, high in x]

    return {"form": steps.form, "start": intervals(steps.start), "every_start": intervals(steps.every),
            "note": steps.why}  # fmt: skip


def field_json(answer: Answer) -> dict[str, Any]:
    """Whether the field is a gradient, with metric and loss, or the eigenvalues that are not real."""
    shape = answer.field
    assert shape is not None

    def rows(m: Any) -> Any:
        return None if m is None else [[rational_text(x) for x in line] for line in fractions(m)]

    return {
        "answer": "gradient" if shape.gradient else "not a gradient", "why": shape.why, "loss": answer.loss or None,
        "metric": rows(shape.metric), "hessian": rows(shape.hessian),
        "slope": None if shape.slope is None else [rational_text(fraction(x)) for x in shape.slope.entries()],
        "roots": [[z.real, z.imag] for z in shape.roots],
    }  # fmt: skip


def split_json(split: Split) -> dict[str, Any]:
    """The parts of the error at the query, and their mean squares under the stationary distribution."""
    parts = {"layers": split.layers, "context": split.context, "features": split.features, "bias": split.bias}

    def at_query(x: tuple[Fraction, ...]) -> str | None:
        return None if split.state is None else rational_text(x[split.state])

    return {
        "true_values": split.kind,
        "mean_square": {k: rational_text(split.square(x)) for k, x in parts.items()},
        "at_query": {k: at_query(x) for k, x in parts.items()},
    }


def family_json(family: Family) -> dict[str, Any]:
    """Counts, spreads and the worst prompt's number."""
    total = len(family.trials)
    radii = family.radii
    return {
        "count": total,
        "answers": {w: family.count(w) for w in ("converges", "diverges", "undecided")},
        "fraction_that_converges": rational_text(Fraction(family.count("converges"), total)),
        "spectral_radius": None if radii is None else {k: rational_text(x) for k, x in radii.items()},
        "layers": family.layers,
        "worst": {"number": family.worst.number, "answer": family.worst.answer},
    }
