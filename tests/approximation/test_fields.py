"""Mean fields against what one works out by hand, and exact tests of stability against other ways to decide them."""

from __future__ import annotations

from fractions import Fraction as F

import numpy
import pytest
from flint import fmpq, fmpq_mat, fmpq_poly

from layerproof.numeric.data.decisions import draw_decisions
from layerproof.proofs.approximation.question import Question
from layerproof.symbolic.approximation.conserved import conserved
from layerproof.symbolic.approximation.contraction import contraction, equilibrium, fixed_point
from layerproof.symbolic.approximation.field import Field, field_at_ratio, mean_field
from layerproof.symbolic.approximation.linear import direction, reduced, routh, spectrum
from layerproof.symbolic.approximation.lyapunov import definite, lyapunov
from layerproof.symbolic.approximation.quantity import evaluate
from layerproof.symbolic.approximation.ratio import ratios
from layerproof.symbolic.approximation.rule import Rule
from layerproof.symbolic.approximation.samples import at_ratio, samples
from layerproof.symbolic.approximation.scaling import at_infinity, lipschitz
from layerproof.symbolic.approximation.traces import NoMean, _below_one, means, traces
from layerproof.symbolic.markov import matrices
from layerproof.symbolic.markov.decision import DecisionProcess
from layerproof.symbolic.markov.matrices import rational
from layerproof.symbolic.markov.named import NAMED, baird, two_state, w_to_2w
from layerproof.symbolic.rules import find_rule as any_rule
from layerproof.symbolic.rules import rules

GAMMA, LAM = F(1, 2), F(1, 3)


def find_rule(name: str) -> Rule:
    rule = any_rule(name)
    assert isinstance(rule, Rule)
    return rule


def field(rule: str, process: DecisionProcess, gamma: F = GAMMA, lam: F = LAM, eta: F = F(1)) -> Field:
    return mean_field(samples(find_rule(rule), process, {"gamma": gamma, "lam": lam, "eta": eta}))


def flat(field: Field) -> tuple[tuple[tuple[F, ...], ...], tuple[F, ...]]:
    assert field.affine is not None
    return matrices.rows(field.affine[0]), matrices.entries(field.affine[1])


# by hand: 0 -> 1 with probability 1/3, 1 -> 0 with 1/2, so d = (3/5, 2/5); rewards 1 and 0


def test_tabular_td_on_two_states_by_hand() -> None:
    A, b = flat(field("tabular-td", two_state()))
    assert (
        (F(3, 5) * (GAMMA * F(2, 3) - 1), F(3, 5) * GAMMA / 3),
        (F(2, 5) * GAMMA / 2, F(2, 5) * (GAMMA / 2 - 1)),
    ) == A
    assert b == (F(3, 5), 0)


def test_the_trace_of_two_states_by_hand() -> None:
    # e_k = c e_{k-1} + x_k, so m(s) = E[e_{k-1} | S_k = s] solves d(s) m(s) = sum_r d(r) P(r, s) (c m(r) + x(r))
    sampled = samples(find_rule("td-lambda"), two_state(), {"gamma": GAMMA, "lam": LAM})
    mean, c, d = means(sampled).mean, GAMMA * LAM, (F(3, 5), F(2, 5))
    P = ((F(2, 3), F(1, 3)), (F(1, 2), F(1, 2)))
    for s in range(2):
        for i in range(2):
            left = d[s] * matrices.fraction(mean(s, i))
            assert left == sum(d[r] * P[r][s] * (c * matrices.fraction(mean(r, i)) + int(r == i)) for r in range(2))


def test_lambda_zero_is_td_and_gamma_zero_is_least_squares() -> None:
    process = draw_decisions("random-ergodic", 4, 2, 1)
    assert flat(field("td-lambda", process, lam=F(0))) == flat(field("linear-td", process))
    A, _ = flat(field("linear-td", process, gamma=F(0)))
    weigh = matrices.matrix(process.features).transpose() * matrices.diagonal(process.chain.law)
    assert matrices.rows(-weigh * matrices.matrix(process.features)) == A


