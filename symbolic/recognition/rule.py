"""The update that exact weights perform, read off their tensors, whether or not the catalogue has it.

Where feature rows stay and accumulators are read as values only, the layers are
    Omega += (1/n) sum_h U_h (Y + Omega X) M_h X^T E_h,   rows Y + Omega X,
with any E.  Omega's blocks are vectors, one for each accumulator and block of rows; those that are always the same
multiple of another are that vector (TD: [-w, w]), and blocks of E that are always the same multiple of another are one
preconditioner.  Heads over a constant row add K (Y + Omega X) token by token; where K Y = 0, weights gain multiples of
weights.  Nothing is rounded: a rule with other numbers is another rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..derivation.state import SymbolicState
from .joins import Join, Joined, joins
from .masks import MaskSpace
from .mixing import Mix, RowMaps, carried, kills, of_weights
from .network import Network
from .prompts import holds_data
from .reach import Reach, everything, keeps, reaches
from .tensor import Tensor, tensors

Matrix = tuple[tuple[Fraction, ...], ...]
LETTERS = "CDFGHKLNSTUVXYZ"
NAMES = ("w", "v", "u", "x", "y", "z")


@dataclass(frozen=True)
class Weight:
    """A weight vector: its name, its accumulator row, and {block: factor} with which it stands in that row."""

    name: str
    row: str
    blocks: Mapping[str, Fraction]
    scalar: bool


@dataclass(frozen=True)
class Piece:
    """factor * (value of an accumulator) * (key block), joined as `how` says."""

    factor: Fraction
    row: str
    block: str
    how: Join


@dataclass(frozen=True)
class Gain:
    """weight += (1/n) matrix sum of parts.  matrices : of each stored layer, (d, d), or ((x,),) where `scalar`"""

    weight: int
    letter: str
    parts: tuple[Piece, ...]
    matrices: tuple[Matrix, ...]
    scalar: bool = False


@dataclass(frozen=True)
class NetworkRule:
    """An update: weight vectors, how rows hold them, and what moves them.

    mixes  what weights gain of old weights
    data   the accumulator rows that hold rewards while the weights are zero
    whole  whether every row of every layer is this update's; else the prediction is, and nothing more is claimed
    """

    weights: tuple[Weight, ...]
    moves: tuple[Gain, ...]
    mixes: tuple[Mix, ...]
    data: frozenset[str]
    rows: tuple[str, ...]
    whole: bool


@dataclass(frozen=True)
class NoRule:
    """Why weights are no update of that kind, in words."""

    reason: str


def rule(network: Network, shown: Sequence[Tensor] | None = None) -> NetworkRule | NoRule:
    """The update of exact weights, or why there is none: of every row if that can be, else of the prediction.

    shown : the network's tensors, where they are at hand
    """
    own = tensors(network) if shown is None else shown
    outside = _reason(network, own)
    if outside is not None:  # what the prediction shows is no update, so every row is none
        return outside
    if not network.predicts_only:
        whole = _rule(network, tensors(network, MaskSpace(), everything(network)), everything(network), True)
        if isinstance(whole, NetworkRule):
            return whole
    return _rule(network, own, reaches(network), False)


def _reason(network: Network, own: Sequence[Tensor]) -> NoRule | None:
    """Why a network's tensors are no update of accumulators; None where they are one."""
    layout = network.layout
    known = {row: name for name, _ in layout.features for row in layout.block(name)}
    known |= {layout.accumulator(name): name for name in layout.accumulators}
    if not any(t.entries for t in own):
        return NoRule("the layers change nothing that a prediction shows")
    one = _constant(network)
    for number, t in enumerate(own):
        for place in t.entries:
            reason = _outside(place, known, layout.accumulators, t.space, one)
            if reason:
                return NoRule(f"layer {number + 1} {reason}")
    return None


def _rule(
    network: Network, own: Sequence[Tensor], reach: Sequence[Sequence[Reach]], whole: bool
) -> NetworkRule | NoRule:
    layout, outside = network.layout, _reason(network, own)
    if outside is not None:
        return outside
    used = [{place[4] for place in t.entries} for t in own]
    shapes = joins(own[0].space.basis, used, layout.n, network.looped and network.depth > 1)
    if shapes is None:
        return NoRule("a mask joins tokens in a pattern that is no sum, running mean or decaying trace")
    return _built(network, own, shapes, reach, whole)


