"""The whole generated file: the loop, the prompt and the derived weights as a paper states them, then the proof."""

from __future__ import annotations

from . import loop as loops
from .columns import over_units
from .given import Weights
from .loop import kind_text, tuple_text
from .names import comment
from .parts import Parts, entry_names, first_weight, parts
from .terms import VECTOR, show

HEADER = """From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From LayerProof Require Import attention loop_masks loop_prompt.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory. Local Open Scope ring_scope."""


def theory_text(parts: Parts) -> str:
    """The generated file."""
    data, a = parts.data, parts.algorithm
    head = [
        f"(* {parts.title}: the loop as the update has it, the prompt, {parts.weights}; then the proof that L",
        "   layers are L iterates, for every d, n, L, preconditioner, parameter, prompt and start.",
        f"   Source: {comment(a.source)} *)",
        HEADER,
        "",
        "Section Algorithm.",
        *data.declarations,
        *data.lengths,
        *parts.assumed,
        f"Local Notation state := {data.state_type}.",
    ]
    body = [*_loop(parts), *_prompt(parts), *_weights(parts), *_closed(parts), *_step(parts), *_theorems(parts)]
    return "\n".join([*head, *body, "End Algorithm."]) + "\n"


def _loop(parts: Parts) -> list[str]:
    data, loop = parts.data, parts.loop
    return [
        "\n(* the loop *)",
        f"Definition body {data.layer_argument}{data.argument} (loop : {loop.type}) (j : 'I_{data.count}) "
        f": {loop.type} :=\n{data.open}"
        f"  let: {loop.pattern} := loop in\n{loop.body()}.",
        f"Definition step (l : nat) {data.argument} : state :=\n{data.open}"
        f"  let: {loop.pattern} := sweep (body{data.layer} {data.state}) {loop.start} in\n  {loop.new_weights()}.",
    ]


def _prompt(parts: Parts) -> list[str]:
    return [
        "\n(* the prompt: (context column j, query column) of every block and row *)",
        *(h.definition(kind_text(h.vector)) for h in parts.data.held),
        *parts.prompt.definitions(parts.data),
    ]


def _weights(parts: Parts) -> list[str]:
    t, separator = parts.tables, ";\n      "
    V, T, H = t.vectors, t.numbers, t.heads
    return [
        f"\n(* {parts.weights}{', with W P in the place of P' * bool(t.factors)} *)",
        *(f"Definition {name}{parts.mask_argument(name)} : 'M[F]_n := {text}." for name, text in parts.masks.items()),
        "Definition value_tables (l : nat) : seq (seq (seq F)) :=\n"
        f"  [:: {separator.join(t.dense(x, T) for x in t.U)}].",
        "Definition key_tables (l : nat) : seq (seq (seq 'M[F]_d)) :=\n"
        f"  [:: {separator.join(t.dense(x, V) for x in t.E)}].",
        "Definition number_tables (l : nat) : seq (seq (seq F)) :=\n"
        f"  [:: {separator.join(t.dense(x, T) for x in t.G)}].",
        f"Definition masks (l : nat) : seq 'M[F]_n := [:: {'; '.join(t.masks)}].",
        f"Definition W (l : nat) := @head_{'whole' if parts.given else 'output'} F d {V} {T} {H}.",
        f"Definition P l := @head_values F d {V} {T} {H} (value_tables l).",
        f"Definition Q l := @head_keys F d {V} {T} {H} (key_tables l) (number_tables l).",
        f"Definition M l := @head_mask F n {H} (masks l).",
    ]


def facts_of(parts: Parts, module: str = "") -> list[str]:
    """Facts u^-1 * u = 1 that the last step of a proof may need; module : the prefix of the theory's own lemmas."""
    return [*parts.facts, *(f"({module}inv_nat F {k - 1})" for k in parts.whole)]


def extra(parts: Parts, module: str = "") -> list[str]:
    """What closes a goal that ring does not: facts of what is not zero, and where sums are divided by, field.

    module : the prefix of the theory's own words
    """
    facts, ways = facts_of(parts, module), []
    if facts:
        names = " ".join(f"fact{i}" for i in range(len(facts)))
        given = " ".join(f"generalize {f};" for f in facts)
        # n is m + d there, and ring would take the sum apart
        length = " try (let x := fresh in set x := (n%:R : F); clearbody x);" if parts.data.held else ""
        ways.append(f"{given}\n  {module}name_inverses;{length} intros {names}; ring: {names}")
    if parts.by_layer:  # n may be zero, and what is divided by n stays so
        ways.append(f"timeout 60 (first [field; close_nonzero | {module}name_lengths; field; close_nonzero])")
    elif parts.nonzero.lemmas or parts.nonzero.hypotheses:
        ways.append("timeout 60 (field; close_nonzero)")
    elif parts.whole and not module:
        ways.append("close_field")
    return [f"Ltac {module}close_extra ::= first [{' | '.join(ways)}]."] if ways else []


