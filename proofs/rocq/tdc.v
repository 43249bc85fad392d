(******************************************************************************)
(* In-context TDC, TD with gradient correction: two vectors, three heads.     *)
(*                                                                            *)
(* The algorithm, with the notation of td_prompt.v; a state is a pair         *)
(* s = (w, v) of weight vectors (theta and w in the paper):                   *)
(*      delta w j   == r_j + gamma w.phi'_j - w.phi_j                         *)
(*       step l s   == (w + (1/n) C_l sum_j (delta_j phi_j                    *)
(*                                        - (v.phi_j) gamma phi'_j),          *)
(*                      v + (1/n) D_l sum_j (delta_j - v.phi_j) phi_j)        *)
(*                     the paper's steps are C_l = alpha I, D_l = beta I      *)
(*    iterate L s   == L steps from s, step 0 first                           *)
(* The transformer, three heads (`layerproof derive tdc`):                    *)
(*    W, M          == diag(0, I_2), diag(I_n, 0) in every head               *)
(*    head 1: P, Q  == diag(0, [1 0; 0 0]), [-C_l^T C_l^T; 0 0]               *)
(*    head 2: P, Q  == diag(0, [0 1; 0 0]), [0 0; C_l^T -C_l^T]               *)
(*    head 3: P, Q  == diag(0, [0 0; 1 -1]), [D_l^T 0; 0 0]                   *)
(*                     with Q on the feature rows                             *)
(*         prompt s == [Phi q; gamma Phi' 0; delta w, -w.q; v.phi_j, v.q]; at *)
(*                     (0, 0) the last rows are [r 0] and zero                *)
(*                                                                            *)
(* Theorems: tdc_prompt0 (the prompt at (0, 0)), tdc_state (the whole of Z    *)
(* after L layers), tdc_prediction, tdc_residual and tdc_correction (the two  *)
(* accumulator rows), tdc_features.                                           *)
(*                                                                            *)
(* Source: Sutton, Maei, Precup, Bhatnagar, Silver, Szepesvari, Wiewiora      *)
(* 2009, Fast gradient-descent methods for temporal-difference learning with  *)
(* linear function approximation, eq. 10.                                     *)
(* Assumptions: a numFieldType (the rationals, the reals, the complex         *)
(* numbers, ...); any d, n, L, features, rewards, query, C_l, D_l, start s0.  *)
(* At n = 0 both sides read 1/n as 0.                                         *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg ssrnum zmodp matrix.
From LayerProof Require Import attention td_prompt.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section TDC.
Variables (F : numFieldType) (d n : nat) (gamma : F).
Variables (Phi Phi' : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).
Variables C D : nat -> 'M[F]_d.
Implicit Type s : 'rV[F]_d * 'rV[F]_d.

Local Notation X := (td_features gamma Phi Phi' q).
Local Notation delta := (td_error gamma Phi Phi' r).

Definition step l s : 'rV_d * 'rV_d :=
  let: (w, v) := s in
  (w + n%:R^-1 *:
     ((\sum_j (delta w j *: (col j Phi)^T
               - (v *m col j Phi) 0 0 *: (gamma *: col j Phi')^T))
      *m (C l)^T),
   v + n%:R^-1 *:
     ((\sum_j (delta w j - (v *m col j Phi) 0 0) *: (col j Phi)^T)
      *m (D l)^T)).
Fixpoint iterate L s := if L is l.+1 then step l (iterate l s) else s.

Definition W (l : nat) (h : 'I_3) : 'M[F]_(d + d + (1 + 1)) :=
  block_mx 0 0 0 1%:M.
Definition P (l : nat) (h : 'I_3) : 'M[F]_(d + d + (1 + 1)) :=
  block_mx 0 0 0 [:: block_mx 1%:M 0
                              0    0;
                     block_mx 0 1%:M
                              0 0;
                     block_mx 0    0
                              1%:M (- 1%:M)]`_h.
Definition Q (l : nat) (h : 'I_3) : 'M[F]_(d + d + (1 + 1)) :=
  block_mx [:: block_mx (- (C l)^T) (C l)^T
                        0           0;
               block_mx 0       0
                        (C l)^T (- (C l)^T);
               block_mx (D l)^T 0
                        0       0]`_h
           0 0 0.
Definition M (l : nat) (h : 'I_3) : 'M[F]_(n + 1) := block_mx 1%:M 0 0 0.

Definition prompt s : 'M_(d + d + (1 + 1), n + 1) :=
  col_mx X (col_mx (td_row gamma Phi Phi' r q s.1) (value_row Phi q s.2)).

Lemma tdc_prompt0 : prompt (0, 0) = col_mx X (block_mx r 0 0 0).
Proof. by rewrite /prompt td_row0 value_row0. Qed.

Local Notation transformer := (transformer n%:R^-1 W P Q M).

Theorem tdc_state L s0 : transformer L (prompt s0) = prompt (iterate L s0).
Proof.
elim: L => [//|l IH] /=; rewrite IH; case: (iterate l s0) => w v.
rewrite layer_block !big_ord_recl big_ord0 addr0 /= !mul1mx.
rewrite !mul_block_col !mul0mx !mul1mx !addr0 !add0r mulNmx mul1mx.
rewrite !mul_col_mx !mul0mx !add_col_mx !addr0 !add0r.
rewrite scale_col_mx mul_col_mx add_col_mx; congr (col_mx _ (col_mx _ _)).
  rewrite !context_keys2 !mulmx1 -td_row_step; congr (_ + _ *m _).
  rewrite !mul_row_block !mulmx0 !addr0 !add0r !mulmxN add_row_mx scale_row_mx.
  have -> : \sum_j (delta w j *: (col j Phi)^T
                    - (v *m col j Phi) 0 0 *: (gamma *: col j Phi')^T)
    = (\row_j delta w j) *m Phi^T
      - (\row_j (v *m col j Phi) 0 0) *m (gamma *: Phi')^T.
    rewrite sumrB -!sum_transitions; congr (_ - _).
    by apply: eq_bigr => j _; rewrite [in RHS]linearZ.
  by rewrite mulmxBl; congr (row_mx _ _); rewrite -scalerN opprB addrC.
rewrite td_row_sub context_keys2 mulmx1 -(value_row_step gamma Phi Phi').
congr (_ + _ *m _).
by rewrite mul_row_block !mulmx0 !addr0 scale_row_mx scaler0 sum_transitions.
Qed.

Corollary tdc_prediction L s0 :
  - transformer L (prompt s0) (rshift (d + d) (lshift 1 0)) (rshift n 0)
  = ((iterate L s0).1 *m q) 0 0.
Proof. by rewrite tdc_state col_mxEd col_mxEu row_mxEr mxE opprK. Qed.

Corollary tdc_residual L s0 j :
  transformer L (prompt s0) (rshift (d + d) (lshift 1 0)) (lshift 1 j)
  = delta (iterate L s0).1 j.
Proof. by rewrite tdc_state col_mxEd col_mxEu row_mxEl mxE. Qed.

Corollary tdc_correction L s0 j :
  transformer L (prompt s0) (rshift (d + d) (rshift 1 0)) (lshift 1 j)
  = ((iterate L s0).2 *m col j Phi) 0 0.
Proof. by rewrite tdc_state !col_mxEd row_mxEl mxE. Qed.

Corollary tdc_features L s0 : usubmx (transformer L (prompt s0)) = X.
Proof. by rewrite tdc_state col_mxKu. Qed.

End TDC.
