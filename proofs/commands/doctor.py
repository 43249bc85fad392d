"""`layerproof doctor`: what this machine can establish, and what to install for the rest."""

from __future__ import annotations

from typing import Annotated

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ...symbolic.plain_text import encodable, one_line
from ...symbolic.strict_json import dumps
from ..doctor.diagnose import Diagnosis, diagnose
from ..doctor.finding import State
from ..terminal.options import Json, flag
from ..terminal.progress import ProgressLine
from ..terminal.table import console

STYLES = {State.YES: "green", State.NO: "red", State.UNKNOWN: "yellow", State.INFO: "dim"}


def command(
    *,
    try_compile: Annotated[bool, flag("--try-compile", "also compile a layer with torch.compile (seconds)")] = False,
    json: Json = False,
) -> int:
    """Say what this machine can establish: devices, number formats, switches, prover, extras, evidence.

    What is missing is an answer like any other: the exit code is 0.
    """
    with ProgressLine() as progress:
        diagnosis = diagnose(try_compile, progress)
    if json:
        print(dumps(diagnosis.document()), end="")
    else:
        show(diagnosis)
    return 0


def show(diagnosis: Diagnosis) -> None:
    """Print a table a topic, then what to install for the rest."""
    out = console()
    for topic in diagnosis.topics:
        out.print(Text(topic.title, style="bold"))
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 2))
        for wrapped in (False, False, True):
            table.add_column(no_wrap=not wrapped, overflow="fold")
        for f in topic.findings:
            mark = "" if f.state is State.INFO else f.state.value
            table.add_row(Text(_shown(f.name)), Text(mark, style=STYLES[f.state]), Text(_shown(f.said)))
        out.print(table)
        out.print()
    remedies = list(diagnosis.remedies())
    if not remedies:
        out.print(Text("Nothing that could be installed is missing.", style="bold"))
        return
    out.print(Text("For what is missing, should you want it", style="bold"))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in ("for", "run or read"):
        table.add_column(title, overflow="fold")
    for name, install in remedies:
        table.add_row(Text(_shown(name)), Text(_shown(install)))
    out.print(table)


def _shown(text: str) -> str:
    return one_line(encodable(text))
