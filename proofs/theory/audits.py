"""The theorems about an algorithm, the catalogue's or a user's: generated from its update and its heads."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from ...symbolic.algorithm import Algorithm
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.construction import construct
from ...symbolic.derivation.derive import Derivation, derive
from ...symbolic.errors import LayerproofError, NotRepresentableError
from ...symbolic.exact import exact_number
from ...symbolic.given import given_construction
from ...symbolic.identity.exact import problem
from ...symbolic.patterns.given import pattern_form
from ...symbolic.patterns.record import PatternAlgorithm
from .audit import Audit
from .gate import THEORY, files_of
from .generated.given import GivenWeights, Weights, given
from .generated.invariance import invariance_audit
from .generated.parts import parts
from .generated.write import audit_of
from .numbers import Drawn, instance_texts
from .patterns.write import pattern_audit
from .theorem import Theorem

INSTANCE = (2, 3, 2)
"""d, the number of transitions and L of the instance whose numbers the kernel computes."""
VALUES = {"gamma": Fraction(3, 4), "lam": Fraction(1, 2)}
OTHER = Fraction(2, 3)
"""The value, in that instance, of a parameter that has no default."""
SEEDS = 100
"""How many draws of an instance's steps are looked at for one at which nothing is divided by zero."""
_instances: dict[tuple[int, tuple[tuple[str, str], ...]], tuple[Algorithm, Audit | None]] = {}
_made: dict[int, tuple[Algorithm | PatternAlgorithm, tuple[tuple[Audit, ...], ...], str]] = {}


def audits(algorithm: Algorithm | PatternAlgorithm) -> list[Audit]:
    """The audits of one algorithm: for each choice of its options the theorems for all sizes, then one in numbers.

    Of an algorithm that attends by patterns the one about its derived heads.

    None when there is nothing that could be proved; `unproved` says why.
    """
    return [audit for choice in _generated(algorithm)[0] for audit in choice]


def audits_for(algorithm: Algorithm, options: Mapping[str, str]) -> tuple[Audit, ...]:
    """Those of them for one choice of the options; none when there is nothing that could be proved."""
    by_choice = _generated(algorithm)[0]
    return by_choice[choices(algorithm).index(algorithm.choose(options))] if by_choice else ()


def invariance_for(algorithm: Algorithm, options: Mapping[str, str]) -> Audit | None:
    """The audit that puts one algorithm under the theorems about invariance; None where its prompt has no theorem.

    It stands on the general audit of `vector_blocks`, of the same run of the gate.
    """
    key = (id(algorithm), tuple(sorted(algorithm.choose(options).items())))
    known = _instances.get(key)
    if known is None or known[0] is not algorithm:
        try:
            if algorithm.unit_columns:
                raise NotRepresentableError("invariance is about columns that are transitions")
            audit = invariance_audit(parts(_weights(algorithm, dict(key[1])), tuple(files_of(THEORY))))
        except LayerproofError:
            audit = None
        known = _instances[key] = (algorithm, audit)
    return known[1]


def choices(algorithm: Algorithm) -> list[dict[str, str]]:
    """Every choice of an algorithm's options, the default first."""
    names = list(algorithm.options)
    return [dict(zip(names, values, strict=True)) for values in product(*algorithm.options.values())]


def unproved(algorithm: Algorithm | PatternAlgorithm) -> str:
    """Why there is no theorem about an algorithm; empty when there is one."""
    return _generated(algorithm)[1]


def _generated(algorithm: Algorithm | PatternAlgorithm) -> tuple[tuple[tuple[Audit, ...], ...], str]:
    known = _made.get(id(algorithm))
    if known is None or known[0] is not algorithm:
        known = _made[id(algorithm)] = (algorithm, *_all_of(algorithm))
    return known[1], known[2]


def _all_of(algorithm: Algorithm | PatternAlgorithm) -> tuple[tuple[tuple[Audit, ...], ...], str]:
    try:
        if isinstance(algorithm, PatternAlgorithm):
            return ((pattern_audit(pattern_form(algorithm), tuple(files_of(THEORY))),),), ""
        return tuple(_audits_of(_weights(algorithm, chosen)) for chosen in choices(algorithm)), ""
    except LayerproofError as error:
        return (), " ".join(str(error).split())


def _weights(algorithm: Algorithm, options: Mapping[str, str]) -> Weights:
    return derive(algorithm, options) if algorithm.heads is None else given(algorithm, options, layered=True)


def _audits_of(weights: Weights) -> tuple[Audit, ...]:
    book = audit_of(weights, files_of(THEORY))
    return book, numbers_audit(weights, f"numbers_{book.name}")


def numbers_audit(solution: Weights, name: str) -> Audit:
    """A small instance that the kernel computes: the weights on a prompt give the textbook loop's numbers."""
    algorithm, (d, n, depth) = solution.algorithm, INSTANCE
    n += d if algorithm.unit_columns else 0
    known = {**dict.fromkeys(algorithm.parameters, OTHER), **VALUES}
    known |= {x: exact_number(text, f"the default of {x}") for x, text in algorithm.defaults.items()}
    parameters = {x: known[x] for x in algorithm.parameters}
    if isinstance(solution, Derivation) and solution.hypotheses.broken(parameters, n) is not None:
        parameters |= solution.hypotheses.example({}, n) or {}
    drawn = _drawn(solution, parameters, d, n, depth)
    if isinstance(solution, GivenWeights):
        weights = given_construction(algorithm, solution.options, d, n, depth, drawn.steps, parameters, looped=False)
    else:
        weights = construct(solution, d, n, depth, drawn.steps, parameters)
    setup = problem(algorithm, RATIONALS, drawn.context, drawn.start, parameters, solution.options)
    kind = "given" if isinstance(solution, GivenWeights) else "derived"
    theorem = Theorem(
        name,
        "numbers",
        f"at d = {d}, n = {n} the kernel computes: {kind} weights give the textbook's numbers, layers 0 to {depth}",
        f"every row and column of Z, and the prediction, after each of {depth} layers on one rational prompt",
        algorithm.name,
    )
    return Audit(name, ("numbers",), (theorem,), *instance_texts(weights, setup, name), joins=True)


def _drawn(solution: Weights, parameters: Mapping[str, Fraction], d: int, n: int, depth: int) -> Drawn:
    """Numbers at which the update divides by no zero."""
    algorithm = solution.algorithm
    for seed in range(SEEDS):
        drawn = Drawn.of(algorithm, d, n, depth, seed)
        values = [{**parameters, **dict(zip(algorithm.preconditioners, step, strict=True))} for step in drawn.steps]
        if not isinstance(solution, Derivation) or all(solution.hypotheses.broken(v, n) is None for v in values):
            return drawn
    raise NotRepresentableError(f"no small numbers of {algorithm.name} are found at which it divides by no zero")