def test_one_hot_linear_td_is_tabular_td() -> None:
    process = draw_decisions("loop", 4, 4, 2, features="one-hot", actions=2, off_policy=True)
    assert flat(field("linear-td", process)) == flat(field("tabular-td", process))


def test_w_to_2w_by_hand() -> None:
    A, b = flat(field("linear-td", w_to_2w(), gamma=F(9, 10)))
    assert (A, b) == (((F(1, 5),),), (0,))


def test_q_learning_with_one_action_is_tabular_td() -> None:
    process = draw_decisions("random-ergodic", 3, 2, 5)
    assert flat(field("q-learning", process)) == flat(field("tabular-td", process))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rule", [name for name, r in rules().items() if getattr(r, "matrices", None)])
def test_the_sum_over_the_chain_is_the_matrix_of_the_literature(rule: str, seed: int) -> None:
    from layerproof.symbolic.approximation.field import Matrices

    given = {"gamma": GAMMA, "lam": LAM, "eta": F(3, 2)}
    linear = find_rule(rule)
    process = draw_decisions("random-ergodic", 4, 2, seed, actions=2, off_policy=linear.policy != "on")
    assert linear.matrices is not None
    used = {name: given[name] for name in linear.parameters}
    assert mean_field(samples(linear, process, given)).affine == linear.matrices(Matrices(process, used))


# stability


MATRICES = [
    [[-1, 5], [-5, -1]], [[-1, 3], [0, -2]], [[0, 1], [-1, 0]], [[-1, 2], [2, -1]], [[1]], [[0, 0], [0, -1]],
    [[-1, 0, 3], [2, -1, -4], [1, 1, -1]], [[-2, 1, 0], [0, -2, 1], [1, 0, -2]], [[-3, 7, 1], [-7, -3, 2], [0, -1, -1]],
]  # fmt: skip


@pytest.mark.parametrize("rows", MATRICES)
def test_hurwitz_and_definite_agree_with_eigenvalues(rows: list[list[int]]) -> None:
    A = matrices.matrix(rows)
    largest = max(numpy.linalg.eigvals(numpy.array(rows, float)).real)
    assert spectrum(A).hurwitz == (largest < -1e-9) == routh(A.charpoly())
    symmetric = numpy.linalg.eigvalsh(numpy.array(rows, float) + numpy.array(rows, float).T)
    against = direction(-A)
    assert (against is None) == (max(symmetric) < -1e-9)
    if against is not None:
        v = matrices.column(against)
        assert (v.transpose() * A * v)[0, 0] >= 0 and any(against)


def test_the_routh_array_sees_roots_on_the_axis() -> None:
    assert not routh(fmpq_poly([1, 0, 1])) and not routh(fmpq_poly([0, 1, 1]))
    assert not routh(fmpq_poly([1, 1, 1, 1])) and routh(fmpq_poly([F(1, 2).numerator, 3, 3, 1]))


def test_bairds_features_leave_a_functional_alone_and_the_rest_is_unstable() -> None:
    process = baird()
    sampled = samples(find_rule("linear-td"), process, {"gamma": F(99, 100)})
    (kept,) = conserved(sampled)
    assert all(sum(a * b for a, b in zip(kept, x, strict=True)) == 0 for x in process.features)
    affine = mean_field(sampled).affine
    assert affine is not None
    part = reduced(*affine, [kept])
    assert part.A.nrows() == 7 and not spectrum(part.A).hurwitz
    assert spectrum(affine[0]).vector != ()  # without the reduction there is a zero eigenvalue too


