"""Reports made by hand for the writers' tests: every kind of block, hostile texts, long formulas, wide matrices."""

from __future__ import annotations

from layerproof.proofs.formula.formula import Formula, quoted
from layerproof.proofs.report.model import (
    Cell,
    Code,
    Display,
    Folded,
    Link,
    Listing,
    Matrix,
    Note,
    Page,
    Paragraph,
    Picture,
    Report,
    Section,
    Steps,
    Table,
)
from layerproof.proofs.verdict import Verdict

NASTY = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    r"\input{/etc/passwd}",
    r"\immediate\write18{touch owned}",
    '#read("/etc/passwd")',
    '") #panic("owned") #text("',
    "$ #x $ $$ \\(y\\) \\[z\\]",
    "]]> --> */ `````` ~~~ \\end{document} \\end{tabular}",
    "a | b [c](javascript:alert(1)) **d** _e_ # f <b>",
    "\u202egnp.exe\u2066 \u200b \x00 \x1b[31m \ud800",
    "^^5cinput % ~ & { } _ ^",
    "- item\n# heading\n1. one\n> quote\n| a | b |",
    "```\nfence\n```",
    "&lt;b&gt; &#x41; é ł ж 中 ∑ ≤ −",
    "javascript:alert(1) https://evil.example www.evil.example user@evil.example",
)
"""Texts that mean something in HTML, LaTeX, Typst, Markdown or to a terminal."""

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 200" width="560" height="200" font-family="sans-serif" '
    'font-size="13"><line x1="50" y1="160" x2="540" y2="160" stroke="#d0d7de" class="stroke-muted"/>'
    '<line x1="50" y1="20" x2="50" y2="160" stroke="#d0d7de" class="stroke-muted"/>'
    '<polyline points="60,30 180,60 300,90 420,140 530,152" fill="none" stroke="#0072B2" stroke-width="2" '
    'class="stroke-0"/><circle cx="300" cy="90" r="5" fill="#D55E00" class="solid-1"/>'
    '<rect x="60" y="120" width="40" height="40" fill="#cfe3f3" class="fill-0"/>'
    '<text x="300" y="185" text-anchor="middle" fill="#1b1f24" class="ink">layer l</text></svg>'
)


def number(text: str) -> Formula:
    """A rational as a formula."""
    _, _, rest = text.rpartition("-")
    above, _, below = rest.partition("/")
    return quoted(text, ("-" if "-" in text else "") + (rf"\tfrac{{{above}}}{{{below}}}" if below else above))


UPDATE = quoted(
    "w_{l+1} = w_l + (1/n) C_l sum_j (R_j + gamma w_l.phi'_j - w_l.phi_j) phi_j",
    r"w_{l+1} = w_l + \frac{1}{n} C_l \sum_{j=1}^{n} (R_j + \gamma w_l^\top \phi'_j - w_l^\top \phi_j)\, \phi_j",
)
LONG = quoted(
    "total_j = total_{j-1} + " + " + ".join(f"lam^{k} (R_{k} + gamma w.phi'_{k} - w.phi_{k})" for k in range(1, 12)),
    r"\mathit{total\_rate}_{j} = \mathit{total\_rate}_{j-1} + "
    + " + ".join(
        rf"\lambda^{{{k}}} (R_{{{k}}} + \gamma w^\top {{\phi'_{{{k}}}}} - w^\top \phi_{{{k}}})" for k in range(1, 12)
    ),
)
CASES = quoted(
    "M[i,j] = 1 for i = j, lam^(i-j) for j < i, 0 elsewhere",
    r"(M_1)_{ij} = \begin{cases} 1 & i = j \\ \lambda^{i - j} & j < i \\ 0 & \text{elsewhere} \end{cases}",
)
FENCES = quoted(
    "(1/2 + x/y) {a} [b|c]",
    r"\left( \tfrac{1}{2} + \frac{x}{y} \right) \bigl(X_{r j}^\top W {\phi'_j}^\top\bigr) \{a\} "
    r"\begin{bmatrix} 1 & -2 \\ x & y \end{bmatrix} \underbrace{a + b}_{c} \max_i \|x\| \hat v",
)
HOSTILE_FORMULA = quoted('<b>x</b> #read("y")', r"\input{/etc/passwd} $ \write18{x}")
SYMBOLS = quoted("T[td_error; i, j]", r"T_{\text{td\_error};i,j,\mathrm{gamma\_phi\_next}} \in \mathbb{R}^{d \times d}")


def matrix() -> Matrix:
    """A labelled block matrix with groups."""
    return Matrix(
        name=quoted("Q_l", "Q_l"),
        rows=("phi", "gamma_phi_next", "td_error"),
        columns=("phi", "gamma_phi_next", "td_error"),
        entries=((quoted("-C_l^T", r"-C_l^\top"), quoted("C_l^T", r"C_l^\top"), None), (None,) * 3, (None,) * 3),
        row_sizes=("d", "d", "1"),
        column_sizes=("d", "d", "1"),
        groups=((0, 1, None), (None,) * 3, (None,) * 3),
        legend=("keys met with the feature of the query", "keys met with the next feature"),
        caption="The key-query matrix of head 1.",
    )


