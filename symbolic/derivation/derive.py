"""From a textbook update to the heads that run it: solve for the interaction tensor, find its masks, factor it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from ..algorithm import Algorithm
from ..errors import MissingRowError, NotPolynomialError, NotRepresentableError
from ..readout import Readout
from .ansatz import Ansatz, OwnToken, Slice, TensorSolution, Unknown
from .coefficients import INDEX, LENGTH, Sum
from .contraction import Algebra
from .express import express
from .factor import BlockKey, SymbolicHead, factored, head_lower_bound, loose_slices, token_map_rank
from .form import AnyHead, Form
from .hypotheses import Hypotheses
from .loop import LoopForm, WeightChange, loop_form
from .masks import LemmaStep, Mask, evaluate, lemma, masks_of
from .scalar import Scalar
from .state import SymbolicState, entries_of
from .tokenwise import SymbolicTokenwiseHead, predicted_map, row_map, tokenwise_heads
from .vectors import Vector
from .words import transpose

SOLVED_AT = (2, 3, 4)
"""The context lengths at which the linear system is solved."""


@dataclass(frozen=True, eq=False)
class Derivation(Form):
    """Everything that was derived about one algorithm with one choice of options.

    The heads are the fewest found; no layer of these forms has fewer than `head_lower_bound`.
    tensors      the interaction tensor solved at n = 2, 3, 4
    """

    tensors: tuple[TensorSolution, ...]
    head_lower_bound: int

    def __copy__(self) -> Derivation:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Derivation:
        return self  # nothing in it ever changes

    def __reduce__(self) -> Any:
        # Its polynomials live in rings of their own: what travels is the question, and the answer is derived again.
        if derive(self.algorithm, self.options) is not self:
            raise TypeError("this derivation is not what derive gives for its algorithm: only such ones can be pickled")
        return derive, (self.algorithm, dict(self.options))


def derive(algorithm: Algorithm, options: Mapping[str, str] | None = None) -> Derivation:
    """Derive the heads of `algorithm` from its update.

    Raises `NotRepresentableError` with the offending terms when no layer of linear attention does the update, and
    `NotPolynomialError` when the update compares, divides by a sum or leaves the polynomials in another way.
    """
    return _derive(algorithm.name, _Held(algorithm), tuple(sorted(algorithm.choose(options).items())))


@dataclass(frozen=True)
class _Held:
    """An algorithm as a cache key: by identity, since two files may define the same name."""

    algorithm: Algorithm

    def __hash__(self) -> int:
        return id(self.algorithm)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.algorithm is self.algorithm


@cache
def _derive(name: str, held: _Held, options: tuple[tuple[str, str], ...]) -> Derivation:
    algorithm = held.algorithm
    state = SymbolicState(algorithm, dict(options))
    try:
        systems = tuple(Ansatz(SymbolicState(algorithm, dict(options)), n) for n in SOLVED_AT)
        tensors = tuple(system.solve() for system in systems)
    except NotRepresentableError:
        _missing_row(state)
        raise
    form = loop_form(state)
    embedding = embed(state)
    divisors = tuple(state.algebra.divisors)
    masks, heads, steps = _closed_form(state, form, embedding)
    weights = [x for h in heads for x in (*h.U.values(), *h.E.values())]
    weights += [x for m in masks for x in m.scalars()]
    for system, tensor in zip(systems, tensors, strict=True):
        _compare(system, masks, heads, tensor)
    fewest = head_lower_bound(tensors[1], state) + token_map_rank(tensors[1], state)
    return Derivation(
        algorithm, dict(options), state, form, embedding, masks, heads, steps, readout_of(state),
        Hypotheses.of(divisors, weights), tensors, fewest,
    )  # fmt: skip


def _missing_row(state: SymbolicState) -> None:
    """Where an update mixes old weight vectors and a row for it is missing: raise with the row and the head to add."""
    try:
        form, embedding = loop_form(state), embed(state)
    except MissingRowError as error:
        if error.held:
            return  # the ansatz names the term; `suggest` tries rows that hold it
        raise
    except (NotRepresentableError, NotPolynomialError):
        return  # the ansatz has said what is wrong
    row_map(state, form, embedding)


@dataclass(frozen=True, eq=False)
class ClosedForm:
    """Masks and heads as the loop's closed form gives them, before the linear system has confirmed them."""

    algorithm: Algorithm
    masks: tuple[Mask, ...]
    heads: tuple[AnyHead, ...]


