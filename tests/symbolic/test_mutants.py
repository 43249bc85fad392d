"""Planted faults: every one is refuted with a witness, or stands in a table that says why no prompt can tell.

A check that is never seen to fail proves nothing. Faults are planted in the weights (entries, blocks, masks, layers,
read-out), in the reference itself, in the polynomials and in the prime field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from expected import Update, expected
from flint import Ordering, fmpq, fmpq_mpoly_ctx
from helpers import (
    CASES,
    PARAMETERS,
    Case,
    Trial,
    each_case,
    each_case_with_steps,
    entry_changed,
    prediction,
    run_layers,
    trial,
    with_matrix,
)

from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.arithmetics.entries import EntryMatrix
from layerproof.symbolic.arithmetics.prime_field import FieldMatrix
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.attention import Head, RowHead
from layerproof.symbolic.construction import Construction, construct, instantiate
from layerproof.symbolic.derivation.derive import Derivation
from layerproof.symbolic.derivation.factor import SymbolicHead
from layerproof.symbolic.identity import entrywise as entrywise_module
from layerproof.symbolic.identity.entrywise import entrywise
from layerproof.symbolic.identity.exact import Mismatch
from layerproof.symbolic.identity.random import random_identity
from layerproof.symbolic.prompt import Layout
from layerproof.symbolic.readout import Readout
from layerproof.symbolic.transitions import Sweep, Transition

pytestmark = pytest.mark.slow

TINY = Fraction(1, 2**30)
D, N, DEPTH, PLANTED = 2, 3, 3, 1  # sizes, and the layer (counted from 0) in which a weight is changed


@dataclass(frozen=True, eq=False)
class Fault:
    """A construction with one thing wrong: `site` is the kind of place, `head` the head it is in."""

    site: str
    name: str
    construction: Construction
    head: int = 0


@cache
def rows_of_rewards(case: Case) -> frozenset[str]:
    """The accumulator rows that are zero in the query column, whatever the weights."""
    setup = trial(case, D, N, 1).setup
    names = (row.name for row in case.algorithm.accumulators)
    return frozenset(name for name, row in zip(names, setup.rows(setup.start), strict=True) if row[-1] == 0)


def unseen(case: Case, h: int, i: int, j: int) -> bool:
    """Whether head h meets only zeros at the mask's entry (i, j), whatever the prompt.

    In the query column a row of rewards is zero, and so is every feature block that the query has no entry in.
    """
    head = case.derivation.heads[h]
    zero = {b.name for b in case.algorithm.features if b.query is None} | rows_of_rewards(case)
    if isinstance(head, SymbolicHead):
        values, keys = {read for _, read in head.U}, {key for key, _, _ in head.E}
    else:
        values = keys = {head.row}
    return (i == N and values <= zero) or (j == N and keys <= zero)


def at_the_query_only(case: Case, fault: Fault, old: Head, new: Head) -> bool:
    before, after = old.M.fractions(), new.M.fractions()
    changed = [(i, j) for i, row in enumerate(before) for j, x in enumerate(row) if x != after[i][j]]
    return bool(changed) and all(unseen(case, fault.head, i, j) for i, j in changed)


def same_product(case: Case, fault: Fault, old: Head, new: Head) -> bool:
    return fault.site in ("W", "P") and old.W @ old.P == new.W @ new.P


def nothing_changed(case: Case, fault: Fault, old: Head, new: Head) -> bool:
    return "transposed" in fault.name and old.M == new.M and old.Q == new.Q


EQUIVALENT: tuple[tuple[Callable[[Case, Fault, Head, Head], bool], str], ...] = (
    (same_product, "W and P reach the prompt only through their product W P, and that is unchanged"),
    (nothing_changed, "M0 is symmetric, and a block of one entry is its own transpose: the weights are the same"),
    (
        at_the_query_only,
        "the reward row, phi' and the constant row are zero in the query column: a head that reads only such takes "
        "nothing from the query token, and one whose keys have no entry there meets nothing",
    ),
)


def reason(case: Case, fault: Fault, good: Construction) -> str | None:
    """Why no prompt can tell the fault from the right weights, or None."""
    if fault.site == "layers":
        return None
    old, new = (c.layers[PLANTED][fault.head] for c in (good, fault.construction))
    return next((why for applies, why in EQUIVALENT if applies(case, fault, old, new)), None)


# where faults are planted


def entry_faults(good: Construction) -> Iterator[Fault]:
    """2^-30 added to each single entry of each of a head's four matrices."""
    for h, head in enumerate(good.layers[PLANTED]):
        for site in "WPQM":
            matrix = getattr(head, site)
            height, width = matrix.shape
            for i in range(height):
                for j in range(width):
                    changed = entry_changed(matrix, i, j, lambda x: x + TINY)
                    planted = with_matrix(good, PLANTED, h, **{site: changed})
                    yield Fault(site, f"{site}_{h}[{i}, {j}] + 2^-30", planted, h)


