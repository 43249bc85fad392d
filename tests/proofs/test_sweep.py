"""A sweep over an executor: resumed and never run twice, damage noticed, deaths counted, and what is shown."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import BrokenExecutor, CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sweep_files
from cli import assert_refused, python, run_cli
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep_files import Batched, Inline, runs

from layerproof.proofs.cli import run as run_command
from layerproof.proofs.sweep.picture import MARK, shape, svg
from layerproof.proofs.sweep.point import not_run, run_point
from layerproof.proofs.sweep.results import Results, line_of, record_of
from layerproof.proofs.sweep.run import DEATHS, SweepResult, run_sweep
from layerproof.proofs.sweep.spec import Grid, read_sweep
from layerproof.proofs.sweep.summary import command_of, document, groups_of, rows, varying
from layerproof.proofs.sweep.workers import THREAD_VARIABLES, WorkerProcesses, prepare_worker
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.errors import ArgumentError, ContentError, LayerproofError

pytestmark = pytest.mark.slow

SCALE_LABEL = re.compile(r">(1e-[0-9]+|1)</text>")
GAMMAS = ["1/2", "1/3", "1/4", "1/5"]


class KilledWorker(Exception):
    """Stands for Dask's."""


def made(folder: Path, gammas: list[str] = GAMMAS, wanted: str = "pass") -> tuple[Grid, Path]:
    return read_sweep(sweep_files.write(folder, gammas, wanted)), folder / "results.jsonl"


def verdicts(result: SweepResult) -> list[str]:
    return [record["verdict"] for record in result.records]


# running, and going on


NO_GUARD = """
from functools import partial
import layerproof as lp
from layerproof.proofs.sweep.workers import WorkerProcesses
lp.run_sweep(lp.read_sweep("sweep.toml"), partial(WorkerProcesses, 1), "results.jsonl")
"""


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_what_to_write_and_nothing_is_recorded(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "script.py").write_text(NO_GUARD)
    ran = python("script.py", cwd=tmp_path)
    assert ran.returncode == 1 and "no worker can start, so nothing is recorded: " in ran.stderr.splitlines()[-1]
    assert "under if __name__ == '__main__':" in ran.stderr and (tmp_path / "results.jsonl").read_bytes() == b""


def test_each_point_runs_once_and_is_a_line_in_its_file(tmp_path: Path) -> None:
    sweep, path = made(tmp_path, ["1/2", "1"])
    result = run_sweep(sweep, Inline(), path)
    assert verdicts(result) == ["HOLDS", "REFUTED"] and result.exit_code == 1 and not result
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["digest"] for line in lines] == [p.digest for p in sweep.points]
    assert runs(tmp_path)["1/2"] == 1


def test_a_second_run_finds_everything_and_runs_nothing(tmp_path: Path) -> None:
    sweep, path = made(tmp_path)
    first = run_sweep(sweep, Inline(), path)
    before = path.read_bytes()
    again = Inline()
    second = run_sweep(sweep, again, path)
    assert again.submitted == [] and path.read_bytes() == before
    assert second.records == first.records and (second.ran, second.found) == (0, 4)
    assert runs(tmp_path) == dict.fromkeys(GAMMAS, 1)


def test_a_larger_grid_runs_only_what_is_new_in_the_same_file(tmp_path: Path) -> None:
    sweep, path = made(tmp_path, GAMMAS[:2])
    run_sweep(sweep, Inline(), path)
    larger, _ = made(tmp_path)
    executor = Inline()
    result = run_sweep(larger, executor, path)
    assert executor.submitted == GAMMAS[2:] and len(result.records) == 4
    smaller = run_sweep(sweep, Inline(), path)  # records of other grids stay, and are not counted
    assert len(smaller.records) == 2 and len(path.read_text().splitlines()) == 4


