"""Verification from end to end: what holds, what is refuted and by whom, and what was never asked."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from cli import EXACT
from expected import expected
from helpers import NAMES, each_case, random_context, run_layers, sizes_for
from helpers import Case as Listed
from sympy import Integer

import layerproof as lp
from layerproof.proofs import checker
from layerproof.proofs.case import Case, Settings
from layerproof.proofs.evidence import kinds
from layerproof.proofs.verdict import Claim, Verdict
from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.derivation.derive import Derivation, derive
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.prompt import Context
from layerproof.symbolic.transitions import Sweep

SMALL = Settings(features=2, context=3, layers=2)
FOUND_BY_NUMBERS = ("identity-entrywise", "identity-exact", "identity-random")


def verdicts(result: lp.Result) -> dict[str, set[Verdict]]:
    """The verdicts of each kind of evidence."""
    by_evidence: dict[str, set[Verdict]] = {}
    for claim in result.claims:
        by_evidence.setdefault(claim.evidence, set()).add(claim.verdict)
    return by_evidence


def settings_for(case: Listed) -> Settings:
    sizes = sizes_for(case.algorithm, SMALL.features, SMALL.context, SMALL.layers)
    small = replace(SMALL, features=sizes["d"], context=sizes["n"], layers=sizes["L"])
    return replace(small, trace=dict(case.options).get("trace"))


def claims(case: Case, *evidence: str) -> list[Claim]:
    """What `evidence` says about a case whose derivation or weights may be wrong."""
    return [c for c in checker.establish(case, evidence) if c.asked]


# what holds


@each_case
def test_every_algorithm_holds_by_every_exact_kind_of_evidence(case: Listed) -> None:
    result = checker.verify(case.algorithm, settings=settings_for(case), evidence=EXACT)
    assert verdicts(result) == {
        **{kind: {Verdict.HOLDS} for kind in EXACT},
        "float": {Verdict.NOT_RUN},
        "proved-all-sizes": {Verdict.NOT_RUN},
    }
    assert result.holds and result.exit_code == 0
    assert all(c.witness is None for c in result.claims)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_floats_stay_within_the_bound_that_is_shown_beside_the_error(dtype: str) -> None:
    result = lp.verify("td0", "gtd2", d=2, n=3, layers=2, trials=3, dtype=dtype, device="cpu")
    assert result.holds and all(c.asked for c in result.claims if c.evidence != "proved-all-sizes")
    for claim in (c for c in result.claims if c.evidence == "float"):
        assert dtype in claim.claim and "3 prompts" in claim.claim
        assert {"bound", "error"} <= set(claim.to_json())
        assert 0 <= Fraction(claim.error or 0) <= Fraction(claim.bound or 0)


@pytest.mark.slow
def test_no_name_means_every_algorithm() -> None:
    result = lp.verify(d=2, n=2, layers=1, evidence=["derived"])
    named = tuple(dict.fromkeys(c.algorithm for c in result.claims))
    assert named == (*lp.algorithms(), *pattern_catalogue())
    for claim in (c for c in result.claims if c.asked and c.algorithm in lp.algorithms()):
        assert claim.details["heads"] == claim.details["head_lower_bound"] == expected(claim.algorithm).heads


@pytest.mark.parametrize("gamma", [0, 1])
@pytest.mark.parametrize("lam", [0, 1])
def test_the_ends_of_the_domain_of_gamma_and_lambda_hold(gamma: int, lam: int) -> None:
    for trace in ("lam", "gamma-lam"):
        assert lp.verify("td-lambda", d=2, n=3, layers=2, gamma=gamma, lam=lam, trace=trace, evidence=EXACT).holds
    assert lp.verify("td0", "gtd2", d=2, n=3, layers=2, gamma=gamma, evidence=["identity-exact"]).holds


@pytest.mark.parametrize(("d", "n", "layers"), [(1, 1, 1), (1, 4, 2), (3, 1, 2), (2, 2, 7)])
def test_the_smallest_sizes_hold(d: int, n: int, layers: int) -> None:
    assert lp.verify(d=d, n=n, layers=layers, evidence=["identity-entrywise", "identity-exact"]).holds


@pytest.mark.slow
def test_a_looped_transformer_holds_and_is_called_looped() -> None:
    unrolled = {name for name, algorithm in catalogue().items() if algorithm.layered_names}  # their layers differ
    for looped, names in ((True, ()), (False, ("td0", *unrolled))):
        result = lp.verify(*names, d=2, n=3, layers=2, looped=looped, evidence=["identity-exact", "identity-random"])
        assert result.holds and result.settings["looped"] is looped
        exact = [c for c in result.claims if c.asked and c.evidence == "identity-exact"]
        sentences = {c.algorithm: c.claim for c in exact if c.algorithm in catalogue()}
        assert sentences.keys() == set(names or catalogue())
        for name, claim in sentences.items():
            assert ("looped" if looped and name not in unrolled else "sequential") in claim
        own = {note.split()[0] for note in result.notes if "weights of each layer's own" in note}
        assert own == (unrolled if looped else set())


@pytest.mark.parametrize("process", ["boyan-chain", "loop", "random-ergodic"])
def test_trajectories_of_every_process_hold(process: str) -> None:
    result = lp.verify("td0", d=2, n=6, layers=2, process=process, exact_trials=4, evidence=["identity-exact"])
    (claim,) = [c for c in result.claims if c.asked]
    assert claim.verdict is Verdict.HOLDS
    assert claim.details["prompts"] == ["generic", "trajectory"] * 2


def test_the_users_own_prompt_sets_d_and_n_and_is_run_first() -> None:
    prompt = random_context(4, 5, 0)
    result = lp.verify("td0", "average-reward-td", d=2, n=9, layers=2, prompt=prompt, evidence=["identity-exact"])
    assert result.holds
    assert (result.settings["features"], result.settings["context"], result.settings["prompt"]) == (4, 5, "given")
    for claim in (c for c in result.claims if c.asked):
        assert "d = 4, n = 5" in claim.claim
        assert claim.details["prompts"][0] == "given"


def test_the_users_own_algorithm_is_verified_like_any_other() -> None:
    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        """TD(0) that counts every transition twice."""
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + 2 * delta * t.phi
        return (w + C @ sweep.total / sweep.n,)

    result = lp.verify(replace(find("td0"), name="twice", update=update), d=2, n=3, layers=2, evidence=EXACT)
    assert result.holds and {c.algorithm for c in result.claims} == {"twice"}


# what was asked


@pytest.mark.parametrize("kind", EXACT)
def test_evidence_that_is_not_asked_for_is_listed_as_not_run_and_does_not_count(kind: str) -> None:
    result = checker.verify("td0", settings=SMALL, evidence=[kind])
    assert list(dict.fromkeys(c.evidence for c in result.claims)) == list(kinds())
    for claim in result.claims:
        assert claim.asked is (claim.evidence == kind)
        assert claim.verdict is (Verdict.HOLDS if claim.asked else Verdict.NOT_RUN)
    assert result.exit_code == 0


def test_evidence_is_established_in_its_own_order_and_once() -> None:
    asked = ["identity-random", "derived", "derived"]
    result = checker.verify("td0", settings=SMALL, evidence=asked)
    assert [c.evidence for c in result.claims if c.asked] == ["derived", "identity-random"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"evidence": ["identity-exat"]}, "there is no evidence 'identity-exat': did you mean identity-exact"),
        ({"evidence": []}, "no evidence is asked for"),
        ({"evidence": 5}, "evidence is 5, wanted some of derived"),
        ({"evidence": [None]}, "evidence holds None, wanted some of derived"),
        ({"settings": replace(SMALL, trace="lam")}, "trace is 'lam', but td0"),
        ({"settings": replace(SMALL, max_work=71)}, r"--max-work \d+"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(arguments: dict[str, Any], message: str) -> None:
    seen: list[str] = []
    with pytest.raises(ArgumentError, match=message):
        checker.verify("td0", **{"settings": SMALL, **arguments}, progress=seen.append)
    assert not seen


def test_an_unknown_algorithm_is_refused_before_the_known_ones_run() -> None:
    seen: list[str] = []
    with pytest.raises(ArgumentError, match="did you mean td0"):
        checker.verify("tdc", "td-0", settings=SMALL, evidence=["derived"], progress=seen.append)
    assert not seen


@pytest.mark.parametrize("field", ["features", "context", "layers", "trials", "exact_trials", "max_work"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "3", True, None])
def test_sizes_must_be_whole_numbers_of_at_least_one(field: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"^{field} is "):
        replace(SMALL, **{field: value})


@pytest.mark.parametrize("field", ["gamma", "lam"])
@pytest.mark.parametrize("value", [Fraction(-1, 10), Fraction(11, 10), 2, 0.5, float("nan"), True, "1/2"])
def test_gamma_and_lambda_must_be_exact_numbers_from_zero_to_one(field: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"^{field} is .* from 0 to 1"):
        replace(SMALL, **{field: value})


@pytest.mark.parametrize("value", [0.9, float("nan"), None, True])
def test_from_python_a_float_is_no_exact_number(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^gamma is .*exact"):
        lp.verify("td0", d=2, n=2, layers=1, gamma=value, evidence=["derived"])


def test_from_python_an_unknown_setting_is_named() -> None:
    with pytest.raises(ArgumentError, match="there is no setting 'trails'"):
        lp.verify("td0", trails=3)


# planted faults in the derived weights


def one_sign_flipped(derivation: Derivation, head: int) -> Derivation:
    """The derivation with the first key-query entry of one head negated."""
    heads = list(derivation.heads)
    first = next(iter(heads[head].E))
    heads[head] = replace(heads[head], E={k: -v if k == first else v for k, v in heads[head].E.items()})
    return replace(derivation, heads=tuple(heads))


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Derivation], None]:
    """Put a wrong derivation where the check makes its own."""
    return lambda wrong: monkeypatch.setattr("layerproof.proofs.case.derive", lambda *_: wrong)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "head"), [(name, h) for name in NAMES for h in range(expected(name).heads)])
def test_a_flipped_sign_in_any_head_is_refuted_by_every_identity(
    name: str, head: int, plant: Callable[[Derivation], None]
) -> None:
    plant(one_sign_flipped(lp.derive(name), head))
    result = checker.verify(name, settings=SMALL, evidence=EXACT)
    assert result.exit_code == 1
    for kind in ("identity-symbolic", *FOUND_BY_NUMBERS):
        refuted = [c for c in result.claims if c.evidence == kind and c.verdict is Verdict.REFUTED]
        assert len(refuted) == 1 and refuted[0].witness and refuted[0].reason
    assert "difference" in next(c.witness for c in result.claims if c.details.get("fact") == "blocks")


@pytest.mark.parametrize("kind", FOUND_BY_NUMBERS)
@pytest.mark.parametrize(("right", "wrong"), [("lam", "gamma-lam"), ("gamma-lam", "lam")])
def test_the_other_trace_is_refuted(kind: str, right: str, wrong: str, plant: Callable[[Derivation], None]) -> None:
    """lambda for gamma lambda, in the masks only: everything else about the two derivations is the same."""
    derivation = lp.derive("td-lambda", trace=right)
    plant(replace(derivation, masks=lp.derive("td-lambda", trace=wrong).masks))
    (claim,) = claims(Case(find("td-lambda"), replace(SMALL, trace=right)), kind)
    assert claim.verdict is Verdict.REFUTED and claim.witness


@pytest.mark.parametrize("kind", FOUND_BY_NUMBERS)
def test_the_context_mask_for_the_trace_is_refuted(kind: str, plant: Callable[[Derivation], None]) -> None:
    plant(replace(lp.derive("td-lambda"), masks=lp.derive("td0").masks))
    (claim,) = claims(Case(find("td-lambda"), SMALL), kind)
    assert claim.verdict is Verdict.REFUTED


@pytest.mark.parametrize("kind", ["identity-exact", "identity-random"])
@pytest.mark.parametrize("name", NAMES)
def test_the_wrong_sign_of_the_read_out_is_refuted(kind: str, name: str, plant: Callable[[Derivation], None]) -> None:
    derivation = lp.derive(name)
    plant(replace(derivation, readout=replace(derivation.readout, sign=-derivation.readout.sign)))
    (claim,) = claims(Case(find(name), SMALL), kind)
    assert claim.verdict is Verdict.REFUTED and claim.witness is not None
    assert claim.witness["row"] == "prediction" and "the query" in claim.witness["column"]


def test_a_mask_lemma_that_fails_is_refuted_apart_from_the_block_identity(plant: Callable[[Derivation], None]) -> None:
    derivation = lp.derive("td-lambda")
    key, steps = next(iter(derivation.lemma.items()))
    plant(replace(derivation, lemma={key: (replace(steps[0], residual=Integer(1)), *steps[1:])}))
    blocks, masks = claims(Case(find("td-lambda"), SMALL), "identity-symbolic")
    assert (blocks.verdict, masks.verdict) == (Verdict.HOLDS, Verdict.REFUTED)
    assert (blocks.details["fact"], masks.details["fact"]) == ("blocks", "masks")
    assert masks.witness == {"identity": steps[0].claim, "difference": "1"}


# planted faults in the reference


def other_update(name: str, update: Callable[..., Any]) -> Algorithm:
    return replace(find(name), update=update)


def td0_with(change: Callable[[Any, Any, Any, Any], Any]) -> Callable[..., Any]:
    """TD(0) with one term of its sum changed: (delta, transition, w, p) -> the term."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + change(delta, t, w, p)
        return (w + C @ sweep.total / sweep.n,)

    return update


