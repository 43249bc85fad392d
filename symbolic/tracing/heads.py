"""Heads that an algorithm gives, traced as tables of blocks: what they are at every d and n, and not at one size.

The heads' function runs once on a layout whose d is no number and whose n is a symbol, and on step matrices that are
letters, and a mask's entry at two positions that are symbols.  What needs a size (`layout.row_names()`, rows of numbers
for d x d blocks) is refused with its line, and so is whatever looks at the layer: then nothing is known for every size.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from ..algorithm import Algorithm
from ..attention import Head
from ..errors import ContentError, RefusedError
from ..plain_text import shown
from ..tables import SELECTIONS
from .data import NodeReader, node_data
from .expression import MATRIX, SCALAR, Expression, names, nodes, reads_layer, symbol
from .mask_cases import ABOVE, BELOW, EARLIER, LATER, MOST_CASES, ON, MaskCase, mask_cases
from .mask_layer import READS, reading
from .strict import Strict, Tape, plain

Word = tuple[tuple[str, bool], ...]
"""A product of step matrices, each with whether it is transposed; the empty one is the identity."""
Block = tuple[tuple[Word, Expression], ...]
"""A sum of words with coefficients in the parameters, the scalar steps and n."""
Blocks = tuple[tuple[tuple[str, str], Block], ...]
"""A matrix of blocks: ((row block, column block), the block), zero elsewhere."""
MOST_HEADS, MOST_BLOCKS, MOST_WORDS, MOST_LETTERS = 64, 1_000, 100, 16
SIZES = "it is asked for at every size, where d is no number: give blocks to layout.matrix, a number or step.C in each"
NO_RATIONALS = "both arguments should be Rational instances"
"""What Python says to Fraction(1, layer + 1) on symbols."""
CONTEXT = "write layout.mask() for the context mask, or layout.mask(entry) with a function of two positions"


@dataclass(frozen=True, eq=False)
class TracedHead:
    """One head of an algorithm's own. W None is the identity; without cases M is the context mask."""

    W: Blocks | None
    P: Blocks
    Q: Blocks
    M: tuple[MaskCase, ...] = ()

    def matrices(self) -> list[Blocks]:
        """Those that are given."""
        return [m for m in (self.W, self.P, self.Q) if m is not None]


