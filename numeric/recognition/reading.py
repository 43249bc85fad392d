"""Weights in whatever form they come, as exact networks: files and directories, state dicts, arrays, modules.

What a file says of its weights beside its arrays is taken for sizes only (d, n, how often a layer is applied): it
decides no answer.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError, ContentError, WorkLimitError
from ...symbolic.kinds import PATH
from ...symbolic.plain_text import shown
from ...symbolic.recognition.prompts import prompt_of_rows
from ...symbolic.strict_json import loads
from ..exported.config import CONFIG
from ..files.text import read_bytes, read_text
from ..files.weights_file import from_document
from .arrays import floats, of_arrays
from .limits import ROWS
from .read_network import Reading, ReadNetwork, ToldSizes, read_network

MAX_BYTES = 2**29
TOLD = "which prompt the rows are is what the file says of itself: --layout reads them otherwise"
TOLD_BESIDE = "which prompt the rows are is what config.json beside the file says: --layout reads them otherwise"


class _NotLinear(Exception):
    """A file of ours says that its network has an activation."""


def read(weights: Any, how: Reading | None = None) -> list[ReadNetwork]:
    """The networks in `weights`: one, or one for each seed of a directory that `train` wrote.

    weights : a path, a mapping of arrays or a list of them, one a layer, a `Construction`, or a torch module
    Raises `ContentError` for files that cannot be used, `ArgumentError` where something has to be said, such as layout.
    """
    how = how or Reading()
    if isinstance(weights, (str, os.PathLike)):
        PATH.check(weights=weights)
        return _path(Path(weights), how)
    if isinstance(weights, Construction):
        return [_of_construction("construction", weights, how)]
    if isinstance(weights, Mapping):
        try:
            return [of_arrays("arrays", weights, ToldSizes(), how)]
        except ContentError as error:
            raise ContentError(f"weights: {error}") from None
    if isinstance(weights, (list, tuple)) and weights and all(isinstance(x, Mapping) for x in weights):
        named = {f"{k}.{letter}": x for k, layer in enumerate(weights) for letter, x in layer.items()}
        return [of_arrays("arrays", named, ToldSizes(), how)]
    if callable(getattr(weights, "state_dict", None)):
        from .module import of_module

        return [of_module(weights, how)]
    raise ArgumentError(
        f"weights is {shown(weights)}, wanted a path, a dict of arrays P and Q, a Construction or a torch module"
    )


def _path(path: Path, how: Reading) -> list[ReadNetwork]:
    if not path.exists():
        raise ContentError(f"{path}: there is no such file or directory")
    if path.is_dir():
        return _directory(path, how)
    return [_file(path, how)]


def _directory(path: Path, how: Reading) -> list[ReadNetwork]:
    seeds = sorted(
        (x for x in path.glob("seed-*/weights.safetensors")), key=lambda x: int(x.parent.name.split("-")[1])
        if x.parent.name.split("-")[1].isdigit() else -1,
    )  # fmt: skip
    if seeds:
        return [_file(x, how, x.parent.name) for x in seeds]
    for name in ("weights.json", "model.safetensors"):
        if (path / name).is_file():
            return [_file(path / name, how)]
    files = sorted(x for x in path.iterdir() if x.suffix in (".safetensors", ".npz"))
    if len(files) != 1:
        some = ", ".join(x.name for x in files[:5]) or "none"
        raise ContentError(
            f"{path}: has {len(files)} files of weights ({some}), wanted one .safetensors or .npz file, weights.json, "
            "or seed-K/weights.safetensors as train writes them: name a file"
        )
    return [_file(files[0], how)]


def _file(path: Path, how: Reading, name: str = "") -> ReadNetwork:
    name = name or path.name
    try:
        if path.suffix == ".json":
            return _of_construction(name, from_document(loads(read_text(path))), how)
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise WorkLimitError(
                f"{path}: has {path.stat().st_size} bytes, above the limit of {MAX_BYTES}: "
                f"matrices may have m = {ROWS} rows at most"
            )
        content = read_bytes(path, MAX_BYTES)
        if path.suffix == ".safetensors":
            from ..files.tensor_files import read_safetensors

            stored, metadata = read_safetensors(content)
            return _of_tensors(name, stored, metadata.get("layerproof"), path, how)
        if path.suffix == ".npz":
            from ..files.tensor_files import read_npz

            return _of_tensors(name, read_npz(content, MAX_BYTES), None, path, how)
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None
    if content[:2] == b"\x80\x02" or content[:4] == b"PK\x03\x04" or path.suffix in (".pt", ".pth", ".pkl", ".bin"):
        raise ContentError(
            f"{path}: may be a pickle, which runs code when it is read: save the state dict with safetensors.torch."
            "save_file, or numpy.savez, and give that"
        )
    raise ContentError(f"{path}: is no file of weights, wanted .safetensors, .npz or weights.json")


def _of_tensors(name: str, stored: Mapping[str, Any], about: str | None, path: Path, how: Reading) -> ReadNetwork:
    """The network of a file's tensors; `about` is what it says of itself, else the config.json beside it is asked."""
    told, beside = TOLD, path.parent / CONFIG
    if about is None and beside.is_file():
        told = TOLD_BESIDE
        with contextlib.suppress(ContentError):  # somebody else's, which says nothing of ours
            about = read_text(beside)
    known = ToldSizes() if about is None else _known(about)
    network = of_arrays(name, {k: floats(k, x) for k, x in stored.items()}, known, how)
    return replace(network, notes=(told,)) if known.prompt is not None and how.layout is None else network


