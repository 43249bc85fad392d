"""What the pytest plugin says of a whole run: the claims of every test, on the terminal and as JSON."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

REPORTED = "layerproof_claims"
"""The attribute of a test's last report that holds its claims, as text: xdist carries it from worker to controller."""

STYLES: dict[str, dict[str, bool]] = {
    "REFUTED": {"red": True},
    "UNDECIDED": {"yellow": True},
    "NOT_RUN": {"yellow": True},
}
RUNS_NOTHING = ("collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test", "cacheshow")
"""Options of pytest's under which no test runs: there is nothing to judge then."""
CRASHED = "???"
"""When, as xdist writes it, the test was running whose worker died."""
GREEN = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


class Session:
    """Gathers the claims of all tests: in the one process of a plain run, in the controller of a distributed one."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.strict = bool(config.getoption("layerproof_strict"))
        asked = config.getoption("layerproof_json")
        self.path: Path | None = config.invocation_params.dir / asked if asked is not None else None
        self.tests: dict[str, dict[str, Any]] = {}
        self.complaints: list[str] = []
        if self.path is not None and self.path.is_dir():
            raise pytest.UsageError(f"--layerproof-json is {asked}, a directory: wanted the path of a file to write")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        text = getattr(report, REPORTED, None)
        if text is not None:
            from ...symbolic.strict_json import loads

            entry = loads(text)
            self.tests[entry["test"]] = entry  # a test that is run again counts as it came out last
        elif report.when == CRASHED:  # nobody can say what it would have checked
            self.tests[report.nodeid] = {"test": report.nodeid, "outcome": "crashed", "checks": [], "claims": []}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.runs_nothing():
            return
        if self.strict and not self.established():
            self.complaints.append(
                "--layerproof-strict: no claim was established in this run, so it fails: mark a test with "
                '@pytest.mark.layerproof("td0") or call the fixture layerproof'
            )
        if self.path is not None:
            from ...numeric.files.placing import place_file

            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._fail_if_complained(session)
                place_file(self.path, self.json(int(session.exitstatus)))
            except OSError as error:
                self.complaints.append(f"--layerproof-json: {self.path} cannot be written: {error.strerror}")
        self._fail_if_complained(session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if (not self.tests and not self.complaints) or self.runs_nothing():
            return
        terminalreporter.write_sep("=", "layerproof")
        claims = [c for test in self.ordered() for c in test["claims"] if c["asked"]]
        counts = Counter(c["verdict"] for c in claims)
        counted = ", ".join(f"{counts[v]} {v}" for v in ("HOLDS", "REFUTED", "UNDECIDED", "NOT_RUN") if counts[v])
        terminalreporter.write_line(f"{len(claims)} claims in {len(self.tests)} tests{': ' * bool(counted)}{counted}")
        for test in self.ordered():
            where = f"{test['test']} [{test['outcome']}]"
            for claim in test["claims"]:
                verdict = claim["verdict"]
                if claim["asked"] and not answered(test, claim):
                    line = f"{verdict} {where} {claim['algorithm']} {claim['evidence']}: {claim['reason']}"
                    terminalreporter.write_line(line, **STYLES[verdict])
            if not any(c["asked"] for c in test["claims"]):
                terminalreporter.write_line(f"nothing was checked in {where}", yellow=True)
        for complaint in self.complaints:
            terminalreporter.write_line(complaint, red=True, bold=True)

    def runs_nothing(self) -> bool:
        """Whether pytest was asked to show something rather than to run tests."""
        return any(getattr(self.config.option, name, False) for name in RUNS_NOTHING)

    def ordered(self) -> list[dict[str, Any]]:
        """The tests by name: the order in which they ran is chance when there are several workers."""
        return [self.tests[name] for name in sorted(self.tests)]

    def established(self) -> int:
        """How many of the claims asked for have been answered as they should be."""
        return sum(c["asked"] and answered(test, c) for test in self.tests.values() for c in test["claims"])

    def json(self, exit_code: int) -> str:
        """The claims of every test as canonical JSON text: the same run gives the same bytes."""
        from ...symbolic.strict_json import dumps
        from ..verdict import SCHEMA

        return dumps(
            {
                "command": "pytest",
                "schema": SCHEMA,
                "settings": {"strict": self.strict},
                "exit_code": exit_code,
                "established": self.established(),
                "tests": self.ordered(),
            }
        )

    def _fail_if_complained(self, session: pytest.Session) -> None:
        if self.complaints and session.exitstatus in GREEN:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def answered(test: dict[str, Any], claim: dict[str, Any]) -> bool:
    """Whether a claim came out as asserted; to a question REFUTED is an answer like any other."""
    question = test["checks"][claim["check"]]["question"]
    return claim["verdict"] in (("HOLDS", "REFUTED") if question else ("HOLDS",))
