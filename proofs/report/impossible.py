"""The page of an update that no weights do, on one screen: why, the witness, the theorem behind it, what would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..formula.build import THIN, entry, equation, number, row, words
from ..formula.formula import Formula
from ..formula.sympy_tree import letter
from ..verdict import Claim, Verdict
from .assemble import cell, plain, prose, sentence
from .findings import Findings
from .model import Block, Cell, Folded, Note, Section, Sentence, Span, Table
from .names import row_formula
from .notation import vector

FOLDED = ("update", "prompt", "evidence", "reproduce", "trust")
"""The sections that such a page keeps, folded."""
TITLE = "The update, the prompt, the evidence in full, and how to reproduce it"
PRODUCT = row(entry("Z", "k", "i"), THIN, entry("Z", "r", "j"), THIN, entry("Z", "s", "t"))


def impossible(findings: Findings) -> bool:
    """Whether the page is about an update for which no weights were found."""
    return bool(findings.obstacle)


def impossible_lead(findings: Findings) -> tuple[Block, ...]:
    """The first screen, which is all of the page that is not folded."""
    claim = next((c for c in findings.of_kind("derived") if c.verdict is not Verdict.HOLDS), None)
    annihilator = (claim.witness or {}).get("annihilates") if claim is not None else None
    on_a_line = claim.witness if claim is not None and claim.witness and "multipliers" in claim.witness else None
    refuted = claim is not None and claim.verdict is Verdict.REFUTED and bool(annihilator or on_a_line)
    verdict = Verdict.REFUTED if refuted else Verdict.UNDECIDED
    title = "No layer of linear attention does this update" if refuted else "No weights were found for this update"
    why = plain(sentence(findings.obstacle))
    blocks: list[Block] = [Note(verdict, title, (why,))]
    if annihilator is not None:
        blocks += [_witness(findings, annihilator), _theorem()]
    elif on_a_line is not None:
        blocks += [_on_a_line(findings, on_a_line), _differences(len(on_a_line["multipliers"]) - 1)]
    elif claim is not None:
        blocks.append(plain("That is no proof that none exist: nothing was found that every layer's answer cancels in "
                            "and the update's does not."))  # fmt: skip
    return (*blocks, _outside() if on_a_line else _what_would_do(claim))


def _witness(findings: Findings, annihilator: Mapping[str, Any]) -> Table:
    rows = [
        (cell(number_of(p["multiplier"])), Cell(_prompt(p)), cell(p["column"]), cell(number_of(p["change"])))
        for p in annihilator["points"]
    ]
    algorithm = findings.algorithm
    assert algorithm is not None
    names = {r.name: row_formula(r) for r in algorithm.accumulators}
    rows.append((cell("sum"), cell(), cell("for every layer 0"), cell(number_of(annihilator["update"]))))
    values: list[Span] = []
    for name, value in annihilator["parameters"].items():
        values += [", ", equation(letter(name), number_of(value))]
    changed = names.get(annihilator["row"], words(annihilator["row"]))
    caption = Sentence([
        "The witness: so many times the change of row ", changed, " on these prompts is zero for every layer, and is "
        "not for the update; features, next features and reward of each transition that is not zero, and the weights",
        *(v for v in values if isinstance(v, (str, Formula))), ". Step matrices, and ", row("Z"),
        " in full, are with the evidence below.",
    ])  # fmt: skip
    return Table(("times", "prompt", "column", "change that the update demands"), tuple(rows), caption)


def _on_a_line(findings: Findings, line_witness: Mapping[str, Any]) -> Table:
    """The witness of an update that is no polynomial: prompts on a line, and what it demands of an entry on each."""
    prompts = line_witness["prompts"]
    rows = [
        (cell(number_of(str(k))), Cell(_moved(p, prompts)), cell(number_of(value)))
        for k, p, value in zip(line_witness["multipliers"], prompts, line_witness["values"], strict=True)
    ]
    rows.append((cell("sum"), cell("for every layer 0"), cell(number_of(line_witness["sum"]))))
    algorithm, entry = findings.algorithm, str(line_witness["entry"])
    for r in algorithm.accumulators if algorithm is not None else ():
        entry = entry.replace(f"the accumulator {r.name}", f"row {r.name}")
    return Table(
        ("times", "prompt", "value that the update demands"),
        tuple(rows),
        f"The witness: {entry}, on prompts of one transition that differ in what is shown and in nothing else. All of "
        "each prompt is with the evidence below.",
    )


def _moved(prompt: Mapping[str, Any], prompts: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    """What of a prompt differs between the prompts."""
    result: list[Span] = []
    for j, transition in enumerate(prompt["transitions"], 1):
        for name, value in transition.items():
            if any(p["transitions"][j - 1][name] != value for p in prompts):
                shown = number_of(value) if isinstance(value, str) else _vector(value)
                result += [f"{name} of transition {j}: ", shown, "; "]
    for name, value in prompt["weights"].items():
        if any(p["weights"][name] != value for p in prompts):
            result += [f"{name}: ", number_of(value) if isinstance(value, str) else _vector(value), "; "]
    if any(p["query"] != prompt["query"] for p in prompts):
        result += ["query: ", _vector(prompt["query"]), "; "]
    return tuple(result[:-1]) or ("the same",)


def _differences(order: int) -> Block:
    return prose(
        "Why that decides it: with fixed weights a layer is a polynomial of degree 3 in the prompt. Along a line of "
        f"prompts in equal steps its differences of order {order} are zero, and the update's are not."
    )


def number_of(text: str) -> Formula:
    """A rational that was written as text."""
    return number(Fraction(text))


def _vector(entries: Sequence[str]) -> Formula:
    return vector([Fraction(x) for x in entries])


def _prompt(point: Mapping[str, Any]) -> tuple[Span, ...]:
    """A prompt's transitions that are not zero, its query, and the weights."""
    prompt = point["prompt"]
    result: list[Span] = []
    for j, (phi, after, reward) in enumerate(
        zip(prompt["features"], prompt["next_features"], prompt["rewards"], strict=True), 1
    ):
        if any(x != "0" for x in (*phi, *after, reward)):
            carried = [f", {name} = {values[j - 1]}" for name, values in prompt.get("extras", {}).items()]
            result += [f"transition {j}: ", _vector(phi), ", ", _vector(after), ", ", number_of(reward), *carried, "; "]
    result += ["query ", _vector(prompt["query"])]
    started = [w for w in point["starting_weights"] if (w != "0" if isinstance(w, str) else any(x != "0" for x in w))]
    for w in started:
        result += ["; weights ", _vector([w] if isinstance(w, str) else w)]
    return tuple(result)


