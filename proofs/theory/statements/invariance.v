(* Two feature blocks and K further rows: the commutant of the signed permutations is invariant. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention gradient commutant symmetric_law expected_update.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Law.
Variables (F : numFieldType) (d K N : nat) (Omega : finType) (H : nat) (a : F).
Variables (M : nat -> 'I_H -> 'M[F]_N) (L : nat) (i : 'I_K) (c : 'I_N) (s gamma : F).
Variables (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + K, N)).
(* one step keeps the pattern, for the update u of the weights theta *)
Definition keeps (u : (nat -> 'I_H -> role -> 'M[F]_(d + d + K)) -> nat -> 'I_H -> role -> 'M[F]_(d + d + K)) : Prop :=
  forall (alpha : nat -> 'I_H -> role -> F) (theta : nat -> 'I_H -> role -> 'M[F]_(d + d + K)),
  (forall l h k, pattern (theta l h k)) -> forall l h k, pattern (theta l h k + alpha l h k *: u theta l h k).
Definition keeps_looped (u : ('I_H -> role -> 'M[F]_(d + d + K)) -> 'I_H -> role -> 'M[F]_(d + d + K)) : Prop :=
  forall (alpha : 'I_H -> role -> F) (theta : 'I_H -> role -> 'M[F]_(d + d + K)),
  (forall h k, pattern (theta h k)) -> forall h k, pattern (theta h k + alpha h k *: u theta h k).
End Law.

(* an expected semi-gradient step under a symmetric law keeps the commutant, other weights at every layer *)
Definition commutant_invariant : Prop :=
  forall (F : numFieldType) (d K N : nat) (Omega : finType) (H : nat) (a : F) (M : nat -> 'I_H -> 'M[F]_N) (L : nat)
    (i : 'I_K) (c : 'I_N) (s gamma : F) (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + K, N)),
  symmetric_law p R' Z Z' -> keeps (semi_gradient a M L (rshift (d + d) i) c s gamma p R' Z Z').

(* an expected step along the full residual gradient of the outer error keeps the commutant too *)
Definition commutant_invariant_residual : Prop :=
  forall (F : numFieldType) (d K N : nat) (Omega : finType) (H : nat) (a : F) (M : nat -> 'I_H -> 'M[F]_N) (L : nat)
    (i : 'I_K) (c : 'I_N) (s gamma : F) (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + K, N)),
  symmetric_law p R' Z Z' -> keeps (residual_gradient a M L (rshift (d + d) i) c s gamma p R' Z Z').

(* so does a step with any scalars that the symmetry leaves alone in place of the outer error *)
Definition commutant_invariant_any : Prop :=
  forall (F : numFieldType) (d K N : nat) (Omega : finType) (H : nat) (a : F) (M : nat -> 'I_H -> 'M[F]_N) (L : nat)
    (i : 'I_K) (c : 'I_N) (s : F) (p x x' : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + K, N))
    (alpha : nat -> 'I_H -> role -> F) (theta : nat -> 'I_H -> role -> 'M[F]_(d + d + K)),
  symmetric_law p (fun w => (x w, x' w)) Z Z' -> (forall l h k, pattern (theta l h k)) ->
  let grad := gradient a M L (rshift (d + d) i) c s theta in forall l h k,
  pattern (theta l h k + alpha l h k *: \sum_w p w *: (x w *: grad (Z w) l h k + x' w *: grad (Z' w) l h k)).

(* an expected semi-gradient step keeps the commutant also when all layers share their weights *)
Definition commutant_invariant_looped : Prop :=
  forall (F : numFieldType) (d K N : nat) (Omega : finType) (H : nat) (a : F) (M : nat -> 'I_H -> 'M[F]_N) (L : nat)
    (i : 'I_K) (c : 'I_N) (s gamma : F) (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + K, N)),
  symmetric_law p R' Z Z' -> keeps_looped (semi_gradient_looped a M L (rshift (d + d) i) c s gamma p R' Z Z').

(* and so does an expected residual-gradient step *)
Definition commutant_invariant_residual_looped : Prop :=
  forall (F : numFieldType) (d K N : nat) (Omega : finType) (H : nat) (a : F) (M : nat -> 'I_H -> 'M[F]_N) (L : nat)
    (i : 'I_K) (c : 'I_N) (s gamma : F) (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + K, N)),
  symmetric_law p R' Z Z' -> keeps_looped (residual_gradient_looped a M L (rshift (d + d) i) c s gamma p R' Z Z').
