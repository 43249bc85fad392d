(******************************************************************************)
(* The expected update of the outer loop, and what a symmetry of the law does *)
(* to it: weights that commute with the symmetry still do after the update.   *)
(*                                                                            *)
(* A law is finite: a sample w has weight p w, prompts Z w and Z' w at the    *)
(* state and at the next one, and the outer reward R' w.                      *)
(* symmetries r G == each S in G is orthogonal and fixes row r                *)
(* symmetric_under G p y Z Z' == for every S in G some bijection g of the     *)
(*            samples keeps p and y, and turns Z into S Z and Z' into S Z'    *)
(* commuting G A == A commutes with every S in G                              *)
(* value theta Z == the read-out f, s times the entry (r, c)                  *)
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
(* symmetry_invariant : if every matrix of theta commutes with G and the law  *)
(*            is symmetric, so does every matrix after a semi-gradient step   *)
(* symmetry_invariant_residual : and after a residual-gradient step           *)
(* symmetry_invariant_any : and after one with any scalars x, x' of which the *)
(*            symmetry sees nothing                                           *)
(* _looped : the same for weights that every layer shares                     *)
(*                                                                            *)
(* Sources: ours; the outer loop is that of Wang, Blaser, Daneshmand, Zhang   *)
(* 2025 (arXiv 2405.13861). Any rows, tokens, heads, layers, masks and scale. *)
(* Assumptions: a commutative ring; nothing is asked of p.                    *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg matrix poly.
From LayerProof Require Import attention gradient equivariance.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
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

Section Update.
Variables (R : comRingType) (m N : nat) (Omega : finType).

Definition symmetries (r : 'I_m) (G : 'M[R]_m -> Prop) :=
  forall S, G S -> S^T *m S = 1%:M /\ row r S = delta_mx ord0 r.

Definition symmetric_under (T : Type) (G : 'M[R]_m -> Prop) (p : Omega -> R)
    (y : Omega -> T) (Z Z' : Omega -> 'M_(m, N)) :=
  forall S, G S -> exists2 g : Omega -> Omega, bijective g &
    forall w, [/\ p (g w) = p w, y (g w) = y w,
      Z (g w) = S *m Z w & Z' (g w) = S *m Z' w].

Definition commuting (G : 'M[R]_m -> Prop) A :=
  forall S, G S -> S *m A = A *m S.

Lemma commutingDZ G A B t :
  commuting G A -> commuting G B -> commuting G (A + t *: B).
Proof.
move=> cA cB S GS.
by rewrite mulmxDr mulmxDl -scalemxAr -scalemxAl cA ?cB.
Qed.

Variables (H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat).
Variables (r : 'I_m) (c : 'I_N) (s gamma : R).
Implicit Types (theta : nat -> 'I_H -> role -> 'M[R]_m).
Implicit Types (shared : 'I_H -> role -> 'M[R]_m).
Implicit Types (p x : Omega -> R) (Z : Omega -> 'M[R]_(m, N)).
Local Notation grad := (grad a M L r c s).
Local Notation grad_looped := (grad_looped a M L r c s).

Definition value theta (Z : 'M_(m, N)) : R :=
  read_entry s r c (run a theta M L Z).

Definition outer_error (R' : Omega -> R) Z Z' theta w :=
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

Definition step (alpha : nat -> 'I_H -> role -> R) theta
    (u : nat -> 'I_H -> role -> 'M[R]_m) l h k : 'M_m :=
  theta l h k + alpha l h k *: u l h k.

Definition step_looped (alpha : 'I_H -> role -> R) shared
    (u : 'I_H -> role -> 'M[R]_m) h k : 'M_m :=
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

Lemma mean_gradient_loopedE p x x' Z Z' shared h k :
  mean_gradient_looped p x x' Z Z' shared h k
  = \sum_(l < L) mean_gradient p x x' Z Z' (fun=> shared) l h k.
Proof.
rewrite exchange_big; apply: eq_bigr => w _ /=.
by rewrite -scaler_sumr big_split /= -!scaler_sumr.
Qed.

Variables (G : 'M[R]_m -> Prop) (symG : symmetries r G).

Lemma mean_gradient_commuting p x x' Z Z' theta l h k :
  symmetric_under G p (fun w => (x w, x' w)) Z Z' ->
  (forall l h k, commuting G (theta l h k)) ->
  commuting G (mean_gradient p x x' Z Z' theta l h k).
Proof.
move=> sym pat S GS; have [g bij_g inv] := sym S GS; have [SS rS] := symG GS.
have comm l' h' k' : S *m theta l' h' k' = theta l' h' k' *m S by apply: pat.
have sums : mean_gradient p x x' Z Z' theta l h k
  = \sum_w (p w * x w) *: grad theta (Z w) l h k
    + \sum_w (p w * x' w) *: grad theta (Z' w) l h k.
  by rewrite -big_split; apply: eq_bigr => w _; rewrite scalerDr !scalerA.
have good y Y : (forall w, y (g w) = y w) -> (forall w, Y (g w) = S *m Y w) ->
  let u := \sum_w (p w * y w) *: grad theta (Y w) l h k in S *m u = u *m S.
  move=> yg Yg; apply: (sum_gradient_commutes _ _ _ _ _ SS rS comm) bij_g _ Yg.
  by move=> w; have [-> _ _ _] := inv w; rewrite yg.
rewrite sums mulmxDr mulmxDl; congr (_ + _); apply: good => w;
  by have [_ [? ?] ? ?] := inv w.
Qed.

Lemma mean_gradient_looped_commuting p x x' Z Z' shared h k :
  symmetric_under G p (fun w => (x w, x' w)) Z Z' ->
  (forall h k, commuting G (shared h k)) ->
  commuting G (mean_gradient_looped p x x' Z Z' shared h k).
Proof.
move=> sym pat S GS; rewrite mean_gradient_loopedE mulmx_sumr mulmx_suml.
apply: eq_bigr => l _; apply: mean_gradient_commuting GS => // l' h' k'.
Qed.

Lemma outer_error_symmetric p (R' : Omega -> R) Z Z' theta (b : R) :
  (forall l h k, commuting G (theta l h k)) ->
  symmetric_under G p R' Z Z' ->
  symmetric_under G p (fun w => (outer_error R' Z Z' theta w,
                                 b * outer_error R' Z Z' theta w)) Z Z'.
Proof.
move=> pat sym S GS; have [g bij_g inv] := sym S GS; exists g => // w.
have [pg Rg Zg Zg'] := inv w; split=> //; have [SS rS] := symG GS.
have comm l' h' k' : S *m theta l' h' k' = theta l' h' k' *m S by apply: pat.
have same := value_commuting a M L c s SS rS comm.
by rewrite /outer_error /value Rg Zg Zg' !same.
Qed.

Theorem symmetry_invariant_any alpha p x x' Z Z' theta :
  symmetric_under G p (fun w => (x w, x' w)) Z Z' ->
  (forall l h k, commuting G (theta l h k)) ->
  forall l h k,
    commuting G (step alpha theta (mean_gradient p x x' Z Z' theta) l h k).
Proof.
move=> sym pat l h k; apply: commutingDZ; first exact: pat.
exact: mean_gradient_commuting.
Qed.

Theorem symmetry_invariant_any_looped alpha p x x' Z Z' shared :
  symmetric_under G p (fun w => (x w, x' w)) Z Z' ->
  (forall h k, commuting G (shared h k)) ->
  forall h k, commuting G
    (step_looped alpha shared (mean_gradient_looped p x x' Z Z' shared) h k).
Proof.
move=> sym pat h k; apply: commutingDZ; first exact: pat.
exact: mean_gradient_looped_commuting.
Qed.

Lemma outer_error_symmetric0 p (R' : Omega -> R) Z Z' theta :
  (forall l h k, commuting G (theta l h k)) ->
  symmetric_under G p R' Z Z' ->
  symmetric_under G p (fun w => (outer_error R' Z Z' theta w, 0 : R)) Z Z'.
Proof.
move=> pat sym S GS; have [g bij_g inv] := outer_error_symmetric 0 pat sym GS.
by exists g => // w; have [? [? _] ? ?] := inv w; split=> //; congr (_, _).
Qed.

Section Reward.
Variables (p : Omega -> R) (R' : Omega -> R) (Z Z' : Omega -> 'M[R]_(m, N)).
Hypothesis sym : symmetric_under G p R' Z Z'.

Theorem symmetry_invariant alpha theta :
  (forall l h k, commuting G (theta l h k)) -> forall l h k,
    commuting G (step alpha theta (semi_gradient p R' Z Z' theta) l h k).
Proof.
move=> pat l h k; rewrite /step semi_gradientE.
by apply: symmetry_invariant_any => //; apply: outer_error_symmetric0.
Qed.

Theorem symmetry_invariant_residual alpha theta :
  (forall l h k, commuting G (theta l h k)) -> forall l h k,
    commuting G (step alpha theta (residual_gradient p R' Z Z' theta) l h k).
Proof.
move=> pat l h k; rewrite /step residual_gradientE.
by apply: symmetry_invariant_any => //; apply: outer_error_symmetric.
Qed.

Theorem symmetry_invariant_looped alpha shared :
  (forall h k, commuting G (shared h k)) -> forall h k, commuting G
    (step_looped alpha shared (semi_gradient_looped p R' Z Z' shared) h k).
Proof.
move=> pat h k; rewrite /step_looped semi_gradient_loopedE.
by apply: symmetry_invariant_any_looped => //; apply: outer_error_symmetric0.
Qed.

Theorem symmetry_invariant_residual_looped alpha shared :
  (forall h k, commuting G (shared h k)) -> forall h k, commuting G
    (step_looped alpha shared (residual_gradient_looped p R' Z Z' shared) h k).
Proof.
move=> pat h k; rewrite /step_looped residual_gradient_loopedE.
by apply: symmetry_invariant_any_looped => //; apply: outer_error_symmetric.
Qed.

End Reward.

End Update.
