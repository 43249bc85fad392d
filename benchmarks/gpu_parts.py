"""What `gpu.py` measures, part by part: each takes the plan and gives plain data, or says why it did not run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

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
    """What to run: on which device, small or not, into which folder, and until when (`time.monotonic`)."""

    device: torch.device
    quick: bool
    folder: Path
    end: float

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.end - time.monotonic()


class NotRun(Exception):
    """Something could not be run here; its text says why, and it is no success."""


def wants_cuda(plan: Plan) -> None:
    """Raise `NotRun` where the device is none of CUDA's."""
    if not plan.cuda:
        raise NotRun("needs CUDA, and torch finds none here" if not torch.cuda.is_available() else "--device is cpu")


def tests(plan: Plan) -> dict[str, Any]:
    """The tests marked `gpu`."""
    wants_cuda(plan)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=max(plan.left, 1))
    (plan.folder / "tests.log").write_text(done.stdout + done.stderr)
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|error|skipped)", done.stdout)}
    if done.returncode or not counts.get("passed"):
        raise RuntimeError(f"pytest -m gpu ended with {done.returncode}: {counts or 'no test ran'}, see tests.log")
    return counts


def combinations(plan: Plan) -> Iterator[tuple[str, Settings]]:
    """The matrix, what is cheap first: all in eager mode, then compiled at one layer, then compiled at many."""
    names = ["td0"] if plan.quick else list(catalogue())
    n, depths, trials = (8, (1, 2), 2) if plan.quick else (100, (1, 40), 8)
    for compiled, layers in ((False, depths), (True, depths[:1]), (True, depths[1:])):
        for dtype in (*(p.name for p in PRECISIONS.values()), TF32.name):
            for order in ("keys-first", "scores-first"):
                for name in names:
                    for depth in layers:
                        yield name, Settings(
                            context=n, layers=depth, trials=trials, device=plan.device.type, dtype=dtype, order=order,
                            compiled=compiled,
                        )  # fmt: skip


def cross_checks(plan: Plan) -> dict[str, Any]:
    """The cross-check matrix, up to a third of the time that is left; what was not reached says so."""
    end, lines = time.monotonic() + plan.left / 3, []
    for name, settings in combinations(plan):
        asked = {"algorithm": name, "dtype": settings.dtype, "order": settings.order, "layers": settings.layers,
                 "compiled": settings.compiled}  # fmt: skip
        if settings.compiled and not plan.cuda:
            lines.append({**asked, "state": "NOT_RUN", "why": "compiled runs are left to a device here"})
        elif time.monotonic() > end:
            lines.append({**asked, "state": "NOT_RUN", "why": "the time for the matrix was over"})
        else:
            try:
                entry = matrix.line(name, settings)
            except Exception as error:  # one combination that breaks must not take the rest with it
                lines.append({**asked, "state": "FAILED", "why": f"{type(error).__name__}: {str(error)[:300]}"})
                continue
            lines.append({**asked, "state": entry["one_step"], "any_run": entry["any_run"], **entry})
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


def faults(plan: Plan) -> dict[str, Any]:
    """Coarser arithmetic than the one claimed: the one-step tier must refuse each, and pass the run that is honest."""
    n, L, trials = (8, 2, 2) if plan.quick else (100, 4, 8)
    case = Case(find("td0"), Settings(context=n, layers=L, trials=trials))
    drawn = islice(prompts(case.algorithm, 3, n, 0, "boyan-chain"), trials)
    setups = [problem(case.algorithm, RATIONALS, c, w, case.parameters, {}) for _, c, w in drawn]

    def simulated(module: Any, Z: torch.Tensor) -> list[torch.Tensor]:
        with TenBits():
            return module.states(Z)

    def switched(module: Any, Z: torch.Tensor) -> list[torch.Tensor]:
        with real_tf32():
            return module.states(Z)

    def single(module: Any, Z: torch.Tensor) -> list[torch.Tensor]:
        return [Y.double() for Y in module.float().states(Z.float())]

    def autocast(module: Any, Z: torch.Tensor) -> list[torch.Tensor]:
        with torch.autocast(plan.device.type, torch.bfloat16):
            return [Y.float() for Y in module.states(Z)]

    single_precision, double = torch.float32, torch.float64
    runs = {
        "float32, honest": (single_precision, None),
        "float64, honest": (double, None),
        "tf32 claimed as float32, simulated": (single_precision, simulated),
        "tf32 claimed as float32, the device's own": (single_precision, switched),
        "float32 claimed as float64": (double, single),
        "bfloat16 autocast claimed as float32": (single_precision, autocast),
    }
    lines = {}
    for what, (dtype, how) in runs.items():
        honest = LinearTransformer.from_construction(case.subject, dtype, plan.device)
        if how is switched and not plan.cuda:
            lines[what] = {"state": "NOT_RUN", "why": "needs CUDA"}
            continue
        module = honest if how is None else Run(honest, how)
        result = crosscheck(case.subject, case.algorithm, setups, plan.device, dtype, module)
        wanted = "within" if how is None else "exceeded"
        state = "OK" if result.status == wanted else "FAILED"
        lines[what] = {"state": state, "status": result.status, "wanted": wanted, "coarser": result.coarser}
        if how is switched and result.status == "within" and _same_bits(honest, how, plan.device, n):
            lines[what] = {"state": "NOT_RUN", "why": "no fault: the switch changed no bit of products of this shape"}
    wrong = [what for what, line in lines.items() if line["state"] == "FAILED"]
    return {"lines": lines, **({"state": "FAILED", "why": ", ".join(wrong)} if wrong else {})}


