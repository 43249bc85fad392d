"""How the statements follow from the generated file: by its lemma `run_in_other_words`, nothing of it imported."""

from __future__ import annotations

from fractions import Fraction

from ..audit import STATEMENTS_PREFIX, THEORY_PREFIX
from .parts import Parts
from .statements import Statements, bound
from .terms import bracketed, rational
from .theory_file import extra

IMPORTS = """From Coq Require Import QArith_base.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
"""
"""What every file of proofs about an algorithm imports: one line more, and its files could not be joined."""
ASKED = {"j = l": "j == l", "j <= l": "(j <= l)%N", "j >= l": "(l <= j)%N"}
"""What selections say, of a token and a layer from 0 on."""
HEADER = (
    IMPORTS
    + """\
From {theory} Require attention loop_masks loop_prompt {module}.
From {statements} Require {audit}.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory. Local Open Scope ring_scope.
"""
)


def proofs_text(statements: Statements, audit: str) -> str:
    """The file with a proof of every statement; audit : the statements' name."""
    parts, data = statements.parts, statements.parts.data
    stated, made = f"{STATEMENTS_PREFIX}.{audit}", f"{THEORY_PREFIX}.{parts.module}"
    lines = [
        HEADER.format(theory=THEORY_PREFIX, statements=STATEMENTS_PREFIX, module=parts.module, audit=audit),
        "Section Proofs.",
        *data.declarations,
        *data.lengths,
        *parts.assumed,
        f"Local Notation state := {data.state_type}.",
        f"Local Notation transformer := (@{stated}.transformer F _ _ _).",
        *(f"Local Notation {name} := (@{stated}.{name} {' '.join(a)})." for name, a in statements.arguments.items()),
        *extra(parts, "loop_prompt."),
        f"""Lemma same_after body' {data.layer_argument}{data.argument} k :
    (forall loop j, body{data.layer} {data.state} loop j = body' loop j) ->
  after{data.layer} {data.state} k = loop_masks.after body' {parts.loop.start} k.
Proof. by move=> same; elim: k => [//|k IH] /=; rewrite IH; case: insub. Qed.""",
        *(h.same(stated, made, statements.arguments) for h in data.held),
    ]
    for c in statements.claims:
        if c.part == "hypotheses":
            continue
        lines.append(f"Lemma proof_of_{c.part} : {c.statement}.")
        lines.append(f"Proof using All.\n{_proof(parts, c.part, stated, made)}\nQed.")
    lines.append("End Proofs.")
    for c in statements.claims:
        name = parts.theorem(c.part)
        proof = f"{_possible(parts)}." if c.part == "hypotheses" else f"exact: @proof_of_{c.part}."
        lines.append(f"Theorem {name} : {stated}.{name}.\nProof. {proof} Qed.")
    return "\n".join(lines) + "\n"


def _proof(parts: Parts, part: str, stated: str, made: str) -> str:
    data = parts.data
    s = data.state
    moved = data.destructing if data.several else "{}" + s
    if part == "state":
        return _state(parts, stated, made)
    if part == "prediction":
        return (
            f"move=> L {s}; rewrite proof_of_state col_mxEd row_mxEr mxE; move: (iterate L {s}) => {moved} /=.\n"
            f"first [by rewrite ?opprK | rewrite /{stated}.dot -?/(loop_masks.dot _ _); loop_prompt.close_scalar]."
        )
    if part == "features":
        return f"by move=> L {s}; rewrite proof_of_state col_mxKu."
    if part == "prompt0":
        return f"apply: (congr1 (@col_mx _ _ _ _ _)); {_rows(parts, stated)}."
    return f"by move=> L {s} j; rewrite proof_of_state col_mxEd row_mxEl mxE."


def _possible(parts: Parts) -> str:
    """Numbers at which all hypotheses hold, for every position where one is about positions."""
    values = {x: parts.nonzero.values.get(x, Fraction(1)) for x in bound(parts)}
    texts = {x: f"{v}%:R" if v.denominator == 1 and v > 0 else rational(v)[0] for x, v in values.items()}
    steps = parts.data.preconditioners
    texts |= {x.of: f"(fun l => {x.text})" for x in parts.tabled}
    selected = parts.algorithm.selections
    texts |= {x: f"(fun l j : nat => if {ASKED[said]} then 1 else 0)" for x, said in selected.items() if x in texts}
    fixed = set(steps) - {x.of for x in parts.tabled}
    ones = [f"exists {f'(fun=> {text})' if x in fixed else bracketed(text)};" for x, text in texts.items()]
    ones += ["exists 1%N;"] * (2 if parts.data.held else 1) if "n_gt0" in parts.hypotheses else []
    ways = []
    for name in parts.hypotheses:
        if name in parts.nonzero.hypotheses:
            ways.append(
                parts.nonzero.possible.get(
                    name, "by move=> *; vm_compute" if "forall" in parts.hypotheses[name] else "by vm_compute"
                )
            )
        else:
            known = name == "n_gt0" or name in [x.name for x in parts.tabled]
            ways.append("done" if known else "by first [rewrite pnatr_eq0 | vm_compute]")
    proof = ways[0] if len(ways) == 1 else f"split; [{' | '.join(ways)}]"
    return f"{' '.join(ones)} {proof}"


