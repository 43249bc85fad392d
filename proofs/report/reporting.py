"""`layerproof.report`: verify, then write the report of what was found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import ArgumentError
from ...symbolic.kinds import FLAG, PATH, TEXTS
from ...symbolic.own import OwnConstruction
from ...symbolic.plain_text import shown
from ...symbolic.prompt import Context
from ..case import Progress, Settings, silent
from ..functions.arguments import Number
from ..functions.checks import run_settings
from ..user_file import Subject
from ..verdict import Result
from .build import establish
from .writers.pdf import available, lacking
from .writing import DEFAULT_FORMATS, FORMATS, check_target, kept, write


@dataclass(frozen=True)
class Written:
    """What was found, the files that say so, a line where no PDF could be written, one on letters that it lacks.

    kept : the files of an earlier report in other formats, which stay where they are
    """

    result: Result
    files: tuple[Path, ...]
    note: str = ""
    lacking: str = ""
    kept: tuple[str, ...] = ()


def write_report(
    algorithms: Sequence[str | Subject],
    directory: Path,
    settings: Settings,
    formats: Iterable[str] | None = None,
    evidence: Iterable[str] | None = None,
    progress: Progress = silent,
    **more: Any,
) -> Written:
    """Verify and write; `more` is what `establish` takes.

    formats : None for all; PDF is then left out, with a note, where its extra is not installed
    Raises `ArgumentError` for an unknown format, for PDF that was asked for and cannot be written, and for a directory
    that holds anything but an earlier report: before anything runs.
    """
    chosen, note = formats_for(formats, DEFAULT_FORMATS, FORMATS)
    check_target(directory)
    report, result = establish(algorithms, settings, evidence, progress, **more)
    earlier = set(kept(directory, chosen))
    files = write(report, directory, chosen, progress)
    stay = tuple(sorted(earlier - {path.name for path in files}))
    return Written(result, tuple(files), note, lacking(report) if "pdf" in chosen else "", stay)


def formats_for(
    asked: Iterable[str] | None, default: Iterable[str], known: Collection[str], where: str = ""
) -> tuple[list[str], str]:
    """The formats to write, and a line where PDF is left out of the default ones since its extra is not installed.

    Raises `ArgumentError` for an unknown format, and for PDF that was asked for and cannot be written.
    """
    trouble = available()
    chosen = list(dict.fromkeys(asked)) if asked is not None else list(default)
    unknown = next((name for name in chosen if name not in known), None)
    if unknown is not None or not chosen:
        raise ArgumentError(f"format is {shown(unknown)}, wanted some of {', '.join(known)}{where}")
    if trouble and asked is None:
        return [name for name in chosen if name != "pdf"], trouble
    if trouble and "pdf" in chosen:
        raise ArgumentError(f"format is 'pdf', but {trouble}")
    return chosen, ""


def report(
    *algorithms: str | Algorithm | OwnConstruction,
    directory: str | Path,
    formats: Iterable[str] | None = None,
    d: int = Settings.features,
    n: int = Settings.context,
    layers: int = Settings.layers,
    gamma: Number = Settings.gamma,
    lam: Number = Settings.lam,
    prompt: Context | None = None,
    evidence: Iterable[str] | None = None,
    prove: bool = False,
    invariance: bool = False,
    dates: bool = False,
    **settings: Any,
) -> Result:
    """Verify the algorithms (all when none is named) and write an index and a page for each into `directory`.

    formats    : some of html, tex, md, json, pdf; None for all that can be written
    prove      : also run the Rocq prover
    invariance : also ask which sets of weights the expected deep-TD update keeps
    dates      : let the pages hold what differs from machine to machine
    settings   : as of `verify`
    Returns what was found, as `verify` does.  Raises what `verify` raises, and `ArgumentError` for a directory that
    holds anything but an earlier report.
    """
    PATH.check(directory=directory)
    TEXTS.check_given(formats=formats, evidence=evidence)
    FLAG.check(prove=prove, invariance=invariance, dates=dates)
    chosen = run_settings(d, n, layers, gamma, lam, prompt, settings)
    return write_report(
        algorithms, Path(directory), chosen, formats, evidence, prove=prove, invariance=invariance, dates=dates
    ).result
