"""What the paper form reads of an algorithm that attends by patterns: its record, its layer, its update's loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

from ....symbolic.errors import LayerproofError
from ....symbolic.patterns.given import pattern_form
from ....symbolic.patterns.heads import PatternForm, PatternHead
from ....symbolic.patterns.record import PatternAlgorithm, Row
from ....symbolic.tracing.expression import SCALAR, VECTOR
from ....symbolic.tracing.strict import Tape
from ....symbolic.tracing.traced import Loop
from ...formula.build import Part, call, indexed, row
from ...formula.formula import Formula
from ...formula.loop_tree import LoopTree
from ...formula.macros import Macro
from ...formula.nodes import core, parts
from ...verdict import PROVED, Claim, Verdict
from ..pattern_formulas import STATE, pattern_symbols, row_symbols, update_loop
from ..pattern_layer import of_head
from .notation import Notation

OF_TOKENS = ("phi", "phi_next", "reward", STATE, "next_state")


@dataclass(frozen=True, eq=False)
class Patterned(Notation):
    """What the text reads of an algorithm: its record, its layer and its update's loop, each None where there is none.

    claims : what verify found
    """

    algorithm: PatternAlgorithm
    form: PatternForm | None
    loop: Loop | None
    claims: tuple[Claim, ...]

    @staticmethod
    def of(
        algorithm: PatternAlgorithm, claims: tuple[Claim, ...], known: Mapping[str, Macro] | None = None
    ) -> Patterned:
        """The facts of an algorithm."""
        try:
            form: PatternForm | None = pattern_form(algorithm)
        except LayerproofError:
            form = None
        loop = update_loop(algorithm)
        symbols = pattern_symbols(algorithm, loop, known)
        for name, letter, word in (("value", "V", "values"), ("pattern", "A", ""), ("shift", "sigma", "")):
            symbols.add("matrix", name, letter, word)
        for name, word in ((STATE, "states"), ("weight", "kernel")):
            symbols.add("matrix", name, Formula(core(parts(symbols["transition", name].shown)[0])), word)
        for name, symbol in row_symbols(algorithm).items():
            symbols.add("matrix", f"row {name}", symbol, f"row {name}")
        return Patterned(symbols, algorithm, form, loop, claims)

    @property
    def state(self) -> Formula:
        """The letter for all states."""
        return self.fixed("matrix", STATE)

    @property
    def kernel(self) -> Formula:
        """The weight of token j for token t."""
        return self.symbols.formula("transition", "weight", "j")

    @property
    def final(self) -> str:
        """The family of the last column."""
        return self.algorithm.families[-1]

    @cached_property
    def made(self) -> LoopTree:
        """Makes the formulas of rows."""
        return LoopTree(self.symbols)

    def of_head(self, name: str, head: Sequence[Part]) -> Formula:
        """V or Q with what it depends on: the layer, where a block has C, and the head."""
        assert self.form is not None
        blocks = (x.V if name == "value" else x.Q for x in self.form.heads)
        return of_head(self.fixed("matrix", name), self.layer, blocks, head)

    def named(self, name: str, index: Part | None = None) -> Formula:
        """A row by its symbol, at a token where an index is given."""
        symbol = self.fixed("matrix", f"row {name}")
        return symbol if index is None else indexed(symbol, index)

    def entry(self, one: Row, family: str, index: Part) -> Formula:
        """What a row holds in a column of a family; 0 for nothing."""
        if getattr(one, family) is None:
            return row("0")
        kind = SCALAR if self.algorithm.numbers else VECTOR
        tape, kinds = Tape(), {"phi": VECTOR, "phi_next": VECTOR, STATE: kind, "next_state": kind}
        known = {name: tape.name("transition", name, kinds.get(name, SCALAR)) for name in OF_TOKENS}
        if family == "parameter":
            known = {STATE: tape.name("weight", STATE, kind)}
        p = self.algorithm.bind({x: tape.name("parameter", x, SCALAR) for x in self.algorithm.parameters})
        value = tape.run(f"the row {one.name}", one.entry, family, SimpleNamespace(**known), p)
        return self.made.formula(tape.node(value, SCALAR if one.scalar else VECTOR, f"the row {one.name}"), index)

    def entries(self, family: str, index: Part) -> dict[str, Formula]:
        """What every row holds in a column of a family."""
        return {one.name: self.entry(one, family, index) for one in self.algorithm.rows}

    def prompt(self, index: Part | None = None) -> Formula:
        """The prompt at the states."""
        return call(self.z, self.state if index is None else indexed(self.state, index))

    @property
    def proved(self) -> bool:
        """Whether something that was asked for proves the claim for all sizes."""
        kinds = (PROVED, "identity-symbolic")
        asked = [[c.verdict for c in self.claims if c.asked and c.evidence == kind] for kind in kinds]
        return any(verdicts and all(v is Verdict.HOLDS for v in verdicts) for verdicts in asked)


def numbered(form: PatternForm) -> list[tuple[PatternHead, list[Part]]]:
    """The heads, each with its number where there are several."""
    return [(head, [str(k)] if len(form.heads) > 1 else []) for k, head in enumerate(form.heads, 1)]
