"""The shipped examples: each verifies, is what its paper says, and has wrong siblings that are refuted."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from helpers import apply, dot, entry_changed, plus, random_context, random_rational, random_vector, run_layers, times
from helpers import transposed as transpose

import layerproof as lp
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.arithmetics.rational import RationalMatrix
from layerproof.symbolic.attention import Head, layer
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.given import exact_head, exact_matrix, given_construction
from layerproof.symbolic.identity.exact import problem, textbook
from layerproof.symbolic.own_layers import own_mismatches
from layerproof.symbolic.prompt import Context

FOLDER = Path(__file__).parents[2] / "examples"
DERIVED = ("off_policy_td", "k_step_td", "expected_sarsa", "averaging")
TABLED = ("averaging",)
"""Those whose layers differ by a table, and so are never looped."""
GIVEN = ("heavy_ball_td", "target_network_td")
OWN = ("ridge_td", "newton_schulz_lstd")
ELSEWHERE = ("ridge_td_columns",)
"""Checked in tests/symbolic/test_unit_columns.py."""
GAMMA, BETA, TAU, KAPPA = Fraction(9, 10), Fraction(-2, 7), Fraction(3, 11), Fraction(5, 3)
D, N = 2, 4
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]
ZERO = [Fraction(0)] * D


def path_of(name: str) -> str:
    return str(FOLDER / f"{name}.py")


@cache
def subject(name: str) -> Any:
    """What an example defines, in this process: the siblings of it run its functions."""
    namespace = runpy.run_path(path_of(name))
    return namespace.get("ALGORITHM", namespace.get("CONSTRUCTION"))


def test_every_example_is_known_here():
    assert {p.stem for p in FOLDER.glob("*.py")} == {*DERIVED, *GIVEN, *OWN, *ELSEWHERE}


# each verifies


@pytest.mark.parametrize(
    ("name", "looped"), [(n, looped) for n in (*DERIVED, *GIVEN, *OWN) for looped in (False, True)[: 2 - (n in TABLED)]]
)
def test_it_verifies(name, looped):
    result = lp.verify(path_of(name), d=2, n=5, layers=4, trials=2, looped=looped)
    assert result.exit_code == 0, result.to_json()
    claim = next(c for c in result.claims if c.evidence == "identity-exact")
    assert claim.verdict is lp.Verdict.HOLDS
    if name in OWN:
        assert claim.reason == "equal over Q on 2 prompts"
    else:
        assert claim.details["prompts"] == ["generic", "trajectory"]
    asked = {c.evidence for c in result.claims if c.asked}
    assert asked >= ({"derived", "identity-symbolic", "identity-entrywise", "float"} if name in DERIVED else set())


@pytest.mark.parametrize("name", (*DERIVED, *GIVEN, *OWN))
def test_it_verifies_at_other_sizes_and_on_other_processes(name):
    for d, n, process in ((3, 5, "loop"), (1, 2, "random-ergodic"), (2, 1, "boyan-chain")):
        result = lp.verify(
            path_of(name), d=d, n=n, layers=4, process=process, exact_trials=4, evidence=["identity-exact"]
        )
        assert result.exit_code == 0, (d, n, result.to_json())


def test_the_average_is_the_mean_of_the_iterates():
    """Over three layers, from any start: rho_1 = 1 forgets where the average began."""
    algorithm, context, w = subject("averaging"), context_with(1), W0
    steps = algorithm.prescribed([(C, None)] * 3)
    setup = problem(algorithm, RATIONALS, context, [U0, W0], {"gamma": GAMMA}, {})
    iterates = []
    for average, _ in textbook(setup, steps):
        w = gained(w, [times(e, x) for e, x in zip(errors(context, w, w), context.features, strict=True)])
        iterates.append(w)
        assert average.fractions() == times(Fraction(1, len(iterates)), plus(*iterates))


# one iterate by hand


def context_with(seed: int, **extras: bool) -> Context:
    """A generic context; `extras` says of each name whether it is a vector."""
    base, rng = random_context(D, N, seed), Random(seed)
    drawn = {k: [random_vector(rng, D) if v else random_rational(rng) for _ in range(N)] for k, v in extras.items()}
    return Context.of(base.features, base.next_features, base.rewards, base.query, drawn)


def given(algorithm: Any, values: dict[str, Fraction], depth: int = 1) -> Any:
    return given_construction(algorithm, {}, D, N, depth, [(C,)] * depth, values, False)


def assert_one_layer(name: str, context: Context, columns: Callable[..., Any], start: list[Any], after: list[Any]):
    """The layer takes the prompt of `start`, built by hand, to that of `after`; the file's own update agrees."""
    algorithm = subject(name)
    values = {k: v for k, v in {"gamma": GAMMA, "beta": BETA, "tau": TAU}.items() if k in algorithm.parameters}
    built = given(algorithm, values) if name in GIVEN else construct(derive(algorithm), D, N, 1, [(C,)], values)
    assert run_layers(built, transpose(columns(context, *start))) == [transpose(columns(context, *after))]
    ((*new,),) = textbook(problem(algorithm, RATIONALS, context, start, values, {}), [(C,)])
    assert [w.fractions() for w in new] == after


