"""The report's section on convergence: its numbers are the exact ones, and what is wrong or unknown is said so."""

from __future__ import annotations

import decimal
import runpy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from convergence_prompts import EXPANDING, TWO
from reports import SMALL, formulas, notes, words

from layerproof.numeric.data.draws import prompts
from layerproof.proofs.case import silent
from layerproof.proofs.convergence.picture import outside
from layerproof.proofs.convergence.result import Convergence
from layerproof.proofs.report.build import page
from layerproof.proofs.report.decided import blocks
from layerproof.proofs.report.findings import Findings
from layerproof.proofs.report.limit_run import endless
from layerproof.proofs.report.model import Cell, Picture, Section, Table
from layerproof.proofs.report.sections import convergence
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.prompt import Context

L = 6


def of(context: Context | None, name: str = "td0", **more: Any) -> Findings:
    size = {"features": context.d, "context": context.n} if context else {}
    return Findings(find(name), replace(SMALL, prompt=context, layers=L, gamma=Fraction(9, 10), **size, **more), ())


def section_of(subject: Findings) -> Section:
    section = convergence.build(subject)
    assert section is not None
    return section


def rounded(x: Fraction, up: bool = False) -> Fraction:
    """To eight digits, by another road than the product's."""
    context = decimal.Context(prec=8, rounding=decimal.ROUND_CEILING if up else decimal.ROUND_HALF_EVEN)
    return Fraction(context.divide(decimal.Decimal(x.numerator), decimal.Decimal(x.denominator)))


def rows_of(section: Section) -> list[list[Fraction]]:
    drawn = next(b for b in section.blocks if isinstance(b, Picture) and "envelope" in b.alt)
    return [[Fraction(str(c.spans[0])) for c in row] for row in drawn.data.rows]


def wrong(section: Section) -> list[str]:
    """What on the page is not as it is by hand for TWO: T = [[1/2, 9/20], [9/20, 1/2]], from zero, read by (1, 0)."""
    faults = []
    sentences, star, g = words(section), Fraction(100, 19), Fraction(9, 20)
    for text in (f"w* = ({float(star):.8g}, {float(star * 9 / 10):.8g})", "LSTD", "0 < alpha < 40/19", "19/20 exactly"):
        if text not in sentences:
            faults.append(text)
    formula = next(f.text for f in formulas(section) if f.text.startswith("|v_l(q) - v*(q)| <= "))
    c, r = formula.removeprefix("|v_l(q) - v*(q)| <= ").removesuffix("^l").split()
    constant, rate, w = Fraction(c), Fraction(r.strip("()")), (Fraction(0), Fraction(0))
    for layer, row in enumerate(rows_of(section)):
        if row[:3] != [layer, rounded(w[0]), rounded(abs(w[0] - star))]:
            faults.append(f"row {layer}")
        if not row[2] <= row[3] <= rounded(constant * rate**layer, up=True):
            faults.append(f"envelope {layer}")
        w = (w[0] / 2 + g * w[1] + Fraction(1, 2), g * w[0] + w[1] / 2)
    return faults + ["layers"] * (len(rows_of(section)) != L + 1)


def test_the_numbers_on_the_page_are_the_exact_ones() -> None:
    section = section_of(of(TWO))
    assert wrong(section) == [] and not notes(section)[:-1]


def test_a_number_that_is_changed_on_the_page_is_noticed() -> None:
    section = section_of(of(TWO))
    at = next(k for k, b in enumerate(section.blocks) if isinstance(b, Picture) and "envelope" in b.alt)
    drawn = section.blocks[at]
    assert isinstance(drawn, Picture)
    for column, value in ((1, "0.50000001"), (2, "4.7631578"), (3, "1e-9")):
        rows = [list(row) for row in drawn.data.rows]
        rows[1][column] = Cell((value,))
        data = replace(drawn.data, rows=tuple(map(tuple, rows)))
        edited = (*section.blocks[:at], replace(drawn, data=data), *section.blocks[at + 1 :])
        assert wrong(replace(section, blocks=edited)) == [f"row {1}" if column < 3 else "envelope 1"]


def test_an_iterate_outside_its_envelope_is_refuted_on_the_page() -> None:
    subject = of(TWO)
    decision = subject.convergence
    assert isinstance(decision, Convergence) and decision.decided is not None and decision.decided.rate is not None
    assert outside(decision.decided) is None and not notes(section_of(subject))[:-1]
    narrow = replace(decision.decided.rate.envelope, constants=(Fraction(1),))
    subject = of(TWO)
    broken = replace(decision.decided, rate=replace(decision.decided.rate, envelope=narrow))
    subject.__dict__["convergence"] = replace(decision, decided=broken)
    assert outside(broken) == 0
    assert notes(section_of(subject))[0].verdict is Verdict.REFUTED and page(subject).verdict is Verdict.REFUTED


def test_what_diverges_or_is_not_decided_is_never_shown_with_a_limit() -> None:
    section = section_of(of(EXPANDING))
    answers = next(b for b in section.blocks if isinstance(b, Table))
    assert {str(row[1].spans[0]) for row in answers.rows} == {"diverges"} and "no alpha > 0" in words(section)
    assert not [b for b in section.blocks if isinstance(b, Picture) and "envelope" in b.alt]
    deep = endless(find("td0"), replace(SMALL, layers=2001), None, silent)
    (note,) = notes(tuple(blocks(deep)))
    assert note.verdict is Verdict.NOT_RUN and "2000" in words(note)


def test_that_no_rate_is_certified_is_said_where_no_envelope_is_drawn() -> None:
    decision = of(TWO).convergence
    assert isinstance(decision, Convergence) and decision.decided is not None
    (rate,) = [b for b in blocks(replace(decision, decided=replace(decision.decided, rate=None)))
               if isinstance(b, Table) and "no certificate of a rate was found" in words((b,))]  # fmt: skip
    assert ("rate",) in [row[0].spans for row in rate.rows]
    assert "no certificate" not in words(section_of(of(TWO)))


def test_the_prompt_is_the_one_of_this_run() -> None:
    for name in ("td0", "average-reward-td"):
        subject = of(None, name)
        decision = subject.convergence
        assert isinstance(decision, Convergence) and decision.decided is not None
        drawn = prompts(find(name), 2, 4, SMALL.seed, SMALL.process)
        assert decision.decided.setup.context == next(c for kind, c, _ in drawn if kind == "trajectory")
        assert decision.decided.setup.period == (([[1, 0], [0, 1]],),)
    looped = of(TWO, looped=True)
    decision = looped.convergence
    assert isinstance(decision, Convergence) and decision.decided is not None and looped.case is not None
    assert list(decision.decided.setup.period) == looped.case.steps and "this run's preconditioners" in words(
        section_of(looped)
    )


def test_a_construction_of_ones_own_says_what_it_needs_and_an_update_that_is_not_affine_is_undecided() -> None:
    examples = Path(__file__).resolve().parents[2] / "examples"
    own = runpy.run_path(str(examples / "newton_schulz_lstd.py"))["CONSTRUCTION"]
    section = section_of(Findings(own, SMALL, ()))
    assert notes(section)[0].verdict is Verdict.NOT_RUN and "--read ROW" in words(section)

    def update(weights, preconditioners, sweep, p):  # type: ignore[no-untyped-def]
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (w @ t.phi) * (w @ t.phi) * t.phi
        return (w + sweep.total / sweep.n,)

    squared = Findings(replace(find("td0"), update=update, heads=lambda layout, step, p, layer: []), SMALL, ())
    assert notes(section_of(squared))[0].verdict is Verdict.UNDECIDED
