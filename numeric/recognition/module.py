"""A torch module as exact weights: by the names of its parameters and buffers."""

from __future__ import annotations

from typing import Any

from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.recognition.prompts import prompt_of_rows
from .reading import Found, Known, Reading, _of_arrays


def of_module(module: Any, how: Reading) -> Found:
    """The network in a module's state dict; how often a layer is applied is what its `depth` says, when it has one."""
    depth = getattr(module, "depth", None)
    own = getattr(module, "construction", None)  # a module of ours brings it: of it the names of its rows are taken
    prompt = prompt_of_rows(own.layout.features, own.layout.accumulators) if isinstance(own, Construction) else None
    known = Known(
        depth if isinstance(depth, int) and not isinstance(depth, bool) and depth > 0 else None, prompt=prompt
    )
    try:
        return _of_arrays(type(module).__name__, module.state_dict(), known, how)
    except ContentError as error:
        raise ArgumentError(f"the module {error}") from None
