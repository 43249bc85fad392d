"""The table of claims at the end of a check, and counterexamples in words."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..evidence import kinds
from ..verdict import NEEDS_WEIGHTS, Claim, Result, Verdict

STYLES = {Verdict.HOLDS: "green", Verdict.REFUTED: "bold red", Verdict.UNDECIDED: "yellow", Verdict.NOT_RUN: "dim"}


WIDE = 112
"""Columns that the table needs; a narrower terminal gets a line a claim."""


class _Output(Console):
    """A console that leaves a closed pipe to the command line, rather than ending the process itself."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    """Standard output; wide enough not to break words when it is no terminal."""
    plain = not sys.stdout.isatty()
    return _Output(width=150 if plain else None, highlight=False, soft_wrap=False)


def show(result: Result, details: bool) -> None:
    """Print one row an algorithm and one column a kind of evidence, then reasons and counterexamples."""
    out = console()
    if out.width < WIDE:
        for claim in result.claims:
            out.print(Text(f"{claim.algorithm}  {claim.evidence}  ").append_text(_cell([claim])))
    else:
        _table(result, out)
    _reasons(result, details, out)


def _table(result: Result, out: Console) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("algorithm", no_wrap=True)
    for name in kinds():
        table.add_column(name.replace("-", "-\n"), no_wrap=True)
    for algorithm in dict.fromkeys(c.algorithm for c in result.claims):
        cells = [
            _cell([c for c in result.claims if (c.algorithm, c.evidence) == (algorithm, kind)]) for kind in kinds()
        ]
        table.add_row(algorithm, *cells)
    out.print(table)


def _reasons(result: Result, details: bool, out: Console) -> None:
    if details:
        for claim in result.claims:
            out.print()
            out.print(
                Text.assemble((claim.verdict.value, STYLES[claim.verdict]), f"  {claim.algorithm}  {claim.evidence}")
            )
            out.print(Text(f"  {claim.claim}"))
            holds = claim.verdict is Verdict.HOLDS
            out.print(Text(f"  {claim.strength}: {claim.reason}" if holds else f"  {claim.reason}"))
    for claim in result.claims:
        follows = claim.verdict is Verdict.NOT_RUN and claim.reason == NEEDS_WEIGHTS  # the refutation before it says it
        if claim.asked and claim.verdict is not Verdict.HOLDS and not details and not follows:
            out.print()
            out.print(
                Text.assemble((claim.verdict.value, STYLES[claim.verdict]), f"  {claim.algorithm}  {claim.evidence}: ")
            )
            out.print(Text(f"  {claim.reason}"))
        if claim.asked and claim.witness:
            for line in witness_lines(claim.witness):
                out.print(Text(f"  {line}"))
    out.print()
    if not details:
        out.print(
            Text(
                "What each kind of evidence means: layerproof list --evidence; every claim in words: --details",
                style="dim",
            )
        )
    out.print(Text(summary(result), style="bold"))


def _cell(claims: list[Claim]) -> Text:
    text = Text()
    for claim in claims:
        if text:
            text.append("\n")
        text.append(claim.verdict.value, STYLES[claim.verdict])
        fact = claim.details.get("fact")
        if fact:
            text.append(f" {fact}")
        elif isinstance(claim.bound, float) and isinstance(claim.error, float) and claim.bound > 0:
            text.append(f" {claim.error:.0e} of {claim.bound:.0e}")
    return text


def summary(result: Result) -> str:
    """One line: how many claims came out how."""
    asked = [c for c in result.claims if c.asked]
    counts = {v: sum(c.verdict is v for c in asked) for v in Verdict}
    said = ", ".join(f"{k} {v.value}" for v, k in counts.items() if k)
    return f"{len(asked)} claim{'' if len(asked) == 1 else 's'}: {said}"


def witness_lines(witness: Mapping[str, Any]) -> list[str]:
    """A counterexample in words."""
    if "outside" in witness:
        return _sample_lines(witness)
    lines = []
    if "prompt" in witness:
        prompt = witness["prompt"]
        lines.append("counterexample: the smallest prompt found")
        zero = 0
        for j, (phi, after, reward) in enumerate(
            zip(prompt["features"], prompt["next_features"], prompt["rewards"], strict=True), 1
        ):
            extras = {name: values[j - 1] for name, values in prompt.get("extras", {}).items()}
            carried = [x for v in extras.values() for x in (v if isinstance(v, list) else [v])]
            if not any(x != "0" for x in [*phi, *after, reward, *carried]):
                zero += 1
                continue
            shown = "".join(f", {name} = {_weights([v])}" for name, v in extras.items())
            lines.append(
                f"  transition {j}: phi = ({', '.join(phi)}), phi' = ({', '.join(after)}), R = {reward}{shown}"
            )
        if zero:
            lines.append(f"  the other {zero} transitions are zero")
        lines.append(f"  query: ({', '.join(prompt['query'])})")
        lines.append(f"  starting weights: {_weights(witness['starting_weights'])}")
    if "layer_value" in witness:
        lines.append(f"after layer {witness['layer']}, row {witness['row']}, {witness['column']}:")
        lines.append(f"  transformer   {_short(witness['layer_value'])}")
        lines.append(f"  textbook loop {_short(witness['iterate_value'])}")
    if "torch_value" in witness:
        lines.append(
            f"trial {witness['trial']}, after layer {witness['layer']}, row {witness['row']}, {witness['column']}:"
        )
        right = "read-out" if witness["row"] == "prediction" else "exact layer" if witness["layer"] else "prompt"
        lines.append(f"  {'torch':<{len(right)}} {_short(witness['torch_value'])}{_decimal(witness['torch_value'])}")
        lines.append(f"  {right} {_short(witness['exact_value'])}{_decimal(witness['exact_value'])}")
    if "difference" in witness:
        lines.append(f"difference: {_short(str(witness['difference']), 300)}")
    lines += [f"cannot be produced: {term}" for term in witness.get("terms", [])[:5]]
    return lines


def _sample_lines(witness: Mapping[str, Any]) -> list[str]:
    """A witness in words: the sample and what its orbit's expected update does outside the set."""
    states = [(f"f{t} = ({', '.join(f)})", any(x != "0" for x in f)) for t, f in enumerate(witness["features"])]
    numbers = [(f"r{t} = {r}", r != "0") for t, r in enumerate(witness["rewards"], 1)]
    features, rewards = (
        ", ".join(text for text, filled in given if filled) or "all zero" for given in (states, numbers)
    )
    last = len(numbers)
    return [
        f"sample: {features}; other states f0 to f{len(states) - 1} zero",
        f"        {rewards}; other rewards r1 to r{last} zero; r{last} is the target's R'",
        f"law: {witness['law']}; window: {witness['window']}",
    ]


def _weights(weights: list[Any]) -> str:
    return ", ".join(f"({', '.join(w)})" if isinstance(w, list) else w for w in weights)


def _decimal(text: str) -> str:
    """A fraction's decimal value beside it, where it is one that has been written out."""
    top, _, bottom = text.partition("/")
    return f" = {float(Fraction(int(top), int(bottom))):.17g}" if bottom and "x" not in text else ""


def _short(text: str, length: int = 100) -> str:
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"
