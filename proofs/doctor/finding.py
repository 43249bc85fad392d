"""What this machine can establish: findings by topic, each from a probe of its own that no other one can stop.

`State.YES` is only said of what was tried here, or was found where the finding says no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..case import Progress, silent
from ..plain_text import one_line
from ..verdict import SCHEMA


class State(StrEnum):
    """Whether a thing is there: UNKNOWN when a probe failed or was not asked for, INFO for a plain reading."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """One answer: what was asked about, whether it is there, and in one line what was seen.

    install  what to run to get it, or "" when nothing helps or nothing is missing
    details  plain data, for the JSON
    """

    name: str
    state: State
    said: str
    install: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Topic:
    """Findings that belong together, under a title."""

    name: str
    title: str
    findings: tuple[Finding, ...]


Question = Callable[[], Finding]
Probe = Callable[[], Iterable[Finding]]


def ask(name: str, question: Question) -> Finding:
    """The answer to one question; one that raises is answered UNKNOWN, with what was raised.

    >>> ask("memory", lambda: Finding("memory", State.INFO, f"{1 / 0}")).said
    'could not be found out: ZeroDivisionError: division by zero'
    """
    try:
        return question()
    except Exception as error:
        return Finding(name, State.UNKNOWN, f"could not be found out: {why(error)}")


def why(error: BaseException) -> str:
    """An exception in one line: its kind, and the first line of what it says."""
    said = next(iter(str(error).strip().splitlines()), "")
    return one_line(f"{type(error).__name__}: {said}".removesuffix(": "))[:200]


def gather(name: str, title: str, probe: Probe) -> Topic:
    """A topic's findings; what was found before a probe failed is kept."""
    found: list[Finding] = []
    try:
        for finding in probe():
            found.append(finding)  # one by one, since the next one may raise
    except Exception as error:
        found.append(Finding(name, State.UNKNOWN, f"could not be found out: {why(error)}"))
    return Topic(name, title, tuple(found))


@dataclass(frozen=True)
class Diagnosis:
    """Every topic, in the order in which it is shown."""

    topics: tuple[Topic, ...]
    try_compile: bool

    def finding(self, topic: str, name: str) -> Finding:
        """The finding of that name; `KeyError` when there is none."""
        for found in self.topics:
            for finding in found.findings:
                if (found.name, finding.name) == (topic, name):
                    return finding
        raise KeyError(f"{topic}: {name}")

    def remedies(self) -> Iterator[tuple[str, str]]:
        """(name, what to install) of everything that is not there and that something helps to get, each remedy once."""
        seen = set()
        for topic in self.topics:
            for finding in topic.findings:
                if finding.install and finding.install not in seen:
                    seen.add(finding.install)
                    yield finding.name, finding.install

    def document(self) -> dict[str, Any]:
        """The diagnosis as plain data; a question makes no claims."""
        return {
            "command": "doctor",
            "schema": SCHEMA,
            "settings": {"try_compile": self.try_compile},
            "claims": [],
            "topics": [
                {
                    "topic": topic.name,
                    "findings": [
                        {
                            "name": f.name,
                            "state": f.state.value,
                            "said": f.said,
                            "install": f.install,
                            "details": dict(f.details),
                        }
                        for f in topic.findings
                    ],
                }
                for topic in self.topics
            ],
        }


SHOWN = {"machine": -1, "evidence": 1}
"""Where a topic is shown: the machine first, and last what all the others are for."""


def diagnose(try_compile: bool = False, progress: Progress = silent) -> Diagnosis:
    """Ask everything; nothing is written outside a temporary folder, and that only with `try_compile`."""
    from . import floats as floats
    from . import probes as probes
    from . import runs as runs

    # The switches are read first: a later probe might touch one.
    order: tuple[tuple[str, str, Probe], ...] = (
        ("switches", "Precision switches of torch: as they stand, and in the runs that are judged", floats.switches),
        ("machine", "This machine", probes.machine),
        ("versions", "Installed versions", probes.versions),
        ("torch", "What torch says of itself", floats.settings),
        ("devices", "Devices", floats.devices),
        ("formats", "Number formats on each device", floats.formats),
        ("subnormals", "Numbers below the normal range: kept or flushed to zero", floats.subnormals),
        ("compiler", "torch.compile", lambda: runs.compiler(try_compile)),
        ("prover", "The Rocq prover", runs.prover),
        ("extras", "Optional extras of layerproof", probes.extras),
        ("tools", "Other programs, all optional", probes.tools),
        ("evidence", "Kinds of evidence: run here on a tiny case, unless it says otherwise", runs.evidence),
    )
    topics = []
    for name, title, probe in order:
        progress(f"doctor: {name}")
        topics.append(gather(name, title, probe))
    topics.sort(key=lambda t: SHOWN.get(t.name, 0))
    return Diagnosis(tuple(topics), try_compile)
