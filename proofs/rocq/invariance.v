(******************************************************************************)
(* The expected update of the outer loop keeps the commutant of the signed    *)
(* permutations of the features.                                              *)
(*                                                                            *)
(* A prompt has two feature blocks of d rows each and K further rows. The law *)
(* is that of symmetric_law.v, the update that of expected_update.v, the      *)
(* pattern [[aI, bI, 0], [cI, eI, 0], [0, 0, D]] that of commutant.v.         *)
(* spread_signed S == S is diag(S0, S0, 1) for a signed permutation S0        *)
(*                                                                            *)
(* Theorems                                                                   *)
(* commutant_invariant : if every matrix is of the commutant pattern, so is   *)
(*            every matrix after a semi-gradient step                         *)
(* commutant_invariant_residual : and after a residual-gradient step          *)
(* commutant_invariant_any : and after one with any scalars x, x' of which    *)
(*            the symmetry sees nothing                                       *)
(* commutant_invariant_looped, _residual_looped, _any_looped : the same for   *)
(*            weights that every layer shares                                 *)
(*                                                                            *)
(* Sources: ours; the outer loop is that of Wang, Blaser, Daneshmand, Zhang   *)
(* 2025 (arXiv 2405.13861). Any d, K, number of tokens, heads, layers, masks  *)
(* and scale. Assumptions: a numFieldType; nothing is asked of p.             *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From LayerProof Require Import attention gradient commutant symmetric_law.
From LayerProof Require Import expected_update.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Spread.
Variables (F : numFieldType) (d K : nat).

Definition spread_signed (S : 'M[F]_(d + d + K)) :=
  exists2 S0 : 'M_d, signed_perm S0 & S = spread K S0.

Lemma spread_symmetries (i : 'I_K) :
  symmetries (rshift (d + d) i) spread_signed.
Proof.
by move=> _ [S sS ->]; split; [apply: spread_orthogonal | apply: spread_row].
Qed.

Lemma commuting_pattern (A : 'M_(d + d + K)) :
  commuting spread_signed A <-> commutant_pattern A.
Proof.
split=> [comm | /commutant_patternP comm _ [S sS ->]]; last exact: comm.
by apply/commutant_patternP => S sS; apply: comm; exists S.
Qed.

Lemma symmetric_spread (N : nat) (T : Type) (Omega : finType) (p : Omega -> F)
    (y : Omega -> T) (Z Z' : Omega -> 'M_(d + d + K, N)) :
  symmetric_law p y Z Z' -> symmetric_under spread_signed p y Z Z'.
Proof. by move=> sym _ [S sS ->]; apply: sym. Qed.

End Spread.

Section Law.
Variables (F : numFieldType) (d K N : nat) (Omega : finType) (H : nat) (a : F).
Local Notation m := (d + d + K)%N.
Variables (M : nat -> 'I_H -> 'M[F]_N) (L : nat) (i : 'I_K) (c : 'I_N).
Variables (s gamma : F) (p : Omega -> F) (Z Z' : Omega -> 'M[F]_(m, N)).
Implicit Types (theta : nat -> 'I_H -> role -> 'M[F]_m).
Implicit Types (shared : 'I_H -> role -> 'M[F]_m).
Local Notation r := (rshift (d + d) i).
Local Notation mean := (mean_gradient a M L r c s p).
Local Notation mean_looped := (mean_gradient_looped a M L r c s p).
Local Notation semi := (semi_gradient a M L r c s gamma p).
Local Notation semi_looped := (semi_gradient_looped a M L r c s gamma p).
Local Notation residual := (residual_gradient a M L r c s gamma p).
Local Notation residual_looped :=
  (residual_gradient_looped a M L r c s gamma p).

Theorem commutant_invariant_any alpha (x x' : Omega -> F) theta :
  symmetric_law p (fun w => (x w, x' w)) Z Z' ->
  (forall l h k, commutant_pattern (theta l h k)) -> forall l h k,
    commutant_pattern (step alpha theta (mean x x' Z Z' theta) l h k).
Proof.
move=> /symmetric_spread sym pat l h k; apply/commuting_pattern.
apply: (symmetry_invariant_any _ _ _ _ _ (@spread_symmetries F d K i)) => //.
by move=> *; apply/commuting_pattern.
Qed.

Theorem commutant_invariant_any_looped alpha (x x' : Omega -> F) shared :
  symmetric_law p (fun w => (x w, x' w)) Z Z' ->
  (forall h k, commutant_pattern (shared h k)) -> forall h k,
    commutant_pattern
      (step_looped alpha shared (mean_looped x x' Z Z' shared) h k).
Proof.
move=> /symmetric_spread sym pat h k; apply/commuting_pattern.
apply: (symmetry_invariant_any_looped _ _ _ _ _ (@spread_symmetries F d K i)).
  exact: sym.
by move=> *; apply/commuting_pattern.
Qed.

Variable R' : Omega -> F.
Hypothesis sym : symmetric_law p R' Z Z'.

Theorem commutant_invariant alpha theta :
  (forall l h k, commutant_pattern (theta l h k)) -> forall l h k,
    commutant_pattern (step alpha theta (semi R' Z Z' theta) l h k).
Proof.
move=> pat l h k; apply/commuting_pattern.
apply: (symmetry_invariant _ _ _ _ _ _ (@spread_symmetries F d K i)).
  exact: symmetric_spread.
by move=> *; apply/commuting_pattern.
Qed.

Theorem commutant_invariant_residual alpha theta :
  (forall l h k, commutant_pattern (theta l h k)) -> forall l h k,
    commutant_pattern (step alpha theta (residual R' Z Z' theta) l h k).
Proof.
move=> pat l h k; apply/commuting_pattern.
apply: (symmetry_invariant_residual _ _ _ _ _ _ (@spread_symmetries F d K i)).
  exact: symmetric_spread.
by move=> *; apply/commuting_pattern.
Qed.

Theorem commutant_invariant_looped alpha shared :
  (forall h k, commutant_pattern (shared h k)) -> forall h k,
    commutant_pattern
      (step_looped alpha shared (semi_looped R' Z Z' shared) h k).
Proof.
move=> pat h k; apply/commuting_pattern.
apply: (symmetry_invariant_looped _ _ _ _ _ _ (@spread_symmetries F d K i)).
  exact: symmetric_spread.
by move=> *; apply/commuting_pattern.
Qed.

Theorem commutant_invariant_residual_looped alpha shared :
  (forall h k, commutant_pattern (shared h k)) -> forall h k,
    commutant_pattern
      (step_looped alpha shared (residual_looped R' Z Z' shared) h k).
Proof.
move=> pat h k; apply/commuting_pattern.
apply: (symmetry_invariant_residual_looped _ _ _ _ _ _
  (@spread_symmetries F d K i)).
  exact: symmetric_spread.
by move=> *; apply/commuting_pattern.
Qed.

End Law.
