"""Devices, number formats and precision switches: the only file that knows the name of an accelerator."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from threading import Lock
from typing import Any

import torch

from ..symbolic.errors import ArgumentError, DeviceError
from ..symbolic.plain_text import shown


@dataclass(frozen=True)
class Precision:
    """A binary floating-point format, as the error bounds see it.

    unit_roundoff  u: an operation that neither overflows nor underflows is off by a factor 1 + delta, |delta| <= u
    underflow      the absolute error that one operation may lose besides.  For float64, float32 and bfloat16 it is
                   the smallest normal number, which covers hardware that flushes subnormals to zero; for float16 it
                   is half the smallest subnormal, so gradual underflow is ASSUMED there (every current device has it).
    digits         bits of the significand, the leading one included
    lowest         the exponent of the smallest subnormal 2^lowest
    highest        every finite number is below 2^highest
    """

    name: str
    unit_roundoff: Fraction
    underflow: Fraction
    digits: int
    lowest: int
    highest: int


def _format(name: str, digits: int, lowest: int, highest: int, gradual: bool) -> Precision:
    loss = Fraction(2) ** (lowest - 1 if gradual else lowest + digits - 1)
    return Precision(name, Fraction(1, 2**digits), loss, digits, lowest, highest)


PRECISIONS = {
    torch.float64: _format("float64", 53, -1074, 1024, gradual=False),
    torch.float32: _format("float32", 24, -149, 128, gradual=False),
    torch.bfloat16: _format("bfloat16", 8, -133, 128, gradual=False),
    torch.float16: _format("float16", 11, -24, 16, gradual=True),
}

TF32 = Precision("tf32", Fraction(1, 2**10), PRECISIONS[torch.float32].underflow, 24, -149, 128)
"""float32 whose products read their inputs to ten bits of mantissa, rounded or cut off: u = 2^-10.

Its accumulator is no IEEE format; ASSUMED is that each addition is off by no more than u, far more than was measured.
"""


def precision(dtype: torch.dtype) -> Precision:
    """The format behind a torch dtype; `ArgumentError` for one that is no binary float of the list."""
    if not isinstance(dtype, torch.dtype) or dtype not in PRECISIONS:
        words = dtype if isinstance(dtype, torch.dtype) else f"{shown(dtype)}, which is no torch.dtype"
        raise ArgumentError(f"dtype is {words}, wanted {_names()}")
    return PRECISIONS[dtype]


def _names() -> str:
    return ", ".join([*(p.name for p in PRECISIONS.values()), TF32.name])


def resolve_dtype(name: str) -> torch.dtype:
    """The torch dtype called `name`, float32 for tf32; `ArgumentError` listing the known ones.

    >>> resolve_dtype("float32"), resolve_dtype("tf32")
    (torch.float32, torch.float32)
    """
    if name == TF32.name:
        return torch.float32
    for dtype, known in PRECISIONS.items():
        if known.name == name:
            return dtype
    raise ArgumentError(f"dtype is {shown(name)}, wanted one of {_names()}")


DEVICES = ("auto", "cpu", "cuda")


def resolve_device(name: str) -> torch.device:
    """ "cpu", "cuda", or "auto" for cuda where there is one; `DeviceError` when cuda is asked for and absent."""
    if name not in DEVICES:
        raise ArgumentError(f"device is {shown(name)}, wanted auto, cpu or cuda")
    present = name != "cpu" and torch.cuda.is_available()
    if name == "cuda" and not present:
        raise DeviceError("device is cuda, but torch finds no CUDA device here: use --device cpu or auto")
    return torch.device("cuda" if present else "cpu")


def torch_device(device: torch.device | str) -> torch.device:
    """A device as torch takes it, cuda:1 among them; `ArgumentError` for none, `DeviceError` where it is not there."""
    try:
        known = torch.device(device) if isinstance(device, (str, torch.device)) else None
    except RuntimeError:
        known = None
    if known is None:
        raise ArgumentError(f"device is {shown(device)}, wanted a torch.device, or cpu, cuda or cuda:0")
    if known.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(f"device is {known}, but torch finds no CUDA device here")
    return known


TF32_SWITCHES = ("cuda.matmul.fp32_precision", "cuda.matmul.allow_tf32")


def _switches() -> list[tuple[str, Any, str, Any]]:
    """(name, object, attribute, strict value) of every switch that lets a product lose precision."""
    matmul: Any = torch.backends.cuda.matmul
    cpu: Any = getattr(torch.backends.mkldnn, "matmul", None)
    table: list[tuple[str, Any, str, Any]]
    if hasattr(matmul, "fp32_precision"):
        # The newer interface; setting the older one as well makes later reads of either raise.
        table = [("cuda.matmul.fp32_precision", matmul, "fp32_precision", "ieee")]
        if cpu is not None:
            table.append(("mkldnn.matmul.fp32_precision", cpu, "fp32_precision", "ieee"))
    else:
        table = [("cuda.matmul.allow_tf32", matmul, "allow_tf32", False)]
    for half in ("fp16", "bf16"):
        name = f"allow_{half}_reduced_precision_reduction"
        table.append((f"cuda.matmul.{name}", matmul, name, False))
    table.append(("cuda.matmul.allow_fp16_accumulation", matmul, "allow_fp16_accumulation", False))
    return table


OVERRIDES = ("CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATE_DOUBLE_PRECISION")
"""Environment variables that cuBLAS hears before torch's switches."""

