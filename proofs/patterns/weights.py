"""The exact weights of an algorithm that attends by patterns, at the sizes and settings of a check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ...numeric.files.fields import MAX_ENTRIES
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.errors import ArgumentError, WorkLimitError
from ...symbolic.identity.exact import Mismatch
from ...symbolic.identity.witness import Witness
from ...symbolic.patterns.construction import PatternConstruction, pattern_construction
from ...symbolic.patterns.given import pattern_form
from ...symbolic.patterns.kernels import EXACT, random_pattern
from ...symbolic.patterns.layer import pattern_layer
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.patterns.run import column_name, prompt, row_names, setup, textbook
from ...symbolic.plain_text import amount, shown
from ..case import Settings, check_parameters, parameter_values
from .draws import drawn_prompts, drawn_steps
from .trials import other_pattern
from .work import check_pattern_work


def pattern_weights(algorithm: PatternAlgorithm, settings: Settings) -> PatternConstruction:
    """Derived, or the algorithm's own; raises what `pattern_form` raises."""
    form, s = pattern_form(algorithm), settings
    steps = drawn_steps(form, s)[: 1 if s.looped else s.layers]
    parameters = pattern_parameters(algorithm, s)
    return pattern_construction(form, s.features, s.context, s.layers, steps, parameters, s.looped)


def pattern_parameters(algorithm: PatternAlgorithm, settings: Settings) -> dict[str, Fraction]:
    """The value of each parameter; `ArgumentError` for one that the algorithm does not have, or has no value for."""
    check_parameters(settings.values, algorithm.parameters)
    return parameter_values(algorithm, settings)


def check_pattern_size(algorithm: PatternAlgorithm, settings: Settings) -> None:
    """Raise `WorkLimitError` when the weights are too large for a file, `ArgumentError` where a trace is asked for."""
    if settings.trace is not None:
        raise ArgumentError(f"trace is {shown(settings.trace)}, but {algorithm.name} keeps no trace: leave it out")
    m = sum(1 if row.scalar else settings.features for row in algorithm.rows)
    heads = 1 if algorithm.layer is None else len(algorithm.layer.heads)
    entries = (1 if settings.looped else settings.layers) * (2 * heads + 2) * m * m + (settings.context + 1) ** 2
    if entries > MAX_ENTRIES:
        raise WorkLimitError(
            f"the weights have about {amount(entries)} entries, above the limit of {MAX_ENTRIES} of a file"
        )


def applicable(algorithm: PatternAlgorithm, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Of some kinds of evidence those that say something of the algorithm's layer."""
    if algorithm.layer is None:
        return kinds
    if other_pattern(algorithm):
        return tuple(name for name in kinds if name == "identity-exact")
    return tuple(name for name in kinds if name != "derived")


def first_difference(
    c: PatternConstruction, algorithm: PatternAlgorithm, parameters: Mapping[str, Fraction], steps: Sequence[Any],
    count: int, seed: int,
) -> Witness | None:  # fmt: skip
    """Where given layers first differ from an algorithm's update, on prompts over Q with K of random rationals.

    parameters : of the update, 1/2 where one is missing; steps : C of each stored layer, or None
    Raises `WorkLimitError` for layers that are too many to be run.
    """
    s = Settings(features=c.d, context=c.n, layers=c.depth, seed=seed, looped=c.looped, exact_trials=count)
    check_pattern_work(algorithm, s, ("identity-exact",))
    values = {name: RATIONALS.number(parameters.get(name, Fraction(1, 2))) for name in algorithm.parameters}
    stored = [None if C is None else RATIONALS.matrix(C) for C in steps]
    K = random_pattern(c.n + 1, seed) if algorithm.kernels else None
    for _, context, start in drawn_prompts(algorithm, s, count):
        posed = setup(algorithm, RATIONALS, context, start, values, K)
        Z = prompt(posed, posed.start)
        for k, states in enumerate(textbook(posed, [stored[0 if c.looped else k] for k in range(c.depth)])):
            Z = pattern_layer(Z, c.layer(k), None if K is None else RATIONALS.matrix(K))
            wanted = prompt(posed, states).fractions()
            for name, row, other in zip(row_names(algorithm, c.d), Z.fractions(), wanted, strict=True):
                for t, (x, y) in enumerate(zip(row, other, strict=True)):
                    if x != y:
                        where = Mismatch(k + 1, name, t, column_name(algorithm, t, c.n), x, y)
                        return Witness(context, start, where)
    return None


def what_is_exact(construction: PatternConstruction) -> str:
    """What exact arithmetic says of the pattern of these weights, and what it does not."""
    kernel = construction.kernel
    if not kernel:
        return "linear scores: rational, so the whole layer is exact"
    if kernel in EXACT:
        return f"the {kernel} kernel is rational, so the whole layer is exact"
    return (
        f"no exponential is rational: the layer is exact given its pattern, and over Q matrices K of random rationals "
        f"and rational kernels stand for the {kernel}; nothing is claimed of the {kernel}'s own digits"
    )
