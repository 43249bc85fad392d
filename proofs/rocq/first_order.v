(******************************************************************************)
(* Matrices of polynomials that depend linearly on a direction, to first order*)
(*                                                                            *)
(*           D == directions; combine t E E' == the direction t E + E'        *)
(*  coef_mx i A == the matrix of the coefficients i of A                      *)
(* first_order A == coefficient 0 of A E does not depend on the direction E,  *)
(*                and coefficient 1 of A E is linear in E                     *)
(*                                                                            *)
(* Lemmas: constants are so; sums, multiples, transposes and products of such *)
(* matrices are so again.                                                     *)
(*                                                                            *)
(* Sources: ours (the product rule). Assumptions: a commutative ring.         *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg matrix poly.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section FirstOrder.
Variables (R : comRingType) (D : Type) (combine : R -> D -> D -> D).

Definition coef_mx i m n (A : 'M[{poly R}]_(m, n)) := \matrix_(k, l) (A k l)`_i.
Local Notation c0 := (coef_mx 0).
Local Notation c1 := (coef_mx 1).

Lemma coef_mxD i m n (A B : 'M_(m, n)) :
  coef_mx i (A + B) = coef_mx i A + coef_mx i B.
Proof. by apply/matrixP=> k l; rewrite !mxE coefD. Qed.

Lemma coef_mxZ i m n b (A : 'M_(m, n)) :
  coef_mx i (b%:P *: A) = b *: coef_mx i A.
Proof. by apply/matrixP=> k l; rewrite !mxE coefCM. Qed.

Lemma coef0_mul m n p (A : 'M_(m, n)) (B : 'M_(n, p)) :
  c0 (A *m B) = c0 A *m c0 B.
Proof.
apply/matrixP=> k l; rewrite !mxE coef_sum; apply: eq_bigr => j _.
by rewrite !mxE coefM big_ord_recl big_ord0 addr0.
Qed.

Lemma coef1_mul m n p (A : 'M_(m, n)) (B : 'M_(n, p)) :
  c1 (A *m B) = c0 A *m c1 B + c1 A *m c0 B.
Proof.
apply/matrixP=> k l; rewrite !mxE coef_sum -big_split; apply: eq_bigr => j _.
by rewrite !mxE coefM !big_ord_recl big_ord0 addr0.
Qed.

Definition first_order m n (A : D -> 'M[{poly R}]_(m, n)) :=
  (forall E E', c0 (A E) = c0 (A E')) /\
  forall t E E', c1 (A (combine t E E')) = t *: c1 (A E) + c1 (A E').

Lemma first_order_const m n (A : 'M[R]_(m, n)) :
  first_order (fun=> map_mx polyC A).
Proof.
have c1A : c1 (map_mx polyC A) = 0.
  by apply/matrixP=> k l; rewrite !mxE coefC.
by split=> // t E E'; rewrite c1A scaler0 addr0.
Qed.

Lemma first_orderD m n (A B : D -> 'M_(m, n)) :
  first_order A -> first_order B -> first_order (fun E => A E + B E).
Proof.
move=> [A0 A1] [B0 B1]; split=> [E E'|t E E'].
  by rewrite !coef_mxD (A0 E E') (B0 E E').
by rewrite !coef_mxD A1 B1 scalerDr addrACA.
Qed.

Lemma first_order_sum (I : Type) (s : seq I) m n (A : I -> D -> 'M_(m, n)) :
  (forall i, first_order (A i)) -> first_order (fun E => \sum_(i <- s) A i E).
Proof.
move=> foA; elim: s => [|i s [IH0 IH1]].
  split=> [E E'|t E E']; rewrite !big_nil //; apply/matrixP=> k l.
  by rewrite !mxE coef0 mulr0 addr0.
have [S0 S1] := first_orderD (foA i) (conj IH0 IH1).
by split=> [E E'|t E E']; rewrite !big_cons //; apply: S0.
Qed.

Lemma first_orderZ b m n (A : D -> 'M_(m, n)) :
  first_order A -> first_order (fun E => b%:P *: A E).
Proof.
move=> [A0 A1]; split=> [E E'|t E E']; rewrite !coef_mxZ.
  by rewrite (A0 E E').
by rewrite A1 scalerDr !scalerA mulrC.
Qed.

Lemma first_order_tr m n (A : D -> 'M_(m, n)) :
  first_order A -> first_order (fun E => (A E)^T).
Proof.
have tr i (B : 'M[{poly R}]_(m, n)) : coef_mx i B^T = (coef_mx i B)^T.
  by apply/matrixP=> k l; rewrite !mxE.
move=> [A0 A1]; split=> [E E'|t E E']; rewrite !tr ?A1 ?linearP //.
by rewrite (A0 E E').
Qed.

Lemma first_orderM m n p (A : D -> 'M_(m, n)) (B : D -> 'M_(n, p)) :
  first_order A -> first_order B -> first_order (fun E => A E *m B E).
Proof.
move=> [A0 A1] [B0 B1]; split=> [E E'|t E E'].
  by rewrite !coef0_mul (A0 E E') (B0 E E').
rewrite !coef1_mul A1 B1 (A0 _ E') (A0 E E') (B0 _ E') (B0 E E').
by rewrite mulmxDr mulmxDl -scalemxAr -scalemxAl scalerDr addrACA.
Qed.

End FirstOrder.
