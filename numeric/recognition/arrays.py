"""Arrays by name as exact matrices: names and shapes alone say what is P, Q, W and M, and of which layer and head."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import Head
from ...symbolic.errors import ContentError
from ...symbolic.exact import exact_rows
from ...symbolic.plain_text import shown
from ...symbolic.recognition.network import identity
from ..judge.exact_floats import dyadic_matrix
from .limits import check_shape
from .read_network import Reading, ReadNetwork, ToldSizes, read_network

LETTERS = ("W", "P", "Q", "M")
_NUMBER = re.compile(r"\d+")
_LETTER = re.compile(r"(?:^|(?<=[._/\d]))([WPQM])(?:[._/]?weight)?(?=$|[._/\d])")


def floats(name: str, stored: Any) -> np.ndarray:
    """A tensor of a file as float64, of the shape that it has there."""
    if _LETTER.findall(name):
        check_shape(name, tuple(stored.shape))
    code = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}.get(stored.code, stored.code)
    if code == "BF16":
        raw = np.frombuffer(stored.content, dtype="<u2").astype(np.uint32) << 16
        return raw.view("<f4").astype(np.float64).reshape(stored.shape)
    return np.frombuffer(stored.content, dtype=code).astype(np.float64).reshape(stored.shape)


def of_arrays(name: str, given: Mapping[Any, Any], known: ToldSizes, how: Reading) -> ReadNetwork:
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
        known = replace(known, n=n)
    return read_network(name, layers, m, known, how, masked=n is not None)


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
