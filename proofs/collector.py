"""The garbage collector of a program that is over in seconds: most of its rounds would go through what imports made."""

from __future__ import annotations

import gc

SELDOM = (100_000, 20, 50)
"""Objects made between two looks for cycles, where Python waits for 700: a fifth of `layerproof verify td0`."""


def look_seldom() -> None:
    """From now on cycles are looked for seldom; what no cycle holds is freed at once all the same."""
    gc.set_threshold(*SELDOM)
