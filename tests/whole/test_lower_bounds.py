"""scripts/lower_bounds.py and other_versions.py: what they take for a lower bound; that it runs is a stage of CI."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import lower_bounds
import other_versions


def test_every_dependency_has_one(tmp_path: Path) -> None:
    floors = lower_bounds.bounds(lower_bounds.ROOT / "pyproject.toml")
    assert {"sympy", "numpy", "python-flint", *lower_bounds.UNTRIED} <= floors.keys()
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["sympy>=1.13", "numpy"]\n')
    with pytest.raises(ValueError, match="numpy: no lower bound"):
        lower_bounds.bounds(tmp_path / "pyproject.toml")


def test_every_extra_s_bound_is_tried_or_said_to_be_untried() -> None:
    bounds = other_versions.extras(lower_bounds.ROOT / "pyproject.toml")
    tried = {package.split("==")[0] for v in other_versions.ALL for package in v.packages if "{}" in package}
    assert bounds.keys() - tried == {"playwright"} and tried <= bounds.keys()


def test_what_goes_wrong_with_a_set_is_said(tmp_path: Path) -> None:
    def wrong(_: Path) -> None:
        raise AssertionError

    versions = other_versions.Versions("no such set", (), wrong)
    assert "StopIteration" in other_versions.tried(versions, tmp_path, {})
