"""Verdicts and claims: what was found, how strong it is, and what shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from itertools import islice
from typing import Any

from ..symbolic.errors import DiffersError, LayerproofError, RefusedError
from ..symbolic.identity.witness import Witness
from ..symbolic.prompt import Context
from ..symbolic.strict_json import dumps, rational_text

SCHEMA = 1
"""The version of the JSON that every command writes."""
NEEDS_WEIGHTS = "no weights were derived, so there is nothing to check"
"""The reason of evidence that did not run since there was no subject."""
ABOUT = "about"
"""The detail that says what a claim is about where its kind of evidence does not: the table shows it."""
PROVED = "proved-all-sizes"
"""The kind of evidence that the prover gives."""
REFUTED_WEIGHTS = "of refuted weights"
STRICT = "strict"
"""The detail of a claim that nobody asked for and that could not be run, which fails a strict run all the same."""


class Verdict(StrEnum):
    """What was found: HOLDS and REFUTED are answers, UNDECIDED and NOT_RUN are not and never count as success."""

    HOLDS = "HOLDS"
    REFUTED = "REFUTED"
    UNDECIDED = "UNDECIDED"
    NOT_RUN = "NOT_RUN"


WORST_FIRST = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.NOT_RUN, Verdict.HOLDS)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole: REFUTED before UNDECIDED before NOT_RUN before HOLDS; NOT_RUN of nothing.

    >>> worst([Verdict.HOLDS, Verdict.NOT_RUN]), worst([])
    (<Verdict.NOT_RUN: 'NOT_RUN'>, <Verdict.NOT_RUN: 'NOT_RUN'>)
    """
    present = set(verdicts)
    return next((v for v in WORST_FIRST if v in present), Verdict.NOT_RUN)


def worst_asked(claims: Iterable[Claim]) -> Verdict:
    """The worst verdict among the claims that were asked for; NOT_RUN when none was."""
    return worst(c.verdict for c in claims if c.asked)


