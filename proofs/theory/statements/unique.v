(* One layer, one head, one accumulator row, n + 2 context columns and one query column, under the context mask. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section OneLayer.
Variables (F : numFieldType) (p n : nat) (a : F).
Definition context_mask : 'M[F]_(n.+2 + 1) := block_mx 1%:M 0 0 0.
Definition one_head (P Q : 'M[F]_(p + 1)) (Z : 'M[F]_(p + 1, n.+2 + 1)) : 'M[F]_(p + 1, n.+2 + 1) :=
  Z + a *: (P *m Z *m context_mask *m (Z^T *m Q *m Z)).
(* the accumulator row that the update asks for: r + a r M X^T E X *)
Definition target (E : 'M[F]_p) (Z : 'M[F]_(p + 1, n.+2 + 1)) : 'rV[F]_(n.+2 + 1) :=
  dsubmx Z + a *: (dsubmx Z *m context_mask *m (usubmx Z)^T *m E *m usubmx Z).
(* right at every context column, for every context and one fixed query column q *)
Definition right_row E q P Q : Prop := forall Z : 'M[F]_(p + 1, n.+2),
  lsubmx (dsubmx (one_head P Q (row_mx Z q))) = lsubmx (target E (row_mx Z q)).
Definition right_features q P Q : Prop := forall Z : 'M[F]_(p + 1, n.+2),
  lsubmx (usubmx (one_head P Q (row_mx Z q))) = usubmx Z.
End OneLayer.

(* one layer, one head, one row, at least two context columns, under the context mask: weights that are right for every
   context are the derived ones, up to one scale, when E has rank at least 2 *)
Definition one_layer_unique_all : Prop :=
  forall (F : numFieldType) (p n : nat) (a : F), a != 0 -> forall (E : 'M[F]_p) (q : 'cV[F]_(p + 1)),
  (1 < \rank E)%N -> forall P Q : 'M[F]_(p + 1),
  right_row n a E q P Q /\ right_features n a q P Q <->
  (exists2 eta : F, eta != 0 & P = block_mx 0 0 0 eta%:M /\ Q = eta^-1 *: block_mx E 0 0 0).
