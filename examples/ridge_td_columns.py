"""Ridge TD(0) with any matrix C, derived: d further context columns (c e_i; 0; 0) pull the weights towards zero."""

from layerproof import Accumulator, Algorithm, FeatureBlock


def update(weights, preconditioners, sweep, p):
    """w <- w + (1/n) C (sum_j delta_j phi_j - c^2 w), over the n - d transitions j; kappa = c^2 is the ridge."""
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return (w + C @ (sweep.total - p.c * p.c * w) / sweep.n,)


ALGORITHM = Algorithm(
    name="my-ridge-td-columns",
    title="Ridge TD(0) by context columns",
    source="regularised TD; the ridge as d rows of data is Hoerl and Kennard 1970's augmented least squares",
    features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\phi_j"),
        FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\gamma \phi'_j"),
    ),
    accumulators=(
        Accumulator(
            "td_error",
            lambda weights, x, p: x.reward + weights[0] @ x.gamma_phi_next - weights[0] @ x.phi,
            meaning=r"R_j + \gamma w^\top \phi'_j - w^\top \phi_j",
        ),
    ),
    # The last d of the n columns: c e_i where a transition has phi, zeros where it has phi' and its reward.
    unit_columns={"phi": "c"},
    parameters=("gamma", "c"),
    defaults={"c": "2/3"},
    update=update,
)
