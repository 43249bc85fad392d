"""In-context dynamic programming by hand: v <- r + gamma P v where each state stands once, TD(0) with C = n I."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice

from expected import Expected
from helpers import GAMMA, Case, block_matrix, dot, run_layers, times, transposed

from layerproof.numeric.data.draws import prompts
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.construction import construct

CASE = Case("dynamic-programming")
N = 3
P = [[Fraction(1, 2), Fraction(1, 2), Fraction(0)], [Fraction(0), Fraction(1, 3), Fraction(2, 3)],
     [Fraction(1), Fraction(0), Fraction(0)]]  # fmt: skip
REWARDS = [Fraction(2), Fraction(-1, 3), Fraction(5)]


def step(error, direction=lambda t, p: t.phi, scale=lambda n: 1):
    def update(weights, preconditioners, sweep, p):
        (w,) = weights
        total = 0 * w
        for t in sweep:
            total = total + error(w, t, p) * direction(t, p)
        return (w + scale(sweep.n) * total,)

    return update


def backup(w, t, p):
    return t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi


EXPECTED = Expected(
    heads=1,
    right=step(backup),
    faults={
        "TD(0)'s mean": step(backup, scale=lambda n: 1 / n),
        "twice the backup": step(backup, scale=lambda n: 2),
        "adds the backup, replaces nothing": step(lambda w, t, p: backup(w, t, p) + w @ t.phi),
        "undiscounted": step(lambda w, t, p: t.reward + w @ t.phi_next - w @ t.phi),
        "backs up the next state": step(backup, lambda t, p: t.phi_next),
    },
    same_weights=("td0",),  # TD(0) with C = n I, where n = d
)


def prompt(v, rewards, transition):
    """Columns (e_s; gamma P_s; r_s + gamma P_s v - v_s) and the query's (e_2; 0; -v_2)."""
    basis = [[Fraction(int(i == j)) for j in range(N)] for i in range(N)]
    columns = [
        [*basis[s], *times(GAMMA, transition[s]), rewards[s] + GAMMA * dot(transition[s], v) - v[s]] for s in range(N)
    ]
    return transposed([*columns, [*basis[1], *[0] * N, -v[1]]])


def bellman(v, rewards=REWARDS, transition=P):
    return [rewards[s] + GAMMA * dot(transition[s], v) for s in range(N)]


def test_layers_are_backups_of_all_states():
    built = construct(CASE.derivation, N, N, 2, [()], {"gamma": GAMMA}, looped=True)
    v = [Fraction(3, 4), Fraction(-2), Fraction(1, 5)]
    wanted = [prompt(bellman(v), REWARDS, P), prompt(bellman(bellman(v)), REWARDS, P)]
    assert run_layers(built, prompt(v, REWARDS, P)) == wanted
    assert run_layers(built, prompt(v, REWARDS, transposed(P))) != wanted


def test_the_weights_are_td0s_with_n_times_the_identity():
    (head,) = construct(CASE.derivation, N, N, 1, [()], {"gamma": GAMMA}).heads(0)
    n = [[N * int(i == j) for j in range(N)] for i in range(N)]
    assert head.Q.fractions() == block_matrix((N, N, 1), {(0, 0): [times(-1, x) for x in n], (0, 1): n})


def test_prompts_enumerate_the_states_of_a_process():
    drawn = list(islice(prompts(find("dynamic-programming"), N, N, 0, "boyan-chain"), 3))
    for kind, context, _ in drawn:
        assert kind == "enumeration"
        assert [[int(x) for x in row] for row in context.features] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
        assert [sum(row) for row in context.next_features] == [1] * N
        assert context.query in context.features
    assert [any(x for x in start[0]) for _, _, start in drawn] == [True, False, True]
    assert next(prompts(find("dynamic-programming"), 1, 1, 0, "boyan-chain"))[1].next_features == ((1,),)
