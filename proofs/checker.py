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
from .verdict import NEEDS_WEIGHTS, Claim, Result, Verdict, disagreement, of_refuted, refused
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
    asked = ask(evidence)
    load_limit = min(LOAD_LIMIT, settings.time_limit)
    named = [resolve_any(a, load_limit) for a in algorithms] or [*catalogue().values(), *pattern_catalogue().values()]
    chosen = list({id(a): a for a in named}.values())  # one named twice is checked once
    own = [a for a in chosen if isinstance(a, OwnConstruction)]
    updates = [a for a in chosen if isinstance(a, Algorithm)]
    patterned = [a for a in chosen if isinstance(a, PatternAlgorithm)]
    check_parameters(settings.values, (name for a in chosen for name in a.parameters))
    if settings.trace is not None and not any("trace" in a.options for a in updates):
        keep = "keeps" if len(chosen) == 1 else "keep"
        raise ArgumentError(
            f"trace is {shown(settings.trace)}, but {', '.join(a.name for a in chosen)} {keep} no trace: leave it out"
        )
    if settings.prompt is not None:
        settings = replace(settings, features=settings.prompt.d, context=settings.prompt.n)
    if not algorithms:  # of everything each is checked at the nearest sizes that it is stated for
        settings = replace(settings, asked=frozenset())
    total = len(chosen)
    each = [fitted(a, settings) for a in updates]
    notes = tuple(note for _, note in each if note)
    if len(chosen) == len(each) == 1:
        ((settings, _),) = each
    cases = [
        Case(a, own, progress=counted(progress, k, total))
        for k, (a, (own, _)) in enumerate(zip(updates, each, strict=True), 1)
    ]
    for case in cases:
        case.algorithm.choose(case.options)
        check_work(case, asked)
    if updates or patterned:
        check_device(settings)
    about: list[tuple[Subject | PatternAlgorithm, list[Claim]]] = []
    with guarded(chosen, settings.time_limit):
        explicit = evidence is not None
        running: dict[int, Future[Any]] = {}
        floats: dict[int, Future[list[Claim]]] = {}
        if pool is None and second is not None and FLOAT in asked:
            for case in cases:
                if _of_a_catalogue(case.algorithm):
                    floats[id(case)] = second.submit(floats_of, case.algorithm, case.settings)
            for a in patterned:
                if _of_a_catalogue(a):
                    running[id(a)] = second.submit(pattern_claims, a, settings, asked, silent, explicit)
        if pool is not None and not any(isinstance(kinds()[name], OnRequest) for name in asked):
            make = None if beside is None else beside.make
            shared: list[tuple[int, Any, tuple[Any, ...]]] = [
                (work_of(case, asked), case, (_alone, case.algorithm, case.settings, asked, explicit, make))
                for case in cases
                if _of_a_catalogue(case.algorithm)
            ]
            shared += [
                (pattern_work_of(a, settings, asked), a, (pattern_claims, a, settings, asked, silent, explicit))
                for a in patterned
                if _of_a_catalogue(a)
            ]
            shared.sort(key=lambda job: job[0], reverse=True)  # so that all workers end together
            running = {id(subject): pool.submit(*call) for _, subject, call in shared}
        for case in cases:
            if id(case) in running:
                case.progress(f"{case.algorithm.name}: all evidence")
                established, made = running[id(case)].result()
                if beside is not None:
                    beside.made[case.algorithm.name] = made
            else:
                established = list(establish(case, asked, explicit, floats.get(id(case))))
            about.append((case.algorithm, established))
        for k, construction in enumerate(own, len(cases) + 1):
            about.append((construction, own_claims(construction, settings, asked, counted(progress, k, total))))
        for k, algorithm in enumerate(patterned, len(cases) + len(own) + 1):
            told = counted(progress, k, total)
            if id(algorithm) in running:
                told(f"{algorithm.name}: all evidence")
                established = running[id(algorithm)].result()
            else:
                established = pattern_claims(algorithm, settings, asked, told, explicit)
            about.append((algorithm, established))
    claims = tuple(c for _, established in about for c in established)
    subjects = tuple((subject, len(established)) for subject, established in about)
    return Result("verify", settings.document(), claims, fault=disagreement(claims), notes=notes, subjects=subjects)


def _of_a_catalogue(algorithm: Algorithm | PatternAlgorithm) -> bool:
    """Whether another process has the algorithm too: a user's own is this one's alone."""
    known: Mapping[str, Any] = pattern_catalogue() if isinstance(algorithm, PatternAlgorithm) else catalogue()
    return known.get(algorithm.name) is algorithm


def _alone(
    algorithm: Algorithm, settings: Settings, asked: tuple[str, ...], explicit: bool, make: Make | None
) -> tuple[list[Claim], Any]:
    """The claims of one algorithm, and what is made of them, in whatever process this is."""
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