def test_gtd2_is_stable_for_every_ratio_on_w_to_2w_and_baird() -> None:
    for process, gamma, proof in ((w_to_2w(), F(9, 10), "energy"), (baird(), F(99, 100), "Hurwitz determinants")):
        rule = find_rule("gtd2")
        symbolic = samples(rule, process, {"gamma": gamma, "eta": F(1)}, True)
        answer = ratios(mean_field(symbolic), conserved(symbolic))
        assert answer is not None and answer.proof == proof
        ((low, high),) = answer.intervals
        assert low.exact == 0 and high.near is None


def test_q_learning_contracts_and_its_fixed_point_is_the_optimum() -> None:
    process = draw_decisions("random-ergodic", 4, 2, 3, actions=3)
    mean = field("q-learning", process, gamma=F(9, 10))
    certificate = contraction(mean.entries)
    assert certificate is not None and set(certificate.weights) == {1}
    least = min(process.chain.law[s] * x for s in range(4) for x in process.behaviour[s])
    assert certificate.rate == least / 10  # (1 - gamma) min d mu
    q = fixed_point(mean.entries)
    assert q is not None
    for s in range(4):
        for a in range(3):
            after = zip(process.transition[s][a], process.reward[s][a], range(4), strict=True)
            assert q[3 * s + a] == sum(p * (r + F(9, 10) * max(q[3 * t : 3 * t + 3])) for p, r, t in after)


def test_q_learning_without_discount_has_no_certificate_and_a_line_of_equilibria() -> None:
    mean = field("q-learning", draw_decisions("random-ergodic", 3, 2, 0, actions=2), gamma=F(1))
    assert contraction(mean.entries) is None
    point = equilibrium([at_infinity(q) for q in mean.entries])
    assert point is not None and set(point) == {1}


def test_a_weighted_norm_is_found_where_the_plain_one_fails() -> None:
    # state 0 is left for good at last: gamma = 1 contracts in a norm that weighs it more, and in no plain sup-norm
    ahead = DecisionProcess.of("x", [[[F(1, 2), F(1, 2)]], [[1, 0]]], [1, 0], [[1], [1]])
    plain = field("tabular-td", ahead, gamma=F(1))
    assert contraction(plain.entries) is None
    stopped = [plain.entries[0], plain.entries[1].scaled(0) - plain.samples.table.variable(1)]
    norm = contraction(stopped)
    assert norm is not None and norm.weights[0] > norm.weights[1]


def test_the_lipschitz_constant_of_td_by_hand() -> None:
    sampled = samples(find_rule("tabular-td"), two_state(), {"gamma": GAMMA})
    assert lipschitz(sampled) == 1 + GAMMA


# traces


def test_a_trace_that_does_not_shrink_has_no_mean() -> None:
    sampled = samples(find_rule("td-lambda"), two_state(), {"gamma": F(1), "lam": F(1)})
    assert not traces(sampled).shrinks() and traces(sampled).growing_cycle is not None
    with pytest.raises(NoMean, match="no stationary mean"):
        means(sampled)


def test_an_on_policy_trace_forgets() -> None:
    how = traces(samples(find_rule("td-lambda"), two_state(), {"gamma": GAMMA, "lam": LAM}))
    assert how.shrinks() and how.shrinks(2) and how.growing_cycle is None


@pytest.mark.parametrize("name", NAMED)
def test_named_processes_have_the_laws_that_one_knows(name: str) -> None:
    law = NAMED[name]().chain.law
    assert sum(law) == 1 and min(law) > 0
    assert name != "baird" or set(law) == {F(1, 7)}


def test_a_lyapunov_matrix_is_decided_exactly_and_none_is_found_for_an_unstable_matrix() -> None:
    """Upper triangular, size ten, far from normal; then the same with one eigenvalue moved to 0 and to 1/9."""
    size = 10
    A = fmpq_mat(size, size)
    for i in range(size):
        A[i, i] = fmpq(-1, 9)
        if i + 1 < size:
            A[i, i + 1] = (-1) ** i
    assert direction(-A) is not None  # A + A^T is not definite
    stability = spectrum(A)
    assert stability.hurwitz and stability.how == "Lyapunov matrix" and stability.lyapunov is not None
    X = stability.lyapunov
    assert X.transpose() == X and all(f > 0 for f in leading_minors(X))
    assert all(f > 0 for f in leading_minors(-(A.transpose() * X + X * A)))
    for eigenvalue in (fmpq(0), fmpq(1, 9)):
        A[size - 1, size - 1] = eigenvalue
        assert lyapunov(A) is None and not spectrum(A).hurwitz


