(******************************************************************************)
(* In-context TD(lambda), for any decay c of the eligibility trace.           *)
(*                                                                            *)
(* The algorithm, with the notation of td_prompt.v:                           *)
(*        delta w j == r_j + gamma w.phi'_j - w.phi_j                         *)
(*          trace i == e_i: e_0 = 0, e_{i+1} = c e_i + phi_{i+1}; c = lambda  *)
(*                     in Wang et al., c = gamma lambda in Sutton and Barto   *)
(*         step l w == w + (1/n) C_l sum_j delta_j e_j                        *)
(*    iterate L w   == L steps from w, step 0 first                           *)
(* The transformer, one head (`layerproof derive td-lambda`):                 *)
(*    W, P, Q       == diag(0, 1), diag(0, 1), [-C_l^T C_l^T; 0 0] on the     *)
(*                     feature rows                                           *)
(*       decay_mask == c^(i-j) for j <= i, 0 for i < j                        *)
(*             M    == diag(decay_mask, 0)                                    *)
(*         prompt w == [Phi q; gamma Phi' 0; delta w, -w.q]; at w = 0, where  *)
(*                     the paper starts, the last row is [r 0]                *)
(*                                                                            *)
(* Theorems: td_lambda_prompt0 (the prompt at w = 0), td_lambda_state (the    *)
(* whole of Z after L layers), td_lambda_prediction, td_lambda_residual,      *)
(* td_lambda_features, and trace_mask: the recursion of the trace is the      *)
(* mask, for every n. Column j : 'I_n of Phi is the paper's phi_{j+1}: its    *)
(* trace is trace j.+1.                                                       *)
(*                                                                            *)
(* Sources: Wang, Blaser, Daneshmand, Zhang 2025 (arXiv 2405.13861),          *)
(* TD(lambda) section; the textbook's trace: Sutton and Barto 2018, eq. 12.5. *)
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

Section TDLambda.
Variables (F : numFieldType) (d n : nat) (gamma c : F).
Variables (Phi Phi' : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).
Variable C : nat -> 'M[F]_d.

Local Notation X := (td_features gamma Phi Phi' q).
Local Notation delta := (td_error gamma Phi Phi' r).

Fixpoint trace (i : nat) : 'rV[F]_d :=
  if i is k.+1 then
    c *: trace k + (if insub k is Some j then (col j Phi)^T else 0)
  else 0.
Definition step l (w : 'rV_d) : 'rV_d :=
  w + n%:R^-1 *: ((\sum_j delta w j *: trace j.+1) *m (C l)^T).
Fixpoint iterate L w := if L is l.+1 then step l (iterate l w) else w.

Definition W (l : nat) (h : 'I_1) : 'M[F]_(d + d + 1) := block_mx 0 0 0 1%:M.
Definition P (l : nat) (h : 'I_1) : 'M[F]_(d + d + 1) := block_mx 0 0 0 1%:M.
Definition Q (l : nat) (h : 'I_1) : 'M[F]_(d + d + 1) :=
  block_mx (block_mx (- (C l)^T) (C l)^T
                     0           0      ) 0
           0                              0.
Definition decay_mask : 'M[F]_n :=
  \matrix_(i, j) if (j <= i)%N then c ^+ (i - j) else 0.
Definition M (l : nat) (h : 'I_1) : 'M[F]_(n + 1) := block_mx decay_mask 0 0 0.

Definition prompt w : 'M_(d + d + 1, n + 1) :=
  col_mx X (td_row gamma Phi Phi' r q w).

Lemma td_lambda_prompt0 : prompt 0 = col_mx X (row_mx r 0).
Proof. by rewrite /prompt td_row0. Qed.

Lemma trace_sum k : (k <= n)%N ->
  trace k = \sum_(j < n | (j < k)%N) c ^+ (k.-1 - j) *: (col j Phi)^T.
Proof.
elim: k => [|k IH] lt_kn /=; first by rewrite big_pred0.
rewrite insubT (IH (ltnW lt_kn)) scaler_sumr.
rewrite [RHS](bigD1 (Sub k lt_kn)) //= subnn expr0 scale1r addrC.
congr (_ + _); apply: eq_big => [j | j lt_jk].
  by rewrite ltnS [RHS]andbC -val_eqE ltn_neqAle.
have kE := ltn_predK lt_jk; have le_jk : (j <= k.-1)%N by rewrite -ltnS kE.
by rewrite scalerA -exprS -subSn // kE.
Qed.

Lemma trace_mask (j : 'I_n) : trace j.+1 = row j (decay_mask *m Phi^T).
Proof.
rewrite trace_sum ?ltn_ord //; apply/rowP=> k; rewrite !mxE summxE big_mkcond.
apply: eq_bigr => i _; rewrite !mxE ltnS.
by case: ifP => _; rewrite ?mul0r ?mxE.
Qed.

Local Notation transformer := (transformer n%:R^-1 W P Q M).

Theorem td_lambda_state L w0 :
  transformer L (prompt w0) = prompt (iterate L w0).
Proof.
elim: L => [//|l IH] /=; rewrite IH; set w := iterate l w0.
rewrite layer_block big_ord1 !mul1mx context_keys2.
have <- : \sum_j delta w j *: trace j.+1
  = (\row_j delta w j) *m decay_mask *m Phi^T.
  rewrite -mulmxA mulmx_sum_row; apply: eq_bigr => j _.
  by rewrite trace_mask mxE.
congr (col_mx _ _); rewrite -td_row_step; congr (_ + _ *m _).
by rewrite mul_row_block !mulmx0 !addr0 mulmxN scale_row_mx scalerN.
Qed.

Corollary td_lambda_prediction L w0 :
  - transformer L (prompt w0) (rshift (d + d) 0) (rshift n 0)
  = (iterate L w0 *m q) 0 0.
Proof. by rewrite td_lambda_state col_mxEd row_mxEr mxE opprK. Qed.

Corollary td_lambda_residual L w0 j :
  transformer L (prompt w0) (rshift (d + d) 0) (lshift 1 j)
  = delta (iterate L w0) j.
Proof. by rewrite td_lambda_state col_mxEd row_mxEl mxE. Qed.

Corollary td_lambda_features L w0 :
  usubmx (transformer L (prompt w0)) = X.
Proof. by rewrite td_lambda_state col_mxKu. Qed.

End TDLambda.
