From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention master.
From LayerProof Require attention master.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Theorem master_state : LayerProofStatements.master.master_state.
Proof. exact: @LayerProof.master.master_state. Qed.
