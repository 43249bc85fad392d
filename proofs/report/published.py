"""The weights that the talk's paper prints, as its sections have them, and how the derived ones differ from them.

Compared are numbers: both at one size, with one generic C that is not symmetric.  Where some differ, the freedom that
explains it is run: both layers on one prompt, and the predictions must be equal.
Source: Wang, Blaser, Daneshmand, Zhang 2025 (arXiv 2405.13861).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from ...numeric.data.draws import preconditioners
from ...numeric.data.prompts import generic_context
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import Head, layer
from ...symbolic.construction import construct
from ...symbolic.derivation.derive import Derivation
from ...symbolic.prompt import Context, Layout

D, N, LAYERS = 2, 4, 3
VALUES = {"gamma": Fraction(9, 10), "lam": Fraction(1, 3)}
Rows = list[list[Fraction]]


@dataclass(frozen=True)
class Published:
    """What the paper prints of one algorithm.

    where : its place there
    heads : (layout, C) -> W, P, Q and M of each head
    sign  : of the read-out
    """

    where: str
    heads: Callable[[Layout, Rows], list[tuple[Rows, Rows, Rows, Rows]]]
    sign: int


def _key_query(layout: Layout, C: Rows, second: bool = False) -> Rows:
    """[[-C^T, C^T, 0], [0, 0, 0], [0, 0, 0]], with [C^T, -C^T] in the second line for the residual gradient."""
    d = layout.d
    result = layout.matrix({})
    for i in range(d):
        for j in range(d):
            result[i][j], result[i][d + j] = -C[j][i], C[j][i]
            if second:
                result[d + i][j], result[d + i][d + j] = C[j][i], -C[j][i]
    return result


def _unit(layout: Layout, *places: tuple[int, int]) -> Rows:
    """Ones at places counted from the bottom right: (-1, -1)."""
    result = layout.matrix({})
    for i, j in places:
        result[i][j] = Fraction(1)
    return result


def _identity(layout: Layout) -> Rows:
    return [[Fraction(int(i == j)) for j in range(layout.m)] for i in range(layout.m)]


def _single(second: bool = False, trace: bool = False) -> Callable[..., list[tuple[Rows, Rows, Rows, Rows]]]:
    def heads(layout: Layout, C: Rows) -> list[tuple[Rows, Rows, Rows, Rows]]:
        lam = VALUES["lam"]
        mask = layout.mask((lambda i, j: lam ** (i - j) if j <= i else 0) if trace else None)
        return [(_identity(layout), _unit(layout, (-1, -1)), _key_query(layout, C, second), mask)]

    return heads


def _average(layout: Layout, C: Rows) -> list[tuple[Rows, Rows, Rows, Rows]]:
    """Two heads; the first mask takes the reward from the mean so far."""
    Q = _key_query(layout, C)
    mean = layout.mask(lambda i, j: (Fraction(1, j) if i <= j else Fraction(0)) - int(i == j))
    bottom = _unit(layout, (-1, -1))
    return [(_unit(layout, (-1, -2)), _unit(layout, (-2, -2)), Q, mean), (bottom, bottom, Q, layout.mask())]


PUBLISHED: Mapping[tuple[str, str], Published] = {
    ("td0", ""): Published("Theorem 1", _single(), -1),
    ("td-lambda", "lam"): Published("the section on TD(lambda)", _single(trace=True), -1),
    ("residual-gradient", ""): Published("the section on residual gradient", _single(second=True), -1),
    ("average-reward-td", ""): Published("the section on average reward", _average, 1),
}


@dataclass(frozen=True)
class Comparison:
    """How the derived weights stand to the paper's.

    heads    : of each head of the paper, {"W P": relation, "Q": relation, "M": relation} to ours, where a relation is
               "equal", "opposite" or "different"
    readout  : the relation of the read-outs' signs
    same     : whether the predictions of both agree on a prompt, after every layer
    pairs    : of each head the matrices that were compared, theirs and ours, in the rows of `layout`
    """

    where: str
    heads: tuple[Mapping[str, str], ...]
    readout: str
    same: bool
    layout: Layout
    pairs: tuple[Mapping[str, tuple[Rows, Rows]], ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return self.readout == "equal" and all(r == "equal" for h in self.heads for r in h.values())


def comparison(derivation: Derivation) -> Comparison | None:
    """The comparison; None for an algorithm that the paper does not have."""
    printed = PUBLISHED.get((derivation.algorithm.name, derivation.options.get("trace", "")))
    if printed is None:
        return None
    return compared(derivation, printed)


def compared(derivation: Derivation, published: Published) -> Comparison:
    """The comparison with weights that somebody prints."""
    algorithm = derivation.algorithm
    layout = Layout.of(algorithm, D, N)
    steps = preconditioners(algorithm, D, LAYERS, 1)
    values = {name: VALUES[name] for name in algorithm.parameters}
    ours = construct(derivation, D, N, LAYERS, steps, values)
    theirs = [[Head(*map(RationalMatrix.of, h)) for h in published.heads(layout, step[0])] for step in steps]
    first = [{"W P": h.W @ h.P, "Q": h.Q, "M": h.M} for h in ours.layers[0]]
    heads, pairs = [], []
    for h in theirs[0]:
        wanted = {"W P": h.W @ h.P, "Q": h.Q, "M": h.M}
        best = min(first, key=lambda own: [_relation(own[k], wanted[k]) != "equal" for k in ("W P", "M", "Q")])
        heads.append({k: _relation(best[k], x) for k, x in wanted.items()})
        pairs.append({k: (x.fractions(), best[k].fractions()) for k, x in wanted.items()})
    sign = derivation.readout.sign
    same = _predictions(layout, theirs, published.sign, values) == _predictions(
        layout, [list(heads) for heads in ours.layers], sign, values
    )
    readout = "equal" if sign == published.sign else "opposite"
    return Comparison(published.where, tuple(heads), readout, same, layout, tuple(pairs))


def _relation(ours: RationalMatrix, theirs: RationalMatrix) -> str:
    return "equal" if ours == theirs else "opposite" if ours == -theirs else "different"


def _predictions(layout: Layout, layers: list[list[Head]], sign: int, values: Mapping[str, Fraction]) -> list[Fraction]:
    """What is read from the last row of the query's column, after every layer on one generic prompt at zero weights."""
    context: Context = generic_context(D, N, 2)
    gamma = values.get("gamma", Fraction(1))
    columns = [
        [*phi, *(gamma * x for x in following), reward, *[Fraction(0)] * (layout.m - layout.p - 1)]
        for phi, following, reward in zip(context.features, context.next_features, context.rewards, strict=True)
    ]
    columns.append([*context.query, *[Fraction(0)] * (layout.m - D)])
    Z = RationalMatrix.of([list(row) for row in zip(*columns, strict=True)])
    scale = RATIONALS.number(Fraction(1, N))
    predictions = []
    for heads in layers:
        Z = layer(Z, heads, scale)
        predictions.append(sign * Z.fractions()[-1][-1])
    return predictions


def told(outcome: Comparison) -> str:
    """The comparison in words."""
    if outcome.equal:
        return "has the same $P$, $Q$, $M$ and read-out, entry by entry."
    parts = []
    for k, head in enumerate(outcome.heads, 1):
        for name, relation in head.items():
            if relation != "equal":
                sign = "the opposite sign" if relation == "opposite" else "other entries"
                matrix = "the product of $W$ and $P$" if name == "W P" else f"${name}$"
                parts.append(f"{matrix} of its head {k} has {sign}")
    if outcome.readout != "equal":
        parts.append("its read-out has the opposite sign")
    listed = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    end = (
        "everything else is equal. Together these signs change no prediction: the rows that layers change are minus "
        "ours."
        if outcome.same
        else "the predictions of the two differ."
    )
    return f"differs in this: {listed}; {end}"
