From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention.
From LayerProof Require attention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Theorem layer_sumE : LayerProofStatements.attention.layer_sumE.
Proof. exact: @LayerProof.attention.layer_sumE. Qed.
