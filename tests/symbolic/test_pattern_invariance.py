"""Which sets of weights of layers with patterns an expected update keeps, and what is refused."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from flint import Ordering, fmpq_mpoly_ctx

from layerproof.numeric.files.set_file import weight_set
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.identity.entrywise import polynomial_arithmetic
from layerproof.symbolic.invariance import pattern_sets as kept
from layerproof.symbolic.invariance.parity import keeps, moved_blocks, prompt_kinds
from layerproof.symbolic.invariance.pattern_training import PatternSpace, pattern_space, prompts, states, target, taught
from layerproof.symbolic.invariance.samples import TEACHER, Outer, Trajectory
from layerproof.symbolic.invariance.symmetry import group_named
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.given import pattern_form
from layerproof.symbolic.patterns.record import Row

GAMMA = Fraction(2, 3)
TD = Outer("sliding", "semi-gradient", GAMMA)
SIGNED = group_named("signed-permutations", 2)


def space(name: str, depth: int = 1, looped: bool = True, n: int = 2) -> PatternSpace:
    algorithm = pattern_catalogue()[name]
    values = {k: v for k, v in {"gamma": GAMMA, "alpha": Fraction(1, 2)}.items() if k in algorithm.parameters}
    return pattern_space(pattern_form(algorithm), 2, n, depth, looped, values)


def outer_of(space: PatternSpace) -> Outer | str:
    return TD if space.read is not None else TEACHER


def along(space: PatternSpace, point: Any, direction: Any, sample: kept.Drawn) -> Fraction:
    """The derivative of prediction or loss along a direction, as the coefficient of t, times what the update says."""
    context = fmpq_mpoly_ctx.get(["t"], Ordering.lex)
    a, (t,) = polynomial_arithmetic(context), context.gens()
    given = sample.trajectory
    features, *more = (
        [tuple(map(a.number, v)) for v in values] for values in (given.features, *(x[2] for x in given.extras))
    )
    extras = tuple((name, v, tuple(x)) for (name, v, _), x in zip(given.extras, more, strict=True))
    trajectory = Trajectory(tuple(features), tuple(map(a.number, given.rewards)), extras)
    layers = space.layers([a.number(x) + t * a.number(e) for x, e in zip(point, direction, strict=True)], a)
    made = prompts(space, a, trajectory, "sliding", sample.patterns)
    last = [states(layers, s)[0][-1] for s in made]

    def linear(x: Any) -> Fraction:
        return next((Fraction(int(c.p), int(c.q)) for e, c in x.to_dict().items() if e == (1,)), Fraction(0))

    if space.read is None:
        rows = kept.column_rows(space)
        errors = [x - a.at(last[0], i, space.n) for i, x in zip(rows, taught(space, made[0]), strict=True)]
        loss = sum((x * x for x in errors), a.number(0))
        return -linear(loss) / 2
    row, factor = space.read
    f, following = (a.at(Z, row, space.n) * a.number(1 / factor) for Z in last)
    delta = target(space, trajectory) - f + following * a.number(GAMMA)
    constant = next((Fraction(int(c.p), int(c.q)) for e, c in delta.to_dict().items() if e == (0,)), Fraction(0))
    return constant * linear(f)


@pytest.mark.parametrize("name", ["softmax-td", "kernel-gradient-descent", "sarsa"])
@pytest.mark.parametrize("looped", [True, False])
def test_the_update_is_the_derivative_that_polynomials_say(name: str, looped: bool) -> None:
    own_space, rng = space(name, 2, looped), random.Random(name)

    def small() -> Fraction:
        return Fraction(rng.randint(-2, 2))

    point, sample = [small() for _ in range(own_space.size)], kept.drawn(space(name), small)
    trained = [own_space.trains(c.matrix, c.row_block) for _, c in own_space.entries()]
    point = [x if yes else Fraction(0) for x, yes in zip(point, trained, strict=True)]
    direction = [small() if yes else Fraction(0) for yes in trained]
    update = kept.update(own_space, own_space.layers(point, RATIONALS), sample, outer_of(own_space), RATIONALS)
    total = sum((x.fraction() * e for x, e in zip(update, direction, strict=True)), Fraction(0))
    assert total == along(own_space, point, direction, sample) != 0


KEPT = {  # name of the set -> verdict and dimension at L = 1, 2 looped, 2 sequential
    "softmax-td": {
        "weights": "-1 -1 -2", "zero-pattern": "3 -3 -6", "one-layer": "1 -1 -2", "last-layer": "1 4 5",
        "smallest": "1 3 5", "commutant": "9 9 18",
    },
    "kernel-gradient-descent": {
        "weights": "1 1 2", "zero-pattern": "1 1 2", "one-layer": "1 1 2", "last-layer": "1 1 2", "smallest": "1 1 1",
        "commutant": "1 1 2",
    },
    "sarsa": {
        "weights": "-2 -2 -4", "zero-pattern": "-4 -4 -8", "one-layer": "5 -5 -10", "last-layer": "5 22 32",
        "smallest": "0 0 0", "commutant": "26 26 52",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_which_sets_are_kept_and_which_are_refuted(name: str) -> None:
    for number, own_space in enumerate((space(name), space(name, 2), space(name, 2, False))):
        outer = outer_of(own_space)
        for which, known in KEPT[name].items():
            weights = kept.named_set(own_space, SIGNED, outer, which, 0)
            assert weights is not None
            wanted = int(known.split()[number])
            assert weights.dimension == abs(wanted), (which, number)
            left = kept.random_residual(weights, SIGNED, outer, 0)
            witness = kept.find_witness(weights, SIGNED, outer, 0, 12 if left else 1)
            assert bool(left) == (witness is not None) == (wanted < 0), (which, number)
            if witness is None and own_space.depth == 1:
                assert kept.polynomials(weights, SIGNED, outer).left == {}
            if witness is not None and own_space.depth == 1:
                assert kept.polynomials(weights, SIGNED, outer).left != {} and keeps_nothing(weights)


def keeps_nothing(weights: kept.PatternSet) -> bool:
    return weights.space.read is None or keeps(weights) is None


# planted faults


def test_without_the_symmetry_features_are_read_in() -> None:
    own_space, alone = space("softmax-td", 2), group_named("none", 2)
    document = {"name": "unread", "matrices": {"V": [["0"] * 4, *([["0", "free", "free", "free"]] * 3)]}}
    weights = weight_set({"schema": 1, **document}, own_space, alone)
    assert weights.dimension == 9 and keeps(weights)
    assert kept.random_residual(weights, SIGNED, TD, 0) == []
    assert kept.random_residual(weights, alone, TD, 0) and kept.find_witness(weights, alone, TD, 0) is not None


def test_a_pattern_that_moves_with_the_features_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = kept.named_set(space("softmax-td", 2), SIGNED, TD, "commutant", 0)
    assert whole is not None and kept.random_residual(whole, SIGNED, TD, 0) == []
    plain = kept.Drawn.moved

    def moved(self: kept.Drawn, g: Any, number: Any) -> kept.Drawn:
        image = plain(self, g, number)
        x = image.trajectory.features[0][0]
        return replace(image, patterns=tuple([[y * x for y in row] for row in K] for K in image.patterns))

    monkeypatch.setattr(kept.Drawn, "moved", moved)
    assert kept.random_residual(whole, SIGNED, TD, 0) != []


def test_parity_knows_only_what_it_can_tell() -> None:
    own_space = space("softmax-td")
    assert prompt_kinds(own_space.form.algorithm) == {"phi": -1, "reward": 1, "target": 0, "current": 0}
    free = {"V": [["0"] * 4, *([["free"] * 4] * 3)]}
    assert moved_blocks(weight_set({"schema": 1, "matrices": free}, own_space, SIGNED)) is None
    rows = (*own_space.form.algorithm.rows[:1], Row("reward", lambda t, p: t.reward * t.phi, lambda t, p: t.phi))
    assert prompt_kinds(replace(own_space.form.algorithm, rows=rows)) == {"phi": -1, "reward": -1}
    (blocks,) = moved_blocks(kept.named_set(own_space, SIGNED, TD, "commutant", 0)) or ()
    assert set(blocks) == {("current", "reward")}


def test_the_rows_that_a_pattern_is_made_of_are_not_trained() -> None:
    document = {"schema": 1, "matrices": {"V": [["a", "0", "0", "0"], *([["0"] * 4] * 3)]}}
    with pytest.raises(ArgumentError, match="no layer writes it"):
        weight_set(document, space("softmax-td"), SIGNED)
