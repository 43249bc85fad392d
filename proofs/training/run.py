"""A run in its folder: what is finished is kept, what was on its way goes on, and the end is numbers and a page.

The folder holds settings.json, seed-K/weights.safetensors and seed-K/measures.json as soon as a group of seeds is
finished, state-G.safetensors while one is on its way, and at the end metrics.json, emergence.svg and index.html.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...numeric.files.locking import locked_folder
from ...numeric.files.placing import place_file
from ...numeric.files.text import read_text
from ...numeric.training.checkpoint import decode
from ...numeric.training.loop import group_seeds, groups
from ...numeric.training.presets import preset_named
from ...numeric.training.settings import Training, from_document
from ...numeric.training.verdicts import VERDICTS, Null, null_of, untrained
from ...symbolic.errors import ArgumentError, ContentError, LayerproofError
from ...symbolic.exact import whole_number
from ...symbolic.kinds import PATH, TEXT
from ...symbolic.strict_json import dumps, loads
from ..case import MAX_WORK, Progress, silent
from .job import MEASURES, WEIGHTS, Job, run_job, saved
from .results import is_measures, metrics, shape_of
from .work import check_work

EVERY = 20.0
"""Seconds between two writings of a state."""
SETTINGS, METRICS, PICTURE, PAGE = "settings.json", "metrics.json", "emergence.svg", "index.html"


@dataclass(frozen=True)
class TrainResult:
    """A finished run: its folder, and the document of its metrics.json."""

    folder: Path
    document: dict[str, Any]

    @property
    def verdicts(self) -> dict[str, dict[str, int]]:
        """How many seeds got which verdict, for each rule."""
        counts_by_rule: dict[str, dict[str, int]] = self.document["verdicts"]
        return counts_by_rule

    def __repr__(self) -> str:
        text = "; ".join(
            f"{rule}: " + ", ".join(f"{counts[v]} {v}" for v in VERDICTS) for rule, counts in self.verdicts.items()
        )
        return f"<trained: {text or 'outside the exact theory'}>"


def chosen(preset: str, changes: dict[str, Any], max_work: int = MAX_WORK) -> Training:
    """A preset's settings with some of them changed; `ArgumentError` names what does not fit.

    A width that is not given is the number of seeds, at most 32.  Raises `WorkLimitError` where what may be lost at a
    stop, or memory, is above `max_work`.
    """
    TEXT.check(preset=preset)
    whole_number("max_work", max_work, 1)
    base = preset_named(preset).settings
    known = {name: value for name, value in changes.items() if value is not None}
    if "seeds" in known and "width" not in known:
        known["width"] = max(1, min(int(known["seeds"]), 32))
    settings = from_document({**base.document(), **known})
    check_work(settings, max_work)
    return settings


def train(
    preset: str = "main",
    output: str | os.PathLike[str] = "layerproof-train",
    *,
    executor: Executor | None = None,
    device: str = "cpu",
    null: int = 0,
    progress: Progress = silent,
    max_work: int = MAX_WORK,
    **settings: Any,
) -> TrainResult:
    """Train networks by multi-task deep TD and judge what each has learned; the same call goes on where it was stopped.

    preset    a published experiment by name; `settings` change what it says: processes, seeds, layers, d, n, ...
    output    the run's folder
    executor  where groups of `width` seeds run; None trains them here, one group after another
    null      also train so many networks on rewards in disorder, to hold the verdicts against
    max_work  the limit on what lies between two states that are kept, and on memory
    Raises `ArgumentError` for settings that do not fit, for a folder of another run, and for one that another process
    is writing.
    Source: Wang, Blaser, Daneshmand, Zhang 2025 (arXiv 2405.13861), Algorithm 1.

    >>> import tempfile, layerproof as lp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lp.train("tiny", folder, processes=4)
    <trained: td0: 0 reached, 0 half-way, 3 not reached>
    """
    PATH.check(output=output)
    own = chosen(preset, settings, max_work)
    place = Path(output)
    _claim(place, own)
    with locked_folder(place, "training run"):
        _train_groups(place, own, executor, device, progress, "training")
        nulls = [untrained(own)] if own.exact else []
        if null and own.exact:
            nulls.append(_shuffled(place, own, null, executor, device, progress))
        seeds = _all_measured(place, own.seeds)
        document = metrics(own, seeds, nulls)
        progress("pictures: drawing")
        _finish(place, own, document)
    return TrainResult(place, document)


def _finish(place: Path, settings: Training, document: dict[str, Any]) -> None:
    from ...numeric.training.architecture import Architecture
    from .page import matrices, page
    from .pictures import emergence

    weights = {seed: (place / f"seed-{seed}" / WEIGHTS).read_bytes() for seed in range(1, settings.seeds + 1)}
    for seed, content in weights.items():
        try:
            matrices(Architecture.of(settings), content)
        except ContentError as error:
            path = place / f"seed-{seed}" / WEIGHTS
            raise ContentError(f"{path}: {error}: delete it to train that seed again") from None
    place_file(place / METRICS, dumps(document))
    place_file(place / PICTURE, emergence(document)[0])
    place_file(place / PAGE, page(settings, document, weights))


def _claim(place: Path, settings: Training) -> None:
    """Make the folder this run's; `ArgumentError` when it is another's or holds something else."""
    text = dumps({"settings": settings.document()})
    path = place / SETTINGS
    if path.is_file():
        try:
            there = from_document(loads(read_text(path))["settings"])
        except (ContentError, ArgumentError, KeyError, TypeError):
            raise ContentError(f"{path}: is no settings file of a training run") from None
        if replace(there, seeds=settings.seeds) != settings:
            a, b = there.document(), settings.document()
            name = next(k for k in a if a[k] != b[k] and k != "seeds")
            raise ArgumentError(
                f"output: {place} holds a run with {name} {a[name]}, and {b[name]} is asked for: name another folder"
            )
    elif place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ArgumentError(f"output: {place} exists and is no training run, wanted a new folder or an earlier run")
    try:
        place.mkdir(parents=True, exist_ok=True)
        place_file(path, text)
    except OSError as error:
        raise ArgumentError(f"output: {place} cannot be written: {error.strerror or error}") from None


def _train_groups(
    place: Path, settings: Training, executor: Executor | None, device: str, progress: Progress, what: str,
    numbers: Iterable[int] | None = None,
) -> None:  # fmt: skip
    """Train every group that is not finished yet, and put its seeds' files in place."""
    chosen_groups = list(groups(settings) if numbers is None else numbers)
    waiting = [g for g in chosen_groups if not _finished(place, settings, g)]
    told = _Told(progress, what, settings.processes * len(chosen_groups), len(chosen_groups) - len(waiting), settings)
    jobs = [Job(settings.document(), g, device, _state(place, settings, g)) for g in waiting]
    if executor is None:
        for job in jobs:
            _here(place, job, told)
        return
    flying: dict[Future[dict[str, bytes]], Job] = {executor.submit(run_job, job): job for job in jobs}
    try:
        while flying:
            done, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in done:
                job = flying.pop(future)
                error = future.exception()
                if isinstance(error, LayerproofError):
                    raise error
                if error is not None:
                    raise LayerproofError(
                        f"the executor failed: {type(error).__name__}: {error}; finished seeds stay, and the same "
                        "command goes on from there"
                    ) from error
                _keep(place, job, future.result())
                told.finished()
    finally:
        for future in flying:
            future.cancel()


