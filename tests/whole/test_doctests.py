"""Every example in a docstring is run, in every module of the package that has one."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]


def modules() -> list[str]:
    """Every listed package and every module in it."""
    names = list(PACKAGES)
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        names += [f"{package}.{m.name}" for m in pkgutil.iter_modules(path) if not m.ispkg]
    return sorted(names)


def run(module: ModuleType) -> Any:
    return doctest.testmod(module, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)


def has_examples(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    return ">>>" in Path(spec.origin).read_text(encoding="utf-8")


WITH_EXAMPLES = [name for name in modules() if has_examples(name)]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    results = run(importlib.import_module(name))
    assert results.attempted and not results.failed


def test_every_file_is_among_the_modules() -> None:
    files = {p for top in ("symbolic", "numeric", "proofs") for p in (ROOT / top).rglob("*.py")}
    paths = {Path(str(importlib.import_module(name).__file__)).resolve() for name in modules()}
    assert paths == files


def test_a_false_example_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ModuleType("true", ">>> 1 + 1\n2\n")) == (0, 1)
    assert run(ModuleType("false", ">>> 1 + 1\n3\n")).failed == 1
    assert run(ModuleType("silent", ">>> raise ValueError('x')\n")).failed == 1
    assert "Failed example" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["layerproof", "layerproof.proofs.functions.checks", "layerproof.symbolic.exact"])
def test_the_public_functions_have_examples(name: str) -> None:
    assert run(importlib.import_module(name)).attempted
