"""The limit of the iterates on a page's prompt: the given one, or one trajectory drawn from the seed."""

from __future__ import annotations

from itertools import islice

from ...numeric.data.draws import prompts, zero_weights
from ...symbolic.algorithm import Algorithm
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.construction import Steps
from ...symbolic.errors import LayerproofError
from ...symbolic.identity.exact import problem
from ...symbolic.identity.limit import Limit, limit
from ..case import Case, Progress, Settings
from ..convergence.ask import asked
from ..convergence.question import Question
from ..convergence.result import Convergence
from ..user_file import Subject as Item


def limit_run(case: Case) -> tuple[Limit, str]:
    """The limit of the textbook loop from zero weights, and the prompt's kind: given, or a trajectory."""
    s, algorithm = case.settings, case.algorithm
    drawn = prompts(algorithm, s.features, s.context, s.seed, s.process, s.prompt)
    kind, context, _ = next(x for x in islice(drawn, 4) if x[0] in ("given", "trajectory", "enumeration"))
    start = zero_weights(algorithm, s.features)
    setup = problem(algorithm, RATIONALS, context, start, case.parameters, case.algorithm.choose(case.options))
    return limit(setup, case.per_layer(), case.subject.looped), kind


def endless(item: Item, settings: Settings, step: Steps | None, progress: Progress) -> Convergence | str:
    """What becomes of endless layers on the same prompt; in words why nothing was decided.

    step : the preconditioners of every layer; the identity where it is None
    """
    s = settings
    algorithm = item if isinstance(item, Algorithm) else None
    known = () if algorithm is None else algorithm.parameters
    try:
        question = Question(
            features=s.features, context=s.context, layers=s.layers, gamma=s.gamma, lam=s.lam,
            trace=s.trace if algorithm is not None and "trace" in algorithm.options else None,
            values={k: v for k, v in s.values.items() if algorithm is None or k in known},
            seed=s.seed, process=s.process if s.prompt is None else None, prompt=s.prompt,
            steps=None if step is None else (step,), time_limit=s.time_limit,
        )  # fmt: skip
        return asked(item, question, progress)  # the page's algorithm is judged already
    except LayerproofError as error:
        hint = "; layerproof converge FILE --read ROW says how it goes" if algorithm is None else ""
        return f"{error}{hint}"
