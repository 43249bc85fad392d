"""What is claimed of an algorithm that attends by patterns, over MathComp alone and in words of its own.

The loop is a recursion over the position, patterns and masks are written entry by entry, and layers are defined here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..generated.names import comment
from ..generated.statements import IMPORTS, Claim, arguments_of, spoken_of
from .parts import Applied, PatternParts
from .theory_file import entries_of, keys, layer_definitions, loop_definitions, state_argument, step_text

LAYER = """Section Layer.
Variables (R : comRingType) (m N H : nat).
Definition layer (a : R) (V : 'I_H -> 'M[R]_m) (A : 'I_H -> 'M[R]_(m, N) -> 'M[R]_N) (Z : 'M[R]_(m, N)) :=
  Z + a *: \\sum_h V h *m Z *m A h Z.
Definition shift (S T : 'M[R]_m) (B : 'M[R]_N) (Y : 'M[R]_(m, N)) := S *m Y + T *m Y *m B.
Fixpoint transformer (run : nat -> 'M[R]_(m, N) -> 'M[R]_(m, N)) (L : nat) (Z : 'M[R]_(m, N)) :=
  if L is l.+1 then run l (transformer run l Z) else Z.
End Layer.
"""
"""A statement's own words for layers that attend by patterns."""
HEADER = f"""{IMPORTS}Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory. Local Open Scope ring_scope.

{LAYER}"""


@dataclass(frozen=True)
class PatternStatements:
    """The statements of one algorithm.

    definitions : name -> text, in order
    arguments   : name of a definition -> the section variables that it depends on, in order
    claims      : the theorems
    """

    parts: PatternParts
    definitions: Mapping[str, str]
    arguments: Mapping[str, tuple[str, ...]]
    claims: tuple[Claim, ...]

    def text(self) -> str:
        """The whole file: the definitions, then each statement as a closed proposition."""
        parts = self.parts
        lines = [f"(* {comment(parts.algorithm.title)}, with the derived heads *)", HEADER, "Section Statement."]
        lines += [*parts.declarations, f"Local Notation state := ({parts.state_type}).", *self.definitions.values()]
        lines += [f"Definition says_{c.part} : Prop :=\n  {c.statement}." for c in self.claims]
        lines.append("End Statement.\n")
        for c in self.claims:
            used = used_variables(c.statement, parts, self.arguments)
            lines.append(
                f"Definition {parts.theorem(c.part)} : Prop := forall {parts.binders},\n"
                f"  @says_{c.part} {' '.join(used)}."
            )
        return "\n".join(lines) + "\n"


def statements(parts: PatternParts) -> PatternStatements:
    """The statements about an algorithm's heads."""
    definitions = _definitions(parts)
    arguments = arguments_of(definitions, lambda text, known: used_variables(text, parts, known))
    return PatternStatements(parts, definitions, arguments, _claims(parts))


def used_variables(text: str, parts: PatternParts, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The section variables that a text depends on: through definitions that it names, and types of variables."""
    types = {
        name: tuple(x for x in ("F", "d", "n") if x in re.findall(r"\w+", _bare(kind)))
        for names, kind in parts.variables
        for name in names
    }
    known = {**known, "state": tuple(x for x in ("F", "d", "n") if x in re.findall(r"\w+", _bare(parts.state_type)))}
    return spoken_of(_bare(text), types, known)


def _bare(text: str) -> str:
    return re.sub(r"%:[RM]|'[IM]_?|'rV|\]_|%N", " ", text)  # a number in a ring is no R, and 'I_n speaks of n


def _definitions(parts: PatternParts) -> dict[str, str]:
    s, (token, t) = parts.s, parts.token
    result = {"next": "Definition next (j : 'I_n) : 'I_(n + 1) := insubd (rshift n 0) j.+1."}
    result["dot"] = "Definition dot (u v : 'rV[F]_d) : F := (u *m v^T) 0 0."
    for row in parts.algorithm.rows:
        base, (given, own) = parts.rows[row.name], state_argument(parts, row)
        context, last = entries_of(parts, row)
        kind = "F" if row.scalar else "'rV[F]_d"
        result[f"{base}_context"] = f"Definition {base}_context{given} (j : 'I_n) : {kind} := {context}."
        result[f"{base}_last"] = f"Definition {base}_last{given} : {kind} := {last}."
        at, end = f"({base}_context{own} j)", f"({base}_last{own})" if own else f"{base}_last"
        block = f"(\\row_j {at}) {end}%:M" if row.scalar else f"(\\matrix_(i, j) {at} 0 i) {end}^T"
        result[base] = f"Definition {base}{given} : 'M[F]_({parts.height(row)}, n + 1) :=\n  row_mx {block}."
    blocks = [
        f"({b} {s})" if r.name in parts.form.held else b for r in parts.algorithm.rows if (b := parts.rows[r.name])
    ]
    result["prompt"] = f"Definition prompt ({s} : state) : 'M[F]_({parts.m}, n + 1) :=\n  {parts.stacked(blocks)}."
    result |= loop_definitions(parts)
    given = f"(l : nat) ({s} : state){token}"
    result["after"] = (
        f"Fixpoint after {given} (k : nat) : {parts.kept} :=\n  if k is k'.+1 then\n"
        f"    if insub k' is Some j then body l {s}{t} (after l {s}{t} k') j else after l {s}{t} k'\n  else 0."
    )
    count = "n" if parts.algorithm.column else "(keys t)"
    result["step"] = step_text(parts, f"after l {s}{t} {count}")
    result["iterate"] = (
        "Fixpoint iterate (L : nat) (s : state) : state :=\n  if L is l.+1 then step l (iterate l s) else s."
    )
    seen = f"\\matrix_(k, t) (if (k < {keys(parts)})%N then {{}} k t else 0)"
    back = "(\\matrix_(k, t) (k == t.+1 :> nat)%:R)"
    return result | layer_definitions(parts, seen, back)


def _claims(parts: PatternParts) -> tuple[Claim, ...]:
    s, a = parts.s, parts.algorithm
    run, given = Applied("transformer run L", Applied("prompt", s)), f"forall (L : nat) ({s} : state)"
    after = f"(iterate L {s})"
    result = [
        Claim("state", f"L layers leave the prompt of {s}_0 as the prompt of {s}_L: every row and column",
              f"{given}, {run} = prompt {after}")
    ]  # fmt: skip
    for row in a.rows:
        if row.name in parts.form.held:
            result.append(Claim(
                parts.rows[row.name].removeprefix("row_"), f"the row {row.name} is that of {s}_L in every column",
                f"{given}, {parts.block(row, run)} = {parts.rows[row.name]} {after}",
            ))  # fmt: skip
    frozen = [r for r in a.rows if r.name not in parts.form.held]
    same = [f"{parts.block(r, run)} = {parts.rows[r.name]}" for r in frozen]
    if same:
        every = same[0] if len(same) == 1 else f"[/\\ {', '.join(same[:-1])} & {same[-1]}]"
        names = ", ".join(r.name for r in frozen)
        result.append(Claim("frozen", f"rows that no layer writes never change: {names}", f"{given}, {every}"))
    return tuple(result)
