"""Texts of a file's record that records of every kind have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import reading
from .reading import LINE, NAME, TEXT

TITLES = ("name", "title", "source")


def titles(content: Mapping[str, Any]) -> dict[str, Any]:
    """Name, title and source."""
    return {name: reading.text(content[name], name, NAME if name == "name" else LINE) for name in TITLES}


def texts(content: Any, what: str) -> dict[str, str]:
    """Texts by name."""
    named = reading.mapping(content, what)
    return {
        reading.text(name, f"name in {what}", NAME): reading.text(x, f"value of {name!a:.60} in {what}", TEXT)
        for name, x in named.items()
    }
