"""Verify: run every kind of evidence on every algorithm asked for, and gather the claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..symbolic.algorithm import Algorithm
from ..symbolic.algorithms import catalogue
from ..symbolic.errors import ArgumentError, DiffersError, NotPolynomialError, NotRepresentableError, RefusedError
from ..symbolic.near import near as near_to
from ..symbolic.own import OwnConstruction
from ..symbolic.pattern_algorithms import pattern_catalogue
from ..symbolic.patterns.record import PatternAlgorithm
from ..symbolic.plain_text import shown
from .case import Case, Progress, Settings, check_parameters, counted, silent
from .evidence import OnRequest, kinds
from .evidence.floats import NAME as FLOAT
from .evidence.floats import established as floats_of
from .own_claims import own_claims
from .patterns.claims import pattern_claims
from .patterns.work import pattern_work_of
from .sizes import fitted
from .user_file import LOAD_LIMIT, Subject, guarded, resolve_any
from .verdict import NEEDS_WEIGHTS, PROVED, Claim, Result, Verdict, disagreement, of_refuted, refused
from .work import check_work, work_of

GIVEN = "the weights are given, not derived, so this evidence does not apply"
SIZES = "the weights are given, and not as blocks for every size, so this evidence does not apply"


Make = Callable[[Case, list[Claim]], Any]


@dataclass(frozen=True)
class Beside:
    """What is made of each algorithm's claims in the process that established them, and, by name, what came of it.

    make : travels to that process, and what it gives travels back
    """

    make: Make
    made: dict[str, Any] = field(default_factory=dict)


def verify(
    *algorithms: str | Subject | PatternAlgorithm,
    settings: Settings | None = None,
    evidence: Iterable[str] | None = None,
    progress: Progress = silent,
    pool: Executor | None = None,
    beside: Beside | None = None,
    second: Executor | None = None,
) -> Result:
    """Establish, for each algorithm (all when none is named), every kind of evidence, or those named.

    A text that ends in .py is a user's own file.  Evidence that is not asked for is listed as NOT_RUN and does not
    count towards the exit code.
    pool   : processes that share what is of the catalogue among them
    beside : what such a process makes of an algorithm's claims while it still has all that they took
    second : without a pool, a process for what needs torch: float evidence, while this one establishes the rest
    Raises `ArgumentError` for an unknown algorithm, kind of evidence or option, before anything runs.
    """
    settings = settings or Settings()
    kinds_of_subject = (str, Algorithm, OwnConstruction, PatternAlgorithm)
    wrong = next((a for a in algorithms if not isinstance(a, kinds_of_subject)), None)
    if wrong is not None:
        raise ArgumentError(f"algorithms holds {shown(wrong)}, wanted names or algorithms, one argument each")
    asked, explicit = ask(evidence), evidence is not None
    chosen = chosen_of(algorithms, settings)
    updates = [a for a in chosen if isinstance(a, Algorithm)]
    patterned = [a for a in chosen if isinstance(a, PatternAlgorithm)]
    ordered = in_order(chosen)
    _check_values(settings, chosen, updates)
    if settings.prompt is not None:
        settings = replace(settings, features=settings.prompt.d, context=settings.prompt.n)
    if not algorithms:  # of everything each is checked at the nearest sizes that it is stated for
        settings = replace(settings, asked=frozenset())
    each = [fitted(a, settings) for a in updates]
    notes = tuple(note for _, note in each if note)
    if len(chosen) == len(each) == 1:
        ((settings, _),) = each
    told = {id(a): counted(progress, k, len(ordered)) for k, a in enumerate(ordered, 1)}
    cases = {id(a): Case(a, own, progress=told[id(a)]) for a, (own, _) in zip(updates, each, strict=True)}
    for case in cases.values():
        case.algorithm.choose(case.options)
        check_work(case, asked)
    if updates or patterned:
        check_device(settings)
    question = _Question(settings, asked, explicit, None if beside is None else beside.make)
    about: list[tuple[Subject | PatternAlgorithm, list[Claim]]] = []
    with guarded(chosen, settings.time_limit):
        known: dict[int, Case | PatternAlgorithm] = {id(a): cases[id(a)] for a in updates if _of_a_catalogue(a)}
        known |= {id(a): a for a in patterned if _of_a_catalogue(a)}
        running, floats = _begun(question, known, pool, second)
        for a in ordered:
            if id(a) in running:
                told[id(a)](f"{a.name}: all evidence")
                established, made = running[id(a)].result()
                if beside is not None and made is not None:
                    beside.made[a.name] = made
            elif isinstance(a, Algorithm):
                established = list(establish(cases[id(a)], asked, explicit, floats.get(id(a))))
            elif isinstance(a, OwnConstruction):
                established = own_claims(a, settings, asked, told[id(a)])
            else:
                established = pattern_claims(a, settings, asked, told[id(a)], explicit)
            about.append((a, established))
    claims = tuple(c for _, established in about for c in established)
    subjects = tuple((subject, len(established)) for subject, established in about)
    return Result("verify", settings.document(), claims, fault=disagreement(claims), notes=notes, subjects=subjects)


def chosen_of(
    algorithms: Sequence[str | Subject | PatternAlgorithm], settings: Settings
) -> list[Subject | PatternAlgorithm]:
    """What these name, each once; all of the catalogue where none is named."""
    seconds = min(LOAD_LIMIT, settings.time_limit)
    named = [resolve_any(a, seconds) for a in algorithms] or [*catalogue().values(), *pattern_catalogue().values()]
    return list({id(a): a for a in named}.values())


def in_order(chosen: Sequence[Subject | PatternAlgorithm]) -> list[Subject | PatternAlgorithm]:
    """As a result has them: updates, constructions of a user's own, then what attends by patterns."""
    kinds_in_order = (Algorithm, OwnConstruction, PatternAlgorithm)
    return [a for kind in kinds_in_order for a in chosen if isinstance(a, kind)]