def errors(context: Context, w: list[Fraction], bootstrap: list[Fraction]) -> list[Fraction]:
    """R_j + gamma u.phi'_j - w.phi_j with u = `bootstrap`."""
    data = zip(context.features, context.next_features, context.rewards, strict=True)
    return [r + GAMMA * dot(bootstrap, y) - dot(w, x) for x, y, r in data]


def gained(w: list[Fraction], credits: list[list[Fraction]]) -> list[Fraction]:
    """w + (1/n) C times the sum of the credits."""
    return plus(w, times(Fraction(1, N), apply(C, plus(*credits))))


W0, U0 = [Fraction(3, 4), Fraction(-2)], [Fraction(-1, 5), Fraction(7, 3)]


def test_off_policy_td_by_hand():
    context = context_with(1, rho=False)
    rho = dict(context.extras)["rho"]

    def columns(c, w):
        body = zip(c.features, c.next_features, rho, errors(c, w, w), strict=True)
        tokens = [[*x, *times(GAMMA, y), *times(r, x), delta] for x, y, r, delta in body]
        return [*tokens, [*c.query, *ZERO, *ZERO, -dot(w, c.query)]]

    credits = [times(r * e, x) for r, e, x in zip(rho, errors(context, W0, W0), context.features, strict=True)]
    assert_one_layer("off_policy_td", context, columns, [W0], [gained(W0, credits)])


def test_three_step_td_by_hand():
    # the forward view: sum_t (G_t - w.phi_t) phi_t, where G_t is the return over at most three rewards of the context
    # that bootstraps on w; on a trajectory, phi_{t+1} = phi'_t, it telescopes into the TD errors
    rng = Random(3)
    path = [random_vector(rng, D) for _ in range(N + 1)]
    context = Context.of(path[:-1], path[1:], random_vector(rng, N), random_vector(rng, D))

    def columns(c, w):
        body = zip(c.features, c.next_features, errors(c, w, w), strict=True)
        return [*([*x, *times(GAMMA, y), e] for x, y, e in body), [*c.query, *ZERO, -dot(w, c.query)]]

    credits = []
    for t in range(N):
        last = min(t + 3, N)
        G = sum((GAMMA ** (k - t) * context.rewards[k] for k in range(t, last)), Fraction(0))
        G += GAMMA ** (last - t) * dot(W0, path[last])
        credits.append(times(G - dot(W0, path[t]), path[t]))
    assert_one_layer("k_step_td", context, columns, [W0], [gained(W0, credits)])


def test_expected_sarsa_by_hand():
    context = context_with(4, pi_left=False, pi_right=False, phi_left=True, phi_right=True)
    extra = dict(context.extras)
    mean = [
        plus(times(extra["pi_left"][j], extra["phi_left"][j]), times(extra["pi_right"][j], extra["phi_right"][j]))
        for j in range(N)
    ]

    def deltas(w):
        return [context.rewards[j] + GAMMA * dot(w, mean[j]) - dot(w, context.features[j]) for j in range(N)]

    def columns(c, w):
        body = zip(c.features, mean, deltas(w), strict=True)
        return [*([*x, *times(GAMMA, y), e] for x, y, e in body), [*c.query, *ZERO, -dot(w, c.query)]]

    credits = [times(e, x) for e, x in zip(deltas(W0), context.features, strict=True)]
    assert_one_layer("expected_sarsa", context, columns, [W0], [gained(W0, credits)])


