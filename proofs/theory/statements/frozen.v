(* Layers that attend by patterns made from rows that no layer writes, and what they cannot compute. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention negative.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Patterns.
Variables (R : comRingType) (m N H K : nat).

(* linear scores under a mask *)
Definition scores (mu : 'M[R]_N) (Q : 'M[R]_m) (Z : 'M[R]_(m, N)) : 'M[R]_N :=
  \matrix_(i, j) (mu i j * (Z^T *m Q *m Z) i j).

(* H heads of given patterns A, K heads of masked linear scores, and then a map of columns: a shift, a copy *)
Definition pattern_layer (a : R) (V : 'I_H -> 'M[R]_m) (A : 'I_H -> 'M[R]_N) (G Q : 'I_K -> 'M[R]_m)
    (mu : 'I_K -> 'M[R]_N) (S T : 'M[R]_m) (B : 'M[R]_N) (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  let Y := Z + a *: (\sum_h V h *m Z *m A h + \sum_k G k *m Z *m scores (mu k) (Q k) Z) in
  S *m Y + T *m Y *m B.

Fixpoint pattern_transformer (a : R) (V : nat -> 'I_H -> 'M[R]_m) (A : nat -> 'I_H -> 'M[R]_N)
    (G Q : nat -> 'I_K -> 'M[R]_m) (mu : nat -> 'I_K -> 'M[R]_N) (S T : nat -> 'M[R]_m) (B : nat -> 'M[R]_N)
    (L : nat) (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  if L is l.+1 then
    pattern_layer a (V l) (A l) (G l) (Q l) (mu l) (S l) (T l) (B l) (pattern_transformer a V A G Q mu S T B l Z)
  else Z.
End Patterns.

(* without linear scores the output is affine along every line of prompts with the same patterns: in the rewards, where
   the patterns ignore them *)
Definition frozen_affine : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (V : nat -> 'I_H -> 'M[R]_m) (A : nat -> 'I_H -> 'M[R]_N)
    (G Q : nat -> 'I_0 -> 'M[R]_m) (mu : nat -> 'I_0 -> 'M[R]_N) (S T : nat -> 'M[R]_m) (B : nat -> 'M[R]_N)
    (L : nat) (Z0 Z1 : 'M[R]_(m, N)),
  exists Y0 Y1 : 'M[R]_(m, N), forall t : R,
    pattern_transformer a V A G Q mu S T B L (Z0 + t *: Z1) = Y0 + t *: Y1.

(* no patterns, whatever functions they are of rows that the reward does not enter, no linear scores, masks or shifts
   run Q-learning for two or more iterations on a one-transition prompt *)
Definition frozen_no_q_learning : Prop :=
  forall (F : realFieldType) (m N p H K : nat) (a : F) (V : nat -> 'I_H -> 'M[F]_m)
    (A : nat -> 'I_H -> 'M[F]_(p, N) -> 'M[F]_N) (G Q : nat -> 'I_K -> 'M[F]_m) (mu : nat -> 'I_K -> 'M[F]_N)
    (S T : nat -> 'M[F]_m) (B : nat -> 'M[F]_N) (frozen : 'M[F]_(p, N)) (L : nat) (Z : 'M[{poly F}]_(m, N))
    (u : 'rV[F]_m) (v : 'cV[F]_N) (l : nat), (1 < l)%N ->
  ~ (forall t : F,
       (u *m pattern_transformer a V (fun k h => A k h frozen) G Q mu S T B L (\matrix_(i, j) (Z i j).[t]) *m v) 0 0
       = q_learning t l).
