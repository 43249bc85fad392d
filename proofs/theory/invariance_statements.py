"""The theorems about invariance, each with its whole Rocq statement: the gradient, symmetry, the expected update."""

from __future__ import annotations

from .theorem import general

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
        (B12 B22 : 'I_H -> 'M[F]_d) (B13 : 'I_H -> 'M[F]_(d + d, 1))
        (B32 : 'I_H -> 'M[F]_(1, d)) (B33 : 'I_H -> 'M[F]_1) (P Q : 'I_H -> 'M[F]_(d + d + 1)),
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


INVARIANCE = (
    general(
        "derivative_line",
        "gradient",
        "the read-out along a line of weights is a polynomial, and the derivative in this theory is its coefficient 1",
        f"""{_RING} {_ENTRY} (theta E : {_FAMILY}) (Z : 'M[R]_(m, N)), exists p : {{poly R}},
        [/\\ forall t : R, s * transformer a (fun l h => theta l h gradient.OfW + t *: E l h gradient.OfW)
        (fun l h => theta l h gradient.OfP + t *: E l h gradient.OfP)
        (fun l h => theta l h gradient.OfQ + t *: E l h gradient.OfQ) M L Z r c = p.[t],
        p`_0 = s * {_RUN} M L Z r c & p`_1 = gradient.dtf a M L r c s theta E Z]""",
    ),
    general(
        "derivative_additive",
        "gradient",
        "the derivative of the read-out is additive in the direction, all layers, heads and matrices at once",
        f"""{_RING} {_ENTRY} (theta E E' : {_FAMILY}) (Z : 'M[R]_(m, N)),
        gradient.dtf a M L r c s theta (fun l h k => E l h k + E' l h k) Z =
        gradient.dtf a M L r c s theta E Z + gradient.dtf a M L r c s theta E' Z""",
    ),
    general(
        "derivative_scale",
        "gradient",
        "the derivative of the read-out is homogeneous in the direction",
        f"""{_RING} {_ENTRY} (theta : {_FAMILY}) (t : R) (E : {_FAMILY}) (Z : 'M[R]_(m, N)),
        gradient.dtf a M L r c s theta (fun l h k => t *: E l h k) Z = t * gradient.dtf a M L r c s theta E Z""",
    ),
    general(
        "gradient_spec",
        "gradient",
        "the derivative is the inner product of the direction with the gradient matrices of the L layers and H heads",
        f"""{_RING} {_ENTRY} (theta E : {_FAMILY}) (Z : 'M[R]_(m, N)),
        let product l h k := \\sum_i \\sum_j gradient.grad a M L r c s theta Z l h k i j * E l h k i j in
        gradient.dtf a M L r c s theta E Z =
        \\sum_(l < L) \\sum_h (product l h gradient.OfW + product l h gradient.OfP + product l h gradient.OfQ)""",
    ),
    general(
        "gradient_spec_looped",
        "gradient",
        "for weights that all layers share it is the inner product with the gradient matrices summed over the layers",
        f"""{_RING} {_ENTRY} (theta E : 'I_H -> gradient.role -> 'M[R]_m) (Z : 'M[R]_(m, N)),
        let product h k := \\sum_i \\sum_j
        (\\sum_(l < L) gradient.grad a M L r c s (fun=> theta) Z l h k) i j * E h k i j in
        gradient.dtf a M L r c s (fun=> theta) (fun=> E) Z =
        \\sum_h (product h gradient.OfW + product h gradient.OfP + product h gradient.OfQ)""",
    ),
    general(
        "transformer_equivariant",
        "equivariance",
        "a change of basis of the prompt's rows and of all weights is the same change of the output",
        """forall (R : comRingType) (m N H : nat) (a : R) (S T : 'M[R]_m) (W P Q : nat -> 'I_H -> 'M[R]_m)
        (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (Z : 'M[R]_(m, N)), T *m S = 1%:M ->
        transformer a (fun l h => S *m W l h *m T) (fun l h => S *m P l h *m T) (fun l h => T^T *m Q l h *m T) M L
        (S *m Z) = S *m transformer a W P Q M L Z""",
    ),
    general(
        "derivative_equivariant",
        "equivariance",
        "an orthogonal change of basis that fixes the row read moves weights, direction and prompt, and no derivative",
        f"""{_RING} {_ENTRY} {_ORTHOGONAL} forall (theta E : {_FAMILY}) (Z : 'M[R]_(m, N)),
        gradient.dtf a M L r c s (fun l h k => S *m theta l h k *m S^T) (fun l h k => S *m E l h k *m S^T) (S *m Z) =
        gradient.dtf a M L r c s theta E Z""",
    ),
    general(
        "gradient_equivariant",
        "equivariance",
        "it moves every gradient matrix as it moves the weights",
        f"""{_RING} {_ENTRY} {_ORTHOGONAL} forall (theta : {_FAMILY}) (Z : 'M[R]_(m, N)) l h k,
        gradient.grad a M L r c s (fun l h k => S *m theta l h k *m S^T) (S *m Z) l h k =
        S *m gradient.grad a M L r c s theta Z l h k *m S^T""",
    ),
    general(
        "signed_permutation_commutant",
        "commutant",
        "the matrices that commute with all signed permutation matrices are the multiples of the identity",
        """forall (F : numFieldType) (d : nat) (A : 'M[F]_d),
        (forall S : 'M[F]_d, commutant.signed_perm S -> S *m A = A *m S) <-> (exists x : F, A = x%:M)""",
    ),
    general(
        "commutant_patternP",
        "commutant",
        "those that commute with all diag(S, S, 1) are [[aI, bI, 0], [cI, eI, 0], [0, 0, D]]",
        """forall (F : numFieldType) (d K : nat) (A : 'M[F]_(d + d + K)),
        (forall S : 'M[F]_d, commutant.signed_perm S ->
        block_mx (block_mx S 0 0 S) 0 0 1%:M *m A = A *m block_mx (block_mx S 0 0 S) 0 0 1%:M) <->
        (exists a b c e (D : 'M[F]_K), A = block_mx (block_mx a%:M b%:M c%:M e%:M) 0 0 D)""",
    ),
    general(
        "orbit_law",
        "symmetric_law",
        "random signs and a random permutation of the features, independent of the rest, make any finite law symmetric",
        """forall (F : numFieldType) (d K N : nat) (T : Type) (Omega : finType) (p : Omega -> F) (y : Omega -> T)
        (Z Z' : Omega -> 'M[F]_(d + d + K, N)), symmetric_law.symmetric_law
        (fun w : symmetric_law.orbits d Omega => p w.2) (fun w : symmetric_law.orbits d Omega => y w.2)
        (symmetric_law.orbit Z) (symmetric_law.orbit Z')""",
    ),
    general(
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
    general(
        "commutant_invariant",
        "invariance",
        "an expected semi-gradient step under a symmetric law keeps the commutant, other weights at every layer",
        f"""{_LAW} {_SAMPLES} {_WEIGHTS} {_VALUE}
        forall l h k, pattern (theta l h k + alpha l h k *: \\sum_w {_ERROR} *: grad (Z w) l h k)""",
    ),
    general(
        "commutant_invariant_residual",
        "invariance",
        "an expected step along the full residual gradient of the outer error keeps the commutant too",
        f"""{_LAW} {_SAMPLES} {_WEIGHTS} {_VALUE} forall l h k, pattern
        (theta l h k + alpha l h k *: \\sum_w {_ERROR} *: (grad (Z w) l h k - gamma *: grad (Z' w) l h k))""",
    ),
    general(
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
    general(
        "commutant_invariant_looped",
        "invariance",
        "an expected semi-gradient step keeps the commutant also when all layers share their weights",
        f"""{_LAW} {_SAMPLES} {_SHARED} {_VALUE_SHARED}
        forall h k, pattern (theta h k + alpha h k *: \\sum_w {_ERROR} *: grad (Z w) h k)""",
    ),
    general(
        "commutant_invariant_residual_looped",
        "invariance",
        "and so does an expected residual-gradient step",
        f"""{_LAW} {_SAMPLES} {_SHARED} {_VALUE_SHARED} forall h k, pattern
        (theta h k + alpha h k *: \\sum_w {_ERROR} *: (grad (Z w) h k - gamma *: grad (Z' w) h k))""",
    ),
    general(
        "blocks_patternP",
        "vector_blocks",
        "with V vector blocks and K further rows the commutant is the blocks x_uv I and any K x K matrix",
        """forall (F : numFieldType) (V d K : nat) (A : 'M[F]_(\\sum_(v < V) d + K)),
        (forall S, (exists2 S0 : 'M[F]_d, commutant.signed_perm S0 & S = block_mx (\\mxdiag_(v < V) S0) 0 0 1%:M) ->
        S *m A = A *m S) <-> (exists (x : 'I_V -> 'I_V -> F) (D : 'M[F]_K),
        A = block_mx (\\mxblock_(u < V, v < V) ((x u v)%:M : 'M[F]_d)) 0 0 D)""",
    ),
    general(
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
    general(
        "one_layer_invariant",
        "one_layer",
        "one layer: an expected step moves Q's blocks cI, c'I and P's last entry only, whatever the frozen entries",
        _one(_SEMI),
    ),
    general(
        "one_layer_invariant_residual",
        "one_layer",
        "one layer: the same for an expected step along the full residual gradient",
        _one(_RESIDUAL),
    ),
)
"""Theorems about the expected outer update."""