WRONG_REFERENCES = {
    "sign of the reward": lambda delta, t, w, p: (delta - 2 * t.reward) * t.phi,
    "no discount": lambda delta, t, w, p: (delta + (1 - p.gamma) * (w @ t.phi_next)) * t.phi,
    "next features for features": lambda delta, t, w, p: delta * t.phi_next,
    "twice the step": lambda delta, t, w, p: 2 * delta * t.phi,
    "the first transition left out": lambda delta, t, w, p: 0 * w if t.index == 1 else delta * t.phi,
    "the last transition left out": lambda delta, t, w, p: 0 * w if t.index == SMALL.context else delta * t.phi,
}


@pytest.mark.parametrize("fault", WRONG_REFERENCES)
def test_weights_of_the_right_update_are_refuted_by_a_wrong_one(fault: str) -> None:
    good = lp.construct("td0", d=2, n=3, layers=2)
    (claim,) = claims(Case(other_update("td0", td0_with(WRONG_REFERENCES[fault])), SMALL, good), "identity-exact")
    assert claim.verdict is Verdict.REFUTED and claim.witness


def test_the_right_reference_is_not_refuted() -> None:
    good = lp.construct("td0", d=2, n=3, layers=2)
    same = other_update("td0", td0_with(lambda delta, t, w, p: delta * t.phi))
    (claim,) = claims(Case(same, SMALL, good), "identity-exact")
    assert claim.verdict is Verdict.HOLDS


