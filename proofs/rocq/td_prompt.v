(******************************************************************************)
(* What the algorithms share: context and query columns, and the TD error.    *)
(*                                                                            *)
(* A prompt has n context columns and a query column, n + 1 tokens.           *)
(*      Phi, Phi' == features of the states visited and of their successors,  *)
(*                   'M_(d, n); column j is transition j                      *)
(*              r == rewards, 'rV_n                 q == query, 'cV_d         *)
(*              w == a weight vector, 'rV_d; (w *m x) 0 0 is the number w.x   *)
(* td_features gamma Phi Phi' q == the feature rows of the discounted         *)
(*                   algorithms, [Phi q; gamma Phi' 0]                        *)
(* td_error gamma Phi Phi' r w j == r_j + gamma w.phi'_j - w.phi_j            *)
(* td_row gamma Phi Phi' r q w == the TD errors of the context, -w.q at the   *)
(*                   query; [r 0] at w = 0                                    *)
(* value_row Phi q v == the numbers v.phi_j of the context, v.q at the query  *)
(*                                                                            *)
(* Lemmas                                                                     *)
(*   context_keys : under a mask diag(A, 0) the query column is no key and no *)
(*                  value: [U u] diag(A, 0) [X x]^T = U A X^T                 *)
(* sum_transitions : sum_j f_j phi_j^T = (f_1, ..., f_n) Phi^T                *)
(* td_row_step, value_row_step : what a head adds to such a row moves its     *)
(*                  weight vector                                             *)
(*                                                                            *)
(* Sources: the prompt Z_0 of Wang, Blaser, Daneshmand, Zhang 2025 (arXiv     *)
(* 2405.13861). Assumptions: a commutative ring.                              *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg zmodp matrix.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Context.
Variables (R : comRingType) (n : nat).

Lemma context_keys K p (U : 'M[R]_(K, n)) (u : 'M_(K, 1)) A
    (X : 'M_(p, n)) (x : 'cV_p) :
  row_mx U u *m block_mx A 0 0 0 *m (row_mx X x)^T
  = U *m A *m X^T.
Proof.
by rewrite mul_row_block !mulmx0 !addr0 tr_row_mx mul_row_col mul0mx addr0.
Qed.

Lemma context_keys2 K p p' (U : 'M[R]_(K, n)) (u : 'M_(K, 1)) A
    (X : 'M_(p, n)) (x : 'cV_p) (X' : 'M_(p', n)) (x' : 'cV_p') :
  row_mx U u *m block_mx A 0 0 0 *m (block_mx X x X' x')^T
  = row_mx (U *m A *m X^T) (U *m A *m X'^T).
Proof. by rewrite (block_mxEh X) context_keys tr_col_mx mul_mx_row. Qed.

Lemma sum_transitions d (f : 'I_n -> R) (Phi : 'M_(d, n)) :
  \sum_j f j *: (col j Phi)^T = (\row_j f j) *m Phi^T.
Proof.
apply/rowP=> k; rewrite summxE !mxE; apply: eq_bigr => j _.
by rewrite !mxE.
Qed.

End Context.

Section TD.
Variables (R : comRingType) (d n : nat) (gamma : R).
Variables (Phi Phi' : 'M[R]_(d, n)) (r : 'rV[R]_n) (q : 'cV[R]_d).

Definition td_features : 'M_(d + d, n + 1) :=
  block_mx Phi q
           (gamma *: Phi') 0.

Definition td_error (w : 'rV_d) (j : 'I_n) : R :=
  r 0 j + gamma * (w *m col j Phi') 0 0 - (w *m col j Phi) 0 0.

Definition td_row (w : 'rV_d) : 'rV_(n + 1) :=
  row_mx (\row_j td_error w j) (- (w *m q)).

Lemma td_error_col w j :
  td_error w j = (r + w *m (gamma *: Phi' - Phi)) 0 j.
Proof.
rewrite /td_error mulmxBr -scalemxAr !colE !mulmxA -!colE !mxE.
by rewrite addrA.
Qed.

Lemma td_errorE w : \row_j td_error w j = r + w *m (gamma *: Phi' - Phi).
Proof. by apply/rowP=> j; rewrite mxE td_error_col. Qed.

Lemma td_row0 : td_row 0 = row_mx r 0.
Proof. by rewrite /td_row td_errorE !mul0mx addr0 oppr0. Qed.

(* A head with Q = [-E E; 0 0] adds (-u, u) X to the row, and moves w by u.   *)
Lemma td_row_step w u :
  td_row w + row_mx (- u) u *m td_features = td_row (w + u).
Proof.
rewrite /td_row !td_errorE mul_row_block add_row_mx mulmx0 addr0.
congr (row_mx _ _); last by rewrite mulmxDl opprD mulNmx.
by rewrite mulNmx [- _ + _]addrC -mulmxBr mulmxDl addrA.
Qed.

Definition value_row (v : 'rV_d) : 'rV_(n + 1) :=
  row_mx (\row_j (v *m col j Phi) 0 0) (v *m q).

Lemma value_rowE v : value_row v = row_mx (v *m Phi) (v *m q).
Proof.
by congr (row_mx _ _); apply/rowP=> j; rewrite mxE colE mulmxA -colE mxE.
Qed.

Lemma value_row0 : value_row 0 = row_mx 0 0.
Proof. by rewrite value_rowE !mul0mx. Qed.

(* A head with Q = [E 0; 0 0] adds (u, 0) X to the row, and moves v by u.     *)
Lemma value_row_step v u :
  value_row v + row_mx u 0 *m td_features = value_row (v + u).
Proof.
by rewrite !value_rowE mul_row_block !mul0mx !addr0 add_row_mx !mulmxDl.
Qed.

Lemma td_row_sub w v :
  td_row w - value_row v
  = row_mx (\row_j (td_error w j - (v *m col j Phi) 0 0)) (- (w + v) *m q).
Proof.
rewrite opp_row_mx add_row_mx mulNmx mulmxDl opprD; congr (row_mx _ _).
by apply/rowP=> j; rewrite !mxE.
Qed.

Lemma sum_differences (f : 'I_n -> R) :
  \sum_j f j *: (col j Phi - gamma *: col j Phi')^T
  = (\row_j f j) *m (Phi^T - (gamma *: Phi')^T).
Proof.
rewrite -linearB -sum_transitions; apply: eq_bigr => j _.
by congr (_ *: _); apply/rowP=> k; rewrite !mxE.
Qed.

End TD.
