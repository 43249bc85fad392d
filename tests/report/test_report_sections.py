"""Sections: all there, every formula sound, faults shouted, what was not run never green."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import own_files
import pytest
from helpers import CASES, Case, each_case, each_kind
from reports import (
    ALL,
    EXAMPLES,
    SMALL,
    everything,
    example_report,
    formulas,
    fresh,
    matrices,
    notes,
    page_of,
    section,
    subject,
    words,
)

from layerproof.numeric.files.weights_file import write_weights
from layerproof.proofs.case import Settings
from layerproof.proofs.checker import verify
from layerproof.proofs.evidence import kinds
from layerproof.proofs.evidence.floats import EVERY_RUN
from layerproof.proofs.formula.reader import readable
from layerproof.proofs.report import build as building
from layerproof.proofs.report.assemble import RESERVED, page_name
from layerproof.proofs.report.build import build, establish, page
from layerproof.proofs.report.findings import Findings
from layerproof.proofs.report.model import Cell, Display, Link, Matrix, Note, Page, Report
from layerproof.proofs.report.published import comparison
from layerproof.proofs.report.sections import errors, section_modules, trust, verdicts, weights
from layerproof.proofs.report.sections.evidence import flat
from layerproof.proofs.report.writers.checked import check
from layerproof.proofs.report.writers.mathml import mathml
from layerproof.proofs.user_file import resolve
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.attention import Head
from layerproof.symbolic.derivation.tokenwise import SymbolicTokenwiseHead
from layerproof.symbolic.identity.expansion import expanded, layer_change, update_change
from layerproof.symbolic.pattern_algorithms import pattern_catalogue

# what is there


@each_kind
def test_every_section_is_there_in_order_and_every_link_leads_somewhere(case: Case):
    shown = page_of(case)
    absent = set() if comparison(case.derivation) is not None else {"published"}
    assert [s.id for s in shown.sections] == [name for name in ALL if name not in absent]
    assert all(s.title and s.blocks for s in shown.sections)
    check(Report("t", (), (shown,)))


def test_a_module_that_is_no_section_is_refused(monkeypatch):
    section_modules.cache_clear()
    monkeypatch.delattr(trust, "ORDER")
    with pytest.raises(TypeError, match="trust is no section"):
        section_modules()


def test_sections_are_discovered_with_what_they_must_have():
    modules = section_modules()
    assert [m.NAME for m in modules] == list(ALL)
    assert [m.ORDER for m in modules] == sorted({m.ORDER for m in modules})
    assert all(m.TITLE and callable(m.build) for m in modules)


@each_case
def test_every_formula_is_sound(case: Case):
    shown = list(formulas(page_of(case)))
    assert len(shown) > 100
    for formula in set(shown):
        assert formula.text.strip() and formula.latex.strip()
        bare = re.sub(r"\\[{}]", "", formula.latex)
        assert bare.count("{") == bare.count("}"), formula
        assert readable(formula.latex), formula
        assert mathml(formula).startswith("<math")
        assert "None" not in formula.text and "object at" not in formula.text


def test_a_broken_formula_is_noticed():
    for latex in (r"\frac{1}{", r"x}", r"\input{x}"):
        assert not readable(latex)


@pytest.mark.slow
@each_kind
def test_the_page_is_the_same_every_time_and_holds_no_facts_of_the_machine(case: Case):
    assert page_of.__wrapped__(case) == page_of(case)
    text = words(page_of(case))
    import platform

    assert platform.platform() not in text and "/home" not in text and str(Path.cwd()) not in text


def test_machine_facts_come_on_request():
    made = subject(Case("td0"))
    dated = page(Findings(made.item, made.settings, made.claims, dates=True))
    import platform

    assert platform.platform() in words(dated)


def test_the_machines_environment_is_left_out_of_claims_unless_asked_for():
    details = {"environment": {"platform": "here"}, "bound": 1.0}
    assert flat(details) == [("bound", "1")]
    assert ("environment: platform", "here") in flat(details, dates=True)


def test_every_kind_of_evidence_has_its_place_and_what_it_rests_on():
    assert set(verdicts._PLACES) == set(trust.BELIEVE) == set(kinds())


def filled(m: Matrix) -> set[tuple[str, str]]:
    """Where a matrix has an entry."""
    return {(r, c) for r, row in zip(m.rows, m.entries, strict=True) for c, e in zip(m.columns, row, strict=True) if e}


@each_kind
def test_the_weights_shown_are_those_derived(case: Case):
    algorithm = case.algorithm
    labels = (*(b.name for b in algorithm.features), *(r.name for r in algorithm.accumulators))
    shown = {m.name.text: m for m in matrices(section(page_of(case), "weights")) if m.rows == labels}
    for number, head in enumerate(case.derivation.heads, 1):
        Q = shown[f"Q_{number}"]
        there = {
            (r, c) for r, row in zip(Q.rows, Q.entries, strict=True) for c, e in zip(Q.columns, row, strict=True) if e
        }
        over = isinstance(head, SymbolicTokenwiseHead)
        assert there == ({(head.row, s) for s in head.E} if over else {(r, s) for r, _, s in head.E})
        P = shown[f"P_{number}"]
        there = {
            (r, c) for r, row in zip(P.rows, P.entries, strict=True) for c, e in zip(P.columns, row, strict=True) if e
        }
        assert there == ({(row, head.row) for row in head.U} if over else set(head.U))


def test_entries_at_a_small_size_are_those_of_c_transposed():
    shown = [m for m in matrices(section(page_of(Case("td0")), "weights")) if m.name.text == "Q_1" and len(m.rows) == 5]
    assert [[e and e.text for e in row[:4]] for row in shown[0].entries[:2]] == [
        ["-C_11", "-C_21", "C_11", "C_21"],
        ["-C_12", "-C_22", "C_12", "C_22"],
    ]


# the identity, and faults in it


@each_kind
def test_both_sides_of_the_identity_agree(case: Case):
    assert layer_change(case.derivation) == update_change(case.derivation)
    assert all(entry.holds for entry in expanded(case.derivation))


@each_kind
@pytest.mark.parametrize("fault", ["sign", "factor", "missing"])
def test_a_wrong_head_shouts_in_the_identity(case: Case, fault: str):
    derivation = case.derivation
    (first, *rest) = derivation.heads
    factor = {"sign": -1, "factor": 2}.get(fault)
    heads = tuple(rest) if factor is None else (replace(first, U={k: u * factor for k, u in first.U.items()}), *rest)
    planted = replace(derivation, heads=heads)
    assert not all(entry.holds for entry in expanded(planted))
    module = next(m for m in section_modules() if m.NAME == "identity")
    shown = module.build(fresh(case, derivation=planted))
    assert isinstance(shown.blocks[0], Note) and shown.blocks[0].verdict is Verdict.REFUTED
    assert any(isinstance(c, Cell) and c.verdict is Verdict.REFUTED for c in everything(shown))


# verdicts


def cells(shown: Page) -> dict[str, Verdict | None]:
    """The verdict table's cells by the kind of evidence that they lead to; the worst where there are several."""
    result: dict[str, Verdict | None] = {}
    for part in everything(section(shown, "verdicts")):
        if isinstance(part, Cell) and part.spans and isinstance(part.spans[0], Link):
            result[part.spans[0].target.removeprefix("#evidence-")] = part.verdict
    return result


