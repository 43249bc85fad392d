(******************************************************************************)
(* What linear attention with fixed weights cannot compute.                   *)
(*                                                                            *)
(* Every statement is about the L-layer, H-head transformer of attention.v    *)
(* with arbitrary W, P, Q, masks and scale.                                   *)
(*                                                                            *)
(*   at_t Z t == the prompt Z, whose entries are polynomials, at t            *)
(*    line Z0 Z1 == the polynomial prompt Z0 + t Z1                           *)
(*  read_out u v Z == the number u Z v; an entry is read_out e_i e_j          *)
(*    context_mask n == diag(1, ..., 1, 0): n context columns, a query column *)
(*  ratio_prompt q phi rho r == [Z q] with Z = [phi; rho; r; 0]: transitions  *)
(*       to terminal states and a query column q                              *)
(*  q_value R L == L steps of Q-learning on one transition with reward R,     *)
(*       feature 1, two next actions with features 1 and -1, step size 1 and  *)
(*       discount 1/2, from weight 0                                          *)
(*                                                                            *)
(* Theorems                                                                   *)
(*  tf_odd : TF(-Z) = -TF(Z)                                                  *)
(*  tf_linear_action : TF(Z) = G Z for a matrix G that depends on Z only      *)
(*       through the moments Z M Z^T                                          *)
(*  tf_relation : a linear relation between tokens survives every layer       *)
(*  tf_equivariant : TF(Z O) = TF(Z) O if O M O^T = M for every mask M        *)
(*  tf_rotation : under the context mask, no rotation of the context tokens   *)
(*       (Z -> Z O with O O^T = 1, in particular their signs) reaches the     *)
(*       query column                                                         *)
(*  tf_morphism : the transformer commutes with ring morphisms                *)
(*  tf_polynomial : along a polynomial prompt the output is a polynomial      *)
(*  tf_read_out : so is every read-out                                        *)
(*  tf_line : along the line Z0 + t Z1 it is a polynomial, entry by entry     *)
(*  no_abs, no_max : no read-out equals |t|, or max(t, 0), for every t        *)
(*  no_q_learning : no read-out equals q_value R L for every reward R, L >= 2 *)
(*  no_importance_ratio : with the ratio as a row of the prompt and the       *)
(*       context mask, no read-out of the query column equals                 *)
(*       sum_j rho_j r_j phi_j, not even for rho >= 0                         *)
(*                                                                            *)
(* Sources: ours; the layer is that of attention.v.                           *)
(* Assumptions: structure: any commutative ring; no_*: any real field. The    *)
(* prompt may depend on t by any polynomials, not only linearly.              *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp Require Import ring.
From LayerProof Require Import attention.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Section Structure.
Variables (R : comRingType) (m N H : nat) (a : R).
Variables (W P Q : nat -> 'I_H -> 'M[R]_m) (M : nat -> 'I_H -> 'M[R]_N).
Local Notation TF := (transformer a W P Q M).

Theorem tf_odd L (Z : 'M_(m, N)) : TF L (- Z) = - TF L Z.
Proof.
elim: L => //= L ->; rewrite !layer_sumE opprD; congr (_ + _).
rewrite -scalerN -sumrN; congr (_ *: _); apply: eq_bigr => h _.
by rewrite /attn [(- _)^T]linearN /= !(mulmxN, mulNmx) opprK.
Qed.

Lemma layer_action (G : 'M_m) (Z : 'M_(m, N)) l :
  layer a (W l) (P l) (Q l) (M l) (G *m Z)
  = (G + a *: \sum_h W l h *m (P l h *m G *m (Z *m M l h *m Z^T) *m G^T *m Q l
    h *m G)) *m Z.
Proof.
rewrite layer_sumE mulmxDl -scalemxAl mulmx_suml; congr (_ + _ *: _).
by apply: eq_bigr => h _; rewrite /attn trmx_mul !mulmxA.
Qed.

Theorem tf_linear_action L Z : exists G : 'M_m,
  forall Z', (forall l h, Z' *m M l h *m Z'^T = Z *m M l h *m Z^T) ->
    TF L Z' = G *m Z'.
Proof.
elim: L => [|L [G IH]] /=; first by exists 1%:M => Z' _; rewrite mul1mx.
eexists => Z' same; rewrite (IH _ same) layer_action.
by under eq_bigr do rewrite same; reflexivity.
Qed.

Corollary tf_relation k (c : 'M_(N, k)) L Z : Z *m c = 0 -> TF L Z *m c = 0.
Proof.
by have [G /(_ Z)-> // Zc] := tf_linear_action L Z; rewrite -mulmxA Zc mulmx0.
Qed.

Corollary tf_equivariant (O : 'M_N) L Z :
  (forall l h, O *m M l h *m O^T = M l h) -> TF L (Z *m O) = TF L Z *m O.
Proof.
move=> OM; have [G GZ] := tf_linear_action L Z.
by rewrite !GZ ?mulmxA // => l h; rewrite trmx_mul -[in RHS](OM l h) !mulmxA.
Qed.
End Structure.

Section Rotation.
Variables (R : comRingType) (m n H : nat) (a : R).
Variables (W P Q : nat -> 'I_H -> 'M[R]_m).

Definition context_mask : 'M[R]_(n + 1) := block_mx 1%:M 0 0 0.

Corollary tf_rotation (O : 'M_n) (Z : 'M_(m, n)) (q : 'cV_m) L : O *m O^T =
  1%:M ->
  let TF Z := transformer a W P Q (fun _ _ => context_mask) L (row_mx Z q) in
  rsubmx (TF (Z *m O)) = rsubmx (TF Z).
Proof.
move=> OO TF; rewrite /TF; set O' : 'M[R]_(n + 1) := block_mx O 0 0 1%:M.
have -> : row_mx (Z *m O) q = row_mx Z q *m O'.
  by rewrite mul_row_block !mulmx0 addr0 add0r mulmx1.
rewrite tf_equivariant => [|_ _]; last first.
  rewrite tr_block_mx !mulmx_block !trmx0 !(mulmx0, mul0mx, addr0, add0r,
    mulmx1) OO.
  by [].
by rewrite -{1}[transformer _ _ _ _ _ _ _]hsubmxK mul_row_block row_mxKr mulmx0
  add0r mulmx1.
Qed.
End Rotation.

Section Morphism.
Variables (R S : comRingType) (f : {rmorphism R -> S}) (m N H : nat) (a : R).
Variables (W P Q : nat -> 'I_H -> 'M[R]_m) (M : nat -> 'I_H -> 'M[R]_N).
Local Notation "A ^f" := (map_mx f A) : ring_scope.

Theorem tf_morphism L (Z : 'M_(m, N)) :
  (transformer a W P Q M L Z)^f
  = transformer (f a) (fun l h => (W l h)^f) (fun l h => (P l h)^f)
      (fun l h => (Q l h)^f) (fun l h => (M l h)^f) L Z^f.
Proof.
elim: L => //= L <-; rewrite !layer_sumE map_mxD map_mxZ raddf_sum.
congr (_ + _ *: _); apply: eq_bigr => h _.
by rewrite /attn /= !map_mxM map_trmx.
Qed.
End Morphism.

Section Polynomial.
Variables (R : comRingType) (m N H : nat) (a : R).
Variables (W P Q : nat -> 'I_H -> 'M[R]_m) (M : nat -> 'I_H -> 'M[R]_N).
Implicit Types (Z : 'M[{poly R}]_(m, N)) (t : R).

Definition at_t k l (Z : 'M[{poly R}]_(k, l)) t : 'M[R]_(k, l) := \matrix_(i,
  j) (Z i j).[t].
Definition line (Z0 Z1 : 'M[R]_(m, N)) : 'M[{poly R}]_(m, N) :=
  \matrix_(i, j) ((Z0 i j)%:P + Z1 i j *: 'X).
Definition read_out (u : 'rV[R]_m) (v : 'cV[R]_N) (Z : 'M_(m,
  N)) : R := (u *m Z *m v) 0 0.

Lemma at_tE k l (Z : 'M[{poly R}]_(k, l)) t : at_t Z t = map_mx (horner_eval t)
  Z.
Proof. by apply/matrixP => i j; rewrite !mxE. Qed.

Lemma at_tC k l (A : 'M[R]_(k, l)) t : map_mx (horner_eval t) (map_mx polyC A)
  = A.
Proof. by apply/matrixP => i j; rewrite !mxE /horner_eval hornerC. Qed.

Theorem tf_polynomial L Z : exists Zt : 'M[{poly R}]_(m, N),
  forall t, transformer a W P Q M L (at_t Z t) = at_t Zt t.
Proof.
exists (transformer a%:P (fun l h => map_mx polyC (W l h)) (fun l h =>
  map_mx polyC (P l h))
  (fun l h => map_mx polyC (Q l h)) (fun l h => map_mx polyC (M l h)) L Z) => t.
rewrite !at_tE tf_morphism /= /horner_eval hornerC.
elim: L => //= L ->; rewrite !layer_sumE; congr (_ + _ *: _).
by apply: eq_bigr => h _; rewrite !at_tC.
Qed.

Corollary tf_line L (Z0 Z1 : 'M_(m, N)) i j : exists p : {poly R},
  forall t, transformer a W P Q M L (Z0 + t *: Z1) i j = p.[t].
Proof.
have [Zt ZtE] := tf_polynomial L (line Z0 Z1); exists (Zt i j) => t.
have -> : Z0 + t *: Z1 = at_t (line Z0 Z1) t.
  by apply/matrixP => k l; rewrite !mxE hornerD hornerC hornerZ hornerX mulrC.
by rewrite ZtE mxE.
Qed.

Corollary tf_read_out L Z u v : exists p : {poly R},
  forall t, read_out u v (transformer a W P Q M L (at_t Z t)) = p.[t].
Proof.
have [Zt ZtE] := tf_polynomial L Z.
exists ((map_mx polyC u *m Zt *m map_mx polyC v) 0 0) => t.
rewrite ZtE /read_out at_tE -{1}[u](at_tC u t) -{1}[v](at_tC v t).
by rewrite -!map_mxM mxE.
Qed.
End Polynomial.

Section Impossible.
Variable F : realFieldType.

(* a polynomial that is c k at every natural k is c t everywhere *)
Lemma poly_on_naturals (p : {poly F}) c :
  (forall k : nat, p.[k%:R] = c * k%:R) -> forall t, p.[t] = c * t.
Proof.
move=> pE t; apply/eqP; rewrite -subr_eq0; set q := p - c *: 'X.
have -> : p.[t] - c * t = q.[t] by rewrite /q hornerD hornerN hornerZ hornerX.
suff -> : q = 0 by rewrite horner0.
apply/eqP/negPn/negP => q0.
pose rs := [seq k%:R : F | k <- iota 0 (size q)].
have := max_poly_roots q0 (_ : all (root q) rs) _.
rewrite size_map size_iota ltnn => h; suff: false by []; apply: h.
  apply/allP => _ /mapP[k _ ->].
  by rewrite rootE /q hornerD hornerN hornerZ hornerX pE subrr.
by rewrite map_inj_uniq ?iota_uniq // => j k /eqP; rewrite eqr_nat => /eqP.
Qed.

Lemma not_polynomial (p : {poly F}) (f : F -> F) c :
  (forall k : nat, f k%:R = c * k%:R) -> f (- 1) != - c -> ~ (forall t,
    p.[t] = f t).
Proof.
move=> fE /eqP fN pE.
apply: fN; rewrite -pE (poly_on_naturals (c := c)) ?mulrN1 // => k.
by rewrite pE.
Qed.

Variables (m N H : nat) (a : F).
Variables (W P Q : nat -> 'I_H -> 'M[F]_m) (M : nat -> 'I_H -> 'M[F]_N).
Variables (L : nat) (Z : 'M[{poly F}]_(m, N)) (u : 'rV[F]_m) (v : 'cV[F]_N).
Local Notation out t := (read_out u v (transformer a W P Q M L (at_t Z t))).

Lemma not_read_out (f : F -> F) c :
  (forall k : nat, f k%:R = c * k%:R) -> f (- 1) != - c -> ~ (forall t,
    out t = f t).
Proof.
move=> fE fN outE; have [p pE] := tf_read_out a W P Q M L Z u v.
by apply: (not_polynomial (p := p) fE fN) => t; rewrite -pE.
Qed.

Theorem no_abs : ~ (forall t, out t = `|t|).
Proof.
apply: (@not_read_out _ 1) => [k|]; first by rewrite ger0_norm ?ler0n ?mul1r.
by rewrite normrN1 -subr_eq0 opprK -mulr2n pnatr_eq0.
Qed.

Theorem no_max : ~ (forall t, out t = Num.max t 0).
Proof.
apply: (@not_read_out _ 1) => [k|]; first by rewrite max_l ?ler0n ?mul1r.
by rewrite max_r ?lerN10 // eq_sym oppr_eq0 oner_eq0.
Qed.

Definition q_step (rew w : F) :=
  w + 1 * (rew + 2%:R^-1 * Num.max (w * 1) (w * - 1) - w * 1) * 1.
Fixpoint q_value rew l := if l is l'.+1 then q_step rew (q_value rew l') else 0.

Lemma q_stepE rew w : q_step rew w = rew + `|w| / 2%:R.
Proof. by rewrite /q_step mulrN !mulr1 mul1r maxrN mulrC addrC subrK mulrC. Qed.

Lemma q_value2 rew : q_value rew 2 = rew + `|rew| / 2%:R.
Proof. by rewrite /= !q_stepE normr0 mul0r addr0. Qed.

Lemma q_value_scale t rew l : 0 <= t -> q_value (t * rew) l = t * q_value rew l.
Proof.
move=> t0; elim: l => [|l IH] /=; first by rewrite mulr0.
by rewrite IH !q_stepE normrM ger0_norm // mulrDr mulrA.
Qed.

Lemma q_not_polynomial l (p : {poly F}) : (2 <= l)%N ->
  ~ (forall rew, p.[rew] = q_value rew l).
Proof.
have half0 (w : F) : 0 <= `|w| / 2%:R by rewrite divr_ge0 // ler0n.
case: l => [|[|l]] // _; apply: (@not_polynomial _ _ (q_value 1 l.+2)) => [k|].
  by rewrite -[k%:R]mulr1 q_value_scale ?ler0n // mulrC mulr1.
have c1 : 1 < q_value 1 l.+2.
  rewrite /= q_stepE ltr_addl divr_gt0 ?ltr0n // normr_gt0 q_stepE.
  by rewrite gt_eqF // ltr_paddr ?ltr01.
have n1 : - 1 <= q_value (- 1) l.+2 by rewrite /= q_stepE ler_addl.
by rewrite gt_eqF // (lt_le_trans _ n1) // ltr_opp2.
Qed.

Theorem no_q_learning l : (2 <= l)%N -> ~ (forall rew, out rew = q_value rew l).
Proof.
move=> l2 outE; have [p pE] := tf_read_out a W P Q M L Z u v.
by apply: (q_not_polynomial (p := p) l2) => t; rewrite -pE.
Qed.
End Impossible.

Section ImportanceRatio.
Variables (F : realFieldType) (k K H : nat) (a : F).
Local Notation n := (2 + k)%N.
Local Notation m := (1 + (1 + 1) + K)%N.
Variables (W P Q : nat -> 'I_H -> 'M[F]_m) (q : 'cV[F]_m) (L : nat) (u :
  'rV[F]_m) (c : F).

(* n transitions to terminal states: features, ratios, rewards, K zero rows *)
Definition ratio_prompt (phi rho r : 'rV[F]_n) : 'M_(m, n + 1) :=
  row_mx (col_mx (col_mx phi (col_mx rho r)) 0) q.

Theorem no_importance_ratio : c != 0 ->
  ~ (forall phi rho r : 'rV_n, (forall j, 0 <= rho 0 j) ->
       (u *m rsubmx (transformer a W P Q (fun _ _ => context_mask F n) L
                       (ratio_prompt phi rho r))) 0 0
       = c * \sum_j rho 0 j * r 0 j * phi 0 j).
Proof.
move=> c0 H0.
have five : 5%:R != 0 :> F by rewrite pnatr_eq0.
pose vec (x y : F) : 'rV[F]_2 := \row_j (if val j == 0%N then x else y).
pose pad (x y : F) : 'rV[F]_n := row_mx (vec x y) 0.
pose O2 : 'M[F]_2 := \matrix_(i, j)
  (vec (if val i == 0%N then 3%:R / 5%:R else - 4%:R / 5%:R)
       (if val i == 0%N then 4%:R / 5%:R else 3%:R / 5%:R)) 0 j.
pose O : 'M[F]_n := block_mx O2 0 0 1%:M.
have OO : O *m O^T = 1%:M.
  rewrite tr_block_mx mulmx_block !trmx0 trmx1 !(mulmx0, mul0mx, addr0, add0r,
    mulmx1).
  rewrite [RHS]scalar_mx_block; congr (block_mx _ _ _ _).
  apply/matrixP => i j; rewrite !mxE !big_ord_recl big_ord0 !mxE /=.
  by case: i j => [[|[|i]] hi] [[|[|j]] hj] //=; field.
have padO x y : pad x y *m O
    = pad ((3%:R * x - 4%:R * y) / 5%:R) ((4%:R * x + 3%:R * y) / 5%:R).
  rewrite mul_row_block !(mulmx0, mul0mx, addr0); congr row_mx.
  apply/rowP => j; rewrite !mxE !big_ord_recl big_ord0 !mxE /=.
  by case: j => [[|[|j]] hj] //=; field.
have padS x y x' y' x'' y'' : \sum_j pad x y 0 j * pad x' y' 0 j * pad x'' y''
  0 j
    = x * x' * x'' + y * y' * y''.
  rewrite big_split_ord /= [X in _ + X]big1 ?addr0 => [|j _].
    by rewrite !big_ord_recl big_ord0 addr0 /pad !row_mxEl !mxE.
  by rewrite /pad !row_mxEr mxE !mul0r.
have pad0 x y : 0 <= x -> 0 <= y -> forall j, 0 <= pad x y 0 j.
  move=> x0 y0 j; rewrite mxE; case: splitP => i _; rewrite mxE //.
  by case: ifP.
have := tf_rotation a W P Q (col_mx (col_mx (pad 1 0) (col_mx (pad 2%:R 1) (pad
  1 0))) 0) q L OO.
rewrite /= !mul_col_mx !padO mul0mx => /(congr1 (fun v : 'cV_m =>
  (u *m v) 0 0)).
rewrite -!/(ratio_prompt _ _ _) !H0; last 2 first.
- by apply: pad0; rewrite ?ler0n ?ler01.
- have -> : 3%:R * 2%:R - 4%:R * 1 = 2%:R :> F by ring.
  by apply: pad0; rewrite divr_ge0 ?addr_ge0 ?mulr_ge0 ?ler0n ?ler01.
rewrite !padS => /(mulfI c0)/eqP; rewrite -subr_eq0.
set D := _ - _; have -> : D = - (56%:R / (5%:R * 5%:R * 5%:R)) by rewrite /D;
  field.
by rewrite oppr_eq0 mulf_eq0 invr_eq0 !mulf_eq0 !pnatr_eq0.
Qed.
End ImportanceRatio.
