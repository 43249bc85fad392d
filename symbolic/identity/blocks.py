"""The one-layer identity for symbolic d and n, with every mask an opaque symbol, in SymPy's matrix expressions.

The attention formula runs on block matrices whose entries are SymPy `MatrixSymbol`s of symbolic shape; the update
runs on the closed form of the loop.  Their difference is expanded and must be the zero matrix, block by block.
Nothing is said here about what the masks are: that is the mask lemma's business.  A constant row is a row of symbols
too, of which only c M0 c^T = n is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Identity, MatAdd, MatMul, MatrixExpr, MatrixSymbol, Symbol, Transpose, ZeroMatrix

from ..attention import Head, layer
from ..derivation.express import express
from ..derivation.form import Form
from ..derivation.masks import masks_of
from ..derivation.state import SymbolicState
from ..derivation.tokenwise import SymbolicTokenwiseHead
from ..derivation.words import Word

D, N = Symbol("d", integer=True, positive=True), Symbol("N", integer=True, positive=True)


class Blocks:
    """A matrix of named row and column blocks whose entries are sums of products of matrix symbols.

    An entry is {(factor, factor, ...): scalar coefficient}; a missing entry is a zero block.
    """

    def __init__(
        self,
        rows: Sequence[str],
        columns: Sequence[str],
        entries: dict[tuple[str, str], dict[tuple[MatrixExpr, ...], Any]],
    ):
        self.rows, self.columns, self.entries = tuple(rows), tuple(columns), entries

    def __matmul__(self, other: Blocks) -> Blocks:
        result: dict[tuple[str, str], dict[tuple[MatrixExpr, ...], Any]] = {}
        for (i, k), left in self.entries.items():
            for j in other.columns:
                right = other.entries.get((k, j))
                if right:
                    at = result.setdefault((i, j), {})
                    for x, a in left.items():
                        for y, b in right.items():
                            at[x + y] = at.get(x + y, 0) + a * b
        return Blocks(self.rows, other.columns, result)

    def __add__(self, other: Blocks) -> Blocks:
        result = {key: dict(entry) for key, entry in self.entries.items()}
        for key, entry in other.entries.items():
            at = result.setdefault(key, {})
            for x, a in entry.items():
                at[x] = at.get(x, 0) + a
        return Blocks(self.rows, self.columns, result)

    def __mul__(self, scalar: Any) -> Blocks:
        return Blocks(
            self.rows, self.columns, {k: {x: a * scalar for x, a in e.items()} for k, e in self.entries.items()}
        )

    @property
    def mT(self) -> Blocks:
        flipped = {
            (j, i): {tuple(f.T for f in reversed(x)): a for x, a in entry.items()}
            for (i, j), entry in self.entries.items()
        }
        return Blocks(self.columns, self.rows, flipped)


@dataclass(frozen=True)
class BlockResidual:
    """Layer minus update in one block row: a SymPy matrix expression, zero when the identity holds."""

    row: str
    residual: Any

    @property
    def holds(self) -> bool:
        """Whether the residual is the zero matrix."""
        return bool(self.residual.is_ZeroMatrix)


def _expression(entry: dict[tuple[MatrixExpr, ...], Any], shape: tuple[Any, Any]) -> MatrixExpr:
    """The entry as one SymPy matrix expression, like terms collected."""
    terms = []
    for factors, coefficient in entry.items():
        coefficient = coefficient.expand() if hasattr(coefficient, "expand") else coefficient
        if coefficient != 0:
            terms.append(MatMul(coefficient, *factors).doit())
    return MatAdd(*terms).doit() if terms else ZeroMatrix(*shape)


def block_identity(derivation: Form) -> tuple[BlockResidual, ...]:
    """One layer from a generic reachable state, minus one update, for every block row of the prompt.

    The state is Y = base + (embedding of w) X with w, X, base and all masks opaque; each C is a generic d x d symbol.
    Where heads map rows token by token, what rows hold at no weights is no longer opaque row by row: rows that hold
    multiples of the same share a symbol, and rows that hold nothing have none.
    """
    algorithm = derivation.algorithm
    scale = 1 / Symbol("n")
    features = {b.name: MatrixSymbol(_title(b.name), 1 if b.scalar else D, N) for b in algorithm.features}
    weights = {
        s: MatrixSymbol(name, 1, 1 if name in algorithm.scalar_weights else D)
        for s, name in enumerate(algorithm.weights)
    }
    masks = [MatrixSymbol(name, N, N) for name in derivation.mask_names]
    rows = [r.name for r in algorithm.accumulators]
    state: dict[tuple[str, str], dict[tuple[MatrixExpr, ...], Any]] = {
        (b, "tokens"): {(symbol,): 1} for b, symbol in features.items()
    }
    bases = base_rows(derivation.state) if derivation.tokenwise else {row: {row: 1} for row in rows}
    for row in rows:
        entry: dict[tuple[MatrixExpr, ...], Any] = {
            (MatrixSymbol(f"base_{shared}", 1, N),): c for shared, c in bases[row].items()
        }
        for (k, s, b), coefficient in derivation.embedding.items():
            if k == row:
                entry[weights[s], features[b]] = coefficient.expr()
        state[row, "tokens"] = entry
    names = [*features, *rows]
    Z = Blocks(names, ["tokens"], state)
    heads = [_block_head(derivation, h, masks, names, rows) for h in derivation.meeting]
    heads += [_tokenwise_head(h, masks, names, rows) for h in derivation.tokenwise]
    after = layer(Z, heads, scale)
    for h in derivation.tokenwise:
        after = _counted(after, features[h.row], masks[h.mask])

    wanted: dict[str, dict[tuple[MatrixExpr, ...], Any]] = {key[0]: dict(e) for key, e in state.items()}
    keys = [m.key() for m in derivation.masks]
    for change in derivation.loop.changes:
        for (read, block), (factor, mask) in masks_of(change.terms).items():
            symbol = masks[keys.index(mask.key())]
            applied = tuple(m.T for m in reversed(_word(change.word)))
            for (row, s, b), embedded in derivation.embedding.items():
                if s != change.weight:
                    continue
                multiple = (embedded * change.coefficient * factor).expr() * scale
                for value, c in state[read, "tokens"].items():
                    product = (*value, symbol, features[block].T, *applied, features[b])
                    wanted[row][product] = wanted[row].get(product, 0) + multiple * c
    for (row, s, b), embedded in derivation.embedding.items():
        for (moved, old), kappa in derivation.loop.mixing.items():
            if s == moved:
                product = (weights[old], features[b])
                wanted[row][product] = wanted[row].get(product, 0) + (embedded * kappa).expr()
    result = []
    for name in names:
        difference = dict(after.entries.get((name, "tokens"), {}))
        for x, c in wanted[name].items():
            difference[x] = difference.get(x, 0) - c
        height = features[name].shape[0] if name in features else 1
        result.append(BlockResidual(name, _expression(difference, (height, N))))
    return tuple(result)


def base_rows(state: SymbolicState) -> dict[str, dict[str, Any]]:
    """What rows hold at no weights, in the context and at the query: each as multiples of few of them."""
    a, algorithm = state.algebra, state.algorithm
    nothing = [0 * w for w in state.weights]
    tokens = (
        algorithm.context_token(state.transition("j"), state.p),
        algorithm.query_token(state.query(), a.number(0)),
    )
    held = [[a.number(0) + x for x in algorithm.column_values(nothing, token, state.p)] for token in tokens]
    names = [r.name for r in algorithm.accumulators]
    result: dict[str, dict[str, Any]] = {}
    kept: list[int] = []
    for k, name in enumerate(names):
        combination = express(a, held[0][k], {i: held[0][i] for i in kept})
        at_query = (
            a.number(0) if combination is None else sum((c * held[1][i] for i, c in combination.items()), a.number(0))
        )
        if combination is None or at_query != held[1][k]:
            kept.append(k)
            combination = {k: a.number(1)}
        result[name] = {names[i]: c.expr() for i, c in combination.items()}
    return result


def _counted(Z: Blocks, one: MatrixExpr, mask: MatrixExpr) -> Blocks:
    """With c M0 c^T = n wherever the constant row meets itself through the context mask."""
    run = (one, mask, one.T)
    result: dict[tuple[str, str], dict[tuple[MatrixExpr, ...], Any]] = {}
    for at, entry in Z.entries.items():
        for factors, coefficient in entry.items():
            k = next((k for k in range(len(factors) - 2) if factors[k : k + 3] == run), None)
            rest = factors if k is None else factors[:k] + factors[k + 3 :]
            new = result.setdefault(at, {})
            new[rest] = new.get(rest, 0) + (coefficient if k is None else coefficient * Symbol("n"))
    return Blocks(Z.rows, Z.columns, result)


def _tokenwise_head(head: SymbolicTokenwiseHead, masks: list[Any], names: list[str], rows: list[str]) -> Head:
    one = {(row, row): {(Identity(1),): 1} for row in rows}
    return Head(
        W=Blocks(names, names, one),
        P=Blocks(names, names, {(written, head.row): {(Identity(1),): u.expr()} for written, u in head.U.items()}),
        Q=Blocks(names, names, {(head.row, read): {(Identity(1),): e.expr()} for read, e in head.E.items()}),
        M=Blocks(["tokens"], ["tokens"], {("tokens", "tokens"): {(masks[head.mask],): 1}}),
    )


def _block_head(derivation: Form, head: Any, masks: list[Any], names: list[str], rows: list[str]) -> Head:
    one = {row: {(Identity(1),): 1} for row in rows}
    P = {(written, read): {(Identity(1),): u.expr()} for (written, read), u in head.U.items()}
    Q: dict[tuple[str, str], dict[tuple[MatrixExpr, ...], Any]] = {}
    scalar_blocks = {b.name for b in derivation.algorithm.features if b.scalar}
    for (r, word, s), coefficient in head.E.items():
        factors = _word(word) or (Identity(1 if r in scalar_blocks else D),)
        entry = Q.setdefault((r, s), {})
        entry[factors] = entry.get(factors, 0) + coefficient.expr()
    return Head(
        W=Blocks(names, names, {(row, row): entry for row, entry in one.items()}),
        P=Blocks(names, names, P),
        Q=Blocks(names, names, Q),
        M=Blocks(["tokens"], ["tokens"], {("tokens", "tokens"): {(masks[head.mask],): 1}}),
    )


def _word(word: Word) -> tuple[MatrixExpr, ...]:
    symbols = [(MatrixSymbol(name, D, D), flipped) for name, flipped in word]
    return tuple(Transpose(m) if flipped else m for m, flipped in symbols)


def _title(block: str) -> str:
    return "".join(part.capitalize() for part in block.split("_"))
