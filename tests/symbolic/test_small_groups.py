"""Small groups have large commutants: their averages without products, their sets within stated limits."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from flint import Ordering, fmpq, fmpq_mpoly_ctx

import layerproof as lp
from layerproof.proofs.invariance.at_depth import at_depths
from layerproof.proofs.invariance.question import Question
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.errors import WorkLimitError
from layerproof.symbolic.invariance import closure, moved, polynomials
from layerproof.symbolic.invariance.moved import Mover
from layerproof.symbolic.invariance.polynomials import residual_polynomials
from layerproof.symbolic.invariance.sets import commutant, pattern_set
from layerproof.symbolic.invariance.span import Span
from layerproof.symbolic.invariance.symmetry import SymmetryGroup, group_named

SWAP = ((Fraction(0), Fraction(1)), (Fraction(1), Fraction(0)))
MIRROR = ((Fraction(3, 5), Fraction(4, 5)), (Fraction(4, 5), Fraction(-3, 5)))
TURN = ((Fraction(0), Fraction(-1)), (Fraction(1), Fraction(0)))
GROUPS = {
    "swap": SymmetryGroup("swap", 2, (SWAP,)),
    "mirror": SymmetryGroup("mirror", 2, (MIRROR,)),
    "turn": SymmetryGroup("turn", 2, (TURN,)),
    "flips": SymmetryGroup("all flips", 2, group_named("sign-flips", 2).generators),
    "permutations": group_named("permutations", 2),
    "signed-permutations": group_named("signed-permutations", 2),
    "none": group_named("none", 2),
}
each_group = pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)


def subject_of(name="td0", group=GROUPS["swap"], **more):
    return next(iter(at_depths([name], Question(layers=1, group=group, **more))))


def patterned(s, **entries):
    """The one-layer pattern of td0 with some entries changed: P20="free" is the block in row 2, column 0 of P."""
    rows = {"P": [["0"] * 3, ["0"] * 3, ["0", "0", "a"]], "Q": [["b", "0", "0"], ["c", "0", "0"], ["0", "0", "0"]]}
    for place, entry in entries.items():
        rows[place[0]][int(place[1])][int(place[2])] = entry
    return pattern_set(s.space, "given", "", [{k: tuple(map(tuple, v)) for k, v in rows.items()}])


# polynomials that a group moves


def context_of(count=2, d=2):
    names = ["s", *(f"f{t}_{i}" for t in range(count) for i in range(d)), "r"]
    return fmpq_mpoly_ctx.get(names, Ordering.lex)


def random_polynomial(context, rng, terms=6):
    size = len(context.gens())
    return context.from_dict({
        tuple(rng.randint(0, 2) for _ in range(size)): fmpq(rng.randint(1, 9), rng.randint(1, 5)) for _ in range(terms)
    })  # fmt: skip


@each_group
def test_an_average_is_the_mean_of_the_images(group):
    context, rng = context_of(), Random(str(group.name))
    mover = Mover(context, group, 1, 2, "d = 2, n = 0")
    x, y = random_polynomial(context, rng), random_polynomial(context, rng)

    def images(p):
        gens = context.gens()
        for g in group.elements:
            at = list(gens)
            for t in range(2):
                for i in range(2):
                    old = gens[1 + 2 * t : 3 + 2 * t]
                    at[1 + 2 * t + i] = sum(
                        (
                            f * context.constant(fmpq(c.numerator, c.denominator))
                            for f, c in zip(old, g[i], strict=True)
                        ),
                        context.constant(0),
                    )
            yield p.compose(*at, ctx=context)

    share = context.constant(fmpq(1, len(group.elements)))
    mean = sum(images(x), context.constant(0)) * share
    product = sum((a * b for a, b in zip(images(x), images(y), strict=True)), context.constant(0)) * share
    assert mover.averages([x]) == [mean] and mover.products(x, [y]) == [product]
    assert mover.leaves(mean) and mover.leaves(x) == all(p == x for p in images(x))


@pytest.mark.parametrize("name", ["permutations", "signed-permutations"])
def test_orbits_are_zero_when_the_mean_is(name, monkeypatch):
    context, rng = context_of(), Random(name)
    listed = Mover(context, group_named(name, 2), 1, 2, "")
    monkeypatch.setattr(moved, "LISTED", 1)
    orbits = Mover(context, group_named(name, 2), 1, 2, "")
    assert listed.cosets is not None and orbits.cosets is None
    for _ in range(5):
        x, y = random_polynomial(context, rng), random_polynomial(context, rng)
        odd = x - listed.moved(x, SWAP)
        for p in (x, odd):
            assert (listed.averages([p]) == [0]) == (orbits.averages([p]) == [0])
            assert (listed.products(y, [p]) == [0]) == (orbits.products(y, [p]) == [0])
        assert orbits.averages([odd]) == [0] and orbits.products(y + listed.moved(y, SWAP), [odd]) == [0]


# the two ways agree


SETS = {
    "commuting": {}, "constant": {"P22": "1"}, "coupled": {"P20": "free"}, "fixed": {"Q10": "0"},
    "frozen": {"P00": "frozen", "Q11": "frozen"}, "seen": {"Q00": "free"},
}  # fmt: skip


@each_group
def test_with_and_without_the_error_factored_out(group, monkeypatch):
    s = subject_of(group=group, context=1)
    seen = set()
    for entries in SETS.values():
        weights = patterned(s, **entries)
        residual = residual_polynomials(weights, group, s.outer)
        with monkeypatch.context() as patch:
            patch.setattr(Mover, "leaves", lambda self, p: False)
            again = residual_polynomials(weights, group, s.outer)
        assert not again.factored and again.compared == residual.compared
        assert (residual.holds, residual.nonzero.keys()) == (again.holds, again.nonzero.keys())
        seen.add((residual.factored, residual.holds))
        assert residual.holds or all("outer error" in text for text in residual.nonzero.values()) == residual.factored
    assert {factored for factored, _ in seen} == ({True} if group.name == "none" else {True, False})


def test_an_error_that_the_group_moves_is_not_factored_out(monkeypatch):
    """With features in P's last row the prediction is no longer the same for all: were it factored out all the same,
    the average of another polynomial would be taken."""
    s = subject_of(group=GROUPS["signed-permutations"], context=1)
    weights = patterned(s, P20="free")
    right = residual_polynomials(weights, s.group, s.outer)
    assert not right.factored and not right.holds
    monkeypatch.setattr(Mover, "leaves", lambda self, p: True)
    assert residual_polynomials(weights, s.group, s.outer).nonzero.keys() != right.nonzero.keys()


def test_the_commutant_of_two_elements():
    """It took four minutes, in products of 200,000 terms; the error is factored out, and 5,000 terms are averaged."""
    s = subject_of("average-reward-td")
    whole = commutant(s.space, s.group)
    residual = residual_polynomials(whole, s.group, s.outer)
    assert (whole.dimension, residual.holds, residual.factored) == (120, True, True)
    assert residual.terms < 10_000


# limits: refused before the work, with the size at fault


def test_limits_of_the_polynomials(monkeypatch):
    s = subject_of(context=1)
    for module, limit, message in (
        (polynomials, "EXPANSION_LIMIT", "the set's dimension"),
        (moved, "MOVE_LIMIT", "would move"),
        (moved, "PRODUCT_LIMIT", "products of terms"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, limit, 1)
            weights = commutant(s.space, s.group) if limit != "PRODUCT_LIMIT" else patterned(s, P20="free")
            with pytest.raises(WorkLimitError, match="d = 2, n = 1") as refused:
                residual_polynomials(weights, s.group, s.outer)
            assert message in str(refused.value)


def test_a_mixing_element_counts_as_the_terms_it_makes(monkeypatch):
    context = context_of()
    x = context.from_dict({(0, 2, 2, 0, 0, 0): fmpq(1)})  # degree 4: up to 16 terms
    for group, work in (("swap", 1), ("mirror", 16 * moved.MIXING)):
        monkeypatch.setattr(moved, "MOVE_LIMIT", work - 1)
        with pytest.raises(WorkLimitError, match=f"would move {work} terms"):
            Mover(context, GROUPS[group], 1, 2, "here").averages([x])
        monkeypatch.setattr(moved, "MOVE_LIMIT", work)
        Mover(context, GROUPS[group], 1, 2, "here").averages([x])


def test_a_commutant_too_large_to_collect_in_is_not_run(monkeypatch):
    from layerproof.proofs.invariance import claims

    monkeypatch.setattr(closure, "REACH_LIMIT", 25)
    monkeypatch.setattr(claims, "REACH_LIMIT", 25)
    for name in ("one-layer", "smallest"):
        asked = lp.invariance("td0", layers=1, group=GROUPS["swap"], set=name, floats=False)
        assert asked.exit_code == 3 and any("has dimension 26" in c.reason for c in asked.claims)
    question = lp.invariance("td0", layers=1, group=GROUPS["swap"], floats=False)
    left_out = {c.details["set"] for c in question.claims if "has dimension 26" in c.reason}
    assert question.exit_code == 0 and left_out == {"one-layer", "smallest"}


def test_a_block_may_have_more_than_a_thousand_numbers():
    s = subject_of(group="none", features=24)
    whole = commutant(s.space, s.group)
    assert whole.dimension == 49**2 * 2 and len(set(whole.labels)) == whole.dimension


# spans in parts


def test_a_span_in_parts_is_the_span():
    rng = Random(5)
    for _ in range(20):
        v = [{k: Fraction(rng.randint(1, 5)) for k in rng.sample(range(12), 2)} for _ in range(5)]
        try:
            span = Span(v)
            whole = [
                sum((c * d.get(k, 0) for c, d in zip(range(1, 6), v, strict=True)), Fraction(0)) for k in range(12)
            ]
            inside = span.residual([RATIONALS.number(x) for x in whole], RATIONALS)
        except ZeroDivisionError:
            continue  # dependent ones
        assert not any(x != 0 for x in inside) and span.contains({k: x for k, x in enumerate(whole) if x})
        probe = [Fraction(rng.randint(-3, 3)) for _ in range(12)]
        rest = [x.fraction() for x in span.residual([RATIONALS.number(x) for x in probe], RATIONALS)]
        assert all(sum(rest[k] * x for k, x in d.items()) == 0 for d in v)  # orthogonal to every direction
        assert span.contains({k: x for k, x in enumerate(probe) if x}) == (not any(rest))