def _check_values(
    settings: Settings, chosen: Sequence[Subject | PatternAlgorithm], updates: Sequence[Algorithm]
) -> None:
    """Raise `ArgumentError` for a parameter or a trace that none of the algorithms has."""
    check_parameters(settings.values, (name for a in chosen for name in a.parameters))
    if settings.trace is not None and not any("trace" in a.options for a in updates):
        keep = "keeps" if len(chosen) == 1 else "keep"
        raise ArgumentError(
            f"trace is {shown(settings.trace)}, but {', '.join(a.name for a in chosen)} {keep} no trace: leave it out"
        )


@dataclass(frozen=True)
class _Question:
    """What is asked of every algorithm, as of `verify`; `explicit`: evidence was asked for by name."""

    settings: Settings
    asked: tuple[str, ...]
    explicit: bool
    make: Make | None

    def work(self, subject: Case | PatternAlgorithm) -> int:
        """How much work all of its evidence is."""
        if isinstance(subject, Case):
            return work_of(subject, self.asked)
        return pattern_work_of(subject, self.settings, self.asked)

    def call(self, subject: Case | PatternAlgorithm) -> tuple[Any, ...]:
        """What another process calls for its claims, and what is made of them."""
        own = (subject.algorithm, subject.settings) if isinstance(subject, Case) else (subject, self.settings)
        return _alone, *own, self.asked, self.explicit, self.make


Whole = dict[int, Future[tuple[list[Claim], Any]]]
Floats = dict[int, Future[list[Claim]]]


def _begun(
    question: _Question, known: Mapping[int, Case | PatternAlgorithm], pool: Executor | None, second: Executor | None
) -> tuple[Whole, Floats]:
    """What other processes are at, by the algorithm's identity: all evidence, and float evidence alone.

    known : what those processes have too
    """
    whole: Whole = {}
    floats: Floats = {}
    if pool is not None and not any(isinstance(kinds()[name], OnRequest) for name in question.asked):
        # the longest first, so that all workers end together
        for key, subject in sorted(known.items(), key=lambda item: question.work(item[1]), reverse=True):
            whole[key] = pool.submit(*question.call(subject))
    if pool is None and second is not None and FLOAT in question.asked:
        for key, subject in known.items():
            if isinstance(subject, Case):
                floats[key] = second.submit(floats_of, subject.algorithm, subject.settings)
            else:
                whole[key] = second.submit(*question.call(subject))
    return whole, floats


def _of_a_catalogue(algorithm: Algorithm | PatternAlgorithm) -> bool:
    """Whether another process has the algorithm too: a user's own is this one's alone."""
    known: Mapping[str, Any] = pattern_catalogue() if isinstance(algorithm, PatternAlgorithm) else catalogue()
    return known.get(algorithm.name) is algorithm


