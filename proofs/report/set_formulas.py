"""A finished page with every formula in its words set as one, and names of programs in a typewriter face.

Sections say what a terminal says too, in plain text: "from w_0 it converges for 0 < alpha < 1.2". A formula in it is
found here, at one place, wherever it stands: in running text, captions, cells, labels, lists and titles of steps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..formula.build import bracketed, call, decimal, indexed, listed, power, primed, row, transposed
from ..formula.formula import Formula
from ..formula.nodes import Node, Spoken, Words
from .model import (
    Block,
    Code,
    Folded,
    Label,
    Matrix,
    Note,
    Page,
    Paragraph,
    Picture,
    Section,
    Sentence,
    Span,
    Steps,
    Table,
    worded,
)

_GREEK = "lambda|lam|gamma|alpha|beta|rho|delta|phi|theta|tau|kappa|eta|epsilon"
_SUBSCRIPT = r"(?:_(?:\{[a-z0-9+-]{1,5}\}|[0-9]{1,3}|[a-zA-Z])(?![\w{]))?"
_GREEK_ATOM = rf"(?<![\w/\\-])(?:{_GREEK})(?![A-Za-z0-9]|-[A-Za-z])['*]?{_SUBSCRIPT}"
_LETTER = rf"(?<![\w/\\-])[A-Za-z](?![A-Za-z0-9]|-[A-Za-z])['*]?{_SUBSCRIPT}"
_SUM = r"(?<![\w-])sum_[a-z](?!\w)"
_NUMBER = r"(?<![\w./-])-?\d+(?:\.\d+)?(?:/\d+|e-?\d+|\^-?\d+)?(?![\w/])"
_VECTOR = rf"\({_NUMBER}(?:, {_NUMBER})*\)"
_ATOM = rf"(?:{_GREEK_ATOM}|{_LETTER})(?:\([a-z]\))?"
_GROUP = rf"\({_ATOM}(?: [+-] {_ATOM})+\)"
_PIECE = rf"(?:{_SUM}|{_ATOM}|{_GROUP}|{_VECTOR}|{_NUMBER})"
_SIGN = r" (?:=|<=|>=|<-|->|<|>|\+|-) "
_MEETS = rf"(?:{_SIGN}|\.(?=[a-zA-Z])|(?<!\b[a-z]) (?={_PIECE}))"
_RUN = rf"\|?{_PIECE}(?:{_MEETS}{_PIECE})*\|?"
_INDEXED = rf"(?:{_GREEK}|sum)_(?:[a-zA-Z]|\d)(?![\w.])"
_PROGRAM = rf"(?<![\w/.\\:-])(?!{_INDEXED})[A-Za-z][A-Za-z0-9]+(?:\.\w+)*_\w+(?:\.\w+)*(?![\w/\\-])"
_CALL = r"[A-Za-z_][\w.]*\((?=[^)]*(?:\"|\w=\S|: |@))[^()]*(?:\([^()]*\)[^()]*)*\)"
_KEYWORD = r"(?<![\w-])[a-z][a-z_]*=(?:\((?:\"[^\"]*\",? ?)*\)|(?=[ ,.;:)]|$))"
_COMMAND = r"layerproof [a-z][a-z-]*(?: (?:--?[a-z][a-z-]*|\./[\w./-]+))*|(?<![\w-])--[a-z][a-z-]*"
_PRODUCT = r"(?<![\w.])[A-Za-z]\w*(?:(?:\.\w+)+ @ [A-Za-z]\w*(?:\.\w+)*| @ [A-Za-z]\w*(?:\.\w+)+)"
_QUOTED = rf"{_PRODUCT}|{_CALL}|{_KEYWORD}|{_COMMAND}|{_PROGRAM}"
_TOKEN = re.compile(rf"{_PIECE}|{_SIGN}|[.| ]")
LONGEST = 4000
"""Letters; what is longer is no sentence, and is left as it is."""
Names = Mapping[str, Formula]


def set_page(page: Page, names: Names | None = None) -> Page:
    """The page; `names` says what a paper calls rows that a program calls td_error."""
    known = names or {}
    return replace(page, lead=_blocks(page.lead, known), sections=set_sections(page.sections, known))


def set_sections(sections: Sequence[Section], names: Names) -> tuple[Section, ...]:
    """The sections; `names` as of a page."""
    return tuple(replace(s, blocks=_blocks(s.blocks, names)) for s in sections)


def set_blocks(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Blocks that belong to no algorithm."""
    return _blocks(blocks, {})


def spanned(text: str, names: Names | None = None) -> tuple[Span, ...]:
    r"""Words with what is a formula among them set as one.

    >>> [x.latex if isinstance(x, Formula) else x for x in spanned("from w_0, for 0 < alpha < 1/2, as td-lambda does")]
    ['from ', 'w_{0}', ', for ', '0 < \\alpha < \\tfrac{1}{2}', ', as td-lambda does']
    >>> [x.latex for x in spanned("u + tau (w_l - u), sum_j delta_j phi_j, u = 2^-53") if isinstance(x, Formula)]
    ['u + \\tau (w_{\\ell} - u)', '\\sum_{j} \\delta_{j} \\phi_{j}', 'u = 2^{-53}']
    >>> spanned("a layer of td_error")
    ('a layer of ', Code(text='td_error'))
    >>> spanned("it compares w @ t.phi_b")
    ('it compares ', Code(text='w @ t.phi_b'))
    """
    if len(text) > LONGEST:
        return (text,)
    known = names or {}
    listed = _rows(known, text)
    rows = rf"(?P<row>(?<![\w.-])(?:{listed})(?![\w'*-]))(?P<at>\[\d+\])?|" if listed else ""
    result: list[Span] = []
    end = 0
    for match in re.finditer(rf"{rows}(?P<program>{_QUOTED})|(?P<run>{_RUN})", text):
        shown = _shown(match.groupdict(), known)
        if shown is not None:
            result += [text[end : match.start()]] * (match.start() > end) + [shown]
            end = match.end()
    return (*result, text[end:]) if end < len(text) else tuple(result)


