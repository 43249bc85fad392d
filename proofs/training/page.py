"""The page of a run: what was trained, what it came to, curves with bands, and every seed's weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...numeric.training.architecture import Architecture
from ...numeric.training.checkpoint import read_trained
from ...numeric.training.family import aligned
from ...numeric.training.settings import TRAPS, Training
from ...numeric.training.verdicts import VERDICTS
from ...symbolic.errors import ContentError
from ..report.assemble import cell, plain, prose
from ..report.model import Block, Note, Picture, Report, Table
from ..report.picture_bands import bands_picture
from ..report.writers.checked import check
from ..report.writers.html import write
from .pictures import curve_of, emergence, maps_picture

NO_DATA = Table((), ())
SHOWN = 60
"""Seeds whose weights are drawn, at most."""


def page(settings: Training, document: Mapping[str, Any], weights: Mapping[int, bytes]) -> bytes:
    """The page as one HTML file."""
    report = Report("A training run", tuple(_blocks(settings, document, weights)), ())
    check(report)
    return write(report)["index.html"]


def sentences(settings: Training, document: Mapping[str, Any]) -> list[str]:
    """What came out, in words, for the page and for the command."""
    s = settings
    kind = f"{s.layers} looped layers" if s.looped else f"{s.layers} layers with weights of their own"
    text = [
        f"{s.seeds} networks of {kind}, {s.algorithm}'s prompt with d = {s.d}, n = {s.n}; {s.processes} processes "
        f"({s.process}, {s.states} states), {s.batches} mini-batches of {s.windows} windows each, target {s.target}, "
        f"{s.optimiser}."
    ]
    for rule, counts in document["verdicts"].items():
        told = ", ".join(f"{counts[v]} {v}" for v in VERDICTS)
        text.append(f"{rule}: {told}.")
    for null in document["criterion"]["null"]:
        text.append(
            f"The same criterion on {null['networks']} networks that learned nothing ({null['kind']}): "
            f"{null['reached']} reached, {null['half_way']} half-way, largest share {null['share']:.3f}."
        )
    if not document["exact theory"]:
        text.append(
            f"With {s.activation} attention scores read rows that layers write, and the query may change the context's "
            "columns: such networks are outside the exact theory, so no verdict is given, only measures."
        )
    return text + [f"Trap of the published code, by name: {TRAPS[name]}." for name in s.traps]


def _blocks(settings: Training, document: Mapping[str, Any], weights: Mapping[int, bytes]) -> list[Block]:
    blocks: list[Block] = [plain(sentence) for sentence in sentences(settings, document)]
    criterion = document["criterion"]
    if document["exact theory"]:
        blocks.append(plain(f"Reached: {criterion['reached']}. Not reached: {criterion['not reached']}. "
                            "Fixed before any run."))  # fmt: skip
    svg, words = emergence(document)
    blocks.append(Picture(svg, words, "Means over seeds; bands from quartile to quartile.", NO_DATA))
    final = document["final"]
    rows = [(cell(name), *(cell(shown(final[name][k])) for k in ("mean", "standard error", "low", "median", "high")))
            for name in final]  # fmt: skip
    headers = ("measure", "mean", "standard error", "lower quartile", "median", "upper quartile")
    caption = f"In the end, over {settings.seeds} seeds on {settings.final} fresh processes."
    blocks.append(Table(headers, tuple(rows), caption))
    if settings.exact:
        blocks.append(plain("Linear attention with fixed masks is linear in the query, so sensitivity similarity and "
                            "implicit weight similarity are one number: one piece of evidence, not two."))  # fmt: skip
    for title, names in (
        ("Values", ("value difference", "value size")),
        ("Blocks of the weights", ("P corner", "P others", "Q phi phi", "Q phi phi'", "Q others")),
        ("Losses", ("loss", "loss of batch TD")),
        ("Distance to the commutant: the share of the weights outside it", ("outside commutant",)),
        ("||P||^2 - ||Q||^2, which gradient flow conserves, and ||P||^2 + ||Q||^2", ("balance", "size")),
        ("The step of batch TD, trained alongside", ("step",)),
    ):
        known = [name for name in names if name in document["curves"]]
        if known:
            drawn = [curve_of(document, name) for name in known]
            svg, words = bands_picture(document["processes"], drawn, title, title.split()[0].lower().strip("|:^2"))
            blocks.append(Note(None, title, (Picture(svg, words, "", NO_DATA),)))
    if document["order of appearance"]:
        told = [(cell(name), cell(str(count))) for name, count in document["order of appearance"].items()]
        caption = "When each block had half of its final size, over the seeds that reached their rule."
        blocks.append(Table(("blocks in their order", "seeds"), tuple(told), caption))
    blocks += _maps(settings, document, weights)
    blocks.append(
        prose("The numbers: `metrics.json`; each seed's: `seed-K/measures.json`, `seed-K/weights.safetensors`.")
    )
    return blocks


def _maps(settings: Training, document: Mapping[str, Any], weights: Mapping[int, bytes]) -> list[Block]:
    """The mean weights, and every seed's with its verdict, all in one gauge."""
    arch = Architecture.of(settings)
    networks = {seed: matrices(arch, content) for seed, content in weights.items()}
    mean = torch.stack(list(networks.values())).mean(0)
    verdicts = {s["seed"]: next(iter(s["verdicts"].values()), "") for s in document["seeds"]}
    svg, words = maps_picture({"mean over seeds": _named(arch, mean)}, "The mean weights", "mean", 1, 120.0)
    caption = "Each network in one gauge: P and Q of equal norm, P's corner positive."
    blocks: list[Block] = [Picture(svg, words, caption, NO_DATA)]
    each = {f"{seed} {verdicts[seed]}".strip(): _named(arch, networks[seed]) for seed in sorted(networks)[:SHOWN]}
    svg, words = maps_picture(each, "Each seed's weights", "seeds", 4, 40.0)
    blocks.append(Picture(svg, words, "Every seed alone: a mean hides those that did not get there.", NO_DATA))
    return blocks


def matrices(arch: Architecture, content: bytes) -> Tensor:
    """A trained network's matrices (stored, matrices, m, m) in one gauge; `ContentError` for a file of none."""
    tensors, _ = read_trained(content)
    layers = []
    for layer in range(arch.stored):
        rows = []
        for name in arch.names:
            head = int(name[1:]) - 1 if arch.several else 0
            key = f"layers.{layer}.heads.{head}.{name[0]}"
            if key not in tensors or tuple(tensors[key].shape) != (arch.m, arch.m):
                raise ContentError(f"has no {arch.m} by {arch.m} tensor {key}")
            rows.append(tensors[key])
        layers.append(torch.stack(rows))
    return aligned(arch, torch.stack(layers).unsqueeze(0))[0]


def _named(arch: Architecture, weights: Tensor) -> dict[str, Sequence[Sequence[float]]]:
    """Matrices by name, layer by layer where there are several."""
    return {
        name if arch.stored == 1 else f"{name} of layer {layer + 1}": matrix.tolist()
        for layer, own in enumerate(weights)
        for name, matrix in zip(arch.names, own, strict=True)
    }


def shown(value: float | None) -> str:
    """A number in four digits; a dash for none."""
    return "–" if value is None else f"{value:.4g}"
