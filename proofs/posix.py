"""What only POSIX systems have, and what is said where it is missing."""

from __future__ import annotations

import os
from importlib import import_module

MISSING = (
    "layerproof runs on POSIX systems only, such as Linux and macOS: this one has no {}; on Windows it runs inside WSL"
)


def missing() -> str | None:
    """None on a system that has what is needed, else one line that says what is missing."""
    try:
        import_module("fcntl")
    except ImportError:
        return MISSING.format("module fcntl")
    return None if hasattr(os, "killpg") else MISSING.format("os.killpg")
