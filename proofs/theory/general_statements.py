"""The general theorems, each with its whole Rocq statement: about every algorithm, or about none."""

from __future__ import annotations

from .invariance_statements import INVARIANCE
from .theorem import general

_HEADS = "(W P Q : nat -> 'I_H -> 'M[F]_m) (M : nat -> 'I_H -> 'M[F]_N) (L : nat)"
_OUTPUT = "negative.read_out u v (transformer a W P Q M L (negative.at_t Z t))"

GENERAL = (
    general(
        "layer_sumE",
        "attention",
        "a layer with its heads concatenated is Z + a sum_h W_h P_h Z M_h (Z^T Q_h Z)",
        """forall (R : comRingType) (m N H : nat) (a : R) (W P Q : 'I_H -> 'M[R]_m) (M : 'I_H -> 'M[R]_N)
        (Z : 'M[R]_(m, N)),
        layer a W P Q M Z = Z + a *: \\sum_h W h *m (P h *m Z *m M h *m (Z^T *m Q h *m Z))""",
    ),
    general(
        "master_state",
        "master",
        "any update w += a sum_h G_h Y M_h (B_h X)^T C_h^T of S weight vectors is exact at every layer, any masks",
        """forall (R : comRingType) (p K N d S H T : nat) (a : R) (F : 'I_T -> 'M[R]_(K, S)) (D : 'I_T -> 'M[R]_(d, p))
        (G : nat -> 'I_H -> 'M[R]_(S, K)) (B : nat -> 'I_H -> 'M[R]_(d, p)) (C : nat -> 'I_H -> 'M[R]_d)
        (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (b : 'M[R]_(K, N)) (L : nat) (w : 'M[R]_(S, d)),
        transformer a (@master.W R p K H T) (master.P p F G) (master.Q K D B C) (@master.Mask R N H T M) L
        (col_mx X (master.rows F D X b w)) = col_mx X (master.rows F D X b (master.iterate a F D G B C M X b L w))""",
    ),
    general(
        "one_layer_unique_all",
        "unique",
        "one layer that is right for every prompt has the derived weights, up to one scale, when E has rank at least 2",
        """forall (F : numFieldType) (p n : nat) (a : F), a != 0 -> forall (E : 'M[F]_p) (q : 'cV[F]_(p + 1)),
        (1 < \\rank E)%N -> forall P Q : 'M[F]_(p + 1),
        unique.right_row n a E q P Q /\\ unique.right_features n a q P Q <->
        (exists2 eta : F, eta != 0 & P = block_mx 0 0 0 eta%:M /\\ Q = eta^-1 *: block_mx E 0 0 0)""",
    ),
    general(
        "const_head",
        "constant_row",
        "a constant feature row turns a head into a token-wise linear map of the accumulator rows",
        """forall (R : comRingType) (p K : nat) (c : 'rV[R]_p) (N : nat) (u : 'cV[R]_K) (v : 'rV[R]_K) (M : 'M[R]_N)
        (X : 'M[R]_(p, N)) (Y : 'M[R]_(K, N)),
        attn (constant_row.const_P c u) M (constant_row.const_Q c v) (col_mx X Y) =
        col_mx 0 ((c *m X *m M *m (c *m X)^T) 0 0 *: (u *m v *m Y))""",
    ),
    general(
        "tf_odd",
        "negative",
        "the transformer is odd in its prompt, whatever its weights",
        """forall (R : comRingType) (m N H : nat) (a : R) (W P Q : nat -> 'I_H -> 'M[R]_m)
        (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (Z : 'M[R]_(m, N)),
        transformer a W P Q M L (- Z) = - transformer a W P Q M L Z""",
    ),
    general(
        "tf_line",
        "negative",
        "every entry of the output is a polynomial along every line of prompts",
        """forall (R : comRingType) (m N H : nat) (a : R) (W P Q : nat -> 'I_H -> 'M[R]_m)
        (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (Z0 Z1 : 'M[R]_(m, N)) (i : 'I_m) (j : 'I_N),
        exists p : {poly R}, forall t : R, transformer a W P Q M L (Z0 + t *: Z1) i j = p.[t]""",
    ),
    general(
        "no_max",
        "negative",
        "no read-out of any depth and any heads is a maximum of an entry of the prompt with zero",
        f"""forall (F : realFieldType) (m N H : nat) (a : F) {_HEADS} (Z : 'M[{{poly F}}]_(m, N)) (u : 'rV[F]_m)
        (v : 'cV[F]_N), ~ (forall t : F, {_OUTPUT} = Num.max t 0)""",
    ),
    general(
        "no_q_learning",
        "negative",
        "no weights, heads or masks run Q-learning for two or more iterations on a one-transition prompt",
        f"""forall (F : realFieldType) (m N H : nat) (a : F) {_HEADS} (Z : 'M[{{poly F}}]_(m, N)) (u : 'rV[F]_m)
        (v : 'cV[F]_N) (l : nat), (1 < l)%N -> ~ (forall t : F, {_OUTPUT} = negative.q_value t l)""",
    ),
    general(
        "sum_error",
        "sum_error",
        "any tree of n rounded additions errs by at most ((1+u)^n - 1) sum |x|",
        """forall (R : realFieldType) (u : R) (t : sum_error.tree R) (n : nat), 0 <= u -> sum_error.ok u 0 t ->
        all (@sum_error.is_leaf R) (sum_error.terms t) -> size (sum_error.terms t) = n ->
        `|sum_error.computed t - sum_error.exact t| <=
        ((1 + u) ^+ n - 1) * (\\sum_(s <- sum_error.terms t) `|sum_error.exact s|)""",
    ),
    general(
        "float_error",
        "sum_error",
        "any tree of rounded sums and products is within the bound that `float` evidence uses, underflow included",
        """forall (R : realFieldType) (u eta : R), 0 <= u -> 0 <= eta -> forall t : sum_error.tree R,
        sum_error.ok u eta t -> `|sum_error.computed t - sum_error.exact t| <=
        sum_error.growth u (sum_error.roundings t) * sum_error.magnitude t +
        (1 + u) ^+ sum_error.roundings t * sum_error.growth eta (sum_error.losses t) * sum_error.magnitude1 t""",
    ),
    general(
        "error_propagation",
        "error_propagation",
        "one-step errors of a run are carried to the end by the later layers' linear maps, and add up",
        """forall (V : zmodType) (A : nat -> {additive V -> V}) (b y yh d : nat -> V), yh 0%N = y 0%N ->
        (forall l, y l.+1 = A l (y l) + b l) -> (forall l, yh l.+1 = A l (yh l) + b l + d l) ->
        forall L, yh L - y L = \\sum_(l < L) error_propagation.carry A l.+1 (L - l.+1) (d l)""",
    ),
    general(
        "attention_error",
        "error_propagation",
        "in the layers of a transformer too: several accumulator rows, heads and masks, other weights at every layer",
        """forall (p K N H : nat) (R : comRingType) (a : R) (V S0 : nat -> 'I_H -> 'M[R]_K) (E : nat -> 'I_H -> 'M[R]_p)
        (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (Zh : nat -> 'M[R]_(p + K, N)) (L : nat),
        (forall l : nat, (l <= L)%N -> usubmx (Zh l) = X) ->
        dsubmx (Zh L) - dsubmx (transformer a (error_propagation.on_rows p V) (error_propagation.on_rows p S0)
        (error_propagation.on_features K E) M L (Zh 0%N)) =
        \\sum_(l < L) error_propagation.carry (error_propagation.row_layer_additive a V S0 E M X) l.+1 (L - l.+1)
        (dsubmx (Zh l.+1 - layer a (error_propagation.on_rows p V l) (error_propagation.on_rows p S0 l)
        (error_propagation.on_features K E l) (M l) (Zh l)))""",
    ),
    *INVARIANCE,
)
"""Theorems about no one algorithm."""
