"""The same question in ball arithmetic: enclosures of all roots, which decide unless one touches the circle."""

from __future__ import annotations

from typing import Any

from flint import arb, fmpz_mat, fmpz_poly

from .rationals import dyadic, integer_polynomial

LOST, MOST_DEGREE = 1500, 12
"""So many bits of a discriminant may be lost to roots that lie close together: with 2000, two of them 10^-300 apart,
FLINT's search for enclosures takes minutes.  From some degree on the discriminant would take longer than the search."""
KEPT = 256
"""The bits of the coefficients from which the largest root is told, where that is so."""


def balls_inside(p: Any) -> bool | None:
    """Whether all roots of p are inside the unit disc, from enclosures of them; None where these cannot tell."""
    whole = integer_polynomial(p)
    if too_close(whole):
        return None
    sizes = [abs(root) for root, _ in whole.complex_roots()]
    if any(size > 1 for size in sizes):
        return False
    return True if all(size < 1 for size in sizes) else None


def largest_root(p: Any) -> tuple[complex, float]:
    """The root of largest modulus, about, and its modulus; 0 where there is none."""
    whole, unit = integer_polynomial(p), arb(1)
    if too_close(whole):
        whole, exponent = _rounded(whole)
        unit = arb(2) ** exponent
    roots = [root * unit for root, _ in whole.complex_roots()]
    if not roots:
        return 0j, 0.0
    root = max(roots, key=lambda x: dyadic(abs(x)))
    return complex(root), float(abs(root).mid())


def _rounded(p: fmpz_poly) -> tuple[fmpz_poly, int]:
    """q with short coefficients and e: the largest roots of p are about 2^e times those of q."""
    *rest, last = [int(x) for x in p.coeffs()]
    size = last.bit_length()
    e = max(-((size - x.bit_length()) // k) for k, x in enumerate(reversed(rest), 1) if x)  # Fujiwara's bound
    scale = max(0, -e) * len(rest)
    coefficients = [(x << scale + max(0, e * k)) >> max(0, -e * k) for k, x in enumerate([*rest, last])]
    spare = max(0, max(abs(x).bit_length() for x in coefficients) - KEPT)
    return fmpz_poly([x >> spare for x in coefficients]), e


def too_close(p: fmpz_poly) -> bool:
    """Whether different roots of p lie so close together that enclosures are not looked for."""
    p = p // p.gcd(p.derivative()) if p.degree() > 0 else p
    degree, coefficients = p.degree(), [int(x) for x in p.coeffs()]
    most = (2 * degree - 2) * max((abs(x).bit_length() for x in coefficients), default=0)
    if not 2 <= degree <= MOST_DEGREE or most <= LOST:
        return False
    slope = [k * x for k, x in enumerate(coefficients)][1:]
    rows = [[0] * k + coefficients + [0] * (degree - 2 - k) for k in range(degree - 1)]
    rows += [[0] * k + slope + [0] * (degree - 1 - k) for k in range(degree)]
    resultant = abs(int(fmpz_mat(rows).det()))  # Sylvester's: the discriminant times the leading coefficient
    return bool(most - resultant.bit_length() + abs(coefficients[-1]).bit_length() > LOST)
