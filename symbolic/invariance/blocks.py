"""The averaged update in blocks, for symbolic d and n: which blocks vanish, which stay multiples of the identity.

The gradient runs on SymPy `MatrixSymbol`s: features Phi : (d, n), rewards (1, n), opaque masks (n, n), numbers for the
set's names and opaque blocks for its frozen ones.  When the prediction and the gradient are made of features, rewards
and masks alone, every term of a gradient block is a scalar that no common orthogonal map of the features changes,
times one of
  u v^T  (features by features)  whose average over the group commutes with it: a multiple of the identity,
  u      (features by another row)  whose average is fixed by the group: zero,
  1      (a row by a row)  which stays.
That needs a group that commutes with multiples of the identity only and fixes no vector (signed permutations do).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import MatrixSymbol, Rational, Symbol

from ..attention import Head
from ..identity.blocks import Blocks, D
from .gradient import gradients, of_stored, read_out, states
from .sets import Rows, WeightSet, parse_entry
from .weights import WeightSpace

N = Symbol("n", integer=True, positive=True)
ZERO, AVERAGED, IDENTITY, NUMBER = "zero", "averages to zero", "a multiple of the identity", "a number"
COLUMNS = ("context", "query")
_Place = tuple[int, str, str, str]  # stored layer, matrix, row block, column block
_Entry = Mapping[tuple[Any, ...], Any]  # products of matrices -> coefficient


@dataclass(frozen=True)
class BlockResult:
    """What the averaged update does to each block of each trained matrix.

    kinds     (stored layer, matrix) -> a grid of kinds, by rows
    obstacles what stops the proof, in words: empty when the set is invariant for every d and n
    """

    kinds: Mapping[tuple[int, str], Rows]
    obstacles: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the set is invariant for every d and n."""
        return not self.obstacles


def block_update(weights: WeightSet) -> BlockResult:
    """Judge a set that has block patterns, inside the symmetry argument above; feasible for L = 1 and small L."""
    space = weights.space
    if weights.patterns is None:
        return BlockResult({}, ("the set has no block pattern",))
    names = [name for name, _, _ in space.blocks]
    data, Z = _prompt(space)
    layers = _layers(space, weights.patterns, names)
    allowed = data | {mask for heads in layers for h in heads for e in h.M.entries.values() for (mask,) in e}
    scale = 1 / N
    row = Blocks(["1"], names, {("1", space.readout.row): {(): space.readout.sign}})
    column = Blocks(COLUMNS, ["1"], {("query", "1"): {(): 1}})
    each = layers * space.depth if space.looped else layers
    before = states(Z, each[:-1], scale)
    prediction = read_out(before[-1], each[-1], scale, row, column)
    obstacles = [f"the prediction has the block {s}" for s in _foreign(prediction.entries.values(), allowed)]
    gradient = gradients(before, each, scale, row.mT @ column.mT)
    several = len(space.masks) > 1
    flat = [[g for h in heads for g in ((h.W, h.P, h.Q) if several else (h.P, h.Q))] for heads in gradient]
    moved = {name: acts for name, _, acts in space.blocks}
    kinds: dict[tuple[int, str], Rows] = {}
    updates: dict[_Place, _Entry] = {}
    for layer, matrices in enumerate(of_stored(flat, space.looped)):
        for matrix, blocks in zip(space.matrices, matrices, strict=True):
            grid = []
            for r in names:
                line = []
                for s in names:
                    entry = {x: c for x, c in blocks.entries.get((r, s), {}).items() if _coefficient(c) != 0}
                    obstacles += [
                        f"the update of {matrix}[{r}, {s}] has the block {o}" for o in _foreign([entry], allowed)
                    ]
                    if moved[r] == moved[s]:
                        updates[layer, matrix, r, s] = entry
                    if not entry:
                        line.append(ZERO)
                    else:
                        line.append(AVERAGED if moved[r] != moved[s] else IDENTITY if moved[r] else NUMBER)
                grid.append(tuple(line))
            kinds[layer, matrix] = tuple(grid)
    obstacles += _misfits(weights.patterns, kinds, updates, names)
    return BlockResult(kinds, tuple(dict.fromkeys(obstacles)))


def _coefficient(c: Any) -> Any:
    return c.expand() if hasattr(c, "expand") else c


def _foreign(entries: Iterable[Mapping[tuple[Any, ...], Any]], allowed: set[Any]) -> list[str]:
    """The symbols outside `allowed` in entries whose coefficient is not zero."""
    symbols = {f for e in entries for x, c in e.items() if _coefficient(c) != 0 for f in x}
    return sorted({str(s) for f in symbols for s in f.atoms(MatrixSymbol) if s not in allowed})


def _prompt(space: WeightSpace) -> tuple[set[Any], Blocks]:
    """The prompt Z_0 in blocks, context and query apart, and the symbols in it."""
    algorithm = space.algorithm
    entries: dict[tuple[str, str], dict[tuple[Any, ...], Any]] = {}
    symbols: set[Any] = set()
    for block in algorithm.features:
        height = 1 if block.scalar else D
        entries[block.name, "context"] = {(MatrixSymbol(f"X_{block.name}", height, N),): 1}
        if block.query is not None:
            entries[block.name, "query"] = {(MatrixSymbol(f"q_{block.name}", height, 1),): 1}
    for row in algorithm.accumulators:
        if _starts_filled(space, row.name):
            entries[row.name, "context"] = {(MatrixSymbol(f"y_{row.name}", 1, N),): 1}
    for entry in entries.values():
        symbols |= {f for x in entry for f in x}
    return symbols, Blocks([name for name, _, _ in space.blocks], COLUMNS, entries)


