"""What a layer can do, whatever its heads are: the interaction tensor, and rows at their own token."""

from __future__ import annotations

from ....symbolic.derivation.ansatz import Ansatz
from ....symbolic.derivation.derive import Derivation
from ...formula.build import THIN, bracketed, entry, listed, row, spoken, transposed
from ...formula.formula import written
from ..assemble import prose
from ..model import Block, Code, Display, Section
from ..names import over_n, word_formula

FORM = r"$W P = \operatorname{diag}(0, U)$, $Q = \operatorname{diag}(E, 0)$"
OVER_CONSTANT = (
    r"$W P = \begin{pmatrix} 0 & 0 \\ U & 0 \end{pmatrix}$, $Q = \begin{pmatrix} 0 & E \\ 0 & 0 \end{pmatrix}$"
)
LAYER_FORM = r"$Z + \frac1n \sum_h W_h P_h Z M_h \bigl(Z^\top Q_h Z\bigr)$"
UNITS = r"\sum_{i=1}^{d} (w^\top e_i)\,(e_i^\top W x) = w^\top (W x)"


def ansatz_section(derivation: Derivation) -> Section:
    """What a layer can do, whatever its heads are: the interaction tensor."""
    letters = listed([word_formula(w) for w in Ansatz(derivation.state, 2).words])
    return Section(
        "ansatz",
        "Ansatz",
        (
            prose("One layer, whatever its heads, changes accumulator row $k$ at token $t$ by"),
            Display(
                row(
                    over_n(),
                    spoken(written(r"\sum"), written(r"\sum_{k',i,j,r,W,s}")),
                    spoken(written("T[k; k', i, j, r, W, s]"), written(r"T_{k;\,k' i j r W s}")),
                    THIN,
                    entry("Y", written("k'"), "i"),
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
            " holds 1 at every context token. A head with it as value and as key, "
            f"{OVER_CONSTANT}, counts the context; $1/n$ cancels, so for $0 < n$ it adds a multiple of accumulator "
            "rows at their own token, whatever the row holds at the query:",
        ),
        Display(
            row(
                spoken(written(r"\sum"), written(r"\sum_{k'}")),
                spoken(written("K[k; k']"), written(r"K_{k;\,k'}")),
                THIN,
                entry("Y", written("k'"), "t"),
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
        Display(written(UNITS)),
    ]