def test_evidence_that_was_not_asked_for_is_shown_as_not_run():
    shown = cells(page_of(Case("td0")))
    asked = ("derived", "identity-symbolic", "identity-exact")
    assert {name: shown[name] for name in asked} == dict.fromkeys(asked, Verdict.HOLDS)
    others = set(kinds()) - set(asked)
    assert {name: shown[name] for name in others} == dict.fromkeys(others, Verdict.NOT_RUN)
    assert "not asked for" in words(section(page_of(Case("td0")), "verdicts"))
    assert all(note.verdict is Verdict.NOT_RUN for note in notes(section(page_of(Case("td0")), "errors")))
    assert notes(section(page_of(Case("td0")), "theorem"))[0].verdict is Verdict.NOT_RUN


@pytest.mark.parametrize("verdict", [Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN])
def test_what_does_not_hold_comes_first_and_is_not_green(verdict: Verdict):
    case, shown = Case("td0"), {"difference": "1"}
    claims = tuple(
        replace(c, verdict=verdict, reason="planted", witness=shown if verdict is Verdict.REFUTED else None)
        if c.evidence == "identity-exact" else c
        for c in subject(case).claims
    )  # fmt: skip
    shown_page = page(fresh(case, claims=claims))
    first = shown_page.lead[0]
    assert isinstance(first, Note) and first.verdict is verdict is shown_page.verdict
    assert "planted" in words(first).lower() or "Planted" in words(first)
    assert ("difference: 1" in words(first)) == (verdict is Verdict.REFUTED)
    assert cells(shown_page)["identity-exact"] is verdict
    assert "not established" in words(shown_page.lead)


