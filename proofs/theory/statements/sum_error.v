(* Trees of rounded operations: an operation multiplies its exact result by 1 + d and adds e. *)
From mathcomp Require Import all_ssreflect fingroup perm all_algebra.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Trees.
Variable R : realFieldType.

(* Some d: a relative error; Some e: an absolute loss; None: none of that kind *)
Record rounding := Rounding { relative : option R; absolute : option R }.
Definition value_of (x : option R) : R := if x is Some y then y else 0.
Definition count_of (x : option R) : nat := if x is Some _ then 1%N else 0%N.
Definition rounded (r : rounding) (x : R) : R := x * (1 + value_of (relative r)) + value_of (absolute r).
Definition admissible (u eta : R) (r : rounding) : Prop :=
  `|value_of (relative r)| <= u /\ `|value_of (absolute r)| <= eta.

Inductive tree :=
  | Leaf of rounding & R
  | Cast of rounding & tree
  | Add of rounding & tree & tree
  | Mul of rounding & tree & tree.

Fixpoint ok (u eta : R) (t : tree) : Prop :=
  match t with
  | Leaf r _ => admissible u eta r
  | Cast r s => admissible u eta r /\ ok u eta s
  | Add r s v | Mul r s v => admissible u eta r /\ ok u eta s /\ ok u eta v
  end.

Fixpoint exact (t : tree) : R :=
  match t with
  | Leaf _ x => x
  | Cast _ s => exact s
  | Add _ s v => exact s + exact v
  | Mul _ s v => exact s * exact v
  end.

Fixpoint computed (t : tree) : R :=
  match t with
  | Leaf r x => rounded r x
  | Cast r s => rounded r (computed s)
  | Add r s v => rounded r (computed s + computed v)
  | Mul r s v => rounded r (computed s * computed v)
  end.

(* the value with |x|, and with max(1, |x|), for every leaf x *)
Fixpoint magnitude (t : tree) : R :=
  match t with
  | Leaf _ x => `|x|
  | Cast _ s => magnitude s
  | Add _ s v => magnitude s + magnitude v
  | Mul _ s v => magnitude s * magnitude v
  end.
Fixpoint magnitude1 (t : tree) : R :=
  match t with
  | Leaf _ x => Num.max 1 `|x|
  | Cast _ s => magnitude1 s
  | Add _ s v => magnitude1 s + magnitude1 v
  | Mul _ s v => magnitude1 s * magnitude1 v
  end.

(* the relative errors, and the absolute losses, that the worst elementary product meets *)
Fixpoint roundings (t : tree) : nat :=
  match t with
  | Leaf r _ => count_of (relative r)
  | Cast r s => roundings s + count_of (relative r)
  | Add r s v => maxn (roundings s) (roundings v) + count_of (relative r)
  | Mul r s v => roundings s + roundings v + count_of (relative r)
  end.
Fixpoint losses (t : tree) : nat :=
  match t with
  | Leaf r _ => count_of (absolute r)
  | Cast r s => losses s + count_of (absolute r)
  | Add r s v => maxn (losses s) (losses v) + count_of (absolute r)
  | Mul r s v => losses s + losses v + count_of (absolute r)
  end.

(* the operands of the sum, and of the product, at the root *)
Fixpoint terms (t : tree) : seq tree := if t is Add _ s v then terms s ++ terms v else [:: t].
Fixpoint factors (t : tree) : seq tree := if t is Mul _ s v then factors s ++ factors v else [:: t].
Definition is_leaf (t : tree) : bool := if t is Leaf _ _ then true else false.
End Trees.

(* any tree of rounded sums and products is within the bound that `float` evidence uses, underflow included *)
Definition float_error : Prop :=
  forall (R : realFieldType) (u eta : R), 0 <= u -> 0 <= eta -> forall t : tree R, ok u eta t ->
  `|computed t - exact t|
  <= ((1 + u) ^+ roundings t - 1) * magnitude t
   + (1 + u) ^+ roundings t * ((1 + eta) ^+ losses t - 1) * magnitude1 t.

(* any tree of n rounded additions errs by at most ((1+u)^n - 1) sum |x| *)
Definition sum_error : Prop :=
  forall (R : realFieldType) (u : R) (t : tree R) (n : nat), 0 <= u -> ok u 0 t ->
  all (@is_leaf R) (terms t) -> size (terms t) = n ->
  `|computed t - exact t| <= ((1 + u) ^+ n - 1) * \sum_(s <- terms t) `|exact s|.

(* n terms of at most f stored factors each meet (n - 1) + (f - 1) + f roundings *)
Definition sum_of_products_error : Prop :=
  forall (R : realFieldType) (u : R) (t : tree R) (n f : nat), 0 <= u -> ok u 0 t ->
  (size (terms t) <= n)%N ->
  all (fun s => (size (factors s) <= f)%N && all (@is_leaf R) (factors s)) (terms t) ->
  `|computed t - exact t|
  <= ((1 + u) ^+ (n.-1 + (f.-1 + f)) - 1) * \sum_(s <- terms t) \prod_(x <- factors s) magnitude x.
