"""Names that become symbols are one thing each: two things of one name are refused before anything is derived."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import ContentError
from layerproof.symbolic.identity.entrywise import entrywise

TD0, GTD2 = catalogue()["td0"], catalogue()["gtd2"]
COLLISIONS: dict[str, tuple[dict[str, Any], str]] = {
    "R is the reward": ({"transition_scalars": ("R",)}, "the reward"),
    "reward is the reward": ({"transition_scalars": ("reward",)}, "the reward"),
    "phi are the features": ({"transition_vectors": ("phi",)}, "the features"),
    "phi_next are the successor's": ({"successor_vectors": ("phi_next",)}, "successor"),
    "q is the query": ({"parameters": ("gamma", "q")}, "the query"),
    "n is the context length": ({"parameters": ("gamma", "n")}, "context length"),
    "index is the position": ({"transition_scalars": ("index",)}, "position"),
    "change is a change": ({"weights": ("change",)}, "change"),
    "two weights": ({"weights": ("w", "w")}, "w names both the weight and the weight"),
    "two parameters": ({"parameters": ("gamma", "gamma")}, "gamma names both"),
    "a weight and a parameter": ({"weights": ("gamma",)}, "gamma names both the weight and the parameter"),
    "a weight and a step": ({"weights": ("C",)}, "C names both the weight and the preconditioner"),
    "a step and a number": ({"transition_scalars": ("C",)}, "C names both"),
    "a number and a vector": ({"transition_scalars": ("rho",), "transition_vectors": ("rho",)}, "rho names both"),
    "a vector and a successor": ({"successor_vectors": ("x",), "transition_vectors": ("x",)}, "x names both"),
    "an option and a parameter": ({"options": {"gamma": ("a",)}}, "gamma names both"),
    "a weight as phi at one transition": ({"weights": ("phi_1",)}, "phi at one transition"),
    "a weight as a reward at j": ({"weights": ("R_j",)}, "R at one transition"),
    "a weight as rho at one": ({"weights": ("rho_2",), "transition_scalars": ("rho",)}, "rho at one transition"),
    "no name for Python": ({"parameters": ("gamma", "a b")}, "wanted a name"),
    "a number": ({"parameters": ("gamma", 3)}, "wanted a name"),
    "a scalar weight that is none": ({"scalar_weights": ("v",)}, "scalar_weights"),
    "a scalar step that is none": ({"scalar_preconditioners": ("c",)}, "scalar_preconditioners"),
}


@pytest.mark.parametrize("name", COLLISIONS)
def test_two_things_of_one_name_are_refused_with_the_name(name: str) -> None:
    changes, message = COLLISIONS[name]
    with pytest.raises(ContentError, match=message) as caught:
        replace(TD0, **changes)
    assert caught.value.exit_code == 4


def test_a_feature_row_is_not_called_reward() -> None:
    with pytest.raises(ContentError, match=r"x\.reward"):
        replace(TD0, features=(replace(TD0.features[0], name="reward"), TD0.features[1]))


@pytest.mark.parametrize("names", [("rho", "rho1"), ("rho", "rho1_"), ("a", "a0", "a00")])
def test_names_that_begin_alike_stay_apart(names: tuple[str, ...]) -> None:
    wider = replace(TD0, transition_scalars=names)
    identity = entrywise(derive(wider), 1, 12)
    columns = 12 + 1  # each transition carries every number, and so does the one generic column beside them
    assert identity.holds and identity.variables == entrywise(derive(TD0), 1, 12).variables + columns * len(names)


def test_a_weight_may_be_called_as_an_entry_of_another() -> None:
    renamed = replace(GTD2, weights=("w", "w_0"))
    assert entrywise(derive(renamed), 2, 2).holds


def test_fractions_stay_numbers() -> None:
    assert derive(replace(TD0, parameters=("gamma", "beta"), defaults={"beta": Fraction(1, 3)})).heads