@pytest.mark.slow
@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_wherever_a_kill_cuts_the_file_nothing_is_lost_or_run_twice(
    tmp_path_factory: pytest.TempPathFactory, at: int, finished: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    sweep, path = made(folder)
    whole = run_sweep(sweep, Inline(), path)
    lines = path.read_bytes().splitlines(keepends=True)[:finished]
    kept = sum(map(len, lines[:-1])) + at % len(lines[-1])
    path.write_bytes(b"".join(lines)[:kept])
    executor = Inline()
    result = run_sweep(sweep, executor, path)
    assert executor.submitted == GAMMAS[finished - 1 :] and result.cut == at % len(lines[-1])
    without = [{k: v for k, v in r.items() if k != "seconds"} for r in (*whole.records, *result.records)]
    assert without[:4] == without[4:] and len(path.read_bytes().splitlines()) == 4
    assert run_sweep(sweep, Inline(), path).found == 4  # and it can be read


def test_threads_are_an_executor_too(tmp_path: Path) -> None:
    sweep, path = made(tmp_path)
    with ThreadPoolExecutor(1) as executor:
        assert run_sweep(sweep, executor, path, at_once=2)
        assert executor.submit(int).result() == 0  # one that was given is not shut down


def test_progress_is_told(tmp_path: Path) -> None:
    sweep, path = made(tmp_path)
    told: list[str] = []
    run_sweep(sweep, Inline(), path, told.append, at_once=1)
    assert told == [f"sweep, {p}%: {k} of 4 points" for k, p in enumerate((20, 50, 70, 100), 1)]


# a damaged file


@pytest.mark.slow
@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_byte_that_changed_is_noticed_in_its_line(
    tmp_path_factory: pytest.TempPathFactory, at: int, by: int
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    sweep, path = made(folder, GAMMAS[:3])
    run_sweep(sweep, Inline(), path)
    content = bytearray(path.read_bytes())
    second = content.index(b"\n") + 1
    length = content.index(b"\n", second) + 1 - second
    content[second + at % length] ^= by
    path.write_bytes(content)
    with pytest.raises(ContentError, match=r"results.jsonl, line 2: .*delete that line to run"):
        run_sweep(sweep, Inline(), path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [b"hello", b"hello\n", b"{}\n", b"[]\n", b"\n", b"null\n", b'{"bound": 1}\n', b"\x00" * 50, b"\xff\xfe\n", b'{"a"',
     b"{", b'{"bound":' + b"[" * 20000 + b"\n", b'{"bound":' + b"1" * 5000 + b"\n", b"x" * (2**20 + 2)],
)  # fmt: skip
def test_a_file_that_holds_something_else_is_left_alone(tmp_path: Path, content: bytes) -> None:
    sweep, path = made(tmp_path, ["1/2"])
    path.write_bytes(content)
    if content == b"{":  # what a kill can leave
        assert run_sweep(sweep, Inline(), path).cut == 1
        return
    with pytest.raises(ContentError, match=r"results.jsonl, line 1: "):
        run_sweep(sweep, Inline(), path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "REFUTED"}, {"verdict": "GOOD"}, {"exit_code": 1}, {"digest": "0" * 64}, {"seconds": "1"},
        {"schema": 2}, {"claims": [1]}, {"claims": [{}]}, {"ratio": "1"}, {"more": 1}, {"specification": {}},
        {"deaths": True},
    ],
)  # fmt: skip
def test_a_record_edited_together_with_its_seal_is_still_checked(tmp_path: Path, change: dict[str, Any]) -> None:
    sweep, _ = made(tmp_path, ["1/2"])
    record = run_point(sweep.points[0])
    assert record_of(line_of(record)) == record
    with pytest.raises(ContentError):
        record_of(line_of({**record, **change}))


def test_a_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    sweep, _ = made(tmp_path, ["1/2"])
    line = line_of(run_point(sweep.points[0]))
    with pytest.raises(ContentError, match="not finite"):
        record_of(line.replace(b'"bound":null', b'"bound":1e999', 1))


def test_a_point_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    sweep, path = made(tmp_path, ["1/2"])
    run_sweep(sweep, Inline(), path)
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(ContentError, match="line 2: the same point is there already"):
        run_sweep(sweep, Inline(), path)


