"""The one refusal of too much work: an estimate in parts, made before anything runs, and the size that is at fault.

One unit is about 0.1 microseconds of one core, so that the default limit of 10^9 is meant as two minutes and 4 GiB
(docs/robustness.md, benchmarks/limits.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..symbolic.errors import WorkLimitError
from ..symbolic.plain_text import amount

Estimate = Callable[[Mapping[str, int]], Mapping[str, int]]
"""From the sizes, by name, the units of each part of the work, by its name in words."""


@dataclass(frozen=True)
class Size:
    """A size that work grows with: its value, the least that it can be, and how a message says it (name and value)."""

    value: int
    least: int = 1
    words: str = "{} is {}"


def check(limit: int, sizes: Mapping[str, Size], estimate: Estimate, subject: str = "") -> None:
    """Raise `WorkLimitError` where the estimate at these sizes is above the limit.

    At fault is the size whose least value leaves the least work.
    """
    asked = {name: size.value for name, size in sizes.items()}
    parts = estimate(asked)
    total = sum(parts.values())
    if total <= limit:
        return
    fault = min(sizes, key=lambda name: sum(estimate({**asked, name: sizes[name].least}).values()))
    # --max-work takes a number of up to 18 digits
    more = f", or raise it with --max-work {total}" if total < 10**18 else ""
    raise WorkLimitError(
        f"{subject}{': ' * bool(subject)}the work asked for, about {amount(total)}, is above the limit of {limit}: "
        f"{sizes[fault].words.format(fault, amount(asked[fault]))}, and most of the work is "
        f"{max(parts, key=parts.__getitem__)}: ask for less{more}"
    )
