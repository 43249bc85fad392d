(******************************************************************************)
(* In-context least squares: preconditioned gradient descent.                 *)
(*                                                                            *)
(* The algorithm, for inputs phi_j (columns of Phi) and labels r_j:           *)
(*     residual w j == r_j - w.phi_j                                          *)
(*         step l w == w + (1/n) C_l sum_j residual_j phi_j                   *)
(*    iterate L w   == L steps from w, step 0 first                           *)
(* The transformer (`layerproof derive least-squares`):                       *)
(*    W, P, Q, M    == diag(0, 1), diag(0, 1), diag(-C_l^T, 0), diag(I_n, 0)  *)
(*         prompt w == [Phi q; residual w, -w.q]; at w = 0, where the paper   *)
(*                     starts, the last row is [r 0]                          *)
(*                                                                            *)
(* Theorems: least_squares_prompt0 (the prompt at w = 0), least_squares_state *)
(* (the whole of Z after L layers), least_squares_prediction,                 *)
(* least_squares_residual, least_squares_features.                            *)
(*                                                                            *)
(* Source: Ahn, Cheng, Daneshmand, Sra 2023, Transformers learn to implement  *)
(* preconditioned gradient descent for in-context learning (arXiv             *)
(* 2306.00297), Lemma 1.                                                      *)
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

Section LeastSquares.
Variables (F : numFieldType) (d n : nat).
Variables (Phi : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).
Variable C : nat -> 'M[F]_d.

Definition residual (w : 'rV_d) (j : 'I_n) : F :=
  r 0 j - (w *m col j Phi) 0 0.
Definition step l (w : 'rV_d) : 'rV_d :=
  w + n%:R^-1 *: ((\sum_j residual w j *: (col j Phi)^T) *m (C l)^T).
Fixpoint iterate L w := if L is l.+1 then step l (iterate l w) else w.

Definition W (l : nat) (h : 'I_1) : 'M[F]_(d + 1) := block_mx 0 0 0 1%:M.
Definition P (l : nat) (h : 'I_1) : 'M[F]_(d + 1) := block_mx 0 0 0 1%:M.
Definition Q (l : nat) (h : 'I_1) : 'M[F]_(d + 1) :=
  block_mx (- (C l)^T) 0
           0           0.
Definition M (l : nat) (h : 'I_1) : 'M[F]_(n + 1) := block_mx 1%:M 0 0 0.

Definition prompt (w : 'rV_d) : 'M_(d + 1, n + 1) :=
  block_mx Phi                   q
           (\row_j residual w j) (- (w *m q)).

Lemma residualE w : \row_j residual w j = r - w *m Phi.
Proof. by apply/rowP=> j; rewrite mxE /residual colE mulmxA -colE !mxE. Qed.

Lemma least_squares_prompt0 : prompt 0 = block_mx Phi q r 0.
Proof. by rewrite /prompt residualE !mul0mx subr0 oppr0. Qed.

Local Notation transformer := (transformer n%:R^-1 W P Q M).

Theorem least_squares_state L w0 :
  transformer L (prompt w0) = prompt (iterate L w0).
Proof.
elim: L => [//|l IH] /=; rewrite IH; set w := iterate l w0.
rewrite layer_block big_ord1 !mul1mx context_keys mulmx1 -sum_transitions.
congr (col_mx _ _); rewrite mulmxN scalerN mul_mx_row add_row_mx.
rewrite !residualE -/(step l w) !mulNmx /step.
by rewrite ![(w + _) *m _]mulmxDl !opprD addrA.
Qed.

Corollary least_squares_prediction L w0 :
  - transformer L (prompt w0) (rshift d 0) (rshift n 0)
  = (iterate L w0 *m q) 0 0.
Proof. by rewrite least_squares_state block_mxEdr mxE opprK. Qed.

Corollary least_squares_residual L w0 j :
  transformer L (prompt w0) (rshift d 0) (lshift 1 j)
  = residual (iterate L w0) j.
Proof. by rewrite least_squares_state block_mxEdl mxE. Qed.

Corollary least_squares_features L w0 :
  usubmx (transformer L (prompt w0)) = row_mx Phi q.
Proof. by rewrite least_squares_state col_mxKu. Qed.

End LeastSquares.
