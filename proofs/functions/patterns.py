"""`lp.construct_pattern`: the exact layers of an algorithm that attends by patterns, from plain arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...symbolic.errors import ArgumentError
from ...symbolic.kinds import NAMED, SEQUENCE
from ...symbolic.patterns.construction import PatternConstruction, pattern_construction
from ...symbolic.patterns.given import pattern_form
from ...symbolic.patterns.record import PatternAlgorithm
from ..case import Settings
from ..patterns.weights import check_pattern_size, pattern_parameters, pattern_weights
from ..user_file import guarded, resolve_any
from .arguments import Number, exact, matrix


def construct_pattern(
    algorithm: str | PatternAlgorithm,
    *,
    d: int,
    n: int,
    layers: int,
    gamma: Number = Settings.gamma,
    values: Mapping[str, Number] | None = None,
    looped: bool = False,
    preconditioners: Sequence[Any] | None = None,
    seed: int = 0,
) -> PatternConstruction:
    """The exact layers at feature dimension d, context length n and depth `layers`: derived, or the algorithm's own.

    values          : of parameters other than gamma, by name
    preconditioners : C : (d, d) rows of rationals, one a layer (a single one when looped); drawn from the seed when
                      left out
    Raises `ArgumentError` for an algorithm of linear attention (`construct` is for those) and for wrong arguments;
    `NotRepresentableError` where there are no such layers.

    >>> import layerproof as lp
    >>> lp.construct_pattern("softmax-td", d=2, n=3, layers=2).written
    ('target', 'current')
    """
    subject = resolve_any(algorithm)
    if not isinstance(subject, PatternAlgorithm):
        raise ArgumentError(f"{subject.name} is linear attention: lp.construct makes its weights")
    NAMED.check_given(values=values)
    SEQUENCE.check_given(preconditioners=preconditioners)
    given = {name: exact(value, f"{name} of values") for name, value in (values or {}).items()}
    settings = Settings(
        features=d, context=n, layers=layers, gamma=exact(gamma, "gamma"), values=given, looped=looped, seed=seed
    )
    check_pattern_size(subject, settings)
    with guarded([subject]):
        if preconditioners is None:
            return pattern_weights(subject, settings)
        form, parameters = pattern_form(subject), pattern_parameters(subject, settings)
        steps = _steps(subject, preconditioners, d, 1 if looped else layers)
        return pattern_construction(form, d, n, layers, steps, parameters, looped)


def _steps(algorithm: PatternAlgorithm, given: Sequence[Any], d: int, count: int) -> list[Any]:
    if not algorithm.preconditioned:
        raise ArgumentError(f"preconditioners is given, but {algorithm.name} has no C: leave it out")
    if len(given) != count:
        raise ArgumentError(f"preconditioners has {len(given)} entries, wanted {count}, one C a stored layer")
    return [matrix(C, d, f"preconditioners[{k}]") for k, C in enumerate(given)]
