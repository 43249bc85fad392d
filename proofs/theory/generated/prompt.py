"""The prompt as Rocq has it: vector blocks, then rows of numbers (blocks of one row, then accumulators)."""

from __future__ import annotations

from dataclasses import dataclass

from ....symbolic.tracing.traced import Traced
from .loop import Data, kind_text
from .names import Names
from .terms import NUMBER, VECTOR, Reader, Term, atom, number, show, zero


@dataclass(frozen=True, eq=False)
class Row:
    """One block or row: its definition's name, its entry in a context column and its entry in the query's."""

    name: str
    context: Term
    query: Term


@dataclass(frozen=True, eq=False)
class Prompt:
    """vectors, ones, accumulators : the user's name -> the row, top to bottom; accumulators in terms of the blocks.

    direct  : the accumulators' context entries in terms of the data alone
    at_zero : the accumulators' entries in a context column and in the query's where every weight is zero
    """

    vectors: dict[str, Row]
    ones: dict[str, Row]
    accumulators: dict[str, Row]
    direct: dict[str, Term]
    at_zero: dict[str, tuple[Term, Term]]

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
        rows = ";\n      ".join(
            ones + [f"({r.name} {data.state}, {show(r.query)})" for r in self.accumulators.values()]
        )
        lines.append(f"Definition features : seq (feature_row F n d) :=\n  [:: {features}].")
        lines.append(f"Definition rows {data.argument} : seq (number_row F n) :=\n{data.open}  [:: {rows}].")
        sizes = f"{len(self.vectors)} {len(self.number_index)}"
        lines.append(f"Definition prompt {data.argument} := prompt_of {sizes} features (rows {data.state}).")
        return lines


def prompt_of(data: Data, traced: Traced, names: Names) -> Prompt:
    """The algorithm's traced blocks and rows, on the data's terms."""
    read = Reader(data.columns)
    kinds = {r.name: NUMBER if r.scalar else VECTOR for r in traced.features}
    rows = {
        r.name: Row(
            names.new(f"block_{r.name}"),
            read(r.context),
            zero(kinds[r.name]) if r.query is None else read(r.query),
        )
        for r in traced.features
    }

    nothing = {key: zero(term.kind) for key, term in data.columns.items() if key[0] == "weight"}

    def column(
        entries: dict[str, Term], carried: dict[str, Term], known: dict[tuple[str, str], Term] = data.columns
    ) -> list[Term]:
        token = {("token", name): term for name, term in (entries | carried).items()}
        at = Reader({**known, **token})
        return [at(node) for _, node in traced.accumulators]

    here = {
        name: term for (source, name), term in data.columns.items() if source == "transition" and term.kind == NUMBER
    }
    absent = dict.fromkeys(here, number(0))
    shown = column({name: atom(kinds[name], f"{row.name} j") for name, row in rows.items()}, here)
    contexts, queries = ({name: getattr(row, at) for name, row in rows.items()} for at in ("context", "query"))
    at_query, direct = column(queries, absent), column(contexts, here)
    zeros = {**data.columns, **nothing}
    at_zero = zip(column(contexts, here, zeros), column(queries, absent, zeros), strict=True)
    order = [name for name, _ in traced.accumulators]
    return Prompt(
        {name: row for name, row in rows.items() if kinds[name] == VECTOR},
        {name: row for name, row in rows.items() if kinds[name] == NUMBER},
        {x: Row(names.new(f"row_{x}"), value, q) for x, value, q in zip(order, shown, at_query, strict=True)},
        dict(zip(order, direct, strict=True)),
        dict(zip(order, at_zero, strict=True)),
    )
