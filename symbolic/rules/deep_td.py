"""Deep TD: the outer, training-time iteration on the weights theta of a transformer v(context, s; theta)."""

from ..approximation.rule import OuterRule

RULE = OuterRule(
    name="deep-td",
    title="Deep TD",
    source="Wang, Blaser, Daneshmand, Zhang, arXiv 2405.13861, section 5; the talk's training iteration",
    update="theta <- theta + alpha_k (R_{k+1} + gamma v(S_{k+1}; theta) - v(S_k; theta)) grad v(S_k; theta)",
    notes="Y is a window of consecutive states, a finite chain, and h is a polynomial in theta: of degree 3 at L = 1 "
    "and 15 at L = 2, which no condition of the theorems allows.",
)
