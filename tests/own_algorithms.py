"""An algorithm of a user's own as an object, changed field by field: TD(0) under other names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.derivation.derive import Derivation, derive


def td_lambda(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
    """TD(lambda), whose trace decays by lambda alone."""
    (w,) = weights
    sweep.e, sweep.total = 0 * w, 0 * w
    for t in sweep:
        sweep.e = p.lam * sweep.e + t.phi
        sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * sweep.e
    return (w + preconditioners[0] @ sweep.total / sweep.n,)


def own(**changes: Any) -> Algorithm:
    """TD(0) with names of the user's, and with these fields changed."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
        return (w + preconditioners[0] @ sweep.total / sweep.n,)

    record = Algorithm(
        name="mine", title="mine", source="here", update=update, parameters=("gamma",),
        features=(FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q),
                  FeatureBlock("next", lambda t, p: p.gamma * t.phi_next)),
        accumulators=(Accumulator("td_error", lambda w, x, p: x.reward + w[0] @ x.next - w[0] @ x.phi),),
    )  # fmt: skip
    return replace(record, **changes)


def undiscounted(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
    """The residual gradient with phi' where the rows hold gamma phi': the weights divide by gamma."""
    (w,) = weights
    sweep.total = 0 * w
    for t in sweep:
        sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * (t.phi - t.phi_next)
    return (w + preconditioners[0] @ sweep.total / sweep.n,)


def derived(**changes: Any) -> Derivation:
    """Its derivation."""
    return derive(own(**changes))
