"""Does the iteration converge: from w_0, from every start, and in its prediction; each decided over the rationals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from sys import float_info
from typing import Any

from flint import fmpq, fmpq_mat, fmpq_poly

from .balls import balls_inside, largest_root
from .disc import closed, inside
from .iteration import Iteration, still
from .krylov import applied, changes, minimal_polynomial, recurrence, summed
from .rationals import identity, matrix


@dataclass(frozen=True, eq=False)
class Decision:
    """An answer, what decided it, and what ball arithmetic said of the same polynomial (None: it could not tell)."""

    converges: bool
    why: str
    polynomial: fmpq_poly
    balls: bool | None = None


@dataclass(frozen=True, eq=False)
class Fate:
    """What becomes of one iteration.

    start       : w_l from w_0;  every : w_l from every start, None where layers do not repeat and nothing is known
    prediction  : v_l(q) from w_0;  prediction_every : from every start, not asked of several layers in a period
    differences : the differences of values between the prompt's states, from w_0
    limit       : (N, 1), where `start` converges;  value : the prediction's limit, where `prediction` converges
    drift       : (N, 1), what every step adds in the end where w_l grows linearly and nothing else grows
    """

    iteration: Iteration
    start: Decision
    every: Decision | None
    prediction: Decision
    prediction_every: Decision | None
    differences: Decision | None
    limit: fmpq_mat | None
    value: fmpq | None
    drift: fmpq_mat | None


def decide(it: Iteration, states: Sequence[Sequence[Any]] = ()) -> Fate:
    """Decide everything about an iteration.

    states : feature vectors between which values are compared, each of the length of the first weight vector
    """
    r = it.residual
    m = minimal_polynomial(it.T, r)
    start, drift = from_start(it, m)
    limit = None
    if start.converges:
        limit = it.start + applied(summed(m), it.T, r) if m.degree() else it.start
        start = _same_for_all_phases(it, start, limit)
    prediction, value = _prediction(it, m)
    return Fate(
        it, start, every_start(it), prediction, _prediction_every(it), _differences(it, m, states),
        limit if start.converges else None, value, drift,
    )  # fmt: skip


def from_start(it: Iteration, m: fmpq_poly) -> tuple[Decision, fmpq_mat | None]:
    """Whether w_l converges from w_0, and the drift where it grows linearly; m annihilates its changes."""
    if not m.degree():
        return Decision(True, "w_0 is a fixed point", m, True), None
    known = judged(m)
    if known.converges:
        return known, None
    rest = m // fmpq_poly([-1, 1]) if not m(1) else m
    if rest.degree() < m.degree() and inside(rest):
        drift = applied(rest, it.T, it.residual) / rest(1)
        return Decision(False, "the eigenvalue 1 is excited: in the end every step adds the same vector", m), drift
    return known, None


def judged(m: fmpq_poly) -> Decision:
    """Whether all roots are inside the disc, in words; the answer is compared with ball arithmetic's."""
    exact, balls = inside(m), balls_inside(m)
    if balls is not None and balls is not exact:
        raise AssertionError(f"exact arithmetic says {exact} of {m} inside the disc, ball arithmetic {balls}")
    what = f"{'the' if m.degree() == 1 else f'all {m.degree()}'} eigenvalue{'s' * (m.degree() > 1)} that w_0 excites"
    if exact:
        return Decision(True, f"{what} {'is' if m.degree() == 1 else 'are'} inside the unit disc", m, balls)
    root, size = largest_root(m)
    if closed(m):
        why = f"an eigenvalue of modulus exactly 1 is excited, {_shown(root)}"
    else:
        why = f"an eigenvalue outside the unit disc is excited, {_shown(root)} of modulus {_above(size)}"
    return Decision(False, why, m, balls)


def _above(size: float) -> str:
    """A modulus above 1, which is not rounded to 1."""
    return "just above 1" if _size(size) == "1" else _size(size)


def _size(size: float) -> str:
    return f"{size:.6g}" if isfinite(size) else f"above {float_info.max:.1e}"


def _shown(root: complex) -> str:
    if not isfinite(abs(root)):
        return "one too large for a float"
    if abs(root.imag) < 1e-12 * max(1.0, abs(root)):
        return f"about {root.real:.6g}"
    return f"about {root.real:.6g} {'+' if root.imag > 0 else '-'} {abs(root.imag):.6g}i"


def all_eigenvalues(m: fmpq_poly) -> str:
    """All roots of a characteristic polynomial, as the subject of a sentence."""
    return "the one eigenvalue is" if m.degree() == 1 else f"all {m.degree()} eigenvalues are"


def every_start(it: Iteration) -> Decision:
    """Whether w_l converges from every start.

    That is: each eigenvalue is inside the disc or equal to 1, that one semisimple, and c is in the range of I - T.
    """
    m = it.T.charpoly()
    rest, ones = _without_ones(m)
    if not inside(rest):
        root, size = largest_root(rest)
        return Decision(False, f"an eigenvalue is {_shown(root)}, of modulus {_size(size)}", m)
    if not ones:
        return _common(it, Decision(True, f"{all_eigenvalues(m)} inside the unit disc", m))
    gap = identity(it.size) - it.T
    rank = gap.rank()
    if rank != it.size - ones:
        return Decision(False, f"the eigenvalue 1 is defective: {ones} times, with {it.size - rank} eigenvectors", m)
    both = fmpq_mat(it.size, it.size + 1, [x for a, b in zip(gap.tolist(), it.c.tolist(), strict=True) for x in a + b])
    if both.rank() != rank:
        return Decision(False, "no fixed point: the eigenvalue 1, and c is not in the range of I - T", m)
    return _common(it, Decision(True, f"inside the unit disc but for 1, {ones} times and semisimple: the limit depends "
                                "on the start", m))  # fmt: skip