@cache
def _quick(held: _Held, options: tuple[tuple[str, str], ...]) -> ClosedForm:
    state = SymbolicState(held.algorithm, dict(options))
    masks, heads, _ = _closed_form(state, loop_form(state), embed(state))
    return ClosedForm(held.algorithm, masks, heads)


def quick(algorithm: Algorithm, options: Mapping[str, str] | None = None) -> ClosedForm:
    """The closed form alone, in a tenth of the time: for what compares with an algorithm that `derive` confirms."""
    return _quick(_Held(algorithm), tuple(sorted(algorithm.choose(options).items())))


def closed_form_heads(state: SymbolicState) -> tuple[AnyHead, ...]:
    """The heads that the loop's closed form gives, before the linear system has confirmed them: quick, for listings."""
    return _closed_form(state, loop_form(state), embed(state))[1]


def _closed_form(
    state: SymbolicState, form: LoopForm, embedding: dict[tuple[str, int, str], Scalar]
) -> tuple[tuple[Mask, ...], tuple[AnyHead, ...], dict[Any, tuple[LemmaStep, ...]]]:
    masks, pieces, steps = pieces_of(form, embedding)
    K = row_map(state, form, embedding)
    if K and not (masks and masks[0].is_context_mask):
        masks, pieces = (Mask(state.algebra.number(1)), *masks), [{}, *pieces]
    meeting = [h for k in range(len(masks)) for h in factored(state, k, pieces[k])]
    return masks, (*meeting, *tokenwise_heads(state, 0, K)), steps


def embed(state: SymbolicState) -> dict[tuple[str, int, str], Scalar]:
    """The accumulators' linear part, {(k, s, b): coefficient}: row k gains coefficient * (change of s).(block b).

    Raises `NotRepresentableError` when a row is not affine in the weights, in a context column or in the query's.
    """
    algorithm, a = state.algorithm, state.algebra
    result: dict[tuple[str, int, str], Scalar] = {}
    tokens = [
        algorithm.context_token(state.transition("j"), state.p),
        algorithm.query_token(state.query(), a.number(0)),
    ]
    for s, (name, weight) in enumerate(zip(algorithm.weights, state.weights, strict=True)):
        step: Any = a.vector("change") if isinstance(weight, Vector) else a.scalar("change")
        moved = [*state.weights[:s], weight + step, *state.weights[s + 1 :]]
        for position, token in enumerate(tokens):
            before = algorithm.column_values(state.weights, token, state.p)
            after = algorithm.column_values(moved, token, state.p)
            blocks = {b.name: getattr(token, b.name) for b in algorithm.features}
            meets = {
                b: step @ block if isinstance(block, Vector) else step * block
                for b, block in blocks.items()
                if isinstance(block, Vector) == isinstance(weight, Vector)
            }
            for row, old, new in zip(algorithm.accumulators, before, after, strict=True):
                coefficients = express(a, new - old, meets)
                wanted = {b: c for (k, i, b), c in result.items() if (k, i) == (row.name, s) and meets.get(b)}
                if coefficients is None or (position and {b: c for b, c in coefficients.items() if meets[b]} != wanted):
                    raise NotRepresentableError(
                        f"the accumulator {row.name} is not affine in the weight {name}, the same way in every column"
                    )
                if not position:
                    result.update({(row.name, s, b): c for b, c in coefficients.items()})
    return result


