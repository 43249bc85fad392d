"""Whether the expected outer update leaves a set, by sampling: random processes and features, one joint test.

The unit is one random Markov reward process with its features; its update is the mean over its trajectories.  Units
are independent, so Hotelling's T^2 tests all off-set coordinates at once:
T^2 = N mean^T S^-1 mean, and (N - p) / (p (N - 1)) T^2 has the F(p, N - p) distribution where the expected off-set
part is zero, as N grows, or for any N where units are normal.  A test that does not reject is no proof: `power` says
what it would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import torch
from torch import Tensor

from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.invariance.samples import Outer
from ...symbolic.invariance.sets import WeightSet
from ...symbolic.plain_text import shown
from .outer_update import FloatTrajectories, flat, outer_update

LAWS = {
    "symmetric": "independent random signs times independent magnitudes: moved by signed permutations into itself",
    "reward-is-feature": "the symmetric features, but the reward is the first feature of the state that is left",
    "fixed-process": "one process with one choice of features: only the trajectory is random",
    "mean": "the symmetric features plus the same non-zero mean in every coordinate: permutations remain, signs do not",
}
"""The laws of a unit; the symmetric one keeps the commutant of signed permutations, the others are planted faults."""
STATES = 3
MEAN = 1.5
"""The mean of every coordinate under the law of that name; magnitudes are uniform in [1/2, 3/2]."""
FLAT = 1e-10
"""A direction in which all units together have less than this share of the largest singular value counts as zero."""


@dataclass(frozen=True)
class JointTest:
    """One joint test that the expected update has no part outside a set.

    units         N processes, each with `trajectories` of its own
    coordinates   p, the off-set directions in which units have any part at all
    silent        the off-set directions in which every unit's update is zero (up to rounding): they are left out
    statistic     T^2, and p_value its upper tail under F(p, N - p)
    rejected      whether p_value < level
    power         the probability to reject at this level where the expected off-set part is `effect` standard
                  deviations long (Mahalanobis distance of one unit), for normal units
    largest       the largest entry of the units' mean off-set part, in absolute value
    """

    law: str
    set: str
    seed: int
    units: int
    trajectories: int
    coordinates: int
    silent: int
    statistic: float
    p_value: float
    level: float
    rejected: bool
    effect: float
    power: float
    largest: float


def draw(law: str, d: int, n: int, units: int, trajectories: int, seed: int) -> FloatTrajectories:
    """Trajectories of random processes: features (units * trajectories, n+3, d), a unit's own next to each other.

    Transition rows are normalised exponentials, rewards uniform in [-1, 1]; both belong to states, as features do.
    """
    if law not in LAWS:
        raise ArgumentError(f"law is {shown(law)}, wanted one of {', '.join(LAWS)}")
    rng = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng, dtype=torch.float64)

    processes = 1 if law == "fixed-process" else units
    rates = -torch.log1p(-uniform(processes, STATES, STATES))
    reward = 2 * uniform(processes, STATES) - 1
    signs = 2 * (uniform(processes, STATES, d) < 0.5).double() - 1
    phi = signs * (uniform(processes, STATES, d) + 0.5)
    if law == "mean":
        phi = phi + MEAN
    if law == "reward-is-feature":
        reward = phi[..., 0]
    rows = (rates / rates.sum(-1, keepdim=True)).cumsum(-1)
    owner = torch.arange(units * trajectories) // trajectories
    owner = owner if processes > 1 else torch.zeros_like(owner)
    state = (uniform(len(owner)) * STATES).long()
    path = [state]
    for _ in range(n + 2):
        # The last entry of a cumulative row may fall short of 1 by rounding: the others decide.
        state = (uniform(len(owner), 1) >= rows[owner, state, :-1]).sum(-1)
        path.append(state)
    visited = torch.stack(path, dim=1)
    place = owner.unsqueeze(-1)
    return FloatTrajectories(phi[place, visited], reward[place, visited[:, :-1]])


def off_set_basis(whole: WeightSet, live: Tensor) -> Tensor:
    """An orthonormal basis (size, r) of the part outside a set's directions of what the live entries can show.

    live : (size,), whether an entry is ever non-zero.  Frozen entries count as outside: they must not move.
    """
    size = whole.space.size
    along = torch.zeros(size, whole.dimension, dtype=torch.float64)
    for column, direction in enumerate(whole.directions):
        for k, x in direction.items():
            along[k, column] = float(x)
    inside = torch.linalg.qr(along).Q
    seen = torch.eye(size, dtype=torch.float64)[:, live]
    left, sizes, _ = torch.linalg.svd(seen - inside @ inside[live].T, full_matrices=False)
    basis: Tensor = left[:, sizes > FLAT]
    return basis


def joint_test(
    point: Sequence[Any],
    outer: Outer,
    whole: WeightSet,
    law: str = "symmetric",
    units: int = 2000,
    trajectories: int = 4,
    seed: int = 0,
    level: float = 1e-3,
    effect: float = 0.25,
) -> JointTest:
    """Sample the update at a point of a set and test all off-set coordinates at once.

    Raises `ArgumentError` for an unknown law, or when units are no more than the off-set coordinates.
    """
    space = whole.space
    whole_number("units", units, 2)
    whole_number("trajectories", trajectories, 1)
    whole_number("seed", seed, 0)
    if not 0 < level < 1 or effect < 0:
        raise ArgumentError(f"level is {level} and effect {effect}, wanted a level in (0, 1), an effect from 0 on")
    samples = draw(law, space.layout.d, space.layout.n, units, trajectories, seed)
    each = outer_update(space, flat(point), samples, outer).updates
    update = each.reshape(units, trajectories, -1).mean(dim=1)
    basis = off_set_basis(whole, (update != 0).any(dim=0))
    parts = update @ basis
    largest = float((basis @ parts.mean(dim=0)).abs().max())
    # Relations that hold for every update, such as that of the scales of P and Q, leave directions without any part.
    _, sizes, axes = torch.linalg.svd(parts, full_matrices=False)
    axes = axes[sizes > FLAT * float(torch.linalg.norm(update))]
    p, silent = len(axes), space.size - whole.dimension - len(axes)
    if units <= p:
        raise ArgumentError(f"units is {units}, but there are {p} off-set coordinates: give more units")
    statistic = hotelling(parts @ axes.T) if p else 0.0
    p_value = f_tail((units - p) / (p * (units - 1)) * statistic, p, units - p) if p else 1.0
    power = f_power(p, units - p, level, units * effect**2) if p else level
    return JointTest(
        law, whole.name, seed, units, trajectories, p, silent, statistic, p_value, level, p_value < level,
        effect, power, largest,
    )  # fmt: skip


def hotelling(parts: Tensor) -> float:
    """T^2 = N mean^T S^-1 mean, S the sample covariance; infinite where units agree on something that is not zero.

    parts : (N, p)
    """
    mean = parts.mean(dim=0)
    factor, failed = torch.linalg.cholesky_ex((parts - mean).T @ (parts - mean) / (len(parts) - 1))
    if int(failed):
        return float("inf")
    return float(len(parts) * torch.linalg.solve_triangular(factor, mean.unsqueeze(-1), upper=False).square().sum())


def f_tail(statistic: float, above: int, below: int) -> float:
    """The probability that F(above, below) exceeds a number.

    >>> round(f_tail(4.9646, 1, 10), 4)
    0.05
    """
    if statistic == float("inf"):
        return 0.0
    with mpmath.workdps(30):
        return float(_beta(below, above, below / (below + above * mpmath.mpf(statistic))))


def _beta(a: int, b: int, x: Any) -> Any:
    """The regularised incomplete beta function I_x(a/2, b/2)."""
    return mpmath.betainc(mpmath.mpf(a) / 2, mpmath.mpf(b) / 2, 0, x, regularized=True)


def f_power(above: int, below: int, level: float, noncentrality: float) -> float:
    """The probability that noncentral F exceeds the level's critical value: a Poisson mixture of beta tails.

    >>> round(f_power(1, 10, 0.05, 0.0), 6)
    0.05
    """
    with mpmath.workdps(30):
        low, high = mpmath.mpf(0), mpmath.mpf(1)
        for _ in range(80):  # the point y of below / (below + above F) with I_y = level
            middle = (low + high) / 2
            low, high = (middle, high) if _beta(below, above, middle) < level else (low, middle)
        half, total, term = mpmath.mpf(noncentrality) / 2, mpmath.mpf(0), mpmath.mpf(1)
        # Terms are Poisson(half); past its mean they fall off, and the rest is less than 1e-12.
        term, j, left = mpmath.exp(-half), 0, mpmath.mpf(1)
        while left > 1e-12:
            if term > 1e-14:
                total += term * _beta(below, above + 2 * j, low)
            left -= term
            j += 1
            term = term * half / j
        return float(total)