def _constant(network: Network) -> str | None:
    """The prompt's row of ones, if it has one."""
    return SymbolicState(network.prompt.algorithm).constant


def _outside(
    place: tuple[int, ...], known: Mapping[int, str], accumulators: Sequence[str], space: MaskSpace, one: str | None
) -> str:
    a, b, r, s = (known[row] for row in place[:4])
    if one == b == r and a in accumulators and s in accumulators and space.kinds[place[4]] == (0, 0):
        return ""
    if space.kinds[place[4]] != (0, 0):
        return f"takes the query as a token of its own context (value {b}, key {r})"
    if a not in accumulators:
        return f"writes the feature rows {a}"
    if b not in accumulators:
        return f"writes what no accumulator holds: products of {b} and {r}"
    if r in accumulators or s in accumulators:
        return f"reads the accumulator {r if r in accumulators else s} as a {'key' if r in accumulators else 'query'}"
    return ""


Key = tuple[str, str, str, Join]
"""(row written, row read, key block, how joined)"""


def _built(
    network: Network,
    own: Sequence[Tensor],
    shapes: Sequence[Mapping[int, Joined]],
    reach: Sequence[Sequence[Reach]],
    whole: bool,
) -> NetworkRule | NoRule:
    layout = network.layout
    sizes = dict(layout.features)
    of_row = {row: (name, k) for name, _ in layout.features for k, row in enumerate(layout.block(name))}
    blocks: list[dict[tuple[Key, str], dict[tuple[int, int], Fraction]]] = []
    maps: RowMaps = []
    for t, joined in zip(own, shapes, strict=True):
        by_key: dict[tuple[Key, str], dict[tuple[int, int], Fraction]] = {}
        K: dict[tuple[str, str], Fraction] = {}
        for (a, b, r, s, k), x in t.entries.items():
            if s >= layout.p:  # over the constant row: it counts the context, so by a plain sum
                if any(how != Join("sum") for how, _ in joined[k]):
                    return NoRule("rows are mixed token by token over a mask that is no plain sum")
                at_rows = layout.accumulators[a - layout.p], layout.accumulators[s - layout.p]
                K[at_rows] = K.get(at_rows, Fraction(0)) + sum(factor for _, factor in joined[k]) * x
                continue
            (key, i), (asks, j) = of_row[r], of_row[s]
            if (sizes[key] == layout.d) != (sizes[asks] == layout.d):
                return NoRule(f"a layer turns {key} into {asks} by a row of numbers, which no preconditioner is")
            for how, factor in joined[k]:
                at = (layout.accumulators[a - layout.p], layout.accumulators[b - layout.p], key, how)
                block = by_key.setdefault((at, asks), {})
                block[i, j] = block.get((i, j), Fraction(0)) + factor * x
        blocks.append({at: {ij: x for ij, x in block.items() if x} for at, block in by_key.items()})
        maps.append(K)
    data = holds_data(network.prompt)
    if not kills(maps, data):
        return NoRule("rows that hold rewards are mixed token by token, so that rewards themselves change")
    seen = [_Seen(network, x) for x in reach]
    weights = _weights(network, blocks, seen, maps)
    moves: list[Gain] = []
    for number, weight in enumerate(weights):
        moves += _moves(network, number, weight, blocks, seen, moves)
    mixes = of_weights(weights, maps)
    return NetworkRule(tuple(weights), tuple(moves), mixes, data, layout.accumulators, whole)


@dataclass(frozen=True)
class _Seen:
    """Which blocks of a layer's tensor are seen."""

    network: Network
    reach: Sequence[Reach]

    def block(self, key: Key, asks: str) -> bool:
        """Whether the block that writes, reads and is keyed as `key` says, and is asked by `asks`, can matter."""
        layout = self.network.layout
        a, b = layout.accumulator(key[0]), layout.accumulator(key[1])
        return keeps(self.reach, a, b, layout.block(key[2])[0], layout.block(asks)[0], (0, 0))