def unit_faults(good: Construction) -> Iterator[Fault]:
    """Each non-zero entry of P, and each non-zero block of Q: sign, scale, transpose, removal."""
    changes = {"negated": Fraction(-1), "times 1 + 2^-30": 1 + TINY, "removed": Fraction(0)}
    names = [*(name for name, _ in good.layout.features), *good.layout.accumulators]
    blocks = [(name, good.layout.rows(name)) for name in names]
    for h, head in enumerate(good.layers[PLANTED]):
        P, Q = head.P.fractions(), head.Q.fractions()
        for i, j in [(i, j) for i, row in enumerate(P) for j, x in enumerate(row) if x]:
            for label, factor in changes.items():
                changed = entry_changed(head.P, i, j, lambda x, f=factor: f * x)
                yield Fault("P", f"P_{h}[{i}, {j}] {label}", with_matrix(good, PLANTED, h, P=changed), h)
        for (r, rows), (s, columns) in [(a, b) for a in blocks for b in blocks]:
            block = [[Q[i][j] for j in columns] for i in rows]
            if not any(x for row in block for x in row):
                continue
            variants = {label: [[f * x for x in row] for row in block] for label, f in changes.items()}
            variants["transposed"] = [list(column) for column in zip(*block, strict=True)]
            for label, entries in variants.items():
                changed_rows = [list(row) for row in Q]
                for i, row in zip(rows, entries, strict=True):
                    changed_rows[i][columns.start : columns.stop] = row
                planted = with_matrix(good, PLANTED, h, Q=RationalMatrix.of(changed_rows))
                yield Fault("Q", f"Q_{h}[{r}, {s}] {label}", planted, h)


def mask_faults(good: Construction) -> Iterator[Fault]:
    """Each head's mask as a whole: transposed, moved along by one, open to the query, empty, or another head's."""
    for h, head in enumerate(good.layers[PLANTED]):
        M = head.M.fractions()
        size = len(M)
        variants = {
            "transposed": [list(column) for column in zip(*M, strict=True)],
            "moved down by one": [[Fraction(0)] * size, *M[:-1]],
            "moved right by one": [[Fraction(0), *row[:-1]] for row in M],
            "all ones, the query included": [[Fraction(1)] * size for _ in M],
            "identity, the query included": [[Fraction(i == j) for j in range(size)] for i in range(size)],
            "empty": [[Fraction(0)] * size for _ in M],
        }
        for label, rows in variants.items():
            yield Fault("mask", f"M_{h} {label}", with_matrix(good, PLANTED, h, M=RationalMatrix.of(rows)), h)
    masks = [head.M for head in good.layers[PLANTED]]
    if any(masks[0] != M for M in masks):
        swapped = tuple(replace(h, M=M) for h, M in zip(good.layers[PLANTED], reversed(masks), strict=True))
        layers = (*good.layers[:PLANTED], swapped, *good.layers[PLANTED + 1 :])
        yield Fault("mask", "two masks swapped", replace(good, layers=layers))


