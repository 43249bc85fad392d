"""Finite chains: classes, periods, laws and Poisson's equation, against chains that one solves by hand."""

from __future__ import annotations

from fractions import Fraction as F

import pytest

from layerproof.numeric.data.processes import random_ergodic, stationary_distribution
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.markov.chain import Chain, average

HALF = F(1, 2)


def chain(*rows: list[F | int]) -> Chain:
    return Chain(tuple(tuple(F(x) for x in row) for row in rows))


@pytest.mark.parametrize(("p", "q"), [(F(1, 3), HALF), (F(1), F(1)), (F(1, 7), F(2, 3))])
def test_the_law_of_two_states_is_q_and_p_over_their_sum(p: F, q: F) -> None:
    assert chain([1 - p, p], [q, 1 - q]).law == (q / (p + q), p / (p + q))


def test_poissons_equation_of_two_states_by_hand() -> None:
    p, q = F(1, 3), HALF
    u = chain([1 - p, p], [q, 1 - q]).poisson([F(1), F(0)])
    assert u[0] - u[1] == 1 / (p + q)  # u(0) - u(1) = (g(0) - g(1)) / (p + q)
    assert average((q / (p + q), p / (p + q)), u) == 0


@pytest.mark.parametrize("seed", range(3))
def test_poissons_equation_holds_state_by_state(seed: int) -> None:
    rows = random_ergodic(5, 1, seed, bits=4).transition
    solution, g = Chain(rows), [F(k * k, 3) for k in range(5)]
    u, mean = solution.poisson(g), average(solution.law, g)
    assert [u[s] - average(rows[s], u) for s in range(5)] == [x - mean for x in g]


def test_the_law_is_the_one_that_the_processes_know() -> None:
    process = random_ergodic(6, 1, 3)
    assert Chain(process.transition).law == stationary_distribution(process)


@pytest.mark.parametrize("length", [2, 3, 6])
def test_a_ring_has_its_length_as_its_period(length: int) -> None:
    ring = chain(*[[int(j == (i + 1) % length) for j in range(length)] for i in range(length)])
    assert ring.irreducible and ring.classes[0].period == length and set(ring.law) == {F(1, length)}


def test_a_chord_makes_a_ring_aperiodic() -> None:
    ring = chain([0, HALF, HALF], [0, 0, 1], [1, 0, 0])  # ways back of length 2 and 3
    assert ring.classes[0].period == 1


def test_transient_states_and_two_closed_classes_are_seen() -> None:
    one = chain([HALF, HALF, 0], [0, 0, 1], [0, 1, 0])
    assert not one.irreducible and one.transient == (0,) and one.law == (0, HALF, HALF)
    assert [c.period for c in one.classes] == [1, 2]
    two = chain([1, 0, 0], [HALF, 0, HALF], [0, 0, 1])
    assert len(two.closed_classes) == 2 and two.transient == (1,)
    with pytest.raises(ArgumentError, match="2 closed classes"):
        _ = two.law
