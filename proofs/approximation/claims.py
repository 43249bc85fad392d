"""The claims about rules: every assumption in order, then what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.approximation.rule import OuterRule, Rule
from ...symbolic.approximation.samples import plain
from ...symbolic.errors import ArgumentError
from ...symbolic.pattern_algorithms import pattern_catalogue
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.plain_text import shown
from ...symbolic.rules import find_rule, rules
from ..case import Progress, silent
from ..own.client import TIME_LIMIT
from ..user_file import digest, guarded, is_file, load_rule, origin
from ..verdict import Claim, Result
from . import conclusion, form, growth, noise, ode
from .outer import outer_claims
from .question import Question
from .study import Study
from .trials import summarised
from .work import check_work


def sa(
    *names: str | Rule | OuterRule,
    question: Question | None = None,
    progress: Progress = silent,
    time_limit: float = TIME_LIMIT,
) -> Result:
    """Which assumptions of the theorems hold for each rule (all when none is named), and what follows.

    names : of the catalogue, paths of files that define a RULE, which are data here and run in a process of their own,
            or rules

    The result answers a question: its exit code is 0 once everything that the exact checks are asked is decided.
    """
    question = question or Question()
    chosen = [resolved(x) for x in names] or list(rules().values())
    twice = next((rule.name for k, rule in enumerate(chosen) if rule.name in {r.name for r in chosen[:k]}), None)
    if twice is not None:
        raise ArgumentError(f"two rules are called {shown(twice)}, wanted each once: rename yours")
    check_work(chosen, question)
    with guarded(chosen, time_limit):
        claims = _claims(chosen, question, progress)
    settings: dict[str, Any] = {"rules": [rule.name for rule in chosen], **question.document()}
    files = {rule.name: digest(rule) for rule in chosen if origin(rule) is not None}
    if files:
        settings["files"] = files
    return Result("sa", settings, tuple(claims), question=True)


def resolved(rule: str | Rule | OuterRule) -> Rule | OuterRule:
    """A rule by its name, a user's file by its path, an object as it is."""
    if isinstance(rule, (Algorithm, PatternAlgorithm)):
        raise ArgumentError(f"{rule.name} is an algorithm and no rule: lp.verify checks it")
    if isinstance(rule, (Rule, OuterRule)):
        return rule
    if not isinstance(rule, str):
        raise ArgumentError(f"rules holds {shown(rule)}, wanted names, files or rules")
    if is_file(rule):
        return load_rule(Path(rule))
    try:
        return find_rule(rule)
    except ArgumentError as error:
        if rule in catalogue() or rule in pattern_catalogue():
            raise ArgumentError(f"{error} ({rule} is an algorithm: layerproof verify {rule} checks it)") from None
        raise


def _claims(chosen: Sequence[Rule | OuterRule], question: Question, progress: Progress) -> list[Claim]:
    claims: list[Claim] = []
    for rule in chosen:
        trials: list[list[Claim]] = []
        for trial in range(1 if isinstance(rule, OuterRule) else question.trials):  # whose answers no draw changes
            told = progress if question.trials == 1 else _counted(progress, trial, question.trials)
            told(f"{rule.name}: the chain and h")
            process = question.process_for(rule, trial)
            study = Study(rule, process, question.parameters_for(process), question.power)
            trials.append(outer_claims(study, rule, told) if isinstance(rule, OuterRule) else assumptions(study, told))
        claims += summarised(trials, question.seed)
    return claims


def _counted(progress: Progress, trial: int, trials: int) -> Progress:
    def told(text: str) -> None:
        name, _, what = text.partition(": ")
        progress(f"{name}: trial {trial + 1} of {trials}, {what}")

    return told


def assumptions(study: Study, progress: Progress = silent) -> list[Claim]:
    """Every claim about one rule on one process."""
    name = study.rule.name
    claims: list[Claim | None] = [form.form(study)]
    progress(f"{name}: h on plain numbers")
    claims.append(form.traced(study, plain(study.rule, study.process, study.parameters)))
    progress(f"{name}: the mean field")
    claims.append(form.mean_field_claim(study))
    progress(f"{name}: the noise")
    claims += [check(study) for check in (noise.irreducible, noise.aperiodic, noise.iid, noise.bounded, noise.poisson)]
    progress(f"{name}: the ODE")
    claims += [ode.negative_definite(study), ode.hurwitz(study), noise.stationary(study), noise.lln(study)]
    claims += [growth.steps(study), growth.lipschitz_claim(study), growth.scaling(study), ode.at_infinity_claim(study)]
    by_key = _by_key([c for c in claims if c is not None])
    claims.append(conclusion.stability(study, by_key))
    claims.append(ode.mean_ode(study))
    by_key = _by_key([c for c in claims if c is not None])
    claims.append(conclusion.convergence(study, by_key))
    progress(f"{name}: the ratio of steps")
    claims += [ode.ratio_claim(study), conclusion.formal(study)]
    return [c for c in claims if c is not None]


def _by_key(claims: Sequence[Claim]) -> dict[str, Claim]:
    return {c.details["assumption"]: c for c in claims}
