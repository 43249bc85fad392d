"""LaTeX formulas read into a tree: the gate that every formula passes before it is set in any format.

Only what `commands.py` lists is let through, so a formula from a user's file can neither run a command nor end the
formula.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from .commands import (
    ACCENTS,
    DELIMITERS,
    ENVIRONMENTS,
    FANCY,
    FUNCTIONS,
    GREEK_AND_LETTERS,
    OPERATORS,
    SIZES,
    SPACES,
    STYLES,
)
from .nodes import HOLE, Accent, Fenced, Grid, Node, Quotient, Root, Row, Scripts, Sign, Space, Words, operand

MAX_DEPTH = 40
_TOKEN = re.compile(r"\\([A-Za-z]+)[ \t\n]*|\\(.)|([ \t\n]+)|(.)", re.DOTALL)
_LONE = ("\\circ", "\\ast", "\\star", "\\bullet", "\\times", "\\pm")
_TEXT_ESCAPES = "_%$#&{}"


class UnknownLatex(ValueError):
    """A formula has something that is not let through; the message says what."""


@lru_cache(maxsize=65536)
def read(latex: str, hole: bool = False) -> Row:
    """The tree of a formula in LaTeX; raises `UnknownLatex` for whatever is not listed in this file.

    hole : whether #1, the hole of a macro, is let through

    >>> read(r"w_1^\\top").items
    (Scripts(base=Sign(kind='letter', text='w', size=0.0, tight=False), below=Sign(kind='number', text='1', size=0.0,\
 tight=False), above=Sign(kind='letter', text='⊤', size=0.0, tight=False), primes=0),)
    """
    return _Reader(latex, hole).whole()


def readable(latex: str) -> bool:
    """Whether `read` takes it; what is not readable is set as plain text."""
    try:
        read(latex)
    except UnknownLatex:
        return False
    return True


class _Reader:
    def __init__(self, latex: str, hole: bool) -> None:
        self.hole = hole
        if not latex.isascii() or not latex.isprintable():
            raise UnknownLatex("a character that is no printable ASCII")
        self.tokens: list[str] = []
        self.loose: list[bool] = []
        for match in _TOKEN.finditer(latex):
            name, escaped, blank, char = match.groups()
            self.tokens.append("\\" + name if name else "\\" + escaped if escaped else " " if blank else char)
            self.loose.append(latex[match.start() - 1 : match.start()].isspace())
        self.at = 0
        self.depth = 0

    def whole(self) -> Row:
        row = self.row(stops=())
        if self.token is not None:
            raise UnknownLatex(f"{self.token!a} closes nothing")
        return row

    @property
    def token(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self) -> str:
        token = self.token
        if token is None:
            raise UnknownLatex("ends too early")
        self.at += 1
        return token

    def skip(self) -> None:
        while self.token == " ":
            self.at += 1

    def expect(self, wanted: str) -> None:
        self.skip()
        if (token := self.next()) != wanted:
            raise UnknownLatex(f"{token!a} where {wanted!a} should be")

    def row(self, stops: tuple[str, ...]) -> Row:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnknownLatex("is nested too deeply")
        items: list[Node] = []
        while self.token is not None and self.token not in stops and self.token not in ("}", "&"):
            if self.token == " ":
                self.at += 1
            elif self.token in ("^", "_", "'"):
                items.append(self.scripts(items.pop() if items else Row(())))
            else:
                loose, node = self.loose[self.at], self.node()
                if isinstance(node, Sign) and node.kind == "open" and items and operand(items[-1]) and not loose:
                    node = replace(node, tight=True)
                items.append(node)
        self.depth -= 1
        return Row(tuple(items))

    def scripts(self, base: Node) -> Node:
        if isinstance(base, Scripts):
            raise UnknownLatex("has two scripts in one place")
        below: Node | None = None
        above: Node | None = None
        primes, last = 0, ""
        while self.token in ("^", "_", "'"):
            token, before = self.next(), last
            last = token
            if token == "'":
                if above is not None or (primes and before != "'"):
                    raise UnknownLatex("has two superscripts in one place")
                primes += 1
            elif token == "^" and above is None and not (primes and before != "'"):
                above = self.argument(script=True)
            elif token == "_" and below is None:
                below = self.argument(script=True)
            else:
                raise UnknownLatex("has two scripts in one place")
            while self.token == " " and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1] in ("^", "_"):
                self.at += 1
        return Scripts(base, below, above, primes)

    def argument(self, script: bool = False) -> Node:
        self.skip()
        if self.token == "{":
            return self.group()
        if self.token is not None and self.token.isdigit():
            return Sign("number", self.next())  # TeX takes one digit
        token = self.token or ""
        plain = (len(token) == 1 and token != "[") or token[1:] in GREEK_AND_LETTERS or token in _LONE
        node = self.node()
        if not plain and not (script and isinstance(node, Words)):  # TeX would take the command without its arguments
            raise UnknownLatex(f"{token!a} where a letter or a group in braces should be")
        return node

    def group(self) -> Node:
        self.expect("{")
        row = self.row(stops=())
        self.expect("}")
        return row.items[0] if len(row.items) == 1 and not isinstance(row.items[0], Scripts) else row

    def words(self) -> str:
        """The text of a braced argument: plain characters and escaped ones."""
        self.skip()
        if self.next() != "{":
            raise UnknownLatex("text without braces")
        result = ""
        while (token := self.next()) != "}":
            if token.startswith("\\"):
                if len(token) != 2 or token[1] not in _TEXT_ESCAPES:
                    raise UnknownLatex(f"{token!a} in text")
                token = token[1]
            elif token in _TEXT_ESCAPES or token in "^~":
                raise UnknownLatex(f"{token!a} in text")
            result += token
        return result

    def node(self) -> Node:
        token = self.next()
        if token == "{":
            self.at -= 1
            return self.group()
        if token.isdigit():
            while self.token is not None and (self.token.isdigit() or self.token == "."):
                if self.token == "." and not (self.tokens[self.at + 1 : self.at + 2] or [""])[0].isdigit():
                    break
                token += self.next()
            return Sign("number", token)
        if len(token) == 1:
            return self.character(token)
        return self.command(token[1:])

    def character(self, token: str) -> Node:
        if token.isalpha():
            return Sign("letter", token)
        if token == "#" and self.hole and self.token == "1":
            self.at += 1
            return HOLE
        if token in "([":
            return Sign("open", token)
        if token in ")]":
            return Sign("close", token)
        if token in "+-=<>,;:.!/|*":
            return Sign("operator", {"-": "−", "*": "∗"}.get(token, token))
        raise UnknownLatex(f"{token!a} in a formula")

    def command(self, name: str) -> Node:
        if name in GREEK_AND_LETTERS:
            return Sign("letter", GREEK_AND_LETTERS[name])
        if name in OPERATORS:
            return Sign("operator", OPERATORS[name])
        if name in FUNCTIONS:
            return Sign("function", name)
        if name in SPACES:
            return Space(SPACES[name])
        if name in STYLES:
            return self.styled(name)
        if name in ("frac", "tfrac", "dfrac"):
            return Quotient(self.argument(), self.argument(), name)
        if name == "sqrt":
            return Root(self.argument())
        if name in ACCENTS:
            return Accent(name, self.argument())
        if name in SIZES:
            return Sign("close" if name.endswith("r") else "open", self.delimiter(), SIZES[name])
        if name == "left":
            left = self.delimiter()
            body = self.row(stops=("\\right",))
            self.expect("\\right")
            return Fenced(left, body, self.delimiter())
        if name == "begin":
            return self.grid()
        if "\\" + name in DELIMITERS:
            text = DELIMITERS["\\" + name]
            return Sign("open" if text in "{⟨⌊⌈" else "close" if text in "}⟩⌋⌉" else "operator", text)
        raise UnknownLatex(f"\\{name} is not among the commands that are let through")

    def styled(self, name: str) -> Node:
        start = self.at
        style = STYLES[name]
        if name == "operatorname":
            return Sign("function", self.words().replace(" ", ""))
        try:
            words = self.words()
        except UnknownLatex:
            if style == "text":
                raise
            self.at = start
            return self.argument()  # a formula in a style: set in the usual one
        if style in ("bb", "cal"):
            if not (len(words) == 1 and words.isalpha()):
                raise UnknownLatex(f"\\{name} of more than one letter")
            if (name, words) not in FANCY:
                raise UnknownLatex(f"no letter {words} in \\{name}")
            return Sign("letter", FANCY[name, words])
        return Words(words if style == "text" else words.replace(" ", ""), style)

    def delimiter(self) -> str:
        self.skip()
        token = self.next()
        if token == ".":
            return ""
        if token in ("(", ")", "[", "]", "|", "/"):
            return token
        if token in DELIMITERS:
            return DELIMITERS[token]
        raise UnknownLatex(f"{token!a} as a delimiter")

    def no_option(self) -> None:
        self.skip()
        if self.token in ("[", "*"):
            raise UnknownLatex(f"{self.token!a} where TeX would take it for an option")

    def grid(self) -> Node:
        name = self.words()
        if name not in ENVIRONMENTS:
            raise UnknownLatex(f"\\begin{{{name}}} is not among the environments that are let through")
        self.no_option()
        rows: list[tuple[Node, ...]] = []
        cells: list[Node] = []
        while True:
            self.skip()
            cells.append(self.row(stops=("\\\\", "\\end")))
            token = self.next()
            if token == "&":
                continue
            if token == "}":
                raise UnknownLatex("'}' closes nothing")
            if token == "\\end":
                if len(cells) > 1 or cells[0] != Row(()):
                    rows.append(tuple(cells))
                break
            self.no_option()
            rows.append(tuple(cells))
            cells = []
        if self.words() != name:
            raise UnknownLatex(f"\\begin{{{name}}} is not ended")
        width = max((len(row) for row in rows), default=0)
        if width > (2 if name == "cases" else 10):
            raise UnknownLatex(f"more columns than {name} takes")
        body = Grid(name, tuple(rows))
        left, right = ENVIRONMENTS[name]
        return Fenced(left, body, right) if left or right else body
