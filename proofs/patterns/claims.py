"""The claims about an algorithm whose layers attend by patterns: the same kinds of evidence, the pattern opaque."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from ...symbolic.errors import NO_WEIGHTS, DiffersError, LayerproofError, RefusedError
from ...symbolic.identity.exact import Mismatch
from ...symbolic.identity.witness import shrink
from ...symbolic.patterns.balls import BALLS, precise
from ...symbolic.patterns.check import entrywise_pattern, random_pattern_identity
from ...symbolic.patterns.generic import generic
from ...symbolic.patterns.given import pattern_form, scores_are_kernel
from ...symbolic.patterns.heads import PatternForm, heads_text, shift_text
from ...symbolic.patterns.identity import SUMMED, pattern_identity
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.patterns.run import (
    chained,
)
from ...symbolic.prompt import Context
from ..case import Progress, Settings, parameter_values
from ..evidence import entrywise, exact, floats, kinds, proved, symbolic
from ..evidence import random as random_evidence
from ..evidence.derived import NAME as DERIVED
from ..verdict import NEEDS_WEIGHTS, Claim, Verdict, of_refuted, refused
from .draws import drawn_prompts, drawn_steps
from .floats import floats_of
from .trials import Trial, counterexample_of, first_of, other_pattern, trials_of
from .work import check_pattern_work, entrywise_sizes

DERIVED_STRENGTH = "proved for all d and n and every pattern (SymPy)"
LEAST_FEATURES, LEAST_CONTEXT = 8, 30
"""The sizes at which the random identity is evaluated at least."""
ONE_LAYER = "one layer from any state is one update, for symbolic d and n and an opaque pattern"
GIVEN = "the layer is given, not derived, so this evidence does not apply"


def pattern_claims(
    algorithm: PatternAlgorithm, settings: Settings, asked: tuple[str, ...], progress: Progress, explicit: bool = True
) -> list[Claim]:
    """Every kind of evidence: what was asked for established, what was not listed as not run.

    explicit : evidence was asked for by name, so that what does not apply to a given layer counts as not run
    """
    check_pattern_work(algorithm, settings, asked)
    values = parameter_values(algorithm, settings)
    form, trouble = None, None
    try:
        form = pattern_form(algorithm)
    except NO_WEIGHTS as error:
        trouble = error
    claims: list[Claim] = []
    for name, kind in kinds().items():
        strength = DERIVED_STRENGTH if name == DERIVED else kind.STRENGTH
        text, counts = f"evidence of the kind {name}", name in asked
        not_run = partial(Claim, algorithm.name, text, name, Verdict.NOT_RUN, strength)
        if trouble is not None and name == DERIVED:
            claims.append(_no_form(algorithm, trouble, counts))
        elif name == proved.NAME and not counts:
            claims.append(proved.recorded_of(algorithm))
        elif not counts:
            claims.append(not_run("not asked for", asked=False))
        elif name == proved.NAME:
            claims.append(proved.judged(algorithm, progress))
        elif form is None:
            claims.append(not_run(NEEDS_WEIGHTS))
        elif name == DERIVED and algorithm.layer is not None:
            claims.append(not_run(GIVEN, explicit))
        elif name not in (exact.NAME, DERIVED) and (why := other_pattern(algorithm)):
            claims.append(not_run(why, explicit))
        else:
            progress(f"{algorithm.name}: {name}")
            established = list(_ESTABLISH[name](form, settings, values, progress))
            wrong = name == floats.NAME and any(c.verdict is Verdict.REFUTED for c in claims)
            claims += [of_refuted(c) if wrong else c for c in established]
    return claims


def _no_form(algorithm: PatternAlgorithm, trouble: LayerproofError, counts: bool) -> Claim:
    """The claim about an algorithm whose layer is none, or whose functions cannot be believed."""
    text = f"evidence of the kind {DERIVED}"
    if isinstance(trouble, (RefusedError, DiffersError)):
        return refused(algorithm.name, text, DERIVED, DERIVED_STRENGTH, trouble)
    return Claim(algorithm.name, text, DERIVED, Verdict.UNDECIDED, DERIVED_STRENGTH, str(trouble), asked=counts)


def _derived(form: PatternForm, s: Settings, values: Any, progress: Progress) -> Iterator[Claim]:
    heads = len(form.heads)
    pattern = "any pattern K made from rows that no layer writes" if form.algorithm.kernels else "linear scores"
    text = f"the heads follow from the textbook update by a linear system, under {pattern}"
    shift = "; then a shift of rows" if form.shift else ""
    least = "" if form.least is None else f", at least {form.least} needed under one mask"
    reason = f"{heads} head{'s' * (heads != 1)}{least}{shift}"
    details = {
        "heads": heads_text(form),
        "mask": form.sees,
        "scale": "1/n" if form.by_length else "1",
        "shift": shift_text(form),
    }
    yield Claim(form.algorithm.name, text, DERIVED, Verdict.HOLDS, DERIVED_STRENGTH, reason, details=details)


def _symbolic(form: PatternForm, s: Settings, values: Any, progress: Progress) -> Iterator[Claim]:
    identities = list(pattern_identity(form))
    wrong = next((r for r in identities if not r.holds), None)
    if wrong is not None and wrong.fact == SUMMED and form.algorithm.column:
        # Which keys a column reads is one question, and which of them hold anything for it another.
        yield Claim(
            form.algorithm.name, ONE_LAYER, symbolic.NAME, Verdict.UNDECIDED, symbolic.STRENGTH,
            f"the layer and the update sum over other tokens ({wrong.difference}), which may hold nothing: see the "
            "evidence on numbers",
        )  # fmt: skip
        return
    where = "" if wrong is None else f"{wrong.fact}: row {wrong.row or 'any'}, {wrong.family or 'every'} columns"
    yield Claim(
        form.algorithm.name,
        ONE_LAYER,
        symbolic.NAME,
        Verdict.HOLDS if wrong is None else Verdict.REFUTED,
        symbolic.STRENGTH,
        f"{len(identities)} identities of a generic token in each family of columns hold"
        if wrong is None
        else f"{where}: off by {wrong.difference}{_of_one_kernel(form)}",
        witness=None if wrong is None else {"row": wrong.row, "columns": wrong.family, "difference": wrong.difference},
        details={"identities": [f"{r.fact}: {r.row} in {r.family} columns" for r in identities if r.row]},
    )


def _of_one_kernel(form: PatternForm) -> str:
    """What to write where scores are those of the linear kernel, and the update is said of others too."""
    if "linear" not in form.algorithm.kernels:
        return ""
    g = generic(form.algorithm)
    if not any(scores_are_kernel(g, head) for head in form.heads):
        return ""
    return '; the scores are the linear kernel and no other: kernels=("linear",) says so'


def _entrywise(form: PatternForm, s: Settings, values: Any, progress: Progress) -> Iterator[Claim]:
    yield entrywise.judged(form.algorithm.name, entrywise_pattern(form, *entrywise_sizes(s)))


def _exact(form: PatternForm, s: Settings, values: dict[str, Fraction], progress: Progress) -> Iterator[Claim]:
    algorithm, steps, trials = form.algorithm, drawn_steps(form, s), trials_of(form.algorithm)
    how = ("looped, " if s.looped else "sequential, ") * algorithm.preconditioned
    text = f"all {s.layers} layers are the iterates ({how}d = {s.features}, n = {s.context}), every column and row"
    ran: list[str] = []
    # One pattern a prompt, in turn; every pattern once at least.
    count = max(s.exact_trials, len(trials))
    with precise():
        for number, (kind, context, start) in enumerate(drawn_prompts(algorithm, s, count)):
            progress(f"{algorithm.name}: exact arithmetic, prompt {number + 1} of {count}")
            trial = trials[number % len(trials)]
            if first_of(form, s, trial, steps, values, context, start) is None:
                ran.append(f"{kind}{f' with K of {trial.name}' if trial.name else ''}")
                continue

            def again(c: Context, w: tuple[Any, ...], trial: Trial = trial) -> Mismatch | None:
                c = chained(c) if algorithm.chained else c
                return first_of(form, s, trial, steps, values, c, w)

            shrunk = shrink(again, context, start, budget=200)
            where = shrunk.mismatch
            yield Claim(
                algorithm.name, text, exact.NAME, Verdict.REFUTED, exact.STRENGTH,
                f"layer {where.layer}, row {where.row}, {where.column_name}: the layers and the textbook loop differ",
                witness=counterexample_of(form, shrunk, trial, steps, values, s),
            )  # fmt: skip
            return
    if any(trial.arithmetic is BALLS for trial in trials):
        reason = (
            f"balls overlap on {len(ran)} prompts ({', '.join(ran)}): no exponential is rational, and an overlap is no "
            "equality"
        )
        yield Claim(
            algorithm.name, text, exact.NAME, Verdict.UNDECIDED, exact.STRENGTH, reason, details={"prompts": ran}
        )
        return
    yield Claim(
        algorithm.name, text, exact.NAME, Verdict.HOLDS, exact.STRENGTH,
        f"equal over Q on {len(ran)} prompts ({', '.join(ran)})", details={"prompts": ran},
    )  # fmt: skip


def _random(form: PatternForm, s: Settings, values: dict[str, Fraction], progress: Progress) -> Iterator[Claim]:
    d, n = max(s.features, LEAST_FEATURES), max(min(s.context, 100), LEAST_CONTEXT)
    evaluation = random_pattern_identity(form, d, n, s.layers, values, s.seed)
    yield random_evidence.judged(form.algorithm.name, s.layers, evaluation)


Establish = Callable[[PatternForm, Settings, Any, Progress], Iterator[Claim]]
_ESTABLISH: dict[str, Establish] = {
    DERIVED: _derived,
    symbolic.NAME: _symbolic,
    entrywise.NAME: _entrywise,
    exact.NAME: _exact,
    random_evidence.NAME: _random,
    floats.NAME: floats_of,
}
