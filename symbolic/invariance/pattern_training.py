"""What is trained of layers with patterns, the prompts that one sample is, and the gradient of what layers return.

Kernel layers: V of each head, the pattern held as it is (opaque), and the rows that it is made of never written.
State in a column: V and Q of each head, the state that L layers return against that of L textbook updates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from ..arithmetics.arithmetic import RATIONALS, Arithmetic
from ..errors import NotRepresentableError
from ..patterns.heads import PatternForm
from ..patterns.layer import Layer, Scores, layer_of, pattern_layer, under
from ..patterns.run import Setup, prompt, row_names, setup, textbook
from .gradient import of_stored
from .samples import Trajectory
from .symmetry import identity
from .weights import Point, Trained

KERNEL, COLUMN = "kernel", "column"


@dataclass(frozen=True, eq=False)
class PatternSpace(Trained):
    """The trained matrices of L layers: V1, V2, ... of heads under an opaque pattern, or V1, Q1, ... with scores.

    form  the algorithm's layer, whose mask, scale and shift stay;  parameters : those of the update
    read  (row, sign) where the prediction stands in the query's column; None for a state in a column
    """

    form: PatternForm
    d: int
    n: int
    parameters: Mapping[str, Fraction]
    depth: int
    looped: bool
    read: tuple[int, Fraction] | None

    @cached_property
    def kind(self) -> str:
        """What the heads are: under an opaque pattern, or with scores and a state in a column."""
        return COLUMN if self.read is None else KERNEL

    @cached_property
    def matrices(self) -> tuple[str, ...]:
        """V, or V and Q, of each head; numbered where there are several."""
        names = ("V", "Q") if self.kind == COLUMN else ("V",)
        heads = len(self.form.heads)
        return tuple(f"{x}{h}" if heads > 1 else x for h in range(1, heads + 1) for x in names)

    @cached_property
    def blocks(self) -> tuple[tuple[str, range, bool], ...]:
        """(name, rows, whether the symmetry acts on it) of every row block."""
        result, start = [], 0
        for row in self.form.algorithm.rows:
            size = 1 if row.scalar else self.d
            result.append((row.name, range(start, start + size), not row.scalar))
            start += size
        return tuple(result)

    def trains(self, matrix: str, row_block: str) -> bool:
        """Whether a matrix's rows of that block are trained: V never writes the rows that a kernel is made of."""
        return self.kind == COLUMN or row_block != self.form.algorithm.scored

    def row_names(self) -> list[str]:
        """A name for each row of Z."""
        return row_names(self.form.algorithm, self.d)

    @cached_property
    def start(self) -> Point:
        """The algorithm's own weights at C = I."""
        layer = self.layer(RATIONALS)
        rows: list[Any] = []
        for V, scores in layer.heads:
            rows += V.fractions() if scores is None else [*V.fractions(), *scores.Q.fractions()]
        return tuple(Fraction(x) for row in rows for x in row) * self.stored

    def layer(self, arithmetic: Arithmetic) -> Layer:
        """The algorithm's own layer at C = I."""
        values = {name: arithmetic.number(x) for name, x in self.parameters.items()}
        return layer_of(self.form, arithmetic, self.d, self.n, identity(self.d), values)

    def layers(self, point: Sequence[Any], arithmetic: Arithmetic) -> list[Layer]:
        """The L layers at a point: the algorithm's own, with V, and Q where heads have scores, of the point."""
        own, every, layers = self.layer(arithmetic), list(range(self.m)), []
        for layer in range(self.stored):
            made = self.matrices_at(point, layer, arithmetic)
            heads: list[tuple[Any, Scores | None]] = [(V, None) for V in made]
            if self.kind == COLUMN:
                heads = [(V, Scores(Q, every, every, Q)) for V, Q in zip(made[::2], made[1::2], strict=True)]
            layers.append(replace(own, heads=tuple(heads)))
        return layers * self.depth if self.looped else layers


def pattern_space(
    form: PatternForm, d: int, n: int, depth: int, looped: bool, parameters: Mapping[str, Fraction]
) -> PatternSpace:
    """What is trained of an algorithm's layers.

    Raises `NotRepresentableError` with the reason where this is neither of the two kinds that are known.
    """
    a = form.algorithm
    opaque = [head.Q is None for head in form.heads]
    if a.column and not any(opaque):
        return PatternSpace(form, d, n, parameters, depth, looped, None)
    if not (a.kernels and a.numbers and all(opaque)):
        what = (
            f"{a.state} under linear scores and a {a.sees} mask" if not a.kernels else "heads with scores of their own"
        )
        raise NotRepresentableError(
            f"{a.name} has {what}, and training is worked out for heads under one opaque kernel, with a number for "
            "each token, and for a state in a column"
        )
    return PatternSpace(form, d, n, parameters, depth, looped, _prediction(form, d, parameters))