def layer_faults(good: Construction) -> Iterator[Fault]:
    """Whole layers: the wrong order, one set for all, a head missing or run twice, a step that is slightly off."""
    layers = good.layers

    def stepped(c: Fraction) -> tuple[Any, ...]:
        return tuple(tuple(replace(h, P=h.P * c) for h in heads) for heads in layers)

    def turned(heads: Any) -> Any:
        return tuple(replace(h, Q=h.Q.mT) for h in heads)

    others = {
        "layer l uses C of layer l + 1": (*layers[1:], layers[0]),
        "layer l uses C of layer l - 1": (layers[-1], *layers[:-1]),
        "the first layer's weights at every layer": (layers[0],) * len(layers),
        "the last two layers exchanged": (*layers[:-2], layers[-1], layers[-2]),
    }
    variants = {
        **(others if good.steps[0] else {}),  # without steps all layers are one
        "step 1/n times 1 + 1e-9": stepped(1 + Fraction(1, 10**9)),
        "step 1/(n+1) for 1/n": stepped(Fraction(N, N + 1)),
        "step 1 for 1/n": stepped(Fraction(N)),
        "every head the wrong sign": stepped(Fraction(-1)),
        "Q transposed in every layer": tuple(turned(heads) for heads in layers),
    }
    for h in range(len(layers[0])):
        variants[f"head {h} missing"] = tuple((*heads[:h], *heads[h + 1 :]) for heads in layers)
        variants[f"head {h} twice"] = tuple((*heads, heads[h]) for heads in layers)
    for label, changed in variants.items():
        yield Fault("layers", label, replace(good, layers=changed))


def killed(t: Trial, fault: Fault) -> Mismatch | None:
    """The first place where the faulty construction leaves the iterates."""
    return next((m for m in t.check(fault.construction) if m is not None), None)


@each_case
@pytest.mark.parametrize("plant", [entry_faults, unit_faults, mask_faults, layer_faults], ids=lambda f: f.__name__)
def test_every_planted_fault_is_refuted_or_is_no_fault(case: Case, plant):
    t = trial(case, D, N, DEPTH)
    good = t.construction
    faults = list(plant(good))
    assert len({f.name for f in faults}) == len(faults) > 0
    survivors = {f.name for f in faults if killed(t, f) is None}
    assert survivors == {f.name for f in faults if reason(case, f, good)}


@each_case
def test_a_fault_that_is_called_equivalent_survives_other_prompts_too(case: Case):
    for seed in (1, 2):
        t = trial(case, D, N, DEPTH, seed)
        good = t.construction
        assert [f.name for f in entry_faults(good) if reason(case, f, good) and killed(t, f)] == []


@each_case
@pytest.mark.parametrize("number", range(DEPTH))
def test_a_fault_in_one_layer_is_found_in_that_layer(case: Case, number):
    # the first layer only, a middle one, the last one only
    t = trial(case, D, N, DEPTH)
    head = t.construction.layers[number][0]
    planted = with_matrix(t.construction, number, 0, P=head.P * (1 + TINY))
    assert next(k for k, m in enumerate(t.check(planted)) if m) == number


@each_case
def test_a_witness_names_the_place_and_both_values(case: Case):
    t = trial(case, D, N, DEPTH)
    wrong = next(layer_faults(t.construction))
    witness = killed(t, wrong)
    layout = t.setup.layout
    Z = [*t.setup.X.fractions(), *([x.fraction() for x in row] for row in t.setup.rows(t.setup.start))]
    row = layout.row_names().index(witness.row)
    assert witness.column_name == layout.column_name(witness.column)
    assert witness.layer_value == run_layers(wrong.construction, Z)[witness.layer - 1][row][witness.column]
    moved = trial(case, D, N, DEPTH, start=list(t.iterates()[witness.layer - 1])).setup
    assert witness.iterate_value == moved.rows(moved.start)[row - layout.p][witness.column]
    assert witness.layer_value != witness.iterate_value


