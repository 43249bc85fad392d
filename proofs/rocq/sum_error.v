(******************************************************************************)
(* Rounding error of sums of products, in any order of evaluation.            *)
(*                                                                            *)
(* Every entry that a linear attention layer computes is a sum of products of *)
(* entries of W, P, Q, the mask and the prompt. Hardware, library and         *)
(* compiler choose how products associate, the shape of the summation tree,   *)
(* which operations are fused or exact and where values are cast. The         *)
(* theorems hold for all of these choices: the bound depends on the           *)
(* expression only through the number of roundings that its worst elementary  *)
(* product meets.                                                             *)
(*                                                                            *)
(*       rounding == what one operation does to its exact result              *)
(*          rel r == Some d: the result is multiplied by 1 + d; None: no      *)
(*                   relative error (fused product, addition of zero)         *)
(*         loss r == Some e: e is added (underflow, flush to zero); None: no  *)
(*      round r x == the computed value where the exact result is x:          *)
(*                   x (1 + d) + e                                            *)
(* admissible u eta r == |d| <= u and |e| <= eta; u is the unit roundoff      *)
(*           tree == Leaf r x: the number x, stored or read with rounding r   *)
(*                   Cast r t: t rounded once more (copy, change of format)   *)
(*                   Add r s t, Mul r s t: an operation with rounding r       *)
(*     ok u eta t == every rounding of t is admissible                        *)
(*        exact t == the value of t without any rounding                      *)
(*     computed t == the value of t with all its roundings                    *)
(*    magnitude t == the value of t with |x| for every leaf x                 *)
(*   magnitude1 t == the same with max(1, |x|)                                *)
(*    roundings t == the relative errors that the worst elementary product of *)
(*                   t meets: counts of operands add up at a product, the     *)
(*                   larger one counts at a sum, one more for a rounding      *)
(*       losses t == the same count for absolute losses                       *)
(*     growth u k == (1 + u)^k - 1                                            *)
(*        terms t == the operands of the sum at the root of t                 *)
(*      factors t == the operands of the product at the root of t             *)
(*                                                                            *)
(* Theorems                                                                   *)
(*    float_error : |computed t - exact t| <= ((1+u)^k - 1) magnitude t       *)
(*                     + (1+u)^k ((1+eta)^j - 1) magnitude1 t                 *)
(*                  with k = roundings t and j = losses t                     *)
(* float_error_standard : the first term alone where nothing is lost          *)
(* sum_of_products_error : n terms of at most f stored factors:               *)
(*                  k = (n - 1) + (f - 1) + f                                 *)
(*      sum_error : n numbers: ((1+u)^n - 1) sum |x|                          *)
(*                                                                            *)
(* Sources: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd *)
(* ed., SIAM 2002, section 2.2 (the models (2.4) and (2.8)), section 3.1      *)
(* (products) and chapter 4 (sums). With (1 + u)^k - 1 in place of            *)
(* k u / (1 - k u) no bound on k u is needed.                                 *)
(* Assumptions: u >= 0, eta >= 0, every operation is admissible: no overflow, *)
(* no NaN. Any real field; no format, no rounding mode.                       *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra ring.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Section Trees.
Variable R : realFieldType.

Record rounding := Rounding { rel : option R; loss : option R }.

Definition round r x : R := x * (1 + odflt 0 (rel r)) + odflt 0 (loss r).

Definition admissible u eta r :=
  `|odflt 0 (rel r)| <= u /\ `|odflt 0 (loss r)| <= eta.

Inductive tree :=
  | Leaf of rounding & R
  | Cast of rounding & tree
  | Add of rounding & tree & tree
  | Mul of rounding & tree & tree.

Fixpoint ok u eta t : Prop :=
  match t with
  | Leaf r _ => admissible u eta r
  | Cast r t => admissible u eta r /\ ok u eta t
  | Add r s t => [/\ admissible u eta r, ok u eta s & ok u eta t]
  | Mul r s t => [/\ admissible u eta r, ok u eta s & ok u eta t]
  end.

Fixpoint exact t : R :=
  match t with
  | Leaf _ x => x
  | Cast _ t => exact t
  | Add _ s t => exact s + exact t
  | Mul _ s t => exact s * exact t
  end.

Fixpoint computed t : R :=
  match t with
  | Leaf r x => round r x
  | Cast r t => round r (computed t)
  | Add r s t => round r (computed s + computed t)
  | Mul r s t => round r (computed s * computed t)
  end.

Fixpoint magnitude t : R :=
  match t with
  | Leaf _ x => `|x|
  | Cast _ t => magnitude t
  | Add _ s t => magnitude s + magnitude t
  | Mul _ s t => magnitude s * magnitude t
  end.

Fixpoint magnitude1 t : R :=
  match t with
  | Leaf _ x => Num.max 1 `|x|
  | Cast _ t => magnitude1 t
  | Add _ s t => magnitude1 s + magnitude1 t
  | Mul _ s t => magnitude1 s * magnitude1 t
  end.

Fixpoint roundings t : nat :=
  match t with
  | Leaf r _ => rel r
  | Cast r t => roundings t + rel r
  | Add r s t => maxn (roundings s) (roundings t) + rel r
  | Mul r s t => roundings s + roundings t + rel r
  end.

Fixpoint losses t : nat :=
  match t with
  | Leaf r _ => loss r
  | Cast r t => losses t + loss r
  | Add r s t => maxn (losses s) (losses t) + loss r
  | Mul r s t => losses s + losses t + loss r
  end.

Definition growth (u : R) k := (1 + u) ^+ k - 1.

Lemma magnitude_ge0 t : 0 <= magnitude t.
Proof.
by elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] /=;
  rewrite ?normr_ge0 ?addr_ge0 ?mulr_ge0.
