"""Judges the claims of a paper one by one: each by the command that its keys name, and none by another's verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...numeric.files.weights_file import read_weights
from ...symbolic.algorithm import Algorithm
from ...symbolic.derivation.derive import derive
from ...symbolic.errors import ArgumentError, ContentError, LayerproofError
from ..assertions import judge
from ..case import Progress, Settings, counted, silent
from ..checker import verify, with_proof
from ..invariance.claims import invariance
from ..invariance.question import Question
from ..report.published import Comparison, comparison
from ..user_file import is_file, resolve_algorithm, resolve_any
from ..verdict import SCHEMA, Claim, Result, Verdict, worst_asked
from .spec import Claims, Entry

PUBLISHED = "published"


@dataclass(frozen=True)
class Judged:
    """One entry and what was found: its claims, or why it could not be checked, with the exit code of that."""

    entry: Entry
    claims: tuple[Claim, ...]
    error: str = ""
    code: int = 0

    @property
    def verdict(self) -> Verdict:
        """The worst verdict among what was asked for; NOT_RUN where nothing could be checked."""
        return worst_asked(self.claims)


@dataclass(frozen=True)
class Audit:
    """A paper's claims and what was found of each."""

    claims: Claims
    judged: tuple[Judged, ...]

    @property
    def exit_code(self) -> int:
        """1 when a claim is refuted, else the code of one that cannot be checked, else 3 when one is open, else 0."""
        if any(j.verdict is Verdict.REFUTED for j in self.judged):
            return 1
        codes = [j.code for j in self.judged if j.code]
        return max(codes) if codes else 0 if all(j.verdict is Verdict.HOLDS for j in self.judged) else 3

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return self.exit_code == 0

    def __bool__(self) -> bool:
        """As `holds`, so that `assert lp.audit(...)` means what it says."""
        return self.holds

    def document(self) -> dict[str, Any]:
        """As plain data: every entry with its verdict, and every claim with the entry that it is of."""
        return {
            "command": "audit",
            "schema": SCHEMA,
            "title": self.claims.title,
            "source": self.claims.source,
            "exit_code": self.exit_code,
            "entries": [
                {
                    "id": j.entry.id, "equation": j.entry.equation, "statement": j.entry.statement,
                    "algorithm": j.entry.algorithm, "checked": j.entry.checked, "verdict": j.verdict.value,
                    "error": j.error,
                }
                for j in self.judged
            ],
            "claims": [
                {**c.to_json(), "details": {**c.to_json()["details"], "entry": j.entry.id}}
                for j in self.judged for c in j.claims
            ],
        }  # fmt: skip


def audit(claims: Claims, prove: bool = False, time_limit: int = 300, progress: Progress = silent) -> Audit:
    """Check every claim of a file; what one cannot be checked for is told of it, and the others go on."""
    judgements = []
    for k, entry in enumerate(claims.entries, 1):
        told = counted(progress, k, len(claims.entries))
        told(f"{entry.id}: {entry.checked}")
        inner = _about(told, entry)
        try:
            judged = Judged(entry, _claims(entry, claims.folder, prove, time_limit, inner))
        except LayerproofError as error:
            code = ContentError.exit_code if isinstance(error, ArgumentError) else error.exit_code  # the file asked
            judged = Judged(entry, (), str(error), code)
        judgements.append(judged)
    return Audit(claims, tuple(judgements))


def _about(told: Progress, entry: Entry) -> Progress:
    return lambda text: told(f"{entry.id}: {text}")


def _claims(entry: Entry, folder: Path, prove: bool, time_limit: int, progress: Progress) -> tuple[Claim, ...]:
    name = str(folder / entry.algorithm) if is_file(entry.algorithm) else entry.algorithm
    if entry.construction is not None:
        result = judge(read_weights(folder / entry.construction), name, layers=entry.settings.get("L"))
        return result.claims
    if entry.invariant is not None:
        return _invariance(entry, name, prove, progress)
    if entry.published:
        return (_published(entry, resolve_algorithm(name, "compare")),)
    settings = replace(_settings(entry.settings, Settings(trials=4)), time_limit=time_limit)
    asked = with_proof(None, prove) if entry.evidence is None else list(entry.evidence)
    subject = resolve_any(name)
    return verify(subject, settings=settings, evidence=asked, progress=progress).claims


def _settings(named: Mapping[str, Any], base: Settings) -> Settings:
    keys = {"d": "features", "n": "context", "L": "layers", "parameters": "values"}
    sizes = {"features": 3, "context": 20, "layers": 5}
    return replace(base, **{**sizes, **{keys.get(key, key): value for key, value in named.items()}})


def _invariance(entry: Entry, name: str, prove: bool, progress: Progress) -> tuple[Claim, ...]:
    s = entry.settings
    if "parameters" in s:
        raise ContentError("parameters are named, of which invariance takes gamma and lam alone: leave them out")
    keys = {"d": "features", "n": "context", "L": "layers"}
    named = {keys.get(key, key): value for key, value in {"d": 2, "n": 2, **s}.items()}
    question = Question(set=entry.invariant, floats=False, prove=prove, **named)
    return invariance(name, question=question, progress=progress).claims


def _published(entry: Entry, algorithm: Algorithm) -> Claim:
    trace = {"trace": entry.settings["trace"]} if "trace" in entry.settings else None
    compared = comparison(derive(algorithm, trace))
    if compared is None:
        raise ContentError(
            f"published is true, but the talk's paper prints no weights of {algorithm.name}: leave it out"
        )
    verdict = Verdict.HOLDS if compared.same else Verdict.REFUTED
    return Claim(algorithm.name, "the printed weights run the algorithm as the derived ones do", PUBLISHED, verdict,
                 "the same predictions on one rational prompt, every layer", told(compared))  # fmt: skip


def told(comparison: Comparison) -> str:
    """The comparison in one line of plain words."""
    if comparison.equal:
        return f"P, Q, M and the read-out of {comparison.where} are the derived ones, entry by entry"
    parts = [f"{name} of head {k} is {r}" for k, head in enumerate(comparison.heads, 1) for name, r in head.items()
             if r != "equal"]  # fmt: skip
    parts += [f"the read-out's sign is {comparison.readout}"] * (comparison.readout != "equal")
    end = "the predictions are the same" if comparison.same else "the predictions differ"
    return f"{'; '.join(parts)}; everything else is equal, and {end}"


def as_result(audit: Audit) -> Result:
    """The claims of all entries, as other commands give theirs."""
    return Result("audit", {"title": audit.claims.title}, tuple(c for j in audit.judged for c in j.claims))
