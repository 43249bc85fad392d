"""The form of a JSON document, and the places where two documents differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...symbolic.errors import ContentError
from ...symbolic.plain_text import shown as of_any_size


def plain(value: Any, path: str, depth: int) -> None:
    """Raise `ContentError` for a float (none is ever recorded) and for nesting that no certificate has."""
    if depth > 12:
        raise ContentError(f"{path[:80]} is nested too deeply")
    if isinstance(value, (dict, list)):
        for key, inner in items(value):
            plain(inner, path_of(path, key), depth + 1)
    elif value is not None and type(value) not in (str, int, bool):
        raise ContentError(f"{path} is {shown(value)}, wanted text, an integer or true or false")


def match(value: Any, shape: Any, path: str) -> None:
    """Raise `ContentError` that names the field where a document is not of `shape`: types, lists of one, or keys."""
    given, kind = type(value).__name__, (shape if isinstance(shape, type) else type(shape)).__name__
    if given != kind:
        raise ContentError(f"{path} is of type {given}, wanted {kind}")
    if isinstance(shape, list):
        for k, inner in enumerate(value):
            match(inner, shape[0], f"{path}[{k}]")
    elif isinstance(shape, dict):
        for key in [*shape, *value]:
            if key not in value or key not in shape:
                raise ContentError(f"key {path_of(path, key)} is {'missing' if key in shape else 'unknown'}")
            match(value[key], shape[key], path_of(path, key))


def items(value: Any) -> Iterable[tuple[Any, Any]]:
    """The entries of an object or a list, by key or position."""
    return sorted(value.items()) if isinstance(value, dict) else enumerate(value)


def path_of(path: str, key: Any) -> str:
    """The path of an entry: a.b[3]."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{shown(key)[1:-1]}".removeprefix(".")


def shown(value: Any) -> str:
    """A value in ASCII, shortened; it may hold a number that is too long for Python to write."""
    try:
        text = ascii(value if not isinstance(value, str) else value[:80])
    except ValueError:
        return of_any_size(value)
    return text if len(text) <= 90 else f"{text[:90]}..."


def differences(certificate: Any, wanted: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Each field in which two documents differ, by its path; `tool` versions and the digest are judged apart."""
    if path == "digest" or (path.startswith("tool.") and path != "tool.name"):
        return
    if type(certificate) is not type(wanted) or not isinstance(certificate, (dict, list)):
        if type(certificate) is not type(wanted) or certificate != wanted:
            yield {"field": path, "certificate": shown(certificate), "derived": shown(wanted)}
        return
    left, right = dict(items(certificate)), dict(items(wanted))
    for key in dict.fromkeys([*right, *left]):
        where = path_of(path, key)
        if key not in left or key not in right:
            absent = {"field": where, "certificate": "absent", "derived": "absent"}
            side = "derived" if key in right else "certificate"
            yield {**absent, side: shown(right.get(key, left.get(key)))}
        else:
            yield from differences(left[key], right[key], where)
