From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention constant_row.
From LayerProof Require attention constant_row.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Theorem const_head : LayerProofStatements.constant_row.const_head.
Proof. exact: @LayerProof.constant_row.const_head. Qed.

Theorem skip_linear : LayerProofStatements.constant_row.skip_linear.
Proof.
move=> F p K n c X q D Y n0 ones.
exists (fun h => col h (col_base D)), (fun h => row h (row_base D)).
exact: (LayerProof.constant_row.skip_linear D Y n0 ones).
Qed.