def _closed(parts: Parts) -> list[str]:
    data, loop, closing = parts.data, parts.loop, parts.closing
    state, argument = f"{data.layer} {data.state}".strip(), f"{data.layer_argument}{data.argument}"
    lines = ["\n(* the loop in closed form, and what the masks gather of it *)", *extra(parts)]
    for name, (gain, text) in closing.gains.items():
        kind = loops.kind_text(loop.kinds[name] == VECTOR)
        lines.append(f"Definition {gain} {argument} (j : 'I_n) : {kind} :=\n  {text}.")
    values = tuple_text([closing.values[x] for x in loop.names])
    lines.append(f"Definition closed {argument} (k : nat) : {loop.type} :=\n  {values}.")
    taken = f"case: s => {data.destructing}; " if data.several else ""
    split = f"congr ({', '.join(['_'] * len(loop.names))}); " if len(loop.names) > 1 else ""
    unfold_gains = " ".join(f"/{gain}" for gain, _ in closing.gains.values())
    lines.append(f"""Lemma loop_closed {argument} : sweep (body {state}) {loop.start} = closed {state} {data.count}.
Proof.
apply: (sweep_ind (P := fun k loop => loop = closed {state} k)); rewrite /closed.
  by rewrite ?(tracev0, traces0, ptracev0, ptraces0, scaler0, mulr0, addr0).
move=> j loop ->; {taken}cbv beta iota zeta delta [body].
rewrite ?(tracevS, tracesS, tracev_delay, traces_delay).
rewrite ?(ptracevS, ptracesS, ptracev_delay, ptraces_delay); cbv beta.
{split}rewrite {unfold_gains}; name_traces; rewrite {_unfold(parts, True)}; close_any.
Qed.""")
    masks = " ".join(f"/{m}" for m in parts.masks)
    for name, (gain, _) in closing.gains.items():
        vector = loop.kinds[name] == VECTOR
        trace, gather = ("tracev", "gather") if vector else ("traces", "gathers")
        linear = "?(scalerDr, scaler_sumr)" if vector else "?(mulrDr, mulr_sumr)"
        shown, unit = loop.names[name], closing.units.get(name, "0")
        if data.held:
            lines.append(over_units(shown, data, f"{gain} {state}", unit, f"/{gain} {_unfold(parts, True)}"))
            lines.append(f"""Lemma columns_{shown} {argument} :
  \\sum_j {gain} {state} j = {closing.columns[name]}.
Proof.
rewrite {masks}.
rewrite ?({gather}D, {gather}_diagonal).
rewrite {linear} -?big_split; apply: eq_bigr => j _; rewrite /{gain} /=.
close_{"vector" if vector else "scalar"}.
Qed.
Lemma total_{shown} {argument} :
  {trace} 1 0 (fun j => {gain} {state} (lshift d j)) m = {closing.gathered[name]}.
Proof. by rewrite {trace}_sum sum_transitions columns_{shown} units_{shown}. Qed.""")
            continue
        lines.append(f"""Lemma total_{shown} {argument} :
  {trace} 1 0 ({gain} {state}) n = {closing.gathered[name]}.
Proof.
rewrite {trace}_sum {masks}.
rewrite ?({gather}D, {gather}Z, {gather}_diagonal, {gather}_below, {gather}_above, {gather}_pbelow, {gather}_pabove).
rewrite {linear} -?big_split; apply: eq_bigr => j _; rewrite /{gain} /=; name_traces.
close_{"vector" if vector else "scalar"}.
Qed.""")
    return lines


def _unfold(parts: Parts, columns: bool = False) -> str:
    """Rows and blocks by what they are; columns : and what these hold at a transition or at a unit column."""
    rows = [*parts.prompt.accumulators.values(), *parts.prompt.blocks.values()]
    held = parts.data.held if columns else ()
    words = [*(f"/{r.name}" for r in rows), *(f"/{h.name}" for h in held)]
    return " ".join([*words, "?(with_units_l, with_units_r)"] if held else words)


