From mathcomp Require Import all_ssreflect perm all_algebra.
From LayerProofStatements Require Import sum_error.
From LayerProof Require sum_error.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* the theory's trees for the statement's, with every number the same *)
Section Same.
Variable R : realFieldType.
Definition same_rounding (r : rounding R) := LayerProof.sum_error.Rounding (relative r) (absolute r).
Fixpoint same (t : tree R) : LayerProof.sum_error.tree R :=
  match t with
  | Leaf r x => LayerProof.sum_error.Leaf (same_rounding r) x
  | Cast r s => LayerProof.sum_error.Cast (same_rounding r) (same s)
  | Add r s v => LayerProof.sum_error.Add (same_rounding r) (same s) (same v)
  | Mul r s v => LayerProof.sum_error.Mul (same_rounding r) (same s) (same v)
  end.

Lemma value_ofE (x : option R) : odflt 0 x = value_of x. Proof. by case: x. Qed.
Lemma count_ofE (x : option R) : isSome x = count_of x :> nat. Proof. by case: x. Qed.
Lemma roundedE r x : LayerProof.sum_error.round (same_rounding r) x = rounded r x.
Proof. by rewrite /LayerProof.sum_error.round /rounded /= !value_ofE. Qed.
Lemma admissibleE u eta r : admissible u eta r -> LayerProof.sum_error.admissible u eta (same_rounding r).
Proof. by rewrite /LayerProof.sum_error.admissible /admissible /= !value_ofE. Qed.
Lemma okE u eta t : ok u eta t -> LayerProof.sum_error.ok u eta (same t).
Proof.
elim: t => [r x|r s IHs|r s IHs v IHv|r s IHs v IHv] /=; first exact: admissibleE.
- by move=> [/admissibleE ? /IHs].
- by move=> [/admissibleE ? [/IHs ? /IHv]].
by move=> [/admissibleE ? [/IHs ? /IHv]].
Qed.
Lemma exactE t : LayerProof.sum_error.exact (same t) = exact t.
Proof. by elim: t => //= r s -> v ->. Qed.
Lemma computedE t : LayerProof.sum_error.computed (same t) = computed t.
Proof. by elim: t => [r x|r s IHs|r s IHs v IHv|r s IHs v IHv] /=; rewrite roundedE ?IHs ?IHv. Qed.
Lemma magnitudeE t : LayerProof.sum_error.magnitude (same t) = magnitude t.
Proof. by elim: t => //= r s -> v ->. Qed.
Lemma magnitude1E t : LayerProof.sum_error.magnitude1 (same t) = magnitude1 t.
Proof. by elim: t => //= r s -> v ->. Qed.
Lemma roundingsE t : LayerProof.sum_error.roundings (same t) = roundings t.
Proof. by elim: t => [r x|r s IHs|r s IHs v IHv|r s IHs v IHv] /=; rewrite ?IHs ?IHv count_ofE. Qed.
Lemma lossesE t : LayerProof.sum_error.losses (same t) = losses t.
Proof. by elim: t => [r x|r s IHs|r s IHs v IHv|r s IHs v IHv] /=; rewrite ?IHs ?IHv count_ofE. Qed.
Lemma termsE t : LayerProof.sum_error.terms (same t) = map same (terms t).
Proof. by elim: t => //= r s -> v ->; rewrite map_cat. Qed.
Lemma factorsE t : LayerProof.sum_error.factors (same t) = map same (factors t).
Proof. by elim: t => //= r s -> v ->; rewrite map_cat. Qed.
Lemma is_leafE t : LayerProof.sum_error.is_leaf (same t) = is_leaf t.
Proof. by case: t. Qed.
End Same.

Theorem float_error : LayerProofStatements.sum_error.float_error.
Proof.
move=> R u eta u0 eta0 t /okE okt; have := LayerProof.sum_error.float_error u0 eta0 okt.
by rewrite exactE computedE magnitudeE magnitude1E roundingsE lossesE.
Qed.

Theorem sum_of_products_error : LayerProofStatements.sum_error.sum_of_products_error.
Proof.
move=> R u t n f u0 /okE okt hn hf.
have := @LayerProof.sum_error.sum_of_products_error R u (same t) n f u0 okt.
rewrite exactE computedE termsE size_map all_map big_map => bound.
have -> : \sum_(s <- terms t) \prod_(x <- factors s) magnitude x
  = \sum_(s <- terms t) \prod_(x <- LayerProof.sum_error.factors (same s)) LayerProof.sum_error.magnitude x.
  apply: eq_bigr => s _; rewrite factorsE big_map; apply: eq_bigr => x _; exact/esym/magnitudeE.
apply: bound => //; apply: sub_all hf => s /andP[fs leaves] /=.
rewrite factorsE size_map fs all_map; apply: sub_all leaves => x /=; by rewrite is_leafE.
Qed.

Theorem sum_error : LayerProofStatements.sum_error.sum_error.
Proof.
move=> R u t n u0 /okE okt leaves hn.
have := @LayerProof.sum_error.sum_error R u (same t) n u0 okt.
rewrite exactE computedE termsE size_map all_map big_map => bound.
under eq_bigr do rewrite -exactE; apply: bound => //.
by apply: sub_all leaves => x /=; rewrite is_leafE.
Qed.
