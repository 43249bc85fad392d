"""Invariance beside what one would write in plain SymPy: differentiate, substitute every group element, expand."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import sympy

from layerproof.symbolic.algorithms import find
from layerproof.symbolic.invariance import decide, sets
from layerproof.symbolic.invariance.decide import random_invariance
from layerproof.symbolic.invariance.one_layer import one_layer_set
from layerproof.symbolic.invariance.own_weights import own_construction, own_point
from layerproof.symbolic.invariance.polynomials import residual_polynomials
from layerproof.symbolic.invariance.samples import Outer
from layerproof.symbolic.invariance.sets import WeightSet, commutant
from layerproof.symbolic.invariance.symmetry import SymmetryGroup, group_named
from layerproof.symbolic.invariance.weights import WeightSpace

GAMMA = Fraction(9, 10)
OUTER = Outer(discount=GAMMA)


def setting(d: int, n: int, depth: int, looped: bool = True) -> tuple[WeightSpace, SymmetryGroup]:
    """td0's trained weights at these sizes, and the signed permutations of d features."""
    own = own_construction(find("td0"), {}, d, n, depth, {"gamma": GAMMA}, looped)
    return WeightSpace.of(find("td0"), own), group_named("signed-permutations", d)


def one_layer(d: int, n: int) -> tuple[WeightSet, SymmetryGroup]:
    """The one-layer set of td0 and the group."""
    space, group = setting(d, n, 1)
    own = own_construction(find("td0"), {}, d, n, 1, {"gamma": GAMMA}, True)
    return one_layer_set(space, group, OUTER, own_point(own)), group


def sympy_one_layer(n: int) -> None:
    """The same claim at d = 2 in plain SymPy: u = mean over the group of delta * df/dtheta, expanded entry by entry."""
    d, m = 2, 5
    f = [[sympy.Symbol(f"f{t}_{i}") for i in range(d)] for t in range(n + 3)]
    r = [sympy.Symbol(f"r{t}") for t in range(n + 2)]
    eta, c, e = sympy.symbols("eta c e")
    gamma = sympy.Rational(9, 10)
    P = sympy.Matrix(m, m, lambda i, j: sympy.Symbol(f"P{i}_{j}"))
    Q = sympy.Matrix(m, m, lambda i, j: sympy.Symbol(f"Q{i}_{j}"))
    at = {x: 0 for x in [*P, *Q]} | {P[4, 4]: eta, Q[0, 0]: c, Q[1, 1]: c, Q[2, 0]: e, Q[3, 1]: e}

    def prediction(first: int, query: int) -> Any:
        columns = [[*f[first + j], *(gamma * x for x in f[first + j + 1]), r[first + j]] for j in range(n)]
        Z = sympy.Matrix([*columns, [*f[query], 0, 0, 0]]).T
        M = sympy.diag(*([1] * n + [0]))
        return -(Z + P * Z * M * (Z.T * Q * Z) / n)[4, n]

    now, later = prediction(0, n + 1), prediction(1, n + 2)
    delta = (r[-1] + gamma * later - now).subs(at)
    elements = [(flip, swap) for flip in product((1, -1), repeat=2) for swap in (False, True)]
    images = [
        {x[i]: flip[i] * (x[1 - i] if swap else x[i]) for x in f for i in range(d)} for flip, swap in elements
    ]  # fmt: skip
    outside = [*P[4, :4], *P[:4, :], *Q[:, 2:], *Q[4, :2], Q[0, 1], Q[1, 0], Q[2, 1], Q[3, 0]]
    for x in outside:
        update = delta * now.diff(x).subs(at)
        assert sympy.expand(sum(update.subs(image, simultaneous=True) for image in images)) == 0


def jobs(quick: bool, seconds: Any, entry: Any) -> list[dict[str, Any]]:
    """The lines of the benchmark's table."""
    small, group = one_layer(2, 2)
    ours = seconds(lambda: residual_polynomials(small, group, OUTER), 5)
    theirs = seconds(lambda: sympy_one_layer(2), 1)
    job = "invariance of td0's one-layer set, polynomials, d=2, n=2"
    lines = [entry(job, ours, "SymPy diff, subs, expand", theirs)]
    d, n = (2, 4) if quick else (3, 10)
    larger, group_of_larger = one_layer(d, n)
    again = seconds(lambda: residual_polynomials(larger, group_of_larger, OUTER), 3)
    lines.append(entry(f"invariance of td0's one-layer set, polynomials, d={d}, n={n}", again))
    space, wide = setting(6, 4, 3)
    whole = commutant(space, wide)

    def uncached() -> None:
        for kept in (*vars(decide).values(), *vars(sets).values()):
            if hasattr(kept, "cache_clear"):
                kept.cache_clear()
        random_invariance(whole, wide, OUTER)

    spent = seconds(uncached, 3)
    lines.append(entry("invariance of td0's commutant, random point, d=6 (46080 elements), n=4, L=3 looped", spent))
    return lines
