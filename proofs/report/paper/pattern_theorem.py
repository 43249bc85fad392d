"""The theorem about patterns, and the proof that says what the heads add to a column."""

from __future__ import annotations

from sympy import Expr, Integer

from ....symbolic.derivation.words import Word
from ....symbolic.patterns.heads import Blocks, PatternForm
from ...formula.build import (
    NO_GAP,
    Part,
    added,
    bracketed,
    call,
    equation,
    indexed,
    is_sum,
    listed,
    negative,
    row,
    summed,
    transposed,
    without_sign,
)
from ...formula.formula import Formula
from ..pattern_layer import last_key, meets
from .model import Block, Display, Environment, Paragraph, Ref, Text, display, joined, paragraph, text
from .notation import combination, minus_last, times
from .pattern_layer import over_n
from .patterned import Patterned, numbered
from .theorem import claim, theorem


def theorem_blocks(facts: Patterned, form: PatternForm) -> list[Block]:
    """The theorem and its proof; a remark and no proof where what was asked for does not prove it."""
    a, layer, start = facts.algorithm, facts.layer, indexed(facts.state, "0")
    sizes = row(listed([facts.fixed("size", "d"), facts.n], NO_GAP), ">=", "1")
    free: list[Text] = [(sizes,), ("all data",)]
    free += [("every kernel ", facts.fixed("matrix", "weight"))] if a.kernels else []
    free += [("all step matrices",)] if a.preconditioned else []
    statement = (
        paragraph(
            "For every ", joined(free, ", "), " and all starting states ", start, ", and the iterates ",
            indexed(facts.state, layer), " of ", Ref("update"), ", the layers ", Ref("layer"), " with the weights ",
            Ref("weights"), " started at ", equation(indexed(facts.z, "0"), facts.prompt("0")), " give for every ",
            row(layer, ">=", "0"),
        ),
        display([equation(indexed(facts.z, layer), facts.prompt(layer))]),
    )  # fmt: skip
    if not facts.proved:
        return [claim(statement)]
    told = (
        "The layer is given, and the proof is the algebra that is named below: what a token of the context adds to a "
        "token by layer and by update is compared, for generic tokens."
    )
    proof = _proof(facts, form) if a.layer is None else [paragraph(told)]
    blocks = theorem(statement, tuple(proof))
    if form.least is not None and form.least > 1:
        least = f"Under one mask no fewer than {form.least} heads do it: the rank of what was solved for."
        blocks.append(Environment("remark", (paragraph(least),), ("How many heads",), "least"))
    return blocks


def _proof(facts: Patterned, form: PatternForm) -> list[Paragraph | Display]:
    a, layer, t = facts.algorithm, facts.layer, row("t")
    front = text("Let ", equation(facts.z, facts.prompt()), ". ")
    blocks: list[Paragraph | Display] = []
    if a.kernels:
        K = facts.fixed("matrix", "weight")
        front = text(
            front, "What ", K, " is made from stands in rows that no layer writes, so ", K, " is the same at every "
            "layer. In column ", t, " the heads add",
        )  # fmt: skip
    else:
        places, key = (("context", t), (facts.final, facts.query_column)), indexed(facts.z, "j")
        scores = [
            equation(
                meets(key, facts.of_head("keyQuery", number), indexed(facts.z, at)),
                _score(facts, head.Q or {}, family, at),
            )
            for head, number in numbered(form)
            for family, at in places
        ]
        upto = row(listed(["j", t], NO_GAP), "<=", facts.n)
        blocks = [paragraph(front, "Keys stand in rows that no layer writes: for ", upto, ","), display(scores)]
        front = text("In column ", t, " the heads add")
    gains = _gains(facts, form)
    one = len(gains) == 1
    entry, change = ("entry is", "this is its change") if one else ("entries are", "these are their changes")
    blocks += [
        paragraph(front),
        display(gains, "gain", "."),
        paragraph("By ", Ref("prompt"), f" the {entry} affine in the state of the column, and {change} when ",
                  Ref("update"), " adds its sum to that state."),
    ]  # fmt: skip
    if form.shift:
        told = " then takes the new state of the token after, which is what "
        blocks.append(paragraph("The shift ", Ref("shift"), told, Ref("prompt"), " has in that row."))
    end = "So the layer maps the prompt of every state to that of the next one. Nothing was asked of "
    induction = text(" or of ", facts.state, ", and induction on ", layer, " gives the claim.")
    return [*blocks, paragraph(end, layer, induction)]


def _score(facts: Patterned, Q: Blocks, family: str, at: Part) -> Formula:
    """What that is for a key of the context and a token of a family."""
    scalar = {one.name for one in facts.algorithm.rows if one.scalar}
    keys, asked = facts.entries("context", "j"), facts.entries(family, at)
    groups: dict[tuple[str, Word], list[tuple[Expr, Formula | None]]] = {}
    for (key, query), by_word in Q.items():
        for word, c in by_word.items() if row("0") not in (keys[key], asked[query]) else ():
            groups.setdefault((key, word), []).append((c, asked[query]))
    terms: list[tuple[Expr, Formula | None]] = []
    for (key, word), group in groups.items():
        c, right = group[0] if len(group) == 1 else (Integer(1), combination(facts, minus_last(group)))
        left = keys[key] if key in scalar else transposed(keys[key])
        terms.append((c, times(left, facts.word(word), right)))
    return combination(facts, minus_last(terms))


def _gains(facts: Patterned, form: PatternForm) -> list[Formula]:
    """What the heads add to each row in column t."""
    keys, last = facts.entries("context", "j"), last_key(form.sees, facts.n)
    z, at = indexed(facts.z, "j"), indexed(facts.z, "t")
    sums: dict[str, list[Formula]] = {}
    for head, number in numbered(form):
        weight = facts.kernel if facts.algorithm.kernels else bracketed(meets(z, facts.of_head("keyQuery", number), at))
        by_row: dict[str, list[tuple[Expr, Formula | None]]] = {}
        for (to, read), by_word in head.V.items():
            by_row.setdefault(to, []).extend((c, times(facts.word(word), keys[read])) for word, c in by_word.items())
        for to, terms in by_row.items():
            value = combination(facts, minus_last(terms))
            minus = negative(value) and not is_sum(value)
            one_head = summed("j", times(weight, without_sign(value) if minus else value), "1", last)
            sums.setdefault(to, []).append(row(*["-"] * minus, *[over_n(facts)] * form.by_length, one_head))
    entry = row("Delta", facts.z)
    return [equation(call(entry, facts.named(to), "t", brackets="[]"), added(each)) for to, each in sums.items()]
