"""The algorithm's own weights, at unit steps, as a point of what is trained: as exported, or as the papers say.

W and P of a head enter the layer as their product only, so the same layer has many factorings, and the smallest set
that training keeps differs between them.
  exported   what `construct` returns: W = diag(0, I) and P = diag(0, U); or the heads that a file gives
  paper      W = diag(0, U) and P = diag(0, D), D the 0-1 diagonal matrix that picks the rows that U reads
With one head no W is trained, as in the papers, and P holds the product: the two forms are one point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..algorithm import Algorithm
from ..attention import Head
from ..construction import Construction, Steps, construct, split_head
from ..derivation.derive import derive
from ..errors import ArgumentError, ContentError
from ..given import given_construction
from .weights import Point

FORM_WORDS = {
    "exported": "as exported, W = diag(0, I) and P = diag(0, U), or the heads that the file gives",
    "paper": "as in the papers, W = diag(0, U), and P picks the rows that U reads",
}
FORMS = tuple(FORM_WORDS)


def own_construction(
    algorithm: Algorithm,
    options: Mapping[str, str],
    d: int,
    n: int,
    depth: int,
    parameters: Mapping[str, Fraction],
    looped: bool,
    scales: Sequence[Fraction] | None = None,
) -> Construction:
    """The algorithm's weights, derived or its own heads, with every C the identity (times `scales`, one a layer).

    Raises `ContentError` when heads are given whose number differs between layers.
    """
    steps = [unit_step(algorithm, d, scale) for scale in scales or [Fraction(1)] * (1 if looped else depth)]
    if algorithm.heads is None:
        return construct(derive(algorithm, options), d, n, depth, steps, parameters, looped)
    construction = given_construction(algorithm, algorithm.choose(options), d, n, depth, steps, parameters, looped)
    counts = [len(heads) for heads in construction.layers]
    if any(count != counts[0] for count in counts):
        raise ContentError(
            f"{algorithm.name} gives {', '.join(map(str, counts))} heads layer by layer: invariance is about weights "
            "with the same number of heads in every layer"
        )
    if not counts[0]:
        raise ContentError(f"{algorithm.name} gives no heads at all, so nothing is trained")
    return construction


def unit_step(algorithm: Algorithm, d: int, scale: Fraction = Fraction(1)) -> Steps:
    """One layer's preconditioners: scale * I : (d, d) for a matrix, scale for a scalar step."""
    square = [[scale * (i == j) for j in range(d)] for i in range(d)]
    return tuple(scale if c in algorithm.scalar_preconditioners else square for c in algorithm.preconditioners)


def unit_step_words(algorithm: Algorithm) -> str:
    """What `unit_step` makes of an algorithm's steps: "C = I, sync = 1 and not its table's"."""
    scalars, more = algorithm.scalar_preconditioners, " and not its table's"
    words = [f"{c} = {'1' if c in scalars else 'I'}{more * (c in algorithm.tables)}" for c in algorithm.preconditioners]
    return ", ".join(words) or "no steps"


def own_point(construction: Construction, form: str = FORMS[0]) -> Point:
    """The weights of a construction as a point.

    Raises `ArgumentError` for a form that there is not, or the papers' for heads that have none: W P = diag(0, U) and
    Q = diag(E, 0) is wanted.
    """
    if form not in FORMS:
        raise ArgumentError(f"weights is {str(form)[:40]!r}, wanted {' or '.join(FORMS)}")
    point: list[Fraction] = []
    for heads in construction.layers:
        for head in heads:
            Q = head.Q.fractions()
            if len(heads) == 1:
                matrices = [(head.W @ head.P).fractions(), Q]
            elif form == "exported":
                matrices = [head.W.fractions(), head.P.fractions(), Q]
            else:
                matrices = [*_as_in_the_papers(head, construction), Q]
            point += [x for rows in matrices for row in rows for x in row]
    return tuple(point)


def _as_in_the_papers(head: Head, construction: Construction) -> tuple[list[list[Any]], list[list[Fraction]]]:
    split, p, m = split_head(head, construction.layout.p), construction.layout.p, construction.layout.m
    if split is None:
        raise ArgumentError(
            f"a head of {construction.algorithm} is not of the form W P = diag(0, U), Q = diag(E, 0), so the papers do "
            "not say how to factor it: leave out weights"
        )
    U = split.U.fractions()
    read = [any(row[j] for row in U) for j in range(m - p)]
    W = [[U[i - p][j - p] if i >= p and j >= p else Fraction(0) for j in range(m)] for i in range(m)]
    return W, [[Fraction(i == j and i >= p and read[i - p]) for j in range(m)] for i in range(m)]
