"""How fast the prediction goes to its limit: the envelope of one iteration, found here and verified by `lyapunov`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq_mat, fmpq_poly

from .decide import Fate, functionals
from .disc import radius
from .iteration import Iteration
from .krylov import KrylovSequence, minimal_polynomial, observe, restrict
from .layers import layers_for
from .lyapunov import Envelope, search
from .rationals import identity


@dataclass(frozen=True, eq=False)
class Rate:
    """v_l - v* = h F^k z at layer l = k period + i, h the i-th functional, inside a certified envelope.

    errors   : F, z and the functionals, on what the prediction sees of what w_0 excites
    envelope : the certificate;  layers : how many layers it needs for epsilon
    radius   : lower <= rho <= upper of F
    """

    errors: KrylovSequence
    envelope: Envelope
    layers: int
    radius: tuple[Fraction, Fraction]


def errors(it: Iteration, m: fmpq_poly | None = None) -> KrylovSequence:
    """The errors of the predictions from w_0 as a linear sequence on as few coordinates as there can be.

    m : the minimal polynomial of the changes, where it is known.  The prediction must converge.
    """
    r = it.residual
    m = minimal_polynomial(it.T, r) if m is None else m
    read = [h for h, _ in functionals(it)]
    if not m.degree() or not any(x for h in read for x in h.entries()):
        return nothing(len(read))
    seen = observe(restrict(it.T, r, r, read, m.degree()))
    k = seen.F.nrows()
    if not k:
        return nothing(len(read))
    gap = identity(k) - seen.F
    return KrylovSequence(seen.F, gap.solve(seen.z) * -1, seen.read, None)


def nothing(count: int) -> KrylovSequence:
    """No coordinates at all: predictions that never change."""
    return KrylovSequence(fmpq_mat(0, 0), fmpq_mat(0, 1), (fmpq_mat(1, 0),) * count, None)


def rate(fate: Fate, epsilon: Fraction) -> Rate | None:
    """The rate of the prediction from w_0; None where it does not converge, or no certificate was found."""
    if not fate.prediction.converges:
        return None
    reduced = errors(fate.iteration)
    k = reduced.F.nrows()
    if not k:
        still = Envelope(Fraction(1, 2), fmpq_mat(0, 0), (Fraction(0),) * len(reduced.read))
        return Rate(reduced, still, 0, (Fraction(0), Fraction(0)))
    between = radius(reduced.F.charpoly())
    envelope = search(reduced, between[1], epsilon)
    if envelope is None:
        return None
    return Rate(reduced, envelope, layers_for(envelope, epsilon), between)
