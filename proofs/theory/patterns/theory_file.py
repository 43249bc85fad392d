"""The generated file: the loop over tokens, the prompt and the heads, and the proof that L layers are L updates."""

from __future__ import annotations

import re

from ....symbolic.patterns.record import Row
from ..generated.names import comment
from ..generated.terms import show
from .parts import Applied, PatternParts

HEADER = """From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From LayerProof Require Import attention loop_masks loop_prompt token_patterns.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory. Local Open Scope ring_scope."""


def theory_text(parts: PatternParts) -> str:
    """The file whole."""
    a = parts.algorithm
    head = [
        f"(* {comment(a.title)}: the loop as the update has it, the prompt, the derived heads; then the proof that L",
        "   layers are L updates, for every d, n, L, pattern, parameter, prompt and start.",
        f"   Source: {comment(a.source)} *)",
        HEADER,
        "",
        "Section Algorithm.",
        *parts.declarations,
        f"Local Notation state := ({parts.state_type}).",
    ]
    body = [*_rows(parts), *_loop(parts), *_layer(parts)]
    body += [*_fractions("\n".join(body)), *_proof(parts), *_theorems(parts)]
    return "\n".join([*head, *body, "End Algorithm."]) + "\n"


def _fractions(text: str) -> list[str]:
    """What closes a goal in which fractions are added up: 1/n is a number like another, which n = 0 has too."""
    if not re.search(r"/ \d+%:R", text):
        return []
    return ["Ltac close_extra ::= generalize (n%:R^-1 : F); intro; close_field."]


def state_argument(parts: PatternParts, row: Row) -> tuple[str, str]:
    """The state as an argument of a row block, with its type and without; empty for a row that no layer writes."""
    return (f" ({parts.s} : state)", f" {parts.s}") if row.name in parts.form.held else ("", "")


def entries_of(parts: PatternParts, row: Row) -> tuple[str, str]:
    """What a row block holds in context column j and in the last column, in terms of the whole state."""
    own, after = parts.state_of("(lshift 1 j)"), parts.state_of("(next j)")
    last = parts.algorithm.families[1]
    return (
        show(parts.entry(row, "context", own, after)),
        show(parts.entry(row, last, parts.state_of("(rshift n 0)"), "")),
    )


def loop_definitions(parts: PatternParts) -> dict[str, str]:
    """The loop's body for one token of the context, and what the update makes of what the loop has kept."""
    token, s = parts.token[0], parts.s
    after, new = parts.one_pass(parts.state_of("t"), parts.loop)
    given = f"(l : nat) ({s} : state){token}"
    return {
        "keys": f"Definition keys (t : nat) : nat := {keys(parts)}.",
        "body": f"Definition body {given} ({parts.loop} : {parts.kept}) (j : 'I_n) : {parts.kept} :=\n  {show(after)}.",
        "new": f"Definition new {given} ({parts.loop} : {parts.kept}) : {parts.kind_text} :=\n  {show(new)}.",
    }


def keys(parts: PatternParts) -> str:
    """How many tokens of the context token t sums over, t counted from zero."""
    return "n" if parts.algorithm.column or parts.form.sees == "context" else "minn t.+1 n"


def step_text(parts: PatternParts, swept: str) -> str:
    """The new state, from what each token's loop has kept; `swept` with t for the token."""
    a, s = parts.algorithm, parts.s
    one = f"new l {s}{parts.token[1]} ({swept})"
    made = one if a.column else f"\\row_t {one}" if a.numbers else f"\\matrix_(t, i) ({one}) 0 i"
    return f"Definition step (l : nat) ({s} : state) : state :=\n  {made}."


