"""What rests on what in the theory, and what of it is audited: read from the sources, with no status typed by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...symbolic.algorithms import catalogue
from ..verdict import Claim, Verdict
from .audit import THEORY_PREFIX
from .audits import audits
from .gate import THEORY, files_of
from .general import general_audits
from .lexer import code, needs


@dataclass(frozen=True)
class Node:
    """One file of the theory.

    needs    : the files that it requires
    proved   : its lemmas and theorems, in order, each with a proof in the file
    audited  : the theorems of audits that come from it, each with the gate's verdict: NOT_RUN where none was given
    """

    name: str
    needs: tuple[str, ...]
    proved: tuple[str, ...]
    audited: Mapping[str, Verdict]

    @property
    def verdict(self) -> Verdict | None:
        """The worst verdict of its audited theorems; None where none is audited."""
        order = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN, Verdict.HOLDS)
        return next((v for v in order if v in self.audited.values()), None)


def picture(claims: Iterable[Claim] = (), theory: Path = THEORY) -> tuple[Node, ...]:
    """The files of the theory in the order of its list, then the generated ones of the catalogue.

    claims : those of a `prove`, whose verdicts are shown
    """
    said = {str(c.details["theorem"]): c.verdict for c in claims if "theorem" in c.details}
    every = [*general_audits(), *(a for algorithm in catalogue().values() for a in audits(algorithm))]
    texts = {name: (theory / f"{name}.v").read_text(encoding="utf-8") for name in files_of(theory)}
    texts |= {f.name: f.text for a in every for f in a.theory}
    audited: dict[str, dict[str, Verdict]] = {}
    for theorem in (t for a in every for t in a.theorems):
        audited.setdefault(theorem.file, {})[theorem.name] = said.get(theorem.name, Verdict.NOT_RUN)
    nodes = []
    for name, text in texts.items():
        proved = re.findall(r"^(?:Lemma|Theorem|Corollary)\s+([\w']+)", code(text) or "", re.M)
        nodes.append(Node(name, tuple(sorted(needs(text, THEORY_PREFIX))), tuple(proved), audited.get(name, {})))
    return tuple(nodes)


def whole(name: str, nodes: Iterable[Node]) -> Verdict:
    """HOLDS where every audited theorem of a file and of all files under it holds; else the worst of their verdicts."""
    by_name = {n.name: n for n in nodes}
    reached, new = {name}, {name}
    while new:
        new = {m for n in new for m in by_name[n].needs} - reached
        reached |= new
    found = {by_name[n].verdict for n in reached} - {None}
    order = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN, Verdict.HOLDS)
    return next((v for v in order if v in found), Verdict.NOT_RUN)


def document(nodes: Iterable[Node]) -> list[dict[str, Any]]:
    """The picture as JSON: a file's verdict (null where nothing of it is audited) and that of all that is under it."""
    found = list(nodes)
    return [
        {
            "file": f"{n.name}.v",
            "needs": [f"{m}.v" for m in n.needs],
            "proved": list(n.proved),
            "audited": {name: verdict.value for name, verdict in n.audited.items()},
            "verdict": n.verdict.value if n.verdict else None,
            "whole": whole(n.name, found).value,
        }
        for n in found
    ]