def test_heavy_ball_td_by_hand():
    context = context_with(5)

    def columns(c, w, u):
        lag = plus(w, times(Fraction(-1), u))
        tokens = []
        for x, y, e in zip(c.features, c.next_features, errors(c, w, w), strict=True):
            tokens.append([*x, *times(GAMMA, y), 1, e, GAMMA * dot(lag, y) - dot(lag, x)])
        return [*tokens, [*c.query, *ZERO, 0, -dot(w, c.query), -dot(lag, c.query)]]

    credits = [times(e, x) for e, x in zip(errors(context, W0, W0), context.features, strict=True)]
    new = plus(gained(W0, credits), times(BETA, W0), times(-BETA, U0))
    assert_one_layer("heavy_ball_td", context, columns, [W0, U0], [new, W0])


def test_target_network_td_by_hand():
    context = context_with(6)

    def columns(c, w, u):
        gap = plus(w, times(Fraction(-1), u))
        tokens = []
        for x, y, e in zip(c.features, c.next_features, errors(c, w, u), strict=True):
            tokens.append([*x, *times(GAMMA, y), 1, e, GAMMA * dot(gap, y)])
        return [*tokens, [*c.query, *ZERO, 0, -dot(w, c.query), 0]]

    credits = [times(e, x) for e, x in zip(errors(context, W0, U0), context.features, strict=True)]
    target = plus(times(1 - TAU, U0), times(TAU, W0))
    assert_one_layer("target_network_td", context, columns, [W0, U0], [gained(W0, credits), target])


def own_states(own: Any, context: Context, values: dict[str, Fraction], depth: int) -> Iterator[dict[Any, Fraction]]:
    """Z after each layer of an own construction, by the attention formula, as {(row, column): entry}."""
    d, n = context.d, context.n
    rows, columns, p = own.rows(d), own.columns(d, n), SimpleNamespace(**values)
    Z = exact_matrix(own.prompt(context, p), len(rows), len(columns), "the prompt")
    for number in range(depth):
        heads = [exact_head(h, len(rows), len(columns), "a head") for h in own.heads(d, n, p, number)]
        Z = layer(Z, heads, Fraction(1, n))
        yield {(r, c): Z.fractions()[i][j] for i, r in enumerate(rows) for j, c in enumerate(columns)}


def test_ridge_td_by_hand():
    # w <- w + (1/n)(1/2)(sum_j delta_j phi_j - kappa^2 w), by two halves: the gradient step of TD, and the decay
    context, w = context_with(7), ZERO
    for Z in own_states(subject("ridge_td"), context, {"gamma": GAMMA, "kappa": KAPPA}, 3):
        credits = [times(e, x) for e, x in zip(errors(context, w, w), context.features, strict=True)]
        w = plus(times(1 - KAPPA**2 / (2 * N), w), times(Fraction(1, 2 * N), plus(*credits)))
        assert Z["td_error", "query"] == -dot(w, context.query)
        for j, e in enumerate(errors(context, w, w), 1):
            assert Z["td_error", f"token {j}"] == e


def multiply(A, B):
    return [[dot(row, column) for column in zip(*B, strict=True)] for row in A]


def newton_schulz(context: Context, start: Fraction) -> tuple[list[Any], list[Fraction]]:
    """V_1, V_2, V_3 of V <- V (2 I - A V) for A = (1/n) sum phi (phi - gamma phi')^T, and b = (1/n) sum R phi."""
    A = [[Fraction(0)] * D for _ in range(D)]
    b = ZERO
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        left = plus(x, times(-GAMMA, y))
        A = [plus(row, times(x[i] / N, left)) for i, row in enumerate(A)]
        b = plus(b, times(r / N, x))
    V, iterates = [[start * (i == j) for j in range(D)] for i in range(D)], []
    for _ in range(3):
        AV = multiply(A, V)
        V = multiply(V, [[2 * (i == j) - AV[i][j] for j in range(D)] for i in range(D)])
        iterates.append(V)
    return iterates, b


def test_newton_schulz_iterates_are_in_the_layers():
    # which of V and its transpose the T rows carry is the file's choice; on a symmetric A they are one
    context = context_with(8)
    context = replace(context, next_features=context.features)
    start = Fraction(1, 3)
    Vs, b = newton_schulz(context, start)
    states = list(own_states(subject("newton_schulz_lstd"), context, {"gamma": GAMMA, "start": start}, 4))
    for V, Z in zip(Vs, states, strict=False):
        assert [Z[f"T[{i + 1}]", "query"] for i in range(D)] == apply(V, context.query)
    assert states[-1]["reward", "query"] == dot(context.query, apply(Vs[-1], b))