@each_case_with_steps
def test_a_looped_construction_is_refuted_against_layers_of_their_own(case: Case):
    looped, sequential = trial(case, D, N, DEPTH, looped=True), trial(case, D, N, DEPTH)
    assert looped.steps == sequential.steps[:1]
    assert [m is None for m in sequential.check(looped.construction)] == [True, False, False]


@pytest.mark.parametrize("case", [c for c in CASES if c.algorithm.tables], ids=str)
def test_the_entry_of_another_layer_is_refuted_where_a_table_prescribes_it(case: Case):
    t, algorithm = trial(case, D, N, DEPTH), case.algorithm
    later = algorithm.prescribed([t.steps[0]] * (DEPTH + 1))[1:]
    prescribed = [name in algorithm.tables for name in algorithm.preconditioners]
    steps = [
        tuple(b if tabled else a for a, b, tabled in zip(own, next_one, prescribed, strict=True))
        for own, next_one in zip(t.steps, later, strict=True)
    ]
    assert [a for a, b in zip(t.steps, steps, strict=True) if a == b] == []
    wrong = construct(case.derivation, D, N, DEPTH, steps, t.construction.parameters)
    right = construct(case.derivation, D, N, DEPTH, t.steps, t.construction.parameters)
    assert not any(t.check(right)) and any(t.check(wrong))


def test_the_papers_trace_and_the_textbooks_are_told_apart():
    paper, textbook = Case("td-lambda", (("trace", "lam"),)), Case("td-lambda", (("trace", "gamma-lam"),))
    for one, other in ((paper, textbook), (textbook, paper)):
        assert all(trial(one).check(trial(other).construction))
        assert not any(trial(one).check())


# the read-out


def readout_faults(good: Construction) -> Iterator[Construction]:
    yield replace(good, readout=replace(good.readout, sign=-good.readout.sign))
    for row in good.layout.accumulators:
        if row != good.readout.row:
            yield replace(good, readout=Readout(row, good.readout.sign))
            yield replace(good, readout=Readout(row, -good.readout.sign))


@each_case
def test_a_wrong_readout_predicts_something_else(case: Case):
    t = trial(case, D, N, DEPTH)
    Z = [*t.setup.X.fractions(), *([x.fraction() for x in row] for row in t.setup.rows(t.setup.start))]
    for planted in readout_faults(t.construction):
        for state in run_layers(planted, Z):
            assert prediction(planted, state) != prediction(t.construction, state)


@each_case
def test_a_wrong_readout_is_refuted(case: Case):
    t = trial(case, D, N, DEPTH)
    for planted in readout_faults(t.construction):
        assert all(witness.row == "prediction" and witness.column == N for witness in t.check(planted))


@each_case
def test_a_wrong_readout_shows_at_a_random_point(case: Case):
    derivation = case.derivation
    for planted in readout_faults(trial(case, D, N, DEPTH).construction):
        wrong = replace(derivation, readout=planted.readout)
        assert random_identity(wrong, D, N, DEPTH, PARAMETERS, seed=1).mismatch is not None


# the reference: faults that any algorithm's update can have


def with_transitions(change: Callable[[list[Transition]], list[Transition]]) -> Callable[[Update], Update]:
    """The update on other transitions, renumbered, with n as it was."""

    def wrong(update: Update) -> Update:
        def changed(weights, preconditioners, sweep, p):
            other = Sweep([replace(t, index=j) for j, t in enumerate(change(list(sweep)), start=1)])
            other.n = sweep.n
            return update(weights, preconditioners, other, p)

        return changed

    return wrong


def with_preconditioners(change: Callable[[Sequence[Any]], Sequence[Any]]) -> Callable[[Update], Update]:
    return lambda update: lambda weights, steps, sweep, p: update(weights, change(steps), sweep, p)


def with_gamma(change: Callable[[Any], Any]) -> Callable[[Update], Update]:
    def discounted(p: Any) -> SimpleNamespace:
        return SimpleNamespace(**{**vars(p), "gamma": change(p.gamma)})

    return lambda update: lambda weights, steps, sweep, p: update(weights, steps, sweep, discounted(p))


