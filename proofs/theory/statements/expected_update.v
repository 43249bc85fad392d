(* The expected outer update over a finite law of samples. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention gradient.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Update.
Variables (R : comRingType) (m N : nat) (Omega : finType) (H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat).
Variables (r : 'I_m) (c : 'I_N) (s gamma : R) (p R' : Omega -> R) (Z Z' : Omega -> 'M[R]_(m, N)).
Definition outer_error (theta : nat -> 'I_H -> role -> 'M[R]_m) (w : Omega) : R :=
  R' w + gamma * value a M L r c s theta (Z' w) - value a M L r c s theta (Z w).
Definition semi_gradient (theta : nat -> 'I_H -> role -> 'M[R]_m) l h k : 'M[R]_m :=
  \sum_w (p w * outer_error theta w) *: gradient a M L r c s theta (Z w) l h k.
Definition residual_gradient (theta : nat -> 'I_H -> role -> 'M[R]_m) l h k : 'M[R]_m :=
  \sum_w (p w * outer_error theta w) *:
    (gradient a M L r c s theta (Z w) l h k - gamma *: gradient a M L r c s theta (Z' w) l h k).
Definition semi_gradient_looped (theta : 'I_H -> role -> 'M[R]_m) h k : 'M[R]_m :=
  \sum_w (p w * outer_error (fun=> theta) w) *: gradient_looped a M L r c s theta (Z w) h k.
Definition residual_gradient_looped (theta : 'I_H -> role -> 'M[R]_m) h k : 'M[R]_m :=
  \sum_w (p w * outer_error (fun=> theta) w) *:
    (gradient_looped a M L r c s theta (Z w) h k - gamma *: gradient_looped a M L r c s theta (Z' w) h k).
End Update.

(* weights that commute with a symmetry of the law do so after an expected semi-gradient step *)
Definition symmetry_invariant : Prop :=
  forall (R : comRingType) (m N : nat) (Omega : finType) (H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat)
    (r : 'I_m) (c : 'I_N) (s gamma : R) (G : 'M[R]_m -> Prop),
  (forall S, G S -> S^T *m S = 1%:M /\ row r S = delta_mx ord0 r) ->
  forall (p R' : Omega -> R) (Z Z' : Omega -> 'M[R]_(m, N)),
  (forall S, G S -> exists2 g : Omega -> Omega, bijective g &
     forall w, [/\ p (g w) = p w, R' (g w) = R' w, Z (g w) = S *m Z w & Z' (g w) = S *m Z' w]) ->
  forall (alpha : nat -> 'I_H -> role -> R) (theta : nat -> 'I_H -> role -> 'M[R]_m),
  (forall l h k S, G S -> S *m theta l h k = theta l h k *m S) ->
  let next l h k := theta l h k + alpha l h k *: semi_gradient a M L r c s gamma p R' Z Z' theta l h k in
  forall l h k S, G S -> S *m next l h k = next l h k *m S.
