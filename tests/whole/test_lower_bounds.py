"""scripts/lower_bounds.py: what it takes for a lower bound; that the product runs at them is a stage of CI."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import lower_bounds


def test_every_dependency_has_one(tmp_path: Path) -> None:
    found = lower_bounds.bounds(lower_bounds.ROOT / "pyproject.toml")
    assert {"sympy", "numpy", "python-flint", *lower_bounds.UNTRIED} <= found.keys()
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["sympy>=1.13", "numpy"]\n')
    with pytest.raises(ValueError, match="numpy: no lower bound"):
        lower_bounds.bounds(tmp_path / "pyproject.toml")
