"""The limit of the iterates: the exact fixed point, the distances to it, and prompts that have none."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from helpers import Case, each_kind, plain_weights, td_solution
from reports import SMALL, everything, settings_of, subject, words

from layerproof.numeric.data.draws import prompts, zero_weights
from layerproof.proofs.case import Case as Judged
from layerproof.proofs.report.findings import Findings
from layerproof.proofs.report.limit_run import limit_run
from layerproof.proofs.report.sections import section_modules
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.identity.limit import root
from layerproof.symbolic.prompt import Context


@pytest.mark.parametrize("looped", [True, False])
def test_the_limit_point_solves_the_td_equation_and_distances_are_those_of_the_loop(looped: bool):
    context = Context.of([[1, 0], [1, 2], [0, 1]], [[1, 2], [0, 1], [3, 1]], [1, 2, -1], [1, 1])
    judged = Judged(Case("td0").algorithm, replace(SMALL, prompt=context, context=3, layers=3, looped=looped))
    limit, kind = limit_run(judged)
    star = td_solution(context, judged.parameters["gamma"])
    assert list(limit.point) == star and kind == "given" and not limit.reason
    setup = problem(judged.algorithm, RATIONALS, context, zero_weights(judged.algorithm, 2), judged.parameters, {})
    runs = [[Fraction(0)] * 2, *(plain_weights(w)[0] for w in textbook(setup, judged.per_layer()))]
    assert list(limit.squares) == [sum((x - y) ** 2 for x, y in zip(w, star, strict=True)) for w in runs]
    assert limit.distances == tuple(pytest.approx(float(s) ** 0.5) for s in limit.squares)


def test_where_there_is_no_single_limit_it_is_said():
    context = Context.of([[1, 0]], [[0, 0]], [1], [1, 1])
    judged = Judged(Case("td0").algorithm, replace(SMALL, prompt=context, context=1))
    limit, _ = limit_run(judged)
    assert not limit.squares and "singular" in limit.reason
    shown = Findings(judged.algorithm, judged.settings, subject(Case("td0")).claims)
    module = next(m for m in section_modules() if m.NAME == "convergence")
    assert "singular" in words(module.build(shown)) and not [
        p for p in everything(module.build(shown)) if hasattr(p, "svg") and "limit point" in p.alt
    ]


def test_square_roots_of_any_size():
    for exponent in (-2000, -30, 0, 30):
        x = Fraction(10) ** exponent * 4
        assert (
            root(x) == pytest.approx(2 * 10.0 ** (exponent // 2), rel=1e-14)
            if exponent > -700
            else 0 < root(x) < 1e-300
        )
    assert root(Fraction(0)) == 0 and root(Fraction(2)) == pytest.approx(2**0.5, rel=1e-15)


@each_kind
def test_one_more_update_leaves_the_limit_point_where_it_is(case: Case):
    judged = Judged(case.algorithm, replace(settings_of(case), context=6))
    limit, kind = limit_run(judged)
    assert kind == "trajectory"
    if limit.reason:
        assert not limit.squares
        return
    assert len(limit.squares) == SMALL.layers + 1
    drawn = prompts(case.algorithm, 2, 6, SMALL.seed, SMALL.process)
    context = next(c for kind, c, _ in drawn if kind == "trajectory")
    rest = list(limit.point)
    point = [rest.pop(0) if w in case.algorithm.scalar_weights else [rest.pop(0), rest.pop(0)]
             for w in case.algorithm.weights]  # fmt: skip
    setup = problem(case.algorithm, RATIONALS, context, point, judged.parameters, dict(case.options))
    for step in judged.per_layer():
        assert list(plain_weights(next(iter(textbook(setup, [step]))))) == point


def test_an_update_that_is_not_affine_is_said_to_be_so():
    def update(weights, preconditioners, sweep, p):
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (w @ t.phi) * (w @ t.phi) * t.phi
        return (w + sweep.total / sweep.n,)

    algorithm = replace(Case("td0").algorithm, update=update, heads=lambda layout, step, p, layer: [])
    limit, _ = limit_run(Judged(algorithm, SMALL))
    assert not limit.squares and "not affine" in limit.reason
