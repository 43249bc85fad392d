From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require convergence.
From LayerProof Require convergence.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.
Module Import Said := LayerProofStatements.convergence.

(* The theory's definitions are the statements' own. *)
Lemma same_iterate : @LayerProof.convergence.iterate = @Said.iterate.
Proof. exact: erefl. Qed.
Lemma same_matrix : @LayerProof.convergence.tabular_T = @Said.tabular_T.
Proof. exact: erefl. Qed.

Theorem lyapunov_bound : Said.lyapunov_bound.
Proof.
move=> R k F X h u z r b symmetric positive shrinks r0 hu b0 bound l.
exact: (LayerProof.convergence.lyapunov_bound symmetric positive shrinks r0 hu b0 bound l).
Qed.

Theorem geometric_bound : Said.geometric_bound.
Proof.
move=> R N k m T c w0 star q B S F G X z h u r b fixed start invariant seen read symmetric positive shrinks.
move=> r0 hu b0 bound l.
exact: (LayerProof.convergence.geometric_bound fixed start invariant seen read symmetric positive shrinks r0 hu b0
  bound l).
Qed.

Theorem trajectory_identity : Said.trajectory_identity.
Proof. move=> R d n gamma phi x; exact: LayerProof.convergence.trajectory_identity. Qed.

Theorem closed_trajectory_positive : Said.closed_trajectory_positive.
Proof. move=> R d n gamma phi; exact: LayerProof.convergence.closed_trajectory_positive. Qed.

Theorem tabular_row_sum : Said.tabular_row_sum.
Proof. move=> R s n from to a gamma i; exact: LayerProof.convergence.tabular_row_sum. Qed.

Theorem average_reward_drift : Said.average_reward_drift.
Proof. move=> R s n a state r w L; exact: LayerProof.convergence.average_reward_drift. Qed.
