From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention gradient commutant expected_update vector_blocks.
From LayerProof Require attention gradient commutant expected_update vector_blocks.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* the theory's family of matrices for the statement's *)
Definition same H (T : Type) (theta : nat -> 'I_H -> role -> T) l h (k : LayerProof.gradient.role) : T :=
  theta l h (match k with LayerProof.gradient.OfW => OfW | LayerProof.gradient.OfP => OfP | _ => OfQ end).
Definition role_of (k : role) : LayerProof.gradient.role :=
  match k with OfW => LayerProof.gradient.OfW | OfP => LayerProof.gradient.OfP | OfQ => LayerProof.gradient.OfQ end.

Section Same.
Variables (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat).
Variables (r : 'I_m) (c : 'I_N) (s : R).
Lemma derivativeE theta E Z : derivative a M L r c s theta E Z
  = LayerProof.gradient.dtf a M L r c s (same theta) (same E) Z.
Proof. by []. Qed.
Lemma gradientE theta Z l h k : gradient a M L r c s theta Z l h k
  = LayerProof.gradient.grad a M L r c s (same theta) Z l h (role_of k).
Proof. by apply/matrixP=> i j; rewrite !mxE derivativeE; apply: LayerProof.gradient.eq_dtf => // l' h' [] _; case: k. Qed.
End Same.

(* and the theory's updates for the statement's *)
Section SameUpdate.
Variables (R : comRingType) (m N : nat) (Omega : finType) (H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat).
Variables (r : 'I_m) (c : 'I_N) (s gamma : R) (p R' : Omega -> R) (Z Z' : Omega -> 'M[R]_(m, N)).
Lemma semi_gradientE theta l h k : semi_gradient a M L r c s gamma p R' Z Z' theta l h k
  = LayerProof.expected_update.semi_gradient a M L r c s gamma p R' Z Z' (same theta) l h (role_of k).
Proof. by apply: eq_bigr => w _; rewrite gradientE. Qed.
Lemma residual_gradientE theta l h k : residual_gradient a M L r c s gamma p R' Z Z' theta l h k
  = LayerProof.expected_update.residual_gradient a M L r c s gamma p R' Z Z' (same theta) l h (role_of k).
Proof. by apply: eq_bigr => w _; rewrite !gradientE. Qed.
Lemma gradient_loopedE theta Y h k : gradient_looped a M L r c s theta Y h k
  = LayerProof.gradient.grad_looped a M L r c s (same (fun=> theta) 0%N) Y h (role_of k).
Proof. by apply: eq_bigr => l _; rewrite gradientE. Qed.
Lemma semi_gradient_loopedE theta h k : semi_gradient_looped a M L r c s gamma p R' Z Z' theta h k
  = LayerProof.expected_update.semi_gradient_looped a M L r c s gamma p R' Z Z' (same (fun=> theta) 0%N) h (role_of k).
Proof. by apply: eq_bigr => w _; rewrite gradient_loopedE. Qed.
Lemma residual_gradient_loopedE theta h k : residual_gradient_looped a M L r c s gamma p R' Z Z' theta h k
  = LayerProof.expected_update.residual_gradient_looped a M L r c s gamma p R' Z Z' (same (fun=> theta) 0%N) h (role_of k).
Proof. by apply: eq_bigr => w _; rewrite !gradient_loopedE. Qed.
End SameUpdate.

Theorem blocks_patternP : LayerProofStatements.vector_blocks.blocks_patternP.
Proof. exact: @LayerProof.vector_blocks.blocks_patternP. Qed.

Theorem blocks_invariant : LayerProofStatements.vector_blocks.blocks_invariant.
Proof.
move=> F V d K N Omega H a M L i c s gamma p R' Z Z' sym alpha theta pat l h k; rewrite semi_gradientE.
have := LayerProof.vector_blocks.blocks_invariant a M L i c s gamma sym (same alpha) (theta := same theta).
by move=> /(_ (fun l h k => pat _ _ _) l h (role_of k)); case: k.
Qed.

Theorem blocks_invariant_looped : LayerProofStatements.vector_blocks.blocks_invariant_looped.
Proof.
move=> F V d K N Omega H a M L i c s gamma p R' Z Z' sym alpha theta pat h k; rewrite semi_gradient_loopedE.
have := LayerProof.vector_blocks.blocks_invariant_looped a M L i c s gamma sym (same (fun=> alpha) 0%N)
  (theta := same (fun=> theta) 0%N).
by move=> /(_ (fun h k => pat _ _) h (role_of k)); case: k.
Qed.
