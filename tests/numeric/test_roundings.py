"""The count of roundings against one made number by number: a graph of scalars, differentiated backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from layerproof.numeric.training import roundings


@dataclass(eq=False)
class Number:
    """A computed number: its count, and the sums that its gradient is made of, a sum for each place that uses it."""

    count: int
    made: list[tuple[Number, list[tuple[Number, Number]]]] = field(default_factory=list)
    sums: dict[object, list[int]] = field(default_factory=dict)

    @property
    def gradient(self) -> int:
        """The count of the gradient: every place's terms are added up, and then the places."""
        places = [max(terms) + len(terms) - 1 for terms in self.sums.values()]
        return max(places) + len(places) - 1


Matrix = list[list[Number]]


def matrix(rows: int, columns: int, count: int) -> Matrix:
    return [[Number(count) for _ in range(columns)] for _ in range(rows)]


def transposed(A: Matrix) -> Matrix:
    return [list(column) for column in zip(*A, strict=True)]


class Tape:
    """What was computed, in order."""

    def __init__(self) -> None:
        self.products: list[tuple[object, Number, list[tuple[Number, Number]]]] = []

    def matmul(self, A: Matrix, B: Matrix) -> Matrix:
        place, out = object(), []
        for row in A:
            out.append([])
            for column in transposed(B):
                pairs = list(zip(row, column, strict=True))
                value = Number(max(a.count + b.count + 1 for a, b in pairs) + len(pairs) - 1)
                out[-1].append(value)
                self.products.append((place, value, pairs))
        return out

    def residual(self, Z: Matrix, heads: Sequence[Matrix]) -> Matrix:
        """Z + (1/n) (a sum of heads)."""
        place, out = object(), []
        for i, row in enumerate(Z):
            out.append([])
            for t, z in enumerate(row):
                parts = [head[i][t] for head in heads]
                scaled = max(x.count for x in parts) + len(parts) - 1 + 1 + 1
                value = Number(max(z.count, scaled) + 1)
                out[-1].append(value)
                one_over_n, exact = Number(1), Number(-1)  # a copy makes no rounding
                self.products += [(place, value, [(x, one_over_n)]) for x in parts] + [(place, value, [(z, exact)])]
        return out

    def differentiate(self) -> None:
        for place, value, pairs in reversed(self.products):
            if not value.sums:
                continue  # nothing that is asked for depends on it
            for a, b in pairs:
                for one, other in ((a, b), (b, a)):
                    one.sums.setdefault((place, one is b), []).append(value.gradient + other.count + 1)


def counted(m: int, N: int, heads: int, depth: int, elements: int) -> int:
    tape, trained = Tape(), []
    Z = matrix(m, N, 3)
    for _ in range(depth):
        outs = []
        for _ in range(heads):
            W, P, Q, M = matrix(m, m, 1), matrix(m, m, 1), matrix(m, m, 1), matrix(N, N, 1)
            trained += [W, P, Q]
            out = W
            for factor in (P, Z, M, transposed(Z), Q, Z):
                out = tape.matmul(out, factor)
            outs.append(out)
        Z = tape.residual(Z, outs)
    prediction = Z[-1][-1].count
    following = prediction + 1 + 1
    error = following + 3
    # Every entry of the last state: the gradient of one entry alone skips sums that a bound for all must cover.
    for row in Z:
        for z in row:
            z.sums["error"] = [error + 2 + 1 + 1]
    tape.differentiate()
    sample = max(x.gradient for A in trained for row in A for x in row) + 2 * depth - 1
    return sample + elements - 1 + 1 + 1


SIZES = ((3, 4, 1, 1, 1), (3, 2, 2, 1, 8), (5, 3, 1, 2, 8), (4, 3, 2, 3, 2))


@pytest.mark.parametrize(("m", "N", "heads", "depth", "elements"), SIZES)
def test_the_count_is_that_of_the_graph(m: int, N: int, heads: int, depth: int, elements: int) -> None:
    assert roundings.rounding_count(m, N, heads, depth, elements) == counted(m, N, heads, depth, elements)


FAULTS = {
    "a weight's own rounding": ("LOWERED", 0),
    "a prompt's entry": ("ENTRY", 2),
    "a product's rounding": ("product", lambda a, b: a + b),
    "a sum's additions": ("total", lambda *counts: max(counts)),
    "an addition of a contraction": ("contraction", lambda a, b, length: a + b + length - 1),
    "an addition of the error": ("error_count", lambda prediction: prediction + 4),
    "the square's 2": ("adjoint_count", lambda error: error + 3),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_rounding_that_is_left_out_is_seen(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(roundings, *FAULTS[what])
    assert roundings.rounding_count(5, 3, 1, 2, 8) < counted(5, 3, 1, 2, 8)