def _alone(
    algorithm: Algorithm | PatternAlgorithm, settings: Settings, asked: tuple[str, ...], explicit: bool,
    make: Make | None,
) -> tuple[list[Claim], Any]:  # fmt: skip
    """The claims of one algorithm, and what is made of them, in whatever process this is."""
    if isinstance(algorithm, PatternAlgorithm):
        return pattern_claims(algorithm, settings, asked, silent, explicit), None
    case = Case(algorithm, settings)
    claims = list(establish(case, asked, explicit))
    return claims, None if make is None else make(case, claims)


def ask(evidence: Iterable[str] | None) -> tuple[str, ...]:
    """The kinds of evidence asked for, in order; when None, all but those that run on request only."""
    known = kinds()
    if evidence is None:
        return tuple(name for name, kind in known.items() if not isinstance(kind, OnRequest))
    if not isinstance(evidence, Iterable):
        raise ArgumentError(f"evidence is {shown(evidence)}, wanted some of {', '.join(known)}")
    wanted = [evidence] if isinstance(evidence, str) else list(evidence)
    for name in wanted:
        if not isinstance(name, str):
            raise ArgumentError(f"evidence holds {shown(name)}, wanted some of {', '.join(known)}")
        if name not in known:
            near = near_to(name, known, most=1)
            hint = f"did you mean {near[0]}?" if near else f"wanted some of {', '.join(known)}"
            raise ArgumentError(f"there is no evidence {shown(name)}: {hint}")
    if not wanted:
        raise ArgumentError(f"no evidence is asked for: name some of {', '.join(known)}")
    return tuple(name for name in known if name in wanted)


def with_proof(evidence: list[str] | None, prove: bool) -> list[str] | None:
    """The evidence asked for, the prover's too where that is asked for."""
    return [*ask(evidence), PROVED] if prove else evidence


def check_device(settings: Settings) -> None:
    """Raise before any work when a device or a dtype is named that is not there."""
    default = Settings()
    if (settings.device, settings.dtype) != (default.device, default.dtype):  # those are there
        from ..numeric.device import resolve_device, resolve_dtype  # loads torch

        resolve_device(settings.device)
        resolve_dtype(settings.dtype)


def establish(
    case: Case, asked: Sequence[str], explicit: bool = True, floats: Future[list[Claim]] | None = None
) -> Iterator[Claim]:
    """The claims of one case: each kind of evidence in turn, NOT_RUN where it is not asked for or cannot be run.

    explicit : evidence was asked for by name, so that what does not apply to given weights counts as not run
    floats   : the float evidence, where another process is at it
    """
    derived, refuted = True, False
    given = case.algorithm.heads is not None
    for name, kind in kinds().items():
        claim = f"evidence of the kind {name}"
        not_run = partial(Claim, case.algorithm.name, claim, name, Verdict.NOT_RUN, kind.STRENGTH)
        if name not in asked:
            if isinstance(kind, OnRequest):
                yield kind.recorded(case)
            else:
                yield not_run("not asked for", asked=False)
            continue
        if not derived:
            yield not_run(NEEDS_WEIGHTS)
            continue
        if given and kind.NEEDS == "derivation":
            yield not_run(GIVEN, asked=explicit)
            continue
        if given and kind.NEEDS == "blocks" and (why := case.no_blocks):
            yield not_run(f"{SIZES}: {why}", asked=explicit)
            continue
        case.progress(f"{case.algorithm.name}: {name}")
        try:
            claims = list(kind.establish(case)) if name != FLOAT or floats is None else floats.result()
        except (RefusedError, DiffersError) as error:
            yield refused(case.algorithm.name, claim, name, kind.STRENGTH, error)
            derived = given and getattr(error, "kind", "") == "iteration"  # on numbers such an update runs all the same
        except (NotRepresentableError, NotPolynomialError) as error:
            yield not_run(str(error))
            derived = False
        else:
            refuted = refuted or (name != FLOAT and any(c.verdict is Verdict.REFUTED for c in claims))
            yield from (of_refuted(c) if refuted and name == FLOAT else c for c in claims)
            derived = name != "derived" or all(c.verdict is Verdict.HOLDS or "heads" in c.details for c in claims)


def found_by(case: Case, name: str) -> list[Claim]:
    """The claims of one kind of evidence; one that says why where the construction's functions cannot be traced."""
    kind = kinds()[name]
    try:
        return list(kind.establish(case))
    except (RefusedError, DiffersError) as error:
        return [refused(case.algorithm.name, f"evidence of the kind {name}", name, kind.STRENGTH, error)]
