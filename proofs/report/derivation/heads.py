"""The heads: what T factors into, and their matrices in blocks named by the rows of the prompt."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.form import AnyHead, Form
from ....symbolic.derivation.scalar import Scalar
from ...formula.build import linear, row
from ...formula.formula import Formula
from ..assemble import matrix, prose
from ..layer_forms import FORM, LAYER, OVER_CONSTANT
from ..model import Block, Matrix, Paragraph, Section
from ..names import ONE, Names, mask_symbol, signed, times
from ..notation import row_labels

ZERO = row("0")


def head_matrices(form: Form, head: AnyHead) -> list[Matrix]:
    """W, P and Q of one head in named blocks."""
    names, labels = Names.of(form), row_labels(form.state)
    rows = [r.name for r in form.algorithm.accumulators]

    def blocks(letter: str, made: Callable[[str, str], Formula]) -> Matrix:
        return matrix(Matrix(row(letter), labels, labels, tuple(tuple(made(a, b) for b in labels) for a in labels)))

    def key_query(a: str, b: str) -> Formula:
        terms: list[tuple[Fraction, Formula | None]] = []
        if not isinstance(head, SymbolicHead):
            return value(head.E.get(b) if a == head.row else None)
        for (r, word, s), coefficient in head.E.items():
            if (r, s) != (a, b):
                continue
            terms.append(signed(times(names.scalar(coefficient), word)))
        return linear(terms)

    def value_of(a: str, b: str) -> Formula:
        if isinstance(head, SymbolicHead):
            return value(head.U.get((a, b)))
        return value(head.U.get(a) if b == head.row else None)

    def value(coefficient: Scalar | None) -> Formula:
        return ZERO if coefficient is None else names.scalar(coefficient)

    return [
        blocks("W", lambda a, b: ONE if a == b and a in rows else ZERO),
        blocks("P", value_of),
        blocks("Q", key_query),
    ]


def heads_section(derivation: Derivation) -> Section:
    """The heads that T factors into."""
    leads = factors_of(derivation)
    last = prose(leads[-1].spans, " with")
    return Section("heads", "Heads", (*leads[:-1], last, *each_head(derivation)))


def factors_of(derivation: Derivation) -> list[Paragraph]:
    """How many heads there are and why no fewer will do; the last sentence ends with what a layer is."""
    count, lower = len(derivation.meeting), derivation.head_lower_bound - len(derivation.tokenwise)
    own = len(derivation.tokenwise)
    over = prose(f"$K$ has rank {own} and takes {own} head{'s' * (own > 1)} over the constant row, ", OVER_CONSTANT,
                 "; the others have no part in it.")  # fmt: skip
    factors = prose(f"$T$ factors into {count} head{'s' * (count > 1)}; the flattenings of $T$ show that no layer of "
                    "the form ", FORM, rf" has fewer than {lower}. Layer $\ell$ is ", LAYER)  # fmt: skip
    return [*([over] if own else []), factors]


def each_head(form: Form) -> list[Block]:
    """Each head's mask by its name, and its matrices."""
    result: list[Block] = []
    for number, head in enumerate(form.heads, 1):
        mask = mask_symbol(form.mask_names[head.mask])
        result += [Paragraph((f"head {number}, mask ", mask, ":")), *head_matrices(form, head)]
    return result
