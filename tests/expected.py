"""What an algorithm's own test file says about it, for the laws that run over all algorithms.

`tests/algorithms/test_<name>.py` exports `EXPECTED`; nothing else about an algorithm stands in another test.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "algorithms"
Update = Callable[..., tuple[Any, ...]]


@dataclass(frozen=True)
class Expected:
    """Facts known by hand, which no code of the product makes.

    heads         the fewest heads of a layer
    right         the update once more, written another way
    faults        wrong updates that only this algorithm can have
    rows          its accumulator rows, top to bottom
    reads         the row of the read-out, which is minus its entry in the query column
    ordered       whether it reads its context as a sequence: for the others it is a set of transitions
    no_faults     faults that are none, among its own and those common to all: why no prompt can tell
    undetermined  (key block, query block) of the entries of T that prompts determine only in sum
    degrees       of an accumulator row over the weights, and of a key block, in what transitions hold
    more          what a layer adds to the degree beside these: a scalar step that multiplies the step matrix
    moves_w_at    the first layer, from zero weights, in which the first step matrix matters
    biased        whether even one-hot features and endless contexts leave its values beside the true ones
    not_by_blocks why the update in blocks cannot decide the set of one layer, where it cannot: polynomials do
    same_weights  the algorithms whose weights these are too, wherever it is stated
    trace_decay   what its trace is multiplied by, where it has a lam
    rule          as what `identify` reads its weights off: an update, or where no update has its masks a polynomial map
    unproved      why no theorem about it is generated, in some words of the reason; its claim is NOT_RUN then
    """

    heads: int
    right: Update
    faults: Mapping[str, Update]
    rows: tuple[str, ...] = ("td_error",)
    reads: str = "td_error"
    ordered: bool = False
    no_faults: Mapping[str, str] = field(default_factory=dict)
    undetermined: frozenset[tuple[str, str]] = frozenset()
    degrees: tuple[int, int] = (1, 1)
    more: int = 0
    moves_w_at: int = 1
    biased: bool = False
    not_by_blocks: str = ""
    same_weights: tuple[str, ...] = ()
    trace_decay: Callable[[Mapping[str, Any]], Any] = itemgetter("lam")
    rule: str = "update"
    unproved: str = ""


def file_of(name: str) -> Path:
    """The test file of an algorithm."""
    return FOLDER / f"test_{name.replace('-', '_')}.py"


@cache
def expected(name: str) -> Expected:
    """What the test file of the algorithm called `name` exports."""
    file = file_of(name)
    assert file.is_file(), f"{name} has no tests/algorithms/{file.name}"
    spec = importlib.util.spec_from_file_location(f"expected_{file.stem}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    exported = getattr(module, "EXPECTED", None)
    assert isinstance(exported, Expected), f"tests/algorithms/{file.name} exports no EXPECTED"
    return exported
