"""Dual numbers, and the prediction of a transformer on them: derivatives that share no code with the product."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Dual:
    """x + y eps with eps^2 = 0."""

    x: Fraction
    y: Fraction = Fraction(0)

    def __add__(self, other):
        return Dual(self.x + other.x, self.y + other.y)

    def __mul__(self, other):
        return Dual(self.x * other.x, self.x * other.y + self.y * other.x)


def matmul(A, B):
    columns = list(zip(*B, strict=True))
    return [[sum((x * y for x, y in zip(row, c, strict=True)), Dual(Fraction(0))) for c in columns] for row in A]


def turned(A):
    return [list(c) for c in zip(*A, strict=True)]


def forward(space, point, Z):
    """f(Z; theta) by the formula of the papers; point and Z hold dual numbers."""
    m, n, heads = space.layout.m, space.layout.n, len(space.masks)
    each = 2 if heads == 1 else 3
    one = [[Dual(Fraction(int(i == j))) for j in range(m)] for i in range(m)]
    scale = Dual(Fraction(1, n))
    for layer in range(space.depth):
        first = 0 if space.looped else layer * each * heads * m * m
        after = Z
        for h, mask in enumerate(space.masks):
            matrices = []
            for k in range(each):
                start = first + (h * each + k) * m * m
                matrices.append([list(point[start + i * m : start + (i + 1) * m]) for i in range(m)])
            W, P, Q = [one, *matrices] if heads == 1 else matrices
            M = [[Dual(Fraction(x)) for x in row] for row in mask]
            scores = matmul(turned(Z), matmul(Q, Z))
            added = matmul(matmul(matmul(W, matmul(P, Z)), M), scores)
            after = [[x + y * scale for x, y in zip(a, b, strict=True)] for a, b in zip(after, added, strict=True)]
        Z = after
    row = space.layout.accumulator(space.readout.row)
    return Dual(Fraction(space.readout.sign)) * Z[row][n]


def derivative(space, point, direction, Z):
    """f at theta, and its derivative at theta along a direction."""
    moved = [Dual(Fraction(x), Fraction(e)) for x, e in zip(point, direction, strict=True)]
    output = forward(space, moved, [[Dual(Fraction(x)) for x in row] for row in Z])
    return output.x, output.y
