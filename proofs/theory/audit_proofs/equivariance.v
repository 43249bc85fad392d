From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention gradient equivariance.
From LayerProof Require attention gradient equivariance.
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

Theorem transformer_equivariant : LayerProofStatements.equivariance.transformer_equivariant.
Proof. exact: @LayerProof.equivariance.transformer_equivariant. Qed.

Theorem derivative_equivariant : LayerProofStatements.equivariance.derivative_equivariant.
Proof.
move=> R m N H a M L r c s S SS rS theta E Z.
exact: (LayerProof.equivariance.derivative_equivariant a M L c s SS rS (same theta) (same E) Z).
Qed.

Theorem gradient_equivariant : LayerProofStatements.equivariance.gradient_equivariant.
Proof.
move=> R m N H a M L r c s S SS rS theta Z l h k; rewrite !gradientE.
exact: (LayerProof.equivariance.gradient_equivariant a M L c s SS rS (same theta) Z l h (role_of k)).
Qed.