OFF = "off"
_switched_off: ContextVar[str] = ContextVar("layerproof_autocast", default=OFF)


def autocast_state() -> str:
    """Where torch.autocast is on, and to what: "off", or "cpu: bfloat16"; and what `strict_precision` switched off."""
    on = [kind for kind in DEVICES[1:] if torch.is_autocast_enabled(kind)]
    if not on and _switched_off.get() != OFF:
        return f"{OFF} for these layers, {_switched_off.get()} around them"
    return ", ".join(f"{kind}: {str(torch.get_autocast_dtype(kind)).removeprefix('torch.')}" for kind in on) or OFF


@contextmanager
def strict_precision(tf32: bool = False, autocast: bool = False) -> Iterator[None]:
    """Products in the format asked for: TF32 only where allowed, no reduced-precision sums; switches are put back.

    autocast : whether torch.autocast stays as the caller has it, for a module that is not ours; else it is off
    """
    with ExitStack() as stack:
        if not autocast:
            stack.callback(_switched_off.reset, _switched_off.set(autocast_state()))
            for kind in DEVICES[1:]:
                if torch.is_autocast_enabled(kind):
                    stack.enter_context(torch.autocast(kind, enabled=False))
        for name, place, attribute, strict in _switches():
            wanted = {"ieee": "tf32", False: True}[strict] if tf32 and name in TF32_SWITCHES else strict
            try:
                old = getattr(place, attribute)
                split = getattr(place, f"{attribute}_split_k", None)
                if split is not None:
                    # Two switches in one since torch 2.10: a bool alone would switch split-K on and leave it so.
                    # It adds a sum's parts in the accumulator's own format, in another order, which bounds cover.
                    old, wanted = (old, split), (wanted, split)
                setattr(place, attribute, wanted)
            except (AttributeError, RuntimeError):  # a switch that this torch lacks, or will not show
                continue
            stack.callback(setattr, place, attribute, old)
        yield


_one_thread = Lock()
_inside: list[int] = []


@contextmanager
def one_thread_each() -> Iterator[int]:
    """How many threads torch had, each operation taking one meanwhile: to run so many Python threads side by side.

    Threads of torch's own, which wait for work in a loop, would take the processors from them.  Callers from several
    threads at once each get back the number that the first of them found.
    """
    with _one_thread:
        threads = _inside[0] if _inside else torch.get_num_threads()
        _inside.append(threads)
        torch.set_num_threads(1)
    try:
        yield threads
    finally:
        with _one_thread:
            _inside.pop()
            torch.set_num_threads(threads)


def _read(reading: Callable[[], Any]) -> str:
    try:
        return str(reading())
    except (AttributeError, RuntimeError) as error:  # some switches raise once others were set
        return f"not readable ({type(error).__name__})"


def environment(device: torch.device, dtype: torch.dtype) -> dict[str, str]:
    """What a float result depends on besides its input: versions, device, threads and precision switches, as text."""
    on_gpu = device.type == "cuda"
    readings: dict[str, Callable[[], Any]] = {
        "torch": lambda: torch.__version__,
        "python": platform.python_version,
        "platform": platform.platform,
        "device": lambda: torch.cuda.get_device_name(device) if on_gpu else platform.processor() or platform.machine(),
        "device_type": lambda: device.type,
        "dtype": lambda: str(dtype).removeprefix("torch."),
        "threads": torch.get_num_threads,
        "cuda": lambda: torch.version.cuda,
        "float32_matmul_precision": torch.get_float32_matmul_precision,
        "cuda.matmul.allow_tf32": lambda: torch.backends.cuda.matmul.allow_tf32,
        "autocast": autocast_state,
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled,
        "flush_subnormals": lambda: torch.tensor([2.0**-1074], dtype=torch.float64).mul(1.0).item() == 0.0,
    }
    if on_gpu:
        readings |= {word.lower(): partial(os.environ.get, word, "not set") for word in OVERRIDES}
    for name, place, attribute, _ in _switches():
        readings[name] = lambda place=place, attribute=attribute: getattr(place, attribute)  # type: ignore[misc]
    return {name: _read(reading) for name, reading in readings.items()}
