"""The same question in ball arithmetic: enclosures of all roots, which decide unless one touches the circle."""

from __future__ import annotations

from typing import Any

from .rationals import integer_polynomial


def balls_inside(p: Any) -> bool | None:
    """Whether all roots of p are inside the unit disc, from enclosures of them; None where these cannot tell."""
    sizes = [abs(root) for root, _ in integer_polynomial(p).complex_roots()]
    if any(size > 1 for size in sizes):
        return False
    return True if all(size < 1 for size in sizes) else None


def largest_root(p: Any) -> tuple[complex, float]:
    """The root of largest modulus, about, and its modulus; 0 where there is none."""
    roots = [root for root, _ in integer_polynomial(p).complex_roots()]
    if not roots:
        return 0j, 0.0
    root = max(roots, key=lambda x: float(abs(x).mid()))
    return complex(root), float(abs(root).mid())
