"""The claims about rules: every assumption in order, then what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...symbolic.approximation.rule import OuterRule, Rule
from ...symbolic.approximation.samples import plain
from ...symbolic.rules import find_rule, rules
from ..case import Progress, silent
from ..verdict import Claim, Result
from . import conclusion, form, growth, noise, ode
from .outer import outer_claims
from .question import Question
from .study import Study


def sa(*names: str | Rule | OuterRule, question: Question | None = None, progress: Progress = silent) -> Result:
    """Which assumptions of the theorems hold for each rule (all when none is named), and what follows.

    The result answers a question: its exit code is 0 once everything that the exact checks are asked is decided.
    """
    question = question or Question()
    chosen = [find_rule(x) if isinstance(x, str) else x for x in names] or list(rules().values())
    claims: list[Claim] = []
    for rule in chosen:
        progress(f"{rule.name}: the chain and h")
        process = question.process_for(rule)
        study = Study(rule, process, question.parameters_for(process), question.power)
        if isinstance(rule, OuterRule):
            claims += outer_claims(study, rule, progress)
        else:
            claims += assumptions(study, progress)
    settings: dict[str, Any] = {"rules": [rule.name for rule in chosen], **question.document()}
    return Result("sa", settings, tuple(claims), question=True)


def assumptions(study: Study, progress: Progress = silent) -> list[Claim]:
    """Every claim about one rule on one process."""
    name = study.rule.name
    found: list[Claim | None] = [form.form(study)]
    progress(f"{name}: h on plain numbers")
    found.append(form.traced(study, plain(study.rule, study.process, study.parameters)))
    progress(f"{name}: the mean field")
    found.append(form.mean_field_claim(study))
    progress(f"{name}: the noise")
    found += [check(study) for check in (noise.irreducible, noise.aperiodic, noise.iid, noise.bounded, noise.poisson)]
    progress(f"{name}: the ODE")
    found += [ode.negative_definite(study), ode.hurwitz(study), noise.stationary(study), noise.lln(study)]
    found += [growth.steps(study), growth.lipschitz_claim(study), growth.scaling(study), ode.at_infinity_claim(study)]
    by_key = _by_key([c for c in found if c is not None])
    found.append(conclusion.stability(study, by_key))
    found.append(ode.mean_ode(study))
    by_key = _by_key([c for c in found if c is not None])
    found.append(conclusion.convergence(study, by_key))
    progress(f"{name}: the ratio of steps")
    found += [ode.ratio_claim(study), conclusion.formal(study)]
    return [c for c in found if c is not None]


def _by_key(claims: Sequence[Claim]) -> dict[str, Claim]:
    return {c.details["assumption"]: c for c in claims}
