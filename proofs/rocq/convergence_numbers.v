(******************************************************************************)
(* One certificate of convergence as numbers: what the kernel computes on     *)
(* lists of rationals, holds of the iteration's matrices (convergence.v).     *)
(*                                                                            *)
(*      eq_rows m n A B == the lists' entries are equal as rationals          *)
(*        add_rows, scale_rows, diag_rows == sum, multiple, diagonal matrix   *)
(*     squares m L D    == L^T diag(D) L                                      *)
(* certified N k m T c w0 star q B S F G X z h u L D L' D' r b                *)
(*                      == all that geometric_bound asks for, computed:       *)
(*                         star is fixed, w0 - star = B z, T B = B F,         *)
(*                         S F = G S, q B = h S, X = L^T D L,                 *)
(*                         r^2 X - G^T X G = L'^T D' L', D and D' >= 0,       *)
(*                         X u = h^T, (u^T X u) ((S z)^T X (S z)) <= b^2      *)
(*                                                                            *)
(* Theorem certified_bound : then |q w_l - q star| <= b r^l for every l, in   *)
(* any real field.                                                            *)
(*                                                                            *)
(* Assumptions: rational numbers; the factors are found outside and only      *)
(* multiplied here.                                                           *)
(******************************************************************************)

From Coq Require Import QArith_base Qreduction.
From mathcomp Require Import all_ssreflect ssralg ssrnum zmodp matrix.
From LayerProof Require Import numbers convergence.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Section Order.
Variable R : realFieldType.

Lemma of_pos_gt0 p : 0 < of_pos R p.
Proof. by rewrite lt_def of_pos_neq0 ler0n. Qed.

Lemma number_ge0 x : Qle_bool 0 x -> 0 <= number R x.
Proof.
move=> /Qle_bool_iff; rewrite /number /Qle /=; case: (Qnum x) => [|p|p] le_0.
- by rewrite mul0r.
- by rewrite divr_ge0 ?ler0n.
- by case: le_0.
Qed.

Lemma number_le x y : Qle_bool x y -> number R x <= number R y.
Proof.
move=> le_xy; rewrite -subr_ge0 -numberN -numberD; apply: number_ge0.
apply/Qle_bool_iff; rewrite Qred_correct.
by rewrite -(Qplus_opp_r x) Qplus_le_l; apply/Qle_bool_iff.
Qed.

End Order.

Definition eq_rows m n (A B : rows) : bool :=
  all (fun i => all (fun j => Qeq_bool (entry A i j) (entry B i j)) (iota 0 n))
    (iota 0 m).
Definition add_rows m n (A B : rows) : rows :=
  build m n (fun i j => add (entry A i j) (entry B i j)).
Definition scale_rows m n (x : Q) (A : rows) : rows :=
  build m n (fun i j => mul x (entry A i j)).
Definition diag_rows m (D : seq Q) : rows :=
  build m m (fun i j => if i == j then nth 0%Q D i else 0%Q).
Definition squares m (L : rows) (D : seq Q) : rows :=
  mul_rows m m m (mul_rows m m m (tr_rows m m L) (diag_rows m D)) L.
Definition form_rows m (X u : rows) : Q :=
  entry (mul_rows 1 m 1 (mul_rows 1 m m (tr_rows m 1 u) X) u) 0 0.

Definition certified (N k m : nat) (T c w0 star q B S F G X z h u L : rows)
    (D : seq Q) (L' : rows) (D' : seq Q) (r b : Q) : bool :=
  [&& eq_rows N 1 (add_rows N 1 (mul_rows N N 1 T star) c) star,
      eq_rows N 1 w0 (add_rows N 1 star (mul_rows N k 1 B z)),
      eq_rows N k (mul_rows N N k T B) (mul_rows N k k B F),
      eq_rows m k (mul_rows m k k S F) (mul_rows m m k G S),
      eq_rows 1 k (mul_rows 1 N k q B) (mul_rows 1 m k h S),
      eq_rows m m X (tr_rows m m X), eq_rows m m X (squares m L D),
      eq_rows m m (scale_rows m m (mul r r) X)
        (add_rows m m (mul_rows m m m (mul_rows m m m (tr_rows m m G) X) G)
           (squares m L' D')),
      all (Qle_bool 0) D && all (Qle_bool 0) D', Qle_bool 0 r, Qle_bool 0 b,
      eq_rows m 1 (mul_rows m m 1 X u) (tr_rows 1 m h) &
      Qle_bool (mul (form_rows m X u) (form_rows m X (mul_rows m k 1 S z)))
        (mul b b)].

Section Matrices.
Variable R : realFieldType.
Notation mx := (rows_mx R).

Lemma eq_rowsE m n A B : eq_rows m n A B -> mx m n A = mx m n B.
Proof.
move=> /allP eq; apply/matrixP => i j; rewrite !mxE; apply: eq_number.
apply/Qeq_bool_iff; have := eq i; rewrite mem_iota /= add0n ltn_ord => /(_ isT).
by move=> /allP/(_ j); rewrite mem_iota /= add0n ltn_ord; apply.
Qed.

Lemma add_rowsE m n A B : mx m n (add_rows m n A B) = mx m n A + mx m n B.
Proof. by apply/matrixP => i j; rewrite !mxE entry_build number_add. Qed.

Lemma scale_rowsE m n x A : mx m n (scale_rows m n x A) = number R x *: mx m n A.
Proof. by apply/matrixP => i j; rewrite !mxE entry_build number_mul. Qed.

Lemma squares_ge0 m L D x :
  all (Qle_bool 0) D -> 0 <= form (mx m m (squares m L D)) x x.
Proof.
move=> D0; rewrite /form /squares !mul_rowsE tr_rowsE.
set y := mx m m L *m x.
have -> : x^T *m ((mx m m L)^T *m mx m m (diag_rows m D) *m mx m m L) *m x
          = y^T *m (mx m m (diag_rows m D) *m y).
  by rewrite /y trmx_mul !mulmxA.
rewrite mxE; apply: sumr_ge0 => i _; rewrite [X in _ * X]mxE (bigD1 i) //=.
rewrite big1 => [|j ne]; last first.
  by rewrite mxE entry_build eq_sym (negPf (ne : j != i :> nat)) number0 mul0r.
rewrite addr0 !mxE entry_build eqxx mulrCA.
apply: mulr_ge0; last by rewrite -expr2 sqr_ge0.
apply: number_ge0; have [lt_i|ge_i] := ltnP i (size D).
  by move/all_nthP: D0 => /(_ 0%Q) D0; exact: D0.
by rewrite nth_default.
Qed.

Lemma form_rowsE m X u :
  number R (form_rows m X u) = form (mx m m X) (mx m 1 u) (mx m 1 u).
Proof.
pose A := mul_rows 1 m 1 (mul_rows 1 m m (tr_rows m 1 u) X) u.
have <- : mx 1 1 A 0 0 = number R (form_rows m X u).
  by rewrite mxE.
by rewrite /A !mul_rowsE tr_rowsE /form.
Qed.

Theorem certified_bound N k m T c w0 star q B S F G X z h u L D L' D' r b :
  certified N k m T c w0 star q B S F G X z h u L D L' D' r b ->
  forall l, `|(mx 1 N q *m iterate (mx N N T) (mx N 1 c) l (mx N 1 w0)) 0 0
              - (mx 1 N q *m mx N 1 star) 0 0|
            <= number R b * number R r ^+ l.
Proof.
case/and5P=> fixed start invariant seen /and5P[read symmetric square].
move=> rest /and5P[/andP[D0 D'0] r0 b0 hu bound].
have XE := eq_rowsE square.
have shrink x : form (mx m m X) (mx m m G *m x) (mx m m G *m x)
                <= number R r ^+ 2 * form (mx m m X) x x.
  have -> : number R r ^+ 2 * form (mx m m X) x x
            = form (mx m m (scale_rows m m (mul r r) X)) x x.
    by rewrite scale_rowsE number_mul /form -scalemxAr -scalemxAl [in RHS]mxE expr2.
  rewrite (eq_rowsE rest) add_rowsE.
  have -> A B' : form (A + B') x x = form A x x + form B' x x.
    by rewrite /form mulmxDr mulmxDl mxE.
  have -> : form (mx m m (mul_rows m m m (mul_rows m m m (tr_rows m m G) X) G)) x x
            = form (mx m m X) (mx m m G *m x) (mx m m G *m x).
    by rewrite !mul_rowsE tr_rowsE /form trmx_mul !mulmxA.
  by rewrite ler_addl; exact: squares_ge0.
apply: (geometric_bound (B := mx N k B) (S := mx m k S) (F := mx k k F)
  (G := mx m m G) (X := mx m m X) (z := mx k 1 z) (h := mx 1 m h)
  (u := mx m 1 u)).
- by rewrite -mul_rowsE -add_rowsE; apply: eq_rowsE.
- by rewrite (eq_rowsE start) add_rowsE mul_rowsE addrC addKr.
- by rewrite -!mul_rowsE; apply: eq_rowsE.
- by rewrite -!mul_rowsE; apply: eq_rowsE.
- by rewrite -!mul_rowsE; apply: eq_rowsE.
- by rewrite -tr_rowsE -(eq_rowsE symmetric).
- by move=> x; rewrite XE squares_ge0.
- exact: shrink.
- exact: number_ge0.
- by rewrite -mul_rowsE -tr_rowsE; apply: eq_rowsE.
- exact: number_ge0.
- rewrite -mul_rowsE -!form_rowsE -number_mul expr2 -number_mul.
  exact: number_le.
Qed.

End Matrices.
