"""A finite Markov decision process with two fixed policies: what a rule of stochastic approximation runs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from ..errors import ArgumentError, ContentError
from ..plain_text import shown
from ..strict_json import rational_text
from .chain import Chain
from .matrices import Vector

Table = tuple[Vector, ...]
Block = tuple[Table, ...]


@dataclass(frozen=True)
class Transition:
    """One state of the chain Y that drives a rule: (S_k, A_k, S_{k+1}), and its probability given S_k."""

    state: int
    action: int
    next_state: int
    probability: Fraction


@dataclass(frozen=True, eq=False)
class DecisionProcess:
    """s states, a actions, exact entries. A reward process is one with a single action.

    transition : (s, a, s), p(s' | s, a);  reward : (s, a, s), r(s, a, s')
    features   : s vectors of length d >= 1
    behaviour  : (s, a), mu(a | s), the policy that acts;  target : (s, a), pi(a | s), the one that is evaluated
    interest   : (s,), i(s) of emphatic methods
    gamma      : the discount that goes with it, if one does
    tables     : more numbers by name, as a rule's file reads them: nested tuples of Fractions

    Raises `ArgumentError` that names the entry when shapes do not fit or a distribution does not sum to exactly 1.
    """

    name: str
    transition: Block
    reward: Block
    features: Table
    behaviour: Table
    target: Table
    interest: Vector
    gamma: Fraction | None = None
    tables: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(
        name: str,
        transition: Sequence[Any],
        reward: Sequence[Any],
        features: Sequence[Any],
        behaviour: Sequence[Any] | None = None,
        target: Sequence[Any] | None = None,
        interest: Sequence[Any] | None = None,
        gamma: Fraction | None = None,
        tables: Mapping[str, Any] | None = None,
    ) -> DecisionProcess:
        """A process from nested lists of integers and Fractions.

        transition : (s, a, s), or (s, s) for a single action
        reward     : (s,), (s, a) or (s, a, s); for a single action (s,) or (s, s)
        behaviour, target : (s, a); uniform, and as the behaviour, where they are left out
        """
        alone = not _depth_is(transition, 3)
        blocks = [[row] for row in transition] if alone else transition
        count = len(blocks[0]) if blocks and isinstance(blocks[0], Sequence) else 0
        policy = [[Fraction(1, count)] * count for _ in blocks] if behaviour is None and count else behaviour
        return DecisionProcess(
            name,
            _tuples(blocks),
            _rewards(reward, blocks, alone),
            _tuples(features),
            _tuples(policy or []),
            _tuples(policy or [] if target is None else target),
            _tuples([1] * len(blocks) if interest is None else interest),
            None if gamma is None else Fraction(gamma),
            {} if tables is None else {key: _tuples(value) for key, value in tables.items()},
        )

    def __post_init__(self) -> None:
        s, a, d = self.states, self.actions, self.d
        if not s or not a or not d:
            raise ArgumentError("a process needs at least one state, one action and one feature")
        _shape("transition", self.transition, (s, a, s))
        _shape("reward", self.reward, (s, a, s))
        _shape("features", self.features, (s, d))
        _shape("behaviour", self.behaviour, (s, a))
        _shape("target", self.target, (s, a))
        _shape("interest", self.interest, (s,))
        rows = [
            (f"transition[{i}][{k}]", row) for i, block in enumerate(self.transition) for k, row in enumerate(block)
        ]
        for what, table in (("behaviour", self.behaviour), ("target", self.target)):
            rows += [(f"{what}[{i}]", row) for i, row in enumerate(table)]
        for name, row in rows:
            if min(row) < 0 or sum(row) != 1:
                raise ArgumentError(
                    f"{name} sums to {_cut(sum(row))} with smallest entry {_cut(min(row))}, "
                    "wanted non-negative entries that sum to exactly 1"
                )
        if min(self.interest) < 0:
            raise ArgumentError(f"interest has the entry {_cut(min(self.interest))}, wanted non-negative numbers")
        if self.gamma is not None and not 0 <= self.gamma <= 1:
            raise ArgumentError(f"gamma is {_cut(self.gamma)}, wanted a number from 0 to 1")

    @property
    def states(self) -> int:
        """The number of states s."""
        return len(self.transition)

    @property
    def actions(self) -> int:
        """The number of actions a."""
        return _length(self.transition[0]) if _length(self.transition) else 0

    @property
    def d(self) -> int:
        """The feature dimension."""
        return _length(self.features[0]) if _length(self.features) else 0

    @property
    def on_policy(self) -> bool:
        """Whether the policy that acts is the one that is evaluated."""
        return self.behaviour == self.target

    def under(self, policy: Table) -> tuple[Vector, ...]:
        """The transition matrix between states, (s, s), when actions are drawn from a policy (s, a)."""
        return tuple(
            tuple(
                sum((p * row[j] for p, row in zip(policy[i], block, strict=True)), Fraction(0))
                for j in range(self.states)
            )
            for i, block in enumerate(self.transition)
        )

    def expected_reward(self, policy: Table) -> Vector:
        """r(s), (s,): the expected reward on leaving s, when actions are drawn from a policy."""
        return tuple(
            sum(
                (
                    policy[i][k] * p * self.reward[i][k][j]
                    for k, row in enumerate(block)
                    for j, p in enumerate(row)
                    if p
                ),
                Fraction(0),
            )
            for i, block in enumerate(self.transition)
        )

    @cached_property
    def chain(self) -> Chain:
        """The chain of states under the behaviour policy."""
        return Chain(self.under(self.behaviour))

    def transitions(self) -> Iterator[Transition]:
        """Every (s, a, s') that the behaviour policy makes possible, with mu(a | s) p(s' | s, a)."""
        for i, block in enumerate(self.transition):
            for k, row in enumerate(block):
                acts = self.behaviour[i][k]
                for j, p in enumerate(row):
                    if acts and p:
                        yield Transition(i, k, j, acts * p)

    def ratio(self, state: int, action: int) -> Fraction:
        """rho = pi(a | s) / mu(a | s) of an action that was taken."""
        return self.target[state][action] / self.behaviour[state][action]

    def check_ratios(self) -> None:
        """`ContentError` with the state and action where pi acts and mu never does: rho is not defined there."""
        for i, (acts, wanted) in enumerate(zip(self.behaviour, self.target, strict=True)):
            for k, (mu, pi) in enumerate(zip(acts, wanted, strict=True)):
                if pi and not mu:
                    raise ContentError(
                        f"the importance ratio of state {i}, action {k} is not defined: the target takes it with "
                        f"probability {pi}, the behaviour never: give behaviour[{i}][{k}] a positive probability"
                    )


def _length(values: Any) -> int:
    """How many entries a row has; a number that stands where a row should has none, which `_shape` then tells."""
    return len(values) if isinstance(values, tuple) else 0


def _cut(value: Any) -> str:
    """A value in a message, of whatever length."""
    if not isinstance(value, Fraction):
        return shown(value)
    text = rational_text(value)
    return text if len(text) <= 40 else f"{text[:40]}... ({len(text)} characters)"


def _depth_is(rows: Any, depth: int) -> bool:
    for _ in range(depth):
        if isinstance(rows, str) or not isinstance(rows, Sequence) or not rows:
            return False
        rows = rows[0]
    return True


def _tuples(values: Any) -> Any:
    """Nested tuples; only integers become Fractions, so that a float reaches the check that refuses it."""
    if isinstance(values, Sequence) and not isinstance(values, str):
        return tuple(_tuples(x) for x in values)
    return Fraction(values) if isinstance(values, int) and not isinstance(values, bool) else values


def _rewards(reward: Sequence[Any], blocks: Sequence[Any], alone: bool) -> Any:
    """Rewards for every (s, a, s'), from what depends on fewer of them."""
    given = _tuples(reward)
    states = len(blocks)
    if _depth_is(given, 3):
        return given
    if _depth_is(given, 2):
        if alone:
            return tuple((row,) for row in given)
        return tuple(tuple((x,) * states for x in row) for row in given)
    count = len(blocks[0]) if blocks and isinstance(blocks[0], Sequence) else 0
    return tuple(((x,) * states,) * count for x in given)


def _shape(name: str, values: Any, shape: tuple[int, ...]) -> None:
    """`ArgumentError` with the place where a nested tuple is no table of Fractions of that shape."""
    if not shape:
        if not isinstance(values, Fraction):
            raise ArgumentError(f"{name} is {_cut(values)}, wanted an exact rational: Fraction(9, 10) for 0.9")
        return
    if not isinstance(values, tuple) or len(values) != shape[0]:
        given = f"{len(values)} entries" if isinstance(values, tuple) else f"{_cut(values)}"
        raise ArgumentError(f"{name} has {given}, wanted {shape[0]}")
    for i, value in enumerate(values):
        _shape(f"{name}[{i}]", value, shape[1:])
