"""Context columns that are no transitions: what the loop's totals gain over unit vectors, as multiples of old weights.

The last d columns of a context may hold unit vectors, c e_i where a transition has phi, and no reward.  There an
accumulator row holds sum_t lambda_t (w_t . e_i), and a total that gains (row) * (block) gains over all of them
x sum_t lambda_t sum_i (w_t . e_i) e_i = x sum_t lambda_t w_t: they are orthonormal, which is all that is used.  So a
head that reads every context column does the update's sum over transitions, and with it a matrix times old weights.
Ridge TD is that: w + (C / n) (sum_j delta_j phi_j - c^2 w), with columns (c e_i; 0; 0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import MissingRowError, NotRepresentableError
from .coefficients import INDEX, LENGTH
from .express import express
from .scalar import Scalar
from .state import UNIT, SymbolicState
from .vectors import Vector
from .words import Word, word_text

if TYPE_CHECKING:
    from .loop import WeightChange

Mixing = dict[tuple[int, int, Word], Scalar]
"""(s, t, word) -> kappa: w_s gains kappa * word w_t of the old weights."""


def by_numbers(state: SymbolicState, asked: Mixing, changes: Sequence[WeightChange]) -> dict[tuple[int, int], Scalar]:
    """What is left of `asked` once totals are over the unit columns too: numbers times old weights, {(s, t): kappa}.

    Raises `NotRepresentableError`, with the columns that would do where some would, when a matrix times old weights is
    left.
    """
    given = over_columns(state, changes)
    left = {}
    for key in {**asked, **given}:
        rest = asked.get(key, state.algebra.number(0)) - given.get(key, state.algebra.number(0))
        if rest.poly:
            left[key] = rest
    for (_, t, word), kappa in left.items():
        if word:
            _refuse(state, f"{word_text(word)} {state.algorithm.weights[t]}", kappa, given)
    return {(s, t): kappa for (s, t, _), kappa in left.items()}


def _refuse(state: SymbolicState, product: str, kappa: Scalar, given: Mapping[Any, Any]) -> None:
    gain, columns = f"{kappa.text()} * {product}", state.algorithm.unit_columns
    if columns:
        held = ", ".join(f"{name}: {c} e_i" for name, c in columns.items())
        raise MissingRowError(
            f"the new weights gain {gain} beyond what the unit columns ({held}) add where the heads read every column "
            "of the context: choose what they hold so that both are equal (with TD's row and phi: c e_i they add "
            f"-(c^2 / n) {product})",
            (gain,),
        )
    raise MissingRowError(
        f"the new weights gain {gain}: a layer adds numbers times rows over a constant row, and no matrix; d more "
        f"context columns (c e_i; 0; ...), i = 1, ..., d, with no reward, read by the same head, add -(c^2 / n) "
        f'{product}: declare them, unit_columns={{"phi": "c"}}, with c a parameter or a number, as '
        "examples/ridge_td_columns.py does; or multiply the old weights by a number in place of the matrix: a head "
        "over a constant row adds that",
        (gain,),
    )


def over_columns(state: SymbolicState, changes: Sequence[WeightChange]) -> Mixing:
    """What the update's totals, run over the unit columns too, add to the new weights."""
    algorithm, a = state.algorithm, state.algebra
    if not algorithm.unit_columns:
        return {}
    token = algorithm.context_token(state.unit_transition(), state.p)
    result: Mixing = {}
    for change in changes:
        for term in change.terms:
            if term.trace is not None or INDEX in term.coefficient.names():
                raise NotRepresentableError(
                    f"the total {change.total} reads what a trace carries, or weighs by position: unit columns are "
                    "derived beside sums over transitions one by one (mask M0) only"
                )
            factor = change.coefficient * term.coefficient * a.parameter(LENGTH).inverse()
            for t, multiple in met(state, token, term.row, term.block).items():
                key = (change.weight, t, change.word)
                total = factor * multiple
                result[key] = result[key] + total if key in result else total
    return result


def met(state: SymbolicState, token: Any, row: str, block: str) -> dict[int, Scalar]:
    """sum_i (row at unit column i) * (block there), as multiples of the old weight vectors.

    Raises `NotRepresentableError` where a row holds something else than weights there.
    """
    entry = getattr(token, block)
    held = line(state, token, row)
    if not held:
        return {}
    if not isinstance(entry, Vector):
        raise NotRepresentableError(
            f"the row {row} at unit columns times the number {block}, summed: the sum of a weight vector's entries "
            "depends on the choice of axes, and no update over symbols has it"
        )
    part = entry.terms.get(((), UNIT))
    return {} if part is None else {t: multiple * part for t, multiple in held.items()}


def line(state: SymbolicState, token: Any, row: str) -> dict[int, Scalar]:
    """The multiples of w_t . e_i that a row holds at a unit column."""
    a = state.algebra
    value = a.number(0) + state.rows(token)[row]
    unit = a.vector(UNIT)
    multiples = express(a, value, {t: w @ unit for t, w in enumerate(state.weights) if isinstance(w, Vector)})
    if multiples is None:
        raise NotRepresentableError(
            f"the row {row} holds {value.text()} at unit columns, no sum of multiples of weight vectors"
        )
    return multiples
