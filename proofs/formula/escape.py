"""Text made visible: what a reader cannot see, or what turns the text around it, is written out."""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    r"""The text with control, zero-width and direction characters and lone surrogates as their code points.

    >>> visible("a\u202eb\x00")
    'a[U+202E]b[U+0000]'
    """
    return _HIDDEN.sub(lambda hidden: code_point(hidden.group()), text)


def code_point(c: str) -> str:
    """What stands for a character that cannot be shown."""
    return f"[U+{ord(c):04X}]"
