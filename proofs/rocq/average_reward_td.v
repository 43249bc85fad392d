(******************************************************************************)
(* In-context average-reward TD, two heads and a prompt with an extra row.    *)
(*                                                                            *)
(* The algorithm, for r_j, phi_j, phi'_j (columns of r, Phi, Phi'):           *)
(*           mean j == rbar_j, the mean of r_1, ..., r_j                      *)
(*        delta w j == r_j - rbar_j + w.phi'_j - w.phi_j                      *)
(*         step l w == w + (1/n) C_l sum_j delta_j phi_j                      *)
(*    iterate L w   == L steps from w, step 0 first                           *)
(* The transformer (`layerproof derive average-reward-td`):                   *)
(*      centre_mask == 1 - 1/j on the diagonal, -1/j for i < j, 0 for j < i   *)
(*    W, Q          == diag(0, I_2) and [-C_l^T C_l^T; 0 0] on the feature    *)
(*                     rows, both heads                                       *)
(*    P, M          == diag(0, [0 0; 0 1]), diag(I_n, 0) in head 1,           *)
(*                     diag(0, [0 0; 1 0]), diag(centre_mask, 0) in head 2;   *)
(*                     the paper moves the reward row by W instead, but a     *)
(*                     layer sees W and P only through their product          *)
(*         prompt w == [Phi q; Phi' 0; r 0; w.phi'_j - w.phi_j, -w.q]; at     *)
(*                     w = 0, where the paper starts, the last row is zero    *)
(*                                                                            *)
(* Theorems: average_reward_td_prompt0 (the prompt at w = 0),                 *)
(* average_reward_td_state (the whole of Z after L layers),                   *)
(* average_reward_td_prediction, average_reward_td_reward and                 *)
(* average_reward_td_difference (the two accumulator rows),                   *)
(* average_reward_td_residual (their sum less rbar_j is delta_j),             *)
(* average_reward_td_features, and mean_mask: the mask subtracts the running  *)
(* mean, for every n. Column j : 'I_n is the paper's j + 1.                   *)
(*                                                                            *)
(* Sources: Tsitsiklis and Van Roy 1999, Average cost temporal-difference     *)
(* learning; in context: Wang, Blaser, Daneshmand, Zhang 2025 (arXiv          *)
(* 2405.13861), average-reward section.                                       *)
(* Assumptions: a numFieldType (the rationals, the reals, the complex         *)
(* numbers, ...); any d, n, L, features, rewards, query, C_l, start w0. At n  *)
(* = 0 both sides read 1/n as 0.                                              *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg ssrnum zmodp matrix.
From LayerProof Require Import attention td_prompt.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section AverageRewardTD.
Variables (F : numFieldType) (d n : nat).
Variables (Phi Phi' : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).
Variable C : nat -> 'M[F]_d.

Definition mean (j : 'I_n) : F :=
  j.+1%:R^-1 * \sum_(i < n | (i <= j)%N) r 0 i.
Definition difference (w : 'rV_d) (j : 'I_n) : F :=
  (w *m col j Phi') 0 0 - (w *m col j Phi) 0 0.
Definition delta (w : 'rV_d) (j : 'I_n) : F :=
  r 0 j - mean j + (w *m col j Phi') 0 0 - (w *m col j Phi) 0 0.
Definition step l (w : 'rV_d) : 'rV_d :=
  w + n%:R^-1 *: ((\sum_j delta w j *: (col j Phi)^T) *m (C l)^T).
Fixpoint iterate L w := if L is l.+1 then step l (iterate l w) else w.

Definition W (l : nat) (h : 'I_2) : 'M[F]_(d + d + (1 + 1)) :=
  block_mx 0 0 0 1%:M.
Definition P (l : nat) (h : 'I_2) : 'M[F]_(d + d + (1 + 1)) :=
  block_mx 0 0 0 [:: block_mx 0 0
                              0 1%:M;
                     block_mx 0    0
                              1%:M 0]`_h.
Definition Q (l : nat) (h : 'I_2) : 'M[F]_(d + d + (1 + 1)) :=
  block_mx (block_mx (- (C l)^T) (C l)^T
                     0           0      ) 0
           0                              0.
Definition centre_mask : 'M[F]_n := \matrix_(i, j)
  if i == j then 1 - j.+1%:R^-1 else if (i < j)%N then - j.+1%:R^-1 else 0.
Definition M (l : nat) (h : 'I_2) : 'M[F]_(n + 1) :=
  block_mx [:: 1%:M; centre_mask]`_h 0 0 0.

Definition X : 'M_(d + d, n + 1) := block_mx Phi  q
                                             Phi' 0.
Definition prompt (w : 'rV_d) : 'M_(d + d + (1 + 1), n + 1) :=
  col_mx X (block_mx r                        0
                     (\row_j difference w j) (- (w *m q))).

Lemma mean_mask j : (r *m centre_mask) 0 j = r 0 j - mean j.
Proof.
rewrite mxE /mean mulr_sumr [in RHS]big_mkcond (bigD1 j) //=.
rewrite [in RHS](bigD1 j) //=.
rewrite leqnn mxE eqxx mulrBr mulr1 opprD addrA [r 0 j * _]mulrC.
congr (_ + _); rewrite -sumrN; apply: eq_bigr => i ne_ij.
rewrite mxE (negbTE ne_ij) ltn_neqAle val_eqE ne_ij /=.
by case: ifP => _; rewrite ?mulr0 ?oppr0 // mulrN mulrC.
Qed.

Lemma differenceE w : \row_j difference w j = w *m (Phi' - Phi).
Proof.
by apply/rowP=> j; rewrite mxE /difference !colE !mulmxA -!colE mulmxBr !mxE.
Qed.

Lemma average_reward_td_prompt0 : prompt 0 = col_mx X (block_mx r 0 0 0).
Proof. by rewrite /prompt differenceE !mul0mx oppr0. Qed.

Lemma delta_row w :
  \row_j delta w j = \row_j difference w j + r *m centre_mask.
Proof.
by apply/rowP=> j; rewrite [in RHS]mxE mean_mask !mxE addrC /delta addrA.
Qed.

Local Notation transformer := (transformer n%:R^-1 W P Q M).

Theorem average_reward_td_state L w0 :
  transformer L (prompt w0) = prompt (iterate L w0).
Proof.
elim: L => [//|l IH] /=; rewrite IH; set w := iterate l w0.
rewrite layer_block big_ord_recl big_ord1 /= !mul1mx.
rewrite (block_mxEh r) !mul_mx_row !mul_block_col !mul0mx !mul1mx !addr0 !add0r.
rewrite !context_keys2 mulmx1 !mul_row_block !mulmx0 !addr0 !mulmxN !mul_col_mx.
rewrite /= !mul0mx add_row_mx -opprD add_col_mx addr0 -!mulmxDl -delta_row.
rewrite -sum_transitions scale_row_mx scalerN scale_col_mx scaler0.
congr (col_mx _ _); set u := n%:R^-1 *: _.
rewrite mul_row_block mulmx0 addr0 !mulNmx !mul_col_mx !mul0mx !opp_col_mx.
rewrite oppr0 add_col_mx addr0 add_row_mx !add_col_mx !addr0 -block_mxEh.
rewrite !differenceE.
congr block_mx; [by rewrite subr0 | | by rewrite -opprD -mulmxDl].
by rewrite [- _ + _]addrC -mulmxBr -mulmxDl.
Qed.

Corollary average_reward_td_prediction L w0 :
  - transformer L (prompt w0) (rshift (d + d) (rshift 1 0)) (rshift n 0)
  = (iterate L w0 *m q) 0 0.
Proof. by rewrite average_reward_td_state col_mxEd block_mxEdr mxE opprK. Qed.

Corollary average_reward_td_reward L w0 j :
  transformer L (prompt w0) (rshift (d + d) (lshift 1 0)) (lshift 1 j) = r 0 j.
Proof. by rewrite average_reward_td_state col_mxEd block_mxEul. Qed.

Corollary average_reward_td_difference L w0 j :
  transformer L (prompt w0) (rshift (d + d) (rshift 1 0)) (lshift 1 j)
  = difference (iterate L w0) j.
Proof. by rewrite average_reward_td_state col_mxEd block_mxEdl mxE. Qed.

Corollary average_reward_td_residual L w0 j :
  let Z := transformer L (prompt w0) in
  Z (rshift (d + d) (lshift 1 0)) (lshift 1 j) - mean j
    + Z (rshift (d + d) (rshift 1 0)) (lshift 1 j)
  = delta (iterate L w0) j.
Proof.
rewrite /= average_reward_td_reward average_reward_td_difference.
by rewrite /difference /delta !addrA.
Qed.

Corollary average_reward_td_features L w0 :
  usubmx (transformer L (prompt w0)) = X.
Proof. by rewrite average_reward_td_state col_mxKu. Qed.

End AverageRewardTD.
