(* Any number V of vector blocks of d rows each, and K further rows. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention gradient commutant expected_update.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Blocks.
Variables (F : numFieldType) (V d K : nat).
(* a signed permutation, the same on every block; K further rows left alone *)
Definition blocks_signed (S : 'M[F]_(\sum_(v < V) d + K)) : Prop :=
  exists2 S0 : 'M[F]_d, signed_permutation S0 & S = block_mx (\mxdiag_(v < V) S0) 0 0 1%:M.
(* blocks x_uv I, and any K x K matrix *)
Definition blocks_pattern (A : 'M[F]_(\sum_(v < V) d + K)) : Prop :=
  exists (x : 'I_V -> 'I_V -> F) (D : 'M[F]_K),
  A = block_mx (\mxblock_(u < V, v < V) ((x u v)%:M : 'M[F]_d)) 0 0 D.
End Blocks.

(* with V vector blocks and K further rows the commutant is the blocks x_uv I and any K x K matrix *)
Definition blocks_patternP : Prop :=
  forall (F : numFieldType) (V d K : nat) (A : 'M[F]_(\sum_(v < V) d + K)),
  (forall S, blocks_signed S -> S *m A = A *m S) <-> blocks_pattern A.

(* an expected semi-gradient step under a symmetric law keeps that commutant *)
Definition blocks_invariant : Prop :=
  forall (F : numFieldType) (V d K N : nat) (Omega : finType) (H : nat) (a : F) (M : nat -> 'I_H -> 'M[F]_N) (L : nat)
    (i : 'I_K) (c : 'I_N) (s gamma : F) (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(\sum_(v < V) d + K, N)),
  (forall S, blocks_signed S -> exists2 g : Omega -> Omega, bijective g &
     forall w, [/\ p (g w) = p w, R' (g w) = R' w, Z (g w) = S *m Z w & Z' (g w) = S *m Z' w]) ->
  forall (alpha : nat -> 'I_H -> role -> F) (theta : nat -> 'I_H -> role -> 'M[F]_(\sum_(v < V) d + K)),
  (forall l h k, blocks_pattern (theta l h k)) -> forall l h k,
  blocks_pattern (theta l h k + alpha l h k *:
    semi_gradient a M L (rshift (\sum_(v < V) d)%N i) c s gamma p R' Z Z' theta l h k).

(* and so does one of weights that all layers share *)
Definition blocks_invariant_looped : Prop :=
  forall (F : numFieldType) (V d K N : nat) (Omega : finType) (H : nat) (a : F) (M : nat -> 'I_H -> 'M[F]_N) (L : nat)
    (i : 'I_K) (c : 'I_N) (s gamma : F) (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(\sum_(v < V) d + K, N)),
  (forall S, blocks_signed S -> exists2 g : Omega -> Omega, bijective g &
     forall w, [/\ p (g w) = p w, R' (g w) = R' w, Z (g w) = S *m Z w & Z' (g w) = S *m Z' w]) ->
  forall (alpha : 'I_H -> role -> F) (theta : 'I_H -> role -> 'M[F]_(\sum_(v < V) d + K)),
  (forall h k, blocks_pattern (theta h k)) -> forall h k,
  blocks_pattern (theta h k + alpha h k *:
    semi_gradient_looped a M L (rshift (\sum_(v < V) d)%N i) c s gamma p R' Z Z' theta h k).