def wide_matrix() -> Matrix:
    """A matrix of rationals that is wider than any page."""
    labels = tuple(f"feature[{k}]" for k in range(1, 19))
    entries = tuple(tuple(number(f"{-3 * i + j}/{7919 + j}") for j in range(18)) for i in range(3))
    return Matrix(quoted("Z", "Z"), ("a", "b", "c"), labels, entries)


def page(name: str = "td0", title: str = "TD(0)", verdict: Verdict = Verdict.HOLDS) -> Page:
    """A page with every kind of block."""
    table = Table(
        ("claim", "proved for all sizes", "on this run", "note"),
        tuple(
            (Cell((f"claim {v.name.lower()}",)), Cell((), v), Cell((Link("details", "#example"),), v),
             Cell(("within ", quoted("2^-40", "2^{-40}"), " of ", Code("float64"))))
            for v in Verdict
        ),
        "What is claimed, and what shows it.",
    )  # fmt: skip
    steps = Steps(
        tuple(
            (
                f"Layer {layer}",
                (
                    Paragraph.of("The residual times ", quoted("C_l", "C_l"), ":"),
                    Matrix(
                        quoted(f"Z_{layer}", f"Z_{layer}"),
                        ("phi[1]", "phi[2]", "td_error"),
                        ("1", "2", "query"),
                        tuple(tuple(number(f"{layer * 3 - i * j}/{7 + i}") for j in range(3)) for i in range(3)),
                    ),
                ),
            )
            for layer in (1, 2, 3)
        )
    )
    lead = (
        Paragraph.of("Each layer is one iterate of ", Link("the update", "#update"), ", here ", UPDATE, "."),
        table,
        Note(verdict, "What was asked for", (Paragraph.of("The witness has ", quoted("d = 2", "d = 2"), "."),)),
    )
    sections = (
        Section("update", "The textbook update", (Display(UPDATE, "eq-update"), Display(LONG), Display(CASES),
                Display(FENCES), Display(SYMBOLS), Paragraph.of("See ", Link("the update", "#eq-update"), ", inline ",
                FENCES, ", in ", Link("the paper", "https://arxiv.org/abs/2405.13861"), "."))),
        Section("weights", "The weights", (matrix(), wide_matrix())),
        Section("example", "A worked example", (steps, Folded("Every number", (table,), "numbers"),
                Listing("Theorem td0_state : forall d n L,\n  run L = iterate L.\nProof. exact: H. Qed.", "rocq"),
                Steps((("First", (Paragraph.of("One."),)), ("Second", (Paragraph.of("Two."),))), together=True),
                Listing("layerproof report td0 -d 2 -n 3 -L 2 -o report", "shell"),
                Picture(SVG, "An error that falls with every layer", "The error of each layer.",
                        Table(("layer", "error"), ((Cell(("1",)), Cell((number("1/8"),))),))))),
        Section("not", "What is not claimed", (
            Note(Verdict.NOT_RUN, "Not run", (Paragraph.of("No prover was asked."),)),
            Note(Verdict.UNDECIDED, "Undecided", (Paragraph.of("The bound is vacuous."),)),
            Note(Verdict.REFUTED, "Refuted", (Paragraph.of("A witness at layer 1."),)),
            Note(None, "Remark", (Paragraph.of("Plain, see ", Link("the numbers", "#numbers"), "."),)))),
    )  # fmt: skip
    return Page(name, title, verdict, lead, sections, {"gamma": "9/10"})


def hostile_page(text: str, name: str = "mine") -> Page:
    """A page that says `text` wherever a text can be said."""
    cell = Cell((text, Code(text), quoted(text, "x"), HOSTILE_FORMULA, Link(text, "#s")), Verdict.HOLDS)
    matrix = Matrix(quoted(text, r"\text{x}"), (text,), (text,), ((quoted(text, text),),), (text,), (text,),
                    ((0,),), (text,), text)  # fmt: skip
    blocks = (
        Paragraph.of(text, Code(text), quoted(text, text), Link(text, "#s")),
        Display(quoted(text, text), "formula"),
        Table((text, text), ((Cell((text,)), cell),), text),
        matrix,
        Picture(SVG, text, text, Table((text,), ((cell,),), text)),
        Listing(text, "rocq"),
        Note(Verdict.REFUTED, text, (Paragraph.of(text),)),
        Steps(((text, (Paragraph.of(text),)), (text, ()))),
        Folded(text, (Paragraph.of(text),), "fold"),
    )
    return Page(name, text, Verdict.REFUTED, blocks[:1], (Section("s", text, blocks),), {"said": text})


def report() -> Report:
    """Two pages, one of them refuted, and an index that links to both."""
    pages = (page(), page("broken-td", "TD(0) with a fault", Verdict.REFUTED), page("open", "Open", Verdict.NOT_RUN))
    lead = (Paragraph.of("Two pages: ", Link("TD(0)", "td0"), " and ", Link("its weights", "broken-td#weights"), "."),)
    return Report("A sample report", lead, pages, {"version": "0"})


def hostile_report() -> Report:
    """One page for each nasty text."""
    pages = tuple(hostile_page(text, f"nasty-{place}") for place, text in enumerate(NASTY))
    return Report(NASTY[0] + NASTY[5] + NASTY[3], (Paragraph.of(*NASTY),), pages, {"said": list(NASTY)})
