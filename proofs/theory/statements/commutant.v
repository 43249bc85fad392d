(* The signed permutation matrices, and what commutes with them. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Signed.
Variables (F : numFieldType) (d : nat).
Definition signed_permutation (S : 'M[F]_d) : Prop :=
  exists (b : 'I_d -> bool) (t : 'S_d), S = diag_mx (\row_i (-1) ^+ b i) *m perm_mx t.
(* on two feature blocks of d rows each, K further rows left alone *)
Definition spread (K : nat) (S : 'M[F]_d) : 'M[F]_(d + d + K) := block_mx (block_mx S 0 0 S) 0 0 1%:M.
Definition pattern (K : nat) (A : 'M[F]_(d + d + K)) : Prop :=
  exists a b c e (D : 'M[F]_K), A = block_mx (block_mx a%:M b%:M c%:M e%:M) 0 0 D.
End Signed.

(* the matrices that commute with all signed permutation matrices are the multiples of the identity *)
Definition signed_permutation_commutant : Prop :=
  forall (F : numFieldType) (d : nat) (A : 'M[F]_d),
  (forall S : 'M[F]_d, signed_permutation S -> S *m A = A *m S) <-> (exists x : F, A = x%:M).

(* those that commute with all diag(S, S, 1) are [[aI, bI, 0], [cI, eI, 0], [0, 0, D]] *)
Definition commutant_patternP : Prop :=
  forall (F : numFieldType) (d K : nat) (A : 'M[F]_(d + d + K)),
  (forall S : 'M[F]_d, signed_permutation S -> spread K S *m A = A *m spread K S) <-> pattern A.
