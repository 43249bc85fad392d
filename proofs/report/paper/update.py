"""The update as a paper states it: what is named on the way, and the step."""

from __future__ import annotations

import re

from ...formula.letters import GREEK
from .bibliography import cited
from .facts import Facts
from .model import Block, Cite, Display, Math, Span, Text, paragraph

_GREEK = re.compile(rf"\b(lambda|gamma|{'|'.join(GREEK)})\b")


def title(words: str) -> Text:
    r"""A title with its Greek letters set: TD(lambda).

    >>> title("TD(lambda)")
    ('TD(', Math(latex='\\lambda'), ')')
    """
    pieces = _GREEK.split(words)
    return tuple(Math(rf"\{p}") if k % 2 else p for k, p in enumerate(pieces) if p)


def source(facts: Facts) -> tuple[Span, ...]:
    """Where the update is from: known publications by their keys, anything else as it says itself."""
    keys = cited(facts.algorithm.source)
    return (Cite(keys),) if keys else (f"({facts.algorithm.source})",)


def update_blocks(facts: Facts) -> list[Block]:
    """The definition of the update."""
    a, s = facts.algorithm, facts.symbols
    phi, following, reward = (s.at("transition", x, "j") for x in ("phi", "phi_next", "reward"))
    d, n, layer = s.at("size", "d"), s.at("sweep", "n"), facts.layer
    more = "".join(f", {s.at('transition', name, 'j')}" for name, _ in a.extras)
    shape = facts.shape
    intro = paragraph(
        title(a.title), " ", *source(facts), f" runs over ${n}$ transitions "
        f"$({phi}, {reward}, {following}{more})$ with features ${phi}, {following} \\in \\mathbb{{R}}^{{{d}}}$ "
        f"and reward ${reward}$. From any ${facts.weights('0')}$, step ${layer} = 0, 1, \\dots$ sets",
        heading="The update.",
    )  # fmt: skip
    if shape is None:
        return [paragraph(title(a.title), " ", *source(facts), ". Its update is no single loop and has no closed form"
                          ": ", facts.traced.reason, ".", heading="The update.")]  # fmt: skip
    definitions = []
    for name, node in shape.definitions:
        here = s.at("variable", name, "j")
        line = f"{here} = {facts.looped.defined(node)}"
        if name in shape.starts:
            line += rf", \quad {s.at('variable', name, '0')} = {facts.looped.latex(shape.starts[name])}"
            line = line.replace(f"= 0 {facts.weights(layer)}", "= 0")
        definitions.append(line)
    back = bool(shape.copies)
    finish = [
        f"{s.at('weight', w)}_{{{layer}+1}} = {facts.looped.latex(node)}" for w, node in shape.loop.finish
    ]  # fmt: skip
    steps = [s.at("preconditioner", c, layer) for c in a.preconditioners if c not in a.scalar_preconditioners]
    numbers = [s.at("preconditioner", c, layer) for c in a.scalar_preconditioners]
    what: list[str] = []
    if steps:
        what.append(f"${', '.join(steps)} \\in \\mathbb{{R}}^{{{d} \\times {d}}}$")
    if numbers:
        what.append(f"${', '.join(numbers)} \\in \\mathbb{{R}}$")
    past = ", where what stands before the first transition is zero" if back else ""
    w, q = s.at("weight", a.weights[0]), s.at("query", "q")
    several = len(a.preconditioners) > 1
    after = paragraph(
        (f"with {' and '.join(what)} free and {'their' if several else 'its'} own in every step (a step size, where "
         f"{'one' if several else 'it'} is a multiple of the identity){past}. " if what else ""),
        "".join(f"{_called(text, facts)} " for text in a.layered).replace("<=", "at most").replace(">=", "at least"),
        f"The prediction at a state with features ${q}$ is ${w}_{{{layer}}}^{{\\top}} {q}$.",
    )  # fmt: skip
    shown = [*definitions, *finish]
    return [intro, Display((*(f"{x}," for x in shown[:-1]), shown[-1] + ("," if what else ".")), "update"), after]


def _called(text: str, facts: Facts) -> str:
    """What differs from layer to layer, with what the paper calls it."""
    a = facts.algorithm
    for name in a.layered_names:
        source, index = ("preconditioner", facts.layer) if name in a.tables else ("transition", "j")
        shown = f"${facts.symbols.at(source, name, index)}$"
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _, x=shown: x, text)  # type: ignore[misc]
    return text