Qed.

Lemma magnitude1_ge1 t : 1 <= magnitude1 t.
Proof.
elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] //=;
  first by rewrite le_maxr lexx.
  by rewrite -[1]addr0 ler_add // (le_trans ler01).
by rewrite -[1]mulr1 ler_pmul.
Qed.

Lemma magnitude_le t : magnitude t <= magnitude1 t.
Proof.
elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] //=;
  first by rewrite le_maxr lexx orbT.
  exact: ler_add.
by rewrite ler_pmul ?magnitude_ge0.
Qed.

Lemma exact_le t : `|exact t| <= magnitude t.
Proof.
elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] //=.
  exact: le_trans (ler_norm_add _ _) (ler_add Hs Ht).
by rewrite normrM ler_pmul.
Qed.

Lemma growth_le u j k : 0 <= u -> (j <= k)%N -> growth u j <= growth u k.
Proof. by move=> u0 jk; rewrite ler_add2r ler_weexpn2l // ler_addl. Qed.

Lemma growth0 u : growth u 0 = 0. Proof. by rewrite /growth expr0 subrr. Qed.

Lemma growth_ge0 u k : 0 <= u -> 0 <= growth u k.
Proof. by move=> u0; rewrite -(growth0 u) growth_le. Qed.

Lemma growthD u j k : growth u (j + k) = growth u j * growth u k + growth u j +
  growth u k.
Proof. by rewrite /growth exprD; ring. Qed.

Lemma growth_bool u (b : bool) : growth u b = if b then u else 0.
Proof. by case: b; rewrite /growth ?expr1 ?expr0 ?subrr // addrC addKr. Qed.

Section Bound.
Variables u eta : R.
Hypotheses (u0 : 0 <= u) (eta0 : 0 <= eta).

(* the bound on |computed - exact| for magnitudes S <= T and counts k, j *)
Definition bound k j (S T : R) := growth u k * S + (1 + u) ^+ k * growth eta j
  * T.

Lemma pow_ge1 k : 1 <= (1 + u) ^+ k.
Proof. by rewrite exprn_ege1 // ler_addl. Qed.

Lemma pow_ge0 k : 0 <= (1 + u) ^+ k. Proof. exact: le_trans ler01 (pow_ge1 k).
  Qed.

Lemma bound_ge0 k j S T : 0 <= S -> 0 <= T -> 0 <= bound k j S T.
Proof. by move=> S0 T0; rewrite addr_ge0 ?mulr_ge0 ?growth_ge0 ?pow_ge0. Qed.

Lemma bound_le k k' j j' S T : 0 <= S -> 0 <= T -> (k <= k')%N -> (j <= j')%N ->
  bound k j S T <= bound k' j' S T.
Proof.
move=> S0 T0 hk hj; apply: ler_add; first by rewrite ler_wpmul2r ?growth_le.
rewrite ler_wpmul2r // ler_pmul ?growth_ge0 ?pow_ge0 ?growth_le //.
by rewrite ler_weexpn2l // ler_addl.
Qed.

(* one rounding after an error e *)
Lemma round_error r k j S T x y :
    admissible u eta r -> 0 <= S -> 1 <= T -> `|x| <= S ->
      `|y - x| <= bound k j S T ->
  `|round r y - x| <= bound (k + rel r) (j + loss r) S T.
