"""How many layers for epsilon: the first after which the certified envelope stays below it."""

from __future__ import annotations

from fractions import Fraction

from flint import arb, ctx

from .lyapunov import Envelope
from .rationals import rational

SHORT = 4096
"""Powers up to this one are compared as rationals, higher ones as balls of many digits."""


def layers_for(envelope: Envelope, epsilon: Fraction) -> int:
    """The least L such that the envelope is at most epsilon at every layer from L on."""
    period = len(envelope.constants)
    last = [(_steps(c, envelope.r, epsilon), i) for i, c in enumerate(envelope.constants)]
    return max((0 if not k else (k - 1) * period + i + 1) for k, i in last)


def _steps(c: Fraction, r: Fraction, epsilon: Fraction) -> int:
    """The least k with c r^k <= epsilon."""
    if c <= epsilon:
        return 0
    before = ctx.prec
    ctx.prec = 256 + 4 * r.denominator.bit_length()  # the logarithm of a number near 1 is near 0
    try:
        near = (arb(rational(c / epsilon)).log() / -arb(rational(r)).log()).mid()
        k = max(int(near.floor().unique_fmpz()) - 1, 1)
        while not _below(c, r, k, epsilon):
            k += 1
    finally:
        ctx.prec = before
    return k


def _below(c: Fraction, r: Fraction, k: int, epsilon: Fraction) -> bool:
    """Whether c r^k <= epsilon; where balls cannot tell, which takes an equality to 70 digits, no."""
    if k <= SHORT:
        return c * r**k <= epsilon
    return bool(arb(rational(c)) * arb(rational(r)) ** k <= arb(rational(epsilon)))
