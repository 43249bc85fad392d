"""Words in named matrices and their transposes, and monomials, as the contraction algebra has them."""

from __future__ import annotations

Word = tuple[tuple[str, bool], ...]  # (matrix name, transposed?) from left to right
Exponents = tuple[tuple[str, int], ...]  # a monomial in parameters: (name, exponent), sorted
Monomial = tuple[tuple[int, int], ...]  # a monomial in the other generators: (position, exponent), sorted

ADVICE = "a layer of linear attention is a polynomial map of its prompt; write the update with +, -, *, @ only"
"""What a message about an update that is no polynomial ends with."""


def transpose(word: Word) -> Word:
    """The transpose of a word in matrices: (A B)^T = B^T A^T."""
    return tuple((name, not flipped) for name, flipped in reversed(word))


def times(left: Monomial, right: Monomial) -> Monomial:
    """The product of two monomials."""
    if not left or not right:
        return left or right
    if left[-1][0] < right[0][0]:  # both are sorted
        return left + right
    if right[-1][0] < left[0][0]:
        return right + left
    exponents = dict(left)
    for position, exponent in right:
        exponents[position] = exponents.get(position, 0) + exponent
    return tuple(sorted(exponents.items()))


def word_text(word: Word) -> str:
    """A word as text: C, C^T, C D^T, or I for the empty word."""
    return " ".join(name + ("^T" if flipped else "") for name, flipped in word) or "I"
