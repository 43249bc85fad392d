"""Text as LaTeX, in paragraphs and within formulas: what TeX reads as a command is one that prints it."""

from __future__ import annotations

import unicodedata

from .commands import DELIMITERS, GREEK_AND_LETTERS, OPERATORS
from .escape import code_point, visible

_RESERVED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "^": r"\textasciicircum{}", "&": r"\&",
    "%": r"\%", "#": r"\#", "$": r"\$", "~": r"\textasciitilde{}",
}  # fmt: skip
"""What TeX reads as a command wherever it stands."""
_TYPESET = {
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': '{"}', "'": r"{'}", "`": r"{`}", "-": r"{-}",
    "\n": " ", "\t": " ",
    "–": "--", "—": "---", "“": "``", "”": "''", "’": "'", "‘": "`", "…": r"\ldots{}", "\u00a0": "~",
    "−": "$-$", "✓": r"$\checkmark$", "✗": r"$\times$", "′": "$'$", "φ": r"$\varphi$",
}  # fmt: skip
"""What TeX sets as something else in a paragraph."""
_MATH = {
    sign: f"$\\{name}$"
    for table in (DELIMITERS, OPERATORS, GREEK_AND_LETTERS)
    for name, sign in ((key.removeprefix("\\"), value) for key, value in table.items())
    if not sign.isascii()
}
_ACCENTED = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿĂăĆćČčĎďĚěĞğŁłŃńŇňŐőŘřŚśŞşŠšŤťŮůŰűŸŹźŻżŽž"
LONG = 24
"""A word of as many characters, such as a long rational, may be broken."""


def text(value: str) -> str:
    r"""Text as LaTeX prints it with T1 or the usual encoding; what no font of TeX has is named by its code point.

    >>> text(r"\input{x} 50% ≤ 中")
    '\\textbackslash{}input\\{x\\} 50\\% $\\leq$ [U+4E2D]'
    """
    result, run = "", 0
    for c in visible(value):
        result += _character(c)
        run = 0 if c.isspace() else run + 1
        if run >= LONG and run % 8 == 0:
            result += r"\allowbreak{}"
    return result


def prose(value: str) -> str:
    """`text` with hyphens and apostrophes as an author types them."""
    return text(value).replace("{-}", "-").replace("{'}", "'")


def in_formula(value: str) -> str:
    r"""Text within a formula; a character that is no printable ASCII is named by its code point.

    >>> in_formula("td_error é")
    'td\\_error [U+00E9]'
    """
    return "".join(_RESERVED.get(c, c) if c.isascii() and c.isprintable() else code_point(c) for c in value)


def _character(c: str) -> str:
    if c in _RESERVED or c in _TYPESET:
        return _RESERVED.get(c) or _TYPESET[c]
    if c.isascii() or c in _ACCENTED:
        return c
    if c in _MATH:
        return _MATH[c]
    kind, _, code = unicodedata.decomposition(c).partition(" ")
    if kind in ("<sub>", "<super>") and chr(int(code, 16)).isalnum() and int(code, 16) < 128:
        return f"${'_' if kind == '<sub>' else '^'}{chr(int(code, 16))}$"
    return code_point(c)


def breakable(value: str, spaces: bool = False) -> str:
    """Text for a typewriter face that may be broken after signs and every dozen characters; `spaces` keeps them all."""
    result, run = "", 0
    for c in visible(value):
        result += "~" if spaces and c == " " else text(c)
        run = 0 if c == " " else run + 1
        if (c in "_./-:,=()[]{}" and run > 2) or run >= 12 or (spaces and c == " "):
            result += r"\allowbreak{}"
            run = 0
    return result
