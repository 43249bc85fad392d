"""Is the interaction tensor unique? The rank of the matching system at a concrete feature dimension, exactly.

The contraction algebra treats <u|W|v> as independent symbols; at a concrete d they might be dependent (they are at
d = 1, where products commute).  So the system is evaluated at random prompts modulo a prime.  Rank modulo a prime is
at most the rank over Q, so full column rank here proves that the solution is unique at that d; and uniqueness at
d = 2 gives it for every d >= 2, because prompts may lie in the span of two axes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from flint import nmod_mat

from ..arithmetics.arithmetic import PRIME_FIELD
from ..arithmetics.prime_field import PRIME, element
from ..derivation.ansatz import OwnToken
from ..derivation.derive import Derivation
from ..derivation.words import Word
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


@lru_cache(maxsize=64)
def rank_at(derivation: Derivation, d: int, n: int = 2, seed: int = 0) -> RankAtDimension:
    """The rank of the system at feature dimension `d`, from enough random prompts modulo 2^61 - 1.

    Evidence and the page beside it ask the same of the same derivation, which never changes.
    """
    algorithm = derivation.algorithm
    tensor = next(t for t in derivation.tensors if t.n == n)
    units = d if algorithm.unit_columns else 0
    columns = n + units
    width = columns + 1
    at = {k + 1: (k,) for k in range(n)} | {n + 1: (columns,), n + 2: tuple(range(n, columns))}  # tokens -> columns
    rng = random.Random(f"layerproof rank {seed}")

    def draw(count: int) -> list[int]:
        return [rng.randrange(PRIME) for _ in range(count)]

    position = {row.name: k for k, row in enumerate(algorithm.accumulators)}
    values = {name: element(rng.randrange(1, PRIME)) for name in algorithm.parameters}
    meetings: dict[tuple[str, Word, str], int] = {}
    plan = _Plan([], [], [])
    for u in tensor.seen:
        if isinstance(u, OwnToken):
            plan.own.append(position[u.read] * width)
            continue
        meeting = meetings.setdefault((u.key_block, u.word, u.query_block), len(meetings)) * width
        pairs = [
            (position[u.read] * width + i, (meeting + j) * width)
            for i, j in zip(at[u.value_token], at[u.key_token], strict=True)
        ]
        if len(pairs) == 1:
            plan.single.append(pairs[0])
        else:  # a unit column is joined to itself, so that there are as many values as keys
            plan.joined.append(pairs)
    entries: list[int] = []
    prompts = len(tensor.seen) // width + 8
    for _ in range(prompts):
        start = [rng.randrange(PRIME) if w in algorithm.scalar_weights else draw(d) for w in algorithm.weights]
        setup = problem(
            algorithm,
            PRIME_FIELD,
            generic_data(algorithm, columns, lambda _: draw(d), lambda _: rng.randrange(PRIME)),
            start,
            values,
            derivation.options,
        )
        matrices = {name: nmod_mat(d, d, draw(d * d), PRIME) for name in algorithm.preconditioners}
        blocks = {}
        for b in algorithm.features:
            numbers = [getattr(t, b.name) for t in setup.tokens]
            held = numbers if b.scalar else [x for vector in numbers for x in vector.entries()]
            blocks[b.name] = nmod_mat(width, 1 if b.scalar else d, held, PRIME)
        met: list[int] = []
        for key_block, word, query_block in meetings:
            keys = blocks[key_block]
            for name, flipped in word:
                keys = keys * (matrices[name].transpose() if flipped else matrices[name])
            met += map(int, (keys * blocks[query_block].transpose()).entries())
        plan.evaluate([int(y) for row in setup.rows(setup.start) for y in row], met, n, width, entries)
    rank = nmod_mat(prompts * width, len(tensor.seen), entries, PRIME).rank()
    return RankAtDimension(d, n, len(tensor.seen), int(rank), tensor.determined)


@dataclass(frozen=True)
class _Plan:
    """What unknowns multiply at token t of a prompt, as places in flat lists of its accumulator rows and meetings.

    single : (i, j) for rows[i] * met[j + t];  joined : sums of such products;  own : i for n * rows[i + t]
    """

    single: list[tuple[int, int]]
    joined: list[list[tuple[int, int]]]
    own: list[int]

    def evaluate(self, rows: Sequence[int], met: Sequence[int], n: int, width: int, entries: list[int]) -> None:
        """Append one equation for each token: a coefficient for each unknown, in one order for all of them."""
        for t in range(width):
            entries += [rows[i] * met[j + t] % PRIME for i, j in self.single]
            entries += [sum(rows[i] * met[j + t] for i, j in pairs) % PRIME for pairs in self.joined]
            entries += [n * rows[i + t] % PRIME for i in self.own]
