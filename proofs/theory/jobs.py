"""Files compiled in the order of what they need, several at once, and what went wrong with each."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from ..case import Progress
from .compiled import Store, digest_of
from .prover import Ran, Runner


@dataclass(frozen=True)
class Job:
    """A file to compile: its place without the ending, the command, and the places that it needs first.

    text : its source, where what it compiles to may be kept; else empty
    size : the length of its source, by which it is guessed how long it takes
    """

    place: str
    command: tuple[str, ...]
    needs: frozenset[str]
    text: str = ""
    size: int = 0


@dataclass(frozen=True)
class Trouble:
    """Why a file is not compiled.

    place  : the file where it began
    line   : where the prover located an error, counted from one; 0 where it did not
    misfit : whether the located error says that a term has not the type that was asked for
    """

    place: str
    reason: str
    line: int = 0
    misfit: bool = False


# What the prover says of a term that does not have the type asked for, or of an application that does not fit.
MISFITS = ("has type", "should have type", "is expected to have type", "Unable to unify", "cannot unify",
           "cannot be applied to", "Cannot apply", "Illegal application")  # fmt: skip
AT = re.compile(r'^File "[^"]*?([\w-]+/[\w\']+)\.v", line (\d+), characters \d+-\d+:\n(?=Error)', re.M)


def run_jobs(
    jobs: Sequence[Job], before: Mapping[str, Trouble | str], folder: Path, running: Runner, limit: float,
    progress: Progress, store: Store | None = None,
) -> dict[str, Trouble | str]:  # fmt: skip
    """Run each job once all that it needs is compiled: its standard output, or what went wrong with it or before it.

    before : places that are compiled already, or cannot be
    store  : where compiled files are taken from and kept
    """
    done = dict(before)
    waiting = {j.place: j for j in _longest_first(jobs)}
    current: dict[Future[Trouble | str], str] = {}
    total, most = len(waiting), workers()
    with ThreadPoolExecutor(max_workers=most) as pool:
        try:
            while waiting or current:
                for place, job in list(waiting.items()):
                    bad = next((p for p in sorted(job.needs) if isinstance(done.get(p), Trouble)), None)
                    lost = _lost(place, jobs, done)
                    if bad is not None:
                        del waiting[place]
                        done[place] = _after(bad, done[bad])
                    elif lost is not None:
                        del waiting[place]
                        done[place] = lost
                    elif len(current) < most and all(p in done for p in job.needs):
                        del waiting[place]
                        current[pool.submit(_compile, job, folder, running, limit, store)] = place
                if not current:
                    done.update({p: Trouble(p, f"{p}.v needs what is not there, or itself") for p in waiting})
                    break
                for future in wait(current, return_when=FIRST_COMPLETED).done:
                    done[current.pop(future)] = future.result()
                progress(f"{sum(j.place in done for j in jobs)} of {total} files compiled")
        except BaseException:
            running.stop()
            raise
    return done


STARTING = 4000
"""How much source takes as long as loading the library does, which every file begins with."""


def _longest_first(jobs: Sequence[Job]) -> list[Job]:
    """The jobs by how much must be compiled from each to the last that needs it, the most first."""
    after: dict[str, list[Job]] = {j.place: [] for j in jobs}
    for job in jobs:
        for place in job.needs & after.keys():
            after[place].append(job)
    left: dict[str, int] = {}

    def measure(job: Job, seen: frozenset[str] = frozenset()) -> int:
        if job.place not in left:
            below = [measure(j, seen | {job.place}) for j in after[job.place] if j.place not in seen]
            left[job.place] = STARTING + job.size + max(below, default=0)
        return left[job.place]

    return sorted(jobs, key=measure, reverse=True)


def _lost(place: str, jobs: Sequence[Job], done: Mapping[str, Trouble | str]) -> Trouble | None:
    """The trouble of what needs a file, when nothing is left that could use it."""
    states = [done.get(j.place) for j in jobs if place in j.needs]
    troubles = [s for s in states if isinstance(s, Trouble)]
    return troubles[0] if troubles and len(troubles) == len(states) else None


def _after(place: str, state: Trouble | str) -> Trouble:
    assert isinstance(state, Trouble)
    return state if state.place == place else Trouble(state.place, state.reason, state.line, state.misfit)


def _compile(job: Job, folder: Path, running: Runner, limit: float, store: Store | None) -> Trouble | str:
    compiled, key = folder / f"{job.place}.vo", ""
    if store is not None and job.text:
        needs = {p: digest_of(folder / f"{p}.vo") for p in job.needs}
        key = store.key(job.place, job.command, job.text, needs)
        if store.take(key, job.place, compiled):
            return ""
    ran = running.run(job.command, folder, limit)
    if ran.code == 0:
        if compiled.is_file():
            if store is not None and key:
                store.put(key, compiled)
            return ran.stdout
        return Trouble(job.place, f"the prover said nothing was wrong with {job.place}.v but compiled nothing")
    return trouble(job.place, ran, limit)


def trouble(place: str, ran: Ran, limit: float) -> Trouble:
    """What a failed run says: killed, out of time, out of memory or room, or an error in the file, located or not."""
    file = f"{place}.v"
    if ran.code is None:
        return Trouble(place, f"{file} did not compile within {limit:.0f} s")
    if ran.code < 0 or ran.code > 128:
        number = -ran.code if ran.code < 0 else ran.code - 128
        return Trouble(place, f"the prover was ended by signal {number} while it compiled {file}")
    located = list(AT.finditer(ran.stderr))
    if not located:
        return Trouble(place, f"{file} does not compile: {_line(ran.stderr)}")
    message = ran.stderr[located[-1].end() :]
    line = int(located[-1][2])
    here = located[-1][1] == place
    misfit = here and any(m in " ".join(message.split()) for m in MISFITS)
    return Trouble(place, f"{file} does not compile: line {line}: {_line(message)}", line, misfit)


def _line(text: str) -> str:
    words = " ".join(text.split())
    start = words.rfind("Error")
    return (words[start:] if start >= 0 else words[-300:])[:300]


def workers() -> int:
    """How many programs to run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
