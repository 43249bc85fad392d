"""What was traced of a construction: frozen plain data that crosses a process or a file, and its JSON form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..algorithm import Algorithm
from ..errors import ContentError
from ..plain_text import shown
from .data import NodeReader, node_data
from .expression import MATRIX, SCALAR, VECTOR, Expression, names, nodes, symbol

FORMAT = 1
Named = tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, eq=False)
class Loop:
    """The update as one loop over the transitions.

    start  : the value of each loop variable before the loop, in the order in which they are set
    body   : its value after a step, in the symbols `before` and `transition`
    finish : the new value of each weight, in the symbols `after`
    lets   : expressions that the Python keeps in variables of its own, by their names: delta
    """

    start: Named
    body: Named
    finish: Named
    lets: Named = ()

    def roots(self) -> Iterator[Expression]:
        """Every expression that the loop holds."""
        for part in (self.start, self.body, self.finish, self.lets):
            yield from (node for _, node in part)


@dataclass(frozen=True, eq=False)
class Row:
    """A feature block's entries: in a transition's column, and in the query column (None is zero)."""

    name: str
    scalar: bool
    context: Expression
    query: Expression | None


@dataclass(frozen=True, eq=False)
class Traced:
    """A construction as expressions, for one choice of its options.

    update       : the loop, or None when the update is no single pass that keeps its state on the sweep
    reason       : why there is none
    features     : the feature rows
    accumulators : the entry of each accumulator row, in the symbols `weight` and `token`
    options      : the options that it was traced with
    """

    update: Loop | None
    features: tuple[Row, ...]
    accumulators: Named
    options: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    def roots(self) -> Iterator[Expression]:
        """Every expression of the construction."""
        if self.update is not None:
            yield from self.update.roots()
        for row in self.features:
            yield row.context
            if row.query is not None:
                yield row.query
        yield from (node for _, node in self.accumulators)

    def to_data(self) -> dict[str, Any]:
        """As JSON-able data: a list of nodes that name earlier ones by position, and who is which."""
        order = list(nodes(self.roots()))
        position = {id(node): k for k, node in enumerate(order)}

        def listed(part: Named) -> list[list[Any]]:
            return [[name, position[id(node)]] for name, node in part]

        loop = self.update
        return {
            "format": FORMAT,
            "options": dict(self.options),
            "nodes": [node_data(node, position) for node in order],
            "update": None
            if loop is None
            else {
                "start": listed(loop.start),
                "body": listed(loop.body),
                "finish": listed(loop.finish),
                "lets": listed(loop.lets),
            },
            "reason": self.reason,
            "features": [
                [r.name, r.scalar, position[id(r.context)], None if r.query is None else position[id(r.query)]]
                for r in self.features
            ],
            "accumulators": listed(self.accumulators),
        }

    @staticmethod
    def from_data(data: Any) -> Traced:
        """From `to_data`'s form; `ContentError` for anything else: whatever wrote it is not trusted."""
        return _Reader(data).traced()

    def check(self, record: Algorithm) -> None:
        """Raise `ContentError` unless every symbol, row and weight is one that the record declares, of its kind."""
        known = declared(record)
        where: list[tuple[str, frozenset[str], Sequence[Expression]]] = [
            ("a feature row", frozenset(("parameter", "transition")), [r.context for r in self.features]),
            ("a query row", frozenset(("query",)), [r.query for r in self.features if r.query is not None]),
            ("an accumulator", frozenset(("weight", "parameter", "token")), [node for _, node in self.accumulators]),
        ]
        if self.update is not None:
            loop = self.update
            outer = frozenset(("weight", "preconditioner", "parameter", "sweep"))
            kinds = dict((name, node.kind) for name, node in loop.start)
            if [name for name, _ in loop.body] != list(kinds) or len(kinds) != len(loop.start):
                raise ContentError("the loop's body sets other variables than its start")
            if any(node.kind != kinds[name] for name, node in loop.body):
                raise ContentError("a loop variable changes between a number and a vector")
            known |= {(source, name): kind for name, kind in kinds.items() for source in ("before", "after")}
            where += [
                ("the start of the loop", outer, [node for _, node in loop.start]),
                ("the loop's body", outer | {"transition", "before"}, [node for _, node in (*loop.body, *loop.lets)]),
                ("the step after the loop", outer | {"after"}, [node for _, node in loop.finish]),
            ]
            weights = [(w, SCALAR if w in record.scalar_weights else VECTOR) for w in record.weights]
            if [(name, node.kind) for name, node in loop.finish] != weights:
                raise ContentError(f"the update gives other weights than {', '.join(record.weights)}")
        for place, sources, roots in where:
            for node in names(roots):
                if node.source not in sources or known.get((node.source, node.name)) != node.kind or node.step:
                    raise ContentError(f"{place} reads {symbol(node)[:60]}, a {node.kind} that is not there")
        if [(r.name, r.scalar) for r in self.features] != [(b.name, b.scalar) for b in record.features]:
            raise ContentError("the feature rows are not the record's")
        if [name for name, _ in self.accumulators] != [row.name for row in record.accumulators]:
            raise ContentError("the accumulator rows are not the record's")
        for r in self.features:
            if any(node.kind != (SCALAR if r.scalar else VECTOR) for node in (r.context, r.query) if node is not None):
                raise ContentError(f"the row {r.name} is no {SCALAR if r.scalar else VECTOR}")
        if any(node.kind != SCALAR for _, node in self.accumulators):
            raise ContentError("an accumulator row's entry is no number")
        if dict(self.options) != record.choose(self.options):
            raise ContentError("the options are not the record's")


