"""Whether weights that are given, and not derived, run the update on this prompt: else nothing is said about layers."""

from __future__ import annotations

from ...numeric.data.draws import starting_weights, zero_weights
from ...symbolic.algorithm import Algorithm
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.given import given_construction
from ...symbolic.identity.exact import check_construction, problem
from .setup import Setup

LAYERS = 2


def difference(setup: Setup) -> str:
    """Where the given heads leave the update on this prompt, in words; empty when they do not, or are derived.

    Two periods of layers from w = 0 and from other weights, compared with == in every row and column.
    """
    algorithm = setup.subject
    if not isinstance(algorithm, Algorithm) or algorithm.heads is None:
        return ""
    context, looped = setup.context, len(setup.period) == 1 and not setup.changing
    depth = LAYERS * len(setup.period)
    each = [setup.layer(number) for number in range(1, depth + 1)]
    built = given_construction(
        algorithm, setup.options, context.d, context.n, depth, each[:1] if looped else each, setup.values, looped
    )
    for start in (zero_weights(algorithm, context.d), starting_weights(algorithm, context.d, 0)):
        posed = problem(algorithm, RATIONALS, context, start, setup.values, setup.options)
        for mismatch in check_construction(built, posed, each):
            if mismatch is not None:
                return (
                    f"the heads that are given do not run the update on this prompt: layer {mismatch.layer}, row "
                    f"{mismatch.row}, {mismatch.column_name} (layerproof verify shows a small counterexample)"
                )
    return ""
