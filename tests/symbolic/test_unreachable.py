"""Witnesses that no layer does an update: redone from their printed text alone, and never found where a layer does."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from operator import mul
from random import Random
from typing import Any

import pytest
from helpers import each_kind

import layerproof as lp
from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.identity.unreachable import unreachable

PHI = FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q)
NEXT = FeatureBlock("next", lambda t, p: p.gamma * t.phi_next)
RHO = FeatureBlock("rho", lambda t, p: t.rho, scalar=True)
TD = Accumulator("td", lambda w, x, p: x.reward + w[0] @ x.next - w[0] @ x.phi)
GAMMA = Fraction(9, 10)


def algorithm(gain: Any, features: Any = (PHI, NEXT), carried: bool = False) -> Algorithm:
    """w + (1/n) C sum_j gain(w, t, p, delta)."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        sweep.total, sweep.e = 0 * w, 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            if carried:
                sweep.e = t.rho * sweep.e + t.phi
                sweep.total = sweep.total + delta * sweep.e
            else:
                sweep.total = sweep.total + gain(w, t, p, delta)
        return (w + C @ sweep.total / sweep.n,)

    return Algorithm(
        name="mine", title="Mine", source="me", features=features, accumulators=(TD,), parameters=("gamma",),
        update=update, transition_scalars=("rho",),
    )  # fmt: skip


IMPOSSIBLE: dict[str, Any] = {
    "R^3 phi": lambda w, t, p, delta: t.reward**3 * t.phi,
    "R^2 phi": lambda w, t, p, delta: t.reward**2 * t.phi,
    "rho delta phi": lambda w, t, p, delta: t.rho * delta * t.phi,
    "(w.phi) delta phi": lambda w, t, p, delta: (w @ t.phi) * delta * t.phi,
    "|phi|^2 delta phi": lambda w, t, p, delta: (t.phi @ t.phi) * delta * t.phi,
    "delta / (1 + |phi|^2) phi": lambda w, t, p, delta: delta / (1 + t.phi @ t.phi) * t.phi,
    "(delta + R) phi": lambda w, t, p, delta: (delta + t.reward) * t.phi,
}


def dot(x: Any, y: Any) -> Any:
    return sum(a * b for a, b in zip(x, y, strict=True))


def by_hand(name: str, w: Any, prompt: Any) -> list[Fraction]:
    """The new weights with C = I, in plain numbers."""
    new, n = list(w), len(prompt)
    for phi, after, reward, rho in prompt:
        delta = reward + GAMMA * dot(w, after) - dot(w, phi)
        factor = {
            "R^3 phi": reward**3, "R^2 phi": reward**2, "rho delta phi": rho * delta,
            "(w.phi) delta phi": dot(w, phi) * delta, "|phi|^2 delta phi": dot(phi, phi) * delta,
            "delta / (1 + |phi|^2) phi": delta / (1 + dot(phi, phi)), "(delta + R) phi": delta + reward,
        }[name]  # fmt: skip
        new = [x + factor * y / n for x, y in zip(new, phi, strict=True)]
    return new


def numbers(text: str) -> list[Fraction]:
    return [Fraction(x) for x in re.findall(r"-?\d+(?:/\d+)?", text)]


def points_of(text: str) -> list[Any]:
    """The points of a printed witness: (multiplier, column, change, transitions, query, weights, Z)."""
    points = []
    pattern = (
        r"(\S+) times the change at (the query|context token \d+), for the update (\S+):\n((?:\s+transition .*\n)+)"
        r"\s+query \((.*?)\), weights \((.*?)\), after the update \((.*?)\)\n\s+Z = (.*)"
    )
    for match in re.finditer(pattern, text):
        factor, column, change, lines, query, before, after, held = match.groups()
        transitions = []
        for line in lines.strip().splitlines():
            phi, following, reward, rho = re.findall(r"= (\(.*?\)|[^\s,]+)", line)
            transitions.append((numbers(phi), numbers(following), Fraction(reward), Fraction(rho)))
        Z = [numbers(row.split(": ")[1]) for row in held.split("; ")]
        t = len(transitions) if column == "the query" else int(column.split()[-1]) - 1
        points.append((Fraction(factor), t, Fraction(change), transitions, numbers(query), numbers(before),
                      numbers(after), Z))  # fmt: skip
    return points


def layer_change(Z: Any, W: Any, P: Any, Q: Any, M: Any) -> list[list[Fraction]]:
    """W P Z M Z^T Q Z, by the definition of matrix products alone."""

    def times(A: Any, B: Any) -> Any:
        return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*B, strict=True)] for row in A]

    T = [list(column) for column in zip(*Z, strict=True)]
    return times(times(times(W, times(P, Z)), M), times(T, times(Q, Z)))


