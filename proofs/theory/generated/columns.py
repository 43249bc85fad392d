"""Context columns that are no transitions, in Rocq: what the last d of them hold, and what a sum over them is.

The generated file has them as two maps joined, `with_units phi (fun i => c *: delta_mx 0 i)`; the statement asks of a
column's number whether it is a transition's, and spells the unit vectors entry by entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.coefficients import INDEX
from ....symbolic.derivation.columns import met
from ....symbolic.derivation.loop import Term
from ....symbolic.derivation.scalar import Scalar
from ....symbolic.derivation.state import SymbolicState
from ....symbolic.errors import NotRepresentableError
from ....symbolic.exact import exact_number
from .names import Names
from .scalars import Spelling
from .terms import rational

if TYPE_CHECKING:
    from .loop import Data

AXIS = "Definition axis (k : nat) : 'rV[F]_d := \\row_i (i == k :> nat)%:R."
"""A statement's own words for a unit vector, counted from zero."""


@dataclass(frozen=True)
class Held:
    """What every context column holds of one of a transition's entries: the transition's, then multiples of e_i.

    name        : of the definition over all columns
    of, given   : the entry's name, the user's and the file's
    coefficient : of e_i, as text; empty where the unit columns hold zero
    """

    name: str
    of: str
    given: str
    vector: bool
    coefficient: str

    def _times(self, unit: str) -> str:
        return "0" if not self.coefficient else f"{self.coefficient} *: {unit}"

    def definition(self, kind: str) -> str:
        """The generated file's."""
        unit = f"fun i => {self._times('delta_mx 0 i')}" if self.coefficient else "fun=> 0"
        return f"Definition {self.name} : 'I_n -> {kind} := with_units {self.given} ({unit})."

    def restated(self, kind: str) -> str:
        """The statement's."""
        held = self._times("axis (j - m)")
        return (
            f"Definition {self.name} (j : 'I_n) : {kind} :=\n"
            f"  if insub (j : nat) is Some t then {self.given} t else {held}."
        )

    def same(self, stated: str, made: str, arguments: Mapping[str, tuple[str, ...]]) -> str:
        """The lemma that the two are one. stated, made : where they are."""
        number = f"fun k => {self._times('axis (k - m)')}" if self.coefficient else "fun=> 0"
        proof = "by []"
        if self.coefficient:
            proof = f"rewrite addKn /{stated}.axis; congr (_ *: _); apply/rowP => k; rewrite !mxE"
        return (
            f"Lemma same_{self.name} j : {self.name} j = @{made}.{self.name} {' '.join(arguments[self.name])} j.\n"
            f"Proof. by apply: (@loop_masks.with_unitsE _ _ _ _ _ ({number})) => i; {proof}. Qed."
        )


def held_columns(
    algorithm: Algorithm, parameters: Mapping[str, str], extras: Mapping[str, str], names: Names
) -> tuple[Held, ...]:
    """Every entry of a transition over all columns; none where all columns are transitions."""
    a = algorithm
    if not a.unit_columns:
        return ()
    every = {"phi": ("phi", True), "phi_next": ("phi'", True), "reward": ("R", False)}
    every |= {x: (extras[x], vector) for x, vector in a.extras}

    def coefficient(name: str) -> str:
        text = a.unit_columns.get(name, "0")
        if text in parameters:
            return parameters[text]
        value = exact_number(text, f"unit_columns of {name}")
        shown = rational(value)[0] if value else ""
        return f"({shown})" if " " in shown else shown

    return tuple(
        Held(names.new(f"all_{x}"), x, given, vector, coefficient(x) if vector else "")
        for x, (given, vector) in every.items()
    )


def unit_gain(state: SymbolicState, terms: tuple[Term, ...], data: Data, spelling: Spelling) -> str:
    """What a total gains over the unit columns: a sum of multiples of old weights.

    Raises `NotRepresentableError` where that is no such sum.
    """
    token: Any = state.algorithm.context_token(state.unit_transition(), state.p)
    by_weight: dict[int, Scalar] = {}
    for term in terms:
        if term.trace is not None or INDEX in term.coefficient.names():
            raise NotRepresentableError("a loop variable that no weight reads has no sum over unit columns")
        for t, multiple in met(state, token, term.row, term.block).items():
            gained = term.coefficient * multiple
            by_weight[t] = by_weight[t] + gained if t in by_weight else gained
    return " + ".join(f"{spelling.argument(c)} *: {_weight(data, t)}" for t, c in by_weight.items() if c.poly) or "0"


def _weight(data: Data, t: int) -> str:
    """One weight of the state: pairs nest to the left."""
    last = len(data.w) - 1
    return f"{data.state}{'.1' * (last - t)}{'.2' if t else ''}"


def over_units(shown: str, data: Data, gain: str, unit: str, unfold: str) -> str:
    """The lemma about one total: what it gains over the unit columns. unfold : all that is named in its gain."""
    argument = f"{data.layer_argument}{data.argument}"
    taken = f"case: {data.state} => {data.destructing}; " if data.several else ""
    proof = (
        "by rewrite big1 // => i _; rewrite {0}; close_any"
        if unit == "0"
        else "rewrite -[RHS]sum_axes; apply: eq_bigr => i _; rewrite {0}; close_vector"
    )
    return f"""Lemma units_{shown} {argument} :
  \\sum_(i < d) {gain} (rshift m i) = {unit}.
Proof. {taken}{proof.format(unfold)}. Qed."""
