"""What strangers wrote is shown as text: one line, nothing that a terminal obeys, a few hundred characters at most."""

from __future__ import annotations

import json
import pickle

import pytest

from layerproof.symbolic.errors import ArgumentError, ContentError, LayerproofError, RefusedError, WorkLimitError
from layerproof.symbolic.plain_text import MOST_SHOWN, message, shown
from layerproof.symbolic.strict_json import dumps, loads

HOSTILE = ["\x1b[2J\x1b[31mHOLDS", "a\nHOLDS  b.py", "a\rHOLDS", "\u202eSDLOH", "\x9b31m", "\ud800", "x" * 10**6, "\0"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", [ContentError, ArgumentError, LayerproofError, WorkLimitError])
def test_every_error_is_one_printable_line_of_bounded_length(kind: type[LayerproofError], text: str) -> None:
    line = str(kind(f"{text}: is no file, wanted one"))
    assert line.isprintable() and len(line) < 400 and line.endswith("is no file, wanted one")
    assert str(pickle.loads(pickle.dumps(kind(text)))) == str(kind(text))


def test_an_error_with_more_than_a_message_is_shown_the_same_way() -> None:
    error = RefusedError("asks\nfor", "truth", "the update\x1b", 3)
    assert str(error) == "asks\\nfor" and error.kind == "truth"


def test_a_message_of_many_words_is_cut_too() -> None:
    line = message("ab " * 10**6)
    assert len(line) <= MOST_SHOWN and line.startswith("ab ab ") and line.endswith("ab ab ")
    assert message("p. 5: x_1 = 3") == "p. 5: x_1 = 3"


def test_values_are_shown_whatever_they_are() -> None:
    class Raises:
        def __repr__(self) -> str:
            raise ValueError

    class Name(str):
        def __repr__(self) -> str:
            return "\x1b[31m"

        __str__ = __format__ = __repr__  # type: ignore[assignment]

    assert shown(10**5000) == "an integer of 16610 bits" and shown(-3) == "-3"
    assert shown(Raises()) == "of type Raises" and shown([10**5000]) == "of type list"
    assert shown(Name("td0")) == "'td0'" and shown("x" * 10**5) == f"'{'x' * 60}'... (100000 characters)"
    assert shown(["abc"] * 1000) == f"{(['abc'] * 1000)!r:.60}..."


def test_json_escapes_what_a_terminal_would_obey_and_says_the_same() -> None:
    data = {text: [text] for text in HOSTILE[:-2]}
    text = dumps(data)
    assert text.replace("\n", "").isprintable() and json.loads(text) == data
    assert dumps(loads(text)) == text and "é∑" in dumps(["é∑"])
