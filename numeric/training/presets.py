"""The published experiments by name, two of the published code's own kind, and what the paper never trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...symbolic.errors import ArgumentError
from ...symbolic.near import near as near_to
from ...symbolic.plain_text import shown
from .settings import Training


@dataclass(frozen=True)
class Preset:
    """A run by name: its settings, and where they come from."""

    name: str
    about: str
    settings: Training


def _linear(name: str, about: str, **more: Any) -> Preset:
    return Preset(name, about, Training(**more))


_TINY = {"d": 2, "states": 4, "n": 6, "layers": 2, "processes": 12, "batches": 2, "windows": 8, "seeds": 3, "width": 3,
         "log": 4, "final": 5}  # fmt: skip
_CODE = {"processes": 5000, "seeds": 10, "width": 10}
_TWO: dict[str, Any] = {"width": 15}
"""Two groups, for two worker processes: whole prompts leave little to gain from two threads."""
_LIST = (
    _linear("main", "the paper's README: Boyan's chain, 3 looped layers, 4000 processes, 30 seeds"),
    _linear("code", "the same with the published code's defaults: 5000 processes, 10 seeds", **_CODE),
    _linear("looped-2", "2 looped layers", layers=2),
    _linear("looped-4", "4 looped layers", layers=4),
    _linear("sequential-2", "2 layers, each its own weights, gain 0.1/L", layers=2, looped=False),
    _linear("sequential-3", "3 layers, each its own weights, gain 0.1/L", looped=False),
    _linear("sequential-4", "4 layers, each its own weights, gain 0.1/L", layers=4, looped=False),
    _linear("large", "8 features, 20 states, 60 transitions", d=8, states=20, n=60),
    _linear("softmax", "softmax over the keys, times 1/n", activation="softmax", **_TWO),
    _linear("softmax-representable", "softmax over the keys, values that the features can represent",
            activation="softmax", representable=True, **_TWO),
    _linear("softmax-published", "softmax as the published code has it: over the queries, then 1/n",
            activation="softmax", traps=("softmax-over-queries",), **_TWO),
    *(_linear(a, f"{a} of the scores", activation=a, **_TWO) for a in ("relu", "tanh", "elu", "selu", "leaky-relu")),
    _linear("loop", "the loop process", process="loop"),
    _linear("cart-pole", "a cart and pole in 16 bins", process="cart-pole", states=16),
    _linear("monte-carlo", "drawn to the returns of rollouts of 40 steps", target="monte-carlo"),
    _linear("true-value", "drawn to the true values", target="true-value"),
    _linear("talk", "the talk's update: one context, the query moves", window="shared"),
    _linear("residual-gradient", "the full gradient of the squared TD error", target="residual-gradient"),
    _linear("td-lambda", "TD(1/2)'s mask", algorithm="td-lambda"),
    _linear("average-reward", "average reward: two heads, an extra row", algorithm="average-reward-td",
            gamma=Fraction(1)),
    _linear("gtd2", "GTD2's prompt: two heads, an extra row", algorithm="gtd2"),
    _linear("tiny", "seconds: to see that everything works, not to learn anything", **_TINY),
)  # fmt: skip
PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _LIST}


def preset_named(name: str) -> Preset:
    """The preset called `name`; `ArgumentError` with the nearest names when there is none."""
    if name in PRESETS:
        return PRESETS[name]
    near = near_to(str(name), PRESETS)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the presets are {', '.join(PRESETS)}"
    raise ArgumentError(f"preset is {shown(name)}, which is not known: {hint}")
