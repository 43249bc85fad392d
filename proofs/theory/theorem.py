"""What a theorem is here: its name, its file, a sentence that says it, and its Rocq text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theorem:
    """One theorem.

    file      : the theory's file that it comes from
    statement : its Rocq text, in terms of the definitions of its audit's file of statements
    algorithm : the algorithm that it is about, or None for a general theorem
    """

    name: str
    file: str
    sentence: str
    statement: str
    algorithm: str | None = None
