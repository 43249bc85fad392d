"""The strict algebra: values that a construction's functions can compute with, and ask nothing of.

A strict value supports the ring operations, division by scalars, powers, `@` and `.T`.  Whatever would let a file look
at a value and do something else with another one (a comparison, a truth value, a hash, a text, a number, a length)
raises `RefusedError` with function and line, and stays recorded on the tape when the file catches it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NoReturn

from ..errors import ContentError, RefusedError
from .expression import (
    MATRIX,
    MAX_EXPONENT,
    SCALAR,
    VECTOR,
    Expression,
    NodeTable,
    has_entries,
    is_exponent,
    names,
    reads_layer,
    text,
)

ADVICE = "a layer of linear attention is a polynomial map of its prompt; write it with +, -, *, / and @ only"

LAYER = (  # of heads, which are asked once for all layers
    "a number that differs from layer to layer is a scalar step (scalar_preconditioners, with tables for what it is at "
    "layer l = 1, 2, ...), in the update and in the heads, which read it as step.name"
)
EXPONENT = f"wanted a short polynomial in the index and n, of integers up to {MAX_EXPONENT}"
FIXED = (
    "it is no entry of the prompt, but a symbol all the same: the position, n and the parameters are added, multiplied "
    "and divided by, and the position and n are exponents"
)


class Tape:
    """One tracing: the table of its expressions, which function runs, and the first refusal."""

    def __init__(self) -> None:
        self.table = NodeTable()
        self.refusal: RefusedError | None = None
        self.role, self.file = "the construction", ""

    def value(self, node: Expression) -> Any:
        """The strict value of an expression."""
        return _CLASSES[node.kind](self, node)

    def name(self, source: str, name: str, kind: str, step: int = 0) -> Any:
        """The strict value of a symbol."""
        return self.value(self.table.name(source, name, kind, step))

    def run(self, role: str, function: Callable[..., Any], *args: Any) -> Any:
        """Run one of the construction's functions; a refusal in it is raised even when it was caught there."""
        self.role, code = role, getattr(function, "__code__", None)
        self.file = "" if code is None else code.co_filename
        try:
            result = function(*args)
        except BaseException:
            if self.refusal is not None:
                raise self.refusal from None
            raise
        if self.refusal is not None:
            raise self.refusal
        return result

    def refuse(self, kind: str, what: str, advice: str = ADVICE) -> NoReturn:
        """Record and raise a refusal, with the line of the construction's file that asked."""
        line, place = self._place()
        where = f" (line {line} of {place})" if line else ""
        error = RefusedError(f"{self.role} {what}{where}: {advice}", kind, self.role, line)
        if self.refusal is None:
            self.refusal = error
        raise error

    def inexact(self, value: float) -> NoReturn:
        """Refuse a float."""
        line, place = self._place()
        where = f" (line {line} of {place})" if line else ""
        error = RefusedError(
            f"{self.role} uses the float {float(value)!r}, which is no exact number{where}: "
            "write Fraction(1, 2) for 0.5, and x / j rather than (1 / j) * x",
            "number",
            self.role,
            line,
        )
        if self.refusal is None:
            self.refusal = error
        raise error

    def _place(self) -> tuple[int, str]:
        frame: Any = sys._getframe(1)
        nearest = None
        while frame is not None:
            name = frame.f_code.co_filename
            if name == self.file:
                return frame.f_lineno, _short(name)
            if name != __file__ and nearest is None:
                nearest = frame.f_lineno, _short(name)
            frame = frame.f_back
        return nearest or (0, "")

    def node(self, value: Any, kind: str, what: str) -> Expression:
        """The expression that a function returned; `ContentError` when it is of another kind or no value at all."""
        if isinstance(value, Strict):
            expression = value._node
        elif isinstance(value, float):
            self.inexact(value)
        elif isinstance(value, (int, Fraction)):
            expression = self.table.number(value + 0)
        else:
            raise ContentError(f"{what} is {type(value).__name__}, wanted a {kind}")
        if expression.kind != kind:
            raise ContentError(f"{what} is a {expression.kind}, wanted a {kind}")
        return expression


