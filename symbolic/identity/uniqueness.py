"""Is the interaction tensor unique? The rank of the matching system at a concrete feature dimension, exactly.

The contraction algebra treats <u|W|v> as independent symbols; at a concrete d they might be dependent (they are at
d = 1, where products commute).  So the system is evaluated at random prompts modulo a prime.  Rank modulo a prime is
at most the rank over Q, so full column rank here proves that the solution is unique at that d; and uniqueness at
d = 2 gives it for every d >= 2, because prompts may lie in the span of two axes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from flint import nmod_mat

from ..arithmetics.arithmetic import PRIME_FIELD
from ..arithmetics.prime_field import PRIME, element
from ..derivation.ansatz import Ansatz, OwnToken
from ..derivation.derive import Derivation
from ..derivation.state import SymbolicState
from .exact import generic_data, problem


@dataclass(frozen=True)
class RankAtDimension:
    """The rank of the matching system at feature dimension d.

    visible    unknowns that some prompt can see
    rank       how many independent conditions random prompts put on them
    symbolic   how many of them the contraction algebra determines
    """

    d: int
    n: int
    visible: int
    rank: int
    symbolic: int

    @property
    def as_symbolic(self) -> bool:
        """Whether prompts of this dimension determine everything that symbolic d does."""
        return self.rank == self.symbolic


def rank_at(derivation: Derivation, d: int, n: int = 2, seed: int = 0) -> RankAtDimension:
    """The rank of the system at feature dimension `d`, from enough random prompts modulo 2^61 - 1."""
    algorithm = derivation.algorithm
    ansatz = Ansatz(SymbolicState(algorithm, dict(derivation.options)), n)
    unknowns = list(dict.fromkeys(u for t in range(len(ansatz.tokens)) for u in ansatz.products(t)))
    units = d if algorithm.unit_columns else 0
    columns = n + units
    at = {k + 1: (k,) for k in range(n)} | {n + 1: (columns,), n + 2: tuple(range(n, columns))}  # tokens -> columns
    tensor = next(t for t in derivation.tensors if t.n == n)
    rng = random.Random(f"layerproof rank {seed}")

    def draw(count: int) -> list[int]:
        return [rng.randrange(PRIME) for _ in range(count)]

    position = {row.name: k for k, row in enumerate(algorithm.accumulators)}
    scalar = {b.name for b in algorithm.features if b.scalar}
    values = {name: element(rng.randrange(1, PRIME)) for name in algorithm.parameters}
    # for each unknown the row that it reads, its values' columns, and the key and query that meet; None: its own token
    pairs: dict[tuple[Any, ...], int] = {}
    plan: list[tuple[int, tuple[int, ...], int | None]] = []
    for u in unknowns:
        if isinstance(u, OwnToken):
            plan.append((position[u.read], (), None))
        else:
            pair = pairs.setdefault((u.key_token, u.key_block, u.word, u.query_block), len(pairs))
            plan.append((position[u.read], at[u.value_token], pair))
    entries: list[int] = []
    height = 0
    for _ in range(len(unknowns) // (columns + 1) + 8):
        start = [rng.randrange(PRIME) if w in algorithm.scalar_weights else draw(d) for w in algorithm.weights]
        setup = problem(
            algorithm,
            PRIME_FIELD,
            generic_data(algorithm, columns, lambda _: draw(d), lambda _: rng.randrange(PRIME)),
            start,
            values,
            derivation.options,
        )
        rows = [[int(y) for y in row] for row in setup.rows(setup.start)]
        matrices = {name: [draw(d) for _ in range(d)] for name in algorithm.preconditioners}
        blocks = {
            b.name: [
                [int(getattr(t, b.name))] if b.name in scalar else getattr(t, b.name).entries() for t in setup.tokens
            ]
            for b in algorithm.features
        }
        for t in range(columns + 1):
            met = []
            for key_token, key_block, word, query_block in pairs:
                y = blocks[query_block][t]
                for name, flipped in reversed(word):
                    C = matrices[name]
                    y = [sum((C[j][i] if flipped else C[i][j]) * y[j] for j in range(d)) for i in range(d)]
                keys = [blocks[key_block][j] for j in at[key_token]]
                met.append([sum(a * b for a, b in zip(x, y, strict=True)) % PRIME for x in keys])
            for read, values_at, meeting in plan:
                row = rows[read]
                if meeting is None:
                    entries.append(n * row[t] % PRIME)
                elif len(values_at) == 1:
                    entries.append(row[values_at[0]] * met[meeting][0] % PRIME)
                else:  # a unit column is joined to itself, so that there are as many values as keys
                    entries.append(sum(row[i] * x for i, x in zip(values_at, met[meeting], strict=True)) % PRIME)
            height += 1
    rank = nmod_mat(height, len(unknowns), entries, PRIME).rank()
    return RankAtDimension(d, n, len(unknowns), int(rank), tensor.determined)
