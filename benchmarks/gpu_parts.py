"""What `gpu.py` measures, part by part: each takes the plan and gives plain data, or says why it did not run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import chart
import matrix
import roofline
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from layerproof.numeric.data.draws import prompts
from layerproof.numeric.device import PRECISIONS, TF32, environment, strict_precision
from layerproof.numeric.judge.batch import batch_check, random_transitions
from layerproof.numeric.judge.crosscheck import crosscheck
from layerproof.numeric.rows import run_keys_first
from layerproof.numeric.transformer import LinearTransformer
from layerproof.proofs.case import Case, Settings
from layerproof.symbolic.algorithms import catalogue, find
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.identity.exact import problem

ROOT = Path(__file__).resolve().parents[1]
COPY_GOAL = 0.6


@dataclass(frozen=True)
class Plan:
    """What to run: on which device, small or not, into which folder, until when (`time.monotonic`), and which part."""

    device: torch.device
    quick: bool
    folder: Path
    end: float
    name: str = ""

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.end - time.monotonic()

    def for_part(self, name: str) -> Plan:
        """The same for one part."""
        return replace(self, name=name)

    def file(self, name: str) -> Path:
        """Where a part keeps what it has."""
        return self.folder / f"{name}.part.json"

    def keep(self, document: dict[str, Any]) -> None:
        """Write what the part has so far: it may be ended at any time."""
        if self.name:
            chart.write(self.file(self.name), json.dumps(document, default=str))

    def kept(self, name: str = "") -> dict[str, Any]:
        """What was written last; nothing where nothing was."""
        try:
            return dict(json.loads(self.file(name or self.name).read_text()))
        except (OSError, ValueError):
            return {}


class NotRun(Exception):
    """Something could not be run here; its text says why, and it is no success."""


def wants_cuda(plan: Plan) -> None:
    """Raise `NotRun` where the device is none of CUDA's."""
    if not plan.cuda:
        raise NotRun("needs CUDA, and torch finds none here" if not torch.cuda.is_available() else "--device is cpu")


def tests(plan: Plan) -> dict[str, Any]:
    """The tests marked `gpu`, of the files that have any."""
    wants_cuda(plan)
    missing = [name for name in ("pytest", "hypothesis") if importlib.util.find_spec(name) is None]
    if missing:
        raise NotRun(f"{' and '.join(missing)} not installed")
    files = sorted(str(file) for file in (ROOT / "tests").rglob("test_*.py") if "pytest.mark.gpu" in file.read_text())
    # A warning of the device's own is none of ours: it is shown and fails nothing.
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "-W", "default", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=max(plan.left, 1))
    (plan.folder / "tests.log").write_text((done.stdout + done.stderr).replace(str(ROOT), "."))
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout)}
    if done.returncode or not counts.get("passed"):
        raise RuntimeError(f"pytest -m gpu ended with {done.returncode}: {counts or 'no test ran'}, see tests.log")
    return counts


MIXED = "mix of the legacy and new APIs"
"""What torch 2.9 and 2.10 say when they compile for CUDA under their own newer TF32 switch (pytorch issue 166387)."""


def combinations(plan: Plan) -> Iterator[tuple[str, Settings]]:
    """The matrix, most telling first: td0 eager, then compiled at one layer; all others eager; then what is left."""
    others = [] if plan.quick else [name for name in catalogue() if name != "td0"]
    n, depths, trials = (8, (1, 2), 2) if plan.quick else (100, (1, 40), 8)
    rounds = (
        (["td0"], False, depths), (["td0"], True, depths[:1]), (others, False, depths), (others, True, depths[:1]),
        (["td0", *others], True, depths[1:]),
    )  # fmt: skip
    for names, compiled, layers in rounds:
        for name in names:
            for dtype in (*(p.name for p in PRECISIONS.values()), TF32.name):
                for order in ("keys-first", "scores-first"):
                    for depth in layers:
                        yield name, Settings(
                            context=n, layers=depth, trials=trials, device=plan.device.type, dtype=dtype, order=order,
                            compiled=compiled,
                        )  # fmt: skip


def compiles(plan: Plan) -> str:
    """Why torch.compile does not run here; empty where it does.  It needs Triton and a C compiler on CUDA."""
    if not plan.cuda:
        return "compiled runs are left to a device here"
    try:
        twice = torch.compile(lambda x: x @ x + x, fullgraph=True)(torch.eye(4, device=plan.device))
        return "" if torch.equal(twice.cpu(), 2 * torch.eye(4)) else "torch.compile gives wrong sums"
    except Exception as error:  # whatever it lacks
        return f"torch.compile does not run here: {type(error).__name__}: {' '.join(str(error).split())[:200]}"


