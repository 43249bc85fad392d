"""The heads as tables: of each head U on the rows of numbers, E on vector blocks, G on rows of numbers."""

from __future__ import annotations

from dataclasses import dataclass

from ....symbolic.derivation.factor import BlockKey
from ....symbolic.derivation.form import AnyHead
from ....symbolic.derivation.scalar import Scalar
from ....symbolic.derivation.tokenwise import SymbolicTokenwiseHead
from ....symbolic.derivation.words import Word
from .given import GivenWeights, Weights
from .prompt import Prompt
from .scalars import Spelling
from .terms import bracketed

Cells = dict[tuple[int, int], str]


@dataclass(frozen=True)
class Tables:
    """One table a head of each kind, {(row, column): entry}, zeros left out; `masks` names each head's mask.

    factors : of each head W and P where some head has a W of its own, each on vector blocks and on rows of numbers
    """

    U: tuple[Cells, ...]
    E: tuple[Cells, ...]
    G: tuple[Cells, ...]
    masks: tuple[str, ...]
    vectors: int
    numbers: int
    factors: tuple[tuple[tuple[Cells, Cells], tuple[Cells, Cells]], ...] = ()

    @property
    def heads(self) -> int:
        """The number of heads."""
        return len(self.masks)

    @property
    def squares(self) -> tuple[bool, bool]:
        """Whether W, and whether P, has a vector block in some head, of factors."""
        return any(W for (W, _), _ in self.factors), any(P for _, (P, _) in self.factors)

    def dense(self, cells: Cells, size: int) -> str:
        """A table as a list of lists with its zeros."""
        return _grid(size, lambda at: cells.get(at, "0")) if cells else "[::]"

    def sparse(self, cells: Cells, size: int) -> str:
        """A table of options, `None` where there is a zero."""
        return _grid(size, lambda at: f"Some {bracketed(cells[at])}" if at in cells else "None") if cells else "[::]"


def tables(derivation: Weights, prompt: Prompt, mask_names: list[str], spelling: Spelling) -> Tables:
    """The tables of the heads, derived or given, in the prompt's rows."""
    scalar = prompt.number_index
    U, E, G = [], [], []
    for head in derivation.heads:
        written, met = cells(head)
        U.append({(scalar[w], scalar[r]): spelling.text(c) for (w, r), c in written.items()})
        blocks, numbers = _apart(met, prompt, spelling)
        E.append(blocks)
        G.append(numbers)
    names = tuple(mask_names[h.mask] for h in derivation.heads)
    own = derivation.factors if isinstance(derivation, GivenWeights) else ()
    factors = tuple((_apart(W, prompt, spelling), _apart(P, prompt, spelling)) for W, P in own)
    return Tables(tuple(U), tuple(E), tuple(G), names, len(prompt.vectors), len(scalar), factors)


def _apart(matrix: dict[BlockKey, Scalar], prompt: Prompt, spelling: Spelling) -> tuple[Cells, Cells]:
    """The blocks of a matrix on the vector blocks, and its entries on the rows of numbers."""
    scalar, vector = prompt.number_index, prompt.vector_index
    blocks: Cells = {}
    numbers: Cells = {}
    for (r, word, s), c in matrix.items():
        if r in vector:
            at, text = (vector[r], vector[s]), _block(word, c, spelling)
            blocks[at] = f"{blocks[at]} + {text}" if at in blocks else text
        else:
            numbers[scalar[r], scalar[s]] = spelling.text(c)
    return blocks, numbers


def cells(head: AnyHead) -> tuple[dict[tuple[str, str], Scalar], dict[BlockKey, Scalar]]:
    """{(row written, row read): entry} of W P and {(row, word, row): entry} of Q, of any shape of head."""
    if isinstance(head, SymbolicTokenwiseHead):
        return {(w, head.row): c for w, c in head.U.items()}, {(head.row, (), s): c for s, c in head.E.items()}
    return head.U, head.E


def _block(word: Word, c: Scalar, spelling: Spelling) -> str:
    if not word:
        return f"({spelling.text(c)})%:M"
    factors = [f"({spelling.words[m]})^T" if flipped else spelling.words[m] for m, flipped in word]
    text = " *m ".join(factors)
    inner = text if len(factors) == 1 else f"({text})"
    if c == 1:
        return text
    return f"- {inner}" if c == -1 else f"{spelling.argument(c)} *: {inner}"


def _grid(size: int, entry) -> str:  # type: ignore[no-untyped-def]
    rows = ("[:: " + "; ".join(entry((i, j)) for j in range(size)) + "]" for i in range(size))
    return "[:: " + "; ".join(rows) + "]"
