"""The page of an algorithm that attends by patterns: update, layer and its picture, heads, prompt, evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from ...numeric.data.draws import contexts
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.errors import LayerproofError
from ...symbolic.patterns.given import pattern_form
from ...symbolic.patterns.heads import PatternForm
from ...symbolic.patterns.kernels import masked_pattern
from ...symbolic.patterns.layer import layer_of, under
from ...symbolic.patterns.record import KEYS, PatternAlgorithm
from ...symbolic.patterns.run import chained, prompt, setup
from ..case import Settings
from ..formula.build import indexed, row
from ..formula.formula import Formula
from ..patterns.draws import drawn_start, drawn_steps
from ..verdict import Claim, Result, Verdict, worst_asked
from .assemble import cell, commas, greek, prose
from .derivation.patterns import pattern_sections
from .derivation.update import docstring
from .lead import alarms
from .model import Block, Cell, Display, Link, Listing, Page, Picture, Section, Sentence, Span, Table, text_of
from .overview import counterexample
from .pattern_example import pattern_example
from .pattern_formulas import layer_formulas, row_symbols, stated
from .pattern_worked import agreement, worked_section
from .pattern_worked import data as example_data
from .picture_layer import Block as Rows
from .picture_layer import drawn_head, drawn_sketch, short
from .sections import evidence, invariance, verdicts
from .sections.reproduce import PACKAGES, version
from .sections.worked_example import disagreement
from .set_formulas import set_page
from .verdict_words import words_of

DRAWN = 4
"""The context length, and with d = 2, of the pattern that is drawn."""
Drawn = tuple[dict[str, list[Rows]], list[list[Fraction]]]


def pattern_page(
    algorithm: PatternAlgorithm,
    name: str,
    claims: tuple[Claim, ...],
    settings: Settings,
    command: str,
    kept: Result | None = None,
) -> tuple[Page, tuple[Cell, ...]]:
    """The page with this name, and its row of the index.

    kept : what was found of invariant sets, where it was asked
    """
    try:
        form: PatternForm | None = pattern_form(algorithm)
    except LayerproofError:
        form = None
    example = None if form is None else pattern_example(form, settings)
    agree = example is None or (example.mismatch is None and all(agreement(example)))
    verdict = worst_asked(claims) if agree else Verdict.REFUTED
    drawn = [] if form is None else _drawn(form, settings)
    update, layer = stated(algorithm), [] if form is None else layer_formulas(form)
    pictures = [_picture(algorithm, name, k, len(drawn), *head) for k, head in enumerate(drawn, 1)]
    last = "w" if algorithm.column else "query"
    worked = [] if example is None else [worked_section(example, last)]
    differs = [] if example is None else disagreement(example.mismatch)
    lead = [*alarms(claims), *differs, *_claim(algorithm, form, layer, verdict, claims, pictures)]
    sections = [
        verdicts.of_claims(claims), *pattern_sections(algorithm, form, update, layer), *worked,
        evidence.of_claims(claims, dates=False),
        Section("reproduce", "How to reproduce this", (
            Listing(command, "shell"),
            Table(("package", "version"), tuple((cell(x), cell(version(x))) for x in PACKAGES)),
        )),
    ]  # fmt: skip
    data: dict[str, object] = {"claims": [_data(c) for c in claims]}
    if example is not None:
        data["worked_example"] = example_data(example)
    if kept is not None:
        sections.insert(-1, invariance.of_result(kept, algorithm.name, [row.name for row in algorithm.rows]))
    present = tuple(x for x in sections if x is not None)
    page = set_page(Page(name, greek(algorithm.title), verdict, tuple(lead), present, data), row_symbols(algorithm))
    return page, _line(algorithm, update[-1:], page, claims, drawn)


BESIDE = "the attention pattern, under its mask, on a small prompt of random rationals"


def _picture(
    algorithm: PatternAlgorithm, name: str, k: int, count: int, used: dict[str, list[Rows]],
    entries: list[list[Fraction]],
) -> Picture:  # fmt: skip
    """A head: what it does with the rows, and its pattern."""
    title, tokens = f"Head {k}" if count > 1 else "The head", _tokens(algorithm)
    svg, words = drawn_head(_rows(algorithm), used, entries, tokens, title, BESIDE, f"layer-{name}-{k}")
    rows = tuple((cell(t), *(cell(f"{float(x):.3g}") for x in row)) for t, row in zip(tokens, entries, strict=True))
    caption = Sentence([
        f"{title}: ", *_does(algorithm, used), ", times the column of the pattern ", row("A"),
        ", here on a small prompt of random rationals, blue where positive.",
    ])  # fmt: skip
    return Picture(svg, words, caption, Table(("from token", *(f"into {t}" for t in tokens)), rows))


def _does(algorithm: PatternAlgorithm, used: dict[str, list[Rows]]) -> list[str | Formula]:
    """What a head does with the rows, in words."""
    names = row_symbols(algorithm)

    def rows(sign: str) -> list[Formula | str]:
        return commas(names[block.name] for block in used[sign]) or ["nothing"]

    return ["compares ", *rows("k"), " with ", *rows("q"), ", adds ", *rows("v"), " to ", *rows("+")]


def _data(claim: Claim) -> dict[str, object]:
    document = claim.to_json()
    document["details"].pop("environment", None)
    return document


def _claim(
    algorithm: PatternAlgorithm, form: PatternForm | None, layer: Sequence[Formula], verdict: Verdict,
    claims: Sequence[Claim], pictures: list[Picture],
) -> list[Block]:  # fmt: skip
    """The claim, the layer and its pictures, the verdicts in words, and what it means."""
    asked = [c for c in claims if c.evidence == "identity-symbolic" and c.asked]
    proved = verdict is Verdict.HOLDS and bool(asked)
    how = "Claim, proved for all $d$, $n$ and $L$. " if proved else "Claim, as far as the verdicts below go. "
    how = how if verdict is Verdict.HOLDS else "The claim under examination, not established here. "
    blocks: list[Block] = [
        prose(how, f"Each layer is exactly one update of {greek(algorithm.title)} on the tokens of its prompt; the "
              f"state is {algorithm.state}."),
        *pictures,
    ]  # fmt: skip
    if form is not None:
        whole, mask, *shift = layer
        blocks += [Display(whole, "claim"), Display(mask), *map(Display, shift)]
        entrywise = (row("circ"), " multiplies entry by entry")
        if algorithm.kernels:
            blocks.append(prose("Here ", *entrywise, ", and ", indexed("K", "j", "t"), " is the weight of token "
                         "$j$ for token $t$: any number made from rows that no layer writes."))  # fmt: skip
        else:
            blocks.append(prose("Here ", *entrywise, "."))
        if shift:
            moves = "after it" if form.previous else "before it; at the query it is zero"
            blocks.append(prose(f"$S$ moves a row from each token to the one {moves}."))
    blocks += words_of(claims, prover=True)
    if verdict is Verdict.HOLDS:
        blocks.append(prose("What it means: a forward pass through $L$ layers does what $L$ updates would do, and "
                           "nothing of the state is stored but in the prompt's own columns."))  # fmt: skip
    return [*blocks, prose("Each claim beside its evidence: ", Link("verdicts", "#verdicts"), ".")]


def _rows(algorithm: PatternAlgorithm) -> list[Rows]:
    names = row_symbols(algorithm)
    return [Rows(r.name, short(names[r.name].text), range(k, k + 1)) for k, r in enumerate(algorithm.rows)]


def _tokens(algorithm: PatternAlgorithm) -> list[str]:
    return [*map(str, range(1, DRAWN + 1)), "w" if algorithm.column else "q"]


def _drawn(form: PatternForm, settings: Settings) -> list[Drawn]:
    """What each head does with the rows, and its pattern on a small prompt."""
    algorithm, blocks = form.algorithm, _rows(form.algorithm)
    known = {"gamma": settings.gamma, "lam": settings.lam, **settings.values}
    _, _, context = next(x for x in contexts(2, DRAWN, settings.seed, "boyan-chain", None) if x[0] == "generic")
    context = chained(context) if algorithm.chained else context
    values = {k: RATIONALS.number(x) for k, x in
              algorithm.values(known).items()}  # fmt: skip
    start = drawn_start(algorithm, 2, DRAWN, "generic", settings.seed)
    Z = prompt(problem := setup(algorithm, RATIONALS, context, start, values), problem.start)
    layer = layer_of(
        form, RATIONALS, 2, DRAWN, drawn_steps(form, Settings(features=2, context=DRAWN, layers=1))[0], values
    )
    result = []
    for head, (_, scores) in zip(form.heads, layer.heads, strict=True):
        of_key = {a for a, _ in head.Q} if head.Q is not None else {algorithm.scored}
        of_query = {b for _, b in head.Q} if head.Q is not None else {algorithm.scored}
        used = {
            "k": [b for b in blocks if b.name in of_key], "q": [b for b in blocks if b.name in of_query],
            "v": [b for b in blocks if any(b.name == read for _, read in head.V)],
            "+": [b for b in blocks if any(b.name == to for to, _ in head.V)],
        }  # fmt: skip
        if scores is not None:
            keys, asked = scores.factors(Z)
            entries = under(keys @ asked, layer.mask).fractions()
        else:
            seen = [KEYS[form.sees](t, DRAWN) for t in range(1, DRAWN + 2)]
            kernel = algorithm.layer.kernel if algorithm.layer is not None else ""
            features = [_column(Z, algorithm, t) for t in range(DRAWN + 1)]
            entries = [
                [Fraction(x) for x in row]
                for row in masked_pattern(kernel or algorithm.kernels[0], features, seen, _exponential)
            ]
        result.append((used, entries))
    return result


def _column(Z: object, algorithm: PatternAlgorithm, t: int) -> list[Fraction]:
    """The row that the kernel scores, in one column, at d = 2."""
    first = 0
    for one in algorithm.rows:
        if one.name == algorithm.scored:
            break
        first += 1 if one.scalar else 2
    else:
        raise AssertionError("the record was checked")
    return [RATIONALS.at(Z, first + i, t).fraction() for i in range(1 if one.scalar else 2)]


def _exponential(value: Fraction) -> Fraction:
    """For a picture: the nearest float64."""
    return Fraction(math.exp(min(float(value), 700.0)))


def _line(
    algorithm: PatternAlgorithm, new: Sequence[Formula], page: Page, claims: Sequence[Claim], drawn: Sequence[Drawn],
) -> tuple[Cell, ...]:  # fmt: skip
    title = cell(Link(page.title, page.name))
    refuted = [c for c in claims if c.asked and c.verdict is Verdict.REFUTED]
    verdict = Cell((counterexample(refuted),) if refuted else (), page.verdict)
    update = cell(*new) if new else cell(docstring(algorithm) or "The update stands in its file.")
    if not drawn:
        return title, update, cell("none does it"), cell("–"), verdict
    words: list[Span] = []
    for used, _ in drawn:
        words += ["; "] * bool(words)
        words += _does(algorithm, used)
    svg = drawn_sketch(_rows(algorithm), [used for used, _ in drawn], [entries for _, entries in drawn], page.title,
                       text_of(words), f"sketch-{page.name}")  # fmt: skip
    return title, update, cell(str(len(drawn))), Cell(tuple(words), drawing=svg), verdict
