(* When the iteration that the layers run converges, and how fast. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* l steps of w <- T w + c *)
Fixpoint iterate (R : ringType) (N : nat) (T : 'M[R]_N) (c : 'cV[R]_N) (l : nat) (w : 'cV[R]_N) : 'cV[R]_N :=
  if l is m.+1 then T *m iterate T c m w + c else w.
Definition form (R : ringType) (k : nat) (X : 'M[R]_k) (x y : 'cV[R]_k) : R := (x^T *m X *m y) 0 0.

(* X >= 0 that a step shrinks by r^2 certifies |h F^l z| <= b r^l, where h = u^T X and b^2 >= (u^T X u)(z^T X z) *)
Definition lyapunov_bound : Prop :=
  forall (R : realFieldType) (k : nat) (F X : 'M[R]_k) (h : 'rV[R]_k) (u z : 'cV[R]_k) (r b : R),
  X^T = X -> (forall x, 0 <= form X x x) -> (forall x, form X (F *m x) (F *m x) <= r ^+ 2 * form X x x) ->
  0 <= r -> X *m u = h^T -> 0 <= b -> form X u u * form X z z <= b ^+ 2 ->
  forall l : nat, `|(h *m iterate F 0 l z) 0 0| <= b * r ^+ l.

(* such an X on what w_0 excites (T B = B F) and q sees (S F = G S) certifies the prediction's distance from its limit *)
Definition geometric_bound : Prop :=
  forall (R : realFieldType) (N k m : nat) (T : 'M[R]_N) (c w0 star : 'cV[R]_N) (q : 'rV[R]_N) (B : 'M[R]_(N, k))
    (S : 'M[R]_(m, k)) (F : 'M[R]_k) (G X : 'M[R]_m) (z : 'cV[R]_k) (h : 'rV[R]_m) (u : 'cV[R]_m) (r b : R),
  T *m star + c = star -> w0 - star = B *m z -> T *m B = B *m F -> S *m F = G *m S -> q *m B = h *m S ->
  X^T = X -> (forall x, 0 <= form X x x) -> (forall x, form X (G *m x) (G *m x) <= r ^+ 2 * form X x x) ->
  0 <= r -> X *m u = h^T -> 0 <= b -> form X u u * form X (S *m z) (S *m z) <= b ^+ 2 ->
  forall l : nat, `|(q *m iterate T c l w0) 0 0 - (q *m star) 0 0| <= b * r ^+ l.

(* G = (1/n) sum_j phi_j (phi_j - gamma phi_{j+1})^T, of TD(0) on a trajectory phi_0, ..., phi_n *)
Definition trajectory_G (R : fieldType) (d n : nat) (gamma : R) (phi : nat -> 'cV[R]_d) : 'M[R]_d :=
  n%:R^-1 *: \sum_(j < n) phi j *m (phi j - gamma *: phi j.+1)^T.

(* n x^T G x is a sum of squares, but for the ends of the trajectory *)
Definition trajectory_identity : Prop :=
  forall (R : numFieldType) (d n : nat) (gamma : R) (phi : nat -> 'cV[R]_d) (x : 'cV[R]_d),
  let a j := (x^T *m phi j) 0 0 in
  n%:R * (x^T *m trajectory_G n gamma phi *m x) 0 0
  = (1 - gamma) * (\sum_(j < n) a j ^+ 2) + gamma / 2%:R * (\sum_(j < n) (a j - a j.+1) ^+ 2)
    + gamma / 2%:R * (a 0%N ^+ 2 - a n ^+ 2).

(* on a closed trajectory whose features span the space, G + G^T is positive definite *)
Definition closed_trajectory_positive : Prop :=
  forall (R : realFieldType) (d n : nat) (gamma : R) (phi : nat -> 'cV[R]_d),
  0 <= gamma < 1 -> phi n = phi 0%N ->
  (forall x : 'cV[R]_d, (forall j, (j < n)%N -> x^T *m phi j = 0) -> x = 0) ->
  forall x : 'cV[R]_d, x != 0 -> 0 < (x^T *m trajectory_G n gamma phi *m x) 0 0.

Section Tabular.
Variables (R : realFieldType) (s n : nat).
(* one-hot features: transition j leads from one state to another *)
Variables (from to : 'I_n -> 'I_s) (a gamma : R).
Definition frequency (i : 'I_s) : R := n%:R^-1 * \sum_(j < n | from j == i) 1.
Definition one_hot (i : 'I_s) : 'cV[R]_s := delta_mx i 0.
Definition tabular_T : 'M[R]_s :=
  1%:M - (a / n%:R) *: \sum_(j < n) one_hot (from j) *m (one_hot (from j) - gamma *: one_hot (to j))^T.
End Tabular.

(* tabular TD(0) with alpha c_i <= 1: the entries of row i of T are not negative and sum to 1 - alpha (1 - gamma) c_i *)
Definition tabular_row_sum : Prop :=
  forall (R : realFieldType) (s n : nat) (from to : 'I_n -> 'I_s) (a gamma : R) (i : 'I_s),
  0 <= a -> 0 <= gamma -> a * frequency R from i <= 1 ->
  \sum_k `|tabular_T from to a gamma i k| = 1 - a * (1 - gamma) * frequency R from i.

Section AverageReward.
Variables (R : numFieldType) (s n : nat) (a : R) (state : nat -> 'I_s) (r : nat -> R).
(* the mean of R_0, ..., R_j, and tabular average-reward TD along the states *)
Definition mean (j : nat) : R := j.+1%:R^-1 * \sum_(i < j.+1) r i.
Definition average_step (w : 'I_s -> R) (i : 'I_s) : R :=
  w i + a / n%:R * \sum_(j < n | state j == i) (r j - mean j + w (state j.+1) - w (state j)).
End AverageReward.

(* on a closed trajectory the sum of the weights gains alpha mean_j (R_j - rbar_j) at every layer *)
Definition average_reward_drift : Prop :=
  forall (R : numFieldType) (s n : nat) (a : R) (state : nat -> 'I_s) (r : nat -> R) (w : 'I_s -> R) (L : nat),
  state n = state 0%N ->
  \sum_i iter L (average_step n a state r) w i
  = \sum_i w i + L%:R * (a / n%:R * \sum_(j < n) (r j - mean r j)).
