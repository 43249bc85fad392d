"""The theorem, and the proof that says why: what a layer adds to each row is what the update changes it by."""

from __future__ import annotations

from sympy import Expr

from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.tokenwise import SymbolicTokenwiseHead
from ....symbolic.derivation.words import Word
from ...theory.generated.given import Weights
from ..lead import proved
from .facts import Facts, bracketed, combination, product_form
from .lemma import gathered, is_needed
from .model import Block, Display, Environment, Paragraph, Ref, paragraph

D = r"\Delta"


def theorem_blocks(facts: Facts, layer_weights: Weights) -> list[Block]:
    """The theorem and its proof; a remark and no proof where what was asked for does not prove it."""
    s, layer = facts.symbols, facts.layer
    z, n, q, d = (s.at(*key) for key in (("matrix", "prompt"), ("sweep", "n"), ("query", "q"), ("size", "d")))
    w = s.at("weight", facts.algorithm.weights[0])
    sign = "-" if layer_weights.readout.sign < 0 else ""
    rows = [r.name for r in facts.algorithm.accumulators]
    at = facts.size(rows.index(layer_weights.readout.row) + 1)
    needed = layer_weights.hypotheses.texts() if isinstance(layer_weights, Derivation) else []
    where = f" Let {' and '.join(_inequality(facts, x) for x in needed)}, for every $j \\le {n}$." if needed else ""
    statement = (
        paragraph(f"For every ${d}, {n} \\ge 1$, all data, step matrices and starting weights "
             f"${facts.weights('0')}$, and the iterates ${facts.weights(layer)}$ of ", Ref("update"), ", the layers ",
             Ref("layer"), " with the weights ", Ref("weights"),
             f" started at ${z}_0 = {facts.prompt('0')}$ give for every ${layer} \\ge 0$", where),
        Display((f"{z}_{{{layer}}} = {facts.prompt(layer)},",
                 rf"{sign}{z}_{{{layer}}}[{at},\, {n}+1] = {w}_{{{layer}}}^{{\top}} {q}.")),
    )  # fmt: skip
    if isinstance(layer_weights, Derivation):
        proof = tuple(_proof(facts, layer_weights))
    else:
        told = (
            "The weights are given, and the proof is the formal one that is named below: what a layer adds to each "
            "row is compared with what the update changes it by, at every size."
        )
        proof = (paragraph(told),)
    if not proved(facts.subject):
        return [Environment("remark", statement, ("Claim, not proved by what was asked for here",), "thm")]
    return [Environment("theorem", statement, (), "thm"), Environment("proof", proof)]


def _inequality(facts: Facts, text: str) -> str:
    return f"${text.replace('!= 0', chr(92) + 'ne 0').replace('gamma', chr(92) + 'gamma').replace('*', ' ')}$"


def _proof(facts: Facts, derivation: Derivation) -> list[Paragraph | Display]:
    s, n = facts.symbols, facts.symbols.at("sweep", "n")
    z, layer, q = s.at("matrix", "prompt"), facts.layer, s.at("query", "q")
    one = len(derivation.heads) == 1
    kernels = []
    for k, head in enumerate(derivation.heads, 1):
        key = s.at("matrix", "keyQuery") + (f"_{{{layer}}}" if one else f"_{{{layer},{k}}}")
        met = kernel(facts, head) if isinstance(head, SymbolicHead) else over_constant(facts, head)
        kernels.append(rf"{z}_{{j}}^{{\top}} {key} {z}_{{t}} = {met}")
    zeros = [facts.block(b.name, f"{n}+1") for b in facts.algorithm.features if b.query is None and not b.scalar]
    ones = [facts.block(b.name, f"{n}+1") for b in facts.algorithm.features if b.query is not None and not b.scalar]
    column = ", ".join([*(f"{x} = {q}" for x in ones), *(f"{x} = 0" for x in zeros)])
    blocks: list[Paragraph | Display] = [
        paragraph(f"Let ${z} = {facts.prompt()}$. The values of ", "the head" if one else "every head",
             " stand in accumulator rows alone, so feature rows stay as they are. Keys and queries meet in feature "
             f"rows alone: for columns $j \\le {n}$ and $t$"
             + (f" (at $t = {n}+1$ with ${column}$)," if column else ",")),
        Display(_ended(kernels)),
    ]  # fmt: skip
    blocks += _gains(facts, derivation)
    return blocks


def _gains(facts: Facts, derivation: Derivation) -> list[Paragraph | Display]:
    s, layer, n = facts.symbols, facts.layer, facts.symbols.at("sweep", "n")
    changes = [line for k in range(len(facts.algorithm.weights)) if (line := _change(facts, derivation, k))]
    lemma = any(is_needed(c) for c in derivation.loop.changes)
    rows = []
    for row in (r.name for r in facts.algorithm.accumulators):
        gain = _gain(facts, derivation, row)
        if gain:
            rows.append((row, gain))
    told = ", and ".join(f"row ${facts.row(r, 't')}$ gains ${g}$" for r, g in rows)
    same = "these are the changes" if len(changes) > 1 else "this is the change"
    which = ("by ", Ref("mask-lemma", "Lemma"), " ") if lemma else ()
    weights = facts.weights()
    each = [s.at("weight", w) for w in facts.algorithm.weights]
    moved = f"{s.at('matrix', 'prompt')}({', '.join(f'{w} + {D} {w}' for w in each)})"
    ones = rf"$\tfrac{{1}}{{{n}}} \sum_{{j \le {n}}} 1 = 1$"
    fixed = (
        f" (the heads over the constant row add their rows as they are, since {ones})" if derivation.tokenwise else ""
    )
    return [
        paragraph(f"Summed over value columns $i$ and key columns $j$, in every column $t$ {told}{fixed}, with"),
        Display(_ended(changes), "change"),
        paragraph("And ", *which, f"{same} of the weights in ", Ref("update"), ". The rows of ",
             Ref("prompt"),
             f" are affine in the weights and change by exactly that, the query's entries among them: the layer "
             f"maps ${facts.prompt()}$ to ${moved}$. Nothing was asked of ${layer}$ or of ${weights}$, "
             f"so induction on ${layer}$ gives the claim, and the read-out is an "
             f"entry of ${facts.prompt(layer)}$."),
    ]  # fmt: skip