def pieces_of(
    form: LoopForm, embedding: dict[tuple[str, int, str], Scalar]
) -> tuple[tuple[Mask, ...], list[dict[tuple[str, str], dict[BlockKey, Scalar]]], dict[Any, tuple[LemmaStep, ...]]]:
    """The closed form of T, mask by mask: [mask] {(row written, row read): {(r, word, s): coefficient}}."""
    masks: list[Mask] = []
    pieces: list[dict[tuple[str, str], dict[BlockKey, Scalar]]] = []
    steps: dict[Any, tuple[LemmaStep, ...]] = {}
    for change in form.changes:
        for (read, block), (scale, mask) in masks_of(change.terms).items():
            steps[change.weight, read, block] = lemma(mask, scale, change.terms, read, block)
            keys = [m.key() for m in masks]
            if mask.key() not in keys:
                masks.append(mask)
                pieces.append({})
                keys.append(mask.key())
            _spread(pieces[keys.index(mask.key())], change, read, block, scale, embedding)
    order = sorted(range(len(masks)), key=lambda i: not masks[i].is_context_mask)
    return tuple(masks[i] for i in order), [pieces[i] for i in order], steps


def _spread(
    piece: dict[tuple[str, str], dict[BlockKey, Scalar]],
    change: WeightChange,
    read: str,
    block: str,
    scale: Scalar,
    embedding: dict[tuple[str, int, str], Scalar],
) -> None:
    for (row, weight, other), factor in embedding.items():
        if weight == change.weight:
            entries = piece.setdefault((row, read), {})
            key = (block, transpose(change.word), other)
            value = factor * change.coefficient * scale
            total = entries[key] + value if key in entries else value
            if total:
                entries[key] = total
            else:
                entries.pop(key)


def _compare(ansatz: Ansatz, masks: tuple[Mask, ...], heads: tuple[AnyHead, ...], tensor: TensorSolution) -> None:
    """The heads' tensor must be the solved one wherever that is forced, and must solve the system where it is not.

    Raises `NotRepresentableError` when the closed form that the loop's recurrences give is not what the linear
    system gave: then the pattern is no more than a guess.
    """
    predicted = predicted_tensor(masks, heads, tensor.n, bool(ansatz.state.algorithm.unit_columns))
    own = _own(heads, tensor.n)
    loose = loose_slices(tensor)
    free = {u.read for u in tensor.undetermined if isinstance(u, OwnToken)}
    unit = (tensor.n + 2, tensor.n + 2)  # where two blocks hold unit vectors, either will do there
    either = any(isinstance(u, Unknown) and (u.value_token, u.key_token) == unit for u in tensor.undetermined)

    def forced(slices: dict[Slice, Any], key: Slice) -> dict[tuple[int, int], Any]:
        return {ij: x for ij, x in slices.get(key, {}).items() if not (either and ij == unit)}

    for pair in {*tensor.own, *own}:
        if pair[1] not in free and tensor.own.get(pair) != own.get(pair):
            raise NotRepresentableError(
                f"at n = {tensor.n} the solved multiple of {pair[1]} that {pair[0]} gains at its own token is not that "
                "of the loop's closed form"
            )
    for written in (r.name for r in ansatz.state.algorithm.accumulators):
        for key in {k for k in (*tensor.slices, *predicted) if k[0] == written}:
            if key[1:] not in loose and forced(tensor.slices, key) != forced(predicted, key):
                raise NotRepresentableError(
                    f"at n = {tensor.n} the solved weights of {key} are not the closed form of the loop's recurrences: "
                    "keep every loop variable on the sweep, so that the general step can be read off"
                )
    if loose or free:
        _check_solves(ansatz, predicted, own)


def _own(heads: tuple[AnyHead, ...], n: int) -> dict[tuple[str, str], dict[Any, Fraction]]:
    """K at context length n as the heads give it, in the form of `TensorSolution.own`."""
    rows = predicted_map([h for h in heads if isinstance(h, SymbolicTokenwiseHead)])
    result = {}
    for row, entries in rows.items():
        for read, value in entries.items():
            a = value.algebra
            if LENGTH in value.names():
                known = {name: a.parameter(name) for name in a.parameters if name not in (INDEX, LENGTH)}
                value = evaluate(value, {**known, LENGTH: Fraction(n)}, a.number)
            result[row, read] = dict(value.parts().get((), {}))
    return result


