"""The answers on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from ..terminal.table import console
from .answer import Identification, Identified

STYLES = {"exact": "green", "indistinguishable": "green", "approximate": "yellow", "none": "bold red"}


def show(result: Identification) -> None:
    """One network in full, or a line for each of several."""
    out = console()
    if len(result.networks) == 1:
        for text in lines(result.networks[0]):
            out.print(text, soft_wrap=True)
        return
    for x in result.networks:
        out.print(Text.assemble(f"{x.name}  ", (x.match, STYLES[x.match]), f"  {_short(x)}"), soft_wrap=True)
    counts = result.document()["counts"]
    out.print()
    said = ", ".join(f"{k} {name}" for name, k in counts.items())
    out.print(Text(f"{len(result.networks)} networks: {said}", style="bold"), soft_wrap=True)
    out.print(Text("Each in full: layerproof identify DIRECTORY/seed-K, or --json", style="dim"))


def _short(x: Identified) -> str:
    best = x.recognition.best
    if best is None:
        return "no algorithm of the catalogue has this prompt"
    said = [f"{best.name}", f"weights at {best.near.distance:.2g}"]
    kappa = best.fitted.kappa
    if kappa is not None:
        said.append(f"discount {float(kappa):.2g} gamma")
    if x.function is not None:
        said.append(_function_short(x.function))
    return ", ".join(said)


def _function_short(function: Any) -> str:
    last = function["layers"][-1]
    return f"outputs explained {last['explained']:.1%}"


def lines(x: Identified) -> list[Text]:
    """One network's answers."""
    network = x.recognition.network
    found = [Text.assemble((x.match, STYLES[x.match]), f"  {x.verdict()}")]
    sizes = f"d = {network.layout.d}, n = {network.layout.n}, L = {network.depth}{', looped' if network.looped else ''}"
    found += [Text(f"  prompt {network.prompt.name}, {sizes}", style="dim"), Text(), Text("1. The rule", style="bold")]
    found += [Text(f"  {line}") for line in x.update()]
    found += [Text(), Text("2. The catalogue", style="bold")]
    for c in x.document()["catalogue"]:
        kappa = c["discount_factor"]
        about = "" if kappa is None else f", discount {float(_float(kappa)):.3g} gamma"
        exact = "equal" if c["exact"] else f"distance {c['distance']:.3g}{x._bound()}"
        found.append(Text(f"  {c['algorithm']}: {exact}{about}; share of each layer {_shares(c['shares'])}"))
        for block in c["residual"][:3]:
            found.append(
                Text(
                    f"      {block['share']:.2g} is left in: {block['written']} += {block['value']} x {block['key']} x "
                    f"{block['query']}",
                    style="dim",
                )
            )
    if any(s > 0 for s in x.document()["outside_commutant"]):
        found.append(Text(f"  outside the commutant: {_shares(x.document()['outside_commutant'])}"))
    for note in x.notes:
        found.append(Text(f"  note: {note}"))
    return found


def _float(text: str) -> float:
    from fractions import Fraction

    return float(Fraction(text))


def _shares(values: Sequence[float]) -> str:
    return ", ".join(f"{x:.3g}" for x in values)
