"""What a record of one's own says is of the kind that it is declared with: else an error of ours, with the field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

import layerproof as lp
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.rules import find_rule

BAD = (object(), None, 5, -1, float("nan"), [None], {"a": object()}, b"x")
TD0, SOFTMAX, RULE = find("td0"), pattern_catalogue()["softmax-td"], find_rule("linear-td")
HEAD = lp.GivenHead(values=lambda k, C, p: {"current": k.reward + k.target - k.current})
LAYER = lp.GivenLayer(heads=(HEAD,), shift=lambda t, p: {"target": p.gamma * t.current})


def derived(algorithm: Any) -> Any:
    return lp.verify(algorithm, d=1, n=1, layers=1, evidence=["derived"])


RECORDS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "Algorithm": (TD0, derived),
    "FeatureBlock": (TD0.features[0], lambda b: derived(replace(TD0, features=(b, *TD0.features[1:])))),
    "Accumulator": (TD0.accumulators[0], lambda a: derived(replace(TD0, accumulators=(a,)))),
    "PatternAlgorithm": (SOFTMAX, derived),
    "Row": (SOFTMAX.rows[0], lambda row: derived(replace(SOFTMAX, rows=(row, *SOFTMAX.rows[1:])))),
    "GivenLayer": (LAYER, lambda layer: derived(replace(SOFTMAX, layer=layer))),
    "GivenHead": (HEAD, lambda head: derived(replace(SOFTMAX, layer=replace(LAYER, heads=(head,))))),
    "Rule": (RULE, lambda rule: lp.sa(rule, process="two-state")),
}


@pytest.mark.parametrize("what", RECORDS)
def test_a_field_of_another_kind_is_an_error_of_ours_that_names_it(what: str) -> None:
    record, use = RECORDS[what]
    for field in fields(record):
        if field.name == "elsewhere":  # who runs a file's rule, never a user's
            continue
        for bad in BAD:
            try:
                use(replace(record, **{field.name: bad}))
            except lp.LayerproofError as error:
                assert field.name.removesuffix("s") in str(error), (field.name, bad, error)
