"""Memory that arrays leave free is kept for the next ones, where the allocator can be told so."""

from __future__ import annotations

import numpy as np

LARGEST = 2**25 - 2**16
"""The largest array, in bytes, that glibc learns from."""


def keep_freed_memory() -> None:
    """Make glibc keep what arrays leave free, as it does once a large one was freed; elsewhere nothing comes of it.

    Otherwise it hands every array of some megabytes back to the system and asks for it anew, which costs as much as the
    sums that are put there.  Source: M_MMAP_THRESHOLD in mallopt(3), "dynamic".
    """
    np.empty(LARGEST, dtype=np.uint8)  # never written to, so that it takes no memory
