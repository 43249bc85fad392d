"""Layers that are others each and tend to one, as where a table is a formula in l: what follows, and what does not.

Layer l is w -> T_l w + c_l with T_l -> T and c_l -> c.  Two theorems decide:

- In coordinates of the least affine space that holds w_0 and that every layer maps into itself (all of space, from
  every start), let T there have its eigenvalues inside the unit disc.  Then w_l converges to the fixed point w* of
  w -> T w + c: in some norm |T| <= r < 1, so |T_l| <= r' < 1 from some layer on, and with e_l = (T_l - T) w* + c_l - c,
  which goes to 0, w_{l+1} - w* = T_l (w_l - w*) + e_l.
- Let some weights only average others, m <- m + b_l (x_l - m), where x_l is made from weights that m does not enter,
  with b_l > 0 in the end, b_l -> 0 and sum b_l = oo.  If x_l -> x* then m_l -> x*, since the product of 1 - b_l is 0.

Nothing follows where T has an eigenvalue elsewhere: on the circle, layers that tend to it may do either; outside, what
w_0 excites at one layer another may take back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flint import fmpq, fmpq_mat

from ..tables import Tail
from .decide import Decision, Fate, all_eigenvalues, decide, judged
from .disc import inside
from .iteration import Iteration
from .rationals import identity

Family = Sequence[tuple[fmpq_mat, fmpq_mat]]
"""(T_k, c_k) for k = 0, 1, ...: a layer is w -> sum_k b^k (T_k w + c_k), b being the table's number."""

NOTHING = "of layers that only tend to another nothing follows where that one, repeated, does not converge"


def tends(it: Iteration, family: Family | None, tail: Tail | None) -> Fate | str:
    """What becomes of layers that tend to the one of `it`, or why nothing is decided.

    family : the layers by the number of the one table that changes, and its tail; None where several change
    """
    fate = _averages(it, family, tail) if family is not None and tail is not None else None
    if fate is not None:
        return fate
    every = _every(it)
    if not family:
        if every is None:
            return f"{NOTHING}: {judged(it.T.charpoly()).why}"
        return _settled(it, every, every, _fixed_point(it))
    B = _reached(it, family)
    if not B.ncols():
        return _settled(
            it, Decision(True, "w_0 is a fixed point of every layer", it.T.charpoly(), True), every, it.start
        )
    T, r = _coordinates(B, it.T * B), _coordinates(B, it.residual)
    start = judged(T.charpoly())
    if not start.converges:
        return f"{NOTHING}: {start.why}"
    start = replace(start, why=f"of the layer that they tend to {start.why}")
    return _settled(it, start, every, it.start + B * (identity(T.nrows()) - T).solve(r))


def _settled(it: Iteration, start: Decision, every: Decision | None, limit: fmpq_mat) -> Fate:
    value = (it.read * limit)[0, 0] + it.offset
    prediction = replace(start, why="the weights converge")
    return Fate(it, start, every, prediction, None, None, limit, value, None)


def _every(it: Iteration) -> Decision | None:
    m = it.T.charpoly()
    why = f"of the layer that they tend to {all_eigenvalues(m)} inside the unit disc"
    return Decision(True, why, m) if inside(m) else None


def _fixed_point(it: Iteration) -> fmpq_mat:
    return (identity(it.size) - it.T).solve(it.c)


def _reached(it: Iteration, family: Family) -> fmpq_mat:
    """A basis (N, k) of the least space with every layer's change of w_0 that every layer maps into itself."""
    w0 = it.start
    fresh = [T * w0 + c - (w0 if k == 0 else 0 * w0) for k, (T, c) in enumerate(family)]
    basis: list[fmpq_mat] = []
    while fresh:
        v = fresh.pop(0)
        wider = _beside([*basis, v])
        if wider.rank() > len(basis):
            basis.append(v)
            fresh += [T * v for T, _ in family]
    return _beside(basis) if basis else fmpq_mat(it.size, 0)


def _beside(columns: Sequence[fmpq_mat]) -> fmpq_mat:
    height = columns[0].nrows()
    return fmpq_mat(height, len(columns), [v[i, 0] for i in range(height) for v in columns])


def _coordinates(B: fmpq_mat, V: fmpq_mat) -> fmpq_mat:
    """X with B X = V, the columns of V being in the space that B spans."""
    gram = B.transpose() * B
    return gram.solve(B.transpose() * V)


def _averages(it: Iteration, family: Family, tail: Tail) -> Fate | str | None:
    """What becomes of weights that only average others; None where there are none."""
    if len(family) != 2 or tail.limit != 0:
        return None
    (T0, c0), (T1, c1) = family
    size = it.size
    own = [i for i in range(size) if c1[i, 0] or any(T1[i, j] for j in range(size))]
    others = [i for i in range(size) if i not in own]
    keeps = all(T0[i, j] == int(i == j) for i in own for j in range(size)) and not any(c0[i, 0] for i in own)
    forgets = all(T1[i, j] == -int(i == j) for i in own for j in own)
    if not own or not others or not keeps or not forgets or any(T0[i, j] for i in others for j in own):
        return None
    if tail.decay != 1 or not tail.positive:
        return "its averages move by numbers whose sum is finite, or which are negative: where they stop is not decided"
    T, c, start = _part(T0, others, others), _part(c0, others, [0]), _part(it.start, others, [0])
    inner = decide(Iteration(T, c, start, fmpq_mat(1, len(others)), (("others", len(others)),), ((T, c),)))
    if not inner.start.converges or inner.limit is None:
        return f"what is averaged does not converge ({inner.start.why}), and its averages may or may not"
    averaged = _part(T1, own, others) * inner.limit + _part(c1, own, [0])
    limit = fmpq_mat(size, 1)
    for rows, part in ((others, inner.limit), (own, averaged)):
        for k, i in enumerate(rows):
            limit[i, 0] = part[k, 0]
    known = replace(inner.start, why=f"what is averaged converges: {inner.start.why}")
    whole = inner.every
    every = replace(whole, why=f"what is averaged: {whole.why}") if whole is not None and whole.converges else None
    return _settled(it, known, every, limit)


def _part(M: fmpq_mat, rows: Sequence[int], columns: Sequence[int]) -> fmpq_mat:
    return fmpq_mat(len(rows), len(columns), [M[i, j] for i in rows for j in columns])


def at(family: Family, b: fmpq) -> tuple[fmpq_mat, fmpq_mat]:
    """(T, c) of the layer whose number is b."""
    T, c = family[0]
    power = b
    for U, e in family[1:]:
        T, c, power = T + U * power, c + e * power, power * b
    return T, c
