(* One layer with its output map fixed at 1; d + d feature rows, one reward row, the query is the last token. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention gradient commutant symmetric_law expected_update.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section OneLayer.
Variables (F : numFieldType) (d n H : nat).
Definition query_token (Z : 'M[F]_(d + d + 1, n + 1)) : Prop :=
  exists q : 'cV[F]_d, col (rshift n 0) Z = col_mx (col_mx q 0) 0.
(* the matrices W = 1, P and Q at every layer *)
Definition with_output_one (P Q : 'I_H -> 'M[F]_(d + d + 1)) (l : nat) (h : 'I_H) (k : role) : 'M[F]_(d + d + 1) :=
  match k with OfW => 1%:M | OfP => P h | OfQ => Q h end.
(* P's upper rows are frozen at T, its last one is (0, 0, eta) *)
Definition P_set (T : 'M[F]_(d + d, d + d + 1)) (P : 'M[F]_(d + d + 1)) : Prop :=
  exists eta, P = col_mx T (row_mx 0 eta%:M).
(* Q's first d columns are (b I, b' I, 0), the others are frozen *)
Definition Q_set (B12 B22 : 'M[F]_d) (B13 : 'M[F]_(d + d, 1)) (B32 : 'M[F]_(1, d)) (B33 : 'M[F]_1)
    (Q : 'M[F]_(d + d + 1)) : Prop :=
  exists b b', Q = block_mx (block_mx b%:M B12 b'%:M B22) B13 (row_mx 0 B32) B33.
Variables (a : F) (M : nat -> 'I_H -> 'M[F]_(n + 1)) (s gamma : F) (Omega : finType).
Definition stays (u : (nat -> 'I_H -> role -> 'M[F]_(d + d + 1)) -> nat -> 'I_H -> role -> 'M[F]_(d + d + 1)) : Prop :=
  forall (T : 'I_H -> 'M[F]_(d + d, d + d + 1)) (B12 B22 : 'I_H -> 'M[F]_d) (B13 : 'I_H -> 'M[F]_(d + d, 1))
    (B32 : 'I_H -> 'M[F]_(1, d)) (B33 : 'I_H -> 'M[F]_1) (P Q : 'I_H -> 'M[F]_(d + d + 1)),
  (forall h, P_set (T h) (P h)) -> (forall h, Q_set (B12 h) (B22 h) (B13 h) (B32 h) (B33 h) (Q h)) ->
  forall (alpha : nat -> 'I_H -> role -> F) (h : 'I_H),
  P_set (T h) (P h + alpha 0%N h OfP *: u (with_output_one P Q) 0%N h OfP) /\
  Q_set (B12 h) (B22 h) (B13 h) (B32 h) (B33 h) (Q h + alpha 0%N h OfQ *: u (with_output_one P Q) 0%N h OfQ).
End OneLayer.

(* one layer: an expected step moves Q's blocks cI, c'I and P's last entry only, whatever the frozen entries *)
Definition one_layer_invariant : Prop :=
  forall (F : numFieldType) (d n H : nat) (Omega : finType) (a : F) (M : nat -> 'I_H -> 'M[F]_(n + 1)) (s gamma : F)
    (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + 1, n + 1)),
  (forall w, query_token (Z w) /\ query_token (Z' w)) -> symmetric_law p R' Z Z' ->
  stays (semi_gradient a M 1 (rshift (d + d) 0) (rshift n 0) s gamma p R' Z Z').

(* one layer: the same for an expected step along the full residual gradient *)
Definition one_layer_invariant_residual : Prop :=
  forall (F : numFieldType) (d n H : nat) (Omega : finType) (a : F) (M : nat -> 'I_H -> 'M[F]_(n + 1)) (s gamma : F)
    (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + 1, n + 1)),
  (forall w, query_token (Z w) /\ query_token (Z' w)) -> symmetric_law p R' Z Z' ->
  stays (residual_gradient a M 1 (rshift (d + d) 0) (rshift n 0) s gamma p R' Z Z').