def _starts_filled(space: WeightSpace, row: str) -> bool:
    """Whether an accumulator row of the first prompt, at zero weights, holds anything: the reward or a part of it."""
    algorithm = space.algorithm
    values = algorithm.column_values(
        [0 if w in algorithm.scalar_weights else _Zero() for w in algorithm.weights],
        algorithm.token(
            {b.name: 1 if b.scalar else _Zero() for b in algorithm.features}, dict.fromkeys(algorithm.token_numbers, 1)
        ),
        algorithm.bind({name: 1 for name in algorithm.parameters}, space.options),
    )
    return bool(values[space.layout.accumulators.index(row)])


class _Zero:
    """The zero vector, of any dimension."""

    def __matmul__(self, other: Any) -> int:
        return 0

    def __mul__(self, other: Any) -> _Zero:
        return self

    __rmul__ = __add__ = __radd__ = __sub__ = __mul__

    def __neg__(self) -> _Zero:
        return self


def _layers(space: WeightSpace, patterns: Sequence[Mapping[str, Rows]], names: Sequence[str]) -> list[tuple[Head, ...]]:
    """The heads of each stored layer in blocks; frozen and free ones are opaque symbols."""
    moved = {name: acts for name, _, acts in space.blocks}

    def matrix(layer: int, name: str) -> Blocks:
        entries: dict[tuple[str, str], dict[tuple[Any, ...], Any]] = {}
        for r, row in zip(names, patterns[layer][name], strict=True):
            for s, text in zip(names, row, strict=True):
                if text in ("free", "frozen"):
                    symbol = MatrixSymbol(f"{name}_{layer + 1}_{r}_{s}", D if moved[r] else 1, D if moved[s] else 1)
                    entries[r, s] = {(symbol,): 1}
                    continue
                named, constant = parse_entry(text)
                value = Rational(constant.numerator, constant.denominator)
                for letter, c in named.items():
                    value += Rational(c.numerator, c.denominator) * Symbol(f"{letter}_{layer + 1}")
                if value != 0:
                    entries[r, s] = {(): value}
        return Blocks(names, names, entries)

    one = Blocks(names, names, {(name, name): {(): 1} for name in names})
    masks = [
        Blocks(COLUMNS, COLUMNS, {("context", "context"): {(MatrixSymbol(f"M{k}", N, N),): 1}})
        for k in range(len(space.masks))
    ]  # fmt: skip
    layers: list[tuple[Head, ...]] = []
    for layer in range(space.stored):
        trained = [matrix(layer, name) for name in space.matrices]
        if len(masks) == 1:
            layers.append((Head(one, trained[0], trained[1], masks[0]),))
        else:
            layers.append(
                tuple(
                    Head(trained[3 * h], trained[3 * h + 1], trained[3 * h + 2], mask) for h, mask in enumerate(masks)
                )
            )
    return layers


def _misfits(
    patterns: Sequence[Mapping[str, Rows]],
    kinds: Mapping[tuple[int, str], Rows],
    updates: Mapping[_Place, _Entry],
    names: Sequence[str],
) -> list[str]:
    """Where the averaged update may leave the pattern."""
    tied = _ties(patterns, updates, names)
    result = []
    for (layer, matrix), grid in kinds.items():
        for r, row, kind_row in zip(names, patterns[layer][matrix], grid, strict=True):
            for s, text, kind in zip(names, row, kind_row, strict=True):
                if text == "free" or kind in (ZERO, AVERAGED):
                    continue
                named = {} if text == "frozen" else parse_entry(text)[0]
                if len(named) != 1 or not tied[layer, next(iter(named))]:
                    result.append(f"the update of {matrix}[{r}, {s}] is {kind}, and the set has {text} there")
    return result


def _ties(
    patterns: Sequence[Mapping[str, Rows]], updates: Mapping[_Place, _Entry], names: Sequence[str]
) -> dict[tuple[int, str], bool]:
    """Whether the update moves a layer's name by the same amount in every block that holds a multiple of it."""
    places: dict[tuple[int, str], list[_Entry | None]] = {}
    for layer, matrices in enumerate(patterns):
        for matrix, rows in matrices.items():
            for r, row in zip(names, rows, strict=True):
                for s, text in zip(names, row, strict=True):
                    named = {} if text in ("free", "frozen") else parse_entry(text)[0]
                    for name, c in named.items():
                        share = Rational(c.denominator, c.numerator)
                        entry = updates.get((layer, matrix, r, s), {})
                        alone = {x: _coefficient(share * value) for x, value in entry.items()}
                        places.setdefault((layer, name), []).append(alone if len(named) == 1 else None)
    return {key: all(_same(shares[0], other) for other in shares[1:]) for key, shares in places.items()}


def _same(one: _Entry | None, other: _Entry | None) -> bool:
    """Whether two entries are the same sum of products, term by term; None is like nothing."""
    if one is None or other is None:
        return False
    return all(_coefficient(one.get(x, 0) - other.get(x, 0)) == 0 for x in one.keys() | other.keys())
