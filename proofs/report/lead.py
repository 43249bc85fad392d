"""The first screen of a page: what is refuted or open, then the claim in one sentence and one formula."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ...symbolic.algorithm import Algorithm
from ...symbolic.readout import Readout
from ..formula.build import QUAD, aligned, call, dot, equation, indexed, row, spoken, words
from ..formula.formula import Formula
from ..verdict import NEEDS_WEIGHTS, PROVED, Claim, Verdict
from .assemble import alarm, greek, prose, spans
from .findings import Findings
from .layer_forms import layer
from .layer_pictures import layer_pictures
from .model import Block, Display, Folded, Link, Note, Paragraph, Span
from .names import declared_formula, over_n, row_formula
from .verdict_words import meaning, verdict_words

ORDER = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN)


def lead(findings: Findings) -> tuple[Block, ...]:
    """Alarms first, worst first; then the claim."""
    return (*_example_alarm(findings), *alarms(findings.claims), *_claim(findings))


def alarms(claims: Sequence[Claim]) -> list[Block]:
    """What was asked for and does not hold, worst first, prompts before formulas; of what refutes all but one folds."""
    shown = {v: [c for c in claims if alarming(c, v)] for v in ORDER}
    refuted = sorted(shown[Verdict.REFUTED], key=lambda c: "prompt" not in (c.witness or {}))
    alarmed: list[Block] = [alarm(c) for c in refuted[:1]]
    if refuted[1:]:
        kinds = ", ".join(dict.fromkeys(c.evidence for c in refuted[1:]))
        alarmed.append(Folded(f"Refuted by {kinds} too", tuple(map(alarm, refuted[1:])), "refuted"))
    return [*alarmed, *(alarm(c) for v in ORDER[1:] for c in shown[v])]


def alarming(claim: Claim, verdict: Verdict) -> bool:
    """Whether a claim that was asked for has this verdict and is no mere consequence of another."""
    follows = claim.verdict is Verdict.NOT_RUN and claim.reason == NEEDS_WEIGHTS
    return claim.asked and claim.verdict is verdict and not follows


def _example_alarm(findings: Findings) -> tuple[Block, ...]:
    """The worked example is a check too: where it fails and nothing else was refuted, it says so first."""
    ran = findings.example or findings.own_example
    if ran is None or ran.mismatch is None or findings.refuted:
        return ()
    message = prose("The layers and the reference give different numbers: see ",
                 Link("the worked example", "#worked-example"), ".")  # fmt: skip
    return (Note(Verdict.REFUTED, "Refuted on the worked example", (message,)),)


def proved(findings: Findings) -> bool:
    """Whether something that was asked for proves the claim for all d, n and L."""
    rocq = [c for c in findings.of_kind(PROVED) if c.asked]
    symbolic = [c for c in findings.of_kind("identity-symbolic") if c.asked]
    facts = {c.details.get("fact") for c in symbolic}
    whole = bool(symbolic) and {"blocks", "masks"} <= facts
    return any(
        claims and all(c.verdict is Verdict.HOLDS for c in claims) for claims in (rocq, symbolic if whole else [])
    )


def strength(findings: Findings) -> str:
    """What may be said of the claim, in front of it."""
    open_ = [c for c in findings.claims if c.asked and c.verdict is not Verdict.HOLDS]
    floats = bool(open_) and all(c.evidence == "float" and c.verdict is Verdict.UNDECIDED for c in open_)
    if proved(findings) and (findings.verdict is Verdict.HOLDS or floats):
        return "Claim, proved for all $d$, $n$ and $L$. " + "What is undecided above is about floats alone. " * floats
    if findings.verdict is not Verdict.HOLDS:
        return "The claim under examination, not established here. "
    if any(c.asked and c.verdict is Verdict.HOLDS for c in findings.of_kind("identity-exact")):
        return "Claim, exact on the prompts of this report and proved for no others. "
    return "Claim, as far as the verdicts below go. "


def _claim(findings: Findings) -> tuple[Block, ...]:
    how = spans(strength(findings))
    if findings.own is not None:
        text = (f"After every layer of {findings.own.title}, the entries that its reference names have the reference's "
                "values.")  # fmt: skip
        size = findings.settings.context
        factor = Fraction(findings.own.scale(size))
        # its own factor may be no 1/n: it is a letter then
        known = factor == Fraction(1, size)
        return (
            Paragraph((*how, text)),
            *layer_pictures(findings),
            Display(equation(*layer(over_n() if known else row("s"))), "claim"),
            *_verdicts(findings),
        )
    algorithm = findings.algorithm
    assert algorithm is not None
    readout = findings.construction.readout if findings.construction is not None else None
    after = "after any number $L$ of layers" if proved(findings) else "after $L$ layers"
    name = greek(algorithm.title)
    claim_text = (
        f"Each layer of the linear transformer with the weights below is exactly one iteration of {name} on ",
        *spans(f"the transitions in its prompt: {after}, the prompt is the one at the $L$-th iterate, and the "
               "prediction is one of its entries."),
    )  # fmt: skip
    display = Display(_formula(readout, algorithm), "claim")
    return (
        Paragraph((*how, *claim_text)),
        *layer_pictures(findings),
        display,
        _where([declared_formula(algorithm, w) for w in algorithm.weights]),
        *_verdicts(findings),
    )


def _where(weights: Sequence[Formula]) -> Block:
    """What Z(w_l) means in the formula."""
    w, *others = weights
    together: list[Span] = []
    for k, other in enumerate(others):
        together += [", " if k else ", and of ", other]
    together += [" with it"] * bool(others)
    return prose("Here ", call("Z", indexed(w, "ell")), " is ", Link("the prompt", "#prompt"),
                 r" with its changing rows as they are at iterate $\ell$ of ", w,
                 (*together, "."))  # fmt: skip


def _formula(readout: Readout | None, algorithm: Algorithm) -> Formula:
    """The layer, and what it gives."""
    weight = declared_formula(algorithm, algorithm.weights[0])
    (before, after), last = layer(over_n()), indexed("Z", "L")
    start = row("=", call("Z", indexed(weight, "0")), QUAD, "=>", QUAD, last, "=", call("Z", indexed(weight, "L")))
    lines: list[tuple[Formula, Formula]] = [(before, row("=", after)), (indexed("Z", "0"), start)]
    if readout is not None:
        named_row = next(row_formula(r) for r in algorithm.accumulators if r.name == readout.row)
        query = spoken(words("query"), row("n", "+", "1"))
        value = row(*("-",) * (readout.sign < 0), call(last, named_row, query, brackets="[]"))
        lines.append((dot(indexed(weight, "L"), "q"), row("=", value)))
    return aligned(lines)


def _verdicts(findings: Findings) -> tuple[Block, ...]:
    means = meaning(findings)
    return (
        *verdict_words(findings),
        *([means] if means is not None else []),
        prose("Each claim beside its evidence: ", Link("verdicts", "#verdicts"), "."),
    )