def test_newton_schulz_predicts_what_lstd_does():
    """w = V b with V near A^-1, so the prediction is q^T V b: A is not symmetric, and b^T V q is another number."""
    context, start = context_with(8), Fraction(1, 3)
    Vs, b = newton_schulz(context, start)
    *_, Z = own_states(subject("newton_schulz_lstd"), context, {"gamma": GAMMA, "start": start}, 4)
    assert Z["reward", "query"] == dot(context.query, apply(Vs[-1], b))


@pytest.mark.parametrize("name", OWN)
def test_the_files_own_reference_agrees_at_other_parameters(name):
    values = {"gamma": GAMMA, "kappa": KAPPA, "start": Fraction(-2, 3)}
    assert list(own_mismatches(subject(name), context_with(9), values, 4)) == [None] * 4


# what is derived


def test_three_step_td_derives_a_band_of_three():
    derivation = derive(subject("k_step_td"))
    assert (len(derivation.heads), derivation.mask_names, derivation.readout.row, derivation.readout.sign) == (
        1,
        ("M1",),
        "td_error",
        -1,
    )
    table = derivation.masks[0].rows(6, {"gamma": GAMMA}, Fraction)
    expected = [[GAMMA ** (i - j) if 0 <= i - j < 3 and i < 6 else 0 for j in range(7)] for i in range(7)]
    assert table == expected
    assert all(step.holds for steps in derivation.lemma.values() for step in steps)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, key, following",
    (("off_policy_td", "rho_phi", "gamma_phi_next"), ("expected_sarsa", "phi", "gamma_expected_phi")),
)
def test_one_head_and_its_key_block(name, key, following):
    algorithm = subject(name)
    derivation = derive(algorithm)
    assert (len(derivation.heads), derivation.head_lower_bound, derivation.mask_names) == (1, 1, ("M0",))
    (head,) = construct(derivation, D, N, 1, [(C,)], {"gamma": GAMMA}).heads(0)
    layout = construct(derivation, D, N, 1, [(C,)], {"gamma": GAMMA}).layout
    product = (head.W @ head.P).fractions()
    sign = product[-1][-1]  # a head may carry its scale in P or in Q
    minus = [times(-sign, row) for row in transpose(C)]
    plain = [times(sign, row) for row in transpose(C)]
    assert head.Q.fractions() == layout.matrix({(key, "phi"): minus, (key, following): plain})
    assert {k for k, _, _ in derivation.heads[0].E} == {key}


# wrong siblings


Heads = Callable[[Any, Any, Any, int], list[Head]]


def td_heads(key: str, following: str, mask: Callable[[int, int, Any], Any] | None = None) -> Heads:
    """TD(0)'s head by hand, with another key block, successor block and mask."""

    def heads(layout: Any, step: Any, p: Any, number: int) -> list[Head]:
        P = layout.matrix({("td_error", "td_error"): 1})
        Q = layout.matrix({(key, "phi"): -step.C.mT, (key, following): step.C.mT})
        return [Head(None, P, Q, layout.mask(mask and (lambda i, j: mask(i, j, p))))]

    return heads


def band(width: int, power: Callable[[int], int] = lambda k: k) -> Callable[[int, int, Any], Any]:
    return lambda i, j, p: p.gamma ** power(i - j) if 0 <= i - j < width else 0


def averaging_heads(layout: Any, step: Any, p: Any, number: int) -> list[Head]:
    """The gradient at w, errors being the average's plus the gap, and over the constant row what m takes of the gap."""
    rho = step.rho
    parts = {"averaged_error": rho, "gap": 1 - rho}
    P = layout.matrix({(row, read): part for row, part in parts.items() for read in parts})
    Q = layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "gamma_phi_next"): step.C.mT})
    moved = layout.matrix({("averaged_error", "one"): [[rho]], ("gap", "one"): [[-rho]]})
    return [
        Head(None, P, Q, layout.mask()), Head(None, moved, layout.matrix({("one", "gap"): [[1]]}), layout.mask())
    ]  # fmt: skip


