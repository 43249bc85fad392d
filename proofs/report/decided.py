"""What was decided about endless layers, as blocks of a page: answers, limit, rate, and iterates in their envelope."""

from __future__ import annotations

from ...symbolic.exact import bound_text, decimal_text
from ..convergence.answer import Answer
from ..convergence.certificate import word
from ..convergence.picture import distances, envelope_picture, outside
from ..convergence.result import Convergence
from ..convergence.table import facts
from ..formula.build import bracketed, call, decimal, fraction, indexed, number, power, row, spoken, words
from ..formula.formula import Formula
from ..formula.nodes import Fenced
from ..verdict import Verdict
from .assemble import cell, plain, prose, sentence
from .model import Block, Display, Note, Picture, Table

LABELS = {"radius": "spectral radius", "field": "as a gradient"}
DIGITS = 8


def blocks(decision: Convergence | str) -> list[Block]:
    """The answer, the facts, the envelope as a formula and the picture; or why nothing was decided."""
    if isinstance(decision, str):
        return [Note(Verdict.NOT_RUN, "Convergence: not asked", (plain(sentence(decision)),))]
    answer = decision.decided
    if answer is None or answer.fate is None:
        reason = "" if answer is None else answer.reason
        return [Note(Verdict.UNDECIDED, "Convergence: not decided", (plain(sentence(reason)),))]
    envelope = _envelope(answer)
    return [*_alarm(answer), _answers(answer), _facts(answer, with_rate=not envelope), *envelope]


def _alarm(answer: Answer) -> list[Block]:
    layer = outside(answer)
    if layer is None:
        return []
    message = f"After layer {layer} the prediction is farther from its limit than the certificate allows."
    return [Note(Verdict.REFUTED, "An iterate is outside its envelope", (plain(message),))]


def _answers(answer: Answer) -> Table:
    assert answer.fate is not None
    fate = answer.fate
    asked = [("the weights, from w_0", fate.start)]
    if fate.every is not None and answer.setup.period:
        asked.append(("the weights, from every start", fate.every))
    asked.append(("the prediction v(q), from w_0", fate.prediction))
    if fate.differences is not None and not fate.start.converges:
        asked.append(("differences of values", fate.differences))
    rows = tuple((cell(what), cell(word(d.converges)), cell(d.why)) for what, d in asked)
    return Table(("does it converge?", "answer", "what decides it"), rows)


def _facts(answer: Answer, with_rate: bool) -> Table:
    """The facts as `layerproof converge` prints them, those that go on with the last in its cell.

    The rate has a line here where no envelope shows it below.
    """
    rows: list[tuple[str, str]] = []
    for what, fact in facts(answer, exact=False):
        if what == "rate" and not with_rate:
            continue
        if what:
            rows.append((LABELS.get(what, what), fact))
        else:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]}; {fact}")
    return Table(("what", "found"), tuple((cell(what), cell(fact)) for what, fact in rows))


def _envelope(answer: Answer) -> list[Block]:
    drawn = envelope_picture(answer)
    if drawn is None or answer.rate is None or answer.run is None:
        return []
    svg, alt = drawn
    rows = tuple(
        (cell(str(layer)), cell(decimal_text(v, DIGITS)), cell(decimal_text(x, DIGITS)),
         cell(bound_text(b, DIGITS, up=True)))
        for layer, (v, (x, b)) in enumerate(zip(answer.values, distances(answer), strict=True))
    )  # fmt: skip
    data = Table(("layer", "v_l(q)", "|v_l(q) - v*(q)|", "envelope"), rows)
    intro = prose(
        "A matrix that was verified exactly, by pivots, certifies at every layer, of the picture or not, that"
    )
    caption = "How far the prediction is from its limit, and the bound that was certified before any layer ran."
    return [intro, Display(_formula(answer), "certified-envelope"), Picture(svg, alt, caption, data)]


def _formula(answer: Answer) -> Formula:
    assert answer.rate is not None and answer.run is not None
    envelope, period = answer.rate.envelope, answer.run.iteration.period
    c, r = bound_text(max(envelope.constants), DIGITS, up=True), envelope.r
    exponent = power("2", "ell") if answer.run.doubling else row("ell")
    if period > 1:
        steps = row("ell", "/", str(period))
        exponent = spoken(call(words("floor"), steps), bracketed(steps, brackets="⌊⌋"))
    distance = row("|", call(indexed("v", "ell"), "q"), "-", call(power("v", "*"), "q"), "|")
    ratio = (
        Formula(Fenced("(", fraction(str(r.numerator), str(r.denominator)).tree, ")"))
        if r.denominator > 1
        else number(r)
    )
    return row(distance, "<=", decimal(c), power(ratio, exponent))
