"""What is claimed, in words of its own over MathComp alone: every definition in another form than the proof's.

The loop is a recursion over the position with nothing named, masks are written entry by entry, rows by the data alone,
and the layer and the transformer are defined here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .columns import AXIS
from .heads import Cells, Tables
from .loop import kind_text, outside
from .masks import entries
from .parts import Parts, entry_names, first_weight
from .terms import VECTOR, show

IMPORTS = """From Coq Require Import QArith_base.
From mathcomp Require Import all_ssreflect all_algebra.
"""
"""What every file of statements about an algorithm requires: one line more, and its files could not be joined."""
LAYER = """Section Layer.
Variables (R : comRingType) (m N H : nat) (a : R).
Definition attn (P : 'M[R]_m) (M : 'M[R]_N) (Q : 'M[R]_m) (Z : 'M[R]_(m, N)) :=
  P *m Z *m M *m (Z^T *m Q *m Z).
Definition layer (W P Q : 'I_H -> 'M[R]_m) (M : 'I_H -> 'M[R]_N) Z :=
  Z + a *: (\\mxrow_h W h *m \\mxcol_h attn (P h) (M h) (Q h) Z).
Fixpoint transformer (W P Q : nat -> 'I_H -> 'M[R]_m) (M : nat -> 'I_H -> 'M[R]_N) L Z :=
  if L is l.+1 then layer (W l) (P l) (Q l) (M l) (transformer W P Q M l Z) else Z.
End Layer.
"""
"""A statement's own words for a transformer."""
HEADER = f"""{IMPORTS}Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory. Local Open Scope ring_scope.

{LAYER}"""


@dataclass(frozen=True)
class Claim:
    """One theorem: the part of its name, what it says in words, and its statement over the section's variables."""

    part: str
    sentence: str
    statement: str


@dataclass(frozen=True)
class Statements:
    """The statements of one algorithm.

    definitions : name -> text, in order
    arguments   : name of a definition -> the section variables that it depends on, in order
    claims      : the theorems
    """

    parts: Parts
    definitions: Mapping[str, str]
    arguments: Mapping[str, tuple[str, ...]]
    claims: tuple[Claim, ...]

    @property
    def section(self) -> str:
        """The variables, the hypotheses and the definitions, as a person reads them."""
        data = self.parts.data
        lines = [
            *data.declarations,
            *data.lengths,
            *(f"Hypothesis {name} : {text}." for name, text in self.parts.hypotheses.items()),
            f"Local Notation state := {data.state_type}.",
            *self.definitions.values(),
        ]
        return "\n".join(lines) + "\n"

    def text(self) -> str:
        """The whole file: the definitions, then each statement as a closed proposition."""
        parts = self.parts
        lines = [f"(* {parts.title} *)", HEADER, "Section Statement.", self.section]
        says = {c.part: f"says_{c.part}" for c in self.claims}
        inside = [c for c in self.claims if c.part != "hypotheses"]
        lines += [f"Definition {says[c.part]} : Prop :=\n  {c.statement}." for c in inside]
        lines.append("End Statement.\n")
        known = {**self.arguments}
        for c in self.claims:
            used = used_variables(c.statement, parts, known)
            applied = f"@{says[c.part]} {' '.join(used)}" if used else says[c.part]
            premises = "".join(f"{outside(text, parts.data)} -> " for text in parts.hypotheses.values())
            if c.part == "hypotheses":
                lines.append(f"Definition {parts.theorem(c.part)} : Prop := {c.statement}.")
            else:
                lines.append(
                    f"Definition {parts.theorem(c.part)} : Prop := forall {parts.data.binders},\n  {premises}{applied}."
                )
        return "\n".join(lines) + "\n"


def statements(parts: Parts) -> Statements:
    """The statements of a derivation's theorems."""
    definitions = _definitions(parts)
    arguments = arguments_of(definitions, lambda text, known: used_variables(text, parts, known))
    return Statements(parts, definitions, arguments, _claims(parts))


