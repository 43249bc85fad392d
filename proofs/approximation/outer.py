"""The outer iterations, on a network's weights: what of the assumptions makes sense for them, and fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from ...symbolic.algorithms import find
from ...symbolic.approximation.rule import OuterRule
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.construction import construct
from ...symbolic.derivation.derive import derive
from ...symbolic.errors import WorkLimitError
from ...symbolic.invariance.samples import Outer, Trajectory
from ...symbolic.invariance.update import sample_update
from ...symbolic.invariance.weights import WeightSpace
from ...symbolic.markov.decision import DecisionProcess, Transition
from ..case import Progress, silent
from ..verdict import Claim
from .growth import steps
from .noise import aperiodic, bounded, irreducible
from .study import Study, number, texts

DEPTHS = (1, 2)
CONTEXT = 2
"""The context length of the transformers that are looked at."""
LARGEST = 6
"""The largest feature dimension for which the outer update is evaluated."""


@dataclass(frozen=True)
class Along:
    """Entry `place` of h(c theta, Y) as a polynomial in c: its degree, and the leading coefficient."""

    depth: int
    place: int
    degree: int
    leading: Fraction


def outer_claims(study: Study, rule: OuterRule, progress: Progress = silent) -> list[Claim]:
    """What is claimed of an outer iteration; `study` is of the rule's name on the process."""
    if rule.not_the_form:
        return [
            study.holds("form", False, rule.not_the_form),
            study.holds(
                "stability", False, "not covered: it is not of the form", answer="not covered", failing=["form"]
            ),
        ]
    if study.process.d > LARGEST:
        raise WorkLimitError(
            f"the process has {study.process.d} features, the limit for {rule.name} is {LARGEST}: use -d"
        )
    window = (
        f"Y = n + 3 consecutive states of the chain, n = {CONTEXT}: finite; theta the entries of P and Q of each layer"
    )
    claims = [study.holds("form", True, window), study.holds("iid", False, "a window and the next one overlap")]
    claims += [irreducible(study), aperiodic(study), bounded(study)]
    one = len(study.chain.closed_classes) == 1
    law = "windows of a chain with one closed class are such a chain" if one else "more than one closed class"
    claims += [study.holds(key, one, law) for key in ("stationary", "lln")]
    claims.append(study.holds("poisson", one, f"for every theta: {law}" if one else law))
    reason = "h(theta, Y) is a polynomial of degree 3 and more in theta, not affine"
    claims += [study.holds(key, False, reason) for key in ("negative-definite", "hurwitz")]
    claims.append(steps(study))
    growths = []
    for depth in DEPTHS:
        progress(f"{rule.name}: h along a ray, L = {depth}")
        growths.append(along_ray(study.process, study.parameters["gamma"], depth))
    grows = "; ".join(
        f"at L = {a.depth}, an entry of h(c theta, Y) is {number(a.leading)} c^{a.degree} and less" for a in growths
    )
    facts = {"degrees": [a.degree for a in growths], "leading": texts([a.leading for a in growths])}
    claims.append(study.holds("lipschitz", False, f"{grows}, exactly, along a ray", **facts))
    powers = " and ".join(f"c^{a.degree - 1} at L = {a.depth}" for a in growths)
    claims.append(study.holds("scaling", False, f"h(c theta, Y)/c grows as {powers}: there is no h_infinity", **facts))
    claims.append(study.skipped("ode-at-infinity", "there is no h_infinity"))
    failing = ["lipschitz", "scaling"]
    claims.append(study.holds("stability", False, f"not covered: {', '.join(failing)} fail", answer="not covered",
                              failing=failing))  # fmt: skip
    return claims


def along_ray(process: DecisionProcess, gamma: Fraction, depth: int) -> Along:
    """The entry of h(c theta_0, Y) that grows fastest, for a theta_0 without pattern and a window of the process.

    Its values at more points than its degree can ask for, a bound by 3^depth layers' worth, are interpolated exactly.
    """
    algorithm = find("td0")
    made = construct(derive(algorithm), process.d, CONTEXT, depth, [([[Fraction(int(i == j)) for j in range(process.d)]
                     for i in range(process.d)],)] * depth, {"gamma": gamma}, False)  # fmt: skip
    space = WeightSpace.of(algorithm, made)
    theta = [Fraction((7 * k * k + 3 * k) % 11 - 4, 2) for k in range(space.size)]
    most = 2 * (3**depth - 1) - 1  # a prediction has degree 3^L - 1, its gradient one less
    points = [Fraction(c) for c in range(most + 2)]
    best: Along | None = None
    for sample in windows(process):
        updates = [
            sample_update(space, [c * x for x in theta], sample, Outer(discount=gamma), RATIONALS).update
            for c in points
        ]
        for place in range(space.size):
            values = [_fraction(update[place]) for update in updates]
            degree, leading = leading_term(values)
            if degree > (best.degree if best else 1):
                best = Along(depth, place, degree, leading)
        if best is not None and best.degree == most:
            break
    assert best is not None
    return best


def windows(process: DecisionProcess, most: int = 4) -> Iterator[Trajectory]:
    """A few windows of n + 3 states that the chain can take."""
    following: dict[int, list[Transition]] = {}
    for t in process.transitions():
        following.setdefault(t.state, []).append(t)
    for start in range(min(most, process.states)):
        state, features, rewards = start, [process.features[start]], []
        for k in range(CONTEXT + 2):
            t = following[state][k % len(following[state])]
            rewards.append(process.reward[t.state][t.action][t.next_state])
            state = t.next_state
            features.append(process.features[state])
        yield Trajectory(tuple(features), tuple(rewards))


def leading_term(values: Sequence[Fraction]) -> tuple[int, Fraction]:
    """The degree and leading coefficient of the polynomial with these values at 0, 1, 2, ...; its degree is below them.

    >>> leading_term([Fraction(x * x * 3 - x) for x in range(5)])
    (2, Fraction(3, 1))
    """
    differences, degree, leading = list(values), 0, values[0]
    factorial = 1
    for k in range(1, len(values)):
        differences = [y - x for x, y in pairwise(differences)]
        factorial *= k
        if differences[0]:
            degree, leading = k, differences[0] / factorial
    return degree, leading


def _fraction(value: Any) -> Fraction:
    number: Fraction = value.fraction() if hasattr(value, "fraction") else Fraction(value)
    return number
