"""Reading an export back: its files are checked against each other, and all of them against the exact rationals.

What is then known is that the files agree, entry by entry and bit by bit.  That the rationals are right is another
question, which `layerproof check DIR` answers by deriving them again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.strict_json import dumps, loads
from ..files.text import read_bytes, read_text
from ..files.weights_file import any_document, description
from . import config as names
from .config import FORMAT, KEYS, PATTERN_KEYS, PATTERN_SCHEMA, SCHEMA, Source, check_size, config
from .modeling import CODE
from .readme import text

if TYPE_CHECKING:
    from torch import Tensor

MAX_BYTES = 2**29
"""The size above which no file of an export is read."""
_REQUIRED = (names.WEIGHTS, names.TENSORS, names.README)


@dataclass(frozen=True, eq=False)
class Opened:
    """An export that was read back.

    config       what config.json says
    construction the exact weights, and how to read the prediction
    """

    folder: Path
    config: Mapping[str, Any]
    construction: Construction | PatternConstruction

    @cached_property
    def wanted(self) -> dict[str, Any]:
        """What config.json should say of these rationals, with the list of files as it is."""
        fields = self.config
        try:
            check_size(self.construction)
            made = config(
                self.construction, fields["dtype"], Source(**fields["source"]), fields["onnx_context"],
                fields["made_with"], {}, names.MODELING in fields["files"],
            )  # fmt: skip
        except ArgumentError as error:
            raise ContentError(f"{self.folder / names.WEIGHTS}: {error}") from None
        return {**made, "files": fields["files"]}

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The tensors of the safetensors file by name, in the export's dtype."""
        from ..files.tensor_files import wanted_tensors  # loading has shown that these are the file's, bit by bit

        return wanted_tensors(self.construction, self.config["dtype"])


def linear(construction: Construction | PatternConstruction, what: str) -> Construction:
    """The same construction, or `ContentError` where it attends by a pattern, which `what` for linear attention."""
    if isinstance(construction, PatternConstruction):
        raise ContentError(
            f"{construction.algorithm} attends by a pattern, and {what} for linear attention: lp.load(folder).module "
            "runs it in torch"
        )
    return construction


def agree(opened: Opened) -> None:
    """Raise `ContentError` that names the file and the first difference, when an export's files do not agree."""
    for name, difference in chain(differences(opened), digest_differences(opened)):
        raise ContentError(f"{opened.folder / name}: {difference}")