def _known(text: str) -> ToldSizes:
    """Sizes in what a file of ours says of itself, as JSON; nothing where they are not what such a file has."""
    from ...symbolic.algorithms import catalogue
    from ...symbolic.exact import parse_rational
    from ...symbolic.prompt import Layout

    try:
        about = loads(text)
        if not isinstance(about, dict):
            return ToldSizes()
        if about.get("kind") == "trained weights":
            settings = about["settings"]
            if settings["activation"] != "linear":
                raise _NotLinear(str(settings["activation"])[:20])
            layout = Layout.of(catalogue()[settings["algorithm"]], int(settings["d"]), int(settings["n"]))
            prompt = prompt_of_rows(layout.features, layout.accumulators)
            return ToldSizes(
                int(settings["layers"]), int(settings["n"]), prompt, parse_rational(settings["gamma"], "gamma")
            )
        rows = about["layout"]
        prompt = prompt_of_rows(tuple((str(a), int(b)) for a, b in rows["features"]), tuple(rows["accumulators"]))
        gamma = about["parameters"].get("gamma")
        known = None if gamma is None else parse_rational(gamma, "gamma")
        return ToldSizes(
            int(about["layers"]), int(about["n"]), prompt, known, _names(rows["features"], rows["accumulators"])
        )
    except _NotLinear as error:
        raise ContentError(
            f"its network was trained with {error} of the scores, and identify reads linear attention: the same P, Q "
            "are another network there"
        ) from None
    except (ContentError, ArgumentError, KeyError, TypeError, ValueError):
        return ToldSizes()


def _names(features: Iterable[Sequence[Any]], accumulators: Iterable[Any]) -> tuple[str, ...]:
    return (*(str(name) for name, _ in features), *map(str, accumulators))


def _of_construction(name: str, construction: Construction, how: Reading) -> ReadNetwork:
    layout = construction.layout
    prompt = prompt_of_rows(layout.features, layout.accumulators)
    known = ToldSizes(
        construction.depth,
        layout.n,
        prompt,
        construction.parameters.get("gamma"),
        _names(layout.features, layout.accumulators),
    )
    layers = [list(heads) for heads in construction.layers]
    return read_network(name, layers, layout.m, known, how, masked=True)
