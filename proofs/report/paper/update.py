"""The update as a paper states it: what is named on the way, and the step."""

from __future__ import annotations

import re

from ....symbolic.algorithm import Algorithm
from ....symbolic.patterns.record import PatternAlgorithm
from ...formula.build import NO_GAP, QUAD, bracketed, equation, listed, power, row, transposed
from ...formula.formula import Formula
from ...formula.letters import GREEK
from ...formula.shape import is_zero
from .bibliography import cited
from .facts import Facts
from .model import Block, Cite, Span, Text, display, joined, paragraph, text
from .notation import REALS

_UNREAD = re.compile(r"(?:known here from|from memory).*")
_GREEK = re.compile(rf"\b(lambda|gamma|{'|'.join(GREEK)})\b")


def title(words: str) -> Text:
    r"""A title with its Greek letters set: TD(lambda).

    >>> title("TD(lambda)")
    ('TD(', Formula('lambda', '\\lambda'), ')')
    """
    pieces = _GREEK.split(words)
    return tuple(row(p) if k % 2 else p for k, p in enumerate(pieces) if p)


def source(algorithm: Algorithm | PatternAlgorithm) -> tuple[Span, ...]:
    """Where the update is from: known publications by their keys, anything else as it says itself.

    How a publication is known that was not at hand stays beside its key.
    """
    keys = cited(algorithm.source)
    unread = _UNREAD.search(algorithm.source)
    return (Cite(keys), *([f" ({unread[0]})"] if unread else [])) if keys else (f"({algorithm.source})",)


def update_blocks(facts: Facts) -> list[Block]:
    """The definition of the update."""
    a, s, layer, n = facts.algorithm, facts.symbols, facts.layer, facts.n
    front = (*title(a.title), " ", *source(a))
    shape = facts.shape
    if shape is None:
        return [paragraph(front, ". Its update is no single loop and has no closed form: ", facts.traced.reason, ".",
                          heading="The update.")]  # fmt: skip
    phi, reward, following = (s.formula("transition", x, "j") for x in ("phi", "reward", "phi_next"))
    more = (s.formula("transition", name, "j") for name, _ in a.extras)
    features = row(listed([phi, following], NO_GAP), "in", power(REALS, facts.fixed("size", "d")))
    intro = paragraph(
        front, " runs over ", n, " transitions ", bracketed(listed([phi, reward, following, *more], NO_GAP)),
        " with features ", features, " and reward ", reward, ". From any ", facts.weights("0"), ", step ",
        equation(layer, listed(["0", "1", "..."], NO_GAP)), " sets", heading="The update.",
    )  # fmt: skip
    definitions = facts.update_lines()
    for k, (name, _) in enumerate(shape.definitions):
        if name in shape.starts:
            start = shape.starts[name]
            value = row("0") if is_zero(start) else facts.looped.formula(start)
            definitions[k] = row(definitions[k], ",", QUAD, equation(s.formula("variable", name, "0"), value))
    new = facts.each_weight(row(layer, "+", "1"))
    finish = [equation(w, facts.looped.formula(node)) for w, (_, node) in zip(new, shape.loop.finish, strict=True)]
    free = _free(facts)
    past = ", where what stands before the first transition is zero" if shape.copies else ""
    q = facts.fixed("query", "q")
    several = len(a.preconditioners) > 1
    after = paragraph(
        ("with ", *joined(free, " and "), f" free and {'their' if several else 'its'} own in every step (a step size, "
         f"where {'one' if several else 'it'} is a multiple of the identity){past}. ") if free else "",
        *(x for words in a.layered for x in (_called(words, facts), " ")),
        "The prediction at a state with features ", q, " is ", row(transposed(facts.each_weight(layer)[0]), q), ".",
    )  # fmt: skip
    return [intro, display([*definitions, *finish], "update", "," if free else "."), after]


def _free(facts: Facts) -> list[Formula]:
    """The preconditioners, matrices and numbers, and where they are from."""
    a, d = facts.algorithm, facts.fixed("size", "d")
    sets: list[tuple[list[str], Formula]] = [
        ([c for c in a.preconditioners if c not in a.scalar_preconditioners], power(REALS, row(d, "times", d))),
        (list(a.scalar_preconditioners), REALS),
    ]
    each = [([facts.symbols.formula("preconditioner", c, facts.layer) for c in names], where) for names, where in sets]
    return [row(listed(letters, NO_GAP), "in", where) for letters, where in each if letters]


def _called(words: str, facts: Facts) -> Text:
    """What differs from layer to layer, with what the paper calls it."""
    a = facts.algorithm
    names = {
        name: facts.symbols.formula(
            *(("preconditioner", name, facts.layer) if name in a.tables else ("transition", name, "j"))
        )
        for name in a.layered_names
    }
    pieces = re.split(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)", words) if names else [words]
    return text(*(
        names[p] if k % 2 else p.replace("<=", "at most").replace(">=", "at least") for k, p in enumerate(pieces)
    ))  # fmt: skip
