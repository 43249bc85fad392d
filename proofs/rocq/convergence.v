(******************************************************************************)
(* When the iteration w <- T w + c that the layers run converges, how fast.   *)
(*                                                                            *)
(*    iterate T c l w == l steps of w <- T w + c from w                       *)
(*         form X x y == x^T X y                                              *)
(*  trajectory_G n g f == (1/n) sum_(j < n) f_j (f_j - g f_{j+1})^T           *)
(*     frequency from i == the share of the n transitions that leave state i  *)
(* tabular_T from to a g == I - a G of one-hot features                       *)
(*    average_step n a state r w == one step of tabular average-reward TD     *)
(*                                                                            *)
(* Theorems                                                                   *)
(*      cauchy_schwarz : of a form that is only >= 0                          *)
(*      lyapunov_bound, geometric_bound : a rate from X >= 0 that shrinks     *)
(*      trajectory_identity, closed_trajectory_positive : TD(0)'s G           *)
(*      tabular_row_sum : the row sums of tabular TD(0)'s T                   *)
(*      average_reward_drift : what the weights' sum gains at every layer     *)
(*                                                                            *)
(* Sources: Stein 1952 (the discrete Lyapunov equation); Tsitsiklis and Van   *)
(* Roy 1997, 1999 (G + G^T > 0 under the stationary law; here on data).       *)
(* Assumptions: a real field where there is an order; any sizes.              *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra ring.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Fixpoint iterate (R : ringType) (N : nat) (T : 'M[R]_N) (c : 'cV[R]_N) l w :=
  if l is m.+1 then T *m iterate T c m w + c else w.

Section Form.
Variables (R : realFieldType) (k : nat) (X : 'M[R]_k).
Definition form (x y : 'cV[R]_k) : R := (x^T *m X *m y) 0 0.
Hypothesis symmetric : X^T = X.
Hypothesis positive : forall x, 0 <= form x x.

Lemma formC x y : form x y = form y x.
Proof.
rewrite /form -[x^T *m X *m y]trmxK [in LHS]mxE.
by rewrite !trmx_mul trmxK symmetric mulmxA.
Qed.

Lemma formBr x y z : form x (y - z) = form x y - form x z.
Proof. by rewrite /form mulmxBr !mxE. Qed.

Lemma formZr x t y : form x (t *: y) = t * form x y.
Proof. by rewrite /form -scalemxAr !mxE. Qed.

Lemma form_square y u s t :
  form (s *: y - t *: u) (s *: y - t *: u)
  = s ^+ 2 * form y y - 2%:R * s * t * form u y + t ^+ 2 * form u u.
Proof.
rewrite formBr !formZr ![form (_ - _) _]formC !formBr !formZr (formC y u).
by ring.
Qed.

Theorem cauchy_schwarz u y : form u y ^+ 2 <= form u u * form y y.
Proof.
have [->|nz] := eqVneq (form u y) 0; first by rewrite expr0n mulr_ge0.
have := positive u; rewrite le_eqVlt => /predU1P[zero|above].
  pose t := (form y y + 1) / (2%:R * form u y).
  have := positive (1 *: y - t *: u).
  have -> : form (1 *: y - t *: u) (1 *: y - t *: u) = - 1.
    rewrite form_square -zero /t; field.
    exact: nz.
  by rewrite oppr_ge0 ler10.
have := positive (form u u *: y - form u y *: u).
have -> : form (form u u *: y - form u y *: u) (form u u *: y - form u y *: u)
          = form u u * (form u u * form y y - form u y ^+ 2).
  by rewrite form_square; ring.
by rewrite pmulr_rge0 // subr_ge0.
Qed.

Variables (F : 'M[R]_k) (r : R).
Hypothesis shrinks : forall x, form (F *m x) (F *m x) <= r ^+ 2 * form x x.

Lemma form_iterate l z :
  form (iterate F 0 l z) (iterate F 0 l z) <= (r ^+ l) ^+ 2 * form z z.
Proof.
elim: l => [|l IH] /=; first by rewrite expr0 expr1n mul1r.
rewrite addr0 (le_trans (shrinks _)) //.
have -> : (r ^+ l.+1) ^+ 2 * form z z = r ^+ 2 * ((r ^+ l) ^+ 2 * form z z).
  by rewrite -exprM mulSn exprD exprM mulrA.
by apply: ler_wpmul2l; rewrite ?sqr_ge0.
Qed.

Theorem lyapunov_bound (h : 'rV[R]_k) u z b :
  0 <= r -> X *m u = h^T -> 0 <= b -> form u u * form z z <= b ^+ 2 ->
  forall l, `|(h *m iterate F 0 l z) 0 0| <= b * r ^+ l.
Proof.
move=> r0 hu b0 bound l.
have -> : (h *m iterate F 0 l z) 0 0 = form u (iterate F 0 l z).
  by rewrite /form -[u^T *m X]trmxK trmx_mul trmxK symmetric hu trmxK.
rewrite -ler_sqr ?nnegrE ?normr_ge0 ?mulr_ge0 ?exprn_ge0 //.
rewrite -normrX ger0_norm ?sqr_ge0 // (le_trans (cauchy_schwarz _ _)) //.
rewrite (le_trans (ler_wpmul2l (positive u) (form_iterate l z))) //.
by rewrite mulrCA exprMn mulrC ler_wpmul2r // sqr_ge0.
Qed.

End Form.

Section Errors.
Variables (R : comRingType) (N k m : nat).
Variables (T : 'M[R]_N) (c w0 star : 'cV[R]_N) (B : 'M[R]_(N, k)).
Variables (S : 'M[R]_(m, k)) (F : 'M[R]_k) (G : 'M[R]_m) (z : 'cV[R]_k).

Lemma iterate_error :
  T *m star + c = star -> w0 - star = B *m z -> T *m B = B *m F ->
  forall l, iterate T c l w0 - star = B *m iterate F 0 l z.
Proof.
move=> fixed start invariant; elim=> [|l IH] //=.
by rewrite addr0 mulmxA -invariant -mulmxA -IH mulmxBr -{1}fixed opprD addrACA subrr addr0.
Qed.

Lemma iterate_seen :
  S *m F = G *m S -> forall l, S *m iterate F 0 l z = iterate G 0 l (S *m z).
Proof. by move=> seen; elim=> [|l IH] //=; rewrite !addr0 mulmxA seen -mulmxA IH. Qed.

End Errors.

Theorem geometric_bound (R : realFieldType) (N k m : nat) (T : 'M[R]_N)
    (c w0 star : 'cV[R]_N) (q : 'rV[R]_N) (B : 'M[R]_(N, k)) (S : 'M[R]_(m, k))
    (F : 'M[R]_k) (G X : 'M[R]_m) (z : 'cV[R]_k) (h : 'rV[R]_m)
    (u : 'cV[R]_m) (r b : R) :
  T *m star + c = star -> w0 - star = B *m z -> T *m B = B *m F ->
  S *m F = G *m S -> q *m B = h *m S -> X^T = X ->
  (forall x, 0 <= form X x x) ->
  (forall x, form X (G *m x) (G *m x) <= r ^+ 2 * form X x x) ->
  0 <= r -> X *m u = h^T -> 0 <= b ->
  form X u u * form X (S *m z) (S *m z) <= b ^+ 2 ->
  forall l, `|(q *m iterate T c l w0) 0 0 - (q *m star) 0 0| <= b * r ^+ l.
Proof.
move=> fixed start invariant seen read symmetric positive shrinks r0 hu b0 bound l.
have -> : (q *m iterate T c l w0) 0 0 - (q *m star) 0 0
          = (h *m iterate G 0 l (S *m z)) 0 0.
  rewrite -(iterate_seen z seen) mulmxA -read -mulmxA.
  by rewrite -(iterate_error fixed start invariant) mulmxBr !mxE.
exact: (lyapunov_bound symmetric positive shrinks r0 hu b0 bound).
Qed.

Section Trajectory.
Variables (d n : nat).
Definition trajectory_G (R : fieldType) (gamma : R) (phi : nat -> 'cV[R]_d) : 'M[R]_d :=
  n%:R^-1 *: \sum_(j < n) phi j *m (phi j - gamma *: phi j.+1)^T.

Theorem trajectory_identity (R : numFieldType) (gamma : R) phi (x : 'cV[R]_d) :
  let a j := (x^T *m phi j) 0 0 in
  n%:R * (x^T *m trajectory_G gamma phi *m x) 0 0
  = (1 - gamma) * (\sum_(j < n) a j ^+ 2)
    + gamma / 2%:R * (\sum_(j < n) (a j - a j.+1) ^+ 2)
    + gamma / 2%:R * (a 0%N ^+ 2 - a n ^+ 2).
Proof.
move=> a.
have inner j : (x^T *m (phi j *m (phi j - gamma *: phi j.+1)^T) *m x) 0 0
               = a j * (a j - gamma * a j.+1).
  rewrite mulmxA -mulmxA mxE big_ord1; congr (_ * _).
  rewrite -[_ *m x]trmxK [LHS]mxE trmx_mul trmxK.
  by rewrite mulmxBr -scalemxAr /a !mxE.
have -> : n%:R * (x^T *m trajectory_G gamma phi *m x) 0 0
          = \sum_(j < n) a j * (a j - gamma * a j.+1).
  rewrite /trajectory_G -scalemxAr -scalemxAl mxE mulrA.
  have [z|pos] := posnP n.
    by rewrite [in RHS]z big_ord0 [in X in X * _]z mul0r mul0r.
  rewrite divff ?pnatr_eq0 -?lt0n // mul1r mulmx_sumr mulmx_suml summxE.
  by apply: eq_bigr => j _; rewrite inner.
have -> : a 0%N ^+ 2 - a n ^+ 2 = \sum_(j < n) (a j ^+ 2 - a j.+1 ^+ 2).
  elim: (n) => [|p IH]; first by rewrite big_ord0 subrr.
  by rewrite big_ord_recr /= -IH addrA subrK.
rewrite !mulr_sumr -!big_split; apply: eq_bigr => j _ /=.
by field.
Qed.

End Trajectory.

Theorem closed_trajectory_positive (R : realFieldType) (d n : nat) (gamma : R)
    (phi : nat -> 'cV[R]_d) :
  0 <= gamma < 1 -> phi n = phi 0%N ->
  (forall x : 'cV[R]_d, (forall j, (j < n)%N -> x^T *m phi j = 0) -> x = 0) ->
  forall x : 'cV[R]_d, x != 0 -> 0 < (x^T *m trajectory_G n gamma phi *m x) 0 0.
Proof.
move=> /andP[g0 g1] closed spans x nz.
pose a j := (x^T *m phi j) 0 0.
have [j lt_jn aj] : exists2 j, (j < n)%N & a j != 0.
  have [/existsP[j aj]|none] := boolP [exists j : 'I_n, a j != 0].
    by exists (j : nat); rewrite ?ltn_ord.
  case/negP: nz; apply/eqP/spans => j lt_jn.
  apply/matrixP=> p q; rewrite !ord1 [RHS]mxE.
  move: none; rewrite negb_exists => /forallP/(_ (Ordinal lt_jn)).
  by rewrite negbK => /eqP.
have n0 : (0 < n)%N by apply: leq_trans lt_jn.
have n_gt0 : 0 < n%:R :> R by rewrite ltr0n.
rewrite -(pmulr_rgt0 _ n_gt0) trajectory_identity -/(a _) closed subrr mulr0 addr0.
apply: ltr_paddr; first by rewrite mulr_ge0 ?divr_ge0 ?ler0n ?sumr_ge0 // => i _; exact: sqr_ge0.
rewrite pmulr_rgt0 ?subr_gt0 // lt_def sumr_ge0 ?andbT => [|i _]; last exact: sqr_ge0.
apply/eqP => /(psumr_eq0P (fun (i : 'I_n) _ => sqr_ge0 (a i))).
by move=> /(_ (Ordinal lt_jn) isT)/eqP; rewrite sqrf_eq0 (negPf aj).
Qed.

Section Tabular.
Variables (R : realFieldType) (s n : nat).
Variables (from to : 'I_n -> 'I_s) (a gamma : R).
Definition frequency (i : 'I_s) : R := n%:R^-1 * \sum_(j < n | from j == i) 1.
Definition one_hot (i : 'I_s) : 'cV[R]_s := delta_mx i 0.
Definition tabular_T : 'M[R]_s :=
  1%:M - (a / n%:R) *: \sum_(j < n)
    one_hot (from j) *m (one_hot (from j) - gamma *: one_hot (to j))^T.

Lemma tabular_entry i k :
  tabular_T i k = (i == k)%:R - a / n%:R *
    \sum_(j < n | from j == i) ((from j == k)%:R - gamma * (to j == k)%:R).
Proof.
rewrite /tabular_T !mxE summxE; congr (_ - _ * _).
rewrite [RHS]big_mkcond; apply: eq_bigr => j _.
rewrite !mxE big_ord1 !mxE !eqxx !andbT [i == _]eq_sym ![k == _]eq_sym.
by case: eqP => _; rewrite ?mul1r ?mul0r.
Qed.

Theorem tabular_row_sum i :
  0 <= a -> 0 <= gamma -> a * frequency i <= 1 ->
  \sum_k `|tabular_T i k| = 1 - a * (1 - gamma) * frequency i.
Proof.
move=> a0 g0 small.
have scale : 0 <= a / n%:R by rewrite divr_ge0 ?ler0n.
have entry_ge0 k : 0 <= tabular_T i k.
  rewrite tabular_entry subr_ge0.
  have [<-|ne] := eqVneq i k.
    apply: le_trans small; rewrite /frequency mulrA.
    rewrite ler_wpmul2l //; apply: ler_sum => j /eqP->.
    by rewrite eqxx ler_subl_addr ler_addl mulr_ge0 ?ler0n.
  rewrite mulr_ge0_le0 // -oppr_ge0 -sumrN; apply: sumr_ge0 => j /eqP->.
  by rewrite (negPf ne) sub0r opprK mulr_ge0 ?ler0n.
have -> : \sum_k `|tabular_T i k| = \sum_k tabular_T i k.
  by apply: eq_bigr => k _; rewrite ger0_norm.
under eq_bigr do rewrite tabular_entry.
have one (p : 'I_s) : \sum_k (p == k)%:R = 1 :> R.
  by rewrite (bigD1 p) //= eqxx big1 ?addr0 // => k; rewrite eq_sym => /negPf->.
rewrite sumrB one -mulr_sumr exchange_big /=.
under [in LHS]eq_bigr => j _ do rewrite sumrB -mulr_sumr !one mulr1.
have -> : \sum_(j < n | from j == i) (1 - gamma)
          = (1 - gamma) * \sum_(j < n | from j == i) 1.
  by rewrite mulr_sumr; apply: eq_bigr => j _; rewrite mulr1.
by rewrite /frequency; move: (n%:R^-1) (\sum_(j | _) 1) => v t; ring.
Qed.

End Tabular.

Section AverageReward.
Variables (R : numFieldType) (s n : nat) (a : R) (state : nat -> 'I_s).
Variable r : nat -> R.
Definition mean (j : nat) : R := j.+1%:R^-1 * \sum_(i < j.+1) r i.
Definition average_step (w : 'I_s -> R) (i : 'I_s) : R :=
  w i + a / n%:R * \sum_(j < n | state j == i)
    (r j - mean j + w (state j.+1) - w (state j)).

Theorem average_reward_drift w L :
  state n = state 0%N ->
  \sum_i iter L average_step w i
  = \sum_i w i + L%:R * (a / n%:R * \sum_(j < n) (r j - mean j)).
Proof.
move=> closed.
have step v : \sum_i average_step v i
              = \sum_i v i + a / n%:R * \sum_(j < n) (r j - mean j).
  rewrite big_split -mulr_sumr /=; congr (_ + _ * _).
  rewrite (exchange_big_dep xpredT) //=.
  have once j (x : R) : \sum_(i | state j == i) x = x.
    by rewrite (big_pred1 (state j)) // => i; rewrite /= eq_sym.
  under eq_bigr => j _ do rewrite once.
  have -> : \sum_(j < n) (r j - mean j)
            = \sum_(j < n) (r j - mean j) + (v (state n) - v (state 0%N)).
    by rewrite closed subrr addr0.
  have -> : v (state n) - v (state 0%N)
            = \sum_(j < n) (v (state j.+1) - v (state j)).
    elim: (n) => [|p IH]; first by rewrite big_ord0 subrr.
    by rewrite big_ord_recr /= -IH; ring.
  by rewrite -big_split; apply: eq_bigr => j _ /=; rewrite addrA.
elim: L => [|L IH]; first by rewrite mul0r addr0.
by rewrite iterS step IH -addrA -[in RHS]addn1 natrD mulrDl mul1r.
Qed.

End AverageReward.