def read(folder: str | os.PathLike[str]) -> Opened:
    """An export whose config.json and weights.json can be read at all: nothing is compared yet."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ContentError(f"{folder}: there is no such directory")
    fields = _parsed(folder / names.CONFIG, _formed)
    construction: Construction | PatternConstruction = _parsed(folder / names.WEIGHTS, any_document)
    if isinstance(construction, PatternConstruction) != (fields["schema"] == PATTERN_SCHEMA):
        raise ContentError(f"{folder / names.WEIGHTS}: is of another schema than {names.CONFIG}, {fields['schema']}")
    return Opened(folder, fields, construction)


def _parsed(path: Path, reader: Any) -> Any:
    try:
        return reader(loads(read_text(path)))
    except (ContentError, ArgumentError) as error:
        raise ContentError(f"{path}: {error}") from None


def _formed(data: Any) -> dict[str, Any]:
    """config.json's content, of the right form in all that is used before it is compared."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ContentError(f'is no config of an export, wanted an object with "format": "{FORMAT}"')
    if type(data.get("schema")) is not int or data["schema"] not in (SCHEMA, PATTERN_SCHEMA):
        raise ContentError(f"schema is {data.get('schema')!a:.40}, this version reads {SCHEMA} and {PATTERN_SCHEMA}")
    keys = PATTERN_KEYS if data["schema"] == PATTERN_SCHEMA else KEYS
    for key in keys:
        if key not in data:
            raise ContentError(f"{key} is missing, wanted {', '.join(keys)}")
    from ..device import resolve_dtype  # loads torch

    if not isinstance(data.get("dtype"), str):
        raise ContentError("dtype is missing or no text")
    try:
        resolve_dtype(data["dtype"])
    except ArgumentError as error:
        raise ContentError(f"{error}"[:200]) from None
    source = data.get("source")
    if not isinstance(source, dict) or source.keys() != Source().document().keys():
        raise ContentError(f"source is wrong, wanted {', '.join(Source().document())}")
    choices = {"algorithm": ("catalogue", names.SOURCE, "own file"), "preconditioners": ("drawn", "given")}
    for name, wanted in choices.items():
        if source[name] not in wanted:
            raise ContentError(f"source.{name} is {source[name]!a:.60}, wanted {' or '.join(wanted)}")
    seed = source["seed"]
    if (seed is None) != (source["preconditioners"] == "given") or not (seed is None or _whole(seed)):
        raise ContentError("source.seed is wrong, wanted an integer from 0 when preconditioners are drawn, else null")
    context = data.get("onnx_context")
    if context not in (None, names.ANY) and not (_whole(context) and context > 0):
        raise ContentError(f'onnx_context is {context!a:.40}, wanted "any", a number or null')
    made_with = data.get("made_with")
    if not isinstance(made_with, dict) or not all(isinstance(x, str) for x in made_with.values()):
        raise ContentError("made_with is wrong, wanted versions by the name of a library")
    files = data.get("files")
    if not isinstance(files, dict) or any(
        not isinstance(x, dict) or x.keys() != {"bytes", "sha256"} for x in files.values()
    ):
        raise ContentError("files is wrong, wanted bytes and sha256 by the name of a file")
    for name in (*_REQUIRED, *files):
        if name not in files or name not in names.FILES or name == names.CONFIG:
            raise ContentError(f"files {'lacks' if name not in files else 'lists'} {name!a:.60}")
        if data["schema"] == PATTERN_SCHEMA and name in (names.MODELING, names.ONNX, names.SYMBOLS):
            raise ContentError(f"files lists {name}, which is for linear attention")
    return data


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def content(opened: Opened, name: str) -> bytes:
    """The bytes of a file of an export; `ContentError` when it is missing, too large or no regular file."""
    path = opened.folder / name
    try:
        if not path.is_file():
            raise ContentError(f"there is no such file, but {names.CONFIG} lists it")
        return read_bytes(path, MAX_BYTES)
    except OSError as error:
        raise ContentError(f"{path}: cannot be read: {error.strerror}") from None
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None


def differences(opened: Opened) -> Iterator[tuple[str, str]]:
    """(file, what differs) for config.json, the README and the floats, each against the exact rationals."""
    yield from ((names.CONFIG, difference) for difference in config_differences(opened))
    yield from ((names.TENSORS, difference) for difference in tensor_differences(opened))
    if names.NPZ in opened.config["files"]:
        yield from ((names.NPZ, difference) for difference in npz_differences(opened))


def config_differences(opened: Opened) -> Iterator[str]:
    """Each field of config.json that is not what the rationals make it, by its path."""
    fields, source = opened.config, opened.config["source"]
    yield from _fields(fields, opened.wanted, "")
    made_with = {name for name, file in (("onnx", names.ONNX_FIXED), ("torch", names.PT2)) if file in fields["files"]}
    if set(fields["made_with"]) != made_with:
        have, want = (", ".join(sorted(x)) or "nothing" for x in (fields["made_with"], made_with))
        yield f"made_with names {_shown(have)}, wanted {want}"
    if (fields["onnx_context"] is not None) != (names.ONNX in fields["files"]):
        yield f"onnx_context is {fields['onnx_context']}, which does not fit whether {names.ONNX} is listed"
    if (names.SOURCE in fields["files"]) != (source["algorithm"] == names.SOURCE):
        yield f"source.algorithm is {source['algorithm']}, which does not fit whether {names.SOURCE} is listed"
    known = source["algorithm"] in ("catalogue", names.SOURCE) and source["preconditioners"] == "drawn"
    if (names.CERTIFICATE in fields["files"]) != known:
        yield f"source does not fit whether {names.CERTIFICATE} is listed"


