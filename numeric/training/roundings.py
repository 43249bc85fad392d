"""How many roundings a monomial of the outer update meets at most: the layer's products, forwards and backwards.

One rule an operation, on the counts of its operands (see `outer_update` for what follows from a count):
    product        both operands' counts, and its own rounding
    total          the largest operand's count, and one rounding for each addition
    contraction    of length q: both operands' counts, a product, q - 1 additions
The lines below are those of the computation, in its order.  Products with powers of two (the half, the square's 2)
count as any other.
"""

from __future__ import annotations

from dataclasses import dataclass

LOWERED = 1
"""The rounding of a number that was lowered to a float: a weight, a mask's entry, 1/n, the discount, a reward."""
ENTRY = 3
"""The most roundings behind a prompt's entry: an input, a parameter, their product; checked on every prompt."""


def product(a: int, b: int) -> int:
    """The count of a product."""
    return a + b + 1


def total(*counts: int) -> int:
    """The count of a sum of these, whatever its order."""
    return max(counts) + len(counts) - 1


def contraction(a: int, b: int, length: int) -> int:
    """The count of a sum of `length` products."""
    return total(*[product(a, b)] * length)


@dataclass(frozen=True)
class Forward:
    """Counts of one layer on the way: the state Z that comes in, and the partial products of W P Z M Z^T Q Z."""

    Z: int
    WP: int
    WPZ: int
    WPZM: int
    WPZMZ: int
    WPZMZQ: int
    head: int

    def following(self, heads: int) -> int:
        """The count of Z + (1/n) (a sum of `heads` heads)."""
        return total(self.Z, product(LOWERED, total(*[self.head] * heads)))


def forward(Z: int, m: int, N: int) -> Forward:
    """The counts of a head's partial products from the count of its state Z : (m, N)."""
    WP = contraction(LOWERED, LOWERED, m)
    WPZ = contraction(WP, Z, m)
    WPZM = contraction(WPZ, LOWERED, N)
    WPZMZ = contraction(WPZM, Z, N)
    WPZMZQ = contraction(WPZMZ, LOWERED, m)
    return Forward(Z, WP, WPZ, WPZM, WPZMZ, WPZMZQ, contraction(WPZMZQ, Z, m))


@dataclass(frozen=True)
class Backward:
    """Counts of one layer on the way back: the gradients of a head's W, P and Q, and of its state Z."""

    W: int
    P: int
    Q: int
    Z: int


def backward(layer: Forward, adjoint: int, m: int, N: int, heads: int) -> Backward:
    """The counts of a layer's gradients from the count of the gradient of the state that it returns."""
    head = product(LOWERED, adjoint)  # 1/n
    WPZMZQ = contraction(head, layer.Z, N)
    Q = contraction(layer.WPZMZ, WPZMZQ, m)
    WPZMZ = contraction(WPZMZQ, LOWERED, m)
    WPZM = contraction(WPZMZ, layer.Z, m)
    WPZ = contraction(WPZM, LOWERED, N)
    WP = contraction(WPZ, layer.Z, N)
    W, P = contraction(WP, LOWERED, m), contraction(LOWERED, WP, m)
    places = (
        contraction(layer.WPZMZQ, head, m),  # Z as the query
        contraction(layer.WPZM, WPZMZ, m),  # Z as the key
        contraction(layer.WP, WPZ, m),  # Z as the value
    )
    return Backward(W, P, Q, total(adjoint, *places * heads))


def error_count(prediction: int) -> int:
    """The count of the outer error R' - f(Z) - average + discount f(Z')."""
    return total(LOWERED, prediction, LOWERED, product(LOWERED, prediction))


def adjoint_count(error: int) -> int:
    """The count of the gradient of error^2 / 2 with respect to a prediction, discounted where it is the next one's."""
    doubled = product(error, 0)
    halved = product(doubled, 0)
    return product(LOWERED, halved)


def rounding_count(m: int, N: int, heads: int, depth: int, elements: int) -> int:
    """k for one entry of an average over `elements` samples of the update of `depth` layers on prompts (m, N)."""
    layers, Z = [], ENTRY
    for _ in range(depth):
        layers.append(forward(Z, m, N))
        Z = layers[-1].following(heads)
    adjoint, gradients = adjoint_count(error_count(Z)), []
    for layer in reversed(layers):
        counts = backward(layer, adjoint, m, N, heads)
        gradients += [counts.W, counts.P, counts.Q]
        adjoint = counts.Z
    # Both prompts, and every layer of a looped transformer, add to one gradient.
    sample = total(*[max(gradients)] * 2 * depth)
    return product(LOWERED, total(*[sample] * elements))
