"""The paper form as a PDF, set by Typst from the extra `pdf`: the same text and formulas, macros written out."""

from __future__ import annotations

from importlib.resources import files as resources
from typing import assert_never

from ...formula.build import QUAD, row
from ...formula.formula import Formula
from ...formula.lines import lines
from ..writers.pdf import compiled
from ..writers.typst_math import literal, typst_math
from .bibliography import BY_KEY
from .model import Block, Cite, Display, Environment, Footnote, Paper, Paragraph, Ref, Span, Text, Word

LINE = 70
"""About how many letters of a formula fit on a line."""
NAMES = {"theorem": "Theorem", "lemma": "Lemma", "remark": "Remark", "proof": "Proof"}


def write(paper: Paper) -> bytes:
    """The PDF. Raises as `compiled`."""
    return compiled(source(paper), f"the paper form of {paper.name}")


def source(paper: Paper) -> str:
    """The paper as a Typst document."""
    template = (resources("layerproof.proofs.report") / "templates" / "paper.typ").read_text(encoding="utf-8")
    writer = _Writer(paper)
    body = [writer.block(block) for block in paper.blocks]
    title = f'#block(below: 1.2em, text(size: 1.5em, weight: "bold", [{writer.spans(paper.title)}]))'
    return "\n\n".join([template, title, *body, *writer.sources()]) + "\n"


class _Writer:
    def __init__(self, paper: Paper):
        self.cited: list[str] = []
        self.numbers: dict[str, str] = {}
        counts: dict[str, int] = {}
        for block in paper.blocks:
            inner: tuple[Block, ...] = (block, *block.blocks) if isinstance(block, Environment) else (block,)
            for part in inner:
                kind = "equation" if isinstance(part, Display) else getattr(part, "kind", "")
                label = getattr(part, "label", "")
                if label:
                    counts[kind] = counts.get(kind, 0) + 1
                    self.numbers[label] = str(counts[kind])

    def spans(self, parts: Text) -> str:
        return "".join(self.span(part) for part in parts)

    def span(self, part: Span) -> str:
        match part:
            case str():
                return f"#{literal(part)};"
            case Formula():
                return typst_math(part)
            case Word(word):
                return f"#raw({literal(word)});"
            case Cite(keys):
                self.cited += [key for key in keys if key not in self.cited]
                shown = "; ".join(BY_KEY[key].short for key in keys)
                return f"#{literal(f'[{shown}]')};"
            case Ref(label, kind):
                number = self.numbers[label]
                return f"#{literal(f'{kind} {number}' if kind else f'({number})')};"
            case Footnote(spans):
                return f"#footnote[{self.spans(spans)}];"
            case _:
                assert_never(part)

    def block(self, block: Block) -> str:
        match block:
            case Paragraph(spans, heading):
                front = f"#heading-in({literal(heading)})" if heading else ""
                return front + self.spans(spans)
            case Display(parts, label):
                rows: list[Formula] = []
                for part in parts:
                    first, *rest = map(Formula, lines(part.tree, LINE))
                    rows += [first, *(row(QUAD, line) for line in rest)]
                shown = [f"[{typst_math(r, display=True)}]" for r in rows]
                number = self.numbers[label] if label else ""
                body = shown[0] if len(shown) == 1 else f"shown-lines({', '.join(shown)})"
                return f"#shown-display({body}, {literal(number)})"
            case Environment(kind, blocks, title, label):
                inner = "[" + "\n\n".join(self.block(b) for b in blocks) + "]"
                named = f"[{self.spans(title)}]"
                if kind in ("theorem", "lemma"):
                    number = self.numbers[label] if label else ""
                    return f"#formal({literal(NAMES[kind])}, {literal(number)}, {named}, {inner})"
                return f"#aside({literal(NAMES[kind])}, {named}, {inner}, {'true' if kind == 'proof' else 'false'})"
            case _:
                assert_never(block)

    def sources(self) -> list[str]:
        """The publications that were cited."""
        if not self.cited:
            return []
        rows = []
        for key in self.cited:
            source = BY_KEY[key]
            fields = dict(source.fields)
            where = fields.get("booktitle") or fields.get("journal") or fields.get("publisher", "")
            plain = f"{fields['author'].replace(' and ', '; ')}. {fields['title']}. {where}, {fields['year']}."
            plain += f" {fields['note']}." if "note" in fields else ""
            rows.append(f"#par(hanging-indent: 1em, {literal(_readable(plain))})")
        return ['#block(above: 1.4em, strong("Sources"))', "#set text(size: 0.9em)", *rows]


def _readable(bibtex: str) -> str:
    return bibtex.replace(r"{\'a}", "á").replace("{", "").replace("}", "").replace("--", "–")
