"""`symbols.txt` of an export: read back in numbers it is what weights.json holds, and faults in it are seen."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from cli import run_cli
from exports import edit_json, refit

from layerproof.proofs.case import Case, Settings
from layerproof.proofs.report.derivation.export_text import DERIVED, GIVEN, symbols
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.construction import Construction
from layerproof.symbolic.derivation.factor import SymbolicHead

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAVY_BALL = EXAMPLES / "heavy_ball_td.py"
SETTINGS = Settings(features=2, context=3, layers=2)
Rows = list[list[Fraction]]


def tables(text: str) -> list[dict[str, list[list[str]]]]:
    """{letter: entries in blocks, as they are printed} of each head."""
    heads: list[dict[str, list[list[str]]]] = []
    rows: list[list[str]] = []
    for line in text.split("\n4. Heads\n")[1].split("\n5. ")[0].splitlines():
        if line.startswith("  head "):
            heads.append({})
        elif line.endswith(" ="):
            rows = heads[-1][line.strip(" =")] = []
        elif line.strip():
            rows.append([x.strip() for x in line.strip().split("  ") if x.strip()])
    return [{k: [row[1:] for row in rows[1:]] for k, rows in head.items()} for head in heads]


def numbers(blocks: list[list[str]], C: Rows, beta: Fraction) -> Rows:
    """The printed blocks at d = 2, with C and beta in numbers."""
    sizes = [2, 2, 1, 1, 1]  # phi, gamma phi', 1, delta, m
    turned = [list(column) for column in zip(*C, strict=True)]
    known = {"0": Fraction(0), "1": Fraction(1), "beta": beta, "beta - 1": beta - 1}
    steps = {"C_l": (1, C), "-C_l": (-1, C), "C_l^T": (1, turned), "-C_l^T": (-1, turned)}
    lines: Rows = []
    for height, row in zip(sizes, blocks, strict=True):
        for i in range(height):
            line: list[Fraction] = []
            for width, entry in zip(sizes, row, strict=True):
                for j in range(width):
                    if entry in steps:
                        sign, matrix = steps[entry]
                        line.append(sign * matrix[i][j])
                    else:
                        value = known[entry]
                        assert value == 0 or height == width == 1
                        line.append(value)
            lines.append(line)
    return lines


def in_numbers(text: str, weights: Construction) -> bool:
    """Whether the printed heads are those of every layer."""
    for layer, (C,) in zip(weights.layers, weights.steps, strict=True):
        for head, printed in zip(layer, tables(text), strict=True):
            P, Q = (numbers(printed[x], C, Fraction(1, 3)) for x in "PQ")
            if (head.W @ head.P).fractions() != P or head.Q.fractions() != Q:
                return False
    return True


@pytest.fixture(scope="module")
def derived() -> Case:
    return Case(catalogue()["heavy-ball-td"], replace(SETTINGS, values={"beta": Fraction(1, 3)}))


def test_the_printed_heads_are_the_weights_in_every_layer(derived: Case) -> None:
    text = symbols(derived.form, False)
    assert in_numbers(text, derived.subject) and DERIVED[:22] in text and GIVEN[:19] not in text


@pytest.mark.parametrize("fault", ["dropped", "transposed"])
def test_a_block_that_is_dropped_or_transposed_is_seen(fault: str, derived: Case) -> None:
    head = derived.form.heads[0]
    assert isinstance(head, SymbolicHead)
    key = ("phi", (("C", True),), "phi")
    E = {k: x for k, x in head.E.items() if k != key}
    assert len(E) == len(head.E) - 1
    if fault == "transposed":
        E["phi", (("C", False),), "phi"] = head.E[key]
    form = replace(derived.derivation, heads=(replace(head, E=E), *derived.form.heads[1:]))
    assert not in_numbers(symbols(form, False), derived.subject)


@pytest.mark.slow
def test_given_heads_have_the_same_tables_and_are_said_to_be_given(capsys: Any, tmp_path: Path, derived: Case) -> None:
    out = tmp_path / "out"
    quick = ("-d", "2", "-n", "3", "-L", "2", "--evidence", "identity-exact")
    assert run_cli(capsys, "export", str(HEAVY_BALL), *quick, "-o", str(out)).code == 0
    text = (out / "symbols.txt").read_text()
    assert tables(text) == tables(symbols(derived.form, False))
    assert GIVEN[:35] in text and DERIVED[:22] not in text and "not forced" in text
    assert run_cli(capsys, "check", str(out)).code == 0
    for old, new in (("-C_l^T", "     0"), ("beta - 1", "1 - beta"), ("C_l^T  0", "C_l    0")):
        assert old in text
        (out / "symbols.txt").write_text(text.replace(old, new, 1))
        refit(out)
        ran = run_cli(capsys, "check", str(out))
        assert ran.code == 1 and "symbols.txt: line" in ran.out, (old, ran.out)


@pytest.mark.slow
def test_heads_that_are_no_blocks_have_no_symbols_and_none_are_believed(capsys: Any, tmp_path: Path) -> None:
    text = HEAVY_BALL.read_text().replace(
        "return [gradient, momentum]",
        "return [Head(W=None, P=h.P, Q=[[1 * x for x in row] for row in h.Q], M=h.M) for h in (gradient, momentum)]",
    )
    (tmp_path / "dense.py").write_text(text)
    out = tmp_path / "out"
    quick = ("-d", "2", "-n", "3", "-L", "2", "--evidence", "identity-exact")
    ran = run_cli(capsys, "export", str(tmp_path / "dense.py"), *quick, "-o", str(out))
    assert ran.code == 0 and not (out / "symbols.txt").exists()
    assert "no symbols.txt: the heads are known at these sizes only (heads goes through the entries" in ran.err
    (out / "symbols.txt").write_text("W = 1\n")
    edit_json(out / "config.json", lambda config: config["files"].update({"symbols.txt": {}}))
    refit(out)
    ran = run_cli(capsys, "check", str(out))
    assert ran.code == 1 and "symbols.txt: is there, but the heads are known at single sizes only" in ran.out
