"""What a layer can do, whatever its heads are: the interaction tensor, and rows at their own token."""

from __future__ import annotations

from ....symbolic.derivation.ansatz import Ansatz
from ....symbolic.derivation.derive import Derivation
from ...formula.build import (
    NO_GAP,
    THIN,
    Part,
    bracketed,
    call,
    entry,
    equation,
    indexed,
    listed,
    primed,
    row,
    spoken,
    summed,
    transposed,
)
from ...formula.formula import Formula
from ..assemble import prose
from ..layer_forms import OVER_CONSTANT
from ..model import Block, Code, Display, Section
from ..names import over_n, word_formula


def _over(*index: Part) -> Formula:
    """A sum over indices, in plain text without them: T and K name them there."""
    return spoken("sum", indexed("sum", listed(index, NO_GAP)))


def _named(tensor: str, *index: Part) -> Formula:
    """An entry of T or K in accumulator row k, by what it reads."""
    row_read, *others = index
    as_text = call(tensor, row("k", ";", row_read), *others, brackets="[]")
    return spoken(as_text, indexed(tensor, "k", ";", THIN, *index))


def _units() -> Formula:
    """Products with all unit columns are one product."""
    unit = indexed("e", "i")
    terms = row(bracketed(row(transposed("w"), unit)), THIN, bracketed(row(transposed(unit), "W", "x")))
    return equation(summed("i", terms, last="d"), row(transposed("w"), bracketed(row("W", "x"))))


def ansatz_section(derivation: Derivation) -> Section:
    """What a layer can do, whatever its heads are: the interaction tensor."""
    index = (primed("k"), "i", "j", "r", "W", "s")
    letters = listed([word_formula(w) for w in Ansatz(derivation.state, 2).words])
    return Section(
        "ansatz",
        "Ansatz",
        (
            prose("One layer, whatever its heads, changes accumulator row $k$ at token $t$ by"),
            Display(
                row(
                    over_n(),
                    _over(*index),
                    _named("T", *index),
                    THIN,
                    entry("Y", primed("k"), "i"),
                    THIN,
                    bracketed(row(transposed(entry("X", "r", "j")), "W", entry("X", "s", "t")), "big"),
                )
            ),
            prose(
                "over accumulator rows $k'$, value tokens $i$, key tokens $j$, feature blocks $r$ and $s$, and words "
                "$W$ in ",
                letters,
                "; the same $T$ for every token $t$.",
            ),
            *_own_ansatz(derivation),
            *_unit_ansatz(derivation),
        ),
    )


def _own_ansatz(derivation: Derivation) -> list[Block]:
    """What a layer can do besides, over a constant row."""
    constant = derivation.state.constant
    if constant is None:
        return []
    return [
        prose(
            "The row ",
            Code(constant),
            " holds 1 at every context token. A head with it as value and as key, ",
            OVER_CONSTANT,
            ", counts the context; $1/n$ cancels, so for $0 < n$ it adds a multiple of accumulator rows "
            "at their own token, whatever the row holds at the query:",
        ),
        Display(
            row(
                _over(primed("k")),
                _named("K", primed("k")),
                THIN,
                entry("Y", primed("k"), "t"),
            )
        ),
    ]


def _unit_ansatz(derivation: Derivation) -> list[Block]:
    """What a layer gains from unit columns, which are summed for every d at once."""
    if not derivation.algorithm.unit_columns:
        return []
    return [
        prose(
            "The tokens are the transitions and the unit columns $e_i$, $i = 1, \\dots, d$. A unit "
            "column joined to itself has one entry of $T$ for all $i$: rows hold multiples of $w^\\top e_i$ "
            "there, and"
        ),
        Display(_units()),
    ]
