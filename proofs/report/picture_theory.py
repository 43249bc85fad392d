"""The theory as a graph: a box for each file, coloured by what was proved of it, left of what rests on it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from ..theory.picture import Node, Status, status, under
from .svg import FONT, INK, MUTED, element, number, picture, rect, text

WIDE, HIGH, BESIDE, BELOW, MARGIN = 118.0, 50.0, 30.0, 10.0, 4.0
LEGEND = 34.0
LETTERS = 14
"""The most letters of a file's name on one line of its box."""
Edges = Mapping[str, tuple[str, ...]]
LOOKS = {
    Status.WHOLE: ("✓✓", "#0b5f8a", "#0b5f8a", "none"),
    Status.PROVED: ("✓", "#e3f1f9", "#0b5f8a", "none"),
    Status.NOT_RUN: ("–", "#dcdfe3", "#57606a", "5 3"),
    Status.NOT_STATED: ("○", "#ffffff", "#57606a", "1 3"),
    Status.UNDECIDED: ("?", "#fbf3cf", "#765800", "none"),
    Status.REFUTED: ("✗", "#fdece3", "#a8330b", "none"),
}
"""Sign, fill, rim and dashes of each status: the colours are what is seen where no style sheet is."""


def theory_picture(nodes: Sequence[Node]) -> tuple[str, str]:
    """The picture as SVG, and what it shows in words."""
    edges = reduced(nodes)
    levels = levelled(nodes)
    at = placed(levels, edges)
    width = max(max(levels.values(), default=0) + 1, 4) * (WIDE + BESIDE) - BESIDE + 2 * MARGIN
    statuses = {n.name: status(n, nodes) for n in nodes}
    parts = [_edge(path) for path in _paths(levels, edges, at)]
    parts += [_box(n, statuses[n.name], *at[n.name, levels[n.name]]) for n in nodes]
    parts += _legend(sorted(set(statuses.values()), key=list(Status).index))
    height = max((y for _, y in at.values()), default=0.0) + HIGH + MARGIN
    described = "; ".join(
        f"{s}: {', '.join(n for n in statuses if statuses[n] is s)}" for s in Status if s in statuses.values()
    )
    words = f"The files of the theory, each to the right of what it rests on. {described}."
    return picture(height, "What rests on what in the theory", words, parts, "theory-picture", width), words


def reduced(nodes: Sequence[Node]) -> Edges:
    """What each file rests on, without what something else that it rests on rests on already."""
    result = {}
    for node in nodes:
        implied = {m for x in node.needs for m in under({x}, nodes) - {x}}
        result[node.name] = tuple(x for x in node.needs if x not in implied)
    return result


def levelled(nodes: Sequence[Node]) -> dict[str, int]:
    """The column of each file: right of all that it rests on, and just left of what first needs it."""
    level: dict[str, int] = {}
    for node in nodes:  # what a file rests on comes before it
        level[node.name] = 1 + max((level[x] for x in node.needs), default=-1)
    for node in reversed(nodes):
        over = [level[n.name] for n in nodes if node.name in n.needs]
        level[node.name] = min(over) - 1 if over else level[node.name]
    return level


def placed(levels: Mapping[str, int], edges: Edges) -> dict[tuple[str, int], tuple[float, float]]:
    """The corner of each file's box, and of the gap that an edge takes in each column it passes: (file, column)."""
    here: dict[int, list[str]] = {}
    for name, k in levels.items():
        last = max((levels[x] for x in levels if name in edges[x]), default=k + 1)
        for passed in range(k, last):
            here.setdefault(passed, []).append(name)
    at: dict[tuple[str, int], tuple[float, float]] = {}
    step = HIGH + BELOW
    most = max((len(names) for names in here.values()), default=1)
    for k in sorted(here):
        wanted = {x: _wanted(x, k, levels, edges, at, most * step / 2) for x in here[k]}
        column: dict[str, float] = {}
        y = -step
        for name in sorted(here[k], key=lambda x: wanted[x]):
            y = column[name] = max(y + step, wanted[name]) if k else y + step
        shift = sum(column[name] - wanted[name] for name in column) / max(len(column), 1)
        low, high = min(column.values(), default=0.0), max(column.values(), default=0.0)
        shift = min(max(shift, high - (most - 1) * step), low)
        for name in column:
            at[name, k] = (MARGIN + k * (WIDE + BESIDE), LEGEND + column[name] - shift)
    return at