def leading_minors(S: fmpq_mat) -> list[fmpq]:
    return [fmpq_mat([[S[i, j] for j in range(k)] for i in range(k)]).det() for k in range(1, S.nrows() + 1)]


def test_definite_is_never_said_of_what_is_not() -> None:
    """[[1, x], [x, 1]] is definite below x = 1; neither 1 nor what is closer to it than can be told is said to be."""
    for x, wanted in (
        (F(9, 10), True),
        (1 - F(1, 2**80), True),
        (1 - F(1, 2**200), False),
        (F(1), False),
        (F(2), False),
    ):
        assert definite(fmpq_mat([[1, rational(x)], [rational(x), 1]])) is wanted
    assert direction(fmpq_mat([[1, rational(1 - F(1, 2**200))], [rational(1 - F(1, 2**200)), 1]])) is None  # by pivots


@pytest.mark.parametrize("name", ["gtd2", "tdc", "gtd-lambda", "differential-td", "differential-q-learning"])
def test_a_symbol_for_the_ratio_put_at_a_number_is_that_number_from_the_start(name: str) -> None:
    process = Question(states=3, d=2, actions=2, seed=1).process_for(find_rule(name))
    given = {"gamma": F(1, 2), "lam": F(1, 3), "eta": F(2, 7)}
    symbolic = samples(find_rule(name), process, given, True)
    at_number, plain = at_ratio(symbolic, F(2, 7)), samples(find_rule(name), process, given)
    assert at_number is not None
    v = [F(3 * k % 7 - 2, 1 + k % 3) for k in range(len(symbolic.table.names) - 1)]
    for one, other in zip(at_number.moves, plain.moves, strict=True):  # maxima have other numbers where eta is a symbol
        assert one.keys() == other.keys()
        assert evaluate(one.values(), [*v, F(0)]) == evaluate(other.values(), v)
    if not symbolic.table.maxima and not symbolic.trace_size:
        assert lipschitz(symbolic) == lipschitz(plain)
    fields = field_at_ratio(mean_field(symbolic), at_number, F(2, 7)), mean_field(plain)
    assert fields[0].at([*v, F(0)]) == fields[1].at(v)


def test_a_trace_is_run_once_for_what_it_reads() -> None:
    """A trace that reads the next state in some states alone: every transition has the one that it would have alone."""
    calls = []

    def trace(before, y):  # type: ignore[no-untyped-def]
        calls.append(y.state)
        return {"e": before.e / 2 + (y.next_state if y.state else 5)}

    process = Question(states=4, d=2).process_for(find_rule("td-lambda"))
    rule = Rule(name="mine", title="t", source="s", parts={"w": 1}, h=lambda v, y: {"w": y.e - v.w}, trace=trace,
                trace_parts={"e": 1})  # fmt: skip
    sampled = samples(rule, process, {"gamma": F(1)})
    constants = traces(sampled).constants[0]
    assert constants == tuple(F(t.next_state if t.state else 5) for t in sampled.transitions)
    assert len(calls) == len({(t.state, t.next_state if t.state else 0) for t in sampled.transitions})


@pytest.mark.parametrize(("radius", "below"), [(1 - F(1, 10**30), True), (F(1), False), (1 + F(1, 10**30), False)])
def test_a_spectral_radius_beside_one_is_decided_exactly(radius: F, below: bool) -> None:
    # [[0, r], [r, 0]] has the eigenvalues r and -r: no float tells r from 1
    assert _below_one(matrices.matrix([[0, radius], [radius, 0]])) is below
