"""What this machine can establish: findings by topic, each from a probe of its own that no other one can stop.

`State.YES` is only said of what was tried here, or was found where the finding says no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ...symbolic.plain_text import one_line


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
    first = next(iter(str(error).strip().splitlines()), "")
    return one_line(f"{type(error).__name__}: {first}".removesuffix(": "))[:200]


def gather(name: str, title: str, probe: Probe) -> Topic:
    """A topic's findings; what was found before a probe failed is kept."""
    findings: list[Finding] = []
    try:
        for finding in probe():
            findings.append(finding)  # one by one, since the next one may raise
    except Exception as error:
        findings.append(Finding(name, State.UNKNOWN, f"could not be found out: {why(error)}"))
    return Topic(name, title, tuple(findings))
