(******************************************************************************)
(* A layer that computes: the transformer on lists of rationals.              *)
(*                                                                            *)
(* Matrices of MathComp do not reduce, so that no number comes out of them by *)
(* vm_compute. Here the layer is written a second time, on lists, and proved  *)
(* equal to the layer of attention.v: what the kernel computes on the lists,  *)
(* holds of the layer itself. The instances are written by `layerproof`.      *)
(*                                                                            *)
(*       number F x == the rational x : Q as an element of F                  *)
(*           rows   == seq (seq Q), a matrix as the list of its rows          *)
(*      entry A i j == row i, column j of A; 0 outside                        *)
(*    rows_mx F m n A == the matrix 'M[F]_(m, n) of the entries of A          *)
(* weights_mx F m A l h == rows_mx F m m of A : seq (seq rows), layer l, head *)
(*                     h                                                      *)
(*     mul_rows, tr_rows, attn_rows, layer_rows, transformer_rows             *)
(*                  == the product, the transpose, a head, a layer and L      *)
(*                     layers on lists, sums in lowest terms                  *)
(*                                                                            *)
(* Theorems                                                                   *)
(*       layer_rowsE : layer_rows is the layer                                *)
(* transformer_rowsE : transformer_rows is the transformer                    *)
(* transformer_states : if the L + 1 states computed on lists are the listed  *)
(*                     ones, so are the transformer's, at every layer         *)
(* readout, readout_opp : an entry of every listed state, or its opposite     *)
(*                                                                            *)
(* Assumptions: a field of characteristic 0; rational weights and prompt.     *)
(******************************************************************************)

From Coq Require Import QArith_base Qreduction.
From mathcomp Require Import all_ssreflect ssralg ssrnum matrix.
From LayerProof Require Import attention.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Number.
Variable F : numFieldType.

Definition of_pos (p : positive) : F := (Pos.to_nat p)%:R.

Definition of_Z (z : Z) : F :=
  match z with Z0 => 0 | Zpos p => of_pos p | Zneg p => - of_pos p end.

Definition number (x : Q) : F := of_Z (Qnum x) / of_pos (Qden x).

Lemma of_pos_neq0 p : of_pos p != 0.
Proof. by rewrite pnatr_eq0; case: (Pos2Nat.is_succ p) => k ->. Qed.

Lemma of_posD p q : of_pos (Pos.add p q) = of_pos p + of_pos q.
Proof. by rewrite /of_pos Pos2Nat.inj_add plusE natrD. Qed.

Lemma of_posM p q : of_pos (Pos.mul p q) = of_pos p * of_pos q.
Proof. by rewrite /of_pos Pos2Nat.inj_mul multE natrM. Qed.

Lemma of_pos_sub p q : of_Z (Z.pos_sub p q) = of_pos p - of_pos q.
Proof.
move: (Z.pos_sub_discr p q); case: (Z.pos_sub p q) => [|k|k] -> /=.
- by rewrite subrr.
- by rewrite of_posD [of_pos q + _]addrC addrK.
- by rewrite of_posD opprD addrA subrr sub0r.
Qed.

Lemma of_ZD x y : of_Z (Z.add x y) = of_Z x + of_Z y.
Proof.
case: x y => [|p|p] [|q|q] /=; rewrite ?of_posD ?of_pos_sub ?add0r ?addr0 //.
- by rewrite addrC.
- by rewrite opprD.
Qed.

Lemma of_ZM x y : of_Z (Z.mul x y) = of_Z x * of_Z y.
Proof.
by case: x y => [|p|p] [|q|q] /=;
  rewrite ?of_posM ?mul0r ?mulr0 ?mulNr ?mulrN ?opprK.
Qed.

Lemma eq_number x y : Qeq x y -> number x = number y.
Proof.
move=> /(congr1 of_Z); rewrite !of_ZM /= => e.
by apply/eqP; rewrite eqr_div ?of_pos_neq0 // e.
Qed.

Lemma numberD x y : number (Qred (Qplus x y)) = number x + number y.
Proof.
rewrite (eq_number (Qred_correct _)) /number /= of_ZD !of_ZM of_posM.
by rewrite addf_div ?of_pos_neq0.
Qed.

Lemma numberM x y : number (Qred (Qmult x y)) = number x * number y.
Proof.
rewrite (eq_number (Qred_correct _)) /number /= of_ZM of_posM.
by rewrite mulf_div.
Qed.

Lemma numberN x : number (Qopp x) = - number x.
Proof.
rewrite /number -mulNr /=; congr (_ / _).
by case: (Qnum x) => [|p|p] /=; rewrite ?oppr0 ?opprK.
Qed.

Lemma number0 : number 0%Q = 0.
Proof. exact: mul0r. Qed.

(* What is zero or one needs no arithmetic: weights are full of them.         *)
Definition is_zero (x : Q) := if Qnum x is Z0 then true else false.
Definition is_one (x : Q) := if x is Qmake 1 1 then true else false.
Definition add (x y : Q) :=
  if is_zero x then y else if is_zero y then x else Qred (Qplus x y).
Definition mul (x y : Q) :=
  if is_zero x || is_zero y then 0%Q else
  if is_one x then y else if is_one y then x else Qred (Qmult x y).

Lemma is_zeroP x : is_zero x -> number x = 0.
Proof. by case: x => [[|p|p] q] // _; apply: mul0r. Qed.

Lemma is_oneP x : is_one x -> number x = 1.
Proof. by case: x => [[|[p|p|]|p] [q|q|]] // _; apply: divr1. Qed.

Lemma number_add x y : number (add x y) = number x + number y.
Proof.
rewrite /add; case: ifP => [/is_zeroP ->|_]; first by rewrite add0r.
by case: ifP => [/is_zeroP ->|_]; rewrite (addr0, numberD).
Qed.

Lemma number_mul x y : number (mul x y) = number x * number y.
Proof.
rewrite /mul; case: ifP => [/orP[]/is_zeroP ->|_]; rewrite ?mul0r ?mulr0 ?number0 //.
case: ifP => [/is_oneP ->|_]; first by rewrite mul1r.
by case: ifP => [/is_oneP ->|_]; rewrite (mulr1, numberM).
Qed.

(* The scale 1/n of a layer; here n = k + 1.                                  *)
Lemma number_inverse k : number (Qmake 1 (Pos.of_succ_nat k)) = k.+1%:R^-1.
Proof. by rewrite /number /of_Z /of_pos SuccNat2Pos.id_succ mul1r. Qed.

Lemma number_sum (s : seq Q) :
  number (foldr add 0%Q s) = \sum_(x <- s) number x.
Proof.
elim: s => [|x s IH] /=; first by rewrite big_nil number0.
by rewrite number_add IH big_cons.
Qed.

End Number.

Definition rows := seq (seq Q).
Definition entry (A : rows) i j : Q := nth 0%Q (nth [::] A i) j.

Section Lists.
Implicit Types (A B Z : rows) (m n p N H : nat).

Definition build m n (f : nat -> nat -> Q) : rows :=
  mkseq (fun i => mkseq (f i) n) m.

Definition sum : seq Q -> Q := foldr add 0%Q.

Definition mul_rows m p n A B : rows :=
  build m n (fun i j =>
    sum (mkseq (fun k => mul (entry A i k) (entry B k j)) p)).

Definition tr_rows m n A : rows := build n m (fun i j => entry A j i).

Definition attn_rows m N P M Q Z : rows :=
  mul_rows m N N (mul_rows m N N (mul_rows m m N P Z) M)
    (mul_rows N m N (mul_rows N m m (tr_rows m N Z) Q) Z).

Definition layer_rows m N H (a : Q) (W P Q M : seq rows) Z : rows :=
  let at_head (A : seq rows) h := nth [::] A h in
  let heads := mkseq (fun h => mul_rows m m N (at_head W h)
                 (attn_rows m N (at_head P h) (at_head M h) (at_head Q h) Z))
               H in
  build m N (fun i j =>
    add (entry Z i j) (mul a (sum [seq entry A i j | A <- heads]))).

Fixpoint transformer_rows m N H a (W P Q M : seq (seq rows)) L Z : rows :=
  if L is l.+1 then
    layer_rows m N H a (nth [::] W l) (nth [::] P l) (nth [::] Q l)
      (nth [::] M l) (transformer_rows m N H a W P Q M l Z)
  else Z.

(* The states from layer l on, each made from the one before it.              *)
Fixpoint states_from m N H a (W P Q M : seq (seq rows)) l k Z : seq rows :=
  Z :: if k is k'.+1 then
    states_from m N H a W P Q M l.+1 k'
      (layer_rows m N H a (nth [::] W l) (nth [::] P l) (nth [::] Q l) (nth [::] M l) Z)
  else [::].

Definition states_rows m N H a W P Q M L Z : seq rows :=
  states_from m N H a W P Q M 0 L Z.

Lemma states_rowsE m N H a W P Q M L Z l : (l <= L)%N ->
  nth [::] (states_rows m N H a W P Q M L Z) l = transformer_rows m N H a W P Q M l Z.
Proof.
suff from k i j : (j <= k)%N ->
    nth [::] (states_from m N H a W P Q M i k (transformer_rows m N H a W P Q M i Z)) j
    = transformer_rows m N H a W P Q M (i + j) Z by exact: (from L 0%N).
elim: k i j => [|k IH] i [|j] //= le_jk; rewrite ?addn0 //.
by rewrite (IH i.+1) // addSnnS.
Qed.

Lemma entry_build m n f (i : 'I_m) (j : 'I_n) : entry (build m n f) i j = f i j.
Proof. by rewrite /entry !nth_mkseq. Qed.

End Lists.

Section Matrices.
Variable F : numFieldType.

Definition rows_mx m n (A : rows) : 'M[F]_(m, n) :=
  \matrix_(i, j) number F (entry A i j).

Definition weights_mx m H (A : seq (seq rows)) (l : nat) (h : 'I_H) : 'M[F]_m :=
  rows_mx m m (nth [::] (nth [::] A l) h).

Lemma sum_mkseq T (f : nat -> T) n (g : T -> F) :
  \sum_(x <- mkseq f n) g x = \sum_(k < n) g (f k).
Proof. by rewrite big_map -[n in iota 0 n]subn0 big_mkord. Qed.

Lemma mul_rowsE m p n A B :
  rows_mx m n (mul_rows m p n A B) = rows_mx m p A *m rows_mx p n B.
Proof.
apply/matrixP=> i j; rewrite !mxE entry_build number_sum.
rewrite sum_mkseq.
by apply: eq_bigr => k _; rewrite number_mul !mxE.
Qed.

Lemma tr_rowsE m n A : rows_mx n m (tr_rows m n A) = (rows_mx m n A)^T.
Proof. by apply/matrixP=> i j; rewrite !mxE entry_build. Qed.

Lemma attn_rowsE m N P M Q Z :
  rows_mx m N (attn_rows m N P M Q Z)
  = attn (rows_mx m m P) (rows_mx N N M) (rows_mx m m Q) (rows_mx m N Z).
Proof. by rewrite /attn_rows !mul_rowsE tr_rowsE. Qed.

Theorem layer_rowsE m N H a W P Q M Z :
  rows_mx m N (layer_rows m N H a W P Q M Z)
  = layer (number F a) (fun h : 'I_H => rows_mx m m (nth [::] W h))
      (fun h => rows_mx m m (nth [::] P h))
      (fun h => rows_mx m m (nth [::] Q h))
      (fun h => rows_mx N N (nth [::] M h)) (rows_mx m N Z).
Proof.
rewrite layer_sumE; apply/matrixP=> i j.
rewrite !mxE entry_build number_add number_mul number_sum summxE.
rewrite big_map sum_mkseq.
congr (_ + _ * _); apply: eq_bigr => h _.
by rewrite -attn_rowsE -mul_rowsE mxE.
Qed.

Theorem transformer_rowsE m N H a W P Q M L Z :
  rows_mx m N (transformer_rows m N H a W P Q M L Z)
  = transformer (number F a) (weights_mx m (H := H) W) (weights_mx m P)
      (weights_mx m Q) (weights_mx N M) L (rows_mx m N Z).
Proof. by elim: L => [//|l IH] /=; rewrite layer_rowsE IH. Qed.

Theorem transformer_states m N H k W P Q M L Z (states : seq rows) :
    states_rows m N H (Qmake 1 (Pos.of_succ_nat k)) W P Q M L Z = states ->
  forall l, (l <= L)%N ->
  transformer k.+1%:R^-1 (weights_mx m (H := H) W) (weights_mx m P)
    (weights_mx m Q) (weights_mx N M) l (rows_mx m N Z)
  = rows_mx m N (nth [::] states l).
Proof.
by move=> <- l le_lL; rewrite states_rowsE // transformer_rowsE number_inverse.
Qed.

(* The read-out with either sign: entry (i, j) of every state is listed.      *)
Lemma readout m N (i : 'I_m) (j : 'I_N) (states : seq rows) values :
    [seq entry A i j | A <- states] = values ->
  forall l, (l < size states)%N ->
  rows_mx m N (nth [::] states l) i j = number F (nth 0%Q values l).
Proof. by move=> <- l lt_l; rewrite mxE (nth_map [::]). Qed.

Lemma readout_opp m N (i : 'I_m) (j : 'I_N) (states : seq rows) values :
    [seq Qopp (entry A i j) | A <- states] = values ->
  forall l, (l < size states)%N ->
  - rows_mx m N (nth [::] states l) i j = number F (nth 0%Q values l).
Proof. by move=> <- l lt_l; rewrite mxE (nth_map [::]) // numberN. Qed.

End Matrices.
