"""`lp.sa` and `lp.simulate`: rules of stochastic approximation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...symbolic.approximation.rule import Rule
from ...symbolic.markov.decision import DecisionProcess
from ..approximation import claims as approximation_claims
from ..approximation import question as approximation_question
from ..own.client import TIME_LIMIT
from ..verdict import Result
from .arguments import Number, check_settings, exact, seconds

if TYPE_CHECKING:
    from ..approximation.simulation import Simulation


def sa(
    *rules: str | Rule,
    process: str | DecisionProcess | None = None,
    gamma: Number | None = None,
    lam: Number = approximation_question.LAM,
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
    >>> result = lp.sa("linear-td", process="w-to-2w")
    >>> next(c.reason for c in result.claims if c.details["assumption"] == "hurwitz")
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
    lam: Number = approximation_question.LAM,
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
    >>> simulated = lp.simulate("linear-td", process="two-state", runs=50, steps=100)
    >>> simulated.names, simulated.runs.mean.shape == simulated.ode.shape
    (('w[0]', 'w[1]'), True)
    """
    from ..approximation import simulation  # loads NumPy

    limit = seconds(settings.pop("time_limit", TIME_LIMIT))
    question = _about_rules((), process, gamma, lam, eta, power, settings)
    chosen = simulation.simulated([rule], question)
    scale, offset = exact(step_scale, "step_scale"), exact(step_offset, "step_offset")
    (simulated,) = simulation.simulations(chosen, question, runs, steps, scale, offset, time_limit=limit)
    return simulated


def _about_rules(
    more: Sequence[str], process: str | DecisionProcess | None, gamma: Number | None, lam: Number, eta: Number,
    power: Number, settings: dict[str, Any],
) -> approximation_question.Question:  # fmt: skip
    check_settings(settings, ("states", "d", "actions", "seed", "max_work", *more, "time_limit"))
    return approximation_question.Question(
        process=process, gamma=None if gamma is None else exact(gamma, "gamma"), lam=exact(lam, "lam"),
        eta=exact(eta, "eta"), power=exact(power, "power"), **settings,
    )  # fmt: skip
