From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import commutant.
From LayerProof Require commutant.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Theorem signed_permutation_commutant : LayerProofStatements.commutant.signed_permutation_commutant.
Proof. exact: @LayerProof.commutant.signed_permutation_commutant. Qed.

Theorem commutant_patternP : LayerProofStatements.commutant.commutant_patternP.
Proof. exact: @LayerProof.commutant.commutant_patternP. Qed.
