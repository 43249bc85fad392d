(******************************************************************************)
(* What a generated file needs to put its algorithm under the invariance      *)
(* theorems of vector_blocks.v: a signed permutation of the data moves the    *)
(* prompt, and the weights are of the pattern.                                *)
(*                                                                            *)
(* scalar A == A is a multiple of the identity                                *)
(* pattern A == the blocks_pattern of vector_blocks.v: diag(B, D), B of blocks*)
(*            that are multiples of the identity, any D                       *)
(*                                                                            *)
(* Theorems                                                                   *)
(* moved_rows : S on every vector of the data is diag(S, ..., S) on the rows  *)
(*            that hold them                                                  *)
(* dot_moved : and leaves inner products as they are, S orthogonal            *)
(* pattern_values, pattern_one, pattern_keys : diag(0, U), the identity, and  *)
(*            diag(E, G) with every d x d block of E scalar, are of the       *)
(*            pattern                                                         *)
(* The tactics at the end close what is left of one entry of the prompt, and  *)
(* of one block of the weights.                                               *)
(*                                                                            *)
(* Sources: ours. Assumptions: a numFieldType; any V, T, d, n.                *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From LayerProof Require Import attention loop_masks loop_prompt.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Moved.
Variables (F : numFieldType) (n d V : nat) (S : 'M[F]_d).

Lemma moved_rows (x y : 'I_V -> 'I_n -> 'rV[F]_d) (q p : 'I_V -> 'rV[F]_d) :
    (forall v j, y v j = x v j *m S^T) -> (forall v, p v = q v *m S^T) ->
  \mxcol_(v < V) row_mx (\matrix_(i, j) y v j 0 i) (p v)^T
  = (\mxdiag_(v < V) S)
      *m \mxcol_(v < V) row_mx (\matrix_(i, j) x v j 0 i) (q v)^T.
Proof.
move=> yE pE; rewrite mul_mxdiag_mxcol; apply: eq_mxcol => v.
rewrite mul_mx_row; congr row_mx; last by rewrite pE trmx_mul trmxK.
apply/matrixP => i j; rewrite !mxE yE !mxE; apply: eq_bigr => k _.
by rewrite !mxE mulrC.
Qed.

Lemma dot_moved (u v : 'rV[F]_d) :
  S^T *m S = 1%:M -> dot (u *m S^T) (v *m S^T) = dot u v.
Proof.
by move=> SS; rewrite /dot trmx_mul trmxK mulmxA -(mulmxA u) SS mulmx1.
Qed.

End Moved.

Section Scalar.
Variables (F : numFieldType) (d : nat).
Implicit Types (A B : 'M[F]_d).

Definition scalar A := exists x, A = x%:M.

Lemma scalar0 : scalar 0. Proof. by exists 0; rewrite raddf0. Qed.
Lemma scalar_of x : scalar x%:M. Proof. by exists x. Qed.
Lemma scalarN A : scalar A -> scalar (- A).
Proof. by move=> [x ->]; exists (- x); rewrite raddfN. Qed.
Lemma scalarD A B : scalar A -> scalar B -> scalar (A + B).
Proof. by move=> [x ->] [y ->]; exists (x + y); rewrite raddfD. Qed.
Lemma scalarZ c A : scalar A -> scalar (c *: A).
Proof. by move=> [x ->]; exists (c * x); rewrite scale_scalar_mx. Qed.
Lemma scalarM A B : scalar A -> scalar B -> scalar (A *m B).
Proof. by move=> [x ->] [y ->]; exists (x * y); rewrite -scalar_mxM. Qed.
Lemma scalarT A : scalar A -> scalar A^T.
Proof. by move=> [x ->]; exists x; rewrite tr_scalar_mx. Qed.

End Scalar.

Section Pattern.
Variables (F : numFieldType) (d V T : nat).

Definition pattern (A : 'M[F]_(\sum_(v < V) d + T)) :=
  exists (x : 'I_V -> 'I_V -> F) D,
  A = block_mx (\mxblock_(u < V, v < V) ((x u v)%:M : 'M_d)) 0 0 D.

Lemma pattern_keys (E : 'I_V -> 'I_V -> 'M[F]_d) (D : 'M[F]_T) :
  (forall r s, scalar (E r s)) ->
  pattern (block_mx (\mxblock_(r < V, s < V) E r s) 0 0 D).
Proof.
move=> scal; have [x xE] := fin_all_exists (fun r => fin_all_exists (scal r)).
by exists x, D; congr block_mx; apply: eq_mxblock => r s; apply: xE.
Qed.

Lemma pattern_values (D : 'M[F]_T) :
  pattern (block_mx (0 : 'M_(\sum_(v < V) d)) 0 0 D).
Proof.
rewrite -[X in block_mx X]mxblock0; apply: pattern_keys => r s; apply: scalar0.
Qed.

Lemma pattern_one : pattern (1%:M : 'M[F]_(\sum_(v < V) d + T)).
Proof.
exists (fun r s => (r == s)%:R), 1%:M; rewrite scalar_mx_block; congr block_mx.
rewrite -mxdiagZ; apply: eq_mxblock => r s; case: eqVneq => [_|_].
  by rewrite conform_mx_id.
by rewrite raddf0.
Qed.

End Pattern.

Ltac close_scalar_block given := repeat first
  [ exact: scalar0 | exact: scalar_of | given | apply: scalarN | apply: scalarT
  | apply: scalarZ | apply: scalarD | apply: scalarM ].
Ltac close_moved_vector :=
  rewrite ?(mul0mx, mulmxDl, mulNmx) -?scalemxAl; first [done | close_vector].
Ltac close_moved_number SS :=
  linear; rewrite ?(dot_moved _ _ SS); name_dots; first [done | ring].
