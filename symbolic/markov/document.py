"""A decision process as plain data, and read back strictly: what its JSON file holds.

    {"schema": 1, "name": "two states", "transition": [[["1/2", "1/2"], ["0", "1"]], ...], "reward": [...],
     "features": [[1, 0], [0, 1]], "behaviour": [["1/2", "1/2"], ...], "target": [[1, 0], ...], "gamma": "9/10"}

transition : p(s' | s, a) as states x actions x states, or states x states for a single action (a plain Markov chain)
reward     : for each state; for each state and action; or as transition
features, behaviour, target, interest, gamma, tables are optional: one-hot, uniform, the behaviour, ones, none, none.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..errors import ArgumentError, ContentError
from ..exact import kind, parse_rational, shortened
from ..strict_json import rational_text
from .decision import DecisionProcess

SCHEMA = "1"
NEEDED = ("schema", "transition", "reward")
OPTIONAL = ("name", "features", "behaviour", "target", "interest", "gamma", "tables")
MAX_NUMBERS, MAX_NAME, MAX_DEPTH = 200_000, 100, 4


def document(process: DecisionProcess) -> dict[str, Any]:
    """A process as plain data, every number as text."""
    content: dict[str, Any] = {
        "schema": 1,
        "name": process.name,
        **{
            name: _texts(getattr(process, name)) for name in ("transition", "reward", "features", "behaviour", "target")
        },
        "interest": _texts(process.interest),
    }
    if process.gamma is not None:
        content["gamma"] = rational_text(process.gamma)
    if process.tables:
        content["tables"] = {name: _texts(table) for name, table in process.tables.items()}
    return content


def _texts(values: Any) -> Any:
    return [_texts(x) for x in values] if isinstance(values, tuple) else rational_text(values)


def read_document(content: Any, name: str = "process") -> DecisionProcess:
    """The process that parsed JSON describes, its numbers kept as text or whole; `ContentError` says what is wrong.

    name : what it is called where it does not say

    >>> read_document({"schema": "1", "transition": [["1/2", "1/2"], ["1", "0"]], "reward": ["0", "1"]}).chain.law
    (Fraction(2, 3), Fraction(1, 3))
    """
    if not isinstance(content, dict):
        raise ContentError(f"is {kind(content)}, wanted an object with {', '.join(NEEDED)}")
    missing = next((key for key in NEEDED if key not in content), None)
    if missing is not None:
        raise ContentError(f"lacks {missing}, wanted {', '.join(NEEDED)} and any of {', '.join(OPTIONAL)}")
    unknown = next((key for key in content if key not in (*NEEDED, *OPTIONAL)), None)
    if unknown is not None:
        raise ContentError(f"has the key {unknown[:40]!a}, wanted {', '.join(NEEDED)} and any of {', '.join(OPTIONAL)}")
    if str(content["schema"]) != SCHEMA:
        raise ContentError(f"schema is {str(content['schema'])[:20]!a}, wanted {SCHEMA}")
    called = content.get("name", name)
    if not isinstance(called, str) or not 0 < len(called) <= MAX_NAME or not called.isprintable():
        raise ContentError(f"name is {str(called)[:40]!a}, wanted a printable text of at most {MAX_NAME} characters")
    budget = [MAX_NUMBERS]
    read = {
        key: _numbers(content[key], key, budget)
        for key in ("transition", "reward", "features", "behaviour", "target", "interest", "gamma")
        if key in content
    }
    tables = content.get("tables", {})
    if not isinstance(tables, dict) or not all(str(k).isidentifier() and not k.startswith("_") for k in tables):
        raise ContentError("tables is no object whose keys are short words such as bonus")
    kept = {key: _numbers(value, f"tables.{key}", budget) for key, value in tables.items()}
    for key in ("transition", "reward"):
        if not isinstance(read[key], list) or not read[key]:
            raise ContentError(f"{key} is no list of rows, wanted an entry for each state")
    if "gamma" in read and not isinstance(read["gamma"], Fraction):
        raise ContentError("gamma is a list, wanted a number from 0 to 1")
    states = len(read["transition"])
    features = read.get("features", [[int(i == j) for j in range(states)] for i in range(states)])
    try:
        return DecisionProcess.of(
            called, read["transition"], read["reward"], features, read.get("behaviour"), read.get("target"),
            read.get("interest"), read.get("gamma"), kept,
        )  # fmt: skip
    except ArgumentError as error:  # it is the content that is wrong, not an argument
        raise ContentError(str(error)) from None


def _numbers(value: Any, where: str, budget: list[int], depth: int = 0) -> Any:
    """Nested lists of exact numbers."""
    if isinstance(value, list):
        if depth >= MAX_DEPTH:
            raise ContentError(f"{where} is nested more than {MAX_DEPTH} deep, wanted rows of numbers")
        return [_numbers(x, f"{where}[{k}]", budget, depth + 1) for k, x in enumerate(value)]
    budget[0] -= 1
    if budget[0] < 0:
        raise ContentError(f"holds more than {MAX_NUMBERS} numbers, the limit")
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    if not isinstance(value, str):
        raise ContentError(f'{where} is {kind(value)}, wanted a number such as 3 or "-3/7"')
    return _hex(value) if value.startswith(("0x", "-0x")) else parse_rational(value, where)


def _hex(text: str) -> Fraction:
    """A rational as `rational_text` writes a long one."""
    parts = text.split("/")
    try:
        if len(parts) > 2 or len(text) > 10**6:
            raise ValueError
        return Fraction(int(parts[0], 16), int(parts[1], 0) if len(parts) == 2 else 1)
    except (ValueError, ZeroDivisionError):
        raise ContentError(f"a number is {shortened(text)}, wanted one such as -3/7") from None