def test_the_worst_of_several_claims_is_shown():
    case = Case("td0")
    claims = list(subject(case).claims)
    last = next(c for c in claims if c.evidence == "identity-exact")
    shown_page = page(fresh(case, claims=(*claims, replace(last, verdict=Verdict.REFUTED, reason="planted"))))
    assert cells(shown_page)["identity-exact"] is Verdict.REFUTED


def test_an_own_construction_that_is_wrong_shouts_with_its_witness(tmp_path: Path):
    path = own_files.write(tmp_path, ('("phi", "phi"): -step.C.mT', '("phi", "phi"): step.C.mT'), given=True)
    report, result = establish([path], SMALL, ["identity-exact"])
    (shown_page,) = report.pages
    assert result.exit_code == 1 and shown_page.verdict is Verdict.REFUTED
    assert isinstance(shown_page.lead[0], Note) and shown_page.lead[0].verdict is Verdict.REFUTED
    assert "counterexample" in words(shown_page.lead[0])
    assert notes(section(shown_page, "worked-example"))[0].verdict is Verdict.REFUTED
    assert any(isinstance(c, Cell) and c.verdict is Verdict.REFUTED for c in everything(report.lead))


def test_an_update_that_no_layer_does_is_refuted_with_its_terms(tmp_path: Path):
    path = own_files.write(tmp_path, ("delta = t.reward +", "delta = t.reward * t.reward +"))
    (shown_page,) = build([path], SMALL, ["derived"]).pages
    assert shown_page.verdict is Verdict.REFUTED
    assert "no head" in words(shown_page.lead[0]) and "cannot be produced" in words(shown_page.sections)
    assert "weights" not in {s.id for s in shown_page.sections}
    check(Report("t", (), (shown_page,)))


# files of one's own


@pytest.mark.parametrize("path", EXAMPLES)
def test_examples_have_pages(path: str):
    report = example_report(path)
    check(report)
    (shown_page,) = report.pages
    assert shown_page.verdict is Verdict.HOLDS and not [
        n for n in notes(shown_page.lead) if n.verdict is Verdict.REFUTED
    ]
    assert {"verdicts", "prompt", "worked-example", "evidence", "limits", "reproduce", "trust"} <= {
        s.id for s in shown_page.sections
    }
    for formula in set(formulas(report)):
        assert readable(formula.latex), formula


def test_hostile_names_are_text(tmp_path: Path):
    hostile = r"<script>alert(1)</script> \input{x} $y$ #z"
    path = own_files.write(
        tmp_path, ('name="mine"', f"name={hostile!r}"), ('title="Mine"', f"title={hostile!r}"),
        ('FeatureBlock("phi"', 'FeatureBlock("phi"'), given=True,
    )  # fmt: skip
    report = build([path], SMALL, ["identity-exact"])
    check(report)
    (shown_page,) = report.pages
    assert re.fullmatch("[A-Za-z0-9-]+", shown_page.name) and shown_page.title == hostile


def test_page_names_are_safe_and_different():
    taken: set[str] = set()
    names = [page_name(n, taken) for n in ("td0", "TD0", "a/../b", "", "con", "Index", "ü", "x" * 500, "td0")]
    assert len({n.lower() for n in names}) == len(names)
    assert all(re.fullmatch("[A-Za-z0-9][A-Za-z0-9-]{0,70}", n) and n.lower() not in RESERVED for n in names)


@pytest.mark.slow
def test_two_files_of_one_name_have_their_own_claims(tmp_path: Path):
    good = own_files.write(tmp_path, given=True, name="good.py")
    bad = own_files.write(tmp_path, ('("phi", "phi"): -step', '("phi", "phi"): step'), given=True, name="bad.py")
    pages = build([bad, good], SMALL, ["identity-exact"]).pages
    assert [p.verdict for p in pages] == [Verdict.REFUTED, Verdict.HOLDS]
    assert pages[0].name != pages[1].name


