"""Real Markov reward processes, seeded and exact: Boyan's chain, a loop, random ergodic chains.

Random numbers are integers from `random.Random`, normalised in Q: rows sum to exactly 1, and a seed gives the same
process on every platform. Features and rewards are k/2^bits in [-1, 1], which float64 holds exactly (bits <= 53),
and float32 too when bits <= 24. A seed gives the same transitions and rewards whatever the features are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from random import Random

from flint import fmpq, fmpq_mat

from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.near import near as near_to
from ...symbolic.plain_text import shown

Vector = tuple[Fraction, ...]
Row = Iterable[Fraction | int]
Rows = Iterable[Row]


def stream(purpose: str, seed: int) -> Random:
    """The random integers of one purpose: the same seed gives unrelated streams to different purposes.

    Raises `ArgumentError` for a negative seed, which `random.Random` would silently take for its absolute value.
    """
    return Random(f"{purpose} {whole_number('seed', seed, 0)}")


def dyadic(rng: Random, bits: int) -> Fraction:
    """A number k/2^bits, uniform over the integers k with |k| <= 2^bits; bits in 1..53."""
    (drawn,) = dyadics(rng, bits, 1)
    return drawn


def dyadics(rng: Random, bits: int, count: int) -> Vector:
    """`count` such numbers, one after another."""
    scale = 1 << whole_number("bits", bits, 1, 53)
    return tuple(_dyadic(rng.randint(-scale, scale), scale) for _ in range(count))


@lru_cache(2**12)
def _dyadic(top: int, scale: int) -> Fraction:
    """Making a fraction costs ten times as much as finding it."""
    return Fraction(top, scale)


@dataclass(frozen=True)
class MarkovRewardProcess:
    """A finite Markov chain with a reward and a feature vector for each of its s states, all entries Fractions.

    transition : (s, s), row i is the distribution of the state after i
    reward     : (s,), the reward on leaving state i, the same for every next state
    features   : s vectors of length d >= 1
    initial    : (s,), the distribution of S_0

    Raises `ArgumentError` when shapes do not fit, an entry is no Fraction or a distribution does not sum to exactly 1.

    >>> half = Fraction(1, 2)
    >>> coin = MarkovRewardProcess.of("coin", [[half, half], [half, half]], [1, -1], [[1, 0], [0, 1]], [1, 0])
    >>> coin.states, coin.d
    (2, 2)
    """

    name: str
    transition: tuple[Vector, ...]
    reward: Vector
    features: tuple[Vector, ...]
    initial: Vector

    @staticmethod
    def of(name: str, transition: Rows, reward: Row, features: Rows, initial: Row) -> MarkovRewardProcess:
        """A process from nested iterables of integers and Fractions."""

        def vector(entries: Row) -> Vector:
            # Only integers are converted: a float must reach the check below, which refuses it.
            return tuple(Fraction(x) if isinstance(x, int) else x for x in entries)

        rows, vectors = tuple(map(vector, transition)), tuple(map(vector, features))
        return MarkovRewardProcess(name, rows, vector(reward), vectors, vector(initial))

    def __post_init__(self) -> None:
        if not self.transition or not self.features or not self.features[0]:
            raise ArgumentError("a process needs at least one state and one feature")
        s, d = self.states, self.d
        rows = [(f"transition[{i}]", row, s) for i, row in enumerate(self.transition)]
        vectors = [(f"features[{i}]", vector, d) for i, vector in enumerate(self.features)]
        for name, entries, length in [("reward", self.reward, s), ("initial", self.initial, s), *rows, *vectors]:
            if len(entries) != length:
                raise ArgumentError(f"{name} has {len(entries)} entries, wanted {length}")
            if not all(isinstance(x, Fraction) for x in entries):
                raise ArgumentError(f"{name} has an entry that is no Fraction: give exact rationals, Fraction(9, 10)")
        if len(self.features) != s:
            raise ArgumentError(f"features has {len(self.features)} vectors, wanted one for each of {s} states")
        for name, entries, _ in [("initial", self.initial, s), *rows]:
            if min(entries) < 0 or sum(entries) != 1:
                raise ArgumentError(
                    f"{name} sums to {sum(entries)} with smallest entry {min(entries)}, "
                    "wanted non-negative entries that sum to exactly 1"
                )

    @property
    def states(self) -> int:
        """The number of states s."""
        return len(self.transition)

    @property
    def d(self) -> int:
        """The feature dimension."""
        return len(self.features[0])


def _weights(rng: Random, support: Iterable[int], bits: int) -> dict[int, Fraction]:
    """A distribution on `support`, positive everywhere: integers from 1 to 2^bits over their sum."""
    drawn = {state: rng.randint(1, 1 << bits) for state in support}
    total = sum(drawn.values())
    return {state: Fraction(weight, total) for state, weight in drawn.items()}


def _process(
    name: str, rows: list[dict[int, Fraction]], d: int, rng: Random, bits: int, features: str
) -> MarkovRewardProcess:
    """The process with these sparse rows; initial distribution, rewards and features are drawn in this order."""
    states = range(len(rows))
    initial = _weights(rng, states, bits)
    reward = [dyadic(rng, bits) for _ in states]
    if features == "uniform":
        vectors = [[dyadic(rng, bits) for _ in range(d)] for _ in states]
    else:
        vectors = [[Fraction(int(i == j)) for j in states] for i in states]
    transition = [[row.get(j, Fraction(0)) for j in states] for row in rows]
    return MarkovRewardProcess.of(name, transition, reward, vectors, [initial[i] for i in states])


def _check(states: int, least: int, d: int, bits: int, features: str) -> None:
    """Raises `ArgumentError` for sizes outside their domain, before anything is drawn."""
    whole_number("states", states, least)
    whole_number("d", d, 1)
    whole_number("bits", bits, 1, 53)
    if features not in ("uniform", "one-hot"):
        raise ArgumentError(f"features is {shown(features)}, wanted 'uniform' or 'one-hot'")
    if features == "one-hot" and d != states:
        raise ArgumentError(f"d is {d}, wanted {states}: one-hot features have one entry for each state")


def boyan_chain(states: int, d: int, seed: int, *, bits: int = 10, features: str = "uniform") -> MarkovRewardProcess:
    """Boyan's chain with random numbers: state i < s-2 goes to i+1 or i+2, s-2 to s-1, and s-1 anywhere.

    states >= 3; the probability of i+1 is k/2^bits strictly between 0 and 1, the last row and the initial
    distribution are positive everywhere. `features="one-hot"` (d = states) is the tabular case.
    Raises `ArgumentError` for sizes outside their domain.
    Source: Boyan, ICML 1999; randomised as in the experiments of Wang, Blaser, Daneshmand and Zhang,
    arXiv 2405.13861 (whose probabilities are uniform on (0.01, 0.99)).
    """
    _check(states, 3, d, bits, features)
    rng = stream("boyan-chain", seed)
    steps = [Fraction(rng.randint(1, (1 << bits) - 1), 1 << bits) for _ in range(states - 2)]
    rows = [{i + 1: step, i + 2: 1 - step} for i, step in enumerate(steps)]
    rows += [{states - 1: Fraction(1)}, _weights(rng, range(states), bits)]
    return _process("boyan-chain", rows, d, rng, bits, features)


def loop(
    states: int, d: int, seed: int, *, jump: Fraction = Fraction(1, 2), bits: int = 10, features: str = "uniform"
) -> MarkovRewardProcess:
    """A loop with random shortcuts: i always reaches i+1 (mod s), never itself, and others with probability `jump`.

    states >= 2; `jump`, a rational in [0, 1], is the probability that a shortcut is there; each row is positive
    random weights on what the state reaches. Raises `ArgumentError` for arguments outside their domain.
    Source: the loop process of the published code of arXiv 2405.13861 (`jump` is 1 minus its threshold).
    """
    _check(states, 2, d, bits, features)
    jump = _rational("jump", jump)
    if not 0 <= jump <= 1:
        raise ArgumentError(f"jump is {jump}, wanted a probability from 0 to 1")
    rng = stream("loop", seed)
    rows = []
    for i in range(states):
        shortcuts = {j for j in range(states) if rng.randrange(jump.denominator) < jump.numerator}
        rows.append(_weights(rng, sorted(shortcuts - {i} | {(i + 1) % states}), bits))
    return _process("loop", rows, d, rng, bits, features)


def random_ergodic(states: int, d: int, seed: int, *, bits: int = 10, features: str = "uniform") -> MarkovRewardProcess:
    """A chain in which every transition has positive probability; states >= 1, else `ArgumentError`."""
    _check(states, 1, d, bits, features)
    rng = stream("random-ergodic", seed)
    rows = [_weights(rng, range(states), bits) for _ in range(states)]
    return _process("random-ergodic", rows, d, rng, bits, features)


PROCESSES: Mapping[str, Callable[..., MarkovRewardProcess]] = {
    "boyan-chain": boyan_chain,
    "loop": loop,
    "random-ergodic": random_ergodic,
}


def process_named(name: str) -> Callable[..., MarkovRewardProcess]:
    """The maker of the processes called `name`; raises `ArgumentError` with the nearest names when there is none."""
    if name in PROCESSES:
        return PROCESSES[name]
    near = near_to(str(name), PROCESSES)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the processes are {', '.join(PROCESSES)}"
    raise ArgumentError(f"process is {shown(name)}, which is not known: {hint}")


def _rational(name: str, value: object) -> Fraction:
    """`value` as a Fraction when it is an exact number; raises `ArgumentError` that calls it `name`."""
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Fraction(value)
    raise ArgumentError(f"{name} is {shown(value)}, wanted an integer or a Fraction: write Fraction(9, 10) for 0.9")


def _matrix(rows: Rows) -> fmpq_mat:
    return fmpq_mat([[fmpq(x.numerator, x.denominator) for x in row] for row in rows])


def _solve(rows: Rows, right: Row) -> Vector:
    """The x with rows x = right, for a square matrix known to be invertible."""
    solution = _matrix(rows).solve(_matrix([x] for x in right))
    return tuple(Fraction(int(x.p), int(x.q)) for x in solution.entries())


def stationary_distribution(process: MarkovRewardProcess) -> Vector:
    """The distribution pi, (s,), with pi P = pi, exactly.

    Raises `ArgumentError` when it is not unique, which is when the chain has more than one closed class.
    Source: Levin and Peres, Markov Chains and Mixing Times, section 1.7.

    >>> coin = MarkovRewardProcess.of("coin", [[0, 1], [Fraction(1, 3), Fraction(2, 3)]], [1, 1], [[1], [1]], [1, 0])
    >>> stationary_distribution(coin)
    (Fraction(1, 4), Fraction(3, 4))
    """
    s, P = process.states, process.transition
    balance = [[P[j][i] - int(i == j) for j in range(s)] for i in range(s)]
    closed_classes = s - _matrix(balance).rank()
    if closed_classes != 1:
        raise ArgumentError(
            f"process {process.name!r} has {closed_classes} closed classes, so its stationary distribution is not "
            "unique: give a process with a single one"
        )
    # The columns of `balance` sum to zero, so its last equation follows from the others: sum(pi) = 1 replaces it.
    return _solve([*balance[:-1], [1] * s], [0] * (s - 1) + [1])


def value_function(process: MarkovRewardProcess, gamma: Fraction) -> Vector:
    """The values v, (s,), with v = r + gamma P v, exactly; gamma a rational in [0, 1), else `ArgumentError`.

    Source: Sutton and Barto 2018, equation (3.14), for a process without choices.
    """
    gamma = _rational("gamma", gamma)
    if not 0 <= gamma < 1:
        raise ArgumentError(f"gamma is {gamma}, wanted 0 <= gamma < 1: without discounting I - gamma P has no inverse")
    rows = [[int(i == j) - gamma * p for j, p in enumerate(row)] for i, row in enumerate(process.transition)]
    return _solve(rows, process.reward)
