"""Evidence `float`: the torch transformer, each layer judged against the exact layer of the state that came in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ...numeric.draws import prompts
from ...symbolic.arithmetic import RATIONALS
from ...symbolic.identity import problem
from ..case import Case
from ..verdict import Claim, Verdict

NAME, ORDER = "float", 60
STRENGTH = "within a proven bound on this run"


def establish(case: Case) -> Iterator[Claim]:
    """Run `trials` prompts through torch and judge every layer, row and column by its one-step error bound."""
    from ...numeric.crosscheck import crosscheck  # loads torch

    s, name = case.settings, case.algorithm.name
    options = case.algorithm.choose(case.options)
    case.progress(f"{name}: {s.trials} prompts in {s.dtype}")
    setups = [
        problem(case.algorithm, RATIONALS, context, start, case.parameters, options)
        for _, context, start in islice(
            prompts(case.algorithm, s.features, s.context, s.seed, s.process, s.prompt), s.trials
        )
    ]
    result = crosscheck(case.subject, case.algorithm, setups, s.device, s.dtype, module=case.module)
    verdicts = {"within": Verdict.HOLDS, "exceeded": Verdict.REFUTED}
    document = result.to_json()
    yield Claim(
        name,
        f"each of {s.layers} torch layers is within its one-step bound of the exact layer "
        f"({result.dtype} on {result.device}, {result.trials} prompts, every column)",
        NAME,
        verdicts.get(result.status, Verdict.UNDECIDED),
        STRENGTH,
        result.reason,
        witness=document["where"] if result.status == "exceeded" else None,
        bound=result.bound,
        error=result.error,
        details=document,
    )
