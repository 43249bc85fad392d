"""What kind of value an argument of a public function is, asked before anything is done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ArgumentError
from .plain_text import shown


@dataclass(frozen=True)
class Kind:
    """words : what is wanted, as a message says it;  fits : whether a value is of the kind"""

    words: str
    fits: Callable[[Any], bool]

    def check(self, **arguments: Any) -> None:
        """Raise `ArgumentError` with the first argument that is not of the kind.

        >>> FLAG.check(looped=True)
        >>> FLAG.check(looped="yes")
        Traceback (most recent call last):
        layerproof.symbolic.errors.ArgumentError: looped is 'yes', wanted True or False
        """
        for name, value in arguments.items():
            if not self.fits(value):
                raise ArgumentError(f"{name} is {shown(value)}, wanted {self.words}")

    def check_given(self, **arguments: Any) -> None:
        """As `check`, of arguments that may be left out: None is of every kind."""
        self.check(**{name: value for name, value in arguments.items() if value is not None})


def _is_path(value: Any) -> bool:
    if hasattr(type(value), "__fspath__"):
        value = value.__fspath__()
    return isinstance(value, str) and "\0" not in value


PATH = Kind("a path", _is_path)
FLAG = Kind("True or False", lambda x: isinstance(x, bool))
TEXT = Kind("a text", lambda x: isinstance(x, str))
TEXTS = Kind(
    "a list of words",
    lambda x: (
        isinstance(x, Iterable)
        and not isinstance(x, (bytes, Mapping))
        and not (isinstance(x, Sequence) and any(not isinstance(word, str) for word in x))
    ),
)
SEQUENCE = Kind("a list or tuple", lambda x: isinstance(x, Sequence) and not isinstance(x, (str, bytes)))
NAMED = Kind("a dict by name", lambda x: isinstance(x, Mapping) and all(isinstance(name, str) for name in x))
