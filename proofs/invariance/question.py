"""What is asked about invariance: sizes, law, outer update and set; and the algorithms and depths it is asked of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ...symbolic.errors import ArgumentError, WorkLimitError
from ...symbolic.exact import whole_number
from ...symbolic.invariance.own_weights import FORMS
from ...symbolic.invariance.samples import OUTERS, TEACHER, Outer
from ...symbolic.invariance.symmetry import SymmetryGroup, group_named
from ...symbolic.plain_text import amount, shown
from ...symbolic.strict_json import rational_text
from ..case import MAX_WORK, Settings

SETS = ("weights", "zero-pattern", "one-layer", "last-layer", "smallest", "commutant")
"""The named sets, smallest first."""
PATTERN = "attention pattern"
"""The fact of a claim about an algorithm that attends by patterns: it is about no depth."""
MAX_LAYERS = 100
"""The deepest transformer that is looked at: bounds on the degree of its update say nothing from forty layers on."""
LARGEST = 10**9
"""The largest numerator or denominator of gamma and lambda: numbers as large as the prime could vanish in its field."""


@dataclass(frozen=True)
class Question:
    """What is asked about each algorithm.

    features, context : d, n;  layers : L, or None for 1 and 2;  looped : None for both
    gamma, lam, trace : the in-context algorithm's; gamma is the outer discount too
    group  : a name, or a group acting on d features;  set : a set's name or document, or None for all named sets
    weights : which of the algorithm's own weights the named sets go through, as in `own_weights`
    window, outer : which outer update; outer "teacher" is for a state in a column of its own
    source : the file that the document came from;  floats : also ask torch;  prove : also run the Rocq gate
    law, units : also sample that law, with so many random processes
    max_work : the limit on the work of one algorithm, as `work` estimates it
    """

    features: int = 2
    context: int = 2
    layers: int | None = None
    looped: bool | None = None
    gamma: Fraction = Settings.gamma
    lam: Fraction = Settings.lam
    trace: str | None = None
    seed: int = 0
    group: str | SymmetryGroup = "signed-permutations"
    window: str = "sliding"
    outer: str = "semi-gradient"
    set: str | Mapping[str, Any] | None = None
    weights: str = FORMS[0]
    source: str | None = None
    floats: bool = True
    law: str | None = None
    prove: bool = False
    units: int = 2000
    max_work: int = MAX_WORK
    values: Mapping[str, Fraction] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        whole_number("features", self.features, 1)
        whole_number("context", self.context, 1)
        if self.layers is not None:
            whole_number("layers", self.layers, 1)
        whole_number("seed", self.seed, 0)
        whole_number("units", self.units, 2, 10**6)
        whole_number("max_work", self.max_work, 1)
        if max(depth for depth, _ in self.depths()) > MAX_LAYERS:
            raise WorkLimitError(f"layers is {amount(self.layers or 0)}, wanted at most {MAX_LAYERS}")
        for name in ("gamma", "lam"):
            value = getattr(self, name)
            if not isinstance(value, Fraction) or not 0 <= value <= 1 or value.denominator > LARGEST:
                given = value if isinstance(value, Fraction) else shown(value)
                raise ArgumentError(
                    f"{name} is {given}, wanted an exact number from 0 to 1 such as 9/10, of at most 9 digits"
                )
        Outer(self.window, OUTERS[0] if self.outer == TEACHER else self.outer)
        if isinstance(self.set, str) and self.set not in SETS:
            raise ArgumentError(f"set is {shown(self.set)}, wanted one of {', '.join(SETS)}, or a set's file")
        if self.weights not in FORMS:
            raise ArgumentError(f"weights is {shown(self.weights)}, wanted {' or '.join(FORMS)}")
        if not isinstance(self.group, (str, SymmetryGroup)):
            raise ArgumentError(f"group is {shown(self.group)}, wanted a name or a SymmetryGroup")
        if not (self.set is None or isinstance(self.set, (str, Mapping))):
            raise ArgumentError(f"set is {shown(self.set)}, wanted a name or a set's document")
        for name in ("law", "trace"):
            if not (getattr(self, name) is None or isinstance(getattr(self, name), str)):
                raise ArgumentError(f"{name} is {shown(getattr(self, name))}, wanted a name")
        if not (self.looped is None or isinstance(self.looped, bool)):
            raise ArgumentError(f"looped is {shown(self.looped)}, wanted True, False or None for both")
        if isinstance(self.group, SymmetryGroup) and self.group.d != self.features:
            raise ArgumentError(f"group acts on {self.group.d} features, wanted {self.features} as in features")

    @property
    def symmetry(self) -> SymmetryGroup:
        """The group that the law is symmetric under."""
        return group_named(self.group, self.features) if isinstance(self.group, str) else self.group

    def order(self, d: int) -> int | None:
        """The order of the group at d features; None where it is infinite or too large to list."""
        return group_named(self.group, d).order if isinstance(self.group, str) else self.group.order

    def depths(self) -> list[tuple[int, bool]]:
        """(L, looped) of every transformer that is asked about; one layer is the same either way."""
        depths = [1, 2] if self.layers is None else [self.layers]
        shared = [True, False] if self.looped is None else [self.looped]
        return [(depth, looped) for depth in depths for looped in (shared if depth > 1 else [True])]

    def document(self) -> dict[str, Any]:
        """The settings as plain data."""
        group = self.group if isinstance(self.group, str) else self.group.name
        asked = self.set if self.set is None or isinstance(self.set, str) else dict(self.set)
        return {
            "features": self.features, "context": self.context, "layers": self.layers, "looped": self.looped,
            "gamma": rational_text(self.gamma), "lam": rational_text(self.lam), "trace": self.trace, "seed": self.seed,
            "group": group, "window": self.window, "outer": self.outer, "set": asked,
            "weights": self.weights,
            **({"values": {k: rational_text(v) for k, v in sorted(self.values.items())}} if self.values else {}),
            "law": self.law, "units": self.units if self.law else None,
        }  # fmt: skip
