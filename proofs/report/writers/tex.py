"""A report as LaTeX: a fragment for each page, which amsmath and amssymb compile, and a document with all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from ...formula.formula import Formula
from ...formula.latex import latex
from ...formula.lines import lines, width
from ...formula.tex_text import breakable, text
from ...verdict import Verdict
from ..model import (
    Block,
    Cell,
    Code,
    Display,
    Folded,
    Label,
    Link,
    Listing,
    Matrix,
    Note,
    Page,
    Paragraph,
    Picture,
    Report,
    Section,
    Span,
    Steps,
    Table,
    called,
    worded,
)
from .checked import is_outside
from .signs import SUMMARIES, WORDS, lead

LINE = 64
"""About how many letters of a displayed formula fit on a line of an article."""
ROWS = 30
"""Rows of one tabular; what is longer goes on in another one, since no tabular breaks over pages."""
MANY = 4
"""More pages than these are listed without their sections."""
SIGNS = {
    Verdict.HOLDS: r"$\checkmark$",
    Verdict.REFUTED: r"$\boldsymbol{\times}$",
    Verdict.UNDECIDED: "?",
    Verdict.NOT_RUN: "--",
}
PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage{amsmath,amssymb}
\setlength{\hoffset}{-1in}\setlength{\voffset}{-1in}
\setlength{\oddsidemargin}{25mm}\setlength{\textwidth}{160mm}
\setlength{\parindent}{0pt}\setlength{\parskip}{0.5\baselineskip}
\setlength{\topmargin}{15mm}\setlength{\textheight}{237mm}
\emergencystretch=3em
\begin{document}
"""


def write(report: Report) -> dict[str, bytes]:
    """The files of the report by name: index.tex, which compiles, and a fragment for each page."""
    index = [PREAMBLE.rstrip(), rf"\title{{{text(report.title)}}}", r"\author{}", r"\date{}", r"\maketitle"]
    depth = 2 if len(report.pages) <= MANY else 1
    index += [*_Writer("index").blocks(report.lead), rf"\setcounter{{tocdepth}}{{{depth}}}", r"\tableofcontents"]
    for page in report.pages:
        index += [r"\clearpage", rf"\input{{{page.name}}}"]
    result = {"index.tex": "\n".join([*index, r"\end{document}", ""])}
    for page in report.pages:
        result[f"{page.name}.tex"] = fragment(page)
    return {name: content.encode() for name, content in result.items()}


def fragment(page: Page) -> str:
    r"""A page as a \section to be pasted into a document that uses amsmath and amssymb."""
    verdict = rf"\noindent {verdict_text(page.verdict)} {text(SUMMARIES[page.verdict])}"
    return titled(page.name, page.title, page.sections, [verdict, "", *_Writer(page.name).blocks(lead(page))])


def titled(name: str, title: str, sections: Sequence[Section], first: Sequence[str] = ()) -> str:
    r"""A \section of this title, whose labels begin with a name, with what stands `first` and the sections in it."""
    writer = _Writer(name)
    opening = [r"% wants \usepackage{amsmath,amssymb}", r"\begingroup\emergencystretch=3em"]  # code in running text
    parts = [*opening, rf"\section{{{text(title)}}}\label{{{name}}}", *first]
    for section in sections:
        heading = rf"\subsection{{{text(section.title)}}}\label{{{name}:{section.id}}}"
        parts += ["", heading, *writer.blocks(section.blocks)]
    return "\n".join([*parts, r"\par\endgroup", ""])


def verdict_text(verdict: Verdict) -> str:
    """A verdict as sign and word."""
    return rf"{SIGNS[verdict]}~\textbf{{{WORDS[verdict].replace(' ', '~')}}}"


def formula(value: Formula) -> str:
    """A formula in running text; its plain text where its LaTeX is not one that we set."""
    return rf"\texttt{{{breakable(value.text)}}}" if value.set_as_text else f"${_single(value.latex)}$"


def _single(latex: str) -> str:
    return " ".join(latex.split()) or "{}"


def _worded(caption: str) -> str:
    """A title or caption with its formulas."""
    return "".join(formula(part) if isinstance(part, Formula) else text(str(part)) for part in worded(caption))


