"""Linear attention: heads, and the one definition of a layer, over any arithmetic.

A layer maps Z : (m, N) to Z + (1/n) sum_h W_h P_h Z M_h (Z^T Q_h Z).  Everything that runs a layer exactly or in
floats runs `layer` or `accumulate`, which is the same formula when only the accumulator rows change; `iterate` is many
of the latter with the brackets moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Head:
    """One head of linear attention, dense. W, P, Q : (m, m); M : (N, N). In a user's head W may be None, the identity.

    >>> Head(W=None, P=[[1]], Q=[[2]], M=[[0]]).Q
    [[2]]
    """

    W: Any
    P: Any
    Q: Any
    M: Any


@dataclass(frozen=True, eq=False)
class AccumulatorHead:
    """A head that reads and writes accumulator rows only and compares feature rows only.

    It is the head with W P = diag(0, U) and Q = diag(E, 0).  U : (K, K); E : (p, p); M : (N, N).
    """

    U: Any
    E: Any
    M: Any


def layer(Z: Any, heads: Sequence[Head], scale: Any) -> Any:
    """One layer, as written in the papers: Z + scale * sum_h W_h P_h Z M_h (Z^T Q_h Z).

    Z : (m, N); scale is 1/n.  Any matrix type with `@`, `+`, `*` and `.mT` will do.  Source: Wang et al. 2025, eq. 3,
    with heads summed through W as in their multi-head section.
    """
    result = Z
    for h in heads:
        result = result + (h.W @ (h.P @ Z @ h.M @ (Z.mT @ h.Q @ Z))) * scale
    return result


def masked_keys(X: Any, heads: Sequence[AccumulatorHead]) -> dict[int, Any]:
    """M X^T for each mask that occurs: it does not change from layer to layer while X does not."""
    return {id(M): M @ X.mT for M in {id(h.M): h.M for h in heads}.values()}


def accumulate(X: Any, Y: Any, heads: Sequence[AccumulatorHead], scale: Any, keys: dict[int, Any]) -> Any:
    """One layer on the accumulator rows: Y + scale * sum_h (U_h Y) (M_h X^T) E_h X, from right to left in n p^2 order.

    X : (p, N) feature rows; Y : (K, N) accumulator rows; `keys` as from `masked_keys`.
    """
    total = None
    for h in heads:
        met = (h.U @ Y) @ keys[id(h.M)] @ h.E
        total = met if total is None else total + met
    return Y if total is None else (Y + (total @ X) * scale).lowest_terms()


def iterate(X: Any, Y: Any, layers: Iterable[Sequence[AccumulatorHead]], scale: Any) -> Iterator[Any]:
    """The accumulator rows after each layer; the feature rows X are those of the prompt throughout.

    It is `accumulate` with the brackets moved, as exact arithmetic allows: the rows are Y + change X, so that
    Y_l (M X^T) = Y (M X^T) + change (X M X^T), where both products with M X^T are the same at every layer.
    """
    products: dict[int, Any] = {}
    alive: list[Any] = []  # a mask is looked up by identity, so it must stay alive as long as its products
    change = None
    for heads in layers:
        fresh = [h for h in heads if id(h.M) not in products]
        alive.extend(h.M for h in fresh)
        products.update((mask, (Y @ keys, X @ keys)) for mask, keys in masked_keys(X, fresh).items())
        total = None
        for h in heads:
            start, gram = products[id(h.M)]
            met = h.U @ (start if change is None else start + change @ gram) @ h.E
            total = met if total is None else total + met
        if total is not None:
            change = (total * scale if change is None else change + total * scale).lowest_terms()
        yield Y if change is None else Y + change @ X
