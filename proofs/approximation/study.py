"""One rule on one process: what is computed once and looked at by everything that is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from ...symbolic.approximation.conserved import conserved
from ...symbolic.approximation.field import Field, field_at_ratio, mean_field
from ...symbolic.approximation.linear import Reduced, Spectrum, TooLarge, direction, reduced, spectrum
from ...symbolic.approximation.rule import OuterRule, Rule
from ...symbolic.approximation.samples import Samples, at_ratio, samples
from ...symbolic.approximation.scaling import all_affine
from ...symbolic.approximation.traces import NoMean, Traces, traces
from ...symbolic.errors import ContentError, RefusedError
from ...symbolic.exact import decimal_text
from ...symbolic.markov.chain import Chain
from ...symbolic.markov.decision import DecisionProcess
from ...symbolic.markov.matrices import Vector
from ...symbolic.strict_json import rational_text
from ..verdict import Claim, Verdict
from .assumptions import ASSUMED, ASSUMPTIONS, CITED, CONCLUDED, EXACT, NONE

STRENGTH = {EXACT: "exact on this process", CONCLUDED: "its conditions exact on this process, the theorem cited"}


@dataclass(frozen=True, eq=False)
class Study:
    """A rule, a process, parameters, and the power of the steps. Of an outer rule only the process is looked at."""

    subject: Rule | OuterRule
    process: DecisionProcess
    parameters: Mapping[str, Fraction]
    power: Fraction = Fraction(1)

    @property
    def rule(self) -> Rule:
        """The rule, which is no outer one."""
        assert isinstance(self.subject, Rule)
        return self.subject

    @property
    def chain(self) -> Chain:
        """The chain of states under the behaviour policy."""
        return self.process.chain

    @property
    def unique(self) -> bool:
        """Whether the stationary law is unique."""
        return len(self.chain.closed_classes) == 1

    @cached_property
    def symbolic(self) -> Samples | None:
        """h on every transition with eta, the ratio of two steps, as a symbol; None where h has none or needs a number.

        What is refused here is asked once more with a number.
        """
        if "eta" not in self.rule.parameters:
            return None
        try:
            return samples(self.rule, self.process, self.parameters, symbolic_ratio=True)
        except (ContentError, RefusedError):  # h divides by eta, or compares it
            return None

    @cached_property
    def samples(self) -> Samples:
        """h on every transition."""
        at_eta = None if self.symbolic is None else at_ratio(self.symbolic, self.parameters["eta"])
        return samples(self.rule, self.process, self.parameters) if at_eta is None else at_eta

    @cached_property
    def traces(self) -> Traces | None:
        """How the trace changes; None without one."""
        return traces(self.samples) if self.samples.trace_size else None

    @cached_property
    def field(self) -> Field | None:
        """The mean field; None where the stationary law is not unique or the trace has no mean."""
        if not self.unique or self.beyond_means:
            return None
        try:
            if self.symbolic_field is not None and self.samples.table is self.symbolic_field.samples.table:
                return field_at_ratio(self.symbolic_field, self.samples, self.parameters["eta"])
            return mean_field(self.samples)
        except NoMean:
            return None

    @cached_property
    def beyond_means(self) -> str:
        """Why the trace's mean does not give the mean of h; empty where it does."""
        h = self.symbolic or self.samples
        symbols = h.trace_entries
        if not symbols:
            return ""
        if _twice(h.monomials_before_adding, symbols) and _twice(h.monomials, symbols):
            return "h multiplies entries of the trace, whose second moments are not worked out"
        return ""

    def without_field(self, key: str) -> Claim:
        """A question about the mean field where there is none: open where it is only not worked out."""
        return self.open(key, self.no_field) if self.unique and self.beyond_means else self.skipped(key, self.no_field)

    @cached_property
    def symbolic_field(self) -> Field | None:
        """The mean field with eta as a symbol; raises as `mean_field` does."""
        return None if self.symbolic is None else mean_field(self.symbolic)

    @property
    def no_field(self) -> str:
        """Why there is no mean field."""
        if not self.unique:
            return "the stationary law is not unique, so there is no one mean field"
        if self.beyond_means:
            return f"the mean field is not worked out: {self.beyond_means}"
        return "the trace has no stationary mean, so there is no mean field"

    @cached_property
    def piecewise_affine(self) -> bool:
        """Whether h is affine in the weights, maxima of affine functions included, for every y."""
        if self.symbolic is not None and all_affine(self.symbolic):
            return True
        return all_affine(self.samples)

    @cached_property
    def conserved(self) -> tuple[Vector, ...]:
        """What no update changes."""
        return conserved(self.samples)

    @cached_property
    def still(self) -> tuple[int, ...]:
        """The weights that no update ever moves."""
        left = set(range(self.samples.size))
        for move in self.samples.moves:
            if not left:
                break
            left.difference_update(move)
        return tuple(sorted(left))

    @cached_property
    def linear(self) -> Reduced | None:
        """The affine mean field where updates move; None where it is not affine."""
        if self.field is None or self.field.affine is None:
            return None
        return reduced(*self.field.affine, self.conserved)

    @property
    def spectrum(self) -> Spectrum | None:
        """Whether the reduced matrix is Hurwitz; None where there is none, or it is `undecided`."""
        return self._decided[0]

    @property
    def undecided(self) -> str:
        """Why that is not decided; empty where it is."""
        return self._decided[1]

    @cached_property
    def _decided(self) -> tuple[Spectrum | None, str]:
        if self.linear is None or not self.linear.A.nrows():
            return None, ""
        try:
            return spectrum(self.linear.A), ""
        except TooLarge as error:
            return None, str(error)

    @cached_property
    def against_definite(self) -> Vector | None:
        """A v with v^T A v >= 0 on the reduced space; None when the matrix is negative definite there."""
        assert self.linear is not None
        return direction(-self.linear.A) if self.linear.A.nrows() else None

    # claims

    def claim(
        self, key: str, verdict: Verdict, reason: str, how: str = EXACT, asked: bool = True, **facts: Any
    ) -> Claim:
        """A claim about this rule on this process, established exactly unless said otherwise."""
        details = {"assumption": key, "established": how, "process": self.process.name, **facts}
        strength = STRENGTH.get(how, "")
        return Claim(
            self.subject.name, ASSUMPTIONS[key].says, f"sa-{key}", verdict, strength, reason, asked, details=details
        )

    def holds(self, key: str, yes: bool, reason: str, **facts: Any) -> Claim:
        """An exact yes or no."""
        return self.claim(key, Verdict.HOLDS if yes else Verdict.REFUTED, reason, **facts)

    def open(self, key: str, reason: str, **facts: Any) -> Claim:
        """A question that the exact checks do not decide."""
        return self.claim(key, Verdict.UNDECIDED, reason, **facts)

    def cited(self, key: str, reason: str, **facts: Any) -> Claim:
        """What is taken from the literature and not checked."""
        return self.claim(key, Verdict.NOT_RUN, reason, CITED, asked=False, **facts)

    def assumed(self, key: str, reason: str, **facts: Any) -> Claim:
        """What is assumed."""
        return self.claim(key, Verdict.NOT_RUN, reason, ASSUMED, asked=False, **facts)

    def skipped(self, key: str, reason: str, **facts: Any) -> Claim:
        """What makes no sense here, and why."""
        return self.claim(key, Verdict.NOT_RUN, reason, NONE, asked=False, **facts)


def _twice(monomials: Iterable[tuple[int, ...]], symbols: range) -> bool:
    """Whether some monomial has two of the symbols."""
    return any(sum(a in symbols for a in m) > 1 for m in monomials)


def number(x: Fraction) -> str:
    """A rational as a reader sees it: exactly when short, else as a decimal."""
    exact = rational_text(x)
    return exact if len(exact) <= 17 else f"about {decimal_text(x, 6)}"


def vector(v: Sequence[Fraction], most: int = 8) -> str:
    """A vector as a reader sees it."""
    shown = [rational_text(x) if len(rational_text(x)) <= 17 else decimal_text(x, 6) for x in v[:most]]
    return f"({', '.join(shown)}{', ...' if len(v) > most else ''})"


def texts(v: Sequence[Fraction]) -> list[str]:
    """A vector as plain data."""
    return [rational_text(x) for x in v]
