"""Read printed statements back: the loop over tokens as its text says it, on rational numbers, beside the update.

Every token of small prompts: the loop variable at every step, the new state, every entry of every row.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np

from ....symbolic.patterns.record import SEES, Keys
from ..generated.reading import definition, value
from .statements import PatternStatements

SIZES = ((1, 1), (2, 3), (3, 4))
"""(d, n) of the prompts."""


def differs(statements: PatternStatements) -> str | None:
    """Where the printed loop or a printed row is not what the algorithm's own functions do, or None.

    Raises `ContentError` when the text is not of the form that is read here.
    """
    for seed, (d, n) in enumerate(SIZES):
        difference = _Beside(statements, random.Random(seed), d, n).first()
        if difference is not None:
            return difference
    return None


class _Watched(Keys):
    """A pass that keeps what the loop variable is after each step."""

    def __init__(self, keys: list[Any], n: Any):
        super().__init__(keys, n)
        self._seen: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        for key in self._keys:
            yield key
            (kept,) = (x for name, x in vars(self).items() if not name.startswith("_") and name != "n")
            self._seen.append(kept)

    @property
    def seen(self) -> list[Any]:
        """The loop variable after each step."""
        return self._seen


class _Beside:
    """One prompt of rationals, and the printed definitions as functions on it."""

    def __init__(self, statements: PatternStatements, draw: random.Random, d: int, n: int):
        self.parts, self.n, a = statements.parts, n, statements.parts.algorithm

        def number() -> Fraction:
            return Fraction(draw.randint(1, 7) * draw.choice((-1, 1)), draw.randint(1, 5))

        def vector() -> Any:
            return np.array([number() for _ in range(d)], dtype=object)

        parameters = {x: number() for x in a.parameters}
        self.p = a.bind(parameters)
        self.tokens = [SimpleNamespace(phi=vector(), phi_next=vector(), reward=number()) for _ in range(n)]
        self.q = vector()
        one = number if a.numbers else vector
        self.state: Any = vector() if a.column else [one() for _ in range(n + 1)]
        self.K = [[number() for _ in range(n + 1)] for _ in range(n + 1)]
        self.C = np.array([vector() for _ in range(d)], dtype=object)
        self.zero = {"F": Fraction(0), "'rV[F]_d": np.array([Fraction(0)] * d, dtype=object)}
        self.values: dict[str, Any] = {statements.parts.parameters[x]: y for x, y in parameters.items()} | {
            "phi": [t.phi for t in self.tokens], "phi'": [t.phi_next for t in self.tokens],
            "R": [t.reward for t in self.tokens], "q": self.q, "n": n, "l": 0, "C": lambda layer: self.C,
            "lshift": lambda one, j: int(j), "rshift": lambda at, zero: int(at + zero), "next": lambda j: int(j) + 1,
            "row": lambda t, states: states[int(t)], statements.parts.s: self.state,
            "kernel": lambda layer, rows, j, t: self.K[int(j)][int(t)],
            **{base: None for base in statements.parts.rows.values()},
        }  # fmt: skip
        if a.numbers:
            self.values[statements.parts.s] = lambda row, t: self.state[int(t)]
        names = [
            "body",
            "new",
            "keys",
            *(f"{x}_{at}" for x in statements.parts.rows.values() for at in ("context", "last")),
        ]
        self.printed = {name: definition(statements.definitions[name]) for name in names}

    def call(self, name: str, **more: Any) -> Any:
        """The value of a printed definition, its arguments by their names."""
        return value(self.printed[name][1], {**self.values, **more})

    def first(self) -> str | None:
        """What is not the same, in words."""
        return self.rows() or self.loop()

    def rows(self) -> str | None:
        """Every entry of every row."""
        a = self.parts.algorithm
        for t in range(self.n + 1):
            family = a.families[int(t == self.n)]
            token = SimpleNamespace(**vars(self.tokens[t])) if t < self.n else SimpleNamespace(phi=self.q)
            if not a.column or t == self.n:
                token.state = self.own(t)
            if not a.column and t < self.n:
                token.next_state = self.state[t + 1]
            for row in a.rows:
                wanted = row.entry(family, token, self.p)
                wanted = self.zero["F" if row.scalar else "'rV[F]_d"] if wanted is None else wanted
                printed = self.call(f"{self.parts.rows[row.name]}_{'context' if t < self.n else 'last'}", j=t)
                if not _equal(printed, wanted):
                    return f"the row {row.name} in column {t + 1} is not what the algorithm puts there"
        return None

    def own(self, t: int) -> Any:
        """The state of a token."""
        return self.state if self.parts.algorithm.column else self.state[t]

    def loop(self) -> str | None:
        """The update of every token, step by step."""
        a = self.parts.algorithm
        for t in [self.n] if a.column else range(self.n + 1):
            seen = self.n if a.column else SEES[a.sees](t + 1, self.n)
            keys = [
                SimpleNamespace(**vars(self.tokens[j]), weight=self.K[j][t], state=self.own(j)) for j in range(seen)
            ]
            for j, key in enumerate(keys):
                key.next_state = None if a.column else self.state[j + 1]
            watched = _Watched(keys, Fraction(self.n))
            new = a.update(SimpleNamespace(state=self.own(t)), self.C, watched, self.p)
            if self.call("keys", t=t, minn=min) != seen:
                return f"token {t + 1} does not sum over the tokens that the update does"
            kept = self.zero[self.parts.kept]
            for j in range(seen):
                kept = self.call("body", t=t, j=j, **{self.parts.loop: kept})
                if not _equal(kept, watched.seen[j]):
                    return f"the loop variable {self.parts.loop} after step {j + 1} is not what the update makes of it"
            if not _equal(self.call("new", t=t, **{self.parts.loop: kept}), new):
                return f"the new state of token {t + 1} is not what the update gives"
        return None


def _equal(left: Any, right: Any) -> bool:
    return bool(np.all(np.asarray(left, dtype=object) == np.asarray(right, dtype=object)))