def plain(tape: Tape, value: Any) -> Expression | None:
    """An operand's expression: a strict value's, or that of an exact number; None for anything else."""
    if isinstance(value, Strict):
        return value._node
    if isinstance(value, (int, Fraction)):
        return tape.table.number(value + 0)  # a bool becomes an integer
    if isinstance(value, float):
        tape.inexact(value)
    return None


class Strict:
    """A value that is traced. Its operations are those of its subclasses; all of `REFUSED` raises."""

    __slots__ = ("_node", "_tape")
    _node: Expression
    _tape: Tape
    __array_ufunc__ = None  # numpy leaves the operation to this class

    def __init__(self, tape: Tape, node: Expression):
        object.__setattr__(self, "_tape", tape)
        object.__setattr__(self, "_node", node)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._tape.refuse("other", f"reads the attribute {name} of {text(self._node)}")

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __pos__(self) -> Any:
        return self


class StrictSummand(Strict):
    """A number or a vector that is traced: what is added, and multiplied by a number."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return _joined(self, "add", self._node, plain(self._tape, other))

    def __radd__(self, other: Any) -> Any:
        return _joined(self, "add", plain(self._tape, other), self._node)

    def __sub__(self, other: Any) -> Any:
        return _joined(self, "sub", self._node, plain(self._tape, other))

    def __rsub__(self, other: Any) -> Any:
        return _joined(self, "sub", plain(self._tape, other), self._node)

    def __mul__(self, other: Any) -> Any:
        return _joined(self, "mul", self._node, plain(self._tape, other))

    def __rmul__(self, other: Any) -> Any:
        return _joined(self, "mul", plain(self._tape, other), self._node)

    def __truediv__(self, other: Any) -> Any:
        return _joined(self, "div", self._node, plain(self._tape, other))

    def __neg__(self) -> Any:
        return _joined(self, "neg", self._node)


class StrictScalar(StrictSummand):
    """A number that is traced."""

    __slots__ = ()

    def __rtruediv__(self, other: Any) -> Any:
        return _joined(self, "div", plain(self._tape, other), self._node)

    def __pow__(self, exponent: Any, modulus: Any = None) -> Any:
        power = plain(self._tape, exponent)
        if power is None or modulus is not None:
            return NotImplemented
        if power.kind != SCALAR or not is_exponent(power):
            kind, advice = ("other", ADVICE) if has_entries(power) else ("exponent", EXPONENT)
            advice = LAYER if reads_layer(power) else advice
            self._tape.refuse(kind, f"takes a power with exponent {text(power)}", advice)
        return _joined(self, "pow", self._node, power)

    def __rpow__(self, base: Any) -> Any:
        node = plain(self._tape, base)
        return NotImplemented if node is None else self._tape.value(node) ** self


class StrictVector(StrictSummand):
    """A vector of d numbers that is traced."""

    __slots__ = ()

    def __rmatmul__(self, other: Any) -> Any:
        if isinstance(other, (tuple, list)):
            raise TypeError("weights are a tuple, of one entry a weight: write weights[0] @ x.phi, or (w,) = weights")
        if isinstance(other, (StrictScalar, int, Fraction)):
            raise TypeError(_instead("dot", [SCALAR, VECTOR]))
        return NotImplemented

    def __matmul__(self, other: Any) -> Any:
        return _joined(self, "dot", self._node, plain(self._tape, other))


class StrictMatrix(Strict):
    """A step matrix (d, d) that is traced."""

    __slots__ = ()

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, StrictMatrix):
            return _joined(self, "product", self._node, other._node)
        return _joined(self, "apply", self._node, plain(self._tape, other))

    @property
    def T(self) -> Any:
        """The transpose."""
        if self._node.op == "transpose":
            return self._tape.value(self._node.args[0])
        return _joined(self, "transpose", self._node)

    mT = T

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, StrictVector):
            self._tape.refuse("other", "multiplies a preconditioner by a vector with *: write C @ x")
        self._tape.refuse("other", "multiplies a preconditioner by a number: multiply the vector, C @ (2 * x)")

    __rmul__ = __truediv__ = __mul__


_CLASSES: dict[str, type[Strict]] = {SCALAR: StrictScalar, VECTOR: StrictVector, MATRIX: StrictMatrix}


def _joined(self: Strict, op: str, *args: Expression | None) -> Any:
    if any(a is None for a in args):
        return NotImplemented
    tape = self._tape
    try:
        node = tape.table.make(op, *(a for a in args if a is not None))
    except ContentError:
        told = _instead(op, [a.kind for a in args if a is not None])
        if told:
            raise TypeError(told) from None
        return NotImplemented  # a TypeError of Python's own, with the line
    return _CLASSES[node.kind](tape, node)


def _instead(op: str, kinds: Sequence[str]) -> str:
    """What to write in place of an operation that does not join these kinds; empty where Python's own words do."""
    match op, sorted(kinds):
        case (("add" | "sub"), ["scalar", "vector"]):
            return (
                "a number and a vector are not added: a total of vectors starts as sweep.total = 0 * w, and the dot "
                "product w @ t.phi is a number"
            )
        case "mul", ["vector", "vector"]:
            return "a vector times a vector is neither: write w @ t.phi for the dot product"
        case "dot", ["scalar", "vector"]:
            return "@ joins two vectors, or a matrix and a vector: a number times a vector is x * v"
        case "dot", ["matrix", "vector"]:
            return "the matrix stands in front: write C @ v, or C.T @ v for v @ C"
    return ""