def _rows(parts: Parts, stated: str, made: str = "") -> str:
    """Rows of numbers are equal: entry by entry, with the rows' definitions unfolded."""
    rows = [*parts.prompt.accumulators.values(), *parts.prompt.blocks.values()]
    unfold = " ".join(f"/{stated}.{r.name}{made and f' /{made}.{r.name}'}" for r in rows)
    if made and parts.data.held:
        unfold += f" {_same_columns(parts)}"
    return f"""apply: (f_equal2 (@row_mx _ _ _ _)); apply/matrixP => i j; rewrite !mxE;
  case: i => {ordinals(parts.tables.numbers)};
  rewrite /= {unfold} /= /{stated}.dot -?/(loop_masks.dot _ _); loop_prompt.close_scalar"""


def _state(parts: Parts, stated: str, made: str) -> str:
    """W, P and Q are the same by computation, a W of its own times P block by block; the rest by a few lines each."""
    data, t = parts.data, parts.tables
    masks = " ".join(f"/{stated}.{x} /{made}.{x}" for x in parts.masks)
    blocks = " ".join(f"/{stated}.{r.name} /{made}.{r.name}" for r in parts.prompt.blocks.values())
    entries = ""
    if data.held:
        entries = f""";
    rewrite /{made}.features /loop_prompt.columns /=; congr (row_mx _ _);
    apply/matrixP => i j; rewrite !mxE {blocks} {_same_columns(parts)}"""
    products = _products(parts, stated, made) if t.factors else ""
    first = "" if products else "by [] "
    return f"""apply: (@{made}.run_in_other_words {parts.arguments}); [{first}| by [] | | | ].{products}
- move=> l h; apply: (congr1 (fun A : 'M_n => block_mx A 0 0 0)).
  case: h => {ordinals(t.heads)}; rewrite /= {masks}; apply/matrixP => i j; loop_prompt.close_mask.
- move=> {data.destructing}; apply: (f_equal2 (@col_mx _ _ _ _)).
    by apply: eq_mxcol => -{ordinals(t.vectors)}{entries}.
  {_rows(parts, stated, made)}.
- move=> l {data.state}; rewrite /{made}.step loop_masks.sweep_after.
  by rewrite -(@same_after _{data.layer} {data.state})."""


def _same_columns(parts: Parts) -> str:
    """What turns what the statement says that columns hold into the generated file's words."""
    return f"?({', '.join(f'same_{h.name}' for h in parts.data.held)})"


def _products(parts: Parts, stated: str, made: str) -> str:
    """W P is what the theory has in the place of P: nothing in the vector blocks, and sums of products below."""
    t = parts.tables
    squares = ""
    if all(t.squares):
        squares = f"""
    apply: loop_prompt.blocks_mul0 => i j; rewrite {"big_ord_recl " * t.vectors}big_ord0.
    case: h => {ordinals(t.heads)}; case: i => {ordinals(t.vectors)}; case: j => {ordinals(t.vectors)};
      by rewrite /= ?(mulmx0, mul0mx, addr0)."""
    return f"""
- move=> l h; rewrite /{stated}.W /{stated}.P /{made}.W /{made}.P /loop_prompt.head_whole /loop_prompt.head_values.
  rewrite mul1mx /loop_prompt.values mulmx_block ?(mulmx0, mul0mx, addr0, add0r); congr (block_mx _ _ _ _).{squares}
  apply/matrixP => i j; rewrite !mxE {"big_ord_recl " * t.numbers}big_ord0 ?mxE.
  case: h => {ordinals(t.heads)}; case: i => {ordinals(t.numbers)}; case: j => {ordinals(t.numbers)};
    rewrite /= ?mxE /loop_prompt.table /= ?(mul0r, mulr0, mul1r, mulr1, addr0, add0r);
    try done; loop_prompt.close_ring."""


def ordinals(size: int) -> str:
    """The intro pattern that goes through all numbers below `size`."""
    return "[" + "[|" * (size - 1) + "[|//]" + "]" * (size - 1) + " ?]"
