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

    def check_fields(self, record: object, of: str, *names: str) -> None:
        """As `check`, of fields of a record; `of` is which one, where there are several."""
        self.check(**{f"{name} of {of}" if of else name: getattr(record, name) for name in names})

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
FUNCTION = Kind("a function", callable)
NAMES = Kind(
    "a tuple of names",
    lambda x: isinstance(x, Sequence) and not isinstance(x, (str, bytes)) and all(isinstance(y, str) for y in x),
)
NAMED = Kind("a dict by name", lambda x: isinstance(x, Mapping) and all(isinstance(name, str) for name in x))


def check_all(name: str, values: Any, kind: type) -> None:
    """Raise `ArgumentError` unless `values` is a tuple or list of that type."""
    if not isinstance(values, (tuple, list)):
        raise ArgumentError(f"{name} is {shown(values)}, wanted a tuple of {kind.__name__}s")
    wrong = [x for x in values if not isinstance(x, kind)]
    if wrong:
        raise ArgumentError(f"{name} holds {shown(wrong[0])}, wanted {kind.__name__}s")
