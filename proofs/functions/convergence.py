"""`lp.converge`: what the iteration that the layers run does in the limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Steps
from ...symbolic.errors import ArgumentError
from ...symbolic.kinds import NAMED, SEQUENCE
from ...symbolic.own import OwnConstruction
from ...symbolic.prompt import Context
from ..case import Settings
from ..convergence import ask as convergence
from ..convergence import question as convergence_question
from ..convergence.result import Convergence
from ..user_file import resolve
from .arguments import Number, check_settings, exact, step


def converge(
    algorithm: str | Algorithm | OwnConstruction,
    *,
    d: int = Settings.features,
    n: int = Settings.context,
    layers: int = Settings.layers,
    gamma: Number = Settings.gamma,
    lam: Number = Settings.lam,
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
    >>> result = lp.converge("td0", prompt=prompt, gamma="1/2")
    >>> result.answer, result.limit["weights"], result.steps["every_start"][0]["to"]
    ('converges', {'w': ['4/3', '2/3']}, ['8/3', '8/3'])
    """
    known = ("trace", "seed", "process", "tabular", "periodic", "trials", "expect", "read", "values", "prove",
             "outer", "max_work", "time_limit")  # fmt: skip
    check_settings(settings, known)
    NAMED.check_given(fixed=fixed, start=start, values=settings.get("values"))
    SEQUENCE.check_given(preconditioners=preconditioners)
    SEQUENCE.check(**{f"start of {name}": entries for name, entries in (start or {}).items()})
    subject = resolve(algorithm) if preconditioners is not None else None
    steps = None
    if subject is not None:
        if not isinstance(subject, Algorithm):
            raise ArgumentError(f"preconditioners are given, but {subject.name} has weights of its own: leave them out")
        width = d if prompt is None else prompt.d
        if not preconditioners:
            raise ArgumentError("preconditioners is empty, wanted a tuple of steps for each stored layer")
        steps = tuple(step(subject, s, width, k) for k, s in enumerate(preconditioners))
    question = convergence_question.Question(
        features=d, context=n, layers=layers, gamma=exact(gamma, "gamma"), lam=exact(lam, "lam"), prompt=prompt,
        alpha=None if alpha is None else exact(alpha, "alpha"),
        fixed={name: exact(x, f"fixed {name}") for name, x in (fixed or {}).items()},
        steps=steps,
        start={name: tuple(exact(x, f"start of {name}") for x in v) for name, v in (start or {}).items()},
        epsilon=exact(epsilon, "epsilon"), **settings,
    )  # fmt: skip
    return convergence.converge(algorithm, question)
