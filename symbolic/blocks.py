"""The row blocks that several algorithms share. A block says what a column holds; it knows no weights."""

from __future__ import annotations

from .algorithm import Accumulator, FeatureBlock

PHI = FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\phi_j")
"""Features of the state, d rows; the query column holds the query's features."""

DISCOUNTED_NEXT = FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\gamma \phi'_j")
"""Discounted features of the next state, d rows; zero in the query column."""

NEXT = FeatureBlock("phi_next", lambda t, p: t.phi_next, meaning=r"\phi'_j")
"""Undiscounted features of the next state, d rows; zero in the query column."""

CONSTANT = FeatureBlock("one", lambda t, p: 1, scalar=True, meaning="1")
"""A constant row: 1 in the context, 0 in the query column."""

TD_ERROR = Accumulator(
    "td_error",
    lambda weights, x, p: x.reward + weights[0] @ x.gamma_phi_next - weights[0] @ x.phi,
    meaning=r"R_j + \gamma w^\top \phi'_j - w^\top \phi_j",
    symbol=r"\delta",
)
"""The TD error of the first weight vector: R_j at w = 0, and -w.q in the query column."""

CORRECTION = Accumulator("correction", lambda weights, x, p: weights[1] @ x.phi, meaning=r"v^\top \phi_j", symbol="u")
"""What the second weight vector v of gradient TD predicts: 0 at v = 0."""
