"""The identity in every entry as polynomials at small sizes, and at a random point of a prime field at larger ones."""

from __future__ import annotations

import random
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq_mpoly_ctx

from ..arithmetics.arithmetic import PRIME_FIELD
from ..arithmetics.prime_field import PRIME, element
from ..identity.entrywise import EntrywiseResult, polynomial_arithmetic
from ..identity.exact import Mismatch
from ..identity.random import RandomResult
from .heads import PatternForm
from .layer import layer_of, pattern_layer
from .record import PatternAlgorithm
from .run import column_name, mismatches, prompt, row_names, setup, textbook


def entrywise_pattern(form: PatternForm, d: int, n: int) -> EntrywiseResult:
    """Expand layer minus update at d and n: features, rewards, states, C, K and the parameters are all generic.

    In every row of Z; its `terms` are those of Z after the update.
    """
    algorithm = form.algorithm
    names = list(algorithm.parameters)

    def new(name: str) -> str:
        names.append(name)
        return name

    def vector(name: str) -> list[str]:
        return [new(f"{name}[{i}]") for i in range(d)]

    features, query = [vector(f"phi[{j}]") for j in range(n)], vector("q")
    following = [*features[1:], query] if algorithm.chained else [vector(f"next[{j}]") for j in range(n)]
    rewards = [new(f"R[{j}]") for j in range(n)]
    start = [new(f"v[{t}]") if algorithm.numbers else vector(f"w[{t}]") for t in range(_count(algorithm, n))]
    C = [vector(f"C[{i}]") for i in range(d)] if algorithm.preconditioned else None
    K = [[new(f"K[{j},{t}]") for t in range(n + 1)] for j in range(n + 1)] if algorithm.kernels else None
    context = fmpq_mpoly_ctx.get(names, Ordering.lex)
    a = polynomial_arithmetic(context)
    value = dict(zip(names, map(a.number, context.gens()), strict=True))

    def valued(x: Any) -> Any:
        return [valued(y) for y in x] if isinstance(x, list) else value[x]

    values = {name: value[name] for name in algorithm.parameters}
    data = tuple(map(valued, (features, following, rewards, query)))
    s = setup(algorithm, a, data, valued(start), values, None if K is None else valued(K))
    steps = None if C is None else valued(C)
    layer = layer_of(form, a, d, n, steps, values)
    # A key that the mask leaves out has a symbol of its own in K too, which must not be seen in the result.
    Z = pattern_layer(prompt(s, s.start), layer, None if s.K is None else a.matrix(s.K))
    (after,) = textbook(s, [None if steps is None else a.matrix(steps)])
    wanted = prompt(s, after)
    zero = a.number(0)
    terms, difference = 0, None
    rows: dict[str, int] = {}
    for i, name in enumerate(row_names(algorithm, d)):
        rows[name] = 0
        for t in range(n + 1):
            x, y = (zero if m.rows[i][t] is None else m.rows[i][t] for m in (Z, wanted))
            terms += len(y)
            rows[name] += len(x - y)
            if difference is None and x != y:
                difference = f"row {name}, {column_name(algorithm, t, n)}: {str(x - y)[:300]}"
    return EntrywiseResult(d, n, rows, terms, len(names), difference)


def _count(algorithm: PatternAlgorithm, n: int) -> int:
    return 1 if algorithm.column else n + 1


def random_pattern_identity(
    form: PatternForm, d: int, n: int, depth: int, parameters: Mapping[str, Fraction], seed: int
) -> RandomResult:
    """Layer and iterate, every layer, row and column, at one random point modulo 2^61 - 1.

    Features, rewards, states, C and K are uniform in the field; the parameters are the given rationals.
    """
    algorithm, rng = form.algorithm, random.Random(f"layerproof random pattern identity {seed}")

    def numbers(count: int) -> list[int]:
        return [rng.randrange(PRIME) for _ in range(count)]

    features, query = [numbers(d) for _ in range(n)], numbers(d)
    following = [*features[1:], query] if algorithm.chained else [numbers(d) for _ in range(n)]
    start: list[Any] = [numbers(1)[0] if algorithm.numbers else numbers(d) for _ in range(_count(algorithm, n))]
    steps = [[numbers(d) for _ in range(d)] if algorithm.preconditioned else None for _ in range(depth)]
    K = [numbers(n + 1) for _ in range(n + 1)] if algorithm.kernels else None
    values = {name: element(Fraction(parameters[name])) for name in algorithm.parameters}
    s = setup(algorithm, PRIME_FIELD, (features, following, numbers(n), query), start, values, K)
    mismatch: Mismatch | None = next((m for m in mismatches(s, form, steps, values) if m is not None), None)
    return RandomResult(d, n, depth, degree(form, depth), PRIME, mismatch)


def degree(form: PatternForm, depth: int) -> int:
    """A bound on the degree of the entries after `depth` layers, and so on that of each difference.

    Z_0 has degree 2 at most, a state times a feature.  A layer multiplies an entry by the words of V and Q, and by two
    frozen entries or by one of K.
    """
    longest = [
        max(map(len, (w for words in blocks.values() for w in words)), default=0)
        for h in form.heads
        for blocks in (h.V, h.Q or {})
    ]
    return 2 + depth * (2 + 2 * max(longest, default=0))
