"""Which algorithm of the catalogue a layer's exact weights are: parameters and C read off them, and what is left.

What a layer does is one vector of numbers: for heads under one kernel the sum of their V; for heads with scores the sum
of V x Q, entry by entry; and what the shift takes and brings.  Entries that read a row which is zero in every column
that could be seen are left out: no prompt shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Rational, Symbol
from sympy.core.mul import Mul

from .construction import PatternConstruction, pattern_construction
from .heads import PatternForm
from .layer import Layer
from .record import SEES, PatternAlgorithm

Entries = dict[tuple[Any, ...], Fraction]


@dataclass(frozen=True, eq=False)
class PatternFit:
    """The nearest that an algorithm comes to given layers.

    construction  its layers with the parameters and C that were read; parameters that no weight tells are left out of
                  `parameters`
    squares       of each stored layer, what is left and the whole, both squared
    """

    algorithm: PatternAlgorithm
    form: PatternForm
    construction: PatternConstruction
    parameters: Mapping[str, Fraction]
    squares: tuple[tuple[Fraction, Fraction], ...]

    @property
    def exact(self) -> bool:
        """Whether nothing is left."""
        return not any(left for left, _ in self.squares)

    @property
    def shares(self) -> list[Fraction]:
        """The part of each stored layer that the algorithm is, at most 1."""
        return [1 - left / whole if whole else Fraction(0) for left, whole in self.squares]


def unlike(c: PatternConstruction, form: PatternForm) -> str:
    """Why layers are not comparable with an algorithm's, whatever their numbers; empty where they are."""
    algorithm = form.algorithm
    rows = tuple((row.name, 1 if row.scalar else c.d) for row in algorithm.rows)
    if c.rows != rows or c.last != algorithm.families[-1]:
        return "another prompt"
    if c.keys != form.sees:
        return f"keys under the mask {c.keys}, not {form.sees}"
    if bool(c.kernel) != bool(algorithm.kernels) or c.scored not in ("", algorithm.scored):
        return "another kind of scores"
    if c.mask_first and c.kernel not in ("linear", "relu"):  # where a masked score weighs nothing, either order does
        return "the mask before the kernel"
    if c.shift_from != ("next" if form.shift else ""):
        return "another shift of rows"
    return ""


def fitted(c: PatternConstruction, form: PatternForm) -> PatternFit | None:
    """The fit of an algorithm whose layers are comparable; None where it has no form that numbers are read off.

    Least squares: in a head each of whose blocks is a number times a word in C, or a number times a parameter.
    """
    algorithm = form.algorithm
    given = [entries_of(c, algorithm, layer) for layer in c.layers]
    read = _parameters(form, given, c)
    if read is None:
        return None
    steps = [None if not algorithm.preconditioned else _step(form, entries, c) for entries in given]
    if algorithm.preconditioned and any(C is None for C in steps):
        return None
    values = {name: read.get(name, Fraction(1)) for name in algorithm.parameters}
    made = pattern_construction(form, c.d, c.n, c.depth, steps, values, c.looped)
    squares = []
    for entries, layer in zip(given, made.layers, strict=True):
        wanted = entries_of(made, algorithm, layer)
        left = sum((entries.get(k, Fraction(0)) - wanted.get(k, Fraction(0))) ** 2 for k in {*entries, *wanted})
        squares.append((Fraction(left), Fraction(sum(x * x for x in entries.values()))))
    return PatternFit(algorithm, form, made, read, tuple(squares))


def entries_of(c: PatternConstruction, algorithm: PatternAlgorithm, layer: Layer) -> Entries:
    """What a layer does as one vector, entry by entry."""
    blocks = [row for row in algorithm.rows for _ in range(1 if row.scalar else c.d)]
    final = algorithm.families[-1]
    keys = ("context",) if c.keys in SEES else ("context", final)
    seen = [any(getattr(row, family) is not None for family in keys) for row in blocks]
    asks = [any(getattr(row, family) is not None for family in algorithm.families) for row in blocks]
    scale, totals = layer.scale.fraction(), Entries()

    def add(key: tuple[Any, ...], value: Fraction) -> None:
        totals[key] = totals.get(key, Fraction(0)) + value

    for V, scores in layer.heads:
        values = [(i, j, x * scale) for i, j, x in _filled(V) if seen[j]]
        if scores is None:
            for i, j, x in values:
                add(("V", i, j), x)
            continue
        for k, q, y in _filled(scores.Q):
            for i, j, x in values if seen[k] and asks[q] else ():
                add(("VQ", i, j, k, q), x * y)
    if layer.shift is not None:
        kept, moved = layer.shift
        for i, j, x in _filled(moved):
            add(("moved", i, j), x)
        for i, row in enumerate(kept.fractions()):
            for j, x in enumerate(row):
                add(("kept", i, j), x - int(i == j))
    return {key: x for key, x in totals.items() if x}


