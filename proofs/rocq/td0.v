(******************************************************************************)
(* In-context TD(0).                                                          *)
(*                                                                            *)
(* The algorithm, with the notation of td_prompt.v:                           *)
(*        delta w j == r_j + gamma w.phi'_j - w.phi_j                         *)
(*         step l w == w + (1/n) C_l sum_j delta_j phi_j                      *)
(*    iterate L w   == L steps from w, step 0 first                           *)
(* The transformer, one head (`layerproof derive td0`):                       *)
(*    W, P, Q, M    == diag(0, 1), diag(0, 1), [-C_l^T C_l^T; 0 0] on the     *)
(*                     feature rows, and diag(I_n, 0)                         *)
(*         prompt w == [Phi q; gamma Phi' 0; delta w, -w.q]; at w = 0, where  *)
(*                     the paper starts, the last row is [r 0]                *)
(*                                                                            *)
(* Theorems: td0_prompt0 (the prompt at w = 0), td0_state (the whole of Z     *)
(* after L layers), td0_prediction, td0_residual, td0_features.               *)
(*                                                                            *)
(* Source: Wang, Blaser, Daneshmand, Zhang 2025, Transformers Can Learn       *)
(* Temporal Difference Methods for In-Context Reinforcement Learning (arXiv   *)
(* 2405.13861), Theorem 1.                                                    *)
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

Section TD0.
Variables (F : numFieldType) (d n : nat) (gamma : F).
Variables (Phi Phi' : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).
Variable C : nat -> 'M[F]_d.

Local Notation X := (td_features gamma Phi Phi' q).
Local Notation delta := (td_error gamma Phi Phi' r).

Definition step l (w : 'rV_d) : 'rV_d :=
  w + n%:R^-1 *: ((\sum_j delta w j *: (col j Phi)^T) *m (C l)^T).
Fixpoint iterate L w := if L is l.+1 then step l (iterate l w) else w.

Definition W (l : nat) (h : 'I_1) : 'M[F]_(d + d + 1) := block_mx 0 0 0 1%:M.
Definition P (l : nat) (h : 'I_1) : 'M[F]_(d + d + 1) := block_mx 0 0 0 1%:M.
Definition Q (l : nat) (h : 'I_1) : 'M[F]_(d + d + 1) :=
  block_mx (block_mx (- (C l)^T) (C l)^T
                     0           0      ) 0
           0                              0.
Definition M (l : nat) (h : 'I_1) : 'M[F]_(n + 1) := block_mx 1%:M 0 0 0.

Definition prompt w : 'M_(d + d + 1, n + 1) :=
  col_mx X (td_row gamma Phi Phi' r q w).

Lemma td0_prompt0 : prompt 0 = col_mx X (row_mx r 0).
Proof. by rewrite /prompt td_row0. Qed.

Local Notation transformer := (transformer n%:R^-1 W P Q M).

Theorem td0_state L w0 :
  transformer L (prompt w0) = prompt (iterate L w0).
Proof.
elim: L => [//|l IH] /=; rewrite IH; set w := iterate l w0.
rewrite layer_block big_ord1 !mul1mx context_keys2 mulmx1 -sum_transitions.
congr (col_mx _ _); rewrite -td_row_step; congr (_ + _ *m _).
by rewrite mul_row_block !mulmx0 !addr0 mulmxN scale_row_mx scalerN.
Qed.

Corollary td0_prediction L w0 :
  - transformer L (prompt w0) (rshift (d + d) 0) (rshift n 0)
  = (iterate L w0 *m q) 0 0.
Proof. by rewrite td0_state col_mxEd row_mxEr mxE opprK. Qed.

Corollary td0_residual L w0 j :
  transformer L (prompt w0) (rshift (d + d) 0) (lshift 1 j)
  = delta (iterate L w0) j.
Proof. by rewrite td0_state col_mxEd row_mxEl mxE. Qed.

Corollary td0_features L w0 :
  usubmx (transformer L (prompt w0)) = X.
Proof. by rewrite td0_state col_mxKu. Qed.

End TD0.
