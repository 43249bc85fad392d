"""Imports go one way: symbolic knows nobody, numeric knows symbolic, proofs knows both; and light things stay light."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from cli import python

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {"symbolic": {"symbolic"}, "numeric": {"symbolic", "numeric"}, "proofs": {"symbolic", "numeric", "proofs"}}
HEAVY = {"torch", "numpy", "safetensors", "rich", "cyclopts"}
OUTSIDE = {"os", "io", "pathlib", "time", "datetime", "tempfile", "subprocess", "shutil", "socket", "logging"}
FILES = sorted(p for folder in ALLOWED for p in (ROOT / folder).rglob("*.py"))


@cache
def tree(source: str) -> tuple[ast.AST, ...]:
    """Every node of a source; all files are asked several things."""
    return tuple(ast.walk(ast.parse(source)))


def package_of(path: Path) -> tuple[str, ...]:
    """The package that a file's relative imports start from."""
    parts = path.relative_to(ROOT).parts[:-1]
    return ("layerproof",) if parts == ("proofs", "api") else ("layerproof", *parts)


def imported(source: str, package: tuple[str, ...]) -> Iterator[str]:
    """The full name of everything that a source imports, wherever in it; names from a module count as the module's."""
    for node in tree(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (*package[: len(package) - node.level + 1],) if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            yield from (".".join((*module, alias.name)) for alias in node.names)


def written_out(source: str) -> set[str]:
    """The first word of every import that is not relative."""
    nodes = tree(source)
    modules = [n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module and not n.level]
    modules += [alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    return {module.split(".")[0] for module in modules}


def own_layers(source: str, package: tuple[str, ...]) -> set[str]:
    """Which of the three layers a source imports from."""
    return {name.split(".")[1] for name in imported(source, package) if name.startswith("layerproof.")} & set(ALLOWED)


def says_cuda(source: str) -> list[int]:
    """Lines whose code names the accelerator: an identifier, or a string that starts with its name."""
    lines = []
    for node in tree(source):
        names = (getattr(node, field, None) for field in ("id", "attr", "arg", "value"))
        if any(isinstance(name, str) and name.lower().startswith("cuda") for name in names):
            lines.append(node.lineno)  # type: ignore[attr-defined]
    return lines


def where(wrong: Callable[[Path], bool], folder: str = "") -> list[str]:
    """The files of the product for which something is wrong."""
    return [str(path.relative_to(ROOT)) for path in FILES if path.is_relative_to(ROOT / folder) and wrong(path)]


# which way imports go


@pytest.mark.slow
def test_a_layer_imports_itself_and_what_lies_below_it() -> None:
    def above(path: Path) -> bool:
        return not own_layers(path.read_text(), package_of(path)) <= ALLOWED[path.relative_to(ROOT).parts[0]]

    assert where(above) == []


@pytest.mark.slow
def test_product_code_imports_itself_relatively() -> None:
    assert where(lambda path: bool(written_out(path.read_text()) & {"layerproof", *ALLOWED})) == []


def test_an_import_of_the_package_by_its_name_or_by_a_folder_is_seen() -> None:
    assert written_out("import layerproof.symbolic") == written_out("from layerproof import verify") == {"layerproof"}
    assert written_out("from symbolic.derive import derive\nfrom ..numeric import draws") == {"symbolic"}


@pytest.mark.slow
def test_the_exact_layer_knows_no_floats_no_files_and_no_clock() -> None:
    def knows(path: Path) -> bool:
        tops = {name.split(".")[0] for name in imported(path.read_text(), package_of(path))}
        return bool(tops & (HEAVY | OUTSIDE))

    assert where(knows, "symbolic") == []
    assert "numeric/device.py" in where(knows, "numeric")


def test_files_are_found() -> None:
    assert {p.name for p in FILES} >= {"derive.py", "device.py", "cli.py", "td0.py", "verify.py", "__main__.py"}


@pytest.mark.parametrize(
    ("source", "package", "layers"),
    [
        ("from ..proofs import checker", ("layerproof", "symbolic"), {"proofs"}),
        ("from ..numeric.device import precision", ("layerproof", "symbolic"), {"numeric"}),
        ("from ...proofs.case import Case", ("layerproof", "symbolic", "algorithms"), {"proofs"}),
        ("from .. import proofs", ("layerproof", "numeric"), {"proofs"}),
        ("import layerproof.proofs.cli", ("layerproof", "numeric"), {"proofs"}),
        ("def f():\n    from ..proofs import cli", ("layerproof", "numeric"), {"proofs"}),
        ("from .derive import derive", ("layerproof", "symbolic"), {"symbolic"}),
        ("from ..algorithm import Algorithm", ("layerproof", "symbolic", "algorithms"), {"symbolic"}),
        ("from .proofs.cli import main", ("layerproof",), {"proofs"}),
    ],
)
def test_an_import_against_the_direction_is_seen(source: str, package: tuple[str, ...], layers: set[str]) -> None:
    assert own_layers(source, package) == layers


# the one file that knows the accelerator


@pytest.mark.slow
def test_only_the_device_module_names_the_accelerator_in_code() -> None:
    assert where(lambda path: bool(says_cuda(path.read_text()))) == ["numeric/device.py"]


@pytest.mark.parametrize("source", ["x.cuda()", "f('cuda:0')", "f(device='CUDA')", "cuda = 1", "f(cuda=True)"])
def test_the_accelerator_named_elsewhere_is_seen(source: str) -> None:
    assert says_cuda(source)


# what an import costs


def loads(statement: str) -> set[str]:
    """Which heavy modules are there after `statement` ran in a new process."""
    ran = python("-c", f"import sys\n{statement}\nprint(*sys.modules)")
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split()) & HEAVY


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "import layerproof",
        "import layerproof.symbolic.derivation.derive",
        "import layerproof; layerproof.algorithms()",
        "import layerproof; layerproof.verify('td0', d=2, n=2, layers=1, evidence=['derived', 'identity-exact'])",
    ],
)
def test_torch_is_not_loaded_before_floats_are_asked_for(statement: str) -> None:
    assert "torch" not in loads(statement)


def test_the_import_of_the_package_loads_nothing_heavy() -> None:
    assert loads("import layerproof") == set()


@pytest.mark.slow
def test_torch_is_seen_where_it_is_loaded() -> None:
    assert "torch" in loads("import layerproof.numeric.device")
