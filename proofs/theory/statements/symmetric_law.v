(* Finite laws of samples w: weight p, whatever else y, prompts Z and Z' at the state and at the next one. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import commutant.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Law.
Variables (F : numFieldType) (d K N : nat).
(* every signed permutation of the features is undone by a bijection of the samples that keeps all else *)
Definition symmetric_law (T : Type) (Omega : finType) (p : Omega -> F) (y : Omega -> T)
    (Z Z' : Omega -> 'M[F]_(d + d + K, N)) : Prop :=
  forall S : 'M[F]_d, signed_permutation S -> exists2 g : Omega -> Omega, bijective g &
  forall w, [/\ p (g w) = p w, y (g w) = y w, Z (g w) = spread K S *m Z w & Z' (g w) = spread K S *m Z' w].
Definition drawn_signs (b : {ffun 'I_d -> bool}) (t : {perm 'I_d}) : 'M[F]_d :=
  diag_mx (\row_i (-1) ^+ b i) *m perm_mx t.
End Law.

(* random signs and a random permutation of the features, independent of the rest, make any finite law symmetric *)
Definition orbit_law : Prop :=
  forall (F : numFieldType) (d K N : nat) (T : Type) (Omega : finType) (p : Omega -> F) (y : Omega -> T)
    (Z Z' : Omega -> 'M[F]_(d + d + K, N)),
  let sample := [finType of {ffun 'I_d -> bool} * {perm 'I_d} * Omega] in
  let drawn Y (w : sample) := spread K (drawn_signs F w.1.1 w.1.2) *m Y w.2 in
  symmetric_law (fun w : sample => p w.2) (fun w : sample => y w.2) (drawn Z) (drawn Z').