def _wanted(
    name: str, k: int, levels: Mapping[str, int], edges: Edges, at: Mapping[tuple[str, int], tuple[float, float]],
    middle: float,
) -> float:  # fmt: skip
    """Where a file, or its edge that passes, would stand best: at the height of what it comes from."""
    before = [name] if levels[name] < k else edges[name]
    heights = [at[x, k - 1][1] - LEGEND for x in before if (x, k - 1) in at]
    return sum(heights) / len(heights) if heights else 0.0 if k else middle - HIGH / 2


def _paths(
    levels: Mapping[str, int], edges: Edges, at: Mapping[tuple[str, int], tuple[float, float]]
) -> list[list[tuple[float, float]]]:
    """The points that each edge passes, two for each column between its ends."""
    paths = []
    for name, below in edges.items():
        for start in below:
            x, y = at[start, levels[start]]
            points = [(x + WIDE, y + HIGH / 2)]
            for column in range(levels[start] + 1, levels[name]):
                x, y = at[start, column]
                points += [(x, y + HIGH / 2), (x + WIDE, y + HIGH / 2)]
            x, y = at[name, levels[name]]
            paths.append([*points, (x, y + HIGH / 2)])
    return paths


def _edge(points: Sequence[tuple[float, float]]) -> str:
    d = "M{} {}".format(*map(number, points[0]))
    for k, ((x1, y1), (x2, y2)) in enumerate(itertools.pairwise(points)):
        if k % 2:  # across a column
            d += f"L{number(x2)} {number(y2)}"
        else:
            bend = number((x1 + x2) / 2)
            d += f"C{bend} {number(y1)} {bend} {number(y2)} {number(x2)} {number(y2)}"
    return element("path", d=d, fill="none", class_="edge", stroke=MUTED, stroke_width=1.2)


def _box(node: Node, status: Status, x: float, y: float) -> str:
    sign = LOOKS[status][0]
    hold = sum(v == "HOLDS" for v in node.audited.values())
    count = f"{sign} {hold} of {len(node.audited)}" if node.audited else f"{sign} {len(node.proved)} lemmas"
    lines = broken(node.name)
    middle = x + WIDE / 2
    first = y + (15 if len(lines) > 1 else 20)
    shown = [_words(middle, first + 14 * k, line, status) for k, line in enumerate(lines)]
    shown.append(_words(middle, y + HIGH - 6, count, status, muted=True))
    told = element("title", f"{node.name}.v: {status}")
    return element("g", told + _frame(status, x, y, WIDE, HIGH) + "".join(shown))


def broken(name: str) -> list[str]:
    """A file's name on one line, or on two where it is long.

    >>> broken("error_propagation"), broken("gtd2")
    (['error_', 'propagation'], ['gtd2'])
    """
    if len(name) <= LETTERS:
        return [name]
    places = [i + 1 for i, letter in enumerate(name[:LETTERS]) if letter == "_"]
    cut = places[-1] if places else LETTERS
    rest = name[cut:]
    return [name[:cut], rest if len(rest) <= LETTERS else f"{rest[: LETTERS - 1]}…"]


def _frame(status: Status, x: float, y: float, width: float, height: float) -> str:
    _, fill, rim, dashes = LOOKS[status]
    return rect(x, y, width, height, rx=4, class_=f"status {_class(status)}", fill=fill, stroke=rim, stroke_width=1.5,
                stroke_dasharray=dashes)  # fmt: skip


def _words(x: float, y: float, content: str, status: Status, muted: bool = False) -> str:
    if status is Status.WHOLE:
        return text(x, y, content, "middle", class_="on", fill="#ffffff")
    return text(x, y, content, "middle", class_="muted" if muted else "ink", fill=MUTED if muted else INK)


def _class(status: Status) -> str:
    return f"status-{status.name.lower().replace('_', '-')}"


def _legend(states: Sequence[Status]) -> list[str]:
    x, parts = MARGIN, list[str]()
    for one in states:
        parts += [_frame(one, x, 4, 16, 14), text(x + 22, 16, f"{LOOKS[one][0]} {one}")]
        x += 34 + 0.62 * FONT * (len(one) + 3)
    return parts
