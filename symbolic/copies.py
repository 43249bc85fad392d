"""`copy` and `pickle` of FLINT's matrices and polynomials, which FLINT leaves out; answers hold them."""

from __future__ import annotations

import copyreg
from typing import Any

from flint import fmpq_mat, fmpq_poly, fmpz_mat, fmpz_poly


def copied_by_parts() -> None:
    """Tell `copy` and `pickle` of them; once more changes nothing."""
    for kind in (fmpq_mat, fmpz_mat):
        copyreg.pickle(kind, _matrix)
    for kind in (fmpq_poly, fmpz_poly):
        copyreg.pickle(kind, _polynomial)


def _matrix(x: Any) -> tuple[Any, tuple[Any, ...]]:
    return type(x), (x.nrows(), x.ncols(), x.entries())


def _polynomial(x: Any) -> tuple[Any, tuple[Any, ...]]:
    return type(x), (x.coeffs(),)