def _filled(matrix: Any) -> Iterator[tuple[int, int, Fraction]]:
    return ((i, j, x) for i, row in enumerate(matrix.fractions()) for j, x in enumerate(row) if x)


def _parameters(form: PatternForm, given: list[Entries], c: PatternConstruction) -> dict[str, Fraction] | None:
    """The parameters that weights tell, by least squares over all layers; None where one stands in no such form."""
    starts, scale = _starts(c), Fraction(1, c.n) if form.by_length else Fraction(1)
    sums: dict[str, list[Fraction]] = {}
    placed = [("moved", pair, expression, Fraction(1)) for pair, expression in form.shift.items()]
    for head in form.heads:
        for pair, words in head.V.items():
            placed += [("V", pair, x, scale) for word, x in words.items() if head.Q is None and not word]
        for blocks in (head.V, head.Q or {}):
            if head.Q is not None and any(x.free_symbols for words in blocks.values() for x in words.values()):
                return None
    for kind, (to, read), expression, factor in placed:
        told = _multiple(expression)
        if told is None:
            return None
        number, name = told
        (i, size), (j, _) = starts[to], starts[read]
        for entries in given if name else ():
            for k in range(size):
                top, bottom = sums.setdefault(name, [Fraction(0), Fraction(0)])
                sums[name] = [
                    top + number * factor * entries.get((kind, i + k, j + k), Fraction(0)),
                    bottom + (number * factor) ** 2,
                ]
    return {name: top / bottom for name, (top, bottom) in sums.items()}


def _multiple(expression: Expr) -> tuple[Fraction, str] | None:
    """(number, parameter) of a number times a parameter, ("" for none); None for anything else."""
    number, rest = expression.as_coeff_Mul() if isinstance(expression, Mul) else (Rational(1), expression)
    if isinstance(rest, Rational):
        return Fraction(int(rest.p), int(rest.q)), ""
    if isinstance(rest, Symbol) and isinstance(number, Rational):
        return Fraction(int(number.p), int(number.q)), rest.name
    return None


def _starts(c: PatternConstruction) -> dict[str, tuple[int, int]]:
    starts, at = {}, 0
    for name, size in c.rows:
        starts[name], at = (at, size), at + size
    return starts


def _step(form: PatternForm, entries: Entries, c: PatternConstruction) -> list[list[Fraction]] | None:
    """C of one layer, by least squares, where a single head has it in V alone or in Q alone and once in each block."""
    if len(form.heads) != 1 or form.heads[0].Q is None:
        return None
    head, scored, starts = form.heads[0], form.heads[0].Q, _starts(c)
    scale = Fraction(1, c.n) if form.by_length else Fraction(1)
    sides = {side: blocks for side, blocks in (("V", head.V), ("Q", scored))}
    with_C = [side for side, blocks in sides.items() if any(word for words in blocks.values() for word in words)]
    if len(with_C) != 1:
        return None
    (side,) = with_C
    fixed: Entries = {}  # the other side's entries, which are numbers
    for (to, read), words in sides["Q" if side == "V" else "V"].items():
        (i, size), (j, _) = starts[to], starts[read]
        for x in words.values():
            told = _multiple(x)
            if told is None or told[1]:
                return None
            fixed |= {(i + k, j + k): told[0] for k in range(size)}
    whole = sum(x * x for x in fixed.values())
    total = [[Fraction(0)] * c.d for _ in range(c.d)]
    weight = Fraction(0)
    for (to, read), words in sides[side].items():
        (i, _), (j, _) = starts[to], starts[read]
        for word, x in words.items():
            told = _multiple(x)
            if told is None or told[1] or len(word) != 1:
                return None
            ((_, turned),) = word
            weight += told[0] ** 2
            for a in range(c.d):
                for b in range(c.d):
                    place = (i + b, j + a) if turned else (i + a, j + b)
                    dot = sum(
                        y * entries.get(("VQ", *place, *at) if side == "V" else ("VQ", *at, *place), Fraction(0))
                        for at, y in fixed.items()
                    )
                    total[a][b] += told[0] * dot / (whole * scale)
    return [[x / weight for x in row] for row in total]
