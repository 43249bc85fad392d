"""`lp.algorithms`, `lp.derive` and `lp.construct`: the weights of algorithms."""

from __future__ import annotations

from collections.abc import Sequence

from ...numeric.data.draws import preconditioners as draw
from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.construction import Construction, Steps
from ...symbolic.construction import construct as build
from ...symbolic.derivation.derive import Derivation
from ...symbolic.derivation.suggest import derive_or_advise
from ...symbolic.errors import ArgumentError
from ...symbolic.exact import whole_number
from ...symbolic.given import given_construction
from ...symbolic.kinds import FLAG, SEQUENCE
from ...symbolic.patterns.record import PatternAlgorithm
from ..case import Settings
from ..user_file import guarded, resolve_algorithm, resolve_update
from .arguments import Number, exact, step


def algorithms() -> tuple[str, ...]:
    """The names of the algorithms.

    >>> import layerproof as lp
    >>> "td0" in lp.algorithms()
    True
    """
    return tuple(catalogue())


def derive(algorithm: str | Algorithm, *, trace: str | None = None) -> Derivation:
    """Derive the weights of an algorithm from its textbook update; see `Derivation`.

    >>> import layerproof as lp
    >>> len(lp.derive("average-reward-td").heads)
    2
    """
    subject = resolve_algorithm(algorithm, "derive")
    with guarded([subject]):
        return derive_or_advise(subject, {"trace": trace} if trace is not None else {})


def construct(
    algorithm: str | Algorithm,
    *,
    d: int,
    n: int,
    layers: int,
    gamma: Number = Settings.gamma,
    lam: Number = Settings.lam,
    trace: str | None = None,
    looped: bool = False,
    preconditioners: Sequence[Steps] | None = None,
    seed: int = 0,
) -> Construction:
    """The exact weights at feature dimension d, context length n and depth `layers`: derived, or the algorithm's own
    where it gives heads.

    preconditioners : one tuple a layer (a single one when looped), a (d, d) list of rational rows for each C and a
                      rational for each scalar step; drawn from the seed when left out
    Raises `ArgumentError` for a size below 1 or one that the algorithm is not stated for, a wrong shape or a parameter
    outside [0, 1].

    >>> import layerproof as lp
    >>> lp.construct("td0", d=1, n=2, layers=1, preconditioners=[([["1/2"]],)]).layers[0][0].Q.fractions()[0][:2]
    [Fraction(-1, 2), Fraction(1, 2)]
    """
    for name, size in (("d", d), ("n", n), ("layers", layers)):
        whole_number(name, size, 1)
    FLAG.check(looped=looped)
    SEQUENCE.check_given(preconditioners=preconditioners)
    updated = resolve_update(algorithm, "construct")
    if isinstance(updated, PatternAlgorithm):
        raise ArgumentError(f"{updated.name} attends by a pattern: lp.construct_pattern makes its layers")
    subject = resolve_algorithm(updated, "construct")
    subject.check_sizes(d, n, layers)
    subject.check_looped(looped)
    derivation = derive(subject, trace=trace) if subject.heads is None else None
    values = {"gamma": exact(gamma, "gamma"), "lam": exact(lam, "lam")}
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ArgumentError(f"{name} is {value}, wanted a number from 0 to 1")
    count = 1 if looped else layers
    if preconditioners is not None and len(preconditioners) != count:
        wanted = "a single one when looped" if looped else "one a layer"
        raise ArgumentError(f"preconditioners has {len(preconditioners)} entries, wanted {count}: {wanted}")
    steps = [step(subject, s, d, k) for k, s in enumerate(preconditioners)] if preconditioners is not None else None
    steps = steps if steps is not None else draw(subject, d, count, seed)
    subject.check_tables(steps)
    if derivation is not None:
        return build(derivation, d, n, layers, steps, subject.values(values), looped)
    options = subject.choose({"trace": trace} if trace is not None else None)
    with guarded([subject]):
        return given_construction(subject, options, d, n, layers, steps, subject.values(values), looped)
