"""What is claimed about: an algorithm at one depth, its trained weights, the law's symmetry and the outer update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from ...numeric.files.set_file import weight_set
from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.construction import Construction
from ...symbolic.derivation.derive import derive
from ...symbolic.derivation.state import SymbolicState
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.invariance.closure import Reached, reach
from ...symbolic.invariance.own_weights import FORMS, own_construction, own_point, unit_step_words
from ...symbolic.invariance.samples import Outer
from ...symbolic.invariance.sets import commutant
from ...symbolic.invariance.symmetry import SymmetryGroup
from ...symbolic.invariance.weights import Point, WeightSpace
from ...symbolic.plain_text import shown
from ..case import Progress, check_parameters, silent
from ..user_file import resolve_algorithm
from ..verdict import Claim, Verdict
from .question import Question
from .witness import entry_name
from .work import check_work

EXACT, BLOCKS, ENTRYWISE, RANDOM = (f"invariance-{kind}" for kind in ("exact", "blocks", "entrywise", "random"))


class AtDepth:
    """What claims say of an algorithm at the depth of its `space`."""

    space: Any
    group: SymmetryGroup
    outer: Any
    laws = ""

    @property
    def name(self) -> str:
        """The algorithm's name."""
        raise NotImplementedError

    @property
    def kind(self) -> str:
        """The outer update's name."""
        return self.outer if isinstance(self.outer, str) else self.outer.kind

    @property
    def depth_words(self) -> str:
        """The depth in words."""
        depth = self.space.depth
        return "L = 1" if depth == 1 else f"L = {depth}, {'looped' if self.space.looped else 'sequential'}"

    def claim(self, text: str, evidence: str, verdict: Verdict, strength: str, reason: str, **more: Any) -> Claim:
        """A claim about this subject; its depth goes into the details."""
        details = {"layers": self.space.depth, "looped": self.space.looped, **more.pop("details", {})}
        return Claim(self.name, text, evidence, verdict, strength, reason, details=details, **more)

    def text(self, weights: Any) -> str:
        """The claim that a set is invariant."""
        return (
            f"the set {weights.name} is invariant under the expected {self.kind} update for every law symmetric under "
            f"{self.group.name}{self.laws}, {self.depth_words}"
        )

    def of_set(self, weights: Any, about: Mapping[str, Any] | None = None) -> Callable[..., Claim]:
        """What makes these claims: evidence, verdict, strength and reason are left to give; `about` is in all details.

        weights : a `WeightSet` or a `PatternSet`
        """
        known = {**(about or {}), "set": weights.name, "meaning": weights.meaning}
        if weights.patterns is not None:
            known["patterns"] = [{k: [list(row) for row in rows] for k, rows in p.items()} for p in weights.patterns]

        def claim(evidence: str, verdict: Verdict, strength: str, reason: str, **more: Any) -> Claim:
            details = {**known, **more.pop("details", {})}
            return self.claim(self.text(weights), evidence, verdict, strength, reason,
                              dimension=weights.dimension, details=details, **more)  # fmt: skip

        return claim

    def given(self, asked: Mapping[str, Any], source: str | None) -> Any:
        """A user's own set; `ArgumentError`, or `ContentError` with the file that it is from, where it is none."""
        try:
            return weight_set(asked, self.space, self.group)
        except ArgumentError as error:
            if source is None:
                raise
            raise ContentError(f"{source}: {error}") from None

    def dimension(self, weights: Any, expected: int) -> Claim:
        """Whether a set has the dimension that is stated of it."""
        same = weights.dimension == expected
        return self.claim(
            f"the set {weights.name} has dimension {expected}", EXACT, Verdict.HOLDS if same else Verdict.REFUTED,
            "exact linear algebra", f"its dimension is {weights.dimension}", dimension=weights.dimension,
            details={"fact": "dimension"},
        )  # fmt: skip

    def single(self, residual: Mapping[int, Fraction], number: Callable[[Fraction], str], sample: Any) -> Claim:
        """That one sample alone moves weights out of the commutant: by what entries, the largest of them in words."""
        where, value = max(residual.items(), key=lambda item: abs(item[1]))
        return self.claim(
            f"a single sample leaves the commutant, {self.depth_words}", EXACT, Verdict.HOLDS, "exact on this instance",
            f"without the average {len(residual)} entries stick out, {entry_name(self.space, where)} by "
            f"{number(value)}",
            details={"fact": "single sample", "sample": sample},
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class LinearAtDepth(AtDepth):
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


def at_depths(
    algorithms: Sequence[str | Algorithm], question: Question, progress: Progress = silent
) -> Iterator[LinearAtDepth]:
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
            yield LinearAtDepth(
                algorithm, space, question.symmetry, outer, own, question.weights, question.seed, progress
            )


def _holds_successors(algorithm: Algorithm, options: Mapping[str, str]) -> bool:
    """Whether some feature block of the prompt is made of the next states' features."""
    state = SymbolicState(algorithm, dict(options))
    transition, named = state.transition("j"), {"phi'_j", *(f"{name}_j" for name in algorithm.successor_vectors)}
    blocks = [block.context(transition, state.p) for block in algorithm.features if not block.scalar]
    return any(atom in named for block in blocks for _, atom in block.terms)
