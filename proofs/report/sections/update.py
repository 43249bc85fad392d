"""Section "update": the textbook update with its source, as its loop runs on symbols, and as code."""

from __future__ import annotations

import inspect

from ....symbolic.algorithm import Algorithm
from ..assemble import prose
from ..derivation.update import update_blocks
from ..findings import Findings
from ..model import Block, Folded, Listing, Section

NAME, TITLE, ORDER = "update", "The textbook update", 20
LONGEST = 20_000


def build(findings: Findings) -> Section | None:
    """Where the update comes from and what it is; None for a construction without one."""
    algorithm = findings.algorithm
    if algorithm is None:
        return None
    blocks = (
        update_blocks(algorithm, findings.state)
        if findings.state is None or findings.derivation is None
        else update_blocks(algorithm, findings.derivation.state, findings.derivation.loop)
    )
    return Section(NAME, TITLE, (*blocks, *_code(algorithm)))


def _code(algorithm: Algorithm) -> list[Block]:
    """The update's code, folded, where it can be had."""
    code = source_of(algorithm)
    note = prose("This code is the reference of every check: it runs on symbols, on rationals and modulo a prime.")
    return [Folded("The update as it is run", (note, Listing(code, "python")), "update-code")] if code else []


def source_of(algorithm: Algorithm) -> str:
    """The update's code; empty where it cannot be had."""
    if hasattr(algorithm.update, "code"):  # as the process of the user's file said
        return str(algorithm.update.code)
    try:
        return inspect.getsource(algorithm.update)[:LONGEST].rstrip()
    except (OSError, TypeError):
        return ""
