"""The rows of the prompt, as its columns hold them at any weights."""

from __future__ import annotations

from ....symbolic.derivation.form import Form
from ...formula.build import row
from ..assemble import commas, prose
from ..model import Code, Matrix, Paragraph, Section
from ..names import Names, meaning
from ..notation import row_labels


def prompt_section(form: Form) -> Section:
    """The rows of Z."""
    algorithm, state = form.algorithm, form.state
    token = algorithm.query_token(state.query(), state.algebra.number(0))
    values = algorithm.column_values(state.weights, token, state.p)
    entries = [(meaning(b.meaning), row("q" if b.query is not None else "0")) for b in algorithm.features]
    for accumulator, value in zip(algorithm.accumulators, values, strict=True):
        entries.append((meaning(accumulator.meaning), Names.of(form).scalar(value)))
    sizes = ["1 row" if b.scalar else "d rows" for b in algorithm.features] + ["accumulator"] * len(values)
    intro = prose("Rows of $Z$ as the weights are $w$; the prompt itself is this at the starting weights (zero in the "
                  "papers).")  # fmt: skip
    labels, columns = row_labels(state), ("context column j", "query column")
    shown = Matrix(row("Z"), labels, columns, tuple(entries), tuple(sizes))
    names = Paragraph(("Code calls its rows ", *commas(Code(str(label)) for label in labels), "."))
    return Section("prompt", "Prompt", (intro, shown, names))
