(******************************************************************************)
(* A constant feature row turns a head into a token-wise linear map.          *)
(*                                                                            *)
(* Attention mixes tokens; weight decay, momentum and target networks need    *)
(* maps that act on every token alone. A feature row of ones in the context   *)
(* provides them.                                                             *)
(*                                                                            *)
(*       c == the row that selects the constant row, c *m X : 'rV_N           *)
(*  const_P c u == [[0, 0], [u c, 0]], const_Q c v == [[0, c^T v], [0, 0]]:   *)
(*       the head that reads the constant row as its values and its keys      *)
(*  context_mask n == diag(1, ..., 1, 0): n context columns, one query column *)
(*                                                                            *)
(* Theorems                                                                   *)
(*  const_head : the head's output is [0; s u v Y] with the scalar            *)
(*       s = (c X) M (c X)^T, whatever the mask M                             *)
(*  const_scalar : s = n when the constant row is one at the n context columns*)
(*       and anything at the query, and M is the context mask                 *)
(*  const_layers : with a = 1/n a layer of such heads maps [X; Y] to          *)
(*       [X; Y + (sum_h u_h v_h) Y]                                           *)
(*  const_layer : with a = 1/n one such head gives [X; Y + u v Y]             *)
(*  skip_linear : Y <- Y + D Y for any D costs rank D heads                   *)
(*                                                                            *)
(* Sources: ours; the layer is that of attention.v.                           *)
(* Assumptions: const_head, const_scalar: any commutative ring; const_layer:  *)
(* n invertible in it; skip_linear: a field where n is not zero. The query's  *)
(* entry of the constant row is arbitrary.                                    *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From LayerProof Require Import attention.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Head.
Variables (R : comRingType) (p K : nat) (c : 'M[R]_(1, p)).

Definition const_P (u : 'M[R]_(K, 1)) : 'M_(p + K) := block_mx 0 0 (u *m c) 0.
Definition const_Q (v : 'M[R]_(1, K)) : 'M_(p + K) := block_mx 0 (c^T *m v) 0 0.

Theorem const_head N u v (M : 'M_N) (X : 'M_(p, N)) (Y : 'M_(K, N)) :
  attn (const_P u) M (const_Q v) (col_mx X Y)
  = col_mx 0 ((c *m X *m M *m (c *m X)^T) 0 0 *: (u *m v *m Y)).
Proof.
rewrite /attn.
have -> : const_P u *m col_mx X Y = col_mx 0 (u *m c *m X).
  by rewrite mul_block_col !mul0mx !addr0.
have -> : (col_mx X Y)^T *m const_Q v *m col_mx X Y = X^T *m c^T *m v *m Y.
  by rewrite tr_col_mx mul_row_block !mulmx0 !addr0 mul_row_col mul0mx add0r
    mulmxA.
rewrite !mul_col_mx !mul0mx; congr (col_mx _ _).
set s := c *m X *m M *m (c *m X)^T.
have -> : u *m c *m X *m M *m (X^T *m c^T *m v *m Y) = u *m s *m (v *m Y).
  by rewrite /s trmx_mul !mulmxA.
by rewrite [s in LHS]mx11_scalar mul_mx_scalar -scalemxAl !mulmxA.
Qed.

Variable n : nat.
Definition context_mask : 'M[R]_(n + 1) := block_mx 1%:M 0 0 0.

Theorem const_scalar (X : 'M[R]_(p, n + 1)) (q : 'M_1) :
    c *m X = row_mx (const_mx 1) q ->
  (c *m X *m context_mask *m (c *m X)^T) 0 0 = n%:R.
Proof.
move=> ->; rewrite mul_row_block !mulmx0 !addr0 mulmx1 tr_row_mx mul_row_col
  mul0mx addr0.
rewrite mxE (eq_bigr (fun _ => 1)) => [|i _]; last by rewrite !mxE mulr1.
by rewrite sumr_const card_ord.
Qed.

Variables (X : 'M[R]_(p, n + 1)) (q : 'M[R]_1).
Hypothesis ones : c *m X = row_mx (const_mx 1) q.

Theorem const_layers H a (u : 'I_H -> 'M_(K, 1)) (v : 'I_H -> 'M_(1, K)) Y :
    a * n%:R = 1 ->
  layer a (fun=> 1%:M) (fun h => const_P (u h)) (fun h => const_Q (v h))
    (fun=> context_mask) (col_mx X Y)
  = col_mx X (Y + (\sum_h u h *m v h) *m Y).
Proof.
move=> an; rewrite layer_sumE mulmx_suml.
under eq_bigr do rewrite mul1mx const_head (const_scalar ones).
have -> : \sum_h col_mx (0 : 'M_(p, n + 1)) (n%:R *: (u h *m v h *m Y))
    = n%:R *: col_mx 0 (\sum_h u h *m v h *m Y).
  rewrite scale_col_mx scaler0 scaler_sumr.
  elim/big_rec2: _ => [|h A B _ ->]; first by rewrite col_mx0.
  by rewrite add_col_mx addr0.
by rewrite scalerA an scale1r add_col_mx addr0.
Qed.

Corollary const_layer a (u : 'M_(K, 1)) (v : 'M_(1, K)) Y :
    a * n%:R = 1 ->
  layer a (fun _ : 'I_1 => 1%:M) (fun=> const_P u) (fun=> const_Q v)
    (fun=> context_mask) (col_mx X Y)
  = col_mx X (Y + u *m v *m Y).
Proof. by move=> an; rewrite (const_layers (fun=> u) (fun=> v)) // big_ord1.
  Qed.
End Head.

Theorem skip_linear (F : fieldType) (p K n : nat) (c : 'M[F]_(1, p))
    (X : 'M_(p, n + 1)) (q : 'M_1) (D : 'M_K) Y :
    n%:R != 0 :> F -> c *m X = row_mx (const_mx 1) q ->
  layer n%:R^-1 (fun _ : 'I_(\rank D) => 1%:M)
    (fun h => const_P c (col h (col_base D))) (fun h =>
      const_Q c (row h (row_base D)))
    (fun=> context_mask F n) (col_mx X Y)
  = col_mx X (Y + D *m Y).
Proof.
move=> n0 ones; rewrite (const_layers ones) ?mulVf //;
  congr (col_mx _ (_ + _ *m _)).
rewrite -[RHS](mulmx_base D); apply/matrixP => i j; rewrite summxE mxE.
by apply: eq_bigr => h _; rewrite mxE big_ord1 !mxE.
Qed.
