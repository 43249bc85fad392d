"""The gradient of the read-out with respect to every weight, over any arithmetic.

Reverse mode through Z + (1/n) sum_h W_h P_h Z M_h (Z^T Q_h Z), written so that it needs only `@`, `+`, `*` and `.mT`;
products are taken in the order that costs n m^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from ..attention import Head, layer


@dataclass(frozen=True, eq=False)
class HeadGradient:
    """The derivative of the read-out with respect to one head's W, P and Q, each (m, m)."""

    W: Any
    P: Any
    Q: Any


def of_stored(gradients: list[list[Any]], looped: bool) -> list[list[Any]]:
    """Each layer's gradients, matrix by matrix, as those of the stored layers: a looped transformer's are added up."""
    return [reduce(lambda total, other: list(map(add, total, other)), gradients)] if looped else gradients


def states(Z: Any, layers: Sequence[Sequence[Head]], scale: Any) -> list[Any]:
    """The prompt and the state after each layer: Z_0, ..., Z_L."""
    result = [Z]
    for heads in layers:
        after = layer(result[-1], heads, scale)
        result.append(after.lowest_terms() if hasattr(after, "lowest_terms") else after)
    return result


def read_out(Z: Any, heads: Sequence[Head], scale: Any, row: Any, column: Any) -> Any:
    """row (layer(Z)) column, a (1, 1) matrix: the read-out of one more layer, without the rest of its output.

    row : (1, m); column : (N, 1)
    """
    asked = Z @ column
    total = row @ asked
    for h in heads:
        values = row @ h.W @ h.P @ Z @ h.M
        total = total + values @ (Z.mT @ (h.Q @ asked)) * scale
    return total


def gradients(
    before: Sequence[Any], layers: Sequence[Sequence[Head]], scale: Any, seed: Any
) -> list[list[HeadGradient]]:
    """For each layer and head the gradient of <seed, Z_L>.

    before : Z_0, ..., Z_{L-1}, the state that each layer reads; seed : (m, N)
    """
    result: list[list[HeadGradient]] = []
    G = seed
    for Z, heads in zip(reversed(before), reversed(layers), strict=True):
        of_heads = []
        back = G
        for h in heads:
            masked = Z @ h.M
            met = Z @ masked.mT  # Z M^T Z^T
            scaled = G * scale
            B = h.W.mT @ scaled
            F = h.P.mT @ B
            T = Z @ F.mT
            compared = (B @ Z.mT) @ h.Q.mT  # B (Z^T Q Z)^T = compared Z
            of_heads.append(
                HeadGradient(
                    W=(scaled @ Z.mT) @ h.Q.mT @ met @ h.P.mT,
                    P=compared @ met,
                    Q=met @ T.mT,
                )
            )
            back = back + h.P.mT @ ((compared @ Z) @ h.M.mT) + h.Q @ (T @ masked) + h.Q.mT @ (met @ F)
        result.append(of_heads)
        G = back
    return result[::-1]