RIGHT_HEADS = {
    "averaging": averaging_heads,
    "off_policy_td": td_heads("rho_phi", "gamma_phi_next"),
    "k_step_td": td_heads("phi", "gamma_phi_next", band(3)),
    "expected_sarsa": td_heads("phi", "gamma_expected_phi"),
}


def right(name: str) -> Any:
    algorithm = subject(name)
    return replace(algorithm, heads=RIGHT_HEADS[name]) if name in RIGHT_HEADS else algorithm


def with_update(name: str, update: Any) -> Any:
    return replace(right(name), update=update)


def with_heads(name: str, change: Callable[..., Any]) -> Any:
    """The sibling whose heads are `change(right heads, layout, step, p)`."""
    algorithm = right(name)

    def heads(layout: Any, step: Any, p: Any, number: int) -> list[Head]:
        return change(list(algorithm.heads(layout, step, p, number)), layout, step, p)

    return replace(algorithm, heads=heads)


def transposed_C(name: str) -> Any:
    algorithm = right(name)
    return replace(algorithm, heads=lambda a, s, p, k: algorithm.heads(a, SimpleNamespace(C=s.C.mT), p, k))


def other_p(name: str, **changed: Callable[[Any], Any]) -> Any:
    """The sibling whose heads read changed parameters."""
    algorithm = right(name)

    def heads(layout: Any, step: Any, p: Any, number: int) -> Any:
        return algorithm.heads(
            layout, step, SimpleNamespace(**{**vars(p), **{k: f(p) for k, f in changed.items()}}), number
        )

    return replace(algorithm, heads=heads)


def changed_matrix(which: str, i: int, j: int, change: Any, head: int = 0) -> Callable[..., Any]:
    def apply_to(heads: list[Head], layout: Any, step: Any, p: Any) -> list[Head]:
        matrix = RationalMatrix.of(getattr(heads[head], which))
        heads[head] = replace(heads[head], **{which: entry_changed(matrix, i, j, change)})
        return heads

    return apply_to


def negated_head(which: str, head: int = 0) -> Callable[..., Any]:
    def apply_to(heads: list[Head], layout: Any, step: Any, p: Any) -> list[Head]:
        rows = [[-x for x in row] for row in getattr(heads[head], which)]
        heads[head] = replace(heads[head], **{which: rows})
        return heads

    return apply_to


def td_update(credit: Callable[..., Any], delta: Callable[..., Any] | None = None) -> Any:
    """w + (1/n) C sum_j credit(delta_j, t): one loop for the wrong one-weight updates."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            error = delta(w, t, p) if delta else t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + credit(error, t)
        return (w + C @ sweep.total / sweep.n,)

    return update


def k_step_update(steps: int, discount: Callable[[Any, int], Any] = lambda p, k: p.gamma**k) -> Any:
    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        total, seen = 0 * w, []
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            seen = [t.phi, *seen][:steps]
            for k, phi in enumerate(seen):
                total = total + discount(p, k) * delta * phi
        return (w + C @ total / sweep.n,)

    return update


def sarsa_delta(expected: Callable[..., Any], gamma: Callable[[Any], Any] = lambda p: p.gamma) -> Any:
    return lambda w, t, p: t.reward + gamma(p) * expected(w, t) - w @ t.phi


def mean_value(w: Any, t: Any) -> Any:
    return t.pi_left * (w @ t.phi_left) + t.pi_right * (w @ t.phi_right)


def two_weights(step: Callable[..., Any], bootstrap_on_u: bool = False) -> Any:
    """`step(w, u, gradient, p)` gives the new pair."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w, u), (C,) = weights, preconditioners
        total = 0 * w
        for t in sweep:
            total = total + (t.reward + p.gamma * ((u if bootstrap_on_u else w) @ t.phi_next) - w @ t.phi) * t.phi
        return step(w, u, C @ total / sweep.n, p)

    return update