def _change(facts: Facts, derivation: Derivation, weight: int) -> str:
    """What one weight changes by: the totals, and multiples of the old weights; empty where nothing changes it."""
    s, n = facts.symbols, facts.symbols.at("sweep", "n")
    parts = []
    for change in (c for c in derivation.loop.changes if c.weight == weight):
        front = combination(facts, [(change.coefficient.expr(), facts.word(change.word))])
        front = "" if front == "1" else f"{front} "
        inner = gathered(facts, derivation, change)
        inner = rf"\Bigl( {inner} \Bigr)" if inner.count(r"\sum") > 1 or inner.startswith("-") else inner
        parts.append(rf"\tfrac{{1}}{{{n}}} {front}{inner}")
    old = [
        (kappa.expr(), s.at("weight", facts.algorithm.weights[read]))
        for (moved, read), kappa in derivation.loop.mixing.items() if moved == weight
    ]  # fmt: skip
    if old:
        parts.append(combination(facts, old))
    total = " + ".join(parts).replace("+ -", "- ")
    return rf"\Delta {s.at('weight', facts.algorithm.weights[weight])} = {total}" if parts else ""


def _gain(facts: Facts, derivation: Derivation, row: str) -> str:
    """What a row gains in column t, from the change of each weight."""
    terms = []
    for s, w in enumerate(facts.algorithm.weights):
        meets = {b: c.expr() for (r, k, b), c in derivation.embedding.items() if r == row and k == s}
        if not meets:
            continue
        blocks = combination(facts, [(c, _bare(facts, b, "t")) for b, c in _minus_last(meets).items()])
        scalar = w in facts.algorithm.scalar_weights
        name = facts.symbols.at("weight", w)
        front = rf"\Delta {name}" if scalar else rf"(\Delta {name})^{{\top}}"
        inner = bracketed(blocks, len(meets) if len(meets) > 1 else 2 * blocks.startswith("-"))
        if scalar and blocks.lstrip("-") in ("1", ""):
            terms.append(("-" if blocks.startswith("-") else "") + front)
        else:
            terms.append(f"{front} {inner}")
    return " + ".join(terms).replace("+ -", "- ")


def _bare(facts: Facts, block: str, index: str) -> str:
    shown = facts.block(block, index)
    return "" if shown == "1" else shown


def kernel(facts: Facts, head: SymbolicHead) -> str:
    """z_j^T Q z_t, factored where it is a product: (C phi_j)^T (gamma phi'_t - phi_t)."""
    groups: dict[tuple[Word, bool], dict[tuple[str, str], Expr]] = {}
    scalar = {b.name for b in facts.algorithm.features if b.scalar}
    for (r, word, c), coefficient in head.E.items():
        groups.setdefault((word, r in scalar), {})[r, c] = coefficient.expr()
    parts = []
    for (word, single), entries in groups.items():
        form = product_form(entries)
        letters = facts.word(word, flipped=True)
        if form is not None and not single:
            left, right = form
            if len(right) == 1 and len(left) == 1 and next(iter(right.values())).could_extract_minus_sign():
                right, left = {b: -c for b, c in right.items()}, {r: -c for r, c in left.items()}
            keys = combination(facts, [(c, facts.block(r, "j")) for r, c in left.items()])
            minus = keys.startswith("-") and len(left) == 1
            keys = keys[1:] if minus else keys
            met = combination(facts, [(c, facts.block(b, "t")) for b, c in _minus_last(right).items()])
            front = f"({letters} {bracketed(keys, len(left))})" if letters else bracketed(keys, 2)
            parts.append(("-" if minus else "") + rf"{front}^{{\top}} {bracketed(met, len(right))}")
        else:
            terms = [
                (c, f"{facts.block(r, 'j')} {facts.block(b, 't')}".replace("1 1", "")) for (r, b), c in entries.items()
            ] if single else [
                (c, rf"({letters} {facts.block(r, 'j')})^{{\top}} {facts.block(b, 't')}")
                for (r, b), c in entries.items()
            ]  # fmt: skip
            parts.append(combination(facts, terms))
    return " + ".join(parts).replace("+ -", "- ")


def over_constant(facts: Facts, head: SymbolicTokenwiseHead) -> str:
    """z_j^T Q z_t of a head over a constant row: a combination of the rows at t."""
    return combination(facts, [(c.expr(), facts.row(r, "t")) for r, c in head.E.items()])


def _minus_last(entries: dict[str, Expr]) -> dict[str, Expr]:
    """The terms with those that are negative behind the others: gamma phi' - phi."""
    return dict(sorted(entries.items(), key=lambda item: item[1].could_extract_minus_sign()))


def _ended(lines: list[str]) -> tuple[str, ...]:
    return (*(f"{line}," for line in lines[:-1]), f"{lines[-1]}.")