def test_weights_of_one_algorithm_do_not_pass_for_another_with_the_same_rows() -> None:
    same_rows = ("td0", "td-lambda", "residual-gradient")
    for weights in same_rows:
        good = lp.construct(weights, d=2, n=3, layers=2)
        for name in same_rows:
            (claim,) = claims(Case(find(name), SMALL, good), "identity-exact")
            assert claim.verdict is (Verdict.HOLDS if name == weights else Verdict.REFUTED)


@pytest.mark.parametrize("name", NAMES)
def test_a_witness_can_be_replayed_from_its_json_alone(name: str, plant: Callable[[Derivation], None]) -> None:
    plant(one_sign_flipped(lp.derive(name), expected(name).heads - 1))
    case = Case(find(name), SMALL)
    (claim,) = claims(case, "identity-exact")
    w = dict(claim.witness or {})
    context = Context.of(**w["prompt"])
    start = [[Fraction(x) for x in v] if isinstance(v, list) else Fraction(v) for v in w["starting_weights"]]
    setup = problem(case.algorithm, RATIONALS, context, start, case.parameters, {})
    Z = [[Fraction(int(x.num), int(x.den)) for x in row] for row in setup.rows(setup.start)]
    state = run_layers(case.subject, [*setup.X.fractions(), *Z])[w["layer"] - 1]
    weights = list(textbook(setup, case.steps))[w["layer"] - 1]
    rows, names = setup.rows(weights), setup.layout.accumulators
    column = next(t for t in range(4) if setup.layout.column_name(t) == w["column"])
    value = rows[names.index(w["row"])][column]
    assert state[setup.layout.accumulator(w["row"])][column] == Fraction(w["layer_value"])
    assert Fraction(int(value.num), int(value.den)) == Fraction(w["iterate_value"])
    assert w["layer_value"] != w["iterate_value"]


