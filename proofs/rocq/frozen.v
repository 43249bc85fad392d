(******************************************************************************)
(* Layers that attend by patterns made from frozen rows.                      *)
(*                                                                            *)
(* A pattern is any function of rows F that no layer writes: a softmax, a     *)
(* kernel, whatever. A layer adds a sum_h V_h Z A_h(F) and heads of masked    *)
(* linear scores, a sum_k G_k Z (mu_k o Z^T Q_k Z), and then mixes columns,   *)
(* S Z + T Z B (a shift, a copy).                                             *)
(*                                                                            *)
(*   masked mu Q Z == the scores Z^T Q Z, each times mu's entry               *)
(*  pattern_layer a V A G Q mu S T B Z == one such layer                      *)
(*  pattern_tf a V A G Q mu S T B L Z == L of them, with matrices by layer    *)
(*                                                                            *)
(* Theorems                                                                   *)
(*  frozen_affine : with patterns alone the output is affine along every line *)
(*       of prompts: where F ignores the rewards, in the rewards              *)
(*  frozen_polynomial : with linear scores it is a polynomial along every     *)
(*       polynomial prompt                                                    *)
(*  frozen_no_q_learning : no read-out is Q-learning after two iterations or  *)
(*       more for every reward, where F does not depend on the reward         *)
(*                                                                            *)
(* Sources: ours. Assumptions: any commutative ring; the last: any real field.*)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From LayerProof Require Import attention negative.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Section Layer.
Variables (R : comRingType) (m N H K : nat).

Definition masked (mu : 'M[R]_N) (Q : 'M[R]_m) (Z : 'M[R]_(m, N)) : 'M[R]_N :=
  \matrix_(i, j) (mu i j * (Z^T *m Q *m Z) i j).

Definition pattern_layer (a : R) (V : 'I_H -> 'M[R]_m) (A : 'I_H -> 'M[R]_N)
    (G Q : 'I_K -> 'M[R]_m) (mu : 'I_K -> 'M[R]_N) (S T : 'M[R]_m) (B : 'M[R]_N)
    (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  let Y := Z + a *: (\sum_h V h *m Z *m A h
                     + \sum_k G k *m Z *m masked (mu k) (Q k) Z) in
  S *m Y + T *m Y *m B.

Fixpoint pattern_tf (a : R) (V : nat -> 'I_H -> 'M[R]_m)
    (A : nat -> 'I_H -> 'M[R]_N) (G Q : nat -> 'I_K -> 'M[R]_m)
    (mu : nat -> 'I_K -> 'M[R]_N) (S T : nat -> 'M[R]_m) (B : nat -> 'M[R]_N)
    (L : nat) (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  if L is l.+1 then
    pattern_layer a (V l) (A l) (G l) (Q l) (mu l) (S l) (T l) (B l)
      (pattern_tf a V A G Q mu S T B l Z)
  else Z.
End Layer.

Lemma pattern_tf_ext (R : comRingType) (m N H K : nat) (a a' : R)
    (V V' : nat -> 'I_H -> 'M[R]_m) (A A' : nat -> 'I_H -> 'M[R]_N)
    (G G' Q Q' : nat -> 'I_K -> 'M[R]_m) (mu mu' : nat -> 'I_K -> 'M[R]_N)
    (S S' T T' : nat -> 'M[R]_m) (B B' : nat -> 'M[R]_N) L (Z Z' : 'M_(m, N)) :
  a = a' -> (forall l h, V l h = V' l h) -> (forall l h, A l h = A' l h) ->
  (forall l k, G l k = G' l k) -> (forall l k, Q l k = Q' l k) ->
  (forall l k, mu l k = mu' l k) -> (forall l, S l = S' l) ->
  (forall l, T l = T' l) -> (forall l, B l = B' l) -> Z = Z' ->
  pattern_tf a V A G Q mu S T B L Z = pattern_tf a' V' A' G' Q' mu' S' T' B' L Z'.
Proof.
move=> <- eV eA eG eQ em eS eT eB <-; elim: L => //= l ->.
rewrite /pattern_layer eS eT eB; move: (pattern_tf _ _ _ _ _ _ _ _ _ _ _) => X.
have -> : \sum_h V l h *m X *m A l h = \sum_h V' l h *m X *m A' l h.
  by apply: eq_bigr => h _; rewrite eV eA.
have -> // : \sum_k G l k *m X *m masked (mu l k) (Q l k) X
    = \sum_k G' l k *m X *m masked (mu' l k) (Q' l k) X.
by apply: eq_bigr => k _; rewrite eG eQ em.
Qed.

Section Affine.
Variables (R : comRingType) (m N H : nat) (a : R).
Variables (V : nat -> 'I_H -> 'M[R]_m) (A : nat -> 'I_H -> 'M[R]_N).
Variables (G Q : nat -> 'I_0 -> 'M[R]_m) (mu : nat -> 'I_0 -> 'M[R]_N).
Variables (S T : nat -> 'M[R]_m) (B : nat -> 'M[R]_N).

Theorem frozen_affine L (Z0 Z1 : 'M[R]_(m, N)) : exists Y0 Y1, forall t,
  pattern_tf a V A G Q mu S T B L (Z0 + t *: Z1) = Y0 + t *: Y1.
Proof.
elim: L => [|L [Y0 [Y1 IH]]] /=; first by exists Z0, Z1.
pose X Y := Y + a *: \sum_h V L h *m Y *m A L h.
pose D Y := S L *m X Y + T L *m X Y *m B L.
have sum_line t : \sum_h V L h *m (Y0 + t *: Y1) *m A L h
    = \sum_h V L h *m Y0 *m A L h + t *: \sum_h V L h *m Y1 *m A L h.
  rewrite scaler_sumr -big_split; apply: eq_bigr => h _ /=.
  by rewrite mulmxDr mulmxDl -scalemxAr -scalemxAl.
have X_line t : X (Y0 + t *: Y1) = X Y0 + t *: X Y1.
  by rewrite /X sum_line !scalerDr !scalerA [a * t]mulrC addrACA.
exists (D Y0), (D Y1) => t; rewrite IH /pattern_layer big_ord0 addr0 -/(X _).
rewrite X_line /D mulmxDr [T L *m _]mulmxDr mulmxDl -!scalemxAr -scalemxAl.
by rewrite scalerDr addrACA.
Qed.
End Affine.

Section Morphism.
Variables (R S' : comRingType) (f : {rmorphism R -> S'}) (m N H K : nat).
Local Notation "A ^f" := (map_mx f A) : ring_scope.

Lemma masked_morphism (mu : 'M[R]_N) (Q : 'M[R]_m) (Z : 'M[R]_(m, N)) :
  (masked mu Q Z)^f = masked mu^f Q^f Z^f.
Proof.
have E : Z^f^T *m Q^f *m Z^f = (Z^T *m Q *m Z)^f by rewrite !map_mxM map_trmx.
rewrite /masked E; move: (Z^T *m Q *m Z) => X.
by apply/matrixP => i j; rewrite !mxE rmorphM.
Qed.

Lemma pattern_tf_morphism (a : R) (V : nat -> 'I_H -> 'M[R]_m)
    (A : nat -> 'I_H -> 'M[R]_N) (G Q : nat -> 'I_K -> 'M[R]_m)
    (mu : nat -> 'I_K -> 'M[R]_N) (S T : nat -> 'M[R]_m) (B : nat -> 'M[R]_N)
    (L : nat) (Z : 'M[R]_(m, N)) :
  (pattern_tf a V A G Q mu S T B L Z)^f
  = pattern_tf (f a) (fun l h => (V l h)^f) (fun l h => (A l h)^f)
      (fun l k => (G l k)^f) (fun l k => (Q l k)^f) (fun l k => (mu l k)^f)
      (fun l => (S l)^f) (fun l => (T l)^f) (fun l => (B l)^f) L Z^f.
Proof.
elim: L => //= L <-; rewrite /pattern_layer !(map_mxD, map_mxM, map_mxZ).
set Y := pattern_tf _ _ _ _ _ _ _ _ _ _ _.
have -> : (\sum_h V L h *m Y *m A L h)^f
          = \sum_h (V L h)^f *m Y^f *m (A L h)^f.
  by rewrite raddf_sum; apply: eq_bigr => h _; rewrite /= !map_mxM.
have -> // : (\sum_k G L k *m Y *m masked (mu L k) (Q L k) Y)^f
  = \sum_k (G L k)^f *m Y^f *m masked (mu L k)^f (Q L k)^f Y^f.
by rewrite raddf_sum; apply: eq_bigr => k _; rewrite /= !map_mxM masked_morphism.
Qed.
End Morphism.

Section Polynomial.
Variables (R : comRingType) (m N H K : nat) (a : R).
Variables (V : nat -> 'I_H -> 'M[R]_m) (A : nat -> 'I_H -> 'M[R]_N).
Variables (G Q : nat -> 'I_K -> 'M[R]_m) (mu : nat -> 'I_K -> 'M[R]_N).
Variables (S T : nat -> 'M[R]_m) (B : nat -> 'M[R]_N).

Theorem frozen_polynomial L (Z : 'M[{poly R}]_(m, N)) u v : exists p : {poly R},
  forall t, read_out u v (pattern_tf a V A G Q mu S T B L (at_t Z t)) = p.[t].
Proof.
pose c k l (X : 'M[R]_(k, l)) := map_mx polyC X.
pose Zt := pattern_tf a%:P (fun l h => c _ _ (V l h)) (fun l h => c _ _ (A l h))
  (fun l k => c _ _ (G l k)) (fun l k => c _ _ (Q l k))
  (fun l k => c _ _ (mu l k)) (fun l => c _ _ (S l)) (fun l => c _ _ (T l))
  (fun l => c _ _ (B l)) L Z.
exists ((c _ _ u *m Zt *m c _ _ v) 0 0) => t.
have ZtE : pattern_tf a V A G Q mu S T B L (at_t Z t)
    = map_mx (horner_eval t) Zt.
  rewrite /Zt (pattern_tf_morphism [rmorphism of horner_eval t]).
  apply: pattern_tf_ext; last exact: at_tE.
  all: try by move=> *; symmetry; apply: at_tC.
  by rewrite /= /horner_eval hornerC.
rewrite ZtE /read_out -{1}[u](at_tC u t) -{1}[v](at_tC v t).
by rewrite -!map_mxM mxE.
Qed.
End Polynomial.

Section Impossible.
Variables (F : realFieldType) (m N p H K : nat) (a : F).
Variables (V : nat -> 'I_H -> 'M[F]_m).
Variables (A : nat -> 'I_H -> 'M[F]_(p, N) -> 'M[F]_N).
Variables (G Q : nat -> 'I_K -> 'M[F]_m) (mu : nat -> 'I_K -> 'M[F]_N).
Variables (S T : nat -> 'M[F]_m) (B : nat -> 'M[F]_N).
Variables (frozen : 'M[F]_(p, N)) (L : nat) (Z : 'M[{poly F}]_(m, N)).
Variables (u : 'rV[F]_m) (v : 'cV[F]_N).

Theorem frozen_no_q_learning l : (2 <= l)%N ->
  ~ (forall rew, read_out u v (pattern_tf a V (fun k h => A k h frozen) G Q mu
       S T B L (at_t Z rew)) = q_value rew l).
Proof.
move=> l2 same; have [q qE] := frozen_polynomial a V (fun k h => A k h frozen)
  G Q mu S T B L Z u v.
by apply: (q_not_polynomial (p := q) l2) => t; rewrite -qE.
Qed.
End Impossible.