def averaged(step: Callable[..., Any]) -> Any:
    """`step(m, w, new, rho)` gives the new average; w is TD(0)'s."""

    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (m, w), (C, rho) = weights, preconditioners
        total = 0 * w
        for t in sweep:
            total = total + (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
        new = w + C @ total / sweep.n
        return step(m, w, new, rho), new

    return update


def with_prompt(name: str, change: Callable[..., Any]) -> Any:
    own = subject(name)
    return replace(own, prompt=lambda context, p: change(own, context, p))


def with_p(own: Any, part: str, **changed: Callable[[Any], Any]) -> Any:
    """The own construction one of whose parts reads changed parameters."""

    def altered(p: Any) -> Any:
        return SimpleNamespace(**{**vars(p), **{k: f(p) for k, f in changed.items()}})

    whole = getattr(own, part)
    if part == "heads":
        return replace(own, heads=lambda d, n, p, number: whole(d, n, altered(p), number))
    return replace(own, **{part: lambda context, p: whole(context, altered(p))})


def own_heads(name: str, change: Callable[[list[Head], int, int, int], list[Head]]) -> Any:
    """The own construction with heads `change(heads, d, n, layer)`."""
    own = subject(name)
    return replace(own, heads=lambda d, n, p, number: change(list(own.heads(d, n, p, number)), d, n, number))


def mapped(rows: Any, change: Callable[[int, int, Any], Any]) -> Any:
    return [[change(i, j, x) for j, x in enumerate(row)] for i, row in enumerate(rows)]


def other_reference(name: str, change: Callable[[Any, Any], Any]) -> Any:
    """The own construction whose reference names changed values."""
    own = subject(name)

    def reference(context: Context, p: Any) -> Iterator[dict[Any, Any]]:
        for entries in own.reference(context, p):
            yield {key: change(key, value) for key, value in entries.items()}

    return replace(own, reference=reference)


def swapped_reference(name: str) -> Any:
    """The reference with features and next features exchanged: G for another matrix."""
    own = subject(name)

    def reference(context: Context, p: Any) -> Any:
        return own.reference(replace(context, features=context.next_features, next_features=context.features), p)

    return replace(own, reference=reference)


SIBLINGS: dict[str, Callable[[], Any]] = {
    "off_policy_td: no ratio": lambda: with_update("off_policy_td", td_update(lambda e, t: e * t.phi)),
    "off_policy_td: ratio squared": lambda: with_update(
        "off_policy_td", td_update(lambda e, t: t.rho * t.rho * e * t.phi)
    ),
    "off_policy_td: sign": lambda: with_update("off_policy_td", td_update(lambda e, t: -1 * t.rho * e * t.phi)),
    "off_policy_td: no discount": lambda: with_update(
        "off_policy_td",
        td_update(lambda e, t: t.rho * e * t.phi, lambda w, t, p: t.reward + w @ t.phi_next - w @ t.phi),
    ),
    "off_policy_td: C transposed": lambda: transposed_C("off_policy_td"),
    "off_policy_td: key block": lambda: replace(right("off_policy_td"), heads=td_heads("phi", "gamma_phi_next")),
    "off_policy_td: next block": lambda: replace(right("off_policy_td"), heads=td_heads("rho_phi", "rho_phi")),
    "off_policy_td: mask entry": lambda: with_heads("off_policy_td", changed_matrix("M", 1, 0, lambda x: 1)),
    "off_policy_td: a token left out": lambda: with_heads("off_policy_td", changed_matrix("M", 4, 4, lambda x: 0)),
    "off_policy_td: read-out sign": lambda: with_heads("off_policy_td", negated_head("P")),
    "k_step_td: two steps": lambda: with_update("k_step_td", k_step_update(2)),
    "k_step_td: four steps": lambda: with_update("k_step_td", k_step_update(4)),
    "k_step_td: no discount": lambda: with_update("k_step_td", k_step_update(3, lambda p, k: 1)),
    "k_step_td: discount one late": lambda: with_update("k_step_td", k_step_update(3, lambda p, k: p.gamma ** (k + 1))),
    "k_step_td: mask of two": lambda: replace(right("k_step_td"), heads=td_heads("phi", "gamma_phi_next", band(2))),
    "k_step_td: mask of four": lambda: replace(right("k_step_td"), heads=td_heads("phi", "gamma_phi_next", band(4))),
    "k_step_td: mask transposed": lambda: replace(
        right("k_step_td"), heads=td_heads("phi", "gamma_phi_next", lambda i, j, p: band(3)(j, i, p))
    ),
    "k_step_td: mask entry": lambda: with_heads("k_step_td", changed_matrix("M", 4, 2, lambda x: -x)),
    "k_step_td: the query let in": lambda: with_heads("k_step_td", changed_matrix("M", 5, 5, lambda x: 1)),
    "k_step_td: C transposed": lambda: transposed_C("k_step_td"),
    "expected_sarsa: one action": lambda: with_update(
        "expected_sarsa",
        td_update(lambda e, t: e * t.phi, sarsa_delta(lambda w, t: t.pi_left * (w @ t.phi_left))),
    ),
    "expected_sarsa: actions swapped": lambda: with_update(
        "expected_sarsa",
        td_update(
            lambda e, t: e * t.phi,
            sarsa_delta(lambda w, t: t.pi_left * (w @ t.phi_right) + t.pi_right * (w @ t.phi_left)),
        ),
    ),
    "expected_sarsa: no discount": lambda: with_update(
        "expected_sarsa", td_update(lambda e, t: e * t.phi, sarsa_delta(mean_value, lambda p: 1))
    ),
    "expected_sarsa: plain next features": lambda: with_update("expected_sarsa", td_update(lambda e, t: e * t.phi)),
    "expected_sarsa: C transposed": lambda: transposed_C("expected_sarsa"),
    "expected_sarsa: Q sign": lambda: with_heads("expected_sarsa", changed_matrix("Q", 0, 0, lambda x: -x)),
    "averaging: of the old w": lambda: with_update("averaging", averaged(lambda m, w, new, rho: m + rho * (w - m))),
    "averaging: rho and 1 - rho": lambda: with_update(
        "averaging", averaged(lambda m, w, new, rho: new + rho * (m - new))
    ),
    "averaging: away from w": lambda: with_update("averaging", averaged(lambda m, w, new, rho: m - rho * (new - m))),
    "averaging: the last iterate": lambda: with_update("averaging", averaged(lambda m, w, new, rho: new)),
    "averaging: never moves": lambda: with_update("averaging", averaged(lambda m, w, new, rho: m)),
    "heavy_ball_td: momentum sign": lambda: with_update(
        "heavy_ball_td", two_weights(lambda w, u, g, p: (w + g - p.beta * (w - u), w))
    ),
    "heavy_ball_td: no momentum": lambda: with_update("heavy_ball_td", two_weights(lambda w, u, g, p: (w + g, w))),
    "heavy_ball_td: u keeps still": lambda: with_update(
        "heavy_ball_td", two_weights(lambda w, u, g, p: (w + g + p.beta * (w - u), u))
    ),
    "heavy_ball_td: Nesterov-like": lambda: with_update(
        "heavy_ball_td", two_weights(lambda w, u, g, p: (w + (1 + p.beta) * g + p.beta * (w - u), w))
    ),
    "heavy_ball_td: beta - 1 is beta": lambda: with_heads(
        "heavy_ball_td", changed_matrix("P", 6, 4, lambda x: x + 1, 1)
    ),
    "heavy_ball_td: beta is beta - 1": lambda: other_p("heavy_ball_td", beta=lambda p: p.beta - 1),
    "heavy_ball_td: no gradient in momentum": lambda: with_heads(
        "heavy_ball_td", changed_matrix("P", 6, 5, lambda x: 0)
    ),
    "heavy_ball_td: C transposed": lambda: transposed_C("heavy_ball_td"),
    "heavy_ball_td: mask entry": lambda: with_heads("heavy_ball_td", changed_matrix("M", 0, 0, lambda x: 2, 1)),
    "target_network_td: tau sign": lambda: with_update(
        "target_network_td", two_weights(lambda w, u, g, p: (w + g, u - p.tau * (w - u)), True)
    ),
    "target_network_td: 1 - tau": lambda: with_update(
        "target_network_td", two_weights(lambda w, u, g, p: (w + g, p.tau * u + (1 - p.tau) * w), True)
    ),
    "target_network_td: the new w": lambda: with_update(
        "target_network_td", two_weights(lambda w, u, g, p: (w + g, u + p.tau * (w + g - u)), True)
    ),
    "target_network_td: hard target": lambda: other_p("target_network_td", tau=lambda p: 1),
    "target_network_td: bootstraps on w": lambda: with_update(
        "target_network_td", two_weights(lambda w, u, g, p: (w + g, u + p.tau * (w - u)), False)
    ),
    "target_network_td: gap sign": lambda: with_heads("target_network_td", changed_matrix("P", 6, 4, lambda x: -x, 2)),
    "target_network_td: C transposed": lambda: transposed_C("target_network_td"),
    "ridge_td: no kappa": lambda: with_p(subject("ridge_td"), "prompt", kappa=lambda p: 0),
    "ridge_td: kappa, not its square": lambda: with_p(subject("ridge_td"), "prompt", kappa=lambda p: p.kappa * p.kappa),
    "ridge_td: sign of kappa^2": lambda: replace(
        subject("ridge_td"),
        prompt=lambda c, p: mapped(
            subject("ridge_td").prompt(c, p), lambda i, j, x: x + (i == j - c.n and j < c.n + c.d)
        ),
    ),
    "ridge_td: no discount": lambda: with_p(subject("ridge_td"), "prompt", gamma=lambda p: 1),
    "ridge_td: ridge tokens masked out": lambda: own_heads(
        "ridge_td",
        lambda hs, d, n, k: [replace(h, M=mapped(h.M, lambda i, j, x: x * (i < n))) for h in hs],
    ),
    "ridge_td: full step": lambda: own_heads(
        "ridge_td", lambda hs, d, n, k: [replace(h, Q=mapped(h.Q, lambda i, j, x: 2 * x)) for h in hs]
    ),
    "ridge_td: divided by n + d": lambda: replace(subject("ridge_td"), scale=lambda n: Fraction(1, n + 1)),
    "ridge_td: read-out sign": lambda: other_reference("ridge_td", lambda k, x: -x if k[1] == "query" else x),
    "newton_schulz_lstd: V for 2 V": lambda: own_heads(
        "newton_schulz_lstd",
        lambda hs, d, n, k: [replace(hs[0], Q=mapped(hs[0].Q, lambda i, j, x: 2 * x)), *hs[1:]] if k < 3 else hs,
    ),
    "newton_schulz_lstd: correction sign": lambda: own_heads(
        "newton_schulz_lstd",
        lambda hs, d, n, k: [hs[0], replace(hs[1], P=mapped(hs[1].P, lambda i, j, x: -x))] if k < 3 else hs,
    ),
    "newton_schulz_lstd: no discount": lambda: with_p(subject("newton_schulz_lstd"), "prompt", gamma=lambda p: 1),
    "newton_schulz_lstd: one iterate too few": lambda: replace(
        subject("newton_schulz_lstd"),
        heads=lambda d, n, p, k: subject("newton_schulz_lstd").heads(d, n, p, k + 1),
    ),
    "newton_schulz_lstd: another G": lambda: swapped_reference("newton_schulz_lstd"),
    "newton_schulz_lstd: read-out sign": lambda: other_reference(
        "newton_schulz_lstd", lambda k, x: -x if k[0] == "reward" else x
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DERIVED)
def test_the_right_heads_by_hand_are_right(name):
    for looped in (False, True)[: 2 - (name in TABLED)]:
        result = lp.verify(right(name), d=3, n=5, layers=4, looped=looped, evidence=["identity-exact"])
        assert result.exit_code == 0, result.to_json()


def entries_of(prompt: Any) -> list[Fraction]:
    if isinstance(prompt, dict):
        return [x for part in prompt.values() for x in entries_of(part)]
    return [x for part in prompt for x in entries_of(part)] if isinstance(prompt, list) else [Fraction(prompt)]


@pytest.mark.slow
@pytest.mark.parametrize("name", SIBLINGS)
def test_a_wrong_sibling_is_refuted(name):
    sibling = SIBLINGS[name]()
    result = lp.verify(sibling, d=2, n=5, layers=4, evidence=["identity-exact"])
    (claim,) = [c for c in result.claims if c.asked]
    assert (result.exit_code, claim.verdict) == (1, lp.Verdict.REFUTED), result.to_json()
    witness = claim.witness
    assert f"layer {witness['layer']}, row {witness['row']}, {witness['column']}" in claim.reason
    assert witness["layer_value"] != witness["iterate_value"]
    entries = [*entries_of(witness["prompt"]), *entries_of(witness["starting_weights"])]
    kept = [x for x in entries if x]
    assert 2 * len(kept) < len(entries), f"not shrunk: {witness}"
    assert witness["layer"] in range(1, 5)


def test_every_example_has_several_wrong_siblings():
    for name in (*DERIVED, *GIVEN, *OWN):
        assert sum(key.startswith(f"{name}:") for key in SIBLINGS) >= 5
