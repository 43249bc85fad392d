"""Unit columns: ridge TD for any C is derived over them, redone by hand, and every way to get it wrong is refused."""

from __future__ import annotations

import runpy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from helpers import apply, dot, plus, random_context, run_layers, times, transposed

import layerproof as lp
from layerproof.symbolic.algorithm import FeatureBlock
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.attention import Head
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.ansatz import Ansatz
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.derivation.state import SymbolicState
from layerproof.symbolic.errors import ArgumentError, ContentError, MissingRowError, NotRepresentableError, SizesError
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.identity.uniqueness import rank_at
from layerproof.symbolic.prompt import Context, with_unit_columns

FILE = Path(__file__).parents[2] / "examples" / "ridge_td_columns.py"
RIDGE = runpy.run_path(str(FILE))["ALGORITHM"]
GAMMA, SIZE = Fraction(9, 10), Fraction(5, 3)
VALUES = {"gamma": GAMMA, "c": SIZE}
D, N = 2, 5
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
W0 = [Fraction(3, 2), Fraction(-2)]


def ridge(kappa, step=lambda C, w: C @ w):
    """The same columns with another update: w + (1/n) (C sum_j delta_j phi_j - kappa * step(C, w))."""

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
        return (w + (C @ sweep.total - kappa(p) * step(C, w)) / sweep.n,)

    return replace(RIDGE, name="other-ridge", update=update)


def test_the_weights_are_those_of_td0_and_the_entry_of_unit_columns_is_solved_for():
    ours, plain = derive(RIDGE), derive(find("td0"))
    assert [(h.U, h.E, h.mask) for h in ours.heads] == [(h.U, h.E, h.mask) for h in plain.heads]
    assert ours.masks[0].is_context_mask
    assert ours.loop.mixing == {}
    for tensor in ours.tensors:
        unit = (tensor.n + 2, tensor.n + 2)
        assert not tensor.undetermined
        assert {key[3]: at[unit] for key, at in tensor.slices.items() if key[4] == "phi"} == {(("C", True),): {(): -1}}
    assert rank_at(ours, 2).as_symbolic


def test_one_iterate_by_hand():
    """The prompt is typed out, the layer is dense, and the loop goes over n - d transitions with -c^2 w beside them."""
    base, d, n = random_context(D, N, 4), D, N
    context = with_unit_columns(RIDGE, base, VALUES)
    first = n - d

    def columns(w):
        data = zip(base.features[:first], base.next_features[:first], base.rewards[:first], strict=True)
        told = [[*x, *times(GAMMA, y), r + GAMMA * dot(w, y) - dot(w, x)] for x, y, r in data]
        units = [[*(SIZE * (i == k) for k in range(d)), 0, 0, -SIZE * w[i]] for i in range(d)]
        return [*told, *units, [*base.query, 0, 0, -dot(w, base.query)]]

    errors = [told[-1] for told in columns(W0)[:first]]
    gain = plus(*(times(e, x) for e, x in zip(errors, base.features, strict=False)), times(-SIZE * SIZE, W0))
    after = plus(W0, times(Fraction(1, n), apply(C, gain)))
    built = construct(derive(RIDGE), d, n, 1, [(C,)], VALUES)
    assert run_layers(built, transposed(columns(W0))) == [transposed(columns(after))]
    setup = problem(RIDGE, RATIONALS, context, [W0], VALUES, {})
    assert next(textbook(setup, [(C,)]))[0].fractions() == after
    assert setup.X.fractions() == [row[:] for row in transposed(columns(W0))[:-1]]


@pytest.mark.slow
def test_every_kind_of_evidence_holds():
    result = lp.verify(str(FILE), d=2, n=3, layers=2, trials=1, exact_trials=2)
    asked = {c.evidence: c.verdict.value for c in result.claims if c.asked}
    assert result.exit_code == 0
    assert {*asked} == {"derived", *(f"identity-{x}" for x in ("symbolic", "entrywise", "exact", "random")), "float"}
    assert set(asked.values()) == {"HOLDS"}
    assert any("over which (w.e_i) e_i sums to w" in c.claim for c in result.claims)


@pytest.mark.parametrize(
    ("wrong", "gap"),
    [
        (ridge(lambda p: p.c), "beyond what the unit columns"),  # kappa for its square
        (ridge(lambda p: -p.c * p.c), "beyond what the unit columns"),  # a sign
        (ridge(lambda p: 2 * p.c * p.c), "beyond what the unit columns"),
        (ridge(lambda p: p.c * p.c, lambda C, w: C.T @ w), "C^T w"),  # C transposed in the ridge alone
        (ridge(lambda p: 0), "c**2/n * C w"),  # columns that the update knows nothing of
    ],
)  # fmt: skip
def test_what_the_columns_do_not_add_is_refused(wrong, gap):
    with pytest.raises(NotRepresentableError) as caught:
        derive(wrong)
    assert gap in str(caught.value)


