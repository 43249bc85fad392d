"""`lp.identify`: which algorithm a network runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...numeric.recognition.read_network import Reading
from ...symbolic.kinds import FLAG, PATH, TEXT, TEXTS, Kind
from ...symbolic.prompt import Context
from ..identify import ask as identification
from ..identify import question as identify_question
from ..identify.answer import Identification
from .arguments import Number, exact

CONTEXTS = Kind(
    "a Context or a list of them", lambda x: isinstance(x, Sequence) and all(isinstance(c, Context) for c in x)
)


def identify(
    weights: Any,
    *,
    layout: str | None = None,
    d: int | None = None,
    n: int | None = None,
    layers: int | None = None,
    transposed: str | Sequence[str] = (),
    gamma: Number | None = None,
    prompts: Context | Sequence[Context] | None = None,
    process: str | None = None,
    trials: int = 59,
    seed: int = 0,
    function: bool = True,
    rule: str | os.PathLike[str] | None = None,
) -> Identification:
    """Which algorithm a network of linear attention runs: its update, the nearest algorithms, and its function.

    weights    : a path (safetensors, npz, weights.json, an export, what `train` wrote), a dict of arrays P and Q, by
                 layer and head, W and M where there are any, or a list of such dicts, one a layer; a `Construction`, or
                 a torch module
    layout     : the prompt by name, where the number of rows leaves it open; d, n, layers are held against the weights
    transposed : matrices that are stored transposed, such as "Q"
    gamma      : the law's discount; what the file says, else 9/10
    prompts    : contexts on which the function is looked at, in place of `trials` prompts of a process
    function   : False leaves the function out
    rule       : where to write the rule of a single network as a file for `verify`
    Returns an `Identification` with `algorithm`, `match`, `networks` and `to_json()`.
    Raises `ContentError` for weights that cannot be used, `ArgumentError` where something has to be said.

    >>> import layerproof as lp
    >>> network = lp.identify(lp.construct("td0", d=2, n=4, layers=2), function=False)
    >>> network.algorithm, network.match
    ('td0', 'exact')
    """
    TEXT.check_given(layout=layout, process=process)
    TEXTS.check(transposed=transposed)
    FLAG.check(function=function)
    PATH.check_given(rule=rule)
    if not isinstance(prompts, Context):
        CONTEXTS.check_given(prompts=prompts)
    names = (transposed,) if isinstance(transposed, str) else tuple(transposed)
    given = (prompts,) if isinstance(prompts, Context) else None if prompts is None else tuple(prompts)
    question = identify_question.Question(
        Reading(layout, d, n, layers, tuple(x for name in names for x in name.split(",") if x)),
        None if gamma is None else exact(gamma, "gamma"), process, given, trials, seed, function,
    )  # fmt: skip
    return identification.identify(weights, question, None if rule is None else Path(rule))