def _weights(network: Network, blocks: Sequence[Any], seen: Sequence[_Seen], maps: RowMaps) -> list[Weight]:
    layout, sizes = network.layout, dict(network.layout.features)
    order = sorted(layout.accumulators, key=lambda name: name != network.readout.row)
    single = {b.name for b in network.prompt.algorithm.features if b.scalar}
    brought = {b.name for b in network.prompt.algorithm.features if b.query is not None}
    gains = carried(network, blocks, maps) if any(maps) else None
    weights: list[Weight] = []
    for row in order:
        keys = {at for layer in blocks for at, _ in layer if at[0] == row}
        classes: list[dict[str, Fraction]] = []
        for name, size in layout.features:
            if gains is None:
                moved = any(at[0] == row and asks == name for layer in blocks for at, asks in layer)
            else:
                moved = bool(gains.get((row, name)))
            if not moved:
                continue
            for own in classes:
                base = next(iter(own))
                ratio = None
                if sizes[base] == size and gains is not None:
                    ratio = _ratio(gains[row, base], gains[row, name])
                elif sizes[base] == size:
                    pairs = [((key, base), (key, name)) for key in keys]
                    ratio = _multiple(pairs, blocks, seen)
                if ratio is not None:
                    own[name] = ratio
                    break
            else:
                classes.append({name: Fraction(1)})
        for own in classes:
            sign = 1  # an error has -w.phi in it, the read-out row what it is read with; else as it stands
            if row == network.readout.row and (gains is None or brought & own.keys()):
                sign = network.readout.sign
            elif len(own) > 1 and brought & own.keys() and min(own.values()) < 0:
                sign = -1
            label = NAMES[len(weights)] if len(weights) < len(NAMES) else f"w{len(weights)}"
            weights.append(Weight(label, row, {k: x * sign for k, x in own.items()}, next(iter(own)) in single))
    return weights


def _multiple(pairs: Sequence[Any], blocks: Sequence[Any], seen: Sequence[_Seen]) -> Fraction | None:
    """The factor that each second block is of the first in every layer where both are seen; None where none is."""
    ratio: Fraction | None = None
    for layer, shown in zip(blocks, seen, strict=True):
        for one, other in pairs:
            if not (shown.block(*one) and shown.block(*other)):
                continue
            a, b = layer.get(one, {}), layer.get(other, {})
            if not b.keys() <= a.keys():
                return None
            for ij, x in a.items():
                factor = b.get(ij, Fraction(0)) / x
                if ratio not in (None, factor):
                    return None
                ratio = factor
    return ratio


def _ratio(one: Mapping[Any, Fraction], other: Mapping[Any, Fraction]) -> Fraction | None:
    """The factor that the second is of the first; None where it is none."""
    if one.keys() != other.keys():
        return None
    ratios = {other[at] / x for at, x in one.items()}
    return ratios.pop() if len(ratios) == 1 else None


def _moves(
    network: Network, number: int, weight: Weight, blocks: Sequence[Any], seen: Sequence[_Seen], before: Sequence[Gain]
) -> list[Gain]:
    """What moves a weight; a preconditioner that is an earlier one in every layer has its letter."""
    base = next(iter(weight.blocks))
    d = 1 if weight.scalar else network.layout.d
    factor = weight.blocks[base]  # the row holds factor * w, and Omega's own block is moved
    names = [name for name, _ in network.layout.features]
    keys = sorted(
        {at for layer in blocks for at, asks in layer if at[0] == weight.row and asks == base},
        key=lambda at: (network.layout.accumulators.index(at[1]), names.index(at[2]), at[3].kind != "sum", at[3].back),
    )
    groups: list[list[tuple[Fraction, Key]]] = []
    for key in keys:
        for group in groups:
            ratio = _multiple([((group[0][1], base), (key, base))], blocks, seen)
            if ratio:
                group.append((ratio, key))
                break
        else:
            groups.append([(Fraction(1), key)])

    def matrix(layer: Any, shown: _Seen, group: Sequence[tuple[Fraction, Key]]) -> Matrix:
        x, key = next(((x, key) for x, key in group if shown.block(key, base)), group[0])
        E = layer.get((key, base), {})
        return tuple(tuple(E.get((j, i), Fraction(0)) / factor / x for j in range(d)) for i in range(d))

    known = {(m.matrices, m.scalar): m.letter for m in before}
    result = []
    for group in groups:
        matrices = tuple(matrix(layer, shown, group) for layer, shown in zip(blocks, seen, strict=True))
        used = len(set(known.values()))
        fresh = LETTERS[used] if used < len(LETTERS) else f"C{used}"
        letter = known.setdefault((matrices, weight.scalar), fresh)
        pieces = tuple(Piece(x, key[1], key[2], key[3]) for x, key in group)
        result.append(Gain(number, letter, pieces, matrices, weight.scalar))
    return result
