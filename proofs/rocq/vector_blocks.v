(******************************************************************************)
(* The same for any number of vector blocks, and of further rows.             *)
(*                                                                            *)
(* A prompt has V blocks of d rows each, all transformed alike, and K rows.   *)
(* spread_blocks V K S == diag(S, ..., S, 1): S on each of the V blocks       *)
(* blocks_signed == the matrices of that form, S a signed permutation         *)
(* blocks_pattern A == A is diag(B, D) with B of blocks x_uv I, D any K x K   *)
(*                                                                            *)
(* Theorems                                                                   *)
(* blocks_patternP : the matrices that commute with blocks_signed are those   *)
(*            of the pattern                                                  *)
(* blocks_invariant, _looped : if every matrix is of the pattern and the law  *)
(*            is symmetric, so is every matrix after a semi-gradient step     *)
(*                                                                            *)
(* Sources: ours. Assumptions: a numFieldType; any V, d, K, tokens, heads,    *)
(* layers, masks and scale.                                                   *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From LayerProof Require Import attention gradient commutant expected_update.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Blocks.
Variables (F : numFieldType) (V d K : nat).
Local Notation m := (\sum_(v < V) d + K)%N.

Definition spread_blocks (S : 'M[F]_d) : 'M_m :=
  block_mx (\mxdiag_(v < V) S) 0 0 1%:M.

Definition blocks_signed (S : 'M[F]_m) :=
  exists2 S0 : 'M_d, signed_perm S0 & S = spread_blocks S0.

Definition blocks_pattern (A : 'M[F]_m) := exists (x : 'I_V -> 'I_V -> F) D,
  A = block_mx (\mxblock_(u < V, v < V) ((x u v)%:M : 'M_d)) 0 0 D.

Lemma blocks_symmetries (i : 'I_K) : symmetries (rshift _ i) blocks_signed.
Proof.
move=> _ [S sS ->]; split; last first.
  rewrite rowE delta_mx_rshift mul_row_block !mul0mx !mulmx0 mulmx1.
  by rewrite !add0r.
rewrite /spread_blocks tr_block_mx !trmx0 trmx1 mulmx_block.
rewrite !(mulmx0, mul0mx, addr0, add0r) mulmx1 tr_mxdiag.
rewrite [RHS]scalar_mx_block; congr (block_mx _ _ _ _).
rewrite -mxdiagZ {2}/mxdiag mul_mxdiag_mxblock; apply/eq_mxblock => u v.
case: eqVneq => _; last by rewrite mulmx0.
by rewrite !conform_mx_id signed_perm_orthogonal.
Qed.

Theorem blocks_patternP (A : 'M_m) :
  commuting blocks_signed A <-> blocks_pattern A.
Proof.
split=> [comm|[x [D ->]] _ [S sS ->]]; last first.
  rewrite /spread_blocks !mulmx_block !(mulmx0, mul0mx, addr0, add0r).
  rewrite mulmx1 mul1mx mul_mxdiag_mxblock mul_mxblock_mxdiag.
  by congr block_mx; apply: eq_mxblock => u v; rewrite scalar_mxC.
rewrite -[A]submxK in comm *.
set B := ulsubmx A in comm *; set C := ursubmx A in comm *.
set C' := dlsubmx A in comm *.
have comms S : signed_perm S ->
    [/\ (\mxdiag_(v < V) S) *m B = B *m (\mxdiag_(v < V) S),
      (\mxdiag_(v < V) S) *m C = C & C' = C' *m (\mxdiag_(v < V) S)].
  move=> sS; have := comm (spread_blocks S).
  rewrite /spread_blocks !mulmx_block.
  rewrite !(mulmx0, mul0mx, addr0, add0r, mulmx1, mul1mx).
  by move=> /(_ (ex_intro2 _ _ S sS erefl))/eq_block_mx[? ? ? _]; split.
have [_] := comms _ (signed_permN1 F d).
rewrite mxdiagN mxdiagZ mulNmx mul1mx mulmxN mulmx1.
move=> /oppmx_fix -> /esym/oppmx_fix ->.
have scalar u v : exists y, submxblock B u v = y%:M.
  apply/signed_permutation_commutant => S sS.
  have [] := comms S sS; rewrite -{1 2}[B]submxblockK.
  by rewrite mul_mxdiag_mxblock mul_mxblock_mxdiag => /eq_mxblockP.
have [x xB] := fin_all_exists (fun u => fin_all_exists (scalar u)).
exists x, (drsubmx A); rewrite -[B]submxblockK; congr block_mx.
by apply: eq_mxblock => u v; apply: xB.
Qed.

Variables (N : nat) (Omega : finType) (H : nat) (a : F).
Variables (M : nat -> 'I_H -> 'M[F]_N) (L : nat) (i : 'I_K) (c : 'I_N).
Variables (s gamma : F) (p R' : Omega -> F) (Z Z' : Omega -> 'M[F]_(m, N)).
Hypothesis sym : symmetric_under blocks_signed p R' Z Z'.
Local Notation r := (rshift (\sum_(v < V) d)%N i).

Theorem blocks_invariant alpha (theta : nat -> 'I_H -> role -> 'M[F]_m) :
  (forall l h k, blocks_pattern (theta l h k)) -> forall l h k, blocks_pattern
    (step alpha theta (semi_gradient a M L r c s gamma p R' Z Z' theta) l h k).
Proof.
move=> pat l h k; apply/blocks_patternP.
apply: (symmetry_invariant _ _ _ _ _ _ (blocks_symmetries i)) => //.
by move=> *; apply/blocks_patternP.
Qed.

Theorem blocks_invariant_looped alpha (theta : 'I_H -> role -> 'M[F]_m) :
  (forall h k, blocks_pattern (theta h k)) -> forall h k, blocks_pattern
    (step_looped alpha theta
      (semi_gradient_looped a M L r c s gamma p R' Z Z' theta) h k).
Proof.
move=> pat h k; apply/blocks_patternP.
apply: (symmetry_invariant_looped _ _ _ _ _ _ (blocks_symmetries i)) => //.
by move=> *; apply/blocks_patternP.
Qed.

End Blocks.