def layer_definitions(parts: PatternParts, keyed: str, back: str) -> dict[str, str]:
    """The heads, their patterns, the shift and the layer; `keyed` and `back` are how the pattern's mask is written."""
    form, m, N = parts.form, parts.m, "n + 1"
    result: dict[str, str] = {}
    for h, head in enumerate(form.heads):
        result[f"V_{h}"] = f"Definition V_{h} (l : nat) : 'M[F]_{m} :=\n  {parts.matrix(head.V)}."
        if head.Q is not None:
            result[f"Q_{h}"] = f"Definition Q_{h} (l : nat) : 'M[F]_{m} :=\n  {parts.matrix(head.Q)}."
            scores = f"Z^T *m Q_{h} l *m Z"
        else:
            scores = str(Applied("kernel l", parts.block(parts.scored, "Z")))
        result[f"A_{h}"] = (
            f"Definition A_{h} (l : nat) (Z : 'M[F]_({m}, {N})) : 'M[F]_({N}) :=\n  {keyed.format(f'({scores})')}."
        )
    H = len(form.heads)
    V, A = ("; ".join(f"{x}_{h} l{z}" for h in range(H)) for x, z in (("V", ""), ("A", " Z")))
    scale = "n%:R^-1" if form.by_length else "1"
    run = f"layer {scale} (fun h : 'I_{H} => [:: {V}]`_h) (fun h Z => [:: {A}]`_h) Z"
    if form.shift:
        kept, moved = shift_blocks(parts)
        result["S"] = f"Definition S : 'M[F]_{m} :=\n  {parts.matrix(kept)}."
        result["T"] = f"Definition T : 'M[F]_{m} :=\n  {parts.matrix(moved)}."
        run = f"shift S T {back} ({run})"
    result["run"] = f"Definition run (l : nat) (Z : 'M[F]_({m}, {N})) : 'M[F]_({m}, {N}) :=\n  {run}."
    return result


def shift_blocks(parts: PatternParts) -> tuple[dict, dict]:  # type: ignore[type-arg]
    """What stays in its token, and what goes to the token before."""
    from sympy import Integer

    moved = {to for to, _ in parts.form.shift}
    rows = parts.algorithm.rows
    kept = {(r.name, r.name): {(): Integer(1)} for r in rows if r.name not in moved}
    return kept, {pair: {(): c} for pair, c in parts.form.shift.items()}


def _rows(parts: PatternParts) -> list[str]:
    lines = ["\n(* the prompt: context column j and the last column of every row block *)"]
    for row in parts.algorithm.rows:
        base, (given, s) = parts.rows[row.name], state_argument(parts, row)
        context, last = entries_of(parts, row)
        kind, form = ("F", "nrow") if row.scalar else ("'rV[F]_d", "vrow")
        lines += [
            f"Definition {base}_context{given} (j : 'I_n) : {kind} := {context}.",
            f"Definition {base}_last{given} : {kind} := {last}.",
            f"Definition {base}{given} := {form} ({base}_context{s}) {f'({base}_last{s})' if s else f'{base}_last'}.",
        ]
    blocks = [_called(parts, row, parts.s) for row in parts.algorithm.rows]
    lines.append(f"Definition prompt ({parts.s} : state) : 'M[F]_({parts.m}, n + 1) :=\n  {parts.stacked(blocks)}.")
    return lines


def _called(parts: PatternParts, row: Row, s: str) -> str:
    base = parts.rows[row.name]
    return f"({base} {s})" if row.name in parts.form.held else base


def _loop(parts: PatternParts) -> list[str]:
    s, (token, t) = parts.s, parts.token
    number = "n" if parts.algorithm.column else "(keys t)"
    return [
        "\n(* the loop *)",
        *loop_definitions(parts).values(),
        step_text(parts, f"sweep_keys {number} (body l {s}{t}) 0"),
        f"Definition gain (l : nat) ({s} : state){token} (j : 'I_n) : {parts.kept} := body l {s}{t} 0 j.",
    ]


def _layer(parts: PatternParts) -> list[str]:
    return ["\n(* the derived heads *)", *layer_definitions(parts, "keyed keys {}", "(@back F n)").values()]


def _product(parts: PatternParts, blocks, row: Row, s: str) -> str:  # type: ignore[no-untyped-def]
    """One row block of a head's matrix times the prompt; empty where it is zero."""
    terms = []
    for other in parts.algorithm.rows:
        cell = parts.cell(blocks.get((row.name, other.name), {}), row)
        if cell:
            terms.append(f"{cell} *m {_called(parts, other, s)}")
    return summed(terms)


def summed(terms: list[str]) -> str:
    """A sum as a product of block matrices leaves it, nested to the right; empty for none."""
    if not terms:
        return ""
    *before, last = terms
    for text in reversed(before):
        last = f"({text} + {last})"
    return last if before else f"({last})"


def _unfold(parts: PatternParts) -> str:
    names = [x for row in parts.algorithm.rows if (x := parts.rows[row.name])]
    return "rewrite " + " ".join(f"/{x} /{x}_context /{x}_last" for x in names) + "."


