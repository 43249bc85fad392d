"""Which sets are invariant: blocks, polynomials, random points and witnesses, which never contradict each other."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product
from random import Random

import pytest
from dual import derivative
from expected import expected
from helpers import NAMES
from hypothesis import given, settings
from hypothesis import strategies as st

from layerproof.numeric.files.set_file import weight_set
from layerproof.proofs.invariance.at_depth import at_depths
from layerproof.proofs.invariance.question import Question
from layerproof.proofs.invariance.witness import witness_document
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.invariance import decide
from layerproof.symbolic.invariance.blocks import block_update
from layerproof.symbolic.invariance.closure import reach
from layerproof.symbolic.invariance.decide import find_witness, random_invariance
from layerproof.symbolic.invariance.one_layer import one_layer_set, unseen
from layerproof.symbolic.invariance.polynomials import residual_polynomials
from layerproof.symbolic.invariance.samples import OUTERS, WINDOWS, Trajectory, prompts
from layerproof.symbolic.invariance.sets import (
    commutant,
    frozen_rows_of_last_layer,
    pattern_set,
    scaled_weights,
    zero_pattern,
)
from layerproof.symbolic.invariance.symmetry import SymmetryGroup, group_named
from layerproof.symbolic.invariance.update import averaged_update, prompt_matrix

ONE_HEAD = ["td0", "td-lambda", "residual-gradient"]
F, Z = "frozen", "0"
TD_PATTERN = {"P": [[F, F, F], [F, F, F], [Z, Z, "a"]], "Q": [["b", F, F], ["c", F, F], [Z, F, F]]}
"""P = diag(*, *, eta) and Q = [[c I, *, *], [c' I, *, *], [0, *, *]]."""


def subject_of(name, layers=1, looped=True, **more):
    return next(iter(at_depths([name], Question(layers=layers, looped=looped, **more))))


def one_layer(s):
    return one_layer_set(s.space, s.group, s.outer, s.start)


def whole_of(s):
    return commutant(s.space, s.group)


def patterned(s, pattern, name="given"):
    rows = {k: tuple(tuple(row) for row in v) for k, v in pattern.items()}
    return pattern_set(s.space, name, "", [rows] * s.space.stored)


def holds_at_random(s, weights):
    answer = random_invariance(weights, s.group, s.outer)
    assert answer is not None and answer.probability < Fraction(1, 10**15)
    return answer.holds


def witness_of(s, weights):
    return find_witness(weights, s.group, s.outer, s.start)


def blocks_of(s, positions):
    coordinates = {s.space.coordinate(k) for k in positions}
    return {(c.matrix, c.row_block, c.column_block) for c in coordinates}


# one layer


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_one_layer_keeps_its_set_by_every_kind_of_evidence(name):
    s = subject_of(name)
    sets = one_layer(s), whole_of(s)
    assert any(block_update(weights).obstacles for weights in sets) is bool(expected(name).not_by_blocks)
    for weights in sets:
        assert weights.has(s.start)
        polynomials = residual_polynomials(weights, s.group, s.outer)
        assert polynomials.holds and polynomials.compared > 0 and polynomials.terms > 0
        assert holds_at_random(s, weights)
    assert witness_of(s, one_layer(s)) is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", OUTERS)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", ["td0", "average-reward-td", "differential-td", "tdc"])
def test_so_does_every_outer_update(name, window, kind):
    s = subject_of(name, window=window, outer=kind)
    weights = one_layer(s)
    assert block_update(weights).holds and holds_at_random(s, weights)
    if name == "td0":
        assert residual_polynomials(weights, s.group, s.outer).holds
    for layers, looped in ((2, True), (2, False)):
        deep = subject_of(name, layers, looped, window=window, outer=kind)
        assert holds_at_random(deep, whole_of(deep))


@pytest.mark.parametrize("name", ONE_HEAD)
def test_the_set_of_one_layer_in_blocks(name):
    s = subject_of(name)
    kept = one_layer(s)
    assert kept.dimension == 3 and len(kept.frozen) == 5 * 5 * 2 - 5 - 5 * 2
    assert kept.patterns == ({k: tuple(map(tuple, v)) for k, v in TD_PATTERN.items()},)
    given_set = patterned(s, TD_PATTERN)
    assert block_update(given_set).holds and residual_polynomials(given_set, s.group, s.outer).holds
    # with every frozen block but one's own at zero: the set as the paper writes it
    paper = {"P": [[Z] * 3, [Z] * 3, [Z, Z, "a"]], "Q": [["b", Z, Z], ["c", Z, Z], [Z, Z, Z]]}
    assert block_update(patterned(s, paper)).holds and witness_of(s, patterned(s, paper)) is None


def test_blocks_the_prediction_never_sees():
    """At L = 1 only the last row of P and the phi columns of Q reach the output."""
    s = subject_of("td0")
    m = s.space.layout.m
    seen = {s.space.position(0, 0, m - 1, j) for j in range(m)}
    seen |= {s.space.position(0, 1, i, j) for i in range(m) for j in range(2)}
    assert unseen(s.space) == frozenset(range(s.space.size)) - seen


AVERAGE = {
    "W1": [[F] * 4, [F] * 4, [F] * 4, [Z, Z, Z, "a"]],
    "P1": [[Z, Z, Z, F], [Z, Z, Z, F], [Z, Z, Z, F], [Z, Z, "b", F]],
    "Q1": [["c", F, F, F], ["d", F, F, F], [Z, F, F, F], [F, F, F, F]],
    "W2": [[F] * 4, [F] * 4, [F] * 4, [Z, Z, "e", Z]],
    "P2": [[Z, Z, Z, F], [Z, Z, Z, F], [Z, Z, "f", F], [Z, Z, Z, F]],
    "Q2": [["g", F, F, F], ["h", F, F, F], [Z, F, F, F], [F, F, F, F]],
}
"""Eight numbers; b is the cross term: the head that reads the difference row learns to read the reward row too."""


TIED = {
    "exported": {"W2": [*AVERAGE["W2"][:3], [Z, Z, Z, "e"]], "P2": [*AVERAGE["P2"][:2], [Z, Z, Z, F], [Z, Z, "e", F]]},
    "paper": {"W2": [*AVERAGE["W2"][:3], [Z, Z, "e", Z]], "P2": [*AVERAGE["P2"][:2], [Z, Z, "e", F], [Z, Z, Z, F]]},
}
"""One number less: the two matrices of the second head start at equal norms, and equal updates keep them equal."""


@pytest.mark.parametrize("form", TIED)
def test_equal_norms_stay_equal(form):
    s = subject_of("average-reward-td", weights=form)
    smallest_set = one_layer(s)
    letters = {"g": "f", "h": "g"}
    rest = {"Q2": [[letters.get(x, x) for x in row] for row in AVERAGE["Q2"]]}
    expected = {**AVERAGE, **TIED[form], **rest}
    assert smallest_set.dimension == 7
    assert smallest_set.patterns == ({k: tuple(map(tuple, v)) for k, v in expected.items()},)
    for entry, kept in (("2 e", False), ("e + f", False), ("-e", True), ("h", True)):  # other ties, and none
        changed = {**expected, "P2": [[entry if x == "e" else x for x in row] for row in expected["P2"]]}
        weights = patterned(s, changed)
        assert block_update(weights).holds == residual_polynomials(weights, s.group, s.outer).holds == kept, entry


def test_average_reward_needs_the_cross_term():
    s = subject_of("average-reward-td")
    assert block_update(patterned(s, AVERAGE)).holds
    for without in (Z, F):
        pattern = {**AVERAGE, "P1": [*AVERAGE["P1"][:3], [Z, Z, without, F]]}
        weights = patterned(s, pattern)
        assert any("P1[difference, reward]" in o for o in block_update(weights).obstacles)
        assert not residual_polynomials(weights, s.group, s.outer).holds
        witness = witness_of(s, weights)
        assert witness is not None and blocks_of(s, witness.residual) == {("P1", "difference", "reward")}


@pytest.mark.parametrize("name", ONE_HEAD)
@pytest.mark.parametrize("make", [zero_pattern, scaled_weights])
def test_the_algorithms_own_weights_alone_are_not_invariant(name, make):
    s = subject_of(name)
    weights = make(s.space, s.group, s.start) if make is zero_pattern else make(s.space, s.start)
    assert weights.has(s.start)
    witness = witness_of(s, weights)
    if name == "residual-gradient" and make is zero_pattern:  # its weights use all four blocks of Q's features
        assert witness is None and residual_polynomials(weights, s.group, s.outer).holds
        return
    assert witness is not None and weights.has(witness.point)
    assert ("Q", "gamma_phi_next", "phi") in blocks_of(s, witness.residual)
    if make is zero_pattern:
        assert blocks_of(s, witness.residual) == {("Q", "gamma_phi_next", "phi")}


# deeper


@pytest.mark.slow
@pytest.mark.parametrize("looped", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_two_layers_keep_the_commutant_and_not_the_set_of_one(name, looped):
    s = subject_of(name, 2, looped)
    assert holds_at_random(s, whole_of(s))
    weights = one_layer(s)
    assert not holds_at_random(s, weights)
    witness = witness_of(s, weights)
    assert witness is not None and witness.residual and weights.has(witness.point)
    if not looped:
        last = frozen_rows_of_last_layer(s.space, s.group, s.start)
        assert last.has(s.start) and last.dimension < whole_of(s).dimension
        assert holds_at_random(s, last)


@pytest.mark.parametrize("name", ONE_HEAD)
@pytest.mark.parametrize("layers", [2, 3])
def test_the_last_layers_free_rows(name, layers):
    s = subject_of(name, layers, False, context=1)
    last = frozen_rows_of_last_layer(s.space, s.group, s.start)
    assert last.dimension == 10 * (layers - 1) + 6
    assert holds_at_random(s, last) and (layers == 3 or witness_of(s, last) is None)
    moved = {s.space.coordinate(k) for v in last.directions for k in v}
    assert {c.row_block for c in moved if (c.matrix, c.layer) == ("P", layers - 1)} == {"td_error"}


def test_the_first_layers_rows_are_not_free():
    s = subject_of("td0", 2, False, context=1)
    rows = [[Z, Z, Z], [Z, Z, Z], [Z, Z, "e"]]
    full = [["p", "q", Z], ["r", "s", Z], [Z, Z, "t"]]
    primed = [[x if x == Z else f"{x}1" for x in row] for row in full]
    first_narrow = {"schema": 1, "matrices": {"P": rows, "Q": primed}, "last_layer": {"P": full, "Q": primed}}
    last_narrow = {"schema": 1, "matrices": {"P": full, "Q": primed}, "last_layer": {"P": rows, "Q": primed}}
    wrong, right = (weight_set(x, s.space, s.group) for x in (first_narrow, last_narrow))
    assert (wrong.dimension, right.dimension) == (16, 16)
    assert witness_of(s, wrong) is not None and witness_of(s, right) is None and holds_at_random(s, right)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("layers, looped, flow, smallest", [(2, True, 9, 10), (3, True, 9, 10), (2, False, 11, 16)])
def test_ranks_at_the_td_point(layers, looped, flow, smallest, d):
    s = subject_of("td0", layers, looped, features=d, gamma=Fraction(1, 2))
    reached = reach(s.space, whole_of(s), s.start, s.outer)
    assert (reached.flow, reached.dimension) == (flow, smallest)
    assert whole_of(s).dimension == (10 if looped else 20)


NUMBERS = [
    f"{matrix}[{r}, {c}]"
    for matrix in "PQ"
    for r, c in [*product(("phi", "gamma_phi_next"), repeat=2), ("td_error", "td_error")]
]


def forced(s, equation):
    document = {"schema": "1", "name": "forced", "constraints": [{"name": "one", "equation": equation}]}
    return weight_set(document, s.space, s.group)


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_of_the_commutant_can_be_forced_to_zero(number):
    s = subject_of("td0", 2, True)
    weights = forced(s, f"{number} = 0")
    assert weights.dimension == 9
    witness = witness_of(s, weights)
    assert witness is not None and not holds_at_random(s, weights)
    block = number.replace(",", "")
    assert {f"{c[0]}[{c[1]} {c[2]}]" for c in blocks_of(s, witness.residual)} == {block}


def test_a_forced_number_is_refuted_for_sequential_weights_too():
    s = subject_of("td0", 2, False)
    weights = forced(s, "Q[td_error, td_error] = 0")
    assert weights.dimension == 18 and witness_of(s, weights) is not None


# the kinds of evidence against each other

FEATURE_ENTRIES = ("0", "free", "frozen", "a", "b", "1", "a - b", "1/2 a + 3")
BASES = {
    "td0": [TD_PATTERN, {"P": [["p", "q", Z], ["r", "s", Z], [Z, Z, "t"]],
                         "Q": [["u", "v", Z], ["w", "x", Z], [Z, Z, "y"]]}],
    "average-reward-td": [AVERAGE],
}  # fmt: skip


def judged(s, weights):
    """(blocks hold, polynomials hold, random points hold, a witness was found), checked against each other."""
    blocks = block_update(weights).holds
    polynomials = residual_polynomials(weights, s.group, s.outer)
    answer = random_invariance(weights, s.group, s.outer)
    witness = witness_of(s, weights)
    assert answer.holds == polynomials.holds
    assert not blocks or polynomials.holds
    if witness is not None:
        assert not polynomials.holds and witness.residual.keys() <= polynomials.nonzero.keys()
        assert weights.has(witness.point)
    assert set(answer.residual) <= polynomials.nonzero.keys()
    return blocks, polynomials.holds, witness is not None


SEEN = []


@pytest.mark.slow
@pytest.mark.parametrize("name", BASES)
@settings(max_examples=25)
@given(data=st.data())
def test_blocks_polynomials_and_witnesses_never_contradict_each_other(name, data):
    s = subject_of(name, context=1, window=data.draw(st.sampled_from(WINDOWS)))
    pattern = {k: [list(row) for row in rows] for k, rows in data.draw(st.sampled_from(BASES[name])).items()}
    kinds = [moved for _, _, moved in s.space.blocks]
    for _ in range(data.draw(st.integers(0, 4))):
        matrix = data.draw(st.sampled_from(s.space.matrices))
        i, j = (data.draw(st.integers(0, len(kinds) - 1)) for _ in range(2))
        entries = FEATURE_ENTRIES if kinds[i] == kinds[j] else FEATURE_ENTRIES[:3]
        pattern[matrix][i][j] = data.draw(st.sampled_from(entries))
    SEEN.append(judged(s, patterned(s, pattern)))


def test_both_answers_were_seen_above():
    if len(SEEN) < 40:
        pytest.skip("the test above has not run here")
    assert (True, True, False) in SEEN and any(not polynomials and witness for _, polynomials, witness in SEEN)


@pytest.mark.parametrize("group_name", ["signed-permutations", "permutations"])
def test_a_group_by_name_and_by_generators_is_the_same_group(group_name):
    """Parity and sorted monomials against substitution of every element."""
    named = group_named(group_name, 2)
    plain = SymmetryGroup("by generators", 2, named.generators)
    for pattern in (TD_PATTERN, {**TD_PATTERN, "P": [[Z] * 3, [Z] * 3, [Z, Z, "1"]]}):
        s = subject_of("td0", context=1)
        weights = patterned(s, pattern)
        one, other = (residual_polynomials(weights, g, s.outer) for g in (named, plain))
        assert (one.holds, one.nonzero.keys()) == (other.holds, other.nonzero.keys())
        for group in (named, plain):
            assert random_invariance(weights, group, s.outer).holds == one.holds


QUARTER = ((Fraction(0), Fraction(-1)), (Fraction(1), Fraction(0)))


@pytest.mark.parametrize("group", [*(group_named(g, 2) for g in ("permutations", "sign-flips", "minus-identity")),
                                   SymmetryGroup("quarter", 2, (QUARTER,))], ids=lambda g: g.name)  # fmt: skip
def test_other_groups_keep_their_own_commutant_and_not_the_smaller_one(group):
    for layers in (1, 2):
        s = subject_of("td0", layers, True, group=group)
        assert holds_at_random(s, whole_of(s))
        small = commutant(s.space, group_named("signed-permutations", 2))
        assert small.dimension < whole_of(s).dimension
        if layers == 2:
            assert not holds_at_random(s, small) and witness_of(s, small) is not None
    one = subject_of("td0", 1, True, group=group, context=1)
    assert residual_polynomials(whole_of(one), group, one.outer).holds


def test_projection_and_enumeration_agree(monkeypatch):
    s = subject_of("td0", 2, True)
    weights = zero_pattern(s.space, s.group, s.start)
    enumerated = witness_of(s, weights)
    monkeypatch.setattr(decide, "ORBIT_LIMIT", 1)
    projected = witness_of(s, weights)
    assert projected is not None and projected.sample == enumerated.sample
    assert (projected.update, projected.residual) == (enumerated.update, enumerated.residual)
    # outside the commutant no projection is an average: nothing is said
    outside = patterned(s, {**TD_PATTERN, "P": [["free", Z, Z], [Z] * 3, [Z, Z, "a"]]})
    assert witness_of(s, outside) is None and random_invariance(outside, s.group, s.outer) is None


# witnesses, again, from their documents alone


def signed_permutations(d):
    for images in permutations(range(d)):
        for signs in product((1, -1), repeat=d):
            yield [[signs[i] * (images[i] == j) for j in range(d)] for i in range(d)]


def read_numbers(document):
    if isinstance(document, list):
        return [read_numbers(x) for x in document]
    return Fraction(document)


@pytest.mark.slow
@pytest.mark.parametrize("layers, looped", [(1, True), (2, True), (2, False)])
@pytest.mark.parametrize("name", ["td0", "average-reward-td"])
def test_a_witness_is_what_it_says(name, layers, looped):
    """The averaged update at the entries named, by dual numbers through the forward pass of dual.py."""
    s = subject_of(name, layers, looped)
    space = s.space
    weights = zero_pattern(space, s.group, s.start) if layers == 1 else one_layer(s)
    document = witness_document(s, witness_of(s, weights))
    point = [Fraction(x) for layer in document["weights"] for k in space.matrices for r in layer[k] for x in r]
    update = [Fraction(x) for layer in document["expected_update"] for k in space.matrices for r in layer[k] for x in r]
    assert weights.has(tuple(point))
    features, rewards = read_numbers(document["features"]), read_numbers(document["rewards"])
    again = averaged_update(space, point, Trajectory(tuple(map(tuple, features)), tuple(rewards)), s.outer,
                            [tuple(map(tuple, g)) for g in signed_permutations(2)], RATIONALS)  # fmt: skip
    assert [x.fraction() for x in again] == update

    row_names = space.layout.row_names()
    named = document["outside"]
    assert named
    for entry in named[:3]:
        matrix, inside = entry["entry"][:-1].split("[", 1)
        r, c = inside.split(", ")
        blocks = {b: rows for b, rows, _ in space.blocks}
        i, j = (row_names.index(r), row_names.index(c)) if r in row_names else (blocks[r][0], blocks[c][0])
        k = space.position(entry["layer"] - 1, space.matrices.index(matrix), i, j)
        value = Fraction(entry["value"].removesuffix(" I"))
        assert value == update[k] != 0  # the sets here are spanned block by block
        total = Fraction(0)
        direction = [Fraction(int(x == k)) for x in range(space.size)]
        for g in signed_permutations(2):
            moved = [tuple(sum(x * y for x, y in zip(line, f, strict=True)) for line in g) for f in features]
            now, later = prompts(space, RATIONALS, Trajectory(tuple(moved), tuple(rewards)), "sliding")
            f, slope = derivative(space, point, direction, prompt_matrix(now).fractions())
            following, _ = derivative(space, point, direction, prompt_matrix(later).fractions())
            delta = rewards[-1] - s.outer.average_reward + s.outer.discount * following - f
            total += delta * slope
        assert total / 8 == value


def test_a_step_along_the_update_leaves_the_set():
    s = subject_of("td0", 2, True)
    weights = zero_pattern(s.space, s.group, s.start)
    witness = witness_of(s, weights)
    stepped = tuple(x + Fraction(1, 10) * u for x, u in zip(witness.point, witness.update, strict=True))
    assert weights.has(witness.point) and not weights.has(stepped)
    assert whole_of(s).has(tuple(witness.update))
    # where entries are frozen it may leave by moving those alone
    held = one_layer(s)
    assert held.frozen & witness_of(s, held).residual.keys()


def test_a_set_has_the_points_that_it_makes():
    rng = Random(3)
    s = subject_of("td0")
    weights = patterned(s, {**TD_PATTERN, "P": [["a - b", Z, Z], [Z, "2 a + 1", Z], [Z, Z, "1/2 b"]]})
    for _ in range(5):
        drawn = [Fraction(rng.randint(-5, 5)) for _ in range(weights.dimension)]
        point = weights.point(drawn, [Fraction(rng.randint(-5, 5)) for _ in weights.frozen])
        assert weights.has(point)
        for k in set(range(s.space.size)) - weights.frozen:
            assert not weights.has(tuple(x + int(j == k) for j, x in enumerate(point)))
