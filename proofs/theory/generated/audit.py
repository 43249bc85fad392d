"""The audit of a generated file: every definition again in the audit's own words, and the theorems proved in them.

The loop is a recursion over the position with nothing named, masks are written entry by entry, rows by the data alone,
and the layer and the transformer are defined here.  What the generated file proves is brought over by the lemma
`run_in_other_words`; nothing of the theory is imported, so that no notation or coercion of it is read here.
"""

from __future__ import annotations

from dataclasses import dataclass

from .loop import kind_text
from .masks import entries
from .terms import show
from .theory_file import Parts, entry_names, first_weight

HEADER = """From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From LayerProof Require attention loop_masks loop_prompt {module}.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory. Local Open Scope ring_scope.
"""
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


@dataclass(frozen=True)
class Restated:
    """One theorem of an audit: the part of its name, what it says in words, its statement and its proof."""

    part: str
    sentence: str
    statement: str
    proof: str


def definitions(parts: Parts) -> str:
    """What the statements speak of: the data, the hypotheses, the loop, the prompt, the weights."""
    data, loop, t = parts.data, parts.loop, parts.tables
    state, argument, prompt = data.state, data.argument, parts.prompt
    V, T, H = t.vectors, t.numbers, t.heads
    blocks = [f"{b.name} j" for b in prompt.vectors.values()]
    numbers = [f"{b.name} j" for b in prompt.ones.values()] + [
        f"{r.name} {state} j" for r in prompt.accumulators.values()
    ]
    queries = [show(b.query) for b in prompt.ones.values()] + [show(r.query) for r in prompt.accumulators.values()]
    rows = f"(\\sum_(b < {V}) d + {T})%N"
    separator = ";\n      "
    lines = [
        *data.declarations,
        *(f"Hypothesis {name} : {text}." for name, text in parts.hypotheses.items()),
        f"Local Notation state := {data.state_type}.",
        "Definition dot (u v : 'rV[F]_d) : F := (u *m v^T) 0 0.",
        f"Definition body {argument} (loop : {loop.type}) (j : 'I_n) : {loop.type} :=\n{data.open}"
        f"  let: {loop.pattern} := loop in\n{loop.expanded()}.",
        f"Fixpoint after {argument} (k : nat) : {loop.type} :=\n  if k is k'.+1 then\n"
        f"    if insub k' is Some j then body {state} (after {state} k') j else after {state} k'\n  else {loop.start}.",
        f"Definition step (l : nat) {argument} : state :=\n{data.open}"
        f"  let: {loop.pattern} := after {state} n in\n  {loop.new_weights()}.",
        "Fixpoint iterate L s := if L is l.+1 then step l (iterate l s) else s.",
        *(
            f"Definition {b.name} (j : 'I_n) : {kind_text(name in prompt.vectors)} := {show(b.context)}."
            for name, b in prompt.blocks.items()
        ),
        *(
            f"Definition {r.name} {argument} (j : 'I_n) : F :=\n{data.open}  {show(prompt.direct[name])}."
            for name, r in prompt.accumulators.items()
        ),
        f"Definition X : 'M[F]_(\\sum_(b < {V}) d, n + 1) := \\mxcol_(b < {V})\n"
        f"  row_mx (\\matrix_(i, j) (nth 0 [:: {'; '.join(blocks)}] b) 0 i)\n"
        f"    (nth 0 [:: {'; '.join(show(b.query) for b in prompt.vectors.values())}] b)^T.",
        f"Definition Y {argument} : 'M[F]_({T}, n + 1) :=\n"
        f"  row_mx (\\matrix_(t, j) [:: {'; '.join(numbers)}]`_t)\n"
        f"    (\\matrix_(t, j) ({data.open.strip() + ' ' if data.several else ''}[:: {'; '.join(queries)}])`_t).",
        f"Definition prompt {argument} : 'M[F]_({rows}, n + 1) := col_mx X (Y {state}).",
        *(
            f"Definition {name} : 'M[F]_n := \\matrix_(i, j) ({entries(m, parts.spelling)})."
            for name, m in zip(parts.masks, parts.derivation.masks, strict=True)
        ),
        f"Definition W (l : nat) (h : 'I_{H}) : 'M[F]_{rows} := block_mx 0 0 0 1%:M.",
        f"Definition P (l : nat) (h : 'I_{H}) : 'M[F]_{rows} := block_mx 0 0 0 (\\matrix_(i, j)\n"
        f"  (nth [::] (nth [::] [:: {separator.join(t.dense(x, T) for x in t.U)}] h) i)`_j).",
        f"Definition Q (l : nat) (h : 'I_{H}) : 'M[F]_{rows} := block_mx (\\mxblock_(i, j)\n"
        f"  ((nth [::] (nth [::] [:: {separator.join(t.dense(x, V) for x in t.E)}] h) i)`_j : 'M_d)) 0 0 (\\matrix_(i, j)\n"
        f"  (nth [::] (nth [::] [:: {separator.join(t.dense(x, T) for x in t.G)}] h) i)`_j).",
        f"Definition M (l : nat) (h : 'I_{H}) : 'M[F]_(n + 1) := block_mx [:: {'; '.join(t.masks)}]`_h 0 0 0.",
    ]
    return "\n".join(lines) + "\n"


