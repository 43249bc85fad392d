"""SymPy's expressions as formulas, in SymPy's own order of terms and factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Expr, Integer, Symbol
from sympy import fraction as parted
from sympy.printing.printer import Printer

from .build import (
    bracketed,
    call,
    equation,
    fraction,
    indexed,
    is_sum,
    named,
    number,
    power,
    product,
    row,
    summed,
    words,
)
from .formula import Formula
from .nodes import Sign


def letter(name: str) -> Formula:
    """A symbol as a paper writes it, a number behind its name as an index: C_11."""
    stem, _, index = name.rpartition("_")
    return indexed(named(stem), index) if stem and index.isdigit() else named(name)


def function(name: str, *arguments: Formula) -> Formula:
    """A function of its arguments."""
    return call(Formula(Sign("function", name)), *arguments)


def _minus(value: Any) -> bool:
    return bool(value.is_number and value.is_negative) or bool(value.is_Mul and value.args[0].is_negative)


class SympyTree(Printer):  # type: ignore[misc]
    """Makes formulas; `names` says what a symbol is written as, `functions` what a function at its arguments is."""

    _default_settings = {"order": None}  # noqa: RUF012

    def __init__(
        self,
        names: Callable[[str], Formula] = letter,
        functions: Callable[..., Formula] = function,
    ):
        super().__init__()
        self.names, self.functions = names, functions

    def __call__(self, value: Expr) -> Formula:
        """The formula of an expression."""
        made: Formula = self._print(value)
        return made

    def emptyPrinter(self, expr: Any) -> Formula:
        """What SymPy writes for what no method here is for."""
        return words(str(expr))

    def _print_Symbol(self, expr: Any) -> Formula:
        return self.names(expr.name)

    _print_Dummy = _print_Symbol

    def _print_Integer(self, expr: Any) -> Formula:
        return number(int(expr))

    def _print_Rational(self, expr: Any) -> Formula:
        shown = fraction(str(abs(expr.p)), str(expr.q))
        return row("-", shown) if expr.is_negative else shown

    def _print_Add(self, expr: Any) -> Formula:
        result: list[Formula | str] = []
        for term in self._as_ordered_terms(expr):
            result += ["-"] if _minus(term) else ["+"] if result else []
            result.append(self._print(-term if _minus(term) else term))
        return row(*result)

    def _print_Mul(self, expr: Any) -> Formula:
        if _minus(expr):
            return row("-", self._factor(-expr))
        above, below = parted(expr, exact=True)
        if below != 1:
            return fraction(self._print(above), self._print(below))
        return product(*(self._print(x) for x in expr.as_ordered_factors()))

    def _factor(self, value: Any) -> Formula:
        shown: Formula = self._print(value)
        return bracketed(shown) if is_sum(shown) else shown

    def _print_Pow(self, expr: Any) -> Formula:
        base, exponent = expr.as_base_exp()
        if _minus(exponent) and exponent.is_number:
            return fraction("1", self._print(base**-exponent))
        shown = self._print(base)
        return power(shown if base.is_Symbol or base.is_Integer else bracketed(shown), self._print(exponent))

    def _print_Function(self, expr: Any) -> Formula:
        return self.functions(str(expr.func), *map(self._print, expr.args))

    def _print_Heaviside(self, expr: Any) -> Formula:
        return indicator(equation(self._print(expr.args[0]), "0", ">="))

    def _print_KroneckerDelta(self, expr: Any) -> Formula:
        first, second = sorted(expr.args[:2], key=lambda x: x == 0)
        return indicator(equation(self._print(first), self._print(second)))

    def _print_Product(self, expr: Any) -> Formula:
        step, first, last = expr.limits[0]
        body = self._factor(expr.function.subs(step, Symbol("k")))
        return summed("k", body, self._print(first), self._print(last), "prod")


def indicator(condition: Formula) -> Formula:
    """One where a condition holds, else zero."""
    return call(words("1", "bf"), condition, brackets="[]")


_TREE = SympyTree()


def expression(value: Expr | int) -> Formula:
    """A SymPy expression, its symbols as papers write them.

    >>> expression(Symbol("gamma") ** 2 / 2 - Symbol("C_11") * (1 - Symbol("sync")))
    Formula('-C_11 (1 - sync) + gamma^2/2', '-C_{11} (1 - \\\\mathit{sync}) + \\\\frac{\\\\gamma^{2}}{2}')
    """
    return _TREE(value if isinstance(value, Expr) else Integer(value))
