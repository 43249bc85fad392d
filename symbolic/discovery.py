"""What the modules of a folder define, one a module: catalogues are discovered, and there is no list to edit."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any


def defined(package: str, path: Iterable[str], attribute: str, what: str) -> dict[str, Any]:
    """The `attribute` of every module of a package by its own name, in alphabetical order of the modules.

    Raises `RuntimeError` where two have one name; `what` they are is for the message.
    """
    objects: dict[str, Any] = {}
    for module in sorted(pkgutil.iter_modules(path), key=lambda m: m.name):
        one = getattr(importlib.import_module(f"{package}.{module.name}"), attribute)
        if one.name in objects:
            raise RuntimeError(f"two modules define the {what} {one.name}")
        objects[one.name] = one
    return objects
