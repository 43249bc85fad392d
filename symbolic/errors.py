"""The exceptions of layerproof, each with the exit code that the command line gives it."""

from __future__ import annotations

from typing import Any

from .plain_text import message as plain


class LayerproofError(Exception):
    """Base of every error that layerproof raises on purpose.

    `exit_code` is what `layerproof` exits with when the error reaches the command line.  The message is one printable
    line of bounded length, whatever names, paths and values it tells of.
    """

    exit_code = 5

    def __init__(self, *parts: object):
        super().__init__(*(plain(x) if isinstance(x, str) else x for x in parts))


class ArgumentError(LayerproofError, ValueError):
    """An argument is outside its domain: the message names it, what was given and what is wanted."""

    exit_code = 2


class WorkLimitError(ArgumentError):
    """The work asked for is above a stated limit: the message says which, and how to raise it."""


class SizesError(ArgumentError):
    """The sizes asked for are none that the algorithm is stated for: the message has the constraint."""


class ContentError(LayerproofError, ValueError):
    """A file or a value has content that cannot be used (wrong, hostile or damaged)."""

    exit_code = 4


class DeviceError(LayerproofError, RuntimeError):
    """The device asked for is not there."""

    exit_code = 4


class ZeroDivisorError(LayerproofError, ZeroDivisionError):
    """An update, a mask or a weight divides by zero at the sizes, parameters, steps or tokens that it meets."""

    exit_code = 2


class NotPolynomialError(LayerproofError, ArithmeticError):
    """An update does something that the contraction algebra cannot: a comparison, a max, a division by prompt entries.

    That alone does not rule out every layer: max(x, x) is linear.
    """

    exit_code = 4


class NotRepresentableError(LayerproofError):
    """No linear-attention layer of the form that is derived implements the update.

    `monomials` lists, in words, the terms of the update that no such head can produce.
    """

    exit_code = 4

    def __init__(self, message: str, monomials: tuple[str, ...] = ()):
        super().__init__(message)
        self.monomials = monomials


class MissingRowError(NotRepresentableError):
    """The update asks for a row or for columns that the prompt has not: the message names them and the head to add.

    constant  whether a constant row is asked for
    held      what further accumulator rows would have to hold, as scalars of the contraction algebra
    """

    def __init__(
        self, message: str, monomials: tuple[str, ...] = (), constant: bool = False, held: tuple[Any, ...] = ()
    ):
        super().__init__(message, monomials)
        self.constant, self.held = constant, held


class RefusedError(NotPolynomialError):
    """A construction's function asks something of a traced value that no polynomial answers: to be compared, hashed.

    kind      comparison, truth, lookup, hash, text, number, iteration, exponent or other
    function  which of the construction's functions asked: the update, a row
    line      where, in the file that the function is from; 0 where there is none
    witness   what shows that no layer does it, where that was found: then the construction is refuted
    """

    exit_code = 3

    def __init__(self, message: str, kind: str, function: str, line: int):
        super().__init__(message)
        self.kind, self.function, self.line = kind, function, line
        self.witness: dict[str, object] | None = None


class DiffersError(LayerproofError):
    """A construction's function gives another value at a point than the expressions that were traced from it.

    witness   the point, and both values
    """

    exit_code = 1

    def __init__(self, message: str, witness: dict[str, object]):
        super().__init__(message)
        self.witness = witness


NO_WEIGHTS = (NotRepresentableError, NotPolynomialError, DiffersError)
"""What a construction raises that has no weights, `RefusedError` among them."""
