"""Text that others wrote, such as a file's name, made safe to show; and numbers that must not read as less."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Context, Decimal

MOST_SHOWN, MOST_UNBROKEN = 2000, 400
"""The most characters of a message, and the most of them without a blank."""
_UNBROKEN = re.compile(rf"\S{{{MOST_UNBROKEN},}}")
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


def shown(value: object, most: int = 60) -> str:
    """A value as a message shows it, cut short; it may be a text, a number of any size, or an object that raises.

    >>> shown("td0"), shown(10**5000), shown(["a", "b"], 6)
    ("'td0'", 'an integer of 16610 bits', "['a', ...")
    """
    if isinstance(value, str):
        text = str.__str__(value)
        return repr(text) if len(text) <= most else f"{text[:most]!r}... ({len(text)} characters)"
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"an integer of {value.bit_length()} bits"
    try:
        text = repr(value)
    except Exception:  # its own, or that of a number in it which is too long for Python to write
        return f"of type {type(value).__name__}"
    return text if len(text) <= most else f"{text[:most]}..."


def message(text: str) -> str:
    r"""The text as one line to show, bounded: it may hold what a stranger wrote, and must not flood or garble a screen.

    >>> message("gamma is \x1b[2J"), len(message("x" * 10**6))
    ('gamma is \\x1b[2J', 143)
    """
    text = _UNBROKEN.sub(lambda run: f"{run[0][:120]}...{run[0][-20:]}", text)
    text = text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 300]}...{text[-200:]}"
    return one_line(encodable(text))


def amount(number: int) -> str:
    """A large whole number as a message shows it: in full up to 18 digits, else its power of ten.

    >>> amount(10**9), amount(3 * 10**4000)
    ('1000000000', '3.0e+4000')
    """
    return str(number) if abs(number) < 10**18 else f"{Context(prec=2).create_decimal(number):.1e}"


def markdown(text: str, length: int = 300) -> str:
    """The text as a cell of a Markdown table: shortened, on one line, all that Markdown or HTML would read as a code.

    >>> markdown("a|<b>_c_d")
    'a&#124;&#60;b&#62;&#95;c_d'
    """
    shown = one_line(text if len(text) <= length else f"{text[:length]}...")
    return _STRUCTURE.sub(lambda sign: f"&#{ord(sign.group())};", shown)


def rounded_up(value: float) -> str:
    """A number in one digit, rounded up: what follows "at most" must not be less.

    >>> rounded_up(5.29e-17), rounded_up(2.0**-10)
    ('6e-17', '1e-3')
    """
    return f"{Context(prec=1, rounding=ROUND_CEILING).create_decimal(Decimal(value)):e}"