def _proof(parts: PatternParts) -> list[str]:
    a, form, s, (token, t) = parts.algorithm, parts.form, parts.s, parts.token
    rows, scale = a.rows, "n%:R^-1" if form.by_length else "1"
    lines = ["\n(* what the loop adds up *)"]
    bound = "leqnn" if keys(parts) == "n" else "geq_minr"
    lines.append(f"Lemma keys_le t : (keys t <= n)%N.\nProof. exact: {bound}. Qed.")
    lines.append(f"""Lemma loop_sum l {s}{token} k :
  sweep_keys k (body l {s}{t}) 0 = \\sum_(j < n | (j < k)%N) gain l {s}{t} j.
Proof. by apply: sweep_keys_sum => x j; rewrite /gain /body; close_token. Qed.""")
    total = "\\sum_(j < n | (j < {})%N) gain l {}{} j"
    if a.column:
        lines.append(f"""Lemma step_sum l {s} : step l {s} = new l {s} ({total.format("n", s, "")}).
Proof. by rewrite /step loop_sum. Qed.""")
    else:
        unfold = "[LHS]mxE" if a.numbers else "[LHS]mxE [LHS]mxE"
        opened = "" if a.numbers else "apply/rowP => i; "
        state = parts.state_of("t", f"(step l {s})")
        lines.append(f"""Lemma step_sum l {s} t :
  {state} = new l {s} t ({total.format("keys t", s, " t")}).
Proof. by {opened}rewrite {unfold} loop_sum. Qed.""")
    lines.append("\n(* what the heads add *)")
    for h, head in enumerate(form.heads):
        values = [_product(parts, head.V, row, s) or "0" for row in rows]
        lines.append(f"""Lemma values_{h} l {s} : V_{h} l *m prompt {s} = {parts.stacked(values)}.
Proof. by rewrite /V_{h} /prompt; by_blocks. Qed.""")
        unfold = "?(col_mxKu, col_mxKd)" if head.Q is None else f"-mulmxA /Q_{h}; by_blocks"
        lines.append(f"""Lemma pattern_{h} l {s} : A_{h} l (prompt {s}) = keyed keys {_scores(parts, h, s)}.
Proof. by rewrite /A_{h} /prompt {unfold}. Qed.""")
    own = [row for row in rows if any((row.name, r.name) in head.V for head in form.heads for r in rows)]
    for row in own:
        lines.append(_added(parts, row, scale))
    between = [_called(parts, r, f"(step l {s})" if r in own else s) for r in rows]
    H = len(form.heads)
    V, A = ("; ".join(f"{x}_{h} l{z}" for h in range(H)) for x, z in (("V", ""), ("A", " Z")))
    heads = f"layer {scale} (fun h : 'I_{H} => [:: {V}]`_h) (fun h Z => [:: {A}]`_h)"
    lines += _several(parts) if H > 1 else []
    opened = "rewrite /layer big_ord1 /= values_0 pattern_0" if H == 1 else f"{_together(H, scale, s)}\nrewrite"
    lines.append(f"""Lemma heads_step l {s} :
  {heads} (prompt {s}) =
  {parts.stacked(between)}.
Proof.
{opened} {{1}}/prompt; by_blocks.
rewrite ?(scale_col_mx, scaler0, add_col_mx, add0r, addr0).
by rewrite ?({", ".join(f"added_{parts.rows[r.name]}" for r in own)}).
Qed.""")
    if form.shift:
        moved = [row for row in rows if any(to == row.name for to, _ in form.shift)]
        for row in moved:
            lines.append(_moved(parts, row))
        lines.append(f"""Lemma layer_step l {s} : run l (prompt {s}) = prompt (step l {s}).
Proof.
rewrite /run heads_step /shift /S /T; by_blocks; rewrite ?mul1mx ?add_col_mx; by_blocks.
by rewrite /prompt ?({", ".join(f"moved_{parts.rows[r.name]}" for r in moved)}).
Qed.""")
    else:
        lines.append(
            f"Lemma layer_step l {s} : run l (prompt {s}) = prompt (step l {s}).\nProof. exact: heads_step. Qed."
        )
    return lines


def _several(parts: PatternParts) -> list[str]:
    """The sum over several heads and each of its terms: rewriting in the sum would compare heads entry by entry."""
    s, H = parts.s, len(parts.form.heads)
    place = ["ord0"]
    for _ in range(H - 1):
        place.append(f"(lift ord0 {place[-1]})")
    total = summed([f"f {h}" for h in place])
    lines = [
        f"Lemma heads_sum (X : zmodType) (f : 'I_{H} -> X) : \\sum_h f h = {total}.\n"
        "Proof. by rewrite !big_ord_recl big_ord0 addr0. Qed."
    ]
    for h, head in enumerate(parts.form.heads):
        values = parts.stacked([_product(parts, head.V, row, s) or "0" for row in parts.algorithm.rows])
        lines.append(f"""Lemma term_{h} l {s} : V_{h} l *m prompt {s} *m A_{h} l (prompt {s}) =
  {values} *m keyed keys {_scores(parts, h, s)}.
Proof. by rewrite values_{h} pattern_{h}. Qed.""")
    return lines


