"""The rooms and the imports between them: a room imports rooms before it in `BOTTOM_TO_TOP`, and no others.

A room is a folder of Python files. Where a folder has rooms of its own inside, each file beside them is a room: the
nouns of `symbolic/`, the trunk of `proofs/`. Imports under TYPE_CHECKING and inside functions count.
`pytest -s tests/whole/test_rooms.py -k picture` prints the picture.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("symbolic", "numeric", "proofs")
BOTTOM_TO_TOP = """
symbolic/plain_text symbolic/errors symbolic/kinds symbolic/names symbolic/exact symbolic/copies symbolic/strict_json
symbolic/discovery symbolic/near symbolic/sizes symbolic/tables symbolic/read
symbolic/markov
symbolic/attention symbolic/readout
symbolic/transitions symbolic/algorithm symbolic/prompt symbolic/blocks symbolic/algorithms symbolic/own
symbolic/tracing
symbolic/approximation symbolic/rules
symbolic/arithmetics symbolic/derivation symbolic/construction symbolic/given symbolic/identity symbolic/own_layers
symbolic/patterns symbolic/pattern_algorithms
symbolic/convergence symbolic/invariance symbolic/recognition
numeric/device numeric/data numeric/simulation numeric/convergence numeric/lower numeric/reference numeric/rows
numeric/files numeric/exported numeric/transformer numeric/judge numeric/patterns numeric/export numeric/training
numeric/recognition
proofs/interrupts proofs/collector
proofs/posix proofs/streams proofs/witness_text proofs/verdict proofs/case proofs/sizes proofs/own proofs/counterexample
proofs/user_file
proofs/theory/axioms proofs/theory/lexer proofs/theory/prover proofs/theory/installed proofs/theory/compiled
proofs/theory/theorem
proofs/theory/audit proofs/theory/general proofs/theory/seal proofs/theory/generated
proofs/theory/patterns
proofs/theory/numbers proofs/theory/jobs proofs/theory/joined proofs/theory/check_again proofs/theory/gate
proofs/theory/audits
proofs/theory/record proofs/theory/picture proofs/evidence proofs/limit proofs/work proofs/own_claims
proofs/patterns proofs/terminal
proofs/identify
proofs/checker proofs/assertions proofs/invariance
proofs/approximation
proofs/formula
proofs/certificate proofs/report/svg proofs/report/picture_letters proofs/report/picture_bands
proofs/report/picture_curves proofs/convergence
proofs/functions proofs/sweep proofs/doctor
proofs/pytest_plugin
proofs/report/picture_prompt proofs/report/picture_theory proofs/report/picture_blocks proofs/report/picture_heat
proofs/report/model proofs/report/stated_code proofs/report/names proofs/report/layer_forms
proofs/report/notation proofs/report/assemble proofs/report/expansion proofs/report/limit_run proofs/report/decided
proofs/report/recognised
proofs/report/writers proofs/report/set_formulas proofs/report/declared proofs/report/pattern_layer
proofs/report/pattern_formulas
proofs/report/derivation proofs/export proofs/check
proofs/report/theory proofs/report/writing proofs/report/example proofs/report/picture_layer proofs/report/findings
proofs/report/layer_pictures proofs/report/verdict_words proofs/report/impossible proofs/report/lead
proofs/report/published proofs/report/sections proofs/report/overview
proofs/report/pattern_example proofs/report/pattern_worked proofs/report/pattern_page
proofs/report/index proofs/report/command_line proofs/report/build proofs/report/reporting
proofs/report/paper
proofs/report/stories proofs/report/picture_simulation proofs/report/rule_pages proofs/report/identify_page
proofs/training
proofs/audit
proofs/commands proofs/cli proofs/api
"""
ORDER = BOTTOM_TO_TOP.split()
Imports = dict[str, set[str]]


def packages(root: Path) -> dict[tuple[str, ...], Path]:
    """Every module's file by its full name; the folder `proofs/api` is the package `layerproof` itself."""
    modules = {}
    for path in sorted(p for top in FOLDERS for p in (root / top).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[2:] if parts[:2] == ("proofs", "api") else parts
        modules["layerproof", *(parts[:-1] if parts and parts[-1] == "__init__" else parts)] = path
    return modules


def _folder(path: Path) -> Path:
    return path.parent


def rooms(modules: Iterable[Path], root: Path) -> dict[Path, str]:
    """The room that each file stands in: its folder, or itself where the folder has rooms inside."""
    room_of = {}
    for folder, files in groupby(sorted(modules, key=_folder), _folder):
        name, beside_rooms = str(folder.relative_to(root)), any(folder.glob("*/__init__.py"))
        room_of.update({path: f"{name}/{path.stem}" if beside_rooms else name for path in files})
    return room_of


def imports_between_rooms(root: Path) -> Imports:
    """{room: the other rooms that it imports}."""
    modules = packages(root)
    room = rooms(modules.values(), root)
    result: Imports = {}
    for name, path in modules.items():
        here = room[path]
        result.setdefault(here, set())
        package = name if path.stem == "__init__" else name[:-1]
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            base = (*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                target = modules.get((*base, alias.name), modules.get(base))
                if target is not None and room[target] != here:
                    result[here].add(room[target])
    return {name: imports for name, imports in result.items() if not name.endswith("/__init__")}


def upward(imports: Mapping[str, set[str]], order: list[str]) -> list[str]:
    """Each import of a room that does not stand before its own, in words."""
    place = {name: k for k, name in enumerate(order)}
    return [f"{a} imports {b}" for a in imports for b in sorted(imports[a]) if place.get(b, -1) >= place.get(a, -1)]


def floors(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """The rooms by floor: each imports rooms of lower floors only. Raises `ValueError` with the rooms of a circle."""
    left, result = {a: set(b) for a, b in imports.items()}, []
    while left:
        free = sorted(a for a, needed in left.items() if not needed & left.keys())
        if not free:
            raise ValueError(f"a circle among {', '.join(sorted(left))}")
        result.append(free)
        for a in free:
            del left[a]
    return result


IMPORTS = imports_between_rooms(ROOT)


def test_every_room_imports_only_rooms_before_it() -> None:
    assert upward(IMPORTS, ORDER) == []


def test_every_room_has_its_place_in_the_order() -> None:
    assert sorted(ORDER) == sorted(IMPORTS), "give a new room its place in ORDER, after everything that it imports"


def test_the_picture_of_imports_has_no_circle() -> None:
    drawn = floors(IMPORTS)
    for number, names in reversed(list(enumerate(drawn))):
        print(f"floor {number:2}: {'  '.join(names)}")
    print(f"{len(IMPORTS)} rooms on {len(drawn)} floors, {sum(map(len, IMPORTS.values()))} arrows, no circle")


# seen to fail


def house(root: Path, **files: str) -> Path:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
        (root / folder / "__init__.py").touch()
    for name, source in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(source)
    return root


@pytest.mark.parametrize(
    "source",
    [
        "from ..upper import b",
        "from ..upper.b import x",
        "from .. import upper",
        "def f():\n    from ..upper.b import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..upper import b",
    ],
)
def test_an_upward_import_and_a_circle_are_seen(tmp_path: Path, source: str) -> None:
    root = house(tmp_path, symbolic__lower__a=source, symbolic__upper__b="from ..lower.a import y")
    imports = imports_between_rooms(root)
    assert upward(imports, ["symbolic/lower", "symbolic/upper"]) == ["symbolic/lower imports symbolic/upper"]
    with pytest.raises(ValueError, match="a circle among symbolic/lower, symbolic/upper"):
        floors(imports)


def test_files_of_one_room_may_know_each_other(tmp_path: Path) -> None:
    root = house(tmp_path, symbolic__lower__a="from .c import z", symbolic__lower__c="from . import a")
    assert imports_between_rooms(root)["symbolic/lower"] == set()


def test_a_file_beside_rooms_is_a_room(tmp_path: Path) -> None:
    root = house(tmp_path, symbolic__noun="from .lower import a", symbolic__lower__a="from ..noun import x")
    with pytest.raises(ValueError, match="symbolic/lower, symbolic/noun"):
        floors(imports_between_rooms(root))