def cross_checks(plan: Plan) -> dict[str, Any]:
    """The cross-check matrix, as far as the time goes; what was not reached says so."""
    end, lines, unable = plan.end - 15, [], compiles(plan)
    for name, settings in combinations(plan):
        asked = {"algorithm": name, "dtype": settings.dtype, "order": settings.order, "layers": settings.layers,
                 "compiled": settings.compiled}  # fmt: skip
        if settings.compiled and unable:
            lines.append({**asked, "state": "NOT_RUN", "why": unable})
        elif time.monotonic() > end:
            lines.append({**asked, "state": "NOT_RUN", "why": "the time for the matrix was over"})
        else:
            try:
                measured = matrix.line(name, settings)
                lines.append({**asked, "state": measured["one_step"], **measured})
            except Exception as error:  # one combination that breaks must not take the rest with it
                why = " ".join(f"{type(error).__name__}: {error}".split())
                torch_s = settings.compiled and MIXED in why
                lines.append({**asked, "state": "NOT_RUN" if torch_s else "FAILED", "why": why[:400]})
            if len(lines) % 20 == 0:
                plan.keep({"lines": lines})
    states = [line["state"] for line in lines]
    wrong = [line for line in lines if line["state"] in ("REFUTED", "FAILED")]
    summary = {state: states.count(state) for state in dict.fromkeys(states)}
    if wrong:
        return {"state": "FAILED", "why": f"{len(wrong)} of {len(lines)} broke, the first: {wrong[0]}", "lines": lines,
                "counts": summary}  # fmt: skip
    return {"counts": summary, "lines": lines}


class TenBits(TorchDispatchMode):
    """Products of float32 matrices read their inputs to ten bits of mantissa, as TF32 does: a simulation."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.bmm, torch.ops.aten.baddbmm, torch.ops.aten.addmm):
            args = tuple(_cut(x) if torch.is_tensor(x) and x.dtype == torch.float32 else x for x in args)
        return func(*args, **(kwargs or {}))


def _cut(x: torch.Tensor) -> torch.Tensor:
    return (x.contiguous().view(torch.int32) & ~0x1FFF).view(torch.float32)


@contextmanager
def real_tf32() -> Iterator[None]:
    """TF32 products, switched on by what this torch has for it."""
    place = torch.backends.cuda.matmul
    attribute, on = ("fp32_precision", "tf32") if hasattr(place, "fp32_precision") else ("allow_tf32", True)
    old = getattr(place, attribute)
    setattr(place, attribute, on)
    try:
        yield
    finally:
        setattr(place, attribute, old)


class Run(torch.nn.Module):
    """The right layers in an arithmetic that is not the one claimed."""

    def __init__(self, module: Any, how: Callable[[Any, torch.Tensor], list[torch.Tensor]]):
        super().__init__()
        self.module, self.how = module, how

    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        return self.how(self.module, Z)


def simulated(module: Any, Z: torch.Tensor) -> list[torch.Tensor]:
    """The states under simulated TF32."""
    with TenBits():
        return list(module.states(Z))


def switched(module: Any, Z: torch.Tensor) -> list[torch.Tensor]:
    """The states under the device's TF32."""
    with real_tf32():
        return list(module.states(Z))


def single(module: Any, Z: torch.Tensor) -> list[torch.Tensor]:
    """The states in float32."""
    return [Y.double() for Y in module.float().states(Z.float())]


def autocast(module: Any, Z: torch.Tensor) -> list[torch.Tensor]:
    """The states under autocast to bfloat16."""
    with torch.autocast(Z.device.type, torch.bfloat16):
        return [Y.float() for Y in module.states(Z)]


How = Callable[[Any, torch.Tensor], list[torch.Tensor]]
NARROW, WIDE = "keys-first", "scores-first"
"""The order of a case with few products, and of one whose matrices are large enough for tensor cores."""


