"""Every probe asked in turn: the whole diagnosis of a machine, as topics and as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..case import Progress, silent
from ..verdict import SCHEMA
from . import floats, probes, runs
from .finding import Finding, Probe, Topic, gather


@dataclass(frozen=True)
class Diagnosis:
    """Every topic, in the order in which it is shown."""

    topics: tuple[Topic, ...]
    try_compile: bool

    def finding(self, topic: str, name: str) -> Finding:
        """The finding of that name; `KeyError` when there is none."""
        for section in self.topics:
            for finding in section.findings:
                if (section.name, finding.name) == (topic, name):
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
