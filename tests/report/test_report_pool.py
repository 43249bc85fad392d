"""A report whose algorithms several processes share is the report that one process makes."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from layerproof.proofs.case import Settings
from layerproof.proofs.checker import verify
from layerproof.proofs.report.build import establish
from layerproof.proofs.report.writers import html
from layerproof.proofs.sweep import workers
from layerproof.symbolic.errors import ArgumentError, WorkLimitError

SMALL = Settings(features=2, context=3, layers=2, trials=2)


class Pickling(Executor):
    """What a pool of processes does to arguments and results, in this process."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def submit(self, function: Any, /, *given: Any, **more: Any) -> Future[Any]:
        future: Future[Any] = Future()
        # the function's own first argument, or that of the partial one
        self.ran.append((given or function.args)[0].name)
        try:
            run, given = pickle.loads(pickle.dumps((function, given)))
            future.set_result(pickle.loads(pickle.dumps(run(*given, **more))))
        except Exception as error:
            future.set_exception(pickle.loads(pickle.dumps(error)))
        return future


def test_shared_or_not_the_report_is_the_same() -> None:
    pool, names = Pickling(), ("least-squares", "td0")
    shared, result = establish(names, SMALL, ["derived", "identity-exact"], pool=pool)
    alone, wanted = establish(names, SMALL, ["derived", "identity-exact"])
    assert pool.ran == ["td0", "least-squares"]  # evidence, the longest first, and its page beside it
    assert html.write(shared) == html.write(alone) and result == wanted


def test_a_file_of_one_s_own_with_a_name_of_the_catalogue_has_its_own_page(tmp_path: Path) -> None:
    """The page that was made beside the catalogue's td0 is not that of another td0."""
    own = tmp_path / "own.py"
    own.write_text(
        "from dataclasses import replace\nfrom layerproof.symbolic.algorithms import find\n"
        'ALGORITHM = replace(find("td0"), title="Another TD(0)")\n'
    )
    pool = Pickling()
    report, _ = establish((str(own), "td0"), SMALL, ["derived"], pool=pool)
    assert [page.title for page in report.pages] == ["Another TD(0)", "TD(0)"] and pool.ran == ["td0"]


def test_what_is_asked_of_some_of_them_is_asked_of_those() -> None:
    settings = Settings(features=2, context=3, layers=2, trials=2, trace="lam", values={"beta": Fraction(1, 3)})
    names, asked = ("td-lambda", "several-discounts"), ["derived", "identity-exact"]
    assert establish(names, settings, asked, pool=Pickling())[1] == establish(names, settings, asked)[1]
    for wrong in ({"trace": "lam"}, {"values": {"nu": Fraction(1)}}):
        with pytest.raises(ArgumentError):
            establish(("td0", "gtd2"), Settings(**{**SMALL.__dict__, **wrong}), asked, pool=Pickling())


def test_verify_shares_its_algorithms_too() -> None:
    pool, names = Pickling(), ("td0", "dynamic-programming", "average-reward-td")
    settings = Settings(features=2, context=2, layers=2, trials=2)
    assert verify(*names, settings=settings, pool=pool) == verify(*names, settings=settings)
    longest_first = ["average-reward-td", "td0", "dynamic-programming"]
    assert pool.ran == longest_first
    with pytest.raises(WorkLimitError):
        verify(*names, settings=Settings(features=2, context=2, layers=2, max_work=1), pool=pool)
    assert pool.ran == longest_first


def test_what_one_of_them_raises_is_raised() -> None:
    with pytest.raises(WorkLimitError, match="above the limit"):
        establish(("td0", "gtd2"), Settings(features=2, context=3, layers=2, max_work=1), pool=Pickling())


def test_few_jobs_start_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Pool:
        def __init__(self, count: int, ready: Sequence[str]) -> None:
            started.append(count)

        def stop(self) -> None:
            started.append(0)

    monkeypatch.setattr(workers, "WorkerProcesses", Pool)
    monkeypatch.setattr(workers, "default_workers", lambda: 8)
    for jobs, expected in ((1, []), (3, []), (4, [2, 0]), (23, [4, 0])):
        started.clear()
        with workers.shared_by(jobs):
            pass
        assert started == expected
    monkeypatch.setattr(workers, "default_workers", lambda: 1)
    with workers.shared_by(23) as pool:
        assert pool is None


def test_workers_are_forked_with_one_thread_from_a_process_that_has_imported_what_they_need() -> None:
    before = dict(os.environ)
    pool = workers.WorkerProcesses(1, ("fractions",))
    try:
        assert os.environ == before
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    finally:
        pool.stop()