def bridge(parts: Parts) -> str:
    """What the proofs need besides: the recursion over the position is the theory's, for any body."""
    data, loop = parts.data, parts.loop
    facts = [*parts.facts, *(f"(loop_prompt.inv_nat F {k - 1})" for k in parts.whole)]
    names = " ".join(f"fact{i}" for i in range(len(facts)))
    extra = f"""Ltac loop_prompt.close_extra ::= {" ".join(f"generalize {f};" for f in facts)} loop_prompt.name_inverses;
  intros {names}; ring: {names}.
""" if facts else ""  # fmt: skip
    return f"""{extra}Lemma same_after body' {data.argument} k : (forall loop j, body {data.state} loop j = body' loop j) ->
  after {data.state} k = loop_masks.after body' {loop.start} k.
Proof. by move=> same; elim: k => [//|k IH] /=; rewrite IH; case: insub. Qed.
"""


def _state_proof(parts: Parts) -> str:
    """W, P and Q are the same by computation; masks, prompt and step by a few lines each."""
    data, t, module = parts.data, parts.tables, parts.module
    rows = [*parts.prompt.accumulators.values(), *parts.prompt.blocks.values()]
    unfold = " ".join(f"/{r.name} /{module}.{r.name}" for r in rows)
    masks = " ".join(f"/{x} /{module}.{x}" for x in parts.masks)
    return f"""apply: (@{module}.run_in_other_words {parts.arguments}); [by [] | by [] | by [] | | | ].
- move=> l h; apply: (congr1 (fun A : 'M_n => block_mx A 0 0 0)).
  by case: h => {_ordinal(t.heads)}; rewrite /= {masks}; apply/matrixP => i j; loop_prompt.close_mask.
- move=> {data.destructing}; apply: (f_equal2 (@col_mx _ _ _ _)); first by apply: eq_mxcol => -{_ordinal(t.vectors)}.
  apply: (f_equal2 (@row_mx _ _ _ _)); apply/matrixP => i j; rewrite !mxE; case: i => {_ordinal(t.numbers)};
  first [reflexivity | rewrite {unfold} /= /dot -?/(loop_masks.dot _ _); loop_prompt.close_scalar].
- move=> l {data.state}; rewrite /{module}.step loop_masks.sweep_after.
  by rewrite -(@same_after _ {data.state})."""


def _ordinal(size: int) -> str:
    return "[" + "[|" * (size - 1) + "[|//]" + "]" * (size - 1) + " ?]"


def restated(parts: Parts) -> list[Restated]:
    """The theorems in the audit's words."""
    data, t = parts.data, parts.tables
    s = data.state
    moved = data.destructing if data.several else "{}" + s
    readout = parts.derivation.readout
    sign = "- " if readout.sign < 0 else ""
    run = f"transformer n%:R^-1 W P Q M L (prompt {s})"

    def row(name: str) -> str:
        return f"(rshift _ (@Ordinal {t.numbers} {parts.prompt.number_index[name]} isT))"

    state = parts.theorem("state")
    result = [
        Restated(
            "state", "L layers leave the prompt of w_0 as the prompt of w_L: every row and column",
            f"forall L {data.argument}, {run} = prompt (iterate L {s})",
            _state_proof(parts),
        ),
        Restated(
            "prediction", f"the query's prediction, {sign.strip() or '+'}the read-out entry, is w_L.q",
            f"forall L {data.argument}, {sign}{run} {row(readout.row)} (rshift n 0) "
            f"= dot {first_weight(parts, f'(iterate L {s})')} q",
            f"move=> L {s}; rewrite audit_{state} col_mxEd row_mxEr mxE; move: (iterate L {s}) => {moved} /=.\n"
            "first [by rewrite ?opprK | rewrite /dot -?/(loop_masks.dot _ _); loop_prompt.close_scalar].",
        ),
        Restated(
            "features", "feature rows never change", f"forall L {data.argument}, usubmx ({run}) = X",
            f"by move=> L {s}; rewrite audit_{state} col_mxKu.",
        ),
    ]  # fmt: skip
    for name, said in entry_names(parts).items():
        value = parts.prompt.accumulators[name].name
        words = "its TD error" if name == "td_error" else f"{said} of w_L"
        result.append(Restated(
            said, f"every context column holds {words}",
            f"forall L {data.argument} j, {run} {row(name)} (lshift 1 j) = {value} (iterate L {s}) j",
            f"by move=> L {s} j; rewrite audit_{state} col_mxEd row_mxEl mxE.",
        ))  # fmt: skip
    if parts.hypotheses:
        names = [h.split(" ")[0] for h in parts.hypotheses.values()]
        result.append(Restated(
            "hypotheses", "the hypotheses can be met: there are such parameters",
            f"exists {' '.join(names)} : rat, {_all(list(parts.hypotheses.values()))}",
            f"by {' '.join('exists 1;' for _ in names)} {'split' if len(names) > 1 else 'idtac'}.",
        ))  # fmt: skip
    return result


def _all(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"[/\\ {' & '.join([', '.join(texts[:-1]), texts[-1]])}]"


def audit_text(parts: Parts) -> str:
    """The audit file, without the questions that the gate asks."""
    lines = [HEADER.format(module=parts.module), LAYER, "Section Audit.", definitions(parts), bridge(parts)]
    for r in restated(parts):
        lines.append(f"Theorem audit_{parts.theorem(r.part)} :\n  {r.statement}.\nProof.\n{r.proof}\nQed.")
    return "\n".join([*lines, "End Audit."]) + "\n"


