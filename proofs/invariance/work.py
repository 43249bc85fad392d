"""How much work a question about invariance asks for, estimated before anything runs.

The units are those of `..limit`; the factors are measured (docs/robustness.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from ...symbolic.algorithm import Algorithm
from ...symbolic.invariance.decide import ORBIT_LIMIT
from ...symbolic.prompt import Layout
from .. import limit

RATIONAL_DEPTH = 4
"""The deepest transformer that runs on rationals here: entries grow threefold in degree with every layer."""
PROJECTED = 1000
"""So many updates of one sample stand for those that are taken whatever the group, spans of their like included."""


def check_work(
    algorithm: Algorithm,
    sizes: tuple[int, int, int],
    heads: int,
    depths: list[tuple[int, bool]],
    group_order: Callable[[int], int | None],
    most: int,
) -> None:
    """Raise `WorkLimitError` naming the size at fault where the question about an algorithm is above the limit `most`.

    sizes : d, n and the largest L
    depths : (L, looped) of every transformer that is asked about
    group_order : of the group at a d; None where it is infinite or not known
    """

    def parts(z: Mapping[str, int]) -> dict[str, int]:
        total: Counter[str] = Counter()
        for depth, looped in depths:
            given = (z["features"], z["context"], min(depth, z["layers"]))
            total.update(dict(estimate(algorithm, *given, heads, looped, group_order)))
        return total

    named = dict(zip(("features", "context", "layers"), map(limit.Size, sizes), strict=True))
    limit.check(most, named, parts, algorithm.name)


def estimate(
    algorithm: Algorithm,
    d: int,
    n: int,
    depth: int,
    heads: int,
    looped: bool,
    group_order: Callable[[int], int | None],
) -> Iterator[tuple[str, int]]:
    """Each part of the work and its units: for the sets' spans, single updates, and updates moved by a whole group."""
    m = Layout.of(algorithm, d, 1).m
    entries = (2 if heads == 1 else 3 * heads) * m**2 * (1 if looped else depth)
    update = 7000 + heads * depth * (2000 + 300 * n * m + 40 * m**2)
    yield "the spans of the sets", 25 * entries**2
    yield "single updates", PROJECTED * update
    order = group_order(d) if d <= 20 else None  # a larger group is enumerated by nobody
    if order is not None and order <= ORBIT_LIMIT and depth <= RATIONAL_DEPTH:
        numbers = (n + 3) * d + n + 2  # of a sample, each made plainer where the sample still leaves the set
        yield "moving samples by the group", order * (2 * numbers + 50) * update
