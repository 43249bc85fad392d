"""LSTD by Newton-Schulz: layers iterate V towards the inverse of (1/n) sum phi (phi - gamma phi')^T; then q^T V b."""

from fractions import Fraction

from layerproof import Head, OwnConstruction

ITERATIONS = 3
"""Layers that iterate V <- 2 V - V G V; one more layer multiplies by b."""


def rows(d):
    """phi, gamma phi', T = V phi, and the reward."""
    return [f"{name}[{i + 1}]" for name in ("phi", "gamma_phi_next", "T") for i in range(d)] + ["reward"]


def columns(d, n):
    """n transitions, d scratch tokens, the query."""
    return [f"token {j + 1}" for j in range(n)] + [f"scratch {i + 1}" for i in range(d)] + ["query"]


def prompt(context, p):
    """(phi_j, gamma phi'_j, V_0 phi_j, R_j), scratch tokens (e_i, 0, V_0 e_i, 0) and the query (q, 0, V_0 q, 0)."""
    d = context.d

    def token(phi, following, reward):
        return [*phi, *following, *(p.start * x for x in phi), reward]

    tokens = [
        token(context.features[j], [p.gamma * x for x in context.next_features[j]], context.rewards[j])
        for j in range(context.n)
    ]
    scratch = [token([int(k == i) for k in range(d)], [0] * d, 0) for i in range(d)]
    query = [token(context.query, [0] * d, 0)]
    return [list(row) for row in zip(*tokens, *scratch, *query, strict=True)]


def heads(d, n, p, layer):
    """T += T, by the scratch tokens, and T -= V (1/n) sum phi (phi - gamma phi')^T T; at last reward += (V b)^T phi."""
    m, N = 3 * d + 1, n + d + 1
    phi, following, T, reward = 0, d, 2 * d, 3 * d
    context = [[int(i == j and i < n) for j in range(N)] for i in range(N)]
    scratch = [[int(i == j and n <= i < n + d) for j in range(N)] for i in range(N)]

    def block(entries):
        matrix = [[0] * m for _ in range(m)]
        for (i, j), x in entries.items():
            for k in range(d if j != reward else 1):
                matrix[i + k][j + k] = x
        return matrix

    if layer < ITERATIONS:
        double = Head(None, block({(T, phi): 1}), block({(phi, T): n}), scratch)
        correct = Head(None, block({(T, T): -1}), block({(phi, T): 1, (following, T): -1}), context)
        return [double, correct]
    read = [[int(i == j == reward) for j in range(m)] for i in range(m)]
    return [Head(None, read, block({(T, phi): 1}), context)]


def reference(context, p):
    """V <- 2 V - V G V and, after the last layer, q^T V b, in plain matrices."""
    d, n = context.d, context.n
    span = range(d)
    G = [
        [
            sum(
                (
                    phi[i] * (phi[j] - p.gamma * after[j])
                    for phi, after in zip(context.features, context.next_features, strict=True)
                ),
                Fraction(0),
            )
            / n
            for j in span
        ]
        for i in span
    ]
    b = [sum((context.features[j][i] * context.rewards[j] for j in range(n)), Fraction(0)) / n for i in span]

    def product(A, B):
        return [[sum((A[i][k] * B[k][j] for k in span), Fraction(0)) for j in span] for i in span]

    def apply(A, x):
        return [sum((A[i][k] * x[k] for k in span), Fraction(0)) for i in span]

    V = [[p.start * (i == j) for j in span] for i in span]
    for _ in range(ITERATIONS):
        VGV = product(product(V, G), V)
        V = [[2 * V[i][j] - VGV[i][j] for j in span] for i in span]
        wanted = {}
        for j in range(n):
            wanted |= {(f"T[{i + 1}]", f"token {j + 1}"): x for i, x in enumerate(apply(V, context.features[j]))}
        wanted |= {(f"T[{i + 1}]", "query"): x for i, x in enumerate(apply(V, context.query))}
        yield wanted
    yield {("reward", "query"): sum((x * y for x, y in zip(context.query, apply(V, b), strict=True)), Fraction(0))}


CONSTRUCTION = OwnConstruction(
    name="my-newton-schulz-lstd",
    title="LSTD by Newton-Schulz",
    source="Schulz 1933; Bradtke and Barto 1996",
    rows=rows,
    columns=columns,
    prompt=prompt,
    heads=heads,
    reference=reference,
    parameters={"start": "1/2"},
    layers=ITERATIONS + 1,
)
