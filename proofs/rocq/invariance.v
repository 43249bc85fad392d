(******************************************************************************)
(* The expected update of the outer loop keeps the commutant of the signed    *)
(* permutations.                                                              *)
(*                                                                            *)
(* The law is that of symmetric_law.v: samples w of weight p w with prompts   *)
(* Z w and Z' w at the state and at the next one, and the outer reward R' w.  *)
(* value theta Z == the read-out f, s times an entry of one of the K rows     *)
(* outer_error R' Z Z' theta w == R' w + gamma f(Z' w) - f(Z w)               *)
(* mean_gradient p x x' Z Z' theta == the sum over w of                       *)
(*            p w (x w grad f(Z w) + x' w grad f(Z' w)); _looped for weights  *)
(*            that every layer shares                                         *)
(* semi_gradient, residual_gradient == the sums over w of p w delta w grad f  *)
(*            at Z w, or of p w delta w (grad f(Z w) - gamma grad f(Z' w)),   *)
(*            delta the outer error: these have x = delta, and x' = 0 or      *)
(*            x' = - gamma delta; _looped as above                            *)
(* step alpha theta u == theta + alpha u, a step size for every matrix (0 for *)
(*            one that is not trained); step_looped                           *)
(*                                                                            *)
(* Theorems                                                                   *)
(* commutant_invariant : if every matrix is of the commutant pattern, so is   *)
(*            every matrix after a semi-gradient step                         *)
(* commutant_invariant_residual : and after a residual-gradient step          *)
(* commutant_invariant_any : and after one with any scalars x, x' of which    *)
(*            the symmetry sees nothing                                       *)
(* commutant_invariant_looped, _residual_looped, _any_looped : the same for   *)
(*            weights that every layer shares                                 *)
(*                                                                            *)
(* Sources: ours; the outer loop is that of Wang, Blaser, Daneshmand, Zhang   *)
(* 2025 (arXiv 2405.13861). Any d, K, number of tokens, heads, layers, masks  *)
(* and scale. Assumptions: a numFieldType; nothing is asked of p.             *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect all_algebra.
From LayerProof Require Import attention gradient equivariance commutant.
From LayerProof Require Import symmetric_law.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Expected.
Variables (R : comRingType) (m N H : nat) (a : R).
Variables (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R).
Variables (S : 'M[R]_m) (SS : S^T *m S = 1%:M) (rS : row r S = delta_mx ord0 r).
Variables (theta : nat -> 'I_H -> role -> 'M[R]_m).
Hypothesis comm : forall l h k, S *m theta l h k = theta l h k *m S.
Local Notation f := (fun Z => read_entry s r c (run a theta M L Z)).
Local Notation grad := (grad a M L r c s).

Lemma moved_commuting l h k : moved S theta l h k = theta l h k.
Proof. by rewrite /moved comm -mulmxA (mulmx1C SS) mulmx1. Qed.

Lemma value_commuting Z : f (S *m Z) = f Z.
Proof.
rewrite /= -[RHS](value_equivariant a M L c s SS rS); congr (_ * _).
congr (fun_of_matrix _ r c).
by apply: eq_run => l h k _; rewrite moved_commuting.
Qed.

Lemma grad_commuting Z l h k :
  grad theta (S *m Z) l h k *m S = S *m grad theta Z l h k.
Proof.
have := gradient_equivariant a M L c s SS rS theta Z l h k.
rewrite (@eq_grad _ _ _ _ _ _ _ _ _ _ _ theta) => [->|l' h' k' _]; last first.
  exact: moved_commuting.
by rewrite -mulmxA SS mulmx1.
Qed.

Lemma sum_gradient_commutes (Omega : finType) (x : Omega -> R) Z g l h k :
  bijective g -> (forall w, x (g w) = x w) ->
  (forall w, Z (g w) = S *m Z w) ->
  let u := \sum_w x w *: grad theta (Z w) l h k in S *m u = u *m S.
Proof.
move=> bij_g xg Zg u; rewrite {2}/u (reindex g) /=; last exact: onW_bij.
rewrite mulmx_sumr mulmx_suml; apply: eq_bigr => w _.
by rewrite xg Zg -scalemxAl grad_commuting scalemxAr.
Qed.

End Expected.

Section Law.
Variables (F : numFieldType) (d K N : nat) (Omega : finType).
Local Notation m := (d + d + K)%N.

Lemma commutant_patternDZ (A B : 'M[F]_m) t :
  commutant_pattern A -> commutant_pattern B -> commutant_pattern (A + t *: B).
Proof.
move=> /commutant_patternP cA /commutant_patternP cB; apply/commutant_patternP.
by move=> S sS; rewrite mulmxDr mulmxDl -scalemxAr -scalemxAl cA ?cB.
Qed.

Variables (H : nat) (a : F) (M : nat -> 'I_H -> 'M[F]_N) (L : nat).
Variables (i : 'I_K) (c : 'I_N) (s : F) (gamma : F).
Implicit Types (theta : nat -> 'I_H -> role -> 'M[F]_m).
Implicit Types (shared : 'I_H -> role -> 'M[F]_m).
Implicit Types (p x R : Omega -> F) (Z : Omega -> 'M[F]_(m, N)).
Local Notation r := (rshift (d + d) i).
Local Notation grad := (grad a M L r c s).
Local Notation grad_looped := (grad_looped a M L r c s).

Definition value theta (Z : 'M_(m, N)) : F :=
  read_entry s r c (run a theta M L Z).

Definition outer_error R' Z Z' theta w : F :=
  R' w + gamma * value theta (Z' w) - value theta (Z w).

Definition mean_gradient p x x' Z Z' theta l h k : 'M_m :=
  \sum_w p w *: (x w *: grad theta (Z w) l h k
                 + x' w *: grad theta (Z' w) l h k).

Definition mean_gradient_looped p x x' Z Z' shared h k : 'M_m :=
  \sum_w p w *: (x w *: grad_looped shared (Z w) h k
                 + x' w *: grad_looped shared (Z' w) h k).

Definition semi_gradient p R' Z Z' theta l h k : 'M_m :=
  \sum_w (p w * outer_error R' Z Z' theta w) *: grad theta (Z w) l h k.

Definition residual_gradient p R' Z Z' theta l h k : 'M_m :=
  \sum_w (p w * outer_error R' Z Z' theta w) *:
    (grad theta (Z w) l h k - gamma *: grad theta (Z' w) l h k).

Definition semi_gradient_looped p R' Z Z' shared h k : 'M_m :=
  \sum_w (p w * outer_error R' Z Z' (fun=> shared) w) *:
    grad_looped shared (Z w) h k.

Definition residual_gradient_looped p R' Z Z' shared h k : 'M_m :=
  \sum_w (p w * outer_error R' Z Z' (fun=> shared) w) *:
    (grad_looped shared (Z w) h k - gamma *: grad_looped shared (Z' w) h k).

Definition step (alpha : nat -> 'I_H -> role -> F) theta
    (u : nat -> 'I_H -> role -> 'M[F]_m) l h k : 'M_m :=
  theta l h k + alpha l h k *: u l h k.

Definition step_looped (alpha : 'I_H -> role -> F) shared
    (u : 'I_H -> role -> 'M[F]_m) h k : 'M_m :=
  shared h k + alpha h k *: u h k.

Lemma semi_gradientE p R' Z Z' theta l h k :
  semi_gradient p R' Z Z' theta l h k
  = mean_gradient p (outer_error R' Z Z' theta) (fun=> 0) Z Z' theta l h k.
Proof.
by apply: eq_bigr => w _; rewrite scale0r addr0 scalerA.
Qed.

Lemma residual_gradientE p R' Z Z' theta l h k :
  residual_gradient p R' Z Z' theta l h k
  = mean_gradient p (outer_error R' Z Z' theta)
      (fun w => - gamma * outer_error R' Z Z' theta w) Z Z' theta l h k.
Proof.
apply: eq_bigr => w _; rewrite -scalerA scalerBr; congr (_ *: (_ + _)).
by rewrite scalerA mulNr scaleNr mulrC.
Qed.

Lemma semi_gradient_loopedE p R' Z Z' shared h k :
  semi_gradient_looped p R' Z Z' shared h k
  = mean_gradient_looped p (outer_error R' Z Z' (fun=> shared)) (fun=> 0)
      Z Z' shared h k.
Proof.
by apply: eq_bigr => w _; rewrite scale0r addr0 scalerA.
Qed.

Lemma residual_gradient_loopedE p R' Z Z' shared h k :
  residual_gradient_looped p R' Z Z' shared h k
  = mean_gradient_looped p (outer_error R' Z Z' (fun=> shared))
      (fun w => - gamma * outer_error R' Z Z' (fun=> shared) w) Z Z' shared h k.
Proof.
apply: eq_bigr => w _; rewrite -scalerA scalerBr; congr (_ *: (_ + _)).
by rewrite scalerA mulNr scaleNr mulrC.
Qed.

Lemma pattern_commutes S theta : signed_perm S ->
  (forall l h k, commutant_pattern (theta l h k)) ->
  forall l h k, spread K S *m theta l h k = theta l h k *m spread K S.
Proof.
by move=> sS pat l h k; have /commutant_patternP := pat l h k; apply.
Qed.

Lemma mean_gradient_pattern p x x' Z Z' theta l h k :
  symmetric_law p (fun w => (x w, x' w)) Z Z' ->
  (forall l h k, commutant_pattern (theta l h k)) ->
  commutant_pattern (mean_gradient p x x' Z Z' theta l h k).
Proof.
move=> sym pat; apply/commutant_patternP => S sS.
have [g bij_g inv] := sym S sS; have comm := pattern_commutes sS pat.
have SS := spread_orthogonal K sS; have rS := spread_row S i.
have sums : mean_gradient p x x' Z Z' theta l h k
  = \sum_w (p w * x w) *: grad theta (Z w) l h k
    + \sum_w (p w * x' w) *: grad theta (Z' w) l h k.
  by rewrite -big_split; apply: eq_bigr => w _; rewrite scalerDr !scalerA.
have good y Y : (forall w, y (g w) = y w) ->
    (forall w, Y (g w) = spread K S *m Y w) ->
  let u := \sum_w (p w * y w) *: grad theta (Y w) l h k in
  spread K S *m u = u *m spread K S.
  move=> yg Yg; apply: (sum_gradient_commutes _ _ _ _ _ SS rS comm) bij_g _ Yg.
  by move=> w; have [-> _ _ _] := inv w; rewrite yg.
rewrite sums mulmxDr mulmxDl; congr (_ + _); apply: good => w;
  by have [_ [? ?] ? ?] := inv w.
Qed.

Lemma mean_gradient_loopedE p x x' Z Z' shared h k :
  mean_gradient_looped p x x' Z Z' shared h k
  = \sum_(l < L) mean_gradient p x x' Z Z' (fun=> shared) l h k.
Proof.
rewrite exchange_big; apply: eq_bigr => w _ /=.
by rewrite -scaler_sumr big_split /= -!scaler_sumr.
Qed.

Lemma mean_gradient_looped_pattern p x x' Z Z' shared h k :
  symmetric_law p (fun w => (x w, x' w)) Z Z' ->
  (forall h k, commutant_pattern (shared h k)) ->
  commutant_pattern (mean_gradient_looped p x x' Z Z' shared h k).
Proof.
move=> sym pat; rewrite mean_gradient_loopedE; apply/commutant_patternP => S sS.
rewrite mulmx_sumr mulmx_suml; apply: eq_bigr => l _.
by move: S sS; apply/commutant_patternP/mean_gradient_pattern => // l' h' k'.
Qed.

Lemma outer_error_symmetric p R' Z Z' theta (b : F) :
  (forall l h k, commutant_pattern (theta l h k)) -> symmetric_law p R' Z Z' ->
  symmetric_law p (fun w => (outer_error R' Z Z' theta w,
                             b * outer_error R' Z Z' theta w)) Z Z'.
Proof.
move=> pat sym S sS; have [g bij_g inv] := sym S sS; exists g => // w.
have [pg Rg Zg Zg'] := inv w; split=> //.
have same := value_commuting a M L c s (spread_orthogonal K sS) (spread_row S i)
  (pattern_commutes sS pat).
by rewrite /outer_error /value Rg Zg Zg' !same.
Qed.

Theorem commutant_invariant_any alpha p x x' Z Z' theta :
  symmetric_law p (fun w => (x w, x' w)) Z Z' ->
  (forall l h k, commutant_pattern (theta l h k)) ->
  forall l h k, commutant_pattern
    (step alpha theta (mean_gradient p x x' Z Z' theta) l h k).
Proof.
by move=> sym pat l h k; apply: commutant_patternDZ (pat l h k) _;
  apply: mean_gradient_pattern.
Qed.

Theorem commutant_invariant alpha p R' Z Z' theta :
  symmetric_law p R' Z Z' ->
  (forall l h k, commutant_pattern (theta l h k)) ->
  forall l h k, commutant_pattern
    (step alpha theta (semi_gradient p R' Z Z' theta) l h k).
Proof.
move=> sym pat l h k; rewrite /step semi_gradientE.
apply: commutant_invariant_any => //.
move=> S sS; have [g bij_g inv] := outer_error_symmetric 0 pat sym sS.
by exists g => // w; have [? [? _] ? ?] := inv w; split=> //; congr (_, _).
Qed.

Theorem commutant_invariant_residual alpha p R' Z Z' theta :
  symmetric_law p R' Z Z' ->
  (forall l h k, commutant_pattern (theta l h k)) ->
  forall l h k, commutant_pattern
    (step alpha theta (residual_gradient p R' Z Z' theta) l h k).
Proof.
move=> sym pat l h k; rewrite /step residual_gradientE.
by apply: commutant_invariant_any => //; apply: outer_error_symmetric.
Qed.

Theorem commutant_invariant_any_looped alpha p x x' Z Z' shared :
  symmetric_law p (fun w => (x w, x' w)) Z Z' ->
  (forall h k, commutant_pattern (shared h k)) ->
  forall h k, commutant_pattern
    (step_looped alpha shared (mean_gradient_looped p x x' Z Z' shared) h k).
Proof.
by move=> sym pat h k; apply: commutant_patternDZ (pat h k) _;
  apply: mean_gradient_looped_pattern.
Qed.

Theorem commutant_invariant_looped alpha p R' Z Z' shared :
  symmetric_law p R' Z Z' ->
  (forall h k, commutant_pattern (shared h k)) ->
  forall h k, commutant_pattern
    (step_looped alpha shared (semi_gradient_looped p R' Z Z' shared) h k).
Proof.
move=> sym pat h k; rewrite /step_looped semi_gradient_loopedE.
apply: commutant_invariant_any_looped => //.
move=> S sS; have [g bij_g inv] := outer_error_symmetric 0 (fun=> pat) sym sS.
by exists g => // w; have [? [? _] ? ?] := inv w; split=> //; congr (_, _).
Qed.

Theorem commutant_invariant_residual_looped alpha p R' Z Z' shared :
  symmetric_law p R' Z Z' ->
  (forall h k, commutant_pattern (shared h k)) ->
  forall h k, commutant_pattern
    (step_looped alpha shared (residual_gradient_looped p R' Z Z' shared) h k).
Proof.
move=> sym pat h k; rewrite /step_looped residual_gradient_loopedE.
by apply: commutant_invariant_any_looped => //; apply: outer_error_symmetric.
Qed.

End Law.
