"""What is asked about invariance: sizes, law, outer update and set; and the algorithms and depths it is asked of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.construction import Construction
from ...symbolic.derivation.derive import derive
from ...symbolic.derivation.state import SymbolicState
from ...symbolic.errors import ArgumentError, WorkLimitError
from ...symbolic.exact import whole_number
from ...symbolic.invariance.closure import Reached, reach
from ...symbolic.invariance.own_weights import FORMS, own_construction, own_point, unit_step_words
from ...symbolic.invariance.samples import OUTERS, TEACHER, Outer
from ...symbolic.invariance.sets import commutant
from ...symbolic.invariance.symmetry import SymmetryGroup, group_named
from ...symbolic.invariance.weights import Point, WeightSpace
from ...symbolic.plain_text import amount, shown
from ...symbolic.strict_json import rational_text
from ..case import MAX_WORK, Progress, Settings, check_parameters, silent
from ..user_file import resolve_algorithm
from ..verdict import Claim, Verdict
from .work import check_work

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


class AtDepth:
    """What claims say of an algorithm at the depth of its `space`."""

    space: Any

    @property
    def name(self) -> str:
        """The algorithm's name."""
        raise NotImplementedError

    @property
    def depth_words(self) -> str:
        """The depth in words."""
        depth = self.space.depth
        return "L = 1" if depth == 1 else f"L = {depth}, {'looped' if self.space.looped else 'sequential'}"

    def claim(self, text: str, evidence: str, verdict: Verdict, strength: str, reason: str, **more: Any) -> Claim:
        """A claim about this subject; its depth goes into the details."""
        details = {"layers": self.space.depth, "looped": self.space.looped, **more.pop("details", {})}
        return Claim(self.name, text, evidence, verdict, strength, reason, details=details, **more)


@dataclass(frozen=True, eq=False)
class Subject(AtDepth):
    """One algorithm at one depth: trained weights, symmetry of the law, outer update, the algorithm's own weights."""

    algorithm: Algorithm
    space: WeightSpace
    group: SymmetryGroup
    outer: Outer
    own: Construction
    form: str
    seed: int
    progress: Progress

    @property
    def name(self) -> str:
        """The algorithm's name."""
        return self.algorithm.name

    @cached_property
    def start(self) -> Point:
        """The algorithm's own weights, at unit steps, in the form that was asked for."""
        return own_point(self.own, self.form)

    @cached_property
    def reached(self) -> Reached:
        """What expected updates span from the algorithm's own weights, where there is no `asymmetry`."""
        return self._reached_from(self.start)

    @cached_property
    def other(self) -> tuple[str, Reached] | None:
        """The other form of these weights and what is reached from there; None where it is the same point, or none."""
        form = next(f for f in FORMS if f != self.form)
        try:
            point = own_point(self.own, form)
        except ArgumentError:
            return None
        return None if point == self.start else (form, self._reached_from(point))

    @cached_property
    def asymmetry(self) -> str | None:
        """Why no set is taken through the algorithm's own weights, or None: given heads may break the symmetry."""
        if commutant(self.space, self.group).has(self.start):
            return None
        return (
            f"the heads of {self.algorithm.name} do not commute with the group {self.group.name} at "
            f"{unit_step_words(self.algorithm)}, so no set "
            "through them is kept: ask about the set commutant, or one of your own"
        )

    def _reached_from(self, point: Point) -> Reached:
        return reach(self.space, commutant(self.space, self.group), point, self.outer, self.seed)


def subjects(
    algorithms: Sequence[str | Algorithm], question: Question, progress: Progress = silent
) -> Iterator[Subject]:
    """One subject for each algorithm (all when none is named) and depth.

    Raises `ArgumentError` for a name that is not there, `WorkLimitError` for more than `max_work`.
    """
    chosen = [resolve_algorithm(a, "train") for a in algorithms] or list(catalogue().values())
    check_parameters(question.values, (name for a in chosen for name in a.parameters))
    for algorithm in {id(a): a for a in chosen}.values():
        if algorithm.unit_columns:
            raise ArgumentError(
                f"the last d columns of the prompts of {algorithm.name} hold unit vectors, and invariance is decided "
                "for laws of transitions: ask without unit_columns"
            )
        if algorithm.extras and question.law is not None:
            raise ArgumentError(
                f"law samples no {algorithm.extras[0][0]}, which the transitions of {algorithm.name} carry"
            )
        if question.trace is not None and "trace" not in algorithm.options and len(chosen) == 1:
            raise ArgumentError(f"trace is {shown(question.trace)}, but {algorithm.name} keeps no trace: leave it out")
        options = {"trace": question.trace} if question.trace is not None and "trace" in algorithm.options else {}
        parameters = algorithm.values({"gamma": question.gamma, "lam": question.lam, **question.values})
        discounted = "gamma" in algorithm.parameters or not _holds_successors(algorithm, options)
        outer = Outer(
            question.window, question.outer,
            discount=question.gamma if discounted else Fraction(1),
            average_reward=Fraction(0) if discounted else Fraction(1, 3),
        )  # fmt: skip
        heads = 1 if algorithm.heads is not None else len(derive(algorithm, options).heads)
        sizes = (question.features, question.context, question.layers or 2)
        check_work(algorithm, sizes, heads, question.depths(), question.order, question.max_work)
        depths = question.depths()
        if algorithm.selections:  # layers that read other tokens each are not one layer's weights, and no more than n
            depths = [(depth, looped) for depth, looped in depths if depth == 1 or not looped]
            if not depths:
                raise ArgumentError(
                    f"looped is asked for, but the layers of {algorithm.name} read other tokens each: ask sequential"
                )
            if question.layers is not None:
                algorithm.check_sizes(question.features, question.context, question.layers)
            depths = [(depth, looped) for depth, looped in depths if depth <= question.context]
        for depth, looped in depths:
            own = own_construction(algorithm, options, question.features, question.context, depth, parameters, looped)
            given = len(own.layers[0])
            check_work(algorithm, sizes, given, question.depths(), question.order, question.max_work)
            own_point(own, question.weights)  # refused at once where there is no such form
            space = WeightSpace.of(algorithm, own)
            yield Subject(algorithm, space, question.symmetry, outer, own, question.weights, question.seed, progress)


def _holds_successors(algorithm: Algorithm, options: Mapping[str, str]) -> bool:
    """Whether some feature block of the prompt is made of the next states' features."""
    state = SymbolicState(algorithm, dict(options))
    transition, named = state.transition("j"), {"phi'_j", *(f"{name}_j" for name in algorithm.successor_vectors)}
    blocks = [block.context(transition, state.p) for block in algorithm.features if not block.scalar]
    return any(atom in named for block in blocks for _, atom in block.terms)
