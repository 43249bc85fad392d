(******************************************************************************)
(* Linear attention, one layer and L layers, as the papers write them.        *)
(*                                                                            *)
(* Z : 'M_(m, N) is the prompt: one column a token, the last one the query.   *)
(*     attn P M Q Z == one head, P Z M (Z^T Q Z); M is the mask               *)
(*    layer a W P Q M Z == Z + a [W_1 ... W_H] [head_1; ...; head_H]: the     *)
(*                     heads stacked in a column, the output map W in blocks  *)
(* transformer a W P Q M L Z == L layers from the prompt Z; W l h, P l h,     *)
(*                     Q l h and M l h belong to head h of layer l = 0, 1, ...*)
(* displacement a V S E M X Y L == the matrix Om_L with Z_L = [X; Y + Om_L X] *)
(*                                                                            *)
(* Theorems                                                                   *)
(*   layer_sumE : the layer is Z + a sum_h W_h attn_h                         *)
(*   attn_block : a head with P = diag(0, S), Q = diag(E, 0)                  *)
(*  layer_block : with W = diag(0, V) too, a layer moves only the rows Y of   *)
(*                [X; Y], and adds to them a sum_h V_h S_h Y M_h X^T E_h X    *)
(* transformer_block : the same for L layers                                  *)
(*    eq_products : equal products W P, equal Q and M give equal transformers *)
(* eq_transformer : equal heads do                                            *)
(*                                                                            *)
(* Sources: linear attention with P, Q and a mask: Ahn, Cheng, Daneshmand,    *)
(* Sra 2023 (arXiv 2306.00297); Wang, Blaser, Daneshmand, Zhang 2025          *)
(* (arXiv 2405.13861), whose average-reward section has several heads.        *)
(* Assumptions: a commutative ring; a is any scalar (1/n in the papers).      *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg matrix.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Layer.
Variables (R : comRingType) (m N H : nat) (a : R).

Definition attn (P : 'M[R]_m) (M : 'M[R]_N) (Q : 'M[R]_m) (Z : 'M[R]_(m, N)) :=
  P *m Z *m M *m (Z^T *m Q *m Z).

Definition layer (W P Q : 'I_H -> 'M[R]_m) (M : 'I_H -> 'M[R]_N) Z :=
  Z + a *: (\mxrow_h W h *m \mxcol_h attn (P h) (M h) (Q h) Z).

Fixpoint transformer (W P Q : nat -> 'I_H -> 'M[R]_m)
    (M : nat -> 'I_H -> 'M[R]_N) L Z :=
  if L is l.+1 then layer (W l) (P l) (Q l) (M l) (transformer W P Q M l Z)
  else Z.

Lemma layer_sumE W P Q M Z :
  layer W P Q M Z = Z + a *: \sum_h W h *m attn (P h) (M h) (Q h) Z.
Proof. by rewrite /layer mul_mxrow_mxcol. Qed.

Lemma eq_products (W W' P P' Q Q' : nat -> 'I_H -> 'M_m) M M' L Z :
    (forall l h, W l h *m P l h = W' l h *m P' l h) ->
    (forall l h, Q l h = Q' l h) -> (forall l h, M l h = M' l h) ->
  transformer W P Q M L Z = transformer W' P' Q' M' L Z.
Proof.
move=> eWP eQ eM; elim: L => [//|l IH] /=; rewrite IH !layer_sumE.
congr (_ + _ *: _); apply: eq_bigr => h _.
by rewrite /attn !mulmxA eWP eQ eM.
Qed.

Lemma eq_transformer (W W' P P' Q Q' : nat -> 'I_H -> 'M_m) M M' L Z :
    (forall l h, W l h = W' l h) -> (forall l h, P l h = P' l h) ->
    (forall l h, Q l h = Q' l h) -> (forall l h, M l h = M' l h) ->
  transformer W P Q M L Z = transformer W' P' Q' M' L Z.
Proof. by move=> eW eP; apply: eq_products => l h; rewrite eW eP. Qed.

End Layer.

Section Block.
Variables (R : comRingType) (p K N H : nat) (a : R).
Implicit Types (X : 'M[R]_(p, N)) (Y : 'M[R]_(K, N)).

Lemma attn_block (S : 'M_K) M (E : 'M_p) X Y :
  attn (block_mx 0 0 0 S) M (block_mx E 0 0 0) (col_mx X Y)
  = col_mx 0 (S *m Y *m M *m X^T *m E *m X).
Proof.
rewrite /attn mul_block_col !mul0mx !add0r tr_col_mx mul_row_block.
rewrite !mulmx0 !addr0 mul_row_col mul0mx addr0.
by rewrite !mul_col_mx !mul0mx !mulmxA.
Qed.

Lemma layer_block (V S : 'I_H -> 'M_K) (E : 'I_H -> 'M_p) M X Y :
  layer a (fun h => block_mx 0 0 0 (V h)) (fun h => block_mx 0 0 0 (S h))
          (fun h => block_mx (E h) 0 0 0) M (col_mx X Y)
  = col_mx X (Y + a *: (\sum_h V h *m S h *m Y *m M h *m X^T *m E h) *m X).
Proof.
rewrite layer_sumE -scalemxAl mulmx_suml.
under eq_bigr do rewrite attn_block mul_block_col mulmx0 !mul0mx !add0r.
have -> : \sum_h col_mx (0 : 'M_(p, N))
              (V h *m (S h *m Y *m M h *m X^T *m E h *m X))
  = col_mx 0 (\sum_h V h *m S h *m Y *m M h *m X^T *m E h *m X).
  elim/big_rec2: _ => [|h A B _ ->]; first by rewrite col_mx0.
  by rewrite add_col_mx addr0 !mulmxA.
by rewrite scale_col_mx scaler0 add_col_mx addr0.
Qed.

Fixpoint displacement (V S : nat -> 'I_H -> 'M[R]_K) (E : nat -> 'I_H -> 'M_p)
    (M : nat -> 'I_H -> 'M_N) X Y L : 'M_(K, p) :=
  if L is l.+1 then
    let Om := displacement V S E M X Y l in
    Om + a *: \sum_h V l h *m S l h *m (Y + Om *m X) *m M l h *m X^T *m E l h
  else 0.

Theorem transformer_block (V S : nat -> 'I_H -> 'M_K)
    (E : nat -> 'I_H -> 'M_p) M X Y L :
  transformer a (fun l h => block_mx 0 0 0 (V l h))
    (fun l h => block_mx 0 0 0 (S l h)) (fun l h => block_mx (E l h) 0 0 0)
    M L (col_mx X Y)
  = col_mx X (Y + displacement V S E M X Y L *m X).
Proof.
elim: L => [|L IH] /=; first by rewrite mul0mx addr0.
by rewrite IH layer_block mulmxDl addrA.
Qed.

End Block.
