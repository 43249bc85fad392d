"""Linear attention: heads, and the one definition of a layer, over any arithmetic.

A layer maps Z : (m, N) to Z + (1/n) sum_h W_h P_h Z M_h (Z^T Q_h Z).  Everything that runs a layer exactly or in
floats runs `layer` or `accumulate`, which is the same formula when only the accumulator rows change; `regrouped` is the
former and `iterate` many of the latter with the brackets moved.
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


@dataclass(frozen=True, eq=False)
class TokenwiseHead:
    """A head with feature rows as values and keys and accumulator rows on the query side: it adds (U X M X^T E) Y.

    It is the head with W P = [[0, 0], [U, 0]] and Q = [[0, E], [0, 0]].  U : (K, p); E : (p, K); M : (N, N).
    Over a constant row it is one fixed map of the accumulator rows, the same at every token and for every prompt.
    """

    U: Any
    E: Any
    M: Any


RowHead = AccumulatorHead | TokenwiseHead
"""A head that leaves feature rows as they are, and is linear in the accumulator rows."""


def layer(Z: Any, heads: Sequence[Head], scale: Any) -> Any:
    """One layer, as written in the papers: Z + scale * sum_h W_h P_h Z M_h (Z^T Q_h Z).

    Z : (m, N); scale is 1/n.  Any matrix type with `@`, `+`, `*` and `.mT` will do.  Source: Wang et al. 2025, eq. 3,
    with heads summed through W as in their multi-head section.
    """
    result = Z
    for h in heads:
        result = result + (h.W @ (h.P @ Z @ h.M @ (Z.mT @ h.Q @ Z))) * scale
    return result


def regrouped(Z: Any, heads: Sequence[Head], scale: Any) -> Any:
    """`layer` with the brackets moved: Z + scale * (sum_h W_h P_h (Z M_h Z^T) Q_h) Z, equal to it in exact arithmetic.

    Z : (m, N).  Nothing of N x N is made, and what heads with one mask share is made once.
    """
    pairs = {id(M): Z @ M @ Z.mT for M in {id(h.M): h.M for h in heads}.values()}
    total = None
    for h in heads:
        change = h.W @ h.P @ pairs[id(h.M)] @ h.Q
        total = change if total is None else total + change
    return Z if total is None else Z + (total @ Z) * scale


def masked_keys(X: Any, heads: Sequence[RowHead]) -> dict[int, Any]:
    """M X^T for each mask that occurs: it does not change from layer to layer while X does not."""
    return {id(M): M @ X.mT for M in {id(h.M): h.M for h in heads}.values()}


def accumulate(X: Any, Y: Any, heads: Sequence[RowHead], scale: Any, keys: dict[int, Any]) -> Any:
    """One layer on the accumulator rows: Y + scale * (sum_h (U_h Y) (M_h X^T) E_h X + sum_t (U_t X M_t X^T E_t) Y).

    From right to left in n p^2 order.  X : (p, N) feature rows; Y : (K, N) accumulator rows; `keys` as from
    `masked_keys`.
    """
    total, own = None, None
    for h in heads:
        if isinstance(h, TokenwiseHead):
            own = _plus(own, h.U @ (X @ keys[id(h.M)]) @ h.E)
        else:
            total = _plus(total, (h.U @ Y) @ keys[id(h.M)] @ h.E)
    gained = None if total is None else total @ X
    if own is not None:
        gained = _plus(gained, own @ Y)
    return Y if gained is None else (Y + gained * scale).lowest_terms()


def _plus(total: Any, more: Any) -> Any:
    return more if total is None else total + more


def iterate(X: Any, Y: Any, layers: Iterable[Sequence[RowHead]], scale: Any) -> Iterator[Any]:
    """The accumulator rows after each layer; the feature rows X are those of the prompt throughout.

    It is `accumulate` with the brackets moved, as exact arithmetic allows: the rows are Y + mixed Y + change X, with
    `mixed` (K, K) and `change` (K, p), so that Y_l (M X^T) = (Y + mixed Y) (M X^T) + change (X M X^T), where both
    products with M X^T are the same at every layer.
    """
    products: dict[int, Any] = {}
    alive: list[Any] = []  # a mask is looked up by identity, so it must stay alive as long as its products
    change = mixed = None
    for heads in layers:
        fresh = [h for h in heads if id(h.M) not in products]
        alive.extend(h.M for h in fresh)
        products.update((mask, (Y @ keys, X @ keys)) for mask, keys in masked_keys(X, fresh).items())
        total = own = None
        for h in heads:
            start, gram = products[id(h.M)]
            if isinstance(h, TokenwiseHead):
                own = _plus(own, h.U @ gram @ h.E)
                continue
            if mixed is not None:
                start = start + mixed @ start
            total = _plus(total, h.U @ (start if change is None else start + change @ gram) @ h.E)
        if own is not None:
            if change is not None:
                total = _plus(total, own @ change)
            more = (own if mixed is None else own + own @ mixed) * scale
            mixed = (more if mixed is None else mixed + more).lowest_terms()
        if total is not None:
            change = (total * scale if change is None else change + total * scale).lowest_terms()
        rows = Y if mixed is None else Y + mixed @ Y
        yield rows if change is None else rows + change @ X
