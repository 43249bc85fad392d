"""The limit of the iterates on a case's prompt: the given one, or one trajectory drawn from the seed."""

from __future__ import annotations

from itertools import islice

from ...numeric.data.draws import prompts, zero_weights
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.identity.exact import problem
from ...symbolic.identity.limit import Limit, limit
from ..case import Case


def limit_run(case: Case) -> tuple[Limit, str]:
    """The limit of the textbook loop from zero weights, and the prompt's kind: given, or a trajectory."""
    s, algorithm = case.settings, case.algorithm
    drawn = prompts(algorithm, s.features, s.context, s.seed, s.process, s.prompt)
    kind, context, _ = next(x for x in islice(drawn, 4) if x[0] in ("given", "trajectory"))
    start = zero_weights(algorithm, s.features)
    setup = problem(algorithm, RATIONALS, context, start, case.parameters, case.algorithm.choose(case.options))
    return limit(setup, case.per_layer(), case.subject.looped), kind