def faults(plan: Plan) -> dict[str, Any]:
    """Coarser arithmetic than the one claimed: the one-step tier must refuse each, and pass the run that is honest."""
    single_precision, double = torch.float32, torch.float64
    runs: dict[str, tuple[torch.dtype, How | None, str]] = {
        "float32, honest": (single_precision, None, NARROW),
        "float64, honest": (double, None, NARROW),
        "float32, honest, wide": (single_precision, None, WIDE),
        "tf32 claimed as float32, simulated": (single_precision, simulated, NARROW),
        "tf32 claimed as float32, simulated, wide": (single_precision, simulated, WIDE),
        "tf32 claimed as float32, the device's own": (single_precision, switched, NARROW),
        "tf32 claimed as float32, the device's own, wide": (single_precision, switched, WIDE),
        "float32 claimed as float64": (double, single, NARROW),
        "bfloat16 autocast claimed as float32": (single_precision, autocast, NARROW),
    }
    lines: dict[str, dict[str, Any]] = {}
    prepared = {order: _fault_case(plan, order) for order in (NARROW, WIDE)}
    for what, (dtype, how, order) in runs.items():
        if how is switched and not plan.cuda:
            lines[what] = {"state": "NOT_RUN", "why": "needs CUDA"}
            continue
        case, setups = prepared[order]
        honest = LinearTransformer.from_construction(case.subject, dtype, plan.device)
        honest.order = order
        module = honest if how is None else Run(honest, how)
        try:
            result = crosscheck(case.subject, case.algorithm, setups, plan.device, dtype, module)
        except Exception as error:  # one fault that cannot be planted must not take the others with it
            lines[what] = {"state": "FAILED", "why": f"{type(error).__name__}: {str(error)[:300]}"}
            continue
        wanted = "within" if how is None else "exceeded"
        state = "OK" if result.status == wanted else "FAILED"
        lines[what] = {"state": state, "status": result.status, "wanted": wanted, "coarser": result.coarser}
        if how is switched and result.status == "within" and _same_bits(honest, how, plan.device):
            lines[what] = {"state": "NOT_RUN", "why": "no fault: the switch changed no bit of products of this shape"}
        plan.keep({"lines": lines})
    wrong = [what for what, line in lines.items() if line["state"] == "FAILED"]
    return {"lines": lines, **({"state": "FAILED", "why": ", ".join(wrong)} if wrong else {})}


def _fault_case(plan: Plan, order: str) -> tuple[Case, list[Any]]:
    """The case of an order, and its prompts."""
    d, n = (3, 100) if order == NARROW else (32, 103)
    n, L, trials = (8, 2, 2) if plan.quick else (n, 4, 8)
    d = min(d, 4) if plan.quick else d
    case = Case(find("td0"), Settings(features=d, context=n, layers=L, trials=trials))
    drawn = islice(prompts(case.algorithm, d, n, 0, "boyan-chain"), trials)
    return case, [problem(case.algorithm, RATIONALS, c, w, case.parameters, {}) for _, c, w in drawn]


def _same_bits(module: Any, how: How, device: torch.device) -> bool:
    layout = module.construction.layout
    Z = torch.rand(8, layout.m, layout.n + 1, dtype=torch.float32).to(device)
    with torch.no_grad(), strict_precision():
        return all(torch.equal(a, b) for a, b in zip(module.states(Z), how(module, Z), strict=True))


def determinism(plan: Plan) -> dict[str, Any]:
    """Whether the same batch gives the same bits again, and a prompt the same bits in another batch."""
    n, L, batch, repeat = (8, 2, 4, 3) if plan.quick else (100, 40, 256, 10)
    construction, lines = Case(find("td0"), Settings(context=n, layers=L)).subject, []
    before = torch.are_deterministic_algorithms_enabled()
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        module = LinearTransformer.from_construction(construction, dtype, plan.device)
        generator = torch.Generator().manual_seed(0)
        Z = (torch.rand(batch, construction.layout.m, n + 1, generator=generator) - 0.5).to(plan.device, dtype)
        for switched in (False, True):
            torch.use_deterministic_algorithms(switched)
            try:
                with torch.no_grad():
                    first = module.rows(Z)[-1]
                    again = all(torch.equal(first, module.rows(Z)[-1]) for _ in range(repeat))
                    alone = torch.equal(first[:1], module.rows(Z[:1])[-1])
            finally:
                torch.use_deterministic_algorithms(before)
            lines.append({"dtype": str(dtype), "deterministic_algorithms": switched, "same_again": again,
                          "same_in_a_batch_of_one": alone})  # fmt: skip
    result = {"lines": lines, "workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG", "not set"),
              "environment": environment(plan.device, torch.float32)}  # fmt: skip
    moved = [line for line in lines if line["deterministic_algorithms"] and not line["same_again"]]
    return {**result, **({"state": "FAILED", "why": f"other bits in another run: {moved[0]}"} if moved else {})}


def rooflines(plan: Plan) -> dict[str, Any]:
    """The forward pass against the copy rate and the matrix rate of this run, with the picture of `roofline.py`."""
    results = []
    for dtype in roofline.DTYPES:
        results.append(roofline.measure(dtype, plan.device, plan.quick))
        plan.keep({"results": results})
    (plan.folder / "roofline.svg").write_text(roofline.picture(results))
    best = {r["dtype"]: max(line["copy_fraction"] for line in r["batches"]) for r in results}
    return {"results": results, "reasons": [roofline.reason(r) for r in results], "best_share_of_copy_rate": best,
            "goal": COPY_GOAL, "goal_reached": {name: share >= COPY_GOAL for name, share in best.items()}}  # fmt: skip


