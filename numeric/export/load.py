"""An export's directory opened for use: its files found to agree, and its weights as a module in torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ...symbolic.kinds import PATH
from ...symbolic.patterns.construction import PatternConstruction
from ..exported.read import Opened, agree, read

if TYPE_CHECKING:
    from ..patterns.module import PatternTransformer
    from ..transformer import LinearTransformer


@dataclass(frozen=True, eq=False)
class Loaded(Opened):
    """An export whose config.json, rationals and floats agree bit by bit."""

    @cached_property
    def module(self) -> LinearTransformer | PatternTransformer:
        """The transformer in torch, in the export's dtype; of layers that attend by patterns a `PatternTransformer`."""
        if isinstance(self.construction, PatternConstruction):
            from ..patterns.module import PatternTransformer

            return PatternTransformer(self.construction, self.config["dtype"])
        from ..device import resolve_dtype
        from ..transformer import LinearTransformer

        return LinearTransformer.from_construction(self.construction, resolve_dtype(self.config["dtype"]))


def load(folder: str | os.PathLike[str]) -> Loaded:
    """The weights in an export's directory, after config.json, the rationals and the floats were found to agree.

    Raises `ContentError` that names the file and the first difference; nothing in the files is run.
    """
    PATH.check(folder=folder)
    opened = read(folder)
    agree(opened)
    return Loaded(opened.folder, opened.config, opened.construction)
