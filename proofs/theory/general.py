"""The general theorems, about every algorithm or none: `statements/*.v` says them, `audit_proofs/*.v` proves them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from .audit import STATEMENTS_PREFIX, THEORY_PREFIX, Audit
from .lexer import needs
from .theorem import Theorem

FOLDER = Path(__file__).parent
INVARIANCE = ("gradient", "equivariance", "commutant", "symmetric_law", "expected_update", "invariance",
              "vector_blocks", "one_layer")  # fmt: skip
"""The files about the expected outer update."""
FILES = (
    "attention",
    "unique",
    "constant_row",
    "negative",
    "frozen",
    "sum_error",
    "error_propagation",
    "convergence",
    *INVARIANCE,
)


def general_audits() -> list[Audit]:
    """The audits of the general theorems, one for each file of statements."""
    return [general_audit(name) for name in FILES]


def invariance_audits() -> list[Audit]:
    """Those of them that are about invariance."""
    return [general_audit(name) for name in INVARIANCE]


@cache
def general_audit(name: str) -> Audit:
    """One file of statements and their proofs."""
    statements = (FOLDER / "statements" / f"{name}.v").read_text(encoding="utf-8")
    proofs = (FOLDER / "audit_proofs" / f"{name}.v").read_text(encoding="utf-8")
    words = tuple(sorted(needs(statements, STATEMENTS_PREFIX)))
    requires = tuple(sorted(needs(proofs, THEORY_PREFIX)))
    theorems = tuple(Theorem(t, name, sentence, statement) for sentence, t, statement in stated(statements))
    return Audit(name, requires, theorems, statements, proofs, words=words, joins=True)


def stated(statements: str) -> list[tuple[str, str, str]]:
    """The sentence, the name and the statement of each closed statement of a file.

    >>> stated("(* all is well *)\\nDefinition well : Prop :=\\n  forall x : nat, x = x.\\n")
    [('all is well', 'well', 'forall x : nat, x = x')]
    """
    matches = re.findall(
        r"^\(\* ([^*]*) \*\)\nDefinition (\w+) : Prop :=(.*?)\.$(?=\n\n|\n?\Z)", statements, re.M | re.S
    )
    return [(" ".join(sentence.split()), name, " ".join(text.split())) for sentence, name, text in matches]
