"""How code states an update, as its docstring says it: what is code in it, and the words between."""

from __future__ import annotations

import re

from .model import Code, Span

_NAMES = "alpha|beta|gamma|delta|epsilon|eta|kappa|lam|lambda|nu|phi|rho|tau|theta|rbar|sum"
_CODE = re.compile("|".join((
    rf"\(?(?:{_NAMES})(?:''?)?\)?",
    r"\(?[B-HJ-Zb-z][*']?\)?",  # a and I are words
    r"[a-z]\d|\.\.\.",
    r"\(*\w/\w\)*",
    r".*[_^=].*",
    r'"[^"]*"',
    r"[A-Za-z]\w*''?(?:\W.*)?(?<!'s)(?<!'t)",
    r"\(*[A-Za-z]\w*\(.*",
    r"\(\(?\d{1,2}",  # the beginning of (1 - kappa)
    r"(?!i\.e|e\.g)\(?\w+(?:\.\w+)+'?",
)))  # fmt: skip
"""What is code wherever it stands."""
_INSIDE = re.compile(r"\(*-?\d[\d/.]*\)*|I|[a-z][A-Z]|[-+*/=<>|]+")
"""What is code beside other code only: a number, the identity, the last of c2, ..., cT, a sign."""
_SIGN = re.compile(r"[-+*/=<>|]+")
LONGEST = 200
"""Words of one formula: what never closes its bracket is read no further."""
_END = re.compile(r"(?<!\.\.)\.$|[,;:]$")


def stated_spans(text: str) -> tuple[Span, ...]:
    """The text, of any author, as spans.

    >>> stated_spans("u <- w, both with the old w.")
    (Code(text='u <- w'), ', both with the old ', Code(text='w'), '.')
    """
    words = text.split(" ")
    spans: list[Span] = []
    k = 0
    while k < len(words):
        if _CODE.fullmatch(_core(words[k])):
            end = _end(words, k)
            front, code, rest = _bare(" ".join(words[k:end]))
            spans += [front, Code(code), rest + " "]
            k = end
        else:
            spans.append(words[k] + " ")
            k += 1
    return _joined(spans)


def _core(word: str) -> str:
    return word if word == "..." else _END.sub("", word)


def _end(words: list[str], start: int) -> int:
    """Where the code that starts at a word ends: in brackets all is code, a comma in a list goes on."""
    end, depth, k = start + 1, 0, start
    while k < min(len(words), start + LONGEST):
        word = words[k]
        inside = depth > 0
        depth += word.count("(") - word.count(")")
        if not (k == start or inside or _CODE.fullmatch(_core(word)) or _INSIDE.fullmatch(_core(word))):
            break
        if depth <= 0 and not _SIGN.fullmatch(word):
            end = k + 1
        listed = "..." in (_core(word), *words[k + 1 : k + 2]) or "...," in words[k + 1 : k + 2]
        if depth <= 0 and _END.search(word) and not listed:
            break
        k += 1
    return end


def _bare(code: str) -> tuple[str, str, str]:
    """An opening bracket of the words around, the code, and what ends the sentence or the clause."""
    rest = ""
    while code and (_END.search(code) or (code.endswith(")") and code.count(")") > code.count("("))):
        code, rest = code[:-1], code[-1] + rest
    front = "(" if code.count("(") > code.count(")") and code.startswith("(") else ""
    return front, code.removeprefix(front), rest


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """Neighbouring words as one span, without the space behind the last."""
    result: list[Span] = []
    for span in spans:
        if isinstance(span, str) and result and isinstance(result[-1], str):
            result[-1] += span
        elif span:
            result.append(span)
    if result and isinstance(result[-1], str):
        result[-1] = result[-1].rstrip()
    return tuple(x for x in result if x)
