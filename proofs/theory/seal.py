"""The last word on a theorem: a file that says of each proof what it proves, and asks what it assumes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from .audit import AUDITS_PREFIX, STATEMENTS_PREFIX, Audit

CLOSED = "Closed under the global context"


def nonce() -> str:
    """A word that no file can know before it is drawn."""
    return "q" + secrets.token_hex(16)


def seal_text(audits: Sequence[Audit], word: str, each: bool = False) -> str:
    """A file that imports nothing: each proof against its statement by full names, then the questions.

    The statements are compiled already, over MathComp alone; here they are names, and nothing is left to be parsed.
    each : ask what each theorem assumes; else one question about the conjunction of all, which rests on what any of
           them rests on: the prover walks through its whole library for every question
    """
    lines = [line for a in audits for line in (f"From {STATEMENTS_PREFIX} Require {a.name}.",
                                               f"From {AUDITS_PREFIX} Require {a.name}.")]  # fmt: skip
    full = [a.place(t) for a in audits for t in a.theorems]
    for i, name in enumerate(full):
        lines.append(f"Definition sealed_{i} : {STATEMENTS_PREFIX}.{name} := {AUDITS_PREFIX}.{name}.")
    asked = [f"sealed_{i}" for i in range(len(full))]
    if not each:
        conjunction, proof = "Coq.Init.Logic.True", "Coq.Init.Logic.I"
        for i in reversed(range(len(full))):
            conjunction = f"Coq.Init.Logic.and {STATEMENTS_PREFIX}.{full[i]}\n ({conjunction})"
            proof = f"Coq.Init.Logic.conj sealed_{i}\n ({proof})"
        lines.append(f"Definition sealed : {conjunction} := {proof}.")
        asked = ["sealed"]
    for i, name in enumerate(asked):
        lines += [
            f'Goal True. idtac "{word} {i} begins". Abort.',
            f"Print Assumptions {name}.",
            f'Goal True. idtac "{word} {i} ends". Abort.',
        ]
    return "\n".join(lines) + "\n"


def theorem_at(line: int, audit: Audit) -> str | None:
    """The theorem that a line of the seal of one audit is about, counted from one; None for the others."""
    i = line - 3
    return audit.theorems[i].name if 0 <= i < len(audit.theorems) else None


def answers(output: str, word: str, theorems: Sequence[str]) -> dict[str, str | None]:
    """What the prover answered about each theorem: the one answer between its two marks; None where it is not one.

    theorems : one name for each question of the seal
    output   : standard output alone; warnings are on standard error and answer nothing
    """
    result: dict[str, str | None] = {}
    for i, name in enumerate(theorems):
        matches = re.findall(rf"^{word} {i} begins\n(.*?)^{word} {i} ends$", output, re.M | re.S)
        marks = output.count(f"{word} {i} begins") == output.count(f"{word} {i} ends") == 1
        result[name] = " ".join(matches[0].split()) if len(matches) == 1 and marks else None
    return result