def test_a_finished_point_cannot_be_appended_again(tmp_path: Path) -> None:
    sweep, path = made(tmp_path, ["1/2"])
    record = run_point(sweep.points[0])
    with Results(path) as results:
        results.append(record)
        with pytest.raises(LayerproofError, match="must not run twice"):
            results.append(record)
    assert len(path.read_bytes().splitlines()) == 1


def test_two_sweeps_on_one_file_at_once_are_refused(tmp_path: Path) -> None:
    sweep, path = made(tmp_path)
    executor = Inline()
    with Results(path), pytest.raises(ArgumentError, match=r"results.jsonl: another sweep is writing it"):
        run_sweep(sweep, executor, path)
    assert executor.submitted == [] and run_sweep(sweep, executor, path)


def test_results_go_to_regular_files_only(tmp_path: Path) -> None:
    for place in (tmp_path, Path("/dev/null")):
        with pytest.raises(ArgumentError, match="is no regular file"):
            Results(place)


class FullDisk:
    """A file on a disk that fills in the middle of the write after the first."""

    def __init__(self, file: Any):
        self.file, self.writes = file, 0

    def write(self, data: bytes) -> int:
        self.writes += 1
        if self.writes == 2:
            self.file.write(data[:100])
            raise OSError(28, "No space left on device")
        return int(self.file.write(data[:1000]) if self.writes == 1 else self.file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def test_a_disk_that_fills_is_told_and_the_file_stays_whole(tmp_path: Path) -> None:
    sweep, path = made(tmp_path, GAMMAS[:2])
    records = [run_point(point) for point in sweep.points]
    with Results(path) as results:
        results.append(records[0])
        whole = path.read_bytes()
        results._file = FullDisk(results._file)  # type: ignore[assignment]
        with pytest.raises(
            LayerproofError, match=r"cannot be written: No space left on device; its whole lines stay"
        ) as told:
            results.append(records[1])  # the first write is a short one
        assert (
            told.value.exit_code == 5 and path.read_bytes() == whole and list(results.records) == [records[0]["digest"]]
        )
    assert run_sweep(sweep, Inline(), path).ran == 1


# workers that die


def test_a_point_whose_workers_died_is_tried_again_then_alone_then_recorded(tmp_path: Path) -> None:
    sweep, path = made(tmp_path)
    pools: list[Inline] = []
    failing = {"1/3": [BrokenExecutor() for _ in range(DEATHS)], "1/2": [BrokenExecutor()]}

    def pool() -> Inline:
        pools.append(Inline(failing))
        return pools[-1]

    result = run_sweep(sweep, pool, path, at_once=2)
    assert verdicts(result) == ["HOLDS", "NOT_RUN", "HOLDS", "HOLDS"] and result.exit_code == 3
    assert "its worker died 3 times, the last time with no other beside" in result.records[1]["reason"]
    assert [record["deaths"] for record in result.records] == [1, 3, 0, 0]
    assert pools[-1].submitted == ["1/3"] and len(pools) == 3


def test_nobody_is_given_up_for_deaths_that_others_may_have_caused(tmp_path: Path) -> None:
    sweep, path = made(tmp_path, GAMMAS[:2])
    failing = {gamma: [BrokenExecutor() for _ in range(DEATHS - 1)] for gamma in GAMMAS}
    result = run_sweep(sweep, lambda: Inline(failing), path, at_once=2)
    assert verdicts(result) == ["HOLDS", "HOLDS"] and [r["deaths"] for r in result.records] == [2, 2]


def test_whoever_ran_beside_a_killer_is_tried_without_it(tmp_path: Path) -> None:
    sweep, path = made(tmp_path, GAMMAS[:3])
    result = run_sweep(sweep, lambda: Batched({"1/3"}), path, at_once=3)
    assert verdicts(result) == ["HOLDS", "NOT_RUN", "HOLDS"]
    assert runs(tmp_path) == {"1/2": 1, "1/4": 1}


def test_an_executor_that_cannot_be_replaced_stops_the_sweep_for_another_to_go_on(tmp_path: Path) -> None:
    sweep, path = made(tmp_path)
    with pytest.raises(LayerproofError, match="takes no more points; what is finished is written down"):
        run_sweep(sweep, Inline({"1/3": [BrokenExecutor()]}), path, at_once=2)
    executor = Inline()
    assert run_sweep(sweep, executor, path) and executor.submitted == GAMMAS[1:]
    assert runs(tmp_path) == dict.fromkeys(GAMMAS, 1)


def test_workers_that_die_whatever_they_do_stop_the_sweep(tmp_path: Path) -> None:
    sweep, path = made(tmp_path, [*GAMMAS, "1/6"])
    failing = {gamma: [BrokenExecutor() for _ in range(100)] for gamma in (*GAMMAS, "1/6")}
    with pytest.raises(LayerproofError, match="workers die whatever they are given"):
        run_sweep(sweep, lambda: Inline(failing), path, at_once=2)


def test_what_dask_gave_up_is_recorded_as_not_run_and_tried_again_on_request(tmp_path: Path) -> None:
    sweep, path = made(tmp_path)
    first = run_sweep(sweep, Inline({"1/3": [KilledWorker("tried 3 times")] * 2}), path)
    assert verdicts(first) == ["HOLDS", "NOT_RUN", "HOLDS", "HOLDS"] and "tried 3 times" in first.records[1]["reason"]
    executor = Inline()
    assert run_sweep(sweep, executor, path).exit_code == 3 and executor.submitted == []
    assert run_sweep(sweep, executor, path, retry=True).exit_code == 0 and executor.submitted == ["1/3"]
    assert run_sweep(sweep, executor, path).exit_code == 0 and len(path.read_bytes().splitlines()) == 5


def test_what_dask_blames_is_tried_again_alone(tmp_path: Path) -> None:
    sweep, path = made(tmp_path)
    executor = Inline({gamma: [KilledWorker()] for gamma in GAMMAS[:2]})
    result = run_sweep(sweep, executor, path)
    assert result.exit_code == 0 and [r["deaths"] for r in result.records] == [1, 1, 0, 0]
    assert executor.submitted == GAMMAS + GAMMAS[:2]


@pytest.mark.parametrize("error", [CancelledError(), OSError("the scheduler is gone"), TypeError("cannot pickle")])
def test_an_executor_that_fails_otherwise_loses_nothing_and_blames_no_point(tmp_path: Path, error: Exception) -> None:
    sweep, path = made(tmp_path)
    with pytest.raises(LayerproofError, match=f"the executor failed: {type(error).__name__}"):
        run_sweep(sweep, Inline({"1/4": [error]}), path, at_once=1)
    assert run_sweep(sweep, Inline(), path) and runs(tmp_path) == dict.fromkeys(GAMMAS, 1)


def test_worker_processes_are_single_threaded_and_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "2")
    pool = WorkerProcesses(1)
    assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
    assert pool.submit(eval, "__import__('torch').get_num_threads()").result() == 1
    assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
    pool.stop()
    prepare_worker()
    assert all(os.environ[name] == "1" for name in THREAD_VARIABLES)


