"""Online TD(lambda) by hand: layer l reads token l with the trace that has accumulated up to it."""

from __future__ import annotations

from fractions import Fraction

from expected import Expected
from helpers import GAMMA, LAM, Case, apply, dot, plus, random_context, run_layers, td_prompt, times
from updates import td_error

from layerproof.symbolic.construction import construct

CASE = Case("online-td-lambda")
D, N = 2, 3
C = [[Fraction(2), Fraction(-1, 3)], [Fraction(5, 2), Fraction(1, 4)]]


def tracing(use, decay=lambda p: p.gamma * p.lam, share=lambda t: t.now):
    """The trace's decay, its new feature and its use in some order."""

    def update(weights, preconditioners, sweep, p):
        (w,), (C,) = weights, preconditioners
        e = total = 0 * w
        for t in sweep:
            for step in use.split(", "):
                if step == "decay":
                    e = decay(p) * e
                elif step == "add":
                    e = e + t.phi
                elif step == "add now":
                    e = e + t.now * t.phi
                else:
                    total = total + share(t) * (td_error(w, t, p) * e)
        return (w + C @ total,)

    return update


EXPECTED = Expected(
    heads=1,
    right=tracing("decay, add, use"),
    ordered=True,
    faults={
        "the trace of the token before": tracing("use, decay, add"),
        "feature decayed with the trace": tracing("add, decay, use"),
        "no decay": tracing("add, use"),
        "the paper's decay": tracing("decay, add, use", decay=lambda p: p.lam),
        "no trace": tracing("decay, add now, use"),
        "every token is read": tracing("decay, add, use", share=lambda t: 1),
    },
    trace_decay=lambda p: p["gamma"] * p["lam"],
)


def test_layer_l_has_row_l_of_the_trace_alone():
    built = construct(CASE.derivation, D, N, N, [(C,)] * N, {"gamma": GAMMA, "lam": LAM})
    for number in range(N):
        (head,) = built.heads(number)
        row = [(GAMMA * LAM) ** (number - j) if j <= number else 0 for j in range(N)]
        assert head.M.fractions() == [[*(row if i == number else [0] * N), 0] for i in range(N + 1)]


def test_layers_are_the_online_iterates_by_hand():
    context, w, e = random_context(D, N, seed=1), [Fraction(3, 4), Fraction(-2)], [Fraction(0)] * D
    built = construct(CASE.derivation, D, N, N, [(C,)] * N, {"gamma": GAMMA, "lam": LAM})
    start, wanted = td_prompt(context, w), []
    for x, y, r in zip(context.features, context.next_features, context.rewards, strict=True):
        e = plus(times(GAMMA * LAM, e), x)
        w = plus(w, times(r + GAMMA * dot(w, y) - dot(w, x), apply(C, e)))
        wanted.append(td_prompt(context, w))
    assert run_layers(built, start) == wanted
