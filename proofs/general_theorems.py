"""The general theorems, each with its whole Rocq statement: about every algorithm, or about none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theorem:
    """One theorem.

    statement : its Rocq text; for an algorithm's theorem in terms of the definitions of its audit file
    algorithm : the algorithm that it is about, or None for a general theorem
    proof     : the theory's term that must have that type
    """

    name: str
    file: str
    sentence: str
    statement: str
    proof: str
    algorithm: str | None = None


_HEADS = "(W P Q : nat -> 'I_H -> 'M[F]_m) (M : nat -> 'I_H -> 'M[F]_N) (L : nat)"
_OUTPUT = "negative.read_out u v (transformer a W P Q M L (negative.at_t Z t))"

_RING = "forall (R : comRingType) (m N H : nat) (a : R) (M : nat -> 'I_H -> 'M[R]_N) (L : nat)"
_ENTRY = "(r : 'I_m) (c : 'I_N) (s : R)"
_FAMILY = "nat -> 'I_H -> gradient.role -> 'M[R]_m"
_HEAD_WEIGHTS = " ".join(f"(fun l h => theta l h gradient.Of{k})" for k in "WPQ")
_RUN = f"transformer a {_HEAD_WEIGHTS}"
_ORTHOGONAL = "(S : 'M[R]_m), S^T *m S = 1%:M -> row r S = delta_mx ord0 r ->"
_MOVED = "[/\\ p (g w) = p w, R' (g w) = R' w, Z (g w) = MOVE *m Z w & Z' (g w) = MOVE *m Z' w]"
_LAW = """forall (F : numFieldType) (d K N : nat) (Omega : finType) (H : nat) (a : F)
        (M : nat -> 'I_H -> 'M[F]_N) (L : nat) (i : 'I_K) (c : 'I_N)"""
_SPREAD = "block_mx (block_mx S 0 0 S) 0 0 1%:M"
_SYMMETRIC = f"""(forall S : 'M[F]_d, commutant.signed_perm S -> exists2 g : Omega -> Omega, bijective g &
        forall w, {_MOVED.replace("MOVE", _SPREAD)}) ->"""
_SAMPLES = f"""(s gamma : F) (p : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + K, N)) (R' : Omega -> F),
        {_SYMMETRIC}"""
_PATTERN = "let pattern A := exists a b c e (D : 'M[F]_K), A = block_mx (block_mx a%:M b%:M c%:M e%:M) 0 0 D in"
_WEIGHTS = f"""forall (alpha : nat -> 'I_H -> gradient.role -> F)
        (theta : nat -> 'I_H -> gradient.role -> 'M[F]_(d + d + K)), {_PATTERN}
        (forall l h k, pattern (theta l h k)) ->"""
_SHARED = f"""forall (alpha : 'I_H -> gradient.role -> F) (theta : 'I_H -> gradient.role -> 'M[F]_(d + d + K)),
        {_PATTERN} (forall h k, pattern (theta h k)) ->"""
_VALUE = f"""let f Z := s * {_RUN} M L Z (rshift (d + d) i) c in
        let grad := gradient.grad a M L (rshift (d + d) i) c s theta in"""
_VALUE_SHARED = f"""let f Z := s * {_RUN.replace("theta l h", "theta h")} M L Z (rshift (d + d) i) c in
        let grad Z h k := \\sum_(l < L) gradient.grad a M L (rshift (d + d) i) c s (fun=> theta) Z l h k in"""
_ERROR = "(p w * (R' w + gamma * f (Z' w) - f (Z w)))"
_ONE = f"""forall (F : numFieldType) (d n H : nat) (Omega : finType) (a : F)
        (M : nat -> 'I_H -> 'M[F]_(n + 1)) (s gamma : F) (T : 'I_H -> 'M[F]_(d + d, d + d + 1))
        (B12 B22 : 'I_H -> 'M[F]_d) (B13 : 'I_H -> 'M[F]_(d + d, 1)) (B32 : 'I_H -> 'M[F]_(1, d)) (B33 : 'I_H -> 'M[F]_1) (P Q : 'I_H -> 'M[F]_(d + d + 1)),
        let P_set h P := exists eta, P = col_mx (T h) (row_mx 0 eta%:M) in let Q_set h Q := exists b b',
        Q = block_mx (block_mx b%:M (B12 h) b'%:M (B22 h)) (B13 h) (row_mx 0 (B32 h)) (B33 h) in
        let query Z := exists q : 'cV[F]_d, col (rshift n 0) Z = col_mx (col_mx q 0) 0 in
        (forall h, P_set h (P h)) -> (forall h, Q_set h (Q h)) ->
        forall (p : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + 1, n + 1)), (forall w, query (Z w) /\\ query (Z' w)) ->
        forall (alpha : nat -> 'I_H -> gradient.role -> F) (R' : Omega -> F), {_SYMMETRIC} let f Z :=
        s * transformer a (fun _ _ => 1%:M) (fun _ => P) (fun _ => Q) M 1 Z (rshift (d + d) 0) (rshift n 0) in
        let grad Z := gradient.grad a M 1 (rshift (d + d) 0) (rshift n 0) s (one_layer.fixed_output P Q) Z 0%N in
        forall h, P_set h (P h + alpha 0%N h gradient.OfP *: \\sum_w {_ERROR} *: UPDATE_P) /\\
        Q_set h (Q h + alpha 0%N h gradient.OfQ *: \\sum_w {_ERROR} *: UPDATE_Q)"""
_SEMI = "grad (Z w) h gradient.Of{0}"
_RESIDUAL = "(grad (Z w) h gradient.Of{0} - gamma *: grad (Z' w) h gradient.Of{0})"


def _one(update: str) -> str:
    return _ONE.replace("UPDATE_P", update.format("P")).replace("UPDATE_Q", update.format("Q"))


def _general(name: str, file: str, sentence: str, statement: str) -> Theorem:
    return Theorem(name, file, sentence, " ".join(statement.split()), f"{file}.{name}")


GENERAL = (
    _general(
        "layer_sumE",
        "attention",
        "a layer with its heads concatenated is Z + a sum_h W_h P_h Z M_h (Z^T Q_h Z)",
        """forall (R : comRingType) (m N H : nat) (a : R) (W P Q : 'I_H -> 'M[R]_m) (M : 'I_H -> 'M[R]_N)
        (Z : 'M[R]_(m, N)),
        layer a W P Q M Z = Z + a *: \\sum_h W h *m (P h *m Z *m M h *m (Z^T *m Q h *m Z))""",
    ),
    _general(
        "master_state",
        "master",
        "any update w += a sum_h G_h Y M_h (B_h X)^T C_h^T of S weight vectors is exact at every layer, any masks",
        """forall (R : comRingType) (p K N d S H T : nat) (a : R) (F : 'I_T -> 'M[R]_(K, S)) (D : 'I_T -> 'M[R]_(d, p))
        (G : nat -> 'I_H -> 'M[R]_(S, K)) (B : nat -> 'I_H -> 'M[R]_(d, p)) (C : nat -> 'I_H -> 'M[R]_d)
        (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (b : 'M[R]_(K, N)) (L : nat) (w : 'M[R]_(S, d)),
        transformer a (@master.W R p K H T) (master.P p F G) (master.Q K D B C) (@master.Mask R N H T M) L
        (col_mx X (master.rows F D X b w)) = col_mx X (master.rows F D X b (master.iterate a F D G B C M X b L w))""",
    ),
    _general(
        "one_layer_unique_all",
        "unique",
        "one layer that is right for every prompt has the derived weights, up to one scale, when E has rank at least 2",
        """forall (F : numFieldType) (p n : nat) (a : F), a != 0 -> forall (E : 'M[F]_p) (q : 'cV[F]_(p + 1)),
        (1 < \\rank E)%N -> forall P Q : 'M[F]_(p + 1),
        unique.right_row n a E q P Q /\\ unique.right_features n a q P Q <->
        (exists2 eta : F, eta != 0 & P = block_mx 0 0 0 eta%:M /\\ Q = eta^-1 *: block_mx E 0 0 0)""",
    ),
    _general(
        "const_head",
        "constant_row",
        "a constant feature row turns a head into a token-wise linear map of the accumulator rows",
        """forall (R : comRingType) (p K : nat) (c : 'rV[R]_p) (N : nat) (u : 'cV[R]_K) (v : 'rV[R]_K) (M : 'M[R]_N)
        (X : 'M[R]_(p, N)) (Y : 'M[R]_(K, N)),
        attn (constant_row.const_P c u) M (constant_row.const_Q c v) (col_mx X Y) =
        col_mx 0 ((c *m X *m M *m (c *m X)^T) 0 0 *: (u *m v *m Y))""",
    ),
    _general(
        "tf_odd",
        "negative",
        "the transformer is odd in its prompt, whatever its weights",
        """forall (R : comRingType) (m N H : nat) (a : R) (W P Q : nat -> 'I_H -> 'M[R]_m)
        (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (Z : 'M[R]_(m, N)),
        transformer a W P Q M L (- Z) = - transformer a W P Q M L Z""",
    ),
    _general(
        "tf_line",
        "negative",
        "every entry of the output is a polynomial along every line of prompts",
        """forall (R : comRingType) (m N H : nat) (a : R) (W P Q : nat -> 'I_H -> 'M[R]_m)
        (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (Z0 Z1 : 'M[R]_(m, N)) (i : 'I_m) (j : 'I_N),
        exists p : {poly R}, forall t : R, transformer a W P Q M L (Z0 + t *: Z1) i j = p.[t]""",
    ),
    _general(
        "no_max",
        "negative",
        "no read-out of any depth and any heads is a maximum of an entry of the prompt with zero",
        f"""forall (F : realFieldType) (m N H : nat) (a : F) {_HEADS} (Z : 'M[{{poly F}}]_(m, N)) (u : 'rV[F]_m)
        (v : 'cV[F]_N), ~ (forall t : F, {_OUTPUT} = Num.max t 0)""",
    ),
    _general(
        "no_q_learning",
        "negative",
        "no weights, heads or masks run Q-learning for two or more iterations on a one-transition prompt",
        f"""forall (F : realFieldType) (m N H : nat) (a : F) {_HEADS} (Z : 'M[{{poly F}}]_(m, N)) (u : 'rV[F]_m)
        (v : 'cV[F]_N) (l : nat), (1 < l)%N -> ~ (forall t : F, {_OUTPUT} = negative.q_value t l)""",
    ),
    _general(
        "sum_error",
        "sum_error",
        "any tree of n rounded additions errs by at most ((1+u)^n - 1) sum |x|",
        """forall (R : realFieldType) (u : R) (t : sum_error.tree R) (n : nat), 0 <= u -> sum_error.ok u 0 t ->
        all (@sum_error.is_leaf R) (sum_error.terms t) -> size (sum_error.terms t) = n ->
        `|sum_error.computed t - sum_error.exact t| <=
        ((1 + u) ^+ n - 1) * (\\sum_(s <- sum_error.terms t) `|sum_error.exact s|)""",
    ),
    _general(
        "float_error",
        "sum_error",
        "any tree of rounded sums and products is within the bound that `float` evidence uses, underflow included",
        """forall (R : realFieldType) (u eta : R), 0 <= u -> 0 <= eta -> forall t : sum_error.tree R,
        sum_error.ok u eta t -> `|sum_error.computed t - sum_error.exact t| <=
        sum_error.growth u (sum_error.roundings t) * sum_error.magnitude t +
        (1 + u) ^+ sum_error.roundings t * sum_error.growth eta (sum_error.losses t) * sum_error.magnitude1 t""",
    ),
    _general(
        "error_propagation",
        "error_propagation",
        "one-step errors of a run are carried to the end by the later layers' linear maps, and add up",
        """forall (V : zmodType) (A : nat -> {additive V -> V}) (b y yh d : nat -> V), yh 0%N = y 0%N ->
        (forall l, y l.+1 = A l (y l) + b l) -> (forall l, yh l.+1 = A l (yh l) + b l + d l) ->
        forall L, yh L - y L = \\sum_(l < L) error_propagation.carry A l.+1 (L - l.+1) (d l)""",
    ),
    _general(
        "attention_error",
        "error_propagation",
        "in the layers of a transformer too: several accumulator rows, heads and masks, other weights at every layer",
        """forall (p K N H : nat) (R : comRingType) (a : R) (V S0 : nat -> 'I_H -> 'M[R]_K) (E : nat -> 'I_H -> 'M[R]_p)
        (M : nat -> 'I_H -> 'M[R]_N) (X : 'M[R]_(p, N)) (Zh : nat -> 'M[R]_(p + K, N)) (L : nat),
        (forall l : nat, (l <= L)%N -> usubmx (Zh l) = X) ->
        dsubmx (Zh L) - dsubmx (transformer a (error_propagation.on_rows p V) (error_propagation.on_rows p S0)
        (error_propagation.on_features K E) M L (Zh 0%N)) =
        \\sum_(l < L) error_propagation.carry (error_propagation.row_layer_additive a V S0 E M X) l.+1 (L - l.+1)
        (dsubmx (Zh l.+1 - layer a (error_propagation.on_rows p V l) (error_propagation.on_rows p S0 l)
        (error_propagation.on_features K E l) (M l) (Zh l)))""",
    ),
    _general(
        "derivative_line",
        "gradient",
        "the read-out along a line of weights is a polynomial, and the derivative in this theory is its coefficient 1",
        f"""{_RING} {_ENTRY} (theta E : {_FAMILY}) (Z : 'M[R]_(m, N)), exists p : {{poly R}},
        [/\\ forall t : R, s * transformer a (fun l h => theta l h gradient.OfW + t *: E l h gradient.OfW)
        (fun l h => theta l h gradient.OfP + t *: E l h gradient.OfP)
        (fun l h => theta l h gradient.OfQ + t *: E l h gradient.OfQ) M L Z r c = p.[t],
        p`_0 = s * {_RUN} M L Z r c & p`_1 = gradient.dtf a M L r c s theta E Z]""",
    ),
    _general(
        "derivative_additive",
        "gradient",
        "the derivative of the read-out is additive in the direction, all layers, heads and matrices at once",
        f"""{_RING} {_ENTRY} (theta E E' : {_FAMILY}) (Z : 'M[R]_(m, N)),
        gradient.dtf a M L r c s theta (fun l h k => E l h k + E' l h k) Z =
        gradient.dtf a M L r c s theta E Z + gradient.dtf a M L r c s theta E' Z""",
    ),
    _general(
        "derivative_scale",
        "gradient",
        "the derivative of the read-out is homogeneous in the direction",
        f"""{_RING} {_ENTRY} (theta : {_FAMILY}) (t : R) (E : {_FAMILY}) (Z : 'M[R]_(m, N)),
        gradient.dtf a M L r c s theta (fun l h k => t *: E l h k) Z = t * gradient.dtf a M L r c s theta E Z""",
    ),
    _general(
        "gradient_spec",
        "gradient",
        "the derivative is the inner product of the direction with the gradient matrices of the L layers and H heads",
        f"""{_RING} {_ENTRY} (theta E : {_FAMILY}) (Z : 'M[R]_(m, N)),
        let product l h k := \\sum_i \\sum_j gradient.grad a M L r c s theta Z l h k i j * E l h k i j in
        gradient.dtf a M L r c s theta E Z =
        \\sum_(l < L) \\sum_h (product l h gradient.OfW + product l h gradient.OfP + product l h gradient.OfQ)""",
    ),
    _general(
        "gradient_spec_looped",
        "gradient",
        "for weights that all layers share it is the inner product with the gradient matrices summed over the layers",
        f"""{_RING} {_ENTRY} (theta E : 'I_H -> gradient.role -> 'M[R]_m) (Z : 'M[R]_(m, N)),
        let product h k := \\sum_i \\sum_j
        (\\sum_(l < L) gradient.grad a M L r c s (fun=> theta) Z l h k) i j * E h k i j in
        gradient.dtf a M L r c s (fun=> theta) (fun=> E) Z =
        \\sum_h (product h gradient.OfW + product h gradient.OfP + product h gradient.OfQ)""",
    ),
    _general(
        "transformer_equivariant",
        "equivariance",
        "a change of basis of the prompt's rows and of all weights is the same change of the output",
        """forall (R : comRingType) (m N H : nat) (a : R) (S T : 'M[R]_m) (W P Q : nat -> 'I_H -> 'M[R]_m)
        (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (Z : 'M[R]_(m, N)), T *m S = 1%:M ->
        transformer a (fun l h => S *m W l h *m T) (fun l h => S *m P l h *m T) (fun l h => T^T *m Q l h *m T) M L
        (S *m Z) = S *m transformer a W P Q M L Z""",
    ),
    _general(
        "derivative_equivariant",
        "equivariance",
        "an orthogonal change of basis that fixes the row read moves weights, direction and prompt, and no derivative",
        f"""{_RING} {_ENTRY} {_ORTHOGONAL} forall (theta E : {_FAMILY}) (Z : 'M[R]_(m, N)),
        gradient.dtf a M L r c s (fun l h k => S *m theta l h k *m S^T) (fun l h k => S *m E l h k *m S^T) (S *m Z) =
        gradient.dtf a M L r c s theta E Z""",
    ),
    _general(
        "gradient_equivariant",
        "equivariance",
        "it moves every gradient matrix as it moves the weights",
        f"""{_RING} {_ENTRY} {_ORTHOGONAL} forall (theta : {_FAMILY}) (Z : 'M[R]_(m, N)) l h k,
        gradient.grad a M L r c s (fun l h k => S *m theta l h k *m S^T) (S *m Z) l h k =
        S *m gradient.grad a M L r c s theta Z l h k *m S^T""",
    ),
    _general(
        "signed_permutation_commutant",
        "commutant",
        "the matrices that commute with all signed permutation matrices are the multiples of the identity",
        """forall (F : numFieldType) (d : nat) (A : 'M[F]_d),
        (forall S : 'M[F]_d, commutant.signed_perm S -> S *m A = A *m S) <-> (exists x : F, A = x%:M)""",
    ),
    _general(
        "commutant_patternP",
        "commutant",
        "those that commute with all diag(S, S, 1) are [[aI, bI, 0], [cI, eI, 0], [0, 0, D]]",
        """forall (F : numFieldType) (d K : nat) (A : 'M[F]_(d + d + K)),
        (forall S : 'M[F]_d, commutant.signed_perm S ->
        block_mx (block_mx S 0 0 S) 0 0 1%:M *m A = A *m block_mx (block_mx S 0 0 S) 0 0 1%:M) <->
        (exists a b c e (D : 'M[F]_K), A = block_mx (block_mx a%:M b%:M c%:M e%:M) 0 0 D)""",
    ),
    _general(
        "orbit_law",
        "symmetric_law",
        "random signs and a random permutation of the features, independent of the rest, make any finite law symmetric",
        """forall (F : numFieldType) (d K N : nat) (T : Type) (Omega : finType) (p : Omega -> F) (y : Omega -> T)
        (Z Z' : Omega -> 'M[F]_(d + d + K, N)), symmetric_law.symmetric_law
        (fun w : symmetric_law.orbits d Omega => p w.2) (fun w : symmetric_law.orbits d Omega => y w.2)
        (symmetric_law.orbit Z) (symmetric_law.orbit Z')""",
    ),
    _general(
        "symmetry_invariant",
        "expected_update",
        "weights that commute with a symmetry of the law do so after an expected semi-gradient step",
        f"""forall (R : comRingType) (m N : nat) (Omega : finType) (H : nat) (a : R)
        (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (r : 'I_m) (c : 'I_N) (s gamma : R) (G : 'M[R]_m -> Prop),
        (forall S, G S -> S^T *m S = 1%:M /\\ row r S = delta_mx ord0 r) ->
        forall (p R' : Omega -> R) (Z Z' : Omega -> 'M[R]_(m, N)),
        (forall S, G S -> exists2 g : Omega -> Omega, bijective g & forall w, {_MOVED.replace("MOVE", "S")}) ->
        forall (alpha : nat -> 'I_H -> gradient.role -> R) (theta : {_FAMILY}),
        (forall l h k S, G S -> S *m theta l h k = theta l h k *m S) ->
        let f Z := s * {_RUN} M L Z r c in let u l h k := theta l h k +
        alpha l h k *: \\sum_w {_ERROR} *: gradient.grad a M L r c s theta (Z w) l h k in
        forall l h k S, G S -> S *m u l h k = u l h k *m S""",
    ),
    _general(
        "commutant_invariant",
        "invariance",
        "an expected semi-gradient step under a symmetric law keeps the commutant, other weights at every layer",
        f"""{_LAW} {_SAMPLES} {_WEIGHTS} {_VALUE}
        forall l h k, pattern (theta l h k + alpha l h k *: \\sum_w {_ERROR} *: grad (Z w) l h k)""",
    ),
    _general(
        "commutant_invariant_residual",
        "invariance",
        "an expected step along the full residual gradient of the outer error keeps the commutant too",
        f"""{_LAW} {_SAMPLES} {_WEIGHTS} {_VALUE} forall l h k, pattern
        (theta l h k + alpha l h k *: \\sum_w {_ERROR} *: (grad (Z w) l h k - gamma *: grad (Z' w) l h k))""",
    ),
    _general(
        "commutant_invariant_any",
        "invariance",
        "so does a step with any scalars that the symmetry leaves alone in place of the outer error",
        f"""{_LAW} (s : F) (p : Omega -> F) (Z Z' : Omega -> 'M[F]_(d + d + K, N))
        (alpha : nat -> 'I_H -> gradient.role -> F) (x x' : Omega -> F)
        (theta : nat -> 'I_H -> gradient.role -> 'M[F]_(d + d + K)), {_PATTERN}
        symmetric_law.symmetric_law p (fun w => (x w, x' w)) Z Z' -> (forall l h k, pattern (theta l h k)) ->
        let grad := gradient.grad a M L (rshift (d + d) i) c s theta in forall l h k, pattern
        (theta l h k + alpha l h k *: \\sum_w p w *: (x w *: grad (Z w) l h k + x' w *: grad (Z' w) l h k))""",
    ),
    _general(
        "commutant_invariant_looped",
        "invariance",
        "an expected semi-gradient step keeps the commutant also when all layers share their weights",
        f"""{_LAW} {_SAMPLES} {_SHARED} {_VALUE_SHARED}
        forall h k, pattern (theta h k + alpha h k *: \\sum_w {_ERROR} *: grad (Z w) h k)""",
    ),
    _general(
        "commutant_invariant_residual_looped",
        "invariance",
        "and so does an expected residual-gradient step",
        f"""{_LAW} {_SAMPLES} {_SHARED} {_VALUE_SHARED} forall h k, pattern
        (theta h k + alpha h k *: \\sum_w {_ERROR} *: (grad (Z w) h k - gamma *: grad (Z' w) h k))""",
    ),
    _general(
        "blocks_patternP",
        "vector_blocks",
        "with V vector blocks and K further rows the commutant has V^2 + K^2 dimensions: x_uv I, and any K x K matrix",
        """forall (F : numFieldType) (V d K : nat) (A : 'M[F]_(\\sum_(v < V) d + K)),
        (forall S, (exists2 S0 : 'M[F]_d, commutant.signed_perm S0 & S = block_mx (\\mxdiag_(v < V) S0) 0 0 1%:M) ->
        S *m A = A *m S) <-> (exists (x : 'I_V -> 'I_V -> F) (D : 'M[F]_K),
        A = block_mx (\\mxblock_(u < V, v < V) ((x u v)%:M : 'M[F]_d)) 0 0 D)""",
    ),
    _general(
        "blocks_invariant",
        "vector_blocks",
        "an expected semi-gradient step under a symmetric law keeps that commutant",
        f"""forall (F : numFieldType) (V d K : nat) (N : nat) (Omega : finType) (H : nat) (a : F)
        (M : nat -> 'I_H -> 'M[F]_N) (L : nat) (i : 'I_K) (c : 'I_N) (s gamma : F) (p R' : Omega -> F)
        (Z Z' : Omega -> 'M[F]_(\\sum_(v < V) d + K, N)),
        expected_update.symmetric_under (@vector_blocks.blocks_signed F V d K) p R' Z Z' ->
        forall (alpha : nat -> 'I_H -> gradient.role -> F)
        (theta : nat -> 'I_H -> gradient.role -> 'M[F]_(\\sum_(v < V) d + K)),
        (forall l h k, vector_blocks.blocks_pattern (theta l h k)) -> let r := rshift (\\sum_(v < V) d) i in
        let f Z := s * {_RUN} M L Z r c in forall l h k, vector_blocks.blocks_pattern
        (theta l h k + alpha l h k *: \\sum_w {_ERROR} *: gradient.grad a M L r c s theta (Z w) l h k)""",
    ),
    _general(
        "one_layer_invariant",
        "one_layer",
        "one layer: an expected step moves Q's blocks cI, c'I and P's last entry only, whatever the frozen entries",
        _one(_SEMI),
    ),
    _general(
        "one_layer_invariant_residual",
        "one_layer",
        "one layer: the same for an expected step along the full residual gradient",
        _one(_RESIDUAL),
    ),
)
"""Theorems about no one algorithm."""
