"""What the checker of compiled files, a program apart from the compiler, says of axioms."""

from __future__ import annotations

import re

SECTIONS = ("Constants/Inductives relying on type-in-type", "Constants/Inductives relying on unsafe (co)fixpoints",
            "Inductives whose positivity is assumed")  # fmt: skip
# The checker lists the constants of modules sealed by a signature, MathComp's way to lock a definition, and the
# primitive integers and floats that a tactic loads. None of them is in what `Print Assumptions` finds.
KNOWN = ("mathcomp.", "Coq.ssr.ssrunder.Under_rel.", "Coq.Numbers.Cyclic.Int63.PrimInt63.", "Coq.Floats.PrimFloat.")


def axioms(summary: str) -> list[str] | None:
    """The axioms in a context summary of the checker, but for the library's own; None if it is not whole.

    What relies on a check switched off counts as an axiom.

    >>> axioms("CONTEXT SUMMARY")
    """
    if summary.count("CONTEXT SUMMARY") != 1 or "Theory: Set is predicative" not in summary:
        return None
    parts = {name.strip(): body for name, body in re.findall(r"^\* ([^:\n]+):(.*?)(?=^\* |\Z)", summary, re.M | re.S)}
    if set(parts) != {"Theory", "Axioms", *SECTIONS}:
        return None
    listed = [name for part in ("Axioms", *SECTIONS) for name in parts[part].split() if name != "<none>"]
    return [name for name in listed if not name.startswith(KNOWN)]
