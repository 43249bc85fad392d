"""The smallest counterexample: a prompt on which layer and iterate differ, shrunk entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..prompt import Context
from .exact import Mismatch


@dataclass(frozen=True)
class Witness:
    """A prompt, and starting weights, on which a layer is not the iterate: where, and both values there."""

    context: Context
    start: tuple[Any, ...]
    mismatch: Mismatch


Check = Callable[[Context, tuple[Any, ...]], Mismatch | None]


def shrink(check: Check, context: Context, start: tuple[Any, ...], budget: int = 600) -> Witness:
    """Make a failing prompt as plain as `budget` evaluations allow, keeping that it fails.

    check : (context, start) -> the first mismatch, or None when the two sides agree
    The starting weights are set to zero first, then whole transitions, then single entries to 0 or 1.
    """
    mismatch = check(context, start)
    if mismatch is None:
        raise ValueError("the prompt given to shrink does not fail")
    entries, rebuild, blocks = _flatten(context, start)
    left = budget

    def attempt(changes: dict[int, Fraction]) -> bool:
        nonlocal entries, mismatch, left
        changed = [changes.get(i, x) for i, x in enumerate(entries)]
        if changed == entries or left <= 0:
            return False
        left -= 1
        failure = check(*rebuild(changed))
        if failure is None:
            return False
        entries, mismatch = changed, failure
        return True

    def dropped(first: int, last: int) -> dict[int, Fraction]:
        return {i: Fraction(0) for i in range(first, last) if entries[i]}

    # Transitions first, whole and many at once: those that do nothing go before single entries are looked at.
    begin, width = blocks
    count = context.n
    attempt(dropped(0, begin))
    while count >= 1:
        for first in range(0, context.n, count):
            attempt(dropped(begin + first * width, begin + min(first + count, context.n) * width))
        count //= 2
    size = len(entries)
    while size >= 1:
        for first in range(0, len(entries), size):
            attempt(dropped(first, min(first + size, len(entries))))
        size //= 2
    for i, x in enumerate(entries):
        if x not in (0, 1) and not attempt({i: Fraction(1)}):
            attempt({i: Fraction(round(x)) if round(x) else Fraction(1 if x > 0 else -1)})
    final_context, final_start = rebuild(entries)
    return Witness(final_context, final_start, mismatch)


def _flatten(
    context: Context, start: tuple[Any, ...]
) -> tuple[list[Fraction], Callable[[list[Fraction]], tuple[Context, tuple[Any, ...]]], tuple[int, int]]:
    """The entries in one list, starting weights first; the way back; where transitions begin, and the length of one."""
    n, d = context.n, context.d
    widths = [len(w) if isinstance(w, (list, tuple)) else 0 for w in start]
    entries: list[Fraction] = []
    for w in start:
        entries += [Fraction(x) for x in w] if isinstance(w, (list, tuple)) else [Fraction(w)]
    begin = len(entries)
    for j in range(n):
        entries += [*context.features[j], *context.next_features[j], context.rewards[j]]
        for _, values in context.extras:
            entries += values[j] if isinstance(values[j], tuple) else [values[j]]
    entries += context.query

    def rebuild(values: list[Fraction]) -> tuple[Context, tuple[Any, ...]]:
        source = iter(values)
        weights: list[Any] = [[next(source) for _ in range(k)] if k else next(source) for k in widths]
        features, following, rewards = [], [], []
        extras: dict[str, list[Any]] = {name: [] for name, _ in context.extras}
        for _ in range(n):
            features.append(tuple(next(source) for _ in range(d)))
            following.append(tuple(next(source) for _ in range(d)))
            rewards.append(next(source))
            for name, given in context.extras:
                whole = isinstance(given[j], tuple)
                extras[name].append(tuple(next(source) for _ in range(d)) if whole else next(source))
        query = tuple(next(source) for _ in range(d))
        carried = tuple((name, tuple(values)) for name, values in extras.items())
        return Context(tuple(features), tuple(following), tuple(rewards), query, carried), tuple(weights)

    return entries, rebuild, (begin, (len(entries) - begin - d) // n)
