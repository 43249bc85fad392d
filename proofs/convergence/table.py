"""The answer in words, as it is printed on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt

from rich.text import Text

from ...symbolic.algorithm import Algorithm
from ...symbolic.convergence.decide import Decision
from ...symbolic.convergence.rationals import fraction
from ...symbolic.convergence.steps import Boundary, StepSizes
from ...symbolic.exact import bound_text, decimal_text
from ...symbolic.strict_json import rational_text
from ...symbolic.tables import text
from ..terminal.table import STYLES as PROOF_STYLES
from ..terminal.table import console, hanging
from ..verdict import Claim
from .answer import Answer
from .certificate import word
from .proved import PROVED
from .question import Question
from .result import Convergence, reached_from
from .trials import Family

STYLES = {"converges": "green", "diverges": "bold red", "undecided": "yellow"}
DIGITS = 8


def show(result: Convergence, question: Question, details: bool) -> None:
    """Print the answer, what decided it, and all that follows."""
    out = console()
    if result.family is not None:
        for line in family_lines(result.family):
            hanging(out, line)
    if result.decided is not None:
        number = 0 if result.family is None else result.family.worst.number
        proofs = [c for c in result.claims if c.evidence == PROVED]
        for line in lines(result.decided, question, details, number, proofs):
            hanging(out, line)
    if result.training is not None:
        out.print(Text(f"training  {result.training.words}"), soft_wrap=True)


def lines(
    answer: Answer, question: Question, details: bool, number: int = 0, proofs: Sequence[Claim] = ()
) -> list[Text]:
    """The answer about the prompt with this number."""
    result = [Text(heading(answer, question, number), style="bold"), Text()]
    if answer.run is not None and answer.run.note:
        result.append(Text(answer.run.note))
    if answer.fate is None:
        return [*result, Text.assemble(("UNDECIDED", STYLES["undecided"]), f"  {answer.reason}")]
    fate = answer.fate
    result.append(_decided("from w_0", fate.start))
    if fate.every is not None and answer.setup.period:
        result.append(_decided("from every start", fate.every))
    result.append(_decided("the prediction v(q)", fate.prediction))
    if fate.differences is not None and not fate.start.converges:
        result.append(_decided("value differences", fate.differences))
    result += [Text(), *(Text(f"{what:<9} {fact}") for what, fact in facts(answer, details))]
    for claim in proofs:
        result.append(
            Text.assemble((claim.verdict.value, PROOF_STYLES[claim.verdict]), f"  {claim.claim}: {claim.reason}")
        )
    if question.expect is not None:
        result += [Text(), _asserted(answer.answer)]
    return result


def _decided(what: str, decision: Decision) -> Text:
    answer = word(decision.converges)
    return Text.assemble(f"{what:<20} ", (f"{answer:<9}", STYLES[answer]), f"  {decision.why}")


def _asserted(answer: str) -> Text:
    verdict = {"converges": "HOLDS", "diverges": "REFUTED", "undecided": "UNDECIDED"}[answer]
    return Text.assemble((verdict, STYLES[answer]), "  asserted: it converges from w_0")


def heading(answer: Answer, question: Question, number: int = 0) -> str:
    """What was asked about, in one line."""
    context, name = answer.setup.context, answer.setup.subject.name
    where = "the given prompt"
    if question.prompt is None:
        kind = f"{question.process or 'boyan-chain'}{', tabular' * question.tabular}"
        where = f"one trajectory of {kind}, seed {question.seed + number}"
    step = ""
    if answer.setup.period:
        step = f", alpha = {rational_text(question.alpha or Fraction(1))}"
        subject = answer.setup.subject
        if isinstance(subject, Algorithm):
            scalars = subject.scalar_preconditioners
            fixed = question.fixed.items()
            step += "".join(f", {k} = {rational_text(v)}{'' if k in scalars else ' I'}" for k, v in fixed)
            tables = question.tables(subject).items()
            step += "".join(f", {k} = {text(v)}" for k, v in tables if k not in answer.setup.changing)
        if question.steps is not None:
            step = f", C from a file{f', a period of {len(question.steps)} layers' * question.periodic}"
    return f"{name} on {where}: d = {context.d}, n = {context.n}{step}"


def facts(answer: Answer, exact: bool) -> list[tuple[str, str]]:
    """Limit, rate, layers, steps, field and distance, each where it is known: (what, said); "" goes on with the last.

    exact : rationals in place of decimals
    """
    fate = answer.fate
    assert fate is not None
    result = []
    if fate.limit is not None and answer.setup.period:
        for name, entries in fate.iteration.named(fate.limit).items():
            result.append(("limit", f"{name}* = ({', '.join(_number(x, exact) for x in entries)})"))
        result += [("", name) for name in answer.names]
        result.append(("", f"reached from {reached_from(answer)}"))
    if fate.value is not None:
        result.append(("" if result else "limit", f"v*(q) = {_number(fraction(fate.value), exact)}"))
    if fate.drift is not None:
        for name, entries in fate.iteration.named(fate.drift).items():
            result.append(("drift", f"{name} gains ({', '.join(_number(x, exact) for x in entries)}) a layer"))
    if answer.radius is not None:
        result.append(("radius", f"the largest modulus that w_0 excites is {between(*answer.radius)}"))
    result += _rate_facts(answer)
    if answer.steps is not None:
        result += _steps_facts(answer.steps)
    if answer.field is not None:
        result.append(("field", _field_words(answer)))
    if answer.split is not None:
        result += _split_facts(answer, exact)
    return result


def _number(x: Fraction, exact: bool) -> str:
    return rational_text(x) if exact else decimal_text(x, DIGITS)


def between(low: Fraction, high: Fraction) -> str:
    if low == high:
        return f"{rational_text(low)} exactly"
    return f"between {bound_text(low, DIGITS, up=False)} and {bound_text(high, DIGITS, up=True)}"


def _rate_facts(answer: Answer) -> list[tuple[str, str]]:
    """The envelope and how many layers it needs."""
    if answer.rate is None or answer.run is None:
        converges = answer.fate is not None and answer.fate.prediction.converges
        none = "no certificate of a rate was found" if not answer.setup.changing else "at no rate that is certified"
        return [("rate", f"it converges, but {none}")] if converges else []
    envelope, period = answer.rate.envelope, answer.run.iteration.period
    power = "(2^l)" if answer.run.doubling else "l" if period == 1 else f"floor(l/{period})"
    most = bound_text(max(envelope.constants), 4, up=True)
    return [
        ("rate", f"|v_l(q) - v*(q)| <= {most} ({rational_text(envelope.r)})^{power}, certified"),
        ("layers", f"{answer.layers} for epsilon = {rational_text(answer.epsilon)}"),
    ]


def _steps_facts(steps: StepSizes) -> list[tuple[str, str]]:
    """The steps for which it converges."""
    if steps.start is None or steps.every is None:
        return [("steps", steps.why)]
    result = [("steps", f"from w_0 it converges for {intervals(steps.start)} ({steps.form})")]
    if steps.every != steps.start:
        result.append(("", f"from every start for {intervals(steps.every)}"))
    if steps.why:
        result.append(("", steps.why))
    return result


def intervals(spans: tuple[tuple[Boundary, Boundary | None], ...]) -> str:
    if not spans:
        return "no alpha > 0"
    return " and ".join(
        f"{_end(low, up=True)} < alpha" + ("" if high is None else f" < {_end(high, up=False)}") for low, high in spans
    )


def _end(x: Boundary, up: bool) -> str:
    """An end of an interval of steps; where it is not rational, rounded into the interval."""
    return rational_text(x.lower) if x.lower == x.upper else bound_text(x.upper if up else x.lower, DIGITS, up)


def _field_words(answer: Answer) -> str:
    shape = answer.field
    assert shape is not None
    if not shape.gradient:
        roots = ", ".join(f"{z.real:.6g} {'+' if z.imag > 0 else '-'} {abs(z.imag):.6g}i" for z in shape.roots[:2])
        return f"no gradient in any constant metric: {shape.why}{f' ({roots})' * bool(roots)}"
    loss = f": it descends {answer.loss}" if answer.loss else " (exhibited in the JSON)"
    return f"a gradient in a constant metric{loss}"


def _split_facts(answer: Answer, exact: bool) -> list[tuple[str, str]]:
    parts = answer.split
    assert parts is not None
    shown = {
        "more layers": parts.layers, "more context": parts.context, "better features": parts.features,
    }  # fmt: skip
    if any(parts.bias):
        shown["nothing (a bias of the update)"] = parts.bias
    removed = ", ".join(f"{name} {_root(parts.square(x))}" for name, x in shown.items())
    result = [("distance", f"from the {parts.kind}, root mean square over states, what each would remove: {removed}")]
    if parts.state is not None:
        at = ", ".join(f"{name} {_number(x[parts.state], exact)}" for name, x in shown.items())
        result.append(("", f"at the query: {at}"))
    return result


def _root(square: Fraction) -> str:
    shift = 120
    return decimal_text(Fraction(isqrt((square.numerator << (2 * shift)) // square.denominator), 1 << shift), 4)


def family_lines(family: Family) -> list[Text]:
    """How many converge, how fast, and which prompt is shown below."""
    total, yes = len(family.trials), family.count("converges")
    result = [Text.assemble((f"{yes} of {total} prompts converge", STYLES[family.answer]))]
    radii, layers = family.radii, family.layers
    if radii is not None:
        quantiles = ", ".join(f"{k} {decimal_text(x, 5)}" for k, x in radii.items())
        result.append(Text(f"spectral radius: {quantiles}"))
    if layers is not None:
        result.append(Text("layers for epsilon: " + ", ".join(f"{k} {x}" for k, x in layers.items())))
    result += [Text(f"the worst is prompt number {family.worst.number}:"), Text()]
    return result
