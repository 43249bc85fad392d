"""Weights in whatever form they come, as exact networks: files and directories, state dicts, arrays, modules.

Names and shapes alone say what is P, Q, W and M, and of which layer and head.  What else a file says of its weights is
taken for sizes only (d, n, how often a layer is applied): it decides no answer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import Head
from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError, ContentError, WorkLimitError
from ...symbolic.exact import exact_rows
from ...symbolic.plain_text import shown
from ...symbolic.recognition.network import Network, identity, transposed
from ...symbolic.recognition.prompts import Prompt, fitting, prompt_named, prompt_of_rows
from ...symbolic.strict_json import loads
from ..files.text import read_bytes, read_text
from ..files.weights_file import from_document
from ..judge.exact_floats import dyadic_matrix
from .limits import CONTEXT, ROWS, check_network, check_shape

MAX_BYTES = 2**29
TOLD = "which prompt the rows are is what the file says of itself: --layout reads them otherwise"
LETTERS = ("W", "P", "Q", "M")
DEFAULT_CONTEXT = 30
"""n where nothing says it: with the published mask the rule is the same for every n."""
_NUMBER = re.compile(r"\d+")
_LETTER = re.compile(r"(?:^|(?<=[._/\d]))([WPQM])(?:[._/]?weight)?(?=$|[._/\d])")


@dataclass(frozen=True)
class Reading:
    """How weights are to be read.

    layout      the prompt, by name; None lets the number of rows decide
    features    d; context  n; layers  how often a single stored layer is applied, or a check of how many there are
    transposed  matrices that are stored transposed
    """

    layout: str | None = None
    features: int | None = None
    context: int | None = None
    layers: int | None = None
    transposed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """Sizes that a file of ours tells beside its tensors."""

    depth: int | None = None
    n: int | None = None
    prompt: Prompt | None = None
    gamma: Fraction | None = None


@dataclass(frozen=True, eq=False)
class ReadNetwork:
    """A network that was read, and the law's discount where its file tells it.

    resolution : to what share of the largest its numbers are known, where a module was probed; None: they are exact
    """

    network: Network
    gamma: Fraction | None = None
    notes: tuple[str, ...] = ()
    resolution: float | None = None


class _NotLinear(Exception):
    """A file of ours says that its network has an activation."""


def read(weights: Any, how: Reading | None = None) -> list[ReadNetwork]:
    """The networks in `weights`: one, or one for each seed of a directory that `train` wrote.

    weights : a path, a mapping of arrays or a list of them, one a layer, a `Construction`, or a torch module
    Raises `ContentError` for files that cannot be used, `ArgumentError` where something has to be said, such as layout.
    """
    how = how or Reading()
    if isinstance(weights, (str, os.PathLike)):
        return _path(Path(weights), how)
    if isinstance(weights, Construction):
        return [_of_construction("construction", weights, how)]
    if isinstance(weights, Mapping):
        return [_of_arrays("arrays", weights, Known(), how)]
    if isinstance(weights, (list, tuple)) and weights and all(isinstance(x, Mapping) for x in weights):
        named = {f"{k}.{letter}": x for k, layer in enumerate(weights) for letter, x in layer.items()}
        return [_of_arrays("arrays", named, Known(), how)]
    if callable(getattr(weights, "state_dict", None)):
        from .module import of_module

        return [of_module(weights, how)]
    raise ArgumentError(
        f"weights is {shown(weights)}, wanted a path, a dict of arrays P and Q, a Construction or a torch module"
    )


# files


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
            known = _known(metadata)
            network = _of_arrays(name, {k: floats(k, x) for k, x in stored.items()}, known, how)
            return replace(network, notes=(TOLD,)) if known.prompt is not None and how.layout is None else network
        if path.suffix == ".npz":
            from ..files.tensor_files import read_npz

            held = read_npz(content, MAX_BYTES)
            return _of_arrays(name, {k: floats(k, x) for k, x in held.items()}, Known(), how)
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None
    if content[:2] == b"\x80\x02" or content[:4] == b"PK\x03\x04" or path.suffix in (".pt", ".pth", ".pkl", ".bin"):
        raise ContentError(
            f"{path}: may be a pickle, which runs code when it is read: save the state dict with safetensors.torch."
            "save_file, or numpy.savez, and give that"
        )
    raise ContentError(f"{path}: is no file of weights, wanted .safetensors, .npz or weights.json")


def floats(name: str, stored: Any) -> np.ndarray:
    """A tensor of a file as float64, of the shape that it has there."""
    if _LETTER.findall(name):
        check_shape(name, tuple(stored.shape))
    code = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}.get(stored.code, stored.code)
    if code == "BF16":
        raw = np.frombuffer(stored.content, dtype="<u2").astype(np.uint32) << 16
        return raw.view("<f4").astype(np.float64).reshape(stored.shape)
    return np.frombuffer(stored.content, dtype=code).astype(np.float64).reshape(stored.shape)


def _known(metadata: Mapping[str, str]) -> Known:
    """Sizes in the metadata of a file of ours; nothing where they are not what such a file has."""
    from ...symbolic.algorithms import catalogue
    from ...symbolic.exact import parse_rational
    from ...symbolic.prompt import Layout

    try:
        about = loads(metadata.get("layerproof", "null"))
        if not isinstance(about, dict):
            return Known()
        if about.get("kind") == "trained weights":
            settings = about["settings"]
            if settings["activation"] != "linear":
                raise _NotLinear(str(settings["activation"])[:20])
            layout = Layout.of(catalogue()[settings["algorithm"]], int(settings["d"]), int(settings["n"]))
            prompt = prompt_of_rows(layout.features, layout.accumulators)
            return Known(
                int(settings["layers"]), int(settings["n"]), prompt, parse_rational(settings["gamma"], "gamma")
            )
        rows = about["layout"]
        prompt = prompt_of_rows(tuple((str(a), int(b)) for a, b in rows["features"]), tuple(rows["accumulators"]))
        gamma = about["parameters"].get("gamma")
        known = None if gamma is None else parse_rational(gamma, "gamma")
        return Known(int(about["layers"]), int(about["n"]), prompt, known)
    except _NotLinear as error:
        raise ContentError(
            f"its network was trained with {error} of the scores, and identify reads linear attention: the same P, Q "
            "are another network there"
        ) from None
    except (ContentError, ArgumentError, KeyError, TypeError, ValueError):
        return Known()


def _of_construction(name: str, construction: Construction, how: Reading) -> ReadNetwork:
    layout = construction.layout
    prompt = prompt_of_rows(layout.features, layout.accumulators)
    known = Known(construction.depth, layout.n, prompt, construction.parameters.get("gamma"))
    layers = [list(heads) for heads in construction.layers]
    return _network(name, layers, layout.m, known, how, masked=True)


# arrays


def _of_arrays(name: str, given: Mapping[Any, Any], known: Known, how: Reading) -> ReadNetwork:
    """A network from arrays by name: P and Q of each layer and head, W and M where they are there."""
    matrices = sorted_out(given)
    P, Q = matrices["P"], matrices["Q"]
    if not P or not Q:
        names = ", ".join(str(k)[:40] for k in list(given)[:6]) or "nothing"
        raise ContentError(f"holds {names}, wanted matrices called P and Q, such as layers.0.heads.0.P")
    if P.keys() != Q.keys():
        odd = next(iter(P.keys() ^ Q.keys()))
        raise ContentError(f"layer {odd[0] + 1}, head {odd[1] + 1} has only one of P and Q, wanted both")
    first = next(iter(P.values()))
    m = len(first)
    layers: list[list[Head]] = []
    numbers = sorted({layer for layer, _ in P})
    n = None
    one, masks = identity(m), {}
    for layer in numbers:
        heads = []
        for head in sorted(h for at, h in P if at == layer):
            at = (layer, head)
            where = f"of layer {layer + 1}, head {head + 1}"
            M = _shared(matrices["M"], at)
            if M is not None:
                n = len(M) - 1 if n is None else n
            W = _shared(matrices["W"], at)
            key = id(M)
            if M is not None and key not in masks:
                masks[key] = _exact(M, len(M), f"M {where}")
            heads.append(
                Head(
                    one if W is None else _exact(W, m, f"W {where}"), _exact(P[at], m, f"P {where}"),
                    _exact(Q[at], m, f"Q {where}"), None if M is None else masks[key],
                )
            )  # fmt: skip
        layers.append(heads)
    if n is not None:
        known = Known(known.depth, n, known.prompt, known.gamma)
    return _network(name, layers, m, known, how, masked=n is not None)


def _shared(matrices: Mapping[tuple[int, int], Any], at: tuple[int, int]) -> Any:
    """The matrix of a head: its own, or the one that was given for all."""
    return matrices.get(at, matrices.get((-1, -1)))


def sorted_out(given: Mapping[Any, Any]) -> dict[str, dict[tuple[int, int], Any]]:
    """{letter: {(layer, head): matrix}}; an M or W that is given once is for all, at (-1, -1)."""
    by_letter: dict[str, dict[tuple[int, int], Any]] = {letter: {} for letter in LETTERS}
    for key, value in given.items():
        matches = _LETTER.findall(str(key))
        if not matches:
            continue
        letter = matches[-1]
        numbers = tuple(int(x) for x in _NUMBER.findall(str(key)))
        array = _array(value, str(key))
        places: dict[tuple[int, int], Any]
        if len(numbers) > 2:
            raise ContentError(f"{str(key)[:60]} has {len(numbers)} numbers in its name, wanted a layer and a head")
        left = 4 - len(numbers)
        if array.ndim < 2 or array.ndim > left:
            raise ContentError(
                f"{str(key)[:60]} has the shape {array.shape}, wanted a matrix, or (layers, m, m), or "
                "(layers, heads, m, m)"
            )
        if array.ndim == 2:
            places = {_place(numbers) if numbers or letter in "PQ" else (-1, -1): array}
        elif array.ndim == 3:
            places = {_place((*numbers, k)): x for k, x in enumerate(array)}
        else:
            places = {(k, h): x for k, row in enumerate(array) for h, x in enumerate(row)}
        for place, x in places.items():
            if place in by_letter[letter]:
                raise ContentError(f"{letter} of layer {place[0] + 1}, head {place[1] + 1} is there twice")
            by_letter[letter][place] = x
    return by_letter


def _place(numbers: tuple[int, ...]) -> tuple[int, int]:
    """The layer and the head that numbers name: the first of each where they do not."""
    layer, head = (*numbers, 0, 0)[:2]
    return layer, head


def _array(value: Any, name: str) -> Any:
    """A value as an array of floats, or of whole or rational numbers, with nothing rounded."""
    if isinstance(value, RationalMatrix):
        value = value.fractions()
    check_shape(name, tuple(getattr(value, "shape", ())))
    if callable(getattr(value, "detach", None)):
        value = value.detach().cpu().double().numpy()
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiuO":
            raise ValueError
        if array.dtype.kind in "iu":
            array = array.astype(object)
        elif array.dtype.kind == "f":
            array = array.astype(np.float64)
    except (ValueError, TypeError):
        raise ContentError(f"{name[:60]} is {shown(value)}, wanted an array of numbers") from None
    check_shape(name, array.shape)
    return array


def _exact(matrix: Any, size: int, name: str) -> RationalMatrix:
    """A square matrix as the rationals that its floats are."""
    if matrix.shape != (size, size):
        raise ContentError(f"{name} has the shape {tuple(matrix.shape)}, wanted ({size}, {size})")
    if matrix.dtype == object:
        return RationalMatrix.of(exact_rows(_plain(matrix), size, size, name))
    if not np.isfinite(matrix).all():
        i, j = (int(x) for x in np.argwhere(~np.isfinite(matrix))[0])
        raise ContentError(f"{name} holds {matrix[i, j]} at ({i}, {j}), wanted finite numbers")
    return dyadic_matrix(matrix)


def _plain(matrix: Any) -> list[list[Any]]:
    return [[Fraction(x) if isinstance(x, float) else x for x in row] for row in matrix.tolist()]


# the prompt


def _network(
    name: str, layers: Sequence[Sequence[Head]], m: int, known: Known, how: Reading, masked: bool
) -> ReadNetwork:
    """The network, its prompt found or asked for."""
    prompt = choose(m, known.prompt, how)
    n = known.n if masked and known.n is not None else how.context or known.n or DEFAULT_CONTEXT
    if how.context is not None and how.context != n:
        raise ArgumentError(f"context is {how.context}, but the masks of {name} are for n = {n}: leave it out")
    if n < 1:
        raise ContentError("a mask has fewer than two tokens, wanted n context tokens and the query")
    layout = prompt.layout(m, n)
    if n > CONTEXT:
        raise WorkLimitError(f"context is n = {n}, above the limit of {CONTEXT}")
    plain = RationalMatrix.context_mask(n)
    stored = tuple(tuple(Head(h.W, h.P, h.Q, plain if h.M is None else h.M) for h in heads) for heads in layers)
    wrong = next((h.M for heads in stored for h in heads if h.M.shape != (n + 1, n + 1)), None)
    if wrong is not None:
        raise ContentError(f"a mask has the shape {wrong.shape}, and another ({n + 1}, {n + 1}): wanted one n for all")
    depth = _depth(len(stored), known.depth, how.layers)
    network = Network(name, stored, depth, len(stored) == 1 and depth > 1, prompt, layout, masked)
    check_network(network)
    if how.transposed:
        network = transposed(network, how.transposed)
    return ReadNetwork(network, known.gamma)


def _depth(stored: int, known: int | None, asked: int | None) -> int:
    if stored > 1:
        if asked is not None and asked != stored:
            raise ArgumentError(f"layers is {asked}, but the weights have {stored} layers: leave it out")
        return stored
    return asked or known or 1


def choose(m: int, known: Prompt | None, how: Reading) -> Prompt:
    """The prompt that m rows are for; `ArgumentError` that asks where there are several.

    Least squares' prompt has m rows for some d whatever m is, and TD's weights are least squares' exactly when they are
    read so: more than one row needs the layout, d, or a file of ours that tells its sizes.
    """
    if how.layout is not None:
        prompt = prompt_named(how.layout)
        _fits(prompt, m, how)
        return prompt
    if known is not None:
        _fits(known, m, how)
        return known
    candidates = fitting(m, how.features)
    if how.features is not None and not candidates:
        sizes = ", ".join(f"{p.name} {p.features_of(m)}" for p in fitting(m))
        raise ArgumentError(
            f"features is {how.features}, but the weights have {m} rows, which is d = {sizes or 'none'}: these are "
            "weights of another d"
        )
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise ContentError(f"the matrices are {m} x {m}, and no prompt of the catalogue has {m} rows")
    choices = " or ".join(f"--layout {p.name} (d = {p.features_of(m)})" for p in candidates)
    raise ArgumentError(
        f"layout is missing: {m} rows are those of several prompts, wanted {choices}, or the name of an algorithm with "
        "a prompt of its own, such as --layout nesterov-td"
    )


def _fits(prompt: Prompt, m: int, how: Reading) -> None:
    d = prompt.features_of(m)
    if d is None:
        raise ArgumentError(f"layout is {prompt.name}, whose prompt has {prompt.counts} rows, but the weights have {m}")
    if how.features is not None and how.features != d:
        raise ArgumentError(f"features is {how.features}, but the weights are of another d: {m} rows are d = {d}")
