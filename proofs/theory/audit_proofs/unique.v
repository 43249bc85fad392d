From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention unique.
From LayerProof Require attention unique.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma one_headE (F : numFieldType) p n (a : F) P Q Z : one_head a P Q Z = @LayerProof.unique.one_head F p n a P Q Z.
Proof. by rewrite LayerProof.unique.one_headE. Qed.

Theorem one_layer_unique_all : LayerProofStatements.unique.one_layer_unique_all.
Proof.
move=> F p n a a0 E q rE P Q; rewrite -(LayerProof.unique.one_layer_unique_all n a0 q rE P Q).
split=> -[row features]; split=> Z.
- by rewrite -one_headE; apply: row.
- by rewrite -one_headE; apply: features.
- by rewrite one_headE; apply: row.
by rewrite one_headE; apply: features.
Qed.
