"""Audits joined into a few files: compiling a small file takes the time that its library takes to load.

Every audit is a module of the joined files, and only what imported it as a file imports it, inside its own module; a
statement is joined with others only where its file has no sentence that could reach beyond its module, so that it says
there what it says in a file of its own.  What of a joined file does not pass is judged once more apart, so that no
verdict is about a group.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .audit import AUDITS_PREFIX, STATEMENTS_PREFIX, THEORY_PREFIX, Audit, TheoryFile
from .jobs import workers
from .lexer import code, needs

MOST = 7
"""How many algorithms' files are joined into one at the most: a fault is looked for among them all."""
CONTAINED = re.compile(
    r"From|Import [\w. ]+$|Local (?:Open|Close) Scope \w+$|Local Notation \w+ :=|(?:Section|End) \w+$"
    r"|Variables? |Hypothesis |Definition |(?:Fixpoint|Inductive|Variant|Record) (?!.*(?:\bwhere\b|:>))"
    r"|(?:Uns|S)et Implicit Arguments$|Unset Strict Implicit$|Unset Printing Implicit Defensive$"
)
"""How the sentences begin, or are, that mean nothing outside the module or the section that they stand in."""
OURS = frozenset((THEORY_PREFIX, STATEMENTS_PREFIX, AUDITS_PREFIX))
REQUIRES = re.compile(r"^From (\w+) Require (Import )?([\w' ]+)\.\n", re.M)


@dataclass(frozen=True)
class _Text:
    """A source: its lines that import a library, our files that it requires and that it imports, and the rest of it."""

    imports: tuple[str, ...]
    loads: tuple[tuple[str, str], ...]
    opened: tuple[tuple[str, str], ...]
    body: str

    @staticmethod
    def of(text: str) -> _Text:
        requirements = list(REQUIRES.finditer(text))
        return _Text(
            tuple(m[0] for m in requirements if m[2] and m[1] not in OURS),
            tuple((m[1], name) for m in requirements if not m[2] or m[1] in OURS for name in m[3].split()),
            tuple((m[1], name) for m in requirements if m[2] and m[1] in OURS for name in m[3].split()),
            REQUIRES.sub("", text),
        )


def joined(audits: Sequence[Audit]) -> list[Audit]:
    """The audits, those that may be joined in groups of a like length; one alone stays as it is."""
    stood_on = {name for a in audits if not a.modules for name in needs(a.proofs, AUDITS_PREFIX)}
    apart = {a.name for a in audits if not _joins(a) or a.name in stood_on}
    result = [a for a in audits if a.name in apart]
    alike: dict[tuple[tuple[str, ...], ...], list[Audit]] = {}
    for audit in audits:
        if audit.name not in apart:
            key = (_Text.of(audit.statements).imports, _Text.of(audit.proofs).imports)
            alike.setdefault(key, []).append(audit)
    taken = {a.name for a in audits} | {f.name for a in audits for f in a.theory}
    for like in alike.values():
        for group in _groups(like):
            name = next(n for k in range(1, len(audits) + len(taken) + 2) if (n := f"several_{k}") not in taken)
            taken.add(name)
            result.append(_join(group, name) if len(group) > 1 else group[0])
    return result


def _joins(audit: Audit) -> bool:
    return audit.joins and contained(audit.statements)


def contained(statements: str) -> bool:
    """Whether no sentence of a text could change what stands after the module that the text would be.

    >>> contained("Definition x := 0."), contained('Definition x := 0. Notation "a = b" := True.')
    (True, False)
    """
    bare = code(statements)
    if bare is None:
        return False
    sentences = (" ".join(x.split()) for x in re.split(r"\.(?=\s|$)", bare))
    return all(CONTAINED.match(x) for x in sentences if x)


def _groups(audits: Sequence[Audit]) -> list[list[Audit]]:
    """As many groups as programs run at once, or more; an algorithm's audits, which are of one name, stay together."""
    of: dict[str | None, list[Audit]] = {}
    for audit in audits:
        of.setdefault(audit.theorems[0].algorithm, []).append(audit)
    count = max(min(len(of), workers()), -(-len(of) // MOST))
    groups: list[list[Audit]] = [[] for _ in range(count)]
    for own in sorted(of.values(), key=_length, reverse=True):
        min(groups, key=_length).extend(own)
    return groups


def _length(audits: Iterable[Audit]) -> int:
    return sum(len(text) for a in audits for text in a.texts().values())


def _join(group: Sequence[Audit], name: str) -> Audit:
    """One audit of them all."""
    files = [f for a in group for f in a.theory]
    moved = {
        STATEMENTS_PREFIX: {a.name for a in group},
        AUDITS_PREFIX: {a.name for a in group},
        THEORY_PREFIX: {f.name for f in files},
    }
    proofs = [(a.name, _Text.of(_renamed(a.proofs, moved, name))) for a in group]
    return Audit(
        name,
        tuple(sorted({r for a in group for r in a.requires})),
        tuple(t for a in group for t in a.theorems),
        _file([(a.name, _Text.of(a.statements)) for a in group], moved, name, STATEMENTS_PREFIX),
        _file(proofs, moved, name, AUDITS_PREFIX),
        (TheoryFile(name, _file([(f.name, _Text.of(f.text)) for f in files], moved, name, THEORY_PREFIX)),)
        if files else (),
        tuple(sorted({w for a in group for w in a.words} - moved[STATEMENTS_PREFIX])),
        modules={t.name: a.name for a in group for t in a.theorems},
    )  # fmt: skip


def _file(parts: Sequence[tuple[str, _Text]], moved: dict[str, set[str]], name: str, prefix: str) -> str:
    """What all of them require, then a module for each, which imports what its file did; prefix : of the file."""
    imports = dict.fromkeys(line for _, text in parts for line in text.imports)
    loads = dict.fromkeys((p, name if n in moved.get(p, ()) else n) for _, text in parts for p, n in text.loads)
    lines = [*imports, *(f"From {p} Require {one}.\n" for p, one in loads if (p, one) != (prefix, name))]
    for module, text in parts:
        opened = "".join(f"Import {p}.{f'{name}.{n}' if n in moved.get(p, ()) else n}.\n" for p, n in text.opened)
        lines.append(f"Module {module}.\n{opened}{text.body}End {module}.\n")
    return "".join(lines)


def _renamed(text: str, moved: dict[str, set[str]], name: str) -> str:
    """The text with every full name of what moves."""
    for prefix, names in moved.items():
        text = re.sub(rf"(?<![\w'.]){prefix}\.({_any(names)})(?![\w'])", rf"{prefix}.{name}.\1", text)
    return text


def _any(names: Collection[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)"