# what is shown


def results_of(folder: Path) -> SweepResult:
    """td0 and tdc in two formats, one of them too coarse to decide, a wrong construction and a point not run."""
    sweep_files.write(folder, ["1"])
    path = folder / "mixed.toml"
    path.write_text(
        'algorithm = ["td0", "tdc", "./still.py"]\nd = 2\nn = 40\nL = [1, 2]\ndtype = ["float64", "bfloat16"]\n'
        'evidence = ["identity-exact", "float"]\ntrials = 1\nexact_trials = 1\ngamma = 1\n'
    )
    sweep = read_sweep(path)
    records = [run_point(point) for point in sweep.points]
    records[0] = not_run(sweep.points[0], "<its worker> & died")
    return SweepResult(tuple(records), "r.jsonl", len(records), 0, 0)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    return results_of(tmp_path_factory.mktemp("mixed"))


def test_the_summary_counts_by_what_varies(mixed: SweepResult) -> None:
    assert groups_of(mixed.records) == ["algorithm", "dtype"] and varying(mixed.records, ("d", "L", "seed")) == ["L"]
    counted = {
        (*row.values.values(),): {v.value: k for v, k in row.counts.items()}
        for row in rows(mixed.records, groups_of(mixed.records))
    }
    assert counted == {
        ("td0", "float64"): {"NOT_RUN": 1, "HOLDS": 1},
        ("td0", "bfloat16"): {"UNDECIDED": 2},
        ("tdc", "float64"): {"HOLDS": 2},
        ("tdc", "bfloat16"): {"UNDECIDED": 2},
        ("./still.py", "float64"): {"REFUTED": 2},
        ("./still.py", "bfloat16"): {"REFUTED": 2},
    }
    worst = max(r["ratio"] for r in mixed.records if r["specification"]["algorithm"] == "tdc" and r["ratio"])
    ratios = [row.ratio for row in rows(mixed.records, ["algorithm"])]
    assert ratios[1] == worst and rows(mixed.records[:1], ["algorithm"])[0].ratio is None and mixed.exit_code == 1


