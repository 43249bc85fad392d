"""A torch module as exact weights: by the names of its parameters and buffers, else by what its layers do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.recognition.prompts import prompt_named, prompt_of_rows
from .arrays import of_arrays, sorted_out
from .read_network import Reading, ReadNetwork, ToldSizes, read_network


def of_module(module: Any, how: Reading) -> ReadNetwork:
    """The network in a module's state dict; how often a layer is applied is what its `depth` says, when it has one."""
    depth = getattr(module, "depth", None)
    own = getattr(module, "construction", None)  # a module of ours brings it: of it the names of its rows are taken
    prompt = prompt_of_rows(own.layout.features, own.layout.accumulators) if isinstance(own, Construction) else None
    known = ToldSizes(
        depth if isinstance(depth, int) and not isinstance(depth, bool) and depth > 0 else None, prompt=prompt
    )
    if not any(sorted_out(module.state_dict())[letter] for letter in "PQ"):
        return _by_probing(module, known, how)
    try:
        return of_arrays(type(module).__name__, module.state_dict(), known, how)
    except ContentError as error:
        raise ArgumentError(f"the module {error}") from None


def _by_probing(module: Any, known: ToldSizes, how: Reading) -> ReadNetwork:
    """The network of a module whose weights have other names, by what its layers do: the prompt must be said."""
    from .probing import probed

    name = type(module).__name__
    if how.layout is None or how.features is None or how.context is None:
        raise ArgumentError(
            f"the module {name} has no parameters called P and Q, so its layers are probed: wanted layout, d and n, "
            "such as layout='td', d=4, n=30"
        )
    prompt = prompt_named(how.layout)
    m = prompt.vectors * how.features + prompt.scalars
    layers, resolution = probed(module, m, how.context, how.layers)
    network = read_network(
        name, layers, m, replace(known, depth=None, n=how.context), replace(how, layers=None), masked=True
    )
    return replace(network, resolution=resolution)
