"""SymPy's expressions as LaTeX in the symbols of the table: coefficients, and entries of masks."""

from __future__ import annotations

from typing import Any

from sympy import Expr
from sympy.printing.latex import LatexPrinter

from ...symbolic.derivation.coefficients import INDEX, LENGTH
from .symbols import Symbols


class SympyLatex(LatexPrinter):  # type: ignore[misc]
    """SymPy's own printer with our names; its order of terms."""

    def __init__(self, symbols: Symbols, index: str = "j"):
        super().__init__({"fold_short_frac": False, "mul_symbol": None})
        self._symbols = symbols
        self._own = {
            **{name: symbols.at("parameter", name) for source, name in symbols.table if source == "parameter"},
            **{
                name: symbols.at("preconditioner", name, symbols.at("layer", "layer"))
                for source, name in symbols.table
                if source == "preconditioner"
            },
            LENGTH: symbols.at("sweep", "n"),
            INDEX: index,
        }

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        return self._own.get(str(expr.name), str(expr.name))

    def _print_Function(self, expr: Any, exp: Any = None) -> str:
        name = str(expr.func)
        if ("transition", name) not in self._symbols.table or exp is not None:
            return str(super()._print_Function(expr, exp))
        return self._symbols.at("transition", name, self._print(expr.args[0]))

    def _print_Heaviside(self, expr: Any, exp: Any = None) -> str:
        return rf"\mathbf{{1}}[{self._print(expr.args[0])} \ge 0]"

    def _print_KroneckerDelta(self, expr: Any, exp: Any = None) -> str:
        return rf"\mathbf{{1}}[{self._print(expr.args[0])} = {self._print(expr.args[1])}]"

    def __call__(self, value: Expr) -> str:
        """The LaTeX of an expression."""
        return str(self.doprint(value))
