(* How one-step errors reach the end of a run. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
From LayerProofStatements Require Import attention.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

(* e carried through the maps A s, A (s + 1), ..., A (s + k - 1) *)
Fixpoint carry (V : Type) (A : nat -> V -> V) (s k : nat) (e : V) : V :=
  if k is j.+1 then A (s + j)%N (carry A s j e) else e.

(* one-step errors of a run are carried to the end by the later layers' linear maps, and add up *)
Definition error_propagation : Prop :=
  forall (V : zmodType) (A : nat -> {additive V -> V}) (b y yh d : nat -> V), yh 0%N = y 0%N ->
  (forall l, y l.+1 = A l (y l) + b l) -> (forall l, yh l.+1 = A l (yh l) + b l + d l) ->
  forall L, yh L - y L = \sum_(l < L) carry (fun l v => A l v) l.+1 (L - l.+1) (d l).

Section Layers.
Variables (R : comRingType) (p K N H : nat) (a : R).
Variables (V S : nat -> 'I_H -> 'M[R]_K) (E : nat -> 'I_H -> 'M[R]_p) (M : nat -> 'I_H -> 'M[R]_N).
(* heads that move the K accumulator rows only *)
Definition on_rows (U : nat -> 'I_H -> 'M[R]_K) l h : 'M[R]_(p + K) := block_mx 0 0 0 (U l h).
Definition on_features l h : 'M[R]_(p + K) := block_mx (E l h) 0 0 0.
Definition exact_layer l (Z : 'M[R]_(p + K, N)) : 'M[R]_(p + K, N) :=
  layer a (on_rows V l) (on_rows S l) (on_features l) (M l) Z.
Definition exact_run L (Z : 'M[R]_(p + K, N)) : 'M[R]_(p + K, N) :=
  transformer a (on_rows V) (on_rows S) on_features M L Z.
(* what layer l makes of the accumulator rows Y over the feature rows X, and its adjoint *)
Variable X : 'M[R]_(p, N).
Definition row_layer l (Y : 'M[R]_(K, N)) : 'M[R]_(K, N) :=
  Y + a *: (\sum_h V l h *m S l h *m Y *m M l h *m X^T *m E l h) *m X.
Definition adjoint l (G : 'M[R]_(K, N)) : 'M[R]_(K, N) :=
  G + a *: \sum_h (V l h *m S l h)^T *m G *m (M l h *m X^T *m E l h *m X)^T.
(* G taken back through layers s + k - 1, ..., s *)
Fixpoint pull (s k : nat) (G : 'M[R]_(K, N)) : 'M[R]_(K, N) :=
  if k is j.+1 then pull s j (adjoint (s + j)%N G) else G.
End Layers.

(* in the layers of a transformer too: several accumulator rows, heads and masks, other weights at every layer *)
Definition attention_error : Prop :=
  forall (p K N H : nat) (R : comRingType) (a : R) (V S : nat -> 'I_H -> 'M[R]_K) (E : nat -> 'I_H -> 'M[R]_p)
    (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (Zh : nat -> 'M[R]_(p + K, N)) (L : nat),
  (forall l : nat, (l <= L)%N -> usubmx (Zh l) = X) ->
  dsubmx (Zh L) - dsubmx (exact_run a V S E M L (Zh 0%N))
  = \sum_(l < L) carry (row_layer a V S E M X) l.+1 (L - l.+1)
      (dsubmx (Zh l.+1 - exact_layer a V S E M l (Zh l))).

(* the adjoint is the row layer's: <G, row_layer Y> = <adjoint G, Y> *)
Definition adjoint_of_row_layer : Prop :=
  forall (R : comRingType) (p K N H : nat) (a : R) (V S : nat -> 'I_H -> 'M[R]_K) (E : nat -> 'I_H -> 'M[R]_p)
    (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (l : nat) (G Y : 'M[R]_(K, N)),
  \tr (G^T *m row_layer a V S E M X l Y) = \tr ((adjoint a V S E M X l G)^T *m Y).

(* one entry of the accumulator rows is off by at most the one-step bounds, weighed by the adjoint layers *)
Definition attention_entry_bound : Prop :=
  forall (p K N H : nat) (R : numDomainType) (a : R) (V S : nat -> 'I_H -> 'M[R]_K) (E : nat -> 'I_H -> 'M[R]_p)
    (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (Zh : nat -> 'M[R]_(p + K, N)) (beta : nat -> 'M[R]_(K, N))
    (k : 'I_K) (t : 'I_N) (L : nat),
  (forall l : nat, (l <= L)%N -> usubmx (Zh l) = X) ->
  (forall (l : nat) (i : 'I_K) (j : 'I_N), (l < L)%N ->
     `|dsubmx (Zh l.+1 - exact_layer a V S E M l (Zh l)) i j| <= beta l i j) ->
  `|(dsubmx (Zh L) - dsubmx (exact_run a V S E M L (Zh 0%N))) k t|
  <= \sum_(l < L) \sum_i \sum_j `|pull a V S E M X l.+1 (L - l.+1) (delta_mx k t) i j| * beta l i j.

Section Affine.
Variables (R : comRingType) (p K N H : nat) (a : R).
Variables (V S : nat -> 'I_H -> 'M[R]_K) (F : nat -> 'I_H -> 'M[R]_(K, p)).
Variables (E : nat -> 'I_H -> 'M[R]_p) (T : nat -> 'I_H -> 'M[R]_(p, K)) (M : nat -> 'I_H -> 'M[R]_N).
(* heads that write the K accumulator rows only; their values and queries may be rows of both kinds *)
Definition affine_W l h : 'M[R]_(p + K) := block_mx 0 0 0 (V l h).
Definition affine_P l h : 'M[R]_(p + K) := block_mx 0 0 (F l h) (S l h).
Definition affine_Q l h : 'M[R]_(p + K) := block_mx (E l h) (T l h) 0 0.
Definition affine_layer l (Z : 'M[R]_(p + K, N)) : 'M[R]_(p + K, N) :=
  layer a (affine_W l) (affine_P l) (affine_Q l) (M l) Z.
Definition affine_run L (Z : 'M[R]_(p + K, N)) : 'M[R]_(p + K, N) :=
  transformer a affine_W affine_P affine_Q M L Z.
(* no head reads the accumulator rows in two places *)
Definition one_place := forall l h, S l h = 0 \/ T l h = 0.
(* how layer l multiplies the accumulator rows Y over the feature rows X, and the adjoint of that *)
Variable X : 'M[R]_(p, N).
Definition mixing l : 'M[R]_K := \sum_h V l h *m F l h *m X *m M l h *m X^T *m T l h.
Definition affine_map l (Y : 'M[R]_(K, N)) : 'M[R]_(K, N) :=
  Y + a *: (\sum_h V l h *m S l h *m Y *m M l h *m X^T *m E l h) *m X + a *: (mixing l *m Y).
Definition affine_adjoint l (G : 'M[R]_(K, N)) : 'M[R]_(K, N) :=
  G + a *: (\sum_h (V l h *m S l h)^T *m G *m (M l h *m X^T *m E l h *m X)^T) + a *: ((mixing l)^T *m G).
(* G taken back through layers s + k - 1, ..., s *)
Fixpoint affine_pull (s k : nat) (G : 'M[R]_(K, N)) : 'M[R]_(K, N) :=
  if k is j.+1 then affine_pull s j (affine_adjoint (s + j)%N G) else G.
End Affine.

(* over a constant row too, where heads also multiply the accumulator rows: each reads them in one place at most *)
Definition affine_error : Prop :=
  forall (p K N H : nat) (R : comRingType) (a : R) (V S : nat -> 'I_H -> 'M[R]_K) (F : nat -> 'I_H -> 'M[R]_(K, p))
    (E : nat -> 'I_H -> 'M[R]_p) (T : nat -> 'I_H -> 'M[R]_(p, K)) (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N))
    (Zh : nat -> 'M[R]_(p + K, N)) (L : nat),
  one_place S T -> (forall l : nat, (l <= L)%N -> usubmx (Zh l) = X) ->
  dsubmx (Zh L) - dsubmx (affine_run a V S F E T M L (Zh 0%N))
  = \sum_(l < L) carry (affine_map a V S F E T M X) l.+1 (L - l.+1)
      (dsubmx (Zh l.+1 - affine_layer a V S F E T M l (Zh l))).

(* the adjoint is that of such a layer: <G, affine_map Y> = <affine_adjoint G, Y> *)
Definition adjoint_of_affine_layer : Prop :=
  forall (R : comRingType) (p K N H : nat) (a : R) (V S : nat -> 'I_H -> 'M[R]_K) (F : nat -> 'I_H -> 'M[R]_(K, p))
    (E : nat -> 'I_H -> 'M[R]_p) (T : nat -> 'I_H -> 'M[R]_(p, K)) (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N))
    (l : nat) (G Y : 'M[R]_(K, N)),
  \tr (G^T *m affine_map a V S F E T M X l Y) = \tr ((affine_adjoint a V S F E T M X l G)^T *m Y).

(* one entry of the accumulator rows is off by at most the one-step bounds, weighed by the adjoints of such layers *)
Definition affine_entry_bound : Prop :=
  forall (p K N H : nat) (R : numDomainType) (a : R) (V S : nat -> 'I_H -> 'M[R]_K)
    (F : nat -> 'I_H -> 'M[R]_(K, p)) (E : nat -> 'I_H -> 'M[R]_p) (T : nat -> 'I_H -> 'M[R]_(p, K))
    (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (Zh : nat -> 'M[R]_(p + K, N)) (beta : nat -> 'M[R]_(K, N))
    (k : 'I_K) (t : 'I_N) (L : nat),
  one_place S T -> (forall l : nat, (l <= L)%N -> usubmx (Zh l) = X) ->
  (forall (l : nat) (i : 'I_K) (j : 'I_N), (l < L)%N ->
     `|dsubmx (Zh l.+1 - affine_layer a V S F E T M l (Zh l)) i j| <= beta l i j) ->
  `|(dsubmx (Zh L) - dsubmx (affine_run a V S F E T M L (Zh 0%N))) k t|
  <= \sum_(l < L) \sum_i \sum_j
       `|affine_pull a V S F E T M X l.+1 (L - l.+1) (delta_mx k t) i j| * beta l i j.
