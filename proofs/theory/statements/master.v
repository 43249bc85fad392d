(* Any linear update of S weight vectors w, the rows of a matrix, in K accumulator rows: heads for every pair (h, t). *)
From mathcomp Require Import all_ssreflect all_algebra.
From LayerProofStatements Require Import attention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Update.
Variables (R : comRingType) (p K N d S H T : nat) (a : R).
Variables (F : 'I_T -> 'M[R]_(K, S)) (D : 'I_T -> 'M[R]_(d, p)).
Variables (G : nat -> 'I_H -> 'M[R]_(S, K)) (B : nat -> 'I_H -> 'M[R]_(d, p)) (C : nat -> 'I_H -> 'M[R]_d).
Variables (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (b : 'M[R]_(K, N)).
(* what the accumulator rows hold at weights w *)
Definition rows (w : 'M[R]_(S, d)) : 'M[R]_(K, N) := b + (\sum_t F t *m w *m D t) *m X.
Definition step l (w : 'M[R]_(S, d)) : 'M[R]_(S, d) :=
  w + a *: \sum_h G l h *m rows w *m M l h *m (B l h *m X)^T *m (C l h)^T.
Fixpoint iterate L w := if L is l.+1 then step l (iterate l w) else w.
(* the heads: one for every pair of h and t, in the order of the enumeration of pairs *)
Definition pair_of (i : 'I_#|{: 'I_H * 'I_T}|) : 'I_H * 'I_T := enum_val i.
Definition head_W (l : nat) (i : 'I_#|{: 'I_H * 'I_T}|) : 'M[R]_(p + K) := block_mx 0 0 0 1%:M.
Definition head_P l i : 'M[R]_(p + K) := block_mx 0 0 0 (F (pair_of i).2 *m G l (pair_of i).1).
Definition head_Q l i : 'M[R]_(p + K) :=
  block_mx ((B l (pair_of i).1)^T *m (C l (pair_of i).1)^T *m D (pair_of i).2) 0 0 0.
Definition head_M l i : 'M[R]_N := M l (pair_of i).1.
End Update.

(* any update w += a sum_h G_h Y M_h (B_h X)^T C_h^T of S weight vectors is exact at every layer, any masks *)
Definition master_state : Prop :=
  forall (R : comRingType) (p K N d S H T : nat) (a : R) (F : 'I_T -> 'M[R]_(K, S)) (D : 'I_T -> 'M[R]_(d, p))
    (G : nat -> 'I_H -> 'M[R]_(S, K)) (B : nat -> 'I_H -> 'M[R]_(d, p)) (C : nat -> 'I_H -> 'M[R]_d)
    (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (b : 'M[R]_(K, N)) (L : nat) (w : 'M[R]_(S, d)),
  transformer a (@head_W R p K H T) (head_P p F G) (head_Q K D B C) (@head_M R N H T M) L (col_mx X (rows F D X b w))
  = col_mx X (rows F D X b (iterate a F D G B C M X b L w)).