def _here(place: Path, job: Job, told: _Told) -> None:
    """Train a group in this process, its state written now and then and whenever it is cut off."""
    path = _state_path(place, job.group)
    last: Any = None
    written = time.monotonic()

    def seen(state: Any) -> None:
        nonlocal last, written
        last = state
        if time.monotonic() - written >= EVERY:
            place_file(path, saved(state, job))
            written = time.monotonic()
        told.at(state.done)

    try:
        files = run_job(job, seen)
    except BaseException:
        if last is not None:
            place_file(path, saved(last, job))
        raise
    _keep(place, job, files)
    told.finished()


class _Told:
    """Progress with an estimate, from the processes of this call alone."""

    def __init__(self, progress: Progress, what: str, total: int, finished: int, settings: Training):
        self.progress, self.what, self.each = progress, what, settings.processes
        self.total, self.behind = max(total, 1), finished * settings.processes
        self.start: tuple[float, int] | None = None
        self.tenth, self.subject = -1, ""

    def at(self, done: int) -> None:
        """So many processes of the group that runs are behind."""
        now = self.behind + done
        if self.start is None:
            self.start = (time.monotonic(), now)
        since, first = self.start
        left = ""
        if now > first:
            left = f", {in_words((self.total - now) * (time.monotonic() - since) / (now - first))} left"
        if self.tenth != (tenth := 10 * now // self.total):  # a log gets a line a tenth
            self.tenth, self.subject = tenth, f"{self.what}, {10 * tenth}%{left}"
        self.progress(f"{self.subject}: {now} of {self.total} processes")

    def finished(self) -> None:
        """A group is finished."""
        self.behind += self.each
        self.at(0)


def in_words(seconds: float) -> str:
    """A time to wait.

    >>> in_words(20), in_words(200), in_words(20000)
    ('20 s', '4 min', '5.6 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60 + 0.5:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _keep(place: Path, job: Job, files: dict[str, bytes]) -> None:
    """Put a finished group's files in place, the measures last of all: they say that a seed is finished."""
    for name in sorted(files, key=lambda name: name.endswith(MEASURES)):
        path = place / name
        path.parent.mkdir(exist_ok=True)
        place_file(path, files[name])
    _state_path(place, job.group).unlink(missing_ok=True)


def _state_path(place: Path, group: int) -> Path:
    return place / f"state-{group + 1}.safetensors"


def _state(place: Path, settings: Training, group: int) -> bytes | None:
    path = _state_path(place, group)
    if not path.is_file():
        return None
    content = path.read_bytes()
    try:
        decode(content, settings, group)
    except ContentError as error:
        raise ContentError(f"{path}: {error}: delete it to train these seeds from the start") from None
    return content


def _finished(place: Path, settings: Training, group: int) -> bool:
    seeds = [seed for seed in group_seeds(settings, group) if seed <= settings.seeds]
    return all(_known(place, seed, settings) for seed in seeds)


def _known(place: Path, seed: int, settings: Training) -> bool:
    folder = place / f"seed-{seed}"
    return (
        (folder / MEASURES).is_file()
        and (folder / WEIGHTS).is_file()
        and (_measured(place, seed).get("settings") == settings.digest)
    )


def _measured(place: Path, seed: int) -> dict[str, Any]:
    path = place / f"seed-{seed}" / MEASURES
    try:
        document = loads(read_text(path))
    except ContentError as error:
        raise ContentError(f"{path}: {error}: delete it to train that seed again") from None
    if not is_measures(document):
        raise ContentError(f"{path}: holds no measures of a trained network: delete it to train that seed again")
    measures: dict[str, Any] = document
    return measures


def _all_measured(place: Path, seeds: int) -> list[dict[str, Any]]:
    """The measures of every seed, which are the same ones at the same log points."""
    measures = [_measured(place, seed) for seed in range(1, seeds + 1)]
    for seed, document in enumerate(measures, 1):
        if shape_of(document) != shape_of(measures[0]):
            path = place / f"seed-{seed}" / MEASURES
            raise ContentError(f"{path}: has other measures than seed 1: delete it to train that seed again")
    return measures


def _shuffled(
    place: Path, settings: Training, networks: int, executor: Executor | None, device: str, progress: Progress
) -> Null:
    """Networks trained on rewards in disorder, kept in a folder of their own inside the run's."""
    own = replace(settings, shuffled=True, seeds=networks)
    inner = place / "null"
    _claim(inner, own)
    _train_groups(inner, own, executor, device, progress, "training on rewards in disorder")
    measures = _all_measured(inner, networks)
    import torch

    final = {
        name: torch.tensor([float("nan") if s["final"][name] is None else s["final"][name] for s in measures])
        for name in measures[0]["final"]
    }
    return null_of("rewards in disorder", final)