@pytest.mark.slow
@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_the_witness_is_redone_from_its_printed_text_alone(name, capsys, tmp_path):
    from layerproof.proofs.witness_text import witness_lines

    features = (PHI, NEXT, RHO) if "rho" in name else (PHI, NEXT)
    result = lp.verify(algorithm(IMPOSSIBLE[name], features), d=2, n=4, layers=2, evidence=["derived"])
    (claim,) = [c for c in result.claims if c.evidence == "derived"]
    assert claim.verdict is lp.Verdict.REFUTED and result.exit_code == 1
    json.dumps(claim.to_json())
    text = "\n".join(witness_lines(claim.witness))
    points = points_of(text)
    assert len(points) >= 2 and "gamma = 9/10, C = [1 0; 0 1]" in text
    total = Fraction(0)
    for factor, t, change, transitions, query, before, after, Z in points:
        new = by_hand(name, before, transitions)
        assert new == after
        columns = [[*phi, *(GAMMA * x for x in following)] for phi, following, _, _ in transitions]
        columns = [[*c, rho] for c, (*_, rho) in zip(columns, transitions, strict=True)] if "rho" in name else columns
        columns.append([*query, *[Fraction(0)] * (3 if "rho" in name else 2)])
        data = [(phi, following, reward) for phi, following, reward, _ in transitions]

        def row(w: Any, data: Any = data, query: Any = query) -> list[Fraction]:
            return [r + GAMMA * dot(w, y) - dot(w, x) for x, y, r in data] + [-dot(w, query)]

        assert [*map(list, zip(*columns, strict=True)), row(before)] == Z
        assert row(new)[t] - row(before)[t] == change
        total += factor * change
    assert total and f"the sum is 0 for every layer, and {total} for the update" in text
    rng, (m, N) = Random(name), (len(points[0][-1]), len(points[0][-1][0]))
    for _ in range(3):  # heads of any form, masks over all tokens
        W, P, Q = ([[Fraction(rng.randint(1, 99)) for _ in range(m)] for _ in range(m)] for _ in range(3))
        M = [[Fraction(rng.randint(1, 99)) for _ in range(N)] for _ in range(N)]
        answers = [layer_change(Z, W, P, Q, M)[-1][t] for _, t, *_, Z in points]
        assert sum(factor * answer for (factor, *_), answer in zip(points, answers, strict=True)) == 0
        seen = next(k for k, answer in enumerate(answers) if answer)
        wrong = [factor + (k == seen) for k, (factor, *_) in enumerate(points)]
        assert sum(map(mul, wrong, answers)) == answers[seen]  # other multipliers do not cancel


@pytest.mark.slow
def test_the_cube_of_the_reward_takes_four_prompts_with_the_third_difference():
    witness = unreachable(algorithm(IMPOSSIBLE["R^3 phi"]), {}, {"gamma": GAMMA})
    assert witness is not None and list(map(abs, witness.multipliers)) == [1, 3, 3, 1]
    assert unreachable(algorithm(lambda w, t, p, delta: delta * t.phi), {}, {"gamma": GAMMA}) is None


def test_a_decay_by_the_prompt_has_a_witness_in_two_tokens():
    witness = unreachable(algorithm(None, (PHI, NEXT, RHO), carried=True), {}, {"gamma": GAMMA})
    assert witness is not None and len(witness.samples) > 2


def test_rows_that_do_not_hold_what_is_asked_for_have_a_pair_of_prompts():
    witness = unreachable(algorithm(IMPOSSIBLE["rho delta phi"]), {}, {"gamma": GAMMA})
    assert witness is not None and witness.multipliers in ((1, -1), (-1, 1))
    first, second = witness.samples
    assert first.Z == second.Z and first.new != second.new


@pytest.mark.slow
@each_kind
def test_no_witness_is_found_against_an_algorithm_that_has_heads(case):
    values = {name: Fraction(k + 1, k + 3) for k, name in enumerate(case.algorithm.parameters)}
    assert unreachable(case.algorithm, case.options, values) is None


def test_without_a_witness_the_verdict_is_undecided_with_the_reason():
    """Heads over a constant row do it (y <- y - y); the form that is derived has none, and no prompts say otherwise."""
    one = FeatureBlock("one", lambda t, p: 1, scalar=True)

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = weights
        sweep.total = 0 * w
        for _ in sweep:
            sweep.total = sweep.total + w
        return (w - sweep.total / sweep.n,)

    own = Algorithm(
        name="forget", title="Forget", source="me", features=(PHI, one), update=update,
        accumulators=(Accumulator("value", lambda w, x, p: w[0] @ x.phi),),
    )  # fmt: skip
    result = lp.verify(own, d=2, n=3, layers=2, evidence=["derived"])
    (claim,) = [c for c in result.claims if c.evidence == "derived"]
    assert claim.verdict is lp.Verdict.UNDECIDED and result.exit_code == 3
    assert "annihilates" not in (claim.witness or {})