class _Writer:
    """Writes the blocks of one page, whose name begins its labels."""

    def __init__(self, page: str) -> None:
        self.page = page

    def blocks(self, blocks: tuple[Block, ...]) -> list[str]:
        return [part for block in blocks for part in self.block(block)]

    def spans(self, parts: tuple[Span, ...]) -> str:
        return "".join(self.span(part) for part in parts)

    def span(self, part: Span) -> str:
        match part:
            case str():
                return text(part)
            case Code(value):
                return rf"\texttt{{{breakable(value)}}}"
            case Formula():
                return formula(part)
            case Link(value, target):
                if target.startswith("#"):
                    return rf"{text(value)} (\ref{{{self.page}:{target[1:]}}})"
                return rf"{text(value)} (\texttt{{{breakable(target)}}})" if is_outside(target) else text(value)
            case _:
                assert_never(part)

    def block(self, block: Block) -> list[str]:
        match block:
            case Paragraph(parts):
                return ["", self.spans(parts), ""]
            case Display(value, label):
                return self.display(value, label)
            case Table():
                return self.table(block)
            case Matrix():
                return matrix(block)
            case Picture(_, alt, caption, data):
                return [
                    "",
                    rf"\noindent\emph{{{_worded(caption or alt)}}}",
                    "",
                    *(self.table(data) if data.rows else []),
                ]
            case Listing(source, _):
                return listing(source)
            case Note(verdict, title, inner):
                sign = f"{verdict_text(verdict)}: " if verdict else ""
                return [
                    r"\begin{quote}",
                    rf"{sign}\textbf{{{_worded(title)}}}",
                    "",
                    *self.blocks(inner),
                    r"\end{quote}",
                ]
            case Steps(items):
                return [
                    part
                    for number, (title, inner) in enumerate(items, 1)
                    for part in ("", rf"\subsubsection*{{{number}. {_worded(title)}}}", *self.blocks(inner))
                ]
            case Folded(title, inner, name):
                heading = rf"\subsubsection*{{{_worded(title)}}}"
                anchor = rf"\label{{{self.page}:{name}}}" if name else ""
                return ["", heading + anchor, *self.blocks(inner)]
            case _:
                assert_never(block)

    def display(self, value: Formula, label: str | None) -> list[str]:
        if value.set_as_text:
            return ["", rf"\noindent\texttt{{{breakable(value.text)}}}", ""]
        star = "" if label else "*"
        mark = rf"\label{{{self.page}:{label}}}" if label else ""
        parts = [_single(latex(part)) for part in lines(value.tree, LINE)]
        if len(parts) == 1:
            return [rf"\begin{{equation{star}}}{mark}", parts[0], rf"\end{{equation{star}}}"]
        body = " \\\\\n&\\quad ".join(parts)
        return [
            rf"\begin{{equation{star}}}{mark}",
            rf"\begin{{split}}&{body}\end{{split}}",
            rf"\end{{equation{star}}}",
        ]

    def table(self, table: Table) -> list[str]:
        result: list[str] = [""]
        if table.caption:
            result += [rf"\noindent\emph{{{_worded(table.caption)}}}", ""]
        for start in range(0, max(len(table.rows), 1), ROWS):
            result += self.tabular(table, table.rows[start : start + ROWS])
        return result

    def tabular(self, table: Table, rows: tuple[tuple[Cell, ...], ...]) -> list[str]:
        size = r"\small" if len(table.headers) < 6 else r"\scriptsize"
        columns = "".join(rf"p{{{share:.3f}\linewidth}}" for share in _shares(table))
        head = " & ".join(rf"\raggedright\textbf{{{_worded(name)}}}" for name in table.headers)
        body = [" & ".join(rf"\raggedright {self.cell(cell)}" for cell in row) + r" \tabularnewline" for row in rows]
        return [
            rf"\begingroup{size}\setlength{{\tabcolsep}}{{3pt}}\renewcommand{{\arraystretch}}{{1.2}}",
            rf"\noindent\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
            r"\hline",
            head + r" \tabularnewline",
            r"\hline",
            *body,
            r"\hline",
            r"\end{tabular}\par\endgroup",
            r"\medskip",
        ]

    def cell(self, cell: Cell) -> str:
        shown = self.spans(cell.spans)
        return f"{verdict_text(cell.verdict)} {shown}".strip() if cell.verdict else shown or "{}"


