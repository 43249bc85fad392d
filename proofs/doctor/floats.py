"""What torch can do here: devices, number formats tried on each, precision switches, and subnormal numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from math import floor, log1p
from typing import TYPE_CHECKING, Any

from .finding import Finding, State, ask, why

if TYPE_CHECKING:  # torch is loaded by the probes that need it, so that the others answer where it is broken
    import torch

    from ...numeric.device import Precision

BUILD = "with an NVIDIA GPU: install the build of torch for it, as https://pytorch.org/get-started says"


def present() -> list[torch.device]:
    """The CPU, then every GPU that a run could use."""
    import torch

    from ...numeric.device import resolve_device

    devices, best = [resolve_device("cpu")], resolve_device("auto")
    if best.type != devices[0].type:
        devices += [torch.device(best.type, i) for i in range(torch.get_device_module(best).device_count())]
    return devices


def _name(device: torch.device) -> str:
    return str(device)


def _small_product(device: torch.device, dtype: torch.dtype) -> None:
    """Multiply small integers, which every format holds exactly; raises when the product is not the exact one."""
    import torch

    left = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=dtype, device=device)
    product = (left @ left).tolist()
    if product != [[7.0, 10.0], [15.0, 22.0]]:
        raise ArithmeticError(f"[[1, 2], [3, 4]] squared gave {product}")


def _rounds_as(device: torch.device, dtype: torch.dtype, u: float) -> bool:
    """Whether 1 + 2u is told from 1 and 1 + u is not: the format has the digits that the bounds assume."""
    import torch

    one = torch.ones(1, dtype=dtype, device=device)
    return bool((one + 2 * u > one).item()) and not bool((one + u > one).item())


def devices() -> Iterator[Finding]:
    """Every device with its name and memory, tried with one product; or why there is no GPU."""
    import torch

    from ...numeric.device import environment

    usable = present()
    for device in usable:

        def question(device: torch.device = device) -> Finding:
            text = environment(device, torch.float64)["device"]
            details: dict[str, Any] = {"device": text}
            if device.type != "cpu":
                details["memory"] = int(torch.get_device_module(device).get_device_properties(device).total_memory)
                text += f", {details['memory'] / 2**30:.1f} GiB"
            try:
                _small_product(device, torch.float32)
            except Exception as error:
                return Finding(_name(device), State.NO, f"{text}: a product fails: {why(error)}", details=details)
            return Finding(_name(device), State.YES, text, details=details)

        yield ask(_name(device), question)
    if len(usable) == 1:
        built = torch.accelerator.current_accelerator()
        reason = f"torch {torch.__version__} is built for the CPU only" if built is None else f"torch finds no {built}"
        yield Finding("gpu", State.NO, f"no CUDA device: {reason}", BUILD if built is None else "")


def most_roundings(target: Precision) -> int:
    """The most roundings k in a layer at which the bound ((1+u)^k - 1) S still tells one algorithm from another.

    >>> import torch
    >>> from ...numeric.device import PRECISIONS
    >>> most_roundings(PRECISIONS[torch.bfloat16])
    15
    """
    from ...numeric.judge.bounds import WIDE

    return floor(log1p(WIDE) / log1p(float(target.unit_roundoff)))


FEATURES = 3


@cache
def _roundings_of_td0() -> tuple[int, int]:
    """k of a TD(0) layer at d = 3 and context length n as (at n = 0, for each token): both contractions grow with n."""
    from ...numeric.judge.bounds import layer_maps
    from ..functions.weights import construct

    few, more = (layer_maps(construct("td0", d=FEATURES, n=n, layers=1)).roundings for n in (8, 16))
    slope = (more - few) // 8
    return few - 8 * slope, slope


def longest_context(target: Precision) -> int:
    """The longest context of TD(0) at d = 3 that is judged in a format; 0 when even n = 1 is too much."""
    start, slope = _roundings_of_td0()
    return max((most_roundings(target) - start) // slope, 0)


def _count(number: int) -> str:
    """The number, or beyond five digits its first one: rounded down, so that nothing more is promised."""
    text = str(number)
    return text if len(text) <= 5 else f"{text[0]}e{len(text) - 1}"


def _use(target: Precision) -> str:
    n = longest_context(target)
    judges = f"judges layers up to n = {_count(n)}" if n else "too coarse to judge layers"
    return f"{judges} (td0, d = {FEATURES}); measures a run's exact distance at any n"


def formats() -> Iterator[Finding]:
    """Every format on every device, tried; what each can be used for follows from its unit roundoff."""
    from ...numeric.device import TF32

    for device in present():
        yield from _of_every_format(device, _format)
        name = f"{TF32.name} on {_name(device)}"
        yield ask(name, partial(_tf32, name, device))


def _of_every_format(
    device: torch.device, question: Callable[[str, torch.device, torch.dtype, Precision], Finding]
) -> Iterator[Finding]:
    """The answers to a question about each format on a device."""
    from ...numeric.device import PRECISIONS

    for dtype, target in PRECISIONS.items():
        name = f"{target.name} on {_name(device)}"
        yield ask(name, partial(question, name, device, dtype, target))


def _format(name: str, device: torch.device, dtype: torch.dtype, target: Precision) -> Finding:
    """Whether a format is there and rounds as it should."""
    try:
        _small_product(device, dtype)
    except Exception as error:
        return Finding(name, State.NO, f"a product fails: {why(error)}")
    if not _rounds_as(device, dtype, float(target.unit_roundoff)):
        return Finding(name, State.NO, f"it does not round to {target.digits} bits: the bounds do not hold")
    details = {
        "unit_roundoff": str(target.unit_roundoff),
        "most_roundings": most_roundings(target),
        "longest_context": longest_context(target),
    }
    return Finding(name, State.YES, f"{target.digits} bits; {_use(target)}", details=details)


def _cuts_inputs(device: torch.device) -> bool:
    """Whether float32 products with TF32 allowed lose the last of 1 + 2^-12, which float32 keeps."""
    import torch

    from ...numeric.device import strict_precision

    left = torch.full((64, 64), 1 + 2.0**-12, dtype=torch.float32, device=device)
    with strict_precision(tf32=True):
        return bool(((left @ torch.eye(64, device=device)) != left).any().item())


def _tf32(name: str, device: torch.device) -> Finding:
    """TF32 is a mode of float32 products and no format of tensors: it is seen by what it loses."""
    from ...numeric.device import TF32

    try:
        cut = _cuts_inputs(device)
    except Exception as error:
        return Finding(name, State.NO, f"a product fails: {why(error)}")
    if not cut:
        return Finding(name, State.NO, "float32 products read all bits here, also where TF32 is allowed")
    return Finding(name, State.YES, f"float32 products read 10 bits where it is allowed; {_use(TF32)}")


def switches() -> Iterator[Finding]:
    """Every precision switch as it stands, and as it reads inside a strict run, where it must have the strict value."""
    import torch

    from ...numeric.device import _switches, environment, resolve_device, strict_precision

    device = resolve_device("cpu")
    before = environment(device, torch.float64)
    with strict_precision():
        during = environment(device, torch.float64)
    for name, _, _, strict in _switches():
        stands, read, wanted = before[name], during[name], str(strict)
        details = {"stands": stands, "strict_run": read, "strict_value": wanted}
        if read == wanted:
            yield Finding(name, State.INFO, f"{stands}; in strict runs {read}", details=details)
        else:
            text = f"{stands}; strict runs want {wanted} and get: {read}"
            yield Finding(name, State.UNKNOWN, text, details=details)


def settings() -> Iterator[Finding]:
    """Every other reading that is recorded with a float result: versions, threads, modes."""
    import torch

    from ...numeric.device import _switches, environment, resolve_device

    known = {name for name, *_ in _switches()}
    for name, value in environment(resolve_device("cpu"), torch.float64).items():
        if name not in known | {"device_type", "dtype", "device"}:
            state = State.UNKNOWN if value.startswith("not readable") else State.INFO
            yield Finding(name, state, value, details={"value": value})


def subnormals() -> Iterator[Finding]:
    """Whether the smallest subnormal times one, alone and in a matrix product, is kept, for every format and device."""
    for device in present():
        yield from _of_every_format(device, _least)


def _least(name: str, device: torch.device, dtype: torch.dtype, target: Precision) -> Finding:
    """Whether the smallest subnormal of a format is kept; made and read as bits, since a comparison may flush too."""
    import torch

    bits = {8: torch.int64, 4: torch.int32, 2: torch.int16}[dtype.itemsize]
    least = torch.ones((1, 1), dtype=bits).view(dtype).to(device)
    one = torch.ones((1, 1), dtype=dtype, device=device)
    kept = {
        "product": bool((least * one).cpu().view(bits).item()),
        "matrix_product": bool((least @ one).cpu().view(bits).item()),
    }
    smallest_normal = 2 ** (target.lowest + target.digits - 1)
    covered = target.underflow >= smallest_normal
    text = "kept" if all(kept.values()) else f"flushed in: {', '.join(k for k, v in kept.items() if not v)}"
    text = text.replace("_", " ") + ("; the bounds cover both" if covered else "; the bounds assume kept")
    wrong = not covered and not all(kept.values())
    return Finding(name, State.NO if wrong else State.INFO, text, details={"kept": kept, "covered": covered})
