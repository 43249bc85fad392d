(* A feature row that is constant in the context, c *m X, and the head that reads it as values and as keys. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Head.
Variables (R : comRingType) (p K : nat) (c : 'rV[R]_p).
Definition const_P (u : 'cV[R]_K) : 'M[R]_(p + K) := block_mx 0 0 (u *m c) 0.
Definition const_Q (v : 'rV[R]_K) : 'M[R]_(p + K) := block_mx 0 (c^T *m v) 0 0.
End Head.

(* a constant feature row turns a head into a token-wise linear map of the accumulator rows *)
Definition const_head : Prop :=
  forall (R : comRingType) (p K : nat) (c : 'rV[R]_p) (N : nat) (u : 'cV[R]_K) (v : 'rV[R]_K) (M : 'M[R]_N)
    (X : 'M[R]_(p, N)) (Y : 'M[R]_(K, N)),
  attn (const_P c u) M (const_Q c v) (col_mx X Y)
  = col_mx 0 ((c *m X *m M *m (c *m X)^T) 0 0 *: (u *m v *m Y)).

(* Y <- Y + D Y for any D costs rank D heads, where n is not zero in the field *)
Definition skip_linear : Prop :=
  forall (F : fieldType) (p K n : nat) (c : 'rV[F]_p) (X : 'M[F]_(p, n + 1)) (q : 'M[F]_1) (D : 'M[F]_K)
    (Y : 'M[F]_(K, n + 1)),
  n%:R != 0 :> F -> c *m X = row_mx (const_mx 1) q ->
  exists (u : 'I_(\rank D) -> 'cV[F]_K) (v : 'I_(\rank D) -> 'rV[F]_K),
  layer n%:R^-1 (fun=> 1%:M) (fun h => const_P c (u h)) (fun h => const_Q c (v h))
    (fun=> block_mx 1%:M 0 0 0 : 'M[F]_(n + 1)) (col_mx X Y)
  = col_mx X (Y + D *m Y).