def _rows(names: Names, text: str) -> str:
    """The rows that a text may mean, as a pattern; one that is called by a word, as `one` is, where it stands alone."""
    every = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    if every and re.fullmatch(rf"(?:{every})(?:, (?:{every}))*", text):
        return every
    words = {name for name in names if re.fullmatch("[a-z]{2,}", name) and not re.fullmatch(_GREEK, name)}
    patterns = [re.escape(name) + r"(?=\[\d)" * (name in words) for name in sorted(names, key=len, reverse=True)]
    return "|".join(patterns)


def _shown(groups: Mapping[str, str | None], names: Names) -> Span | None:
    if row := groups.get("row"):
        return _indexed(names[row], (groups.get("at") or "")[1:-1])
    if program := groups["program"]:
        return Code(program)
    run = groups["run"] or ""
    bars = run.count("|")
    if not _is_formula(run) or bars == 1:
        return None
    return Formula(Spoken(Words(run, "text"), _tree(run)))


def _is_formula(run: str) -> bool:
    """Whether it is more than a letter or a number that happens to stand in a text."""
    letters = re.search(rf"{_GREEK_ATOM}|(?<!\w)[A-Za-z](?!\w)", run) is not None
    marked = re.search(rf"{_GREEK_ATOM}|\b[A-Za-z]['*]?_|\b[A-Za-z][*']|[a-z]\([a-z]\)|\bsum_", run) is not None
    return marked or (letters and re.search(r" (?:=|<=|>=|<|>|->|<-) ", run) is not None)


def _tree(run: str) -> Node:
    tokens = _TOKEN.findall(run)
    result: list[Formula | str] = []
    for k, token in enumerate(tokens):
        if token == "." or not token.strip():
            continue
        if token == "|" or token.startswith(" "):
            result.append(token.strip())
        else:
            shown = _piece(token)
            result.append(transposed(shown) if tokens[k + 1 : k + 2] == ["."] else shown)
    return row(*result).tree


def _piece(token: str) -> Formula:
    if token.startswith("(") and re.search(r" [+-] ", token):
        return bracketed(Formula(_tree(token[1:-1])))
    if token.startswith("("):
        return bracketed(listed(map(decimal, token[1:-1].split(", "))))
    if re.fullmatch(r"-?\d.*", token):
        base, _, exponent = token.partition("^")
        return power(decimal(base), decimal(exponent)) if exponent else decimal(base)
    match = re.fullmatch(r"(\w+?|sum)(['*]?)(?:_(\{[^}]*\}|\w+))?(\([a-z]\))?", token)
    assert match is not None, token  # a piece is an atom otherwise
    name, mark, index, argument = match.groups()
    shown = row({"lam": "lambda", "l": "ell"}.get(name, name))
    if mark:
        shown = power(shown, "*") if mark == "*" else primed(shown)
    if index is not None:
        pieces = re.finditer(r"(?P<layer>\bl\b)|\d+|.", index.strip("{}"))
        shown = indexed(shown, *("ell" if piece["layer"] else piece[0] for piece in pieces))
    return call(shown, argument[1:-1]) if argument else shown


def _indexed(symbol: Formula, index: str) -> Formula:
    return indexed(symbol, index) if index else symbol


def _spans(spans: tuple[Span, ...], names: Names) -> tuple[Span, ...]:
    result: list[Span] = []
    for span in spans:
        result += spanned(span, names) if isinstance(span, str) else [span]
    return tuple(result)


def _words(text: str, names: Names) -> str:
    """A title or a caption."""
    if isinstance(text, Label):
        return text
    parts = _spans(worded(text), names)
    if all(isinstance(x, str) for x in parts):
        return text
    return Sentence([x if isinstance(x, (str, Formula)) else x.text for x in parts])


def _label(name: str, names: Names) -> str:
    """The name of a row or a column of a matrix: what it is called in letters."""
    if isinstance(name, Label):
        return name
    parts = spanned(name, names)
    return Label(name, parts[0]) if len(parts) == 1 and isinstance(parts[0], Formula) else name


def _blocks(blocks: tuple[Block, ...], names: Names) -> tuple[Block, ...]:
    return tuple(_block(block, names) for block in blocks)


def _block(block: Block, names: Names) -> Block:
    match block:
        case Paragraph(spans):
            return Paragraph(_spans(spans, names))
        case Table():
            rows = tuple(tuple(replace(c, spans=_spans(c.spans, names)) for c in row) for row in block.rows)
            headers = tuple(_words(h, names) for h in block.headers)
            return replace(block, headers=headers, rows=rows, caption=_words(block.caption, names))
        case Matrix():
            rows_, columns = (tuple(_label(x, names) for x in line) for line in (block.rows, block.columns))
            return replace(block, rows=rows_, columns=columns, caption=_words(block.caption, names),
                           legend=tuple(_words(x, names) for x in block.legend))  # fmt: skip
        case Picture():
            data = _block(block.data, names)
            assert isinstance(data, Table)
            return replace(block, caption=_words(block.caption, names), data=data)
        case Note():
            return replace(block, title=_words(block.title, names), blocks=_blocks(block.blocks, names))
        case Steps():
            return replace(block, items=tuple((_words(t, names), _blocks(b, names)) for t, b in block.items))
        case Folded():
            return replace(block, title=_words(block.title, names), blocks=_blocks(block.blocks, names))
    return block