def test_the_document_counts_as_the_records_do(mixed: SweepResult) -> None:
    counted = json.loads(json.dumps(document(mixed, {})))
    counts = Counter(r["verdict"] for r in mixed.records)
    for rows_ in (counted["rows"], counted["axes"]["L"]):
        assert {v.value: sum(row["counts"][v.value] for row in rows_) for v in Verdict} == {
            **dict.fromkeys(Verdict, 0),
            **counts,
        }
    assert {c["details"]["point"] for c in counted["claims"]} < {p["digest"] for p in counted["points"]}


def test_the_command_shown_for_a_point_gives_its_verdict(
    mixed: SweepResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_files.write(tmp_path, ["1"])
    monkeypatch.chdir(tmp_path)
    for record in mixed.records[1:]:
        program, *arguments = shlex.split(command_of(record["specification"]))
        assert program == "layerproof" and run_command(arguments) == record["exit_code"]


def test_how_floats_ran_is_in_the_command_shown_for_a_point(tmp_path: Path) -> None:
    path = tmp_path / "how.toml"
    how = 'order = "scores-first"\ncompiled = true\n'
    path.write_text(f'algorithm = "td0"\nd = 2\nn = 2\nL = 1\nevidence = "float"\ntrials = 1\n{how}', encoding="utf-8")
    (point,) = read_sweep(path).points
    _, *arguments = shlex.split(command_of(point.specification))
    assert arguments[-5:] == ["--order", "scores-first", "--compile", "--evidence", "float"]
    arguments.remove("--compile")  # which takes its time
    assert run_command(arguments) == 0
    path.write_text(path.read_text(encoding="utf-8").replace(how, ""), encoding="utf-8")
    (plain,) = read_sweep(path).points
    assert not {"--order", "--compile"} & set(shlex.split(command_of(plain.specification)))


def test_the_picture_has_a_mark_of_its_verdicts_shape_for_every_point(mixed: SweepResult) -> None:
    text = svg(mixed.records)
    root = ElementTree.fromstring(text)
    marks = [g for g in root.iter("{http://www.w3.org/2000/svg}g")]
    with_ratio = sum(bool(r["ratio"]) for r in mixed.records)
    assert len(marks) == len(mixed.records) + with_ratio and "NaN" not in text
    titles = Counter(str(g[0].text).split(":")[0] for g in marks)
    for verdict in Verdict:
        drawn = [r for r in mixed.records if r["verdict"] == verdict]
        assert titles[verdict.value] == len(drawn) + sum(bool(r["ratio"]) for r in drawn)
        assert f"{verdict.value} (" in text and f": {len(drawn)} of {len(mixed.records)}" in text
    assert "&lt;its worker&gt; &amp; died" in text and text == svg(mixed.records)


def test_an_error_of_next_to_nothing_does_not_squeeze_the_scale(mixed: SweepResult) -> None:
    """Where floats are exact, what is left is the width of the exact value's enclosure: 1e-56 of the bound."""
    usual = [r for r in mixed.records if r["ratio"]]
    exact = {**usual[0], "ratio": 1e-56}
    without, beside = svg(usual), svg([*usual, exact])
    assert SCALE_LABEL.findall(without) == SCALE_LABEL.findall(beside) != []
    assert beside.count("<title>") == without.count("<title>") + 1  # its verdict is drawn, a place on the scale is not
    assert "error / bound of floats" not in svg([exact])


def test_verdicts_differ_in_shape_and_not_in_colour_alone() -> None:
    outlines = {shape(v, 5, 5).replace(c, "") for v in Verdict for c in [shape(v, 5, 5).split("#")[1][:6]]}
    kinds = {o.split()[0] + str(o.count("L")) + str("Z" in o) for o in outlines}
    assert len(outlines) == len(kinds) == len(Verdict)


def test_a_name_that_is_markup_stays_text(mixed: SweepResult) -> None:
    record = dict(mixed.records[1])
    record["specification"] = {**record["specification"], "algorithm": '"><script>\x00\x1b[0m</svg>'}
    assert "<script" not in svg([record]) and ElementTree.fromstring(svg([record])) is not None


def test_the_command_runs_a_sweep_in_processes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = sweep_files.write(tmp_path, ["1/2", "1/3", "1"])
    picture = tmp_path / "p.svg"
    ran = run_cli(capsys, "sweep", str(path), "--workers", "2", "--picture", str(picture))
    assert ran.code == 1 and "3 points: 2 HOLDS, 1 REFUTED (3 ran now, 0 found in" in ran.out
    assert "REFUTED  ./still.py: d = 1, n = 1, L = 1, gamma = 1" in ran.out
    assert len((tmp_path / "sweep.jsonl").read_text().splitlines()) == 3 and MARK in picture.read_text()
    again = run_cli(capsys, "sweep", str(path), "--json", "--picture", str(picture))
    assert again.code == 1 and (again.document["ran"], again.document["found"]) == (0, 3)
    assert again.document["settings"]["points"] == 3 and runs(tmp_path)["1/2"] == 1


def test_a_picture_never_replaces_another_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = sweep_files.write(tmp_path, ["1/2"])
    other = tmp_path / "other.svg"
    other.write_text("<svg/>")
    assert_refused(run_cli(capsys, "sweep", str(path), "--picture", str(other)), 2, "is no picture of a sweep")
    assert_refused(run_cli(capsys, "sweep", str(path), "--picture", str(tmp_path / "p.png")), 2, "ends in .svg")
    same = ("--output", str(tmp_path / "both.svg"), "--picture", str(tmp_path / "more" / ".." / "both.svg"))
    (tmp_path / "more").mkdir()
    assert_refused(run_cli(capsys, "sweep", str(path), *same), 2, "which is where the results are written")
    assert other.read_text() == "<svg/>" and not runs(tmp_path)


def test_a_damaged_results_file_is_exit_code_4(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = sweep_files.write(tmp_path, ["1/2"])
    (tmp_path / "sweep.jsonl").write_text("no\n")
    assert_refused(run_cli(capsys, "sweep", str(path)), 4, "sweep.jsonl, line 1: ")
    same = run_cli(capsys, "sweep", str(path), "--output", str(path))
    assert_refused(same, 4, "sweep.toml, line 1: is no line of a sweep's results, so it is not touched")
    assert "delete" not in same.err  # a line of someone's own file


def test_a_grid_with_repetitions_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = sweep_files.write(tmp_path, ["1/2", "0.5"])
    ran = run_cli(capsys, "sweep", str(path), "--workers", "1")
    assert ran.code == 0 and "the grid's 2 points are 1" in ran.err
