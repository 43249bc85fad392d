"""The fixture `layerproof` of the pytest plugin: checks inside a test, each of them recorded with its claims."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..verdict import Claim, Result

# Nothing of the package is imported before a check runs: pytest loads this file whether a test needs it or not.


class Checks:
    """What one test checks: a refuted claim fails it at once; open ones are listed, or fail it when strict.

    results : what the marks and the methods established so far, in order
    used    : whether the test carries the mark or asked for the fixture, so that it should have checked something
    """

    def __init__(self, test: str, folder: Path, strict: bool, properties: list[tuple[str, object]]) -> None:
        self.results: list[Result] = []
        self.used = False
        self.outcome = "passed"
        self._test, self._folder, self._strict, self._properties = test, folder, strict, properties

    def verify(self, *algorithms: Any, **settings: Any) -> Result:
        """`layerproof.verify`, as an assertion; a path to a `.py` file is relative to the test's file."""
        __tracebackhide__ = True
        result = self.verified(*algorithms, **settings)
        _insist(failure(result, self._strict))
        return result

    def verified(self, *algorithms: Any, **settings: Any) -> Result:
        """`layerproof.verify`, recorded, whatever it finds."""
        from ..functions.checks import verify

        return self._recorded(verify(*map(self._located, algorithms), **settings))

    def assert_implements(self, subject: Any, algorithm: Any, **settings: Any) -> Result:
        """`layerproof.assert_implements`, but an open claim passes when the run is not strict, as it does here."""
        __tracebackhide__ = True
        from .. import assertions

        result = self._recorded(assertions.judge(subject, self._located(algorithm), **settings))
        if fails(result, self._strict):
            raise assertions.error(subject, result)
        return result

    def invariance(self, *algorithms: Any, **settings: Any) -> Result:
        """`layerproof.invariance`: with `set=` an assertion, which may be refuted; else a question to be answered."""
        __tracebackhide__ = True
        from ..functions.invariance import invariance

        result = self._recorded(invariance(*map(self._located, algorithms), **settings))
        _insist(failure(result, self._strict))
        return result

    @property
    def asked(self) -> list[Claim]:
        """The claims that were asked for: all others only say what else there is to ask."""
        return [claim for result in self.results for claim in result.claims if claim.asked]

    def document(self) -> dict[str, Any]:
        """The test's entry of the JSON: claims as every command writes them, each with its check's number."""
        return {
            "test": self._test,
            "outcome": self.outcome,
            "checks": [
                {"command": r.command, "question": r.question, "settings": dict(r.settings)} for r in self.results
            ],
            "claims": [{"check": k, **c.to_json()} for k, r in enumerate(self.results) for c in r.claims],
        }

    def _located(self, algorithm: Any) -> Any:
        """An algorithm as given, or the path of a file, which a test gives as seen from its own folder."""
        from ..user_file import is_file

        named = isinstance(algorithm, str) and is_file(algorithm)
        return str(self._folder / algorithm) if named or isinstance(algorithm, PurePath) else algorithm

    def _recorded(self, result: Result) -> Result:
        self.results.append(result)
        asked = [c for c in result.claims if c.asked]
        self._properties += [("layerproof", f"{c.algorithm} {c.evidence} {c.verdict.value}") for c in asked]
        return result


def fails(result: Result, strict: bool) -> bool:
    """Whether a result fails its test: refuted, or, when strict, open or with something that could not be judged."""
    return result.exit_code == 1 or (strict and (result.exit_code != 0 or any(map(unjudged, result.claims))))


def unjudged(claim: Claim) -> bool:
    """Whether a claim says that a part of the subject, such as a module's `forward`, could not be judged."""
    from ..verdict import STRICT

    return bool(claim.details.get(STRICT))


def failure(result: Result, strict: bool) -> str | None:
    """Why a result fails its test, in words: each claim that is refuted or open; None when the test passes."""
    if not fails(result, strict):
        return None
    from ..verdict import Verdict
    from ..witness_text import reason_beside, witness_lines

    answers = (Verdict.HOLDS, Verdict.REFUTED) if result.question else (Verdict.HOLDS,)
    lines = []
    for claim in result.claims:
        if (claim.asked and claim.verdict not in answers) or unjudged(claim):
            lines += [
                f"{claim.algorithm}: {claim.verdict.value} by {claim.evidence}",
                f"  claim: {claim.claim}",
                f"  {reason_beside(claim.reason, claim.witness)}",
                *(f"  {line}" for line in witness_lines(claim.witness or {})),
            ]
    if result.exit_code != 1:
        lines.append("an open claim fails because of --layerproof-strict")
    return "\n".join(lines)


def _insist(text: str | None) -> None:
    __tracebackhide__ = True
    if text is not None:
        raise AssertionError(text)
