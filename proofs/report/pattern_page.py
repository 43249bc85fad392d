"""The page of an algorithm that attends by patterns: update, layer and its picture, heads, prompt, evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from ...numeric.data.draws import contexts
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.errors import LayerproofError
from ...symbolic.patterns.given import pattern_form
from ...symbolic.patterns.heads import PatternForm, heads_text, shift_text
from ...symbolic.patterns.kernels import masked_pattern
from ...symbolic.patterns.layer import layer_of, under
from ...symbolic.patterns.record import KEYS, PatternAlgorithm
from ...symbolic.patterns.run import chained, prompt, setup
from ..case import Settings
from ..pattern_claims import drawn_start, drawn_steps
from ..verdict import Claim, Verdict, worst_asked
from .assemble import alarm, cell, greek, plain, prose
from .document.formula import Formula, quoted
from .document.parts import plain_formula
from .document.patterns import pattern_sections
from .lead import alarming
from .model import Block, Cell, Display, Link, Listing, Page, Picture, Section, Table
from .overview import counterexample
from .picture_layer import Block as Rows
from .picture_layer import drawn_head, drawn_sketch, short
from .sections import evidence, verdicts
from .sections.reproduce import PACKAGES, version
from .set_formulas import set_page

DRAWN = 4
"""The context length, and with d = 2, of the pattern that is drawn."""
LAYER = (
    "Z_{l+1} = S(Z_l + a sum_h V_{l,h} Z_l A_h)",
    r"Z_{\ell+1} = S\bigl(Z_{\ell} + a \sum_h V_{\ell,h} Z_{\ell} A_h\bigr)",
)
Drawn = tuple[dict[str, list[Rows]], list[list[Fraction]]]


def pattern_page(
    algorithm: PatternAlgorithm, name: str, claims: tuple[Claim, ...], settings: Settings, command: str
) -> tuple[Page, tuple[Cell, ...]]:
    """The page with this name, and its row of the index."""
    try:
        form: PatternForm | None = pattern_form(algorithm)
    except LayerproofError:
        form = None
    verdict = worst_asked(claims)
    order = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN)
    lead: list[Block] = [alarm(c) for v in order for c in claims if alarming(c, v)]
    lead += _claim(algorithm, verdict)
    drawn = [] if form is None else _drawn(form, settings)
    blocks = _rows(algorithm)
    for k, (used, entries) in enumerate(drawn, 1):
        title = f"Head {k} of {len(drawn)}" if len(drawn) > 1 else "The head"
        svg, words = drawn_head(blocks, used, entries, _tokens(algorithm), title, BESIDE, f"layer-{name}-{k}")
        tokens = _tokens(algorithm)
        rows = tuple((cell(t), *(cell(f"{float(x):.3g}") for x in row)) for t, row in zip(tokens, entries, strict=True))
        lead.append(Picture(svg, words, title, Table(("from token", *(f"into {t}" for t in tokens)), rows)))
    sections = [
        verdicts.of_claims(claims), *_derivation(algorithm, form), evidence.of_claims(claims, dates=False),
        Section("reproduce", "How to reproduce this", (
            Listing(command, "shell"),
            Table(("package", "version"), tuple((cell(x), cell(version(x))) for x in PACKAGES)),
        )),
    ]  # fmt: skip
    data = {"claims": [_data(c) for c in claims]}
    kept = tuple(x for x in sections if x is not None)
    page = set_page(Page(name, greek(algorithm.title), verdict, tuple(lead), kept, data), _symbols(algorithm))
    return page, _line(algorithm, form, page, claims, blocks, drawn)


BESIDE = "the attention pattern, under its mask, on a small prompt of random rationals"


def _stated(algorithm: PatternAlgorithm) -> str:
    """The update in the words of its docstring, the first paragraph."""
    first = str(algorithm.update.__doc__ or "The update stands in its file.").strip().partition("\n\n")[0]
    return " ".join(first.split())


def _data(claim: Claim) -> dict[str, object]:
    document = claim.to_json()
    document["details"].pop("environment", None)
    return document


def _claim(algorithm: PatternAlgorithm, verdict: Verdict) -> list[Block]:
    established = "" if verdict is Verdict.HOLDS else "The claim under examination, not established here. "
    pattern = (
        "A is the pattern K under the mask, and the claim is for every K that is made from rows which no layer writes"
        if algorithm.kernels
        else "A is $Z^T Q Z|Z^\\top Q Z$ under the mask"
    )
    return [
        prose(established, f"Each layer is exactly one update of {greek(algorithm.title)} on the tokens of its prompt; "
              f"the state is {algorithm.state}."),
        Display(quoted(*LAYER), "claim"),
        prose(pattern + "; a is the layer's factor, and S the shift of rows from token to token, where there is one."),
    ]  # fmt: skip


def _derivation(algorithm: PatternAlgorithm, form: PatternForm | None) -> list[Section]:
    update: list[Block] = (
        [plain(" ".join(str(algorithm.update.__doc__ or "").split()))] if algorithm.update.__doc__ else []
    )
    update += [plain(text) for text in (f"Source: {algorithm.source}.", algorithm.differs) if text]
    rows = [
        (cell(r.name), cell("1 row" if r.scalar else "d rows"),
         cell("written" if form is not None and r.name in form.held else "stay"), cell(plain_formula(r.meaning)))
        for r in algorithm.rows
    ]  # fmt: skip
    found = [
        Section("update", "The update", tuple(update)),
        Section("prompt", "The prompt", (Table(("rows", "how many", "by layers", "hold"), tuple(rows)),)),
    ]
    if form is None:
        return found
    how = "derived" if algorithm.layer is None else "given, and checked against the update"
    blocks: list[Block] = [plain(f"The layer is {how}.")]
    for section in pattern_sections(form):
        if section.title in ("The layer", "The heads"):
            skipped = algorithm.layer is not None and section.title == "The heads"
            blocks += [plain(str(part)) for part in section.parts[1 if skipped else 0 :]]
    return [*found, Section("layer", "The layer", tuple(blocks))]


def _symbols(algorithm: PatternAlgorithm) -> dict[str, Formula]:
    """What a paper calls the rows."""
    return {r.name: quoted(r.name, r.symbol) for r in algorithm.rows if r.symbol.startswith("\\")}


def _rows(algorithm: PatternAlgorithm) -> list[Rows]:
    return [Rows(r.name, short(r.symbol.lstrip("\\").replace("bar v", "vbar") or r.name), range(k, k + 1))
            for k, r in enumerate(algorithm.rows)]  # fmt: skip


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
    Z = prompt(found := setup(algorithm, RATIONALS, context, start, values), found.start)
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
    for row in algorithm.rows:
        if row.name == algorithm.scored:
            break
        first += 1 if row.scalar else 2
    else:
        raise AssertionError("the record was checked")
    return [RATIONALS.at(Z, first + i, t).fraction() for i in range(1 if row.scalar else 2)]


def _exponential(value: Fraction) -> Fraction:
    """For a picture: the nearest float64."""
    return Fraction(math.exp(min(float(value), 700.0)))


def _line(
    algorithm: PatternAlgorithm, form: PatternForm | None, page: Page, claims: Sequence[Claim], blocks: list[Rows],
    drawn: Sequence[Drawn],
) -> tuple[Cell, ...]:  # fmt: skip
    title = cell(Link(page.title, page.name))
    refuted = [c for c in claims if c.asked and c.verdict is Verdict.REFUTED]
    verdict = Cell((counterexample(refuted),) if refuted else (), page.verdict)
    update = cell(_stated(algorithm))
    if form is None:
        return title, update, cell("none does it"), cell("–"), verdict
    words = "; ".join([*(x for head in heads_text(form) for x in head["V"] or ()), *shift_text(form)])
    svg = drawn_sketch(blocks, [used for used, _ in drawn], [entries for _, entries in drawn], page.title, words,
                       f"sketch-{page.name}")  # fmt: skip
    return title, update, cell(str(len(form.heads))), Cell((words,), drawing=svg), verdict