Proof.
move=> [hd he] S0 T1 hx hy; rewrite /round; set d := odflt _ _;
  set e := odflt _ _.
have T0 : 0 <= T by apply: le_trans T1.
have dE : `|d| <= growth u (rel r).
  by rewrite growth_bool /d; case: (rel r) hd => [d'|] //=; rewrite normr0.
have eE : `|e| <= growth eta (loss r).
  by rewrite growth_bool /e; case: (loss r) he => [e'|] //=; rewrite normr0.
have -> : y * (1 + d) + e - x = (y - x) * (1 + d) + x * d + e by ring.
have d1 : `|1 + d| <= 1 + growth u (rel r).
  by apply: le_trans (ler_norm_add _ _) _; rewrite normr1 ler_add2l.
apply: le_trans (ler_norm_add _ _) _.
apply: le_trans (ler_add (ler_norm_add _ _) (lexx _)) _; rewrite !normrM.
apply: (@le_trans _ _ (bound k j S T * (1 + growth u (rel r)) + S * growth u
  (rel r)
                       + growth eta (loss r) * T)).
  apply: ler_add; first by apply: ler_add; apply: ler_pmul.
  by rewrite -[`|e|]mulr1 ler_pmul.
have pE i : (1 + u) ^+ i = 1 + growth u i by rewrite /growth; ring.
rewrite /bound growthD (growthD eta) !pE growthD.
set g := growth u k; set h := growth u (rel r).
set m := growth eta j; set n := growth eta (loss r).
rewrite -subr_ge0.
set X := (X in 0 <= X).
have -> : X = ((1 + g) * (1 + h) * m * n + ((1 + g) * (1 + h) - 1) * n) * T.
  by rewrite /X; ring.
have [g0 h0 m0 n0] : [/\ 0 <= g, 0 <= h, 0 <= m & 0 <= n] by split;
  apply: growth_ge0.
have gh : 1 <= (1 + g) * (1 + h) by rewrite mulr_ege1 ?ler_addl.
apply: mulr_ge0 => //; apply: addr_ge0; last by apply: mulr_ge0 => //;
  rewrite subr_ge0.
by do 2!apply: mulr_ge0 => //; apply: le_trans ler01 gh.
Qed.

