"""What is too large to be asked about, refused before any work, with the size at fault.

Measured on one core: a network of d = 32 in TD's form takes a second, n = 800 seven; dense weights of 33 rows, 1.2
million products of entries, 55 seconds and 0.8 GB.  Two minutes and 4 GiB for all that is let through is extrapolated.
"""

from __future__ import annotations

from ...symbolic.errors import WorkLimitError
from ...symbolic.recognition.network import Network

ROWS, CONTEXT, PRODUCTS = 512, 1000, 2 * 10**6
"""Rows of a prompt, transitions, and products of entries of W P and of Q in all layers together."""
DIGITS = 10**8
"""Binary digits of a prompt's exact rows after the last layer."""


def check_shape(name: str, shape: tuple[int, ...]) -> None:
    """Raise `WorkLimitError` for a matrix with too many rows, before it is turned into exact numbers."""
    most = CONTEXT + 1 if name.split(".")[-1][:1] == "M" else ROWS
    for size in shape[-2:]:
        if size > most:
            what = f"n = {size - 1} transitions, above the limit of {CONTEXT}" if most > ROWS else (
                f"m = {size} rows, above the limit of {ROWS}"
            )  # fmt: skip
            raise WorkLimitError(f"{name[:60]} has the shape {tuple(shape)}: {what}")


def check_network(network: Network) -> None:
    """Raise `WorkLimitError` where there is more than can be compared in two minutes."""
    layout, work = network.layout, 0
    check_shape("P", (layout.m, layout.m))
    for heads in network.layers:
        for h in heads:
            V = h.W @ h.P
            work += sum(x != 0 for x in V.num.entries()) * sum(x != 0 for x in h.Q.num.entries())
    if work > PRODUCTS:
        raise WorkLimitError(
            f"weights of m = {layout.m} rows (d = {layout.d}) have {work} products of nonzero entries of W P and Q in "
            f"{len(network.layers)} layers, above the limit of {PRODUCTS}"
        )


def check_function(network: Network) -> None:
    """Raise `WorkLimitError` where exact outputs of that depth have too many digits.

    A layer that writes feature rows multiplies three of them, so that digits triple with each.
    """
    layout, bits = network.layout, 0
    writes = False
    for heads in network.layers:
        for h in heads:
            V = h.W @ h.P
            bits = max(bits, _bits(V) + _bits(h.Q))
            writes = writes or any(x != 0 for row in V.num.tolist()[: layout.p] for x in row)
    size = layout.m * (layout.n + 1)
    digits = size * bits * (3 ** min(network.depth, 40) // 2 + 1 if writes else network.depth)
    if digits > DIGITS:
        raise WorkLimitError(
            f"layers is {network.depth}, after which exact rows have some 10^{len(str(digits)) - 1} binary digits, "
            f"above 10^{len(str(DIGITS)) - 1}: leave the function out (--weights-only), or give fewer layers"
        )


def _bits(matrix: object) -> int:
    numbers = matrix.num.entries()  # type: ignore[attr-defined]  # a RationalMatrix
    return max((int(abs(x)).bit_length() for x in numbers), default=0) + int(matrix.den).bit_length()  # type: ignore[attr-defined]