def test_a_factor_of_ones_own_is_not_called_one_over_n():
    path = next(p for p in EXAMPLES if "ridge" in p)
    ridge = Findings(resolve(path), SMALL, ())
    own = replace(ridge.item, scale=lambda n: Fraction(2, n))
    texts = [
        next(b.formula.text for b in page(Findings(item, SMALL, ())).lead if isinstance(b, Display))
        for item in (ridge.item, own)
    ]
    assert "(1/n)" in texts[0] and "(1/n)" not in texts[1] and "s sum_h" in texts[1]


def test_heads_that_were_given_have_no_meaning_invented_for_their_blocks():
    path = next(p for p in EXAMPLES if "heavy_ball" in p)
    shown = [m for m in matrices(section(example_report(path).pages[0], "weights")) if m.legend]
    assert shown and {word for m in shown for word in m.legend} <= {*weights.GIVEN, *weights.WRITTEN}
    # beta - 1 in a block of symbols is neither positive nor negative
    in_symbols = [m for m in shown if "beta" in str(m)]
    assert in_symbols and all(set(m.legend) <= set(weights.WRITTEN) for m in in_symbols)


def test_heads_given_in_blocks_are_shown_in_symbols_and_others_in_numbers():
    td0 = find("td0")
    blocks = replace(td0, name="mine", heads=lambda layout, step, p, layer: [
        Head(None, layout.matrix({("td_error", "td_error"): 1}),
             layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "gamma_phi_next"): step.C.mT}), layout.mask())
    ])  # fmt: skip

    def by_entries(layout, step, p, layer):
        d, m = layout.d, 2 * layout.d + 1
        C = step.C.mT.fractions()
        P = [[int(i == j == m - 1) for j in range(m)] for i in range(m)]
        Q = [[(C[i][j % d] * (-1 if j < d else 1)) if i < d and j < 2 * d else 0 for j in range(m)] for i in range(m)]
        return [Head(None, P, Q, layout.mask())]

    numbers = replace(blocks, heads=by_entries)
    shown = []
    for algorithm in (blocks, numbers):
        made = section(page(Findings(algorithm, SMALL, ())), "weights")
        shown.append({e.text for m in matrices(made) if m.name.text == "Q_1" for row in m.entries for e in row if e})
    assert {"-C_l^T", "C_l^T"} <= shown[0]
    assert shown[1] and not any("C" in text for text in shown[1])


# curves


CURVES = {
    "error": [0.0, 1e-16, 2e-16],
    "relative_error": [0.0, 1e-16, 1e-16],
    "one_step_error": [1e-16, 1e-16],
    "one_step_bound": [1e-15, None],
    "one_step_ratio": [0.1, None],
    "a_priori_bound": [0.0, 1e-15, 1e-14],
}


def float_claim(**details) -> Claim:
    return Claim("td0", "within", "float", Verdict.HOLDS, "within a proven bound on this run", "r", details=details)


def test_curves_are_drawn_where_there_are_some_and_not_invented():
    case = Case("td0")
    shown = errors.build(fresh(case, claims=(float_claim(curves=CURVES),)))
    assert shown is not None
    (table,) = [p.data for p in everything(shown) if hasattr(p, "svg")]
    assert [row[0].spans[0] for row in table.rows] == ["1", "2"]
    assert [cell.spans[0] for cell in table.rows[1]] == ["2", "1e-16", "–", "2e-16", "1e-14"]
    for details in ({}, {"curves": None}, {"curves": {}}):
        empty = errors.build(fresh(case, claims=(float_claim(**details),)))
        assert empty is not None and [n.verdict for n in notes(empty)] == [Verdict.NOT_RUN]
        assert not [p for p in everything(empty) if hasattr(p, "svg")]


# floats: two claims, and two causes


def every_run(verdict: Verdict = Verdict.HOLDS) -> Claim:
    return Claim("td0", "every run", "float", verdict, EVERY_RUN, "r", details={"a_priori": {"last_bound": 6.25e-12}})