def _together(H: int, scale: str, s: str) -> str:
    """The step of a proof that puts in the terms of several heads."""
    *before, joined = (f"(term_{h} l {s})" for h in range(H))
    for term in reversed(before):
        joined = f"(congr2 +%R {term} {joined})"
    return f"rewrite /layer heads_sum /=.\napply: (etrans (congr1 (fun x => prompt {s} + {scale} *: x) {joined}))."


def _scores(parts: PatternParts, h: int, s: str) -> str:
    Q = parts.form.heads[h].Q
    if Q is None:
        return f"(kernel l {parts.rows[parts.algorithm.scored]})"
    terms = [
        f"{_called(parts, row, s)}^T *m {text}" for row in parts.algorithm.rows if (text := _product(parts, Q, row, s))
    ]
    return summed(terms)


def _added(parts: PatternParts, row: Row, scale: str) -> str:
    """The lemma that a written row becomes that of the next state, token by token."""
    s, a, base = parts.s, parts.algorithm, parts.rows[row.name]
    heads = [
        f"{text} *m keyed keys {_scores(parts, h, s)}"
        for h, head in enumerate(parts.form.heads)
        if (text := _product(parts, head.V, row, s))
    ]
    form, lemma = ("nrow", "written") if row.scalar else ("vrow", "writtenv")
    size = "" if row.scalar else " _"
    again = _unfold(parts).removesuffix(".").replace("rewrite", "") if a.kernels else ""
    close = f"cbv beta; rewrite ?entryD ?(score_nn, score_nl, score_vv, score_vl) /gain /body /new{again}; close_token"

    def applied(family: str, where: str) -> str:
        if not parts.reads(row, family, "own"):
            return f"by apply: {'still' if row.scalar else 'stillv'} => j seen;\n  {close}."
        own = f"(new l {s}{'' if a.column else f' {where}'} kept)"
        entry = show(parts.entry(row, family, own, "", "t"))
        return f"by apply: (@{lemma} F n{size} _ (fun kept => {entry})) => [x y||j seen];\n  {close}."

    seen = "" if a.column else " /= ?addn0"
    return f"""Lemma added_{base} l {s} :
  {base} {s} + {scale} *: {summed(heads)}
  = {base} (step l {s}).
Proof.
{_unfold(parts)}
rewrite ?(mul_nrow, mul_vrow) ?(nrowD, vrowD) ?(nrow_keyed _ _ _ keys_le, vrow_keyed _ _ _ keys_le).
rewrite ?(nrowD, vrowD) ?(nrowZ, vrowZ) ?(nrowD, vrowD); apply: eq_{form} => [t|]; cbv beta;
  rewrite ?step_sum{seen} -?big_split /=.
{applied("context", "(lshift 1 t)")}
{applied(a.families[1], "(rshift n 0)")}
Qed."""


def _moved(parts: PatternParts, row: Row) -> str:
    s, base = parts.s, parts.rows[row.name]
    _, moved = shift_blocks(parts)
    form = "nrow" if row.scalar else "vrow"
    return f"""Lemma moved_{base} {s} : {_product(parts, moved, row, s)} *m (@back F n) = {base} {s}.
Proof.
{_unfold(parts)}
rewrite ?(mul_nrow, mul_vrow) ?(nrowD, vrowD) ?(nrow_back, vrow_back); apply: eq_{form} => [j|//]; cbv beta.
by case: (next_case j) => [[k ->]|->]; rewrite ?(nrowl, nrowr, vrow_atl, vrow_atr); close_token.
Qed."""


def _theorems(parts: PatternParts) -> list[str]:
    s = parts.s
    return [
        "\n(* the theorems *)",
        f"""Theorem {parts.module}_state L {s} :
  transformer run L (prompt {s}) = prompt (iterate step L {s}).
Proof using All. exact: (transformer_iterate layer_step). Qed.""",
        """
(* the same for layers, a prompt and a step that are these in other words *)
Lemma run_in_other_words run' (prompt' : state -> _) step' :
    (forall l Z, run' l Z = run l Z) -> (forall s, prompt' s = prompt s) ->
    (forall l s, step' l s = step l s) ->
  forall L s, transformer run' L (prompt' s) = prompt' (iterate step' L s).
Proof using All. exact: same_run layer_step. Qed.""",
    ]
