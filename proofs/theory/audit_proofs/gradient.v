From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention gradient.
From LayerProof Require attention gradient.
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

Theorem derivative_line : LayerProofStatements.gradient.derivative_line.
Proof.
move=> R m N H a M L r c s theta E Z.
exact: (LayerProof.gradient.derivative_line a M L r c s (same theta) (same E) Z).
Qed.

Theorem derivative_additive : LayerProofStatements.gradient.derivative_additive.
Proof.
move=> R m N H a M L r c s theta E E' Z.
exact: (LayerProof.gradient.derivative_additive a M L r c s (same theta) (same E) (same E') Z).
Qed.

Theorem derivative_scale : LayerProofStatements.gradient.derivative_scale.
Proof.
move=> R m N H a M L r c s theta t E Z.
exact: (LayerProof.gradient.derivative_scale a M L r c s (same theta) t (same E) Z).
Qed.

Theorem gradient_spec : LayerProofStatements.gradient.gradient_spec.
Proof.
move=> R m N H a M L r c s theta E Z product; rewrite derivativeE LayerProof.gradient.gradient_spec.
by apply: eq_bigr => l _; apply: eq_bigr => h _; rewrite /product !gradientE.
Qed.

Theorem gradient_spec_looped : LayerProofStatements.gradient.gradient_spec_looped.
Proof.
move=> R m N H a M L r c s theta E Z product; rewrite derivativeE.
rewrite [LHS](LayerProof.gradient.gradient_spec_looped a M L r c s (same (fun=> theta) 0) (same (fun=> E) 0)).
apply: eq_bigr => h _; rewrite /product /gradient_looped.
by congr (_ + _ + _); congr (inner _ _); apply: eq_bigr => l _; rewrite gradientE.
Qed.
