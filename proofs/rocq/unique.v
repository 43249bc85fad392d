(******************************************************************************)
(* One layer's weights are forced, up to one scale.                           *)
(*                                                                            *)
(* One head, p feature rows, one accumulator row, n + 2 context columns (at   *)
(* least two) and a query column; only context columns are keys. The layer to *)
(* be computed adds a r M X^T E X to the accumulator row r (for TD(0),        *)
(* E = B^T C^T A).                                                            *)
(*                                                                            *)
(*    context_mask == diag(1, ..., 1, 0), n + 2 ones                          *)
(*    one_head a P Q Z == Z + a P Z M (Z^T Q Z), M the context mask; an       *)
(*                  output map W is absorbed in P := W P                      *)
(*    target a E Z == the bottom row that the algorithm asks for              *)
(*    right_row n a E q P Q == for every context Z, the layer's bottom row is *)
(*                 right at all context columns of [Z q]; q is one fixed query*)
(*                  column, any                                               *)
(*    right_features n a q P Q == for every context Z, the layer leaves the   *)
(*                  feature rows of the context columns of [Z q] alone        *)
(*    td_form C == [[-C^T, C^T], [0, 0]], the E of TD(0)                      *)
(*                                                                            *)
(* Theorems                                                                   *)
(*  unique_coefficients : the core, on coefficients of the bilinear identity  *)
(*  right_rowP : right_row says (p z) (z^T Q z') = r(z) x(z)^T E x(z') for all*)
(*       tokens z, z', with p the bottom row of P, r(z) and x(z) the          *)
(*       accumulator and the features of z                                    *)
(*  one_layer_unique : if E has rank at least 2, right_row holds exactly for  *)
(*       bottom row of P = (0, ..., 0, eta), Q = diag(E, 0) / eta, eta != 0   *)
(*  one_layer_unique_all : with right_features too, P = diag(0, eta)          *)
(*  one_layer_unique_td : TD(0), rank C >= 2                                  *)
(*  rank_one_swap : the rank is needed: for E = u v, P may read the features  *)
(*       and the keys the accumulator instead                                 *)
(*                                                                            *)
(* Sources: the layer and TD(0) of Wang, Blaser, Daneshmand, Zhang 2025       *)
(* (arXiv 2405.13861), Theorem 1; uniqueness is ours.                         *)
(* Assumptions: a number field (numFieldType: a field containing Q), a != 0.  *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From LayerProof Require Import attention.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* The core, on coefficients: pv = bottom row of P, y = the accumulator. *)
Section Coefficients.
Variables (F : numFieldType) (m k : nat) (y : 'I_m).
Variables (pv : 'I_m -> F) (Q c : 'I_m -> 'I_k -> F).

Lemma double_eq0 (x : F) : x + x = 0 -> x = 0.
Proof. by move/eqP; rewrite -mulr2n mulrn_eq0 /= => /eqP. Qed.

Theorem unique_coefficients :
    (forall t, c y t = 0) ->
    ~ (exists (al : 'I_m -> F) (be : 'I_k -> F), forall i t,
      c i t = al i * be t) ->
    (forall i j t, pv i * Q j t + pv j * Q i t
       = (i == y)%:R * c j t + (j == y)%:R * c i t) ->
  exists2 eta, eta != 0 &
    (forall i, pv i = eta * (i == y)%:R) /\ (forall j t, Q j t = c j t / eta).
Proof.
move=> cy rank2 H.
have pz i : i != y -> pv i = 0.
  move=> ny; apply/eqP/negPn/negP => pi0; apply: rank2.
  have Qi t : Q i t = 0.
    have := H i i t; rewrite (negbTE ny) !mul0r addr0 => /double_eq0/eqP.
    by rewrite mulf_eq0 (negbTE pi0) => /eqP.
  have Qj j t : j != y -> Q j t = 0.
    move=> nj; have := H i j t.
    rewrite Qi mulr0 addr0 (negbTE ny) (negbTE nj) !mul0r addr0 => /eqP.
    by rewrite mulf_eq0 (negbTE pi0) => /eqP.
  exists (fun j => if j == y then 0 else pv j), (fun t => Q y t) => j t.
  case: (altP (j =P y)) => [->|nj]; first by rewrite cy mul0r.
  have := H y j t; rewrite eqxx (negbTE nj) (Qj j t nj) mulr0 add0r mul1r mul0r
    addr0.
  by move=> <-.
have py : pv y != 0.
  apply/negP => /eqP p0; apply: rank2; exists (fun=> 0), (fun=> 0) => j t.
  case: (altP (j =P y)) => [->|nj]; first by rewrite cy mul0r.
  have := H y j t; rewrite eqxx (negbTE nj) p0 (pz j nj) !mul0r !addr0 mul1r.
  by move=> <-.
exists (pv y) => //; split=> [i|j t].
  case: (altP (i =P y)) => [->|ni]; first by rewrite mulr1.
  by rewrite mulr0 pz.
apply: (mulfI py); rewrite mulrC [RHS]mulrC divfK // mulrC.
case: (altP (j =P y)) => [->|nj].
  by have := H y y t; rewrite eqxx !mul1r cy addr0 => /double_eq0 ->.
by have := H y j t; rewrite eqxx (negbTE nj) (pz j nj) !mul0r !addr0 mul1r.
Qed.
End Coefficients.

Section OneLayer.
Variables (F : numFieldType) (p n : nat) (a : F).
Hypothesis a0 : a != 0.
Local Notation m := (p + 1)%N.
Local Notation N := (n.+2 + 1)%N.

Definition context_mask : 'M[F]_N := block_mx 1%:M 0 0 0.
Definition one_head (P Q : 'M[F]_m) (Z : 'M_(m, N)) : 'M_(m, N) :=
  layer a (fun _ : 'I_1 => 1%:M) (fun=> P) (fun=> Q) (fun=> context_mask) Z.
Definition target (E : 'M[F]_p) (Z : 'M_(m, N)) : 'rV_N :=
  let X := usubmx Z in let r := dsubmx Z in
  r + a *: (r *m context_mask *m X^T *m E *m X).
Definition right_row E (q : 'cV_m) P Q := forall Z : 'M_(m, n.+2),
  lsubmx (dsubmx (one_head P Q (row_mx Z q))) = lsubmx (target E (row_mx Z q)).
Definition right_features (q : 'cV_m) P Q := forall Z : 'M_(m, n.+2),
  lsubmx (usubmx (one_head P Q (row_mx Z q))) = usubmx Z.

(* the contribution of key token z to token z' *)
Local Notation pair v Q z z' := ((v *m z) 0 0 * (z^T *m Q *m z') 0 0).

Lemma attn_pairs K (V : 'M_(K, m)) Q (Z : 'M_(m, n.+2)) q i t :
  lsubmx (V *m row_mx Z q *m context_mask *m ((row_mx Z q)^T *m Q *m row_mx Z
    q)) i t
  = \sum_j pair (row i V) Q (col j Z) (col t Z).
Proof.
rewrite mul_mx_row mul_row_block !mulmx0 !addr0 mulmx1 tr_row_mx mul_col_mx
  mul_col_row.
rewrite mul_row_block !mul0mx !addr0 row_mxKl mxE; apply: eq_bigr => j _.
congr (_ * _); first by rewrite colE mulmxA -row_mul -colE !mxE.
rewrite tr_col -row_mul mxE [RHS]mxE; apply: eq_bigr => k _.
by rewrite [row _ _ _ _]mxE [col _ _ _ _]mxE.
Qed.

Lemma pairsP (v v' : 'rV[F]_m) (Q Q' : 'M_m) :
  (forall (Z : 'M_(m, n.+2)) t,
     \sum_j pair v Q (col j Z) (col t Z) = \sum_j pair v' Q' (col j Z) (col t
       Z))
  <-> (forall z z' : 'cV_m, pair v Q z z' = pair v' Q' z z').
Proof.
split=> [H z z'|H Z t]; last by apply: eq_bigr => j _.
have two (z1 : 'cV_m) : pair v Q z1 z' + pair v Q z' z' = pair v' Q' z1 z' +
  pair v' Q' z' z'.
  pose Z : 'M_(m, n.+2) := \matrix_(i, j)
    if val j == 0%N then z1 i 0 else if val j == 1%N then z' i 0 else 0.
  have c0 : col ord0 Z = z1 by apply/colP => i; rewrite !mxE.
  have c1 : col 1 Z = z' by apply/colP => i; rewrite !mxE.
  have c2 (j : 'I_n) : col (lift ord0 (lift ord0 j)) Z = 0.
    by apply/colP => i; rewrite !mxE.
  have := H Z 1; rewrite !big_ord_recl.
  have -> : lift ord0 ord0 = 1 :> 'I_n.+2 by apply: val_inj.
  rewrite c0 c1 !big1 ?addr0 // => j _; rewrite c2 mulmx0 mxE mul0r //.
have := two z; have := two 0; rewrite !mulmx0 !mxE !mul0r !add0r => ->.
exact: addIr.
Qed.

(* polarisation: from pairs of tokens to coefficients *)
Lemma polarise (v v' : 'rV[F]_m) (Q Q' : 'M_m) :
    (forall z z' : 'cV_m, pair v Q z z' = pair v' Q' z z') ->
  forall i j k, v 0 i * Q j k + v 0 j * Q i k = v' 0 i * Q' j k + v' 0 j * Q' i
    k.
Proof.
move=> H i j k; pose e x : 'cV[F]_m := delta_mx x 0.
have ve (u : 'rV_m) x : (u *m e x) 0 0 = u 0 x by rewrite /e -colE mxE.
have Be B x y : ((e x)^T *m B *m e y) 0 0 = B x y.
  by rewrite /e trmx_delta -rowE -colE !mxE.
have sum (u : 'rV_m) B x y z : pair u B (e x + e y) (e z)
    = u 0 x * B x z + u 0 y * B y z + (u 0 x * B y z + u 0 y * B x z).
  rewrite mulmxDr linearD /= !mulmxDl mxE [X in _ * X]mxE !Be !ve.
  by rewrite mulrDl !mulrDr [_ + u 0 y * B y z]addrC addrACA.
have := H (e i + e j) (e k); rewrite !sum.
have h x : v 0 x * Q x k = v' 0 x * Q' x k by have := H (e x) (e k);
  rewrite !Be !ve.
by rewrite !h => /addrI.
Qed.

Local Notation bottom := (row_mx 0 1%:M : 'rV[F]_m).
Local Notation whole E := (block_mx E 0 0 0 : 'M[F]_m).

Lemma bottomE k (Z : 'M_(m, k)) : bottom *m Z = dsubmx Z.
Proof. by rewrite -{1}(vsubmxK Z) mul_row_col mul0mx mul1mx add0r. Qed.

Lemma wholeE k l (E : 'M_p) (Z : 'M_(m, k)) (Z' : 'M_(m, l)) :
  Z^T *m whole E *m Z' = (usubmx Z)^T *m E *m usubmx Z'.
Proof.
rewrite -{1}(vsubmxK Z) -{1}(vsubmxK Z') tr_col_mx mul_row_block !mulmx0 !addr0.
by rewrite mul_row_col mul0mx addr0.
Qed.

Lemma targetE E Z : target E Z
  = dsubmx Z + a *: (bottom *m Z *m context_mask *m (Z^T *m whole E *m Z)).
Proof. by rewrite wholeE bottomE /target !mulmxA. Qed.

Lemma one_headE P Q Z :
  one_head P Q Z = Z + a *: (P *m Z *m context_mask *m (Z^T *m Q *m Z)).
Proof. by rewrite /one_head layer_sumE big_ord1 mul1mx. Qed.

Theorem right_rowP E q P Q : right_row E q P Q <->
  forall z z' : 'cV_m,
    (dsubmx P *m z) 0 0 * (z^T *m Q *m z') 0 0
    = dsubmx z 0 0 * ((usubmx z)^T *m E *m usubmx z') 0 0.
Proof.
have -> : (forall z z' : 'cV_m,
    (dsubmx P *m z) 0 0 * (z^T *m Q *m z') 0 0
    = dsubmx z 0 0 * ((usubmx z)^T *m E *m usubmx z') 0 0)
  <-> (forall z z' : 'cV_m, pair (dsubmx P) Q z z' = pair bottom (whole E) z
    z').
  by split=> H z z'; have := H z z'; rewrite wholeE bottomE.
have cancel (A B C : 'rV[F]_n.+2) : A + a *: B = A + a *: C <-> B = C.
  by split=> [/addrI/(scalerI a0)|->].
have rowE Z : lsubmx (dsubmx (one_head P Q (row_mx Z q))) = lsubmx (target E
  (row_mx Z q))
  <-> forall t, \sum_j pair (dsubmx P) Q (col j Z) (col t Z)
        = \sum_j pair bottom (whole E) (col j Z) (col t Z).
  rewrite targetE one_headE !linearD !linearZ /= -!mul_dsub_mx cancel.
  split=> [/rowP H t|H]; last apply/rowP => t; [have := H t|have := H t];
    by rewrite !attn_pairs !row_id.
by rewrite -pairsP; split=> H Z; apply/rowE/H.
Qed.

Theorem right_featuresP q P Q : right_features q P Q <->
  forall i (z z' : 'cV_m), (row i (usubmx P) *m z) 0 0 * (z^T *m Q *m z') 0 0 =
    0.
Proof.
have pair0 (z z' : 'cV_m) : pair (0 : 'rV_m) 0 z z' = 0 by rewrite mul0mx mxE
  mul0r.
have -> : (forall i (z z' : 'cV_m), pair (row i (usubmx P)) Q z z' = 0)
  <-> (forall i (z z' : 'cV_m), pair (row i (usubmx P)) Q z z' = pair (0 :
    'rV_m) 0 z z').
  by split=> H i z z'; have := H i z z'; rewrite pair0.
have entry Z : lsubmx (usubmx (one_head P Q (row_mx Z q))) = usubmx Z
  <-> forall i t, \sum_j pair (row i (usubmx P)) Q (col j Z) (col t Z)
        = \sum_j pair (0 : 'rV_m) 0 (col j Z) (col t Z).
  have r0 t : \sum_j pair (0 : 'rV_m) 0 (col j Z) (col t Z) = 0.
    by rewrite big1 // => j _; rewrite pair0.
  rewrite one_headE !linearD !linearZ /= -!mul_usub_mx.
  have -> : lsubmx (usubmx (row_mx Z q)) = usubmx Z.
    by apply/matrixP => i j; rewrite [LHS]mxE [LHS]mxE row_mxEl [RHS]mxE.
  rewrite -{2}[usubmx Z]addr0; split=> [/addrI/eqP|H].
    rewrite scaler_eq0 (negbTE a0) => /eqP/matrixP H i t.
    by have := H i t; rewrite attn_pairs mxE r0.
  congr (_ + _); apply/eqP; rewrite scaler_eq0 (negbTE a0);
    apply/eqP/matrixP => i t.
  by rewrite attn_pairs H r0 mxE.
split=> [H i|H Z]; first by apply/pairsP => Z t; have /entry := H Z.
by apply/entry => i t; move: Z t; apply/pairsP.
Qed.

Section Forced.
Variables (E : 'M[F]_p) (q : 'cV[F]_m).
Hypothesis rankE : (1 < \rank E)%N.

Theorem one_layer_unique P Q : right_row E q P Q <->
  exists2 eta, eta != 0 &
    dsubmx P = row_mx 0 eta%:M /\ Q = eta^-1 *: block_mx E 0 0 0.
Proof.
rewrite right_rowP; split=> [H|[eta eta0 [PE ->]] z z']; last first.
  rewrite PE -[in row_mx _ _ *m z](vsubmxK z) mul_row_col mul0mx add0r
    mul_scalar_mx.
  rewrite -scalemxAr -scalemxAl wholeE !mxE.
  by rewrite mulrACA mulfV // mul1r.
have {}H (z z' : 'cV_m) : pair (dsubmx P) Q z z' = pair bottom (whole E) z z'.
  by rewrite H wholeE bottomE.
pose y : 'I_m := rshift p ord0.
have by_ i : bottom 0 i = (i == y)%:R.
  rewrite mxE; case: splitP => j ji; rewrite mxE.
    by case: eqP => // iy; have := ltn_ord j; rewrite -ji iy /= addn0 ltnn.
  by rewrite !ord1 eqxx; case: eqP => // -[]; apply: val_inj;
    rewrite /= ji !ord1.
have [t|[al [be alE]]|i j t|eta eta0 [pE QE]] :=
  @unique_coefficients F m m y (fun i => dsubmx P 0 i) Q (whole E).
- by rewrite /y /block_mx col_mxEd row_mx0 mxE.
- have EE : E = (\col_i al (lshift 1 i)) *m (\row_j be (lshift 1 j)).
    apply/matrixP => i j; rewrite mxE big_ord1 !mxE -alE.
    by rewrite block_mxEul.
  have := rankE; rewrite EE => /leq_trans/(_ (mxrankM_maxl _ _)).
  by rewrite ltnNge rank_leq_col.
- by have := polarise H i j t; rewrite !by_.
exists eta => //; split.
  have -> : row_mx 0 eta%:M = eta *: bottom.
    by rewrite scale_row_mx scaler0 scale_scalar_mx mulr1.
  by apply/rowP => i; rewrite pE -by_ [RHS]mxE.
by apply/matrixP => i j; rewrite QE [RHS]mxE mulrC.
Qed.

Theorem one_layer_unique_all P Q : right_row E q P Q /\ right_features q P Q <->
  exists2 eta, eta != 0 &
    P = block_mx 0 0 0 eta%:M /\ Q = eta^-1 *: block_mx E 0 0 0.
Proof.
split=> [[/one_layer_unique[eta eta0 [PE QE]] /right_featuresP H]|[eta eta0 [PE
  QE]]].
  exists eta => //; split=> //; rewrite -(vsubmxK P) PE /block_mx row_mx0;
    congr col_mx.
  have /matrix0Pn[j [k Ejk]] : E != 0 by apply: contraTneq rankE => ->;
    rewrite mxrank0.
  have Qjk : Q (lshift 1 j) (lshift 1 k) != 0.
    by rewrite QE mxE block_mxEul mulf_neq0 ?invr_eq0.
  apply/row_matrixP => i; rewrite row0; set v := row i _.
  have {}H (z z' : 'cV_m) : pair v Q z z' = pair (0 : 'rV_m) 0 z z'.
    by rewrite H mul0mx [X in _ = X * _]mxE mul0r.
  have vQ i' j' k' : v 0 i' * Q j' k' + v 0 j' * Q i' k' = 0.
    by rewrite (polarise H) !mxE !mul0r addr0.
  have vj : v 0 (lshift 1 j) = 0.
    have /double_eq0/eqP := vQ (lshift 1 j) (lshift 1 j) (lshift 1 k).
    by rewrite mulf_eq0 (negbTE Qjk) orbF => /eqP.
  apply/rowP => i'; rewrite [RHS]mxE.
  have /eqP := vQ i' (lshift 1 j) (lshift 1 k).
  by rewrite vj mul0r addr0 mulf_eq0 (negbTE Qjk) orbF => /eqP.
split; first by apply/one_layer_unique; exists eta;
  rewrite // PE /block_mx col_mxKd.
by apply/right_featuresP => i z z'; rewrite PE /block_mx col_mxKu row_mx0 row0
  mul0mx mxE mul0r.
Qed.
End Forced.

(* the swap: P reads the features, the keys read the accumulator *)
Theorem rank_one_swap (u : 'cV_p) (v : 'rV_p) q eta : eta != 0 ->
  right_row (u *m v) q (eta *: block_mx 0 0 u^T 0) (eta^-1 *: block_mx 0 0 v 0).
Proof.
move=> eta0; apply/right_rowP => z z'.
rewrite /block_mx scale_col_mx col_mxKd -/(block_mx _ _ _ _) -!scalemxAl
  -scalemxAr -scalemxAl.
have -> : row_mx u^T 0 *m z = u^T *m usubmx z.
  by rewrite -{1}(vsubmxK z) mul_row_col mul0mx addr0.
have -> : z^T *m block_mx 0 0 v 0 *m z' = (dsubmx z)^T *m (v *m usubmx z').
  rewrite -{1}(vsubmxK z) -{1}(vsubmxK z') tr_col_mx mul_row_block !mulmx0
    !add0r.
  by rewrite mul_row_col mul0mx addr0 mulmxA.
have m1 (A B : 'M[F]_1) : (A *m B) 0 0 = A 0 0 * B 0 0 by rewrite mxE big_ord1.
have sc c (A : 'M[F]_1) : (c *: A) 0 0 = c * A 0 0 by rewrite mxE.
have tr (A : 'M[F]_1) : A^T 0 0 = A 0 0 by rewrite mxE.
have -> : u^T *m usubmx z = ((usubmx z)^T *m u)^T by rewrite trmx_mul trmxK.
have -> : (usubmx z)^T *m (u *m v) *m usubmx z' = ((usubmx z)^T *m u) *m (v *m
  usubmx z').
  by rewrite !mulmxA.
by rewrite !sc !m1 !tr mulrACA mulfV // mul1r mulrCA.
Qed.
End OneLayer.

Definition td_form (F : ringType) d (C : 'M[F]_d) : 'M_(d + d) := block_mx (-
  C^T) C^T 0 0.

Lemma rank_td_form (F : fieldType) d (C : 'M[F]_d) : (\rank C <= \rank (td_form
  C))%N.
Proof.
rewrite -mxrank_tr; have <- : row_mx 1%:M 0 *m td_form C *m col_mx 0 1%:M = C^T.
  by rewrite mul_row_block !mul0mx !addr0 !mul1mx mul_row_col mulmx0 add0r
    mulmx1.
exact: leq_trans (mxrankM_maxl _ _) (mxrankM_maxr _ _).
Qed.

Corollary one_layer_unique_td (F : numFieldType) d n (a : F) (C : 'M_d) q P Q :
    a != 0 -> (1 < \rank C)%N ->
  right_row n a (td_form C) q P Q <->
  exists2 eta, eta != 0 &
    dsubmx P = row_mx 0 eta%:M /\ Q = eta^-1 *: block_mx (td_form C) 0 0 0.
Proof. by move=> a0 hC; apply: one_layer_unique => //;
  apply: leq_trans hC (rank_td_form C). Qed.