# updates that no layer can do


def takes_a_max(delta: Any, t: Any, w: Any, p: Any) -> Any:
    return max(delta, 0) * t.phi


def compares(delta: Any, t: Any, w: Any, p: Any) -> Any:
    return delta * t.phi if w @ t.phi > 0 else 0 * w


def divides_by_a_sum(delta: Any, t: Any, w: Any, p: Any) -> Any:
    return (delta / (1 + t.phi @ t.phi)) * t.phi


def weighs_by_a_ratio(delta: Any, t: Any, w: Any, p: Any) -> Any:
    """rho_j delta_j phi_j where rho_j is a number of the transition that no feature row is scaled by."""
    return t.reward * delta * t.phi


def cubes(delta: Any, t: Any, w: Any, p: Any) -> Any:
    return (w @ t.phi) * delta * t.phi


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (takes_a_max, "max"),
        (compares, "compares"),
        (divides_by_a_sum, "divides by the sum"),
        (weighs_by_a_ratio, "R_"),
        (cubes, "w"),
    ],
)
def test_an_update_that_no_layer_can_do_is_refuted_with_the_reason_and_nothing_else_is_run(
    change: Callable[..., Any], reason: str
) -> None:
    result = checker.verify(other_update("td0", td0_with(change)), settings=SMALL, evidence=EXACT)
    first, *rest = [c for c in result.claims if c.asked]
    assert (first.evidence, first.verdict) == ("derived", Verdict.REFUTED)
    assert reason in first.reason
    assert [(c.evidence, c.verdict) for c in rest] == [(kind, Verdict.NOT_RUN) for kind in EXACT[1:]]
    assert {c.reason for c in rest} == {checker.NEEDS_WEIGHTS}
    assert result.exit_code == 1


