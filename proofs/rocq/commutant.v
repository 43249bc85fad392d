(******************************************************************************)
(* The matrices that commute with every signed permutation of the features.   *)
(*                                                                            *)
(* signed_perm S == S is a diagonal of signs times a permutation matrix       *)
(*    spread K S == diag(S, S, 1): S on two feature blocks of d rows each, K  *)
(*                  further rows (rewards, accumulators) left alone           *)
(* commutant_pattern A == A is [[aI, bI, 0], [cI, eI, 0], [0, 0, D]], D any   *)
(*                  K x K matrix                                              *)
(*                                                                            *)
(* Theorems                                                                   *)
(* signed_permutation_commutant : the matrices that commute with every signed *)
(*                  permutation are the scalar ones                           *)
(* commutant_patternP : those that commute with every diag(S, S, 1) are those *)
(*                  of the pattern                                            *)
(*                                                                            *)
(* Sources: ours (Schur's lemma, by hand). Assumptions: a field in which      *)
(* x = -x only for x = 0 (stated for any numFieldType); any d and K.          *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Signed.
Variables (F : numFieldType) (d : nat).

Definition signed_perm (S : 'M[F]_d) := exists (b : 'I_d -> bool) (t : 'S_d),
  S = diag_mx (\row_i (-1) ^+ b i) *m perm_mx t.

Lemma signed_perm_orthogonal S : signed_perm S -> S^T *m S = 1%:M.
Proof.
move=> [b [t ->]]; set D := diag_mx _.
have DD : D^T *m D = 1%:M.
  rewrite tr_diag_mx mulmx_diag -diag_const_mx; congr diag_mx.
  by apply/rowP=> i; rewrite !mxE -expr2 sqrr_sign.
rewrite trmx_mul mulmxA -(mulmxA _ D^T) DD mulmx1 tr_perm_mx -perm_mxM.
by rewrite mulVg perm_mx1.
Qed.

Lemma signed_permN1 : signed_perm (- 1%:M).
Proof.
exists (fun=> true), 1%g; rewrite perm_mx1 mulmx1; apply/matrixP=> i j.
by rewrite !mxE expr1 mulNrn.
Qed.

Lemma oppmx_fix p q (A : 'M[F]_(p, q)) : - A = A -> A = 0.
Proof.
move=> /matrixP NA; apply/matrixP=> i j; have := NA i j; rewrite !mxE.
by move/eqP; rewrite eq_sym -addr_eq0 -mulr2n mulrn_eq0 => /eqP.
Qed.

Theorem signed_permutation_commutant (A : 'M_d) :
  (forall S, signed_perm S -> S *m A = A *m S) <-> exists x, A = x%:M.
Proof.
split=> [comm | [x ->] S _]; last by rewrite scalar_mxC.
have off i j : i != j -> A i j = 0.
  move=> ij; pose b k := k == i.
  have /comm/matrixP/(_ i j) : signed_perm (diag_mx (\row_k (-1) ^+ b k)).
    by exists b, 1%g; rewrite perm_mx1 mulmx1.
  rewrite mul_diag_mx mul_mx_diag !mxE /b eqxx eq_sym (negPf ij) mulr1 mulN1r.
  by move/eqP; rewrite eq_sym -addr_eq0 -mulr2n mulrn_eq0 => /eqP.
have same i j : A i i = A j j.
  have /comm/matrixP/(_ i j) : signed_perm (perm_mx (tperm i j)).
    exists (fun=> false), (tperm i j); rewrite -[LHS]mul1mx -diag_const_mx.
    by congr (diag_mx _ *m _); apply/rowP=> k; rewrite !mxE.
  by rewrite -row_permE -{2}tpermV -col_permE !mxE tpermL tpermR.
case: (pickP 'I_d) => [i0 _ | no]; last first.
  by exists 0; apply/matrixP=> i; have := no i.
exists (A i0 i0); apply/matrixP=> i j; rewrite !mxE.
by case: eqP => [-> | /eqP/off //]; rewrite mulr1n.
Qed.

End Signed.

Section Pattern.
Variables (F : numFieldType) (d K : nat).

Definition spread (S : 'M[F]_d) : 'M_(d + d + K) :=
  block_mx (block_mx S 0 0 S) 0 0 1%:M.

Definition commutant_pattern (A : 'M[F]_(d + d + K)) :=
  exists a b c e (D : 'M_K),
    A = block_mx (block_mx a%:M b%:M c%:M e%:M) 0 0 D.

Lemma spread_orthogonal S : signed_perm S -> (spread S)^T *m spread S = 1%:M.
Proof.
move=> /signed_perm_orthogonal SS; rewrite /spread !tr_block_mx !trmx0 trmx1.
rewrite !mulmx_block !(mulmx0, mul0mx, addr0, add0r) mulmx1 SS.
by rewrite -!scalar_mx_block.
Qed.

Lemma spread_row S i :
  row (rshift (d + d) i) (spread S) = delta_mx ord0 (rshift (d + d) i).
Proof.
rewrite rowE delta_mx_rshift mul_row_block !mul0mx !mulmx0 mulmx1.
by rewrite !add0r.
Qed.

Theorem commutant_patternP (A : 'M_(d + d + K)) :
  (forall S, signed_perm S -> spread S *m A = A *m spread S)
  <-> commutant_pattern A.
Proof.
split=> [|[a [b [c [e [D ->]]]]] S _]; last first.
  rewrite /spread !mulmx_block !(mulmx0, mul0mx, addr0, add0r).
  by rewrite mulmx1 mul1mx !scalar_mxC.
rewrite -[A]submxK -[ulsubmx A]submxK.
set B := ursubmx A; set C := dlsubmx A; set D := drsubmx A.
set A1 := ulsubmx _; set A2 := ursubmx _; set A3 := dlsubmx _.
set A4 := drsubmx _ => comm.
have comms S : signed_perm S ->
    [/\ S *m A1 = A1 *m S, S *m A2 = A2 *m S, S *m A3 = A3 *m S
      & S *m A4 = A4 *m S] /\ block_mx S 0 0 S *m B = B
      /\ C = C *m block_mx S 0 0 S.
  move=> /comm; rewrite /spread !mulmx_block.
  rewrite !(mulmx0, mul0mx, addr0, add0r, mulmx1, mul1mx).
  by move=> /eq_block_mx[/eq_block_mx[? ? ? ?] ? ? _]; split.
have N1 : block_mx (- 1%:M) 0 0 (- 1%:M) = - 1%:M :> 'M[F]_(d + d).
  by rewrite scalar_mx_block opp_block_mx !oppr0.
have [_ []] := comms _ (signed_permN1 F d).
rewrite N1 mulNmx mul1mx mulmxN mulmx1 => /oppmx_fix -> /esym/oppmx_fix ->.
have /signed_permutation_commutant[a ->] S (sS : signed_perm S) :
  S *m A1 = A1 *m S by have [[]] := comms S sS.
have /signed_permutation_commutant[b ->] S (sS : signed_perm S) :
  S *m A2 = A2 *m S by have [[]] := comms S sS.
have /signed_permutation_commutant[c ->] S (sS : signed_perm S) :
  S *m A3 = A3 *m S by have [[]] := comms S sS.
have /signed_permutation_commutant[e ->] S (sS : signed_perm S) :
  S *m A4 = A4 *m S by have [[]] := comms S sS.
by exists a, b, c, e, D.
Qed.

End Pattern.