@dataclass(frozen=True)
class Claim:
    """One claim about one algorithm with one kind of evidence.

    claim      the statement, in words
    evidence   its kind: derived, identity-symbolic, identity-entrywise, identity-exact, identity-random, float
    strength   what a HOLDS means: proved for all sizes, exact on these instances, at random points, within a bound
               (empty in the JSON for any other verdict)
    asked      whether the exit code counts it
    reason     why the verdict is what it is, in one line
    bound, error   of a check that has them: the worst place's
    dimension  of the set that the claim is about, where it is about one
    details    plain data, for the JSON
    """

    algorithm: str
    claim: str
    evidence: str
    verdict: Verdict
    strength: str
    reason: str
    asked: bool = True
    witness: Mapping[str, Any] | None = None
    bound: float | str | None = None
    error: float | str | None = None
    dimension: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The claim as plain data; `witness`, `bound`, `error` and `dimension` only where they exist."""
        document: dict[str, Any] = {
            "algorithm": self.algorithm,
            "claim": self.claim,
            "evidence": self.evidence,
            "verdict": self.verdict.value,
            "strength": self.strength if self.verdict is Verdict.HOLDS else "",
            "reason": self.reason,
            "asked": self.asked,
            "details": dict(self.details),
        }
        for key in ("witness", "bound", "error", "dimension"):
            if getattr(self, key) is not None:
                document[key] = getattr(self, key)
        return document


@dataclass(frozen=True, repr=False)
class Result:
    """What a command established: its settings and its claims.

    fault    : how kinds of evidence contradict each other, where they do
    notes    : what was checked at other sizes than those asked for, and why
    subjects : of `verify`, what was judged, in the order of the claims, and how many of them are about it
    question : whether it answers a question rather than asserts something: then REFUTED is an answer like any other
    """

    command: str
    settings: Mapping[str, Any]
    claims: tuple[Claim, ...]
    question: bool = False
    fault: str = ""
    notes: tuple[str, ...] = ()
    subjects: tuple[tuple[Any, int], ...] = ()

    def by_subject(self) -> list[tuple[Any, tuple[Claim, ...]]]:
        """Each subject that was judged, with the claims about it."""
        claims = iter(self.claims)
        return [(subject, tuple(islice(claims, count))) for subject, count in self.subjects]

    @property
    def exit_code(self) -> int:
        """0 when everything asked for holds, 1 when some of it is refuted, 3 when some is open or was not run.

        A question is 0 once everything asked is answered.  5 when kinds of evidence contradict each other.
        """
        if self.fault:
            return LayerproofError.exit_code
        asked = [c.verdict for c in self.claims if c.asked]
        if Verdict.REFUTED in asked and not self.question:
            return 1
        answers = (Verdict.HOLDS, Verdict.REFUTED) if self.question else (Verdict.HOLDS,)
        return 0 if asked and all(v in answers for v in asked) else 3

    @property
    def holds(self) -> bool:
        """Whether everything that was asked for holds."""
        return self.exit_code == 0

    def __bool__(self) -> bool:
        """As `holds`, so that `assert lp.verify(...)` means what it says."""
        return self.holds

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{k} {v.value}" for v in Verdict if (k := sum(c.asked and c.verdict is v for c in self.claims))
        )
        return f"<{self.command}: {counts or 'nothing asked'}>"

    def document(self) -> dict[str, Any]:
        """The result as plain data, the same for the same question and machine."""
        return {
            "command": self.command,
            "schema": SCHEMA,
            "settings": dict(self.settings),
            "claims": [c.to_json() for c in self.claims],
            **({"notes": list(self.notes)} if self.notes else {}),
            **({"fault": self.fault, "error": self._error()} if self.fault else {}),
        }

    def _error(self) -> dict[str, Any]:
        return {"code": self.exit_code, "argument": None, "message": self.fault}

    def to_json(self) -> str:
        """The result as canonical JSON text."""
        return dumps(self.document())


def number_text(value: Any) -> str:
    """An exact value of any arithmetic as text: a rational in lowest terms, a field element as an integer."""
    if hasattr(value, "fraction"):
        value = value.fraction()
    if isinstance(value, (int, Fraction)):
        return rational_text(Fraction(value))
    return str(value)


def prompt_json(context: Context) -> dict[str, Any]:
    """A prompt as plain data, in the form of a prompt file."""

    def vector(entries: Sequence[Fraction]) -> list[str]:
        return [rational_text(x) for x in entries]

    extras = {n: [vector(x) if isinstance(x, tuple) else rational_text(x) for x in v] for n, v in context.extras}
    return {
        "features": [vector(v) for v in context.features],
        "next_features": [vector(v) for v in context.next_features],
        "rewards": vector(context.rewards),
        "query": vector(context.query),
        **({"extras": extras} if extras else {}),
    }


def witness_json(witness: Witness) -> dict[str, Any]:
    """A counterexample as plain data; its prompt has the form of a prompt file."""
    mismatch = witness.mismatch

    def vector(entries: Sequence[Fraction]) -> list[str]:
        return [rational_text(x) for x in entries]

    return {
        "prompt": prompt_json(witness.context),
        "starting_weights": [vector(w) if isinstance(w, (list, tuple)) else rational_text(w) for w in witness.start],
        "layer": mismatch.layer,
        "row": mismatch.row,
        "column": mismatch.column_name,
        "layer_value": number_text(mismatch.layer_value),
        "iterate_value": number_text(mismatch.iterate_value),
    }


def refused(
    algorithm: str, claim: str, evidence: str, strength: str, error: RefusedError | DiffersError, asked: bool = True
) -> Claim:
    """The claim about a construction whose functions cannot be traced, or do something else than what was traced."""
    verdict = Verdict.REFUTED if error.witness is not None else Verdict.UNDECIDED
    details = (
        {"refused": error.kind, "function": error.function, "line": error.line}
        if isinstance(error, RefusedError)
        else {}
    )
    return Claim(
        algorithm, claim, evidence, verdict, strength, str(error), asked=asked, witness=error.witness, details=details
    )


def of_refuted(claim: Claim) -> Claim:
    """A claim about floats of weights that other evidence has refuted: torch computes these, and no more is said."""
    reason = f"of weights that are refuted, as torch computes them and not of the update: {claim.reason}"
    return replace(claim, reason=reason, details={**claim.details, ABOUT: REFUTED_WEIGHTS})


def disagreement(claims: Iterable[Claim]) -> str:
    """Which kinds of evidence contradict each other about the same weights, in words; empty when none do.

    What is proved for all sizes holds at each: when one proves the identity and another refutes it, one of the two is
    wrong, and that is a fault of layerproof.
    """
    by_algorithm: dict[str, list[Claim]] = {}
    for claim in claims:
        by_algorithm.setdefault(claim.algorithm, []).append(claim)
    for name, own in by_algorithm.items():
        general = [c for c in own if c.evidence in ("identity-symbolic", PROVED) and c.asked]
        against = [c for c in own if c.evidence.startswith("identity-") and c.verdict is Verdict.REFUTED]
        for kind in ("identity-symbolic", PROVED):
            proved = [c for c in general if c.evidence == kind]
            if proved and all(c.verdict is Verdict.HOLDS for c in proved) and against:
                return (
                    f"{kind} HOLDS of {name} for all sizes, and {against[0].evidence} is REFUTED: one of the two is "
                    "wrong, and none of this result is to be relied on; please report it with the file"
                )
    return ""
