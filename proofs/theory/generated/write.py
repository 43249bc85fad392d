"""From a derivation to what the gate is asked: statements, the generated file, and the proofs that join them."""

from __future__ import annotations

from collections.abc import Sequence

from ....symbolic.errors import NotRepresentableError
from ..audit import Audit, TheoryFile
from ..theorem import Theorem
from .given import Weights
from .proofs import proofs_text
from .reading import differs
from .statements import statements
from .theory_file import generated

REQUIRES = ("attention", "loop_masks", "loop_prompt")
"""The theory's files that every generated file rests on."""


def audit_of(derivation: Weights, reserved: Sequence[str] = ()) -> Audit:
    """The audit of derived weights, or of given ones; reserved : the names of the theory's files.

    Raises `NotRepresentableError` when the theory has no words for a part of it, or when what is printed is not what
    the update does.
    """
    parts, theory = generated(derivation, tuple(reserved))
    printed = statements(parts)
    difference = differs(printed)
    if difference is not None:
        raise NotRepresentableError(f"the printed statement is not the algorithm that runs: {difference}")
    name = parts.module
    texts = [x.removesuffix("%N") for x in parts.hypotheses.values()]
    given = [x[1:-1] if x.startswith("(") and x.endswith(")") else x for x in texts]
    theorems = tuple(
        Theorem(
            parts.theorem(c.part),
            parts.module,
            c.sentence if c.part == "hypotheses" or not given else f"{c.sentence}, given {', '.join(given)}",
            "".join(f"{x} -> " for x in parts.hypotheses.values() if c.part != "hypotheses") + c.statement,
            algorithm=derivation.algorithm.name,
        )
        for c in printed.claims
    )
    return Audit(
        name, REQUIRES, theorems, printed.text(), proofs_text(printed, name), (TheoryFile(parts.module, theory),),
        joins=True,
    )  # fmt: skip