def test_the_system_refuses_what_the_closed_form_refuses():
    """Not only the loop's closed form: the linear system alone has no solution where the ridge is another."""
    wrong = Ansatz(SymbolicState(ridge(lambda p: 2 * p.c * p.c), {}), 2)
    right = Ansatz(SymbolicState(RIDGE, {}), 2)
    assert right.solve().slices
    solved = wrong.solve()  # T's entry for unit columns may be anything: it is solved for, and is twice the head's
    units = {at[4, 4][()] for at in solved.slices.values() if (4, 4) in at}
    assert units == {Fraction(-2), Fraction(2)}


def test_without_the_columns_the_answer_is_what_to_declare():
    with pytest.raises(MissingRowError, match=r'unit_columns=\{"phi": "c"\}'):
        derive(replace(RIDGE, unit_columns={}))


def test_traces_are_refused_beside_unit_columns():
    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        sweep.total, sweep.trace = 0 * w, 0 * w
        for t in sweep:
            sweep.trace = p.gamma * sweep.trace + t.phi
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * sweep.trace
        return (w + C @ (sweep.total - p.c * p.c * w) / sweep.n,)

    with pytest.raises(NotRepresentableError):
        derive(replace(RIDGE, update=update))


def given(mask=None, transpose=True):
    def heads(layout, step, p, layer):
        turned = step.C.mT if transpose else step.C
        P = layout.matrix({("td_error", "td_error"): 1})
        Q = layout.matrix({("phi", "phi"): -turned, ("phi", "gamma_phi_next"): turned})
        return [Head(None, P, Q, layout.mask(mask and (lambda i, j: mask(layout, i, j))))]

    return replace(RIDGE, heads=heads)


@pytest.mark.parametrize(
    "wrong",
    [given(transpose=False), given(lambda layout, i, j: int(i == j and i <= layout.n - layout.d)),
     given(lambda layout, i, j: int(i == j) + int(i == j > layout.n - layout.d))],
    ids=["C for its transpose", "unit columns masked out", "unit columns twice"],
)  # fmt: skip
def test_wrong_weights_are_refuted_with_the_columns_in_the_counterexample(wrong):
    result = lp.verify(wrong, d=2, n=4, layers=2, evidence=["identity-exact"])
    (claim,) = (c for c in result.claims if c.asked)
    assert claim.verdict is lp.Verdict.REFUTED
    assert claim.witness["prompt"]["features"][-2:] == [["2/3", "0"], ["0", "2/3"]]
    right = lp.verify(given(), d=2, n=4, layers=2, evidence=["identity-exact"])
    assert right.exit_code == 0


def test_a_prompt_of_ones_own_must_have_the_columns():
    base = random_context(2, 4, 0)
    with pytest.raises(ArgumentError, match="the last 2 columns of the prompt"):
        lp.verify(RIDGE, prompt=base, layers=1, evidence=["identity-exact"])
    mine = with_unit_columns(RIDGE, base, {"c": Fraction(2, 3)})
    assert isinstance(mine, Context)
    assert lp.verify(RIDGE, prompt=mine, layers=1, evidence=["identity-exact"]).exit_code == 0


def test_what_is_declared_is_checked():
    with pytest.raises(ContentError, match="unit_columns names 'psi'"):
        replace(RIDGE, unit_columns={"psi": "c"})
    for name in ("options", "defaults", "tables", "selections", "unit_columns", "symbols"):
        with pytest.raises(ArgumentError, match=f"{name} is 'phi', wanted a dict"):
            replace(RIDGE, **{name: "phi"})
    with pytest.raises(ContentError, match="unit_columns of phi"):
        replace(RIDGE, unit_columns={"phi": "kappa"})
    with pytest.raises(ContentError, match="selections"):
        replace(RIDGE, selections={"now": "j = l"})
    with pytest.raises(SizesError, match="n >= d"):
        problem(RIDGE, RATIONALS, random_context(3, 2, 0), [[0, 0, 0]], VALUES, {})
    with pytest.raises(ArgumentError, match="unit_columns"):
        lp.invariance(RIDGE)


def test_a_batch_of_transitions_is_refused():
    from layerproof.numeric.judge.batch import batch_check, random_transitions

    built = construct(derive(RIDGE), D, N, 1, [(C,)], VALUES)
    with pytest.raises(ArgumentError, match="the last 2 columns of the prompts"):
        batch_check(built, RIDGE, random_transitions(RIDGE, D, N, 1, 0))


@pytest.mark.slow
def test_a_number_will_do_and_so_will_two_vectors():
    """phi: 3 e_i, and a second instrument that is half of it: the columns add -3 * 1/2 C w."""

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.z
        return (w + C @ (sweep.total - Fraction(3, 2) * w) / sweep.n,)

    two = replace(
        RIDGE, name="instrument", update=update, unit_columns={"phi": "3", "z": "1/2"}, transition_vectors=("z",),
        features=(*RIDGE.features, FeatureBlock("instrument", lambda t, p: t.z)),
        parameters=("gamma",), defaults={},
    )  # fmt: skip
    assert len(derive(two).heads) == 1
    assert lp.verify(two, d=2, n=4, layers=2, evidence=["identity-symbolic", "identity-exact"]).exit_code == 0
