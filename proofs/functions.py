"""The functions of `import layerproof as lp`: what the command line does, from Python, with plain arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..numeric.data.draws import preconditioners as draw
from ..numeric.files.set_file import read_set
from ..numeric.recognition.reading import Reading
from ..symbolic.algorithm import Algorithm
from ..symbolic.algorithms import catalogue
from ..symbolic.approximation.rule import Rule
from ..symbolic.construction import Construction, Steps
from ..symbolic.construction import construct as build
from ..symbolic.derivation.derive import Derivation
from ..symbolic.derivation.suggest import derive_or_advise
from ..symbolic.errors import ArgumentError
from ..symbolic.exact import whole_number
from ..symbolic.given import given_construction
from ..symbolic.invariance.symmetry import SymmetryGroup
from ..symbolic.markov.decision import DecisionProcess
from ..symbolic.own import OwnConstruction
from ..symbolic.patterns.record import PatternAlgorithm
from ..symbolic.plain_text import shown
from ..symbolic.prompt import Context
from . import checker
from .approximation import claims as approximation_claims
from .approximation import question as approximation_question
from .case import Settings
from .convergence import ask as convergence
from .convergence import question as convergence_question
from .convergence.result import Convergence
from .identify import ask as identification
from .identify import question as identify_question
from .identify.answer import Identification
from .invariance import claims as invariance_claims
from .invariance.question import SETS, Question
from .own.client import TIME_LIMIT
from .user_file import guarded, resolve, resolve_algorithm, resolve_update
from .verdict import Result

if TYPE_CHECKING:
    from .approximation.simulation import Simulation

Number = int | Fraction | str


def exact(value: Number, name: str) -> Fraction:
    """An exact number: an int, a Fraction or text such as "9/10"; a float is refused since 0.9 is not 9/10."""
    from .terminal.options import rational

    if isinstance(value, str):
        return rational(value, name)
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Fraction(value)
    raise ArgumentError(
        f'{name} is {shown(value)}, wanted an exact number: Fraction(9, 10) or "9/10" (a float is not 9/10)'
    )


def seconds(value: Any) -> float:
    """A time limit."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value >= 1:
        raise ArgumentError(f"time_limit is {shown(value)}, wanted at least one second")
    return float(value)


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
    found = resolve_algorithm(algorithm, "derive")
    with guarded([found]):
        return derive_or_advise(found, {"trace": trace} if trace is not None else {})