def used_variables(text: str, parts: Parts, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The section variables that a text depends on: through definitions that it names, and types of variables."""
    types = parts.data.types
    if parts.data.several or parts.data.w[0].kind == VECTOR:
        known = {**known, "state": ("F", "d")}
    if parts.data.held:
        known = {**known, "n": ("d", "m")}
    bare = re.sub(r"%:[RM]|\*m\b|'I_|\]_|%type", " ", text)  # a number in a ring is no R, and 'I_n speaks of n
    return spoken_of(bare, types, known)


def spoken_of(text: str, types: Mapping[str, Sequence[str]], known: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The variables, in the order of `types`, that a text's words are, that their types need, or that `known` names."""
    spoken: set[str] = set()
    for word in re.findall(r"[A-Za-z_][A-Za-z0-9_']*", text):
        spoken |= {word, *types[word]} if word in types else set(known.get(word, ()))
    return tuple(x for x in types if x in spoken)


def arguments_of(
    definitions: Mapping[str, str], used: Callable[[str, Mapping[str, tuple[str, ...]]], tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """The section variables that each definition takes, in their order: those of definitions before it count."""
    arguments: dict[str, tuple[str, ...]] = {}
    for name, text in definitions.items():
        arguments[name] = used(text, arguments)
    return arguments


def _definitions(parts: Parts) -> dict[str, str]:
    data, loop, t, prompt = parts.data, parts.loop, parts.tables, parts.prompt
    state, argument, opened = data.state, data.argument, data.open
    V, T, H = t.vectors, t.numbers, t.heads
    m, separator = f"(\\sum_(b < {V}) d + {T})", ";\n      "
    blocks = "; ".join(f"{b.name} j" for b in prompt.vectors.values())
    ones, accumulators = prompt.ones.values(), prompt.accumulators.values()
    numbers = [*(f"{b.name} j" for b in ones), *(f"{r.name} {state} j" for r in accumulators)]
    queries = [show(b.query) for b in (*ones, *accumulators)]
    first = [*numbers[: len(prompt.ones)], *(show(context) for context, _ in prompt.at_zero.values())]
    first_queries = [*queries[: len(prompt.ones)], *(show(query) for _, query in prompt.at_zero.values())]
    U, E, G = (separator.join(t.dense(x, size) for x in cells) for cells, size in ((t.U, T), (t.E, V), (t.G, T)))
    at_query = f"({opened.strip()} [:: {'; '.join(queries)}])" if data.several else f"[:: {'; '.join(queries)}]"
    result = {
        "dot": "Definition dot (u v : 'rV[F]_d) : F := (u *m v^T) 0 0.",
        "body": f"Definition body {data.layer_argument}{argument} (loop : {loop.type}) "
                f"(j : 'I_{data.count}) : {loop.type} :=\n{opened}"
                f"  let: {loop.pattern} := loop in\n{loop.expanded()}.",
        "after": f"Fixpoint after {data.layer_argument}{argument} (k : nat) : {loop.type} :=\n  if k is k'.+1 then\n"
                 f"    if insub k' is Some j then body{data.layer} {state} (after{data.layer} {state} k') j "
                 f"else after{data.layer} {state} k'\n"
                 f"  else {loop.start}.",
        "step": f"Definition step (l : nat) {argument} : state :=\n{opened}"
                f"  let: {loop.pattern} := after{data.layer} {state} {data.count} in\n  {loop.new_weights()}.",
        "iterate": "Fixpoint iterate (L : nat) (s : state) : state :=\n"
                   "  if L is l.+1 then step l (iterate l s) else s.",
    }  # fmt: skip
    if data.held:
        result["axis"] = AXIS
    for held in data.held:
        result[held.name] = held.restated(kind_text(held.vector))
    for name, b in prompt.blocks.items():
        kind = kind_text(name in prompt.vectors)
        result[b.name] = f"Definition {b.name} (j : 'I_n) : {kind} := {show(b.context)}."
    for name, r in prompt.accumulators.items():
        result[r.name] = f"Definition {r.name} {argument} (j : 'I_n) : F :=\n{opened}  {show(prompt.direct[name])}."
    result |= {
        "X": f"Definition X : 'M[F]_(\\sum_(b < {V}) d, n + 1) := \\mxcol_(b < {V})\n"
             f"  row_mx (\\matrix_(i, j) ([:: {blocks}]`_b) 0 i)\n"
             f"    ([:: {'; '.join(show(b.query) for b in prompt.vectors.values())}]`_b)^T.",
        "Y": f"Definition Y {argument} : 'M[F]_({T}, n + 1) :=\n"
             f"  row_mx (\\matrix_(t, j) [:: {'; '.join(numbers)}]`_t)\n"
             f"    (\\matrix_(t, j) {at_query}`_t).",
        "prompt": f"Definition prompt {argument} : 'M[F]_({m}, n + 1) := col_mx X (Y {state}).",
        "Z0": f"Definition Z0 : 'M[F]_({m}, n + 1) := col_mx X (row_mx\n"
              f"  (\\matrix_(t, j) [:: {'; '.join(first)}]`_t) (\\matrix_(t, j) [:: {'; '.join(first_queries)}]`_t)).",
    }  # fmt: skip
    for name, mask in zip(parts.masks, parts.derivation.masks, strict=True):
        entry = entries(mask, parts.spelling)
        result[name] = f"Definition {name}{parts.mask_argument(name)} : 'M[F]_n :=\n  \\matrix_(i, j) ({entry})."
    head = f"(l : nat) (h : 'I_{H})"
    W = "1%:M" if parts.given else "block_mx 0 0 0 1%:M"
    P = f"block_mx 0 0 0 {_entries(U)}"
    if t.factors:
        W, P = (_blocks(t, [factors[k] for factors in t.factors]) for k in (0, 1))
    return result | {
        "W": f"Definition W {head} : 'M[F]_{m} := {W}.",
        "P": f"Definition P {head} : 'M[F]_{m} := {P}.",
        "Q": f"Definition Q {head} : 'M[F]_{m} := block_mx {_squares(E)}\n  0 0 {_entries(G)}.",
        "M": f"Definition M {head} : 'M[F]_(n + 1) :=\n  block_mx [:: {'; '.join(t.masks)}]`_h 0 0 0.",
    }  # fmt: skip


def _squares(tables: str) -> str:
    return f"(\\mxblock_(i, j)\n  ((nth [::] (nth [::] [:: {tables}] h) i)`_j : 'M[F]_d))"


def _entries(tables: str) -> str:
    return f"(\\matrix_(i, j)\n  (nth [::] (nth [::] [:: {tables}] h) i)`_j)"


def _blocks(t: Tables, matrices: list[tuple[Cells, Cells]]) -> str:
    """A matrix of every head, in blocks: 0 for the vector blocks where no head has one."""
    separator = ";\n      "
    squares = separator.join(t.dense(matrix, t.vectors) for matrix, _ in matrices)
    numbers = separator.join(t.dense(matrix, t.numbers) for _, matrix in matrices)
    return f"block_mx {_squares(squares) if any(m for m, _ in matrices) else '0'}\n  0 0 {_entries(numbers)}"


def bound(parts: Parts) -> dict[str, str]:
    """The parameters, steps and selections that hypotheses speak of: the user's names -> the file's."""
    words = {w for text in parts.hypotheses.values() for w in re.findall(r"[\w']+", text)}
    every = {**parts.data.parameters, **parts.data.preconditioners, **parts.data.selections}
    return {x: name for x, name in every.items() if name in words}


def row_text(parts: Parts, name: str) -> str:
    """The index of a row of numbers in the prompt."""
    t = parts.tables
    return f"(rshift (\\sum_(b < {t.vectors}) d) (@Ordinal {t.numbers} {parts.prompt.number_index[name]} isT))"


def _claims(parts: Parts) -> tuple[Claim, ...]:
    data, s = parts.data, parts.data.state
    readout = parts.derivation.readout
    sign = "- " if readout.sign < 0 else ""
    run, given = f"transformer n%:R^-1 W P Q M L (prompt {s})", f"forall (L : nat) {data.argument}"
    columns = ", of m transitions and d unit columns, n = m + d" if data.held else ""
    result = [
        Claim("state", f"L layers leave the prompt of w_0 as the prompt of w_L: every row and column{columns}",
              f"{given}, {run} = prompt (iterate L {s})"),
        Claim("prediction", f"the query's prediction, {sign.strip() or '+'}the read-out entry, is w_L.q",
              f"{given}, {sign}{run} {row_text(parts, readout.row)} (rshift n 0) "
              f"= dot {first_weight(parts, f'(iterate L {s})')} q"),
        Claim("features", "feature rows never change", f"{given}, usubmx ({run}) = X"),
    ]  # fmt: skip
    for name, variables in entry_names(parts).items():
        words = "its TD error" if name == "td_error" else "its residual" if name == "residual" else f"its {variables}"
        value = parts.prompt.accumulators[name].name
        result.append(Claim(
            variables, f"every context column holds {words} at w_L",
            f"{given} (j : 'I_n), {run} {row_text(parts, name)} (lshift 1 j) = {value} (iterate L {s}) j",
        ))  # fmt: skip
    zeros = ", ".join(["0"] * len(data.w))
    result.append(Claim("prompt0", "at zero starting weights the prompt is the paper's Z_0",
                        f"prompt {f'({zeros})' if data.several else zeros} = Z0"))  # fmt: skip
    if parts.hypotheses:
        texts = [outside(text, data) for text in parts.hypotheses.values()]
        texts = [text.replace("(forall j : 'I_n,", "(forall (n : nat) (j : 'I_n),") for text in texts]
        texts = [text.replace("(forall (l : nat) (j :", "(forall (n l : nat) (j :") for text in texts]
        names, parameters, selections = bound(parts), parts.data.parameters, parts.data.selections
        groups = {
            "rat": [name for x, name in names.items() if x in parameters],
            "nat -> rat": [name for x, name in names.items() if x not in parameters and x not in selections],
            "nat -> nat -> rat": [name for x, name in names.items() if x in selections],
            "nat": (["m", "d"] if data.held else ["n"]) if "n_gt0" in parts.hypotheses else [],
        }
        binders = [f"{' '.join(group)} : {kind}" for kind, group in groups.items() if group]
        variables = binders[0] if len(binders) == 1 else " ".join(f"({x})" for x in binders)
        every = texts[0] if len(texts) == 1 else f"[/\\ {', '.join(texts[:-1])} & {texts[-1]}]"
        result.append(Claim(
            "hypotheses", "the hypotheses can be met: there are numbers that satisfy them all",
            f"exists {variables}, {every}",
        ))  # fmt: skip
    return tuple(result)
