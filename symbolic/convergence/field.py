"""Is the field w -> (T - I) w + c a gradient, in some constant positive definite metric?

It is -H^-1 grad f for some H > 0 and f iff M = I - T is diagonalisable with real eigenvalues: H M must be symmetric,
and then M is similar to the symmetric H^1/2 M H^-1/2; conversely H = sum_i P_i^T P_i over the spectral projections.
Then f(w) = w^T H M w / 2 - w^T H c.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mat, fmpq_poly

from .lyapunov import positive_definite
from .rationals import identity, integer_polynomial
from .sturm import positive_roots, real_roots, squarefree


@dataclass(frozen=True, eq=False)
class Potential:
    """Whether the field has a potential, whose gradient it is, and why.

    metric : H, exhibited where it is;  hessian : H M, of the loss;  slope : H c, so that f(w) = w^T HM w / 2 - w^T Hc
    roots  : the eigenvalues of M that are not real, about; empty where all are
    """

    gradient: bool
    why: str
    metric: fmpq_mat | None = None
    hessian: fmpq_mat | None = None
    slope: fmpq_mat | None = None
    roots: tuple[complex, ...] = ()


def field(T: fmpq_mat, c: fmpq_mat, metrics: Iterable[fmpq_mat] = ()) -> Potential:
    """Decide it exactly, and exhibit a metric and a loss where there is one.

    metrics : some to try first, before one is constructed
    """
    M = identity(T.nrows()) - T
    m = M.minpoly()
    why, roots = not_real(m)
    if why:
        return Potential(False, f"I - T {why}", roots=roots)
    for H in (*metrics, identity(T.nrows())):
        if serves(H, M):
            return Potential(True, "I - T is diagonalisable with real eigenvalues", H, H * M, H * c)
    H = spectral_metric(M, m)
    if not serves(H, M):
        raise AssertionError("the metric that was constructed does not make the field a gradient")
    return Potential(True, "I - T is diagonalisable with real eigenvalues", H, H * M, H * c)


def not_real(m: fmpq_poly) -> tuple[str, tuple[complex, ...]]:
    """Why no matrix with this minimal polynomial is diagonalisable with real eigenvalues, and those that are not real.

    Empty where it is.
    """
    if squarefree(m).degree() < m.degree():
        return "is not diagonalisable: an eigenvalue is defective", ()
    count = m.degree() - real_roots(m)
    if not count:
        return "", ()
    roots = tuple(complex(x) for x, _ in integer_polynomial(m).complex_roots() if x.imag != 0)
    return f"has {count} eigenvalues that are not real", roots


def no_common_metric(matrices: Sequence[fmpq_mat]) -> str:
    """Why no constant metric H > 0 makes H J symmetric for every J, in words; empty where nothing speaks against it.

    Each J would be diagonalisable with real eigenvalues.  Each [J, K] would be skew in the metric, so that its square
    is diagonalisable with real eigenvalues, none above 0.
    """
    for k, J in enumerate(matrices):
        why, roots = not_real(J.minpoly())
        if why:
            return f"its Jacobian at point {k} {why}{_about(roots)}"
    for i, J in enumerate(matrices):
        for k, K in enumerate(matrices[:i]):
            turn = J * K - K * J
            m = (turn * turn).minpoly()
            why, roots = not_real(m)
            if not why and positive_roots(m):
                why = "has a positive eigenvalue"
            if why:
                return f"the square of the commutator of its Jacobians at points {k} and {i} {why}{_about(roots)}"
    return ""


def _about(roots: Sequence[complex]) -> str:
    if not roots:
        return ""
    root = max(roots, key=lambda z: abs(z.imag))
    return f", {root.real:.4g} +- {abs(root.imag):.4g}i among them"


def serves(H: fmpq_mat, M: fmpq_mat) -> bool:
    """Whether H is a metric in which w -> -M w + c is a gradient: H > 0 and H M symmetric."""
    product = H * M
    return product == product.transpose() and positive_definite(H)


def spectral_metric(M: fmpq_mat, m: fmpq_poly) -> fmpq_mat:
    """sum_i P_i^T P_i over the projections on M's eigenspaces, rational since it is symmetric in the eigenvalues.

    m : the minimal polynomial of M, without multiple roots
    P_i = sum_a M^a C_a(mu_i) / m'(mu_i) with C_a(x) = sum_{j > a} m_j x^(j - 1 - a); sums over the mu_i are traces.
    """
    k = m.degree()
    C = [fmpq_poly(m.coeffs()[a + 1 :]) for a in range(k)]
    inverse = _inverse(m.derivative(), m)
    square = inverse * inverse % m
    traces = _power_sums(m, 2 * k)
    powers = [identity(M.nrows())]
    for _ in range(k - 1):
        powers.append(powers[-1] * M)
    total = 0 * powers[0]
    for a in range(k):
        inner = 0 * powers[0]
        for b in range(k):
            value = C[a] * C[b] % m * square % m
            inner = inner + powers[b] * sum((x * traces[i] for i, x in enumerate(value.coeffs())), fmpq(0))
        total = total + powers[a].transpose() * inner
    return total * (1 / max(abs(x) for x in total.entries()))


def _inverse(p: fmpq_poly, m: fmpq_poly) -> fmpq_poly:
    _, s, _ = p.xgcd(m)
    return s % m


def _power_sums(m: fmpq_poly, count: int) -> list[fmpq]:
    """sum_i mu_i^j for j = 0, ..., by Newton's identities; m monic."""
    k = m.degree()
    sums = [fmpq(k)]
    for j in range(1, count):
        total = -sum((m[k - i] * sums[j - i] for i in range(1, min(j, k + 1)) if i <= k), fmpq(0))
        if j <= k:
            total -= j * m[k - j]
        sums.append(total)
    return sums


def half_mean_square(vectors: list[list[Fraction]], targets: list[Fraction]) -> tuple[fmpq_mat, fmpq_mat]:
    """Hessian and slope of (1/2n) sum_j (y_j - w.u_j)^2."""
    n, d = len(vectors), len(vectors[0])
    U = fmpq_mat(n, d, [fmpq(x.numerator, x.denominator) for v in vectors for x in v])
    y = fmpq_mat(n, 1, [fmpq(x.numerator, x.denominator) for x in targets])
    return U.transpose() * U * fmpq(1, n), U.transpose() * y * fmpq(1, n)
