"""The identity at random points of a prime field: for sizes where rationals grow heavy, with its error probability."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import nmod_mat

from ..arithmetics.arithmetic import PRIME_FIELD
from ..arithmetics.prime_field import PRIME, FieldMatrix, element
from ..attention import iterate
from ..construction import instantiate
from ..derivation.form import Form
from ..prompt import Layout
from .degree import identity_degree
from .exact import Mismatch, generic_data, mismatches, problem


@dataclass(frozen=True)
class RandomResult:
    """What evaluating both sides at one random point said.

    degree      bounds the degree of every difference that was tested
    probability bounds the chance that a false identity of that degree over the field passes (Schwartz-Zippel)
    mismatch    the first difference, or None
    """

    d: int
    n: int
    depth: int
    degree: int
    prime: int
    mismatch: Mismatch | None

    @property
    def probability(self) -> Fraction:
        return Fraction(self.degree, self.prime)


def random_identity(
    derivation: Form,
    d: int,
    n: int,
    depth: int,
    parameters: dict[str, Fraction],
    seed: int,
    looped: bool = False,
    tamper: Callable[[list[Any]], list[Any]] | None = None,
) -> RandomResult:
    """Evaluate layer and iterate, every layer, row and column, at one random point modulo 2^61 - 1.

    phi, phi', R, q, the starting weights and each layer's preconditioners are uniform in the field; the parameters
    are the given rationals.  `tamper` may change the list of layers before they run (to plant a fault).
    """
    algorithm = derivation.algorithm
    rng = random.Random(f"layerproof random identity {seed}")

    def draw(count: int) -> list[int]:
        return [x if x != PRIME else rng.randrange(PRIME) for x in map(rng.getrandbits, [PRIME.bit_length()] * count)]

    steps = [
        tuple(
            element(rng.randrange(PRIME))
            if c in algorithm.scalar_preconditioners
            else FieldMatrix(nmod_mat(d, d, draw(d * d), PRIME))
            for c in algorithm.preconditioners
        )
        for _ in range(1 if looped else depth)
    ]
    values = {name: element(Fraction(parameters[name])) for name in algorithm.parameters}
    start = [rng.randrange(PRIME) if w in algorithm.scalar_weights else draw(d) for w in algorithm.weights]
    setup = problem(
        algorithm,
        PRIME_FIELD,
        generic_data(algorithm, n, lambda _: draw(d), lambda _: draw(1)[0]),
        start,
        values,
        derivation.options,
    )
    layers: list[Any] = list(instantiate(derivation, PRIME_FIELD, Layout.of(algorithm, d, n), steps, values))
    if tamper is not None:
        layers = tamper(layers)
    each = layers * depth if looped else layers
    states = iterate(setup.X, FieldMatrix.of(setup.rows(setup.start)), each, element(Fraction(1, n)))
    per_layer = steps * depth if looped else steps
    compared = mismatches(setup, states, per_layer, setup.layout.accumulators, derivation.readout)
    mismatch = next((m for m in compared if m is not None), None)
    return RandomResult(d, n, depth, identity_degree(derivation, depth), PRIME, mismatch)
