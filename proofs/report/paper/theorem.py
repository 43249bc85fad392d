"""The theorem, and the proof that says why: what a layer adds to each row is what the update changes it by."""

from __future__ import annotations

from sympy import Expr

from ....symbolic.derivation.coefficients import symbol_of
from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.tokenwise import SymbolicTokenwiseHead
from ....symbolic.derivation.words import Word
from ...formula.build import (
    NO_GAP,
    added,
    bracketed,
    call,
    equation,
    fraction,
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
from ...theory.generated.given import Weights
from ..lead import proved
from .facts import Facts, product_form
from .lemma import gathered, is_needed
from .model import Block, Display, Environment, Paragraph, Ref, Text, display, joined, paragraph, text
from .notation import ONE, combination, in_brackets, minus_last, times
from .weights import key_query


def theorem_blocks(facts: Facts, weights: Weights) -> list[Block]:
    """The theorem and its proof; a remark and no proof where what was asked for does not prove it."""
    z, layer, n = facts.z, facts.layer, facts.n
    now = indexed(z, layer)
    rows = [r.name for r in facts.algorithm.accumulators]
    entry = call(now, facts.size(rows.index(weights.readout.row) + 1), facts.query_column, brackets="[]")
    prediction = row(transposed(facts.each_weight(layer)[0]), facts.fixed("query", "q"))
    statement = (
        paragraph("For every ", row(listed([facts.fixed("size", "d"), n], NO_GAP), ">=", "1"), ", all data, step "
                  "matrices and starting weights ", facts.weights("0"), ", and the iterates ", facts.weights(layer),
                  " of ", Ref("update"), ", the layers ", Ref("layer"), " with the weights ", Ref("weights"),
                  " started at ", equation(indexed(z, "0"), facts.prompt("0")), " give for every ",
                  row(layer, ">=", "0"), *_needed(facts, weights)),
        display([equation(now, facts.prompt(layer)),
                 equation(row(*["-"] * (weights.readout.sign < 0), entry), prediction)]),
    )  # fmt: skip
    if isinstance(weights, Derivation):
        proof = tuple(_proof(facts, weights))
    else:
        told = (
            "The weights are given, and the proof is the formal one that is named below: what a layer adds to each "
            "row is compared with what the update changes it by, at every size."
        )
        proof = (paragraph(told),)
    return theorem(statement, proof) if proved(facts.findings) else [claim(statement)]


def theorem(statement: tuple[Paragraph | Display, ...], proof: tuple[Paragraph | Display, ...]) -> list[Block]:
    """A theorem and its proof."""
    return [Environment("theorem", statement, (), "thm"), Environment("proof", proof)]


def claim(statement: tuple[Paragraph | Display, ...]) -> Block:
    """What stands in a theorem's place where what was asked for does not prove it."""
    return Environment("remark", statement, ("Claim, not proved by what was asked for here",), "thm")


def _needed(facts: Facts, weights: Weights) -> Text:
    """What must not be zero, where the update or the weights divide."""
    names = weights.hypotheses.names if isinstance(weights, Derivation) else ()
    each = [row(facts.scalar(symbol_of(name)), "!=", "0") for name in names]
    return text(" Let ", joined(each, " and "), ", for every ", row("j", "<=", facts.n), ".") if each else ()


def _proof(facts: Facts, derivation: Derivation) -> list[Paragraph | Display]:
    z, n1 = facts.z, facts.query_column
    one = len(derivation.heads) == 1
    kernels = []
    for k, head in enumerate(derivation.heads, 1):
        met = kernel(facts, head) if isinstance(head, SymbolicHead) else over_constant(facts, head)
        key = key_query(facts, None if one else str(k))
        kernels.append(equation(row(transposed(indexed(z, "j")), key, indexed(z, "t")), met))
    blocks = [b for b in facts.algorithm.features if not b.scalar]
    asked, zero = ([facts.block(b.name, n1) for b in blocks if (b.query is None) is z] for z in (False, True))
    column = [*(equation(x, facts.fixed("query", "q")) for x in asked), *(equation(x, "0") for x in zero)]
    at_query = text(" (at ", equation("t", n1), " with ", listed(column, NO_GAP), ")") if column else ()
    return [
        paragraph("Let ", equation(z, facts.prompt()), ". The values of ", "the head" if one else "every head",
                  " stand in accumulator rows alone, so feature rows stay as they are. Keys and queries meet in "
                  "feature rows alone: for columns ", row("j", "<=", facts.n), " and ", row("t"), at_query, ","),
        display(kernels),
        *_gains(facts, derivation),
    ]  # fmt: skip


def _gains(facts: Facts, derivation: Derivation) -> list[Paragraph | Display]:
    layer, n = facts.layer, facts.n
    weights = range(len(facts.algorithm.weights))
    changes = [change for k in weights if (change := _change(facts, derivation, k)) is not None]
    told = [
        text("row ", facts.row(one.name, "t"), " gains ", gain)
        for one in facts.algorithm.accumulators
        if (gain := _gain(facts, derivation, one.name)) is not None
    ]
    same = "these are the changes" if len(changes) > 1 else "this is the change"
    lemma = any(is_needed(c) for c in derivation.loop.changes)
    which = ("by ", Ref("mask-lemma", "Lemma"), " ") if lemma else ()
    each = facts.each_weight()
    moved = call(facts.z, *(row(w, "+", "Delta", w) for w in each), gap=NO_GAP)
    ones = row(fraction("1", n, "tfrac"), summed(row("j", "<=", n), "1"), "=", "1")
    fixed = (" (the heads over the constant row add their rows as they are, since ", ones, ")")
    return [
        paragraph("Summed over value columns ", row("i"), " and key columns ", row("j"), ", in every column ", row("t"),
                  " ", joined(told, ", and "), fixed if derivation.tokenwise else (), ", with"),
        display(changes, "change"),
        paragraph("And ", *which, f"{same} of the weights in ", Ref("update"), ". The rows of ", Ref("prompt"),
                  " are affine in the weights and change by exactly that, the query's entries among them: the layer "
                  "maps ", facts.prompt(), " to ", moved, ". Nothing was asked of ", layer, " or of ", facts.weights(),
                  ", so induction on ", layer, " gives the claim, and the read-out is an entry of ",
                  facts.prompt(layer), "."),
    ]  # fmt: skip


def _change(facts: Facts, derivation: Derivation, weight: int) -> Formula | None:
    """What one weight changes by: the totals, and multiples of the old weights; None where nothing changes it."""
    parts = []
    for change in (c for c in derivation.loop.changes if c.weight == weight):
        front = combination(facts, [(change.coefficient.expr(), facts.word(change.word))])
        total = gathered(facts, derivation, change)
        total = bracketed(total, "Big") if is_sum(total) or negative(total) else total
        parts.append(row(fraction("1", facts.n, "tfrac"), *[front] * (front != ONE), total))
    each = facts.each_weight()
    old = [(kappa.expr(), each[read]) for (moved, read), kappa in derivation.loop.mixing.items() if moved == weight]
    parts += [combination(facts, old)] if old else []
    return equation(row("Delta", each[weight]), added(parts)) if parts else None


def _gain(facts: Facts, derivation: Derivation, row_name: str) -> Formula | None:
    """What a row gains in column t, from the change of each weight."""
    terms = []
    for s, w in enumerate(facts.algorithm.weights):
        meets = {b: c.expr() for (r, k, b), c in derivation.embedding.items() if r == row_name and k == s}
        if not meets:
            continue
        blocks = combination(facts, minus_last([(c, facts.block(b, "t")) for b, c in meets.items()]))
        change = row("Delta", facts.each_weight()[s])
        if w not in facts.algorithm.scalar_weights:
            terms.append(row(transposed(change), bracketed(blocks) if negative(blocks) else in_brackets(blocks)))
        elif without_sign(blocks) == ONE:
            terms.append(row(*["-"] * negative(blocks), change))
        else:
            terms.append(row(change, bracketed(blocks) if negative(blocks) else in_brackets(blocks)))
    return added(terms) if terms else None


def kernel(facts: Facts, head: SymbolicHead) -> Formula:
    """z_j^T Q z_t, factored where it is a product: (C phi_j)^T (gamma phi'_t - phi_t)."""
    groups: dict[tuple[Word, bool], dict[tuple[str, str], Expr]] = {}
    scalar = {b.name for b in facts.algorithm.features if b.scalar}
    for (r, word, c), coefficient in head.E.items():
        groups.setdefault((word, r in scalar), {})[r, c] = coefficient.expr()
    parts = []
    for (word, single), entries in groups.items():
        form = product_form(entries)
        letters = facts.word(word, flipped=True)
        if form is None or single:
            keys = {r: facts.block(r, "j") for r, _ in entries}
            fronts = {r: x if single else transposed(bracketed(times(letters, x))) for r, x in keys.items()}
            each = [(c, times(fronts[r], facts.block(b, "t"))) for (r, b), c in entries.items()]
            parts.append(combination(facts, each))
            continue
        left, right = form
        if len(right) == 1 and len(left) == 1 and next(iter(right.values())).could_extract_minus_sign():
            right, left = {b: -c for b, c in right.items()}, {r: -c for r, c in left.items()}
        keys_sum = combination(facts, [(c, facts.block(r, "j")) for r, c in left.items()])
        minus = negative(keys_sum) and len(left) == 1
        keys_sum = without_sign(keys_sum) if minus else keys_sum
        met = combination(facts, minus_last([(c, facts.block(b, "t")) for b, c in right.items()]))
        front = transposed(bracketed(times(letters, keys_sum)) if letters else keys_sum)
        parts.append(row(*["-"] * minus, front, in_brackets(met)))
    return added(parts)


def over_constant(facts: Facts, head: SymbolicTokenwiseHead) -> Formula:
    """z_j^T Q z_t of a head over a constant row: a combination of the rows at t."""
    return combination(facts, [(c.expr(), facts.row(r, "t")) for r, c in head.E.items()])
