"""The paper form as LaTeX: NAME.tex for `\\input`, macros.tex, and example.tex, which compiles both.

It needs amsmath, amssymb and amsthm, and fits a column of 3.3 inches.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import assert_never

from ...formula.formula import Formula
from ...formula.lines import lines
from ...formula.macros import Macro, in_macros
from ...formula.tex_text import breakable, prose
from .model import Block, Cite, Display, Environment, Footnote, Paper, Paragraph, Ref, Span, Text, Word

LINE = 37
"""About how many letters of a formula fit into a column of 3.3 inches, beside the number of the equation."""
LEVELS = ("section", "subsection", "subsubsection")
THEOREMS = (("theorem", "Theorem"), ("lemma", "Lemma"), ("remark", "Remark"))


def fragment(paper: Paper, level: str = "section", prefix: str = "") -> str:
    """The algorithm's part of a paper; labels begin with the prefix, or with the name where there is none."""
    writer = _Writer(prefix or f"{paper.name}:")
    title = writer.title(paper.title)
    body = [line for block in paper.blocks for line in writer.block(block)]
    return "\n".join([
        r"% \usepackage{amsmath,amssymb,amsthm} and \input{macros} in the preamble; \bibliography{references}",
        r"\providecommand{\texorpdfstring}[2]{#1}",
        r"\begingroup\sloppy",
        rf"\{level}{{{title}}}\label{{{writer.prefix}sec}}",
        *body,
        r"\par\endgroup",
        "",
    ])  # fmt: skip


def macros_file(macros: Iterable[Macro], fragments: Iterable[str]) -> str:
    """macros.tex: the notation that the fragments use, and the environments where a paper has none of its own."""
    used = set(re.findall(r"\\([A-Za-z]+)", "".join(fragments)))
    environments = [
        rf"  \ifdefined\{kind}\else\newtheorem{{{kind}}}{{{name}}}\fi" for kind, name in THEOREMS
    ]  # fmt: skip
    return "\n".join([
        "% Notation of the derivations, to be changed here, or defined before this file is read.",
        *(macro.definition() for macro in macros if macro.name in used),
        r"\AtBeginDocument{%",
        *environments,
        "}",
        "",
    ])  # fmt: skip


def example_file(names: Iterable[str]) -> str:
    """A document around the fragments, to see them at once."""
    return "\n".join([
        r"\documentclass{article}",
        r"\usepackage{amsmath,amssymb,amsthm}",
        r"\input{macros}",
        r"\begin{document}",
        *(rf"\input{{{name}}}" for name in names),
        r"\bibliographystyle{plain}",
        r"\bibliography{references}",
        r"\end{document}",
        "",
    ])  # fmt: skip


def wrapped(line: str) -> str:
    """A paragraph in lines that an author can read."""
    return textwrap.fill(line, 100, break_long_words=False, break_on_hyphens=False)


class _Writer:
    def __init__(self, prefix: str):
        self.prefix = prefix

    def title(self, spans: Text) -> str:
        shown = self.spans(spans)
        plain = "".join(s if isinstance(s, str) else s.text for s in spans if isinstance(s, str | Formula))
        return rf"\texorpdfstring{{{shown}}}{{{prose(plain)}}}"

    def spans(self, parts: Text) -> str:
        return "".join(self.span(part) for part in parts)

    def span(self, part: Span) -> str:
        match part:
            case str():
                return prose(part)
            case Formula(tree):
                return f"${in_macros(tree)}$"
            case Word(word):
                return rf"\texttt{{{breakable(word)}}}"
            case Cite(keys):
                return rf"\cite{{{','.join(keys)}}}"
            case Ref(label, kind):
                return rf"{kind}~\ref{{{self.prefix}{label}}}" if kind else rf"\eqref{{{self.prefix}{label}}}"
            case Footnote(spans):
                return rf"\footnote{{{self.spans(spans)}}}"
            case _:
                assert_never(part)

    def block(self, block: Block) -> list[str]:
        match block:
            case Paragraph(spans, heading):
                front = rf"\paragraph{{{prose(heading)}}} " if heading else ""
                return [wrapped(front + self.spans(spans))]
            case Display(parts, label):
                return self.display(parts, label)
            case Environment(kind, blocks, title, label):
                option = f"[{self.spans(title)}]" if title else ""
                mark = rf"\label{{{self.prefix}{label}}}" if label else ""
                inner = [line for b in blocks for line in self.block(b)]
                return [rf"\begin{{{kind}}}{option}{mark}", *inner, rf"\end{{{kind}}}"]
            case _:
                assert_never(block)

    def display(self, parts: tuple[Formula, ...], label: str) -> list[str]:
        rows: list[str] = []
        for part in parts:
            first, *rest = (in_macros(line) for line in lines(part.tree, LINE))
            rows += [f"&{first}", *(rf"&\quad {line}" for line in rest)]
        star = "" if label else "*"
        mark = rf"\label{{{self.prefix}{label}}}" if label else ""
        body = (
            rows[0][1:]
            if len(rows) == 1
            else (r"\begin{aligned}" + "\n" + " \\\\\n".join(rows) + "\n" + r"\end{aligned}")
        )
        return [rf"\begin{{equation{star}}}{mark}", body, rf"\end{{equation{star}}}"]