Theorem float_error t : ok u eta t ->
  `|computed t - exact t|
    <= growth u (roundings t) * magnitude t
     + (1 + u) ^+ roundings t * growth eta (losses t) * magnitude1 t.
Proof.
rewrite -/(bound _ _ _ _).
have S0 := magnitude_ge0; have T1 := magnitude1_ge1.
have T0 v : 0 <= magnitude1 v by apply: le_trans (T1 v).
elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] /=.
- move=> hr; rewrite -[nat_of_bool (rel r)]add0n -[nat_of_bool (loss r)]add0n.
  apply: round_error => //; first by rewrite le_maxr lexx.
  by rewrite subrr normr0 bound_ge0 // (le_trans ler01) // le_maxr lexx.
- by move=> [hr /Ht{}Ht]; apply: round_error => //; apply: exact_le.
- move=> [hr /Hs{}Hs /Ht{}Ht]; apply: round_error => //.
  + by rewrite addr_ge0.
  + by rewrite -[1]addr0 ler_add.
  + exact: le_trans (ler_norm_add _ _) (ler_add (exact_le s) (exact_le t)).
  rewrite opprD addrACA; apply: le_trans (ler_norm_add _ _) _.
  have -> k j : bound k j (magnitude s + magnitude t) (magnitude1 s +
    magnitude1 t)
      = bound k j (magnitude s) (magnitude1 s) + bound k j (magnitude t)
        (magnitude1 t).
    by rewrite /bound; ring.
  by apply: ler_add; [apply: le_trans Hs _|apply: le_trans Ht _];
     rewrite bound_le ?leq_maxl ?leq_maxr.
move=> [hr /Hs{}Hs /Ht{}Ht]; apply: round_error => //.
- by rewrite mulr_ge0.
- by rewrite -[1]mulr1 ler_pmul.
- by rewrite normrM ler_pmul ?exact_le.
set es := computed s - exact s in Hs; set et := computed t - exact t in Ht.
have -> : computed s * computed t - exact s * exact t
    = es * exact t + exact s * et + es * et by rewrite /es /et; ring.
apply: le_trans (ler_norm_add _ _) _.
apply: le_trans (ler_add (ler_norm_add _ _) (lexx _)) _; rewrite !normrM.
set bs := bound _ _ _ _ in Hs; set bt := bound _ _ _ _ in Ht.
apply: (@le_trans _ _ (bs * magnitude t + magnitude s * bt + bs * bt)).
  by apply: ler_add; [apply: ler_add|]; apply: ler_pmul => //; apply: exact_le.
have pE i : (1 + u) ^+ i = 1 + growth u i by rewrite /growth; ring.
rewrite /bs /bt /bound growthD (growthD eta) !pE growthD.
set g := growth u _; set h := growth u _.
set m := growth eta _; set n := growth eta _.
set S := magnitude s; set S' := magnitude t; set T := magnitude1 s;
  set T' := magnitude1 t.
have ST : S <= T by apply: magnitude_le.
have ST' : S' <= T' by apply: magnitude_le.
rewrite -subr_ge0; set X := (X in 0 <= X).
have -> : X = (1 + g) * (1 + h) * (m * (T * (T' - S')) + n * ((T - S) * T')).
  by rewrite /X; ring.
have [g0 h0 m0 n0] : [/\ 0 <= g, 0 <= h, 0 <= m & 0 <= n] by split;
  apply: growth_ge0.
have [dS dT] : 0 <= T - S /\ 0 <= T' - S' by split; rewrite subr_ge0.
have [g1 h1] : 0 <= 1 + g /\ 0 <= 1 + h by split; rewrite addr_ge0 ?ler01.
apply: mulr_ge0; first exact: mulr_ge0.
by apply: addr_ge0; apply: mulr_ge0 => //; apply: mulr_ge0 => //; apply: T0.
Qed.

(* nothing underflows: the bound of the standard model *)
Theorem float_error_standard t : ok u eta t -> losses t = 0%N ->
  `|computed t - exact t| <= growth u (roundings t) * magnitude t.
Proof.
by move=> /float_error; rewrite /growth => + j0;
  rewrite j0 expr0 subrr mulr0 mul0r addr0.
Qed.
End Bound.

(* counting: a sum of n terms, a product of f factors *)
Fixpoint terms t := if t is Add _ s v then terms s ++ terms v else [:: t].
Fixpoint factors t := if t is Mul _ s v then factors s ++ factors v else [:: t].

Lemma terms_gt0 t : (0 < size (terms t))%N.
Proof. by elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] //=;
  rewrite size_cat addn_gt0 Hs. Qed.

Lemma factors_gt0 t : (0 < size (factors t))%N.
Proof. by elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] //=;
  rewrite size_cat addn_gt0 Hs. Qed.

Lemma magnitude_terms t : magnitude t = \sum_(s <- terms t) magnitude s.
Proof.
by elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] /=;
  rewrite ?big_seq1 // big_cat /= -Hs -Ht.
Qed.

Lemma magnitude_factors t : magnitude t = \prod_(s <- factors t) magnitude s.
Proof.
by elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] /=;
  rewrite ?big_seq1 // big_cat /= -Hs -Ht.
Qed.

Lemma roundings_terms t :
  (roundings t <= (size (terms t)).-1 + \max_(s <- terms t) roundings s)%N.