class _Counted(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def launches(plan: Plan) -> dict[str, Any]:
    """One prompt, n = 100, L = 40: how many operations an eager pass launches, and what a CUDA graph of them takes."""
    n, L = (8, 2) if plan.quick else (100, 40)
    construction = Case(find("td0"), Settings(context=n, layers=L)).subject
    module = LinearTransformer.from_construction(construction, torch.float32, plan.device)
    lines: list[dict[str, Any]] = []
    for batch in (1, 4) if plan.quick else (1, 16, 256):
        Z = torch.rand(batch, construction.layout.m, n + 1).to(plan.device) - 0.5
        with torch.no_grad():
            with _Counted() as counted:
                wanted = module.rows(Z)[-1]
            line: dict[str, Any] = {"batch": batch, "operations": counted.count}
            line["eager_seconds"] = roofline.timed(lambda Z=Z: module.rows(Z), plan.device, 10)
            rows = passes(module, Z)
            line["same_bits"] = torch.equal(rows()[-1], wanted)
            line["graph_seconds"] = "NOT_RUN: needs CUDA"
            if plan.cuda:
                line["graph_seconds"], line["same_bits_in_the_graph"] = _graph(rows, wanted, plan.device)
                line["eager_over_graph"] = line["eager_seconds"] / line["graph_seconds"]
            lines.append(line)
            plan.keep({"lines": lines})
    result = {"sizes": {"n": n, "L": L}, "lines": lines}
    wrong = [line for line in lines if not (line["same_bits"] and line.get("same_bits_in_the_graph", True))]
    return {**result, **({"state": "FAILED", "why": f"other bits than the eager pass's: {wrong[0]}"} if wrong else {})}


def passes(module: Any, Z: torch.Tensor) -> Callable[[], list[torch.Tensor]]:
    """The layers as `module.rows` runs them, into memory that is there, and with nothing that waits for the device."""
    p, stacked = module.features, module._row_layers()
    X, Y = Z[:, :p], Z[:, p:]
    masks = [M.diagonal() for M in stacked.masks]  # td0's mask, as the eager pass takes it
    kept = Y.new_empty(module.depth, *Y.shape)
    return lambda: run_keys_first(X, Y, stacked.layers, masks, list(kept))


def _graph(rows: Callable[[], list[torch.Tensor]], wanted: torch.Tensor, device: torch.device) -> tuple[float, bool]:
    """Seconds of a replay of the layers as one CUDA graph, and whether its rows are the eager pass's, bit for bit."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            rows()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = rows()
    result[-1].zero_()  # so that what is compared is what the replay writes
    graph.replay()
    torch.cuda.synchronize()
    same = torch.equal(result[-1], wanted)
    return roofline.timed(graph.replay, device, 10), same


def throughput(plan: Plan) -> dict[str, Any]:
    """The judged batch, a-priori bounds included, on the device beside the CPU."""
    trials, n, L = (8, 8, 2) if plan.quick else (1000, 100, 40)
    case = Case(find("td0"), Settings(context=n, layers=L))
    data = random_transitions(case.algorithm, 3, n, trials, 0)
    lines = {}
    for device in dict.fromkeys([torch.device("cpu"), plan.device]):

        def job(device: torch.device = device) -> Any:
            return batch_check(case.subject, case.algorithm, data, torch.float64, device)

        if job().status != "within":
            raise RuntimeError(f"the batch is not within its bounds on {device}")
        lines[str(device)] = roofline.timed(job, device, 3) / trials
        plan.keep({"seconds_a_prompt": lines, "prompts": trials})
    return {"seconds_a_prompt": lines, "prompts": trials}


def training(plan: Plan) -> dict[str, Any]:
    """Training's main preset: what a process more takes, on the device and on the CPU, by a short and a longer run."""
    from layerproof.proofs.training.run import train

    preset, few, many = ("tiny", 4, 8) if plan.quick else ("main", 2, 12)
    lines: dict[str, Any] = {}
    for device in dict.fromkeys([plan.device.type, "cpu"]):
        seconds = []
        for processes in (few, few, many) if plan.cuda and device != "cpu" else (few, many):  # a device is set up once
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                train(preset, Path(folder) / "run", device=device, processes=processes)
                seconds.append(time.perf_counter() - start)
        short, long = seconds[-2:]
        lines[device] = {"seconds": seconds, "processes": [few, many], "a_process": (long - short) / (many - few)}
        plan.keep({"preset": preset, "lines": lines})
    return {"preset": preset, "lines": lines}


PARTS: dict[str, Callable[[Plan], dict[str, Any]]] = {
    "faults": faults,
    "tests": tests,
    "determinism": determinism,
    "roofline": rooflines,
    "launches": launches,
    "throughput": throughput,
    "training": training,
    "matrix": cross_checks,
}
"""In the order in which they run: what takes long, and says how far it came, last."""
