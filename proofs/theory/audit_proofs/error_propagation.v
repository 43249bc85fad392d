From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import attention error_propagation.
From LayerProof Require attention error_propagation.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Lemma carryE (V : zmodType) (A : nat -> {additive V -> V}) s k e :
  carry (fun l v => A l v) s k e = LayerProof.error_propagation.carry A s k e.
Proof. by elim: k => //= k ->. Qed.

Theorem error_propagation : LayerProofStatements.error_propagation.error_propagation.
Proof.
move=> V A b y yh d h0 hy hyh L; rewrite (LayerProof.error_propagation.error_propagation h0 hy hyh).
by apply: eq_bigr => l _; rewrite carryE.
Qed.

Theorem attention_error : LayerProofStatements.error_propagation.attention_error.
Proof.
move=> p K N H R a V S E M X Zh L hX.
rewrite [LHS](LayerProof.error_propagation.attention_error a V S E M hX).
by apply: eq_bigr => l _; rewrite -carryE.
Qed.

Theorem adjoint_of_row_layer : LayerProofStatements.error_propagation.adjoint_of_row_layer.
Proof.
move=> R p K N H a V S E M X l G Y.
exact: (LayerProof.error_propagation.adjoint_layerP a (fun h => V l h *m S l h) (M l) (E l) X G Y).
Qed.

Lemma pullE (R : comRingType) p K N H (a : R) (V S : nat -> 'I_H -> 'M[R]_K) (E : nat -> 'I_H -> 'M[R]_p) M
    (X : 'M[R]_(p, N)) s k G :
  pull a V S E M X s k G = LayerProof.error_propagation.pull a V S E M X s k G.
Proof. by elim: k G => //= k IH G; rewrite IH. Qed.

Theorem attention_entry_bound : LayerProofStatements.error_propagation.attention_entry_bound.
Proof.
move=> p K N H R a V S E M X Zh beta k t L hX hb.
apply: le_trans (LayerProof.error_propagation.attention_entry_bound k t hX hb) _.
by apply: ler_sum => l _; apply: ler_sum => i _; apply: ler_sum => j _; rewrite pullE.
Qed.

Theorem affine_error : LayerProofStatements.error_propagation.affine_error.
Proof.
move=> p K N H R a V S F E T M X Zh L one hX.
rewrite [LHS](LayerProof.error_propagation.affine_error a V F E M one hX).
by apply: eq_bigr => l _; rewrite -carryE.
Qed.

Theorem adjoint_of_affine_layer : LayerProofStatements.error_propagation.adjoint_of_affine_layer.
Proof.
move=> R p K N H a V S F E T M X l G Y.
exact: (LayerProof.error_propagation.adjoint_affineP a (V l) (S l) (F l) (E l) (T l) (M l) X G Y).
Qed.

Lemma pull_affineE (R : comRingType) p K N H (a : R) (V S : nat -> 'I_H -> 'M[R]_K) F (E : nat -> 'I_H -> 'M[R]_p) T M
    (X : 'M[R]_(p, N)) s k G :
  affine_pull a V S F E T M X s k G = LayerProof.error_propagation.pull_affine a V S F E T M X s k G.
Proof. by elim: k G => //= k IH G; rewrite IH. Qed.

Theorem affine_entry_bound : LayerProofStatements.error_propagation.affine_entry_bound.
Proof.
move=> p K N H R a V S F E T M X Zh beta k t L one hX hb.
apply: le_trans (LayerProof.error_propagation.affine_entry_bound one k t hX hb) _.
by apply: ler_sum => l _; apply: ler_sum => i _; apply: ler_sum => j _; rewrite pull_affineE.
Qed.
