"""Names that a word may have been meant for: a slip away, or named by a part. None is better than a guess."""

from __future__ import annotations

from collections.abc import Iterable

LEAST = 3
"""The fewest letters of a part that stands for a name."""


def near(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that a word may have been meant for, at most so many; the nearest first.

    >>> names = ["td0", "td-lambda", "residual-gradient", "identity-exact"]
    >>> near("TD_0", names), near("td-lamda", names), near("residual", names), near("exact", names)
    (['td0'], ['td-lambda'], ['residual-gradient'], ['identity-exact'])
    >>> near("banana", names), near("sgd", names)
    ([], [])
    """
    names, meant = list(known), _letters(word)
    slips = {name: _slips(meant, _letters(name)) for name in names}
    least = min(slips.values(), default=0)
    close = [name for name in names if slips[name] == least and least <= _allowed(max(len(meant), len(_letters(name))))]
    parts = [name for name in names if name not in close and _is_part(word, name)]
    return (close + parts)[:most]


def _letters(name: str) -> str:
    return "".join(c for c in name.lower()[:100] if c not in "-_ ")


def _allowed(length: int) -> int:
    """How many slips are plausible in a word of so many letters."""
    return 0 if length < LEAST else 1 if length < 6 else 2 if length < 9 else 3


def _is_part(word: str, name: str) -> bool:
    """Whether one of the two begins with the other, or the word is another whole part of the name."""
    one, other = _letters(word), _letters(name)
    parts = name.lower().replace("_", "-").split("-")
    shorter = min(len(one), len(other))
    return shorter >= LEAST and (one.startswith(other) or other.startswith(one) or one in parts)


def _slips(one: str, other: str) -> int:
    """The fewest letters left out, put in, changed or swapped with the next."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            least = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return rows[-1][-1]
