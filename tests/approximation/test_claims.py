"""Which assumptions hold: the answers on chains where one knows them, and each check seen to refuse."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import pytest

import layerproof as lp
from layerproof.proofs.approximation.assumptions import ASSUMPTIONS, NEEDED
from layerproof.proofs.approximation.claims import assumptions
from layerproof.proofs.approximation.study import Study
from layerproof.proofs.approximation.table import established
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.rules import find_rule, rules

HALF = F(1, 2)
HOLDS, REFUTED, NOT_RUN = Verdict.HOLDS, Verdict.REFUTED, Verdict.NOT_RUN


def ask(rule: str | lp.Rule, process: Any = None, **settings: Any) -> dict[str, Claim]:
    result = lp.sa(rule, process=process, **settings)
    assert result.exit_code in (0, 3) and result.question
    return {c.details["assumption"]: c for c in result.claims}


def chain(*rows: list[Any], reward: Any = None, features: Any = None, **more: Any) -> lp.DecisionProcess:
    size = len(rows)
    one_hot = [[int(i == j) for j in range(size)] for i in range(size)]
    return lp.DecisionProcess.of("chain", list(rows), reward or list(range(size)), features or one_hot, **more)


def test_every_assumption_is_answered_once_and_says_how_as_the_table_on_the_docs_page() -> None:
    everything: list[Claim] = []
    for name in rules():
        answers = lp.sa(name).claims
        everything += answers
        keys = [c.details["assumption"] for c in answers]
        assert len(set(keys)) == len(keys) and set(keys) <= set(ASSUMPTIONS)
        assert set(NEEDED) <= set(keys) or name == "dqn"
        for claim in answers:
            assert claim.reason and claim.details["established"]
            assert claim.asked == (claim.verdict is not NOT_RUN)  # cited and assumed are no success
    headers, rows = established(everything)
    page = (Path(__file__).parents[2] / "docs" / "stochastic-approximation.md").read_text(encoding="utf-8")
    for row in (headers, *rows):
        assert f"| {' | '.join(row)} |" in page
    assert len(rows) == len({row[0] for row in rows}) == 15


def test_linear_td_on_two_states_converges_to_what_one_solves_by_hand() -> None:
    claims = ask("linear-td", "two-state")
    assert all(claims[key].verdict is HOLDS for key in (*NEEDED, "stability", "mean-ode", "convergence", "formal"))
    assert claims["convergence"].details["limit"] == ["18/11", "6/11"]  # v0 = 1 + (2 v0 + v1)/6, v1 = (v0 + v1)/4
    assert claims["stability"].details["established"] == "concluded" and "2401.07844" in claims["stability"].reason
    assert claims["iid"].verdict is REFUTED and claims["bounded"].details["established"] == "assumed"


def test_boyans_chain_has_the_values_that_boyan_gives() -> None:
    claims = ask("linear-td", "boyan-1999")
    assert claims["convergence"].details["limit"] == ["-24", "-16", "-8", "0"]
    # a trace runs on where the chain starts again: -24 for each later episode times 1/2 + 1/4 + ... = 1
    assert ask("td-lambda", "boyan-1999")["convergence"].details["limit"] == ["-48", "-40", "-32", "-24"]


def test_w_to_2w_is_refuted_with_its_number_and_gtd2_is_not() -> None:
    claims = ask("linear-td", "w-to-2w")
    assert claims["hurwitz"].reason == "A = 1/5" and claims["stability"].details["answer"] == "not covered"
    assert claims["stability"].details["failing"] == ["ode-at-infinity"]
    claims = ask("gtd2", "w-to-2w", eta=F(1, 1000))
    assert claims["negative-definite"].verdict is REFUTED and claims["hurwitz"].verdict is HOLDS  # two columns
    assert claims["ratio"].verdict is HOLDS and claims["convergence"].verdict is HOLDS


def test_baird_is_refuted_modulo_what_is_conserved() -> None:
    claims = ask("linear-td", "baird")
    assert claims["hurwitz"].verdict is REFUTED and len(claims["hurwitz"].details["conserved"]) == 1
    assert "0.239" in claims["hurwitz"].reason
    assert ask("gtd2", "baird")["convergence"].verdict is HOLDS


def test_dependent_features_are_judged_where_updates_move() -> None:
    process = chain([HALF, HALF], [1, 0], features=[[1, 2], [2, 4]])
    claims = ask("linear-td", process)
    assert claims["convergence"].verdict is HOLDS and "conserved" in claims["hurwitz"].reason
    assert claims["formal"].verdict is REFUTED and "independent features" in claims["formal"].reason


def test_a_zero_feature_moves_nothing() -> None:
    claims = ask("linear-td", chain([HALF, HALF], [1, 0], features=[[1, 0], [2, 0]]))
    assert claims["convergence"].verdict is HOLDS
    claims = ask("linear-td", chain([HALF, HALF], [1, 0], features=[[0], [0]]))
    assert claims["ode-at-infinity"].verdict is NOT_RUN and "no update moves anything" in claims["hurwitz"].reason


def test_without_discount_a_table_has_a_line_of_equilibria_and_features_need_not() -> None:
    claims = ask("tabular-td", "two-state", gamma=1)
    assert claims["ode-at-infinity"].verdict is REFUTED and "v = (1, 1)" in claims["ode-at-infinity"].reason
    assert claims["formal"].verdict is REFUTED and "gamma < 1" in claims["formal"].reason
    assert ask("linear-td", chain([HALF, HALF], [1, 0], features=[[1], [2]]), gamma=1)["convergence"].verdict is HOLDS
    claims = ask("q-learning", None, gamma=1)
    assert claims["ode-at-infinity"].verdict is REFUTED and "h(v + t u) = h(v)" in claims["mean-ode"].reason


def test_a_periodic_chain_has_averages_and_does_not_mix() -> None:
    claims = ask("tabular-td", chain([0, 1], [1, 0]))
    assert claims["aperiodic"].verdict is REFUTED and claims["aperiodic"].details["period"] == 2
    assert (
        claims["lln"].verdict is HOLDS and claims["poisson"].verdict is HOLDS and claims["convergence"].verdict is HOLDS
    )
    assert "aperiodic" in claims["formal"].reason


def test_two_closed_classes_leave_no_law() -> None:
    claims = ask("tabular-td", chain([1, 0], [0, 1]))
    for key in ("irreducible", "aperiodic", "stationary", "lln", "poisson", "stability"):
        assert claims[key].verdict is REFUTED, key
    assert claims["hurwitz"].verdict is NOT_RUN and "not unique" in claims["hurwitz"].reason


def test_a_transient_state_starves_a_table_and_no_features() -> None:
    rows = [HALF, HALF, 0], [0, HALF, HALF], [0, 1, 0]
    claims = ask("tabular-td", chain(*rows))
    assert claims["stationary"].verdict is HOLDS and claims["lln"].verdict is HOLDS  # unichain
    assert claims["irreducible"].details["transient"] == [0]
    assert claims["ode-at-infinity"].verdict is REFUTED and "v = (1, 0, 0)" in claims["ode-at-infinity"].reason
    assert ask("linear-td", chain(*rows, features=[[1], [1], [2]]))["convergence"].verdict is HOLDS


def test_lambda_one_without_discount_has_no_mean_trace() -> None:
    claims = ask("td-lambda", "two-state", gamma=1, lam=1)
    for key in ("stationary", "lln", "poisson", "lipschitz", "stability"):
        assert claims[key].verdict is REFUTED, key
    assert claims["mean-field"].verdict is NOT_RUN


@pytest.mark.parametrize(("power", "how"), [(1, HOLDS), (2, REFUTED), ("2/3", NOT_RUN), ("1/3", NOT_RUN)])
def test_steps_beyond_one_over_k_are_assumed(power: Any, how: Verdict) -> None:
    claims = ask("linear-td", "two-state", power=power)
    assert claims["steps"].verdict is how
    if how is NOT_RUN:
        assert claims["steps"].details["established"] == "assumed"
        assert (
            claims["stability"].verdict is NOT_RUN
            and "if what is cited or assumed holds" in (claims["stability"].details["answer"])
        )


def test_q_learning_is_not_linear_and_contracts() -> None:
    claims = ask("q-learning", None, actions=3)
    assert claims["hurwitz"].verdict is REFUTED and "not affine" in claims["hurwitz"].reason
    assert claims["convergence"].verdict is HOLDS and claims["formal"].verdict is HOLDS


def test_an_action_that_is_never_taken_keeps_its_value() -> None:
    process = lp.DecisionProcess.of(
        "x", [[[HALF, HALF], [1, 0]], [[1, 0], [0, 1]]], [0, 1], [[1], [1]], behaviour=[[1, 0], [HALF, HALF]]
    )
    claims = ask("q-learning", process)
    assert claims["convergence"].verdict is HOLDS and "q[0,1] never moved" in claims["mean-ode"].reason
    assert claims["convergence"].details["limit"][1] == "0"
    assert claims["formal"].verdict is REFUTED and "every action" in claims["formal"].reason


def test_rewards_that_depend_on_the_next_state_are_outside_the_formal_theorem() -> None:
    process = chain([HALF, HALF], [HALF, HALF], reward=[[0, 1], [0, 0]])
    assert "rewards r(s)" in ask("tabular-td", process)["formal"].reason


def test_an_undefined_ratio_and_two_policies_on_policy_are_refused() -> None:
    never = lp.DecisionProcess.of("x", [[[1], [1]]], [0], [[1]], behaviour=[[1, 0]], target=[[0, 1]])
    with pytest.raises(lp.ContentError, match="ratio of state 0, action 1"):
        lp.sa("gtd2", process=never)
    with pytest.raises(lp.ContentError, match="give both the same, or ask an off-policy rule"):
        lp.sa("td-lambda", process="w-to-2w")
    assert lp.sa("q-learning", process=never).exit_code == 0  # it has no ratio


# off-policy rules, average rewards, traces


def test_tdc_on_w_to_2w_needs_a_ratio_above_two_twenty_fifths() -> None:
    claims = ask("tdc", "w-to-2w", eta=F(2, 25))
    assert claims["hurwitz"].verdict is REFUTED  # a pair on the axis
    assert claims["ratio"].details["intervals"] == [["2/25", None]] and claims["ratio"].verdict is REFUTED
    assert ask("tdc", "w-to-2w", eta=F(2, 25) + F(1, 10**6))["hurwitz"].verdict is HOLDS
    # x^2 + (5 eta/2 - 1/5) x + eta/25
    assert ask("tdc", "w-to-2w", eta=1)["hurwitz"].details["polynomial"] == ["1/25", "23/10", "1"]


def test_emphasis_saves_linear_td_on_w_to_2w_and_does_not_on_baird_where_features_are_dependent() -> None:
    claims = ask("emphatic-td", "w-to-2w")
    assert claims["negative-definite"].verdict is HOLDS and claims["mean-ode"].verdict is HOLDS
    assert claims["lln"].details["established"] == "cited" and "Yu 2015" in claims["lln"].reason
    assert claims["stability"].verdict is NOT_RUN and "if what is cited" in claims["stability"].details["answer"]
    claims = ask("emphatic-td", "baird")
    assert claims["hurwitz"].verdict is HOLDS and "conserved" in claims["hurwitz"].reason


def test_etd_with_lambda_zero_is_emphatic_td_and_lambda_one_is_unbiased() -> None:
    first, second = ask("etd-lambda", None, lam=0, seed=3), ask("emphatic-td", None, seed=3)
    assert first["mean-ode"].details["limit"] == second["mean-ode"].details["limit"]


def test_on_policy_the_off_policy_rules_are_the_on_policy_ones() -> None:
    process = chain([HALF, HALF], [F(1, 3), F(2, 3)], features=[[1], [3]])
    limit = ask("td-lambda", process)["convergence"].details["limit"]
    for name in ("off-policy-td-lambda", "gtd-lambda"):
        claims = ask(name, process)
        assert claims["convergence"].verdict is HOLDS and claims["convergence"].details["limit"][:1] == limit
    assert claims["lln"].verdict is HOLDS  # a bounded trace: nothing is cited


def test_off_policy_td_lambda_is_unstable_where_td_is_and_stable_with_lambda_one() -> None:
    assert ask("off-policy-td-lambda", "w-to-2w", lam=0)["hurwitz"].reason == "A = 1/5"
    claims = ask("off-policy-td-lambda", "w-to-2w", lam=1)
    assert claims["hurwitz"].verdict is HOLDS and "variance is infinite" in claims["lln"].reason


def test_differential_td_is_judged_without_its_conserved_quantity() -> None:
    process = chain([0, 1, 0], [0, 0, 1], [HALF, HALF, 0], reward=[0, 1, 0])
    claims = ask("differential-td", process, eta=F(1, 2))
    assert claims["hurwitz"].details["conserved"] == [["1", "1", "1", "-2"]]  # eta sum v - rbar, over 1/2
    assert claims["convergence"].verdict is HOLDS
    *v, rate = map(F, claims["convergence"].details["limit"])
    assert rate == F(1, 2) * sum(v) and rate == F(2, 5)  # d = (1/5, 2/5, 2/5)
    assert "ratio" not in claims


def test_average_reward_td_drifts_along_a_constant_that_features_span() -> None:
    rows = [HALF, HALF], [1, 0]
    claims = ask("average-reward-td", chain(*rows))
    assert claims["ode-at-infinity"].verdict is REFUTED and "v = (1, 1, 0)" in claims["hurwitz"].reason
    assert ask("average-reward-td", chain(*rows, features=[[1], [2]]))["convergence"].verdict is HOLDS


def test_differential_q_learning_is_cited_and_not_certified() -> None:
    claims = ask("differential-q-learning")
    for key in ("ode-at-infinity", "mean-ode", "stability", "convergence"):
        assert claims[key].verdict is NOT_RUN and claims[key].details["established"] == "cited", key
    assert "Wan, Naik, Sutton 2021" in claims["ode-at-infinity"].reason
    # where what is cited asks for more than the process has, it stays open
    never = lp.DecisionProcess.of(
        "x", [[[HALF, HALF], [1, 0]], [[1, 0], [0, 1]]], [0, 1], [[1], [1]], behaviour=[[1, 0], [HALF, HALF]]
    )
    claims = ask("differential-q-learning", never)
    assert claims["ode-at-infinity"].verdict is Verdict.UNDECIDED and "irreducible" in claims["ode-at-infinity"].reason


def test_deep_td_outgrows_every_constant_and_dqn_is_not_of_the_form() -> None:
    claims = ask("deep-td")
    assert claims["form"].verdict is HOLDS and claims["scaling"].details["degrees"] == [3, 15]
    assert "c^2 at L = 1 and c^14 at L = 2" in claims["scaling"].reason
    assert claims["stability"].verdict is REFUTED and claims["ode-at-infinity"].verdict is NOT_RUN
    claims = ask("dqn")
    assert claims["form"].verdict is REFUTED and "replay" in claims["form"].reason
    with pytest.raises(lp.ArgumentError, match="the limit for deep-td is 6"):
        lp.sa("deep-td", states=8, d=8)


# rules of a caller's own, and faults


def rule(h: Any, **more: Any) -> lp.Rule:
    return lp.Rule(**{"name": "mine", "title": "Mine", "source": "here", "parts": {"v": "states"}, "h": h, **more})


def test_a_product_of_weights_is_not_lipschitz() -> None:
    claims = ask(rule(lambda v, y: {y.state: y.reward - v[y.state] * v[y.next_state]}), "two-state")
    for key in ("lipschitz", "scaling", "stability"):
        assert claims[key].verdict is REFUTED, key
    assert claims["lipschitz"].details["degree"] == 2 and "c^2" in claims["lipschitz"].reason


def test_a_square_inside_a_maximum_is_seen_to_grow_and_one_that_cancels_stays_open() -> None:
    answers = ask(rule(lambda v, y: {y.state: lp.maximum(0, v[y.state] * v[y.state])}), "two-state")
    assert answers["lipschitz"].verdict is REFUTED

    def flat(v: Any, y: Any) -> Any:
        square = v[y.state] * v[y.state]
        return {y.state: lp.maximum(square, 0) - square - v[y.state]}

    result = lp.sa(rule(flat), process="two-state")
    answers = {c.details["assumption"]: c for c in result.claims}
    assert answers["lipschitz"].verdict is Verdict.UNDECIDED and result.exit_code == 3


def test_a_soft_threshold_of_ones_own_contracts() -> None:
    def h(v: Any, y: Any) -> Any:
        kept = lp.maximum(v[y.next_state] - F(1, 10), 0) - lp.maximum(-v[y.next_state] - F(1, 10), 0)
        return {y.state: y.reward + y.gamma * kept - v[y.state]}

    claims = ask(rule(h), "two-state", gamma=F(1, 4))
    assert claims["scaling"].details["constants_inside_maxima"]
    assert claims["convergence"].verdict is HOLDS
    # where both maxima count with their full slope, 2 gamma = 1, the certificate is not there: open, not refuted
    assert ask(rule(h), "two-state")["convergence"].verdict is Verdict.UNDECIDED


def test_a_rule_that_looks_at_what_it_is_given_is_seen_on_plain_numbers() -> None:
    def h(v: Any, y: Any) -> Any:
        sign = 1 if isinstance(v[0], F) else -1
        return {y.state: sign * v[y.state]}

    claims = ask(rule(h), "two-state")
    assert claims["traced"].verdict is REFUTED and "other numbers" in claims["traced"].reason


PLANTED = {
    "a transposed matrix": lambda m: (m.D * (m.gamma * m.P.transpose() - m.I), m.D * m.r),
    "no weights": lambda m: (m.gamma * m.P - m.I, m.r),
    "another discount": lambda m: (m.D * (m.P - m.I), m.D * m.r),
    "rewards left out": lambda m: (m.D * (m.gamma * m.P - m.I), 0 * (m.D * m.r)),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_wrong_formula_is_seen_against_the_sum_over_the_chain(fault: str) -> None:
    wrong = replace(find_rule("tabular-td"), matrices=PLANTED[fault])
    assert ask(wrong, "two-state")["mean-field"].verdict is REFUTED


def test_a_wrong_operator_is_seen() -> None:
    wrong = replace(find_rule("q-learning"), operator=lambda m, q: [-x for x in q])
    claims = ask(wrong, "two-state")["mean-field"]
    assert claims.verdict is REFUTED and "wanted" in claims.reason


def test_a_sign_turned_round_is_unstable() -> None:
    turned = replace(find_rule("tabular-td"), h=lambda v, y: {
        y.state: v[y.state] - y.reward - y.gamma * v[y.next_state]}, matrices=None)  # fmt: skip
    claims = ask(turned, "two-state")
    assert claims["ode-at-infinity"].verdict is REFUTED and claims["mean-ode"].verdict is REFUTED


def test_the_study_is_what_the_function_asks() -> None:
    process = chain([HALF, HALF], [1, 0])
    study = Study(find_rule("linear-td"), process, {"gamma": HALF, "lam": HALF, "eta": F(1)})
    answers = assumptions(study)
    asked = lp.sa("linear-td", process=process, gamma=HALF).claims
    assert [c.to_json() for c in answers] == [c.to_json() for c in asked]


def asked(process: Any = "two-state", **given: Any) -> dict[str, Any]:
    rule = lp.Rule(**{"name": "mine", "title": "t", "source": "s", "parts": {"w": 1}, **given})
    return {c.details["assumption"]: c for c in lp.sa(rule, process=process).claims}


def test_a_rule_whose_numbers_are_not_those_of_its_symbols_is_not_called_stable() -> None:
    """A trace that counts its calls: what was judged is another rule than what runs."""
    calls = iter(range(10**6))
    claims = asked(h=lambda v, y: {"w": y.e - v.w}, trace=lambda before, y: {"e": before.e / 2 + next(calls)},
                  trace_parts={"e": 1})  # fmt: skip
    assert claims["traced"].verdict == claims["stability"].verdict == claims["convergence"].verdict == "REFUTED"
    assert claims["ode-at-infinity"].verdict == "HOLDS" and "traced fails" in claims["stability"].reason


def test_what_takes_the_second_moments_of_a_trace_is_not_decided() -> None:
    claims = asked(h=lambda v, y: {"w": y.e * y.e - v.w}, trace=lambda before, y: {"e": before.e / 2 + 1},
                  trace_parts={"e": 1})  # fmt: skip
    for key in ("poisson", "lipschitz", "hurwitz", "ode-at-infinity", "stability", "mean-ode", "convergence"):
        assert claims[key].verdict == "UNDECIDED", key
    assert "second moments" in claims["hurwitz"].reason


def test_a_rule_that_divides_by_the_ratio_of_its_steps_is_asked_with_a_number() -> None:
    claims = asked(h=lambda v, y: {"w": (y.reward - v.w) / y.eta}, parameters=("eta",))
    assert claims["convergence"].verdict == "HOLDS" and "ratio" not in claims


def test_where_features_are_zero_nothing_moves_and_no_rule_of_two_steps_fails() -> None:
    process = lp.DecisionProcess.of("zero", [[0, 1], [1, 0]], [1, 0], [[0], [0]])
    for name in ("linear-td", "gtd2", "tdc", "gtd-lambda", "etd-lambda"):
        answers = {c.details["assumption"]: c for c in lp.sa(name, process=process).claims}
        assert answers["hurwitz"].reason == "no update moves anything" and "ratio" not in answers
