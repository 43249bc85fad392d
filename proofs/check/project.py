"""Check what a project holds: each certificate, case, construction and export by the means that it has."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from ...numeric.files.text import read_text
from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import ContentError, DeviceError, LayerproofError, WorkLimitError
from ...symbolic.plain_text import message, shown
from ...symbolic.strict_json import loads
from ..case import Progress, Settings, silent
from ..certificate import certificate
from ..certificate.asked import file_of
from ..checker import verify, with_proof
from ..convergence import check as convergence_check
from ..terminal.table import summary
from ..theory.audits import audits
from ..user_file import LOAD_LIMIT, is_file, load
from ..verdict import Claim, Result, Verdict, worst_asked
from . import export as export_check
from .files import DEFINITIONS, SKIPPED_FOLDERS, Kind, Target, kind_of
from .regression import replay

ERROR = "ERROR"
"""What stands for a verdict where a file could not be checked."""
TENSORS = (".safetensors", ".npz")
NOTHING = (
    "nothing was checked: it holds no certificate (.json), no regression case (.json), no export and no file of yours "
    f"that assigns {' or '.join(sorted(DEFINITIONS))} (.py); hidden folders, {', '.join(sorted(SKIPPED_FOLDERS))} and "
    "files of tests are left out"
)


@dataclass(frozen=True)
class Outcome:
    """What became of one file: a result, or the reason why it could not be checked.

    code : the exit code where there is no result
    """

    name: str
    kind: Kind
    result: Result | None = None
    refused: str = ""
    code: int = ContentError.exit_code

    @property
    def exit_code(self) -> int:
        """The exit code for this file alone."""
        return self.code if self.result is None else self.result.exit_code

    @property
    def verdict(self) -> str:
        """The worst verdict among the claims that count, or ERROR."""
        return ERROR if self.result is None else worst_asked(self.result.claims).value

    @property
    def reason(self) -> str:
        """Why, in one line: how many claims hold, or the first that does not."""
        if self.result is None:
            return self.refused.removeprefix(f"{message(self.name)}: ")
        asked = [c for c in self.result.claims if c.asked]
        if self.kind is Kind.DIRECTORY:
            return asked[0].reason
        first = next(c for c in asked if c.verdict is worst_asked(self.result.claims))
        if first.verdict is Verdict.HOLDS:
            return f"{first.algorithm}, {summary(self.result)}"
        return f"{first.algorithm}, {first.evidence}: {first.reason}"


def exit_code(outcomes: list[Outcome]) -> int:
    """1 when anything is refuted, else 5, 4 or 2 when a file cannot be checked, else 3 when something is open, or 0."""
    codes = {outcome.exit_code for outcome in outcomes}
    return next((code for code in (1, 5, 4, 2, 3) if code in codes), 0)


def check_target(target: Target, settings: Settings, prove: bool = False, progress: Progress = silent) -> Outcome:
    """Check one target; that it cannot be checked is an outcome and no error, whatever the file holds.

    settings : sizes for constructions; where floats run and the limits on work and time for everything
    Raises `DeviceError` where there is no such device: no file could be checked then.
    """
    try:
        result = _result(target, settings, prove, progress)
        # an outcome goes from one process to another, which what was judged, with a file's process, cannot
        return Outcome(target.name, target.kind, replace(result, subjects=()))
    except DeviceError:
        raise
    except WorkLimitError as error:  # of the sizes that were asked for
        reason, code = str(error), error.exit_code
    except LayerproofError as error:
        reason, code = str(error), ContentError.exit_code
    except OSError as error:
        reason, code = f"cannot be read: {error.strerror or error}", ContentError.exit_code
    except Exception as error:  # a fault of ours at one file keeps no other from being checked
        reason, code = f"internal error: {type(error).__name__}: {error}", LayerproofError.exit_code
    return Outcome(target.name, target.kind, refused=message(_named(target.path, reason)), code=code)


def _named(path: Path, text: str) -> str:
    """The text with the file's name before it, unless it begins with that."""
    name = message(str(path))
    return text if text.startswith((f"{name}: ", f"{name}, line ")) else f"{name}: {text}"


def _result(target: Target, settings: Settings, prove: bool, progress: Progress) -> Result:
    if target.trouble:
        raise ContentError(target.trouble)
    if target.kind is Kind.EXPORT:
        return export_check.check(target.path, settings, prove, progress)
    if target.kind is Kind.CONSTRUCTION:
        return _verified(target.path, settings, prove, progress)
    if target.kind is Kind.CONVERGENCE:
        return convergence_check.check(target.path, settings.time_limit, prove, progress, settings.max_work)
    if target.kind is Kind.CASE:
        return _replayed(target.path, settings.time_limit)
    if target.kind is Kind.DIRECTORY:
        claim = Claim("", f"something in {target.name} is checked", "project", Verdict.NOT_RUN, "", NOTHING)
        return Result("check", {}, (claim,))
    if target.kind is Kind.UNKNOWN and target.path.suffix == ".py" and target.path.is_file():
        raise ContentError(f"mentions no layerproof or assigns no {' or '.join(sorted(DEFINITIONS))}: nothing to check")
    if target.kind is Kind.UNKNOWN and target.path.suffix in TENSORS and target.path.is_file():
        raise ContentError(
            "holds weights and no claim about them: layerproof identify says which algorithm they run, and check takes "
            "the folder of an export"
        )
    read = certificate.read(target.path)  # of what is nothing of ours it says what is wanted
    folder = target.path.parent
    file = file_of(read, folder)
    if file is not None and file.is_file() and kind_of(file) is not Kind.CONSTRUCTION:
        raise ContentError(f"file.path is {read['file']['path']!a:.200}, which is no construction, so it is not run")
    return certificate.check(
        read, prove, progress, settings.device, settings.max_work, folder, settings.time_limit
    )  # fmt: skip


def _verified(path: Path, settings: Settings, prove: bool, progress: Progress) -> Result:
    subject = load(path, min(LOAD_LIMIT, settings.time_limit))
    provable = prove and isinstance(subject, Algorithm) and (subject.heads is None or bool(audits(subject)))
    known = {name: value for name, value in settings.values.items() if name in subject.parameters}
    return verify(
        subject, settings=replace(settings, values=known), evidence=with_proof(None, provable), progress=progress
    )


def _replayed(path: Path, time_limit: float) -> Result:
    """As `replay`, but the file that a case speaks of is run only when it is a construction."""
    try:
        content = loads(read_text(path), numbers_as_text=True)
    except ContentError:
        content = None  # replaying it says what is wrong
    subject = content.get("subject") if isinstance(content, dict) else None
    if isinstance(subject, str) and is_file(subject):
        file = path.parent / subject
        here = os.path.isfile(file)  # noqa: PTH113 - False for any name
        if here and kind_of(file) is not Kind.CONSTRUCTION:
            raise ContentError(f"subject is {shown(subject, 200)}, which is no construction, so it is not run")
    return replay(path, time_limit)
