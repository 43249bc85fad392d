"""What an update and an accumulator read by name: `p.gamma`, `x.phi`; a name that is not there says what to write."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Read(SimpleNamespace):
    """A namespace; `advice` says, of a name that it lacks, what there is and what to write."""

    __slots__ = ("_advice",)

    def __init__(self, advice: str, /, **fields: Any):
        super().__init__(**fields)
        object.__setattr__(self, "_advice", advice)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(self._advice.replace("NAME", name))
