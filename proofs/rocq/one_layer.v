(******************************************************************************)
(* One layer with its output map fixed at 1: a smaller invariant set, and its *)
(* translates by any frozen values.                                           *)
(*                                                                            *)
(* A prompt has d + d feature rows and a reward row; its last token is the    *)
(* query, and the read-out is s times the last row's entry there.             *)
(* query_token Z == the last token is [q; 0; 0] for some q                    *)
(* fixed_output P Q == the weights with W_h = 1, P_h, Q_h at every layer      *)
(* kept A B k D == what one layer's read-out depends on in a matrix D of role *)
(*         k: A P, Q B. Here A P is the last row of P, Q B the first d        *)
(*         columns of Q, and zero elsewhere                                   *)
(* keep A B theta == the weights theta with these parts only                  *)
(* one_layer_P T P == P is [T; 0 0 eta] for some eta                          *)
(* one_layer_Q B12 B22 B13 B32 B33 Q == Q is                                  *)
(*         [[cI, B12, B13], [c'I, B22, B13'], [0, B32, B33]] for some c, c'   *)
(*         (B13 over B13' is the argument B13); T and the B are frozen        *)
(*                                                                            *)
(* Theorems                                                                   *)
(* one_layer_kept : the read-out depends on the kept parts only               *)
(* one_layer_gradient : so the gradient is zero elsewhere, and does not see   *)
(*         the frozen entries                                                 *)
(* one_layer_invariant : after a semi-gradient step over a symmetric law each *)
(*         P_h and Q_h is of the same form with the same frozen entries       *)
(* one_layer_invariant_residual, _any : and after a residual-gradient step,   *)
(*         or one with any scalars of which the symmetry sees nothing         *)
(*                                                                            *)
(* Sources: ours. Any d, n, heads, masks, scale and step sizes.               *)
(* Assumptions: those of invariance.v.                                        *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From LayerProof Require Import attention gradient commutant.
From LayerProof Require Import symmetric_law expected_update invariance.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Kept.
(* The row that is read fixes A, the column that is read is fixed by B. *)
Variables (R : comRingType) (m N H : nat) (r : 'I_m) (c : 'I_N).
Variables (A B : 'M[R]_m) (rA : row r A = delta_mx ord0 r).
Variables (a s : R) (M : nat -> 'I_H -> 'M[R]_N).
Implicit Types (theta E : nat -> 'I_H -> role -> 'M[R]_m).

Definition kept k (D : 'M[R]_m) :=
  match k with OfW => D | OfP => A *m D | OfQ => D *m B end.

Definition keep theta l h k := kept k (theta l h k).

Lemma kept_sum (I : finType) (p x x' : I -> R) (G G' : I -> 'M[R]_m) k :
  \sum_i p i *: (x i *: kept k (G i) + x' i *: kept k (G' i))
  = kept k (\sum_i p i *: (x i *: G i + x' i *: G' i)).
Proof.
case: k => //=; rewrite ?mulmx_sumr ?mulmx_suml; apply: eq_bigr => i _.
  by rewrite -scalemxAr mulmxDr -!scalemxAr.
by rewrite -scalemxAl mulmxDl -!scalemxAl.
Qed.

Lemma attn_kept P Mh Q (Z : 'M_(m, N)) : B *m col c Z = col c Z ->
  attn (A *m P) Mh (Q *m B) Z r c = attn P Mh Q Z r c.
Proof.
move=> BZ; rewrite /attn; set X := P *m Z *m Mh *m Z^T *m Q.
have -> : A *m P *m Z *m Mh *m (Z^T *m (Q *m B) *m Z) = A *m X *m (B *m Z).
  by rewrite !mulmxA.
have -> : P *m Z *m Mh *m (Z^T *m Q *m Z) = X *m Z by rewrite !mulmxA.
have entry (U : 'M[R]_m) (Y : 'M[R]_(m, N)) :
  (U *m Y) r c = (row r U *m col c Y) 0 0.
  by rewrite -row_mul colE mulmxA -colE !mxE.
by rewrite !entry row_mul rA -rowE (colE c (B *m Z)) -mulmxA -colE BZ.
Qed.

Theorem one_layer_kept theta Z : B *m col c Z = col c Z ->
  (forall h, theta 0%N h OfW = 1%:M) ->
  read_entry s r c (run a theta M 1 Z)
  = read_entry s r c (run a (keep theta) M 1 Z).
Proof.
move=> BZ W1; rewrite /read_entry /run /= !layer_sumE.
have entry (U : 'M_(m, N)) : (Z + a *: U) r c = Z r c + a * U r c.
  by rewrite !mxE.
rewrite !entry !summxE; congr (_ * (_ + _ * _)); apply: eq_bigr => h _.
by rewrite W1 !mul1mx; apply/esym/attn_kept.
Qed.

End Kept.

Section Gradient.
Variables (R : comRingType) (m N H : nat) (r : 'I_m) (c : 'I_N).
Variables (A B : 'M[R]_m) (rA : row r A = delta_mx ord0 r).
Variables (a s : R) (M : nat -> 'I_H -> 'M[R]_N).
Implicit Types (theta E : nat -> 'I_H -> role -> 'M[R]_m).
Local Notation grad := (grad a M 1 r c s).

Lemma one_layer_dtf theta E Z : B *m col c Z = col c Z ->
  (forall h, theta 0%N h OfW = 1%:M) -> (forall h, E 0%N h OfW = 0) ->
  dtf a M 1 r c s theta E Z
  = dtf a M 1 r c s (keep A B theta) (keep A B E) Z.
Proof.
move=> BZ W1 E0; rewrite /dtf /run_line.
pose up D := map_mx (@polyC R) D : 'M_m.
have upA : row r (up A) = delta_mx ord0 r.
  by rewrite -map_row rA map_delta_mx.
have upB : up B *m col c (map_mx polyC Z) = col c (map_mx polyC Z).
  by rewrite -map_col -map_mxM BZ.
have upW h : weight_line theta E 0 h OfW = 1%:M.
  rewrite /weight_line W1 E0 map_mx1 (map_mx0 (polyC_rmorphism R)).
  by rewrite scaler0 addr0.
rewrite [in LHS](one_layer_kept upA _ _ _ upB upW).
suff -> : run a%:P (keep (up A) (up B) (weight_line theta E))
    (fun l h => map_mx polyC (M l h)) 1 (map_mx polyC Z)
  = run a%:P (weight_line (keep A B theta) (keep A B E))
    (fun l h => map_mx polyC (M l h)) 1 (map_mx polyC Z) by [].
apply: eq_run => l h k _; rewrite /keep /weight_line /up.
by case: k; rewrite //= !map_mxM (mulmxDr, mulmxDl) -(scalemxAr, scalemxAl).
Qed.

Theorem one_layer_gradient theta Z h k : B *m col c Z = col c Z ->
  (forall h, theta 0%N h OfW = 1%:M) -> k <> OfW ->
  grad theta Z 0 h k = kept A^T B^T k (grad (keep A B theta) Z 0 h k).
Proof.
move=> BZ W1 kW; apply/matrixP=> i j; rewrite mxE one_layer_dtf //; last first.
  by move=> h'; rewrite /only; case: k kW => // _; rewrite !andbF.
pose D := kept A B k (delta_mx i j).
transitivity (dtf a M 1 r c s (keep A B theta) (only 0 h k D) Z).
  apply: eq_dtf => // l' h' k' _; rewrite /keep /only; case: ifP => [|_].
    by case/and3P=> _ _; rewrite /D; case: (k) (k') => [] [].
  by case: (k'); rewrite /= ?mulmx0 ?mul0mx.
rewrite /D; case: (k) kW => //= _.
  have /matrixP/(_ i j) :=
    grad_mul a M 1 r c s (keep A B theta) Z 0 h OfP A 1%:M.
  by rewrite mxE mulmx1 trmx1 mulmx1.
have /matrixP/(_ i j) := grad_mul a M 1 r c s (keep A B theta) Z 0 h OfQ 1%:M B.
by rewrite mxE mul1mx trmx1 mul1mx.
Qed.

End Gradient.

Section Invariant.
Variables (F : numFieldType) (d n H : nat) (Omega : finType).
Local Notation m := (d + d + 1)%N.
Local Notation reward_row := (rshift (d + d) (0 : 'I_1)).
Local Notation query := (rshift n (0 : 'I_1)).

Definition query_token (Z : 'M[F]_(m, n + 1)) :=
  exists q : 'cV_d, col query Z = col_mx (col_mx q 0) 0.

Definition fixed_output (P Q : 'I_H -> 'M[F]_m) :=
  weights (fun _ _ => 1%:M) (fun=> P) (fun=> Q).

Definition one_layer_P (T : 'M[F]_(d + d, m)) (P : 'M_m) :=
  exists eta, P = col_mx T (row_mx 0 eta%:M).

Definition one_layer_Q (B12 B22 : 'M[F]_d) (B13 : 'M_(d + d, 1))
    (B32 : 'M_(1, d)) (B33 : 'M_1) (Q : 'M_m) :=
  exists b b', Q = block_mx (block_mx b%:M B12 b'%:M B22) B13
                            (row_mx 0 B32) B33.

Let A : 'M[F]_m := block_mx 0 0 0 1%:M.
Let B : 'M[F]_m := block_mx (block_mx 1%:M 0 0 0) 0 0 0.

Let row_A : row reward_row A = delta_mx ord0 reward_row.
Proof.
rewrite rowE delta_mx_rshift mul_row_block !mul0mx mulmx0 mulmx1.
by rewrite !add0r.
Qed.

Let col_B Z : query_token Z -> B *m col query Z = col query Z.
Proof.
move=> [q ->]; rewrite !mul_block_col !(mul0mx, mulmx0, mul1mx).
by rewrite !addr0.
Qed.

Let trA : A^T = A. Proof. by rewrite tr_block_mx !trmx0 trmx1. Qed.
Let trB : B^T = B. Proof. by rewrite !tr_block_mx !trmx0 trmx1. Qed.

Let kept_P T P : one_layer_P T P -> commutant_pattern (A *m P).
Proof.
move=> [eta ->]; rewrite mul_block_col !mul0mx addr0 add0r mul1mx.
exists 0, 0, 0, 0, eta%:M.
by rewrite [0%:M]raddf0 block_mx0 block_mxEv row_mx0.
Qed.

Let kept_Q B12 B22 B13 B32 B33 Q :
  one_layer_Q B12 B22 B13 B32 B33 Q -> commutant_pattern (Q *m B).
Proof.
move=> [b [b' ->]]; exists b, 0, b', 0, 0.
rewrite !mulmx_block !(mulmx0, mul0mx, mulmx1, addr0) mul_row_block.
by rewrite !(mulmx0, mul0mx, addr0) row_mx0 raddf0.
Qed.

Variables (a : F) (M : nat -> 'I_H -> 'M[F]_(n + 1)) (s gamma : F).
Variables (T : 'I_H -> 'M[F]_(d + d, m)) (B12 B22 : 'I_H -> 'M[F]_d).
Variables (B13 : 'I_H -> 'M[F]_(d + d, 1)) (B32 : 'I_H -> 'M[F]_(1, d)).
Variables (B33 : 'I_H -> 'M[F]_1) (P Q : 'I_H -> 'M[F]_m).
Hypothesis frozen_P : forall h, one_layer_P (T h) (P h).
Hypothesis frozen_Q :
  forall h, one_layer_Q (B12 h) (B22 h) (B13 h) (B32 h) (B33 h) (Q h).
Variables (p : Omega -> F) (Z Z' : Omega -> 'M[F]_(m, n + 1)).
Hypothesis tokens : forall w, query_token (Z w) /\ query_token (Z' w).
Local Notation theta := (fixed_output P Q).
Local Notation theta0 := (keep A B theta).
Local Notation invariant alpha u := (forall h,
  one_layer_P (T h) (step alpha theta u 0 h OfP) /\
  one_layer_Q (B12 h) (B22 h) (B13 h) (B32 h) (B33 h)
    (step alpha theta u 0 h OfQ)).
Local Notation mean_gradient := (mean_gradient a M 1 reward_row query s).

Let pattern0 l h k : commutant_pattern (theta0 l h k).
Proof.
case: k; rewrite /keep /=; [|exact: kept_P|exact: kept_Q].
by exists 1, 0, 0, 1, 1%:M; rewrite raddf0 -!scalar_mx_block.
Qed.

Let commuting0 l h k : commuting (@spread_signed F d 1) (theta0 l h k).
Proof. exact/commuting_pattern. Qed.

Let kept_mean x x' h k : k <> OfW ->
  mean_gradient p x x' Z Z' theta 0 h k
  = kept A B k (mean_gradient p x x' Z Z' theta0 0 h k).
Proof.
move=> kW; have gradE Y : query_token Y -> _ :=
  fun qY => @one_layer_gradient _ _ _ _ _ _ _ _ row_A a s M theta Y h k
    (col_B qY) (fun=> erefl) kW.
rewrite /mean_gradient -kept_sum; apply: eq_bigr => w _.
by have [qZ qZ'] := tokens w; rewrite !gradE // trA trB.
Qed.

Theorem one_layer_invariant_any alpha x x' :
  symmetric_law p (fun w => (x w, x' w)) Z Z' ->
  invariant alpha (mean_gradient p x x' Z Z' theta).
Proof.
move=> sym h; rewrite /step !kept_mean //=.
have := mean_gradient_commuting a M 1 query s (@spread_symmetries F d 1 0)
  0 h _ (symmetric_spread sym) commuting0.
move=> /[dup] /(_ OfP)/commuting_pattern[b1 [b2 [b3 [b4 [D ->]]]]].
move=> /(_ OfQ)/commuting_pattern[c1 [c2 [c3 [c4 [E ->]]]]].
rewrite !mulmx_block !(mulmx0, mul0mx, mul1mx, mulmx1, addr0, add0r).
have [eta ->] := frozen_P h; have [b [b' ->]] := frozen_Q h; split.
  exists (eta + alpha 0%N h OfP * D 0 0).
  rewrite block_mxEv row_mx0 scale_col_mx add_col_mx scaler0 addr0.
  rewrite scale_row_mx add_row_mx scaler0 addr0 [D]mx11_scalar.
  by rewrite scale_scalar_mx -raddfD !mxE eqxx mulr1n.
exists (b + alpha 0%N h OfQ * c1), (b' + alpha 0%N h OfQ * c3).
rewrite !scale_block_mx !add_block_mx !scaler0 !addr0 !scale_scalar_mx.
by rewrite -!raddfD.
Qed.

Local Notation value := (value a M 1 reward_row query s).
Local Notation semi_gradient := (semi_gradient a M 1 reward_row query s gamma).
Local Notation residual_gradient :=
  (residual_gradient a M 1 reward_row query s gamma).

Let value0 w : value theta (Z w) = value theta0 (Z w) /\
  value theta (Z' w) = value theta0 (Z' w).
Proof.
by have [qZ qZ'] := tokens w; split; apply: one_layer_kept => //; apply: col_B.
Qed.

Let error0 (R' : Omega -> F) w :
  outer_error a M 1 reward_row query s gamma R' Z Z' theta w
  = outer_error a M 1 reward_row query s gamma R' Z Z' theta0 w.
Proof. by rewrite /outer_error; have [-> ->] := value0 w. Qed.

Let error_symmetric (R' : Omega -> F) (b : F) : symmetric_law p R' Z Z' ->
  let e := outer_error a M 1 reward_row query s gamma R' Z Z' theta in
  symmetric_law p (fun w => (e w, b * e w)) Z Z'.
Proof.
move=> /symmetric_spread sym e S sS.
have [|g bij_g inv] := outer_error_symmetric a M 1 query s gamma
  (@spread_symmetries F d 1 0) b commuting0 sym (S := spread 1 S).
  by exists S.
exists g; [exact: bij_g | move=> w]; have [pg eg Zg Zg'] := inv w.
split; [exact: pg | | exact: Zg | exact: Zg'].
by rewrite /e !error0; exact: eg.
Qed.

Theorem one_layer_invariant alpha R' : symmetric_law p R' Z Z' ->
  invariant alpha (semi_gradient p R' Z Z' theta).
Proof.
move=> sym h; rewrite /step !semi_gradientE.
apply: one_layer_invariant_any => S sS.
have [g bij_g inv] := error_symmetric 0 sym sS.
exists g; [exact: bij_g | move=> w]; have [pg [eg _] Zg Zg'] := inv w.
by split; [exact: pg | rewrite eg | exact: Zg | exact: Zg'].
Qed.

Theorem one_layer_invariant_residual alpha R' : symmetric_law p R' Z Z' ->
  invariant alpha (residual_gradient p R' Z Z' theta).
Proof.
move=> sym h; rewrite /step !residual_gradientE.
by apply: one_layer_invariant_any; apply: error_symmetric.
Qed.

End Invariant.