def _prediction(form: PatternForm, d: int, parameters: Mapping[str, Fraction]) -> tuple[int, Fraction]:
    """Where the query's state stands: (row, the sign or factor that it has there)."""
    p, at = SimpleNamespace(**parameters), 0
    for row in form.algorithm.rows:
        if row.name in form.held and row.scalar and row.query is not None:
            zero, one, two = (
                row.query(SimpleNamespace(phi=RATIONALS.vector([Fraction(0)] * d), state=RATIONALS.number(x)), p)
                for x in (0, 1, 2)
            )
            if zero == 0 and one != 0 and two == 2 * one:
                factor = one if isinstance(one, (int, Fraction)) else one.fraction()
                return at, Fraction(factor)
        at += 1 if row.scalar else d
    raise NotRepresentableError(f"{form.algorithm.name} has no row that shows the query's state, so no prediction")


def prompts(
    space: PatternSpace, a: Arithmetic, sample: Trajectory, window: str, patterns: Sequence[Any]
) -> list[Setup]:
    """The prompts of a sample: Z and Z' for a kernel, with states at zero; the one prompt for a state in a column.

    sample   : features f_0, ..., rewards r_1, ...; the state that a column starts from is its extra "w"
    patterns : the pattern of each prompt, (N, N) rows of numbers
    """
    n, algorithm = space.n, space.form.algorithm

    def number(x: Any) -> Any:
        return a.number(x) if isinstance(x, (int, Fraction)) else x  # samples may hold numbers of the arithmetic

    ready = replace(a, number=number)
    f, r = sample.features, sample.rewards
    values = {name: a.number(x) for name, x in space.parameters.items()}

    def made(first: int, query: int, start: Sequence[Any], K: Any) -> Setup:
        data = (f[first : first + n], f[first + 1 : first + n + 1], r[first : first + n], f[query])
        return setup(algorithm, ready, data, start, values, K)

    if space.kind == COLUMN:
        return [made(0, n + 1, [list(sample.extras[0][2][0])], None)]
    zero, end = [a.number(0)] * (n + 1), n if algorithm.chained else n + 1
    moved = 1 if window == "sliding" else 0
    return [made(0, end, zero, patterns[0]), made(moved, end + 1, zero, patterns[1])]


def target(space: PatternSpace, sample: Trajectory) -> Any:
    """R', the reward of the step that the query's state makes."""
    return sample.rewards[space.n if space.form.algorithm.chained else space.n + 1]


def states(layers: Sequence[Layer], s: Setup) -> tuple[list[Any], Any]:
    """Z_0, ..., Z_L, and the pattern as a matrix."""
    K = None if s.K is None else s.arithmetic.matrix(s.K)
    reached = [prompt(s, s.start)]
    for layer in layers:
        reached.append(pattern_layer(reached[-1], layer, K))
    return reached, K


def gradient(
    space: PatternSpace, reached: Sequence[Any], layers: Sequence[Layer], K: Any, seed: Any, a: Arithmetic
) -> list[Any]:
    """The gradient of <seed, Z_L> at every trained entry, flat; a looped transformer's is summed over its layers."""
    total: list[list[Any]] = []
    G = seed
    for Z, layer in zip(reversed(reached[:-1]), reversed(layers), strict=True):
        if layer.shift is not None:
            kept, moved = layer.shift
            G = kept.mT @ G + moved.mT @ G @ layer.back.mT
        scaled, back, here = G * layer.scale, G, []
        for V, scores in layer.heads:
            A = under(K if scores is None else Z.mT @ (scores.Q @ Z), layer.mask)
            here.append(scaled @ (Z @ A).mT)
            below = V.mT @ scaled
            back = back + below @ A.mT
            if scores is not None:
                D = under(Z.mT @ below, layer.mask)
                here.append(Z @ D @ Z.mT)
                back = back + scores.Q @ (Z @ D.mT) + scores.Q.mT @ (Z @ D)
        total.append(here)
        G = back
    m, zero = space.m, a.number(0)
    entries: list[Any] = []
    for here in of_stored(total[::-1], space.looped):
        for k, g in enumerate(here):
            for name, rows, _ in space.blocks:
                kept_here = space.trains(space.matrices[k], name)
                values = [[a.at(g, i, j) for j in range(m)] for i in rows]
                entries += [zero if x is None or not kept_here else x for row in values for x in row]
    return entries


def seed_at(a: Arithmetic, shape: tuple[int, int], entries: Mapping[tuple[int, int], Any]) -> Any:
    """A matrix with these entries, zero elsewhere."""
    height, width = shape
    return a.matrix([[entries.get((i, j), 0) for j in range(width)] for i in range(height)])


def taught(space: PatternSpace, s: Setup) -> list[Any]:
    """The state that L textbook updates at C = I return: its d numbers."""
    number = s.arithmetic.number
    C = s.arithmetic.matrix([[number(x) for x in row] for row in identity(space.d)])
    *_, last = textbook(s, [C if space.form.algorithm.preconditioned else None] * space.depth)
    return list(s.arithmetic.entries(last[0]))
