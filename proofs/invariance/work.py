"""How much work a question about invariance asks for, estimated before anything runs.

The units are those of `proofs/work.py`, 0.1 microseconds of one core; the factors are measured (docs/robustness.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import WorkLimitError
from ...symbolic.invariance.decide import ORBIT_LIMIT
from ...symbolic.plain_text import amount
from ...symbolic.prompt import Layout

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
    limit: int,
) -> None:
    """Raise `WorkLimitError` naming the size at fault where the question about an algorithm is above `limit`.

    sizes : d, n and the largest L
    depths : (L, looped) of every transformer that is asked about
    group_order : of the group at a d; None where it is infinite or not known
    """

    def parts(d: int, n: int, most: int) -> dict[str, int]:
        found: dict[str, int] = {}
        for depth, looped in depths:
            for kind, work in estimate(algorithm, d, n, min(depth, most), heads, looped, group_order):
                found[kind] = found.get(kind, 0) + work
        return found

    whole = parts(*sizes)
    total = sum(whole.values())
    if total <= limit:
        return
    kind = max(whole, key=whole.__getitem__)
    names = ("features", "context", "layers")
    less = [sum(parts(*(1 if k == j else x for j, x in enumerate(sizes))).values()) for k in range(3)]
    k = less.index(min(less))
    raise WorkLimitError(
        f"{algorithm.name}: the work asked for, about {amount(total)}, is above the limit of {limit}: {names[k]} is "
        f"{amount(sizes[k])}, and most of the work is {kind}: ask for less, or raise it with --max-work {amount(total)}"
    )


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