def test_the_two_float_claims_stand_apart_with_a_verdict_each():
    claims = (float_claim(curves=CURVES), every_run(Verdict.UNDECIDED))
    table = verdicts.build(fresh(Case("td0"), claims=claims)).blocks[1]
    rows = {row[0].spans[0]: row[1:] for row in table.rows}
    step, whole = rows[verdicts.ROWS[4]], rows[verdicts.ROWS[5]]
    assert (step[verdicts.BOUND].verdict, whole[verdicts.EVERY].verdict) == (Verdict.HOLDS, Verdict.UNDECIDED)
    assert step[verdicts.EVERY].verdict is whole[verdicts.BOUND].verdict is None
    held = verdicts.build(fresh(Case("td0"), claims=(claims[0], every_run())))
    assert "at most 7e-12" in words(held)  # rounded up: 6e-12 would be less than the bound


def test_floats_that_were_not_run_are_so_for_both_claims():
    table = verdicts.build(subject(Case("td0"))).blocks[1]
    shown = {row[0].spans[0]: [c.verdict for c in row[1:] if c.verdict] for row in table.rows}
    assert shown[verdicts.ROWS[4]] == shown[verdicts.ROWS[5]] == [Verdict.NOT_RUN]


def test_lowering_and_arithmetic_are_told_apart_where_both_are_known():
    split = {"prompts": 2, "lowering": [1e-17, 2e-16], "arithmetic": [0.0, 3e-15]}
    shown = words(errors.build(fresh(Case("td0"), claims=(float_claim(curves=CURVES, split=split),))))
    assert "on 2 prompts" in shown and "Lowering" in shown and "2.0e-16" in shown and "3.0e-15" in shown
    for missing in (None, {**split, "arithmetic": [0.0, None]}):
        section = errors.build(fresh(Case("td0"), claims=(float_claim(curves=CURVES, split=missing),)))
        assert "Lowering" not in words(section)


def test_only_a_claim_about_every_run_lends_the_distance_a_bound():
    alone = words(errors.build(fresh(Case("td0"), claims=(float_claim(curves=CURVES),))))
    both = words(errors.build(fresh(Case("td0"), claims=(float_claim(curves=CURVES), every_run()))))
    assert "held to no bound" in alone and "before anything ran" not in alone
    assert "before anything ran" in both and "held to no bound" not in both


def test_floats_left_undecided_do_not_unsay_what_is_proved_and_faults_do():
    case = Case("td0")
    claims, vacuous = subject(case).claims, replace(float_claim(), verdict=Verdict.UNDECIDED)
    exact = next(c for c in claims if c.evidence == "identity-exact")
    sentences = words(page(fresh(case, claims=(*claims, vacuous))).lead)
    assert "Claim, proved for all" in sentences and "floats alone" in sentences and "not established" not in sentences
    for other in (replace(vacuous, verdict=Verdict.REFUTED), replace(exact, verdict=Verdict.UNDECIDED)):
        shown_page = page(fresh(case, claims=(*claims, vacuous, other)))
        assert "not established" in words(shown_page.lead) and "floats alone" not in words(shown_page.lead)


# the rest


def test_what_holds_and_was_not_asked_for_bears_no_badge():
    case = Case("td0")
    claims = tuple(
        replace(c, verdict=Verdict.HOLDS, asked=False, reason="recorded") if c.evidence == "proved-all-sizes" else c
        for c in subject(case).claims
    )
    shown_page = page(fresh(case, claims=claims))
    assert cells(shown_page)["proved-all-sizes"] is None
    assert notes(section(shown_page, "theorem"))[0].verdict is None
    assert "proof assistant" in words(section(shown_page, "limits"))
    table = section(shown_page, "trust").blocks[1]
    assert [r[-1].verdict for r in table.rows if r[0].spans == ("proved-all-sizes",)] == [None]  # type: ignore[union-attr]


@pytest.mark.parametrize("dates", [False, True])
def test_an_earlier_proof_on_this_machine_is_shown_with_dates_only(monkeypatch: pytest.MonkeyPatch, dates: bool):
    def earlier(*items, **more):
        result = verify(*items, **more)
        claims = [
            replace(c, details={"earlier": True}) if c.evidence == "proved-all-sizes" else c for c in result.claims
        ]
        return replace(result, claims=tuple(claims))

    monkeypatch.setattr(building, "verify", earlier)
    settings = Settings(features=2, context=3, layers=2, trials=1)
    report, result = building.establish(["td0"], settings, ["identity-exact"], dates=dates)
    (claim,) = (c for c in result.claims if c.evidence == "proved-all-sizes")
    assert (claim.verdict, claim.asked) == (Verdict.NOT_RUN, False)
    assert ("an earlier run passed" in words(section(report.pages[0], "verdicts"))) is dates


