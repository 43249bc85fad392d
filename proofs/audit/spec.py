"""Reads a claims file: what a paper claims, one entry each, and what is to be checked of it.

    title = "A paper"
    d = 2                                   # the sizes of every entry that says nothing else
    n = 6
    L = 3

    [[claim]]
    equation = "Theorem 1"                  # where it stands in the paper
    statement = "Each layer is one iterate of TD(0)."
    algorithm = "td0"                       # or a file of one's own, "./mine.py", relative to this file
    evidence = ["derived", "identity-symbolic"]   # default: as `layerproof verify`

What is checked of an entry is said by its keys:

    algorithm               the weights derived from the update, or the file's own, run it: as `layerproof verify`
    algorithm, construction these weights (a file of lp.write_weights) run it: as lp.assert_implements
    algorithm, invariant    training keeps this set of weights: as `layerproof invariance --set`
    algorithm, published    the weights that the talk's paper prints are the derived ones: `published = true`

Sizes and settings of an entry, or of the whole file: d, n, L, gamma, lam, trace, looped, seed, and a table
`parameters`.  Numbers are exact: 0.9 is 9/10.  Content that cannot be used raises `ContentError` with the entry and
the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...numeric.files.text import read_text
from ...symbolic.errors import ContentError
from ...symbolic.exact import parse_rational
from ...symbolic.near import near as near_to
from ...symbolic.plain_text import shown
from ..sweep.spec import parse

SIZES = ("d", "n", "L", "seed")
SETTINGS = (*SIZES, "gamma", "lam", "trace", "looped", "parameters")
WORDS = ("id", "equation", "statement", "algorithm", "construction", "invariant", "published", "evidence")
TOP = ("title", "source", "claim", *SETTINGS)
MOST, LONGEST = 500, 2_000
"""The most claims of a file, and characters of a text."""


@dataclass(frozen=True)
class Entry:
    """One claim of a paper.

    statement : in words;  equation : where it stands in the paper
    settings  : the sizes and settings that are named, numbers exact
    """

    id: str
    statement: str
    equation: str
    algorithm: str
    construction: str | None
    invariant: str | None
    published: bool
    evidence: tuple[str, ...] | None
    settings: Mapping[str, Any]

    @property
    def checked(self) -> str:
        """What is checked, in a few words."""
        if self.construction is not None:
            return f"{Path(self.construction).name} runs {self.algorithm}"
        if self.invariant is not None:
            return f"{self.algorithm}: training keeps {self.invariant}"
        if self.published:
            return f"{self.algorithm}: the printed weights"
        return f"{self.algorithm}: {', '.join(self.evidence) if self.evidence else 'all evidence without a prover'}"


@dataclass(frozen=True)
class Claims:
    """A claims file: the paper's title, where it is, and its claims in order."""

    title: str
    source: str
    entries: tuple[Entry, ...]
    folder: Path


def read_claims(path: str | Path) -> Claims:
    """The claims of a file; `ContentError` that names file, entry and key for content that cannot be used."""
    path = Path(path)
    try:
        return claims_of(read_text(path), path.parent)
    except ContentError as error:
        raise ContentError(f"{path}: {error}") from None


def claims_of(text: str, folder: Path) -> Claims:
    """The claims in the text of a file that stands in `folder`."""
    content = parse(text)
    _known(content, TOP, "the file")
    listed = content.get("claim", [])
    if not isinstance(listed, list) or not all(isinstance(x, dict) for x in listed):
        raise ContentError("claim is no list of entries, wanted [[claim]] in front of each")
    if not 0 < len(listed) <= MOST:
        raise ContentError(f"it has {len(listed)} claims, wanted from 1 to {MOST}: begin one with [[claim]]")
    common = {key: content[key] for key in SETTINGS if key in content}
    entries = [_entry(x, k, common) for k, x in enumerate(listed, 1)]
    ids = [entry.id for entry in entries]
    twice = next((x for x in ids if ids.count(x) > 1), None)
    if twice is not None:
        raise ContentError(f"two claims have the id {shown(twice)}")
    return Claims(_text(content, "title", "the file", "A paper's claims"), _text(content, "source", "the file", ""),
                  tuple(entries), folder)  # fmt: skip


def _entry(content: Mapping[str, Any], number: int, common: Mapping[str, Any]) -> Entry:
    where = f"claim {number}"
    _known(content, (*WORDS, *SETTINGS), where)
    statement, algorithm = (_text(content, key, where) for key in ("statement", "algorithm"))
    construction = _text(content, "construction", where) if "construction" in content else None
    invariant = _text(content, "invariant", where) if "invariant" in content else None
    published = content.get("published", False)
    if not isinstance(published, bool):
        raise ContentError(f"{where}: published is {shown(published)}, wanted true or false")
    named = [key for key in ("construction", "invariant", "published") if content.get(key)]
    if len(named) > 1:
        raise ContentError(f"{where}: {' and '.join(named)} are both there, wanted one claim for each")
    evidence = content.get("evidence")
    if evidence is not None:
        evidence = [evidence] if isinstance(evidence, str) else evidence
        if not isinstance(evidence, list) or not evidence or not all(isinstance(x, str) for x in evidence):
            raise ContentError(f"{where}: evidence is {shown(evidence)}, wanted a list of kinds")
        if invariant is not None or published:
            raise ContentError(f"{where}: evidence is named, which {named[0]} has none to choose of: leave it out")
    settings = {key: _setting(key, x, where) for key, x in {**common, **content}.items() if key in SETTINGS}
    return Entry(
        _text(content, "id", where, f"claim-{number}"), statement, _text(content, "equation", where, ""), algorithm,
        construction, invariant, published, None if evidence is None else tuple(evidence), settings,
    )  # fmt: skip


def _known(content: Mapping[str, Any], wanted: tuple[str, ...], where: str) -> None:
    for key in content:
        if key not in wanted:
            near = near_to(key, wanted, most=1)
            hint = f"did you mean {near[0]}?" if near else f"wanted some of {', '.join(wanted)}"
            raise ContentError(f"{where} has the key {shown(key)}: {hint}")


def _text(content: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    value = content.get(key, default)
    if value is None:
        raise ContentError(f'{where} has no {key}: write {key} = "..."')
    if not isinstance(value, str) or (key in ("statement", "algorithm") and not value.strip()) or len(value) > LONGEST:
        raise ContentError(f"{where}: {key} is {shown(value)}, wanted a text of at most {LONGEST} characters")
    return " ".join(value.split())


def _setting(key: str, value: Any, where: str) -> Any:
    if key in SIZES:
        least = 0 if key == "seed" else 1
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ContentError(f"{where}: {key} is {shown(value)}, wanted a whole number from {least}")
        return value
    if key == "looped":
        if not isinstance(value, bool):
            raise ContentError(f"{where}: looped is {shown(value)}, wanted true or false")
        return value
    if key == "trace":
        return _text({key: value}, key, where)
    if key == "parameters":
        if not isinstance(value, dict):
            raise ContentError(f"{where}: parameters is {shown(value)}, wanted a table such as {{ beta = 0.5 }}")
        return {name: _number(x, f"{where}: parameters.{name}") for name, x in value.items()}
    return _number(value, f"{where}: {key}")


def _number(value: Any, where: str) -> Fraction:
    if isinstance(value, bool):
        raise ContentError(f'{where} is {shown(value)}, wanted a number such as 3, 0.9 or "9/10"')
    return parse_rational(str(value) if isinstance(value, int) else value, where)