REFUSED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("__lt__", "__le__", "__gt__", "__ge__"), ("comparison", "compares (or takes a max or min of)")),
    **dict.fromkeys(("__eq__", "__ne__"), ("comparison", "compares")),
    "__bool__": ("truth", "branches on"),
    "__hash__": ("hash", "looks up by (or hashes)"),
    "__index__": ("lookup", "counts or looks up with"),
    **dict.fromkeys(("__str__", "__repr__", "__format__", "__bytes__", "__fspath__"), ("text", "writes as text")),
    "__reduce_ex__": ("text", "writes as bytes"),
    **dict.fromkeys(("__int__", "__float__", "__complex__"), ("number", "turns into a number")),
    **dict.fromkeys(("__round__", "__trunc__", "__floor__", "__ceil__"), ("number", "rounds")),
    "__abs__": ("number", "takes the absolute value of"),
    **dict.fromkeys(
        ("__mod__", "__rmod__", "__floordiv__", "__rfloordiv__", "__divmod__", "__rdivmod__"),
        ("number", "takes a remainder of"),
    ),
    **dict.fromkeys(
        (f"__{r}{name}__" for name in ("and", "or", "xor", "lshift", "rshift") for r in ("", "r")),
        ("number", "takes the bits of"),
    ),
    "__invert__": ("number", "takes the bits of"),
    **dict.fromkeys(
        ("__iter__", "__next__", "__len__", "__length_hint__", "__reversed__", "__contains__"),
        ("iteration", "goes through the entries of"),
    ),
    **dict.fromkeys(("__getitem__", "__setitem__", "__delitem__"), ("iteration", "takes an entry of")),
    "__call__": ("other", "calls"),
}
"""Every operation that is refused: what kind it is, and how it reads in the message."""


def refusing(kind: str, what: str) -> Callable[..., Any]:
    """A method that refuses."""

    def method(self: Strict, *args: Any) -> Any:
        node = self._node
        if kind == "lookup" and node.op == "name" and (node.source, node.name) == ("sweep", "n"):
            self._tape.refuse(kind, f"{what} {text(node)}", "write `for t in sweep`, and t.index for the position")
        if kind == "iteration" and node.kind == VECTOR:
            self._tape.refuse(kind, f"{what} {text(node)}", f"the dot product is w @ t.phi; {ADVICE}")
        fixed = all(n.source in ("parameter", "sweep") or n.name == "index" for n in names([self._node]))
        advice = LAYER if reads_layer(node) else FIXED if fixed else ADVICE
        self._tape.refuse(kind, f"{what} {text(self._node)}", advice)

    return method


for _name, (_kind, _what) in REFUSED.items():
    setattr(Strict, _name, refusing(_kind, _what))


def _short(place: str) -> str:
    return place.replace("\\", "/").rpartition("/")[2]
