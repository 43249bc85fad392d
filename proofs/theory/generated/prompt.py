"""The prompt as Rocq has it: vector blocks, then rows of numbers (blocks of one row, then accumulators)."""

from __future__ import annotations

from dataclasses import dataclass

from .loop import Data, kind_text
from .names import Names
from .terms import NUMBER, VECTOR, Term, atom, lift, number, show


@dataclass(frozen=True, eq=False)
class Row:
    """One block or row: its definition's name, its entry in a context column and its entry in the query's."""

    name: str
    context: Term
    query: Term


@dataclass(frozen=True, eq=False)
class Prompt:
    """vectors, ones, accumulators : the user's name -> the row, top to bottom; accumulators in terms of the blocks.

    direct : the accumulators' context entries in terms of the data alone
    """

    vectors: dict[str, Row]
    ones: dict[str, Row]
    accumulators: dict[str, Row]
    direct: dict[str, Term]

    @property
    def vector_index(self) -> dict[str, int]:
        """The place of each vector block."""
        return {name: k for k, name in enumerate(self.vectors)}

    @property
    def number_index(self) -> dict[str, int]:
        """The place of each row of numbers."""
        return {name: k for k, name in enumerate((*self.ones, *self.accumulators))}

    @property
    def blocks(self) -> dict[str, Row]:
        """All feature blocks."""
        return {**self.vectors, **self.ones}

    def definitions(self, data: Data) -> list[str]:
        """The blocks and rows, the lists of them, and the prompt."""
        lines = [
            f"Definition {b.name} (j : 'I_n) : {kind_text(name in self.vectors)} := {show(b.context)}."
            for name, b in self.blocks.items()
        ]
        for row in self.accumulators.values():
            lines.append(f"Definition {row.name} {data.argument} (j : 'I_n) : F :=\n{data.open}  {show(row.context)}.")
        features = "; ".join(f"({b.name}, {show(b.query)})" for b in self.vectors.values())
        ones = [f"({b.name}, {show(b.query)})" for b in self.ones.values()]
        rows = ";\n      ".join(ones + [f"({r.name} {data.state}, {show(r.query)})" for r in self.accumulators.values()])
        lines.append(f"Definition features : seq (feature_row F n d) :=\n  [:: {features}].")
        lines.append(f"Definition rows {data.argument} : seq (number_row F n) :=\n{data.open}  [:: {rows}].")
        sizes = f"{len(self.vectors)} {len(self.number_index)}"
        lines.append(f"Definition prompt {data.argument} := prompt_of {sizes} features (rows {data.state}).")
        return lines


def prompt_of(data: Data, names: Names) -> Prompt:
    """The algorithm's own blocks and rows, run on the data's terms."""
    a, p = data.algorithm, data.p
    context = a.context_token(data.transition, p)
    query = a.query_token(atom(VECTOR, "q"), number(0))
    named = {b.name: names.new(f"block_{b.name}") for b in a.features}
    rows = {
        b.name: Row(named[b.name], lift(getattr(context, b.name)), lift(getattr(query, b.name))) for b in a.features
    }
    shown = a.token(
        {b.name: atom(NUMBER if b.scalar else VECTOR, f"{named[b.name]} j") for b in a.features}, data.transition.reward
    )
    values, at_query, direct = (a.column_values(data.w, token, p) for token in (shown, query, context))
    accumulators = {
        r.name: Row(names.new(f"row_{r.name}"), lift(value), lift(q))
        for r, value, q in zip(a.accumulators, values, at_query, strict=True)
    }
    return Prompt(
        {b.name: rows[b.name] for b in a.features if not b.scalar},
        {b.name: rows[b.name] for b in a.features if b.scalar},
        accumulators,
        {r.name: lift(x) for r, x in zip(a.accumulators, direct, strict=True)},
    )
