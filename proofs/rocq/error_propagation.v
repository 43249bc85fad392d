(******************************************************************************)
(* How one-step errors reach the end of a run.                                *)
(*                                                                            *)
(* A run never computes the exact layer. Where the feature rows are never     *)
(* touched, a layer is an affine map of the accumulator rows, and the error   *)
(* made at one layer is carried by the exact linear maps of the layers that   *)
(* follow: nothing is estimated.                                              *)
(*                                                                            *)
(*   carry A s k e == e carried through layers s, s+1, ..., s+k-1 of the      *)
(*                    additive maps A 0, A 1, ...:                            *)
(*                    A (s+k-1) (... (A s e))                                 *)
(*  linear_layer a U M E X Y == Y + a (sum_h U_h Y M_h X^T E_h) X             *)
(*  adjoint_layer a U M E X G == G + a sum_h U_h^T G (M_h X^T E_h X)^T        *)
(*   on_rows V l h == diag(0, V_l,h), on_features E l h == diag(E_l,h, 0):    *)
(*                    the weights W, P and Q of heads that only move the      *)
(*                    accumulator rows                                        *)
(*   row_layer l Y == what layer l makes of the accumulator rows Y            *)
(*   pull a V S E M X s k G == the covector G taken back through layers       *)
(*                    s+k-1, ..., s by the adjoint layers, U = V S            *)
(*       <G, Y> is \tr (G^T *m Y), the sum of all G_ki Y_ki                   *)
(*   reads F S l h == [[0, 0], [F_l,h, S_l,h]], meets E T l h ==              *)
(*       [[E_l,h, T_l,h], [0, 0]]: P and Q of heads that also have feature    *)
(*       rows as values and accumulator rows on the query's side, as over a   *)
(*       constant row                                                         *)
(*   affine_row l Y == how layer l multiplies Y then: linear_layer and        *)
(*       a (sum_h V_h F_h X M_h X^T T_h) Y besides; pull_affine goes back     *)
(*                                                                            *)
(* Theorems                                                                   *)
(*  error_propagation : for y_{l+1} = A_l y_l + b_l and the run               *)
(*       yh_{l+1} = A_l yh_l + b_l + d_l, with y_0 = yh_0,                    *)
(*       yh_L - y_L = sum_l A_{L-1} ... A_{l+1} d_l                           *)
(*  error_propagation_start : the same with an error yh_0 - y_0 at the start  *)
(*  attention_error : the same for L layers of linear attention with several  *)
(*       heads and accumulator rows and per-layer weights, for every sequence *)
(*       of states with the right feature rows; d_l is the run's own one-step *)
(*       error (state l+1 minus the exact layer on state l)                   *)
(*  attention_error_start : the same from a wrong start                       *)
(*  attention_error_functional : <G, error> = sum_l <G pulled back, d_l>      *)
(*  attention_error_bound : if every |d_l| <= beta_l entrywise then           *)
(*       |<G, error>| <= sum_l <|G pulled back|, beta_l>                      *)
(*  attention_entry_bound : the same for one entry of the accumulator rows    *)
(*  affine_error, affine_entry_bound : both where each head reads the         *)
(*       accumulator rows in one place at most, S_l,h = 0 or T_l,h = 0        *)
(*                                                                            *)
(* Sources: the telescoping sum of a perturbed linear recursion; N. J. Higham,*)
(* Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002,        *)
(* chapter 17. The layer: attention.v.                                        *)
(* Assumptions: the feature rows of every state of the run are X. Everything  *)
(* else (heads, masks, weights of each layer, the errors) is arbitrary. A     *)
(* ring suffices, and an ordered one for the bound.                           *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From LayerProof Require Import attention.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Section Abstract.
Variables (V : zmodType) (A : nat -> {additive V -> V}).

Fixpoint carry s k e : V := if k is k'.+1 then A (s + k') (carry s k' e) else e.

Lemma carryB s k x y : carry s k (x - y) = carry s k x - carry s k y.
Proof. by elim: k => //= k ->; rewrite raddfB. Qed.

Lemma carry0 s k : carry s k 0 = 0.
Proof. by elim: k => //= k ->; rewrite raddf0. Qed.

Theorem error_propagation_start (b y yh d : nat -> V) :
    (forall l, y l.+1 = A l (y l) + b l) ->
    (forall l, yh l.+1 = A l (yh l) + b l + d l) ->
  forall L, yh L - y L
    = carry 0 L (yh 0%N - y 0%N) + \sum_(l < L) carry l.+1 (L - l.+1) (d l).
Proof.
move=> hy hyh; elim=> [|L IH] /=; first by rewrite big_ord0 addr0.
have -> : yh L.+1 - y L.+1 = A L (yh L - y L) + d L.
  by rewrite hyh hy raddfB addrAC opprD addrACA subrr addr0.
rewrite IH raddfD raddf_sum add0n -addrA big_ord_recr /= subnn;
  congr (_ + (_ + _)).
by apply: eq_bigr => l _; rewrite (subSn (ltn_ord l)) /= subnKC.
Qed.

Theorem error_propagation (b y yh d : nat -> V) :
    yh 0%N = y 0%N ->
    (forall l, y l.+1 = A l (y l) + b l) ->
    (forall l, yh l.+1 = A l (yh l) + b l + d l) ->
  forall L, yh L - y L = \sum_(l < L) carry l.+1 (L - l.+1) (d l).
Proof.
move=> h0 hy hyh L.
by rewrite (error_propagation_start hy hyh) h0 subrr carry0 add0r.
Qed.
End Abstract.

Section Layer.
Variables (R : comRingType) (p K N H : nat) (a : R).
Variables (U : 'I_H -> 'M[R]_K) (M : 'I_H -> 'M[R]_N) (E : 'I_H -> 'M[R]_p).
Variable X : 'M[R]_(p, N).
Implicit Types Y G : 'M[R]_(K, N).

Definition linear_layer Y : 'M_(K, N) :=
  Y + a *: (\sum_h U h *m Y *m M h *m X^T *m E h) *m X.

Definition adjoint_layer G : 'M_(K, N) :=
  G + a *: \sum_h (U h)^T *m G *m (M h *m X^T *m E h *m X)^T.

Lemma linear_layer_is_linear : linear linear_layer.
Proof.
move=> c Y Y'; rewrite /linear_layer scalerDr addrACA; congr (_ + _).
rewrite [in RHS]scalemxAl -mulmxDl; congr (_ *m _).
rewrite scalerA mulrC -scalerA -scalerDr; congr (_ *: _).
rewrite scaler_sumr -big_split; apply: eq_bigr => h _ /=.
by rewrite mulmxDr !mulmxDl -scalemxAr -!scalemxAl.
Qed.
Canonical linear_layer_additive := Additive linear_layer_is_linear.
Canonical linear_layer_linear := Linear linear_layer_is_linear.

Lemma adjoint_layerP G Y :
  \tr (G^T *m linear_layer Y) = \tr ((adjoint_layer G)^T *m Y).
Proof.
rewrite /linear_layer /adjoint_layer mulmxDr !linearD /= mulmxDl linearD /=.
congr (_ + _); rewrite -scalemxAl -scalemxAr !linearZ /= -scalemxAl linearZ /=.
congr (_ * _); rewrite mulmx_suml mulmx_sumr !linear_sum mulmx_suml linear_sum
  /=.
apply: eq_bigr => h _; rewrite (trmx_mul _ (_ *m X)^T) trmxK trmx_mul trmxK.
by rewrite -[in RHS]mulmxA [RHS]mxtrace_mulC !mulmxA.
Qed.
End Layer.

Section Run.
Variables (p K N H : nat).

Definition on_rows (R : comRingType) (V : nat -> 'I_H ->
  'M[R]_K) l h : 'M[R]_(p + K) :=
  block_mx 0 0 0 (V l h).
Definition on_features (R : comRingType) (E : nat -> 'I_H ->
  'M[R]_p) l h : 'M[R]_(p + K) :=
  block_mx (E l h) 0 0 0.

Section Exact.
Variables (R : comRingType) (a : R) (V S : nat -> 'I_H -> 'M[R]_K).
Variables (E : nat -> 'I_H -> 'M[R]_p) (M : nat -> 'I_H -> 'M[R]_N).
Variable X : 'M[R]_(p, N).

Local Notation exact_layer l := (layer a (on_rows V l) (on_rows S l)
  (on_features E l) (M l)).
Local Notation exact_run L Z :=
  (transformer a (on_rows V) (on_rows S) (on_features E) M L Z).

(* layer l on the accumulator rows *)
Definition row_layer l := linear_layer a (fun h =>
  V l h *m S l h) (M l) (E l) X.
Canonical row_layer_additive l := [additive of row_layer l].

Lemma row_layerP l Y : exact_layer l (col_mx X Y) = col_mx X (row_layer l Y).
Proof. exact: layer_block. Qed.

Theorem attention_error_start (Zh : nat -> 'M_(p + K, N)) Y L :
    (forall l, (l < L)%N -> usubmx (Zh l) = X) ->
  dsubmx (Zh L) - dsubmx (exact_run L (col_mx X Y))
  = carry row_layer_additive 0 L (dsubmx (Zh 0%N) - Y)
    + \sum_(l < L) carry row_layer_additive l.+1 (L - l.+1)
        (dsubmx (Zh l.+1 - exact_layer l (Zh l))).
Proof.
move=> hX; pose y l := dsubmx (exact_run l (col_mx X Y)).
pose yh l := dsubmx (Zh l); pose d l := yh l.+1 - row_layer l (yh l).
have uy l : usubmx (exact_run l (col_mx X Y)) = X.
  by rewrite [exact_run l _]transformer_block col_mxKu.
rewrite -/(y L) -/(yh L) (@error_propagation_start _ row_layer_additive (fun _
  => 0) y yh d).
- rewrite /y /= col_mxKd; congr (_ + _); apply: eq_bigr => l _;
  congr (carry _ _ _ _).
  by rewrite linearB /= -[in RHS](vsubmxK (Zh l)) hX // row_layerP col_mxKd.
- move=> l; rewrite addr0 /y /= -[in LHS](vsubmxK (exact_run l _)) uy.
  by rewrite row_layerP col_mxKd.
by move=> l; rewrite addr0 /d addrC subrK.
Qed.

Theorem attention_error (Zh : nat -> 'M_(p + K, N)) L :
    (forall l, (l <= L)%N -> usubmx (Zh l) = X) ->
  dsubmx (Zh L) - dsubmx (exact_run L (Zh 0%N))
  = \sum_(l < L) carry row_layer_additive l.+1 (L - l.+1)
      (dsubmx (Zh l.+1 - exact_layer l (Zh l))).
Proof.
move=> hX; rewrite -{1}(vsubmxK (Zh 0%N)) hX //.
rewrite attention_error_start => [|l lL]; last by rewrite hX // ltnW.
by rewrite subrr carry0 add0r.
Qed.

Fixpoint pull s k G : 'M[R]_(K, N) :=
  if k is k'.+1 then
    pull s k' (adjoint_layer a (fun h => V (s + k') h *m S (s + k') h)
                 (M (s + k')) (E (s + k')) X G)
  else G.

Lemma pullP s k G e :
  \tr (G^T *m carry row_layer_additive s k e) = \tr ((pull s k G)^T *m e).
Proof. by elim: k G => //= k IH G; rewrite -IH -adjoint_layerP. Qed.

Theorem attention_error_functional (Zh : nat -> 'M_(p + K, N)) G L :
    (forall l, (l <= L)%N -> usubmx (Zh l) = X) ->
  \tr (G^T *m (dsubmx (Zh L) - dsubmx (exact_run L (Zh 0%N))))
  = \sum_(l < L) \tr ((pull l.+1 (L - l.+1) G)^T
                       *m dsubmx (Zh l.+1 - exact_layer l (Zh l))).
Proof.
move=> hX; rewrite attention_error // mulmx_sumr linear_sum /=.
by apply: eq_bigr => l _; rewrite pullP.
Qed.
End Exact.

Section Bound.
Variables (R : numDomainType) (a : R) (V S : nat -> 'I_H -> 'M[R]_K).
Variables (E : nat -> 'I_H -> 'M[R]_p) (M : nat -> 'I_H -> 'M[R]_N).
Variable X : 'M[R]_(p, N).

Local Notation exact_layer l := (layer a (on_rows V l) (on_rows S l)
  (on_features E l) (M l)).
Local Notation exact_run L Z :=
  (transformer a (on_rows V) (on_rows S) (on_features E) M L Z).

Theorem attention_error_bound (Zh : nat -> 'M_(p + K,
  N)) (beta : nat -> 'M_(K, N)) G L :
    (forall l, (l <= L)%N -> usubmx (Zh l) = X) ->
    (forall l k t, (l < L)%N ->
       `|dsubmx (Zh l.+1 - exact_layer l (Zh l)) k t| <= beta l k t) ->
  `|\tr (G^T *m (dsubmx (Zh L) - dsubmx (exact_run L (Zh 0%N))))|
  <= \sum_(l < L) \sum_k \sum_t `|pull a V S E M X l.+1 (L - l.+1) G k t| *
    beta l k t.
Proof.
move=> hX hb; rewrite (attention_error_functional a V S E M G hX).
apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => l _.
rewrite exchange_big; apply: le_trans (ler_norm_sum _ _ _) _;
  apply: ler_sum => t _.
rewrite mxE; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => k _.
by rewrite normrM mxE ler_wpmul2l ?hb.
Qed.

(* one entry of the accumulator rows, say the read-out *)
Corollary attention_entry_bound (Zh : nat -> 'M_(p + K,
  N)) (beta : nat -> 'M_(K, N)) k t L :
    (forall l, (l <= L)%N -> usubmx (Zh l) = X) ->
    (forall l k' t', (l < L)%N ->
       `|dsubmx (Zh l.+1 - exact_layer l (Zh l)) k' t'| <= beta l k' t') ->
  `|(dsubmx (Zh L) - dsubmx (exact_run L (Zh 0%N))) k t|
  <= \sum_(l < L) \sum_k' \sum_t'
       `|pull a V S E M X l.+1 (L - l.+1) (delta_mx k t) k' t'| * beta l k' t'.
Proof.
move=> hX /(attention_error_bound (delta_mx k t) hX).
rewrite trmx_delta; set D := _ - _.
suff -> : \tr (delta_mx t k *m D) = D k t by [].
rewrite /mxtrace (bigD1 t) //= big1 ?addr0 => [|i it].
  rewrite mxE (bigD1 k) //= big1 ?addr0 => [|j jk];
    rewrite mxE eqxx ?eqxx ?mul1r //.
  by rewrite (negbTE jk) mul0r.
by rewrite mxE big1 // => j _; rewrite mxE (negbTE it) mul0r.
Qed.
End Bound.
End Run.

(* Over a constant row: values, keys and queries of both kinds. *)

Section AffineLayer.
Variables (R : comRingType) (p K N H : nat) (a : R).
Variables (V S : 'I_H -> 'M[R]_K) (F : 'I_H -> 'M[R]_(K, p)).
Variables (E : 'I_H -> 'M[R]_p) (T : 'I_H -> 'M[R]_(p, K)).
Variables (M : 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)).
Implicit Types Y G : 'M[R]_(K, N).

Definition mixing : 'M_K :=
  \sum_h V h *m F h *m X *m M h *m X^T *m T h.

Definition affine_layer Y : 'M_(K, N) :=
  linear_layer a (fun h => V h *m S h) M E X Y + a *: (mixing *m Y).

Definition added : 'M_(K, N) :=
  a *: ((\sum_h V h *m F h *m X *m M h *m X^T *m E h) *m X).

Definition adjoint_affine G : 'M_(K, N) :=
  adjoint_layer a (fun h => V h *m S h) M E X G + a *: (mixing^T *m G).

Lemma affine_layer_is_linear : linear affine_layer.
Proof.
move=> c Y Y'; rewrite /affine_layer linear_layer_is_linear.
rewrite (mulmxDr mixing) [a *: (_ + _)]scalerDr addrACA; congr (_ + _).
by rewrite [RHS]scalerDr -scalemxAr !scalerA mulrC.
Qed.
Canonical affine_layer_additive := Additive affine_layer_is_linear.

Lemma adjoint_affineP G Y :
  \tr (G^T *m affine_layer Y) = \tr ((adjoint_affine G)^T *m Y).
Proof.
rewrite /affine_layer /adjoint_affine.
have := adjoint_layerP a (fun h => V h *m S h) M E X G Y.
move: (linear_layer _ _ _ _ _ _) (adjoint_layer _ _ _ _ _ _) => y g eg.
rewrite mulmxDr !linearD /= mulmxDl linearD /= eg; congr (_ + _).
rewrite -scalemxAr [(_ *: _)^T]linearZ /= -scalemxAl !linearZ /=.
by rewrite trmx_mul trmxK mulmxA.
Qed.

Lemma both_head h Y : S h = 0 \/ T h = 0 ->
  attn (block_mx 0 0 (F h) (S h)) (M h) (block_mx (E h) (T h) 0 0) (col_mx X Y)
  = col_mx 0 (S h *m Y *m M h *m X^T *m E h *m X
      + (F h *m X *m M h *m X^T *m E h *m X
         + F h *m X *m M h *m X^T *m T h *m Y)).
Proof.
move=> pure; rewrite /attn mul_block_col !mul0mx !add0r tr_col_mx mul_row_block.
rewrite !mulmx0 !addr0 mul_row_col !mul_col_mx !mul0mx; congr (col_mx _ _).
rewrite mulmxDr !mulmxDl !mulmxA.
have -> : S h *m Y *m M h *m X^T *m T h *m Y = 0.
  by case: pure => ->; rewrite ?mulmx0 !mul0mx.
by rewrite addr0 -addrA addrCA.
Qed.

Lemma affine_layerP Y : (forall h, S h = 0 \/ T h = 0) ->
  layer a (fun h => block_mx 0 0 0 (V h)) (fun h => block_mx 0 0 (F h) (S h))
    (fun h => block_mx (E h) (T h) 0 0) M (col_mx X Y)
  = col_mx X (affine_layer Y + added).
Proof.
move=> pure; rewrite layer_sumE.
under eq_bigr do rewrite both_head // mul_block_col mulmx0 !mul0mx !add0r.
have -> : \sum_h col_mx (0 : 'M_(p, N))
    (V h *m (S h *m Y *m M h *m X^T *m E h *m X
      + (F h *m X *m M h *m X^T *m E h *m X
         + F h *m X *m M h *m X^T *m T h *m Y)))
  = col_mx 0 ((\sum_h V h *m S h *m Y *m M h *m X^T *m E h) *m X
      + ((\sum_h V h *m F h *m X *m M h *m X^T *m E h) *m X
         + mixing *m Y)).
  rewrite /mixing !mulmx_suml -!big_split /=.
  elim/big_rec2: _ => [|h A B _ ->]; first by rewrite col_mx0.
  by rewrite add_col_mx addr0 !mulmxDr !mulmxA.
rewrite scale_col_mx scaler0 add_col_mx addr0 /affine_layer /linear_layer.
rewrite -!scalemxAl !scalerDr -!addrA /added; congr (col_mx _ (_ + (_ + _))).
exact: addrC.
Qed.
End AffineLayer.

Section AffineRun.
Variables (p K N H : nat).

Definition reads (R : comRingType) (F : nat -> 'I_H -> 'M[R]_(K, p))
    (S : nat -> 'I_H -> 'M[R]_K) l h : 'M[R]_(p + K) :=
  block_mx 0 0 (F l h) (S l h).
Definition meets (R : comRingType) (E : nat -> 'I_H -> 'M[R]_p)
    (T : nat -> 'I_H -> 'M[R]_(p, K)) l h : 'M[R]_(p + K) :=
  block_mx (E l h) (T l h) 0 0.

Section Exact.
Variables (R : comRingType) (a : R) (V S : nat -> 'I_H -> 'M[R]_K).
Variables (F : nat -> 'I_H -> 'M[R]_(K, p)) (E : nat -> 'I_H -> 'M[R]_p).
Variables (T : nat -> 'I_H -> 'M[R]_(p, K)) (M : nat -> 'I_H -> 'M[R]_N).
Variable X : 'M[R]_(p, N).
Hypothesis one_place : forall l h, S l h = 0 \/ T l h = 0.

Local Notation exact_layer l := (layer a (on_rows p V l) (reads F S l)
  (meets E T l) (M l)).
Local Notation exact_run L Z :=
  (transformer a (on_rows p V) (reads F S) (meets E T) M L Z).

Definition affine_row l := affine_layer a (V l) (S l) (F l) (E l) (T l) (M l) X.
Canonical affine_row_additive l := [additive of affine_row l].
Definition affine_added l := added a (V l) (F l) (E l) (M l) X.

Lemma affine_rowP l Y :
  exact_layer l (col_mx X Y) = col_mx X (affine_row l Y + affine_added l).
Proof. exact: affine_layerP. Qed.

Lemma affine_features L Y : usubmx (exact_run L (col_mx X Y)) = X.
Proof.
elim: L => [|L IH] /=; first by rewrite col_mxKu.
by rewrite -(vsubmxK (exact_run L _)) IH affine_rowP col_mxKu.
Qed.

Theorem affine_error (Zh : nat -> 'M_(p + K, N)) L :
    (forall l, (l <= L)%N -> usubmx (Zh l) = X) ->
  dsubmx (Zh L) - dsubmx (exact_run L (Zh 0%N))
  = \sum_(l < L) carry affine_row_additive l.+1 (L - l.+1)
      (dsubmx (Zh l.+1 - exact_layer l (Zh l))).
Proof.
move=> hX; rewrite -{1}(vsubmxK (Zh 0%N)) hX //.
set Y := dsubmx (Zh 0%N); pose y l := dsubmx (exact_run l (col_mx X Y)).
pose yh l := dsubmx (Zh l).
pose d l := yh l.+1 - (affine_row l (yh l) + affine_added l).
rewrite -/(y L) -/(yh L) (@error_propagation _ affine_row_additive affine_added
  y yh d).
- apply: eq_bigr => l _; congr (carry _ _ _ _).
  rewrite linearB /= -[in RHS](vsubmxK (Zh l)) hX ?affine_rowP ?col_mxKd //.
  exact: ltnW.
- by rewrite /y /= col_mxKd.
- move=> l; rewrite /y /= -[in LHS](vsubmxK (exact_run l _)) affine_features.
  by rewrite affine_rowP col_mxKd.
by move=> l; rewrite /d addrC subrK.
Qed.

Fixpoint pull_affine s k G : 'M[R]_(K, N) :=
  if k is k'.+1 then
    let l := (s + k')%N in
    pull_affine s k' (adjoint_affine a (V l) (S l) (F l) (E l) (T l) (M l) X G)
  else G.

Lemma pull_affineP s k G e :
  \tr (G^T *m carry affine_row_additive s k e)
  = \tr ((pull_affine s k G)^T *m e).
Proof. by elim: k G => //= k IH G; rewrite -IH -adjoint_affineP. Qed.
End Exact.

Section Bound.
Variables (R : numDomainType) (a : R) (V S : nat -> 'I_H -> 'M[R]_K).
Variables (F : nat -> 'I_H -> 'M[R]_(K, p)) (E : nat -> 'I_H -> 'M[R]_p).
Variables (T : nat -> 'I_H -> 'M[R]_(p, K)) (M : nat -> 'I_H -> 'M[R]_N).
Variable X : 'M[R]_(p, N).
Hypothesis one_place : forall l h, S l h = 0 \/ T l h = 0.

Local Notation exact_layer l := (layer a (on_rows p V l) (reads F S l)
  (meets E T l) (M l)).
Local Notation exact_run L Z :=
  (transformer a (on_rows p V) (reads F S) (meets E T) M L Z).

Theorem affine_entry_bound (Zh : nat -> 'M_(p + K, N))
    (beta : nat -> 'M_(K, N)) k t L :
    (forall l, (l <= L)%N -> usubmx (Zh l) = X) ->
    (forall l k' t', (l < L)%N ->
       `|dsubmx (Zh l.+1 - exact_layer l (Zh l)) k' t'| <= beta l k' t') ->
  `|(dsubmx (Zh L) - dsubmx (exact_run L (Zh 0%N))) k t|
  <= \sum_(l < L) \sum_k' \sum_t'
       `|pull_affine a V S F E T M X l.+1 (L - l.+1) (delta_mx k t) k' t'|
       * beta l k' t'.
Proof.
move=> hX hb; set D := _ - _.
have <- : \tr ((delta_mx k t)^T *m D) = D k t.
  rewrite trmx_delta /mxtrace (bigD1 t) //= big1 ?addr0 => [|i it].
    rewrite mxE (bigD1 k) //= big1 ?addr0 => [|j jk];
      rewrite mxE eqxx ?eqxx ?mul1r //.
    by rewrite (negbTE jk) mul0r.
  by rewrite mxE big1 // => j _; rewrite mxE (negbTE it) mul0r.
rewrite /D (affine_error a V F E M one_place hX) mulmx_sumr linear_sum /=.
apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => l _.
rewrite pull_affineP exchange_big; apply: le_trans (ler_norm_sum _ _ _) _;
  apply: ler_sum => t' _.
rewrite mxE; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => k' _.
by rewrite normrM mxE ler_wpmul2l ?hb.
Qed.
End Bound.
End AffineRun.
