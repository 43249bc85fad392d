"""Where the prediction stands."""

from __future__ import annotations

from ....symbolic.derivation.form import Form
from ...formula.build import accented, call, dot, equation, indexed, row, spoken, words
from ...formula.formula import Formula
from ..assemble import prose
from ..model import Display, Section
from ..names import Names


def readout_section(form: Form) -> Section:
    """The prediction as an entry of the last prompt."""
    readout = form.readout
    sign = "minus" if readout.sign < 0 else "plus"
    symbol = Names.of(form).rows[readout.row]
    where = prose(rf"The prediction $w_L^\top q$ is {sign} the entry of row ", symbol, " in the query column:")
    return Section("readout", "Read-out", (where, Display(readout_formula(readout.sign, symbol))))


def readout_formula(sign: int, symbol: Formula) -> Formula:
    """The prediction is an entry of the last prompt, in the row with this symbol."""
    at = indexed("Z", "L")
    query = row("-" if sign < 0 else "+", spoken(call(at, symbol, words("query"), brackets="[]"),
                call(at, symbol, row("n", "+", "1"), brackets="[]")))  # fmt: skip
    value = dot(indexed("w", "L"), "q")
    return spoken(equation(value, query), row(call(accented("hat", "v"), "q"), "=", value, "=", query))