def construct(
    algorithm: str | Algorithm,
    *,
    d: int,
    n: int,
    layers: int,
    gamma: Number = Fraction(9, 10),
    lam: Number = Fraction(1, 2),
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
    updated = resolve_update(algorithm, "construct")
    if isinstance(updated, PatternAlgorithm):
        raise ArgumentError(f"{updated.name} attends by a pattern: lp.construct_pattern makes its layers")
    found = resolve_algorithm(updated, "construct")
    found.check_sizes(d, n, layers)
    found.check_looped(looped)
    derivation = derive(found, trace=trace) if found.heads is None else None
    values = {"gamma": exact(gamma, "gamma"), "lam": exact(lam, "lam")}
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ArgumentError(f"{name} is {value}, wanted a number from 0 to 1")
    count = 1 if looped else layers
    steps = [_step(found, s, d, k) for k, s in enumerate(preconditioners)] if preconditioners is not None else None
    steps = steps if steps is not None else draw(found, d, count, seed)
    found.check_tables(steps)
    if derivation is not None:
        return build(derivation, d, n, layers, steps, found.values(values), looped)
    options = found.choose({"trace": trace} if trace is not None else None)
    with guarded([found]):
        return given_construction(found, options, d, n, layers, steps, found.values(values), looped)


def _step(algorithm: Algorithm, step: Steps, d: int, layer: int) -> Steps:
    if not isinstance(step, Sequence) or len(step) != len(algorithm.preconditioners):
        raise ArgumentError(
            f"preconditioners[{layer}] is {str(step)[:40]}, wanted a tuple with an entry for each of "
            f"{', '.join(algorithm.preconditioners)}"
        )
    result: list[Any] = []
    for name, value in zip(algorithm.preconditioners, step, strict=True):
        where = f"{name} of preconditioners[{layer}]"
        if name in algorithm.scalar_preconditioners:
            result.append(exact(value, where))
            continue
        value = value.tolist() if hasattr(value, "tolist") else value  # an array or a tensor
        rows = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
        if [len(row) if isinstance(row, Sequence) else None for row in rows] != [d] * d:
            raise ArgumentError(f"{where} has the wrong shape, wanted {d} rows of {d} numbers")
        result.append([[exact(x, where) for x in row] for row in value])
    return tuple(result)


def verify(
    *algorithms: str | Algorithm | OwnConstruction,
    d: int = 3,
    n: int = 100,
    layers: int = 40,
    gamma: Number = Fraction(9, 10),
    lam: Number = Fraction(1, 2),
    prompt: Context | None = None,
    evidence: Iterable[str] | None = None,
    **settings: Any,
) -> Result:
    """Derive the weights and check that every layer is one iterate; all algorithms when none is named.

    algorithms : names, paths of files of one's own ("./mine.py"), or the objects themselves
    settings   : trace, seed, trials, exact_trials, device, dtype, looped, process, entrywise_features,
                 entrywise_context, max_work, time_limit, as on the command line; values={"beta": Fraction(1, 2)} for
                 parameters other than gamma and lam
    Returns a `Result`: its `claims`, `holds`, `exit_code` and `to_json()`.

    >>> import layerproof as lp
    >>> lp.verify("td0", d=2, n=4, layers=3, evidence=["derived", "identity-exact"]).holds
    True
    """
    chosen = run_settings(d, n, layers, gamma, lam, prompt, settings)
    return checker.verify(*algorithms, settings=chosen, evidence=evidence)


def run_settings(
    d: int, n: int, layers: int, gamma: Number, lam: Number, prompt: Context | None, more: Mapping[str, Any]
) -> Settings:
    """The settings of a check as Python functions take them; `ArgumentError` for one that there is not."""
    known = Settings.__dataclass_fields__
    unknown = next((name for name in more if name not in known), None)
    if unknown is not None:
        names = ["d", "n", "layers", *(name for name in known if name not in ("features", "context", "layers"))]
        raise ArgumentError(f"there is no setting {shown(unknown)}, wanted some of {', '.join(names)}")
    return Settings(
        features=d,
        context=n,
        layers=layers,
        gamma=exact(gamma, "gamma"),
        lam=exact(lam, "lam"),
        prompt=prompt,
        **more,
    )


def invariance(
    *algorithms: str | Algorithm | PatternAlgorithm,
    d: int = 2,
    n: int = 2,
    layers: int | None = None,
    gamma: Number = Fraction(9, 10),
    lam: Number = Fraction(1, 2),
    set: str | Mapping[str, Any] | None = None,
    group: str | SymmetryGroup = "signed-permutations",
    **settings: Any,
) -> Result:
    """Which sets of weights are invariant under the expected deep-TD update, or whether one is.

    layers   : L; None asks about 1 and 2
    set      : the name of a set, or a set's document, to assert that it is invariant; None answers for the named sets
    group    : the symmetry of the law: a name, or a `SymmetryGroup`
    settings : looped, trace, seed, weights, window, outer, floats, prove, law, units, max_work, as on the command line,
               and values, of parameters other than gamma and lam
    Returns a `Result`; each claim about a set has a `dimension`, and a `witness` where it is refuted.  Of an algorithm
    that attends by patterns nothing is known: one claim, UNDECIDED.

    >>> import layerproof as lp
    >>> lp.invariance("td0", layers=1, set="one-layer", floats=False).holds
    True
    >>> lp.invariance("td0", layers=2, looped=True, set="one-layer", floats=False).exit_code
    1
    """
    names = ("looped", "trace", "seed", "weights", "window", "outer", "floats", "prove", "law", "units", "max_work",
             "values")  # fmt: skip
    unknown = next((name for name in settings if name not in names), None)
    if unknown is not None:
        raise ArgumentError(f"there is no setting {shown(unknown)}, wanted some of {', '.join(names)}")
    if isinstance(set, str) and set not in SETS and set.endswith(".json"):
        set = read_set(set)
    question = Question(
        features=d, context=n, layers=layers, gamma=exact(gamma, "gamma"), lam=exact(lam, "lam"), group=group,
        set=set, **settings,
    )  # fmt: skip
    return invariance_claims.invariance(*algorithms, question=question)


def sa(
    *rules: str | Rule,
    process: str | DecisionProcess | None = None,
    gamma: Number | None = None,
    lam: Number = Fraction(1, 2),
    eta: Number = 1,
    power: Number = 1,
    **settings: Any,
) -> Result:
    """Which assumptions of stochastic approximation hold for rules v + alpha h(v, Y), and what follows from them.

    rules    : names, paths of files that define a RULE, or `Rule` objects; all of the catalogue when none is named
    process  : a name, or a `DecisionProcess` (`read_process` reads one); None for Boyan's chain, drawn from the seed
    eta      : beta/alpha, of rules with two steps;  power : the steps are 1/k^power
    settings : states, d, actions, seed, trials, max_work and time_limit, as on the command line
    Returns a `Result`: the answers are in its `claims`, with `details["assumption"]` and `details["established"]`.

    >>> import layerproof as lp
    >>> found = lp.sa("linear-td", process="w-to-2w")
    >>> next(c.reason for c in found.claims if c.details["assumption"] == "hurwitz")
    'A = 1/5'
    """
    limit = seconds(settings.pop("time_limit", TIME_LIMIT))
    question = _about_rules(("trials",), process, gamma, lam, eta, power, settings)
    return approximation_claims.sa(*rules, question=question, time_limit=limit)


def simulate(
    rule: str | Rule,
    *,
    process: str | DecisionProcess | None = None,
    runs: int = 1000,
    steps: int = 10_000,
    step_scale: Number = 1,
    step_offset: Number = 0,
    power: Number = 1,
    gamma: Number | None = None,
    lam: Number = Fraction(1, 2),
    eta: Number = 1,
    **settings: Any,
) -> Simulation:
    """Runs of a rule on the exact chain, from one seed and in floats, beside its mean ODE; it claims nothing.

    rule     : a name, the path of a file that defines a RULE, or a `Rule`
    process  : as for `sa`
    power    : the steps are alpha_k = step_scale/(k + step_offset)^power
    settings : states, d, actions, seed, max_work and time_limit, as on the command line
    Returns a `Simulation`: its `runs` has mean, low and high, (T, n) each, at the steps `runs.at`, and `ode` the mean
    ODE at the same times; `document()` is all of it as plain data, `lines()` as text.
    Raises `ArgumentError` for an outer rule, and for one that multiplies weights.

    >>> import layerproof as lp
    >>> found = lp.simulate("linear-td", process="two-state", runs=50, steps=100)
    >>> found.names, found.runs.mean.shape == found.ode.shape
    (('w[0]', 'w[1]'), True)
    """
    from .approximation import simulation  # loads NumPy

    limit = seconds(settings.pop("time_limit", TIME_LIMIT))
    question = _about_rules((), process, gamma, lam, eta, power, settings)
    chosen = simulation.simulated([rule], question)
    scale, offset = exact(step_scale, "step_scale"), exact(step_offset, "step_offset")
    (found,) = simulation.simulations(chosen, question, runs, steps, scale, offset, time_limit=limit)
    return found


def _about_rules(
    more: Sequence[str], process: str | DecisionProcess | None, gamma: Number | None, lam: Number, eta: Number,
    power: Number, settings: dict[str, Any],
) -> approximation_question.Question:  # fmt: skip
    names = ("states", "d", "actions", "seed", "max_work", *more)
    unknown = next((name for name in settings if name not in names), None)
    if unknown is not None:
        known = (*names, "time_limit")
        raise ArgumentError(f"there is no setting {shown(unknown)}, wanted some of {', '.join(known)}")
    return approximation_question.Question(
        process=process, gamma=None if gamma is None else exact(gamma, "gamma"), lam=exact(lam, "lam"),
        eta=exact(eta, "eta"), power=exact(power, "power"), **settings,
    )  # fmt: skip


def converge(
    algorithm: str | Algorithm | OwnConstruction,
    *,
    d: int = 3,
    n: int = 100,
    layers: int = 40,
    gamma: Number = Fraction(9, 10),
    lam: Number = Fraction(1, 2),
    prompt: Context | None = None,
    alpha: Number | None = None,
    fixed: Mapping[str, Number] | None = None,
    preconditioners: Sequence[Steps] | None = None,
    start: Mapping[str, Sequence[Number]] | None = None,
    epsilon: Number = convergence_question.EPSILON,
    **settings: Any,
) -> Convergence:
    """Whether the iteration that the layers run on a prompt converges, to what, how fast, and for which steps: exactly.

    alpha           : C = alpha I for every step but those in `fixed`, {name: number}; 1 when left out
    preconditioners : instead of alpha, as in `construct`: one tuple, or several with periodic=True
    start           : {weight: its entries} to start from, zero when left out
    settings        : trace, seed, process, tabular, periodic, trials, expect ("converges" to assert it), read, values,
                      prove, outer, max_work, time_limit, as on the command line
    Returns a `Result` with `answer`, `limit`, `rate`, `layers` and `certificate`.

    >>> import layerproof as lp
    >>> prompt = lp.Context.of([[1, 0], [0, 1]], [[0, 1], [1, 0]], [1, 0], [1, 0])
    >>> found = lp.converge("td0", prompt=prompt, gamma="1/2")
    >>> found.answer, found.limit["weights"], found.steps["every_start"][0]["to"]
    ('converges', {'w': ['4/3', '2/3']}, ['8/3', '8/3'])
    """
    known = ("trace", "seed", "process", "tabular", "periodic", "trials", "expect", "read", "values", "prove",
             "outer", "max_work", "time_limit")  # fmt: skip
    unknown = next((name for name in settings if name not in known), None)
    if unknown is not None:
        raise ArgumentError(f"there is no setting {unknown!r}, wanted some of {', '.join(known)}")
    found = resolve(algorithm) if preconditioners is not None else None
    steps = None
    if found is not None:
        if not isinstance(found, Algorithm):
            raise ArgumentError(f"preconditioners are given, but {found.name} has weights of its own: leave them out")
        width = d if prompt is None else prompt.d
        steps = tuple(_step(found, s, width, k) for k, s in enumerate(preconditioners or ()))
    question = convergence_question.Question(
        features=d, context=n, layers=layers, gamma=exact(gamma, "gamma"), lam=exact(lam, "lam"), prompt=prompt,
        alpha=None if alpha is None else exact(alpha, "alpha"),
        fixed={name: exact(x, f"fixed {name}") for name, x in (fixed or {}).items()},
        steps=steps,
        start={name: tuple(exact(x, f"start of {name}") for x in v) for name, v in (start or {}).items()},
        epsilon=exact(epsilon, "epsilon"), **settings,
    )  # fmt: skip
    return convergence.converge(algorithm, question)


def identify(
    weights: Any,
    *,
    layout: str | None = None,
    d: int | None = None,
    n: int | None = None,
    layers: int | None = None,
    transposed: str | Sequence[str] = (),
    gamma: Number | None = None,
    prompts: Context | Sequence[Context] | None = None,
    process: str | None = None,
    trials: int = 59,
    seed: int = 0,
    function: bool = True,
    rule: str | os.PathLike[str] | None = None,
) -> Identification:
    """Which algorithm a network of linear attention runs: its update, the nearest algorithms, and its function.

    weights    : a path (safetensors, npz, weights.json, an export, what `train` wrote), a dict of arrays P and Q, by
                 layer and head, W and M where there are any, or a list of such dicts, one a layer; a `Construction`, or
                 a torch module
    layout     : the prompt by name, where the number of rows leaves it open; d, n, layers are held against the weights
    transposed : matrices that are stored transposed, such as "Q"
    gamma      : the law's discount; what the file says, else 9/10
    prompts    : contexts on which the function is looked at, in place of `trials` prompts of a process
    function   : False leaves the function out
    rule       : where to write the rule of a single network as a file for `verify`
    Returns an `Identification` with `algorithm`, `match`, `networks` and `to_json()`.
    Raises `ContentError` for weights that cannot be used, `ArgumentError` where something has to be said.

    >>> import layerproof as lp
    >>> found = lp.identify(lp.construct("td0", d=2, n=4, layers=2), function=False)
    >>> found.algorithm, found.match
    ('td0', 'exact')
    """
    names = (transposed,) if isinstance(transposed, str) else tuple(transposed)
    given = (prompts,) if isinstance(prompts, Context) else None if prompts is None else tuple(prompts)
    question = identify_question.Question(
        Reading(layout, d, n, layers, tuple(x for name in names for x in name.split(",") if x)),
        None if gamma is None else exact(gamma, "gamma"), process, given, trials, seed, function,
    )  # fmt: skip
    return identification.identify(weights, question, None if rule is None else Path(rule))
