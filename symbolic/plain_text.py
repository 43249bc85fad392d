"""Text that others wrote, such as a file's name, made safe to show; and numbers that must not read as less."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Context, Decimal

_STRUCTURE = re.compile(r"[&<>\"'`|\\*\[\]~$@#]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:(?=//)|(?<=www)\.")


def encodable(text: str) -> str:
    """The text with what stands for bytes that are no characters, as in a file's name, replaced: it can be written."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def one_line(text: str) -> str:
    r"""The text with everything that is not printable written as an escape, so that it cannot begin a line of its own.

    >>> one_line("a.py\nHOLDS  b.py")
    'a.py\\nHOLDS  b.py'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def markdown(text: str, length: int = 300) -> str:
    """The text as a cell of a Markdown table: shortened, on one line, all that Markdown or HTML would read as a code.

    >>> markdown("a|<b>_c_d")
    'a&#124;&#60;b&#62;&#95;c_d'
    """
    shown = one_line(text if len(text) <= length else f"{text[:length]}...")
    return _STRUCTURE.sub(lambda found: f"&#{ord(found.group())};", shown)


def rounded_up(value: float) -> str:
    """A number in one digit, rounded up: what follows "at most" must not be less.

    >>> rounded_up(5.29e-17), rounded_up(2.0**-10)
    ('6e-17', '1e-3')
    """
    return f"{Context(prec=1, rounding=ROUND_CEILING).create_decimal(Decimal(value)):e}"
