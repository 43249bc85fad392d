From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention negative.
From LayerProof Require attention negative.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Theorem tf_odd : LayerProofStatements.negative.tf_odd.
Proof. exact: @LayerProof.negative.tf_odd. Qed.

Theorem tf_line : LayerProofStatements.negative.tf_line.
Proof. exact: @LayerProof.negative.tf_line. Qed.

Theorem no_max : LayerProofStatements.negative.no_max.
Proof. exact: @LayerProof.negative.no_max. Qed.

Lemma q_learningE (F : realFieldType) (t : F) l : q_learning t l = LayerProof.negative.q_value t l.
Proof. exact: erefl. Qed.

Theorem no_q_learning : LayerProofStatements.negative.no_q_learning.
Proof.
move=> F m N H a W P Q M L Z u v l l1 out.
apply: (@LayerProof.negative.no_q_learning F m N H a W P Q M L Z u v l l1) => t.
by rewrite -q_learningE -out.
Qed.
