From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import commutant symmetric_law.
From LayerProof Require commutant symmetric_law.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Theorem orbit_law : LayerProofStatements.symmetric_law.orbit_law.
Proof. exact: @LayerProof.symmetric_law.orbit_law. Qed.
