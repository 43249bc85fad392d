(******************************************************************************)
(* Layers that attend by patterns of frozen rows, and loops over tokens.      *)
(*                                                                            *)
(*        vrow f g == d rows: f j in context column j, g in the last column   *)
(*        nrow f g == one row of numbers, the same                            *)
(*          next j == the column after context column j, the last one's last  *)
(*       keyed s S == the pattern S with token t attending to keys k < s t,   *)
(*                    and zero elsewhere                                      *)
(*            back == the columns moved to the one before them                *)
(*     layer a V A == Z + a sum_h V_h Z A_h(Z)                                *)
(*   shift S T B Y == S Y + T Y B, the sublayer of a shift                    *)
(*  transformer layer L == L layers                                           *)
(*  iterate step L == L steps                                                 *)
(*  sweep_keys k body x == the loop over the first k tokens of the context    *)
(*                                                                            *)
(* Theorems                                                                   *)
(*      sweep_keys_sum : a loop that adds what a token alone gives is a sum   *)
(*    sweep_keys_after : the loop is a recursion over the position            *)
(*    vrow_keyed, nrow_keyed : what a pattern under its mask adds to a token  *)
(*    written, writtenv : a row is that of the next state where each token of *)
(*       the context adds what the state's change by that token is            *)
(*  transformer_iterate : layers that do one step each do L steps             *)
(*                                                                            *)
(* Sources: ours. Assumptions: any commutative ring; any pattern.             *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From LayerProof Require Import loop_masks loop_prompt.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Layers.
Variables (R : comRingType) (m N H : nat).

Definition layer (a : R) (V : 'I_H -> 'M[R]_m)
    (A : 'I_H -> 'M[R]_(m, N) -> 'M[R]_N) (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  Z + a *: \sum_h V h *m Z *m A h Z.

Definition shift (S T : 'M[R]_m) (B : 'M[R]_N) (Y : 'M[R]_(m, N)) :
  'M[R]_(m, N) := S *m Y + T *m Y *m B.

Fixpoint transformer (run : nat -> 'M[R]_(m, N) -> 'M[R]_(m, N)) L Z :=
  if L is l.+1 then run l (transformer run l Z) else Z.
End Layers.

Section Iterate.
Variables (X : Type) (step : nat -> X -> X).
Fixpoint iterate (L : nat) (s : X) : X :=
  if L is l.+1 then step l (iterate l s) else s.
End Iterate.

Lemma transformer_iterate (R : comRingType) m N (X : Type)
    (run : nat -> 'M[R]_(m, N) -> 'M[R]_(m, N)) (prompt : X -> 'M[R]_(m, N))
    (step : nat -> X -> X) :
    (forall l s, run l (prompt s) = prompt (step l s)) ->
  forall L s, transformer run L (prompt s) = prompt (iterate step L s).
Proof. by move=> one; elim=> //= L IH s; rewrite IH one. Qed.

Lemma same_run (R : comRingType) m N (X : Type)
    (run run' : nat -> 'M[R]_(m, N) -> 'M[R]_(m, N))
    (prompt prompt' : X -> 'M[R]_(m, N)) (step step' : nat -> X -> X) :
    (forall l s, run l (prompt s) = prompt (step l s)) ->
    (forall l Z, run' l Z = run l Z) -> (forall s, prompt' s = prompt s) ->
    (forall l s, step' l s = step l s) ->
  forall L s, transformer run' L (prompt' s) = prompt' (iterate step' L s).
Proof.
move=> one er ep es; elim=> //= L IH s; rewrite IH er !ep one es //.
Qed.

Section Loop.
Variables (n : nat) (V : zmodType).

Definition sweep_keys (X : Type) (k : nat) (body : X -> 'I_n -> X) (x : X) : X :=
  foldl body x (take k (enum 'I_n)).

Lemma sweep_keysS (X : Type) (body : X -> 'I_n -> X) x (k : 'I_n) :
  sweep_keys k.+1 body x = body (sweep_keys k body x) k.
Proof.
rewrite /sweep_keys (take_nth k) ?size_enum_ord // foldl_rcons.
by rewrite (nth_ord_enum k k).
Qed.

Lemma sweep_keys_over (X : Type) (body : X -> 'I_n -> X) x k :
  (n <= k)%N -> sweep_keys k.+1 body x = sweep_keys k body x.
Proof.
by move=> le; rewrite /sweep_keys !take_oversize ?size_enum_ord // ltnW.
Qed.

Lemma sweep_keys_after (X : Type) (body : X -> 'I_n -> X) x k :
  sweep_keys k body x = after body x k.
Proof.
elim: k => [|k IH] /=; first by rewrite /sweep_keys take0.
case: insubP IH => [j _ <- IH|]; first by rewrite sweep_keysS IH.
by rewrite -leqNgt => le IH; rewrite sweep_keys_over.
Qed.

Lemma sweep_keys_sum (body : V -> 'I_n -> V) (gain : 'I_n -> V) k :
    (forall x j, body x j = x + gain j) ->
  sweep_keys k body 0 = \sum_(j < n | (j < k)%N) gain j.
Proof.
move=> adds; elim: k => [|k IH].
  by rewrite /sweep_keys take0 big_pred0.
case: (ltnP k n) => [lt|le]; last first.
  rewrite sweep_keys_over // IH; apply: eq_bigl => j.
  by rewrite !(leq_trans (ltn_ord j)) // ltnW.
rewrite (sweep_keysS body 0 (Ordinal lt)) IH adds [RHS](bigD1 (Ordinal lt)) //=.
rewrite addrC; congr (_ + _); apply: eq_bigl => j.
by rewrite ltnS -val_eqE /= ltn_neqAle andbC.
Qed.
End Loop.

Section Columns.
Variables (F : comRingType) (n : nat).
Implicit Types (a c : F).

Definition vrow d (f : 'I_n -> 'rV[F]_d) (g : 'rV[F]_d) : 'M[F]_(d, n + 1) :=
  row_mx (\matrix_(i, j) f j 0 i) g^T.
Definition nrow (f : 'I_n -> F) (g : F) : 'M[F]_(1, n + 1) :=
  row_mx (\row_j f j) g%:M.
Definition next (j : 'I_n) : 'I_(n + 1) := insubd (rshift n 0) j.+1.
Definition keyed (s : nat -> nat) (S : 'M[F]_(n + 1)) : 'M[F]_(n + 1) :=
  \matrix_(k, t) if (k < s t)%N then S k t else 0.
Definition back : 'M[F]_(n + 1) := \matrix_(k, t) (k == t.+1 :> nat)%:R.

Lemma eq_vrow d (f f' : 'I_n -> 'rV[F]_d) g g' :
  (forall j, f j = f' j) -> g = g' -> vrow f g = vrow f' g'.
Proof.
by move=> ef <-; congr row_mx; apply/matrixP => i j; rewrite !mxE ef.
Qed.
Lemma eq_nrow (f f' : 'I_n -> F) g g' :
  (forall j, f j = f' j) -> g = g' -> nrow f g = nrow f' g'.
Proof.
by move=> ef <-; congr row_mx; apply/matrixP => i j; rewrite !mxE ef.
Qed.

Lemma vrowD d (f f' : 'I_n -> 'rV[F]_d) g g' :
  vrow f g + vrow f' g' = vrow (fun j => f j + f' j) (g + g').
Proof.
rewrite /vrow add_row_mx linearD /=; congr row_mx.
by apply/matrixP => i j; rewrite !mxE.
Qed.
Lemma nrowD (f f' : 'I_n -> F) g g' :
  nrow f g + nrow f' g' = nrow (fun j => f j + f' j) (g + g').
Proof.
rewrite /nrow add_row_mx raddfD /=; congr row_mx.
by apply/matrixP => i j; rewrite !mxE.
Qed.
Lemma vrowZ d a (f : 'I_n -> 'rV[F]_d) g :
  a *: vrow f g = vrow (fun j => a *: f j) (a *: g).
Proof.
rewrite /vrow scale_row_mx linearZ /=; congr row_mx.
by apply/matrixP => i j; rewrite !mxE.
Qed.
Lemma nrowZ a (f : 'I_n -> F) g :
  a *: nrow f g = nrow (fun j => a * f j) (a * g).
Proof.
rewrite /nrow scale_row_mx scale_scalar_mx; congr row_mx.
by apply/matrixP => i j; rewrite !mxE.
Qed.
Lemma mul_vrow d (M : 'M[F]_d) (f : 'I_n -> 'rV[F]_d) g :
  M *m vrow f g = vrow (fun j => f j *m M^T) (g *m M^T).
Proof.
rewrite /vrow mul_mx_row trmx_mul trmxK; congr row_mx.
apply/matrixP => i j; rewrite !mxE; apply: eq_bigr => k _.
by rewrite !mxE mulrC.
Qed.
Lemma mul_nrow c (f : 'I_n -> F) g :
  c%:M *m nrow f g = nrow (fun j => c * f j) (c * g).
Proof. by rewrite mul_scalar_mx nrowZ. Qed.

(* entries *)
Lemma nrowl (f : 'I_n -> F) g j : nrow f g 0 (lshift 1 j) = f j.
Proof. by rewrite row_mxEl mxE. Qed.
Lemma nrowr (f : 'I_n -> F) g : nrow f g 0 (rshift n 0) = g.
Proof. by rewrite row_mxEr !mxE eqxx. Qed.
Lemma vrowl d (f : 'I_n -> 'rV[F]_d) g i j :
  vrow f g i (lshift 1 j) = f j 0 i.
Proof. by rewrite row_mxEl mxE. Qed.
Lemma vrowr d (f : 'I_n -> 'rV[F]_d) g i : vrow f g i (rshift n 0) = g 0 i.
Proof. by rewrite row_mxEr mxE. Qed.

Lemma vrow_atl d (f : 'I_n -> 'rV[F]_d) g j :
  \row_i vrow f g i (lshift 1 j) = f j.
Proof. by apply/rowP => i; rewrite mxE vrowl. Qed.
Lemma vrow_atr d (f : 'I_n -> 'rV[F]_d) g :
  \row_i vrow f g i (rshift n 0) = g.
Proof. by apply/rowP => i; rewrite mxE vrowr. Qed.

Lemma next_val j : next j = j.+1 :> nat.
Proof.
have lt : (j.+1 < n + 1)%N by rewrite addn1 ltnS ltn_ord.
by rewrite val_insubd lt.
Qed.
Lemma next_case j :
  (exists k : 'I_n, next j = lshift 1 k) \/ next j = rshift n 0.
Proof.
by case: (split_ordP (next j)) => k ->; [left; exists k | right; rewrite ord1].
Qed.

(* what a pattern under its mask adds *)
Lemma mul_keyed m (s : nat -> nat) S (X : 'M[F]_(m, n + 1)) i (t : 'I_(n + 1)) : (s t <= n)%N ->
  (X *m keyed s S) i t
  = \sum_(j < n | (j < s t)%N) S (lshift 1 j) t * X i (lshift 1 j).
Proof.
move=> le; rewrite mxE big_split_ord /= [X in _ + X]big1 ?addr0 => [|k _].
  rewrite [RHS]big_mkcond; apply: eq_bigr => j _; rewrite !mxE /=.
  by case: ifP => _; rewrite ?mulr0 // mulrC.
by rewrite !mxE /= ltnNge (leq_trans le) ?leq_addr // mulr0.
Qed.

Lemma vrow_keyed d (s : nat -> nat) S (f : 'I_n -> 'rV[F]_d) g :
    (forall t, s t <= n)%N ->
  vrow f g *m keyed s S
  = vrow (fun t => \sum_(j < n | (j < s t)%N) S (lshift 1 j) (lshift 1 t) *: f j)
      (\sum_(j < n | (j < s n)%N) S (lshift 1 j) (rshift n 0) *: f j).
Proof.
move=> le; apply/matrixP => i t; rewrite mul_keyed //.
case: (split_ordP t) => k ->; [rewrite vrowl | rewrite ord1 vrowr /= addn0];
  rewrite summxE; apply: eq_bigr => j _; by rewrite vrowl !mxE.
Qed.
Lemma nrow_keyed (s : nat -> nat) S (f : 'I_n -> F) g : (forall t, s t <= n)%N ->
  nrow f g *m keyed s S
  = nrow (fun t => \sum_(j < n | (j < s t)%N) S (lshift 1 j) (lshift 1 t) * f j)
      (\sum_(j < n | (j < s n)%N) S (lshift 1 j) (rshift n 0) * f j).
Proof.
move=> le; apply/matrixP => i t; rewrite mul_keyed // ord1.
case: (split_ordP t) => k ->; [rewrite nrowl | rewrite ord1 nrowr /= addn0];
  by apply: eq_bigr => j _; rewrite nrowl.
Qed.

(* linear scores *)
Lemma score_vv d (f f' : 'I_n -> 'rV[F]_d) g g' j t :
  ((vrow f g)^T *m vrow f' g') (lshift 1 j) (lshift 1 t) = dot (f j) (f' t).
Proof.
rewrite /dot !mxE; apply: eq_bigr => i _; by rewrite mxE !vrowl !mxE.
Qed.
Lemma score_vl d (f f' : 'I_n -> 'rV[F]_d) g g' j :
  ((vrow f g)^T *m vrow f' g') (lshift 1 j) (rshift n 0) = dot (f j) g'.
Proof.
rewrite /dot !mxE; apply: eq_bigr => i _; by rewrite mxE vrowl vrowr !mxE.
Qed.
Lemma score_nn (f f' : 'I_n -> F) g g' j t :
  ((nrow f g)^T *m nrow f' g') (lshift 1 j) (lshift 1 t) = f j * f' t.
Proof. by rewrite mxE big_ord1 mxE !nrowl. Qed.
Lemma score_nl (f f' : 'I_n -> F) g g' j :
  ((nrow f g)^T *m nrow f' g') (lshift 1 j) (rshift n 0) = f j * g'.
Proof. by rewrite mxE big_ord1 mxE nrowl nrowr. Qed.

(* the shift of rows *)
Lemma mul_back m (X : 'M[F]_(m, n + 1)) :
  X *m back = row_mx (\matrix_(i, j) X i (next j)) 0.
Proof.
apply/matrixP => i t; rewrite mxE; case: (split_ordP t) => k ->.
  rewrite row_mxEl mxE (bigD1 (next k)) //= big1 => [|l ne].
    by rewrite addr0 mxE next_val eqxx mulr1.
  by rewrite mxE -(next_val k) val_eqE (negbTE ne) mulr0.
rewrite row_mxEr mxE big1 // => l _; rewrite mxE /= ord1 addn0.
by rewrite [_ == _]ltn_eqF ?mulr0 // -[n.+1]addn1.
Qed.
Lemma vrow_back d (f : 'I_n -> 'rV[F]_d) g :
  vrow f g *m back = vrow (fun j => \row_i vrow f g i (next j)) 0.
Proof.
rewrite mul_back /vrow trmx0; congr row_mx; apply/matrixP => i j.
by rewrite !mxE.
Qed.
Lemma nrow_back (f : 'I_n -> F) g :
  nrow f g *m back = nrow (fun j => nrow f g 0 (next j)) 0.
Proof.
rewrite mul_back /nrow; congr row_mx; last by apply/matrixP => i j; rewrite !mxE mul0rn.
by apply/matrixP => i j; rewrite !mxE ord1.
Qed.

Lemma affine_sum (V W : zmodType) (G : V -> W) (P : pred 'I_n)
    (gain : 'I_n -> V) :
    (forall x y, G (x + y) = G x + G y - G 0) ->
  G (\sum_(j | P j) gain j) = G 0 + \sum_(j | P j) (G (gain j) - G 0).
Proof.
move=> lin; have add: {morph (fun x => G x - G 0) : x y / x + y}.
  by move=> x y /=; rewrite lin [RHS]addrACA -addrA -opprD.
by rewrite -(big_morph _ add (subrr _)) addrC subrK.
Qed.

(* G : the row's entry from what the loop has kept at its end; f : what a token
   of the context adds to it *)
Lemma written (V : zmodType) (G : V -> F) (P : pred 'I_n) (gain : 'I_n -> V)
    (a E : F) (f : 'I_n -> F) :
    (forall x y, G (x + y) = G x + G y - G 0) -> G 0 = E ->
    (forall j, P j -> a * f j = G (gain j) - G 0) ->
  E + a * (\sum_(j | P j) f j) = G (\sum_(j | P j) gain j).
Proof.
by move=> lin <- same; rewrite mulr_sumr (eq_bigr _ same) (affine_sum _ _ lin).
Qed.
Lemma writtenv d (V : zmodType) (G : V -> 'rV[F]_d) (P : pred 'I_n)
    (gain : 'I_n -> V) (a : F) (E : 'rV[F]_d) (f : 'I_n -> 'rV[F]_d) :
    (forall x y, G (x + y) = G x + G y - G 0) -> G 0 = E ->
    (forall j, P j -> a *: f j = G (gain j) - G 0) ->
  E + a *: (\sum_(j | P j) f j) = G (\sum_(j | P j) gain j).
Proof.
by move=> lin <- same; rewrite scaler_sumr (eq_bigr _ same) (affine_sum _ _ lin).
Qed.

(* where no token adds anything *)
Lemma still (P : pred 'I_n) (a E : F) (f : 'I_n -> F) :
  (forall j, P j -> a * f j = 0) -> E + a * (\sum_(j | P j) f j) = E.
Proof. by move=> none; rewrite mulr_sumr (eq_bigr _ none) big1_eq addr0. Qed.
Lemma stillv d (P : pred 'I_n) (a : F) (E : 'rV[F]_d) (f : 'I_n -> 'rV[F]_d) :
  (forall j, P j -> a *: f j = 0) -> E + a *: (\sum_(j | P j) f j) = E.
Proof. by move=> none; rewrite scaler_sumr (eq_bigr _ none) big1_eq addr0. Qed.
End Columns.

Section Transposed.
Variables (F : comRingType) (m k : nat).
Implicit Types (A B : 'M[F]_(m, k)).
Lemma dotMl (u : 'rV[F]_m) (A : 'M[F]_(m, k)) v :
  dot (u *m A) v = dot u (v *m A^T).
Proof. by rewrite /dot trmx_mul trmxK mulmxA. Qed.
Lemma entryD A B i j : (A + B) i j = A i j + B i j. Proof. by rewrite mxE. Qed.
Lemma trD A B : (A + B)^T = A^T + B^T. Proof. exact: linearD. Qed.
Lemma trN A : (- A)^T = - A^T. Proof. exact: linearN. Qed.
Lemma trZ c A : (c *: A)^T = c *: A^T. Proof. exact: linearZ. Qed.
End Transposed.

(* tactics of the generated files *)
Ltac transposes := rewrite ?(trD, trN, trZ, trmx_mul, trmxK, tr_scalar_mx).
Ltac by_blocks := rewrite ?(mul_col_mx, mul_row_col, tr_col_mx, mul0mx, mulmx0,
  trmx0, add0r, addr0).
(* u.v and v.u are one number *)
Ltac align_dots := repeat match goal with
  | |- context [@dot ?F ?d ?u ?v] =>
      match goal with
      | |- context [@dot F d v u] =>
          tryif constr_eq u v then fail else rewrite [@dot F d v u]dotC
      end
  end.
Ltac close_number := transposes; linear; rewrite ?dotMl; transposes; linear;
  align_dots; close_scalar.
Ltac close_row := apply/rowP => ?; transposes; entries; linear; entries;
  align_dots; name_dots; name_entries; split_inverses; close_ring.
Ltac close_token := first [by [] | close_number | close_row].