@dataclass(frozen=True, eq=False)
class GivenHeads:
    """The heads of every layer, for one choice of the options."""

    heads: tuple[TracedHead, ...]

    def coefficients(self) -> list[Expression]:
        """Every coefficient of every block."""
        return [c for h in self.heads for m in h.matrices() for _, block in m for _, c in block]

    def entries(self) -> list[Expression]:
        """Every case of every mask."""
        return [case.entry for h in self.heads for case in h.M]

    @property
    def reads_layer(self) -> bool:
        """Whether some number is made from the layer's."""
        return any(map(reads_layer, [*self.coefficients(), *self.entries()]))

    @property
    def asks_layer(self) -> bool:
        """Whether some mask asks where a position is from the layer's."""
        return any(x.source == READS for x in names(self.entries()))

    def to_data(self) -> dict[str, Any]:
        """As JSON-able data: the nodes of the coefficients, and who is which."""
        order = list(nodes([*self.coefficients(), *self.entries()]))
        position = {id(node): k for k, node in enumerate(order)}

        def sent(matrix: Blocks | None) -> Any:
            if matrix is None:
                return None
            return [
                [*place, [[[list(letter) for letter in word], position[id(c)]] for word, c in block]]
                for place, block in matrix
            ]

        def cases(mask: tuple[MaskCase, ...]) -> Any:
            return [[c.side, c.first, c.last, position[id(c.entry)]] for c in mask]

        heads = [[sent(h.W), sent(h.P), sent(h.Q), cases(h.M)] for h in self.heads]
        return {"nodes": [node_data(node, position) for node in order], "heads": heads}

    @staticmethod
    def from_data(data: Any) -> GivenHeads:
        """From `to_data`'s form; `ContentError` for anything else: whatever wrote it is not trusted."""
        if not isinstance(data, dict) or set(data) != {"nodes", "heads"}:
            raise ContentError("traced heads have the keys nodes and heads, and no others")
        read = NodeReader(data["nodes"])

        def matrix(content: Any) -> Blocks:
            blocks = []
            for entry in read.listed(content, "a matrix of blocks", MOST_BLOCKS):
                row, column, block = _sized(entry, 3, "a block")
                where = f"the block ({shown(row)}, {shown(column)})"
                words = []
                for item in read.listed(block, where, MOST_WORDS):
                    letters, c = _sized(item, 2, where)
                    word = tuple(_letter(x, where) for x in read.listed(letters, where, MOST_LETTERS))
                    words.append((word, read.at(c, where)))
                blocks.append(((read.text(row, where), read.text(column, where)), tuple(words)))
            return tuple(blocks)

        def cases(content: Any) -> tuple[MaskCase, ...]:
            mask = []
            for item in read.listed(content, "a mask", 2 * MOST_CASES + 1):
                side, first, last, entry = _sized(item, 4, "a case of a mask")
                mask.append(MaskCase(side, first, last, read.at(entry, "a mask")))
            wanted: list[tuple[str, int, int | None]] = [
                (ON, 0, 0)
            ]  # nothing but what `mask_cases` makes: all distances, and each once
            for side in (BELOW, ABOVE):
                count = max(1, sum(case.side == side for case in mask))
                wanted += [*((side, k, k) for k in range(1, count)), (side, count, None)]
            if mask and [(case.side, case.first, case.last) for case in mask] != wanted:
                raise ContentError("a mask has other cases than below, on and above the diagonal, each distance once")
            return tuple(mask)

        heads = [_sized(h, 4, "a head") for h in read.listed(data["heads"], "heads", MOST_HEADS)]
        return GivenHeads(
            tuple(TracedHead(None if W is None else matrix(W), matrix(P), matrix(Q), cases(M)) for W, P, Q, M in heads)
        )

    def check(self, record: Algorithm) -> None:
        """Raise `ContentError` unless every symbol, row and step matrix is one that the record declares."""
        known = {("parameter", x) for x in record.parameters} | {("sweep", "n")}
        known |= {("preconditioner", c) for c in record.scalar_preconditioners} | {("sweep", "layer")}
        own = known | {("position", x) for x in (LATER, EARLIER)}
        own |= {(READS, reading(x, rule)) for x in (LATER, EARLIER) for rule in SELECTIONS}
        for node in names(self.coefficients()):
            if (node.source, node.name) not in known or node.kind != SCALAR or node.step:
                raise ContentError(f"a head depends on {symbol(node)[:60]}, which is not the same in every layer")
        for node in names(self.entries()):
            if (node.source, node.name) not in own or node.kind != SCALAR or node.step:
                raise ContentError(f"a mask depends on {symbol(node)[:60]}, which is not the same in every layer")
        if any(c.kind != SCALAR for c in (*self.coefficients(), *self.entries())):
            raise ContentError("a coefficient of a head is no number")
        for case in (case for h in self.heads for case in h.M):
            if case.last is not None and any(x.name.split(" ")[0] == EARLIER for x in names([case.entry])):
                raise ContentError("a mask's entry at one distance is written with both positions")
        rows = {b.name: b.scalar for b in record.features} | {row.name: True for row in record.accumulators}
        steps = [c for c in record.preconditioners if c not in record.scalar_preconditioners]
        for blocks in (m for h in self.heads for m in h.matrices()):
            if any(len({x for x, _ in part}) != len(part) for part in (blocks, *(block for _, block in blocks))):
                raise ContentError("a head names a block or a word twice")
        for row, column, block in ((*p, b) for h in self.heads for m in h.matrices() for p, b in m):
            if row not in rows or column not in rows or rows[row] != rows[column]:
                raise ContentError(f"a head has a block ({shown(row)}, {shown(column)}), which is not there")
            for word, _ in block:
                if (word and rows[row]) or any(letter not in steps for letter, _ in word):
                    raise ContentError(f"the block ({shown(row)}, {shown(column)}) holds another matrix than the steps")