def _step(parts: Parts) -> list[str]:
    data, loop, t = parts.data, parts.loop, parts.tables
    state, argument = data.state, data.argument
    gathered = {
        id(value): f"({parts.closing.gathered[name]})" if name in parts.closing.gathered
        else f"({parts.closing.values[name].removesuffix(' k')} {data.count})"
        for name, value in loop.last.items()
    }  # fmt: skip
    new = tuple_text([show(v, gathered) for v in loop.finish])
    totals = ", ".join(f"total_{loop.names[name]}" for name in parts.closing.gains)
    opened = data.open.strip() + " " if data.several else ""
    taken = f"case: s => {data.destructing}; " if data.several else ""
    V, T, H = t.vectors, t.numbers, t.heads
    separator = ";\n      "
    ordinals = "[" + "[|" * (T - 1) + "[|//]" + "]" * (T - 1) + " ?]"
    pattern = data.destructing
    sizes_by_case = f"; first by move: s => {pattern}" if data.several else ""
    counts = [
        f"Lemma ones_{k} : gathers {parts.prompt.ones[r].name} mask_M0 {parts.prompt.ones[x].name} = n%:R.\n"
        "Proof. exact: gathers_ones. Qed."
        for k, (r, x) in enumerate(parts.counted)
    ]
    count = f" rewrite ?({', '.join(f'ones_{k}' for k in range(len(counts)))});" if counts else ""
    if parts.apart:
        count += f" rewrite {' '.join(f'/{m}' for m in parts.masks)} ?(gatherD, gathersD, gatherZ, gathersZ);"
    if parts.tabled:
        count += f" rewrite ?({', '.join(x.lemma for x in parts.tabled)});"
    sparse = "layer_sparse_whole" if parts.given else "layer_sparse"
    return [
        *counts,
        f"""Lemma step_gathered l {argument} :
  step l {state} = {opened}{new}.
Proof. {taken}by rewrite /step loop_closed /closed ?({totals}). Qed.""",
        "\n(* one layer is one step; first the same weights with their zeros left out *)",
        f"Definition sparse_values (l : nat) : seq (seq (seq (option F))) :=\n"
        f"  [:: {separator.join(t.sparse(x, T) for x in t.U)}].",
        f"Definition sparse_keys (l : nat) : seq (seq (seq (option 'M[F]_d))) :=\n"
        f"  [:: {separator.join(t.sparse(x, V) for x in t.E)}].",
        f"Definition sparse_numbers (l : nat) : seq (seq (seq (option F))) :=\n"
        f"  [:: {separator.join(t.sparse(x, T) for x in t.G)}].",
        f"""Lemma layer_step l {argument} :
  layer n%:R^-1 (W l) (P l) (Q l) (M l) (prompt {state}) = prompt (step l {state}).
Proof.
rewrite step_gathered.
apply: etrans (@{sparse} F n d _ features (rows {state}) {V} {T} {H} (sparse_values l)
  (sparse_keys l) (sparse_numbers l) (masks l) _ _ _ _ _ _) _; rewrite /rows //{sizes_by_case}.
move: {state} => {pattern}; apply: eq_prompt => [t j|t]; case: t => {ordinals};
  rewrite /features /rows /sparse_values /sparse_keys /sparse_numbers /masks /=;
  unfold_change;{count} name_gathers; rewrite {_unfold(parts)}; close_scalar.
Qed.""",
    ]


def _theorems(parts: Parts) -> list[str]:
    data, t = parts.data, parts.tables
    state, argument = data.state, data.argument
    readout = parts.derivation.readout
    sign = "- " if readout.sign < 0 else ""
    row = f"(rshift _ (@Ordinal {t.numbers} {parts.prompt.number_index[readout.row]} isT))"
    run = f"transformer L (prompt {state})"
    iterates = f"(iterate step L {state})"
    proof = "Proof using All."
    lines = [
        "\n(* the theorems *)",
        "Local Notation transformer := (transformer n%:R^-1 W P Q M).",
        f"""Theorem {parts.theorem("state")} L {argument} :
  {run} = prompt {iterates}.
{proof} exact: (transformer_loop layer_step). Qed.""",
        f"""Lemma read_prediction {argument} :
  {sign}prompt {state} {row} (rshift n 0) = dot {first_weight(parts, state)} q.
{proof} move: {state} => {data.destructing}; rewrite read_query /=; close_scalar. Qed.""",
        f"""Theorem {parts.theorem("prediction")} L {argument} :
  {sign}{run} {row} (rshift n 0) = dot {first_weight(parts, iterates)} q.
{proof} by rewrite {parts.theorem("state")}; apply: read_prediction. Qed.""",
        f"""Theorem {parts.theorem("features")} L {argument} :
  usubmx ({run}) = feature_rows {t.vectors} features.
{proof} by rewrite {parts.theorem("state")} read_features. Qed.""",
    ]
    for name, entry in entry_names(parts).items():
        at = f"(rshift _ (@Ordinal {t.numbers} {parts.prompt.number_index[name]} isT))"
        value = parts.prompt.accumulators[name].name
        lines.append(f"""Theorem {parts.theorem(entry)} L {argument} j :
  {run} {at} (lshift 1 j) = {value} {iterates} j.
{proof}
rewrite {parts.theorem("state")}; move: {iterates} => {data.destructing if data.several else "{}" + state}.
by rewrite read_context.
Qed.""")
    lines.append(f"""
(* the same for heads, a prompt and a step that are these in other words *)
Lemma run_in_other_words W' P' Q' M' (prompt' : state -> _) step' :
    (forall l h, W' l h *m P' l h = W l h *m P l h) ->
    (forall l h, Q' l h = Q l h) -> (forall l h, M' l h = M l h) ->
    (forall s, prompt' s = prompt s) -> (forall l s, step' l s = step l s) ->
  forall L s, attention.transformer n%:R^-1 W' P' Q' M' L (prompt' s) = prompt' (iterate step' L s).
{proof} exact: run_like layer_step. Qed.""")
    return lines


def generated(derivation: Weights, reserved: tuple[str, ...] = ()) -> tuple[Parts, str]:
    """The parts of a derivation's file, and the file."""
    named = parts(derivation, reserved)
    return named, theory_text(named)
