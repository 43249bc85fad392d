"""What rests on what in the theory, and what of it is audited: read from the sources, with no status typed by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ...symbolic.algorithms import catalogue
from ...symbolic.pattern_algorithms import pattern_catalogue
from ..verdict import Claim, Verdict, worst
from .audit import THEORY_PREFIX, Audit
from .audits import audits
from .gate import THEORY, files_of
from .general import general_audits
from .lexer import code, needs
from .theorem import Theorem


class Status(StrEnum):
    """What a picture says of a file; nobody types it, it follows from the verdicts."""

    WHOLE = "proved with everything under it"
    PROVED = "proved"
    NOT_RUN = "not run"
    NOT_STATED = "not stated"
    UNDECIDED = "undecided"
    REFUTED = "refuted"


@dataclass(frozen=True)
class Node:
    """One file of the theory.

    needs    : the files that it requires
    proved   : its lemmas and theorems, in order, each with a proof in the file
    stated   : the theorems of audits that come from it
    audited  : the name of each of them, with the gate's verdict: NOT_RUN where none was given
    """

    name: str
    needs: tuple[str, ...]
    proved: tuple[str, ...]
    stated: tuple[Theorem, ...]
    audited: Mapping[str, Verdict]

    @property
    def verdict(self) -> Verdict | None:
        """The worst verdict of its audited theorems; None where none is audited."""
        return worst(self.audited.values()) if self.audited else None

    @property
    def unstated(self) -> tuple[str, ...]:
        """Its lemmas that no audit states: they are checked with what is proved from them."""
        return tuple(name for name in self.proved if name not in self.audited)


def picture(
    claims: Iterable[Claim] = (), theory: Path = THEORY, asked: Sequence[Audit] | None = None
) -> tuple[Node, ...]:
    """The files of the theory in the order of its list, then the generated ones.

    claims : those of a `prove`, whose verdicts are shown
    asked  : the audits that were asked for, where these were not all: then their files and what is under them
    """
    verdict_of = dict(verdict for claim in claims for verdict in _verdicts(claim))
    every = [*general_audits()]
    every += asked if asked is not None else _of_the_catalogue()
    texts = {name: (theory / f"{name}.v").read_text(encoding="utf-8") for name in files_of(theory)}
    texts |= {f.name: f.text for a in every for f in a.theory}
    stated: dict[str, dict[str, Theorem]] = {}
    for theorem in (t for a in every for t in a.theorems):
        stated.setdefault(theorem.file, {})[theorem.name] = theorem
    nodes = []
    for name, text in texts.items():
        proved = re.findall(r"^(?:Lemma|Theorem|Corollary)\s+([\w']+)", code(text) or "", re.M)
        own = stated.get(name, {})
        verdicts = {t: verdict_of.get(t, Verdict.NOT_RUN) for t in own}
        needed = tuple(sorted(needs(text, THEORY_PREFIX)))
        nodes.append(Node(name, needed, tuple(proved), tuple(own.values()), verdicts))
    if asked is not None:
        reached = under({t.file for a in asked for t in a.theorems} | {r for a in asked for r in a.requires}, nodes)
        nodes = [n for n in nodes if n.name in reached]
    return tuple(nodes)


def _of_the_catalogue() -> Iterable[Audit]:
    for algorithm in catalogue().values():
        yield from audits(algorithm)
    for patterned in pattern_catalogue().values():
        yield from audits(patterned)


def _verdicts(claim: Claim) -> Iterable[tuple[str, Verdict]]:
    """What a claim says of theorems: one of `prove` of its own, one of `verify` of all about an algorithm."""
    if "theorem" in claim.details:
        return [(str(claim.details["theorem"]), claim.verdict)]
    return [(str(name), Verdict(verdict)) for name, verdict in dict(claim.details.get("verdicts", {})).items()]


def under(names: Iterable[str], nodes: Iterable[Node]) -> set[str]:
    """These files and all that they rest on."""
    by_name = {n.name: n for n in nodes}
    reached = set(names)
    new = reached
    while new:
        new = {m for n in new for m in by_name[n].needs} - reached
        reached = reached | new
    return reached


def whole(name: str, nodes: Iterable[Node]) -> Verdict:
    """HOLDS where every audited theorem of a file and of all files under it holds; else the worst of their verdicts."""
    every = tuple(nodes)
    reached = under({name}, every)
    verdicts = {n.verdict for n in every if n.name in reached and n.verdict is not None}
    return worst(verdicts)


def status(node: Node, nodes: Iterable[Node]) -> Status:
    """What the picture says of a file."""
    if node.verdict is None:
        return Status.NOT_STATED
    if node.verdict is Verdict.HOLDS:
        return Status.WHOLE if whole(node.name, nodes) is Verdict.HOLDS else Status.PROVED
    return Status[node.verdict.name]


def document(nodes: Iterable[Node]) -> list[dict[str, Any]]:
    """The picture as JSON: a file's verdict (null where nothing of it is audited), and with all that is under it."""
    every = list(nodes)
    return [
        {
            "file": f"{n.name}.v",
            "needs": [f"{m}.v" for m in n.needs],
            "proved": list(n.proved),
            "audited": {name: verdict.value for name, verdict in n.audited.items()},
            "verdict": n.verdict.value if n.verdict else None,
            "whole": whole(n.name, every).value,
            "status": status(n, every).value,
        }
        for n in every
    ]
