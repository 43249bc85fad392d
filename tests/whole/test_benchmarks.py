"""The benchmarks run at small sizes and write what they say they write; a fit gives back the exponent that is there."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree

import pytest
import torch

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A script of the benchmarks as a module."""
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def ran(script: str, results: Path, *more: str) -> tuple[str, dict]:
    """What `--quick` prints, and the numbers that it writes."""
    command = [sys.executable, FOLDER / script, "--quick", "--date", "2026-01-31", "--results", results, *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (file,) = results.glob("*.json")
    document = json.loads(file.read_text())
    assert document["date"] == "2026-01-31"
    assert document["quick"] is True
    assert {"machine", "versions", "command", "load"} <= set(document)
    assert str(FOLDER) not in document["command"]
    assert not list(results.glob("*.part"))
    return done.stdout, document


def texts(picture: Path) -> list[str]:
    return [t.text or "" for t in ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_exponents(tmp_path: Path) -> None:
    out, document = ran("exponents.py", tmp_path)
    assert {(s["kind"], s["letter"]) for s in document["sweeps"]} == {
        (kind, letter) for kind in ("rationals", "field", "float64") for letter in "ndL"
    } | {("float64", "batch"), ("judged", "batch")}
    for sweep in document["sweeps"]:
        assert len(sweep["seconds"]) == len(sweep["sizes"]) >= 3
        assert min(sweep["seconds"]) > 0
        assert f"{sweep['exponent']:.2f} | {sweep['residual']:.0%}" in out
    labels = texts(tmp_path / "exponents.svg")
    assert {"n", "d", "L", "seconds a layer", "seconds for L layers"} <= set(labels)


def test_batches(tmp_path: Path) -> None:
    out, document = ran("batches.py", tmp_path)
    assert [(line["job"], line["L"]) for line in document["lines"]] == [("batch", 2), ("batch", 4), ("exact", 4)]
    for line in document["lines"]:
        assert min(line["wall_ms"], line["cpu_ms"]) > 0
        assert f"L={line['L']}: {line['wall_ms']:.3g} ms a prompt" in out


def gpu(monkeypatch: pytest.MonkeyPatch, results: Path, *more: str, date: str = "2026-01-31") -> tuple[int, dict, Path]:
    """What `gpu.py` returns, writes, and where, at small sizes on the CPU."""
    module = loaded("gpu", monkeypatch)
    code = module.main(["--quick", "--device", "cpu", "--date", date, "--results", str(results), *more])
    folder = results / f"gpu-{date}"
    return code, json.loads((folder / "gpu.json").read_text()), folder


def test_the_command_for_a_gpu_runs_reduced_without_one(monkeypatch, tmp_path: Path) -> None:
    """What needs CUDA is NOT_RUN, faults are refused, and the folder holds what the page says."""
    code, document, folder = gpu(monkeypatch, tmp_path)
    states = {name: part["state"] for name, part in document["parts"].items()}
    assert code == 0 and states == {
        "faults": "OK", "tests": "NOT_RUN", "determinism": "OK", "roofline": "OK", "launches": "OK",
        "throughput": "OK", "training": "OK", "matrix": "OK",
    }  # fmt: skip
    assert document["parts"]["tests"]["why"]
    runs = document["parts"]["faults"]["lines"]
    assert [line["status"] for line in runs.values() if line["state"] == "OK"] == ["within"] * 3 + ["exceeded"] * 4
    launches = document["parts"]["launches"]["lines"]
    assert launches[0]["operations"] > 10 and all(line["same_bits"] for line in launches)
    assert {file.name for file in folder.iterdir()} == {"gpu.json", "gpu.log", "roofline.svg"}


def test_a_part_of_it_that_breaks_fails_and_the_others_run_and_only_what_is_not_ok_runs_again(monkeypatch, tmp_path):
    module = loaded("gpu", monkeypatch)
    ran: list[str] = []

    def broken(plan):
        plan.keep({"lines": [1]})
        raise RuntimeError("no kernel image")

    def fine(plan):
        ran.append("fine")
        return {"lines": []}

    monkeypatch.setattr(module, "PARTS", {"tests": broken, "launches": fine})
    monkeypatch.setattr(sys.modules["gpu_parts"], "PARTS", {})
    words = ["--quick", "--device", "cpu", "--date", "d", "--results", str(tmp_path)]
    for again in ([], [], ["--again"]):
        assert module.main([*words, *again]) == 1
        document = json.loads((tmp_path / "gpu-d" / "gpu.json").read_text())
        assert {name: part["state"] for name, part in document["parts"].items()} == {
            "tests": "FAILED",
            "launches": "OK",
        }
        assert "no kernel image" in document["parts"]["tests"]["why"] and document["parts"]["tests"]["lines"] == [1]
    assert len(ran) == 2 and "Traceback" in (tmp_path / "gpu-d" / "gpu.log").read_text()
    late = ["--quick", "--device", "cpu", "--date", "e", "--minutes", "0", "--results", str(tmp_path)]
    assert module.main(late) == 0
    document = json.loads((tmp_path / "gpu-e" / "gpu.json").read_text())
    assert {part["state"] for part in document["parts"].values()} == {"NOT_RUN"}


def test_a_part_in_a_process_of_its_own_gives_the_same_and_is_ended_when_its_time_is_over(monkeypatch, tmp_path):
    code, document, folder = gpu(monkeypatch, tmp_path, "--apart", "--parts", "launches")
    assert code == 0 and [line["batch"] for line in document["parts"]["launches"]["lines"]] == [1, 4]
    module = loaded("gpu", monkeypatch)
    script = tmp_path / "hangs.py"
    kept = str(folder / "launches.part.json")
    script.write_text(f"import time\nopen({kept!r}, 'w').write('{{\"lines\": [1]}}')\ntime.sleep(60)")
    monkeypatch.setattr(module, "__file__", str(script))
    monkeypatch.setattr(module, "LIMITS", {"launches": 4.0})
    monkeypatch.setattr(module, "STOPPING", 0.1)
    plan = module.Plan(torch.device("cpu"), True, folder, time.monotonic() + 60, "launches")
    with (folder / "gpu.log").open("a") as log:
        part = module.apart("launches", plan, log, [])
        assert (part["state"], part["lines"]) == ("FAILED", [1]) and part["why"].startswith("ended after 4 s")
        script.write_text("raise SystemExit(3)")
        assert "ended with 3" in module.apart("launches", plan, log, [])["why"]
    assert not list(folder.glob("*.part.json"))


def test_a_graph_whose_replay_writes_something_else_is_seen(monkeypatch, tmp_path: Path) -> None:
    """CUDA's graphs, simulated: capturing runs the layers once, and so does a replay, or it does nothing."""
    loaded("gpu", monkeypatch)
    parts = sys.modules["gpu_parts"]
    replayed: list[bool] = []

    class Graph:
        def replay(self) -> None:
            if replayed[-1]:
                rows()

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, value in {
        "Stream": lambda: stream, "current_stream": lambda: stream, "stream": lambda s: nullcontext(),
        "CUDAGraph": Graph, "graph": lambda g: nullcontext(), "synchronize": lambda: None,
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, value)
    construction = parts.Case(parts.find("td0"), parts.Settings(context=3, layers=2)).subject
    module = parts.LinearTransformer.from_construction(construction, torch.float32, torch.device("cpu"))
    Z = torch.rand(2, construction.layout.m, 4)
    rows, wanted = parts.passes(module, Z), module.rows(Z)[-1]
    for runs in (True, False):
        replayed.append(runs)
        assert parts._graph(rows, wanted, torch.device("cpu"))[1] is runs


def test_what_the_matrix_cannot_run_is_not_run_and_what_breaks_is_failed(monkeypatch, tmp_path: Path) -> None:
    loaded("gpu", monkeypatch)
    parts = sys.modules["gpu_parts"]
    plan = parts.Plan(torch.device("cuda"), True, tmp_path, time.monotonic() + 600)

    def line(name, settings):
        if settings.compiled and settings.dtype == "tf32":
            raise RuntimeError(f"InductorError: you have used {parts.MIXED} to set the TF32 status")
        return {"one_step": "HOLDS"}

    monkeypatch.setattr(parts.matrix, "line", line)
    monkeypatch.setattr(parts, "compiles", lambda plan: "")
    part = parts.cross_checks(plan)
    assert part["counts"] == {"HOLDS": 36, "NOT_RUN": 4} and parts.MIXED in part["lines"][-1]["why"]
    monkeypatch.setattr(parts, "compiles", lambda plan: "no compiler")
    assert parts.cross_checks(plan)["counts"] == {"HOLDS": 20, "NOT_RUN": 20}
    monkeypatch.setattr(parts.matrix, "line", lambda *a: 1 / 0)
    assert parts.cross_checks(plan)["state"] == "FAILED"
    monkeypatch.undo()
    assert parts.compiles(plan).startswith("torch.compile does not run here") or torch.cuda.is_available()


def test_the_tests_of_a_gpu_are_those_marked_and_none_that_passes_is_a_failure(monkeypatch, tmp_path: Path) -> None:
    loaded("gpu", monkeypatch)
    parts = sys.modules["gpu_parts"]
    plan = parts.Plan(torch.device("cuda"), True, tmp_path, time.monotonic() + 600)
    summaries: list[str] = ["5 passed in 3 s"]
    commands: list[list[str]] = []

    def run(command, **how):
        commands.append(command)
        return SimpleNamespace(stdout=summaries[-1], stderr="", returncode=0)

    monkeypatch.setattr(parts.subprocess, "run", run)
    assert parts.tests(plan) == {"passed": 5}
    assert {Path(word).name for word in commands[0] if word.endswith(".py")} >= {"test_device.py", "test_doctor.py"}
    summaries.append("5 skipped in 3 s")
    with pytest.raises(RuntimeError, match="skipped"):
        parts.tests(plan)
    monkeypatch.setattr(parts.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(parts.NotRun, match="pytest and hypothesis"):
        parts.tests(plan)


@pytest.mark.parametrize("switch, on", [({"fp32_precision": "ieee"}, "tf32"), ({"allow_tf32": False}, True)])
def test_tf32_is_switched_by_what_this_torch_has_and_put_back(monkeypatch, switch, on) -> None:
    loaded("gpu", monkeypatch)
    place = SimpleNamespace(**switch)
    monkeypatch.setattr(torch.backends.cuda, "matmul", place)
    with pytest.raises(KeyError), sys.modules["gpu_parts"].real_tf32():
        assert list(vars(place).values()) == [on]
        raise KeyError
    assert vars(place) == switch


def test_a_judge_that_passes_coarser_arithmetic_is_a_failed_part(monkeypatch, tmp_path: Path) -> None:
    loaded("gpu", monkeypatch)
    parts = sys.modules["gpu_parts"]
    monkeypatch.setattr(parts, "crosscheck", lambda *a: SimpleNamespace(status="within", coarser=None))
    plan = parts.Plan(torch.device("cpu"), True, tmp_path, float("inf"))
    part = parts.faults(plan)
    assert part["state"] == "FAILED"
    assert "tf32 claimed as float32, simulated" in part["why"]


def test_the_large_benchmark_takes_each_algorithm_at_sizes_that_it_is_stated_for(monkeypatch, capsys) -> None:
    module = loaded("run", monkeypatch)
    monkeypatch.setattr(module, "catalogue", lambda: {"td0": None, "dynamic-programming": None})
    monkeypatch.setattr(module, "fraction_exact", lambda case, context, start: None)
    jobs = [line["job"] for line in module.exact_jobs(True)]
    assert jobs == ["identity-exact td0, d=3, n=20, L=8", "identity-exact dynamic-programming, d=20, n=20, L=8"]
    assert [line["job"] for line in module.large_exact_jobs(True)] == ["identity-exact td0, d=4, n=40, L=6"]
    assert "left out: context is 40" in capsys.readouterr().err
    parts = sys.modules["invariance_jobs"]
    monkeypatch.setattr(parts, "sympy_one_layer", lambda n: None)
    assert len(parts.jobs(True, module.seconds, module.entry)) == 3


def test_roofline(tmp_path: Path) -> None:
    out, document = ran("roofline.py", tmp_path, "--threads", "1")
    assert [r["dtype"] for r in document["results"]] == ["float64", "float32"]
    for result, reason in zip(document["results"], document["reasons"], strict=True):
        assert reason in out
        for line in result["batches"]:
            floor = max(
                line["bytes"] / result["copy_bytes_a_second"], line["operations"] / result["matmul_operations_a_second"]
            )
            assert line["fraction"] == pytest.approx(floor / line["seconds"])
    assert {"operations a byte", "per cent of the roofline"} <= set(texts(tmp_path / "roofline-cpu.svg"))


def test_the_decision_beside_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    module = loaded("convergence", monkeypatch)
    line = module.measure("td0", 2, 6, 2)
    assert (line["agree"], line["converge"], line["disagree without it"]) == (2, 1, 0)  # one step inside, one beyond
    assert min(line["seconds"].values()) > 0
    assert f"| td0 | 2 | 2 of 2 | 0 | {line['seconds']['read off']:.2g} |" in module.table([line])
    circle = module.on_the_circle(3, 8, 2)
    assert circle["exactly 1"] == 2 == sum(v for k, v in circle.items() if k.startswith("numpy"))
    wrong = module.rounded
    monkeypatch.setattr(module, "rounded", lambda T: 2 * wrong(T))
    assert module.measure("td0", 2, 6, 2)["disagree without it"] == 1


def test_the_recorded_decisions_take_less_than_a_second_and_differ_from_numpy_only_on_the_circle() -> None:
    document = json.loads((FOLDER / "results" / "convergence-cpu.json").read_text())
    assert {(r["algorithm"], r["d"]) for r in document["results"]} == {
        (a, d) for a in ("td0", "gtd2") for d in (2, 3, 5, 10)
    }
    for line in document["results"]:
        assert line["slowest"]["read off"] + line["slowest"]["decided"] < 1 and line["disagree without it"] == 0
        assert not document["quick"]


def test_layers_with_kernels_agree_with_those_by_hand_and_a_wrong_one_does_not(monkeypatch, tmp_path: Path) -> None:
    out, document = ran("patterns.py", tmp_path)
    assert len(document["results"]) == 24 and out.count("softmax-td, relu") == 8
    module = loaded("patterns", monkeypatch)
    torch = module.torch
    layer, Z = module.prepared("softmax-td", 2, 5, 3, torch.float64, "causal")
    near = ("softmax-td", "softmax", layer, Z, 2, 5, 2, "causal")
    assert module.differs(*near) < 1
    hand = module.by_hand
    monkeypatch.setattr(module, "by_hand", lambda *a: hand(*a) * (1 + 1e-12))
    with pytest.raises(AssertionError, match="differs by"):
        module.differs(*near)


def test_the_recorded_kernel_layers_are_as_fast_as_those_by_hand() -> None:
    document = json.loads((FOLDER / "results" / "patterns-cpu.json").read_text())
    assert not document["quick"] and len(document["results"]) == 24
    for line in document["results"]:
        assert line["ratio"] >= 1 and line["difference in bounds"] <= 1


def test_bytes_and_operations_are_those_of_the_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    module = loaded("roofline", monkeypatch)
    d, n, L, batch = 2, 3, 2, 5
    steps = module.preconditioners(module.ALGORITHM, d, L, 0)
    built = module.construct(module.derive(module.ALGORITHM), d, n, L, steps, {"gamma": module.Fraction(1, 2)})
    # Z : (5, 4), one accumulator row: 20 numbers come in and 4 a layer are kept; 8 bytes each
    # M X^T, M diagonal: 4 * 4; a layer 2 * 4 (U), 2 * 16 (keys), 2 * 16 (E), 2 * 16 (X), 2 * 4 (scale and add)
    assert module.needed(built, batch, torch.float64) == (5 * 8 * (20 + 2 * 4), 5 * (16 + 2 * (8 + 32 + 32 + 32 + 8)))


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_a_fit_gives_back_an_exact_power(monkeypatch: pytest.MonkeyPatch, exponent: float) -> None:
    module = loaded("exponents", monkeypatch)
    slope, factor, residual = module.fit([(x, 3 * x**exponent) for x in (1, 2, 4, 8)])
    assert (slope, factor) == pytest.approx((exponent, 3))
    assert residual == pytest.approx(0, abs=1e-9)
    *_, rough = module.fit([(1, 1), (2, 3), (4, 3), (8, 9)])
    assert rough > 0.1


def test_a_checked_run_that_is_wrong_gives_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    module = loaded("exponents", monkeypatch)
    true = module.iterate
    monkeypatch.setattr(module, "iterate", lambda X, Y, layers, scale: (Z + Z for Z in true(X, Y, layers, scale)))
    with pytest.raises(AssertionError, match="Mismatch"):
        module.checked(module.RATIONALS, 2, 3, 2)()


def test_a_picture_is_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    chart = loaded("chart", monkeypatch)
    panel = chart.Panel("a < b", "x", "y", [chart.Series("s", [(1, 1e-3), (10, 1e-2)], [(1, 1e-3), (10, 1e-2)])])
    assert chart.figure([panel]) == chart.figure([panel])
    ElementTree.fromstring(chart.figure([panel]))


def test_what_is_kept_of_a_training_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, kept = loaded("training_run", monkeypatch), tmp_path / "kept.json"
    monkeypatch.setattr(
        sys, "argv", ["training_run.py", "tiny", str(tmp_path / "run"), "--date", "2026-01-31", "--results", str(kept)]
    )
    script.main()
    document = json.loads(kept.read_text())
    assert (document["made"]["date"], document["processes"]) == ("2026-01-31", [0, 4, 8, 12])
    assert document["curves"].keys() == {"share", "implicit weight similarity"}
    assert len(document["seeds"]) == 3
    assert str(tmp_path) not in kept.read_text()