def _without_ones(p: fmpq_poly) -> tuple[fmpq_poly, int]:
    ones = 0
    while p.degree() > 0 and not p(1):
        p, ones = p // fmpq_poly([-1, 1]), ones + 1
    return p, ones


def _common(it: Iteration, decision: Decision) -> Decision:
    """With several maps in a period: every fixed point of their product must be one of each."""
    if it.period == 1:
        return decision
    gap = identity(it.size) - it.T
    one = fmpq_mat(it.size, it.size + 1, [x for a, b in zip(gap.tolist(), it.c.tolist(), strict=True) for x in a + b])
    for U, e in it.phases:
        rows = zip((identity(it.size) - U).tolist(), e.tolist(), strict=True)
        lines = [x for line in one.tolist() for x in line] + [x for a, b in rows for x in a + b]
        if fmpq_mat(2 * it.size, it.size + 1, lines).rank() != one.rank():
            return Decision(False, f"it ends in a cycle of the {it.period} layers of a period", decision.polynomial)
    return decision


def _same_for_all_phases(it: Iteration, decision: Decision, limit: fmpq_mat) -> Decision:
    if all(U * limit + e == limit for U, e in it.phases):
        return decision
    why = f"it ends in a cycle: the {it.period} layers of a period have no fixed point in common there"
    return Decision(False, why, decision.polynomial)


def functionals(it: Iteration) -> list[tuple[fmpq_mat, fmpq]]:
    """(h, e) for each layer i of a period: the prediction after i more layers is h w + e."""
    U, e = still(it.size)
    result = []
    for T, c in it.phases:
        result.append((it.read * U, (it.read * e)[0, 0] + it.offset))
        U, e = T * U, T * e + c
    return result


def _prediction(it: Iteration, m: fmpq_poly) -> tuple[Decision, fmpq | None]:
    r, limits = it.residual, []
    decided: Decision | None = None
    for h, e in functionals(it):
        s = changes(it.T, r, h, m.degree())
        p = recurrence(m, s) if m.degree() else m
        known = judged(p) if p.degree() else Decision(True, "the prediction never changes", p, True)
        if not known.converges:
            return known, None
        u = summed(p).coeffs() if p.degree() else []
        limits.append((h * it.start)[0, 0] + e + sum((a * b for a, b in zip(u, s, strict=False)), fmpq(0)))
        decided = decided or known
    assert decided is not None
    if any(x != limits[0] for x in limits):
        why = f"it ends in a cycle of {it.period} values"
        return Decision(False, why, decided.polynomial), None
    return decided, limits[0]


def _prediction_every(it: Iteration) -> Decision | None:
    """Whether v_l(q) converges from every start: as `every_start`, on what q can see."""
    if it.period > 1:
        return None
    m = minimal_polynomial(it.T.transpose(), it.read.transpose())
    rest, ones = _without_ones(m)
    if not inside(rest):
        root, size = largest_root(rest)
        return Decision(False, f"q sees an eigenvalue {_shown(root)}, of modulus {_size(size)}", m)
    if ones > 1:
        return Decision(False, "q sees a defective eigenvalue 1", m)
    if ones and _reads_change(it, m):
        return Decision(False, "q sees the eigenvalue 1 and a part of c that is not in the range of I - T", m)
    return Decision(True, "all eigenvalues that q sees are inside the unit disc" + (" but for a simple 1" * ones), m)


def _reads_change(it: Iteration, m: fmpq_poly) -> bool:
    """Whether the part of the prediction at the eigenvalue 1 moves: (m / (x - 1))(T) read off c."""
    seen = applied(m // fmpq_poly([-1, 1]), it.T.transpose(), it.read.transpose())
    return bool((seen.transpose() * it.c)[0, 0])


def _differences(it: Iteration, m: fmpq_poly, states: Sequence[Sequence[Any]]) -> Decision | None:
    """Whether the values of the states converge up to one constant for all of them."""
    if len(states) < 2 or it.period > 1:
        return None
    if not m.degree() or inside(m):
        return Decision(True, "the values of the prompt's states converge", m)
    d = len(states[0])
    lines = [[x - y for x, y in zip(v, states[0], strict=True)] for v in states[1:]]
    reduced, rank = matrix(lines).rref()
    for line in reduced.tolist()[:rank]:
        h = fmpq_mat(1, it.size, [*line, *[0] * (it.size - d)])
        p = recurrence(m, changes(it.T, it.residual, h, m.degree()))
        if p.degree() and not inside(p):
            return Decision(False, judged(p).why, p)
    return Decision(True, "the values of the prompt's states converge up to a constant", m)
