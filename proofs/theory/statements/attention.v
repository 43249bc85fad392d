(* Linear attention as the papers write it: one head, one layer with its heads concatenated, L layers. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Attention.
Variables (R : comRingType) (m N H : nat) (a : R).
Definition attn (P : 'M[R]_m) (M : 'M[R]_N) (Q : 'M[R]_m) (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  P *m Z *m M *m (Z^T *m Q *m Z).
Definition layer (W P Q : 'I_H -> 'M[R]_m) (M : 'I_H -> 'M[R]_N) (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  Z + a *: (\mxrow_h W h *m \mxcol_h attn (P h) (M h) (Q h) Z).
Fixpoint transformer (W P Q : nat -> 'I_H -> 'M[R]_m) (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (Z : 'M[R]_(m, N)) :=
  if L is l.+1 then layer (W l) (P l) (Q l) (M l) (transformer W P Q M l Z) else Z.
End Attention.

(* a layer with its heads concatenated is Z + a sum_h W_h P_h Z M_h (Z^T Q_h Z) *)
Definition layer_sumE : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (W P Q : 'I_H -> 'M[R]_m) (M : 'I_H -> 'M[R]_N) (Z : 'M[R]_(m, N)),
    layer a W P Q M Z = Z + a *: \sum_h W h *m (P h *m Z *m M h *m (Z^T *m Q h *m Z)).
