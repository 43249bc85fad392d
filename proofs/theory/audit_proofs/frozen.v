From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention negative frozen.
From LayerProof Require attention negative frozen.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Theorem frozen_affine : LayerProofStatements.frozen.frozen_affine.
Proof. exact: @LayerProof.frozen.frozen_affine. Qed.

Lemma q_learningE (F : realFieldType) (t : F) l : q_learning t l = LayerProof.negative.q_value t l.
Proof. exact: erefl. Qed.

Theorem frozen_no_q_learning : LayerProofStatements.frozen.frozen_no_q_learning.
Proof.
move=> F m N p H K a V A G Q mu S T B z L Z u v l l1 out.
apply: (@LayerProof.frozen.frozen_no_q_learning F m N p H K a V A G Q mu S T B z L Z u v l l1) => t.
by rewrite -q_learningE -out.
Qed.
