"""Ridge TD(0): the weights of plain TD(0), and d more context tokens that pull the weights towards zero."""

from fractions import Fraction

from layerproof import Head, OwnConstruction


def rows(d):
    """phi, gamma phi', and the TD errors."""
    return [f"phi[{i + 1}]" for i in range(d)] + [f"gamma_phi_next[{i + 1}]" for i in range(d)] + ["td_error"]


def columns(d, n):
    """n transitions, d ridge tokens, the query."""
    return [f"token {j + 1}" for j in range(n)] + [f"ridge {i + 1}" for i in range(d)] + ["query"]


def prompt(context, p):
    """(phi_j, gamma phi'_j, R_j), then (kappa e_i, 0, 0), then (q, 0, 0)."""
    d, n = context.d, context.n
    tokens = [
        [*context.features[j], *(p.gamma * x for x in context.next_features[j]), context.rewards[j]] for j in range(n)
    ]
    ridge = [[p.kappa * (k == i) for k in range(d)] + [0] * (d + 1) for i in range(d)]
    query = [[*context.query, *[0] * (d + 1)]]
    return [list(row) for row in zip(*tokens, *ridge, *query, strict=True)]


def heads(d, n, p, layer):
    """TD(0)'s own head with C = I/2; its mask lets the ridge tokens in."""
    m, N = 2 * d + 1, n + d + 1
    half = Fraction(1, 2)
    P = [[int(i == j == m - 1) for j in range(m)] for i in range(m)]
    Q = [[half * ((j == i + d) - (j == i)) if i < d else 0 for j in range(m)] for i in range(m)]
    M = [[int(i == j and i < N - 1) for j in range(N)] for i in range(N)]
    return [Head(None, P, Q, M)]


def reference(context, p):
    """w <- w + (1/n) C (sum_j delta_j phi_j - kappa^2 w), C = I/2: every TD error, and -w.q, after each layer."""
    d, n = context.d, context.n
    w = [Fraction(0)] * d

    def dot(x, y):
        return sum((a * b for a, b in zip(x, y, strict=True)), Fraction(0))

    def delta(j):
        return context.rewards[j] + p.gamma * dot(w, context.next_features[j]) - dot(w, context.features[j])

    while True:
        gain = [-p.kappa * p.kappa * x for x in w]
        for j in range(n):
            error = delta(j)
            gain = [g + error * x for g, x in zip(gain, context.features[j], strict=True)]
        w = [x + g / (2 * n) for x, g in zip(w, gain, strict=True)]
        wanted = {("td_error", f"token {j + 1}"): delta(j) for j in range(n)}
        wanted["td_error", "query"] = -dot(w, context.query)
        yield wanted


CONSTRUCTION = OwnConstruction(
    name="my-ridge-td",
    title="Ridge TD(0)",
    source="regularised TD; the ridge tokens are an idea of data augmentation",
    rows=rows,
    columns=columns,
    prompt=prompt,
    heads=heads,
    reference=reference,
    parameters={"kappa": "2/3"},
)
