(******************************************************************************)
(* The general construction: several accumulator rows, weight vectors, heads. *)
(*                                                                            *)
(* Prompt [X; Y]: p feature rows X and K accumulator rows Y over N tokens.    *)
(* The S weight vectors are the rows of w : 'M_(S, d).                        *)
(*   F t, D t == term t < T of the embedding of w in the accumulator rows     *)
(*      emb w == \sum_t F t *m w *m D t : 'M_(K, p); every linear map from    *)
(*               'M_(S, d) has this form                                      *)
(*     rows w == b + emb w *m X, what the accumulator rows hold at weights w  *)
(*   step l w == w + a sum_h G_h (rows w) M_h (B_h X)^T C_h^T: weight vector s*)
(*               moves by combination (row s of G_h) of the accumulator rows, *)
(*               mixed over tokens by the mask M_h, times the features B_h X, *)
(*               preconditioned by C_h                                        *)
(*  iterate L w == L steps from w, step 0 first                               *)
(* The transformer has a head for every pair (h, t), numbered by 'I_HT:       *)
(*   W = diag(0, I), P = diag(0, F_t G_h), Q = diag(B_h^T C_h^T D_t, 0) and   *)
(*   the mask M_h.                                                            *)
(*                                                                            *)
(* Theorems                                                                   *)
(*    master_state : [X; rows w0] goes to [X; rows (iterate L w0)]            *)
(* master_features : the feature rows stay X                                  *)
(* master_residual : accumulator row k at token j holds rows w_L at k, j      *)
(*  master_readout : a row that embeds one weight vector alone predicts it    *)
(*                                                                            *)
(* Sources: one row, one weight vector, one head: Wang, Blaser, Daneshmand,   *)
(* Zhang 2025 (arXiv 2405.13861), Theorem 1. The general form is ours.        *)
(* Assumptions: a commutative ring, any scalar a, any w0, any masks; G, B, C, *)
(* M may change with the layer, F and D may not.                              *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg zmodp matrix.
From LayerProof Require Import attention.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Master.
Variables (R : comRingType) (p K N d S H T : nat) (a : R).
Variables (F : 'I_T -> 'M[R]_(K, S)) (D : 'I_T -> 'M[R]_(d, p)).
Variables (G : nat -> 'I_H -> 'M[R]_(S, K)) (B : nat -> 'I_H -> 'M[R]_(d, p)).
Variables (C : nat -> 'I_H -> 'M[R]_d) (M : nat -> 'I_H -> 'M[R]_N).
Variables (X : 'M[R]_(p, N)) (b : 'M[R]_(K, N)).
Implicit Types w : 'M[R]_(S, d).

Definition emb w : 'M_(K, p) := \sum_t F t *m w *m D t.
Definition rows w : 'M_(K, N) := b + emb w *m X.
Definition step l w :=
  w + a *: \sum_h G l h *m rows w *m M l h *m (B l h *m X)^T *m (C l h)^T.
Fixpoint iterate L w := if L is l.+1 then step l (iterate l w) else w.

Local Notation HT := #|{: 'I_H * 'I_T}|.
Definition head_of (i : 'I_HT) : 'I_H := (enum_val i).1.
Definition term_of (i : 'I_HT) : 'I_T := (enum_val i).2.
Definition W (l : nat) (i : 'I_HT) : 'M[R]_(p + K) := block_mx 0 0 0 1%:M.
Definition P l i : 'M[R]_(p + K) :=
  block_mx 0 0 0 (F (term_of i) *m G l (head_of i)).
Definition Q l i : 'M[R]_(p + K) :=
  block_mx ((B l (head_of i))^T *m (C l (head_of i))^T *m D (term_of i)) 0 0 0.
Definition Mask l i : 'M[R]_N := M l (head_of i).

Lemma embD u v : emb (u + v) = emb u + emb v.
Proof.
by rewrite /emb -big_split; apply: eq_bigr => t _; rewrite mulmxDr mulmxDl.
Qed.

Lemma layer_step l w :
  layer a (W l) (P l) (Q l) (Mask l) (col_mx X (rows w))
  = col_mx X (rows (step l w)).
Proof.
rewrite layer_block; congr (col_mx _ _).
rewrite [in RHS]/rows /step embD mulmxDl addrA -/(rows w); congr (_ + _ *m _).
rewrite /emb; under [RHS]eq_bigr do rewrite -scalemxAr -scalemxAl.
rewrite -scaler_sumr; congr (_ *: _).
under [RHS]eq_bigr do rewrite mulmx_sumr mulmx_suml.
rewrite exchange_big pair_big /= (big_enum_val (fun i : 'I_H * 'I_T =>
  F i.2 *m (G l i.1 *m rows w *m M l i.1 *m (B l i.1 *m X)^T *m (C l i.1)^T)
    *m D i.2)) /=.
by apply: eq_bigr => i _; rewrite trmx_mul mul1mx !mulmxA.
Qed.

Theorem master_state L w :
  transformer a W P Q Mask L (col_mx X (rows w))
  = col_mx X (rows (iterate L w)).
Proof. by elim: L => [//|L IH] /=; rewrite IH layer_step. Qed.

Corollary master_features L w :
  usubmx (transformer a W P Q Mask L (col_mx X (rows w))) = X.
Proof. by rewrite master_state col_mxKu. Qed.

Corollary master_residual L w k j :
  transformer a W P Q Mask L (col_mx X (rows w)) (rshift p k) j
  = rows (iterate L w) k j.
Proof. by rewrite master_state col_mxEd. Qed.

(* Row k has nothing but weight vector s, with coefficients c, at token j.    *)
Corollary master_readout L w k s j (c : 'I_T -> R) :
    b k j = 0 -> (forall t, row k (F t) = c t *: delta_mx 0 s) ->
  transformer a W P Q Mask L (col_mx X (rows w)) (rshift p k) j
  = (row s (iterate L w) *m ((\sum_t c t *: D t) *m col j X)) 0 0.
Proof.
move=> b0 Fk; rewrite master_residual mxE b0 add0r.
have -> : row s (iterate L w) *m ((\sum_t c t *: D t) *m col j X)
  = row k (emb (iterate L w)) *m col j X.
  rewrite mulmxA; congr (_ *m _); rewrite /emb mulmx_sumr raddf_sum.
  apply: eq_bigr => t _; rewrite /= !row_mul Fk -!scalemxAl -rowE.
  by rewrite -scalemxAr.
by rewrite !mxE; apply: eq_bigr => i _; rewrite !mxE.
Qed.

End Master.
