"""The answers on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from rich.text import Text

from ...symbolic.exact import decimal_text
from ..terminal.table import console
from .answer import Identification, Identified
from .patterns import PatternIdentification

STYLES = {"exact": "green", "indistinguishable": "green", "approximate": "yellow", "none": "bold red"}


def show(result: Identification) -> None:
    """One network in full, or a line for each of several."""
    out = console()
    if isinstance(result, PatternIdentification):
        for line in result.lines():
            out.print(Text(line), soft_wrap=True)
        return
    if len(result.networks) == 1:
        for text in lines(result.networks[0]):
            out.print(text, soft_wrap=True)
        return
    for x in result.networks:
        out.print(Text.assemble(f"{x.name}  ", (x.match, STYLES[x.match]), f"  {_short(x)}"), soft_wrap=True)
    counts = result.document()["counts"]
    out.print()
    counted = ", ".join(f"{k} {name}" for name, k in counts.items())
    out.print(Text(f"{len(result.networks)} networks: {counted}", style="bold"), soft_wrap=True)
    out.print(Text("Each in full: layerproof identify DIRECTORY/seed-K, or --json", style="dim"))


def _short(x: Identified) -> str:
    best = x.recognition.best
    if best is None:
        return "no algorithm of the catalogue has this prompt"
    parts = [f"{best.name}", f"weights at {best.near.distance:.2g}"]
    kappa = best.fitted.kappa
    if kappa is not None:
        parts.append(f"discount {decimal_text(kappa, 2)} gamma")
    if x.function is not None:
        parts.append(_function_short(x.function))
    return ", ".join(parts)


def _function_short(function: Any) -> str:
    last = function["layers"][-1]
    text = "outputs are zero" if last["explained"] is None else f"outputs explained {last['explained']:.1%}"
    return f"{text}, at most {max(function['distances']):.2g} apart" if "distances" in function else text


def lines(x: Identified) -> list[Text]:
    """One network's answers."""
    network = x.recognition.network
    text = [Text.assemble((x.match, STYLES[x.match]), f"  {x.verdict()}")]
    sizes = f"d = {network.layout.d}, n = {network.layout.n}, L = {network.depth}{', looped' if network.looped else ''}"
    text += [Text(f"  prompt {network.prompt.name}, {sizes}", style="dim"), Text(), Text("1. The rule", style="bold")]
    text += [Text(f"  {line}") for line in x.update()]
    text += [Text(), Text("2. The catalogue", style="bold")]
    for c in x.document()["catalogue"]:
        kappa = c["discount_factor"]
        about = "" if kappa is None else f", discount {decimal_text(Fraction(kappa), 3)} gamma"
        exact = "equal" if c["exact"] else f"distance {c['distance']:.3g}{x._bound()}"
        text.append(Text(f"  {c['algorithm']}: {exact}{about}; share of each layer {_shares(c['shares'])}"))
        for block in c["residual"][:3]:
            text.append(
                Text(
                    f"      {block['share']:.2g} is left in: {block['written']} += {block['value']} x {block['key']} x "
                    f"{block['query']}",
                    style="dim",
                )
            )
    if any(s > 0 for s in x.document()["outside_commutant"]):
        text.append(Text(f"  outside the commutant: {_shares(x.document()['outside_commutant'])}"))
    if x.function is not None:
        text += [
            Text(),
            Text(f"3. The function, on {x.function['prompts']} prompts: {x.function['law']}", style="bold"),
        ]
        text += [Text(f"  {line}") for line in function_lines(x.function)]
    for note in x.notes:
        text.append(Text(f"  note: {note}"))
    return text


def function_lines(function: Any) -> list[str]:
    lines = []
    for at in function["layers"]:
        fits = [_fit(f) for f in at["fits"][:2]]
        share = at["explained"]
        own = "" if share is None else f"the weights' own {function['algorithm']} explains {share:.2%}; "
        lines.append(
            f"layer {at['layer']}: {own}fitted to outputs, {'; '.join(fits) or 'nothing'}; features change by at most "
            f"{at['feature_change']:.2g}"
        )
    if "distances" not in function:
        return lines
    if function["distances_exact"]:
        lines.append(f"distance of the predictions from {function['algorithm']}'s: exactly zero on every prompt")
    else:
        worst, size = max(function["distances"]), function["size"]
        lines.append(
            f"distance of the predictions from {function['algorithm']}'s, exact on each prompt: at most {worst:.3g} "
            f"(predictions are up to {size:.3g})"
        )
    bound = function["quantile"]
    if bound is not None and bound["bound"] is not None:
        lines.append(
            f"95 % of the law's prompts are within {bound['bound']:.3g}, with 95 % confidence, whatever the law"
        )
    elif bound is not None:
        lines.append("a quantile over the law is undecided: 59 independent prompts are needed")
    worst_case = function["worst_case"]
    text = f"at most {worst_case['bound']:.3g}"
    if worst_case["verdict"] == "undecided":
        text = f"undecided: the bound, {worst_case['bound']:.2g}, is vacuous"
    lines.append(f"over all prompts with entries in [-1, 1]: {text}")
    return lines


def _fit(fit: Any) -> str:
    parts = [f"{name} = {x:.3g} I" for name, x in fit["steps"].items()]
    if fit["discount_factor"] is not None:
        parts.append(f"discount {fit['discount_factor']:.3g} gamma")
    return f"{fit['algorithm']} ({', '.join(parts)}) explains {fit['explained']:.2%}"


def _shares(values: Sequence[float]) -> str:
    return ", ".join(f"{x:.3g}" for x in values)
