"""What tables prescribe: formulas in l and periods, read without running them, and what is neither is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from layerproof.proofs.functions.weights import construct
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.errors import ArgumentError, ContentError, SizesError
from layerproof.symbolic.tables import entry

RULES = {
    "(l - 1) / (l + 2)": ["0", "1/4", "2/5"],
    "1 / l": ["1", "1/2", "1/3"],
    "-l * 3": ["-3", "-6", "-9"],
    "7": ["7", "7", "7"],
    ("0", "1"): ["0", "1", "0"],
    ("1/2",): ["1/2", "1/2", "1/2"],
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_gives_each_layer_its_number(rule):
    assert [entry(rule, layer, "beta") for layer in (1, 2, 3)] == [Fraction(x) for x in RULES[rule]]


@pytest.mark.parametrize(
    "rule",
    ["", "k", "l ** 2", "l(1)", "__import__('os')", "1.5", "l if l else 1", "(" * 300, "True", (), ("x",), 3, None,
     "9" * 201],
)  # fmt: skip
def test_anything_else_is_refused(rule):
    with pytest.raises(ContentError, match="beta"):
        replace(find("nesterov-td"), tables={"beta": rule})


def test_a_table_is_of_a_scalar_step_and_divides_by_no_zero():
    with pytest.raises(ContentError, match="tables names C"):
        replace(find("nesterov-td"), tables={"C": "l"})
    with pytest.raises(ContentError, match="divides by zero at layer 2"):
        entry("1 / (l - 2)", 2, "beta")


def test_other_numbers_than_the_tables_and_one_layer_for_all_are_refused():
    step = ([[1]], "1/2")
    with pytest.raises(ArgumentError, match=r"beta of preconditioners\[0\] is 1/2, but the table .* has 0 at layer 1"):
        construct("nesterov-td", d=1, n=1, layers=1, preconditioners=[step])
    with pytest.raises(SizesError, match=r"looped is asked for, but the layers of nesterov-td differ: .* beta is"):
        construct("nesterov-td", d=1, n=1, layers=2, looped=True)
