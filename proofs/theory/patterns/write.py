"""From a derived form to what the gate is asked: statements, the generated file, and the proofs that join them."""

from __future__ import annotations

from ....symbolic.errors import NotRepresentableError
from ....symbolic.patterns.heads import PatternForm
from ..audit import Audit, TheoryFile
from ..theorem import Theorem
from .parts import parts_of
from .proofs import proofs_text
from .reading import differs
from .statements import statements
from .theory_file import theory_text

REQUIRES = ("attention", "loop_masks", "loop_prompt", "token_patterns")
"""The theory's files that every generated file rests on."""


def pattern_audit(form: PatternForm, reserved: tuple[str, ...] = ()) -> Audit:
    """The audit of an algorithm's derived heads; reserved : the names of the theory's files.

    Raises `NotRepresentableError` when the theory has no words for a part of it, or when what is printed is not what
    the update does.
    """
    parts = parts_of(form, reserved)
    printed = statements(parts)
    difference = differs(printed)
    if difference is not None:
        raise NotRepresentableError(f"the printed statement is not the algorithm that runs: {difference}")
    name = parts.module
    theorems = tuple(
        Theorem(parts.theorem(c.part), name, c.sentence, c.statement, algorithm=form.algorithm.name)
        for c in printed.claims
    )
    file = TheoryFile(name, theory_text(parts))
    return Audit(name, REQUIRES, theorems, printed.text(), proofs_text(printed, name), (file,), joins=True)