def predicted_tensor(
    masks: tuple[Mask, ...], heads: tuple[AnyHead, ...], n: int, units: bool = False
) -> dict[Slice, dict[tuple[int, int], dict[Any, Fraction]]]:
    """T at context length n as the heads give it, in the form of `TensorSolution.slices`.  units : with unit columns"""
    result: dict[Slice, dict[tuple[int, int], dict[Any, Fraction]]] = {}
    for position, mask in enumerate(masks):
        own = [h for h in heads if h.mask == position and isinstance(h, SymbolicHead)]
        if not own:
            continue
        a = next(iter(own[0].E.values())).algebra
        values = {name: a.parameter(name) for name in a.parameters if name not in (INDEX, LENGTH)}
        values |= entries_of(a, mask.names())
        known = {**values, LENGTH: Fraction(n)}
        table = mask.rows(n, values, a.number)
        cells = {(i + 1, j + 1): table[i][j] for i in range(n) for j in range(n)}
        if mask.is_context_mask and units:
            cells[n + 2, n + 2] = 1
        for head in own:
            for (written, read), u in head.U.items():
                for (r, word, s), e in head.E.items():
                    if LENGTH in u.names() or LENGTH in e.names():
                        u, e = evaluate(u, known, a.number), evaluate(e, known, a.number)
                    at = result.setdefault((written, read, r, word, s), {})
                    for ij, weight in cells.items():
                        for part in (u * e * weight).parts().values():
                            cell = at.setdefault(ij, {})
                            if any(isinstance(name, Sum) for m in (*part, *cell) for name, _ in m):
                                at[ij] = dict((a.monomials(part) + a.monomials(cell)).parts().get((), {}))
                                continue
                            for exponents, c in part.items():
                                cell[exponents] = cell.get(exponents, Fraction(0)) + c
    cleaned = {key: {ij: {m: c for m, c in cell.items() if c} for ij, cell in at.items()} for key, at in result.items()}
    return {k: {ij: cell for ij, cell in at.items() if cell} for k, at in cleaned.items()}


def _check_solves(ansatz: Ansatz, predicted: dict[Slice, Any], own: dict[tuple[str, str], Any]) -> None:
    for equation in ansatz.equations:
        left: dict[Any, Fraction] = {}
        for written in (r.name for r in ansatz.state.algorithm.accumulators):
            for u, c in equation.left.items():
                if isinstance(u, OwnToken):
                    cell = own.get((written, u.read), {})
                else:
                    cell = predicted.get((written, u.read, u.key_block, u.word, u.query_block), {}).get(
                        (u.value_token, u.key_token), {}
                    )
                for exponents, value in cell.items():
                    key, term = (written, exponents), value if c == 1 else c * value
                    left[key] = left[key] + term if key in left else term
        if not _equal(ansatz.state.algebra, left, equation.right):
            raise NotRepresentableError(
                f"at n = {ansatz.n} the closed form of the loop does not solve the linear system at "
                f"{ansatz.describe(equation.label)}"
            )


def _equal(a: Algebra, left: dict[Any, Fraction], right: dict[Any, Fraction]) -> bool:
    left = {k: v for k, v in left.items() if v}
    if left == right or not any(isinstance(n, Sum) for _, m in (*left, *right) for n, _ in m):
        return left == right
    rows = {row for row, _ in (*left, *right)}
    sides = [{row: {m: c for (k, m), c in side.items() if k == row} for row in rows} for side in (left, right)]
    return all(a.monomials(sides[0][row]) == a.monomials(sides[1][row]) for row in rows)


def readout_of(state: SymbolicState) -> Readout:
    """Where the prediction stands: the first accumulator row that holds + or - w.q in the query column.

    Raises `NotRepresentableError` when there is none.
    """
    algorithm, a = state.algorithm, state.algebra
    q = state.query()
    values = algorithm.column_values(state.weights, algorithm.query_token(q, a.number(0)), state.p)
    prediction: Scalar = state.weights[0] @ q  # type: ignore[operator]  # the first weight is a vector, by the record's law
    for row, value in zip(algorithm.accumulators, values, strict=True):
        for sign in (-1, 1):
            if value == prediction * sign:
                return Readout(row.name, sign)
    raise NotRepresentableError(
        "no accumulator row holds + or - w.q in the query column, so the prediction cannot be read"
    )
