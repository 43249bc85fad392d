"""Scalar steps at the record's own tables, where given heads hold no other numbers: what the claim assumes of them.

An update reads a scalar step; heads that make a number of the layer's, or write the table's number down, agree with it
at that table and at no other.  So the claim is about that table: `forall l : nat, a l = 1 / l.+1%:R`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ....symbolic.derivation.coefficients import LAYER, Sum
from ....symbolic.derivation.scalar import Scalar
from ....symbolic.errors import LayerproofError, NotRepresentableError
from ....symbolic.exact import exact_number
from ....symbolic.tables import Rule, formula
from .given import GivenWeights
from .loop import Data
from .scalars import Spelling
from .terms import NUMBER, Term, atom, number, show


@dataclass(frozen=True, eq=False)
class Tabled:
    """A scalar step at its table.

    of, step : the user's name and the file's
    layer    : the layer, from 1 on, as it stands in `stated`
    stated   : the formula as the record has it
    value    : the same as a number of the weights' kind
    """

    name: str
    of: str
    step: str
    rule: Rule
    layer: Term
    stated: Term
    value: Scalar

    @property
    def text(self) -> str:
        """The formula in Rocq, in the layer l from 0 on."""
        return show(self.stated)

    @property
    def hypothesis(self) -> str:
        """What the claim assumes."""
        return f"(forall l : nat, {self.step} l = {self.text})"

    @property
    def lemma(self) -> str:
        """The name of the lemma that says it as the weights would."""
        return f"at_{self.name}"

    def lines(self, spelling: Spelling) -> str:
        """That lemma."""
        return (
            f"Lemma {self.lemma} l : {self.step} l = {spelling.text(self.value)}.\n"
            f"Proof. rewrite {self.name}; first [by [] | field; close_nonzero]. Qed."
        )


def tabled(weights: GivenWeights, data: Data) -> tuple[Tabled, ...]:
    """The scalar steps that the claim is about at their tables: those that the heads do not read, and all of those
    where heads read the layer.

    Raises `NotRepresentableError` for a table that has no formula where the heads read the layer.
    """
    algebra, algorithm = weights.state.algebra, weights.algorithm
    read = weights.names
    layer = algebra.parameter(LAYER)
    found = []
    for k, (x, rule) in enumerate(algorithm.tables.items()):
        if x in read and LAYER not in read:
            continue

        def made(at: Any, literal: Any, rule: Rule = rule, x: str = x) -> Any:
            if isinstance(rule, str):
                return formula(rule, x, at, literal)
            return literal(exact_number(rule[0], f"an entry of the table {x}"))

        if not isinstance(rule, str) and len(rule) > 1:
            continue  # of a period: no number that heads make of the layer's is that
        try:
            value = made(layer, lambda c: algebra.number(Fraction(c)))
        except (LayerproofError, ZeroDivisionError) as error:
            raise NotRepresentableError(f"the table of {x}, {rule}, has no theorem here: {error}") from error
        here = atom(NUMBER, "l.+1%:R")
        stated = Term.of(made(here, number))
        assert stated is not None
        found.append(Tabled(f"table{k}'", x, data.preconditioners[x], rule, here, stated, value))
    return tuple(found)


def refuse_divided(steps: tuple[Tabled, ...], divided: tuple[str, ...]) -> None:
    """Raise `NotRepresentableError` where something is divided by that holds a step which is assumed at its table."""
    names = {x for base in divided for x in Sum.names(base)}
    for step in steps:
        if step.of in names:
            raise NotRepresentableError(
                f"the update divides by what holds {step.of}, and the heads do not read it: that it is not zero at its "
                "table has no proof here"
            )
