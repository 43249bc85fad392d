"""The weights are solved for, the masks are proved for every n, and what no layer can do is refused with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from expected import expected
from helpers import Case, each_case
from sympy import Expr, Integer, Symbol

from layerproof.symbolic.algorithm import FeatureBlock
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.derivation.ansatz import Ansatz
from layerproof.symbolic.derivation.derive import SOLVED_AT, Derivation, derive, predicted_tensor
from layerproof.symbolic.derivation.factor import SymbolicHead
from layerproof.symbolic.derivation.masks import Mask, Triangle, lemma, masks_of
from layerproof.symbolic.derivation.words import transpose
from layerproof.symbolic.errors import NotPolynomialError, NotRepresentableError
from layerproof.symbolic.identity.blocks import block_identity

# the solved tensor and its factorisation


@pytest.mark.slow
@each_case
def test_the_system_is_solved_at_three_context_lengths(case: Case):
    assert SOLVED_AT == tuple(tensor.n for tensor in case.derivation.tensors) == (2, 3, 4)


@each_case
def test_the_solved_tensor_is_the_closed_form(case: Case):
    derivation = case.derivation
    for tensor in derivation.tensors:
        closed = predicted_tensor(derivation.masks, derivation.heads, tensor.n)
        loose = {(u.read, u.key_block, u.word, u.query_block) for u in tensor.undetermined}
        solved = {key: at for key, at in tensor.slices.items() if key[1:] not in loose}
        assert solved == {key: at for key, at in closed.items() if key[1:] not in loose}
        assert solved
        own = {pair for h in derivation.tokenwise for pair in product(h.U, h.E)}
        assert tensor.own.keys() == own


@each_case
def test_the_heads_are_as_few_as_the_flattenings_allow(case: Case):
    assert len(case.derivation.heads) == case.derivation.head_lower_bound == expected(case.name).heads


@each_case
def test_only_a_constant_row_leaves_entries_undetermined(case: Case):
    # sum_ij Y_i T_ij 1_j 1_t: the constant is the same at every key token, so only the sum over j is forced.
    for tensor in case.derivation.tensors:
        places = {(u.key_block, u.query_block) for u in tensor.undetermined}
        assert places == expected(case.name).undetermined
        # n keys of which one is chosen, for every entry of the rows that prompts do not hold zero in
        seen = sum(bool(y) for rows in Ansatz(case.derivation.state, tensor.n).rows for y in rows)
        assert len(tensor.undetermined) == ((tensor.n - 1) * seen if places else 0)


def test_unknowns_of_td0_are_determined_but_for_the_querys_zeros():
    for tensor in derive(catalogue()["td0"]).tensors:
        tokens, words, blocks = tensor.n + 1, 3, 2  # I, C and C^T between two of phi, gamma phi'
        assert tensor.unknowns == tokens**2 * blocks**2 * words
        # the query token has no gamma phi': as a key it shows nothing, whatever the value token
        assert tensor.invisible == tokens * blocks * words
        assert tensor.determined == tensor.unknowns - tensor.invisible


@each_case
def test_the_readout_is_minus_the_query_entry(case: Case):
    readout = case.derivation.readout
    assert (readout.row, readout.sign) == (expected(case.name).reads, -1)
    assert tuple(row.name for row in case.algorithm.accumulators) == expected(case.name).rows


def test_an_update_without_its_prediction_in_a_row_has_no_readout():
    doubled = replace(TD0.accumulators[0], value=lambda w, x, p: x.reward + 2 * (w[0] @ (x.gamma_phi_next - x.phi)))
    with pytest.raises(NotRepresentableError):
        derive(replace(TD0, name="twice", accumulators=(doubled,)))


# the block identity: symbolic d and n, opaque masks


@each_case
def test_the_block_identity_holds_in_every_block_row(case: Case):
    residuals = block_identity(case.derivation)
    blocks = (*case.algorithm.features, *case.algorithm.accumulators)
    assert [r.row for r in residuals] == [b.name for b in blocks]
    assert all(r.holds for r in residuals)


def refuted(derivation: Derivation) -> bool:
    return not all(r.holds for r in block_identity(derivation))


def each_wrong_head(derivation: Derivation, change: Callable[[Any], Any]) -> list[Derivation]:
    heads = derivation.heads
    return [
        replace(derivation, heads=(*heads[:h], wrong, *heads[h + 1 :]))
        for h, head in enumerate(heads)
        for wrong in change(head)
    ]


def c_transposed(head: Any) -> list[Any]:
    return [
        replace(head, E={((r, transpose(word), s) if key == (r, word, s) else key): c for key, c in head.E.items()})
        for r, word, s in (head.E if isinstance(head, SymbolicHead) else ())
        if word
    ]


def sign_flipped(head: Any) -> list[Any]:
    flipped_u = [replace(head, U={**head.U, key: -c}) for key, c in head.U.items()]
    return flipped_u + [replace(head, E={**head.E, key: -c}) for key, c in head.E.items()]


def entry_removed(head: Any) -> list[Any]:
    smaller_u = [replace(head, U={k: c for k, c in head.U.items() if k != key}) for key in head.U]
    return smaller_u + [replace(head, E={k: c for k, c in head.E.items() if k != key}) for key in head.E]


def scaled(head: Any) -> list[Any]:
    return [replace(head, U={**head.U, key: c * (1 + Fraction(1, 2**30))}) for key, c in head.U.items()]


@pytest.mark.slow
@each_case
@pytest.mark.parametrize("change", [c_transposed, sign_flipped, entry_removed, scaled], ids=lambda f: f.__name__)
def test_the_block_identity_is_refuted_for_a_wrong_entry(case: Case, change):
    wrong = each_wrong_head(case.derivation, change)
    assert wrong or (change is c_transposed and not case.algorithm.preconditioners)
    assert all(refuted(d) for d in wrong)


@each_case
def test_the_block_identity_is_refuted_without_one_of_the_heads(case: Case):
    heads = case.derivation.heads
    for h in range(len(heads)):
        assert refuted(replace(case.derivation, heads=heads[:h] + heads[h + 1 :]))


def test_the_block_identity_is_refuted_for_masks_swapped():
    derivation = derive(catalogue()["average-reward-td"])
    assert derivation.mask_names == ("M0", "M1")
    swapped = tuple(replace(head, mask=1 - head.mask) for head in derivation.heads)
    assert refuted(replace(derivation, heads=swapped))


def test_the_block_identity_does_not_care_which_masks_they_are():
    # it holds for every mask; which mask is the loop's is the lemma's business
    derivation = derive(catalogue()["td-lambda"])
    other = replace(derivation.masks[0], lower=())
    (change,) = derivation.loop.changes
    untraced = replace(change, terms=tuple(t for t in change.terms if not t.block_trace))
    assert not refuted(replace(derivation, masks=(other,), loop=replace(derivation.loop, changes=(untraced,))))


# the mask lemma: the only place where n enters


@dataclass(frozen=True, eq=False)
class WrittenTriangle(Triangle):
    """A triangle whose entry is given as an expression in the later and the earlier position."""

    written: Callable[[Any, Any], Expr] = lambda later, earlier: Integer(0)

    def entry(self, later: Symbol, earlier: Symbol) -> Expr:
        return self.written(later, earlier)


def lemma_of(case: Case, row: str, change: Callable[[Mask], Mask] = lambda mask: mask) -> bool:
    """Whether the lemma accepts the (changed) mask that joins `row` to phi."""
    terms = case.derivation.loop.changes[0].terms
    scale, mask = masks_of(terms)[row, "phi"]
    return all(step.holds for step in lemma(change(mask), scale, terms, row, "phi"))


def lower(written: Callable[[Any, Any], Expr]) -> Callable[[Mask], Mask]:
    return lambda m: replace(m, lower=(WrittenTriangle(m.lower[0].coefficient, m.lower[0].decay, written=written),))


def upper(written: Callable[[Any, Any], Expr]) -> Callable[[Mask], Mask]:
    return lambda m: replace(m, upper=(WrittenTriangle(m.upper[0].coefficient, m.upper[0].decay, written=written),))


LAM, GAMMA = Symbol("lam"), Symbol("gamma")
PAPER, TEXTBOOK = Case("td-lambda", (("trace", "lam"),)), Case("td-lambda", (("trace", "gamma-lam"),))
AVERAGE = Case("average-reward-td")


@each_case
def test_the_mask_lemma_holds_for_every_mask(case: Case):
    # every weight's total, every accumulator row and block that it joins
    places = {(c.weight, *key) for c in case.derivation.loop.changes for key in masks_of(c.terms)}
    assert set(case.derivation.lemma) == places
    assert all(step.holds for steps in case.derivation.lemma.values() for step in steps)
    assert all(case.derivation.lemma.values())


def test_the_lemma_accepts_the_closed_forms_written_by_hand():
    assert lemma_of(PAPER, "td_error", lower(lambda i, j: LAM ** (i - j)))
    assert lemma_of(TEXTBOOK, "td_error", lower(lambda i, j: (GAMMA * LAM) ** (i - j)))
    assert lemma_of(AVERAGE, "reward", upper(lambda j, i: -1 / j))


WRONG_TRACES = {
    "lambda^(i-j-1)": lower(lambda i, j: LAM ** (i - j - 1)),
    "lambda^(i-j+1)": lower(lambda i, j: LAM ** (i - j + 1)),
    "lambda^(j-i)": lower(lambda i, j: LAM ** (j - i)),
    "lambda": lower(lambda i, j: LAM),
    "gamma^(i-j)": lower(lambda i, j: GAMMA ** (i - j)),
    "1": lower(lambda i, j: Integer(1)),
    "right for neighbours only": lower(lambda i, j: LAM * (i - j)),
    "right at n = 3 only": lower(lambda i, j: LAM ** (i - j) * (1 + (i - j - 1) * (i - j - 2))),
    "no triangle": lambda m: replace(m, lower=()),
    "transposed": lambda m: replace(m, lower=(), upper=m.lower),
    "both triangles": lambda m: replace(m, upper=m.lower),
    "diagonal doubled": lambda m: replace(m, diagonal=m.diagonal * 2),
    "diagonal empty": lambda m: replace(m, diagonal=m.diagonal * 0),
    "coefficient 1": lambda m: replace(m, lower=(replace(m.lower[0], coefficient=m.diagonal),)),
}


@pytest.mark.parametrize("wrong", WRONG_TRACES.values(), ids=WRONG_TRACES)
@pytest.mark.parametrize("case", [PAPER, TEXTBOOK], ids=str)
def test_a_wrong_trace_mask_is_refuted(case, wrong):
    assert not lemma_of(case, "td_error", wrong)


def test_the_papers_trace_and_the_textbooks_have_different_masks():
    assert not lemma_of(TEXTBOOK, "td_error", lower(lambda i, j: LAM ** (i - j)))
    assert not lemma_of(PAPER, "td_error", lower(lambda i, j: (GAMMA * LAM) ** (i - j)))
    for case, other in ((PAPER, TEXTBOOK), (TEXTBOOK, PAPER)):
        assert not lemma_of(case, "td_error", lambda mask, other=other: other.derivation.masks[0])


WRONG_MEANS = {
    "1/(j+1)": upper(lambda j, i: -1 / (j + 1)),
    "1/(j-1)": upper(lambda j, i: -1 / (j - 1)),
    "1/i": upper(lambda j, i: -1 / i),
    "1/j^2": upper(lambda j, i: -1 / j**2),
    "the sign": upper(lambda j, i: 1 / j),
    "1/2": upper(lambda j, i: -Integer(1) / 2),
    "no triangle": lambda m: replace(m, upper=()),
    "transposed": lambda m: replace(m, upper=(), lower=m.upper),
    "diagonal 1": lambda m: replace(m, diagonal=m.diagonal * 0 + 1),
    "diagonal 1/j": lambda m: replace(m, diagonal=1 - m.diagonal),
    "1/j decays": lambda m: replace(m, upper=(replace(m.upper[0], decay=m.diagonal * 0 + Fraction(1, 2)),)),
}


@pytest.mark.parametrize("wrong", WRONG_MEANS.values(), ids=WRONG_MEANS)
def test_a_wrong_mean_mask_is_refuted(wrong):
    assert not lemma_of(AVERAGE, "reward", wrong)


@each_case
def test_a_trace_where_the_loop_keeps_none_is_refuted(case: Case):
    triangle = WrittenTriangle(PAPER.derivation.masks[0].diagonal, PAPER.derivation.masks[0].diagonal, lambda i, j: LAM)
    changes = [(c, *key) for c in case.derivation.loop.changes for key in masks_of(c.terms)]
    diagonal = [(c, r, b) for c, r, b in changes if not (m := masks_of(c.terms)[r, b][1]).lower and not m.upper]
    assert diagonal or expected(case.name).ordered
    for change, row, block in diagonal:
        scale, mask = masks_of(change.terms)[row, block]
        for wrong in (replace(mask, lower=(triangle,)), replace(mask, upper=(triangle,))):
            assert not all(step.holds for step in lemma(wrong, scale, change.terms, row, block))


@each_case
def test_a_wrong_mask_is_not_the_solved_tensor(case: Case):
    derivation = case.derivation
    for position, mask in enumerate(derivation.masks):
        wrong = replace(mask, diagonal=mask.diagonal * 2)
        masks = (*derivation.masks[:position], wrong, *derivation.masks[position + 1 :])
        for tensor in derivation.tensors:
            closed = predicted_tensor(masks, derivation.heads, tensor.n)
            assert any(tensor.slices[key] != at for key, at in closed.items())


# what no layer can do


TD0 = catalogue()["td0"]


def delta(w: Any, t: Any, p: Any) -> Any:
    return t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi


def summing(gain: Callable[[Any, Any, Any], Any]) -> Callable[..., tuple[Any, ...]]:
    """w + C (1/n) sum_j gain."""

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + gain(w, t, p)
        return (w + C @ sweep.total / sweep.n,)

    return update


def derive_td0_with(update: Any, **changes: Any) -> Derivation:
    return derive(replace(TD0, name="changed", update=update, **changes))


def test_the_builder_with_td0s_own_gain_is_derived():
    assert len(derive_td0_with(summing(lambda w, t, p: delta(w, t, p) * t.phi)).heads) == 1


NOT_POLYNOMIAL = {
    "a max over actions": (lambda w, t, p: (t.reward + p.gamma * max(w @ t.phi_next, w @ t.phi)) * t.phi, "max"),
    "a clipped error": (lambda w, t, p: min(delta(w, t, p), 1) * t.phi, "min"),
    "a comparison": (lambda w, t, p: delta(w, t, p) * t.phi if delta(w, t, p) > 0 else 0 * t.phi, "compares"),
    "an absolute value": (lambda w, t, p: abs(delta(w, t, p)) * t.phi, "absolute value"),
    "a normalised step": (lambda w, t, p: delta(w, t, p) / (1 + t.phi @ t.phi) * t.phi, "divides by the sum"),
    "a division by a reward": (lambda w, t, p: delta(w, t, p) / t.reward * t.phi, "R_1, an entry of the prompt"),
    "a division by a norm": (lambda w, t, p: delta(w, t, p) * t.phi / (t.phi @ t.phi), "an entry of the prompt"),
    "a negative power": (lambda w, t, p: t.reward**-1 * t.phi, "divides by R_1, an entry of the prompt"),
    "a float": (lambda w, t, p: float(delta(w, t, p)) * t.phi, "float"),
}


@pytest.mark.parametrize(("gain", "why"), NOT_POLYNOMIAL.values(), ids=NOT_POLYNOMIAL)
def test_an_update_that_is_no_polynomial_is_refused_with_the_reason(gain, why):
    with pytest.raises(NotPolynomialError) as caught:
        derive_td0_with(summing(gain))
    assert why in str(caught.value)
    assert "write the update with +, -, *, @ only" in str(caught.value)


NOT_ONE_LAYER = {
    "a reward squared": (lambda w, t, p: t.reward * t.reward * t.phi, "R_1^2 * phi'_1^T C phi_1 at token 1"),
    "a weighted TD error": (
        lambda w, t, p: t.reward * delta(w, t, p) * t.phi,
        "R_1 * phi_1.w * phi_1^T C^T q at the query",
    ),
    "a value squared": (lambda w, t, p: (w @ t.phi) * (w @ t.phi) * t.phi, "phi_1.w^2 * phi_1^T C^T q at the query"),
    "no accumulator": (lambda w, t, p: t.phi, "phi_1^T C^T q at the query"),
    "features times features": (lambda w, t, p: (t.phi @ t.phi) * t.phi, "phi_1.phi_1 * phi_1^T C^T q at the query"),
}


@pytest.mark.parametrize(("gain", "monomial"), NOT_ONE_LAYER.values(), ids=NOT_ONE_LAYER)
def test_an_update_of_too_high_degree_is_refused_with_its_monomials(gain, monomial):
    with pytest.raises(NotRepresentableError, match="no head with key-query blocks") as caught:
        derive_td0_with(summing(gain))
    assert monomial in caught.value.monomials
    assert str(caught.value.monomials[0]) in str(caught.value)


def test_an_importance_ratio_times_a_reward_times_features_is_refused_even_with_a_row_for_the_ratio():
    # rho_j R_j phi_j is a third moment: a term of a layer has two factors from the context. The reward stands for
    # both rho and R here, so that the prompt has a row for either.
    rho = FeatureBlock("rho", lambda t, p: t.reward, scalar=True)
    with pytest.raises(NotRepresentableError) as caught:
        derive_td0_with(summing(lambda w, t, p: t.reward * t.reward * t.phi), features=(*TD0.features, rho))
    assert "R_1^2 * phi_1^T C^T q at the query" in caught.value.monomials


def local_trace(weights, preconditioners, sweep, p):
    (w,), (C,) = weights, preconditioners
    e = sweep.total = 0 * w
    for t in sweep:
        e = p.gamma * e + t.phi
        sweep.total = sweep.total + delta(w, t, p) * e
    return (w + C @ sweep.total / sweep.n,)


def local_sum_of_rewards(weights, preconditioners, sweep, p):
    (w,), (C,) = weights, preconditioners
    rewards, sweep.total = 0, 0 * w
    for t in sweep:
        rewards = rewards + t.reward
        sweep.total = sweep.total + (delta(w, t, p) + rewards) * t.phi
    return (w + C @ sweep.total / sweep.n,)


def local_total(weights, preconditioners, sweep, p):
    (w,), (C,) = weights, preconditioners
    total = 0 * w
    for t in sweep:
        total = total + delta(w, t, p) * t.phi
    return (w + C @ total / sweep.n,)


def first_transition_only(weights, preconditioners, sweep, p):
    (w,), (C,) = weights, preconditioners
    sweep.total, seen = 0 * w, False
    for t in sweep:
        sweep.total = sweep.total + (0 * t.phi if seen else delta(w, t, p) * t.phi)
        seen = True
    return (w + C @ sweep.total / sweep.n,)


@pytest.mark.parametrize("update", [local_trace, local_sum_of_rewards, first_transition_only], ids=lambda f: f.__name__)
def test_a_loop_variable_that_is_not_on_the_sweep_is_refused(update):
    # one generic step would look like plain TD(0): the tensor solved at n = 2 tells
    with pytest.raises(NotRepresentableError):
        derive_td0_with(update)


def first_four_transitions_only(weights, preconditioners, sweep, p):
    (w,), (C,) = weights, preconditioners
    sweep.total = 0 * w
    for count, t in enumerate(sweep, start=1):
        sweep.total = sweep.total + (delta(w, t, p) * t.phi if count < 5 else 0 * t.phi)
    return (w + C @ sweep.total / sweep.n,)


def test_a_plain_counter_that_tells_only_beyond_the_solved_lengths_is_refused():
    with pytest.raises(NotRepresentableError):
        derive_td0_with(first_four_transitions_only)


def test_an_update_with_nothing_on_the_sweep_is_refused_with_the_reason():
    with pytest.raises(NotRepresentableError, match="keeps no loop variable on its sweep"):
        derive_td0_with(local_total)


def test_a_loop_variable_without_a_start_is_named():
    def update(weights, preconditioners, sweep, p):
        for t in sweep:
            sweep.total = sweep.total + t.phi
        return weights

    with pytest.raises(AttributeError, match=r"sweep\.total before setting it"):
        derive_td0_with(update)


def branching(condition: Callable[[Any, Any], Any]) -> Callable[..., tuple[Any, ...]]:
    return summing(lambda w, t, p: 0 * t.phi if condition(w, t) else delta(w, t, p) * t.phi)


DATA_DEPENDENT = {
    "reward == 0": branching(lambda w, t: t.reward == 0),
    "truth of a reward": branching(lambda w, t: not t.reward),
    "truth of a value": branching(lambda w, t: not (w @ t.phi)),
    "equal features": branching(lambda w, t: t.phi == t.phi_next),
    "position == 5": branching(lambda w, t: t.index == 5),
}


@pytest.mark.parametrize("update", DATA_DEPENDENT.values(), ids=DATA_DEPENDENT)
def test_a_branch_on_the_data_is_refused(update):
    with pytest.raises((NotPolynomialError, NotRepresentableError)):
        derive_td0_with(update)


def test_a_float_constant_is_refused_with_the_reason():
    with pytest.raises(NotPolynomialError, match="no exact number"):
        derive_td0_with(summing(lambda w, t, p: 0.5 * delta(w, t, p) * t.phi))


def test_a_weight_of_one_over_the_position_is_derived():
    derivation = derive_td0_with(summing(lambda w, t, p: 1 / t.index * delta(w, t, p) * t.phi))
    assert [str(mask.diagonal_entry()) for mask in derivation.masks] == ["1/i"]


def test_an_update_that_forgets_the_discount_is_no_layer_on_this_prompt():
    with pytest.raises(NotRepresentableError):
        derive_td0_with(summing(lambda w, t, p: (t.reward + w @ t.phi_next - w @ t.phi) * t.phi))
