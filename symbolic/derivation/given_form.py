"""Heads that a user gives, in blocks and at no size in particular, in symbols beside the closed form of the update."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from ..algorithm import Algorithm
from ..errors import NotRepresentableError
from ..tracing.expression import Expression, names
from ..tracing.heads import Blocks, GivenHeads, TracedHead
from ..tracing.program import Program
from ..tracing.strict import LAYER as STEP
from .derive import embed, pieces_of, readout_of
from .factor import BlockKey, SymbolicHead
from .form import AnyHead, Form
from .given_masks import masks_given
from .hypotheses import Hypotheses
from .loop import loop_form
from .masks import Mask
from .scalar import Scalar
from .state import SymbolicState
from .tokenwise import SymbolicTokenwiseHead

Matrix = dict[BlockKey, Scalar]
"""A matrix of blocks, {(row block, word, column block): coefficient}, zeros left out."""
LENGTH_TRIED = 8
SHAPES = "P = diag(0, U) with Q = diag(E, 0), or P = [[0, 0], [U, 0]] with Q = [[0, E], [0, 0]] over a constant row"


def given_form(algorithm: Algorithm, options: Mapping[str, str], tables: GivenHeads) -> Form:
    """The traced heads with their masks, and the loop's own masks after these.

    Raises `NotRepresentableError` for a head of another shape than the two, where masks of heads add up to others, and
    as `loop_form` and `embed`; for a number made from the layer's, which the update does not know, and
    for a mask that asks for the layer's token.
    """
    if tables.reads_layer:
        raise NotRepresentableError(f"heads makes a number of the layer's: {STEP}")
    if tables.asks_layer:  # numbers of any layer may refute what holds at those of the record
        raise NotRepresentableError(
            "a mask asks which token is the layer's, and here any number would stand for the answer: identities at "
            "single sizes know it, and `prove` has a theorem where any will do"
        )
    state = SymbolicState(algorithm, dict(options))
    loop, embedding = loop_form(state), embed(state)
    divisors = tuple(state.algebra.divisors)
    own, which = masks_given(state, tables)
    heads = tuple(
        _head(state, head, mask, f"head {k}") for k, (head, mask) in enumerate(zip(tables.heads, which, strict=True), 1)
    )
    asked, _, lemma = pieces_of(loop, embedding)
    masks = {m.key(): m for m in (*own, *asked)}
    met = {m.key(): m for m in (*(own[k] for k in which), *asked)}
    if len(own) > 1 and _dependent(state, list(met.values())):
        raise NotRepresentableError(
            "masks of the heads add up to others, and here each is a symbol: identities at single sizes and `prove` "
            "know what they are"
        )
    weights = [x for h in heads for x in (*h.U.values(), *h.E.values())] + [x for m in own for x in m.scalars()]
    return Form(
        algorithm, dict(options), state, loop, embedding, tuple(masks.values()), heads, lemma,
        readout_of(state), Hypotheses.of(divisors, weights),
    )  # fmt: skip


def _dependent(state: SymbolicState, masks: list[Mask]) -> bool:
    """Whether the masks look dependent at one length and one value of the parameters; if not, they are independent."""
    algorithm = state.algorithm
    values: dict[str, Any] = {x: Fraction(2 * k + 3, 7 * k + 11) for k, x in enumerate(algorithm.parameters)}
    values |= {x: Fraction(5 * k + 4, 9 * k + 7) for k, x in enumerate(algorithm.scalar_preconditioners)}
    values |= {x: lambda j, k=k: Fraction(j * j + k, j + 2) for k, x in enumerate(algorithm.selections)}
    rows = [
        [QQ(x.numerator, x.denominator) for row in m.rows(LENGTH_TRIED, values, Fraction) for x in row] for m in masks
    ]
    return bool(DomainMatrix(rows, (len(rows), len(rows[0])), QQ).rank() < len(rows))


def _head(state: SymbolicState, given: TracedHead, mask: int, where: str) -> AnyHead:
    algorithm = state.algorithm
    features = {b.name for b in algorithm.features}
    P, E = matrix_of(state, given.P), matrix_of(state, given.Q)
    written = P if given.W is None else multiplied(matrix_of(state, given.W), P)
    U = {(row, read): c for (row, _, read), c in written.items()}
    if any(row in features for row, _ in U):
        raise NotRepresentableError(f"{where} writes feature rows: wanted {SHAPES}")
    read = {name for _, name in U}
    keys, queries = {r for r, _, _ in E}, {s for _, _, s in E}
    if not read & features and not (keys | queries) - features:
        return SymbolicHead(mask, U, E)
    if read | keys == {state.constant} and not queries & features and not mask:
        over = state.constant
        assert over is not None
        own = {w: c for (w, _), c in U.items()}
        return SymbolicTokenwiseHead(mask, over, own, {s: c for (_, _, s), c in E.items()})
    raise NotRepresentableError(f"{where} is of another shape: wanted {SHAPES}")


def matrix_of(state: SymbolicState, blocks: Blocks) -> Matrix:
    """A traced matrix of blocks in the contraction algebra."""
    entries = {(r, word, s): coefficient(state, c) for (r, s), block in blocks for word, c in block}
    return {at: c for at, c in entries.items() if c.poly}


def multiplied(left: Matrix, right: Matrix) -> Matrix:
    """The product of two matrices of blocks."""
    product: Matrix = {}
    for (r, word, k), c in left.items():
        for (row, more, s), e in right.items():
            if row == k:
                at = (r, (*word, *more), s)
                product[at] = product[at] + c * e if at in product else c * e
    return {at: c for at, c in product.items() if c.poly}


def coefficient(state: SymbolicState, node: Expression) -> Scalar:
    """A traced coefficient in the contraction algebra."""
    a = state.algebra
    keys = list(dict.fromkeys((x.source, x.name) for x in names([node])))
    whole = [("whole", *key) for key in keys]
    known = [state.number(*key) for key in keys]
    value = Program([node], [*keys, *whole]).run([*known, *known])[0]
    return a.number(value) if isinstance(value, (int, Fraction)) else value