@pytest.mark.parametrize("change", [weighs_by_a_ratio, cubes])
def test_a_polynomial_that_no_head_can_produce_is_refuted_with_the_terms(change: Callable[..., Any]) -> None:
    algorithm = other_update("td0", td0_with(change))
    with pytest.raises(lp.LayerproofError):
        derive(algorithm)
    (claim,) = claims(Case(algorithm, SMALL), "derived")
    assert claim.witness is not None and claim.witness["terms"]


@pytest.mark.parametrize("kind", EXACT[1:])
def test_without_weights_an_identity_that_is_asked_for_alone_is_not_run_and_is_no_success(kind: str) -> None:
    result = checker.verify(other_update("td0", td0_with(cubes)), settings=SMALL, evidence=[kind])
    (claim,) = [c for c in result.claims if c.asked]
    assert claim.verdict is Verdict.NOT_RUN
    assert result.exit_code == 3


@pytest.mark.parametrize("kind", EXACT[1:])
def test_a_comparison_is_refuted_with_prompts_whatever_is_asked_for(kind: str) -> None:
    result = checker.verify(other_update("td0", td0_with(takes_a_max)), settings=SMALL, evidence=[kind])
    (claim,) = [c for c in result.claims if c.asked]
    assert claim.verdict is Verdict.REFUTED and "max" in claim.reason
    assert claim.witness is not None and claim.witness["prompts"]
    assert result.exit_code == 1


