"""What differs from layer to layer: given heads with numbers of it and masks that ask for its token, and divisors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from own_algorithms import derived, own

from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.attention import Head
from layerproof.symbolic.derivation.derive import Derivation


def stepping(factor: Callable[[Any], Any]) -> Callable[..., Any]:
    """TD(1) times a factor made of the step."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        C, a = preconditioners
        sweep.e, sweep.total = 0 * w, 0 * w
        for t in sweep:
            sweep.e = sweep.e + t.phi
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * sweep.e
        return (w + factor(a) * (C @ sweep.total) / sweep.n,)

    return update


def tabled(
    name: str = "tabled",
    table: Any = "2 * l / (2 * l - 1)",
    below: Callable[[Any], Any] = lambda at: 2 * at + 1,
    factor: Callable[[Any], Any] = lambda a: a,
) -> Algorithm:
    """TD(1) with a step whose table its heads know: 1, of a W and a P that differ, and of a mask 1 / (2 layer + 1)."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        Q = layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "next"): step.C.mT})
        W = layout.matrix({("td_error", "td_error"): layer + 2, ("phi", "phi"): 1})
        P = (layout.matrix({("td_error", "td_error"): c}) for c in (Fraction(1) / (layer + 2), 1))
        first = layout.mask(lambda i, j: int(i >= j))
        second = layout.mask(lambda i, j: int(i >= j) * (Fraction(1) / below(layer)))
        return [Head(W, next(P), Q, first), Head(None, next(P), Q, second)]

    return own(
        name=name, update=stepping(factor), preconditioners=("C", "a"), scalar_preconditioners=("a",),
        tables={"a": table}, heads=heads,
    )  # fmt: skip


def online(name: str = "online", key: bool = False) -> Algorithm:
    """Online TD(lambda) with a head that asks for the layer's token; key : among keys, not among values."""

    def heads(layout: Any, step: Any, p: Any, layer: int) -> list[Head]:
        decay = p.gamma * p.lam
        mask = layout.mask(lambda i, j: decay ** (i - j) if j <= i and (j if key else i) == layer + 1 else 0)
        Q = layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "gamma_phi_next"): step.C.mT})
        return [Head(None, layout.matrix({("td_error", "td_error"): layout.n}), Q, mask)]

    return replace(find("online-td-lambda"), name=name, heads=heads)


def weighed(factor: Callable[[Any, Any], Any], name: str = "weighed") -> Derivation:
    """TD(0), derived, where each TD error is weighed by this of what the layer reads and of beta."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + factor(t.now, p.beta) * delta * t.phi
        return (w + preconditioners[0] @ sweep.total / sweep.n,)

    return derived(name=name, update=update, parameters=("gamma", "beta"), selections={"now": "j = l"})
