"""Catalogues are what a folder's modules define, and no two by one name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from layerproof.symbolic.discovery import defined


def test_modules_are_found_and_two_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "discovered_here"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for module, name in (("b", "second"), ("a", "first")):
        (folder / f"{module}.py").write_text(
            f"from types import SimpleNamespace\nONE = SimpleNamespace(name={name!r})\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    assert list(defined("discovered_here", [str(folder)], "ONE", "thing")) == ["first", "second"]
    (folder / "c.py").write_text("from discovered_here.a import ONE\n")
    with pytest.raises(RuntimeError, match="two modules define the thing first"):
        defined("discovered_here", [str(folder)], "ONE", "thing")
    for name in [x for x in sys.modules if x.startswith("discovered_here")]:
        monkeypatch.delitem(sys.modules, name)
