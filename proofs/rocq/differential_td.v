(******************************************************************************)
(* In-context differential TD: average-reward TD with a learned reward rate.  *)
(*                                                                            *)
(* The algorithm; a state is a pair s = (w, rbar):                            *)
(*        delta s j == r_j - rbar + w.phi'_j - w.phi_j                        *)
(*         step l s == (w + (1/n) C_l sum_j delta_j phi_j,                    *)
(*                      rbar + (1/n) c_l sum_j delta_j)                       *)
(*                     the paper's steps are C_l = alpha I, c_l = eta alpha   *)
(*    iterate L s   == L steps from s, step 0 first                           *)
(* The transformer, one head (`layerproof derive differential-td`):           *)
(*    W, P, M       == diag(0, 1), diag(0, 1), diag(I_n, 0)                   *)
(*    Q             == [-C_l^T C_l^T 0; 0 0 0; 0 0 -c_l] on the feature rows  *)
(*         prompt s == [Phi q; Phi' 0; 1..1 0; delta s, -w.q]; at (0, 0) the  *)
(*                     last row is [r 0]                                      *)
(*                                                                            *)
(* Theorems: differential_td_prompt0 (the prompt at (0, 0)),                  *)
(* differential_td_state (the whole of Z after L layers),                     *)
(* differential_td_prediction, differential_td_residual,                      *)
(* differential_td_features.                                                  *)
(*                                                                            *)
(* Sources: Wan, Naik, Sutton 2021, Learning and Planning in Average-Reward   *)
(* Markov Decision Processes (arXiv 2006.16318), Differential TD-learning;    *)
(* with features: Sutton and Barto 2018, eq. 10.10.                           *)
(* Assumptions: a numFieldType (the rationals, the reals, the complex         *)
(* numbers, ...); any d, n, L, features, rewards, query, C_l, c_l, start s0.  *)
(* At n = 0 both sides read 1/n as 0.                                         *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg ssrnum zmodp matrix.
From LayerProof Require Import attention td_prompt.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section DifferentialTD.
Variables (F : numFieldType) (d n : nat).
Variables (Phi Phi' : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).
Variables (C : nat -> 'M[F]_d) (c : nat -> F).
Implicit Type s : 'rV[F]_d * F.

Definition delta s (j : 'I_n) : F :=
  let: (w, rbar) := s in
  r 0 j - rbar + (w *m col j Phi') 0 0 - (w *m col j Phi) 0 0.
Definition step l s : 'rV_d * F :=
  let: (w, rbar) := s in
  (w + n%:R^-1 *: ((\sum_j delta s j *: (col j Phi)^T) *m (C l)^T),
   rbar + n%:R^-1 * (c l * \sum_j delta s j)).
Fixpoint iterate L s := if L is l.+1 then step l (iterate l s) else s.

Definition W (l : nat) (h : 'I_1) : 'M[F]_(d + d + 1 + 1) :=
  block_mx 0 0 0 1%:M.
Definition P (l : nat) (h : 'I_1) : 'M[F]_(d + d + 1 + 1) :=
  block_mx 0 0 0 1%:M.
Definition Q (l : nat) (h : 'I_1) : 'M[F]_(d + d + 1 + 1) :=
  block_mx (block_mx (block_mx (- (C l)^T) (C l)^T
                               0           0      ) 0
                     0                              (- (c l)%:M)) 0
           0                                                      0.
Definition M (l : nat) (h : 'I_1) : 'M[F]_(n + 1) := block_mx 1%:M 0 0 0.

Definition X : 'M_(d + d + 1, n + 1) :=
  col_mx (block_mx Phi  q
                   Phi' 0)
         (row_mx (const_mx 1) 0).
Definition prompt s : 'M_(d + d + 1 + 1, n + 1) :=
  col_mx X (row_mx (\row_j delta s j) (- (s.1 *m q))).

Lemma delta_row s :
  \row_j delta s j = r - s.2 *: const_mx 1 + s.1 *m (Phi' - Phi).
Proof.
case: s => w rbar; apply/rowP=> j.
by rewrite mxE /delta !colE !mulmxA -!colE mulmxBr !mxE mulr1 !addrA.
Qed.

Lemma sum_delta s : (\row_j delta s j) *m (const_mx 1)^T
  = (\sum_j delta s j)%:M.
Proof.
rewrite [LHS]mx11_scalar mxE; congr _%:M.
by apply: eq_bigr => j _; rewrite !mxE mulr1.
Qed.

Lemma differential_td_prompt0 : prompt (0, 0) = col_mx X (row_mx r 0).
Proof.
by rewrite /prompt delta_row !mul0mx oppr0 addr0 scale0r subr0.
Qed.

Local Notation transformer := (transformer n%:R^-1 W P Q M).

Theorem differential_td_state L s0 :
  transformer L (prompt s0) = prompt (iterate L s0).
Proof.
elim: L => [//|l IH] /=; rewrite IH; case: (iterate l s0) => w rbar.
rewrite layer_block big_ord1 !mul1mx tr_col_mx mul_mx_row.
rewrite context_keys2 context_keys mulmx1 -sum_transitions sum_delta.
rewrite !mul_row_block !mulmx0 !addr0 add0r.
rewrite !mulmxN -scalar_mxM !scale_row_mx !scalerN scale_scalar_mx.
congr (col_mx _ _); set u := n%:R^-1 *: _; rewrite [_ * c l]mulrC.
rewrite mul_row_col mul_row_block mulmx0 addr0 mul_mx_row mulmx0 !add_row_mx.
rewrite addr0 !mulNmx mul_scalar_mx; congr row_mx; last first.
  by rewrite -opprD -mulmxDl.
rewrite !delta_row /= mulmxDl scalerDl opprD [- _ + _]addrC -mulmxBr.
by rewrite [_ *m _ - _]addrC addrACA !addrA.
Qed.

Corollary differential_td_prediction L s0 :
  - transformer L (prompt s0) (rshift (d + d + 1) 0) (rshift n 0)
  = ((iterate L s0).1 *m q) 0 0.
Proof. by rewrite differential_td_state col_mxEd row_mxEr mxE opprK. Qed.

Corollary differential_td_residual L s0 j :
  transformer L (prompt s0) (rshift (d + d + 1) 0) (lshift 1 j)
  = delta (iterate L s0) j.
Proof. by rewrite differential_td_state col_mxEd row_mxEl mxE. Qed.

Corollary differential_td_features L s0 :
  usubmx (transformer L (prompt s0)) = X.
Proof. by rewrite differential_td_state col_mxKu. Qed.

End DifferentialTD.
