"""Sweep specifications: exact numbers, clear refusals, points that are the same, and what a point's record says."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import own_files
import pytest
import sweep_files
from cli import assert_refused, run_cli
from hypothesis import given
from hypothesis import strategies as st

import layerproof as lp
from layerproof.proofs.case import Settings
from layerproof.proofs.sweep import spec
from layerproof.proofs.sweep.point import run_point
from layerproof.proofs.sweep.spec import AXES, Grid, parse, read_sweep, sweep_of
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.errors import ContentError, LayerproofError, SizesError, WorkLimitError

HERE = Path(__file__).parents[1]
EXAMPLE = HERE.parent / "examples" / "sweep.toml"
SMALL = 'd = 2\nn = 2\nL = 1\nevidence = "derived"\n'


def read(text: str, folder: Path = HERE, **options: Any) -> Grid:
    return sweep_of(parse(text), folder, **options)


def values(text: str, key: str) -> list[Any]:
    return [point.specification.get(key) for point in read(text).points]


# what a grid is


def test_the_grid_is_the_product_of_its_lists_in_order() -> None:
    sweep = read('algorithm = ["td0", "tdc"]\nd = [2, 3]\nseed = 4\nevidence = "derived"')
    grid = [(p.specification["algorithm"], p.specification["d"], p.settings.seed) for p in sweep.points]
    assert grid == [("td0", 2, 4), ("td0", 3, 4), ("tdc", 2, 4), ("tdc", 3, 4)] and sweep.size == 4


def test_what_is_left_out_is_as_in_verify() -> None:
    (point,) = read('algorithm = "td0"').points
    assert point.settings == Settings() and point.evidence is None and point.specification["evidence"] == "default"
    everything = read(SMALL)
    assert {p.subject for p in everything.points} | everything.left_out.keys() == set(lp.algorithms())
    assert everything.left_out == {"target-network-td": 1}  # its period is two layers, and L is 1


def test_no_point_is_at_other_sizes_than_the_grids() -> None:
    grid = read('d = [3, 4]\nn = [100, 4]\nL = 2\nevidence = "derived"')  # 3 and 100 are the defaults
    sizes = {(3, 100), (3, 4), (4, 100), (4, 4)}
    assert {(p.specification["d"], p.specification["n"]) for p in grid.points} == sizes
    assert [(p.settings.features, p.settings.context) for p in grid.points if p.subject == "dynamic-programming"] == [
        (4, 4)
    ]
    assert grid.left_out == {"dynamic-programming": 3}
    assert grid.size == len(grid.points) + 3
    with pytest.raises(SizesError, match="stated for n = d"):
        read('algorithm = "dynamic-programming"\nd = 3\nn = 100')


def test_the_command_says_what_it_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(spec, "catalogue", lambda: {name: find(name) for name in ("td0", "target-network-td")})
    path = tmp_path / "s.toml"
    path.write_text(SMALL)
    ran = run_cli(capsys, "sweep", str(path), "--json")
    assert ran.code == 0 and "differ only in" not in ran.err
    assert "1 of the grid's 2 points" in ran.err and "not stated for their sizes: target-network-td\n" in ran.err
    assert json.loads(ran.out)["settings"]["left_out"] == {"target-network-td": 1}


def test_numbers_are_exact_however_they_are_written() -> None:
    assert values(f'algorithm = "td0"\ngamma = [0.9, "9/10", "0.90", 9e-1, 0.9_0]\n{SMALL}', "gamma") == ["9/10"]
    assert values(f'algorithm = "td0"\ngamma = [0, 1, 0.1]\n{SMALL}', "gamma") == ["0", "1", "1/10"]


@given(st.decimals(0, 1, places=30))
def test_a_decimal_never_passes_through_a_float(number: Decimal) -> None:
    (point,) = read(f'algorithm = "td0"\ngamma = {number:f}\n{SMALL}').points
    assert point.settings.gamma == Fraction(number)


def test_points_that_differ_in_nothing_that_counts_are_one() -> None:
    axes = 'trace = ["lam", "gamma-lam"]\ndtype = ["float64", "float32"]\nlam = [0, 1]\ngamma = ["1/2", "1/3"]\n'
    sweep = read(f'algorithm = ["least-squares", "td0", "td-lambda", "td0"]\n{axes}{SMALL}')
    names = [p.specification["algorithm"] for p in sweep.points]
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    assert {(p.settings.dtype, p.settings.trace) for p in sweep.points if "trace" not in p.specification} == {
        ("float64", None)
    }
    assert all(run_point(point)["verdict"] == "HOLDS" for point in sweep.points)
    assert sweep.size == 64 and counts == {"least-squares": 1, "td0": 2, "td-lambda": 8}
    floats = SMALL.replace('"derived"', '["derived", "float"]')
    assert len(read(f'algorithm = "td0"\ndtype = ["float64", "float32"]\n{floats}').points) == 2


@pytest.mark.parametrize("key", sorted(AXES))
def test_every_axis_makes_other_points(key: str) -> None:
    two = {
        "algorithm": '["td0", "td-lambda"]', "d": "[2, 3]", "n": "[2, 3]", "L": "[1, 2]", "gamma": "[0, 1]",
        "lam": "[0, 1]", "trace": '["lam", "gamma-lam"]', "dtype": '["float64", "float32"]', "seed": "[0, 1]",
        "looped": "[true, false]",
    }  # fmt: skip
    text = "\n".join(f"{k} = {v}" for k, v in {"algorithm": '"td-lambda"', key: two[key]}.items())
    assert len({p.digest for p in read(f'{text}\nevidence = ["derived", "float"]').points}) == 2


@pytest.mark.parametrize("line", ["trials = 3", "exact_trials = 3", 'process = "loop"', 'evidence = "derived"',
                                  "entrywise_features = 2", "entrywise_context = 2", 'device = "cpu"',
                                  'order = "scores-first"', "compiled = true"])  # fmt: skip
def test_every_setting_makes_other_points(line: str) -> None:
    assert read(f'algorithm = "td0"\n{line}').points[0].digest != read('algorithm = "td0"').points[0].digest


def test_how_floats_are_run_is_part_of_a_point_only_where_it_is_said_and_floats_run() -> None:
    plain = read('algorithm = "td0"').points[0]
    (point,) = read('algorithm = "td0"\norder = "keys-first"\ncompiled = false').points
    assert point.digest == plain.digest and not {"order", "compiled"} & point.specification.keys()
    (other,) = read('algorithm = "td0"\norder = "scores-first"\ncompiled = true').points
    assert other.specification["order"] == other.settings.order == "scores-first"
    assert other.specification["compiled"] is other.settings.compiled is True
    (exact,) = read(f'algorithm = "td0"\norder = "scores-first"\ncompiled = true\n{SMALL}').points
    assert exact.digest == read(f'algorithm = "td0"\n{SMALL}').points[0].digest
    assert (exact.settings.order, exact.settings.compiled) == (Settings.order, Settings.compiled)


def test_a_limit_on_work_or_time_makes_no_other_point() -> None:
    one, two = (read('algorithm = "td0"', max_work=10**k, time_limit=k).points[0] for k in (9, 10))
    assert one.digest == two.digest and two.settings.max_work == 10**10 and two.settings.time_limit == 10


def test_the_digest_of_a_point_is_the_same_tomorrow() -> None:
    (point,) = read('algorithm = "td0"\nevidence = "derived"').points
    text = """{
  "L": 40,
  "algorithm": "td0",
  "d": 3,
  "device": "auto",
  "entrywise_context": null,
  "entrywise_features": null,
  "evidence": [
    "derived"
  ],
  "exact_trials": 2,
  "gamma": "9/10",
  "looped": false,
  "n": 100,
  "process": "boyan-chain",
  "seed": 0,
  "trials": 30
}
"""
    assert point.digest == sha256(text.encode()).hexdigest()


def test_a_user_file_is_named_by_its_content(tmp_path: Path) -> None:
    text = 'algorithm = "./mine.py"\n' + SMALL
    own_files.write(tmp_path)
    (before,), (again,) = read(text, tmp_path).points, read(text, tmp_path).points
    assert before.digest == again.digest and "mine.py" in before.subject and Path(before.subject).is_absolute()
    own_files.write(tmp_path, ('title="Mine"', 'title="Ours"'))
    assert read(text, tmp_path).points[0].digest != before.digest


def test_the_shipped_example_is_read() -> None:
    sweep = read_sweep(EXAMPLE)
    assert (sweep.size, len(sweep.points)) == (128, 80)


def test_a_parameter_goes_to_the_algorithm_that_has_it(tmp_path: Path) -> None:
    own_files.write(tmp_path, ('parameters=("gamma",)', 'parameters=("gamma", "beta")'))
    sweep = read(f'algorithm = ["./mine.py", "td0"]\n{SMALL}parameters = {{beta = 0.25}}', tmp_path)
    assert [p.specification.get("parameters") for p in sweep.points] == [{"beta": "1/4"}, None]
    assert sweep.points[0].settings.values == {"beta": Fraction(1, 4)}


# refusals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("d = 2.5", "d is 2.5, wanted a whole number from 1 on"),
        ("d = 0", "d is 0, wanted a whole number from 1 on"),
        ("d = true", "d is true, wanted a whole number"),
        ('n = [2, "3"]', "n[1] is '3', wanted a whole number"),
        ("L = [[1]]", "L[0] is a list, wanted a whole number"),
        ("L = []", "L is an empty list, wanted at least one value"),
        (f"seed = [0x{'7' * 5000}]", "seed[0] is an integer of 19999 bits, wanted a whole number from 0 on"),
        (f"dtype = 0x{'7' * 5000}", "dtype is an integer of 19999 bits, wanted a text in quotes"),
        (f"looped = 0x{'7' * 5000}", "looped is an integer of 19999 bits, wanted true or false"),
        ("seed = -1", "seed is -1, wanted a whole number from 0 on"),
        ("n = 1000000000000000000", "wanted a whole number from 1 on, of at most 18 digits"),
        ("d = 2026-01-01", "d is datetime.date(2026, 1, 1), wanted a whole number"),
        ("gamma = nan", "gamma is 'nan', wanted a number such as"),
        ("gamma = -inf", "gamma is '-inf', wanted a number such as"),
        ("gamma = [0.5, 1.5]", "gamma is 3/2, wanted an exact number from 0 to 1"),
        ("gamma = 1e-99999999", "gamma is '1e-99999999', wanted a decimal exponent of at most 400"),
        ("gamma = true", "gamma is true, wanted an exact number such as"),
        ("gamma = {}", "gamma is a table, wanted an exact number such as"),
        ('lam = "1/0"', "lam is '1/0', wanted a denominator other than zero"),
        ('lam = "0x1"', "lam is '0x1', wanted a number such as"),
        ("looped = 1", "looped is 1, wanted true or false"),
        ("dtype = 64", "dtype is 64, wanted a text in quotes"),
        ("dtype = 6.4", "dtype is 6.4, wanted a text in quotes"),
        ('dtype = "float8"', "dtype is 'float8', wanted one of float64"),
        ('process = "boyan"', "process is 'boyan'"),
        ('device = "cpus"', "device is 'cpus', wanted auto, cpu or cuda"),
        ('order = "last"', "order is 'last', wanted keys-first or scores-first"),
        (f'order = "last"\n{SMALL}', "order is 'last', wanted keys-first or scores-first"),
        ('order = ["keys-first"]', "order is a list, wanted a text"),
        ("compiled = 1", "compiled is 1, wanted true or false"),
        ('trace = "both"', "trace"),
        ('evidence = "exact"', "there is no evidence 'exact': did you mean identity-exact?"),
        ("evidence = []", "evidence is an empty list"),
        ('algorithm = "td-0"', "no algorithm 'td-0'"),
        ('algorithm = "./none.py"', "there is no such file"),
        ("features = 2", "there is no key 'features': did you mean d?"),
        ("lambda = 1", "there is no key 'lambda': did you mean lam?"),
        ("gama = 1", "there is no key 'gama': did you mean gamma?"),
        ("zzz = 1", "there is no key 'zzz': wanted some of algorithm, d, n, L"),
        ("parameters = 1", "parameters is 1, wanted a table"),
        ("parameters = {gamma = 1}", "parameters.gamma is given, but gamma is an axis of its own"),
        ("parameters = {zeta = 1}", "parameters.zeta is given, but no algorithm of the sweep has it"),
        ("d = 2\nd = 3", "is not TOML"),
        ("d = [2", "is not TOML"),
        ("d = " + "[" * 5000, "nested too deeply"),
        ("d = " + "1" * 5000, "has a number that cannot be read"),
    ],
)
def test_content_that_cannot_be_used_is_refused_with_its_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        read_sweep(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value) and "\n" not in str(caught.value)


def test_a_trace_that_nobody_keeps_is_refused() -> None:
    with pytest.raises(ContentError, match="trace is given, but td0, tdc keep no trace"):
        read('algorithm = ["td0", "tdc"]\ntrace = "lam"')


def test_a_grid_above_the_limit_is_refused_at_once_with_its_count() -> None:
    axes = "".join(f"{key} = {list(range(1, 2001))}\n" for key in ("d", "n", "L", "seed"))
    start, many = time.perf_counter(), len(catalogue())
    with pytest.raises(
        WorkLimitError, match=rf"{2000**4 * many} points \(2000 d \* 2000 n \* 2000 L \* 2000 seed \* {many} al"
    ):
        read(axes)
    assert time.perf_counter() - start < 5
    with pytest.raises(WorkLimitError, match=r"has 3 points .* above the limit of 2: .* --limit 3"):
        read(f'algorithm = "td0"\nseed = [1, 2, 3]\n{SMALL}', limit=2)
    assert len(read(f'algorithm = "td0"\nseed = [1, 2, 3]\n{SMALL}', limit=3).points) == 3


def test_a_point_of_too_much_work_is_refused_before_anything_runs() -> None:
    with pytest.raises(WorkLimitError, match="--max-work"):
        read('algorithm = "td0"\nn = [2, 1000000]')


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["td0", "1/2", "lam"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*AXES, "evidence", "trials", "process", "parameters", "x"]), PLAIN, max_size=4))
def test_any_content_is_read_or_refused_and_nothing_else(content: dict[str, Any]) -> None:
    try:
        sweep = sweep_of(content, HERE)
    except LayerproofError:
        return
    assert sweep.points


def test_the_command_refuses_with_the_right_exit_codes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    assert_refused(run_cli(capsys, "sweep", str(path)), 4, str(path), "there is no such file")
    path.write_text("d = nan")
    assert_refused(run_cli(capsys, "sweep", str(path)), 4, f"{path}: d is nan, wanted a whole number")
    path.write_text(f"algorithm = 'td0'\nseed = [1, 2]\n{SMALL}")
    assert_refused(run_cli(capsys, "sweep", str(path), "--limit", "1"), 2, "2 points", "--limit 2")
    assert_refused(run_cli(capsys, "sweep", str(path), "--limit", "0"), 2, "limit is 0")
    assert_refused(run_cli(capsys, "sweep", str(path), "--workers", "0"), 2, "workers is 0")
    assert_refused(run_cli(capsys, "sweep", str(path), "--executor", "mpi"), 2, "'mpi', wanted processes or dask")
    assert_refused(run_cli(capsys, "sweep", str(path), "--scheduler", "tcp://x:1"), 2, "with --executor dask only")
    both = ("--executor", "dask", "--scheduler", "tcp://x:1", "--workers", "2")
    assert_refused(run_cli(capsys, "sweep", str(path), *both), 2, "leave one of them out")
    assert_refused(run_cli(capsys, "sweep", str(path), "-o", str(tmp_path / "no" / "r")), 2, "there is no folder")
    assert not list(tmp_path.glob("*.jsonl"))


# one point


def test_a_record_says_what_verify_says() -> None:
    (point,) = read('algorithm = "td0"\nd = 2\nn = 3\nL = 2\ntrials = 2\nevidence = ["derived", "float"]').points
    record = run_point(point)
    result = lp.verify("td0", d=2, n=3, layers=2, trials=2, evidence=["derived", "float"])
    asked = [c for c in result.claims if c.asked]
    assert [c["reason"] for c in record["claims"]] == [c.reason for c in asked]
    assert (record["verdict"], record["exit_code"], record["digest"]) == ("HOLDS", 0, point.digest)
    nearest = max((c for c in asked if c.bound), key=lambda c: c.error / c.bound)
    assert record["ratio"] == nearest.error / nearest.bound and record["bound"] == nearest.bound


def test_a_wrong_construction_is_refuted_in_its_record(tmp_path: Path) -> None:
    own_files.write(tmp_path, (own_files.P, 'P = layout.matrix({("td_error", "td_error"): 2})'), given=True)
    (point,) = read('algorithm = "./mine.py"\nd = 2\nn = 3\nL = 1\nevidence = "identity-exact"', tmp_path).points
    record = run_point(point)
    assert (record["verdict"], record["exit_code"]) == ("REFUTED", 1)


def test_what_goes_wrong_with_one_point_is_its_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (point,) = read(f'algorithm = "td0"\n{SMALL}').points
    tight = run_point(replace(point, settings=replace(point.settings, device="nowhere")))
    assert (tight["verdict"], tight["exit_code"], tight["claims"]) == ("NOT_RUN", 3, []) and "nowhere" in tight[
        "reason"
    ]
    monkeypatch.setattr("layerproof.proofs.sweep.point.verify", lambda *_, **__: 1 / 0)
    assert run_point(point)["reason"] == "internal error: ZeroDivisionError: division by zero"


def test_a_file_that_changed_since_the_sweep_was_read_is_not_run(tmp_path: Path) -> None:
    sweep = read_sweep(sweep_files.write(tmp_path, ["1/2"]))
    with (tmp_path / "still.py").open("a") as file:
        file.write("# changed\n")
    assert "differs here from the file" in run_point(sweep.points[0])["reason"]
    (tmp_path / "still.py").unlink()
    assert "cannot be read here" in run_point(sweep.points[0])["reason"]


def test_evidence_that_does_not_apply_never_counts_as_success(tmp_path: Path) -> None:
    path = sweep_files.write(tmp_path, ["1/2"])
    path.write_text(path.read_text().replace("identity-exact", "derived"))
    record = run_point(read_sweep(path).points[0])
    assert (record["verdict"], record["exit_code"]) == ("NOT_RUN", 3) and "applies" in record["reason"]
