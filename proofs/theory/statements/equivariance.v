(* A change of basis S of the prompt's rows; an orthogonal one that fixes the row that is read. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention gradient.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* a change of basis of the prompt's rows and of all weights is the same change of the output *)
Definition transformer_equivariant : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (S T : 'M[R]_m) (W P Q : nat -> 'I_H -> 'M[R]_m)
    (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (Z : 'M[R]_(m, N)), T *m S = 1%:M ->
  transformer a (fun l h => S *m W l h *m T) (fun l h => S *m P l h *m T) (fun l h => T^T *m Q l h *m T) M L (S *m Z)
  = S *m transformer a W P Q M L Z.

(* an orthogonal change of basis that fixes the row read moves weights, direction and prompt, and no derivative *)
Definition derivative_equivariant : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R)
    (S : 'M[R]_m), S^T *m S = 1%:M -> row r S = delta_mx ord0 r ->
  forall (theta E : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)),
  derivative a M L r c s (fun l h k => S *m theta l h k *m S^T) (fun l h k => S *m E l h k *m S^T) (S *m Z)
  = derivative a M L r c s theta E Z.

(* it moves every gradient matrix as it moves the weights *)
Definition gradient_equivariant : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R)
    (S : 'M[R]_m), S^T *m S = 1%:M -> row r S = delta_mx ord0 r ->
  forall (theta : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)) (l : nat) (h : 'I_H) (k : role),
  gradient a M L r c s (fun l h k => S *m theta l h k *m S^T) (S *m Z) l h k
  = S *m gradient a M L r c s theta Z l h k *m S^T.
