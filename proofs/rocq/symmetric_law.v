(******************************************************************************)
(* Laws of samples that no signed permutation of the features changes.        *)
(*                                                                            *)
(* A law is finite: Omega the samples, and at a sample w                      *)
(*     p w == its weight                                                      *)
(*     Z w, Z' w == the prompts at the state and at the next one, with two    *)
(*            feature blocks of d rows each and K further rows                *)
(*     y w == whatever else the sample holds, such as the outer reward        *)
(* symmetric_law p y Z Z' == for every signed permutation S some bijection g  *)
(*            of Omega keeps p and y, and turns Z into diag(S, S, 1) Z and Z' *)
(*            into diag(S, S, 1) Z'                                           *)
(*      orbits == the samples (b, t, v): signs b, a permutation t, v in Omega *)
(*    signed b t == the signed permutation with signs b and permutation t     *)
(*   orbit Z w == diag(S, S, 1) Z v with S = signed b t, for w = (b, t, v)    *)
(*                                                                            *)
(* Theorem                                                                    *)
(* orbit_law : signs and a permutation drawn at random, independently of the  *)
(*            rest, make any law symmetric                                    *)
(*                                                                            *)
(* Sources: ours. Assumptions: a numFieldType; nothing is asked of p.         *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProof Require Import commutant.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Law.
Variables (F : numFieldType) (d K N : nat) (T : Type).

Definition symmetric_law (Omega : finType) (p : Omega -> F) (y : Omega -> T)
    (Z Z' : Omega -> 'M[F]_(d + d + K, N)) :=
  forall S, signed_perm S -> exists2 g : Omega -> Omega, bijective g &
    forall w, [/\ p (g w) = p w, y (g w) = y w,
      Z (g w) = spread K S *m Z w & Z' (g w) = spread K S *m Z' w].

Definition signed (b : {ffun 'I_d -> bool}) (t : 'S_d) : 'M[F]_d :=
  diag_mx (\row_i (-1) ^+ b i) *m perm_mx t.

Variable Omega : finType.
Definition orbits := [finType of {ffun 'I_d -> bool} * 'S_d * Omega].

Definition orbit (Z : Omega -> 'M[F]_(d + d + K, N)) (w : orbits) :=
  spread K (signed w.1.1 w.1.2) *m Z w.2.

Lemma signed_mul b t b' t' :
  signed b t *m signed b' t' = signed [ffun i => b i (+) b' (t i)] (t * t').
Proof.
have swap : perm_mx t *m diag_mx (\row_i (-1) ^+ b' i)
  = diag_mx (\row_i (-1) ^+ b' (t i)) *m perm_mx t :> 'M[F]_d.
  rewrite -row_permE mul_diag_mx; apply/matrixP=> i j; rewrite !mxE.
  by case: eqP => _; rewrite ?mulr1n ?mulr0n ?mulr1 ?mulr0.
rewrite /signed mulmxA -(mulmxA _ (perm_mx t)) swap !mulmxA mulmx_diag.
rewrite -mulmxA -perm_mxM; congr (diag_mx _ *m _).
by apply/rowP=> i; rewrite !mxE ffunE signr_addb.
Qed.

Lemma spread_mul (S S' : 'M[F]_d) :
  spread K S *m spread K S' = spread K (S *m S').
Proof. by rewrite !mulmx_block !(mulmx0, mul0mx, addr0, add0r, mul1mx). Qed.

Theorem orbit_law (p : Omega -> F) (y : Omega -> T) Z Z' :
  symmetric_law (fun w : orbits => p w.2) (fun w : orbits => y w.2)
    (orbit Z) (orbit Z').
Proof.
move=> S [b [t ->]]; pose b0 := finfun b.
have -> : diag_mx (\row_i (-1) ^+ b i) *m perm_mx t = signed b0 t.
  by congr (diag_mx _ *m _); apply/rowP=> i; rewrite !mxE ffunE.
pose g (w : orbits) : orbits :=
  ([ffun i => b0 i (+) w.1.1 (t i)], (t * w.1.2)%g, w.2).
exists g => [|w]; last by rewrite /orbit /= -signed_mul -spread_mul !mulmxA.
apply: injF_bij => -[[b1 t1] v1] [[b2 t2] v2] [/ffunP eb /mulgI -> ->].
congr (_, _, _); apply/ffunP=> i; have := eb (t^-1%g i).
by rewrite !ffunE permKV => /addbI.
Qed.

End Law.
