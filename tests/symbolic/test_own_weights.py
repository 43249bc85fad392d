"""Which weights are the algorithm's own: as exported, as in the papers, or a file's heads; the sets through them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from helpers import apply, trained, transposed

import layerproof as lp
from layerproof.proofs.invariance import at_depth, claims
from layerproof.proofs.invariance.at_depth import at_depths
from layerproof.proofs.invariance.question import Question
from layerproof.proofs.user_file import load
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.arithmetics.prime_field import PRIME
from layerproof.symbolic.errors import ArgumentError, ContentError, SizesError
from layerproof.symbolic.invariance import one_layer
from layerproof.symbolic.invariance.closure import SMALL, small_rational
from layerproof.symbolic.invariance.decide import small_sample
from layerproof.symbolic.invariance.own_weights import FORMS, own_construction, own_point, unit_step, unit_step_words
from layerproof.symbolic.invariance.update import sample_update
from layerproof.symbolic.invariance.weights import WeightSpace
from layerproof.symbolic.tracing.judged import judged

HEAVY_BALL = Path(__file__).parents[2] / "examples" / "heavy_ball_td.py"
SEVERAL = ("average-reward-td", "gtd2", "tdc")
PARAMETERS = {"gamma": Fraction(9, 10), "lam": Fraction(1, 2)}


def asked(name, layers=1, looped=True, **more):
    return next(iter(at_depths([name], Question(layers=layers, looped=looped, **more))))


def matrices(space, point, layer=0):
    return {name: space.matrix_rows(point, layer, k) for k, name in enumerate(space.matrices)}


@pytest.mark.parametrize("name", SEVERAL)
def test_the_exported_weights_are_what_construct_returns(name):
    algorithm = find(name)
    space, point = trained(name, 2, 2, 2, PARAMETERS, looped=False)
    steps = [unit_step(algorithm, 2)] * 2
    construction = lp.construct(name, d=2, n=2, layers=2, preconditioners=steps, lam="1/2")
    for layer, heads in enumerate(construction.layers):
        expected = {f"{k}{h}": getattr(head, k).fractions() for h, head in enumerate(heads, 1) for k in "WPQ"}
        assert matrices(space, point, layer) == expected


@pytest.mark.parametrize("name", (*SEVERAL, "td0"))
def test_the_papers_weights_are_another_factoring_of_the_same_layer(name):
    algorithm = find(name)
    own = own_construction(algorithm, {}, 2, 2, 1, PARAMETERS, True)
    space = WeightSpace.of(algorithm, own)
    exported, paper = (matrices(space, own_point(own, form)) for form in FORMS)
    if name == "td0":
        assert exported == paper
        return
    for h in range(1, len(space.masks) + 1):
        products = [[apply(transposed(m[f"P{h}"]), row) for row in m[f"W{h}"]] for m in (exported, paper)]
        assert products[0] == products[1] and exported[f"Q{h}"] == paper[f"Q{h}"]
        assert exported[f"W{h}"] != paper[f"W{h}"] or exported[f"P{h}"] == paper[f"P{h}"]
        picked = [row[k] for k, row in enumerate(paper[f"P{h}"])]
        assert paper[f"P{h}"] == [[x * (i == j) for j in range(len(picked))] for i, x in enumerate(picked)]
        assert set(picked) == {0, 1}


@pytest.mark.slow
@pytest.mark.parametrize("form, sizes", [("exported", (7, 32, 40)), ("paper", (7, 24, 34))])
def test_the_smallest_dimension_through_each_form(form, sizes):
    other = next(f for f in FORMS if f != form)
    for (layers, looped), size in zip(((1, True), (2, True), (2, False)), sizes, strict=True):
        s = asked("average-reward-td", layers, looped, weights=form)
        assert (s.form, s.reached.dimension) == (form, size)
        assert s.other is not None and s.other[0] == other
    assert asked("td0", weights=form).other is None  # one head: one point


@pytest.mark.slow
def test_both_dimensions_are_said_and_the_form_of_every_set():
    result = lp.invariance("average-reward-td", layers=2, looped=True, floats=False, weights="paper")
    assert result.settings["weights"] == "paper"
    facts = {c.details["weights"]: c for c in result.claims if c.details.get("fact") == "smallest"}
    assert {form: c.dimension for form, c in facts.items()} == {"paper": 24, "exported": 32}
    assert "W = diag(0, I)" in facts["exported"].claim and "W = diag(0, U)" in facts["paper"].claim
    for claim in result.claims:
        if "set" in claim.details and claim.evidence != "invariance-proved":
            assert (claim.details.get("weights") == "paper") == (claim.details["set"] != "commutant")
    with pytest.raises(ArgumentError, match="weights is 'half', wanted exported or paper"):
        lp.invariance("td0", weights="half")


# heads of a file's own


def at_places(rows):
    """The entries that are not zero."""
    return {(i, j): x for i, row in enumerate(rows) for j, x in enumerate(row) if x}


@pytest.mark.parametrize("name, words", [
    ("td0", "C = I"), ("gtd2", "C = I, D = I"), ("gtd", "C = I, b = 1"),
    ("nesterov-td", "C = I, beta = 1 and not its table's"),
])  # fmt: skip
def test_the_steps_of_the_own_weights_are_said(name, words):
    assert unit_step_words(find(name)) == words
    handed_in = judged(replace(find(name), name="given", heads=lambda *given: []))
    assert unit_step_words(handed_in) == words
    assert unit_step_words(replace(find(name), preconditioners=(), scalar_preconditioners=(), tables={})) == "no steps"


@pytest.mark.slow
def test_the_heads_of_a_file_are_its_own_weights():
    s, beta = asked(load(HEAVY_BALL)), Fraction(1, 3)
    heads = s.own.layers[0]
    assert matrices(s.space, s.start) == {
        f"{k}{h}": getattr(head, k).fractions() for h, head in enumerate(heads, 1) for k in "WPQ"
    }
    entries = {k: at_places(m) for k, m in matrices(s.space, s.start).items() if k in ("Q1", "P2")}
    assert entries == {"Q1": {(0, 0): -1, (1, 1): -1, (0, 2): 1, (1, 3): 1}, "P2": {(5, 4): beta, (6, 4): beta - 1}}
    one_layer = claims.named_set(s, "one-layer")
    assert one_layer.dimension == 16 and one_layer.has(s.start)
    kept = list(claims.judge(s, one_layer))
    assert {c.evidence for c in kept if c.asked} == {"invariance-entrywise", "invariance-random"}
    assert all(c.verdict.value == "HOLDS" for c in kept if c.asked)  # but not for all n: masks may be others there
    for k in (1, 15):  # a set through the same weights with one direction less is not kept
        less = replace(one_layer, name="less", directions=one_layer.directions[:k] + one_layer.directions[k + 1 :])
        (refuted,) = [c for c in claims.judge(s, less) if c.asked]
        assert less.has(s.start) and refuted.verdict.value == "REFUTED" and refuted.witness
    assert s.other is None
    with pytest.raises(ArgumentError, match="not of the form W P = diag"):
        asked(load(HEAVY_BALL), weights="paper")


def given(change):
    """average-reward-td with its derived weights handed in as heads, changed."""
    plain = find("average-reward-td")

    def heads(layout, step, p, layer):
        own = own_construction(plain, {}, layout.d, layout.n, 1, {}, True).layers[0]
        rows = [[getattr(h, k).fractions() for k in "WPQM"] for h in own]
        change(rows, layer)
        return [lp.Head(*matrices) for matrices in rows]

    return judged(replace(plain, name="given", heads=heads))


def test_given_heads_that_are_the_derived_ones_give_the_same_sets():
    s = asked(given(lambda rows, layer: None), 2)
    assert (s.reached.dimension, s.other[1].dimension) == (32, 24)


def test_other_masks_in_other_layers_are_each_layers_own():
    def change(rows, layer):
        rows[0][3][0][0] += layer

    s = asked(given(change), 2, looped=False)
    layers = s.space.heads(s.start, RATIONALS)
    assert [[h.M for h in heads] for heads in layers] == [[h.M for h in heads] for heads in s.own.layers]
    first, second = (heads[0].M.fractions()[0][0] for heads in layers)
    assert second == first + 1
    alike = replace(s.space, later=())
    sample = small_sample(s.space, 3)
    one, other = (sample_update(x, s.start, sample, s.outer, RATIONALS).update for x in (s.space, alike))
    assert one != other  # what is trained sees the later layers' masks


@pytest.mark.parametrize("name", ["online-td", "online-td-lambda"])
def test_layers_that_read_other_tokens_each_are_asked_about_in_sequence(name):
    s = asked(find(name), 2, looped=False)
    assert s.space.later and s.space.heads(s.start, RATIONALS)[1][0].M == s.own.layers[1][0].M
    assert s.space.masks != s.space.later[0]
    assert s.reached.dimension == 16
    with pytest.raises(ArgumentError, match="read other tokens each: ask sequential"):
        asked(find(name), 2, looped=True)
    with pytest.raises(SizesError, match="L <= n"):
        asked(find(name), 3, looped=False)


def test_layers_of_several_numbers_of_heads_are_refused():
    plain = find("average-reward-td")

    def heads(layout, step, p, layer):
        own = own_construction(plain, {}, layout.d, layout.n, 1, {}, True).layers[0]
        made = [lp.Head(*(getattr(h, k).fractions() for k in "WPQM")) for h in own]
        return made if layer == 1 else [*made, made[0]]

    with pytest.raises(ContentError, match="gives 3, 2 heads layer by layer"):
        asked(judged(replace(plain, name="given", heads=heads)), 2, looped=False)


@pytest.mark.slow
def test_heads_that_break_the_symmetry_have_no_sets_through_them():
    def change(rows, layer):
        rows[0][2][0][0] *= 2  # not a multiple of the identity

    algorithm = given(change)
    result = lp.invariance(algorithm, layers=1, floats=False)
    assert {c.details["set"] for c in result.claims if "set" in c.details} == {"commutant"}
    (left_out,) = [c for c in result.claims if "do not commute" in c.reason]
    assert left_out.verdict.value == "NOT_RUN"
    assert lp.invariance(algorithm, layers=1, floats=False, set="commutant").holds
    with pytest.raises(ContentError, match="do not commute with the group"):
        lp.invariance(algorithm, layers=1, floats=False, set="one-layer")


# directions as rationals


@pytest.mark.parametrize("x", [Fraction(0), Fraction(-3, 7), Fraction(SMALL), Fraction(SMALL - 1, SMALL), Fraction(1)])
def test_small_rationals_come_back(x):
    assert small_rational(x.numerator * pow(x.denominator, -1, PRIME)) == x


def test_other_residues_are_no_small_rationals():
    assert all(small_rational(3**k * 5**30 % PRIME) is None for k in range(30, 60))
    assert small_rational((SMALL + 1) * pow(SMALL - 1, -1, PRIME)) is None


def test_a_set_that_is_not_written_down_is_undecided(monkeypatch):
    for module in (one_layer, at_depth):

        def without(*arguments, reach=module.reach):
            return replace(reach(*arguments), directions=None)

        monkeypatch.setattr(module, "reach", without)
    for name in ("one-layer", "smallest"):
        result = lp.invariance("td0", layers=1, floats=False, set=name)
        verdicts = {c.verdict.value for c in result.claims if c.details.get("set") == name}
        assert result.exit_code == 3 and verdicts == {"UNDECIDED"}