def _same_bits(module: Any, how: Callable[..., Any], device: torch.device, n: int) -> bool:
    Z = torch.rand(8, module.construction.layout.m, n + 1, dtype=torch.float32).to(device)
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
    results = [roofline.measure(dtype, plan.device, plan.quick) for dtype in roofline.DTYPES]
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
    lines = []
    for batch in (1, 4) if plan.quick else (1, 16, 256):
        Z = torch.rand(batch, construction.layout.m, n + 1).to(plan.device) - 0.5
        with torch.no_grad():
            with _Counted() as counted:
                wanted = module.rows(Z)
            line: dict[str, Any] = {"batch": batch, "operations": counted.count}
            line["eager_seconds"] = roofline.timed(lambda Z=Z: module.rows(Z), plan.device, 10)
            if plan.cuda:
                line["graph_seconds"] = _graph_seconds(module, Z, wanted[-1])
                line["eager_over_graph"] = line["eager_seconds"] / line["graph_seconds"]
            else:
                line["graph_seconds"] = "NOT_RUN: needs CUDA"
            lines.append(line)
    return {"sizes": {"n": n, "L": L}, "lines": lines}


def _graph_seconds(module: Any, Z: torch.Tensor, wanted: torch.Tensor) -> float:
    """Seconds of a replay of the layers as one CUDA graph, whose rows are the eager pass's to the last bit."""
    p = module.features
    X, Y = Z[:, :p].contiguous(), Z[:, p:].contiguous()
    rows = module._row_layers()
    layers, masks = rows.layers, [M.diagonal() for M in rows.masks]  # td0's mask, as the eager pass takes it
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run_keys_first(X, Y, layers, masks)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        rows = run_keys_first(X, Y, layers, masks)
    graph.replay()
    torch.cuda.synchronize()
    if not torch.equal(rows[-1], wanted):
        raise RuntimeError("the graph's rows are not the eager pass's")
    return roofline.timed(graph.replay, Z.device, 10)


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
    return {"seconds_a_prompt": lines, "prompts": trials}


def training(plan: Plan) -> dict[str, Any]:
    """Training's main preset: a start of it on the device and on the CPU, in seconds a process."""
    wants_cuda(plan)
    lines = {}
    for device in ("cpu", plan.device.type):
        folder = plan.folder / f"training-{device}"
        command = [sys.executable, "-m", "layerproof", "train", "main", "--processes", "20", "--seeds", "30",
                   "--device", device, "--output", str(folder)]  # fmt: skip
        start = time.monotonic()
        done = subprocess.run(command, cwd=plan.folder, capture_output=True, text=True, timeout=max(plan.left, 1))
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[2:])} ended with {done.returncode}: {done.stderr[-300:]}")
        lines[device] = (time.monotonic() - start) / 20
    return {"seconds_a_process": lines}


PARTS: dict[str, Callable[[Plan], dict[str, Any]]] = {
    "tests": tests,
    "faults": faults,
    "determinism": determinism,
    "roofline": rooflines,
    "launches": launches,
    "throughput": throughput,
    "matrix": cross_checks,
    "training": training,
}
