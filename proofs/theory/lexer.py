"""What a Rocq source says outside comments and strings: forbidden words, and the files that it requires."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

# A section hypothesis is not here: each theorem is restated in full, so that one would show as a misfit.
FORBIDDEN = (
    "Admitted", "admit", "give_up", "Admit Obligations", "Axiom", "Axioms", "Parameter", "Parameters", "Conjecture",
    "Conjectures", "Declare Module", "bypass_check", "Guard Checking", "Positivity Checking", "Universe Checking",
    "type_in_type", "Unset Kernel", "Load", "LoadPath", "Declare ML", "Primitive", "Register", "Redirect", "Extract",
    "Extraction", "Drop", "Cd",
)  # fmt: skip


def code(text: str) -> str | None:
    """The text with comments and the insides of strings blank, as Rocq's lexer reads them; None if one has no end.

    Comments nest, and a string inside a comment hides what it holds, `*)` too.

    >>> code('Comments "(*". Axiom x : False. (* " *) " *) Qed.').split()
    ['Comments', '""', '.', 'Axiom', 'x', ':', 'False.', 'Qed.']
    """
    result: list[str] = []
    depth, i = 0, 0
    while i < len(text):
        pair = text[i : i + 2]
        if text[i] == '"':
            end = text.find('"', i + 1)
            if end < 0:
                return None
            result.append(('""' if not depth else "  ") + " " * (end - i - 1))
            i = end + 1
        elif pair == "(*":
            depth, i = depth + 1, i + 2
            result.append("  ")
        elif pair == "*)" and depth:
            depth, i = depth - 1, i + 2
            result.append("  ")
        else:
            result.append(text[i] if not depth or text[i] == "\n" else " ")
            i += 1
    return None if depth else "".join(result)


def forbidden_words(text: str) -> list[str]:
    """Words that could make a theorem say less than it seems to, outside comments and strings.

    >>> forbidden_words('Lemma x : True. Proof. (* no Axiom here *) Admitted.')
    ['Admitted']
    """
    bare = code(text)
    if bare is None:
        return ["a comment or a string without an end"]
    return [word for word in FORBIDDEN if _word(word).search(bare)]


def _word(word: str) -> re.Pattern[str]:
    return re.compile(r"(?<![\w'])" + r"\s+".join(map(re.escape, word.split())) + r"(?![\w'])")


def required(text: str) -> Iterator[tuple[str, str]]:
    """Each library that a text requires, as (prefix, name); prefix "" where the sentence is not `From PREFIX Require`.

    >>> list(required("From mathcomp Require Import all_ssreflect ring. Require Import Arith."))
    [('mathcomp', 'all_ssreflect'), ('mathcomp', 'ring'), ('', 'Arith')]
    """
    bare = code(text) or ""
    for match in re.finditer(r"(?<![\w'])Require(?![\w'])", bare):
        before = re.search(r"(?<![\w'.])From\s+([\w.]+)\s+$", bare[: match.start()])
        after = re.match(r"\s+(?:Import\s+|Export\s+)?((?:[\w']+(?:\.[\w']+)*\s*)+?)\.(?=\s|$)", bare[match.end() :])
        for name in after[1].split() if after else ["?"]:
            yield (before[1] if before else ""), name


def strangers(text: str, ours: Mapping[str, Collection[str]], libraries: Collection[str]) -> list[str]:
    """What a text requires beyond whole `libraries` (by prefix) and the listed files of `ours` (by prefix)."""
    return [
        f"{prefix}.{name}".lstrip(".")
        for prefix, name in required(text)
        if prefix not in libraries and name not in ours.get(prefix, ())
    ]


def needs(text: str, prefix: str) -> set[str]:
    """The files of one prefix that a text requires."""
    return {name for start, name in required(text) if start == prefix}
