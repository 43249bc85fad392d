"""A rule in words, as a textbook writes it, and its matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ...symbolic.exact import decimal_text
from ...symbolic.recognition.joins import Join
from ...symbolic.recognition.rule import Gain, NetworkRule, Piece
from ...symbolic.strict_json import rational_text

BLOCKS = {
    "phi": "phi_j", "gamma_phi_next": "phi'_j", "phi_next": "phi'_j", "one": "", "rho_phi": "rho_j phi_j",
    "rho_F_phi": "rho_j F_j phi_j", "gamma_phi_again": "phi''_j", "gamma_expected_phi": "phi-bar'_j",
}  # fmt: skip
"""Each block of rows as a vector of transition j; the discount is written in front."""


def number(x: Fraction, digits: int = 4) -> str:
    """A number that is short, exact where it can be."""
    text = rational_text(x)
    return text if len(text) <= 7 else decimal_text(x, digits)


def sentences(rule: NetworkRule) -> list[str]:
    """One line a weight vector, and one for each trace."""
    lines = []
    for k, weight in enumerate(rule.weights):
        moves = [m for m in rule.moves if m.weight == k]
        terms = [_move(rule, m, _only(moves)) for m in moves]
        one = " + ".join(terms).replace("+ -", "- ")
        only = _only(moves)
        over = f"sum_{{{only}}}" if only else "sum_j"
        total = f"(1/n) {over} {one if _single(moves) else f'[{one}]'}" if moves else ""
        gained = [x for x in rule.mixes if x.weight == k]
        if moves or gained:
            old = signed([(Fraction(1), f"{x.letter} {rule.weights[x.of].name}") if x.letter else
                          (x.factors[0], rule.weights[x.of].name) for x in gained]) if gained else ""  # fmt: skip
            both = f"{total} + {old}".replace("+ -", "- ") if total and old else total or old
            lines.append(f"{weight.name} += {both}")
    traces = dict.fromkeys(p.how.decay for m in rule.moves for p in m.parts if p.how.kind == "trace")
    for decay in traces:
        those = [p for m in rule.moves for p in m.parts if p.how.kind == "trace" and p.how.decay == decay]
        blocks = dict.fromkeys(p.block for p in those)
        lines += [
            f"  where {_trace(b)} = {number(decay)} {_trace(b).replace('_j', '_{j-1}')} + {_key(b)}" for b in blocks
        ]
    if any(p.how.only for m in rule.moves for p in m.parts):
        lines.append("  where l = 1, 2, ... is the number of the layer")
    return lines


def _only(moves: Sequence[Gain]) -> str:
    """The tokens that all of the moves read; empty where that is every token, or not the same."""
    selections = {p.how.only for m in moves for p in m.parts}
    return selections.pop() if len(selections) == 1 else ""


def _single(moves: Sequence[Gain]) -> bool:
    return len(moves) == 1 and len(grouped(moves[0])) == 1


def grouped(move: Gain) -> list[tuple[list[tuple[Fraction, str, Join]], list[tuple[Fraction, str, Join]]]]:
    """The parts of a move as (values) times (keys): [(factor, row, how)], [(factor, block, how)]."""
    by_key: dict[tuple[str, Join], list[tuple[Fraction, str, Join]]] = {}
    for p in move.parts:
        trace = p.how if p.how.of_keys else Join("sum", only=p.how.only)
        how = Join("sum") if p.how.of_keys else replace(p.how, only="")
        by_key.setdefault((p.block, trace), []).append((p.factor, p.row, how))
    groups: list[tuple[list[Any], list[Any]]] = []
    for (block, trace), values in by_key.items():
        first = values[0][0]
        value = [(x / first, row, how) for x, row, how in values]
        for known, keys in groups:
            if known == value:
                keys.append((first, block, trace))
                break
        else:
            groups.append((value, [(first, block, trace)]))
    return groups


def _move(rule: NetworkRule, move: Gain, only: str) -> str:
    formula = ""
    for values, keys in grouped(move):
        value = signed([term for x, row, how in values for term in _value(rule, x, row, how)])
        minus = all(x < 0 for x, _, _ in keys)
        terms = [
            (-x if minus else x, ("" if how.only == only else f"[{how.only}] ") + _joined(b, how)) for x, b, how in keys
        ]
        key = signed(terms)
        key = f"({key})" if len(keys) > 1 else key
        text = f"({value}) {move.letter} {key}".removesuffix(" 1")
        formula += (f" {'-' if minus else '+'} " if formula else "-" if minus else "") + text
    return formula


def _value(rule: NetworkRule, factor: Fraction, row: str, how: Join) -> list[tuple[Fraction, str]]:
    terms = [(Fraction(1), "R_j")] if row in rule.data else []
    for weight in rule.weights:
        if weight.row == row:
            terms += [(x, _product(weight.name, block, weight.scalar)) for block, x in weight.blocks.items()]
    if how.kind == "mean":
        return [(factor, f"mean_{{i<=j}}({signed(terms).replace('_j', '_i')})")]
    # rewards first, then successors, then the state itself, as textbooks have it
    terms.sort(key=lambda t: ("R_j" not in t[1], "phi'" not in t[1]))
    return [(factor * x, text) for x, text in terms]


def _product(name: str, block: str, scalar: bool) -> str:
    gamma = "gamma " if block.startswith("gamma_") else ""
    inner = name if scalar else f"{name}.{BLOCKS.get(block, block)}"
    return gamma + inner


def _joined(block: str, how: Join) -> str:
    if how.kind == "past":
        return _key(block).replace("_j", f"_{{j-{how.back}}}")
    return _trace(block) if how.kind == "trace" else _key(block)


def _key(block: str) -> str:
    gamma = "gamma " if block.startswith("gamma_") else ""
    return gamma + BLOCKS.get(block, block)


def _trace(block: str) -> str:
    return {"phi": "e_j", "gamma_phi_next": "e'_j"}.get(block, f"e[{block}]_j")


def signed(terms: Sequence[tuple[Fraction, str]]) -> str:
    """A sum with its signs: a - 2 b."""
    text = ""
    for x, name in terms:
        size = "" if abs(x) == 1 else f"{number(abs(x))} "
        body = f"{size}{name}".strip() or "1"
        text += (f" {'-' if x < 0 else '+'} " if text else "-" if x < 0 else "") + body
    return text or "0"


def matrix_text(rows: Sequence[Sequence[Fraction]]) -> str:
    """A matrix in one line; a multiple of the identity as such."""
    d = len(rows)
    if d > 1 and all(rows[i][j] == (rows[0][0] if i == j else 0) for i in range(d) for j in range(d)):
        return f"{number(rows[0][0])} I"
    if d == 1:
        return number(rows[0][0])
    return "[" + "; ".join(", ".join(number(x, 3) for x in row) for row in rows) + "]"


__all__ = ["Piece", "matrix_text", "number", "sentences", "signed"]
