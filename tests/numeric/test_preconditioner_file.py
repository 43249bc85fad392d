"""`--C FILE`: preconditioners of one's own, read exactly, in the weights, and checked; a wrong file is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from cli import assert_refused, run_cli

from layerproof.numeric.export.load import load
from layerproof.numeric.files.preconditioner_file import read_preconditioners
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.strict_json import dumps

QUICK = ("-d", "2", "-n", "3", "-L", "2", "--evidence", "derived", "--evidence", "identity-exact")


def write_C(path: Path, preconditioners: Any, **more: Any) -> str:
    path.write_text(
        dumps({"format": "layerproof-preconditioners", "schema": 1, "preconditioners": preconditioners, **more})
    )
    return str(path)


def test_preconditioners_of_one_s_own_are_exact_and_checked(capsys: Any, tmp_path: Path) -> None:
    C = write_C(tmp_path / "C.json", [[[["1/3", 0.1], [0, "2/7"]]], [[[1, 0], [0, "-1e-1"]]]])
    assert run_cli(capsys, "export", "td0", *QUICK, "--C", C, "--npz", "-o", str(tmp_path / "out")).code == 0
    opened = load(tmp_path / "out")
    third, tenth, one = Fraction(1, 3), Fraction(1, 10), Fraction(1)
    assert opened.construction.steps == (([[third, tenth], [0, Fraction(2, 7)]],), ([[one, 0], [0, -tenth]],))
    assert not (tmp_path / "out" / "certificate.json").exists()
    assert (
        "a certificate can be checked by anyone, with drawn preconditioners"
        in (tmp_path / "out" / "README.md").read_text()
    )
    assert run_cli(capsys, "check", str(tmp_path / "out")).code == 0


def test_a_scalar_step_and_a_looped_transformer_take_one_entry(tmp_path: Path) -> None:
    path = write_C(tmp_path / "C.json", [[[["1/3", 0], [0, "2/7"]], "1/4"]])
    algorithm = find("differential-td")
    assert algorithm.scalar_preconditioners
    ((C, step),) = read_preconditioners(path, algorithm, 2, 1)
    assert (C[0][0], step) == (Fraction(1, 3), Fraction(1, 4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is no file of preconditioners"),
        ('{"format": "layerproof-preconditioners", "schema": 2, "preconditioners": []}', "schema is '2'"),
        ('{"format": "layerproof-preconditioners", "schema": 1}', "key 'preconditioners' is missing"),
        (
            '{"format": "layerproof-preconditioners", "schema": 1, "preconditioners": [], "x": 1}',
            "key 'x' is not known",
        ),
        ('{"format": "layerproof-preconditioners", "schema": 1, "preconditioners": []}', "0 entries, wanted 2"),
        ('{"format": "layerproof-preconditioners", "schema": 1, "preconditioners": [[], []]}', "[0] is wrong"),
        ('{"format": "layerproof-preconditioners", "schema": 1, "preconditioners": [[[[1]]], [[[1]]]]}', "wrong shape"),
        (
            '{"format": "layerproof-preconditioners", "schema": 1, "preconditioners": [[[[1, "x"], [1, 1]]], 1]}',
            "[0][1] is 'x'",
        ),
        ('{"format": "layerproof-preconditioners", "schema": 1, "preconditioners": [[[[1, NaN], [1, 1]]], 1]}', "NaN"),
        ('{"format": 1, "format": 1}', "given twice"),
        ("", "is empty"),
    ],
)
def test_a_wrong_file_of_preconditioners_is_refused(text: str, message: str, capsys: Any, tmp_path: Path) -> None:
    (tmp_path / "C.json").write_text(text)
    ran = run_cli(capsys, "export", "td0", *QUICK, "--C", str(tmp_path / "C.json"), "-o", str(tmp_path / "out"))
    assert_refused(ran, 4, f"{tmp_path / 'C.json'}: ", message)
