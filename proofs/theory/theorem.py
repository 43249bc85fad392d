"""What a theorem is here: its name, its Rocq text, and the term of the theory that must have that type."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theorem:
    """One theorem.

    statement : its Rocq text; for an algorithm's theorem in terms of the definitions of its audit file
    algorithm : the algorithm that it is about, or None for a general theorem
    proof     : the theory's term that must have that type
    """

    name: str
    file: str
    sentence: str
    statement: str
    proof: str
    algorithm: str | None = None


def general(name: str, file: str, sentence: str, statement: str) -> Theorem:
    """A theorem about no one algorithm; its statement may be broken into lines."""
    return Theorem(name, file, sentence, " ".join(statement.split()), f"{file}.{name}")
