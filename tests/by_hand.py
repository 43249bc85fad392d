"""Witnesses redone from their printed text alone: this file imports nothing of the package that printed them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations, product
from typing import Any

Matrix = list[list[Any]]


def numbers(text: str) -> list[Fraction]:
    return [Fraction(x) for x in text.split(", ")] if text else []


def nested(text: str) -> Matrix:
    """((1, 0), (0, 1)) as rows."""
    return [numbers(row) for row in re.findall(r"\(([^()]*)\)", text)]


def entries(text: str, names: Sequence[str]) -> Matrix:
    """Written-out entries "[row, column] = x; ..." of a square matrix."""
    rows = [[Fraction(i == j and text == "the identity") for j in range(len(names))] for i in range(len(names))]
    for r, s, x in re.findall(r"\[(\w+(?:\[\d+\])?(?: \w+)*), (\w+(?:\[\d+\])?(?: \w+)*)\] = ([^;\s]+)", text):
        rows[names.index(r)][names.index(s)] = Fraction(x)
    return rows


def multiply(A: Matrix, B: Matrix) -> Matrix:
    return [[sum((x * y for x, y in zip(r, c, strict=True)), 0 * r[0]) for c in zip(*B, strict=True)] for r in A]


def transposed(A: Matrix) -> Matrix:
    return [list(column) for column in zip(*A, strict=True)]


def one_layer(Z: Matrix, heads: Sequence[dict[str, Matrix]], scale: Fraction) -> Matrix:
    """Z + scale * sum W P Z M Z^T Q Z."""
    total = Z
    for h in heads:
        product = multiply(multiply(multiply(h["W"], h["P"]), Z), h["M"])
        product = multiply(product, multiply(multiply(transposed(Z), h["Q"]), Z))
        total = [[x + y * scale for x, y in zip(r, s, strict=True)] for r, s in zip(total, product, strict=True)]
    return total


# a counterexample of verify


class Counterexample:
    """What the text of a counterexample says."""

    def __init__(self, text: str):
        def one(pattern: str) -> tuple[str, ...]:
            match = re.search(pattern, text)
            assert match is not None, pattern
            return match.groups()

        self.d, self.n = (int(x) for x in one(r"d = (\d+), n = (\d+)"))
        self.parameters = {k: Fraction(x) for k, x in re.findall(r"\b(gamma|lam) = (\S+?)(?:,|\n)", text)}
        zero = [Fraction(0)] * self.d
        self.transitions = [(zero, zero, Fraction(0))] * self.n
        for j, phi, after, reward in re.findall(
            r"transition (\d+): phi = \((.*?)\), phi' = \((.*?)\), R = (\S+)", text
        ):
            self.transitions[int(j) - 1] = numbers(phi), numbers(after), Fraction(reward)
        self.query, self.start = (numbers(one(rf"{name}: \((.*?)\)")[0]) for name in ("query", "starting weights"))
        self.steps = {layer: nested(C) for layer, C in re.findall(r"C of (every layer|layer \d+): (\(\(.*\)\))", text)}
        columns, body, scale, heads = one(
            r"Z_0, columns (.*); all others are zero and stay zero:\n([\s\S]*?) *"
            r"heads, Z \+ (\S+) sum W P Z M Z\^T Q Z.*\n"
            r"([\s\S]*?)after layer"
        )
        self.columns, self.scale = columns.split(", "), Fraction(scale)
        self.Z = {name.strip(): numbers(row) for name, row in (line.split(": ") for line in body.strip().split("\n"))}
        rows, self.heads = list(self.Z), {}
        for letter, where, head, matrix in re.findall(r"([WPQM]) of (.*), head (\d+): (.*)", heads):
            names = self.columns if letter == "M" else rows
            self.heads.setdefault(where, {}).setdefault(head, {})[letter] = entries(matrix, names)
        layer, self.row, self.column, self.transformer, self.loop = one(
            r"after layer (\d+), row ([^,]*), (.*):\s+transformer +(\S+)\s+textbook loop (\S+)"
        )
        self.layer = int(layer)

    def step(self, layer: int) -> Matrix:
        return self.steps.get("every layer") or self.steps[f"layer {layer}"]

    def redone_transformer(self) -> Fraction:
        """The entry that differs, by the attention formula on the printed Z_0 and heads."""
        Z = list(self.Z.values())
        for layer in range(1, self.layer + 1):
            heads = self.heads.get("every layer") or self.heads[f"layer {layer}"]
            Z = one_layer(Z, list(heads.values()), self.scale)
        if self.row == "prediction":
            sign, row = re.findall(r"read as ([+-])(\w+)", self.column)[0]
            return Z[list(self.Z).index(row)][-1] * (-1 if sign == "-" else 1)
        return Fraction(Z[list(self.Z).index(self.row)][self.columns.index(self.column)])

    def redone_td0(self) -> Fraction:
        """The entry of the row of TD errors, or the prediction, by TD(0) on the printed transitions and C."""
        gamma, w = self.parameters["gamma"], list(self.start)

        def dot(u: Sequence[Fraction], v: Sequence[Fraction]) -> Fraction:
            return sum((x * y for x, y in zip(u, v, strict=True)), Fraction(0))

        def error(phi: Sequence[Fraction], after: Sequence[Fraction], reward: Fraction) -> Fraction:
            return reward + gamma * dot(w, after) - dot(w, phi)

        for layer in range(1, self.layer + 1):
            total = [Fraction(0)] * self.d
            for t in self.transitions:
                delta = error(*t)
                total = [x + delta * y for x, y in zip(total, t[0], strict=True)]
            moved = [dot(row, total) / self.n for row in self.step(layer)]
            w = [x + y for x, y in zip(w, moved, strict=True)]
        if self.row == "prediction":
            return dot(w, self.query)
        if self.column == "the query":
            return -dot(w, self.query)
        return error(*self.transitions[int(self.column.split()[-1]) - 1])


# a witness of invariance


class Dual:
    """x + y e with e^2 = 0: what comes out beside e is a derivative."""

    def __init__(self, x: Any, y: Any = 0):
        self.x, self.y = Fraction(x), Fraction(y)

    def __add__(self, other: Any) -> Dual:
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.x + other.x, self.y + other.y)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Dual:
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.x * other.x, self.x * other.y + self.y * other.x)

    __rmul__ = __mul__


def signed_permutations(d: int) -> Iterator[Matrix]:
    for images in permutations(range(d)):
        for signs in product((1, -1), repeat=d):
            yield [[Fraction(signs[i] * (images[i] == j)) for j in range(d)] for i in range(d)]


class Leaving:
    """What the text of a witness says about a set that the expected update leaves."""

    def __init__(self, text: str):
        text = re.sub(r"\n +", "\n", text)  # lines are whole, so their indents say nothing

        def one(pattern: str) -> tuple[str, ...]:
            match = re.search(pattern, text)
            assert match is not None, pattern
            return match.groups()

        average, discount = one(r"delta = R'(?: - (\S+))? \+ (\S+) f\(Z'\) - f\(Z\)")
        self.average, self.discount = Fraction(average or 0), Fraction(discount)
        sign, self.row, depth, scale, single = one(
            r"f\(Z\) = ([+-])\(row (\w+), last column\), after (\d+) layers? "
            r"Z \+ (\S+) sum W P Z M Z\^T Q Z(, W the identity)?"
        )
        self.sign, self.depth, self.scale, self.single = (
            -1 if sign == "-" else 1,
            int(depth),
            Fraction(scale),
            bool(single),
        )
        self.moved = one(r"the group acts on (.*)")[0].split(", ")
        self.prompts = []
        for name in ("Z", "Z'"):
            body = one(rf"\n{name}, by rows:\n((?:[\w\[\]']+: .*\n)+?)(?=Z', by rows|M of head)")[0]
            lines = [line.split(": ") for line in body.strip().split("\n")]
            self.rows = [row for row, _ in lines]
            self.prompts.append([numbers(x) for _, x in lines])
        self.masks = [nested(M) for M in re.findall(r"M of head \d+: (.*)", text)]
        self.weights: dict[tuple[str, str], Matrix] = {}
        for name, where, matrix in re.findall(r"\b([WPQ]\d*) of (every layer|layer \d+): (.*)", text):
            self.weights[name, where] = entries(matrix, self.rows)
        rewards = dict(re.findall(r"(r\d+) = ([^,;\s]+)", one(r"\n(.*other rewards r1 to r\d+ zero)")[0]))
        self.target = Fraction(rewards.get(one(r"(r\d+) is the target's R'")[0], 0))
        self.outside = re.findall(
            r"([WPQ]\d*)\[([^,]+), ([^\]]+\]?)\] of layer (\d+) by ([^;\s]+)( I)?", one(r"out of the set: (.*)")[0]
        )

    def expected(self, matrix: str, r: str, s: str, layer: str) -> Fraction:
        """The expected update of one entry: the mean over all signed permutations of delta times a derivative."""
        d = sum(row.startswith(f"{self.moved[0]}[") for row in self.rows)
        total, count = Fraction(0), 0
        for g in signed_permutations(d):
            Z, later = (self._acted(g, prompt) for prompt in self.prompts)
            place = (matrix, layer, self.rows.index(r), self.rows.index(s))
            current, following = self._predicted(Z, place), self._predicted(later, None)
            delta = self.target - self.average + self.discount * following.x - current.x
            total, count = total + delta * current.y, count + 1
        return total / count

    def _acted(self, g: Matrix, Z: Matrix) -> Matrix:
        result = [list(row) for row in Z]
        for block in self.moved:
            at = [k for k, row in enumerate(self.rows) if row.startswith(f"{block}[")]
            for i, k in enumerate(at):
                result[k] = [
                    sum((g[i][j] * Z[at[j]][t] for j in range(len(at))), Fraction(0)) for t in range(len(Z[0]))
                ]
        return result

    def _predicted(self, Z: Matrix, place: Any) -> Dual:
        state: Matrix = [[Dual(x) for x in row] for row in Z]
        one = [[Dual(i == j) for j in range(len(Z))] for i in range(len(Z))]

        def matrix(name: str, layer: int) -> Matrix:
            looped = (name, "every layer") in self.weights
            values = self.weights[name, "every layer" if looped else f"layer {layer}"]
            here = place is not None and place[0] == name and (looped or place[1] == str(layer))
            return [[Dual(x, here and (i, j) == place[2:]) for j, x in enumerate(row)] for i, row in enumerate(values)]

        for layer in range(1, self.depth + 1):
            heads = [
                {
                    "W": one if self.single else matrix(f"W{h}", layer),
                    "P": matrix("P" if self.single else f"P{h}", layer),
                    "Q": matrix("Q" if self.single else f"Q{h}", layer),
                    "M": [[Dual(x) for x in row] for row in M],
                }
                for h, M in enumerate(self.masks, 1)
            ]
            state = one_layer(state, heads, self.scale)
        value: Dual = state[self.rows.index(self.row)][-1] * self.sign
        return value
