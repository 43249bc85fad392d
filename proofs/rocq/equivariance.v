(******************************************************************************)
(* A change of basis of a prompt's rows, and what it does to the gradient.    *)
(*                                                                            *)
(* moved S theta == the weights S theta S^T, matrix by matrix                 *)
(*                                                                            *)
(* Theorems                                                                   *)
(* transformer_equivariant : for T S = 1 the weights S W T, S P T, T^T Q T    *)
(*            take the prompt S Z to S times what W, P, Q make of Z           *)
(* value_equivariant : the read-out at S theta S^T and S Z is that at theta   *)
(*            and Z, for an orthogonal S that fixes the row read              *)
(* derivative_equivariant : and so is its derivative, the direction moved too *)
(* gradient_equivariant : grad (S theta S^T) (S Z) = S (grad theta Z) S^T     *)
(* gradient_equivariant_looped : the same for weights that every layer shares *)
(*                                                                            *)
(* Sources: ours. Any heads, masks and scale, other weights at every layer.   *)
(* Assumptions: a commutative ring.                                           *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg matrix poly.
From LayerProof Require Import attention gradient.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Basis.
Variables (R : comRingType) (m N H : nat) (a : R).

Theorem transformer_equivariant (S T : 'M[R]_m) (W P Q : nat -> 'I_H -> 'M_m)
    (M : nat -> 'I_H -> 'M_N) L (Z : 'M_(m, N)) :
  T *m S = 1%:M ->
  transformer a (fun l h => S *m W l h *m T) (fun l h => S *m P l h *m T)
    (fun l h => T^T *m Q l h *m T) M L (S *m Z)
  = S *m transformer a W P Q M L Z.
Proof.
move=> TS; elim: L => [//|l IH] /=; rewrite IH !layer_sumE mulmxDr.
rewrite -scalemxAr mulmx_sumr; congr (_ + _ *: _); apply: eq_bigr => h _.
set Y := transformer _ _ _ _ _ _ _; rewrite /attn trmx_mul !mulmxA.
have TSr k (A : 'M_(k, m)) : A *m T *m S = A by rewrite -mulmxA TS mulmx1.
have STr k (A : 'M_(k, m)) : A *m S^T *m T^T = A.
  by rewrite -mulmxA -trmx_mul TS trmx1 mulmx1.
by rewrite !TSr STr.
Qed.

Variables (S : 'M[R]_m) (SS : S^T *m S = 1%:M).

Lemma run_equivariant (theta : nat -> 'I_H -> role -> 'M_m) M L
    (Z : 'M_(m, N)) :
  run a (fun l h k => S *m theta l h k *m S^T) M L (S *m Z)
  = S *m run a theta M L Z.
Proof.
rewrite /run -(transformer_equivariant _ _ _ _ _ _ SS).
by apply: eq_transformer => // l h; rewrite trmxK.
Qed.

Lemma read_entry_fixed s r c (Z : 'M_(m, N)) :
  row r S = delta_mx ord0 r -> read_entry s r c (S *m Z) = read_entry s r c Z.
Proof.
move=> rS; congr (_ * _).
suff /rowP/(_ c) : row r (S *m Z) = row r Z by rewrite !mxE.
by rewrite row_mul rS -rowE.
Qed.

End Basis.

Section Orthogonal.
Variables (R : comRingType) (m N H : nat) (a : R).
Variables (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R).
Variables (S : 'M[R]_m) (SS : S^T *m S = 1%:M) (rS : row r S = delta_mx ord0 r).
Implicit Types (theta E : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)).
Local Notation f theta Z := (read_entry s r c (run a theta M L Z)).
Local Notation dtf := (dtf a M L r c s).
Local Notation grad := (grad a M L r c s).
Local Notation grad_looped := (grad_looped a M L r c s).

Definition moved theta l h k : 'M_m := S *m theta l h k *m S^T.

Theorem value_equivariant theta Z : f (moved theta) (S *m Z) = f theta Z.
Proof. by rewrite run_equivariant // read_entry_fixed. Qed.

Theorem derivative_equivariant theta E Z :
  dtf (moved theta) (moved E) (S *m Z) = dtf theta E Z.
Proof.
pose S' := map_mx polyC S; rewrite /dtf; congr (nth _ (polyseq _) _).
rewrite -[RHS](@read_entry_fixed _ _ _ S'); last first.
  by rewrite -map_row rS map_delta_mx.
rewrite /run_line -run_equivariant; last first.
  by rewrite /S' map_trmx -map_mxM SS map_mx1.
rewrite map_mxM; congr (read_entry _ _ _ _); apply: eq_run => l h k _.
rewrite /weight_line !map_mxM -map_trmx mulmxDr mulmxDl.
by rewrite -scalemxAr -scalemxAl.
Qed.

Theorem gradient_equivariant theta Z l h k :
  grad (moved theta) (S *m Z) l h k = S *m grad theta Z l h k *m S^T.
Proof.
have SSr : S *m S^T = 1%:M by apply: mulmx1C.
have := grad_mul a M L r c s theta Z l h k S^T S; rewrite trmxK => <-.
apply/matrixP=> i j; rewrite !mxE.
rewrite -[RHS]derivative_equivariant; apply: eq_dtf => // l' h' k' _.
rewrite /moved /only; case: ifP => _; last by rewrite mulmx0 mul0mx.
by rewrite !mulmxA SSr mul1mx -mulmxA SSr mulmx1.
Qed.

Corollary gradient_equivariant_looped (theta : 'I_H -> role -> 'M_m) Z h k :
  grad_looped (fun h k => S *m theta h k *m S^T) (S *m Z) h k
  = S *m grad_looped theta Z h k *m S^T.
Proof.
rewrite mulmx_sumr mulmx_suml; apply: eq_bigr => l _.
exact: gradient_equivariant.
Qed.

End Orthogonal.