def _sized(content: Any, size: int, what: str) -> list[Any]:
    if not isinstance(content, list) or len(content) != size:
        raise ContentError(f"{what} is {shown(content)}, wanted a list of {size}")
    return content


def _letter(content: Any, where: str) -> tuple[str, bool]:
    name, flipped = _sized(content, 2, where)
    if not isinstance(name, str) or not isinstance(flipped, bool):
        raise ContentError(f"{where} holds {shown(content)}, wanted a step matrix and whether it is transposed")
    return name, flipped


def trace_heads(algorithm: Algorithm, options: Mapping[str, str] | None = None) -> GivenHeads:
    """The given heads as tables of blocks.

    Numbers may be made from the layer, counted from 0, which is a symbol.

    Raises `RefusedError` with the line when the function asks for what differs from size to size, or branches on the
    layer, `ContentError` when it returns something else than heads of such matrices.
    """
    assert algorithm.heads is not None  # whoever asks was told
    tape = Tape()
    p = algorithm.bind({x: tape.name("parameter", x, SCALAR) for x in algorithm.parameters}, algorithm.choose(options))
    step = {
        c: tape.name("preconditioner", c, SCALAR) if c in algorithm.scalar_preconditioners else _step(tape, c)
        for c in algorithm.preconditioners
    }
    layer = tape.name("sweep", "layer", SCALAR)
    try:
        given = tape.run("heads", algorithm.heads, _Layout(tape, algorithm), SimpleNamespace(**step), p, layer)
    except TypeError as error:
        if str(error) != NO_RATIONALS:
            raise
        lines = [at.lineno or 0 for at in traceback.extract_tb(error.__traceback__) if at.filename == tape.file]
        line = lines[-1] if lines else 0
        raise RefusedError(
            f"heads makes a Fraction of a symbol (line {line}): write Fraction(1) / (layer + 1) for "
            "Fraction(1, layer + 1)", "other", "heads", line,
        ) from None  # fmt: skip
    if not isinstance(given, Sequence) or not all(isinstance(h, Head) for h in given) or len(given) > MOST_HEADS:
        raise ContentError(f"heads of {algorithm.name} returned {shown(given)}, wanted a list of Head")
    tables = GivenHeads(tuple(_head(tape, h, f"head {k}") for k, h in enumerate(given, 1)))
    tables.check(algorithm)
    return tables


def _head(tape: Tape, head: Head, where: str) -> TracedHead:
    if not isinstance(head.M, _Mask):
        raise ContentError(f"M of {where} is no layout.mask(): {CONTEXT}")
    made = {}
    for name in ("W", "P", "Q"):
        value = getattr(head, name)
        if isinstance(value, _Matrix):
            made[name] = tuple((place, _block(tape, parts, name)) for place, parts in value._blocks.items())
        elif value is not None or name != "W":
            raise ContentError(f"{name} of {where} is no layout.matrix(...): {SIZES}")
    return TracedHead(made.get("W"), made["P"], made["Q"], head.M._cases)


def _block(tape: Tape, parts: Mapping[Word, Any], what: str) -> Block:
    return tuple((word, tape.node(c, SCALAR, f"a coefficient of {what}")) for word, c in parts.items())


