"""What is installed is what is in the repository: packages, the names of the facade, files that come in pairs."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import tomllib
from pathlib import Path
from typing import Any

import pytest

import layerproof
from layerproof.symbolic.algorithms import catalogue

ROOT = Path(__file__).resolve().parents[2]
SETUP: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
FACADE = ast.parse((ROOT / "proofs" / "api" / "__init__.py").read_text())


def folder_of(package: str, mapping: dict[str, str]) -> Path:
    """Where a package lies, as setuptools looks it up: the longest name in the mapping, then subfolders."""
    known = max((name for name in mapping if package == name or package.startswith(f"{name}.")), key=len)
    return ROOT / mapping[known] / package[len(known) :].lstrip(".").replace(".", "/")


def folders_with_code(*tops: Path) -> set[Path]:
    return {p.parent for top in tops for p in top.rglob("__init__.py")}


def names_for_type_checkers(tree: ast.Module) -> dict[str, str]:
    """{name: module} of the imports under `if TYPE_CHECKING`, each of the form `from .m import X as X`."""
    (block,) = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    modules = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names:
            assert alias.name == alias.asname, f"{alias.name} is not exported: write `{alias.name} as {alias.name}`"
            modules[alias.name] = str(node.module)
    return modules


# packages


def test_every_folder_with_code_is_a_listed_package_and_every_listed_package_is_there() -> None:
    mapping, packages = SETUP["tool"]["setuptools"]["package-dir"], SETUP["tool"]["setuptools"]["packages"]
    assert len(set(packages)) == len(packages)
    listed = {folder_of(package, mapping) for package in packages}
    assert listed == folders_with_code(*(ROOT / top for top in ("symbolic", "numeric", "proofs")))


def test_a_folder_that_is_not_listed_is_seen(tmp_path: Path) -> None:
    (tmp_path / "symbolic" / "more").mkdir(parents=True)
    (tmp_path / "symbolic" / "more" / "__init__.py").touch()
    assert folders_with_code(tmp_path / "symbolic") == {tmp_path / "symbolic" / "more"}


def test_every_python_file_lies_in_a_package() -> None:
    for top in ("symbolic", "numeric", "proofs"):
        assert not [p for p in (ROOT / top).rglob("*.py") if not (p.parent / "__init__.py").exists()]


def test_the_root_is_no_package() -> None:
    assert not (ROOT / "__init__.py").exists() and not (ROOT / "tests" / "__init__.py").exists()


@pytest.mark.parametrize("package", SETUP["tool"]["setuptools"]["packages"])
def test_every_listed_package_can_be_imported_and_says_what_it_is(package: str) -> None:
    assert (importlib.import_module(package).__doc__ or "").strip()


def test_the_package_is_typed() -> None:
    assert SETUP["tool"]["setuptools"]["package-data"]["layerproof"] == ["py.typed"]
    assert (ROOT / "proofs" / "api" / "py.typed").exists()


def test_the_version_and_the_command_are_those_of_the_project_file() -> None:
    assert importlib.metadata.version("layerproof") == SETUP["project"]["version"]
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="layerproof")
    assert {script.name: script.value} == SETUP["project"]["scripts"]
    assert callable(script.load())


def test_warnings_are_errors_and_markers_are_strict() -> None:
    options = SETUP["tool"]["pytest"]["ini_options"]
    assert options["filterwarnings"][0] == "error"
    assert {"--strict-markers", "--strict-config"} <= set(options["addopts"]) and options["xfail_strict"] is True


# the facade


def test_the_facade_says_the_same_to_type_checkers_and_at_run_time() -> None:
    assert names_for_type_checkers(FACADE) == layerproof._HOMES
    assert layerproof.__all__ == sorted(layerproof._HOMES)
    assert set(layerproof._HOMES) <= set(dir(layerproof))


@pytest.mark.parametrize("name", sorted(layerproof._HOMES))
def test_every_name_of_the_facade_resolves_to_the_object_of_its_home(name: str) -> None:
    home = importlib.import_module(f"layerproof.{layerproof._HOMES[name]}")
    assert getattr(layerproof, name) is getattr(home, name)


def test_a_name_that_the_facade_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'layerproof' has no attribute 'verfy'"):
        _ = layerproof.verfy  # type: ignore[attr-defined]


def test_a_name_missing_on_one_side_is_seen() -> None:
    tree = ast.parse("if TYPE_CHECKING:\n    from .a import X as X\n")
    assert names_for_type_checkers(tree) == {"X": "a"}
    with pytest.raises(AssertionError, match="X is not exported"):
        names_for_type_checkers(ast.parse("if TYPE_CHECKING:\n    from .a import X\n"))


# files that come in pairs


def modules(folder: str) -> set[str]:
    return {p.stem for p in (ROOT / folder).glob("*.py")} - {"__init__"}


def test_every_algorithm_has_its_own_test_and_every_such_test_an_algorithm() -> None:
    assert {f"test_{name}" for name in modules("symbolic/algorithms")} == modules("tests/algorithms")


def test_an_algorithm_is_called_like_its_file() -> None:
    assert {name.replace("-", "_") for name in catalogue()} == modules("symbolic/algorithms")
