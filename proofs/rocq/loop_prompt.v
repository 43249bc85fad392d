(******************************************************************************)
(* A prompt of vector blocks and rows of numbers, and one layer entry by      *)
(* entry: what a generated file needs to prove that its heads run its loop.   *)
(*                                                                            *)
(* prompt_mx x xq y yq == the prompt: V blocks of d rows (columns x_v j, query*)
(*                 xq_v), then T rows of numbers (y_t j, query yq_t); n       *)
(*                 context columns and the query's                            *)
(* key_query E G == diag(E, G), E a V x V table of d x d blocks, G T x T      *)
(*      values U == diag(0, U); output == diag(0, I); mask A == diag(A, 0)    *)
(*     change ...== what a layer's heads add to row t at a token, before 1/n  *)
(*  iterate step L s == L steps from s, step 0 first                          *)
(* prompt_of xs ys, head_values, head_keys, head_mask == the same from lists: *)
(*                 lists of rows, and for each head a table                   *)
(*                                                                            *)
(* Theorems                                                                   *)
(*    layer_tokens: a layer adds a * change to every entry of every row of    *)
(*                 numbers, and to nothing else                               *)
(* transformer_loop: the induction over the layers                            *)
(*    layer_sparse: layer_tokens for tables whose zeros are left out, so that *)
(*                 the sum over heads, rows and blocks unfolds by computation *)
(* layer_sparse_whole: the same where W is the identity, as in given heads    *)
(*      run_like: the induction for heads, step and prompt in other words, of *)
(*                 W and P the product alone                                  *)
(* The tactics at the end close what is left at one token: a commutative-ring *)
(* identity in the atoms `dot (g *m (C l)^T) (phi j)`.                        *)
(*                                                                            *)
(* Sources: linear attention as in attention.v; the rest is ours.             *)
(* Assumptions: a commutative ring; any V, T, d, n, heads, masks, scale.      *)
(******************************************************************************)

From mathcomp Require Import all_ssreflect ssralg ssrnum zmodp matrix.
From mathcomp Require Import ring.
From LayerProof Require Import attention loop_masks.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Tokens.
Variables (F : comRingType) (n d V T H : nat) (a : F).
Implicit Types (x : 'I_V -> 'I_n -> 'rV[F]_d) (xq : 'I_V -> 'rV[F]_d).
Implicit Types (y : 'I_T -> 'I_n -> F) (yq : 'I_T -> F).

Definition columns (f : 'I_n -> 'rV[F]_d) (q : 'rV[F]_d) : 'M[F]_(d, n + 1) :=
  row_mx (\matrix_(i, j) f j 0 i) q^T.
Definition vectors x xq : 'M[F]_(\sum_(v < V) d, n + 1) :=
  \mxcol_(v < V) columns (x v) (xq v).
Definition numbers y yq : 'M[F]_(T, n + 1) :=
  row_mx (\matrix_(t, j) y t j) (\matrix_(t, j) yq t).
Definition prompt_mx x xq y yq : 'M[F]_(\sum_(v < V) d + T, n + 1) :=
  col_mx (vectors x xq) (numbers y yq).

Definition key_query (E : 'I_V -> 'I_V -> 'M[F]_d) (G : 'I_T -> 'I_T -> F) :
    'M[F]_(\sum_(v < V) d + T) :=
  block_mx (\mxblock_(r < V, s < V) E r s) 0 0 (\matrix_(r, s) G r s).
Definition values (U : 'I_T -> 'I_T -> F) : 'M[F]_(\sum_(v < V) d + T) :=
  block_mx 0 0 0 (\matrix_(t, t') U t t').
Definition output : 'M[F]_(\sum_(v < V) d + T) := block_mx 0 0 0 1%:M.
Definition mask (A : 'M[F]_n) : 'M[F]_(n + 1) := block_mx A 0 0 0.

Variables (U G : 'I_H -> 'I_T -> 'I_T -> F) (E : 'I_H -> 'I_V -> 'I_V -> 'M[F]_d).
Variable A : 'I_H -> 'M[F]_n.

Definition change x y (v : 'I_V -> 'rV[F]_d) (z : 'I_T -> F) (t : 'I_T) : F :=
  \sum_h \sum_t' U h t t' *
    (\sum_r \sum_s dot (gather (y t') (A h) (x r) *m E h r s) (v s)
     + \sum_r \sum_s gathers (y t') (A h) (y r) * G h r s * z s).

Lemma context_keys K p (B : 'M[F]_(K, n)) (u : 'M_(K, 1)) M
    (X : 'M_(p, n)) (w : 'cV_p) :
  row_mx B u *m mask M *m (row_mx X w)^T = B *m M *m X^T.
Proof.
by rewrite mul_row_block !mulmx0 !addr0 tr_row_mx mul_row_col mul0mx addr0.
Qed.

Lemma gathered y yq M (f : 'I_n -> 'rV_d) q t :
  row t (numbers y yq *m mask M *m (columns f q)^T) = gather (y t) M f.
Proof.
rewrite context_keys; apply/rowP => i; rewrite !mxE summxE.
under eq_bigr do rewrite !mxE mulr_suml.
rewrite exchange_big; apply: eq_bigr => j _ /=; rewrite summxE.
by apply: eq_bigr => k _; rewrite !mxE.
Qed.

Lemma gathereds y yq M t r :
  (numbers y yq *m mask M *m (numbers y yq)^T) t r = gathers (y t) M (y r).
Proof.
rewrite context_keys !mxE; under eq_bigr do rewrite !mxE mulr_suml.
rewrite exchange_big; apply: eq_bigr => j _ /=.
by apply: eq_bigr => k _; rewrite !mxE.
Qed.

Lemma attn_tokens x xq y yq h :
  attn (values (U h)) (mask (A h)) (key_query (E h) (G h))
    (prompt_mx x xq y yq)
  = col_mx 0 (\matrix_(t, t') U h t t' *m
      ((\sum_s (\sum_r numbers y yq *m mask (A h) *m (columns (x r) (xq r))^T
         *m E h r s) *m columns (x s) (xq s))
       + numbers y yq *m mask (A h) *m (numbers y yq)^T *m \matrix_(r, s) G h r s
         *m numbers y yq)).
Proof.
rewrite /attn /values /key_query /prompt_mx mul_block_col !mul0mx !add0r.
rewrite mul_col_mx mul0mx tr_col_mx mul_row_block !mulmx0 addr0 add0r.
rewrite mul_row_col mul_col_mx mul0mx; congr (col_mx _ _).
rewrite -!mulmxA; congr (_ *m _); rewrite !mulmxDr !mulmxA.
rewrite /vectors tr_mxcol; congr (_ + _).
by rewrite mul_mxrow mul_mxrow_mxblock mul_mxrow_mxcol.
Qed.

Lemma token_context f q i (j : 'I_n) : columns f q i (lshift 1 j) = f j 0 i.
Proof. by rewrite row_mxEl mxE. Qed.
Lemma token_query f q i : columns f q i (rshift n 0) = q 0 i.
Proof. by rewrite row_mxEr mxE. Qed.

Lemma sum_col0 p K N (S : 'I_H -> 'M[F]_(K, N)) :
  \sum_h col_mx (0 : 'M_(p, N)) (S h) = col_mx 0 (\sum_h S h).
Proof.
by elim/big_rec2: _ => [|h B C _ ->]; rewrite ?col_mx0 // add_col_mx addr0.
Qed.

Theorem layer_tokens x xq y yq :
  layer a (fun=> output) (fun h => values (U h))
    (fun h => key_query (E h) (G h)) (fun h => mask (A h))
    (prompt_mx x xq y yq)
  = prompt_mx x xq (fun t j => y t j + a * change x y (x^~ j) (y^~ j) t)
      (fun t => yq t + a * change x y xq yq t).
Proof.
rewrite layer_sumE.
under eq_bigr do rewrite attn_tokens mul_block_col !mul0mx !add0r mul1mx.
rewrite sum_col0 scale_col_mx scaler0 add_col_mx addr0; congr (col_mx _ _).
set S := \sum_h _.
have key t c (v : 'I_V -> 'rV[F]_d) z : (forall s i, columns (x s) (xq s) i c = v s 0 i) ->
    (forall s, numbers y yq s c = z s) ->
  S t c = change x y v z t.
  move=> vE zE; rewrite summxE; apply: eq_bigr => h _; rewrite mxE.
  apply: eq_bigr => t' _; rewrite [X in X * _]mxE [X in _ * X]mxE.
  congr (_ * (_ + _)).
    rewrite summxE exchange_big; apply: eq_bigr => s _ /=.
    rewrite mulmx_suml summxE; apply: eq_bigr => r _.
    rewrite /dot -(gathered _ yq _ _ (xq r)) -row_mul [LHS]mxE [RHS]mxE.
    apply: eq_bigr => i _; congr (_ * _); first by rewrite [RHS]mxE.
    by rewrite vE [RHS]mxE.
  rewrite mxE exchange_big; apply: eq_bigr => s _ /=.
  rewrite mxE mulr_suml; apply: eq_bigr => r _.
  by rewrite [X in _ * X * _]mxE gathereds zE.
have numE z zq t c : numbers z zq t c
    = match split c with inl j => z t j | inr _ => zq t end.
  by rewrite mxE; case: split => j; rewrite mxE.
apply/matrixP => t c; rewrite mxE [(a *: S) t c]mxE !numE.
case: (splitP c) => j cj; congr (_ + _ * _); apply: key => s *.
- by rewrite (_ : c = lshift 1 j) ?token_context //; apply: val_inj.
- rewrite numE (_ : c = lshift 1 j) ?(unsplitK (inl j)) //; exact: val_inj.
- rewrite (_ : c = rshift n 0) ?token_query //; apply: val_inj.
  by rewrite /= cj ord1.
- rewrite numE (_ : c = rshift n 0) ?(unsplitK (inr 0)) //; apply: val_inj.
  by rewrite /= cj ord1.
Qed.

End Tokens.

Lemma eq_prompt (F : comRingType) n d V T x xq (y y' : 'I_T -> 'I_n -> F) yq yq' :
    (forall t j, y t j = y' t j) -> (forall t, yq t = yq' t) ->
  @prompt_mx F n d V T x xq y yq = prompt_mx x xq y' yq'.
Proof.
move=> yE qE; congr (col_mx _ (row_mx _ _)).
  by apply/matrixP => t j; rewrite !mxE yE.
by apply/matrixP => t j; rewrite !mxE qE.
Qed.

Section Iterate.
Variables (F : comRingType) (m N H : nat) (a : F) (S : Type).
Variables (W P Q : nat -> 'I_H -> 'M[F]_m) (M : nat -> 'I_H -> 'M[F]_N).
Variables (prompt : S -> 'M[F]_(m, N)) (step : nat -> S -> S).

Fixpoint iterate L s := if L is l.+1 then step l (iterate l s) else s.

Lemma transformer_loop :
    (forall l s, layer a (W l) (P l) (Q l) (M l) (prompt s) = prompt (step l s)) ->
  forall L s, transformer a W P Q M L (prompt s) = prompt (iterate L s).
Proof. by move=> one; elim=> [//|L IH] s /=; rewrite IH one. Qed.

End Iterate.

(* matrices of d x d blocks whose product is zero *)
Lemma blocks_mul0 (F : comRingType) V d (A B : 'I_V -> 'I_V -> 'M[F]_d) :
    (forall i j, \sum_k A i k *m B k j = 0) ->
  \mxblock_(i, j) A i j *m \mxblock_(i, j) B i j = 0.
Proof. by move=> AB; rewrite mul_mxblock -mxblock0; apply/eq_mxblockP. Qed.

Lemma run_like (F : comRingType) m N H (a : F) S
    (W W' P P' Q Q' : nat -> 'I_H -> 'M[F]_m) (M M' : nat -> 'I_H -> 'M[F]_N)
    (prompt prompt' : S -> 'M[F]_(m, N)) (step step' : nat -> S -> S) :
    (forall l s, layer a (W l) (P l) (Q l) (M l) (prompt s) = prompt (step l s)) ->
    (forall l h, W' l h *m P' l h = W l h *m P l h) ->
    (forall l h, Q' l h = Q l h) -> (forall l h, M' l h = M l h) ->
    (forall s, prompt' s = prompt s) -> (forall l s, step' l s = step l s) ->
  forall L s, transformer a W' P' Q' M' L (prompt' s)
    = prompt' (iterate step' L s).
Proof.
move=> one eWP eQ eM eZ eS L s.
rewrite !eZ (eq_products a L (prompt s) eWP eQ eM) (transformer_loop one).
by congr prompt; elim: L => //= L ->; rewrite eS.
Qed.

Definition table (A : zmodType) (t : seq (seq A)) (i j : nat) : A :=
  (nth [::] t i)`_j.

(* the same on lists, where sums unfold by computation *)
Section Lists.
Variables (F : comRingType) (n d : nat) (a : F).

Fixpoint fold2 (A B : Type) (f : A -> B -> F) (s : seq A) (t : seq B) : F :=
  match s, t with u :: s', v :: t' => f u v + fold2 f s' t' | _, _ => 0 end.

Lemma sum_fold2 (A B : Type) (f : A -> B -> F) u0 v0 s t V :
    (forall v, f u0 v = 0) -> size t = V ->
  \sum_(r < V) f (nth u0 s r) (nth v0 t r) = fold2 f s t.
Proof.
move=> f0 <-; elim: t s => [|v t IH] [|u s] /=; rewrite ?big_ord0 //.
  by rewrite big1 // => i _; rewrite nth_nil f0.
by rewrite big_ord_recl /= -IH.
Qed.

Definition feature_row := (('I_n -> 'rV[F]_d) * 'rV[F]_d)%type.
Definition number_row := (('I_n -> F) * F)%type.
Variables (V T : nat).
Implicit Types (xs : seq feature_row) (ys : seq number_row).

Definition feature0 : feature_row := (fun=> 0, 0).
Definition number0 : number_row := (fun=> 0, 0).
Definition prompt_of xs ys : 'M[F]_(\sum_(v < V) d + T, n + 1) :=
  @prompt_mx F n d V T
    (fun v => (nth feature0 xs v).1) (fun v => (nth feature0 xs v).2)
    (fun t => (nth number0 ys t).1) (fun t => (nth number0 ys t).2).

Definition pair_features (E : seq (seq 'M[F]_d)) (g v : seq 'rV[F]_d) : F :=
  fold2 (fun r u => fold2 (fun e w => dot (u *m e) w) r v) E g.
Definition pair_numbers (G : seq (seq F)) (g z : seq F) : F :=
  fold2 (fun r u => fold2 (fun e w => u * e * w) r z) G g.

Definition head_change xs ys (v : seq 'rV[F]_d) (z : seq F) U E G A (t : nat) :=
  fold2 (fun u y => u *
    (pair_features E [seq gather y.1 A x.1 | x <- xs] v
     + pair_numbers G [seq gathers y.1 A x.1 | x <- ys] z)) (nth [::] U t) ys.

Fixpoint heads_change xs ys v z (Us : seq (seq (seq F))) Es Gs As t : F :=
  match Us, Es, Gs, As with
  | U :: Us', E :: Es', G :: Gs', A :: As' =>
      head_change xs ys v z U E G A t + heads_change xs ys v z Us' Es' Gs' As' t
  | _, _, _, _ => 0
  end.

Lemma gather0 y (M : 'M[F]_n) : gather y M (fun=> 0 : 'rV[F]_d) = 0.
Proof. by rewrite /gather big1 // => i _; rewrite big1 // => j _; rewrite scaler0. Qed.
Lemma gathers0 y (M : 'M[F]_n) : gathers y M (fun=> 0) = 0.
Proof. by rewrite /gathers big1 // => i _; rewrite big1 // => j _; rewrite mulr0. Qed.

Lemma pair_featuresE E g v : size g = V -> size v = V ->
  \sum_(r < V) \sum_(s < V) dot (g`_r *m table E r s) v`_s
  = pair_features E g v.
Proof.
move=> sg sv; rewrite /pair_features /table.
rewrite -(@sum_fold2 _ _ _ [::] 0 E g V) //.
apply: eq_bigr => r _.
by rewrite -(@sum_fold2 _ _ _ 0 0 _ v V) // => w; rewrite mulmx0 dot0l.
Qed.

Lemma pair_numbersE G g z : size g = T -> size z = T ->
  \sum_(r < T) \sum_(s < T) g`_r * table G r s * z`_s = pair_numbers G g z.
Proof.
move=> sg sz; rewrite /pair_numbers /table.
rewrite -(@sum_fold2 _ _ _ [::] 0 G g T) //.
apply: eq_bigr => r _.
by rewrite -(@sum_fold2 _ _ _ 0 0 _ z T) // => w; rewrite mulr0 mul0r.
Qed.

Variables (H : nat) (Us : seq (seq (seq F))) (Es : seq (seq (seq 'M[F]_d))).
Variables (Gs : seq (seq (seq F))) (As : seq 'M[F]_n).

Definition head_values (h : 'I_H) := values d V (fun t t' : 'I_T => table (nth [::] Us h) t t').
Definition head_keys (h : 'I_H) :=
  key_query (fun r s : 'I_V => table (nth [::] Es h) r s) (fun r s : 'I_T => table (nth [::] Gs h) r s).
Definition head_mask (h : 'I_H) := mask As`_h.
Definition head_output (h : 'I_H) := output F d V T.
Definition head_whole (h : 'I_H) : 'M[F]_(\sum_(v < V) d + T) := 1%:M.

(* such values write rows of numbers alone, so that W may as well be the identity *)
Lemma layer_whole Q M (Z : 'M_(_, n + 1)) :
  layer a head_whole head_values Q M Z = layer a head_output head_values Q M Z.
Proof.
rewrite !layer_sumE; congr (_ + _ *: _); apply: eq_bigr => h _.
have whole : output F d V T *m head_values h = head_values h.
  by rewrite mulmx_block !mul0mx !mulmx0 !add0r mul1mx.
by rewrite mul1mx /attn !mulmxA whole.
Qed.

Theorem layer_lists xs ys :
    size xs = V -> size ys = T ->
    size Us = H -> size Es = H -> size Gs = H -> size As = H ->
  layer a head_output head_values head_keys head_mask (prompt_of xs ys)
  = @prompt_mx F n d V T
    (fun v => (nth feature0 xs v).1) (fun v => (nth feature0 xs v).2)
    (fun t j => (nth number0 ys t).1 j + a * heads_change xs ys
       [seq x.1 j | x <- xs] [seq y.1 j | y <- ys] Us Es Gs As t)
    (fun t => (nth number0 ys t).2 + a * heads_change xs ys
       [seq x.2 | x <- xs] [seq y.2 | y <- ys] Us Es Gs As t).
Proof.
move=> sx sy sU sE sG sA.
rewrite [LHS]layer_tokens.
pose x (v : 'I_V) := (nth feature0 xs v).1.
pose y (t : 'I_T) := (nth number0 ys t).1.
have key (v : seq 'rV[F]_d) (z : seq F) (t : 'I_T) : size v = V -> size z = T ->
  change (fun h (t t' : 'I_T) => table (nth [::] Us h) t t')
    (fun h (t t' : 'I_T) => table (nth [::] Gs h) t t')
    (fun h (r s : 'I_V) => table (nth [::] Es h) r s) (fun h : 'I_H => As`_h)
    x y (fun s => v`_s) (fun s => z`_s) t
  = heads_change xs ys v z Us Es Gs As t.
  move=> sv sz; rewrite /change; move: sU sE sG sA.
  elim: H Us Es Gs As => [|k IH] [|U Us'] // [|E Es'] // [|G Gs'] // [|A As'] //.
    by rewrite big_ord0.
  move=> [sU] [sE] [sG] [sA]; rewrite big_ord_recl /= -(IH Us' Es' Gs' As') //.
  congr (_ + _); rewrite /head_change.
  rewrite -(@sum_fold2 _ _ _ 0 number0 _ ys T) //; last first.
    by move=> w; rewrite mul0r.
  apply: eq_bigr => t' _; congr (_ * (_ + _)).
    rewrite -pair_featuresE ?size_map //; apply: eq_bigr => r _.
    by apply: eq_bigr => s _; rewrite (nth_map feature0) ?sx.
  rewrite -pair_numbersE ?size_map //; apply: eq_bigr => r _.
  by apply: eq_bigr => s _; rewrite (nth_map number0) ?sy.
apply: eq_prompt => [t j|t]; congr (_ + _ * _).
  rewrite -key ?size_map //; apply: eq_bigr => h _; apply: eq_bigr => t' _.
  congr (_ * (_ + _)); apply: eq_bigr => r _; apply: eq_bigr => s _;
    by rewrite (nth_map feature0) ?sx // || rewrite (nth_map number0) ?sy.
rewrite -key ?size_map //; apply: eq_bigr => h _; apply: eq_bigr => t' _.
congr (_ * (_ + _)); apply: eq_bigr => r _; apply: eq_bigr => s _;
  by rewrite (nth_map feature0) ?sx // || rewrite (nth_map number0) ?sy.
Qed.

End Lists.

(* the same once more, with the zeros of the tables left out by computation *)
Section Sparse.
Variables (F : comRingType) (n d : nat) (a : F).

Definition dense (A : zmodType) (t : seq (seq (option A))) : seq (seq A) :=
  [seq [seq odflt 0 e | e <- r] | r <- t].

Lemma nth_dense (A : zmodType) (U : seq (seq (option A))) t :
  nth [::] (dense U) t = [seq odflt 0 e | e <- nth [::] U t].
Proof. by elim: U t => [|r U IH] [|t] //=. Qed.

Fixpoint total (s : seq F) : F :=
  if s is u :: s' then (if s' is [::] then u else u + total s') else 0.

Lemma total_cons u s : total (u :: s) = u + total s.
Proof. by case: s => //=; rewrite addr0. Qed.
Lemma total_cat s t : total (s ++ t) = total s + total t.
Proof.
by elim: s => [|u s IH]; rewrite ?add0r // cat_cons !total_cons IH addrA.
Qed.

Fixpoint cat2 (A B : Type) (f : A -> B -> seq F) (s : seq A) (t : seq B) :=
  match s, t with u :: s', v :: t' => f u v ++ cat2 f s' t' | _, _ => [::] end.

Lemma total_cat2 (A A' B : Type) (h : A' -> A) (f : A -> B -> F) g s t :
    (forall u v, f (h u) v = total (g u v)) ->
  fold2 f [seq h u | u <- s] t = total (cat2 g s t).
Proof.
by move=> fg; elim: s t => [|u s IH] [|v t] //=; rewrite total_cat fg IH.
Qed.

Definition feature_terms (E : seq (seq (option 'M[F]_d))) (g v : seq 'rV[F]_d) :=
  cat2 (fun r u =>
    cat2 (fun e w => if e is Some B then [:: dot (u *m B) w] else [::]) r v) E g.
Definition number_terms (G : seq (seq (option F))) (g z : seq F) :=
  cat2 (fun r u =>
    cat2 (fun e w => if e is Some c then [:: u * c * w] else [::]) r z) G g.

Variables (xs : seq (feature_row F n d)) (ys : seq (number_row F n)).

Definition head_terms (v : seq 'rV[F]_d) (z : seq F) U E G A (t : nat) : seq F :=
  cat2 (fun u y => if u is Some c then
      [:: c * total (feature_terms E [seq gather y.1 A x.1 | x <- xs] v
               ++ number_terms G [seq gathers y.1 A x.1 | x <- ys] z)]
    else [::]) (nth [::] U t) ys.

Fixpoint heads_terms v z (Us : seq (seq (seq (option F)))) Es Gs As t :=
  match Us, Es, Gs, As with
  | U :: Us', E :: Es', G :: Gs', A :: As' =>
      head_terms v z U E G A t ++ heads_terms v z Us' Es' Gs' As' t
  | _, _, _, _ => [::]
  end.

Lemma heads_termsE v z Us Es Gs As t :
  heads_change xs ys v z [seq dense U | U <- Us] [seq dense E | E <- Es]
    [seq dense G | G <- Gs] As t = total (heads_terms v z Us Es Gs As t).
Proof.
elim: Us Es Gs As => [|U Us IH] [|E Es] [|G Gs] [|A As] //=.
rewrite total_cat IH /head_change; congr (_ + _).
rewrite nth_dense.
apply: total_cat2 => -[c|] y /=; last by rewrite mul0r.
congr (_ * _); rewrite total_cat; congr (_ + _).
  apply: total_cat2 => r u; apply: total_cat2 => -[e|] w //=.
  by rewrite mulmx0 dot0l.
apply: total_cat2 => r u; apply: total_cat2 => -[e|] w //=.
by rewrite mulr0 mul0r.
Qed.

Theorem layer_sparse V T H Us Es Gs As :
    size xs = V -> size ys = T ->
    size Us = H -> size Es = H -> size Gs = H -> size As = H ->
  layer a (@head_output F d V T H)
    (@head_values F d V T H [seq dense U | U <- Us])
    (@head_keys F d V T H [seq dense E | E <- Es] [seq dense G | G <- Gs])
    (@head_mask F n H As) (@prompt_of F n d V T xs ys)
  = @prompt_mx F n d V T
    (fun v => (nth (feature0 F n d) xs v).1) (fun v => (nth (feature0 F n d) xs v).2)
    (fun t j => (nth (number0 F n) ys t).1 j + a * total (heads_terms
       [seq x.1 j | x <- xs] [seq y.1 j | y <- ys] Us Es Gs As t))
    (fun t => (nth (number0 F n) ys t).2 + a * total (heads_terms
       [seq x.2 | x <- xs] [seq y.2 | y <- ys] Us Es Gs As t)).
Proof.
move=> sx sy sU sE sG sA; rewrite layer_lists ?size_map //.
by apply: eq_prompt => [t j|t]; rewrite heads_termsE.
Qed.

(* the same for heads whose W is the identity *)
Theorem layer_sparse_whole V T H Us Es Gs As :
    size xs = V -> size ys = T ->
    size Us = H -> size Es = H -> size Gs = H -> size As = H ->
  layer a (@head_whole F d V T H)
    (@head_values F d V T H [seq dense U | U <- Us])
    (@head_keys F d V T H [seq dense E | E <- Es] [seq dense G | G <- Gs])
    (@head_mask F n H As) (@prompt_of F n d V T xs ys)
  = @prompt_mx F n d V T
    (fun v => (nth (feature0 F n d) xs v).1) (fun v => (nth (feature0 F n d) xs v).2)
    (fun t j => (nth (number0 F n) ys t).1 j + a * total (heads_terms
       [seq x.1 j | x <- xs] [seq y.1 j | y <- ys] Us Es Gs As t))
    (fun t => (nth (number0 F n) ys t).2 + a * total (heads_terms
       [seq x.2 | x <- xs] [seq y.2 | y <- ys] Us Es Gs As t)).
Proof. by move=> *; rewrite layer_whole; apply: layer_sparse. Qed.

End Sparse.

Section Read.
Variables (F : comRingType) (n d V T : nat).
Variables (xs : seq (feature_row F n d)) (ys : seq (number_row F n)).

Lemma read_context t j :
  @prompt_of F n d V T xs ys (rshift (\sum_(v < V) d) t) (lshift 1 j)
  = (nth (number0 F n) ys t).1 j.
Proof. by rewrite col_mxEd row_mxEl mxE. Qed.

Lemma read_query t :
  @prompt_of F n d V T xs ys (rshift (\sum_(v < V) d) t) (rshift n 0)
  = (nth (number0 F n) ys t).2.
Proof. by rewrite col_mxEd row_mxEr mxE. Qed.

Definition feature_rows :=
  @vectors F n d V (fun v => (nth (feature0 F n d) xs v).1)
    (fun v => (nth (feature0 F n d) xs v).2).

Lemma read_features : usubmx (@prompt_of F n d V T xs ys) = feature_rows.
Proof. by rewrite col_mxKu. Qed.

End Read.

(* tactics of the generated files *)
Section Linear.
Variables (F : comRingType) (m k p : nat).
Lemma mulZl (c : F) (A : 'M_(m, k)) (B : 'M_(k, p)) :
  (c *: A) *m B = c *: (A *m B).
Proof. by rewrite scalemxAl. Qed.
Lemma mulZr (c : F) (A : 'M_(m, k)) (B : 'M_(k, p)) :
  A *m (c *: B) = c *: (A *m B).
Proof. by rewrite scalemxAr. Qed.
End Linear.

(* products first, then dot's left, then its right: each rule is tried on a goal
   where the ones before it are done with *)
Ltac linear :=
  rewrite ?(mulmxDl, mulmxDr, mulNmx, mulmxN, mul_mx_scalar, mulZl, mulZr,
            mul0mx, mulmx0);
  rewrite ?(dotDl, dotNl, dotZl, dot0l); rewrite ?(dotDr, dotNr, dotZr, dot0r).
Ltac unfold_change := rewrite /head_terms /feature_terms /number_terms /=.
Ltac entries := rewrite ?(entD, entN, entZ, ent0).
Ltac name_gathers := repeat match goal with
  | |- context [@gather ?F ?n ?V ?a ?b ?c] =>
      let g := fresh "g" in set g := (@gather F n V a b c); clearbody g
  | |- context [@gathers ?F ?n ?a ?b ?c] =>
      let g := fresh "g" in set g := (@gathers F n a b c); clearbody g
  end.
Ltac name_traces := repeat match goal with
  | |- context [@tracev ?F ?n ?V ?c ?k ?f ?i] =>
      let g := fresh "e" in set g := (@tracev F n V c k f i); clearbody g
  | |- context [@traces ?F ?n ?c ?k ?f ?i] =>
      let g := fresh "e" in set g := (@traces F n c k f i); clearbody g
  | |- context [@ptracev ?F ?n ?V ?c ?k ?f ?i] =>
      let g := fresh "e" in set g := (@ptracev F n V c k f i); clearbody g
  | |- context [@ptraces ?F ?n ?c ?k ?f ?i] =>
      let g := fresh "e" in set g := (@ptraces F n c k f i); clearbody g
  end.
Ltac name_dots := repeat match goal with
  | |- context [@dot ?F ?d ?u ?v] =>
      let g := fresh "t" in set g := (@dot F d u v); clearbody g
  end.
Ltac name_entries := repeat match goal with
  | |- context [fun_of_matrix ?u ?i ?k] =>
      let g := fresh "x" in set g := (fun_of_matrix u i k); clearbody g
  end.
Ltac name_inverses := repeat match goal with
  | |- context [GRing.inv ?u] =>
      let g := fresh "i" in set g := (GRing.inv u); clearbody g
  end.
Lemma inv_nat (F : numFieldType) k : k.+1%:R^-1 * k.+1%:R = 1 :> F.
Proof. by rewrite mulVf // pnatr_eq0. Qed.

(* a file that divides by a parameter, or by n, redefines close_extra with the
   facts u^-1 * u = 1; `field` only under a timeout: on a false goal it may not
   end *)
Ltac name_lengths := repeat match goal with
  | |- context [GRing.inv (@GRing.natmul ?V ?u ?k)] => is_var k;
      let g := fresh "i" in set g := (GRing.inv (@GRing.natmul V u k)); clearbody g
  end.
Ltac close_field := timeout 30 (first
  [ solve [field; rewrite ?pnatr_eq0 -?lt0n; try done]
  | name_lengths; field; rewrite ?pnatr_eq0 -?lt0n; try done ]).
Ltac close_extra := fail.
Ltac close_ring := first [name_inverses; ring | close_extra].
Ltac split_inverses := rewrite ?invfM -?exprVn.
Ltac close_scalar := linear; name_dots; split_inverses; close_ring.
Ltac close_vector := apply/rowP => ?; entries; linear; entries; name_dots;
  name_entries; split_inverses; close_ring.
Ltac close_any := first [by [] | close_vector | close_scalar].

(* a mask of the theory's words against one written entry by entry *)
Ltac name_powers := repeat match goal with
  | |- context [predn (subn ?i ?j)] =>
      let e := fresh "e" in set e := (predn (subn i j)); clearbody e
  | |- context [@GRing.exp ?R ?c ?e] => is_var e;
      let g := fresh "p" in set g := (@GRing.exp R c e); clearbody g
  | |- context [@bigop ?R ?I ?x ?r ?f] =>
      let g := fresh "p" in set g := (@bigop R I x r f); clearbody g
  end.
Ltac close_entry := rewrite ?(addr0, add0r, mulr0, mulr1, mul1r, expr0, expr1n);
  repeat (case: ifP => _); rewrite ?(addr0, add0r, mulr0, mulr1, mul1r, expr0, expr1n);
  try done; name_powers; close_ring.
Ltac close_mask := rewrite /diagonal /below /above /pbelow /pabove !mxE -?val_eqE /=;
  match goal with |- context [nat_of_ord ?i == nat_of_ord ?j] =>
    let lt := fresh "lt" in
    rewrite ?below_pulse ?(addn0, subn0); case: (ltngtP j i) => [lt|lt|lt];
    [ rewrite ?(power_lag _ lt, far_above _ (ltnW lt), far_pulse _ (ltnW lt),
        near_pulse (ltnW lt))
    | rewrite ?(power_lag _ lt, far_above _ (ltnW lt), far_pulse _ (ltnW lt),
        near_pulse (ltnW lt))
    | rewrite ?(lt, ltnn, subnn, far_above _ (leqnn _), far_pulse _ (leqnn _),
        near_pulse (leqnn _)) ]; close_entry
  end.
