(* The derivative of a read-out in the weights: coefficient 1 of the transformer run on polynomials. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* theta l h k is the matrix of layer l, head h and role k *)
Variant role := OfW | OfP | OfQ.
Definition same_role (j k : role) : bool :=
  match j, k with OfW, OfW | OfP, OfP | OfQ, OfQ => true | _, _ => false end.

Section Gradient.
Variables (R : comRingType) (m N H : nat).
Definition run (a : R) (theta : nat -> 'I_H -> role -> 'M[R]_m) (M : nat -> 'I_H -> 'M[R]_N) (L : nat)
    (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  transformer a (fun l h => theta l h OfW) (fun l h => theta l h OfP) (fun l h => theta l h OfQ) M L Z.
End Gradient.

Section Derivative.
Variables (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat).
Variables (r : 'I_m) (c : 'I_N) (s : R).
(* s times entry (r, c) of the output *)
Definition value (theta : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)) : R := s * run a theta M L Z r c.
(* the derivative at theta in the direction E: the weights are theta + 'X E, with polynomial entries *)
Definition derivative (theta E : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)) : R :=
  (s%:P * run a%:P (fun l h k => map_mx polyC (theta l h k) + 'X *: map_mx polyC (E l h k))
            (fun l h => map_mx polyC (M l h)) L (map_mx polyC Z) r c)`_1.
(* entry (i, j) of the gradient matrix: the direction with a one there, in the matrix (l, h, k) alone *)
Definition gradient (theta : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)) (l : nat) (h : 'I_H) (k : role) :
    'M[R]_m :=
  \matrix_(i, j) derivative theta
    (fun l' h' k' => if [&& l' == l, h' == h & same_role k' k] then delta_mx i j else 0) Z.
(* of weights that all layers share *)
Definition gradient_looped (theta : 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)) (h : 'I_H) (k : role) : 'M[R]_m :=
  \sum_(l < L) gradient (fun=> theta) Z l h k.
End Derivative.
Definition inner (R : comRingType) (m : nat) (G E : 'M[R]_m) : R := \sum_i \sum_j G i j * E i j.

(* the read-out along a line of weights is a polynomial, and the derivative in this theory is its coefficient 1 *)
Definition derivative_line : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R)
    (theta E : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)), exists p : {poly R},
  [/\ forall t : R, value a M L r c s (fun l h k => theta l h k + t *: E l h k) Z = p.[t],
      p`_0 = value a M L r c s theta Z & p`_1 = derivative a M L r c s theta E Z].

(* the derivative of the read-out is additive in the direction, all layers, heads and matrices at once *)
Definition derivative_additive : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R)
    (theta E E' : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)),
  derivative a M L r c s theta (fun l h k => E l h k + E' l h k) Z
  = derivative a M L r c s theta E Z + derivative a M L r c s theta E' Z.

(* the derivative of the read-out is homogeneous in the direction *)
Definition derivative_scale : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R)
    (theta : nat -> 'I_H -> role -> 'M[R]_m) (t : R) (E : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)),
  derivative a M L r c s theta (fun l h k => t *: E l h k) Z = t * derivative a M L r c s theta E Z.

(* the derivative is the inner product of the direction with the gradient matrices of the L layers and H heads *)
Definition gradient_spec : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R)
    (theta E : nat -> 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)),
  let product l h k := inner (gradient a M L r c s theta Z l h k) (E l h k) in
  derivative a M L r c s theta E Z = \sum_(l < L) \sum_h (product l h OfW + product l h OfP + product l h OfQ).

(* for weights that all layers share it is the inner product with the gradient matrices summed over the layers *)
Definition gradient_spec_looped : Prop :=
  forall (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s : R)
    (theta E : 'I_H -> role -> 'M[R]_m) (Z : 'M[R]_(m, N)),
  let product h k := inner (gradient_looped a M L r c s theta Z h k) (E h k) in
  derivative a M L r c s (fun=> theta) (fun=> E) Z = \sum_h (product h OfW + product h OfP + product h OfQ).