def declared(record: Algorithm) -> dict[tuple[str, str], str]:
    """The kind of every symbol that a record declares, by source and name; loop variables are the loop's own."""
    known = {("weight", w): SCALAR if w in record.scalar_weights else VECTOR for w in record.weights}
    known |= {
        ("preconditioner", c): SCALAR if c in record.scalar_preconditioners else MATRIX for c in record.preconditioners
    }
    known |= {("parameter", name): SCALAR for name in record.parameters}
    known |= {("transition", name): VECTOR for name in ("phi", "phi_next")}
    known |= {("transition", name): SCALAR for name in ("reward", "index")}
    known |= {("transition", name): VECTOR if vector else SCALAR for name, vector in record.read}
    known |= {("token", block.name): SCALAR if block.scalar else VECTOR for block in record.features}
    known |= {("token", name): SCALAR for name in record.token_numbers}
    return known | {("sweep", "n"): SCALAR, ("query", "q"): VECTOR}


class _Reader(NodeReader):
    """Reads `Traced.to_data` back, one part at a time, trusting nothing."""

    def __init__(self, data: Any):
        wanted = {"format", "options", "nodes", "update", "reason", "features", "accumulators"}
        if not isinstance(data, dict) or set(data) != wanted:
            raise ContentError(f"a traced construction has the keys {', '.join(sorted(wanted))}, and no others")
        if data["format"] != FORMAT or isinstance(data["format"], bool):
            raise ContentError(f"format is {shown(data['format'])}, wanted {FORMAT}")
        super().__init__(data["nodes"])
        self.data = data

    def traced(self) -> Traced:
        options = self.data["options"]
        if not isinstance(options, dict):
            raise ContentError("options is no mapping of text to text")
        chosen = {self.text(k, "an option"): self.text(v, f"the option {str(k)[:40]}") for k, v in options.items()}
        features = []
        for entry in self.listed(self.data["features"], "features"):
            if not isinstance(entry, list) or len(entry) != 4 or not isinstance(entry[1], bool):
                raise ContentError("a feature row is [name, whether it is one row, node, node or null]")
            query = None if entry[3] is None else self.at(entry[3], "a feature row")
            features.append(
                Row(self.text(entry[0], "a row's name"), entry[1], self.at(entry[2], "a feature row"), query)
            )
        reason = self.data["reason"]
        if not isinstance(reason, str) or len(reason) > 2_000:
            raise ContentError("reason is no text of at most 2000 characters")
        update = self._loop(self.data["update"])
        if (update is None) != bool(reason):
            raise ContentError("a construction has either a loop or the reason why there is none")
        return Traced(update, tuple(features), self._named(self.data["accumulators"], "accumulators"), chosen, reason)

    def _loop(self, data: Any) -> Loop | None:
        if data is None:
            return None
        parts = ("start", "body", "finish", "lets")
        if not isinstance(data, dict) or set(data) != set(parts):
            raise ContentError(f"update has the keys {', '.join(parts)}, and no others")
        return Loop(*(self._named(data[part], f"update.{part}") for part in parts))

    def _named(self, data: Any, where: str) -> Named:
        result = []
        for entry in self.listed(data, where):
            if not isinstance(entry, list) or len(entry) != 2:
                raise ContentError(f"{where} holds {str(entry)[:40]}, wanted [name, node]")
            result.append((self.text(entry[0], where), self.at(entry[1], where)))
        if len({name for name, _ in result}) != len(result):
            raise ContentError(f"{where} names something twice")
        return tuple(result)
