"""Files of schema 2: what is written is read back, and nothing else is believed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import layerproof as lp
from layerproof.numeric.files.weights_file import any_document, document, write_weights
from layerproof.symbolic.errors import ContentError
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.construction import pattern_construction
from layerproof.symbolic.patterns.given import pattern_form


def built(name: str, looped: bool = False) -> Any:
    algorithm = pattern_catalogue()[name]
    steps = [[[Fraction(1, 3)]] if algorithm.preconditioned else None] * (1 if looped else 2)
    values = algorithm.values({"gamma": Fraction(9, 10)})
    return pattern_construction(pattern_form(algorithm), 1, 2, 2, steps, values, looped)


@pytest.mark.parametrize("looped", [False, True])
@pytest.mark.parametrize("name", list(pattern_catalogue()))
def test_what_is_written_is_read_back(tmp_path: Path, name: str, looped: bool) -> None:
    c = built(name, looped)
    write_weights(c, tmp_path / "w.json")
    assert (
        document(lp.read_weights(tmp_path / "w.json")) == document(c) == json.loads((tmp_path / "w.json").read_text())
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, x in inner:
        yield (*path, key)
        yield from places(x, (*path, key))


FREE = ("algorithm", "parameters", "layout", "preconditioners", "tensors", "d", "n")
"""Where another value of the right kind is other weights, and no error."""


@pytest.mark.parametrize("value", [None, True, 7, -1, 1.5, "x", "1/0", [], {}, [[]], [["1"] * 3] * 3])
@pytest.mark.parametrize("name", ["softmax-td", "sarsa"])
def test_whatever_stands_in_a_place_is_refused_by_name_or_other_weights(name: str, value: Any) -> None:
    data, refused = document(built(name)), 0
    for path in places(data):
        edited = copy.deepcopy(data)
        place: Any = edited
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        try:
            read = any_document(edited)
        except ContentError:
            refused += 1
        else:
            same = {k for k in data if document(read)[k] == edited[k]}
            assert path[0] in FREE or path == ("pattern", "mask_first") or edited == data, path
            assert same == set(data)  # what is read is what stands there
    assert refused > 20


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"pattern": {"kernel": "softmax", "scored": "current", "keys": "context", "mask_first": False}},
            "layers write",
        ),
        ({"pattern": {"kernel": None, "scored": None, "keys": "context", "mask_first": False}}, "has a head without Q"),
        ({"pattern": {"kernel": "softmax", "scored": "phi", "keys": "causal", "mask_first": False}}, "is not the mask"),
        ({"pattern": {"kernel": None, "scored": None, "keys": "context", "mask_first": True}}, "and no kernel"),
        ({"shift_from": None}, "belongs to no layer"),
        ({"n": 5000}, "hold more than"),
        ({"looped": True}, "preconditioners has 2 entries, wanted 1"),
        ({"schema": 4}, "schema is 4, this version reads 1 and 2"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ContentError, match=says):
        any_document({**document(built("softmax-td")), **change})