def test_one_algorithm_without_weights_does_not_keep_the_others_from_being_checked() -> None:
    broken = replace(other_update("td0", td0_with(takes_a_max)), name="broken")
    result = checker.verify(broken, "td0", settings=SMALL, evidence=["derived", "identity-exact"])
    by_evidence = {(c.algorithm, c.evidence): c.verdict for c in result.claims if c.asked}
    assert by_evidence == {
        ("broken", "derived"): Verdict.REFUTED,
        ("broken", "identity-exact"): Verdict.NOT_RUN,
        ("td0", "derived"): Verdict.HOLDS,
        ("td0", "identity-exact"): Verdict.HOLDS,
    }


# the same question, the same answer


@pytest.mark.slow
def test_the_same_question_gives_the_same_bytes_and_another_seed_other_prompts() -> None:
    def ask(seed: int) -> str:
        return lp.verify("td0", "gtd2", d=2, n=3, layers=2, seed=seed, evidence=EXACT).to_json()

    assert ask(0) == ask(0) != ask(1)


def test_a_module_that_is_no_kind_of_evidence_is_named(monkeypatch):
    monkeypatch.delattr(kinds()["float"], "NEEDS")
    with pytest.raises(TypeError, match=r"evidence\.floats is no kind of evidence"):
        kinds.__wrapped__()


def test_every_kind_of_evidence_says_what_a_holds_means() -> None:
    assert set(EXACT) | {"float", "proved-all-sizes"} == set(kinds())
    strengths = [kind.STRENGTH for kind in kinds().values()]
    assert all(strengths) and len(set(strengths)) == len(strengths)
    assert "proved" not in kinds()["identity-random"].STRENGTH + kinds()["identity-exact"].STRENGTH
    claim = SimpleNamespace(**lp.verify("td0", d=2, n=2, layers=1, evidence=["identity-random"]).claims[-3].to_json())
    assert claim.evidence == "identity-random" and 0 < claim.details["probability"] < 2**-30


def test_the_update_of_an_algorithm_runs_on_a_plain_sweep_too() -> None:
    """What the check calls the textbook loop is the algorithm's own function and nothing else."""
    good = catalogue()["td0"]
    w, C = RATIONALS.vector([1, 2]), RATIONALS.matrix([[1, 0], [0, 1]])
    t = SimpleNamespace(phi=RATIONALS.vector([1, 0]), phi_next=RATIONALS.vector([0, 1]), reward=RATIONALS.number(3))
    p = SimpleNamespace(gamma=RATIONALS.number(Fraction(1, 2)))
    (after,) = good.update((w,), (C,), Sweep([t]), p)
    assert after.fractions() == [4, 2]  # 1 + (3 + 2/2 - 1), 2


def test_a_pool_is_given_what_takes_longest_first_patterns_among_the_rest():
    order: list[str] = []

    class Pool:
        def submit(self, call, algorithm, *_):
            order.append(algorithm.name)
            answer: Future = Future()
            answer.set_result(([], None))
            return answer

    checker.verify(pool=Pool())
    assert sorted(order) == sorted([*catalogue(), *pattern_catalogue()])
    assert order.index("causal-td") < order.index("gtd") < order.index("dynamic-programming")


def test_a_result_knows_which_claims_are_about_which_subject():
    renamed = replace(catalogue()["emphatic-td"], name="td0")
    result = lp.verify("softmax-td", "td0", renamed, evidence="derived")
    named = [(subject.title, {c.algorithm for c in claims}) for subject, claims in result.by_subject()]
    titles = [catalogue()["td0"].title, renamed.title, pattern_catalogue()["softmax-td"].title]
    assert named == list(zip(titles, [{"td0"}, {"td0"}, {"softmax-td"}], strict=True))
    assert tuple(c for _, claims in result.by_subject() for c in claims) == result.claims
    assert [claims[0].details["heads"] for _, claims in result.by_subject()[:2]] == [
        len(derive(a).heads) for a in (catalogue()["td0"], renamed)
    ]