def _theorem() -> Block:
    return prose(
        r"Why that decides it: whatever $W$, $P$, $Q$ and $M$ are, what a layer adds to an entry of the prompt is a "
        "linear combination of products ", PRODUCT, r" of three entries of it, the last from the entry's own column "
        "$t$, with the same coefficients on every prompt. With these multipliers every such product sums to zero."
    )  # fmt: skip


def _outside() -> Block:
    return prose(
        "What would do: what is chosen, or divided, outside the layers, and its outcome given with the transition "
        "(`transition_vectors`, `transition_scalars`), as expected SARSA is given the successor's features under a "
        "policy; or attention of another form, as softmax is."
    )


def _what_would_do(claim: Claim | None) -> Block:
    hint = claim.details.get("suggestion") if claim is not None else None
    if hint:
        heads = f"{hint['heads']} head{'s' * (hint['heads'] > 1)}"
        return plain(f"What would do: with prompt rows that hold {hint['rows']}, {heads} of linear attention do it. "
                     "That was tried: the derivation succeeds with them.")  # fmt: skip
    return prose(
        "What would do: an update each of whose terms has one entry of a changing row, one feature of an earlier token "
        "and one of its own; a number that needs more, computed outside and given with the transition "
        "(`transition_scalars`), in a row of its own; or heads of another form, given as `heads=`. No single row that "
        "was tried is enough."
    )


def impossible_sections(sections: Sequence[Section]) -> tuple[Section, ...]:
    """What such a page has below its first screen: the sections of `FOLDED`, each a fold."""
    folds = tuple(Folded(s.title, s.blocks, s.id) for s in sections if s.id in FOLDED)
    return (Section("more", TITLE, folds),)