def _length(cell: Cell) -> float:
    shown = sum(
        width(s.tree) if isinstance(s, Formula) else len(s) if isinstance(s, str) else len(s.text) for s in cell.spans
    )
    return shown + (10 if cell.verdict else 0)


def _shares(table: Table) -> list[float]:
    """How much of the line each column gets: by the square root of its longest cell, so that none starves."""
    longest = [
        max([len(name), *(_length(row[c]) for row in table.rows)], default=1) for c, name in enumerate(table.headers)
    ]
    least = [15.0 if any(row[c].verdict for row in table.rows) else 5.0 for c in range(len(table.headers))]
    weights = [max(size, low) ** 0.6 for size, low in zip(longest, least, strict=True)]
    room = 1 - 0.0175 * (len(weights) - 1)  # without the gaps between the columns
    return [room * weight / sum(weights) for weight in weights]


def matrix(value: Matrix) -> list[str]:
    """A labelled matrix as an array, in pieces side by side in turn where it is too wide for a line."""
    entries = [["0" if e is None else _entry(e) for e in row] for row in value.entries]
    names = [_name(n, s) for n, s in zip(value.rows, value.row_sizes or ("",) * len(value.rows), strict=True)]
    heads = [_name(n, s) for n, s in zip(value.columns, value.column_sizes or ("",) * len(value.columns), strict=True)]
    columns = [
        len(called(n)) + len(s) for n, s in zip(value.columns, value.column_sizes or ("",) * len(heads), strict=True)
    ]
    widths = []
    for c, letters in enumerate(columns):
        filled = [row[c] for row in value.entries]
        widths.append(2 + max(0.6 * letters, 1.0, *(1.0 if e is None else width(e.tree) for e in filled)))
    longest = max(map(len, (*map(called, value.rows), *value.row_sizes)), default=0)
    first = 0.6 * longest + width(value.name.tree) + 5
    result: list[str] = []
    start = 0
    while True:
        stop, used = start, first
        while stop < len(widths) and (stop == start or used + widths[stop] <= LINE + 6):
            used += widths[stop]
            stop += 1
        name = _entry(value.name) if not start else r"\cdots"
        body = [r"& " + " & ".join(heads[start:stop]) + r" \\ \hline"]
        body += [
            f"{label} & " + " & ".join(row[start:stop]) + r" \\" for label, row in zip(names, entries, strict=True)
        ]
        inner = "\n".join([rf"\begin{{array}}{{r|{'c' * (stop - start)}}}", *body, r"\end{array}"])
        result += [r"\[", r"\renewcommand{\arraystretch}{1.4}", rf"{name} = {inner}", r"\]"]
        start = stop
        if start >= len(widths):
            break
    return [*result, *([rf"\noindent\emph{{{_worded(value.caption)}}}", ""] if value.caption else [])]


def _entry(value: Formula) -> str:
    return rf"\text{{{text(value.text)}}}" if value.set_as_text else _single(value.latex)


def _name(name: str, size: str) -> str:
    """The name of a row or a column in small letters, a formula where a paper has one."""
    behind = rf"\ ({text(size)})" if size else ""
    if isinstance(name, Label) and not name.formula.set_as_text:
        return rf"{{\scriptstyle {_single(name.formula.latex)}}}" + (rf"\text{{\scriptsize{behind}}}" if size else "")
    return rf"\text{{\scriptsize {text(called(name))}{behind}}}"


def listing(source: str) -> list[str]:
    """Source text line by line, its spaces kept: verbatim could be ended by what it holds."""
    shown = [rf"\mbox{{}}\texttt{{{breakable(line, spaces=True)}}}\\" for line in source.split("\n")]
    shown[-1] = shown[-1].removesuffix("\\\\")
    return ["", r"\begingroup\small\raggedright\noindent", *shown, r"\par\endgroup", ""]
