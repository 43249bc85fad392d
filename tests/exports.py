"""Exports for tests: small ones made in memory, and ways to tamper with one."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import nn

import layerproof as lp
from layerproof.numeric.export.files import contents, write
from layerproof.numeric.exported.config import Source
from layerproof.symbolic.construction import Construction
from layerproof.symbolic.strict_json import dumps

ALL = ("npz", "onnx", "pt2")
GIVEN = Source("catalogue", "given", None)
"""No certificate is then expected: most tests are about the files of floats."""


def small(name: str = "td-lambda", **more: Any) -> Construction:
    """Exact weights with a rounding in them: lambda and the preconditioners have odd denominators."""
    sizes: dict[str, Any] = {"d": 2, "n": 4, "layers": 2, "lam": "2/3", **more}
    C = [[["1/3", "1/5"], ["-2/7", "3/11"]], [["2/3", "-1/7"], ["1/9", "5/13"]]]
    algorithm = lp.derive(name).algorithm
    steps = [
        tuple("1/3" if c in algorithm.scalar_preconditioners else C[k % 2] for c in algorithm.preconditioners)
        for k in range(1 if sizes.get("looped") else sizes["layers"])
    ]
    return lp.construct(name, preconditioners=steps, **sizes)


def written(folder: Path, construction: Construction, dtype: str = "float64", formats: tuple[str, ...] = (),
            context: str | int | None = None) -> Path:  # fmt: skip
    """An export of given weights, without certificate."""
    write(contents(construction, dtype, formats, GIVEN, context), folder)
    return folder


def edit_json(path: Path, change: Callable[[Any], Any]) -> None:
    """A JSON file changed in place."""
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(dumps(data), encoding="utf-8")


def refit(folder: Path) -> None:
    """Make config.json list the files as they now are, as an attacker would."""

    def relist(config: Any) -> None:
        for name in config["files"]:
            content = (folder / name).read_bytes()
            config["files"][name] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}

    edit_json(folder / "config.json", relist)


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the body of a safetensors file."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header: dict[str, Any] | str, body: bytes) -> bytes:
    """A safetensors file of a header and a body."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + body


class Runner(nn.Module):
    """Any framework as a module that layerproof can judge: Z to the states Z_0, ..., Z_L, and a prediction."""

    def __init__(self, run: Callable[[torch.Tensor], tuple[list[Any], Any]]):
        super().__init__()
        self.run = run

    def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
        return [torch.as_tensor(x) for x in self.run(Z)[0]]

    def prediction(self, Z: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.run(Z)[1]).reshape(-1)


# ways to tamper: each is done to an export's folder

Edit = Callable[[Path], None]


def in_json(name: str, change: Callable[[Any], Any]) -> Edit:
    return lambda folder: edit_json(folder / name, change)


def in_bytes(name: str, change: Callable[[bytes], bytes]) -> Edit:
    def edit(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return edit


def in_tensors(change: Callable[[dict[str, Any], bytearray], tuple[Any, bytes] | None]) -> Edit:
    """A change to the header and the body of model.safetensors."""

    def edit(content: bytes) -> bytes:
        header, body = split(content)
        buffer = bytearray(body)
        given = change(header, buffer)
        return joined(*given) if given is not None else joined(header, bytes(buffer))

    return in_bytes("model.safetensors", edit)


def put(path: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        *places, last = path.split("/")
        for place in places:
            data = data[place]
        data[last] = value

    return change
