"""Reads a user's decision process, or Markov chain, from a JSON file: see `symbolic.markov.document` for the form."""

from __future__ import annotations

import os
from pathlib import Path

from ...symbolic.errors import ContentError
from ...symbolic.kinds import PATH
from ...symbolic.markov.decision import DecisionProcess
from ...symbolic.markov.document import read_document
from ...symbolic.strict_json import loads
from .text import read_text


def read_process(path: str | os.PathLike[str]) -> DecisionProcess:
    """The process in a JSON file; `ContentError` names the file and what is wrong."""
    PATH.check(path=path)
    try:
        return read_document(loads(read_text(path), numbers_as_text=True), Path(path).stem)
    except ContentError as error:
        raise ContentError(f"{os.fspath(path)}: {error}") from None
