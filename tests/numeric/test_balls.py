"""Balls hold what they stand for, and what they leave open is said: distances in them beside those over Q."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from math import inf
from random import Random

import numpy as np
import pytest
import torch
from flint import arb_mat, ctx

from layerproof.numeric.data.draws import prompts
from layerproof.numeric.judge import exact_distance
from layerproof.numeric.judge.balls import Balls
from layerproof.numeric.judge.bounds import layer_maps
from layerproof.numeric.judge.exact_distance import SMALL, distances, in_balls, in_floats, over_Q
from layerproof.numeric.judge.exact_floats import near_floats
from layerproof.numeric.judge.exact_run import ExactRun
from layerproof.numeric.lower import lower, lower_prompt
from layerproof.numeric.transformer import LinearTransformer
from layerproof.proofs.case import Case, Settings
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.identity.exact import problem


def matrix(rng: Random, height: int, width: int) -> RationalMatrix:
    rows = [[Fraction(rng.randint(-99, 99), rng.randint(1, 99)) for _ in range(width)] for _ in range(height)]
    return RationalMatrix.of(rows)


def test_a_ball_holds_the_exact_number_and_no_other() -> None:
    rng = Random(0)
    A, B, C = matrix(rng, 3, 4), matrix(rng, 4, 2), matrix(rng, 3, 2)
    exact, radii = A @ B - C * Fraction(1, 7), []
    for bits in (12, 40, 200):
        with ctx.workprec(bits):
            balls = Balls.of(A) @ Balls.of(B) - Balls.of(C) * (arb_mat(1, 1, [1]) / 7)[0, 0]
            radius = balls.radius()
        radii.append(radius)
        for value, wanted in zip(balls.middles().flat, (x for row in exact.fractions() for x in row), strict=True):
            assert abs(Fraction(value) - wanted) <= Fraction(radius) + abs(wanted) / 2**52
            assert abs(Fraction(value) - wanted - 3 * Fraction(radius)) > Fraction(radius)
    assert 1 > radii[0] > radii[1] > radii[2] > 0


def test_near_floats_are_off_by_no_more_than_they_say() -> None:
    A = matrix(Random(1), 5, 40) * Fraction(10**400 + 1, 10**398)
    for near, wanted in zip(near_floats(A).flat, (x for row in A.fractions() for x in row), strict=True):
        assert abs(Fraction(near) - wanted) <= abs(wanted) / 2**52
    assert near_floats(A * 10**400).max() == inf


def run_of(name: str) -> ExactRun:
    case = Case(find(name), Settings(features=2, context=4, layers=4))
    construction, lowered = case.subject, lower(case.subject, torch.float64, "cpu")
    drawn = islice(prompts(case.algorithm, 2, 4, 0, "boyan-chain"), 2)
    options = case.algorithm.choose(case.options)
    setups = [problem(case.algorithm, RATIONALS, c, w, case.parameters, options) for _, c, w in drawn]
    Z = torch.stack([lower_prompt(s, torch.float64, "cpu") for s in setups])
    with torch.no_grad():
        Y = LinearTransformer.from_lowered(construction, lowered).rows(Z).transpose(0, 1)
    return ExactRun(layer_maps(construction), construction, Z[:, : construction.layout.p].numpy(), Y.numpy())


def test_distances_in_balls_are_those_over_q(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of("gtd")
    exact = over_Q(run)
    assert exact.max() > 0
    monkeypatch.setattr(exact_distance, "SMALL", 0)  # so that floats are never narrow enough
    measured, slack = distances(run)
    assert (np.abs(measured - exact) <= slack + exact * 2.0**-50).all() and 0 < slack.max() < 2.0**-250
    # Of few bits, the balls are wide: they say so, and Q is asked.
    monkeypatch.setattr(exact_distance, "BITS", 60)
    wide, open_by = in_balls(run)
    assert (np.abs(wide - exact) <= open_by + exact * 2.0**-50).all() and (open_by > 2.0**-60).any()
    assert (np.abs(wide - exact) > exact * 2.0**-50).any()  # which the slack alone makes good
    again, least = distances(run)
    assert (again == exact).all() and (least == exact_distance.SUBNORMAL).all()


@pytest.mark.parametrize("name", ["gtd", "heavy-ball-td", "td-lambda", "online-td-lambda", "average-reward-td"])
def test_distances_in_floats_are_those_over_q_within_a_slack_that_would_not_hide_a_wrong_layer(name: str) -> None:
    run = run_of(name)
    exact, (measured, slack) = over_Q(run), distances(run)
    assert (np.abs(measured - exact) <= slack + exact * 2.0**-50).all()
    assert 0 < slack.max() < SMALL * exact.max()
    residual, open_by = run.residuals
    off = residual * np.where(np.arange(4) == 1, 1 + 2.0**-30, 1)[:, None, None]
    run.__dict__["residuals"] = off, open_by
    wrong, slack = in_floats(run)
    assert (np.abs(wrong - exact) > slack + exact * 2.0**-50).any()
