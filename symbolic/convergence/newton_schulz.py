"""Newton and Schulz's iteration, which is not affine: layers with Y <- 2 Y - Y K Y on the rows that they write.

With E = I - Y K one layer squares E, and Y_l = (I + E + ... + E^(2^l - 1)) Y_0: layer l of it is step 2^l of the affine
iteration Y <- E_0 Y + Y_0.  It converges to (Y_0 K)^-1 Y_0 exactly when rho(E_0) < 1. Source: Schulz 1933.
"""

from __future__ import annotations

from flint import fmpq_mat

from .own import OwnLayers, is_zero
from .rationals import identity


def squaring(layers: OwnLayers) -> tuple[fmpq_mat, fmpq_mat] | None:
    """(K, E_0) when the layer is Y <- 2 Y - Y K Y; None when it is not of that form.

    K : (N, r), E_0 : (r, r), r the number of written rows
    """
    r, N = layers.Y.nrows(), layers.Y.ncols()
    linear, K = fmpq_mat(r, r), fmpq_mat(N, r)
    for PX, PY, M, XX, XY, YX, YY in layers.heads:
        if not all(map(is_zero, (XX, YX, YY))):
            return None
        keys = M * layers.X.transpose() * XY
        if not is_zero(PX):
            linear = linear + PX * layers.X * keys
        if not is_zero(PY):
            if any(PY[i, j] != (PY[0, 0] if i == j else 0) for i in range(r) for j in range(r)):
                return None
            K = K - keys * PY[0, 0]
    if linear != identity(r) or is_zero(K):
        return None
    return K, identity(r) - layers.Y * K
