"""Can training's semi-gradient be a gradient? Its Jacobian at points, which can only refute it.

The outer update u(theta) = E[delta grad f] is not affine in the weights, so no single matrix decides.  Were it -H^-1
times the gradient of something, H J(theta) would be symmetric at every theta, for one H > 0: a point, or two, can rule
that out, and no number of points can show it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...numeric.data.draws import process_for
from ...numeric.data.prompts import trajectory_context, with_extras
from ...symbolic.algorithm import Algorithm
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.convergence.field import no_common_metric
from ...symbolic.errors import WorkLimitError
from ...symbolic.invariance.jacobian import jacobian
from ...symbolic.invariance.own_weights import own_construction, own_point
from ...symbolic.invariance.samples import Outer, Trajectory
from ...symbolic.invariance.weights import Point, WeightSpace
from ..case import Progress, silent
from .answer import discount
from .question import DEFAULT_PROCESS, Question

FEATURES, CONTEXT = 1, 2
"""d and n of the network whose training is looked at: it has one layer."""
TRAJECTORIES, POINTS = 3, 3
"""How many trajectories the update is the mean over, and at how many points its Jacobian is taken."""
MOST_ENTRIES = 100


@dataclass(frozen=True)
class OuterField:
    """What was found about the outer update of one small network.

    refuted : why it is a gradient in no constant metric; empty where the points do not refute that
    entries : the trained entries;  symmetric : whether every Jacobian is symmetric, as a gradient's is in H = I
    """

    algorithm: str
    kind: str
    process: str
    entries: int
    symmetric: bool
    refuted: str

    @property
    def words(self) -> str:
        """One sentence."""
        where = f"of a network with d = {FEATURES}, n = {CONTEXT} and one layer, over {TRAJECTORIES} trajectories"
        if self.refuted:
            return f"the outer {self.kind} {where} is no gradient in any constant metric: {self.refuted}"
        return f"the outer {self.kind} {where}: {POINTS} points do not refute that it is a gradient, and cannot show it"

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "answer": "not a gradient" if self.refuted else "not refuted", "why": self.refuted or self.words,
            "outer": self.kind, "process": self.process, "features": FEATURES, "context": CONTEXT, "layers": 1,
            "trained_entries": self.entries, "trajectories": TRAJECTORIES, "points": POINTS,
            "symmetric": self.symmetric,
        }  # fmt: skip


def outer_field(
    algorithm: Algorithm, question: Question, kind: str = "semi-gradient", progress: Progress = silent
) -> OuterField:
    """Take the Jacobian at the algorithm's own weights with C = I (point 0), and at random ones.

    Raises `WorkLimitError` for too many trained entries.
    """
    values = algorithm.values({"gamma": question.gamma, "lam": question.lam, **question.values})
    options = algorithm.choose({"trace": question.trace} if question.trace is not None else None)
    own = own_construction(algorithm, options, FEATURES, CONTEXT, 1, values, looped=True)
    space, process = WeightSpace.of(algorithm, own), question.process or DEFAULT_PROCESS
    if space.size > MOST_ENTRIES:
        raise WorkLimitError(
            f"a layer of {algorithm.name} has {space.size} trained entries; the limit is {MOST_ENTRIES}"
        )
    gamma = discount(algorithm, values)
    outer = Outer(kind=kind, discount=Fraction(1) if gamma is None else gamma)
    samples = [_trajectory(space, process, question.seed + k) for k in range(TRAJECTORIES)]
    rng = random.Random(f"layerproof outer field {question.seed}")
    points: list[Point] = [own_point(own)]
    points += [tuple(Fraction(rng.randint(-8, 8), 8) for _ in range(space.size)) for _ in range(POINTS - 1)]
    jacobians = []
    for k, point in enumerate(points):
        progress(f"{algorithm.name}: the outer update's Jacobian at point {k + 1} of {POINTS}")
        jacobians.append(jacobian(space, point, samples, outer))
    symmetric = all(J.transpose() == J for J in jacobians)
    return OuterField(algorithm.name, kind, process, space.size, symmetric, no_common_metric(jacobians))


def _trajectory(space: WeightSpace, process: str, seed: int) -> Trajectory:
    """n + 3 states of one trajectory of the process and the rewards between them, as numbers of the rationals."""
    n, d, number = space.layout.n, space.layout.d, RATIONALS.number
    walk = trajectory_context(process_for(process, d, seed), n + 2, seed)
    carried = dict(with_extras(walk, space.algorithm.extras, seed).extras)
    extras = tuple(
        (name, is_vector, tuple(tuple(map(number, x)) if is_vector else number(x) for x in carried[name][: n + 1]))
        for name, is_vector in space.algorithm.extras
    )
    features = tuple(tuple(map(number, f)) for f in (*walk.features, walk.next_features[-1]))
    return Trajectory(features, tuple(map(number, walk.rewards)), extras)