Proof.
elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] /=; rewrite ?big_seq1 //.
rewrite size_cat big_cat /=.
move: (terms_gt0 s) (terms_gt0 t) Hs Ht.
case: (size (terms s)) => // a _; case: (size (terms t)) => // b _ /= Hs Ht.
have r1 : (rel r <= 1)%N by case: (rel r).
apply: leq_trans (leq_add (leqnn _) r1) _.
rewrite -addnE addn1 addnS addSn ltnS geq_max.
apply/andP; split.
  by apply: leq_trans Hs _; rewrite leq_add ?leq_addr ?leq_maxl.
by apply: leq_trans Ht _; rewrite leq_add ?leq_addl ?leq_maxr.
Qed.

Lemma roundings_factors t :
  (roundings t <= (size (factors t)).-1 + \sum_(s <- factors t) roundings s)%N.
Proof.
elim: t => [r x|r t Ht|r s Hs t Ht|r s Hs t Ht] /=; rewrite ?big_seq1 //.
rewrite size_cat big_cat /=.
move: (factors_gt0 s) (factors_gt0 t) Hs Ht.
case: (size (factors s)) => // a _; case: (size (factors t)) => // b _ /= Hs Ht.
have r1 : (rel r <= 1)%N by case: (rel r).
apply: leq_trans (leq_add (leq_add Hs Ht) r1) _.
by rewrite -addnE addn1 [(a + _.+1)%N]addnS addSn addnACA.
Qed.

Definition is_leaf t := if t is Leaf _ _ then true else false.

(* n terms of at most f factors each, every factor rounded when it was stored *)
Theorem sum_of_products_error u t n f : 0 <= u -> ok u 0 t ->
    (size (terms t) <= n)%N ->
    all (fun s => (size (factors s) <= f)%N && all is_leaf (factors s)) (terms
      t) ->
  `|computed t - exact t|
    <= growth u (n.-1 + (f.-1 + f))
       * \sum_(s <- terms t) \prod_(x <- factors s) magnitude x.
Proof.
move=> u0 okt hn hf.
have -> : \sum_(s <- terms t) \prod_(x <- factors s) magnitude x = magnitude t.
  by rewrite magnitude_terms; apply: eq_bigr => s _; rewrite -magnitude_factors.
apply: (@le_trans _ _ (growth u (roundings t) * magnitude t)).
  apply: le_trans (float_error u0 (lexx 0) okt) _.
  by rewrite /(growth 0) addr0 expr1n subrr mulr0 mul0r addr0.
rewrite ler_wpmul2r ?magnitude_ge0 // growth_le //.
apply: leq_trans (roundings_terms t) _; apply: leq_add.
  by move: (terms_gt0 t) hn; case: (size _) => // a _; case: n.
elim: (terms t) hf => [|s ss IH] /=; first by rewrite big_nil.
move=> /andP[/andP[fs lf] /IH{}IH]; rewrite big_cons geq_max IH andbT.
apply: leq_trans (roundings_factors s) _; apply: leq_add.
  by move: (factors_gt0 s) fs; case: (size _) => // a _; case: f {IH}.
apply: leq_trans fs; elim: (factors s) lf => [|x xs IHx] /=;
  first by rewrite big_nil.
move=> /andP[lx /IHx{}IHx]; rewrite big_cons -add1n leq_add //.
by case: x lx => [[[d|] e] x|//|//|//].
Qed.

(* a sum of n numbers: the case f = 1 *)
Theorem sum_error u t n : 0 <= u -> ok u 0 t -> all is_leaf (terms t) ->
    size (terms t) = n ->
  `|computed t - exact t| <= ((1 + u) ^+ n - 1) * \sum_(s <- terms t) `|exact
    s|.
Proof.
move=> u0 okt lt hn.
have -> : \sum_(s <- terms t) `|exact s| = \sum_(s <- terms t) \prod_(x <-
  factors s) magnitude x.
  elim: (terms t) lt => [|s ss IH] /=; first by rewrite !big_nil.
  by case: s => //= r x /IH E; rewrite !big_cons /= E ?big_cons big_nil mulr1.
rewrite -/(growth u n).
have -> : n = (n.-1 + (1.-1 + 1))%N.
  by rewrite add0n addn1 prednK // -hn terms_gt0.
apply: sum_of_products_error => //; first by rewrite hn.
by apply: sub_all lt => -[].
Qed.
End Trees.