def with_step(factor: Fraction) -> Callable[[Update], Update]:
    def wrong(update: Update) -> Update:
        def changed(weights, preconditioners, sweep, p):
            new = update(weights, preconditioners, sweep, p)
            return tuple(w + (v - w) * factor for w, v in zip(weights, new, strict=True))

        return changed

    return wrong


COMMON: dict[str, Callable[[Update], Update]] = {
    "C on the wrong side": with_preconditioners(lambda steps: [getattr(C, "mT", C) for C in steps]),
    "steps exchanged": with_preconditioners(lambda steps: steps[::-1]),
    "discount dropped": with_gamma(lambda gamma: Fraction(1)),
    "discounted twice": with_gamma(lambda gamma: gamma * gamma),
    "next value ignored": with_gamma(lambda gamma: 0 * gamma),
    "reward negated": with_transitions(lambda ts: [replace(t, reward=-t.reward) for t in ts]),
    "state and next state exchanged": with_transitions(
        lambda ts: [replace(t, phi=t.phi_next, phi_next=t.phi) for t in ts]
    ),
    "the last transition skipped": with_transitions(lambda ts: ts[:-1]),
    "the first transition read twice": with_transitions(lambda ts: [ts[0], *ts]),
    "the context read backwards": with_transitions(lambda ts: ts[::-1]),
    "rewards of the transition before": with_transitions(
        lambda ts: [replace(t, reward=s.reward) for t, s in zip(ts, [ts[-1], *ts], strict=False)]
    ),
    "update negated": with_step(Fraction(-1)),
    "no update": with_step(Fraction(0)),
    "mean over n + 1": with_step(Fraction(N, N + 1)),
    "sum for mean": with_step(Fraction(N)),
    "step times 1 + 1e-9": with_step(1 + Fraction(1, 10**9)),
}


def applies(fault: str, algorithm: Algorithm) -> bool:
    """Whether the algorithm has what the fault is about: a discount, or two step matrices of one kind."""
    if fault in ("discount dropped", "discounted twice", "next value ignored"):
        return "gamma" in algorithm.parameters
    if fault == "C on the wrong side":
        return bool(algorithm.preconditioners)
    if fault == "steps exchanged":
        return len(algorithm.preconditioners) == 2 and not algorithm.scalar_preconditioners
    return True


A_SUM = "the update is a sum over transitions, and a sum does not depend on the order of its terms"


def faulty_updates(algorithm: Algorithm) -> dict[str, Update]:
    """Every fault of the reference that this algorithm can have."""
    common = {name: wrong(algorithm.update) for name, wrong in COMMON.items() if applies(name, algorithm)}
    return {**common, **expected(algorithm.name).faults}


def no_faults(algorithm: Algorithm) -> dict[str, str]:
    """Those that are none, and why no prompt can tell."""
    known = expected(algorithm.name)
    return {**({} if known.ordered else {"the context read backwards": A_SUM}), **known.no_faults}


@each_case
def test_a_faulty_reference_is_refuted_or_is_no_fault(case: Case):
    t = trial(case, D, N, DEPTH)
    faults = faulty_updates(case.algorithm)
    survivors = {name for name, update in faults.items() if not any(t.check(update=update))}
    assert survivors == set(no_faults(case.algorithm))


@each_case
def test_the_same_builders_with_the_right_pieces_are_not_refuted(case: Case):
    assert not any(trial(case, D, N, DEPTH).check(update=expected(case.name).right))


# polynomials and the prime field