class StepMatrix(Strict):
    """A sum of products of step matrices, each a letter, with numbers that are traced."""

    __slots__ = ("_parts",)
    _parts: dict[Word, Any]

    def __neg__(self) -> Any:
        return _made(self, {word: -c for word, c in self._parts.items()})

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, StepMatrix):
            return NotImplemented
        total = dict(self._parts)
        for word, c in other._parts.items():
            total[word] = total[word] + c if word in total else c
        return _made(self, total)

    def __sub__(self, other: Any) -> Any:
        return self + -other if isinstance(other, StepMatrix) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        if plain(self._tape, other) is None:
            return NotImplemented
        return _made(self, {word: c * other for word, c in self._parts.items()})

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if plain(self._tape, other) is None:
            return NotImplemented
        number = Fraction(other) if isinstance(other, int) else other
        return _made(self, {word: c / number for word, c in self._parts.items()})

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, StepMatrix):
            return NotImplemented
        product: dict[Word, Any] = {}
        for left, c in self._parts.items():
            for right, e in other._parts.items():
                product[left + right] = product[left + right] + c * e if left + right in product else c * e
        return _made(self, product)

    @property
    def T(self) -> Any:
        """The transpose."""
        flipped = {tuple((m, not f) for m, f in reversed(word)): c for word, c in self._parts.items()}
        return _made(self, flipped)

    mT = T


def _made(like: StepMatrix, parts: dict[Word, Any]) -> StepMatrix:
    if len(parts) > MOST_WORDS or any(len(word) > MOST_LETTERS for word in parts):
        like._tape.refuse("other", "makes too long a product of the step matrices")
    matrix = StepMatrix(like._tape, like._node)
    object.__setattr__(matrix, "_parts", parts)
    return matrix


def _step(tape: Tape, name: str) -> StepMatrix:
    matrix = StepMatrix(tape, tape.table.name("preconditioner", name, MATRIX))
    object.__setattr__(matrix, "_parts", {((name, False),): Fraction(1)})
    return matrix


class _Matrix(Strict):
    """What `layout.matrix` gives: nothing but to be a head's W, P or Q."""

    __slots__ = ("_blocks",)
    _blocks: dict[tuple[str, str], dict[Word, Any]]


class _Mask(Strict):
    """What `layout.mask` gives."""

    __slots__ = ("_cases",)
    _cases: tuple[MaskCase, ...]


class _Layout:
    """The layout at no size in particular: it makes matrices of blocks, and masks."""

    def __init__(self, tape: Tape, algorithm: Algorithm):
        self._tape = tape
        self._scalar = {b.name: b.scalar for b in algorithm.features} | {r.name: True for r in algorithm.accumulators}
        self.n = tape.name("sweep", "n", SCALAR)

    def matrix(self, blocks: Mapping[tuple[str, str], Any]) -> Any:
        """As `Layout.matrix`."""
        tape = self._tape
        made = _Matrix(tape, tape.table.name("entry", "layout.matrix(...)", MATRIX))
        object.__setattr__(made, "_blocks", {(r, c): self._entry(r, c, x) for (r, c), x in blocks.items()})
        return made

    def _entry(self, row: str, column: str, entry: Any) -> dict[Word, Any]:
        where = f"the block ({shown(row)}, {shown(column)})"
        if row not in self._scalar or column not in self._scalar:
            raise ContentError(f"{where} is not there, wanted rows among {', '.join(self._scalar)}")
        if self._scalar[row] != self._scalar[column]:
            self._tape.refuse("other", f"gives {where}, which is d x 1 or 1 x d", SIZES)
        if isinstance(entry, StepMatrix) and not self._scalar[row]:
            return entry._parts
        if isinstance(entry, (list, tuple)):
            if not self._scalar[row] or len(entry) != 1 or len(entry[0]) != 1:
                self._tape.refuse("other", f"gives {where} entry by entry", SIZES)
            entry = entry[0][0]
        if isinstance(entry, str):
            entry = Fraction(entry)
        if plain(self._tape, entry) is None:
            self._tape.refuse("other", f"gives {where} as {type(entry).__name__}", SIZES)
        return {(): entry}

    def mask(self, entry: Callable[[int, int], Any] | None = None) -> Any:
        """As `Layout.mask`."""
        made = _Mask(self._tape, self._tape.table.name("entry", "layout.mask(...)", MATRIX))
        object.__setattr__(made, "_cases", () if entry is None else mask_cases(self._tape, entry))
        return made

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._tape.refuse("other", f"reads layout.{name}", SIZES)
