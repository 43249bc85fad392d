"""What was found about one algorithm: what verify claims of it, its derivation, its weights, its worked example."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Construction
from ...symbolic.derivation.derive import Derivation
from ...symbolic.derivation.form import Form
from ...symbolic.derivation.state import SymbolicState
from ...symbolic.errors import NO_WEIGHTS, DiffersError, NotPolynomialError, NotRepresentableError, RefusedError
from ...symbolic.own import OwnConstruction
from ..case import Case, Progress, Settings, silent
from ..convergence.result import Convergence
from ..verdict import PROVED, Claim, Result, Verdict, worst_asked
from .example import Example, OwnExample, own_example, small_example
from .limit_run import endless
from .names import Names


@dataclass(frozen=True, eq=False)
class Findings:
    """What the sections of a page read.  What takes time is computed when a section first reads it.

    item       : the algorithm, or a construction all of a user's own
    claims     : what verify found about it
    invariance : what was found about invariant sets, when it was asked
    command    : the command that makes this page again
    dates      : whether the page may hold what differs from day to day and machine to machine
    judged     : what the evidence saw, where that is at hand: its derivation need not be made again
    """

    item: Algorithm | OwnConstruction
    settings: Settings
    claims: tuple[Claim, ...]
    invariance: Result | None = None
    command: str = ""
    dates: bool = False
    progress: Progress = field(default=silent)
    judged: Case | None = None

    @property
    def algorithm(self) -> Algorithm | None:
        """The algorithm; None for an `OwnConstruction`, which has no update."""
        return self.item if isinstance(self.item, Algorithm) else None

    @property
    def own(self) -> OwnConstruction | None:
        """The user's own construction, if it is one."""
        return self.item if isinstance(self.item, OwnConstruction) else None

    @property
    def verdict(self) -> Verdict:
        """The worst verdict among what was asked for."""
        return worst_asked(self.claims)

    @property
    def refuted(self) -> tuple[Claim, ...]:
        """The claims that are refuted."""
        return tuple(c for c in self.claims if c.asked and c.verdict is Verdict.REFUTED)

    def of_kind(self, evidence: str) -> tuple[Claim, ...]:
        """The claims with one kind of evidence."""
        return tuple(c for c in self.claims if c.evidence == evidence)

    @cached_property
    def case(self) -> Case | None:
        """The algorithm at the settings, as the evidence saw it."""
        if self.judged is not None:
            return self.judged
        return Case(self.algorithm, self.settings) if self.algorithm is not None else None

    @cached_property
    def state(self) -> SymbolicState | None:
        """The symbols that formulas are made of; None where the functions of a file do not run on symbols."""
        if self.case is None:
            return None
        try:
            symbols = SymbolicState(self.case.algorithm, dict(self.case.options))
            Names.for_state(symbols)  # runs the rows
        except (RefusedError, DiffersError):
            return None  # the evidence says why
        return symbols

    @cached_property
    def derivation(self) -> Derivation | None:
        """The derivation; None where the weights are given, or none can be derived: then `obstacle` says why."""
        return self._derived[0]

    @cached_property
    def form(self) -> Form | None:
        """The heads in symbols, derived or given in blocks; None where there are none, or they are known in numbers."""
        if self.derivation is not None or self.case is None or self.case.algorithm.heads is None:
            return self.derivation
        try:
            return self.case.form
        except (NotRepresentableError, NotPolynomialError, DiffersError):
            return None  # the evidence says why

    @property
    def obstacle(self) -> str:
        """Why no weights could be derived; empty where they were, or are given."""
        return self._derived[1]

    @cached_property
    def _derived(self) -> tuple[Derivation | None, str]:
        if self.case is None or self.case.algorithm.heads is not None:
            return None, ""
        try:
            return self.case.derivation, ""
        except NO_WEIGHTS as error:
            return None, str(error)

    @cached_property
    def construction(self) -> Construction | None:
        """The weights that the evidence is about; None where there are none, or they are written another way."""
        return self.case.subject if self.case is not None and not self.obstacle else None

    @cached_property
    def example(self) -> Example | None:
        """The worked example; None where there are no weights of an algorithm."""
        return small_example(self.case) if self.case is not None and not self.obstacle else None

    @cached_property
    def own_example(self) -> OwnExample | None:
        """The worked example of a construction of a user's own."""
        return own_example(self.own, self.settings) if self.own is not None else None

    @cached_property
    def convergence(self) -> Convergence | str | None:
        """What was decided about endless layers, or why nothing was; None where there are no weights.

        Each layer takes the one step of a looped construction; where layers differ, C = I.
        """
        if self.algorithm is not None and self.construction is None:
            return None
        looped = self.construction is not None and self.construction.looped
        step = self.case.steps[0] if self.case is not None and looped else None
        return endless(self.item, self.settings, step, self.progress)


def forgotten(claim: Claim) -> Claim:
    """Without what an earlier run on this machine proved."""
    if claim.evidence != PROVED or not claim.details.get("earlier"):
        return claim
    return replace(claim, reason="not asked: --prove", details={})
