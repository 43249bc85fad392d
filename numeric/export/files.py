"""An export as a directory: every file's bytes, made in memory, and written all at once or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from ...symbolic.errors import ArgumentError, ContentError, WorkLimitError
from ...symbolic.plain_text import shown
from ...symbolic.strict_json import dumps, loads
from ..exported import config as names
from ..exported.config import Source, Weights, check_size, config, listing
from ..exported.modeling import CODE
from ..exported.readme import text
from ..files.placing import place_directory, restore
from ..files.text import MAX_FILE_BYTES, read_text
from ..files.weights_file import document, safetensors_bytes

UNCHANGED = b"# the digests in config.json are of these very bytes: git must not change line ends\n* -text\n"


def check_formats(formats: Iterable[str], dtype: str) -> None:
    """Raise `ArgumentError` or `MissingExtraError` for a format that cannot be written in this dtype, or here."""
    from ..device import precision, resolve_dtype  # loads torch
    from .onnx import DTYPES, library

    if precision(resolve_dtype(dtype)).name != dtype:
        raise ArgumentError(f"dtype is {dtype}, which is a way of multiplying and no format to store: use float32")
    for name in formats:
        if name not in names.FORMATS:
            raise ArgumentError(f"formats holds {shown(name)}, wanted some of {', '.join(names.FORMATS)}")
    if "npz" in formats and dtype == "bfloat16":
        raise ArgumentError("dtype is bfloat16, which NumPy lacks: ask for no npz, or for another dtype")
    if "onnx" in formats:
        if dtype not in DTYPES:
            raise ArgumentError(
                f"dtype is {dtype}, wanted {' or '.join(DTYPES)} for ONNX: ask for no onnx, or for another dtype"
            )
        library()


def contents(
    construction: Weights,
    dtype: str = "float64",
    formats: Iterable[str] = (),
    source: Source | None = None,
    onnx_context: str | int | None = None,
    certificate: str | None = None,
    own_source: str | None = None,
    symbols: str | None = None,
) -> dict[str, bytes]:
    """Every file of an export by its name: the same bytes for the same arguments and library versions.

    formats      : some of npz, onnx, pt2, transformers
    symbols      : the weights in symbols, as text
    onnx_context : what model.onnx is for, as in `export_config.config`; without it only the fixed-n file is written
    Raises `ArgumentError` for what a format cannot hold, `WorkLimitError` when the files would be too large to be read
    back, `MissingExtraError` where a library is missing.
    """
    formats = tuple(formats)
    check_formats(formats, dtype)
    check_size(construction)
    files = {names.WEIGHTS: dumps(document(construction)).encode(), names.ATTRIBUTES: UNCHANGED}
    if len(files[names.WEIGHTS]) > MAX_FILE_BYTES:
        raise WorkLimitError(f"{names.WEIGHTS} would have more than {MAX_FILE_BYTES} bytes, the limit: export less")
    files[names.TENSORS] = safetensors_bytes(construction, dtype)
    for name, given in ((names.CERTIFICATE, certificate), (names.SOURCE, own_source), (names.SYMBOLS, symbols)):
        if given is not None:
            files[name] = given.encode()
    made_with = {}
    if "npz" in formats:
        files[names.NPZ] = npz(construction, dtype)
    context = onnx_context if "onnx" in formats else None
    if "onnx" in formats:
        from .onnx import model

        made_with["onnx"] = metadata.version("onnx")
        files[names.ONNX_FIXED] = model(construction, dtype, None)
        if context is not None:
            files[names.ONNX] = model(construction, dtype, context)
    if "pt2" in formats:
        from .pt2 import archive

        made_with["torch"] = metadata.version("torch")
        files[names.PT2] = archive(construction, dtype)
    if "transformers" in formats:
        files[names.MODELING] = CODE.encode()
    # The README is made from the rest of config.json, which then has the README's digest too.
    about = config(construction, dtype, source or Source(), context, made_with, files, "transformers" in formats)
    files[names.README] = text(about).encode()
    files[names.CONFIG] = dumps({**about, "files": listing(files)}).encode()
    return files


def npz(construction: Weights, dtype: str) -> bytes:
    """The tensors as a NumPy archive, no pickle in it; its members have no time of their own."""
    import numpy as np

    from ..files.tensor_files import wanted_tensors

    arrays: dict[str, Any] = {name: t.numpy() for name, t in wanted_tensors(construction, dtype).items()}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # of floats; older NumPys take `allow_pickle` for one more of them
    return buffer.getvalue()


def is_export(folder: Path) -> bool:
    """Whether a directory is an export, by what it holds; a damaged one that says what it was is still that."""
    try:
        if not folder.is_dir():
            return False
        marked = folder / names.CONFIG
        if marked.is_file() and f'"{names.FORMAT}"' in read_text(marked):
            return True
    except (ContentError, OSError):
        pass
    return all((folder / name).is_file() for name in (names.TENSORS, names.WEIGHTS))


def check_target(folder: Path) -> None:
    """Raise `ArgumentError` when an export must not be written there: what is there is no earlier export of ours."""
    if not folder.absolute().parent.is_dir():
        raise ArgumentError(f"output is {str(folder)!r}, but there is no folder {folder.absolute().parent}")
    restore(folder.absolute())
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ArgumentError(f"output is {str(folder)!r}, which is there already and is no directory: name another")
    if not folder.exists():
        return
    if Path.cwd().resolve().is_relative_to(folder.resolve()):
        raise ArgumentError(f"output is {str(folder)!r}, where you are, and the whole of it is replaced: name another")
    held = sorted(path.name for path in folder.iterdir())
    if not held:
        return
    others = [name for name in held if name not in names.FILES or not (folder / name).is_file()]
    if others or not _says_so(folder / names.CONFIG):
        why = f"it holds {others[0]}" if others else f"it has no {names.CONFIG} of an export"
        raise ArgumentError(f"output is {str(folder)!r}, which is no earlier export ({why}), so it is not overwritten")


def _says_so(path: Path) -> bool:
    try:
        content = loads(read_text(path))
    except ContentError:
        return False
    return isinstance(content, dict) and content.get("format") == names.FORMAT


def write(files: dict[str, bytes], folder: Path) -> None:
    """Write an export: into a new directory beside `folder`, which then takes its place.

    Raises `ArgumentError` as `check_target`, `ContentError` when it cannot be written; what was there stays then.
    """
    folder = Path(folder)
    check_target(folder)
    try:
        place_directory(folder.absolute(), files)
    except OSError as error:
        raise ContentError(f"{folder}: cannot be written: {error.strerror}") from None
