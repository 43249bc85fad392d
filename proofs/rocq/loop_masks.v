(******************************************************************************)
(* A textbook loop over a context, and the masks that do the same.            *)
(*                                                                            *)
(*         dot u v == the number u.v                                          *)
(*    sweep body s == the loop `for j in sweep: s = body(s, j)`, j = 0 .. n-1 *)
(*    after body s k == what it holds after k steps, by recursion on k        *)
(*  tracev c k f i == \sum_(j + k < i) c^(i-j-k-1) f_j: what a loop variable  *)
(*                    u <- c u + f_j holds after i steps, read k steps late;  *)
(*                    f_j a vector                                            *)
(*  traces c k f i == the same for numbers f_j                                *)
(*      diagonal a == the mask a_i on the diagonal                            *)
(*     below c k a == the mask a_i c^(i-j-k-1) for j + k < i                  *)
(*     above c k a == the mask a_j c^(j-i-k-1) for i + k < j                  *)
(* ptracev, ptraces, pbelow, pabove == the same with a decay c m of its own at*)
(*                    every step m, the product of these for the power, and   *)
(*                    b_j (b_i above) for what the earlier token enters with  *)
(*    gather y M x == \sum_i \sum_j y_i M_ij x_j for vectors x_j              *)
(*   gathers y M x == the same for numbers x_j                                *)
(* with_units f u == f at the first m of m + d columns, u at the last d       *)
(*                                                                            *)
(* Theorems                                                                   *)
(*        sweep_ind : induction over the loop                                 *)
(*       sweep_after: the loop is the recursion                               *)
(* tracevS, tracev_delay : one step of a trace                                *)
(* gather_diagonal, gather_below, gather_above: the mask lemma: what a mask   *)
(*                    gathers is a sum over the loop's steps of traces        *)
(*                                                                            *)
(* power_lag, below_pulse, far_above: entries of masks in other words         *)
(*         sum_axes : \sum_i (w.e_i) e_i = w, the sum over unit columns       *)
(* power_above, power_below, above_zero, below_zero: what is no zero at any   *)
(*                    position                                                *)
(* one_at_most, number_at_most, quotient_below, quotient_above: how numbers   *)
(*                    and quotients of them compare                           *)
(*  sum_transitions : a sum over the transitions is one over all columns less *)
(*                    that over the unit columns                              *)
(*                                                                            *)
(* Sources: ours. Assumptions: a commutative ring; any n, decays and delays.  *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg ssrnum zmodp matrix.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Dot.
Variables (F : comRingType) (d : nat).
Implicit Types (u v : 'rV[F]_d) (c : F).

Definition dot u v : F := (u *m v^T) 0 0.

Lemma dotDl u u' v : dot (u + u') v = dot u v + dot u' v.
Proof. by rewrite /dot mulmxDl mxE. Qed.
Lemma dotDr u v v' : dot u (v + v') = dot u v + dot u v'.
Proof. by rewrite /dot linearD /= mulmxDr mxE. Qed.
Lemma dotNl u v : dot (- u) v = - dot u v.
Proof. by rewrite /dot mulNmx mxE. Qed.
Lemma dotNr u v : dot u (- v) = - dot u v.
Proof. by rewrite /dot linearN /= mulmxN mxE. Qed.
Lemma dotZl c u v : dot (c *: u) v = c * dot u v.
Proof. by rewrite /dot -scalemxAl mxE. Qed.
Lemma dotZr c u v : dot u (c *: v) = c * dot u v.
Proof. by rewrite /dot linearZ /= -scalemxAr mxE. Qed.
Lemma dot0l v : dot 0 v = 0.
Proof. by rewrite /dot mul0mx mxE. Qed.
Lemma dot0r u : dot u 0 = 0.
Proof. by rewrite /dot linear0 mulmx0 mxE. Qed.
Lemma dotC u v : dot u v = dot v u.
Proof. by rewrite /dot -[v in LHS]trmxK -[u in LHS]trmxK -trmx_mul trmxK mxE. Qed.

(* entries of a row vector *)
Lemma entD u v i : (u + v) 0 i = u 0 i + v 0 i. Proof. by rewrite mxE. Qed.
Lemma entN u i : (- u) 0 i = - u 0 i. Proof. by rewrite mxE. Qed.
Lemma entZ c u i : (c *: u) 0 i = c * u 0 i. Proof. by rewrite mxE. Qed.
Lemma ent0 i : (0 : 'rV[F]_d) 0 i = 0. Proof. by rewrite mxE. Qed.

End Dot.

Section Loop.
Variable n : nat.

Definition sweep (S : Type) (body : S -> 'I_n -> S) (s : S) : S :=
  foldl body s (enum 'I_n).

Lemma sweep_ind (S : Type) (body : S -> 'I_n -> S) s (P : nat -> S -> Prop) :
    P 0%N s -> (forall (j : 'I_n) s, P j s -> P j.+1 (body s j)) ->
  P n (sweep body s).
Proof.
move=> P0 Pj.
suff /(_ n (leqnn n)): forall k, (k <= n)%N ->
    P k (foldl body s (take k (enum 'I_n))).
  by rewrite take_oversize // size_enum_ord.
elim=> [_|k IH lt_kn]; first by rewrite take0.
rewrite (take_nth (Ordinal lt_kn)) ?size_enum_ord // foldl_rcons.
rewrite (nth_ord_enum _ (Ordinal lt_kn)).
by apply: (Pj (Ordinal lt_kn)); apply: IH (ltnW lt_kn).
Qed.

Fixpoint after (S : Type) (body : S -> 'I_n -> S) (s : S) k : S :=
  if k is k'.+1 then
    if insub k' is Some j then body (after body s k') j else after body s k'
  else s.

Lemma sweep_after (S : Type) (body : S -> 'I_n -> S) s :
  sweep body s = after body s n.
Proof.
apply: (sweep_ind (P := fun k s' => s' = after body s k)) => // j s' ->.
by rewrite /= valK.
Qed.

End Loop.

Section Trace.
Variables (F : comRingType) (n : nat).

Section Module.
Variable V : lmodType F.
Implicit Types (f : 'I_n -> V) (c : F).

Definition tracev c k f (i : nat) : V :=
  \sum_(j < n | (j + k < i)%N) c ^+ (i - j - k).-1 *: f j.

Lemma tracev0 c k f : tracev c k f 0 = 0.
Proof. by rewrite /tracev big_pred0. Qed.

Lemma tracevS c f (i : 'I_n) : tracev c 0 f i.+1 = c *: tracev c 0 f i + f i.
Proof.
rewrite /tracev (bigD1 i) /= ?addn0 // subSnn subn0 expr0 scale1r addrC.
congr (_ + _); rewrite scaler_sumr; apply: eq_big => [j|j /andP[]].
  by rewrite !addn0 ltnS ltn_neqAle andbC -val_eqE.
rewrite addn0 ltnS => le_ji ne_ji; rewrite scalerA -exprS !subn0.
have lt_ji : (j < i)%N by rewrite ltn_neqAle val_eqE ne_ji.
by rewrite subSn // prednK ?subn_gt0.
Qed.

Lemma tracev_delay c k f (i : nat) : tracev c k.+1 f i.+1 = tracev c k f i.
Proof.
rewrite /tracev; apply: eq_big => j; first by rewrite addnS ltnS.
by move=> _; congr (_ ^+ _ *: _); rewrite -!subnDA addnS subSS.
Qed.

(* the same with a decay of its own at every step: c m is what step m does *)
Implicit Type e : nat -> F.
Definition ptracev e k f (i : nat) : V :=
  \sum_(j < n | (j + k < i)%N) (\prod_(j.+1 <= m < i - k) e m) *: f j.

Lemma ptracev0 e k f : ptracev e k f 0 = 0.
Proof. by rewrite /ptracev big_pred0. Qed.

Lemma ptracevS e f (i : 'I_n) :
  ptracev e 0 f i.+1 = e i *: ptracev e 0 f i + f i.
Proof.
rewrite /ptracev (bigD1 i) /= ?addn0 // subn0 big_geq // scale1r addrC.
congr (_ + _); rewrite scaler_sumr; apply: eq_big => [j|j /andP[]].
  by rewrite !addn0 ltnS ltn_neqAle andbC -val_eqE.
rewrite addn0 ltnS => le_ji ne_ji; rewrite scalerA subn0.
have lt_ji : (j < i)%N by rewrite ltn_neqAle val_eqE ne_ji.
by rewrite big_nat_recr //= mulrC.
Qed.

Lemma ptracev_delay e k f (i : nat) : ptracev e k.+1 f i.+1 = ptracev e k f i.
Proof.
rewrite /ptracev; apply: eq_big => j; first by rewrite addnS ltnS.
by move=> _; rewrite subSS.
Qed.

End Module.

Definition ptraces (e : nat -> F) k (f : 'I_n -> F) (i : nat) : F :=
  \sum_(j < n | (j + k < i)%N) (\prod_(j.+1 <= m < i - k) e m) * f j.

Lemma ptraces0 e k f : ptraces e k f 0 = 0.
Proof. exact: (@ptracev0 [lmodType F of F^o]). Qed.
Lemma ptracesS e f (i : 'I_n) :
  ptraces e 0 f i.+1 = e i * ptraces e 0 f i + f i.
Proof. exact: (@ptracevS [lmodType F of F^o]). Qed.
Lemma ptraces_delay e k f (i : nat) : ptraces e k.+1 f i.+1 = ptraces e k f i.
Proof. exact: (@ptracev_delay [lmodType F of F^o]). Qed.

Definition traces c k (f : 'I_n -> F) (i : nat) : F :=
  \sum_(j < n | (j + k < i)%N) c ^+ (i - j - k).-1 * f j.

Lemma traces0 c k f : traces c k f 0 = 0.
Proof. exact: (@tracev0 [lmodType F of F^o]). Qed.
Lemma tracesS c f (i : 'I_n) : traces c 0 f i.+1 = c * traces c 0 f i + f i.
Proof. exact: (@tracevS [lmodType F of F^o]). Qed.
Lemma traces_delay c k f (i : nat) : traces c k.+1 f i.+1 = traces c k f i.
Proof. exact: (@tracev_delay [lmodType F of F^o]). Qed.

Lemma tracev_sum (V : lmodType F) (f : 'I_n -> V) : tracev 1 0 f n = \sum_j f j.
Proof.
rewrite /tracev; apply: eq_big => [j|j _]; first by rewrite addn0 ltn_ord.
by rewrite expr1n scale1r.
Qed.
Lemma traces_sum (f : 'I_n -> F) : traces 1 0 f n = \sum_j f j.
Proof. exact: (@tracev_sum [lmodType F of F^o]). Qed.

End Trace.

Section Gather.
Variables (F : comRingType) (n : nat).
Implicit Types (y : 'I_n -> F) (M : 'M[F]_n).

Definition diagonal (a : 'I_n -> F) : 'M[F]_n :=
  \matrix_(i, j) if i == j then a i else 0.
Definition below c k (a : 'I_n -> F) : 'M[F]_n :=
  \matrix_(i, j) if (j + k < i)%N then a i * c ^+ (i - j - k).-1 else 0.
Definition above c k (a : 'I_n -> F) : 'M[F]_n :=
  \matrix_(i, j) if (i + k < j)%N then a j * c ^+ (j - i - k).-1 else 0.

Definition pbelow (c : nat -> F) k (a b : 'I_n -> F) : 'M[F]_n :=
  \matrix_(i, j) if (j + k < i)%N
    then a i * (\prod_(j.+1 <= m < i - k) c m) * b j else 0.
Definition pabove (c : nat -> F) k (a b : 'I_n -> F) : 'M[F]_n :=
  \matrix_(i, j) if (i + k < j)%N
    then a j * (\prod_(i.+1 <= m < j - k) c m) * b i else 0.

Section Module.
Variable V : lmodType F.
Implicit Type x : 'I_n -> V.

Definition gather y M x : V := \sum_i \sum_j (y i * M i j) *: x j.

Lemma gatherD y M M' x : gather y (M + M') x = gather y M x + gather y M' x.
Proof.
rewrite /gather -big_split; apply: eq_bigr => i _; rewrite -big_split.
by apply: eq_bigr => j _; rewrite mxE mulrDr scalerDl.
Qed.

Lemma gatherZ y c M x : gather y (c *: M) x = c *: gather y M x.
Proof.
rewrite /gather scaler_sumr; apply: eq_bigr => i _; rewrite scaler_sumr.
by apply: eq_bigr => j _; rewrite mxE mulrCA scalerA.
Qed.

Lemma gather_diagonal y a x :
  gather y (diagonal a) x = \sum_i (y i * a i) *: x i.
Proof.
apply: eq_bigr => i _; rewrite (bigD1 i) //= mxE eqxx big1 ?addr0 // => j ne_ji.
by rewrite mxE eq_sym (negPf ne_ji) mulr0 scale0r.
Qed.

Lemma gather_below y c k a x :
  gather y (below c k a) x = \sum_i (y i * a i) *: tracev c k x i.
Proof.
apply: eq_bigr => i _; rewrite scaler_sumr [RHS]big_mkcond.
by apply: eq_bigr => j _; rewrite mxE; case: ifP => _;
  rewrite ?mulr0 ?scale0r // scalerA mulrA.
Qed.

Lemma gather_above y c k a x :
  gather y (above c k a) x = \sum_i (a i * traces c k y i) *: x i.
Proof.
rewrite /gather exchange_big; apply: eq_bigr => j _ /=.
rewrite -scaler_suml; congr (_ *: _); rewrite mulr_sumr [RHS]big_mkcond.
apply: eq_bigr => i _; rewrite mxE; case: ifP => _; rewrite ?mulr0 //.
by rewrite mulrCA; congr (_ * _); rewrite mulrC.
Qed.

Lemma gather_pbelow y c k a b x :
  gather y (pbelow c k a b) x
  = \sum_i (y i * a i) *: ptracev c k (fun j => b j *: x j) i.
Proof.
apply: eq_bigr => i _; rewrite scaler_sumr [RHS]big_mkcond.
by apply: eq_bigr => j _; rewrite mxE; case: ifP => _;
  rewrite ?mulr0 ?scale0r // !scalerA !mulrA.
Qed.

Lemma gather_pabove y c k a b x :
  gather y (pabove c k a b) x
  = \sum_i (a i * ptraces c k (fun j => b j * y j) i) *: x i.
Proof.
rewrite /gather exchange_big; apply: eq_bigr => j _ /=.
rewrite -scaler_suml; congr (_ *: _); rewrite mulr_sumr [RHS]big_mkcond.
apply: eq_bigr => i _; rewrite mxE; case: ifP => _; rewrite ?mulr0 //.
by rewrite mulrC -!mulrA.
Qed.

End Module.

Definition gathers y M (z : 'I_n -> F) : F := \sum_i \sum_j y i * M i j * z j.

Lemma gathersD y M M' x : gathers y (M + M') x = gathers y M x + gathers y M' x.
Proof. exact: (@gatherD [lmodType F of F^o]). Qed.
Lemma gathersZ y c M x : gathers y (c *: M) x = c * gathers y M x.
Proof. exact: (@gatherZ [lmodType F of F^o]). Qed.
Lemma gathers_diagonal y a x :
  gathers y (diagonal a) x = \sum_i y i * a i * x i.
Proof. exact: (@gather_diagonal [lmodType F of F^o]). Qed.
Lemma gathers_ones :
  gathers (fun=> 1) (diagonal (fun=> 1)) (fun=> 1) = n%:R.
Proof.
rewrite gathers_diagonal; under eq_bigr do rewrite !mulr1.
by rewrite sumr_const card_ord.
Qed.
Lemma gathers_below y c k a x :
  gathers y (below c k a) x = \sum_i y i * a i * traces c k x i.
Proof. exact: (@gather_below [lmodType F of F^o]). Qed.
Lemma gathers_above y c k a x :
  gathers y (above c k a) x = \sum_i a i * traces c k y i * x i.
Proof. exact: (@gather_above [lmodType F of F^o]). Qed.
Lemma gathers_pbelow y c k a b x :
  gathers y (pbelow c k a b) x
  = \sum_i y i * a i * ptraces c k (fun j => b j * x j) i.
Proof. exact: (@gather_pbelow [lmodType F of F^o]). Qed.
Lemma gathers_pabove y c k a b x :
  gathers y (pabove c k a b) x
  = \sum_i a i * ptraces c k (fun j => b j * y j) i * x i.
Proof. exact: (@gather_pabove [lmodType F of F^o]). Qed.

End Gather.

(* columns that are no transitions: the last d of m + d hold multiples of e_i *)
Section Units.
Variables m d : nat.

Definition with_units (T : Type) (f : 'I_m -> T) (u : 'I_d -> T) (j : 'I_(m + d)) : T :=
  match split j with inl t => f t | inr i => u i end.

Lemma with_units_l (T : Type) (f : 'I_m -> T) u t : with_units f u (lshift d t) = f t.
Proof. by rewrite /with_units (unsplitK (inl t)). Qed.
Lemma with_units_r (T : Type) (f : 'I_m -> T) u i : with_units f u (rshift m i) = u i.
Proof. by rewrite /with_units (unsplitK (inr i)). Qed.

Lemma with_unitsE (T : Type) (f : 'I_m -> T) u (g : nat -> T) :
    (forall i : 'I_d, g (m + i)%N = u i) -> forall j : 'I_(m + d),
  (if insub (j : nat) is Some t then f t else g j) = with_units f u j.
Proof.
move=> gE j; rewrite /with_units; case: splitP => [t ->|i ->]; first by rewrite valK.
by rewrite insubF ?gE // ltnNge leq_addr.
Qed.

Lemma sum_transitions (V : zmodType) (f : 'I_(m + d) -> V) :
  \sum_t f (lshift d t) = \sum_j f j - \sum_i f (rshift m i).
Proof. by rewrite big_split_ord addrK. Qed.

Lemma sum_axes (F : comRingType) (w : 'rV[F]_d) :
  \sum_i dot w (delta_mx 0 i) *: delta_mx 0 i = w.
Proof.
rewrite [RHS]row_sum_delta; apply: eq_bigr => i _; congr (_ *: _).
by rewrite /dot trmx_delta -colE mxE.
Qed.

End Units.

(* what is divided by at every position is no zero: from what powers are at least and at most *)
Section Positions.
Variable F : numDomainType.
Implicit Types x y b : F.

Lemma power_above b k : 1 <= b -> 0 <= b ^+ k.+1 - b.
Proof.
move=> b1; rewrite exprS -[X in _ - X]mulr1 -mulrBr.
by apply: mulr_ge0; [exact: le_trans ler01 b1 | rewrite subr_ge0 exprn_ege1].
Qed.
Lemma power_below b k : 0 <= b -> b <= 1 -> 0 <= b - b ^+ k.+1.
Proof.
move=> b0 b1; rewrite exprS -[X in X - _]mulr1 -mulrBr.
by apply: mulr_ge0; [|rewrite subr_ge0 exprn_ile1].
Qed.
Lemma above_zero e x y : e = x + y -> 0 < x -> 0 <= y -> e != 0.
Proof.
move=> -> x0; rewrite le_eqVlt => /orP[/eqP <-|y0]; apply: lt0r_neq0; first by rewrite addr0.
exact: addr_gt0.
Qed.
Lemma below_zero e x y : e = - (x + y) -> 0 < x -> 0 <= y -> e != 0.
Proof. by move=> -> x0 y0; rewrite oppr_eq0; apply: above_zero x0 y0. Qed.

(* how literals compare, in words that leave the numbers alone *)
Lemma one_at_most k : 1 <= k.+1%:R :> F. Proof. by rewrite ler1n. Qed.
Lemma number_at_most k l : (k <= l)%N -> k%:R <= l%:R :> F. Proof. by rewrite ler_nat. Qed.

End Positions.

Lemma quotient_below (F : numFieldType) (x y : F) : 0 < y -> x <= y -> x / y <= 1.
Proof. by move=> y0 xy; rewrite ler_pdivr_mulr ?mul1r. Qed.
Lemma quotient_above (F : numFieldType) (x y : F) : 0 < y -> y <= x -> 1 <= x / y.
Proof. by move=> y0 yx; rewrite ler_pdivl_mulr ?mul1r. Qed.

(* the entries of a mask in other words *)
Section Powers.
Variable F : comRingType.

Lemma power_lag (c : F) i j : (j < i)%N -> c ^+ (i - j) = c * c ^+ (i - j).-1.
Proof. by move=> lt_ji; rewrite -exprS prednK ?subn_gt0. Qed.

Lemma below_pulse (a : F) i j k :
  (if (j + k < i)%N then a * 0 ^+ (i - j - k).-1 else 0)
  = if i == (j + k).+1 then a else 0.
Proof.
case: ifP => [lt_jki|far].
  rewrite expr0n -subnDA -subnS subn_eq0 eqn_leq lt_jki andbT.
  by case: ifP; rewrite (mulr1, mulr0).
by case: eqP => // ij; rewrite ij ltnSn in far.
Qed.

Lemma far_pulse i j k : (i <= j)%N -> (i == (j + k).+1) = false.
Proof. by move=> le_ij; rewrite ltn_eqF // ltnS (leq_trans le_ij) ?leq_addr. Qed.

Lemma near_pulse i j : (i <= j)%N -> (i == j.+1) = false.
Proof. by move=> le_ij; rewrite ltn_eqF. Qed.

Lemma far_above i j k : (j <= i)%N -> (i + k < j)%N = false.
Proof. by move=> le_ji; rewrite ltnNge (leq_trans le_ji) ?leq_addr. Qed.

End Powers.