def _fields(actual: Any, wanted: Any, path: str) -> Iterator[str]:
    if isinstance(actual, dict) and isinstance(wanted, dict):
        for key in [*wanted, *(k for k in actual if k not in wanted)]:
            where = f"{path}.{key}".removeprefix(".")
            if key not in actual:
                yield f"{_shown(where)} is missing"
            elif key not in wanted:
                yield f"{_shown(where)} is unknown"
            else:
                yield from _fields(actual[key], wanted[key], where)
    elif isinstance(actual, list) and isinstance(wanted, list) and len(actual) == len(wanted):
        for k, (have, want) in enumerate(zip(actual, wanted, strict=True)):
            yield from _fields(have, want, f"{path}[{k}]")
    elif type(actual) is not type(wanted) or actual != wanted:
        have, want = actual, wanted
        if isinstance(actual, str) and isinstance(wanted, str):  # long texts from shortly before the difference on
            same = [x == y for x, y in zip(actual, wanted, strict=False)]
            shared = same.index(False) if False in same else len(same)
            have, want = (f"...{x[shared - 20 :]}" if shared > 60 else x for x in (actual, wanted))
        yield f"{_shown(path)} is {_shown(have)}, wanted {_shown(want)}"


def _shown(value: Any) -> str:
    shown = ascii(value)[1:-1] if isinstance(value, str) else ascii(value)
    return shown if len(shown) <= 100 else f"{shown[:100]}..."


def tensor_differences(opened: Opened) -> Iterator[str]:
    """What the safetensors file has otherwise than the rationals, correctly rounded."""
    from ..files import tensor_files

    data = content(opened, names.TENSORS)
    try:
        stored, metadata = tensor_files.read_safetensors(data)
        described = loads(metadata.get("layerproof", "null"))
    except ContentError as error:
        raise ContentError(f"{opened.folder / names.TENSORS}: {error}") from None
    yield from tensor_files.differences(stored, opened.tensors)
    wanted = {**description(opened.construction), "dtype": opened.config["dtype"]}
    if set(metadata) - {"format"} != {"layerproof"} or not isinstance(described, dict):
        yield "its metadata has other keys than layerproof and format"
    elif metadata.get("format", "pt") != "pt":  # exports of earlier versions say none
        yield f"its metadata: format is {_shown(metadata['format'])}, wanted pt"
    else:
        yield from (f"its metadata: {line}" for line in _fields(described, loads(dumps(wanted)), ""))


def npz_differences(opened: Opened) -> Iterator[str]:
    """What the npz file has otherwise than the rationals, correctly rounded."""
    from ..files import tensor_files

    data = content(opened, names.NPZ)
    limit = 2**12 + 8 * max(x.numel() for x in opened.tensors.values()) if opened.tensors else 2**12
    try:
        stored = tensor_files.read_npz(data, limit)
    except ContentError as error:
        raise ContentError(f"{opened.folder / names.NPZ}: {error}") from None
    yield from tensor_files.differences(stored, opened.tensors)


def digest_differences(opened: Opened) -> Iterator[tuple[str, str]]:
    """(file, what differs) for each file that is not the one that config.json lists, and for what it does not list."""
    for name, listed in opened.config["files"].items():
        data = content(opened, name)
        digest = sha256(data).hexdigest()
        if sha256(data.replace(b"\r\n", b"\n")).hexdigest() == listed["sha256"] != digest:
            yield name, "has line ends of Windows, which git wrote: git config core.autocrlf false, and check out again"
            continue
        if (
            name in (fixed := {names.README: text(opened.wanted), names.MODELING: CODE})
            and data != fixed[name].encode()
        ):
            yield name, "is not what the rationals make it" if name == names.README else "is not layerproof's"
        if listed != {"bytes": len(data), "sha256": digest}:
            recorded = f"{_shown(listed['bytes'])} bytes and {_shown(listed['sha256'])}"
            yield name, f"has {len(data)} bytes and SHA-256 {digest}, {names.CONFIG} says {recorded}"
    for name in names.FILES:
        if name != names.CONFIG and name not in opened.config["files"] and (opened.folder / name).exists():
            yield name, f"is there, but {names.CONFIG} does not list it"
