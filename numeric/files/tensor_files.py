"""safetensors and npz files read as bytes, strictly, and compared bit by bit with the tensors that they should hold.

Neither library is asked to read them: a header's length, its keys, every offset and every size is checked before
anything of that size is made, no pickle is ever looked at, and what does not belong to a tensor is refused.
"""

from __future__ import annotations

import ast
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...symbolic.construction import Construction
from ...symbolic.errors import ContentError
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.strict_json import loads
from ..device import resolve_dtype
from ..lower import lower, lower_matrix
from .pattern_file import pattern_tensors

MAX_HEADER = 16 * 2**20
_CODES = {"F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
_NPY_CODES = {"<f8": torch.float64, "<f4": torch.float32, "<f2": torch.float16}


@dataclass(frozen=True)
class Stored:
    """A tensor as a file holds it: its format's code, its shape and its bytes, row by row."""

    code: str
    shape: tuple[int, ...]
    content: bytes


def wanted_tensors(construction: Construction | PatternConstruction, dtype: str) -> dict[str, Tensor]:
    """Every tensor of an export by its name, correctly rounded."""
    if isinstance(construction, PatternConstruction):
        number = resolve_dtype(dtype)
        return {name: lower_matrix(x, number, torch.device("cpu")) for name, x in pattern_tensors(construction).items()}
    layers = lower(construction, resolve_dtype(dtype), "cpu").layers
    return {
        f"layers.{number}.heads.{h}.{name}": tensor
        for number, heads in enumerate(layers)
        for h, head in enumerate(heads)
        for name, tensor in head.items()
    }


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file, no tensor of which is read; `ContentError` as for the whole file."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
            content = start + file.read(min(int.from_bytes(start, "little"), MAX_HEADER))
            size = path.stat().st_size
    except OSError as error:
        raise ContentError(f"cannot be read: {error.strerror}") from None
    return _header(content, size)[1]


def _header(content: bytes, size: int) -> tuple[dict[str, Any], dict[str, str], int]:
    """The entries of a header, the metadata and where tensors begin.

    content : the file up to there, if it goes so far;  size : how many bytes it has
    """
    if len(content) < 8:
        raise ContentError("is no safetensors file: it ends within its header's length")
    (length,) = struct.unpack("<Q", content[:8])
    if length > MAX_HEADER:
        raise ContentError(f"says that its header has {length} bytes, above the limit of {MAX_HEADER}")
    if length > size - 8:
        raise ContentError(f"is cut short: its header should have {length} bytes, {size - 8} follow")
    try:
        text = content[8 : 8 + length].decode("utf-8")
    except UnicodeDecodeError:
        raise ContentError("has a header that is not UTF-8") from None
    header = loads(text)
    if not isinstance(header, dict):
        raise ContentError("has a header that is no object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ContentError("has metadata that is no object of texts")
    return header, metadata, 8 + length


def read_safetensors(content: bytes) -> tuple[dict[str, Stored], dict[str, str]]:
    """The tensors and the metadata of a safetensors file; `ContentError` says what is malformed."""
    header, metadata, start_of_tensors = _header(content, len(content))
    body = memoryview(content)[start_of_tensors:]
    tensors: dict[str, Stored] = {}
    end = 0
    entries = [(name, *_entry(name, value)) for name, value in header.items()]
    for name, code, shape, start, stop in sorted(entries, key=lambda entry: entry[3:]):
        if start != end:
            raise ContentError(f"tensor {_short(name)} begins at byte {start}, wanted {end}: no gaps and no overlaps")
        end = stop
        if stop > len(body):
            raise ContentError(f"is cut short: tensor {_short(name)} should end at byte {stop}, {len(body)} are there")
        tensors[name] = Stored(code, shape, bytes(body[start:stop]))
    if end != len(body):
        raise ContentError(f"holds {len(body) - end} bytes that belong to no tensor")
    return tensors, metadata


def _entry(name: str, value: Any) -> tuple[str, tuple[int, ...], int, int]:
    """A header's entry: format code, shape, first byte and the one after the last."""
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise ContentError(f"tensor {_short(name)} wants the keys dtype, shape and data_offsets")
    code, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    whole = [*shape, *offsets] if isinstance(shape, list) and isinstance(offsets, list) else [None]
    if not all(type(x) is int and 0 <= x < 2**48 for x in whole) or len(offsets) != 2 or len(shape) > 8:
        raise ContentError(f"tensor {_short(name)} has a wrong shape or wrong data_offsets")
    if not isinstance(code, str) or code not in _CODES:
        raise ContentError(f"tensor {_short(name)} is of dtype {_short(code)}, wanted {', '.join(_CODES)}")
    if offsets[1] - offsets[0] != prod(shape) * _CODES[code].itemsize:
        raise ContentError(f"tensor {_short(name)} has {offsets[1] - offsets[0]} bytes, which is not its shape's size")
    return code, tuple(shape), offsets[0], offsets[1]


def read_npz(content: bytes, limit: int) -> dict[str, Stored]:
    """The arrays of an npz file of at most `limit` bytes each; `ContentError` for anything but plain float arrays."""
    arrays: dict[str, Stored] = {}
    if content[:4] != b"PK\x03\x04":  # zipfile would look for the archive behind other bytes, NumPy does not
        raise ContentError("is no npz file: it does not begin as one")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            _one_archive(content, file)
            for member in file.infolist():
                name = member.filename.removesuffix(".npy")
                if not member.filename.endswith(".npy") or name in arrays:
                    raise ContentError(f"member {_short(member.filename)} is no array, or is there twice")
                if member.file_size > limit:
                    raise ContentError(
                        f"member {_short(name)} has {member.file_size} bytes, above the limit of {limit}"
                    )
                if member.flag_bits & 1:
                    raise ContentError(f"member {_short(name)} is encrypted")
                with file.open(member) as stream:
                    data = stream.read(limit + 1)
                arrays[name] = _npy(data, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        if isinstance(error, ContentError):
            raise
        raise ContentError(f"is no npz file: {str(error)[:80] or 'damaged'}") from None
    return arrays


def _one_archive(content: bytes, file: zipfile.ZipFile) -> None:
    """Raise `ContentError` where bytes lie before, between or behind the members, which another reader may take up.

    Of two archives in one file, readers open the last one or the first.
    """
    end = 0
    for member in sorted(file.infolist(), key=lambda x: x.header_offset):
        if member.header_offset != end:
            raise ContentError(f"is no npz file: {_short(member.filename)} begins at byte {member.header_offset}, "
                               f"wanted {end}, the end of what is before it")  # fmt: skip
        name, extra = struct.unpack("<HH", content[end + 26 : end + 30].ljust(4, b"\0"))
        end += 30 + name + extra + member.compress_size
    if end != file.start_dir or file.comment or content[-22:-18] != b"PK\x05\x06":  # the mark of the last record
        raise ContentError("is no npz file: it holds bytes that belong to no array")


def _npy(data: bytes, name: str) -> Stored:
    """An npy member, version 1, C order; what says that it holds objects is refused by its format code."""
    if data[:8] != b"\x93NUMPY\x01\x00" or len(data) < 10:
        raise ContentError(f"array {_short(name)} is no npy file of version 1")
    (length,) = struct.unpack("<H", data[8:10])
    header = data[10 : 10 + length]
    try:
        about = ast.literal_eval(header.decode("latin-1"))  # a Python literal, which is what the format is
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        about = None
    if not isinstance(about, dict) or about.keys() != {"descr", "fortran_order", "shape"}:
        raise ContentError(f"array {_short(name)} has a malformed header")
    code, shape = about["descr"], about["shape"]
    if not isinstance(code, str) or code not in _NPY_CODES or about["fortran_order"] is not False:
        raise ContentError(f"array {_short(name)} is of dtype {_short(code)}, wanted {', '.join(_NPY_CODES)} by rows")
    if not isinstance(shape, tuple) or not all(type(x) is int and 0 <= x < 2**31 for x in shape) or len(shape) > 8:
        raise ContentError(f"array {_short(name)} has a malformed shape")
    body = data[10 + length :]
    if len(body) != prod(shape) * _NPY_CODES[code].itemsize:
        raise ContentError(f"array {_short(name)} has {len(body)} bytes, which is not its shape's size")
    return Stored(code, shape, body)


def differences(stored: Mapping[str, Stored], wanted: Mapping[str, Tensor]) -> Iterator[str]:
    """Each tensor that is not the one wanted, bit by bit, with the first entry that differs."""
    codes = {**_CODES, **_NPY_CODES}
    same: dict[bytes, str] = {}
    for name, tensor in wanted.items():
        same.setdefault(tensor_bytes(tensor), name)
    for name in [*wanted, *(k for k in stored if k not in wanted)]:
        if name not in wanted:
            yield f"{_short(name)} belongs to no head"
            continue
        tensor = wanted[name]
        if name not in stored:
            yield f"{name} is missing"
            continue
        have, dtype = stored[name], codes[stored[name].code]
        if dtype != tensor.dtype:
            yield f"{name} is {_plain(dtype)}, wanted {_plain(tensor.dtype)}"
        elif have.shape != tuple(tensor.shape):
            yield f"{name} has the shape {have.shape}, wanted {tuple(tensor.shape)}"
        elif have.content != (right := tensor_bytes(tensor)):
            width = dtype.itemsize
            first = next(
                k for k in range(tensor.numel()) if have.content[k * width :][:width] != right[k * width :][:width]
            )
            value = torch.frombuffer(bytearray(have.content), dtype=dtype)[first].item()
            at = divmod(first, tensor.shape[-1])
            other = same.get(have.content)
            swapped = f"; it is what {other} should be" if other else ""
            yield f"{name} at {at} is {value!r}, wanted {tensor.reshape(-1)[first].item()!r}{swapped}"


def tensor_bytes(tensor: Tensor) -> bytes:
    """A tensor's numbers as bytes, row by row."""
    return tensor.contiguous().view(torch.uint8).numpy().tobytes()


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _short(value: Any) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."
