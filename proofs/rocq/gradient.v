(******************************************************************************)
(* The gradient of a read-out in the weights, with no analysis.               *)
(*                                                                            *)
(*    role == OfW, OfP or OfQ: which of a head's three matrices               *)
(*   theta == a family of weights: theta l h k is the matrix of layer l,      *)
(*            head h and role k; a direction E is a family of the same shape  *)
(* weights W P Q == the family of the matrices W l h, P l h, Q l h            *)
(* run a theta M L Z == the transformer of attention.v with the weights theta *)
(* read_entry s r c Z == s Z_rc, the read-out (s = -1 in the papers)          *)
(* only l h k D == the direction D in the one matrix (l, h, k), 0 elsewhere   *)
(*  inner G D == sum_ij G_ij D_ij                                             *)
(* weight_line theta E == theta + 'X E, weights with polynomial entries       *)
(* dtf a M L r c s theta E Z == coefficient 1 of the read-out with the        *)
(*            weights theta + 'X E: its derivative at theta in direction E    *)
(* grad a M L r c s theta Z l h k == the gradient matrix: its entry (i, j) is *)
(*            the derivative in direction delta_mx i j of matrix (l, h, k)    *)
(* grad_looped a M L r c s theta Z h k == the gradient matrix of weights that *)
(*            every layer shares: the sum over the layers                     *)
(*                                                                            *)
(* Theorems                                                                   *)
(* derivative_line : f(theta + t E) is a polynomial in t; its coefficient 0   *)
(*            is f(theta), its coefficient 1 is dtf theta E                   *)
(* derivative_additive, derivative_scale : dtf is linear in the direction     *)
(* gradient_spec : so it is the inner product with the gradient matrices      *)
(* gradient_spec_looped : the same for weights that every layer shares        *)
(*                                                                            *)
(* Sources: ours. Any heads, masks and scale, other weights at every layer.   *)
(* Assumptions: a commutative ring. The read-out is a polynomial in the       *)
(* weights, so that its derivative is a coefficient.                          *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg matrix poly.
From LayerProof Require Import attention negative first_order.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Variant role := OfW | OfP | OfQ.

Definition same_role k k' :=
  match k, k' with OfW, OfW | OfP, OfP | OfQ, OfQ => true | _, _ => false end.

Section Family.
Variables (R : comRingType) (m N H : nat).
Implicit Types (theta E : nat -> 'I_H -> role -> 'M[R]_m).

Definition weights (W P Q : nat -> 'I_H -> 'M[R]_m) l h k :=
  match k with OfW => W l h | OfP => P l h | OfQ => Q l h end.

Definition run (a : R) theta (M : nat -> 'I_H -> 'M_N) L (Z : 'M_(m, N)) :=
  transformer a (fun l h => theta l h OfW) (fun l h => theta l h OfP)
    (fun l h => theta l h OfQ) M L Z.

Definition read_entry (s : R) r c (Z : 'M_(m, N)) : R := s * Z r c.

Definition only (l : nat) (h : 'I_H) k (D : 'M[R]_m) l' h' k' : 'M_m :=
  if [&& l' == l, h' == h & same_role k' k] then D else 0.

Definition inner (G E : 'M[R]_m) : R := \sum_i \sum_j G i j * E i j.

Lemma eq_run a theta theta' M L Z :
  (forall l h k, (l < L)%N -> theta l h k = theta' l h k) ->
  run a theta M L Z = run a theta' M L Z.
Proof.
rewrite /run; elim: L => //= L IH e; rewrite IH => [|l h k lL].
  rewrite !layer_sumE; congr (_ + _ *: _); apply: eq_bigr => h _.
  by rewrite !e.
exact/e/(ltn_trans lL).
Qed.

Lemma innerE G D : inner G D = \tr (G^T *m D).
Proof.
rewrite /inner exchange_big /=; apply: eq_bigr => j _; rewrite mxE.
by apply: eq_bigr => i _; rewrite mxE.
Qed.

Lemma inner_delta G i j : inner G (delta_mx i j) = G i j.
Proof.
rewrite /inner (bigD1 i) //= (bigD1 j) //= !mxE !eqxx mulr1.
rewrite !big1 ?addr0 // => [i' i'i | j' j'j].
  by rewrite big1 // => j' _; rewrite mxE (negPf i'i) mulr0.
by rewrite mxE (negPf j'j) andbF mulr0.
Qed.

Lemma inner_mul G A D B : inner G (A *m D *m B) = inner (A^T *m G *m B^T) D.
Proof.
by rewrite !innerE !trmx_mul !trmxK mulmxA mxtrace_mulC !mulmxA.
Qed.

End Family.

Section Derivative.
Variables (R : comRingType) (m N H : nat) (a : R).
Variables (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R).
Implicit Types (theta E : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)).
Local Notation up := (map_mx (@polyC R)).
Local Notation f theta Z := (read_entry s r c (run a theta M L Z)).

Definition weight_line theta E l h k : 'M_m :=
  up (theta l h k) + 'X *: up (E l h k).

Definition run_line theta E Z : 'M_(m, N) :=
  run a%:P (weight_line theta E) (fun l h => up (M l h)) L (up Z).

Definition dtf theta E Z : R :=
  (read_entry s%:P r c (run_line theta E Z))`_1.

Theorem derivative_line theta E Z : exists p : {poly R},
  [/\ forall t, f (fun l h k => theta l h k + t *: E l h k) Z = p.[t],
      p`_0 = f theta Z & p`_1 = dtf theta E Z].
Proof.
set p := read_entry s%:P r c (run_line theta E Z).
have pt t : f (fun l h k => theta l h k + t *: E l h k) Z = p.[t].
  rewrite /p /read_entry hornerM hornerC; congr (_ * _).
  have upE k l (A : 'M_(k, l)) : map_mx (horner_eval t) (up A) = A.
    by apply/matrixP=> i j; rewrite !mxE /horner_eval hornerC.
  transitivity (map_mx (horner_eval t) (run_line theta E Z) r c);
    last by rewrite mxE.
  rewrite /run_line /run tf_morphism upE /= {1}/horner_eval hornerC.
  apply: (congr1 (fun Y : 'M_(m, N) => Y r c)); apply: eq_transformer => l h;
    by rewrite ?upE // map_mxD map_mxZ !upE /= /horner_eval hornerX.
exists p; split=> //; rewrite -horner_coef0 -pt; congr (_ * _).
by congr (fun_of_matrix _ r c); apply: eq_run => l h k; rewrite scale0r addr0.
Qed.

Definition combine t E E' l (h : 'I_H) k : 'M_m := t *: E l h k + E' l h k.

Lemma first_order_run theta Z :
  first_order combine (fun E => run_line theta E Z).
Proof.
rewrite /run_line /run; elim: L => [|l IH] /=; first exact: first_order_const.
have fo_line h k : first_order combine (fun E => weight_line theta E l h k).
  apply: first_orderD; first exact: first_order_const.
  split=> [E E'|t E E']; apply/matrixP=> i j; rewrite !mxE !coefXM //=.
  by rewrite !coefC.
have [S0 S1] : first_order combine (fun E =>
    let Y := run a%:P (weight_line theta E) (fun l h => up (M l h)) l (up Z) in
    Y + a%:P *: \sum_h weight_line theta E l h OfW
      *m attn (weight_line theta E l h OfP) (up (M l h))
           (weight_line theta E l h OfQ) Y).
  apply: (first_orderD IH); apply: first_orderZ; apply: first_order_sum => h.
  apply: (first_orderM (fo_line h OfW)); rewrite /attn; apply: first_orderM.
    apply: first_orderM; last exact: first_order_const.
    exact: (first_orderM (fo_line h OfP) IH).
  apply: (first_orderM _ IH); apply: (first_orderM _ (fo_line h OfQ)).
  exact: (first_order_tr IH).
by split=> [E E'|t E E']; rewrite !layer_sumE; [apply: S0 | apply: S1].
Qed.

Lemma dtf_combine theta t E E' Z :
  dtf theta (combine t E E') Z = t * dtf theta E Z + dtf theta E' Z.
Proof.
have dtfE F : dtf theta F Z = s * coef_mx 1 (run_line theta F Z) r c.
  by rewrite /dtf /read_entry coefCM mxE.
have [_ /(_ t E E') lin] := first_order_run theta Z.
by rewrite !dtfE lin !mxE mulrDr mulrCA.
Qed.

Lemma eq_dtf theta theta' E E' Z :
  (forall l h k, (l < L)%N -> theta l h k = theta' l h k) ->
  (forall l h k, (l < L)%N -> E l h k = E' l h k) ->
  dtf theta E Z = dtf theta' E' Z.
Proof.
move=> et eE; rewrite /dtf; suff -> : run_line theta E Z = run_line theta' E' Z
  by [].
by apply: eq_run => l h k lL; rewrite /weight_line et ?eE.
Qed.

Lemma dtf0 theta Z : dtf theta (fun _ _ _ => 0) Z = 0.
Proof.
rewrite -[RHS](subrr (dtf theta (fun _ _ _ => 0) Z)) addrC -mulN1r -dtf_combine.
by apply: eq_dtf => // l h k _; rewrite /combine scaler0 addr0.
Qed.

Theorem derivative_additive theta E E' Z :
  dtf theta (fun l h k => E l h k + E' l h k) Z
  = dtf theta E Z + dtf theta E' Z.
Proof.
rewrite -[X in _ = X + _]mul1r -dtf_combine.
by apply: eq_dtf => // l h k _; rewrite /combine scale1r.
Qed.

Theorem derivative_scale theta t E Z :
  dtf theta (fun l h k => t *: E l h k) Z = t * dtf theta E Z.
Proof.
rewrite -[RHS]addr0 -[in RHS](dtf0 theta Z) -dtf_combine.
by apply: eq_dtf => // l h k _; rewrite /combine addr0.
Qed.

Lemma dtf_sum (I : Type) (q : seq I) theta
    (E : I -> nat -> 'I_H -> role -> 'M_m) Z :
  dtf theta (fun l h k => \sum_(i <- q) E i l h k) Z
  = \sum_(i <- q) dtf theta (E i) Z.
Proof.
elim: q => [|i q IH].
  by rewrite big_nil -(dtf0 theta Z); apply: eq_dtf => // *; rewrite big_nil.
rewrite big_cons -IH -derivative_additive.
by apply: eq_dtf => // l h k _; rewrite big_cons.
Qed.

Definition grad theta Z l h k : 'M_m :=
  \matrix_(i, j) dtf theta (only l h k (delta_mx i j)) Z.

Lemma dtf_only theta Z l h k D :
  dtf theta (only l h k D) Z = inner (grad theta Z l h k) D.
Proof.
rewrite /inner; under eq_bigr => i _ do under eq_bigr => j _ do
  rewrite mxE mulrC -derivative_scale.
under eq_bigr do rewrite -dtf_sum; rewrite -dtf_sum.
apply: eq_dtf => // l' h' k' _; rewrite /only; case: ifP => _.
  exact: matrix_sum_delta.
by rewrite big1 // => i _; rewrite big1 // => j _; rewrite scaler0.
Qed.

Lemma only_sum E l h k : (l < L)%N -> E l h k = \sum_(l' < L) \sum_h'
  (only l' h' OfW (E l' h' OfW) l h k + only l' h' OfP (E l' h' OfP) l h k
   + only l' h' OfQ (E l' h' OfQ) l h k).
Proof.
move=> lL; rewrite (bigD1 (Ordinal lL)) //= (bigD1 h) //= /only !eqxx /=.
rewrite [X in _ + X + _]big1 => [|h' h'h]; last first.
  by rewrite eq_sym (negPf h'h) !addr0.
rewrite big1 => [|l' l'l]; first by case: k; rewrite !(addr0, add0r).
rewrite big1 // => h' _; rewrite -[l]/(val (Ordinal lL)) (inj_eq val_inj).
by rewrite eq_sym (negPf l'l) !addr0.
Qed.

Theorem gradient_spec theta E Z : dtf theta E Z = \sum_(l < L) \sum_h
  (inner (grad theta Z l h OfW) (E l h OfW)
   + inner (grad theta Z l h OfP) (E l h OfP)
   + inner (grad theta Z l h OfQ) (E l h OfQ)).
Proof.
under eq_bigr => l _ do under eq_bigr => h _ do
  rewrite -!dtf_only -!derivative_additive.
under eq_bigr do rewrite -dtf_sum; rewrite -dtf_sum.
by apply: eq_dtf => // l h k; apply: only_sum.
Qed.

Definition grad_looped (theta : 'I_H -> role -> 'M[R]_m) Z h k : 'M_m :=
  \sum_(l < L) grad (fun=> theta) Z l h k.

Theorem gradient_spec_looped (theta E : 'I_H -> role -> 'M[R]_m) Z :
  dtf (fun=> theta) (fun=> E) Z = \sum_h
  (inner (grad_looped theta Z h OfW) (E h OfW)
   + inner (grad_looped theta Z h OfP) (E h OfP)
   + inner (grad_looped theta Z h OfQ) (E h OfQ)).
Proof.
rewrite gradient_spec exchange_big /=; apply: eq_bigr => h _.
have inner_suml k : inner (grad_looped theta Z h k) (E h k)
    = \sum_(l < L) inner (grad (fun=> theta) Z l h k) (E h k).
  by rewrite innerE linear_sum mulmx_suml linear_sum; apply: eq_bigr => l _;
    rewrite innerE.
by rewrite !inner_suml !big_split.
Qed.

Lemma eq_grad theta theta' Z l h k :
  (forall l h k, (l < L)%N -> theta l h k = theta' l h k) ->
  grad theta Z l h k = grad theta' Z l h k.
Proof. by move=> e; apply/matrixP=> i j; rewrite !mxE; apply: eq_dtf. Qed.

Lemma grad_mul theta Z l h k (A B : 'M_m) :
  \matrix_(i, j) dtf theta (only l h k (A *m delta_mx i j *m B)) Z
  = A^T *m grad theta Z l h k *m B^T.
Proof.
by apply/matrixP=> i j; rewrite mxE dtf_only inner_mul inner_delta.
Qed.

End Derivative.
