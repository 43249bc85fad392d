"""Weights of layers that attend by patterns, read for `identify`: floats are the exact numbers that they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ...symbolic.errors import ContentError
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.strict_json import loads, rational_text
from ..files.fields import FORMAT
from ..files.pattern_file import from_pattern_document, of_patterns, pattern_description
from ..files.text import read_bytes, read_text

MAX_BYTES = 2**26
"""The size above which a file is left to the reader of linear attention, which has a limit of its own."""


def patterns_in(weights: Any) -> PatternConstruction | None:
    """The layers in `weights` where they attend by patterns; None for everything else.

    weights : a path of weights.json, of a .safetensors file with our metadata or of an export, a `PatternConstruction`,
              or a module of ours
    Raises `ContentError` that names the file for one of patterns that cannot be used.
    """
    if isinstance(weights, PatternConstruction):
        return weights
    if isinstance(weights, (str, os.PathLike)):
        path = Path(weights)
        if path.is_dir():
            inner = (path / name for name in ("weights.json", "model.safetensors"))
            path = next((x for x in inner if x.is_file()), path)
        try:
            return _file(path)
        except ContentError as error:
            raise ContentError(f"{path}: {error}") from None
    told = getattr(weights, "construction", None)
    if isinstance(told, PatternConstruction) and callable(getattr(weights, "state_dict", None)):
        arrays = {name: x.detach().double().cpu().numpy() for name, x in weights.state_dict().items()}
        return _of_arrays(pattern_description(told), arrays)
    return None


def _file(path: Path) -> PatternConstruction | None:
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        return None
    if path.suffix == ".json":
        text = read_text(path)
        data = loads(text, numbers_as_text=False) if f'"{FORMAT}"' in text and '"pattern"' in text else None
        return from_pattern_document(data) if isinstance(data, dict) and of_patterns(data) else None
    if path.suffix != ".safetensors":
        return None
    from ..files.tensor_files import read_metadata, read_safetensors
    from .arrays import floats

    about = loads(read_metadata(path).get("layerproof", "null"), numbers_as_text=False)
    if not isinstance(about, dict) or not of_patterns(about):
        return None
    stored, _ = read_safetensors(read_bytes(path, MAX_BYTES))
    return _of_arrays(about, {name: floats(name, x) for name, x in stored.items()})


def _of_arrays(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> PatternConstruction:
    wrong = next((name for name, x in arrays.items() if x.ndim != 2 or not np.isfinite(x).all()), None)
    if wrong is not None:
        raise ContentError(f"tensor {wrong} is no matrix of finite numbers")
    stored = {name: [[rational_text(Fraction(y)) for y in row] for row in x.tolist()] for name, x in arrays.items()}
    return from_pattern_document({**about, "tensors": stored})