@each_kind
def test_masks_join_context_tokens_only_as_the_derivation_says(case: Case):
    assert "no token reads the query" in words(section(page_of(case), "derivation"))
    construction = subject(case).construction
    assert construction is not None
    for heads in construction.layers:
        for head in heads:
            M = head.M.fractions()
            assert not any(M[-1]) and not any(row[-1] for row in M)


def test_weights_say_whether_layers_share_their_preconditioner():
    td0 = subject(Case("td0"))
    looped = Findings(td0.item, replace(td0.settings, looped=True), td0.claims)
    assert "they do not (looped)" in words(weights.build(looped))
    assert "looped" not in words(weights.build(td0)) and "as in the runs" in words(weights.build(td0))


@pytest.mark.slow
def test_invariance_is_shown_with_sets_and_witnesses_when_asked():
    report, _ = establish(["td0"], SMALL, ["derived"], invariance=True)
    check(report)
    shown = section(report.pages[0], "invariance")
    verdicts_there = {n.verdict for n in notes(shown)}
    assert {Verdict.HOLDS, Verdict.REFUTED} <= verdicts_there
    assert "commutant" in words(shown) and "sample: f" in words(shown)
    assert report.pages[0].verdict is Verdict.HOLDS  # a refuted set answers a question: nothing asserted is refuted
    assert all(readable(f.latex) for f in formulas(shown))


def test_the_digest_is_that_of_the_weights_file(tmp_path: Path):
    td0 = subject(Case("td0"))
    write_weights(td0.construction, tmp_path / "w.json")  # type: ignore[arg-type]
    digest = sha256((tmp_path / "w.json").read_bytes()).hexdigest()
    assert digest in words(section(page_of(Case("td0")), "reproduce"))


def test_the_command_makes_the_same_page(tmp_path: Path):
    case = CASES[[str(c) for c in CASES].index("td-lambda-gamma-lam")]
    report, _ = establish([case.algorithm], subject(case).settings, ["derived"])
    text = words(section(report.pages[0], "reproduce"))
    assert "layerproof report td-lambda -d 2 -n 4 -L 2" in text and "--trace gamma-lam" in text
    assert "--evidence derived" in text


@pytest.mark.slow
def test_the_index_names_every_page_with_its_verdict():
    report = build([], replace(SMALL, layers=1), ["derived"])
    links = [p.target for p in everything(report.lead) if isinstance(p, Link)]
    assert links == [p.name for p in report.pages] and len(links) == len(
        {c.name for c in CASES} | set(pattern_catalogue())
    )
    check(report)


def test_verify_is_what_the_report_says():
    result = verify("td0", settings=SMALL, evidence=["derived", "identity-exact"])
    again = establish(["td0"], SMALL, ["derived", "identity-exact"])[1]
    assert again.claims == result.claims


def test_the_claim_says_no_more_than_was_shown():
    proved = words(page_of(Case("td0")).lead)
    assert "Claim, proved for all" in proved and "after any number" in proved
    claims = tuple(replace(c, asked=c.evidence == "identity-exact") for c in subject(Case("td0")).claims)
    instance = words(page(fresh(Case("td0"), claims=claims)).lead)
    assert "proved for no others" in instance and "any number" not in instance
    claims = tuple(replace(c, asked=c.evidence == "derived") for c in subject(Case("td0")).claims)
    assert "as far as the verdicts" in words(page(fresh(Case("td0"), claims=claims)).lead)
    heavy = next(p for p in EXAMPLES if "heavy" in p)
    assert "proved for no others" in words(example_report(heavy).pages[0].lead)


def test_weights_stand_in_front_of_features_whatever_they_are_called():
    heavy = next(p for p in EXAMPLES if "heavy" in p)
    text = words(section(example_report(heavy).pages[0], "prompt"))
    assert "u.(gamma phi'_j)" in text and "phi_j.u" not in text