def polynomial_heads(derivation: Derivation, d: int, n: int) -> tuple[Any, tuple[RowHead, ...]]:
    """The polynomial ring of `entrywise` and the derived heads in it."""
    names = list(entrywise_module._variable_names(derivation, d, n))
    ring = fmpq_mpoly_ctx.get(names, Ordering.lex)
    variable = dict(zip(names, ring.gens(), strict=True))
    algorithm = derivation.algorithm
    step = tuple(
        variable[c]
        if c in algorithm.scalar_preconditioners
        else [[variable[f"{c}[{i},{j}]"] for j in range(d)] for i in range(d)]
        for c in algorithm.preconditioners
    )
    values = {name: variable[name] for name in algorithm.parameters}
    # a selection is any numbers of the tokens, as in `entrywise`: without them these were the heads of layer 1
    values |= {name: lambda j, name=name: variable[f"{name}[{j - 1}]"] for name in algorithm.selections}
    arithmetic = entrywise_module.polynomial_arithmetic(ring)
    return ring, instantiate(derivation, arithmetic, Layout.of(algorithm, d, n), [step], values)[0]


def each_entry(heads: Sequence[RowHead]) -> Iterator[tuple[int, str, int, int]]:
    """Every entry of every head's U, E and M."""
    for h, head in enumerate(heads):
        for site in ("U", "E", "M"):
            height, width = getattr(head, site).shape
            yield from ((h, site, i, j) for i in range(height) for j in range(width))


@each_case
def test_a_fault_in_any_entry_leaves_a_polynomial(case: Case):
    ring, heads = polynomial_heads(case.derivation, D, N)
    assert entrywise(case.derivation, D, N, heads).holds
    tiny = ring.constant(fmpq(1, 2**30))
    survivors, expected = set(), set()
    for h, site, i, j in each_entry(heads):
        rows = [list(row) for row in getattr(heads[h], site).rows]
        rows[i][j] = tiny if rows[i][j] is None else rows[i][j] + tiny
        planted = [*heads[:h], replace(heads[h], **{site: EntryMatrix(rows)}), *heads[h + 1 :]]
        result = entrywise(case.derivation, D, N, planted)
        assert (result.difference is None) == result.holds
        survivors |= {(h, site, i, j)} if result.holds else set()
        expected |= {(h, site, i, j)} if site == "M" and unseen(case, h, i, j) else set()
    assert survivors == expected


@each_case
def test_a_derivation_with_a_wrong_head_leaves_a_polynomial(case: Case):
    derivation = case.derivation
    for h, head in enumerate(derivation.heads):
        for key, value in head.E.items():
            wrong = replace(head, E={**head.E, key: -value})
            heads = (*derivation.heads[:h], wrong, *derivation.heads[h + 1 :])
            assert not entrywise(replace(derivation, heads=heads), D, N).holds


def test_no_heads_at_all_leave_a_polynomial():
    assert not entrywise(Case("td0").derivation, D, N, heads=[]).holds


@each_case
def test_a_fault_in_any_entry_shows_at_a_random_point(case: Case):
    def tamper(h: int, site: str, i: int, j: int) -> Callable[[list[Any]], list[Any]]:
        def planted(layers: list[Any]) -> list[Any]:
            heads = list(layers[PLANTED])
            matrix = getattr(heads[h], site)
            rows = [[int(matrix.mat[a, b]) for b in range(matrix.shape[1])] for a in range(matrix.shape[0])]
            rows[i][j] += 1
            heads[h] = replace(heads[h], **{site: FieldMatrix.of(rows)})
            return [*layers[:PLANTED], tuple(heads), *layers[PLANTED + 1 :]]

        return planted

    survivors, expected = set(), set()
    _, shapes = polynomial_heads(case.derivation, D, N)
    for place in each_entry(shapes):
        difference = random_identity(case.derivation, D, N, DEPTH, PARAMETERS, seed=1, tamper=tamper(*place)).mismatch
        assert difference is None or difference.layer == PLANTED + 1
        survivors |= {place} if difference is None else set()
        h, site, i, j = place
        expected |= {place} if site == "M" and unseen(case, h, i, j) else set()
    assert survivors == expected


@each_case_with_steps
def test_layers_in_the_wrong_order_show_at_a_random_point(case: Case):
    def shifted(layers: list[Any]) -> list[Any]:
        return [*layers[1:], layers[0]]

    result = random_identity(case.derivation, D, N, DEPTH, PARAMETERS, seed=1, tamper=shifted)
    assert result.mismatch is not None
    assert result.mismatch.layer == 1
