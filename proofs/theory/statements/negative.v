(* What the transformer, with any fixed weights, heads and masks, cannot compute. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* the transformer is odd in its prompt, whatever its weights *)
Definition tf_odd : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (W P Q : nat -> 'I_H -> 'M[R]_m) (M : nat -> 'I_H -> 'M[R]_N)
    (L : nat) (Z : 'M[R]_(m, N)),
  transformer a W P Q M L (- Z) = - transformer a W P Q M L Z.

(* every entry of the output is a polynomial along every line of prompts *)
Definition tf_line : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (W P Q : nat -> 'I_H -> 'M[R]_m) (M : nat -> 'I_H -> 'M[R]_N)
    (L : nat) (Z0 Z1 : 'M[R]_(m, N)) (i : 'I_m) (j : 'I_N),
  exists p : {poly R}, forall t : R, transformer a W P Q M L (Z0 + t *: Z1) i j = p.[t].

(* the read-out u Z_L v of the prompt whose entries are the polynomials Z, at t *)
Definition output (F : realFieldType) (m N H : nat) (a : F) (W P Q : nat -> 'I_H -> 'M[F]_m)
    (M : nat -> 'I_H -> 'M[F]_N) (L : nat) (Z : 'M[{poly F}]_(m, N)) (u : 'rV[F]_m) (v : 'cV[F]_N) (t : F) : F :=
  (u *m transformer a W P Q M L (\matrix_(i, j) (Z i j).[t]) *m v) 0 0.

(* no read-out of any depth and any heads is a maximum of an entry of the prompt with zero *)
Definition no_max : Prop :=
  forall (F : realFieldType) (m N H : nat) (a : F) (W P Q : nat -> 'I_H -> 'M[F]_m) (M : nat -> 'I_H -> 'M[F]_N)
    (L : nat) (Z : 'M[{poly F}]_(m, N)) (u : 'rV[F]_m) (v : 'cV[F]_N),
  ~ (forall t : F, output a W P Q M L Z u v t = Num.max t 0).

(* Q-learning on one transition: reward t, feature 1, next actions with features 1 and -1, step size 1, discount 1/2 *)
Section QLearning.
Variable F : realFieldType.
Definition td_error (t w : F) : F := t + 2%:R^-1 * Num.max (w * 1) (w * - 1) - w * 1.
Definition q_update (t w : F) : F := w + 1 * td_error t w * 1.
Fixpoint q_learning (t : F) (l : nat) : F := if l is k.+1 then q_update t (q_learning t k) else 0.
End QLearning.

(* no weights, heads or masks run Q-learning for two or more iterations on a one-transition prompt *)
Definition no_q_learning : Prop :=
  forall (F : realFieldType) (m N H : nat) (a : F) (W P Q : nat -> 'I_H -> 'M[F]_m) (M : nat -> 'I_H -> 'M[F]_N)
    (L : nat) (Z : 'M[{poly F}]_(m, N)) (u : 'rV[F]_m) (v : 'cV[F]_N) (l : nat), (1 < l)%N ->
  ~ (forall t : F, output a W P Q M L Z u v t = q_learning t l).
